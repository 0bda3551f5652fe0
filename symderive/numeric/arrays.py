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
