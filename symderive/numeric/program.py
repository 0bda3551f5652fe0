"""Program: what a derivation computes, as ordered assignments; every backend prints and runs it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Operand = str | float

REDUCTIONS = ("none", "mean", "sum")
"""What becomes of the rows of a batch."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name = op(operands)``; an operand is a name or a number."""

    name: str
    op: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Assignments in order, each name assigned once.

    Attributes:
        inputs: Names that must be given.
        outputs: Names whose values are returned.
        assignments: The computation; the names of a model's stages are kept.
        temporaries: Names that no model gave; a printer may write them in place.
        headings: A line to print before the assignment of a name.
        remarks: What a name is, where the assignment shows a stable form of it.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    assignments: tuple[Assignment, ...]
    temporaries: frozenset[str] = frozenset()
    headings: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def uncollected() -> Iterator[None]:
    """No looking for garbage: what a program is made from is much, and lives to the end."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
