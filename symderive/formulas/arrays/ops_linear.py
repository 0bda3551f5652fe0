"""Rows of linear algebra: inverses, determinants, factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr

from symderive.formulas.arrays import explicit
from symderive.formulas.arrays.explicit import Explicit
from symderive.formulas.arrays.index import part
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    Shaped,
    ShapeError,
    apply,
    as_tree,
    shown,
    transpose,
    whole,
)
from symderive.formulas.arrays.syntax import Shape, Tree


def square(args: Args, what: str) -> Expr:
    """The size of a square matrix.

    Raises:
        ShapeError: It is none.
    """
    shape = args[0].shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{what} takes a square matrix; this one has the shape {shown(shape)}")
    return shape[-1]


def square_to(kind: str, what: str) -> Shaped:
    """The shape of what is made of a square matrix: a scalar, a vector or a matrix."""

    def shape(args: Args, _: Options) -> Shape:
        size = square(args, what)
        batch = args[0].shape[:-2]
        return {"scalar": batch, "vector": (*batch, size), "matrix": args[0].shape}[kind]

    return shape


def part_entry(op: str, own: int) -> Callable[[Args, Options, At], Expr]:
    """An entry of op(matrix): the last ``own`` indices are its own, the others a batch's."""

    def made(args: Args, options: Options, at: At) -> Expr:
        batch, mine = at[: len(at) - own], at[len(at) - own :]
        return part(op, [whole(args[0], batch)], mine)

    return made


def _solve_shape(args: Args, _: Options) -> Shape:
    size = square(args, "solve")
    left, right = (arg.shape for arg in args)
    if len(left) != 2 or len(right) not in (1, 2) or right[0] != size:
        message = "the operands of solve do not fit together: their shapes are "
        raise ShapeError(f"{message}{shown(left)} and {shown(right)}")
    return right


def _solve(args: Args, _: Options) -> Tree:
    return apply("matmul", apply("inv", args[0]), args[1])


def _pinv_shape(args: Args, _: Options) -> Shape:
    if args[0].ndim != 2:
        raise ShapeError(f"pinv takes a matrix; this has the shape {shown(args[0].shape)}")
    return args[0].shape[::-1]


def _pinv(args: Args, _: Options) -> Tree:
    """By the normal equations; the smaller Gram matrix where the sizes are known to differ."""
    arg, turned = args[0], transpose(args[0])
    if (arg.shape[0] - arg.shape[1]).is_negative:
        return apply("matmul", turned, apply("inv", apply("matmul", arg, turned)))
    return apply("matmul", apply("inv", apply("matmul", turned, arg)), turned)


def call_of(op: str) -> Callable[[Any], Tree]:
    """The call of an operation on one array."""

    def call(A: Any) -> Tree:  # noqa: N803
        return apply(op, as_tree(A))

    return call


def _call_solve(A: Any, b: Any) -> Tree:  # noqa: N803
    return apply("solve", as_tree(A), as_tree(b))


def row(name: str, title: str, kind: str, example: str, written: Explicit, **fields: Any) -> Op:
    """A function of a square matrix with a rule of its own."""
    own = {"scalar": 0, "vector": 1, "matrix": 2}[kind]
    shape, made = square_to(kind, name), part_entry(name, own)
    return Op(
        name, title, shape, made, call=call_of(name), example=example, explicit=written, **fields
    )


# fmt: off
ROWS: tuple[Op, ...] = (
    row("inv", "inverse", "matrix", "inv(A)", explicit.inv),
    row("det", "determinant", "scalar", "det(A)", explicit.det),
    row("logdet", "logarithm of the absolute value of the determinant", "scalar", "logdet(A)",
        explicit.logdet),
    Op("solve", "solution of a linear system", _solve_shape, expand=_solve,
       call=_call_solve, example="solve(A, x)"),
    Op("pinv", "pseudoinverse of a matrix of full rank (full column rank, where sizes are "
       "symbols)", _pinv_shape, part_entry("pinv", 2), _pinv, call_of("pinv"),
       explicit=explicit.pinv, example="pinv(concatenate([A, X]))"),
    row("cholesky", "Cholesky factor, lower triangular, of the symmetric part", "matrix",
         "cholesky(A @ A.T + eye(n))", explicit.cholesky),
)
# fmt: on
