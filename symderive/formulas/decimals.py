"""Decimals and fractions: how numbers are shown, and how sums keep those that they have."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from sympy import Add, Expr, Rational

LEAST = 10
"""A denominator from which, if it is of 2s and 5s, a number is taken for a decimal."""

LONG = 100
"""A numerator or denominator from which a decimal is shown as one: 7x/20, but 0.035x."""


MOST_BITS = 64
"""A denominator with more bits is no decimal that a person wrote."""


def decimal_text(value: Expr, *, alone: bool = True) -> str | None:
    """The size of a number as people write it who think in decimals; None of one for a fraction.

    Args:
        value: The number.
        alone: Whether nothing is multiplied by it; x/1000 divides by a whole number.

    >>> [decimal_text(Rational(*pair)) for pair in ((8943, 200000), (1, 1000), (35, 128), (7, 20))]
    ['0.044715', '0.001', None, None]
    """
    if not isinstance(value, Rational) or max(abs(value.p), value.q) < LONG or value.q < LEAST:
        return None
    if abs(value.p) == 1 and not alone:
        return None
    if value.q.bit_length() > MOST_BITS:
        return None
    text = digits_of(abs(value), MOST_BITS)
    return text if text and len(text) <= len(str(abs(value))) else None


def digits_of(value: Rational, most: int) -> str | None:
    """The digits of a positive number that ends after at most so many places.

    >>> digits_of(Rational(1, 40), 4), digits_of(Rational(1, 3), 4)
    ('0.025', None)
    """
    places = next((n for n in range(1, most + 1) if 10**n % value.q == 0), None)
    if places is None:
        return None
    whole, part = divmod(value.p * 10**places // value.q, 10**places)
    return f"{whole}.{part:0{places}d}"


def as_seen(
    powers: list[tuple[Expr, int]], number: Rational, seen: Collection[Expr]
) -> tuple[list[tuple[Expr, int]], Rational]:
    """Factors and their number, each sum that was seen with fractions as it was seen.

    Decimals stay; other fractions where the number before the factors is simpler for it.

    >>> from sympy.abc import r, s, v
    >>> as_seen([(1 + 100 * v, -1)], Rational(50), {v + Rational(1, 100)})
    ([(v + 1/100, -1)], 1/2)
    >>> as_seen([(2 * r + s**2, 1)], Rational(1, 2), {r + s**2 / 2})
    ([(r + s**2/2, 1)], 1)
    """
    stated = {whole: (scale, base) for scale, whole, base in map(_whole, seen) if scale != 1}
    if not stated:
        return powers, number
    made = []
    for whole, exponent in powers:
        scale, base = stated.get(whole, (Rational(1), whole))
        after = number / scale**exponent
        if _has_decimals(base) or _parts_of(after) < _parts_of(number):
            whole, number = base, after
        made.append((whole, exponent))
    return made, number


def with_decimals(
    powers: list[tuple[Expr, int]], number: Rational
) -> tuple[list[tuple[Expr, int]], Rational]:
    """A divisor taken into a sum that has it as a term's number, where the others are decimals.

    >>> from sympy.abc import y
    >>> with_decimals([(500 - 851 * y, 1)], Rational(1, 500))
    ([(1 - 851*y/500, 1)], 1)
    """
    for place, (base, exponent) in enumerate(powers):
        if exponent != 1 or not base.is_Add or number.q < LONG:
            continue
        numbers = [abs(term.as_coeff_Mul()[0]) for term in base.args]
        after = [Rational(each, number.q) for each in numbers]
        if 1 in after and all(each.is_Integer or decimal_text(each) for each in after):
            inside = Add(*(term / number.q for term in base.args))
            return [*powers[:place], (inside, 1), *powers[place + 1 :]], number * number.q
    return powers, number


def _parts_of(number: Rational) -> int:
    """What a number before a product costs a reader: nothing, a factor, or a fraction."""
    return (abs(number.p) != 1) + (number.q != 1)


@lru_cache(maxsize=10_000)
def _whole(base: Expr) -> tuple[Rational, Expr, Expr]:
    """A number, and a sum without fractions, whose product is the sum: 1 and itself if need be."""
    numbers = [term.as_coeff_Mul()[0] for term in Add.make_args(base)]
    if base.is_Add and 1 in numbers and not all(number.is_Integer for number in numbers):
        scale, whole = base.as_content_primitive()
        if scale * whole == base:
            return scale, whole, base
    return Rational(1), base, base


@lru_cache(maxsize=10_000)
def _has_decimals(base: Expr) -> bool:
    return any(_is_decimal(term.as_coeff_Mul()[0]) for term in Add.make_args(base))


def _is_decimal(number: Expr) -> bool:
    return (
        isinstance(number, Rational)
        and number.q >= LEAST
        and number.q.bit_length() <= MOST_BITS
        and digits_of(abs(number), 15) is not None
    )


LARGEST_WRITTEN_OUT = 16
"""From 10¹⁶ on, a power of ten is written as one."""


def power_of_ten(value: int) -> int:
    """The exponent of a power of ten; 0 of any other number."""
    text = str(value)
    return len(text) - 1 if text == "1" + "0" * (len(text) - 1) else 0
