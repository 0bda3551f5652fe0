"""The value of a formula to any number of digits: an independent witness for the checks.

A formula becomes a short program over mpmath's numbers. Each number carries the exponent of its
error, so that cancellation is seen: then the whole program runs again with more bits. ``1 -
sigmoid(z)`` at z = 500 keeps every digit asked for. Everything is real: where a formula is
undefined or complex, its value is nan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, SupportsFloat

import sympy as sp
from mpmath import MPContext, libmp, mp, mpf
from mpmath.libmp import (
    ComplexResult,
    fnan,
    fone,
    from_float,
    from_int,
    from_rational,
    from_str,
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
from sympy.core.numbers import NumberSymbol
from sympy.core.relational import Relational

from symderive.errors import ValueMissingError
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated

Raw = tuple[int, int, int, int]
"""mpmath's own number: sign, mantissa, exponent, bits."""

Tracked = tuple[Raw, int]
"""A number and the exponent of a bound of its error: |error| ≤ 2**exponent."""

Value = SupportsFloat | str
EXACT = -(10**12)
"""The error exponent of a number without error."""

GUARD = 32
"""Bits beyond the digits asked for, so that ordinary formulas need one run."""

MAX_BITS = 6_000
"""Where cancellation goes on beyond this, the number is zero."""

_CONTEXT = MPContext()  # our own, so that nobody's mp.prec is touched


class _UncertainError(Exception):
    """A decision (a branch, a pole) lies within the error: more bits are needed."""


def magnitude(number: Raw) -> int:
    """The exponent m of 2**(m-1) ≤ |number| < 2**m; only for finite numbers that are not 0."""
    return number[2] + number[3]


def _finite(number: Raw) -> bool:
    return bool(number[1]) or number == fzero


@dataclass(frozen=True, slots=True)
class _Run:
    """The conditions of one run: its bits, the values, whether doubts may still be raised."""

    bits: int
    values: Mapping[str, Value]
    last: bool

    def doubt(self) -> None:
        if not self.last:
            raise _UncertainError


# Arithmetic -------------------------------------------------------------------------------


def _rounded(number: Raw, error: int, run: _Run) -> Tracked:
    """The number with the error of rounding it joined to an error it already has."""
    if not number[1]:
        return number, error
    return number, max(error, magnitude(number) - run.bits) + 1


def _add(args: list[Tracked], run: _Run) -> Tracked:
    numbers = [number for number, _ in args]
    error = max(error for _, error in args)
    if error == EXACT:
        total = mpf_sum(numbers)
        if total[3] <= run.bits:
            return total, EXACT  # whole numbers stay whole: n + 1 is an order like n
        return _rounded(mpf_pos(total, run.bits, "n"), EXACT, run)
    return _rounded(mpf_sum(numbers, run.bits, "n"), error + len(args).bit_length(), run)


def _mul(args: list[Tracked], run: _Run) -> Tracked:
    total, bits = fone, run.bits
    if all(error == EXACT for _, error in args):
        for number, _ in args:
            total = mpf_mul(total, number)
        if total[3] <= bits:
            return total, EXACT
        return _rounded(mpf_pos(total, bits, "n"), EXACT, run)
    relative, zero_error, others = EXACT, None, 0
    for number, error in args:
        total = mpf_mul(total, number, bits, "n")
        if number[1]:
            relative = max(relative, error - magnitude(number))
            others += magnitude(number)
        elif number == fzero:
            zero_error = error if zero_error is None else zero_error + error
    if zero_error is not None:
        return total, max(EXACT, zero_error + others)
    if not total[1]:
        return total, EXACT
    return total, magnitude(total) + max(relative, -bits) + 2


