"""From one sample to a batch: lifted models against batched ones written by hand."""

import numpy as np
import pytest
from sympy import Symbol, symbols

import symderive as sd
from symderive.array_derivation import stage_tree
from symderive.batching import with_data
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.lifting import RULES, Lift
from symderive.formulas.arrays.op import ShapeError, entry, indices_of
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.arrays.text import text
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import placeholder

NEURON = {
    "A1": "x1*w1 + x2*w2 + b",
    "A2": "1/(1 + exp(-A1))",
    "A3": "-(Y*log(A2) + (1 - Y)*log(1 - A2))",
}


def neuron(**more):
    return sd.Model(NEURON, parameters={"w1": 0.7, "w2": -0.3, "b": 1.0}, **more)


# (stages of one sample, parameters, shapes of one sample, data, stages by hand)
BY_HAND = {
    "neuron": (
        {"A": "x @ w + b", "P": "sigmoid(A)", "E": "binary_cross_entropy(P, y)"},
        ["w", "b"],
        {"x": "n", "w": "n"},
        ["x", "y"],
        {"A": "x @ w + b", "P": "sigmoid(A)", "E": "binary_cross_entropy(P, y)"},
    ),
    "matrix first": (
        {"z": "W @ x + b", "h": "tanh(z)", "E": "sum((h - y)**2)/2"},
        ["W", "b"],
        {"x": "n", "W": "k n", "b": "k", "y": "k"},
        ["x", "y"],
        {"z": "x @ W.T + b", "h": "tanh(z)", "E": "sum((h - y)**2, axis=1)/2"},
    ),
    "softmax": (
        {"z": "x @ W + b", "p": "softmax(z)", "E": "-sum(y*log(p))"},
        ["W", "b"],
        {"x": "n", "W": "n k", "b": "k", "y": "k"},
        ["x", "y"],
        {"z": "x @ W + b", "p": "softmax(z, axis=1)", "E": "-sum(y*log(p), axis=1)"},
    ),
    "two vectors": (
        {"u": "U @ x", "E": "u @ x + c*(x @ v)"},
        ["U", "v"],
        {"x": "n", "U": "n n", "v": "n"},
        ["x", "c"],
        {"u": "x @ U.T", "E": "sum(u*x, axis=1) + c*(x @ v)"},
    ),
    "a scalar with a vector": (
        {"h": "s*x + v", "E": "norm(h) + prod(h) + s"},
        ["v"],
        {"x": "n", "v": "n"},
        ["x", "s"],
        {"h": "s[:, None]*x + v", "E": "norm(h, axis=1) + prod(h, axis=1) + s"},
    ),
    "matrices a row": (
        {"S": "Q @ Q.T + A", "E": "trace(S @ A)"},
        ["A"],
        {"Q": "n k", "A": "n n"},
        ["Q"],
        {"S": 'einsum("rik,rjk->rij", Q, Q) + A', "E": 'einsum("rij,ji->r", S, A)'},
    ),
    "joined and cut": (
        {"h": "concatenate([x, v])", "d": "h[1:] - h[:-1]", "E": "sum(cumsum(d)**2)"},
        ["v"],
        {"x": "n", "v": "2"},
        ["x"],
        {
            "h": "concatenate([x, broadcast_to(v, (m, 2))], axis=1)",
            "d": "h[:, 1:] - h[:, :-1]",
            "E": "sum(cumsum(d, axis=1)**2, axis=1)",
        },
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_lift_is_the_model_written_by_hand(name, reduce):
    stages, parameters, shapes, data, by_hand = BY_HAND[name]
    one = sd.Model(stages, parameters=parameters, shapes=shapes)
    lifted = sd.batch(one, data, reduce=reduce)
    columns = {key: f"m {shapes.get(key, '')}" for key in data}
    hand = sd.Model(
        {**by_hand, "L": f"{reduce}(E)"}, parameters=parameters, shapes={**shapes, **columns}
    )
    assert lifted.target == hand.target
    assert lifted.shapes == hand.shapes
    for stage in hand.stages:
        left, right = (stage_tree(model.stages[stage]) for model in (lifted, hand))
        at = indices_of(left.shape)
        assert Algebra().equal(entry(left, at), entry(right, at)), stage
    assert all(c.verdict == "proved" for c in lifted.batch.certificates.values())


def test_the_gradient_of_a_lifted_scalar_model_is_the_batched_closed_form():
    d = sd.derive(sd.batch(neuron(), ["x1", "x2", "Y"]))
    assert str(d.partial("L", "A1").matrix) == "(A2 - Y)/m"
    assert str(d.partial("L", "b").matrix) == "mean(A2 - Y)"
    assert str(d.partial("L", "w1").formula) == "Sum((A2[i] - Y[i])*x1[i], (i, 0, m - 1))/m"
    summed = sd.derive(sd.batch(neuron(), ["x1", "x2", "Y"], reduce="sum"))
    assert str(summed.partial("L", "b").matrix) == "sum(A2 - Y)"


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_its_numbers_are_those_of_the_rows(reduce):
    dice = np.random.default_rng(5)
    rows = {"x1": dice.normal(size=7), "x2": dice.normal(size=7), "Y": dice.uniform(size=7)}
    loss, gradient = sd.derive(sd.batch(neuron(), rows, reduce=reduce)).function()()
    one = sd.derive(neuron()).function()
    each = [one(**{name: column[k] for name, column in rows.items()}) for k in range(7)]
    join = np.mean if reduce == "mean" else np.sum
    assert loss == pytest.approx(join([value for value, _ in each]), rel=1e-13)
    for name, slope in gradient.items():
        assert slope == pytest.approx(join([g[name] for _, g in each]), rel=1e-12)


def test_tied_entries_stay_tied():
    model = sd.Model(
        {"f": "x @ A @ x"},
        parameters=["A"],
        shapes={"x": "n", "A": "n n"},
        properties={"A": "symmetric"},
        structured=True,
    )

    found = sd.derive(sd.batch(model, ["x"])).partial("L", "A")

    assert str(found.matrix) == "(2*(x.T @ x) - diag(diagonal(x.T @ x)))/m"


def test_only_some_names_may_be_data():
    lifted = sd.batch(neuron(constants={"x1": 1.0, "x2": 2.0, "Y": 1.0}), ["x1", "Y"])
    assert "x1" not in lifted.values
    assert lifted.values["x2"] == 2.0
    assert "x2" not in lifted.shapes
    assert lifted.shapes["A1"] == (Symbol("m"),)


def test_stages_that_no_data_move_stay_as_they_are():
    model = sd.Model({"s": "exp(t)", "E": "(x - s)**2"}, parameters=["t"])
    lifted = sd.batch(model, ["x"])
    assert lifted.shapes["s"] == ()
    assert str(sd.derive(lifted).partial("L", "s").matrix) == "2*mean(s - x)"


def test_a_stage_stated_as_a_sympy_expression_is_lifted():
    x, w = symbols("x w")
    lifted = sd.batch(sd.Model({"E": (x * w - 1) ** 2}, parameters=["w"]), ["x"])
    assert lifted.shapes["E"] == (Symbol("m"),)


def test_what_scalar_text_means_is_kept():
    model = sd.Model({"a": "max(x, w)", "E": "a**2 if x > 0 else w"}, parameters=["w"])
    lifted = sd.batch(model, {"x": [1.0, -2.0, 3.0]})
    value = sd.derive(lifted).function().value_only(w=2.0)
    assert value == pytest.approx((4 + 2 + 9) / 3)


def test_names_and_words_of_the_lift():
    model = sd.Model({"L": "(m*x - N)**2"}, parameters=["m"], text="One sample.")
    lifted = sd.batch(model, ["x"])
    assert (lifted.batch.size, lifted.target) == ("rows", "loss")
    assert lifted.text.startswith("One sample.\n\nThe data x have rows rows")
    named = sd.batch(model, ["x", "N"], size="k", target="J", reduce="sum")
    assert str(named.batch).endswith("each derivative is the sum of the derivatives of the rows.")
    assert named.shapes["x"] == (Symbol("k"),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["x1", "w1"], "in the model w1 is a parameter"),
        (["A1"], "in the model A1 is a stage"),
        (["x3"], "unknown column 'x3'; choose one of: Y, x1, x2"),
        ({"z": [1.0]}, "no column of the data is a constant of the model; the columns are z"),
        ({"x1": [1.0, 2.0], "Y": [1.0]}, "sizes of one name must agree"),
        ({"x1": [[1.0], [2.0]]}, "x1 is stated with the shape"),
    ],
)
def test_errors_of_the_lift(data, message):
    with pytest.raises(sd.SymderiveError) as caught:
        sd.batch(neuron(), data)
    assert message in str(caught.value)


