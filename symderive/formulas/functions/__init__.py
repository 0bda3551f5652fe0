"""The table of named functions: what a formula may call.

To add a function, add a row to the module of its family; the tests and every output take it from
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sympy import Basic, Function, Symbol

from symderive.formulas.functions import (
    activations,
    bounded,
    elementary,
    kinks,
    losses,
    polynomials,
    special,
)
from symderive.formulas.functions.row import EVERYWHERE, Kink, NamedFunction
from symderive.formulas.functions.user import user_function, user_functions

__all__ = [
    "EVERYWHERE",
    "FUNCTIONS",
    "ROWS",
    "Kink",
    "NamedFunction",
    "bounded",
    "fixed_in",
    "function_of",
    "user_function",
    "user_functions",
]

ROWS: tuple[NamedFunction, ...] = (
    *elementary.ROWS,
    *special.ROWS,
    *polynomials.ROWS,
    *kinks.ROWS,
    *activations.ROWS,
    *losses.ROWS,
)
"""Every named function once, by family."""

FUNCTIONS: Mapping[str, NamedFunction] = MappingProxyType(
    {name: row for row in ROWS for name in (row.name, *row.aliases)}
)
"""Every named function by name and by alias."""

_BY_CLASS: Mapping[type[Basic], NamedFunction] = {
    row.known: row for row in reversed(ROWS) if row.known is not None
}


def function_of(formula: Basic) -> NamedFunction | None:
    """The row of an applied function; ``None`` for anything else.

    >>> function_of(FUNCTIONS["sigmoid"].apply(Symbol("z"))).title
    'logistic sigmoid'
    """
    cls = type(formula)
    return getattr(cls, "row", None) or _BY_CLASS.get(cls)


def fixed_in(formula: Basic) -> set[Symbol]:
    """The names by which a formula has no derivative that can be stated.

    >>> n, x = Symbol("n"), Symbol("x")
    >>> fixed_in(x**n * FUNCTIONS["besselj"].apply(n, x))
    {n}
    """
    names: set[Symbol] = set()
    for part in formula.atoms(Function):
        row = function_of(part)
        if row is not None and "" in row.partials:
            unknown = (a for a, text in zip(part.args, row.partials, strict=False) if not text)
            names |= {s for arg in unknown for s in arg.free_symbols if isinstance(s, Symbol)}
    return names
