"""Whether index formulas are equal once parts of arrays and named functions are written out.

Index algebra alone compares sums term by term: Σ uₖ σ(vₖ) and Σ uₖ/(1 + exp(−vₖ)) have no term in
common. Here the sums over the same ranges are put under one sign, where what is added up is a
formula of entries like any other, and has its zero test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from sympy import Add, Basic, Expr, Indexed, Mul, Tuple
from sympy import Sum as SympySum

from symderive.certify import defined
from symderive.formulas.arrays.algebra import Algebra, TooManyTermsError, factors_of
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import ArrayOf, Index, Part, opened, part, substitute
from symderive.formulas.arrays.part_definitions import meant
from symderive.formulas.written import evaluated
from symderive.formulas.zero_test import is_zero

MOST_ORDERS = 24
"""Orders of the indices of a sum that are tried, to lay it over another."""


def equal_written_out(left: Expr, right: Expr, algebra: Algebra) -> bool:
    """Whether two formulas are proved equal by their definitions; False: it is not known.

    >>> from sympy import Symbol, exp, log, tanh, cosh
    >>> from symderive.formulas.arrays.index import entry_of, sigma
    >>> k = Index("k", Symbol("n"))
    >>> u, v = entry_of("u", [k]), entry_of("v", [k])
    >>> one, other = sigma(u / cosh(v) ** 2, [k]), sigma(u - u * tanh(v) ** 2, [k])
    >>> equal_written_out(one, other, Algebra()), equal_written_out(one, sigma(u, [k]), Algebra())
    (True, False)
    """
    try:
        sides = [algebra.normal(_turned(defined(evaluated(meant(side))))) for side in (left, right)]
        return sums_vanish(algebra.normal(sides[0] - sides[1]))
    except (TooManyTermsError, RecursionError):
        return False


def sums_vanish(formula: Expr) -> bool:
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
    return bool(is_zero(Add(*outside))) and all(map(_adds_up_to_zero, ranges.values()))


def _adds_up_to_zero(bodies: Sequence[tuple[Expr, tuple[Index, ...]]]) -> bool:
    """Whether sums over the same ranges add up to zero entry by entry, laid over the first."""
    first, shared = bodies[0]
    laid = canonical(first)
    total, seen = laid, _entries(laid)
    for body, indices in bodies[1:]:
        ways = (canonical(substitute(body, renamed)) for renamed in _orders(indices, shared))
        found = max(ways, key=lambda way: len(_entries(way) & seen))
        total, seen = total + found, seen | _entries(found)
    return bool(is_zero(total))


def _orders(mine: Sequence[Index], shared: Sequence[Index]) -> Iterator[dict[Basic, Basic]]:
    """Ways to name the indices of a sum as those of another of the same ranges."""
    for count, order in enumerate(permutations(shared)):
        if count == MOST_ORDERS:
            return
        if all(a.size == b.size for a, b in zip(mine, order, strict=True)):
            yield dict(zip(mine, order, strict=True))


def _entries(formula: Expr) -> set[Basic]:
    return formula.atoms(Indexed, Part, SympySum)


def _turned(formula: Basic) -> Any:
    """The formula with the inverse of a transpose as the transpose of the inverse.

    Of the two, the matrix whose entries come first by name is the one that is inverted.
    """
    if not formula.args or not formula.has(Part):
        return formula
    made = formula.func(*map(_turned, formula.args))
    if not isinstance(made, Part) or made.op != "inv" or len(made.indices) != 2:
        return made
    row, column = (Index(name, made.arrays[0].indices[0].size) for name in ("_row", "_to"))
    here, there = (canonical(made.arrays[0].at(at)) for at in ((row, column), (column, row)))
    if str(here) <= str(there):
        return made
    return part("inv", [ArrayOf(there, Tuple(row, column))], made.indices[::-1])
