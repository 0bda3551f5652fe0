"""NumPy's and SciPy's numerical analysis: differences, integrals, interpolation, least squares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product as cartesian
from typing import Any

import numpy as np

from symderive.readers.python.joining import along, holds, keep, traced, vander
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, binary, call

Make = Callable[..., Any]

FEW = 64
"""As many calls of a helper are made one by one."""


def diff(
    rec: Recording, x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Any:
    """``np.diff``; of known numbers, numbers."""
    if not holds((x, prepend, append)):
        return np.diff(np.asarray(x, dtype=float), n, axis)
    result = traced(rec, x)
    ends = [traced(rec, part) if part is not None else None for part in (prepend, append)]
    if prepend is not None or append is not None:
        one = along(result, axis, slice(0, 1))
        parts = [
            part if part is None or part.ndim else call(rec, "broadcast_to", part, one.shape)
            for part in ends
        ]
        joined = [part for part in (parts[0], result, parts[1]) if part is not None]
        result = call(rec, "concatenate", joined, axis=axis)
    for _ in range(n):
        result = along(result, axis, slice(1, None)) - along(result, axis, slice(None, -1))
    return result


# Slopes -----------------------------------------------------------------------------------


def _gradient(rec: Recording, f: Any, *steps: Any, axis: Any = None, edge_order: int = 1) -> Any:
    array = traced(rec, f)
    axes = range(array.ndim) if axis is None else np.atleast_1d(axis).tolist()
    given = list(steps) if len(steps) == len(axes) else list(steps or (1,)) * len(axes)
    if len(given) != len(axes):
        raise refused(f"np.gradient takes one step, or one for each of {len(axes)} axes")
    found = [_slope(rec, array, h, k, edge_order) for h, k in zip(given, axes, strict=True)]
    return found[0] if len(found) == 1 else found


def _slope(rec: Recording, array: Tracer, step: Any, axis: int, edge_order: int) -> Tracer:
    """Central differences along an axis, and differences to one side at its ends."""
    at: Make = lambda *bounds: along(array, axis, slice(*bounds))  # noqa: E731
    if np.ndim(step):
        inner, ends = _uneven(at, diff(rec, step), array.ndim - 1 - axis % array.ndim)
        edge_order = _only_first(edge_order)
    else:
        inner = (at(2, None) - at(None, -2)) / (2 * step)
        ends = [(at(1, 2) - at(0, 1)) / step, (at(-1, None) - at(-2, -1)) / step]
    if edge_order == 2:
        ends = [
            (-3 * at(0, 1) + 4 * at(1, 2) - at(2, 3)) / (2 * step),
            (3 * at(-1, None) - 4 * at(-2, -1) + at(-3, -2)) / (2 * step),
        ]
    return call(rec, "concatenate", [ends[0], inner, ends[1]], axis=axis)


def _only_first(edge_order: int) -> int:
    if edge_order != 1:
        raise refused("np.gradient at uneven places has a formula with edge_order=1")
    return edge_order


def _uneven(at: Make, gaps: Any, after: int) -> tuple[Tracer, list[Tracer]]:
    gaps = gaps[(slice(None), *[None] * after)]
    low, high = gaps[:-1], gaps[1:]
    upper = low / (high * (low + high)) * at(2, None)
    middle = (high - low) / (low * high) * at(1, -1)
    inner = upper + middle - high / (low * (low + high)) * at(None, -2)
    return inner, [(at(1, 2) - at(0, 1)) / gaps[:1], (at(-1, None) - at(-2, -1)) / gaps[-1:]]


# Integrals --------------------------------------------------------------------------------


def _areas(rec: Recording, y: Any, x: Any, dx: Any, axis: int) -> Tracer:
    array = traced(rec, y)
    middle = (along(array, axis, slice(1, None)) + along(array, axis, slice(None, -1))) / 2
    if x is None:
        return middle * dx
    steps = diff(rec, x)
    after = array.ndim - 1 - axis % array.ndim
    return middle * (steps[(slice(None), *[None] * after)] if steps.ndim == 1 else steps)


def _trapezoid(rec: Recording, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    return call(rec, "sum", _areas(rec, y, x, dx, axis), axis=axis)


def _cumulative(
    rec: Recording, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    areas = _areas(rec, y, x, dx, axis)
    total = call(rec, "cumsum", areas, axis=axis)
    if initial is None:
        return total
    first = call(rec, "full", along(areas, axis, slice(0, 1)).shape, initial)
    return call(rec, "concatenate", [first, total], axis=axis)


def _simpson(rec: Recording, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Simpson's rule for an even number of equal steps."""
    array = traced(rec, y)
    size = array._tree.shape[axis]
    if not size.is_Integer or size % 2 == 0:
        raise refused(
            "Simpson's rule has a formula for an odd number of points, stated as a number"
        )
    if x is not None:
        places = None if holds((x,)) else np.diff(np.asarray(x, dtype=float))
        if places is None or places.ndim != 1 or not np.allclose(places, places[0]):
            raise refused("Simpson's rule has a formula for places that are known and even")
        dx = float(places.mean())
    weights = np.where(np.arange(int(size)) % 2, 4.0, 2.0)
    weights[0] = weights[-1] = 1.0
    after = array.ndim - 1 - axis % array.ndim
    by = traced(rec, weights)[(slice(None), *[None] * after)]
    return call(rec, "sum", array * by, axis=axis) * dx / 3


