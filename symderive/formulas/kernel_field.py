"""Formulas as rational functions of their kernels: the exact normal form.

A *kernel* is what a rational function cannot look into: a symbol, exp(u), log(u), √u, a named
function. Over them a formula is a quotient of two polynomials in lowest terms, so that equality of
two formulas is equality of two normal forms. Powers of one exponential are powers of one kernel
(e^{2x} = (e^x)²), roots obey Kⁿ = b, and with ``deep=True`` trigonometric and hyperbolic functions
are written in sin and cos (cos² = 1 − sin²) and in e^x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb, prod
from typing import Any

from sympy import Add, Expr, Mul, Pow, Rational, S, Symbol, cos, exp, sin
from sympy.core.sorting import default_sort_key
from sympy.polys.fields import FracElement

from symderive.formulas.deepening import deepened
from symderive.formulas.exponents import Exponents
from symderive.formulas.fractions import TooLargeError, fractions
from symderive.formulas.functions import FUNCTIONS

ABS, SIGN = FUNCTIONS["abs"].function, FUNCTIONS["sign"].apply
CBRT = FUNCTIONS["cbrt"].function

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

_NOTHING = Symbol("_nothing")
"""The generator of a field of numbers alone: SymPy's polynomials need one."""


class KernelField:
    """The field of rational functions over the kernels of some formulas.

    Args:
        formulas: The formulas to be written over one set of kernels.
        deep: Whether to look into trigonometric and hyperbolic functions.
    """

    seen: set[Expr]
    place: dict[Expr, FracElement]

    def __init__(self, formulas: Sequence[Expr], *, deep: bool = False) -> None:
        self.__dict__.update(_built(tuple(formulas), deep))
        self.seen = set(self.seen)

    def _build(self, formulas: Sequence[Expr], deep: bool) -> None:
        self.deep, self._work = deep, 0
        self._notes: dict[tuple[str, Expr], tuple[Any, int]] = {}
        prepared = [deepened(formula) if deep else formula for formula in formulas]
        self._atoms: dict[Expr, None] = {}
        self._found: dict[Expr, dict[Expr, None]] = {}  # base → exponents
        self.seen = set()
        for formula in prepared:
            self._collect(formula)
        self._exponents = self._planned()
        powers = [kernel for plan in self._exponents.values() for kernel in plan.kernels()]
        self.kernels = sorted(dict.fromkeys([*self._atoms, *powers]), key=_rank) or [_NOTHING]
        self.field = fractions(len(self.kernels))
        self.place = dict(zip(self.kernels, self.field.gens, strict=True))
        self.relations = self._find_relations()

    def noted(self, kind: str, formula: Expr, find: Callable[[Expr], Any]) -> Any:
        """What was found of a formula over these kernels; it counts as work each time."""
        if (kind, formula) not in self._notes:
            before = self._work
            found = find(formula)
            self._notes[kind, formula] = found, self._work - before
            return found
        found, work = self._notes[kind, formula]
        self._work += work
        return found

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
        elif not formula.is_Rational:
            self._atoms[formula] = None
            if type(formula) in (ABS, CBRT):
                self._collect(formula.args[0])  # for |u|² = u² and (∛u)³ = u
        elif _is_long(formula):
            self._atoms[abs(formula)] = None

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
        for kernel in self._atoms:
            if type(kernel) is CBRT:
                relations.append((self.place[kernel], 3, self.element(kernel.args[0])))
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
        if -formula in self.place and formula.is_Rational:
            return -self.place[-formula]
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
        if not exponent:
            return self.field.one
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
        return self.noted("normal", formula, self._normal)

    def _normal(self, formula: Expr) -> FracElement:
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


@lru_cache(maxsize=2048)  # the same formulas meet the same identities again and again
def _built(formulas: tuple[Expr, ...], deep: bool) -> dict[str, Any]:
    made: KernelField = object.__new__(KernelField)
    made._build(formulas, deep)
    return vars(made)


def _is_long(number: Rational) -> bool:
    """Whether a number is kept whole, as a kernel: its powers would fill the memory."""
    return max(int(number.p).bit_length(), int(number.q).bit_length()) > MAX_NUMBER


def _rank(kernel: Expr) -> tuple[int, tuple[object, ...]]:
    """Non-symbols first: an elimination order that lets relations remove them."""
    return (1 if isinstance(kernel, Symbol) else 0, default_sort_key(kernel))
