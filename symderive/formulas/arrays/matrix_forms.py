"""Single formulas in matrix notation: triangles of ones, places of deltas, options of parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any

from sympy import Add, Expr, KroneckerDelta, Mul, Piecewise, S, true
from sympy import Sum as SympySum
from sympy.core.relational import Relational

from symderive.formulas.arrays.algebra import named_within
from symderive.formulas.arrays.contraction import Labelled, NoMatrixError
from symderive.formulas.arrays.index import (
    Index,
    free_indices,
    fresh,
    opened,
    sigma_as_is,
    substitute,
)
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_making import half_below
from symderive.formulas.arrays.placing import place_at
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.arrays.terms import CALL, is_op, negative, term_of, tree_cost


def cut(tree: Tree, places: Sequence[Expr]) -> Labelled:
    """The entries of an array at some places: a number, an index, or a multiple of one and more.

    An index may run over the first part of an axis only; several that count an axis, i·n + j, are
    axes of the array in another shape.

    Raises:
        NoMatrixError: A place is none of these.
    """
    joined: dict[Index, tuple[Index, ...]] = {}
    apart = list(places)
    for axis, (place, size) in enumerate(zip(places, tree.shape, strict=True)):
        if len(free_indices(place)) > 1:
            found = row_major(place, size)
            if found is None:
                raise NoMatrixError
            apart[axis] = fresh(size)
            joined[apart[axis]] = found
    runs = [_run_at(place) for place in apart]
    key = tuple(run for run, _ in runs)
    whole = tuple(("slice", S.Zero, size, S.One) for size in tree.shape)
    axes = tuple(index for _, index in runs if index is not None)
    tree = tree if key == whole else apply("index", tree, key=key)
    return split(Labelled(tree, axes), joined)


def split(made: Labelled, joined: Mapping[Index, tuple[Index, ...]]) -> Labelled:
    """The array with some of its axes as several, the last of them the fastest."""
    if not joined:
        return made
    axes = tuple(one for axis in made.axes for one in joined.get(axis, (axis,)))
    return Labelled(apply("reshape", made.tree, shape=tuple(i.size for i in axes)), axes)


def _run_at(place: Expr) -> tuple[tuple[Any, ...], Index | None]:
    inside = sorted(free_indices(place), key=str)
    if not inside:
        return ("int", place), None
    step = place.coeff(inside[0]) if len(inside) == 1 else None
    if step is None or step.has(Index):
        raise NoMatrixError
    return ("slice", place - step * inside[0], inside[0].size, step), inside[0]


def diagonal_of(made: Labelled) -> Labelled:
    """The diagonal of a matrix whose axes are one index; anything else as it is."""
    if len(set(made.axes)) == len(made.axes):
        return made
    if len(made.axes) != 2:
        raise NoMatrixError
    return Labelled(apply("diagonal", made.tree), made.axes[:1])


def count_of_terms(body: Expr) -> int:
    """How many products a product of sums is, multiplied out."""
    return prod(len(f.args) for f in Mul.make_args(body) if isinstance(f, Add) and free_indices(f))


def triangle(formula: Piecewise) -> Labelled | None:
    """The cases "1 where i ≤ j, else 0" as a triangle of ones."""
    (value, condition), *rest = formula.args
    half = halves(formula)
    if half is not None:
        return half
    if len(rest) != 1 or not isinstance(condition, Relational):
        return None
    left, right = (_shifted(side) for side in (condition.lhs, condition.rhs))
    if left is None or right is None or left[0].size != right[0].size:
        return None
    (row, above), (column, below) = left, right
    pair = (value, rest[0][0])
    if condition.rel_op == "==" and above == below and pair in ((1, 0), (0, 1)):
        eye = apply("eye", size=row.size)
        others = apply("add", Number((), S.One), negative(eye))
        return Labelled(eye if value == 1 else others, (row, column))
    found = TRIANGLES.get(condition.rel_op)
    if found is None or pair != (1, 0):
        return None
    op, k = found
    ones = apply("broadcast_to", Number((), S.One), shape=(row.size, column.size))
    return Labelled(apply(op, ones, k=k + above - below), (row, column))


def _shifted(side: Expr) -> tuple[Index, int] | None:
    """Of i + 2, the index and the number."""
    number, index = side.as_coeff_Add()
    return (index, int(number)) if type(index) is Index and number.is_Integer else None


def compared(formula: Relational) -> Labelled | None:
    """The condition that one index is below another, as where a triangle of ones has one."""
    ones = triangle(Piecewise((S.One, formula), (S.Zero, true)))
    return ones and Labelled(apply("Gt", ones.tree, Number((), S.Zero)), ones.axes)


def halves(formula: Piecewise) -> Labelled | None:
    """1 below the diagonal, a half on it, else 0: Φ of ones."""
    _, condition = formula.args[0]
    if not isinstance(condition, Relational):
        return None
    for left, right in ((condition.lhs, condition.rhs), (condition.rhs, condition.lhs)):
        square = type(left) is Index and type(right) is Index and left.size == right.size
        if square and formula == half_below(left, right):
            ones = apply("broadcast_to", Number((), S.One), shape=(left.size, right.size))
            return Labelled(apply("half_tril", ones), (left, right))
    return None


TRIANGLES: Mapping[str, tuple[str, int]] = {
    "<=": ("triu", 0),
    "<": ("triu", 1),
    ">=": ("tril", 0),
    ">": ("tril", -1),
}
"""Which ones are where the row is below, or above, the column."""


def ends_of(factor: KroneckerDelta, summed: Collection[Index]) -> tuple[Any, Expr]:
    """The free index of a delta, and the place it is equal to; None where there is none."""
    for target, source in (factor.args[:2], factor.args[1::-1]):
        difference = source - target
        for index in sorted(free_indices(difference), key=str):
            if index in summed or difference.coeff(index) not in (1, -1):
                continue
            value = (index - difference / difference.coeff(index)).expand()
            if not value.has(index):
                return index, value
    return None, factor


def row_major(place: Expr, size: Expr) -> tuple[Index, ...] | None:
    """The indices of i·n + j in order, where that counts all places of an axis of a size."""
    axes = sorted(free_indices(place), key=lambda index: -len(place.coeff(index).free_symbols))
    axes.sort(key=lambda index: place.coeff(index) == 1)
    numbers = [place.coeff(index) for index in axes]
    if all(number.is_Integer for number in numbers):
        axes.sort(key=lambda index: -place.coeff(index))
    stride: Expr = S.One
    for index in reversed(axes):
        if place.coeff(index) != stride:
            return None
        stride *= index.size
    whole = Add(*(place.coeff(index) * index for index in axes))
    return tuple(axes) if (place - whole).expand() == 0 and stride == size else None


def part_of_identity(formula: KroneckerDelta, order: Mapping[Index, int]) -> Labelled:
    """δ(j, i + 1) as some rows of the identity, or as the identity among zeros."""
    for target, source in (formula.args[:2], formula.args[1::-1]):
        inside = free_indices(source)
        if not isinstance(target, Index) or len(inside) != 1 or target in inside:
            continue
        (index,) = inside
        step = source.coeff(index)
        if step not in (1, -1) or not named_within(source, target.size):
            continue
        key = ("slice", source - step * index, index.size, step)
        if step == 1 and order.get(target, 0) < order.get(index, 0):
            eye = apply("eye", size=index.size)
            whole = ("slice", S.Zero, index.size, S.One)
            placed = place_at(eye, [key, whole], (target.size, index.size))
            return Labelled(placed, (target, index))
        eye = apply("eye", size=target.size)
        return Labelled(apply("index", eye, key=(key,)), (index, target))
    return _turned_identity(formula, order)


def _turned_identity(formula: KroneckerDelta, order: Mapping[Index, int]) -> Labelled:
    """δ(3, i + j) as the identity with its rows in reverse."""
    difference = formula.args[0] - formula.args[1]
    inside = sorted(free_indices(difference), key=lambda index: order.get(index, 0))
    if len(inside) != 2 or inside[0].size != inside[1].size:
        raise NoMatrixError
    row, column = inside
    if difference.coeff(row) != difference.coeff(column) or abs(difference.coeff(row)) != 1:
        raise NoMatrixError
    rest = difference - difference.coeff(row) * (row + column)
    if (rest / difference.coeff(row) + row.size - 1).expand() != 0:
        raise NoMatrixError
    key = ("slice", row.size - 1, row.size, S.NegativeOne)
    return Labelled(apply("index", apply("eye", size=row.size), key=(key,)), (row, column))


def pushed_in(formula: Expr) -> Expr:
    """Factors inside the sum that they stand before: w_j Σ_i a_ij = Σ_i a_ij w_j."""
    if isinstance(formula, Add):
        return formula.func(*map(pushed_in, formula.args))
    factors = Mul.make_args(formula)
    sums = [f for f in factors if isinstance(f, SympySum)]
    vectors = [f for f in factors if f not in sums and free_indices(f)]
    if len(sums) != 1 or not vectors:
        return formula
    body, indices = opened(sums[0])
    rest = [f for f in factors if f not in sums and f not in vectors]
    return Mul(*rest, sigma_as_is(Mul(body, *vectors), indices))


def _reduced(axes: tuple[int, ...]) -> Mapping[str, Any]:
    return {"axis": axes, "keepdims": False}


MOST_TERMS = 4
"""Terms up to which a sum that has no notation is written out."""


def one_by_one(body: Expr, indices: Sequence[Index]) -> list[Expr] | None:
    """Σ_jp δ(i, j + p) D_jl W_pl over a short window, a term for each p: D shifted, times W_p."""
    for delta in (f for f in Mul.make_args(body) if isinstance(f, KroneckerDelta)):
        for index in indices:
            if index not in delta.free_symbols or not index.size.is_Integer:
                continue
            if any(isinstance(end, Index) for end in delta.args if end.has(index)):
                continue
            if index.size <= MOST_TERMS:
                rest = [other for other in indices if other != index]
                values = (substitute(body, {index: S(k)}) for k in range(index.size))
                return [sigma_as_is(value, rest) for value in values]
    return None


PART_OPTIONS: Mapping[str, Callable[[tuple[int, ...]], Mapping[str, Any]]] = {
    **dict.fromkeys(("max", "min", "prod", "logsumexp"), _reduced),
    "norm": lambda axes: {"ord": S(2), **_reduced(axes)},
    "std": lambda axes: {"ddof": 0, **_reduced(axes)},
    **dict.fromkeys(
        (
            "softmax",
            "is_max",
            "is_min",
            "prod_others",
            "layer_norm",
            "rms_norm",
            "deviation",
            "rms",
        ),
        lambda axes: {"axis": axes},
    ),
}
"""The options of operations along axes, by the axes of their operand; others take a matrix."""


def reads(tree: Tree) -> float:
    """What a tree costs; a number beside an outer product stands for a matrix of ones.

    An array with more axes than any that it is made of costs as much as a call.
    """
    beside = (
        part
        for part in tree.walk()
        if is_op(part, "add")
        and any(not arg.ndim for arg in part.args)
        and any(is_op(term_of(arg).core, "outer") for arg in part.args)
    )
    parts = [*tree.walk()]
    most = max([2, *(part.ndim for part in parts if not isinstance(part, Apply))])
    deeper = sum(part.ndim > most for part in parts)
    return tree_cost(tree) + sum(3 * CALL for _ in beside) + CALL * deeper
