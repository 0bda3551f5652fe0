"""Jacobians with a pattern: Kronecker products of stacked columns, Toeplitz and Hankel matrices."""

import numpy as np
import pytest

import symderive as sd

SHAPES = {
    **{"X": "m n", "A": "k m", "B": "n p", "C": "k m", "D": "n p"},
    **{"x": "n", "S": "n n", "M": "m n", "y0": "m"},
}
SIZES = {"m": 3, "n": 2, "k": 4, "p": 5}

BLOCKS = "kron(kron(eye(n), commutation(m, m)), eye(k))"
TURNED = "kron(kron(eye(p), commutation(n, n)), eye(m))"
STACKED = [
    ("A @ X @ B", "X", "kron(B.T, A)"),
    ("A @ X", "X", "kron(eye(n), A)"),
    ("X @ B", "X", "kron(B.T, eye(m))"),
    ("A @ X @ B + C @ X @ D", "X", "kron(B.T, A) + kron(D.T, C)"),
    ("X.T", "X", "commutation(m, n)"),
    ("X.T @ X", "X", "(eye(n**2) + commutation(n, n)) @ kron(eye(n), X.T)"),
    ("relu(A @ X)", "X", "vec(where(A @ X > 0, 1, 0))[:, None]*kron(eye(n), A)"),
    ("y0 @ X", "X", "kron(eye(n), y0[None, :])"),
    ("outer(y0, x)", "x", "kron(eye(n), y0[:, None])"),
    ("inv(S)", "S", "-kron(y.T, y)"),
    ("X*M", "X", "diag(vec(M))"),
    ("diag(diagonal(S))", "S", "diag(vec(eye(n)))"),
    ("y0 @ X @ x", "X", "kron(x, y0)"),
    ("sigmoid(X)", "X", "diag(vec(y*(1 - y)))"),
    ("X @ x", "X", "kron(x[None, :], eye(m))"),
    ("kron(X, A)", "X", f"{BLOCKS} @ kron(eye(m*n), vec(A)[:, None])"),
    ("kron(B, X)", "X", f"{TURNED} @ kron(vec(B)[:, None], eye(m*n))"),
    ("diagonal(S)", "S", "kron(ones((1, n)), eye(n))*vec(eye(n))"),
]
VECTORS = [
    ("vec(A @ X @ B)", "X", "kron(B.T, A)"),
    ("vec(X)", "X", "eye(m*n)"),
    ("vec(X.T)", "X", "commutation(m, n)"),
    ("vec(X.T @ M)", "X", "kron(M.T, eye(n)) @ commutation(m, n)"),
    ("reshape(A @ X, (k*n,))", "X", "kron(A, eye(n)) @ commutation(m, n)"),
    ("vec(S @ S)", "S", "kron(eye(n), S) + kron(S.T, eye(n))"),
    ("kron(x, y0)", "x", "kron(eye(n), y0[:, None])"),
]
"""Matrices that are made vectors by the formula."""
WITHOUT = [("softmax(X, axis=1)", "X", "")]
"""Without a form of its own."""


def derived(formula, source):
    return sd.derive(sd.Model({"y": formula}, parameters=[source], shapes=SHAPES))


def values(model):
    random = np.random.default_rng(2)
    names = (*model.parameters, *model.constants)
    shapes = {name: [int(s.subs(SIZES)) for s in model.shapes[name]] for name in names}
    return {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("formula", "source", "form"), [*STACKED, *VECTORS])
def test_stacked_jacobians_are_kronecker_products(formula, source, form):
    assert str(derived(formula, source).partial("y", source, layout="vec").matrix) == form


@pytest.mark.parametrize(("formula", "source", "_"), [*STACKED, *VECTORS, *WITHOUT])
def test_stacked_jacobians_have_the_entries_of_the_others(formula, source, _):
    d = derived(formula, source)
    at = values(d.model)
    plain = np.asarray(d.partial("y", source).evaluate(**at))
    found = np.asarray(d.partial("y", source, layout="vec").evaluate(**at))
    count = len(d.shape_of("y"))
    axes = (*reversed(range(count)), *reversed(range(count, plain.ndim)))
    size = int(np.prod(plain.shape[:count]))
    expected = plain.transpose(axes).reshape((size, -1) if count else -1)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


SLIDING = [
    ("convolve", "x, w", "x", "convolution_matrix(w, n)"),
    ("convolve", "x, w", "w", "convolution_matrix(x, k)"),
    ("convolve", "u, v, 'valid'", "u", 'convolution_matrix(v, 8, mode="valid")'),
    ("correlate", "u, v", "u", "convolution_matrix(v, 6).T"),
    ("correlate", "u, v", "v", "sliding_window_view(u, 3)"),
]


@pytest.mark.parametrize(("slide", "operands", "source", "form"), SLIDING)
def test_jacobians_of_convolutions_are_toeplitz_or_hankel(slide, operands, source, form):
    shapes = {"x": "n", "w": "k", "u": "8", "v": "3"}
    stated = {"y": f"{slide}({operands})"}
    d = sd.derive(sd.Model(stated, parameters=[source], shapes=shapes))
    found = d.partial("y", source)
    assert str(found.matrix) == form
    random = np.random.default_rng(0)
    lengths = {"x": 5, "w": 3, "u": 8, "v": 3}
    left, right = operands.replace(",", "").split()[:2]
    at = {name: random.normal(size=lengths[name]) for name in (left, right)}
    mode = "full" if left == "x" else "valid"
    expected = getattr(np, slide)(at[left], at[right], mode)
    np.testing.assert_allclose(np.asarray(found.evaluate(**at)) @ at[source], expected, rtol=1e-12)


