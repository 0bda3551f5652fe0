"""Functions that ``math`` and NumPy lack: by mpmath, correct first; ``arrays`` holds them vectorised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath

_BY_MPMATH = (
    "digamma polygamma erfinv lambertw zeta beta besselj bessely besseli besselk airyai airybi"
).split()
_OTHER_NAMES = {"Ei": mpmath.ei, "Si": mpmath.si, "Ci": mpmath.ci}


def sign(x: float) -> float:
    """-1, 0 or 1.

    >>> sign(-3.0)
    -1.0
    """
    return math.copysign(1.0, x) if x else 0.0


def mod(x: float, y: float) -> float:
    """The remainder with the sign of the divisor.

    >>> mod(-1.0, 3.0)
    2.0
    """
    return x % y


def _real(function: Callable[..., Any]) -> Callable[..., float]:
    """An mpmath function on floats; nan where the value is not a real number."""

    def call(*args: float) -> float:
        try:
            with mpmath.workprec(80):
                exact = [int(arg) if float(arg).is_integer() else mpmath.mpf(arg) for arg in args]
                value = function(*exact)
                if isinstance(value, mpmath.mpc):
                    return float(value.real) if value.imag == 0 else math.nan
                return float(value)
        except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
            return math.nan

    return call


def _guarded(function: Callable[[float], float], edge: float) -> Callable[[float], float]:
    def call(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return edge
        except ValueError:
            return math.nan

    return call


_TABLE: dict[str, Callable[..., float]] = {name: _real(getattr(mpmath, name)) for name in _BY_MPMATH}
_TABLE |= {name: _real(function) for name, function in _OTHER_NAMES.items()}
globals().update(_TABLE)


class _Arrays:
    """The same functions on arrays, element by element, in the type of their arguments."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        import numpy as np

        by_math = {"erf": math.erf, "erfc": math.erfc, "gamma": math.gamma, "loggamma": math.lgamma}
        one = _guarded(by_math[name], math.inf) if name in by_math else _TABLE[name]
        over = np.frompyfunc(one, 1, 1) if name in by_math else one
        if name not in by_math:
            over = np.vectorize(one, otypes=[np.float64])

        def call(*args: Any) -> Any:
            kind = np.result_type(*args)
            kind = kind if np.issubdtype(kind, np.floating) else np.dtype(np.float64)
            return np.asarray(over(*args)).astype(kind)[()]

        setattr(self, name, call)
        return call


arrays = _Arrays()
