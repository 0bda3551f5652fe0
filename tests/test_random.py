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
