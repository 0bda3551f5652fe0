"""Documents of array models: matrix notation, entries, shapes, arrays of numbers, notebooks."""

from __future__ import annotations

import json

import pytest
import typst as typst_compiler
from sympy import symbols

from symderive import Derivation, Model, batch, derive, documents
from symderive.documents.array_rules_told import BY_NAME, statement
from symderive.documents.array_wording import norm_of, notation, numbers_node, relettered
from symderive.documents.build import outline
from symderive.documents.formats import FORMATS
from symderive.documents.outline import Equations, Heading, TableBlock
from symderive.formulas.arrays.index import Index, entry_of, sigma
from symderive.formulas.arrays.syntax import Leaf
from symderive.formulas.latex import latex
from symderive.formulas.matrix_notation import matrix_tree
from symderive.formulas.plain import plain

X = [[0.1, -0.1], [0.5, 0.4], [1.3, 0.9], [-1.3, -0.6]]


@pytest.fixture(scope="module")
def logistic() -> Derivation:
    return derive(
        Model(
            {"Z": "X @ w + b", "P": "sigmoid(Z)", "L": "mean(binary_cross_entropy(P, Y))"},
            parameters={"w": [0.3, -0.2], "b": 0.5},
            constants={"X": X, "Y": [1.0, 0.0, 1.0, 0.0]},
            shapes={"X": "m n", "w": "n", "Y": "m"},
            title="Logistic regression",
        )
    )


@pytest.fixture(scope="module")
def network() -> Derivation:
    return derive(
        Model(
            {"Z": "X @ W + b", "A": "tanh(Z)", "L": "sum((A - Y)**2)/2"},
            parameters=["W", "b"],
            constants=["X", "Y"],
            shapes={"X": "m n", "W": "n k", "b": "k", "Y": "m k"},
        )
    )


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "pdf"])
def test_every_format_is_written(logistic: Derivation, network: Derivation, format: str) -> None:
    for derivation in (logistic, network):
        content = documents.render(derivation, format)
        assert isinstance(content, str)
        assert len(content) > 1000
        if format == "typ":
            typst_compiler.compile(content.encode(), format="svg")


def test_the_results_stand_in_matrix_notation_and_entry_by_entry(logistic: Derivation) -> None:
    text = documents.render(logistic, "md")
    assert isinstance(text, str)
    assert r"\boxed{\frac{X^{\top}(P - Y)}{m}}" in text
    assert r"\frac{\partial L}{\partial w_i}" in text
    assert r"\frac{1}{m}\sum_{j}X_{j i}(P_j - Y_j)" in text
    thin = r"\thinspace "  # and a space after "_", so that Markdown sees no emphasis
    assert (
        rf"\underbrace{{X}}_ {{{thin}m\times n{thin}}}\underbrace{{w}}_ {{{thin}n{thin}}}" in text
    )
    assert r"Z_i &= \sum_{j}X_{i j}w_j + b" in text
    assert (
        r"\sum_{j}\frac{\partial L}{\partial P_j} \cdot \frac{\partial P_j}{\partial Z_i}" in text
    )


def test_the_sections_are_those_of_a_scalar_model(logistic: Derivation) -> None:
    headings = [b.text for b in outline(logistic).blocks if isinstance(b, Heading) and b.level == 1]
    assert [text[0] for text in headings] == [
        "Model",
        "Links: each stage by what it uses",
        "Chain rule",
        "The gradient",
        "Worked numbers",
        "Update of the parameters",
        "Checks made",
        "The gradient as code",
    ]


def test_without_values_there_are_no_numbers(network: Derivation) -> None:
    headings = [b.text[0] for b in outline(network).blocks if isinstance(b, Heading)]
    assert "Worked numbers" not in headings
    tables = [block for block in outline(network).blocks if isinstance(block, TableBlock)]
    assert [cell[0] for cell in tables[0].header] == ["name", "role", "shape"]


def test_later_derivatives_stand_in_brackets_where_they_are_transposed(network: Derivation) -> None:
    text = documents.render(network, "md")
    assert r"\left(\frac{\partial L}{\partial Z}\right)^{\top}\mathbf{1}" in text


def test_the_rows_of_a_batch_are_marked_as_proved() -> None:
    neuron = Model({"A": "x*w + b", "L": "(A - y)**2"}, parameters=["w", "b"], constants=["x", "y"])
    lifted = derive(batch(neuron, {"x": [1.0, 2.0, 3.0], "y": [0.0, 1.0, 0.5]}, target="J"))
    told = [b for b in outline(lifted).blocks if isinstance(b, Equations)]
    marks = {plain(line.left): line.mark for line in told[1].lines if line.left is not None}
    assert marks["A[i]"] == marks["L[i]"] == "proved"


