"""What a formula needs for a value: conditions of its parts, and what they say of its names."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sympy import Add, And, Basic, Expr, Mul, Ne, Piecewise, Pow, Symbol, cosh, exp, sech
from sympy.core.relational import Relational

from symderive.formulas.functions import function_of

THE_POWER = "the power"
"""What a document calls a power with letters in its exponent."""


def conditions_of(formula: Basic) -> Iterator[tuple[Relational, str]]:
    """What the parts of a formula need, and which part needs it.

    What SymPy decides by itself needs no telling: log(1 + eˣ) is not 0.
    """
    if isinstance(formula, Piecewise):  # a branch's own conditions hold where the branch does
        return
    for arg in formula.args:
        yield from conditions_of(arg)
    needed = [*_of_power(formula)] if isinstance(formula, Pow) else []
    row = function_of(formula)
    if row is not None:
        parts = sorted(And.make_args(row.domain_condition(*formula.args)), key=str)
        needed += [(part, f"the {row.title}") for part in parts]
    for condition, reason in needed:
        if isinstance(condition, Relational):
            yield _normal(condition), reason


def _of_power(formula: Pow) -> Iterator[tuple[Basic, str]]:
    base, exponent = formula.args
    if base.is_number:
        return
    if not exponent.is_Integer:
        strict = not (exponent.is_Rational and exponent > 0)
        condition = base > 0 if strict else base >= 0
        yield condition, "the root" if exponent.is_Rational else THE_POWER
    elif exponent.is_negative:
        for factor in Mul.make_args(base):
            if not factor.is_number:
                yield Ne(factor, 0), "the denominator"


def _normal(condition: Relational) -> Relational:
    """The relation with 0 on its right, as ``left > 0`` or ``left >= 0``."""
    if condition.rel_op in ("<", "<="):
        condition = condition.reversed
    left, right = condition.lhs, condition.rhs
    if right == 0:
        return condition
    return condition.func(left - right, 0, evaluate=False)


def positive_in(formula: Expr) -> frozenset[Symbol]:
    """The names that are not negative wherever a formula has a value, by its roots and logarithms.

    A power with letters in its exponent says nothing: they may stand for whole numbers.

    >>> from sympy import log
    >>> s, x, n = Symbol("s"), Symbol("x"), Symbol("n")
    >>> sorted(map(str, positive_in(x**n - log(s))))
    ['s']
    """
    found = conditions_of(formula)
    return frozenset(
        condition.args[0]
        for condition, reason in found
        if condition.rel_op in (">", ">=")
        and isinstance(condition.args[0], Symbol)
        and reason != THE_POWER
    )


_POSITIVE = (exp, cosh, sech)


def is_positive(formula: Expr, positive: Collection[Expr] = frozenset()) -> bool:
    """Whether a formula is positive for every real value of its names, by its form alone.

    Args:
        formula: The formula.
        positive: Names that are known to be positive.

    >>> x = Symbol("x")
    >>> is_positive(1 + exp(-x) + x**2), is_positive(1 + x), is_positive(1 + x, {x})
    (True, False, True)
    """
    if formula in positive or isinstance(formula, _POSITIVE):
        return True
    if formula.is_number:
        return bool(formula.is_positive)
    if isinstance(formula, Add):
        firm = [is_positive(term, positive) for term in formula.args]
        others = (t for t, sure in zip(formula.args, firm, strict=True) if not sure)
        return any(firm) and all(_is_not_negative(term, positive) for term in others)
    if isinstance(formula, Mul):
        return all(is_positive(factor, positive) for factor in formula.args)
    if isinstance(formula, Pow):
        return is_positive(formula.base, positive) and formula.exp.is_real is not False
    return False


def _is_not_negative(formula: Expr, positive: Collection[Expr]) -> bool:
    if isinstance(formula, Mul):
        return all(_is_not_negative(factor, positive) for factor in formula.args)
    if isinstance(formula, Pow) and formula.exp.is_even:
        return True
    return is_positive(formula, positive) or formula == 0
