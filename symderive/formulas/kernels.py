"""Formulas as rational functions of their kernels: the exact normal form.

A *kernel* is what a rational function cannot look into: a symbol, exp(u), log(u), √u, a named
function. Over them a formula is a quotient of two polynomials, kept cancelled by SymPy's sparse
polynomial fields, so that equality of two formulas is equality of two normal forms. Powers of one
exponential are powers of one kernel (e^{2x} = (e^x)²), roots obey Kⁿ = b, and with ``deep=True``
trigonometric and hyperbolic functions are written in sin and cos (cos² = 1 − sin²) and in e^x.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb, prod
from typing import Any

from sympy import (
    QQ,
    Add,
    Expr,
    Mul,
    Pow,
    Rational,
    S,
    Symbol,
    cos,
    exp,
    log,
    sin,
)
from sympy.core.sorting import default_sort_key
from sympy.polys.fields import FracElement

from symderive.formulas.decimals import with_decimals
from symderive.formulas.deepening import DEEP, deepened
from symderive.formulas.exponents import Exponents
from symderive.formulas.factoring import factor_list
from symderive.formulas.fractions import fractions
from symderive.formulas.functions import FUNCTIONS

ABS, SIGN = FUNCTIONS["abs"].function, FUNCTIONS["sign"].apply

MAX_TERMS = 1_000
"""A normal form with more terms than this is given up; the caller samples instead."""

MAX_WORK = 60_000
"""A normal form that takes more products of terms than this is given up, too: a bound in work, not
in seconds, so that a formula has one verdict on every machine."""

FEW_TERMS, MAX_SPREAD = 60, 200_000
"""Fractions of few terms are always cancelled; of more, where few terms are possible."""

MAX_NUMBER = 200
"""Bits of a number beyond which it is a kernel: 257! stands for itself."""

MAX_EXPONENT = 200

MAX_SPLIT = 8
"""A numerator with more terms than this is not taken apart."""

_NOTHING = Symbol("_nothing")
"""The generator of a field of numbers alone: SymPy's polynomials need one."""


class TooLargeError(ArithmeticError):
    """A normal form outgrew its budget."""


