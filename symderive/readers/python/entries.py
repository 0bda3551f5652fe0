"""Entries and slices of formulas, picked out and replaced."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, S, expand

from symderive.formulas.arrays.op import ShapeError, number
from symderive.formulas.arrays.ops import apply, broadcast, transpose
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.subscripts import run_of
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.readers.python.picking import inside, runs_joined, straight
from symderive.readers.python.recording import refused

LONGEST_AXIS = 512
"""The longest axis along which entries are set one by one."""


def keys_of(shape: Shape, key: Any) -> tuple[tuple[Any, ...], ...]:
    """An index of NumPy as the ``key`` of the operation ``index``."""
    parts = list(key) if isinstance(key, tuple) else [key]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used > len(shape):
        raise refused(f"{used} indices for an array of {len(shape)} axes")
    result: list[tuple[Any, ...]] = []
    axis = 0
    for part in parts:
        if part is None:
            result.append(("new",))
        elif part is Ellipsis:
            for _ in range(len(shape) - used):
                result.append(all_of(shape[axis]))
                axis += 1
        else:
            result.append(_key_of(part, shape[axis]))
            axis += 1
    return tuple(result)


def _key_of(part: Any, size: Expr) -> tuple[Any, ...]:
    if isinstance(part, slice):
        lower, upper, step = (_place(bound) for bound in (part.start, part.stop, part.step))
        if step is not None and not step.is_Integer:
            raise refused("the step of a slice must be a whole number")
        return run_of(lower, upper, S.One if step is None else step, size)
    place = _place(part)
    assert place is not None
    if place.as_coeff_Mul()[0] < 0:
        place = size + place
    if size.is_number and place.is_number and not 0 <= place < size:
        raise IndexError(f"index {part} is out of bounds for an axis of size {size}")
    return ("int", place)


def _place(value: Any) -> Expr | None:
    if value is None:
        return None
    if isinstance(getattr(value, "_tree", None), Number):
        return value._tree.value
    return Integer(operator.index(value))


def picked(tree: Tree, keys: Sequence[tuple[Any, ...]]) -> Tree:
    """Entries and slices; of what is a list of rows, the row itself."""
    if isinstance(tree, Number) and keys and all(key[0] == "new" for key in keys):
        return apply("broadcast_to", tree, shape=(S.One,) * len(keys))
    row = _row_of_eye(tree, keys[0]) if keys else None
    if row is not None:
        tree, keys = row, keys[1:]
    while keys and keys[0][0] == "int" and _is_rows(tree) and keys[0][1].is_Integer:
        tree, keys = tree.args[int(keys[0][1])], keys[1:]  # type: ignore[attr-defined]
    if keys and keys[0][0] == "slice" and _is_rows(tree) and keys[0][2] != 0:
        start, count, step = map(int, keys[0][1:])
        rows = [tree.args[start + step * k] for k in range(count)]  # type: ignore[attr-defined]
        if any(key[0] == "new" for key in keys[1:]) or len(keys) == 1:
            tree = runs_joined(apply("stack", *rows, axis=(0,)), whole=True)
            keys = [all_of(tree.shape[0]), *keys[1:]]
        else:
            return apply("stack", *(picked(row, keys[1:]) for row in rows), axis=(0,))
    tree, keys = straight(tree, keys)
    if all(key == all_of(size) for key, size in zip(keys, tree.shape, strict=False)) and len(
        keys
    ) <= len(tree.shape):
        return tree
    if isinstance(tree, Apply) and tree.op == "broadcast_to" and not tree.args[0].shape:
        shape = apply("index", tree, key=tuple(keys)).shape
        return apply("broadcast_to", tree.args[0], shape=shape) if shape else tree.args[0]
    return inside(tree, keys) or apply("index", tree, key=tuple(keys))


def _row_of_eye(tree: Tree, key: tuple[Any, ...]) -> Tree | None:
    if not (isinstance(tree, Apply) and tree.op == "eye" and key[0] == "int"):
        return None
    size, place = tree.shape[0], key[1]
    if not (size.is_Integer and place.is_Integer and size <= LONGEST_AXIS):
        return None
    return apply("stack", *(number(int(k == place)) for k in range(int(size))), axis=(0,))


def _is_rows(tree: Tree) -> bool:
    return isinstance(tree, Apply) and tree.op == "stack" and tree.option("axis") == (0,)


def replaced(tree: Tree, keys: Sequence[tuple[Any, ...]], value: Tree) -> Tree:
    """The array with some of its entries replaced.

    Raises:
        ShapeError: The value does not fit there.
    """
    while keys and keys[-1][0] == "slice" and keys[-1] == all_of(tree.shape[len(keys) - 1]):
        keys = keys[:-1]
    if any(key[0] == "new" for key in keys):
        raise refused("None in the index of what is set has no formula")
    if not keys:
        return _spread(value, tree.shape)
    first, rest = keys[0], keys[1:]
    size = tree.shape[0]
    if size.is_Integer and all(part.is_Integer for part in first[1:]) and size <= LONGEST_AXIS:
        return _rows_replaced(tree, first, rest, value)
    if first[0] == "slice" and first[3] != 1:
        raise refused("a slice with a step is set along an axis whose size is a symbol")
    if first == all_of(size):
        if tree.ndim != 2:
            raise refused("this part of an array cannot be set; use np.where or np.concatenate")
        turned = transpose(value) if value.ndim == 2 else value
        return _turned(replaced(_turned(tree), rest, turned))
    start = first[1]
    stop = start + 1 if first[0] == "int" else start + first[2]
    middle = apply("index", tree, key=(("slice", start, expand(stop - start), S.One),))
    if first[0] == "int":
        row = replaced(picked(tree, (first,)), rest, value)
        new: Tree = apply("index", row, key=(("new",),))
    else:
        new = (
            _spread(value, middle.shape)
            if not rest
            else replaced(middle, (all_of(middle.shape[0]), *rest), value)
        )
    before = apply("index", tree, key=(("slice", S.Zero, start, S.One),))
    after = apply("index", tree, key=(("slice", stop, expand(size - stop), S.One),))
    parts = [part for part in (before, new, after) if part.shape[0] != 0]
    return parts[0] if len(parts) == 1 else apply("concatenate", *parts, axis=(0,))


def _rows_replaced(
    tree: Tree, first: tuple[Any, ...], rest: Sequence[tuple[Any, ...]], value: Tree
) -> Tree:
    rows = [picked(tree, (("int", Integer(k)),)) for k in range(int(tree.shape[0]))]
    if first[0] == "int":
        k = int(first[1])
        rows[k] = replaced(rows[k], rest, value)
    else:
        start, count, step = map(int, first[1:])
        chosen = apply("index", tree, key=(first, *rest)).shape
        values = _spread(value, chosen)
        for j in range(count):
            k = start + step * j
            rows[k] = replaced(rows[k], rest, picked(values, (("int", Integer(j)),)))
    return apply("stack", *rows, axis=(0,))


def _spread(value: Tree, shape: Shape) -> Tree:
    if value.shape == shape:
        return value
    if broadcast([value.shape, shape], "the entries and the value that they are set to") != shape:
        raise ShapeError(f"a value of shape {value.shape} is set where {shape} is expected")
    return apply("broadcast_to", value, shape=shape)


def _turned(tree: Tree) -> Tree:
    """The transpose of a matrix, twice being none."""
    if isinstance(tree, Apply) and tree.op == "transpose":
        return tree.args[0]
    if isinstance(tree, Apply) and tree.op == "broadcast_to" and not tree.args[0].shape:
        return apply("broadcast_to", tree.args[0], shape=tree.shape[::-1])
    return transpose(tree)
