"""Rows of matrices with a pattern: Toeplitz, Hankel, and the permutation that transposes."""

from __future__ import annotations

from typing import Any

from sympy import Expr, expand

from symderive.formulas.arrays.index import delta, fresh, sigma
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    entry,
    shown,
    size_of,
)
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.written import product

MODES = ("full", "valid")


def _vector_size(args: Args, what: str) -> Expr:
    if args[0].ndim != 1:
        raise ShapeError(f"{what} takes a vector; this has the shape {shown(args[0].shape)}")
    return args[0].shape[0]


def _convolution_shape(args: Args, options: Options) -> Shape:
    size, n = _vector_size(args, "convolution_matrix"), options["n"]
    sign = 1 if options["mode"] == "full" else -1
    return (expand(n + sign * (size - 1)), n)


def _convolution_entry(args: Args, options: Options, at: At) -> Expr:
    """Σ_l δ(i, j + l) a_l; ``valid`` begins where the vector is all inside."""
    i, j = at
    index = fresh(args[0].shape[0])
    if options["mode"] == "valid":
        i = i + index.size - 1
    return sigma(product(entry(args[0], (index,)), delta(i, j + index)), [index])


def _call_convolution(a: Any, n: Any, mode: Any = "full") -> Tree:
    if mode not in MODES:
        raise ShapeError('mode must be "full" or "valid"')
    return apply("convolution_matrix", as_tree(a), n=size_of(n), mode=mode)


def _windows_shape(args: Args, options: Options) -> Shape:
    size, k = _vector_size(args, "sliding_window_view"), options["k"]
    return (expand(size - k + 1), k)


def _call_windows(x: Any, window_shape: Any) -> Tree:
    return apply("sliding_window_view", as_tree(x), k=size_of(window_shape))


def _commutation_shape(_: Args, options: Options) -> Shape:
    return (expand(options["m"] * options["n"]),) * 2


def _commutation_entry(_: Args, options: Options, at: At) -> Expr:
    """1 where vec(Xᵀ) has at the row what vec(X) has at the column."""
    m, n = options["m"], options["n"]
    k, j = fresh(m), fresh(n)
    return sigma(product(delta(at[0], k * n + j), delta(at[1], j * m + k)), [k, j])


def _sums_shape(args: Args, _: Options) -> Shape:
    if args[0].ndim != 2:
        raise ShapeError(f"diagonals are those of a matrix; got the shape {shown(args[0].shape)}")
    return args[0].shape


def _sums_entry(args: Args, _: Options, at: At) -> Expr:
    """Σ_kl δ(k − l, i − j) a_kl."""
    k, l = map(fresh, args[0].shape)  # noqa: E741
    return sigma(product(entry(args[0], (k, l)), delta(k + at[1], l + at[0])), [k, l])


def _call_sums(X: Any) -> Tree:  # noqa: N803
    return apply("diagonal_sums", as_tree(X))


def _call_commutation(m: Any, n: Any) -> Tree:
    return apply("commutation", m=size_of(m), n=size_of(n))


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("convolution_matrix", "Toeplitz matrix of a convolution: times x, it is convolve(a, x)",
       _convolution_shape, _convolution_entry, call=_call_convolution,
       example="convolution_matrix(p, 4) @ concatenate([p, p[:1]])"),
    Op("sliding_window_view", "Hankel matrix of the windows of a vector, a row each",
       _windows_shape, lambda a, o, at: entry(a[0], (at[0] + at[1],)), call=_call_windows,
       example="sliding_window_view(p, 2)"),
    Op("diagonal_sums", "Toeplitz matrix of the sums of the diagonals of a matrix",
       _sums_shape, _sums_entry, call=_call_sums, example="diagonal_sums(X)"),
    Op("commutation", "permutation that makes vec(X) of an m × n matrix vec(X.T)",
       _commutation_shape, _commutation_entry, call=_call_commutation,
       example="commutation(n, n) @ vec(A)"),
)
# fmt: on
