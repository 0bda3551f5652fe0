"""Apply the rules: a formula → the tree of steps; what is differentiated by logarithms."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Mul, Pow, S, Symbol, exp, log

from symderive.formulas.written import factors, product, sum_of, tidy
from symderive.rules import CONSTANT_NAMES, Conclusion, conclude, conclusion_of, find_rule
from symderive.steps import Rule, Step


def differentiate(formula: Expr, variable: Symbol, *, avoid: frozenset[str] = frozenset()) -> Step:
    """Differentiate by named rules.

    Args:
        formula: A formula, best as written (unevaluated): the rule follows the form.
        variable: The symbol to differentiate by.
        avoid: Names of rules to pass over, where another way was asked for.

    Raises:
        NoRuleError: No row of the table matches a part of the formula.

    >>> x = Symbol("x")
    >>> step = differentiate(x**3, x)
    >>> step.rule.name, step.result
    ('power rule', 3*x**2)
    """
    memo: dict[Expr, Step] = {}

    def visit(part: Expr) -> Step:
        if part not in memo:
            rule, bindings, conclusion = find_rule(part, variable, avoid)
            premises = tuple(visit(u) for name, u in bindings if name not in CONSTANT_NAMES)
            results = tuple(premise.result for premise in premises)
            result = _apply(part, rule, bindings, conclusion, results)
            memo[part] = Step(rule, part, variable, result, bindings, premises)
        return memo[part]

    return visit(formula)


def _apply(
    formula: Expr,
    rule: Rule,
    bindings: tuple[tuple[str, Expr], ...],
    conclusion: Conclusion | None,
    results: tuple[Expr, ...],
) -> Expr:
    if conclusion is not None:
        return tidy(conclusion(formula, bindings, results))
    moving = [name for name, _ in bindings if name not in CONSTANT_NAMES]
    return conclude(rule, bindings, dict(zip(moving, results, strict=True)))


def concluded(step: Step, results: tuple[Expr, ...]) -> Expr:
    """What a step concludes from the derivatives of its premises."""
    conclusion = conclusion_of(step.rule, step.formula)
    return _apply(step.formula, step.rule, step.bindings, conclusion, results)


def logarithm_of(formula: Expr) -> Expr:
    """The logarithm of a product of powers, as a sum: log(u²v/w) = 2 log u + log v − log w."""
    return sum_of(*_logarithms(formula, S.One))


def _logarithms(formula: Expr, times: Expr) -> Iterator[Expr]:
    """The terms of times·log(formula)."""
    for factor in factors(formula):
        if isinstance(factor, exp):
            yield tidy(product(times, factor.args[0]))
        elif isinstance(factor, Pow):
            yield from _logarithms(factor.base, tidy(product(times, factor.exp)))
        elif isinstance(factor, Mul):
            yield from _logarithms(factor, times)
        else:
            yield product(times, log(factor))
