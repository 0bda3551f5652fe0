"""Arrays with an index along each axis, and what eliminates the indices of a sum.

A bound index goes where at most two matrices meet in it: as a product, as a sum along an axis, as
an entry-by-entry product; where more meet, the contraction is an ``einsum``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sympy import S

from symderive.formulas.arrays.chains import transposed
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.ops import apply, total
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.formulas.arrays.terms import is_op, times, tree_cost

Order = Mapping[Index, int]
"""Where each index stands in the array that is wanted."""

NO_NOTATION = frozenset({"einsum", "index_notation"})
"""Operations that run, and that no book writes."""

LETTERS = "ijklpqrstuvwxyzabcdefghmno"


class NoMatrixError(ValueError):
    """A part of a formula has no matrix notation."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An array, and the index that runs along each of its axes."""

    tree: Tree
    axes: tuple[Index, ...]


def has_notation(tree: Tree) -> bool:
    """Whether a tree is matrix notation throughout."""
    return all(t.ndim <= 2 and not is_op(t, *NO_NOTATION) for t in tree.walk())


def in_numpy(tree: Tree, shapes: Iterable[Shape]) -> bool:
    """Whether a tree is NumPy's language throughout.

    A batch of products is no matrix notation, but einsum and axes say it all in a model with arrays
    of three axes or more; where it has none, sums along axes do.
    """
    parts = [*tree.walk()]
    deep = any(len(shape) > 2 for shape in shapes)
    told = deep or (tree.ndim <= 2 and not any(is_op(part, "einsum") for part in parts))
    return told and not any(is_op(part, "index_notation") for part in parts)


# Axes


def union(parts: Sequence[Labelled], order: Order | None = None) -> tuple[Index, ...]:
    """All indices, in the order of the operand with the most.

    Where no operand has all of three and more, those that are wanted come in the order in which
    they are, and what all have goes last: X_ik − X_jk is X[:, None, :] − X[None, :, :].
    """
    longest = max(parts, key=lambda part: len(part.axes), default=None)
    axes = list(longest.axes) if longest else []
    for part in parts:
        axes += [index for index in part.axes if index not in axes]
    if longest and 2 < len(axes) > len(longest.axes):
        order = order or {}
        axes.sort(key=lambda index: order.get(index, len(order)))
        axes.sort(key=lambda index: all(index in part.axes for part in parts if part.axes))
    return tuple(axes)


def aligned(part: Labelled, axes: Sequence[Index]) -> Tree:
    """The tree with its axes in an order, new axes of size 1 where it must be spread."""
    mine = [index for index in axes if index in part.axes]
    tree = part.tree
    if list(part.axes) != mine:
        tree = transposed(tree, tuple(part.axes.index(index) for index in mine))
    first = next((k for k, index in enumerate(axes) if index in part.axes), len(axes))
    if any(index not in part.axes for index in axes[first:]):
        key = tuple(
            ("slice", S.Zero, index.size, S.One) if index in part.axes else ("new",)
            for index in axes[first:]
        )
        tree = apply("index", tree, key=key)
    return tree


def spread_to(part: Labelled, wanted: tuple[Index, ...]) -> Tree:
    """The tree with exactly the wanted axes, broadcast where an index is missing."""
    if set(part.axes) - set(wanted):
        raise NoMatrixError
    missing = [index for index in wanted if index not in part.axes]
    tree = aligned(part, wanted)
    shape = tuple(index.size for index in wanted)
    if missing and tree.shape != shape:
        tree = apply("broadcast_to", tree, shape=shape)
    return tree


# Contracting


def contract(parts: list[Labelled], summed: list[Index], order: Order) -> Labelled:
    """The product of arrays, summed over some of their indices.

    Raises:
        NoMatrixError: An index cannot be eliminated.
    """
    parts = _same_axes_merged(parts)
    made = _pair_by_pair(parts, summed, order)
    if len(parts) > 2 and has_einsum(made.tree) and not any(has_einsum(p.tree) for p in parts):
        whole = _einsum(parts, summed, order)
        made = min(made, whole, key=lambda found: tree_cost(found.tree))
    return made


def _pair_by_pair(parts: list[Labelled], summed: Sequence[Index], order: Order) -> Labelled:
    waiting = list(summed)
    while waiting:
        parts = _masks_weighted(parts, waiting)
        index = min(waiting, key=lambda index: _effort(index, parts, waiting))
        here = [part for part in parts if index in part.axes]
        rest = [part for part in parts if index not in part.axes]
        if not here:  # a sum of equal terms
            waiting.remove(index)
            parts.append(Labelled(Number((), index.size), ()))
            continue
        here = _vectors_absorbed(here, index)
        if len(here) > 2:
            return _einsum(parts, waiting, order)
        waiting.remove(index)
        made = _eliminated(here, index, waiting, rest, order)
        parts = _same_axes_merged([*rest, made])
    return multiplied_entries(parts, order)


