"""What each operation on arrays is to the machine: how it is made of nodes, a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy import Expr, S, expand

from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.numeric.array_graph import ArrayGraph, Labels, label_sizes
from symderive.numeric.graph import RATIONAL, Node, linear

Options = Mapping[str, Any]
Make = Callable[[ArrayGraph, Sequence[Node], Options], Node]


def strip(node: Node) -> Node:
    """What is broadcast, where the user broadcasts anyway."""
    return node.args[0] if node.op == "fit" else node


# Entry by entry -------------------------------------------------------------------------------


def _add(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return graph.add(0, [(strip(arg), 1) for arg in args])


def _multiply(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return graph.mul(1, [(strip(arg), 1) for arg in args])


def _divide(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return graph.mul(1, [(strip(args[0]), 1), (strip(args[1]), -1)])


def _power(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    base, exponent = map(strip, args)
    constant, rest = linear(exponent)
    if not rest and isinstance(constant, RATIONAL):
        return graph.mul(1, [(base, constant)])
    if base.op == "const" and base.data > 0:
        return graph.call("exp", graph.mul(1, [(exponent, 1), (graph.call("log", base), 1)]))
    return graph.call("pow", base, exponent)


def _call(op: str) -> Make:
    def made(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
        result = args[0] if len(args) > 1 else graph.call(op, strip(args[0]))
        for arg in args[1:]:
            result = graph.call(op, strip(result), strip(arg))
        return result

    return made


def _where(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return graph.call("where", *map(strip, args))


# Sums of products -----------------------------------------------------------------------------


def labelled(graph: ArrayGraph, node: Node, labels: Labels, sizes: Sequence[Expr]) -> Any:
    """The node with the axes that are broadcast against ``sizes`` (not 1) taken off."""
    shape = graph.shape(node)
    if all(s is not S.One or size is S.One for s, size in zip(shape, sizes, strict=True)):
        return node, labels
    kept = [
        axis
        for axis, (s, size) in enumerate(zip(shape, sizes, strict=True))
        if s is not S.One or size is S.One
    ]
    return squeeze(graph, node, kept), tuple(labels[axis] for axis in kept)


def squeeze(graph: ArrayGraph, node: Node, kept: Sequence[int]) -> Node:
    """The node without the axes of size 1 that are not kept."""
    if len(kept) == graph.ndim(node):
        return node
    if node.op == "view" and all(a is None for i, a in enumerate(node.data) if i not in kept):
        return graph.view(node.args[0], [node.data[axis] for axis in kept])
    shape = graph.shape(node)
    key = tuple(
        ("slice", S.Zero, size, S.One) if axis in kept else ("int", S.Zero)
        for axis, size in enumerate(shape)
    )
    return graph.array("index", (node,), key)


def _matmul(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    left, right = args
    shapes = graph.shape(left), graph.shape(right)
    batch = max(len(shapes[0]), len(shapes[1]), 2) - 2
    row, inner, column = batch, batch + 1, batch + 2
    labels = [
        (*range(batch - (len(shapes[0]) - 2), batch), row, inner)
        if len(shapes[0]) > 1
        else (inner,),
        (*range(batch - (len(shapes[1]) - 2), batch), inner, column)
        if len(shapes[1]) > 1
        else (inner,),
    ]
    sizes = label_sizes(labels, shapes)
    factors = [
        labelled(graph, node, own, [sizes[x] for x in own])
        for node, own in zip(args, labels, strict=True)
    ]
    output = tuple(range(batch)) + (row,) * (row in labels[0]) + (column,) * (column in labels[1])
    return graph.contract(factors, output)


def _einsum(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    inputs, output = options["spec"].replace(" ", "").split("->")
    letters: dict[str, int] = {}

    def of(text: str) -> Labels:
        return tuple(letters.setdefault(x, len(letters)) for x in text)

    factors = [(node, of(own)) for node, own in zip(args, inputs.split(","), strict=True)]
    return graph.contract(factors, of(output))


def _sum(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.total(args[0], options["axis"], options["keepdims"])


def reduce(op: str) -> Make:
    """A reduction along axes; along all, if none are named."""

    def made(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
        rank = graph.ndim(args[0])
        axes = options.get("axis")
        axes = tuple(range(rank)) if axes is None else (axes,) if isinstance(axes, int) else axes
        result = graph.array(op, args, tuple(axes)) if axes else args[0]
        return graph.kept(result, axes, rank) if options.get("keepdims") and axes else result

    return made


def _along(op: str) -> Make:
    """An operation along one axis, or some, that keeps the shape."""

    def made(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
        axis = options["axis"]
        return graph.array(op, args, (axis,) if isinstance(axis, int) else tuple(axis))

    return made


# Axes and entries -----------------------------------------------------------------------------


def _transpose(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.view(args[0], options["axes"])


def _index(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    """Whole slices and new axes are a view."""
    key = options["key"]
    shape = graph.shape(args[0])
    axes: list[int | None] = []
    axis = 0
    for kind, *rest in key:
        if kind == "new":
            axes.append(None)
            continue
        if kind != "slice" or rest[0] != 0 or rest[1] != shape[axis] or rest[2] != 1:
            return graph.array("index", args, key)
        axes.append(axis)
        axis += 1
    return graph.view(args[0], [*axes, *range(axis, len(shape))])


def _place(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.array("place", args, (options["key"], options["shape"]))


def _fit(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.fit(args[0], options["shape"])


def _reshape(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.array("reshape", args, options["shape"])


def _eye(graph: ArrayGraph, _: Sequence[Node], options: Options) -> Node:
    return graph.array("eye", (), options["size"])


def _diag(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    rank = graph.ndim(args[0])
    eye = graph.array("eye", (), graph.shape(args[0])[-1])
    own = tuple(range(rank))
    return graph.contract([(args[0], own), (eye, (rank - 1, rank))], (*own, rank))


def _diagonal(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    batch = tuple(range(graph.ndim(args[0]) - 2))
    k = len(batch)
    return graph.contract([(args[0], (*batch, k, k))], (*batch, k))


def _trace(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    batch = tuple(range(graph.ndim(args[0]) - 2))
    return graph.contract([(args[0], (*batch, len(batch), len(batch)))], batch)


def _outer(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return graph.contract([(args[0], (0,)), (args[1], (1,))], (0, 1))


def _filled(value: int) -> Make:
    return lambda graph, _, options: graph.fit(graph.const(value), options["shape"])


def _plain(op: str) -> Make:
    return lambda graph, args, _: graph.array(op, args)


def _solve(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    return _matmul(graph, [graph.array("inv", args[:1]), args[1]], {})


def _concatenate(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    (axis,) = options["axis"]
    return graph.array("concatenate", args, axis)


def _stack(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    (axis,) = options["axis"]
    rank = graph.ndim(args[0])
    places: list[int | None] = list(range(rank))
    places.insert(axis, None)
    shape = graph.shape(args[0])
    one = (*shape[:axis], S.One, *shape[axis:])
    parts = [graph.fit(graph.view(arg, places), one) for arg in args]
    return graph.array("concatenate", parts, axis)


def _vec(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    shape = graph.shape(args[0])
    return graph.array("reshape", (graph.view(args[0], (1, 0)),), (expand(shape[0] * shape[1]),))


def _kron(graph: ArrayGraph, args: Sequence[Node], _: Options) -> Node:
    rank = graph.ndim(args[0])
    mine, theirs = tuple(range(0, 2 * rank, 2)), tuple(range(1, 2 * rank, 2))
    made = graph.contract([(args[0], mine), (args[1], theirs)], tuple(range(2 * rank)))
    pairs = zip(graph.shape(args[0]), graph.shape(args[1]), strict=True)
    return graph.array("reshape", (made,), tuple(expand(a * b) for a, b in pairs))


def _slid(op: str) -> Make:
    """Convolution and correlation of vectors."""

    def made(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
        left, right = graph.shape(args[0])[0], graph.shape(args[1])[0]
        sign = 1 if options["mode"] == "full" else -1
        size = expand(left + sign * (right - 1))
        return graph.array(op, args, (options["mode"], size))

    return made


def _triangle(op: str) -> Make:
    return lambda graph, args, options: graph.array(op, args, options["k"])


def _one_hot(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    labels = graph.view(args[0], [*range(graph.ndim(args[0])), None])
    same = graph.call("eq", labels, graph.array("arange", (), options["size"]))
    return graph.call("where", same, graph.one, graph.zero)


def _power_of_matrix(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    """Small powers are products, which other products may be put in order with."""
    k = options["k"]
    if not 0 < k <= 3:
        return graph.array("matrix_power", args, k)
    result = args[0]
    for _ in range(k - 1):
        result = _matmul(graph, [result, args[0]], {})
    return result


def _greatest(op: str) -> Make:
    """1 at the greatest (or least) entry along axes, shared evenly where several tie."""

    def made(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
        rank = graph.ndim(args[0])
        axes = tuple(options.get("axis", range(rank)))
        top = graph.kept(graph.array(op, args, axes), axes, rank)
        ones = graph.call("where", graph.call("eq", args[0], top), graph.one, graph.zero)
        return graph.mul(1, [(ones, 1), (graph.total(ones, axes, True), -1)])

    return made


def _prod_others(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    return graph.array("prod_others", args, _axes_of(graph, args[0], options))


# Normalisations -------------------------------------------------------------------------------


def _axes_of(graph: ArrayGraph, node: Node, options: Options) -> tuple[int, ...]:
    return tuple(options.get("axis", range(graph.ndim(node))))


def _mean_square(graph: ArrayGraph, x: Node, axes: Sequence[int]) -> Node:
    total = graph.total(graph.mul(1, [(x, 2)]), axes)
    sizes = [(graph.size(graph.shape(x)[axis]), -1) for axis in axes]
    return graph.mul(1, [(total, 1), *sizes])


def _root_mean_square(graph: ArrayGraph, x: Node, eps: Node, axes: Sequence[int]) -> Node:
    """√(mean of squares + ε) along axes."""
    mean = _mean_square(graph, x, axes)
    return graph.mul(1, [(graph.add(0, [(mean, 1), (strip(eps), 1)]), Fraction(1, 2))])


def std(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    """The standard deviation along axes, all entries counted."""
    axes = _axes_of(graph, args[0], options)
    mean = _mean_square(graph, _centred(graph, args[0], axes), axes)
    return graph.mul(1, [(mean, Fraction(1, 2))])


def _centred(graph: ArrayGraph, x: Node, axes: Sequence[int]) -> Node:
    """The array minus its mean along axes."""
    sizes = [(graph.size(graph.shape(x)[axis]), -1) for axis in axes]
    mean = graph.mul(1, [(graph.total(x, axes, True), 1), *sizes])
    return graph.call("group", graph.add(0, [(x, 1), (mean, -1)]))


def _normalised(centre: bool, divide: bool) -> Make:
    """√(mean square + ε) along axes, or the array over it; of the array minus its mean, or not."""

    def made(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
        x, eps = args
        axes = _axes_of(graph, x, options)
        x = _centred(graph, x, axes) if centre else x
        root = _root_mean_square(graph, x, eps, axes)
        if not divide:
            return root
        return graph.mul(1, [(x, 1), (graph.kept(root, axes, graph.ndim(x)), -1)])

    return made


def _patterned(op: str) -> Make:
    """A matrix with a pattern; what it needs besides its operands, in order of the names."""
    return lambda graph, args, options: graph.array(op, args, tuple(sorted(options.items())))


def _window_view(graph: ArrayGraph, args: Sequence[Node], options: Options) -> Node:
    k = options["k"]
    return graph.array("windows", args, (0, expand(graph.shape(args[0])[0] - k + 1), k))


READ: Mapping[str, Make] = {
    "add": _add,
    "negative": lambda graph, args, _: graph.scale(strip(args[0]), -1),
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "square": lambda graph, args, _: graph.mul(1, [(strip(args[0]), 2)]),
    "sqrt": lambda graph, args, _: graph.mul(1, [(strip(args[0]), Fraction(1, 2))]),
    "exp": _call("exp"),
    "where": _where,
    **{name: _call(op) for name, op in {"Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge"}.items()},
    **{name: _call(op) for name, op in {"Eq": "eq", "NotEq": "ne"}.items()},
    **{f"logical_{op}": _call(op) for op in ("and", "or", "not")},
    "maximum": _call("max"),
    "minimum": _call("min"),
    "matmul": _matmul,
    "dot": _matmul,
    "einsum": _einsum,
    "outer": _outer,
    "trace": _trace,
    "sum": _sum,
    **{name: reduce(f"{name}_over") for name in ("max", "min", "prod")},
    "logsumexp": reduce("logsumexp"),
    **{name: _along(name) for name in ("softmax", "log_softmax", "cumsum")},
    "transpose": _transpose,
    "index": _index,
    "place": _place,
    "broadcast_to": _fit,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "stack": _stack,
    "eye": _eye,
    "ones": _filled(1),
    "zeros": _filled(0),
    "diag": _diag,
    "diagonal": _diagonal,
    **{
        name: _plain(name)
        for name in (
            *("inv", "det", "logdet", "half_tril", "diagonal_sums"),
            *("cholesky", "eigvalsh", "eigenvectors", "pinv"),
            *MATRIX_FUNCTIONS,
            *(f"{name}_frechet" for name in MATRIX_FUNCTIONS),
            *("svdvals", "left_vectors", "right_vectors", "polar", "nuclear_norm", "spectral_norm"),
        )
    },
    "layer_norm": _normalised(True, True),
    "batch_norm": _normalised(True, True),
    "rms_norm": _normalised(False, True),
    "deviation": _normalised(True, False),
    "rms": _normalised(False, False),
    "vec": _vec,
    "kron": _kron,
    **{name: _slid(name) for name in ("convolve", "correlate")},
    **{name: _triangle(name) for name in ("triu", "tril")},
    **{name: _patterned(name) for name in ("convolution_matrix", "commutation")},
    "sliding_window_view": _window_view,
    "one_hot": _one_hot,
    "arange": lambda graph, _, options: graph.array("arange", (), options["size"]),
    "matrix_power": _power_of_matrix,
    "is_max": _greatest("max_over"),
    "is_min": _greatest("min_over"),
    "prod_others": _prod_others,
    "solve": _solve,
}
"""How each operation is made of nodes; any other is expanded, or a function of entries."""
