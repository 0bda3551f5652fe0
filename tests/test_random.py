"""Random formulas: no wrong line, no line without a certificate, no hang."""

import os
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpmath import isfinite, mp, mpf
from strategies import NAMES, formulas
from sympy import Symbol

import symderive as sd
from symderive.certify import witness
from symderive.checking import forward
from symderive.sampling import number_at

SLOW = 8.0
"""Seconds of the processor after which a formula counts as a hang."""

unhurried = settings(
    max_examples=int(os.environ.get("SYMDERIVE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


FOUND = [
    # the stage's own formula below a derivative that is still to be taken is not the stage
    "sigmoid(z*asinh(sqrt(1 + z**2))) - (log(1 + (z - z)**2)/(1 + x**2))**4",
    # values beside which the next one has no digits at all
    "gamma(1 + (sqrt(1 + y**2)*gamma(1 + (sign(z)"
    " - sqrt(1 + ((1 + z**2)**sin(erf(z)))**2))**2))**2)",
    # the variable acts beside functions out of reach, under steps, or far out on a tail
    "silu(tanh(x)*gamma(1 + (8**4 + (1 + sign(y)**2)**sin(sqrt(1 + erf(y)**2)))**2))",
    "gamma(1 + (elu(y)**4 - (gamma(1 + (17 - x**4)**2) - gamma(1 + gamma(1 + x**2)**2))**2)**2)",
    "abs(sqrt(1 + y**6)*gamma(1 + ((sqrt(1 + x**6) - gamma(10))/(1 + sign(z)**2))**2))",
    "tanh(gamma(1 + abs(y)**2)/(1 + z**2) + exp(sqrt(1 + gamma(50)**2)/(1 + z**2)))",
    "(2 + relu(y)**3)*softplus(gamma(1 + (65 + sin(z))**2) + y)",
    "sqrt(1 + x**2)/(1 + sin(elu(tanh(z)) + gamma(1 + (216 - gamma(1 + y**2))**2))**2)",
]
"""What longer runs of random formulas found."""


@pytest.mark.parametrize("text", FOUND)
def test_found_by_longer_runs(text):
    derivation = sd.derive(sd.Model({"f": text}))
    for name in derivation.sources:
        for line in derivation.link("f", name).lines:
            assert line.certificate.passed, line.formula


@unhurried
@given(formulas(), st.sampled_from(NAMES))
def test_every_line_is_certified(text, name):
    start = time.process_time()
    derivation = sd.derive(sd.Model({"f": f"{text} + 0*{name}"}), sources=[name])
    link = derivation.link("f", name)

    assert [line.certificate.verdict for line in link.lines if not line.certificate.passed] == []
    assert time.process_time() - start < SLOW


@unhurried
@given(formulas(kinks=False), st.sampled_from(NAMES))
def test_the_result_is_sympys(text, name):
    model = sd.Model({"f": f"{text} + 0*{name}"})
    link = sd.derive(model, sources=[name]).link("f", name)
    truth = witness(model.stages["f"].formula, Symbol(name))
    point = {"x": mpf("0.61"), "y": mpf("-1.27"), "z": mpf("2.03")}
    stages = {**point, "f": number_at(model.stages["f"].formula, point)}
    mine, theirs = number_at(link.formula, stages), number_at(truth, point)

    with mp.workdps(50):
        if isfinite(theirs):
            assert abs(mine - theirs) <= mpf(10) ** -25 * max(1, abs(theirs))


@st.composite
def graphs(draw):
    """A random graph of stages with forks: each uses inputs and earlier stages."""
    stages = {}
    for k in range(draw(st.integers(2, 6))):
        text = draw(formulas(kinks=False, leaves=4))
        for name in NAMES:  # later stages take earlier ones in the place of inputs
            earlier = list(stages)
            if earlier and draw(st.booleans()):
                text = re.sub(rf"\b{name}\b", draw(st.sampled_from(earlier)), text)
        stages[f"s{k}"] = text
    stages["out"] = " + ".join(f"{k + 1}*{name}" for k, name in enumerate(stages)) + " + x"
    return stages


@unhurried
@given(graphs())
def test_graphs_agree_with_differences(stages):
    report = sd.derive(sd.Model(stages)).check()

    wrong = [c for c in (*report.lines, *report.gradient) if c.certificate.verdict == "refuted"]
    assert wrong == [], str(report)


CALLS = ("{}", "exp({})", "sigmoid({})", "1/(1 + exp(-{}))", "tanh({})", "erf({})")
MULTIPLES = ("{}", "2*{}", "{}/3", "-{}", "1 - {}", "1 + {}", "{} - 1", "log(1 + ({})**2)")
"""What a stage makes of the one before: its number meets the stable forms of the one after."""


@st.composite
def staged(draw):
    """A short chain of stages, each a multiple or a complement of a function of the one before."""
    stages = {"s0": draw(formulas(kinks=False, leaves=2))}
    for k in range(1, draw(st.integers(3, 5))):
        inner = draw(st.sampled_from(CALLS)).format(f"s{k - 1}")
        stages[f"s{k}"] = draw(st.sampled_from(MULTIPLES)).format(inner)
    return stages


@unhurried
@given(staged())
def test_the_emitted_function_agrees_with_the_model(stages):
    model = sd.Model(stages)
    derivation = sd.derive(model)
    inputs = {"x": 0.61, "y": -1.27, "z": 2.03}
    inputs = {name: inputs[name] for name in derivation.sources if name in inputs}
    here, step = {name: mpf(value) for name, value in inputs.items()}, mpf(10) ** -60
    with mp.workdps(200):
        exact = forward(model, here, 200)[derivation.target]
        slopes = {}
        for name in inputs:
            sides = [
                forward(model, {**here, name: here[name] + far}, 200)[derivation.target]
                for far in (-step, step)
            ]
            slopes[name] = (sides[1] - sides[0]) / (2 * step)
    if not all(isfinite(v) and abs(v) < 1e200 for v in (exact, *slopes.values())):
        return

    value, gradient = derivation.function()(**inputs)

    largest = max(1, *(abs(slope) for slope in slopes.values()), abs(exact))
    assert value == pytest.approx(float(exact), rel=1e-6, abs=1e-9 * float(largest))
    for name, slope in slopes.items():
        assert gradient[name] == pytest.approx(float(slope), rel=1e-6, abs=1e-9 * float(largest))
