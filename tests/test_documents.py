"""Documents: golden files, true numbers, hostile text, width, engines, browsers."""

import dataclasses
import hashlib
import html.parser
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
from markdown_it import MarkdownIt

import symderive as sd
from symderive import documents
from symderive.documents import build, numbers, pdf, templates
from symderive.documents.formats import FORMATS, PAGE_HEIGHT, markdown, typst_text
from symderive.documents.lines import PLAIN, arranged, remark
from symderive.documents.outline import Equation, Figure, Outline, Paragraph
from symderive.errors import CheckError, ToolError, UnknownChoiceError
from symderive.formulas.latex import latex
from symderive.formulas.nodes import (
    DOT,
    PARTIAL,
    PLUS,
    TRANSPOSE,
    Fence,
    Frac,
    Id,
    Num,
    Op,
    Row,
    Script,
    Table,
    fence,
    partial,
    row,
)
from symderive.formulas.tree import split, width
from symderive.formulas.typst import typst as typst_code

ROOT = Path(__file__).parent.parent
TEXTUAL = ("md", "tex", "html", "typ", "txt")


def neuron():
    return sd.read(ROOT / "examples" / "logistic_neuron.toml")


def fork():
    return sd.Model(
        {"a": "relu(w*x)", "b": "tanh(w + v)", "L": "(a*b - t)**2 + abs(a)"},
        parameters={"w": 0.5, "v": -0.25},
        constants={"x": 2.0, "t": 1.0},
        title="A fork with a kink",
    )


def chain():
    return sd.Model(
        {f"A{k}": f"sigmoid(w*A{k - 1})" for k in range(1, 41)},
        parameters={"w": 1.5},
        constants={"A0": 0.3},
        title="A long chain",
    )


def wide():
    names = range(1, 41)
    return sd.Model(
        {"z": " + ".join(f"w{k}*x{k}" for k in names), "L": "(sigmoid(z) - t)**2/2"},
        parameters={f"w{k}": 0.1 * k for k in names},
        constants={**{f"x{k}": 0.5 - k / 40 for k in names}, "t": 1.0},
        title="Forty terms",
    )


MODELS = {"neuron": neuron, "fork": fork, "chain": chain}


@pytest.fixture(scope="module")
def derivation():
    made = {}

    def get(name):
        if name not in made:
            made[name] = sd.derive({**MODELS, "wide": wide}[name]())
        return made[name]

    return get


# Golden documents ------------------------------------------------------------


@pytest.mark.parametrize("format", TEXTUAL)
@pytest.mark.parametrize("name", MODELS)
def test_golden(name, format, derivation, golden):
    golden(f"{name}{FORMATS[format].suffix}", documents.render(derivation(name), format))


def test_a_long_chain_shows_each_kind_of_link_once(derivation):
    text = documents.render(derivation("chain"), "txt")
    titles = [line for line in text.splitlines() if line.startswith("  ∂")]
    assert titles == ["  ∂A_k/∂w", "  ∂A_k/∂A[k − 1]"]
    assert "For 39 links: k = 2, …, 40." in text


def test_no_number_is_put_into_a_derivative_sign(derivation):
    """∂L/∂a becomes its number as a whole, never ∂0.7/∂0.3."""
    text = documents.render(derivation("chain"), "txt")
    assert re.findall(r"∂[\d.(]", text) == []


def test_pdf_is_the_same_bytes_in_another_process(derivation):
    code = (
        "import hashlib, sys, symderive as sd\n"
        "from symderive.documents import render\n"
        "d = sd.derive(sd.read(sys.argv[1]))\n"
        "print(hashlib.sha256(render(d, 'pdf')).hexdigest())"
    )
    example = str(ROOT / "examples" / "logistic_neuron.toml")
    command = [sys.executable, "-c", code, example]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    content = documents.render(sd.derive(sd.read(example)), "pdf")
    assert content.startswith(b"%PDF")
    assert done.stdout.strip() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", MODELS)
def test_pdf_can_be_heard(name, derivation):
    assert b"<pdfuaid:part>1</pdfuaid:part>" in documents.render(derivation(name), "pdf")


