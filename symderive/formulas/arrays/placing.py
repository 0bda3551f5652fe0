"""Zeros with an array put somewhere, in words of NumPy: padded, by unit vectors, by a selection.

What a slice takes out, its adjoint puts back: of x[1:] that is ``pad(a, (1, 0))``, of x[k] it is
``a*eye(n)[k]``, of x[::2] it is ``eye(n)[::2].T @ a``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, S

from symderive.formulas.arrays.op import apply, number
from symderive.formulas.arrays.syntax import Apply, Shape, Tree

Key = tuple[Any, ...]


def place_at(arg: Tree, key: Sequence[Key], shape: Shape) -> Apply:
    """Zeros of a shape, with an array added where the key stands."""
    return Apply(shape, "place", (arg,), (("key", tuple(key)), ("shape", shape)))


def completed(key: Sequence[Key], shape: Shape) -> list[tuple[Key, Expr]]:
    """The key of every axis, and its size."""
    rest = shape[len(key) :]
    return list(zip((*key, *(all_of(size) for size in rest)), shape, strict=True))


def indexed_shape(shape: Shape, key: Sequence[Key]) -> Shape:
    """The shape of what a key takes out of an array."""
    kept: list[Expr] = []
    axis = 0
    for kind, *rest in key:
        if kind == "new":
            kept.append(S.One)
            continue
        if kind == "slice":
            kept.append(rest[1])
        axis += 1
    return (*kept, *shape[axis:])


def all_of(size: Expr) -> Key:
    """The key of a whole axis."""
    return ("slice", S.Zero, size, S.One)


def widths(tree: Apply) -> tuple[tuple[Expr, Expr], ...] | None:
    """The zeros before and after along each axis, where they are all that is put in."""
    found = []
    for (kind, *rest), size in completed(tree.option("key"), tree.shape):
        if kind != "slice" or rest[2] != 1:
            return None
        before = S(rest[0])
        found.append((before, (size - before - rest[1]).expand()))
    return tuple(found)


def in_words(tree: Apply) -> Tree | None:
    """The same by unit vectors and selections; None of what is only padded or has more axes.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.text import text
    >>> n = Symbol("n")
    >>> text(in_words(place_at(number(1), [("int", S(0)), ("int", S(1))], (n, n))))
    'outer(eye(n)[0], eye(n)[1])'
    """
    keys = completed(tree.option("key"), tree.shape)
    if widths(tree) is not None or len(keys) > 2 or any(key[0] == "new" for key, _ in keys):
        return None
    (arg,) = tree.args
    units = [_unit(key, size) if key[0] == "int" else None for key, size in keys]
    if all(unit is not None for unit in units):
        whole = apply("outer", *units) if len(units) == 2 else units[0]  # type: ignore[arg-type]
        assert whole is not None
        return whole if arg == number(1) else apply("multiply", arg, whole)
    if any(unit is not None for unit in units):
        key, size = next(pair for pair in keys if pair[0][0] != "int")
        vector = arg if key == all_of(size) else place_at(arg, [key], (size,))
        ends = [vector if unit is None else unit for unit in units]
        return apply("outer", *ends)
    result: Tree = arg
    for axis, (key, size) in enumerate(keys):
        if key == all_of(size):
            continue
        chosen = apply("index", apply("eye", size=size), key=(key,))
        if axis == 0:
            result = apply("matmul", apply("transpose", chosen, axes=(1, 0)), result)
        else:
            result = apply("matmul", result, chosen)
    return result


def _unit(key: Key, size: Expr) -> Tree:
    """Row k of the identity."""
    return apply("index", apply("eye", size=size), key=(("int", key[1]),))
