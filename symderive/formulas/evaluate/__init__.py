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
from typing import Any

import sympy as sp
from mpmath import libmp, mp, mpf
from mpmath.libmp import (
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
    mpf_pos,
    mpf_shift,
    mpf_sub,
)
from sympy.core.numbers import NumberSymbol
from sympy.core.relational import Relational

from symderive.errors import ValueMissingError
from symderive.formulas.evaluate import tracked
from symderive.formulas.evaluate.tracked import (
    EXACT,
    MAX_BITS,
    OPERATIONS,
    SLOW_BITS,
    Operation,
    Raw,
    Run,
    Tracked,
    UncertainError,
    Value,
    call,
    compare,
    is_finite,
    is_slow,
    magnitude,
    rounded,
)
from symderive.formulas.evaluate.whole import WholeEntry, value_of
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated, parts_of

GUARD = 32
"""Bits beyond the digits asked for, so that ordinary formulas need one run."""

SPARE = 8
"""Bits fewer than asked for with which a number still has its digits."""

FAINT = 10**9
"""What is known to be below 2**-FAINT is not zero but out of reach: exp of -10^400."""

STEP = 213
"""Working precisions are multiples of this (64 digits), so that mpmath's caches serve."""

_CLASSES: dict[type[sp.Basic], Operation] = {
    sp.Add: tracked.add,
    sp.Mul: tracked.multiply,
    sp.Pow: tracked.raise_to,
    sp.Abs: tracked.absolute,
    sp.sign: tracked.sign,
    sp.floor: tracked.floor,
    sp.ceiling: tracked.ceil,
    sp.Max: tracked.greatest,
    sp.Min: tracked.least,
    sp.Heaviside: tracked.heaviside,
}


# Conditions -------------------------------------------------------------------------------

_RELATIONS: dict[type[Relational], Callable[[int], bool]] = {
    sp.StrictLessThan: lambda sign: sign < 0,
    sp.LessThan: lambda sign: sign <= 0,
    sp.StrictGreaterThan: lambda sign: sign > 0,
    sp.GreaterThan: lambda sign: sign >= 0,
    sp.Equality: lambda sign: sign == 0,
    sp.Unequality: lambda sign: sign != 0,
}


class _UndefinedError(Exception):
    """A side of a condition is nan: neither branch is right."""


def _holds(condition: sp.Basic, run: Run) -> bool:
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, Relational):
        left, right = (_program(side).run(run) for side in condition.args)
        sign = compare(left, right, run)
        if sign is None:
            raise _UndefinedError
        return _RELATIONS[type(condition)](sign)
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

_Leaf = Callable[[Run], Tracked]


@dataclass(frozen=True, slots=True)
class _Program:
    """A formula as instructions in order; each is a leaf, or an operation on earlier results."""

    code: tuple[tuple[Any, tuple[int, ...] | None], ...]
    limit: int

    def run(self, run: Run) -> Tracked:
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
    limit = SLOW_BITS if _holds_slow(formula) else MAX_BITS
    return _Program(tuple(code[: known[formula] + 1]), limit)


def _holds_slow(formula: sp.Basic) -> bool:
    """Whether a formula holds, in any branch or definition, what is slow at many bits."""
    seen: set[sp.Basic] = set()
    pending = [formula]
    while pending:
        part = pending.pop()
        if part in seen:
            continue
        seen.add(part)
        row = function_of(part)
        if row is not None and row.numeric and is_slow(row.numeric):
            return True
        inner = _expanded(part)
        pending.extend(part.args if inner is part else (inner,))
    return False


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
        name = part.name
        return lambda run: _given(name, run)
    if isinstance(part, sp.Piecewise):
        return lambda run: _chosen(part, run)
    if isinstance(part, sp.Integer):
        number = from_int(int(part))
        return lambda run: (number, EXACT)
    if isinstance(part, sp.Float):
        return lambda run: (part._mpf_, EXACT)
    if isinstance(part, sp.Rational):
        return lambda run: rounded(from_rational(part.p, part.q, run.bits, "n"), EXACT, run)
    if isinstance(part, NumberSymbol):
        return lambda run: rounded(part._as_mpf_val(run.bits + 8), EXACT, run)
    special = {sp.oo: libmp.finf, -sp.oo: libmp.fninf, sp.nan: fnan, sp.zoo: fnan, sp.I: fnan}
    if part in special:
        return lambda run: (special[part], EXACT)
    return None


