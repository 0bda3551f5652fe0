"""Sums inside sums as one sum each, so that like ones meet; sums that share a factor as one sum.

Σ_i (A_i Σ_j B_ij C_j + C_i Σ_j B_ji A_j) is 2 Σ_ij A_i B_ij C_j.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy import Add, Expr, Mul
from sympy import Sum as SympySum

from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import (
    Index,
    bound,
    fresh,
    opened,
    sigma_as_is,
    substitute,
)

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
