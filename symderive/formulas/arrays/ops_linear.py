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
    add,
    apply,
    as_tree,
    entry,
    multiply,
    number,
    of_matrix,
    shown,
    transpose,
    whole,
)
from symderive.formulas.arrays.syntax import Apply, Shape, Tree


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


def _pinv(args: Args, _: Options) -> Tree:
    """By the normal equations; the smaller Gram matrix where the sizes are known to differ."""
    arg, turned = args[0], transpose(args[0])
    if (arg.shape[0] - arg.shape[1]).is_negative:
        return apply("matmul", turned, apply("inv", apply("matmul", arg, turned)))
    return apply("matmul", apply("inv", apply("matmul", turned, arg)), turned)


def _of_kron(op: str) -> Callable[[Args, Options, At], Expr]:
    """An entry of op(matrix), by the matrices that a Kronecker product or exponential is made of.

    log |det(A ⊗ B)| is q log |det A| + p log |det B|, (A ⊗ B)⁻¹ is A⁻¹ ⊗ B⁻¹, log det eᴬ is tr A.
    """
    plain = part_entry(op, 2 if op == "inv" else 0)

    def made(args: Args, options: Options, at: At) -> Expr:
        inner = args[0]
        if isinstance(inner, Apply) and inner.ndim == 2:
            found = _apart(op, inner)
            if found is not None:
                return entry(found, at)
        return plain(args, options, at)

    return made


def _apart(op: str, inner: Apply) -> Tree | None:
    """The operation on a matrix, by what the matrix is made of."""
    if inner.op == "expm" and op != "inv":
        trace = apply("trace", inner.args[0])
        return trace if op == "logdet" else apply("exp", trace)
    if inner.op != "kron" or any(a.ndim != 2 or a.shape[0] != a.shape[1] for a in inner.args):
        return None
    left, right = (apply(op, arg) for arg in inner.args)
    if op == "inv":
        return apply("kron", left, right)
    p, q = (number(arg.shape[0]) for arg in inner.args)
    if op == "logdet":
        return add(multiply(q, left), multiply(p, right))
    return multiply(apply("power", left, q), apply("power", right, p))


def call_of(op: str) -> Callable[[Any], Tree]:
    """The call of an operation on one array."""

    def call(A: Any) -> Tree:  # noqa: N803
        return apply(op, as_tree(A))

    return call


def _call_solve(A: Any, b: Any) -> Tree:  # noqa: N803
    return apply("solve", as_tree(A), as_tree(b))


def _call_slogdet(A: Any) -> Tree:  # noqa: N803
    matrix = as_tree(A)
    return apply("stack", apply("sign", apply("det", matrix)), apply("logdet", matrix), axis=(0,))


def row(name: str, title: str, kind: str, example: str, written: Explicit, **fields: Any) -> Op:
    """A function of a square matrix with a rule of its own."""
    own = {"scalar": 0, "vector": 1, "matrix": 2}[kind]
    shape, made = square_to(kind, name), part_entry(name, own)
    made = _of_kron(name) if name in ("inv", "det", "logdet") else made
    return Op(
        name, title, shape, made, call=call_of(name), example=example, explicit=written, **fields
    )


# fmt: off
ROWS: tuple[Op, ...] = (
    row("inv", "inverse", "matrix", "inv(A)", explicit.inv),
    row("det", "determinant", "scalar", "det(A)", explicit.det),
    row("logdet", "logarithm of the absolute value of the determinant", "scalar", "logdet(A)",
        explicit.logdet),
    Op("slogdet", "sign of the determinant, and logarithm of its absolute value",
       call=_call_slogdet, example="slogdet(A)[1]"),
    Op("solve", "solution of a linear system", _solve_shape, expand=_solve,
       call=_call_solve, example="solve(A, x)"),
    Op("pinv", "pseudoinverse of a matrix of full rank (full column rank, where sizes are "
       "symbols)", of_matrix("pinv", lambda m, n: (n, m)), part_entry("pinv", 2), _pinv,
       call_of("pinv"), explicit=explicit.pinv, example="pinv(concatenate([A, X]))"),
    row("cholesky", "Cholesky factor, lower triangular, of the symmetric part", "matrix",
         "cholesky(A @ A.T + eye(n))", explicit.cholesky),
)
# fmt: on