def _given(name: str, run: Run) -> Tracked:
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
        return rounded(from_str(value, run.bits, "n"), EXACT, run)
    if hasattr(value, "numerator") and hasattr(value, "denominator"):
        number = from_rational(int(value.numerator), int(value.denominator), run.bits, "n")
        return rounded(number, EXACT, run)
    return from_float(float(value)), EXACT


def _chosen(part: sp.Piecewise, run: Run) -> Tracked:
    try:
        for formula, condition in part.args:
            if _holds(condition, run):
                return _program(formula).run(run)
    except _UndefinedError:
        pass
    return fnan, EXACT


def _operation(part: sp.Basic) -> Operation:
    operation = _CLASSES.get(type(part))
    if operation is not None:
        return operation
    if isinstance(part, WholeEntry):
        kind = type(part)
        return lambda args, run: value_of(kind, args, run)
    row = function_of(part)
    if isinstance(part, Diff) or row is None or not (row.numeric or row.name in OPERATIONS):
        what = "a derivative not yet taken" if isinstance(part, Diff) else "an unknown function"
        raise ValueMissingError(f"{part} has no value: it holds {what}")
    if row.name in OPERATIONS:
        return OPERATIONS[row.name]
    name = row.numeric
    return lambda args, run: call(name, args, run)


# The public verbs -------------------------------------------------------------------------


def evaluate(formula: sp.Basic, values: Mapping[str, Value], digits: int = 50) -> mpf:
    """The value of a formula, correct to ``digits`` digits.

    It is nan where it is no real number, or where its digits are out of reach (sin of 10^2000).

    Args:
        formula: A SymPy formula, evaluated or as written.
        values: A number for each name; floats are taken exactly, text as the decimal it says.
        digits: Significant digits of the result.

    Raises:
        ValueMissingError: A name without a value, a derivative not yet taken, an unknown function.

    >>> from sympy import exp, Symbol
    >>> print(mp.nstr(evaluate(1 - 1/(1 + exp(-Symbol("z"))), {"z": 100}), 10))
    3.720075976e-44
    """
    return evaluated_in(formula, values, digits)[0]


def evaluated_in(
    formula: sp.Basic, values: Mapping[str, Value], digits: int = 50
) -> tuple[mpf, int]:
    """The same value, and how many times the usual bits it took.

    >>> from sympy import sin, Symbol
    >>> [evaluated_in(sin(10**Symbol("n")), {"n": n})[1] for n in (1, 1000)]
    [1, 17]
    """
    target = int(digits * 3.3219281) + 4
    program = _program(formula)
    bits, limit = _in_steps(target + GUARD), _in_steps(target + program.limit)
    while True:
        last = bits >= limit
        try:
            number, error = program.run(Run(bits, values, last))
        except UncertainError:
            bits = min(2 * bits, limit)
            continue
        if not number[1] and (number != fzero or error == EXACT):
            break
        lost = error - magnitude(number) + target if number[1] else bits
        if lost <= 0:
            break
        if last:
            if not number[1] or error >= magnitude(number):  # noise: zero, if it is small at all
                number = fzero if -FAINT < error < -target else fnan
            elif lost > SPARE:
                number = fnan
            break
        bits = min(_in_steps(bits + lost + GUARD), limit)
    return mp.make_mpf(mpf_pos(number, target, "n")), bits // STEP


