"""What the values that are given for data decide: which branch a program takes, which entry.

The model is of the branch that these values take, and its text says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.readers.python.arithmetic import SIGNS
from symderive.readers.python.recording import Recording

_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **SIGNS,
    "add": np.add,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "negative": np.negative,
    "abs": np.abs,
    "floor": np.floor,
    "trunc": np.trunc,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
}


def value_by_data(rec: Recording, tree: Tree) -> Any:
    """The value of a formula of data whose values are given; None of any other.

    Args:
        rec: The recording; it notes what data the value is of.
        tree: A number, or a condition.
    """
    used: set[str] = set()
    value = None if tree.ndim else _value(rec, tree, used)
    if value is None or not np.all(np.isfinite(value)):
        return None
    rec.decided |= used
    return value


def _value(rec: Recording, tree: Tree, used: set[str]) -> Any:
    if isinstance(tree, Number):
        known = tree.value.is_number or tree.value.is_Boolean
        return np.float64(tree.value) if known else None
    if isinstance(tree, Leaf):
        if tree.name in rec.stages:
            return _value(rec, rec.stages[tree.name], used)
        used.add(tree.name)
        return rec.known(tree)
    if not isinstance(tree, Apply):
        return None
    parts = [_value(rec, arg, used) for arg in tree.args]
    if any(part is None for part in parts):
        return None
    if tree.op == "index":
        keys = tree.option("key")
        places = [part for kind, *part in keys if kind == "int"]
        whole = len(places) == len(keys) and all(place.is_Integer for (place,) in places)
        return parts[0][tuple(int(place) for (place,) in places)] if whole else None
    made = _OPERATIONS.get(tree.op)
    return None if made is None else made(*parts)
