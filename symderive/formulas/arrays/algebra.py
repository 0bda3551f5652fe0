"""The algebra of index notation: deltas contract, sums are linear, bound indices have no names.

``Algebra.contracted`` does what a reader does with an index line: a delta under a sum puts one
index for the other, what does not depend on an index leaves its sum, sums that do not meet are
factors. ``Algebra.normal`` goes all the way to a normal form, in which equal formulas are the same:
it proves.
What is known of the arrays (symmetric, rows that sum to one, …) is used by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import product as cartesian
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Indexed,
    KroneckerDelta,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
    Tuple,
)
from sympy import Sum as SympySum

from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.cases import hoisted
from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    Part,
    delta,
    free_indices,
    fresh,
    opened,
    substitute,
)
from symderive.formulas.arrays.index import part as make_part
from symderive.formulas.arrays.properties import NOTHING_KNOWN, Knowledge
from symderive.formulas.arrays.triangles import unmasked
from symderive.formulas.inert import Diff
from symderive.formulas.zero_test import SQUARES, is_zero

MAX_TERMS = 400
"""A normal form of more terms than this is given up: the caller samples instead."""


MOST_ALGEBRAS, MOST_REMEMBERED = 32, 50_000
"""Algebras that are remembered, and formulas that each remembers."""


class TooManyTermsError(ArithmeticError):
    """A normal form outgrew its budget."""


def factors_of(formula: Expr) -> list[Expr]:
    """The factors of a product, a power of a delta being the delta."""
    return [
        f.base if isinstance(f, Pow) and isinstance(f.base, KroneckerDelta) else f
        for f in Mul.make_args(formula)
    ]


class Algebra:
    """Index algebra under what is known of some arrays.

    Args:
        known: Properties of the arrays by name.

    >>> n = Symbol("n")
    >>> i, a = Index("i", n), Index("a", n)
    >>> from symderive.formulas.arrays.index import entry_of, sigma
    >>> Algebra().contracted(sigma(entry_of("x", [i]) * delta(i, a), [i]))
    x[a]
    """

    def __init__(self, known: Knowledge = NOTHING_KNOWN) -> None:
        self.known = known
        self._contracted: dict[tuple[Basic, bool], Any] = {}
        self._named_once: dict[tuple[Basic, bool], Any] = {}
        self._symmetries: dict[tuple[Basic, bool], bool] = {}

    @cached_property
    def _unknowing(self) -> Algebra:
        return algebra_under(NOTHING_KNOWN)

    # Contracting --------------------------------------------------------------------------

    def contracted(self, formula: Basic) -> Any:
        """The formula with deltas contracted and sums simplified."""
        return self._settled(formula, False)

    def normal(self, formula: Expr) -> Expr:
        """The normal form: all products and sums multiplied out.

        Raises:
            TooManyTermsError: It has too many terms.
        """
        return self._settled(formula, True)

    def _settled(self, formula: Basic, whole: bool) -> Any:
        key = (formula, whole)
        if key not in self._named_once:
            _kept_small(self._named_once)
            self._named_once[key] = self._named(self._walk(formula, whole))
        return self._named_once[key]

    def _named(self, formula: Basic) -> Any:
        """Bound indices renamed; the indices of what is symmetric in the order of the names."""
        named = canonical(formula)
        if not self.known.stated:
            return named
        return canonical(self._ordered(named))

    def _ordered(self, formula: Basic) -> Any:
        if not formula.args or isinstance(formula, Diff):
            return formula
        made = formula.func(*(self._ordered(arg) for arg in formula.args))
        if isinstance(made, Part):
            return self._ordered_part(made)
        return self.known.entry(made) if isinstance(made, Indexed) else made

    def equal(self, left: Expr, right: Expr) -> bool:
        """Whether two formulas are proved equal; False means that it is not known."""
        if self.contracted(left) == self.contracted(right):
            return True
        try:
            difference = self.normal(left) - self.normal(right)
            return difference == 0 or bool(is_zero(self.normal(difference)))
        except (TooManyTermsError, RecursionError):
            return False

    def _walk(self, formula: Basic, whole: bool) -> Any:
        if not formula.args:
            return formula
        key = (formula, whole)
        if key not in self._contracted:
            _kept_small(self._contracted)
            self._contracted[key] = self._walked(formula, whole)
        return self._contracted[key]

    def _walked(self, formula: Basic, whole: bool) -> Any:
        if isinstance(formula, SympySum):
            body, indices = opened(formula)
            return self._sum(self._walk(body, whole), indices, whole)
        if isinstance(formula, KroneckerDelta):
            return _delta(*formula.args)
        if isinstance(formula, ArrayOf):
            return ArrayOf(self._walk(formula.formula, whole), Tuple(*formula.indices))
        if isinstance(formula, Pow) and whole and formula.exp.is_Integer and 1 < formula.exp <= 8:
            if type(formula.base) in SQUARES and formula.exp % 2 == 0:
                square = SQUARES[type(formula.base)](*formula.base.args)
                return self._walk(Pow(square, formula.exp / 2), whole)
            base = self._walk(formula.base, whole)
            if isinstance(base, Add | SympySum) or base.has(SympySum):
                return self._product([base] * int(formula.exp), whole)
            return base**formula.exp
        if isinstance(formula, Diff) and self.known.stated:
            # entries are independent: ∂f/∂C[i, j] is not ∂f/∂C[j, i], even where C is symmetric
            return self._unknowing._walk(formula, whole)
        args = [self._walk(arg, whole) for arg in formula.args]
        if isinstance(formula, Add):
            return self._bounded(Add(*args)) if whole else Add(*args)
        if isinstance(formula, Mul):
            return self._product(args, whole)
        if isinstance(formula, Piecewise):
            return hoisted(formula.func(*args))
        same = isinstance(formula, Function) and tuple(args) == formula.args
        made = formula if same else formula.func(*args)
        if isinstance(made, Part) and self.known.stated:
            return self._ordered_part(made)
        return self.known.entry(made)

    def _ordered_part(self, formula: Part) -> Expr:
        """An entry of the inverse of a symmetric matrix, its indices in order."""
        if formula.op != "inv" or len(formula.indices) != 2:
            return formula
        left, right = formula.indices
        if str(left) <= str(right) or not self._symmetric(formula.arrays[0]):
            return formula
        return make_part("inv", formula.arrays, (right, left))

    def ways(self, entry: Indexed | Part) -> Sequence[tuple[Expr, ...]]:
        """The indices of an entry, in each order in which it is the same."""
        at = tuple(entry.indices)
        if len(at) != 2 or not self.known.stated:
            return (at,)
        if isinstance(entry, Part):
            same = entry.op == "inv" and self._symmetric(entry.arrays[0])
        else:
            same = str(entry.base.label) in self.known.symmetric()
        return (at, at[::-1]) if same else (at,)

    def _symmetric(self, array: ArrayOf) -> bool:
        key = (array, True)
        if key not in self._symmetries:
            row, column = (fresh(index.size) for index in array.indices)
            here, there = array.at((row, column)), array.at((column, row))
            self._symmetries[key] = row.size == column.size and self.equal(here, there)
        return self._symmetries[key]

    def split(self, formula: Basic) -> Any:
        """The formula with sums over terms that do not all depend on the index taken apart."""
        if not formula.args or not formula.has(SympySum):
            return formula
        if isinstance(formula, SympySum) and isinstance(formula.function, Add):
            body, indices = opened(formula)
            if any(not free_indices(term).issuperset(indices) for term in body.args):
                return self._added(body.args, indices, False)
        if isinstance(formula, SympySum) and isinstance(formula.function, Mul):
            body, indices = opened(formula)
            terms = _multiplied_out(body)
            if any(self.known.shortens(term, indices) for term in terms):
                return self._added(terms, indices, False)
        return formula.func(*(self.split(arg) for arg in formula.args))

    def _bounded(self, formula: Expr) -> Expr:
        if len(Add.make_args(formula)) > MAX_TERMS:
            raise TooManyTermsError
        return formula

    def _product(self, parts: Sequence[Expr], whole: bool) -> Expr:
        if whole:
            opened_parts: list[Expr] = []
            indices: list[Index] = []
            for part in (f for p in parts for f in Mul.make_args(p)):
                if isinstance(part, SympySum) and free_indices(part):  # a number meets nothing
                    body, mine = opened(part)
                    opened_parts.append(body)
                    indices += mine
                else:
                    opened_parts.append(part)
            if any(isinstance(part, Add) for part in opened_parts):
                choices = [Add.make_args(part) for part in opened_parts]
                count = 1
                for choice in choices:
                    count *= len(choice)
                if count > MAX_TERMS:
                    raise TooManyTermsError
                terms = [self._product([*term], whole) for term in cartesian(*choices)]
                return self._added(terms, indices, whole)
            if indices:
                return self._sum(self._product(opened_parts, whole), indices, whole)
            parts = opened_parts
        masks = [part for part in parts if isinstance(part, Piecewise)]
        for mask in masks:
            others = [f for p in parts if p is not mask for f in Mul.make_args(p)]
            found = unmasked(mask, others, self.known)
            if found is not None:
                rest = [part for part in parts if part is not mask]
                return self._product([found, *rest], whole)
        formula = Mul(*parts)
        deltas = [f for f in factors_of(formula) if isinstance(f, KroneckerDelta)]
        if not deltas or not isinstance(formula, Mul):
            return formula
        rest = Mul(*(f for f in factors_of(formula) if not isinstance(f, KroneckerDelta)))
        for found in deltas:  # of two free indices that are equal, the first in order is kept
            keep, drop = sorted(found.args, key=str)
            here = isinstance(drop, Index) and drop in rest.free_symbols and not keep.has(drop)
            if here and named_within(keep, drop.size):
                rest = substitute(rest, {drop: keep})
        return Mul(rest, *deltas)

    # Sums ---------------------------------------------------------------------------------

    def _sum(self, body: Expr, indices: Sequence[Index], whole: bool) -> Expr:
        if body == 0:
            return S.Zero
        alone = {index: S.Zero for index in indices if index.size == 1}
        if alone:  # an axis of size 1 has one place
            body = self._walk(substitute(body, alone), whole)
            indices = [index for index in indices if index not in alone]
            if not indices:
                return body
        if isinstance(body, Add) and (whole or self._splits(body, indices)):
            return self._added(body.args, indices, whole)
        inside = factors_of(body)
        for k, part in enumerate(inside):
            others = [*inside[:k], *inside[k + 1 :]]
            if isinstance(part, Add) and _binds_delta(part, indices):
                terms = [self._product([term, *others], whole) for term in part.args]
                return self._added(terms, indices, whole)
            if isinstance(part, SympySum) and free_indices(part):
                inner, mine = opened(part)
                merged = self._product([inner, *others], whole)
                return self._sum(merged, [*indices, *mine], whole)
        for part in inside:
            if isinstance(part, KroneckerDelta):
                solved = _solved(part, indices)
                if solved is None:
                    continue
                index, value = solved
                rest = Mul(*(f for f in inside if f is not part))
                renewed = self._walk(substitute(rest, {index: value}), whole)
                return self._sum(renewed, [i for i in indices if i != index], whole)
        return self._separated(inside, indices, whole)

    def _splits(self, body: Add, indices: Sequence[Index]) -> bool:
        """Whether a sum of terms is taken apart: for a delta, or for a term whose sum is known."""
        known = any(self.known.shortens(term, indices) for term in body.args)
        return known or _must_split(body, indices)

    def _added(self, terms: Iterable[Expr], indices: Sequence[Index], whole: bool) -> Expr:
        done = [self._sum(term, indices, whole) for term in terms]
        return self._bounded(Add(*done)) if whole else Add(*done)

    def _separated(self, inside: list[Expr], indices: Sequence[Index], whole: bool) -> Expr:
        """The factors in groups that share indices, each under its own sum."""
        outside: list[Expr] = []
        groups: list[tuple[set[Index], list[Expr]]] = []
        for part in inside:
            mine = free_indices(part) & set(indices)
            if not mine:
                outside.append(part)
                continue
            touching = [group for group in groups if group[0] & mine]
            parts = [part]
            for group in touching:
                groups.remove(group)
                mine |= group[0]
                parts = [*group[1], *parts]
            groups.append((mine, parts))
        used = {index for mine, _ in groups for index in mine}
        outside += [index.size for index in indices if index not in used]
        sums = []
        for mine, parts in groups:
            ordered = [index for index in indices if index in mine]
            sums.append(self.known.sum(Mul(*parts), ordered))
        result = Mul(*outside, *sums)
        changed = [s for s in sums if not isinstance(s, SympySum)]
        return (
            self._walk(result, whole)
            if changed and result.has(SympySum, KroneckerDelta)
            else result
        )


def _kept_small(remembered: dict[Any, Any]) -> None:
    """Forget everything where there is too much: formulas of other models are not asked again."""
    if len(remembered) >= MOST_REMEMBERED:
        remembered.clear()


def algebra_under(known: Knowledge) -> Algebra:
    """The algebra under what is known: one, which remembers what it has contracted.

    >>> known = {"A": ["diagonal"]}
    >>> algebra_under(Knowledge(known)) is algebra_under(Knowledge(known))
    True
    """
    return _algebra_under(tuple(known.stated.items()), tuple(known.sums.items()))


@lru_cache(maxsize=MOST_ALGEBRAS)
def _algebra_under(stated: Any, sums: Any) -> Algebra:
    return Algebra(Knowledge(dict(stated), dict(sums)))


MAX_SPLIT = 6
"""Terms up to which a product under a sum is multiplied out to look for known sums."""


def _multiplied_out(body: Expr) -> list[Expr]:
    """The terms of a product with one sum of terms in it; none of any other."""
    factors = Mul.make_args(body)
    added = [f for f in factors if isinstance(f, Add)]
    if len(added) != 1 or len(added[0].args) > MAX_SPLIT:
        return []
    rest = Mul(*(f for f in factors if f is not added[0]))
    return [rest * term for term in added[0].args]


def _must_split(body: Add, indices: Sequence[Index]) -> bool:
    return any(_binds_delta(term, indices) for term in body.args)


def _binds_delta(formula: Expr, indices: Sequence[Index]) -> bool:
    """Whether a delta of one of the indices stands where linearity reaches it."""
    if isinstance(formula, KroneckerDelta):
        return bool(formula.free_symbols & set(indices))
    if isinstance(formula, Add | Mul | SympySum):
        parts = formula.args if not isinstance(formula, SympySum) else formula.args[:1]
        return any(_binds_delta(arg, indices) for arg in parts)
    return False


# Deltas -----------------------------------------------------------------------------------------


def _delta(left: Expr, right: Expr) -> Expr:
    """δ(left, right), taken apart where it is one of row-and-column numbers: i·n + j."""
    difference = (left - right).expand()
    alone = {index: S.Zero for index in free_indices(difference) if index.size == 1}
    if alone:  # an axis of size 1 has one place
        difference = difference.xreplace(alone)
    if difference.is_Integer:
        return S.One if difference == 0 else S.Zero
    low, high = extent(difference)
    if positive(low - 1) or positive(-high - 1):
        return S.Zero  # the two are never equal
    for size in sorted(difference.free_symbols, key=str):
        if isinstance(size, Index) or not isinstance(size, Symbol):
            continue
        rest = difference.subs(size, 0)
        first = ((difference - rest) / size).expand()
        if rest == 0 or first.has(size) or not free_indices(rest) or not free_indices(first):
            continue
        low, high = extent(rest)
        if positive(low + size - 1) and positive(size - 1 - high):
            return _delta(first, S.Zero) * _delta(rest, S.Zero)
    for stride in _strides(difference):
        rest = Add(*(t for t in Add.make_args(difference) if t.as_coeff_Mul()[0] % stride))
        first = ((difference - rest) / stride).expand()
        if not free_indices(rest) or not free_indices(first):
            continue
        low, high = extent(rest)
        if positive(low + stride - 1) and positive(stride - 1 - high):
            return _delta(first, S.Zero) * _delta(rest, S.Zero)
    return _plain(difference)


def _strides(difference: Expr) -> list[Expr]:
    """The numbers that rows are apart in a sum of row and column numbers: 3 in 3·i + j."""
    terms = (term.as_coeff_Mul() for term in Add.make_args(difference))
    found = {abs(number) for number, index in terms if number.is_Integer and free_indices(index)}
    return sorted(number for number in found if number > 1)


def _plain(difference: Expr) -> Expr:
    """δ of a difference of affine indices, what is negative on the other side."""
    plus = [t for t in Add.make_args(difference) if not t.could_extract_minus_sign()]
    minus = [-t for t in Add.make_args(difference) if t.could_extract_minus_sign()]
    return delta(Add(*plus), Add(*minus))


def _solved(found: KroneckerDelta, indices: Sequence[Index]) -> tuple[Index, Expr] | None:
    """The bound index that a delta fixes and its value, if that never leaves the index's range."""
    difference = (found.args[0] - found.args[1]).expand()
    for index in sorted(indices, key=lambda index: index.name, reverse=True):
        coefficient = difference.coeff(index)
        if coefficient not in (1, -1):
            continue
        value = (index - difference / coefficient).expand()
        if value.has(index):
            continue
        if named_within(value, index.size):
            return index, value
    return None


def named_within(value: Expr, size: Expr) -> bool:
    """The same; an entry that a formula names by its number is taken to be there."""
    return within(value, size) or bool(size.is_Symbol and value.is_Integer and value >= 0)


def within(value: Expr, size: Expr) -> bool:
    """Whether an affine index is proved to stay in 0, …, size − 1."""
    low, high = extent(value)
    return positive(low) and positive(size - 1 - high)


def extent(value: Expr) -> tuple[Expr, Expr]:
    """The least and the greatest value of an affine index, in the sizes."""
    low = high = S.Zero
    for term in Add.make_args(value.expand()):
        here = [f for f in Mul.make_args(term) if isinstance(f, Index)]
        if not here:
            low, high = low + term, high + term
            continue
        top = term.subs(here[0], here[0].size - 1)
        if term.could_extract_minus_sign():
            low += top
        else:
            high += top
    return low.expand(), high.expand()


def positive(value: Expr) -> bool:
    """Whether a formula in sizes is proved ≥ 0; every size is at least 1."""
    shifted = value.subs({s: s + 1 for s in value.free_symbols}, simultaneous=True).expand()
    return all(t.as_coeff_Mul()[0] >= 0 for t in Add.make_args(shifted))
