"""Row: one stable form, and the phases in which rows are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RECOGNISE, FUSE, EXPAND = "recognise", "fuse", "expand"


@dataclass(frozen=True, slots=True)
class Row:
    """One stable form.

    Attributes:
        name: What it is.
        pattern: The fragile form; names stand for anything.
        replacement: The same value, computed without loss.
        note: What goes wrong with the pattern.
        example: Values of the names where the pattern loses digits or overflows.
        phase: ``recognise``, ``fuse`` or ``expand``.
    """

    name: str
    pattern: str
    replacement: str
    note: str
    example: Mapping[str, float] = field(default_factory=dict)
    phase: str = RECOGNISE


SPELLED_OUT = "spelled out: the functions of the table are computed without loss"
OVERFLOW = "the exponential overflows where the value is finite"
CANCEL = "nearly equal numbers are subtracted"
