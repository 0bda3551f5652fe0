"""Functions of eigenvalues and of singular values as functions of the matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING

from sympy import S

from symderive.formulas.arrays.chains import transposed
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.syntax import Number, Tree
from symderive.formulas.arrays.terms import divisor, entries_of, is_op, scaled, term_of

if TYPE_CHECKING:
    from symderive.formulas.arrays.simplify import Rebuilder


def of_eigenvalues(tree: Tree, values: Tree, matrix: Tree) -> Tree | None:
    """f(S) for f of the eigenvalues of S."""
    if tree == values:
        return matrix
    if not tree.ndim:
        return scaled(apply("eye", size=matrix.shape[0]), S.One, [tree])
    if is_op(tree, "add"):
        found = [of_eigenvalues(arg, values, matrix) for arg in tree.args]
        return None if None in found else apply("add", *(one for one in found if one is not None))
    term = term_of(tree)
    if term.core != tree and term.core.ndim:
        inner = of_eigenvalues(term.core, values, matrix)
        return None if inner is None else scaled(inner, term.number, term.above, term.below)
    below = divisor(tree)
    if below is not None:
        inner = of_eigenvalues(below, values, matrix)
        return None if inner is None else apply("inv", inner)
    if is_op(tree, "prod_others") and tree.args[0] == values:
        return apply("multiply", apply("det", matrix), apply("inv", matrix))
    if is_op(tree, *SPECTRAL) and tree.args[0] == values:
        return apply(SPECTRAL[tree.op], matrix)
    if is_op(tree, "softmax") and tree.args[0] == values:
        whole = apply("expm", matrix)
        return apply("divide", whole, apply("trace", whole))
    if is_op(tree, "power") and tree.args[0] == values and isinstance(tree.args[1], Number):
        power = tree.args[1].value
        if power == 2:
            return apply("matmul", matrix, matrix)
        if power.is_Integer and power > 0:
            return apply("matrix_power", matrix, k=int(power))
    return None


SPECTRAL = {"exp": "expm", "log": "logm", "sqrt": "sqrtm", "sin": "sinm", "cos": "cosm"}
"""Functions of eigenvalues, and the functions of a matrix that they make."""


def of_spectrum(left: Tree, right: Tree, rules: Rebuilder) -> Tree | None:
    """V f(λ) Vᵀ as f(S), λ and V the eigenvalues and eigenvectors of a symmetric S."""
    if not is_op(right, "transpose") or not is_op(right.args[0], "eigenvectors"):
        return None
    vectors = right.args[0]
    matrix: Tree = vectors.args[0]
    parts = entries_of(left)
    if parts.count(vectors) != 1 or not rules.is_symmetric(matrix):
        return None
    values = apply("eigvalsh", matrix)
    found = [of_eigenvalues(part, values, matrix) for part in parts if part != vectors]
    if not found or any(one is None for one in found):
        return None
    return rules.rebuilt(reduce(lambda a, b: apply("matmul", a, b), filter(None, found)))


def of_singular_values(left: Tree, right: Tree, rules: Rebuilder) -> Tree | None:
    """U f(σ) Vᵀ as X, its polar factor or its inverse, of the singular values of X."""
    if not is_op(right, "transpose") or not is_op(right.args[0], "right_vectors"):
        return None
    matrix: Tree = right.args[0].args[0]
    parts = entries_of(left)
    vectors = apply("left_vectors", matrix)
    if parts.count(vectors) != 1:
        return None
    rest = [part for part in parts if part != vectors]
    values = apply("svdvals", matrix)
    if not rest:
        return apply("polar", matrix)
    if rest == [values]:
        return matrix
    if len(rest) != 1:
        return None
    power = rest[0].args[1] if is_op(rest[0], "power") and rest[0].args[0] == values else None
    if power == Number((), S(3)):  # X Xᵀ X
        return apply("matmul", apply("matmul", matrix, transposed(matrix)), matrix)
    if matrix.shape[0] != matrix.shape[1]:
        return None
    if divisor(rest[0]) == values:
        return rules.turn(rules.inverse(matrix))
    if is_op(rest[0], "prod_others") and rest[0].args[0] == values:
        whole = apply("prod", values, axis=(0,), keepdims=False)
        return scaled(rules.turn(rules.inverse(matrix)), S.One, [whole])
    return None


def along(op: str, matrix: Tree, direction: Tree) -> Tree | None:
    """The derivative of f(A) in the direction of what commutes with A: f′(A) E."""
    term = term_of(direction)
    same = is_op(term.core, "inv", *MATRIX_FUNCTIONS) and term.core.args[0] == matrix
    if term.core != matrix and not same and not is_op(term.core, "eye"):
        return None
    slope = SLOPES[op.removesuffix("_frechet")](matrix)
    whole = slope if is_op(term.core, "eye") else apply("matmul", slope, term.core)
    return scaled(whole, term.number, term.above, term.below)


SLOPES: Mapping[str, Callable[[Tree], Tree]] = {
    "expm": lambda matrix: apply("expm", matrix),
    "sinm": lambda matrix: apply("cosm", matrix),
    "cosm": lambda matrix: apply("negative", apply("sinm", matrix)),
    "logm": lambda matrix: apply("inv", matrix),
    "sqrtm": lambda matrix: scaled(apply("inv", apply("sqrtm", matrix)), S.Half),
}
"""f′(A) of each function f of a matrix."""
