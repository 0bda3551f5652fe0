"""Readers' answers about array models: proved in any form, or refuted with the slip named."""

import pytest
from array_models import model

import symderive as sd

DERIVED = {}


def judged(name, subject, answer):
    if name not in DERIVED:
        DERIVED[name] = sd.derive(model(name))
    return DERIVED[name].check_claim(subject, answer)


RIGHT = [
    ("logistic", "dA3/dw", "X.T @ (A2 - Y)/m"),
    ("logistic", "∂A3/∂w", "(A2 - Y) @ X/m"),
    ("logistic", "dA3/dw", "X.T @ (sigmoid(X @ w + b) - Y)/m"),
    ("logistic", "dA3/db", "mean(A2 - Y)"),
    ("logistic", "dA3/db", "sum(A2 - Y)/m"),
    ("logistic", "dA2/dA1", "diag(A2*(1 - A2))"),
    ("logistic", "dA1/dY", "0"),
    ("logistic", "dA3/dw[i]", "sum((A2[k] - Y[k])*X[k, i], k)/m"),
    ("logistic", "dA3/dw[i]", "sum((A2[k] - Y[k])*X[k, i] for k in range(m))/m"),
    ("logistic", "dA2[i]/dA1[j]", "A2[i]*(1 - A2[i])*delta(i, j)"),
    ("logistic", "dA2[i]/dA1[j]", "A2[i]*(1 - A2[i]) if i == j else 0"),
    ("logistic", "dA3/dw", "Sum((A2[j] - Y[j])*X[j, i], (j, 0, m - 1))/m"),
    ("logistic", "dA3/dw[i]", "((A2 - Y) @ X)[i]/m"),
    ("linear", "dL/dw", "X.T @ (X @ w - y)/m"),
    ("linear", "dL/dw", "X.T @ X @ w/m - X.T @ y/m"),
    ("softmax", "dL/dZ", "(P - Y)/m"),
    ("softmax", "dL/dW", "X.T @ (P - Y)/m"),
    ("softmax", "dL/db", "sum(P - Y, axis=0)/m"),
    ("network", "dL/dW2", "H.T @ (Z - Y)*2/(m*k)"),
    ("network", "dL/dW1", "X.T @ ((1 - H**2)*((Z - Y) @ W2.T))*2/(m*k)"),
    ("gaussian", "dL/dmu", "-inv(S) @ r"),
    ("gaussian", "dL/dmu", "-solve(S, x - mu)"),
    ("gaussian", "dL/dS", "inv(S)/2 - inv(S) @ outer(r, r) @ inv(S)/2"),
    ("quadratic", "dL/dx", "2*A @ x"),
    ("quadratic", "dL/dx", "(A + A.T) @ x"),
    ("quadratic", "dL/dA", "outer(x, x)"),
    ("factors", "dL/dU", "-2*(R - U @ V.T) @ V + 2*lam*U"),
    ("vector", "dy/dx", "(y*(1 - y))[:, None]*W"),
    ("vector", "dy[i]/dW[j,k]", "y[i]*(1 - y[i])*x[k]*delta(i, j)"),
    ("attention", "dL/dWv", "X.T @ A.T @ (O - Y)"),
]


@pytest.mark.parametrize(("name", "subject", "answer"), RIGHT)
def test_right_answers_hold(name, subject, answer):
    verdict = judged(name, subject, answer)

    assert verdict.holds, verdict
    assert verdict.certificate.passed
    assert verdict.slip == ""


def test_nearly_all_right_answers_are_proved():
    verdicts = [judged(*row).verdict for row in RIGHT]

    assert verdicts.count("proved") >= len(RIGHT) - 2


