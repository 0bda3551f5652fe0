"""The ledger: conditions from the formulas, and those that the stages guarantee."""

import json

import pytest
from sympy import Symbol

import symderive as sd
from symderive.certify import certify
from symderive.cost import cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse


def ledger(stages):
    stages = {"y": stages} if isinstance(stages, str) else stages
    rows = sd.derive(sd.Model(stages)).assumptions
    return {str(row.condition): row.holds for row in rows}


@pytest.mark.parametrize(
    ("formula", "conditions"),
    [
        ("log(x)", {"x > 0": False}),
        ("1/(x - 1)", {"Ne(x - 1, 0)": False}),
        ("sqrt(x)", {"x > 0": False}),
        ("1/(1 + x**2)", {}),
        ("exp(x)", {}),
        ("asin(x)", {"1 - x > 0": False, "x + 1 > 0": False, "1 - x**2 > 0": False}),
    ],
)
def test_conditions(formula, conditions):
    assert ledger(formula) == conditions


@pytest.mark.parametrize("sigmoid", ["sigmoid(z)", "1/(1 + exp(-z))", "exp(z)/(1 + exp(z))"])
def test_a_sigmoid_guarantees_its_logarithms(sigmoid):
    found = ledger({"p": sigmoid, "L": "-(t*log(p) + (1 - t)*log(1 - p))"})

    assert found == {"p > 0": True, "1 - p > 0": True}


# Names that are stated to be positive (standard tables of integrals, read backwards)
POSITIVE = [
    ("asin(x/a)", "1/sqrt(a**2 - x**2)", "a"),
    ("acosh(x/a)", "1/sqrt(x**2 - a**2)", "a"),
    ("asinh(x/a)", "1/sqrt(x**2 + a**2)", "a"),
    ("asec(x/a)/a", "1/(x*sqrt(x**2 - a**2))", "a x"),
    ("asin(b*x/a)/b", "1/sqrt(a**2 - b**2*x**2)", "a b"),
    ("acos((a - x)/a)", "1/sqrt(2*a*x - x**2)", "a"),
    ("x/2*sqrt(a**2 - x**2) + a**2/2*asin(x/a)", "sqrt(a**2 - x**2)", "a"),
    ("a*acos((a - x)/a) - sqrt(2*a*x - x**2)", "x/sqrt(2*a*x - x**2)", "a"),
    ("log(a)*asin(x/a)", "log(a)/sqrt(a**2 - x**2)", ""),  # the logarithm says so
]


@pytest.mark.parametrize(("formula", "printed", "names"), POSITIVE)
def test_what_is_positive_shortens_the_closed_form(formula, printed, names):
    properties = dict.fromkeys(names.split(), "positive")
    d = sd.derive(sd.Model({"y": formula}, properties=properties))
    expected = parse(printed, FUNCTIONS).formula
    stated = [row.reason for row in d.assumptions if row.reason.startswith("stated")]

    assert cost(d.link("y", "x").formula) <= cost(expected)
    assert d.link("y", "x").certificate.passed
    assert d.check_claim("dy/dx", printed).holds
    assert sorted(stated) == [f"stated: {name} is positive" for name in sorted(names.split())]
    assert d.check().passed


def test_what_is_stated_is_not_computed_by():
    model = sd.Model({"y": "asin(x/a)"}, properties={"a": "positive"})
    _, gradient = sd.derive(model).function()(a=-2.0, x=1.0)

    assert gradient["x"] == pytest.approx(-1 / 3**0.5)


def test_a_shorter_form_is_offered_with_its_condition():
    link = sd.derive(sd.Model({"y": "asin(b*x/a)/b"})).link("y", "x")

    assert str(link.forms_where) == "{'a > 0': (1/sqrt(a**2 - b**2*x**2),)}"
    assert not sd.derive(sd.Model({"y": "x**2*sin(x)"})).link("y", "x").forms_where


@pytest.mark.parametrize(
    ("formula", "by", "condition", "form"),
    [
        ("c*(sin(n*x/2)/sin(x/2))**2", "x", "sin(n*x/2) ≠ 0", "y*(n*cot(n*x/2) - cot(x/2))"),
        ("c + (1 - c)*sigmoid(a*(t - b))", "t", "c ≠ 1", "a*(1 - y)*(y - c)/(1 - c)"),
    ],
)
def test_a_form_that_divides_by_more_is_offered_with_its_condition(formula, by, condition, form):
    """It would be 0/0 where the derivative has a value, so it is never the closed form."""
    link = sd.derive(sd.Model({"y": formula})).link("y", by)
    expected = parse(form, FUNCTIONS).formula
    offered = link.forms_where[condition]

    assert cost(offered[0]) <= cost(expected) < cost(link.formula)
    where = {Symbol("y"): parse(formula, FUNCTIONS).formula}
    assert certify(offered[0], expected, where=where).passed


def test_a_stage_is_positive_by_its_formula():
    d = sd.derive(sd.Model({"s": "exp(r)", "y": "asin(x/s)"}))

    assert str(d.link("y", "x").formula) == "1/sqrt(s**2 - x**2)"


@pytest.mark.parametrize(
    ("properties", "values", "message"),
    [
        ({"b": "positive"}, {}, "no formula has the name 'b'"),
        ({"a": "positive"}, {"a": -1.0}, "its value is -1"),
        ({"y": "positive"}, {}, "y is a stage"),
        ({"a": "symmetric"}, {}, "state the shape of a"),
    ],
)
def test_what_cannot_be_positive_is_an_error(properties, values, message):
    with pytest.raises(sd.SymderiveError, match=message):
        sd.Model(
            {"y": "asin(x/a)"}, properties=properties, parameters={"x": 0.5, "a": 2.0} | values
        )


def test_positive_names_come_back_from_a_trace(tmp_path):
    file = tmp_path / "arc.toml"
    file.write_text('[stages]\ny = "asin(x/a)"\n[properties]\na = "positive"\n')
    d = sd.derive(sd.read(file))
    (tmp_path / "trace.json").write_text(json.dumps(d.trace()))

    assert sd.read(tmp_path / "trace.json").positive == {"a"} == d.model.positive
