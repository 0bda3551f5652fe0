"""Fourier transforms as products with matrices of cosines and sines."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sympy import pi

from symderive.formulas.arrays.syntax import Number
from symderive.readers.python.complexes import Complex, paired, split
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, call, wrap

Make = Callable[..., Any]


def _waves(rec: Recording, rows: Any, columns: Any, size: Any) -> tuple[Tracer, Tracer]:
    """cos(2πkn/N) and sin(2πkn/N)."""
    places = call(rec, "outer", call(rec, "arange", rows), call(rec, "arange", columns))
    angle = wrap(rec, Number((), 2 * pi)) * places / size
    return call(rec, "cos", angle), call(rec, "sin", angle)


def _moved(rec: Recording, z: Any, axis: int) -> Complex:
    """A value with an axis made the last."""
    re, im = split(rec, z)
    if axis % re.ndim == re.ndim - 1:
        return Complex(rec, re, im)
    return Complex(rec, *(call(rec, "swapaxes", part, axis, -1) for part in (re, im)))


def _times(matrix: Tracer, part: Tracer) -> Any:
    return matrix @ part if part.ndim == 1 else part @ matrix.T


def _fitted(rec: Recording, z: Complex, size: Any) -> Complex:
    """A value cut or filled up with zeros to a size along the last axis."""
    if size is None or size == z.shape[-1]:
        return z
    less = operator.index(size) - operator.index(z.shape[-1])
    if less < 0:
        return z[..., :size]
    zeros = [(0, 0)] * (z.ndim - 1) + [(0, less)]
    from symderive.readers.python.joining import pad

    return Complex(rec, pad(rec, z.re, zeros), pad(rec, z.im, zeros))


def _transform(sign: int, half: bool = False) -> Make:
    def made(rec: Recording, x: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Complex:
        z = _fitted(rec, _moved(rec, x, axis), n)
        size = z.shape[-1]
        rows = operator.index(size) // 2 + 1 if half else size
        cosine, sine = _waves(rec, rows, size, size)
        re = _times(cosine, z.re) - sign * _times(sine, z.im)
        im = sign * _times(sine, z.re) + _times(cosine, z.im)
        return _moved(rec, paired(rec, *_scaled(re, im, size, sign, norm)), axis)

    return made


def _scaled(re: Any, im: Any, size: Any, sign: int, norm: Any) -> tuple[Any, Any]:
    divided = {None: sign > 0, "backward": sign > 0, "forward": sign < 0, "ortho": True}
    if norm not in divided:
        raise refused(f"a Fourier transform with norm={norm!r} has no formula")
    by = size**0.5 if norm == "ortho" else size
    return (re / by, im / by) if divided[norm] else (re, im)


def _real_back(rec: Recording, x: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """``irfft``: each frequency but the first and the middle one stands for two."""
    z = _moved(rec, x, axis)
    size = 2 * (operator.index(z.shape[-1]) - 1) if n is None else operator.index(n)
    rows = size // 2 + 1
    z = _fitted(rec, z, rows)
    weights = np.full(rows, 2.0)
    weights[0] = 1.0
    if size % 2 == 0:
        weights[-1] = 1.0
    cosine, sine = _waves(rec, size, rows, size)
    found = _times(cosine, z.re * weights) - _times(sine, z.im * weights)
    found, _ = _scaled(found, found, size, 1, norm)
    return found if axis % found.ndim == found.ndim - 1 else call(rec, "swapaxes", found, axis, -1)


def _plane(sign: int) -> Make:
    one = _transform(sign)

    def made(rec: Recording, x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        sizes = (None, None) if s is None else s
        for size, axis in zip(sizes, axes, strict=True):
            x = one(rec, x, size, axis, norm)
        return x

    return made


def _shifted(sign: int) -> Make:
    def made(rec: Recording, x: Any, axes: Any = None) -> Any:
        from symderive.readers.python.functions import numpy_function

        for axis in range(x.ndim) if axes is None else np.atleast_1d(axes).tolist():
            size = operator.index(x.shape[axis])
            by = size // 2 if sign > 0 else -(size // 2)
            x = numpy_function(rec, "roll", (x, by), {"axis": axis})
        return x

    return made


FOURIER: Mapping[str, Make] = {
    "fft.fft": _transform(-1),
    "fft.ifft": _transform(1),
    "fft.rfft": _transform(-1, half=True),
    "fft.irfft": _real_back,
    "fft.fft2": _plane(-1),
    "fft.ifft2": _plane(1),
    "fft.fftshift": _shifted(1),
    "fft.ifftshift": _shifted(-1),
}
"""Transforms by NumPy's name."""
