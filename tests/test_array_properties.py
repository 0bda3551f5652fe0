"""What is stated of arrays holds for the numbers that are given, and is used."""

import numpy as np
import pytest

import symderive as sd

TURNED = [[0.8, -0.6], [0.6, 0.8]]

GOOD = (
    ("symmetric", [[1.0, 2.0], [2.0, 1.0]]),
    ("skew-symmetric", [[0.0, 2.0], [-2.0, 0.0]]),
    ("positive definite", [[2.0, 1.0], [1.0, 2.0]]),
    ("diagonal", [[2.0, 0.0], [0.0, -1.0]]),
    ("toeplitz", [[2.0, 1.0], [0.0, 2.0]]),
    ("lower triangular", [[1.0, 0.0], [3.0, 1.0]]),
    ("upper triangular", [[1.0, 3.0], [0.0, 1.0]]),
    ("orthogonal", TURNED),
    ("stochastic", np.array([[0.5, 0.5], [0.2, 0.8]], dtype=np.float32)),
    ("one-hot", [[0, 1], [1, 0]]),
    ("positive", [[1.0, 2.0], [3.0, 4.0]]),
)

BAD = (
    ("symmetric", [[1.0, 2.0], [3.0, 1.0]], "A[0, 1] is 2.0 and A[1, 0] is 3.0"),
    ("symmetric", [[1.0, float("nan")], [3.0, 1.0]], "A[0, 1] is nan and A[1, 0] is 3.0"),
    ("skew-symmetric", [[1.0, 2.0], [-2.0, 0.0]], "A[0, 0] is 1.0"),
    ("positive definite", [[1.0, 2.0], [2.0, 1.0]], "A has the pivot -3 in row 1"),
    ("positive definite", [[1.0, 2.0], [0.0, 1.0]], "A[0, 1] is 2.0 and A[1, 0] is 0.0"),
    ("diagonal", [[1.0, 0.0], [0.5, 1.0]], "A[1, 0] is 0.5, not 0"),
    ("toeplitz", [[1.0, 0.0], [0.5, 2.0]], "A[0, 0] is 1.0 and A[1, 1] is 2.0"),
    ("lower triangular", [[1.0, 2.0], [0.0, 1.0]], "A[0, 1] is 2.0, not 0"),
    ("upper triangular", [[1.0, 2.0], [3.0, 1.0]], "A[1, 0] is 3.0, not 0"),
    ("orthogonal", [[1.0, 1.0], [0.0, 1.0]], "A has rows 0 and 0 of the product 2, not 1"),
    ("stochastic", [[0.5, 0.5], [0.2, 0.7]], "A[1] sums to 0.9, not 1"),
    ("one-hot", [[0, 1], [0.5, 0.5]], "A[1, 0] is 0.5, neither 0 nor 1"),
    ("positive", [[1.0, 2.0], [3.0, -4.0]], "A[1, 1] is -4.0"),
    ("symmetric", [[1.0, 2.0]], "it has the shape (1, 2), and is not square"),
    ("orthogonal", [[1.0], [0.0]], "it has the shape (2, 1), and is not square"),
)


def stated(prop, value):
    return sd.Model(
        {"f": "sum(A*X)"},
        parameters=["X"],
        constants={"A": value},
        shapes={"X": "2"},
        properties={"A": prop},
    )


@pytest.mark.parametrize(("prop", "value"), GOOD, ids=[row[0] for row in GOOD])
def test_numbers_with_the_property_are_taken(prop, value):
    assert stated(prop, value).properties == {"A": (prop,)}


@pytest.mark.parametrize(("prop", "value", "entry"), BAD, ids=[row[2] for row in BAD])
def test_numbers_without_it_are_refused_at_their_entry(prop, value, entry):
    with pytest.raises(sd.SymderiveError) as caught:
        stated(prop, value)
    assert str(caught.value).startswith(f"A is stated to be {prop}, but {entry}")


@pytest.mark.parametrize("prop", [row[0] for row in GOOD])
def test_nothing_is_asked_of_an_array_without_numbers(prop):
    model = sd.Model({"f": "sum(A)"}, shapes={"A": "n n"}, properties={"A": prop})
    assert model.properties == {"A": (prop,)}


def test_a_vector_has_entries_with_one_index():
    with pytest.raises(sd.SymderiveError, match=r"x\[1\] is -2.0"):
        sd.Model({"f": "x @ x"}, parameters={"x": [1.0, -2.0]}, properties={"x": "positive"})


