"""Polynomials in factors, within bounds: what would take long is left as it is."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import Any

from sympy import Add, Expr, Pow, S
from sympy.polys.polyerrors import HeuristicGCDFailed

MAX_DENSE = 1_000
"""A polynomial with more possible terms than this is not factored: SymPy goes through them all."""

SEARCHED = {1: 1_000, 2: 300, 3: 120}
"""Possible terms up to which a polynomial in one, two, or more variables is searched for factors:
in more variables the search may take seconds."""

MAX_FACTORED = 150
"""A polynomial with more terms times variables than this, and powers of them, is not factored."""

MAX_DEGREE = 60
"""A polynomial whose degrees add up to more than this is not factored."""

MAX_BITS = 400
"""A polynomial with longer numbers than this is not factored: SymPy looks for large primes."""


@lru_cache(maxsize=20_000)
def factor_list(poly: Any) -> tuple[Any, tuple[tuple[Any, int], ...]]:
    """A polynomial's number and its irreducible factors; of a single term at sight.

    >>> from sympy import ZZ, ring
    >>> _, x, y = ring("x, y", ZZ)
    >>> [factor for factor, _ in factor_list(2 * x * y + 2 * y + x + 1)[1]]
    [2*y + 1, x + 1]
    """
    if len(poly) == 1:
        ((monomial, coefficient),) = poly.terms()
        parts = zip(poly.ring.gens, monomial, strict=True)
        return coefficient, tuple((gen, exponent) for gen, exponent in parts if exponent)
    degrees = [degree for degree in poly.degrees() if degree]
    linear = 1 in degrees
    large = _is_large(poly, degrees) or (not linear and _has_long_numbers(poly))
    if linear and not large:
        with suppress(HeuristicGCDFailed):
            return _linear_factors(poly)
    if linear or large:
        coefficient, rest = poly.primitive()
        return coefficient, ((rest, 1),)
    if only_powers(poly):
        number, factors = poly.sqf_list()  # the powers in it, and no search for more
    else:
        number, factors = poly.factor_list()
    return number, tuple(factors)


def _is_large(poly: Any, degrees: list[int]) -> bool:
    long = len(poly) * len(degrees) > MAX_FACTORED and sum(degrees) > 2 * len(degrees)
    return long or prod(degree + 1 for degree in degrees) > MAX_DENSE or sum(degrees) > MAX_DEGREE


def _has_long_numbers(poly: Any) -> bool:
    return any(c.numerator.bit_length() > MAX_BITS for c in poly.values())


def only_powers(poly: Any) -> bool:
    """Whether a polynomial is taken apart into powers, and not searched for factors."""
    degrees = [degree for degree in poly.degrees() if degree]
    if len(poly) < 2 or 1 in degrees or _is_large(poly, degrees) or _has_long_numbers(poly):
        return False
    dense = prod(degree + 1 for degree in degrees)
    return dense > SEARCHED.get(len(degrees), SEARCHED[3])


def positive(poly: Any) -> Any:
    """A polynomial without its numeric factor, with a positive leading term."""
    rest = poly.primitive()[1]
    return -rest if rest.LC < 0 else rest


def _linear_factors(poly: Any) -> tuple[Any, tuple[tuple[Any, int], ...]]:
    """The factors of a polynomial that is linear in a variable: a·v + b has one factor with v.

    What a and b have in common holds the others, so that no search is needed for the one.
    """
    number, poly = poly.primitive()
    if poly.LC < 0:
        number, poly = -number, -poly
    place, above = min(
        ((k, _part_with(poly, k)) for k, degree in enumerate(poly.degrees()) if degree == 1),
        key=lambda pair: len(pair[1]),
    )
    below = poly.ring.from_dict({m: c for m, c in poly.terms() if not m[place]})
    if not below:
        shared, own = above, poly.ring.gens[place]
    else:
        shared = above.gcd(below).primitive()[1]
        own = poly.exquo(shared)
    if shared.is_ground:
        return number, ((_fresh(poly), 1),)
    coefficient, parts = factor_list(_fresh(shared))
    powers = dict(parts)
    content, own = own.primitive()
    own = _fresh(own)
    powers[own] = powers.get(own, 0) + 1
    return number * coefficient * content, tuple(powers.items())


def _fresh(poly: Any) -> Any:
    """The same polynomial anew: SymPy changes some in place after their hash was taken."""
    return poly.ring.from_dict(dict(poly))


def _part_with(poly: Any, place: int) -> Any:
    """What stands with a variable in a polynomial that is linear in it."""
    return poly.ring.from_dict(
        {(*m[:place], 0, *m[place + 1 :]): c for m, c in poly.terms() if m[place]}
    )


def conjugates_joined(
    powers: list[tuple[Expr, int]], seen: Collection[Expr]
) -> list[tuple[Expr, int]]:
    """(c − v)(c + v) = c² − v², but for factors that the formulas have themselves.

    >>> from sympy.abc import c, v
    >>> conjugates_joined([(c - v, -1), (c + v, -1)], ())
    [(c**2 - v**2, -1)]
    """
    powers = list(powers)
    for one, other in combinations([*powers], 2):
        if one not in powers or other not in powers or one[1] != other[1]:
            continue
        left, right = one[0], other[0]
        if not all(p.is_Add and len(p.args) == 2 and not {p, -p} & {*seen} for p in (left, right)):
            continue
        mean, half = (left + right) / 2, (left - right) / 2
        if not mean.is_Add and not half.is_Add:
            powers.remove(other)
            powers[powers.index(one)] = (mean**2 - half**2, one[1])
    return powers


def gathered(parts: list[Expr]) -> list[Expr]:
    """Powers of one sum in one: (1 − p)·(1 − p)ⁿ is (1 − p)ⁿ⁺¹; SymPy leaves these apart."""
    exponents: dict[Expr, Expr] = {}
    for part in parts:
        base, exponent = part.as_base_exp() if isinstance(part, Pow | Add) else (part, S.One)
        exponents[base] = exponents.get(base, S.Zero) + exponent
    return [base**exponent for base, exponent in exponents.items()]


def mixed(base: Expr) -> bool:
    """Whether a sum has terms of both signs."""
    if not base.is_Add:
        return False
    return len({term.could_extract_minus_sign() for term in base.args}) == 2


def beside_itself(base: Expr, names: set[Expr]) -> bool:
    """Whether it is the (1 − aⁿ) of a·(1 − aⁿ), which every reader knows as it is."""
    constant, rest = base.as_coeff_Add()
    return constant == 1 and (-rest).as_base_exp()[0] in names
