"""STABLE: the forms that keep every digit, a row each.

A row of the phase ``recognise`` replaces a spelled-out or fragile form by a function that the table
knows, wherever the graph shows it: through stages, inside larger sums and products. A row of the
phase ``fuse`` does so once nothing more can cancel. A row of the phase ``expand`` says how such a
function is computed, in primitives alone. So ``log(1 - A2)`` with the stage
``A2 = 1/(1 + exp(-A1))`` becomes ``-softplus(A1)``, and softplus is
``max(A1, 0) + log1p(exp(-abs(A1)))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RECOGNISE, FUSE, EXPAND = "recognise", "fuse", "expand"


@dataclass(frozen=True, slots=True)
class Row:
    """One stable form.

    Attributes:
        name: What it is.
        pattern: The fragile form; names stand for anything.
        replacement: The same value, computed without loss.
        note: What goes wrong with the pattern.
        example: Values of the names where the pattern loses digits or overflows.
        phase: ``recognise``, ``fuse`` or ``expand``.
    """

    name: str
    pattern: str
    replacement: str
    note: str
    example: Mapping[str, float] = field(default_factory=dict)
    phase: str = RECOGNISE


_SPELLED = "spelled out: the functions of the table are computed without loss"
_OVERFLOW = "the exponential overflows where the value is finite"
_CANCEL = "nearly equal numbers are subtracted"

STABLE: tuple[Row, ...] = (
    # Functions spelled out ---------------------------------------------------------------
    Row("sigmoid", "1/(1 + exp(-u))", "sigmoid(u)", _SPELLED, {"u": -800.0}),
    Row("sigmoid from exp", "exp(u)*sigmoid(-u)", "sigmoid(u)", _OVERFLOW, {"u": 800.0}),
    Row(
        "sigmoid from exp, squared",
        "exp(2*u)*sigmoid(-u)**2",
        "sigmoid(u)**2",
        _OVERFLOW,
        {"u": 500.0},
    ),
    Row("odds", "sigmoid(u)/sigmoid(-u)", "exp(u)", "0/0 far from zero", {"u": -800.0}),
    Row("sinh", "exp(u) - exp(-u)", "2*sinh(u)", _CANCEL, {"u": 1e-9}),
    Row("cosh", "exp(u) + exp(-u)", "2*cosh(u)", _SPELLED, {"u": 1.0}),
    Row("tanh", "sinh(u)/cosh(u)", "tanh(u)", _OVERFLOW, {"u": 800.0}),
    Row("coth", "cosh(u)/sinh(u)", "1/tanh(u)", _OVERFLOW, {"u": 800.0}),
    Row("exp/cosh", "exp(u)/cosh(u)", "2*sigmoid(2*u)", _OVERFLOW, {"u": 800.0}),
    Row("exp/cosh, opposite", "exp(-u)/cosh(u)", "2*sigmoid(-2*u)", _OVERFLOW, {"u": 300.0}),
    Row("tanh from expm1", "expm1(u)*sigmoid(-u)", "tanh(u/2)", _OVERFLOW, {"u": 800.0}),
    Row("tanh from sigmoid", "2*sigmoid(u) - 1", "tanh(u/2)", _CANCEL, {"u": 1e-9}),
    Row("softplus", "log(1 + exp(u))", "softplus(u)", _OVERFLOW, {"u": 800.0}),
    Row("log1p", "log(1 + x)", "log1p(x)", "1 + x loses the digits of x", {"x": 1e-12}),
    Row("softplus from log1p", "log1p(exp(u))", "softplus(u)", _OVERFLOW, {"u": 800.0}),
    Row("expm1", "exp(x) - 1", "expm1(x)", _CANCEL, {"x": 1e-12}),
    Row("exp/expm1²", "exp(u)/expm1(u)**2", "1/(4*sinh(u/2)**2)", _OVERFLOW, {"u": 800.0}),
    Row("exp/expm1", "exp(u)/expm1(u)", "-1/expm1(-u)", _OVERFLOW, {"u": 800.0}),
    Row("exp/expm1, half", "exp(u)/expm1(2*u)", "1/(2*sinh(u))", _OVERFLOW, {"u": 400.0}),
    Row("hypot", "sqrt(x**2 + y**2)", "hypot(x, y)", "squares overflow", {"x": 1e200, "y": 1e200}),
    Row("logaddexp", "log(exp(a) + exp(b))", "logaddexp(a, b)", _OVERFLOW, {"a": 800.0, "b": 1.0}),
    Row(
        "softmax of two",
        "exp(a)/(exp(a) + exp(b))",
        "sigmoid(a - b)",
        _OVERFLOW,
        {"a": 800.0, "b": 1.0},
    ),
    Row("atanh", "log((1 + x)/(1 - x))", "2*atanh(x)", _CANCEL, {"x": 1e-12}),
    Row("log cosh", "log(cosh(x))", "logcosh(x)", _OVERFLOW, {"x": 800.0}),
    Row("log(1 - exp)", "log(-expm1(u))", "log1mexp(-u)", _CANCEL, {"u": -40.0}),
    Row("log(exp - 1)", "log(expm1(u))", "logexpm1(u)", _OVERFLOW, {"u": 800.0}),
    Row("log sinh", "log(sinh(u))", "u - log(2) + log1mexp(2*u)", _OVERFLOW, {"u": 800.0}),
    Row("erfcx", "exp(u**2)*erfc(u)", "erfcx(u)", "∞ · 0 far from zero", {"u": 40.0}),
    Row("1/erfcx", "exp(-u**2)/erfc(u)", "1/erfcx(u)", "0/0 far from zero", {"u": 40.0}),
    Row("log erfc", "log(erfc(u))", "logerfc(u)", "log of 0", {"u": 40.0}),
    Row(
        "log of the normal distribution",
        "log(erfc(u)/2)",
        "loghalferfc(u)",
        "log of 0, and of what is nearly 1",
        {"u": 40.0},
    ),
    Row(
        "log erfc in a product",
        "log(r*erfc(u))",
        "log(r) + logerfc(u)",
        "log of 0",
        {"r": 2.0, "u": 40.0},
    ),
    Row("log erfc + u²", "logerfc(u) + u**2", "log(erfcx(u))", _CANCEL, {"u": 40.0}),
    Row("log of half erfc + u²", "loghalferfc(u) + u**2", "log(erfcx(u)/2)", _CANCEL, {"u": 40.0}),
    Row("exp of -log", "exp(-log(x))", "1/x", "digits of a large logarithm", {"x": 1e-300}),
    Row(
        "asinh",
        "log(opposed(sqrt(1 + x**2), -x, 1))",
        "asinh(x)",
        _CANCEL,
        {"x": -1e-9},
    ),
    Row("log gamma", "log(gamma(x))", "loggamma_where_positive(x)", "overflow", {"x": 400.0}),
    Row("gamma ratio", "gamma(a)/gamma(b)", "gamma_ratio(a, b)", "∞/∞", {"a": 400.5, "b": 400.0}),
    Row(
        "Bessel ratio",
        "besseli(n, x)/besseli(m, x)",
        "besseli_ratio(n, m, x)",
        "∞/∞",
        {"n": 1.0, "m": 0.0, "x": 800.0},
    ),
    Row(
        "log Bessel", "log(besseli(n, x))", "log_besseli(n, x)", "overflow", {"n": 0.0, "x": 800.0}
    ),
    Row("acos near 1", "acos(1 - x)", "2*asin(sqrt(x/2))", _CANCEL, {"x": 1e-12}),
    Row(
        "power of 1 + x, minus 1",
        "pow(1 + x, a) - 1",
        "powm1(a*log1p(x), pow(1 + x, a))",
        _CANCEL,
        {"x": 1e-12, "a": 0.7},
    ),
    Row(
        "power minus 1",
        "pow(x, a) - 1",
        "powm1(a*log(x), pow(x, a))",
        _CANCEL,
        {"x": 1.5, "a": 1e-12},
    ),
    # Values known through a stage ---------------------------------------------------------
    Row(
        "sigmoid of both signs",
        "sigmoid(u) + sigmoid(-u)",
        "1",
        "what is left cancels: P*y + Q*y - y of the two shares of a softmax",
        {"u": 40.0},
    ),
    Row("1 + expm1", "1 + expm1(x)", "exp(x)", _CANCEL, {"x": -40.0}),
    Row("1 + 1/expm1", "1 + 1/expm1(u)", "-1/expm1(-u)", _CANCEL, {"u": -40.0}),
    Row("1 + 2/expm1", "1 + 2/expm1(u)", "1/tanh(u/2)", _CANCEL, {"u": -1.0}),
    Row(
        "1 - share",
        "1 - exp(y)/(x + exp(y))",
        "x/(x + exp(y))",
        _CANCEL,
        {"x": 1e-12, "y": 0.0},
    ),
    Row("1 - sigmoid", "1 - sigmoid(u)", "sigmoid(-u)", _CANCEL, {"u": 40.0}),
    Row("1 + tanh", "1 + tanh(u)", "2*sigmoid(2*u)", _CANCEL, {"u": -20.0}),
    Row("1 - tanh", "1 - tanh(u)", "2*sigmoid(-2*u)", _CANCEL, {"u": 20.0}),
    Row("1 - tanh²", "1 - tanh(u)**2", "4*sigmoid(2*u)*sigmoid(-2*u)", _CANCEL, {"u": 20.0}),
    Row("1 - cos", "1 - cos(x)", "2*sin(x/2)**2", _CANCEL, {"x": 1e-6}),
    Row("cosh - 1", "cosh(x) - 1", "2*sinh(x/2)**2", _CANCEL, {"x": 1e-6}),
    Row("1 - sin²", "1 - sin(x)**2", "cos(x)**2", _CANCEL, {"x": 1.5707}),
    Row("1 - cos²", "1 - cos(x)**2", "sin(x)**2", _CANCEL, {"x": 1e-6}),
    Row("cosh² - 1", "cosh(x)**2 - 1", "sinh(x)**2", _CANCEL, {"x": 1e-6}),
    Row("1 - erf", "1 - erf(x)", "erfc(x)", _CANCEL, {"x": 5.0}),
    Row("1 + erf", "1 + erf(x)", "erfc(-x)", _CANCEL, {"x": -5.0}),
    Row("2 - erfc", "2 - erfc(x)", "erfc(-x)", _CANCEL, {"x": -5.0}),
    Row("1 - erfc/2", "1 - erfc(x)/2", "erfc(-x)/2", _CANCEL, {"x": -5.0}),
    Row("1 - erfc", "1 - erfc(x)", "erf(x)", _CANCEL, {"x": 1e-12}),
    Row("log of exp", "log(exp(u))", "u", "the exponential under- or overflows", {"u": -800.0}),
    Row(
        "log of exp in a product",
        "log(r*exp(u))",
        "u + log(r)",
        "as log of exp",
        {"u": -800.0, "r": 2.0},
    ),
    Row("log of 1/x", "log(1/x)", "-log(x)", "1/x under- or overflows", {"x": 3.0}),
    Row("log of sigmoid", "log(sigmoid(u))", "-softplus(-u)", "log of 0", {"u": -800.0}),
    Row(
        "log of sigmoid in a product",
        "log(r*sigmoid(u))",
        "log(r) - softplus(-u)",
        "log of 0",
        {"u": -800.0, "r": 2.0},
    ),
    Row("softplus - z", "softplus(z) - z", "softplus(-z)", _CANCEL, {"z": 40.0}),
    Row("logaddexp - a", "logaddexp(a, b) - a", "softplus(b - a)", _CANCEL, {"a": 50.0, "b": 1.0}),
    Row("logaddexp - b", "logaddexp(a, b) - b", "softplus(a - b)", _CANCEL, {"a": 1.0, "b": 50.0}),
    # Cross-entropy of a sigmoid, and its slope ----------------------------------------------
    Row(
        "softplus difference",
        "y*softplus(-z) - y*softplus(z)",
        "-y*z",
        _CANCEL,
        {"y": 0.3, "z": 1e-12},
    ),
    Row(
        "cross-entropy of a sigmoid",
        "y*softplus(-z) + (1 - y)*softplus(z)",
        "softplus_minus(z, y)",
        "one exponential and one logarithm do",
        {"y": 0.3, "z": 2.0},
    ),
    Row(
        "softplus - y z",
        "softplus(z) - y*z",
        "softplus_minus(z, y)",
        _CANCEL,
        {"z": 40.0, "y": 1.0},
    ),
    Row("sigmoid - y", "sigmoid(z) - y", "sigmoid_minus(z, y)", _CANCEL, {"z": 40.0, "y": 1.0}),
    Row(
        "sigmoid - y + y", "sigmoid_minus(z, y) + y", "sigmoid(z)", _CANCEL, {"z": -40.0, "y": 1.0}
    ),
    Row(
        "1 - sigmoid, from sigmoid - y",
        "1 - y - sigmoid_minus(z, y)",
        "sigmoid(-z)",
        _CANCEL,
        {"z": 40.0, "y": 1.0},
    ),
    Row(
        "slope of a cross-entropy",
        "(1 - y)*sigmoid(z) - y*sigmoid(-z)",
        "sigmoid_minus(z, y)",
        "one exponential does",
        {"z": 2.0, "y": 0.3},
    ),
    *(
        Row(
            f"slope of u times {name}, by its value",
            pattern.replace("b", over),
            replacement.replace("b*", "" if over == "1" else "b*"),
            _CANCEL,
            {"u": 1e16, "a": 1e16, "b": 1.0},
        )
        for over in ("1", "b")
        for name, pattern, replacement in (
            (
                "sigmoid",
                "a*sigmoid(u) + (b - a*sigmoid(u))*sigmoid(u)",
                "b*sigmoid(u) + a*sigmoid(u)*sigmoid(-u)",
            ),
            (
                "tanh",
                "a + (b - a*tanh(u))*tanh(u)",
                "b*tanh(u) + 4*a*sigmoid(2*u)*sigmoid(-2*u)",
            ),
        )
    ),
    Row("x log x", "x*log(x)", "xlogy(x, x)", "0 · -inf at 0, where the limit is 0", {"x": 0.0}),
    Row(
        "cross-entropy",
        "y*log(p) + (1 - y)*log1p(-p)",
        "xlogy(y, p) + xlog1py(1 - y, -p)",
        "0 · -inf where a certain prediction is right",
        {"y": 0.0, "p": 0.0},
    ),
    # Last, when nothing more can cancel ---------------------------------------------------------
    Row(
        "slope of sigmoid",
        "sigmoid(z)*sigmoid(-z)",
        "sigmoid_slope(z)",
        "one exponential",
        {"z": 40.0},
        FUSE,
    ),
    Row(
        "difference of exponentials",
        "exp(a) - exp(b)",
        "exp_difference(a, b)",
        _CANCEL,
        {"a": 1e-12, "b": 3e-12},
        FUSE,
    ),
    # How the functions are computed -----------------------------------------------------------
    Row(
        "compute sigmoid",
        "sigmoid(z)",
        "group(step(z) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "exp(-abs(z)) never overflows, and both tails keep their digits",
        {"z": -800.0},
        EXPAND,
    ),
    Row(
        "compute sigmoid - y",
        "sigmoid_minus(z, y)",
        "group(group(step(z) - y) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "step - y is exact where sigmoid and y are both nearly 1",
        {"z": 40.0, "y": 1.0},
        EXPAND,
    ),
    Row(
        "compute sigmoid slope",
        "sigmoid_slope(z)",
        "exp(-abs(z))/(1 + exp(-abs(z)))**2",
        "one exponential",
        {"z": 40.0},
        EXPAND,
    ),
    Row(
        "compute softplus",
        "softplus(z)",
        "group(max(z, 0) + log1p(exp(-abs(z))))",
        _OVERFLOW,
        {"z": 800.0},
        EXPAND,
    ),
    Row(
        "compute softplus - y z",
        "softplus_minus(z, y)",
        "group(z*group(step(z) - y) + log1p(exp(-abs(z))))",
        "both terms are positive for y in [0, 1]",
        {"z": 40.0, "y": 1.0},
        EXPAND,
    ),
    Row(
        "compute logaddexp",
        "logaddexp(a, b)",
        "group(max(a, b) + log1p(exp(-abs(a - b))))",
        _OVERFLOW,
        {"a": 800.0, "b": 1.0},
        EXPAND,
    ),
    Row(
        "compute log cosh",
        "logcosh(x)",
        "where(abs(x) < 1, log1p(2*sinh(min(abs(x), 1)/2)**2),"
        " abs(x) + log1p(exp(-2*abs(x))) - log(2))",
        _OVERFLOW,
        {"x": 800.0},
        EXPAND,
    ),
    Row(
        "compute log(1 - exp)",
        "log1mexp(z)",
        "where(2*z < 1, log(-expm1(-z)), log1p(-exp(-z)))",
        _CANCEL,
        {"z": 40.0},
        EXPAND,
    ),
    Row(
        "compute log(exp - 1)",
        "logexpm1(z)",
        "where(z < 1, log(expm1(min(z, 1))), z + log1p(-exp(-z)))",
        _OVERFLOW,
        {"z": 800.0},
        EXPAND,
    ),
    Row(
        "compute log erfc",
        "logerfc(u)",
        "where(u < 1, log1p(-erf(u)), log(erfcx(u)) - u**2)",
        "log of 0",
        {"u": 40.0},
        EXPAND,
    ),
    Row(
        "compute the log of the normal distribution",
        "loghalferfc(u)",
        "where(u < 0, log1p(-erfc(-u)/2), log(erfcx(u)/2) - u**2)",
        "log of 0, and of what is nearly 1",
        {"u": 40.0},
        EXPAND,
    ),
    Row(
        "compute log gamma",
        "loggamma_where_positive(x)",
        "where(x > 0, loggamma(x), log(gamma(x)))",
        "overflow",
        {"x": 400.0},
        EXPAND,
    ),
    Row(
        "compute a power minus 1",
        "powm1(t, p)",
        "where(abs(t) < 1, expm1(t), p - 1)",
        _CANCEL,
        {"t": 1e-12, "p": 1.0},
        EXPAND,
    ),
    Row(
        "compute a difference of exponentials",
        "exp_difference(a, b)",
        "exp(max(a, b))*signed(-expm1(-abs(a - b)), a - b)",
        _CANCEL,
        {"a": 1e-12, "b": 3e-12},
        EXPAND,
    ),
    Row(
        "compute a difference beside a root",
        "opposed(r, b, d)",
        "where(b > 0, d/(r + b), r - b)",
        "d is r**2 - b**2",
        {"r": 1e8, "b": 1e8, "d": 1.0},
        EXPAND,
    ),
    Row(
        "compute by a polynomial near a point",
        "removable(t, near, polynomial, formula)",
        "where(abs(t) < near, polynomial, formula)",
        "the terms of the formula cancel there",
        {"t": 1e-9, "near": 0.1, "polynomial": 2.0, "formula": 1.0},
        EXPAND,
    ),
    Row(
        "compute xlogy",
        "xlogy(x, y)",
        "where(x == 0, 0, x*log(y))",
        "0 · -inf",
        {"x": 0.0, "y": 0.0},
        EXPAND,
    ),
    Row(
        "compute xlog1py",
        "xlog1py(x, y)",
        "where(x == 0, 0, x*log1p(y))",
        "0 · -inf",
        {"x": 0.0, "y": -1.0},
        EXPAND,
    ),
)

KNOWN = frozenset(
    [
        "sigmoid",
        "softplus",
        "logaddexp",
        "logcosh",
        "xlogy",
        "xlog1py",
        "tanh",
        "sinh",
        "cosh",
        "expm1",
        "log1p",
        "hypot",
        "erf",
        "erfc",
        "log1mexp",
        "logerfc",
        "loghalferfc",
        "opposed",
        "sigmoid_minus",
    ]
)
"""Functions that rows speak of: they stay themselves until the graph is expanded."""


ARITY = {
    "sigmoid": 1,
    "softplus": 1,
    "logaddexp": 2,
    "logcosh": 1,
    "xlogy": 2,
    "xlog1py": 2,
    "hypot": 2,
    "lambertw": 1,
    "elliptic_e": 1,
    "zeta": 1,
}
"""The number of arguments for which the functions are themselves; others have defaults."""
