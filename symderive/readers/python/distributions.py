"""Distributions of ``scipy.stats`` as formulas, a row each.

A density is written for values that the distribution can take: a logarithm, which is −∞ elsewhere,
has no derivative there. ``loc`` and ``scale`` are put in once for all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symderive.readers.python.functions import entrywise
from symderive.readers.python.joining import traced
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, call

Density = Callable[..., Any]


class Known:
    """The functions that rows are written in."""

    def __init__(self, rec: Recording) -> None:
        self.rec = rec

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: entrywise(self.rec, name, args)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        """A choice."""
        return call(self.rec, "where", condition, yes, no)


@dataclass(frozen=True)
class Distribution:
    """A row.

    Attributes:
        shapes: The names of its shape parameters, in SciPy's order.
        log: The logarithm of its density or mass, of the functions, z and the shape parameters.
        density: The density itself, where it is no plain exponential of ``log``.
        cdf: Its distribution function.
        sf: One minus that, where it is short.
        logcdf: The logarithm of the distribution function, where it has a form of its own.
        discrete: Whether it has a mass and no scale.
    """

    shapes: tuple[str, ...]
    log: Density
    density: Density | None = None
    cdf: Density | None = None
    sf: Density | None = None
    logcdf: Density | None = None
    logsf: Density | None = None
    discrete: bool = False


_HALF_LOG_2PI = math.log(2 * math.pi) / 2


def _chosen(f: Known, n: Any, k: Any) -> Any:
    """The logarithm of a binomial coefficient."""
    return f.loggamma(n + 1) - f.loggamma(k + 1) - f.loggamma(n - k + 1)


def _student(f: Known, z: Any, v: Any) -> Any:
    front = f.loggamma((v + 1) / 2) - f.loggamma(v / 2) - f.log(math.pi * v) / 2
    return front - (v + 1) / 2 * f.log1p(z**2 / v)


# fmt: off
DISTRIBUTIONS: Mapping[str, Distribution] = {
    "norm": Distribution((), lambda f, z: -(z**2) / 2 - _HALF_LOG_2PI,
                         density=lambda f, z: f.norm_pdf(z), cdf=lambda f, z: f.norm_cdf(z),
                         sf=lambda f, z: f.norm_cdf(-z), logcdf=lambda f, z: f.norm_logcdf(z),
                         logsf=lambda f, z: f.norm_logcdf(-z)),
    "halfnorm": Distribution((), lambda f, z: math.log(2 / math.pi) / 2 - z**2 / 2),
    "laplace": Distribution((), lambda f, z: -abs(z) - math.log(2),
                            cdf=lambda f, z: f.where(z < 0, f.exp(z) / 2, 1 - f.exp(-z) / 2)),
    "logistic": Distribution((), lambda f, z: -z - 2 * f.softplus(-z),
                             cdf=lambda f, z: f.sigmoid(z), sf=lambda f, z: f.sigmoid(-z),
                             logcdf=lambda f, z: -f.softplus(-z),
                             logsf=lambda f, z: -f.softplus(z)),
    "cauchy": Distribution((), lambda f, z: -f.log(math.pi * (1 + z**2)),
                           density=lambda f, z: 1 / (math.pi * (1 + z**2)),
                           cdf=lambda f, z: 0.5 + f.atan(z) / math.pi),
    "gumbel_r": Distribution((), lambda f, z: -z - f.exp(-z), cdf=lambda f, z: f.exp(-f.exp(-z)),
                             logcdf=lambda f, z: -f.exp(-z)),
    "gumbel_l": Distribution((), lambda f, z: z - f.exp(z), cdf=lambda f, z: 1 - f.exp(-f.exp(z)),
                             logsf=lambda f, z: -f.exp(z)),
    "rayleigh": Distribution((), lambda f, z: f.log(z) - z**2 / 2,
                             cdf=lambda f, z: 1 - f.exp(-z**2 / 2), logsf=lambda f, z: -z**2 / 2),
    "expon": Distribution((), lambda f, z: -z,
                          density=lambda f, z: f.where(z >= 0, f.exp(-z), 0),
                          cdf=lambda f, z: f.where(z >= 0, -f.expm1(-z), 0),
                          sf=lambda f, z: f.where(z >= 0, f.exp(-z), 1), logsf=lambda f, z: -z),
    "gamma": Distribution(("a",), lambda f, z, a: (a - 1) * f.log(z) - z - f.loggamma(a)),
    "invgamma": Distribution(("a",), lambda f, z, a: -(a + 1) * f.log(z) - 1 / z - f.loggamma(a)),
    "chi2": Distribution(("df",), lambda f, z, v: (v / 2 - 1) * f.log(z) - z / 2
                         - f.loggamma(v / 2) - v / 2 * math.log(2)),
    "beta": Distribution(("a", "b"), lambda f, z, a, b: (a - 1) * f.log(z) + (b - 1) * f.log1p(-z)
                         - (f.loggamma(a) + f.loggamma(b) - f.loggamma(a + b))),
    "t": Distribution(("df",), _student),
    "lognorm": Distribution(("s",), lambda f, z, s: -f.log(z)**2 / (2 * s**2) - f.log(s * z)
                            - _HALF_LOG_2PI, cdf=lambda f, z, s: f.norm_cdf(f.log(z) / s)),
    "weibull_min": Distribution(("c",), lambda f, z, c: f.log(c) + (c - 1) * f.log(z) - z**c,
                                cdf=lambda f, z, c: -f.expm1(-z**c),
                                sf=lambda f, z, c: f.exp(-z**c),
                                logsf=lambda f, z, c: -z**c),
    "pareto": Distribution(("b",), lambda f, z, b: f.log(b) - (b + 1) * f.log(z),
                           cdf=lambda f, z, b: 1 - z**(-b), sf=lambda f, z, b: z**(-b)),
    "poisson": Distribution(("mu",), lambda f, k, mu: k * f.log(mu) - mu - f.loggamma(k + 1),
                            discrete=True),
    "bernoulli": Distribution(("p",), lambda f, k, p: k * f.log(p) + (1 - k) * f.log1p(-p),
                              discrete=True),
    "binom": Distribution(("n", "p"), lambda f, k, n, p: _chosen(f, n, k) + k * f.log(p)
                          + (n - k) * f.log1p(-p), discrete=True),
    "geom": Distribution(("p",), lambda f, k, p: f.log(p) + (k - 1) * f.log1p(-p), discrete=True),
    "nbinom": Distribution(("n", "p"), lambda f, k, n, p: f.loggamma(k + n) - f.loggamma(k + 1)
                           - f.loggamma(n) + n * f.log(p) + k * f.log1p(-p), discrete=True),
}
# fmt: on
"""Distributions by SciPy's name."""

