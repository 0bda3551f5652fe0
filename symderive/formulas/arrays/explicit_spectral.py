"""Eigenvalues of small matrices, written out; singular values and functions of a matrix by numbers.

These are the meanings that checks fall back on, as those in ``explicit``.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Rational, acos, cos, pi, sqrt

from symderive.formulas.arrays.explicit import (
    At,
    Block,
    block,
    by_value,
    cofactor,
    determinant,
    symmetric,
)

MOST_WRITTEN = 3
"""Rows up to which eigenvalues are written out."""


def eigvalsh(arrays: Sequence[Block], at: At) -> Expr:
    """The eigenvalues of the symmetric part, least first."""
    matrix, size = symmetric(arrays[0]), arrays[0].shape[0]
    if size == 1:
        return matrix[0, 0]
    if size == 2:
        half = (matrix[0, 0] - matrix[1, 1]) / 2
        root = sqrt(half**2 + matrix[1, 0] ** 2)
        return (matrix[0, 0] + matrix[1, 1]) / 2 + (root if at[0] else -root)
    if size > MOST_WRITTEN:
        return by_value("eigvalsh")(arrays, at)
    mean = (matrix[0, 0] + matrix[1, 1] + matrix[2, 2]) / 3
    own = [matrix[k, k] - mean for k in range(3)]
    off = [matrix[1, 0], matrix[2, 0], matrix[2, 1]]
    spread = sqrt((Add(*(x**2 for x in own)) + 2 * Add(*(x**2 for x in off))) / 6)
    shifted = ((own[0], off[0], off[1]), (off[0], own[1], off[2]), (off[1], off[2], own[2]))
    angle = acos(determinant(shifted) / (2 * spread**3)) / 3
    return mean + 2 * spread * cos(angle + Rational(2 * ((at[0] + 1) % 3), 3) * pi)


def eigenvectors(arrays: Sequence[Block], at: At) -> Expr:
    """Unit eigenvectors of the symmetric part as columns, where its eigenvalues are distinct."""
    size, value = arrays[0].shape[0], eigvalsh(arrays, at[1:])
    if size > MOST_WRITTEN:
        return by_value("eigenvectors")(arrays, at)
    matrix = symmetric(arrays[0])
    shifted = block((size, size), lambda p: matrix[p] - value if p[0] == p[1] else matrix[p]).rows()
    vector = [cofactor(shifted, 0, k) for k in range(size)]
    return vector[at[0]] / sqrt(Add(*(part**2 for part in vector)))


# By numbers -----------------------------------------------------------------------------------


svdvals, left_vectors, right_vectors = map(by_value, ("svdvals", "left_vectors", "right_vectors"))
nuclear_norm, spectral_norm, polar = map(by_value, ("nuclear_norm", "spectral_norm", "polar"))
expm, logm, sqrtm, sinm, cosm = map(by_value, ("expm", "logm", "sqrtm", "sinm", "cosm"))
expm_frechet, logm_frechet = by_value("expm_frechet"), by_value("logm_frechet")
sqrtm_frechet, sinm_frechet = by_value("sqrtm_frechet"), by_value("sinm_frechet")
cosm_frechet = by_value("cosm_frechet")
