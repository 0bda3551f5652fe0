"""Powers, exponentials and logarithms, circular and hyperbolic functions and their inverses."""

from __future__ import annotations

import sympy as sp
from sympy import Expr, Pow, S

from symderive.formulas.functions.row import Kink, NamedFunction, known, own

ANY = (-20.0, 20.0)
POSITIVE = (1e-9, 50.0)
INSIDE = (-1 + 1e-9, 1 - 1e-9)
HALF_TURN = (1e-6, 3.141592)
BEYOND_ONE = (1 + 1e-9, 50.0)
CUT = "the value jumps by 2π; the derivative on either side is taken, as all frameworks do."


def _sqrt(x: Expr) -> Expr:
    return Pow(x, S.Half)


def _rsqrt(x: Expr) -> Expr:
    return Pow(x, -S.Half)


def _pow(x: Expr, n: Expr) -> Expr:
    return Pow(x, n)


# fmt: off
POWERS: tuple[NamedFunction, ...] = (
    NamedFunction("sqrt", ("x",), "square root", _sqrt, partials=("1/(2*sqrt(x))",),
                  domain="x > 0", samples=(POSITIVE,)),
    NamedFunction("rsqrt", ("x",), "reciprocal square root", _rsqrt, definition="1/sqrt(x)",
                  partials=("-1/(2*x*sqrt(x))",), domain="x > 0", samples=((1e-6, 50.0),)),
    NamedFunction("pow", ("x", "n"), "power", _pow, partials=("n*x**(n - 1)", "x**n*log(x)"),
                  domain="x > 0", samples=((1e-6, 20.0), (-3.0, 3.0)), aliases=("power",)),
    own("cbrt", "x", "cube root", equivalent="sign(x)*abs(x)**(1/3)",
        partials="1/(3*cbrt(x)**2)", domain="x != 0", samples=ANY),
    own("hypot", "x, y", "length of the hypotenuse", equivalent="sqrt(x**2 + y**2)",
        partials=("x/hypot(x, y)", "y/hypot(x, y)"), numeric="hypot",
        domain="x**2 + y**2 > 0", samples=(ANY, ANY)),
    known("exp", "x", "exponential function", sp.exp, partials="exp(x)", numeric="exp",
          samples=ANY),
    known("log", "x", "natural logarithm", sp.log, partials="1/x", numeric="log",
          domain="x > 0", samples=POSITIVE, aliases=("ln",)),
    own("exp2", "x", "power of two", definition="2**x", partials="exp2(x)*log(2)", samples=ANY),
    own("exp10", "x", "power of ten", definition="10**x", partials="exp10(x)*log(10)",
        samples=ANY),
    own("expm1", "x", "exponential function less one", equivalent="exp(x) - 1",
        partials="exp(x)", numeric="expm1", samples=ANY),
    own("log1p", "x", "logarithm of 1 + x", equivalent="log(1 + x)", partials="1/(1 + x)",
        numeric="log1p", domain="x > -1", samples=(-1 + 1e-9, 50.0)),
    own("log2", "x", "logarithm to base 2", definition="log(x)/log(2)",
        partials="1/(x*log(2))", domain="x > 0", samples=POSITIVE),
    own("log10", "x", "logarithm to base 10", definition="log(x)/log(10)",
        partials="1/(x*log(10))", domain="x > 0", samples=POSITIVE),
    own("logb", "x, b", "logarithm to base b", definition="log(x)/log(b)",
        partials=("1/(x*log(b))", "-log(x)/(b*log(b)**2)"),
        domain="x > 0 and b > 0 and b != 1", samples=(POSITIVE, (1.5, 12.0))),
    own("log1mexp", "x", "logarithm of 1 − exp(−x)", definition="log(1 - exp(-x))",
        partials="1/(exp(x) - 1)", domain="x > 0", samples=(1e-9, 40.0),
        stable="where(x < 0.7, log(-expm1(-x)), log1p(-exp(-x)))",
        source="Mächler, Accurately Computing log(1 − exp(−|a|)), 2012"),
    own("logdiffexp", "a, b", "logarithm of exp(a) − exp(b)", definition="log(exp(a) - exp(b))",
        partials=("1/(1 - exp(b - a))", "-1/(exp(a - b) - 1)"), domain="a > b",
        samples=((1.0, 20.0), (-20.0, 0.9)),
        stable="a + where(a - b < 0.7, log(-expm1(b - a)), log1p(-exp(b - a)))"),
    own("xlogy", "x, y", "x log y", definition="where(x == 0, 0, x*log(y))",
        partials=("log(y)", "x/y"), domain="y > 0", samples=((0.0, 20.0), POSITIVE),
        stable="where(x == 0, 0, x*log(where(x == 0, 1, y)))"),
    own("xlog1py", "x, y", "x log(1 + y)", definition="where(x == 0, 0, x*log(1 + y))",
        partials=("log1p(y)", "x/(1 + y)"), domain="y > -1",
        samples=((0.0, 20.0), (-1 + 1e-9, 50.0)),
        stable="where(x == 0, 0, x*log1p(where(x == 0, 0, y)))"),
)

