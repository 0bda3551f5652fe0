"""How fast the compiled functions are: ``python benchmarks/bench_function.py``.

The seed model (a logistic neuron with binary cross-entropy): the loss and its three derivatives.

* scalar: against ``sympy.lambdify(modules="math", cse=True)`` of SymPy's own derivatives;
* 10⁴ and 10⁶ rows, mean loss and mean derivatives: against NumPy written by hand and, where JAX is
  installed, against the jit of ``value_and_grad`` on its best-known idiom ``softplus(z) - y*z``
  and on ``max(z, 0) - z*y + log1p(exp(-abs(z)))``.

All rivals run interleaved in one process with the garbage collector off; what is reported is the
median over rounds of the ratio within a round. Results are asserted equal before anything is timed.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from math import exp, log

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
import sympy as sp

from symderive.numeric import Function

ROUNDS, SAMPLE = 31, 4e-4
Timed = dict[str, Callable[[], object]]


def seed_model(reduce: str | None = None) -> Function:
    x1, x2, w1, w2, b, y = sp.symbols("x1 x2 w1 w2 b Y")
    a1, a2, slope = sp.symbols("A1 A2 A3_D_A1")
    definitions = [
        ("A1", x1 * w1 + x2 * w2 + b),
        ("A2", 1 / (1 + sp.exp(-a1))),
        ("A3", -(y * sp.log(a2) + (1 - y) * sp.log(1 - a2))),
        ("A3_D_A1", a2 - y),
        ("A3_D_w1", x1 * slope),
        ("A3_D_w2", x2 * slope),
        ("A3_D_b", slope),
    ]
    gradient = {"w1": "A3_D_w1", "w2": "A3_D_w2", "b": "A3_D_b"}
    inputs = ["w1", "w2", "b", "x1", "x2", "Y"]
    return Function(definitions, inputs, "A3", gradient, reduce=reduce)


def lambdified() -> Callable[..., list[float]]:
    names = sp.symbols("w1 w2 b x1 x2 Y")
    w1, w2, b, x1, x2, y = names
    p = 1 / (1 + sp.exp(-(x1 * w1 + x2 * w2 + b)))
    loss = -(y * sp.log(p) + (1 - y) * sp.log(1 - p))
    outputs = [loss, *(sp.diff(loss, name) for name in (w1, w2, b))]
    return sp.lambdify(names, outputs, modules="math", cse=True)


def by_hand_scalar(w1, w2, b, x1, x2, y):
    p = 1 / (1 + exp(-(w1 * x1 + w2 * x2 + b)))
    d = p - y
    return -(y * log(p) + (1 - y) * log(1 - p)), d * x1, d * x2, d


def by_hand(w1, w2, b, x1, x2, y):
    p = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))
    d = p - y
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss.mean(), (d * x1).mean(), (d * x2).mean(), d.mean()


def by_hand_stable(w1, w2, b, x1, x2, y):
    z = w1 * x1 + w2 * x2 + b
    e = np.exp(-np.abs(z))
    d = np.where(z >= 0, 1, e) / (1 + e) - y
    loss = np.maximum(z, 0) - z * y + np.log1p(e)
    n = len(z)
    return loss.mean(), d @ x1 / n, d @ x2 / n, d.mean()


def jax_rivals(values: list[object]) -> Timed:
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        print("(JAX is not installed: its rows are left out)")
        return {}
    jax.config.update("jax_enable_x64", True)

    def softplus(w, x1, x2, y):
        z = w[0] * x1 + w[1] * x2 + w[2]
        return (jax.nn.softplus(z) - y * z).mean()

    def best(w, x1, x2, y):
        z = w[0] * x1 + w[1] * x2 + w[2]
        return (jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))).mean()

    data = [jnp.asarray(v) for v in values[3:]]
    w = jnp.asarray(values[:3])
    forms = {"jax softplus": softplus, "jax max-log1p": best}
    jitted = {name: jax.jit(jax.value_and_grad(form)) for name, form in forms.items()}

    def call(f):
        return lambda: jax.block_until_ready(f(w, *data))

    return {name: call(f) for name, f in jitted.items()}


def compare(title: str, rivals: Timed, reference: str) -> dict[str, float]:
    """Print the medians and return each rival's time in units of the reference's."""
    names = list(rivals)
    counts = {}
    for name in names:
        rivals[name]()
        start = time.perf_counter()
        rivals[name]()
        counts[name] = max(1, int(SAMPLE / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    for round_ in range(ROUNDS):
        shift = round_ % len(names)
        for name in names[shift:] + names[:shift]:
            call, count = rivals[name], counts[name]
            call()
            start = time.perf_counter()
            for _ in range(count):
                call()
            times[name].append((time.perf_counter() - start) / count)
    gc.enable()
    print(f"\n{title}\n{'':34}{'median µs':>12}{'ratio':>9}")
    ratios = {}
    for name in names:
        pairs = zip(times[name], times[reference], strict=True)
        ratios[name] = statistics.median(mine / theirs for mine, theirs in pairs)
        print(f"{name:34}{statistics.median(times[name]) * 1e6:12.3f}{ratios[name]:9.2f}")
    return ratios


def flat(result: object) -> list[float]:
    """(loss, derivatives) of any rival as four floats."""
    parts = []
    for part in result:
        parts.extend(np.ravel(np.asarray(part)).tolist())
    return parts


def main() -> None:
    point = [0.7, -0.3, 1.0, 1.3, 2.1, 1.0]
    ours, theirs = seed_model().positional, lambdified()
    rivals: Timed = {
        "symderive": lambda: ours(*point),
        "lambdify math, cse": lambda: theirs(*point),
        "by hand, not stable": lambda: by_hand_scalar(*point),
        "symderive again (control)": lambda: ours(*point),
    }
    for name, call in rivals.items():
        assert np.allclose(flat(call()), flat(ours(*point)), rtol=1e-12), name
    compare("One point: loss and 3 derivatives", rivals, "symderive")
    batch = seed_model("mean").positional
    for rows in (100, 10_000, 1_000_000):
        random = np.random.default_rng(1)
        data = [random.normal(size=rows), random.normal(size=rows)]
        values = [0.7, -0.3, 1.0, *data, (random.random(rows) < 0.5) * 1.0]
        rivals = {
            "symderive": lambda v=values: batch(*v),
            "NumPy by hand, not stable": lambda v=values: by_hand(*v),
            "NumPy by hand, stable": lambda v=values: by_hand_stable(*v),
            **jax_rivals(values),
            "symderive again (control)": lambda v=values: batch(*v),
        }
        for name, call in rivals.items():
            assert np.allclose(flat(call()), flat(batch(*values)), rtol=1e-9), name
        compare(f"{rows} rows: mean loss and 3 mean derivatives", rivals, "symderive")


if __name__ == "__main__":
    main()
