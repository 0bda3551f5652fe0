"""The section on the chain rule: products along paths, sums where paths meet, closed forms."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Mul, Pow, S, Symbol

from symderive.certify import certify
from symderive.documents.kinds import without_constants
from symderive.documents.outline import (
    Block,
    Equation,
    Equations,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from symderive.documents.wording import (
    Context,
    aligned,
    alone,
    ends,
    left_out,
    listed,
    mark_of,
    number,
    relabelled,
)
from symderive.formulas.inert import Diff
from symderive.formulas.nodes import NEGATIVE, PLUS, parted
from symderive.formulas.plain import plain
from symderive.formulas.tree import (
    DOT,
    Frac,
    Node,
    Num,
    Op,
    Row,
    Style,
    fence,
    name_node,
    partial,
    row,
    width,
)
from symderive.formulas.written import evaluated, factors

if TYPE_CHECKING:
    from symderive.links import Link
    from symderive.partials import Partial

ROLES = ("first", "second", "third", "fourth")
MAX_PARTIALS, MANY_ALIKE = 24, 8
"""Partial derivatives that are told one by one, unless so many are like others; of more, one of
each shape."""
MAX_CELL = 30.0
"""Width in em of a closed form that fits a table."""
MAX_PATHS, MAX_LENGTH = 4, 4
"""Paths, and links in a path, up to which a derivative is written out along its paths."""


def chain_section(context: Context) -> Iterator[Block]:
    """Every partial derivative of the target, the last stages first."""
    derivation = context.derivation
    partials = list(derivation.partials.values())
    if context.direct:  # the links are the derivatives
        return
    yield Heading(1, ("Chain rule",))
    target = name_node(derivation.target)
    yield Paragraph(
        (
            "Derivatives are multiplied along a path to ",
            target,
            f" and added where paths meet{_over_entries(context)}. We go backwards from ",
            target,
            ", so that each stage uses what is already known of the stages after it.",
            _effort(context),
            *_held_fixed(context),
        )
    )
    shown, alike = _one_of_each(partials)
    if len(partials) > MAX_PARTIALS or len(partials) - len(shown) >= MANY_ALIKE:
        yield Paragraph((alike,))
    else:
        shown = partials
    stages = derivation.model.stages
    inner = [part for part in shown if part.source in stages]
    outer = [part for part in shown if part.source not in stages]
    both = bool(inner and outer)
    if both:
        yield Heading(2, ("Derivatives by the stages",))
    for part in inner:
        yield _told(context, part)
    if both:
        yield Heading(2, ("Derivatives by the parameters",))
    for part in outer:
        yield _told(context, part)


def _one_of_each(partials: Sequence[Partial]) -> tuple[list[Partial], str]:
    """One partial derivative of each shape, as far as there is room, and the words for that."""
    own = {id(part.shape) for part in partials}
    shapes: dict[Hashable, Partial] = {}
    for part in partials:
        shape: Any = part.shape
        shapes.setdefault(without_constants(shape.closed, shape.substituted), part)
    alike = ""
    if len(shapes) < len(partials):
        same = "names and constants" if len(shapes) < len(own) else "names"
        count = "1 shape" if len(shapes) == 1 else f"{len(shapes)} shapes"
        alike = (
            f"The {len(partials)} partial derivatives are of {count}; those of one shape are the "
            f"same up to {same}, and one of each is told here. "
        )
    if len(shapes) > MAX_PARTIALS:
        alike += f"The first {MAX_PARTIALS} of {len(shapes)} are told here."
    return list(shapes.values())[:MAX_PARTIALS], alike


def _effort(context: Context) -> str:
    """How much less there is to do backwards, where it is less."""
    if context.arrays:
        return ""
    found = context.derivation.operations()
    forward, reverse = found["forward"], found["reverse"]
    if reverse >= forward:
        return ""
    count = len(context.derivation.sources)
    every = "both" if count == 2 else f"all {count}"
    return (
        f" That takes {reverse} products and sums of links for {every} derivatives; forwards, "
        f"for one name after the other, it would be {forward}."
    )


def _held_fixed(context: Context) -> Inline:
    """What the brackets of (∂y/∂x)_u mean, where there are any."""
    target = context.derivation.target
    for stage, source in context.derivation.links:
        if stage == target and (held := context.held(stage, source)):
            link = alone(partial(name_node(stage), name_node(source)), held)
            fixed = listed([name_node(name) for name in held])
            are = "is" if len(held) == 1 else "are"
            return (" In ", link, ", the link alone, ", *fixed, f" {are} held fixed.")
    return ()


def _over_entries(context: Context) -> str:
    return ", and over all entries of the array on the way" if context.arrays else ""


def _told(context: Context, part: Partial) -> Equations:
    """One partial derivative: chain rule, links put in, common factors cancelled, closed form."""
    if context.arrays:
        from symderive.documents.build_arrays import told

        return told(context, part)
    chain = context.derivation.chain()
    lines: list[Equation] = []
    mark = mark_of(part.certificate)
    paths = _written_paths(context, part)
    if paths:
        links = [[chain.links[user, name] for name, user in pairwise(path)][::-1] for path in paths]
        single = len(links) == 1 and len(links[0]) == 1
        if not single:
            product = parted(PLUS, [_product_of_links(context, path) for path in links])
            lines.append(Equation(None, product, ("chain rule",), mark))
        note = "the link itself" if single else "the links put in"
        # These lines are made here, so they are proved here: the product against the closed form.
        whole = Add(*(Mul(*(evaluated(link.formula) for link in path)) for path in links))
        own = mark_of(certify(whole, _explicit(context, part), where=_definitions(context)))
        one = len(links) == 1
        shown = parted(PLUS, [_product_of_formulas(context, p, alone=one) for p in links])
        lines.append(Equation(None, shown, (note,), own))
        if len(links) == 1 and (cancelled := _cancelled(context, links[0])) is not None:
            lines.append(Equation(None, cancelled, ("cancel common factors",), own))
        for line in part.rewritings[:-1]:
            reasons = context.prose(", ".join(line.reasons))
            shown, verdict = context.formula(line.formula), mark_of(line.certificate)
            if plain(shown) != plain(lines[-1].right):
                lines.append(Equation(None, shown, reasons, verdict))
    else:
        whole = context.adjoint(part.source)
        direct = {whole: context.link(part.target, part.source)}
        for line in part.lines[:-1]:
            reasons = context.prose(", ".join(line.reasons))
            shown = relabelled(context.formula(line.formula), {}, wholes=direct)
            lines.append(Equation(None, shown, reasons, mark))
    closed = context.formula(part.formula)
    if not lines or plain(lines[-1].right) != plain(closed):
        last: Inline = ("simplify",) if len(lines) > 1 else ()
        if part.rewritings:
            last = context.prose(", ".join(part.rewritings[-1].reasons))
        lines.append(Equation(None, Style("box", closed), last, mark))
    else:
        lines[-1] = Equation(None, Style("box", closed), lines[-1].note, mark)
    lines[0] = replace(lines[0], left=context.adjoint(part.source))
    return aligned([replace(line, right=_in_part(line.right)) for line in lines])


MAX_TERMS, KEPT_TERMS = 10, (3, 2)
"""Terms of a sum over paths that are shown; of more, so many at its ends."""


def _in_part(node: Node) -> Node:
    """A sum of many terms without those in its middle; the section on the gradient has them all."""
    if isinstance(node, Style):
        return replace(node, body=_in_part(node.body))
    if not isinstance(node, Row):
        return node
    signs = [
        k
        for k, item in enumerate(node.items)
        if isinstance(item, Op) and item.kind == "bin" and item.text in "+−"
    ]
    if len(signs) < MAX_TERMS:
        return node
    first, last = KEPT_TERMS
    dots = (PLUS, Op("⋯", "ord"))
    return Row((*node.items[: signs[first - 1]], *dots, *node.items[signs[-last] :]))


def _explicit(context: Context, part: Partial) -> Expr:
    """The closed form with the closed forms of later stages in the place of their ∂target/∂v."""
    formula = part.formula
    partials = context.derivation.partials
    while adjoints := formula.atoms(Diff):
        formula = formula.xreplace({a: partials[a.args[1].name].formula for a in adjoints})
    return formula


def _definitions(context: Context) -> dict[Symbol, Expr]:
    stages = context.derivation.model.stages.values()
    return {Symbol(stage.name): stage.written for stage in stages}


def _written_paths(context: Context, part: Partial) -> list[tuple[str, ...]]:
    """The paths, where they are few and short."""
    chain = context.derivation.chain()
    if chain.count_paths(part.source) > MAX_PATHS:
        return []
    paths = chain.paths(part.source)
    if any(len(path) - 1 > MAX_LENGTH for path in paths):
        return []
    return paths


def _product_of_links(context: Context, links: Sequence[Link]) -> Node:
    """∂A3/∂A2 · ∂A2/∂A1 · …, a colour a link."""
    nodes = [context.link(link.stage.name, link.source) for link in links]
    return parted(DOT, [_colored(node, position) for position, node in enumerate(nodes)])


def _product_of_formulas(context: Context, links: Sequence[Link], *, alone: bool) -> Node:
    """The closed forms of the links, each in brackets where it needs them, in the same colours."""
    parts: list[Node] = []
    factors = [(k, link) for k, link in enumerate(links) if link.formula != 1]
    for position, link in factors:  # a factor of one is not worth its dot
        node = context.formula(link.formula)
        negative = _starts_negative(node)
        loose = isinstance(link.formula, Add) or negative
        brackets = loose if len(factors) > 1 else negative and not alone
        parts.append(_colored(fence(node) if brackets else node, position))
    return parted(DOT, parts) if parts else Num("1")


def _starts_negative(node: Node) -> bool:
    return isinstance(node, Row) and isinstance(node.items[0], Op)


def _colored(node: Node, position: int) -> Node:
    return Style("color", node, ROLES[position % len(ROLES)])


# Cancelling -------------------------------------------------------------------------------------


def _cancelled(context: Context, links: Sequence[Link]) -> Node | None:
    """One fraction of all factors, those above and below struck out; None where there are none."""
    above: list[tuple[Expr, int]] = []
    below: list[tuple[Expr, int]] = []
    number: Expr = S.One
    for position, link in enumerate(links):
        for base, exponent in _powers(link.formula):
            if base.is_Rational:
                number *= base**exponent
                continue
            (above if exponent > 0 else below).append((base, position))
            if abs(exponent) != 1:
                return None
    struck_above: set[int] = set()
    struck_below: set[int] = set()
    for k, (base, _) in enumerate(below):
        match = next(
            (j for j, (a, _) in enumerate(above) if j not in struck_above and a == base), None
        )
        if match is not None:
            struck_above.add(match)
            struck_below.add(k)
    if not struck_above:
        return None
    over, under = _struck(context, above, struck_above), _struck(context, below, struck_below)
    if abs(number.p) != 1:
        over = row(Num(str(abs(number.p))), DOT, over)
    if number.q != 1:
        under = row(Num(str(number.q)), DOT, under)
    fraction = Frac(over, under)
    return Row((NEGATIVE, fraction)) if number < 0 else fraction


def _powers(formula: Expr) -> Iterator[tuple[Expr, int]]:
    """The factors of a product with their whole exponents; a denominator's factors one by one."""
    for factor in factors(formula):
        if isinstance(factor, Pow) and factor.exp == S.NegativeOne:
            for inner in factors(factor.base):
                yield inner, -1
        elif isinstance(factor, Pow) and factor.exp.is_Integer:
            yield factor.base, int(factor.exp)
        else:
            yield factor, 1


