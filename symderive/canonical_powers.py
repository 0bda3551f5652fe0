"""Powers, exponentials and logarithms in one normal form, for proofs: e^(n·log x) is xⁿ.

Logarithms of products and of e^w are taken apart by the zero test itself.

Each rewriting holds wherever what it starts from has a real value: log u needs u > 0, and (u/v)ⁿ is
uⁿ/vⁿ where one of these powers has a value, be u and v negative and n a whole number.
"""

from __future__ import annotations

from collections.abc import Collection

from sympy import (
    Add,
    Expr,
    LambertW,
    Mul,
    Pow,
    Rational,
    beta,
    erf,
    erfc,
    exp,
    expand_mul,
    factorial,
    factorint,
    floor,
    gamma,
    log,
    loggamma,
    polygamma,
)

from symderive.laws import everywhere


def canonical_powers(formula: Expr, positive: Collection[Expr] = frozenset()) -> Expr:
    """The formula with its powers, exponentials and logarithms in normal form.

    Args:
        formula: A formula of real values.
        positive: Names that are positive: the power of a product is one of its factors.

    >>> from sympy.abc import K, n, w, x
    >>> canonical_powers(exp(n * log(x) + w)), canonical_powers(log(4))
    (x**n*exp(w), 2*log(2))
    >>> canonical_powers(K**n - (K * x) ** n), canonical_powers((x / K) ** n)
    (-K**n*x**n + K**n, (x/K)**n)
    """
    for law in (_logarithm, _exponential, _error_function, _gamma):
        formula = everywhere(formula, law)
    powers = {power for power in formula.atoms(Pow) if not power.exp.is_number}
    apart = {power: _taken_apart(power, powers, positive) for power in powers}
    return formula.xreplace({power: form for power, form in apart.items() if form != power})


MAX_SHIFT = 12
"""Whole numbers in the arguments of gamma functions up to which they are written out."""


def _gamma(formula: Expr) -> Expr:
    """Γ and ψ⁽ᵐ⁾ of u + n by those of u: Γ(u + 1) is u·Γ(u), ψ(u + 1) is ψ(u) + 1/u; Β by Γ.

    >>> from sympy.abc import x
    >>> _gamma(gamma(x + 2)), _gamma(polygamma(0, x + 1)), _gamma(gamma(x - 1))
    (x*(x + 1)*gamma(x), polygamma(0, x) + 1/x, gamma(x)/(x - 1))
    """
    if isinstance(formula, beta):
        a, b = formula.args
        return _gamma(gamma(a)) * _gamma(gamma(b)) / _gamma(gamma(a + b))
    if not isinstance(formula, gamma | polygamma):
        return formula
    *order, argument = formula.args
    whole = floor(argument.as_coeff_Add()[0])
    if not whole or abs(whole) > MAX_SHIFT or argument.is_number:
        return formula
    rest, sign = argument - whole, 1 if whole > 0 else -1
    steps = [rest + k for k in range(min(0, int(whole)), max(0, int(whole)))]
    if isinstance(formula, gamma):
        return gamma(rest) * Mul(*steps) ** sign
    if not order[0].is_Integer:
        return formula
    times = sign * (-1) ** order[0] * factorial(order[0])
    return polygamma(order[0], rest) + Add(*(times / step ** (order[0] + 1) for step in steps))


def _logarithm(formula: Expr) -> Expr:
    """The logarithms of numbers by those of primes."""
    inside = formula.args[0] if isinstance(formula, log) else None
    if isinstance(inside, Rational) and inside.is_positive:
        parts = [*factorint(inside.p).items(), *((b, -e) for b, e in factorint(inside.q).items())]
        return Add(*(e * log(base) for base, e in parts if base != 1))
    return formula


def _exponential(formula: Expr) -> Expr:
    """E^(v·log u + w) = uᵛ·e^w; e^W(u) = u/W(u), and e^(log Γ(u)) = Γ(u)."""
    if not isinstance(formula, exp):
        return formula
    rest, powers = [], []
    for term in Add.make_args(expand_mul(formula.args[0])):
        times, sole = term.as_independent(log, as_Add=False)
        if isinstance(sole, log):
            powers.append(Pow(sole.args[0], times))
            continue
        number, inner = term.as_coeff_Mul()
        if number.is_Integer and isinstance(inner, LambertW):
            powers.append((inner.args[0] / inner) ** number)
        elif number.is_Integer and isinstance(inner, loggamma):
            powers.append(_gamma(gamma(inner.args[0])) ** number)
        else:
            rest.append(term)
    return Mul(*powers, exp(Add(*rest))) if powers else formula


def _error_function(formula: Expr) -> Expr:
    return 1 - erf(formula.args[0]) if isinstance(formula, erfc) else formula


def _taken_apart(power: Pow, powers: Collection[Pow], positive: Collection[Expr]) -> Expr:
    """(u/v)ⁿ as uⁿ/vⁿ, where all of these powers but one stand there, or are of numbers."""
    bases = [factor.as_base_exp() for factor in Mul.make_args(power.base)]
    if len(bases) == 1 or not all(exponent.is_Integer for _, exponent in bases):
        return power
    known = (
        base in positive
        or bool(base.is_positive)
        or any(p.base == base and _whole(p.exp - power.exp, p.exp + power.exp) for p in powers)
        for base, _ in bases
    )
    if sum(known) < len(bases) - 1:
        return power
    return Mul(*(Pow(base, expand_mul(power.exp * exponent)) for base, exponent in bases))


def _whole(*differences: Expr) -> bool:
    return any(difference.is_Integer for difference in map(expand_mul, differences))
