"""The second derivatives that a document tells: each pair of names once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from sympy import ImmutableMatrix

from symderive.checking import Report, checks_of
from symderive.results import Derivative

if TYPE_CHECKING:
    from symderive.derivation import Derivation

MAX_PAIRS = 15
"""Second derivatives that are told; of more, the first."""


def pairs_of(derivation: Derivation) -> list[tuple[str, str]]:
    """The pairs of names that second derivatives are told by.

    >>> from symderive import Model, derive
    >>> pairs_of(derive(Model({"y": "a*x**2"}, hessian=True)))
    [('a', 'a'), ('a', 'x'), ('x', 'x')]
    """
    before = derivation.model.ancestors(derivation.target) - {derivation.target}
    names = [name for name in derivation.hessian_names if name in before]
    return list(combinations_with_replacement(names, 2))


def told(derivation: Derivation) -> Iterator[tuple[str, str, Derivative]]:
    """The pairs that are told, with their second derivatives; each is derived once."""
    for first, second in pairs_of(derivation)[:MAX_PAIRS]:
        known = derivation.second_known
        if (first, second) not in known:
            known[first, second] = derivation.derivative(derivation.target, (first, second))
        yield first, second, known[first, second]


def definiteness_of(derivation: Derivation, names: Sequence[str]) -> str:
    """What the form of all second derivatives by some names proves of them, in scalar models.

    >>> from symderive import Model, derive
    >>> definiteness_of(derive(Model({"f": "x**2 + y**4 + x*y"}, hessian=True)), ["x", "y"])
    ''
    """
    from symderive.curvature import definiteness

    known = {(first, second): found.formula for first, second, found in told(derivation)}
    rows = [[known.get((a, b), known.get((b, a))) for b in names] for a in names]
    return definiteness(ImmutableMatrix(rows), derivation.model, derivation.target)


def with_second(report: Report, derivation: Derivation) -> Report:
    """The report with every line of the second derivatives that are told."""
    target = derivation.target
    more = [
        check
        for first, second, found in told(derivation)
        for check in checks_of(f"∂²{target}/∂{first}∂{second}", found.lines)
    ]
    return replace(report, lines=(*report.lines, *more)) if more else report
