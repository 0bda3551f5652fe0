"""Distributions of ``scipy.stats`` as formulas, a row each.

Where a density is 0, its logarithm is −∞ and has no derivative. A row says where that is: ``low``
and ``high`` bound the values that the distribution takes. The logarithm gets ``log_indicator``
terms, which are 0 inside and −∞ outside, and which put the condition into the ledger; one that has
no value outside (``guarded``) is a choice between itself and such a term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Density = Callable[..., Any]
"""A formula of the functions, z and the shape parameters."""


@dataclass(frozen=True)
class Distribution:
    """A row.

    Attributes:
        shapes: The names of its shape parameters, in SciPy's order.
        log: The logarithm of its density or mass inside its support.
        density: The density itself, where it is no plain exponential of ``log``.
        cdf: Its distribution function inside the support.
        sf: One minus that, where it is short.
        logcdf: The logarithm of the distribution function, where it has a form of its own.
        logsf: The same of ``sf``.
        ppf: The inverse of the distribution function.
        low: The least value of z; a number, the name of a shape parameter, or None.
        high: The greatest.
        guarded: Whether ``log`` has no value outside, as a logarithm of z has none.
        discrete: Whether it has a mass and no scale; its values are taken to be whole numbers.
    """

    shapes: tuple[str, ...]
    log: Density
    density: Density | None = None
    cdf: Density | None = None
    sf: Density | None = None
    logcdf: Density | None = None
    logsf: Density | None = None
    ppf: Density | None = None
    low: float | str | None = None
    high: float | str | None = None
    guarded: bool = False
    discrete: bool = False


HALF_LOG_2PI = math.log(2 * math.pi) / 2


def _betaln(f: Any, a: Any, b: Any) -> Any:
    return f.loggamma(a) + f.loggamma(b) - f.loggamma(a + b)


def _chosen(f: Any, n: Any, k: Any) -> Any:
    """The logarithm of a binomial coefficient."""
    return f.loggamma(n + 1) - f.loggamma(k + 1) - f.loggamma(n - k + 1)


def _student(f: Any, z: Any, v: Any) -> Any:
    front = f.loggamma((v + 1) / 2) - f.loggamma(v / 2) - f.log(math.pi * v) / 2
    return front - (v + 1) / 2 * f.log1p(z**2 / v)


def _student_share(f: Any, z: Any, v: Any) -> Any:
    tail = f.betainc(v / 2, 0.5, v / (v + z**2)) / 2
    return f.where(z >= 0, 1 - tail, tail)


def _beta(f: Any, z: Any, a: Any, b: Any) -> Any:
    inside = (a - 1) * f.log(z) + (b - 1) * f.log1p(-z)
    return inside - _betaln(f, a, b)


def _ratio(f: Any, z: Any, m: Any, n: Any) -> Any:
    """Of the F distribution."""
    front = m / 2 * f.log(m) + n / 2 * f.log(n) - _betaln(f, m / 2, n / 2)
    return front + (m / 2 - 1) * f.log(z) - (m + n) / 2 * f.log(n + m * z)


def _burr(f: Any, z: Any, c: Any, d: Any) -> Any:
    return f.log(c * d) + (c - 1) * f.log(z) - (d + 1) * f.log1p(z**c)


def _truncated(f: Any, z: Any, a: Any, b: Any) -> Any:
    return -(z**2) / 2 - HALF_LOG_2PI - f.log(f.norm_cdf(b) - f.norm_cdf(a))


def _inverse_gaussian(f: Any, z: Any, mu: Any) -> Any:
    return -((z - mu) ** 2) / (2 * z * mu**2) - f.log(z) * 1.5 - HALF_LOG_2PI


# fmt: off
DISTRIBUTIONS: Mapping[str, Distribution] = {
    "norm": Distribution((), lambda f, z: -(z**2) / 2 - HALF_LOG_2PI,
                         density=lambda f, z: f.norm_pdf(z), cdf=lambda f, z: f.norm_cdf(z),
                         sf=lambda f, z: f.norm_cdf(-z), logcdf=lambda f, z: f.norm_logcdf(z),
                         logsf=lambda f, z: f.norm_logcdf(-z), ppf=lambda f, q: f.norm_ppf(q)),
    "halfnorm": Distribution((), lambda f, z: math.log(2 / math.pi) / 2 - z**2 / 2, low=0,
                             cdf=lambda f, z: f.erf(z / math.sqrt(2))),
    "truncnorm": Distribution(("a", "b"), _truncated, low="a", high="b"),
    "skewnorm": Distribution(("a",), lambda f, z, a: math.log(2) - z**2 / 2 - HALF_LOG_2PI
                             + f.norm_logcdf(a * z)),
    "laplace": Distribution((), lambda f, z: -abs(z) - math.log(2),
                            cdf=lambda f, z: f.where(z < 0, f.exp(z) / 2, 1 - f.exp(-z) / 2)),
    "logistic": Distribution((), lambda f, z: -z - 2 * f.softplus(-z),
                             cdf=lambda f, z: f.sigmoid(z), sf=lambda f, z: f.sigmoid(-z),
                             logcdf=lambda f, z: -f.softplus(-z),
                             logsf=lambda f, z: -f.softplus(z), ppf=lambda f, q: f.logit(q)),
    "cauchy": Distribution((), lambda f, z: -f.log(math.pi * (1 + z**2)),
                           density=lambda f, z: 1 / (math.pi * (1 + z**2)),
                           cdf=lambda f, z: 0.5 + f.atan(z) / math.pi),
    "halfcauchy": Distribution((), lambda f, z: math.log(2 / math.pi) - f.log1p(z**2), low=0,
                               cdf=lambda f, z: 2 / math.pi * f.atan(z)),
    "gumbel_r": Distribution((), lambda f, z: -z - f.exp(-z), cdf=lambda f, z: f.exp(-f.exp(-z)),
                             logcdf=lambda f, z: -f.exp(-z),
                             ppf=lambda f, q: -f.log(-f.log(q))),
    "gumbel_l": Distribution((), lambda f, z: z - f.exp(z), cdf=lambda f, z: 1 - f.exp(-f.exp(z)),
                             logsf=lambda f, z: -f.exp(z)),
    "rayleigh": Distribution((), lambda f, z: f.log(z) - z**2 / 2, low=0, guarded=True,
                             cdf=lambda f, z: -f.expm1(-z**2 / 2), logsf=lambda f, z: -z**2 / 2),
    "expon": Distribution((), lambda f, z: -z, low=0, cdf=lambda f, z: -f.expm1(-z),
                          sf=lambda f, z: f.exp(-z), logsf=lambda f, z: -z,
                          ppf=lambda f, q: -f.log1p(-q)),
    "uniform": Distribution((), lambda f, z: 0 * z, low=0, high=1, cdf=lambda f, z: z,
                            ppf=lambda f, q: q),
    "gamma": Distribution(("a",), lambda f, z, a: (a - 1) * f.log(z) - z - f.loggamma(a),
                          low=0, guarded=True, cdf=lambda f, z, a: f.gammainc(a, z),
                          sf=lambda f, z, a: f.gammaincc(a, z)),
    "invgamma": Distribution(("a",), lambda f, z, a: -(a + 1) * f.log(z) - 1 / z - f.loggamma(a),
                             low=0, guarded=True),
    "invgauss": Distribution(("mu",), _inverse_gaussian, low=0, guarded=True),
    "chi2": Distribution(("df",), lambda f, z, v: (v / 2 - 1) * f.log(z) - z / 2
                         - f.loggamma(v / 2) - v / 2 * math.log(2), low=0, guarded=True,
                         cdf=lambda f, z, v: f.gammainc(v / 2, z / 2),
                         sf=lambda f, z, v: f.gammaincc(v / 2, z / 2)),
    "beta": Distribution(("a", "b"), _beta, low=0, high=1, guarded=True,
                         cdf=lambda f, z, a, b: f.betainc(a, b, z)),
    "t": Distribution(("df",), _student, cdf=_student_share),
    "vonmises": Distribution(("kappa",), lambda f, z, k: k * f.cos(z)
                             - f.log(2 * math.pi * f.besseli(0, k))),
    "lognorm": Distribution(("s",), lambda f, z, s: -f.log(z)**2 / (2 * s**2) - f.log(s * z)
                            - HALF_LOG_2PI, low=0, guarded=True,
                            cdf=lambda f, z, s: f.norm_cdf(f.log(z) / s)),
    "weibull_min": Distribution(("c",), lambda f, z, c: f.log(c) + (c - 1) * f.log(z) - z**c,
                                low=0, guarded=True, cdf=lambda f, z, c: -f.expm1(-z**c),
                                sf=lambda f, z, c: f.exp(-z**c), logsf=lambda f, z, c: -z**c),
    "pareto": Distribution(("b",), lambda f, z, b: f.log(b) - (b + 1) * f.log(z), low=1,
                           guarded=True,
                           cdf=lambda f, z, b: 1 - z**(-b), sf=lambda f, z, b: z**(-b),
                           logsf=lambda f, z, b: -b * f.log(z)),
    "f": Distribution(("dfn", "dfd"), _ratio, low=0, guarded=True),
    "fisk": Distribution(("c",), lambda f, z, c: _burr(f, z, c, 1), low=0, guarded=True,
                         cdf=lambda f, z, c: 1 / (1 + z**(-c)),
                         sf=lambda f, z, c: 1 / (1 + z**c)),
    "burr12": Distribution(("c", "d"), _burr, low=0, guarded=True,
                           sf=lambda f, z, c, d: (1 + z**c)**(-d)),
    "genpareto": Distribution(("c",), lambda f, z, c: -(1 + 1 / c) * f.log1p(c * z),
                              low=0, guarded=True,
                              sf=lambda f, z, c: (1 + c * z)**(-1 / c)),
    "genextreme": Distribution(("c",), lambda f, z, c: (1 / c - 1) * f.log1p(-c * z)
                               - (1 - c * z)**(1 / c),
                               cdf=lambda f, z, c: f.exp(-(1 - c * z)**(1 / c))),
    "gennorm": Distribution(("beta",), lambda f, z, b: f.log(b / 2) - f.loggamma(1 / b)
                            - abs(z)**b),
    "exponnorm": Distribution(("K",), lambda f, z, k: 1 / (2 * k**2) - z / k - f.log(k)
                              + f.norm_logcdf(z - 1 / k)),
    "maxwell": Distribution((), lambda f, z: math.log(2 / math.pi) / 2 + 2 * f.log(z) - z**2 / 2,
                            low=0, guarded=True),
    "levy": Distribution((), lambda f, z: -HALF_LOG_2PI - f.log(z) * 1.5 - 1 / (2 * z), low=0,
                         guarded=True, cdf=lambda f, z: f.erfc(1 / f.sqrt(2 * z))),
    "triang": Distribution(("c",), lambda f, z, c: f.log(2 * f.where(z < c, z / c,
                                                                     (1 - z) / (1 - c))),
                           low=0, high=1, guarded=True,
                           cdf=lambda f, z, c: f.where(z < c, z**2 / c,
                                                       1 - (1 - z)**2 / (1 - c))),
    "hypsecant": Distribution((), lambda f, z: -f.log(math.pi * f.cosh(z)),
                              cdf=lambda f, z: 2 / math.pi * f.atan(f.exp(z))),
    "powerlaw": Distribution(("a",), lambda f, z, a: f.log(a) + (a - 1) * f.log(z), low=0, high=1,
                             guarded=True, cdf=lambda f, z, a: z**a),
    "rice": Distribution(("b",), lambda f, z, b: f.log(z) - (z**2 + b**2) / 2
                         + f.log(f.besseli(0, b * z)), low=0, guarded=True),
    "betabinom": Distribution(("n", "a", "b"), lambda f, k, n, a, b: _chosen(f, n, k)
                              + _betaln(f, k + a, n - k + b) - _betaln(f, a, b), low=0, high="n",
                              guarded=True, discrete=True),
    "poisson": Distribution(("mu",), lambda f, k, mu: k * f.log(mu) - mu - f.loggamma(k + 1),
                            low=0, guarded=True, discrete=True),
    "bernoulli": Distribution(("p",), lambda f, k, p: k * f.log(p) + (1 - k) * f.log1p(-p),
                              low=0, high=1, discrete=True),
    "binom": Distribution(("n", "p"), lambda f, k, n, p: _chosen(f, n, k) + k * f.log(p)
                          + (n - k) * f.log1p(-p), low=0, high="n", guarded=True,
                          discrete=True),
    "geom": Distribution(("p",), lambda f, k, p: f.log(p) + (k - 1) * f.log1p(-p), low=1,
                         discrete=True),
    "nbinom": Distribution(("n", "p"), lambda f, k, n, p: f.loggamma(k + n) - f.loggamma(k + 1)
                           - f.loggamma(n) + n * f.log(p) + k * f.log1p(-p), low=0,
                           guarded=True, discrete=True),
}
# fmt: on
"""Distributions by SciPy's name."""