@pytest.mark.filterwarnings("ignore::symderive.documents.UnshownWarning")
def test_a_letter_without_a_glyph_is_no_error():
    model = sd.Model({"y": "x**2"}, parameters={"x": 2.0}, title="\N{CJK UNIFIED IDEOGRAPH-5FAE}")
    content = documents.render(sd.derive(model), "pdf")
    assert content.startswith(b"%PDF")


def test_a_display_is_told_in_words(derivation):
    source = documents.render(derivation("neuron"), "typ")
    assert (
        "; partial A 3 over partial b equals A 2 minus Y equals 0.78245 minus 1 "
        "is approximately minus 0.21755"
    ) in source
    assert "equals x 1 (sum rule, constant multiple rule, proved); partial A 1 over" in source


# Numbers ------------------------------------------------------------

DIGIT = r"−?\d+(?:\.\d+)?(?:⋅10\^\(?−?\d+\)?|·10\^\(?−?\d+\)?)?"


def value_of(text):
    """A number as the plain text prints it: −1.5·10^(−7)."""
    text = text.replace("−", "-").replace("⋅", "·").replace("(", "").replace(")", "")
    mantissa, _, exponent = text.partition("·10^")
    return float(mantissa) * 10.0 ** int(exponent or 0)


def worked(text):
    """Value by left side, of the lines ``name = … ≈ value`` in the section of worked numbers."""
    section = text.split("Worked numbers", 1)[1].split("Update of the parameters", 1)[0]
    found, left = {}, None
    for line in section.splitlines():
        if start := re.match(r"\s+(\(?∂\w+/∂\w+\S*|\w+)\s+[=≈] ", line):
            left = None if start[1].startswith("(") else start[1]  # the link alone
        if left and (end := re.search(rf"[=≈] ({DIGIT})$", line)):
            found[left] = value_of(end[1])
    return found


def table(text, caption_start):
    """Cells by first cell, of the plain-text table with this header."""
    lines = re.split(rf"{caption_start}.*\n", text, maxsplit=1)[1].splitlines()
    rows = []
    for line in lines:
        if not line.strip():
            break
        rows.append(re.split(r"\s{2,}", line.strip()))
    return {row[0]: row[1:] for row in rows}


def disagreements(derivation, text):
    """Names whose printed numbers are not those of the derivation's function."""
    point, target = derivation.evaluate(), derivation.target
    truth = {f"∂{stage}/∂{name}": value for (stage, name), value in point.links.items()}
    truth |= point.stages | {f"∂{target}/∂{name}": v for name, v in point.partials.items()}
    shown = worked(text)
    wrong = [n for n, v in shown.items() if not math.isclose(v, truth[n], rel_tol=1e-4)]
    step = derivation.update()
    for name, cells in table(text, r" name +before").items():
        want = [step.new_loss] if name == target else [point.gradient[name], step.new[name]]
        got = [value_of(c) for c in cells][1:]
        if not all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(got, want, strict=True)):
            wrong.append(f"{name} after the step")
    return shown, wrong


@pytest.mark.parametrize("name", MODELS)
def test_printed_numbers_are_those_of_the_function(name, derivation):
    made = derivation(name)
    shown, wrong = disagreements(made, documents.render(made, "txt"))
    assert wrong == []
    assert made.target in shown
    assert f"∂{made.target}/∂{made.sources[0]}" in shown
    assert len(shown) >= 7


