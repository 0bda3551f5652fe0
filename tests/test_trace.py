"""The JSON trace: stable, complete, and never trusted further than its proof."""

import json
from pathlib import Path

import pytest

import symderive as sd
from symderive.documents import render
from symderive.errors import ModelError
from symderive.json_trace import dumps, loads

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))


@pytest.fixture(scope="module")
def neuron():
    return sd.derive(sd.read(EXAMPLES[[p.stem for p in EXAMPLES].index("logistic_neuron")]))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_trace_gives_its_derivation_again(path):
    text = dumps(sd.derive(sd.read(path)))

    assert dumps(loads(text)) == text


SYMMETRIC = {
    "parameters": ["A"],
    "shapes": {"x": "n", "A": "n n"},
    "properties": {"A": "symmetric"},
}


@pytest.mark.parametrize(
    ("model", "ways"),
    [
        (sd.Model({"y": "a*x"}, parameters={"x": 1.0, "a": None}), {}),
        (sd.Model({"y": "x**3*exp(x)"}), {"method": "logarithmic"}),
        (sd.Model({"f": "x @ A @ x"}, **SYMMETRIC), {"structured": True}),
    ],
    ids=["only some values", "a method", "entries that move together"],
)
def test_a_trace_keeps_values_and_ways(model, ways):
    derivation = sd.derive(model, **ways)
    again = loads(dumps(derivation))

    assert again.model.values == model.values
    assert dumps(again) == dumps(derivation)


def test_the_document_is_rebuilt_from_the_trace(neuron):
    assert render(loads(dumps(neuron)), "md") == render(neuron, "md")


def test_every_line_of_the_trace_has_a_verdict(neuron):
    trace = neuron.trace()
    lines = [line for part in (*trace["links"], *trace["partials"]) for line in part["lines"]]

    assert len(lines) > 10
    assert {line["verdict"] for line in lines} <= {"proved", "sampled"}
    assert trace["checks"]
    assert json.loads(json.dumps(trace)) == trace


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["links"][3].update(formula="A2"), r"differs from its own model in links\[3\]"),
        (lambda t: t["partials"].pop(), "has 4 partials, not 5"),
        (lambda t: t.update(format=99), "its format is 99, not 1"),
        (lambda t: t.pop("model"), "this is not a trace"),
    ],
)
def test_a_forged_trace_is_refused(neuron, change, message):
    trace = neuron.trace()
    change(trace)

    with pytest.raises(ModelError, match=message):
        loads(json.dumps(trace))


def test_text_that_is_no_trace():
    with pytest.raises(ModelError, match="this is not a trace"):
        loads("[1, 2")
