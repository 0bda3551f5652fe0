"""NumPy functions that join, repeat and split arrays, composed of what formulas can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symderive.formulas.arrays.op import is_condition
from symderive.formulas.arrays.syntax import Leaf
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, call, operand, wrap

Make = Callable[..., Any]


def traced(rec: Recording, value: Any) -> Tracer:
    """A value as a traced one."""
    return value if type(value) is Tracer else wrap(rec, operand(rec, value))


def holds(values: Any, level: int = 0) -> bool:
    """Whether arguments hold a traced value."""
    return any(
        hasattr(type(value), "is_traced")
        or (level < 3 and isinstance(value, list | tuple) and holds(value, level + 1))
        for value in values
    )


def along(array: Tracer, axis: int, key: Any) -> Tracer:
    """What a key picks along an axis."""
    return array[(*[slice(None)] * (axis % array.ndim), key)]


def keep(rec: Recording, value: Tracer) -> None:
    """Make a value a stage of its own, as each later one is built on it."""
    tree = value._tree
    if value._rec is rec and not is_condition(tree) and not isinstance(tree, Leaf):
        value._tree = rec.part(tree, value._name)


def append(rec: Recording, x: Any, values: Any, axis: Any = None) -> Any:
    """``np.append``."""
    arrays = [traced(rec, part) for part in (x, values)]
    if axis is None:
        arrays = [call(rec, "ravel", part) if part.ndim else part[None] for part in arrays]
    return call(rec, "concatenate", arrays, axis=axis or 0)


def column_stack(rec: Recording, arrays: Any) -> Any:
    """``np.column_stack``."""
    columns = [traced(rec, a) for a in arrays]
    columns = [a[:, None] if a.ndim == 1 else a for a in columns]
    return call(rec, "concatenate", columns, axis=1)


def tile(rec: Recording, x: Any, reps: Any) -> Any:
    """``np.tile``."""
    result = traced(rec, x)
    counts = tuple(reps) if isinstance(reps, list | tuple) else (reps,)
    result = result[(*[None] * max(len(counts) - result.ndim, 0), ...)]
    counts = (1,) * (result.ndim - len(counts)) + counts
    for axis, count in enumerate(counts):
        if type(count) is Tracer or count != 1:
            result = _repeated(rec, result, count, axis, tiled=True)
    return result


def repeat(rec: Recording, x: Any, repeats: Any, axis: Any = None) -> Any:
    """``np.repeat``."""
    result = traced(rec, x)
    if axis is None:
        result, axis = call(rec, "ravel", result) if result.ndim else result[None], 0
    if type(repeats) is not Tracer and isinstance(repeats, np.ndarray | list | tuple):
        places = np.repeat(np.arange(int(result.shape[axis])), repeats)
        return call(rec, "stack", [along(result, axis, int(k)) for k in places], axis=axis)
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


def split(rec: Recording, x: Any, parts: Any, axis: int = 0) -> Any:
    """``np.split`` and ``np.array_split``."""
    array = traced(rec, x)
    if isinstance(parts, int):
        size = int(array.shape[axis])
        bounds = [len(part) for part in np.array_split(np.arange(size), parts)]
        cuts = np.cumsum(bounds)[:-1].tolist()
    else:
        cuts = [int(cut) for cut in parts]
    edges = zip([None, *cuts], [*cuts, None], strict=True)
    return [along(array, axis, slice(start, stop)) for start, stop in edges]


def at_least(ndim: int) -> Make:
    """``np.atleast_1d`` and on."""

    def made(rec: Recording, *arrays: Any) -> Any:
        found = []
        for each in arrays:
            array = traced(rec, each)
            found.append(array[(*[None] * max(ndim - array.ndim, 0), ...)])
        return found[0] if len(found) == 1 else found

    return made


def pad(
    rec: Recording, x: Any, width: Any, mode: str = "constant", constant_values: Any = 0
) -> Any:
    """``np.pad`` with a constant."""
    if mode != "constant":
        from symderive.readers.python.arranging import padded

        if mode not in ("edge", "wrap", "reflect", "symmetric"):
            raise refused(f"np.pad has no formula with mode={mode!r}")
        return padded(rec, x, width, mode)
    array = traced(rec, x)
    widths = np.broadcast_to(width, (array.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        parts = [array]
        for count, first in ((before, True), (after, False)):
            if count:
                shape = (*array.shape[:axis], count, *array.shape[axis + 1 :])
                ends = np.broadcast_to(constant_values, (array.ndim, 2))[axis].tolist()
                filled = call(rec, "full", shape, ends[0 if first else 1])
                parts = [filled, *parts] if first else [*parts, filled]
        array = call(rec, "concatenate", parts, axis=axis) if len(parts) > 1 else array
    return array


def meshgrid(rec: Recording, *vectors: Any, indexing: str = "xy", sparse: bool = False) -> Any:
    """``np.meshgrid``."""
    axes = [traced(rec, each) for each in vectors]
    order = list(range(len(axes)))
    if indexing == "xy" and len(axes) > 1:
        order[:2] = [1, 0]
    shape = tuple(axes[k].shape[0] for k in order)
    found = []
    for k, values in enumerate(axes):
        key = tuple(slice(None) if at == k else None for at in order)
        found.append(values[key] if sparse else call(rec, "broadcast_to", values[key], shape))
    return found


def vander(rec: Recording, x: Any, n: Any = None, increasing: bool = False) -> Any:
    """``np.vander``."""
    array = traced(rec, x)
    count = array.shape[0] if n is None else n
    powers = [array**k if k else call(rec, "ones_like", array) for k in range(int(count))]
    return call(rec, "stack", powers if increasing else powers[::-1], axis=1)
