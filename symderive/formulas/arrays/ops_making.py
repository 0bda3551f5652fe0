"""Rows of arrays made from sizes, from diagonals and by keeping a triangle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Eq, Expr, Piecewise, Rational, true

from symderive.formulas.arrays.index import delta
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    entry,
    number,
    shape_of,
    shown,
    size_of,
    whole_number,
)
from symderive.formulas.arrays.ops_elementwise import compared
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.written import product


def filled(value: Tree, shape: Shape) -> Tree:
    """An array of one value."""
    return apply("broadcast_to", value, shape=shape) if shape != value.shape else value


def _call_full(shape: Any, value: Any) -> Tree:
    return filled(as_tree(value), shape_of(shape))


def _call_zeros(shape: Any) -> Tree:
    return filled(number(0), shape_of(shape))


def _call_ones(shape: Any) -> Tree:
    return filled(number(1), shape_of(shape))


def _call_zeros_like(x: Any) -> Tree:
    return filled(number(0), as_tree(x).shape)


def _call_ones_like(x: Any) -> Tree:
    return filled(number(1), as_tree(x).shape)


def _call_eye(size: Any) -> Tree:
    return apply("eye", size=size_of(size))


def _call_arange(size: Any) -> Tree:
    return apply("arange", size=size_of(size))


# Diagonals and triangles ----------------------------------------------------------------------


def _diag_shape(args: Args, _: Options) -> Shape:
    return (*args[0].shape, args[0].shape[-1])


def _diagonal_shape(args: Args, _: Options) -> Shape:
    shape = args[0].shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"the diagonal is that of a square matrix; got the shape {shown(shape)}")
    return shape[:1]


def _call_diag(x: Any) -> Tree:
    arg = as_tree(x)
    if not arg.ndim:
        raise ShapeError("diag takes a vector or a matrix, not a number")
    return apply("diag" if arg.ndim == 1 else "diagonal", arg)


def _call_diagonal(X: Any) -> Tree:  # noqa: N803
    return apply("diagonal", as_tree(X))


def _triangle_shape(args: Args, _: Options) -> Shape:
    if args[0].ndim != 2:
        raise ShapeError(f"a triangle is that of a matrix; got the shape {shown(args[0].shape)}")
    return args[0].shape


def _triangle_entry(kept: Callable[..., Any]) -> Callable[[Args, Options, At], Expr]:
    def made(args: Args, options: Options, at: At) -> Expr:
        mask = Piecewise((1, kept(*at, options["k"])), (0, true))
        return product(entry(args[0], at), mask)

    return made


def _call_triangle(op: str) -> Callable[..., Tree]:
    def call(X: Any, k: Any = 0) -> Tree:  # noqa: N803
        diagonal = whole_number(k, "k")
        return apply(op, as_tree(X), k=diagonal)

    return call


def _half_entry(args: Args, _: Options, at: At) -> Expr:
    i, j = at
    return product(entry(args[0], at), half_below(i, j))


def half_below(i: Expr, j: Expr) -> Expr:
    """1 below the diagonal, a half on it, 0 above."""
    return Piecewise((1, i > j), (Rational(1, 2), Eq(i, j)), (0, true))


def _call_half(X: Any) -> Tree:  # noqa: N803
    return apply("half_tril", as_tree(X))


def _one_hot_entry(args: Args, _: Options, at: At) -> Expr:
    return Piecewise((1, Eq(compared(entry(args[0], at[:-1])), at[-1])), (0, true))


def _call_one_hot(labels: Any, size: Any) -> Tree:
    return apply("one_hot", as_tree(labels), size=size_of(size))


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("zeros", "zeros", call=_call_zeros, example="X + zeros((m, n))"),
    Op("ones", "ones", call=_call_ones, example="X + ones((m, 1))"),
    Op("full", "one value everywhere", call=_call_full, example="full((2, n), c)"),
    Op("zeros_like", "zeros in the shape of an array", call=_call_zeros_like,
       example="Y + zeros_like(X)"),
    Op("ones_like", "ones in the shape of an array", call=_call_ones_like,
       example="Y + ones_like(X)"),
    Op("eye", "identity matrix", lambda a, o: (o["size"], o["size"]), lambda a, o, at: delta(*at),
       call=_call_eye, example="A + c*eye(n)", aliases=("identity",)),
    Op("arange", "0, 1, 2 and on", lambda a, o: (o["size"],), lambda a, o, at: at[0],
       call=_call_arange, example="x*arange(n)"),
    Op("diag", "diagonal matrix of a vector, diagonal of a matrix", _diag_shape,
       lambda a, o, at: product(entry(a[0], at[:-1]), delta(*at[-2:])), call=_call_diag,
       example="diag(x)"),
    Op("diagonal", "diagonal of a matrix", _diagonal_shape,
       lambda a, o, at: entry(a[0], (*at, *at)), call=_call_diagonal, example="diagonal(A)"),
    Op("triu", "upper triangle, from the k-th diagonal on", _triangle_shape,
       _triangle_entry(lambda i, j, k: i + k <= j), call=_call_triangle("triu"),
       example="triu(X, 1)"),
    Op("tril", "lower triangle, up to the k-th diagonal", _triangle_shape,
       _triangle_entry(lambda i, j, k: j <= i + k), call=_call_triangle("tril"),
       example="tril(X)"),
    Op("half_tril", "lower triangle, its diagonal halved", _triangle_shape, _half_entry,
       call=_call_half, example="half_tril(A)"),
    Op("one_hot", "rows with a one where the label says", lambda a, o: (*a[0].shape, o["size"]),
       _one_hot_entry, call=_call_one_hot, example="one_hot([1, 0, 2], 3)"),
)
# fmt: on
