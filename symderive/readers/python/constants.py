"""Plain numbers of Python and NumPy as exact numbers of a formula.

A float is read as the number that its user meant: 0.1 is 1/10, 0.3333333333333333 is 1/3, and
3.141592653589793 is π. Each reading gives the same float back.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

from sympy import E, Expr, Integer, Rational, log, pi, sqrt

_KNOWN: tuple[tuple[float, Expr], ...] = (
    (math.pi, pi),
    (math.e, E),
    (math.log(2), log(2)),
    (math.log(2 * math.pi), log(2 * pi)),
    (math.log(math.pi), log(pi)),
    (math.sqrt(2), sqrt(2)),
    (math.sqrt(3), sqrt(3)),
    (math.sqrt(math.pi), sqrt(pi)),
    (math.sqrt(2 * math.pi), sqrt(2 * pi)),
    (math.sqrt(2 / math.pi), sqrt(2 / pi)),
)
"""Numbers that programs work out before they are used, and what they stand for."""

_FACTORS = (1.0, 2.0, 0.5, 4.0, 0.25, 3.0, 1 / 3, 8.0)


def is_number(value: object) -> bool:
    """Whether a value is a plain real number."""
    return isinstance(value, Real) and not isinstance(value, bool)


@lru_cache(maxsize=4096)
def exact(value: Any) -> Expr | None:
    """The number that a float stands for; None for inf and nan.

    >>> exact(0.1), exact(1/3), exact(-2*math.pi)
    (1/10, 1/3, -2*pi)
    """
    if isinstance(value, Integral):
        return Integer(int(value))
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    number = float(value)
    if not math.isfinite(number):
        return None
    short = Rational(repr(number))
    if len(repr(number)) < 12:
        return short
    near = Fraction(number).limit_denominator(1000)
    if near and near.numerator / near.denominator == number:
        return Rational(near.numerator, near.denominator)
    for factor in _FACTORS:
        for about, meant in _KNOWN:
            if abs(number) == about * factor:
                times = Fraction(factor).limit_denominator(8)
                result = meant * Rational(times.numerator, times.denominator)
                return -result if number < 0 else result
    return short
