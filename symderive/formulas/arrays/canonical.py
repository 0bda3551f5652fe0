"""Names of bound indices: formulas that differ in nothing else become the same."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from itertools import product as cartesian
from typing import Any

from sympy import Basic, Expr, Function, Mul, Tuple
from sympy import Sum as SympySum

from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    bound,
    free_indices,
    opened,
    sigma_as_is,
    substitute,
)


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
        inner = canonical(formula.formula)
        start = _first_free(inner)
        names = [Index(f"_s{start + k}", index.size) for k, index in enumerate(formula.indices)]
        renames = dict(zip(formula.indices, names, strict=True))
        return ArrayOf(substitute(inner, renames), Tuple(*names))
    args = [canonical(arg) for arg in formula.args]
    if isinstance(formula, Function) and tuple(args) == formula.args:
        return formula
    return formula.func(*args)


def _first_free(formula: Basic) -> int:
    """The first number that no bound index inside has."""
    numbers = [-1]
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
    groups: dict[tuple[str, ...], list[Index]] = {}
    for index in indices:
        groups.setdefault(_role(body, index), []).append(index)
    best: tuple[str, Expr, list[Index]] | None = None
    choices = [permutations(groups[role]) for role in sorted(groups)]
    for number, choice in enumerate(cartesian(*choices)):
        order = [index for group in choice for index in group]
        names = [Index(f"_s{start + k}", index.size) for k, index in enumerate(order)]
        renamed = substitute(body, dict(zip(order, names, strict=True)))
        if len(groups) == len(indices):
            return sigma_as_is(renamed, names)
        text = str(renamed)
        if best is None or text < best[0]:
            best = (text, renamed, names)
        if number > 100:
            break
    assert best is not None
    return sigma_as_is(best[1], best[2])


def _role(body: Expr, index: Index) -> tuple[str, ...]:
    """Where an index stands, whatever the indices are called."""
    blank = {
        i: Index("_", i.size) for i in free_indices(body) if i.name.startswith("_f") and i != index
    }
    mark = {index: Index("_me", index.size), **blank}
    return (
        str(index.size),
        *sorted(str(substitute(f, mark)) for f in Mul.make_args(body) if f.has(index)),
    )
