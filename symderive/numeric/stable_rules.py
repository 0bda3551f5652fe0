"""The rows of STABLE as rules of a graph, and forms of any number of terms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

from symderive.numeric.differences import difference
from symderive.numeric.graph import Graph, Node, Number, Rule, factored, linear, plus, single
from symderive.numeric.pairs import (
    divided,
    exponentials,
    log_of_product,
    log_of_ratio,
    log_of_share,
    multiplied_out,
    power_near_one,
    step,
)
from symderive.numeric.patterns import Build, builder, pattern, rewrite
from symderive.numeric.removable import near_zero, nothing_over_nothing
from symderive.numeric.stable import EXPAND, FUSE, RECOGNISE, STABLE, Row

# Rows for any number of terms: no pattern text can say them ---------------------------------


def _log_sum_exp(graph: Graph, node: Node) -> Node | None:
    """log(c1·exp(a1) + c2·exp(a2) + …) → m + log(Σ c·exp(a − m)), m = max a."""
    constant, terms = linear(node.args[0])
    plain = {1} == {k for _, k in terms} and constant in (0, 1)
    if plain and constant and len(terms) > 1 and all(n.op == "exp" for n, _ in terms):
        return graph.call("softplus", graph.call("log", graph.add(0, terms)))
    if node.args[0].op != "add" or (plain and len(terms) + (constant != 0) < 3):
        return None  # softplus and logaddexp keep more digits
    shifted = _shifted(graph, node.args[0])
    if shifted is None:
        return None
    top, total = shifted
    return graph.add(0, [(top, 1), (graph.call("log", total), 1)])


def _softmax(graph: Graph, node: Node) -> Node | None:
    """exp(a)·(exp(b) + …)/(exp(a) + exp(b) + …)ⁿ with all exponents less their maximum."""
    for base, exponent in zip(node.args, node.data, strict=True):
        shifted = _shifted(graph, base) if base.op == "add" and exponent < 0 else None
        if shifted is None:
            continue
        top, total = shifted
        powers: list[tuple[Node, Number]] = [(total, exponent)]
        degree = exponent
        for other, e in zip(node.args, node.data, strict=True):
            above = other is not base and other.op == "add" and e > 0
            if above and (moved := _moved(graph, other, top)) is not None:
                powers.append((moved, e))
                degree = plus(degree, e)
            elif other is not base and other.op != "exp":
                powers.append((other, e))
        exps = [n.args[0] for n in node.args if n.op == "exp"]
        if not exps and degree == exponent:
            continue
        left = graph.add(0, [*((u, 1) for u in exps), (top, degree)])
        return graph.mul(1, [(graph.call("exp", left), 1), *powers])
    return None


def _many(graph: Graph, node: Node) -> Node | None:
    """The same of three or more, before rows see two of them."""
    most = max((len(n.args) for n in node.args if n.op == "add"), default=0)
    return _softmax(graph, node) if most > 2 else None


def _balanced(graph: Graph, node: Node) -> Node | None:
    """exp(u)/(r + t·exp(u)) as 1/(r·exp(−u) + t), whatever the signs: ∞/∞ where exp(u) overflows.

    So is exp(u)/(r + t·(exp(u) − 1)), as 1/(r·exp(−u) + t·(1 − exp(−u))); and of exp(2u) twice.
    """
    powers = dict(zip(node.args, node.data, strict=True))
    for base in [n for n, e in powers.items() if n.op == "add" and e <= -1]:
        inside = [n for term in base.args for n, e in factored(term)[1].items() if e == 1]
        for inner in [n.args[0] for n in inside if n.op in ("exp", "expm1")]:
            for times_it in range(1, min(MOST_TIMES, int(-powers[base])) + 1):
                with graph.without_rules():
                    top = graph.call("exp", graph.scale(inner, times_it))
                if powers.get(top) == 1:
                    others = {n: e for n, e in powers.items() if n is not top}
                    others[base] = plus(powers[base], times_it)
                    turned = _turned(graph, base, inner)
                    return graph.mul(1, [*others.items(), (turned, -times_it)])
    return None


MOST_TIMES = 3


def _turned(graph: Graph, base: Node, inner: Node) -> Node:
    """The sum times exp(−u), with (exp(u) − 1)·exp(−u) in it as 1 − exp(−u)."""
    constant, terms = linear(base)
    minus = graph.scale(inner, -1)
    below = graph.call("exp", minus)
    rest = graph.scale(graph.call("expm1", minus), -1)
    total: list[tuple[Node, Number]] = [(below, constant)]
    for term, k in terms:
        number, parts = factored(term)
        less = next((n for n in parts if n.op == "expm1" and n.args[0] is inner), None)
        if less is not None and parts[less] == 1:
            others = [(rest if n is less else n, e) for n, e in parts.items()]
        else:
            others = [*parts.items(), (below, 1)]
        total.append((graph.mul(number, others), k))
    return graph.add(0, total)


def _shifted(graph: Graph, node: Node) -> tuple[Node, Node] | None:
    """(m, Σ c·exp(a − m)) of a sum of at least two exponentials with positive factors."""
    parts = exponentials(graph, node) or []
    if len(parts) < 2 or any(part.op == "add" and _has_max(part) for part, _ in parts):
        return None
    top = reduce(partial(graph.call, "max"), [part for part, _ in parts])
    return top, _moved(graph, node, top) or node


def _moved(graph: Graph, node: Node, top: Node) -> Node | None:
    """A sum of exponentials with positive factors, each exponent less ``top``."""
    parts = exponentials(graph, node)
    if parts is None:
        return None
    exps = [(graph.call("exp", graph.add(0, [(part, 1), (top, -1)])), k) for part, k in parts]
    return graph.add(0, exps)


def _has_max(node: Node) -> bool:
    """Shifted already."""
    return any(arg.op == "max" for arg in node.args)


# Rules of the graph ---------------------------------------------------------------------------


def _rule(row: Row) -> Rule:
    shape, replacement = pattern(row.pattern), builder(row.replacement)
    needs = _needs(shape)

    def rule(graph: Graph, node: Node) -> Node | None:
        if not needs <= _has(node):
            return None
        return rewrite(graph, shape, replacement, node)

    return rule


def _has(node: Node) -> frozenset[str]:
    """What functions a node shows at first sight."""
    if node.shows is None:
        node.shows = frozenset(_shown(node))
    return node.shows


def _shown(node: Node) -> set[str]:
    found = {"root"} if node.op == "mul" and any(e.denominator != 1 for e in node.data) else set()
    for arg in node.args:
        scaled = single(arg)
        arg = scaled[0] if scaled else arg
        found.add(arg.op)
        if arg.op in ("add", "mul"):
            found.update(inner.op for inner in arg.args)
        if arg.op == "mul" and any(e.denominator != 1 for e in arg.data):
            found.add("root")
    return found


def _needs(shape: Node) -> frozenset[str]:
    """What functions a node must show for the pattern to be worth a try."""
    return frozenset(_has(shape) - {"input", "mul", "const", "add"})


def _call(shape: Node, build: Build) -> Callable[..., Node]:
    names = [arg.data for arg in shape.args]
    return lambda graph, *args: build(graph, dict(zip(names, args, strict=True)))


def rules_of(phase: str) -> tuple[dict[str, list[Rule]], dict[str, Callable[..., Node]]]:
    """The rules of a phase by the kind of node that they look at, and its functions by name."""
    rules: dict[str, list[Rule]] = {}
    calls: dict[str, Callable[..., Node]] = {}
    for row in STABLE:
        shape = pattern(row.pattern)
        if row.phase != phase:
            continue
        if phase == EXPAND:
            calls[shape.op] = _call(shape, builder(row.replacement))
        else:
            rules.setdefault(shape.op, []).append(_rule(row))
    if phase == RECOGNISE:
        rules["log"] = [_log_sum_exp, *rules["log"], log_of_product]
        rules["mul"] = [_many, *rules["mul"], _softmax, divided, _balanced]
        rules["add"].insert(0, difference)
        rules["add"] += [log_of_ratio, log_of_share, step, multiplied_out]
        rules.setdefault("pow", []).append(power_near_one)
    if phase == FUSE:
        rules |= {"add": [near_zero, *rules["add"]], "log": [near_zero]}
        rules["mul"].append(nothing_over_nothing)
    return rules, calls
