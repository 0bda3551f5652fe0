"""Parts of small arrays written out: a determinant as its expansion, an inverse by cofactors, ….

These are the meanings that checks fall back on: plain scalar formulas, independent of every rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from math import prod

from sympy import Add, Expr, Mul, S, exp, log, sqrt

from symderive.errors import SymderiveError
from symderive.formulas.evaluate.whole import entry_function
from symderive.formulas.functions import FUNCTIONS

At = tuple[int, ...]
Explicit = Callable[[Sequence["Block"], At], Expr]
"""An entry of what an operation makes of arrays of known sizes."""


class NotExplicitError(SymderiveError):
    """An array too large (or empty) to write out what an operation makes of it."""


class Block:
    """An array of formulas of known size.

    >>> Block((2, 2), (S(1), S(2), S(3), S(4)))[1, 0]
    3
    """

    __slots__ = ("entries", "shape")

    def __init__(self, shape: At, entries: tuple[Expr, ...]) -> None:
        self.shape, self.entries = shape, entries

    def __getitem__(self, at: int | At) -> Expr:
        place = 0
        for k, size in zip(at if isinstance(at, tuple) else (at,), self.shape, strict=True):
            place = place * size + k
        return self.entries[place]

    def rows(self) -> tuple[tuple[Expr, ...], ...]:
        """The rows of a matrix."""
        width = self.shape[1]
        return tuple(self.entries[k * width : (k + 1) * width] for k in range(self.shape[0]))


def block(shape: At, entry: Callable[[At], Expr]) -> Block:
    """The array with these entries."""
    return Block(shape, tuple(entry(at) for at in product(*map(range, shape))))


Rows = tuple[tuple[Expr, ...], ...]


@lru_cache(maxsize=4096)
def determinant(rows: Rows) -> Expr:
    """The determinant, expanded along the first row.

    >>> from sympy import symbols
    >>> determinant((symbols("a b"), symbols("c d")))
    a*d - b*c
    """
    if not rows:
        return S.One
    first, rest = rows[0], rows[1:]
    minors = (tuple(row[:k] + row[k + 1 :] for row in rest) for k in range(len(first)))
    return Add(
        *(
            Mul((-1) ** k, factor, determinant(minor))
            for k, (factor, minor) in enumerate(zip(first, minors, strict=True))
            if factor != 0
        )
    )


def cofactor(rows: Rows, row: int, column: int) -> Expr:
    """The determinant without a row and a column, with its sign."""
    minor = tuple(r[:column] + r[column + 1 :] for k, r in enumerate(rows) if k != row)
    return (-1) ** (row + column) * determinant(minor)


def by_value(operation: str) -> Explicit:
    """An entry that has a value only: written out it would fill a page."""

    def made(arrays: Sequence[Block], at: At) -> Expr:
        shape = arrays[0].shape
        if not min(shape) and not at:
            return S.Zero  # a norm
        if not min(shape):
            raise NotExplicitError(f"{operation} of an empty array")
        found: Expr = entry_function(operation, shape, at)(*arrays[0].entries)
        return found

    return made


MOST_EXPANDED = 4
"""Rows up to which determinants, inverses and factors are written out."""


def _many(array: Block) -> bool:
    return array.shape[0] > MOST_EXPANDED


def det(arrays: Sequence[Block], _: At) -> Expr:
    """The determinant of a square matrix."""
    if _many(arrays[0]):
        return by_value("det")(arrays, ())
    return determinant(arrays[0].rows())


def logdet(arrays: Sequence[Block], at: At) -> Expr:
    """The logarithm of the absolute value of the determinant: log(det²)/2, which has a slope."""
    return log(det(arrays, at) ** 2) / 2


def inv(arrays: Sequence[Block], at: At) -> Expr:
    """The inverse: cofactors over the determinant."""
    if _many(arrays[0]):
        return by_value("inv")(arrays, at)
    rows = arrays[0].rows()
    return cofactor(rows, at[1], at[0]) / determinant(rows)


def solve(arrays: Sequence[Block], at: At) -> Expr:
    """The solution of a linear system, one column or many: Cramer's rule."""
    rows, right = arrays[0].rows(), arrays[1]
    if _many(arrays[0]):
        return Add(*(inv(arrays, (at[0], k)) * right[(k, *at[1:])] for k in range(len(rows))))
    total = Add(*(cofactor(rows, k, at[0]) * right[(k, *at[1:])] for k in range(len(rows))))
    return total / determinant(rows)


