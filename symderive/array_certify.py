"""How a line of index notation is established: by index algebra, or at small concrete shapes.

At concrete sizes and indices an index formula is a plain scalar formula, and the witnesses of
``certify`` judge it: SymPy's ``diff`` and high-precision differences, never a rule of ours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, islice
from itertools import product as cartesian
from typing import Any

from mpmath import mp, mpf
from sympy import (
    Abs,
    Add,
    Basic,
    Derivative,
    Dummy,
    Expr,
    Function,
    Indexed,
    IndexedBase,
    Piecewise,
    S,
    Subs,
    Symbol,
)
from sympy.core.function import AppliedUndef
from sympy.core.numbers import ComplexInfinity, NaN

from symderive.certify import TOLERANCE, certify, defined, many_divisors, sampled, written_out
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.explicit import MOST_EXPANDED, NotExplicitError
from symderive.formulas.arrays.index import Index, Part, free_indices, places, substitute
from symderive.formulas.arrays.part_definitions import meant
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.syntax import Shape, sizes_in
from symderive.formulas.functions import FUNCTIONS, function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated, parts_of
from symderive.rules import depends
from symderive.sampling import DIGITS, SEED, defined_somewhere, number_at
from symderive.steps import Certificate

BY_ALGEBRA = Certificate("proved", "equal by exact index algebra")
BY_WITNESS = Certificate("proved", "SymPy's own derivative, equal by exact index algebra")
BY_DEFINITION = Certificate("proved", "the definitions put in, equal by exact index algebra")
UNKNOWN = Certificate("unknown", "no shapes were found at which the line can be tried")

ROUNDS = 2
"""Choices of sizes at which a line is tried."""

CHOICES = 5
"""Choices of sizes drawn until that many have points."""

MAX_EXACT = 300
"""Parts of two sides up to which they are compared exactly."""

MAX_WRITTEN = 10 * MAX_EXACT
"""Parts of two sides, written for values only, up to which they are put in SymPy's own form."""

ENTRIES, MOST_KINDS = 3, 6
"""Entries tried at each shape, and ways in which their indices coincide."""


def sizes_of(formulas: Sequence[Basic], shapes: Mapping[str, Shape]) -> list[Symbol]:
    """The symbols of sizes that formulas and shapes depend on."""
    indices = (index for formula in formulas for index in formula.atoms(Index))
    return sorted(sizes_in([*shapes.values(), *((index.size,) for index in indices)]), key=str)


def shapes_tried(sizes: Sequence[Symbol]) -> Iterator[dict[str, int]]:
    """Small sizes: different ones first, either way round, then drawn with a fixed seed."""
    noise = random.Random(SEED)
    drawn = [{size.name: noise.randint(1, 3) for size in sizes} for _ in range(CHOICES - 2)]
    different = [{size.name: 2 + (k + turn) % 2 for k, size in enumerate(sizes)} for turn in (0, 1)]
    seen: list[dict[str, int]] = []
    for chosen in (different[0], drawn[0], different[1], *drawn[1:]):
        if chosen not in seen:
            seen.append(chosen)
            yield chosen


def certify_array(
    left: Expr,
    right: Expr,
    algebra: Algebra,
    shapes: Mapping[str, Shape],
    where: Mapping[Expr, Expr] | None = None,
    before: tuple[Expr, Certificate] | None = None,
) -> Certificate:
    """Whether two index formulas are equal: ``proved``, ``sampled``, ``refuted`` or ``unknown``.

    Args:
        left: A formula; it may hold ``Diff``.
        right: Another.
        algebra: The index algebra under what is known of the arrays.
        shapes: Shape by the name of each array.
        where: A stage's entry, and its definition.
        before: A formula equal to the left one, and its certificate: what is proved equal to it
            holds as it does. It is the line above, one rule away, and so compared first.
    """
    if left == right:
        return BY_ALGEBRA
    if not left.has(Diff) and not right.has(Diff):
        chosen = _chosen(left), _chosen(right)
        if algebra.equal(left, right) or (chosen != (left, right) and algebra.equal(*chosen)):
            return BY_ALGEBRA
        brought = _brought(left, right, where or {})
        if brought and algebra.equal(left, evaluated(named_put_in(right, brought))):
            return BY_DEFINITION
    follows = _follows(right, before, algebra)
    if follows is not None and follows.verdict == "proved":
        return follows
    if left.has(Diff):
        above = [before[0]] if before is not None and before[1].verdict == "proved" else []
        if any(_witnessed(side, right, algebra, where or {}) for side in (*above, left)):
            return BY_WITNESS
    if follows is not None:
        return follows
    for patient in (False, True):  # where a few points are too few to find the domain, many
        found = _tried(left, right, algebra, shapes, where or {}, patient)
        if found != UNKNOWN:
            return found
    return UNKNOWN


