"""What is known of arrays: symmetric, orthogonal, diagonal, rows that sum to one; a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as cartesian
from typing import Any

from sympy import Add, Basic, Expr, Indexed, Mul, S, Symbol, Tuple
from sympy import Sum as SympySum

from symderive.formulas.arrays.index import ArrayOf, Index, Part, delta, entry_of, part, sigma

Names = frozenset[str]
Axes = int | tuple[int, ...]
"""An axis, or several together."""

Known = tuple[Names, Names, Mapping[tuple[str, Axes], Expr], Names, Names]
"""Of the arrays: the symmetric, the orthogonal, sums along axes, the skew, the diagonal."""

Place = tuple[str, tuple[Expr, ...]]


@dataclass(frozen=True, slots=True)
class Property:
    """Something that may be said of an array.

    Attributes:
        name: As a model states it.
        statement: For the ledger; ``A`` stands for the array.
        entry: An entry as another, or None.
        sum: The sum of a product over an index, given the array's own factor, or None.
        concrete: At a concrete shape, the entries that others determine: place and formula.
        implies: Properties that follow.
    """

    name: str
    statement: str
    entry: Callable[[str, tuple[Expr, ...]], Expr | None] | None = None
    sum: Callable[[Sequence[Indexed], Sequence[Expr], Index], Expr | None] | None = None
    concrete: (
        Callable[[str, tuple[int, ...], Callable[[str, tuple[int, ...]], str]], Any] | None
    ) = None
    implies: tuple[str, ...] = ()


def _sorted_entry(name: str, at: tuple[Expr, ...]) -> Expr | None:
    left, right = at[-2:]
    if str(left) <= str(right):
        return None
    return entry_of(name, (*at[:-2], right, left))


def _turned_entry(name: str, at: tuple[Expr, ...]) -> Expr | None:
    left, right = at[-2:]
    if left == right:
        return S.Zero
    turned = _sorted_entry(name, at)
    return None if turned is None else -turned


def _diagonal_entry(name: str, at: tuple[Expr, ...]) -> Expr | None:
    left, right = at[-2:]
    return None if left == right else delta(left, right) * entry_of(name, (*at[:-2], left, left))


def _row_sums(mine: Sequence[Indexed], others: Sequence[Expr], index: Index) -> Expr | None:
    """Σ_j A[i, j] = 1, where nothing else depends on j."""
    if len(mine) != 1 or others or mine[0].indices[-1] != index:
        return None
    return S.One if index not in mine[0].indices[:-1] else None


def _orthogonal(mine: Sequence[Indexed], others: Sequence[Expr], index: Index) -> Expr | None:
    """Σ_k Q[k, i] Q[k, j] = δ_ij, by rows and by columns."""
    if len(mine) != 2 or others:
        return None
    places = [entry.indices.index(index) for entry in mine if index in entry.indices]
    if len(places) != 2 or places[0] != places[1]:
        return None
    rest = [entry.indices[1 - place] for entry, place in zip(mine, places, strict=True)]
    return delta(*rest) if index not in rest else None


Naming = Callable[[str, tuple[int, ...]], str]


def _mirrored(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    size = shape[-1]
    return {
        Symbol(naming(name, (i, j))): Symbol(naming(name, (j, i)))
        for i in range(size)
        for j in range(i)
    }


def _turned(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    diagonal = {Symbol(naming(name, (i, i))): S.Zero for i in range(shape[-1])}
    return {**{old: -new for old, new in _mirrored(name, shape, naming).items()}, **diagonal}


def _along_diagonals(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    rows, columns = shape[-2:]
    return {
        Symbol(naming(name, (i, j))): Symbol(naming(name, (i - min(i, j), j - min(i, j))))
        for i in range(1, rows)
        for j in range(1, columns)
    }


def _off_diagonal(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    size = shape[-1]
    places = [(i, j) for i in range(size) for j in range(size) if i != j]
    return {Symbol(naming(name, at)): S.Zero for at in places}


def _zero_on(above: bool) -> Callable[..., dict[Basic, Basic]]:
    """The entries above (or below) the diagonal are zero."""

    def made(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
        size = shape[-1]
        places = ((i, j) for i in range(size) for j in range(size) if i != j)
        return {Symbol(naming(name, at)): S.Zero for at in places if (at[0] < at[1]) == above}

    return made


def _last_of_row(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    *lead, last = shape
    found: dict[Basic, Basic] = {}
    for row in cartesian(*map(range, lead)):
        others = [Symbol(naming(name, (*row, j))) for j in range(last - 1)]
        found[Symbol(naming(name, (*row, last - 1)))] = 1 - Add(*others)
    return found


def _rotation(name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
    """Of size 1 or 2; larger ones are not written out."""
    t = Symbol(naming(name, (0, 0)))
    if shape[-1] == 1:
        return {t: S.One}
    if shape[-1] > 2:
        raise ValueError("an orthogonal matrix of this size is not written out")
    below = 1 + t**2
    values = {(0, 0): (1 - t**2), (0, 1): -2 * t, (1, 0): 2 * t, (1, 1): (1 - t**2)}
    return {Symbol(naming(name, at)): value / below for at, value in values.items()}


ROWS = (
    Property("symmetric", "A = Aᵀ", _sorted_entry, concrete=_mirrored),
    Property("positive definite", "xᵀAx > 0 for x ≠ 0, A = Aᵀ", implies=("symmetric",)),
    Property(
        "diagonal", "A is diagonal", _diagonal_entry, concrete=_off_diagonal, implies=("symmetric",)
    ),
    Property("skew-symmetric", "A = −Aᵀ", _turned_entry, concrete=_turned),
    Property("toeplitz", "A is constant along its diagonals", concrete=_along_diagonals),
    Property("lower triangular", "A is zero above its diagonal", concrete=_zero_on(above=True)),
    Property("upper triangular", "A is zero below its diagonal", concrete=_zero_on(above=False)),
    Property("orthogonal", "AᵀA = AAᵀ = I", sum=_orthogonal, concrete=_rotation),
    Property("stochastic", "the rows of A sum to one", sum=_row_sums, concrete=_last_of_row),
    Property("positive", "every entry of A is positive"),
    Property("one-hot", "each row of A has a single one", sum=_row_sums, implies=("stochastic",)),
)

PROPERTIES: Mapping[str, Property] = {row.name: row for row in ROWS}
"""Every property by name."""


OF_ENTRIES = frozenset({"stochastic", "one-hot", "positive"})
"""Those that a vector may have; the others are of matrices."""

PART_SUMS: Mapping[str, Expr] = {"softmax": S.One, "layer_norm": S.Zero}
"""What all entries of a part sum to, by its operation."""


class Knowledge:
    """Properties of arrays by name, as the algebra asks for them.

    Args:
        stated: The properties of each array.
        sums: What arrays sum to along an axis, by name and axis.
    """

    def __init__(
        self,
        stated: Mapping[str, Sequence[str]] | None = None,
        sums: Mapping[tuple[str, Axes], Expr] | None = None,
    ) -> None:
        self.sums = dict(sums or {})
        self.stated: dict[str, tuple[str, ...]] = {}
        for name, properties in (stated or {}).items():
            found: dict[str, None] = {}
            for each in properties:
                for one in (each, *PROPERTIES[each].implies):
                    found[one] = None
            self.stated[name] = tuple(found)

    def axis_sums(self, shapes: Mapping[str, Sequence[Any]]) -> dict[tuple[str, Axes], Expr]:
        """What arrays of these shapes sum to along an axis, by name and axis."""
        rows = {(name, len(shapes[name]) - 1): S.One for name in self.having("stochastic")}
        return {**rows, **self.sums}

    def with_sums(self, sums: Mapping[tuple[str, Axes], Expr]) -> Knowledge:
        """The same, with what arrays sum to besides."""
        return Knowledge(self.stated, sums)

    def shortens(self, term: Expr, indices: Sequence[Index]) -> bool:
        """Whether the sum of a term over one of the indices is known."""
        mine = [index for index in indices if index in term.free_symbols]
        groups = [*([index] for index in mine), *([mine] if len(mine) > 1 else ())]
        return bool(self.sums or self.stated) and any(
            not isinstance(self.sum(term, group), SympySum) for group in groups
        )

    def has(self, name: str, prop: str) -> bool:
        """Whether an array is known to have a property."""
        return prop in self.stated.get(name, ())

    def for_trees(self, shapes: Mapping[str, Sequence[Any]]) -> Known:
        """What the simplifier of trees asks for, in its order."""
        return (
            self.having("symmetric"),
            self.having("orthogonal"),
            self.axis_sums(shapes),
            self.having("skew-symmetric"),
            self.having("diagonal"),
        )

    def symmetric(self) -> frozenset[str]:
        """The names of the matrices that are their own transpose."""
        return self.having("symmetric")

    def having(self, prop: str) -> frozenset[str]:
        """The names of the arrays with a property."""
        return frozenset(name for name in self.stated if self.has(name, prop))

    def entry(self, formula: Basic) -> Any:
        """An entry of an array as another entry that is equal, the first in order."""
        if isinstance(formula, Indexed) and self.stated:
            name = str(formula.base.label)
            for prop in self.stated.get(name, ()):
                rewrite = PROPERTIES[prop].entry
                changed = rewrite(name, formula.indices) if rewrite else None
                if changed is not None:
                    return changed
        if isinstance(formula, Part) and self.stated:
            return self._part(formula)
        return formula

    def _part(self, formula: Part) -> Any:
        """The inverse of a symmetric matrix is symmetric."""
        if formula.op != "inv":
            return formula
        inside, (row, column) = formula.arrays[0], formula.indices
        plain = isinstance(inside.formula, Indexed) and set(inside.formula.indices) == set(
            inside.indices
        )
        if plain and self.has(str(inside.formula.base.label), "symmetric"):
            first, last = sorted(inside.indices, key=str)
            entry = entry_of(inside.formula.base.label, (first, last))
            places = (column, row) if str(row) > str(column) else (row, column)
            return part("inv", [ArrayOf(entry, Tuple(first, last))], places)
        return formula

    def concrete(self, name: str, shape: tuple[int, ...], naming: Naming) -> dict[Basic, Basic]:
        """The entries of an array that its properties determine, at a concrete shape."""
        found: dict[Basic, Basic] = {}
        for prop in reversed(self.stated.get(name, ())):
            row = PROPERTIES[prop]
            if row.concrete is not None:
                found.update(row.concrete(name, shape, naming))
        return found

    def sum(self, body: Expr, indices: Sequence[Index]) -> Expr:
        """Σ body, shortened by what is known."""
        if self.sums or body.has(Part):
            together = self._together(body, indices)
            if together is not None:
                return together
            for index in indices:
                factor = [f for f in Mul.make_args(body) if index in f.free_symbols]
                number = self._whole_sum(factor[0], index) if len(factor) == 1 else None
                if number is not None:
                    rest = Mul(number, *(f for f in Mul.make_args(body) if f not in factor))
                    left = [i for i in indices if i != index]
                    return self.sum(rest, left) if left else rest
        if self.stated:
            factors = Mul.make_args(body)
            flat = [f.base for f in factors if f.is_Pow and f.exp == 2 for _ in "12"]
            flat += [f for f in factors if not (f.is_Pow and f.exp == 2)]
            for index in indices:
                for name, properties in self.stated.items():
                    here = [f for f in flat if index in f.free_symbols]
                    mine = [f for f in here if isinstance(f, Indexed) and str(f.base.label) == name]
                    others = [f for f in here if f not in mine]
                    for prop in properties:
                        rewrite = PROPERTIES[prop].sum
                        short = rewrite(mine, others, index) if rewrite and mine else None
                        if short is not None:
                            rest = Mul(short, *(f for f in flat if f not in here))
                            left = [i for i in indices if i != index]
                            return self.sum(rest, left) if left else rest
        return sigma(body, indices)

    def _together(self, body: Expr, indices: Sequence[Index]) -> Expr | None:
        """Σ body, where the sum of a factor along several axes is known."""
        factors = Mul.make_args(body)
        for (name, axes), number in self.sums.items():
            for factor in factors if isinstance(axes, tuple) else ():
                if not isinstance(factor, Indexed) or str(factor.base.label) != name:
                    continue
                mine = {factor.indices[axis] for axis in axes}
                others = Mul(*(f for f in factors if f is not factor))
                kept = [i for i in factor.indices if i not in mine]
                alone = len(mine) == len(axes) and mine <= {*indices}
                if alone and not any(f.has(*mine) for f in (others, *kept)):
                    left = [i for i in indices if i not in mine]
                    rest = number * others
                    return self.sum(rest, left) if left else rest
        return None

    def _whole_sum(self, factor: Expr, index: Index) -> Expr | None:
        """Σ of one entry over an index that stands along one of its axes alone."""
        if isinstance(factor, Part):
            alone = factor.indices == (index,) and index not in Tuple(*factor.arrays).free_symbols
            return PART_SUMS.get(factor.op) if alone else None
        if not isinstance(factor, Indexed):
            return None
        axes = [k for k, place in enumerate(factor.indices) if index in place.free_symbols]
        if len(axes) != 1 or factor.indices[axes[0]] != index:
            return None
        return self.sums.get((str(factor.base.label), axes[0]))


NOTHING_KNOWN = Knowledge()
