"""Sums whose terms cancel near a point: there, a polynomial says what is left.

``1/x - 1/tanh(x)`` is two numbers of size 1/x whose difference is −x/3. Where the variable is so
small that digits are lost, the sum is computed by the first terms of its series. How far the terms
cancel, the polynomial, and the distance from which on the sum has its digits all come from the
series of the terms. A sum in several variables is seen through where it is a product of powers
times a function of one product: ``x*exp(a*x)/a - expm1(a*x)/a**2`` in ``u = a*x``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from symderive.numeric.graph import (
    RATIONAL,
    Graph,
    Node,
    Number,
    exact,
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

NEAREST = 24
"""Nodes below a sum that are looked at."""

ONE, FEW, MANY = 1, 8, 40
"""Terms of the series for the first two looks, and for the polynomial."""

LOSSES = (64, 1024)
"""Units in the last place that the sum may lose where the polynomial ends; the greater number
where the polynomial would be longer than ``LONGEST`` otherwise."""

TINY = 1e-150
"""Where a limit serves of which only the first term is known."""

LONGEST = 10
LEFT_OUT = 2.0**-55
"""What the polynomial may leave out, as a part of its first term."""

Powers = dict[Node, Number]
Expanded = tuple[Powers, Series]
Term = tuple[Node, Number, Series]


def near_zero(graph: Graph, node: Node) -> Node | None:
    """A sum, or the logarithm of what is nearly 1, with a polynomial where its digits are lost."""
    constant_term, terms = linear(node)
    if node.op == "add" and len(terms) + (constant_term != 0) < 2:
        return None
    nearest = _nearest(node)
    inner = _rising(nearest)
    for variable in _variables(graph, nearest if node.op == "add" else nearest[1:]):
        if _cancels(graph, node, variable, inner) and _lost(graph, node, variable, inner, FEW):
            loss = _lost(graph, node, variable, inner, MANY)
            return None if loss is None else _branched(graph, node, variable, loss)
    return None


def nothing_over_nothing(graph: Graph, node: Node) -> Node | None:
    """A product that is 0/0 at a point, by its limit near it: sin(x)/x, x**2/(cosh(x) - 1)."""
    below = [base for base, exponent in zip(node.args, node.data, strict=True) if exponent < 0]
    if not below or len(node.args) < 2:
        return None
    nearest = _nearest(node)
    inner = _rising(nearest)
    under = {arg for base in below for part in _nearest(base) for arg in (part, *part.args)}
    for variable in _variables(graph, nearest):
        if variable.factor not in under:
            continue
        limit = _limit(graph, node, variable, inner)
        if limit is not None:
            return limit
    return None


def _limit(graph: Graph, node: Node, variable: _Variable, inner: Iterable[Node]) -> Node | None:
    pairs = list(zip(node.args, node.data, strict=True))
    for count in (ONE, FEW):
        expansion = _Expansion(graph, variable, inner, count, leading=True)
        orders = [times(expansion.of(base)[1].order, e) for base, e in pairs]
        if not expansion.cut and not (any(order < 0 for order in orders) and sum(orders) >= 0):
            return None
    powers, series = expansion.of(node)
    if not series.numbers or series.order < 0:
        return None
    if expansion.kinked:
        other = _Expansion(graph, variable, inner, FEW, -1, leading=True).of(node)
        if other != (powers, series):
            return None
    small = variable.node(graph)
    for base, exponent in zip(node.args, node.data, strict=True):
        if exponent == 1 and base.op == "removable" and base.args[0] is small:
            others = [
                pair for pair in zip(node.args, node.data, strict=True) if pair[0] is not base
            ]
            edge, inside, outside = base.args[1:]
            inside = graph.mul(1, [(inside, 1), *others])
            with graph.without_rules():
                outside = graph.mul(1, [(outside, 1), *others])
            return graph.call("removable", small, edge, inside, outside)
    first, *rest = [float(exact(n)) for n in series.numbers]
    ends = [abs(LEFT_OUT * first / n) ** (1 / k) for k, n in enumerate(rest, 1) if n]
    if rest and not ends:  # a product of powers
        return None
    near = Fraction(f"{min(ends, default=TINY):.1g}")
    with graph.without_rules():  # it is the limit already
        return _joined(graph, node, variable, powers, series.order, near, [first])


# What to look at ------------------------------------------------------------------------------


def _nearest(node: Node) -> list[Node]:
    """A node and those below it, level by level, through all names."""
    found: dict[Node, None] = {node: None}
    queue = [node]
    while queue and len(found) < NEAREST:
        part = queue.pop(0)
        below = part.args[3:] if part.op == "removable" else part.args
        new = [arg for arg in below if arg not in found and arg.op not in ("const", "input")]
        found.update(dict.fromkeys(new))
        queue += new
    return list(found)


def _rising(nodes: Iterable[Node]) -> list[Node]:
    """The same nodes, each behind what it is made of."""
    return sorted(nodes, key=lambda node: node.id)


@dataclass(frozen=True, slots=True)
class _Variable:
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


def _variables(graph: Graph, inner: Iterable[Node]) -> list[_Variable]:
    """What the functions in sight are functions of."""
    found: dict[Any, _Variable] = {}
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


def _variable(node: Node, centre: int) -> _Variable | None:
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
            return _Variable(tuple(pairs), centre, n, degree)
    return None


# Series ---------------------------------------------------------------------------------------


class _Expansion:
    """Nodes as products of powers times series in one variable."""

    def __init__(
        self,
        graph: Graph,
        variable: _Variable,
        inner: Iterable[Node],
        count: int,
        side: int = 1,
        leading: bool = False,
    ) -> None:
        self.graph, self.count = graph, count
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
            try:
                found = self._expanded(node)
            except NoSeriesError as error:
                found = None
                self.cut |= isinstance(error, NoTermError)
            self.known[node] = found or ({node: 1}, constant(1, self.count))
        return self.known[node]

    def _expanded(self, node: Node) -> Expanded | None:
        if node.op == "const":
            return {}, constant(node.data, self.count)
        if node not in self.moving:
            return None
        if node.op == "add":
            groups = self.grouped(node)
            total = _total(groups[0][1])
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
        result = constant(1, self.count)
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
                powers, series = {base: 1}, constant(1, self.count)
            for n, e in powers.items():
                total[n] = plus(total.get(n, 0), times(e, exponent))
            result = result * series
        return {n: e for n, e in total.items() if e != 0}, result

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


# Where digits are lost ------------------------------------------------------------------------


def _cancels(graph: Graph, node: Node, variable: _Variable, inner: Iterable[Node]) -> bool:
    """Whether the first terms of the series leave it open that digits are lost."""
    expansion = _Expansion(graph, variable, inner, ONE)
    if node not in expansion.moving:
        return False
    if node.op == "log":
        powers, series = expansion.of(node.args[0])
        return expansion.cut or (not powers and series.order == 0 and series.at(0) == 1)
    groups = expansion.grouped(node)
    return expansion.cut or any(
        len(members) > 1 and _total(members).order > min(series.order for *_, series in members)
        for _, members in groups
    )


def _lost(
    graph: Graph, node: Node, variable: _Variable, inner: Iterable[Node], count: int
) -> _Loss | None:
    """What is lost, the same on both sides of the point."""
    look = _in_sum if node.op == "add" else _in_logarithm
    expansion = _Expansion(graph, variable, inner, count)
    right = look(expansion, node)
    if right is None or not expansion.kinked:
        return right
    left = look(_Expansion(graph, variable, inner, count, -1), node)
    return right if left is not None and left.series == right.series else None


@dataclass(frozen=True, slots=True)
class _Loss:
    """What cancels, and how: ``size / t**orders`` units in the last place are lost.

    Attributes:
        members: The terms of the sum that cancel; none where the whole node is meant.
        powers: What multiplies the series.
        series: The value.
        orders: The powers of the variable that are lost.
        size: Of what cancels, beside the first number of the series.
    """

    members: list[Term]
    powers: Powers
    series: Series
    orders: int
    size: float


def _in_sum(expansion: _Expansion, node: Node) -> _Loss | None:
    for powers, members in expansion.grouped(node):
        total = _total(members)
        least = min(series.order for *_, series in members)
        if len(members) > 1 and total.numbers and total.order > least:
            size = sum(abs(exact(series.at(least))) for *_, series in members)
            part = members if len(members) < len(node.args) + (node.data[0] != 0) else []
            loss = float(size / abs(exact(total.numbers[0])))
            return _Loss(part, powers, total, total.order - least, loss)
    return None


def _in_logarithm(expansion: _Expansion, node: Node) -> _Loss | None:
    """The logarithm of 1 + something small."""
    powers, series = expansion.of(node.args[0])
    if powers or series.order or series.at(0) != 1 or not any(series.numbers[1:]):
        return None
    total = of("log", series)
    return _Loss([], {}, total, total.order, float(1 / abs(exact(total.numbers[0]))))


def _total(members: list[Term]) -> Series:
    total = members[0][2]
    for *_, series in members[1:]:
        total = total + series
    return total


def _branched(graph: Graph, node: Node, variable: _Variable, loss: _Loss) -> Node | None:
    """The node, by a polynomial where the variable is small."""
    if loss.members:  # the part that cancels is a sum of its own
        members = [(term, factor) for term, factor, _ in loss.members]
        others = [pair for pair in linear(node)[1] if pair not in members]
        shift = linear(node)[0] if all(term.op != "const" for term, _ in members) else 0
        part = graph.add(0, members)
        return None if part.op == "add" else graph.add(shift, [*others, (part, 1)])
    near, numbers = _polynomial(loss)
    return _joined(graph, node, variable, loss.powers, loss.series.order, near, numbers)


def _joined(
    graph: Graph,
    node: Node,
    variable: _Variable,
    powers: Powers,
    order: int,
    near: Fraction,
    numbers: Sequence[float],
) -> Node:
    """The node, but near the point powers times a polynomial."""
    small = variable.node(graph)
    total = _horner(graph, small, [reduced(Fraction(n)) for n in numbers])
    if variable.centre or not powers:
        lead = [(small, order)]
    else:  # x/a·(a·x)² is a·x³: no 0/0 where a = 0
        lead = [(n, times(e, order)) for n, e in variable.powers]
    total = graph.mul(1, [*powers.items(), *lead, (total, 1)])
    return graph.call("removable", small, graph.const(near), total, node)


def _polynomial(loss: _Loss) -> tuple[Fraction, list[float]]:
    """How near it serves, and its numbers."""
    numbers = [float(exact(n)) for n in loss.series.numbers]
    for units in LOSSES:
        near = min((loss.size / units) ** (1 / loss.orders), 1.0)
        while not _ends(numbers, near):
            near *= 0.8
        near = float(f"{near:.2g}")
        sizes = [abs(n) * near**k for k, n in enumerate(numbers)]
        count = next(k for k in range(1, len(sizes) + 1) if sum(sizes[k:]) <= LEFT_OUT * sizes[0])
        if sum(n != 0 for n in numbers[:count]) <= LONGEST:
            break
    return Fraction(repr(near)), numbers[:count]


def _ends(numbers: list[float], near: float) -> bool:
    """Whether the numbers suffice at a distance."""
    last = max(abs(n) * near**k for k, n in list(enumerate(numbers))[-4:])
    return last <= LEFT_OUT**1.1 * abs(numbers[0])


def _horner(graph: Graph, variable: Node, numbers: list[Number]) -> Node:
    """The polynomial; in the square of the variable, where it is even."""
    if len(numbers) > 1 and not any(numbers[1::2]):
        return _horner(graph, graph.mul(1, [(variable, 2)]), numbers[::2])
    total = graph.const(numbers[-1])
    for number in numbers[-2::-1]:
        total = graph.add(number, [(graph.mul(1, [(variable, 1), (total, 1)]), 1)])
    return total
