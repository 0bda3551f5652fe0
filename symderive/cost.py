"""What a form of a formula costs a reader: the stated measure by which closed forms are chosen.

Operations are counted as a person counts them: a sum of n terms is n − 1 operations, a quotient is
one, a number times a power of one name (3x²) is one, a leading minus is half; a function costs two,
so that stage names come before kernels. Among equals the form with the shorter text wins, then the
one reached by fewer rewritings.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

from sympy import Add, Expr, Mul, Piecewise, Pow, S, Symbol

FUNCTION = 2.0
SCATTERED, COMPOUND = 0.25, 1.25
"""What a sum of terms with a common factor pays, and a fraction with fractions over a sum."""
MINUS = 0.5
ALL_MINUS = 0.25
"""What a sum of nothing but minuses pays: y(−a − 1) is −y(a + 1)."""
UNFACTORED = 1.25
"""A number that all terms of a factor share, and that stands before a product for one operation."""


@lru_cache(maxsize=50_000)
def cost(formula: Expr) -> float:
    """The cost of a formula.

    >>> from sympy import symbols
    >>> x, y, z = symbols("x y z")
    >>> cost(x*(y - z)), cost(3*x**2), cost(x/y)
    (2.0, 1.0, 1.0)
    """
    if not formula.args:
        return MINUS if formula.is_Number and formula.is_negative else 0.0
    if isinstance(formula, Add):
        total = sum(cost(term) for term in formula.args) + len(formula.args) - 1
        minuses = sum(_leading_minus(term) for term in formula.args)
        total += ALL_MINUS if minuses == len(formula.args) else 0.0
        return total - MINUS * min(minuses, len(formula.args) - 1)  # a − b is one operation
    if isinstance(formula, Mul):
        return _product_cost(formula)
    if isinstance(formula, Pow):
        exponent = 0.0 if formula.exp.is_Number else cost(formula.exp)
        return cost(formula.base) + 1.0 + exponent
    if isinstance(formula, Piecewise):
        return sum(cost(branch) + FUNCTION for branch, _ in formula.args)
    return FUNCTION + sum(cost(arg) for arg in formula.args if isinstance(arg, Expr))


def _leading_minus(term: Expr) -> bool:
    first = term.args[0] if isinstance(term, Mul) else term
    return bool(first.is_Number and first.is_negative)


def _product_cost(formula: Expr) -> float:
    number = [f for f in formula.args if f.is_Number]
    rest = [f for f in formula.args if not f.is_Number]
    minus = MINUS if number and number[0].is_negative else 0.0
    plain = not number or abs(number[0]) == 1
    if len(rest) == 1 and not plain:
        power = rest[0]
        base = power.base if isinstance(power, Pow) and power.exp.is_Integer else power
        if isinstance(base, Symbol):
            return 1.0 + minus  # 3x² and 2/x are one thing to a reader
    above = [f for f in rest if not _is_below(f)]
    below = [f for f in rest if _is_below(f)]
    whole = [*above, *(f.base for f in below if f.exp.is_Integer)]
    total = minus + sum(cost(f) for f in above) + UNFACTORED * sum(map(_has_content, whole))
    total += sum(cost(f.base) + (1.0 if f.exp != -1 else 0.0) for f in below)
    count = len(above) + (0 if plain else 1)
    total += max(count - 1, 0) + max(len(below) - 1, 0)
    return total + (1.0 if below else 0.0)


def _has_content(factor: Expr) -> bool:
    """Whether the terms of a sum share a number: x(2a + 4b) is 2x(a + 2b), (1/2 − x/2)/y is half.

    Fractions keep theirs: y(4/x + 2/(x + 1)).
    """
    if not isinstance(factor, Add):
        return False
    if any(_is_below(part) for term in factor.args for part in Mul.make_args(term)):
        return False
    numbers = [term.as_coeff_Mul()[0] for term in factor.args]
    if all(n.is_Integer for n in numbers):
        return gcd(*(int(n) for n in numbers)) > 1
    return len({abs(n) for n in numbers}) == 1


def _is_below(factor: Expr) -> bool:
    return isinstance(factor, Pow) and bool(factor.exp.is_Number and factor.exp.is_negative)


@lru_cache(maxsize=50_000)
def scattered(formula: Expr) -> float:
    """What a sum pays whose terms share a factor: g − g·v²/c²; and a fraction with fractions in it.

    >>> from sympy.abc import g, v
    >>> scattered(g - g * v**2), scattered(g * (1 - v**2)), scattered((1 - g/v) / (1 - v))
    (0.25, 0.0, 1.25)
    """
    parts = Mul.make_args(formula)
    above = [term for part in parts if part.is_Add for term in part.args]
    below = _below(formula)
    paid = SCATTERED if any(map(_shares, parts)) else 0.0
    if len(parts) > 1 and below and any(map(_below, above)):
        paid += COMPOUND if any(part.has(Add) for part in below) else SCATTERED
    return paid


def _below(formula: Expr) -> list[Expr]:
    """What a product divides by, as it is printed: e⁻ˣ is no fraction."""
    number = formula.as_coeff_Mul()[0]
    found = [part.base for part in Mul.make_args(formula) if _is_below(part)]
    return found if getattr(number, "q", 1) == 1 else [S(number.q), *found]


def _shares(factor: Expr) -> bool:
    """Whether the terms of a sum, or of one below the bar, share a factor."""
    base = factor.as_base_exp()[0]
    if not base.is_Add:
        return False
    sides = [
        {(part.as_base_exp()[0], _is_below(part)) for part in Mul.make_args(term)}
        for term in base.args
    ]
    return any(not shared.is_Number for shared, _ in set.intersection(*sides))
