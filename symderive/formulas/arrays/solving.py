"""Operations by the name that a model gives them: inv(M) @ v as solve(M, v), kron(A, B) @ v."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from symderive.formulas.arrays.chains import chain_of, product_of, transposed
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.simplify import Rebuilder, shortest
from symderive.formulas.arrays.syntax import Apply, Tree, of_args
from symderive.formulas.arrays.terms import is_op, tree_cost


def matrices_solved(trees: Iterable[Tree], symmetric: frozenset[str]) -> frozenset[Tree]:
    """The matrices that ``solve`` is called with, as they stand and in their shortest form."""
    found = {part.args[0] for tree in trees for part in tree.walk() if is_op(part, "solve")}
    return frozenset(found | {shortest(matrix, symmetric) for matrix in found})


def with_solves(tree: Tree, solved: Collection[Tree], symmetric: frozenset[str]) -> Tree:
    """The tree with products by inverses of some matrices as solutions of linear systems.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.syntax import Leaf
    >>> n = Symbol("n")
    >>> M, v = Leaf((n, n), "M"), Leaf((n,), "v")
    >>> with_solves(apply("matmul", apply("inv", M), v), [M], frozenset()).op
    'solve'
    """
    if not solved or not any(is_op(part, "inv") for part in tree.walk()):
        return tree
    return _Solver(solved, Rebuilder(symmetric)).on(tree)


def with_kroneckers(tree: Tree) -> Tree:
    """reshape(A @ reshape(v, (p, q)) @ B.T, n) as kron(A, B) @ v.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.syntax import Leaf
    >>> n = Symbol("n")
    >>> A, v = Leaf((n, n), "A"), Leaf((2 * n,), "v")
    >>> rows = apply("reshape", v, shape=(n, 2))
    >>> with_kroneckers(apply("reshape", apply("matmul", A, rows), shape=(2 * n,))).args[0].op
    'kron'
    """
    if not isinstance(tree, Apply):
        return tree
    made = of_args(tree, tuple(map(with_kroneckers, tree.args)))
    if not is_op(made, "reshape") or made.ndim != 1 or made.args[0].ndim != 2:
        return made
    chain = chain_of(made.args[0])
    for place, (_, part) in enumerate(chain):
        if is_op(part, "reshape") and part.args[0].ndim == 1 and len(chain) > 1:
            ends = [chain[:place], chain[place + 1 :]]
            if any(kind != "m" for links in ends for kind, _ in links):
                continue
            left, right = (
                product_of(links) if links else apply("eye", size=part.shape[axis])
                for axis, links in enumerate(ends)
            )
            return apply("matmul", apply("kron", left, transposed(right)), part.args[0])
    return made


class _Solver:
    def __init__(self, solved: Collection[Tree], rules: Rebuilder) -> None:
        self.solved, self.rules = {_unordered(matrix): matrix for matrix in solved}, rules

    def on(self, tree: Tree) -> Tree:
        if not isinstance(tree, Apply):
            return tree
        if tree.op == "matmul" and tree.ndim == 2 and self._inverted(tree.args[1]) is not None:
            return tree  # F⁻ᵀ M F⁻¹ reads better than half of it solved
        args = tuple(map(self.on, tree.args))
        return self._product(*args) if tree.op == "matmul" else of_args(tree, args)

    def _product(self, left: Tree, right: Tree) -> Tree:
        matrix = self._inverted(left)
        if matrix is not None and right.ndim in (1, 2):
            return apply("solve", matrix, right)
        if is_op(left, "add") and right.ndim == 1:  # (M⁻¹ + M⁻ᵀ) v
            found = [self._inverted(arg) for arg in left.args]
            if None not in found:
                apart = apply("add", *(apply("solve", m, right) for m in found if m is not None))
                return min(apart, apply("matmul", left, right), key=tree_cost)
        matrix = self._inverted(right)
        if matrix is not None and left.ndim == 1:  # vᵀ M⁻¹ is M⁻ᵀ v
            return apply("solve", self.rules.turn(matrix), left)
        if is_op(left, "matmul"):
            before, last = left.args
            matrix = self._inverted(last)
            if matrix is not None and right.ndim in (1, 2):
                return apply("matmul", before, apply("solve", matrix, right))
        return apply("matmul", left, right)

    def _inverted(self, tree: Tree) -> Tree | None:
        """The matrix that a factor is the inverse of, if the model solves with it."""
        turned = is_op(tree, "transpose")
        inner: Tree = tree.args[0] if is_op(tree, "transpose") else tree
        if not is_op(inner, "inv"):
            return None
        own = self.solved.get(_unordered(inner.args[0]))
        if own is not None:
            return self.rules.turn(own) if turned else own
        matrix: Tree = inner.args[0]
        other = self.rules.turn(matrix)  # solve(L.T, v) of a model that says solve(L, v)
        return (matrix if not turned else other) if _unordered(other) in self.solved else None


def _unordered(tree: Tree) -> object:
    """A sum as its terms in any order."""
    return frozenset(Counter(tree.args).items()) if is_op(tree, "add") else tree
