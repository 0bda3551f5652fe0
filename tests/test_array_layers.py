"""Backward passes of common layers and losses: the forms of the papers, the values of JAX."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

import symderive as sd

SIZES = {"m": 4, "n": 3, "k": 2, "t": 5}


@dataclass(frozen=True, eq=False)
class Layer:
    """A model, its derivatives as they are printed, and its loss as JAX has it."""

    stages: dict[str, str]
    shapes: dict[str, str]
    forms: dict[str, str]
    loss: object
    properties: dict[str, str] = field(default_factory=dict)
    positive: tuple[str, ...] = ()


def nt_xent(jnp, X, Y, tau):
    first, second = (A / jnp.linalg.norm(A, axis=1, keepdims=True) for A in (X, Y))
    scores = first @ second.T / tau
    top = jnp.log(jnp.exp(scores).sum(1))
    return (top - jnp.diag(scores)).mean()


def attention(jnp, Q, M, K, V, D):
    scores = jnp.exp(Q @ M @ K.T)
    return (D * (scores / scores.sum(1, keepdims=True) @ V)).sum()


def gaussian_process(jnp, K, y):
    return y @ jnp.linalg.inv(K) @ y / 2 + jnp.linalg.slogdet(K)[1] / 2


def sliding(jnp, X, W, d):
    return d @ jnp.maximum(jnp.correlate(X[0], W[0]) + jnp.correlate(X[1], W[1]), 0)


def flow(jnp, A, x, z):
    from jax.scipy.linalg import expm

    return ((expm(A) @ x - z) ** 2).sum() / 2


LAYERS = {
    "contrastive": Layer(
        {
            "Z": "X/norm(X, axis=1, keepdims=True)",
            "W": "Y/norm(Y, axis=1, keepdims=True)",
            "C": "Z @ W.T/tau",
            "L": "mean(logsumexp(C, axis=1) - diagonal(C))",
        },
        {"X": "m n", "Y": "m n", "tau": ""},
        {
            "Z": "(softmax(C) @ W - W)/(tau*m)",
            "X": "(softmax(C) @ W - W - Z*sum(Z*(softmax(C) @ W - W), axis=1)[:, None])"
            "/norm(X, axis=1)[:, None]/(tau*m)",
            "tau": "(trace(C) - sum(C*softmax(C)))/(tau*m)",
        },
        nt_xent,
        positive=("tau",),
    ),
    "discriminant": Layer(
        {"L": "w @ B @ w/(w @ S @ w)"},
        {"w": "n", "B": "n n", "S": "n n"},
        {"w": "2*((B - L*S) @ w)/(w @ (S @ w))"},
        lambda jnp, w, B, S: w @ B @ w / (w @ S @ w),
        {"B": "symmetric", "S": "positive definite"},
    ),
    "attention": Layer(
        {"S": "Q @ M @ K.T", "P": "softmax(S)", "O": "P @ V", "L": "sum(D*O)"},
        {"Q": "m n", "M": "n n", "K": "t n", "V": "t k", "D": "m k"},
        {
            "S": "P*(D @ V.T - sum(D*O, axis=1)[:, None])",
            "Q": "P*(D @ V.T - sum(D*O, axis=1)[:, None]) @ K @ M.T",
            "V": "P.T @ D",
        },
        attention,
    ),
    "gaussian process": Layer(
        {"F": "cholesky(K)", "z": "solve(F, y)", "L": "z @ z/2 + sum(log(diagonal(F)))"},
        {"K": "n n", "y": "n"},
        {"K": "inv(F).T @ (eye(n) - outer(z, z)) @ inv(F)/2", "y": "solve(F.T, z)"},
        gaussian_process,
        {"K": "positive definite"},
    ),
    "two channels": Layer(
        {"y": "correlate(X[0], W[0]) + correlate(X[1], W[1])", "a": "relu(y)", "L": "d @ a"},
        {"X": "2 6", "W": "2 3", "d": "4"},
        {
            "X": "stack([convolve(W[0, :], d*where(y > 0, 1, 0)), "
            "convolve(W[1, :], d*where(y > 0, 1, 0))])",
            "W": "stack([correlate(X[0, :], d*where(y > 0, 1, 0)), "
            "correlate(X[1, :], d*where(y > 0, 1, 0))])",
        },
        sliding,
    ),
    "flow": Layer(
        {"y": "expm(A) @ x", "L": "sum((y - z)**2)/2"},
        {"A": "n n", "x": "n", "z": "n"},
        {"A": "expm_frechet(A.T, outer(y - z, x))", "x": "expm(A.T) @ (y - z)"},
        flow,
    ),
    "low rank": Layer(
        {"L": "norm(X - Y)**2/2 + t*nuclear_norm(X) + norm(X, 2)"},
        {"X": "m n", "Y": "m n", "t": ""},
        {
            "X": "t*polar(X) + outer(left_vectors(X)[:, 0], right_vectors(X)[:, 0]) + X - Y",
            "t": "nuclear_norm(X)",
        },
        lambda jnp, X, Y, t: (
            ((X - Y) ** 2).sum() / 2 + t * jnp.linalg.norm(X, "nuc") + jnp.linalg.norm(X, 2)
        ),
    ),
}
layers = pytest.mark.parametrize("name", LAYERS)


@cache
def derived(name: str):
    layer = LAYERS[name]
    shapes = {key: shape for key, shape in layer.shapes.items() if shape}
    model = sd.Model(
        layer.stages, parameters=list(layer.shapes), shapes=shapes, properties=layer.properties
    )
    return sd.derive(model)


@layers
def test_derivatives_have_the_forms_of_the_papers(name: str) -> None:
    d = derived(name)
    found = {source: str(d.partial("L", source).matrix) for source in LAYERS[name].forms}
    assert found == LAYERS[name].forms


@pytest.mark.frameworks
@layers
def test_values_and_gradients_are_those_of_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    layer, random = LAYERS[name], np.random.default_rng(0)
    at = {}
    for key, shape in layer.shapes.items():
        drawn = random.normal(size=[SIZES.get(s) or int(s) for s in shape.split()])
        known = layer.properties.get(key)
        if known:
            drawn = drawn @ drawn.T + np.eye(len(drawn))
        at[key] = np.abs(drawn) + 0.5 if key in layer.positive else drawn
    value, gradient = derived(name).function()(**at)
    places = tuple(range(len(at)))
    loss = jax.value_and_grad(lambda *arrays: layer.loss(jax.numpy, *arrays), places)
    expected, slopes = loss(*map(jax.numpy.asarray, at.values()))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for key, slope in zip(at, slopes, strict=True):
        if layer.properties.get(key):  # of a symmetric matrix, its symmetric part
            slope = (slope + slope.T) / 2
        np.testing.assert_allclose(gradient[key], slope, rtol=1e-9, atol=1e-11, err_msg=key)
