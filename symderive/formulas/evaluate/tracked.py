"""Real numbers that carry a bound of their error, and the operations on them.

A number is mpmath's own bare tuple with the exponent of its error: |error| ≤ 2**exponent. An
operation that has to decide something within the error (a branch, a pole, a whole number) raises
``UncertainError``, and whoever runs it tries again with more bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

from mpmath import MPContext, libmp
from mpmath.libmp import (
    ComplexResult,
    fnan,
    fone,
    from_int,
    fzero,
    mpf_abs,
    mpf_add,
    mpf_cmp,
    mpf_mul,
    mpf_neg,
    mpf_pos,
    mpf_pow_int,
    mpf_shift,
    mpf_sub,
    mpf_sum,
)

Raw = tuple[int, int, int, int]
"""mpmath's own number: sign, mantissa, exponent, bits."""

Tracked = tuple[Raw, int]
"""A number and the exponent of a bound of its error: |error| ≤ 2**exponent."""

Value = SupportsFloat | str
EXACT = -(10**100)
"""The error exponent of a number without error."""

MAX_BITS = 6_000
"""Where cancellation goes on beyond this, the number is zero."""

SLOW_BITS = 1_500
"""The same where mpmath's slower functions take part: digamma at 6000 bits takes seconds."""

HUGE_EXPONENT = 1_100
"""The same of what grows exponentially: beyond what floats hold, 10³³⁰."""

GROWING = frozenset({"exp", "sinh", "cosh", "gamma"})

HUGE = 2**16
"""Beyond 2**HUGE an argument counts as out of reach: nan. The exponential of one has gigabytes."""

_CONTEXT = MPContext()  # our own, so that nobody's mp.prec is touched


class UncertainError(Exception):
    """A decision (a branch, a pole) lies within the error: more bits are needed."""


def magnitude(number: Raw) -> int:
    """The exponent m of 2**(m-1) ≤ |number| < 2**m; only for finite numbers that are not 0."""
    return number[2] + number[3]


def is_finite(number: Raw) -> bool:
    """Whether the number is neither infinite nor nan."""
    return bool(number[1]) or number == fzero


@dataclass(frozen=True, slots=True)
class Run:
    """The conditions of one run: its bits, the values, whether doubts may still be raised."""

    bits: int
    values: Mapping[str, Value]
    last: bool

    def doubt(self) -> None:
        """Ask for more bits, unless this run is the last."""
        if not self.last:
            raise UncertainError


def compare(left: Tracked, right: Tracked, run: Run) -> int | None:
    """−1, 0 or 1; ``None`` where a side is nan."""
    if fnan in (left[0], right[0]):
        return None
    error = max(left[1], right[1])
    if error > EXACT and is_finite(left[0]) and is_finite(right[0]):
        rest = mpf_sub(left[0], right[0], run.bits, "n")
        if not rest[1] or magnitude(rest) <= error + 1:
            run.doubt()
            return 0
    result = mpf_cmp(left[0], right[0])
    return (result > 0) - (result < 0)


# Arithmetic -------------------------------------------------------------------------------


def rounded(number: Raw, error: int, run: Run) -> Tracked:
    """The number with the error of rounding it joined to an error it already has."""
    if not number[1]:
        return number, error
    return number, max(error, magnitude(number) - run.bits) + 1


def add(args: list[Tracked], run: Run) -> Tracked:
    """The sum; cancellation shows as an error that stays while the number shrinks."""
    numbers = [number for number, _ in args]
    error = max(error for _, error in args)
    if error == EXACT:
        total = mpf_sum(numbers)
        if total[3] <= run.bits:
            return total, EXACT  # whole numbers stay whole: n + 1 is an order like n
        return rounded(mpf_pos(total, run.bits, "n"), EXACT, run)
    error += len(args).bit_length()
    held = [number for number in numbers if number[1]]
    if held and all(map(is_finite, numbers)):
        top, bottom = max(map(magnitude, held)), min(number[2] for number in held)
        if top - bottom + len(held).bit_length() <= run.bits:  # nothing is rounded: 1 - 1.00
            return mpf_sum(numbers), error
    return rounded(mpf_sum(numbers, run.bits, "n"), error, run)


