"""The looks of documents: what is told once, what is left out, what fits where."""

from itertools import pairwise

import pytest

import symderive as sd
from symderive import documents
from symderive.documents import build
from symderive.documents.graph import Edge, Pitch, Vertex, layout
from symderive.documents.outline import Equations, Heading, RuleBox
from symderive.documents.pdf import letters_without_glyph
from symderive.documents.templates import words
from symderive.formulas.plain import plain
from symderive.formulas.printing import tree
from symderive.formulas.tree import Id


def boxes(model, detail="standard", **options):
    blocks = build.outline(sd.derive(sd.Model(model, **options)), detail).blocks
    return [block for block in blocks if isinstance(block, RuleBox)]


EULER = {"y1": "y0 + 0.1*h*sin(y0)"} | {
    f"y{k}": f"y{k - 1} + {k / 10}*h*sin(y{k - 1})" for k in range(2, 10)
}


def test_links_that_differ_in_constants_are_derived_once():
    found = boxes(EULER, parameters=["y0", "h"])
    assert [words(box.title) for box in found] == ["∂y1/∂y0", "∂y1/∂h"]
    last = found[0].lines[-1]
    assert f"{plain(last.left)} = {plain(last.right)}" == "∂y9/∂y8 = 1 + 0.9·h·cos(y8)"
    assert (words(last.note), last.mark) == ("likewise, with other constants", "proved")
    assert words(found[0].lines[-2].note) == "5 more"


def test_squares_and_cubes_are_not_the_same_but_for_constants():
    found = boxes({"a": "x**2", "b": "a**4", "c": "b**5", "d": "c**6"}, parameters=["x"])
    assert [words(box.title) for box in found] == ["∂a/∂x", "∂b/∂a"]
    assert [plain(line.right) for line in found[1].lines[1:]] == ["4·a^3", "5·b^4", "6·c^5"]


def test_a_rule_is_stated_where_it_is_first_used():
    model = {"a": "tanh(w)", "L": "a*tanh(w)"}
    names = [rule.name for box in boxes(model) for rule in box.rules]
    assert len(names) == len(set(names))
    assert names.count("derivative of hyperbolic tangent") == 1
    full = [rule.name for box in boxes(model, "full") for rule in box.rules]
    assert len(full) > len(set(full))


def test_the_formula_that_is_differentiated_stands_as_it_was_written():
    (box,) = boxes({"y": "b + a*x"}, parameters=["a"], constants=["b", "x"])
    assert plain(box.lines[0].right) == "∂/∂a(b + a·x)"


def test_one_stage_has_no_chain_rule():
    blocks = build.outline(sd.derive(sd.Model({"y": "x**2"}, parameters={"x": 3.0}))).blocks
    headings = [words(block.text) for block in blocks if isinstance(block, Heading)]
    assert "Chain rule" not in headings
    assert "The derivatives" in headings
    assert "The links" not in headings


def test_a_sum_over_many_paths_is_told_in_part():
    stages = {f"h{k}": f"tanh({k}*x)" for k in range(1, 16)}
    stages["L"] = " + ".join(f"exp(h{k})" for k in range(1, 16))
    blocks = build.outline(sd.derive(sd.Model(stages, parameters=["x"]))).blocks
    at = [words(block.text) if isinstance(block, Heading) else "" for block in blocks]
    told = blocks[at.index("Derivatives by the parameters") + 1]
    assert isinstance(told, Equations)
    for line in told.lines:
        assert plain(line.right).count("⋯") == 1, plain(line.right)


def test_second_derivatives_where_an_adjoint_is_divided_by_a_name():
    model = sd.Model(
        {"r": "(x - mu)/sigma", "q": "(t - mu)/sigma", "N": "2*log(sigma) + (r**2 + q**2)/2"},
        parameters={"mu": 1.0, "sigma": 2.0},
        constants={"x": 0.5, "t": 2.0},
        hessian=True,
    )
    assert "Second derivatives" in documents.text(sd.derive(model))


