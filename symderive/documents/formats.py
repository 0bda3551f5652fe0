"""The output formats: one row each. To add one, write its template and add a row here."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

from symderive.documents.graph import Drawing
from symderive.documents.graph_draw import graph_mermaid, graph_tikz, graph_typst
from symderive.documents.notebook import canonical
from symderive.documents.plot import Plot
from symderive.documents.plot_draw import plot_mermaid, plot_tikz, plot_typst
from symderive.documents.speech import said
from symderive.formulas.latex import escaped, latex
from symderive.formulas.mathml import mathml
from symderive.formulas.names import GREEK, visible
from symderive.formulas.plain import plain
from symderive.formulas.tree import Node, split
from symderive.formulas.typst import literal, typst


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write an outline down.

    Attributes:
        name: What users call it.
        suffix: The suffix of its file.
        folder: The folder of its template, ``document.<folder>.j2``, under ``templates/``.
        escape: Prose to text that the format shows as it is.
        inline: A formula in a line of text.
        display: A formula on its own, without delimiters of its own.
        figure: A drawing as source of the format.
        finish: Makes the file from the filled template; None where the template is the file.
        live: Whether the document has code cells, which are run when it is made.
        joined: What becomes of a line of text and formulas as a whole.
    """

    name: str
    suffix: str
    folder: str
    escape: Callable[[str], str]
    inline: Callable[[Node], str]
    display: Callable[[Node], str]
    figure: Callable[[Drawing | Plot], str]
    finish: Callable[[str], str | bytes] | None = None
    live: bool = False
    joined: Callable[[str], str] = str


# Prose ------------------------------------------------------------------------------------------

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$^:@=/&<>\"'])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "$": "&#36;", "|": "&#124;"}
_HARMLESS = re.compile(
    r"""(?<=\w)[-.,:'](?=[\w\s]) | (?<=[\w)])[.,:](?=\s|$)  # punctuation of words
    | [.()'"!] | /(?!/)  # of a sentence, next to a formula too: brackets link nothing without [ ]
    | (?<=\S\s)[-+=](?=\s) | (?<=\S)[-+=]  # no list or underline begins after text
    | [-+](?=\w) | =(?=\s*\w)""",
    re.VERBOSE,
)
"""What stands for itself there; all else is escaped, so the source stays readable as it is."""


def _spaced(text: str) -> str:
    """The text on one line; spaces at its ends stay, since a formula may be next to it."""
    return re.sub(r"\s+", " ", text)


def markdown(text: str) -> str:
    r"""Prose for Markdown: nothing in it is markup, and it stays on one line.

    >>> print(markdown("a_b *c* <d>, done."))
    a\_b \*c\* &lt;d&gt;, done.
    """
    text = _spaced(text)
    plain = {match.start() for match in _HARMLESS.finditer(text)}
    ordered = re.match(r"\d+[.)](?=\s|$)", text)  # it would begin a list
    if ordered:
        plain.discard(ordered.end() - 1)
    return "".join(
        c if k in plain or not _MARKDOWN.match(c) else _ENTITIES.get(c, f"\\{c}")
        for k, c in enumerate(text)
    )


_LATEX_LETTERS = {
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
} | {
    letter: f"\\ensuremath{{{code}}}"
    for letter, code in {
        **{letter: f"\\{word}" for word, letter in GREEK.items() if word != "omicron"},
        "−": "-",
        "×": r"\times",
        "⋅": r"\cdot",
        "∂": r"\partial",
        "≤": r"\le",
        "≥": r"\ge",
        "≠": r"\ne",
        "≈": r"\approx",
        "→": r"\to",
        "←": r"\leftarrow",
        "∞": r"\infty",
        "∈": r"\in",
        "′": "'",
        **{
            letter: f"^{{{plain}}}"
            for letter, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True)
        },
        **{
            letter: f"_{{{plain}}}"
            for letter, plain in zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)
        },
        "ᵀ": r"^{\mathsf{T}}",
        "√": r"\surd",
        "∑": r"\textstyle\sum",
        "⊙": r"\odot",
        "‖": r"\|",
        "≪": r"\ll",
        "≫": r"\gg",
        "∝": r"\propto",
        "∇": r"\nabla",
        "⇒": r"\Rightarrow",
    }.items()
}


