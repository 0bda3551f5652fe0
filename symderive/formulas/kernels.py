"""Formulas as rational functions of their kernels: the exact normal form.

A *kernel* is what a rational function cannot look into: a symbol, exp(u), log(u), √u, a named
function. Over them a formula is a quotient of two polynomials, kept cancelled by SymPy's sparse
polynomial fields, so that equality of two formulas is equality of two normal forms. Powers of one
exponential are powers of one kernel (e^{2x} = (e^x)²), roots obey Kⁿ = b, and with ``deep=True``
trigonometric and hyperbolic functions are written in sin and cos (cos² = 1 − sin²) and in e^x.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, gcd, prod
from typing import Any

from sympy import (
    QQ,
    Add,
    Basic,
    Expr,
    Mul,
    Pow,
    Rational,
    S,
    Symbol,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    exp,
    expand_mul,
    log,
    preorder_traversal,
    sec,
    sech,
    sin,
    sinh,
    tan,
    tanh,
)
from sympy.core.sorting import default_sort_key
from sympy.polys.fields import FracElement, FracField
from sympy.polys.orderings import lex

MAX_TERMS = 1_000
"""A normal form with more terms than this is given up; the caller samples instead."""

MAX_WORK = 60_000
"""A normal form that takes more products of terms than this is given up, too: a bound in work, not
in seconds, so that a formula has one verdict on every machine."""

MAX_DENSE = 4_000
"""A polynomial with more possible terms than this is not factored: SymPy goes through them all."""

MAX_EXPONENT = 200

MAX_SUMS = 8
"""An exponent with more sums in it than this is not multiplied out."""


_NOTHING = Symbol("_nothing")
"""The generator of a field of numbers alone: SymPy's polynomials need one."""


class TooLargeError(ArithmeticError):
    """A normal form outgrew its budget."""


_DEEP = {
    tan: lambda u: sin(u) / cos(u),
    cot: lambda u: cos(u) / sin(u),
    sec: lambda u: 1 / cos(u),
    csc: lambda u: 1 / sin(u),
    sinh: lambda u: (exp(u) - exp(-u)) / 2,
    cosh: lambda u: (exp(u) + exp(-u)) / 2,
    tanh: lambda u: (exp(u) - exp(-u)) / (exp(u) + exp(-u)),
    coth: lambda u: (exp(u) + exp(-u)) / (exp(u) - exp(-u)),
    sech: lambda u: 2 / (exp(u) + exp(-u)),
    csch: lambda u: 2 / (exp(u) - exp(-u)),
}


def deepened(formula: Basic) -> Basic:
    """The formula in sin, cos and exp alone, logarithms of products taken apart."""
    if not formula.args:
        return formula
    args = [deepened(arg) for arg in formula.args]
    if type(formula) in _DEEP:
        return _DEEP[type(formula)](args[0])
    if isinstance(formula, log):
        parts = Mul.make_args(args[0])
        return Add(*(p.exp * log(p.base) if isinstance(p, Pow) else log(p) for p in parts))
    return formula.func(*args)