CURVED = [
    ("trace(X.T @ A @ X)", {"A": "m m"}, "kron(eye(n), A + A.T)"),
    ("trace(X.T @ A @ X @ B)", {"A": "m m", "B": "n n"}, "kron(B.T, A) + kron(B, A.T)"),
    ("norm(A @ X @ B - C)**2", {"C": "k p"}, "2*kron(B @ B.T, A.T @ A)"),
    ("sum(exp(X)*M)", {}, "diag(vec(M*exp(X)))"),
    (
        "sum(softplus(A @ X))",
        {},
        "kron(eye(n), A.T)*vec(sigmoid(A @ X)*(1 - sigmoid(A @ X))) @ kron(eye(n), A)",
    ),
    (
        "sum(log(1 + exp(A @ X @ B)))",
        {},
        "kron(B, A.T)*vec(sigmoid(A @ X @ B)*(1 - sigmoid(A @ X @ B))) @ kron(B.T, A)",
    ),
    (
        "trace(inv(X))",
        {"X": "m m"},
        "(kron(inv(X), (inv(X) @ inv(X)).T) + kron(inv(X) @ inv(X), inv(X).T)) @ commutation(m, m)",
    ),
]


@pytest.mark.parametrize(("formula", "shapes", "form"), CURVED)
def test_hessians_by_a_matrix_are_kronecker_products(formula, shapes, form):
    known = {**SHAPES, **shapes}
    used = {name: shape for name, shape in known.items() if name in formula}
    d = sd.derive(sd.Model({"f": formula}, parameters=["X"], shapes=used))
    found = d.hessian("f", "X", layout="vec")
    assert str(found.matrix) == form
    at = values(d.model)
    plain = np.asarray(d.hessian("f", "X").evaluate(**at))
    expected = plain.transpose(1, 0, 3, 2).reshape(found.evaluate(**at).shape)
    np.testing.assert_allclose(found.evaluate(**at), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("loss", "form"),
    [
        ("sum(reshape(A, (n, m)))", "ones((m, n))"),
        ("sum(reshape(A, (n, m)).T)", "ones((m, n))"),
        ("sum(reshape(A, (n, m))*C)", "reshape(C, (m, n))"),
        ("sum(reshape(A, (n, m)).T*B)", "reshape(B.T, (m, n))"),
        ("sum(sin(reshape(A, (n, m))))", "cos(A)"),
    ],
)
def test_a_matrix_in_another_shape_has_its_gradient_in_its_own(loss, form):
    shapes = {"A": "m n", "B": "m n", "C": "n m"}
    derivation = sd.derive(sd.Model({"L": loss}, shapes=shapes, parameters=["A"]))

    assert str(derivation.partial("L", "A").matrix) == form
    assert derivation.check().passed


def test_claims_name_their_layout():
    shapes = {"X": "2 3", "A": "2 2"}
    d = sd.derive(sd.Model({"Y": "A @ X", "f": "sum(Y)"}, parameters=["X"], shapes=shapes))
    assert d.check_claim("dvec(Y)/dvec(X)", "kron(eye(3), A)").holds
    assert d.check_claim("dY/dX", "kron(eye(3), A)").slip.endswith("claim dvec(Y)/dvec(X)")
    assert d.check_claim("df/dX.T", "ones((3, 2)) @ A").holds
    assert not d.check_claim("df/dX.T", "A.T @ ones((2, 3))").holds


LAYOUTS = [
    ("exp(a @ x)", ["x", "x", "x"], (9, 3), "f*kron(a[:, None], outer(a, a))"),
    ("x @ A @ x", ["x", "x", "x"], (9, 3), "zeros((n**2, n))"),
    ("X @ x", ["X", "x"], (48, 3), ""),
    ("norm(X)**2", ["X", "X"], (12, 12), "2*eye(m*n)"),
]


@pytest.mark.parametrize(("formula", "sources", "shape", "form"), LAYOUTS)
def test_each_order_has_its_layouts(formula, sources, shape, form):
    known = {"a": "n", "x": "n", "A": "n n", "X": "m n"}
    shapes = {name: size for name, size in known.items() if name in formula.replace("exp", "")}
    d = sd.derive(sd.Model({"f": formula}, parameters=[*{*sources}], shapes=shapes))
    random, sizes = np.random.default_rng(4), {"m": 4, "n": 3}
    names = (*d.model.parameters, *d.model.constants)
    at = {n: random.normal(size=[int(s.subs(sizes)) for s in d.model.shapes[n]]) for n in names}
    plain = np.asarray(d.derivative("f", sources).evaluate(**at))
    found = d.derivative("f", sources, layout="vec")
    count = plain.ndim - len(d.shape_of(sources[-1]))
    axes = (*reversed(range(count)), *reversed(range(count, plain.ndim)))
    value = np.broadcast_to(found.evaluate(**at), shape)
    np.testing.assert_allclose(value, plain.transpose(axes).reshape(shape), atol=1e-12)
    assert not form or str(found.matrix) == form
