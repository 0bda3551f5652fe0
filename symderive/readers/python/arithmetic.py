"""What is known of numbers and sizes while a function is traced: worked out, compared, left out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sympy import Expr, expand, sign

from symderive.formulas.arrays.op import is_condition, number
from symderive.formulas.arrays.ops import apply, broadcast
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.readers.python.constants import FAR


def decide(tree: Tree) -> bool | None:
    """Whether a condition is known: of numbers, and of sizes (a symbol is a large size)."""
    if isinstance(tree, Number):
        value = tree.value
        if value.is_Boolean:
            return bool(value)
        return bool(value != 0)
    if not isinstance(tree, Apply) or not is_condition(tree):
        return None
    if tree.op.startswith("logical_"):
        parts = [decide(arg) for arg in tree.args]
        if None in parts:
            return None
        known = [bool(part) for part in parts]
        return {"and": all(known), "or": any(known), "not": not known[0]}[tree.op[8:]]
    left, right = tree.args[0], tree.args[-1]
    if not (isinstance(left, Number) and isinstance(right, Number)):
        return None
    gap = expand(left.value - right.value)
    if gap.free_symbols:
        if tree.op in ("Eq", "NotEq"):
            return bool(tree.op == "NotEq")
        if len(gap.free_symbols) > 1:
            return None
        (symbol,) = gap.free_symbols
        gap = gap.as_poly(symbol).LC() if gap.is_polynomial(symbol) else gap
    return bool(SIGNS[tree.op](gap, 0)) if gap.is_number else None


SIGNS = {
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Eq": operator.eq,
    "NotEq": operator.ne,
}
FOLDS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}


def neutral(name: str, first: Tree, second: Tree) -> Tree | None:
    """What is left of an operation with 0 or 1, numbers or arrays of them.

    Loops start from a plain 0 or ``np.zeros``; a person would not write it.

    Raises:
        ShapeError: The shapes do not fit.
    """
    if name not in ("add", "subtract", "multiply", "divide", "power", "matmul"):
        return None
    if name == "matmul":
        return _neutral_product(first, second)
    shape = broadcast([first.shape, second.shape], "these operands")
    if name == "multiply" and (filled_with(first, 0) or filled_with(second, 0)):
        return filled(0, shape)
    if name == "power" and isinstance(second, Number) and second.value == 0:
        return filled(1, shape)
    root = isinstance(first, Apply) and first.op == "sqrt"
    if name == "power" and root and isinstance(second, Number) and second.value == 2:
        return first.args[0]  # type: ignore[attr-defined]
    if name in ("add", "subtract") and filled_with(first, 0) and second.shape == shape:
        return second if name == "add" else negated(second)
    if name == "multiply" and filled_with(first, 1) and second.shape == shape:
        return second
    last = {"add": 0, "subtract": 0, "multiply": 1, "divide": 1, "power": 1}[name]
    return first if filled_with(second, last) and first.shape == shape else None


def absorbed(name: str, first: Tree, second: Tree) -> Tree | None:
    """What is left of an operation with what is infinite: min(inf, x) is x, inf + x is inf."""
    sides = [(first, _end(first)), (second, _end(second))]
    if not any(end for _, end in sides):
        return None
    shape = broadcast([first.shape, second.shape], "these operands")
    if name in LOSERS:
        for (_, end), (other, _) in (sides, sides[::-1]):
            if end == LOSERS[name] and other.shape == shape:
                return other
    ends = {end for _, end in sides}
    if name in ("add", *LOSERS):
        return (
            filled(FAR * max(ends), shape)
            if ends == {0, 1}
            else (filled(FAR * min(ends), shape) if ends == {0, -1} else None)
        )
    if name == "divide" and not sides[0][1]:
        return filled(0, shape)
    signs = [end or _sign(side) for side, end in sides]
    known = name in ("multiply", "divide") and all(signs) and not (sides[1][1] and name == "divide")
    return filled(FAR * signs[0] * signs[1], shape) if known else None


LOSERS = {"maximum": -1, "minimum": 1, "logaddexp": -1}
"""The end of the numbers that a function of two leaves out."""


def _end(tree: Tree) -> int:
    """1 of an infinite number or an array of it, −1 of minus infinity, 0 of anything else."""
    return int(filled_with(tree, FAR)) - int(filled_with(tree, -FAR))


def _sign(tree: Tree) -> int:
    return int(sign(tree.value)) if isinstance(tree, Number) and tree.value.is_number else 0


def _neutral_product(first: Tree, second: Tree) -> Tree | None:
    shape = apply("matmul", first, second).shape
    if filled_with(first, 0) or filled_with(second, 0):
        return filled(0, shape)
    if isinstance(first, Apply) and first.op == "eye" and second.shape == shape:
        return second
    unit = isinstance(second, Apply) and second.op == "eye"
    return first if unit and first.shape == shape else None


def filled_with(tree: Tree, value: Any) -> bool:
    """Whether a formula is a number, or an array of it."""
    if isinstance(tree, Apply) and tree.op == "broadcast_to":
        tree = tree.args[0]
    return isinstance(tree, Number) and bool(tree.value == value)


def filled(value: Any, shape: Shape) -> Tree:
    """An array of one number."""
    return apply("broadcast_to", number(value), shape=shape) if shape else number(value)


def negated(tree: Tree) -> Tree:
    """The negative."""
    if isinstance(tree, Number):
        return number(-tree.value)
    if isinstance(tree, Apply) and tree.op == "broadcast_to" and isinstance(tree.args[0], Number):
        return apply("broadcast_to", number(-tree.args[0].value), shape=tree.shape)
    return apply("negative", tree)


METHODS = {
    name: name
    for name in (
        *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "trace", "clip", "diagonal"),
        *("transpose", "swapaxes", "reshape", "ravel", "squeeze", "round", "repeat", "take"),
        *("cumprod", "ptp", "argmax", "argmin", "argsort", "all", "any"),
    )
} | {"flatten": "ravel", "conj": "conjugate", "conjugate": "conjugate"}
"""Methods that are NumPy functions of the array."""
