"""Gradients against JAX, and what the rows say of the conventions of frameworks at kinks."""

import re
from pathlib import Path

import pytest
from sympy import Symbol, lambdify
from test_functions import KINKS, kinks_at

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
    jax = pytest.importorskip("jax")
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


# Conventions at kinks ------------------------------------------------------------


def nn(torch):
    return torch.nn.functional


def number(torch, value):
    return torch.tensor(float(value), dtype=torch.float64)


def row_of_one(tf, x):
    return tf.reshape(x, (1, 1))


def keras_loss(name, target):
    return lambda tf, x: tf.reduce_sum(
        getattr(tf.keras.losses, name)(tf.constant([[target]], tf.float64), row_of_one(tf, x))
    )


def keras_prelu(tf, x):
    layer = tf.keras.layers.PReLU(tf.keras.initializers.Constant(0.25), dtype="float64")
    return layer(row_of_one(tf, x))


def torch_triplet(torch, x):
    zero, far = (torch.tensor([[value]], dtype=torch.float64) for value in (0.0, 3.0))
    return nn(torch).triplet_margin_loss(zero, x.reshape(1, 1), far, eps=0.0)


def torch_ranking(torch, x):
    zero, one = (torch.tensor([value], dtype=torch.float64) for value in (0.0, 1.0))
    return nn(torch).margin_ranking_loss(x.reshape(1), zero, one)


