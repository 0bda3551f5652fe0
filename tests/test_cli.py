"""The command line, through ``main(argv)``, and what a process of its own shows."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import symderive as sd
from symderive import cli
from symderive.errors import CheckError

ROOT = Path(__file__).parent.parent
NEURON = str(ROOT / "examples" / "logistic_neuron.toml")
COMMANDS = [*cli.COMMANDS]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Commands write into the working directory: an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *argv):
    """Exit status, standard output and standard error of a command."""
    status = cli.main([str(word) for word in argv])
    out, err = capsys.readouterr()
    return status, out, err


def model_file(text, name="model.toml"):
    Path(name).write_text(text)
    return name


# Help -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["--help"], ["-h"], []])
def test_help_lists_every_command_and_teaches_with_examples(capsys, argv):
    status, out, err = run(capsys, *argv)
    assert (status, err) == (0, "")
    for name, (_, summary, *_) in cli.COMMANDS.items():
        assert re.search(rf"^ +{name} +{summary}$", out, re.MULTILINE)
        assert f"symderive {name} " in out or name == "show"


def test_the_model_in_the_help_is_one(capsys):
    text = run(capsys, "--help")[1]
    start = text.index("a model file, model.toml:\n") + len("a model file, model.toml:\n")
    model_file(text[start : text.index("\nexit status")].replace("\n  ", "\n").lstrip(" "))
    assert sd.read("model.toml").parameters == ("w1", "w2", "b")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples_that_parse(capsys, command):
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    examples = re.findall(rf"^  symderive ({command} [^|>\n]+)", out, re.MULTILINE)
    assert examples
    for example in examples:
        import shlex

        options = cli.parser().parse_args(shlex.split(example))
        assert options.run


def test_version_is_the_packages(capsys):
    from importlib.metadata import version

    assert run(capsys, "--version") == (0, f"symderive {version('symderive')}\n", "")


# Models without a file --------------------------------------------------------------------------


def test_stages_written_out_are_a_model(capsys):
    status, out, _ = run(capsys, "show", "y = x*sin(a*x)", "--wrt", "x")
    assert status == 0
    assert "∂y/∂x" in out
    assert "∂y/∂a" not in out
    assert "product rule" in out


def test_a_number_written_out_is_the_value_of_a_parameter(capsys):
    status, out, _ = run(capsys, "update", "y = x**2; x = 2", "--learning-rate", "0.25")
    assert (status, out) == (0, "x  2 → 1\ny  4 → 1\n")


def test_arrays_written_out_have_shapes_properties_and_values(capsys):
    stages = "f = x @ A @ x/2; x: n; A: n n, symmetric; x = [1, 2]; A = [[2, 1], [1, 3]]"
    status, out, _ = run(capsys, "show", stages, "--wrt", "x")
    assert status == 0
    assert "∂f/∂x = A @ x" in out
    status, out, _ = run(capsys, "update", stages, "--wrt", "x", "--learning-rate", "0.1")
    assert (status, out.splitlines()[0].split()) == (0, ["x", "[1,", "2]", "→", "[0.6,", "1.3]"])


def test_documents_of_stages_written_out_are_named_by_their_target(capsys):
    assert run(capsys, "derive", "y = x**2; L = exp(-y)", "--to", "txt")[0] == 0
    assert sorted(str(path) for path in Path("output").rglob("*.txt")) == [
        "output/L/derivation.txt"
    ]


def test_a_model_comes_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path(NEURON).read_text()))
    status, out, _ = run(capsys, "check", "-", "--claim", "dA3/dA1 = A2 - Y")
    assert status == 0
    assert out.endswith("dA3/dA1 = A2 - Y: proved\n")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["show", "y = x**2; y = 3"], "'y' is defined twice"),
        (["show", "y == 3"], "'y == 3' is no stage: write name = formula"),
        (["show", "x = 3"], "has no stage"),
        (["show", "y = foo(x"], "stage y, column 4"),
        (["show", "../y = x"], "'../y = x' is no stage"),
        (["show", "f = x @ x; x: n; x: m"], "'x' has two shapes"),
        (["show", "f = x @ x; x: n, symetric"], "did you mean 'symmetric'?"),
        (["show", "f = x @ x; x: n; x = [1, [2]]"], "x"),
        (["show", "f = softmax(x)"], "softmax is a function of arrays; state their shapes"),
        (["show", "y = x", "--wrt", ""], "--wrt names nothing"),
        (["show", "y = x", "--wrt", "z"], "unknown name 'z'; choose one of: x, y"),
    ],
)
def test_bad_stages_get_one_clear_line(capsys, argv, told):
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.startswith("symderive: ")
    assert told in err


# What a command imports -------------------------------------------------------------------------

HEAVY = {"sympy", "numpy", "jinja2", "typst"}
IMPORTS = {
    "--help": set(),
    "derive --help": set(),
    "--version": set(),
    f"check {NEURON}": {"sympy"},
    f"code {NEURON}": {"sympy"},
    f"update {NEURON}": {"sympy"},
    f"show {NEURON}": {"sympy", "jinja2"},
    f"derive {NEURON} --to md,tex": {"sympy", "jinja2"},
    f"derive {NEURON} --to pdf": {"sympy", "jinja2", "typst"},
    f"code {NEURON} --backend numpy": {"sympy", "numpy"},
}


@pytest.mark.parametrize("command", IMPORTS, ids=lambda text: text.replace(NEURON, "MODEL"))
def test_a_command_imports_only_what_it_needs(command):
    code = (
        "import sys; from symderive.cli import main; status = main(sys.argv[1:]); "
        f"print(status, *sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, *command.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True)
    status, *imported = done.stderr.split()
    assert status == "0"
    assert set(imported) <= IMPORTS[command]


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, symderive; print(*(set(sys.modules) & {'sympy', 'typing', 'dataclasses'}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == []


def test_the_public_names_are_there_and_no_others():
    for name in sd.__all__:
        assert getattr(sd, name)
        assert name in dir(sd)
    with pytest.raises(AttributeError, match="module 'symderive' has no attribute 'derivate'"):
        _ = sd.derivate


# derive -----------------------------------------------------------------------------------------


def test_derive_writes_four_formats_and_lists_them(capsys):
    status, out, err = run(capsys, "derive", NEURON)
    assert (status, err) == (0, "")
    paths = [Path(line) for line in out.splitlines()]
    assert [path.suffix for path in paths] == [".md", ".tex", ".pdf", ".html"]
    assert {path.parent for path in paths} == {Path("output/logistic_neuron")}
    assert all(path.stat().st_size > 1000 for path in paths)


def test_derive_writes_only_the_formats_asked_for(capsys):
    status, out, _ = run(capsys, "derive", NEURON, "--to", "md, tex", "-o", "here")
    assert status == 0
    written = sorted(path.suffix for path in Path("here").rglob("*") if path.is_file())
    assert written == [".md", ".tex"]
    assert len(out.splitlines()) == 2


def test_quiet_prints_nothing(capsys):
    assert run(capsys, "derive", NEURON, "--to", "md", "-q") == (0, "", "")


def test_several_models_get_a_folder_each(capsys):
    square = str(ROOT / "examples" / "square.toml")
    assert run(capsys, "derive", NEURON, square, "--to", "md", "-q")[0] == 0
    assert sorted(path.name for path in Path("output").iterdir()) == ["logistic_neuron", "square"]


def test_models_of_one_name_are_refused(capsys):
    for folder in ("a", "b"):
        Path(folder).mkdir()
        model_file('[stages]\ny = "x**2"\n', f"{folder}/model.toml")
    status, _, err = run(capsys, "derive", "a/model.toml", "b/model.toml")
    assert status == 2
    assert "would share one output folder" in err
    assert not Path("output").exists()


def test_the_detail_dial_changes_the_document(capsys):
    sizes = {}
    for detail in ("brief", "full"):
        argv = ["derive", NEURON, "--to", "md", "-q", "-o", detail, "--detail", detail]
        assert run(capsys, *argv)[0] == 0
        sizes[detail] = sum(path.stat().st_size for path in Path(detail).rglob("*.md"))
    assert sizes["brief"] < sizes["full"]


def test_a_target_may_be_chosen(capsys):
    status, out, _ = run(capsys, "code", NEURON, "--target", "A2")
    assert status == 0
    assert "A3" not in out


def test_warnings_go_to_standard_error(capsys):
    name = model_file('[stages]\ny = "x**2"\n[parameters]\nx = 2\nw = 1\n')
    status, out, err = run(capsys, "code", name)
    assert status == 0
    assert err == f"symderive: {name}: warning: parameter w has no effect on y\n"
    assert "warning" not in out


# check ------------------------------------------------------------------------------------------


def test_check_tells_the_verdict_of_each_line_and_claim(capsys):
    status, out, err = run(capsys, "check", NEURON, "--claim", "dA3/dw1 = x1*(A2 - Y)")
    assert (status, err) == (0, "")
    assert re.search(r"^∂A3/∂A2 +\d lines +proved$", out, re.MULTILINE)
    assert re.search(r"^∂A3/∂w1 +agrees: central difference", out, re.MULTILINE)
    assert re.search(r"^\d+ lines and 3 derivatives checked: ", out, re.MULTILINE)
    assert re.search(r"^dA3/dA1 = A2 - Y: .*proved", out, re.MULTILINE)
    assert re.search(r"^dA3/dw1 = x1\*\(A2 - Y\): .*proved", out, re.MULTILINE)


def test_a_claim_names_the_target_where_the_model_has_two_ends(capsys):
    model_file('stages = {L1 = "a*x**2", L2 = "sin(x) + a"}')
    status, out, _ = run(
        capsys, "check", "model.toml", "--claim", "dL1/dx = 2*a*x", "--claim", "dL2/dx = -cos(x)"
    )

    assert status == 1
    assert "dL1/dx = 2*a*x: proved" in out
    assert "Likely slip: sign" in out
    assert run(capsys, "show", "model.toml", "--target", "L2")[0] == 0
    assert "name the target" in run(capsys, "check", "model.toml")[2]


def test_a_refuted_claim_is_a_failure(capsys):
    status, out, _ = run(capsys, "check", NEURON, "-q", "--claim", "dA3/dA1 = Y - A2")
    assert status == 1
    assert "dA3/dA1 = Y - A2: " in out
    assert "refuted" in out
    assert "sign" in out


@pytest.mark.parametrize("claim", ["A2 - Y", "dA3/dA1 =", "= A2"])
def test_a_claim_without_two_sides_is_bad_input(capsys, claim):
    status, _, err = run(capsys, "check", NEURON, "--claim", claim)
    assert status == 2
    assert f"{claim!r} is no claim" in err


# show, code, update -----------------------------------------------------------------------------


def test_show_prints_the_derivation(capsys):
    status, out, _ = run(capsys, "show", NEURON)
    assert status == 0
    assert "A logistic neuron" in out
    assert "A2·(1 − A2)" in out


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_code_prints_source_that_runs_alone_and_is_right(capsys, backend):
    status, out, _ = run(capsys, "code", NEURON, "--backend", backend)
    assert status == 0
    Path("gradient.py").write_text(out)
    code = (
        "import gradient, types\n"
        "functions = [f for f in vars(gradient).values() if isinstance(f, types.FunctionType)\n"
        "             and f.__module__ == 'gradient' and not f.__name__.startswith('_')]\n"
        "value, *slopes = functions[-1](w1=0.7, w2=-0.3, b=1.0, x1=1.3, x2=2.1, Y=1.0)\n"
        "slopes = slopes[0].values() if isinstance(slopes[0], dict) else slopes\n"
        "print(float(value), *map(float, slopes))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    numbers = [float(word) for word in done.stdout.split()]
    expected = [0.245325542112517, -0.282815290649954, -0.456855469511464, -0.217550223576888]
    assert numbers == pytest.approx(expected, rel=1e-13)


def test_update_prints_values_and_loss_before_and_after(capsys):
    status, out, _ = run(capsys, "update", NEURON)
    assert status == 0
    rows = {line.split()[0]: line.split()[1::2] for line in out.splitlines()}
    # The printed digits are 15: the last may differ by rounding between machines.
    for name, expected in {
        "w1": (0.7, 0.728281529064995),
        "w2": (-0.3, -0.254314453048854),
        "b": (1, 1.02175502235769),
        "A3": (0.245325542112517, 0.213694104865481),
    }.items():
        assert [float(word) for word in rows[name]] == pytest.approx(expected, rel=1e-14)


def test_update_takes_another_rate(capsys):
    out = run(capsys, "update", str(ROOT / "examples/square.toml"), "--learning-rate", "0.25")[1]
    assert out.splitlines() == ["x  2 → 1", "y  4 → 1"]


# Bad input --------------------------------------------------------------------------------------

GOOD = '[stages]\ny = "x**2"\n[parameters]\nx = 2\n'
BAD = {
    "no such file": (["derive", "none.toml"], "none.toml: there is no such file"),
    "no TOML": (["check", "broken.toml"], "broken.toml, line 2, column 5: this is not TOML"),
    "no formula": (["check", "formula.toml"], "formula.toml, stage y, column 5"),
    "format": (["derive", "good.toml", "--to", "pfd"], "did you mean 'pdf'?"),
    "formats of nothing": (["derive", "good.toml", "--to", ","], "format"),
    "engine": (["derive", "good.toml", "--pdf-engine", "latex"], "latex"),
    "backend": (["code", "good.toml", "--backend", "nunpy"], "did you mean 'numpy'?"),
    "target": (["show", "good.toml", "--target", "z"], "unknown stage 'z'"),
    "rate": (["update", "good.toml", "--learning-rate", "fast"], "invalid float value: 'fast'"),
    "no value": (["update", "names.toml"], "x"),
    "claim": (["check", "good.toml", "--claim", "dy/dq = 1"], "q"),
    "command": (["derivate", "good.toml"], "invalid choice: 'derivate'"),
    "command near": (["shwo", "good.toml"], "did you mean 'show'?"),
    "option near": (["show", "good.toml", "--detail", "ful"], "did you mean 'full'?"),
    "no name": (["show", ""], "'' is neither a file nor stages; write these as name = formula"),
    "a lone name": (["show", "y"], "'y' is neither a file nor stages"),
    "matrices": (["show", "y = X @ w"], "state their shapes: [shapes]"),
    "option": (["derive", "good.toml", "--colour"], "unrecognized arguments: --colour"),
    "no model": (["derive"], "the following arguments are required: MODEL"),
    "a file for a folder": (["derive", "good.toml", "-o", "good.toml"], "good.toml"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_status_two_and_nothing_written(capsys, case):
    model_file(GOOD, "good.toml")
    model_file('parameters = ["x"]\n[stages]\ny = "x**2"\n', "names.toml")
    model_file("[stages]\ny = x\n", "broken.toml")
    model_file('[stages]\ny = "x + * 2"\n', "formula.toml")
    before = sorted(Path().rglob("*"))
    argv, message = BAD[case]
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(Path().rglob("*")) == before


def test_bad_input_of_a_later_model_leaves_the_first_unwritten(capsys):
    model_file(GOOD, "good.toml")
    model_file("[stages]\ny = x\n", "broken.toml")
    assert run(capsys, "derive", "good.toml", "broken.toml")[0] == 2
    assert not Path("output").exists()


def test_a_failed_check_is_status_one_and_nothing_written(capsys, monkeypatch):
    from symderive.checking import Check, Report
    from symderive.steps import Certificate

    wrong = Report((Check("∂y/∂x, line 1", Certificate("refuted", "they differ")),), ())
    monkeypatch.setattr(sd.Derivation, "check", lambda self: wrong)
    status, out, err = run(capsys, "derive", model_file(GOOD))
    assert (status, out) == (1, "")
    assert "a check failed; nothing is written" in err
    assert "∂y/∂x, line 1: refuted: they differ" in err
    assert not Path("output").exists()
    assert run(capsys, "check", "model.toml")[0] == 1


def test_a_check_that_fails_while_writing_is_status_one(capsys, monkeypatch):
    def refuse(self, *_, **__):
        raise CheckError("line 3 is refuted")

    monkeypatch.setattr(sd.Derivation, "write", refuse)
    assert run(capsys, "derive", model_file(GOOD)) == (1, "", "symderive: line 3 is refuted\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device", "output/x.pdf"), "output/x.pdf: No space left"),
        (OSError("the disk is gone"), "the disk is gone"),
    ],
)
def test_an_error_of_the_system_is_one_message(capsys, monkeypatch, error, message):
    def fail(self, *_, **__):
        raise error

    monkeypatch.setattr(sd.Derivation, "write", fail)
    status, _, err = run(capsys, "derive", model_file(GOOD))
    assert status == 2
    assert err.startswith(f"symderive: {message}")


def test_a_defect_of_the_program_is_not_hidden(monkeypatch):
    def fail(self, *_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(sd.Derivation, "write", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["derive", model_file(GOOD)])


def test_an_interrupt_ends_quietly(capsys, monkeypatch):
    def interrupt(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sd.Derivation, "write", interrupt)
    status, _, err = run(capsys, "derive", model_file(GOOD))
    assert (status, err) == (130, "symderive: interrupted\n")


# As a process -----------------------------------------------------------------------------------


def process(*words, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "symderive", *words]
    return subprocess.run(command, env=environment, capture_output=True, **options)


def test_the_module_runs_and_returns_the_status():
    done = process("check", "none.toml")
    assert done.returncode == 2
    assert done.stderr.decode() == "symderive: none.toml: there is no such file\n"


def test_a_reader_that_leaves_early_is_no_error():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "symderive", "update", NEURON]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_the_signs_shows_their_codes():
    done = process("update", NEURON, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"\\u2192" in done.stdout


# Progress ---------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_takes_longer_than_a_second_is_told_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with cli.progress("writing output"):
        time.sleep(1.2)
    assert terminal.getvalue() == "\rwriting output … 1 s\r\x1b[K"


def test_what_is_quick_is_not(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with cli.progress("writing output"):
        pass
    assert terminal.getvalue() == ""


def test_nothing_is_told_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    with cli.progress("writing output"):
        time.sleep(1.1)
    assert pipe.getvalue() == ""


# TeX --------------------------------------------------------------------------------------------


@pytest.mark.tex
@pytest.mark.parametrize("engine", ["lualatex", "pdflatex", "latexmk"])
def test_the_pdf_through_tex_shows_the_closed_form(capsys, engine):
    status, out, err = run(capsys, "derive", NEURON, "--to", "pdf", "--pdf-engine", engine)
    assert (status, err) == (0, "")
    text = subprocess.run(
        ["pdftotext", "-layout", out.strip(), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "A logistic neuron" in text
    assert "0.24533" in text  # the loss before the update
    assert "0.21369" in text  # and after it


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ("y = log(x); x = -1", "y = log(x) = log(−1) ≈ undefined"),
        ("y = 1/x; x = 0", "y = 1/x = 1/0 ≈ ∞"),
    ],
)
def test_a_value_that_does_not_exist_is_not_said_to_equal_one(capsys, stages, told):
    assert told in run(capsys, "show", stages)[1]


def test_a_model_without_a_derivative_has_nothing_to_check(capsys):
    model_file('[stages]\ny = "3"\n')
    assert run(capsys, "check", "model.toml")[1] == "0 lines and 0 derivatives checked\n"


LOST = {
    "update, no loss": (["update", "y = log(x); x = -1"], "the loss is undefined"),
    "update, no slope": (["update", "y = sqrt(x); x = 0"], "the derivative by x is undefined"),
    "train, no loss": (["train", "y = log(x)**2; x = -1"], "no step can be made from them"),
    "an early choice": (["derive", "y = x", "--to", "pdf,dpf"], "unknown format 'dpf'"),
    "a long name": (["show", f"y = {'(' * 300}x"], "column 201: too many nested parentheses"),
    "a long word": (["show", "q" * 300], " …' is neither a file nor stages"),
}


@pytest.mark.parametrize("name", LOST)
def test_where_no_step_leads_on_and_what_is_long(name, capsys):
    arguments, message = LOST[name]
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err) < 300


def test_a_constant_without_a_column_is_told(capsys, tmp_path):
    model_file("[stages]\ny = 'w*x + c'\n[parameters]\nw = 1\n[constants]\nx = 1\nc = 2\n")
    (tmp_path / "rows.csv").write_text("x\n1\n2\n")
    status, _, err = run(capsys, "update", "model.toml", "--data", "rows.csv")
    assert status == 0
    assert "no column for c; every row has the value that the model states" in err


def test_a_refuted_claim_is_told_with_the_documents(capsys):
    model_file("[stages]\ny = 'x**2'\n[claims]\n'dy/dx' = 'x'\n")
    status, out, err = run(capsys, "derive", "model.toml", "--to", "txt")
    assert status == 1
    assert "claim dy/dx = x: refuted" in err
    assert "∂y/∂x = x     claimed; refuted ✗" in Path(out.strip()).read_text()
