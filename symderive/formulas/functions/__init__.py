"""The table of named functions: what a formula may call.

To add a function, add a row to the module of its family; the tests and every output take it from
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sympy import Basic

from symderive.formulas.functions import activations, elementary, kinks, losses, special
from symderive.formulas.functions.row import EVERYWHERE, Kink, NamedFunction
from symderive.formulas.functions.user import user_function, user_functions

__all__ = [
    "EVERYWHERE",
    "FUNCTIONS",
    "ROWS",
    "Kink",
    "NamedFunction",
    "function_of",
    "user_function",
    "user_functions",
]

ROWS: tuple[NamedFunction, ...] = (
    *elementary.ROWS,
    *special.ROWS,
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

    >>> from sympy import Symbol
    >>> function_of(FUNCTIONS["sigmoid"].apply(Symbol("z"))).title
    'logistic sigmoid'
    """
    cls = type(formula)
    return getattr(cls, "row", None) or _BY_CLASS.get(cls)
