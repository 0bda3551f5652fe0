"""Laurent series of one small variable, exact where their numbers are rational, else to 40 digits.

They tell how far the terms of a formula cancel near a point, and what is left there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import mpmath

from symderive.numeric.graph import DIGITS, RATIONAL, Number, exact, over, plus, power, times
from symderive.numeric.ops import OPS

NOTHING = mpmath.mpf(10) ** -30
"""A sum this small beside its terms is zero, where they are not rational."""


class NoSeriesError(Exception):
    """A value has no series: it is singular, or not smooth, or not known far enough."""


class NoTermError(NoSeriesError):
    """All terms of a series that are known are zero."""


@dataclass(frozen=True, slots=True)
class Series:
    """``t**order * (numbers[0] + numbers[1]*t + …)``; the first number is not zero, if any is left.

    >>> t = Series(1, (1, 0, 0, 0))
    >>> of("sin", t) - t
    Series(order=3, numbers=(Fraction(-1, 6), 0))
    """

    order: int
    numbers: tuple[Number, ...]

    def __add__(self, other: Series) -> Series:
        end = min(self.order + len(self.numbers), other.order + len(other.numbers))
        start = min(self.order, other.order)
        return series(start, [_sum(self.at(k), other.at(k)) for k in range(start, end)])

    def __sub__(self, other: Series) -> Series:
        return self + other.scaled(-1)

    def __mul__(self, other: Series) -> Series:
        count = min(len(self.numbers), len(other.numbers))
        return series(self.order + other.order, _product(self.numbers, other.numbers, count))

    def at(self, k: int) -> Number:
        """The number that multiplies ``t**k``."""
        place = k - self.order
        return self.numbers[place] if 0 <= place < len(self.numbers) else 0

    def scaled(self, factor: Number) -> Series:
        """The series times a number."""
        if factor == 1:
            return self
        return series(self.order, [times(factor, k) for k in self.numbers])

    def to(self, exponent: Number, positive: bool = False) -> Series:
        """A power; ``positive`` says that the variable is not negative.

        Raises:
            NoSeriesError: It is not a Laurent series.
        """
        order = times(self.order, exponent)
        whole = isinstance(exponent, RATIONAL) and exponent.denominator == 1
        if not self.numbers or not isinstance(order, int):
            raise NoSeriesError
        if not whole and ((self.order and not positive) or not self.numbers[0] > 0):
            raise NoSeriesError
        if exponent == 1:
            return self
        first = self.numbers[0]
        result = [power(first, exponent)]
        for n in range(1, len(self.numbers)):
            total: Number = 0
            for k in range(1, n + 1):
                weight = plus(times(exponent, k), k - n)
                total = plus(total, times(times(weight, self.numbers[k]), result[n - k]))
            result.append(over(over(total, n), first))
        return series(order, result)

    def slope(self) -> Series:
        """The derivative."""
        numbers = [times(k, self.order + i) for i, k in enumerate(self.numbers)]
        return series(self.order - 1, numbers)

    def regular(self) -> list[Number]:
        """The numbers from ``t**0`` on.

        Raises:
            NoSeriesError: There is a pole.
        """
        if self.order < 0:
            raise NoSeriesError
        return [self.at(k) for k in range(self.order + len(self.numbers))]


def series(order: int, numbers: Sequence[Number]) -> Series:
    """A series without leading zeros."""
    for place, number in enumerate(numbers):
        if number != 0:
            return Series(order + place, tuple(numbers[place:]))
    return Series(order + len(numbers), ())


def constant(value: Number, count: int) -> Series:
    """A number."""
    return series(0, [value, *[0] * (count - 1)])


def _sum(left: Number, right: Number) -> Number:
    total = plus(left, right)
    if isinstance(total, RATIONAL) or abs(total) > NOTHING * abs(exact(left)):
        return total
    return 0


def _product(left: Sequence[Number], right: Sequence[Number], count: int) -> list[Number]:
    result: list[Number] = []
    for n in range(count):
        total: Number = 0
        for k in range(n + 1):
            if left[k] != 0 and right[n - k] != 0:
                total = plus(total, times(left[k], right[n - k]))
        result.append(total)
    return result


# Functions ------------------------------------------------------------------------------------


def _integral(of_slope: Series, start: Number) -> Series:
    slope = of_slope.regular()
    return series(0, [start, *(over(k, i + 1) for i, k in enumerate(slope))])


def _value(name: str, at: Number) -> Number:
    with mpmath.workdps(DIGITS):
        value = OPS[name].fold(exact(at))
    if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
        raise NoSeriesError
    return plus(value, 0) if value != int(value) else int(value)


def _exp(g: Series) -> Series:
    inner = g.regular()
    result = [_value("exp", inner[0])]
    for n in range(1, len(inner)):
        total: Number = 0
        for k in range(1, n + 1):
            total = plus(total, times(times(k, inner[k]), result[n - k]))
        result.append(over(total, n))
    return series(0, result)


def _waves(g: Series, even: str, odd: str, sign: int) -> tuple[Series, Series]:
    """Cos and sin, or cosh and sinh: each is ± the slope of the other."""
    inner = g.regular()
    c, s = [_value(even, inner[0])], [_value(odd, inner[0])]
    for n in range(1, len(inner)):
        weights = [times(k, inner[k]) for k in range(1, n + 1)]
        up: Number = 0
        down: Number = 0
        for k, weight in enumerate(weights, 1):
            up, down = plus(up, times(weight, c[n - k])), plus(down, times(weight, s[n - k]))
        s.append(over(up, n))
        c.append(over(times(down, sign), n))
    return series(0, c), series(0, s)


def _log(g: Series) -> Series:
    if g.order or not g.numbers or not g.numbers[0] > 0:
        raise NoSeriesError
    return _integral(g.slope() * g.to(-1), _value("log", g.numbers[0]))


def _one(g: Series) -> Series:
    return constant(1, g.order + len(g.numbers))


def _by_slope(name: str, slope: Callable[[Series], Series]) -> Callable[[Series], Series]:
    return lambda g: _integral(g.slope() * slope(g), _value(name, g.at(0)))


def _gauss(g: Series, factor: int) -> Series:
    with mpmath.workdps(DIGITS):
        return _exp((g * g).scaled(-1)).scaled(factor / mpmath.sqrt(mpmath.pi))


_HALF = over(1, 2)


@cache
def of(name: str, g: Series) -> Series:
    """A function of a series.

    Raises:
        NoSeriesError: There is none.
    """
    result = FUNCTIONS[name](g)
    if not result.numbers:
        raise NoTermError
    return result


FUNCTIONS: dict[str, Callable[[Series], Series]] = {
    "exp": _exp,
    "expm1": lambda g: _exp(g) - _one(g),
    "log": _log,
    "log1p": lambda g: _log(_one(g) + g),
    "sin": lambda g: _waves(g, "cos", "sin", -1)[1],
    "cos": lambda g: _waves(g, "cos", "sin", -1)[0],
    "tan": lambda g: of("sin", g) * of("cos", g).to(-1),
    "sinh": lambda g: _waves(g, "cosh", "sinh", 1)[1],
    "cosh": lambda g: _waves(g, "cosh", "sinh", 1)[0],
    "tanh": lambda g: of("sinh", g) * of("cosh", g).to(-1),
    "asin": _by_slope("asin", lambda g: (_one(g) - g * g).to(-_HALF)),
    "acos": _by_slope("acos", lambda g: (_one(g) - g * g).to(-_HALF).scaled(-1)),
    "atan": _by_slope("atan", lambda g: (_one(g) + g * g).to(-1)),
    "asinh": _by_slope("asinh", lambda g: (_one(g) + g * g).to(-_HALF)),
    "atanh": _by_slope("atanh", lambda g: (_one(g) - g * g).to(-1)),
    "erf": _by_slope("erf", lambda g: _gauss(g, 2)),
    "erfc": _by_slope("erfc", lambda g: _gauss(g, -2)),
    "sigmoid": lambda g: (_one(g) + _exp(g.scaled(-1))).to(-1),
    "sigmoid_slope": lambda g: of("sigmoid", g) * of("sigmoid", g.scaled(-1)),
    "softplus": lambda g: _log(_one(g) + _exp(g)),
    "logcosh": lambda g: _log(of("cosh", g)),
}
"""The functions that have series here."""
