"""The curve of a quantity over steps: ticks and axes in points, the same for every writer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 330.0, 165.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 8.0, 30.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: its place in points, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve in its place. The origin is the top left corner.

    Attributes:
        points: The corners of the curve, in points of the page.
        data: The numbers themselves.
        x_ticks: Marks of the horizontal axis.
        y_ticks: Marks of the vertical axis.
        x_label: What is counted.
        y_label: What is measured.
    """

    points: tuple[tuple[float, float], ...]
    data: tuple[float, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_label: str
    y_label: str


def ticks(low: float, high: float, count: int) -> list[float]:
    """At most about ``count`` round numbers from ``low`` to ``high``.

    >>> ticks(0, 0.7, 4)
    [0.0, 0.2, 0.4, 0.6]
    """
    rough = (high - low) / count or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def plot(data: Sequence[float], *, x_label: str = "step", y_label: str = "loss") -> Plot:
    """The curve through ``(0, data[0]), (1, data[1]), …``; the data are finite."""
    low, high = min(0.0, *data), max(0.0, *data)
    if low == 0 and min(data) > 0.6 * high:  # a curve far from zero would be a flat line
        low = min(data) - 0.08 * (max(data) - min(data) or 1.0)
    span = (high - low) * 1.05 or 1.0
    last = max(len(data) - 1, 1)

    def x_of(x: float) -> float:
        return LEFT + x / last * (WIDTH - LEFT - RIGHT)

    def y_of(y: float) -> float:
        return HEIGHT - BOTTOM - (y - low) / span * (HEIGHT - BOTTOM - TOP)

    return Plot(
        tuple((x_of(k), y_of(y)) for k, y in enumerate(data)),
        tuple(data),
        tuple(Tick(x_of(x), f"{x:g}") for x in ticks(0, last, 6) if x == int(x)),
        tuple(Tick(y_of(y), f"{y:.12g}") for y in ticks(low, low + span, 4)),
        x_label,
        y_label,
    )
