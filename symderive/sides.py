"""Whether an answer is right on every side of the kinks of the truth.

At a kink the derivative is a convention: relu′(0) is 0, ½ or 1, as one likes. An answer that takes
the value of either side there, or their mean, is the derivative wherever there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from sympy import Basic, Expr, Integer, Piecewise, S, preorder_traversal
from sympy.core.relational import (
    GreaterThan,
    LessThan,
    StrictGreaterThan,
    StrictLessThan,
)

from symderive.certify import in_pieces
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.zero_test import is_zero

SIGN: Any = FUNCTIONS["sign"].function
STEP: Any = FUNCTIONS["heaviside"].function
ABOVE = (StrictGreaterThan, GreaterThan)
BELOW = (StrictLessThan, LessThan)

BESIDE = "equal by exact algebra on every side of the kinks, where the value is a convention"

MOST_KINKS = 4
"""Kinks whose sides are told apart in one formula."""

Bounds = dict[Basic, tuple[Expr, int]]
"""A sign, a step or a condition: what changes its sign there, and which way."""


def kinks_of(formula: Basic) -> frozenset[Expr]:
    """What changes its sign at the kinks and jumps of a formula.

    >>> from sympy.abc import x
    >>> kinks_of(FUNCTIONS["relu"].apply(2 - 2 * x))
    frozenset({1 - x})
    """
    return frozenset(bound for bound, _ in _bounds(in_pieces(formula)).values())


def zero_beside(formula: Expr, is_kink: Callable[[Expr], bool]) -> bool:
    """Whether a formula is proved zero wherever no kink is; False: it is not known.

    Args:
        formula: The difference of an answer and the truth.
        is_kink: Whether what changes its sign does so at a kink of the truth; the answer has to
            be right where only the answer has one.

    >>> from sympy.abc import x
    >>> steps = Piecewise((1, x >= 0), (0, True)) - STEP(x, Integer(1) / 2)
    >>> zero_beside(steps, [x].__contains__), zero_beside(steps, [].__contains__)
    (True, False)
    """
    whole = in_pieces(formula)
    bounds = _bounds(whole)
    kinks = sorted({bound for bound, _ in bounds.values()}, key=str)
    if not 0 < len(kinks) <= MOST_KINKS or not all(map(is_kink, kinks)):
        return False
    sides = (dict(zip(kinks, signs, strict=True)) for signs in product((1, -1), repeat=len(kinks)))
    return all(is_zero(_on(whole, bounds, side)) for side in sides)


def takes_sides(claim: Basic) -> bool:
    """Whether each part with branches has at its kinks what it has beside them, or the mean.

    >>> from sympy.abc import x
    >>> takes_sides(Piecewise((1, x > 0), (0, True))), takes_sides(SIGN(x))
    (True, True)
    >>> takes_sides(Piecewise((1, x > 0), (0, x < 0), (7, True)))
    False
    """
    return all(map(_takes_sides, _branching(in_pieces(claim))))


def _branching(formula: Basic) -> Iterator[Expr]:
    """The outermost parts of a formula in pieces that have branches."""
    if isinstance(formula, (Piecewise, SIGN, STEP)):
        yield formula
        return
    for arg in formula.args:
        yield from _branching(arg)


def _takes_sides(part: Expr) -> bool:
    bounds = _bounds(part)
    for kink in {bound for bound, _ in bounds.values()}:
        mine = {inner: row for inner, row in bounds.items() if row[0] == kink}
        here, above, below = (_on(part, mine, {kink: sign}) for sign in (0, 1, -1))
        if not any(is_zero(here - side) for side in (above, below, (above + below) / 2)):
            return False
    return True


def _bounds(formula: Basic) -> Bounds:
    """Where the branches of a formula in pieces change; equalities change nothing on a side."""
    found: Bounds = {}
    for part in preorder_traversal(formula):
        if isinstance(part, (SIGN, STEP)):
            found[part] = _upright(part.args[0])
        elif isinstance(part, ABOVE + BELOW):
            found[part] = _upright(part.lhs - part.rhs)
    return found


def _upright(formula: Expr) -> tuple[Expr, int]:
    """A formula and its sign as a multiple of one that stands for it and its negative."""
    plain = formula.as_content_primitive()[1]
    return min(((plain, 1), (-plain, -1)), key=lambda row: (len(str(row[0])), str(row[0])))


def _on(formula: Expr, bounds: Bounds, side: Mapping[Expr, int]) -> Expr:
    """The formula on one side of each kink, or at it."""
    values: dict[Basic, Basic] = {}
    for part, (bound, turned) in bounds.items():
        sign = side[bound] * turned
        if isinstance(part, SIGN):
            values[part] = Integer(sign)
        elif isinstance(part, STEP):
            values[part] = _at_zero(part) if sign == 0 else Integer(sign > 0)
        elif sign == 0:
            values[part] = S.true if isinstance(part, (GreaterThan, LessThan)) else S.false
        else:
            values[part] = S.true if (sign > 0) == isinstance(part, ABOVE) else S.false
    found: Expr = formula.xreplace(values)
    return found


def _at_zero(step: Expr) -> Basic:
    row = FUNCTIONS["heaviside"]
    return (*step.args, *row.default_values(len(step.args)))[1]
