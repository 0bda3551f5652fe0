"""Nodes → one line of text: as a terminal shows it, and as a voice reads it.

Plain text is written so that it can be read back: every product has its sign, every call its
brackets, names are the user's own. ``∂A3/∂A1 = A2 − Y``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from symderive.formulas.names import GREEK, visible
from symderive.formulas.nodes import (
    EULER,
    PARTIAL,
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
    Style,
    Table,
    Text,
    bare,
)

_RELATION, _SUM, _NEGATIVE, _PRODUCT, _POWER, _ATOM = range(6)
_SIGNS = {"∧": "and", "∨": "or", "¬": "not ", "⋅": "·", "\u2062": "·"}
_CALLED = {"|": "abs", "⌊": "floor", "⌈": "ceil", "‖": "norm"}

Written = tuple[str, int]


def plain(node: Node) -> str:
    """The formula in one line of readable text.

    >>> plain(Frac(Num("1"), Row((Num("2"), Op("⋅"), Id("x")))))
    '1/(2·x)'
    """
    return _WRITERS[type(node)](node)[0]


def _within(node: Node, level: int) -> str:
    """The node as an operand: in brackets if it is looser than ``level``."""
    text, own = _WRITERS[type(node)](node)
    return text if own >= level else f"({text})"


def _row(node: Row) -> Written:
    items = node.items
    if isinstance(items[0], Big):
        return _big(items[0], items[1:]), _ATOM
    signs = [item for item in items if isinstance(item, Op)]
    level = min((_binding(sign) for sign in signs), default=_ATOM)
    text, operand = "", level
    for position, item in enumerate(items):
        if isinstance(item, Op):
            if item.kind != "apply":
                text += _sign(item)
            elif isinstance(base := bare(items[position - 1]), Script) and isinstance(base.base, Fn):
                text = text.removesuffix(plain(base))
        elif position and isinstance(items[position - 1], Op) and items[position - 1].kind == "apply":
            text += _applied(items[position - 2], item)
        else:
            first = not text
            loosest = max(operand, _PRODUCT) if level == _NEGATIVE or not first else operand
            text += _within(item, loosest if signs else _RELATION)
    return text, level
