"""Notebooks: valid, the same bytes every time, and with outputs that running them gives."""

import json
import struct
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from sympy import Piecewise, Symbol

import symderive as sd
from symderive import documents
from symderive.documents import notebook
from symderive.documents.build_cells import _answer
from symderive.documents.outline import Figure, Heading, Paragraph, RuleBox, Run
from symderive.documents.session import run
from symderive.errors import SymderiveError

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
HOSTILE = '"""\' + __import__("os") + \'""" \\" \\n {d} </script> $x$ \x07 \u2028'


def hostile():
    return sd.Model(
        {"f": "print*d + value", "L": "(sigmoid(f) - sd)**2"},
        parameters={"print": 0.5, "value": 0.25},
        constants={"d": 1.5, "sd": 1.0},
        title=HOSTILE,
        text=HOSTILE,
        functions={"bump(x)": {"definition": "exp(-x**2)", "title": HOSTILE}},
    )


MODELS = {
    "neuron": lambda: sd.read(ROOT / "examples" / "logistic_neuron.toml"),
    "kink": lambda: sd.read(ROOT / "examples" / "relu_kink.toml"),
    "long": lambda: sd.Model(
        {f"A{k}": f"sigmoid(w*A{k - 1})" for k in range(1, 41)},
        parameters={"w": 1.5},
        constants={"A0": 0.3},
    ),
    "no values": lambda: sd.Model({"A1": "w*x", "A2": "sigmoid(A1)"}, parameters=["w"]),
    "no parameters": lambda: sd.Model({"y": "2*x"}, parameters=[], constants=["x"]),
    "functions": lambda: sd.Model(
        {"y": "bump(w)*g(w)"},
        parameters={"w": 0.5},
        functions={
            "bump(x)": "exp(-x**2)",
            "g(x)": {"definition": "x**3", "derivatives": {"x": "3*x**2"}},
        },
    ),
    "undefined": lambda: sd.Model({"y": "f(w)"}, parameters={"w": 1.0}, functions={"f(x)": ""}),
    "arrays": lambda: sd.Model(
        {"z": "X @ w + b", "p": "sigmoid(z)", "L": "mean(binary_cross_entropy(p, y))"},
        parameters={"w": [0.5, -0.25], "b": 0.1},
        constants={"X": [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], "y": np.array([1.0, 0.0, 1.0])},
        shapes={"X": "m n", "w": "n", "y": "m"},
    ),
    "shapes": lambda: sd.Model(
        {"Q": "x @ A @ x"},
        parameters=["x"],
        shapes={"x": "n", "A": "n n"},
        properties={"A": "symmetric"},
    ),
    "vector": lambda: sd.Model(
        {"y": "sigmoid(W @ x)"}, parameters={"W": [[1.0, 2.0], [0.0, 1.0]], "x": [1.0, 2.0]}
    ),
    "keywords": lambda: sd.Model({"y": "lambda*x"}, parameters={"lambda": 0.5, "x": 2.0}),
    "hostile": hostile,
}


@pytest.fixture(scope="module")
def made():
    texts = {}

    def get(name):
        if name not in texts:
            texts[name] = documents.render(sd.derive(MODELS[name]()), "ipynb")
        return json.loads(texts[name])

    return get


def code(book):
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def printed(cell):
    """What a cell prints, whether it came at once or in parts."""
    return "".join("".join(o["text"]) for o in cell["outputs"] if o["output_type"] == "stream")


def shown(cell):
    return [o["data"] for o in cell["outputs"] if o["output_type"] == "execute_result"]


def output(book, start):
    """What the cell prints whose source begins so."""
    (cell,) = [cell for cell in code(book) if "".join(cell["source"]).startswith(start)]
    return printed(cell)


def plain_run(source):
    """What Python alone prints, cell after cell."""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


# The file ------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_python_prints_what_the_cells_hold(name, made):
    cells = code(made(name))
    assert len(cells) >= 3
    source = "\n".join("".join(cell["source"]) for cell in cells)
    assert plain_run(source) == "".join(map(printed, cells))


@pytest.mark.parametrize("name", MODELS)
def test_names_of_cells_are_fixed_and_different(name, made):
    names = [cell["id"] for cell in made(name)["cells"]]
    assert len(set(names)) == len(names)
    assert names[:2] == ["title", "text-1"]
    counts = [cell["execution_count"] for cell in code(made(name))]
    assert counts == list(range(1, len(counts) + 1))