class Kernels:
    """The field of rational functions over the kernels of some formulas.

    Args:
        formulas: The formulas to be written over one set of kernels.
        deep: Whether to look into trigonometric and hyperbolic functions.
    """

    def __init__(self, formulas: Sequence[Expr], *, deep: bool = False) -> None:
        self.deep, self._work = deep, 0
        prepared = [deepened(formula) if deep else formula for formula in formulas]
        self._units: dict[tuple[Expr, Expr], Rational] = {}  # (base, rest) → least exponent
        self._atoms: dict[Expr, None] = {}
        self._roots: dict[tuple[Expr, Expr], int] = {}
        for formula in prepared:
            self._collect(formula)
        self.kernels = sorted([*self._atoms, *self._powers()], key=_rank) or [_NOTHING]
        self.field = FracField([f"k{n}" for n in range(len(self.kernels))], QQ, lex)
        self.place = dict(zip(self.kernels, self.field.gens, strict=True))
        self.relations = self._find_relations()

    # Collecting ---------------------------------------------------------------------------

    def _collect(self, formula: Expr) -> None:
        if isinstance(formula, Add | Mul):
            for arg in formula.args:
                self._collect(arg)
        elif isinstance(formula, exp):
            self._collect_power(S.Exp1, formula.args[0])
        elif isinstance(formula, Pow):
            if not formula.exp.is_Integer:
                self._collect_power(formula.base, formula.exp)
            else:
                self._collect(formula.base)
        elif not formula.is_Rational:
            self._atoms[formula] = None

    def _collect_power(self, base: Expr, exponent: Expr) -> None:
        for number, rest in _split_exponent(exponent):
            if rest == 1 and base != S.Exp1:
                self._collect(base)
                if number.is_Integer:
                    continue
            known = self._units.get((base, rest))
            self._units[base, rest] = _common(known, number)

    def _powers(self) -> list[Expr]:
        return [_power(base, unit * rest) for (base, rest), unit in self._units.items()]

    def _find_relations(self) -> list[tuple[FracElement, int, FracElement]]:
        """Kernels K with Kⁿ = known: roots, and cosines beside sines."""
        relations = []
        for (base, rest), unit in self._units.items():
            if rest == 1 and base != S.Exp1 and abs(unit.q) > 1:
                kernel = self.place[_power(base, unit)]
                relations.append((kernel, unit.q, self.element(base) ** int(unit.p)))
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
            return self.field.field_new(QQ(int(formula.p), int(formula.q)))
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
        result = self.field.one
        for number, rest in _split_exponent(exponent):
            if rest == 1 and base != S.Exp1 and number.is_Integer:
                result *= self._integer_power(self.element(base), int(number))
                continue
            unit = self._units[base, rest]
            kernel = self.place[_power(base, unit * rest)]
            result *= self._integer_power(kernel, int(number / unit))
        return result

    def _integer_power(self, element: FracElement, exponent: int) -> FracElement:
        if abs(exponent) > MAX_EXPONENT:
            raise TooLargeError(f"a power of {exponent}")
        terms = max(len(element.numer), len(element.denom))
        if comb(terms + abs(exponent) - 1, abs(exponent)) > MAX_TERMS:
            raise TooLargeError("a power of a long sum")  # before it is multiplied out
        if exponent < 0 and not element:
            raise ZeroDivisionError
        self._spend(comb(terms + abs(exponent) - 1, abs(exponent)) * terms)
        return self._within(element**exponent)

    def _plus(self, left: FracElement, right: FracElement) -> FracElement:
        above, below = len(left.numer), len(left.denom)
        self._spend(above * len(right.denom) + below * len(right.numer))
        return self._within(left + right)

    def _times(self, left: FracElement, right: FracElement) -> FracElement:
        self._spend(len(left.numer) * len(right.numer) + len(left.denom) * len(right.denom))
        return self._within(left * right)

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
        return element

    def _lowered(self, poly: Any, index: int, degree: int, value: FracElement) -> FracElement:
        result = self.field.zero
        for monomial, coefficient in poly.terms():
            times, rest = divmod(monomial[index], degree)
            lowered = (*monomial[:index], rest, *monomial[index + 1 :])
            ring = self.field.ring
            term = self.field.field_new(ring.from_dict({lowered: coefficient}))
            result = self._plus(result, self._times(term, value**times))
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
        above, below = self._factor_list(element.numer), self._factor_list(element.denom)
        number = above.pop(0)[0] / below.pop(0)[0]
        powers = above + [(base, -exponent) for base, exponent in below]
        powers, number = _oriented(powers, number)
        parts = [base**exponent for base, exponent in powers]
        if len(parts) == 1 and parts[0].is_Add and number != 1:
            return Mul(number, parts[0], evaluate=False)
        return Mul(number, *parts)

    def half_factored(self, element: FracElement) -> Expr:
        """The numerator as one sum without its common factors, over the denominator in factors."""
        content, rest = element.numer.primitive()
        new, ring = self.field.field_new, self.field.ring
        common = tuple(map(min, zip(*rest, strict=True))) if rest else (0,) * ring.ngens
        rest = ring.from_dict(
            {tuple(a - b for a, b in zip(m, common, strict=True)): c for m, c in rest.terms()}
        )
        outside = new(ring.from_dict({common: content})) / new(element.denom)
        negative = all(coefficient < 0 for coefficient in rest.values())
        if len(rest) > 1 and negative:
            outside, rest = -outside, -rest
        return self.factored(outside) * self.formula(rest)

    def _factor_list(self, poly: Any) -> list[tuple[Expr, int]]:
        """The number and the irreducible factors with their exponents; a large one stays whole."""
        if prod(degree + 1 for degree in poly.degrees()) > MAX_DENSE:
            coefficient, rest = poly.primitive()
            parts = [(rest, 1)]
        else:
            coefficient, parts = poly.factor_list()
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
        return self.formula(element.numer) / self.formula(element.denom)


def _oriented(
    powers: list[tuple[Expr, int]], number: Rational
) -> tuple[list[tuple[Expr, int]], Rational]:
    """Factors turned to read best: (1 − a) for (a − 1); a minus goes into a factor."""
    turned = []
    for base, exponent in powers:
        if base.is_Add and base.as_coeff_Add()[0] < 0:
            base, number = -base, number * (-1) ** abs(exponent)
        turned.append((base, exponent))
    for k, (base, exponent) in enumerate(turned):
        if number < 0 and exponent % 2 and base.is_Add and base.as_coeff_Add()[0] == 0:
            turned[k], number = (-base, exponent), -number
    return turned, number


def _rank(kernel: Expr) -> tuple[int, tuple[object, ...]]:
    """Non-symbols first: an elimination order that lets relations remove them."""
    return (1 if isinstance(kernel, Symbol) else 0, default_sort_key(kernel))


def _power(base: Expr, exponent: Expr) -> Expr:
    return exp(exponent) if base == S.Exp1 else Pow(base, exponent)


def _split_exponent(exponent: Expr) -> list[tuple[Rational, Expr]]:
    """The terms of an exponent as (rational number, rest): 2x − 1/2 → (2, x), (−1/2, 1)."""
    split = []
    # Products of sums are multiplied out, so that e^{x(a + b)} is e^{ax}·e^{bx}; powers of sums are
    # not: a long one would fill the memory.
    sums = sum(part.is_Add for part in preorder_traversal(exponent))
    opened = expand_mul(exponent) if sums <= MAX_SUMS else exponent
    for term in Add.make_args(opened):
        number, rest = term.as_coeff_Mul(rational=True)
        split.append((number, rest))
    return split


def _common(known: Rational | None, number: Rational) -> Rational:
    """The greatest unit of which both are integer multiples; negative if all of them are."""
    if known is None:
        return number
    unit = Rational(gcd(known.p * number.q, number.p * known.q), known.q * number.q)
    return -unit if known < 0 and number < 0 else unit


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
            if deep and not formula.has(*_DEEP, log, sin, cos):
                break
            kernels = Kernels([formula], deep=deep)
            if not kernels.normal(formula):
                return True
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None
    return False