PLANTS = {
    "a stage": ("values", "A2", ["A2"]),
    "a link": ("links", ("A1", "w1"), ["∂A1/∂w1"]),
    "a derivative": ("adjoints", "w1", ["∂A3/∂w1", "w1 after the step"]),
    "a new parameter": ("new", "b", ["b after the step"]),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_wrong_number_is_found(plant, derivation, monkeypatch):
    field, name, expected = PLANTS[plant]

    def wrong(made):
        found = numbers.gather(made)
        changed = {**getattr(found, field), name: getattr(found, field)[name] + 0.01}
        return dataclasses.replace(found, **{field: changed})

    monkeypatch.setattr(build, "gather", wrong)
    made = derivation("neuron")
    assert disagreements(made, documents.render(made, "txt"))[1] == expected


def test_without_values_no_numbers_are_told():
    made = sd.derive(sd.Model({"A1": "w*x", "A2": "sigmoid(A1)"}, parameters=["w"]))
    text = documents.render(made, "txt")
    assert "Worked numbers" not in text
    assert "Chain rule" in text


def test_of_a_function_without_a_definition_there_is_no_code():
    made = sd.derive(sd.Model({"y": "f(w)"}, parameters={"w": 1.0}, functions={"f(x)": ""}))
    text = documents.render(made, "txt")
    assert "The gradient as code" not in text
    assert "= f'(w)" in text


# All or nothing ------------------------------------------------------------


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refuse(monkeypatch, made):
    report = made.check()
    bad = type("Bad", (), {"passed": False, "__str__": lambda self: "line 2 of A1 by w"})()
    assert report.passed
    monkeypatch.setitem(vars(made), "_report", bad)


def test_a_refuted_line_stops_writing(tmp_path, monkeypatch):
    made = sd.derive(neuron())
    refuse(monkeypatch, made)
    with pytest.raises(CheckError, match="nothing is written:\nline 2 of A1 by w"):
        documents.write(made, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_failing_format_leaves_the_folder_unchanged(tmp_path, derivation, monkeypatch):
    made = derivation("neuron")
    documents.write(made, tmp_path, ["md", "txt"])
    (tmp_path / "logistic_neuron.md").write_text("of before")
    before = snapshot(tmp_path)

    def fail(*_):
        raise ToolError("typst could not set the document")

    monkeypatch.setattr(pdf, "typst_pdf", fail)
    with pytest.raises(ToolError):
        documents.write(made, tmp_path, ["md", "tex", "pdf"])
    assert snapshot(tmp_path) == before


def test_files_are_named_after_the_model(tmp_path, derivation):
    paths = documents.write(derivation("neuron"), tmp_path / "a" / "b", ["txt", "md", "txt"])
    assert [path.name for path in paths] == ["logistic_neuron.txt", "logistic_neuron.md"]
    assert sorted(snapshot(tmp_path / "a" / "b")) == ["logistic_neuron.md", "logistic_neuron.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "docx"}, "unknown format 'docx'.*choose one of: html, ipynb, md, pdf"),
        ({"format": "html", "detail": "fulll"}, "unknown detail 'fulll'; did you mean 'full'"),
        ({"format": "pdf", "pdf_engine": "xetex"}, "unknown PDF engine 'xetex'.*lualatex"),
    ],
)
def test_unknown_choices(options, message, derivation):
    with pytest.raises(UnknownChoiceError, match=message):
        documents.render(derivation("neuron"), **options)


def test_a_missing_tex_engine_says_what_to_do(derivation, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ToolError, match=r'pdflatex is not installed.*PDF engine "typst"'):
        documents.render(derivation("neuron"), "pdf", pdf_engine="pdflatex")


def test_details_tell_more_and_more(derivation):
    sizes = [
        len(documents.render(derivation("neuron"), "txt", detail=detail))
        for detail in build.DETAILS
    ]
    assert sizes == sorted(set(sizes))


# Hostile text ------------------------------------------------------------

HOSTILE = (
    r"$x$ \input{/etc/passwd} # * _a_ `b` ``` <script>alert(1)</script> ]] )) | "
    r'"q" &amp; #read("x") %% {{ }} << >> <% %> ~^ http://a.b @c </title> \end{document}'
)


def hostile():
    return sd.Model(
        {"graph": "script*end + click", "input": "sigmoid(graph)", "L": "(input - style)**2"},
        parameters={"script": 0.5, "click": 0.25},
        constants={"end": 1.5, "style": 1.0},
        title=HOSTILE,
        text=f"{HOSTILE}\n\n# A heading\n\n1. a list\n\n    code\n\n= Typst heading",
    )


@pytest.fixture(scope="module")
def hostile_documents():
    made = sd.derive(hostile())
    return {format: documents.render(made, format) for format in (*TEXTUAL, "pdf")}


class Balanced(html.parser.HTMLParser):
    VOID = frozenset({"meta", "br", "hr", "img", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_hostile_html(hostile_documents):
    parser = Balanced()
    parser.feed(hostile_documents["html"])
    parser.close()
    assert parser.open == []
    assert not {"script", "iframe", "object", "img", "link"} & parser.seen
    assert HOSTILE in "".join(parser.text)
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', hostile_documents["html"]) == []


def test_hostile_latex(hostile_documents):
    source = hostile_documents["tex"]
    assert r"\input" not in source
    assert source.count(r"\end{document}") == 1
    body = source.split(r"\begin{document}")[1]
    unescaped = re.findall(r"(?<!\\)[#%~^_](?=a)", body.split(r"\section")[0])
    assert unescaped == []


def test_hostile_markdown(hostile_documents):
    source = hostile_documents["md"]
    assert "<script" not in source
    outside = re.sub(r"```.*?```", "", source, flags=re.S)
    assert outside.count("`") == outside.count(r"\`")
    headings = [line for line in outside.splitlines() if line.startswith("#")]
    assert not any("heading" in line for line in headings)
    prose = outside.split("## Model")[0]
    assert re.findall(r"(?<!\\)[$*_\[\]|]", prose) == []


@pytest.mark.parametrize("name", [*MODELS, "wide"])
def test_markdown_takes_no_backslash_from_a_formula(name, derivation):
    r"""Markdown reads ``\,`` as a comma and ``\\`` as one backslash, inside formulas too."""
    source = documents.render(derivation(name), "md")
    displays = re.findall(r"^\$\$\n(.*?)^\$\$$", source, flags=re.M | re.S)
    inline = re.findall(
        r"(?<!\\)\$([^$\n]+)\$", re.sub(r"^```.*?^```$", "", source, flags=re.M | re.S)
    )
    assert len(displays) > 3
    assert len(inline) > 10
    for formula in (*displays, *inline):
        assert re.findall(r"\\[^a-zA-Z\s]", formula) == []


UNDERLINED = sd.Model(
    {"my_loss": "(w_i_j*x_hat_1 + w_i_k*x_hat_2 - y_hat)**2 + total_size*w_i_j*w_i_k"},
    parameters={"w_i_j": 1.0, "w_i_k": 2.0},
    constants={"x_hat_1": 1.0, "x_hat_2": 2.0, "y_hat": 3.0, "total_size": 0.5},
)
"""Names that give many underscores."""


@pytest.mark.parametrize("name", [*MODELS, "wide", "underlined"])
def test_formulas_come_through_markdown_as_they_are(name, derivation):
    """CommonMark finds no emphasis, escape or entity inside a formula in a line of text."""
    made = sd.derive(UNDERLINED) if name == "underlined" else derivation(name)
    source = documents.render(made, "md")
    source = re.sub(r"^\$\$\n.*?^\$\$$", "", source, flags=re.M | re.S)
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    read = [
        "".join(part.content or "\0" for part in token.children)
        for token in tokens
        if token.type == "inline"
    ]
    formulas = re.findall(r"\$[^$\n]+\$", re.sub(r"^```.*?^```$", "", source, flags=re.M | re.S))
    assert len(formulas) > 10
    shown = "\n".join(read)
    assert [formula for formula in formulas if formula not in shown] == []


LONG_NOTE = ("power rule, chain rule, ", Id("S"), ", constant multiple rule")


def test_long_reasons_follow_formulas_that_leave_them_no_column():
    line = Equation(Id("y"), row(Id("x" * 60), PLUS, Id("z" * 8)), LONG_NOTE, "proved")
    first, reason, *_, last = arranged([line, line, Equation(None, Id("u"))], PLAIN)
    assert (first.right, first.note, first.mark) == (line.right, (), "")
    assert (reason.note, reason.mark, reason.after) == (LONG_NOTE, "proved", True)
    assert (last.right, last.note, last.mark) == (Id("u"), (), "")


def test_a_long_reason_is_broken_in_a_column_where_that_takes_no_more_lines():
    wide = Equation(Id("y"), Id("x" * 50), LONG_NOTE, "proved")
    (boxed,) = arranged([wide])
    assert (boxed.note, boxed.mark, boxed.after, boxed.column > 0) == (
        LONG_NOTE,
        "proved",
        False,
        True,
    )
    (short,) = arranged([replace(wide, right=Id("x"))], PLAIN)
    assert (short.note, short.after) == (LONG_NOTE, False)


LONG_NAMES = {
    "effective_concentration": "dose_at_the_start*share/(1 + inhibitor_level/inhibition_constant)",
    "rate": "maximal_rate*effective_concentration/(half_way_constant + effective_concentration)",
    "squared_error_of_the_rate": "(rate - measured_rate)**2/2",
}


@pytest.mark.parametrize("name", ["fork", "chain", "wide", "long names"])
def test_markdown_displays_are_no_wider_than_their_column(name, derivation):
    """Left sides, formulas, notes and what stands between them, as MathJax sets them."""
    made = sd.derive(sd.Model(LONG_NAMES)) if name == "long names" else derivation(name)
    for block in build.outline(made).blocks:
        if lines := getattr(block, "lines", ()):
            shown = arranged(lines, PLAIN)
            left = max(width(line.left) for line in shown if line.left is not None)
            notes = [width(remark(line)) + (PLAIN.gap if line.note else 0.0) for line in shown]
            each = [
                (line.after, width(line.right), n) for line, n in zip(shown, notes, strict=True)
            ]
            beside = max(right for _, right, _ in each) + max(0.0 if a else n for a, _, n in each)
            behind = max(right + n if a else 0.0 for a, right, n in each)
            assert left + PLAIN.relation + max(beside, behind) < PLAIN.line + 0.5


@pytest.mark.parametrize(
    ("written", "opening", "closing"),
    [(latex, r"\biggl(", r"\biggr)"), (typst_code, "size: #2.4em, \\(", "size: #2.4em")],
)
def test_brackets_of_a_broken_formula_are_of_one_size(written, opening, closing):
    """The fraction is in the first piece only; both brackets are as high as it."""
    long = row(Frac(Id("a"), Id("b")), PLUS, Id("c" * 20), PLUS, Id("d" * 20))
    first, *_, last = split(row(Num("2"), fence(long)), 18.0)
    assert opening in written(first)
    assert closing in written(last)
    assert "left" not in written(first) + written(last)


def test_a_graph_as_high_as_its_page_is_scaled_down(derivation):
    names = range(1, 15)
    stages = {f"h{k}": f"tanh(w{k}*x)" for k in names} | {"L": "+".join(f"h{k}" for k in names)}
    made = sd.derive(
        sd.Model(stages, parameters={f"w{k}": 1.0 for k in names}, constants={"x": 0.5})
    )
    figure, *_ = (b for b in build.outline(made).blocks if isinstance(b, Figure))
    assert figure.drawing.height > PAGE_HEIGHT
    assert r"\scalebox{0." in FORMATS["tex"].figure(figure.drawing)


def test_no_line_of_a_page_begins_with_the_comma_after_a_formula(derivation):
    page = documents.render(derivation("neuron"), "html")
    text = re.sub(r'<span class="nb">.*?</span>', "", page)
    assert page != text
    assert re.findall(r"</math>[,.;:)]", text) == []


def test_a_row_of_numbers_that_is_too_wide_stands_upright():
    """A column printed as a transposed row, in a display that is narrower than it."""
    cells = tuple(Num("0.1234") for _ in range(12))
    vector = Script(Table((cells,)), None, TRANSPOSE)
    (upright,) = split(vector, 30.0)
    assert upright == Table(tuple((cell,) for cell in cells))
    assert split(vector, 60.0) == [vector]


def test_a_derivative_sign_is_never_broken_as_a_quotient():
    """∂u/∂x is no product; d/dx of a broken quotient is one of all of it."""
    long, other = Id("u" * 30), Id("v" * 30)
    sign = partial(long, other)
    assert split(sign, 10.0) == [sign]
    operator = Frac(PARTIAL, row(PARTIAL, Id("x")))
    quotient = Frac(row(long, DOT, other), row(other, PLUS, Num("1")))
    first, *_ = split(row(operator, Op("\u2009", "space"), quotient), 25.0)
    assert isinstance(first, Row)
    assert isinstance(first.items[-1], Fence)


@pytest.mark.parametrize("format", ["md", "ipynb", "tex", "typ"])
def test_a_formula_in_a_cell_is_set_in_parts(format):
    """No line is broken between dollars on GitHub, no fraction anywhere."""
    terms = row(*(part for k in range(9) for part in (PLUS, Id(f"a{k}" * 3))))
    assert FORMATS[format].inline(terms).count("$") > 2
    assert FORMATS[format].inline(Id("x")).count("$") == 2


def test_hostile_mermaid(hostile_documents):
    (graph, *_) = re.findall(r"```mermaid\n(.*?)```", hostile_documents["md"], flags=re.S)
    reserved = r"^\s*(?:end|graph|click|style|script|subgraph)\b"
    assert re.findall(reserved, graph.split("\n", 1)[1], flags=re.M) == []
    assert "<" not in graph.replace("<sub>", "").replace("</sub>", "").replace("<br/>", "")


def test_hostile_typst(hostile_documents):
    assert hostile_documents["pdf"].startswith(b"%PDF")  # it compiles, in an empty root
    assert "#read" not in re.sub(r'"(?:\\.|[^"\\])*"', '""', hostile_documents["typ"])


@pytest.mark.parametrize(
    ("escape", "text", "expected"),
    [
        (markdown, "a|b $c$ `d`", r"a&#124;b &#36;c&#36; \`d\`"),
        (markdown, "1. one", r"1\. one"),
        (markdown, "1) one (two)", r"1\) one (two)"),
        (markdown, "- a - b = -3", r"\- a - b = -3"),
        (markdown, " = 1.", " = 1."),
        (markdown, "===", r"\==="),
        (markdown, "see http://a.b/c", r"see http\:\//a.b/c"),
        (markdown, "two\n\n# three", r"two \# three"),
        (typst_text, 'a "b" \\', r'#"a \"b\" \\";'),
    ],
)
def test_escapes(escape, text, expected):
    assert escape(text) == expected


# Templates ------------------------------------------------------------


@pytest.mark.parametrize("format", [*TEXTUAL, "ipynb"])
def test_an_undefined_name_is_an_error(format):
    template = templates.environment(FORMATS[format]).from_string("<< no_such_name >>")
    with pytest.raises(jinja2.UndefinedError):
        template.render()


@pytest.mark.parametrize("format", [*TEXTUAL, "ipynb"])
def test_an_unknown_block_is_an_error(format):
    class Other(Paragraph):
        pass

    with pytest.raises(jinja2.UndefinedError):
        templates.fill(Outline("t", "a", "", (Other(("text",)),)), FORMATS[format])


def test_templates_compute_no_mathematics():
    """The only sums and products in templates are of heading levels and lengths of rules."""
    found = []
    for path in sorted((ROOT / "templates").rglob("*.j2")):
        for code in re.findall(r"<[<%](.*?)[%>]>", path.read_text(encoding="utf-8"), flags=re.S):
            bare = re.sub(r'"[^"]*"', '""', code)
            bare = re.sub(r"block\.level \+ 1|\"\" \* \(|\) \* \(", "", bare)
            if re.search(r"[\w)] ?[-+*/] ?[\w(]|\*\*", bare):
                found.append(f"{path.name}: {code.strip()}")
    assert found == []


# Width ------------------------------------------------------------


def rows_of_pixels(png):
    """Rows of (r, g, b) triples of an 8-bit RGB(A) PNG that is not interlaced."""
    import zlib

    place, data, channels, width = 8, b"", 3, 0
    while place < len(png):
        size, kind = int.from_bytes(png[place : place + 4]), png[place + 4 : place + 8]
        body = png[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            width, channels = int.from_bytes(body[:4]), {2: 3, 6: 4}[body[9]]
            assert (body[8], body[12]) == (8, 0)
        data += body if kind == b"IDAT" else b""
        place += 12 + size
    raw, stride = zlib.decompress(data), width * channels
    above, rows = bytearray(stride), []
    for start in range(0, len(raw), stride + 1):
        line, kind = bytearray(raw[start + 1 : start + 1 + stride]), raw[start]
        for k in range(stride):
            a = line[k - channels] if k >= channels else 0
            b, c = above[k], above[k - channels] if k >= channels else 0
            if kind == 4:
                p = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            else:
                p = (0, a, b, (a + b) // 2)[kind]
            line[k] = (line[k] + p) & 255
        rows.append(line)
        above = line
    return rows, channels, width


def ink_in_margins(png, share):
    """Pixels that are not white in the outermost columns, left and right."""
    rows, channels, width = rows_of_pixels(png)
    edge = int(width * share) * channels
    return sum(1 for row in rows for v in (*row[:edge], *row[-edge:]) if v < 250)


@pytest.mark.parametrize("name", ["wide", "fork", "chain"])
def test_nothing_runs_into_the_margins(name, derivation):
    import typst

    source = documents.render(derivation(name), "typ").encode()
    pages = typst.compile({"main.typ": source}, format="png", ppi=24.0, ignore_system_fonts=True)
    pages = pages if isinstance(pages, list) else [pages]
    assert len(pages) >= 3
    assert [ink_in_margins(page, 1.2 / 21) for page in pages] == [0] * len(pages)


# TeX ------------------------------------------------------------


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
@pytest.mark.parametrize("name", [*MODELS, "wide"])
def test_latex_compiles_and_fits(name, engine, derivation, tmp_path):
    (tmp_path / "d.tex").write_text(documents.render(derivation(name), "tex"), encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run([engine, *options, "d.tex"], cwd=tmp_path, capture_output=True)
    log = (tmp_path / "d.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert (tmp_path / "d.pdf").stat().st_size > 10_000
    over = re.findall(r"Overfull \\hbox \((\d+\.\d+)pt too wide\)[^\n]*", log)
    assert [size for size in map(float, over) if size > 20] == []


@pytest.mark.tex
def test_hostile_text_compiles_in_latex(tmp_path):
    content = documents.render(sd.derive(hostile()), "pdf", pdf_engine="pdflatex")
    assert content.startswith(b"%PDF")


@pytest.mark.tex
@pytest.mark.parametrize("engine", pdf.TEX_ENGINES)
def test_pdf_engines(engine, derivation):
    content = documents.render(derivation("neuron"), "pdf", pdf_engine=engine)
    assert content.startswith(b"%PDF")


# Browser ------------------------------------------------------------

CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)


def chromium(folder, *options):
    command = [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", *options]
    return subprocess.run(command, capture_output=True, timeout=90, check=True).stdout.decode()


@pytest.mark.browser
@pytest.mark.parametrize("width", [900, 400])
@pytest.mark.parametrize("name", [*MODELS, "wide"])
def test_html_fits_the_window(name, width, derivation, tmp_path):
    """The page in a frame of that width, since Chromium's own windows are at least 500 wide."""
    page = documents.render(derivation(name), "html")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f'<iframe id=f src=page.html width={width} height=800 style="border:0"></iframe><script>'
        "f.onload = () => { const e = f.contentDocument.documentElement;"
        "document.title = `${e.scrollWidth} ${e.clientWidth} ${e.scrollHeight} `"
        "+ Math.min(...[...f.contentDocument.querySelectorAll('.rule dd, .display, .scroll')]"
        ".filter(b => b.textContent.trim()).map(b => b.clientWidth || 999)) }</script>"
    )
    dom = chromium(
        tmp_path,
        "--allow-file-access-from-files",
        "--window-size=1200,1000",
        "--virtual-time-budget=4000",
        "--dump-dom",
        (tmp_path / "frame.html").as_uri(),
    )
    found = re.search(r"<title>(\d+) (\d+) (\d+) (\d+)<", dom)
    scroll, client, height, narrowest = map(int, found.groups())
    assert client == width
    assert scroll <= client
    assert height > 2000
    assert narrowest > 24  # a scrolling box shows something of its formula


@pytest.mark.browser
def test_html_is_drawn(derivation, tmp_path):
    page = documents.render(derivation("neuron"), "html")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    shot = tmp_path / "shot.png"
    chromium(
        tmp_path, "--window-size=600,600", f"--screenshot={shot}", (tmp_path / "page.html").as_uri()
    )
    rows, _, _ = rows_of_pixels(shot.read_bytes())
    dark = sum(1 for row in rows for value in row[::4] if value < 100)
    assert 2_000 < dark < 100_000
