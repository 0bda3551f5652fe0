"""Row: one stable form, and the phases in which rows are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RECOGNISE, FUSE, EXPAND = "recognise", "fuse", "expand"


@dataclass(frozen=True, slots=True)
class Row:
    """One stable form.

    Attributes:
        pattern: The fragile form; names stand for anything.
        replacement: The same value, computed without loss.
        note: What goes wrong with the pattern.
        phase: ``recognise``, ``fuse`` or ``expand``.
        example: Values of the names where the pattern loses digits or overflows.
    """

    pattern: str
    replacement: str
    note: str
    phase: str
    example: Mapping[str, float]


def row(pattern: str, replacement: str, note: str, phase: str = RECOGNISE, **example: float) -> Row:
    """A row of the table, on one line."""
    return Row(pattern, replacement, note, phase, example)


SPELLED_OUT = "spelled out: the functions of the table are computed without loss"
OVERFLOW = "the exponential overflows where the value is finite"
CANCEL = "nearly equal numbers are subtracted"
