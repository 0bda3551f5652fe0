"""lower: named formulas → Program. Recognise, expand, put in order.

Each phase is one pass over a graph in which equal parts are one node, so the time is linear in the
size of the formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from sympy import Expr

from symderive.errors import UnknownChoiceError
from symderive.numeric.from_sympy import node_of
from symderive.numeric.graph import Graph, Node, Number
from symderive.numeric.program import Assignment, Operand, Program
from symderive.numeric.stable import expansions, recognitions

ONE = Fraction(1)
_REMARK_LIMIT = 200  # definitions; the text of a formula costs more than lowering it


def lower(
    definitions: Sequence[tuple[str, Expr]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    headings: Mapping[str, str] | None = None,
    stable: bool = True,
) -> Program:
    """The program that computes the outputs.

    Args:
        definitions: Names and formulas in order; a formula refers to inputs and earlier names.
        inputs: Names that the program is given, in the order of its arguments.
        outputs: Names to return.
        headings: A comment to print before the first line that a name needs.
        stable: Whether to use the stable forms; without them, only to show what they are good for.

    Raises:
        ModelError: A formula cannot be computed.
        UnknownChoiceError: An output is neither an input nor defined.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> lower([("L", x * y + 1)], ["x", "y"], ["L"]).assignments[-1]
    Assignment(name='L', op='add', operands=('t1', 1.0))
    """
    graph = Graph(_recognitions() if stable else None)
    names = {name: graph.input(name) for name in inputs}
    for name, formula in definitions:
        node = names[name] = node_of(formula, graph, names)
        if node.op not in ("const", "input"):
            node.named = True
    for name in outputs:
        if name not in names:
            raise UnknownChoiceError("output", name, names)
    defined = [(name, names[name]) for name, _ in definitions]
    wanted = _reachable(names[name] for name in outputs)
    final = _expand(graph, wanted)
    order = _Order(inputs, [(n, final[node]) for n, node in defined if node in final], outputs)
    remarks = {}
    if len(definitions) <= _REMARK_LIMIT:
        remarks = {name: str(formula) for name, formula in definitions if len(str(formula)) < 60}
    return Program(
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        assignments=tuple(order.assignments),
        temporaries=frozenset(order.temporaries),
        headings=dict(headings or {}),
        remarks={n: r for n, r in remarks.items() if n in order.names_of_stable(names, final)},
    )


@cache
def _recognitions() -> dict[str, Any]:
    return recognitions()


@cache
def _expansions() -> tuple[dict[str, Any], dict[str, Any]]:
    return expansions()


def _reachable(roots: Iterable[Node]) -> list[Node]:
    """What the roots need, each after its parts."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args)
    return sorted(seen, key=lambda node: node.id)


def _expand(graph: Graph, nodes: list[Node]) -> dict[Node, Node]:
    """The nodes with every recognised function spelled out in primitives."""
    rules, calls = _expansions()
    target = Graph(rules, calls)
    done: dict[Node, Node] = {}
    for node in nodes:
        args = [done[arg] for arg in node.args]
        if node.op == "const":
            new = target.const(node.data)
        elif node.op == "input":
            new = target.input(node.data)
        elif node.op == "add":
            constant, factors = node.data
            new = target.add(constant, zip(args, factors, strict=True))
        elif node.op == "mul":
            new = target.mul(ONE, zip(args, node.data, strict=True))
        else:
            new = target.call(node.op, *args)
        new.named = new.named or (node.named and new.op not in ("const", "input"))
        done[node] = new
    return done
