"""The order in which a reader expects the factors and terms of a result in matrix notation.

Entry-by-entry products and sums may be put in any order: names come before functions of them,
brackets after both, masks last, P ⊙ (1 − P); a sum starts with a plus. Matrix products keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree

NUMBER, SCALAR, NAME, OTHER, PRODUCT, SUM, CHOICE = range(7)

_KINDS: Mapping[str, int] = {
    "matmul": PRODUCT,
    "multiply": PRODUCT,
    "outer": PRODUCT,
    "add": SUM,
    "where": CHOICE,
}


def ordered(tree: Tree, names: Sequence[str] = ()) -> Tree:
    """The tree with its products entry by entry and its sums in a reader's order.

    >>> from symderive.formulas.arrays.op import add, apply, multiply, number
    >>> from symderive.formulas.arrays.text import text
    >>> P = Leaf((number(3).value,), "P")
    >>> text(ordered(multiply(add(apply("negative", P), number(1)), P)))
    'P*(1 - P)'
    """
    position = {name: k for k, name in enumerate(names)}
    return _ordered(tree, position)


def _ordered(tree: Tree, position: Mapping[str, int]) -> Tree:
    if not isinstance(tree, Apply):
        return tree
    args = tuple(_ordered(arg, position) for arg in tree.args)
    if tree.op == "multiply":
        args = tuple(sorted(args, key=lambda arg: (_kind(arg), _first(arg, position))))
    if tree.op == "add" and _is_negative(args[0]):
        plus = [arg for arg in args if not _is_negative(arg)][:1]
        args = (*plus, *(arg for arg in args if arg not in plus))
    return Apply(tree.shape, tree.op, args, tree.options)


def _kind(tree: Tree) -> int:
    if isinstance(tree, Number):
        return NUMBER
    if not tree.ndim:
        return SCALAR
    if isinstance(tree, Leaf):
        return NAME
    assert isinstance(tree, Apply)
    if tree.op in ("negative", "divide", "transpose", "broadcast_to", "index", "power"):
        numerator = [arg for arg in tree.args if arg.ndim][:1]
        return max(_kind(numerator[0]), OTHER) if numerator else OTHER
    return _KINDS.get(tree.op, OTHER)


def _first(tree: Tree, position: Mapping[str, int]) -> int:
    """The place of the name that the model mentions first."""
    places = [position.get(p.name, len(position)) for p in tree.walk() if isinstance(p, Leaf)]
    return min(places, default=-1)


def _is_negative(tree: Tree) -> bool:
    return isinstance(tree, Apply) and tree.op == "negative"
