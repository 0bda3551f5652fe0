"""Lines of equations made to fit: right sides and notes are broken where they would run over.

``arranged`` sets the notes in a column beside the formulas, or after the formula that each belongs
to: whichever takes the fewest lines. ``Room`` says how wide things are in a format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest

from symderive.documents.outline import Equation, Inline
from symderive.formulas.breaking import INLINE, framed
from symderive.formulas.nodes import THIN
from symderive.formulas.plain import in_line, plain
from symderive.formulas.tree import Node, Op, Row, Stack, Style, Text, split, width

MARKS = {"proved": "✓", "sampled": "≈", "refuted": "✗", "unknown": "?"}
MARK_COLORS = {"proved": "third", "sampled": "second", "refuted": "wrong", "unknown": "second"}


@dataclass(frozen=True, slots=True)
class Line(Equation):
    """A line as it is set.

    Attributes:
        after: The note follows the formula, instead of standing in a column.
        column: The width of a box in em for the note; 0 where it fits in one line.
    """

    after: bool = False
    column: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """How much stands in a line of a format, and how wide things are there.

    Attributes:
        line: All of a line: left side, relation, right side, note and mark.
        gap: What stands between a formula and its note.
        relation: A relation sign.
        mark: A verdict, with the space before it.
        least: What a formula, and a note that is broken, have at least.
        boxes: Whether a note in the column can be a box of several lines.
        formula: The width of a formula.
        note: The width of words and formulas in a note.
        split: Breaks a formula into pieces of a width at most.
        left: The width from which a left side has a line of its own.
    """

    line: float
    gap: float
    relation: float
    mark: float
    least: float
    boxes: bool
    formula: Callable[[Node], float]
    note: Callable[[Inline], float]
    split: Callable[[Node, float], list[Node]]
    left: float = 9.0

    def remark(self, line: Equation) -> float:
        """The width of note and mark."""
        return self.note(line.note) + (self.mark if line.mark else 0.0)


def _wide(text: Inline) -> float:
    """The width in em of words and formulas in a line."""
    return sum(width(part if isinstance(part, Node) else Text(part), INLINE) for part in text)


BOXED = Room(42.0, 3.0, 1.4, 1.5, 12.0, True, width, lambda note: 0.85 * _wide(note), framed)
"""Pages whose notes are in small type, in boxes of several lines where they are long: in em."""
PLAIN = replace(BOXED, boxes=False, note=_wide)
"""Displays that hold nothing but formulas, as Markdown has them: in em."""


def text_room(columns: int) -> Room:
    """Lines of plain text of so many letters."""

    def letters(note: Inline) -> float:
        return sum(len(plain(part)) if isinstance(part, Node) else len(part) for part in note)

    def pieces(node: Node, limit: float) -> list[Node]:
        def longest(pieces: list[Node]) -> int:
            return max(len(plain(piece)) for piece in pieces)

        node = in_line(node)
        size = 1.4 * width(node) * limit / max(len(plain(node)), 1)  # more than fits; then less
        found = [node]
        while longest(found) > limit and size > 2.0:
            found = min((found, split(node, size)), key=longest)
            size *= 0.8
        return found

    left = 0.3 * columns
    return Room(columns, 3, 3, 2, 20, False, lambda node: len(plain(node)), letters, pieces, left)


def right_side(line: Equation) -> Node:
    """The relation and the right side as one formula, so that its spaces are right."""
    sign = Op(line.relation, "rel") if line.relation else THIN
    return Row((sign, line.right))


def remark(line: Equation) -> Node:
    """Note and verdict inside a formula, for formats whose displays hold nothing else."""
    parts = [part if isinstance(part, Node) else Text(part) for part in line.note]
    items: list[Node] = [Style("color", Row(tuple(parts)), "muted")] if parts else []
    if line.mark:
        items += [Text("  ")] if items else []
        items.append(Style("color", Text(MARKS[line.mark]), MARK_COLORS[line.mark]))
    return Row(tuple(items))


def arranged(lines: Sequence[Equation], room: Room = BOXED) -> list[Line]:
    """The lines, none wider than the room where formulas and words can be broken.

    >>> from symderive.formulas.tree import Id
    >>> [(line.relation, line.after) for line in arranged([Equation(Id("y"), Id("x"))])]
    [('=', False)]
    """
    lines = _with_short_left_sides(lines, room)
    left = max((room.formula(line.left) for line in lines if line.left is not None), default=0.0)
    free = room.line - left - room.relation
    longest = max(map(room.remark, lines), default=0.0)
    if not longest:
        return [line for given in lines for line in _broken(given, room.split(given.right, free))]
    least = max(room.least, *(_longest_word(line, room) for line in lines))
    ways: list[tuple[float, list[Line]]] = []
    beside = free - room.gap - max(room.formula(line.right) for line in lines)
    for column in dict.fromkeys((longest, beside, max(0.55 * longest, least), least)):
        limit = free - room.gap - column
        if min(longest, least) <= column <= longest and limit >= room.least:
            ways.append(_beside(lines, limit, column, room))
    ways.append(_after(lines, free, room))
    return min(ways, key=lambda way: way[0])[1]


def _longest_word(line: Equation, room: Room) -> float:
    """The width of the longest part of a note that cannot be broken, and of the mark."""
    words = [w for part in line.note for w in (part.split() if isinstance(part, str) else [part])]
    return max((room.note((word,)) for word in words), default=0.0) + room.mark


def _beside(
    lines: Sequence[Equation], limit: float, column: float, room: Room
) -> tuple[float, list[Line]]:
    """The lines with their notes in a column, and what that costs: the number of lines."""
    made: list[Line] = []
    cost = 0.0
    for line in lines:
        pieces = room.split(line.right, limit)
        cost += _excess(pieces, limit, room)
        mark = room.mark if line.mark else 0.0
        notes = _pieces(line.note, column - mark, room)
        if room.boxes:
            box = column - mark if len(notes) > 1 else 0.0
            first, *rest = _broken(line, pieces)
            made += [replace(first, note=line.note, mark=line.mark, column=box), *rest]
            cost += max(_lines_of(pieces), math.ceil(len(notes) / 2))
            continue
        rows = _broken(line, pieces)
        for n, (row, note) in enumerate(zip_longest(rows, notes, fillvalue=())):
            last = n == len(notes) - 1
            made.append(replace(row or _NOTHING, note=note, mark=line.mark if last else ""))
        cost += max(_lines_of(pieces), len(notes))
    return cost, made


def _after(lines: Sequence[Equation], free: float, room: Room) -> tuple[float, list[Line]]:
    """The lines, each with its note behind its last piece or below it, and what that costs.

    That is a line more than it takes, since a column is easier to read.
    """
    made: list[Line] = []
    cost = 1.0
    for line in lines:
        pieces = room.split(line.right, free)
        cost += _excess(pieces, free, room)
        *rows, last = _broken(line, pieces)
        made += rows
        if not (line.note or line.mark):
            made.append(last)
        elif room.formula(last.right) + room.gap + room.remark(line) <= free:
            made.append(replace(last, note=line.note, mark=line.mark, after=True))
        else:
            made.append(last)
            notes = _pieces(line.note, free - room.gap, room)
            made += [replace(_NOTHING, note=note, after=True) for note in notes]
            made[-1] = replace(made[-1], mark=line.mark)
    return _lines_of([line.right for line in made]) + cost, made


def _excess(pieces: Sequence[Node], limit: float, room: Room) -> float:
    """What broken formulas cost, and pieces that are still too wide for the page."""
    wide = sum(max(room.formula(piece) / limit - 1.0, 0.0) for piece in pieces)
    more = _lines_of(pieces) - 1
    framed = more > 0 and len(pieces) == 1
    return wide * EXCESS + more * BROKEN + framed * FRAMED


def _lines_of(pieces: Sequence[Node]) -> int:
    """How many lines they take; several of them may be in one frame."""
    bodies = [piece.body if isinstance(piece, Style) else piece for piece in pieces]
    return sum(len(body.pieces) if isinstance(body, Stack) else 1 for body in bodies)


EXCESS = 20.0
"""What running over the line by all of its width costs, in lines."""

FRAMED = 1.5
"""What a frame of several lines costs beyond them: one line is what a result is remembered by."""

BROKEN = 0.6
"""What a break in a formula costs beyond its line: words are read more easily in pieces."""


def _broken(line: Equation, pieces: Sequence[Node]) -> list[Line]:
    """A line for each piece of the right side, without note and mark."""
    first, *rest = pieces
    return [Line(line.left, first, relation=line.relation), *map(_going_on, rest)]


def _going_on(right: Node) -> Line:
    return Line(None, right, relation="")


_NOTHING = _going_on(THIN)


def _with_short_left_sides(lines: Sequence[Equation], room: Room) -> list[Equation]:
    """The lines; a left side that would push all others away stands above its line."""
    made: list[Equation] = []
    for line in lines:
        if line.left is not None and room.formula(line.left) > room.left:
            made.append(Equation(THIN, line.left, relation=""))
            line = replace(line, left=None)
        made.append(line)
    return made


def _pieces(note: Inline, limit: float, room: Room) -> list[Inline]:
    """A note in pieces of at most ``limit``, where words allow."""
    pieces: list[list[str | Node]] = [[]]
    taken = 0.0
    for part in note:
        for word in [part] if isinstance(part, Node) else re.findall(r"\s*\S+|\s+$", part):
            size = room.note((word,))
            if taken and taken + size > limit + 0.01 and _after_space(pieces[-1], word):
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
