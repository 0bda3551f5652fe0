"""Closed forms over several stages, forms that divide by a scale, and repeated derivations."""

import pytest
from sympy import Ne, Symbol, symbols

import symderive as sd

T, T_obs, g, u, p, t, r, y, K = symbols("T T_obs g u p t r y K")


def test_a_stage_between_is_written_out_where_that_cancels():
    stages = {"q": "l/g", "T": "2*pi*sqrt(q)", "E": "(T - T_obs)**2/2"}
    d = sd.derive(sd.Model(stages, parameters=["g", "l"]))

    assert d.partial("E", "g").formula - T * (T_obs - T) / (2 * g) == 0
    assert d.check().passed


def test_a_stage_between_is_brought_in_by_a_line_of_its_own():
    stages = {"s": "exp(u) + exp(v)", "p": "exp(u)/s", "L": "-log(p)"}
    found = sd.derive(sd.Model(stages, parameters=["u"])).partial("L", "u")

    assert found.formula == p - 1
    assert found.lines[-1].reasons == ("definition of p",)
    assert all(line.certificate.passed for line in found.lines)


def test_a_derivative_by_a_stage_holds_for_every_value_of_it():
    stages = {"d1": "log(S/K)/s + s/2", "d2": "d1 - s", "C": "S*Phi(d1) - K*Phi(d2)"}
    d = sd.derive(sd.Model(stages, parameters=["S", "s"]))

    assert str(d.partial("C", "S").formula) == "norm_cdf(d1)"
    assert d.partial("C", "d1").formula != 0  # it is 0 by the definition of d1 alone


def test_a_form_that_takes_a_scale_as_not_zero_says_so_and_is_not_computed_by():
    d = sd.derive(sd.Model({"y": "K/(1 + exp(-r*t))"}, parameters=["t"]))
    from symderive.assumptions import assumptions

    assert d.partial("y", "t").formula == r * y * (1 - y / K)
    assert Ne(K, 0) in {row.condition for row in assumptions(d.model, d.chain())}
    assert d.function()(K=0.0, r=1.0, t=0.5)[1]["t"] == 0


@pytest.mark.parametrize("format", ["md", "tex", "typ", "html", "txt"])
def test_a_repeated_derivation_is_told_once(format):
    from symderive.documents import render

    stages = {"a": "1/(1 + exp(-x*w))", "b": "1/(1 + exp(-a*w))", "c": "1/(1 + exp(-b))"}
    stages |= {"d": "1/(1 + exp(-c))"}
    text = render(sd.derive(sd.Model(stages, parameters=["w"])), format)

    assert text.count("as in (1)") >= 1 or text.count("as\\ in\\ (1)") >= 1


def test_backpropagation_keeps_its_weights():
    stages = {"h": "sigmoid(w1*x)", "z": "w2*h", "o": "sigmoid(z)", "E": "(t - o)**2/2"}
    found = sd.derive(sd.Model(stages, parameters=["w1"])).partial("E", "w1").formula

    assert {"w2", "h"} < {symbol.name for symbol in found.free_symbols}  # not z for w2·h


def test_a_difference_of_two_stages_does_not_stand_for_what_it_is():
    """The books have vanna = −φ(d₁)·d₂/σ (Hull), not with d₁ − d₂ for σ√T."""
    d1 = "(log(S/K) + (r + s**2/2)*T)/(s*sqrt(T))"
    stages = {"d1": d1, "d2": "d1 - s*sqrt(T)", "v": "S*norm_pdf(d1)*sqrt(T)"}
    vanna = sd.derive(sd.Model(stages, target="v")).partial("v", "S")
    assert not vanna.formula.has(Symbol("d1") - Symbol("d2"), Symbol("d2") - Symbol("d1"))
    assert vanna.certificate.passed
