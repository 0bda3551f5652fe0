"""Where two formulas agree: kinks, points on every side of them, and the condition that tells.

Kinks, jumps and branches part the domain into regions. Points are drawn in each; the simplest
condition on their signs that holds exactly where the two agree is the answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mpmath import isfinite, mp, mpf
from sympy import (
    Basic,
    Expr,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    cos,
    expand,
    factor_list,
    preorder_traversal,
    sin,
    tan,
)
from sympy.core.relational import Relational
from sympy.polys.polyerrors import PolynomialError

from symderive.errors import SymderiveError
from symderive.formulas.functions import function_of
from symderive.formulas.typed import condition
from symderive.formulas.written import evaluated
from symderive.sampling import SEED, drawn, equal, number_at

DIGITS = 25
MAX_BOUNDARIES = 24
PER_REGION, MAX_POINTS, ATTEMPTS = 5, 90, 400
FEWEST = 3
"""Points that must hold, and fail, before a condition is looked for."""

KINK_TRIALS = 32
EIGHTHS = (8, 2, 16, 6, -8, 5, 24, 1, -4, 4, 32, 3, -16, 7, 0)
"""Numbers at which kinks are looked for, times eight: sums and halves of them are exact."""

WIDE = (-60.0, 60.0)

UNDEFINED = (ValueError, ZeroDivisionError, OverflowError, KeyError, SymderiveError)
"""What an evaluation raises where a formula has no value."""

Point = dict[str, mpf]


@dataclass(frozen=True)
class Row:
    """Two formulas at a point: their values, and the signs of the boundaries there."""

    point: Point
    claim: mpf
    truth: mpf
    signs: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether the two agree."""
        return equal(self.claim, self.truth)


def value(formula: Expr, point: Mapping[str, mpf]) -> mpf | None:
    """The value at a point; None where there is none."""
    try:
        return number_at(formula, point, DIGITS)
    except UNDEFINED:
        return None


# Boundaries -------------------------------------------------------------------------------------


def boundaries(formulas: Iterable[Expr], names: Iterable[str]) -> list[Expr]:
    """The functions whose signs part the domain of some formulas: names first, then kinks.

    >>> from symderive.formulas.functions import FUNCTIONS
    >>> boundaries([FUNCTIONS["abs"].apply(Symbol("x") - 2)], ["x"])
    [x, x - 2]
    """
    found: dict[Expr, None] = dict.fromkeys(Symbol(name) for name in sorted(names))
    inner: dict[Expr, None] = {}
    for formula in formulas:
        for part in preorder_traversal(evaluated(formula)):
            inner |= dict.fromkeys(_kinks_of(part))
    for kink in sorted(inner, key=lambda part: (len(str(part)), str(part))):
        plain = evaluated(kink)
        if plain.free_symbols and not {plain, -plain} & found.keys():
            found[plain.as_content_primitive()[1]] = None
    return list(found)[:MAX_BOUNDARIES]


def _kinks_of(part: Basic) -> Iterator[Expr]:
    """What is zero where a part has a kink, a jump or another branch."""
    if isinstance(part, Piecewise):
        for _, test in part.args:
            for relation in test.atoms(Relational):
                yield relation.lhs - relation.rhs
    elif isinstance(part, Pow):
        if part.exp.is_Rational and not part.exp.is_Integer:
            yield from _squared(part.base)
            yield from _sides(part.base)
    elif isinstance(part, sin | cos | tan):
        yield from (sin(part.args[0]), cos(part.args[0]))
    else:
        row = function_of(part)
        if row is not None:
            yield from row.kink_formulas(*part.args)


def _sides(base: Expr) -> Iterator[Expr]:
    """The factors under a root that may be negative together: x − a and b − x."""
    factors = [f.as_base_exp() for f in Mul.make_args(base)]
    odd = [inner for inner, exponent in factors if exponent.is_odd and inner.free_symbols]
    yield from odd if len(odd) > 1 else ()


def _squared(base: Expr) -> Iterator[Expr]:
    """What a root takes the square of: x − y of (x − y)²."""
    parts = [f.as_base_exp() for f in Mul.make_args(base)]
    if base.is_Add:
        try:
            parts = factor_list(base)[1]
        except (PolynomialError, NotImplementedError):
            parts = []
    for inner, exponent in parts:
        if exponent.is_even if isinstance(exponent, Expr) else exponent % 2 == 0:
            yield inner


# Points -----------------------------------------------------------------------------------------


