"""Convex by its form: what is said of a Hessian holds at random points, and much is said."""

import numpy as np
import pytest

import symderive as sd

SHAPES = {
    **{"A": "m n", "B": "k n", "Q": "n n", "X": "m n", "W": "n k", "Y": "m k", "U": "m n"},
    **{"x": "n", "w": "n", "b": "m", "y": "m", "t": ""},
}
SIZES = {"m": 4, "n": 3, "k": 2}
DEFINITE = {"Q": "positive definite"}
ONE_HOT = {"Y": "one-hot"}

CONVEX = [
    ({"f": "logsumexp(A @ x)"}, "x", {}),
    ({"z": "A @ x + b", "f": "logsumexp(z)"}, "x", {}),
    ({"z": "A @ x", "p": "softmax(z)", "f": "-log(p[1])"}, "x", {}),
    ({"f": "logsumexp(A @ x) + x @ x + sum(exp(B @ x))"}, "x", {}),
    ({"f": "norm(A @ x - b)"}, "x", {}),
    ({"f": "norm(x)"}, "x", {}),
    ({"f": "sum(exp(x))**2"}, "x", {}),
    ({"f": "x @ Q @ x + b @ A @ x"}, "x", DEFINITE),
    ({"f": "sqrt(1 + x @ x)"}, "x", {}),
    ({"P": "softmax(X @ W, axis=1)", "f": "-sum(Y*log(P))/m"}, "W", ONE_HOT),
    ({"Z": "X @ W", "P": "softmax(Z, axis=1)", "f": "-sum(Y*log(P))/m"}, "W", ONE_HOT),
    ({"f": "mean(logsumexp(X @ W, axis=1))"}, "W", {}),
    ({"f": "sum((X @ W - Y)**2)"}, "W", {}),
    ({"f": "trace(W.T @ Q @ W)"}, "W", DEFINITE),
    ({"f": "trace(W.T @ inv(Q) @ W)"}, "W", DEFINITE),
    ({"f": "sum(softplus(X @ W))"}, "W", {}),
]
OTHERS = [
    ({"f": "x @ Q @ x"}, "x", {"Q": "symmetric"}),
    ({"f": "-logsumexp(A @ x)"}, "x", {}),
    ({"f": "-norm(x)"}, "x", {}),
    ({"f": "-exp(-(x @ x)/2)"}, "x", {}),
    ({"f": "sum(sin(A @ x))"}, "x", {}),
    ({"f": "softmax(A @ x)[0]"}, "x", {}),
    ({"f": "sum(softmax(A @ x)**2)"}, "x", {}),
    ({"f": "norm(A @ x)*norm(x - w)"}, "x", {}),
    ({"f": "logsumexp(A @ x)**2"}, "x", {}),
    ({"f": "trace(U.T @ U @ U.T @ U) - trace(U.T @ U)"}, "U", {}),
    ({"f": "sum(Q @ Q)"}, "Q", {}),
    ({"f": "trace(W.T @ Q @ W)"}, "W", {"Q": "symmetric"}),
]
"""Not convex, or not by a form that is known; some concave."""


def curvature(stages, source, properties):
    model = sd.Model(stages, parameters=[source], shapes=SHAPES, properties=properties)
    return sd.derive(model).hessian("f", source)


def least(found, source, seed):
    """The least eigenvalue at a random point, over the greatest."""
    random = np.random.default_rng(seed)
    model = found.derivation.model
    at = {}
    for name in (*model.parameters, *model.constants):
        at[name] = random.normal(size=[SIZES[str(s)] for s in model.shapes.get(name, ())])
    if "Q" in at:
        at["Q"] = at["Q"] @ at["Q"].T
        at["Q"] -= np.eye(3) * ("positive definite" not in model.properties.get("Q", ()))
    if "Y" in at and "one-hot" in model.properties.get("Y", ()):
        at["Y"] = np.eye(2)[random.integers(0, 2, 4)]
    matrix = np.asarray(found.evaluate(**at))
    size = at[source].size
    values = np.linalg.eigvalsh(matrix.reshape(size, size))
    return values[0] / max(abs(values).max(), 1e-300)


@pytest.mark.parametrize(("stages", "source", "properties"), CONVEX, ids=lambda v: str(v))
def test_convex_by_its_form(stages, source, properties):
    found = curvature(stages, source, properties)
    assert found.definiteness == "positive semidefinite"
    assert min(least(found, source, seed) for seed in range(3)) > -1e-9


@pytest.mark.parametrize(("stages", "source", "properties"), OTHERS, ids=lambda v: str(v))
def test_nothing_is_said_that_does_not_hold(stages, source, properties):
    found = curvature(stages, source, properties)
    values = [least(found, source, seed) for seed in range(4)]
    assert found.definiteness != "positive semidefinite" or min(values) > -1e-9
    assert found.definiteness != "negative semidefinite" or max(values) <= 0
    if not stages["f"].startswith("-"):
        assert not found.definiteness
