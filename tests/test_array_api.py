"""What a derivation answers, asked of models with arrays."""

import json
from contextlib import suppress

import numpy as np
import pytest
from array_models import MODELS, model
from sympy import Expr, Symbol

import symderive as sd
from symderive.array_derivation import LAYOUTS
from symderive.json_trace import dumps, loads

M, N = Symbol("m"), Symbol("n")


def derived(name, **more):
    return sd.derive(model(name), **more)


def values_for(built, seed=0):
    """Values of the inputs, sizes being 2, 3, 4 … in the order of their names."""
    noise = np.random.default_rng(seed)
    names = sorted(
        {s.name for shape in built.shapes.values() for d in shape for s in d.free_symbols}
    )
    sizes = {Symbol(name): 2 + k for k, name in enumerate(names)}
    found = {}
    for name in built.names:
        if name not in built.stages:
            shape = tuple(int(d.subs(sizes)) for d in built.shapes.get(name, ()))
            found[name] = noise.normal(size=shape) if shape else float(noise.normal())
    return found


# Nothing ends in a traceback ----------------------------------------------------------------------

ASKED = {
    "paths": lambda d, s: d.paths(d.target, s),
    "explain": lambda d, s: d.explain(d.target, s),
    "gradient": lambda d, s: d.gradient(),
    "jacobian": lambda d, s: d.jacobian(d.target, s),
    "jacobians": lambda d, s: d.jacobian([d.target], [s]),
    "hessian": lambda d, s: d.hessian(d.target, s),
    "derivative": lambda d, s: d.derivative(d.target, s, 2),
    "product": lambda d, s: d.hessian_vector_product({s: "vv"}),
    "newton": lambda d, s: d.newton(),
    "assumptions": lambda d, s: d.assumptions,
    "operations": lambda d, s: d.operations(),
    "text": lambda d, s: d.text(),
    "code": lambda d, s: d.code(),
    "claim": lambda d, s: d.check_claim(f"d{d.target}/d{s}", "0"),
    "steps": lambda d, s: [str(step) for step in d.steps],
    "update": lambda d, s: d.update(0.1),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", ["logistic", "gaussian", "vector", "windows", "kinked"])
def test_every_question_has_an_answer_or_an_error_of_ours(name, asked):
    derivation = derived(name)
    with suppress(sd.SymderiveError):
        assert ASKED[asked](derivation, derivation.sources[0]) is not None


# The tape's contract ------------------------------------------------------------------------------


def test_a_gradient_has_the_structure_of_its_sources():
    derivation = derived("logistic")
    found = derivation.gradient("A3", {"all": ["w", ("b",)]})

    assert str(found["all"][0]) == "Sum((A2[j] - Y[j])*X[j, i], (j, 0, m - 1))/m"
    assert isinstance(found["all"][1], tuple)
    assert str(found["all"][1][0]) == "Sum(A2[i] - Y[i], (i, 0, m - 1))/m"


def test_the_gradient_of_an_array_is_that_of_the_sum_of_its_entries():
    derivation = derived("vector")
    values = values_for(derivation.model)
    jacobian = derivation.partial("y", "x").evaluate(**values)
    summed = sd.derive(
        sd.Model({"z": "W @ x", "y": "sigmoid(z)", "L": "sum(y)"}, shapes={"W": "m n", "x": "n"})
    ).function()(**values)[1]["x"]

    assert np.allclose(jacobian.sum(axis=0), summed)
    assert derivation.gradient("y", "x") == derivation.gradient("y", "x", output_gradients="1")


def test_output_gradients_are_array_formulas_held_constant():
    derivation = derived("logistic")
    weighted = derivation.gradient("A1", "w", output_gradients="A2 - Y")

    assert str(weighted) == "Sum((A2[j] - Y[j])*X[j, i], (j, 0, m - 1))"


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("2", "2*Sum(X[j, i], (j, 0, m - 1))"),
        (3, "3*Sum(X[j, i], (j, 0, m - 1))"),
        ("Y", "Sum(X[j, i]*Y[j], (j, 0, m - 1))"),
    ],
)
def test_weights_are_numbers_or_formulas_of_the_targets_shape(weights, expected):
    assert str(derived("logistic").gradient("A1", "w", output_gradients=weights)) == expected


def test_gradients_of_several_targets_are_added():
    derivation = derived("logistic")
    both = derivation.gradient(["A3", "A1"], "b", output_gradients=["1", "2"])
    point = values_for(derivation.model)
    alone = derivation.function()(**point)[1]["b"]

    extended = sd.Model(
        {
            "A1": "X @ w + b",
            "A2": "sigmoid(A1)",
            "A3": "mean(binary_cross_entropy(A2, Y))",
            "T": "A3 + 2*sum(A1)",
        },
        parameters=["b"],
        shapes={"X": "m n", "w": "n", "Y": "m"},
    )
    total = sd.derive(extended).function()(**point)[1]["b"]
    assert isinstance(both, Expr)
    assert total == pytest.approx(alone + 2 * len(point["Y"]))


