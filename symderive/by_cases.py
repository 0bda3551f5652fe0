"""A claim with branches proved by cases: on either side of what its branches ask, and between.

At a kink the derivative is a convention: there an answer may have the value of either side, or
their mean. Where the truth has no kink, all of these are its value.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, Mul, Piecewise, S, Symbol, Tuple, expand, together
from sympy.core.relational import Relational

from symderive.formulas.zero_test import is_zero
from symderive.sides import ABS, SIGN, STEP, bounds_of, in_pieces, on_side

ROOM = 6
"""What branches ask, one after the other, before nothing is known."""

MAX_FACTS = 60
"""Inequalities that follow from others before nothing is known."""

Facts = tuple[Expr, ...]
"""What is positive."""


def equal_by_cases(
    claim: Expr, truth: Expr, known: Sequence[Expr], moving: frozenset[Symbol]
) -> bool:
    """Whether a claim is proved to be right, whatever its value at kinks; False: it is not known.

    Args:
        claim: The claim.
        truth: The truth.
        known: What is known to be positive.
        moving: What is differentiated by: a branch that does not ask for it has no kink there,
            and what it gives is no convention.

    >>> from sympy.abc import d, x
    >>> from symderive.formulas.functions import FUNCTIONS
    >>> inner, most = FUNCTIONS["max"].apply(x, -d), FUNCTIONS["min"]
    >>> huber = Piecewise((x, FUNCTIONS["abs"].apply(x) < d), (d * SIGN(x), True))
    >>> claims = most.apply(inner, d), inner
    >>> [equal_by_cases(claim, huber, [d], frozenset([x])) for claim in claims]
    [True, False]
    """

    def equal(claim: Expr, truth: Expr, facts: Facts, room: int) -> bool:
        bounds = bounds_of(Tuple(claim, truth))
        inner = {bound for bound, _ in bounds.values() if not bound.has(SIGN, STEP, Piecewise)}
        if not inner or not room:
            return not inner and bool(is_zero(claim - truth))
        kink = min(inner, key=str)
        mine = {part: row for part, row in bounds.items() if row[0] == kink}
        above, below, here = (
            [on_side(side, mine, {kink: sign}) for side in (claim, truth)] for sign in (1, -1, 0)
        )
        for sign, pair in ((1, above), (-1, below)):
            more = (*facts, sign * kink)
            if possible(more) and not equal(pair[0], pair[1], more, room - 1):
                return False
        there = _solved(_without_divisors(kink, facts))
        known = tuple(fact.xreplace(there) for fact in facts)
        beside = (above[0], below[0], (above[0] + below[0]) / 2)
        ways = (here[1], *(beside if kink.free_symbols & moving else ()))
        return not possible(known) or any(
            equal(here[0].xreplace(there), way.xreplace(there), known, room - 1) for way in ways
        )

    pairs = dict.fromkeys(((claim, truth), (_in_squares(claim), _in_squares(truth))))
    return any(equal(in_pieces(c), in_pieces(t), tuple(known), ROOM) for c, t in pairs)


def _in_squares(formula: Basic) -> Basic:
    """The formula with |u| > 2 as u² > 4, whatever the sign of the relation.

    >>> from sympy.abc import x
    >>> _in_squares(Piecewise((x, ABS(x) > 2), (0, True)))
    Piecewise((x, x**2 > 4), (0, True))
    """
    if isinstance(formula, Relational):
        size, number = formula.args if isinstance(formula.args[0], ABS) else formula.args[::-1]
        if isinstance(size, ABS) and number.is_number and number.is_nonnegative:
            sides = {size: size.args[0] ** 2, number: number**2}
            return formula.func(*(sides[side] for side in formula.args))
    return formula.func(*map(_in_squares, formula.args)) if formula.args else formula


def _solved(kink: Expr) -> dict[Expr, Expr]:
    """A name by the others where the kink is; empty where none stands alone."""
    plain = expand(kink)
    for name in sorted(plain.free_symbols, key=str):
        number = plain.coeff(name)
        rest = plain - number * name
        if number.is_Number and number != 0 and not rest.has(name):
            return {name: -rest / number}
    return {}


def possible(facts: Sequence[Expr]) -> bool:
    """Whether all may be positive, as far as sums of them tell (Fourier and Motzkin).

    >>> from sympy.abc import d, x
    >>> possible([x - d, d]), possible([x - d, d, -x])
    (True, False)
    """
    whole = (expand(_without_divisors(fact, facts)) for fact in facts)
    rows = [dict(fact.as_coefficients_dict()) for fact in whole]
    while len(rows) < MAX_FACTS:
        if any(not row.keys() - {S.One} and row.get(S.One, 0) <= 0 for row in rows):
            return False
        name = next((term for row in rows for term in row if term != 1), None)
        if name is None:
            return True
        over, under = ([r for r in rows if r.get(name, 0) * sign > 0] for sign in (1, -1))
        rows = [r for r in rows if not r.get(name, 0)]
        rows += [_without(name, one, other) for one in over for other in under]
    return True


def _without_divisors(formula: Expr, facts: Sequence[Expr]) -> Expr:
    """The formula times what it divides by, where that is known to be positive."""
    above, below = together(formula).as_numer_denom()
    known = all(factor in facts or factor.is_positive for factor in Mul.make_args(below))
    return above if known else formula


def _without(name: Expr, one: dict[Expr, Expr], other: dict[Expr, Expr]) -> dict[Expr, Expr]:
    terms = {*one, *other} - {name}
    total = {t: one.get(t, 0) * -other[name] + other.get(t, 0) * one[name] for t in terms}
    return {term: number for term, number in total.items() if number != 0}
