"""Sums of products put in order: which two factors first, and what NumPy does for each pair.

A ``contract`` node takes in the products and sums that only it uses; deltas rename axes; then the
cheapest order of pairs is found by trying all of them, and each pair becomes a product by BLAS, a
product entry by entry, or, where neither can, an einsum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any

from sympy import Expr, S

from symderive.numeric.array_graph import ArrayGraph, Labels
from symderive.numeric.from_trees import squeeze
from symderive.numeric.graph import Node, Number, times

Factor = tuple[Node, Labels]
OVERHEAD = 1000.0  # what a call costs, in products of numbers
FAST = 0.08  # what a product costs inside a product of matrices
_HALF = Fraction(1, 2)
_ALL_ORDERS = 7  # factors; with more, the cheapest pair is taken first


@dataclass(slots=True)
class _Product:
    """k · Π scalars · Σ Π factors · Π deltas."""

    sizes: dict[int, Expr]
    coefficient: Number = 1
    scalars: list[tuple[Node, Number]] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    deltas: list[tuple[int, int]] = field(default_factory=list)


class Planner:
    """Rebuilds a graph with its contractions planned.

    Args:
        source: The graph.
        target: Where the result is made.
        uses: How often each node is used.
        number_of: A size as a number, for costs.
        size_node: A size as a node of the target.
        positive: Nodes of the source that are positive definite matrices.
    """

    def __init__(
        self,
        source: ArrayGraph,
        target: ArrayGraph,
        uses: Counter[Node],
        number_of: Callable[[Expr], float],
        size_node: Callable[[Expr], Node],
        positive: Container[Node] = (),
    ) -> None:
        self.source, self.graph, self.uses = source, target, uses
        self.number_of, self.size_node = number_of, size_node
        self.done: dict[Node, Node] = {}
        self._labels = count(1000)
        self.positive = positive
        self._inverted: set[Node] = set()

    def rebuild(self, nodes: Sequence[Node]) -> None:
        """All nodes, in order of their numbers; those that a contraction takes in are left out."""
        kinds: dict[Node, set[str]] = {}
        for node in reversed(nodes):
            users = kinds.get(node, set())
            inside = node.op in ("view", "mul") and self._private(node) and users <= {"contract"}
            through = users if inside or (node.op == "view" and not node.named) else {node.op}
            for arg in node.args:
                kinds.setdefault(arg, set()).update(through)
        self._kinds = kinds
        self._only_contracted = {n for n, ops in kinds.items() if ops == {"contract"}}
        for node in nodes:
            taken_in = self._private(node) and node.op in ("contract", "mul", "view", "add", "inv")
            if not (taken_in and node in self._only_contracted):
                self.get(node)

    def _private(self, node: Node) -> bool:
        return not node.named and self.uses[node] == 1

    def get(self, node: Node) -> Node:
        """The node in the target."""
        made = self.done.get(node)
        if made is None:
            if node.op == "contract":
                made = self._contraction(node, {})
            elif node.op == "mul" and (inner := self._scaled_contraction(node)):
                scalars = {
                    n: e for n, e in zip(node.args, node.data, strict=True) if n is not inner
                }
                made = self._contraction(inner, scalars)
            elif node.op == "view" and self._turned(node):
                inner = node.args[0]
                output = tuple(inner.data[1][axis] for axis in node.data)
                made = self._contraction(inner, {}, output)
            elif node.op == "logdet" and node.args[0] in self.positive:
                made = self.graph.array("logdet_positive", [self.get(node.args[0])])
            else:
                made = self.graph.again(node, [self.get(arg) for arg in node.args])
            if node.op == "inv" and (node.named or not self._only_multiplied(node)):
                self._inverted.add(made)
            made.named = made.named or (node.named and made.op not in ("const", "input"))
            self.done[node] = made
        return made

    def _turned(self, node: Node) -> bool:
        """Whether it is another order of the axes of a contraction that nothing else uses."""
        inner = node.args[0]
        return inner.op == "contract" and self._private(inner) and None not in node.data

    def _only_multiplied(self, node: Node) -> bool:
        """Whether only products need an inverse."""
        return self._kinds.get(node, set()) <= {"contract"}

    def _scaled_contraction(self, node: Node) -> Node | None:
        """The one array among scalars, if it is a contraction that nothing else uses."""
        arrays = [(n, e) for n, e in zip(node.args, node.data, strict=True) if self.source.ndim(n)]
        if len(arrays) != 1 or arrays[0][1] != 1 or arrays[0][0].op != "contract":
            return None
        return arrays[0][0] if self._private(arrays[0][0]) else None

    # Taking in ------------------------------------------------------------------------------

    def _contraction(
        self, node: Node, scalars: Mapping[Node, Number], output: Labels | None = None
    ) -> Node:
        product = _Product({})
        product.scalars += [(self.get(n), e) for n, e in scalars.items()]
        inside, own = node.data
        for arg, labels in zip(node.args, inside, strict=True):
            for label, size in zip(labels, self.source.shape(arg), strict=True):
                if product.sizes.get(label, S.One) is S.One:
                    product.sizes[label] = size
        for arg, labels in zip(node.args, inside, strict=True):
            self._gather(product, arg, labels, True)
        return self._result(product, own if output is None else output)

    def _gather(self, product: _Product, node: Node, labels: Labels, top: bool) -> None:
        """Add a factor of the source graph to a product; ``top`` where it stands in it itself."""
        shape = self.source.shape(node)
        gone = [
            axis
            for axis, (label, size) in enumerate(zip(labels, shape, strict=True))
            if size is S.One and product.sizes[label] is not S.One
        ]
        private = self._private(node) and top
        if node.op == "const":
            product.coefficient = times(product.coefficient, node.data)
        elif node.op == "view":
            places = [
                (axis, x) for axis, x in zip(node.data, labels, strict=True) if axis is not None
            ]
            inner = tuple(x for _, x in sorted(places))
            self._gather(product, node.args[0], inner, private or not node.named)
        elif node.op == "fit":
            inner = labels[len(labels) - self.source.ndim(node.args[0]) :]
            self._gather(product, node.args[0], inner, private)
        elif node.op == "eye":
            product.deltas.append((labels[0], labels[1]))
        elif node.op == "mul" and private and not gone and self._opens(node):
            self._gather_product(product, node, labels)
        elif node.op == "add" and private and len(node.args) == 1 and node.data[0] == 0:
            product.coefficient = times(product.coefficient, node.data[1][0])
            self._gather(product, node.args[0], labels, self.uses[node.args[0]] == 1)
        elif node.op == "contract" and private and not gone:
            self._gather_contraction(product, node, labels)
        elif not shape:
            product.scalars.append((self.get(node), 1))
        else:
            kept = [axis for axis in range(len(shape)) if axis not in gone]
            made = squeeze(self.graph, self.get(node), kept)
            product.factors.append((made, tuple(labels[axis] for axis in kept)))

    def _opens(self, node: Node) -> bool:
        """Whether some factor of a product may stand by itself in a contraction."""
        return any(
            e in (1, 2) or not self.source.ndim(n)
            for n, e in zip(node.args, node.data, strict=True)
        )

    def _gather_product(self, product: _Product, node: Node, labels: Labels) -> None:
        rest: list[tuple[Node, Number]] = []
        for arg, exponent in zip(node.args, node.data, strict=True):
            rank = self.source.ndim(arg)
            if not rank:
                product.scalars.append((self.get(arg), exponent))
            elif exponent in (1, 2):
                for _ in range(exponent):
                    self._gather(product, arg, labels[len(labels) - rank :], True)
            else:
                rest.append((self.get(arg), exponent))
        if rest:
            made = self.graph.mul(1, rest)
            shape = self.graph.shape(made)
            own = labels[len(labels) - len(shape) :]
            kept = [
                axis
                for axis, (label, size) in enumerate(zip(own, shape, strict=True))
                if size is not S.One or product.sizes[label] is S.One
            ]
            factor = squeeze(self.graph, made, kept), tuple(own[axis] for axis in kept)
            product.factors.append(factor)

    def _gather_contraction(self, product: _Product, node: Node, labels: Labels) -> None:
        inside, output = node.data
        names = dict(zip(output, labels, strict=True))
        for arg, own in zip(node.args, inside, strict=True):
            for label, size in zip(own, self.source.shape(arg), strict=True):
                if label not in names:
                    names[label] = next(self._labels)
                if product.sizes.get(names[label], S.One) is S.One:
                    product.sizes[names[label]] = size
        for arg, own in zip(node.args, inside, strict=True):
            self._gather(product, arg, tuple(names[x] for x in own), True)

    # The result -----------------------------------------------------------------------------

    def _result(self, product: _Product, output: Labels) -> Node:
        sizes = product.sizes
        shape = tuple(sizes[label] for label in output)
        names = self._contract_deltas(product, output)
        wanted = tuple(names.get(x, x) for x in output)
        product.factors = [
            (node, tuple(names.get(x, x) for x in labels)) for node, labels in product.factors
        ]
        held = {x for _, labels in product.factors for x in labels}
        for label in set(sizes) - held - set(wanted):
            if label not in names and sizes[label] is not S.One:
                product.scalars.append((self.size_node(sizes[label]), 1))
        out = tuple(dict.fromkeys(x for x in wanted if x in held))
        node, labels = self._ordered(product, out)
        node = self._scaled(node, product)
        if len(set(wanted)) < len(wanted):
            return self._embedded(node, labels, wanted, shape)
        node = (
            self.graph.view(node, [labels.index(x) if x in labels else None for x in wanted])
            if self.graph.ndim(node) or shape
            else node
        )
        return self.graph.fit(node, shape)

    def _contract_deltas(self, product: _Product, output: Labels) -> dict[int, int]:
        """Names for axes that deltas make one."""
        names: dict[int, int] = {}

        def of(label: int) -> int:
            while label in names:
                label = names[label]
            return label

        for left, right in product.deltas:
            a, b = of(left), of(right)
            if a == b:
                continue
            if b in output and a not in output:
                a, b = b, a
            names[b] = a
        return {label: of(label) for label in names}

    def _embedded(self, node: Node, labels: Labels, wanted: Labels, shape: Any) -> Node:
        """The result on a diagonal."""
        if len(wanted) == 2:
            if not labels:
                return self.graph.mul(1, [(node, 1), (self.graph.array("eye", (), shape[0]), 1)])
            return self.graph.array("embed", (node,))
        first: dict[int, int] = {}
        factors: list[tuple[Node, Number]] = []
        axes: list[int | None] = []
        for axis, label in enumerate(wanted):
            if label in first:
                eye = self.graph.array("eye", (), shape[axis])
                places: list[int | None] = [None] * len(wanted)
                places[first[label]], places[axis] = 0, 1
                factors.append((self.graph.view(eye, places), 1))
                axes.append(None)
            else:
                first[label] = axis
                axes.append(labels.index(label) if label in labels else None)
        return self.graph.fit(
            self.graph.mul(1, [(self.graph.view(node, axes), 1), *factors]), shape
        )

    def _scaled(self, node: Node, product: _Product) -> Node:
        made = self.graph.mul(1, [(node, 1), *product.scalars]) if product.scalars else node
        return self.graph.scale(made, product.coefficient)

    # Order ----------------------------------------------------------------------------------

    def _cost_of(self, product: _Product, labels: Sequence[int]) -> float:
        cost = 1.0
        for label in set(labels):
            cost *= self.number_of(product.sizes[label])
        return cost

    def _ordered(self, product: _Product, out: Labels) -> Factor:
        counts = Counter(x for _, labels in product.factors for x in set(labels))
        factors = [
            self._alone(node, labels, {x for x in labels if x in out or counts[x] > 1}, product)
            for node, labels in product.factors
        ]
        scalars = [node for node, labels in factors if not labels]
        product.scalars += [(node, 1) for node in scalars]
        factors = [(node, labels) for node, labels in factors if labels]
        if not factors:
            return self.graph.one, ()
        square = self._symmetric(factors, out)
        if square is not None:
            return square
        for left, right in self._best_order(factors, out, product):
            pair = factors[left], factors[right]
            rest = [f for i, f in enumerate(factors) if i not in (left, right)]
            keep = {*out, *(x for _, labels in rest for x in labels)}
            factors = [*rest, self._pair(*pair, keep, out, product)]
        node, labels = factors[0]
        return self._alone(node, labels, set(out), product)

    def _alone(self, node: Node, labels: Labels, keep: set[int], product: _Product) -> Factor:
        """A factor summed over the axes that it alone has; repeated axes are its diagonal."""
        if len(set(labels)) < len(labels):
            unique = tuple(dict.fromkeys(labels))
            node, labels = self.graph.array("diagonal", (node,), (labels, unique)), unique
        axes = tuple(axis for axis, label in enumerate(labels) if label not in keep)
        if axes:
            ones = [a for a in axes if self.graph.shape(node)[a] is S.One]
            if ones:
                node = squeeze(self.graph, node, [a for a in range(len(labels)) if a not in ones])
                labels = tuple(x for a, x in enumerate(labels) if a not in ones)
                axes = tuple(axis for axis, label in enumerate(labels) if label not in keep)
        if axes:
            node = self.graph.array("sum", (node,), axes)
            labels = tuple(x for a, x in enumerate(labels) if a not in axes)
        return node, labels

    def _best_order(
        self, factors: Sequence[Factor], out: Labels, product: _Product
    ) -> list[tuple[int, int]]:
        """Pairs of places; the result of a pair goes to the end of the list."""
        if len(factors) == 1:
            return []
        labels = [frozenset(labels) for _, labels in factors]
        exhaustive = len(factors) <= _ALL_ORDERS
        memo: dict[tuple[frozenset[int], ...], tuple[float, list[tuple[int, int]]]] = {}

        def best(state: tuple[frozenset[int], ...]) -> tuple[float, list[tuple[int, int]]]:
            if len(state) == 1:
                return 0.0, []
            if state in memo:
                return memo[state]
            options = []
            for i in range(len(state)):
                for j in range(i + 1, len(state)):
                    rest = tuple(s for k, s in enumerate(state) if k not in (i, j))
                    keep = frozenset(out).union(*rest)
                    cost = self._pair_cost(state[i], state[j], keep, product)
                    options.append((cost, (i, j), (*rest, (state[i] | state[j]) & keep)))
            if not exhaustive:
                options = [min(options, key=lambda option: option[0])]
            found = (float("inf"), [(0, 1)])
            for cost, pair, after in options:
                more, pairs = best(after)
                if cost + more < found[0]:
                    found = cost + more, [pair, *pairs]
            memo[state] = found
            return found

        return best(tuple(labels))[1]

    def _pair_cost(
        self, a: frozenset[int], b: frozenset[int], keep: frozenset[int], product: _Product
    ) -> float:
        work = self._cost_of(product, list(a | b))
        summed = (a & b) - keep
        if not summed:
            return OVERHEAD + 2 * work
        if a & b & keep:
            return OVERHEAD + 3 * work
        return OVERHEAD + (FAST if (a - b) and (b - a) else 1.0) * work

    # Pairs ----------------------------------------------------------------------------------

    def _symmetric(self, factors: Sequence[Factor], out: Labels) -> Factor | None:
        """Xᵀ diag(s) X for s ≥ 0 as (√s X)ᵀ(√s X), which BLAS computes half of."""
        if len(out) != 2 or len(factors) < 2:
            return None
        for i, (node, (*_,)) in enumerate(factors):
            mine = factors[i][1]
            twin = next((j for j in range(i + 1, len(factors)) if factors[j][0] is node), None)
            if twin is None or len(mine) != 2:
                continue
            common = set(mine) & set(factors[twin][1])
            if len(common) != 1 or common & set(out):
                continue
            (k,) = common
            axis = mine.index(k)
            if factors[twin][1].index(k) != axis:
                continue
            weights = [f for place, f in enumerate(factors) if place not in (i, twin)]
            if any(labels != (k,) or not nonnegative(weight) for weight, labels in weights):
                continue
            if weights:
                weight = self.graph.mul(1, [(w, 1) for w, _ in weights])
                root = self.graph.mul(1, [(weight, _HALF)])
                column = self.graph.view(root, (0, None)) if axis == 0 else root
                node = self.graph.array("times", (column, node))
            left, right = (self.graph.view(node, (1, 0)), node)
            if axis == 1:
                left, right = right, left
            row, column_label = mine[1 - axis], factors[twin][1][1 - axis]
            return self.graph.array("matmul", (left, right)), (row, column_label)
        return None

    def _pair(
        self, left: Factor, right: Factor, keep: set[int], out: Labels, product: _Product
    ) -> Factor:
        (a, la), (b, lb) = left, right
        shared = [x for x in la if x in lb]
        summed = [x for x in shared if x not in keep]
        batch = [x for x in shared if x in keep]
        mine, theirs = [x for x in la if x not in lb], [x for x in lb if x not in la]
        if not summed:
            return self._times(left, right, out)
        if batch:
            return self._batched(left, right, summed, batch, mine, theirs, out)
        if len(summed) == 1 and len(mine) <= 1 and len(theirs) <= 1:
            if mine and theirs and self._swaps(mine[0], theirs[0], out):
                (a, la), (b, lb), mine, theirs = (b, lb), (a, la), theirs, mine
            solved = self._solved(a, la, b, lb, summed[0]) or self._solved(b, lb, a, la, summed[0])
            if solved is not None:
                return solved
            if not mine and theirs:  # a matrix before a vector, as books have it
                (a, la), (b, lb), mine, theirs = (b, lb), (a, la), theirs, mine
            a, b = self._to(a, la, (*mine, *summed)), self._to(b, lb, (*summed, *theirs))
            return self.graph.array("matmul", (a, b)), (*mine, *theirs)
        if not mine and not theirs:
            return self.graph.array("vdot", (a, self._to(b, lb, la))), ()
        if mine and theirs and self._swaps(mine[0], theirs[0], out):
            (a, la), (b, lb), mine, theirs = (b, lb), (a, la), theirs, mine
        axes = tuple(la.index(x) for x in summed), tuple(lb.index(x) for x in summed)
        return self.graph.array("tensordot", (a, b), axes), (*mine, *theirs)

    def _swaps(self, mine: int, theirs: int, out: Labels) -> bool:
        if mine in out and theirs in out:
            return out.index(theirs) < out.index(mine)
        return False

    def _to(self, node: Node, labels: Labels, wanted: Sequence[int]) -> Node:
        return self.graph.view(node, [labels.index(x) for x in wanted])

    def _solved(self, a: Node, la: Labels, b: Node, lb: Labels, k: int) -> Factor | None:
        """inv(A) times an array is a linear system, where nothing else needs the inverse."""
        if a.op != "inv" or a in self._inverted or self.graph.ndim(a) != 2 or len(lb) > 2:
            return None
        matrix = a.args[0] if la.index(k) == 1 else self.graph.view(a.args[0], (1, 0))
        rest = tuple(x for x in lb if x != k)
        made = self.graph.array("solve", (matrix, self._to(b, lb, (k, *rest))))
        row = la[1 - la.index(k)]
        return made, (row, *rest)

    def _times(self, left: Factor, right: Factor, out: Labels) -> Factor:
        """A product entry by entry, with the axes in the order of the larger factor."""
        (a, la), (b, lb) = left, right
        if len(lb) > len(la):
            (a, la), (b, lb) = (b, lb), (a, la)
        extra = [x for x in lb if x not in la]
        order = [*la, *extra]
        if extra and all(x in out for x in order):
            order.sort(key=out.index)
        kept = tuple(order)
        parts = [
            self.graph.view(node, self._beside(labels, kept)) for node, labels in ((a, la), (b, lb))
        ]
        return self.graph.array("times", parts), kept

    def _beside(self, labels: Labels, order: Labels) -> list[int | None]:
        """The axes of a factor among those of the result; leading new ones are left out."""
        places = [labels.index(x) if x in labels else None for x in order]
        while places and places[0] is None:
            places.pop(0)
        return places

    def _batched(
        self,
        left: Factor,
        right: Factor,
        summed: list[int],
        batch: list[int],
        mine: list[int],
        theirs: list[int],
        out: Labels,
    ) -> Factor:
        (a, la), (b, lb) = left, right
        if len(summed) == 1 and len(mine) == 1 and len(theirs) == 1:
            if self._swaps(mine[0], theirs[0], out):
                (a, la), (b, lb), mine, theirs = (b, lb), (a, la), theirs, mine
            if all(x in out for x in batch):
                batch = sorted(batch, key=out.index)
            a = self._to(a, la, (*batch, *mine, *summed))
            b = self._to(b, lb, (*batch, *summed, *theirs))
            return self.graph.array("matmul", (a, b)), (*batch, *mine, *theirs)
        result = (*batch, *mine, *theirs)
        return self.graph.array("einsum", (a, b), _renumbered((la, lb), result)), result


def _renumbered(inside: Sequence[Labels], out: Labels) -> tuple[tuple[Labels, ...], Labels]:
    numbers: dict[int, int] = {}
    for labels in inside:
        for x in labels:
            numbers.setdefault(x, len(numbers))
    return tuple(tuple(numbers[x] for x in labels) for labels in inside), tuple(
        numbers[x] for x in out
    )


def nonnegative(node: Node) -> bool:
    """Whether no entry can be negative, as far as is seen easily."""
    if node.op == "const":
        return bool(node.data >= 0)
    if node.op in ("exp", "abs", "cosh", "step", "log1p_of_exp"):
        return True
    if node.op in ("view", "fit", "group", "sum", "index", "times"):
        return all(map(nonnegative, node.args))
    if node.op == "mul":
        return all(
            (isinstance(e, int) and e % 2 == 0) or nonnegative(n)
            for n, e in zip(node.args, node.data, strict=True)
        )
    if node.op == "add":
        constant, factors = node.data
        return constant >= 0 and all(
            k >= 0 and nonnegative(n) for n, k in zip(node.args, factors, strict=True)
        )
    return False
