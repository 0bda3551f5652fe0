"""Sums inside sums as one sum each, so that like ones meet; sums that share a factor as one sum.

Σ_i (A_i Σ_j B_ij C_j + C_i Σ_j B_ji A_j) is 2 Σ_ij A_i B_ij C_j.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy import Add, Expr, Mul, Pow, S, expand_mul
from sympy import Sum as SympySum

from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import (
    Index,
    Part,
    bound,
    fresh,
    opened,
    sigma_as_is,
    substitute,
)
from symderive.formulas.functions import function_of

MAX_TERMS = 12
"""Terms up to which a sum is taken apart."""


def levelled(formula: Expr) -> Expr:
    """The formula with each sum of terms that hold sums as a sum of sums, one for each term."""
    parts = [part for part in formula.atoms(SympySum) if _nested(part)]
    if not parts:
        return formula
    terms = [term for part in Add.make_args(formula) for term in _terms(part)]
    return canonical(Add(*terms)) if len(terms) <= MAX_TERMS else formula


def _nested(part: SympySum) -> bool:
    return any(_holds_products(f) for f in Mul.make_args(part.function))


def _holds_products(formula: Expr) -> bool:
    """Whether it is a sum with a sum in one of its terms."""
    return isinstance(formula, Add) and any(
        isinstance(f, SympySum | Add) for term in formula.args for f in Mul.make_args(term)
    )


def _terms(formula: Expr) -> list[Expr]:
    """A term as sums of products: what is added under a sum is taken apart where it holds sums."""
    factors: list[Expr] = []
    indices: list[Index] = []
    waiting = list(Mul.make_args(formula))
    while waiting:
        factor = waiting.pop()
        if isinstance(factor, SympySum):
            body, own = opened(factor)
            renames = {index: fresh(index.size) for index in own}
            waiting += Mul.make_args(substitute(body, renames))
            indices += renames.values()
        else:
            factors.append(factor)
    added = next((f for f in factors if _holds_products(f)), None)
    if added is None:
        return [sigma_as_is(Mul(*factors), indices)]
    rest = Mul(*(f for f in factors if f is not added))
    found: list[Expr] = []
    for term in added.args:
        renames = {index: fresh(index.size) for index in indices}
        inner = substitute(Mul(rest, term), renames)
        found += _terms(sigma_as_is(inner, [*renames.values()]))
    return found


def gathered(formula: Expr) -> Expr:
    """Sums over the same indices that share a factor as one: Σ a_i c_i − Σ b_i c_i."""
    if not isinstance(formula, Add):
        return formula
    terms = list(formula.args)
    for place, one in enumerate(terms):
        for other in terms[place + 1 :]:
            both = _joined(one, other)
            if both is not None:
                rest = [t for t in terms if t is not one and t is not other]
                return gathered(Add(both, *rest)) if rest else both
    return formula


def _joined(one: Expr, other: Expr) -> Expr | None:
    parts = [_split(term) for term in (one, other)]
    if parts[0] is None or parts[1] is None:
        return None
    (outside, body, indices), (outside_, body_, indices_) = parts
    if indices != indices_:
        return None
    factors = [Counter(Mul.make_args(b)) for b in (body, body_)]
    shared = factors[0] & factors[1]
    common = Mul(*shared.elements())
    if not any(common.has(index) for index in indices):
        return None
    number, number_ = outside.as_coeff_Mul(), outside_.as_coeff_Mul()
    if number[1] != number_[1]:
        return None
    rest, rest_ = (Mul(*(own - shared).elements()) for own in factors)  # a choice may be 0
    inner = number[0] * rest + number_[0] * rest_
    return Mul(number[1], canonical(sigma_as_is(common * inner, indices)))


def _split(term: Expr) -> Any:
    """What stands before the one sum of a term, its body and its indices."""
    factors = Mul.make_args(term)
    sums = [f for f in factors if isinstance(f, SympySum)]
    if len(sums) != 1:
        return None
    outside = Mul(*(f for f in factors if f is not sums[0]))
    return outside, sums[0].function, bound(sums[0])


def oriented(formula: Expr) -> Expr:
    """Each difference one way round, where a formula has it both ways.

    (x_j − x_i)² is (x_i − x_j)², sign(x_j − x_i) is −sign(x_i − x_j). The first of two indices is
    one that no sum binds, where there is one.
    """
    sums = {part for part in formula.atoms(Add) if len(part.args) == 2}
    both = {part for part in sums if -part in sums}
    if not both:
        return formula
    chosen = {part for part in both if min(part, -part, key=_direction) != part}
    made: Expr = _Turned(chosen).on(formula)
    return canonical(made)


def _direction(difference: Expr) -> tuple[int, bool]:
    """Less where what is free comes first."""
    above = [term for term in difference.args if not term.could_extract_minus_sign()]
    bound_ = (s for term in above for s in term.free_symbols if isinstance(s, Index))
    held = sum(index.name.startswith("_s") for index in bound_)
    return held, difference.could_extract_minus_sign()


EVEN, ODD = ("abs", "norm_pdf", "log_cosh"), ("sign",)
"""Named functions of which f(−u) is f(u), and −f(u); of SymPy's own it knows."""


class _Turned:
    """Puts a − b for b − a in powers, products and functions that keep or change their sign."""

    def __init__(self, chosen: set[Expr]) -> None:
        self.chosen = chosen

    def on(self, formula: Any) -> Any:
        if not formula.args or formula.has(*self.chosen) is False:
            return formula
        if isinstance(formula, Pow) and formula.base in self.chosen and formula.exp.is_Integer:
            return (-1) ** (formula.exp % 2) * (-formula.base) ** formula.exp
        if isinstance(formula, Mul):
            turned = [f for f in formula.args if f in self.chosen]
            rest = [self.on(f) for f in formula.args if f not in self.chosen]
            return Mul(S.NegativeOne ** len(turned), *rest, *(-f for f in turned))
        row = function_of(formula)
        if row is not None and row.name in (*EVEN, *ODD) and formula.args[0] in self.chosen:
            made = formula.func(-formula.args[0])
            return -made if row.name in ODD else made
        return formula.func(*map(self.on, formula.args))


def squares_named(formula: Expr) -> Expr:
    """Sums of squares by the lengths that a formula has.

    Σ x_j (x_j/|x| − y_j) is |x| − Σ x_j y_j.
    """
    lengths = [part for part in formula.atoms(Part) if part.op == "norm" and len(part.arrays) == 1]
    found: dict[Expr, Expr] = {}
    for part in formula.atoms(SympySum) if lengths else ():
        body, indices = opened(part)
        terms = Add.make_args(expand_mul(body))
        for length in lengths:
            if tuple(i.size for i in length.arrays[0].indices) != tuple(i.size for i in indices):
                continue
            square = length.arrays[0].at(indices) ** 2
            shares = [(term, term / square) for term in terms]
            alone = [share for _, share in shares if not share.has(*indices)]
            rest = [term for term, share in shares if share.has(*indices)]
            if alone:
                left = [sigma_as_is(term, indices) for term in rest]
                found[part] = Add(length**2 * Add(*alone), *left)
    return canonical(formula.xreplace(found)) if found else formula