def latex_text(text: str) -> str:
    """Prose for LaTeX; a character that pdflatex has no glyph for shows its code point there."""
    parts = []
    for c in _spaced(text):
        if c in _LATEX_LETTERS:
            parts.append(_LATEX_LETTERS[c])
        elif ord(c) < 127 or "¡" <= c <= "ÿ":
            parts.append(escaped(c))
        elif c.isprintable():
            parts.append(f"\\sdchar{{{ord(c):04X}}}{{{c}}}")
    return "".join(parts)


def typst_text(text: str) -> str:
    """Prose for Typst: a string literal, so that nothing in it is markup."""
    return f"#{literal(_spaced(text))};" if text.strip() else text


def _visible_lines(text: str) -> str:
    return "\n".join(visible(line) if line else "" for line in text.split("\n"))


def html_text(text: str) -> str:
    """Prose for HTML."""
    return escape(text, quote=True)


def _no_comma_first(line: str) -> str:
    """A line of HTML in which no line of the page begins with what follows a formula."""
    return re.sub(
        r"([(\[]?)(<math.*?</math>)([,.;:)\]]*)",
        lambda m: f'<span class="nb">{m[0]}</span>' if m[1] or m[3] else m[0],
        line,
    )


# Figures ----------------------------------------------------------------------------------------


def _either(
    graph: Callable[[Drawing], str], plot: Callable[[Plot], str]
) -> Callable[[Drawing | Plot], str]:
    return lambda figure: graph(figure) if isinstance(figure, Drawing) else plot(figure)


typst_figure = _either(graph_typst, plot_typst)
_tikz = _either(graph_tikz, plot_tikz)
_mermaid = _either(graph_mermaid, plot_mermaid)


def _latex_figure(figure: Drawing | Plot) -> str:
    source = _tikz(figure)
    if not isinstance(figure, Drawing):
        return source
    scale = min(PAGE_WIDTH / figure.width, PAGE_HEIGHT / figure.height)
    return source if scale >= 1 else f"\\scalebox{{{scale:.3f}}}{{{source}}}"


PAGE_WIDTH, PAGE_HEIGHT = 468.0, 600.0
"""Width of the text on the page, and what a caption leaves of its height, in points: a larger
figure is scaled down."""


def _svg(figure: Drawing | Plot) -> str:
    from symderive.documents.pdf import svg

    return svg(typst_figure(figure))


def _png(figure: Drawing | Plot) -> str:
    """A picture in base64: of what notebooks may hold, what every one of their readers shows."""
    from symderive.documents.pdf import png

    return b64encode(png(typst_figure(figure))).decode()


def _alt_only(_: Drawing | Plot) -> str:
    return ""


def _pdf(source: str) -> bytes:
    from symderive.documents.pdf import typst_pdf

    return typst_pdf(source)


# The table --------------------------------------------------------------------------------------


def _github(node: Node) -> str:
    return latex(node, "github")


WIDE_INLINE = 14.0
"""Width in em from which a formula in a line of text, or in a cell, is set in parts."""


def _in_parts(inline: Callable[[Node], str]) -> Callable[[Node], str]:
    """A long formula as several, parted at its signs: no format breaks a fraction, some nothing."""
    return lambda node: " ".join(map(inline, split(node, WIDE_INLINE)))


_dollars = _in_parts(lambda node: f"${_github(node)}$")

_TYPST = Format(
    "typ",
    ".typ",
    "typ",
    typst_text,
    _in_parts(lambda node: f"#said({literal(said(node))}, ${typst(node)}$)"),
    typst,
    typst_figure,
)

FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("md", ".md", "md", markdown, _dollars, _github, _mermaid),
        Format(
            "tex",
            ".tex",
            "tex",
            latex_text,
            _in_parts(lambda node: f"${latex(node)}$"),
            latex,
            _latex_figure,
        ),
        Format(
            "html",
            ".html",
            "html",
            html_text,
            _in_parts(mathml),
            lambda node: mathml(node).replace("<math", '<math displaystyle="true"', 1),
            _svg,
            joined=_no_comma_first,
        ),
        _TYPST,
        replace(_TYPST, name="pdf", suffix=".pdf", finish=_pdf),
        Format(
            "ipynb",
            ".ipynb",
            "ipynb",
            markdown,
            _dollars,
            _github,
            _png,
            finish=canonical,
            live=True,
        ),
        Format("txt", ".txt", "txt", _visible_lines, plain, plain, _alt_only),
    )
}
"""The formats by name."""
