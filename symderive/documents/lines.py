"""Lines of equations made to fit: right sides and notes are broken where they would run over.

``broken`` is for formats that set notes in boxes of their own; ``noted`` for those, such as
Markdown, whose displays hold nothing but formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest

from symderive.documents.outline import Equation, Inline
from symderive.formulas.breaking import INLINE
from symderive.formulas.plain import plain
from symderive.formulas.tree import Node, Op, Row, Style, Text, split, width

LINE = 42.0
"""Width of a line of the page in em: left side, right side, note and mark together."""
LONG_LEFT = 9.0
"""Width in em of a left side that has a line of its own."""
LONG_NOTE = 36
"""Letters from which a note is set on lines of its own width."""
GAP, SHORT_NOTE, LEAST = 3.0, 12.0, 12.0
"""In em: what stands between a formula and its note, what a note and a formula have at least."""
RELATION, MARK = 1.4, 1.5
MARKS = {"proved": "✓", "sampled": "≈", "refuted": "✗", "unknown": "?"}
MARK_COLORS = {"proved": "third", "sampled": "second", "refuted": "wrong", "unknown": "second"}


def right_side(line: Equation) -> Node:
    """The relation and the right side as one formula, so that its spaces are right."""
    sign = Op(line.relation, "rel") if line.relation else Op("\u2009", "space")
    return Row((sign, line.right))


def remark(line: Equation) -> Node:
    """Note and verdict inside a formula, for formats whose displays hold nothing else."""
    parts = [part if isinstance(part, Node) else Text(part) for part in line.note]
    items: list[Node] = [Style("color", Row(tuple(parts)), "muted")] if parts else []
    if line.mark:
        items += [Text("  ")] if items else []
        items.append(Style("color", Text(MARKS[line.mark]), MARK_COLORS[line.mark]))
    return Row(tuple(items))


def broken(lines: Sequence[Equation]) -> list[Equation]:
    """The lines, with every right side broken where it would run off the page.

    >>> from symderive.formulas.tree import Id
    >>> [line.relation for line in broken([Equation(Id("y"), Id("x"))])]
    ['=']
    """
    lines = _with_short_left_sides(lines)
    notes = max((_note_width(line) for line in lines), default=0.0)
    limit = max(LINE - _left(lines) - notes - 2.5, 20.0)
    made: list[Equation] = []
    for line in lines:
        first, *rest = split(line.right, limit)
        made += [replace(line, right=first), *(_going_on(piece) for piece in rest)]
    return made


def noted(lines: Sequence[Equation]) -> list[Equation]:
    """The lines, with right sides and notes broken.

    The pieces of a note go beside the lines in which a long right side goes on, then on lines of
    their own.
    """
    lines = _with_short_left_sides(lines)
    room = LINE - _left(lines) - RELATION
    if any(line.note or line.mark for line in lines):
        room -= GAP
    marks = [MARK if line.mark else 0.0 for line in lines]
    wide = max(_wide(line.note) + mark for line, mark in zip(lines, marks, strict=True))
    short = max(room - max(width(line.right) for line in lines), min(wide, SHORT_NOTE))
    notes = [_pieces(line.note, short - mark) for line, mark in zip(lines, marks, strict=True)]
    longest = max(
        _wide(piece) + (mark if piece is pieces[-1] else 0.0)
        for pieces, mark in zip(notes, marks, strict=True)
        for piece in pieces
    )
    made: list[Equation] = []
    for line, pieces in zip(lines, notes, strict=True):
        first, *rest = split(line.right, max(room - longest, LEAST))
        rows = [replace(line, right=first), *map(_going_on, rest)]
        made += (
            replace(row or _NOTHING, note=piece, mark=line.mark if n == len(pieces) - 1 else "")
            for n, (row, piece) in enumerate(zip_longest(rows, pieces, fillvalue=()))
        )
    return made


def _going_on(right: Node) -> Equation:
    return Equation(None, right, relation="")


_NOTHING = _going_on(Text(""))


def _with_short_left_sides(lines: Sequence[Equation]) -> list[Equation]:
    """The lines; a left side that would push all others away stands above its line."""
    made: list[Equation] = []
    for line in lines:
        if line.left is not None and width(line.left) > LONG_LEFT:
            made.append(Equation(Text(""), line.left, relation=""))
            line = replace(line, left=None)
        made.append(line)
    return made


def _left(lines: Sequence[Equation]) -> float:
    return max((width(line.left) for line in lines if line.left is not None), default=0.0)


def _note_width(line: Equation) -> float:
    letters = sum(len(plain(p)) if isinstance(p, Node) else len(p) for p in line.note)
    return (14.0 if letters > LONG_NOTE else 0.38 * letters) + (2.5 if line.mark else 1.5)


def _wide(text: Inline) -> float:
    """The width in em of words and formulas in a line."""
    return sum(width(part if isinstance(part, Node) else Text(part), INLINE) for part in text)


def _pieces(note: Inline, room: float) -> list[Inline]:
    """A note in pieces of at most ``room`` em, where words allow."""
    pieces: list[list[str | Node]] = [[]]
    taken = 0.0
    for part in note:
        for word in [part] if isinstance(part, Node) else re.findall(r"\s*\S+|\s+$", part):
            size = _wide((word,))
            if taken and taken + size > room + 0.01 and _after_space(pieces[-1], word):
                if isinstance(word, str):
                    word = word.lstrip()
                else:
                    pieces[-1].pop()  # the space
                pieces.append([])
                taken = 0.0
            pieces[-1].append(word)
            taken += size
    return [tuple(_joined(piece)) for piece in pieces]


def _after_space(before: Sequence[str | Node], word: str | Node) -> bool:
    text = before[-1] if isinstance(word, Node) else word[0]
    return isinstance(text, str) and text.isspace()


def _joined(parts: list[str | Node]) -> Iterator[str | Node]:
    """The parts with neighbouring words as one text."""
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, str)):
        same = list(group)
        yield from ["".join(map(str, same))] if is_text else same
