"""Array models at concrete small sizes: their entries, points of their domain, their values.

At concrete sizes an array model is a scalar model of its entries. Here it is evaluated as such, by
mpmath and from the formulas of its stages alone: what derivations are checked against.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product as cartesian
from math import prod

from mpmath import isfinite, mp, mpf
from sympy import Expr, Indexed, Rational, Symbol
from sympy.core.function import AppliedUndef

from symderive.array_model import stage_indices
from symderive.conditions import positive_in
from symderive.display import as_lists
from symderive.errors import SymderiveError
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.syntax import sizes_in
from symderive.formulas.evaluate import evaluate
from symderive.model import Model, Shape
from symderive.sampling import DIGITS, RANGES, SEED, equalities, held_constant, stand_in, stopped
from symderive.stages import Stage

MAX_ENTRIES = 400
"""Entries of inputs and stages up to which a model is evaluated at high precision."""

ATTEMPTS = 20
"""Points drawn at one choice of sizes before other sizes are tried."""

SIZES_AT_FIRST = (0.1, 2.0)
"""Where values are drawn at first, with signs in turn."""

At = tuple[int, ...]
Numbers = dict[str, mpf]
"""A number by the name of an entry."""


@dataclass(frozen=True, eq=False)
class Entries:
    """A model at concrete sizes, entry by entry.

    Attributes:
        model: The model.
        sizes: The number that each symbol of a size stands for.
        names: The stages to evaluate, in order; all that the target needs.
    """

    model: Model
    sizes: Mapping[str, int]
    names: tuple[str, ...]
    _shapes: dict[str, At] = field(default_factory=dict, repr=False)

    def shape(self, name: str) -> At:
        """The shape of an array, in numbers; () of a scalar."""
        if name not in self._shapes:
            self._shapes[name] = numbers_of(self.model.shapes.get(name, ()), self.sizes)
        return self._shapes[name]

    def at(self, name: str) -> list[At]:
        """The places of an array's entries."""
        return list(cartesian(*map(range, self.shape(name))))

    def entries(self, name: str) -> list[str]:
        """The names of an array's entries."""
        return [entry_name(name, at) for at in self.at(name)]

    @cached_property
    def stages(self) -> dict[str, list[tuple[str, Expr]]]:
        """Each entry of each stage with its formula in entries."""
        return {name: self._written_out(self.model.stages[name]) for name in self.names}

    def _written_out(self, stage: Stage) -> list[tuple[str, Expr]]:
        formula = stage.formula
        indices = stage_indices(self.model.shapes.get(stage.name, ()))
        return [
            (entry_name(stage.name, at), self.entry(formula, indices, at))
            for at in self.at(stage.name)
        ]

    def entry(self, formula: Expr, indices: Sequence[Index], at: At) -> Expr:
        """An entry of an index formula as a formula in entries."""
        places = dict(zip(indices, at, strict=True))
        here = concrete(formula, self.sizes, places, for_values=True)
        return stand_in(here) if formula.has(AppliedUndef) else here

    def values(
        self,
        point: Numbers,
        digits: int,
        held: Held | None = None,
        moves: Mapping[str, mpf] | None = None,
    ) -> Numbers:
        """The number of every entry of every stage, some of them moved by a step."""
        found = dict(point)
        for rows in self.stages.values():
            for name, formula in rows:
                here, fixed = (held or {}).get(name, (formula, {}))
                found[name] = evaluate(here, {**found, **fixed} if fixed else found, digits)
                if moves and name in moves:
                    found[name] += moves[name]
        return found

    def held(self, point: Numbers, digits: int) -> Held:
        """What ``stop_gradient`` holds constant at a point, in the entries that hold it."""
        holding = [row for rows in self.stages.values() for row in rows if stopped(row[1])]
        values = self.values(point, digits) if holding else {}
        return {name: held_constant(formula, values) for name, formula in holding}