def pinv(arrays: Sequence[Block], at: At) -> Expr:
    """The pseudoinverse of a matrix of full rank, by the smaller Gram matrix."""
    array = arrays[0]
    rows, columns = array.shape
    tall = rows >= columns
    size, other = (columns, rows) if tall else (rows, columns)

    def entry(k: int, j: int) -> Expr:
        return array[(k, j) if tall else (j, k)]

    gram = block(
        (size, size), lambda p: Add(*(entry(k, p[0]) * entry(k, p[1]) for k in range(other)))
    )
    own, far = at if tall else at[::-1]
    if _many(gram):
        return Add(*(inv([gram], (own, k)) * entry(far, k) for k in range(size)))
    total = Add(*(cofactor(gram.rows(), k, own) * entry(far, k) for k in range(size)))
    return total / determinant(gram.rows())


def symmetric(array: Block) -> Block:
    """The symmetric part of a matrix; of a symmetric one, itself."""
    return block(array.shape, lambda at: (array[at] + array[at[::-1]]) / 2)


def cholesky(arrays: Sequence[Block], at: At) -> Expr:
    """The lower triangular factor of the symmetric part."""
    if _many(arrays[0]):
        return by_value("cholesky")(arrays, at)
    matrix = symmetric(arrays[0])
    known: dict[At, Expr] = {}
    for row, column in product(range(at[0] + 1), range(at[0] + 1)):
        if column > row:
            continue
        rest = matrix[row, column] - Add(*(known[row, k] * known[column, k] for k in range(column)))
        known[row, column] = sqrt(rest) if row == column else rest / known[column, column]
    return known.get(at, S.Zero)


def greatest(arrays: Sequence[Block], _: At) -> Expr:
    """The greatest entry."""
    return FUNCTIONS["max"].apply(*_some(arrays[0], "max"))


def least(arrays: Sequence[Block], _: At) -> Expr:
    """The least entry."""
    return FUNCTIONS["min"].apply(*_some(arrays[0], "min"))


def _some(array: Block, what: str) -> tuple[Expr, ...]:
    if not prod(array.shape):
        raise NotExplicitError(f"{what} of an empty array")
    return array.entries


def multiplied(arrays: Sequence[Block], _: At) -> Expr:
    """The product of all entries."""
    return Mul(*arrays[0].entries)


def norm(arrays: Sequence[Block], _: At) -> Expr:
    """The root of the sum of squares of all entries."""
    return sqrt(Add(*(entry**2 for entry in arrays[0].entries)))


def logsumexp(arrays: Sequence[Block], _: At) -> Expr:
    """The logarithm of the sum of exponentials of all entries."""
    return log(Add(*(exp(entry) for entry in arrays[0].entries)))


def softmax(arrays: Sequence[Block], at: At) -> Expr:
    """An exponential over the sum of all."""
    return exp(arrays[0][at]) / Add(*(exp(entry) for entry in arrays[0].entries))


def tied(extreme: Callable[[Sequence[Block], At], Expr]) -> Explicit:
    """1 at the greatest (least) entry, shared evenly where several tie; else 0."""

    def made(arrays: Sequence[Block], at: At) -> Expr:
        top = extreme(arrays, ())
        ties = Add(*(_is(entry, top) for entry in arrays[0].entries))
        return _is(arrays[0][at], top) / ties

    return made


def _is(one: Expr, other: Expr) -> Expr:
    """1 where two numbers are equal, else 0; SymPy would multiply out an Eq with choices in it."""
    return S.One - FUNCTIONS["abs"].apply(FUNCTIONS["sign"].apply(one - other))


is_max, is_min = tied(greatest), tied(least)


def prod_others(arrays: Sequence[Block], at: At) -> Expr:
    """The product of all entries but one."""
    places = product(*map(range, arrays[0].shape))
    return Mul(*(arrays[0][other] for other in places if other != at))


def _mean(entries: Sequence[Expr]) -> Expr:
    return Add(*entries) / len(entries)


def _variance(entries: Sequence[Expr]) -> Expr:
    mean = _mean(entries)
    return _mean([(entry - mean) ** 2 for entry in entries])


def std(arrays: Sequence[Block], _: At) -> Expr:
    """√variance."""
    return sqrt(_variance(arrays[0].entries))


def deviation(arrays: Sequence[Block], _: At) -> Expr:
    """√(variance + ε)."""
    return sqrt(_variance(arrays[0].entries) + arrays[1].entries[0])


def layer_norm(arrays: Sequence[Block], at: At) -> Expr:
    """(entry − mean)/√(variance + ε)."""
    return (arrays[0][at] - _mean(arrays[0].entries)) / deviation(arrays, at)


def rms(arrays: Sequence[Block], _: At) -> Expr:
    """√(mean square + ε)."""
    return sqrt(_mean([entry**2 for entry in arrays[0].entries]) + arrays[1].entries[0])


def rms_norm(arrays: Sequence[Block], at: At) -> Expr:
    """entry/√(mean square + ε)."""
    return arrays[0][at] / rms(arrays, at)
