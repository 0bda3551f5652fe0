"""Products of matrices as chains: transposes, outer products, powers, inverses that cancel.

A chain has a column and a row between its matrices where it is an outer product: outer(A @ u, v) is
A·u·vᵀ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from sympy import S

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.placing import all_of, place_at
from symderive.formulas.arrays.syntax import Apply, Leaf, Shape, Tree
from symderive.formulas.arrays.terms import (
    MAX_POWER,
    ONE,
    TRANSPOSE,
    divisor,
    is_op,
    negative,
    reading,
    scaled,
    term_of,
    times,
    tree_cost,
)

# Transposes -------------------------------------------------------------------------------------


FRECHET = frozenset(f"{name}_frechet" for name in MATRIX_FUNCTIONS)
"""The derivatives of functions of a matrix."""

ALONG = frozenset({"softmax", "is_max", "is_min", "prod_others"})
"""Operations along an axis that leave a matrix its shape."""

TRIANGLES = {"triu": "tril", "tril": "triu"}
"""What a triangle becomes when it is turned."""


def transposed(tree: Tree, axes: tuple[int, ...] = (1, 0)) -> Tree:
    """The tree with its axes in another order; of a matrix, the transpose taken inside."""
    if axes == tuple(range(tree.ndim)):
        return tree
    if tree.ndim != 2 or not isinstance(tree, Apply):
        return apply("transpose", tree, axes=axes)
    term = term_of(tree)
    if term.number != 1 or term.above or term.below:
        return scaled(transposed(term.core), term.number, term.above, term.below)
    op, args = tree.op, tree.args
    if op == "transpose":
        return args[0]
    if op in ("eye", "diag"):
        return tree
    if op == "broadcast_to" and not args[0].ndim:
        return apply("broadcast_to", args[0], shape=tree.shape[::-1])
    if op in TRIANGLES and is_op(args[0], "broadcast_to"):
        return apply(TRIANGLES[op], transposed(args[0]), k=-tree.option("k"))
    if op == "outer":
        return apply("outer", args[1], args[0])
    if op == "unvec":
        return apply("reshape", args[0], shape=tree.shape[::-1])
    if op == "reshape" and args[0].ndim == 1:
        return apply("unvec", args[0], shape=tree.shape[::-1])
    if op == "kron":
        inside = apply("kron", *map(transposed, args))
        outside = apply("transpose", tree, axes=axes)
        return inside if reading(inside) <= reading(outside) else outside
    if op == "place" and len(tree.option("key")) == 2:
        inner = transposed(args[0]) if args[0].ndim == 2 else args[0]
        return place_at(inner, tree.option("key")[::-1], tree.shape[::-1])
    if op in MATRIX_FUNCTIONS or op in FRECHET:  # f(A)ᵀ is f(Aᵀ)
        inside = apply(op, *map(transposed, args))
        outside = apply("transpose", tree, axes=axes)
        return inside if reading(inside) < reading(outside) else outside
    if op in ALONG and len(axis := tree.option("axis")) == 1:  # softmax(Aᵀ, axis=0)ᵀ
        inside = apply(op, transposed(args[0]), *args[1:], axis=(1 - axis[0],))
        outside = apply("transpose", tree, axes=axes)
        return inside if reading(inside) < reading(outside) else outside
    if op == "matmul" and all(arg.ndim == 2 for arg in args):
        product = _left([transposed(factor) for factor in reversed(_factors(tree))])
        outside = apply("transpose", tree, axes=axes)
        return product if tree_cost(product) <= tree_cost(outside) + TRANSPOSE else outside
    if op in ("add", "multiply", "where", "Gt"):
        inside = turned_inside(tree)
        outside = apply("transpose", tree, axes=axes)
        return inside if reading(inside) < reading(outside) else outside
    return apply("transpose", tree, axes=axes)


def _factors(tree: Tree) -> list[Tree]:
    """The matrices of a product, without the brackets in it."""
    if not is_op(tree, "matmul") or any(arg.ndim != 2 for arg in tree.args):
        return [tree]
    return [factor for arg in tree.args for factor in _factors(arg)]


def turned_inside(tree: Apply) -> Apply:
    """The transpose of a matrix made entry by entry, every operand transposed."""
    return apply(tree.op, *(_across(arg, tree) for arg in tree.args))


def turned_outside(tree: Tree) -> Tree:
    """The matrix as the transpose of one with its operands transposed, where that reads better."""
    if tree.ndim != 2 or not is_op(tree, "add", "multiply"):
        return tree
    other = apply("transpose", turned_inside(tree), axes=(1, 0))
    return other if reading(other) < reading(tree) else tree


def _across(arg: Tree, whole: Tree) -> Tree:
    """An operand of a sum or product entry by entry, in the transpose of it."""
    if not arg.ndim:
        return arg
    if arg.ndim == 1:
        term = term_of(arg)
        core = arg if term.core.ndim != 1 else term.core
        column = apply("index", core, key=(("slice", S.Zero, arg.shape[0], S.One), ("new",)))
        return column if core is arg else scaled(column, term.number, term.above, term.below)
    row = arg.args[0] if is_op(arg, "index") and arg.option("key")[1:] == (("new",),) else arg
    if row.ndim == 1 and whole.shape[1] != 1:
        return row  # v[:, None] turned is v along the rows
    return transposed(arg)


# Chains -----------------------------------------------------------------------------------------


Link = tuple[str, Tree]
Turn = Callable[[Tree], Tree]


def is_batched(tree: Tree) -> bool:
    """Whether it is a product with an array of three axes or more: many products at once."""
    return is_op(tree, "matmul") and any(arg.ndim > 2 for arg in tree.args)


def chain_of(tree: Tree, turn: Turn = transposed) -> tuple[Link, ...]:
    """A product as its factors: ``m`` a matrix, ``c`` a column, ``r`` a row.

    Args:
        tree: The product.
        turn: How a matrix is transposed, where some are known to be symmetric.
    """
    if is_op(tree, "transpose") and is_op(tree.args[0], "matmul", "outer"):
        return flipped(chain_of(tree.args[0], turn), turn)
    if is_batched(tree):
        return (("c" if tree.ndim == 1 else "m", tree),)
    if is_op(tree, "matrix_power") and 0 < tree.option("k") <= MAX_POWER:
        return chain_of(tree.args[0], turn) * tree.option("k")
    if tree.ndim == 1:
        if is_op(tree, "matmul"):
            left, right = tree.args
            if left.ndim == 2:
                return chain_of(left, turn) + chain_of(right, turn)
            return chain_of(turn(right), turn) + chain_of(left, turn)
        return (("c", tree),)
    if tree.ndim == 2:
        if is_op(tree, "matmul"):
            left, right = tree.args
            return chain_of(left, turn) + chain_of(right, turn)
        if is_op(tree, "outer"):
            left, right = tree.args
            return chain_of(left, turn) + flipped(chain_of(right, turn), turn)
        return (("m", tree),)
    return (("x", tree),)


def flipped(chain: Sequence[Link], turn: Turn = transposed) -> tuple[Link, ...]:
    """The transpose of a chain."""
    kinds = {"c": "r", "r": "c"}
    return tuple(
        (kinds.get(kind, kind), turn(tree) if kind == "m" else tree)
        for kind, tree in reversed(chain)
    )


def scalings_shown(chain: Sequence[Link]) -> tuple[Link, ...]:
    """The chain with v[:, None]*A as diag(v) A, and A*v as A diag(v)."""
    links: list[Link] = []
    for kind, tree in chain:
        if kind == "m" and is_op(tree, "transpose") and is_op(tree.args[0], "multiply"):
            inner = scalings_shown([(kind, tree.args[0])])
            links += flipped(inner) if len(inner) > 1 else [(kind, tree)]
            continue
        parts = tree.args if kind == "m" and is_op(tree, "multiply") else ()
        rows = [arg for arg in parts if arg.ndim == 1]
        columns = [arg.args[0] for arg in parts if is_op(arg, "index") and is_column(arg)]
        rest = [arg for arg in parts if arg.ndim == 2 and not is_column(arg)]
        if not rest or not (rows or columns):
            links.append((kind, tree))
            continue
        links += [("m", apply("diag", times(columns)))] if columns else []
        links.append(("m", times(rest)))
        links += [("m", apply("diag", times(rows)))] if rows else []
    return tuple(links)


def is_ones(tree: Tree) -> bool:
    """Whether it is a matrix with entries of one only."""
    return tree.ndim == 2 and is_op(tree, "broadcast_to") and tree.args[0] == ONE


def diagonals_opened(chain: Sequence[Link]) -> list[Link]:
    """diag(v) @ x as v*x, diag(v) @ A as v[:, None]*A, A @ diag(v) as A*v."""
    links = list(chain)
    for place, (kind, part) in enumerate(links):
        vector = part.args[0] if kind == "m" and is_op(part, "diag") else None
        if vector is None or vector.ndim != 1:
            continue
        column = (("slice", S.Zero, vector.shape[0], S.One), ("new",))
        after = links[place + 1] if place + 1 < len(links) else ("", vector)
        before = links[place - 1] if place else ("", vector)
        if after[0] in ("c", "m"):
            spread = vector if after[0] == "c" else apply("index", vector, key=column)
            made = (after[0], times([spread, after[1]]))
            return diagonals_opened([*links[:place], made, *links[place + 2 :]])
        if before[0] in ("r", "m"):
            made = (before[0], times([before[1], vector]))
            return diagonals_opened([*links[: place - 1], made, *links[place + 1 :]])
    return links


def product_of(chain: Sequence[Link], turn: Turn = transposed) -> Tree:
    """The tree of a chain."""
    for place, (kind, _) in enumerate(chain):
        if kind == "c" and place + 1 < len(chain):
            left = product_of(chain[: place + 1], turn)
            right = product_of(flipped(chain[place + 1 :], turn), turn)
            if not right.ndim:  # a bᵀ M c is a number times a
                return apply("multiply", right, left)
            return apply("outer", left, right)
    trees = _powers([tree for _, tree in cancelled(chain)])
    if not trees:
        return apply("eye", size=chain[0][1].shape[0])
    if len(trees) > 1 and trees[-1].ndim == 2:
        back = [turn(tree) for tree in reversed(trees)]
        runs = _turned_runs(trees)
        if sum(map(tree_cost, back)) + TRANSPOSE < min(
            sum(map(tree_cost, trees)), sum(map(tree_cost, runs)) - len(trees) + len(runs)
        ):
            return apply("transpose", _left(back), axes=(1, 0))
        trees = runs
    return _left(trees) if trees[-1].ndim == 2 else _right(trees)


def _powers(trees: Sequence[Tree]) -> list[Tree]:
    """Three or more equal factors in a row as a power of a matrix."""
    result: list[Tree] = []
    for tree, run in groupby(trees):
        count = len(list(run))
        if count > 2:
            result.append(apply("matrix_power", tree, k=count))
        else:
            result += [tree] * count
    return result


def _turned_runs(trees: Sequence[Tree]) -> list[Tree]:
    """Transposes in a row as one: Bᵀ Aᵀ C is (A B)ᵀ C."""
    result: list[Tree] = []
    for turned, run in groupby(trees, lambda tree: tree.ndim == 2 and is_op(tree, "transpose")):
        parts = list(run)
        if turned and len(parts) > 1:
            inner = _left([tree.args[0] for tree in reversed(parts)])  # type: ignore[attr-defined]
            parts = [apply("transpose", inner, axes=(1, 0))]
        result += parts
    return result


def _left(trees: Sequence[Tree]) -> Tree:
    result = trees[0]
    for tree in trees[1:]:
        result = apply("matmul", result, tree)
    return result


def _right(trees: Sequence[Tree]) -> Tree:
    result = trees[-1]
    for tree in reversed(trees[:-1]):
        result = apply("matmul", tree, result)
    return result


def cancelled(chain: Sequence[tuple[str, Tree]]) -> list[tuple[str, Tree]]:
    """The chain without identities and without a matrix next to its inverse."""
    kept: list[tuple[str, Tree]] = []
    for kind, tree in chain:
        if is_op(tree, "eye") and len(chain) > 1:
            continue
        if kept and kept[-1][0] == "m" == kind and inverses(kept[-1][1], tree):
            kept.pop()
            continue
        kept.append((kind, tree))
    return kept


def inverses(left: Tree, right: Tree) -> bool:
    """Whether two matrices are stated as inverses of each other."""
    for one, other in ((left, right), (right, left)):
        if is_op(one, "inv") and one.args[0] == other:
            return True
        turned = one.args[0] if is_op(one, "transpose") else one
        if turned is not one and is_op(turned, "inv") and transposed(turned.args[0]) == other:
            return True
    return False


# What is spread over a matrix -------------------------------------------------------------------


def column(vector: Tree) -> Tree:
    """v[:, None]; of a reciprocal, the reciprocal of that; a number as it is."""
    if not vector.ndim:
        return vector
    key = (("slice", S.Zero, vector.shape[0], S.One), ("new",))
    below = divisor(vector)
    if below is not None:
        return apply("divide", ONE, apply("index", below, key=key))
    return apply("index", vector, key=key)


def is_column(tree: Tree) -> bool:
    """Whether it is v[:, None]."""
    return is_op(tree, "index") and tree.option("key")[1:] == (("new",),) and tree.ndim == 2


def is_difference(tree: Tree) -> bool:
    """Whether it is v - v[:, None] of a vector v, the differences of its entries, or minus that."""
    if not is_op(tree, "add") or len(tree.args) != 2:
        return False
    columns = [part for part in tree.args if is_column(term_of(part).core)]
    rows = [part for part in tree.args if part.ndim == 1]
    return len(columns) == len(rows) == 1 and _of_column(columns[0]) == negative(rows[0])


def _of_column(tree: Tree) -> Tree:
    """The vector of a column, with what stands before it."""
    term = term_of(tree)
    (vector,) = term.core.args  # type: ignore[attr-defined]
    return scaled(vector, term.number, term.above, term.below)


def by_ones(tree: Tree, shape: Shape) -> Tree:
    """Sums spread over rows or columns as products with a matrix of ones: 1·(1ᵀA), (A·1)·1ᵀ."""
    inner = tree.args[0] if is_column(tree) else tree  # type: ignore[attr-defined]
    if len(shape) != 2 or inner.ndim != 1 or not is_op(inner, "sum"):
        return tree
    matrix, (axis,) = inner.args[0], inner.option("axis")
    turned = axis == (0 if is_column(tree) else 1)
    matrix = transposed(matrix) if turned else matrix
    length = matrix.shape[1 if is_column(tree) else 0]
    sides = (length, shape[1]) if is_column(tree) else (shape[0], length)
    ones = apply("broadcast_to", ONE, shape=sides)
    return apply("matmul", matrix, ones) if is_column(tree) else apply("matmul", ones, matrix)


def scaling(tree: Tree, diagonal: frozenset[str]) -> Tree:
    """A product entry by entry with the diagonal of a diagonal matrix as one with the matrix."""
    term = term_of(tree)
    if not is_op(term.core, "multiply") or term.core.ndim not in (1, 2):
        return tree
    for place, arg in enumerate(term.core.args):
        vector: Tree = arg.args[0] if is_column(arg) else arg  # type: ignore[attr-defined]
        matrix: Tree | None = vector.args[0] if is_op(vector, "diagonal") else None
        rest = [*term.core.args[:place], *term.core.args[place + 1 :]]
        whole = rest[0] if len(rest) == 1 else apply("multiply", *rest)
        if not isinstance(matrix, Leaf) or matrix.name not in diagonal:
            continue
        if whole.shape != term.core.shape:
            continue
        left = is_column(arg) or whole.ndim == 1
        pair = (matrix, whole) if left else (whole, matrix)
        return scaled(apply("matmul", *pair), term.number, term.above, term.below)
    return tree


def as_row(vector: Tree, turn: Turn = transposed) -> Tree:
    """A product that is a vector from left to right, xᵀA, where that reads better than Aᵀx."""
    term = term_of(vector)
    if not is_op(term.core, "matmul") or term.core.ndim != 1:
        return vector
    *matrices, (_, row) = chain_of(term.core, turn)
    for _, matrix in reversed(matrices):
        row = apply("matmul", row, turn(matrix))
    other = scaled(row, term.number, term.above, term.below)
    return other if reading(other) < reading(vector) else vector


def open_chain(core: Tree) -> tuple[Link, ...]:
    """A product as its factors, one that is scaled or put in among zeros too."""
    return _placed_chain(core) if is_op(core, "place") else _scaled_chain(core)


def _scaled_chain(core: Tree) -> tuple[Link, ...]:
    """A product as its factors; rows and columns that are scaled are those of its ends."""
    if not is_op(core, "multiply") or core.ndim != 2:
        return chain_of(core)
    whole = [arg for arg in core.args if arg.shape == core.shape and is_op(arg, "matmul")]
    scales = [arg for arg in core.args if all(arg is not product for product in whole)]
    columns = [arg for arg in scales if arg.ndim == 2 and arg.shape[1] == 1]
    rows = [arg for arg in scales if arg.ndim == 1]
    if len(whole) != 1 or len(columns) + len(rows) < len(scales):
        return chain_of(core)
    chain = [*chain_of(whole[0])]
    if len(chain) < 2 or any(kind != "m" for kind, _ in chain):
        return chain_of(core)
    if columns:
        chain[0] = ("m", times([chain[0][1], *columns]))
    if rows:
        chain[-1] = ("m", times([chain[-1][1], *rows]))
    return tuple(chain)


def _placed_chain(tree: Tree) -> tuple[Link, ...]:
    """The factors of a product; of a vector in one row of zeros, e_k xᵀ."""
    keys = tree.option("key") if is_op(tree, "place") else ()
    if is_op(tree, "place") and tree.args[0].ndim == 1 and tree.ndim == 2 and len(keys) == 2:
        units = [k for k, key in enumerate(keys) if key[0] == "int"]
        if len(units) == 1:
            axis = units[0]
            unit = place_at(ONE, (keys[axis],), (tree.shape[axis],))
            rest = place_at(tree.args[0], (keys[1 - axis],), (tree.shape[1 - axis],))
            other = tree.args[0] if keys[1 - axis] == all_of(tree.shape[1 - axis]) else rest
            return (("c", unit), ("r", other)) if axis == 0 else (("c", other), ("r", unit))
    return chain_of(tree)
