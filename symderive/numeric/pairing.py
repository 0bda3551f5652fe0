"""Products of several arrays in a good order: which pair first, and what NumPy does for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sympy import Expr, S

from symderive.numeric.array_graph import ArrayGraph, Labels
from symderive.numeric.graph import Node, Number
from symderive.numeric.tree_ops import squeeze

Factor = tuple[Node, Labels]
OVERHEAD = 1000.0  # what a call costs, in products of numbers
FAST = 0.08  # what a product costs inside a product of matrices
_DISSOLVE = ("add", "mul", "exp", "const")  # in a product; there the order would be lost
_HALF = Fraction(1, 2)
_SHORT = 64  # entries of an axis that NumPy is slow to run along
_ALL_ORDERS = 7  # factors; with more, the cheapest pair is taken first


@dataclass(slots=True)
class Product:
    """k · Π scalars · Σ Π factors · Π deltas."""

    sizes: dict[int, Expr]
    coefficient: Number = 1
    scalars: list[tuple[Node, Number]] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    deltas: list[tuple[int, int]] = field(default_factory=list)


class Pairs:
    """Makes a product of factors pair by pair.

    Args:
        graph: Where the nodes are made.
        number_of: A size as a number, for costs.

    Attributes:
        inverted: Inverses that something else than a product needs, too.
    """

    def __init__(self, graph: ArrayGraph, number_of: Callable[[Expr], float]) -> None:
        self.graph, self.number_of = graph, number_of
        self.inverted: set[Node] = set()

    # Order ----------------------------------------------------------------------------------

    def _cost_of(self, product: Product, labels: Sequence[int]) -> float:
        cost = 1.0
        for label in set(labels):
            cost *= self.number_of(product.sizes[label])
        return cost

    def ordered(self, product: Product, out: Labels) -> Factor:
        """The product of all factors, summed over what ``out`` lacks."""
        factors = self.summed_alone(product, out)
        scalars = [node for node, labels in factors if not labels]
        product.scalars += [(node, 1) for node in scalars]
        factors = [(node, labels) for node, labels in factors if labels]
        if not factors:
            return self.graph.one, ()
        square = self._symmetric(factors, out) or self._square_of_products(factors, out, product)
        if square is not None:
            return square
        if len(out) > 2:
            factors = self._by_first_axis(factors, out)
        for left, right in self._best_order(factors, out, product):
            pair = factors[left], factors[right]
            rest = [f for i, f in enumerate(factors) if i not in (left, right)]
            keep = {*out, *(x for _, labels in rest for x in labels)}
            factors = [*rest, self._pair(*pair, keep, out, product)]
        node, labels = factors[0]
        return self._alone(node, labels, set(out), product)

    def summed_alone(self, product: Product, out: Labels) -> list[Factor]:
        """The factors, each summed over the axes that no other has."""
        counts = Counter(x for _, labels in product.factors for x in set(labels))
        return [
            self._alone(node, labels, {x for x in labels if x in out or counts[x] > 1}, product)
            for node, labels in product.factors
        ]

    def _alone(self, node: Node, labels: Labels, keep: set[int], product: Product) -> Factor:
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
        self, factors: Sequence[Factor], out: Labels, product: Product
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
        self, a: frozenset[int], b: frozenset[int], keep: frozenset[int], product: Product
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

    def _square_of_products(
        self, factors: Sequence[Factor], out: Labels, product: Product
    ) -> Factor | None:
        """Σ s·(A·B·…)(A·B·…) for s ≥ 0, each factor there twice: F·F with F = √s·A·B·…."""
        summed = {x for _, labels in factors for x in labels} - set(out)
        weights = [f for f in factors if set(f[1]) <= summed]
        rest = self._by_first_axis([f for f in factors if f not in weights], out)
        if not summed or any(summed - set(labels) for _, labels in rest):
            return None
        if len(rest) < 4 or not all(nonnegative(weight) for weight, _ in weights):
            return None
        mine: list[Factor] = []
        twins: dict[int, int] = {}
        while rest:
            node, labels = rest.pop(0)
            twin = next(
                (f for f in rest if f[0] is node and self._turned(labels, f[1], summed, twins)),
                None,
            )
            if twin is None:
                return None
            rest.remove(twin)
            mine.append((node, labels))
            twins.update((a, b) for a, b in zip(labels, twin[1], strict=True) if a not in summed)
        if sorted([*twins, *twins.values()]) != sorted(out):
            return None
        if weights:
            weight, *more = weights
            for factor in more:
                weight = self._times(weight, factor, out, product)
            mine.append((self.graph.mul(1, [(weight[0], _HALF)]), weight[1]))
        whole, *others = mine
        for factor in others:
            whole = self._times(whole, factor, out, product)
        node, labels = whole
        axes = tuple(axis for axis, x in enumerate(labels) if x in summed)
        rows = tuple(x for x in labels if x not in summed)
        made = self.graph.array("tensordot", (node, node), (axes, axes))
        return made, (*rows, *(twins[x] for x in rows))

    def _by_first_axis(self, factors: Sequence[Factor], out: Labels) -> list[Factor]:
        """Of equal factors those of the first axes come first: other terms need them, too."""
        places = {x: place for place, x in enumerate(out)}
        return sorted(factors, key=lambda f: min(places.get(x, len(out)) for x in f[1]))

    def _turned(self, one: Labels, other: Labels, summed: set[int], twins: dict[int, int]) -> bool:
        """Whether the summed axes of two factors are the same, and no other axis is."""
        return all(
            a == b if a in summed or b in summed else a != b and twins.get(a, b) == b
            for a, b in zip(one, other, strict=True)
        )

    def _pair(
        self, left: Factor, right: Factor, keep: set[int], out: Labels, product: Product
    ) -> Factor:
        (a, la), (b, lb) = left, right
        shared = [x for x in la if x in lb]
        summed = [x for x in shared if x not in keep]
        batch = [x for x in shared if x in keep]
        mine, theirs = [x for x in la if x not in lb], [x for x in lb if x not in la]
        if not summed:
            return self._times(left, right, out, product)
        if batch:
            return self._batched(left, right, summed, batch, mine, theirs, out)
        if len(summed) == 1 and len(mine) <= 1 and len(theirs) <= 1:
            if mine and theirs and self._swaps(mine[0], theirs[0], out):
                (a, la), (b, lb), mine, theirs = (b, lb), (a, la), theirs, mine
            k = summed[0]
            solved = self._solved(a, la, b, lb, k) or self._solved(b, lb, a, la, k)
            solved = solved or self._running(a, la, b, lb, k) or self._running(b, lb, a, la, k)
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
        if a.op != "inv" or a in self.inverted or self.graph.ndim(a) != 2 or len(lb) > 2:
            return None
        matrix = a.args[0] if la.index(k) == 1 else self.graph.view(a.args[0], (1, 0))
        rest = tuple(x for x in lb if x != k)
        made = self.graph.array("solve", (matrix, self._to(b, lb, (k, *rest))))
        row = la[1 - la.index(k)]
        return made, (row, *rest)

    def _running(self, a: Node, la: Labels, b: Node, lb: Labels, k: int) -> Factor | None:
        """A triangle of ones times an array is its running sum, from one end or the other."""
        turned = a.op == "view" and a.data == (1, 0)
        triangle = a.args[0] if turned else a
        if triangle.op not in ("tril", "triu") or triangle.data != 0 or len(la) != 2:
            return None
        filled = triangle.args[0]
        if filled.op != "fit" or filled.args[0] is not self.graph.one:
            return None
        lower = (triangle.op == "tril") != turned
        op = "cumsum" if lower == (la.index(k) == 1) else "cumsum_back"
        made = self.graph.array(op, (b,), (lb.index(k),))
        return made, tuple(la[1 - la.index(k)] if x == k else x for x in lb)

    def _times(self, left: Factor, right: Factor, out: Labels, product: Product) -> Factor:
        """A product entry by entry, with the axes in the order of the larger factor."""
        (a, la), (b, lb) = left, right
        if len(lb) > len(la):
            (a, la), (b, lb) = (b, lb), (a, la)
        extra = [x for x in lb if x not in la]
        order = [*la, *extra]
        if extra and all(x in out for x in order):
            order.sort(key=out.index)
        if extra and set(la) - set(lb):
            order = self._long_last(order, [x for x in la if x in lb], out, product)
        kept = tuple(order)
        parts = [self._in_place(node, labels, kept) for node, labels in ((a, la), (b, lb))]
        if any(part.op in _DISSOLVE for part in parts):
            return self.graph.array("times", parts), kept
        return self.graph.mul(1, [(part, 1) for part in parts]), kept

    def _long_last(
        self, order: Sequence[int], shared: Sequence[int], out: Labels, product: Product
    ) -> list[int]:
        """The axes with a long one at the end that both factors have: NumPy runs along it."""
        last = order[-1]
        long = [x for x in shared if x not in out and x != last]
        if not long:
            return list(order)
        length = {x: self.number_of(product.sizes[x]) for x in (*long, last)}
        longest = max(long, key=lambda x: length[x])
        if length[last] >= _SHORT or length[longest] <= _SHORT:
            return list(order)
        kept = sorted((x for x in order if x in out), key=out.index)
        return [*kept, *(x for x in order if x not in out and x != longest), longest]

    def _in_place(self, node: Node, labels: Labels, order: Labels) -> Node:
        """A factor with its axes among those of the order; turned ones are written anew."""
        inside = sorted(labels, key=order.index)
        turned = self._to(node, labels, inside)
        if turned is not node and len(order) > 2:
            turned = self.graph.array("compact", (turned,))
        return self.graph.beside(turned, inside, order)

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
    if node.op in ("view", "fit", "compact", "group", "sum", "index", "times"):
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