def test_unconnected_gradients_are_none_or_zero():
    derivation = derived("logistic")

    assert derivation.gradient("A1", ["Y", "w"])[0] is None
    assert derivation.gradient("A1", "Y", unconnected_gradients="zero") == 0
    with pytest.raises(sd.SymderiveError, match="unconnected_gradients"):
        derivation.gradient("A1", "Y", unconnected_gradients="no")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_gradients": "w"}, "has the shape"),
        ({"output_gradients": "q"}, "unknown name 'q'"),
        ({"output_gradients": [1, 2]}, "as many output_gradients"),
        ({"output_gradients": object()}, "write a number or a formula"),
        ({"target": "A9"}, "unknown stage"),
    ],
)
def test_what_is_no_gradient_is_told(arguments, message):
    stated = {"target": "A1", "sources": "w", **arguments}
    with pytest.raises(sd.SymderiveError, match=message):
        derived("logistic").gradient(**stated)


def test_explain_tells_of_paths_and_of_none():
    derivation = derived("fork")

    assert derivation.paths("L", "x") == [("x", "h", "u", "L"), ("x", "h", "v", "L")]
    assert "2 paths" in derivation.explain("L", "x")
    assert "is not an ancestor" in derived("logistic").explain("A1", "Y")


# Second and higher orders -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logistic", "linear", "ridge", "fork", "windows", "factors"])
def test_a_hessian_vector_product_is_the_hessian_times_the_vector(name):
    derivation = derived(name)
    values = values_for(derivation.model)
    source = derivation.sources[0]
    v = np.random.default_rng(3).normal(size=np.shape(values[source]))
    found = derivation.hessian_vector_product({source: "vv"})[source].evaluate(**values, vv=v)
    hessian = derivation.hessian(derivation.target, source).evaluate(**values)
    axes = v.ndim

    assert np.allclose(found, np.tensordot(hessian, v, axes=axes))


@pytest.mark.parametrize("vector", ["2*w", "vv", [1.0, 2.0, 3.0], np.ones(3), 1.5])
def test_a_vector_is_a_formula_a_new_name_an_array_or_a_number(vector):
    derivation = derived("logistic")
    values = values_for(derivation.model)
    found = derivation.hessian_vector_product({"w": vector})["w"]
    more = {"vv": np.arange(3.0)} if isinstance(vector, str) and vector == "vv" else {}
    number = found.evaluate(**values, **more)
    told = {"2*w": 2 * values["w"], "vv": np.arange(3.0)}
    v = told[vector] if isinstance(vector, str) else np.broadcast_to(vector, (3,))

    assert np.allclose(number, derivation.hessian("A3", "w").evaluate(**values) @ v)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ("X", "has the shape"),
        ("2*qq", "unknown name"),
        ([[1.0]], "has the shape"),
        (object(), "write a number or a formula"),
    ],
)
def test_a_vector_that_does_not_fit_is_told(vector, message):
    with pytest.raises(sd.SymderiveError, match=message):
        derived("logistic").hessian_vector_product({"w": vector})


def test_newton_solves_least_squares_in_one_step():
    derivation = derived("linear")
    values = values_for(derivation.model)
    values["X"] = np.random.default_rng(1).normal(size=(5, 3))
    values["y"] = np.random.default_rng(2).normal(size=5)
    step = derivation.newton(**values)

    expected = np.linalg.lstsq(values["X"], values["y"], rcond=None)[0]
    assert np.allclose(step["w"], expected)


def test_newton_moves_matrices_and_numbers_together():
    built = sd.Model(
        {"L": "sum((A - B)**2) + (c - 3)**2 + c*sum(A)"},
        parameters=["A", "c"],
        shapes={"A": "m n", "B": "m n"},
    )
    b = np.arange(6.0).reshape(2, 3)
    step = sd.derive(built).newton(A=np.zeros((2, 3)), c=0.0, B=b)
    slopes = sd.derive(built).function()(A=step["A"], c=step["c"], B=b)[1]

    assert step["A"].shape == (2, 3)
    assert np.allclose(slopes["A"], 0)
    assert slopes["c"] == pytest.approx(0)


def test_newton_without_a_step_says_why():
    singular = sd.derive(sd.Model({"L": "sum(w)"}, parameters=["w"], shapes={"w": "n"}))
    with pytest.raises(sd.SymderiveError, match="singular"):
        singular.newton(w=[1.0, 2.0])
    with pytest.raises(sd.SymderiveError, match="is an array"):
        derived("vector").newton()


