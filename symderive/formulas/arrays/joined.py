"""Axes that vec and kron join, as one axis again.

An entry of ``vec(X)`` stands at i + m·j. Where two indices occur in a formula only so, they are one
index of the vector: Σ_kl A_{i + mj, k + ml} X_kl is unvec(A vec(X)). Where entries of a matrix are
those of blocks, Σ_kl A_kl C_{mk + i, nl + j}, it is rearranged so that each block is a row:
unvec(R(C)ᵀ vec(A)), with the rearrangement R for which R(A ⊗ X) = vec(A) vec(X)ᵀ.

Source: C. F. Van Loan and N. Pitsianis, Approximation with Kronecker products, 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import permutations

from sympy import Add, Basic, Expr, Indexed, KroneckerDelta, Mul

from symderive.formulas.arrays.contraction import Labelled, NoMatrixError, Order, spread_to
from symderive.formulas.arrays.index import Index, Part, entry_of, free_indices, fresh, sigma_as_is
from symderive.formulas.arrays.matrix_forms import PART_OPTIONS, row_major, split
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.arrays.terms import TRANSPOSE, tree_cost

Build = Callable[[Expr], Labelled]
"""An index formula as a tree whose axes are labelled."""

Name = Callable[[Tree], str]
"""A name under which formulas may speak of a tree."""

ShapeOf = Callable[[str], Shape]

Place = tuple[Expr, tuple[Index, ...]]
"""A place such as 3·k + i, and its indices, the slowest first; they count a whole axis."""


def has_joined(formula: Expr) -> bool:
    """Whether some axis has two indices at once."""
    return any(len(free_indices(at)) > 1 for f in formula.atoms(Indexed, Part) for at in f.indices)


def _sizes(entry: Expr, shape_of: ShapeOf) -> Sequence[Expr]:
    """The sizes of the axes that an entry is of; () where its formula does not say."""
    if isinstance(entry, Indexed):
        return shape_of(str(entry.base.label))
    return [index.size for index in entry.arrays[0].indices] if entry.op in ALIKE else ()


ALIKE = frozenset({"inv", *MATRIX_FUNCTIONS, *PART_OPTIONS})
"""Operations whose result, where it has indices, has the shape of what they work on."""


def _places(formula: Expr, shape_of: ShapeOf) -> Iterator[tuple[Place | None, ...]]:
    """The joined places of each entry, an item for each axis."""
    for found in sorted(formula.atoms(Indexed, Part), key=str):
        if all(len(free_indices(at)) < 2 for at in found.indices):
            continue
        shape = _sizes(found, shape_of)
        if len(shape) != len(found.indices):
            continue
        rows = [
            row_major(at, size) if isinstance(at, Add) else None
            for at, size in zip(found.indices, shape, strict=True)
        ]
        if any(rows):
            yield tuple(
                (at, axes) if axes else None for at, axes in zip(found.indices, rows, strict=True)
            )


def joined_both(factor: Expr, summed: Sequence[Index]) -> tuple[tuple[Index, ...], Expr] | None:
    """Of a delta δ(i·n + j, k·m + l) over all k and l: the axes i, j, and the other side."""
    if not isinstance(factor, KroneckerDelta):
        return None
    for target, source in (factor.args, factor.args[::-1]):
        free, inside = free_indices(target), free_indices(source)
        if len(free) < 2 or len(inside) < 2 or free & set(summed) or not inside <= set(summed):
            continue
        axes = row_major(target, Mul(*(index.size for index in free)))
        if axes and row_major(source, Mul(*(index.size for index in axes))):
            return axes, source
    return None


def reshaped_again(
    product: Callable[[Sequence[Expr], Sequence[Index]], Labelled],
    both: tuple[tuple[Index, ...], Expr],
    rest: Sequence[Expr],
    summed: Sequence[Index],
) -> Labelled:
    """A product with such a delta: the rest in another shape of as many entries."""
    axes, source = both
    whole = fresh(Mul(*(index.size for index in axes)))
    inner = product([KroneckerDelta(whole, source), *rest], summed)
    if inner.axes[:1] != (whole,):
        raise NoMatrixError
    kept = (*axes, *inner.axes[1:])
    made = apply("reshape", inner.tree, shape=tuple(index.size for index in kept))
    return Labelled(made, kept)


def _size(axes: Sequence[Index]) -> Expr:
    size: Expr = Mul(*(index.size for index in axes))
    return size.expand()


def unstacked(build: Build, shape_of: ShapeOf, formula: Expr) -> Labelled | None:
    """A formula of free indices that occur joined only: an array in another shape."""
    free = free_indices(formula)
    for entry in _places(formula, shape_of):
        for found in entry:
            if found is None or not free.issuperset(found[1]):
                continue
            place, axes = found
            one = fresh(_size(axes))
            inside = formula.xreplace({place: one})
            if free_indices(inside) & {*axes}:
                continue
            try:
                made = build(inside)
            except NoMatrixError:
                continue
            if made.axes == (one,) and len(axes) == 2:
                slow, fast = axes
                tree = apply("unvec", made.tree, shape=(fast.size, slow.size))
                return Labelled(tree, (fast, slow))
            if one in made.axes:
                return split(made, {one: axes})
    return None


def stacked(
    build: Build, name: Name, shape_of: ShapeOf, body: Expr, indices: tuple[Index, ...]
) -> Labelled | None:
    """A sum over indices that occur joined, besides factors of their own: a product with vec(X)."""
    factors = Mul.make_args(body)
    for entry in _places(body, shape_of):
        for found in entry:
            if found is None or not set(found[1]) <= set(indices):
                continue
            place, axes = found
            one = fresh(_size(axes))
            moved = {f: f.xreplace({place: one}) for f in factors}
            own = [f for f in factors if moved[f] == f and free_indices(f) & set(axes)]
            if any(free_indices(moved[f]) & set(axes) for f in factors if f not in own):
                continue
            rest = [moved[f] for f in factors if f not in own]
            if own:
                inner = build(Mul(*own))
                if set(inner.axes) != set(axes):
                    continue
                rest.append(entry_of(name(_vector(inner, axes)), (one,)))
            left = [index for index in indices if index not in axes]
            return build(sigma_as_is(Mul(*rest), [*left, one]))
    return None


def _vector(inner: Labelled, axes: tuple[Index, ...]) -> Tree:
    """The entries of an array, the last of the axes the fastest."""
    if len(axes) == 2:
        return apply("vec", spread_to(inner, axes[::-1]))
    return apply("reshape", spread_to(inner, axes), shape=(_size(axes),))


def _pairs(
    body: Expr, shape_of: ShapeOf
) -> Iterator[tuple[tuple[Expr, Sequence[Index]], tuple[Expr, Sequence[Index]]]]:
    """The row and the column of blocks: of one entry, or of the ends of a product of matrices."""
    found = [*_places(body, shape_of)]
    for entry in found:
        if len(entry) == 2 and all(place is not None and len(place[1]) == 2 for place in entry):
            yield entry[0], entry[1]  # type: ignore[misc]
    ends = dict.fromkeys(p for e in found for p in e if p is not None and len(p[1]) == 2)
    if len(ends) == 2 and not any(all(entry) for entry in found):
        yield tuple(ends)  # type: ignore[misc]


def _linked(
    moved: list[Expr], factors: Sequence[Expr], summed: Set[Index], here: Mapping[Basic, Basic]
) -> list[Expr]:
    """With the factors between them: of M[k, i + 3j] B[k, l] N[l, p + 3q] the matrix B too."""
    while True:
        own = free_indices(Mul(*moved).xreplace(here)) & summed
        more = [f for f in factors if f not in moved and free_indices(f) & own]
        if not more:
            return moved
        moved = [*moved, *more]


def by_blocks(
    build: Build,
    name: Name,
    shape_of: ShapeOf,
    body: Expr,
    indices: tuple[Index, ...],
    order: Order,
) -> Labelled | None:
    """A sum over the blocks of a matrix, or over the entries of each."""

    def turned(way: Labelled) -> float:
        places = [order.get(index, 0) for index in way.axes]
        return TRANSPOSE * (places != sorted(places))

    for (row, (k, i)), (column, (m, j)) in _pairs(body, shape_of):
        summed = set(indices)
        blocks, within = {k, m}, {i, j}
        if not any(pair <= summed for pair in (blocks, within)) or any(
            pair & summed and not pair <= summed for pair in (blocks, within)
        ):
            continue
        one, other = fresh(_size((k, i))), fresh(_size((m, j)))
        here = {row: one, column: other}
        factors = Mul.make_args(body)
        moved = _linked([f for f in factors if f.xreplace(here) != f], factors, summed, here)
        whole = Mul(*moved).xreplace(here)
        if free_indices(whole) & {k, i, m, j}:
            continue
        rest = [f for f in factors if f not in moved]
        own = [x for x in indices if x in free_indices(whole)]
        if any(free_indices(f) & set(own) for f in rest):
            raise NoMatrixError
        matrix = build(sigma_as_is(whole, own) if own else whole)
        left = [index for index in indices if index not in own]
        ways = []
        for (p, k_, i_), (q, l_, j_) in permutations(((one, k, i), (other, m, j))):
            tree = apply("rearrange", spread_to(matrix, (p, q)), blocks=(k_.size, l_.size))
            at = (k_ + k_.size * l_, i_ + i_.size * j_)
            ways.append(build(sigma_as_is(Mul(*rest, entry_of(name(tree), at)), left)))
        return min(ways, key=lambda way: tree_cost(way.tree) + turned(way))
    return None
