"""Functions of NumPy and SciPy that are composed of what formulas can say, a row each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symderive.formulas.arrays.ops import apply
from symderive.readers.python.arranging import ARRANGED
from symderive.readers.python.functions import entrywise
from symderive.readers.python.joining import (
    along,
    append,
    at_least,
    column_stack,
    keep,
    meshgrid,
    pad,
    repeat,
    split,
    tile,
    traced,
    vander,
)
from symderive.readers.python.numerical import NUMERICAL, singular_values
from symderive.readers.python.order import ORDERED
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, binary, call, condition, operand, wrap

Make = Callable[..., Any]


def _slogdet(rec: Recording, x: Any) -> Any:
    return call(rec, "sign", call(rec, "det", x)), call(rec, "logdet", x)


def _norm(rec: Recording, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if not traced(rec, x).ndim:
        return call(rec, "abs", x)
    if isinstance(ord, float) and math.isinf(ord):
        ord = "inf" if ord > 0 else refuse("norm of order -inf has no formula")
    axis = list(axis) if isinstance(axis, tuple) else axis
    if traced(rec, x).ndim == 2 and axis is None and ord in (2, -2, "nuc"):
        values = singular_values(rec, x)
        return call(rec, "sum", values) if ord == "nuc" else values[0 if ord == 2 else -1]
    return call(rec, "norm", traced(rec, x), ord=ord, axis=axis, keepdims=keepdims)


def refuse(message: str) -> Any:
    """An error with the line."""
    raise refused(message)


def _average(rec: Recording, x: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return call(rec, "mean", traced(rec, x), axis=axis)
    array, by = traced(rec, x), traced(rec, weights)
    if axis is not None and by.ndim < array.ndim and axis % array.ndim != array.ndim - 1:
        by = by[(slice(None), *[None] * (array.ndim - 1 - axis % array.ndim))]
    return call(rec, "sum", array * by, axis=axis) / call(
        rec, "sum", by, axis=axis if by.ndim > 1 else None
    )


def _cross(rec: Recording, x: Any, y: Any, axis: int = -1) -> Any:
    a, b = traced(rec, x), traced(rec, y)
    p, q = ([along(v, -1, k) for k in range(int(v.shape[-1]))] for v in (a, b))
    if len(p) == len(q) == 2:
        return p[0] * q[1] - p[1] * q[0]
    parts = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]]
    return call(rec, "stack", parts, axis=-1)


def _cumprod(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    if axis is None:
        array, axis = (call(rec, "ravel", array) if array.ndim > 1 else array), 0
    parts: list[Any] = []
    for k in range(len(_along_first(rec, array, axis))):
        part = along(array, axis, k)
        parts.append(parts[-1] * part if parts else part)
        keep(rec, parts[-1])
    return call(rec, "stack", parts, axis=axis)


def _along_first(rec: Recording, array: Tracer, axis: int) -> Tracer:
    return array if axis % array.ndim == 0 else call(rec, "swapaxes", array, 0, axis)


def _moved(rec: Recording, x: Any, source: Any, destination: Any) -> Any:
    array = traced(rec, x)
    sources = np.atleast_1d(source) % array.ndim
    targets = np.atleast_1d(destination) % array.ndim
    order = [k for k in range(array.ndim) if k not in sources]
    for target, chosen in sorted(zip(targets.tolist(), sources.tolist(), strict=True)):
        order.insert(target, chosen)
    return call(rec, "transpose", array, order)


def _polyval(rec: Recording, p: Any, x: Any) -> Any:
    result: Any = 0
    for coefficient in p:
        result = result * x + coefficient
    return result


def _select(
    rec: Recording, conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0
) -> Any:
    result = default
    for test, choice in reversed(list(zip(conditions, choices, strict=True))):
        result = call(rec, "where", test, choice, result)
    return result


def _multi_dot(rec: Recording, arrays: Sequence[Any]) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = call(rec, "matmul", result, array)
    return result


def _linspace(rec: Recording, start: Any, stop: Any, num: Any = 50, endpoint: bool = True) -> Any:
    steps = num - 1 if endpoint else num
    return start + (stop - start) * _arange(rec, num) / steps


def _geomspace(rec: Recording, start: Any, stop: Any, num: Any = 50) -> Any:
    first = traced(rec, start)
    return first * binary(rec, "divide", stop, first) ** _linspace(rec, 0, traced(rec, 1), num)


def _arange(rec: Recording, *bounds: Any) -> Any:
    start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
    if all(not isinstance(b, Tracer) for b in (start, stop, step)):
        return np.arange(start, stop, step)
    count = (stop - start) / step if not (type(step) is int and step == 1) else stop - start
    return start + step * call(rec, "arange", count)


def _take(rec: Recording, x: Any, places: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    if axis is None:
        array, axis = (call(rec, "ravel", array) if array.ndim > 1 else array), 0
    places = np.array(places) if isinstance(places, list) else places
    if axis % array.ndim == 0:
        return array[places]
    return call(rec, "swapaxes", call(rec, "swapaxes", array, 0, axis)[places], 0, axis)


def _diag(rec: Recording, x: Any, k: int = 0) -> Any:
    array = traced(rec, x)
    if k == 0:
        return call(rec, "diag", array)
    if array.ndim == 2:
        part = array[:, k:] if k > 0 else array[-k:, :]
        least = min(int(size) for size in part.shape)
        return call(rec, "diagonal", part[:least, :least])
    square = call(rec, "diag", array)
    before, after = ((0, abs(k)), (abs(k), 0))
    return pad(rec, square, (before, after) if k > 0 else (after, before))


def _logsumexp(
    rec: Recording, a: Any, axis: Any = None, b: Any = None, keepdims: bool = False
) -> Any:
    array = traced(rec, a)
    if b is not None:
        array = array + call(rec, "log", b)
    if not array.ndim:
        return array
    return call(rec, "logsumexp", array, axis=axis, keepdims=keepdims)


def _softmax(op: str) -> Make:
    def made(rec: Recording, x: Any, axis: Any = None) -> Any:
        array = traced(rec, x)
        if axis is None:
            if array.ndim != 1:
                raise refused(f"{op} over all entries of a matrix has no formula; name its axis")
            axis = 0
        return call(rec, op, array, axis=axis)

    return made


def _eigh(rec: Recording, x: Any) -> Any:
    tree = operand(rec, x)
    return call(rec, "eigvalsh", x), wrap(rec, apply("eigenvectors", tree))


def _full_like(rec: Recording, x: Any, value: Any) -> Any:
    return call(rec, "full", traced(rec, x).shape, value)


def _dot(rec: Recording, x: Any, y: Any) -> Any:
    a, b = traced(rec, x), traced(rec, y)
    return a * b if not (a.ndim and b.ndim) else call(rec, "dot", a, b)


def _folded(op: str, join: str, neutral: int) -> Make:
    """A sum or a product, of the entries where a condition holds, from a first value on."""

    def made(
        rec: Recording,
        x: Any,
        axis: Any = None,
        keepdims: bool = False,
        initial: Any = neutral,
        where: Any = None,
    ) -> Any:
        array = traced(rec, x)
        if where is not None:
            array = call(rec, "where", where, array, neutral)
        found = call(rec, op, array, axis=axis, keepdims=keepdims) if array.ndim else array
        return binary(rec, join, found, initial)

    return made


_sum, _product = _folded("sum", "add", 0), _folded("prod", "multiply", 1)


def _mean(
    rec: Recording, x: Any, axis: Any = None, keepdims: bool = False, where: Any = None
) -> Any:
    array = traced(rec, x)
    if where is None:
        return call(rec, "mean", array, axis=axis, keepdims=keepdims) if array.ndim else array
    kept = call(rec, "where", where, call(rec, "ones_like", array), 0)
    count = call(rec, "sum", kept, axis=axis, keepdims=keepdims)
    return _sum(rec, array, axis, keepdims, where=where) / count


def _var(op: str) -> Make:
    def made(
        rec: Recording,
        x: Any,
        axis: Any = None,
        ddof: Any = 0,
        keepdims: bool = False,
        correction: Any = None,
    ) -> Any:
        less = ddof if correction is None else correction
        return call(rec, op, traced(rec, x), axis=axis, ddof=less, keepdims=keepdims)

    return made


def _outer(rec: Recording, x: Any, y: Any) -> Any:
    a, b = (traced(rec, v) for v in (x, y))
    a, b = (call(rec, "ravel", v) if v.ndim > 1 else v for v in (a, b))
    return call(rec, "outer", a, b)


def _transpose(rec: Recording, x: Any, *axes: Any) -> Any:
    array = traced(rec, x)
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    if not order:
        return array.T
    return call(rec, "transpose", array, [int(k) % array.ndim for k in order])


def _reshape(rec: Recording, x: Any, *shape: Any, order: str = "C", newshape: Any = None) -> Any:
    if order not in ("C", "A"):
        if order == "F":
            return _fortran(rec, traced(rec, x), shape[0] if len(shape) == 1 else shape)
        raise refused("reshape has a formula with order='C' or 'F'")
    stated = shape or (newshape,)
    return call(rec, "reshape", traced(rec, x), *stated)


def _fortran(rec: Recording, x: Tracer, shape: Any) -> Any:
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    return call(rec, "reshape", x.T, tuple(reversed(sizes))).T


def _ravel(rec: Recording, x: Any, order: str = "C") -> Any:
    array = traced(rec, x)
    return call(rec, "ravel", array.T if order == "F" else array if array.ndim else array[None])


def _size(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    return array.size if axis is None else array.shape[axis]


def _like(op: str) -> Make:
    return lambda rec, x, shape=None: call(rec, op, traced(rec, x))


def _extreme_of(op: str) -> Make:
    def made(
        rec: Recording, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None
    ) -> Any:
        array = traced(rec, x)
        found = call(rec, op, array, axis=axis, keepdims=keepdims) if array.ndim else array
        other = "maximum" if op == "amax" else "minimum"
        return found if initial is None else call(rec, other, found, initial)

    return made


def _ptp(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    return call(rec, "max", array, axis=axis) - call(rec, "min", array, axis=axis)


def _einsum(rec: Recording, spec: Any, *operands: Any) -> Any:
    if not isinstance(spec, str):  # arrays and lists of axes by turns
        given = [spec, *operands]
        lists = given[1::2]
        arrow = "->" + "".join(map(_letter, given[-1])) if len(given) % 2 else ""
        spec = ",".join("".join(map(_letter, axes)) for axes in lists) + arrow
        operands = tuple(given[: 2 * len(lists) : 2])
    arrays = [traced(rec, each) for each in operands]
    if "..." in spec:
        spec = _spelled(spec.replace(" ", ""), arrays)
    return call(rec, "einsum", spec, *arrays)


def _letter(axis: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[axis]


def _spelled(spec: str, arrays: Sequence[Tracer]) -> str:
    """An Einstein sum with letters in place of the dots."""
    inputs, arrow, output = spec.partition("->")
    free = [c for c in "ZYXWVUTS" if c not in spec]
    parts = inputs.split(",")
    counts = [
        a.ndim - len(p.replace("...", "")) if "..." in p else 0
        for a, p in zip(arrays, parts, strict=True)
    ]
    most = max(counts)
    letters = "".join(free[:most])
    spelled = [p.replace("...", letters[most - c :]) for p, c in zip(parts, counts, strict=True)]
    return ",".join(spelled) + arrow + output.replace("...", letters)


def _squeeze(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = traced(rec, x)
    return call(rec, "squeeze", array, axis=axis) if array.ndim else array


def _triangle(rec: Recording, op: str, x: Any, k: int = 0) -> Any:
    return call(rec, op, traced(rec, x), k=k)


def _every(op: str) -> Make:
    """Whether a condition holds everywhere, or anywhere."""

    def made(rec: Recording, x: Any, axis: Any = None) -> Any:
        test = wrap(rec, condition(rec, x))
        if not test.ndim:
            return test
        ones = call(rec, "where", test, call(rec, "ones", test.shape), 0)
        return binary(rec, "Gt", call(rec, op, ones, axis=axis), 0)

    return made


def _close(rec: Recording, x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
    a, b = traced(rec, x), traced(rec, y)
    return binary(rec, "LtE", call(rec, "abs", a - b), call(rec, "abs", b) * rtol + atol)


COMPOSED: Mapping[str, Make] = {
    "all": _every("amin"),
    "any": _every("amax"),
    "isclose": _close,
    "allclose": lambda rec, x, y, **more: _every("amin")(rec, _close(rec, x, y, **more)),
    "sum": _sum,
    "nansum": _sum,
    "mean": _mean,
    "nanmean": _mean,
    "prod": _product,
    "nanprod": _product,
    "nanvar": _var("var"),
    "nanstd": _var("std"),
    "nanmax": _extreme_of("amax"),
    "nanmin": _extreme_of("amin"),
    "var": _var("var"),
    "std": _var("std"),
    "dot": _dot,
    "outer": _outer,
    "transpose": _transpose,
    "reshape": _reshape,
    "ravel": _ravel,
    "size": _size,
    "shape": lambda rec, x: traced(rec, x).shape,
    "ndim": lambda rec, x: traced(rec, x).ndim,
    "copy": lambda rec, x: traced(rec, x).copy(),
    "real": lambda rec, x: traced(rec, x),
    "max": _extreme_of("amax"),
    "amax": _extreme_of("amax"),
    "min": _extreme_of("amin"),
    "amin": _extreme_of("amin"),
    "zeros_like": _like("zeros_like"),
    "empty_like": _like("zeros_like"),
    "ones_like": _like("ones_like"),
    "full_like": _full_like,
    "einsum": _einsum,
    "average": _average,
    "append": append,
    "array_split": split,
    "atleast_1d": at_least(1),
    "atleast_2d": at_least(2),
    "column_stack": column_stack,
    **ARRANGED,
    **NUMERICAL,
    **ORDERED,
    "cross": _cross,
    "linalg.cross": _cross,
    "cumprod": _cumprod,
    "diag": _diag,
    "fliplr": lambda rec, x: traced(rec, x)[:, ::-1],
    "flipud": lambda rec, x: traced(rec, x)[::-1],
    "linalg.eigh": _eigh,
    "linalg.multi_dot": _multi_dot,
    "linalg.norm": _norm,
    "linalg.vector_norm": _norm,
    "linalg.matrix_norm": lambda rec, x: _norm(rec, x),
    "linalg.slogdet": _slogdet,
    "linspace": _linspace,
    "logspace": lambda rec, start, stop, num=50, endpoint=True, base=10.0: binary(
        rec, "power", base, _linspace(rec, start, stop, num, endpoint)
    ),
    "geomspace": _geomspace,
    "count_nonzero": lambda rec, x, **more: _sum(
        rec, call(rec, "where", binary(rec, "NotEq", x, 0), 1, 0), **more
    ),
    "arange": _arange,
    "log_softmax": _softmax("log_softmax"),
    "logsumexp": _logsumexp,
    "meshgrid": meshgrid,
    "moveaxis": _moved,
    "pad": pad,
    "polyval": _polyval,
    "ptp": _ptp,
    "repeat": repeat,
    "select": _select,
    "softmax": _softmax("softmax"),
    "split": split,
    "take": _take,
    "tile": tile,
    "squeeze": _squeeze,
    "tril": lambda rec, x, k=0: _triangle(rec, "tril", x, k),
    "triu": lambda rec, x, k=0: _triangle(rec, "triu", x, k),
    "vander": vander,
    "around": lambda rec, x, decimals=0: entrywise(rec, "round", (x, decimals)),
    "unstack": lambda rec, x, axis=0: tuple(_along_first(rec, traced(rec, x), axis)),
}
"""Functions of NumPy and SciPy by name, with NumPy's arguments."""
