"""The gallery of array models: gradients in the form of the books, and equal to what JAX gives."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import symderive as sd
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.arrays.terms import tree_cost
from symderive.formulas.functions import FUNCTIONS

EXAMPLES = Path(__file__).parent.parent / "examples"

FORMS = [
    ("linear_regression", "w", "X.T @ (A - Y)/m"),
    ("ridge_regression", "w", "lam*w + X.T @ (A - Y)/m"),
    ("logistic_regression", "A1", "(A2 - Y)/m"),
    ("logistic_regression", "w1", "x1 @ (A2 - Y)/m"),
    ("logistic_regression_matrix", "w", "X.T @ (A2 - Y)/m"),
    ("softmax_regression", "Z", "(P - Y)/m"),
    ("softmax_regression", "W", "X.T @ (P - Y)/m"),
    ("two_layer_batch", "Z", "(O - Y) @ W2.T*(1 - H**2)/m"),
    ("two_layer_batch", "W2", "H.T @ (O - Y)/m"),
    ("convolution", "y", "y - t"),
    ("batch_norm", "g", "sum(D*N, axis=0)"),
    ("layer_norm", "r", "-sum(d*g*N)/r"),
    ("rms_norm", "x", "(d*g - mean(d*g*N)*N)/r"),
    ("attention_head", "V", "P.T @ D"),
    ("attention_head", "S", "P*(D @ V.T - sum(D*O, axis=1)[:, None])"),
    ("attention_head", "K", "(P*(D @ V.T - sum(D*O, axis=1)[:, None])).T @ Q/sqrt(d)"),
    ("multivariate_gaussian", "mu", "inv(S) @ sum(R, axis=0)"),
    ("multivariate_gaussian", "S", "m*(inv(S) @ C @ inv(S) - inv(S))/2"),
    ("gaussian_process", "K", "(inv(K) - outer(a, a))/2"),
    ("matrix_factorisation", "U", "lam*U + M*R @ V"),
    ("principal_component", "w", "2*(S @ w - L*w)/q"),
    ("kalman_gain", "K", "2*(K @ R - B @ P @ H.T)"),
    ("option_book", "S", "N @ N1"),
    ("runge_kutta", "k4", "h*(y1 - t)/6"),
]
"""Example, name, ∂target/∂name as the books have it."""


@cache
def derived(name):
    return sd.derive(sd.read(EXAMPLES / f"{name}.toml"))


@pytest.mark.parametrize(("name", "source", "form"), FORMS)
def test_the_derivative_is_that_of_the_books_and_no_longer(name, source, form):
    derivation = derived(name)
    found = derivation.partial(derivation.target, source)
    assert found.certificate.verdict in ("proved", "sampled")
    assert derivation.check_claim(f"d{derivation.target}/d{source}", form).verdict == "proved"
    book = parse_array(form, FUNCTIONS, derivation.model.shapes)[0]
    assert tree_cost(found.tree) <= tree_cost(book) + 1e-9, str(found.matrix)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in FORMS}))
def test_the_claims_hold(name):
    derivation = derived(name)
    for claim, answer in derivation.model.claims.items():
        assert derivation.check_claim(claim, answer).verdict == "proved", claim


def losses(jnp, special):
    """The losses as one would write them, without symderive."""
    sigmoid = special.expit

    def bce(z, y):
        return jnp.mean(jnp.logaddexp(0, z) - y * z)

    def normal(x):
        return (1 + special.erf(x / jnp.sqrt(2.0))) / 2

    def calls(p):
        q = p["sigma"] * jnp.sqrt(p["T"])
        d1 = (jnp.log(p["S"] / p["K"]) + (p["r"] + p["sigma"] ** 2 / 2) * p["T"]) / q
        price = p["S"] * normal(d1) - p["K"] * jnp.exp(-p["r"] * p["T"]) * normal(d1 - q)
        return jnp.sum(p["N"] * price)

    def lstm(p):
        def gate(name):
            return p["W" + name] @ p["x"] + p["U" + name] @ p["h"] + p["b" + name]

        state = sigmoid(gate("f")) * p["c"] + sigmoid(gate("i")) * jnp.tanh(gate("g"))
        return p["D"] @ (sigmoid(gate("o")) * jnp.tanh(state))

    def softmax(x):
        return jnp.exp(x - special.logsumexp(x, axis=-1, keepdims=True))

    def attention(p):
        scores = (p["X"] @ p["Wq"]) @ (p["X"] @ p["Wk"]).T / jnp.sqrt(float(p["Wq"].shape[1]))
        return jnp.sum(p["D"] * (softmax(scores) @ (p["X"] @ p["Wv"])))

    def gaussian(p):
        r, (m, n) = p["X"] - p["mu"], p["X"].shape
        square = jnp.sum(r * jnp.linalg.solve(p["S"], r.T).T)
        return -(m * n * jnp.log(2 * jnp.pi) + m * jnp.linalg.slogdet(p["S"])[1] + square) / 2

    def process(p):
        n = p["y"].size
        k = p["s"] ** 2 * jnp.exp(-p["D"] / (2 * p["l"] ** 2)) + p["t"] ** 2 * jnp.eye(n)
        fit = p["y"] @ jnp.linalg.solve(k, p["y"])
        return (fit + jnp.linalg.slogdet(k)[1] + n * jnp.log(2 * jnp.pi)) / 2

    def factors(p):
        error = p["M"] * (p["U"] @ p["V"].T - p["A"]) ** 2
        return (jnp.sum(error) + p["lam"] * (jnp.sum(p["U"] ** 2) + jnp.sum(p["V"] ** 2))) / 2

    def gain(p):
        b = jnp.eye(p["P"].shape[0]) - p["K"] @ p["H"]
        return jnp.trace(b @ p["P"] @ b.T + p["K"] @ p["R"] @ p["K"].T)

    def arm(p):
        a = jnp.cumsum(p["q"])
        x, y = jnp.sum(p["l"] * jnp.cos(a)), jnp.sum(p["l"] * jnp.sin(a))
        return ((x - p["t_x"]) ** 2 + (y - p["t_y"]) ** 2) / 2

    def step(p):
        def f(y):
            return jnp.tanh(p["W"] @ y + p["b"])

        h, y = p["h"], p["y"]
        k1 = f(y)
        k2 = f(y + h * k1 / 2)
        k3 = f(y + h * k2 / 2)
        k4 = f(y + h * k3)
        return jnp.sum((y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6 - p["t"]) ** 2) / 2

    def convolved(p):
        y = sum(p["w"][k] * p["x"][k : k + 6] for k in range(3)) + p["b"]
        return jnp.sum((y - p["t"]) ** 2) / 2

    def normed(p, axis):
        name = "X" if axis == 0 else "x"
        x = p[name]
        n = (x - jnp.mean(x, axis=0)) / jnp.sqrt(jnp.var(x, axis=0) + p["eps"])
        return jnp.sum(p["D" if axis == 0 else "d"] * (p["g"] * n + p["b"]))

    return {
        "linear_regression": lambda p: jnp.mean((p["X"] @ p["w"] - p["Y"]) ** 2) / 2,
        "ridge_regression": lambda p: (
            jnp.mean((p["X"] @ p["w"] - p["Y"]) ** 2) / 2 + p["lam"] * p["w"] @ p["w"] / 2
        ),
        "logistic_regression": lambda p: bce(
            p["x1"] * p["w1"] + p["x2"] * p["w2"] + p["b"], p["Y"]
        ),
        "logistic_regression_matrix": lambda p: bce(p["X"] @ p["w"] + p["b"], p["Y"]),
        "softmax_regression": lambda p: (
            -jnp.sum(p["Y"] * jnp.log(softmax(p["X"] @ p["W"] + p["b"]))) / p["Y"].shape[0]
        ),
        "two_layer_batch": lambda p: (
            jnp.sum((jnp.tanh(p["X"] @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"] - p["Y"]) ** 2)
            / (2 * p["Y"].shape[0])
        ),
        "convolution": convolved,
        "batch_norm": lambda p: normed(p, 0),
        "layer_norm": lambda p: normed(p, None),
        "rms_norm": lambda p: (
            p["d"] @ (p["g"] * p["x"] / jnp.sqrt(jnp.mean(p["x"] ** 2) + p["eps"]))
        ),
        "lstm_cell": lstm,
        "attention_head": attention,
        "multivariate_gaussian": gaussian,
        "gaussian_process": process,
        "matrix_factorisation": factors,
        "principal_component": lambda p: p["w"] @ p["S"] @ p["w"] / (p["w"] @ p["w"]),
        "kalman_gain": gain,
        "robot_arm": arm,
        "option_book": calls,
        "runge_kutta": step,
    }


NAMES = sorted(losses(np, SimpleNamespace(expit=None)))


def test_every_array_model_of_the_gallery_is_compared():
    arrays = {p.stem for p in EXAMPLES.glob("*.toml") if sd.read(p).shapes}
    assert arrays == set(NAMES)


@pytest.mark.frameworks
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_that_of_jax(name):
    import jax
    import jax.numpy as jnp
    from jax.scipy import special

    jax.config.update("jax_enable_x64", True)
    derivation = derived(name)
    values = {n: jnp.asarray(v, dtype=jnp.float64) for n, v in derivation.model.values.items()}
    loss = losses(jnp, special)[name]
    parameters = {n: values[n] for n in derivation.model.parameters}
    expected, slopes = jax.value_and_grad(lambda p: loss({**values, **p}))(parameters)
    value, gradient = derivation.function()()
    assert value == pytest.approx(float(expected), rel=1e-12)
    for source, slope in gradient.items():
        np.testing.assert_allclose(slope, slopes[source], rtol=1e-9, atol=1e-12, err_msg=source)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_the_slope_of_the_value(name):
    """Central differences along a random direction, of the emitted value alone."""
    derivation = derived(name)
    function = derivation.function()
    _, gradient = function()
    dice = np.random.default_rng(7)
    step = 1e-6
    for source, slope in gradient.items():
        at = np.asarray(derivation.model.values[source], dtype=float)
        way = dice.normal(size=at.shape)
        if source in derivation.model.properties:  # stated symmetric: moved so
            way = way + way.T
        ends = [function.value_only(**{source: at + s * step * way}) for s in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * step)
        assert np.sum(slope * way) == pytest.approx(expected, rel=1e-5, abs=1e-7), source


def test_the_hessian_of_logistic_regression_is_that_of_the_books():
    hessian = derived("logistic_regression_matrix").hessian("L", "w")
    assert str(hessian.matrix) == "X.T @ ((A2*(1 - A2))[:, None]*X)/m"
