"""Models: order, roles, target, and every message."""

import math

import pytest
import sympy as sp

import symderive as sd
from symderive.errors import FormulaError, ModelError, UnknownChoiceError

NEURON = {"A1": "x1*w1 + x2*w2 + b", "A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}


def test_stages_in_any_order():
    model = sd.Model(dict(reversed(NEURON.items())), parameters=["w1", "w2", "b"])

    assert list(model.stages) == ["A1", "A2", "A3"]
    assert model.target == "A3"
    assert model.constants == ("x1", "x2", "Y")


def test_every_free_name_is_a_parameter_where_none_is_stated():
    assert sd.Model({"y": "a*x + b"}).parameters == ("a", "x", "b")


@pytest.mark.parametrize(
    "name", ["E", "I", "S", "N", "beta", "gamma", "lambda", "w_1", "y_hat", "Q"]
)
def test_ordinary_names(name):
    model = sd.Model({"y": f"{name}**2"}, parameters=[name])

    assert sd.derive(model).link("y", name).formula == 2 * sp.Symbol(name)


def test_sympy_expressions_are_formulas():
    x = sp.Symbol("x", real=True)
    model = sd.Model({"y": sp.Abs(x) * sp.exp(x)})

    assert model.parameters == ("x",)
    assert str(model.stages["y"].formula) == "exp(x)*abs(x)"


@pytest.mark.parametrize(
    ("stages", "options", "error", "message"),
    [
        ({}, {}, ModelError, "the model has no stages"),
        ("y = x**2", {}, ModelError, "stages are formulas by name, not 'y = x"),
        ({"a": "b", "b": "c", "c": "a"}, {}, ModelError, "circle: a → b → c → a"),
        ({"y": "x"}, {"parameters": ["x"], "constants": ["x"]}, ModelError, "stated twice"),
        ({"y": "x"}, {"parameters": ["y"]}, ModelError, "a stage and an input"),
        ({"y": "x*wieght"}, {"parameters": ["weight"], "constants": ["x"]}, FormulaError,
         "unknown name 'wieght'; did you mean 'weight'"),
        ({"if": "x"}, {}, ModelError, "reserved"),
        ({"_y": "x"}, {}, ModelError, "reserved"),
        ({"1y": "x"}, {}, ModelError, "cannot be a name"),
        ({"y": "x"}, {"parameters": {"x": math.nan}}, ModelError, "x is nan; it must be finite"),
        ({"y": "x"}, {"parameters": {"x": "one"}}, ModelError, "must be a number, not str"),
        ({"y": "x"}, {"parameters": {"x": True}}, ModelError, "must be a number, not bool"),
        ({"y": "x"}, {"learning_rate": -1}, ModelError, "learning_rate must be positive"),
        ({"y": "x"}, {"target": "w"}, UnknownChoiceError, "unknown target stage 'w'"),
        ({"y": 3}, {}, ModelError, "text or a SymPy expression, not int"),
        ({"y": "x +"}, {}, FormulaError, "stage y, column 4"),
    ],
)  # fmt: skip
def test_messages(stages, options, error, message):
    with pytest.raises(error, match=message):
        sd.Model(stages, **options)


def test_of_two_ends_one_must_be_named():
    model = sd.Model({"y": "w*x", "z": "x**2"}, parameters=["w"])
    for ask in (sd.derive, lambda open_: sd.batch(open_, ["x"])):
        with pytest.raises(ModelError, match="stage y: the target is z, and nothing"):
            ask(model)
    assert sd.derive(model, "y").partial("y", "w").formula == sp.Symbol("x")


def test_a_named_target_leaves_other_stages_alone():
    model = sd.Model({"y": "x", "z": "y**2"}, target="y")

    assert model.target == "y"


def test_a_parameter_without_effect_is_a_warning():
    model = sd.Model({"y": "x"}, parameters=["x", "w"])

    assert model.warnings == ("parameter w has no effect on y",)
    assert sd.derive(model).gradient() == {"x": 1, "w": None}


def test_a_model_may_be_written_on_one_line():
    derivation = sd.derive("f = x @ A @ x/2; x: n; A: n n, symmetric; x = [1, 2]")

    assert str(derivation.partial("f", "x").matrix) == "A @ x"
    assert derivation.model.values == {"x": [1, 2]}
    with pytest.raises(sd.SymderiveError, match=r"a file is read by sd\.read"):
        sd.derive("model.toml")
