"""Shorter names for what a tree says, a row each: dot products, traces, means, roots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sympy import S

from symderive.formulas.arrays.chains import by_ones, transposed
from symderive.formulas.arrays.ops import apply, total
from symderive.formulas.arrays.rank_one import determinant, scale_inside
from symderive.formulas.arrays.shorthand_entries import (
    balanced,
    centred,
    complement,
    distributed,
    mean,
    norm_of_order,
    quotient,
    softmaxes,
    spread,
    squared_length,
    step,
    steps_joined,
    variance,
    whole_product,
    within,
)
from symderive.formulas.arrays.shorthand_shapes import (
    column_again,
    column_inside,
    columns_added,
    outer_product,
    repeated,
    reshaped_inside,
    reshaped_together,
    stacked,
    vectorised,
)
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.arrays.terms import ONE, is_op, term_of, times, tree_cost


def shorthand(tree: Tree) -> Tree:
    """The tree under a shorter name, where a row of ``SHORT`` has one."""
    for find in SHORT:
        short = find(tree)
        if short is not None:
            return short
    return tree


def _dot(tree: Tree) -> Tree | None:
    """sum(a*b) of two vectors is a @ b, sum(a**2) is a @ a."""
    if not is_op(tree, "sum") or tree.ndim or tree.args[0].ndim != 1:
        return None
    inside = tree.args[0]
    vectors = list(inside.args) if is_op(inside, "multiply") else [inside]
    if len(vectors) == 1 and is_op(inside, "power") and inside.args[1] == Number((), S(2)):
        vectors = [inside.args[0]] * 2
    if len(vectors) != 2 or any(v.shape != inside.shape for v in vectors):
        return None
    products = [v for v in vectors if is_op(v, "matmul")]
    if len(products) == 1 and products[0] is vectors[0]:
        vectors.reverse()
    return apply("matmul", *vectors)


def _times_ones(tree: Tree) -> Tree | None:
    """A @ ones(n) are the sums of the rows of A."""
    if not is_op(tree, "matmul") or tree.ndim != 1:
        return None
    matrix, vector = tree.args
    if matrix.ndim != 2 or not _is_ones(vector):
        return None
    turned = is_op(matrix, "transpose")
    inside: Tree = matrix.args[0] if is_op(matrix, "transpose") else matrix
    return shorthand(total(inside, [0 if turned else 1]))


def _weighted_sum(tree: Tree) -> Tree | None:
    """sum(v[:, None]*A, axis=0) is A.T @ v, and so along the other axis."""
    if not is_op(tree, "sum") or tree.ndim != 1 or tree.args[0].ndim != 2:
        return None
    inside: Tree = tree.args[0]
    turned = is_op(inside, "transpose")
    inside = inside.args[0] if is_op(inside, "transpose") else inside
    axis = tree.option("axis")[0] ^ turned
    if not is_op(inside, "multiply"):
        return None
    weights = [v for arg in inside.args if (v := _spread(arg, axis)) is not None]
    rest = [arg for arg in inside.args if _spread(arg, axis) is None]
    if not weights or not rest or any(arg.shape != inside.shape for arg in rest):
        return None
    vector = weights[0] if len(weights) == 1 else apply("multiply", *weights)
    matrix = rest[0] if len(rest) == 1 else apply("multiply", *rest)
    return apply("matmul", transposed(matrix) if axis == 0 else matrix, vector)


def _spread(tree: Tree, axis: int) -> Tree | None:
    """The vector that is spread over a matrix, with its entries along an axis."""
    if axis == 1:
        return tree if tree.ndim == 1 else None
    column = is_op(tree, "index") and tree.option("key")[1:] == (("new",),)
    return tree.args[0] if column and tree.args[0].ndim == 1 else None  # type: ignore[attr-defined]


def _trace(tree: Tree) -> Tree | None:
    """sum(diagonal(A)) is trace(A)."""
    if is_op(tree, "sum") and is_op(tree.args[0], "diagonal"):
        return apply("trace", tree.args[0].args[0])
    return None


def _trace_of_product(tree: Tree) -> Tree | None:
    """sum(A*B.T) is trace(A @ B)."""
    if not is_op(tree, "sum") or tree.ndim or not is_op(tree.args[0], "multiply"):
        return None
    return _of_product("trace", tree, tree.args[0].args)


def _diagonal_of_product(tree: Tree) -> Tree | None:
    """sum(A.T*B, axis=0) is diagonal(A @ B), where that is shorter."""
    if not is_op(tree, "sum") or tree.ndim != 1 or not is_op(tree.args[0], "multiply"):
        return None
    pair = tree.args[0].args
    rows = tree.option("axis") == (1,)
    return _of_product("diagonal", tree, pair if rows else [*map(_turned, pair)])


def _turned(tree: Tree) -> Tree:
    return transposed(tree) if tree.ndim == 2 else tree


def _of_product(op: str, tree: Apply, pair: Sequence[Tree]) -> Tree | None:
    """The sum of A*B along rows as an operation on A @ B.T, or on its transpose."""
    if len(pair) != 2 or any(part.ndim != 2 or part.shape != pair[0].shape for part in pair):
        return None
    products: list[Tree] = [
        apply("matmul", one, transposed(two)) for one, two in (pair, pair[::-1])
    ]
    products += [transposed(product) for product in products]
    short = min((apply(op, product) for product in products), key=tree_cost)
    return short if tree_cost(short) < tree_cost(tree) else None


def _triangle_kept(tree: Tree) -> Tree | None:
    """A matrix times a triangle of ones is the triangle of the matrix."""
    if not is_op(tree, "multiply") or tree.ndim != 2:
        return None
    for place, mask in enumerate(tree.args):
        turned = is_op(mask, "transpose")
        kept: Tree = mask.args[0] if is_op(mask, "transpose") else mask
        if not is_op(kept, "tril", "triu", "half_tril") or not _is_ones(kept.args[0]):
            continue
        rest = [arg for k, arg in enumerate(tree.args) if k != place]
        ends = [_spread(arg, axis) for arg, axis in zip(rest, (0, 1), strict=False)]
        if len(rest) == 2 and None in ends:
            ends = [_spread(arg, axis) for arg, axis in zip(rest[::-1], (0, 1), strict=True)]
        inner = rest[0] if len(rest) == 1 else apply("multiply", *rest)
        if len(rest) == 2 and None not in ends:
            inner = apply("outer", *(end for end in ends if end is not None))
        if inner.shape != tree.shape:
            continue
        made = apply(kept.op, transposed(inner) if turned else inner, **dict(kept.options))
        return transposed(made) if turned else made
    return None


def _is_ones(tree: Tree) -> bool:
    return is_op(tree, "broadcast_to") and tree.args[0] == ONE


def _ones_between(tree: Tree) -> Tree | None:
    """Sums spread over rows or columns are a product with a matrix of ones: ones((n, n)) @ X."""
    if not is_op(tree, "broadcast_to") or tree.ndim != 2 or not tree.args[0].ndim:
        return None
    product = by_ones(tree.args[0], tree.shape)
    made = product.shape == tree.shape  # another sum stays as it is, not yet spread
    return product if made and tree_cost(product) < tree_cost(tree) else None


def _diagonal_scaled(tree: Tree) -> Tree | None:
    """v*diag(u) is diag(v*u)."""
    if not is_op(tree, "multiply") or tree.ndim != 2:
        return None
    vectors = [arg for arg in tree.args if arg.ndim == 1]
    diagonals = [arg.args[0] for arg in tree.args if is_op(arg, "diag")]
    rest = [arg for arg in tree.args if arg.ndim != 1 and not is_op(arg, "diag")]
    if not vectors or len(diagonals) != 1 or rest or diagonals[0].ndim != 1:
        return None
    return apply("diag", times([*vectors, *diagonals]))


def _of_diagonal(tree: Tree) -> Tree | None:
    """What a diagonal matrix makes short: its diagonal and its determinant; other diagonals."""
    if is_op(tree, "diagonal") and is_op(tree.args[0], "transpose"):
        return apply("diagonal", tree.args[0].args[0])
    if is_op(tree, "trace") and is_op(tree.args[0], "eye"):
        return Number((), tree.args[0].shape[0])
    if is_op(tree, "diagonal") and is_op(tree.args[0], "outer"):
        return times(tree.args[0].args)
    if is_op(tree, "diagonal") and is_op(tree.args[0], "eye"):
        return apply("broadcast_to", ONE, shape=tree.shape)
    if is_op(tree, "diag") and _is_ones(tree.args[0]):
        return apply("eye", size=tree.shape[0])
    if is_op(tree, "diagonal_sums") and is_op(tree.args[0], "eye"):
        return times([Number((), tree.shape[0]), tree.args[0]])
    if not is_op(tree, "diagonal", "det", "logdet") or not is_op(tree.args[0], "diag"):
        return None
    vector = tree.args[0].args[0]
    if vector.ndim != 1:
        return None
    if tree.op == "diagonal":
        return vector
    if tree.op == "det":
        return apply("prod", vector, axis=(0,), keepdims=False)
    return None


def _length(tree: Tree) -> Tree | None:
    """√(v·v) is the norm of v, and its square is v·v where v is a name."""
    if is_op(tree, "sqrt"):
        inside = tree.args[0]
        if is_op(inside, "sum") and tree.ndim and is_op(inside.args[0], "power"):
            base, exponent = inside.args[0].args
            options = dict(inside.options)
            squares = exponent == Number((), S(2)) and base.ndim == inside.args[0].ndim
            return apply("norm", base, ord=S(2), **options) if squares else None
    if is_op(tree, "sqrt") and not tree.ndim:
        lengths = _roots_of_squares(inside)
        if lengths:
            return times(lengths)
        if is_op(inside, "matmul") and inside.args[0] == inside.args[1]:
            return _norm(inside.args[0])
        if is_op(inside, "sum") and is_op(inside.args[0], "power"):
            base, exponent = inside.args[0].args
            return _norm(base) if exponent == Number((), S(2)) and base.ndim == 2 else None
    if is_op(tree, "power") and is_op(tree.args[0], "norm") and not tree.ndim:
        (vector,), exponent = tree.args[0].args, tree.args[1]
        if not isinstance(exponent, Number) or not exponent.value.is_Integer:
            return None
        if tree.args[0].option("ord") != 2:  # u @ u is the square of no other norm
            return None
        if vector.ndim == 1 and not exponent.value % 2 and exponent.value > 0:
            squared = apply("matmul", vector, vector)
            half = Number((), exponent.value / 2)
            short = squared if half.value == 1 else apply("power", squared, half)
            return short if tree_cost(short) < tree_cost(tree) else None
    return None


def _roots_of_squares(tree: Tree) -> list[Tree]:
    """The lengths of vectors whose squares make up a product; () where it is none."""
    term = term_of(tree)
    if term.number != 1 or term.below or len(term.above) < 2 or term.core != ONE:
        return []
    lengths: list[Tree] = []
    for part, count in Counter(term.above).items():
        square = is_op(part, "matmul") and part.args[0] == part.args[1]
        if not square and (count % 2 or not is_op(part, "norm")):
            return []
        length = _norm(part.args[0]) if square else part  # type: ignore[attr-defined]
        lengths += [length] * (count if square else count // 2)
    return lengths


def _norm(array: Tree) -> Tree:
    return apply("norm", array, ord=S(2), axis=tuple(range(array.ndim)), keepdims=False)


def _root(tree: Tree) -> Tree | None:
    """A power of 1/2 is a square root."""
    if is_op(tree, "power") and tree.args[1] == Number((), S.Half):
        return apply("sqrt", tree.args[0])
    return None


SHORT: tuple[Callable[[Tree], Tree | None], ...] = (
    _dot,
    _times_ones,
    _weighted_sum,
    _trace,
    _trace_of_product,
    _diagonal_of_product,
    _triangle_kept,
    _ones_between,
    _diagonal_scaled,
    _of_diagonal,
    determinant,
    scale_inside,
    spread,
    _length,
    squared_length,
    norm_of_order,
    mean,
    variance,
    centred,
    balanced,
    _root,
    distributed,
    quotient,
    softmaxes,
    whole_product,
    complement,
    step,
    within,
    steps_joined,
    column_again,
    column_inside,
    columns_added,
    outer_product,
    vectorised,
    reshaped_together,
    repeated,
    reshaped_inside,
    stacked,
)
"""Shorter names for what a tree says, a row each."""