TIED = (
    ("a @ A @ b", "skew-symmetric", "outer(a, b) - outer(b, a)"),
    ("trace(X @ A)", "toeplitz", "diagonal_sums(X.T)"),
    ("trace(A)", "toeplitz", "n*eye(n)"),
    (
        "trace(X @ A)",
        ("symmetric", "toeplitz"),
        "diagonal_sums(X.T) + diagonal_sums(X.T).T - diag(diagonal(diagonal_sums(X.T)))",
    ),
)
"""As the Matrix Cookbook has it, section 2.8; there the sums of diagonals are α(X)."""


@pytest.mark.parametrize(("formula", "prop", "form"), TIED, ids=[row[2] for row in TIED])
def test_entries_that_are_tied_move_together(formula, prop, form):
    known = {"A": "n n", "X": "n n", "a": "n", "b": "n"}
    model = sd.Model(
        {"f": formula},
        parameters=["A"],
        shapes={name: shape for name, shape in known.items() if name in formula},
        properties={"A": prop},
    )
    tied = sd.derive(model, structured=True)
    assert str(tied.partial("f", "A").matrix) == form
    assert tied.check().passed


def test_the_emitted_gradient_sums_the_diagonals():
    model = sd.Model(
        {"f": "sum(X*A)"},
        parameters=["A"],
        shapes={"A": "n n", "X": "n n"},
        properties={"A": "toeplitz"},
    )
    gradient = sd.derive(model, structured=True).function()(
        A=np.eye(2), X=np.array([[1.0, 2.0], [3.0, 4.0]])
    )[1]
    assert gradient["A"].tolist() == [[5.0, 2.0], [3.0, 5.0]]


@pytest.mark.parametrize("size", ["m*", "*n", "m n*", "2n", "m**n", "n-"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(sd.SymderiveError, match="no size of x"):
        sd.Model({"f": "sum(x)"}, shapes={"x": size})


def test_sizes_that_are_products_must_be_told_by_an_array():
    with pytest.raises(sd.SymderiveError, match="the size n of x stands in a product"):
        sd.Model({"f": "sum(x)"}, shapes={"x": "2*n"})
    model = sd.Model({"f": "sum(x*kron(y, y))"}, parameters=["y"], shapes={"y": "n", "x": "n*n"})
    f = sd.derive(model).function()
    with pytest.raises(sd.SymderiveError, match="says 4"):
        f(y=np.ones(2), x=np.ones(5))
    assert f(y=np.ones(2), x=np.ones(4))[1]["y"].tolist() == [4.0, 4.0]


@pytest.mark.parametrize(
    ("prop", "claim"),
    [
        ("skew-symmetric", "-2*A @ A @ x"),
        ("skew-symmetric", "2*A.T @ A @ x"),
        ("diagonal", "2*diagonal(A)**2*x"),
        ("orthogonal", "2*x"),
    ],
)
def test_claims_are_proved_by_what_is_stated(prop, claim):
    model = sd.Model(
        {"f": "norm(A @ x)**2"},
        parameters=["x"],
        shapes={"A": "n n", "x": "n"},
        properties={"A": prop},
    )
    assert sd.derive(model).check_claim("df/dx", claim).verdict == "proved"
    assert sd.derive(model).check_claim("df/dx", "2*A @ x").verdict == "refuted"


def test_a_scalar_beside_arrays_may_be_positive():
    known = sd.Model(
        {"f": "sum(sqrt(x**2 + e))"},
        parameters=["x"],
        shapes={"x": "n", "e": ""},
        properties={"e": "positive"},
    )
    assert known.positive == {"e"}


def test_a_matrix_of_pairs_is_symmetric_where_its_formula_is():
    stages = {
        "D": "sum((Y[:, None, :] - Y[None, :, :])**2, axis=2)",
        "K": "x[:, None] - x[None, :]",
        "L": "sum((D - T)**2)/4 + sum(K)",
    }
    shapes = {"Y": "m n", "T": "m m", "x": "m"}
    model = sd.Model(stages, parameters=["Y"], shapes=shapes, properties={"T": "symmetric"})
    assert model.known["D"] == ("symmetric",)
    assert "K" not in model.known
    found = sd.derive(model).partial("L", "Y").matrix
    assert str(found) == "2*((T + diag(sum(D - T, axis=1)) - D) @ Y)"


def test_rows_may_be_named():
    model = sd.Model(
        {"L": "sum(Y @ x)"}, shapes={"Y": "m n", "x": "n"}, properties={"Y": "stochastic rows"}
    )
    assert model.properties["Y"] == ("stochastic",)
