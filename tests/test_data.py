"""Columns of data from files: what is read, and what each error says."""

import numpy as np
import pytest

import symderive as sd
from symderive.cli import main
from symderive.numeric import data
from symderive.numeric.data import FORMATS, chosen, read_data

ROWS = "x1,x2,Y\n1.5,2,1\n-0.5,3e1,0\n"


def written(folder, text, name="rows.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def told(path, **more):
    with pytest.raises(sd.SymderiveError) as caught:
        read_data(path, **more)
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", ROWS),
        ("rows.CSV", ROWS.replace("\n", "\r\n")),
        ("rows.csv", "\ufeff" + ROWS),
        ("rows.csv", '"x1", x2 ,Y\n"1.5", 2 ,1\n\n-0.5,3e1,0\n\n'),
        ("rows.tsv", ROWS.replace(",", "\t")),
    ],
)
def test_text_of_columns_is_read(tmp_path, name, text):
    found = read_data(written(tmp_path, text, name))
    assert {key: column.tolist() for key, column in found.items()} == {
        "x1": [1.5, -0.5],
        "x2": [2.0, 30.0],
        "Y": [1.0, 0.0],
    }
    assert all(column.dtype == np.float64 for column in found.values())


def saved_npz(path):
    np.savez(path, x1=np.array([1, 2]), X=np.eye(2, dtype=np.float32))


def saved_fields(path):
    np.save(path, np.array([(1.0, 5), (2.0, 6)], dtype=[("x1", "f8"), ("Y", "i4")]))


def saved_parquet(path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"x1": [1.0, 2.0], "Y": [5, 6]}), path)


@pytest.mark.parametrize(
    ("name", "save", "expected"),
    [
        ("rows.npz", saved_npz, {"x1": [1.0, 2.0], "X": [[1.0, 0.0], [0.0, 1.0]]}),
        ("rows.npy", saved_fields, {"x1": [1.0, 2.0], "Y": [5.0, 6.0]}),
        ("one.npy", lambda path: np.save(path, np.arange(3)), {"data": [0.0, 1.0, 2.0]}),
        pytest.param(
            "rows.parquet",
            saved_parquet,
            {"x1": [1.0, 2.0], "Y": [5.0, 6.0]},
            marks=pytest.mark.parquet,
        ),
    ],
)
def test_arrays_by_name_are_read(tmp_path, name, save, expected):
    save(tmp_path / name)
    found = read_data(tmp_path / name)
    assert {key: column.tolist() for key, column in found.items()} == expected


