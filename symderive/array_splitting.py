"""Sums of choices that a condition compares, as stages of their own: ``relu(tril(A) @ x)``.

SymPy takes a choice out of the sum, or the ``max``, that it stands in when a condition holds that,
and the index with it. What a condition compares is therefore put into a stage, and the condition
names the stage.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sympy import Piecewise, Sum

from symderive.formulas.arrays.index import ArrayOf
from symderive.formulas.arrays.op import ShapeError, entry, indices_of
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree, of_args
from symderive.formulas.functions import FUNCTIONS, NamedFunction

COMPARISONS = frozenset({"Lt", "LtE", "Gt", "GtE", "Eq", "NotEq", "one_hot"})
"""Operations of trees that compare their arguments."""


def split(tree: Tree, named: Callable[[Tree], str]) -> Tree:
    """The formula with a name for each sum of choices that it compares.

    Args:
        tree: A formula.
        named: Makes a stage of a part of it, and says its name.
    """
    if not isinstance(tree, Apply):
        return tree
    args = tuple(split(arg, named) for arg in tree.args)
    if _compares(tree):
        args = tuple(Leaf(a.shape, named(a)) if _sums_choices(a) else a for a in args)
    return of_args(tree, args)


def _compares(tree: Apply) -> bool:
    """Whether the operation, or a derivative of it, compares its arguments."""
    row = FUNCTIONS.get(tree.op) or dict(tree.options).get("function")
    if not isinstance(row, NamedFunction):
        return tree.op in COMPARISONS
    return row.compares(len(tree.args))


@lru_cache(maxsize=1024)
def _sums_choices(tree: Tree) -> bool:
    if not isinstance(tree, Apply):
        return False
    try:
        formula = entry(tree, indices_of(tree.shape))
    except ShapeError:  # the reader says what is wrong with it
        return False
    return any(whole.has(Piecewise) for whole in formula.atoms(Sum, ArrayOf))
