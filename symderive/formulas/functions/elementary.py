"""Elementary functions."""

from __future__ import annotations

import sympy as sp
from sympy import Pow, S

from symderive.formulas.functions.row import EVERYWHERE, NamedFunction, known, own

ANY = (-20.0, 20.0)
WAVE = (-10.0, 10.0)


def _sqrt(x: sp.Expr) -> sp.Expr:
    return Pow(x, S.Half)


ROWS: tuple[NamedFunction, ...] = (
    known("exp", "x", "exponential function", sp.exp, partials="exp(x)", numeric="exp", samples=ANY),
    known("log", "x", "natural logarithm", sp.log, partials="1/x", numeric="log", domain="x > 0",
          samples=(1e-9, 50.0), aliases=("ln",)),
    NamedFunction("sqrt", ("x",), "square root", _sqrt, partials=("1/(2*sqrt(x))",),
                  domain="x > 0", samples=((1e-9, 50.0),)),
    known("sin", "x", "sine", sp.sin, partials="cos(x)", numeric="sin", samples=WAVE),
    known("cos", "x", "cosine", sp.cos, partials="-sin(x)", numeric="cos", samples=WAVE),
    known("tan", "x", "tangent", sp.tan, partials="1 + tan(x)**2", numeric="tan", samples=(-1.57, 1.57), domain="cos(x) != 0"),
    known("sinh", "x", "hyperbolic sine", sp.sinh, partials="cosh(x)", numeric="sinh", samples=ANY),
    known("cosh", "x", "hyperbolic cosine", sp.cosh, partials="sinh(x)", numeric="cosh", samples=ANY),
    known("tanh", "x", "hyperbolic tangent", sp.tanh, partials="1 - tanh(x)**2", numeric="tanh", samples=ANY),
    known("asin", "x", "arc sine", sp.asin, partials="1/sqrt(1 - x**2)", numeric="asin", domain="-1 < x < 1", samples=(-1 + 1e-9, 1 - 1e-9), aliases=("arcsin",)),
    known("acos", "x", "arc cosine", sp.acos, partials="-1/sqrt(1 - x**2)", numeric="acos", domain="-1 < x < 1", samples=(-1 + 1e-9, 1 - 1e-9), aliases=("arccos",)),
    known("atan", "x", "arc tangent", sp.atan, partials="1/(1 + x**2)", numeric="atan", samples=ANY, aliases=("arctan",)),
    known("erf", "x", "error function", sp.erf, partials="2*exp(-x**2)/sqrt(pi)", numeric="erf", samples=(-6.0, 6.0)),
)
