"""Stages whose entries sum to a number along an axis: 0 where they are centred, 1 of a softmax.

A stage (x − μ)/s has the sum 0 because μ is the mean of x, exp(z)/Σ exp(z) has the sum 1: the
definitions say so, by index algebra alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from sympy import Expr, Indexed, Integer, Pow, S
from sympy import Sum as SympySum

from symderive.array_certify import named_put_in
from symderive.array_forms import array_cost
from symderive.formulas.arrays.algebra import Algebra, algebra_under
from symderive.formulas.arrays.index import Index, Part, free_indices, sigma
from symderive.formulas.arrays.properties import PART_SUMS, Axes, Knowledge
from symderive.formulas.written import evaluated

MAX_COST = 20.0
"""A definition that costs more is not summed."""

MAX_ROUNDS = 3

Sums = dict[tuple[str, Axes], Expr]
"""The sum of an array along an axis or several, by its name and them."""


def constant_sums(stated: Mapping[Expr, Expr], entries: Sequence[Expr], known: Knowledge) -> Sums:
    """The axes along which the entries of stages sum to 0 or 1, as their definitions say.

    Args:
        stated: The definitions of stages, by their entries.
        entries: Those that may sum to a number.
        known: What is known of the arrays.
    """
    found: Sums = {}
    for _ in range(MAX_ROUNDS):  # (x − μ)/s is centred once x − μ is known to be
        before = len(found)
        algebra = algebra_under(known.with_sums(found))
        for entry in entries:
            definition = stated[entry]
            for axes in _axes(entry, definition, stated):
                key = (str(entry.base.label), axes[0] if len(axes) == 1 else axes)
                indices = [entry.indices[axis] for axis in axes]
                value = None if key in found else _sum(definition, indices, stated, algebra)
                if value is not None:
                    found[key] = value
        if len(found) == before:
            break
    return found


def _axes(entry: Expr, definition: Expr, stated: Mapping[Expr, Expr]) -> Iterator[tuple[int, ...]]:
    """Each axis, then those together along which a sum in the definition has one value."""
    yield from ((axis,) for axis in range(len(entry.indices)))
    sums = {e.base for e, meaning in stated.items() if e.is_Indexed and meaning.has(SympySum)}
    for name in sorted(definition.atoms(Indexed), key=str):
        if name.base in sums:
            axes = [k for k, i in enumerate(entry.indices) if i not in free_indices(name)]
            if len(axes) > 1:
                yield tuple(axes)


def _sum(
    definition: Expr, indices: Sequence[Expr], stated: Mapping[Expr, Expr], algebra: Algebra
) -> Expr | None:
    """Σ definition, where it is 0 or 1."""
    if not all(isinstance(index, Index) for index in indices):
        return None
    if isinstance(definition, Part):
        plain = definition.op in PART_SUMS and definition.indices == tuple(indices)
        return PART_SUMS[definition.op] if plain else None
    for formula in _candidates(definition, {*indices}, stated, algebra):
        if array_cost(formula) > MAX_COST:
            continue
        total = algebra.contracted(sigma(formula, indices))
        if total.is_Integer and total in (S.Zero, S.One):
            return Integer(total)
        total = algebra.contracted(algebra.split(total))
        if total.is_Integer and total in (S.Zero, S.One):
            return Integer(total)
    return None


def _candidates(
    definition: Expr, indices: Set[Expr], stated: Mapping[Expr, Expr], algebra: Algebra
) -> Iterator[Expr]:
    """The definition, alone and with the stages in it that are the same along the axis put in.

    Only what subtracts or divides can sum to a number, and a product of what does.
    """
    names = {str(entry.base.label) for entry in definition.atoms(Indexed)}
    summed = {name for name, _ in algebra.known.sums} | algebra.known.having("stochastic")
    if not (
        definition.has(Pow)
        or definition.is_Add
        or any(f.is_Add for f in definition.args)
        or names & summed
    ):
        return
    if definition.has(SympySum) or names & summed:
        yield definition
    level: dict[Expr, Expr] = {}
    bases = {entry.base: entry for entry in stated if isinstance(entry, Indexed)}
    for name in definition.atoms(Indexed):
        entry = bases.get(name.base)
        if entry is not None and not indices & free_indices(name):
            level[entry] = stated[entry]
    for symbol in definition.free_symbols:
        if symbol in stated and not isinstance(symbol, Indexed):
            level[symbol] = stated[symbol]
    level = {entry: meaning for entry, meaning in level.items() if meaning.has(SympySum)}
    if level:
        yield evaluated(named_put_in(definition, level))
