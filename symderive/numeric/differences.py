"""Differences of powers and roots that are simpler than their terms: √(x+1) − √x, 1/x − 1/(x+1).

What is left of the difference of the powers is found by multiplying out and subtracting term by
term; no pattern text can say that.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import permutations
from math import comb, gcd, lcm, prod
from typing import Any

from symderive.numeric.graph import (
    RATIONAL,
    Graph,
    Node,
    Number,
    factored,
    linear,
    over,
    plus,
    power,
    reduced,
    times,
)

MOST_TERMS, MOST_ROOT, MOST_DEGREE = 6, 3, 8
"""Terms of a sum, degree of a root, and degree and terms of what is multiplied out."""

Powers = dict[Node, Number]
HALF = Fraction(1, 2)


def difference(graph: Graph, node: Node) -> Node | None:
    """The difference of two products by that of their powers, where terms cancel there.

    Roots go away by Aⁿ − Bⁿ = (A − B)·(Aⁿ⁻¹ + Aⁿ⁻²·B + …), fractions over a common denominator.
    """
    shift, terms = linear(node)
    if len(terms) > MOST_TERMS:
        return None
    products = [(term, k, _powers(graph, term)) for term, k in terms]
    if not any(_fragile(powers) for *_, powers in products):
        return None
    if shift != 0:
        products.append((graph.one, shift, {}))
    if len(products) > 2:
        products += _together(graph, products)
    for (first, k, a), (second, minus, b) in permutations(products, 2):
        if not _fragile(a):
            continue
        new = _factored(graph, (first, a), (second, b), over(times(-1, minus), k))
        if new is not None:
            whole = second.op == "add" and second not in dict(terms)
            if whole or (first.op == "add" and first not in dict(terms)):
                return graph.scale(new, k)
            rest = [pair for pair in terms if pair[0] not in (first, second)]
            left = 0 if graph.one in (first, second) else shift
            return graph.add(left, [*rest, (new, k)])
    return None


def _together(graph: Graph, products: list[tuple[Node, Number, Powers]]) -> list[Any]:
    """All terms but a root, as one: a + b − √((a + b)² − c)."""
    roots = [product for product in products if any(e == HALF for e in product[2].values())]
    if len(roots) != 1:
        return []
    with graph.without_rules():
        others = [(node, k) for node, k, _ in products if node is not roots[0][0]]
        first = others[0][1]
        rest = graph.add(0, [(node, over(k, first)) for node, k in others])
    return [(rest, first, {rest: 1})]


def _powers(graph: Graph, node: Node) -> Powers:
    """A product as powers of what is no product; hypot is the root of its sum of squares."""
    powers: Powers = {}
    parts = [pair for pair in factored(node)[1].items() if pair[0].op != "mul"]
    for product, times_it in factored(node)[1].items():
        if product.op == "mul":  # one that a stage names
            parts += [(n, times(e, times_it)) for n, e in factored(product)[1].items()]
    for base, exponent in parts:
        if not isinstance(exponent, RATIONAL):
            return {}
        if base.op == "hypot":
            base = graph.add(0, [(graph.mul(1, [(arg, 2)]), 1) for arg in base.args])
            exponent = over(exponent, 2)
        powers[base] = plus(powers.get(base, 0), exponent)
    return powers


def _fragile(powers: Powers) -> bool:
    """Whether a difference of such products may be simpler in another form."""
    roots = any(e < 0 or e.denominator != 1 for e in powers.values())
    return roots or gcd(*(e.numerator for e in powers.values())) > 1


def _factored(
    graph: Graph, first: tuple[Node, Powers], second: tuple[Node, Powers], ratio: Number
) -> Node | None:
    """``first − ratio·second``, or None where it does not get simpler."""
    if not isinstance(ratio, RATIONAL):
        return None
    common = {n: e for n, e in first[1].items() if second[1].get(n) == e}
    sides = [{n: e for n, e in powers.items() if n not in common} for _, powers in (first, second)]
    if not any(n.op == "add" for powers in sides for n in powers):
        return None
    made_of = [_made_of(powers) for powers in sides]
    if all(made_of) and made_of[0].isdisjoint(made_of[1]):
        return None
    exponents = [e for powers in sides for e in powers.values()]
    root = lcm(*(e.denominator for e in exponents))
    degree = gcd(*(times(e, root).numerator for e in exponents))
    scale = _exact_root(ratio, degree)
    if scale is None:
        degree, scale = 1, ratio
    if root > MOST_ROOT or degree > MOST_ROOT:
        return None
    a, b = ({n: over(e, degree) for n, e in powers.items()} for powers in sides)
    root = lcm(*(e.denominator for e in (*a.values(), *b.values())))
    with graph.without_rules():
        left = _left(graph, a, b, scale, root)
    if left is None:
        return None
    one = graph.mul(1, a.items())
    other = graph.mul(scale, b.items())
    made = _divided(graph, (one, a), (other, b), scale, left, root)
    if made is None:
        return None
    powers = _sum_of_powers(graph, one, other, degree)
    return graph.mul(1, [(made, 1), (powers, 1), *common.items()])


def _made_of(powers: Powers) -> set[Node]:
    """The factors of a product, and of the terms of the sums in it."""
    found = set(powers)
    for node in powers:
        if node.op == "add":
            found.update(*(factored(term)[1] for term in node.args))
    return found


def _exact_root(number: Number, degree: int) -> Number | None:
    """The positive root of a number, where it is rational."""
    if degree == 1:
        return number
    if number <= 0:
        return None
    parts = [round(part ** (1 / degree)) for part in (number.numerator, number.denominator)]
    exact = parts[0] ** degree == number.numerator and parts[1] ** degree == number.denominator
    return reduced(Fraction(*parts)) if exact else None


def _sum_of_powers(graph: Graph, one: Node, other: Node, degree: int) -> Node:
    """What (aⁿ − bⁿ)/(a − b) is: Σ aʲ·bⁿ⁻¹⁻ʲ."""
    parts = [graph.mul(1, [(one, degree - 1 - j), (other, j)]) for j in range(degree)]
    return graph.add(0, [(part, 1) for part in parts])


def _left(graph: Graph, a: Powers, b: Powers, scale: Number, root: int) -> Node | None:
    """``a**root − (scale·b)**root`` where something cancels and one term is left."""
    whole = [{n: int(times(e, root)) for n, e in powers.items()} for powers in (a, b)]
    if sum(e for powers in whole for e in map(abs, powers.values())) > MOST_DEGREE:
        return None
    below = {n: max(-powers.get(n, 0) for powers in whole) for powers in whole for n in powers}
    below = {n: e for n, e in below.items() if e > 0}
    ends = [
        {n: powers.get(n, 0) + below.get(n, 0) for n in {**powers, **below}} for powers in whole
    ]
    closed = [] if below else [[graph.mul(1, powers.items()) for powers in whole]]
    counts = [prod(_count(n, e) for n, e in powers.items()) for powers in ends]
    if max(counts) > MOST_DEGREE or (abs(counts[0] - counts[1]) > 1 and not closed):
        return None
    tops = [_expanded(graph, powers) for powers in ends]
    factor = times(-1, power(scale, root))
    for first, second in [tops, *closed]:
        left = graph.add(0, [(first, 1), (second, factor)])
        constant, terms = linear(left)
        before = max(len(linear(top)[1]) + (linear(top)[0] != 0) for top in (first, second))
        if before > 1 and len(terms) + (constant != 0) == 1:
            return graph.mul(1, [(left, 1), *((n, -e) for n, e in below.items())])
    return None


def _count(node: Node, exponent: int) -> int:
    """How many terms a power has, multiplied out."""
    constant, terms = linear(node)
    return comb(len(terms) + (constant != 0) + exponent - 1, exponent)


def _expanded(graph: Graph, powers: Mapping[Node, int]) -> Node:
    """A product of sums, multiplied out."""
    total = graph.one
    for base, exponent in powers.items():
        if base.op != "add":
            total = _times(graph, total, graph.mul(1, [(base, exponent)]))
            continue
        for _ in range(exponent):
            total = _times(graph, total, base)
    return total


def _times(graph: Graph, left: Node, right: Node) -> Node:
    parts = []
    for node in (left, right):
        constant, terms = linear(node)
        parts.append([*terms, *([(graph.one, constant)] if constant != 0 else [])])
    pairs = [
        (graph.mul(1, [(a, 1), (b, 1)]), times(k, c)) for a, k in parts[0] for b, c in parts[1]
    ]
    return graph.add(0, pairs)


def _divided(
    graph: Graph,
    first: tuple[Node, Powers],
    second: tuple[Node, Powers],
    scale: Number,
    left: Node,
    root: int,
) -> Node | None:
    """``a − b`` by ``left``, which is ``aⁿ − bⁿ``."""
    if root != 2:
        below = _sum_of_powers(graph, first[0], second[0], root)
        return graph.mul(1, [(left, 1), (below, -1)]) if scale > 0 else None
    known = [_positive(powers) for _, powers in (first, second)]
    if known[0] and not known[1]:
        return graph.call("opposed", first[0], second[0], left)
    if scale < 0 or not known[1]:
        return None
    if not known[0]:
        turned = graph.call("opposed", second[0], first[0], graph.scale(left, -1))
        return graph.scale(turned, -1)
    below = graph.add(0, [(first[0], 1), (second[0], 1)])
    return graph.mul(1, [(left, 1), (below, -1)])


def _positive(powers: Powers) -> bool:
    """Whether a product cannot be negative, by its roots and even powers alone."""
    return all(e.denominator != 1 or e % 2 == 0 for e in powers.values())
