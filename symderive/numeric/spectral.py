"""Factors of a matrix, and derivatives of functions of a matrix, for emitted programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symderive.numeric import whole
from symderive.numeric.whole import prod_others

Array = Any


def polar(x: Array) -> Array:
    """The orthogonal polar factor, UVᵀ of X = UΣVᵀ.

    >>> polar(np.diag([2.0, -3.0])).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    left, _, right = np.linalg.svd(x, full_matrices=False)
    return left @ right


NEARLY_SINGULAR = 1e8
"""The condition from which on a determinant times an inverse is not trusted."""


def adjugate(a: Array, determinant: Array) -> Array:
    """The transposed matrix of cofactors: det(A)·A⁻¹, and what that tends to where A is singular.

    Args:
        a: The matrix.
        determinant: Its determinant, which programs have at hand.

    >>> a = np.array([[1.0, 2.0], [2.0, 4.0]])
    >>> np.round(adjugate(a, np.linalg.det(a)), 12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    try:
        inverse = np.linalg.inv(a)
        well = np.linalg.norm(inverse) * np.linalg.norm(a) < NEARLY_SINGULAR
        if np.isinf(determinant) or (well and determinant):
            return determinant * inverse
    except np.linalg.LinAlgError:
        pass
    left, values, right = np.linalg.svd(a)
    sign = np.linalg.det(left) * np.linalg.det(right)
    return sign * (right.T * prod_others(values, (0,))) @ left.T


def half_tril(x: Array) -> Array:
    """The lower triangle, its diagonal halved.

    >>> half_tril(np.ones((2, 2))).tolist()
    [[0.5, 0.0], [1.0, 0.5]]
    """
    result = np.tril(x)
    k = np.arange(min(x.shape))
    result[k, k] *= 0.5
    return result


def _frechet(function: Callable[[Array], Array]) -> Callable[..., Array]:
    """The derivative of a function of a matrix: f of [[A, E], [0, A]] has it above the diagonal.

    N. J. Higham, Functions of Matrices, 2008, section 3.2. Without a direction, all of them: an
    array with the axes of f(A), then those of A.
    """

    def derivative(a: Array, e: Array | None = None) -> Array:
        size = a.shape[-1]
        if e is None:
            found = np.empty((size,) * 4)
            for at in np.ndindex(size, size):
                unit = np.zeros((size, size))
                unit[at] = 1.0
                found[:, :, *at] = derivative(a, unit)
            return found
        length = float(np.max(np.abs(e), initial=0.0))
        if not np.isfinite(length) or length == 0.0:
            return e * a  # in the shape of both, not a number where they are none
        scale = max(float(np.max(np.abs(a), initial=0.0)), 1e-8) / length / max(size, 1)
        both = np.zeros((2 * size, 2 * size), a.dtype)
        both[:size, :size] = both[size:, size:] = a
        both[:size, size:] = scale * e
        return function(both)[:size, size:] / scale

    return derivative


expm_frechet = _frechet(whole.expm)
logm_frechet = _frechet(whole.logm)
sqrtm_frechet = _frechet(whole.sqrtm)
sinm_frechet = _frechet(whole.sinm)
cosm_frechet = _frechet(whole.cosm)
