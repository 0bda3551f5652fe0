"""The lines of a derivation: as few as a textbook has, and none that a reader cannot follow."""

import re

import pytest
from sympy import Symbol

import symderive as sd
from symderive.documents import render
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.written import evaluated
from symderive.origins import MADE_OF, UNDOES, derived

# Formula in x; for each line after the first the reasons.
LINES = [
    ("x**2 + 3*x", ["sum rule, power rule, constant multiple rule"]),
    ("log(x**2 + 1)", ["derivative of natural logarithm, chain rule, sum rule, power rule"]),
    (
        "sin(x)/(1 + cos(x))",
        ["quotient rule", "derivative of sine, sum rule, derivative of cosine"],
    ),
    ("x**2*sin(x)*x0", ["constant multiple rule, product rule", "power rule, derivative of sine"]),
    ("cos(sin(x**2))", ["derivative of cosine, chain rule"]),
    ("5/(3*x + 1)**4", ["constant multiple rule, power rule, chain rule, sum rule"]),
    (
        "x**2*sin(x) + x*exp(x**2)*tan(x)",
        ["sum rule", "product rule, power rule, derivative of sine"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "expected"), LINES)
def test_what_shares_a_line(formula, expected):
    lines = sd.derive(sd.Model({"y": formula}, parameters=["x"])).link("y", "x").lines
    told = [", ".join(line.reasons) for line in lines[1:] if line.steps]

    assert told[: len(expected)] == expected
    assert all(line.certificate.passed for line in lines)


def test_a_rule_for_three_parts_is_stated_for_three():
    text = " ".join(render(sd.derive({"y": "x**2*sin(x)*exp(x)"}), "txt").split())

    assert "u·v·w = u'·v·w + u·v'·w + u·v·w'" in text


def test_the_name_of_a_stage_comes_where_it_stays():
    lines = sd.derive({"y": "x**2*sin(x)*exp(x)"}).link("y", "x").lines

    assert not any(line.formula.has(Symbol("y")) for line in lines)


def test_an_inverse_function_is_derived_before_its_value_is_put_in():
    lines = derived(FUNCTIONS["asin"], 1)

    assert [str(evaluated(line.formula)) for line in lines[1:]] == ["1/cos(y)", "1/sqrt(1 - u**2)"]
    assert lines[2].reasons == ("sin(y) = u",)


def test_no_line_only_says_simplify_of_the_same():
    lines = sd.derive({"y": "asin(x)"}).link("y", "x").link.kind.full_lines

    assert len(lines) == 2


def test_a_derivative_is_not_derived_twice():
    """exp(sin x) is in both factors: the line that finds its derivative puts it in twice."""
    d = sd.derive(sd.Model({"y": "exp(sin(x))*cos(exp(sin(x)))"}))
    reasons = [reason for line in d.link("y", "x").lines for reason in line.reasons]

    assert reasons.count("derivative of exponential function") == 1


def test_what_was_found_above_is_put_in_with_that_reason():
    d = sd.derive(sd.Model({"y": "exp(sin(x**2))*cos(log(2 + exp(sin(x**2))))"}))
    reasons = [reason for line in d.link("y", "x").lines for reason in line.reasons]

    assert "as above" in reasons
    assert reasons.count("derivative of sine") == 1


def test_an_earlier_box_is_cited_for_a_part():
    stages = {"r": "sqrt(x**2 + exp(x)*cos(x))", "s": "sin(x)/sqrt(x**2 + exp(x)*cos(x))"}
    text = render(sd.derive(sd.Model({**stages, "y": "r*s"})), "txt")

    assert "∂r/∂x (1)" in text.replace("\u2003", " ")
    assert "quotient rule, as in (1)" in text


def test_the_last_line_is_in_a_readers_order():
    d = sd.derive(sd.Model({"y": "cos(sin(x**2))"}))

    assert "= −2·x·cos(x^2)·sin(sin(x^2))" in d.text()


ORIGINS = [*MADE_OF, *UNDOES, "sigmoid", "softplus", "mish", "gelu", "huber", "log10"]


@pytest.mark.parametrize("name", ORIGINS)
def test_a_named_function_is_derived_from_its_definition(name):
    row = FUNCTIONS[name]
    count = row.arity()[0]
    lines = derived(row, count)

    assert all(line.certificate.passed for line in lines)
    assert all(line.reasons for line in lines[1:])
    u = [Symbol(letter) for letter in "uv"[:count]]
    assert lines[-1].formula == row.partial_formulas(*u)[0]


def test_full_detail_derives_the_functions_inside():
    text = sd.derive(sd.Model({"y": "log(1 + mish(x))"})).text("full")

    for title in ("natural logarithm", "mish", "hyperbolic tangent", "logistic sigmoid"):
        assert f"\u2003{title}\n" in text or f" {title}\n" in text
    assert "add and subtract 1" in text


@pytest.mark.parametrize("method", ["quotient", "negative-power", "logarithmic"])
def test_a_method_for_all_links(method):
    d = sd.derive(sd.Model({"u": "x**2*exp(x)", "y": "u/x"}), method=method)
    expected = {"quotient": False, "negative-power": False, "logarithmic": True}[method]

    assert ("logarithmic differentiation" in d.text()) is expected
    assert d.check().passed


def told(stages, detail="standard", **options):
    stages = {"y": stages} if isinstance(stages, str) else stages
    text = sd.derive(sd.Model(stages, **options)).text(detail, 200)  # no reason on two lines
    return re.sub(r" {2,}", " ", text)


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        ("(a*x + b)/(c*x + d)", "(a·(c·x + d) − c·(a·x + b))/(c·x + d)^2"),  # as it was written
        ("V*S/(K + S)", "V·K/(K + S)^2"),
        ("asin(x/a)", "1/(a·sqrt(1 − (x/a)^2))"),  # names before roots, below the bar too
        ("log(S/K)", "∂/∂S(log(S/K))\n = 1/S"),  # (1/K)/(S/K)
        ("x/(2 - x)", "= 2/(2 − x)^2"),  # not 2 − x + x
        ("k*cos(x - m)", "= k·sin(m − x)"),  # a sign comes out of the sine
        ("exp(x)/(1 + x)", "x·exp(x)/(x + 1)^2"),  # not (x + 1)·(x + 1)
        ("(x**2 - 1)/(x**2 + 1)", "2·x·(x^2 + 1) − 2·x·(x^2 − 1)"),
    ],
)
def test_lines_read_as_a_book_has_them(formula, line):
    assert line in told(formula)


def test_brief_says_by_which_rule():
    """Not only what the last line did."""
    line = "y = 1/(1 + cos(x)) quotient rule, cos² = 1 − sin²"
    found = told("sin(x)/(1 + cos(x))", "brief").replace("∂y/∂x = ∂/∂x(sin(x)/(1 + cos(x)))\n", "y")

    assert line in found


def test_the_closed_form_has_one_order_everywhere():
    assert told("x**x").count("y·(1 + log(x))") == 2  # link, gradient
    assert "y·(log(x) + 1)" not in told("x**x")


def test_a_shared_derivation_is_told_once_in_array_models():
    stages = {"p": "exp(-sum(x**2))*sin(sum(x**2))", "q": "exp(-sum(x**2))*cos(sum(x**2))"}
    text = told({**stages, "L": "p*q"}, shapes={"x": "n"}, parameters=["x"])

    assert "∂p/∂x[i] (1)" in text.replace("\u2003", " ")
    assert "product rule, as in (1)" in text
