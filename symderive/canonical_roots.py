"""Roots in one normal form, for proofs: √(1 + 1/x⁴) and √(x⁴ + 1)/x² are one kernel.

A radicand is a number and irreducible factors; what is a square comes out of the root as |u|. Every
radicand of a formula is ≥ 0 wherever the formula has a value, so that √(pq) is √p·√q where all
three stand in it: of radicands that are products of each other up to squares, as vectors of
exponents modulo 2 tell, some are chosen, and the roots of the others are products of theirs. The
cube root of a product is the product of the cube roots, whatever the signs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sympy import Expr, Mul, Pow, Rational, S, count_ops, exp, sqrt

from symderive.formulas.factoring import factor_list
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import parts_of
from symderive.laws import everywhere
from symderive.regular import size_of

CBRT = FUNCTIONS["cbrt"]

Factors = dict[Expr, int]
"""Irreducible factors with their exponents; of −1 as well, but not of other numbers."""


def canonical_roots(formula: Expr, positive: Collection[Expr] = frozenset()) -> Expr:
    """The formula with its square roots and cube roots in normal form.

    Args:
        formula: A formula of real values.
        positive: Names that are positive: the roots of their squares need no |…|.

    >>> from sympy.abc import a, x
    >>> canonical_roots(sqrt(1 + x**-4))
    sqrt(x**4 + 1)/x**2
    >>> canonical_roots(sqrt(x + 1) * sqrt(x - 1) + sqrt(x**2 - 1))
    2*sqrt(x - 1)*sqrt(x + 1)
    >>> canonical_roots(sqrt(x**3) + sqrt(a**2 * x))
    x**(3/2) + sqrt(x)*abs(a)
    >>> canonical_roots(CBRT.apply(-x**2 - x**3))
    -cbrt(x)**2*cbrt(x + 1)
    """
    formula = everywhere(formula, _of_factors)
    thirds = {power.base for power in parts_of(formula, Pow) if _is_root(power, 3)}
    formula = formula.xreplace({CBRT.apply(base): Pow(base, Rational(1, 3)) for base in thirds})
    radicands = {power.base for power in parts_of(formula, Pow) if _is_root(power)}
    chosen = _Roots(positive)
    for radicand in sorted(radicands, key=lambda r: (count_ops(r), str(r))):  # inner ones first
        chosen.add(radicand)
    return chosen.put_in(formula)


def _of_factors(formula: Expr) -> Expr:
    """The cube root of a product as that of each factor."""
    if type(formula) is not CBRT.function:
        return formula
    try:
        number, factors = _factors(formula.args[0])
    except (TooLargeError, ZeroDivisionError):
        return formula
    sign = factors.pop(S.NegativeOne, 0)
    roots = (CBRT.apply(factor) ** n for factor, n in factors.items())
    return (-1) ** sign * CBRT.apply(number) * Mul(*roots)


def _is_root(power: Expr, degree: int = 2) -> bool:
    return bool(power.exp.is_Rational and power.exp.q == degree and not power.base.is_number)


class _Roots:
    """The roots of some radicands, in those of independent ones."""

    def __init__(self, positive: Collection[Expr]) -> None:
        self.positive = positive
        self.roots: dict[Expr, Expr] = {}
        self.signed: list[Factors] = []  # products that are not negative
        self.basis: list[tuple[frozenset[Expr], frozenset[int]]] = []  # odd factors, which of these

    def put_in(self, formula: Expr) -> Expr:
        """A formula with the roots found so far."""
        if not formula.args:
            return formula
        if isinstance(formula, Pow) and formula.base in self.roots and _is_root(formula):
            return self.roots[formula.base] ** formula.exp.p
        return formula.func(*map(self.put_in, formula.args))

    def add(self, radicand: Expr) -> None:
        """Find the root of one more; it stays as it is where its polynomials are too large."""
        try:
            number, factors = _factors(self.put_in(radicand))
        except (TooLargeError, ZeroDivisionError):
            return
        powers = [exp(f.args[0] * factors.pop(f) / 2) for f in list(factors) if isinstance(f, exp)]
        odd = {factor: 1 for factor, exponent in factors.items() if exponent % 2}
        root, left = self._root_of(odd)
        halves = {
            f: (factors.get(f, 0) - odd.get(f, 0)) // 2 + left.get(f, 0)
            for f in dict.fromkeys([*factors, *left])
        }
        self.roots[radicand] = sqrt(number) * root * self._size(halves) * Mul(*powers)

    def _root_of(self, odd: Factors) -> tuple[Expr, Factors]:
        """√ of a product: of the chosen roots, and what stands beside them as |u| to a power."""
        vector, used = frozenset(odd), frozenset[int]()
        for known, members in self.basis:
            if max(known, key=str) in vector:  # its leading factor
                vector, used = vector ^ known, used ^ members
        self_place = frozenset({len(self.signed)})
        if vector:
            self.basis.append((vector, used | self_place))
            self.signed.append(odd)
            return sqrt(_product(odd)), {}
        left = dict(odd)
        for member in used:
            for factor in self.signed[member]:
                left[factor] = left.get(factor, 0) - 1
        root = Mul(*(sqrt(_product(self.signed[member])) for member in used))
        return root, {factor: exponent // 2 for factor, exponent in left.items()}

    def _size(self, powers: Mapping[Expr, int]) -> Expr:
        """∏ |u|ⁿ, without |…| where a radicand says the sign."""
        rest = {factor: n for factor, n in powers.items() if n and factor != S.NegativeOne}
        result = S.One
        for product in self.signed:
            inside = [factor for factor in product if factor != S.NegativeOne]
            exponents = {rest.get(factor, 0) for factor in inside}
            if len(exponents) == 1 and min(exponents) % 2:
                result *= _product(product) ** exponents.pop()
                rest = {factor: n for factor, n in rest.items() if factor not in inside}
        signs = self._signs()
        for factor, n in rest.items():
            size = signs[factor] * factor if factor in signs else size_of(factor, self.positive)
            result *= (factor if n % 2 == 0 else size) ** n
        return result

    def _signs(self) -> dict[Expr, int]:
        """Factors whose signs a radicand tells: of (1 + e)(1 − e) ≥ 0 both, which add to 2."""
        found: dict[Expr, int] = {}
        for product in self.signed:
            inside = [factor for factor in product if factor != S.NegativeOne]
            for sign in (1, -1) if len(inside) == 2 else ():
                other = -sign if S.NegativeOne in product else sign
                if (sign * inside[0] + other * inside[1]).is_positive:
                    found |= {inside[0]: sign, inside[1]: other}
        return found


def _product(factors: Iterable[Expr]) -> Expr:
    return Mul(*factors).expand()


def _factors(formula: Expr) -> tuple[Rational, Factors]:
    """A positive number and the irreducible factors, each with the sign that SymPy prefers."""
    kernels = Kernels([formula])
    element = kernels.normal(formula)
    number, found = S.One, Factors()
    for poly, turn in ((element.numer, 1), (element.denom, -1)):
        leading, parts = factor_list(poly)
        number *= Rational(int(leading.numerator), int(leading.denominator)) ** turn
        for part, exponent in parts:
            factor = kernels.formula(part)
            if factor.could_extract_minus_sign():
                factor, number = -factor, number * (-1) ** exponent
            found[factor] = found.get(factor, 0) + turn * exponent
    if number < 0:
        found[S.NegativeOne] = 1
    return abs(number), found
