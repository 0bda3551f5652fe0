"""Numbers in rows as an array: what Jacobians and Hessians evaluate to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_array(rows: Sequence[Sequence[Any]]) -> np.ndarray[Any, Any]:
    """The rows as an array of shape (rows, columns), a batch's axes after them.

    >>> as_array([[1.0, 2.0]]).shape
    (1, 2)
    """
    return np.array(rows)
