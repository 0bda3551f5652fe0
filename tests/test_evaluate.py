"""Values to any number of digits: against numbers from the literature and mpmath's own."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from symderive.errors import ValueMissingError
from symderive.formulas.evaluate import (
    GUARD,
    _in_steps,
    derivative,
    evaluate,
    evaluated_in,
    tracked,
)
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import Diff
from symderive.formulas.parsing import parse

X, Y = sp.symbols("x y")


def formula(text):
    return parse(text, FUNCTIONS).formula


def agree(mine, theirs, digits=45):
    return abs(mine - theirs) <= mpf(10) ** -digits * abs(theirs)


def high(function, *args):
    with mp.workdps(400):
        return function(*map(mpf, args))


CANCELLING = [
    ("1 - sigmoid(x)", {"x": 500}, lambda: 1 / (1 + mp.exp(500))),
    ("log(1 + x)", {"x": "1e-100"}, lambda: mpf("1e-100") - mpf("1e-200") / 2),
    ("log(1 - sigmoid(x))", {"x": 300}, lambda: -300 - mp.log1p(mp.exp(-300))),
    ("binary_cross_entropy(sigmoid(x), 1)", {"x": 400}, lambda: mp.log1p(mp.exp(-400))),
    ("atanh(1 - exp(-x))", {"x": 300}, lambda: (mp.log(2 - mp.exp(-300)) + 300) / 2),
    ("(1 - cos(x))/x**2", {"x": "1e-40"}, lambda: mpf(1) / 2 - mpf("1e-80") / 24),
    ("tanh(x) - 1", {"x": 600}, lambda: -2 / (mp.exp(1200) + 1)),
    ("norm_cdf(x)", {"x": -40}, lambda: mp.erfc(40 / mp.sqrt(2)) / 2),
    ("2*norm_cdf(x) - 2 + 2*norm_cdf(-x)", {"x": 178}, lambda: mpf(0)),
    ("erfc(-x) - 2 + erfc(x + 1)", {"x": 3}, lambda: mp.erfc(4) - mp.erfc(3)),
    ("x + 10**200 - 10**200", {"x": 3}, lambda: mpf(3)),
    ("floor(3*(1/3 + x) - 3*x)", {"x": "0.1"}, lambda: mpf(1)),
    ("where(exp(log(x)) >= x, 1, 2)", {"x": 7}, lambda: mpf(1)),
    ("relu(sigmoid(x) - 1/2)", {"x": "1e-120"}, lambda: mpf("1e-120") / 4),
]


@pytest.mark.parametrize(("text", "values", "truth"), CANCELLING)
def test_digits_survive_cancellation(text, values, truth):
    assert agree(evaluate(formula(text), values), high(truth))


UNDEFINED = [
    ("log(x)", -1), ("sqrt(x)", -1), ("1/x", 0), ("asin(x)", 2), ("log(sin(x))", 4),
    ("x**(1/3)", -8), ("where(log(x) > 0, 1, 2)", -1), ("acosh(x)", 0), ("max(x, log(x))", -2),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at"), UNDEFINED)
def test_undefined_is_nan(text, at):
    assert mp.isnan(evaluate(formula(text), {"x": at}))


LIMITS = [
    ("log(x)", 0, -mp.inf),
    ("1/x**2", 0, mp.inf),
    ("exp(x)", -mp.inf, 0),
    ("x", mp.inf, mp.inf),
]


@pytest.mark.parametrize(("text", "at", "value"), LIMITS)
def test_infinities_pass(text, at, value):
    assert evaluate(formula(text), {"x": at}) == value


OUT_OF_REACH = [
    "exp(exp(exp(x)))",
    "sin(exp(exp(x)))",
    "x**exp(exp(x))",
    "gamma(exp(exp(x)))",
    "erfc(exp(exp(x)))",
    "acosh(exp(exp(x)))",
]


@pytest.mark.parametrize("text", OUT_OF_REACH)
def test_numbers_out_of_reach_are_nan(text):
    assert mp.isnan(evaluate(formula(text), {"x": 30}))


@pytest.mark.parametrize(("text", "value"), [("tanh", 1), ("erf", 1), ("sigmoid", 1)])
def test_functions_settle_at_huge_arguments(text, value):
    assert agree(evaluate(formula(f"{text}(x)"), {"x": "1e300"}), mpf(value))


def test_a_logarithm_takes_any_argument():
    assert agree(evaluate(formula("log(exp(exp(x)))"), {"x": 30}), high(lambda: mp.exp(30)))


@pytest.mark.parametrize("name", ["sin", "asin", "tanh", "atanh", "expm1", "log1p", "erf"])
def test_tiny_arguments_keep_their_digits(name):
    mine = evaluate(formula(f"log({name}(exp(-exp(x))))"), {"x": 30})
    shift = mp.log(2 / mp.sqrt(mp.pi)) if name == "erf" else 0

    assert agree(mine, high(lambda: shift - mp.exp(30)), 14)


def test_an_exact_zero_asks_for_no_more_bits(monkeypatch):
    asked = []
    plain = tracked._bare
    monkeypatch.setattr(
        tracked,
        "_bare",
        lambda name, numbers, bits: asked.append(bits) or plain(name, numbers, bits),
    )

    assert evaluate(formula("relu(x)*digamma(2 + x**2)"), {"x": -1.3}) == 0
    assert evaluate(formula("digamma(x + 1) - digamma(x) - 1/x"), {"x": 1.3}) == 0
    assert asked[0] < 300
    assert max(asked) < 2000  # digamma at 6000 bits takes seconds


def test_precisions_are_few():
    used = {_in_steps(int(digits * 3.33) + GUARD) for digits in range(5, 51)}

    assert len(used) == 1


def test_a_phase_beyond_all_precision_is_unknown():
    assert mp.isnan(evaluate(formula("sin(10*x)"), {"x": "1e3000"}))


def test_sympys_own_functions_have_values():
    whole = sp.Max(X, Y) + sp.Abs(Y) + sp.sign(Y) + sp.floor(X) + sp.Heaviside(X) + sp.pi

    assert agree(evaluate(whole, {"x": 2.5, "y": -1}), high(lambda: mpf(6.5) - 1 + mp.pi - 0))


def test_kinds_of_values():
    tenth = evaluate(10 * X, {"x": "0.1"})

    assert tenth == 1
    assert evaluate(10 * X, {"x": 0.1}) != 1  # a float is what it is, not what it is written as
    assert evaluate(X, {"x": sp.Rational(1, 4)}) == 0.25
    assert evaluate(X, {"x": mpf(0.25)}) == 0.25


@pytest.mark.parametrize("digits", [5, 15, 50, 200])
def test_as_many_digits_as_asked_for(digits):
    mine = evaluate(formula("exp(x)*sin(x)"), {"x": 2}, digits)

    assert agree(mine, high(lambda: mp.exp(2) * mp.sin(2)), digits)


@pytest.mark.parametrize(
    ("broken", "message"),
    [(X + Y, "no value is given for y"), (Diff(X**2, X), "not yet taken"),
     (sp.Function("f")(X), "unknown function")],
)  # fmt: skip
def test_what_has_no_value_is_named(broken, message):
    with pytest.raises(ValueMissingError, match=message):
        evaluate(broken, {"x": 1})


def test_precision_of_mpmath_is_left_alone():
    before = mp.mp.prec
    evaluate(formula("1 - sigmoid(x)"), {"x": 300})

    assert mp.mp.prec == before


def test_deep_formulas_do_not_recurse():
    deep = X
    for _ in range(3000):
        deep = sp.sin(deep, evaluate=False)

    assert mp.isfinite(evaluate(deep, {"x": 1}, 15))


@settings(max_examples=60, deadline=None)
@given(st.floats(-300, 300), st.floats(-300, 300))
def test_sums_of_near_numbers(x, y):
    mine = evaluate(formula("exp(x) - exp(y)"), {"x": x, "y": y})

    assert agree(mine, high(lambda x, y: mp.exp(x) - mp.exp(y), x, y))


# Derivatives ------------------------------------------------------------------------------

SLOPES = [
    ("x**3", 2, lambda: mpf(12)),
    ("x**2", 0, lambda: mpf(0)),
    ("x**3", 0, lambda: mpf(0)),
    ("sigmoid(x)", 40, lambda: 1 / (2 + mp.exp(40) + mp.exp(-40))),
    ("sigmoid(x)", 500, lambda: 1 / (2 + mp.exp(500) + mp.exp(-500))),
    ("log(x)", 1e-9, lambda: 1 / mpf(1e-9)),
    ("log(x)", "1e-300", lambda: mpf("1e300")),
    ("relu(x)", "1e-9", lambda: mpf(1)),
    ("x*abs(x)", 0, lambda: mpf(0)),
    ("5 + 0*x", 3, lambda: mpf(0)),
    ("hardsigmoid(x)", 7, lambda: mpf(0)),
    ("exp(x)", 100, lambda: mp.exp(100)),
    ("sin(x)", "1e9", lambda: mp.cos(mpf("1e9"))),
]


@pytest.mark.parametrize(("text", "at", "truth"), SLOPES)
def test_derivative(text, at, truth):
    assert agree(derivative(formula(text), "x", {"x": at}), high(truth), 40)


@pytest.mark.parametrize(
    ("text", "at"),
    [("abs(x)", 0), ("relu(x)", 0), ("sign(x)", 0), ("floor(x)", 3), ("sqrt(x)", 0),
     ("max(x, 2)", 2), ("log(x)", -1), ("where(x > 1, x, 2*x)", 1), ("cbrt(x)", 0)],
)  # fmt: skip
def test_derivative_is_nan_at_kinks_jumps_and_edges(text, at):
    assert mp.isnan(derivative(formula(text), "x", {"x": at}))


STEEP = [
    ("exp(gamma(x**4 + 1))", "4*x**3*gamma(x**4 + 1)*digamma(x**4 + 1)*exp(gamma(x**4 + 1))"),
    ("exp(10**100/(1 + x**2))", "-2*10**100*x/(1 + x**2)**2*exp(10**100/(1 + x**2))"),
    ("(abs(x) + 10**1000)**3", "3*(abs(x) + 10**1000)**2"),
    ("abs(x) + exp(10**90)", "1"),
]


@pytest.mark.parametrize(("text", "slope"), STEEP)
def test_a_step_is_short_enough_for_what_is_steep_and_constants_drown_nothing(text, slope):
    """Values have up to 10³⁰⁰ digits before the point; too long a step would say: flat."""
    point = {"x": 3.58553}

    assert agree(derivative(formula(text), "x", point), evaluate(formula(slope), point), 40)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("tanh(10**400*x)", 1), ("erfc(-(10**400)*x)", 2), ("1 - exp(-(10**400)*x)", 1)],
        ("x**2 + 4 - 2*x*2", 0),
    ],
)
def test_far_out_on_a_tail_a_function_is_its_limit(text, value):
    assert evaluate(parse(text, FUNCTIONS).formula, {"x": 2}) == value


@pytest.mark.parametrize("text", ["exp(-(10**400)*x)", "1 - tanh(10**400*x)", "sin(10**(2000*x))"])
def test_what_has_no_digits_left_is_nan(text):
    assert mp.isnan(evaluate(parse(text, FUNCTIONS).formula, {"x": 2}))


def test_whole_powers_of_exact_numbers_are_exact() -> None:
    u = sp.Symbol("u")
    for formula in (1 - sp.sign(u) ** 2, 9 - sp.ceiling(u) ** 2, sp.floor(u) ** 3 - 8):
        assert evaluate(formula, {"u": "2.3"}, 20) == 0
        assert evaluated_in(formula, {"u": "2.3"}) == (0, 1)