def test_a_second_derivative_makes_no_detour():
    stages = {f"r{k}": f"(x{k} - mu)/sigma" for k in (1, 2, 3)}
    stages["N"] = "3*log(sigma) + (r1**2 + r2**2 + r3**2)/2"
    model = sd.Model(stages, parameters=["mu", "sigma"], hessian=True)
    for block in build.outline(sd.derive(model)).blocks:
        if isinstance(block, Equations):
            shown = [plain(line.right) for line in block.lines[1:] if line.left is None]
            assert len(shown) == len(set(shown))


def test_choices_in_a_row_stand_below_each_other():
    model = sd.Model({"y": "0 if x < 1 else (x - 1 if x < 2 else 3 - x)"}, parameters=["x"])
    assert documents.render(sd.derive(model), "tex").count(r"\begin{cases}\begin{cases}") == 0
    stage = model.stages["y"].written
    assert [plain(value) for value, _ in tree(stage, written=True).rows] == ["0", "x − 1", "3 − x"]


def test_a_small_step_is_told_with_digits_that_differ():
    model = sd.Model({"y": "(x - 1e-7)**2 + 4"}, parameters={"x": 1e-4})
    assert "y falls from 4.00000001 to " in documents.text(sd.derive(model))


# Letters -----------------------------------------------------------------------------------------


def test_letters_that_no_font_has_are_named(monkeypatch):
    assert letters_without_glyph("aé–ΩжשℝΣ∂", system=False) == ""
    assert letters_without_glyph("a微", system=False) == "微"
    model = sd.Model({"y": "x**2"}, parameters={"x": 2.0}, title="On 微")
    monkeypatch.setattr(  # a machine without further fonts
        "symderive.documents.pdf.letters_without_glyph",
        lambda text, system=True: letters_without_glyph(text, system=False),
    )
    with pytest.warns(documents.UnshownWarning, match=r"微 \(U\+5FAE\) in the title"):
        assert documents.render(sd.derive(model), "pdf").startswith(b"%PDF")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "derivation.md").mkdir()
    square = sd.derive(sd.Model({"y": "x**2"}))
    for folder, named in (("file/y", "file/y"), (".", "derivation.md")):
        with pytest.raises(OSError, match="cannot be written here") as raised:
            square.write(tmp_path / folder, formats=["md"])
        assert raised.value.filename == str(tmp_path / named)


# Narrow terminals --------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [56, 60, 92])
def test_plain_text_is_no_wider_than_the_terminal(columns):
    model = sd.Model(
        {
            "growth_rate": "maximum_rate*substrate/(half_saturation + substrate)*(1 - p/p_max)",
            "loss": "(growth_rate - observed_growth_rate)**2/(2*sigma**2) + log(sigma)",
        },
        parameters={"maximum_rate": 0.4, "half_saturation": 0.05, "sigma": 0.5},
        constants={"substrate": 0.8, "p": 12.5, "p_max": 90.0, "observed_growth_rate": 0.3},
        title="Growth of a culture in a chemostat with product inhibition and maintenance",
    )
    text, _, _ = documents.text(sd.derive(model), columns=columns).partition("The gradient as code")
    assert [line for line in text.splitlines() if len(line) > columns] == []


# Graphs ------------------------------------------------------------------------------------------


def graph(length, labels):
    names = [f"h{k}" for k in range(length)]
    vertices = [Vertex(name, Id("h"), "stage", None, 6.0, 9.0, name) for name in names]
    edges = [Edge(a, b, *labels) for a, b in pairwise(names)]
    return layout(vertices, edges)


def test_labels_take_the_room_they_need():
    numbers = Pitch.of([Edge("a", "b", "−0.2375", "0.475")])
    shapes = Pitch.of([Edge("a", "b", "n")])
    assert (numbers.port, shapes.port) == (21.0, 14.0)
    assert numbers.stub > shapes.stub
    assert graph(3, ("0.25", "0.5")).width > graph(3, ("n",)).width


def test_a_wide_graph_is_laid_out_closer():
    assert graph(16, ("n",)).width / 16 < 0.9 * graph(6, ("n",)).width / 6


def test_a_figure_moves_or_shrinks_rather_than_leave_a_page_half_empty():
    model = sd.Model({"a": "tanh(w*x)", "L": "(a - t)**2"}, parameters={"w": 1.0})
    source = documents.render(sd.derive(model), "typ")
    assert source.count("#placed(") == 1
