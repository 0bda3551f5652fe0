"""Nodes → MathML Core: elements that every current browser draws without a script."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from symderive.formulas.names import visible
from symderive.formulas.nodes import (
    ACCENTS,
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

_SPACES = {  # MathML's own dictionary gives these no space, or another
    "bin": ' form="infix"',
    "rel": ' form="infix"',
    "pre": ' form="prefix" lspace="0" rspace="0"',
    "post": ' form="postfix"',
    "ord": ' form="prefix" lspace="0" rspace="0"',
    "times": ' form="infix" lspace="0" rspace="0"',
    "range": ' form="infix" lspace="0" rspace="0"',
    "matmul": ' form="infix" lspace="0" rspace="0"',
}
_INVISIBLE = frozenset("\u2061\u2062\u2063\u2064")
_DOUBLE_STRUCK = {"C": "ℂ", "N": "ℕ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}
_GREEK_BOLD = {chr(0x391 + k): chr(0x1D6A8 + k) for k in range(25)}
_GREEK_BOLD |= {chr(0x3B1 + k): chr(0x1D6C2 + k) for k in range(25)}
_SCRIPT = dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True))


def mathml(node: Node) -> str:
    """The formula as a ``<math>`` element.

    >>> mathml(Num("2"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mn>2</mn></math>'
    """
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{_write(node)}</math>'


def _write(node: Node) -> str:
    return _WRITERS[type(node)](node)


def _text(text: str) -> str:
    return escape(visible(text))


def _id(node: Id) -> str:
    letters = "".join(_face(letter, node.style) for letter in visible(node.text))
    upright = node.style != "it" and len(letters) == 1
    variant = ' mathvariant="normal"' if upright else ""
    return f"<mi{variant}>{escape(letters)}</mi>"


def _face(letter: str, style: str) -> str:
    """A letter of the bold, script or double-struck alphabet of Unicode."""
    if style == "bf" and letter.isascii() and letter.isalnum():
        start = 0x1D7CE - ord("0") if letter.isdigit() else 0x1D400 - ord("A")
        start = 0x1D41A - ord("a") if letter.islower() else start
        return chr(start + ord(letter))
    if style == "bf" and letter in _GREEK_BOLD:
        return _GREEK_BOLD[letter]
    if style == "bb":
        return _DOUBLE_STRUCK.get(letter, letter)
    if style == "cal" and letter.isascii() and letter.isupper():
        return _SCRIPT.get(letter) or chr(0x1D49C - ord("A") + ord(letter))
    return letter


def _op(node: Op) -> str:
    if node.text == "\u2009" or node.kind == "space":
        return '<mspace width="0.17em"></mspace>'
    text = node.text if node.text in _INVISIBLE else _text(node.text)
    return f"<mo{_SPACES.get(node.kind, '')}>{text}</mo>"


def _row(node: Row) -> str:
    parts = []
    for position, item in enumerate(node.items):
        if _is_apply(item) and position and _is_word(node.items[position - 1]):
            # log x needs a space that MathML gives to no identifier; log(x) needs none
            after = node.items[position + 1] if position + 1 < len(node.items) else None
            space = "" if isinstance(after, Fence) else '<mspace width="0.17em"></mspace>'
            parts.append(f"<mo>\u2061</mo>{space}")
            continue
        if _is_word(item) and position and _is_times(node.items[position - 1]):
            parts.append('<mspace width="0.17em"></mspace>')
        parts.append(_write(item))
    return f"<mrow>{''.join(parts)}</mrow>"


def _is_apply(node: Node) -> bool:
    return isinstance(node, Op) and node.text == "\u2061"


def _is_times(node: Node) -> bool:
    return isinstance(node, Op) and node.kind in ("times", "matmul")


def _is_word(node: Node) -> bool:
    """Whether it is, or starts with, a function name such as log."""
    if isinstance(node, Row):
        return _is_word(node.items[0])
    if isinstance(node, Script):
        return _is_word(node.base)
    return isinstance(node, Fn)


def _script(node: Script) -> str:
    node = merged(node)
    base = _write(node.base)
    if node.sup is not None and set(getattr(node.sup, "items", (node.sup,))) == {PRIME}:
        # A prime is a small raised sign by itself: as an exponent it would be too small to see.
        prime = '<mo lspace="0" rspace="0">′</mo>' * len(getattr(node.sup, "items", (node.sup,)))
        return f"<mrow>{_script(Script(node.base, node.sub, None))}{prime}</mrow>"
    if node.sub is not None and node.sup is not None:
        return f"<msubsup>{base}{_write(node.sub)}{_write(node.sup)}</msubsup>"
    if node.sup is not None:
        return f"<msup>{base}{_write(node.sup)}</msup>"
    return base if node.sub is None else f"<msub>{base}{_write(node.sub)}</msub>"


def _sqrt(node: Sqrt) -> str:
    if node.degree is None:
        return f"<msqrt>{_write(node.body)}</msqrt>"
    return f"<mroot>{_write(node.body)}{_write(node.degree)}</mroot>"


def _delimiter(text: str, form: str, stretchy: bool, size: int = 0) -> str:
    if not text:
        return ""
    grows = f'stretchy="{str(stretchy or size > 0).lower()}"'
    if size:
        grows += ' minsize="{0:.1f}em" maxsize="{0:.1f}em"'.format(0.6 + 0.6 * size)
    return f'<mo fence="true" form="{form}" {grows}>{_text(text)}</mo>'


def _fence(node: Fence) -> str:
    grows = tall(node.body)
    left, right = (
        _delimiter(side, form, grows, node.size)
        for side, form in ((node.left, "prefix"), (node.right, "postfix"))
    )
    return f"<mrow>{left}{_write(node.body)}{right}</mrow>"


def _table(node: Table) -> str:
    rows = "".join(
        "<mtr>" + "".join(f"<mtd>{_write(cell)}</mtd>" for cell in cells) + "</mtr>"
        for cells in node.rows
    )
    left, right = (_delimiter(node.left, "prefix", True), _delimiter(node.right, "postfix", True))
    return f"<mrow>{left}<mtable>{rows}</mtable>{right}</mrow>"


def _cases(node: Cases) -> str:
    left = 'style="text-align:left"'
    rows = "".join(
        f"<mtr><mtd {left}>{_write(value)}</mtd><mtd {left}>"
        + (
            "<mtext>otherwise</mtext>"
            if test is None
            else f"<mrow><mtext>if&#160;</mtext>{_write(test)}</mrow>"
        )
        + "</mtd></mtr>"
        for value, test in node.rows
    )
    return f"<mrow>{_delimiter('{', 'prefix', True)}<mtable>{rows}</mtable></mrow>"


def _stack(node: Stack) -> str:
    cells = (
        f'<mtr><mtd style="text-align:left;padding:.25em 0 .25em {1 if k else 0}em">'
        f"{_write(piece)}</mtd></mtr>"
        for k, piece in enumerate(node.pieces)
    )
    return f'<mtable displaystyle="true">{"".join(cells)}</mtable>'


def _big(node: Big) -> str:
    # Bounds stay above and below in running text too, as the node says.
    sign = f'<mo movablelimits="false">{_text(node.text)}</mo>'
    below, above, both = (
        ("munder", "mover", "munderover") if node.limits else ("msub", "msup", "msubsup")
    )
    if node.lower is not None and node.upper is not None:
        return f"<{both}>{sign}{_write(node.lower)}{_write(node.upper)}</{both}>"
    if node.lower is not None:
        return f"<{below}>{sign}{_write(node.lower)}</{below}>"
    return sign if node.upper is None else f"<{above}>{sign}{_write(node.upper)}</{above}>"


def _style(node: Style) -> str:
    body = _write(node.body)
    if node.kind == "color":
        return f'<mrow style="color:{color_of(node)}">{body}</mrow>'
    if node.kind == "under":
        note = "" if node.note is None else _write(node.note)
        brace = f'<munder>{body}<mo stretchy="true">⏟</mo></munder>'
        return f"<munder>{brace}{note}</munder>" if note else brace
    return {  # menclose is no part of MathML Core: the page's style sheet draws the strike
        "cancel": f'<mrow class="cancel">{body}</mrow>',
        "box": f'<mrow class="boxed" style="border:1px solid;padding:.3em .5em">{body}</mrow>',
    }[node.kind]


_WRITERS: dict[type[Node], Callable[[Any], str]] = {
    Num: lambda node: f"<mn>{escape(node.text)}</mn>",
    Id: _id,
    Op: _op,
    Fn: lambda node: f"<mi>{_text(node.text)}</mi>",
    Text: lambda node: f"<mtext>{_text(node.text)}</mtext>",
    Name: lambda node: _write(node.body),
    Row: _row,
    Frac: lambda node: f"<mfrac>{_write(node.numerator)}{_write(node.denominator)}</mfrac>",
    Script: _script,
    Sqrt: _sqrt,
    Fence: _fence,
    Acc: lambda node: (
        f'<mover accent="true">{_write(node.body)}<mo stretchy="false">{ACCENTS[node.kind]}</mo>'
        "</mover>"
    ),
    Table: _table,
    Cases: _cases,
    Big: _big,
    Stack: _stack,
    Style: _style,
}
