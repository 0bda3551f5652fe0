"""How wide a formula is, and how to break one that is too wide into lines.

``split`` returns pieces that, read one after the other, are the formula: it breaks before a
relation, then before a plus or minus, then between factors, and inside brackets where nothing else
helps. A fraction, a root or an exponent that is too wide is first written as a product or a power:
the same mathematics in a form that can be broken.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace

from symderive.formulas.nodes import (
    APPLY,
    DIVIDED,
    DOT,
    EULER,
    HADAMARD,
    KRON,
    NEGATIVE,
    TRANSPOSE,
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
    fence,
    high,
    is_derivative,
    row,
    tall,
)

_LETTERS = {
    0.3: "l ijtfI.,:;!'|()[]",
    0.4: "rszcea?-",
    0.5: "goJ0123456789/",
    0.55: "bdhknpquvxyS",
    0.64: "LFZ",
    0.75: "wABCDEGHKNOPQRTUVXY",
    0.9: "mM",
    1.05: "W",
}
"""Letters of text by their width in em, a little above what they take in Computer Modern."""
_SLANTED = {
    0.3: "l",
    0.36: "itι",
    0.44: "bcejrszδεξ",
    0.5: "doqvyghpIζηθτρ",
    0.59: "anuxfkαβγκλμνπσφ",
    0.65: "FJLSZχψω",
    0.74: "wABCEGOPQRTUVXY",
    0.88: "mDHKN",
    1.05: "MW",
}
_WIDTHS = {
    upright: {letter: wide for wide, letters in rows.items() for letter in letters}
    for upright, rows in ((True, _LETTERS), (False, _SLANTED))
}
_SIGNS = {"⋅": 0.28, "∂": 0.57, "∞": 1.0, "′": 0.35, "…": 1.17, "/": 0.5, "!": 0.28, "→": 1.0}
_BESIDE = {"bin": 0.45, "rel": 0.56}
_INVISIBLE = ("times", "matmul", "apply", "space")
_SIZES = (1.0, 1.0, 0.71, 0.5)
DISPLAY, INLINE, SCRIPT = 0, 1, 2
"""How large a formula is set: in a display, in a line of text, in an index or exponent."""
_BAR, _ROOT, _SCRIPT_SPACE, _BRACE, _COLUMN, _INDENT = 0.44, 1.0, 0.08, 1.8, 1.0, 1.0
_LEAST = 3.0
"""No line is broken to get fewer em than this."""


def width(node: Node, style: int = DISPLAY) -> float:
    """An estimate of the width in em, with the sizes and spaces that TeX and MathJax give.

    >>> width(Num("12")) == width(Script(Num("1"), Num("2"))) + 0.5 - 0.355 - 0.08
    True
    """
    size = _SIZES[min(style, 3)]
    script = max(style + 1, SCRIPT)
    match node:
        case Num(text):
            return 0.5 * size * len(text)
        case Id(text, face):
            return size * _of_letters(text, upright=face != "it" or len(text) > 1)
        case Op(text, kind):
            return _of_sign(text, kind, style)
        case Fn(text) | Text(text):
            return size * _of_letters(text, upright=True)
        case Row(items):
            return sum(width(item, style) for item in items)
        case Frac(numerator, denominator):
            return max(width(numerator, style + 1), width(denominator, style + 1)) + _BAR
        case Script(base, sub, sup):
            scripts = max(_optional(sub, script), _optional(sup, script))
            return width(base, style) + scripts + _SCRIPT_SPACE
        case Sqrt(body, degree):
            return width(body, style) + _ROOT * size + max(_optional(degree, 3) - 0.3, 0.0)
        case Fence(left, body, right):
            sides = len(left) + len(right)
            return width(body, style) + sides * size * _of_bracket(body, style)
        case Name(_, body) | Acc(_, body):
            return width(body, style)
        case Table(rows):
            columns = [max(width(cell, INLINE) for cell in c) for c in zip(*rows, strict=True)]
            ends = 0.6 if len(rows) == 1 else 1.4
            return size * (sum(columns) + _COLUMN * (len(columns) - 1) + ends)
        case Cases(rows):
            values = max(width(value, INLINE) for value, _ in rows)
            tests = max(4.0 if t is None else 0.9 + width(t, INLINE) for _, t in rows)
            return size * (values + tests + _COLUMN + 0.9)
        case Big(text, lower, upper, limits):
            bounds = max(_optional(lower, script), _optional(upper, script))
            large = text == "∑" and style == DISPLAY
            sign = 1.45 if large else size * (0.8 + 0.2 * len(text))
            return (max(sign, bounds) if limits and style == DISPLAY else sign + bounds) + 0.17
        case Stack(pieces):
            return max(width(piece, style) for piece in pieces) + _INDENT
        case Style(kind, body, _, note):
            least = _BRACE if kind == "under" else 0.0
            wide = max(width(body, style), _optional(note, script), least)
            return wide + {"box": 0.55, "cancel": 0.3}.get(kind, 0.0)
    raise TypeError(f"no width for a node of type {type(node).__name__}")


def _optional(node: Node | None, style: int) -> float:
    return 0.0 if node is None else width(node, style)


def _of_letters(text: str, *, upright: bool) -> float:
    """Letters of other alphabets are as wide as they can be."""
    return sum(_WIDTHS[upright].get(letter, 0.8 if letter < "⺀" else 1.0) for letter in text)


def _of_sign(text: str, kind: str, style: int) -> float:
    if kind in _INVISIBLE:
        return 0.17 if kind == "apply" or text == "\u2009" else 0.0
    size = _SIZES[min(style, 3)]
    if kind == "punct":
        return size * 0.28 + (0.17 if style < SCRIPT else 0.0) if text.strip("\u2063") else 0.0
    sign = _of_letters(text, upright=True) if text.isalpha() else _SIGNS.get(text, 0.78 * len(text))
    return size * sign + (_BESIDE.get(kind, 0.0) if style < SCRIPT else 0.0)


def _of_bracket(body: Node, style: int) -> float:
    """A bracket grows with what it holds, and has a space beside it then."""
    if not tall(body):
        return 0.39
    return (0.79 if style == DISPLAY else 0.46) + (0.17 if style < SCRIPT else 0.0)


def split(node: Node, limit: float) -> list[Node]:
    """The formula in pieces no wider than ``limit`` em, where it can be broken at all.

    Every piece but the first starts with the sign at which the formula was broken.
    """
    return _pieces(node, limit, limit)


def framed(node: Node, limit: float) -> list[Node]:
    """The same; a formula in a frame keeps it, unless it has more lines than one frame can hold."""
    if not isinstance(node, Style) or node.kind != "box" or width(node) <= limit:
        return split(node, limit)
    pieces = split(node.body, limit - width(replace(node, body=Row(()))) - _INDENT)
    if not 1 < len(pieces) <= MAX_FRAMED:
        return split(node, limit)
    return [replace(node, body=Stack(tuple(pieces)))]


MAX_FRAMED = 8
"""Lines that one frame holds: it cannot be parted between pages."""


def _pieces(node: Node, limit: float, first: float) -> list[Node]:
    """The pieces of a node whose first line has room for ``first`` em only."""
    if width(node) <= first:
        return [node]
    match node:
        case Style("box", body, _, _):
            return _pieces(body, limit, first)
        case Style("color" | "cancel", body, _, _):
            return [replace(node, body=piece) for piece in _pieces(body, limit, first)]
        case Row(items):
            return [row(*line) for line in _filled(items, limit, first)]
        case Fence(left, body, right):
            pieces = _pieces(body, limit - 0.9, first - 0.45)
            if len(pieces) == 1:
                return [node]
            # The bracket that opens in one line is as large as the one that closes in another.
            size = node.size or (bisect((1.5, 2.0, 2.6), high(body)) + 1 if tall(body) else 0)
            ends = Fence(left, pieces[0], "", size), Fence("", pieces[-1], right, size)
            opening, closing = (end if end.left + end.right else end.body for end in ends)
            return [opening, *pieces[1:-1], closing]
        case Script(base, None, sup) if sup is not None and base == EULER:
            return _pieces(Row((Fn("exp"), APPLY, fence(sup))), limit, first)
        case Script(Table((cells,)) as vector, None, sup) if sup == TRANSPOSE:
            return [replace(vector, rows=tuple((cell,) for cell in cells))]
        case Script(base, sub, sup):
            scripts = width(node) - width(base)
            pieces = _pieces(base, limit - scripts, first)
            return [*pieces[:-1], Script(pieces[-1], sub, sup)]
        case Frac(numerator, denominator) if not is_derivative(node):
            return _pieces(_as_product(numerator, denominator, limit), limit, first)
        case Sqrt(body, degree):
            exponent = Row((Num("1"), Op("/", "ord"), degree or Num("2")))
            return _pieces(Script(fence(body), None, exponent), limit, first)
    return [node]


def _as_product(numerator: Node, denominator: Node, limit: float) -> Node:
    """A fraction that is too wide, as a product that can be broken."""
    if width(denominator) < limit / 2 and numerator != Num("1"):
        return Row((Frac(Num("1"), denominator), DOT, *_factors(numerator)))
    inverse = Script(fence(denominator), None, Row((NEGATIVE, Num("1"))))
    return inverse if numerator == Num("1") else Row((*_factors(numerator), DOT, inverse))


def _factors(node: Node) -> tuple[Node, ...]:
    """The items of a product; anything looser as one factor in brackets."""
    if not isinstance(node, Row):
        return (node,)
    loose = any(
        isinstance(item, Op) and item.kind in ("bin", "rel", "pre") and item != DOT
        for item in node.items
    )
    return (fence(node),) if loose else node.items


def _filled(items: Sequence[Node], limit: float, first: float) -> list[list[Node]]:
    """Lines filled with the parts between signs; a part too wide for any line is broken itself."""
    lines: list[list[Node]] = [[]]
    room = first
    for part in _parts(items):
        wide = sum(map(width, part))
        whole = wide <= limit and not (room > 0.45 * limit and _holds_a_sum(part))
        if wide > room and lines[-1] and (whole or room < limit / 3):
            lines.append([])
            room = limit
        broken = _broken(part, limit, room) if wide > room else [part]
        if lines[-1] and sum(map(width, broken[0])) > room:  # it cannot be broken there
            lines.append([])
            room = limit
            broken = _broken(part, limit, room) if wide > room else [part]
        if lines[-1] == [] and len(lines) > 1:
            broken[0] = _continued(broken[0])
        lines[-1] += broken[0]
        lines += broken[1:]
        used = sum(map(width, lines[-1]))
        room = (first if len(lines) == 1 else limit) - used
    return lines


def _holds_a_sum(part: Sequence[Node]) -> bool:
    """Whether a factor is a sum in brackets: that is broken rather than a line left half empty."""
    last = part[-1]
    if _kind(part[0]) not in _PRODUCTS or not isinstance(last, Fence):
        return False
    return isinstance(last.body, Row) and any(_kind(item) == "bin" for item in last.body.items[1:])


def _continued(part: list[Node]) -> list[Node]:
    """A product that goes on in the next line shows its sign there."""
    sign = part[0]
    invisible = isinstance(sign, Op) and sign.kind in ("times", "matmul")
    return [DOT, *part[1:]] if invisible else part


_PRODUCTS = {"dot", "times", "matmul", "over"}


def _parts(items: Sequence[Node]) -> list[list[Node]]:
    """The items between the loosest signs of the row: relations, sums, then products."""
    kinds = {_kind(item) for item in items[1:]}
    for breaking in ({"word"}, {"rel"}, {"bin"}, {"entrywise"}, _PRODUCTS):
        if kinds & breaking:
            parts: list[list[Node]] = [[]]
            for item in items:
                if parts[-1] and _kind(item) in breaking:
                    parts.append([])
                parts[-1].append(item)
            return parts
    return [list(items)]


def _kind(item: Node) -> str:
    if not isinstance(item, Op):
        return ""
    if item in (HADAMARD, DIVIDED, KRON):
        return "entrywise"
    return "dot" if item == DOT else item.kind


def _broken(part: list[Node], limit: float, first: float) -> list[list[Node]]:
    """A part that is too wide: at its own signs, else inside its widest item."""
    if len(_parts(part)) > 1:
        return _filled(part, limit, first)
    widest = max(range(len(part)), key=lambda position: width(part[position]))
    before, after = part[:widest], part[widest + 1 :]
    behind = sum(map(width, after))
    room = first - sum(map(width, before))
    if room < _LEAST or limit - behind < _LEAST:
        return [part]
    item = part[widest]
    if isinstance(item, Frac) and any(map(is_derivative, before[-2:-1])):
        item = fence(_as_product(item.numerator, item.denominator, limit))
    pieces = _pieces(item, limit - behind, room)
    lines = [list(piece.items) if isinstance(piece, Row) else [piece] for piece in pieces]
    if len(pieces) == 1:
        return [[*before, pieces[0], *after]]
    lines[0] = before + lines[0]
    lines[-1] = lines[-1] + after
    return lines
