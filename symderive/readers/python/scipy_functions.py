"""What stands in for functions of SciPy and ``cmath`` while a function is traced."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from symderive.readers.python.complexes import applied, paired
from symderive.readers.python.distribution_rows import DISTRIBUTIONS
from symderive.readers.python.distributions import MASSES, METHODS, VECTORS, frozen, methods_of
from symderive.readers.python.fourier import FOURIER
from symderive.readers.python.functions import entrywise, numpy_function
from symderive.readers.python.joining import holds, traced
from symderive.readers.python.linear import CURVES, LINEAR, Curve, pairs, squareform
from symderive.readers.python.recording import Recording, is_users, refused
from symderive.readers.python.statistical import STATISTICS
from symderive.readers.python.tracer import binary, call


def _cholesky(rec: Recording, x: Any, lower: bool = False, **_: Any) -> Any:
    factor = call(rec, "cholesky", x)
    return factor if lower else factor.T


def _triangular(
    rec: Recording, a: Any, b: Any, trans: Any = 0, lower: bool = False, **_: Any
) -> Any:
    matrix = traced(rec, a)
    matrix = call(rec, "tril" if lower else "triu", matrix)
    return call(rec, "solve", matrix.T if trans in (1, "T") else matrix, b)


def _cho_factor(rec: Recording, a: Any, lower: bool = False, **_: Any) -> Any:
    return _cholesky(rec, a, lower=lower), lower


def _cho_solve(rec: Recording, factor: Any, b: Any, **_: Any) -> Any:
    matrix, lower = factor
    left = matrix @ matrix.T if lower else matrix.T @ matrix
    return call(rec, "solve", left, b)


def _from_places(rec: Recording, x: Any, places: Callable[[Any], Any]) -> Any:
    """A matrix of the entries of a vector at known places."""
    values = traced(rec, x)
    rows = places(np.arange(operator.index(values.shape[0]))).tolist()
    return call(rec, "stack", [[values[k] for k in row] for row in rows], axis=0)


def _toeplitz(rec: Recording, c: Any, r: Any = None) -> Any:
    """The matrix with the same entries along each diagonal."""
    if r is None:
        return _from_places(rec, c, lambda n: abs(np.subtract.outer(n, n)))
    first, row = traced(rec, c), traced(rec, r)
    joined = call(rec, "concatenate", [row[:0:-1], first])
    last, count = int(row.shape[0]) - 1, int(first.shape[0])
    return call(
        rec,
        "stack",
        [[joined[last + i - j] for j in range(last + 1)] for i in range(count)],
        axis=0,
    )


def _block_diagonal(rec: Recording, *blocks: Any) -> Any:
    parts = [traced(rec, block) for block in blocks]
    rows = []
    for k, part in enumerate(parts):
        zeros = [call(rec, "zeros", (part.shape[0], other.shape[1])) for other in parts]
        rows.append(call(rec, "concatenate", [*zeros[:k], part, *zeros[k + 1 :]], axis=1))
    return call(rec, "concatenate", rows, axis=0)


def _combinations(rec: Recording, n: Any, k: Any, *_: Any, **__: Any) -> Any:
    """The number of ways to choose; none of more than there are."""
    fewer = binary(rec, "GtE", binary(rec, "subtract", n, k), 0)
    return call(rec, "where", fewer, entrywise(rec, "binom", (n, k)), 0)


def _multigammaln(rec: Recording, a: Any, d: int) -> Any:
    terms = [entrywise(rec, "loggamma", (traced(rec, a) - k / 2,)) for k in range(d)]
    return d * (d - 1) / 4 * math.log(math.pi) + sum(terms[1:], terms[0])


MEASURES: Mapping[str, Callable[..., Any]] = {
    "euclidean": lambda rec, gap, axis: call(rec, "sqrt", call(rec, "sum", gap**2, axis=axis)),
    "sqeuclidean": lambda rec, gap, axis: call(rec, "sum", gap**2, axis=axis),
    "cityblock": lambda rec, gap, axis: call(rec, "sum", call(rec, "abs", gap), axis=axis),
    "chebyshev": lambda rec, gap, axis: call(rec, "max", call(rec, "abs", gap), axis=axis),
}
"""Distances of a difference of points, by SciPy's name."""


def _distances(rec: Recording, x: Any, y: Any, metric: str = "euclidean") -> Any:
    left, right = traced(rec, x), traced(rec, y)
    gaps = left[:, None, :] - right[None, :, :]
    if metric == "euclidean" and left._tree == right._tree:  # a root of 0 has no derivative
        eye: Any = call(rec, "eye", left.shape[0])
        return call(rec, "sqrt", call(rec, "sum", gaps**2, axis=-1) + eye) * (1 - eye)
    return _measure(metric)(rec, gaps, -1)


def _measure(metric: str) -> Callable[..., Any]:
    if metric not in MEASURES:
        raise refused(f"distances have no formula here with metric={metric!r}")
    return MEASURES[metric]


def _complex(name: str) -> Callable[..., Any]:
    return lambda rec, *args: applied(rec, name, args, {})


def _named(name: str) -> Callable[..., Any]:
    return lambda rec, *args, **more: numpy_function(rec, name, args, more)


