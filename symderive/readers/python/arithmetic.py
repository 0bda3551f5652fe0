"""What is known of numbers and sizes while a function is traced: worked out, compared, left out."""

from __future__ import annotations

import operator
from collections.abc import Callable

from sympy import Expr, expand

from symderive.formulas.arrays.op import is_condition, number
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Apply, Number, Tree


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
    """What is left of an operation with 0 or 1, as loops that start from a plain 0 make them."""
    zero = isinstance(first, Number) and first.value == 0
    if name == "add" and zero:
        return second
    if name == "subtract" and zero:
        return negated(second)
    last = second.value if isinstance(second, Number) else None
    if (name in ("add", "subtract") and last == 0) or (
        name in ("multiply", "divide") and last == 1
    ):
        return first
    if name == "multiply" and isinstance(first, Number) and first.value == 1:
        return second
    return first if name == "power" and last == 1 else None


def negated(tree: Tree) -> Tree:
    """The negative."""
    return number(-tree.value) if isinstance(tree, Number) else apply("negative", tree)


METHODS = {
    name: name
    for name in (
        *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "trace", "clip", "diagonal"),
        *("transpose", "swapaxes", "reshape", "ravel", "squeeze", "round", "repeat", "take"),
        *("cumprod", "ptp"),
    )
} | {"flatten": "ravel", "conj": "conjugate", "conjugate": "conjugate"}
"""Methods that are NumPy functions of the array."""
