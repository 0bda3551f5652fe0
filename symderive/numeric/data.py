"""Data by column name from files: CSV, NumPy's .npy and .npz, Parquet. A row of FORMATS each.

Nothing in a file is ever run: NumPy's pickles are refused. A file is read as a whole, up to
``MAX_BYTES``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from symderive.errors import ModelError, ToolError, UnknownChoiceError

MAX_BYTES = 2**30
"""The largest file that is read."""

Columns = dict[str, Any]
"""Arrays of float64 by name; the first axis of each runs along the rows."""

Choice = Mapping[str, str | Sequence[str]]
"""Names of a model → the column, or the columns side by side, that each stands for."""


def read_data(path: str | PathLike[str], columns: Choice | None = None) -> Columns:
    """The columns of a file by name, as float64 arrays.

    Args:
        path: A ``.csv`` or ``.tsv`` file with a line of names first; ``.npz``, with an array a
            name; ``.npy``, with named fields or one array, which is called ``data``; ``.parquet``.
        columns: Names to give them: ``{"x": "height"}``; a list of columns stands side by side
            in one array: ``{"X": ["height", "weight"]}``. All as they are, if not given.

    Raises:
        ModelError: The file cannot be read, an entry is no number, a column is missing; the
            message names the file, the line and the column.
        ToolError: Parquet needs pyarrow, which is not installed.
    """
    source, file = fspath(path), Path(path)
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise UnknownChoiceError("kind of data file", suffix or file.name, FORMATS)
    try:
        if not file.is_file():
            raise ModelError("there is no such file" + _neighbour(file), where=source)
        _bounded(file.stat().st_size, source)
        found = FORMATS[suffix](file, source)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}", where=source) from None
    for name, array in found.items():
        if not array.ndim or not array.shape[0]:
            raise ModelError(f"the column {name} has no rows", where=source)
        if not np.isfinite(array).all():
            place = int(np.argwhere(~np.isfinite(array))[0][0])
            raise ModelError(
                f"row {place + 1} of the column {name} is not a finite number; replace or drop it",
                where=source,
            )
    return found if columns is None else chosen(found, columns, source)


def chosen(data: Mapping[str, Any], columns: Choice, source: str = "") -> Columns:
    """Columns under other names; several side by side as one array.

    >>> both = chosen({"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}, {"X": ["a", "b"]})
    >>> both["X"].tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    found: Columns = {}
    for name, wanted in columns.items():
        parts = [wanted] if isinstance(wanted, str) else list(wanted)
        for part in parts:
            if part not in data:
                near = get_close_matches(part, list(data), n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(data)}"
                raise ModelError(f"there is no column {part!r}; {hint}", where=source)
        if not parts:
            raise ModelError(f"no columns are named for {name}", where=source)
        found[name] = (
            data[parts[0]]
            if isinstance(wanted, str)
            else np.stack([data[part] for part in parts], axis=-1)
        )
    return found


def _bounded(size: int, source: str) -> None:
    if size > MAX_BYTES:
        raise ModelError(f"larger than {MAX_BYTES >> 20} MiB; take a part of it", where=source)


def _neighbour(path: Path) -> str:
    """A file beside the missing one that may be meant."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in FORMATS]
    except OSError:
        return ""
    near = get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


# CSV ------------------------------------------------------------------------------------------


def _delimited(delimiter: str) -> Callable[[Path, str], Columns]:
    def read(path: Path, source: str) -> Columns:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            try:
                header = next(reader, None)
            except (csv.Error, UnicodeDecodeError) as error:
                raise _unreadable(error, source, 1) from None
            if not header or not any(name.strip() for name in header):
                message = "empty; the first line holds the names of the columns"
                raise ModelError(message, where=source)
            names = _names(header, source)
            rows = _fast(file, len(names), delimiter)
        if rows is None:
            rows = _slow(path, names, delimiter, source)
        if not len(rows):
            raise ModelError("there is no row below the names of the columns", where=source)
        return {name: np.ascontiguousarray(rows[:, k]) for k, name in enumerate(names)}

    return read


def _names(header: Sequence[str], source: str) -> list[str]:
    names = [name.strip() for name in header]
    for place, name in enumerate(names):
        where = f"{source}, line 1, column {place + 1}"
        if not name:
            raise ModelError("the column has no name", where=where)
        if name in names[:place]:
            raise ModelError(f"two columns are called {name!r}", where=where)
    if all(_number(name) is not None for name in names):
        message = "the first line holds numbers; put the names of the columns there"
        raise ModelError(message, where=f"{source}, line 1")
    return names


def _fast(file: Any, width: int, delimiter: str) -> Any:
    """All rows at once; None where something is not as simple as that."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a file without rows
            rows = np.loadtxt(file, delimiter=delimiter, ndmin=2, comments=None)
    except (ValueError, UserWarning):
        return None
    return rows if rows.shape[1] == width else None


def _slow(path: Path, names: Sequence[str], delimiter: str, source: str) -> Any:
    """Row by row, to say what is wrong and where."""
    rows: list[list[float]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if reader.line_num == 1 or not any(cell.strip() for cell in row):
                    continue
                place = f"{source}, line {reader.line_num}"
                if len(row) != len(names):
                    raise ModelError(
                        f"{len(row)} entries, but there are {len(names)} columns", where=place
                    )
                rows.append(
                    [_entry(cell, name, place) for cell, name in zip(row, names, strict=True)]
                )
        except (csv.Error, UnicodeDecodeError) as error:
            raise _unreadable(error, source, reader.line_num) from None
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def _entry(cell: str, name: str, place: str) -> float:
    value = _number(cell)
    if value is None:
        what = f"{cell.strip()!r} is not a number" if cell.strip() else "the entry is empty"
        raise ModelError(what, where=f"{place}, column {name}")
    return value


def _number(cell: str) -> float | None:
    try:
        return float(cell) if "_" not in cell else None
    except ValueError:
        return None


def _unreadable(error: Exception, source: str, line: int) -> ModelError:
    if isinstance(error, UnicodeDecodeError):
        return ModelError("not UTF-8 text; save the file as UTF-8", where=source)
    return ModelError(f"this is not CSV: {error}", where=f"{source}, line {line}")


# NumPy and Parquet ----------------------------------------------------------------------------


def _numpy(path: Path, source: str) -> Columns:
    try:
        if path.suffix.lower() == ".npz":
            with ZipFile(path) as archive:
                _bounded(sum(part.file_size for part in archive.infolist()), source)
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else _fields(loaded)
    except (ValueError, EOFError, KeyError, BadZipFile) as error:
        message = f"no arrays of numbers that NumPy saved: {error}"
        raise ModelError(message, where=source) from None
    if not arrays:
        raise ModelError("there is no array in it", where=source)
    return {name: _floats(array, name, source) for name, array in arrays.items()}


def _fields(array: Any) -> dict[str, Any]:
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    return {"data": array}


def _floats(array: Any, name: str, source: str) -> Any:
    if array.dtype.kind not in "fiub":
        message = f"the column {name} holds {array.dtype.name}, not real numbers"
        raise ModelError(message, where=source)
    return np.asarray(array, dtype=np.float64, order="C")


def _parquet(path: Path, source: str) -> Columns:
    try:
        from pyarrow import parquet
        from pyarrow.lib import ArrowException
    except ImportError:
        raise ToolError(
            f"{source}: Parquet files need pyarrow; install it (pip install 'symderive[parquet]') "
            "or save the data as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as opened:
            groups = range(opened.metadata.num_row_groups)
            _bounded(sum(opened.metadata.row_group(k).total_byte_size for k in groups), source)
            table = opened.read()
        return {
            name: _floats(_dense(table, name, source), name, source) for name in table.column_names
        }
    except ArrowException as error:
        raise ModelError(f"this is not Parquet: {error}", where=source) from None


def _dense(table: Any, name: str, source: str) -> Any:
    column = table.column(name)
    if column.null_count:
        row = column.to_pylist().index(None) + 1
        raise ModelError(f"row {row} of the column {name} is empty", where=source)
    return column.to_numpy()


FORMATS: Mapping[str, Callable[[Path, str], Columns]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".npy": _numpy,
    ".npz": _numpy,
    ".parquet": _parquet,
}
"""How a file of data is read, by its suffix."""

__all__ = ["FORMATS", "MAX_BYTES", "chosen", "read_data"]