def test_more_errors_of_the_lift():
    with pytest.raises(sd.SymderiveError, match="unknown reduction of a batch 'max'"):
        sd.batch(neuron(), ["x1"], reduce="max")
    model = sd.Model({"a": "x*w", "E": "w**2"}, parameters=["w"], target="E")
    with pytest.raises(sd.SymderiveError, match="the target E depends on no column"):
        sd.batch(model, ["x"])
    model = sd.Model({"E": "x*w"}, parameters=["w"], shapes={"x": "n"})
    with pytest.raises(sd.SymderiveError, match="the target E of one sample is an array"):
        sd.batch(model, ["x"])
    model = sd.Model({"E": "trace(expm(x*A))"}, parameters=["A"], shapes={"A": "n n"})
    with pytest.raises(sd.SymderiveError, match=r"expm cannot be applied to every row"):
        sd.batch(model, ["x"])


def test_data_of_an_array_model_fill_it_and_data_of_a_sample_lift_it():
    model = sd.Model(
        {"E": "(x @ w + c @ c - y)**2"}, parameters=["w"], shapes={"x": "n", "w": "n", "c": "k"}
    )
    rows = {"x": np.ones((4, 2)), "y": np.arange(4.0), "c": np.zeros(3), "other": np.ones(4)}
    lifted = with_data(model, rows)
    assert lifted.batch.columns == ("x", "y")
    assert sd.derive(lifted).function().value_only(w=[0.0, 0.0]) == pytest.approx(14 / 4)
    with pytest.raises(sd.SymderiveError, match="the data x have 3 axes"):
        with_data(model, {"x": np.ones((4, 2, 2))})