CIRCULAR: tuple[NamedFunction, ...] = (
    known("sin", "x", "sine", sp.sin, partials="cos(x)", numeric="sin", samples=ANY),
    known("cos", "x", "cosine", sp.cos, partials="-sin(x)", numeric="cos", samples=ANY),
    known("tan", "x", "tangent", sp.tan, partials="1 + tan(x)**2", numeric="tan",
          domain="cos(x) != 0", samples=(-1.5707, 1.5707)),
    known("cot", "x", "cotangent", sp.cot, partials="-(1 + cot(x)**2)", numeric="cot",
          domain="sin(x) != 0", samples=HALF_TURN, stable="cos(x)/sin(x)"),
    known("sec", "x", "secant", sp.sec, partials="sec(x)*tan(x)", numeric="sec",
          domain="cos(x) != 0", samples=(-1.5707, 1.5707), stable="1/cos(x)"),
    known("csc", "x", "cosecant", sp.csc, partials="-csc(x)*cot(x)", numeric="csc",
          domain="sin(x) != 0", samples=HALF_TURN, stable="1/sin(x)"),
    own("versin", "x", "versed sine", definition="1 - cos(x)", partials="sin(x)", samples=ANY,
        stable="2*sin(x/2)**2"),
    own("haversin", "x", "half the versed sine", definition="(1 - cos(x))/2", partials="sin(x)/2",
        samples=ANY, stable="sin(x/2)**2", aliases=("hav",)),
    own("deg2rad", "x", "degrees to radians", definition="pi*x/180", partials="pi/180",
        samples=ANY, aliases=("radians",)),
    own("rad2deg", "x", "radians to degrees", definition="180*x/pi", partials="180/pi",
        samples=ANY, aliases=("degrees",)),
    known("asin", "x", "arc sine", sp.asin, partials="1/sqrt(1 - x**2)", numeric="asin",
          domain="-1 < x < 1", samples=INSIDE, aliases=("arcsin",)),
    known("acos", "x", "arc cosine", sp.acos, partials="-1/sqrt(1 - x**2)", numeric="acos",
          domain="-1 < x < 1", samples=INSIDE, aliases=("arccos",)),
    known("atan", "x", "arc tangent", sp.atan, partials="1/(1 + x**2)", numeric="atan",
          samples=ANY, aliases=("arctan",)),
    known("acot", "x", "arc cotangent", sp.acot, partials="-1/(1 + x**2)", numeric="acot",
          domain="x != 0", samples=ANY, aliases=("arccot",), stable="atan(1/x)",
          source="the branch that is odd, acot(x) = atan(1/x): DLMF 4.23.9"),
    known("asec", "x", "arc secant", sp.asec, partials="1/(abs(x)*sqrt(x**2 - 1))",
          numeric="asec", domain="x < -1 or x > 1", samples=BEYOND_ONE, aliases=("arcsec",),
          stable="acos(1/x)"),
    known("acsc", "x", "arc cosecant", sp.acsc, partials="-1/(abs(x)*sqrt(x**2 - 1))",
          numeric="acsc", domain="x < -1 or x > 1", samples=BEYOND_ONE, aliases=("arccsc",),
          stable="asin(1/x)"),
    known("atan2", "y, x", "angle of the point (x, y)", sp.atan2,
          partials=("x/(x**2 + y**2)", "-y/(x**2 + y**2)"), numeric="atan2",
          domain="x**2 + y**2 > 0", samples=(ANY, ANY), aliases=("arctan2",),
          kinks=Kink("y == 0 and x < 0", CUT)),
    own("sinc", "x", "normalised sinc", definition="where(x == 0, 1, sin(pi*x)/(pi*x))",
        partials="where(x == 0, 0, (cos(pi*x) - sinc(x))/x)", samples=(-6.5, 6.5),
        stable="where(x == 0, 1, sin(pi*x)/where(x == 0, 1, pi*x))",
        source="NumPy's convention, sin(πx)/(πx); smooth at 0, where it is 1 with derivative 0"),
)

