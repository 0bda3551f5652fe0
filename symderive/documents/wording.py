"""From the derivation's objects to segments and nodes: names, numbers, prose, broken lines."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sympy import Basic

from symderive.documents.numbers import Numbers
from symderive.documents.outline import Equation, Equations, Inline
from symderive.documents.tall_fractions import without_tall_fractions
from symderive.formulas.nodes import NEGATIVE, of_parts
from symderive.formulas.plain import plain
from symderive.formulas.printing import tree
from symderive.formulas.tree import (
    DOT,
    Fence,
    Frac,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    Text,
    commas,
    fence,
    name_node,
    partial,
)

if TYPE_CHECKING:
    from symderive.derivation import Derivation
    from symderive.model import Model
    from symderive.stages import Stage
    from symderive.steps import Certificate

APPROX = Op("≈", "rel")


@dataclass(frozen=True)
class Context:
    """What the builders of sections share.

    Attributes:
        derivation: The derivation that is told.
        numbers: The numbers of the model's own point; None where values are missing.
        detail: ``brief``, ``standard`` or ``full``.
    """

    derivation: Derivation
    numbers: Numbers | None
    detail: str = "standard"
    arrays: ClassVar[bool] = False

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name of the model."""
        return frozenset(self.derivation.model.names) | set(self.derivation.model.parameters)

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages that the target depends on, itself included, in order of computation."""
        model = self.derivation.model
        reached = model.ancestors(self.derivation.target)
        return [stage for stage in model.stages.values() if stage.name in reached]

    @cached_property
    def direct(self) -> bool:
        """Whether every derivative of the target is a link: there is no path of two."""
        target = (self.derivation.target,)
        return all(part.users == target for part in self.derivation.partials.values())

    def formula(self, formula: Basic, colors: Mapping[Basic, str] | None = None) -> Node:
        """A formula of the derivation: parts that were put in an order keep it."""
        return without_tall_fractions(
            tree(formula, self.derivation.model.order, written=None, colors=colors)
        )

    def stated(self, formula: Basic) -> Node:
        """A formula exactly as the user wrote it."""
        return without_tall_fractions(tree(formula, self.derivation.model.order, written=True))

    def stage_formula(self, stage: Stage) -> Node:
        """The formula of a stage as the user wrote it."""
        return self.stated(stage.written)

    def edge_label(self, source: str) -> str:
        """What a model with arrays writes at an edge of its graph; nothing here."""
        return ""

    def adjoint(self, name: str) -> Node:
        """∂target/∂name."""
        return partial(name_node(self.derivation.target), name_node(name))

    def link(self, stage: str, source: str) -> Node:
        """∂stage/∂source of the stage's own formula."""
        return alone(partial(name_node(stage), name_node(source)), self.held(stage, source))

    def held(self, stage: str, source: str) -> list[str]:
        """What ∂target/∂source of the target's own formula holds fixed; nothing of others.

        Only of the target is the derivative along all paths told, by the same two names.
        """
        found = held_by(self.derivation.model, stage, source)
        return found if stage == self.derivation.target else []

    def prose(self, text: str) -> Inline:
        """Prose with the names of the model in it set as formulas.

        A name that is also an ordinary word, such as ``b`` or ``loss``, stays prose, except at
        the end of a reason: the definition of b, the root in q.
        """
        parts: list[str | Node] = []
        last = re.search(r"\b(?:in|of) (\w+)$", text)
        for piece in re.split(r"(\w+)", text):
            formal = piece in self.known and any(c.isdigit() or c == "_" for c in piece)
            formal = formal or (last is not None and piece == last[1] and piece in self.known)
            if formal or (len(piece) == 1 and piece.isupper() and piece in self.known - {"A", "I"}):
                parts.append(name_node(piece))
            elif piece and parts and isinstance(parts[-1], str):
                parts[-1] += piece
            elif piece:
                parts.append(piece)
        return tuple(parts)


def held_by(model: Model, stage: str, source: str) -> list[str]:
    """The other inputs of a stage that depend on a source: a link holds them fixed."""
    inputs = model.stages[stage].inputs
    return [name for name in inputs if name != source and source in model.ancestors(name)]


def alone(link: Node, held: Sequence[str]) -> Node:
    """(∂y/∂x)_u: a link where the derivative along all paths has the same two names."""
    return Script(fence(link), commas(*map(name_node, held)), None) if held else link


def listed(parts: Sequence[Node | str], last: str = " and ") -> Inline:
    """The parts with commas between them and a word before the last."""
    result: list[str | Node] = []
    for position, part in enumerate(parts):
        if position:
            result.append(last if position == len(parts) - 1 else ", ")
        result.append(part)
    return tuple(result)


T = TypeVar("T")


def ends(items: Sequence[T], most: int, first: int, last: int, gap: Sequence[T] = ()) -> list[T]:
    """All items; of more than ``most``, the first and the last so many, with a gap between them.

    >>> ends("abcdef", 4, 2, 1, ["…"])
    ['a', 'b', '…', 'f']
    """
    return [*items] if len(items) <= most else [*items[:first], *gap, *items[-last:]]


# Numbers ----------------------------------------------------------------------------------------


