"""Numbers in rows as an array: what Jacobians and Hessians evaluate to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symderive.errors import SymderiveError


def as_array(rows: Sequence[Sequence[Any]]) -> np.ndarray[Any, Any]:
    """The rows as an array of shape (rows, columns), a batch's axes after them.

    >>> as_array([[1.0, 2.0]]).shape
    (1, 2)
    """
    return np.array(rows)


def newton_step(
    old: Mapping[str, float], slopes: Mapping[str, float], curvature: np.ndarray[Any, Any]
) -> dict[str, float]:
    """Old − H⁻¹·slopes, by name.

    Raises:
        SymderiveError: H is singular.
    """
    try:
        step = np.linalg.solve(curvature, np.array([slopes[name] for name in old]))
    except np.linalg.LinAlgError:
        raise SymderiveError("the Hessian is singular here: Newton has no step") from None
    return {name: float(old[name] - move) for name, move in zip(old, step, strict=True)}


def newton_blocks(
    old: Mapping[str, Any], slopes: Mapping[str, Any], blocks: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """Old − H⁻¹·slopes of arrays, each in its shape; H in blocks, in the order of the names.

    Raises:
        SymderiveError: H is singular.
    """
    shapes = [np.shape(slopes[name]) for name in old]
    sizes = [int(np.prod(shape)) for shape in shapes]
    rows = [
        np.hstack(
            [np.reshape(block, (size, width)) for block, width in zip(row, sizes, strict=True)]
        )
        for row, size in zip(blocks, sizes, strict=True)
    ]
    flat = np.concatenate([np.ravel(slopes[name]) for name in old])
    try:
        step = np.linalg.solve(np.vstack(rows), flat)
    except np.linalg.LinAlgError:
        raise SymderiveError("the Hessian is singular here: Newton has no step") from None
    moves = np.split(step, np.cumsum(sizes)[:-1])
    found = {
        name: np.asarray(old[name]) - np.reshape(move, shape)
        for name, move, shape in zip(old, moves, shapes, strict=True)
    }
    return {name: value if value.ndim else float(value) for name, value in found.items()}