# What each framework has for a formula of KINKS in x.
COUNTERPARTS = {
    "PyTorch": {
        "abs(x)": lambda t, x: t.abs(x),
        "sign(x)": lambda t, x: t.sign(x),
        "max(x, 2)": lambda t, x: t.maximum(x, number(t, 2)),
        "max(x, 2, 2)": lambda t, x: t.stack([x, number(t, 2), number(t, 2)]).max(),
        "min(x, 2)": lambda t, x: t.minimum(x, number(t, 2)),
        "clip(x, -1, 1)": lambda t, x: t.clamp(x, -1.0, 1.0),
        "heaviside(x)": lambda t, x: t.heaviside(x, number(t, 0.5)),
        "floor(x)": lambda t, x: t.floor(x),
        "ceil(x)": lambda t, x: t.ceil(x),
        "trunc(x)": lambda t, x: t.trunc(x),
        "round(x)": lambda t, x: t.round(x),
        "frac(x)": lambda t, x: t.frac(x),
        "mod(x, 2)": lambda t, x: t.remainder(x, number(t, 2)),
        "copysign(x, 1)": lambda t, x: t.copysign(x, number(t, 1)),
        "copysign(2, x)": lambda t, x: t.copysign(number(t, 2), x),
        "atan2(x, -1)": lambda t, x: t.atan2(x, number(t, -1)),
        "relu(x)": lambda t, x: nn(t).relu(x),
        "relu6(x)": lambda t, x: nn(t).relu6(x),
        "reglu(3, x)": lambda t, x: 3 * nn(t).relu(x),
        "leaky_relu(x)": lambda t, x: nn(t).leaky_relu(x),
        "prelu(x, 0.25)": lambda t, x: nn(t).prelu(x.reshape(1), number(t, 0.25).reshape(1)),
        "elu(x, 2)": lambda t, x: nn(t).elu(x, 2.0),
        "selu(x)": lambda t, x: nn(t).selu(x),
        "softshrink(x)": lambda t, x: nn(t).softshrink(x),
        "hardshrink(x)": lambda t, x: nn(t).hardshrink(x),
        "hardtanh(x)": lambda t, x: nn(t).hardtanh(x),
        "hardsigmoid(x)": lambda t, x: nn(t).hardsigmoid(x),
        "hardswish(x)": lambda t, x: nn(t).hardswish(x),
        "threshold(x, 1, 5)": lambda t, x: nn(t).threshold(x, 1.0, 5.0),
        "absolute_error(x, 2)": lambda t, x: nn(t).l1_loss(x, number(t, 2)),
        "margin_ranking(x, 0, 1)": torch_ranking,
        "triplet(x, 3)": torch_triplet,
        "laplace_nll(x, 2, 1)": lambda t, x: (
            -t.distributions.Laplace(x, number(t, 1)).log_prob(number(t, 2))
        ),
    },
    "JAX": {
        "abs(x)": lambda jax, x: jax.numpy.abs(x),
        "sign(x)": lambda jax, x: jax.numpy.sign(x),
        "max(x, 2)": lambda jax, x: jax.numpy.maximum(x, 2.0),
        "max(x, 2, 2)": lambda jax, x: jax.numpy.stack([x, 2.0, 2.0]).max(),
        "min(x, 2)": lambda jax, x: jax.numpy.minimum(x, 2.0),
        "clip(x, -1, 1)": lambda jax, x: jax.numpy.clip(x, -1.0, 1.0),
        "heaviside(x)": lambda jax, x: jax.numpy.heaviside(x, 0.5),
        "floor(x)": lambda jax, x: jax.numpy.floor(x),
        "ceil(x)": lambda jax, x: jax.numpy.ceil(x),
        "trunc(x)": lambda jax, x: jax.numpy.trunc(x),
        "round(x)": lambda jax, x: jax.numpy.round(x),
        "frac(x)": lambda jax, x: jax.numpy.modf(x)[0],
        "mod(x, 2)": lambda jax, x: jax.numpy.mod(x, 2.0),
        "copysign(x, 1)": lambda jax, x: jax.numpy.copysign(x, 1.0),
        "copysign(2, x)": lambda jax, x: jax.numpy.copysign(2.0, x),
        "atan2(x, -1)": lambda jax, x: jax.numpy.arctan2(x, -1.0),
        "relu(x)": lambda jax, x: jax.nn.relu(x),
        "relu6(x)": lambda jax, x: jax.nn.relu6(x),
        "reglu(3, x)": lambda jax, x: 3 * jax.nn.relu(x),
        "leaky_relu(x)": lambda jax, x: jax.nn.leaky_relu(x),
        "elu(x, 2)": lambda jax, x: jax.nn.elu(x, 2.0),
        "selu(x)": lambda jax, x: jax.nn.selu(x),
        "hardtanh(x)": lambda jax, x: jax.nn.hard_tanh(x),
        "hardsigmoid(x)": lambda jax, x: jax.nn.hard_sigmoid(x),
        "hardswish(x)": lambda jax, x: jax.nn.hard_swish(x),
        "laplace_nll(x, 2, 1)": lambda jax, x: -jax.scipy.stats.laplace.logpdf(2.0, x, 1.0),
    },
    "TensorFlow": {
        "abs(x)": lambda tf, x: tf.abs(x),
        "sign(x)": lambda tf, x: tf.sign(x),
        "max(x, 2)": lambda tf, x: tf.maximum(x, 2.0),
        "min(x, 2)": lambda tf, x: tf.minimum(x, 2.0),
        "clip(x, -1, 1)": lambda tf, x: tf.clip_by_value(x, -1.0, 1.0),
        "heaviside(x)": lambda tf, x: tf.experimental.numpy.heaviside(x, 0.5),
        "floor(x)": lambda tf, x: tf.floor(x),
        "ceil(x)": lambda tf, x: tf.math.ceil(x),
        "trunc(x)": lambda tf, x: tf.keras.ops.trunc(x),
        "round(x)": lambda tf, x: tf.round(x),
        "mod(x, 2)": lambda tf, x: tf.math.floormod(x, 2.0),
        "atan2(x, -1)": lambda tf, x: tf.atan2(x, tf.constant(-1.0, tf.float64)),
        "relu(x)": lambda tf, x: tf.nn.relu(x),
        "relu6(x)": lambda tf, x: tf.nn.relu6(x),
        "reglu(3, x)": lambda tf, x: 3 * tf.nn.relu(x),
        "leaky_relu(x)": lambda tf, x: tf.nn.leaky_relu(x, 0.01),
        "prelu(x, 0.25)": keras_prelu,
        "elu(x, 2)": lambda tf, x: tf.keras.activations.elu(x, 2.0),
        "selu(x)": lambda tf, x: tf.nn.selu(x),
        "softshrink(x)": lambda tf, x: tf.keras.activations.soft_shrink(x),
        "hardshrink(x)": lambda tf, x: tf.keras.activations.hard_shrink(x),
        "hardtanh(x)": lambda tf, x: tf.keras.activations.hard_tanh(x),
        "hardsigmoid(x)": lambda tf, x: tf.keras.activations.hard_sigmoid(x),
        "hardswish(x)": lambda tf, x: tf.keras.activations.hard_silu(x),
        "threshold(x, 1, 5)": lambda tf, x: tf.keras.activations.threshold(x, 1.0, 5.0),
        "absolute_error(x, 2)": keras_loss("MAE", 2.0),
        "percentage_error(x, 2)": lambda tf, x: keras_loss("MAPE", 2.0)(tf, x) / 100,
        "hinge(x, 1)": keras_loss("hinge", 1.0),
    },
}


