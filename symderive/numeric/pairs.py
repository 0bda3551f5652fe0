"""Stable forms of pairs whose difference is simpler than they are: log(x + 1) − log x.

What is left of the difference of the arguments is found by subtracting them term by term; no
pattern text can say that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, permutations

import mpmath

from symderive.numeric.graph import (
    Graph,
    Node,
    Number,
    factored,
    linear,
    plus,
    power,
    single,
    times,
)


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


def log_of_product(graph: Graph, node: Node) -> Node | None:
    """log(r*Γ(x)) → log(r) + loggamma(x), and the same of powers and sinh, where that holds."""
    number, powers = factored(node.args[0])
    for base, exponent in powers.items():
        if base.op not in _LOGARITHMS or not isinstance(exponent, int):
            continue
        condition, sign, logarithm = _LOGARITHMS[base.op](graph, *base.args)
        others = [(n, e) for n, e in powers.items() if n is not base]
        rest = graph.mul(number, [*others, (sign, exponent)])
        terms = [(graph.call("log", rest), 1), (logarithm, exponent)]
        with graph.without_rules():
            plain = graph.call("log", node.args[0])
        return graph.call("where", condition, graph.add(0, terms), plain)
    return None


def _log_gamma(graph: Graph, x: Node) -> tuple[Node, Node, Node]:
    return graph.call("gt", x, graph.zero), graph.one, graph.call("loggamma", x)


def _log_power(graph: Graph, x: Node, exponent: Node) -> tuple[Node, Node, Node]:
    logarithm = graph.mul(1, [(exponent, 1), (graph.call("log", x), 1)])
    return graph.call("gt", x, graph.zero), graph.one, logarithm


def _log_sinh(graph: Graph, x: Node) -> tuple[Node, Node, Node]:
    size = graph.call("abs", x)
    less = graph.scale(graph.call("exp", graph.scale(size, -2)), -1)
    half = graph.call("log", graph.const(2))
    logarithm = graph.add(0, [(size, 1), (half, -1), (graph.call("log1p", less), 1)])
    return graph.call("gt", size, graph.one), graph.call("sign", x), logarithm


_LOGARITHMS: dict[str, Callable[..., tuple[Node, Node, Node]]] = {
    "gamma": _log_gamma,
    "pow": _log_power,
    "sinh": _log_sinh,
}
"""Functions that overflow: where the logarithm is another formula, the sign there, and that."""

_STEPS = {"loggamma": "loggamma_step", "digamma": "digamma_step"}


def step(graph: Graph, node: Node) -> Node | None:
    """k·f(a) − k·f(b) by a − b, for the gamma functions, where terms cancel in a − b."""
    shift, terms = linear(node)
    found = [(term, k) for term, k in terms if term.op in _STEPS]
    for (first, k), (second, minus) in permutations(found, 2):
        if k != times(-1, minus) or first.op != second.op:
            continue
        (a,), (b,) = first.args, second.args
        left = _difference(graph, a, b) or _difference(graph, b, a)
        if left is not None and len(linear(a)[1]) >= len(linear(b)[1]):
            left = graph.add(0, [(a, 1), (b, -1)])
            if left.op == "const" and left.data < 0:
                continue  # from the smaller one up: x of x + 1/2 would lose its digits near 0
            rest = [pair for pair in terms if pair[0] not in (first, second)]
            return graph.add(shift, [*rest, (graph.call(_STEPS[first.op], b, left), k)])
    return None


def exponentials(graph: Graph, node: Node) -> list[tuple[Node, Number]] | None:
    """(a, c) of each c·exp(a) in a sum of nothing else, all of them positive; c is c·exp(0)."""
    constant, terms = linear(node)
    if any(n.op != "exp" or not k > 0 for n, k in terms) or constant < 0:
        return None
    return [(n.args[0], k) for n, k in terms] + [(graph.zero, constant)] * (constant != 0)


def log_of_share(graph: Graph, node: Node) -> Node | None:
    """log(exp(a) + rest) − a → softplus(log(rest) − a): 0 but for what the rest adds."""
    shift, terms = linear(node)
    have = dict(terms)
    for term, k in terms:
        total = term.args[0] if term.op == "log" else graph.one
        if total.op != "add" or exponentials(graph, total) is None:
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
    """(1 + x)**(a/x + b) → exp((a/x + b)·log1p(x)): 1 + x loses digits of x."""
    shift, terms = linear(node.args[0])
    if shift != 1 or len(terms) != 1:
        return None
    small, power = graph.add(0, terms), node.args[1]
    below = factored(small)[1]
    above = [factored(term)[1] for term, _ in linear(power)[1]]
    if not any(e * part.get(n, 0) < 0 for n, e in below.items() for part in above):
        return None
    logarithm = graph.call("log1p", small)
    return graph.call("exp", graph.mul(1, [(power, 1), (logarithm, 1)]))


def divided(graph: Graph, node: Node) -> Node | None:
    """(a*sinh(u)**2 + b)/sinh(u)**4 → a/sinh(u)**2 + b/sinh(u)**4: no ∞/∞ far from zero."""
    pairs = list(zip(node.args, node.data, strict=True))
    below = {n for n, e in pairs if n.op in ("sinh", "cosh") and e <= -2}
    for base, exponent in pairs if below else ():
        constant, terms = linear(base)
        if base.op != "add" or exponent != 1 or constant != 0 or len(terms) > MOST_SPOKEN:
            continue
        if any(below.intersection(factored(term)[1]) for term, _ in terms):
            others = [pair for pair in pairs if pair[0] is not base]
            return graph.add(0, [(graph.mul(1, [(term, 1), *others]), k) for term, k in terms])
    return None


MOST_SPOKEN, MOST_PARTS, DEEPEST = 3, 5, 2
"""Terms of a sum that is multiplied out, and then; how deep sums in its products are looked at."""


def multiplied_out(graph: Graph, node: Node) -> Node | None:
    """A sum that speaks of a product by its name, where a row finds what cancels in its factors.

    Of y = x/tanh(x), x + y*(1 - y)/x is x*(1 - 1/tanh(x)**2) + 1/tanh(x).
    """
    shift, terms = linear(node)
    if not 0 < len(terms) <= MOST_SPOKEN or not any(_speaks(term, DEEPEST) for term, _ in terms):
        return None
    parts: list[tuple[dict[Node, Number], Number]] = [({}, shift)] if shift != 0 else []
    for term, k in terms:
        parts += [(powers, times(k, c)) for powers, c in _parts(term, DEEPEST)]
    if not 1 < len(parts) <= MOST_PARTS or not any(
        _near(a, b) for (a, _), (b, _) in combinations(parts, 2)
    ):
        return None
    flat = [(graph.mul(1, powers.items()), k) for powers, k in parts]
    with graph.without_rules():
        plain = graph.add(0, flat)
    new = node if plain is node else graph.add(0, flat)
    return new if new not in (node, plain) and _length(new) <= _length(node) else None


_FUNCTIONS = frozenset(
    [
        *("exp", "expm1", "sinh", "cosh", "tanh", "sigmoid", "softplus"),
        *("erf", "erfc", "erfcx", "erfi_scaled"),
    ]
)
"""Functions whose values a row may take together."""


def _near(left: Mapping[Node, Number], right: Mapping[Node, Number]) -> bool:
    """Whether two products differ by functions, and by what these are of, alone."""
    apart = [n for n in {**left, **right} if left.get(n, 0) != right.get(n, 0)]
    functions = [n for n in apart if n.op in _FUNCTIONS]
    inside = {arg for n in functions for part in n.args for arg in (part, *part.args)}
    return bool(functions) and all(n in inside or n in functions for n in apart)


def _length(node: Node) -> int:
    """How many terms a sum has."""
    constant, terms = linear(node)
    return len(terms) + (constant != 0)


def _speaks(node: Node, depth: int) -> bool:
    """Whether a stage that is a product is a term, or a factor of it."""
    if _is_product(node):
        return True
    return any(
        _is_product(base)
        or (base.op == "add" and depth > 0 and any(_speaks(arg, depth - 1) for arg in base.args))
        for base, exponent in factored(node)[1].items()
        if exponent > 0
    )


def _is_product(node: Node) -> bool:
    """Whether a node is a named product; a number times something is one."""
    scaled = single(node)
    return node.named if scaled or node.op == "mul" else False


def _parts(node: Node, depth: int) -> list[tuple[dict[Node, Number], Number]]:
    """The terms of a product, as powers and number, by the factors of the stages in it."""
    number, factors = factored(node)
    total: list[tuple[dict[Node, Number], Number]] = [({}, number)]
    for base, exponent in factors.items():
        own: list[tuple[dict[Node, Number], Number]] = [({base: exponent}, 1)]
        if _is_product(base) and isinstance(exponent, int):
            k, powers = factored(base)
            own = [({n: times(e, exponent) for n, e in powers.items()}, power(k, exponent))]
        elif base.op == "add" and exponent == 1 and depth > 0 and _speaks(base, depth - 1):
            constant, terms = linear(base)
            own = [({}, constant)] if constant != 0 else []
            for term, k in terms:
                own += [(powers, times(k, c)) for powers, c in _parts(term, depth - 1)]
        if len(total) * len(own) > MOST_PARTS:
            return [({node: 1}, 1)]
        total = [
            ({n: plus(a.get(n, 0), b.get(n, 0)) for n in {**a, **b}}, times(k, c))
            for a, k in total
            for b, c in own
        ]
    return total
