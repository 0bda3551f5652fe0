"""Functions of the user's own, as rows: a definition, stated derivatives, or only a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy import Expr

from symderive.errors import ModelError
from symderive.formulas.functions.row import CONSTANTS, EVERYWHERE, NamedFunction, own
from symderive.formulas.parsing import parse

_SIGNATURE = re.compile(r"\s*([^\W\d_]\w*)\s*\(\s*([^\W\d_]\w*(?:\s*,\s*[^\W\d_]\w*)*)\s*\)\s*")
_KEYS = frozenset({"definition", "derivatives", "title", "domain"})


def user_functions(functions: Mapping[str, object], *, where: str = "") -> dict[str, NamedFunction]:
    """Read a model's ``[functions]``.

    A function with a definition alone is an abbreviation: formulas get what it stands for. With
    derivatives stated, it keeps its name, and the checks try the derivatives on its definition.
    With neither, it stays undefined: f(x) has the derivative f′(x).

    Args:
        functions: By signature, ``"bump(x)"``: a formula, or a table of ``definition``,
            ``derivatives`` (a formula, or one by parameter), ``title`` and ``domain``.
        where: The file, for messages.

    Raises:
        ModelError: A signature, a table or a parameter that cannot be read.
        FormulaError: A formula that cannot be read.

    >>> rows = user_functions({"bump(x)": "exp(-x**2)"})
    >>> rows["bump"].apply(sp.Symbol("w"))
    exp(-w**2)
    """
    rows: dict[str, NamedFunction] = {}
    for signature, stated in functions.items():
        match = _SIGNATURE.fullmatch(signature)
        if match is None:
            message = f"{signature!r} is not a signature; write it like 'bump(x)'"
            raise ModelError(message, where=where)
        parameters = tuple(name.strip() for name in match[2].split(","))
        place = f"{where}, function {match[1]}" if where else f"function {match[1]}"
        if len(set(parameters)) < len(parameters):
            raise ModelError("a parameter is named twice", where=place)
        table = _table(stated, place)
        row = user_function(
            match[1],
            parameters,
            table.get("definition") or "",
            _partials(table.get("derivatives", ()), parameters, place),
            table.get("title", match[1]),
            table.get("domain", EVERYWHERE),
            tuple(other.spec for other in rows.values()),
        )
        _check(row, place)
        rows[row.name] = row
    return rows


def _table(stated: object, where: str) -> Mapping[str, Any]:
    if isinstance(stated, str):
        return {"definition": stated}
    if not isinstance(stated, Mapping):
        raise ModelError("a formula is expected, or a table with a definition", where=where)
    if unknown := set(stated) - _KEYS:
        message = f"unknown key {min(unknown)!r}; choose from {', '.join(sorted(_KEYS))}"
        raise ModelError(message, where=where)
    return stated


def _partials(stated: object, parameters: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The stated derivatives, one for each parameter."""
    if isinstance(stated, str):
        stated = (stated,)
    if isinstance(stated, Mapping):
        if set(stated) != set(parameters):
            message = f"state a derivative by each of {', '.join(parameters)}"
            raise ModelError(message, where=where)
        stated = tuple(stated[name] for name in parameters)
    texts = tuple(stated) if isinstance(stated, Iterable) else ()
    if texts and len(texts) != len(parameters):
        message = f"{len(parameters)} derivatives are expected, one by each parameter"
        raise ModelError(message, where=where)
    return texts


def _check(row: NamedFunction, where: str) -> None:
    """Read every text now, so that a mistake is reported with its place."""
    for text in (row.definition, *row.partials):
        names = parse(text, row.scope or {}, where=where).names if text else ()
        if unknown := [name for name in names if name not in (*row.parameters, *CONSTANTS)]:
            message = f"{unknown[0]!r} is not a parameter of {row.name}; add it to the signature"
            raise ModelError(message, where=where)


@lru_cache(maxsize=256)
def user_function(
    name: str,
    parameters: tuple[str, ...],
    definition: str,
    partials: tuple[str, ...],
    title: str,
    domain: str,
    others: tuple[tuple[Any, ...], ...],
) -> NamedFunction:
    """The row of a user's function; the same row for the same texts, also out of a pickle.

    Args:
        name: As written in formulas.
        parameters: Their names.
        definition: Formula text, or ``""``.
        partials: The stated derivatives, one by each parameter, or none.
        title: As documents call it.
        domain: Condition in the parameters.
        others: What this function takes, for each function that its texts may use.
    """
    from symderive.formulas.functions import FUNCTIONS  # the table is built from these modules

    scope = dict(FUNCTIONS)
    scope.update((spec[0], user_function(*spec)) for spec in others)
    row = own(
        name,
        ", ".join(parameters),
        title,
        definition=definition or None,
        partials=partials,
        domain=domain,
        scope=scope,
        spec=(name, parameters, definition, partials, title, domain, others),
    )
    if not partials:
        expand = row.definition_formula if definition else sp.Function(name)
        row = replace(row, build=_counted(row, expand))
    scope[name] = row
    return row


def _counted(row: NamedFunction, apply: Callable[..., Expr]) -> Callable[..., Expr]:
    """The same, with the number of arguments checked."""

    def counted(*args: Expr) -> Expr:
        if len(args) != len(row.parameters):
            raise TypeError(f"{row.name} takes {len(row.parameters)} arguments")
        return apply(*args)

    return counted