def _pow(args: list[Tracked], run: _Run) -> Tracked:
    (base, base_error), (power, power_error) = args
    if not _finite(base) or not _finite(power):
        return _special("power", args, run)
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
    if not result[1]:
        return result, EXACT
    relative = -run.bits
    if base_error > EXACT:
        relative = max(relative, base_error - magnitude(base) + max(0, magnitude(power)) + 1)
    if power_error > EXACT:
        relative = max(relative, power_error + abs(magnitude(base)).bit_length() + 1)
    return result, magnitude(result) + relative + 1


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
    rest = mpf_sub(fone, mpf_mul(x, x))
    return magnitude(rest) if rest[1] else -MAX_BITS


_FAST: dict[str, tuple[Callable[..., Raw], _Slope | None]] = {
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
    "erfc": (libmp.mpf_erfc, None),
}
"""Functions of one argument that mpmath has on its bare numbers, with their slopes."""

_UNDEFINED = (ComplexResult, ValueError, ZeroDivisionError, OverflowError, libmp.NoConvergence)


_COMPOSED: dict[str, Callable[..., Any]] = {
    "lowergamma": lambda a, x: _CONTEXT.gammainc(a, 0, x),
    "airyaiprime": lambda x: _CONTEXT.airyai(x, derivative=1),
    "airybiprime": lambda x: _CONTEXT.airybi(x, derivative=1),
}
"""What mpmath has under another signature."""


def _bare(name: str, numbers: tuple[Raw, ...], bits: int) -> Raw:
    """One call of an mpmath function; nan where it is undefined or complex."""
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


def _special(name: str, args: list[Tracked], run: _Run) -> Tracked:
    """A function through mpmath; errors of the arguments by its slope, or by trying beside them."""
    numbers = tuple(number for number, _ in args)
    bits = run.bits + 8
    result = _bare(name, numbers, bits)
    error = EXACT if result == fzero else (magnitude(result) - run.bits if result[1] else EXACT)
    slope = _FAST[name][1] if name in _FAST else None
    for place, (number, doubt) in enumerate(args):
        if doubt == EXACT or not _finite(number):
            continue
        if slope is not None and result[1] and number[1]:
            error = max(error, doubt + slope(number, result) + 1)
            continue
        beside = [
            _bare(name, (*numbers[:place], moved, *numbers[place + 1 :]), bits)
            for moved in (
                mpf_add(number, mpf_shift(fone, doubt)),
                mpf_sub(number, mpf_shift(fone, doubt)),
            )
        ]
        if any(map(_finite, beside)) != _finite(result) or not all(
            _finite(value) == _finite(result) for value in beside
        ):
            run.doubt()
            continue
        if not _finite(result):
            continue
        for value in beside:
            change = mpf_sub(value, result, 20, "n")
            if change[1]:
                error = max(error, magnitude(change) + 1)
        if slope is None and name in _FAST and not result[1]:
            error = max(error, doubt)
    return result, error


def _sign(args: list[Tracked], run: _Run) -> Tracked:
    return from_int(_compared(args[0], (fzero, EXACT), run) or 0), EXACT


def _floor(args: list[Tracked], run: _Run) -> Tracked:
    number, error = args[0]
    if not _finite(number):
        return args[0]
    below = libmp.mpf_floor(number, run.bits, "n")
    if error > EXACT:  # within the error of a whole number?
        nearest = libmp.mpf_nint(number, run.bits, "n")
        rest = mpf_sub(number, nearest)
        if not rest[1] or magnitude(rest) <= error + 1:
            run.doubt()
            below = nearest
    return below, EXACT


def _ceil(args: list[Tracked], run: _Run) -> Tracked:
    number, error = args[0]
    below = _floor([(mpf_neg(number), error)], run)
    return mpf_neg(below[0]), below[1]


def _abs(args: list[Tracked], run: _Run) -> Tracked:
    return mpf_abs(args[0][0]), args[0][1]


def _greatest(args: list[Tracked], run: _Run) -> Tracked:
    best = args[0]
    for arg in args[1:]:
        if fnan in (arg[0], best[0]):
            return fnan, EXACT
        if mpf_cmp(arg[0], best[0]) > 0:
            best = arg
    return best


def _least(args: list[Tracked], run: _Run) -> Tracked:
    number, error = _greatest([(mpf_neg(number), error) for number, error in args], run)
    return mpf_neg(number), error