def test_orders_of_a_derivative_add_axes():
    derivation = derived("fork", sources=["x"])
    values = values_for(derivation.model)
    third = derivation.derivative("L", "x", 3)

    assert third.shape == (N, N, N)
    number = third.evaluate(**values)
    assert np.allclose(number, number.transpose(2, 0, 1))
    assert derivation.derivative("L", "a", 2).shape == (N, N)
    assert not derivation.derivative("L", "a", 3).evaluate(**values).any()
    with pytest.raises(sd.SymderiveError, match="whole number from 1"):
        derivation.derivative("L", "x", 0)


def test_second_derivatives_of_what_is_linear_are_zeros_of_the_right_shape():
    derivation = sd.derive(sd.Model({"L": "a @ x"}, shapes={"a": "n", "x": "n"}))

    assert (
        derivation.hessian("L", "x").evaluate(a=[1.0, 2.0], x=[0.0, 1.0]).tolist() == [[0, 0]] * 2
    )
    assert derivation.second("L", "x", "a").formula.is_zero is not True
    assert [str(i.size) for i in derivation.hessian("L", "x").indices] == ["n", "n"]


@pytest.mark.parametrize(
    ("loss", "stated"),
    [
        ("sum((A.T @ x)**2)", "symmetric"),
        ("sum((A.T @ x)**2)", "positive definite"),
        ("sum((A.T @ A @ x)**2)", "orthogonal"),
        ("sum(x*sum(A, axis=1)**2)", "stochastic"),
    ],
)
def test_entries_with_properties_are_differentiated_as_independent_ones(loss, stated):
    shapes = {"A": "n n", "x": "n"}
    known = sd.derive(sd.Model({"L": loss}, shapes=shapes, properties={"A": stated}))
    plain = sd.derive(sd.Model({"L": loss}, shapes=shapes))
    matrix = {
        "orthogonal": [[0.6, -0.8], [0.8, 0.6]],
        "stochastic": [[0.25, 0.75], [0.5, 0.5]],
    }.get(stated, [[2.0, 0.5], [0.5, 1.0]])
    point = {"A": matrix, "x": [1.0, -2.0]}
    expected = plain.hessian("L", "A").evaluate(**point)

    assert np.allclose(known.hessian("L", "A").evaluate(**point), expected)
    mine = known.hessian_vector_product({"A": "vv"})["A"].evaluate(**point, vv=np.ones((2, 2)))
    assert np.allclose(mine, np.tensordot(expected, np.ones((2, 2)), axes=2))


# Layouts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "source", "layout", "shape"),
    [
        ("L", "W", "mixed", ("m", "n")),
        ("L", "W", "numerator", ("n", "m")),
        ("L", "W", "denominator", ("m", "n")),
        ("L", "x", "mixed", ("n",)),
        ("L", "x", "numerator", ("n",)),
        ("y", "x", "mixed", ("m", "n")),
        ("y", "x", "numerator", ("m", "n")),
        ("y", "x", "denominator", ("n", "m")),
    ],
)
def test_a_layout_says_which_way_derivatives_stand(target, source, layout, shape):
    derivation = sd.derive(
        sd.Model({"y": "W @ x", "L": "sum(y**2)"}, shapes={"W": "m n", "x": "n"})
    )
    found = derivation.partial(target, source, layout=layout)
    plain = derivation.partial(target, source)
    values = values_for(derivation.model)

    assert tuple(map(str, found.shape)) == shape
    turned = shape != tuple(map(str, plain.shape))
    expected = plain.evaluate(**values)
    assert np.allclose(found.evaluate(**values), expected.T if turned else expected)
    assert str(found.formula) == str(plain.formula)


def test_an_unknown_layout_is_an_error():
    assert LAYOUTS == ("mixed", "numerator", "denominator", "vec")
    with pytest.raises(sd.SymderiveError, match="unknown layout 'row'"):
        derived("vector").partial("y", "x", layout="row")


