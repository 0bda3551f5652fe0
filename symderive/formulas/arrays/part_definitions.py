"""What parts of whole arrays are in sums and functions of entries, where that is a short formula.

‖u‖ is √Σ u², softmax(u)ᵢ is exp uᵢ/Σ exp u, …: written so, a formula is one that SymPy
differentiates by itself, which is how lines are proved without the rules for parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sympy import Basic, Expr, Mul, Pow, S, exp, log, sqrt

from symderive.formulas.arrays.index import Part, fresh, part, sigma

Meaning = Callable[[Part], Expr]


def _total(p: Part, of: Callable[[Expr], Expr] = lambda entry: entry) -> Expr:
    """Σ of a function of the entries of the operand."""
    own = tuple(fresh(index.size) for index in p.arrays[0].indices)
    return sigma(of(p.arrays[0].at(own)), own)


def _count(p: Part) -> Expr:
    return Mul(*(index.size for index in p.arrays[0].indices))


def _mean(p: Part, of: Callable[[Expr], Expr] = lambda entry: entry) -> Expr:
    return _total(p, of) / _count(p)


def _own(p: Part) -> Expr:
    return p.arrays[0].at(p.indices)


def _variance(p: Part) -> Expr:
    mean = _mean(p)
    return _mean(p, lambda entry: (entry - mean) ** 2)


def _deviation(p: Part) -> Expr:
    return sqrt(_variance(p) + p.arrays[1].formula)


def _rms(p: Part) -> Expr:
    return sqrt(_mean(p, lambda entry: entry**2) + p.arrays[1].formula)


MEANINGS: Mapping[str, Meaning] = {
    "norm": lambda p: sqrt(_total(p, lambda entry: entry**2)),
    "logsumexp": lambda p: log(_total(p, exp)),
    "softmax": lambda p: exp(_own(p)) / _total(p, exp),
    "std": lambda p: sqrt(_variance(p)),
    "deviation": _deviation,
    "layer_norm": lambda p: (_own(p) - _mean(p)) * Pow(_deviation(p), S.NegativeOne),
    "prod_others": lambda p: part("prod", p.arrays) / _own(p),
    "rms": _rms,
    "rms_norm": lambda p: _own(p) * Pow(_rms(p), S.NegativeOne),
}
"""The part as a formula of its operand's entries, by operation."""


def meant(formula: Basic) -> Any:
    """The formula with such parts written out.

    >>> from sympy import Symbol, Tuple
    >>> from symderive.formulas.arrays.index import ArrayOf, Index, entry_of, part
    >>> k = Index("k", Symbol("n"))
    >>> str(meant(part("norm", [ArrayOf(entry_of("x", [k]), Tuple(k))]))).startswith("sqrt(Sum")
    True
    """
    if not formula.has(Part):
        return formula
    args = [meant(arg) for arg in formula.args]
    made = formula.func(*args)
    return _meaning(made) if isinstance(made, Part) and made.op in MEANINGS else made


@lru_cache(maxsize=1024)  # with the same indices every time, so that lines share what they hold
def _meaning(made: Part) -> Expr:
    return MEANINGS[made.op](made)