SCIPY: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "cmath": {
        **{name: _complex(name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan")},
        **{name: _complex(name) for name in ("sinh", "cosh", "tanh", "phase")},
        "polar": lambda rec, z: (_complex("abs")(rec, z), _complex("phase")(rec, z)),
        "rect": lambda rec, r, phi: paired(
            rec, r * entrywise(rec, "cos", (phi,)), r * entrywise(rec, "sin", (phi,))
        ),
    },
    **LINEAR,
    "scipy.fft": {
        **{name.partition(".")[2]: _named(name) for name in FOURIER},
        **LINEAR["scipy.fft"],
    },
    "scipy.special": {
        **{name: _named(name) for name in ("logsumexp", "softmax", "log_softmax")},
        "factorial": lambda rec, n, *_, **__: entrywise(rec, "factorial", (n,)),
        "polygamma": lambda rec, n, x: call(rec, "polygamma", n, x),
        "comb": _combinations,
        "lambertw": lambda rec, x, *_, **__: call(rec, "lambertw", x),
        "zeta": lambda rec, x: call(rec, "zeta", x),
        "spherical_jn": lambda rec, n, x: call(rec, "spherical_jn", n, x),
        "spherical_yn": lambda rec, n, x: call(rec, "spherical_yn", n, x),
        "multigammaln": _multigammaln,
    },
    "scipy.integrate": {
        name: _named(name) for name in ("trapezoid", "simpson", "cumulative_trapezoid")
    },
    "scipy.spatial.distance": {
        "cdist": _distances,
        "pdist": lambda rec, x, metric="euclidean": pairs(rec, x, _measure(metric)),
        "squareform": squareform,
        **{
            name: lambda rec, u, v, measure=measure: measure(rec, traced(rec, u) - v, -1)
            for name, measure in MEASURES.items()
        },
        "cosine": lambda rec, u, v: binary(
            rec, "subtract", 1, call(rec, "cosine_similarity", u, v)
        ),
    },
    "scipy.linalg": {
        **{name: _named(f"linalg.{name}") for name in ("inv", "det", "norm", "expm", "eigvalsh")},
        **{name: _named(f"linalg.{name}") for name in ("logm", "sqrtm", "sinm", "cosm", "pinv")},
        "solve": lambda rec, a, b, *_, **__: call(rec, "solve", a, b),
        "cholesky": _cholesky,
        "solve_triangular": _triangular,
        "cho_factor": _cho_factor,
        "cho_solve": _cho_solve,
        "lu_factor": lambda rec, a, **_: (traced(rec, a), None),
        "lu_solve": lambda rec, factor, b, trans=0, **_: call(
            rec, "solve", factor[0].T if trans else factor[0], b
        ),
        "svdvals": _named("linalg.svdvals"),
        "lstsq": lambda rec, a, b, *_, **__: numpy_function(rec, "linalg.lstsq", (a, b), {}),
        "toeplitz": _toeplitz,
        "circulant": lambda rec, c: _from_places(
            rec, c, lambda n: np.subtract.outer(n, n) % n.size
        ),
        "block_diag": _block_diagonal,
    },
    **STATISTICS,
}


def distributions(
    replace: Callable[[Any, str, Any], None], put: Callable[[Any, str, Any], None], rec: Recording
) -> None:
    """Densities of SciPy's distributions, called as they are or with parameters put in.

    Args:
        replace: Puts what takes traced values in the place of a function.
        put: Puts something in the place of an attribute.
        rec: The recording of the call.
    """
    for module, names in CURVES.items():
        for name in names if module in sys.modules else ():
            plain = getattr(sys.modules[module], name)
            replace(sys.modules[module], name, partial(Curve, name, plain, rec))
    stats = sys.modules.get("scipy.stats")
    if stats is None:
        return
    for name in DISTRIBUTIONS:
        owner, methods = getattr(stats, name), methods_of(name)
        for method, made in methods.items():
            replace(owner, method, partial(made, rec))
        replace(owner, "freeze", frozen(rec, methods))
    for kind, names in ((stats.norm, METHODS), (stats.poisson, MASSES)):
        for method in names:
            _of_plain_parameters(type(kind(1.0)), method, put, rec)
    for name, of_vectors in VECTORS.items():
        _vector(getattr(stats, name), of_vectors, replace, put, rec)


def _of_plain_parameters(
    kind: Any, method: str, put: Callable[[Any, str, Any], None], rec: Recording
) -> None:
    """``norm(0, 10).logpdf(x)``: a distribution with plain parameters put in, of a traced value."""
    plain = getattr(kind, method)

    def called(own: Any, *args: Any, **more: Any) -> Any:
        if holds(args) and own.dist.name in DISTRIBUTIONS:
            return methods_of(own.dist.name)[method](rec, *args, *own.args, **own.kwds)
        return plain(own, *args, **more)

    put(kind, method, called)


def _vector(
    owner: Any,
    methods: Mapping[str, Any],
    replace: Callable[[Any, str, Any], None],
    put: Callable[[Any, str, Any], None],
    rec: Recording,
) -> None:
    """A distribution of vectors, which is called to put its parameters in."""
    for method, made in methods.items():
        replace(owner, method, partial(made, rec))
    plain, freeze = type(owner).__call__, frozen(rec, methods)

    def called(own: Any, *args: Any, **more: Any) -> Any:
        if holds((*args, *more.values())):
            return freeze(*args, **more)
        known = plain(own, *args, **more)
        if not is_users(sys._getframe(1).f_code.co_filename):
            return known
        found = freeze(*args, **more)
        found.plain = known
        return found

    put(type(owner), "__call__", called)
