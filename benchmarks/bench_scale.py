"""How deriving and checking grow: chains and graphs of scalar stages, networks of array stages.

Bounds: 1,000 stages of the chain derive in under a second, 10,000 in at most twelve times that;
ten times the stages of the graph take at most twelve times as long. The attention head and the LSTM
cell of the gallery derive in under two seconds each, in all parameters; ten times the layers of a
network take at most twelve times as long.
Run: ``python benchmarks/bench_scale.py``; exit status 1 if a bound is missed.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import symderive as sd

SIZES = (1_000, 10_000)
GRAPH_SIZES = (500, 5_000)
ROUNDS = 5
PARTS = ("model", "derive", "check", "function")


def chain(stages: int) -> dict[str, str]:
    """A1 = sigmoid(w), A2 = sigmoid(A1), …."""
    names = ["w", *(f"A{k}" for k in range(1, stages + 1))]
    return {name: f"sigmoid({before})" for before, name in pairwise(names)}


def graph(stages: int) -> dict[str, str]:
    """Stages of six kinds, each of one or two of the last twenty; all reach the last."""
    dice = random.Random(stages)
    kinds = ("sin({0})*{1}", "tanh({0} + {1})", "({0} + {1})/2", "{0}/(1 + {1}**2)")
    single = ("sigmoid({0})", "atan({0})")
    formulas: dict[str, str] = {}
    before = "w"
    for k in range(1, stages + 1):
        other = f"A{dice.randint(max(1, k - 20), k - 1)}" if k > 1 else "w"
        kind = dice.choice(kinds if k > 1 else single)
        formulas[f"A{k}"] = (dice.choice(single) if dice.random() < 0.2 else kind).format(
            before, other
        )
        before = f"A{k}"
    return formulas


def measure(formulas: dict[str, str]) -> dict[str, float]:
    """Seconds of each part of the work, on a model that was never seen."""
    stages = len(formulas)
    gc.collect()  # what the model before left is not this one's time
    marks = [time.perf_counter()]
    model = sd.Model(formulas, parameters={"w": 0.5})
    marks.append(time.perf_counter())
    derivation = sd.derive(model)
    partials = derivation.partials
    for partial in partials.values():
        assert partial.formula is not None  # they are made when asked for
    marks.append(time.perf_counter())
    if not (len(partials) == stages and derivation.check().passed):
        raise SystemExit(f"the chain of {stages} stages was not derived")
    marks.append(time.perf_counter())
    value, gradient = derivation.function("python")()
    marks.append(time.perf_counter())
    if not (abs(value) < 1e6 and abs(gradient["w"]) < 1e6):
        raise SystemExit(f"the function of {stages} stages is wrong: {value}, {gradient}")
    return {part: b - a for part, (a, b) in zip(PARTS, pairwise(marks), strict=True)}


def table(
    title: str, model: Callable[[int], dict[str, str]], sizes: tuple[int, int]
) -> list[float]:
    """Print the medians and return the seconds of model and derive together for each size."""
    derived = []
    print(f"\n{title}\n{'stages':>8}" + "".join(f"{part:>10}" for part in (*PARTS, "derived")))
    times = [{size: measure(model(size)) for size in sizes} for _ in range(ROUNDS)]
    for size in sizes:
        medians = {part: statistics.median(row[size][part] for row in times) for part in PARTS}
        derived.append(medians["model"] + medians["derive"])
        print(f"{size:8}" + "".join(f"{v:10.3f}" for v in (*medians.values(), derived[-1])))
    print(f"growth {derived[1] / derived[0]:.1f} for {sizes[1] // sizes[0]} times the stages")
    return derived


LAYERS = (10, 100)
EXAMPLES = Path(__file__).parent.parent / "examples"


def network(layers: int) -> sd.Model:
    """Layers of hyperbolic tangents on a batch, each with weights and biases of its own."""
    stages = {f"H{k}": f"tanh(H{k - 1} @ W{k} + b{k})" for k in range(2, layers + 1)}
    stages = {"H1": "tanh(X @ W1 + b1)", **stages, "L": f"sum((H{layers} - Y)**2)/(2*m)"}
    shapes = {"X": "m n", "Y": "m n"}
    for k in range(1, layers + 1):
        shapes |= {f"W{k}": "n n", f"b{k}": "n"}
    return sd.Model(stages, parameters=[n for n in shapes if n not in "XY"], shapes=shapes)


def arrays(name: str, make: Callable[[], sd.Model]) -> float:
    """Print and return the median of the CPU seconds of model, derivation and matrix notation."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        derivation = sd.derive(make())
        for partial in derivation.partials.values():
            assert partial.tree is not None  # type: ignore[attr-defined]
        times.append(time.process_time() - start)
    print(f"{name:24}{statistics.median(times):10.3f}")
    return statistics.median(times)


def layers() -> bool:
    """Time the models of arrays; whether the bounds hold."""
    print("\nModels of arrays: all parameters, in matrix notation")
    arrays("(two layers)", lambda: network(2))
    gallery = [
        arrays(name, lambda name=name: sd.read(EXAMPLES / f"{name}.toml"))  # type: ignore[misc]
        for name in ("attention_head", "lstm_cell")
    ]
    few, many = (arrays(f"{count} layers", lambda c=count: network(c)) for count in LAYERS)  # type: ignore[misc]
    print(f"growth {many / few:.1f} for {LAYERS[1] // LAYERS[0]} times the layers")
    return max(gallery) < 2.0 and many <= 12 * few


def main() -> int:
    """Measure and print; 1 if a bound is missed."""
    measure(chain(10))  # imports, and tables that fill on first use
    measure(graph(50))
    print("Seconds; derived is model and derive together")
    small, large = table("Chain of sigmoid stages", chain, SIZES)
    few, many = table("Random graph of six kinds of stages", graph, GRAPH_SIZES)
    scalars = small < 1.0 and large <= 12 * small and many <= 12 * few
    return 0 if layers() and scalars else 1


if __name__ == "__main__":
    sys.exit(main())
