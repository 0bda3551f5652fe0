"""Apply the rules: a formula → the tree of steps."""

from __future__ import annotations

from sympy import Expr, Symbol

from symderive.formulas.written import tidy
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
