"""Writers of a laid-out graph: Typst (and SVG through it), TikZ, mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from symderive.documents.graph import FONT, FORMULA_FONT, TAIL, Box, Drawing, Point, Wire
from symderive.formulas.latex import latex
from symderive.formulas.typst import literal, typst

FORWARD, BACK, INK = "#1b7f3b", "#b8322a", "#33475b"
"""Colours of the values going forward, of the gradients coming back, and of lines."""

FILLS: dict[str, tuple[str, str]] = {
    "parameter": ("#fdf3d8", "#c49a2c"),
    "constant": ("#f3f3f1", "#a5a5a0"),
    "stage": ("#e9f1fb", "#3b6fb6"),
    "target": ("#e3f0ef", "#0b6169"),
    "gap": ("#ffffff", "#a5a5a0"),
}
"""Fill and frame of each kind of vertex."""

VALUE_FONT = 7.5
HEAD, HALF = 5.5, 2.4
"""Length and half width of an arrow head."""


def signed(number: str) -> str:
    """A number as text, with a minus sign instead of a hyphen."""
    return number.replace("-", "−")


def curves(points: Sequence[Point]) -> list[tuple[Point, Point, Point] | Point]:
    """What follows the first point: a line to a point at the same height, else a smooth curve."""
    parts: list[tuple[Point, Point, Point] | Point] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(y1 - y0) < 0.05:
            parts.append((x1, y1))
        else:
            middle = (x1 - x0) / 2
            parts.append(((x0 + middle, y0), (x1 - middle, y1), (x1, y1)))
    return parts


def _arrows(drawing: Drawing) -> list[tuple[tuple[Point, ...], Wire | None]]:
    """Every line that ends in an arrow head: the wires, and the way out of the last vertex."""
    arrows: list[tuple[tuple[Point, ...], Wire | None]] = [(w.points, w) for w in drawing.wires]
    last = drawing.boxes[-1]
    right = last.x + last.width / 2
    return [*arrows, (((right, last.y), (right + TAIL - 4, last.y)), None)]


def graph_typst(drawing: Drawing) -> str:
    """The graph as Typst code: one box made of primitives."""
    lines = [
        f"box(width: {drawing.width:.1f}pt, height: {drawing.height:.1f}pt, {{",
        f"  set text(size: {FONT}pt)",
        "  let number(x, y, color, body) = place(top + left, dx: x * 1pt, dy: y * 1pt, box(width: "
        "0pt, height: 0pt, place(center + horizon, text("
        f"size: {VALUE_FONT}pt, fill: rgb(color), body))))",
    ]
    for points, wire in _arrows(drawing):
        moves = [f"curve.move({_pt(points[0])})"]
        *rest, (x, y) = points
        for part in curves([*rest, (x - HEAD + 1, y)]):
            if isinstance(part[0], tuple):
                moves.append(f"curve.cubic({', '.join(_pt(p) for p in part)})")
            else:
                moves.append(f"curve.line({_pt(part)})")
        head = ", ".join(map(_pt, ((x, y), (x - HEAD, y - HALF), (x - HEAD, y + HALF))))
        lines += [
            f'  place(top + left, curve(stroke: 0.8pt + rgb("{INK}"), {", ".join(moves)}))',
            f'  place(top + left, polygon(fill: rgb("{INK}"), {head}))',
        ]
        for text, color, dy in _numbers(wire):
            where = f"{wire.label[0]:.1f}, {wire.label[1] + dy:.1f}" if wire else ""
            kept = signed(text).replace(" ", "\N{NO-BREAK SPACE}")
            power = _power(text)
            body = literal(kept)
            if power:  # as one word, which no line breaks
                body = f"$attach(#{literal(signed(power[0]) + '·10')}, t: {power[1]})$"
            lines.append(f'  number({where}, "{color}", {body})')
    for box in drawing.boxes:
        fill, frame = FILLS[box.vertex.kind]
        radius = 4 if box.vertex.kind in ("stage", "target") else 8
        lines.append(
            f"  place(top + left, dx: {box.x - box.width / 2:.1f}pt, "
            f"dy: {box.y - box.height / 2:.1f}pt, rect(width: {box.width:.1f}pt, "
            f'height: {box.height:.1f}pt, radius: {radius}pt, fill: rgb("{fill}"), '
            f'stroke: 0.7pt + rgb("{frame}")))'
        )
        body = f"${typst(box.vertex.label)}$"
        if box.vertex.formula is not None:
            formula = f"text(size: {FORMULA_FONT}pt, $display({typst(box.vertex.formula)})$)"
            body = f"stack(spacing: 4.5pt, {body}, {{ set par(leading: 0pt); {formula} }})"
        wide = box.width + 30  # room, so that a formula wider than was estimated does not wrap
        lines.append(
            f"  place(top + left, dx: {box.x - wide / 2:.1f}pt, "
            f"dy: {box.y - box.height / 2:.1f}pt, "
            f"box(width: {wide:.1f}pt, height: {box.height:.1f}pt, "
            f"align(center + horizon, {body})))"
        )
    return "\n".join([*lines, "})"])


def _power(number: str) -> tuple[str, int] | None:
    """Mantissa and exponent of a number such as ``6.674e-11``; None of any other text."""
    mantissa, e, exponent = number.partition("e")
    return (mantissa, int(exponent)) if e and exponent.lstrip("+-").isdigit() else None


def _numbers(wire: Wire | None) -> list[tuple[str, str, float]]:
    if wire is None:
        return []
    pairs = ((wire.edge.value, FORWARD, -5.2), (wire.edge.gradient, BACK, 5.6))
    return [(text, color, dy) for text, color, dy in pairs if text]


def _pt(point: Point) -> str:
    return f"({point[0]:.1f}pt, {point[1]:.1f}pt)"


def graph_tikz(drawing: Drawing) -> str:
    """The graph as a TikZ picture; scaled where it is wider than the page."""
    lines = [r"\begin{tikzpicture}[x=1bp,y=-1bp,inner sep=0pt]"]
    for points, wire in _arrows(drawing):
        path = f"({points[0][0]:.1f},{points[0][1]:.1f})"
        for part in curves(points):
            if isinstance(part[0], tuple):
                a, b, c = (f"({p[0]:.1f},{p[1]:.1f})" for p in part)
                path += f" .. controls {a} and {b} .. {c}"
            else:
                path += f" -- ({part[0]:.1f},{part[1]:.1f})"
        lines.append(rf"\draw[-latex,line width=.7pt,sdink] {path};")
        for text, color, dy in _numbers(wire):
            at = f"({wire.label[0]:.1f},{wire.label[1] + dy:.1f})" if wire else ""
            name = "sdforward" if color == FORWARD else "sdback"
            power = _power(text)
            shown = rf"{power[0]}\cdot10^{{{power[1]}}}" if power else text
            lines.append(
                rf"\node[text={name},font=\fontsize{{7.5}}{{8}}\selectfont] at {at} {{${shown}$}};"
            )
    for box in drawing.boxes:
        radius = 4 if box.vertex.kind in ("stage", "target") else 8
        kind = box.vertex.kind
        corner = f"({box.x - box.width / 2:.1f},{box.y - box.height / 2:.1f})"
        opposite = f"({box.x + box.width / 2:.1f},{box.y + box.height / 2:.1f})"
        lines.append(
            rf"\filldraw[rounded corners={radius}pt,line width=.6pt,draw=sd{kind}line,"
            rf"fill=sd{kind}] {corner} rectangle {opposite};"
        )
        lines += _tikz_label(box)
    lines.append(r"\end{tikzpicture}")
    return "\n".join(lines)


def _tikz_label(box: Box) -> list[str]:
    vertex, dy = box.vertex, 0.0
    result = []
    if vertex.formula is not None:
        dy = vertex.height / 2 - FONT / 2
        result.append(
            r"\node[font=\fontsize{7.5}{9}\selectfont] "
            rf"at ({box.x:.1f},{box.y + FONT / 2:.1f}) "
            rf"{{$\displaystyle {latex(vertex.formula)}$}};"
        )
    label = f"({box.x:.1f},{box.y - dy:.1f})"
    return [
        rf"\node[font=\fontsize{{9}}{{11}}\selectfont] at {label} {{${latex(vertex.label)}$}};",
        *result,
    ]


def mermaid_text(text: str) -> str:
    """Any text as a quoted mermaid label: entities for all that mermaid or HTML would read."""
    return '"' + "".join(c if c.isalnum() or c in _SAFE else f"#{ord(c)};" for c in text) + '"'


_SAFE = frozenset(" .,=+−-()/·σ∂→←⋅²³₀₁₂₃₄₅₆₇₈₉")


def graph_mermaid(drawing: Drawing) -> str:
    """The graph as a mermaid flowchart; vertices are numbered, so that no name is code."""
    number = {box.vertex.name: f"n{k}" for k, box in enumerate(drawing.boxes)}
    lines = ["flowchart LR"]
    for box in drawing.boxes:
        text = mermaid_text(box.vertex.plain)
        opening, closing = ("[", "]") if box.vertex.kind in ("stage", "target") else ("([", "])")
        lines.append(f"  {number[box.vertex.name]}{opening}{text}{closing}:::{box.vertex.kind}")
    for wire in drawing.wires:
        edge = wire.edge
        parts = [f"→ {signed(edge.value)}"] if edge.value else []
        parts += [f"← {signed(edge.gradient)}"] if edge.gradient else []
        label = f"|{mermaid_text('  '.join(parts))}|" if parts else ""
        lines.append(f"  {number[edge.source]} -->{label} {number[edge.user]}")
    for kind, (fill, frame) in FILLS.items():
        lines.append(f"  classDef {kind} fill:{fill},stroke:{frame},color:#1a1a1a")
    return "\n".join(lines)
