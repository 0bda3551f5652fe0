"""SciPy's filters and transforms that are linear: products with what they make of unit vectors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from symderive.readers.python.joining import holds, keep, pad, traced
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, call

Make = Callable[..., Any]


def _size(array: Tracer, axis: int, name: str) -> int:
    size = array._tree.shape[axis]
    if not size.is_Integer:
        raise refused(f"{name} has a formula for a size that is stated as a number")
    return int(size)


def _applied(rec: Recording, name: str, matrix: Any, array: Tracer, axis: int) -> Tracer:
    """A matrix times the vectors along an axis."""
    if axis % array.ndim != array.ndim - 1:
        turned = call(rec, "swapaxes", array, axis, -1)
        return call(rec, "swapaxes", _applied(rec, name, matrix, turned, -1), axis, -1)
    before, rec.called = rec.called, rec.called or name
    try:
        if array.ndim == 1:
            return call(rec, "matmul", np.array(matrix), array)
        return call(rec, "matmul", array, np.array(matrix.T))
    finally:
        rec.called = before


def _linear(module: str, name: str, before: int = 0) -> Make:
    """A function that is linear in the argument after ``before`` others, which are plain."""

    def made(rec: Recording, *args: Any, axis: int = -1, **more: Any) -> Tracer:
        others, (x, *rest) = args[:before], args[before:]
        if holds(others) or holds(rest) or holds(more.values()):
            raise refused(f"{module}.{name} has a formula where all but its data is plain")
        array = traced(rec, x)
        plain = getattr(sys.modules[module], name)
        matrix = plain(*others, np.eye(_size(array, axis, name)), *rest, axis=0, **more)
        return _applied(rec, name, np.asarray(matrix), array, axis)

    return made


# Filters whose coefficients are traced too -------------------------------------------------


def _filtered(rec: Recording, b: Any, a: Any, x: Any, axis: int = -1) -> Tracer:
    """``scipy.signal.lfilter`` of a vector, one entry after the other."""
    if not (holds(b) or holds(a) or holds((a, b))):
        return _linear("scipy.signal", "lfilter", 2)(rec, b, a, x, axis=axis)
    over, under = list(np.atleast_1d(b)) if not holds((b,)) else list(b), a
    under = list(under) if holds((a,)) else list(np.atleast_1d(a))
    array, found = traced(rec, x), []  # type: ignore[var-annotated]
    if array.ndim != 1:
        raise refused("lfilter with traced coefficients has a formula along a vector")
    for n in range(_size(array, 0, "lfilter")):
        value: Any = 0
        for k, factor in enumerate(over[: n + 1]):
            value = value + factor * array[n - k]
        for k, factor in enumerate(under[1 : n + 1], 1):
            value = value - factor * found[n - k]
        found.append(traced(rec, value / under[0]))
        keep(rec, found[-1])
    return call(rec, "stack", found)


def _slid(
    flip: bool,
    rec: Recording,
    x: Any,
    k: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    **_: Any,
) -> Tracer:
    """Two dimensions: the sum of the entries of a kernel, each times a part of the image."""
    if boundary not in ("fill", "auto") or fillvalue:
        raise refused('a convolution has a formula with boundary="fill" and fillvalue=0')
    image, kernel = traced(rec, x), traced(rec, k)
    if image.ndim == 1:
        from symderive.readers.python.functions import numpy_function

        name = "convolve" if flip else "correlate"
        return numpy_function(rec, name, (image, kernel), {"mode": mode})
    if image.ndim != 2 or mode not in ("full", "same", "valid"):
        raise refused("a convolution has a formula for vectors and matrices")
    rows, columns = (_size(kernel, axis, "convolve2d") for axis in (0, 1))
    if mode != "valid":
        both = mode == "full"
        ends = [(n - 1, n - 1) if both else (n // 2, (n - 1) // 2) for n in (rows, columns)]
        image = pad(rec, image, ends if flip else [end[::-1] for end in ends])
        keep(rec, image)
    height, width = (size - n + 1 for size, n in zip(image.shape, (rows, columns), strict=True))
    total: Any = 0
    for i in range(rows):
        for j in range(columns):
            entry = kernel[rows - 1 - i, columns - 1 - j] if flip else kernel[i, j]
            total = total + entry * image[i : i + height, j : j + width]
    return total


# Curves through points, and distances -----------------------------------------------------


class Curve:
    """A curve of SciPy's that is linear in the values that it goes through, at known places."""

    def __init__(
        self, name: str, plain: Any, rec: Recording, x: Any, y: Any, *args: Any, **more: Any
    ) -> None:
        if holds((x, *args, *more.values())):
            raise refused(f"{name} has a formula for places that are plain numbers")
        self.rec, self.name, self.y = rec, name, traced(rec, y)
        units = np.eye(_size(self.y, 0, name))
        self.units = plain(np.asarray(x, dtype=float), units, *args, **{**more, "axis": 0})

    def __call__(self, at: Any, *more: Any) -> Tracer:
        """The values at some places; with SciPy's number, their derivatives."""
        if holds((at,)):
            raise refused(f"{self.name} has a formula at places that are plain numbers")
        matrix = np.asarray(self.units(np.asarray(at, dtype=float), *more))
        return call(self.rec, "matmul", matrix, self.y)


def pairs(rec: Recording, x: Any, measure: Make) -> Tracer:
    """``pdist``: the distances of each two rows."""
    array = traced(rec, x)
    both = list(combinations(range(_size(array, 0, "pdist")), 2))
    left, right = ([pair[k] for pair in both] for k in (0, 1))
    return measure(rec, array[left] - array[right], -1)


def squareform(rec: Recording, x: Any, *_: Any, **__: Any) -> Tracer:
    """Distances of pairs as a symmetric matrix, and back."""
    array = traced(rec, x)
    keep(rec, array)
    size = _size(array, 0, "squareform")
    if array.ndim == 2:
        return array[tuple(np.array(list(combinations(range(size), 2))).T)]
    count = next(n for n in range(size + 2) if n * (n - 1) // 2 == size)
    places = {pair: k for k, pair in enumerate(combinations(range(count), 2))}
    every = range(count)
    rows = [[array[places[min(i, j), max(i, j)]] if i != j else 0 for j in every] for i in every]
    return traced(rec, rows)


LINEAR: Mapping[str, Mapping[str, Make]] = {
    "scipy.fft": {n: _linear("scipy.fft", n) for n in ("dct", "idct", "dst", "idst")},
    "scipy.ndimage": {
        name: _linear("scipy.ndimage", name)
        for name in ("gaussian_filter1d", "uniform_filter1d", "convolve1d", "correlate1d")
    },
    "scipy.signal": {
        "savgol_filter": _linear("scipy.signal", "savgol_filter"),
        "detrend": _linear("scipy.signal", "detrend"),
        "filtfilt": _linear("scipy.signal", "filtfilt", 2),
        "sosfilt": _linear("scipy.signal", "sosfilt", 1),
        "lfilter": _filtered,
        **{name: partial(_slid, True) for name in ("convolve", "convolve2d", "fftconvolve")},
        **{name: partial(_slid, False) for name in ("correlate", "correlate2d")},
    },
}
"""Functions of SciPy by module and name."""

CURVES: Mapping[str, Sequence[str]] = {
    "scipy.interpolate": (
        *("CubicSpline", "interp1d", "make_interp_spline", "BarycentricInterpolator"),
    )
}
"""Classes and functions of SciPy that are linear in their second argument, the values."""
