"""Special functions of numbers that hold where what they are made of overflows or cancels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

ROOT_PI = math.sqrt(math.pi)
_FAR, _LEVELS = 8.0, 30  # from where on the continued fraction serves, and how deep it goes
_LARGEST = 170.0  # the gamma function of this is a number
_HIGH = 10.0  # from where on Stirling's series serves
_STIRLING: tuple[float, ...] = tuple(
    x for k in (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360) for x in (k, 0.0)
)
_STIRLING_SLOPE: tuple[float, ...] = (
    -1 / 2,
    *(x for k in (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760) for x in (k, 0.0)),
)
"""log Γ(x) − (x − 1/2)·log x + x − log(2π)/2, and ψ(x) − log x, in powers of 1/x from the first."""


# Error functions ------------------------------------------------------------------------------


def erfcx(x: float) -> float:
    """exp(x²)·erfc(x), which neither over- nor underflows where x is large.

    >>> erfcx(40.0)
    0.014100335983377814
    """
    if x > _FAR:
        return 1 / ((x + _beyond(x)) * ROOT_PI)
    try:
        near = math.floor(x * 16) / 16  # its square is exact
        return math.exp(near * near) * math.exp((x - near) * (x + near)) * math.erfc(x)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def _beyond(x: float) -> float:
    """What 1/(√π·erfcx(x)) is more than x, by its continued fraction."""
    below = x
    for k in range(_LEVELS, 1, -1):
        below = x + 0.5 * k / below
    return 0.5 / below


def erfcx_slope(x: float) -> float:
    """The derivative of erfcx, 2x·erfcx(x) − 2/√π.

    >>> erfcx_slope(1e8)
    -5.641895835477562e-17
    """
    if x > _FAR:
        more = _beyond(x)
        return -2 * more / ((x + more) * ROOT_PI)
    return 2 * x * erfcx(x) - 2 / ROOT_PI


def erfcx_log_slope(x: float) -> float:
    """The derivative of log(erfcx), 2x − 2/(√π·erfcx(x)).

    >>> erfcx_log_slope(1e8)
    -9.999999999999999e-09
    """
    return -2 * _beyond(x) if x > _FAR else 2 * x - 2 / (ROOT_PI * erfcx(x))


def erfi_scaled(x: float) -> float:
    """exp(−x²)·erfi(x), which is 2/√π times Dawson's integral.

    >>> erfi_scaled(40.0)
    0.014109151458534102
    """
    if abs(x) > _HIGH:
        return (1 + _tail(x)) / (x * ROOT_PI)
    import mpmath

    with mpmath.workprec(80):
        return float(mpmath.exp(-(mpmath.mpf(x) ** 2)) * mpmath.erfi(x))


def _tail(x: float) -> float:
    """1/(2x²) + 3/(2x²)² + 15/(2x²)³ + …, while the terms get smaller."""
    step = 0.5 / x / x
    total, term = 0.0, 1.0
    for k in range(1, 60):
        term *= (2 * k - 1) * step
        total += term
        if term < total * 1e-17:
            break
    return total


def erfi_scaled_slope(x: float) -> float:
    """The derivative of erfi_scaled, 2/√π − 2x·erfi_scaled(x).

    >>> erfi_scaled_slope(1e8)
    -5.641895835477564e-17
    """
    if abs(x) > _HIGH:
        return -2 * _tail(x) / ROOT_PI
    return 2 / ROOT_PI - 2 * x * erfi_scaled(x)


def erfcinv(q: float) -> float:
    """The x of which erfc(x) is q; erfinv(1 − q) has lost the digits of a small q.

    >>> erfcinv(1e-200)
    21.37478304902626
    """
    if not 0 < q < 2:
        return {0.0: math.inf, 2.0: -math.inf}.get(q, math.nan)
    if q > 1:
        return -erfcinv(2 - q)
    import mpmath

    if q > 0.1:
        with mpmath.workprec(80):
            return float(mpmath.erfinv(1 - mpmath.mpf(q)))
    x = math.sqrt(max(-math.log(q * ROOT_PI * math.sqrt(-math.log(q))), 0.1))
    for _ in range(20):  # Newton's steps on the logarithm, which is nearly a parabola
        scaled = erfcx(x)
        step = (math.log(scaled) - x * x - math.log(q)) * scaled * ROOT_PI / 2
        x += step
        if abs(step) <= abs(x) * 1e-15:
            break
    return x


# Gamma functions ------------------------------------------------------------------------------


def gamma_ratio(a: float, b: float) -> float:
    """Γ(a)/Γ(b), also where both overflow.

    >>> gamma_ratio(400.5, 400.0)
    19.993750978087874
    >>> gamma_ratio(0.5, 200.0)
    0.0
    """
    try:
        if a <= 1 and b > _LARGEST:
            return math.gamma(a) * math.exp(-math.lgamma(b))
        if max(a, b) <= _LARGEST or min(a, b) <= 1:
            return math.gamma(a) / math.gamma(b)
        return math.exp(loggamma_step(b, a - b))
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf


def loggamma_step(x: float, d: float) -> float:
    """Log Γ(x + d) − log Γ(x), also where the two are nearly the same.

    >>> loggamma_step(1e16, 1.0)
    36.841361487904734
    """
    try:
        last, first = math.lgamma(x + d), math.lgamma(x)
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf
    apart = abs(last - first) > max(abs(last), abs(first)) / 4 and abs(d) > x / 16
    if apart or x <= 0 or x + d <= 0:
        return last - first
    total = 0.0
    while x < _HIGH or x + d < _HIGH:
        total -= math.log1p(d / x)
        x += 1
    ratio = math.log1p(d / x)
    inner = x * ratio - d + (d - 0.5) * ratio + d * math.log(x)
    return total + inner + _difference(_STIRLING, x, d)


def digamma_step(x: float, d: float) -> float:
    """ψ(x + d) − ψ(x), also where the two are nearly the same.

    >>> digamma_step(1e16, 1.0), digamma_step(0.0, 1.0)
    (1e-16, nan)
    """
    if x <= 0 or x + d <= 0:
        import mpmath

        try:
            with mpmath.workprec(80):
                return float(mpmath.digamma(mpmath.mpf(x) + d) - mpmath.digamma(x))
        except ValueError:  # a pole
            return math.nan
    total = 0.0
    while x < _HIGH or x + d < _HIGH:
        total += d / x / (x + d)
        x += 1
    return total + math.log1p(d / x) + _difference(_STIRLING_SLOPE, x, d)


def _difference(numbers: Sequence[float], x: float, d: float) -> float:
    """p(1/(x + d)) − p(1/x) of p(u) = u·(n₀ + n₁u + …), by its divided difference."""
    first, last = 1 / x, 1 / (x + d)
    value = divided = 0.0
    for number in (*reversed(numbers), 0.0):
        divided = divided * first + value
        value = value * last + number
    return divided * -d * first * last


def digamma_minus_log(x: float) -> float:
    """ψ(x) − log(x), which for large x is −1/(2x).

    >>> digamma_minus_log(1e10)
    -5.0000000000833335e-11
    """
    if x <= 0:
        return math.nan
    total = 0.0
    while x < _HIGH:
        total += math.log1p(1 / x) - 1 / x
        x += 1
    inner = 0.0
    for number in reversed(_STIRLING_SLOPE):
        inner = (inner + number) / x
    return total + inner


def betaln(a: float, b: float) -> float:
    """Log Γ(a) + log Γ(b) − log Γ(a + b), also where one of them is large.

    >>> betaln(0.5, 1e8)
    -8.637975427801484
    """
    small, large = sorted((a, b))
    try:
        return math.lgamma(small) - loggamma_step(large, small)
    except ValueError:
        return math.inf
    except OverflowError:
        return math.nan


OWN: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        erfcx,
        erfcx_slope,
        erfcx_log_slope,
        erfi_scaled,
        erfi_scaled_slope,
        erfcinv,
        gamma_ratio,
        loggamma_step,
        digamma_step,
        digamma_minus_log,
        betaln,
    )
}
"""These functions by name."""