def covering(
    names: Iterable[str],
    bounds: Sequence[Expr],
    values_at: Callable[[Point], tuple[mpf, mpf] | None],
    seed: int,
    flat: range = range(0),
    positive: Collection[str] = (),
) -> list[Row]:
    """Seeded points of the domain, some of every region that the boundaries part it into.

    Args:
        names: The names to draw numbers for.
        bounds: The boundaries.
        values_at: The two formulas at a point; None outside their domain.
        seed: The seed.
        flat: The places of boundaries that may be zero in a whole region, as a relu is.
        positive: Names that are stated to be positive.
    """
    source, ordered = random.Random(seed), sorted(names)
    rows: list[Row] = []
    counts: dict[tuple[int, ...], int] = {}
    with mp.workdps(DIGITS):
        for point in _drawn(ordered, bounds, source):
            point |= {name: abs(point[name]) for name in positive if name in point}
            signs = tuple(sign_of(value(bound, point)) for bound in bounds)
            if any(sign == 0 and k not in flat for k, sign in enumerate(signs)):
                continue
            if counts.get(signs, 0) >= max(PER_REGION, 24 // (len(counts) or 1)):
                continue
            pair = values_at(point)
            if pair is not None:
                counts[signs] = counts.get(signs, 0) + 1
                rows.append(Row(point, *pair, signs))
            if len(rows) >= MAX_POINTS:
                break
    return rows


def sign_of(number: mpf | None) -> int:
    """−1, 0 or 1; 2 where there is no number."""
    if number is None or not isfinite(number):
        return 2
    return 0 if number == 0 else (1 if number > 0 else -1)


def _drawn(names: Sequence[str], bounds: Sequence[Expr], source: random.Random) -> Iterator[Point]:
    """Points drawn from many ranges, and beside every boundary."""
    for attempt in range(ATTEMPTS):
        point = drawn(names, attempt, source)
        if attempt % 10 == 9 and names:
            point[source.choice(names)] = mpf(source.uniform(*WIDE))
        yield point
        if attempt % 4 == 3 and bounds:
            yield from _beside(bounds[(attempt // 4) % len(bounds)], point, source)


def _beside(bound: Expr, point: Point, source: random.Random) -> Iterator[Point]:
    """Both sides of a boundary, on the line through a point along one name."""
    names = sorted(symbol.name for symbol in bound.free_symbols if symbol.name in point)
    if isinstance(bound, Symbol) or not names:
        return
    name = source.choice(names)

    def along(number: mpf) -> mpf:
        found = value(bound, {**point, name: number})
        if found is None:
            raise ValueError
        return found

    try:
        root = mp.findroot(along, (point[name], point[name] + 1), tol=1e-8, maxsteps=15)
    except UNDEFINED:
        return
    if not isfinite(root) or mp.im(root) != 0:
        return
    step = mpf(source.uniform(0.02, 0.3)) * max(abs(root), 1)
    yield {**point, name: root + step}
    yield {**point, name: root - step}


def at_kinks(
    names: Iterable[str], kinks: Sequence[Expr], positive: Collection[str]
) -> Iterator[tuple[Expr, Point, str]]:
    """Points in small numbers at which a kink's formula is 0, and a name that leads away from it.

    >>> kink, point, name = next(at_kinks("ax", [Symbol("x") - 2 * Symbol("a")], ["a"]))
    >>> value(kink, point), name
    (mpf('0.0'), 'a')
    """
    source, ordered = random.Random(SEED), sorted(names)
    for kink in kinks:
        inside = sorted(kink.free_symbols & {*map(Symbol, ordered)}, key=str)
        for attempt in range(KINK_TRIALS if inside else 0):
            numbers = {n: Rational(source.choice(EIGHTHS), 8) for n in ordered}
            numbers |= {name: abs(numbers[name]) for name in positive if name in numbers}
            name = inside[attempt % len(inside)]
            rest = kink.xreplace({Symbol(n): v for n, v in numbers.items() if n != name.name})
            alone = expand(rest)
            slope = alone.coeff(name)
            if slope.is_Rational and slope != 0 and (alone - slope * name).is_Rational:
                numbers[name.name] = (slope * name - alone) / slope
            point = {n: mpf(v.p) / v.q for n, v in numbers.items()}
            if value(kink, point) == 0:
                yield kink, point, name.name


# Conditions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """Signs of boundaries that tell where a claim holds: all of ``parts``, or any of them."""

    parts: tuple[tuple[tuple[int, ...], int], ...]
    every: bool = True

    def holds(self, signs: Sequence[int]) -> bool:
        """Whether it holds where the boundaries have these signs."""
        tests = (_product(signs, places) == sign for places, sign in self.parts)
        return all(tests) if self.every else any(tests)

    def text(self, bounds: Sequence[Expr], names: Sequence[str]) -> str:
        """The condition as a reader writes it."""
        shown = [
            condition(Mul(*(bounds[k] for k in places)), ">" if sign > 0 else "<", names)
            for places, sign in self.parts
        ]
        return (" and " if self.every else " or ").join(shown)


def _product(signs: Sequence[int], places: Iterable[int]) -> int:
    result = 1
    for place in places:
        if signs[place] == 2:
            return 2
        result *= signs[place]
    return result


def separating(rows: Sequence[Row], bounds: Sequence[Expr]) -> Condition | None:
    """The simplest condition that holds at the points where the two agree, and only there."""
    if sum(row.equal for row in rows) < FEWEST or sum(not row.equal for row in rows) < FEWEST:
        return None
    for found in _conditions(len(bounds), sum(isinstance(bound, Symbol) for bound in bounds)):
        if all(found.holds(row.signs) == row.equal for row in rows):
            return found
    return None


def _conditions(count: int, symbols: int) -> Iterator[Condition]:
    """The conditions to try, simplest first."""
    single = [((place,), sign) for place in range(count) for sign in (1, -1)]
    yield from (Condition((part,)) for part in single)
    several = [((a, b), sign) for a, b in combinations(range(count), 2) for sign in (1, -1)]
    yield from (Condition((part,)) for part in several if part[0][1] < symbols)
    for pair in combinations(single, 2):
        if pair[0][0] != pair[1][0]:
            yield Condition(pair)
            yield Condition(pair, every=False)
    yield from (Condition((part,)) for part in several)
