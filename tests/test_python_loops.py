"""Loops over pairs and triples whose steps do not need each other, as stages of arrays."""

import itertools

import numpy as np
import pytest

import symderive as sd

R = np.random.default_rng(11)


def pairs(scores):
    loss = 0.0
    for i in range(6):
        for j in range(i + 1, 6):
            loss += np.log(1 + np.exp(-(scores[i] - scores[j])))
    return loss


def energy(pos, eps):
    total = 0.0
    for i, j in itertools.combinations(range(5), 2):
        d = pos[i] - pos[j]
        r2 = d @ d
        total += 4 * eps * (1 / r2**6 - 1 / r2**3)
    return total


def two_terms(u, v, target):
    total = 0.0
    for c in range(2):
        for p in range(3):
            total = total + (u[p] - target[c, p, 0]) ** 2 + (v[p] * u[p] - target[c, p, 1]) ** 2
    return total


def triples(E):
    labels = [0, 0, 0, 1, 1]
    loss = 0.0
    for a, p, n in itertools.product(range(5), repeat=3):
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]:
            near, far = np.sum((E[a] - E[p]) ** 2), np.sum((E[a] - E[n]) ** 2)
            loss = loss + np.maximum(0, near - far + 1.0)
    return loss


def windows(img, k):
    out = 0.0
    for i in range(3):
        for j in range(3):
            s = 0.0
            for a in range(3):
                for b in range(3):
                    s += img[i + a, j + b] * k[a, b]
            out += np.tanh(s)
    return out


CASES = [
    (pairs, {"scores": (6,)}, 1),
    (energy, {"pos": (5, 2), "eps": ()}, 3),
    (two_terms, {"u": (3,), "v": (3,), "target": (2, 3, 2)}, 1),
    (triples, {"E": (5, 2)}, 8),
    (windows, {"img": (5, 5), "k": (3, 3)}, 18),
]


@pytest.mark.parametrize(
    ("function", "shapes", "most"), CASES, ids=lambda x: getattr(x, "__name__", "")
)
def test_independent_steps_of_two_loops_are_few_stages(function, shapes, most):
    model = sd.trace(function, **{name: " ".join(map(str, s)) for name, s in shapes.items()})
    assert len(model.stages) <= most
    point = {name: R.uniform(-2, 2, size=shape) for name, shape in shapes.items()}
    value, gradient = sd.derive(model).function()(**point)
    assert value == pytest.approx(function(**point), rel=1e-9)
    for name, at in point.items():
        way = R.uniform(-1, 1, size=at.shape)
        above, below = (function(**{**point, name: at + h * way}) for h in (1e-6, -1e-6))
        assert np.sum(gradient[name] * way) == pytest.approx((above - below) / 2e-6, rel=2e-5)


def test_the_gradient_of_all_pairs_is_one_product_of_matrices():
    derivation = sd.derive(sd.trace(pairs, scores="6"))
    assert derivation.check().passed
    found = str(derivation.partial("loss", "scores").matrix)
    assert found == "(P_2 - P).T @ sigmoid((P_2 - P) @ scores)"


def few_pairs(w, X):
    s = X @ w
    loss = 0.0
    for i, j in [(0, 1), (0, 2), (3, 1), (4, 5), (2, 5), (4, 3)]:
        loss += np.log(1 + np.exp(-(s[i] - s[j])))
    return loss


def test_the_gradient_of_a_few_pairs_has_matrices_that_the_text_explains():
    model = sd.trace(few_pairs, w="3", X="6 3", parameters=["w"])
    derivation = sd.derive(model)
    found = str(derivation.partial("loss", "w").matrix)
    assert found == "X.T @ ((P_2 - P).T @ sigmoid((P_2 - P) @ s))"
    assert "P picks the places 0, 0, 3, 4, 2, 4; P_2 picks the places 1, 2, 1, 5" in model.text
    assert derivation.check().passed


def neighbours(h, a):
    nodes = []
    for i, near in enumerate([[1, 3, 0], [0, 2, 1], [3, 1, 2], [0, 2, 3]]):
        e = np.exp(np.array([a * h[i] * h[j] for j in near]))
        nodes.append(np.tanh(sum(w * h[j] for w, j in zip(e / e.sum(), near, strict=True))))
    return np.sum(np.array(nodes) ** 2)


def test_lists_of_places_of_each_step_are_one_constant():
    model = sd.trace(neighbours, h="4", a="")
    assert set(model.constants) == {"P"}
    assert len(model.stages) <= 5
    h, a = R.normal(size=4), 0.7
    value, gradient = sd.derive(model).function()(h=h, a=a)
    assert value == pytest.approx(neighbours(h, a), rel=1e-12)
    rise = (neighbours(h, a + 1e-6) - neighbours(h, a - 1e-6)) / 2e-6
    assert gradient["a"] == pytest.approx(rise, rel=1e-7)


def ranks(x):
    r = [0.0] * 8
    for i in range(8):
        for j in range(8):
            if i != j:
                r[i] += 1 / (1 + np.exp(-(x[i] - x[j]) / 2))
    mean = sum(r) / 8
    return sum((a - mean) ** 2 for a in r)


