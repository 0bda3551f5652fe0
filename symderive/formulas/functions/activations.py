"""Activation functions of neural networks."""

from __future__ import annotations

from symderive.formulas.functions.row import Kink, NamedFunction, own

ANY = (-40.0, 40.0)
NEAR = (-8.0, 8.0)
SLOPE = (0.05, 2.0)
UNIT = (1e-9, 1 - 1e-9)

_E = "exp(-abs(z))"
_RISING = f"where(z >= 0, 1, {_E})/(1 + {_E})"
"""The sigmoid without overflow, and with every digit on the left."""
_GELU = "sqrt(2/pi)*(z + 0.044715*z**3)"


def _taken(value: str) -> str:
    return f"the derivative is taken as {value}"


ALL = "as TensorFlow, PyTorch and JAX do."
LEFT = f"{_taken('that of the left side')}, as TensorFlow and PyTorch do; JAX takes the right side."
OUTSIDE = f"{_taken('that of the outer side')}, {ALL}"
WITHIN = "TensorFlow and JAX take 1."
SHRUNK = f"{_taken('0')}, as TensorFlow and PyTorch do."

# fmt: off
SMOOTH: tuple[NamedFunction, ...] = (
    own("sigmoid", "z", "logistic sigmoid", definition="1/(1 + exp(-z))",
        partials="sigmoid(z)*(1 - sigmoid(z))", stable=_RISING, samples=ANY, symbol="σ",
        aliases=("expit", "logistic")),
    own("logsigmoid", "z", "logarithm of the sigmoid", definition="log(sigmoid(z))",
        partials="1 - sigmoid(z)", stable=f"min(z, 0) - log1p({_E})", samples=ANY,
        aliases=("log_sigmoid", "log_expit")),
    own("softplus", "z, beta=1", "softplus", definition="log(1 + exp(beta*z))/beta",
        partials=("sigmoid(beta*z)", "(z*sigmoid(beta*z) - softplus(z, beta))/beta"),
        stable="max(z, 0) + log1p(exp(-abs(beta*z)))/beta",
        domain="beta > 0", samples=(ANY, SLOPE)),
    own("logit", "p", "log-odds", definition="log(p/(1 - p))", partials="1/(p*(1 - p))",
        stable="where(p < 0.25, log(p) - log1p(-p), log1p((2*p - 1)/(1 - p)))",
        domain="0 < p < 1", samples=UNIT),
    own("silu", "z", "sigmoid linear unit", definition="z*sigmoid(z)",
        partials="sigmoid(z)*(1 + z*(1 - sigmoid(z)))", stable=f"z*{_RISING}",
        samples=ANY, symbol="SiLU"),
    own("swish", "z, beta=1", "swish", definition="z*sigmoid(beta*z)",
        partials=("sigmoid(beta*z)*(1 + beta*z*(1 - sigmoid(beta*z)))",
                  "z**2*sigmoid(beta*z)*(1 - sigmoid(beta*z))"),
        stable="z*where(beta*z >= 0, 1, exp(-abs(beta*z)))/(1 + exp(-abs(beta*z)))",
        samples=(ANY, SLOPE)),
    own("gelu", "z", "Gaussian error linear unit", definition="z*(1 + erf(z/sqrt(2)))/2",
        partials="norm_cdf(z) + z*norm_pdf(z)", stable="z*erfc(-z/sqrt(2))/2", samples=NEAR,
        symbol="GELU",
        source="Hendrycks and Gimpel, arXiv:1606.08415"),
    own("gelu_tanh", "z", "Gaussian error linear unit, by tanh",
        definition=f"z*(1 + tanh({_GELU}))/2",
        partials=f"(1 + tanh({_GELU}))/2"
                 f" + z*(1 - tanh({_GELU})**2)*sqrt(2/pi)*(1 + 0.134145*z**2)/2",
        stable=f"z*where(z >= 0, 1, exp(-2*abs({_GELU})))/(1 + exp(-2*abs({_GELU})))",
        samples=NEAR, source="Hendrycks and Gimpel, arXiv:1606.08415"),
    own("quick_gelu", "z", "Gaussian error linear unit, by sigmoid",
        definition="z*sigmoid(1.702*z)",
        partials="sigmoid(1.702*z)*(1 + 1.702*z*(1 - sigmoid(1.702*z)))",
        stable="z*where(z >= 0, 1, exp(-abs(1.702*z)))/(1 + exp(-abs(1.702*z)))", samples=NEAR,
        source="Hendrycks and Gimpel, arXiv:1606.08415"),
    own("mish", "z", "mish", definition="z*tanh(softplus(z))",
        partials="tanh(softplus(z)) + z*sigmoid(z)*(1 - tanh(softplus(z))**2)",
        stable=f"z*where(z >= 0, 1 + 2*{_E}, {_E}*({_E} + 2))"
               f"/where(z >= 0, 1 + 2*{_E}*(1 + {_E}), 2 + {_E}*({_E} + 2))",
        samples=ANY, source="Misra, arXiv:1908.08681"),
    own("softsign", "z", "softsign", definition="z/(1 + abs(z))",
        partials="1/(1 + abs(z))**2", samples=ANY),
    own("tanhshrink", "z", "tanh shrinkage", definition="z - tanh(z)", partials="tanh(z)**2",
        samples=ANY),
    own("snake", "z, a=1", "snake", definition="z + sin(a*z)**2/a",
        partials=("1 + sin(2*a*z)", "z*sin(2*a*z)/a - sin(a*z)**2/a**2"), domain="a != 0",
        samples=(NEAR, (0.5, 4.0)), source="Liu, Hartwig and Ueda, arXiv:2006.08195"),
    own("gaussian", "z", "Gaussian", definition="exp(-z**2)", partials="-2*z*exp(-z**2)",
        samples=NEAR),
    own("lisht", "z", "linearly scaled tanh", definition="z*tanh(z)",
        partials="tanh(z) + z*(1 - tanh(z)**2)", samples=NEAR),
    own("squareplus", "z, b=4", "squareplus", definition="(z + sqrt(z**2 + b))/2",
        partials=("(1 + z/sqrt(z**2 + b))/2", "1/(4*sqrt(z**2 + b))"),
        stable="where(z >= 0, (z + sqrt(z**2 + b))/2, b/(2*(sqrt(z**2 + b) - min(z, 0))))",
        domain="b > 0", samples=(ANY, SLOPE), source="Barron, arXiv:2112.11687"),
    own("isru", "z, alpha=1", "inverse square root unit", definition="z/sqrt(1 + alpha*z**2)",
        partials=("(1 + alpha*z**2)**(-3/2)", "-z**3*(1 + alpha*z**2)**(-3/2)/2"),
        domain="alpha > 0", samples=(ANY, SLOPE), source="Carlile et al., arXiv:1710.09967"),
    own("glu", "a, b", "gated linear unit", definition="a*sigmoid(b)",
        partials=("sigmoid(b)", "a*sigmoid(b)*(1 - sigmoid(b))"),
        stable="a*where(b >= 0, 1, exp(-abs(b)))/(1 + exp(-abs(b)))", samples=(NEAR, ANY),
        source="Dauphin et al., arXiv:1612.08083"),
    own("swiglu", "a, b", "swish gated linear unit", definition="a*b*sigmoid(b)",
        partials=("b*sigmoid(b)", "a*sigmoid(b)*(1 + b*(1 - sigmoid(b)))"),
        stable="a*b*where(b >= 0, 1, exp(-abs(b)))/(1 + exp(-abs(b)))", samples=(NEAR, ANY),
        source="Shazeer, arXiv:2002.05202; b is the gate"),
    own("geglu", "a, b", "Gaussian error gated linear unit", definition="a*gelu(b)",
        partials=("gelu(b)", "a*(norm_cdf(b) + b*norm_pdf(b))"),
        stable="a*b*erfc(-b/sqrt(2))/2", samples=(NEAR, NEAR),
        source="Shazeer, arXiv:2002.05202; b is the gate"),
)

