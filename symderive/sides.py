"""Formulas with branches on either side of what their branches ask the sign of.

At a kink the derivative is a convention: relu′(0) is 0, ½ or 1, as one likes. An answer that takes
the value of either side there, or their mean, is the derivative wherever there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from sympy import Basic, Eq, Expr, Integer, Ne, Piecewise, S, expand, preorder_traversal
from sympy.core.relational import Relational

from symderive.formulas.functions import FUNCTIONS, function_of
from symderive.formulas.written import evaluated
from symderive.formulas.zero_test import is_zero

ABS: Any = FUNCTIONS["abs"].function
SIGN: Any = FUNCTIONS["sign"].function
STEP: Any = FUNCTIONS["heaviside"].function

BESIDE = "equal by exact algebra on every side of the kinks, where the value is a convention"

MOST_KINKS = 4
"""Kinks whose sides are told apart in one formula."""

Bounds = dict[Basic, tuple[Expr, int]]
"""A modulus, a sign, a step or a condition: what changes its sign there, and which way."""


def in_pieces(formula: Basic) -> Basic:
    """The formula with its kinked primitives by their pieces: |u| is u·sign(u), max a choice."""
    if not formula.args:
        return formula
    args = [in_pieces(arg) for arg in formula.args]
    row = function_of(formula)
    if row is not None and row.name == "abs":
        return args[0] * FUNCTIONS["sign"].apply(args[0])
    if row is not None and row.is_defined and row.name not in STEPS:
        return in_pieces(evaluated(row.definition_formula(*args)))
    return formula.func(*args)


STEPS = frozenset({"sign", "floor", "ceil", "round", "trunc", "heaviside"})
"""Functions that are constant between their jumps."""


def on_sides(formula: Expr) -> tuple[Expr, tuple[Expr, Expr, Expr]] | None:
    """What a formula asks the sign of, and the formula above, below and at 0; None for more.

    >>> from sympy.abc import x
    >>> on_sides(Piecewise((x, x > 1), (1, True)) + ABS(2 - 2 * x))
    (x - 1, (3*x - 2, 3 - 2*x, 1))
    """
    bounds = bounds_of(formula)
    kinks = {bound for bound, _ in bounds.values()}
    if len(kinks) != 1:
        return None
    (kink,) = kinks
    above, below, here = (on_side(formula, bounds, {kink: sign}) for sign in (1, -1, 0))
    return kink, (above, below, here)


def kinks_of(formula: Basic) -> frozenset[Expr]:
    """What changes its sign at the kinks and jumps of a formula; an equality has no sides.

    >>> from sympy.abc import x
    >>> kinks_of(FUNCTIONS["relu"].apply(2 - 2 * x))
    frozenset({x - 1})
    """
    bounds = bounds_of(in_pieces(formula)).items()
    return frozenset(row[0] for part, row in bounds if not isinstance(part, Eq | Ne))


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
    bounds = bounds_of(whole)
    kinks = sorted({bound for bound, _ in bounds.values()}, key=str)
    if not 0 < len(kinks) <= MOST_KINKS or not all(map(is_kink, kinks)):
        return False
    sides = (dict(zip(kinks, signs, strict=True)) for signs in product((1, -1), repeat=len(kinks)))
    return all(is_zero(on_side(whole, bounds, side)) for side in sides)


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
    bounds = bounds_of(part)
    for kink in {bound for bound, _ in bounds.values()}:
        mine = {inner: row for inner, row in bounds.items() if row[0] == kink}
        here, above, below = (on_side(part, mine, {kink: sign}) for sign in (0, 1, -1))
        if not any(is_zero(here - side) for side in (above, below, (above + below) / 2)):
            return False
    return True


def bounds_of(formula: Basic) -> Bounds:
    """Where the branches of a formula change."""
    found: Bounds = {}
    for part in preorder_traversal(formula):
        if isinstance(part, (ABS, SIGN, STEP)):
            found[part] = _upright(part.args[0])
        elif isinstance(part, Relational):
            found[part] = _upright(part.lhs - part.rhs)
    return {part: row for part, row in found.items() if row[0].free_symbols}


def _upright(formula: Expr) -> tuple[Expr, int]:
    """A formula and its sign as a multiple of one that stands for it and its negative."""
    plain = expand(formula).as_content_primitive()[1]
    return (-plain, -1) if plain.could_extract_minus_sign() else (plain, 1)


def on_side(formula: Expr, bounds: Bounds, side: Mapping[Expr, int]) -> Expr:
    """The formula on one side of each kink, or at it."""
    values: dict[Basic, Basic] = {}
    for part, (bound, turned) in bounds.items():
        sign = Integer(side[bound] * turned)
        if isinstance(part, ABS):
            values[part] = sign * part.args[0]
        elif isinstance(part, SIGN):
            values[part] = sign
        elif isinstance(part, STEP):
            values[part] = _at_zero(part) if sign == 0 else (S.One if sign == 1 else S.Zero)
        else:
            values[part] = part.func(sign, 0)
    found: Expr = formula.xreplace(values)
    return found


def _at_zero(step: Expr) -> Basic:
    row = FUNCTIONS["heaviside"]
    return (*step.args, *row.default_values(len(step.args)))[1]
