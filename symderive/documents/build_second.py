"""The section on second derivatives: the gradient differentiated once more, line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from symderive.documents.outline import Block, Equation, Heading, Inline, Paragraph
from symderive.documents.wording import (
    Context,
    aligned,
    alone,
    held_by,
    listed,
    mark_of,
    number,
    relabelled,
    relation,
    without_detours,
)
from symderive.errors import SymderiveError
from symderive.formulas.nodes import MINUS, NEGATIVE, PARTIAL, THIN, TRANSPOSE, of_parts
from symderive.formulas.tree import (
    Frac,
    Id,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    Style,
    fence,
    name_node,
    partial,
    row,
)
from symderive.results import adjoint_name
from symderive.second import MAX_PAIRS, definiteness_of, pairs_of, told
from symderive.steps import Line

_INVERSE = Script(Id("H"), None, Row((NEGATIVE, Num("1"))))


def second_section(context: Context) -> Iterator[Block]:
    """Every second derivative that the model asks for, then what they are good for."""
    derivation = context.derivation
    pairs = pairs_of(derivation)
    if not pairs:
        return
    target = name_node(derivation.target)
    yield Heading(1, ("Second derivatives",))
    intro: Inline = (
        "Each first derivative is a formula like any other: it is differentiated once more, "
        "by the same rules and along the same paths.",
    )
    if len(pairs) > 1:
        intro = (*intro, " The order does not matter, so each pair is told once.")
    if len(pairs) > MAX_PAIRS:
        intro = (*intro, f" The first {MAX_PAIRS} of {len(pairs)} are told here.")
    yield Paragraph(intro)
    convex: dict[tuple[str, bool], list[Node]] = {}
    joint = False
    for first, second, found in told(derivation):
        yield aligned(_lines(context, found, first, second))
        if first == second and found.definiteness:
            kind = found.definiteness, context.arrays and bool(found.indices)
            convex.setdefault(kind, []).append(name_node(first))
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    if not context.arrays and len(names) > 1 and len(pairs) <= MAX_PAIRS:
        whole = definiteness_of(derivation, names)
        joint = bool(whole)
        convex = {(whole, True): [*map(name_node, names)]} if whole else convex
    for (definiteness, matrix), where in convex.items():
        yield Paragraph(_curvature(target, definiteness, where, matrix, joint))
    yield from _newton(context, {name for pair in pairs for name in pair})


def _lines(context: Context, found: Any, first: str, second: str) -> list[Equation]:
    """The derivation of one second derivative; matrix notation and value where there are any."""
    names = {adjoint_name(context.derivation.target, name): name for name in (first, second)}
    left = _left(context, found, first, second)
    lines = [
        Equation(
            None,
            joined(context.formula(line.formula), name_node(context.derivation.target), names),
            _reasons(context, ", ".join(line.reasons), names),
            mark_of(line.certificate),
        )
        for line in _told(context, found, second)
    ]
    lines[0] = replace(lines[0], left=left, right=_with_link(lines[0].right, found, second, left))
    lines = without_detours(lines)
    whole = found.matrix.tree if found.matrix is not None and found.indices else None
    if whole is None or not any(leaf.ndim for leaf in whole.walk()):
        lines[-1] = replace(lines[-1], right=Style("box", lines[-1].right))
    else:
        from symderive.documents.build_arrays import adjoints_shown

        plain = higher(*map(name_node, (context.derivation.target, first, second)))
        note: Inline = ("in matrix notation, ", context.size(whole.shape))  # type: ignore[attr-defined]
        shown = Style("box", adjoints_shown(context, whole))
        lines.append(Equation(plain, shown, note, mark_of(found.certificate)))
    if context.arrays and (whole is None or context.derivation.layout == "vec"):
        lines += _stacked(context, first, second, whole)
    if context.numbers is not None and not found.formula.is_Number:
        lines.append(_value(context, found))
    return lines


def _stacked(context: Any, first: str, second: str, whole: Any) -> Iterator[Equation]:
    """The second derivatives by the stacked columns of matrices, in matrix notation."""
    from symderive.documents.array_wording import is_whole
    from symderive.documents.build_arrays import adjoints_shown, laid_left

    target = context.derivation.target
    found = context.derivation.second(target, first, second, layout="vec")
    if is_whole(found.tree) and found.tree != whole and found.tree.ndim:
        left = laid_left(context, "vec", target, first, second)
        note: Inline = ("by stacked columns, ", context.size(found.tree.shape))
        shown = adjoints_shown(context, found.tree)
        yield Equation(left, shown, note, mark_of(found.certificate))


def _reasons(context: Context, text: str, names: Mapping[str, str]) -> Inline:
    """The reasons of a line, in which an adjoint is called ∂L/∂w."""
    result: list[str | Node] = []
    for piece in re.split(rf"\b({'|'.join(map(re.escape, names))})\b", text):
        if piece in names:
            result.append(partial(name_node(context.derivation.target), name_node(names[piece])))
        else:
            result += context.prose(piece)
    return tuple(result)


def _with_link(node: Node, found: Any, source: str, left: Node) -> Node:
    """The chain rule with the link of the first derivative's own formula in brackets."""
    if found.before is None:
        return node
    current, name = found.before
    return relabelled(node, {}, wholes={left: alone(left, held_by(current.model, name, source))})


def _told(context: Context, found: Any, source: str) -> Sequence[Line]:
    """The lines; of one link alone, as the rules make them."""
    if len(found.lines) > 1 or context.arrays or found.before is None:
        return found.lines
    current, name = found.before
    if source not in current.model.stages[name].inputs:
        return found.lines  # the first derivative does not depend on it
    return current.link(name, source).lines


