"""Entries of what mpmath makes of whole matrices, as functions of the entries of a matrix.

Eigenvalues of three rows and functions of a matrix written out in radicals fill pages. A formula
holds one as a function of all entries instead, which has a value and no derivative of its own: the
checks take differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import sympy as sp
from mpmath import isfinite, mp, mpf
from mpmath.libmp import fnan, fone, mpf_add, mpf_neg, mpf_shift, mpf_sub
from sympy.core.function import ArgumentIndexError

from symderive.formulas.evaluate.tracked import EXACT, Raw, Run, Tracked, is_finite, magnitude

Places = tuple[int, ...]
Entries = Mapping[Places, Any]
"""Numbers by their places; none where the operation is not defined, or not real."""

SLACK = 8
"""Bits that an estimated error is widened by."""


class WholeEntry(sp.Function):
    """An entry of an operation on a matrix, a function of all entries of the matrix."""

    operation = ""
    shape: Places = ()
    at: Places = ()

    @classmethod
    def eval(cls, *_: Any) -> None:
        """Nothing: it stays as it is."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """It has no derivative that SymPy knows."""
        raise ArgumentIndexError(self, argindex)


@lru_cache(maxsize=4096)
def entry_function(operation: str, shape: Places, at: Places) -> type[WholeEntry]:
    """The function that an entry is.

    >>> from sympy import Integer
    >>> from symderive.formulas.evaluate import evaluate
    >>> value = entry_function("spectral_norm", (1, 2), ())(Integer(3), Integer(4))
    >>> print(evaluate(value, {}, 5))
    5.0
    """
    name = "_".join([operation, *map(str, shape), "at", *map(str, at)])
    return type(name, (WholeEntry,), {"operation": operation, "shape": shape, "at": at})


def value_of(kind: type[WholeEntry], args: list[Tracked], run: Run) -> Tracked:
    """The value of an entry; its error is what more bits and the errors of the entries change."""
    if not all(is_finite(number) for number, _ in args):
        return fnan, EXACT
    numbers = tuple(number for number, _ in args)
    moved = tuple(_moved(number, error) for number, error in args)
    found = _computed(kind.operation, kind.shape, numbers, run.bits)
    other = _computed(kind.operation, kind.shape, moved, run.bits + 64)
    if found is None or other is None or kind.at not in found:
        return fnan, EXACT
    value = found[kind.at]
    change = mpf_sub(value, other[kind.at], run.bits, "n")
    size = max((magnitude(number) for number in found.values() if number[1]), default=0)
    error = max(size - run.bits, magnitude(change) if change[1] else EXACT)
    return value, error + SLACK


def _moved(number: Raw, error: int) -> Raw:
    """The number as far off as its error allows."""
    if error <= EXACT:
        return number
    step = mpf_shift(fone, error)
    return mpf_add(number, mpf_neg(step) if number[0] else step)


@lru_cache(maxsize=4096)  # the entries of one matrix are asked for one after the other
def _computed(
    operation: str, shape: Places, numbers: tuple[Raw, ...], bits: int
) -> dict[Places, Raw] | None:
    """All entries; None where the operation is not defined or not real."""
    with mp.workprec(bits):
        matrix = mp.matrix(*shape)
        for at, number in zip(product(*map(range, shape)), numbers, strict=True):
            matrix[at] = mp.make_mpf(number)
        try:
            found = OPERATIONS[operation](matrix)
        except (ZeroDivisionError, ValueError, RuntimeError, ArithmeticError):
            return None
        result = {}
        largest = max((abs(value) for value in found.values()), default=mpf(0))
        for at, value in found.items():
            if abs(mp.im(value)) > largest * mpf(2) ** (-bits // 2) or not isfinite(value):
                return None
            result[at] = mp.re(value)._mpf_
        return result


# What mpmath makes ----------------------------------------------------------------------------


def _entries(matrix: Any) -> Entries:
    return {(i, j): matrix[i, j] for i in range(matrix.rows) for j in range(matrix.cols)}


def _by_eigenvalues(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """f(A), and ∂f(A)_ij/∂A_pq at (i, j, p, q), from the eigenvalues (Daleckii and Krein)."""

    def value(matrix: Any) -> Entries:
        values, vectors, back = _eigen(matrix)
        return _entries(vectors * mp.diag([function(v) for v in values]) * back)

    def derivative(matrix: Any) -> Entries:
        values, vectors, back = _eigen(matrix)
        run = range(matrix.rows)
        gaps = {
            (k, m): slope(values[k])
            if values[k] == values[m]
            else (function(values[k]) - function(values[m])) / (values[k] - values[m])
            for k in run
            for m in run
        }
        return {
            (i, j, p, q): mp.fsum(
                vectors[i, k] * back[k, p] * gaps[k, m] * vectors[q, m] * back[m, j]
                for k in run
                for m in run
            )
            for i, j, p, q in product(run, repeat=4)
        }

    return value, derivative


def _eigen(matrix: Any) -> tuple[list[Any], Any, Any]:
    values, vectors = mp.eig(matrix)
    return values, vectors, vectors**-1


def _positive(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that is not real for negative numbers, nor smooth at 0."""

    def checked(value: Any) -> Any:
        if value == 0 or (mp.im(value) == 0 and mp.re(value) < 0):
            raise ValueError("no principal value")
        return function(value)

    return checked


