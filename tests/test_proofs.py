"""What the exact normal form proves, and what it must not."""

from __future__ import annotations

import pytest
from sympy import Expr, Symbol

from symderive.certify import certify
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse

EQUAL = (
    ("sin(x + a)", "sin(x)*cos(a) + cos(x)*sin(a)"),
    ("cos(4*x)", "8*cos(x)**4 - 8*cos(x)**2 + 1"),
    ("tan(x + a)", "(tan(x) + tan(a))/(1 - tan(x)*tan(a))"),
    ("sin(x/2)**2", "(1 - cos(x))/2"),
    ("exp(-(x + a)**2)", "exp(-x**2)*exp(-2*a*x)*exp(-a**2)"),
    ("cosh(exp(-a - x))", "cosh(exp(-a)*exp(-x))"),
    ("cos(x*(1 - x))", "cos(x - x**2)"),
    ("erf(sinh(x)*cosh(x))", "erf(sinh(2*x)/2)"),
    ("log(x**2 + x)", "log(x) + log(1 + x)"),
    ("erf((x**2 - 1)/(x - 1))", "erf(x + 1)"),
    ("sqrt(1 + 1/x**4)", "sqrt(x**4 + 1)/x**2"),
    ("sqrt(1 + x**2/4)", "sqrt(4 + x**2)/2"),
    ("sqrt(x**3)", "x*sqrt(x)"),
    ("sqrt(x**6 + 1)", "sqrt(x**2 + 1)*sqrt(x**4 - x**2 + 1)"),
    ("1/sqrt(1 - x**2)", "sqrt(1 - x**2)/((1 - x)*(1 + x))"),
    ("sqrt(1 - x)*sqrt(1 + x)", "sqrt(1 - x**2)"),
    ("sqrt(a**2*x**2)", "abs(a)*abs(x)"),
    ("sqrt(x**2*(1 + a))", "abs(x)*sqrt(1 + a)"),
    ("sqrt(1 + sqrt(1/x**4 + 1))", "sqrt(x**2 + sqrt(1 + x**4))/abs(x)"),
    ("sqrt((1 + x)*exp(2*a))", "sqrt(1 + x)*exp(a)"),
    ("abs(x)/x", "sign(x)"),
    ("x*sign(x)", "abs(x)"),
    ("abs(x)*abs(a)", "a*x*sign(a)*sign(x)"),
    ("sqrt(a**2*x**2)/x", "abs(a)*sign(x)"),
)

DIFFERENT = (
    ("sqrt(x**2)", "x"),
    ("sqrt(a*x)*sqrt(a*y)", "a*sqrt(x*y)"),  # not for a, x, y < 0
    ("sqrt(x**2 - 1)", "x*sqrt(1 - 1/x**2)"),
    ("sqrt(x**2*(x + 2))", "x*sqrt(x + 2)"),
    ("abs(x - 1)/x", "sign(x - 1)"),
    ("sin(x + a)", "sin(x)*cos(a) - cos(x)*sin(a)"),
    ("exp(-(x + a)**2)", "exp(-x**2)*exp(2*a*x)*exp(-a**2)"),
)


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_formulas_are_proved_equal(left: str, right: str) -> None:
    assert certify(*map(formula, (left, right))).verdict == "proved"


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_formulas_are_not(left: str, right: str) -> None:
    assert certify(*map(formula, (left, right))).verdict == "refuted"


def test_a_name_known_to_be_positive_has_no_sign() -> None:
    sides = formula("sqrt(1 - x**2/a**2)"), formula("sqrt(a**2 - x**2)/a")
    assert certify(*sides).verdict == "refuted"
    assert certify(*sides, positive=frozenset({Symbol("a")})).verdict == "proved"


def formula(text: str) -> Expr:
    return parse(text, FUNCTIONS).formula


def test_what_holds_but_at_one_point_is_not_proved() -> None:
    assert certify(formula("sign(x)**2"), formula("1")).verdict != "proved"


def test_a_number_that_a_branch_asks_for_is_sampled() -> None:
    chosen = formula("where(t == 1, 3*sin(x)**2, besselj(0, x))")
    assert certify(chosen, formula("where(t == 1, sin(x)**2, besselj(0, x))")).verdict == "refuted"