def _chosen(formula: Expr) -> Expr:
    """The formula with unit steps as the choices that they are."""
    steps = {
        step: _either(step.args[0] > 0, S.One, _either(step.args[0] < 0, S.Zero, step.args[1]))
        for step in formula.atoms(UNIT_STEP)
    }
    found: Expr = formula.xreplace(steps) if steps else formula
    return found


def _either(condition: Any, here: Expr, elsewhere: Expr) -> Expr:
    found: Expr = Piecewise((here, condition), (elsewhere, True))
    return found


UNIT_STEP = FUNCTIONS["heaviside"].function


def _follows(
    right: Expr, before: tuple[Expr, Certificate] | None, algebra: Algebra
) -> Certificate | None:
    """What is known of a formula equal to this one as they stand."""
    if before is None or before[0].has(Diff) or right.has(Diff):
        return None
    return before[1] if algebra.equal(before[0], right) else None


def _brought(left: Expr, right: Expr, where: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """The stages that one side names and the other does not: what they are proves the line."""
    names = left.atoms(Indexed, Symbol)
    bases = {entry.base for entry in names if isinstance(entry, Indexed)}
    return {
        entry: definition
        for entry, definition in where.items()
        if (entry.base not in bases if isinstance(entry, Indexed) else entry not in names)
        and right.has(_base(entry))
    }


def _tried(
    left: Expr,
    right: Expr,
    algebra: Algebra,
    shapes: Mapping[str, Shape],
    where: Mapping[Expr, Expr],
    patient: bool,
) -> Certificate:
    """What samples at small concrete shapes say."""
    sizes = sizes_of((left, right), shapes)
    indices = sorted(free_indices(left) | free_indices(right), key=str)
    points = 0
    tried: list[str] = []
    for chosen in shapes_tried(sizes):
        if len(tried) == ROUNDS:
            break
        try:
            known = held(algebra.known, shapes, chosen)
        except ValueError:  # a property that is not written out at this size
            continue
        factored = dominant((left, right, *where.values()), shapes, chosen, known)
        known = known | factored
        if not _invertible((left, right), chosen, where, known):
            continue
        here = 0
        for at in _places(indices, chosen):
            try:
                sides = [concrete(side, chosen, at, for_values=True) for side in (left, right)]
                if not has_more(sides, MAX_WRITTEN):
                    sides = [concrete(side, chosen, at) for side in (left, right)]
            except NotExplicitError:  # the exponential of a matrix of three rows
                break
            if any(parts_of(side, NaN, ComplexInfinity) for side in sides):
                break  # a variance with n - 1 of one value
            definitions = _definitions(where, sides, chosen)
            written = (written_out(side, definitions) for side in sides)
            if not patient and not all(defined_somewhere(w) for w in written if w is not None):
                break  # XᵀX of more columns than rows has no inverse
            compare = sampled if factored or _long(sides) else certify  # they say where, not that
            found = compare(*sides, where=definitions, bound=known)
            if found.verdict == "refuted":
                return found
            if found.verdict != "unknown":
                here += max(found.points, 1)
                if has_more(sides, MAX_WRITTEN):
                    break  # of a sum this long one entry is work enough
        if here:
            points += here
            tried.append(", ".join(f"{name} = {size}" for name, size in chosen.items()))
    if not points:
        return UNKNOWN
    shown = "; ".join(dict.fromkeys(text for text in tried if text))
    at_shapes = f" at the sizes {shown}" if shown else ""
    return Certificate("sampled", f"equal at {points} points{at_shapes}", points, 50, SEED)


INVERTED = frozenset({"inv", "logdet"})
"""Operations of a matrix that has an inverse."""


def _invertible(
    sides: Sequence[Expr],
    sizes: Mapping[str, int],
    where: Mapping[Expr, Expr],
    known: Mapping[Basic, Basic],
) -> bool:
    """Whether what is inverted has an inverse at some sizes: XᵀX of a wide X has none.

    One drawn point tells: the rank is the same almost everywhere.
    """
    arrays = {p.arrays[0] for side in sides for p in parts_of(side, Part) if p.op in INVERTED}
    for array in sorted(arrays, key=str):
        rows, columns = (range(_number(index.size, sizes)) for index in array.indices)
        first = dict.fromkeys(free_indices(array), 0)
        places = (
            {**first, **dict(zip(array.indices, at, strict=True))}
            for at in cartesian(rows, columns)
        )
        try:
            entries = [concrete(array.formula, sizes, at) for at in places]
            values = _values(entries, _definitions(where, entries, sizes), known)
        except (ValueError, ZeroDivisionError, OverflowError, NotExplicitError):
            continue  # nothing is said
        if not all(map(mp.isfinite, values)):
            continue
        matrix = mp.matrix([values[len(columns) * row :][: len(columns)] for row in rows])
        with mp.workdps(DIGITS):
            if abs(mp.det(matrix)) <= TOLERANCE * mp.norm(matrix, 1) ** len(rows):
                return False
    return True


def _values(
    formulas: Sequence[Expr], definitions: Mapping[Symbol, Expr], known: Mapping[Basic, Basic]
) -> list[mpf]:
    """Formulas at one drawn point."""
    noise = random.Random(SEED)
    fixed = {str(symbol): formula for symbol, formula in known.items()}
    defined_by = {symbol.name: formula for symbol, formula in definitions.items()}
    drawn: dict[str, mpf] = {}
    values: dict[str, mpf] = {}

    def draw(name: str) -> mpf:
        return drawn.setdefault(name, mpf(noise.uniform(1, 2)))

    def value(formula: Basic) -> mpf:
        for name in sorted(s.name for s in parts_of(formula, Symbol)):
            if name in values:
                continue
            if name in defined_by:
                values[name] = value(defined_by[name])
            elif name in fixed:  # from what is drawn: one of its names may be its own
                inner = fixed[name]
                values[name] = number_at(
                    inner, {s.name: draw(s.name) for s in parts_of(inner, Symbol)}
                )
            else:
                values[name] = draw(name)
        return number_at(formula, {s.name: values[s.name] for s in parts_of(formula, Symbol)})

    return [value(formula) for formula in formulas]


def _long(sides: Sequence[Expr]) -> bool:
    """Whether an exact comparison costs more than samples: inverses are long when written out."""
    return has_more(sides, MAX_EXACT) or any(map(many_divisors, sides))


def has_more(sides: Sequence[Expr], parts: int) -> bool:
    """Whether some formulas have more than so many parts."""
    return sum(map(_size, sides)) > parts


@lru_cache(maxsize=50_000)  # lines share most of what they are made of
def _size(formula: Basic) -> int:
    return 1 + sum(map(_size, formula.args))


def _witnessed(left: Expr, right: Expr, algebra: Algebra, where: Mapping[Expr, Expr]) -> bool:
    """Whether both sides are one, each derivative by SymPy's ``diff`` of the definitions."""
    known = tuple(where.items())
    put = [_in_primitives(side, known) for side in (left, right)]
    return put[0] is not None and put[1] is not None and algebra.equal(put[0], put[1])


_OPAQUE = (Part, AppliedUndef, Piecewise)
"""What SymPy's ``diff`` is not asked about."""


@lru_cache(maxsize=256)  # every line is compared with the one above it
def _in_primitives(side: Expr, where: tuple[tuple[Expr, Expr], ...]) -> Expr | None:
    """A side with SymPy's derivatives and the definitions put in; None where SymPy has none."""
    found = resolved(side)
    return None if found is None else defined(evaluated(meant(named_put_in(found, dict(where)))))


def resolved(formula: Basic) -> Expr | None:
    """The formula with each ``Diff`` by SymPy; None where SymPy has no derivative of it."""
    if isinstance(formula, Diff):
        variable = formula.args[1]
        inner, constant = _held_constant(formula.args[0], variable)
        inner = defined(evaluated(meant(inner)))
        if inner.has(*_OPAQUE) or any(not _of_sympy(f) for f in inner.atoms(Function)):
            return None
        found = inner.diff(variable)
        return None if found.has(Derivative, Subs) else found.xreplace(constant)
    if not formula.args:
        return formula
    args = [resolved(arg) for arg in formula.args]
    return None if any(arg is None for arg in args) else formula.func(*args)


def _held_constant(formula: Expr, variable: Expr) -> tuple[Expr, dict[Basic, Basic]]:
    """The formula with a name for each part without the variable, and what the names stand for.

    The name has the part's free indices: an entry of an inverse in a sum stays one in that sum.
    """
    names: dict[Basic, Basic] = {}
    for part in formula.atoms(*_OPAQUE):
        if not depends(part, variable):
            free = sorted(free_indices(part), key=str)
            names[part] = IndexedBase(Dummy())[tuple(free)] if free else Dummy()
    return formula.xreplace(names), {name: part for part, name in names.items()}


def _of_sympy(formula: Basic) -> bool:
    return function_of(formula) is None or type(formula).__module__.startswith("sympy")


def named_put_in(formula: Basic, where: Mapping[Expr, Expr]) -> Any:
    """The formula with every entry of a stage replaced by its definition at that entry."""
    found: dict[Basic, Basic] = {}
    arrays: dict[Basic, tuple[Indexed, Expr]] = {}
    for entry, definition in where.items():
        if isinstance(entry, Indexed):
            arrays[entry.base] = entry, definition
        else:
            found[entry] = definition
    for other in formula.atoms(Indexed):
        if other.base in arrays:
            entry, definition = arrays[other.base]
            found[other] = substitute(definition, places(entry.indices, other.indices))
    return formula.xreplace(found)


def _places(indices: Sequence[Index], sizes: Mapping[str, int]) -> list[dict[Index, int]]:
    """Some places, of each way that indices can coincide: deltas are zero at most others."""
    ranges = [range(_number(index.size, sizes)) for index in indices]
    everywhere = [dict(zip(indices, at, strict=True)) for at in islice(cartesian(*ranges), 64)]
    drawn = random.Random(SEED).sample(everywhere, len(everywhere))
    pairs = [(i, k) for i, k in combinations(indices, 2) if i.size == k.size]
    kinds = {tuple(at[i] == at[k] for i, k in pairs): at for at in reversed(drawn)}
    chosen = sorted(kinds.values(), key=lambda at: len(set(at.values())))[:MOST_KINDS]
    return (chosen + [at for at in drawn if at not in chosen])[: max(ENTRIES, len(chosen))]


def _number(size: Expr, sizes: Mapping[str, int]) -> int:
    return int(size.subs({Symbol(name): number for name, number in sizes.items()}))


def held(
    known: Knowledge, shapes: Mapping[str, Shape], sizes: Mapping[str, int]
) -> dict[Basic, Basic]:
    """What the properties of arrays make of their entries at concrete sizes."""
    found: dict[Basic, Basic] = {}
    for name in known.stated:
        shape = tuple(_number(size, sizes) for size in shapes[name])
        found.update(known.concrete(name, shape, entry_name))
    return found


def dominant(
    formulas: Sequence[Expr],
    shapes: Mapping[str, Shape],
    sizes: Mapping[str, int],
    known: Mapping[Basic, Basic],
) -> dict[Basic, Basic]:
    """Long diagonals for large matrices that have a Cholesky factor: drawn ones hardly ever do.

    >>> n = Symbol("n")
    >>> from symderive.formulas.arrays.index import ArrayOf, entry_of, part
    >>> i, k = Index("i", n), Index("k", n)
    >>> array = ArrayOf(entry_of("A", [i, k]), (i, k))
    >>> found = dominant([part("cholesky", [array], (i, k))], {"A": (n, n)}, {"n": 5}, {})
    >>> len(found), sorted(map(str, found))[0]
    (5, 'A[0,0]')
    """
    arrays = {
        p.arrays[0].formula for f in formulas for p in parts_of(f, Part) if p.op == "cholesky"
    }
    names = {str(a.base.label) for a in arrays if isinstance(a, Indexed) and len(a.indices) == 2}
    found: dict[Basic, Basic] = {}
    for name in sorted(names & shapes.keys()):
        rows = _number(shapes[name][0], sizes)
        if rows <= MOST_EXPANDED:  # a few attempts find one
            continue
        for i in range(rows):
            beside = ((i, k) for k in range(rows) if k != i)
            others = [
                Symbol(entry_name(name, at)) for row, k in beside for at in ((row, k), (k, row))
            ]
            sizes_of_others = (Abs(known.get(other, other)) for other in others)
            found[Symbol(entry_name(name, (i, i)))] = S.One + Add(*sizes_of_others)
    return found


def _definitions(
    where: Mapping[Expr, Expr], sides: Sequence[Expr], sizes: Mapping[str, int]
) -> dict[Symbol, Expr]:
    """The entries of stages that occur, also in each other, and what they stand for."""
    found: dict[Symbol, Expr] = {}
    waiting: list[Expr] = [*sides]
    stages = {str(_base(entry)): (entry, definition) for entry, definition in where.items()}
    names = {
        entry_name(name, at): (name, at)
        for name, (entry, _) in stages.items()
        for at in cartesian(*(_run(i, sizes) for i in _axes(entry)))
    }
    while waiting:
        for symbol in parts_of(waiting.pop(), Symbol):
            if symbol in found or symbol.name not in names:
                continue
            name, at = names[symbol.name]
            entry, definition = stages[name]
            value = concrete(definition, sizes, places(_axes(entry), at))
            found[symbol] = value
            waiting.append(value)
    return found


def _base(entry: Expr) -> Basic:
    return entry.base.label if isinstance(entry, Indexed) else entry


def _axes(entry: Expr) -> tuple[Expr, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) else ()


def _run(index: Expr, sizes: Mapping[str, int]) -> Sequence[int]:
    return range(_number(index.size, sizes)) if isinstance(index, Index) else [int(index)]
