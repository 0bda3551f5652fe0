"""Fill the templates. The only module that knows Jinja.

One strict environment a format: what a template prints is escaped by the format's row (prose) or
typeset by it (formulas), so that no template can forget to. Templates compute no mathematics.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby, takewhile
from pathlib import Path

import jinja2
from markupsafe import Markup

from symderive.documents.formats import Format, latex_text
from symderive.documents.graph_draw import FILLS
from symderive.documents.notebook import cells, closed_up, in_json, json_lines
from symderive.documents.outline import (
    Block,
    Equation,
    Figure,
    Heading,
    Inline,
    Outline,
    TableBlock,
)
from symderive.documents.speech import said
from symderive.documents.wording import LINE
from symderive.formulas.breaking import INLINE, split, width
from symderive.formulas.nodes import tall
from symderive.formulas.plain import plain
from symderive.formulas.tree import Node, Op, Row, Style, Text
from symderive.formulas.typst import literal

_PACKAGE = Path(__file__).parent.parent
TEMPLATES = (_PACKAGE / "_templates", _PACKAGE.parent / "templates")
"""Where templates are: inside the installed package, or in the repository."""


def words(text: Inline | str) -> str:
    """Segments as one line of plain text, formulas included."""
    parts = (text,) if isinstance(text, str) else text
    return "".join(plain(part) if isinstance(part, Node) else part for part in parts)


def _anchor(text: Inline | str) -> str:
    """A name for a link to a heading: ASCII letters, digits and hyphens."""
    kept = "".join(c if c.isascii() and c.isalnum() else " " for c in words(text).lower())
    return "-".join(kept.split()) or "section"


@cache
def environment(row: Format) -> jinja2.Environment:
    """The strict environment of a format."""

    def shown(value: object) -> object:
        if isinstance(value, Node):
            return Markup(row.inline(value))
        if isinstance(value, tuple):
            return Markup("").join(Markup(shown(part)) for part in value)
        if isinstance(value, int):  # a level or a count, part of the markup
            return Markup(str(value))
        return value if hasattr(value, "__html__") else Markup(row.escape(str(value)))

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*map(str, TEMPLATES)]),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "display": lambda node: Markup(row.display(node)),
        "inline": lambda node: Markup(row.inline(node)),
        "figure": lambda drawing: Markup(row.figure(drawing)),
        "words": words,
        "anchor": _anchor,
        "said": lambda text: Markup(literal(said(text))),
        "literal": lambda text: Markup(literal(words(text))),
        "verbatim": Markup,
        "plain": lambda node: Markup(row.escape(plain(node))),
        "right": lambda line: Markup(row.display(_right_side(line))),
        "remark": lambda line: Markup(row.display(_remark(line))),
        "noted": noted,
        "code": lambda text: Markup(literal(text)),
        "codeline": lambda text: Markup(_code_line(text)),
        "fence": _fence,
        "sections": _sections,
        "picture": lambda block: Markup(_picture(block, row)),
        "columns": columns,
        "grid": grid,
        "wrapped": lambda text: "\n".join(textwrap.wrap(text, 92)),
        "tall": lambda cells: any(isinstance(p, Node) and tall(p) for cell in cells for p in cell),
        "kind": lambda block: type(block).__name__,
        "cells": cells,
        "json": lambda text: Markup(in_json(text)),
        "lines": lambda text: Markup(json_lines(text)),
        "source": lambda text: Markup(json_lines(closed_up(text))),
    }
    made.filters.update(filters)
    made.globals["fills"] = FILLS
    return made


# What templates ask for ------------------------------------------------------------------------


def _right_side(line: Equation) -> Node:
    """The relation and the right side as one formula, so that its spaces are right."""
    sign = Op(line.relation, "rel") if line.relation else Op("\u2009", "space")
    return Row((sign, line.right))


def _remark(line: Equation) -> Node:
    """Note and verdict inside a formula, for formats whose displays hold nothing else."""
    parts = [part if isinstance(part, Node) else Text(part) for part in line.note]
    items: list[Node] = [Style("color", Row(tuple(parts)), "muted")] if parts else []
    if line.mark:
        items += [Text("  ")] if items else []
        items.append(Style("color", Text(MARKS[line.mark]), MARK_COLORS[line.mark]))
    return Row(tuple(items))


GAP, SHORT_NOTE, LEAST = 3.0, 12.0, 12.0
"""In em: what stands between a formula and its note, what a note and a formula have at least."""


def noted(lines: Sequence[Equation]) -> list[Equation]:
    """The equations with long notes broken, for displays that do not break them themselves.

    The pieces go beside the lines in which a long right side goes on, then on lines of their own.
    A right side that still leaves too little room for the notes is broken once more.
    """
    made: list[Equation] = []
    left = max((width(line.left) for line in lines if line.left is not None), default=0.0)
    room = LINE - left - width(Op("=", "rel"))
    if any(line.note or line.mark for line in lines):
        room -= GAP
    wide = max(width(_remark(line)) for line in lines)
    short = max(room - max(width(line.right) for line in lines), min(wide, SHORT_NOTE))
    notes = [_pieces(line.note, short - (_MARK if line.mark else 0.0)) for line in lines]
    longest = max(
        (_wide(piece) + _MARK for pieces in notes for piece in pieces if piece), default=0.0
    )
    limit = max(room - longest, LEAST)
    for k, line in enumerate(lines):
        if not _goes_on(line):
            following = takewhile(_goes_on, lines[k + 1 :])
            rights = [piece for row in (line, *following) for piece in split(row.right, limit)]
            rows = [
                replace(line, right=rights[0]),
                *(replace(_NOTHING, right=r) for r in rights[1:]),
            ]
            pieces = notes[k]
            rows += [_NOTHING] * (len(pieces) - len(rows))
            pieces += [()] * (len(rows) - len(pieces))
            last = max((n for n, piece in enumerate(pieces) if piece), default=0)
            made += (
                replace(row, note=piece, mark=line.mark if n == last else "")
                for n, (row, piece) in enumerate(zip(rows, pieces, strict=True))
            )
    return made


_NOTHING = Equation(None, Text(""), relation="")
_MARK = 1.4


def _goes_on(line: Equation) -> bool:
    return line.left is None and not (line.relation or line.note or line.mark)


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
            if taken and taken + size > room and isinstance(word, str) and word[0].isspace():
                pieces.append([])
                taken, word = 0.0, word.lstrip()
            pieces[-1].append(word)
            taken += size
    return [tuple(_joined(piece)) for piece in pieces]


def _joined(parts: list[str | Node]) -> Iterator[str | Node]:
    """The parts with neighbouring words as one text."""
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, str)):
        same = list(group)
        yield from ["".join(map(str, same))] if is_text else same


MARKS = {"proved": "✓", "sampled": "≈", "refuted": "✗", "unknown": "?"}
MARK_COLORS = {"proved": "third", "sampled": "second", "refuted": "wrong", "unknown": "second"}


def _code_line(line: str) -> str:
    """A line of source code for LaTeX, spaces and quotes kept."""
    inner = line.lstrip()
    text = "~" * (len(line) - len(inner))
    text += "".join(latex_text(c) if c.strip() else r"\ " for c in inner)  # may break there
    return text.replace("'", r"\textquotesingle{}").replace("--", "-{}-")


def _fence(source: str) -> str:
    """A Markdown fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    return "`" * max(3, longest + 1)


