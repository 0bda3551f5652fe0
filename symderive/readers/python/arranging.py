"""More of NumPy's functions that rearrange arrays, a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symderive.readers.python.joining import along, keep, traced
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, binary, call, operand

Make = Callable[..., Any]


def _block(rec: Recording, rows: Any) -> Any:
    """``np.block`` of rows of matrices, or of one row."""
    if not isinstance(rows, list):
        return traced(rec, rows)
    if rows and not isinstance(rows[0], list):
        parts = [call_row(rec, part) for part in rows]
        return call(rec, "concatenate", parts, axis=parts[0].ndim - 1)
    return call(rec, "concatenate", [_two(rec, _block(rec, row)) for row in rows], axis=0)


def call_row(rec: Recording, part: Any) -> Tracer:
    """A part of a row: a number as a vector of one."""
    array = traced(rec, part)
    return array if array.ndim else array[None]


def _two(rec: Recording, part: Tracer) -> Tracer:
    return part[None, :] if part.ndim == 1 else part


def _dstack(rec: Recording, arrays: Sequence[Any]) -> Any:
    deep = []
    for part in arrays:
        array = _two(rec, call_row(rec, part))
        deep.append(array[:, :, None] if array.ndim == 2 else array)
    return call(rec, "concatenate", deep, axis=2)


def _diagonal(rec: Recording, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    array = traced(rec, x)
    if (axis1, axis2) not in ((0, 1), (-2, -1)) or array.ndim != 2:
        raise refused("the diagonal has a formula for matrices")
    if offset == 0 and array._tree.shape[0] == array._tree.shape[1]:
        return call(rec, "diagonal", array)
    part = array[:, offset:] if offset > 0 else array[-offset:, :]
    least = min(int(size) for size in part.shape)
    return call(rec, "diagonal", part[:least, :least])


def _trace(rec: Recording, x: Any, offset: int = 0) -> Any:
    rows, columns = traced(rec, x)._tree.shape[:2]
    if offset == 0 and rows == columns:
        return call(rec, "trace", x)
    return call(rec, "sum", _diagonal(rec, x, offset))


def _piecewise(rec: Recording, x: Any, conditions: Sequence[Any], choices: Sequence[Any]) -> Any:
    def value(choice: Any) -> Any:
        return choice(x) if callable(choice) else choice

    chosen = list(choices)
    result: Any = value(chosen.pop()) if len(chosen) > len(conditions) else 0
    for test, choice in zip(conditions, chosen, strict=True):  # the last that holds has its say
        result = call(rec, "where", test, value(choice), result)
    return result


def _covariance(rec: Recording, rows: Tracer, less: Any) -> Tracer:
    keep(rec, rows)
    centred = rows - call(rec, "mean", rows, axis=1, keepdims=True)
    keep(rec, centred)
    return centred @ centred.T / (rows.shape[1] - less)


def cov(
    rec: Recording, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None
) -> Any:
    """``np.cov``."""
    rows = traced(rec, m)
    single = rows.ndim == 1 and y is None
    rows = _two(rec, rows) if rowvar or rows.ndim == 1 else rows.T
    if y is not None:
        other = traced(rec, y)
        other = _two(rec, other) if rowvar or other.ndim == 1 else other.T
        rows = call(rec, "concatenate", [rows, other], axis=0)
    found = _covariance(rec, rows, (0 if bias else 1) if ddof is None else ddof)
    return found[0, 0] if single else found


def _corrcoef(rec: Recording, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    found = cov(rec, x, y, rowvar)
    keep(rec, found)
    deviations = call(rec, "sqrt", call(rec, "diagonal", found))
    return found / call(rec, "outer", deviations, deviations)


def _rollaxis(rec: Recording, x: Any, axis: int, start: int = 0) -> Any:
    array = traced(rec, x)
    order = [k for k in range(array.ndim) if k != axis % array.ndim]
    start = start + array.ndim if start < 0 else start
    order.insert(start - (start > axis % array.ndim), axis % array.ndim)
    return call(rec, "transpose", array, order)


def _rot90(rec: Recording, x: Any, k: int = 1) -> Any:
    array = traced(rec, x)
    for _ in range(k % 4):
        array = array.T[::-1]
    return array


def _fill_diagonal(rec: Recording, x: Any, value: Any) -> None:
    array = traced(rec, x)
    eye = call(rec, "eye", array.shape[0])
    values = traced(rec, value)
    spread = call(rec, "diag", values) if values.ndim else values
    array._become(operand(rec, call(rec, "where", binary(rec, "Eq", eye, 1), spread, array)))


def _broadcast_arrays(rec: Recording, *arrays: Any) -> Any:
    parts = [traced(rec, part) for part in arrays]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return [call(rec, "broadcast_to", part, total.shape) for part in parts]


def _sliding(op: str, default: str) -> Make:
    """``np.convolve`` or ``np.correlate``."""

    def made(rec: Recording, x: Any, k: Any, mode: str = default) -> Any:
        if mode != "same":
            return call(rec, op, x, k, mode=mode)
        first, second = traced(rec, x), traced(rec, k)
        sizes = [int(part.shape[0]) for part in (first, second)]
        start = (min(sizes) - 1) // 2
        if op == "correlate" and sizes[0] < sizes[1]:
            start = min(sizes) - 1 - start
        return call(rec, op, first, second, mode="full")[start : start + max(sizes)]

    return made


def _windows(rec: Recording, x: Any, window_shape: Any, axis: Any = None) -> Any:
    """``sliding_window_view``: the axes of the window stand at the end."""
    array = traced(rec, x)
    widths = [int(width) for width in np.atleast_1d(window_shape)]
    axes = range(array.ndim) if axis is None else [int(k) for k in np.atleast_1d(axis)]
    return _windowed(rec, array, list(zip(axes, widths, strict=True)))


def _windowed(rec: Recording, array: Tracer, widths: Sequence[tuple[int, int]]) -> Tracer:
    if not widths:
        return array
    (axis, width), rest = widths[0], widths[1:]
    count = array.shape[axis] - width + 1
    parts = [along(array, axis, slice(k, k + count)) for k in range(width)]
    return call(rec, "stack", [_windowed(rec, part, rest) for part in parts], axis=array.ndim)


def _pieces(axis: int) -> Make:
    def made(rec: Recording, x: Any, parts: Any) -> Any:
        from symderive.readers.python.joining import split

        array = traced(rec, x)
        return split(rec, array, parts, 0 if array.ndim == 1 else axis)

    return made


def padded(rec: Recording, x: Any, width: Any, mode: str) -> Tracer:
    """``np.pad`` with entries of the array itself."""
    array = traced(rec, x)
    for axis, (before, after) in enumerate(np.broadcast_to(width, (array.ndim, 2)).tolist()):
        size = array._tree.shape[axis]
        if size.is_Integer and max(before, after) > size - (mode == "reflect"):
            places = np.pad(np.arange(int(size)), (before, after), mode=mode)  # type: ignore[call-overload]
            parts = [along(array, axis, int(k)) for k in places]
            array = call(rec, "stack", parts, axis=axis)
            continue
        first, last = _ends(mode, before, after)
        ends = [(first, before), (None, 1), (last, after)]
        pieces = [_end(rec, array, axis, end, count, mode) for end, count in ends if count]
        array = call(rec, "concatenate", pieces, axis=axis) if len(pieces) > 1 else array
    return array


def _ends(mode: str, before: int, after: int) -> tuple[slice, slice]:
    """The entries that are put before and after an axis."""
    return {
        "edge": (slice(0, 1), slice(-1, None)),
        "wrap": (slice(-before, None), slice(0, after)),
        "reflect": (slice(before, 0, -1), slice(-2, -after - 2, -1)),
        "symmetric": (slice(0, before), slice(-after, None)),
    }[mode]


def _end(rec: Recording, array: Tracer, axis: int, part: Any, count: int, mode: str) -> Tracer:
    if part is None:
        return array
    found = along(array, axis, part)
    if mode == "edge":
        shape = (*found.shape[:axis], count, *found.shape[axis + 1 :])
        return call(rec, "broadcast_to", found, shape)
    return call(rec, "flip", found, axis=axis) if mode == "symmetric" else found


def _running(op: str) -> Make:
    """``np.cumsum`` and the like: of all entries, row by row, where no axis is named."""

    def made(
        rec: Recording, x: Any, axis: Any = None, include_initial: bool = False, **_: Any
    ) -> Any:
        array = traced(rec, x)
        if axis is None:
            array, axis = call(rec, "ravel", array) if array.ndim > 1 else array, 0
        found = call(rec, op, array, axis=axis)
        if not include_initial:
            return found
        first = call(rec, "zeros_like", along(array, axis, slice(0, 1)))
        return call(rec, "concatenate", [first, found], axis=axis)

    return made


def _rolled(rec: Recording, x: Any, shift: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    if axis is None:
        flat = call(rec, "ravel", array) if array.ndim > 1 else array
        rolled = call(rec, "roll", flat, shift, axis=0)
        return call(rec, "reshape", rolled, array.shape) if array.ndim > 1 else rolled
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    shifts = shift if isinstance(shift, tuple | list) else (shift,) * len(axes)
    for one, by in zip(axes, shifts, strict=True):
        array = call(rec, "roll", array, by, axis=one)
    return array


def _kept(rec: Recording, x: Any, places: Sequence[int], axis: Any) -> Any:
    array = traced(rec, x)
    if axis is None:
        array, axis = (call(rec, "ravel", array) if array.ndim > 1 else array), 0
    return array[(*[slice(None)] * (axis % array.ndim), np.array(places, dtype=int))]


def _size_along(rec: Recording, x: Any, axis: Any) -> int:
    array = traced(rec, x)
    return int(array.size if axis is None else array.shape[axis])


def _delete(rec: Recording, x: Any, at: Any, axis: Any = None) -> Any:
    return _kept(rec, x, np.delete(np.arange(_size_along(rec, x, axis)), at).tolist(), axis)


def _compress(rec: Recording, condition: Any, x: Any, axis: Any = None) -> Any:
    return _kept(rec, x, np.nonzero(np.asarray(condition).ravel())[0].tolist(), axis)


def _insert(rec: Recording, x: Any, at: int, values: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    if array.ndim != 1 or not isinstance(at, int):
        raise refused("np.insert has a formula for one place in a vector")
    value = traced(rec, values)
    middle = value if value.ndim else value[None]
    parts = [part for part in (array[:at], middle, array[at:]) if part._tree.shape[0] != 0]
    return call(rec, "concatenate", parts)


def _taken_along(rec: Recording, x: Any, places: Any, axis: int = -1) -> Any:
    array, at = traced(rec, x), np.asarray(places)
    if array.ndim == 1:
        return array[at]
    if array.ndim != 2 or at.ndim != 2:
        raise refused("np.take_along_axis has a formula for matrices")
    if axis % 2 == 0:
        return _taken_along(rec, array.T, at.T, 1).T
    rows = [call(rec, "stack", [array[i, int(k)] for k in row]) for i, row in enumerate(at)]
    return call(rec, "stack", rows)


def _choose(rec: Recording, places: Any, choices: Sequence[Any]) -> Any:
    at = np.asarray(places)
    result = traced(rec, choices[-1])
    for k, choice in reversed(list(enumerate(choices[:-1]))):
        result = call(rec, "where", at == k, choice, result)
    return result


def _over_axes(rec: Recording, function: Make, x: Any, axes: Any) -> Any:
    array = traced(rec, x)
    for axis in np.atleast_1d(axes).tolist():
        shape = list(array.shape)
        shape[axis] = 1
        array = call(rec, "reshape", function(array, axis), tuple(shape))
    return array


ARRANGED: Mapping[str, Make] = {
    "block": _block,
    "cumsum": _running("cumsum"),
    "cumulative_sum": _running("cumsum"),
    "roll": _rolled,
    "delete": _delete,
    "insert": _insert,
    "compress": _compress,
    "extract": _compress,
    "take_along_axis": _taken_along,
    "choose": _choose,
    "apply_over_axes": _over_axes,
    "diagflat": lambda rec, x, k=0: call(rec, "diag", call(rec, "ravel", traced(rec, x))),
    "linalg.vecdot": lambda rec, x, y: call(rec, "sum", binary(rec, "multiply", x, y), axis=-1),
    "linalg.matrix_transpose": lambda rec, x: traced(rec, x).mT,
    "dstack": _dstack,
    "diagonal": _diagonal,
    "trace": _trace,
    "linalg.trace": _trace,
    "linalg.diagonal": _diagonal,
    "piecewise": _piecewise,
    "cov": cov,
    "corrcoef": _corrcoef,
    "rollaxis": _rollaxis,
    "rot90": _rot90,
    "fill_diagonal": _fill_diagonal,
    "broadcast_arrays": _broadcast_arrays,
    "convolve": _sliding("convolve", "full"),
    "correlate": _sliding("correlate", "valid"),
    "sliding_window_view": _windows,
    "hsplit": _pieces(1),
    "vsplit": _pieces(0),
    "nan_to_num": lambda rec, x, *_, **__: traced(rec, x),
}
"""Functions of NumPy by name, with NumPy's arguments."""
