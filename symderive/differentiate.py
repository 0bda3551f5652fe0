"""Apply the rules: a formula → the tree of steps, and the lines that a reader sees."""

from __future__ import annotations

from sympy import Expr, Symbol

from symderive.formulas.inert import Diff
from symderive.formulas.written import tidy
from symderive.rules import (
    CONSTANT_NAMES,
    LINEAR,
    Conclusion,
    conclude,
    conclusion_of,
    depends,
    find_rule,
)
from symderive.steps import Rule, Step

SILENT = frozenset({"constant rule", "identity rule"})
"""Rules that need no mention."""


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


def unfolded(step: Step, level: int, *, fold: bool = True) -> Expr:
    """The derivative with the rules of the first ``level`` levels applied.

    What lies deeper stays a ``Diff``. With ``fold``, linear rules cost no level: a reader applies
    them at sight.
    """
    linear = fold and step.rule.name in LINEAR
    if level == 0 and not linear:
        return Diff(step.formula, step.variable)
    inner = level if linear else level - 1
    results = tuple(unfolded(premise, inner, fold=fold) for premise in step.premises)
    return concluded(step, results)


def concluded(step: Step, results: tuple[Expr, ...]) -> Expr:
    """What a step concludes from the derivatives of its premises."""
    conclusion = conclusion_of(step.rule, step.formula)
    return _apply(step.formula, step.rule, step.bindings, conclusion, results)


def levels(
    step: Step, *, fold: bool = True
) -> list[tuple[Expr, tuple[str, ...], tuple[Step, ...]]]:
    """The lines of a derivation: formula, names of the rules applied, and their steps.

    >>> x = Symbol("x")
    >>> for formula, reasons, _ in levels(differentiate(x**2 + 3*x, x)): print(formula, reasons)
    Diff(x**2 + 3*x, x) ()
    2*x + 3 ('sum rule', 'constant multiple rule', 'power rule')
    """
    lines: list[tuple[Expr, tuple[str, ...], tuple[Step, ...]]] = [
        (Diff(step.formula, step.variable), (), ())
    ]
    for level in range(200):
        formula = unfolded(step, level, fold=fold)
        applied = tuple(_applied(step, level, fold=fold))
        if formula != lines[-1][0]:
            steps = tuple(dict.fromkeys(applied))
            lines.append((formula, reasons(steps), steps))
        if not formula.has(Diff):
            break
    # Linear rules that leave one derivative to take share a line with what takes it.
    if fold and len(lines) > 2 and lines[1][1] and LINEAR.issuperset(lines[1][1]):
        formula, _, first = lines.pop(1)
        if len(formula.atoms(Diff)) == 1:
            steps = (*first, *lines[1][2])
            lines[1] = (lines[1][0], reasons(steps), steps)
        else:
            lines.insert(1, (formula, reasons(first), first))
    return lines


def _applied(step: Step, level: int, *, fold: bool) -> list[Step]:
    """The steps that are applied exactly at this level."""
    linear = fold and step.rule.name in LINEAR
    if linear:
        here = [step] if level == 0 else []
        return here + [s for p in step.premises for s in _applied(p, level, fold=fold)]
    if level == 0:
        return []
    if level == 1:
        folded = [s for p in step.premises for s in _applied(p, 0, fold=fold)]
        return [step, *folded]
    return [s for p in step.premises for s in _applied(p, level - 1, fold=fold)]


def reasons(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The names of the rules, and the chain rule where an inner function moves."""
    names: dict[str, None] = {}
    for step in steps:
        if step.rule.name in SILENT:
            continue
        names[step.rule.name] = None
        inner = [p for p in step.premises if depends(p.formula, step.variable)]
        chained = step.rule.name.startswith("derivative of") or step.rule.name in CHAINED
        if chained and any(p.formula != step.variable for p in inner):
            names["chain rule"] = None
    return tuple(names)


CHAINED = frozenset({"power rule", "square root rule", "exponential rule"})
"""Rules that take an inner function: where it is not the variable itself, the chain rule acts."""