def _in_steps(bits: int) -> int:
    return -(-bits // STEP) * STEP


def derivative(formula: sp.Basic, name: str, values: Mapping[str, Value], digits: int = 50) -> mpf:
    """The derivative by ``name`` at a point, from differences of values; nan at a kink.

    >>> from sympy import Symbol
    >>> print(derivative(Symbol("x")**3, "x", {"x": 2}, 20))
    12.0
    """
    target = int(digits * 3.3219281)
    variable = sp.Symbol(name)
    if formula.is_Add:  # a huge constant would leave no digit of a difference
        formula = sp.Add(*(term for term in formula.args if variable in parts_of(term, sp.Symbol)))
    if variable not in parts_of(formula, sp.Symbol):
        return mpf(0)
    if formula.is_Pow and formula.exp.is_Integer and formula.exp > 1:  # its digits are the base's
        outside = evaluate(formula.exp * formula.base ** (formula.exp - 1), values, digits)
        inside = derivative(formula.base, name, values, digits)
        return mp.make_mpf(libmp.mpf_mul(outside._mpf_, inside._mpf_, target, "n"))
    place = _given(name, Run(4 * target, values, True))[0]
    if not is_finite(place):
        return mpf("nan")
    ordinary = not place[1] or abs(magnitude(place)) < 60
    first = (0 if ordinary else magnitude(place)) - target - 10
    for shorter in SHORTER_STEPS:
        found = _quotient(formula, name, values, place, mpf_shift(fone, first - shorter), target)
        if found is not None:
            return mp.make_mpf(mpf_pos(found, target, "n"))
    return mpf("nan")


SHORTER_STEPS = (0, 600, 2_400)
"""Bits by which the step is shorter where a function is too steep for the first: e^(10¹⁰⁰·x)."""


def _quotient(
    formula: sp.Basic, name: str, values: Mapping[str, Value], place: Raw, step: Raw, target: int
) -> Raw | None:
    """The central quotient, nan at a kink; None where the function is too steep for the step."""
    middle, left, right = _slopes(formula, name, values, place, step, target)
    if not all(map(is_finite, (middle, left, right))):
        return fnan
    jump = mpf_abs(mpf_sub(right, left, target, "n"))
    usual = max((magnitude(side) for side in (left, right) if side[1]), default=0)
    doubtful = jump[1] and magnitude(jump) > usual - target // 3
    if doubtful or (middle[1] and abs(magnitude(middle)) > target // 2):
        nearer, left, right = _slopes(formula, name, values, place, mpf_shift(step, -10), target)
        if middle[1] and mpf_cmp(mpf_abs(nearer), mpf_shift(mpf_abs(middle), -5)) < 0:
            return None if magnitude(middle) > 0 else fzero  # it vanishes with the step
        if not _settles(middle, nearer) or not _settles(
            jump, mpf_sub(right, left, target, "n"), doubtful
        ):
            return fnan
    return middle


def _settles(far: Raw, near: Raw, must_shrink: bool = False) -> bool:
    """Whether a quotient stays finite (or vanishes) as the step gets smaller."""
    limit = mpf_shift(mpf_abs(far), -1 if must_shrink else 1)
    return is_finite(near) and (mpf_cmp(mpf_abs(near), limit) <= 0 or not far[1])


def _slopes(
    formula: sp.Basic, name: str, values: Mapping[str, Value], place: Raw, step: Raw, target: int
) -> tuple[Raw, Raw, Raw]:
    """The central, left and right difference quotients, with ``target`` bits of each."""
    points = (mpf_sub(place, step), place, mpf_add(place, step))
    bits = 2 * target + 40 + max(0, -magnitude(step) - 2 * target)
    most = 4 * bits  # beyond, a change that is still lost in noise is none
    while True:
        digits = int(bits / 3.3219281) + 2
        below, here, above = (
            evaluate(formula, {**values, name: mp.make_mpf(point)}, digits)._mpf_
            for point in points
        )
        change = mpf_sub(above, below, 2 * bits, "n")
        if not is_finite(change) or not is_finite(here) or change == fzero == here:
            break
        size = max(magnitude(number) for number in (below, here, above) if number[1])
        shared = size - magnitude(change) if change[1] else bits
        if shared + target <= bits or bits >= most:
            lost = bits >= most and shared + 8 >= bits
            if lost and size - bits - magnitude(step) > -target // 2:
                return fnan, fnan, fnan  # of values this large no digit of the slope is left
            break
        bits = min(most, 2 * bits if shared + 8 >= bits else shared + target + 10)
    return (
        libmp.mpf_div(change, mpf_shift(step, 1), target + 10, "n"),
        libmp.mpf_div(mpf_sub(here, below, 2 * bits, "n"), step, target + 10, "n"),
        libmp.mpf_div(mpf_sub(above, here, 2 * bits, "n"), step, target + 10, "n"),
    )
