"""Claims in documents: typeset, with their verdicts; and what an author's hand keeps."""

import ast

import pytest

import symderive as sd
from symderive import documents
from symderive.documents import build
from symderive.documents.code_lines import fitted
from symderive.documents.lines import BOXED, arranged
from symderive.documents.outline import Equation, Equations, Paragraph
from symderive.documents.templates import words
from symderive.formulas.hand import Hand
from symderive.formulas.nodes import EULER, PLUS, Fn, Script
from symderive.formulas.plain import in_line, plain
from symderive.formulas.tree import Id, Stack, Style, row


def told(model):
    """The lines and the words that come after the sentence on claims."""
    blocks = build.outline(sd.derive(model)).blocks
    (start,) = (
        k for k, b in enumerate(blocks) if isinstance(b, Paragraph) and "model states" in b.text[0]
    )
    lines, prose = [], []
    for block in blocks[start + 1 :]:
        if isinstance(block, Equations):
            lines += block.lines
        elif isinstance(block, Paragraph):
            prose.append(words(block.text))
        else:
            break
    return [(plain(x.left), plain(x.right), words(x.note), x.mark) for x in lines], prose


def test_claims_are_typeset_with_their_verdicts():
    stages = {"z": "0 if x < 1 else 0.2*(x - 1)", "L": "z**2/2"}
    claims = {"dL/dz": "z", "dL/dx": "dL/dz*0.2", "d2L/dz2": "2", "dz/dx": "0.2"}
    lines, prose = told(sd.Model(stages, parameters=["x"], claims=claims))
    assert lines[0] == ("∂L/∂z", "z", "claimed; proved", "proved")
    assert lines[1][:2] == ("∂L/∂x", "∂L/∂z·0.2")
    assert lines[1][3] == "proved"  # on either side of x = 1, and there
    wrong = [line for line in lines if line[0] == "∂^2L/∂z^2"]
    assert wrong[0][1:] == ("2", "claimed; refuted", "refuted")
    assert wrong[1][1:3] == ("1", "the right form")
    assert prose[-1].endswith(", where it gives 0.2 and the derivative is 0. ")
    assert lines[-2][1:] == ("0.2", "claimed; true where x > 1", "refuted")
    assert lines[-1][1] == "(0 if x < 1 else 0.2)"


def test_claims_about_arrays_are_in_matrix_notation():
    stages = {"r": "X @ w - y", "L": "r @ r/2"}
    shapes = {"X": "m n", "w": "n", "y": "m"}
    claims = {"dL/dw": "X.T @ dL/dr", "dL/dr[i]": "r[i]", "dL/dX": "w @ r", "dL/dy": "r"}
    lines, prose = told(sd.Model(stages, parameters=["w", "X", "y"], shapes=shapes, claims=claims))
    assert lines[0][:2] == ("∂L/∂w", "Xᵀ @ ∂L/∂r")
    assert lines[1][:2] == ("∂L/∂r[i]", "r[i]")
    assert ("∂L/∂y", "−r", "the right form", "") in lines
    assert any("where ∂L/∂y[0] is" in text and "sign" in text for text in prose)
    assert any("shape" in text for text in prose)  # as typed: its operands do not fit


def test_a_broken_closed_form_keeps_its_frame():
    sums = row(*(part for k in range(12) for part in (PLUS, Id(f"name{k}", "rm"))))
    (line,) = arranged([Equation(Id("y"), Style("box", sums), ("simplify",), "proved")])[:1]
    assert isinstance(line.right, Style)
    assert isinstance(line.right.body, Stack)
    assert BOXED.formula(line.right) <= BOXED.line
    assert plain(line.right) == plain(sums)


def test_the_decimals_and_comparisons_of_the_author_are_kept():
    model = sd.Model(
        {"t": "0.2*(x - 10) if x >= 10 else x/10", "L": "r*t if abs(t) <= d else 0.5*t**2"},
        parameters=["x"],
    )
    lines = [
        plain(line.right)
        for block in build.outline(sd.derive(model)).blocks
        for line in getattr(block, "lines", ())
    ]
    assert lines[0] == "(0.2·(x − 10) if x ≥ 10 else x/10)"
    assert lines[1] == "(r·t if abs(t) ≤ d else 0.5·t^2)"
    assert any("0.2 if x ≥ 10 else 1/10" in line for line in lines)


def test_without_decimals_fractions_stay_fractions():
    hand = sd.Model({"y": "x**2/5 + x/10"}).order
    assert isinstance(hand, Hand)
    assert hand.decimals == frozenset()


LONG = """def f(first_name, second_name):
    y = first_name*(second_name + 1.0) - exp(-first_name)  # g
    return y, first_name, second_name"""


@pytest.mark.parametrize("width", [20, 30, 40, 55])
def test_long_code_is_broken_at_its_signs(width):
    made = fitted(LONG, width)
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(LONG))
    assert max(map(len, made.split("\n"))) <= max(width, 28)


def test_plain_text_breaks_fractions_and_cases_as_it_shows_them():
    model = sd.Model({"y": "(a + b)/(c*d**2) + exp(x/(a - b)) + (x if x > 0 else a/b/c)"})
    node = build._context(sd.derive(model), "standard").stated(model.stages["y"].written)
    assert plain(in_line(node)) == plain(node)


def test_a_wide_exponent_is_an_argument():
    wide = "exp(-activation_energy/(gas_constant*absolute_temperature))"
    model = sd.Model({"a": wide, "y": "a*exp(-x**2/2)"}, parameters=["x"])
    context = build._context(sd.derive(model), "standard")
    assert context.stated(model.stages["a"].written).items[0] == Fn("exp")
    narrow = context.stated(model.stages["y"].written)
    assert EULER in [part.base for part in narrow.items if isinstance(part, Script)]


def test_a_batch_is_told_with_its_names_typeset():
    neuron = sd.Model({"z": "dose*w", "L": "(z - y)**2"}, parameters=["w"])
    lifted = sd.batch(neuron, ["dose", "y"])
    block = build.outline(sd.derive(lifted)).blocks[0]
    assert [part.text for part in block.text if not isinstance(part, str)] == [
        *("dose", "y", "m", "i", "z", "L", "loss", "L")
    ]
    assert words(block.text) == str(lifted.batch)


def test_of_a_negative_loss_no_percentage_is_told():
    model = sd.Model({"L": "x**2 - 9"}, parameters={"x": 1.0})
    text = documents.text(sd.derive(model))
    assert "L falls from −8 to" in text
    assert "percent" not in text
