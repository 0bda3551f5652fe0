"""A planned graph of arrays as assignments in order; small factors and terms first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from symderive.formulas.arrays.syntax import Shape
from symderive.numeric.array_graph import SCALAR_NODES, ArrayGraph, broadcast
from symderive.numeric.graph import Node, Number, exact, over
from symderive.numeric.ordering import Ordering
from symderive.numeric.program import Assignment, Operand


@dataclass(frozen=True, slots=True)
class Step:
    """One assignment of a program of arrays.

    Attributes:
        name: What is assigned.
        op: A row of ``ops.OPS`` or of ``array_forms.FORMS``.
        operands: Names and numbers.
        data: What an array operation has besides its operands; None for one on entries.
        shape: The shape of the result.
    """

    name: str
    op: str
    operands: tuple[Operand, ...]
    data: Any
    shape: Shape


class ArrayOrdering(Ordering):
    """Collects the steps.

    Args:
        graph: The planned graph.
        inputs: Shapes of what is given, sizes of axes included.
        defined: Names and nodes, in order.
        outputs: Names that must exist at the end.
        number_of: A size as a number.
    """

    def __init__(
        self,
        graph: ArrayGraph,
        inputs: Mapping[str, Shape],
        defined: list[tuple[str, Node]],
        outputs: Iterable[str],
        number_of: Callable[[Expr], float],
    ) -> None:
        self.graph, self.number_of = graph, number_of
        self.steps: list[Step] = []
        self._forms: dict[str, tuple[str, Any]] = {}
        self._form_names: dict[tuple[str, Any], str] = {}
        self._shapes: dict[str, Shape] = dict(inputs)
        super().__init__(inputs, defined, outputs)

    def _compute(self, node: Node) -> Operand:
        if node.data is None or node.op in SCALAR_NODES:
            if node.op == "group" and node.args[0].op == "mul" and not node.args[0].named:
                return self._product(node.args[0], self._primary.get(node, ""))
            return super()._compute(node)
        key = node.op, node.data
        op = self._form_names.setdefault(key, f"{node.op} #{len(self._form_names)}")
        self._forms[op] = key
        name = self._primary.get(node, "")
        made = self._do(op, *(self.operand(arg) for arg in node.args), name=name)
        if isinstance(made, str):
            self._shapes[made] = self.graph.shape(node)
        return made

    def _do(self, op: str, *operands: Operand, name: str = "") -> Operand:
        made = super()._do(op, *operands, name=name)
        if isinstance(made, str) and made not in self._shapes:
            self._shapes[made] = broadcast(
                self._shapes[o] if isinstance(o, str) else () for o in operands
            )
        return made

    def finish(self) -> list[Step]:
        """The assignments with their shapes."""
        return [self._step(made) for made in self.assignments]

    def _step(self, made: Assignment) -> Step:
        op, data = self._forms.get(made.op, (made.op, None))
        if made.name not in self._shapes:  # an output that is another name
            (operand,) = made.operands
            self._shapes[made.name] = self._shapes[operand] if isinstance(operand, str) else ()
        return Step(made.name, op, made.operands, data, self._shapes[made.name])

    # Sizes ----------------------------------------------------------------------------------

    def _size(self, node: Node) -> float:
        size = 1.0
        for axis in self.graph.shape(node):
            size *= self.number_of(axis)
        return size

    def _signed_sum(self, constant: Number, terms: list[tuple[Node, Number]], name: str) -> Operand:
        if len({self.graph.shape(n) for n, _ in terms}) > 1:
            terms = sorted(terms, key=lambda term: self._size(term[0]))
        return super()._signed_sum(constant, terms, name)

    def _sum(self, node: Node, name: str) -> Operand:
        constant, factors = node.data
        (first, *more) = node.args
        if more or constant != 0 or not self._mixed(first):
            return super()._sum(node, name)
        return self._product(first, name, factors[0])

    def _mixed(self, node: Node) -> bool:
        """Whether it is a product of factors of different sizes that has no value yet."""
        new = node.op == "mul" and not node.named and node not in self._operands
        return new and len({self._size(n) for n in node.args}) > 1

    def _product(self, node: Node, name: str, factor: Number = 1) -> Operand:
        powers: list[tuple[Node, Number]] = list(zip(node.args, node.data, strict=True))
        sizes = {self._size(n) for n, _ in powers}
        if len(sizes) == 1:
            return super()._product(node, name)
        above: list[Operand] = []
        below: list[Operand] = []
        if factor != 1:
            inverse = over(1, factor)
            if isinstance(inverse, int) and not isinstance(factor, int):
                below.append(float(inverse))
            else:
                above.append(float(exact(factor)))
        groups = [[(n, e) for n, e in powers if self._size(n) == size] for size in sorted(sizes)]
        for position, group in enumerate(groups):
            last = position == len(groups) - 1
            if above and below:
                above, below = [self._do("div", self._all(above), self._all(below))], []
            above += [self._power(n, e) for n, e in group if e > 0]
            below += [self._power(n, -e) for n, e in group if not e > 0]
            if not last:
                above = [self._all(above)] if above else []
                below = [self._all(below)] if below else []
        if not below:
            return self._all(above, name)
        top = self._all(above) if above else 1.0
        return self._do("div", top, self._all(below), name=name)

    def _all(self, factors: list[Operand], name: str = "") -> Operand:
        if len(factors) == 1 and name:
            return self._do("copy", factors[0], name=name)
        return self._multiplied(factors, name)
