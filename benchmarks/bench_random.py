"""Random formulas: derive and certify, all of them; a subsample against SymPy's ``simplify(diff)``.

Each formula has three names and up to six leaves under smooth functions, kinks, powers, gamma
functions and variable exponents. Where both ways are compared they start from nothing: SymPy's
cache is cleared, and a formula that does not finish in time counts with that time.
Run: ``python benchmarks/bench_random.py [FORMULAS [COMPARED [SEED]]]``; exit status 1 if a line is
wrong, uncertified or late, or if the median formula is slower than SymPy's.
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
SMOOTH = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf", "asinh", "silu")
KINKED = ("relu", "abs", "elu", "hardtanh", "sign")
POSITIVE = ("log", "sqrt", "gamma")
LIMIT = 20.0
"""Seconds of the processor that one formula may take."""


def formula(dice: random.Random, leaves: int) -> str:
    """Formula text whose value is a real number everywhere.

    >>> formula(random.Random(1), 1)
    'gamma(1 + (x)**2)'
    """
    if leaves <= 1:
        text = dice.choice((*NAMES, *NAMES, str(dice.randint(1, 9)), f"({dice.randint(1, 9)}/4)"))
        for _ in range(dice.choice((0, 0, 1, 1, 2))):
            text = _inside(dice, text)
        return text
    left = dice.randint(1, leaves - 1)
    first, second = formula(dice, left), formula(dice, leaves - left)
    text = (
        f"({first} + {second})",
        f"({first} - {second})",
        f"{first}*{second}",
        f"{first}/(1 + ({second})**2)",
        f"(1 + ({first})**2)**sin({second})",
    )[dice.randrange(5)]
    return _inside(dice, text) if dice.random() < 0.4 else text


def _inside(dice: random.Random, text: str) -> str:
    kind = dice.randrange(3)
    if kind == 0:
        return f"({text})**{dice.randint(2, 4)}"
    if kind == 1:
        return f"{dice.choice(SMOOTH + KINKED)}({text})"
    return f"{dice.choice(POSITIVE)}(1 + ({text})**2)"


def with_symderive(text: str) -> set[str]:
    """Every partial derivative, simplified and certified: the verdicts."""
    derivation = sd.derive(sd.Model({"f": text}))
    links = [derivation.links["f", name] for name in derivation.sources]
    return {line.certificate.verdict for link in links for line in link.lines if line.certificate}


def with_sympy(text: str) -> object:
    """The same derivatives by SymPy: no steps, no certificate."""
    names = {name: sp.Symbol(name, real=True) for name in NAMES}
    x = sp.Symbol("x", real=True)
    names["sigmoid"] = sp.Lambda(x, 1 / (1 + sp.exp(-x)))
    names["softplus"] = sp.Lambda(x, sp.log(1 + sp.exp(x)))
    names["silu"] = sp.Lambda(x, x / (1 + sp.exp(-x)))
    names["relu"] = sp.Lambda(x, sp.Max(x, 0))
    names["elu"] = sp.Lambda(x, sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)))
    names["hardtanh"] = sp.Lambda(x, sp.Min(sp.Max(x, -1), 1))
    expression = sp.parse_expr(text, names)
    used = sorted(expression.free_symbols, key=str)
    return [sp.simplify(sp.diff(expression, name)) for name in used]


class _TooLong(BaseException):
    """Not an Exception, so that no library takes it for its own."""


def run(work: Callable[[str], object], text: str, *, cold: bool) -> tuple[float, object]:
    """Time of one formula, at most LIMIT, and its result or what it raised."""

    def stop(*_: object) -> None:
        raise _TooLong

    if cold:
        clear_cache()
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    start = time.process_time()
    result: object
    try:
        result = work(text)
    except _TooLong:
        return LIMIT, "late"
    except Exception as error:
        result = f"{type(error).__name__}: {error}"[:90]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - start, result


def shown(name: str, column: list[float]) -> None:
    """A line of the table."""
    tenth = statistics.quantiles(column, n=10)[-1]
    figures = (statistics.median(column), statistics.fmean(column), tenth, max(column))
    late = sum(value >= LIMIT for value in column)
    print(f"{name:28}" + "".join(f"{v * 1e3:9.1f}" for v in figures) + f"{late:11d}")


def main() -> int:
    """Measure and print; 1 if a bound is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    compared = int(sys.argv[2]) if len(sys.argv) > 2 else min(count, 40)
    dice = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    texts: list[str] = []
    while len(texts) < count:
        text = formula(dice, dice.randint(1, 6))
        if any(name in text for name in NAMES) and not text.isidentifier():
            texts.append(text)
    for work in (with_symderive, with_sympy):
        work("x*sin(y)")  # imports, and tables that fill on first use
    mine: list[float] = []
    faults: dict[str, list[str]] = {}
    refused = 0
    for done, text in enumerate(texts, 1):
        taken, result = run(with_symderive, text, cold=done <= compared)
        mine.append(taken)
        if str(result).startswith("FormulaError"):  # gamma of a number too large to write out
            refused += 1
            continue
        bad = sorted(result - {"proved", "sampled"}) if isinstance(result, set) else [str(result)]
        for fault in bad:
            faults.setdefault(fault, []).append(text)
            print(f"{fault}: {text}", flush=True)
        if done % 250 == 0:
            worst = max(range(done), key=mine.__getitem__)
            print(f"{done} done; slowest {mine[worst]:.1f} s: {texts[worst]}", flush=True)
    theirs = [run(with_sympy, text, cold=True)[0] for text in texts[:compared]]
    print(f"{count} random formulas, all their derivatives, milliseconds a formula")
    print(f"{'':28}{'median':>9}{'mean':>9}{'90 %':>9}{'worst':>9}{f'over {LIMIT:g} s':>11}")
    shown("symderive, certified", mine)
    shown(f"the first {compared}", mine[:compared])
    shown("SymPy diff + simplify, these", theirs)
    print("faults:", {fault: len(where) for fault, where in faults.items()} or "none")
    print(f"refused with a reason: {refused}")
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=False))
    print(f"median ratio within a formula: {ratio:.2f}")
    return 0 if ratio < 1 and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
