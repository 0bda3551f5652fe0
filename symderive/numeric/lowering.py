"""lower: named formulas → Program. Recognise, expand, put in order.

Each phase is one pass over a graph in which equal parts are one node, so the time is linear in the
size of the formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sympy import Expr

from symderive.errors import UnknownChoiceError
from symderive.numeric.choosing import safest
from symderive.numeric.from_sympy import node_of
from symderive.numeric.graph import Graph, Node
from symderive.numeric.guarding import guarded_product
from symderive.numeric.kinds import Filled
from symderive.numeric.ordering import ordered, rebuilt
from symderive.numeric.program import Program, uncollected
from symderive.numeric.stable import EXPAND, FUSE, RECOGNISE
from symderive.numeric.stable_rules import rules_of

_REMARK_LIMIT = 200  # definitions; the text of a formula costs more than lowering it


def lower(
    definitions: Sequence[tuple[str, Expr | Filled]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    value: str = "",
    headings: Mapping[str, str] | None = None,
    stable: bool = True,
) -> Program:
    """The program that computes the outputs.

    Args:
        definitions: Names and formulas in order; a formula refers to inputs and earlier names.
        inputs: Names that the program is given, in the order of its arguments.
        outputs: Names to return.
        value: The last definition that is no derivative.
        headings: A comment to print before the first line that a name needs.
        stable: Whether to use the stable forms; without them, only to show what they are good for.

    Raises:
        ModelError: A formula cannot be computed.
        UnknownChoiceError: An output is neither an input nor defined.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> lower([("L", x * y + 1)], ["x", "y"], ["L"]).assignments[-1]
    Assignment(name='L', op='add', operands=(1.0, 't1'))
    """
    with uncollected():
        return _lower(definitions, inputs, outputs, value, headings or {}, stable)


def _lower(
    definitions: Sequence[tuple[str, Expr | Filled]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    value: str,
    headings: Mapping[str, str],
    stable: bool,
) -> Program:
    graph = Graph(*(_rules(RECOGNISE) if stable else (None, None)))
    names = {name: graph.input(name) for name in inputs}
    stages = 0  # how many nodes they are made of
    for name, formula in definitions:
        if isinstance(formula, Filled):
            stages = stages or (graph.count if formula.others else 0)
            filled = {mark: names[used] for mark, used in formula.names.items() if used in names}
            made = node_of(formula.kind, graph, filled)
            if formula.others:
                made = safest(made, (node_of(o, graph, filled) for o in formula.others), stages)
            node = names[name] = made
        else:
            node = names[name] = node_of(formula, graph, names)
        if node.op not in ("const", "input"):
            node.named = True
    for name in outputs:
        if name not in names:
            raise UnknownChoiceError("output", name, names)
    targets = {name: names[name] for name, _ in definitions}
    targets |= {name: names[name] for name in outputs}
    found = targets
    for phase in (FUSE, EXPAND):
        graph = Graph(*_rules(phase))
        targets = rebuilt(graph, targets, outputs, stages_of(definitions, value), graph.again)
    defined = [(name, targets[name]) for name in dict(definitions) if name in targets]
    assignments, temporaries = ordered(inputs, defined, outputs)
    return Program(
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        assignments=tuple(assignments),
        temporaries=frozenset(temporaries),
        headings=headings_kept(headings, definitions, {step.name for step in assignments}),
        remarks=_remarks(definitions, found, targets),
    )


def headings_kept(
    headings: Mapping[str, str], definitions: Sequence[tuple[str, object]], kept: set[str]
) -> dict[str, str]:
    """Each heading at the first name from its own on that is still computed."""
    result: dict[str, str] = {}
    waiting = ""
    for name, _ in definitions:
        waiting = headings.get(name, waiting)
        if waiting and name in kept:
            result[name], waiting = waiting, ""
    return result


def _remarks(
    definitions: Sequence[tuple[str, Expr | Filled]],
    found: Mapping[str, Node],
    final: Mapping[str, Node],
) -> dict[str, str]:
    """The formula of each name whose assignment is a stable form of it."""
    if len(definitions) > _REMARK_LIMIT:
        return {}
    formulas = {
        name: formula.formula if isinstance(formula, Filled) else formula
        for name, formula in definitions
        if name in final and final[name].op != found[name].op
    }
    texts = {name: str(formula) for name, formula in formulas.items() if formula.args}
    return {name: text for name, text in texts.items() if len(text) < 60}


@cache
def _rules(phase: str) -> tuple[dict[str, Any], dict[str, Any]]:
    rules, calls = rules_of(phase)
    return ({**rules, "mul": [guarded_product]} if phase == EXPAND else rules), calls


def stages_of(definitions: Sequence[tuple[str, Any]], value: str) -> list[str]:
    """The names up to the value; none where it is not defined."""
    names = [name for name, _ in definitions]
    return names[: names.index(value) + 1] if value in names else []