# The ledger, operations ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "properties", "condition", "holds"),
    [
        ("sum(log(x))", {}, "x[i] > 0", False),
        ("sum(1/x)", {}, "Ne(x[i], 0)", False),
        ("sum(log(exp(x) + 1))", {}, None, True),
        ("sum(inv(A))", {}, "Ne(det(A[i, j]), 0)", False),
        ("logdet(A)", {}, "det(A[i, j]) > 0", False),
        ("norm(x)", {}, "Ne(norm(x[i]), 0)", False),
        (
            "sum(inv(A))",
            {"A": "orthogonal"},
            "Eq(Sum(A[k, i]*A[k, j], (k, 0, n - 1)), KroneckerDelta(i, j))",
            False,
        ),
        ("sum(inv(A))", {"A": "symmetric"}, "Eq(A[i, j], A[j, i])", False),
        ("sum(A)", {"A": "stochastic"}, "Eq(Sum(A[i, j], (j, 0, n - 1)), 1)", False),
        ("sum(A)", {"A": "diagonal"}, "Eq(A[i, j], KroneckerDelta(i, j)*A[i, j])", False),
        ("mean(x)", {}, None, True),
    ],
)
def test_the_ledger_names_what_is_assumed(loss, properties, condition, holds):
    built = sd.Model({"L": loss}, shapes={"x": "n", "A": "n n"}, properties=properties)
    rows = {str(row.condition): row.holds for row in sd.derive(built).assumptions}

    if condition is None:
        assert rows == {}
    else:
        assert rows[condition] is holds


def test_the_ledger_knows_what_the_stages_guarantee():
    rows = {str(row.condition): row.holds for row in derived("logistic").assumptions}
    assert rows == {"A2[i] > 0": True, "1 - A2[i] > 0": True}

    rows = {str(row.condition): row.holds for row in derived("softmax").assumptions}
    assert rows["P[i, j] > 0"] is True
    assert rows["Eq(Sum(Y[i, j], (j, 0, c - 1)), 1)"] is False


def test_the_ledger_does_not_change_from_run_to_run():
    one, other = ([*map(str, derived("gaussian").assumptions)] for _ in "12")
    assert one == other
    assert "_f" not in "".join(one)


def test_operations_are_counted_in_sizes():
    derivation = sd.derive(
        sd.Model(
            {"h": "tanh(X @ w)", "L": "sum(h)"}, parameters=["w"], shapes={"X": "m n", "w": "n"}
        )
    )
    counts = derivation.operations()

    assert counts["reverse"].expand() == M * N + M
    assert counts["forward"].expand() == M * N**2 + M * N


# Numbers, texts, traces ---------------------------------------------------------------------------


def test_updates_and_training_move_arrays():
    derivation = derived("ridge")
    values = values_for(derivation.model)
    step = derivation.update(0.01, **values)
    trained = derivation.train(values, learning_rate=0.01, steps=30)

    assert np.allclose(step.new["w"], step.old["w"] - 0.01 * step.gradient["w"])
    assert step.new_loss < step.old_loss
    assert trained.end["w"].shape == values["w"].shape
    assert trained.losses[-1] < trained.losses[0]
    with pytest.raises(sd.SymderiveError, match="no value for"):
        derivation.update(0.1)


def test_text_and_notebooks_show_the_derivation():
    derivation = derived("linear")

    assert "X" in derivation.text()
    assert "∂L" in derivation.text(detail="full")
    assert "$$" in derivation._repr_markdown_()
    assert "def value_and_gradient(w, X, y)" in derivation.code("numpy")
    assert derivation.code("python") == derivation.code("numpy")


@pytest.mark.parametrize(
    "name", ["logistic", "softmax", "gaussian", "kinked", "windows", "vector", "deep"]
)
def test_a_trace_is_stable_and_reads_back(name):
    derivation = derived(name)
    told = dumps(derivation)
    again = loads(told)

    assert dumps(again) == told == dumps(derived(name))
    assert again.model.shapes.keys() == derivation.model.shapes.keys()
    assert again.model.properties == derivation.model.properties
    rows = json.loads(told)["partials"]
    for row in rows:
        partial = derivation.partials[row["source"]]
        assert row["indices"] == [*map(str, partial.indices)]


def test_a_trace_holds_matrix_notation_and_values():
    told = json.loads(dumps(derived("linear")))
    last = told["partials"][-1]

    assert last["matrix"] == "X.T @ r/m"
    assert last["indices"] == ["i"]
    assert told["model"]["shapes"] == {"X": ["m", "n"], "w": ["n"], "y": ["m"]}
    assert json.loads(dumps(derived("kinked")))["model"]["values"]["w"] == [0.0, 0.0]


def test_a_trace_that_says_something_else_is_refused():
    told = json.loads(dumps(derived("linear")))
    told["partials"][-1]["matrix"] = "X @ r/m"
    with pytest.raises(sd.SymderiveError, match="differs from its own model"):
        loads(json.dumps(told))


def test_the_trace_of_a_scalar_model_is_as_before():
    told = sd.derive(sd.Model({"y": "x**2"}, parameters={"x": 2.0})).trace()

    assert "shapes" not in told["model"]
    assert told["partials"][0].keys() == {"target", "source", "users", "formula", "lines"}


def test_models_of_the_tests_are_all_of_arrays():
    assert all(MODELS[name]().shapes for name in MODELS)