PLANTED = [
    ("logistic", "dA3/dw", "X.T @ (A2 - Y)", "1/m is missing"),
    ("logistic", "dA3/dw", "X.T @ (A2 - Y)/m**2", "1/m too many"),
    ("logistic", "dA3/dw", "X.T @ (Y - A2)/m", "sign"),
    ("logistic", "dA3/dw", "X @ (A2 - Y)/m", "transpose is missing"),
    ("logistic", "dA3/dw", "(A2 - Y)/m", "forgotten inner derivative"),
    ("logistic", "dA3/db", "(A2 - Y)/m", "forgotten inner derivative"),
    ("logistic", "dA2/dA1", "A2*(1 - A2)", "diag is missing"),
    ("linear", "dL/dw", "2*X.T @ r/m", "factor"),
    ("linear", "dL/dw", "X.T * r/m", "matrix product"),
    ("softmax", "dL/dW", "(P - Y).T @ X/m", "transposed"),
    ("softmax", "dL/db", "sum(P - Y, axis=1)/m", "wrong axis"),
    ("softmax", "dL/dZ", "P - Y", "1/m is missing"),
    ("softmax", "dL/dZ", "(P + Y)/m", "sign"),
    ("network", "dL/dW1", "X.T @ ((Z - Y) @ W2.T)*2/(m*k)", "is missing"),
    ("network", "dL/dW1", "X.T @ ((1 - H**2) @ ((Z - Y) @ W2.T))*2/(m*k)", "entry-by-entry"),
    ("network", "dL/dW2", "H.T @ (Z - Y)/(m*k)", "factor"),
    ("network", "dL/dW2", "H.T @ (Z - Y)*2/m", "1/k is missing"),
    ("gaussian", "dL/dmu", "inv(S) @ r", "sign"),
    ("gaussian", "dL/dmu", "-S @ r", "inverse is missing"),
    ("gaussian", "dL/dS", "inv(S)/2 + inv(S) @ outer(r, r) @ inv(S)/2", "sign"),
    ("quadratic", "dL/dx", "A @ x", "only one factor"),
    ("ridge", "dL/dw", "2*X.T @ r/m", "left out"),
    ("factors", "dL/dE", "2*E.T", "transposed"),
    ("factors", "dL/dU", "-2*E.T @ V + 2*lam*U", "transpose too many"),
    ("fork", "dL/dh", "a", "forgotten fork"),
    ("fork", "dL/dh", "2*h", "forgotten fork"),
    ("fork", "dL/dx", "W @ ((1 - h**2)*(a + 2*h))", "transpose is missing"),
    ("fork", "dL/dx", "W.T @ (a + 2*h)", "forgotten inner derivative"),
    ("fork", "dL/dW", "outer(x, (1 - h**2)*(a + 2*h))", "transposed"),
    ("vector", "dy/dx", "y*(1 - y) @ W", "rows"),
    ("vector", "dy/dx", "(y*(1 - y))*W.T", "transposed"),
    ("attention", "dL/dWv", "X.T @ A @ (O - Y)", "transpose is missing"),
]
"""Model, subject, a wrong answer, and what its slip must speak of."""


def named(row):
    name, subject, answer, word = row
    verdict = judged(name, subject, answer)
    assert verdict.verdict == "refuted", (row, verdict)
    return word in verdict.slip


@pytest.mark.parametrize(("name", "subject", "answer", "word"), PLANTED)
def test_planted_slips_are_refuted(name, subject, answer, word):
    verdict = judged(name, subject, answer)

    assert verdict.verdict == "refuted"
    assert not verdict.holds
    assert verdict.right in str(verdict)


def test_nine_of_ten_planted_slips_are_named():
    missed = [(*row, judged(*row[:3]).slip) for row in PLANTED if not named(row)]

    assert len(missed) <= len(PLANTED) // 10, missed


def test_a_counterexample_names_the_entry_the_sizes_and_both_values():
    verdict = judged("linear", "dL/dw", "2*X.T @ r/m")

    assert verdict.entry.startswith("∂L/∂w[")
    assert float(verdict.claimed) == pytest.approx(2 * float(verdict.expected), rel=1e-6)
    assert {"m", "n", "X", "w", "y"} <= verdict.counterexample.keys()
    assert f"{verdict.entry} is {verdict.expected}, not {verdict.claimed}" in str(verdict)
    assert verdict.right == "X.T @ r/m"