def _struck(context: Context, parts: Sequence[tuple[Expr, int]], struck: set[int]) -> Node:
    nodes: list[Node] = []
    for k, (formula, position) in enumerate(parts):
        node = context.formula(formula)
        if len(parts) > 1 and (isinstance(formula, Add) or _starts_negative(node)):
            node = fence(node)
        node = _colored(node, position)
        nodes.append(Style("cancel", node) if k in struck else node)
    return parted(DOT, nodes) if nodes else Num("1")


# The gradient -----------------------------------------------------------------------------------

MAX_ROWS, MAX_FORMS = 24, 16
"""Derivatives in the table, and closed forms on lines of their own; of more, some at the ends."""


def gradient_section(context: Context) -> Iterator[Block]:
    """The gradient, and from which names no path leads to the target."""
    derivation = context.derivation
    names = [n for n in derivation.sources if n in derivation.partials]
    idle = [n for n in derivation.sources if n not in derivation.partials]
    if not names:
        yield Paragraph(
            ("No source has a path to ", name_node(derivation.target), ": its gradient is zero.")
        )
        return
    yield Heading(1, ("The gradient",))
    if context.arrays:
        from symderive.documents.build_arrays import gradient_told

        yield from gradient_told(context, names)
    else:
        yield from _gradient_table(context, names)
    if idle:
        yield Paragraph(
            ("There is no path from " + ", ".join(idle) + ": the derivative there is zero.",)
        )