def _vectors_absorbed(here: list[Labelled], index: Index) -> list[Labelled]:
    """Vectors along an index that two matrices share scale one of them."""
    vectors = [part for part in here if part.axes == (index,)]
    others = [part for part in here if part.axes != (index,)]
    if len(here) <= 2 or not vectors or not others:
        return here
    return [multiplied_entries([*vectors, others[0]]), *others[1:]]


def _masks_weighted(parts: list[Labelled], summed: Sequence[Index]) -> list[Labelled]:
    """Vectors that a triangle of ones and a matrix share scale the triangle: Φ(uvᵀ) reads well."""
    for mask in [part for part in parts if len(part.axes) == 2 and _is_mask(part.tree)]:
        found = mask
        for index in mask.axes:
            here = [part for part in parts if index in part.axes and part is not mask]
            vectors = [part for part in here if part.axes == (index,)]
            if index in summed and vectors and len(vectors) < len(here):
                trees = [aligned(part, mask.axes) for part in (found, *vectors)]
                found = Labelled(times(trees), mask.axes)
                parts = [part for part in parts if all(part is not v for v in vectors)]
        parts = [found if part is mask else part for part in parts]
    return parts


def _is_mask(tree: Tree) -> bool:
    """Whether a matrix is a triangle of ones, as it is or with its rows and columns scaled."""
    if is_op(tree, "multiply", "transpose"):
        return any(map(_is_mask, tree.args))
    return is_op(tree, "tril", "triu", "half_tril")


def _eliminated(
    here: list[Labelled], index: Index, waiting: list[Index], rest: Sequence[Labelled], order: Order
) -> Labelled:
    if not here:
        raise NoMatrixError
    if len(here) == 1:
        part = here[0]
        axis = part.axes.index(index)
        kept = part.axes[:axis] + part.axes[axis + 1 :]
        return Labelled(total(part.tree, [axis]), kept)
    left, right = here
    shared = (set(left.axes) & set(right.axes)) - {index}
    if shared:
        axes = union([left, right])
        also = [i for i in axes if i in waiting and all(i not in p.axes for p in rest)]
        gone = [index, *also]
        for i in also:
            waiting.remove(i)
        if len(axes) > max(len(left.axes), len(right.axes), 2):  # a batch of products
            return _batched(left, right, gone, order)
        both = times([aligned(left, axes), aligned(right, axes)])
        kept = tuple(i for i in axes if i not in gone)
        return Labelled(total(both, [axes.index(i) for i in gone]), kept)
    if len(left.axes) > 2 or len(right.axes) > 2:
        return _batched(left, right, [index], order)
    return _matmul(left, right, index, order)


def _batched(left: Labelled, right: Labelled, gone: Sequence[Index], order: Order) -> Labelled:
    """A product of matrices for each index of a batch: D @ W.T of D with three axes, or an einsum.

    The rows are the last free axis of the left operand, the columns that of the right one; a batch
    goes before both.
    """
    found: list[tuple[int, Labelled]] = []
    for one, other in ((left, right), (right, left)):
        shared = [i for i in one.axes if i in other.axes and i not in gone]
        rows = [i for i in one.axes if i not in other.axes]
        columns = [i for i in other.axes if i not in one.axes]
        if len(gone) > 1 or (shared and len(rows) * len(columns) != 1):
            continue
        batches = [shared + rows[:-1], shared + columns[:-1]]
        result = (*(batches[0] or batches[1]), *rows[-1:], *columns[-1:])
        if (len(rows) > 1 and len(columns) > 1) or not _in_order(result, order):
            continue
        a = aligned(one, (*batches[0], *rows[-1:], *gone))
        b = aligned(other, (*batches[1], *gone, *columns[-1:]))
        turned = [tree.ndim for tree in (a, b) if is_op(tree, "transpose")]
        if len(turned) < 2:
            found.append((sum(turned), Labelled(apply("matmul", a, b), result)))
    if not found:
        return _summed_batch(left, right, gone, order) or _einsum([left, right], gone, order)
    return min(found, key=lambda way: way[0])[1]


def _summed_batch(
    left: Labelled, right: Labelled, gone: Sequence[Index], order: Order
) -> Labelled | None:
    """Two indices that two arrays share: products for each of one of them, and their sum."""
    for batch, inner in (gone, gone[::-1]) if len(gone) == 2 else ():
        made = _batched(left, right, [inner], order)
        if not has_einsum(made.tree) and batch in made.axes:
            axis = made.axes.index(batch)
            kept = (*made.axes[:axis], *made.axes[axis + 1 :])
            return Labelled(total(made.tree, [axis]), kept)
    return None


def _in_order(axes: Sequence[Index], order: Order) -> bool:
    places = [order[axis] for axis in axes if axis in order]
    return places == sorted(places)


