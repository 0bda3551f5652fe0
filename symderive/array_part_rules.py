"""A differentiation rule of an operation on a whole array, as a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from sympy import Basic, Expr

from symderive.formulas.arrays.index import Index, Part

Change = Callable[[Part, Sequence[Index], Expr], Expr]
"""A part, the indices of its operand's entry, and how that entry changes → how the part changes."""


@dataclass(frozen=True, slots=True)
class PartRule:
    """How an operation on a whole array is differentiated.

    Attributes:
        op: The operation.
        name: What a document calls the rule.
        left: What is differentiated, in array language; U is the operand.
        right: Its differential; dU is the operand's.
        change: The same in index notation.
        convention: What holds where it is not differentiable; empty where nothing is.
    """

    op: str
    name: str
    left: str
    right: str
    change: Change
    convention: str = ""


def apart(indices: Sequence[Index], *formulas: Basic) -> tuple[Index, ...]:
    """Indices of the same sizes that occur in none of the formulas; the same ones at each call."""
    taken = {index.name for formula in formulas for index in formula.atoms(Index)}
    free = (f"_s{number}" for number in count() if f"_s{number}" not in taken)
    return tuple(Index(next(free), index.size) for index in indices)