def slope_in_torch(torch, function, at):
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    try:
        function(torch, x).sum().backward()
    except RuntimeError as error:
        if "not implemented" not in str(error):
            raise
        return None
    return float(x.grad)


def slope_in_jax(jax, function, at):
    jax.config.update("jax_enable_x64", True)
    return float(jax.grad(lambda x: function(jax, x))(at))


def slope_in_tensorflow(tf, function, at):
    x = tf.Variable(at, dtype=tf.float64)
    with tf.GradientTape() as tape:
        y = function(tf, x)
    slope = tape.gradient(y, x)
    return None if slope is None else float(slope)


FRAMEWORKS = {
    "PyTorch": ("torch", slope_in_torch),
    "JAX": ("jax", slope_in_jax),
    "TensorFlow": ("tensorflow", slope_in_tensorflow),
}
NAMES = r"(?:TensorFlow|PyTorch|JAX|all frameworks|, | and )+"


def named(pattern, sentence):
    """The frameworks that a sentence names where it says this, and what it says of them."""
    match = re.search(pattern.replace("NAMES", f"({NAMES})"), sentence)
    if match is None:
        return [], ""
    names = match[1].replace("all frameworks", " and ".join(FRAMEWORKS))
    return re.findall(r"TensorFlow|PyTorch|JAX", names), match[match.re.groups]


@pytest.mark.filterwarnings("ignore")  # the frameworks' own
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("text", "at", "left", "right", "ours"),
    [(text, *place) for text, name, *place in KINKS if name == "x"],
)
def test_a_kink_says_what_each_framework_does(framework, text, at, left, right, ours):
    module, slope_in = FRAMEWORKS[framework]
    library = pytest.importorskip(module)
    (kink,) = kinks_at(text, "x", at)
    sharing, _ = named(r"as NAMES do", kink.convention)
    without, _ = named(r"NAMES ha(?:s|ve) none", kink.convention)
    takers, taken = named(r"; NAMES(?:'s maximum and minimum)? takes? (.+)\.", kink.convention)
    if text not in COUNTERPARTS[framework]:
        assert framework not in {*sharing, *without, *takers} or text == "max(x, 2, 2)"
        return
    theirs = slope_in(library, COUNTERPARTS[framework][text], float(at))
    assert (theirs is None) == (framework in without)
    if theirs is not None:
        agrees = theirs == pytest.approx(float(ours), abs=1e-6)
        assert agrees == (framework in sharing)
        assert agrees != (framework in takers)
    if framework in takers:
        sides = {"right side": right, "1": 1, "1/2": 0.5, "0": 0, "the first": 1}
        sides["y > mu"] = left
        sides["side with a loss"] = max(left, right, key=lambda side: abs(float(side)))
        (end,) = [words for words in sides if re.search(rf"(?:^|\W){words}$", taken)]
        assert theirs == pytest.approx(float(sides[end]), abs=1e-6)


def test_every_counterpart_is_tried():
    tried = {text for text, name, *_ in KINKS if name == "x"}
    for counterparts in COUNTERPARTS.values():
        assert set(counterparts) <= tried
