"""Circular and hyperbolic functions in sin, cos and exp alone, or in exp alone, for proofs."""

from __future__ import annotations

from sympy import (
    Add,
    Basic,
    Mul,
    Pow,
    Symbol,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    exp,
    log,
    sec,
    sech,
    sin,
    sinh,
    tan,
    tanh,
)

DEEP = {
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
    if type(formula) in DEEP:
        return DEEP[type(formula)](args[0])
    if isinstance(formula, log):
        return Add(*map(_logarithm, Mul.make_args(args[0])))
    return formula.func(*args)


def _logarithm(factor: Basic) -> Basic:
    """The logarithm of a factor; what stands in an exponential is real.

    >>> from sympy.abc import x
    >>> _logarithm(exp(-(x**2))), _logarithm(x**3)
    (-x**2, 3*log(x))
    """
    if isinstance(factor, exp):
        return factor.args[0]
    return factor.exp * log(factor.base) if isinstance(factor, Pow) else log(factor)


IMAGINARY = Symbol("_i")
"""Whose square is −1: a name, so that the coefficients of normal forms stay rational."""


def without_circles(formula: Basic) -> Basic:
    """The formula with sin u and cos u in e^{iu}: sums and multiples of angles need no theorem.

    What stands inside another function stays as it is.

    >>> from sympy.abc import x
    >>> without_circles(cos(2 * x))
    exp(2*_i*x)/2 + exp(-2*_i*x)/2
    """
    if isinstance(formula, sin | cos):
        turned = IMAGINARY * formula.args[0]
        if isinstance(formula, cos):
            return (exp(turned) + exp(-turned)) / 2
        return (exp(turned) - exp(-turned)) / (2 * IMAGINARY)
    if not isinstance(formula, Add | Mul | Pow):
        return formula
    return formula.func(*map(without_circles, formula.args))
