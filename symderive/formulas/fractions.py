"""Quotients of polynomials with integer coefficients, kept in lowest terms at little cost.

SymPy's own fractions look for the greatest common divisor of the whole numerator and denominator
after every operation, over all variables of their ring. Here products and sums of fractions that
are reduced already look only for what can cancel (Henrici 1956), variables that a pair of
polynomials does not have in common are left out, and a pair is compared once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import gcd
from typing import Any

from sympy import ZZ
from sympy.polys.fields import FracElement, FracField
from sympy.polys.orderings import lex
from sympy.polys.polyerrors import HeuristicGCDFailed
from sympy.polys.rings import PolyRing

Pair = tuple[Any, Any]
Terms = tuple[tuple[tuple[int, ...], int], ...]


class TooLargeError(ArithmeticError):
    """A normal form outgrew its budget."""


@lru_cache(maxsize=64)
def fractions(count: int) -> FracField:
    """The field of quotients of polynomials in some variables.

    >>> x, y = fractions(2).gens
    >>> x / (x - y) - y / (x - y)
    1
    """
    field = FracField([f"k{n}" for n in range(count)], ZZ, lex)
    field.dtype = Reduced(field, field.ring.zero).raw_new
    field.zero, field.one = field.dtype(field.ring.zero), field.dtype(field.ring.one)
    field.gens = tuple(field.dtype(gen) for gen in field.ring.gens)
    return field


class Reduced(FracElement):
    """A quotient in lowest terms, whose leading coefficient below the bar is positive."""

    def new(self, numer: Any, denom: Any) -> Reduced:
        """A quotient of any two polynomials, reduced."""
        return self._signed(*without_common(numer, denom)) if numer else self.field.zero

    def _signed(self, numer: Any, denom: Any) -> Reduced:
        return self.raw_new(-numer, -denom) if denom.LC < 0 else self.raw_new(numer, denom)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Reduced):
            return super().__mul__(other)
        if not self or not other:
            return self.field.zero
        above, low = without_common(self.numer, other.denom)
        high, below = without_common(other.numer, self.denom)
        return self._signed(above * high, below * low)

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Reduced):
            return super().__truediv__(other)
        if not other:
            raise ZeroDivisionError
        return self * other.raw_new(other.denom, other.numer)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Reduced):
            return super().__add__(other)
        if not self or not other:
            return self or other
        if self.denom == other.denom:
            return self.new(self.numer + other.numer, self.denom)
        mine, theirs, shared = parted(self.denom, other.denom)
        numer = self.numer * theirs + other.numer * mine
        if not numer:
            return self.field.zero
        if shared != 1:  # only what both denominators share can cancel
            numer, shared = without_common(numer, shared)
        return self._signed(numer, mine * theirs * shared)

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, Reduced):
            return super().__sub__(other)
        return self + -other


def without_common(left: Any, right: Any) -> Pair:
    """Two polynomials, not zero, divided by their greatest common divisor.

    >>> x, y = fractions(2).ring.gens
    >>> without_common(2 * x**2 - 2 * y**2, 4 * x + 4 * y)
    (k0 - k1, 2)
    """
    return parted(left, right)[:2]


def parted(left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Left and right without what they share, and that."""
    one = left.ring.one
    if left == 1 or right == 1:
        return left, right, one
    left, right, number, monomial = _without_terms(left, right)
    shared = left.new({monomial: number})
    if len(left) == 1 or len(right) == 1:
        return left, right, shared
    used = [sum(map(bool, column)) > 0 for column in zip(*left, strict=True)]
    both = [u and any(column) for u, column in zip(used, zip(*right, strict=True), strict=True)]
    if not any(both) or _coprime_at_sight(left, right, both):
        return left, right, shared
    anywhere = [u or any(column) for u, column in zip(used, zip(*right, strict=True), strict=True)]
    places = [k for k, here in enumerate(anywhere) if here]
    rows = _common(_lifted(left, places), _lifted(right, places), len(places))
    if rows is None:
        return left, right, shared
    first, second, common = (_put_back(terms, places, left) for terms in rows)
    return first, second, common * shared


def _without_terms(left: Any, right: Any) -> tuple[Any, Any, int, tuple[int, ...]]:
    """Both without the number and the powers of single variables that all their terms share."""
    number = gcd(*left.values(), *right.values())
    lows = [tuple(map(min, zip(*poly, strict=True))) for poly in (left, right)]
    monomial = tuple(map(min, *lows))
    if number == 1 and not any(monomial):
        return left, right, 1, monomial
    divided = [
        poly.new(
            {
                tuple(a - b for a, b in zip(m, monomial, strict=True)): c // number
                for m, c in poly.items()
            }
        )
        for poly in (left, right)
    ]
    return divided[0], divided[1], number, monomial


def _coprime_at_sight(left: Any, right: Any, both: list[bool]) -> bool:
    """Whether one has a variable that the other lacks, beside a single term in the others.

    What is common divides every coefficient of that variable, so a single term; and what single
    terms are common was taken out before.
    """
    for poly in (left, right):
        for place, shared in enumerate(both):
            if shared:
                continue
            sizes: dict[int, int] = {}
            for monomial in poly:
                sizes[monomial[place]] = sizes.get(monomial[place], 0) + 1
            if len(sizes) > 1 and 1 in sizes.values():
                return True
    return False


def _lifted(poly: Any, places: list[int]) -> Terms:
    """The terms in the variables that occur, in order."""
    return tuple(sorted((tuple(m[k] for k in places), c) for m, c in poly.items()))


def _put_back(terms: Iterable[tuple[tuple[int, ...], int]], places: list[int], like: Any) -> Any:
    found = {}
    for monomial, coefficient in terms:
        full = [0] * like.ring.ngens
        for place, exponent in zip(places, monomial, strict=True):
            full[place] = exponent
        found[tuple(full)] = coefficient
    return like.new(found)


@lru_cache(maxsize=64)
def _ring(count: int) -> PolyRing:
    return PolyRing([f"k{n}" for n in range(count)], ZZ, lex)


@lru_cache(maxsize=50_000)  # the same sums are compared wherever a formula is brought to this form
def _common(left: Terms, right: Terms, count: int) -> tuple[Terms, Terms, Terms] | None:
    """Both without their greatest common divisor, and that; None where it is a number."""
    ring = _ring(count)
    one, other = (ring.zero.new(dict(terms)) for terms in (left, right))
    try:
        shared, first, second = one.cofactors(other)
    except HeuristicGCDFailed as error:  # SymPy tries a few numbers in place of a variable
        raise TooLargeError("no common divisor was found") from error
    if shared in (1, -1):
        return None
    return tuple(first.items()), tuple(second.items()), tuple(shared.items())
