"""Entries chosen by arrays of places: ``X[y]``, ``X[np.arange(m), y]``; places may be traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Integer

from symderive.formulas.arrays.op import is_condition, number
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.readers.python.entries import LONGEST_AXIS
from symderive.readers.python.masked import Kept
from symderive.readers.python.recording import Recording, is_fixed, refused
from symderive.readers.python.tracer import Tracer, call, operand, wrap

FEW = 64
"""As many chosen entries are written one by one."""

_WHOLE = frozenset({"floor", "ceil", "round", "trunc", "sign", "arange"})
"""Operations that give whole numbers."""


def whole_part(rec: Recording, value: Tracer) -> Tracer:
    """A value as ``int`` and ``astype(int)`` give it: itself where it is known to be whole."""
    tree = value._current()
    made = rec.stages.get(tree.name, tree) if isinstance(tree, Leaf) else tree
    data = rec.known(tree)
    whole = is_condition(tree) or is_fixed(tree) or (data is not None and np.all(data % 1 == 0))
    if whole or (isinstance(made, Apply) and made.op in _WHOLE):
        return wrap(rec, operand(rec, value))
    return call(rec, "trunc", value)


def is_mask(key: Any) -> bool:
    """Whether a key chooses entries by a condition."""
    if type(key) is Tracer:
        return is_condition(key._tree)
    return isinstance(key, np.ndarray) and key.dtype == bool


def is_choice(key: Any) -> bool:
    """Whether a key holds an array of places, or a place that the program computes."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(_is_places(part) for part in parts)


def _is_places(part: Any) -> bool:
    if type(part) is Tracer:
        return not isinstance(part._tree, Number)
    return isinstance(part, list | range) or (isinstance(part, np.ndarray) and part.ndim > 0)


def plain_places(key: Any, ndim: int) -> tuple[Any, ...]:
    """The parts of a key, with lists, ranges and known masks as arrays of places, ... as slices."""
    found: list[Any] = []
    for part in key if isinstance(key, tuple) else (key,):
        array = np.array(part) if isinstance(part, list | range) else part
        known = type(array) is not Tracer and isinstance(array, np.ndarray)
        found += np.nonzero(array) if known and array.dtype == bool else (array,)
    open_ones = [k for k, part in enumerate(found) if part is Ellipsis]
    for k in open_ones[:1]:
        found[k : k + 1] = [slice(None)] * (ndim - len(found) + 1)
    return tuple(found)


def chosen(rec: Recording, array: Tracer, key: Any) -> Any:
    """The entries at some places.

    Raises:
        ModelError: The key cannot be a formula.
    """
    if type(key) is Tracer and is_mask(key):
        return Kept(rec, wrap(rec, operand(rec, array)), key)
    parts = list(plain_places(key, array.ndim))
    tree = operand(rec, array)
    if (
        all(type(p) is not Tracer and isinstance(p, np.ndarray) for p in parts)
        and len(parts) <= tree.ndim
    ):
        known = np.broadcast_arrays(*parts)
        if known[0].ndim == 1 and known[0].size * len(parts) <= FEW:
            places = [
                tuple(_from_front(int(p), size) for p, size in zip(row, tree.shape, strict=False))
                for row in zip(*known, strict=True)
            ]
            rows = [apply("index", tree, key=tuple(("int", p) for p in row)) for row in places]
            return wrap(rec, apply("stack", *rows, axis=(0,)))
    if len(parts) == 1:
        return wrap(rec, _at(_hot(rec, parts[0], tree.shape[0]), tree))
    if len(parts) == 2 and tree.ndim == 2 and not _has_slice(parts):
        return wrap(rec, _pairs(rec, tree, parts))
    if (found := _along_places(rec, array, parts)) is not None:
        return found
    if len(parts) == 2 and tree.ndim == 2:
        return wrap(rec, _pairs(rec, tree, parts))
    raise refused("this way of choosing entries has no formula; choose along one axis at a time")


def one_by_one(shape: Sequence[Expr], key: Any) -> list[tuple[Any, ...]] | None:
    """The keys of single places that an array of places stands for; None where it is not known."""
    parts = plain_places(key, len(shape))
    known = [p for p in parts if type(p) is not Tracer and isinstance(p, np.ndarray)]
    if len(parts) > len(shape) or any(type(p) is Tracer for p in parts):
        return None
    if any(array.ndim != 1 for array in known) or not known:
        return None
    size = max(array.size for array in known)
    if size > LONGEST_AXIS or any(array.size not in (1, size) for array in known):
        return None
    spread = [np.broadcast_to(p, (size,)) if isinstance(p, np.ndarray) else p for p in parts]
    return [
        tuple(int(p[k]) if isinstance(p, np.ndarray) else p for p in spread) for k in range(size)
    ]


def _along_places(rec: Recording, array: Tracer, parts: Sequence[Any]) -> Tracer | None:
    """Known places beside slices; None where they are many or not known."""
    places = one_by_one(array._tree.shape, tuple(parts))
    whole = all(isinstance(p, slice | int | np.integer | np.ndarray) for p in parts)
    if not places or not whole or len(places) > FEW:
        return None
    rows = [operand(rec, array[place]) for place in places]
    return wrap(rec, apply("stack", *rows, axis=(_axis_of_places(parts),)))


