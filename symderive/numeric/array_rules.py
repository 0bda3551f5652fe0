"""Stable forms of arrays: log-sum-exp, softmax, log-determinants, wherever a graph shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from symderive.numeric.array_graph import ArrayGraph, Labels
from symderive.numeric.graph import Node, Rule, is_open, linear, single


def places(graph: ArrayGraph, node: Node, rank: int) -> tuple[Node, tuple[int, ...]] | None:
    """(base, axes): which axes of a result of ``rank`` the base's axes broadcast along."""
    shift = rank - graph.ndim(node)
    if shift < 0:
        return None
    if node.op != "view":
        return node, tuple(range(shift, rank))
    where = {axis: place + shift for place, axis in enumerate(node.data) if axis is not None}
    base = node.args[0]
    if len(where) < graph.ndim(base):
        return None
    return base, tuple(where[axis] for axis in range(graph.ndim(base)))


def _summed(node: Node) -> tuple[Node, Labels] | None:
    """(u, the axes that are kept) of the plain sum of one array over some axes."""
    if node.op != "contract" or len(node.args) != 1:
        return None
    (labels,), output = node.data
    if len(set(labels)) < len(labels):
        return None
    return node.args[0], tuple(labels.index(x) for x in output)


def _along(graph: ArrayGraph, node: Node, inner: Node, kept: Labels) -> bool:
    """Whether ``node`` stands beside ``inner`` with each kept axis at its own place."""
    found = places(graph, node, graph.ndim(inner))
    return found is not None and found[1] == kept and list(kept) == sorted(kept)


def _others(rank: int, kept: Labels) -> tuple[int, ...]:
    return tuple(axis for axis in range(rank) if axis not in kept)


def _log(graph: Any, node: Node) -> Node | None:
    """log(Σ exp(u)) → logsumexp(u); log(softmax(u)) → log_softmax(u); log(det(A)) → logdet(A)."""
    (inner,) = node.args
    if inner.op == "softmax":
        return graph.array("log_softmax", inner.args, inner.data)
    if inner.op == "det":
        return graph.array("logdet", inner.args, inner.data)
    view = inner.op == "view"
    found = _summed(inner.args[0] if view else inner)
    if found is None or found[0].op != "exp":
        return None
    u, kept = found[0].args[0], found[1]
    if graph.shape(u) != graph.shape(found[0]):
        return None
    if list(kept) != sorted(kept):
        return None
    made = graph.array("logsumexp", (u,), _others(graph.ndim(u), kept))
    return graph.view(made, inner.data) if view else made


def _softmax(graph: Any, node: Node) -> Node | None:
    """exp(u)/Σ exp(u) → softmax(u)."""
    pairs = list(zip(node.args, node.data, strict=True))
    for top, above in pairs:
        if top.op != "exp" or above != 1:
            continue
        for below, exponent in pairs:
            if exponent != -1:
                continue
            base = below.args[0] if below.op == "view" else below
            found = _summed(base)
            if found is None or found[0] is not top or not _along(graph, below, top, found[1]):
                continue
            axes = _others(graph.ndim(top), found[1])
            if not axes:
                continue
            made = graph.array("softmax", top.args, axes)
            rest = [(n, e) for n, e in pairs if n is not top and n is not below]
            return graph.mul(1, [(made, 1), *rest])
    return None


def _adjugate(graph: Any, node: Node) -> Node | None:
    """det(A)·A⁻¹ → adjugate(A), which a singular matrix has too; so in a product with A⁻¹."""
    pairs: list[tuple[Node, Any]] = []
    for part, exponent in zip(node.args, node.data, strict=True):
        named = part.op == "mul" and exponent == 1 and any(x.op == "det" for x in part.args)
        pairs += zip(part.args, part.data, strict=True) if named else [(part, exponent)]
    for det, power in pairs:
        if det.op != "det" or power < 1 or not isinstance(power, int):
            continue
        for factor, once in pairs:
            moved = factor.op in ("contract", "view")
            operands = factor.args if moved else (factor,)
            inverses = [x for x in operands if x.op == "inv" and x.args == det.args]
            if once != 1 or len(inverses) != 1:
                continue
            made = graph.array("adjugate", (*det.args, det))
            if moved:
                made = graph.again(factor, [made if x is inverses[0] else x for x in operands])
            rest = [(n, e) for n, e in pairs if n is not factor and n is not det]
            return graph.mul(1, [(made, 1), (det, power - 1), *rest])
    return None


