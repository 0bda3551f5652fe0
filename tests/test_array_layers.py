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


def group_norm(jnp, X, D, g, e):
    groups = X.reshape(len(X), 2, 3)
    centred = groups - groups.mean(2, keepdims=True)
    normed = centred / jnp.sqrt((centred**2).mean(2, keepdims=True) + e)
    return (D * g * normed.reshape(X.shape)).sum()


def heads(jnp, Q, K, V, D):
    scores = jnp.einsum("hmk,htk->hmt", Q, K)
    weights = jnp.exp(scores)
    return (D * (weights / weights.sum(2, keepdims=True) @ V)).sum()


def kernel(jnp, X, A, r):
    apart = ((X[:, None] - X[None]) ** 2).sum(2)
    return (A * jnp.exp(-apart / (2 * r**2))).sum()


def pooled(jnp, X, Y, D):
    greatest = X.reshape(2, 2, 3, 2).max((1, 3))
    return (D * (greatest + Y.reshape(2, 3, 2).mean(2))).sum()


def channel_norm(jnp, X, D, e):
    centred = X - X.mean((0, 2), keepdims=True)
    return (D * centred / jnp.sqrt((centred**2).mean((0, 2), keepdims=True) + e)).sum()


LAYERS = {
    "channels": Layer(
        {
            "u": "mean(X, axis=(0, 2), keepdims=True)",
            "s": "sqrt(mean((X - u)**2, axis=(0, 2), keepdims=True) + e)",
            "Z": "(X - u)/s",
            "L": "sum(D*Z)",
        },
        {"X": "m n t", "D": "m n t", "e": ""},
        {
            "X": "(D - mean(D, axis=(0, 2))[:, None] - Z*mean(D*Z, axis=(0, 2))[:, None])"
            "/s[0, :, 0][:, None]"
        },
        channel_norm,
        positive=("e",),
    ),
    "group norm": Layer(
        {
            "G": "reshape(X, (m, 2, 3))",
            "u": "mean(G, axis=2, keepdims=True)",
            "s": "sqrt(mean((G - u)**2, axis=2, keepdims=True) + e)",
            "Z": "(G - u)/s",
            "L": "sum(D*g*reshape(Z, (m, 6)))",
        },
        {"X": "m 6", "D": "m 6", "g": "6", "e": ""},
        {
            "Z": "reshape(g*D, (m, 2, 3))",
            "X": "reshape((reshape(g*D, (m, 2, 3)) - mean(reshape(g*D, (m, 2, 3)), axis=2)"
            "[:, :, None] - Z*mean(reshape(g*D, (m, 2, 3))*Z, axis=2)[:, :, None])/s, (m, 6))",
        },
        group_norm,
        positive=("e",),
    ),
    "heads": Layer(
        {
            "S": "einsum('hmk,htk->hmt', Q, K)",
            "P": "softmax(S, axis=2)",
            "O": "P @ V",
            "L": "sum(D*O)",
        },
        {"Q": "2 m k", "K": "2 t k", "V": "2 t n", "D": "2 m n"},
        {
            "V": "transpose(P, (0, 2, 1)) @ D",
            "Q": "P*(D @ transpose(V, (0, 2, 1)) - sum(D*O, axis=2)[:, :, None]) @ K",
            "K": "transpose(P*(D @ transpose(V, (0, 2, 1)) - sum(D*O, axis=2)[:, :, None]), "
            "(0, 2, 1)) @ Q",
        },
        heads,
    ),
    "heads that share keys": Layer(
        {"S": "Q @ K.T", "P": "softmax(S, axis=2)", "O": "P @ V", "L": "sum(D*O)"},
        {"Q": "2 m k", "K": "t k", "V": "t n", "D": "2 m n"},
        {
            "V": "sum(transpose(P, (0, 2, 1)) @ D, axis=0)",
            "Q": "P*(D @ V.T - sum(D*O, axis=2)[:, :, None]) @ K",
            "K": "sum(transpose(P*(D @ V.T - sum(D*O, axis=2)[:, :, None]), (0, 2, 1)) @ Q, "
            "axis=0)",
        },
        lambda jnp, Q, K, V, D: heads(jnp, Q, jnp.stack([K, K]), jnp.stack([V, V]), D),
    ),
    "dense batch": Layer(
        {"Y": "A @ X @ W", "L": "sum(D*Y)"},
        {"A": "t m", "X": "5 m n", "W": "n k", "D": "5 t k"},
        {"X": "A.T @ (D @ W.T)", "W": "sum(transpose(A @ X, (0, 2, 1)) @ D, axis=0)"},
        lambda jnp, A, X, W, D: (D * (A @ X @ W)).sum(),
    ),
    "three factors": Layer(
        {"E": "T - einsum('ir,jr,kr->ijk', A, B, C)", "L": "norm(E)**2/2"},
        {"T": "m n t", "A": "m k", "B": "n k", "C": "t k"},
        {"A": "-sum(C.T*(B.T @ E), axis=2)"},
        lambda jnp, T, A, B, C: ((T - jnp.einsum("ir,jr,kr->ijk", A, B, C)) ** 2).sum() / 2,
    ),
    "kernel": Layer(
        {"K": "exp(-sum((X[:, None, :] - X[None, :, :])**2, axis=2)/(2*r**2))", "L": "sum(A*K)"},
        {"X": "m n", "A": "m m", "r": ""},
        {"r": "sum(A*K*sum((X - X[:, None, :])**2, axis=2).T)/r**3"},
        kernel,
        positive=("r",),
    ),
    "pooling": Layer(
        {
            "P": "max(reshape(X, (2, 2, 3, 2)), axis=(1, 3)) + mean(reshape(Y, (2, 3, 2)), axis=2)",
            "L": "sum(D*P)",
        },
        {"X": "4 6", "Y": "2 6", "D": "2 3"},
        {
            "X": "reshape(D[:, None, :, None]*is_max(reshape(X, (2, 2, 3, 2)), axis=(1, 3)), "
            "(4, 6))",
            "Y": "kron(D, ones((1, 2)))/2",
        },
        pooled,
    ),
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
