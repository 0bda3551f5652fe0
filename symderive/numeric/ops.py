"""OPS: every operation that a Program may hold, a row each, with its source in every backend.

A row is all that a backend needs to know of an operation. The templates are Python expressions in
which ``{0}``, ``{1}`` … are the operands; ``level`` is the precedence of the expression, so that
the printer sets parentheses only where they are needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath

from symderive.numeric.special import ARGUMENTS, EXACT

# Precedence of a printed expression, loosest first.
CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)

FLOAT, TRUTH = "number", "truth"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    Attributes:
        name: As assignments name it.
        python: Source for plain numbers; calls are of ``math`` or ``symderive.numeric.special``.
        numpy: Source for arrays.
        fold: The value for constant operands, by mpmath.
        level: Precedence of ``python``.
        operands: Loosest precedence that each operand may have without parentheses.
        numpy_level: Precedence of ``numpy``, where it differs.
        ufunc: A NumPy ufunc that takes ``out=`` with the same operands, or "".
        in_place: Statements for ``out=`` where no single ufunc does it.
        result: Whether the result is a number or a truth value.
    """

    name: str
    python: str
    numpy: str
    fold: Callable[..., Any]
    level: int = ATOM
    operands: tuple[int, ...] = ()
    numpy_level: int = ATOM
    ufunc: str = ""
    in_place: tuple[str, ...] = ()
    result: str = FLOAT


def _infix(
    name: str, sign: str, level: int, right: int, ufunc: str, fold: Callable[..., Any]
) -> Op:
    text = f"{{0}} {sign} {{1}}"
    result = TRUTH if level == COMPARE else FLOAT
    left = SUM if level == COMPARE else level
    return Op(name, text, text, fold, level, (left, right), level, f"np.{ufunc}", (), result)


def _call(name: str, fold: Callable[..., Any], numpy: str = "", python: str = "") -> Op:
    """A function that ``math`` and NumPy both have."""
    ufunc = f"np.{numpy or name}"
    return Op(name, f"{python or name}({{0}})", f"{ufunc}({{0}})", fold, ufunc=ufunc)


def _special(name: str, fold: Callable[..., Any], python: str = "", arity: int = 1) -> Op:
    """A function that NumPy lacks: element by element, correct first."""
    places = ", ".join(f"{{{i}}}" for i in range(arity))
    python = f"{python or f'special.{name}'}({places})"
    return Op(name, python, f"special.arrays.{name}({places})", fold)


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def _erfcx(x: Any) -> Any:
    return mpmath.exp(x * x) * mpmath.erfc(x)


def _erfi_scaled(x: Any) -> Any:
    return mpmath.exp(-x * x) * mpmath.erfi(x)


def _step(function: Callable[[Any], Any], x: Any, d: Any) -> Any:
    return function(x + d) - function(x)


def _sign(x: Any) -> Any:
    return mpmath.sign(x)


