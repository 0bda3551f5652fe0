"""How deriving and checking grow with a chain of sigmoid stages.

Bounds: 1,000 stages derive in under a second, 10,000 in at most twelve times that.
Run: ``python benchmarks/bench_scale.py``; exit status 1 if a bound is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import pairwise

import symderive as sd

SIZES = (1_000, 10_000)
ROUNDS = 3


def chain(stages: int) -> dict[str, str]:
    """A1 = sigmoid(w), A2 = sigmoid(A1), …."""
    names = ["w", *(f"A{k}" for k in range(1, stages + 1))]
    return {name: f"sigmoid({before})" for before, name in pairwise(names)}


def measure(stages: int) -> dict[str, float]:
    """Seconds of each part of the work, on a model that was never seen."""
    formulas = chain(stages)
    marks = [time.perf_counter()]
    model = sd.Model(formulas, parameters={"w": 0.5})
    marks.append(time.perf_counter())
    derivation = sd.derive(model)
    partials = derivation.partials
    marks.append(time.perf_counter())
    if not (len(partials) == stages and derivation.check().passed):
        raise SystemExit(f"the chain of {stages} stages was not derived")
    marks.append(time.perf_counter())
    value, gradient = derivation.function("python")()
    marks.append(time.perf_counter())
    if not (0.0 < value < 1.0 and gradient["w"] >= 0.0):
        raise SystemExit(f"the function of {stages} stages is wrong: {value}, {gradient}")
    parts = ("model", "derive", "check", "function")
    return {part: b - a for part, (a, b) in zip(parts, pairwise(marks), strict=True)}


def main() -> int:
    """Measure and print; 1 if a bound is missed."""
    measure(10)  # imports, and tables that fill on first use
    rounds = {size: [measure(size) for _ in range(ROUNDS)] for size in SIZES}
    derived: dict[int, float] = {}
    for size, times in rounds.items():
        medians = {part: statistics.median(row[part] for row in times) for part in times[0]}
        derived[size] = medians["model"] + medians["derive"]
        shown = ", ".join(f"{part} {value:.3f} s" for part, value in medians.items())
        print(f"{size:>6} stages: {shown}; model and derive {derived[size]:.3f} s")
    small, large = (derived[size] for size in SIZES)
    print(f"growth: {large / small:.1f} times for {SIZES[1] // SIZES[0]} times the stages")
    return 0 if small < 1.0 and large <= 12 * small else 1


if __name__ == "__main__":
    sys.exit(main())