def _log_softmax(graph: Any, node: Node) -> Node | None:
    """Turn u − logsumexp(u) into log_softmax(u), also in a larger sum."""
    constant, terms = linear(node)
    for below, factor in terms:
        base = below.args[0] if below.op == "view" else below
        if base.op != "logsumexp":
            continue
        inner = base.args[0]
        kept = tuple(a for a in range(graph.ndim(inner)) if a not in base.data)
        if not _along(graph, below, inner, kept):
            continue
        wanted = dict(zip(inner.args, inner.data[1], strict=True)) if is_open(inner) else {inner: 1}
        have = dict(terms)
        if all(have.get(n) == -factor * k for n, k in wanted.items()):
            offset = inner.data[0] if is_open(inner) else 0
            rest = [(n, k) for n, k in terms if n not in wanted and n is not below]
            made = graph.array("log_softmax", (inner,), base.data)
            return graph.add(constant + factor * offset, [(made, -factor), *rest])
    return None


def _exp(graph: Any, node: Node) -> Node | None:
    """exp(log_softmax(u)) → softmax(u)."""
    (inner,) = node.args
    if inner.op == "log_softmax":
        return graph.array("softmax", inner.args, inner.data)
    return None


RULES: Mapping[str, tuple[Rule, ...]] = {
    "log": (_log,),
    "mul": (_softmax, _adjugate),
    "add": (_log_softmax,),
    "exp": (_exp,),
}
"""What to recognise, by the kind of node."""


# How they are computed --------------------------------------------------------------------------


def _shifted(graph: ArrayGraph, u: Node, axes: Any) -> tuple[Node, Node, Node]:
    """(m, u − m, exp(u − m)) with m the maximum along the axes."""
    top = graph.array("max_over", (u,), axes)
    beside = graph.kept(top, axes, graph.ndim(u))
    shifted = graph.call("group", graph.add(0, [(u, 1), (beside, -1)]))
    return top, shifted, graph.call("exp", shifted)


def _compute_logsumexp(graph: ArrayGraph, u: Node, axes: Any) -> Node:
    top, _, powers = _shifted(graph, u, axes)
    return graph.add(0, [(top, 1), (graph.call("log", graph.total(powers, axes)), 1)])


def _compute_softmax(graph: ArrayGraph, u: Node, axes: Any) -> Node:
    _, _, powers = _shifted(graph, u, axes)
    share = graph.mul(1, [(powers, 1), (graph.total(powers, axes, True), -1)])
    return graph.call("group", share)  # one array, whatever multiplies it


def _compute_log_softmax(graph: ArrayGraph, u: Node, axes: Any) -> Node:
    _, shifted, powers = _shifted(graph, u, axes)
    log = graph.call("log", graph.total(powers, axes, True))
    return graph.call("group", graph.add(0, [(shifted, 1), (log, -1)]))


def _compute_slope_of_tanh(graph: Any, z: Node) -> Node | None:
    """σ(2u)·σ(−2u) → 1/(4·cosh(u)²): 1 − tanh² in three passes over an array, not eight.

    Far from zero the square overflows where the slope is 0 but for numbers below the normal ones.
    """
    scaled = single(z)
    if scaled is None or abs(scaled[1]) != 2:
        return None
    return graph.mul(Fraction(1, 4), [(graph.call("cosh", scaled[0]), -2)])


CALLS: Mapping[str, Callable[..., Node | None]] = {"sigmoid_slope": _compute_slope_of_tanh}
"""What is computed in another way for arrays than for numbers, where it answers."""

EXPANSIONS: Mapping[str, Callable[..., Node]] = {
    "logsumexp": _compute_logsumexp,
    "softmax": _compute_softmax,
    "log_softmax": _compute_log_softmax,
}
"""How array functions are computed, by name."""
