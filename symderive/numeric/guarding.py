"""Factors that fail where a factor beside them is zero: 0 · ∞, which is no number.

Two wheres are needed where people write one: ``where(x > 0, exp(a*log(x)), 0)`` is 0 at x = 0, its
derivative by the chain rule, ``where(x > 0, …, 0)/x``, is nan there. And ``x/sqrt(sum(x**2))`` is
0/0 at x = 0, where a norm has the derivative 0 by convention. So what fails is computed only where
the choice is open, and where the norm is not 0. That is for derivatives: a stage has no value where
the model gives it none, nor has the derivative of log(sum(x**2)) one at x = 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symderive.numeric.graph import Node, Number, over, times

FAILING = frozenset(["log", "log1p", "asin", "acos", "acosh", "atanh", "pow"])
"""Functions that have no value at some numbers."""

NEAREST = 12
"""The factors of factors that are looked at; also how deep sums of squares are."""

MOST = 4
"""The places at which a formula may fail that are looked at."""

Places = tuple[tuple[Node, Number], ...]
"""What a formula fails by, and the order of its pole where that is zero; 0 where it has none."""


def guarded_product(graph: Any, node: Node) -> Node | None:
    """A product whose factors fail nowhere that another one is zero."""
    if graph.exact:
        return None
    pairs = list(zip(node.args, node.data, strict=True))
    new = []
    for base, exponent in pairs:
        own = exponent < 0 or exponent.denominator != 1
        places = ((base, max(-exponent, 0)),) if own else _places(graph, base)
        beside = [n for n, e in pairs if n is not base and e > 0] if places else []
        safe = graph.one if own else graph.zero
        new.append((_guarded(graph, base, places, beside, safe), exponent))
    return graph.mul(1, new) if new != pairs else None


def guarded_contraction(graph: Any, node: Node) -> Node | None:
    """The same of a sum of products, of factors along the same axes."""
    if graph.exact:
        return None
    pairs = list(zip(node.args, node.data[0], strict=True))
    new = []
    for base, labels in pairs:
        places = _places(graph, base) if len(pairs) > 1 else ()
        beside = [n for n, other in pairs if n is not base and other == labels] if places else []
        made = _guarded(graph, base, places, beside, graph.zero)
        new.append((made if graph.shape(made) == graph.shape(base) else base, labels))
    return graph.contract(new, node.data[1]) if new != pairs else None


def _guarded(graph: Any, factor: Node, places: Places, beside: Sequence[Node], safe: Node) -> Node:
    """The factor, or another value where one beside it is zero because it fails."""
    if factor.op == "where":
        return factor
    for other in beside:
        condition, opened = _choice(other)
        for place, order in places:
            squared, degree = _squared(place)
            if 0 < order * degree <= 1 and any(_is(other, part) for part in squared):
                return graph.call("where", graph.call("eq", place, graph.zero), safe, factor)
            if condition is not None and _decides(condition, place):
                choices = (factor, safe) if opened else (safe, factor)
                return graph.call("where", condition, *choices)
    return factor


def _choice(node: Node) -> tuple[Node | None, bool]:
    """The condition that decides whether a node is zero, and whether it is not where that holds."""
    queue = [node]
    for _ in range(NEAREST):
        if not queue:
            break
        part = queue.pop(0)
        if part.op == "where":
            condition, yes, no = part.args
            if no.op == "const" and no.data == 0:
                return condition, True
            if yes.op == "const" and yes.data == 0:
                return condition, False
        elif part.op == "mul":
            queue += [arg for arg, e in zip(part.args, part.data, strict=True) if e > 0]
        elif part.op == "add" and len(part.args) == 1 and part.data[0] == 0:
            queue += part.args
    return None, False


def _is(node: Node, other: Node) -> bool:
    """Whether one value is a multiple of the other."""
    if node is other:
        return True
    if node.op != "add" or other.op != "add" or {*node.args} != {*other.args}:
        return False
    mine, its = (dict(zip(n.args, n.data[1], strict=True)) for n in (node, other))
    ratio = over(mine[node.args[0]], its[node.args[0]])
    constants = node.data[0] == times(ratio, other.data[0])
    return constants and all(mine[arg] == times(ratio, its[arg]) for arg in mine)


def _decides(condition: Node, place: Node) -> bool:
    """Whether a condition speaks of a value, or of all that it is made of."""
    said = set(_names([condition]))
    return place in said or (bool(place.args) and said.issuperset(_names(place.args)))


def _names(nodes: Sequence[Node]) -> Iterator[Node]:
    """The inputs and named values that formulas speak of."""
    queue, seen = [*nodes], set(nodes)
    while queue:
        part = queue.pop()
        if part.op == "input" or part.named:
            yield part
        else:
            queue += [arg for arg in part.args if arg not in seen]
            seen.update(part.args)


def _places(graph: Any, node: Node) -> Places:
    """Where a formula may fail, entry by entry and through all names.

    What a choice keeps apart is left out, and so is what has other axes.
    """
    known: dict[Node, Places] = graph.notes
    stack = [node]
    while stack:
        part = stack[-1]
        apart = part.op == "where" or (part.data is not None and part.op not in ("add", "mul"))
        missing = [] if apart else [arg for arg in part.args if arg not in known]
        if part in known or not missing:
            known.setdefault(part, () if apart else _joined(part, known))
            stack.pop()
        else:
            stack += missing
    return known[node]


def _joined(node: Node, known: dict[Node, Places]) -> Places:
    own: Places = ()
    if node.op == "mul":
        pairs = zip(node.args, node.data, strict=True)
        own = tuple((n, max(-e, 0)) for n, e in pairs if e < 0 or e.denominator != 1)
    elif node.op in FAILING:
        own = ((node.args[0], 0),)
    below = (place for arg in node.args for place in known[arg])
    return tuple(dict.fromkeys((*own, *below)))[:MOST]


def _squared(node: Node, depth: int = NEAREST) -> tuple[frozenset[Node], Number]:
    """What is zero where a sum of squares is, or a root of one, and its power in there."""
    nothing: tuple[frozenset[Node], Number] = frozenset(), 0
    if node.op in ("norm", "hypot"):
        return frozenset(node.args), 1
    if not depth:
        return nothing
    if node.op == "mul" and len(node.args) == 1:
        (base,), (exponent,) = node.args, node.data
        if exponent == Fraction(1, 2):
            parts, degree = _squared(base, depth - 1)
            return parts, over(degree, 2)
        return (frozenset([base]), exponent) if exponent > 0 and exponent % 2 == 0 else nothing
    if node.op == "add" and node.data[0] == 0 and all(k > 0 for k in node.data[1]):
        found = [_squared(arg, depth // 2) for arg in node.args]
        if not all(parts for parts, _ in found):
            return nothing
        return frozenset().union(*(parts for parts, _ in found)), max(degree for _, degree in found)
    if node.op == "contract" and len(node.args) == 2:
        same = node.args[0] is node.args[1] and len(set(node.data[0])) == 1
        return (frozenset(node.args[:1]), 2) if same else nothing
    if node.op in ("view", "contract") and len(node.args) == 1:
        return _squared(node.args[0], depth - 1)
    return nothing