METHODS = ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf")
MASSES = ("logpmf", "pmf")


def evaluated(name: str, method: str) -> Callable[..., Any]:
    """A method of a distribution, for traced values."""
    row = DISTRIBUTIONS[name]

    def made(rec: Recording, x: Any, *args: Any, **more: Any) -> Any:
        known = (*row.shapes, "loc") if row.discrete else (*row.shapes, "loc", "scale")
        given = {"loc": 0, "scale": 1, **dict(zip(known, args, strict=False)), **more}
        missing = [shape for shape in row.shapes if shape not in given]
        if missing or given.keys() - {*known, "scale"} or len(args) > len(known):
            raise refused(f"{name}.{method} takes x, {', '.join(known)}")
        shapes = [traced(rec, given[shape]) for shape in row.shapes]
        z = traced(rec, x)
        z = z - given["loc"] if type(given["loc"]) is Tracer or given["loc"] != 0 else z
        scaled = type(given["scale"]) is Tracer or given["scale"] != 1
        z = z / given["scale"] if scaled else z
        f = Known(rec)
        scale = traced(rec, given["scale"]) if scaled else None
        return _of(row, f, name, method, z, shapes, scale)

    return made


def _of(
    row: Distribution, f: Known, name: str, method: str, z: Any, shapes: list[Any], scale: Any
) -> Any:
    if method in ("logpdf", "logpmf"):
        log = row.log(f, z, *shapes)
        return log if scale is None else log - f.log(scale)
    if method in ("pdf", "pmf"):
        plain = row.density(f, z, *shapes) if row.density else f.exp(row.log(f, z, *shapes))
        return plain if scale is None else plain / scale
    own = getattr(row, method)
    if own is not None:
        return own(f, z, *shapes)
    if method == "sf" and row.cdf is not None:
        return 1 - row.cdf(f, z, *shapes)
    if method in ("logcdf", "logsf"):
        return f.log(_of(row, f, name, method[3:], z, shapes, scale))
    raise refused(f"{name}.{method} has no formula")


class Frozen:
    """A distribution with its parameters put in, ``norm(mu, sigma)``."""

    def __init__(self, rec: Recording, methods: Mapping[str, Any], args: Any, more: Any) -> None:
        self._rec, self._methods, self._args, self._more = rec, methods, args, more

    def __getattr__(self, name: str) -> Any:
        if name in self._methods:
            return lambda x: self._methods[name](self._rec, x, *self._args, **self._more)
        raise refused(f"{name} of a distribution has no formula")


def _normal_rows(rec: Recording, x: Any, mean: Any = None, cov: Any = 1, **_: Any) -> Any:
    """The logarithm of the density of a normal vector; of each row of a matrix."""
    points = traced(rec, x)
    gaps = points if mean is None else points - mean
    size = gaps.shape[-1]
    matrix = traced(rec, 1 if cov is None else cov)
    if matrix.ndim == 0:
        matrix = matrix * call(rec, "eye", size)
    elif matrix.ndim == 1:
        matrix = call(rec, "diag", matrix)
    turned = call(rec, "solve", matrix, gaps.T)
    squares = gaps @ turned if gaps.ndim == 1 else call(rec, "sum", gaps * turned.T, axis=1)
    half_log = math.log(2 * math.pi) / 2
    return -squares / 2 - call(rec, "logdet", matrix) / 2 - traced(rec, size) * half_log


def _normal_density(rec: Recording, *args: Any, **more: Any) -> Any:
    return call(rec, "exp", _normal_rows(rec, *args, **more))


NORMAL_ROWS: Mapping[str, Any] = {"logpdf": _normal_rows, "pdf": _normal_density}
"""``scipy.stats.multivariate_normal``."""


def methods_of(name: str) -> dict[str, Any]:
    """What each method of a distribution is for traced values."""
    kinds = MASSES if DISTRIBUTIONS[name].discrete else METHODS
    return {method: evaluated(name, method) for method in kinds}


def frozen(rec: Recording, methods: Mapping[str, Any]) -> Callable[..., Any]:
    """What stands for ``norm(mu, sigma)``."""
    return lambda *args, **more: Frozen(rec, methods, args, more)