def has_einsum(tree: Tree) -> bool:
    """Whether a tree has an Einstein sum in it."""
    return any(is_op(part, "einsum") for part in tree.walk())


def _matmul(left: Labelled, right: Labelled, index: Index, order: Order) -> Labelled:
    """The matrix product over an index; the side whose transpose is dearer stays as it is."""
    if len(left.axes) == 1 and len(right.axes) == 2:
        left, right = right, left
    if len(left.axes) == 2 and len(right.axes) == 2:
        forward = (left.axes[1] != index) + (right.axes[0] != index) + _turned(left, right, order)
        backward = (right.axes[1] != index) + (left.axes[0] != index) + _turned(right, left, order)
        if backward < forward:
            left, right = right, left
    row = tuple(i for i in left.axes if i != index)
    column = tuple(i for i in right.axes if i != index)
    a = aligned(left, (*row, index))
    b = aligned(right, (index, *column))
    return Labelled(apply("matmul", a, b), (*row, *column))


def _turned(left: Labelled, right: Labelled, order: Order) -> float:
    """Whether the product of two matrices would be the transpose of what is wanted."""
    places = [order.get(i) for part in (left, right) for i in part.axes]
    known = [place for place in places if place is not None]
    return 1.5 * (len(known) == 2 and known[0] > known[1])


def multiplied_entries(parts: Sequence[Labelled], order: Order | None = None) -> Labelled:
    """The entry-by-entry product; deltas become diagonals, two vectors an outer product."""
    parts = list(parts)
    if not parts:
        return Labelled(Number((), S.One), ())
    if len(parts) == 1:
        return parts[0]
    eyes = [p for p in parts if isinstance(p.tree, Apply) and p.tree.op == "eye"]
    if len(eyes) == 1:
        row, column = eyes[0].axes
        others = [p for p in parts if p is not eyes[0]]
        touching = [p for p in others if set(p.axes) <= {row, column}]
        if touching and len(touching) == len(others) and all(len(p.axes) == 1 for p in others):
            vector = times([p.tree for p in others])
            return Labelled(apply("diag", vector), (row, column))
    vectors = [p for p in parts if len(p.axes) == 1]
    whole = [p for p in parts if len(p.axes) == 2]
    if len(vectors) == 2 and len(whole) == len(parts) - 2 == 1:
        pair = {i for p in vectors for i in p.axes}
        if pair == set(whole[0].axes):
            first, second = sorted(vectors, key=lambda p: whole[0].axes.index(p.axes[0]))
            both = apply("outer", first.tree, second.tree)
            return Labelled(times([both, whole[0].tree]), whole[0].axes)
    if len(parts) == 2 and all(len(p.axes) == 1 for p in parts) and parts[0].axes != parts[1].axes:
        return Labelled(apply("outer", parts[0].tree, parts[1].tree), parts[0].axes + parts[1].axes)
    axes = union(parts)
    if order and 2 < len(axes) > max(len(part.axes) for part in parts):
        axes = tuple(sorted(axes, key=lambda index: order.get(index, len(order))))
    return Labelled(times([aligned(part, axes) for part in parts]), axes)


def _einsum(parts: Sequence[Labelled], summed: Sequence[Index], order: Order) -> Labelled:
    kept = [i for i in union(parts) if i not in summed]
    axes = tuple(sorted(kept, key=lambda i: order.get(i, len(order))))
    first = {index: place for place, index in enumerate(axes)}
    numbers = [part.tree for part in parts if not part.axes]
    parts = sorted(
        (part for part in parts if part.axes),
        key=lambda part: min(first.get(i, len(first)) for i in part.axes),
    )
    letters = dict(zip(union(parts), LETTERS, strict=False))
    inputs = ",".join("".join(letters[i] for i in part.axes) for part in parts)
    spec = f"{inputs}->{''.join(letters[i] for i in axes)}"
    made = apply("einsum", *(part.tree for part in parts), spec=spec)
    return Labelled(times([*numbers, made]) if numbers else made, axes)


def _same_axes_merged(parts: Sequence[Labelled]) -> list[Labelled]:
    """Arrays over the same indices as one entry-by-entry product."""
    groups: dict[frozenset[Index], list[Labelled]] = {}
    for part in parts:
        groups.setdefault(frozenset(part.axes), []).append(part)
    merged = []
    for group in groups.values():
        axes = group[0].axes
        trees = [aligned(part, axes) for part in group]
        merged.append(Labelled(times(trees), axes) if len(trees) > 1 else group[0])
    return merged


def _effort(
    index: Index, parts: Sequence[Labelled], waiting: Sequence[Index]
) -> tuple[int, int, str]:
    """What eliminating an index leaves: fewer axes first, then fewer operands."""
    here = [part for part in parts if index in part.axes]
    axes = {i for part in here for i in part.axes} - {index}
    return (len(axes), len(here), index.name)
