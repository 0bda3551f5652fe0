"""The sections with numbers: worked values, the update of the parameters, the loss over steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from symderive.documents.outline import (
    Block,
    Equation,
    Figure,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from symderive.documents.plot import plot
from symderive.documents.wording import (
    APPROX,
    Context,
    aligned,
    bracketed,
    digits_of,
    ends,
    left_out,
    number,
    relation,
    substituted,
)
from symderive.formulas.nodes import MINUS, TIMES
from symderive.formulas.tree import DOT, EQUALS, Id, Node, Op, Row, name_node, partial

if TYPE_CHECKING:
    from symderive.stages import Stage

T = TypeVar("T")

MAX_WORKED = 16
"""Stages, and derivatives, that are worked out in numbers; of more, the first and the last."""
MAX_STEPS, MAX_ROWS = 8, 24
"""Updates that are worked out, and rows of their table; of more, the first, and the last."""


def numbers_section(context: Context) -> Iterator[Block]:
    """Every stage and every derivative: formula, numbers put in, value."""
    numbers = context.numbers
    if numbers is None:
        return
    if context.arrays:
        from symderive.documents.build_arrays import numbers_told

        yield from numbers_told(context)
        return
    slopes = {context.adjoint(name): value for name, value in numbers.adjoints.items()}

    yield from worked(
        context,
        "They are shown to five digits and carried in full.",
        lambda stage: _line(
            name_node(stage.name),
            context.stated(stage.written),
            numbers.values,
            numbers.values[stage.name],
        ),
        lambda part: _line(
            context.adjoint(part.source),
            context.formula(part.formula),
            numbers.values,
            numbers.adjoints[part.source],
            slopes,
        ),
        lambda link: _line(
            context.link(*link),
            context.formula(context.derivation.links[link].formula),
            numbers.values,
            numbers.links[link],
        ),
    )


def worked(
    context: Context,
    shown: str,
    stage: Callable[[Stage], Equation],
    adjoint: Callable[[Any], Equation],
    link: Callable[[tuple[str, str]], Equation] | None = None,
) -> Iterator[Block]:
    """The section of the numbers, of lines that the callers write.

    Args:
        context: The document's.
        shown: A sentence on how the numbers are shown.
        stage: The line of a stage.
        adjoint: The line of a derivative of the target.
        link: The line of a link; links are left out without it.
    """
    derivation = context.derivation
    yield Heading(1, ("Worked numbers",))
    yield Paragraph(
        (
            "The values were computed by running the function that this derivation compiles to. "
            f"{shown}",
        )
    )
    yield Heading(2, ("Forward: the stages",))
    yield aligned(_lines(context.stages, stage))
    yield from _undefined(context)
    if link is not None:
        yield Heading(2, ("The derivatives" if context.direct else "The links",))
        yield aligned(_lines(list(derivation.links), link))
        if context.direct:
            return
    yield Heading(2, ("Backward: the derivatives",))
    yield aligned(_lines(list(derivation.partials.values()), adjoint))


def _undefined(context: Context) -> Iterator[Block]:
    """Where the target has no value at the model's point, why no step follows."""
    numbers, target = context.numbers, context.derivation.target
    if numbers is not None and not math.isfinite(numbers.old_loss):
        text = (
            " has no finite value here: the model's values are too large, or violate an assumption."
        )
        yield Paragraph((name_node(target), text))


def _lines(items: Sequence[T], line: Callable[[T], Equation]) -> list[Equation]:
    """A line for each item, or for the first and the last where there are many."""
    gap = left_out(f"{len(items) - 12} more")
    shown = ends(items, MAX_WORKED, 8, 4, (None,))
    return [gap if item is None else line(item) for item in shown]


def _line(
    left: Node,
    formula: Node,
    values: Mapping[str, float],
    value: float,
    slopes: Mapping[Node, float] | None = None,
) -> Equation:
    """Left = formula = formula with numbers ≈ value."""
    sign = EQUALS if relation(value) == "=" else APPROX
    filled = substituted(formula, values, slopes)
    parts: list[Node] = [formula]
    if filled != formula and filled != number(value):
        parts += [sign if sign == EQUALS else EQUALS, filled]
    if number(value) != formula:
        parts += [sign, number(value)]
    return Equation(left, Row(tuple(parts)) if len(parts) > 1 else formula)


