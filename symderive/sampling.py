"""Seeded points of a formula's domain, and the formula's value there to fifty digits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import is_
from types import MappingProxyType

from mpmath import isfinite, mp, mpf
from sympy import Basic, Eq, Expr, Ne, Rational, Symbol, exp
from sympy.core.function import AppliedUndef

from symderive.formulas.evaluate import derivative, evaluated_in
from symderive.formulas.functions import FUNCTIONS, function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import parts_of, put_for

DIGITS = 50

POINTS = 8

SEED = 20_260_101

MAX_WORK = 400_000
"""Operations after which the points found so far decide: a hard formula must not hang. A bound in
work and not in seconds, so that a line has one verdict on every machine."""

ENOUGH_WORK = 30_000
"""Operations after which one point is enough."""

LEAST_TRIALS = 24
"""Points that are tried whatever they cost."""

ORDERS = (1, 6)
"""Whole numbers that an order is drawn from."""

RANGES = ((0.05, 0.95), (-2.0, 2.0), (1.05, 4.0), (-6.0, -0.1), (0.2, 12.0), (-0.9, 0.9), (2, 3))


def stopped(formula: Expr) -> list[Expr]:
    """The parts that ``stop_gradient`` holds constant, in a fixed order."""
    return sorted(parts_of(formula, FUNCTIONS["stop_gradient"].function), key=str)


def held_constant(formula: Expr, values: Mapping[str, mpf]) -> tuple[Expr, dict[str, mpf]]:
    """The formula with what ``stop_gradient`` holds as symbols, and their values at a point."""
    marks = {part: Symbol(f"_held{k}") for k, part in enumerate(stopped(formula))}
    numbers = {mark.name: number_at(part.args[0], values) for part, mark in marks.items()}
    return put_for(formula, marks), numbers


def number_at(formula: Expr, values: Mapping[str, mpf], digits: int = DIGITS) -> mpf:
    """The value of a formula at a point, each ``Diff`` by a high-precision difference."""
    return _number_at(formula, tuple(sorted(values.items())), digits)[0]


def effort_at(formula: Expr, values: Mapping[str, mpf]) -> int:
    """How many times the usual bits that value takes: the sine of 10^1000 needs many."""
    return _number_at(formula, tuple(sorted(values.items())), DIGITS)[1]


def equal(left: mpf, right: mpf) -> bool:
    """Whether two values agree to twelve digits."""
    if not (isfinite(left) and isfinite(right)):
        return False
    return bool(abs(left - right) <= mpf(10) ** -12 * max(abs(left), abs(right), mpf(10) ** -6))


@lru_cache(maxsize=4096)  # the lines of a derivation are compared with one truth
def _number_at(formula: Expr, point: tuple[tuple[str, mpf], ...], digits: int) -> tuple[mpf, int]:
    values = dict(point)
    ready, pending = _ready(formula)
    for mark, inner, variable in pending:
        inside, held = held_constant(inner, values) if stopped(inner) else (inner, {})
        values[mark] = derivative(inside, variable, {**values, **held}, digits)
    return evaluated_in(ready, values, digits)


@lru_cache(maxsize=512)  # a formula is evaluated at several points
def _ready(formula: Expr) -> tuple[Expr, tuple[tuple[str, Expr, str], ...]]:
    """The formula with a name for each derivative that it holds, and these derivatives."""
    found = parts_of(formula, Diff)
    if not found:
        return stand_in(formula), ()
    pending = sorted(found, key=str) if len(found) > 1 else [*found]  # long ones print slowly
    marks = {part: Symbol(f"_d{k}") for k, part in enumerate(pending)}
    rows = tuple((marks[p].name, stand_in(p.args[0]), p.args[1].name) for p in pending)
    return stand_in(put_for(formula, marks)), rows


def stand_in(formula: Basic) -> Basic:
    """Undefined functions replaced by concrete ones, so that lines with f(x) can be sampled."""
    return _stood_in(formula, {})


def drawn(names: Sequence[str], attempt: int, source: random.Random) -> dict[str, mpf]:
    """A number for each name: in turn all from one of RANGES, and each from one of its own."""
    spread = RANGES if attempt % 2 else (RANGES[(attempt // 2) % len(RANGES)],)
    return {name: mpf(source.uniform(*source.choice(spread))) for name in names}


def _stood_in(formula: Basic, done: dict[Basic, Basic]) -> Basic:
    if not formula.args:
        return formula
    found = done.get(formula)
    if found is None:  # an inverse that is written out has the same parts many times
        args = [_stood_in(arg, done) for arg in formula.args]
        same = all(map(is_, args, formula.args))
        if isinstance(formula, AppliedUndef) and function_of(formula) is None:
            found = _stand_in(type(formula).__name__, args)
        else:
            found = formula if same else formula.func(*args)
        done[formula] = found
    return found


def _stand_in(name: str, args: list[Expr]) -> Expr:
    base = name.rstrip("'").partition("_")[0]
    primes = len(name) - len(name.rstrip("'"))
    places = [int(part) - 1 for part in name.split("_")[1:] if part.isdigit()]
    letters = [Symbol(f"_s{k}") for k in range(len(args))]
    noise = random.Random(base)
    total = Rational(noise.randint(1, 9), 7) * exp(
        sum(Rational(noise.randint(-9, 9), 13) * u for u in letters)
    ) + sum(Rational(noise.randint(1, 9), 5) * u**3 for u in letters)
    for k in places or [0] * primes:
        total = total.diff(letters[k])
    return total.xreplace(dict(zip(letters, args, strict=True)))


def points(
    names: Iterable[str],
    valid: Callable[[dict[str, mpf]], int],
    *,
    seed: int = SEED,
    count: int = POINTS,
    attempts: int = 400,
    work: int = 1,
    whole: frozenset[str] = frozenset(),
    positive: frozenset[str] = frozenset(),
    special: Mapping[str, Expr] = MappingProxyType({}),
) -> Iterable[dict[str, mpf]]:
    """Seeded points of a domain: each name is drawn from ranges inside and outside (0, 1).

    Args:
        names: The names to draw.
        valid: Whether a point lies in the domain: how many times the usual work it took to
            find that out, negative (or 0) where it does not.
        seed: Where the draws start.
        count: Points to find.
        attempts: Points to try.
        work: Operations that one try takes.
        whole: The names that take whole numbers only.
        positive: The names that take positive numbers only.
        special: Names with a number that branches ask for; one draw of three has it.
    """
    source = random.Random(seed)
    names = sorted(names)
    attempts = min(attempts, max(LEAST_TRIALS, MAX_WORK // work))
    found = more = 0
    with mp.workdps(DIGITS):
        for attempt in range(attempts):
            point = drawn(names, attempt, source)
            point |= {name: mpf(source.randint(*ORDERS)) for name in names if name in whole}
            point |= {name: abs(point[name]) for name in names if name in positive}
            at = {name: number_at(number, {}) for name, number in special.items() if name in names}
            point |= at if attempt % 3 == 2 else {}
            effort = int(valid(point))
            more += work * max(abs(effort) - 1, 0)
            if effort > 0:
                found += 1
                yield point
            enough = found and (attempt + 1) * work + more > ENOUGH_WORK
            if found == count or enough or more > MAX_WORK:
                return


LARGE = mpf(10) ** 300
"""What floats cannot hold; far beyond, mpmath has no room for the exponential of it either."""

VAST = mpf(10) ** 1000
"""A number beside which no digit of an ordinary one is left."""

FEW = 28
"""Points at which a formula is tried before it is taken to be defined nowhere."""


@lru_cache(maxsize=512)  # the lines of a derivation are compared with one truth
def defined_somewhere(formula: Expr) -> bool:
    """Whether a formula has a finite value at one of a few points of every range.

    >>> x = Symbol("x")
    >>> defined_somewhere(1/x), defined_somewhere(1/((x + 1)**2 - x**2 - 2*x - 1))
    (True, False)
    """

    def valid(point: dict[str, mpf]) -> bool:
        try:
            return bool(isfinite(number_at(formula, point)))
        except (ValueError, ZeroDivisionError, OverflowError):
            return False

    names = {symbol.name for symbol in parts_of(formula, Symbol)}
    return any(True for _ in points(names, valid, count=1, attempts=FEW))


@lru_cache(maxsize=512)
def out_of_reach(function: Expr) -> bool:
    """Whether a function has no value at any of a few points, as its argument is too large.

    Or only values beside which nothing that is added to them is left: gamma(4000).
    """
    names = {symbol.name for symbol in parts_of(function, Symbol)}
    large = False
    for point in points(names, lambda _: True, attempts=FEW, count=FEW):
        try:
            value = number_at(function, point)
            if isfinite(value) and abs(value) < VAST:
                return False
            large = (
                large
                or isfinite(value)
                or any(abs(number_at(arg, point)) > LARGE for arg in function.args)
            )
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
    return large


def equalities(formula: Basic) -> Iterator[tuple[Basic, Basic]]:
    """The sides of what the branches of a formula test for equality, either way round.

    >>> from sympy import Piecewise
    >>> t, x = Symbol("t"), Symbol("x")
    >>> list(equalities(Piecewise((x, Eq(t, 1)), (t, True))))
    [(t, 1), (1, t)]
    """
    for test in parts_of(formula, Eq, Ne):
        yield test.args
        yield test.args[::-1]
