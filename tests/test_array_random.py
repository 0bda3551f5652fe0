"""Random array models against the scalar engine at concrete sizes, and against JAX."""

import os
import random

import pytest
from array_strategies import INPUTS, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Symbol

import symderive as sd
from symderive.array_points import entries_of
from symderive.array_tape import with_gradient

SIZES = {"m": 3, "n": 2}

unhurried = settings(
    max_examples=int(os.environ.get("SYMDERIVE_ARRAY_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def array_model(stages):
    """The stages as an array model, every input of which is a parameter."""
    model = sd.Model({name: made.text for name, made in stages.items()}, shapes=INPUTS, target="L")
    return sd.derive(model)


def values_of(model, seed):
    noise = random.Random(seed)

    def drawn(shape):
        if not shape:
            return round(noise.uniform(-1, 1), 3)
        return [drawn(shape[1:]) for _ in range(shape[0])]

    sizes = {name: tuple(SIZES[s] for s in shape.split()) for name, shape in INPUTS.items()}
    return {name: drawn(sizes[name]) for name in model.names if name in INPUTS}


def flat(name, value):
    """The entries of an array, by names that a scalar model can have."""
    if not isinstance(value, list):
        return {name: value}
    return {k: v for i, part in enumerate(value) for k, v in flat(f"{name}_{i}", part).items()}


def scalar_model(model, values):
    """The model at concrete sizes: each entry of each stage is a stage of its own."""

    def renamed(text):
        return text.replace("[", "_").replace(",", "_").replace("]", "")

    entries = entries_of(model, ("L",), SIZES)
    stages = {}
    for rows in entries.stages.values():
        for name, formula in rows:
            names = {s: Symbol(renamed(s.name)) for s in formula.free_symbols}
            stages[renamed(name)] = formula.xreplace(names) + 0 * Symbol("c")
    inputs = {k: v for name, value in values.items() for k, v in flat(name, value).items()}
    return sd.Model(stages, parameters=inputs, target="L")


def entry(value, name):
    at = [int(k) for k in name.split("_")[1:]]
    for k in at:
        value = value[k]
    return float(value)


@unhurried
@given(models(depth=1), st.integers(0, 99))
def test_gradients_are_those_of_the_scalar_engine(stages, seed):
    derivation = array_model(stages)
    values = values_of(derivation.model, seed)
    loss, gradient = derivation.function()(**values)
    scalar = sd.derive(scalar_model(derivation.model, values))
    expected, theirs = scalar.function()()

    assert loss == pytest.approx(expected, rel=1e-10, abs=1e-12)
    for name, value in theirs.items():
        mine = entry(gradient[name.split("_")[0]], name)
        assert mine == pytest.approx(value, rel=1e-8, abs=1e-10), name


@unhurried
@given(models(depth=1), st.integers(0, 99))
def test_checks_pass(stages, seed):
    report = array_model(stages).check()

    assert report.passed, report
    assert report.gradient


@unhurried
@given(models(depth=1), st.data())
def test_hessians_are_those_of_the_scalar_engine(stages, data):
    derivation = array_model(stages)
    names = derivation.model.parameters
    one, other = (data.draw(st.sampled_from(names)) for _ in "12")
    values = values_of(derivation.model, 1)
    scalar = sd.derive(scalar_model(derivation.model, values))
    second = derivation.second("L", one, other).evaluate(**values)
    choice = [data.draw(st.sampled_from(sorted(flat(n, values[n])))) for n in (one, other)]
    at = [int(k) for name in choice for k in name.split("_")[1:]]
    mine = float(second[tuple(at)] if at else second)

    theirs = scalar.hessian("L", [*dict.fromkeys(choice)]).evaluate()
    assert mine == pytest.approx(float(theirs[0][-1]), rel=1e-8, abs=1e-10)


FOUND = [
    ("c/(2 + d**2) + sum(x)", {}),  # a power of a sum below a fraction
    ("sum((x[1:]*c + x[:-1]*d)**2)", {}),  # one index put along two axes
    ("sum(cumsum(x)*(B @ v))", {}),  # cases under a sum
    ("sum(cholesky(B)**3)", {"B": "positive definite"}),  # cases under a nested sum
    ("sum(B @ B.T @ B)", {"B": "symmetric"}),
    ("logdet(B) + x @ inv(B) @ x", {"B": "positive definite"}),
    ("sum(max(A, axis=1)*y)", {}),
    ("sum(diag(x) @ C)", {}),
    ("sum(outer(x, v)**2*B)", {}),
]
"""Losses that once went wrong, and what is known of their inputs."""


@pytest.mark.parametrize(("loss", "properties"), FOUND)
def test_what_once_was_wrong_is_right(loss, properties):
    shapes = {name: shape for name, shape in INPUTS.items() if name not in ("c", "d")}
    derivation = sd.derive(sd.Model({"L": loss}, shapes=shapes, properties=properties))
    report = derivation.check()

    assert report.passed, report


SECOND = [row for row in FOUND if "cholesky" not in row[0]]
"""Those of which a second derivative is quick."""


@pytest.mark.parametrize(("loss", "properties"), SECOND)
def test_their_second_derivatives_are_right(loss, properties):
    shapes = {name: shape for name, shape in INPUTS.items() if name not in ("c", "d")}
    derivation = sd.derive(sd.Model({"L": loss}, shapes=shapes, properties=properties))
    source = derivation.sources[0]
    model, name = with_gradient(derivation, "L", source)

    assert sd.derive(model, name, [source]).check().passed


@pytest.mark.frameworks
@settings(unhurried, max_examples=10)
@given(models(depth=1), st.integers(0, 99), st.data())
def test_gradients_and_hessians_are_those_of_jax(stages, seed, data):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    derivation = array_model(stages)
    values = values_of(derivation.model, seed)
    arrays = {name: jax.numpy.asarray(value, dtype=float) for name, value in values.items()}

    def loss(env):
        known = dict(env)
        for name, made in stages.items():
            known[name] = made.run(jax.numpy, known)
        return known["L"]

    value, gradient = derivation.function()(**values)
    assert float(value) == pytest.approx(float(loss(arrays)), rel=1e-10, abs=1e-12)
    theirs = jax.grad(loss)(arrays)
    for name in derivation.sources:
        difference = abs(gradient[name] - theirs[name]).max()
        assert difference <= 1e-8 * max(1, abs(theirs[name]).max()), name

    one, other = (data.draw(st.sampled_from(derivation.model.parameters)) for _ in "12")
    mine = derivation.second("L", one, other).evaluate(**values)
    hessian = jax.hessian(loss)(arrays)[one][other]
    assert abs(mine - hessian).max() <= 1e-8 * max(1, abs(hessian).max())


def test_what_a_form_speaks_of_beside_the_target_is_computed_too():
    stages = {"S": "sum(A, axis=0)", "T": "abs(v)*mean(A, axis=0)", "L": "sum(T*T)"}
    model = sd.Model(stages, shapes={"A": "m n", "v": "n"}, target="L")
    derivation = sd.derive(model)
    value, gradient = derivation.function()(A=[[1.0, 2.0], [3.0, 6.0]], v=[1.0, -1.0])

    assert str(derivation.partial("L", "v").matrix) == "2*T*S*sign(v)/m"
    assert value == 20.0
    assert gradient["v"].tolist() == [8.0, -32.0]