def test_a_claim_of_another_shape_is_told_the_shape():
    slip = judged("softmax", "dL/dW", "P - Y").slip

    assert "the gradient has the shape of W, (n, c); the claim has the shape (m, c)" in slip


def test_shapes_that_do_not_fit_are_a_slip_not_an_error():
    verdict = judged("network", "dL/dW1", "W1 @ X @ Y")

    assert verdict.verdict == "refuted"
    assert verdict.slip.startswith("shapes: ")
    assert "do not fit together" in verdict.slip


def test_a_claim_may_hold_on_a_part_of_the_domain():
    derivation = sd.derive(sd.Model({"L": "sum(abs(x))"}, shapes={"x": "n"}))
    verdict = derivation.check_claim("dL/dx", "ones(n)")

    assert verdict.verdict == "true where"
    assert verdict.condition == "x > 0"
    assert not verdict.holds


@pytest.mark.parametrize(
    ("subject", "answer", "message"),
    [
        ("dA3/dw", "X.T @ (A2 - Q)/m", "unknown name 'Q'"),
        ("dA3/dw", "X.T @ (A2 - ", "column"),
        ("dA3/dq", "X", "unknown name 'q'"),
        ("dQ/dw", "X", "unknown stage 'Q'"),
        ("gradient", "X", "a claim names a derivative"),
        ("dA3/dw[i, j]", "0", "name an entry of it by 1 indices, not 2"),
        ("dA3/dw[X]", "0", "'X' is no index"),
        ("dA3/dw[i]", "A2[i]", "i runs over n, but this axis has the size m"),
        ("dA3/dw[i]", "sum(A2[k], q)", "nothing says what q runs over"),
        ("dA3/dw[i]", "X @ w", "index notation knows + - * / **"),
        ("dA3/dw[i]", "A2", "A2 is an array; name an entry"),
        ("dA3/dw[i]", "w[i", "this is not a formula"),
        ("dA3/dw[i]", "w[i]/0", "division by zero"),
        ("dA3/dw[i]", "w[i].real", "index notation has no such thing"),
        ("dA3/dw[i]", "__import__('os')", "column"),
        ("dA3/dw[i]", "w[i]**9999999", "exponent"),
    ],
)
def test_what_is_no_claim_is_an_error_with_its_place(subject, answer, message):
    with pytest.raises(sd.SymderiveError) as caught:
        judged("logistic", subject, answer)

    assert message in str(caught.value)


def test_claims_in_a_model_are_judged_like_others():
    built = sd.Model(
        {"L": "sum((X @ w - y)**2)"},
        parameters=["w"],
        shapes={"X": "m n", "w": "n", "y": "m"},
        claims={"dL/dw": "2*X.T @ (X @ w - y)"},
    )
    derivation = sd.derive(built)

    assert [derivation.check_claim(*claim).verdict for claim in built.claims.items()] == ["proved"]


@pytest.mark.parametrize(
    ("claim", "answer", "holds"),
    [
        ("dL/dW", "X.T @ dL/dZ", True),
        ("dL/dZ", "dL/dH*(Z > 0)", True),
        ("dL/dX", "dL/dZ @ W.T", True),
        ("dL/dX", "(dL/dH*(Z > 0)) @ W.T - 0*X @ W @ -(W.T > 0)", True),
        ("dL/dW", "X.T @ dL/dH", False),
    ],
)
def test_answers_may_name_adjoints_and_count_conditions(claim, answer, holds):
    stages = {"Z": "X @ W", "H": "relu(Z)", "L": "sum(sin(H))"}
    model = sd.Model(stages, parameters=["W", "X"], shapes={"X": "m n", "W": "n k"})
    verdict = sd.derive(model).check_claim(claim, answer).verdict
    assert (verdict in ("proved", "sampled")) is holds


def model_of(stages, **options):
    shapes = {"X": "m n", "w": "n", "y": "m", "A": "n k", "u": "n", "v": "k"}
    used = {name: shape for name, shape in shapes.items() if name not in stages}
    text = " ".join(stages.values())
    used = {name: shape for name, shape in used.items() if name in text}
    return sd.Model(stages, shapes=used, **options)