# fmt: off
_ROWS = (
    Op("copy", "{0}", "{0}", lambda x: x, CHOICE, (CHOICE,), CHOICE, "np.positive"),
    Op("neg", "-{0}", "-{0}", lambda x: -x, SIGN, (SIGN,), SIGN, "np.negative"),
    _infix("add", "+", SUM, SUM, "add", lambda x, y: x + y),
    _infix("sub", "-", SUM, PRODUCT, "subtract", lambda x, y: x - y),
    _infix("mul", "*", PRODUCT, SIGN, "multiply", lambda x, y: x * y),
    _infix("div", "/", PRODUCT, SIGN, "divide", lambda x, y: x / y),
    Op("square", "{0} * {0}", "{0} * {0}", lambda x: x * x, PRODUCT, (ATOM,), PRODUCT, "np.square"),
    Op("pow", "pow({0}, {1})", "{0} ** {1}", mpmath.power, ATOM, (), POWER, "np.power"),
    _call("sqrt", mpmath.sqrt),
    _call("exp", mpmath.exp),
    _call("expm1", mpmath.expm1),
    _call("log", mpmath.log),
    _call("log1p", mpmath.log1p),
    _call("sin", mpmath.sin),
    _call("cos", mpmath.cos),
    _call("tan", mpmath.tan),
    _call("asin", mpmath.asin, "arcsin"),
    _call("acos", mpmath.acos, "arccos"),
    _call("atan", mpmath.atan, "arctan"),
    _call("sinh", mpmath.sinh),
    _call("cosh", mpmath.cosh),
    _call("tanh", mpmath.tanh),
    _call("asinh", mpmath.asinh, "arcsinh"),
    _call("acosh", mpmath.acosh, "arccosh"),
    _call("atanh", mpmath.atanh, "arctanh"),
    _call("floor", mpmath.floor),
    _call("ceil", mpmath.ceil),
    Op("abs", "abs({0})", "np.abs({0})", abs, ufunc="np.abs"),
    Op("sign", "special.sign({0})", "np.sign({0})", _sign, ufunc="np.sign"),
    Op("copysign", "copysign({0}, {1})", "np.copysign({0}, {1})",
        lambda x, y: abs(x) if y >= 0 else -abs(x), ufunc="np.copysign"),
    Op("hypot", "hypot({0}, {1})", "np.hypot({0}, {1})", mpmath.hypot, ufunc="np.hypot"),
    Op("atan2", "atan2({0}, {1})", "np.arctan2({0}, {1})", mpmath.atan2, ufunc="np.arctan2"),
    Op("max", "max({0}, {1})", "np.maximum({0}, {1})", max, ufunc="np.maximum"),
    Op("min", "min({0}, {1})", "np.minimum({0}, {1})", min, ufunc="np.minimum"),
    Op("mod", "special.mod({0}, {1})", "np.mod({0}, {1})", lambda x, y: x % y, ufunc="np.mod"),
    # 1 where z >= 0, else 0; and q with the sign of z. Always used together, so that both may read
    # the sign bit where that is fastest: at z = -0.0 either reading is right as long as they agree.
    Op("step", "1.0 if {0} >= 0.0 else 0.0", "(np.copysign(0.5, {0}) + 0.5)",
        lambda z: 1 if z >= 0 else 0, CHOICE, (SUM,),
        in_place=("np.copysign(0.5, {0}, out={out})", "np.add({out}, 0.5, out={out})")),
    Op("signed", "{0} if {1} >= 0.0 else -{0}", "np.copysign({0}, {1})",
        lambda q, z: q if z >= 0 else -q, CHOICE, (ATOM, SUM), ufunc="np.copysign"),
    _infix("lt", "<", COMPARE, SUM, "less", lambda x, y: x < y),
    _infix("le", "<=", COMPARE, SUM, "less_equal", lambda x, y: x <= y),
    _infix("gt", ">", COMPARE, SUM, "greater", lambda x, y: x > y),
    _infix("ge", ">=", COMPARE, SUM, "greater_equal", lambda x, y: x >= y),
    _infix("eq", "==", COMPARE, SUM, "equal", lambda x, y: x == y),
    _infix("ne", "!=", COMPARE, SUM, "not_equal", lambda x, y: x != y),
    Op("and", "{0} and {1}", "np.logical_and({0}, {1})", lambda x, y: bool(x) and bool(y), AND,
        (AND, NOT), result=TRUTH),
    Op("or", "{0} or {1}", "np.logical_or({0}, {1})", lambda x, y: bool(x) or bool(y), OR,
        (OR, AND), result=TRUTH),
    Op("not", "not {0}", "np.logical_not({0})", lambda x: not x, NOT, (NOT,), result=TRUTH),
    Op("where", "{1} if {0} else {2}", "np.where({0}, {1}, {2})", _choose, CHOICE,
        (OR, OR, CHOICE)),
    _special("erf", mpmath.erf, "erf"),
    _special("erfc", mpmath.erfc, "erfc"),
    _special("gamma", mpmath.gamma, "gamma"),
    _special("loggamma", mpmath.loggamma, "lgamma"),
    _special("erfcx", _erfcx),
    _special("erfcx_slope", lambda x: 2 * x * _erfcx(x) - 2 / mpmath.sqrt(mpmath.pi)),
    _special("erfcx_log_slope", lambda x: 2 * x - 2 / (mpmath.sqrt(mpmath.pi) * _erfcx(x))),
    _special("erfi_scaled", _erfi_scaled),
    _special("erfi_scaled_slope", lambda x: 2 / mpmath.sqrt(mpmath.pi) - 2 * x * _erfi_scaled(x)),
    _special("erfcinv", lambda q: mpmath.erfinv(1 - q)),
    _special("gamma_ratio", lambda a, b: mpmath.gamma(a) / mpmath.gamma(b), arity=2),
    _special("loggamma_step", lambda x, d: _step(mpmath.loggamma, x, d), arity=2),
    _special("digamma_step", lambda x, d: _step(mpmath.digamma, x, d), arity=2),
    _special("digamma_minus_log", lambda x: mpmath.digamma(x) - mpmath.log(x)),
    _special("betaln", lambda a, b: mpmath.log(mpmath.beta(a, b)), arity=2),
    *(_special(name, function, arity=ARGUMENTS[name]) for name, function in EXACT.items()),
)

# fmt: on
OPS: dict[str, Op] = {row.name: row for row in _ROWS}
"""Every operation by name."""

MATH_NAMES = frozenset(name for row in _ROWS if hasattr(math, name := row.python.partition("(")[0]))
"""The functions that the python backend imports from ``math``."""
