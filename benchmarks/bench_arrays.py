"""How fast programs of arrays are: ``python benchmarks/bench_arrays.py [name …]``.

Value and gradient, and the Hessian where it says so, against NumPy written by hand and, where they
are installed, JAX (``jit`` of ``value_and_grad`` and ``hessian``, in float64) and PyTorch. All
rivals run interleaved in one process with the garbage collector off; what is reported is the median
over rounds of the ratio to symderive within a round. Results are asserted equal before anything is
timed. Everybody has one core; ``--cores 2`` gives them two.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

os.environ.setdefault("JAX_PLATFORMS", "cpu")
CORES = int(sys.argv.pop(sys.argv.index("--cores") + 1)) if "--cores" in sys.argv else 1
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-CORES:])
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(CORES)
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # a kernel for an older processor
    if os.environ.pop(_name, None) is not None:
        os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np  # noqa: E402

from symderive import Model, derive  # noqa: E402
from symderive.numeric.array_program import ArrayFunction  # noqa: E402

ROUNDS, SAMPLE = 21, 4e-3
RANDOM = np.random.default_rng(0)


@dataclass(frozen=True)
class Case:
    """One model at one size: the same results from everybody.

    Attributes:
        stages: The model, as symderive takes it.
        shapes: The shapes of its names.
        values: Values by name; the arguments of the rivals.
        parameters: What to differentiate by.
        by_hand: Loss and gradient (and Hessian) in NumPy; None where nobody would write it.
        loss: Of (np-like module, values), for JAX and PyTorch.
        hessian: The parameter of the Hessian, or "".
        properties: What is known of the names, which the code by hand counts on as well.
    """

    stages: dict[str, str]
    shapes: dict[str, str]
    values: dict[str, np.ndarray]
    parameters: tuple[str, ...]
    by_hand: Callable[..., tuple[object, ...]] | None
    loss: Callable[..., object]
    hessian: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    def ours(self) -> ArrayFunction:
        """The derived value and gradient, and the Hessian where one is asked for."""
        known = {"shapes": self.shapes, "properties": self.properties}
        model = Model(self.stages, parameters=self.parameters, **known)
        derivation = derive(model)
        if not self.hessian:
            return derivation.function()
        rows = derivation.tree_definitions()
        rows.append(("H", derivation.hessian("L", self.hessian).tree))
        plain = derivation.function()
        gradient = {**plain.gradient, "H": "H"}
        return ArrayFunction(rows, plain.shapes, "L", gradient, positive=plain.positive)


def normal(*shape):
    return RANDOM.normal(size=shape)


def one_hot(rows, classes):
    return np.eye(classes)[RANDOM.integers(classes, size=rows)]


def log_softmax_of(np_, z):
    top = z.max(1, keepdims=True)
    top = top[0] if isinstance(top, tuple) else top  # PyTorch returns places too
    shifted = z - top
    return shifted - np_.log(np_.exp(shifted).sum(1, keepdims=True))


# Models -----------------------------------------------------------------------------------------


def linear(rows, columns, hessian=False):
    def by_hand(X, w, Y):
        r = X @ w - Y
        results = r @ r / len(Y), X.T @ (r * (2 / len(Y)))
        return (*results, X.T @ X * (2 / len(Y))) if hessian else results

    return Case(
        {"R": "X @ w - Y", "L": "mean(R**2)"},
        {"X": "m n", "w": "n", "Y": "m"},
        {"X": normal(rows, columns), "w": normal(columns), "Y": normal(rows)},
        ("w",),
        by_hand,
        lambda np_, X, w, Y: ((X @ w - Y) ** 2).mean(),
        "w" if hessian else "",
    )


def logistic(rows, columns, hessian=False):
    def by_hand(X, w, b, Y):
        z = X @ w + b
        e = np.exp(-np.abs(z))
        p = np.where(z >= 0, 1, e) / (1 + e)
        d = (p - Y) / len(Y)
        results = (np.maximum(z, 0) - z * Y + np.log1p(e)).mean(), X.T @ d, d.sum()
        if not hessian:
            return results
        return (*results, X.T @ ((p * (1 - p) / len(Y))[:, None] * X))

    def loss(np_, X, w, b, Y):
        z = X @ w + b
        zero = z * 0
        return (np_.maximum(z, zero) - z * Y + np_.log1p(np_.exp(-np_.abs(z)))).mean()

    return Case(
        {"A1": "X @ w + b", "A2": "sigmoid(A1)", "L": "mean(binary_cross_entropy(A2, Y))"},
        {"X": "m n", "w": "n", "Y": "m"},
        {
            "X": normal(rows, columns),
            "w": normal(columns) / columns**0.5,
            "b": np.float64(0.3),
            "Y": (RANDOM.random(rows) < 0.5) * 1.0,
        },
        ("w", "b"),
        by_hand,
        loss,
        "w" if hessian else "",
    )


def softmax_regression(rows, columns, classes):
    def by_hand(X, W, Y):
        z = X @ W
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        s = e.sum(1, keepdims=True)
        return ((np.log(s) - z) * Y).sum() / len(Y), X.T @ ((e / s - Y) / len(Y))

    return Case(
        {"Z": "X @ W", "P": "softmax(Z, axis=1)", "L": "-sum(Y*log(P))/m"},
        {"X": "m n", "W": "n k", "Y": "m k"},
        {
            "X": normal(rows, columns),
            "W": normal(columns, classes) / columns**0.5,
            "Y": one_hot(rows, classes),
        },
        ("W",),
        by_hand,
        lambda np_, X, W, Y: -(Y * log_softmax_of(np_, X @ W)).sum() / Y.shape[0],
        properties={"Y": "one-hot"},
    )


def two_layers(rows, columns, hidden, classes):
    def by_hand(X, W1, b1, W2, b2, Y):
        a = np.tanh(X @ W1 + b1)
        z = a @ W2 + b2
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        s = e.sum(1, keepdims=True)
        dz = (e / s - Y) / len(Y)
        da = (dz @ W2.T) * (1 - a * a)
        loss = ((np.log(s) - z) * Y).sum() / len(Y)
        return loss, X.T @ da, da.sum(0), a.T @ dz, dz.sum(0)

    def loss(np_, X, W1, b1, W2, b2, Y):
        z = np_.tanh(X @ W1 + b1) @ W2 + b2
        return -(Y * log_softmax_of(np_, z)).sum() / Y.shape[0]

    return Case(
        {
            "A": "X @ W1 + b1",
            "H": "tanh(A)",
            "Z": "H @ W2 + b2",
            "P": "softmax(Z, axis=1)",
            "L": "-sum(Y*log(P))/m",
        },
        {"X": "m n", "W1": "n h", "b1": "h", "W2": "h k", "b2": "k", "Y": "m k"},
        {
            "X": normal(rows, columns),
            "W1": normal(columns, hidden) / columns**0.5,
            "b1": normal(hidden),
            "W2": normal(hidden, classes) / hidden**0.5,
            "b2": normal(classes),
            "Y": one_hot(rows, classes),
        },
        ("W1", "b1", "W2", "b2"),
        by_hand,
        loss,
        properties={"Y": "one-hot"},
    )


def gaussian(rows, columns):
    def by_hand(X, mu, S):
        r = X - mu
        inverse = np.linalg.inv(S)
        g = r @ inverse
        loss = 0.5 * (len(X) * np.linalg.slogdet(S)[1] + (g * r).sum())
        return loss, -g.sum(0), 0.5 * (len(X) * inverse.T - g.T @ g)

    def loss(np_, X, mu, S):
        r = X - mu
        return 0.5 * (X.shape[0] * np_.linalg.slogdet(S)[1] + (r * (r @ np_.linalg.inv(S))).sum())

    base = normal(columns, columns)
    return Case(
        {"R": "X - mu", "L": "(m*logdet(S) + sum((R @ inv(S))*R))/2"},
        {"X": "m n", "mu": "n", "S": "n n"},
        {
            "X": normal(rows, columns),
            "mu": normal(columns),
            "S": base @ base.T / columns + np.eye(columns),
        },
        ("mu", "S"),
        by_hand,
        loss,
    )


def log_sum_exp_of_product(rows, inner, columns):
    def by_hand(A, B):
        z = A @ B
        top = z.max(1, keepdims=True)
        e = np.exp(z - top)
        s = e.sum(1, keepdims=True)
        p = e / s
        return (np.log(s) + top).sum(), p @ B.T, A.T @ p

    def loss(np_, A, B):
        z = A @ B
        top = z.max(1, keepdims=True)
        top = top[0] if isinstance(top, tuple) else top
        return (np_.log(np_.exp(z - top).sum(1)) + top[:, 0]).sum()

    return Case(
        {"Z": "A @ B", "L": "sum(logsumexp(Z, axis=1))"},
        {"A": "m n", "B": "n k"},
        {"A": normal(rows, inner) / inner**0.5, "B": normal(inner, columns)},
        ("A", "B"),
        by_hand,
        loss,
    )


def factorisation(rows, columns, rank):
    def by_hand(U, V, M):
        r = U @ V.T
        r -= M
        return (r * r).sum(), 2 * (r @ V), 2 * (r.T @ U)

    return Case(
        {"R": "U @ V.T - M", "L": "sum(R**2)"},
        {"U": "m k", "V": "n k", "M": "m n"},
        {"U": normal(rows, rank), "V": normal(columns, rank), "M": normal(rows, columns)},
        ("U", "V"),
        by_hand,
        lambda np_, U, V, M: ((U @ V.T - M) ** 2).sum(),
    )


def attention(rows, columns, width):
    def by_hand(X, Wq, Wk, Wv, T):
        q, k, v = X @ Wq, X @ Wk, X @ Wv
        z = q @ k.T / width**0.5
        e = np.exp(z - z.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        r = p @ v - T
        do = 2 * r
        dp = do @ v.T
        dz = p * (dp - (p * dp).sum(1, keepdims=True)) / width**0.5
        return (r * r).sum(), X.T @ (dz @ k), X.T @ (dz.T @ q), X.T @ (p.T @ do)

    def loss(np_, X, Wq, Wk, Wv, T):
        p = np_.exp(log_softmax_of(np_, (X @ Wq) @ (X @ Wk).T / width**0.5))
        return ((p @ (X @ Wv) - T) ** 2).sum()

    names = ("Wq", "Wk", "Wv")
    return Case(
        {
            **{"Q": "X @ Wq", "K": "X @ Wk", "V": "X @ Wv"},
            "P": "softmax(Q @ K.T/sqrt(d), axis=1)",
            "L": "sum((P @ V - T)**2)",
        },
        {"X": "m n", **dict.fromkeys(names, "n d"), "T": "m d"},
        {
            "X": normal(rows, columns),
            **{name: normal(columns, width) / columns**0.5 for name in names},
            "T": normal(rows, width),
        },
        names,
        by_hand,
        loss,
    )


def curved(case: Case, parameter: str) -> Case:
    """The same model with a Hessian, which nobody writes by hand."""
    return replace(case, by_hand=None, hessian=parameter)


CASES: dict[str, Callable[[], Case]] = {
    "linear 100x10": lambda: linear(100, 10),
    "linear 10000x100": lambda: linear(10_000, 100),
    "linear 100000x100": lambda: linear(100_000, 100),
    "linear+H 100x10": lambda: linear(100, 10, True),
    "linear+H 10000x100": lambda: linear(10_000, 100, True),
    "linear+H 100000x100": lambda: linear(100_000, 100, True),
    "logistic 100x10": lambda: logistic(100, 10),
    "logistic 10000x100": lambda: logistic(10_000, 100),
    "logistic 100000x100": lambda: logistic(100_000, 100),
    "logistic+H 100x10": lambda: logistic(100, 10, True),
    "logistic+H 10000x100": lambda: logistic(10_000, 100, True),
    "logistic+H 100000x100": lambda: logistic(100_000, 100, True),
    "softmax 100x10x5": lambda: softmax_regression(100, 10, 5),
    "softmax 10000x100x10": lambda: softmax_regression(10_000, 100, 10),
    "network 100x10x16x5": lambda: two_layers(100, 10, 16, 5),
    "network 10000x100x64x10": lambda: two_layers(10_000, 100, 64, 10),
    "gaussian 100x10": lambda: gaussian(100, 10),
    "gaussian 10000x100": lambda: gaussian(10_000, 100),
    "logsumexp 100x10x10": lambda: log_sum_exp_of_product(100, 10, 10),
    "logsumexp 2000x100x500": lambda: log_sum_exp_of_product(2000, 100, 500),
    "factorisation 100x50x5": lambda: factorisation(100, 50, 5),
    "factorisation 2000x1000x20": lambda: factorisation(2000, 1000, 20),
    "softmax+H 1000x20x5": lambda: curved(softmax_regression(1000, 20, 5), "W"),
    "network+H 1000x10x16x5": lambda: curved(two_layers(1000, 10, 16, 5), "W2"),
    "gaussian+H 1000x20": lambda: curved(gaussian(1000, 20), "mu"),
    "logsumexp+H 100x10x10": lambda: curved(log_sum_exp_of_product(100, 10, 10), "A"),
    "factorisation+H 100x50x5": lambda: curved(factorisation(100, 50, 5), "U"),
    "attention 20x16x8": lambda: attention(20, 16, 8),
    "attention 500x64x32": lambda: attention(500, 64, 32),
}


# Rivals -----------------------------------------------------------------------------------------


def jax_rival(case):
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    names = list(case.values)
    given = [jnp.asarray(case.values[name]) for name in names]
    places = tuple(names.index(name) for name in case.parameters)

    def loss(*values):
        return case.loss(jnp, **dict(zip(names, values, strict=True)))

    slope = jax.value_and_grad(loss, places)
    if case.hessian:
        curvature = jax.hessian(loss, names.index(case.hessian))
        run = jax.jit(lambda *values: (slope(*values), curvature(*values)))
        return lambda: _flat(jax.block_until_ready(run(*given)))
    run = jax.jit(slope)
    return lambda: _flat(jax.block_until_ready(run(*given)))


def torch_rival(case):
    try:
        import torch
    except ImportError:
        return None
    given = {name: torch.tensor(value) for name, value in case.values.items()}
    for name in case.parameters:
        given[name].requires_grad_()

    def run():
        loss = case.loss(torch, **given)
        slopes = torch.autograd.grad(loss, [given[name] for name in case.parameters])
        results = [loss.detach(), *slopes]
        if case.hessian:
            others = {**given}

            def of(x):
                return case.loss(torch, **{**others, case.hessian: x})

            results.append(torch.autograd.functional.hessian(of, given[case.hessian].detach()))
        return results

    return run


def _flat(result):
    parts = []
    for part in result:
        parts += _flat(part) if isinstance(part, tuple | list) else [part]
    return parts


def compare(name, case):
    """Print the medians of the ratios to symderive's time."""
    function = case.ours()
    given = list(case.values.values())
    mine = [case.values[name] for name in function.inputs]
    rivals = {
        "symderive": lambda: function.positional(*mine),
        "by hand": case.by_hand and (lambda: case.by_hand(*given)),
        "JAX": jax_rival(case),
        "PyTorch": torch_rival(case),
        "symderive again": lambda: function.positional(*mine),
    }
    rivals = {rival: run for rival, run in rivals.items() if run is not None}
    expected = [np.asarray(part) for part in rivals["symderive"]()]
    counts = {}
    for rival, run in rivals.items():
        for ours, theirs in zip(expected, run(), strict=True):
            assert np.allclose(ours, np.asarray(theirs), rtol=1e-8, atol=1e-9), (name, rival)
        start = time.perf_counter()
        run()
        counts[rival] = max(1, int(SAMPLE / (time.perf_counter() - start)))
    times = {rival: [] for rival in rivals}
    gc.collect()
    gc.disable()
    for round_ in range(ROUNDS):
        shift = round_ % len(rivals)
        order = list(rivals)
        for rival in order[shift:] + order[:shift]:
            run, count = rivals[rival], counts[rival]
            start = time.perf_counter()
            for _ in range(count):
                run()
            times[rival].append((time.perf_counter() - start) / count)
    gc.enable()
    ratios = {
        rival: statistics.median(
            theirs / mine for theirs, mine in zip(times[rival], times["symderive"], strict=True)
        )
        for rival in rivals
    }
    shown = "".join(f"{ratios[r]:>10.2f}" if r in ratios else f"{'–':>10}" for r in COLUMNS)
    print(f"{name:28}{statistics.median(times['symderive']) * 1e6:12.1f}{shown}", flush=True)


COLUMNS = ("by hand", "JAX", "PyTorch", "symderive again")


def main(wanted):
    print(f"{'':28}{'median µs':>12}" + "".join(f"{column[:9]:>10}" for column in COLUMNS))
    for name, make in CASES.items():
        if not wanted or any(word in name for word in wanted):
            compare(name, make())


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if word != "--cores"])
