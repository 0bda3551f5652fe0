"""Stable forms of pairs whose difference is simpler than they are: √(x+1) − √x, log(x+1) − log x.

What is left of the difference of squares, or of the arguments of two logarithms, is found by
subtracting them term by term; no pattern text can say that.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations

import mpmath

from symderive.numeric.graph import Graph, Node, Number, factored, linear, over, plus, times

HALF = Fraction(1, 2)


def conjugate(graph: Graph, node: Node) -> Node | None:
    """k·√A + l·b → (k²A − l²b²)/(k·√A − l·b), where terms of A cancel in that."""
    shift, terms = linear(node)
    for root, k in terms:
        radicand = _radicand(graph, root)
        if radicand is None:
            continue
        others = [(term, factor) for term, factor in terms if term is not root]
        for other, factor in [*others, (graph.one, shift)]:
            if factor == 0 or other.op == "add":
                continue
            ratio = over(-factor, k)  # √A − ratio·b
            left = _difference(graph, radicand, graph.mul(1, [(other, 2)]), times(ratio, ratio))
            known = other is graph.one or _radicand(graph, other) is not None
            if left is None or (known and ratio < 0):
                continue
            own = graph.scale(other, ratio)
            if known:
                below = graph.add(0, [(root, 1), (own, 1)])
                new = graph.mul(1, [(left, 1), (below, -1)])
            else:
                new = graph.call("opposed", root, own, left)
            rest = [pair for pair in others if pair[0] is not other]
            return graph.add(0 if other is graph.one else shift, [*rest, (new, k)])
    return None


def _radicand(graph: Graph, node: Node) -> Node | None:
    if node.op == "hypot":
        return graph.add(0, [(graph.mul(1, [(arg, 2)]), 1) for arg in node.args])
    if node.op == "mul" and node.data == (HALF,):
        return node.args[0]
    return None


def _difference(graph: Graph, first: Node, second: Node, factor: Number = 1) -> Node | None:
    """``first − factor·second`` where something cancels and one term is left."""
    shift, terms = linear(first)
    other_shift, others = linear(second)
    pairs = [*terms, *((term, times(times(-1, factor), k)) for term, k in others)]
    left = graph.add(plus(shift, times(times(-1, factor), other_shift)), pairs)
    rest = linear(left)
    before = len(terms) + (shift != 0)
    return left if before > 1 and len(rest[1]) + (rest[0] != 0) == 1 else None


def log_of_ratio(graph: Graph, node: Node) -> Node | None:
    """k·log(a) − k·log(b) → k·log1p((a − b)/b), where terms cancel in a − b."""
    shift, terms = linear(node)
    found = [(term, k, inside) for term, k in terms for inside in _logarithm(graph, term)]
    for (first, k, a), (second, minus, b) in permutations(found, 2):
        if k != times(-1, minus):
            continue
        left = _difference(graph, a, b)
        if left is not None:
            ratio = graph.call("log1p", graph.mul(1, [(left, 1), (b, -1)]))
            new = graph.call(
                "where", graph.call("gt", b, graph.zero), ratio, graph.const(mpmath.nan)
            )
            rest = [pair for pair in terms if pair[0] not in (first, second)]
            return graph.add(shift, [*rest, (new, k)])
    return None


def log_of_share(graph: Graph, node: Node) -> Node | None:
    """log(exp(a) + rest) − a → softplus(log(rest) − a): 0 but for what the rest adds."""
    shift, terms = linear(node)
    have = dict(terms)
    for term, k in terms:
        total = term.args[0] if term.op == "log" else graph.one
        floor, parts = linear(total)
        if total.op != "add" or floor < 0 or any(n.op != "exp" or not c > 0 for n, c in parts):
            continue  # what is left beside a share must be positive
        for inner in term.args[0].args:
            constant, own = linear(inner.args[0]) if inner.op == "exp" else (1, [])
            taken = all(have.get(n, 0) == times(times(-1, k), c) for n, c in own)
            if constant == 0 and own and taken and dict(linear(term.args[0])[1])[inner] == 1:
                rest = graph.add(0, [(term.args[0], 1), (inner, -1)])
                left = graph.add(0, [(graph.call("log", rest), 1), (inner.args[0], -1)])
                gone = {term, *(n for n, _ in own)}
                others = [pair for pair in terms if pair[0] not in gone]
                return graph.add(shift, [*others, (graph.call("softplus", left), k)])
    return None


def _logarithm(graph: Graph, node: Node) -> Iterator[Node]:
    if node.op == "log":
        yield node.args[0]
    elif node.op == "log1p":
        yield graph.add(1, [(node.args[0], 1)])


def power_near_one(graph: Graph, node: Node) -> Node | None:
    """(1 + x)**(a/x) → exp(a/x·log1p(x)): what rounding 1 + x loses, the power makes large."""
    shift, terms = linear(node.args[0])
    if shift != 1 or len(terms) != 1:
        return None
    small, power = graph.add(0, terms), node.args[1]
    below, above = factored(small)[1], factored(power)[1]
    if not any(e * above.get(n, 0) < 0 for n, e in below.items()):
        return None
    logarithm = graph.call("log1p", small)
    return graph.call("exp", graph.mul(1, [(power, 1), (logarithm, 1)]))