def test_long_sums_in_a_list_are_one_sum_each():
    texts = [stage.text for stage in sd.trace(ranks, x="8").stages.values()]
    assert sum(text.startswith("sum(1/(1 + exp(") for text in texts) == 8
    assert not any("exp" in text for text in texts if not text.startswith("sum(1/"))


def noisy_kernel(X, sf, sn):
    K = np.zeros((4, 4))  # noqa: N806
    for i in range(4):
        for j in range(4):
            K[i, j] = sf**2 * np.exp(-np.sum((X[i] - X[j]) ** 2)) + (sn**2 if i == j else 0)
    return np.linalg.slogdet(K)[1]


def kernel_with_noise_set(X, sf, sn):
    K = np.array([[sf**2 * np.exp(-np.sum((a - b) ** 2)) for b in X] for a in X])  # noqa: N806
    for i in range(4):
        K[i, i] += sn**2
    return np.linalg.slogdet(K)[1]


@pytest.mark.parametrize("function", [noisy_kernel, kernel_with_noise_set])
def test_noise_on_a_diagonal_is_added_to_a_matrix(function):
    model = sd.trace(function, X="4 2", sf="", sn="")
    texts = [stage.text for stage in model.stages.values()]
    assert texts[:2] == ["sf**2*exp(-sum((X[:, None] - X)**2, axis=2))", "K + sn**2*eye(4)"]
    point = {"X": R.normal(size=(4, 2)), "sf": 1.3, "sn": 0.4}
    value, gradient = sd.derive(model).function()(**point)
    assert value == pytest.approx(function(**point), rel=1e-10)
    above, below = (function(**{**point, "sn": 0.4 + h}) for h in (1e-6, -1e-6))
    assert gradient["sn"] == pytest.approx((above - below) / 2e-6, rel=1e-7)


def test_diagonals_that_loops_pick_and_set_are_those_of_matrices():
    def f(A, d):
        new = A.copy()
        for i in range(3):
            new[i, i] = d[i]
        total = sum(A[i, i + 1] * A[i + 1, i] for i in range(2)) + A[0, 0] * A[1, 1]
        for i in range(3):
            total += A[i, i] ** 2
        return total + np.sum(new @ new)

    model = sd.trace(f, A="3 3", d="3")
    texts = " | ".join(stage.text for stage in model.stages.values())
    assert "A + diag(d - diagonal(A))" in texts
    assert "sum(diagonal(A)**2)" in texts
    matrix, d = R.normal(size=(3, 3)), R.normal(size=3)
    value, gradient = sd.derive(model).function()(A=matrix, d=d)
    assert value == pytest.approx(f(matrix, d), rel=1e-12)
    step = np.zeros((3, 3))
    step[1, 1] = 1e-6
    rise = (f(matrix + step, d) - f(matrix - step, d)) / 2e-6
    assert gradient["A"][1, 1] == pytest.approx(rise, rel=1e-6, abs=1e-8)


def test_sums_of_two_loops_are_sums_of_two_axes():
    texts = [stage.text for stage in sd.trace(windows, img="5 5", k="3 3").stages.values()]
    assert texts[0] == "sum(img[:3, :3]*k)"
    two = sd.trace(two_terms, u="3", v="3", target="2 3 2")
    (total,) = (stage.text for stage in two.stages.values())
    assert total == "sum((u - target[:, :, 0])**2 + (v*u - target[:, :, 1])**2)"


def test_a_grid_of_pairs_stays_a_grid():
    def kernel(x):
        K = np.zeros((4, 4))  # noqa: N806
        for i in range(4):
            for j in range(4):
                K[i, j] = np.exp(-((x[i] - x[j]) ** 2))
        return np.sum(K)

    texts = [stage.text for stage in sd.trace(kernel, x="4").stages.values()]
    assert texts[0] == "exp(-(x[:, None] - x)**2)"


def test_unit_steps_are_proved_to_be_their_choices():
    model = sd.Model(
        {"f": "sum(maximum(0, P @ x - y + 1))"},
        parameters=["x"],
        shapes={"P": "m n", "x": "n", "y": "m"},
    )
    checks = {check.subject: check.certificate for check in sd.derive(model).check().lines}
    assert checks["∂f/∂x in matrix notation"].verdict == "proved"


def _filtered(a, b, y):
    s = 0.0
    for t in range(300):
        s = a * s + b * y[t]
    return s**2


def test_steps_that_take_other_entries_are_derived_once():
    """And each from the one after it, without a deep recursion."""
    y = np.sin(np.arange(300.0))
    d = sd.derive(sd.trace(_filtered, a="", b="", y="300", parameters=["a", "b"]))
    assert len({id(link.kind) for link in d.links.values()}) < 10
    assert d.gradient()["b"] is not None
    _, gradient = d.function()(a=0.9, b=0.7, y=y)
    for name in ("a", "b"):
        above, below = ({"a": 0.9, "b": 0.7, "y": y} for _ in range(2))
        above[name] += 1e-6
        below[name] -= 1e-6
        rise = _filtered(**above) - _filtered(**below)
        assert gradient[name] == pytest.approx(rise / 2e-6, rel=1e-7)
    assert d.check().passed
