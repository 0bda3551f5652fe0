"""Functions of NumPy and SciPy that are composed of what formulas can say, a row each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symderive.formulas.arrays.op import is_condition
from symderive.formulas.arrays.ops import apply
from symderive.readers.python.functions import entrywise
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import (
    Tracer,
    binary,
    call,
    operand,
    wrap,
)

Make = Callable[..., Any]


def _traced(rec: Recording, value: Any) -> Tracer:
    return value if type(value) is Tracer else wrap(rec, operand(rec, value))


def _along(array: Tracer, axis: int, key: Any) -> Tracer:
    return array[(*[slice(None)] * (axis % array.ndim), key)]


def _slogdet(rec: Recording, x: Any) -> Any:
    return call(rec, "sign", call(rec, "det", x)), call(rec, "logdet", x)


def _norm(rec: Recording, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if not _traced(rec, x).ndim:
        return call(rec, "abs", x)
    if isinstance(ord, float) and math.isinf(ord):
        ord = "inf" if ord > 0 else refuse("norm of order -inf has no formula")
    axis = list(axis) if isinstance(axis, tuple) else axis
    return call(rec, "norm", _traced(rec, x), ord=ord, axis=axis, keepdims=keepdims)


def refuse(message: str) -> Any:
    """An error with the line."""
    raise refused(message)


def _average(rec: Recording, x: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return call(rec, "mean", _traced(rec, x), axis=axis)
    array, by = _traced(rec, x), _traced(rec, weights)
    if axis is not None and by.ndim < array.ndim and axis % array.ndim != array.ndim - 1:
        by = by[(slice(None), *[None] * (array.ndim - 1 - axis % array.ndim))]
    return call(rec, "sum", array * by, axis=axis) / call(
        rec, "sum", by, axis=axis if by.ndim > 1 else None
    )


def _diff(rec: Recording, x: Any, n: int = 1, axis: int = -1) -> Any:
    result = _traced(rec, x)
    for _ in range(n):
        result = _along(result, axis, slice(1, None)) - _along(result, axis, slice(None, -1))
    return result


def _cross(rec: Recording, x: Any, y: Any, axis: int = -1) -> Any:
    a, b = _traced(rec, x), _traced(rec, y)
    p, q = ([_along(v, -1, k) for k in range(int(v.shape[-1]))] for v in (a, b))
    if len(p) == len(q) == 2:
        return p[0] * q[1] - p[1] * q[0]
    parts = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]]
    return call(rec, "stack", parts, axis=-1)


def _append(rec: Recording, x: Any, values: Any, axis: Any = None) -> Any:
    arrays = [_traced(rec, part) for part in (x, values)]
    if axis is None:
        arrays = [call(rec, "ravel", part) if part.ndim else part[None] for part in arrays]
    return call(rec, "concatenate", arrays, axis=axis or 0)


def _cumprod(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = _traced(rec, x)
    if axis is None:
        array, axis = (call(rec, "ravel", array) if array.ndim > 1 else array), 0
    parts: list[Any] = []
    for k in range(len(_along_first(rec, array, axis))):
        part = _along(array, axis, k)
        parts.append(parts[-1] * part if parts else part)
        _keep(rec, parts[-1])
    return call(rec, "stack", parts, axis=axis)


def _keep(rec: Recording, value: Tracer) -> None:
    """Make a value a stage of its own, as each later one is built on it."""
    tree = value._tree
    if value._rec is rec and not is_condition(tree):
        value._tree = rec.stage(tree, "A", -1, 0)


def _along_first(rec: Recording, array: Tracer, axis: int) -> Tracer:
    return array if axis % array.ndim == 0 else call(rec, "swapaxes", array, 0, axis)


def _moved(rec: Recording, x: Any, source: Any, destination: Any) -> Any:
    array = _traced(rec, x)
    sources = np.atleast_1d(source) % array.ndim
    targets = np.atleast_1d(destination) % array.ndim
    order = [k for k in range(array.ndim) if k not in sources]
    for target, chosen in sorted(zip(targets.tolist(), sources.tolist(), strict=True)):
        order.insert(target, chosen)
    return call(rec, "transpose", array, order)


def _tile(rec: Recording, x: Any, reps: Any) -> Any:
    result = _traced(rec, x)
    counts = tuple(reps) if isinstance(reps, list | tuple) else (reps,)
    result = result[(*[None] * max(len(counts) - result.ndim, 0), ...)]
    counts = (1,) * (result.ndim - len(counts)) + counts
    for axis, count in enumerate(counts):
        if type(count) is Tracer or count != 1:
            result = _repeated(rec, result, count, axis, tiled=True)
    return result


def _repeat(rec: Recording, x: Any, repeats: Any, axis: Any = None) -> Any:
    result = _traced(rec, x)
    if axis is None:
        result, axis = call(rec, "ravel", result) if result.ndim else result[None], 0
    if type(repeats) is not Tracer and isinstance(repeats, np.ndarray | list | tuple):
        places = np.repeat(np.arange(int(result.shape[axis])), repeats)
        return call(rec, "stack", [_along(result, axis, int(k)) for k in places], axis=axis)
    return _repeated(rec, result, repeats, axis % result.ndim, tiled=False)


def _repeated(rec: Recording, array: Tracer, count: Any, axis: int, tiled: bool) -> Tracer:
    """An axis repeated: an axis put in before or after it, and the two made one."""
    shape = list(array.shape)
    put = (*[slice(None)] * (axis + (not tiled)), None)
    wide = (
        [*shape[:axis], count, *shape[axis:]]
        if tiled
        else [*shape[: axis + 1], count, *shape[axis + 1 :]]
    )
    spread = call(rec, "broadcast_to", array[put], tuple(wide))
    return call(rec, "reshape", spread, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))


def _split(rec: Recording, x: Any, parts: Any, axis: int = 0) -> Any:
    array = _traced(rec, x)
    if isinstance(parts, int):
        size = int(array.shape[axis])
        bounds = [len(part) for part in np.array_split(np.arange(size), parts)]
        cuts = np.cumsum(bounds)[:-1].tolist()
    else:
        cuts = [int(cut) for cut in parts]
    edges = zip([None, *cuts], [*cuts, None], strict=True)
    return [_along(array, axis, slice(start, stop)) for start, stop in edges]


def _at_least(ndim: int) -> Make:
    def made(rec: Recording, *arrays: Any) -> Any:
        found = []
        for each in arrays:
            array = _traced(rec, each)
            found.append(array[(*[None] * max(ndim - array.ndim, 0), ...)])
        return found[0] if len(found) == 1 else found

    return made


def _column_stack(rec: Recording, arrays: Any) -> Any:
    columns = [_traced(rec, a) for a in arrays]
    columns = [a[:, None] if a.ndim == 1 else a for a in columns]
    return call(rec, "concatenate", columns, axis=1)


def _polyval(rec: Recording, p: Any, x: Any) -> Any:
    result: Any = 0
    for coefficient in p:
        result = result * x + coefficient
    return result


def _trapezoid(rec: Recording, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    array = _traced(rec, y)
    middle = (_along(array, axis, slice(1, None)) + _along(array, axis, slice(None, -1))) / 2
    steps = dx if x is None else _diff(rec, x)
    return call(rec, "sum", middle * steps, axis=axis)


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


def _arange(rec: Recording, *bounds: Any) -> Any:
    start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
    if all(not isinstance(b, Tracer) for b in (start, stop, step)):
        return np.arange(start, stop, step)
    count = (stop - start) / step if not (type(step) is int and step == 1) else stop - start
    return start + step * call(rec, "arange", count)


def _pad(
    rec: Recording, x: Any, width: Any, mode: str = "constant", constant_values: Any = 0
) -> Any:
    if mode != "constant":
        raise refused("np.pad has a formula with mode='constant' only")
    array = _traced(rec, x)
    widths = np.broadcast_to(width, (array.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        parts = [array]
        for count, first in ((before, True), (after, False)):
            if count:
                shape = (*array.shape[:axis], count, *array.shape[axis + 1 :])
                filled = call(rec, "full", shape, constant_values)
                parts = [filled, *parts] if first else [*parts, filled]
        array = call(rec, "concatenate", parts, axis=axis) if len(parts) > 1 else array
    return array


def _meshgrid(rec: Recording, x: Any, y: Any, indexing: str = "xy") -> Any:
    a, b = _traced(rec, x), _traced(rec, y)
    if indexing == "ij":
        shape = (a.shape[0], b.shape[0])
        return [
            call(rec, "broadcast_to", a[:, None], shape),
            call(rec, "broadcast_to", b[None, :], shape),
        ]
    shape = (b.shape[0], a.shape[0])
    return [
        call(rec, "broadcast_to", a[None, :], shape),
        call(rec, "broadcast_to", b[:, None], shape),
    ]


def _take(rec: Recording, x: Any, places: Any, axis: Any = None) -> Any:
    array = _traced(rec, x)
    if axis is None:
        array, axis = (call(rec, "ravel", array) if array.ndim > 1 else array), 0
    places = np.array(places) if isinstance(places, list) else places
    if axis % array.ndim == 0:
        return array[places]
    return call(rec, "swapaxes", call(rec, "swapaxes", array, 0, axis)[places], 0, axis)


def _diag(rec: Recording, x: Any, k: int = 0) -> Any:
    array = _traced(rec, x)
    if k == 0:
        return call(rec, "diag", array)
    if array.ndim == 2:
        part = array[:, k:] if k > 0 else array[-k:, :]
        least = min(int(size) for size in part.shape)
        return call(rec, "diagonal", part[:least, :least])
    square = call(rec, "diag", array)
    before, after = ((0, abs(k)), (abs(k), 0))
    return _pad(rec, square, (before, after) if k > 0 else (after, before))


def _logsumexp(
    rec: Recording, a: Any, axis: Any = None, b: Any = None, keepdims: bool = False
) -> Any:
    array = _traced(rec, a)
    if b is not None:
        array = array + call(rec, "log", b)
    if not array.ndim:
        return array
    return call(rec, "logsumexp", array, axis=axis, keepdims=keepdims)


def _softmax(op: str) -> Make:
    def made(rec: Recording, x: Any, axis: Any = None) -> Any:
        array = _traced(rec, x)
        if axis is None:
            if array.ndim != 1:
                raise refused(f"{op} over all entries of a matrix has no formula; name its axis")
            axis = 0
        return call(rec, op, array, axis=axis)

    return made


def _eigh(rec: Recording, x: Any) -> Any:
    tree = operand(rec, x)
    return call(rec, "eigvalsh", x), wrap(rec, apply("eigenvectors", tree))


def _vander(rec: Recording, x: Any, n: Any = None, increasing: bool = False) -> Any:
    array = _traced(rec, x)
    count = array.shape[0] if n is None else n
    powers = [array**k if k else call(rec, "ones_like", array) for k in range(int(count))]
    return call(rec, "stack", powers if increasing else powers[::-1], axis=1)


def _full_like(rec: Recording, x: Any, value: Any) -> Any:
    return call(rec, "full", _traced(rec, x).shape, value)


def _normal(log: bool, cumulative: bool) -> Make:
    """Densities of ``scipy.stats.norm``."""

    def made(rec: Recording, x: Any, loc: Any = 0, scale: Any = 1) -> Any:
        z = binary(rec, "divide", binary(rec, "subtract", x, loc), scale)
        if cumulative:
            return call(rec, "norm_logcdf" if log else "norm_cdf", z)
        if log:
            half = binary(rec, "divide", math.log(2 * math.pi), 2)
            return -(z**2) / 2 - half - call(rec, "log", scale)
        return call(rec, "norm_pdf", z) / scale

    return made


def _cov(rec: Recording, m: Any, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    rows = _traced(rec, m)
    rows = rows if rowvar else rows.T
    centred = rows - call(rec, "mean", rows, axis=1, keepdims=True)
    less = (0 if bias else 1) if ddof is None else ddof
    return centred @ centred.T / (rows.shape[1] - less)


def _dot(rec: Recording, x: Any, y: Any) -> Any:
    a, b = _traced(rec, x), _traced(rec, y)
    return a * b if not (a.ndim and b.ndim) else call(rec, "dot", a, b)


def _sum(rec: Recording, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    array = _traced(rec, x)
    return call(rec, "sum", array, axis=axis, keepdims=keepdims) if array.ndim else array


def _var(op: str) -> Make:
    def made(
        rec: Recording, x: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False
    ) -> Any:
        return call(rec, op, _traced(rec, x), axis=axis, ddof=ddof, keepdims=keepdims)

    return made


def _outer(rec: Recording, x: Any, y: Any) -> Any:
    a, b = (_traced(rec, v) for v in (x, y))
    a, b = (call(rec, "ravel", v) if v.ndim > 1 else v for v in (a, b))
    return call(rec, "outer", a, b)


def _transpose(rec: Recording, x: Any, *axes: Any) -> Any:
    array = _traced(rec, x)
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    if not order:
        return array.T
    return call(rec, "transpose", array, [int(k) % array.ndim for k in order])


def _reshape(rec: Recording, x: Any, *shape: Any, order: str = "C", newshape: Any = None) -> Any:
    if order not in ("C", "A"):
        if order == "F":
            return _fortran(rec, _traced(rec, x), shape[0] if len(shape) == 1 else shape)
        raise refused("reshape has a formula with order='C' or 'F'")
    stated = shape or (newshape,)
    return call(rec, "reshape", _traced(rec, x), *stated)


def _fortran(rec: Recording, x: Tracer, shape: Any) -> Any:
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    return call(rec, "reshape", x.T, tuple(reversed(sizes))).T


def _ravel(rec: Recording, x: Any, order: str = "C") -> Any:
    array = _traced(rec, x)
    return call(rec, "ravel", array.T if order == "F" else array if array.ndim else array[None])


def _size(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = _traced(rec, x)
    return array.size if axis is None else array.shape[axis]


def _like(op: str) -> Make:
    return lambda rec, x, shape=None: call(rec, op, _traced(rec, x))


def _extreme_of(op: str) -> Make:
    def made(rec: Recording, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        array = _traced(rec, x)
        return call(rec, op, array, axis=axis, keepdims=keepdims) if array.ndim else array

    return made


def _ptp(rec: Recording, x: Any, axis: Any = None) -> Any:
    array = _traced(rec, x)
    return call(rec, "max", array, axis=axis) - call(rec, "min", array, axis=axis)


def _gradient(rec: Recording, y: Any, *steps: Any) -> Any:
    array = _traced(rec, y)
    h = steps[0] if steps else 1
    inner = (array[2:] - array[:-2]) / (2 * h)
    ends = ((array[1:2] - array[:1]) / h, (array[-1:] - array[-2:-1]) / h)
    return call(rec, "concatenate", [ends[0], inner, ends[1]])


def _einsum(rec: Recording, spec: Any, *operands: Any) -> Any:
    arrays = [_traced(rec, each) for each in operands]
    if "..." in spec:
        spec = _spelled(spec.replace(" ", ""), arrays)
    return call(rec, "einsum", spec, *arrays)


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


def _triangle(rec: Recording, op: str, x: Any, k: int = 0) -> Any:
    return call(rec, op, _traced(rec, x), k=k)


COMPOSED: Mapping[str, Make] = {
    "sum": _sum,
    "nansum": _sum,
    "var": _var("var"),
    "std": _var("std"),
    "dot": _dot,
    "outer": _outer,
    "transpose": _transpose,
    "reshape": _reshape,
    "ravel": _ravel,
    "size": _size,
    "shape": lambda rec, x: _traced(rec, x).shape,
    "ndim": lambda rec, x: _traced(rec, x).ndim,
    "copy": lambda rec, x: _traced(rec, x).copy(),
    "real": lambda rec, x: _traced(rec, x),
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
    "append": _append,
    "array_split": _split,
    "atleast_1d": _at_least(1),
    "atleast_2d": _at_least(2),
    "column_stack": _column_stack,
    "cov": _cov,
    "cross": _cross,
    "linalg.cross": _cross,
    "cumprod": _cumprod,
    "diag": _diag,
    "diff": _diff,
    "fliplr": lambda rec, x: _traced(rec, x)[:, ::-1],
    "flipud": lambda rec, x: _traced(rec, x)[::-1],
    "gradient": _gradient,
    "linalg.eigh": _eigh,
    "linalg.multi_dot": _multi_dot,
    "linalg.norm": _norm,
    "linalg.vector_norm": _norm,
    "linalg.matrix_norm": lambda rec, x: _norm(rec, x),
    "linalg.slogdet": _slogdet,
    "linspace": _linspace,
    "arange": _arange,
    "log_softmax": _softmax("log_softmax"),
    "logsumexp": _logsumexp,
    "meshgrid": _meshgrid,
    "moveaxis": _moved,
    "pad": _pad,
    "polyval": _polyval,
    "ptp": _ptp,
    "repeat": _repeat,
    "select": _select,
    "softmax": _softmax("softmax"),
    "split": _split,
    "take": _take,
    "tile": _tile,
    "trapezoid": _trapezoid,
    "trapz": _trapezoid,
    "tril": lambda rec, x, k=0: _triangle(rec, "tril", x, k),
    "triu": lambda rec, x, k=0: _triangle(rec, "triu", x, k),
    "vander": _vander,
    "norm.logpdf": _normal(log=True, cumulative=False),
    "norm.pdf": _normal(log=False, cumulative=False),
    "norm.cdf": _normal(log=False, cumulative=True),
    "norm.logcdf": _normal(log=True, cumulative=True),
    "around": lambda rec, x, decimals=0: entrywise(rec, "round", (x, decimals)),
    "prod": lambda rec, x, axis=None, keepdims=False: call(
        rec, "prod", _traced(rec, x), axis=axis, keepdims=keepdims
    ),
    "unstack": lambda rec, x, axis=0: tuple(_along_first(rec, _traced(rec, x), axis)),
}
"""Functions of NumPy and SciPy by name, with NumPy's arguments."""
