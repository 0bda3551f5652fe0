"""Fill the templates. The only module that knows Jinja.

One strict environment a format: what a template prints is escaped by the format's row (prose) or
typeset by it (formulas), so that no template can forget to. Templates compute no mathematics.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from symderive.documents.formats import Format
from symderive.documents.outline import Inline, Outline
from symderive.formulas.plain import plain
from symderive.formulas.tree import COLORS, Node
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
        extensions=["jinja2.ext.do"],
    )
    filters: dict[str, Callable[..., object]] = {
        "display": lambda node: Markup(row.display(node)),
        "inline": lambda node: Markup(row.inline(node)),
        "figure": lambda drawing: Markup(row.figure(drawing)),
        "words": words,
        "anchor": _anchor,
        "literal": lambda text: Markup(literal(words(text))),
        "verbatim": lambda text: Markup(text),
        "kind": lambda block: type(block).__name__,
    }
    made.filters.update(filters)
    made.globals["colors"] = COLORS
    return made


def fill(outline: Outline, row: Format) -> str:
    """The outline through the template of a format."""
    template = environment(row).get_template(f"{row.folder}/document.{row.folder}.j2")
    return template.render(doc=outline)
