"""Square roots in their simplest form: what is a square comes out of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sympy import QQ, Expr, Mul, Pow, Rational, S, sign, sqrt
from sympy.polys.fields import FracElement

from symderive import laws
from symderive.conditions import is_positive
from symderive.cost import cost
from symderive.formulas.factoring import factor_list
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.kernels import Kernels, rational
from symderive.formulas.written import evaluated
from symderive.identities import MAX_ARGUMENT_COST, instances
from symderive.regular import divides_by_no_more, size_of
from symderive.tasks import Candidate, Task, length, sums_as_stated

ABS: Any = FUNCTIONS["abs"].function
SIGN: Any = FUNCTIONS["sign"].function

SIMPLER = -1.0
"""What a form may cost more with its roots in their simplest form: 2 sign x/√(1 − x²)."""

MAX_DETOUR = 6.0
"""What a root may cost more than before, by itself: the rest may cancel with it."""


def rooted(task: Task) -> Iterator[Candidate]:
    """Roots in their simplest form: what is a square comes out, √(1 − tanh² u) = sech u."""
    found: dict[Expr, Expr] = {}
    for power in sorted(task.plain.atoms(Pow), key=str):
        if power.exp.is_Rational and power.exp.q == 2 and cost(power.base) <= MAX_ARGUMENT_COST:
            root = simple_root(power.base, task.positive)
            if root is not None:
                found[power] = root**power.exp.p
    if not found:
        return
    plain = laws.everywhere(evaluated(task.plain.xreplace(found)), laws.sizes_of_parts)
    yield Candidate(plain, "square root", SIMPLER)
    kernels = Kernels([plain])
    kernels.seen = sums_as_stated(kernels.seen, task)
    element = kernels.normal(plain)
    for form in (kernels.factored(element), kernels.half_factored(element)):
        signed = laws.everywhere(form, laws.one_sign)
        for shown in (form, signed):
            if divides_by_no_more(shown, (*task.divided, plain)):
                yield Candidate(shown, "square root", SIMPLER)


def signless(task: Task) -> Iterator[Candidate]:
    """In the signs of what is not known to be positive."""
    changed = unsigned(task.plain, task.positive) if task.positive else task.plain
    if changed != task.plain:
        yield Candidate(changed, "|u| = u for a positive u")


def unsigned(formula: Expr, positive: Collection[Expr]) -> Expr:
    """|a·u| = a·|u| and sign(a·u) = sign u, where a is known to be positive.

    >>> from sympy.abc import a, x
    >>> unsigned(FUNCTIONS["abs"].apply(x / a), {a})
    abs(x)/a
    """
    found = {
        part: _without_sign(part, positive) for part in sorted(formula.atoms(ABS, SIGN), key=str)
    }
    return evaluated(formula.xreplace(found))


def _without_sign(part: Expr, positive: Collection[Expr]) -> Expr:
    """|u| or sign u with the factors of u that are positive taken out of it."""
    kernels = Kernels([part.args[0]])
    element = kernels.normal(part.args[0])
    powers, number = kernels.powers_of(element)
    firm = Mul(*(base**e for base, e in powers if is_positive(base, positive)))
    rest = Mul(*(base**e for base, e in powers if not is_positive(base, positive)))
    inside = part.func(rest) if rest != 1 else S.One
    return abs(number) * firm * inside if isinstance(part, ABS) else sign(number) * inside


def simple_root(radicand: Expr, positive: Collection[Expr] = frozenset()) -> Expr | None:
    """The square root of a formula with what is a square taken out; None where nothing is.

    Args:
        radicand: The formula.
        positive: Names that are positive: their squares' roots need no |…|.

    >>> from sympy.abc import a, x
    >>> simple_root(1 - x**2/a**2, {a})
    sqrt(a**2 - x**2)/a
    """
    best: Expr | None = None
    for short, squared in [(S.One, S.One), *_squares(radicand)]:
        kernels = Kernels([radicand, squared])
        rest = kernels.element(radicand) / kernels.element(squared)
        if short != 1 and length(rest) >= length(kernels.element(radicand)):
            continue
        root = _root_of(kernels, rest, short, positive)
        if root is None:
            continue
        if best is None or cost(root) < cost(best) or (short != 1 and cost(root) == cost(best)):
            best = root  # of equals the one that has less under the root
    before = sqrt(radicand)
    if best is None or cost(best) > cost(before) + MAX_DETOUR:
        return None
    return None if best.func is before.func and cost(best) >= cost(before) else best


def _squares(radicand: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The identities for squares: (sech u, 1 − tanh² u)."""
    for _, short, long in instances(radicand):
        if isinstance(short, Pow) and short.exp == 2:
            yield short.base, long


def _root_of(
    kernels: Kernels, element: FracElement, short: Expr, positive: Collection[Expr]
) -> Expr | None:
    """short·√element with the squares taken out of the root."""
    outside, inside, ring = size_of(short, positive), S.One, kernels.field.ring
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
            outside *= size_of(_shortest(kernels, product), positive) ** (turn * exponent)
    signs = (1, -1) if not left[-1].is_ground else ()
    firm = next((s for s in signs if _positive_with(left[-1] * s, left[1] * s)), 0)
    if firm:  # √(n/d) = √(n·d)/d
        outside /= _shortest(kernels, left[-1] * firm)
        return outside * _rooted(inside, _shortest(kernels, left[1] * left[-1]))
    above, below = (_shortest(kernels, left[turn]) for turn in (1, -1))
    if above.is_positive:  # a number over what must be positive
        return outside * sqrt(inside * above) / sqrt(below)
    return outside * _rooted(inside, above / below)


def _rooted(number: Expr, formula: Expr) -> Expr:
    """The root of a number times a formula; a square number comes out of it."""
    root = sqrt(number)
    return root * sqrt(formula) if root.is_Rational else sqrt(number * formula)


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
