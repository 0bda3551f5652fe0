"""Gradients against JAX, which differentiates the composed loss by its own means."""

from pathlib import Path

import pytest
from sympy import Symbol, lambdify

import symderive as sd
from symderive.certify import defined, put_in

pytestmark = pytest.mark.frameworks

EXAMPLES = Path(__file__).parent.parent / "examples"
MODELS = (
    "logistic_neuron",
    "logistic_spelled_out",
    "two_layer_network",
    "residual_block",
    "softplus_chain",
    "gaussian_likelihood",
    "black_scholes",
)


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_that_of_jax(name):
    import jax
    import jax.scipy

    jax.config.update("jax_enable_x64", True)
    model = sd.read(EXAMPLES / f"{name}.toml")
    derivation = sd.derive(model)
    where = {Symbol(stage.name): stage.written for stage in model.stages.values()}
    loss = defined(put_in(Symbol(model.target), where))
    inputs = [*model.parameters, *model.constants]
    modules = [{"erf": jax.scipy.special.erf}, "jax"]
    function = lambdify([Symbol(n) for n in inputs], loss, modules=modules)
    point = [model.values[n] for n in inputs]
    theirs = jax.grad(function, argnums=tuple(range(len(model.parameters))))(*point)

    value, gradient = derivation.function()()
    assert value == pytest.approx(float(function(*point)), rel=1e-11)
    assert list(gradient.values()) == pytest.approx([float(g) for g in theirs], rel=1e-9)