def _sections(blocks: tuple[Block, ...]) -> list[tuple[Heading, str]]:
    return [(b, _anchor(b.text)) for b in blocks if isinstance(b, Heading) and b.level == 1]


def _picture(block: Figure, row: Format) -> str:
    """A figure as inline SVG that assistive technology reads as one picture with a description."""
    label = f'role="img" aria-label="{row.escape(block.alt)}"'
    return row.figure(block.drawing).replace("<svg ", f"<svg {label} ", 1)


def columns(lines: Sequence[Equation]) -> list[str]:
    """Equations as plain text, aligned at their relation signs."""
    lefts = [plain(line.left) if line.left is not None else "" for line in lines]
    rights = [f"{line.relation or ' '} {plain(line.right)}" for line in lines]
    wide, room = max(map(len, lefts)), min(max(map(len, rights)), 60)
    shown = []
    for line, left, right in zip(lines, lefts, rights, strict=True):
        note = " ".join(filter(None, (words(line.note), MARKS.get(line.mark, ""))))
        shown.append(f"{left:>{wide}} {right:{room}}   {note}".rstrip())
    return shown


def grid(table: TableBlock) -> list[str]:
    """A table as plain text."""
    rows = [[words(cell) for cell in cells] for cells in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [{"l": "<", "c": "^", "r": ">"}[letter] for letter in table.align]
    return [
        "   ".join(f"{c:{s}{w}}" for c, s, w in zip(cells, sides, widths, strict=True)).rstrip()
        for cells in rows
    ]


def fill(outline: Outline, row: Format) -> str:
    """The outline through the template of a format."""
    template = environment(row).get_template(f"{row.folder}/document.{row.folder}.j2")
    return template.render(doc=outline)
