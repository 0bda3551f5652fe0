"""Whether a formula is zero: by its normal form over kernels whose arguments have one, too."""

from __future__ import annotations

from sympy import Add, Basic, Expr, Function, Mul, Pow, Rational, cos, exp, log, sin

from symderive.formulas.deepening import DEEP, IMAGINARY, deepened, without_circles
from symderive.formulas.kernels import Kernels, TooLargeError


def is_zero(formula: Expr) -> bool | None:
    """Whether a formula is identically zero: True (proved), False, or None (not decided).

    False means "not zero while its kernels are independent"; the caller samples to be sure.

    >>> from sympy import Symbol
    >>> x, a = Symbol("x"), Symbol("a")
    >>> is_zero(exp(-x) / (1 + exp(-x)) - 1 / (1 + exp(x)))
    True
    >>> is_zero(sin(x) ** 2 + cos(x) ** 2 - 1)
    True
    >>> is_zero(sin(x + a) - sin(x) * cos(a) - cos(x) * sin(a))
    True
    >>> is_zero(exp((x + a) ** 2) * sin(x * (1 - x)) - exp(x**2 + 2 * a * x + a**2) * sin(x - x**2))
    True
    """
    try:
        if not Kernels([formula]).normal(formula):
            return True
        changed = arguments_in_normal_form(formula)
        if changed == formula and not formula.has(*DEEP, log, sin, cos):
            return False
        if not Kernels([changed], deep=True).normal(changed):
            return True
        deep = deepened(changed)
        return _is_zero_by_turns(without_circles(deep)) if deep.has(sin, cos) else False
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None


def _is_zero_by_turns(formula: Expr) -> bool:
    """Whether a formula in e^{iu} is zero for the i whose square is −1."""
    kernels = Kernels([formula])
    element = kernels.normal(formula)
    new = kernels.field.field_new
    above, below = new(element.numer), new(element.denom)
    if IMAGINARY in kernels.kernels:
        above, below = (kernels.substituted(p, IMAGINARY, 2, new(-1)) for p in (above, below))
    return bool(below) and not above


def arguments_in_normal_form(formula: Basic) -> Basic:
    """The formula with what its functions and exponents are of multiplied out and reduced.

    What a logarithm is of stands in factors, for the logarithm of each; e^{u + v} is e^u·e^v.

    >>> from sympy import Symbol
    >>> x = Symbol("x")
    >>> arguments_in_normal_form(cos((x**2 - 1) / (x - 1)) + log(x**2 + x))
    log(x*(x + 1)) + cos(x + 1)
    """
    if not isinstance(formula, Add | Mul | Pow | Function):
        return formula
    args = [arguments_in_normal_form(arg) for arg in formula.args]
    if isinstance(formula, Function) or (isinstance(formula, Pow) and args[1].args):
        args = [_normal(arg, in_factors=isinstance(formula, log)) for arg in args]
    if isinstance(formula, exp):
        return Mul(*map(exp, Add.make_args(args[0])))
    return formula.func(*args)


def _normal(argument: Basic, *, in_factors: bool) -> Basic:
    """An argument in lowest terms: in factors, or as a sum of terms over a common denominator."""
    if not (isinstance(argument, Expr) and argument.has(Add)):
        return argument
    try:
        kernels = Kernels([argument])
        element = kernels.normal(argument)
        if in_factors:
            return kernels.factored(element)
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return argument
    number, below = element.denom.primitive()
    divisor = kernels.formula(below) * Rational(int(number))
    return Add(*(term / divisor for term in Add.make_args(kernels.formula(element.numer))))
