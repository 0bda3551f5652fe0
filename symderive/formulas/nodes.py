"""The presentation tree: what a formula looks like, before any notation writes it down.

A formula is turned into nodes once (``printing``) and every output writes the same nodes: LaTeX,
Typst, MathML, plain and spoken text. Colour, cancelling and boxes therefore survive everywhere,
and text from a user reaches an emitter only as the text of a node, which the emitter escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from symderive.errors import UnknownChoiceError


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a formula."""


@dataclass(frozen=True, slots=True)
class Num(Node):
    """An unsigned number, as its digits."""

    text: str


@dataclass(frozen=True, slots=True)
class Id(Node):
    """An identifier: ``it`` italic, ``rm`` upright, ``bf`` bold, ``cal``, ``bb``."""

    text: str
    style: str = "it"


@dataclass(frozen=True, slots=True)
class Op(Node):
    """A sign of a kind: ``bin``, ``rel``, ``pre``, ``post``, ``punct`` or ``ord``.

    Or an invisible one: ``times`` (a product by juxtaposition), ``matmul`` (one of matrices),
    ``apply`` (a function and its argument), ``space``.
    """

    text: str
    kind: str = "bin"


@dataclass(frozen=True, slots=True)
class Fn(Node):
    """The name of a function or operator: upright, set apart as ``log`` is."""

    text: str


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Words, or a name that is no identifier: always escaped, never markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name as the user wrote it, and how it is shown: ``w_1`` and w with an index."""

    text: str
    body: Node


@dataclass(frozen=True, slots=True)
class Row(Node):
    """Nodes side by side. A row inside a row is one operand of it."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Frac(Node):
    """A fraction."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True, slots=True)
class Script(Node):
    """A base with an index, an exponent or both."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None


@dataclass(frozen=True, slots=True)
class Sqrt(Node):
    """A root; ``degree`` is None for the square root."""

    body: Node
    degree: Node | None = None


@dataclass(frozen=True, slots=True)
class Fence(Node):
    """Something between delimiters.

    Of a formula broken over lines one is empty, which is not drawn, and the other has the ``size``
    that it would have around all of it: 1 to 4, as big to Bigg in TeX; 0 as its body asks for.
    """

    left: str
    body: Node
    right: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Acc(Node):
    """An accent over something: a row of ``ACCENTS``."""

    kind: str
    body: Node


@dataclass(frozen=True, slots=True)
class Table(Node):
    """A matrix, or a pile of formulas where the delimiters are empty."""

    rows: tuple[tuple[Node, ...], ...]
    left: str = "["
    right: str = "]"


@dataclass(frozen=True, slots=True)
class Cases(Node):
    """Value and condition of each case, of which the first that holds counts; none: otherwise."""

    rows: tuple[tuple[Node, Node | None], ...]


def choice(*rows: tuple[Node, Node | None]) -> Cases:
    """Cases; those that stand where none of the others holds come below these."""
    *first, (value, test) = rows
    if test is None and isinstance(value, Cases):
        return Cases((*first, *value.rows))
    return Cases(rows)


@dataclass(frozen=True, slots=True)
class Big(Node):
    """∑, ∏, ∫ or lim with bounds: above and below (``limits``) or beside it."""

    text: str
    lower: Node | None = None
    upper: Node | None = None
    limits: bool = True


@dataclass(frozen=True, slots=True)
class Style(Node):
    """A marked part: ``color`` (arg: a role of ``COLORS``), ``cancel``, ``box`` or ``under``.

    ``under`` is a brace below the part with ``note`` under it.
    """

    kind: str
    body: Node
    arg: str = ""
    note: Node | None = None


@dataclass(frozen=True, slots=True)
class Stack(Node):
    """The pieces of a formula that is broken over lines, one below the other as a whole."""

    pieces: tuple[Node, ...]


COLORS: dict[str, str] = {
    "first": "#1f4e9c",
    "second": "#a84300",
    "third": "#1b6e3c",
    "fourth": "#7b2d8b",
    "result": "#0b6169",
    "wrong": "#b3261e",
    "muted": "#5f6368",
}
"""What a colour is for, and the colour: all of them readable on white (contrast 5:1 or more)."""

ACCENTS: dict[str, str] = {
    "hat": "^",
    "bar": "¯",
    "tilde": "~",
    "vec": "→",
    "dot": "˙",
    "ddot": "¨",
    "check": "ˇ",
    "breve": "˘",
}
"""Name of an accent (LaTeX's own) and the sign that stands over the base."""

TIMES = Op("\u2062", "times")
DOT = Op("⋅")
APPLY = Op("\u2061", "apply")
APPLY_SPACED = Op("\u2009", "apply")
MATMUL, MATMUL_SPACED = Op("\u2062", "matmul"), Op("\u2009", "matmul")
BESIDE = Op("\u2063", "punct")  # between two indices that need no comma: X with ij
HADAMARD, DIVIDED, KRON = Op("⊙"), Op("⊘"), Op("⊗")
TRANSPOSE = Op("⊤", "ord")
ONES, ZEROS = Id("1", "bf"), Id("0", "bf")
PLUS, MINUS, NEGATIVE = Op("+"), Op("−"), Op("−", "pre")
EQUALS, COMMA = Op("=", "rel"), Op(",", "punct")
PARTIAL, PRIME = Op("∂", "ord"), Op("′", "ord")
EULER, THIN = Id("e", "rm"), Op("\u2009", "space")


