"""Sums with the derivative of a function of a matrix: Σ_ij G_ij ∂f(A)_ij/∂A_ab = L_f(Aᵀ, G)_ab.

The derivative has four indices, those of an entry of f(A) and those of an entry of A. Summed over
the last two it is the Fréchet derivative at A, over the first two that at Aᵀ: it is linear, and
the one is the adjoint of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Expr, Mul

from symderive.formulas.arrays.chains import FRECHET, transposed
from symderive.formulas.arrays.contraction import Labelled, NoMatrixError, contract, spread_to
from symderive.formulas.arrays.index import Index, Part, delta, free_indices, fresh
from symderive.formulas.arrays.ops import apply

Build = Callable[[Expr], Labelled]
Multiply = Callable[[Sequence[Expr], Sequence[Index]], Labelled]


def is_kernel(formula: Expr) -> bool:
    """Whether it is an entry of the derivative of a function of a matrix."""
    return isinstance(formula, Part) and formula.op in FRECHET


def directed(
    build: Build, multiply: Multiply, body: Expr, indices: tuple[Index, ...]
) -> Labelled | None:
    """The sum of a product with one such derivative; None where there is none.

    Args:
        build: Makes an array of a factor.
        multiply: Makes one of factors, summed over some of their indices.
        body: The product.
        indices: What it is summed over.

    Raises:
        NoMatrixError: The sum reaches both pairs of indices in one factor, or none of them.
    """
    factors = list(Mul.make_args(body))
    found = next((f for f in factors if is_kernel(f)), None)
    if found is None:
        return None
    rest = [f for f in factors if f is not found]
    if free_indices(found.arrays[0]):
        raise NoMatrixError
    for pair, other, turned in (
        (found.indices[2:], found.indices[:2], False),
        (found.indices[:2], found.indices[2:], True),
    ):
        made = _along(build, multiply, found, (pair, other), turned, rest, indices)
        if made is not None:
            return made
    raise NoMatrixError


def _along(
    build: Build,
    multiply: Multiply,
    kernel: Part,
    pairs: tuple[tuple[Expr, ...], tuple[Expr, ...]],
    turned: bool,
    rest: Sequence[Expr],
    indices: tuple[Index, ...],
) -> Labelled | None:
    """The derivative in the direction that is summed over one of its pairs of indices."""
    pair, other = pairs
    mine = [at for at in pair if isinstance(at, Index)]
    if any(at not in indices for at in mine) or any(
        free_indices(at) for at in pair if at not in mine
    ):
        return None
    here, later = _reached(mine, rest, indices)
    inside = {index for factor in here for index in free_indices(factor)} | set(mine)
    if any(free_indices(at) & inside for at in other):
        return None
    if not all(isinstance(at, Index) for at in other):
        return None
    array = kernel.arrays[0]
    row, column = (fresh(index.size) for index in array.indices)
    named = [*here]
    used: set[Index] = set()
    for at, index in zip(pair, (row, column), strict=True):
        if isinstance(at, Index) and at not in used:
            used.add(at)
            named = [f.xreplace({at: index}) for f in named]
        else:
            first = row if isinstance(at, Index) else at
            named.append(delta(index, first))
    own = [index for index in indices if index in inside and index not in mine]
    direction = spread_to(multiply(named, own), (row, column))
    whole = build(array.formula)
    matrix = spread_to(whole, array.indices)
    tree = apply(kernel.op, transposed(matrix) if turned else matrix, direction)
    parts = [Labelled(tree, tuple(at for at in other if isinstance(at, Index)))]
    left = [index for index in indices if index not in inside]
    return contract([*parts, *map(build, later)], left, {})


def _reached(
    mine: Sequence[Index], rest: Sequence[Expr], indices: Sequence[Index]
) -> tuple[list[Expr], list[Expr]]:
    """The factors that share what is summed with a pair of indices, and the others."""
    reach = set(mine)
    here: list[Expr] = []
    waiting = [*rest]
    while True:
        more = [f for f in waiting if free_indices(f) & reach]
        if not more:
            return here, waiting
        here += more
        waiting = [f for f in waiting if f not in more]
        reach |= {i for f in more for i in free_indices(f) if i in indices}
