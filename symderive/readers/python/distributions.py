"""Distributions of ``scipy.stats``: location and scale put in, the support stated, for all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symderive.readers.python.arithmetic import decide
from symderive.readers.python.distribution_rows import DISTRIBUTIONS, Distribution
from symderive.readers.python.functions import entrywise
from symderive.readers.python.joining import holds, traced
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, binary, call


class Known:
    """The functions that rows are written in."""

    def __init__(self, rec: Recording) -> None:
        self.rec = rec

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: entrywise(self.rec, name, args)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        """A choice."""
        return call(self.rec, "where", condition, yes, no)


METHODS = ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf")
MASSES = ("logpmf", "pmf")


class _At:
    """A row at a value, with its parameters put in.

    Args:
        rec: The recording of the call.
        name: The distribution.
        z: The value, shifted and scaled; for ``ppf`` the probability.
        shapes: The shape parameters by name.
        scale: The scale; None where it is 1.
    """

    def __init__(
        self, rec: Recording, name: str, z: Any, shapes: Mapping[str, Any], scale: Any
    ) -> None:
        self.rec, self.f, self.name, self.z, self.scale = rec, Known(rec), name, z, scale
        self.row: Distribution = DISTRIBUTIONS[name]
        self.shapes = [shapes[shape] for shape in self.row.shapes]
        bounds = (shapes.get(str(b), b) for b in (self.row.low, self.row.high))
        self.low, self.high = bounds

    def _inner(self, density: Callable[..., Any]) -> Any:
        return density(self.f, self.z, *self.shapes)

    def _above(self) -> Any:
        return self.z if type(self.low) is not Tracer and self.low == 0 else self.z - self.low

    def leave_out_bounds(self, data: Any) -> None:
        """A bound that known data keep needs no choice."""
        if data is not None and isinstance(self.low, int | float) and np.all(data >= self.low):
            self.low = None
        if data is not None and isinstance(self.high, int | float) and np.all(data <= self.high):
            self.high = None

    def of(self, method: str) -> Any:
        """The value of a method."""
        if method in ("logpdf", "logpmf"):
            return self._log()
        if method in ("pdf", "pmf"):
            return self._density()
        if method in ("cdf", "sf"):
            return self._share(method)
        own = getattr(self.row, method)
        if own is not None and method == "logsf" and self.low is not None:
            return self.f.where(self.z >= self.low, self._inner(own), 0)
        if own is not None:
            return self._inner(own)
        if method in ("logcdf", "logsf"):
            return self.f.log(self.of(method[3:]))
        raise refused(
            f"scipy.stats.{self.name}.{method} has no formula here; write its formula in NumPy"
        )

    def _log(self) -> Any:
        log, gaps = self._inner(self.row.log), self._gaps()
        outside = sum((call(self.rec, "log_indicator", gap) for gap in gaps), start=0)
        if gaps and self.row.guarded:  # the formula has no value there
            log = self.f.where(self._within(gaps), log, outside)
        elif gaps:
            log = log + outside
        return log if self.scale is None else log - self.f.log(self.scale)

    def _gaps(self) -> list[Any]:
        """What must not be negative, as far as it is not known to be so."""
        gaps = [] if self.low is None else [self._above()]
        gaps += [] if self.high is None else [self.high - self.z]
        known = [binary(self.rec, "GtE", gap, 0) for gap in gaps]
        return [g for g, test in zip(gaps, known, strict=True) if decide(test._tree) is not True]

    def _within(self, gaps: Sequence[Any]) -> Any:
        """Where no gap is negative."""
        tests = [binary(self.rec, "GtE", gap, 0) for gap in gaps]
        return tests[0] if len(tests) == 1 else call(self.rec, "logical_and", *tests)

    def _density(self) -> Any:
        row, f = self.row, self.f
        plain = self._inner(row.density) if row.density else f.exp(self._inner(row.log))
        plain = plain if self.scale is None else plain / self.scale
        gaps = self._gaps()
        return f.where(self._within(gaps), plain, 0) if gaps else plain

    def _share(self, method: str) -> Any:
        row, below, above = self.row, *((0, 1) if method == "cdf" else (1, 0))
        own = row.cdf if method == "cdf" else row.sf
        if own is None:
            if row.cdf is None:
                raise refused(
                    f"scipy.stats.{self.name}.{method} has no formula here; "
                    "write its formula in NumPy"
                )
            return 1 - self._share("cdf")
        share = self._inner(own)
        if self.high is not None:
            share = self.f.where(self.z <= self.high, share, above)
        return share if self.low is None else self.f.where(self.z >= self.low, share, below)


def evaluated(name: str, method: str) -> Callable[..., Any]:
    """A method of a distribution, for traced values."""
    row = DISTRIBUTIONS[name]

    def made(rec: Recording, x: Any, *args: Any, **more: Any) -> Any:
        known = (*row.shapes, "loc") if row.discrete else (*row.shapes, "loc", "scale")
        given = {"loc": 0, "scale": 1, **dict(zip(known, args, strict=False)), **more}
        missing = [shape for shape in row.shapes if shape not in given]
        if missing or given.keys() - {*known, "scale"} or len(args) > len(known):
            raise refused(f"{name}.{method} takes x, {', '.join(known)}")
        shapes = {shape: traced(rec, given[shape]) for shape in row.shapes}
        loc, scale = given["loc"], given["scale"]
        shifted, scaled = (
            holds((given,)) or bool(np.any(np.asarray(given) != neutral))
            for given, neutral in ((loc, 0), (scale, 1))
        )
        z = traced(rec, x)
        data = None if shifted or (scaled and (row.low or row.high)) else rec.known(z._tree)
        if method == "ppf":
            z = _At(rec, name, z, shapes, None).of("ppf")
            z = z * scale if scaled else z
            return z + loc if shifted else z
        z = z - loc if shifted else z
        z = z / scale if scaled else z
        here = _At(rec, name, z, shapes, traced(rec, scale) if scaled else None)
        here.leave_out_bounds(data)
        return here.of(method)

    return made


class Frozen:
    """A distribution with its parameters put in, ``norm(mu, sigma)``.

    Attributes:
        plain: SciPy's own, for plain values, where the parameters are plain.
    """

    def __init__(self, rec: Recording, methods: Mapping[str, Any], args: Any, more: Any) -> None:
        self._rec, self._methods, self._args, self._more = rec, methods, args, more
        self.plain: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in self._methods:
            return lambda x: self._at(name, x)
        if self.plain is not None:
            return getattr(self.plain, name)
        raise refused(f"{name} of a distribution has no formula here; write its formula in NumPy")

    def _at(self, name: str, x: Any) -> Any:
        if self.plain is not None and not holds((x,)):
            return getattr(self.plain, name)(x)
        return self._methods[name](self._rec, x, *self._args, **self._more)


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


def _dirichlet(rec: Recording, x: Any, alpha: Any) -> Any:
    """The logarithm of the density of Dirichlet's distribution."""
    f, shares, a = Known(rec), traced(rec, x), traced(rec, alpha)
    front = f.loggamma(call(rec, "sum", a)) - call(rec, "sum", f.loggamma(a))
    return front + call(rec, "sum", (a - 1) * f.log(shares))


