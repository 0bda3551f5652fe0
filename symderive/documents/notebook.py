"""From blocks to the cells of a notebook, and from its template to the file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from symderive.documents.outline import Block, Figure, Heading, RuleBox, Run


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook.

    Attributes:
        kind: ``text``, ``figure`` or ``code``.
        blocks: What is in it; a single block, unless it is text.
        name: Its identifier, the same whenever the notebook is written.
        count: Its number among those of its kind; of code, the number of the run.
    """

    kind: str
    blocks: tuple[Block, ...]
    name: str
    count: int


def cells(blocks: Sequence[Block]) -> list[Cell]:
    """The blocks in cells: each run and each figure on its own, text by headings and boxes.

    A heading stays with what follows it.
    """
    groups: list[tuple[str, list[Block]]] = []
    for block in blocks:
        kind = _KINDS.get(type(block), "text")
        last = groups[-1][1] if groups and groups[-1][0] == kind == "text" else []
        begins = isinstance(block, Heading | RuleBox)
        if last and (not begins or isinstance(last[-1], Heading)):
            last.append(block)
        else:
            groups.append((kind, [block]))
    counts = dict.fromkeys(("text", "figure", "code"), 0)
    found = []
    for kind, group in groups:
        counts[kind] += 1
        found.append(Cell(kind, tuple(group), f"{kind}-{counts[kind]}", counts[kind]))
    return found


_KINDS: dict[type[Block], str] = {Run: "code", Figure: "figure"}


def in_json(text: object) -> str:
    """Text as a JSON string."""
    return json.dumps(str(text), ensure_ascii=False)


def json_lines(text: object) -> str:
    """Text as notebooks keep it: a list of lines, each with its end."""
    return json.dumps(str(text).splitlines(keepends=True), ensure_ascii=False)


def closed_up(text: object) -> str:
    """Text without empty lines at its ends, and never with two together."""
    return re.sub(r"\n{3,}", "\n\n", str(text)).strip()


def canonical(source: str) -> str:
    """A notebook as nbformat writes it; what the template made has to be JSON."""
    return json.dumps(json.loads(source), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