SQUARES = {"r": "X @ w - y", "L": "sum(r**2)"}
SIGMOID = {"z": "X @ w", "p": "sigmoid(z)", "L": "mean(binary_cross_entropy(p, y))"}
BILINEAR = {"f": "u @ A @ v"}

# A second derivative, an answer, and its verdict or the word for the slip
SECOND = [
    (SQUARES, "d2L/dw2", "2*X.T @ X", "proved"),
    (SQUARES, "d2L/dw[i]dw[j]", "2*sum(X[k, i]*X[k, j], k)", "proved"),
    (SQUARES, "d²L/dw²", "X.T @ X", "the constant factor 2 is missing"),
    (SQUARES, "d2L/dw2", "2*X @ X.T", "the order of a matrix product"),
    (SQUARES, "d2L/dw2", "2*X.T @ r", "one derivative too few: this is ∂L/∂w"),
    (SIGMOID, "d2L/dw2", "X.T @ diag(p*(1 - p)) @ X/m", "proved"),
    (SIGMOID, "d2L/dw2", "X.T @ diag(p*(1 - p)) @ X", "1/m is missing. It holds where m = 1"),
    (BILINEAR, "d2f/dudv", "A", "proved"),
    (BILINEAR, "d2f/dv du", "A.T", "proved"),
    (BILINEAR, "d2f/dudv", "A.T", "transposed: the second derivative has the shape of u"),
    (BILINEAR, "d2f/du2", "0", "proved"),
]


@pytest.mark.parametrize(("stages", "subject", "answer", "verdict"), SECOND)
def test_a_second_derivative_is_judged_and_its_slip_named(stages, subject, answer, verdict):
    assert verdict in str(sd.derive(model_of(stages)).check_claim(subject, answer))


# A claim that holds where the stages' entries lie on one side of a kink, and the condition
PARTLY = [
    ({"a": "X @ w", "h": "relu(a)", "L": "sum(h**2)/2"}, "dL/da", "a", "a > 0"),
    ({"a": "X @ w", "h": "relu(a)", "L": "sum(h**2)/2"}, "dL/dw", "X.T @ a", "all(a > 0)"),
    ({"a": "X @ w", "h": "hardtanh(a)", "L": "sum(h)"}, "dL/da", "ones(m)", "(a + 1)*(a - 1) < 0"),
    ({"r": "X @ w - y", "L": "sum(huber(r, d))"}, "dL/dr", "r", "abs(r) < d"),
    ({"r": "X @ w - y", "L": "sum(huber(r, d))"}, "dL/dr", "d*sign(r)", "abs(r) > d"),
]


@pytest.mark.parametrize(("stages", "subject", "answer", "condition"), PARTLY)
def test_a_claim_holds_where_entries_lie_on_one_side(stages, subject, answer, condition):
    positive = {"d": "positive"} if "huber" in str(stages) else {}
    found = sd.derive(model_of(stages, properties=positive)).check_claim(subject, answer)

    assert (found.verdict, found.condition) == ("true where", condition)


FORMS = [
    ("logdet(X.T @ A @ X)", {}, "2*inv(X).T", "proved", ""),
    ("trace(X.T @ A @ X @ X.T @ A @ X)", {"A": "symmetric"}, "4*A @ X @ X.T @ A @ X", "proved", ""),
    ("sum(svdvals(X)**2)", {}, "2*X", "proved", ""),
    ("trace(X.T @ A @ X)", {}, "2*A @ X", "refuted", "symmetric part: right only where A"),
    ("trace(A @ X @ B)", {}, "A @ B", "refuted", "transposes of A and B are missing"),
    ("trace(inv(X) @ A)", {}, "-(inv(X) @ inv(X) @ A).T", "refuted", "order of a matrix product"),
]