M, N = symbols("m n")
SHAPES = {"X": (N, N), "x": (N,), "s": (), "w": (N,), "W": (N, N)}
FORMULAS = [
    "s*x + w", "X + x", "where(X > s, X, w)", "sum(X, axis=0)", "mean(X, axis=1, keepdims=True)",
    "max(X, axis=0)", "var(x)", "std(X, axis=1)", "logsumexp(X, axis=0)", "norm(x)", "prod(x)",
    "cumsum(X, axis=1)", "softmax(X, axis=0)", "log_softmax(x)", "concatenate([x, w])",
    "stack([x, w], axis=1)", "X @ x", "x @ X", "X @ W", "W @ X", "w @ X", "X @ w", "W @ x", "x @ w",
    "w @ x", "x @ x", "X @ X", "outer(x, w)", 'einsum("ij,j->i", X, w)', "X.T", "x[1:]", "X[:, 0]",
    "x[None, :]", "reshape(X, (n*n))", "broadcast_to(x, (n, n))", "diag(x)", "diagonal(X)",
    "trace(X)", "inv(X) @ w", "det(X)", "logdet(X)", "layer_norm(x)", "flip(x)",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_operation_works_row_by_row(formula):
    """Row i of the lifted formula is the formula of row i: at numbers, by the emitted program."""
    from symderive.numeric.array_program import ArrayFunction

    tree, names, _ = parse_array(formula, FUNCTIONS, SHAPES)
    moving = {placeholder(k).name: SHAPES[n] for k, n in enumerate(names) if n in ("X", "x", "s")}
    lifted = Lift(moving, M)(tree)
    assert lifted.shape == (M, *tree.shape)
    dice = np.random.default_rng(3)
    shapes = {placeholder(k).name: SHAPES[n] for k, n in enumerate(names)}
    batch = {
        name: dice.uniform(0.5, 2, size=(4,) * (name in moving) + (3,) * len(shape))
        for name, shape in shapes.items()
    }
    wide = {n: (M, *shape) if n in moving else shape for n, shape in shapes.items()}
    all_rows = ArrayFunction([("y", lifted)], wide, "y", {}).value_only(**batch)
    one = ArrayFunction([("y", tree)], shapes, "y", {})
    for row in range(4):
        mine = {n: value[row] if n in moving else value for n, value in batch.items()}
        np.testing.assert_allclose(all_rows[row], one.value_only(**mine), rtol=1e-11, atol=1e-12)


def test_the_rules_are_of_operations():
    assert set(RULES) <= set(OPS)
    tree, _, _ = parse_array("expm(X)", FUNCTIONS, SHAPES)
    with pytest.raises(ShapeError, match="expm cannot"):
        Lift({"_0": (N, N)}, M)(tree)
    assert text(Lift({}, M)(tree)) == "expm(_0)"
