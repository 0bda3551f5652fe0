"""Formulas in words, for those who hear a document."""

from __future__ import annotations

from collections.abc import Sequence

from symderive.documents.outline import Equation, Inline
from symderive.formulas.spoken import spoken
from symderive.formulas.tree import Node

_RELATIONS = {"=": "equals", "≈": "is approximately", "←": "becomes", "": ""}
_MARKS = {"proved": "proved", "sampled": "found equal at sampled points"}


def said(text: Inline | Node | Sequence[Equation]) -> str:
    """A formula, a line of prose, or the lines of a display, in words.

    >>> from symderive.formulas.tree import Id, Num
    >>> said((Equation(Id("y"), Num("2"), ("by hand",), "proved"),))
    'y equals 2 (by hand, proved)'
    """
    if isinstance(text, Node):
        return spoken(text)
    return "".join(
        part if isinstance(part, str) else spoken(part) if isinstance(part, Node) else _line(part)
        for part in _parted(text)
    )


def _parted(text: Sequence[str | Node | Equation]) -> Sequence[str | Node | Equation]:
    """With a semicolon between the lines of a display."""
    if not any(isinstance(part, Equation) for part in text):
        return text
    return [piece for k, part in enumerate(text) for piece in (("; ", part) if k else (part,))]


def _line(line: Equation) -> str:
    left = spoken(line.left) if line.left is not None else ""
    words = " ".join(filter(None, (left, _RELATIONS[line.relation], spoken(line.right))))
    remarks = ", ".join(filter(None, (said(line.note), _MARKS.get(line.mark, line.mark))))
    return f"{words} ({remarks})" if remarks else words
