"""How wide a formula is, and how to break one that is too wide into lines.

``split`` returns pieces that, read one after the other, are the formula: it breaks before a
relation, then before a plus or minus, then between factors, and inside brackets where nothing else
helps. A fraction, a root or an exponent that is too wide is first written as a product or a power:
the same mathematics in a form that can be broken.
"""

from __future__ import annotations

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
    Style,
    Table,
    Text,
    fence,
    row,
)

_OPERATORS = {
    "bin": 1.2,
    "rel": 1.35,
    "punct": 0.45,
    "times": 0.05,
    "matmul": 0.1,
    "apply": 0.17,
    "space": 0.17,
}
_SCRIPT = 0.72
_LEAST = 3.0
"""No line is broken to get fewer em than this."""


def width(node: Node) -> float:
    """An estimate of the width in em, as set in a display."""
    match node:
        case Num(text):
            return 0.5 * len(text)
        case Id(text, style):
            return (0.58 if style == "it" else 0.53) * len(text)
        case Op(text, kind):
            return _OPERATORS.get(kind, 0.6 * len(text))
        case Fn(text):
            return 0.5 * len(text) + 0.1
        case Text(text):
            return 0.5 * len(text)
        case Row(items):
            return sum(map(width, items))
        case Frac(numerator, denominator):
            return max(width(numerator), width(denominator)) + 0.24
        case Script(base, sub, sup):
            return width(base) + _SCRIPT * max(_optional(sub), _optional(sup)) + 0.05
        case Sqrt(body, degree):
            return width(body) + 0.9 + 0.3 * _optional(degree)
        case Fence(left, body, right):
            return width(body) + 0.42 * (len(left) + len(right))
        case Name(_, body) | Acc(_, body):
            return width(body)
        case Table(rows):
            columns = zip(*rows, strict=True)
            return sum(max(map(width, column)) + 1.0 for column in columns) + 0.5
        case Cases(rows):
            values = max(width(value) for value, _ in rows)
            return values + max(_optional(test) for _, test in rows) + 3.5
        case Big(text, lower, upper, limits):
            bounds = _SCRIPT * max(_optional(lower), _optional(upper))
            sign = 1.4 if text == "∑" else 1.0 + 0.2 * (len(text) - 1)
            return (max(sign, bounds) if limits else sign + bounds) + 0.17
        case Style(kind, body, _, note):
            return max(width(body), _SCRIPT * _optional(note)) + (1.0 if kind == "box" else 0.0)
    raise TypeError(f"no width for a node of type {type(node).__name__}")


def _optional(node: Node | None) -> float:
    return 0.0 if node is None else width(node)


def split(node: Node, limit: float) -> list[Node]:
    """The formula in pieces no wider than ``limit`` em, where it can be broken at all.

    Every piece but the first starts with the sign at which the formula was broken.
    """
    return _pieces(node, limit, limit)


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
            return [Fence(left, pieces[0], ""), *pieces[1:-1], Fence("", pieces[-1], right)]
        case Script(base, None, sup) if sup is not None and base == EULER:
            return _pieces(Row((Fn("exp"), APPLY, fence(sup))), limit, first)
        case Script(base, sub, sup):
            scripts = width(node) - width(base)
            pieces = _pieces(base, limit - scripts, first)
            return [*pieces[:-1], Script(pieces[-1], sub, sup)]
        case Frac(numerator, denominator):
            return _pieces(_as_product(numerator, denominator, limit), limit, first)
        case Sqrt(body, degree):
            exponent = Row((Num("1"), Op("/", "ord"), degree or Num("2")))
            return _pieces(Script(fence(body), None, exponent), limit, first)
    return [node]


def _as_product(numerator: Node, denominator: Node, limit: float) -> Node:
    """A fraction that is too wide, as a product that can be broken."""
    if width(denominator) < limit / 2:
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
        if wide > room and lines[-1] and (wide <= limit or room < limit / 3):
            lines.append([])
            room = limit
        if lines[-1] == [] and len(lines) > 1:
            part = _continued(part)
        broken = [part] if wide <= room else _broken(part, limit, room)
        lines[-1] += broken[0]
        lines += broken[1:]
        used = sum(map(width, lines[-1]))
        room = (first if len(lines) == 1 else limit) - used
    return lines


def _continued(part: list[Node]) -> list[Node]:
    """A product that goes on in the next line shows its sign there."""
    sign = part[0]
    invisible = isinstance(sign, Op) and sign.kind in ("times", "matmul")
    return [DOT, *part[1:]] if invisible else part


def _parts(items: Sequence[Node]) -> list[list[Node]]:
    """The items between the loosest signs of the row: relations, sums, then products."""
    kinds = {_kind(item) for item in items[1:]}
    for breaking in ({"rel"}, {"bin"}, {"entrywise"}, {"dot", "times", "matmul"}):
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
    pieces = _pieces(part[widest], limit - behind, room)
    lines = [list(piece.items) if isinstance(piece, Row) else [piece] for piece in pieces]
    if len(pieces) == 1:
        return [[*before, pieces[0], *after]]
    lines[0] = before + lines[0]
    lines[-1] = lines[-1] + after
    return lines