HYPERBOLIC: tuple[NamedFunction, ...] = (
    known("sinh", "x", "hyperbolic sine", sp.sinh, partials="cosh(x)", numeric="sinh",
          samples=ANY),
    known("cosh", "x", "hyperbolic cosine", sp.cosh, partials="sinh(x)", numeric="cosh",
          samples=ANY),
    known("tanh", "x", "hyperbolic tangent", sp.tanh, partials="1 - tanh(x)**2",
          numeric="tanh", samples=ANY),
    known("coth", "x", "hyperbolic cotangent", sp.coth, partials="1 - coth(x)**2",
          numeric="coth", domain="x != 0", samples=ANY, stable="1/tanh(x)"),
    known("sech", "x", "hyperbolic secant", sp.sech, partials="-sech(x)*tanh(x)",
          numeric="sech", samples=ANY, stable="2*exp(-abs(x))/(1 + exp(-2*abs(x)))"),
    known("csch", "x", "hyperbolic cosecant", sp.csch, partials="-csch(x)*coth(x)",
          numeric="csch", domain="x != 0", samples=ANY,
          stable="copysign(2*exp(-abs(x))/-expm1(-2*abs(x)), x)"),
    known("asinh", "x", "inverse hyperbolic sine", sp.asinh, partials="1/sqrt(x**2 + 1)",
          numeric="asinh", samples=ANY, aliases=("arcsinh", "arsinh")),
    known("acosh", "x", "inverse hyperbolic cosine", sp.acosh, partials="1/sqrt(x**2 - 1)",
          numeric="acosh", domain="x > 1", samples=BEYOND_ONE, aliases=("arccosh", "arcosh")),
    known("atanh", "x", "inverse hyperbolic tangent", sp.atanh, partials="1/(1 - x**2)",
          numeric="atanh", domain="-1 < x < 1", samples=INSIDE, aliases=("arctanh", "artanh")),
    known("acoth", "x", "inverse hyperbolic cotangent", sp.acoth, partials="1/(1 - x**2)",
          numeric="acoth", domain="x < -1 or x > 1", samples=BEYOND_ONE,
          aliases=("arccoth", "arcoth"), stable="atanh(1/x)"),
    known("asech", "x", "inverse hyperbolic secant", sp.asech,
          partials="-1/(x*sqrt(1 - x**2))", numeric="asech", domain="0 < x < 1",
          samples=(1e-6, 1 - 1e-9), aliases=("arcsech", "arsech"), stable="acosh(1/x)"),
    known("acsch", "x", "inverse hyperbolic cosecant", sp.acsch,
          partials="-1/(abs(x)*sqrt(1 + x**2))", numeric="acsch", domain="x != 0",
          samples=ANY, aliases=("arccsch", "arcsch"), stable="asinh(1/x)"),
)
# fmt: on

ROWS = (*POWERS, *CIRCULAR, *HYPERBOLIC)