def multiply(args: list[Tracked], run: Run) -> Tracked:
    """The product; the relative errors of the factors join."""
    total, bits = fone, run.bits
    if all(error == EXACT for _, error in args):
        for number, _ in args:
            total = mpf_mul(total, number)
        if total[3] <= bits:
            return total, EXACT
        return rounded(mpf_pos(total, bits, "n"), EXACT, run)
    relative, zero_error, others = EXACT, None, 0
    for number, error in args:
        total = mpf_mul(total, number, bits, "n")
        if number[1]:
            relative = max(relative, error - magnitude(number))
            others += magnitude(number)
        elif number == fzero:
            zero_error = error if zero_error is None else zero_error + error
    if zero_error is not None:  # an exact zero makes the product exact
        return total, zero_error + others if zero_error > EXACT else EXACT
    if not total[1]:
        return total, EXACT
    unrounded = sum(number[3] for number, _ in args) <= bits
    return total, magnitude(total) + (relative if unrounded else max(relative, -bits)) + 2


def raise_to(args: list[Tracked], run: Run) -> Tracked:
    """Base ** power over the reals; nan where that is complex."""
    (base, base_error), (power, power_error) = args
    if power[1] and magnitude(power) > HUGE:
        return fnan, EXACT
    if not is_finite(base) or not is_finite(power):
        return call("power", args, run)
    if base_error > EXACT and (not base[1] or base_error >= magnitude(base)):
        run.doubt()
        base = fzero
    if base == fzero:
        return _zero_power(power, base_error)
    whole = power_error == EXACT and power[2] >= 0
    if base[0] and not whole:
        return fnan, EXACT
    if whole:
        result = mpf_pow_int(base, libmp.to_int(power), run.bits, "n")
    elif power == (0, 1, -1, 1):
        result = libmp.mpf_sqrt(base, run.bits, "n")
    else:
        extra = max(0, magnitude(power)) + 8
        result = libmp.mpf_pow(base, power, run.bits + extra, "n")
    if not result[1] or (base_error == EXACT and whole and _is_exact(base, power, run)):
        return result, EXACT
    relative = -run.bits
    if base_error > EXACT:
        relative = max(relative, base_error - magnitude(base) + max(0, magnitude(power)) + 1)
    if power_error > EXACT:
        relative = max(relative, power_error + abs(magnitude(base)).bit_length() + 1)
    return result, EXACT if relative == EXACT else magnitude(result) + relative + 1


def _is_exact(base: Raw, power: Raw, run: Run) -> bool:
    """Whether a whole power is not rounded: sign(u)**2 is 1."""
    return base[1] == 1 or (not power[0] and base[3] * libmp.to_int(power) <= run.bits)


def _zero_power(power: Raw, error: int) -> Tracked:
    """Zero to a power: undefined (a two-sided pole) for odd negative ones."""
    if power == fzero:
        return fone, EXACT
    if not power[0]:
        return fzero, error
    odd = power[2] == 0  # mantissas are odd: a whole number that is not even
    return (fnan if odd else libmp.finf), EXACT


# Functions --------------------------------------------------------------------------------

_Slope = Callable[[Raw, Raw], int]
"""Exponent of a bound of |f'(x)|, from x and f(x)."""


def _from_one(x: Raw) -> int:
    """The magnitude of 1 − x²."""
    if magnitude(x) < 0:
        return 0
    rest = mpf_sub(fone, mpf_mul(x, x))
    return magnitude(rest) if rest[1] else -MAX_BITS


def _erfc(x: Raw, bits: int, rounding: str) -> Raw:
    """Erfc of x; of a negative x it is 2 − erfc(−x), and few digits of that are needed."""
    if not x[0] or not is_finite(x):
        return libmp.mpf_erfc(x, bits, rounding)
    whole = libmp.to_int(mpf_neg(x)) if magnitude(x) < 20 else 2**19
    needed = bits + 8 - int(1.44 * whole**2)  # erfc(−x) < e^(−x²)
    rest = libmp.mpf_erfc(mpf_neg(x), max(needed, 8), rounding)
    return mpf_sub(from_int(2), rest, bits, rounding)


def _slope_of_erfc(x: Raw, f: Raw) -> int:
    """At most 2/√π; where x > 0 at most 2(x + 1)·erfc x."""
    return 1 if x[0] else min(1, magnitude(f) + max(magnitude(x), 0) + 2)


