"""The sections of a model with arrays, where they differ from those of scalars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from symderive.array_model import stage_tree, value_shape
from symderive.array_points import flat_numbers
from symderive.documents.array_wording import (
    ArrayContext,
    flattened,
    is_whole,
    norm_node,
    norm_of,
    notation,
    numbers_node,
)
from symderive.documents.build_second import higher
from symderive.documents.outline import (
    Block,
    Equation,
    Equations,
    Inline,
    Paragraph,
    TableBlock,
)
from symderive.documents.wording import (
    APPROX,
    Context,
    aligned,
    alone,
    bracketed,
    ends,
    left_out,
    mark_of,
    number,
    relabelled,
    with_brackets,
)
from symderive.formulas.arrays.index import entry_of
from symderive.formulas.arrays.op import apply, entry, indices_of
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.matrix_entries import with_index
from symderive.formulas.matrix_notation import MatrixPrinter
from symderive.formulas.nodes import MINUS, TRANSPOSE
from symderive.formulas.printing import Printer
from symderive.formulas.tree import (
    DOT,
    Node,
    Num,
    Op,
    Row,
    Script,
    Style,
    name_node,
    partial,
    width,
)

if TYPE_CHECKING:
    from symderive.stages import Stage

MAX_STAGES = 24
"""Stages that are listed; of a longer model, the first and the last."""
MAX_ROWS = 24
"""Parameters that are listed; of more, the first and the last."""
SMALL = 12
"""Entries up to which an array stands in a line."""
MANY_INPUTS = 8
"""Inputs from which the values of matrices are told by their norms."""
MAX_LINES = 8
"""Updates that are worked out in numbers."""


def arrays(context: Context) -> ArrayContext:
    """The context as that of a model with arrays."""
    assert isinstance(context, ArrayContext)
    return context


# The model --------------------------------------------------------------------------------------


def stages_told(context: Context, stages: Sequence[Stage]) -> Iterator[Block]:
    """The stages in matrix notation with shapes below, then entry by entry."""
    lines: list[Equation] = []
    entries: list[Equation] = []
    for stage in ends(stages, MAX_STAGES, 5, 4, (None,)):
        if stage is None:
            lines.append(left_out(f"{len(stages) - 9} more stages"))
            continue
        whole = stage_tree(stage)
        note = (Row((arrays(context).size(whole.shape),)),) if whole.ndim else ("a number",)
        right = arrays(context).written(whole, shapes=True)
        lines.append(Equation(name_node(stage.name), right, note))
        entries.append(_entry_line(context, stage))
    yield aligned(lines)
    results: list[Any] = list(context.derivation.partials.values())[:MAX_STAGES]
    nodes = [line.right for line in lines]
    nodes += [arrays(context).matrix(part.tree) for part in results if is_whole(part.tree)]
    shapes = "Beside each stage is its shape; arrays have theirs below them, and in the table. "
    yield Paragraph((shapes, *notation(nodes)))
    batch: Any = context.derivation.model.batch
    intro = "Entry by entry, with an index for each axis, the same stages are"
    if batch is not None:  # the lift itself is told in the text of the model
        intro += "; a tick marks a row that is proved to be the model of one sample"
    yield Paragraph((intro,))
    yield aligned(entries)


def _entry_line(context: Context, stage: Stage) -> Equation:
    whole = stage_tree(stage)
    at = indices_of(whole.shape)
    printer = Printer(arrays(context).names.also(sorted(arrays(context).taken)), True, {})
    left = printer.node(entry_of(stage.name, at))  # first, so that its indices are i, j, …
    batch: Any = context.derivation.model.batch
    certificates = {} if batch is None else batch.certificates
    mark = mark_of(certificates.get(stage.name))
    return Equation(left, printer.node(flattened(entry(whole, at))), (), mark)


DEFINITIONS: Mapping[str, str] = {
    "softmax": "exp(u)/sum(exp(u))",
    "log_softmax": "u - log(sum(exp(u)))",
    "logsumexp": "log(sum(exp(u)))",
    "layer_norm": "(u - mean(u))/sqrt(mean((u - mean(u))**2) + epsilon)",
    "batch_norm": "(u - mean(u))/sqrt(mean((u - mean(u))**2) + epsilon)",
    "rms_norm": "u/sqrt(mean(u**2) + epsilon)",
    "var": "mean((u - mean(u))**2)",
    "std": "sqrt(mean((u - mean(u))**2))",
}
"""What an operation makes of one row or column u."""


def array_definitions(context: Context, stages: Sequence[Stage]) -> list[Equation]:
    """softmax(u)_i = … of the operations that stages use."""
    used: dict[str, Apply] = {}
    for stage in stages:
        for part in stage_tree(stage).walk():
            if is_op(part, *DEFINITIONS):
                used.setdefault(part.op, part)
    return [_array_definition(context, part) for part in used.values()]


def _array_definition(context: Context, part: Apply) -> Equation:
    size = Symbol("n")
    vector = Leaf((size,), "u")
    body = read_array(DEFINITIONS[part.op], FUNCTIONS, {"u": (size,)})
    at = indices_of(body.shape)
    printer = Printer(("u", "n"), True, {})
    whole = MatrixPrinter((), indices=printer).built(Apply(body.shape, part.op, (vector,)))
    places = [printer.node(index) for index in at]
    left = with_index(whole, places).node if places else whole.node
    return Equation(left, printer.node(entry(body, at)), (OPS[part.op].title,))


def inputs_table(context: Context) -> TableBlock | None:
    """Name, role, shape and, where it is known, value of every input."""
    model = context.derivation.model
    rows: list[tuple[Inline, ...]] = []
    many = len(model.parameters) + len(model.constants) > MANY_INPUTS
    valued = any(name in model.values for name in (*model.parameters, *model.constants))
    for role, names in (("parameter", model.parameters), ("constant", model.constants)):
        for name in names:
            shape = arrays(context).dimensions(name)
            size: Inline = (arrays(context).size(shape),) if shape else ("a number",)
            also = ", ".join(model.properties.get(name, ()))
            cells: list[Inline] = [(name_node(name),), (role,), size, (also,)]
            if valued:
                cells.append(_value_cell(model.values.get(name), many))
            rows.append(tuple(cells))
    if not rows:
        return None
    header: list[Inline] = [("name",), ("role",), ("shape",), ("known of it",)]
    align = "llcl"
    if valued:
        header.append(("value",))
        align += "c"
    if not any(row[3] != ("",) for row in rows):
        rows = [(*row[:3], *row[4:]) for row in rows]
        header.pop(3)
        align = align[:3] + align[4:]
    rows = ends(rows, MAX_ROWS, MAX_ROWS - 4, 4, ((("…",),) * len(header),))
    return TableBlock(tuple(header), tuple(rows), align, ("Parameters and constants.",))


def _value_cell(value: Any, many: bool) -> Inline:
    """A value; of one matrix among many, its norm."""
    if value is None:
        return ("",)
    if many and len(value_shape(value)) > 1:
        return (f"norm {norm_of(value):.4g}",)
    return (numbers_node(value),)


# Links ------------------------------------------------------------------------------------------


def whole_line(context: Context, link: Any) -> list[Equation]:
    """The link in matrix notation, where it has one."""
    if not link.indices or not is_whole(link.tree):
        return []
    assert link.tree is not None
    left = arrays(context).whole_link(link.stage.name, link.source)
    note = ("in matrix notation, ", arrays(context).size(link.tree.shape))
    mark = mark_of(link.certificate)
    return [Equation(left, Style("box", arrays(context).matrix(link.tree)), note, mark)]


# The chain rule ---------------------------------------------------------------------------------


def told(context: Context, part: Any) -> Equations:
    """One partial derivative: sums over entries, links put in, deltas contracted, matrix line."""
    left = _entry_adjoint(context, part)
    direct = {left: alone(left, context.held(part.target, part.source))}
    lines = [
        Equation(
            None,
            relabelled(context.formula(line.formula), {}, wholes=direct),
            context.prose(", ".join(line.reasons)),
            mark_of(line.certificate),
        )
        for line in part.lines
    ]
    lines[0] = replace(lines[0], left=left)
    whole = part.tree
    if not is_whole(whole) or not _has_arrays(whole):
        lines[-1] = replace(lines[-1], right=Style("box", lines[-1].right))
    else:
        left = partial(name_node(part.target), name_node(part.source))
        rests = part.through is not None  # it holds since the stages are what they are
        words = "with the stages put in, in matrix notation" if rests else "in matrix notation"
        note: Inline = (words,)
        if whole.ndim:
            note = (f"{words}, ", arrays(context).size(whole.shape))
        mark = mark_of(part.through_certificate if rests else part.certificate)
        lines.append(Equation(left, Style("box", adjoints_shown(context, whole)), note, mark))
    return aligned(lines)


def _has_arrays(whole: Tree) -> bool:
    return any(leaf.ndim for leaf in whole.walk())


def _entry_adjoint(context: Context, part: Any) -> Node:
    rank = len(arrays(context).dimensions(part.target))
    above = arrays(context).entry(part.target, part.indices[:rank])
    return partial(above, arrays(context).entry(part.source, part.indices[rank:]))


# The gradient -----------------------------------------------------------------------------------


def gradient_told(context: Context, names: Sequence[str]) -> Iterator[Block]:
    """The gradient by some names: matrix notation and shape, then entries and other layouts."""
    derivation = context.derivation
    target = name_node(derivation.target)
    later = " Where it is shorter, later derivatives stand in it by name."
    yield Paragraph((CONVENTIONS[derivation.layout] + later,))
    shown = ends(names, MAX_ROWS, MAX_ROWS - 4, 4)
    parts: list[Any] = [derivation.partials[name] for name in shown]
    whole: list[Equation] = []
    for part in parts:
        size: Inline = ("a number",)
        if part.tree.ndim:
            size = (arrays(context).size(part.tree.shape),)
        left, right = partial(target, name_node(part.source)), _shortest(context, part)
        if not is_whole(part.tree):
            left, right = _entry_adjoint(context, part), context.formula(part.formula)
        whole.append(Equation(left, right, size, mark_of(part.certificate)))
    yield aligned(whole)
    by_entry = [
        Equation(_entry_adjoint(context, part), context.formula(part.formula))
        for part in parts
        if part.indices and is_whole(part.tree)
    ]
    if by_entry:
        yield Paragraph(("Entry by entry:",))
        yield aligned(by_entry)
    laid = [line for part in parts for line in _laid_out(context, part)]
    if laid:
        yield Paragraph((IN_LAYOUT[derivation.layout],))
        yield aligned(laid)
    if len(shown) < len(names):
        more = len(names) - MAX_ROWS
        yield Paragraph((f"{more} more parameters of the same kinds are left out here.",))


CONVENTIONS = {
    "mixed": "The gradient by an array has the shape of the array.",
    "numerator": "First, the gradient by an array has the shape of the array.",
    "denominator": "First, a Jacobian has the axes of its target, then those of its variable.",
    "vec": "First, derivatives have the axes of the target, then those of the variable.",
}
_STACKED = "Of matrices as vectors, their columns one below the other:"
IN_LAYOUT = {
    "mixed": _STACKED,
    "numerator": "In numerator layout, gradients are turned:",
    "denominator": "In denominator layout, Jacobians are turned:",
    "vec": _STACKED,
}


def _laid_out(context: Context, part: Any) -> Iterator[Equation]:
    """A derivative in the layout asked for; a matrix by a matrix as one of stacked columns."""
    derivation: Any = context.derivation
    layout = derivation.layout
    if layout == "mixed":
        if is_whole(part.tree) or len(part.indices) < 3:
            return
        layout = "vec"
    found = derivation.partial(part.target, part.source, layout=layout)
    if found.tree == part.tree or not is_whole(found.tree):
        return
    left = laid_left(context, layout, part.target, part.source)
    size: Inline = (arrays(context).size(found.tree.shape),)
    yield Equation(left, arrays(context).matrix(found.tree), size, mark_of(found.certificate))


def laid_left(context: Context, layout: str, *names: str) -> Node:
    """∂Y/∂X as it stands in a layout: ∂vec(Y)/∂vec(X), ∂f/∂xᵀ, ∂yᵀ/∂x."""
    shapes = context.derivation.model.shapes
    nodes = [Leaf(shapes.get(name, ()), name) for name in names]
    turned = names[0] if layout == "denominator" else names[-1] if layout == "numerator" else ""
    shown: list[Node] = []
    for leaf in nodes:
        stacked = layout == "vec" and leaf.ndim == 2
        node = arrays(context).matrix(apply("vec", leaf) if stacked else leaf)
        shown.append(Script(node, None, TRANSPOSE) if leaf.name == turned else node)
    return partial(*shown) if len(shown) == 2 else higher(*shown)


def _shortest(context: Context, part: Any) -> Node:
    """The written-out gradient, or the one in later adjoints where it is half as wide."""
    whole = adjoints_shown(context, part.tree)
    named = adjoints_shown(context, part.program)
    return named if width(named) < 0.5 * width(whole) else whole


def adjoints_shown(context: Context, program: Tree) -> Node:
    """A formula in which later adjoints occur by name: as ∂L/∂Z."""
    from symderive.results import adjoint_name

    derivation = context.derivation
    target = name_node(derivation.target)
    names: dict[str, Node] = {
        adjoint_name(derivation.target, name): partial(target, name_node(name))
        for name in derivation.partials
    }
    return with_brackets(relabelled(arrays(context).matrix(program), names))


# Numbers ----------------------------------------------------------------------------------------


def numbers_told(context: Context) -> Iterator[Block]:
    """Every stage and every derivative: formula and value."""
    from symderive.documents.build_numbers import worked

    numbers = context.numbers
    assert numbers is not None  # the section is told only with numbers
    derivation = context.derivation
    target = name_node(derivation.target)
    return worked(
        context,
        "Arrays are shown to four digits, large ones in part, and carried in full; a vector is "
        "written as a row, transposed.",
        lambda stage: _number_line(
            name_node(stage.name), context.stage_formula(stage), numbers.values[stage.name]
        ),
        lambda part: _number_line(
            partial(target, name_node(part.source)),
            adjoints_shown(context, part.program),
            numbers.adjoints[part.source],
        ),
    )


def _number_line(left: Node, formula: Node, value: Any) -> Equation:
    """Left = formula ≈ value, and the norm of an array that is not shown in full."""
    shape = value_shape(value)
    node = numbers_node(value)
    note: Inline = ()
    if shape:
        size = Row(tuple(p for n in shape for p in (Op("×"), Num(str(n))))[1:])
        note = (size, f", norm {norm_of(value):.4g}")
    return Equation(left, Row((formula, APPROX, node)), note)


def update_lines(context: Context, names: Sequence[str]) -> list[Equation]:
    """The step of each small parameter in numbers."""
    numbers = context.numbers
    assert numbers is not None  # the section is told only with numbers
    rate = number(context.derivation.model.learning_rate)
    lines: list[Equation] = []
    for name in names:
        if len(flat_numbers(numbers.new[name])[0]) <= SMALL and name in numbers.adjoints:
            values = (numbers.values[name], numbers.adjoints[name], numbers.new[name])
            old, slope, new = map(numbers_node, values)
            right = Row((old, MINUS, rate, DOT, bracketed(slope), APPROX, new))
            lines.append(Equation(name_node(name), right, (), "", "←"))
    return lines[:MAX_LINES]


def update_cells(context: Context, name: str, values: Sequence[Any]) -> tuple[Inline, ...]:
    """A row of the table of parameters: of an array, the norms."""
    label = name_node(name)
    if not arrays(context).dimensions(name):
        return ((label,), *((number(float(value)),) for value in values))
    return ((norm_node(label),), *((number(norm_of(value)),) for value in values))
