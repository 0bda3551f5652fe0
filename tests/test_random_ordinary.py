"""Formulas and programs as people write them, put together at random.

The other random tests reach for what is odd; these are of quotients, densities, logarithms of both,
and of the loops and arrays of small NumPy programs.
"""

import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symderive as sd

unhurried = settings(
    max_examples=int(os.environ.get("SYMDERIVE_ORDINARY_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)

NAMES = ("x", "m", "s", "a", "b", "k")

PIECES = (  # with names that differ, so that no difference is 0
    "({0} - {1})/{2}",
    "({0} + {1}*{2})**2",
    "sqrt({0}**2 + {1}**2)",
    "exp(-{0}/{1})",
    "log(1 + exp({0}))",
    "1/(1 + exp(-({0} - {1})/{2}))",
    "exp(-({0} - {1})**2/(2*{2}**2))/({2}*sqrt(2*pi))",
    "1/(1 + ({0}/{1})**2)",
    "{0}**2/({0}**2 + {1}**2)",
    "({0}/{1})**{2}",
    "atan({0}/{1})",
    "erf(({0} - {1})/({2}*sqrt(2)))",
    "{0}*exp(-{1}*{0})",
    "tanh({0}*{1} + {2})",
)

WHOLES = (
    "{0}*({1})",
    "{0}/({1})",
    "-log(1 + ({0})**2/({1})**2)",
    "exp(-{0})*({1})",
    "({0} - {1})**2/2",
    "-log(({0})**2) + {1}",
    "{0} - log({1})",
    "sqrt(1 + ({0})**2)*({1})",
)


@st.composite
def ordinary(draw):
    """The stages of a model: two pieces, the first of them a stage of its own or not."""
    pieces = [draw(st.sampled_from(PIECES)).format(*draw(st.permutations(NAMES))) for _ in range(2)]
    whole = draw(st.sampled_from(WHOLES))
    if draw(st.booleans()):
        return {"y": pieces[0], "L": whole.format("y", pieces[1])}
    return {"L": whole.format(f"({pieces[0]})", pieces[1])}


FOUND = [
    {"L": "y/log(1 + exp(x))"},
    {"y": "x/a", "L": "erf((atan(k/s) - y)/(log(1 + exp(b))*sqrt(2)))"},
    {"L": "-log(exp(-(x - m)**2/(2*s**2))/(s*sqrt(2*pi)))"},
]
"""What longer runs found."""


@pytest.mark.parametrize("stages", FOUND)
def test_found_by_longer_runs(stages):
    test_ordinary_formulas_are_derived_checked_and_compiled.hypothesis.inner_test(stages)


@unhurried
@given(ordinary())
def test_ordinary_formulas_are_derived_checked_and_compiled(stages):
    derivation = sd.derive(sd.Model(stages))
    names = {*derivation.model.names}
    for result in (*derivation.links.values(), *derivation.partials.values()):
        assert {symbol.name for symbol in result.formula.free_symbols} <= names
    assert derivation.check().passed
    assert "def value_and_gradient" in derivation.code()


LINES = (  # a new value v of vectors a, b, a matrix M and a number s; what kind it is of
    ("{v} = {M} @ {a}", "a"),
    ("{v} = np.tanh({a}) * {b}", "a"),
    ("{v} = {a} - {b}.mean()", "a"),
    ("{v} = 0.0\nfor i in range(3):\n    {v} = {v} + {a}[i] * {b}[2 - i] * {s}", "s"),
    ("{v} = {s}\nfor i in range(3):\n    {v} = np.tanh({v} + {a}[i])", "s"),
    ("{v} = np.array([np.sin({a}[i]) + {s} for i in range(3)])", "a"),
    ("{v} = np.where({a} > 0, {a}, 0.1 * {b})", "a"),
    ("{v} = np.exp({a} - np.max({a}))\n{v} = {v} / {v}.sum()", "a"),
    ("{v} = np.zeros(3)\nfor i in range(3):\n    {v}[i] = {a}[i]**2 + {b}[(i + 1) % 3]", "a"),
    ("{v} = np.outer({a}, {b}) + {M}", "M"),
    ("{v} = np.linalg.solve({M} @ {M}.T + 2*np.eye(3), {a})", "a"),
    ("{v} = np.concatenate([{a}[1:], {b}[:1]])", "a"),
    ("{v} = np.cumsum({a})[::-1]", "a"),
    ("{v} = sum(p * q for p, q in zip({a}, {b}))", "s"),
    ("{v} = 0.0\nfor i in range(3):\n    for j in range(i):\n"
     "        {v} += ({a}[i] - {a}[j])**2 * {b}[j]", "s"),
    ("{v} = []\nfor i in range(3):\n    {v}.append({a}[i] / (1 + {b}[i]**2))\n"
     "{v} = np.array({v})", "a"),
    ("{v} = np.roll({a}, 1) - 2*{a} + np.roll({a}, -1)", "a"),
    ("{v} = np.sum({M} * np.outer({a}, {b}), axis=1)", "a"),
)  # fmt: skip


@st.composite
def programs(draw):
    """A function of two vectors, a matrix and a number."""
    known = {"a": ["x", "y"], "b": ["x", "y"], "M": ["A"], "s": ["c"]}
    lines: list[str] = []
    for number in range(draw(st.integers(2, 4))):
        template, kind = draw(st.sampled_from(LINES))
        words = {k: draw(st.sampled_from(names)) for k, names in known.items()}
        lines += template.format(v=f"v{number}", **words).splitlines()
        for k in ("a", "b") if kind == "a" else (kind,):
            known[k].append(f"v{number}")
    vector, number = (draw(st.sampled_from(known[k][-2:])) for k in "as")
    lines.append(f"return np.log(1 + {vector} @ {vector}) + {number}")
    return "\n".join(["import numpy as np", "def f(x, y, A, c):", *(f"    {s}" for s in lines)])


@unhurried
@given(programs(), st.integers(0, 99))
def test_small_programs_have_the_gradient_of_differences(text, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("program", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        model = sd.trace(module.f, x="3", y="3", A="3 3", c="", parameters=["x", "y", "A", "c"])
    noise = np.random.default_rng(seed)
    values = {"x": noise.normal(size=3), "y": noise.normal(size=3)}
    values |= {"A": noise.normal(size=(3, 3)), "c": noise.normal()}
    loss, gradient = sd.derive(model).function()(**values)
    assert loss == pytest.approx(module.f(**values), rel=1e-10)
    step = {name: noise.normal(size=np.shape(value)) for name, value in values.items()}
    above, below = (
        module.f(**{name: value + h * step[name] for name, value in values.items()})
        for h in (1e-6, -1e-6)
    )
    along = sum(np.sum(gradient.get(name, 0.0) * step[name]) for name in values)
    assert along == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-6)