def _singular(matrix: Any) -> tuple[Any, Any, Any]:
    """U, σ, V with a sign that does not jump."""
    left, values, right = mp.svd_r(matrix)
    right = right.T
    for k in range(len(values)):
        if right[0, k] < 0:
            left[:, k], right[:, k] = -left[:, k], -right[:, k]
    return left, values, right


def _symmetric_part(matrix: Any) -> Any:
    return (matrix + matrix.T) / 2


def _eigenvectors(matrix: Any) -> Any:
    """Unit vectors as columns, with the signs that cofactors of the first row give them."""
    values, vectors = mp.eigsy(_symmetric_part(matrix))
    size = matrix.rows
    for k in range(size):
        shifted = _symmetric_part(matrix) - values[k] * mp.eye(size)
        minor = mp.matrix(size - 1, size - 1)
        for i, j in product(range(size - 1), repeat=2):
            minor[i, j] = shifted[i + 1, j + 1]
        if mp.det(minor) * vectors[0, k] < 0:
            vectors[:, k] = -vectors[:, k]
    return vectors


OPERATIONS: dict[str, Callable[[Any], Entries]] = {
    "det": lambda x: {(): mp.det(x)},
    "inv": lambda x: _entries(x**-1),
    "cholesky": lambda x: _entries(mp.cholesky(_symmetric_part(x))),
    "eigvalsh": lambda x: {(k,): v for k, v in enumerate(mp.eigsy(_symmetric_part(x))[0])},
    "eigenvectors": lambda x: _entries(_eigenvectors(x)),
    "svdvals": lambda x: {(k,): value for k, value in enumerate(_singular(x)[1])},
    "left_vectors": lambda x: _entries(_singular(x)[0]),
    "right_vectors": lambda x: _entries(_singular(x)[2]),
    "polar": lambda x: _entries(_singular(x)[0] * _singular(x)[2].T),
    "nuclear_norm": lambda x: {(): mp.fsum(_singular(x)[1])},
    "spectral_norm": lambda x: {(): _singular(x)[1][0]},
}
"""What is made of a matrix, by the name of the operation."""

for _name, _function, _slope in (
    ("expm", mp.exp, mp.exp),
    ("logm", _positive(mp.log), lambda v: 1 / v),
    ("sqrtm", _positive(mp.sqrt), lambda v: 1 / (2 * mp.sqrt(v))),
    ("sinm", mp.sin, mp.cos),
    ("cosm", mp.cos, lambda v: -mp.sin(v)),
):
    OPERATIONS[_name], OPERATIONS[f"{_name}_frechet"] = _by_eigenvalues(_function, _slope)