def digits_of(value: float, digits: int = 5) -> str:
    """A number as text, to so many significant digits.

    >>> [digits_of(v) for v in (0.1 + 0.2, 1.0, 123456.0, -1e-7)]
    ['0.3', '1', '123460', '-1e-07']
    """
    if not math.isfinite(value):
        return str(value)
    text = f"{value or 0.0:.{digits}g}"  # −0 is 0 to a reader
    if "e" in text and 1e-4 <= abs(value) < 1e9:
        text = f"{float(text):.0f}"
    return text


def number(value: float, digits: int = 5) -> Node:
    """A number as a node, to so many significant digits."""
    text = digits_of(value, digits)
    negative, text = text.startswith("-"), text.lstrip("-")
    if not math.isfinite(value):
        body: Node = Op("∞", "ord") if math.isinf(value) else Text("undefined")
    else:
        body = power_of_ten(text)
    return Row((NEGATIVE, body)) if negative else body


def power_of_ten(text: str) -> Node:
    """An unsigned number such as ``1.5e-51`` as a node: 1.5 · 10⁻⁵¹."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return Num(text)
    size: Node = Num(str(abs(int(exponent))))
    power = Script(Num("10"), None, Row((NEGATIVE, size)) if int(exponent) < 0 else size)
    return power if mantissa == "1" else Row((Num(mantissa), DOT, power))


def powers_of_ten(text: str) -> Inline:
    """Prose with numbers such as 1.5e-51 set as formulas.

    >>> len(powers_of_ten("relative error 1.5e-51, which is small"))
    3
    """
    parts = re.split(r"(?<![\w.])(\d+(?:\.\d+)?e[+-]?\d+)(?!\w)", text)
    return tuple(power_of_ten(part) if k % 2 else part for k, part in enumerate(parts) if part)


def relation(value: float, digits: int = 5) -> str:
    """``=`` where the digits shown are the whole number, else ``≈``."""
    whole = math.isfinite(value) and float(digits_of(value, digits)) == value
    return "=" if whole else "≈"


def relabelled(
    node: Node,
    names: Mapping[str, Node],
    *,
    dots: bool = False,
    wholes: Mapping[Node, Node] | None = None,
) -> Node:
    """The formula with other nodes where names, and ``wholes``, were.

    ``dots`` writes products between numbers.
    """
    if wholes and node in wholes:
        return wholes[node]
    if isinstance(node, Name):
        return names.get(node.text, node)
    if dots and isinstance(node, Op) and node.kind == "times":
        return DOT
    if not (names or dots or wholes):
        return node
    made: Node = of_parts(node, lambda part: relabelled(part, names, dots=dots, wholes=wholes))
    return made


def with_brackets(node: Node) -> Node:
    """The formula with brackets around fractions that have an exponent."""
    made: Node = of_parts(node, with_brackets)
    if isinstance(made, Script) and isinstance(made.base, Frac):
        return replace(made, base=fence(made.base))
    return made


def substituted(
    node: Node, values: Mapping[str, float], slopes: Mapping[Node, float] | None = None
) -> Node:
    """The formula with numbers for names; negative ones, and powers of ten, in brackets.

    Args:
        node: The formula.
        values: Numbers by name.
        slopes: Numbers for whole parts, such as ∂L/∂a: no number may end up inside them.
    """
    names = {name: _factor(value) for name, value in values.items()}
    wholes = {part: _factor(value) for part, value in (slopes or {}).items()}
    made = _unbracketed(relabelled(node, names, dots=True, wholes=wholes))
    return made if isinstance(node, Fence) else _inside(made)


@lru_cache(maxsize=50_000)  # each line of a document has the same values
def _factor(value: float) -> Node:
    """A number as it stands in a product."""
    return bracketed(number(value))


def bracketed(node: Node) -> Node:
    """What stands after another sign: in brackets, if it has one of its own."""
    return fence(node) if isinstance(node, Row) else node


def _inside(node: Node) -> Node:
    """What stands in round brackets, where nothing stands beside them."""
    return node.body if isinstance(node, Fence) and node.left + node.right == "()" else node


def _unbracketed(node: Node) -> Node:
    """The formula with no bracket directly inside another, or around all above a fraction bar."""
    if isinstance(node, Fence) and isinstance(node.body, Fence) and node.body.left == "(":
        return _unbracketed(replace(node, body=node.body.body))
    if isinstance(node, Frac):
        node = Frac(_inside(node.numerator), _inside(node.denominator))
    made: Node = of_parts(node, _unbracketed)
    return made


# Lines ------------------------------------------------------------------------------------------


def mark_of(certificate: Certificate | None) -> str:
    """The verdict that a line shows."""
    return certificate.verdict if certificate else ""


def left_out(what: str) -> Equation:
    """A line for those that are not shown."""
    return Equation(None, name_node("…"), (what,), relation="")


def without_detours(lines: Sequence[Equation]) -> list[Equation]:
    """The lines of one derivation without those that lead from a formula to the same one."""
    kept: list[Equation] = []
    for line in lines:
        shown = plain(line.right)
        again = (k for k, before in enumerate(kept) if k and plain(before.right) == shown)
        if (place := next(again, None)) is not None and line.left is None:
            kept[place:] = [replace(kept[place], right=line.right)]
        else:
            kept.append(line)
    return kept


def aligned(lines: Sequence[Equation]) -> Equations:
    """The lines as one display; each format breaks what is too wide for it."""
    return Equations(tuple(lines))
