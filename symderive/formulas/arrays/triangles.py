"""Masks of triangles beside triangular matrices: what is zero anyway needs no mask.

[k ≤ q] L_kq of a lower triangular L is δ_kq L_kk, and [k ≥ q] L_kq is L_kq.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Basic, Expr, Indexed, Piecewise, S
from sympy.core.relational import Relational

from symderive.formulas.arrays.index import Index, Part, delta
from symderive.formulas.arrays.properties import Knowledge

BELOW, ON, ABOVE = 1, 0, -1
"""The sign of row − column."""

_HOLDS: Mapping[str, tuple[int, ...]] = {
    ">": (BELOW,),
    ">=": (BELOW, ON),
    "<": (ABOVE,),
    "<=": (ABOVE, ON),
    "==": (ON,),
    "!=": (BELOW, ABOVE),
}


def unmasked(mask: Piecewise, others: Sequence[Expr], known: Knowledge) -> Expr | None:
    """What a mask is beside other factors; None where they say nothing of it.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.index import entry_of
    >>> n = Symbol("n")
    >>> i, j = Index("i", n), Index("j", n)
    >>> known = Knowledge({"L": ["lower triangular"]})
    >>> unmasked(Piecewise((1, i <= j), (0, True)), [entry_of("L", [i, j])], known)
    KroneckerDelta(i, j)
    """
    read = _read(mask)
    if read is None:
        return None
    row, column, values = read
    zero = {sign for factor in others for sign in _zeros(factor, row, column, known)}
    if not zero:
        return None
    left = {sign: value for sign, value in values.items() if sign not in zero}
    if len(set(left.values())) == 1 and len(left) > 1:
        return next(iter(left.values()))
    if all(value == 0 for sign, value in left.items() if sign != ON):
        return left.get(ON, S.Zero) * delta(row, column)
    return None


def _read(mask: Piecewise) -> tuple[Index, Index, dict[int, Expr]] | None:
    """Two indices, and the values below, on and above the diagonal."""
    pair: tuple[Basic, ...] = ()
    values: dict[int, Expr] = {}
    for value, condition in mask.args:
        holds: tuple[int, ...] = (BELOW, ON, ABOVE)
        if isinstance(condition, Relational):
            ends = condition.args
            pair = pair or ends
            if set(ends) != set(pair) or not all(isinstance(end, Index) for end in ends):
                return None
            holds = _HOLDS[condition.rel_op]
            if ends != pair:
                holds = tuple(-sign for sign in holds)
        elif condition != True:  # noqa: E712 (SymPy's own true)
            return None
        for sign in holds:
            values.setdefault(sign, value)
    if len(values) < 3 or not pair:
        return None
    row, column = pair
    assert isinstance(row, Index)
    assert isinstance(column, Index)
    return row, column, values


def _zeros(factor: Expr, row: Index, column: Index, known: Knowledge) -> tuple[int, ...]:
    """The sides of the diagonal on which an entry is zero."""
    shape = triangle_of(factor, known)
    if shape is None or not isinstance(factor, Indexed | Part):
        return ()
    at = tuple(factor.indices[-2:])
    if at == (row, column):
        return (ABOVE,) if shape == "lower" else (BELOW,)
    if at == (column, row):
        return (BELOW,) if shape == "lower" else (ABOVE,)
    return ()


def triangle_of(factor: Expr, known: Knowledge) -> str | None:
    """``lower`` or ``upper`` where an entry is one of a triangular matrix, or of its inverse."""
    if isinstance(factor, Part):
        if factor.op == "cholesky":
            return "lower"
        (array, *_) = factor.arrays
        inside = array.formula
        if factor.op != "inv" or not isinstance(inside, Indexed | Part):
            return None
        if tuple(inside.indices[-2:]) != tuple(array.indices):
            return None
        return triangle_of(inside, known)
    if isinstance(factor, Indexed):
        name = str(factor.base.label)
        for side in ("lower", "upper"):
            if known.has(name, f"{side} triangular"):
                return side
    return None
