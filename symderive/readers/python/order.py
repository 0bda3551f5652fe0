"""The order of entries: sorted arrays, medians and quantiles, and the places of the largest.

The rank of an entry is how many come before it. It is constant between ties, so that it has the
derivative 0 there, and a sorted array is a sum of the entries of each rank: a permutation. Of equal
entries the first comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symderive.readers.python.constants import exact
from symderive.readers.python.joining import holds, keep, traced
from symderive.readers.python.recording import Recording, refused, weight
from symderive.readers.python.tracer import Tracer, binary, call

Make = Callable[..., Any]

_SHORT = 4
"""The parts of what is written out several times; what is longer becomes a stage."""


def _last(rec: Recording, x: Any, axis: Any) -> Tracer:
    """The array with the axis to sort along at its end; all entries, if none is named."""
    array = traced(rec, x)
    if axis is None:
        array = call(rec, "ravel", array) if array.ndim > 1 else array
    else:
        array = _moved(rec, array, axis)
    if weight(array._tree) > _SHORT:
        keep(rec, array)
    return array


def _moved(rec: Recording, array: Tracer, axis: int) -> Tracer:
    """Two axes exchanged: the last, and one by its place."""
    return array if axis % array.ndim == array.ndim - 1 else call(rec, "swapaxes", array, axis, -1)


def _count(rec: Recording, test: Any, axis: int = -1) -> Tracer:
    return call(rec, "sum", call(rec, "where", test, 1, 0), axis=axis)


def _ranks(rec: Recording, array: Tracer) -> Tracer:
    """How many entries come before each."""
    own, other, places = array[..., None], array[..., None, :], _places(rec, array)
    tied = call(
        rec,
        "logical_and",
        binary(rec, "Eq", other, own),
        binary(rec, "Lt", places, places[:, None]),
    )
    return _named(
        rec, "rank", _count(rec, call(rec, "logical_or", binary(rec, "Lt", other, own), tied))
    )


def _named(rec: Recording, name: str, value: Tracer) -> Tracer:
    """A stage of a name that this module gives."""
    before, rec.called = rec.called, name
    keep(rec, value)
    rec.called = before
    return value


def _places(rec: Recording, array: Tracer) -> Tracer:
    return call(rec, "arange", array.shape[-1])


def _of_rank(rec: Recording, array: Tracer, rank: Tracer, wanted: Any) -> Tracer:
    return call(rec, "sum", call(rec, "where", binary(rec, "Eq", rank, wanted), array, 0), axis=-1)


def sort(rec: Recording, x: Any, axis: Any = -1, **_: Any) -> Tracer:
    """``np.sort``."""
    array = _last(rec, x, axis)
    rank, places = _ranks(rec, array), _places(rec, array)
    found = _of_rank(rec, array[..., None, :], rank[..., None, :], places[:, None])
    return _moved(rec, found, -1 if axis is None else axis)


def ordered(rec: Recording, values: Any, key: Any = None, reverse: bool = False) -> list[Any]:
    """``sorted``."""
    parts = list(values)
    keys = [key(part) for part in parts] if key else parts
    if key and not holds(keys):
        places = sorted(range(len(parts)), key=keys.__getitem__, reverse=reverse)
        return [parts[k] for k in places]
    if key:
        raise refused("sorted by a traced key has no formula; write x[np.argsort(keys)]")
    found = list(sort(rec, traced(rec, parts)))
    return found[::-1] if reverse else found


def _argsort(rec: Recording, x: Any, axis: Any = -1, **_: Any) -> Tracer:
    array = _last(rec, x, axis)
    rank, places = _ranks(rec, array), _places(rec, array)
    found = _of_rank(rec, places, rank[..., None, :], places[:, None])
    keep(rec, found)
    return _moved(rec, found, -1 if axis is None else axis)


def _place_of(op: str) -> Make:
    """The first place of the largest or the smallest entry."""

    def made(rec: Recording, x: Any, axis: Any = None) -> Tracer:
        array = _last(rec, x, axis)
        there = binary(rec, "Eq", array, call(rec, op, array, axis=-1, keepdims=True))
        places = call(rec, "where", there, _places(rec, array), array.shape[-1])
        return _named(rec, f"arg{op}", call(rec, "min", places, axis=-1))

    return made


def _searched(rec: Recording, a: Any, v: Any, side: str = "left") -> Tracer:
    """How many entries of a sorted vector come before each value."""
    test = binary(rec, "Lt" if side == "left" else "LtE", traced(rec, a), traced(rec, v)[..., None])
    return _count(rec, test)


def _quantile(rec: Recording, x: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Between the entries before and after a part of the way from the least to the largest."""
    array = _last(rec, x, axis)
    if array.ndim > 1 and axis is not None and keepdims:
        raise refused("a quantile has a formula without keepdims")
    size, rank = array._tree.shape[-1], _ranks(rec, array)
    if not size.is_Integer:
        raise refused("a quantile has a formula for a size that is stated as a number")
    if isinstance(q, list | tuple | np.ndarray):
        return call(rec, "stack", [_at(rec, array, rank, part, int(size)) for part in q])
    return _at(rec, array, rank, q, int(size))


def _at(rec: Recording, array: Tracer, rank: Tracer, q: Any, size: int) -> Tracer:
    part = None if type(q) is Tracer else exact(q)
    if part is None or not 0 <= part <= 1:
        raise refused("a quantile has a formula for a plain number from 0 to 1")
    way = part * (size - 1)
    low = int(way)
    first = _of_rank(rec, array, rank, low)
    if way == low:
        return first
    share: Any = Fraction(str(way - low))
    between = (1 - share) * first + share * _of_rank(rec, array, rank, low + 1)
    keep(rec, between)
    return between


def _percentile(rec: Recording, x: Any, q: Any, **more: Any) -> Any:
    return _quantile(rec, x, (np.asarray(q) / 100).tolist(), **more)


def _median(rec: Recording, x: Any, **more: Any) -> Any:
    return _quantile(rec, x, Fraction(1, 2), **more)


ORDERED: Mapping[str, Make] = {
    "sort": sort,
    "partition": lambda rec, x, kth, axis=-1, **_: sort(rec, x, axis),
    "argsort": _argsort,
    "argmax": _place_of("max"),
    "argmin": _place_of("min"),
    "searchsorted": _searched,
    "median": _median,
    "nanmedian": _median,
    "quantile": _quantile,
    "percentile": _percentile,
}
"""Functions of NumPy by name, with NumPy's arguments."""
