"""With full detail: the derivatives of the named functions, each from its definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sympy import Function

from symderive.documents.outline import Block, Equation, Heading, Inline, Paragraph, RuleBox
from symderive.documents.wording import Context, aligned, mark_of
from symderive.formulas.functions import NamedFunction, function_of
from symderive.formulas.printing import tree
from symderive.formulas.tree import Node
from symderive.origins import derived

if TYPE_CHECKING:
    from symderive.links import Link
    from symderive.steps import Line

MAX_FUNCTIONS = 24
"""Functions that are derived; of more, the first."""


def functions_section(context: Context, links: Iterable[Link]) -> Iterator[Block]:
    """A box for each named function inside the links, and for those in their definitions."""
    boxes = list(_boxes(context, links))
    if not boxes:
        return
    yield Heading(1, ("The named functions",))
    yield Paragraph(
        ("Each rule for a named function, derived once from the function\u2019s definition.",)
    )
    yield from boxes


def _boxes(context: Context, links: Iterable[Link]) -> Iterator[RuleBox]:
    written = [link.kind.template.written for link in links]
    queue = [call for formula in written for call in sorted(formula.atoms(Function), key=str)]
    done: set[str] = set()
    for call in queue:
        row = function_of(call)
        if row is None or row.name in done or len(done) == MAX_FUNCTIONS:
            continue
        done.add(row.name)
        for place in range(len(call.args)):
            lines = derived(row, len(call.args), place)
            if lines is None:
                continue
            for line in lines:
                queue += sorted(line.formula.atoms(Function), key=str)
            yield _box(context, row, lines)


def _box(context: Context, row: NamedFunction, lines: Iterable[Line]) -> RuleBox:
    told = []
    for line in lines:
        reasons: Inline = context.prose(", ".join(line.reasons))
        mark = mark_of(line.certificate) if line.reasons else ""
        told.append(Equation(None, tree(line.formula, written=None), reasons, mark))
    left: Node = told[0].right
    del told[0]
    told[0] = Equation(left, told[0].right, told[0].note, told[0].mark)
    title: Inline = (left, f"\u2003{row.title}")
    return RuleBox(title, (), aligned(told).lines)
