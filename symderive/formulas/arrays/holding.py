"""Whether the numbers of an array have a property that is stated of it; the entry that has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import fsum, isfinite
from typing import Any

Place = tuple[int, ...]
Matrix = Sequence[Sequence[float]]
Found = Iterator[Sequence[tuple[Place, str]]]
Test = Callable[[Matrix], Found]
"""Of the rows of a matrix, a vector being one: places where the property fails, and how."""

TOLERANCE = 1e-5
"""How far numbers may be apart, relative to the greatest of a matrix: files round."""

MAX_SIZE = 150
"""Rows up to which matrices are multiplied or factored."""


def broken(prop: str, name: str, value: Any) -> str:
    """Which entry of an array of numbers contradicts a property; "" where none does.

    Args:
        prop: The property.
        name: Of the array.
        value: Nested lists; of more than two axes, each matrix is looked at.

    >>> broken("symmetric", "A", [[1.0, 2.0], [3.0, 1.0]])
    'A[0, 1] is 2.0 and A[1, 0] is 3.0'
    >>> broken("positive", "x", [1.0, -2.0])
    'x[1] is -2.0'
    """
    rank = _rank(value)
    for lead, part in _parts(value, max(rank - 2, 0)):
        rows = part if _rank(part) == 2 else [part]
        for told in TESTS[prop](rows):
            return " and ".join(_said(name, (*lead, *at[rank == 1 :]), what) for at, what in told)
    return ""


def _said(name: str, at: Place, what: str) -> str:
    return f"{name}{list(at)} {what}" if at else f"{name} {what}"


def _rank(value: Any) -> int:
    return 1 + _rank(value[0]) if isinstance(value, list | tuple) and value else 0


def _parts(value: Any, depth: int) -> Iterator[tuple[Place, Any]]:
    if not depth:
        yield (), value
        return
    for k, inner in enumerate(value):
        for lead, part in _parts(inner, depth - 1):
            yield (k, *lead), part


def _slack(rows: Matrix) -> float:
    return TOLERANCE * max((abs(entry) for row in rows for entry in row), default=0.0)


def _mirrored(sign: int) -> Test:
    def test(rows: Matrix) -> Found:
        slack = _slack(rows)
        for i, row in enumerate(rows):
            for j in range(i if sign < 0 else i + 1, len(row)):
                if not abs(row[j] - sign * rows[j][i]) <= slack:
                    both = [((i, j), f"is {row[j]}"), ((j, i), f"is {rows[j][i]}")]
                    yield both[: 1 + (i != j)]

    return test


def _zero_where(outside: Callable[[int, int], bool]) -> Test:
    def test(rows: Matrix) -> Found:
        slack = _slack(rows)
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                if outside(i, j) and not abs(entry) <= slack:
                    yield [((i, j), f"is {entry}, not 0")]

    return test


def _positive(rows: Matrix) -> Found:
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            if not entry > 0:
                yield [((i, j), f"is {entry}")]


def _rows_of_one(rows: Matrix) -> Found:
    for i, row in enumerate(rows):
        total = fsum(row)
        if not abs(total - 1) <= TOLERANCE:
            yield [((i,), f"sums to {total:.12g}, not 1")]


def _single_ones(rows: Matrix) -> Found:
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            if entry not in (0, 1):
                yield [((i, j), f"is {entry}, neither 0 nor 1")]
    yield from _rows_of_one(rows)


def _orthogonal(rows: Matrix) -> Found:
    if len(rows) > MAX_SIZE:
        return
    for i, row in enumerate(rows):
        for j in range(i, len(rows)):
            product = fsum(a * b for a, b in zip(row, rows[j], strict=True))
            if not abs(product - (i == j)) <= TOLERANCE:
                told = f"has rows {i} and {j} of the product {product:.12g}, not {int(i == j)}"
                yield [((), told)]


def _definite(rows: Matrix) -> Found:
    """Symmetric, and every pivot of its Cholesky factor is positive."""
    yield from _mirrored(1)(rows)
    if len(rows) > MAX_SIZE:
        return
    factor: list[list[float]] = []
    for i, row in enumerate(rows):
        mine: list[float] = []
        for j, other in enumerate(factor):
            inner = fsum(a * b for a, b in zip(mine, other, strict=False))
            mine.append((row[j] - inner) / other[j])
        pivot = row[i] - fsum(entry * entry for entry in mine)
        if not (pivot > 0 and isfinite(pivot)):
            yield [((), f"has the pivot {pivot:.12g} in row {i}, not a positive one")]
            return
        factor.append([*mine, pivot**0.5])


def _constant_diagonals(rows: Matrix) -> Found:
    slack = _slack(rows)
    for i, (before, row) in enumerate(pairwise(rows)):
        for j, (one, other) in enumerate(zip(before, row[1:], strict=False)):
            if not abs(one - other) <= slack:
                yield [((i, j), f"is {one}"), ((i + 1, j + 1), f"is {other}")]


TESTS: Mapping[str, Test] = {
    "symmetric": _mirrored(1),
    "skew-symmetric": _mirrored(-1),
    "positive definite": _definite,
    "toeplitz": _constant_diagonals,
    "diagonal": _zero_where(lambda i, j: i != j),
    "lower triangular": _zero_where(lambda i, j: i < j),
    "upper triangular": _zero_where(lambda i, j: i > j),
    "orthogonal": _orthogonal,
    "stochastic": _rows_of_one,
    "one-hot": _single_ones,
    "positive": _positive,
}
"""How each property is looked for in numbers."""
