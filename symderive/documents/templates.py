"""Fill the templates. The only module that knows Jinja.

One strict environment a format: what a template prints is escaped by the format's row (prose) or
typeset by it (formulas), so that no template can forget to. Templates compute no mathematics.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from symderive.documents.formats import WIDE_INLINE, Format, latex_text
from symderive.documents.graph_draw import FILLS
from symderive.documents.lines import MARKS, PLAIN, arranged, remark, right_side, text_room
from symderive.documents.notebook import cells, closed_up, in_json, json_lines
from symderive.documents.outline import (
    Block,
    Equation,
    Figure,
    Heading,
    Inline,
    Outline,
    RuleUse,
    TableBlock,
)
from symderive.documents.speech import said
from symderive.formulas.breaking import INLINE
from symderive.formulas.nodes import tall
from symderive.formulas.plain import plain
from symderive.formulas.tree import Node, width
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
            return Markup(row.joined("".join(str(shown(part)) for part in value)))
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
        "large": lambda line: Markup(
            row.joined(
                "".join(row.display(p) if isinstance(p, Node) else row.escape(p) for p in line)
            )
        ),
        "inline": lambda node: Markup(row.inline(node)),
        "figure": lambda drawing: Markup(row.figure(drawing)),
        "words": words,
        "anchor": _anchor,
        "said": lambda text: Markup(literal(said(text))),
        "literal": lambda text: Markup(literal(words(text))),
        "verbatim": Markup,
        "plain": lambda node: Markup(row.escape(plain(node))),
        "right": lambda line: Markup(row.display(right_side(line))),
        "remark": lambda line: Markup(row.display(remark(line))),
        "arranged": arranged,
        "em": lambda size: Markup(f"{size:.1f}em"),
        "noted": lambda lines: arranged(lines, PLAIN),
        "code": lambda text: Markup(literal(text)),
        "codeline": lambda text: Markup(_code_line(text)),
        "fence": _fence,
        "sections": _sections,
        "picture": lambda block: Markup(_picture(block, row)),
        "columns": columns,
        "grid": grid,
        "wrapped": lambda text, wide, indent="": "\n".join(_wrapped(text, wide, indent, indent)),
        "ruled": _ruled,
        "ragged": lambda text: any(map(_unwieldy, text)),
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


def _unwieldy(part: str | Node) -> bool:
    """Whether a part of a line is too long to be moved without gaps between the words."""
    return isinstance(part, Node) and LONG < width(part, INLINE) <= WIDE_INLINE


LONG = 7.0
"""Width in em from which a formula in a justified line may leave gaps before it."""


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


def columns(lines: Sequence[Equation], wide: int) -> list[str]:
    """Equations as plain text, aligned at their relation signs."""
    shown = []
    made = arranged(lines, text_room(wide - INDENT))
    lefts = [plain(line.left) if line.left is not None else "" for line in made]
    rights = [f"{line.relation or ' '} {plain(line.right)}" for line in made]
    left_column = max(map(len, lefts))
    column = max(
        (len(r) for r, line in zip(rights, made, strict=True) if not line.after), default=0
    )
    for line, left, right in zip(made, lefts, rights, strict=True):
        note = " ".join(filter(None, (words(line.note), MARKS.get(line.mark, ""))))
        gap = "" if line.after and not right.strip() else GAP
        most = wide - INDENT - left_column - 1 - len(gap) - len(note)
        beside = 0 if line.after else max(min(column, most), 0)
        shown.append(f"{left:>{left_column}} {right:{beside}}{gap}{note}".rstrip())
    return shown


INDENT = 4
"""Letters before a formula in plain text."""


def _ruled(rule: RuleUse, wide: int) -> list[str]:
    """A rule with what stands for what, as lines of plain text."""
    parts = [f"[{rule.name}]"]
    if rule.statement is not None:
        parts.append(plain(rule.statement))
    if rule.bindings:
        parts.append(f"  with {', '.join(map(plain, rule.bindings))}")
    if rule.note:
        parts.append(f"  ({rule.note})")
    return _wrapped(" ".join(parts), wide - INDENT, "", " " * INDENT)


class _Wrapper(textwrap.TextWrapper):
    """Breaks prose at spaces, and formulas between their factors too."""

    def _split(self, text: str) -> list[str]:
        return [part for word in super()._split(text) for part in re.split("(?=·)", word) if part]


def _wrapped(text: str, wide: int, first: str, rest: str) -> list[str]:
    """Prose in lines, each after its indent."""
    wrapper = _Wrapper(wide, initial_indent=first, subsequent_indent=rest, break_long_words=False)
    return wrapper.wrap(text)


def grid(table: TableBlock, wide: int) -> list[str]:
    """A table as plain text; one that is too wide, row by row, each cell on a line."""
    rows = [[words(cell) for cell in cells] for cells in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) > wide - INDENT:
        return [line for cells in rows[1:] for line in _upright(rows[0], cells, wide - INDENT)]
    sides = [{"l": "<", "c": "^", "r": ">"}[letter] for letter in table.align]
    return [
        GAP.join(f"{c:{s}{w}}" for c, s, w in zip(cells, sides, widths, strict=True)).rstrip()
        for cells in rows
    ]


GAP = "   "
"""What stands between two columns of a table."""


def _upright(header: Sequence[str], cells: Sequence[str], wide: int) -> Iterator[str]:
    """A row of a table that is too wide: what it is about, then the other cells below it."""
    yield cells[0]
    for name, cell in zip(header[1:], cells[1:], strict=True):
        said = f"{name}: {cell}" if name else cell
        yield from _wrapped(said, wide, GAP, 2 * GAP)


def fill(outline: Outline, row: Format, wide: int = 92) -> str:
    """The outline through the template of a format; of plain text, in so many columns."""
    template = environment(row).get_template(f"{row.folder}/document.{row.folder}.j2")
    return template.render(doc=outline, wide=wide)