# Interpolation ----------------------------------------------------------------------------


def _interp(
    rec: Recording,
    x: Any,
    xp: Any,
    fp: Any,
    left: Any = None,
    right: Any = None,
    period: Any = None,
) -> Any:
    """``np.interp``: the first value, and for each piece its slope times how far x is into it."""
    if period is not None:
        raise refused("np.interp has a formula without period=")
    if not holds((x, xp)):
        known, knots = np.asarray(x, dtype=float), np.asarray(xp, dtype=float)
        found = _hats(known, knots) @ traced(rec, fp)
        for end, beyond in ((left, known < knots[0]), (right, known > knots[-1])):
            if end is not None and np.any(beyond):
                found = np.where(beyond, end, found)
        return found
    at, values = traced(rec, x), traced(rec, fp)
    places = traced(rec, xp) if holds((xp,)) else np.asarray(xp, dtype=float)
    widths = diff(rec, places)
    into = call(rec, "clip", at[..., None] - places[:-1], 0, widths)
    slopes = diff(rec, values) / widths
    result = values[0] + call(rec, "sum", slopes * into, axis=-1)
    if left is not None:
        result = call(rec, "where", binary(rec, "Lt", at, places[0]), left, result)
    if right is not None:
        result = call(rec, "where", binary(rec, "Gt", at, places[-1]), right, result)
    return result


def _hats(x: Any, places: Any) -> Any:
    """The matrix that interpolates at known places: the value there of each point's hat."""
    return np.stack([np.interp(x, places, row) for row in np.eye(len(places))], axis=-1)


# Least squares and singular values --------------------------------------------------------


def _least_squares(rec: Recording, a: Any, b: Any, rcond: Any = None) -> Any:
    """``np.linalg.lstsq`` by the normal equations; of more unknowns than rows, the shortest."""
    matrix, right = traced(rec, a), traced(rec, b)
    rows, columns = matrix._tree.shape
    if rows.is_Integer and columns.is_Integer and rows < columns:
        found = call(rec, "pinv", matrix) @ right
    else:
        found = call(rec, "solve", matrix.T @ matrix, matrix.T @ right)
    residuals = call(rec, "sum", (right - matrix @ found) ** 2, axis=0)
    known = rows.is_Integer and columns.is_Integer
    rank = int(min(rows, columns)) if known else columns
    return found, residuals, rank, singular_values(rec, matrix) if known else None


def singular_values(rec: Recording, a: Any) -> Tracer:
    """The singular values, the largest first: roots of the eigenvalues of AᵀA or AAᵀ."""
    matrix = traced(rec, a)
    rows, columns = matrix._tree.shape
    if rows != columns and not (rows.is_Integer and columns.is_Integer):
        raise refused("singular values have a formula for sizes that are stated as numbers")
    wide = rows != columns and rows < columns
    squared = matrix @ matrix.T if wide else matrix.T @ matrix
    return call(rec, "sqrt", call(rec, "eigvalsh", squared))[::-1]


