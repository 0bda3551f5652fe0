"""COMPUTED: how the functions that rows speak of are computed, in primitives alone, a row each."""

from dataclasses import replace

from symderive.numeric.stable_row import CANCEL, EXPAND, OVERFLOW, Row, row

# fmt: off
_ROWS = (
    row("sigmoid(z)", "group(step(z) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "exp(-abs(z)) never overflows, and both tails keep their digits", z=-800.0),
    row("sigmoid_minus(z, y)",
        "group(group(step(z) - y) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "step - y is exact where sigmoid and y are both nearly 1", z=40.0, y=1.0),
    row("sigmoid_slope(z)", "exp(-abs(z))/(1 + exp(-abs(z)))**2", "one exponential", z=40.0),
    row("softplus(z)", "group(max(z, 0) + log1p(exp(-abs(z))))", OVERFLOW, z=800.0),
    row("softplus_minus(z, y)", "group(z*group(step(z) - y) + log1p(exp(-abs(z))))",
        "both terms are positive for y in [0, 1]", z=40.0, y=1.0),
    row("sigmoid_entropy(u)", "group(log1p(exp(-abs(u))) + abs(u)*exp(-abs(u))/(1 + exp(-abs(u))))",
        CANCEL, u=40.0),
    row("logsoftplus(u)", "where(u < -37, u, log(softplus(u)))", "log of 0", u=-800.0),
    row("logaddexp(a, b)", "group(max(a, b) + log1p(exp(-abs(a - b))))", OVERFLOW, a=800.0, b=1.0),
    row(
        "logcosh(x)",
        "where(abs(x) < 1, log1p(2*sinh(min(abs(x), 1)/2)**2),"
        " abs(x) + log1p(exp(-2*abs(x))) - log(2))",
        OVERFLOW,
        x=800.0,
    ),
    row("log1mexp(z)", "where(2*z < 1, log(-expm1(-z)), log1p(-exp(-z)))", CANCEL, z=40.0),
    row("logexpm1(z)", "where(z < 1, log(expm1(min(z, 1))), z + log1p(-exp(-z)))", OVERFLOW,
        z=800.0),
    row("logerfc(u)", "where(u < 1, log1p(-erf(u)), log(erfcx(u)) - u**2)", "log of 0", u=40.0),
    row("loghalferfc(u)", "where(u < 0, log1p(-erfc(-u)/2), log(erfcx(u)/2) - u**2)",
        "log of 0, and of what is nearly 1", u=40.0),
    row("loggamma_where_positive(x)", "where(x > 0, loggamma(x), log(gamma(x)))", "overflow",
        x=400.0),
    row("powm1(t, p)", "where(abs(t) < 1, expm1(t), p - 1)", CANCEL, t=1e-12, p=1.0),
    row("exp_difference(a, b)", "exp(max(a, b))*signed(-expm1(-abs(a - b)), a - b)", CANCEL,
        a=1e-12, b=3e-12),
    row("opposed(r, b, d)", "where(b > 0, d/(r + b), r - b)", "d is r**2 - b**2", r=1e8, b=1e8,
        d=1.0),
    row("removable(t, near, polynomial, formula)", "where(abs(t) < near, polynomial, formula)",
        "the terms of the formula cancel there", t=1e-9, near=0.1, polynomial=2.0, formula=1.0),
    row("xlogy(x, y)", "where(x == 0, 0, x*log(y))", "0 · -inf", x=0.0, y=0.0),
    row("xlog1py(x, y)", "where(x == 0, 0, x*log1p(y))", "0 · -inf", x=0.0, y=-1.0),
)

# fmt: on
COMPUTED: tuple[Row, ...] = tuple(replace(computed, phase=EXPAND) for computed in _ROWS)
