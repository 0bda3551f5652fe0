"""The computation graph and its layered layout: left to right, few crossings, one port an edge.

Every edge enters its user at a port of its own, with a horizontal stub that carries the value
going forward and the gradient coming back, so no two labels can meet. All lengths are points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from symderive.formulas.tree import Node

FONT = 9.0
"""Size of a node's name; the formula below it is set at FORMULA_FONT."""
FORMULA_FONT = 7.5
MARGIN, TAIL = 4.0, 46.0
WIDE, HIGH = 468.0, 300.0
"""The size from which a drawing is laid out closer: a page has no room for more."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A node of the graph before layout.

    Attributes:
        name: Unique key.
        label: What stands in it.
        kind: ``parameter``, ``constant``, ``stage``, ``target`` or ``gap`` (stages left out).
        formula: Set small below the label; None for inputs.
        width: Width of the label or formula in points, whichever is larger.
        height: Height of both in points.
        plain: The same as plain text.
    """

    name: str
    label: Node
    kind: str
    formula: Node | None
    width: float
    height: float
    plain: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A use of ``source`` by ``user``: the value going forward, the gradient coming back."""

    source: str
    user: str
    value: str = ""
    gradient: str = ""


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A vertex in its place: its centre, and the size of its frame."""

    vertex: Vertex
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge in its place: points joined by smooth curves, then a stub with the labels."""

    edge: Edge
    points: tuple[Point, ...]
    label: Point


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph laid out; every writer draws just this."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Pitch:
    """How much room the parts of a drawing have.

    Attributes:
        stub: The length of the level end of an edge, which carries its labels.
        port: The height between two edges at one user: for one label, or one above the other.
        curve: The width of what lies between two columns, without the stubs.
        gap: The height between two vertices of a column.
    """

    stub: float
    port: float
    curve: float = 24.0
    gap: float = 9.0

    @classmethod
    def of(cls, edges: Sequence[Edge]) -> Pitch:
        """The room for the longest label, and for as many as an edge has."""
        longest = max(max(len(edge.value), len(edge.gradient)) for edge in edges)
        double = any(edge.gradient for edge in edges)
        return cls(min(36.0, 16.0 + 4.0 * longest), 21.0 if double else 14.0)


def _layers(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> dict[str, int]:
    """Longest-path layers, with inputs pulled next to their first user."""
    sources: dict[str, list[str]] = {v.name: [] for v in vertices}
    users: dict[str, list[str]] = {v.name: [] for v in vertices}
    for edge in edges:
        sources[edge.user].append(edge.source)
        users[edge.source].append(edge.user)
    layer: dict[str, int] = {}
    for vertex in vertices:  # in order of computation
        layer[vertex.name] = 1 + max((layer[s] for s in sources[vertex.name]), default=-1)
    for vertex in reversed(vertices):
        if users[vertex.name] and not sources[vertex.name]:
            layer[vertex.name] = min(layer[u] for u in users[vertex.name]) - 1
    first = min(layer.values())
    return {name: number - first for name, number in layer.items()}


def _crossings(columns: list[list[str]], following: dict[str, list[str]]) -> int:
    count = 0
    for left, right in pairwise(columns):
        place = {name: i for i, name in enumerate(right)}
        pairs = [(i, place[b]) for i, a in enumerate(left) for b in following[a]]
        count += sum(
            (a - c) * (b - d) < 0 for k, (a, b) in enumerate(pairs) for (c, d) in pairs[:k]
        )
    return count


def _untangle(
    columns: list[list[str]], following: dict[str, list[str]], leading: dict[str, list[str]]
) -> list[list[str]]:
    """Reorder each column by the mean place of its neighbours, sweeping to and fro."""
    best, fewest = [list(column) for column in columns], _crossings(columns, following)
    for sweep in range(12):
        if not fewest:
            break
        forward = sweep % 2 == 0
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for number in order:
            beside = columns[number - 1 if forward else number + 1]
            place = {name: i for i, name in enumerate(beside)}
            near = leading if forward else following
            now = {name: i for i, name in enumerate(columns[number])}
            mean = {
                name: sum(place[n] for n in near[name]) / len(near[name]) if near[name] else at
                for name, at in now.items()
            }
            columns[number].sort(key=lambda name, m=mean, n=now: (m[name], n[name]))  # type: ignore[misc]
        crossings = _crossings(columns, following)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    return best


def _relax(
    columns: list[list[str]], heights: dict[str, float], near: dict[str, list[str]], gap: float
) -> dict[str, float]:
    """Vertical centres: near the mean of the neighbours, in order, without overlap."""
    y: dict[str, float] = {}
    for column in columns:
        top = 0.0
        for name in column:
            y[name] = top + heights[name] / 2
            top += heights[name] + gap
    for sweep in range(40):
        for column in columns if sweep % 2 else reversed(columns):
            offsets, top = [], 0.0
            for name in column:
                offsets.append(top + heights[name] / 2)
                top += heights[name] + gap
            pooled: list[tuple[float, int]] = []  # blocks that touch move together
            for name, offset in zip(column, offsets, strict=True):
                beside = near[name]
                wish = sum(y[n] for n in beside) / len(beside) if beside else y[name]
                block = ((y[name] + wish) / 2 - offset, 1)
                while pooled and pooled[-1][0] > block[0]:
                    mean, count = pooled.pop()
                    total = count + block[1]
                    block = ((mean * count + block[0] * block[1]) / total, total)
                pooled.append(block)
            shifts = [mean for mean, count in pooled for _ in range(count)]
            for name, shift, offset in zip(column, shifts, offsets, strict=True):
                y[name] = shift + offset
    return y


def layout(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> Drawing:
    """Place the vertices (in order of computation) and route the edges; closer in a large one."""
    pitch = Pitch.of(edges)
    drawing = _laid_out(vertices, edges, pitch)
    wide, high = drawing.width > WIDE, drawing.height > HIGH
    if not (wide or high):
        return drawing
    curve, gap = 12.0 if wide else pitch.curve, 5.0 if high else pitch.gap
    return _laid_out(vertices, edges, replace(pitch, curve=curve, gap=gap))


def _laid_out(vertices: Sequence[Vertex], edges: Sequence[Edge], pitch: Pitch) -> Drawing:
    layer = _layers(vertices, edges)
    columns: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    following: dict[str, list[str]] = {v.name: [] for v in vertices}
    leading: dict[str, list[str]] = {v.name: [] for v in vertices}
    for vertex in vertices:
        columns[layer[vertex.name]].append(vertex.name)
    chains: list[list[str]] = []
    for edge in edges:
        chain = [edge.source]
        for number in range(layer[edge.source] + 1, layer[edge.user]):
            bend = f"\0{len(chains)}.{number}"  # no name of a vertex holds a zero byte
            layer[bend] = number
            columns[number].append(bend)
            following[bend], leading[bend] = [], []
            chain.append(bend)
        chain.append(edge.user)
        for a, b in pairwise(chain):
            following[a].append(b)
            leading[b].append(a)
        chains.append(chain)
    columns = _untangle(columns, following, leading)

    width = {v.name: max(v.width + 10, 22.0) for v in vertices}
    height = dict.fromkeys(layer, 7.0) | {
        v.name: max(v.height + 7, 20.0, pitch.port * len(leading[v.name]) + 2) for v in vertices
    }
    y = _relax(
        columns, height, {name: following[name] + leading[name] for name in following}, pitch.gap
    )
    top = min(y[name] - height[name] / 2 for name in y) - MARGIN
    y = {name: at - top for name, at in y.items()}

    spans: list[tuple[float, float]] = []  # left and right edge of each column
    x: dict[str, float] = {}
    for column in columns:
        left = spans[-1][1] + pitch.curve + pitch.stub if spans else MARGIN
        spans.append((left, left + max((width.get(name, 0.0) for name in column), default=0.0)))
        for name in column:  # inputs stand at the right of their column: short wires
            slack = spans[-1][1] - left - width.get(name, 0.0)
            x[name] = left + width.get(name, 0.0) / 2 + (slack if not leading[name] else slack / 2)

    boxes = tuple(Box(v, x[v.name], y[v.name], width[v.name], height[v.name]) for v in vertices)
    wires = tuple(_route(edges, chains, {b.vertex.name: b for b in boxes}, y, layer, spans, pitch))
    bottom = max([b.y + b.height / 2 for b in boxes] + [p[1] for w in wires for p in w.points])
    return Drawing(boxes, wires, spans[-1][1] + TAIL + MARGIN, bottom + MARGIN)


def _route(
    edges: Sequence[Edge],
    chains: Sequence[Sequence[str]],
    boxes: dict[str, Box],
    y: dict[str, float],
    layer: dict[str, int],
    spans: Sequence[tuple[float, float]],
    pitch: Pitch,
) -> Iterator[Wire]:
    """A wire an edge: out of the source, past its column, to a port of its own at the user."""
    entering: dict[str, list[int]] = {}
    for number, chain in enumerate(chains):
        entering.setdefault(chain[-1], []).append(number)
    for user, numbers in entering.items():
        numbers.sort(key=lambda number: (y[chains[number][-2]], number))
        for place, number in enumerate(numbers):
            port = y[user] + pitch.port * (place - (len(numbers) - 1) / 2)
            source, box = boxes[chains[number][0]], boxes[user]
            points = [(source.x + source.width / 2, source.y)]
            right = spans[layer[source.vertex.name]][1]
            if right > points[0][0] + 1:
                points.append((right, source.y))
            for bend in chains[number][1:-1]:
                points += [(side, y[bend]) for side in spans[layer[bend]]]
            start = spans[layer[user]][0] - pitch.stub
            points += [(start, port), (box.x - box.width / 2, port)]
            yield Wire(edges[number], tuple(points), (start + pitch.stub / 2 - 2, port))
