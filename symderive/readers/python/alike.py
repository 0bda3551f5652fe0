"""Formulas that are alike but for the entries that they take: one formula of whole arrays.

``sin(x[0])*y[1]``, ``sin(x[1])*y[2]`` and ``sin(x[2])*y[3]`` are the entries of
``sin(x[:3])*y[1:4]``: what a loop computes step by step where no step needs another.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sympy import Expr, Integer

from symderive.formulas.arrays.lifting import Lift
from symderive.formulas.arrays.op import ShapeError, number
from symderive.formulas.arrays.ops import apply, transpose
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree, of_args, put_in
from symderive.readers.python.entries import picked

LITERAL = 8
"""As many numbers that differ from formula to formula are written out."""


Chosen = Callable[[Sequence[Expr], Expr], Tree | None]
"""The matrix that picks places with no even steps out of an axis; None where that is too long."""


def together(
    trees: Sequence[Tree], numbers: bool = True, chosen: Chosen | None = None
) -> Tree | None:
    """The array of some formulas along a new first axis; None where they are not alike.

    Args:
        trees: The formulas.
        numbers: Whether they may be alike but for plain numbers alone.
        chosen: How entries are picked at places that have no even steps; ``few_chosen``, if not
            given.

    >>> x = Leaf((Integer(3),), "x")
    >>> rows = [apply("sin", apply("index", x, key=(("int", Integer(k)),))) for k in range(3)]
    >>> together(rows) == apply("sin", x)
    True
    """
    found = _Alike(chosen or few_chosen)
    common = found.common(trees)
    held = [part for array in found.arrays.values() for part in array.walk()]
    named = any(isinstance(part, Leaf) for part in held)
    if common is None or not (named or (numbers and held)):
        return None
    moving = {name: array.shape[1:] for name, array in found.arrays.items()}
    try:
        return filled_in(Lift(moving, Integer(len(trees)))(common), found.arrays)
    except ShapeError:
        return None


class _Alike:
    """What some formulas share, with names in place of what differs."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.arrays: dict[str, Tree] = {}

    def common(self, trees: Sequence[Tree]) -> Tree | None:
        """One formula for all of them; None where they are not alike."""
        first = trees[0]
        if all(tree == first for tree in trees):
            return first
        if any(tree.shape != first.shape for tree in trees):
            return None
        trees = _spelled_out(trees)
        first = trees[0]
        numbers = [tree.value for tree in trees if isinstance(tree, Number)]
        if len(numbers) == len(trees):
            return self._moving(_numbers(numbers), ())
        rows = [tree for tree in trees if isinstance(tree, Apply)]
        if len(rows) < len(trees) or any(row.op != rows[0].op for row in rows):
            return None
        if rows[0].op == "index" and (run := _run(rows, self.chosen)) is not None:
            return self._moving(run, first.shape)
        if any(row.options != rows[0].options for row in rows):
            return None
        if len({len(row.args) for row in rows}) > 1:
            return None
        args = [self.common(parts) for parts in zip(*(row.args for row in rows), strict=True)]
        found = tuple(arg for arg in args if arg is not None)
        return replace(rows[0], args=found) if len(found) == len(args) else None

    def _moving(self, array: Tree | None, shape: Shape) -> Tree | None:
        if array is None:
            return None
        name = next((n for n, known in self.arrays.items() if known == array), "")
        name = name or f"·{len(self.arrays)}"
        self.arrays[name] = array
        return Leaf(shape, name)


def _numbers(values: Sequence[Expr]) -> Tree | None:
    """Numbers as a vector: written out, or counted."""
    if len(values) <= LITERAL:
        return apply("stack", *map(number, values), axis=(0,))
    step = values[1] - values[0]
    if any(later - value != step for value, later in itertools.pairwise(values)):
        return None
    count: Tree = apply("arange", size=Integer(len(values)))
    count = count if step == 1 else apply("multiply", number(step), count)
    return count if values[0] == 0 else apply("add", number(values[0]), count)


_UNITS = (("multiply", 0), ("multiply", 1), ("power", 1), ("divide", 1))
"""Operations that a factor, an exponent or a divisor 1 leaves out, and the place of that number."""


