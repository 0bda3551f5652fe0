"""Second derivatives in documents, checks and on the command line."""

import dataclasses

import pytest

import symderive as sd
from symderive.cli import main
from symderive.documents import render
from symderive.errors import ModelError
from symderive.second import pairs_of, told
from symderive.steps import Certificate

VALLEY = {"u": "y - x**2", "f": "(1 - x)**2 + 100*u**2"}


def valley(**options):
    return sd.derive(sd.Model(VALLEY, parameters={"x": -1.2, "y": 1.0}, **options))


def test_the_section_has_every_pair_its_value_and_newtons_step():
    text = render(valley(hessian=True), "txt")
    _, _, section = text.partition("Second derivatives\n")

    for line in ("800·x^2 + 2 − 400·u", "= 1330 ", "−400·x ", "= 480 ", "= 200 "):
        assert line in section
    assert "(∂^2f/∂x^2)_u" in section  # the link alone, apart from the derivative along all paths
    assert "x ← −1.1753" in section
    assert "from 24.2 to 4.7319" in section


def test_there_is_no_section_without_the_wish():
    assert "Second derivatives" not in render(valley(), "txt")


@pytest.mark.parametrize(
    ("stages", "line"),
    [
        ({"y": "a + x"}, "∂^2y/∂a ∂x = 0"),
        ({"y": "a*x"}, "∂^2y/∂a ∂x = "),
        ({"u": "2*x", "y": "3*u"}, "∂^2y/∂x^2 = 0"),
    ],
)
def test_first_derivatives_that_do_not_depend_on_a_name(stages, line):
    assert line in render(sd.derive(sd.Model(stages, hessian=True)), "txt")


def test_convexity_is_told_by_the_form():
    model = sd.Model(
        {"L": "sum(log(1 + exp(X @ w)))"}, parameters=["w"], shapes={"X": "m n", "w": "n"},
        hessian="w",
    )  # fmt: skip
    text = " ".join(render(sd.derive(model), "txt").split())

    assert "is positive semidefinite, by its form" in text
    assert "L is convex in w" in text


CONVEX, CONCAVE = "positive semidefinite", "negative semidefinite"
LOGISTIC = {"z": "w*x + b", "p": "sigmoid(z)", "L": "-t*log(p) - (1 - t)*log(1 - p)"}

# Stages, parameters and constants ("a+" is positive), and what the form proves; "" where the
# function is not convex, or where it may not be: a kink, a domain of two parts
BY_FORM = [
    ("(x - y)**2 + x**4", "x y", "", CONVEX),
    ("x**2 + y**2 + z**2 - x*y - y*z", "x y z", "", CONVEX),
    ("-x**2 - y**2 + x*y", "x y", "", CONCAVE),
    ("x**2 - 3*y**2", "x y", "", "indefinite"),
    ("x**2 + 3*x*y + y**2", "x y", "", "indefinite"),
    ("(1 - x)**2 + 100*(y - x**2)**2", "x y", "", ""),
    ("log(exp(x) + exp(y))", "x y", "", CONVEX),
    (LOGISTIC, "w b", "x t", CONVEX),
    ({"z": "w*x + b", "L": "exp(z) - t*z"}, "w b", "x t", CONVEX),
    ("x**2/y", "x", "y+", CONVEX),
    ("x**2/y", "x", "y", ""),
    ("x*log(x)", "x", "", CONVEX),
    ("-log(x**2)", "x", "", ""),
    ("1/x**2", "x", "", ""),
    ("-(x**2)**(1/4)", "x", "", ""),
    ("-abs(x)", "x", "", ""),
    ("exp(x)*y**2", "x y", "", ""),
    ({"c": "1e200", "f": "x**2*c**2"}, "x", "", CONVEX),
]


@pytest.mark.parametrize(("stages", "names", "constants", "word"), BY_FORM)
def test_convexity_of_scalars_is_proved_by_the_form_or_not_told(stages, names, constants, word):
    stages = {"f": stages} if isinstance(stages, str) else stages
    known = {name[:-1]: "positive" for name in constants.split() if name.endswith("+")}
    constants = [name.rstrip("+") for name in constants.split()]
    model = sd.Model(stages, parameters=names.split(), constants=constants, properties=known)

    assert sd.derive(model).hessian([*stages][-1]).definiteness == word


def test_convexity_of_scalars_is_told_of_all_names():
    text = " ".join(
        render(sd.derive(sd.Model({"f": "x**2 + x*y + y**2"}, hessian=True)), "txt").split()
    )

    assert "So f is convex in x and y, and lowest wherever its gradient there is zero" in text
    saddle = sd.Model({"f": "x**2 - y**2"}, hessian=True)
    one = sd.Model({"f": "exp(x) + x**2"}, hessian=True)
    words = " ".join(render(sd.derive(one), "txt").split())
    assert "The second derivative by x is never negative, by its form. So f is convex" in words
    assert "f has a saddle" in " ".join(render(sd.derive(saddle), "txt").split())


@pytest.mark.parametrize("names", [True, ["x"], ["y", "x"], "x"])
def test_the_wish_survives_the_trace(names):
    model = valley(hessian=names).model
    told_again = sd.derive(model).trace()["model"]

    assert tuple(told_again["hessian"]) == model.hessian
    assert pairs_of(sd.derive(model))


def test_every_line_of_them_is_checked():
    derivation = valley(hessian=["x"])
    report = derivation.check()
    lines = [check.subject for check in report.lines if check.subject.startswith("∂²f/∂x∂x")]
    (first, second, found), *_ = told(derivation)
    wrong = dataclasses.replace(found.lines[-1], certificate=Certificate("refuted", "planted"))
    planted = dataclasses.replace(found, lines=(*found.lines[:-1], wrong))
    derivation.second_known[first, second] = planted

    assert report.passed
    assert len(lines) == len(found.lines)
    assert not derivation.check().passed


def test_an_unknown_name_is_an_error():
    with pytest.raises(ModelError, match="no formula has the name 'xx'; did you mean 'x'"):
        valley(hessian=["xx"])


def test_on_the_command_line(capsys):
    assert main(["show", "u = x**2; y = u*x", "--hessian", "all"]) == 0
    assert "∂^2y/∂x^2" in capsys.readouterr().out
    assert main(["show", "u = x**2; y = u*x", "--hessian", "q"]) == 2
    assert "unknown name 'q'" in capsys.readouterr().err


def test_a_link_beside_other_paths_is_told_apart():
    text = render(sd.derive({"u": "x**2", "y": "u*x"}), "txt")

    assert "∂y/∂x = (∂y/∂x)_u + ∂y/∂u·∂u/∂x" in text
    assert "the link alone, u is held fixed" in " ".join(text.split())
