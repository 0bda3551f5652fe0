"""Whether a formula is zero: by its normal form over kernels whose arguments have one, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Mul,
    Pow,
    Rational,
    Symbol,
    cos,
    cot,
    csc,
    exp,
    log,
    preorder_traversal,
    sec,
    sech,
    sin,
    tan,
    tanh,
)
from sympy.polys.fields import FracElement

from symderive.formulas.deepening import DEEP, IMAGINARY, deepened, without_circles
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.kernels import Kernels, TooLargeError, rational

ABS: Any = FUNCTIONS["abs"].function
SIGN: Any = FUNCTIONS["sign"].function

LOOKED_INTO = (log, sin, cos, ABS, SIGN)
"""Functions that stand in the deep form, and for which more than their kernels is known."""

Fraction = tuple[FracElement, ...]
"""What stands above and below a bar, apart: what they share is not cancelled."""

MAX_SIGNS = 3
"""Arguments whose signs are told apart."""


SQUARES: Mapping[Any, Callable[..., Expr]] = {
    sech: lambda x: 1 - tanh(x) ** 2,
    sec: lambda x: 1 + tan(x) ** 2,
    csc: lambda x: 1 + cot(x) ** 2,
}
"""Squares that the normal form says by the function whose derivative they are in."""


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
    >>> is_zero(ABS(x) / x - SIGN(x)), is_zero(SIGN(x) ** 2 - 1)
    (True, False)
    >>> is_zero(exp((x + a) ** 2) * sin(x * (1 - x)) - exp(x**2 + 2 * a * x + a**2) * sin(x - x**2))
    True
    """
    found = _decided(formula)
    if found is None:  # too large as it is
        found = _decided(with_sums_held(formula)) or None
    return found


def _decided(formula: Expr) -> bool | None:
    try:
        if not Kernels([formula]).normal(formula):
            return True
        changed = arguments_in_normal_form(formula)
        if changed == formula and not formula.has(*DEEP, *LOOKED_INTO):
            return False
        if not Kernels([changed], deep=True).normal(changed):
            return True
        deep = deepened(changed)
        if deep.has(sin, cos) and _is_zero_by_turns(without_circles(deep)):
            return True
        signed = sorted({part.args[0] for part in deep.atoms(ABS, SIGN)}, key=str)
        return 0 < len(signed) <= MAX_SIGNS and _is_zero_by_signs(deep, signed)
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None


def with_sums_held(formula: Expr) -> Expr:
    """The formula with each sum that stands in it twice or more as a name.

    What is zero whatever the sums are is zero.

    >>> from sympy.abc import a, x
    >>> with_sums_held(sin((a + x) ** 9) - cos(x) / (a + x))
    sin(_sum0**9) - cos(x)/_sum0
    """
    times = Counter(part for part in preorder_traversal(formula) if isinstance(part, Add))
    names: dict[Basic, Expr] = {}

    def held(part: Basic) -> Basic:
        if times[part] > 1:
            return names.setdefault(part, Symbol(f"_sum{len(names)}"))
        known = isinstance(part, Add | Mul | Pow | Function)
        return part.func(*map(held, part.args)) if known else part

    return held(formula)


def _is_zero_by_turns(formula: Expr) -> bool:
    """Whether a formula in e^{iu} is zero for the i whose square is −1."""
    kernels = Kernels([formula])
    element = kernels.normal(formula)
    new = kernels.field.field_new
    above, below = new(element.numer), new(element.denom)
    if IMAGINARY in kernels.kernels:
        above, below = (kernels.substituted(p, IMAGINARY, 2, new(-1)) for p in (above, below))
    return bool(below) and not above


def _is_zero_by_signs(formula: Expr, signed: Sequence[Expr]) -> bool:
    """Whether a formula is zero for either sign of each of some arguments, and where they are 0."""
    kernels = Kernels([formula, *signed], deep=True)
    new = kernels.field.field_new

    def with_sign(sign: int, argument: Expr, fraction: Fraction) -> Fraction:
        inside = kernels.normal(argument)
        for kernel, value in ((ABS(argument), sign * inside), (SIGN(argument), new(sign))):
            if kernel in kernels.place:
                fraction = tuple(kernels.substituted(part, kernel, 1, value) for part in fraction)
        return tuple(kernels.reduce(part) for part in fraction)

    def zero(fraction: Fraction, left: Sequence[Expr]) -> bool:
        above, below = fraction
        if not above or not below or not left:
            return bool(below) and not above
        if not all(zero(with_sign(sign, left[0], fraction), left[1:]) for sign in (1, -1)):
            return False
        inside = kernels.normal(left[0])
        if _divides(inside, below):  # there is no value where it is 0
            return True
        above, below = with_sign(0, left[0], fraction)
        return bool(below) and _divides(inside, above)

    element = kernels.normal(formula)
    return zero((new(element.numer), new(element.denom)), signed)


def _divides(inside: FracElement, element: FracElement) -> bool:
    return not rational(element.numer).rem(rational(inside.numer))


def arguments_in_normal_form(formula: Basic) -> Basic:
    """The formula with what its functions and exponents are of multiplied out and reduced.

    What a logarithm is of stands in factors, for the logarithm of each; e^{u + v} is e^u·e^v.

    >>> from sympy import Symbol
    >>> x = Symbol("x")
    >>> arguments_in_normal_form(cos((x**2 - 1) / (x - 1)) + log(x**2 + x))
    log(x*(x + 1)) + cos(x + 1)
    """
    beside = deepened(formula).atoms(exp) if formula.has(log) else ()
    return _with_normal_arguments(formula, beside)


def _with_normal_arguments(formula: Basic, beside: Collection[Expr]) -> Basic:
    if not isinstance(formula, Add | Mul | Pow | Function):
        return formula
    args = [_with_normal_arguments(arg, beside) for arg in formula.args]
    if isinstance(formula, Function) or (isinstance(formula, Pow) and args[1].args):
        args = [_normal(arg, beside if isinstance(formula, log) else None) for arg in args]
    if isinstance(formula, exp):
        return Mul(*map(exp, Add.make_args(args[0])))
    return formula.func(*args)


def _normal(argument: Basic, beside: Collection[Expr] | None) -> Basic:
    """An argument in lowest terms: in factors, or as a sum of terms over a common denominator.

    Args:
        argument: It.
        beside: With them it is in factors, and in these exponentials: 1 + e^{−u} as
            e^{−u}·(1 + e^u) where e^u stands elsewhere.
    """
    circular = argument.has(*DEEP, sin, cos)
    if not (isinstance(argument, Expr) and (circular or argument.has(Add))):
        return argument
    try:
        shared = beside if beside and argument.has(exp) else ()
        kernels = Kernels([argument, *shared], deep=circular)
        element = kernels.normal(argument)
        if beside is not None:
            return kernels.factored(element)
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return argument
    number, below = element.denom.primitive()
    divisor = kernels.formula(below) * Rational(int(number))
    return Add(*(term / divisor for term in Add.make_args(kernels.formula(element.numer))))
