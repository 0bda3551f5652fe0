"""STRUCTURES: gradients by a matrix whose entries do not move alone, a row each.

The entries of a symmetric X move in pairs: with G the gradient of independent entries, the
derivative by X_ij = X_ji is G_ij + G_ji, and G_ii on the diagonal (The Matrix Cookbook, 2.8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Piecewise, true

from symderive.formulas.arrays.index import Index, delta, substitute
from symderive.formulas.arrays.ops import add, apply, transpose
from symderive.formulas.arrays.properties import PROPERTIES
from symderive.formulas.arrays.syntax import Tree


@dataclass(frozen=True, slots=True)
class Structure:
    """How the entries of a matrix are tied.

    Attributes:
        prop: The property that ties them.
        reason: What a line says that used it.
        tree: The structured gradient, from that of independent entries.
        entry: The same of an entry, given the indices of row and column.
        free: Whether an entry is one of those that the others follow.
    """

    prop: str
    reason: str
    tree: Callable[[Tree], Tree]
    entry: Callable[[Expr, Index, Index], Expr]
    free: Callable[[int, int], bool]


def _symmetric(gradient: Tree) -> Tree:
    diagonal = apply("diag", apply("diagonal", gradient))
    return add(gradient, transpose(gradient), apply("negative", diagonal))


def _symmetric_entry(entry: Expr, row: Index, column: Index) -> Expr:
    turned: Expr = substitute(entry, {row: column, column: row})
    return entry + turned - delta(row, column) * entry


def _skew_entry(entry: Expr, row: Index, column: Index) -> Expr:
    turned: Expr = substitute(entry, {row: column, column: row})
    return entry - turned


def _kept(condition: Callable[[Index, Index], Expr]) -> Callable[[Expr, Index, Index], Expr]:
    def entry_of(entry: Expr, row: Index, column: Index) -> Expr:
        return entry * Piecewise((1, condition(row, column)), (0, true))

    return entry_of


ROWS = (
    Structure(
        "diagonal",
        "what is off the diagonal does not move",
        lambda gradient: apply("diag", apply("diagonal", gradient)),
        lambda entry, row, column: delta(row, column) * entry,
        lambda i, j: i == j,
    ),
    Structure(
        "symmetric",
        "entries that are equal move together",
        _symmetric,
        _symmetric_entry,
        lambda i, j: i >= j,
    ),
    Structure(
        "skew-symmetric",
        "entries that are opposite move together",
        lambda gradient: add(gradient, apply("negative", transpose(gradient))),
        _skew_entry,
        lambda i, j: i > j,
    ),
    Structure(
        "lower triangular",
        "what is above the diagonal does not move",
        lambda gradient: apply("tril", gradient, k=0),
        _kept(lambda row, column: row >= column),
        lambda i, j: i >= j,
    ),
    Structure(
        "upper triangular",
        "what is below the diagonal does not move",
        lambda gradient: apply("triu", gradient, k=0),
        _kept(lambda row, column: row <= column),
        lambda i, j: i <= j,
    ),
)
"""From the strictest on: the first that a matrix has is its structure."""

STRUCTURES: Mapping[str, Structure] = {row.prop: row for row in ROWS}
"""Every structure by the property that makes it."""


def structure_of(properties: Sequence[str]) -> Structure | None:
    """What ties the entries of a matrix with these properties.

    >>> structure_of(["positive definite"]).prop
    'symmetric'
    """
    known = {implied for prop in properties for implied in (prop, *PROPERTIES[prop].implies)}
    return next((row for row in ROWS if row.prop in known), None)