class Kernels:
    """The field of rational functions over the kernels of some formulas.

    Args:
        formulas: The formulas to be written over one set of kernels.
        deep: Whether to look into trigonometric and hyperbolic functions.
    """

    def __init__(self, formulas: Sequence[Expr], *, deep: bool = False) -> None:
        self.deep, self._work = deep, 0
        prepared = [deepened(formula) if deep else formula for formula in formulas]
        self._atoms: dict[Expr, None] = {}
        self._found: dict[Expr, dict[Expr, None]] = {}  # base → exponents
        self.seen: set[Expr] = set()
        for formula in prepared:
            self._collect(formula)
        self._exponents = self._planned()
        powers = [kernel for plan in self._exponents.values() for kernel in plan.kernels()]
        self.kernels = sorted(dict.fromkeys([*self._atoms, *powers]), key=_rank) or [_NOTHING]
        self.field = fractions(len(self.kernels))
        self.place = dict(zip(self.kernels, self.field.gens, strict=True))
        self.relations = self._find_relations()

    # Collecting ---------------------------------------------------------------------------

    def _collect(self, formula: Expr) -> None:
        if isinstance(formula, Add | Mul):
            if isinstance(formula, Add):
                self.seen.add(formula)
            for arg in formula.args:
                self._collect(arg)
        elif isinstance(formula, exp):
            self._found.setdefault(S.Exp1, {})[formula.args[0]] = None
        elif isinstance(formula, Pow):
            if not formula.exp.is_Integer:
                self._found.setdefault(formula.base, {})[formula.exp] = None
                self.seen.add(formula.base)
            else:
                self._collect(formula.base)
        elif not formula.is_Rational or _is_long(formula):
            self._atoms[formula] = None
            if type(formula) is ABS:
                self._collect(formula.args[0])  # for |u|² = u²

    def _planned(self) -> dict[Expr, Exponents]:
        """The powers of each base; a base that is needed for itself may hold further powers."""
        plans: dict[Expr, Exponents] = {}
        while len(plans) < len(self._found):
            for base in [base for base in self._found if base not in plans]:
                before = {b: len(e) for b, e in self._found.items()}
                plans[base] = Exponents(base, self._found[base])
                if plans[base].needs_base():
                    self._collect(base)
                for other in [b for b in plans if len(self._found[b]) > before.get(b, 0)]:
                    del plans[other]
        return plans

    def _find_relations(self) -> list[tuple[FracElement, int, FracElement]]:
        """Kernels K with Kⁿ = known: roots, and cosines beside sines."""
        relations = []
        for base, plan in self._exponents.items():
            unit = plan.units.get(S.One)
            if base != S.Exp1 and unit is not None and abs(unit.q) > 1:
                kernel = self.place[plan.kernel(S.One)]
                relations.append((kernel, unit.q, self.element(base) ** int(unit.p)))
        self.signs = []
        for kernel in self._atoms:
            if type(kernel) is ABS:
                inside = self.element(kernel.args[0])
                if self.deep:  # else (1 + |u|)² would lose its form
                    relations.append((self.place[kernel], 2, inside**2))
                if SIGN(*kernel.args) in self.place:
                    self.signs.append((self.place[kernel], self.place[SIGN(*kernel.args)], inside))
        for kernel in self._atoms if self.deep else ():
            partner = sin(*kernel.args) if isinstance(kernel, cos) else None
            if partner in self.place:
                relations.append((self.place[kernel], 2, 1 - self.place[partner] ** 2))
        return relations

    # Converting ---------------------------------------------------------------------------

    def element(self, formula: Expr) -> FracElement:
        """The formula in the field.

        Raises:
            TooLargeError: Its normal form outgrew the budget.
            ZeroDivisionError: It divides by something identically zero.
        """
        if formula in self.place:
            return self.place[formula]
        if formula.is_Rational:
            above, below = (self.field.ring.ground_new(int(n)) for n in (formula.p, formula.q))
            return self.field.raw_new(above, below)
        if isinstance(formula, Add):
            result = self.field.zero
            for arg in formula.args:
                result = self._plus(result, self.element(arg))
            return result
        if isinstance(formula, Mul):
            result = self.field.one
            for arg in formula.args:
                result = self._times(result, self.element(arg))
            return result
        if isinstance(formula, exp):
            return self._power_element(S.Exp1, formula.args[0])
        if isinstance(formula, Pow) and formula.exp.is_Integer:
            return self._integer_power(self.element(formula.base), int(formula.exp))
        if isinstance(formula, Pow):
            return self._power_element(formula.base, formula.exp)
        raise TooLargeError(f"{formula} is not over these kernels")

    def _power_element(self, base: Expr, exponent: Expr) -> FracElement:
        plan = self._exponents.get(base)
        if plan is None or exponent not in plan.parts:
            raise TooLargeError(f"{base}**({exponent}) is not over these kernels")
        result = self.field.one
        for part in plan.parts[exponent]:
            if part.number:
                kernel = self.place[plan.kernel(part.rest)]
                result *= self._integer_power(kernel, int(part.number / plan.units[part.rest]))
        if left := plan.left_over(exponent):
            result *= self._integer_power(self.element(base), left)
        return result

    def _integer_power(self, element: FracElement, exponent: int) -> FracElement:
        if abs(exponent) > MAX_EXPONENT:
            raise TooLargeError(f"a power of {exponent}")
        terms = max(len(element.numer), len(element.denom))
        if comb(terms + abs(exponent) - 1, abs(exponent)) > MAX_TERMS:
            raise TooLargeError("a power of a long sum")  # before it is multiplied out
        if exponent < 0 and not element:
            raise ZeroDivisionError
        self._spend(comb(terms + abs(exponent) - 1, abs(exponent)) * terms * abs(exponent))
        return self._within(element**exponent)

    def _plus(self, left: FracElement, right: FracElement) -> FracElement:
        above, below = len(left.numer), len(left.denom)
        self._spend(above * len(right.denom) + below * len(right.numer))
        self._bounded(left, right)
        return self._within(left + right)

    def quotient(self, left: FracElement, right: FracElement) -> FracElement:
        """left/right, reduced; a long product is given up before its common factors are sought."""
        sizes = len(left.numer) * len(right.denom), len(left.denom) * len(right.numer)
        if max(sizes) > MAX_TERMS:
            raise TooLargeError("a long quotient")
        return self.reduce(self._times(left, 1 / right))

    def _times(self, left: FracElement, right: FracElement) -> FracElement:
        self._spend(len(left.numer) * len(right.numer) + len(left.denom) * len(right.denom))
        self._bounded(left, right)
        return self._within(left * right)

    def _bounded(self, left: FracElement, right: FracElement) -> None:
        """Refuse many terms of high degree: their common factors would be sought for long."""
        parts = (left.numer, left.denom, right.numer, right.denom)
        if sum(map(len, parts)) < FEW_TERMS:
            return
        degrees = zip(*(part.degrees() for part in parts), strict=True)
        if prod(1 + sum(column) for column in degrees) > MAX_SPREAD:
            raise TooLargeError("many terms of high degree")

    def _spend(self, products: int) -> None:
        """Count work before it is done; each kernel makes what is common harder to find."""
        self._work += products * len(self.kernels)
        if self._work > MAX_WORK:
            raise TooLargeError("too much work")

    def _within(self, element: FracElement) -> FracElement:
        if len(element.numer) + len(element.denom) > MAX_TERMS:
            raise TooLargeError("too many terms")
        return element

    def normal(self, formula: Expr) -> FracElement:
        """The normal form of a formula: its field element, reduced by the relations."""
        return self.reduce(self.element(deepened(formula) if self.deep else formula))

    def reduce(self, element: FracElement) -> FracElement:
        """Lower powers of the kernels that obey a relation, Kⁿ = known, below n."""
        for kernel, degree, value in self.relations:
            index = self.field.gens.index(kernel)
            top = max((m[index] for p in (element.numer, element.denom) for m in p), default=0)
            if top >= degree:
                numer = self._lowered(element.numer, index, degree, value)
                element = self._within(numer / self._lowered(element.denom, index, degree, value))
        for size, sign, inside in self.signs:
            element = self._signed(element, size, sign, inside)
        return element

    def _signed(
        self, element: FracElement, size: FracElement, sign: FracElement, inside: FracElement
    ) -> FracElement:
        """|u|·sign u = u, term by term above the bar; a factor |u| below it is u²/|u|."""
        place, other = (self.field.gens.index(kernel) for kernel in (size, sign))
        below = min((m[place] for m in element.denom), default=0)
        if below and all(m[other] for m in element.numer):
            even = below + below % 2
            element = element * size**even / inside**even
        result, ring, new = self.field.zero, self.field.ring, self.field.field_new
        if not any(m[place] and m[other] for m in element.numer):
            return element
        for monomial, coefficient in element.numer.terms():
            times = min(monomial[place], monomial[other])
            rest = tuple(e - times * (k in (place, other)) for k, e in enumerate(monomial))
            term = new(ring.from_dict({rest: coefficient})) * inside**times
            result = self._plus(result, term)
        return self._within(result / new(element.denom))

    def _lowered(self, poly: Any, index: int, degree: int, value: FracElement) -> FracElement:
        result = self.field.zero
        for monomial, coefficient in poly.terms():
            times, rest = divmod(monomial[index], degree)
            lowered = (*monomial[:index], rest, *monomial[index + 1 :])
            ring = self.field.ring
            term = self.field.field_new(ring.from_dict({lowered: coefficient}))
            result = self._plus(result, self._times(term, self._integer_power(value, times)))
        return result

    # Back to formulas ---------------------------------------------------------------------

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
        if not 1 < len(element.numer) <= MAX_SPLIT or element.denom.is_ground:
            return
        new = self.field.field_new
        whole, left = map(self.from_rational, rational(element.numer).div(rational(element.denom)))
        if whole and left:
            yield self.factored(whole) + self.factored(left / new(element.denom))
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
        return with_decimals(powers, number, self.seen)

    def _multiplied(self, powers: list[tuple[Expr, int]], number: Rational) -> Expr:
        powers, number = self._oriented(powers, number)
        parts = _gathered([base**exponent for base, exponent in powers])
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
            if exponent % 2 and _mixed(base) and not _beside_itself(base, names)
        ]
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
        for part, exponent in parts:
            formula = self.formula(part)
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
        collected = Add(*(kernel**e * self.factored(new(part)) for e, part in parts.items()))
        return collected / self.factored(new(element.denom))

    def substituted(
        self, element: FracElement, kernel: Expr, degree: int, value: FracElement
    ) -> FracElement:
        """The element with kernelⁿ replaced by a value, n = degree."""
        index = self.kernels.index(kernel)
        above = self._lowered(element.numer, index, degree, value)
        return self._within(above / self._lowered(element.denom, index, degree, value))

    def expanded(self, element: FracElement) -> Expr:
        """The element as a SymPy formula: one polynomial over another."""
        above, below = self.formula(element.numer), self.formula(element.denom)
        strange = below.is_Add and below not in self.seen
        if strange and (-below in self.seen or below.as_coeff_Add()[0] < 0):
            above, below = self.formula(-element.numer), -below
        return above / below


