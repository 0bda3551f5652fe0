"""Patterns written as formula text, and how they match a graph.

``1 - sigmoid(z)`` matches inside any sum that holds the two terms, also when both are multiplied by
the same number or the same factors (``x - x*sigmoid(z)``); ``exp(u)*sigmoid(-u)`` matches inside
any product. Names in a pattern stand for anything; the first occurrence decides.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import mpmath

from symderive.numeric.graph import (
    DIGITS,
    Graph,
    Node,
    Number,
    factored,
    linear,
    over,
    single,
    times,
)

Bindings = dict[str, Node]
Build = Callable[[Graph, Mapping[str, Node]], Node]
ONE = 1

with mpmath.workdps(DIGITS):
    PI = +mpmath.pi

Step = Callable[[Graph, Mapping[str, Node], list[Node]], Node]


@cache
def builder(text: str) -> Build:
    """Formula text as a function that builds it from given nodes.

    >>> graph = Graph()
    >>> builder("x + x")(graph, {"x": graph.input("a")})
    add(0, (2,))[inputa]
    """
    places: dict[str, int] = {}
    steps: list[Step] = []
    _plan(ast.parse(text, mode="eval").body, places, steps)

    def build(graph: Graph, names: Mapping[str, Node]) -> Node:
        made: list[Node] = []
        for step in steps:
            made.append(step(graph, names, made))
        return made[-1]

    return build


def _plan(tree: ast.expr, places: dict[str, int], steps: list[Step]) -> int:
    """Add the steps that build a formula; the place of its node. Equal parts are built once."""
    text = ast.dump(tree)
    if text not in places:
        parts = [_plan(part, places, steps) for part in _parts(tree)]
        steps.append(_step(tree, parts))
        places[text] = len(steps) - 1
    return places[text]


def _parts(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.UnaryOp):
        return [tree.operand]
    if isinstance(tree, ast.Call):
        return tree.args
    if isinstance(tree, ast.Compare):
        return [tree.left, tree.comparators[0]]
    return [tree.left, tree.right] if isinstance(tree, ast.BinOp) else []


_RELATIONS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq"}


def _step(tree: ast.expr, parts: list[int]) -> Step:
    """What builds a part from what was built before."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        number = tree.value
        return lambda graph, names, made: graph.const(number)
    if isinstance(tree, ast.Name) and tree.id == "pi":
        return lambda graph, names, made: graph.const(PI)
    if isinstance(tree, ast.Name):
        name = tree.id
        return lambda graph, names, made: names[name]
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        op = tree.func.id
        return lambda graph, names, made: graph.call(op, *[made[k] for k in parts])
    if isinstance(tree, ast.UnaryOp):
        (inner,) = parts
        return lambda graph, names, made: graph.scale(made[inner], -ONE)
    if not isinstance(tree, ast.BinOp | ast.Compare):
        raise TypeError(f"patterns cannot hold {ast.dump(tree)}")
    left, right = parts
    if isinstance(tree, ast.Compare):
        sign = _RELATIONS[type(tree.ops[0])]
        return lambda graph, names, made: graph.call(sign, made[left], made[right])
    if isinstance(tree.op, ast.Pow):
        return lambda graph, names, made: _power(graph, made[left], made[right])
    second = -ONE if isinstance(tree.op, ast.Sub | ast.Div) else ONE
    if isinstance(tree.op, ast.Add | ast.Sub):
        return lambda graph, names, made: graph.add(0, [(made[left], ONE), (made[right], second)])
    return lambda graph, names, made: graph.mul(ONE, [(made[left], ONE), (made[right], second)])


def _power(graph: Graph, base: Node, exponent: Node) -> Node:
    constant, rest = linear(exponent)
    return graph.call("pow", base, exponent) if rest else graph.mul(ONE, [(base, constant)])


@cache
def pattern(text: str) -> Node:
    """Formula text as a pattern: its names are ``input`` nodes."""
    graph = Graph()
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)} - {"pi"}
    return builder(text)(graph, {name: graph.input(name) for name in names})


def rewrite(graph: Graph, row: Node, replacement: Build, node: Node) -> Node | None:
    """The node with one match of the pattern ``row`` replaced, or None."""
    for bound, factor, rest, constant, terms in _places(graph, row, node):
        new = replacement(graph, bound)
        if rest:
            new = graph.mul(ONE, [(new, ONE), *rest.items()])
        return graph.add(constant, [(new, factor), *terms])
    return None


Place = tuple[Bindings, Number, dict[Node, Number], Number, list[tuple[Node, Number]]]


def _places(graph: Graph, row: Node, node: Node) -> Iterator[Place]:
    """Matches as (bindings, number and factors that multiply the match, what is added to it)."""
    if row.op == "add":
        yield from _in_sum(graph, row, node)
    elif row.op == "mul":
        factor, powers = factored(node)
        for bound, k, rest in _in_product(graph, row, ONE, factor, powers, {}, True):
            yield bound, k, rest, 0, []
    else:
        for bound in match(graph, row, node, {}):
            yield bound, ONE, {}, 0, []


