"""Jacobians as matrices of stacked columns: ∂vec(A X B)/∂vec(X) = Bᵀ ⊗ A.

Each term is split into what speaks of rows and what speaks of columns, for ``vec`` stacks columns:
an entry (i, j) by an entry (k, l) of the form P_ik Q_jl is one of Q ⊗ P, P_il Q_jk one of the same
after a transpose. Source: J. R. Magnus and H. Neudecker, Matrix Differential Calculus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import permutations

from sympy import Add, Expr, KroneckerDelta, Mul, Pow, S
from sympy import Sum as SympySum

from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.contraction import NoMatrixError, has_notation
from symderive.formulas.arrays.index import (
    Index,
    free_indices,
    fresh,
    opened,
    sigma_as_is,
    substitute,
)
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.matrix_forms import ends_of, row_major
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Number, Tree
from symderive.formulas.arrays.terms import is_op, scaled, term_of, tree_cost


def vectorised(
    formula: Expr,
    target: Sequence[Index],
    source: Sequence[Index],
    builder: Matrices,
    symmetric: frozenset[str] = frozenset(),
) -> Tree | None:
    """∂vec(target)/∂vec(source) in matrix notation; None where it has none.

    Args:
        formula: The entry of the Jacobian.
        target: The indices of the target's entry, at most two.
        source: The indices of the source's entry, likewise.
        builder: What makes trees of index formulas.
        symmetric: The names of symmetric matrices.
    """
    if formula == 0:
        sizes = (Mul(*(index.size for index in own)) for own in (target, source) if own)
        return filled(Number((), S.Zero), tuple(sizes))
    if len(target) > 2 or len(source) > 2:
        return None
    if len(target) == 1 and source:
        formula, target = _unjoined(formula, target[0])
    if len(target) == 2 and source and (made := _of_blocks(formula, target, source, builder)):
        return shortest(made, symmetric)
    if len(target) < 2 and len(source) < 2:
        return builder.tree(formula, (*target, *source))
    rows = [fresh(S.One) for _ in range(2 - len(target))]
    columns = [fresh(S.One) for _ in range(2 - len(source))]
    i, j = (*target, *rows)
    k, l = (*source, *columns)  # noqa: E741
    if not target:
        columns_of = apply("vec", shortest(builder.tree(formula, (k, l)), symmetric))
        short = shortest(columns_of, symmetric)
        by_rows = any(
            is_op(part, "reshape") for part in short.walk()
        )  # vec(Aᵀ) is as books have it
        return columns_of if by_rows else short

    def term_by_term(written: Expr) -> Tree:
        terms = [_term(term, (i, j, k, l), builder) for term in Add.make_args(written)]
        terms = _twice([shortest(term, symmetric) for term in terms], i, j)
        return shortest(plus(terms) if len(terms) > 1 else terms[0], symmetric)

    return _first_way(formula, term_by_term)


def _first_way(formula: Expr, make: Callable[[Expr], Tree]) -> Tree | None:
    """What is made of a formula as it stands, or with its terms apart; None where neither is."""
    for write in (lambda: formula, formula.expand, lambda: _each_term(formula)):
        with suppress(NoMatrixError):
            made = make(write())
            if has_notation(made):
                return made
    return None


def _of_blocks(
    formula: Expr, target: Sequence[Index], source: Sequence[Index], builder: Matrices
) -> Tree | None:
    """The Jacobian of a matrix of blocks, δ(i, k·p + r) δ(j, l·q + s) X_kl A_rs; None of others.

    vec(X ⊗ A) = (I ⊗ K ⊗ I)(vec(X) ⊗ vec(A)), with K the commutation matrix: Magnus and Neudecker,
    chapter 3.
    """
    apart: list[tuple[Index, ...]] = []
    for at in target:
        formula, found = _unjoined(formula, at)
        apart.append(found[::-1])
    if any(len(found) != 2 for found in apart):
        return None
    (k, r), (l, s) = apart  # noqa: E741
    a, b = (*source, *(fresh(S.One) for _ in range(2 - len(source))))

    def stacked(term: Expr) -> Tree:
        groups = _groups(term, (k, r, l, s, a, b))
        for outer, inner, first in (({k, l}, {r, s}, True), ({r, s}, {k, l}, False)):
            if all(own <= outer | {a, b} or own <= inner for own, _ in groups):
                moving = Mul(*(f for own, f in groups if not own <= inner))
                still = Mul(*(f for own, f in groups if own <= inner))
                at = (k, l, a, b) if first else (r, s, a, b)
                parts = [_term(moving, at, builder)]
                column = _column(still, (r, s) if first else (k, l), builder)
                whole = ("slice", S.Zero, column.shape[0], S.One)
                parts.append(apply("index", column, key=(whole, ("new",))))
                return apply("kron", *(parts if first else parts[::-1]))
        raise NoMatrixError

    def all_terms(written: Expr) -> Tree:
        terms = [stacked(term) for term in Add.make_args(written)]
        return plus(terms) if len(terms) > 1 else terms[0]

    made = _first_way(formula, all_terms)
    if made is None:
        return None
    turned = apply("commutation", m=s.size, n=k.size)
    sides = (apply("eye", size=l.size), turned, apply("eye", size=r.size))
    return apply("matmul", apply("kron", apply("kron", *sides[:2]), sides[2]), made)


def _twice(trees: list[Tree], i: Index, j: Index) -> list[Tree]:
    """Of a symmetric target P ⊗ Q + (Q ⊗ P) K is (I + K)(P ⊗ Q)."""
    if i.size != j.size:
        return trees
    terms = [term_of(tree) for tree in trees]
    both = plus([apply("eye", size=i.size * j.size), apply("commutation", m=i.size, n=j.size)])
    for one, two in permutations(terms, 2):
        if not is_op(one.core, "kron") or not is_op(two.core, "matmul"):
            continue
        turned = apply("kron", *one.core.args[::-1])
        if two.core.args[0] == turned and two == replace(one, core=two.core):
            rest = [t for t, term in zip(trees, terms, strict=True) if term not in (one, two)]
            whole = apply("matmul", both, one.core)
            return [scaled(whole, one.number, one.above, one.below), *_twice(rest, i, j)]
    return trees


def _unjoined(formula: Expr, at: Index) -> tuple[Expr, tuple[Index, ...]]:
    """The entry i + m·j of a vector as the entry i, j of the matrix whose columns it has."""
    parts: dict[Expr, Expr] = {}
    pair: tuple[Index, ...] = ()
    for found in formula.atoms(KroneckerDelta):
        target, place = ends_of(found, free_indices(found) - {at})
        axes = row_major(place, at.size) if target == at else None
        if axes is None or len(axes) != 2:
            continue
        pair = pair or tuple(fresh(axis.size) for axis in axes)
        if [axis.size for axis in axes] != [axis.size for axis in pair]:
            return formula, (at,)
        parts[found] = Mul(*map(KroneckerDelta, axes, pair))
    inside = Algebra(Knowledge()).contracted(formula.xreplace(parts)) if parts else formula
    return (formula, (at,)) if inside.has(at) else (inside, pair[::-1])


def _each_term(formula: Expr) -> Expr:
    """The formula with every sum of terms as sums, one for each term."""
    return Algebra(Knowledge()).contracted(_apart(formula)).expand()


def _apart(formula: Expr) -> Expr:
    found: dict[Expr, Expr] = {}
    for whole in formula.atoms(SympySum):
        body, indices = opened(whole)
        terms = Add.make_args(_apart(body).expand())
        found[whole] = Add(*(sigma_as_is(term, indices) for term in terms))
    return formula.xreplace(found).expand()


def _term(term: Expr, at: Sequence[Index], builder: Matrices) -> Tree:
    i, j, k, l = at  # noqa: E741
    groups = _groups(term, at)
    for first, second, turned in (({i, k}, {j, l}, False), ({i, l}, {j, k}, True)):
        if all(own <= first or own <= second for own, _ in groups):
            inner = Mul(*(f for own, f in groups if own <= first))
            outer = Mul(*(f for own, f in groups if not own <= first))
            pair = ((j, k), (i, l)) if turned else ((j, l), (i, k))
            parts = [_part(outer, pair[0], builder), _part(inner, pair[1], builder)]
            if turned and S.One in (i.size, j.size):  # the other commutation is the identity
                return apply("kron", *parts[::-1])
            made = apply("kron", *parts)
            if not turned or S.One in (k.size, l.size):
                return made
            return apply("matmul", made, apply("commutation", m=k.size, n=l.size))
    if all(own <= {i, j} or own <= {k, l} for own, _ in groups):
        one = Mul(*(f for own, f in groups if own <= {i, j}))
        two = Mul(*(f for own, f in groups if not own <= {i, j}))
        return apply("outer", _column(one, (i, j), builder), _column(two, (k, l), builder))
    return _between(groups, at, builder) or _diagonal(term, at, builder)


def _between(
    groups: Sequence[tuple[set[Index], Expr]], at: Sequence[Index], builder: Matrices
) -> Tree | None:
    """Σ_qt P_iq R_tj D_qt Q_qk S_tl as (Rᵀ ⊗ P) diag(vec(D)) (Sᵀ ⊗ Q); None of others.

    Where the sum is over q alone, R or S is an identity: an index of an entry is t.
    """
    factors = Mul.make_args(Mul(*(factor for _, factor in groups)))
    sums = [f for f in factors if isinstance(f, SympySum)]
    if sum(bool(own) for own, _ in groups) != 1 or len(sums) != 1:
        return None
    body, bound = opened(sums[0])
    body *= Mul(*(f for f in factors if f is not sums[0]))
    if len(bound) == 2:
        return _weighted(body, bound, at, builder)
    found: list[Tree | None] = []
    for tied in at if len(bound) == 1 else ():
        t = fresh(tied.size)
        inside = Algebra(Knowledge()).contracted(substitute(body, {tied: t}))
        found.append(_weighted(inside * KroneckerDelta(tied, t), (*bound, t), at, builder))
    return min((tree for tree in found if tree), key=tree_cost, default=None)


def _weighted(
    body: Expr, bound: Sequence[Index], at: Sequence[Index], builder: Matrices
) -> Tree | None:
    """The sum over a pair of indices of what depends on the target, weights, and on the source."""
    sides: list[Expr] = [S.One, S.One, S.One]
    for factor in Mul.make_args(body):
        ends = [bool(free_indices(factor) & {*own}) for own in (at[:2], at[2:])]
        if all(ends):
            return None
        sides[ends.index(True) * 2 if any(ends) else 1] *= factor
    if not {*bound} <= free_indices(sides[1]):
        return None
    found: list[Tree] = []
    for q, t in (bound, bound[::-1]):
        with suppress(NoMatrixError):
            left = _term(sides[0], (*at[:2], q, t), builder)
            scale = apply("diag", _column(sides[1], (q, t), builder))
            right = _term(sides[2], (q, t, *at[2:]), builder)
            found.append(apply("matmul", apply("matmul", left, scale), right))
    return min(found, key=tree_cost, default=None)


def _diagonal(term: Expr, at: Sequence[Index], builder: Matrices) -> Tree:
    """δ_ik δ_jl F_ij as diag(vec(F)), F_ij P_ik Q_jl as diag(vec(F)) (Q ⊗ P)."""
    i, j, k, l = at  # noqa: E741
    factors = Mul.make_args(term)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    same = {index for f in deltas for index in f.args} & {*at}
    if len(deltas) == len(same) - 1 == 3:  # all four are one index
        deltas = [KroneckerDelta(*pair) for pair in ((i, k), (j, l), (i, j))]
        factors = (*deltas, *(f for f in factors if not isinstance(f, KroneckerDelta)))
    pairs = {frozenset(f.args) for f in deltas}
    for x in (i, j):  # δ_ik δ_il is δ_ik δ_kl
        if {frozenset((x, k)), frozenset((x, l))} <= pairs:
            tied, own = KroneckerDelta(x, l), KroneckerDelta(k, l)
            factors = tuple(own if f == tied else f for f in factors)
            deltas = [own if f == tied else f for f in deltas]
            pairs = {frozenset(f.args) for f in deltas}
    if not {frozenset((i, k)), frozenset((j, l))} <= pairs:
        for pair in ((i, j), (k, l)):
            held = [f for f in factors if free_indices(f) & set(at) == set(pair)]
            if held:
                scale = apply("diag", _column(Mul(*held), pair, builder))
                rest = _term(Mul(*(f for f in factors if f not in held)), at, builder)
                return apply("matmul", *((scale, rest) if pair == (i, j) else (rest, scale)))
        raise NoMatrixError
    tied = (KroneckerDelta(i, k), KroneckerDelta(j, l))
    rest = Mul(*(f for f in factors if f not in tied))
    return apply("diag", _column(substitute(rest, {k: i, l: j}), (i, j), builder))


def _column(formula: Expr, pair: tuple[Index, Index], builder: Matrices) -> Tree:
    """A factor as a vector, the columns of a matrix one below the other."""
    tree = builder.tree(formula, [index for index in pair if index.size != 1])
    if not has_notation(tree):
        raise NoMatrixError
    return apply("vec", tree) if tree.ndim == 2 else tree


def _part(formula: Expr, pair: tuple[Index, Index], builder: Matrices) -> Tree:
    """A factor as a matrix; along an axis of size 1 that stands for none, as a row or column."""
    kept = [index for index in pair if index.size != 1]
    tree = builder.tree(formula, kept if len(kept) == 1 else pair)
    if not has_notation(tree):
        raise NoMatrixError
    if len(kept) == 1:
        (index,) = kept
        row = ("slice", S.Zero, index.size, S.One)
        tree = apply("index", tree, key=(("new",), row) if index == pair[1] else (row, ("new",)))
    return tree


def _groups(term: Expr, at: Sequence[Index]) -> list[tuple[set[Index], Expr]]:
    """The factors of a term, those that share an index together."""
    groups: list[tuple[set[Index], Expr]] = []
    for factor in Mul.make_args(term):
        base = factor.base if isinstance(factor, Pow) else factor
        own = free_indices(base) & set(at)
        joined = factor
        for other in [g for g in groups if g[0] & own]:
            groups.remove(other)
            own, joined = own | other[0], joined * other[1]
        groups.append((own, joined))
    return groups
