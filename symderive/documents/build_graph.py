"""The computation graph of a derivation as a figure; long models leave their middle out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symderive.documents.graph import FONT, FORMULA_FONT, Edge, Vertex, layout
from symderive.documents.outline import Block, Figure
from symderive.documents.wording import Context, digits_of, ends
from symderive.formulas.nodes import tall
from symderive.formulas.plain import plain
from symderive.formulas.tree import Text, name_node, width

MAX_STAGES, KEPT_ENDS = 16, 3
"""Stages drawn in all; of a longer model, so many at each end."""
MAX_INPUTS = 8
"""Inputs drawn at one stage; of more, the first and the last."""
MAX_WIDTH = 560.0
"""Width in points from which a figure holds names only: formulas would be too small on a page."""
MAX_FORMULA = 15.0
"""Width in em up to which a formula stands in its stage's box."""
_GAP = "\0gap"


def graph_figure(context: Context) -> Iterator[Block]:
    """The figure, if the model is not too wide to draw."""
    model, stages = context.derivation.model, context.stages
    kept = {stage.name for stage in ends(stages, MAX_STAGES, KEPT_ENDS, KEPT_ENDS)}
    edges: dict[tuple[str, str], Edge] = {}
    vertices: dict[str, Vertex] = {}
    for stage in stages:
        user = stage.name if stage.name in kept else _GAP
        if user == _GAP and _GAP not in vertices:
            for name in {n: None for n in stage.inputs if n in kept}:
                edges[name, _GAP] = _edge(context, name, _GAP, stage.name)
            skipped = len(stages) - len(kept)
            label = Text(f"{skipped} stages")
            vertices[_GAP] = Vertex(
                _GAP, label, "gap", None, 9 * width(label), 10, f"{skipped} more stages"
            )
        if user == _GAP:
            continue
        inputs = [name for name in stage.inputs if name not in model.stages]
        hidden = set(inputs[MAX_INPUTS - 2 : -1]) if len(inputs) > MAX_INPUTS else set()
        for name in stage.inputs:
            if name in hidden:
                continue
            source = name if name in kept or name not in model.stages else _GAP
            if source not in vertices and source != _GAP:
                vertices[source] = _vertex(context, source)
            edges[source, user] = _edge(context, source, user, user)
        if hidden:
            more = f"\0more {stage.name}"
            label = Text(f"{len(hidden)} more")
            vertices[more] = Vertex(more, label, "gap", None, 9 * width(label), 10, label.text)
            edges[more, user] = Edge(more, user)
        vertices[stage.name] = _vertex(context, stage.name)
    if len(edges) > 60 or not edges:
        return
    drawing = layout(list(vertices.values()), list(edges.values()))
    if drawing.width > MAX_WIDTH:  # the formulas stand above: the names alone can be read
        bare = [
            replace(v, formula=None, width=FONT * width(v.label), height=FONT)
            for v in vertices.values()
        ]
        drawing = layout(bare, list(edges.values()))
    caption = arrows = "Computation graph."
    if context.arrays:
        caption += " Above each edge, the shape of the array that goes along it."
        arrows += " On each edge, the shape of the array that goes along it."
    elif context.numbers is not None:
        gradient = "the gradient of the target coming back along that edge."
        caption += (
            f" Above each edge, in green, the value going forward; below it, in red, {gradient}"
        )
        arrows += f" On each edge, → the value going forward, ← {gradient}"
    alt = f"Computation graph of {len(stages)} stages: " + "; ".join(
        f"{stage.name} from {', '.join(stage.inputs)}" for stage in stages if stage.name in kept
    )
    yield Figure(drawing, (caption,), alt, (arrows,))


def _vertex(context: Context, name: str) -> Vertex:
    model = context.derivation.model
    label = name_node(name)
    wide = FONT * width(label)
    stage = model.stages.get(name)
    if stage is None:
        kind = "parameter" if name in context.derivation.sources else "constant"
        return Vertex(name, label, kind, None, wide, FONT, name)
    kind = "target" if name == context.derivation.target else "stage"
    formula = context.stage_formula(stage)
    text = f"{name} = {plain(formula)}"
    if width(formula) > MAX_FORMULA:
        short = text if len(text) <= 44 else name
        return Vertex(name, label, kind, None, wide, FONT, short)
    high = FONT + 5 + FORMULA_FONT * (2.6 if tall(formula) else 1.0)
    return Vertex(name, label, kind, formula, max(wide, FORMULA_FONT * width(formula)), high, text)


def _edge(context: Context, source: str, user: str, stage: str) -> Edge:
    numbers = context.numbers
    if context.arrays and source != _GAP:
        return Edge(source, user, context.edge_label(source))
    if numbers is None or source == _GAP:
        return Edge(source, user)
    value = _short(numbers.values[source])
    link = numbers.links.get((stage, source))
    adjoint = numbers.adjoints.get(stage)
    if link is None or adjoint is None:
        return Edge(source, user, value)
    return Edge(source, user, value, _short(adjoint * link))


def _short(value: float) -> str:
    """A number to four digits, or with a power of ten, so that it is no longer than its edge."""
    text = digits_of(value, 4)
    return text if len(text) <= LONGEST else f"{value:.3g}"


LONGEST = 8
"""Letters of a number at an edge."""
