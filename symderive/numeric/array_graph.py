"""Array programs as a graph: the scalar graph with shapes, and nodes for whole arrays.

Sums, products and functions of entries are the nodes of ``graph`` (and its stable forms apply to
them); they broadcast. Everything else is a node with ``data``: above all ``contract``, a sum of
products over labelled axes, which matrix products, sums, traces and einsum all are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Min, S, expand

from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.placing import indexed_shape
from symderive.formulas.arrays.syntax import Shape
from symderive.numeric.from_sympy import node_of
from symderive.numeric.graph import Graph, Node, Rule, single

Labels = tuple[int, ...]
SCALAR_NODES = frozenset(["const", "input", "add", "mul"])


def broadcast(shapes: Iterable[Shape]) -> Shape:
    """NumPy's broadcasting of shapes that are known to fit.

    >>> from sympy import Symbol
    >>> broadcast([(Symbol("m"), S.One), (Symbol("n"),)])
    (m, n)
    """
    result: list[Expr] = []
    for shape in shapes:
        missing = len(shape) - len(result)
        if missing > 0:
            result = [*shape[:missing], *result]
        start = len(result) - len(shape)
        for axis, size in enumerate(shape, start):
            if result[axis] is S.One:
                result[axis] = size
    return tuple(result)


class ArrayGraph(Graph):
    """Nodes with shapes.

    Args:
        inputs: Shape of each name that the program is given.
        rules: As for ``Graph``; array nodes are looked up by their ``op`` too.
        calls: As for ``Graph``.
        expansions: What array nodes are built from, by ``op``.
    """

    def __init__(
        self,
        inputs: Mapping[str, Shape],
        rules: Mapping[str, Iterable[Rule]] | None = None,
        calls: Mapping[str, Callable[..., Node]] | None = None,
        expansions: Mapping[str, Callable[..., Node]] | None = None,
    ) -> None:
        self.inputs = inputs
        self.expansions = expansions or {}
        self._shape_of: dict[int, Shape] = {}
        super().__init__(rules, calls)

    def shape(self, node: Node) -> Shape:
        """The shape of a node."""
        return self._shape_of[node.id]

    def ndim(self, node: Node) -> int:
        """The number of its axes."""
        return len(self._shape_of[node.id])

    def _node(self, op: str, args: tuple[Node, ...], data: Any, key: Any) -> Node:
        node = self._nodes.get(key)
        if node is None:
            node = super()._node(op, args, data, key)
            shapes = [self._shape_of[arg.id] for arg in args]
            if op == "input":
                shape = self.inputs.get(data, ())
            elif data is not None and op not in SCALAR_NODES:
                shape = SHAPES[op](shapes, data)
            else:
                shape = broadcast(shapes)
            self._shape_of[node.id] = shape
        return node

    def call(self, op: str, *args: Node) -> Node:
        """A function of nodes; a factor leaves abs(…), where it may join another."""
        scaled = single(args[0]) if op == "abs" else None
        if scaled is not None and not args[0].named:
            return self.scale(super().call("abs", scaled[0]), abs(scaled[1]))
        return super().call(op, *args)

    def size(self, value: Expr) -> Node:
        """The size of an axis as a number."""
        return node_of(value, self, {s.name: self.input(s.name) for s in value.free_symbols})

    # Array nodes ------------------------------------------------------------------------------

    def array(self, op: str, args: Sequence[Node], data: Any = ()) -> Node:
        """A node that is not entry by entry; ``data`` says all about it but its operands."""
        if op in self.expansions:
            return self.expansions[op](self, *args, data)
        node = self._node(op, tuple(args), data, (op, data, *(arg.id for arg in args)))
        return self._rewrite(node)

    def again(self, node: Node, args: Sequence[Node]) -> Node:
        """The like of a node of another graph, on operands of this one."""
        if node.op == "contract":
            return self.contract(list(zip(args, node.data[0], strict=True)), node.data[1])
        if node.op == "view":
            return self.view(args[0], node.data)
        if node.op == "fit":
            return self.fit(args[0], node.data)
        if node.data is not None and node.op not in SCALAR_NODES:
            return self.array(node.op, args, node.data)
        return super().again(node, args)

    def view(self, node: Node, axes: Sequence[int | None]) -> Node:
        """Axes in another order; None is a new axis of size 1.

        A transpose is ``(1, 0)``, a vector as a column ``(0, None)``.
        """
        if node.op == "view":
            inner = node.data
            axes = [None if axis is None else inner[axis] for axis in axes]
            node = node.args[0]
        if list(axes) == list(range(self.ndim(node))):
            return node
        if not self.ndim(node) and node.op == "const":
            return node
        return self.array("view", (node,), tuple(axes))

    def laid(self, node: Node, labels: Sequence[Any], wanted: Sequence[Any]) -> Node:
        """The axes by their labels in another order, with size 1 where there is none."""
        return self.view(node, [labels.index(x) if x in labels else None for x in wanted])

    def beside(self, node: Node, labels: Sequence[Any], wanted: Sequence[Any]) -> Node:
        """The same as it broadcasts: leading axes of size 1 are left out."""
        first = next((k for k, label in enumerate(wanted) if label in labels), len(wanted))
        return self.laid(node, labels, wanted[first:]) if first < len(wanted) else node

    def fit(self, node: Node, shape: Shape) -> Node:
        """The node, broadcast to a shape."""
        if node.op == "fit":
            node = node.args[0]
        return node if self.shape(node) == shape else self.array("fit", (node,), shape)

    def contract(self, factors: Sequence[tuple[Node, Labels]], output: Labels) -> Node:
        """Σ Π of factors over every label that the output lacks."""
        numbers: dict[int, int] = {}
        for label in (label for _, labels in factors for label in labels):
            numbers.setdefault(label, len(numbers))
        inside = tuple(tuple(numbers[x] for x in labels) for _, labels in factors)
        out = tuple(numbers[x] for x in output)
        if len(factors) == 1 and sorted(inside[0]) == sorted(out) == list(range(len(out))):
            return self.view(factors[0][0], [inside[0].index(x) for x in out])
        return self.array("contract", [node for node, _ in factors], (inside, out))

    def total(self, node: Node, axes: Sequence[int], keepdims: bool = False) -> Node:
        """The sum over axes."""
        rank = self.ndim(node)
        kept = [axis for axis in range(rank) if axis not in axes]
        result = self.contract([(node, tuple(range(rank)))], tuple(kept))
        return self.kept(result, axes, rank) if keepdims else result

    def kept(self, node: Node, axes: Sequence[int], rank: int) -> Node:
        """The reduced axes put back with size 1."""
        places = iter(range(rank))
        return self.view(node, [None if axis in axes else next(places) for axis in range(rank)])


# Shapes of array nodes ------------------------------------------------------------------------

Shapes = Sequence[Shape]


def label_sizes(labels: Sequence[Labels], shapes: Shapes) -> dict[int, Expr]:
    """The size of each label of some arrays, that of an axis which is not spread."""
    sizes: dict[int, Expr] = {}
    for own, shape in zip(labels, shapes, strict=True):
        for label, size in zip(own, shape, strict=True):
            if sizes.get(label, S.One) is S.One:
                sizes[label] = size
    return sizes


def _contract_shape(shapes: Shapes, data: tuple[tuple[Labels, ...], Labels]) -> Shape:
    sizes = label_sizes(data[0], shapes)
    return tuple(sizes[label] for label in data[1])


def _view_shape(shapes: Shapes, axes: Sequence[int | None]) -> Shape:
    return tuple(S.One if axis is None else shapes[0][axis] for axis in axes)


def reduced(shape: Shape, axes: Sequence[int], keepdims: bool = False) -> Shape:
    """The shape without some axes, or with size 1 in their place."""
    if keepdims:
        return tuple(S.One if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _matmul_shape(shapes: Shapes, _: Any) -> Shape:
    left, right = shapes
    batch = broadcast([left[:-2], right[:-2]])
    return (*batch, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _tensordot_shape(shapes: Shapes, axes: tuple[Sequence[int], Sequence[int]]) -> Shape:
    return reduced(shapes[0], axes[0]) + reduced(shapes[1], axes[1])


def _concatenate_shape(shapes: Shapes, axis: int) -> Shape:
    total = sum((shape[axis] for shape in shapes), S.Zero)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def _spread_shape(shapes: Shapes, data: tuple[Labels, Labels]) -> Shape:
    labels, out = data
    return tuple(shapes[0][labels.index(x)] for x in out)


def _convolution_shape(shapes: Shapes, data: Any) -> Shape:
    (_, mode), (_, n) = data
    size = shapes[0][0] - 1
    return (expand(n + size if mode == "full" else n - size), n)


def _same(shapes: Shapes, _: Any) -> Shape:
    return shapes[0]


SHAPES: Mapping[str, Callable[[Shapes, Any], Shape]] = {
    "contract": _contract_shape,
    "view": _view_shape,
    "fit": lambda _, shape: shape,
    "reshape": lambda _, shape: shape,
    "index": lambda shapes, key: indexed_shape(shapes[0], key),
    "place": lambda _, data: data[1],
    "eye": lambda _, size: (size, size),
    "arange": lambda _, size: (size,),
    "gather": lambda shapes, _: broadcast(shapes[1:]),
    "windows": lambda shapes, data: (
        *shapes[0][: data[0]],
        data[1],
        *shapes[0][data[0] + 1 :],
        data[2],
    ),
    "diagonal": lambda shapes, data: tuple(shapes[0][data[0].index(x)] for x in data[1]),
    "embed": lambda shapes, _: (shapes[0][0], shapes[0][0]),
    "spread": _spread_shape,
    "add_spread": _same,
    "compact": _same,
    "sum": lambda shapes, axes: reduced(shapes[0], axes),
    "max_over": lambda shapes, axes: reduced(shapes[0], axes),
    "min_over": lambda shapes, axes: reduced(shapes[0], axes),
    "prod_over": lambda shapes, axes: reduced(shapes[0], axes),
    "logsumexp": lambda shapes, axes: reduced(shapes[0], axes),
    "norm": lambda shapes, axes: reduced(shapes[0], axes),
    "softmax": _same,
    "log_softmax": _same,
    "cumsum": _same,
    "cumsum_back": _same,
    "inv": _same,
    "cholesky": _same,
    "det": lambda shapes, _: shapes[0][:-2],
    "logdet": lambda shapes, _: shapes[0][:-2],
    "logdet_positive": lambda shapes, _: shapes[0][:-2],
    "eigvalsh": lambda shapes, _: shapes[0][:-1],
    "solve": lambda shapes, _: shapes[1],
    "matmul": _matmul_shape,
    "symmetric_product": lambda shapes, _: (shapes[0][1], shapes[0][1]),
    "times": lambda shapes, _: broadcast(shapes),
    "tensordot": _tensordot_shape,
    "vdot": lambda _, __: (),
    "einsum": _contract_shape,
    "concatenate": _concatenate_shape,
    **dict.fromkeys((*MATRIX_FUNCTIONS, "eigenvectors"), _same),
    **dict.fromkeys(("triu", "tril", "half_tril", "prod_others", "diagonal_sums"), _same),
    **dict.fromkeys(
        (f"{name}_frechet" for name in MATRIX_FUNCTIONS),
        lambda shapes, _: shapes[0] * (3 - len(shapes)),
    ),
    "convolution_matrix": _convolution_shape,
    "commutation": lambda _, data: (expand(data[0][1] * data[1][1]),) * 2,
    "svdvals": lambda shapes, _: (Min(*shapes[0]),),
    "left_vectors": lambda shapes, _: (shapes[0][0], Min(*shapes[0])),
    "right_vectors": lambda shapes, _: (shapes[0][1], Min(*shapes[0])),
    "polar": _same,
    **dict.fromkeys(("nuclear_norm", "spectral_norm"), lambda _, __: ()),
    "pinv": lambda shapes, _: shapes[0][::-1],
    "adjugate": _same,
    "convolve": lambda _, data: (data[1],),
    "correlate": lambda _, data: (data[1],),
    "matrix_power": _same,
}
