"""Sums of products collected: what a contraction is made of, and its result put in shape.

A ``contract`` node takes in the products and sums that only it uses, and deltas rename axes; the
rest is left to ``pairing``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import count
from typing import Any

from sympy import Expr, S

from symderive.numeric.array_graph import ArrayGraph, Labels
from symderive.numeric.graph import Node, Number, times
from symderive.numeric.pairing import Factor, Pairs, Product
from symderive.numeric.tree_ops import squeeze


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
        self.size_node = size_node
        self.done: dict[Node, Node] = {}
        self._instead: dict[
            Node, tuple[Node, Number]
        ] = {}  # a term of a sum that is multiplied out
        self._labels = count(1000)
        self.positive = positive
        self.pairs = Pairs(target, number_of)

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
            elif node.op == "mul" and self._on_a_diagonal(node):
                made = self._diagonal_product(node, tuple(range(self.source.ndim(node))))
            elif node.op == "view" and self._turned(node):
                inner = node.args[0]
                if inner.op == "mul":
                    made = self._diagonal_product(inner, node.data)
                else:
                    output = tuple(inner.data[1][axis] for axis in node.data)
                    made = self._contraction(inner, {}, output)
            elif node.op in ("add", "mul") and (turned := self._all_turned(node)):
                made = turned
            elif node.op == "add" and (common := self._with_common_factors(node)):
                made = self._spread_last(common)
            elif node.op == "add":
                made = self._spread_last(self.graph.again(node, [self.get(a) for a in node.args]))
            elif node.op == "logdet" and node.args[0] in self.positive:
                made = self.graph.array("logdet_positive", [self.get(node.args[0])])
            else:
                made = self.graph.again(node, [self.get(arg) for arg in node.args])
            if node.op == "inv" and (node.named or not self._only_multiplied(node)):
                self.pairs.inverted.add(made)
            made.named = made.named or (node.named and made.op not in ("const", "input"))
            self.done[node] = made
        return made

    def _all_turned(self, node: Node) -> Node | None:
        """A.T + B.T as (A + B).T: one array, which may be known already."""
        args = [self.get(arg) for arg in node.args]
        arrays = [arg for arg in args if self.graph.ndim(arg)]
        if not arrays or any(arg.op != "view" or None in arg.data for arg in arrays):
            return None
        rank = self.source.ndim(node)
        axes = arrays[0].data
        if any(arg.data != axes for arg in arrays) or len(axes) != rank:
            return None
        inner = [arg.args[0] if self.graph.ndim(arg) else arg for arg in args]
        return self.graph.view(self.graph.again(node, inner), axes)

    def _with_common_factors(self, node: Node) -> Node | None:
        """A @ K + B @ K as (A + B) @ K, where A and B are there entry by entry."""
        constant, factors = node.data
        rank = self.source.ndim(node)
        out = tuple(range(-rank, 0))
        left: list[tuple[Node, Number]] = []
        products: list[Product] = []
        for arg, factor in zip(node.args, factors, strict=True):
            product = self._as_product(arg, out) if rank == 2 else None
            if product is None or self.source.shape(arg) != self.source.shape(node):
                left.append((arg, factor))
            else:
                product.coefficient = times(product.coefficient, factor)
                products.append(product)
        count = len(products)
        merged: list[Product] = []
        while products:
            first = products.pop(0)
            for other in list(products):
                joined = self._joined(first, other, out)
                if joined is not None:
                    products.remove(other)
                    first = joined
            merged.append(first)
        if len(merged) == count:
            return None
        terms = [(self.get(arg), factor) for arg, factor in left]
        return self.graph.add(constant, [*terms, *((self._result(p, out), 1) for p in merged)])

    def _spread_last(self, node: Node) -> Node:
        """A sum with what is 0 but on a diagonal added there, to a whole array."""
        if node.op != "add":
            return node
        constant, factors = node.data
        shape = self.graph.shape(node)
        whole: list[tuple[Node, Number]] = []
        spread: list[tuple[Node, Number]] = []
        for arg, factor in zip(node.args, factors, strict=True):
            thin = arg.op == "spread" and not arg.named and self.graph.shape(arg) == shape
            (spread if thin else whole).append((arg, factor))
        if not spread or not any(self.graph.shape(arg) == shape for arg, _ in whole):
            return node
        made = self.graph.add(constant, whole)
        for arg, factor in spread:
            values = self.graph.scale(arg.args[0], factor)
            made = self.graph.array("add_spread", (made, values), arg.data)
        return made

    def _as_product(self, node: Node, out: Labels) -> Product | None:
        """A contraction, or one times arrays, that only one sum uses."""
        if not self._private(node) or self.source.ndim(node) != len(out):
            return None
        parts = zip(node.args, node.data, strict=True) if node.op == "mul" else ()
        inside = [n for n, e in parts if n.op == "contract" and e == 1 and self._private(n)]
        if node.op != "contract" and len(inside) != 1:
            return None
        product = Product(dict(zip(out, self.source.shape(node), strict=True)))
        self._gather(product, node, out, True)
        if product.deltas:
            return None
        self._missing_counted(product, out)
        product.factors = self.pairs.summed_alone(product, out)
        held = {*out, *(x for _, labels in product.factors for x in labels)}
        product.sizes = {x: size for x, size in product.sizes.items() if x in held}
        return product

    def _missing_counted(self, product: Product, kept: Sequence[int]) -> None:
        """An axis that is summed and that no factor has: as many equal terms."""
        held = {x for _, labels in product.factors for x in labels}
        for label in set(product.sizes) - held - set(kept):
            if product.sizes[label] is not S.One:
                product.scalars.append((self.size_node(product.sizes[label]), 1))

    def _joined(self, left: Product, right: Product, out: Labels) -> Product | None:
        """The sum of two products with a common factor that all their summed axes belong to."""
        for i, (node, mine) in enumerate(left.factors):
            for j, (other, theirs) in enumerate(right.factors):
                if other is not node:
                    continue
                names = {b: a for a, b in zip(mine, theirs, strict=True)}
                if any((a in out or b in out) and a != b for b, a in names.items()):
                    continue
                first = [f for place, f in enumerate(left.factors) if place != i]
                second = [
                    (n, tuple(names.get(x, x) for x in labels))
                    for place, (n, labels) in enumerate(right.factors)
                    if place != j
                ]
                axes = {x for _, labels in first for x in labels}
                summed = axes - set(out)
                fits = all(
                    {x for _, labels in rest for x in labels} == axes
                    and any(set(labels) == axes for _, labels in rest)
                    for rest in (first, second)
                )
                if not fits or not summed or len(axes) < 2 or summed != set(mine) - set(out):
                    continue
                order = (*(x for x in out if x in axes), *sorted(summed))
                parts = [
                    self._entries(left, first, order, left.sizes),
                    self._entries(right, second, order, left.sizes),
                ]
                total = self.graph.add(0, [(part, 1) for part in parts])
                return Product(left.sizes, factors=[(total, order), (node, mine)])
        return None

    def _entries(
        self, product: Product, factors: Sequence[Factor], order: Labels, sizes: dict[int, Expr]
    ) -> Node:
        """Factors entry by entry, with the numbers before them."""
        rest = Product(sizes, product.coefficient, list(product.scalars), list(factors))
        node, labels = self.pairs.ordered(rest, order)
        return self._scaled(self.graph.view(node, [labels.index(x) for x in order]), rest)

    def _on_a_diagonal(self, node: Node) -> bool:
        """Whether it is an array of more than two axes times an identity matrix."""
        parts = [arg.args[0] if arg.op == "view" else arg for arg in node.args]
        return self.source.ndim(node) > 2 and any(
            part.op == "eye" and e == 1 for part, e in zip(parts, node.data, strict=True)
        )

    def _diagonal_product(self, node: Node, output: Labels) -> Node:
        product = Product(dict(enumerate(self.source.shape(node))))
        self._gather_product(product, node, tuple(range(self.source.ndim(node))))
        return self._result(product, output)

    def _turned(self, node: Node) -> bool:
        """Whether it is another order of the axes of a contraction that nothing else uses."""
        inner = node.args[0]
        if not self._private(inner) or None in node.data:
            return False
        return inner.op == "contract" or (inner.op == "mul" and self._on_a_diagonal(inner))

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
        opened = self._sum_with_eye(node)
        if opened is not None:
            terms = []
            for term in zip(opened.args, opened.data[1], strict=True):
                self._instead[opened] = term
                terms.append((self._contraction(node, scalars, output), 1))
            del self._instead[opened]
            return self._spread_last(self.graph.add(0, terms))
        product = Product({})
        product.scalars += [(self.get(n), e) for n, e in scalars.items()]
        inside, own = node.data
        for arg, labels in zip(node.args, inside, strict=True):
            for label, size in zip(labels, self.source.shape(arg), strict=True):
                if product.sizes.get(label, S.One) is S.One:
                    product.sizes[label] = size
        for arg, labels in zip(node.args, inside, strict=True):
            self._gather(product, arg, labels, True)
        return self._result(product, own if output is None else output)

    def _sum_with_eye(self, node: Node) -> Node | None:
        """A factor δ − P with a batch of P: of δ·X·X no sum over the batch needs the diagonal."""
        stack = [*node.args]
        while stack:
            part = stack.pop()
            if part in self._instead or not self._private(part):
                continue
            if part.op == "add" and part.data[0] == 0 and self.source.ndim(part) > 2:
                inner = [arg.args[0] if arg.op == "view" else arg for arg in part.args]
                if any(arg.op == "eye" for arg in inner):
                    return part
            if part.op == "view":
                stack += part.args
            elif part.op == "mul":  # a square of a sum is not the sum of its squares
                stack += [arg for arg, e in zip(part.args, part.data, strict=True) if e == 1]
        return None

    def _gather(self, product: Product, node: Node, labels: Labels, top: bool) -> None:
        """Add a factor of the source graph to a product; ``top`` where it stands in it itself."""
        if node in self._instead:
            node, factor = self._instead[node]
            product.coefficient = times(product.coefficient, factor)
            labels = labels[len(labels) - self.source.ndim(node) :]
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
            self._gather(product, node.args[0], inner, private)
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

    def _gather_product(self, product: Product, node: Node, labels: Labels) -> None:
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

    def _gather_contraction(self, product: Product, node: Node, labels: Labels) -> None:
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

    def _result(self, product: Product, output: Labels) -> Node:
        sizes = product.sizes
        shape = tuple(sizes[label] for label in output)
        names = self._contract_deltas(product, output)
        wanted = tuple(names.get(x, x) for x in output)
        product.factors = [
            (node, tuple(names.get(x, x) for x in labels)) for node, labels in product.factors
        ]
        self._missing_counted(product, (*wanted, *names))
        held = {x for _, labels in product.factors for x in labels}
        out = tuple(dict.fromkeys(x for x in wanted if x in held))
        node, labels = self.pairs.ordered(product, out)
        node = self._scaled(node, product)
        if len(set(wanted)) < len(wanted):
            return self._embedded(node, labels, wanted, shape)
        if self.graph.ndim(node) or shape:
            node = self.graph.laid(node, labels, wanted)
        return self.graph.fit(node, shape)

    def _contract_deltas(self, product: Product, output: Labels) -> dict[int, int]:
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
        own = tuple(dict.fromkeys(wanted))
        node = self.graph.laid(node, labels, own)
        node = self.graph.fit(node, tuple(shape[wanted.index(x)] for x in own))
        places = tuple(own.index(x) for x in wanted)
        return self.graph.array("spread", (node,), (tuple(range(len(own))), places))

    def _scaled(self, node: Node, product: Product) -> Node:
        made = self.graph.mul(1, [(node, 1), *product.scalars]) if product.scalars else node
        return self.graph.scale(made, product.coefficient)
