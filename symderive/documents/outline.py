"""The format-neutral document: frozen blocks, made once and read by every template.

Text is a tuple of segments: a ``str`` is prose (escaped by each format), a ``Node`` is a formula
(typeset by each format). No block holds markup of any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from symderive.formulas.tree import Node

if TYPE_CHECKING:
    from symderive.documents.graph import Drawing
    from symderive.documents.plot import Plot

Inline = tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A numbered heading; level 1 is a section."""

    level: int
    text: Inline


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Prose with formulas in it."""

    text: Inline


@dataclass(frozen=True, slots=True)
class Equation:
    """One line of an aligned display: ``left = right``, with a reason and a verdict.

    Attributes:
        left: The left side; None repeats the one above.
        right: The right side; None prints an empty one.
        note: The reason, at the right.
        mark: The verdict: ``proved``, ``sampled``, ``refuted``, ``unknown``, or empty.
        relation: ``=``, ``≈``, ``:=``, …; empty where a broken line continues.
    """

    left: Node | None
    right: Node
    note: Inline = ()
    mark: str = ""
    relation: str = "="


@dataclass(frozen=True, slots=True)
class Equations:
    """Lines aligned at their relation sign."""

    lines: tuple[Equation, ...]


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule as a box states it: its name, the general equation, and what stands for what."""

    name: str
    statement: Node | None
    bindings: tuple[Node, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleBox:
    """A derivation in a box: the rules it uses, then its lines."""

    title: Inline
    rules: tuple[RuleUse, ...]
    lines: tuple[Equation, ...]
    text: Inline = ()


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table; ``align`` has one letter a column: l, c or r."""

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]
    align: str
    caption: Inline = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption, and the sentence that stands for it where it is not seen.

    ``arrows`` is the caption for Mermaid, which draws arrows where others have colours; empty if
    the caption holds there too.
    """

    drawing: Drawing | Plot
    caption: Inline
    alt: str
    arrows: Inline = ()


@dataclass(frozen=True, slots=True)
class Code:
    """Source text in a programming language."""

    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Run:
    """Code to run, in Python, for the formats that are live.

    Attributes:
        source: The code.
        printed: What it prints.
        shown: What its last line shows: text by MIME type.
    """

    source: str
    printed: str = ""
    shown: tuple[tuple[str, str], ...] = ()


Block = Heading | Paragraph | Equations | RuleBox | TableBlock | Figure | Code | Run


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole document.

    Attributes:
        title: The title, as plain text.
        author: Who made it, as plain text.
        blocks: The blocks in reading order.
    """

    title: str
    author: str
    blocks: tuple[Block, ...]
