"""What a form may divide by: what the model's formulas divide by already, and nothing else.

A shorter form that is 0/0 where the derivative has a value would be wrong there. So the irreducible
factors below the bar of a form are compared with those of the derivative and of the definitions.
One more thing is allowed, and told: a name that is a factor of the whole stage (the K of
K/(1 + e^{−rt})), as long as the derivative is not taken by it: where it is zero, so is the stage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sympy import (
    Add,
    Expr,
    Function,
    Mul,
    Pow,
    Symbol,
    cos,
    cot,
    coth,
    csc,
    csch,
    exp,
    sec,
    sin,
    sinh,
    tan,
    tanh,
)
from sympy.polys.fields import FracElement

from symderive.conditions import is_positive
from symderive.formulas.factoring import factor_list, positive
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.kernels import Kernels, TooLargeError


class Divisors:
    """What the forms of one derivative may divide by, over one set of kernels.

    Args:
        kernels: The kernels of the formulas.
        formulas: The derivative and the definitions, whose own divisions are allowed.
        scales: Names that may be taken as not zero.
        free: Whether anything may be taken as not zero, and said.
    """

    def __init__(
        self,
        kernels: Kernels,
        formulas: Iterable[Expr],
        scales: frozenset[Expr] = frozenset(),
        *,
        free: bool = False,
    ) -> None:
        self.kernels, self.scales, self.free = kernels, scales, free
        self.known = set[Any]().union(
            *(kernels.noted("divisors", f, self._divided) for f in dict.fromkeys(formulas))
        )
        self.known |= set(self._norms())
        self.known |= set(self._zeros())

    def _divided(self, formula: Expr) -> frozenset[Any]:
        return frozenset(positive(factor) for factor in _divisors(self.kernels, formula))

    def _norms(self) -> Iterator[Any]:
        """What (√u − c)(√u + c) multiplies out to, where both are divided by: u − c²."""
        new = self.kernels.field.field_new
        for kernel, degree, _ in self.kernels.relations if len(self.known) > 1 else ():
            place = self.kernels.field.gens.index(kernel)
            for factor in sorted(self.known, key=str):
                odd = {m: number for m, number in factor.terms() if m[place] % 2}
                turned = factor - 2 * factor.ring.from_dict(odd)
                if degree == 2 and odd and len(factor) > 1 and positive(turned) in self.known:
                    product = self.kernels.reduce(new(factor) * new(turned))
                    yield from (positive(part) for part, _ in factor_list(product.numer)[1])

    def _zeros(self) -> Iterator[Any]:
        """What is zero only where a divisor is too: e^u − 1, sinh u and sin u are at u = 0."""
        for kernel in self.kernels.kernels:
            zero = self.kernels.place[kernel].numer
            if isinstance(kernel, exp):
                zero = zero - 1
            elif not isinstance(kernel, ODD):
                continue
            if positive(zero) in self.known:
                yield from self._factors_of(kernel.args[0])

    def _factors_of(self, formula: Expr) -> Iterator[Any]:
        try:
            element = self.kernels.element(formula)
        except (TooLargeError, ZeroDivisionError):
            return  # not over these kernels: no form can divide by it either
        yield from (positive(part) for part, _ in factor_list(element.numer)[1])

    def extra(
        self, after: FracElement, short: Expr | None = None, definition: FracElement | None = None
    ) -> frozenset[Expr] | None:
        """The names that a form takes as not zero; None where it divides by too much.

        Args:
            after: The form.
            short: The name that was brought in; a name's power, such as cosh².
            definition: What it stands for.
        """
        new = self.kernels.field.field_new
        taken: set[Expr] = set()
        name, degree = (
            (short.base, int(short.exp))
            if isinstance(short, Pow) and short.exp.is_Integer and short.exp > 0
            else (short, 1)
        )
        for factor, _ in factor_list(after.denom)[1]:
            if self._allowed(factor, taken):
                continue
            inside = new(factor) ** degree
            if name in self.kernels.place and definition is not None:
                inside = self.kernels.substituted(inside, name, degree, definition)
            parts = factor_list(inside.numer)[1]
            if not all(self._allowed(part, taken) for part, _ in parts):
                return None
        return frozenset(taken)

    def holds(self, definition: FracElement) -> bool:
        """Whether a definition divides by nothing new: tan u needs a cos u below the bar."""
        return all(self._allowed(factor, set()) for factor, _ in factor_list(definition.denom)[1])

    def _allowed(self, factor: Any, taken: set[Expr]) -> bool:
        if positive(factor) in self.known or _never_zero(self.kernels, factor):
            return True
        formula = self.kernels.formula(positive(factor))
        for turned in (formula, -formula):
            if turned in self.scales:
                taken.add(turned)
                return True
        if self.free:
            taken.add(formula)
        return self.free


ODD = (sin, tan, sinh, tanh)
"""Functions of which f(0) = 0."""


def divides_by_no_more(formula: Expr, known: Iterable[Expr]) -> bool:
    """Whether a formula, as it stands, divides by nothing that known formulas do not divide by."""
    return further_divisors(formula, known) == frozenset()


def further_divisors(formula: Expr, known: Iterable[Expr]) -> frozenset[Expr] | None:
    """What a formula, as it stands, divides by and known formulas do not; None if it is too large.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> further_divisors(y * cot(x) + 1 / (1 + x**2), [y / x])
    frozenset({sin(x)})
    """
    known = [*known]
    kinds = tuple(kind for group in _DIVIDED_BY for kind in group)
    fresh = formula.atoms(*kinds) - {part for other in known for part in other.atoms(*kinds)}
    found = {  # a cotangent divides by a sine that stands nowhere
        below(*part.args)
        for part in fresh
        for group, below in _DIVIDED_BY.items()
        if isinstance(part, group)
    }
    try:
        kernels = Kernels([formula, *known])
        mine = set(_divisors(kernels, formula))
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None
    theirs = Divisors(kernels, known).known
    return frozenset(found) | {
        kernels.formula(positive(factor))
        for factor in mine
        if positive(factor) not in theirs and not _never_zero(kernels, factor)
    }


def scales_of(definition: Expr, variable: Symbol | None) -> frozenset[Expr]:
    """The names that a form may take as not zero, and say so.

    These are the factors of a whole stage, but for the one differentiated by; and the bases of
    powers with letters in their exponents, which are positive (sums are where they stand alone),
    unless a power of a name by a name stands alone (n·xⁿ⁻¹ says the same as n·y/x).
    """
    if variable is None:
        return frozenset()
    try:
        kernels = Kernels([definition])
        factors = factor_list(kernels.normal(definition).numer)[1]
        formulas = {kernels.formula(positive(factor)) for factor, _ in factors}
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return frozenset()
    scales = {f for f in formulas if isinstance(f, Symbol) and f != variable}
    powers = {p for p in definition.atoms(Pow) if not p.exp.is_number}
    bases: set[Expr] = {
        part
        for power in powers
        for factor in Mul.make_args(power.base)
        if isinstance(part := factor.as_base_exp()[0], Symbol)
    }
    bases |= {part for power in powers if power.base.is_Add for part in _parts_of(power.base)}
    moving = [f for f in Mul.make_args(definition) if variable in f.free_symbols]
    alone = len(powers) == 1 and len(moving) == 1 and moving[0] in powers
    plain = alone and moving[0].base.is_Symbol and moving[0].exp.is_Symbol
    return frozenset(scales if plain else scales | bases)


def _parts_of(base: Expr) -> Iterator[Expr]:
    """The irreducible factors above the bar of a sum."""
    try:
        kernels = Kernels([base])
        for part, _ in factor_list(kernels.normal(base).numer)[1]:
            yield kernels.formula(positive(part))
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return


def _divisors(kernels: Kernels, formula: Expr) -> Iterator[Any]:
    """The irreducible factors of what a formula divides by, as it stands."""
    if isinstance(formula, Pow | exp) and _below(formula):
        yield from _factors_below(kernels, formula)
    for kinds, below in _DIVIDED_BY.items():
        if isinstance(formula, kinds) and below(*formula.args) in kernels.place:
            yield kernels.place[below(*formula.args)].numer
    if isinstance(formula, Add | Mul | Function):
        for arg in formula.args:
            yield from _divisors(kernels, arg)
    elif isinstance(formula, Pow):
        yield from _divisors(kernels, formula.base)
        yield from _divisors(kernels, formula.exp)


_DIVIDED_BY = {(tan, sec): cos, (cot, csc): sin, (coth, csch): sinh}
"""What functions divide by: a tangent exists where the cosine is not zero."""


def _below(power: Expr) -> bool:
    exponent = power.exp
    if exponent.is_number:
        return bool(exponent.is_negative)
    return isinstance(power, Pow) and all(
        t.could_extract_minus_sign() for t in Add.make_args(exponent)
    )


def _factors_below(kernels: Kernels, power: Expr) -> Iterator[Any]:
    try:
        if not power.exp.is_number:  # bⁿ of any real n needs b ≠ 0 where it may stand below
            base = kernels.element(power.base)
            yield from (part for part, _ in factor_list(base.numer)[1])
            return
        element = kernels.element(power)
    except (TooLargeError, ZeroDivisionError):
        return  # not over these kernels: no form can divide by it either
    for part, _ in factor_list(element.denom)[1]:
        yield part
    for kernel, _, value in kernels.relations:  # a root vanishes where its radicand does
        index = kernels.field.gens.index(kernel)
        if any(m[index] for poly in (element.numer, element.denom) for m in poly):
            for poly in (value.numer, value.denom):
                yield from (part for part, _ in factor_list(poly)[1])


def _never_zero(kernels: Kernels, poly: Any) -> bool:
    formula = kernels.formula(poly)
    return bool(formula.is_number) or is_positive(formula) or _has_no_root(poly)


def _has_no_root(poly: Any) -> bool:
    """Whether a quadratic polynomial in one kernel has no real root: x² − 2x + 2."""
    places = [k for k, degree in enumerate(poly.degrees()) if degree > 0]
    if len(places) != 1 or poly.degrees()[places[0]] != 2:
        return False
    parts = {monomial[places[0]]: number for monomial, number in poly.terms()}
    a, b, c = (parts.get(power, 0) for power in (2, 1, 0))
    return bool(b**2 - 4 * a * c < 0)


def size_of(formula: Expr, positive: Collection[Expr] = frozenset()) -> Expr:
    """|u|, which is u where it can be told that u is positive.

    >>> x = Symbol("x")
    >>> size_of(1 + x**2), size_of(1 - x), size_of(2*x, {x})
    (x**2 + 1, abs(1 - x), 2*x)
    """
    if is_positive(formula, positive) or (formula.is_Pow and formula.exp.is_even):
        return formula
    return FUNCTIONS["abs"].apply(formula)
