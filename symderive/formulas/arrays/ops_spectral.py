"""Rows of eigenvalues, singular values and functions of a matrix, and of their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Min, S

from symderive.formulas.arrays import explicit_spectral as explicit
from symderive.formulas.arrays.index import fresh, part, sigma
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    entry,
    of_matrix,
    shown,
    whole,
)
from symderive.formulas.arrays.ops_linear import call_of, part_entry, row, square, square_to
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.written import product

MATRIX_FUNCTIONS = ("expm", "logm", "sqrtm", "sinm", "cosm")
"""Functions of a matrix by their power series."""


def _row(name: str, title: str, shape: Callable[[Expr, Expr], Shape], example: str) -> Op:
    """A function of a matrix of any shape."""
    own = len(shape(S.One, S.One))
    return Op(
        name,
        title,
        of_matrix(name, shape),
        part_entry(name, own),
        call=call_of(name),
        example=example,
        explicit=getattr(explicit, name),
    )


def _frechet_shape(args: Args, _: Options) -> Shape:
    size = square(args, "a function of a matrix")
    if args[1].shape != args[0].shape or args[0].ndim != 2:
        message = "the matrix and its change do not fit together: their shapes are "
        raise ShapeError(f"{message}{shown(args[0].shape)} and {shown(args[1].shape)}")
    return (size, size)


def _frechet_entry(name: str) -> Callable[[Args, Options, At], Expr]:
    """Σ_pq ∂f(A)_ij/∂A_pq E_pq."""

    def made(args: Args, _: Options, at: At) -> Expr:
        p, q = (fresh(size) for size in args[0].shape)
        slope = part(name, [whole(args[0])], (*at, p, q))
        return sigma(product(slope, entry(args[1], (p, q))), [p, q])

    return made


def _frechet(function: str) -> Op:
    name = f"{function}_frechet"

    def call(A: Any, E: Any) -> Tree:  # noqa: N803
        return apply(name, as_tree(A), as_tree(E))

    title = f"Fréchet derivative of {function} at A, in the direction E"
    matrix = "B @ B.T + eye(n)" if function in ("logm", "sqrtm") else "B"
    return Op(
        name,
        title,
        _frechet_shape,
        _frechet_entry(name),
        call=call,
        example=f"{name}({matrix}, A)",
        explicit=getattr(explicit, name),
    )


# fmt: off
ROWS: tuple[Op, ...] = (
    row("eigvalsh", "eigenvalues of a symmetric matrix (of the symmetric part), least first",
        "vector", "eigvalsh(A + A.T)", explicit.eigvalsh),
    Op("eigenvectors", "eigenvectors of a symmetric matrix, as columns",
       square_to("matrix", "eigenvectors"), part_entry("eigenvectors", 2),
       call=call_of("eigenvectors"), example="eigenvectors(A + A.T)**2",
       explicit=explicit.eigenvectors),
    _row("svdvals", "singular values, greatest first", lambda m, n: (Min(m, n),), "svdvals(A)"),
    _row("left_vectors", "left singular vectors, as columns", lambda m, n: (m, Min(m, n)),
         "left_vectors(A) @ right_vectors(A).T"),
    _row("right_vectors", "right singular vectors, as columns", lambda m, n: (n, Min(m, n)),
         "right_vectors(A) @ left_vectors(A).T"),
    _row("nuclear_norm", "nuclear norm, the sum of the singular values", lambda m, n: (),
         "nuclear_norm(X)"),
    _row("spectral_norm", "spectral norm, the greatest singular value", lambda m, n: (),
         "spectral_norm(X)"),
    _row("polar", "orthogonal polar factor, X (XᵀX)^(-1/2)", lambda m, n: (m, n), "polar(A)"),
    row("expm", "exponential of a matrix", "matrix", "expm(A)", explicit.expm),
    row("logm", "logarithm of a matrix", "matrix", "logm(A @ A.T + eye(n))", explicit.logm),
    row("sqrtm", "square root of a matrix", "matrix", "sqrtm(A @ A.T + eye(n))", explicit.sqrtm),
    row("sinm", "sine of a matrix", "matrix", "sinm(A)", explicit.sinm),
    row("cosm", "cosine of a matrix", "matrix", "cosm(A)", explicit.cosm),
    *map(_frechet, MATRIX_FUNCTIONS),
)
# fmt: on
