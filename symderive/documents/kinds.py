"""Links of a kind: what one derivation tells of others, the same up to names or up to constants.

``0.1*h*y1`` and ``0.2*h*y2`` are derived in the same way: one of them is told, line by line, and
of the others the results. Each of them has its own proof all the same.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Add, Basic, Function, Indexed, KroneckerDelta, Mul, Pow, Sum, Symbol

from symderive.documents.outline import Equation
from symderive.documents.wording import Context, ends, left_out, listed, mark_of
from symderive.formulas.nodes import COMMA
from symderive.formulas.tree import Id, Node, Num, Op, Row, Script, name_node, partial

if TYPE_CHECKING:
    from symderive.links import Link, LinkKind

MAX_RESULTS = 4
"""Results that are listed of links with other constants; of more, the first and the last."""
MAX_NAMED = 4
"""Links with other names that are listed."""


@dataclass(frozen=True, slots=True)
class Group:
    """Links that one derivation tells.

    Attributes:
        links: Those of one kind, the same up to names; the first is derived line by line.
        others: Those that differ from them in constants.
    """

    links: tuple[Link, ...]
    others: tuple[Link, ...] = ()

    @property
    def first(self) -> Link:
        """The link that is derived line by line."""
        return self.links[0]


def grouped(links: Iterable[Link], least: int = 1) -> list[Group]:
    """The links by kind, kinds that differ in constants together, in order of appearance.

    Where fewer than ``least`` are alike, each is a group of its own.
    """
    patterns: dict[Hashable, dict[int, list[Link]]] = {}
    for link in links:
        patterns.setdefault(pattern_of(link.kind), {}).setdefault(id(link.kind), []).append(link)
    groups: list[Group] = []
    for kinds in patterns.values():
        first, *rest = kinds.values()
        group = Group(tuple(first), tuple(link for same in rest for link in same))
        alike = (*group.links, *group.others)
        groups += [group] if len(alike) >= least else [Group((link,)) for link in alike]
    return groups


# The same but for constants ---------------------------------------------------------------------


def pattern_of(kind: LinkKind) -> Hashable:
    """What links have in common that are derived alike: formula and result without constants."""
    return kind.place, kind.way, without_constants(kind.template.written, kind.formula)


def without_constants(*formulas: Basic | None) -> Hashable:
    """The formulas without their constants, and with indices by number.

    >>> from sympy.abc import x, y
    >>> without_constants(x**3 + 2*y) == without_constants(x**5 + 7*y)
    True
    >>> without_constants(x**3) == without_constants(x**2)
    False
    """
    indices: dict[Basic, int] = {}
    return tuple(None if f is None else _without_constants(f, indices) for f in formulas)


def _without_constants(formula: Basic, indices: dict[Basic, int], free: bool = True) -> Hashable:
    """One formula; its numbers are kept where they are not ``free``: in x[i + 1].

    Of a place, as in x[3, j], the number is as free as a constant: the steps of a recurrence.
    """
    if isinstance(formula, Symbol) and hasattr(formula, "size"):
        return indices.setdefault(formula, len(indices)), formula.size
    if not formula.args:
        return "number" if free and formula.is_Number else formula
    if isinstance(formula, Pow) and formula.exp.is_Number:  # squares and roots read differently
        power = "power" if formula.exp.is_Integer and formula.exp > 2 else formula.exp
        return Pow, _without_constants(formula.base, indices, free), power
    places = isinstance(formula, Indexed | KroneckerDelta)
    inner = free and isinstance(formula, ARITHMETIC) and not places
    parts = (
        _without_constants(p, indices, inner or (free and places and p.is_Integer))
        for p in formula.args
    )
    return formula.func, *parts


ARITHMETIC = (Add, Mul, Pow, Function, Sum)
"""What a constant may change in without a change of how it is derived."""


def with_other_constants(context: Context, group: Group) -> list[Equation]:
    """The results of the links that differ in constants, many of them in part."""
    others = group.others
    gap = left_out(f"{len(others) - MAX_RESULTS + 1} more")
    shown = ends(others, MAX_RESULTS, MAX_RESULTS - 2, 1, (None,))
    return [gap if link is None else _result(context, link) for link in shown]


def _result(context: Context, link: Link) -> Equation:
    note = ("likewise, with other constants",)
    if context.arrays:
        from symderive.documents.build_arrays import whole_line

        for line in whole_line(context, link):
            return Equation(line.left, line.right, note, line.mark)
    left = context.link(link.stage.name, link.source)
    return Equation(left, context.formula(link.formula), note, mark_of(link.certificate))


# The same up to names ---------------------------------------------------------------------------

_NUMBERED = re.compile(r"(.*?[^\d])(\d+)")


def general_names(links: Sequence[Link]) -> Mapping[str, Node]:
    """Nodes for the names of the first link that say all links of a kind: A_k for A3.

    Empty where there are fewer than three links, or no pattern in their numbers.
    """
    if len(links) < 3:
        return {}
    columns = [[link.stage.name, *link.stage.inputs] for link in links]
    first = _NUMBERED.fullmatch(columns[0][0])
    if not first:
        return {}
    numbers = []
    for names in columns:
        match = _NUMBERED.fullmatch(names[0])
        if not match or match[1] != first[1]:
            return {}
        numbers.append(int(match[2]))
    result: dict[str, Node] = {}
    for column in zip(*columns, strict=True):
        if len(set(column)) == 1:
            continue
        parts = [_NUMBERED.fullmatch(name) for name in column]
        if any(part is None for part in parts):
            return {}
        stems = {part[1] for part in parts if part}
        offsets = {int(part[2]) - k for part, k in zip(parts, numbers, strict=True) if part}
        if len(stems) > 1 or len(offsets) > 1:
            return {}
        result[column[0]] = _indexed(stems.pop(), offsets.pop())
    return result


def _indexed(stem: str, offset: int) -> Node:
    index: Node = Id("k")
    if offset:
        sign = Op("+" if offset > 0 else "−")
        index = Row((index, sign, Num(str(abs(offset)))))
    base = name_node(stem.rstrip("_")).body
    if isinstance(base, Script):
        return Script(base.base, Row((base.sub or Num(""), COMMA, index)), base.sup)
    return Script(base, index)


def also(links: Sequence[Link], general: Mapping[str, Node]) -> list[str | Node]:
    """Which other links the derivation stands for."""
    if len(links) == 1:
        return []
    if general:
        numbers = [int(_NUMBERED.fullmatch(link.stage.name)[2]) for link in links]  # type: ignore[index]
        unbroken = numbers == list(range(numbers[0], numbers[-1] + 1))
        unbroken = unbroken and len(numbers) > 4
        shown = f"{numbers[0]}, …, {numbers[-1]}" if unbroken else ", ".join(map(str, numbers[:8]))
        shown += ", …" if not unbroken and len(numbers) > 8 else ""
        return [f"For {len(links)} links: ", Id("k"), f" = {shown}. "]
    named = links[1 : MAX_NAMED + 1]
    others = [partial(name_node(a.stage.name), name_node(a.source)) for a in named]
    more = f" and {len(links) - 1 - MAX_NAMED} more" if len(links) > MAX_NAMED + 1 else ""
    return ["In the same way, with other names: ", *listed(others, ", "), f"{more}. "]
