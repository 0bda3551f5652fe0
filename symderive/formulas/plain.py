"""Nodes → one line of text, as a terminal shows it.

Plain text is written so that it can be read back: every product has its sign, every call its
brackets, and names are the user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symderive.formulas.names import visible
from symderive.formulas.nodes import (
    APPLY,
    EULER,
    ONES,
    PRIME,
    ZEROS,
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
    bare,
    fence,
    is_derivative,
    of_parts,
)

_LIST, _LOGIC, _RELATION, _SUM, _NEGATIVE, _ENTRYWISE, _PRODUCT, _POWER, _ATOM = range(9)

_BINDING: dict[str, tuple[int, int]] = {
    "punct": (_LIST, _LIST),
    "rel": (_RELATION, _SUM),
    "bin": (_SUM, _ENTRYWISE),
    "pre": (_NEGATIVE, _ENTRYWISE),
    "times": (_PRODUCT, _PRODUCT),
    "matmul": (_PRODUCT, _PRODUCT),
    "word": (_LIST, _LIST),
    "range": (_LIST, _SUM),
    "post": (_POWER, _LIST),
    "∧": (_LOGIC, _RELATION),
    "∨": (_LOGIC, _RELATION),
    "¬": (_LOGIC, _ATOM),
    "⋅": (_PRODUCT, _PRODUCT),
    "⊙": (_ENTRYWISE, _PRODUCT),
    "⊘": (_ENTRYWISE, _PRODUCT),
    "⊗": (_ENTRYWISE, _PRODUCT),
    "/": (_PRODUCT, _POWER),
    "!": (_POWER, _LIST),
}
"""How tightly a sign binds, and how tight its right operand must be; by sign, else by kind."""

_SIGNS = {
    "∧": " and ",
    "∨": " or ",
    "¬": "not ",
    "⋅": "·",
    "\u2062": "·",
    "\u2063": ", ",
    "×": " × ",
    ",": ", ",
    ";": "; ",
    "\u2009": " ",
}
_CALLED = {"|": "abs", "⌊": "floor", "⌈": "ceil"}
_RAISED = {"⊤": "ᵀ", "−⊤": "⁻ᵀ", "−1": "⁻¹"}

_ID = {EULER: "exp(1)", ONES: "𝟏", ZEROS: "𝟎"}

Written = tuple[str, int]


def plain(node: Node) -> str:
    """The formula in one line of readable text.

    >>> plain(Frac(Num("1"), Row((Num("2"), Op("⋅"), Id("x")))))
    '1/(2·x)'
    """
    return _WRITERS[type(node)](node)[0]


def _within(node: Node | Written, level: int) -> str:
    """An operand: in brackets if it is looser than ``level``."""
    text, own = _WRITERS[type(node)](node) if isinstance(node, Node) else node
    return text if own >= level else f"({text})"


def in_line(node: Node) -> Node:
    """The formula with fractions, powers of e and cases as rows of signs, as plain text has them.

    >>> in_line(Frac(Id("x"), Num("2"))) == Row((Id("x"), OVER, Num("2")))
    True
    """
    if isinstance(node, Fence) and isinstance(node.body, Cases) and node.left == "(":
        return in_line(node.body)
    made = of_parts(node, in_line)
    if isinstance(made, Frac) and not is_derivative(made):
        above, below = made.numerator, made.denominator
        if _needs_bracket(above):
            above = fence(above)
        sums = isinstance(above, Row) and any(isinstance(item, Big) for item in above.items)
        items = above.items if isinstance(above, Row) and not sums else (above,)
        below = below if _WRITERS[type(below)](below)[1] >= _POWER else fence(below)
        return Row((*items, OVER, below))
    if isinstance(made, Script) and made.base == EULER and made.sub is None and made.sup:
        return Row((Fn("exp"), APPLY, fence(made.sup)))
    if isinstance(made, Cases):
        parts: list[Node] = []
        for value, test in made.rows:
            parts += [*([Op("else", "word")] if parts else []), value]
            parts += [] if test is None else [Op("if", "word"), test]
        return fence(Row(tuple(parts)))
    return made


OVER = Op("/", "over")


def _needs_bracket(above: Node) -> bool:
    own = _WRITERS[type(above)](above)[1]
    inside = bare(above)
    return own < _PRODUCT or (isinstance(inside, Row) and OVER in inside.items)


def _row(node: Row) -> Written:
    parts = _calls(node.items)
    if len(parts) == 1:
        return _WRITERS[type(parts[0])](parts[0]) if isinstance(parts[0], Node) else parts[0]
    text, level, needed = "", _ATOM, _LIST
    for position, part in enumerate(parts):
        if isinstance(part, Op):
            own, needed = _binding(part)
            level = min(level, own)
            text += _sign(part)
        else:
            following = parts[position + 1] if position + 1 < len(parts) else None
            after = _binding(following)[0] if isinstance(following, Op) else _LIST
            text += _within(part, max(needed, after))
            needed = _LIST
    return text, level


def _calls(items: Sequence[Node]) -> list[Node | Written]:
    """The items with each function and its argument made one operand."""
    parts: list[Node | Written] = []
    position = 0
    while position < len(items):
        item = items[position]
        applied = isinstance(item, Op) and item.kind == "apply"
        if isinstance(item, Big):
            return [*parts, (_big(item, items[position + 1 :]), _ATOM)]
        if applied and parts and position + 1 < len(items) and isinstance(parts[-1], Node):
            parts[-1] = _call(parts[-1], items[position + 1])
            position += 1
        elif not applied:
            parts.append(item)
        position += 1
    return parts


def _call(head: Node, body: Node) -> Written:
    bracketed = isinstance(body, Fence) and (body.left or body.right) and body.left != "|"
    argument = plain(body) if bracketed else f"({plain(body)})"
    function = bare(head)
    if isinstance(function, Script) and isinstance(function.base, Fn) and function.sup is not None:
        sub = "" if function.sub is None else f"_{plain(function.sub)}"
        return f"{function.base.text}{sub}{argument}^{_within(function.sup, _ATOM)}", _POWER
    return f"{plain(head)}{argument}", _ATOM


def _big(sign: Big, rest: Sequence[Node]) -> str:
    items = [item for item in rest if item != APPLY]
    if len(items) == 1 and isinstance(items[0], Fence) and items[0].left == "(":
        items = [items[0].body]
    body = "".join(map(plain, items)).strip()
    if sign.lower is None:
        return f"{sign.text}({body})"
    bounds = plain(sign.lower) + ("" if sign.upper is None else f"..{_within(sign.upper, _SUM)}")
    return f"{sign.text}({body}, {bounds})"


def _binding(sign: Op) -> tuple[int, int]:
    if sign.kind == "matmul":
        return _BINDING["matmul"]
    return _BINDING.get(sign.text) or _BINDING.get(sign.kind, (_ATOM, _LIST))


def _sign(sign: Op) -> str:
    if sign.kind == "matmul":
        return " @ "
    text = _SIGNS.get(sign.text, sign.text)
    return f" {text} " if sign.kind in ("bin", "rel", "word") and sign.text not in _SIGNS else text


def _frac(node: Frac) -> Written:
    above, own = _WRITERS[type(node.numerator)](node.numerator)
    if own < _PRODUCT or isinstance(bare(node.numerator), Frac):
        above = f"({above})"
    return f"{above}/{_within(node.denominator, _POWER)}", _PRODUCT


def _script(node: Script) -> Written:
    if node.base == EULER and node.sub is None and node.sup is not None:
        return f"exp({plain(node.sup)})", _ATOM
    base = _within(_unfenced(node.base), _ATOM)
    if node.sub is not None:
        sub = plain(node.sub)
        several = isinstance(node.base, Name) or isinstance(node.sub, Row)
        base += f"[{sub}]" if several else f"_{sub}"
    if node.sup is None:
        return base, _ATOM
    if all(part == PRIME for part in getattr(node.sup, "items", (node.sup,))):
        return base + plain(node.sup), _ATOM
    if raised := _RAISED.get(plain(node.sup)):
        return base + raised, _ATOM
    return f"{base}^{_within(node.sup, _ATOM)}", _POWER


def _unfenced(node: Node) -> Node:
    """What is in the brackets, if its own text has brackets: (log x)² is log(x)^2."""
    while isinstance(node, Fence) and (node.left, node.right) == ("(", ")"):
        if _WRITERS[type(node.body)](node.body)[1] < _ATOM:
            break
        node = node.body
    return node


def _sqrt(node: Sqrt) -> Written:
    if node.degree is None:
        return f"sqrt({plain(node.body)})", _ATOM
    return f"{_within(node.body, _ATOM)}^(1/{plain(node.degree)})", _POWER


def _fence(node: Fence) -> Written:
    body = plain(node.body)
    if isinstance(node.body, Cases) and node.left == "(":
        return body, _ATOM
    if node.left in _CALLED and node.right:
        return f"{_CALLED[node.left]}({body})", _ATOM
    return f"{node.left}{body}{node.right}", _ATOM


def _table(node: Table) -> Written:
    if node.left == "(" and len(node.rows) == 2 and len(node.rows[0]) == 1:
        return f"binomial({plain(node.rows[0][0])}, {plain(node.rows[1][0])})", _ATOM
    rows = "; ".join(", ".join(map(plain, cells)) for cells in node.rows)
    return f"{node.left}{rows}{node.right}", _ATOM


def _cases(node: Cases) -> Written:
    text = ""
    for value, test in node.rows:
        if text:
            text += " else "
        text += plain(value) + ("" if test is None else f" if {plain(test)}")
    return f"({text})", _ATOM


def _style(node: Style) -> Written:
    return _WRITERS[type(node.body)](node.body)


_WRITERS: dict[type[Node], Callable[[Any], Written]] = {
    Num: lambda node: (node.text, _ATOM),
    Id: lambda node: (_ID.get(node, node.text), _ATOM),
    Op: lambda node: (_sign(node).strip(), _ATOM),
    Fn: lambda node: (node.text, _ATOM),
    Text: lambda node: (visible(node.text), _ATOM),
    Name: lambda node: (visible(node.text), _ATOM),
    Row: _row,
    Frac: _frac,
    Script: _script,
    Sqrt: _sqrt,
    Fence: _fence,
    Acc: lambda node: (f"{plain(node.body)}_{node.kind}", _ATOM),
    Table: _table,
    Cases: _cases,
    Big: lambda node: (_big(node, ()), _ATOM),
    Stack: lambda node: ("".join(map(plain, node.pieces)), _ATOM),
    Style: _style,
}