Held = Mapping[str, tuple[Expr, Numbers]]
"""Entries with what is held constant in them, as symbols with values."""


def numbers_of(shape: Shape, sizes: Mapping[str, int]) -> At:
    """A shape at concrete sizes.

    >>> numbers_of((Symbol("n") - 1, Symbol("n")), {"n": 3})
    (2, 3)
    """
    known = {Symbol(name): number for name, number in sizes.items()}
    return tuple(int(size.subs(known)) for size in shape)


# Sizes and values ---------------------------------------------------------------------------------


SIZES_TRIED = (
    *((2, 2, 0), (2, 2, 1), (3, 2, 0), (2, 3, 0), (3, 2, 1), (4, 3, 0), (1, 1, 0)),
    *((6, 2, 0), (6, 2, 1)),
)
"""The least size, how many there are, and with which of them the first symbol begins."""


def sizes_tried(model: Model) -> Iterator[dict[str, int]]:
    """Small sizes, all different where few; larger ones for slices that need them.

    They are tried either way round: X.T @ X has an inverse where X has no more columns than rows.
    """
    symbols = sorted(sizes_in(model.shapes.values()), key=str)
    tried: list[dict[str, int]] = []
    for low, spread, turn in SIZES_TRIED:
        sizes = {symbol.name: low + (k + turn) % spread for k, symbol in enumerate(symbols)}
        if sizes in tried:
            continue
        tried.append(sizes)
        if all(min(numbers_of(shape, sizes), default=1) > 0 for shape in model.shapes.values()):
            yield sizes


def own_point(model: Model, target: str) -> tuple[Entries, Numbers] | None:
    """The model's own sizes and values, where they are complete and few."""
    reached = model.ancestors(target)
    free = [name for name in model.names if name not in model.stages and name in reached]
    if any(name not in model.values for name in free):
        return None
    sizes: dict[str, int] = {}
    point: Numbers = {}
    for name in free:
        flat, shape = flat_numbers(model.values[name])
        for size, number in zip(model.shapes.get(name, ()), shape, strict=True):
            if size.is_Symbol:
                sizes[str(size)] = number
        if len(flat) > MAX_ENTRIES:
            return None
        point.update(
            (entry_name(name, at), mpf(value))
            for at, value in zip(cartesian(*map(range, shape)), flat, strict=True)
        )
    entries = entries_of(model, (target,), sizes)
    return (entries, point) if entries is not None else None


def entries_of(model: Model, targets: Sequence[str], sizes: Mapping[str, int]) -> Entries | None:
    """The model at concrete sizes; None where it has too many entries."""
    reached = needed_for(model, targets)
    names = tuple(name for name in model.stages if name in reached)
    entries = Entries(model, sizes, names)
    needed = [name for name in reached if name in model.shapes]
    if {size.name for size in sizes_in(model.shapes[n] for n in needed)} - sizes.keys():
        return None
    count = sum(prod(entries.shape(name)) for name in needed)
    return entries if count <= MAX_ENTRIES else None


def needed_for(model: Model, targets: Sequence[str]) -> set[str]:
    """The names that some stages depend on, themselves included."""
    return set().union(*(model.ancestors(target) for target in targets))


def flat_numbers(value: object) -> tuple[list[float], At]:
    """The numbers of nested lists or of an array in order, and the shape.

    >>> flat_numbers([[1, 2], [3, 4]])
    ([1.0, 2.0, 3.0, 4.0], (2, 2))
    """
    plain = as_lists(value)
    if not isinstance(plain, list | tuple):
        return [float(plain)], ()
    parts = [flat_numbers(part) for part in plain]
    return [number for flat, _ in parts for number in flat], (
        len(plain),
        *(parts[0][1] if parts else ()),
    )