def _multinomial(rec: Recording, x: Any, n: Any, p: Any) -> Any:
    """The logarithm of the mass of the multinomial distribution."""
    f, counts, shares = Known(rec), traced(rec, x), traced(rec, p)
    front = f.loggamma(traced(rec, n) + 1) - call(rec, "sum", f.loggamma(counts + 1))
    return front + call(rec, "sum", counts * f.log(shares))


def _wishart(rec: Recording, x: Any, df: Any, scale: Any) -> Any:
    """The logarithm of Wishart's density of one matrix (SciPy's ``wishart``)."""
    matrix, spread, degrees = (traced(rec, value) for value in (x, scale, df))
    if matrix.ndim != 2 or spread.ndim != 2:
        raise refused("the density of Wishart's distribution has a formula for one matrix")
    size = matrix.shape[0]
    if not isinstance(size, int):
        raise refused("Wishart's density has a formula for a size that is stated as a number")
    f, inverted = Known(rec), call(rec, "solve", spread, matrix)
    logs = [call(rec, "logdet", part) for part in (matrix, spread)]
    gammas = sum(f.loggamma((degrees - k) / 2) for k in range(size))
    front = (degrees - size - 1) / 2 * logs[0] - degrees / 2 * logs[1]
    inside = front - call(rec, "trace", inverted) / 2
    fixed = degrees * size / 2 * math.log(2) + size * (size - 1) / 4 * math.log(math.pi)
    return inside - fixed - gammas


def _exponential_of(log: Callable[..., Any]) -> Callable[..., Any]:
    return lambda rec, *args, **more: call(rec, "exp", log(rec, *args, **more))


VECTORS: Mapping[str, Mapping[str, Any]] = {
    "multivariate_normal": {"logpdf": _normal_rows, "pdf": _normal_density},
    "dirichlet": {"logpdf": _dirichlet, "pdf": _exponential_of(_dirichlet)},
    "wishart": {"logpdf": _wishart, "pdf": _exponential_of(_wishart)},
    "multinomial": {"logpmf": _multinomial, "pmf": _exponential_of(_multinomial)},
}
"""Distributions of vectors."""


def methods_of(name: str) -> dict[str, Any]:
    """What each method of a distribution is for traced values."""
    kinds = MASSES if DISTRIBUTIONS[name].discrete else METHODS
    return {method: evaluated(name, method) for method in kinds}


def frozen(rec: Recording, methods: Mapping[str, Any]) -> Callable[..., Any]:
    """What stands for ``norm(mu, sigma)``."""
    return lambda *args, **more: Frozen(rec, methods, args, more)
