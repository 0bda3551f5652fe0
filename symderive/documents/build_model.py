"""The section that states the model: its text, stages, inputs and computation graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from symderive.documents.build_graph import graph_figure
from symderive.documents.lines import BOXED
from symderive.documents.outline import (
    Block,
    Equation,
    Equations,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from symderive.documents.wording import Context, aligned, ends, left_out, listed, number
from symderive.formulas.functions import NamedFunction, function_of
from symderive.formulas.tree import Node, name_node, width

if TYPE_CHECKING:
    from symderive.stages import Stage

PADDING = 1.6
"""Width in em of what stands between the columns of a table."""
MAX_STAGES = 24
"""Stages that are listed; of a longer model, the first and the last."""
MAX_INPUTS = 24
"""Inputs that are listed; of more, the first and the last."""


def model_section(context: Context) -> Iterator[Block]:
    """Heading, prose, equations, table of inputs, figure."""
    derivation, model = context.derivation, context.derivation.model
    batch: Any = model.batch
    for paragraph in model.text.strip().split("\n\n"):
        if batch is not None and paragraph == str(batch):
            parts = (p if isinstance(p, str) else name_node(p.name) for p in batch.told)
            yield Paragraph(tuple(parts))
        elif paragraph.strip():
            yield Paragraph(context.prose(" ".join(paragraph.split())))
    yield Heading(1, ("Model",))
    sources: list[Node | str] = [name_node(name) for name in derivation.sources]
    stages = context.stages
    order = "The stages are computed from top to bottom. " if len(stages) > 1 else ""
    yield Paragraph(
        (
            f"{order}We want the derivative of ",
            name_node(derivation.target),
            " with respect to ",
            *listed(ends(sources, 8, 4, 1, ("…",))),
            ".",
        )
    )
    if context.arrays:
        from symderive.documents.build_arrays import stages_told

        yield from stages_told(context, stages)
    else:
        yield _stages(context, stages)
    used: dict[str, NamedFunction] = {}
    for stage in stages:
        for row in _functions(stage.written):
            used.setdefault(row.name, row)
    definitions = [_definition(context, row) for row in used.values()]
    defined = [line for line in definitions if line is not None]
    if context.arrays:
        from symderive.documents.build_arrays import array_definitions

        defined += array_definitions(context, stages)
    if defined:
        yield Paragraph(("where",))
        yield aligned(defined)
    if (context.arrays or model.values) and (table := _inputs(context)):
        yield table
    yield from graph_figure(context)


def _stages(context: Context, stages: Sequence[Stage]) -> Equations:
    """The stages as the user wrote them; of many, the first and the last."""
    lines: list[Equation] = []
    for stage in ends(stages, MAX_STAGES, 5, 4, (None,)):
        if stage is None:
            lines.append(left_out(f"{len(stages) - 9} more stages"))
            continue
        rows = _functions(stage.written)
        note: Inline = (rows[0].title,) if rows else ()
        lines.append(Equation(name_node(stage.name), context.stated(stage.written), note))
    return aligned(lines)


def _functions(formula: object) -> list[NamedFunction]:
    """The named functions that a formula calls and that have a definition, outermost first."""
    found: dict[str, NamedFunction] = {}
    stack = [formula]
    while stack:
        part = stack.pop(0)
        row = function_of(part)
        if row is not None and row.definition is not None:
            found.setdefault(row.name, row)
        stack.extend(getattr(part, "args", ()))
    return list(found.values())


def _definition(context: Context, row: NamedFunction) -> Equation | None:
    """f(z) = … of a named function."""
    names = [Symbol(name) for name in row.parameters]
    try:
        body = row.definition_formula(*names)
    except (LookupError, ValueError):
        return None
    return Equation(context.formula(row.apply(*names)), context.stated(body), (row.title,))


def _wide(cell: Inline) -> float:
    return sum(width(part) for part in cell if isinstance(part, Node))


def _inputs(context: Context) -> TableBlock | None:
    """Name, role and value of every input that has a value."""
    if context.arrays:
        from symderive.documents.build_arrays import inputs_table

        return inputs_table(context)
    model = context.derivation.model
    rows: list[tuple[Inline, ...]] = []
    for role, names in (("parameter", model.parameters), ("constant", model.constants)):
        for name in names:
            if name in model.values and name != "pi":
                cell: Node = number(model.values[name], 12)
                rows.append(((name_node(name),), (role,), (cell,)))
    if not rows:
        return None
    columns = (max(map(_wide, (cells[0], cells[2]))) + PADDING for cells in rows)
    if len(rows) <= 10 and sum(columns) < BOXED.line - 5.0:  # wide and low: names in the header
        header = tuple(cells[0] for cells in rows)
        return TableBlock(
            (("",), *header),
            ((("value",), *(cells[2] for cells in rows)),),
            "l" + "c" * len(rows),
            ("Parameters and constants.",),
        )
    total = len(rows)
    rows = ends(rows, MAX_INPUTS, 12, 6, ((("…",), ("",), ("",)),))
    caption = f"Parameters and constants{f' ({total} in all)' if total > MAX_INPUTS else ''}."
    return TableBlock((("name",), ("role",), ("value",)), tuple(rows), "llr", (caption,))
