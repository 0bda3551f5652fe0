"""Derived programs of arrays against JAX: value, gradient and Hessian at random shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from symderive import Model, derive
from symderive.numeric.array_program import ArrayFunction

pytestmark = pytest.mark.frameworks


@dataclass(frozen=True)
class Case:
    """A model, the parameter of its Hessian, and the loss as JAX has it."""

    stages: dict[str, str]
    shapes: dict[str, str]
    parameter: str
    loss: Callable[..., Any]


def log_softmax(np_: Any, z: Any) -> Any:
    shifted = z - z.max(1, keepdims=True)
    return shifted - np_.log(np_.exp(shifted).sum(1, keepdims=True))


def logistic(np_: Any, X: Any, w: Any, Y: Any) -> Any:
    z = X @ w
    return (np_.logaddexp(0.0, z) - z * Y).mean()


def gaussian(np_: Any, X: Any, mu: Any, S: Any) -> Any:
    r = X - mu
    return X.shape[0] * np_.linalg.slogdet(S)[1] / 2 + ((r @ np_.linalg.inv(S)) * r).sum() / 2


CASES = {
    "linear": Case(
        {"R": "X @ w - Y", "L": "mean(R**2)"},
        {"X": "m n", "w": "n", "Y": "m"},
        "w",
        lambda np_, X, w, Y: ((X @ w - Y) ** 2).mean(),
    ),
    "logistic": Case(
        {"A": "sigmoid(X @ w)", "L": "mean(binary_cross_entropy(A, Y))"},
        {"X": "m n", "w": "n", "Y": "m"},
        "w",
        logistic,
    ),
    "softmax": Case(
        {"P": "softmax(X @ W, axis=1)", "L": "-sum(Y*log(P))/m"},
        {"X": "m n", "W": "n k", "Y": "m k"},
        "W",
        lambda np_, X, W, Y: -(Y * log_softmax(np_, X @ W)).sum() / X.shape[0],
    ),
    "network": Case(
        {"H": "tanh(X @ W + b)", "L": "sum((H @ V - Y)**2)"},
        {"X": "m n", "W": "n h", "b": "h", "V": "h k", "Y": "m k"},
        "W",
        lambda np_, X, W, b, V, Y: ((np_.tanh(X @ W + b) @ V - Y) ** 2).sum(),
    ),
    "gaussian": Case(
        {"R": "X - mu", "L": "m*logdet(S)/2 + sum((R @ inv(S))*R)/2"},
        {"X": "m n", "mu": "n", "S": "n n"},
        "S",
        gaussian,
    ),
    "log-sum-exp": Case(
        {"Z": "A @ B", "L": "sum(logsumexp(Z, axis=1))"},
        {"A": "m n", "B": "n k"},
        "A",
        lambda np_, A, B: np_.log(np_.exp(A @ B).sum(1)).sum(),
    ),
    "factorisation": Case(
        {"R": "U @ V.T - M", "L": "sum(R**2)"},
        {"U": "m k", "V": "n k", "M": "m n"},
        "U",
        lambda np_, U, V, M: ((U @ V.T - M) ** 2).sum(),
    ),
    "norm": Case(
        {"L": "norm(X @ w - Y)"},
        {"X": "m n", "w": "n", "Y": "m"},
        "w",
        lambda np_, X, w, Y: np_.sqrt(((X @ w - Y) ** 2).sum()),
    ),
}
SIZES = [(4, 3, 2, 3), (1, 2, 3, 1), (3, 1, 1, 2)]


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_and_hessian_are_those_of_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    case = CASES[name]
    derivation = derive(Model(case.stages, parameters=list(case.shapes), shapes=case.shapes))
    rows = derivation.tree_definitions()
    rows.append(("curvature", derivation.hessian("L", case.parameter).tree))
    plain = derivation.function()
    f = ArrayFunction(rows, plain.shapes, "L", {**plain.gradient, "H": "curvature"})
    random = np.random.default_rng(0)
    for sizes in SIZES:
        size = dict(zip("mnkh", sizes, strict=True))
        at = {
            key: random.normal(size=[size[x] for x in shape.split()])
            for key, shape in case.shapes.items()
        }
        if "S" in at:
            at["S"] = at["S"] @ at["S"].T + np.eye(size["n"])
        value, gradient = f(**at)
        given = [jax.numpy.asarray(array) for array in at.values()]
        places = tuple(range(len(given)))

        def loss(*arrays: Any) -> Any:
            return case.loss(jax.numpy, *arrays)

        expected, slopes = jax.value_and_grad(loss, places)(*given)
        curvature = jax.hessian(loss, list(at).index(case.parameter))(*given)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
        for key, slope in zip(at, slopes, strict=True):
            np.testing.assert_allclose(gradient[key], slope, rtol=1e-9, atol=1e-10, err_msg=key)
        found = np.reshape(gradient["H"], np.shape(curvature))
        np.testing.assert_allclose(found, curvature, rtol=1e-8, atol=1e-9)
