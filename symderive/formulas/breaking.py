"""How wide a formula is, and how to break one that is too wide into lines.

``split`` returns pieces that, read one after the other, are the formula: it breaks before a
relation, then before a plus or minus, then between factors, and inside brackets where nothing else
helps. A fraction, a root or an exponent that is too wide is first written as a product or a power:
the same mathematics in a form that can be broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symderive.formulas.nodes import (
    APPLY,
    DOT,
    EULER,
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

_OPERATORS = {"bin": 1.2, "rel": 1.35, "punct": 0.45, "times": 0.05, "apply": 0.17, "space": 0.17}
_SCRIPT = 0.72


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
    if width(node) <= limit:
        return [node]
    match node:
        case Style("box", body, _, _):
            return split(body, limit)
        case Style("color" | "cancel", body, _, _):
            return [replace(node, body=piece) for piece in split(body, limit)]
        case Row(items):
            return _split_row(items, limit)
        case Fence(left, body, right):
            pieces = split(body, limit - 0.9)
            if len(pieces) == 1:
                return [node]
            middle: list[Node] = [Fence("", piece, "") for piece in pieces[1:-1]]
            return [Fence(left, pieces[0], ""), *middle, Fence("", pieces[-1], right)]
        case Script(base, None, sup) if sup is not None and base == EULER:
            return split(Row((Fn("exp"), APPLY, fence(sup))), limit)
        case Script(base, sub, sup):
            pieces = split(base, limit - width(node) + width(base))
            return [*pieces[:-1], Script(pieces[-1], sub, sup)]
        case Frac(numerator, denominator):
            return split(_as_product(numerator, denominator, limit), limit)
        case Sqrt(body, degree):
            exponent = Row((Num("1"), Op("/", "ord"), degree or Num("2")))
            return split(Script(fence(body), None, exponent), limit)
    return [node]


def _as_product(numerator: Node, denominator: Node, limit: float) -> Node:
    """A fraction that is too wide, as a product that can be broken."""
    if width(denominator) < limit / 2:
        return row(Frac(Num("1"), denominator), *([DOT, _bracketed(numerator)]))
    inverse = Script(fence(denominator), None, Row((NEGATIVE, Num("1"))))
    return inverse if numerator == Num("1") else Row((_bracketed(numerator), DOT, inverse))


def _bracketed(node: Node) -> Node:
    """The node as a factor: in brackets if it is a row with signs of its own."""
    if isinstance(node, Row) and any(isinstance(item, Op) for item in node.items):
        return fence(node)
    return node


def _split_row(items: tuple[Node, ...], limit: float) -> list[Node]:
    """Fill lines with the parts between signs; a part that is too wide is broken by itself."""
    lines: list[list[Node]] = [[]]
    for part in _parts(items):
        if lines[-1] and sum(map(width, lines[-1])) + sum(map(width, part)) > limit:
            lines.append([])
        lines[-1].extend(part)
    result: list[Node] = []
    for line in lines:
        result.extend(_split_part(line, limit))
    return result


def _parts(items: tuple[Node, ...]) -> Iterator[list[Node]]:
    """The items between the loosest signs of the row: relations, sums, then products."""
    kinds = {item.kind if item != DOT else "dot" for item in items if isinstance(item, Op)}
    for breaking in ({"rel"}, {"bin"}, {"dot", "times"}):
        if not kinds & breaking:
            continue
        part: list[Node] = []
        for item in items:
            sign = isinstance(item, Op) and (item.kind if item != DOT else "dot") in breaking
            if sign and part:
                yield part
                part = []
            # A product that goes on in the next line shows its sign there.
            part.append(item)
        yield part
        return
    yield list(items)


def _split_part(line: list[Node], limit: float) -> list[Node]:
    """One line: as it is if it fits, else broken inside its widest item."""
    if isinstance(line[0], Op) and line[0].kind == "times":
        line = [DOT, *line[1:]]
    whole = row(*line)
    if width(whole) <= limit:
        return [whole]
    inner = list(_parts(tuple(line)))
    if len(inner) > 1:
        return _split_row(tuple(line), limit)
    widest = max(range(len(line)), key=lambda position: width(line[position]))
    before, after = line[:widest], line[widest + 1 :]
    room = limit - max(sum(map(width, before)), sum(map(width, after)))
    pieces = split(line[widest], room) if room > 2 else [line[widest]]
    if len(pieces) == 1:
        return [whole]
    return [row(*before, pieces[0]), *pieces[1:-1], row(pieces[-1], *after)]