def drawn_points(
    model: Model,
    targets: Sequence[str],
    *,
    seed: int = SEED,
    each: int = ATTEMPTS,
    sizes: Sequence[dict[str, int]] | None = None,
) -> Iterator[tuple[Entries, Numbers]]:
    """Seeded points at which some stages are finite, at small sizes.

    Args:
        model: The model.
        targets: The stages.
        seed: Of the values.
        each: How many points at one choice of sizes.
        sizes: The choices; small ones of several kinds, if not given.
    """
    noise = random.Random(seed)
    for chosen in sizes if sizes is not None else sizes_tried(model):
        entries = entries_of(model, targets, chosen)
        if entries is None:
            continue
        try:
            _ = entries.stages
        except (SymderiveError, ValueError, IndexError, ZeroDivisionError):
            continue  # too large to write out, or a slice beyond the end
        found = 0
        for attempt in range(ATTEMPTS):
            point = draw(entries, targets, noise, attempt)
            if finite(entries, point, targets):
                yield entries, point
                found += 1
            if found == each:
                break


ROUNDING = mpf(10) ** -5
"""How far values of 15 and of 30 digits may be apart."""


def finite(entries: Entries, point: Numbers, targets: Sequence[str]) -> bool:
    """Whether the targets have finite values, which more digits do not change.

    The logarithm of the determinant of a matrix that has none but by rounding is one of rounding.
    """
    try:
        few, more = (entries.values(point, digits) for digits in (15, 30))
    except (ValueError, ZeroDivisionError, OverflowError):
        return False
    return all(
        isfinite(few[name])
        and abs(few[name] - more[name]) <= ROUNDING * max(1, abs(few[name]), abs(more[name]))
        for target in targets
        for name in entries.entries(target)
    )