def test_derivatives_of_later_stages_are_never_shown_by_the_names_of_programs() -> None:
    stages = {f"A{k}": f"tanh(A{k - 1} @ W + b)" for k in range(1, 9)}
    shapes = {"A0": "m n", "W": "n n", "b": "n", "Y": "m n"}
    model = Model(
        {**stages, "L": "sum((A8 - Y)**2)"}, parameters=["W", "b"], constants=["A0", "Y"],
        shapes=shapes,
    )  # fmt: skip
    text = str(documents.render(derive(model), "txt")).split("The gradient as code")[0]
    assert "∂L/∂A8" in text
    assert "L_D_" not in text


def test_what_is_known_of_an_array_is_in_the_table() -> None:
    model = Model(
        {"L": "x @ A @ x/2"},
        parameters=["x"],
        constants=["A"],
        shapes={"x": "n", "A": "n n"},
        properties={"A": "symmetric"},
    )
    tables = [b for b in outline(derive(model)).blocks if isinstance(b, TableBlock)]
    assert ("symmetric",) in [cell for row in tables[0].rows for cell in row]


def test_a_derivative_without_matrix_notation_is_told_entry_by_entry() -> None:
    model = Model(
        {"U": 'einsum("ijk,k->ij", T, x)', "L": "sum(U**2)"},
        parameters=["T"],
        constants=["x"],
        shapes={"T": "a b c", "x": "c"},
    )
    derivation = derive(model)
    told = [b for b in outline(derivation).blocks if isinstance(b, Equations)]
    shown = [plain(line.right) for block in told for line in block.lines]
    assert not any("∗" in text for text in shown)
    assert any(text == "2·x[k]·U[i, j]" for text in shown)


def test_a_notebook_runs_and_shows_matrix_notation(logistic: Derivation) -> None:
    notebook = json.loads(str(documents.render(logistic, "ipynb")))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    source = "\n".join("".join(cell["source"]) for cell in cells)
    assert '"X": "m n"' in source
    printed = [
        "".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", ())
    ]
    assert any("∂L/∂w = X.T @ (P - Y)/m" in text for text in printed)


def test_arrays_of_numbers_are_shown_small_and_large_ones_in_part() -> None:
    assert plain(numbers_node(2.5)) == "2.5"
    assert plain(numbers_node([1.0, -0.25])) == "[1, −0.25]ᵀ"
    assert plain(numbers_node([[1.0, 2.0], [3.0, 4.0]])) == "[1, 2; 3, 4]"
    large = [[float(10 * i + j) for j in range(9)] for i in range(9)]
    text = plain(numbers_node(large))
    assert text.startswith("[0, 1, 2, ⋯, 8; ")
    assert "⋱" in text
    assert text.endswith("80, 81, 82, ⋯, 88]")
    assert plain(numbers_node([float(k) for k in range(30)])).count(",") == 9
    assert norm_of([[3.0], [4.0]]) == 5.0


def test_sums_get_the_first_letters_that_are_free() -> None:
    n = symbols("n")
    i, s = Index("i", n), Index("s", n)
    formula = entry_of("x", [i]) * sigma(entry_of("y", [s]), [s])
    assert str(relettered(formula, frozenset({"j"}))) == "x[i]*Sum(y[k], (k, 0, n - 1))"


def test_a_product_of_three_matrices_is_one_sum_entry_by_entry() -> None:
    model = Model(
        {"L": "x @ A @ y"}, parameters=["x"], constants=["A", "y"],
        shapes={"x": "m", "A": "m n", "y": "n"},
    )  # fmt: skip
    told = [b for b in outline(derive(model)).blocks if isinstance(b, Equations)]
    assert plain(told[1].lines[0].right) == "∑(x[i]·A[i, j]·y[j], i, j)"


def test_a_rule_for_whole_arrays_names_the_array_that_it_is_applied_to() -> None:
    model = Model({"L": "logdet(S)"}, parameters=["S"], constants=[], shapes={"S": "n n"})
    text = str(documents.render(derive(model), "txt"))
    assert "d(log(det(U))) = tr(U⁻¹ @ dU)   with U = S" in text


def test_only_the_signs_that_occur_are_explained() -> None:
    m, n = symbols("m n")
    words = notation([matrix_tree(Leaf((m, n), "X"))])
    assert words == ("A vector is a column; functions of arrays apply entry by entry", ".")


def test_rules_for_arrays_are_stated_in_matrix_notation() -> None:
    from symderive.array_rules import ARRAY_ROWS

    stated = {row.rule.name: statement(row.rule) for row in ARRAY_ROWS}
    inverse, softmax = stated["inverse rule"], stated["softmax rule"]
    assert inverse is not None
    assert latex(inverse) == r"\mathrm{d}(U^{-1}) = -U^{-1}\,\mathrm{d}U\,U^{-1}"
    assert softmax is not None
    assert stated["independent entries"] is BY_NAME["independent entries"]


def test_a_matrix_by_a_matrix_is_told_as_a_kronecker_product() -> None:
    model = Model({"Y": "A @ X @ B"}, parameters=["X"], shapes={"A": "p m", "X": "m n", "B": "n q"})
    text = documents.text(derive(model))
    assert "∂Y[i, j]/∂X[k, l] = A[i, k]·B[l, j]" in text
    assert "∂vec(Y)/∂vec(X) = Bᵀ ⊗ A" in text