def _norm_cdf(x: Raw, bits: int, rounding: str) -> Raw:
    """Φ(x) = erfc(−x/√2)/2; SymPy's form of it, 1 − erfc(x/√2)/2, has no digits below 0."""
    more = bits + 16 + 2 * max(magnitude(x), 0) if x[1] else bits
    scaled = mpf_mul(mpf_neg(x), libmp.mpf_sqrt(mpf_shift(fone, -1), more), more)
    return mpf_shift(_erfc(scaled, bits, rounding), -1)


def _slope_of_norm_cdf(x: Raw, f: Raw) -> int:
    """At most 1; where x < 0 at most (|x| + 1)·Φ(x)."""
    return min(0, magnitude(f) + max(magnitude(x), 0) + 1) if x[0] else 0


_FAST: dict[str, tuple[Callable[..., Raw], _Slope]] = {
    "norm_cdf": (_norm_cdf, _slope_of_norm_cdf),
    "exp": (libmp.mpf_exp, lambda _, f: magnitude(f) if f[1] else -MAX_BITS),
    "log": (libmp.mpf_log, lambda x, _: 1 - magnitude(x)),
    "sin": (libmp.mpf_sin, lambda *_: 0),
    "cos": (libmp.mpf_cos, lambda *_: 0),
    "tan": (libmp.mpf_tan, lambda _, f: 2 * max(0, magnitude(f)) + 1 if f[1] else 1),
    "sinh": (libmp.mpf_sinh, lambda _, f: max(0, magnitude(f)) + 1 if f[1] else 1),
    "cosh": (libmp.mpf_cosh, lambda _, f: magnitude(f)),
    "tanh": (libmp.mpf_tanh, lambda *_: 0),
    "asin": (libmp.mpf_asin, lambda x, _: 1 - _from_one(x) // 2),
    "acos": (libmp.mpf_acos, lambda x, _: 1 - _from_one(x) // 2),
    "atan": (libmp.mpf_atan, lambda *_: 0),
    "asinh": (libmp.mpf_asinh, lambda *_: 0),
    "acosh": (libmp.mpf_acosh, lambda x, _: 1 - _from_one(x) // 2),
    "atanh": (libmp.mpf_atanh, lambda x, _: 1 - _from_one(x)),
    "erf": (libmp.mpf_erf, lambda *_: 1),
    "erfc": (_erfc, _slope_of_erfc),
}
"""Functions of one argument that mpmath has on its bare numbers, with their slopes."""

_FAR: dict[str, tuple[int | None, int | None]] = {
    "exp": (0, None),
    "tanh": (-1, 1),
    "erf": (-1, 1),
    "erfc": (2, 0),
}
"""What functions are to within exp(-|x|), far to the left and far to the right; None: no number."""


def _far(name: str, args: list[Tracked]) -> Tracked | None:
    """The value of a function out of reach where it comes exponentially near a whole number."""
    if name not in _FAR or not args[0][0][1]:
        return None
    number, doubt = args[0]
    size = magnitude(number)
    if size <= HUGE_EXPONENT or doubt >= size - 1:
        return None
    limit = _FAR[name][0 if number[0] else 1]
    return None if limit is None else (from_int(limit), max(EXACT + 1, -(1 << min(size - 2, 60))))


_UNDEFINED = (ComplexResult, ValueError, ZeroDivisionError, OverflowError, libmp.NoConvergence)


_COMPOSED: dict[str, Callable[..., Any]] = {
    "lowergamma": lambda a, x: _CONTEXT.gammainc(a, 0, x),
    "laguerre_0": lambda n, x: _CONTEXT.laguerre(n, 0, x),
    "airyaiprime": lambda x: _CONTEXT.airyai(x, derivative=1),
    "airybiprime": lambda x: _CONTEXT.airybi(x, derivative=1),
}
"""What mpmath has under another signature."""


def is_slow(name: str) -> bool:
    """Whether the cost of a function grows steeply with the bits."""
    return name not in _FAST and name != "power"


def _bare(name: str, numbers: tuple[Raw, ...], bits: int) -> Raw:
    """One call of an mpmath function; nan where it is undefined or complex."""
    most = HUGE_EXPONENT if name in GROWING else HUGE
    if name != "log" and any(number[1] and magnitude(number) > most for number in numbers):
        return fnan
    try:
        if name in _FAST:
            result: Raw = _FAST[name][0](*numbers, bits, "n")
            return result
        _CONTEXT.prec = bits
        function = _COMPOSED.get(name) or getattr(_CONTEXT, name)
        value = function(*(_CONTEXT.make_mpf(number) for number in numbers))
        if hasattr(value, "_mpc_"):
            real, imaginary = value._mpc_
            return real if imaginary == fzero else fnan
        return _CONTEXT.convert(value)._mpf_
    except _UNDEFINED:
        return fnan


def call(name: str, args: list[Tracked], run: Run) -> Tracked:
    """A function through mpmath; errors of the arguments by its slope, or by trying beside them."""
    far = _far(name, args)
    if far is not None:
        return far
    numbers = tuple(number for number, _ in args)
    bits = run.bits + 8
    result = _bare(name, numbers, bits)
    error = EXACT if result == fzero else (magnitude(result) - run.bits if result[1] else EXACT)
    slope = _FAST[name][1] if name in _FAST else None
    for place, (number, doubt) in enumerate(args):
        if doubt == EXACT or not is_finite(number):
            continue
        if slope is not None and result[1] and number[1]:
            error = max(error, doubt + slope(number, result) + 1)
            continue
        # A number of huge magnitude beside a small doubt has more bits than there is memory.
        apart = min(max(0, magnitude(number) - doubt), MAX_BITS) if number[1] else 0
        beside = [
            _bare(name, (*numbers[:place], moved, *numbers[place + 1 :]), bits)
            for moved in (
                mpf_add(number, mpf_shift(fone, doubt), bits + apart, "n"),
                mpf_sub(number, mpf_shift(fone, doubt), bits + apart, "n"),
            )
        ]
        if any(map(is_finite, beside)) != is_finite(result) or not all(
            is_finite(value) == is_finite(result) for value in beside
        ):
            run.doubt()
            continue
        if not is_finite(result):
            continue
        for value in beside:
            change = mpf_sub(value, result, 20, "n")
            if change[1]:
                error = max(error, magnitude(change) + 1)
    return result, error


def sign(args: list[Tracked], run: Run) -> Tracked:
    """−1, 0 or 1."""
    return from_int(compare(args[0], (fzero, EXACT), run) or 0), EXACT


def floor(args: list[Tracked], run: Run) -> Tracked:
    """The greatest whole number not above."""
    number, error = args[0]
    if not is_finite(number):
        return args[0]
    below = libmp.mpf_floor(number, run.bits, "n")
    if error > EXACT:  # within the error of a whole number?
        nearest = libmp.mpf_nint(number, run.bits, "n")
        rest = mpf_sub(number, nearest)
        if not rest[1] or magnitude(rest) <= error + 1:
            run.doubt()
            below = nearest
    return below, EXACT


def ceil(args: list[Tracked], run: Run) -> Tracked:
    """The least whole number not below."""
    number, error = args[0]
    below = floor([(mpf_neg(number), error)], run)
    return mpf_neg(below[0]), below[1]


def absolute(args: list[Tracked], run: Run) -> Tracked:
    """The absolute value."""
    return mpf_abs(args[0][0]), args[0][1]


def greatest(args: list[Tracked], run: Run) -> Tracked:
    """The greatest; where two are equal within their errors, the greater error counts."""
    best, settled = args[0], replace(run, last=True)
    for arg in args[1:]:
        sign = compare(arg, best, settled)
        if sign is None:
            return fnan, EXACT
        if sign == 0:
            best = best[0], max(arg[1], best[1])
        elif sign > 0:
            best = arg
    return best


def least(args: list[Tracked], run: Run) -> Tracked:
    """The least; see ``greatest``."""
    number, error = greatest([(mpf_neg(number), error) for number, error in args], run)
    return mpf_neg(number), error


def heaviside(args: list[Tracked], run: Run) -> Tracked:
    """The unit step; a second argument is its value at 0, else 1/2."""
    sign = compare(args[0], (fzero, EXACT), run)
    if sign is None:
        return fnan, EXACT
    if sign == 0 and len(args) > 1:
        return args[1]
    return ((fzero, (0, 1, -1, 1), fone)[sign + 1]), EXACT


Operation = Callable[[list[Tracked], Run], Tracked]

OPERATIONS: dict[str, Operation] = {
    "abs": absolute,
    "sign": sign,
    "floor": floor,
    "ceil": ceil,
    "max": greatest,
    "min": least,
    "heaviside": heaviside,
}
"""Operations of our own, by the name of the row."""
