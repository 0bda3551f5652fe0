"""Faults planted on purpose: each must be caught, or the checks prove nothing."""

import pytest
from sympy import Symbol

import symderive as sd
from symderive import adjoints, chain, links
from symderive.closed_form import Form
from symderive.errors import CheckError

NEURON = {"A1": "x*w + b", "A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}


def derived():
    return sd.derive(sd.Model(NEURON, parameters=["w", "b"]))


def test_a_wrong_sign_in_a_step_is_caught(monkeypatch, tmp_path):
    true_forms = links.closed_forms

    def wrong(*formulas, **options):
        best, *others = true_forms(*formulas, **options)
        turned = -best.formula
        return [Form(turned, ((turned, "simplify"),)), *others]

    monkeypatch.setattr(links, "closed_forms", wrong)
    derivation = derived()

    assert not derivation.check().passed
    with pytest.raises(CheckError, match="refuted"):
        derivation.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_closed_form_of_the_chain_is_caught(monkeypatch):
    wrong = Symbol("_0")
    monkeypatch.setattr(adjoints, "_closed", lambda substituted, *_: substituted + wrong)

    assert not derived().check().passed


def test_a_forgotten_path_is_caught(monkeypatch):
    stages = {"u": "x**2", "v": "sin(x)", "y": "u*v"}
    true_users = chain.Chain.users
    monkeypatch.setattr(
        chain.Chain,
        "users",
        lambda self, name: tuple(u for u in true_users(self, name) if (name, u) != ("x", "v")),
    )
    report = sd.derive(sd.Model(stages)).check()

    assert not report.passed
    assert "∂y/∂x: refuted" in str(report)


def test_a_wrong_program_is_caught(monkeypatch):
    """What is emitted is run at the point of the differences: the formulas alone prove little."""
    derivation = derived()
    wrong = (0.0, {"w": 1.0, "b": 2.0})
    monkeypatch.setattr(type(derivation.function()), "__call__", lambda *_, **__: wrong)

    assert not derivation.check().passed
    assert "∂A3/∂w as the function computes it: refuted" in str(derivation.check())