def draw(entries: Entries, targets: Sequence[str], noise: random.Random, attempt: int) -> Numbers:
    """Values of the inputs.

    Both signs at first, then all in one range, and every other time a range for each entry; places
    that the model gives at this size are what they are.
    """
    model = entries.model
    reached = needed_for(model, targets)
    known = Knowledge(model.properties)
    stages = [model.stages[name] for name in reached if name in model.stages]
    positive = {name for stage in stages for name in _positive_in(stage.formula)}
    asked = {name: value for stage in stages for name, value in _asked_for(stage.formula)}
    places = {name for stage in stages for name in _places_in(stage.formula)}
    point: Numbers = {}
    usual = RANGES[(attempt // 2) % len(RANGES)] if attempt else SIZES_AT_FIRST
    for name in model.names:
        if name in model.stages or name not in reached:
            continue
        shape = entries.shape(name)
        if name in places and name in model.values:
            flat, given = flat_numbers(model.values[name])
            if shape == given:
                point.update(zip(entries.entries(name), map(mpf, flat), strict=True))
                continue
        drawn = {}
        sign = noise.choice((1, -1))
        for at in cartesian(*map(range, shape)):
            mixed = attempt and not attempt % 2
            drawn[at] = mpf(noise.uniform(*(noise.choice(RANGES) if mixed else usual)))
            if not attempt:
                drawn[at], sign = drawn[at] * sign, -sign
            if name in asked and name not in model.parameters and noise.random() < 0.5:
                drawn[at] = mpf(asked[name].p) / asked[name].q
        stated = known.stated.get(name, ())
        strictest = next((prop for prop in _HONOURED if prop in stated), None)
        if strictest is not None:
            drawn = _HONOURED[strictest](drawn, shape)
            if strictest == "symmetric" and "toeplitz" in stated:
                drawn = _toeplitz(drawn, shape)
        if name in model.positive or "positive" in stated or Symbol(name) in positive:
            drawn = {at: abs(value) for at, value in drawn.items()}
        point.update((entry_name(name, at), value) for at, value in drawn.items())
    return point


@lru_cache(maxsize=1024)
def _positive_in(formula: Expr) -> frozenset[Symbol]:
    """The scalars that are positive wherever a stage has a value: the δ of Huber's loss."""
    return positive_in(formula)


@lru_cache(maxsize=1024)
def _asked_for(formula: Expr) -> frozenset[tuple[str, Rational]]:
    """The names whose entries a stage's branches compare with a number: t of t == 1, and 1."""
    return frozenset(
        (str(getattr(name, "base", name)), number)
        for name, number in equalities(formula)
        if isinstance(name, Symbol | Indexed) and number.is_Rational
    )


def _places_in(formula: Expr) -> Iterator[str]:
    """The names whose entries are places, which an index is compared with: A[p] of data p."""
    for side, other in equalities(formula):
        if isinstance(side, Index) and isinstance(other, Indexed):
            yield str(other.base)


# Properties of drawn values -----------------------------------------------------------------------

Drawn = dict[At, mpf]


def _symmetric(drawn: Drawn, _: At) -> Drawn:
    return {
        (*at[:-2], i, j): drawn[*at[:-2], min(i, j), max(i, j)]
        for at in drawn
        for i, j in [at[-2:]]
    }


def _skew(drawn: Drawn, _: At) -> Drawn:
    return {at: value - drawn[*at[:-2], at[-1], at[-2]] for at, value in drawn.items()}


def _toeplitz(drawn: Drawn, _: At) -> Drawn:
    return {at: drawn[*at[:-2], *(k - min(at[-2:]) for k in at[-2:])] for at in drawn}


def _positive_definite(drawn: Drawn, shape: At) -> Drawn:
    """B Bᵀ and a part of the identity."""
    size = shape[-1]
    return {
        (*lead, i, j): sum((drawn[*lead, i, k] * drawn[*lead, j, k] for k in range(size)), mpf(0))
        + (1 + mpf(i) / 3) * (i == j)
        for *lead, i, j in drawn
    }


def _triangular(below: bool) -> Callable[[Drawn, At], Drawn]:
    def made(drawn: Drawn, _: At) -> Drawn:
        return {
            at: value if at[-2] == at[-1] or (at[-2] > at[-1]) == below else mpf(0)
            for at, value in drawn.items()
        }

    return made


def _diagonal(drawn: Drawn, _: At) -> Drawn:
    return {at: value if at[-2] == at[-1] else mpf(0) for at, value in drawn.items()}


def _orthogonal(drawn: Drawn, shape: At) -> Drawn:
    """The columns made orthonormal one after the other (Gram and Schmidt)."""
    size = shape[-1]
    columns: list[list[mpf]] = []
    with mp.workdps(8 * DIGITS):
        for j in range(size):
            column = [drawn[i, j] + (i == j) for i in range(size)]
            for other in columns:
                along = sum((a * b for a, b in zip(column, other, strict=True)), mpf(0))
                column = [a - along * b for a, b in zip(column, other, strict=True)]
            length = mp.sqrt(sum((a * a for a in column), mpf(0)))
            columns.append([a / length for a in column])
    return {(i, j): columns[j][i] for i, j in drawn}


def _stochastic(drawn: Drawn, shape: At) -> Drawn:
    """Positive rows, divided by their sums."""
    rows: dict[At, mpf] = {}
    with mp.workdps(8 * DIGITS):  # a sum rounded to fewer digits would not be that of the row
        for at, value in drawn.items():
            rows[at[:-1]] = rows.get(at[:-1], mpf(0)) + abs(value)
        return {at: abs(value) / rows[at[:-1]] for at, value in drawn.items()}


def _one_hot(drawn: Drawn, shape: At) -> Drawn:
    return {at: mpf(at[-1] == (sum(at[:-1]) + 1) % shape[-1]) for at in drawn}


_HONOURED = {
    "one-hot": _one_hot,
    "stochastic": _stochastic,
    "orthogonal": _orthogonal,
    "diagonal": _diagonal,
    "lower triangular": _triangular(below=True),
    "upper triangular": _triangular(below=False),
    "positive definite": _positive_definite,
    "symmetric": _symmetric,
    "toeplitz": _toeplitz,
    "skew-symmetric": _skew,
}
"""How values get a property, by its name; the strictest property of an array decides."""