@pytest.mark.parametrize(("formula", "properties", "answer", "verdict", "slip"), FORMS)
def test_matrix_forms_are_compared_by_matrix_algebra(formula, properties, answer, verdict, slip):
    shapes = {name: "n n" for name in "ABX" if name in formula}
    about = sd.Model({"f": formula}, parameters=["X"], shapes=shapes, properties=properties)
    found = sd.derive(about).check_claim("df/dX", answer)
    assert (found.verdict, slip in found.slip) == (verdict, True), found


TALL = [  # X.T @ X has an inverse where X has no more columns than rows
    ("a @ (eye(m) - X @ inv(X.T @ X) @ X.T) @ a", {"X": "m n", "a": "m"}, "dX",
     "-2*outer(a - X @ inv(X.T @ X) @ X.T @ a, inv(X.T @ X) @ X.T @ a)", "proved"),
    ("a @ (eye(m) - X @ inv(X.T @ X) @ X.T) @ a", {"X": "m n", "a": "m"}, "dX",
     "-4*outer(a - X @ inv(X.T @ X) @ X.T @ a, inv(X.T @ X) @ X.T @ a)", "refuted"),
    ("det(X.T @ A @ X)", {"X": "m n", "A": "m m"}, "dX",
     "f*(A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X))", "proved"),
    ("det(X.T @ A @ X)", {"X": "m n", "A": "m m"}, "dX",
     "f*(A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X).T)", "refuted"),
    ("logsumexp(A @ x)", {"A": "m n", "x": "n"}, "dx2",
     "A.T @ (diag(softmax(A @ x)) - outer(softmax(A @ x), softmax(A @ x))) @ A", "proved"),
]  # fmt: skip
"""Formula, shapes, what it is differentiated by, an answer, and what becomes of it."""


@pytest.mark.parametrize(("formula", "shapes", "by", "answer", "verdict"), TALL)
def test_claims_are_tried_where_the_derivative_has_a_formula(formula, shapes, by, answer, verdict):
    derivation = sd.derive(sd.Model({"f": formula}, parameters=[by[1]], shapes=shapes))
    order = "2" if by.endswith("2") else ""
    assert derivation.check_claim(f"d{order}f/{by}", answer).verdict == verdict


def test_a_matrix_that_has_an_inverse_by_rounding_only_judges_nothing():
    centred = "(X - mean(X, axis=0))"
    stages = {"C": f"{centred}.T @ {centred}/m", "L": "logdet(C)"}
    derivation = sd.derive(sd.Model(stages, parameters=["X"], shapes={"X": "m n"}))
    assert derivation.check_claim("dL/dX", f"2*{centred} @ inv(C)/m").verdict == "proved"
    assert derivation.check_claim("dL/dX", f"4*{centred} @ inv(C)/m").verdict == "refuted"
    assert derivation.check().passed


def test_claims_of_stacked_columns_are_compared_by_their_form():
    model = sd.Model({"Y": "X.T @ A @ X"}, parameters=["X"], shapes={"X": "m n", "A": "m m"})
    form = "kron(eye(n), X.T @ A) + kron(X.T @ A.T, eye(n)) @ commutation(m, n)"
    derivation = sd.derive(model)
    assert derivation.check_claim("dvec(Y)/dvec(X)", form).verdict == "proved"
    assert derivation.check_claim("dvec(Y)/dvec(X)", form.replace("A.T", "A")).verdict == "refuted"


def test_answers_may_name_derivatives_as_results_do():
    stages = {"z": "W @ x", "p": "tanh(z)", "L": "sum(p**2)"}
    d = sd.derive(sd.Model(stages, parameters=["W"], shapes={"W": "m n", "x": "n"}))
    assert d.check_claim("dL/dW", "outer(L_D_z, x)").verdict == "proved"
    assert d.check_claim("dL/dW", "outer(x, L_D_z).T").verdict == "proved"