def _axis_of_places(parts: Sequence[Any]) -> int:
    """The axis of what is chosen that its places are along; the first, where a slice parts them."""
    chosen_at = [k for k, part in enumerate(parts) if not isinstance(part, slice)]
    adjacent = chosen_at[-1] - chosen_at[0] + 1 == len(chosen_at)
    return chosen_at[0] if adjacent else 0


def spread(
    rec: Recording, array: Tracer, key: Any, value: Any
) -> Iterator[tuple[tuple[Any, ...], Tracer]]:
    """The places that are set, and what each gets, as NumPy spreads a value over them.

    Raises:
        ModelError: The places are not known, or the value does not fit.
    """
    parts = plain_places(key, array.ndim)
    places = one_by_one(array._tree.shape, parts)
    if places is None or any(part is None for part in parts):
        raise refused("entries chosen by an array are set here; set them one by one or by mask")
    values = wrap(rec, operand(rec, value))
    axis = _axis_of_places(parts)
    if places and (axis or values.ndim >= array[places[0]].ndim) and values.ndim:
        each = array[places[0]]._tree.shape
        values = call(rec, "broadcast_to", values, (*each[:axis], len(places), *each[axis:]))
        rows = [values[(*[slice(None)] * axis, k)] for k in range(len(places))]
    else:
        rows = [values] * len(places)
    yield from zip(places, rows, strict=True)


def _has_slice(parts: Sequence[Any]) -> bool:
    return any(isinstance(part, slice) for part in parts)


def _from_front(place: int, size: Expr) -> Expr:
    return Integer(place) if place >= 0 else size + place


def _hot(rec: Recording, places: Any, size: Expr) -> Tree:
    if type(places) is not Tracer and isinstance(places, np.ndarray) and size.is_Integer:
        places = np.where(places < 0, places + int(size), places)
    tree = operand(rec, places)
    if _may_be_negative(rec, tree):  # x[-k] counts from the end
        from_end = apply("add", tree, number(size))
        tree = apply("where", apply("Lt", tree, number(0)), from_end, tree)
    return apply("one_hot", tree, size=size)


def _may_be_negative(rec: Recording, tree: Tree) -> bool:
    """Whether places may count from the end; those of an argument without values do not."""
    if isinstance(tree, Number):
        return tree.value.is_nonnegative is False
    if isinstance(tree, Leaf):
        made, data = rec.stages.get(tree.name), rec.known(tree)
        known = data is not None and bool(np.any(np.asarray(data) < 0))
        return known if made is None else _may_be_negative(rec, made)
    if not isinstance(tree, Apply) or is_condition(tree):
        return False
    if tree.op == "mod":
        return _may_be_negative(rec, tree.args[1])
    return tree.op == "negative" or any(_may_be_negative(rec, arg) for arg in tree.args)


def _at(hot: Tree, tree: Tree) -> Tree:
    if hot.ndim == 1 or tree.ndim <= 2:
        if hot.ndim == 1 and tree.ndim > 2:
            letters = "abcdefgh"[: tree.ndim]
            return apply("einsum", hot, tree, spec=f"a,{letters}->{letters[1:]}")
        return apply("matmul", hot, tree)
    letters = "abcdefgh"[: tree.ndim]
    return apply("einsum", hot, tree, spec=f"z{letters[0]},{letters}->z{letters[1:]}")


def _pairs(rec: Recording, tree: Tree, parts: list[Any]) -> Tree:
    """``X[i, j]`` with arrays of places, slices or places."""
    if isinstance(parts[0], slice) and parts[0] == slice(None):
        turned = apply("transpose", tree, axes=(1, 0))
        result = _at(_hot(rec, parts[1], tree.shape[1]), turned)
        return apply("transpose", result, axes=(1, 0)) if result.ndim == 2 else result
    if isinstance(parts[1], slice) and parts[1] == slice(None):
        return _at(_hot(rec, parts[0], tree.shape[0]), tree)
    if any(isinstance(part, slice) for part in parts):
        raise refused("an array of places beside a slice has no formula; take the slice first")
    columns = _hot(rec, parts[1], tree.shape[1])
    rows = (
        tree
        if _is_every(parts[0], tree.shape[0])
        else _at(_hot(rec, parts[0], tree.shape[0]), tree)
    )
    axis = max(rows.ndim, columns.ndim) - 1
    product = apply("multiply", rows, columns)
    return apply("sum", product, axis=(axis,), keepdims=False)


def _is_every(places: Any, size: Expr) -> bool:
    """Whether the places are 0, 1, 2 and on, all of an axis."""
    if type(places) is Tracer:
        tree = places._tree
        return isinstance(tree, Apply) and tree.op == "arange" and tree.shape == (size,)
    known = isinstance(places, np.ndarray) and size.is_Integer and places.shape == (int(size),)
    return bool(known and np.array_equal(places, np.arange(int(size))))
