"""What stands in for functions of SciPy while a function is traced."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from symderive.readers.python.distribution_rows import DISTRIBUTIONS
from symderive.readers.python.distributions import VECTORS, frozen, methods_of
from symderive.readers.python.functions import entrywise, numpy_function
from symderive.readers.python.joining import holds, traced
from symderive.readers.python.recording import Recording
from symderive.readers.python.tracer import call


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


def _named(name: str) -> Callable[..., Any]:
    return lambda rec, *args, **more: numpy_function(rec, name, args, more)


SCIPY: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "scipy.special": {
        **{name: _named(name) for name in ("logsumexp", "softmax", "log_softmax")},
        "factorial": lambda rec, n, *_, **__: entrywise(rec, "factorial", (n,)),
        "polygamma": lambda rec, n, x: call(rec, "polygamma", n, x),
    },
    "scipy.linalg": {
        **{name: _named(f"linalg.{name}") for name in ("inv", "det", "norm", "expm", "eigvalsh")},
        **{name: _named(f"linalg.{name}") for name in ("logm", "sqrtm", "sinm", "cosm", "pinv")},
        "solve": lambda rec, a, b, *_, **__: call(rec, "solve", a, b),
        "cholesky": _cholesky,
        "solve_triangular": _triangular,
        "cho_factor": _cho_factor,
        "cho_solve": _cho_solve,
    },
    "scipy.stats": {},
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
    stats = sys.modules.get("scipy.stats")
    if stats is None:
        return
    for name in DISTRIBUTIONS:
        owner, methods = getattr(stats, name), methods_of(name)
        for method, made in methods.items():
            replace(owner, method, partial(made, rec))
        replace(owner, "freeze", frozen(rec, methods))
    for name, of_vectors in VECTORS.items():
        _vector(getattr(stats, name), of_vectors, replace, put, rec)


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
        traced_too = holds((*args, *more.values()))
        return freeze(*args, **more) if traced_too else plain(own, *args, **more)

    put(type(owner), "__call__", called)
