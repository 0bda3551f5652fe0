"""The command line on model files with arrays."""

import json

import pytest

from symderive.cli import main

MODEL = """\
title = "Ridge regression"

[stages]
r = "X @ w - y"
L = "r @ r/(2*m) + lam*w @ w"

[parameters]
w = [0.5, -1.0]

[constants]
X = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]
y = [1.0, 0.0, 2.0]
lam = 0.1

[shapes]
X = "m n"
w = "n"
y = "m"

[claims]
"dL/dw" = "X.T @ r/m + 2*lam*w"
"""


@pytest.fixture
def path(tmp_path):
    def write(text, name="model.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_check_judges_the_lines_and_the_claims_of_the_file(path, capsys):
    assert main(["check", path(MODEL)]) == 0

    out = capsys.readouterr().out
    assert "∂L/∂w in matrix notation" in out
    assert "dL/dw = X.T @ r/m + 2*lam*w: proved" in out


@pytest.mark.parametrize(
    ("claim", "status", "told"),
    [
        ("dL/dw = X.T @ r/m + 2*lam*w", 0, ""),
        ("dL/dw[i] = sum(X[k, i]*r[k], k)/m + 2*lam*w[i]", 0, ""),
        ("dL/dw = X.T @ r + 2*lam*w", 1, "refuted"),
        ("dL/dw = X.T @ r/m + lam*w", 1, "Likely slip: "),
        ("dL/dw = X @ r/m", 1, "do not fit together"),
        ("dL/dw = X.T @ (r", 2, "column"),
        ("dL/dq = X", 2, "unknown name 'q'"),
        ("dL/dw[i, j] = 0", 2, "name an entry of it by 1 indices"),
    ],
)
def test_claims_have_an_exit_status(path, capsys, claim, status, told):
    assert main(["check", "-q", path(MODEL), "--claim", claim]) == status

    printed = capsys.readouterr()
    assert told in printed.out + printed.err
    assert status or not printed.out


def test_documents_are_written(path, tmp_path, capsys):
    assert main(["derive", path(MODEL), "-o", str(tmp_path / "out"), "--to", "md,tex,html"]) == 0

    written = (tmp_path / "out" / "model" / "model.md").read_text(encoding="utf-8")
    assert "Ridge regression" in written
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_show_code_and_update_print(path, capsys):
    file = path(MODEL)
    assert main(["show", file]) == 0
    assert "Ridge regression" in capsys.readouterr().out

    assert main(["code", file]) == 0
    code = capsys.readouterr().out
    assert "def value_and_gradient(w, X, y, lam)" in code
    compile(code, "code", "exec")

    assert main(["update", file, "--learning-rate", "0.05"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("w  [0.5, -1] → [0.")
    before, after = map(float, rows[1].removeprefix("L").split("→"))
    assert after < before


def test_derivatives_are_told_in_the_layout_asked_for(path, capsys):
    model = (
        'parameters = ["X"]\nstages.f = "trace(A @ inv(X))"\nshapes = { X = "n n", A = "n n" }\n'
    )
    told = {}
    for layout in ("mixed", "numerator", "vec"):
        assert main(["show", path(model), "--layout", layout, "--hessian", "X"]) == 0
        told[layout] = capsys.readouterr().out
    assert "∂f/∂Xᵀ = −X⁻¹ @ A @ X⁻¹" in told["numerator"]
    assert "∂f/∂vec(X) = vec(−X⁻ᵀ @ Aᵀ @ X⁻ᵀ)" in told["vec"]
    assert all("∂^2f/∂vec(X)^2 = −(X⁻¹ ⊗ ∂f/∂X" in text for text in told.values())


def test_a_trace_is_a_model_file(path, capsys):
    assert main(["trace", path(MODEL)]) == 0
    told = capsys.readouterr().out
    assert json.loads(told)["model"]["shapes"] == {"X": ["m", "n"], "w": ["n"], "y": ["m"]}

    assert main(["check", "-q", path(told, "trace.json")]) == 0
    assert main(["trace", path(told, "trace.json")]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("X @ w", "X.T @ w"), "stage r, column"),
        (('w = "n"', 'w = "m"'), "sizes of one name must agree"),
        (('X = "m n"', 'X = "m"'), "has the shape"),
        (("[0.5, -1.0]\n", "[0.5, -1.0], [1.0]]\n"), "TOML"),
        (("[claims]", '[properties]\nX = "tall"\n[claims]'), "unknown property"),
    ],
)
def test_bad_input_is_told_with_its_place(path, capsys, changed, told):
    text = MODEL.replace(*changed)
    assert text != MODEL

    assert main(["check", path(text)]) == 2
    error = capsys.readouterr().err
    assert "model.toml" in error
    assert told in error


def test_values_that_are_missing_are_told(path, capsys):
    text = MODEL.replace("y = [1.0, 0.0, 2.0]\n", "")

    assert main(["update", path(text)]) == 2
    assert "no value for y" in capsys.readouterr().err
    assert main(["check", "-q", path(text)]) == 0
