"""The checks of a model with arrays: at small sizes it is a scalar model, checked as such.

Every entry of every stage becomes a stage of its own; its gradient, entry by entry, is compared
with high-precision differences, which no rule produced.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from mpmath import isfinite, mp, mpf
from sympy import Basic, Expr, Symbol

from symderive.array_certify import held, shapes_tried, sizes_of
from symderive.certify import DIGITS, SEED, number_at, points
from symderive.checking import (
    Check,
    Report,
    adjoint_values,
    against_difference,
    forward,
    lines_checked,
)
from symderive.errors import SymderiveError
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.explicit import NotExplicitError
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.syntax import Shape
from symderive.steps import Certificate

ENTRIES = 3
"""Entries of an array whose derivative is compared with differences."""

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stage, or of a derivative, as a scalar formula."""

    name: str
    formula: Expr
    local: Expr
    target: str


@dataclass(frozen=True, slots=True)
class Small:
    """A model with arrays at concrete sizes: what ``checking`` needs of a model and its chain."""

    stages: Mapping[str, Entry]
    names: tuple[str, ...]
    partials: Mapping[str, Entry]
    target: str
    values: Mapping[str, float]


def check_arrays(model: Any, chain: Any) -> Report:
    """Check every line of a derivation, and its gradient against the model itself."""
    return Report(tuple(lines_checked(chain)), tuple(_gradient(model, chain)))


def _gradient(model: Any, chain: Any) -> Iterable[Check]:
    sources = [name for name in chain.sources if name in chain.partials]
    if not sources:
        return
    shapes: Mapping[str, Shape] = model.shapes
    for sizes in shapes_tried(sizes_of((), shapes)):
        try:
            small = _small(model, chain, sizes)
            point = _point(small, _known(model, sizes))
        except (NotExplicitError, SymderiveError, IndexError):
            continue
        if point is None:
            continue
        adjoints = adjoint_values(small, small, point)  # type: ignore[arg-type]
        shown = ", ".join(f"{size} = {number}" for size, number in sizes.items())
        for name in sources:
            places = _sampled(_places(shapes.get(name, ()), sizes))
            yield _checked(small, chain.target, name, places, point, adjoints, shown)
        return
    for name in sources:
        certificate = Certificate("unknown", "no sizes were found at which it can be compared")
        yield Check(f"∂{chain.target}/∂{name}", certificate)


def _checked(
    small: Small,
    target: str,
    name: str,
    places: Sequence[Place],
    point: Mapping[str, mpf],
    adjoints: Mapping[str, mpf],
    sizes: str,
) -> Check:
    """The worst verdict among some entries of one derivative."""
    found: Certificate | None = None
    for at in places:
        entry = entry_name(name, at)
        one = against_difference(small, small, entry, point, adjoints)  # type: ignore[arg-type]
        if found is None or (found.passed and not one.passed):
            found = one
    assert found is not None
    where = f" at {sizes}" if sizes else ""
    several = f"{len(places)} entries{where}: " if places != [()] else f"{where.strip()}: "
    method = f"{several}{found.method}".removeprefix(": ")
    return Check(f"∂{target}/∂{name}", replace(found, method=method))


def _places(shape: Shape, sizes: Mapping[str, int]) -> list[Place]:
    return list(product(*(range(_number(size, sizes)) for size in shape)))


def _number(size: Expr, sizes: Mapping[str, int]) -> int:
    return int(size.subs({Symbol(name): number for name, number in sizes.items()}))


def _sampled(places: list[Place]) -> list[Place]:
    if len(places) <= ENTRIES:
        return places
    return random.Random(SEED).sample(places, ENTRIES)


def _small(model: Any, chain: Any, sizes: Mapping[str, int]) -> Small:
    shapes: Mapping[str, Shape] = model.shapes
    reached = model.ancestors(chain.target)
    stages: dict[str, Entry] = {}
    for stage in model.stages.values():
        if stage.name in reached:
            indices = stage.parsed.template.indices
            stages.update(_entries(stage.name, stage.written, indices, sizes, ""))
    target_shape = shapes.get(chain.target, ())
    first: Place = (0,) * len(target_shape)
    target = entry_name(chain.target, first)
    partials: dict[str, Entry] = {}
    for name, partial in chain.partials.items():
        fixed = dict(zip(partial.indices, first, strict=False))
        own = partial.indices[len(first) :]
        partials.update(_entries(name, partial.local, own, sizes, target, fixed))
    inputs = [n for n in (*model.parameters, *model.constants) if n not in model.stages]
    names = [entry_name(n, at) for n in inputs for at in _places(shapes.get(n, ()), sizes)]
    return Small(stages, (*names, *stages), partials, target, {})


def _entries(
    name: str,
    formula: Expr,
    indices: Sequence[Index],
    sizes: Mapping[str, int],
    target: str,
    fixed: Mapping[Index, int] | None = None,
) -> Iterator[tuple[str, Entry]]:
    """Every entry of an array that an index formula gives."""
    for at in product(*(range(_number(index.size, sizes)) for index in indices)):
        chosen = {**(fixed or {}), **dict(zip(indices, at, strict=True))}
        entry = concrete(formula, sizes, chosen)
        label = entry_name(name, at)
        yield label, Entry(label, entry, entry, target)


def _known(model: Any, sizes: Mapping[str, int]) -> Mapping[Basic, Basic]:
    shapes = {name: shape for name, shape in model.shapes.items() if name not in model.stages}
    stated = {n: p for n, p in getattr(model, "properties", {}).items() if n in shapes}
    return held(Knowledge(stated), shapes, sizes)


def _point(small: Small, known: Mapping[Basic, Basic]) -> dict[str, mpf] | None:
    """A seeded point at which the target is a number, and what is known of the arrays holds."""
    free = {name for name in small.names if name not in small.stages}
    free |= {str(symbol) for value in known.values() for symbol in value.free_symbols}
    free -= {str(symbol) for symbol in known}

    def completed(point: Mapping[str, mpf]) -> dict[str, mpf]:
        values = dict(point)
        for symbol, value in known.items():
            values[str(symbol)] = number_at(value, point)  # type: ignore[arg-type]
        return values

    def valid(point: dict[str, mpf]) -> bool:
        reached = forward(small, completed(point))  # type: ignore[arg-type]
        return bool(isfinite(reached[small.target]))

    with mp.workdps(DIGITS):
        for drawn in points(free, valid, count=1):
            return completed(drawn)
    return None