def _value(context: Context, found: Any) -> Equation:
    """The value at the model's own point."""
    value = found.evaluate()
    sign = "≈" if getattr(value, "ndim", 0) else relation(float(value))
    return Equation(None, _shown(value), ("at the values given",), "", sign)


def _left(context: Context, found: Any, first: str, second: str) -> Node:
    """∂²target/∂first∂second, entries of them in a model with arrays."""
    target = context.derivation.target
    if not context.arrays:
        return higher(*map(name_node, (target, first, second)))
    parts: list[Node] = []
    at = list(found.indices)
    for name in (target, first, second):
        rank = len(context.dimensions(name))  # type: ignore[attr-defined]
        parts.append(context.entry(name, at[:rank]))  # type: ignore[attr-defined]
        del at[:rank]
    return higher(*parts)


def higher(above: Node, *by: Node) -> Node:
    """∂²above/∂first∂second as a fraction; by the same name again, ∂²above/∂first²."""
    counts = Counter(by)
    below: list[Node] = []
    for name, count in counts.items():
        base = name if count == 1 or isinstance(name, Name) else fence(name)
        below += [*([THIN] if below else []), PARTIAL]
        below.append(base if count == 1 else Script(base, None, Num(str(count))))
    sign = Script(PARTIAL, None, Num(str(len(by))))
    return Frac(Row((sign, above)), Row(tuple(below)))


def joined(node: Node, target: Node, names: Mapping[str, str]) -> Node:
    """The formula with ∂²L/∂w∂v for ∂(L_D_w)/∂v, and ∂L/∂w for L_D_w itself.

    Args:
        node: A formula.
        target: The name that is differentiated.
        names: The name that each adjoint is by, by the adjoint's name.
    """
    if isinstance(node, Frac) and _is_derivative(node):
        source, by = _source(node.numerator, names), node.denominator
        if source is not None and isinstance(by, Row):
            return higher(target, source, row(*by.items[1:]))
    if isinstance(node, Name | Script) and (source := _source(node, names)) is not None:
        return Frac(Row((PARTIAL, target)), Row((PARTIAL, source)))
    made: Node = of_parts(node, lambda part: joined(part, target, names))
    return made


def _is_derivative(node: Frac) -> bool:
    """Whether it is ∂u over ∂x, and no quotient such as u over x."""
    sides = (node.numerator, node.denominator)
    return all(isinstance(side, Row) and side.items[0] == PARTIAL for side in sides)


def _source(node: Node, names: Mapping[str, str]) -> Node | None:
    """What an adjoint, or ∂ before it, is by: w with the indices of L_D_w."""
    if isinstance(node, Row) and len(node.items) == 2 and node.items[0] == PARTIAL:
        node = node.items[1]
    if isinstance(node, Name) and node.text in names:
        return name_node(names[node.text])
    if isinstance(node, Script) and node.sup is None:
        base = node.base
        if isinstance(base, Name) and base.text in names:
            return Script(name_node(names[base.text]), node.sub, None)
    return None


def _curvature(
    target: Node, definiteness: str, names: list[Node], matrix: bool, joint: bool
) -> Inline:
    """What the form of the second derivatives says of the target, by names together or each."""
    if definiteness == "indefinite":
        return (
            *("The matrix of the second derivatives by ", *listed(names)),
            " has eigenvalues of both signs: where the gradient is zero, ",
            target,
            " has a saddle.",
        )
    positive = definiteness.startswith("positive")
    sign, kind = ("never negative", "convex") if positive else ("never positive", "concave")
    whole: Inline = listed(names)
    direction = Id("v")
    how: Inline = (f" is {sign}, by its form. So ",)
    if matrix:
        how = (
            f" is {definiteness}, by its form: for every direction ",
            direction,
            " the number ",
            Row((Script(direction, None, TRANSPOSE), Id("H"), direction)),
            f" is {sign}. So ",
        )
    apart = len(names) > 1 and not joint
    return (
        *("The second derivative by ", *(("each of ",) if apart else ()), *whole),
        *(*how, target, f" is {kind} in "),
        *(("each of them alone",) if apart else whole),
        f", and {'lowest' if positive else 'highest'} wherever its gradient there is zero.",
    )


def _newton(context: Context, names: set[str]) -> Iterator[Block]:
    """Newton's step in numbers, where all parameters have their second derivatives."""
    derivation, numbers = context.derivation, context.numbers
    if numbers is None or names != {*derivation.sources}:
        return
    try:
        new = derivation.newton()
    except SymderiveError:
        yield Paragraph(("Newton's method has no step here: the Hessian is singular.",))
        return
    loss = derivation.evaluate(**new).stages[derivation.target]
    target = name_node(derivation.target)
    yield Paragraph(
        (
            "With ",
            Id("H"),
            ", the matrix of all second derivatives, Newton's method takes the step ",
            Row((Id("θ"), Op("←", "rel"), Id("θ"), MINUS, _INVERSE, Op("∇", "ord"), target)),
            ": to the point where the parabola is level that the target is like here.",
        )
    )
    yield aligned(
        [Equation(name_node(name), _shown(value), (), "", "←") for name, value in new.items()]
    )
    yield Paragraph(
        (
            target,
            " goes from ",
            number(numbers.old_loss),
            " to ",
            number(float(loss)),
            " in this one step.",
        )
    )


def _shown(value: Any) -> Node:
    if not getattr(value, "ndim", 0):
        return number(float(value))
    from symderive.documents.array_wording import numbers_node

    return numbers_node(value)
