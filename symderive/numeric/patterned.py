"""Matrices with a pattern, for emitted programs."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def convolution_matrix(a: Array, n: int, mode: str = "full") -> Array:
    """The matrix that convolves a vector of n entries with another.

    >>> convolution_matrix(np.array([1.0, 2.0]), 2).tolist()
    [[1.0, 0.0], [2.0, 1.0], [0.0, 2.0]]
    """
    size = len(a)
    result = np.zeros((n + size - 1, n), a.dtype)
    column = np.arange(n)
    for place in range(size):
        result[column + place, column] = a[place]
    return result if mode == "full" else result[size - 1 : n]


def diagonal_sums(x: Array) -> Array:
    """Each entry the sum of its diagonal.

    >>> diagonal_sums(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[5.0, 2.0], [3.0, 5.0]]
    """
    rows, columns = x.shape
    place = np.arange(rows)[:, None] - np.arange(columns) + columns - 1
    sums = np.bincount(place.ravel(), x.ravel(), rows + columns)  # of no entries, too
    return sums[place].astype(x.dtype)


def commutation(m: int, n: int) -> Array:
    """The permutation that makes vec(X) of an m × n matrix vec(Xᵀ).

    >>> commutation(1, 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    places = np.arange(n)[None, :] * m + np.arange(m)[:, None]
    return np.eye(m * n)[places.ravel()]