def _spelled_out(trees: Sequence[Tree]) -> Sequence[Tree]:
    """``x[0]`` as ``1*x[0]`` or ``x[0]**1``, where the others have such a number there."""
    for op, place in _UNITS:
        has = [
            isinstance(tree, Apply) and tree.op == op and isinstance(tree.args[place], Number)
            for tree in trees
        ]
        if any(has) and not all(has) and not any(isinstance(tree, Number) for tree in trees):
            one = number(1)
            return [
                tree if own else apply(op, one, tree) if place == 0 else apply(op, tree, one)
                for tree, own in zip(trees, has, strict=True)
            ]
    return trees


def _run(rows: Sequence[Apply], chosen: Chosen) -> Tree | None:
    """Entries of one array, at one place after the other along an axis, as one array of them."""
    array, keys = rows[0].args[0], [row.option("key") for row in rows]
    if any(row.args[0] != array for row in rows) or len({len(key) for key in keys}) > 1:
        return None
    differ = [k for k, parts in enumerate(zip(*keys, strict=True)) if len(set(parts)) > 1]
    parts = [key[k] for k in differ for key in keys]
    if array.ndim == len(differ) == 1 and parts[0][0] == "slice":
        return _windows(array, parts)
    whole = all(part[0] == "int" and part[1].is_Integer for part in parts)
    if not whole or any(part[0] == "new" for part in keys[0]):
        return None
    if len(differ) == 2 and len(keys[0]) == array.ndim == 2:
        runs = [[key[k][1] for key in keys] for k in (0, 1)]
        if all(_even(at) == 1 for at in runs):
            square = tuple(("slice", at[0], Integer(len(rows)), Integer(1)) for at in runs)
            return apply("diagonal", picked(array, square))
        inner = _at_places(array, [key[0][1] for key in keys], chosen)
        columns = chosen([key[1][1] for key in keys], array.shape[1])
        if inner is None or columns is None:
            return None
        return apply("sum", apply("multiply", inner, columns), axis=(1,), keepdims=False)
    if len(differ) != 1:
        return None
    (place,) = differ
    at = [key[place][1] for key in keys]
    if _even(at) is None:
        return _at_places(array, at, chosen) if len(keys[0]) == 1 and array.ndim < 3 else None
    key = [*keys[0]]
    key[place] = ("slice", at[0], Integer(len(rows)), _even(at))
    axis = sum(part[0] == "slice" for part in key[:place])
    while key and key[-1] == all_of(array.shape[len(key) - 1]):
        key.pop()
    found = picked(array, tuple(key)) if key else array
    order = [axis, *(k for k in range(found.ndim) if k != axis)]
    return transpose(found, order) if axis else found


def _windows(vector: Tree, parts: Sequence[tuple[Any, ...]]) -> Tree | None:
    """Slices of one length of a vector, each as far from the one before, as rows."""
    size, step = parts[0][2], _even([part[1] for part in parts])
    starts = [part[1] for part in parts]
    alike = all(part[0] == "slice" and part[2:] == (size, 1) for part in parts)
    if not alike or step is None or not all(start.is_Integer for start in starts):
        return None
    windows = apply("sliding_window_view", vector, k=size)
    return picked(windows, (("slice", starts[0], Integer(len(parts)), step),))


def _even(at: Sequence[Expr]) -> Expr | None:
    """The step between places, where it is the same everywhere."""
    steps = {later - one for one, later in pairwise(at)}
    return steps.pop() if len(steps) == 1 and 0 not in steps else None


def _at_places(array: Tree, at: Sequence[Expr], chosen: Chosen) -> Tree | None:
    """The rows of an array at some places."""
    step = _even(at)
    if step is None:
        rows = chosen(at, array.shape[0])
        return None if rows is None else apply("matmul", rows, array)
    return picked(array, (("slice", at[0], Integer(len(at)), step),))


def few_chosen(at: Sequence[Expr], size: Expr) -> Tree | None:
    """A few places, written out."""
    if len(at) > LITERAL:
        return None
    return apply("one_hot", apply("stack", *map(number, at), axis=(0,)), size=size)


def none_chosen(_: Sequence[Expr], __: Expr) -> Tree | None:
    """Nothing: entries stand at places with even steps, or their formulas are not alike."""
    return None


def filled_in(tree: Tree, arrays: Mapping[str, Tree]) -> Tree:
    """A formula with others in place of names; parts of parts are said at once."""
    return put_in(tree, arrays, _settled)


def _settled(tree: Apply, args: tuple[Tree, ...]) -> Tree:
    if tree.op == "index":
        return picked(args[0], tree.option("key"))
    if tree.op == "broadcast_to" and args[0].shape == tree.shape:
        return args[0]
    return of_args(tree, args)
