"""From a normal form back to formulas: in factors, split, collected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import QQ, Add, Expr, Mul, Rational, S, Symbol
from sympy.polys.fields import FracElement

from symderive.formulas.decimals import as_seen, with_decimals
from symderive.formulas.factoring import (
    beside_itself,
    conjugates_joined,
    factor_list,
    gathered,
    mixed,
    only_powers,
)
from symderive.formulas.fractions import TooLargeError
from symderive.formulas.kernel_field import KernelField

MAX_SPLIT = 8
"""A numerator with more terms than this is not taken apart."""


class Kernels(KernelField):
    """The kernels of some formulas, and the forms that a normal form over them can take."""

    def formula(self, poly: Any) -> Expr:
        """A polynomial over the kernels as a SymPy formula."""
        terms = []
        for monomial, coefficient in poly.terms():
            powers = (k**e for k, e in zip(self.kernels, monomial, strict=True) if e)
            terms.append(
                Mul(Rational(int(coefficient.numerator), int(coefficient.denominator)), *powers)
            )
        return Add(*terms)

    def factored(self, element: FracElement) -> Expr:
        """The element as a SymPy formula: numerator and denominator in factors, signs absorbed."""
        return self._multiplied(*self.powers_of(element))

    def half_factored(self, element: FracElement) -> Expr:
        """The numerator as one sum without its common factors, over the denominator in factors."""
        outside, rest = self._common_factor(element)
        if len(rest) < 2:
            return self.factored(element)
        powers, number = self.powers_of(outside)
        return self._multiplied([*powers, (self.formula(rest), 1)], number)

    def split(self, element: FracElement) -> Iterator[Expr]:
        """The numerator's parts each over the denominator, with and without the common factor.

        A part is what stands with one product of kernels, or a single term.
        """
        for form in self._parts(element):
            yield form
            if (pulled := shared_out(form)) is not None:
                yield pulled

    def _parts(self, element: FracElement) -> Iterator[Expr]:
        if not 1 < len(element.numer) <= MAX_SPLIT or element.denom.is_ground:
            return
        new = self.field.field_new
        whole, left = map(self.from_rational, rational(element.numer).div(rational(element.denom)))
        if whole and left:
            below = new(element.denom)
            yield self.factored(whole) + self.factored(left / below)
            yield self.factored(whole) + Add(*(self.factored(t / below) for t in self._terms(left)))
        symbols = [isinstance(kernel, Symbol) for kernel in self.kernels]
        outside, rest = self._common_factor(element, with_denominator=False)
        for below, poly in ((new(element.denom), element.numer), (outside, rest)):
            for by_kernel in (True, False):
                parts: dict[object, Any] = {}
                for monomial, coefficient in poly.terms():
                    key = tuple(m for m, s in zip(monomial, symbols, strict=True) if not s)
                    place = key if by_kernel else monomial
                    parts.setdefault(place, self.field.ring.zero)
                    parts[place] += self.field.ring.from_dict({monomial: coefficient})
                if len(parts) < 2:
                    continue
                if poly is element.numer:
                    yield Add(*(self.factored(new(part) / below) for part in parts.values()))
                else:
                    inner = Add(
                        *(self.factored(new(p) / new(element.denom)) for p in parts.values())
                    )
                    yield self.factored(outside) * inner

    def _terms(self, element: FracElement) -> Iterator[FracElement]:
        """The terms of a numerator over the denominator, each by itself."""
        new, ring = self.field.field_new, self.field.ring
        for monomial, coefficient in element.numer.terms():
            yield new(ring.from_dict({monomial: coefficient})) / new(element.denom)

    def from_rational(self, poly: Any) -> FracElement:
        """A polynomial with rational coefficients as an element."""
        number, whole = poly.clear_denoms()
        ring = self.field.ring
        terms = ring.zero.new({m: int(c) for m, c in whole.items()})
        return self.field.new(terms, ring.ground_new(int(number)))

    def without_roots(self, element: FracElement) -> Iterator[FracElement]:
        """The element with a name written as a power of its root: T/√T is √T."""
        for kernel, degree, value in self.relations:
            if value.denom == 1 and value.numer.is_generator:
                name = self.kernels[value.numer.ring.gens.index(value.numer)]
                changed = self.substituted(element, name, 1, kernel**degree)
                if changed != element:
                    yield changed

    def _common_factor(
        self, element: FracElement, *, with_denominator: bool = True
    ) -> tuple[FracElement, Any]:
        """What all terms of the numerator share (over the denominator), and the rest of it."""
        content, rest = element.numer.primitive()
        new, ring = self.field.field_new, self.field.ring
        common = tuple(map(min, zip(*rest, strict=True))) if rest else (0,) * ring.ngens
        rest = ring.from_dict(
            {tuple(a - b for a, b in zip(m, common, strict=True)): c for m, c in rest.terms()}
        )
        outside = new(ring.from_dict({common: content}))
        if with_denominator:
            outside = outside / new(element.denom)
        if len(rest) > 1 and all(coefficient < 0 for coefficient in rest.values()):
            outside, rest = -outside, -rest
        return outside, rest

    def powers_of(self, element: FracElement) -> tuple[list[tuple[Expr, int]], Rational]:
        """The irreducible factors with their exponents, and the number before them."""
        above, below = self._factor_list(element.numer), self._factor_list(element.denom)
        number = above.pop(0)[0] / below.pop(0)[0]
        powers = above + [(base, -exponent) for base, exponent in below]
        return as_seen(powers, number, self.seen)

    def _multiplied(self, powers: list[tuple[Expr, int]], number: Rational) -> Expr:
        powers, number = with_decimals(
            *self._oriented(conjugates_joined(powers, self.seen), number)
        )
        parts = gathered([base**exponent for base, exponent in powers])
        if len(parts) == 1 and parts[0].is_Add and number != 1:
            return Mul(number, parts[0], evaluate=False)
        return Mul(number, *parts)

    def _oriented(
        self, powers: list[tuple[Expr, int]], number: Rational
    ) -> tuple[list[tuple[Expr, int]], Rational]:
        """Factors turned to read best.

        A sum is turned as the formulas have it, else to (1 − a); then a minus goes into a sum
        where it can, but a(1 − a) stays.
        """
        turned = []
        for base, exponent in powers:
            strange = base.is_Add and base not in self.seen
            if strange and (-base in self.seen or base.as_coeff_Add()[0] < 0):
                base, number = -base, number * (-1) ** abs(exponent)
            turned.append((base, exponent))
        names = {base for base, _ in turned}
        open_ = [
            k
            for k, (base, exponent) in enumerate(turned)
            if exponent % 2 and mixed(base) and not beside_itself(base, names)
        ]
        open_.sort(
            key=lambda k: bool(turned[k][0].as_coeff_Add()[0] > 0)
        )  # 1 − p stays before q − r
        for unseen_only in (True, False):
            for k in open_ if number < 0 else ():
                base, exponent = turned[k]
                if number < 0 and (base not in self.seen if unseen_only else exponent > 0):
                    turned[k], number = (-base, exponent), -number
        return turned, number

    def _factor_list(self, poly: Any) -> list[tuple[Expr, int]]:
        """The number and the irreducible factors with their exponents."""
        coefficient, parts = factor_list(poly)
        number = Rational(int(coefficient.numerator), int(coefficient.denominator))
        result: list[tuple[Expr, int]] = []
        powers = only_powers(poly)
        for part, exponent in parts:
            formula = self.formula(part)
            if powers and len(part) > 1 and part.LC != 1:  # x² + y²/2 is what long powers are of
                formula, number = (formula / part.LC).expand(), number * part.LC**exponent
            if all(term.could_extract_minus_sign() for term in Add.make_args(formula)):
                formula, number = -formula, number * (-1) ** abs(exponent)
            result.append((formula, exponent))
        return [(number, 1), *result]

    def collected(self, element: FracElement, kernel: Expr) -> Expr:
        """The element with its numerator collected in powers of one kernel, each part factored."""
        index = self.kernels.index(kernel)
        ring = self.field.ring
        parts: dict[int, Any] = {}
        for monomial, coefficient in element.numer.terms():
            rest = (*monomial[:index], 0, *monomial[index + 1 :])
            parts.setdefault(monomial[index], ring.zero)
            parts[monomial[index]] += ring.from_dict({rest: coefficient})
        new = self.field.field_new
        below = new(element.denom)
        inside = below if element.denom.is_ground else new(1)  # (500 − 851y)/500 is 1 − 1.702y
        collected = Add(*(kernel**e * self.factored(new(p) / inside) for e, p in parts.items()))
        return collected / self.factored(below / inside)

    def substituted(
        self, element: FracElement, kernel: Expr, degree: int, value: FracElement
    ) -> FracElement:
        """The element with kernelⁿ replaced by a value, n = degree."""
        index = self.kernels.index(kernel)
        above = self._lowered(element.numer, index, degree, value)
        return self._within(above / self._lowered(element.denom, index, degree, value))

    def expanded(self, element: FracElement) -> Expr:
        """The element as a SymPy formula: one polynomial over another."""
        below = self.formula(element.denom)
        turn = below.is_Add and below not in self.seen and -below in self.seen
        if mixed(below) and not {below, -below} & self.seen:  # 1/(x² − 1), not −1/(1 − x²)
            minus = {coefficient < 0 for coefficient in element.numer.values()}
            turn = minus == {True} or (len(minus) == 2 and below.as_coeff_Add()[0] < 0)
        above = self.formula(-element.numer if turn else element.numer)
        return above / (-below if turn else below)


def shared_out(formula: Expr) -> Expr | None:
    """A sum with the powers that all its terms have pulled out; None where there are none.

    A fraction with fractions above a sum is no simpler: these stay apart. Of a product, each sum.

    >>> from sympy.abc import w, L, C, Z
    >>> shared_out(L**2*w/Z - 1/(C**2*Z*w**3))
    (L**2*w - 1/(C**2*w**3))/Z
    """
    if formula.is_Mul:
        parts = [(part, shared_out(part)) for part in formula.args]
        changed = any(pulled is not None for _, pulled in parts)
        return Mul(*(pulled or part for part, pulled in parts)) if changed else None
    rows = [term.as_powers_dict() for term in Add.make_args(formula)]
    outside: list[Expr] = []
    for base in rows[0] if len(rows) > 1 else ():
        exponents = [row.get(base, S.Zero) for row in rows]
        one_side = {e.is_positive for e in exponents} in ({True}, {False})
        if (
            not (base.is_Number or base.is_Add)
            and all(e.is_Integer and e for e in exponents)
            and one_side
        ):
            outside.append(base ** min(exponents, key=abs))
    if not outside:
        return None
    shared = Mul(*outside)
    number, rest = Add(*(term / shared for term in formula.args)).primitive()
    return Mul(number, shared, rest)


def rational(poly: Any) -> Any:
    """The same polynomial over the rational numbers, where every number divides."""
    return poly.set_ring(poly.ring.clone(domain=QQ))


__all__ = ["Kernels", "TooLargeError", "rational"]
