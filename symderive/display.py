"""How objects show themselves in a notebook: formulas in LaTeX, tables and verdicts in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from sympy import Basic

MAX_ROWS = 60
"""Rows of a table that are shown; of more, the first ones and how many are left out."""

MARKS = {"proved": "\\checkmark", "sampled": "\\approx", "refuted": "\\times"}
"""What a line of a derivation ends with, by verdict."""


def latex_of(formula: Basic, names: Sequence[str] = ()) -> str:
    """A formula in LaTeX; what was put in an order on purpose keeps it.

    >>> from sympy import Symbol
    >>> latex_of(Symbol("A2") * (1 - Symbol("A2")))
    'A_2(1 - A_2)'
    """
    from symderive.formulas.latex import latex
    from symderive.formulas.printing import tree

    return latex(tree(formula, names, written=None))


def partial_latex(target: str, source: str) -> str:
    """∂target/∂source in LaTeX."""
    from symderive.formulas.latex import latex
    from symderive.formulas.tree import name_node, partial

    return latex(partial(name_node(target), name_node(source)))


def shown(latex: str) -> str:
    """LaTeX as a notebook takes it."""
    return f"$\\displaystyle {latex}$"


def aligned(rows: Iterable[tuple[str, str, str]]) -> str:
    """Lines of a derivation, each (left, right, reason), one under the other."""
    lines = [f"{left} &= {right} && {reason}".rstrip() for left, right, reason in rows]
    return shown("\\begin{aligned}" + " \\\\ ".join(lines) + "\\end{aligned}")


def words(text: str, mark: str = "") -> str:
    """A reason in LaTeX, with the mark of its verdict."""
    plain = text.translate(_ESCAPED)
    parts = [f"\\text{{{plain}}}" if plain else "", MARKS.get(mark, "")]
    return "\\;".join(part for part in parts if part)


_ESCAPED = str.maketrans({c: f"\\{c}" for c in "&%#_{}$"} | {"\\": "/", "^": " ", "~": " "})


def table(header: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """A table in HTML; every cell is text.

    >>> table(["name", "value"], [["a<b", 1]])
    '<table><thead><tr><th>name</th><th>value</th></tr></thead>\
<tbody><tr><td>a&lt;b</td><td>1</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    told = [*rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        told.append([f"… {len(rows) - MAX_ROWS} more", *[""] * (len(header) - 1)])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in told
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def as_lists(value: Any) -> Any:
    """A number as it is, an array as nested lists."""
    return value.tolist() if hasattr(value, "tolist") else value


def number(value: object) -> str:
    """A number to six digits; an array as NumPy writes it."""
    return f"{value:.6g}" if isinstance(value, float | int) else str(value)