def _heaviside(args: list[Tracked], run: _Run) -> Tracked:
    sign = _compared(args[0], (fzero, EXACT), run)
    if sign is None:
        return fnan, EXACT
    if sign == 0 and len(args) > 1:
        return args[1]
    return ((fzero, (0, 1, -1, 1), fone)[sign + 1]), EXACT


_Operation = Callable[[list[Tracked], _Run], Tracked]

OPERATIONS: dict[str, _Operation] = {
    "abs": _abs,
    "sign": _sign,
    "floor": _floor,
    "ceil": _ceil,
    "max": _greatest,
    "min": _least,
    "heaviside": _heaviside,
}
"""Operations of our own, by the name of the row."""

_CLASSES: dict[type[sp.Basic], _Operation] = {
    sp.Add: _add,
    sp.Mul: _mul,
    sp.Pow: _pow,
    sp.Abs: _abs,
    sp.sign: _sign,
    sp.floor: _floor,
    sp.ceiling: _ceil,
    sp.Max: _greatest,
    sp.Min: _least,
    sp.Heaviside: _heaviside,
}


# Conditions -------------------------------------------------------------------------------


def _compared(left: Tracked, right: Tracked, run: _Run) -> int | None:
    """−1, 0 or 1; ``None`` where a side is nan."""
    if fnan in (left[0], right[0]):
        return None
    error = max(left[1], right[1])
    if error > EXACT and _finite(left[0]) and _finite(right[0]):
        rest = mpf_sub(left[0], right[0], run.bits, "n")
        if not rest[1] or magnitude(rest) <= error + 1:
            run.doubt()
            return 0
    result = mpf_cmp(left[0], right[0])
    return (result > 0) - (result < 0)


_RELATIONS: dict[type[Relational], Callable[[int], bool]] = {
    sp.StrictLessThan: lambda sign: sign < 0,
    sp.LessThan: lambda sign: sign <= 0,
    sp.StrictGreaterThan: lambda sign: sign > 0,
    sp.GreaterThan: lambda sign: sign >= 0,
    sp.Equality: lambda sign: sign == 0,
    sp.Unequality: lambda sign: sign != 0,
}


def _holds(condition: sp.Basic, run: _Run) -> bool:
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, Relational):
        left, right = (_program(side).run(run) for side in condition.args)
        sign = _compared(left, right, run)
        return sign is not None and _RELATIONS[type(condition)](sign)
    if isinstance(condition, sp.Not):
        return not _holds(condition.args[0], run)
    if isinstance(condition, sp.And | sp.Or):
        join = all if isinstance(condition, sp.And) else any
        return join(_holds(part, run) for part in condition.args)
    if isinstance(condition, sp.ITE):
        test, yes, no = condition.args
        return _holds(yes if _holds(test, run) else no, run)
    raise ValueMissingError(f"{condition} is not a condition that has a truth value")


# Programs ---------------------------------------------------------------------------------

_Leaf = Callable[[_Run], Tracked]


@dataclass(frozen=True, slots=True)
class _Program:
    """A formula as instructions in order; each is a leaf, or an operation on earlier results."""

    code: tuple[tuple[Any, tuple[int, ...] | None], ...]

    def run(self, run: _Run) -> Tracked:
        results: list[Tracked] = []
        for operation, places in self.code:
            if places is None:
                results.append(operation(run))
            else:
                results.append(operation([results[place] for place in places], run))
        return results[-1]


