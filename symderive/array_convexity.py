"""Which second derivatives are positive semidefinite, entry by entry: f(I, J) with indices I and J.

Products of semidefinite factors are semidefinite (Schur), sums of them too, g(I)·g(J) is of rank
one, and what is left of Σ w a² after (Σ w a)² is a variance where w ≥ 0 sums to one, or what the
Cauchy–Schwarz inequality says where w is a unit vector. What is said is proved by the form alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Expr,
    Indexed,
    KroneckerDelta,
    Mul,
    Pow,
    S,
    cancel,
    factor_terms,
    fraction,
    together,
)
from sympy import Sum as SympySum

from symderive.array_certify import named_put_in
from symderive.array_forms import Mask, array_cost
from symderive.formulas.arrays.algebra import Algebra, TooManyTermsError
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.contraction import NoMatrixError
from symderive.formulas.arrays.definite import Signs
from symderive.formulas.arrays.index import (
    Index,
    Part,
    Sum,
    free_indices,
    opened,
    places,
    sigma,
    substitute,
)
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.part_definitions import meant
from symderive.formulas.arrays.properties import PART_SUMS
from symderive.formulas.arrays.syntax import Shape
from symderive.formulas.written import evaluated

MAX_COST = 200.0
"""A formula that costs more, its names put in, is not looked at."""

MAX_DEPTH = 8
"""Sums in sums up to which a form is looked at."""


@dataclass(frozen=True, eq=False)
class Entries:
    """What is known where a form is looked at.

    Attributes:
        signs: The signs of the model's names.
        shapes: The shapes of its arrays.
        stated: The definitions of its stages, by their entries.
        algebra: The index algebra under what is known of its arrays.
    """

    signs: Signs
    shapes: Mapping[str, Shape]
    stated: Mapping[Expr, Expr]
    algebra: Algebra

    def semidefinite(self, formula: Expr, first: Sequence[Index], second: Sequence[Index]) -> bool:
        """Whether f(I, J) is positive semidefinite by its form."""
        swap: dict[Basic, Basic] = dict(zip(first, second, strict=True))
        plain = evaluated(formula)
        for written in dict.fromkeys((plain, self._put_in(plain))):
            forms = (
                written,
                self.algebra.contracted(written),
                written.expand(),
                self._normal(written),
            )
            if any(self._proved(form, swap, MAX_DEPTH) for form in dict.fromkeys(forms)):
                return True
        return False

    def _put_in(self, formula: Expr) -> Expr:
        """The formula in the inputs, and in the stages that are shares of one."""
        names = {
            entry: meaning
            for entry, meaning in self.stated.items()
            if not (isinstance(meaning, Part) and meaning.op in PART_SUMS)
        }
        for _ in range(len(names)):
            found = evaluated(named_put_in(formula, names))
            if found == formula or array_cost(found) > MAX_COST:
                break
            formula = found
        return formula

    def _normal(self, formula: Expr) -> Expr:
        try:
            return self.algebra.normal(formula)
        except TooManyTermsError:
            return formula

    def positive(self, formula: Expr) -> bool:
        """Whether a formula is at least 0 at all of its indices."""
        try:
            tree = Matrices(self.shapes).built(formula).tree
        except NoMatrixError:
            return False
        return self.signs.positive(tree)

    # Forms --------------------------------------------------------------------------------

    def _proved(self, formula: Expr, swap: Mapping[Basic, Basic], depth: int) -> bool:
        if not depth:
            return False
        if isinstance(formula, SympySum):
            return self._proved(opened(formula)[0], swap, depth - 1)
        if isinstance(formula, Add):
            return self._added([*formula.args], swap, depth)
        if isinstance(formula, Indexed | Part):
            return self._definite(formula, swap)
        return self._multiplied([*Mul.make_args(formula)], swap, depth)

    def _definite(self, entry: Expr, swap: Mapping[Basic, Basic]) -> bool:
        """Whether it is the entry (i, k) of a positive definite matrix, or of its inverse."""
        if isinstance(entry, Part):
            array = entry.arrays[0]
            plain = isinstance(array.formula, Indexed) and entry.op == "inv"
            inside = array.formula.indices if plain else ()
            if {*inside} != {*array.indices}:
                return False
            name, at = str(array.formula.base.label), entry.indices
        else:
            name, at = str(entry.base.label), entry.indices
        pair = len(at) == 2 and (swap.get(at[0]) == at[1] or swap.get(at[1]) == at[0])
        return pair and name in self.signs.definite

    def _added(self, terms: list[Expr], swap: Mapping[Basic, Basic], depth: int) -> bool:
        left = [term for term in terms if not self._proved(term, swap, depth - 1)]
        sound = [term for term in terms if term not in left]
        for taken in left:
            cover = next((t for t in sound if self._covers(t, taken, swap)), None)
            if cover is None:
                joined = _under_one_sum(terms)
                return joined is not None and self._proved(joined, swap, depth - 1)
            sound.remove(cover)
        return True

    def _multiplied(self, factors: list[Expr], swap: Mapping[Basic, Basic], depth: int) -> bool:
        mine, theirs = set(swap), set(swap.values())
        outside = [f for f in factors if not free_indices(f) & (mine | theirs)]
        rest = [f for f in factors if f not in outside]
        if outside and not self.positive(Mul(*outside)):
            return False
        if not rest:
            return not mine  # a number for each entry is a matrix of rank one
        deltas = [f for f in rest if _is_diagonal(f, swap)]
        if deltas:  # what stands beside δ(i, k) is the same for both
            tied: dict[Basic, Basic] = {swap[i]: i for d in deltas for i in d.args if i in swap}
            left = [substitute(f, tied) for f in rest if f not in deltas]
            other = {i: k for i, k in swap.items() if k not in tied}
            if other:
                return self._multiplied(left, other, depth - 1) if left else False
            return self.positive(Mul(*left))
        for factor in rest:
            pair = [f for f in rest if f is not factor]
            if isinstance(factor, Add) and self._spread(factor, pair, swap, depth):
                return True
        one = Mul(*(f for f in rest if not free_indices(f) & theirs))
        two = Mul(*(f for f in rest if not free_indices(f) & mine))
        both = [f for f in rest if free_indices(f) & mine and free_indices(f) & theirs]
        if not self.algebra.equal(substitute(one, swap), two):
            return False
        return all(self._proved(f, swap, depth - 1) for f in both)

    def _spread(
        self, factor: Add, rest: list[Expr], swap: Mapping[Basic, Basic], depth: int
    ) -> bool:
        """p_j (δ_jl − p_l) of p ≥ 0 with the sum 1, beside other factors that are semidefinite."""
        deltas = [t for t in factor.args if _is_diagonal(t, swap)]
        if len(factor.args) != 2 or len(deltas) != 1:
            return False
        taken = -(factor - deltas[0])
        pair = {i: k for i, k in swap.items() if {i, k} == set(deltas[0].args)}
        back: dict[Basic, Basic] = {k: i for i, k in pair.items()}
        own = substitute(taken, back) if free_indices(taken) & set(back) else taken
        if own not in rest or not self._sums_to_one(own, pair):
            return False
        left = [f for f in rest if f != own]
        other = {i: k for i, k in swap.items() if i not in pair}
        return self._multiplied(left, other, depth - 1) if left or other else True

    def _sums_to_one(self, entry: Expr, pair: Mapping[Basic, Basic]) -> bool:
        """Whether the entries along an index are shares of one."""
        (index,) = pair or (None,)
        if isinstance(entry, Part) and PART_SUMS.get(entry.op) == S.One:
            return entry.op == "softmax" and entry.indices == (index,)
        if index is None or not isinstance(entry, Indexed) or index not in entry.indices:
            return False
        stated = next(
            (e for e in self.stated if isinstance(e, Indexed) and e.base == entry.base), None
        )
        if stated is None:
            return False
        meaning = substitute(self.stated[stated], places(stated.indices, entry.indices))
        if isinstance(meaning, Part | Indexed):
            return self._sums_to_one(meaning, pair)
        total = self.algebra.contracted(sigma(meaning, [index]))
        return bool(total == 1) and self.positive(meaning)

    def _covers(self, cover: Expr, taken: Expr, swap: Mapping[Basic, Basic]) -> bool:
        """Whether c Σ_r w_r a_r(I) a_r(J) is at least c S(I) S(J) with S = Σ_r w_r a_r."""
        factors = [*Mul.make_args(-taken)]
        mine, theirs = set(swap), set(swap.values())
        one = [f for f in factors if free_indices(f) & mine]
        two = [f for f in factors if free_indices(f) & theirs]
        if self._covers_vector(cover, (one, two), factors, swap):
            return True
        if len(one) != 1 or len(two) != 1 or not isinstance(one[0], SympySum):
            return False
        if not self.algebra.equal(substitute(one[0], swap), two[0]):
            return False
        scale = Mul(*(f for f in factors if f not in (one[0], two[0])))
        body, indices = opened(one[0])
        if not self.positive(scale) or len(indices) != 1:
            return False
        for weight in Mul.make_args(body):
            if free_indices(weight) & mine or indices[0] not in free_indices(weight):
                continue
            squares = scale * body / weight * substitute(body / weight, swap)
            limit = (indices[0], S.Zero, indices[0].size - 1)
            if self._sums_to_one(weight, {indices[0]: indices[0]}):
                if self._same(cover, Sum(squares * weight, limit)):
                    return True
            elif self._same(cover, Sum(weight**2, limit) * Sum(squares, limit)):
                return True  # Cauchy and Schwarz
        return False

    def _covers_vector(
        self,
        cover: Expr,
        ends: tuple[list[Expr], list[Expr]],
        factors: list[Expr],
        swap: Mapping[Basic, Basic],
    ) -> bool:
        """Whether c δ(i, k) is at least d u_i u_k: c ≥ d Σ u²."""
        one, two = (Mul(*part) for part in ends)
        inside = Mul.make_args(cover)
        deltas = [f for f in inside if _is_diagonal(f, swap)]
        (index, *others) = swap
        if others or len(deltas) != 1 or not isinstance(index, Index):
            return False
        if set(ends[0]) & set(ends[1]) or not self.algebra.equal(substitute(one, swap), two):
            return False
        scale = Mul(*(f for f in factors if f not in ends[0] and f not in ends[1]))
        length = Sum(one**2, (index, S.Zero, index.size - 1))
        rest = Mul(*(f for f in inside if f not in deltas))
        return self.positive(scale) and self._no_less(rest, scale * length)

    def _no_less(self, left: Expr, right: Expr) -> bool:
        """Whether one formula without free indices is at least another."""
        if self._same(left, right):
            return True
        mask = Mask()
        sides = (mask.on(canonical(evaluated(meant(canonical(side))))) for side in (left, right))
        one, two = sides
        parts = fraction(cancel(together(one - two)))
        return all(self.positive(mask.off(part)) for part in parts)

    def _same(self, left: Expr, right: Expr) -> bool:
        sides = (canonical(evaluated(meant(canonical(side)))) for side in (left, right))
        return self.algebra.equal(*sides)


def _under_one_sum(terms: Sequence[Expr]) -> Expr | None:
    """Σ_q a + Σ_q b as Σ_q (a + b), what the terms share in front; None where the sums differ."""
    bodies = []
    shared: tuple[Index, ...] = ()
    for term in terms:
        factors = Mul.make_args(term)
        sums = [f for f in factors if isinstance(f, SympySum)]
        if len(sums) != 1:
            return None
        body, indices = opened(sums[0])
        shared = shared or indices
        if [index.size for index in indices] != [index.size for index in shared]:
            return None
        body = substitute(body, dict(zip(indices, shared, strict=True)))
        bodies.append(Mul(body, *(f for f in factors if f is not sums[0])))
    inside: Expr = factor_terms(Add(*bodies))
    return inside  # semidefinite for each q


def _is_diagonal(factor: Basic, swap: Mapping[Basic, Basic]) -> bool:
    """Whether it is δ(i, k) of an index and the one that it is swapped with."""
    if isinstance(factor, Pow):
        factor = factor.base
    if not isinstance(factor, KroneckerDelta):
        return False
    left, right = factor.args
    return swap.get(left) == right or swap.get(right) == left
