"""Functions that ``math`` and NumPy lack, by mpmath; ``arrays`` holds them vectorised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath

from symderive.numeric.scaled import OWN


def _log(function: Callable[..., Any], n: Any, x: Any) -> Any:
    """The logarithm of what may be nearly 1."""
    with mpmath.extraprec(mpmath.mp.prec):
        return mpmath.log(function(n, x))


EXACT: dict[str, Callable[..., Any]] = {
    "digamma": mpmath.digamma,
    "trigamma": lambda x: mpmath.polygamma(1, x),
    "polygamma": mpmath.polygamma,
    "erfinv": mpmath.erfinv,
    "lambertw": mpmath.lambertw,
    "zeta": lambda s: mpmath.zeta(s),
    "hurwitz_zeta": lambda s, a: mpmath.zeta(s, a),
    "beta": mpmath.beta,
    "besselj": mpmath.besselj,
    "bessely": mpmath.bessely,
    "besseli": mpmath.besseli,
    "besselk": mpmath.besselk,
    "airyai": mpmath.airyai,
    "airybi": mpmath.airybi,
    "airyaiprime": lambda x: mpmath.airyai(x, derivative=1),
    "airybiprime": lambda x: mpmath.airybi(x, derivative=1),
    "lowergamma": lambda a, x: mpmath.gammainc(a, 0, x),
    "uppergamma": lambda a, x: mpmath.gammainc(a, x),
    "elliptic_k": mpmath.ellipk,
    "elliptic_e": mpmath.ellipe,
    "elliptic_pi": mpmath.ellippi,
    "expint": mpmath.expint,
    "struve": mpmath.struveh,
    "assoc_legendre": mpmath.legenp,
    "polylog": mpmath.polylog,
    "elliptic_f": mpmath.ellipf,
    "ellipeinc": mpmath.ellipe,
    "erfi": mpmath.erfi,
    "legendre": mpmath.legendre,
    "chebyshevt": mpmath.chebyt,
    "chebyshevu": mpmath.chebyu,
    "hermite": mpmath.hermite,
    "laguerre": lambda n, x: mpmath.laguerre(n, 0, x),
    "assoc_laguerre": mpmath.laguerre,
    "gegenbauer": mpmath.gegenbauer,
    "jacobi": mpmath.jacobi,
    "hyp0f1": mpmath.hyp0f1,
    "hyp1f1": mpmath.hyp1f1,
    "hyp2f1": mpmath.hyp2f1,
    "fresnels": mpmath.fresnels,
    "fresnelc": mpmath.fresnelc,
    "li": mpmath.li,
    "Ei": mpmath.ei,
    "Si": mpmath.si,
    "Ci": mpmath.ci,
    "Shi": mpmath.shi,
    "Chi": mpmath.chi,
    "besseli_ratio": lambda n, m, x: mpmath.besseli(n, x) / mpmath.besseli(m, x),
    "log_besseli": lambda n, x: _log(mpmath.besseli, n, x),
    "besseli_scaled": lambda n, x: mpmath.exp(-x) * mpmath.besseli(n, x),
    "besselk_ratio": lambda n, m, x: mpmath.besselk(n, x) / mpmath.besselk(m, x),
    "log_besselk": lambda n, x: _log(mpmath.besselk, n, x),
    "besselk_scaled": lambda n, x: mpmath.exp(x) * mpmath.besselk(n, x),
}
"""Functions that only mpmath has, by name."""

_ARGUMENTS: dict[int, str] = {
    2: "polygamma hurwitz_zeta beta besselj bessely besseli besselk lowergamma uppergamma expint "
    "polylog elliptic_f elliptic_pi struve ellipeinc legendre chebyshevt chebyshevu hermite "
    "laguerre hyp0f1 log_besseli log_besselk besseli_scaled besselk_scaled",
    3: "besseli_ratio besselk_ratio assoc_legendre assoc_laguerre gegenbauer hyp1f1",
    4: "jacobi hyp2f1",
}

ARGUMENTS: dict[str, int] = {
    **dict.fromkeys(EXACT, 1),
    **{name: count for count, names in _ARGUMENTS.items() for name in names.split()},
}
"""How many arguments each takes."""


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


_TABLE: dict[str, Callable[..., float]] = {name: _real(exact) for name, exact in EXACT.items()}


def __getattr__(name: str) -> Callable[..., float]:
    if name in OWN or name in _TABLE:
        return OWN[name] if name in OWN else _TABLE[name]
    raise AttributeError(f"there is no special function {name!r}")


class _Arrays:
    """The same functions on arrays, element by element, in the type of their arguments."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        import numpy as np

        by_math: dict[str, Callable[[float], float]] = {
            "erf": math.erf,
            "erfc": math.erfc,
            "gamma": math.gamma,
            "loggamma": math.lgamma,
        }
        own = {**_TABLE, **OWN}
        if name not in by_math and name not in own:
            raise AttributeError(f"there is no special function {name!r}")
        one = _guarded(by_math[name], math.inf) if name in by_math else own[name]
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
