"""Whether index formulas are equal once parts of arrays and named functions are written out.

Index algebra alone compares sums term by term: Σ uₖ σ(vₖ) and Σ uₖ/(1 + exp(−vₖ)) have no term in
common. Here the sums over the same ranges are put under one sign, where what is added up is a
formula of entries like any other, and has its zero test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

from sympy import Add, Basic, Expr, Indexed, Mul, Tuple
from sympy import Sum as SympySum

from symderive.array_certify import BY_ALGEBRA, BY_DEFINITION, named_put_in
from symderive.certify import defined
from symderive.formulas.arrays.algebra import Algebra, TooManyTermsError, factors_of
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import ArrayOf, Index, Part, opened, part, substitute
from symderive.formulas.arrays.part_definitions import meant
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.formulas.zero_test import is_zero
from symderive.sides import BESIDE, kinks_of, takes_sides, zero_beside

MOST_ORDERS = 24
"""Orders of the indices of a sum that are tried, to lay it over another."""


def proof(claim: Expr, truth: Expr, algebra: Algebra, levels: Sequence[Mapping[Expr, Expr]]) -> str:
    """How a claim is proved equal to the truth; empty where it is not known.

    Args:
        claim: An entry of what is claimed.
        truth: The same entry of the derivative.
        algebra: The index algebra under what is known of the arrays.
        levels: Stages by their entries to be put in: some, then all.
    """
    if truth.has(Diff):
        return ""
    if algebra.equal(claim, truth):
        return BY_ALGEBRA.method
    put = [claim, truth]
    for where in levels:
        put = [all_put_in(side, where) for side in (claim, truth)]
        if algebra.equal(*map(defined, put)):
            return BY_ALGEBRA.method
    return equal_written_out(put[0], put[1], algebra)


def all_put_in(formula: Expr, where: Mapping[Expr, Expr]) -> Expr:
    """The formula with every entry of a stage by its definition, and so on to the inputs."""
    for _ in range(len(where)):
        found: Expr = named_put_in(formula, where)
        if found == formula:
            break
        formula = evaluated(found)
    return formula


def equal_written_out(claim: Expr, truth: Expr, algebra: Algebra) -> str:
    """How two formulas are proved equal by their definitions; empty where it is not known.

    Args:
        claim: A formula.
        truth: Another; at its kinks, where the value is a convention, the claim may have its own.
        algebra: The index algebra under what is known of the arrays.

    >>> from sympy import Symbol, tanh, cosh
    >>> from symderive.formulas.arrays.index import entry_of, sigma
    >>> k = Index("k", Symbol("n"))
    >>> u, v = entry_of("u", [k]), entry_of("v", [k])
    >>> one, other = sigma(u / cosh(v) ** 2, [k]), sigma(u - u * tanh(v) ** 2, [k])
    >>> equal_written_out(one, other, Algebra()), equal_written_out(one, sigma(u, [k]), Algebra())
    ('the definitions put in, equal by exact index algebra', '')
    """
    try:
        sides = [defined(evaluated(meant(side))) for side in (claim, truth)]
        kinks = {_unnamed(kink) for kink in kinks_of(sides[1])}
        first, second = (algebra.normal(_turned(side, algebra)) for side in sides)
        difference = algebra.normal(first - second)
    except (TooManyTermsError, RecursionError):
        return ""
    if sums_vanish(difference, is_zero):
        return BY_DEFINITION.method
    if (
        kinks
        and takes_sides(sides[0])
        and sums_vanish(
            difference,
            lambda part: is_zero(part) or zero_beside(part, lambda kink: _unnamed(kink) in kinks),
        )
    ):
        return BESIDE
    return ""


def _unnamed(formula: Expr) -> Expr:
    """A formula whatever its indices are called; of u and −u, one."""
    blank = {index: Index("_", index.size) for index in formula.atoms(Index)}
    plain = canonical(substitute(formula, blank))
    return min(plain, -plain, key=str)


def sums_vanish(formula: Expr, zero: Callable[[Expr], bool | None]) -> bool:
    """Whether a sum of sums is zero: what stands outside of them, and what each range adds up."""
    outside: list[Expr] = []
    ranges: dict[tuple[Expr, ...], list[tuple[Expr, tuple[Index, ...]]]] = {}
    for term in Add.make_args(formula):
        factors = factors_of(term)
        sums = [factor for factor in factors if isinstance(factor, SympySum)]
        if len(sums) != 1:
            outside.append(term)
            continue
        body, indices = opened(sums[0])
        indices = tuple(sorted(indices, key=lambda index: str(index.size)))
        whole = Mul(*(factor for factor in factors if factor != sums[0]), body)
        ranges.setdefault(tuple(i.size for i in indices), []).append((whole, indices))
    totals = [Add(*outside), *map(_added_up, ranges.values())]
    return all(zero(total) for total in totals)


def _added_up(bodies: Sequence[tuple[Expr, tuple[Index, ...]]]) -> Expr:
    """What sums over the same ranges add up entry by entry, each laid over the ones before."""
    first, shared = bodies[0]
    total = canonical(first)
    seen = _entries(total)
    for body, indices in bodies[1:]:
        ways = (canonical(substitute(body, renamed)) for renamed in _orders(indices, shared))
        found = max(ways, key=lambda way: len(_entries(way) & seen))
        total, seen = total + found, seen | _entries(found)
    return total


def _orders(mine: Sequence[Index], shared: Sequence[Index]) -> Iterator[dict[Basic, Basic]]:
    """Ways to name the indices of a sum as those of another of the same ranges."""
    for count, order in enumerate(permutations(shared)):
        if count == MOST_ORDERS:
            return
        if all(a.size == b.size for a, b in zip(mine, order, strict=True)):
            yield dict(zip(mine, order, strict=True))


def _entries(formula: Expr) -> set[Basic]:
    return formula.atoms(Indexed, Part, SympySum)


def _turned(formula: Basic, algebra: Algebra) -> Any:
    """The formula with the inverse of a transpose as the transpose of the inverse.

    Of the two, the matrix whose entries come first by name is the one that is inverted.
    """
    if not formula.args or not formula.has(Part):
        return formula
    made = formula.func(*(_turned(arg, algebra) for arg in formula.args))
    if not isinstance(made, Part) or made.op != "inv" or len(made.indices) != 2:
        return made
    row, column = (Index(name, made.arrays[0].indices[0].size) for name in ("_row", "_to"))
    here, there = (canonical(made.arrays[0].at(at)) for at in ((row, column), (column, row)))
    turned = part(
        "inv", [ArrayOf(min(here, there, key=str), Tuple(row, column))], made.indices[::-1]
    )
    if algebra.equal(here, there):  # symmetric: whichever index comes first, the same
        return (made + turned) / 2
    return made if str(here) <= str(there) else turned