def _in_sum(graph: Graph, row: Node, node: Node) -> Iterator[Place]:
    """Match some terms of a sum, whatever multiplies them all."""
    wanted_constant, wanted, needs = _wanted(row)
    constant, terms = linear(node)
    first, first_factor = wanted[0]
    for position, (term, factor) in enumerate(terms):
        inner, powers = factored(term)  # a stage may be a multiple: A = 2*exp(x)
        if not needs.issubset([part.op for part in powers]):
            continue
        others = terms[:position] + terms[position + 1 :]
        whole = times(factor, inner)
        for bound, k, common in _in_product(graph, first, first_factor, whole, powers, {}, True):
            if wanted_constant != 0:
                left = _take_constant(times(wanted_constant, k), constant, others, common)
                if left is None:
                    continue
            else:
                left = constant, others
            for found, rest in _rest(graph, wanted[1:], left[1], k, common, bound):
                yield found, k, common, left[0], rest


@cache
def _wanted(row: Node) -> tuple[Number, list[tuple[Node, Number]], frozenset[str]]:
    """Constant and terms of a sum pattern, the most particular first; the functions in that one."""
    constant, terms = linear(row)
    terms.sort(key=lambda term: _generality(term[0]))
    functions = {part.op for part in factored(terms[0][0])[1]}
    return constant, terms, frozenset(functions - {"input", "const", "add", "mul"})


MAX_SUM = 60
"""Terms of a sum up to which stable forms are looked for in it."""


def _take_constant(
    wanted: Number, constant: Number, terms: list[tuple[Node, Number]], common: dict[Node, Number]
) -> tuple[Number, list[tuple[Node, Number]]] | None:
    """Take ``wanted · common`` out of a sum."""
    if not common:
        return (0, terms) if constant == wanted or over(constant, wanted) == 1 else None
    for position, (term, factor) in enumerate(terms):
        inner, powers = factored(term)
        if powers == common and times(factor, inner) == wanted:
            return constant, terms[:position] + terms[position + 1 :]
    return None


def _rest(
    graph: Graph,
    wanted: list[tuple[Node, Number]],
    terms: list[tuple[Node, Number]],
    scale: Number,
    common: dict[Node, Number],
    bound: Bindings,
) -> Iterator[tuple[Bindings, list[tuple[Node, Number]]]]:
    """Match the other terms of a sum pattern, each times ``scale · common``."""
    if not wanted:
        yield bound, terms
        return
    if len(terms) > MAX_SUM:
        return  # a parameter that hundreds of stages share: no stable form is that long
    (row, row_factor), later = wanted[0], wanted[1:]
    for position, (term, factor) in enumerate(terms):
        inner, powers = factored(term)
        if any(powers.get(node) != e for node, e in common.items()):
            if row.op != "mul":
                continue
            own = {
                n: e - common.get(n, 0) for n, e in {**dict.fromkeys(common, 0), **powers}.items()
            }
            own = {node: e for node, e in own.items() if e != 0}  # (t·u)·f(u) where u is x/t
        else:
            own = {node: e for node, e in powers.items() if node not in common}
        factor = times(factor, inner)
        goal = times(row_factor, scale)
        others = terms[:position] + terms[position + 1 :]
        if row.op == "input" and row.data not in bound:
            ratio = over(factor, goal)
            if ratio > 0:  # a bare name stands for a term of its own sign
                found = bound | {row.data: graph.mul(ratio, own.items())}
                yield from _rest(graph, later, others, scale, common, found)
            continue
        for found, k, rest in _in_product(graph, row, goal, factor, own, bound, False):
            if k == 1 and not rest:
                yield from _rest(graph, later, others, scale, common, found)


def _in_product(
    graph: Graph,
    row: Node,
    row_factor: Number,
    factor: Number,
    powers: dict[Node, Number],
    bound: Bindings,
    partial: bool,
) -> Iterator[tuple[Bindings, Number, dict[Node, Number]]]:
    """Match some factors (``partial``) or all; yields bindings, the number and factors left."""
    inner, wanted = factored(row)
    ratio = over(factor, times(row_factor, inner))
    ordered = [*wanted.items()]
    if len(ordered) > 1:
        ordered.sort(key=lambda pair: _generality(pair[0], bound))
    yield from _factors(graph, ordered, ratio, powers, bound, partial)


