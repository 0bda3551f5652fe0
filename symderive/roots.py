"""Square roots in their simplest form: what is a square comes out of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import QQ, Expr, Pow, Rational, S, sqrt
from sympy.polys.fields import FracElement

from symderive import laws
from symderive.cost import cost
from symderive.formulas.factoring import factor_list
from symderive.formulas.kernels import Kernels, rational
from symderive.formulas.written import evaluated
from symderive.identities import MAX_ARGUMENT_COST, instances
from symderive.regular import divides_by_no_more, size_of
from symderive.tasks import Candidate, Task, length, sums

MAX_DETOUR = 6.0
"""What a root may cost more than before, by itself: the rest may cancel with it."""


def rooted(task: Task) -> Iterator[Candidate]:
    """Roots in their simplest form: what is a square comes out, √(1 − tanh² u) = sech u."""
    found: dict[Expr, Expr] = {}
    for power in sorted(task.plain.atoms(Pow), key=str):
        if power.exp.is_Rational and power.exp.q == 2 and cost(power.base) <= MAX_ARGUMENT_COST:
            root = _simple_root(power.base)
            if root is not None:
                found[power] = root**power.exp.p
    if not found:
        return
    plain = evaluated(task.plain.xreplace(found))
    yield Candidate(plain, "square root")
    kernels = Kernels([plain])
    kernels.seen |= sums(task)
    element = kernels.normal(plain)
    for form in (kernels.factored(element), kernels.half_factored(element)):
        signed = laws.everywhere(form, laws.one_sign)
        for shown in (form, signed):
            if divides_by_no_more(shown, (*task.divided, plain)):
                yield Candidate(shown, "square root")


def _simple_root(radicand: Expr) -> Expr | None:
    """The square root of a formula with what is a square taken out; None where nothing is."""
    best: Expr | None = None
    for short, squared in [(S.One, S.One), *_squares(radicand)]:
        kernels = Kernels([radicand, squared])
        rest = kernels.element(radicand) / kernels.element(squared)
        if short != 1 and length(rest) >= length(kernels.element(radicand)):
            continue
        root = _root_of(kernels, rest, short)
        if root is not None and (best is None or cost(root) < cost(best)):
            best = root
    return best if best is not None and cost(best) <= cost(sqrt(radicand)) + MAX_DETOUR else None


def _squares(radicand: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The identities for squares: (sech u, 1 − tanh² u)."""
    for _, short, long in instances(radicand):
        if isinstance(short, Pow) and short.exp == 2:
            yield short.base, long


def _root_of(kernels: Kernels, element: FracElement, short: Expr) -> Expr | None:
    """short·√element with the squares taken out of the root."""
    outside, inside, ring = size_of(short), S.One, kernels.field.ring
    left = {}
    for poly, turn in ((element.numer, 1), (element.denom, -1)):
        number, parts = factor_list(poly)
        whole = Rational(int(number.numerator), int(number.denominator))
        inside *= abs(whole) ** turn
        powers: dict[int, Any] = {}
        left[turn] = ring.one if whole > 0 else -ring.one
        for part, exponent in parts:
            if exponent > 1:
                powers[exponent // 2] = powers.get(exponent // 2, ring.one) * part
            if exponent % 2:
                left[turn] *= part
        for exponent, product in powers.items():
            outside *= size_of(_shortest(kernels, product)) ** (turn * exponent)
    if not left[-1].is_ground and _positive_with(left[-1], left[1]):  # √(n/d) = √(n·d)/d
        outside /= _shortest(kernels, left[-1])
        return outside * sqrt(inside * _shortest(kernels, left[1] * left[-1]))
    return outside * sqrt(inside * _shortest(kernels, left[1]) / _shortest(kernels, left[-1]))


def _shortest(kernels: Kernels, poly: Any) -> Expr:
    """A polynomial in factors or multiplied out."""
    return min((kernels.formula(poly), kernels.factored(kernels.field(poly))), key=cost)


def _positive_with(below: Any, above: Any) -> bool:
    """Whether n/d ≥ 0 says that d > 0: n + c·d is a positive number for a c > 0."""
    lead = next((m for m, _ in below.terms() if any(m)), None)
    if lead is None or lead not in above:
        return False
    total = rational(above) + rational(below) * QQ(-above[lead], below[lead])
    opposite = above[lead] * below[lead] < 0
    return bool(opposite and total.is_ground and total and total.LC > 0)
