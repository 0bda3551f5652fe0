"""Array formulas (trees) as nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from sympy import Expr, Integer, Sum, Symbol

from symderive.errors import ModelError
from symderive.formulas.arrays.ops import OPS as ARRAY_OPS
from symderive.formulas.arrays.ops import expanded, indices_of
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.numeric.array_graph import ArrayGraph
from symderive.numeric.from_sympy import node_of
from symderive.numeric.graph import Node
from symderive.numeric.tree_ops import READ, reduce, strip

Names = Mapping[str, Node]


class Reader:
    """Makes nodes of trees; equal trees are made once.

    Args:
        graph: Where the nodes are made.
        names: The nodes of inputs, sizes and earlier definitions; grows while reading.
    """

    def __init__(self, graph: ArrayGraph, names: dict[str, Node]) -> None:
        self.graph, self.names = graph, names
        self._done: dict[Tree, Node] = {}
        self._marks = count()

    def node(self, tree: Tree) -> Node:
        """A tree as a node.

        Raises:
            ModelError: It holds a name or an operation without a numeric meaning.
        """
        known = self._done.get(tree)
        if known is None:
            known = self._done[tree] = self._read(tree)
        return known

    def _read(self, tree: Tree) -> Node:
        if isinstance(tree, Leaf):
            return self._name(tree.name)
        if isinstance(tree, Number):
            return self.number(tree.value)
        assert isinstance(tree, Apply)
        made = self._apply(tree)
        return made if self.graph.shape(made) == tree.shape else self.graph.fit(made, tree.shape)

    def _name(self, name: str) -> Node:
        node = self.names.get(name)
        if node is None:
            raise ModelError(f"the name {name!r} is used before it is defined")
        return node

    def number(self, value: Expr) -> Node:
        """A number or a formula in sizes; of no array, it may hold sums of deltas."""
        return (
            self._indexed(value, ()) if value.has(Sum) else node_of(value, self.graph, self.names)
        )

    def _indexed(self, formula: Any, indices: Any) -> Node:
        from symderive.numeric.from_indices import IndexReader

        return IndexReader(self).array(formula, indices)

    def _apply(self, tree: Apply) -> Node:
        options = dict(tree.options)
        if tree.op == "index_notation":
            return self._indexed(options["formula"], options["indices"])
        make = READ.get(tree.op)
        if tree.op == "norm" and options["ord"] == 2:
            make = reduce("norm")
        if make is not None:
            return make(self.graph, [self.node(arg) for arg in tree.args], options)
        row = ARRAY_OPS.get(tree.op)
        if row is not None and row.expand is not None:
            return self.node(expanded(tree))
        if row is not None and row.entry is not None:
            return self._by_entry(tree, row.entry)
        if tree.op not in FUNCTIONS:
            raise ModelError(f"the operation {tree.op} has no numeric form")
        return named_function(self.graph, tree.op, [strip(self.node(arg)) for arg in tree.args])

    def _by_entry(self, tree: Apply, entry: Callable[..., Any]) -> Node:
        """An operation without a form of its own, by what one entry of it is."""
        marks = [Leaf(arg.shape, f"_operand{next(self._marks)}") for arg in tree.args]
        for mark, arg in zip(marks, tree.args, strict=True):
            self.names[mark.name] = self.node(arg)
        indices = indices_of(tree.shape)
        formula = entry(tuple(marks), dict(tree.options), indices)
        made = self._indexed(formula, indices)
        for mark in marks:
            del self.names[mark.name]
        return made


def named_function(graph: ArrayGraph, name: str, args: Sequence[Node]) -> Node:
    """A named function, entry by entry."""
    marks = [Symbol(f"_entry{i}", real=True) for i in range(len(args))]
    given = {mark.name: arg for mark, arg in zip(marks, args, strict=True)}
    exact: list[Expr] = [
        Integer(arg.data) if arg.op == "const" and isinstance(arg.data, int) else mark
        for arg, mark in zip(args, marks, strict=True)
    ]
    return node_of(FUNCTIONS[name].apply(*exact), graph, given)
