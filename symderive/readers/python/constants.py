"""Plain numbers of Python and NumPy as exact numbers of a formula.

A float is read as the number that its user meant: 0.1 is 1/10, 0.3333333333333333 is 1/3,
3.141592653589793 is π, and 0.1**2, which a program has as 0.010000000000000002, is 1/100. A reading
is within a few units in the last place of the float; one that has none is read digit by digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sympy import E, Expr, Integer, Rational, S, log, pi, sqrt

FAR = Integer(10) ** 30
"""What stands for infinity, as in masks: what a program works out is where this goes to."""

_ROUNDED = 4
"""Units in the last place that a few operations on floats may have lost."""

_FEW_DIGITS = 8
_SMALL, _SMALL_ANGLE, _SMALL_LOG = 1000, 360, 12
"""The largest denominators of a fraction, of a multiple of π, of what a logarithm is taken of."""

_MULTIPLES: tuple[tuple[float, Expr], ...] = (
    (math.pi, pi),
    (1 / math.pi, 1 / pi),
    (math.e, E),
    (1 / math.e, 1 / E),
    (math.log(2 * math.pi), log(2 * pi)),
    (math.log(math.pi), log(pi)),
    (math.log(2), log(2)),
)
"""Numbers that programs work out before they are used, and multiply."""

_ROOTS: tuple[tuple[float, Expr], ...] = ((1.0, S.One), (math.pi, pi), (1 / math.pi, 1 / pi))
"""What a root is taken of, up to a fraction."""

_QUARTERS = [k * math.pi / 2 for k in range(1, 9)]
_ZEROS = {abs(wave(x)) for wave in (math.cos, math.sin) for x in _QUARTERS if abs(wave(x)) < 0.5}
"""What a program has for the cosine of π/2 and the sine of π, which are 0."""


def at_hand(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of floats with what is infinite far away."""
    return np.where(np.isinf(array), np.copysign(float(FAR), array), array).astype(float)


def is_number(value: object) -> bool:
    """Whether a value is a plain real number."""
    return isinstance(value, Real) and not isinstance(value, bool)


@lru_cache(maxsize=4096)
def exact(value: Any) -> Expr | None:
    """The number that a float stands for; of inf one far away; None for nan.

    >>> exact(0.1), exact(1/3), exact(-2*math.pi), exact(0.1**2), exact(math.cos(math.pi/2))
    (1/10, 1/3, -2*pi, 1/100, 0)
    >>> exact(5**0.5), exact(math.sqrt(2/math.pi)/4), exact(math.log(10)), exact(6.62607015e-3)
    (sqrt(5), sqrt(2)/(4*sqrt(pi)), log(10), 132521403/20000000000)
    """
    if isinstance(value, Integral):
        return Integer(int(value))
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    number = float(value)
    if not math.isfinite(number):
        return None if math.isnan(number) else FAR * int(math.copysign(1, number))
    digits = Rational(repr(number))
    if len(repr(number)) < 12 or number == 0:
        return digits
    if abs(number) in _ZEROS:
        return S.Zero
    found = next(_readings(abs(number)), None)
    return digits if found is None else found if number > 0 else -found


def _readings(number: float) -> Iterator[Expr]:
    """What a positive float may stand for, the plainest first."""
    few = f"{number:.{_FEW_DIGITS}g}"
    if _same(float(few), number):
        yield Rational(few)
    yield from _fraction(number, _SMALL)
    for about, meant in _MULTIPLES:
        for times in _fraction(number / about, _SMALL_ANGLE):
            yield meant * times
    for about, meant in _ROOTS:
        for square in _fraction(number**2 / about, _SMALL):
            yield sqrt(meant * square)
    if 0.05 < number < math.log(1e4):
        for base in _fraction(math.exp(number), _SMALL_LOG):
            yield log(base)


def _fraction(number: float, largest: int) -> Iterator[Rational]:
    """The fraction of small numbers that a float is, if it is one."""
    near = Fraction(number).limit_denominator(largest) if number < 1e6 else Fraction(0)
    if near and _same(near.numerator / near.denominator, number):
        yield Rational(near.numerator, near.denominator)


def _same(left: float, right: float) -> bool:
    return abs(left - right) <= _ROUNDED * math.ulp(right)