ERRORS = [
    ("", "FILE: empty; the first line holds the names of the columns"),
    ("x1,x2\n", "FILE: there is no row below the names of the columns"),
    ("x1,,Y\n1,2,3\n", "FILE, line 1, column 2: the column has no name"),
    ("x1,Y,x1\n1,2,3\n", "FILE, line 1, column 3: two columns are called 'x1'"),
    ("1,2\n3,4\n", "FILE, line 1: the first line holds numbers; put the names of the columns"),
    ("x1,Y\n1,2\n3\n", "FILE, line 3: 1 entries, but there are 2 columns"),
    ("x1,Y\n1,2,3\n", "FILE, line 2: 3 entries, but there are 2 columns"),
    ("x1,Y\n1,two\n", "FILE, line 2, column Y: 'two' is not a number"),
    ("x1,Y\n1,2\n,3\n", "FILE, line 3, column x1: the entry is empty"),
    ("x1,Y\n1,1_000\n", "FILE, line 2, column Y: '1_000' is not a number"),
    ("x1,Y\n1,2\nnan,3\n", "FILE: row 2 of the column x1 is not a finite number"),
    ('x1,Y\n1,"2\n', "FILE, line 2: this is not CSV"),
    (b"x1,Y\n1,\xff\n", "FILE: not UTF-8 text"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors_name_the_line_and_the_column(tmp_path, text, message):
    assert told(written(tmp_path, text)).startswith(message)


def test_a_missing_file_and_another_kind_of_file(tmp_path):
    written(tmp_path, ROWS)
    assert "there is no such file; did you mean" in told(tmp_path / "row.csv")
    assert "unknown kind of data file '.xlsx'" in told(tmp_path / "rows.xlsx")
    assert all(kind in told(tmp_path / "rows.xlsx") for kind in FORMATS)


def test_what_is_no_array_is_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "no arrays of numbers that NumPy saved" in told(tmp_path / "o.npy")
    np.save(tmp_path / "s.npy", np.array(["a", "b"]))
    assert "the column data holds str" in told(tmp_path / "s.npy")
    np.save(tmp_path / "n.npy", np.float64(1.0))
    assert "the column data has no rows" in told(tmp_path / "n.npy")
    assert "no arrays of numbers" in told(written(tmp_path, b"PK not a zip", "z.npz"))
    assert "no arrays of numbers" in told(written(tmp_path, b"", "empty.npy"))


def test_large_files_are_refused(tmp_path, monkeypatch):
    path = written(tmp_path, ROWS)
    np.savez_compressed(tmp_path / "zeros.npz", x=np.zeros(10**5))
    monkeypatch.setattr(data, "MAX_BYTES", 16)
    assert "larger than" in told(path)
    monkeypatch.setattr(data, "MAX_BYTES", 10**5)  # of what is unpacked, too
    assert "larger than" in told(tmp_path / "zeros.npz")


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    message = told(written(tmp_path, b"PAR1", "rows.parquet"))
    assert message.startswith("FILE: Parquet files need pyarrow; install it")


def test_columns_are_chosen_by_name():
    columns = {"height": np.array([1.0, 2.0]), "age": np.array([3.0, 4.0])}
    found = chosen(columns, {"x": "age", "X": ["height", "age"]})
    assert found["x"].tolist() == [3.0, 4.0]
    assert found["X"].tolist() == [[1.0, 3.0], [2.0, 4.0]]
    with pytest.raises(sd.SymderiveError, match=r"no column 'hight'; did you mean 'height'\?"):
        chosen(columns, {"x": "hight"}, "f.csv")
    with pytest.raises(sd.SymderiveError, match="no columns are named for x"):
        chosen(columns, {"x": []})


NEURON = """
[stages]
A1 = "x1*w1 + x2*w2 + b"
A2 = "sigmoid(A1)"
A3 = "binary_cross_entropy(A2, Y)"
[parameters]
w1 = 0.7
w2 = -0.3
b = 1
"""


def test_a_model_file_names_its_data(tmp_path):
    written(tmp_path, ROWS)
    model = sd.read(written(tmp_path, NEURON + '[data]\nfile = "rows.csv"\n', "model.toml"))
    assert model.target == "L"
    assert model.values["x2"].tolist() == [2.0, 30.0]
    loss, gradient = sd.derive(model).function()()
    one = sd.derive(sd.read(written(tmp_path, NEURON, "one.toml"))).function()
    rows = [one(x1=1.5, x2=2.0, Y=1.0), one(x1=-0.5, x2=30.0, Y=0.0)]
    assert loss == pytest.approx(sum(value for value, _ in rows) / 2, rel=1e-13)
    for name, slope in gradient.items():
        assert slope == pytest.approx(sum(g[name] for _, g in rows) / 2, rel=1e-13)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "names no file"),
        ('file = "../rows.csv"', "is not in the folder of the model file"),
        ('file = "/etc/rows.csv"', "is not in the folder of the model file"),
        ('file = "rows.csv"\ncolum = {}', "unknown key 'colum'; did you mean 'columns'?"),
        ('file = "rows.csv"\ncolumns = {x1 = "x3"}', "there is no column 'x3'"),
        ('file = "rows.csv"\nreduce = "max"', "unknown reduction of a batch 'max'"),
        ('file = "rows.csv"\ncolumns = {w1 = "x1"}', "in the model w1 is a parameter"),
        ('file = "rows.csv"\ncolumns = {z = "x1"}', "no column of the data is a constant"),
        ('file = "rows.csv"\ncolumns = {x1 = ["x1", "x2"]}', "the data x1 have 2 axes"),
    ],
)
def test_what_is_wrong_with_the_data_of_a_model_file(tmp_path, table, message):
    written(tmp_path, ROWS)
    path = written(tmp_path, f"{NEURON}[data]\n{table}\n", "model.toml")
    with pytest.raises(sd.SymderiveError) as caught:
        sd.read(path)
    assert message in str(caught.value)
    assert "model.toml" in str(caught.value) or "rows.csv" in str(caught.value) or "max" in table


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "rows.csv").symlink_to(written(tmp_path, ROWS))
    text = NEURON + '[data]\nfile = "rows.csv"\n'
    path = written(tmp_path / "models", text, "model.toml")
    with pytest.raises(sd.SymderiveError, match="is not in the folder"):
        sd.read(path)


def test_data_on_the_command_line(tmp_path, capsys):
    model = str(written(tmp_path, NEURON, "model.toml"))
    rows = str(written(tmp_path, ROWS))
    assert main(["update", model, "--data", rows]) == 0
    mean = capsys.readouterr().out
    assert main(["update", model, "--data", rows, "--reduce", "sum"]) == 0
    total = capsys.readouterr().out
    losses = [float(text.split("L")[1].split("→")[0]) for text in (mean, total)]
    assert losses[1] == pytest.approx(2 * losses[0])
    assert main(["update", model, "--reduce", "sum"]) == 2
    assert "name a file" in capsys.readouterr().err


def test_training_on_the_command_line(tmp_path, capsys):
    model = str(written(tmp_path, NEURON, "model.toml"))
    rows = str(written(tmp_path, ROWS))
    assert main(["train", model, "--data", rows, "--steps", "3", "--learning-rate", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["w1", "w2", "b", "L"]
    before, after = (float(part) for part in lines[-1][2:].split("→"))
    assert after < before


def test_data_of_an_array_model_are_its_values(tmp_path):
    text = """
    parameters = ["w"]
    [stages]
    L = "mean((X @ w - y)**2)"
    [shapes]
    X = "m n"
    w = "n"
    y = "m"
    [data]
    file = "rows.csv"
    columns = {X = ["x1", "x2"], y = "Y"}
    """
    written(tmp_path, ROWS)
    model = sd.read(written(tmp_path, text, "model.toml"))
    assert model.batch is None
    assert sd.derive(model).function().value_only(w=[1.0, 0.0]) == pytest.approx(0.25)
    bad = text.replace("columns", 'reduce = "sum"\n    columns')
    with pytest.raises(sd.SymderiveError, match="the model says itself"):
        sd.read(written(tmp_path, bad, "bad.toml"))