def _gradient_table(context: Context, names: Sequence[str]) -> Iterator[Block]:
    """The gradient in one table: closed form, and value where there is one."""
    rows: list[tuple[Inline, ...]] = []
    forms = {name: context.formula(context.derivation.partials[name].formula) for name in names}
    wide = any(width(form) > MAX_CELL for form in forms.values())
    if wide:  # a cell cannot be broken over lines, a display can
        told = [Equation(context.adjoint(name), forms[name]) for name in names]
        more = left_out(f"{len(told) - 12} more, in the code")
        yield aligned(ends(told, MAX_FORMS, 8, 4, (more,)))
    for name in names if not wide or context.numbers is not None else ():
        cells: list[Inline] = [(context.adjoint(name),)]
        if not wide:
            cells.append((forms[name],))
        if context.numbers is not None:
            cells.append((number(context.numbers.adjoints[name]),))
        rows.append(tuple(cells))
    header: tuple[Inline, ...] = (("derivative",),)
    if not wide:
        header = (*header, ("closed form",))
    if context.numbers is not None:
        header = (*header, ("value",))
    if rows:
        rows = ends(rows, MAX_ROWS, 12, 5, ((("…",),) * len(header),))
        align = "cr" if wide else "clr"[: len(header)]
        yield TableBlock(header, tuple(rows), align, ("The gradient.",))
