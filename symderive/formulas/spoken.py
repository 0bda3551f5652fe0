"""Nodes → words: the alternative text of a formula, for those who hear a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderive.formulas.names import GREEK, visible
from symderive.formulas.nodes import (
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
)
from symderive.formulas.signs import BIG, SIGNS, WORDS, spelled

_LETTERS = {letter: word for word, letter in GREEK.items()} | {"∞": "infinity"}
_SIGNS = spelled(SIGNS, WORDS)
_BIG = spelled(BIG, WORDS)
_POWERS = {"2": "squared", "3": "cubed", "′": "prime", "⊤": "transposed"}
_KINDS = {"matmul": "times", "range": "to", "by": "by"}
_POWERS |= {"−1": "inverse", "−⊤": "inverse transposed", "⊙2": "squared element by element"}
_BOLD = {"1": "all-ones", "0": "all-zeros"}
_FENCES = {
    "‖": "the norm of",
    "|": "the absolute value of",
    "⌊": "the floor of",
    "⌈": "the ceiling of",
}
_FUNCTIONS = {"sin": "sine", "cos": "cosine", "tan": "tangent", "exp": "exponential"}
_FUNCTIONS |= {"det": "the determinant", "tr": "the trace", "diag": "the diagonal matrix"}
_NORMS = {"2": "the 2-norm of", "F": "the Frobenius norm of", "∞": "the largest entry of"}


def spoken(node: Node) -> str:
    """The formula in words.

    >>> from symderive.formulas.nodes import partial
    >>> spoken(partial(Id("y"), Id("x")))
    'partial y over partial x'
    """
    return " ".join(_WRITERS[type(node)](node).split())


def _id(node: Id) -> str:
    if node.style == "bf" and node.text in _BOLD:
        return _BOLD[node.text]
    return _LETTERS.get(node.text, visible(node.text))


def _row(node: Row) -> str:
    items = [item for item in node.items if not _is_silent(item, node)]
    return " ".join(map(spoken, items))


def _is_silent(item: Node, parent: Row) -> bool:
    """After ∂/∂x and after a big sign, “of” is said by what stands before it."""
    if not (isinstance(item, Op) and item.kind == "apply"):
        return False
    return isinstance(bare(parent.items[0]), Big)


def _is_short(node: Node) -> bool:
    node = bare(node)
    if isinstance(node, Row):
        return len(node.items) == 2 and all(map(_is_short, node.items))
    if isinstance(node, Script):
        return node.sup is None and _is_short(node.base)
    return isinstance(node, Num | Id | Text | Op | Acc)


def _frac(node: Frac) -> str:
    above, below = spoken(node.numerator), spoken(node.denominator)
    if _is_short(node.numerator) and _is_short(node.denominator):
        return f"{above} over {below}"
    return f"the fraction {above} over {below} end fraction"


def _script(node: Script) -> str:
    norm = getattr(node.base, "left", "") == "‖" and _NORMS.get(getattr(node.sub, "text", ""))
    if norm and isinstance(node.base, Fence):
        text = f"{norm} {spoken(node.base.body)}" + ("" if _is_short(node.base.body) else ", end,")
    else:
        text = spoken(node.base)
    if node.sub is not None and not norm:
        text += f" {spoken(node.sub)}"
    if node.sup is None:
        return text
    name = "".join(getattr(part, "text", "") for part in getattr(node.sup, "items", (node.sup,)))
    if name in _POWERS:
        return f"{text} {_POWERS[name]}"
    end = "" if _is_short(node.sup) else " end power"
    return f"{text} to the power of {spoken(node.sup)}{end}"


def _sqrt(node: Sqrt) -> str:
    kind = "square root" if node.degree is None else f"root of degree {spoken(node.degree)}"
    return f"the {kind} of {spoken(node.body)}" + ("" if _is_short(node.body) else " end root")


def _fence(node: Fence) -> str:
    body = spoken(node.body)
    if node.left in _FENCES and node.right:
        return f"{_FENCES[node.left]} {body}" + ("" if _is_short(node.body) else ", end,")
    opened = "open bracket " if node.left else ""
    return opened + body + (" close bracket" if node.right else "")


def _table(node: Table) -> str:
    rows = "; ".join(", ".join(map(spoken, cells)) for cells in node.rows)
    return f"the matrix with rows {rows} end matrix"


def _cases(node: Cases) -> str:
    return "; ".join(
        spoken(value) + (" otherwise" if test is None else f" if {spoken(test)}")
        for value, test in node.rows
    )


def _big(node: Big) -> str:
    text = _BIG[node.text]
    if node.lower is not None:
        text += (
            f" over {spoken(node.lower)}" if node.upper is None else f" from {spoken(node.lower)}"
        )
    return text + ("" if node.upper is None else f" to {spoken(node.upper)}") + " of"


def _style(node: Style) -> str:
    if node.kind == "cancel":
        return f"cancelled {spoken(node.body)} end cancelled"
    note = "" if node.note is None else f", which is {spoken(node.note)},"
    return spoken(node.body) + note


_WRITERS: dict[type[Node], Callable[[Any], str]] = {
    Num: lambda node: node.text,
    Id: lambda node: _id(node),
    Op: lambda node: _KINDS.get(node.kind) or _SIGNS.get(node.text, node.text),
    Fn: lambda node: _FUNCTIONS.get(node.text) or _LETTERS.get(node.text, node.text),
    Text: lambda node: visible(node.text),
    Name: lambda node: spoken(node.body),
    Row: _row,
    Frac: _frac,
    Script: _script,
    Sqrt: _sqrt,
    Fence: _fence,
    Acc: lambda node: f"{spoken(node.body)} {node.kind}",
    Table: _table,
    Cases: _cases,
    Big: _big,
    Stack: lambda node: " ".join(map(spoken, node.pieces)),
    Style: _style,
}
