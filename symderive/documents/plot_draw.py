"""Writers of a plotted curve: Typst (and SVG through it), TikZ, mermaid."""

from __future__ import annotations

from symderive.documents.graph_draw import mermaid_text, signed
from symderive.documents.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot
from symderive.formulas.latex import escaped, latex
from symderive.formulas.tree import name_node
from symderive.formulas.typst import literal, typst

CURVE = "#3b6fb6"


def plot_typst(plot: Plot) -> str:
    """The curve as Typst code: one box made of primitives."""
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    y_label = typst(name_node(plot.y_label))
    lines = [
        f"box(width: {WIDTH}pt, height: {HEIGHT}pt, {{",
        "  set text(size: 8pt)",
        "  let at(x, y, body) = place(top + left, dx: x * 1pt, dy: y * 1pt, box(width: 0pt, "
        "height: 0pt, place(center + horizon, body)))",
    ]
    for tick in plot.y_ticks:
        lines += [
            f"  place(top + left, line(start: ({LEFT}pt, {tick.at:.1f}pt), end: ({right}pt, "
            f"{tick.at:.1f}pt), stroke: 0.4pt + luma(85%)))",
            f"  place(top + left, dx: 12pt, dy: {tick.at - 4:.1f}pt, box(width: {LEFT - 16}pt, "
            f"align(right, {literal(signed(tick.text))})))",
        ]
    lines += [f"  at({tick.at:.1f}, {base + 8:.1f}, {literal(tick.text)})" for tick in plot.x_ticks]
    corners = ", ".join(
        f"curve.{'line' if k else 'move'}(({x:.1f}pt, {y:.2f}pt))"
        for k, (x, y) in enumerate(plot.points)
    )
    axes = f"curve.move(({LEFT}pt, {TOP}pt)), curve.line(({LEFT}pt, {base}pt)), "
    axes += f"curve.line(({right}pt, {base}pt))"
    lines += [
        f"  place(top + left, curve(stroke: 0.7pt + luma(25%), {axes}))",
        f'  place(top + left, curve(stroke: 1.3pt + rgb("{CURVE}"), {corners}))',
    ]
    lines += [
        f"  place(top + left, dx: {x - 1.5:.1f}pt, dy: {y - 1.5:.2f}pt, "
        f'circle(radius: 1.5pt, fill: rgb("{CURVE}")))'
        for x, y in _dots(plot)
    ]
    lines += [
        f"  at({(LEFT + right) / 2:.1f}, {HEIGHT - 6}, {literal(plot.x_label)})",
        f"  at(6, {(TOP + base) / 2:.1f}, rotate(-90deg, reflow: true, ${y_label}$))",
        "})",
    ]
    return "\n".join(lines)


def _dots(plot: Plot) -> tuple[tuple[float, float], ...]:
    """The points that get a dot: all of a short curve, none of a long one."""
    return plot.points if len(plot.points) <= 60 else ()


def plot_tikz(plot: Plot) -> str:
    """The curve as a TikZ picture."""
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [r"\begin{tikzpicture}[x=1bp,y=-1bp,font=\scriptsize]"]
    lines += [
        rf"\draw[black!15,line width=.4pt] ({LEFT},{t.at:.1f}) -- ({right},{t.at:.1f}); "
        rf"\node[left] at ({LEFT},{t.at:.1f}) {{${t.text}$}};"
        for t in plot.y_ticks
    ]
    lines += [rf"\node[below] at ({t.at:.1f},{base}) {{${t.text}$}};" for t in plot.x_ticks]
    path = " -- ".join(f"({x:.1f},{y:.2f})" for x, y in plot.points)
    lines += [
        rf"\draw ({LEFT},{TOP}) -- ({LEFT},{base}) -- ({right},{base});",
        rf"\draw[sdstageline,line width=1.2pt] {path};",
    ]
    lines += [rf"\fill[sdstageline] ({x:.1f},{y:.2f}) circle (1.5bp);" for x, y in _dots(plot)]
    lines += [
        rf"\node at ({(LEFT + right) / 2:.1f},{HEIGHT - 4}) {{{escaped(plot.x_label)}}};",
        rf"\node[rotate=90] at (6,{(TOP + base) / 2:.1f}) {{${latex(name_node(plot.y_label))}$}};",
        r"\end{tikzpicture}",
    ]
    return "\n".join(lines)


def plot_mermaid(plot: Plot) -> str:
    """The curve as a mermaid chart."""
    low, high = min(0.0, *plot.data), max(plot.data)
    numbers = ", ".join(f"{y:.6g}" if abs(y) >= 1e-4 else f"{y:.9f}" for y in plot.data)
    return "\n".join(
        [
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{CURVE}"}}}}}}}}%%',
            "xychart-beta",
            f"  x-axis {mermaid_text(plot.x_label)} 0 --> {len(plot.data) - 1}",
            f"  y-axis {mermaid_text(plot.y_label)} {low:.6g} --> {high:.6g}",
            f"  line [{numbers}]",
        ]
    )
