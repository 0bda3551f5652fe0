"""Cold starts, side by side: ``derive`` against ``import sympy``, help against a bare interpreter.

Each pair runs interleaved, in fresh processes, and the medians are compared. Python's own bytecode
is there, as pip leaves it for both sides. Nothing else is: every run has an empty home of its own,
so each is the very first one, and a warm run is no faster: what a run leaves in its home is an
error here. Run: ``python benchmarks/bench_startup.py``; exit status 1 if a bound is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "logistic_neuron.toml"
MODULE = [sys.executable, "-m", "symderive"]

# What is measured, what it is compared with, the bound on the ratio, rounds.
PAIRS = (
    (
        "symderive --help",
        [*MODULE, "--help"],
        "python -c pass",
        [sys.executable, "-c", "pass"],
        3.0,
        31,
    ),
    (
        "symderive derive, four formats",
        [*MODULE, "derive", "--quiet", str(EXAMPLE)],
        'python -c "import sympy"',
        [sys.executable, "-c", "import sympy"],
        3.0,
        11,
    ),
)


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall-clock time of one run, with an empty home and an empty working directory."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder:
        homes = {"HOME": home, "USERPROFILE": home, "XDG_CACHE_HOME": f"{home}/cache"}
        start = time.perf_counter()
        subprocess.run(
            command,
            cwd=folder,
            env={**environment, **homes},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        taken = time.perf_counter() - start
        if left := [path.name for path in Path(home).rglob("*")]:
            raise SystemExit(f"{command} left {left} in its home")
    return taken


def main() -> int:
    """Measure and print; 1 if a bound is missed."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        # A bytecode cache of its own, so that the tree stays clean and nothing is compiled twice.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPATH"] = str(EXAMPLE.parent.parent)
        for name, command, other, reference, bound, rounds in PAIRS:
            times: list[tuple[float, float]] = []
            for turn in range(rounds + 1):
                pair = tuple(seconds(c, environment) for c in (command, reference))
                if turn:  # the first one fills the caches
                    times.append((pair[0], pair[1]))
            mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            ratio = mine / theirs
            missed += ratio >= bound
            print(
                f"{name}: {mine * 1e3:.0f} ms; {other}: {theirs * 1e3:.0f} ms; "
                f"ratio {ratio:.2f}, bound {bound:g}: {'ok' if ratio < bound else 'MISSED'}"
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