def _svd(rec: Recording, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if compute_uv:
        from symderive.readers.python.functions import unsupported

        raise unsupported("linalg.svd")
    return singular_values(rec, a)


def _condition(rec: Recording, a: Any, p: Any = None) -> Tracer:
    """The largest singular value by the least."""
    if p not in (None, 2):
        raise refused("the condition number has a formula of singular values, p=None or p=2")
    found = singular_values(rec, a)
    return found[0] / found[-1]


def _polynomial(rec: Recording, x: Any, y: Any, deg: int, w: Any = None) -> Tracer:
    """``np.polyfit``: the coefficients of least squares, the highest power first."""
    powers, values = traced(rec, vander(rec, x, deg + 1)), traced(rec, y)
    if w is not None:
        weights = traced(rec, w)
        powers, values = powers * weights[:, None], (values.T * weights).T
    keep(rec, powers)
    return call(rec, "solve", powers.T @ powers, powers.T @ values)


def _totals(rec: Recording, x: Any, weights: Any = None, minlength: int = 0) -> Tracer:
    """``np.bincount`` of known places: the sum of the weights at each."""
    if holds((x,)) or weights is None:
        from symderive.readers.python.functions import unsupported

        raise unsupported("bincount")
    places = np.asarray(x)
    here = np.arange(max(places.max(initial=-1) + 1, minlength))[:, None] == places
    return call(rec, "matmul", here.astype(float), weights)


# A function for each entry ----------------------------------------------------------------


def _along_axis(rec: Recording, function: Make, axis: int, x: Any, *args: Any, **more: Any) -> Any:
    array = traced(rec, x)
    axis = axis % array.ndim
    others = [size for k, size in enumerate(array.shape) if k != axis]
    rows = [
        function(array[(*place[:axis], slice(None), *place[axis:])], *args, **more)
        for place in _places(others, "np.apply_along_axis")
    ]
    for row in rows:
        keep(rec, traced(rec, row))
    inner = [int(size) for size in traced(rec, rows[0]).shape] if rows else []
    if len(inner) > 1:
        raise refused(
            "np.apply_along_axis has a formula for functions that give a number or a vector"
        )
    stacked = call(rec, "reshape", call(rec, "stack", rows, axis=0), (*others, *inner))
    if not inner or axis == array.ndim - 1:
        return stacked
    order = [*range(axis), array.ndim - 1, *range(axis, array.ndim - 1)]
    return call(rec, "transpose", stacked, order)


def _places(sizes: Sequence[Any], what: str) -> list[tuple[int, ...]]:
    known = all(isinstance(size, int) for size in sizes)
    places = list(cartesian(*map(range, sizes))) if known else []
    if not known or len(places) > FEW:
        raise refused(
            f"{what} has a formula for up to {FEW} calls, of sizes that are stated as numbers; "
            "NumPy's functions apply to whole arrays as they are"
        )
    return places


def entry_by_entry(rec: Recording, function: Make, args: Sequence[Any], more: Any) -> Any:
    """What ``np.vectorize`` makes: one call for each entry."""
    arrays = [traced(rec, arg) for arg in args]
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    spread = [call(rec, "broadcast_to", a, total.shape) if total.ndim else a for a in arrays]
    places = _places(total.shape, "np.vectorize")
    found = [function(*(a[place] if place else a for a in spread), **more) for place in places]
    if not total.ndim:
        return found[0]
    stacked = call(rec, "stack", found, axis=0)
    return stacked if total.ndim == 1 else call(rec, "reshape", stacked, total.shape)


NUMERICAL: Mapping[str, Make] = {
    "diff": diff,
    "ediff1d": lambda rec, x: diff(rec, x),
    "gradient": _gradient,
    "trapezoid": _trapezoid,
    "trapz": _trapezoid,
    "cumulative_trapezoid": _cumulative,
    "simpson": _simpson,
    "interp": _interp,
    "polyfit": _polynomial,
    "bincount": _totals,
    "linalg.cond": _condition,
    "linalg.lstsq": _least_squares,
    "linalg.svd": _svd,
    "linalg.svdvals": singular_values,
    "apply_along_axis": _along_axis,
}
"""Functions of NumPy and SciPy by name, with NumPy's arguments."""
