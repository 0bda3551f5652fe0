"""Nodes → Typst maths, in function calls only.

``attach`` and ``frac`` are used where Typst has ``_``, ``^`` and ``/``, because the calls cannot be
misread next to other text; every word and every odd character goes into a string literal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderive.formulas.nodes import (
    PRIME,
    Acc,
    Big,
    Cases,
    Fence,
    Fn,
    Frac,
    Id,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Stack,
    Style,
    Table,
    Text,
    color_of,
    merged,
    tall,
)
from symderive.formulas.signs import BIG, DELIMITERS, SIGNS, TYPST, spelled

_SIGNS = spelled(SIGNS, TYPST)
_FUNCTION_WORDS = (
    "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan log ln "
    "exp max min det arg"
)
_FUNCTIONS = frozenset(_FUNCTION_WORDS.split())
_DELIMITERS = spelled(DELIMITERS, TYPST)
_ACCENTS = {
    "hat": "hat",
    "bar": "macron",
    "tilde": "tilde",
    "vec": "arrow",
    "dot": "dot",
    "ddot": "dot.double",
    "check": "caron",
    "breve": "breve",
}
_BIG = spelled(BIG, TYPST)
_FACES = {"rm": "upright", "bf": "bold", "cal": "cal", "bb": "bb", "it": "italic"}


def typst(node: Node) -> str:
    """The formula as Typst maths, without dollar signs.

    >>> typst(Script(Id("A"), Num("1"), Num("2")))
    'attach(A, b: 1, t: 2)'
    """
    return _WRITERS[type(node)](node)


def literal(text: str) -> str:
    """Any text as a Typst string literal."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def _id(node: Id) -> str:
    if len(node.text) > 1:
        return f"{_FACES[node.style]}({literal(node.text)})"
    letter = node.text if node.text.isalpha() or node.text in "∞∇" else literal(node.text)
    return letter if node.style == "it" else f"{_FACES[node.style]}({letter})"


def _op(node: Op) -> str:
    return _SIGNS[node.text] if node.text in _SIGNS else literal(node.text)


def _fn(node: Fn) -> str:
    return node.text if node.text in _FUNCTIONS else f"op({literal(node.text)})"


def _row(node: Row) -> str:
    texts = [text for text in map(typst, node.items) if text]
    if isinstance(node.items[0], Op) and node.items[0].kind == "bin":
        texts.insert(1, "med")  # a line that goes on with a sign: Typst would take it for unary
    return " ".join(texts)


def _script(node: Script) -> str:
    node = merged(node)
    if isinstance(node.base, Row) and isinstance(node.base.items[-1], Fence):
        # diag(x) with an exponent: it sits on the bracket, and diag keeps its space before it
        *front, last = node.base.items
        # (the empty space keeps Typst from spacing an operator from what has a script)
        return " ".join([*map(typst, front), "#h(0pt)", typst(Script(last, node.sub, node.sup))])
    sub = "" if node.sub is None else f", b: {typst(node.sub)}"
    # A prime is raised already: it stands at the top right, not above.
    key = "tr" if node.sup == PRIME else "t"
    sup = "" if node.sup is None else f", {key}: {typst(node.sup)}"
    return f"attach({typst(node.base) or 'zws'}{sub}{sup})"


def _sqrt(node: Sqrt) -> str:
    if node.degree is None:
        return f"sqrt({typst(node.body)})"
    return f"root({typst(node.degree)}, {typst(node.body)})"


def _fence(node: Fence) -> str:
    left, right = _DELIMITERS[node.left], _DELIMITERS[node.right]
    inside = " ".join(part for part in (left, typst(node.body), right) if part)
    if node.size:
        return f"lr(size: #{0.6 + 0.6 * node.size:.1f}em, {inside})"
    grows = (left or right) and (tall(node.body) or node.left in ("|", "‖"))
    return f"lr({inside})" if grows else inside


_FRAME = 'stroke: 0.6pt + rgb("#1f5fa8"), inset: 4pt, radius: 2pt'


def _stack(node: Stack) -> str:
    first, *rest = map(typst, node.pieces)
    lines = (f"$display({line})$" for line in (first, *(f"quad {piece}" for piece in rest)))
    return (
        f"#{{ set par(leading: 0pt); set align(left); stack(spacing: 0.7em, {', '.join(lines)}) }}"
    )


def _table(node: Table) -> str:
    delimiter = literal(node.left) if node.left else "#none"
    rows = "; ".join(", ".join(map(typst, cells)) for cells in node.rows)
    return f"mat(delim: {delimiter}, {rows})"


def _cases(node: Cases) -> str:
    rows = (
        f"{typst(value)} & " + ('"otherwise"' if test is None else f'"if" {typst(test)}')
        for value, test in node.rows
    )
    return f"cases({', '.join(rows)})"


def _big(node: Big) -> str:
    below, above = ("b", "t") if node.limits else ("br", "tr")
    sub = "" if node.lower is None else f", {below}: {typst(node.lower)}"
    sup = "" if node.upper is None else f", {above}: {typst(node.upper)}"
    return f"attach({_BIG[node.text]}{sub}{sup})" if sub or sup else _BIG[node.text]


def _style(node: Style) -> str:
    body = typst(node.body)
    if node.kind == "color":
        return f"text(fill: #rgb({literal(color_of(node))}), {body})"
    if node.kind == "box" and isinstance(node.body, Stack):
        return f"#box({_FRAME}, baseline: 50% - 0.3em, {_stack(node.body)[1:]})"
    if node.kind == "box":
        # Typst lets a tall formula in a line overflow by the leading; here it must not.
        inside = f"{{ set par(leading: 0pt); $display({body})$ }}"
        return f"#box({_FRAME}, {inside})"
    if node.kind == "under":
        note = "" if node.note is None else f", {typst(node.note)}"
        return f"underbrace({body}{note})"
    return {"cancel": f"cancel({body})"}[node.kind]


_WRITERS: dict[type[Node], Callable[[Any], str]] = {
    Num: lambda node: node.text,
    Id: _id,
    Op: _op,
    Fn: _fn,
    Text: lambda node: literal(node.text),
    Name: lambda node: typst(node.body),
    Row: _row,
    Frac: lambda node: f"frac({typst(node.numerator)}, {typst(node.denominator)})",
    Script: _script,
    Sqrt: _sqrt,
    Fence: _fence,
    Acc: lambda node: f"accent({typst(node.body)}, {_ACCENTS[node.kind]})",
    Table: _table,
    Cases: _cases,
    Big: _big,
    Stack: _stack,
    Style: _style,
}
