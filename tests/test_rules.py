"""Every rule row three ways: its own example, SymPy's diff, high-precision differences."""

import pytest
from mpmath import mp, mpf
from sympy import Function, Symbol, stieltjes

from symderive.certify import witness
from symderive.differentiate import differentiate
from symderive.errors import NoRuleError
from symderive.formulas.evaluate import derivative
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.functions import ROWS as FUNCTION_ROWS
from symderive.formulas.inert import Diff
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated
from symderive.rules import ROWS, find_rule, function_rule
from symderive.sampling import number_at
from symderive.telling import levels

X = Symbol("x")


def written(text):
    return parse(text, FUNCTIONS).written


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule.name)
def test_example_reaches_its_own_row(row):
    rule, _, _ = find_rule(written(row.example), X)

    assert rule is row.rule


SMOOTH = [row for row in ROWS if row.rule.name != "branch rule"]  # that one has numbers below


@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.rule.name)
def test_row_agrees_with_sympy(row):
    formula = written(row.example)
    truth = witness(formula, X)
    gap = (differentiate(formula, X).result - truth).evalf(40, subs={X: "1.7"})

    assert abs(gap) < 1e-30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule.name)
@pytest.mark.parametrize("at", ["0.37", "1.9"])
def test_row_agrees_with_differences(row, at):
    formula = written(row.example)
    point = {"x": mpf(at)}
    mine = number_at(evaluated(differentiate(formula, X).result), point)
    theirs = derivative(evaluated(formula), "x", point)

    assert abs(mine - theirs) <= mpf(10) ** -22 * max(1, abs(theirs))


@pytest.mark.parametrize("row", FUNCTION_ROWS, ids=lambda row: row.name)
def test_named_function_has_a_rule_that_states_its_partials(row):
    count = row.arity()[0] or 1
    count = max(count, 2 if row.variadic else 1)
    rule = function_rule(row, count)

    assert rule.name == f"derivative of {row.title}"
    assert all(str(s).rstrip("'") in {"u", "v", "w", "s", "t"} for s in rule.right.free_symbols)


def test_every_level_has_the_same_value():
    formula = written("sin(x**2)*exp(-x)/(1 + x**2)")
    point = {"x": mpf("0.83")}
    values = [number_at(evaluated(line), point) for line, _, _ in levels(differentiate(formula, X))]

    with mp.workdps(40):
        assert max(values) - min(values) < mpf(10) ** -22
    assert len(values) >= 3


def test_a_function_without_a_rule_is_named():
    with pytest.raises(NoRuleError, match=r"no rule differentiates stieltjes\(x\)"):
        differentiate(stieltjes(X), X)


def test_undefined_functions_differentiate_formally():
    f = Function("f")
    step = differentiate(f(X**2), X)

    assert str(evaluated(step.result)) == "2*x*f'(x**2)"
    assert not step.result.has(Diff)