def of_parts(node: Node, made: Callable[[Node], Node]) -> Any:
    """The node, with what is made of each node directly inside in the place of that.

    >>> of_parts(Frac(Id("x"), Num("2")), fence).denominator
    Fence(left='(', body=Num(text='2'), right=')', size=0)
    """
    parts = {part.name: getattr(node, part.name) for part in fields(node)}
    held = {name: part for name, part in parts.items() if isinstance(part, Node | tuple)}
    return replace(node, **{name: _made(part, made) for name, part in held.items()})


def walk(part: Any) -> Iterator[Node]:
    """A formula and every node inside."""
    if isinstance(part, tuple):
        for inner in part:
            yield from walk(inner)
    elif isinstance(part, Node):
        yield part
        for held in fields(part):
            yield from walk(getattr(part, held.name))


def _made(part: Any, made: Callable[[Node], Node]) -> Any:
    if isinstance(part, tuple):
        return tuple(_made(inner, made) for inner in part)
    return made(part) if isinstance(part, Node) else part


def color_of(node: Style) -> str:
    """The colour of a marked part."""
    if node.arg not in COLORS:
        raise UnknownChoiceError("colour", node.arg, COLORS)
    return COLORS[node.arg]


def row(*items: Node) -> Node:
    """The nodes side by side; a single one stays itself."""
    return items[0] if len(items) == 1 else Row(items)


def fence(body: Node, left: str = "(", right: str = ")") -> Fence:
    """The node in brackets."""
    return Fence(left, body, right)


def parted(sign: Node, items: Iterable[Node]) -> Node:
    """The nodes side by side with a sign between them."""
    parts = [part for item in items for part in (sign, item)]
    return row(*parts[1:])


def commas(*items: Node) -> Node:
    """The nodes with commas between them."""
    return parted(COMMA, items)


def beside(*indices: Node) -> Node:
    """Indices next to each other: single letters without a comma, X_ij."""
    items: list[Node] = []
    for index in indices:
        if items:
            letters = all(
                isinstance(part, Id) and len(part.text) == 1
                for part in map(bare, (items[-1], index))
            )
            items.append(BESIDE if letters else COMMA)
        items.append(index)
    return row(*items)


def partial(numerator: Node, denominator: Node) -> Node:
    """∂(numerator)/∂(denominator) as a fraction."""
    return Frac(Row((PARTIAL, numerator)), Row((PARTIAL, denominator)))


def equation(left: Node, right: Node) -> Node:
    """Left = right."""
    return Row((left, EQUALS, right))


def bare(node: Node) -> Node:
    """The node under its colour and its name."""
    while isinstance(node, Style | Name):
        node = node.body
    return node


def merged(node: Script) -> Script:
    """Scripts on an indexed name as one, so that all sit on the name: x₁², A₁ with ij."""
    base = node.base.body if isinstance(node.base, Name) else node.base
    if not isinstance(base, Script):
        return node
    base = merged(base)
    if node.sup is not None and base.sup is not None:
        return node
    both = [sub for sub in (base.sub, node.sub) if sub is not None]
    if len(both) == 2 and not isinstance(node.base, Name):
        return node  # an index of something that has one already
    sup = base.sup if node.sup is None else node.sup
    return Script(base.base, commas(*both) if both else None, sup)


def is_derivative(node: Node) -> bool:
    """Whether it is ∂u/∂x or d/dx: one sign, no quotient."""
    below = node.denominator if isinstance(node, Frac) else node
    return isinstance(below, Row) and below.items[0] in (PARTIAL, Id("d", "rm"))


def high(node: Node) -> float:
    """The height in em of a formula in a display, about."""
    match node:
        case Frac(numerator, denominator):
            return high(numerator) + high(denominator) + 0.4
        case Table(rows):
            return 0.2 + 1.2 * len(rows)
        case Cases(rows):
            return 0.2 + 1.2 * len(rows)
        case Big(_, lower, upper, limits):
            return 1.4 + (0.8 * ((lower is not None) + (upper is not None)) if limits else 0.0)
        case Row(items):
            return max(map(high, items), default=1.0)
        case Stack(pieces):
            return sum(map(high, pieces)) + 0.4 * len(pieces)
        case Script(base, sub, sup):
            return high(base) + 0.2 * (sub is not None) + 0.35 * (sup is not None)
        case Sqrt(body):
            return high(body) + 0.2
        case Style(kind, body):
            return high(body) + {"box": 0.4, "under": 0.9}.get(kind, 0.0)
        case Fence(_, body) | Acc(_, body) | Name(_, body):
            return high(body)
    return 1.0


def tall(node: Node) -> bool:
    """Whether delimiters around the node have to grow."""
    match node:
        case Frac() | Table() | Cases() | Sqrt():
            return True
        case Big():
            return node.limits
        case Row():
            return any(map(tall, node.items))
        case Script():
            return tall(node.base) or (node.sup is not None and tall(node.sup))
        case Fence() | Style() | Acc():
            return tall(node.body)
    return False