def test_it_is_the_same_bytes_in_another_process():
    example = str(ROOT / "examples" / "square.toml")
    text = documents.render(sd.derive(sd.read(example)), "ipynb")
    source = (
        "import symderive as sd; from symderive import documents\n"
        f"print(documents.render(sd.derive(sd.read({example!r})), 'ipynb'), end='')"
    )
    assert plain_run(source) == text


def test_figures_are_inside_and_described(made):
    figures = [cell for cell in made("neuron")["cells"] if cell.get("attachments")]
    assert len(figures) == 2
    for cell in figures:
        source = "".join(cell["source"])
        assert source.startswith(("![Computation graph of 3 stages", "![Line plot of A3"))
        assert source.count("(attachment:figure.png)") == 1
        png = b64decode(cell["attachments"]["figure.png"]["image/png"])
        width, height = struct.unpack(">II", png[16:24])
        assert 400 < width <= 1000
        assert 100 < height <= 1000


def test_the_text_is_that_of_the_markdown_document(made):
    told = documents.render(sd.derive(MODELS["neuron"]()), "md")
    lines = [line for line in told.split("## The gradient as code")[0].splitlines() if line]
    inside = {
        line.rstrip("\n")
        for cell in made("neuron")["cells"]
        if cell["cell_type"] == "markdown"
        for line in cell["source"]
    }
    start, end = lines.index("```mermaid"), lines.index("```")  # then the caption, for its arrows
    missing = [line for line in lines[:start] + lines[end + 2 :] if line not in inside]
    plot = missing.index("```mermaid")
    assert missing[:plot] == []
    assert missing[-1] == "```"


def test_hostile_text_stays_text(made):
    book = made("hostile")
    assert book["metadata"]["title"] == HOSTILE
    first = "".join(code(book)[0]["source"])
    assert first.count("__import__") == 1  # inside the title of a function, a string
    assert output(book, "import symderive") == "L by print, value\n"


# What the cells show ------------------------------------------------------------


def test_the_neurons_cells(made):
    book = made("neuron")
    assert output(book, "for name, formula in d.gradient()").splitlines() == [
        "∂A3/∂w1 = x1*(A2 - Y)",
        "∂A3/∂w2 = x2*(A2 - Y)",
        "∂A3/∂b = A2 - Y",
    ]
    assert output(book, 'print(d.check_claim("dA3/dA1", "A2 - Y"))') == "proved\n"
    assert "forgotten inner derivative: the factor ∂A1/∂w1 = x1" in output(
        book, 'print(d.check_claim("dA3/dw1", "A2 - Y"))'
    )
    assert output(book, "f = d.function()").splitlines()[:2] == [
        "A3 = 0.245326",
        "∂A3/∂w1 = -0.282815",
    ]
    assert output(book, "step = d.update").splitlines()[-1] == "A3: 0.245326 → 0.213694"
    assert output(book, "print(d.check())").endswith("17 proved, 3 sampled\n")
    assert "def value_and_gradient(w1, w2, b, x1, x2, Y):" in output(book, "print(d.code")
    (bundle,) = shown(code(book)[2])
    assert bundle == {
        "text/latex": ["$\\displaystyle A_2(1 - A_2)$"],
        "text/plain": ["Derivative(A2*(1 - A2))"],
    }


def test_the_cells_of_arrays(made):
    book = made("arrays")
    assert '"y": [1.0, 0.0, 1.0],' in "".join(code(book)[0]["source"])
    assert output(book, "for name in d.sources").splitlines() == [
        "∂L/∂w = X.T @ (p - y)/m",
        "∂L/∂b = mean(p - y)",
    ]
    assert output(book, "f = d.function()").splitlines()[:2] == [
        "L = 0.656407",
        "∂L/∂w = [-0.217224 -0.531899]",
    ]
    assert {"text/plain": ["MatrixNotation((p - y)/m)"]}.items() <= shown(
        next(cell for cell in code(book) if "".join(cell["source"]).endswith(".matrix"))
    )[0].items()
    assert '    properties={\n        "A": ["symmetric"],\n    },' in "".join(
        code(made("shapes"))[0]["source"]
    )


