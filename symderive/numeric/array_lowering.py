"""lower_arrays: named array formulas → ArrayProgram. Read, recognise, fuse, expand, plan, order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sympy import Expr

from symderive.errors import UnknownChoiceError
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.numeric.array_graph import ArrayGraph
from symderive.numeric.array_ordering import ArrayOrdering
from symderive.numeric.array_rules import CALLS, EXPANSIONS, RULES
from symderive.numeric.array_source import ArrayProgram
from symderive.numeric.contracting import Planner
from symderive.numeric.from_sympy import node_of
from symderive.numeric.from_trees import Reader
from symderive.numeric.graph import Node
from symderive.numeric.guarding import guarded_contraction, guarded_product
from symderive.numeric.lowering import headings_kept, stages_of
from symderive.numeric.ordering import in_order, rebuilt, renamed
from symderive.numeric.stable import EXPAND, FUSE, RECOGNISE
from symderive.numeric.stable_rules import rules_of

LARGE, USUAL = 1000, 30  # how large an axis is, where nobody says: the first of all, and the others


@cache
def _rules(phase: str, stable: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    if phase != EXPAND and not stable:
        return {}, {}
    rules, calls = rules_of(phase)
    if phase == RECOGNISE:
        rules = {**rules}
        for op, rows in RULES.items():
            rules[op] = [*rows, *rules.get(op, ())]
    if phase == EXPAND:
        calls = {**calls, **{op: _either(made, calls[op]) for op, made in CALLS.items()}}
        rules = {**rules, "mul": [guarded_product], "contract": [guarded_contraction]}
    return rules, calls


def _either(first: Callable[..., Node | None], second: Callable[..., Node]) -> Callable[..., Node]:
    return lambda graph, *args: first(graph, *args) or second(graph, *args)


def usual_sizes(inputs: Mapping[str, Shape]) -> dict[str, int]:
    """A size for each symbol, to plan with where none is known."""
    shapes = sorted(inputs.values(), key=len, reverse=True)
    names = [s.name for shape in shapes for size in shape for s in size.free_symbols]
    return {name: USUAL if i else LARGE for i, name in enumerate(dict.fromkeys(names))}


def lower_arrays(
    definitions: Sequence[tuple[str, Tree]],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str],
    *,
    value: str = "",
    sizes: Mapping[str, int] | None = None,
    headings: Mapping[str, str] | None = None,
    stable: bool = True,
    positive: Iterable[str] = (),
) -> ArrayProgram:
    """The program that computes the outputs.

    Args:
        definitions: Names and formulas in order; a leaf is an input, a size or an earlier name.
        inputs: Shapes of the names that the program is given, in the order of its arguments.
        outputs: Names to return.
        value: The last definition that is no derivative.
        sizes: About how large each symbolic size is: the order of products is the best for these.
        headings: A comment to print before the first line that a name needs.
        stable: Whether to use the stable forms.
        positive: Inputs and definitions that are positive definite matrices.

    Raises:
        ModelError: A formula cannot be computed.
        UnknownChoiceError: An output is neither an input nor defined.
    """
    known = {**usual_sizes(inputs), **(sizes or {})}
    cached: dict[Expr, float] = {}

    def number_of(size: Expr) -> float:
        if size not in cached:
            values = {s: known.get(s.name, USUAL) for s in size.free_symbols}
            cached[size] = float(max(1, size.xreplace(values)))
        return cached[size]

    shapes = {**dict.fromkeys(known, ()), **inputs}
    graph = ArrayGraph(shapes, *_rules(RECOGNISE, stable))
    reader = Reader(graph, {name: graph.input(name) for name in shapes})
    targets: dict[str, Node] = {}
    for name, formula in definitions:
        node = reader.names[name] = targets[name] = reader.node(formula)
        if node.op not in ("const", "input"):
            node.named = True
    for name in outputs:
        if name not in targets:
            if name not in inputs:
                raise UnknownChoiceError("output", name, [*inputs, *targets])
            targets[name] = reader.names[name]
    for phase in (FUSE, EXPAND):
        expansions = EXPANSIONS if phase == EXPAND else {}
        source, graph = graph, ArrayGraph(shapes, *_rules(phase, stable), expansions)
        again = _in_shape(source, graph)
        targets = rebuilt(graph, targets, outputs, stages_of(definitions, value), again)
    positive_nodes = {targets[name] for name in positive if name in targets}
    positive_nodes |= {graph.input(name) for name in positive if name in inputs}
    graph, targets = _planned(graph, shapes, targets, outputs, number_of, positive_nodes)
    defined = [(name, targets[name]) for name in dict(definitions) if name in targets]
    defined += [(name, targets[name]) for name in outputs if name not in dict(defined)]
    ordering = ArrayOrdering(graph, shapes, defined, outputs, number_of)
    return ArrayProgram(
        dict(inputs),
        tuple(outputs),
        tuple(ordering.finish()),
        frozenset(ordering.temporaries),
        headings_kept(headings or {}, definitions, {step.name for step in ordering.assignments}),
    )


def _in_shape(source: ArrayGraph, target: ArrayGraph) -> Callable[[Node, list[Node]], Node]:
    """Makes nodes of one graph again in another, where shapes stay."""

    def again(node: Node, args: list[Node]) -> Node:
        new = target.again(node, args)
        return (
            new if target.shape(new) == source.shape(node) else target.fit(new, source.shape(node))
        )

    return again


def _planned(
    source: ArrayGraph,
    shapes: Mapping[str, Shape],
    targets: Mapping[str, Node],
    outputs: Sequence[str],
    number_of: Callable[[Expr], float],
    positive: set[Node],
) -> tuple[ArrayGraph, dict[str, Node]]:
    """The same with contractions as products in a good order."""
    target = ArrayGraph(shapes)
    nodes = in_order(targets, outputs)
    uses = Counter(arg for node in nodes for arg in node.args)
    uses.update(targets[name] for name in outputs)
    names = {name: target.input(name) for name in shapes}
    planner = Planner(
        source, target, uses, number_of, lambda size: node_of(size, target, names), positive
    )
    planner.rebuild(nodes)
    return target, renamed(targets, planner.done, outputs)