@lru_cache(maxsize=4096)
def _program(formula: sp.Basic) -> _Program:
    code: list[tuple[Any, tuple[int, ...] | None]] = []
    known: dict[sp.Basic, int] = {}
    pending: list[tuple[sp.Basic, bool]] = [(formula, False)]
    meaning: dict[sp.Basic, sp.Basic] = {}
    while pending:
        part, ready = pending.pop()
        if part in known:
            continue
        inner = meaning.setdefault(part, _expanded(part))
        leaf = _leaf(inner)
        if leaf is None and not ready:
            pending.append((part, True))
            below = (inner,) if inner is not part else part.args
            pending.extend((arg, False) for arg in reversed(below))
            continue
        if leaf is not None:
            code.append((leaf, None))
        elif inner is not part:
            known[part] = known[inner]
            continue
        else:
            code.append((_operation(part), tuple(known[arg] for arg in part.args)))
        known[part] = len(code) - 1
    return _Program(tuple(code[: known[formula] + 1]))


def _expanded(part: sp.Basic) -> sp.Basic:
    """A function of the table that mpmath does not have: its definition."""
    if type(part) in _CLASSES or not isinstance(part, sp.Function):
        return part
    row = function_of(part)
    if row is None or row.numeric or row.name in OPERATIONS or not row.is_defined:
        return part
    return evaluated(row.definition_formula(*part.args))


def _leaf(part: sp.Basic) -> _Leaf | None:
    """How a part without arguments, or a choice between branches, gets its value."""
    if isinstance(part, sp.Symbol):
        return lambda run, name=part.name: _given(name, run)
    if isinstance(part, sp.Piecewise):
        return lambda run: _chosen(part, run)
    if isinstance(part, sp.Integer):
        number = from_int(int(part))
        return lambda run: (number, EXACT)
    if isinstance(part, sp.Float):
        return lambda run: (part._mpf_, EXACT)
    if isinstance(part, sp.Rational):
        return lambda run: _rounded(from_rational(part.p, part.q, run.bits, "n"), EXACT, run)
    if isinstance(part, NumberSymbol):
        return lambda run: _rounded(part._as_mpf_val(run.bits + 8), EXACT, run)
    special = {sp.oo: libmp.finf, -sp.oo: libmp.fninf, sp.nan: fnan, sp.zoo: fnan, sp.I: fnan}
    if part in special:
        return lambda run: (special[part], EXACT)
    return None


def _given(name: str, run: _Run) -> Tracked:
    if name not in run.values:
        raise ValueMissingError(f"no value is given for {name}")
    value: Any = run.values[name]
    if isinstance(value, float):
        return from_float(value), EXACT
    if hasattr(value, "_mpf_"):
        return value._mpf_, EXACT
    if isinstance(value, int):
        return from_int(value), EXACT
    if isinstance(value, sp.Expr):
        return _program(value).run(run)
    if isinstance(value, str):
        return _rounded(from_str(value, run.bits, "n"), EXACT, run)
    if hasattr(value, "numerator") and hasattr(value, "denominator"):
        number = from_rational(int(value.numerator), int(value.denominator), run.bits, "n")
        return _rounded(number, EXACT, run)
    return from_float(float(value)), EXACT


def _chosen(part: sp.Piecewise, run: _Run) -> Tracked:
    for formula, condition in part.args:
        if _holds(condition, run):
            return _program(formula).run(run)
    return fnan, EXACT


def _operation(part: sp.Basic) -> _Operation:
    operation = _CLASSES.get(type(part))
    if operation is not None:
        return operation
    row = function_of(part)
    if isinstance(part, Diff) or row is None or not (row.numeric or row.name in OPERATIONS):
        what = "a derivative not yet taken" if isinstance(part, Diff) else "an unknown function"
        raise ValueMissingError(f"{part} has no value: it holds {what}")
    if row.name in OPERATIONS:
        return OPERATIONS[row.name]
    return lambda args, run, name=row.numeric: _special(name, args, run)


# The public verbs -------------------------------------------------------------------------


