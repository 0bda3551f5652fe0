"""STABLE: the forms that keep every digit, a row each.

A row of the phase ``recognise`` replaces a spelled-out or fragile form by a function that the table
knows, wherever the graph shows it: through stages, inside larger sums and products. A row of the
phase ``fuse`` does so once nothing more can cancel. A row of the phase ``expand`` says how such a
function is computed, in primitives alone. So ``log(1 - A2)`` with the stage
``A2 = 1/(1 + exp(-A1))`` becomes ``-softplus(A1)``, and softplus is
``max(A1, 0) + log1p(exp(-abs(A1)))``.
"""

from __future__ import annotations

from symderive.numeric.stable_computed import COMPUTED
from symderive.numeric.stable_row import CANCEL, EXPAND, FUSE, RECOGNISE, Row, row
from symderive.numeric.stable_spelled import SPELLED

__all__ = ["ARITY", "EXPAND", "FUSE", "KNOWN", "RECOGNISE", "STABLE", "Row"]

# fmt: off
STABLE: tuple[Row, ...] = (
    *SPELLED,
    # Values known through a stage ---------------------------------------------------------
    row("sigmoid(u) + sigmoid(-u)", "1",
        "what is left cancels: P*y + Q*y - y of the two shares of a softmax", u=40.0),
    row("1 + expm1(x)", "exp(x)", CANCEL, x=-40.0),
    row("1 + 1/expm1(u)", "-1/expm1(-u)", CANCEL, u=-40.0),
    row("1 + 2/expm1(u)", "1/tanh(u/2)", CANCEL, u=-1.0),
    row("1 - exp(y)/(x + exp(y))", "x/(x + exp(y))", CANCEL, x=1e-12, y=0.0),
    row("1 - sigmoid(u)", "sigmoid(-u)", CANCEL, u=40.0),
    row("1 + tanh(u)", "2*sigmoid(2*u)", CANCEL, u=-20.0),
    row("1 - tanh(u)", "2*sigmoid(-2*u)", CANCEL, u=20.0),
    row("1 - tanh(u)**2", "4*sigmoid(2*u)*sigmoid(-2*u)", CANCEL, u=20.0),
    row("1 - 1/tanh(u)**2", "-1/sinh(u)**2", CANCEL, u=18.0),
    row("1/tanh(u) - 1", "2/expm1(2*u)", CANCEL, u=18.0),
    row("1/tanh(u) + 1", "-2/expm1(-2*u)", CANCEL, u=-18.0),
    row("1 - cos(x)", "2*sin(x/2)**2", CANCEL, x=1e-6),
    row("cosh(x) - 1", "2*sinh(x/2)**2", CANCEL, x=1e-6),
    row("1 - sin(x)**2", "cos(x)**2", CANCEL, x=1.5707),
    row("1 - cos(x)**2", "sin(x)**2", CANCEL, x=1e-6),
    row("cosh(x)**2 - 1", "sinh(x)**2", CANCEL, x=1e-6),
    row("1 - erf(x)", "erfc(x)", CANCEL, x=5.0),
    row("1 + erf(x)", "erfc(-x)", CANCEL, x=-5.0),
    row("2 - erfc(x)", "erfc(-x)", CANCEL, x=-5.0),
    row("1 - erfc(x)/2", "erfc(-x)/2", CANCEL, x=-5.0),
    row("1 - erfc(x)", "erf(x)", CANCEL, x=1e-12),
    row("log(exp(u))", "u", "the exponential under- or overflows", u=-800.0),
    row("log(r*exp(u))", "u + log(r)", "as log of exp", u=-800.0, r=2.0),
    row("log(softplus(u))", "logsoftplus(u)", "log of 0", u=-800.0),
    row("sigmoid(u)/softplus(u)", "where(u < -37, 1, sigmoid(u)/group(softplus(u)))", "0/0",
        u=-800.0),
    row("log(1/x)", "-log(x)", "1/x under- or overflows", x=3.0),
    row("log(sigmoid(u))", "-softplus(-u)", "log of 0", u=-800.0),
    row("log(r*sigmoid(u))", "log(r) - softplus(-u)", "log of 0", u=-800.0, r=2.0),
    row("softplus(u) - max(u, 0)", "log1p(exp(-abs(u)))", CANCEL, u=40.0),
    row("softplus(u) - u*sigmoid(u)", "sigmoid_entropy(u)", CANCEL, u=40.0),
    row("sigmoid(u) - softplus(u)/u", "-sigmoid_entropy(u)/u", CANCEL, u=40.0),
    row("softplus(z) - z", "softplus(-z)", CANCEL, z=40.0),
    row("logaddexp(a, b) - a", "softplus(b - a)", CANCEL, a=50.0, b=1.0),
    row("logaddexp(a, b) - b", "softplus(a - b)", CANCEL, a=1.0, b=50.0),
    row("sigmoid(a) - sigmoid(b)",
        "tanh((a - b)/2)*(sigmoid(a)*sigmoid(-b) + sigmoid(b)*sigmoid(-a))", CANCEL, a=41.0,
        b=40.0),
    row("tanh(a) - tanh(b)",
        "2*tanh(a - b)*(sigmoid(2*a)*sigmoid(-2*b) + sigmoid(2*b)*sigmoid(-2*a))", CANCEL, a=21.0,
        b=20.0),
    # Cross-entropy of a sigmoid, and its slope ----------------------------------------------
    row("y*softplus(-z) - y*softplus(z)", "-y*z", CANCEL, y=0.3, z=1e-12),
    row("y*softplus(-z) + (1 - y)*softplus(z)", "softplus_minus(z, y)",
        "one exponential and one logarithm do", y=0.3, z=2.0),
    row("softplus(z) - y*z", "softplus_minus(z, y)", CANCEL, z=40.0, y=1.0),
    row("sigmoid(z) - y", "sigmoid_minus(z, y)", CANCEL, z=40.0, y=1.0),
    row("sigmoid_minus(z, y) + y", "sigmoid(z)", CANCEL, z=-40.0, y=1.0),
    row("1 - y - sigmoid_minus(z, y)", "sigmoid(-z)", CANCEL, z=40.0, y=1.0),
    row("(1 - y)*sigmoid(z) - y*sigmoid(-z)", "sigmoid_minus(z, y)", "one exponential does", z=2.0,
        y=0.3),
    row("a*sigmoid(u) + (1 - a*sigmoid(u))*sigmoid(u)", "sigmoid(u) + a*sigmoid(u)*sigmoid(-u)",
        CANCEL, u=1e16, a=1e16),
    row("a + (1 - a*tanh(u))*tanh(u)", "tanh(u) + 4*a*sigmoid(2*u)*sigmoid(-2*u)", CANCEL, u=1e16,
        a=1e16),
    row("a*sigmoid(u) + (b - a*sigmoid(u))*sigmoid(u)", "b*sigmoid(u) + a*sigmoid(u)*sigmoid(-u)",
        CANCEL, u=1e16, a=1e16, b=1.0),
    row("a + (b - a*tanh(u))*tanh(u)", "b*tanh(u) + 4*a*sigmoid(2*u)*sigmoid(-2*u)", CANCEL, u=1e16,
        a=1e16, b=1.0),
    row("x*log(x)", "xlogy(x, x)", "0 · -inf at 0, where the limit is 0", x=0.0),
    row("y*log(p) + (1 - y)*log1p(-p)", "xlogy(y, p) + xlog1py(1 - y, -p)",
        "0 · -inf where a certain prediction is right", y=0.0, p=0.0),
    # Last, when nothing more can cancel ---------------------------------------------------------
    row("sigmoid(z)*sigmoid(-z)", "sigmoid_slope(z)", "one exponential", FUSE, z=40.0),
    row("exp(a) - exp(b)", "exp_difference(a, b)", CANCEL, FUSE, a=1e-12, b=3e-12),
    *COMPUTED,
)

# fmt: on
KNOWN = frozenset(
    [
        *("sigmoid", "softplus", "logaddexp", "logcosh", "xlogy", "xlog1py", "tanh", "sinh"),
        *("cosh", "expm1", "log1p", "hypot", "erf", "erfc", "log1mexp", "logerfc"),
        *("loghalferfc", "opposed", "sigmoid_minus"),
    ]
)
"""Functions that rows speak of: they stay themselves until the graph is expanded."""

ARITY = {
    **dict.fromkeys(["sigmoid", "softplus", "logcosh", "lambertw", "elliptic_e", "zeta"], 1),
    **dict.fromkeys(["logaddexp", "xlogy", "xlog1py", "hypot"], 2),
}
"""The number of arguments for which the functions are themselves; others have defaults."""
