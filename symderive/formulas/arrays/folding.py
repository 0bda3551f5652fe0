"""What stages are made of, put in and named again: Xᵀr is 0 where r = y − X(XᵀX)⁻¹Xᵀy.

A matrix that is inverted cancels with what stages hide; once it has, the stages have their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from symderive.formulas.arrays.chains import Turn, chain_of, flipped, product_of
from symderive.formulas.arrays.properties import Known
from symderive.formulas.arrays.simplify import Rebuilder, shortest
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree, of_args, put_in
from symderive.formulas.arrays.terms import exchanged, is_op, negative, reading, tree_cost

MAX_COST = 80.0
"""A tree that costs more with its stages put in is left as it is."""


def through_stages(tree: Tree, stages: Mapping[str, Tree], known: Known) -> Tree | None:
    """The tree as it is with its stages put in, simplified, and named again; None if it is long.

    Args:
        tree: The tree.
        stages: What each stage is made of, by its name, the first to be computed first.
        known: What is known of the arrays.
    """
    whole: dict[str, Tree] = {}
    for name, made in stages.items():
        whole[name] = shortest(put_in(made, whole), *known)
    opened = put_in(tree, whole)
    if tree_cost(opened) > MAX_COST:
        return None
    result = shortest(opened, *known)
    turn = Rebuilder(*known).turn
    for name, made in sorted(whole.items(), key=lambda row: -tree_cost(row[1])):
        if tree_cost(made) > 0:
            result = _Naming(made, Leaf(made.shape, name), turn).on(result)
    return shortest(result, *known)


def with_own_name(tree: Tree, name: Leaf, made: Tree, known: Known) -> Tree:
    """What a number is made of by its name: f·y/(1 + x·y) is y where f = det(I + xyᵀ)."""
    if made not in tree.walk():
        return tree
    return min(tree, shortest(exchanged(tree, made, name), *known), key=reading)


class _Naming:
    """Puts a stage's name for what it is made of, wherever that stands in a tree."""

    def __init__(self, made: Tree, name: Leaf, turn: Turn) -> None:
        self.made, self.name, self.turn = made, name, turn

    def on(self, tree: Tree) -> Tree:
        if tree == self.made:
            return self.name
        if tree.ndim == self.made.ndim == 2 and tree == self.turn(self.made):
            return self.turn(self.name)
        if not isinstance(tree, Apply):
            return tree
        short = self._in_sum(tree) or self._in_product(tree)
        if short is not None:
            return short
        return of_args(tree, tuple(map(self.on, tree.args)))

    def _in_sum(self, tree: Apply) -> Tree | None:
        """Of r = a − b, r + c for a − b + c."""
        if not is_op(tree, "add") or not is_op(self.made, "add") or tree.shape != self.made.shape:
            return None
        turned = [negative(arg) for arg in self.made.args]
        for name, wanted in ((self.name, self.made.args), (negative(self.name), turned)):
            rest = Counter(tree.args)
            if Counter(wanted) <= rest:
                others = map(self.on, (rest - Counter(wanted)).elements())
                return plus([*others, name])
        return None

    def _in_product(self, tree: Apply) -> Tree | None:
        """A product with the stage's own as one of its factors."""
        if not all(t.ndim and is_op(t, "matmul", "outer") for t in (tree, self.made)):
            return None
        links = list(chain_of(tree, self.turn))
        own = chain_of(self.made, self.turn)
        leaf = (("c" if self.made.ndim == 1 else "m", self.name),)
        for wanted, put in ((own, leaf), (flipped(own, self.turn), flipped(leaf, self.turn))):
            for place in range(len(links) - len(wanted) + 1):
                if tuple(links[place : place + len(wanted)]) == wanted:
                    rest = [*links[:place], *put, *links[place + len(wanted) :]]
                    return self.on(product_of(rest, self.turn)) if len(rest) > 1 else put[0][1]
        return None
