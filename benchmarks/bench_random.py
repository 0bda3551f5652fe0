"""Random formulas: derive and certify, against SymPy's ``simplify(diff)``.

Each formula has three names and a few operations. Both ways start from nothing: SymPy's cache is
cleared, and a formula that SymPy does not finish in time counts with that time.
Run: ``python benchmarks/bench_random.py [FORMULAS]``; exit status 1 unless the median is faster.
"""

from __future__ import annotations

import random
import signal
import statistics
import sys
import time
from collections.abc import Callable

import sympy as sp
from sympy.core.cache import clear_cache

import symderive as sd

NAMES = ("x", "y", "z")
CALLS = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf", "asinh")
LIMIT = 20.0
"""Seconds that one formula may take."""


def formula(dice: random.Random, depth: int) -> str:
    """Formula text that is smooth and real everywhere.

    >>> formula(random.Random(1), 0)
    'x'
    """
    if depth == 0 or dice.random() < 0.15:
        return dice.choice((*NAMES, str(dice.randint(1, 9)))) if depth else dice.choice(NAMES)
    left = formula(dice, depth - 1)
    kind = dice.randrange(6)
    if kind == 0:
        return f"{dice.choice(CALLS)}({left})"
    if kind == 1:
        return f"({left})**{dice.randint(2, 4)}"
    if kind == 2:
        return f"log(1 + ({left})**2)"
    right = formula(dice, depth - 1)
    return {3: f"({left} + {right})", 4: f"({left})*({right})"}.get(
        kind, f"({left})/(1 + ({right})**2)"
    )


def with_symderive(text: str) -> object:
    """Every partial derivative, simplified and certified."""
    derivation = sd.derive(sd.Model({"f": text}))
    return [derivation.links["f", name].certificate for name in derivation.sources]


def with_sympy(text: str) -> object:
    """The same derivatives by SymPy: no steps, no certificate."""
    names = {name: sp.Symbol(name) for name in NAMES}
    x = sp.Symbol("x")
    names["sigmoid"] = sp.Lambda(x, 1 / (1 + sp.exp(-x)))
    names["softplus"] = sp.Lambda(x, sp.log(1 + sp.exp(x)))
    expression = sp.parse_expr(text, names)
    used = sorted(expression.free_symbols, key=str)
    return [sp.simplify(sp.diff(expression, name)) for name in used]


class _TooLong(BaseException):
    """Not an Exception, so that no library takes it for its own."""


def seconds(work: Callable[[str], object], text: str) -> float:
    """Time of one formula from a cold cache, at most LIMIT."""

    def stop(*_: object) -> None:
        raise _TooLong

    clear_cache()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    start = time.perf_counter()
    try:
        work(text)
    except _TooLong:
        return LIMIT
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.perf_counter() - start


def main() -> int:
    """Measure and print; 1 if the median formula is slower than SymPy's."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    dice = random.Random(0)
    texts: list[str] = []
    while len(texts) < count:
        text = formula(dice, 3)
        if any(name in text for name in NAMES) and not text.isidentifier():
            texts.append(text)
    ways = {"symderive, certified": with_symderive, "SymPy diff + simplify": with_sympy}
    for work in ways.values():
        work("x*sin(y)")  # imports, and tables that fill on first use
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn, text in enumerate(texts):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            times[name].append(seconds(ways[name], text))
    print(f"{count} random formulas, all their derivatives, milliseconds a formula")
    print(f"{'':24}{'median':>9}{'mean':>9}{'90 %':>9}{'worst':>9}{f'over {LIMIT:g} s':>11}")
    for name, column in times.items():
        tenth = statistics.quantiles(column, n=10)[-1]
        shown = (statistics.median(column), statistics.fmean(column), tenth, max(column))
        late = sum(value >= LIMIT for value in column)
        print(f"{name:24}" + "".join(f"{v * 1e3:9.1f}" for v in shown) + f"{late:11d}")
    mine, theirs = times.values()
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    print(f"median ratio within a formula: {ratio:.2f}")
    return 0 if ratio < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
