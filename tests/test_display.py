"""What a notebook shows of each object that a user holds."""

import pytest

import symderive as sd


@pytest.fixture(scope="module")
def derivation():
    stages = {"A1": "x*w + b", "A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}
    values = {"parameters": {"w": 0.7, "b": 1.0}, "constants": {"x": 1.3, "Y": 1.0}}
    return sd.derive(sd.Model(stages, title="A neuron & more", **values))


LATEX = {
    "link": (lambda d: d.links["A2", "A1"], r"\frac{\partial A_2}{\partial A_1} = A_2(1 - A_2)"),
    "derivative": (lambda d: d.partial("A3", "A1"), "A_2 - Y"),
    "partial": (lambda d: d.partials["A1"], r"\frac{\partial A_3}{\partial A_1} = A_2 - Y"),
    "line": (lambda d: d.link("A2", "A1").lines[-1], r"\text{definition of A2}\;\checkmark"),
    "lines of a link": (
        lambda d: d.link("A2", "A1").lines,
        r"\frac{\partial}{\partial A_1}\,\sigma(A_1) &= ",
    ),
    "lines of a partial": (
        lambda d: d.partial("A3", "A1").lines,
        r"\frac{\partial A_3}{\partial A_1} &= \frac{\partial A_3}{\partial A_2}",
    ),
    "step": (lambda d: d.link("A2", "A1").steps[-1], r"\text{derivative of logistic sigmoid}"),
    "rule": (lambda d: d.link("A2", "A1").steps[-1].rule, r"\sigma(u)(1 - \sigma(u))u'"),
    "hessian": (lambda d: d.hessian("A3"), r"\begin{bmatrix}"),
}

HTML = {
    "model": (lambda d: d.model, "<caption>A neuron &amp; more</caption>"),
    "report": (lambda d: d.check(), "<td>∂A2/∂A1, line 1</td><td>proved</td>"),
    "verdict": (lambda d: d.check_claim("dA3/dA1", "Y - A2"), "<strong>refuted</strong>; it fails"),
    "update": (lambda d: d.update(), "<td>w</td><td>0.7</td>"),
    "training": (lambda d: d.train(steps=3), "<caption>3 steps</caption>"),
    "point": (lambda d: d.evaluate(), "<td>∂A1/∂w</td><td>1.3</td>"),
}

TEXT = {
    "model": (lambda d: d.model, "Model(A1 = x*w + b; A2 = sigmoid(A1); "),
    "derivation": (lambda d: d, "Derivation(∂A3 by w, b)"),
    "function": (lambda d: d.function(), "Function(A3 and 2 derivatives of w, b, x, Y)"),
    "step": (lambda d: d.link("A2", "A1").steps[-1], "Step(∂(sigmoid(A1))/∂A1 = "),
    "training": (lambda d: d.train(steps=3), "Training(3 steps, loss 0."),
}


@pytest.mark.parametrize("name", LATEX)
def test_latex(derivation, name):
    made, expected = LATEX[name]
    text = made(derivation)._repr_latex_()

    assert text.startswith("$\\displaystyle ")
    assert text.endswith("$")
    assert expected in text


@pytest.mark.parametrize("name", HTML)
def test_html(derivation, name):
    made, expected = HTML[name]

    assert expected in made(derivation)._repr_html_()


@pytest.mark.parametrize("name", TEXT)
def test_text(derivation, name):
    made, expected = TEXT[name]

    assert repr(made(derivation)).startswith(expected)


def test_arrays_show_themselves_too():
    stages = {"z": "X @ w", "L": "mean(z**2)"}
    d = sd.derive(sd.Model(stages, parameters=["w"], shapes={"X": "m n", "w": "n"}))

    assert "<td>parameter, shape (n)</td>" in d.model._repr_html_()
    assert r"\frac{\partial L}{\partial w} &= " in d.partial("L", "w").lines._repr_latex_()