PROVED = [  # stages, shapes, derivative, answer, how it is proved
    ({"f": "logsumexp(x)"}, "x:n", "df/dx", "exp(x)/sum(exp(x))", "algebra"),
    ({"f": "logsumexp(x)"}, "x:n", "df/dx", "exp(x - f)", "definitions"),
    ({"f": "prod(x)"}, "x:n", "df/dx", "prod(x)/x", "definitions"),
    ({"f": "sum(prod(X, axis=1))"}, "X:m n", "df/dX", "prod(X, axis=1)[:, None]/X", "definitions"),
    (
        {"f": "a @ inv(X) @ b"},
        "X:n n, a:n, b:n",
        "df/dX",
        "-outer(solve(X.T, a), solve(X, b))",
        "definitions",
    ),
    (
        {"L": "sum(log(1 + exp(-y*(X @ w))))"},
        "X:m n, w:n, y:m",
        "dL/dw",
        "X.T @ (y*(sigmoid(y*(X @ w)) - 1))",
        "definitions",
    ),
    (
        {"z": "W @ x", "L": "sum(log(cosh(z)))"},
        "W:m n, x:n",
        "dL/dx",
        "W.T @ (1 - 2/(exp(2*z) + 1))",
        "definitions",
    ),
    ({"k": "exp(-norm(x - y)**2/(2*s**2))"}, "x:d, y:d, s:", "dk/ds", "-2*k*log(k)/s", "algebra"),
    (
        {"K": "exp(-(x[:, None] - x)**2/l)", "f": "y @ inv(K) @ y"},
        "x:n, y:n, l:",
        "df/dl",
        "-inv(K) @ y @ (K*(x[:, None] - x)**2/l**2) @ inv(K) @ y",
        "algebra",
    ),
    (
        {"Z": "X @ W", "H": "maximum(Z, 0)", "L": "sum((H @ v - y)**2)"},
        "X:m n, W:n h, v:h, y:m",
        "dL/dW",
        "2*X.T @ (outer(H @ v - y, v)*(Z > 0))",
        "of the kinks",
    ),
    ({"y": "maximum(x, 0)"}, "x:n", "dy/dx", "diag(where(x >= 0, 1, 0))", "of the kinks"),
    ({"f": "sum(abs(x) + x**2)"}, "x:n", "df/dx", "where(x > 0, 1, -1) + 2*x", "of the kinks"),
]


@pytest.mark.parametrize(("stages", "shapes", "subject", "answer", "method"), PROVED)
def test_other_forms_are_proved_by_definitions_and_beside_kinks(
    stages, shapes, subject, answer, method
):
    known = dict(row.split(":") for row in shapes.split(", "))
    derivation = sd.derive(sd.Model(stages, shapes=known, parameters=list(known)))
    verdict = derivation.check_claim(subject, answer)
    assert verdict.verdict == "proved"
    assert method in verdict.certificate.method


@pytest.mark.parametrize(
    ("formula", "answer"),
    [
        ("sum(abs(x) + x**2)", "where(x > 0, 1, -1) + 2*abs(x)"),  # another on the left side
        ("sum(x**2)", "where(x > 0, 2*x, 2*x + where(x == 0, 1, 0))"),  # no kink there
        ("sum(maximum(x, 0))", "where(x > 1, 1, where(x > 0, 1, 0))*where(x > 2, 2, 1)"),
    ],
)
def test_wrong_answers_are_not_proved_beside_kinks(formula, answer):
    derivation = sd.derive(sd.Model({"f": formula}, shapes={"x": "n"}, parameters=["x"]))
    assert derivation.check_claim("df/dx", answer).verdict != "proved"


@pytest.mark.parametrize("answer", ["1/(1 - p)", "where(t == 1, 1/p, 1/(1 - p))"])
def test_a_branch_that_holds_for_one_value_is_tried(answer):
    loss = {"L": "sum(where(t == 1, -log(p), -log(1 - p)))"}
    model = sd.Model(loss, shapes={"t": "n", "p": "n"}, parameters=["p"])
    assert sd.derive(model).check_claim("dL/dp", answer).verdict == "refuted"


def test_what_the_data_happen_to_be_proves_no_claim():
    model = sd.Model(
        {"f": "x @ A @ x"}, parameters={"x": [1, 2]}, constants={"A": [[2, 1], [1, 3]]}
    )

    assert sd.derive(model).check_claim("df/dx", "2*A @ x").verdict == "refuted"
