"""A graph of primitives as assignments in order: sums and products become binary operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import count

from symderive.errors import ModelError
from symderive.numeric.graph import RATIONAL, Graph, Node, Number, exact, is_open, linear, over
from symderive.numeric.program import Assignment, Operand

_REPEATED_SQUARES = 16  # up to this exponent, multiplications are as accurate as pow and faster


class Ordering:
    """Collects assignments; each node is computed once.

    Args:
        inputs: Names that no assignment may take.
        defined: Names and nodes, in the order in which they are to be computed.
        outputs: Names that must exist at the end, even where they equal another.
    """

    def __init__(
        self, inputs: Iterable[str], defined: list[tuple[str, Node]], outputs: Iterable[str]
    ) -> None:
        self.assignments: list[Assignment] = []
        self.temporaries: list[str] = []
        self._operands: dict[Node, Operand] = {}
        self._known: dict[tuple[str, tuple[Operand, ...]], str] = {}
        self._taken = {*inputs, *(name for name, _ in defined)}
        self._numbers = count(1)
        self._primary: dict[Node, str] = {}
        for name, node in defined:
            if node.op not in ("const", "input"):
                self._primary.setdefault(node, name)
        wanted = set(outputs)
        for name, node in defined:
            operand = self.operand(node)
            if name in wanted and operand != name:
                self.assignments.append(Assignment(name, "copy", (operand,)))

    def operand(self, node: Node) -> Operand:
        """The name or number of a node; computes it first where that has not been done."""
        known = self._operands.get(node)
        if known is None:
            known = self._operands[node] = self._compute(node)
        return known

    def _compute(self, node: Node) -> Operand:
        if node.op == "const":
            return float(exact(node.data))
        if node.op == "input":
            return str(node.data)
        name = self._primary.get(node, "")
        if node.op == "group":
            return (
                self._sum(node.args[0], name) if is_open(node.args[0]) else self._again(node, name)
            )
        if node.op == "add":
            return self._sum(node, name)
        if node.op == "mul":
            return self._product(node, name)
        return self._do(node.op, *(self.operand(arg) for arg in node.args), name=name)

    def _again(self, node: Node, name: str) -> Operand:
        operand = self.operand(node.args[0])
        return self._do("copy", operand, name=name) if name else operand

    def _do(self, op: str, *operands: Operand, name: str = "") -> Operand:
        """Add an assignment, unless the value is known."""
        known = self._known.get((op, operands))
        if known is not None:
            if not name:
                return known
            op, operands = "copy", (known,)
        if not name:
            name = next(n for i in self._numbers if (n := f"t{i}") not in self._taken)
            self.temporaries.append(name)
        self._known.setdefault((op, operands), name)
        self.assignments.append(Assignment(name, op, operands))
        return name

    # Sums -------------------------------------------------------------------------------------

    def _sum(self, node: Node, name: str) -> Operand:
        constant, terms = linear(node)
        sizes = {abs(k) for _, k in terms}
        if len(sizes) == 1 and sizes != {1} and (len(terms) > 1 or constant == 0):
            size = sizes.pop()
            signs = [(n, 1 if k > 0 else -1) for n, k in terms]
            inner = self._signed_sum(over(constant, size), signs, "")
            return self._scaled(inner, size, name)
        return self._signed_sum(constant, terms, name)

    def _signed_sum(self, constant: Number, terms: list[tuple[Node, Number]], name: str) -> Operand:
        plus = [self._scaled(self.operand(n), k, "") for n, k in terms if k > 0]
        minus = [self._scaled(self.operand(n), -k, "") for n, k in terms if not k > 0]
        if constant > 0:
            plus.insert(0, float(exact(constant)))
        elif constant != 0:
            minus.append(-float(exact(constant)))
        steps = [("add", p) for p in plus] + [("sub", m) for m in minus]
        if not plus:
            steps = [("add", m) for m in minus]
        total = steps[0][1]
        for position, (op, operand) in enumerate(steps[1:], 2):
            last = bool(plus) and position == len(steps)
            total = self._do(op, total, operand, name=name if last else "")
        if not plus:
            return self._do("neg", total, name=name)
        return total if len(steps) > 1 or not name else self._do("copy", total, name=name)

    def _scaled(self, operand: Operand, factor: Number, name: str) -> Operand:
        if factor == 1:
            return self._do("copy", operand, name=name) if name else operand
        try:
            inexact = isinstance(factor, RATIONAL) and Fraction(float(factor)) != factor
        except OverflowError:
            raise ModelError("a number of this formula is too large to compute with") from None
        if inexact and factor.numerator == 1:
            return self._do("div", operand, float(factor.denominator), name=name)
        return self._do("mul", operand, float(exact(factor)), name=name)

    # Products -----------------------------------------------------------------------------------

    def _product(self, node: Node, name: str) -> Operand:
        powers: list[tuple[Node, Number]] = list(zip(node.args, node.data, strict=True))
        up = [(n, e) for n, e in powers if e > 0]
        down = [(n, -e) for n, e in powers if e < 0]
        if not down:
            return self._times(up, name)
        above = self._times(up, "") if up else 1.0
        return self._do("div", above, self._times(down, ""), name=name)

    def _times(self, powers: list[tuple[Node, Number]], name: str) -> Operand:
        if len(powers) == 1:
            return self._power(*powers[0], name=name)
        total = self._power(*powers[0])
        for position, (node, exponent) in enumerate(powers[1:], 2):
            factor = self._power(node, exponent)
            total = self._do("mul", total, factor, name=name if position == len(powers) else "")
        return total

    def _power(self, node: Node, exponent: Number, name: str = "") -> Operand:
        base = self.operand(node)
        if exponent == 1:
            return self._do("copy", base, name=name) if name else base
        whole, half = divmod(exponent, 1)
        if half not in (0, Fraction(1, 2)) or whole > _REPEATED_SQUARES:
            return self._do("pow", base, float(exponent), name=name)
        factors: list[Operand] = []
        square, bits = base, int(whole)
        while bits:
            if bits & 1:
                factors.append(square)
            bits >>= 1
            if bits:
                last = bits == 1 and not factors and not half
                square = self._do("square", square, name=name if last else "")
        if half:
            factors.append(self._do("sqrt", base, name="" if factors else name))
        return self._multiplied(factors, name)

    def _multiplied(self, factors: Sequence[Operand], name: str) -> Operand:
        total = factors[0]
        for position, factor in enumerate(factors[1:], 2):
            total = self._do("mul", total, factor, name=name if position == len(factors) else "")
        return total


def ordered(
    inputs: Iterable[str], defined: list[tuple[str, Node]], outputs: Iterable[str]
) -> tuple[list[Assignment], list[str]]:
    """Assignments and the temporaries among their names."""
    ordering = Ordering(inputs, defined, outputs)
    return ordering.assignments, ordering.temporaries


def needed(roots: Iterable[Node]) -> set[Node]:
    """All that the roots are made of."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args)
    return seen


