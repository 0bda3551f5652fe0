"""Derivation → Outline: which sections there are, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from symderive.documents.build_cells import (
    chain_cell,
    checks_cell,
    claims_cells,
    code_cell,
    code_opening,
    gradient_cell,
    links_cell,
    model_cell,
    numbers_cell,
    update_cell,
)
from symderive.documents.build_chain import chain_section, gradient_section
from symderive.documents.build_checks import checks_section
from symderive.documents.build_links import links_section
from symderive.documents.build_model import model_section
from symderive.documents.build_numbers import numbers_section, update_section
from symderive.documents.build_second import second_section
from symderive.documents.code_lines import fitted
from symderive.documents.numbers import gather
from symderive.documents.outline import Block, Code, Outline
from symderive.documents.session import run
from symderive.documents.wording import Context, ends
from symderive.errors import UnknownChoiceError

if TYPE_CHECKING:
    from symderive.derivation import Derivation

DETAILS = ("brief", "standard", "full")
"""How much of a derivation is told."""

MAX_CODE_LINES = 160


def outline(derivation: Derivation, detail: str = "standard", *, live: bool = False) -> Outline:
    """The document of a derivation, for every format.

    Args:
        derivation: What to tell.
        detail: ``brief`` (results of the links), ``standard``, or ``full`` (every rule).
        live: With code cells that were run; of the formats that have such cells.
    """
    if detail not in DETAILS:
        raise UnknownChoiceError("detail", detail, DETAILS)
    context = _context(derivation, detail)
    sections = LIVE_SECTIONS if live else SECTIONS
    blocks = tuple(block for section in sections for block in section(context))
    if live:
        blocks = run(blocks)
    title = derivation.model.title or f"The gradient of {derivation.target}"
    return Outline(title, "symderive", blocks)


def _context(derivation: Derivation, detail: str) -> Context:
    if not derivation.model.shapes:
        return Context(derivation, gather(derivation), detail)
    from symderive.documents.array_wording import ArrayContext

    return ArrayContext(derivation, gather(derivation), detail)


def code_section(context: Context) -> Iterator[Block]:
    """The gradient as a Python function; of a function without a definition there is none."""
    if context.derivation.model.undefined:
        return
    source = context.derivation.code("numpy" if context.arrays else "python")
    lines = fitted(source.strip()).split("\n")
    yield from code_opening(context)
    rest = f"# … {len(lines) - MAX_CODE_LINES} more lines"
    shown = ends(lines, MAX_CODE_LINES, MAX_CODE_LINES - 10, 10, (rest,))
    yield Code("python", "\n".join(shown))


SECTIONS: tuple[Callable[[Context], Iterator[Block]], ...] = (
    model_section,
    links_section,
    chain_section,
    gradient_section,
    second_section,
    numbers_section,
    update_section,
    checks_section,
    code_section,
)
"""The sections in order; one yields nothing where its data do not exist."""

LIVE_SECTIONS: tuple[Callable[[Context], Iterator[Block]], ...] = (
    model_section,
    model_cell,
    links_section,
    links_cell,
    chain_section,
    chain_cell,
    gradient_section,
    gradient_cell,
    second_section,
    claims_cells,
    numbers_section,
    numbers_cell,
    update_section,
    update_cell,
    checks_section,
    checks_cell,
    code_cell,
    code_opening,
)
"""The sections of a live document, with the code cells that belong to them."""