def _factors(
    graph: Graph,
    wanted: list[tuple[Node, Number]],
    ratio: Number,
    powers: dict[Node, Number],
    bound: Bindings,
    partial: bool,
) -> Iterator[tuple[Bindings, Number, dict[Node, Number]]]:
    if not wanted:
        if partial or not powers:
            yield bound, ratio, powers
        return
    (row, exponent), later = wanted[0], wanted[1:]
    if row.op == "input" and row.data not in bound:  # a free name takes all that is left
        if exponent == 1 and not later and (powers or ratio != 1):
            yield bound | {row.data: graph.mul(ratio, powers.items())}, ONE, {}
        for node, have in powers.items():
            if have == exponent != 1:
                left = {n: e for n, e in powers.items() if n is not node}
                found = bound | {row.data: node}
                yield from _factors(graph, later, ratio, left, found, partial)
        return
    if row.op == "input":
        value = graph.mul(ONE, [(bound[row.data], exponent)])
        yield from _bound_factor(graph, value, later, ratio, powers, bound, partial)
        return
    for node, have in powers.items():
        if have != exponent and not (over(have, exponent) >= 1 and have.denominator == 1):
            continue
        for found in match(graph, row, node, bound):
            left = {n: e for n, e in powers.items() if n is not node}
            if have != exponent:
                left[node] = have - exponent
            yield from _factors(graph, later, ratio, left, found, partial)


def _bound_factor(
    graph: Graph,
    value: Node,
    later: list[tuple[Node, Number]],
    ratio: Number,
    powers: dict[Node, Number],
    bound: Bindings,
    partial: bool,
) -> Iterator[tuple[Bindings, Number, dict[Node, Number]]]:
    """A name that is known already, as a factor: up to a number, and a product may lie open."""
    k, parts = factored(value)
    if k == 0:  # no product has a factor of 0
        return
    if all(powers.get(node) == e for node, e in parts.items()):
        left = {node: e for node, e in powers.items() if node not in parts}
        yield from _factors(graph, later, over(ratio, k), left, bound, partial)
        return
    for node, have in powers.items():
        if have == 1 and (k := proportion(node, value)) is not None:
            left = {n: e for n, e in powers.items() if n is not node}
            yield from _factors(graph, later, times(ratio, k), left, bound, partial)
            return


def match(graph: Graph, row: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
    """All of ``node`` against all of ``row``."""
    if row.op == "input":
        if row.data not in bound:
            yield bound | {row.data: node}
        elif bound[row.data] is node:
            yield bound
    elif row.op == "const":
        if node.op == "const" and node.data == row.data:
            yield bound
    elif row.op == "add":
        yield from _whole_sum(graph, row, node, bound)
    elif row.op == "mul":
        factor, powers = factored(node)
        for found, k, rest in _in_product(graph, row, ONE, factor, powers, bound, False):
            if k == 1 and not rest:
                yield found
    elif row.op == node.op and len(row.args) == len(node.args):
        yield from _arguments(graph, row.args, node.args, bound)


def _arguments(
    graph: Graph, rows: tuple[Node, ...], nodes: tuple[Node, ...], bound: Bindings
) -> Iterator[Bindings]:
    if not rows:
        yield bound
        return
    for found in match(graph, rows[0], nodes[0], bound):
        yield from _arguments(graph, rows[1:], nodes[1:], found)


def _whole_sum(graph: Graph, row: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
    """Every term of a sum; a free name in the pattern takes the terms that are left."""
    scaled = single(row)
    if scaled and scaled[0].op == "input":
        yield from match(graph, scaled[0], graph.scale(node, over(ONE, scaled[1])), bound)
        return
    wanted_constant, wanted = linear(row)
    constant, terms = linear(node)
    if constant != wanted_constant or node.op != "add":
        return
    free = [term for term in wanted if term[0].op == "input" and term[0].data not in bound]
    named = [term for term in wanted if term not in free[:1]]
    named.sort(key=lambda term: _generality(term[0]))
    for found, rest in _rest(graph, named, terms, ONE, {}, bound):
        if free and rest and free[0][0].data not in found:
            name, k = free[0][0].data, free[0][1]
            yield found | {name: graph.add(0, [(n, over(c, k)) for n, c in rest])}
        elif not rest and (not free or free[0][0].data in found):
            yield found


def proportion(node: Node, other: Node) -> Number | None:
    """K where node = k · other."""
    if node is other:
        return ONE
    constant, terms = linear(node)
    other_constant, other_terms = linear(other)
    if len(terms) != len(other_terms) or not terms:
        return None
    factors = dict(other_terms)
    first = factors.get(terms[0][0])
    if first is None:
        return None
    k = over(terms[0][1], first)
    same = all(n in factors and c == times(k, factors[n]) for n, c in terms)
    return k if same and constant == times(k, other_constant) else None


def _generality(row: Node, bound: Mapping[str, Node] | None = None) -> int:
    """Match what is most particular first, and a free name last."""
    if row.op == "input":
        return 2 if bound and row.data in bound else 3
    return int(row.op == "mul" and any(arg.op == "input" for arg in row.args))