def evaluate(formula: sp.Basic, values: Mapping[str, Value], digits: int = 50) -> mpf:
    """The value of a formula, correct to ``digits`` digits; nan where it is not a real number.

    Args:
        formula: A SymPy formula, evaluated or as written.
        values: A number for each name; floats are taken exactly, text as the decimal it says.
        digits: Significant digits of the result.

    Raises:
        ValueMissingError: A name without a value, a derivative not yet taken, an unknown function.

    >>> from sympy import exp, Symbol
    >>> print(evaluate(1 - 1/(1 + exp(-Symbol("z"))), {"z": 100}, 10))
    3.720075976e-44
    """
    target = int(digits * 3.3219281) + 4
    bits = target + GUARD
    program = _program(formula)
    while True:
        last = bits >= MAX_BITS + target
        try:
            number, error = program.run(_Run(bits, values, last))
        except _UncertainError:
            bits = min(2 * bits, MAX_BITS + target)
            continue
        if not number[1] and (number != fzero or error == EXACT):
            break
        lost = error - magnitude(number) + target if number[1] else bits
        if lost <= 0:
            break
        if last:
            number = number if number[1] and error < magnitude(number) else fzero
            break
        bits = min(bits + lost + GUARD, MAX_BITS + target)
    return mp.make_mpf(mpf_pos(number, target, "n"))


def derivative(
    formula: sp.Basic, name: str, values: Mapping[str, Value], digits: int = 50
) -> mpf:
    """The derivative by ``name`` at a point, from differences of values; nan at a kink.

    >>> from sympy import Symbol
    >>> print(derivative(Symbol("x")**3, "x", {"x": 2}, 20))
    12.0
    """
    target = int(digits * 3.3219281)
    place = _given(name, _Run(4 * target, values, True))[0]
    if not _finite(place):
        return mpf("nan")
    ordinary = not place[1] or abs(magnitude(place)) < 60
    step = mpf_shift(fone, (0 if ordinary else magnitude(place)) - target - 10)
    middle, left, right = _slopes(formula, name, values, place, step, target)
    if not all(map(_finite, (middle, left, right))):
        return mpf("nan")
    jump = mpf_abs(mpf_sub(right, left, target, "n"))
    usual = max((magnitude(side) for side in (left, right) if side[1]), default=0)
    doubtful = jump[1] and magnitude(jump) > usual - target // 3
    if doubtful or (middle[1] and abs(magnitude(middle)) > target // 2):
        nearer, left, right = _slopes(formula, name, values, place, mpf_shift(step, -10), target)
        if not _settles(middle, nearer) or not _settles(jump, mpf_sub(right, left), doubtful):
            return mpf("nan")
        if mpf_cmp(mpf_abs(nearer), mpf_shift(mpf_abs(middle), -5)) < 0:
            middle = fzero  # it vanishes with the step
    return mp.make_mpf(mpf_pos(middle, target, "n"))


def _settles(far: Raw, near: Raw, must_shrink: bool = False) -> bool:
    """Whether a quotient stays finite (or vanishes) as the step gets smaller."""
    limit = mpf_shift(mpf_abs(far), -1 if must_shrink else 1)
    return _finite(near) and (mpf_cmp(mpf_abs(near), limit) <= 0 or not far[1])


def _slopes(
    formula: sp.Basic, name: str, values: Mapping[str, Value], place: Raw, step: Raw, target: int
) -> tuple[Raw, Raw, Raw]:
    """The central, left and right difference quotients, with ``target`` bits of each."""
    points = (mpf_sub(place, step), place, mpf_add(place, step))
    bits = 2 * target + 40
    for _ in range(4):
        digits = int(bits / 3.3219281) + 2
        below, here, above = (
            evaluate(formula, {**values, name: mp.make_mpf(point)}, digits)._mpf_
            for point in points
        )
        change = mpf_sub(above, below)
        if not _finite(change) or not _finite(here) or change == fzero == here:
            break
        size = max(magnitude(number) for number in (below, here, above) if number[1])
        lost = size - (magnitude(change) if change[1] else size - bits) + target - bits
        if lost <= 0:
            break
        bits += lost + 10
    return (
        libmp.mpf_div(change, mpf_shift(step, 1), target + 10, "n"),
        libmp.mpf_div(mpf_sub(here, below), step, target + 10, "n"),
        libmp.mpf_div(mpf_sub(above, here), step, target + 10, "n"),
    )
