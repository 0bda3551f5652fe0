"""The ledger: conditions from the formulas, and those that the stages guarantee."""

import pytest

import symderive as sd


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
