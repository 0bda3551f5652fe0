"""Sums that hold the sum of a stage: Σ_kl D_ik P_il V_lk is Σ_k D_ik O_ik where O = P V.

The factors of a stage's sum are looked for among those of a longer sum; what the stage sums over
must stand in none of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sympy import Basic, Expr, Indexed, Mul, Pow, preorder_traversal
from sympy import Sum as SympySum

from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import Index, Part, free_indices, opened, sigma, substitute

MAX_FACTORS = 6
"""Factors of a stage's sum up to which they are looked for."""

Places = dict[Index, Expr]


def with_subsums(formula: Expr, stated: Mapping[Expr, Expr], algebra: Algebra) -> Iterator[Expr]:
    """The formula with one stage's sum by its name inside a longer sum; a form each.

    Args:
        formula: A formula with sums.
        stated: The definitions of stages by their entries.
        algebra: The index algebra under what is known of the arrays.

    >>> from sympy import symbols
    >>> from symderive.formulas.arrays.index import entry_of
    >>> n = symbols("n")
    >>> i, k, l = (Index(name, n) for name in "ikl")
    >>> total = sigma(entry_of("D", [i, k]) * entry_of("P", [i, l]) * entry_of("V", [l, k]), [k, l])
    >>> product = sigma(entry_of("P", [i, l]) * entry_of("V", [l, k]), [l])
    >>> from symderive.formulas.arrays.canonical import canonical
    >>> from symderive.formulas.arrays.properties import Knowledge
    >>> stated = {entry_of("O", [i, k]): product}
    >>> [canonical(found) for found in with_subsums(total, stated, Algebra(Knowledge({})))]
    [Sum(D[i, _s0]*O[i, _s0], (_s0, 0, n - 1))]
    """
    sums = [part for part in preorder_traversal(formula) if isinstance(part, SympySum)]
    for part in dict.fromkeys(sums):
        for entry, definition in stated.items():
            for short in _shorter(part, entry, definition, algebra):
                yield formula.xreplace({part: short})


def _shorter(part: SympySum, entry: Expr, definition: Expr, algebra: Algebra) -> Iterator[Expr]:
    """A sum with the stage's entry for some of its factors."""
    scale, inside = _one_sum(definition)
    if inside is None:
        return
    wanted, mine = opened(inside)
    factors = _factors(wanted)
    body, indices = opened(part)
    given = _factors(body)
    if not 1 < len(factors) <= MAX_FACTORS or len(factors) > len(given):
        return
    if {_kind(f) for f in factors} - {_kind(f) for f in given}:
        return
    for chosen, places in _matches(factors, given, {}, (), algebra):
        rest = [f for k, f in enumerate(given) if k not in chosen]
        gone = [places.get(index) for index in mine]
        left = [index for index in indices if index not in gone]
        if len(set(gone)) < len(mine) or any(index not in indices for index in gone):
            continue
        own = [i for i in free_indices(entry) if isinstance(i, Index)]
        if any(i not in places for i in own) or any(f.has(*gone) for f in rest):
            continue
        named = substitute(entry, {i: places[i] for i in own}) / scale
        if not named.has(*gone):
            yield sigma(Mul(*rest, named), left) if left else Mul(*rest, named)


def _one_sum(definition: Expr) -> tuple[Expr, SympySum | None]:
    """c·Σ as its number and its sum."""
    factors = Mul.make_args(definition)
    sums = [f for f in factors if isinstance(f, SympySum)]
    rest = Mul(*(f for f in factors if f not in sums))
    if len(sums) != 1 or free_indices(rest):
        return rest, None
    return rest, sums[0]


def _factors(body: Expr) -> list[Expr]:
    """The factors, squares as two."""
    found: list[Expr] = []
    for factor in Mul.make_args(body):
        twice = isinstance(factor, Pow) and factor.exp == 2
        found += [factor.base] * 2 if twice else [factor]
    return found


def _kind(factor: Expr) -> Basic | type | tuple[Basic, ...]:
    if isinstance(factor, Part):
        return factor.args[:2]
    return factor.base if isinstance(factor, Indexed) else type(factor)


def _matches(
    wanted: Sequence[Expr],
    given: Sequence[Expr],
    places: Places,
    chosen: tuple[int, ...],
    algebra: Algebra,
) -> Iterator[tuple[tuple[int, ...], Places]]:
    """Which factors are those wanted, and which index each of theirs is."""
    if not wanted:
        yield chosen, places
        return
    first, *others = wanted
    for number, factor in enumerate(given):
        if number not in chosen:
            for more in _matched(first, factor, places, algebra):
                yield from _matches(others, given, more, (*chosen, number), algebra)


def _matched(wanted: Expr, given: Expr, places: Places, algebra: Algebra) -> Iterator[Places]:
    """The places of indices at which one factor is the other."""
    if not isinstance(wanted, Indexed | Part) or not wanted.indices:
        if wanted == given and not free_indices(wanted):
            yield places
        elif _kind(wanted) == _kind(given):
            yield from _alike(wanted, given, places)
        return
    if _kind(wanted) != _kind(given) or not free_indices(wanted) <= {*wanted.indices}:
        return
    for there in algebra.ways(given):
        found = _placed(wanted.indices, there, places)
        if found is not None:
            yield found


def _alike(wanted: Expr, given: Expr, places: Places) -> Iterator[Places]:
    """The places where exp(z_k) is exp(z_i): what has one index alone."""
    mine, theirs = free_indices(wanted), free_indices(given)
    if len(mine) != 1 or len(theirs) != 1:
        return
    found = _placed([*mine], [*theirs], places)
    if found is not None and canonical(substitute(wanted, found)) == canonical(given):
        yield found


def _placed(wanted: Sequence[Expr], given: Sequence[Expr], places: Places) -> Places | None:
    """The places of indices, where each is at one; None where they are not."""
    found = dict(places)
    for mine, theirs in zip(wanted, given, strict=True):
        if not isinstance(mine, Index):
            if mine != theirs:
                return None
            continue
        if not isinstance(theirs, Index) or theirs.size != mine.size:
            return None
        if found.setdefault(mine, theirs) != theirs:
            return None
    return found