def rational(poly: Any) -> Any:
    """The same polynomial over the rational numbers, where every number divides."""
    return poly.set_ring(poly.ring.clone(domain=QQ))


def _is_long(number: Rational) -> bool:
    """Whether a number is kept whole, as a kernel: its powers would fill the memory."""
    return max(int(number.p).bit_length(), int(number.q).bit_length()) > MAX_NUMBER


def _gathered(parts: list[Expr]) -> list[Expr]:
    """Powers of one sum in one: (1 − p)·(1 − p)ⁿ is (1 − p)ⁿ⁺¹; SymPy leaves these apart."""
    exponents: dict[Expr, Expr] = {}
    for part in parts:
        base, exponent = part.as_base_exp() if isinstance(part, Pow | Add) else (part, S.One)
        exponents[base] = exponents.get(base, S.Zero) + exponent
    return [base**exponent for base, exponent in exponents.items()]


def _mixed(base: Expr) -> bool:
    """Whether a sum has terms of both signs."""
    if not base.is_Add:
        return False
    return len({term.could_extract_minus_sign() for term in base.args}) == 2


def _beside_itself(base: Expr, names: set[Expr]) -> bool:
    """Whether it is the (1 − aⁿ) of a·(1 − aⁿ), which every reader knows as it is."""
    constant, rest = base.as_coeff_Add()
    return constant == 1 and (-rest).as_base_exp()[0] in names


def _rank(kernel: Expr) -> tuple[int, tuple[object, ...]]:
    """Non-symbols first: an elimination order that lets relations remove them."""
    return (1 if isinstance(kernel, Symbol) else 0, default_sort_key(kernel))


def is_zero(formula: Expr) -> bool | None:
    """Whether a formula is identically zero: True (proved), False, or None (not decided).

    False means "not zero while its kernels are independent"; the caller samples to be sure.

    >>> x = Symbol("x")
    >>> is_zero(exp(-x) / (1 + exp(-x)) - 1 / (1 + exp(x)))
    True
    >>> is_zero(sin(x) ** 2 + cos(x) ** 2 - 1)
    True
    """
    try:
        for deep in (False, True):
            if deep and not formula.has(*DEEP, log, sin, cos):
                break
            kernels = Kernels([formula], deep=deep)
            if not kernels.normal(formula):
                return True
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None
    return False
