"""Statistics of samples and probabilities: of ``scipy.stats`` and Python's ``statistics``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from symderive.readers.python.functions import entrywise, numpy_function
from symderive.readers.python.joining import traced
from symderive.readers.python.recording import Recording
from symderive.readers.python.tracer import Tracer, binary, call

Make = Callable[..., Any]


class Correlation(NamedTuple):
    """What ``pearsonr`` gives; how likely it is by chance has no formula here."""

    statistic: Any
    pvalue: Any = None


def _total(rec: Recording, x: Any, axis: Any, name: str = "sum") -> Tracer:
    return call(rec, name, x, axis=axis, keepdims=axis is not None)


def _entropy(rec: Recording, pk: Any, qk: Any = None, base: Any = None, axis: Any = 0) -> Tracer:
    """Of shares that are made to add up to 1; with others, the divergence from them."""
    p = traced(rec, pk)
    p = p / _total(rec, p, axis)
    terms = entrywise(rec, "entr", (p,))
    if qk is not None:
        q = traced(rec, qk)
        terms = entrywise(rec, "rel_entr", (p, q / _total(rec, q, axis)))
    found = call(rec, "sum", terms, axis=axis)
    return found if base is None else found / call(rec, "log", base)


def _gaps(rec: Recording, x: Any, axis: Any) -> Tracer:
    array = traced(rec, x)
    return array - _total(rec, array, axis, "mean")


def _zscore(rec: Recording, x: Any, axis: Any = 0, ddof: int = 0) -> Tracer:
    spread = call(rec, "std", traced(rec, x), axis=axis, ddof=ddof, keepdims=axis is not None)
    return binary(rec, "divide", _gaps(rec, x, axis), spread)


def _standard_moment(order: int, less: int) -> Make:
    """The mean power of what is centred, in standard deviations; ``less`` that of the normal."""

    def made(rec: Recording, x: Any, axis: Any = 0, fisher: bool = True) -> Tracer:
        gaps = _gaps(rec, x, axis)
        squares = call(rec, "mean", gaps**2, axis=axis)
        found = call(rec, "mean", gaps**order, axis=axis) / squares ** (order / 2)
        return found - less if less and fisher else found

    return made


def _geometric(rec: Recording, x: Any, axis: Any = 0) -> Tracer:
    return call(rec, "exp", call(rec, "mean", call(rec, "log", x), axis=axis))


def _harmonic(rec: Recording, x: Any, axis: Any = 0) -> Tracer:
    mean = call(rec, "mean", binary(rec, "divide", 1, traced(rec, x)), axis=axis)
    return binary(rec, "divide", 1, mean)


def _pearson(rec: Recording, x: Any, y: Any) -> Correlation:
    a, b = _gaps(rec, x, None), _gaps(rec, y, None)
    return Correlation(a @ b / call(rec, "sqrt", (a @ a) * (b @ b)))


def _named(name: str, **options: Any) -> Make:
    return lambda rec, x: numpy_function(rec, name, (x,), options)


STATISTICS: Mapping[str, Mapping[str, Make]] = {
    "scipy.stats": {
        "entropy": _entropy,
        "zscore": _zscore,
        "skew": _standard_moment(3, 0),
        "kurtosis": _standard_moment(4, 3),
        "gmean": _geometric,
        "hmean": _harmonic,
        "pearsonr": _pearson,
    },
    "statistics": {
        **{"mean": _named("mean"), "fmean": _named("mean"), "median": _named("median")},
        **{"pvariance": _named("var"), "pstdev": _named("std")},
        **{"variance": _named("var", ddof=1), "stdev": _named("std", ddof=1)},
    },
}
"""Functions by module, a row each, with their own arguments."""