def in_order(names: Mapping[str, Node], outputs: Iterable[str]) -> list[Node]:
    """What the outputs are made of, each node behind its operands."""
    return sorted(needed(names[name] for name in outputs), key=lambda node: node.id)


def renamed(
    names: Mapping[str, Node], done: Mapping[Node, Node], outputs: Iterable[str]
) -> dict[str, Node]:
    """The names for nodes of another graph, of those that the outputs need there."""
    nodes = {name: done[node] for name, node in names.items() if node in done}
    reached = needed(nodes[name] for name in outputs)
    return {name: node for name, node in nodes.items() if node in reached}


def rebuilt(
    graph: Graph,
    names: Mapping[str, Node],
    outputs: Sequence[str],
    stages: Iterable[str],
    again: Callable[[Node, list[Node]], Node],
) -> dict[str, Node]:
    """What the outputs need, in a new graph with rules of its own.

    Args:
        graph: The new graph.
        names: The nodes of another graph.
        outputs: The names that are asked for.
        stages: Names that have no value where their formulas have none.
        again: Makes the like of a node on operands of the new graph.
    """
    done: dict[Node, Node] = {}
    exact = needed(names[name] for name in stages if name in names)
    for node in in_order(names, outputs):
        graph.exact = node in exact
        new = done[node] = again(node, [done[arg] for arg in node.args])
        new.named = new.named or (node.named and new.op not in ("const", "input"))
    return renamed(names, done, outputs)