def update_section(context: Context) -> Iterator[Block]:
    """One step of gradient descent in numbers, then the loss over more of them."""
    numbers = context.numbers
    if numbers is None or not numbers.new:
        return
    yield Heading(1, ("Update of the parameters",))
    yield Paragraph(_step_told(context))
    names = [n for n in context.derivation.sources if n in numbers.new]
    if context.arrays:
        from symderive.documents.build_arrays import update_lines

        lines = update_lines(context, names)
    else:
        lines = _update_lines(context, names)
    if lines:
        yield aligned(lines)
    yield _update_table(context, names)
    yield from _descent(context)


def _update_lines(context: Context, names: Sequence[str]) -> list[Equation]:
    numbers, rate = context.numbers, number(context.derivation.model.learning_rate)
    assert numbers is not None  # the section is told only with numbers
    lines: list[Equation] = []
    for name in names if len(names) <= MAX_STEPS else names[:3]:
        old, slope = number(numbers.values[name]), number(numbers.adjoints.get(name, 0.0))
        sign = EQUALS if relation(numbers.new[name]) == "=" else APPROX
        new = number(numbers.new[name])
        right = Row((old, MINUS, rate, DOT, bracketed(slope), sign, new))
        lines.append(Equation(name_node(name), right, (), "", "←"))
    return lines


def _descent(context: Context) -> Iterator[Block]:
    """What the step did to the target, and the curve of further steps."""
    numbers, target = context.numbers, context.derivation.target
    assert numbers is not None  # the section is told only with numbers
    yield Paragraph(_verdict(context))
    if len(numbers.losses) > 2:
        last = len(numbers.losses) - 1
        alt = (
            f"Line plot of {target} over {last} steps of gradient descent, from "
            f"{numbers.losses[0]:.5g} to {numbers.losses[-1]:.5g}."
        )
        caption = (name_node(target), f" over {last} steps of gradient descent.")
        yield Figure(plot(numbers.losses, y_label=target), caption, alt)


def _step_told(context: Context) -> Inline:
    """What a step of gradient descent is."""
    target, gamma, theta = name_node(context.derivation.target), Id("γ"), Id("θ")
    step = (MINUS, gamma, TIMES, partial(target, theta))
    return (
        "One step of gradient descent with learning rate ",
        Row((gamma, EQUALS, number(context.derivation.model.learning_rate))),
        " moves every parameter ",
        theta,
        " against its derivative: ",
        Row((theta, Op("←", "rel"), theta, *step)),
        ".",
    )


def _update_table(context: Context, names: Sequence[str]) -> TableBlock:
    numbers = context.numbers
    assert numbers is not None  # the section is told only with numbers
    cells: Callable[[Context, str, Sequence[Any]], tuple[Inline, ...]] = _update_cells
    head, by_norms, first, last = "name", "", 12, 5
    if context.arrays:
        from symderive.documents.build_arrays import update_cells

        cells, head, by_norms, first, last = update_cells, "", ", by their norms,", 20, 4
    rows = [
        cells(
            context,
            name,
            (numbers.values[name], numbers.adjoints.get(name, 0.0), numbers.new[name]),
        )
        for name in names
    ]
    rows = ends(rows, MAX_ROWS, first, last, ((("…",),) * 4,))
    target = name_node(context.derivation.target)
    rows.append(((target,), (number(numbers.old_loss),), ("",), (number(numbers.new_loss),)))
    return TableBlock(
        ((head,), ("before",), ("derivative",), ("after",)),
        tuple(rows),
        "crrr",
        (f"Parameters{by_norms} and ", target, " before and after one step."),
    )


def _update_cells(_: Context, name: str, values: Sequence[float]) -> tuple[Inline, ...]:
    return ((name_node(name),), *((number(value),) for value in values))


def _verdict(context: Context) -> Inline:
    """Whether the step lowered the loss, and by how much."""
    numbers = context.numbers
    assert numbers is not None
    old, new, target = numbers.old_loss, numbers.new_loss, name_node(context.derivation.target)
    if not math.isfinite(new):
        return (target, " is not finite after the step: the learning rate is too large.")
    if new == old:
        return (target, " stays at ", number(old), ".")
    change = "falls" if new < old else "rises"
    digits = next((n for n in range(5, 15) if digits_of(old, n) != digits_of(new, n)), 15)
    text: Inline = (target, f" {change} from ", number(old, digits), " to ", number(new, digits))
    if old > 0 and 0 <= new < 11 * old:  # of a negative number no part is a percentage
        text = (*text, ", by ", number(abs(new - old) / abs(old) * 100, 3), " percent")
    if new > old:
        text = (*text, "; a smaller learning rate would lower it")
    return (*text, ".")
