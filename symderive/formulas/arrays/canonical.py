"""Names of bound indices: formulas that differ in nothing else become the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import permutations
from math import factorial, prod
from typing import Any

from sympy import Basic, Expr, Function, Mul, Tuple
from sympy import Sum as SympySum

from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    bound,
    free_indices,
    fresh,
    opened,
    sigma_as_is,
    substitute,
)

MOST_ORDERS = 100
"""Orders of indices that do the same that are compared; of more, their neighbours tell more."""


def canonical(formula: Basic) -> Any:
    """The formula with its bound indices renamed by what they do, equal ones alike."""
    if not formula.args or not formula.has(SympySum, ArrayOf):
        return formula
    return _canonical(formula)


@lru_cache(maxsize=4096)
def _canonical(formula: Basic) -> Any:
    if isinstance(formula, SympySum):
        return _canonical_sum(formula)
    if isinstance(formula, ArrayOf):
        own = [fresh(index.size) for index in formula.indices]  # no sum inside takes their names
        inner = canonical(formula.at(own))
        start = _first_free(inner)
        names = [Index(f"_s{start + k}", index.size) for k, index in enumerate(own)]
        return ArrayOf(substitute(inner, dict(zip(own, names, strict=True))), Tuple(*names))
    args = [canonical(arg) for arg in formula.args]
    if isinstance(formula, Function) and tuple(args) == formula.args:
        return formula
    return formula.func(*args)


def _first_free(formula: Basic) -> int:
    """The first number that no index inside has, bound or free."""
    numbers = [int(i.name[2:]) for i in free_indices(formula) if i.name.startswith("_s")] + [-1]
    for part in formula.atoms(SympySum, ArrayOf):
        mine = bound(part) if isinstance(part, SympySum) else part.indices
        numbers += [int(index.name[2:]) for index in mine if index.name.startswith("_s")]
    return max(numbers) + 1


def _canonical_sum(formula: SympySum) -> Expr:
    body, indices = opened(formula)
    body = canonical(body)
    start = _first_free(body)
    if len(indices) == 1:  # there is one order, whatever the index does
        name = Index(f"_s{start}", indices[0].size)
        return sigma_as_is(substitute(body, {indices[0]: name}), [name])
    groups = _groups(body, indices)
    best: tuple[str, Expr, list[Index]] | None = None
    for number, order in enumerate(_orders(groups)):
        names = [Index(f"_s{start + k}", index.size) for k, index in enumerate(order)]
        renamed = substitute(body, dict(zip(order, names, strict=True)))
        if len(groups) == len(indices):
            return sigma_as_is(renamed, names)
        text = str(renamed)
        if best is None or text < best[0]:
            best = (text, renamed, names)
        if number > MOST_ORDERS:
            break
    assert best is not None
    return sigma_as_is(best[1], best[2])


def _groups(body: Expr, indices: Sequence[Index]) -> list[list[Index]]:
    """The indices by what they do; where many do the same, by what those beside them do, too."""
    ranks: dict[Index, int] = {}
    while True:
        groups: dict[tuple[Any, ...], list[Index]] = {}
        for index in indices:
            role = (ranks.get(index, 0), *_role(body, index, ranks))
            groups.setdefault(role, []).append(index)
        found = [groups[role] for role in sorted(groups)]
        few = prod(factorial(len(group)) for group in found) <= MOST_ORDERS
        if few or len(found) == len(set(ranks.values())):
            return found
        ranks = {index: rank for rank, group in enumerate(found) for index in group}


def _orders(groups: Sequence[Sequence[Index]]) -> Iterator[tuple[Index, ...]]:
    """The groups one after the other, each in all orders, one at a time."""
    if not groups:
        yield ()
        return
    for first in permutations(groups[0]):
        for rest in _orders(groups[1:]):
            yield (*first, *rest)


def _role(body: Expr, index: Index, ranks: dict[Index, int]) -> tuple[str, ...]:
    """Where an index stands, whatever the indices are called."""
    blank = {
        i: Index(f"_{ranks.get(i, '')}", i.size)
        for i in free_indices(body)
        if i.name.startswith("_f") and i != index
    }
    mark = {index: Index("_me", index.size), **blank}
    return (
        str(index.size),
        *sorted(str(substitute(f, mark)) for f in Mul.make_args(body) if f.has(index)),
    )
