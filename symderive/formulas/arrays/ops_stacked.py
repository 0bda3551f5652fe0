"""Rows of matrices stacked into vectors and back, of blocks, and of what is repeated."""

from __future__ import annotations

from typing import Any

from sympy import Expr, expand

from symderive.formulas.arrays.index import delta, fresh, sigma
from symderive.formulas.arrays.op import (
    ONE,
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    entry,
    of_matrix,
    shape_of,
    shown,
    size_of,
    transpose,
)
from symderive.formulas.arrays.ops_axes import along_one, count_of
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.written import product

# Columns one below the other --------------------------------------------------------------------


def _vec_entry(args: Args, _: Options, at: At) -> Expr:
    rows, columns = args[0].shape
    i, j = fresh(rows), fresh(columns)
    return sigma(product(entry(args[0], [i, j]), delta(at[0], i + rows * j)), [i, j])


def _call_vec(X: Any) -> Tree:  # noqa: N803
    return apply("vec", as_tree(X))


def _unvec_shape(args: Args, options: Options) -> Shape:
    shape: Shape = options["shape"]
    if args[0].ndim != 1 or len(shape) != 2 or expand(args[0].shape[0] - count_of(shape)) != 0:
        raise ShapeError(
            f"unvec makes a matrix of a vector of as many entries: {shown(args[0].shape)} is no"
            f" vec of {shown(shape)}"
        )
    return shape


def _unvec(args: Args, options: Options) -> Tree:
    return transpose(apply("reshape", args[0], shape=options["shape"][::-1]))


def _call_unvec(x: Any, shape: Any) -> Tree:
    return apply("unvec", as_tree(x), shape=shape_of(shape))


# Blocks -----------------------------------------------------------------------------------------


def _blocks(args: Args, options: Options) -> tuple[Expr, Expr]:
    """Rows and columns of a block."""
    sizes = [
        (size / count).cancel()
        for size, count in zip(args[0].shape, options["blocks"], strict=True)
    ]
    return sizes[0], sizes[1]


def _rearrange_shape(args: Args, options: Options) -> Shape:
    """(Blocks, entries of each)."""
    if args[0].ndim != 2 or len(options["blocks"]) != 2:
        raise ShapeError("rearrange takes a matrix, and how many blocks it has down and across")
    block = _blocks(args, options)
    if any(
        not (size.is_Integer or size.free_symbols) or not size.is_polynomial() for size in block
    ):
        raise ShapeError(
            f"{shown(args[0].shape)} does not fall into {shown(options['blocks'])} blocks"
        )
    return count_of(options["blocks"]), count_of(block)


def _rearrange_entry(args: Args, options: Options, at: At) -> Expr:
    """Row k + p·l has block (k, l), column by column."""
    (down, across), (rows, columns) = options["blocks"], _blocks(args, options)
    k, l_, i, j = fresh(down), fresh(across), fresh(rows), fresh(columns)
    inside = entry(args[0], [rows * k + i, columns * l_ + j])
    places = delta(at[0], k + down * l_), delta(at[1], i + rows * j)
    return sigma(product(inside, *places), [k, l_, i, j])


def _rearranged(args: Args, options: Options) -> Tree:
    (down, across), (rows, columns) = options["blocks"], _blocks(args, options)
    parts = apply("reshape", args[0], shape=(down, rows, across, columns))
    return apply("reshape", transpose(parts, (2, 0, 3, 1)), shape=_rearrange_shape(args, options))


def _call_rearrange(C: Any, blocks: Any) -> Tree:  # noqa: N803
    return apply("rearrange", as_tree(C), blocks=shape_of(blocks))


# Again and again --------------------------------------------------------------------------------


def _joined(arg: Tree, axis: int, count: Expr, place: int) -> Tree:
    """The entries along an axis ``count`` times, the new axis at ``place`` and joined with it."""
    if count == 1:
        return arg
    sizes = list(arg.shape)
    key = [all_of(size) for size in sizes]
    key.insert(place, ("new",))
    shape = [*sizes[:place], count, *sizes[place:]]
    spread = apply("broadcast_to", apply("index", arg, key=tuple(key)), shape=tuple(shape))
    whole = (*sizes[:axis], expand(sizes[axis] * count), *sizes[axis + 1 :])
    return apply("reshape", spread, shape=whole)


def _call_repeat(x: Any, repeats: Any, axis: Any = None) -> Tree:
    arg, place = along_one(x, axis)
    return _joined(arg, place, size_of(repeats, "repeats"), place + 1)


def _call_tile(x: Any, reps: Any) -> Tree:
    arg, counts = as_tree(x), shape_of(reps)
    for _ in range(len(counts) - arg.ndim):
        arg = apply("index", arg, key=(("new",),))
    counts = (*(ONE,) * (arg.ndim - len(counts)), *counts)
    for axis, count in enumerate(counts):
        if arg.shape[axis] == 1:
            shape = (*arg.shape[:axis], count, *arg.shape[axis + 1 :])
            arg = arg if shape == arg.shape else apply("broadcast_to", arg, shape=shape)
        else:
            arg = _joined(arg, axis, count, axis)
    return arg


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("vec", "all entries, column by column",
       of_matrix("vec", lambda m, n: (count_of((m, n)),)), _vec_entry, call=_call_vec,
       example="vec(X)"),
    Op("unvec", "the matrix of which a vector is vec", _unvec_shape, expand=_unvec,
       call=_call_unvec, example="unvec(vec(X), (m, n)) @ y"),
    Op("rearrange", "the blocks of a matrix, a row each: of kron(A, X), outer(vec(A), vec(X))",
       _rearrange_shape, _rearrange_entry, expand=_rearranged, call=_call_rearrange,
       example="rearrange(concatenate([X, Y]), (2, n))"),
    Op("repeat", "each entry several times", call=_call_repeat, example="repeat(X, 2, axis=0)"),
    Op("tile", "an array several times, side by side", call=_call_tile, example="tile(x, 3)"),
)
# fmt: on