def test_a_long_model_prints_only_the_first(made):
    assert output(made("long"), "for (stage, source)").count("\n") == 16


def test_without_values_there_are_no_numbers(made):
    sources = ["".join(cell["source"]) for cell in code(made("no values"))]
    assert not any("d.update" in source or "f()" in source for source in sources)
    assert any("d.code" in source for source in sources)


def test_another_target_and_other_sources():
    model = sd.Model({"y": "w*x", "z": "y**2"}, parameters={"w": 1.0, "x": 2.0})
    book = json.loads(documents.render(sd.derive(model, "y", ["x"]), "ipynb"))
    assert output(book, "import symderive") == "y by x\n"
    assert output(book, "for name, formula") == "∂y/∂x = w\n"


def test_the_way_of_a_derivation_is_stated():
    entries = {"shapes": {"x": "n", "A": "n n"}, "properties": {"A": "symmetric"}}
    model = sd.Model({"f": "x @ A @ x"}, parameters=["A"], structured=True, **entries)
    notebook = json.loads(documents.render(sd.derive(model, structured=False), "ipynb"))
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")

    assert "structured=True," in "".join(first["source"])
    assert "sd.derive(model, structured=False)" in "".join(first["source"])


def test_an_answer_is_one_that_a_reader_may_type():
    derivation = sd.derive(MODELS["neuron"]())
    context = documents.build.Context(derivation, None)
    a, w = Symbol("A1"), Symbol("w1")
    assert _answer(context, a * w) == "A1*w1"
    assert _answer(context, Piecewise((a, a > 0), (w, True))) == ""
    assert _answer(context, a * Symbol("elsewhere")) == ""
    assert _answer(context, (a + w) ** 2 * a**12345678901234567890 + w ** (10**90)) == ""


# Cells ------------------------------------------------------------


def test_blocks_are_put_into_cells():
    head, text, box = Heading(1, ("h",)), Paragraph(("t",)), RuleBox(("r",), (), ())
    figure, cell = Figure(None, (), ""), Run("1")
    found = notebook.cells([text, head, text, box, text, head, box, figure, text, cell, cell])
    assert [(c.name, len(c.blocks)) for c in found] == [
        ("text-1", 1),
        ("text-2", 2),
        ("text-3", 2),
        ("text-4", 2),
        ("figure-1", 1),
        ("text-5", 1),
        ("code-1", 1),
        ("code-2", 1),
    ]


def test_cells_run_in_one_space_in_order():
    first, text, second, third = run(
        [Run("x = 2\nprint(x, 3, sep=';')"), Paragraph(()), Run("x + 1"), Run("None")]
    )
    assert (first.printed, first.shown) == ("2;3\n", ())
    assert text == Paragraph(())
    assert (second.printed, second.shown) == ("", (("text/plain", "3"),))
    assert third.shown == ()


def test_a_cell_that_cannot_run_says_so():
    model = sd.Model({"y": Piecewise((Symbol("x"), Symbol("x") > 0), (0, True))})
    derivation = sd.derive(model)
    with pytest.raises(
        SymderiveError, match=r"only the other formats: its code cannot run: stage y"
    ):
        documents.render(derivation, "ipynb")
    assert documents.render(derivation, "md")


# Jupyter itself ------------------------------------------------------------


@pytest.mark.notebook
@pytest.mark.parametrize("name", MODELS)
def test_nbformat_accepts_it_and_would_write_the_same(name):
    import nbformat

    text = documents.render(sd.derive(MODELS[name]()), "ipynb")
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    assert nbformat.writes(book).rstrip("\n") + "\n" == text


@pytest.mark.notebook
@pytest.mark.filterwarnings("ignore")  # Jupyter's own
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_kernel_gives_the_outputs_that_are_in_it(example):
    import nbformat
    from nbclient import NotebookClient

    text = documents.render(sd.derive(sd.read(example)), "ipynb")
    written, ran = nbformat.reads(text, as_version=4), nbformat.reads(text, as_version=4)
    NotebookClient(ran, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    for mine, theirs in zip(code(written), code(ran), strict=True):
        assert printed(theirs) == printed(mine)
        assert shown(theirs) == shown(mine)
        assert theirs.execution_count == mine.execution_count
