"""Gradients by matrices whose entries move together: symmetric, diagonal, triangular."""

import json

import numpy as np
import pytest

import symderive as sd

COVARIANCE = {"f": "logdet(S)/2 + trace(inv(S) @ C)/2"}

FORMS = [
    ("trace(A @ X)", "symmetric", "A.T + A - diag(diagonal(A))"),
    ("trace(X @ X)", "symmetric", "4*X - 2*diag(diagonal(X))"),
    ("a @ X @ b", "symmetric", "outer(a, b) + outer(b, a) - diag(a*b)"),
    ("logdet(X)", "positive definite", "2*inv(X) - diag(diagonal(inv(X)))"),
    ("a @ X @ b", "diagonal", "diag(a*b)"),
    ("a @ X @ b", "lower triangular", "tril(outer(a, b))"),
    ("a @ X @ b", "upper triangular", "triu(outer(a, b))"),
    ("a @ X @ b", "orthogonal", "outer(a, b)"),
]
SHAPES = {"X": "n n", "A": "n n", "a": "n", "b": "n"}


def derived(formula, prop, **more):
    model = sd.Model({"f": formula}, parameters=["X"], shapes=SHAPES, properties={"X": prop})
    return sd.derive(model, **more)


@pytest.mark.parametrize(("formula", "prop", "form"), FORMS)
def test_the_structured_gradient_has_the_form_of_the_books(formula, prop, form):
    d = derived(formula, prop, structured=True)
    found = d.partial("f", "X")
    assert str(found.matrix) == form
    assert found.certificate.verdict == "proved"
    assert d.check().passed


def test_it_is_asked_for_by_derivation_or_by_derivative():
    d = derived("trace(A @ X)", "symmetric")
    assert str(d.partial("f", "X").matrix) == "A.T"
    assert str(d.partial("f", "X", structured=True).matrix) == "A.T + A - diag(diagonal(A))"
    tied = d.gradient("f", ["X"], structured=True)
    assert tied == [d.partial("f", "X", structured=True).formula]
    whole = derived("trace(A @ X)", "symmetric", structured=True)
    assert str(whole.partial("f", "X", structured=False).matrix) == "A.T"
    assert whole.gradient("f", ["X"]) == tied


def moved(matrix, prop, i, j, far):
    """The matrix with one of its free entries moved, and what follows it."""
    matrix = matrix.copy()
    matrix[i, j] += far
    if prop in ("symmetric", "positive definite") and i != j:
        matrix[j, i] += far
    return matrix


@pytest.mark.parametrize("prop", ["positive definite", "diagonal", "lower triangular"])
def test_the_emitted_gradient_is_that_of_the_free_entries(prop):
    model = sd.Model(
        COVARIANCE, parameters=["S"], shapes={"S": "n n", "C": "n n"}, properties={"S": prop}
    )
    f = sd.derive(model, structured=True).function()
    random = np.random.default_rng(1)
    drawn = random.uniform(0.2, 1, (3, 3))
    made = {"diagonal": np.diag(np.diag(drawn)), "lower triangular": np.tril(drawn)}
    at = made.get(prop, drawn @ drawn.T) + np.eye(3)
    other = random.uniform(-1, 1, (3, 3))
    gradient = f(S=at, C=other)[1]["S"]
    for i, j in np.ndindex(3, 3):
        free = {"diagonal": i == j, "lower triangular": i >= j}.get(prop, True)
        step = 1e-6
        above, below = (f(S=moved(at, prop, i, j, far), C=other)[0] for far in (step, -step))
        expected = (above - below) / (2 * step) if free else 0.0
        assert abs(gradient[i, j] - expected) < 1e-7, (i, j)


def test_second_derivatives_are_by_single_entries():
    d = derived("trace(X @ X @ A)", "symmetric", structured=True)
    plain = derived("trace(X @ X @ A)", "symmetric")
    assert d.hessian("f", "X").formula == plain.hessian("f", "X").formula


def test_a_model_file_says_it_with_a_key(tmp_path):
    file = tmp_path / "tied.toml"
    text = 'structured = true\n[stages]\nf = "a @ X @ a"\n[parameters]\n'
    text += (
        'X = { shape = ["n", "n"], property = "symmetric" }\n[constants]\na = { shape = ["n"] }\n'
    )
    file.write_text(text)
    model = sd.read(file)
    assert model.structured
    d = sd.derive(model)
    assert str(d.partial("f", "X").matrix) == "2*outer(a, a) - diag(a**2)"
    told = json.loads(json.dumps(d.trace()))
    assert told["model"]["structured"] is True