PIECEWISE: tuple[NamedFunction, ...] = (
    own("relu", "z", "rectified linear unit", definition="max(z, 0)",
        partials="where(z > 0, 1, 0)", samples=ANY, symbol="ReLU",
        kinks=Kink("z == 0", f"{_taken('0')}, {ALL}")),
    own("relu6", "z", "rectified linear unit up to 6", definition="min(max(z, 0), 6)",
        partials="where(z > 0, where(z < 6, 1, 0), 0)", samples=ANY, symbol="ReLU6",
        kinks=(Kink("z == 0", f"{_taken('0')}, {ALL}"), Kink("z == 6", f"{_taken('0')}, {ALL}"))),
    own("leaky_relu", "z, alpha=0.01", "leaky rectified linear unit",
        definition="where(z > 0, z, alpha*z)",
        partials=("where(z > 0, 1, alpha)", "where(z > 0, 0, z)"), samples=(ANY, SLOPE),
        kinks=Kink("z == 0", LEFT)),
    own("prelu", "z, alpha", "parametric rectified linear unit",
        definition="where(z > 0, z, alpha*z)",
        partials=("where(z > 0, 1, alpha)", "where(z > 0, 0, z)"), samples=(ANY, SLOPE),
        symbol="PReLU",
        kinks=Kink("z == 0", f"{_taken('alpha')}, as PyTorch does; TensorFlow takes 0.")),
    own("elu", "z, alpha=1", "exponential linear unit",
        definition="where(z > 0, z, alpha*(exp(z) - 1))",
        partials=("where(z > 0, 1, alpha*exp(z))", "where(z > 0, 0, exp(z) - 1)"),
        stable="where(z > 0, z, alpha*expm1(min(z, 0)))",
        samples=(ANY, SLOPE), symbol="ELU", kinks=Kink("z == 0", f"{_taken('alpha')}, {ALL}")),
    own("selu", "z", "scaled exponential linear unit",
        definition="1.0507009873554805*where(z > 0, z, 1.6732632423543772*(exp(z) - 1))",
        partials="1.0507009873554805*where(z > 0, 1, 1.6732632423543772*exp(z))",
        stable="1.0507009873554805*where(z > 0, z, 1.6732632423543772*expm1(min(z, 0)))",
        samples=ANY, symbol="SELU", source="Klambauer et al., arXiv:1706.02515",
        kinks=Kink("z == 0", f"{_taken('that of the left side')}, as PyTorch and JAX do; "
                             "TensorFlow takes the right side.")),
    own("celu", "z, alpha=1", "continuous exponential linear unit",
        definition="where(z > 0, z, alpha*(exp(z/alpha) - 1))",
        partials=("where(z > 0, 1, exp(z/alpha))",
                  "where(z > 0, 0, exp(z/alpha) - 1 - z*exp(z/alpha)/alpha)"),
        stable="where(z > 0, z, alpha*expm1(min(z, 0)/alpha))",
        domain="alpha > 0", samples=(ANY, (0.5, 2.0)), symbol="CELU",
        source="Barron, arXiv:1704.07483"),
    own("softshrink", "z, lam=0.5", "soft shrinkage",
        definition="where(z > lam, z - lam, where(z < -lam, z + lam, 0))",
        partials=("where(abs(z) > lam, 1, 0)", "where(z > lam, -1, where(z < -lam, 1, 0))"),
        domain="lam >= 0", samples=(NEAR, SLOPE),
        kinks=Kink("abs(z) == lam", SHRUNK)),
    own("hardshrink", "z, lam=0.5", "hard shrinkage",
        definition="where(abs(z) > lam, z, 0)", partials=("where(abs(z) > lam, 1, 0)", "0"),
        domain="lam > 0", samples=(NEAR, SLOPE),
        kinks=Kink("abs(z) == lam", f"the value jumps; {SHRUNK}")),
    own("hardtanh", "z, lo=-1, hi=1", "hard hyperbolic tangent",
        definition="min(max(z, lo), hi)",
        partials=("where(z > lo, where(z < hi, 1, 0), 0)", "where(z <= lo, 1, 0)",
                  "where(z >= hi, 1, 0)"),
        domain="lo < hi", samples=(NEAR, (-3.0, -0.5), (0.5, 3.0)),
        kinks=(Kink("z == lo", f"{_taken('0')}, as PyTorch does; {WITHIN}"),
               Kink("z == hi", f"{_taken('0')}, as PyTorch does; {WITHIN}"))),
    own("hardsigmoid", "z", "hard sigmoid", definition="min(max(z + 3, 0), 6)/6",
        partials="where(abs(z) < 3, 1/6, 0)", samples=NEAR,
        kinks=Kink("abs(z) == 3", f"{_taken('0')}, {ALL}"),
        source="Howard et al., arXiv:1905.02244"),
    own("hardswish", "z", "hard swish", definition="z*min(max(z + 3, 0), 6)/6",
        partials="where(z <= -3, 0, where(z >= 3, 1, (2*z + 3)/6))", samples=NEAR,
        kinks=Kink("abs(z) == 3", OUTSIDE), source="Howard et al., arXiv:1905.02244"),
    own("threshold", "z, theta, value", "threshold", definition="where(z > theta, z, value)",
        partials=("where(z > theta, 1, 0)", "0", "where(z > theta, 0, 1)"),
        samples=(NEAR, (-2.0, 2.0), NEAR),
        kinks=Kink("z == theta",
                   f"the value jumps unless it is theta; {SHRUNK}")),
    own("reglu", "a, b", "rectified gated linear unit", definition="a*relu(b)",
        partials=("relu(b)", "a*where(b > 0, 1, 0)"), samples=(NEAR, NEAR),
        kinks=Kink("b == 0", f"{_taken('0')}, {ALL}"),
        source="Shazeer, arXiv:2002.05202; b is the gate"),
)
# fmt: on

ROWS = (*SMOOTH, *PIECEWISE)
