"""Formulas as products of powers times series in one small variable, a product of powers itself.

``x*exp(a*x)/a`` is ``1/a**2`` times a series in ``u = a*x``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from symderive.numeric.graph import (
    RATIONAL,
    Graph,
    Node,
    Number,
    linear,
    over,
    plus,
    reduced,
    single,
    times,
)
from symderive.numeric.power_series import (
    FUNCTIONS,
    NoSeriesError,
    NoTermError,
    Series,
    constant,
    of,
)

Powers = dict[Node, Number]
Expanded = tuple[Powers, Series]
Term = tuple[Node, Number, Series]


@dataclass(frozen=True, slots=True)
class Variable:
    """A product of powers that comes near a number; ``factor`` is expressed by it."""

    powers: tuple[tuple[Node, Number], ...]
    centre: int
    factor: Node
    degree: int

    def node(self, graph: Graph) -> Node:
        """Its distance from the centre, without loss."""
        if not self.centre:
            product = graph.mul(1, self.powers)
            whole = not product.args or product.named
            return product if whole else graph.call("group", product)
        above = graph.mul(1, [(n, e) for n, e in self.powers if e > 0])
        below = graph.mul(1, [(n, -e) for n, e in self.powers if e < 0])
        return graph.mul(1, [(graph.add(0, [(above, 1), (below, -1)]), 1), (below, -1)])


def variables(graph: Graph, inner: Iterable[Node]) -> list[Variable]:
    """What the functions in sight are functions of."""
    found: dict[Any, Variable] = {}
    for part in inner:
        for argument, centre in _arguments(graph, part):
            variable = _variable(argument, centre)
            if variable is not None:
                found.setdefault((frozenset(variable.powers), centre), variable)
    return sorted(found.values(), key=lambda variable: any(n.args for n, _ in variable.powers))


def _arguments(graph: Graph, node: Node) -> Iterator[tuple[Node, int]]:
    if node.op == "log":
        yield node.args[0], 1
    elif node.op == "pow":
        yield _exponent(graph, node), 0
    elif node.op == "powm1" or node.op in FUNCTIONS:
        yield node.args[0], 0
    elif node.op == "mul":
        for base, exponent in zip(node.args, node.data, strict=True):
            shift, terms = linear(base)
            if len(terms) == 1 and not (isinstance(exponent, int) and exponent > 0):
                yield terms[0][0], 0
                if shift == -terms[0][1]:
                    yield terms[0][0], 1


def _exponent(graph: Graph, node: Node) -> Node:
    """The logarithm of a power."""
    base, exponent = node.args
    shift, terms = linear(base)
    plain = graph.call("log", base) if shift != 1 else graph.call("log1p", graph.add(0, terms))
    return graph.mul(1, [(exponent, 1), (plain, 1)])


def _variable(node: Node, centre: int) -> Variable | None:
    scaled = single(node)
    if scaled and not centre:
        node = scaled[0]
    powers = zip(node.args, node.data, strict=True) if node.op == "mul" else [(node, 1)]
    pairs = [(n, e) for n, e in powers if n.op != "const"]
    if not pairs or not all(isinstance(e, RATIONAL) for _, e in pairs):
        return None
    least = min(abs(e) for _, e in pairs)
    if least > 1 and not centre and all(Fraction(e, least).denominator == 1 for _, e in pairs):
        pairs = [(n, reduced(Fraction(e, least))) for n, e in pairs]
    for n, e in pairs:
        degree = over(1, e)
        if isinstance(degree, int):
            return Variable(tuple(pairs), centre, n, degree)
    return None


class Expansion:
    """Nodes as products of powers times series in one variable."""

    def __init__(
        self,
        graph: Graph,
        variable: Variable,
        inner: Iterable[Node],
        count: int,
        side: int = 1,
        leading: bool = False,
    ) -> None:
        self.graph, self.count, self.one = graph, count, constant(1, count)
        self.moving = {variable.factor}  # and all that depends on it
        for node in inner:
            if not self.moving.isdisjoint(node.args):
                self.moving.add(node)
        self.side, self.kinked = side, False
        self.leading = leading  # whether the first term alone will do
        self.cut = False  # whether no term of a sum or a function is left
        self.positive = any(not isinstance(e, int) for _, e in variable.powers)
        degree, factor = variable.degree, variable.factor
        others = {n: times(-degree, e) for n, e in variable.powers if n is not factor}
        if variable.centre:
            own = Series(0, (1, 1, *[0] * (count - 2))).to(degree)
        else:
            own = Series(degree, (1, *[0] * (count - 1)))
        self.known: dict[Node, Expanded] = {factor: (others, own)}

    def of(self, node: Node) -> Expanded:
        """The node; itself as a power, where it has no series."""
        if node not in self.known:
            found = None
            try:
                if node in self.moving or node.op in ("const", "mul"):  # a² beside x² = a²u²
                    found = self._expanded(node)
            except NoSeriesError as error:
                self.cut |= isinstance(error, NoTermError)
            self.known[node] = found or ({node: 1}, self.one)
        return self.known[node]

    def _expanded(self, node: Node) -> Expanded | None:
        if node.op == "const":
            return {}, constant(node.data, self.count)
        if node.op == "add":
            groups = self.grouped(node)
            total = total_of(groups[0][1])
            self.cut |= not total.numbers
            return (groups[0][0], total) if len(groups) == 1 and total.numbers else None
        if node.op == "mul":
            return self._product(node)
        if node.op in ("group", "removable"):
            return self.of(node.args[-1])
        if node.op == "where":
            return self._chosen(node)
        if node.op in ("abs", "copysign"):
            return self._signed(node)
        if node.op == "pow":
            name, argument = "exp", _exponent(self.graph, node)
        elif node.op in FUNCTIONS or node.op == "powm1":
            name, argument = node.op.replace("powm1", "expm1"), node.args[0]
        else:
            return None
        powers, series = self.of(argument)
        if not powers:
            return {}, of(name, series)
        first = of(name, Series(1, (1, 0))) if self.leading and series.order > 0 else None
        if first is None or first.order != 1:
            return None
        return powers, Series(series.order, series.numbers[:1]).scaled(first.numbers[0])

    def _product(self, node: Node) -> Expanded:
        total: Powers = {}
        result: Series | None = None
        for base, exponent in zip(node.args, node.data, strict=True):
            if base not in self.moving and base.op != "const":
                total[base] = plus(total.get(base, 0), exponent)
                continue
            powers, series = self.of(base)
            whole = isinstance(exponent, int)
            try:
                if powers and not whole:
                    raise NoSeriesError
                series = series.to(exponent, self.positive)
            except NoSeriesError:
                powers, series = {base: 1}, self.one
            for n, e in powers.items():
                total[n] = plus(total.get(n, 0), times(e, exponent))
            result = series.cut(self.count) if result is None else result * series
        left = {n: e for n, e in total.items() if e != 0}
        return left, self.one if result is None else result

    def _signed(self, node: Node) -> Expanded | None:
        """abs(u), copysign(u, v): a sign on each side of the point."""
        self.kinked = True
        series = self.of(node.args[0])[1]
        signs = []
        for argument in node.args:
            powers, own = self.of(argument)
            if powers or not own.numbers:
                return None
            signs.append((self.side if own.order % 2 else 1) * (1 if own.numbers[0] > 0 else -1))
        return {}, series.scaled(prod(signs))

    def _chosen(self, node: Node) -> Expanded | None:
        """``where(x == 0, c, f(x))`` with the limit c."""
        condition, value, formula = node.args
        if condition.op != "eq" or value.op != "const" or condition.args[1] is not self.graph.zero:
            return None
        powers, series = self.of(formula)
        at_zero = self.of(condition.args[0])[1].order > 0
        same = series.order >= 0 and series.at(0) == value.data
        return ({}, series) if at_zero and same and not powers else None

    def grouped(self, node: Node) -> list[tuple[Powers, list[Term]]]:
        """The terms of a sum, together where they are the same up to their series."""
        found: dict[Any, tuple[Powers, list[Term]]] = {}
        shift, terms = linear(node)
        for term, factor in [(self.graph.one, shift)] * (shift != 0) + terms:
            powers, series = self.of(term)
            _, members = found.setdefault(frozenset(powers.items()), (powers, []))
            members.append((term, factor, series.scaled(factor)))
        return list(found.values())


def total_of(members: list[Term]) -> Series:
    """The sum of the series of some terms."""
    total = members[0][2]
    for *_, series in members[1:]:
        total = total + series
    return total
