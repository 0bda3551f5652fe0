"""The order in which a reader expects the terms of a sum and the factors of a product.

SymPy's own order puts −Y before A2. Here names rank in the order in which the model mentions
them: sums run from high degree to low and start with a plus where they can, products run from
numbers over names and brackets to functions. Nothing depends on how SymPy stores a formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from sympy import (
    Add,
    Basic,
    Expr,
    Indexed,
    KroneckerDelta,
    Mul,
    Piecewise,
    Pow,
    Symbol,
    preorder_traversal,
)
from sympy import Sum as Summed
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import Function

from symderive.formulas.inert import Diff

Rank = tuple[int, str]
NUMBER, SYMBOL, ENTRY, SUM, FUNCTION, FUNCTION_SUM, DELTA, OTHER, BIG, DIFF = range(10)

_MAX_REPEATED = 12
"""x³ counts as x·x·x among the ranks of a term; beyond this the degree decides alone."""


MAX_ORDERED = 400
"""A model with more names keeps them in the order of first appearance."""


def reading_order(names: Sequence[str], formulas: Iterable[Basic]) -> tuple[str, ...]:
    """The names by first appearance, but as products and sums have them: K before S in K + S.

    >>> from sympy import symbols
    >>> V, S, K = symbols("V S K")
    >>> written = Mul(V, S, Pow(Add(K, S, evaluate=False), -1), evaluate=False)
    >>> reading_order(("V", "S", "K"), [written])
    ('V', 'K', 'S')
    """
    if len(names) > MAX_ORDERED:
        return tuple(names)
    after: dict[str, set[str]] = {name: set() for name in names}
    for kind in (Mul, Add):  # where the two disagree, products decide
        for formula in formulas:
            for part in preorder_traversal(formula):
                if isinstance(part, kind):
                    row = [n for arg in part.args if (n := _name_of(arg)) in after]
                    for one, other in pairwise(dict.fromkeys(row)):
                        if not _leads_to(other, one, after):
                            after[one].add(other)
    waiting, ordered = list(names), []
    while waiting:
        free = next(n for n in waiting if not any(n in after[other] for other in waiting))
        waiting.remove(free)
        ordered.append(free)
    return tuple(ordered)


def _name_of(part: Basic) -> str:
    """The name that a factor or term is, or a power of; "" of anything else."""
    base = part.base if isinstance(part, Pow) and part.exp.is_Integer and part.exp > 0 else part
    return base.name if isinstance(base, Symbol) else ""


def _leads_to(name: str, goal: str, after: Mapping[str, set[str]]) -> bool:
    seen, queue = {name}, [name]
    while queue:
        found = queue.pop()
        if found == goal:
            return True
        queue += after[found] - seen
        seen |= after[found]
    return False


class Order:
    """Sorts terms and factors by the rank of the names in them.

    Args:
        names: The names of the model in order of first appearance; others come after them.
        text: A last resort between equals: the printed text of a formula.
    """

    def __init__(self, names: Sequence[str], text: Callable[[Expr], str]) -> None:
        self.names = tuple(names)
        self.position = {name: k for k, name in enumerate(names)}
        self.text = text
        self._ranks: dict[Basic, tuple[Rank, ...]] = {}

    def terms(self, sum_: Add) -> list[Expr]:
        """The terms of a sum, nested sums included.

        A positive constant comes first before terms that are all negative or no polynomial
        (1 − A2, 1 + e^x), else last.
        """
        flat = list(_flat(sum_, Add))
        constants = [term for term in flat if _is_constant(term)]
        others = [term for term in flat if not _is_constant(term)]
        key = self._tail if self._apart(others) else self._term_key
        ordered = _positive_first(sorted(others, key=key))
        constants = _positive_first(sorted(constants, key=self._term_key))
        if not ordered or not constants:
            return ordered or constants
        lead = not is_negative(constants[0]) and (
            all(map(is_negative, ordered)) or not all(map(_is_polynomial, ordered))
        )
        return constants + ordered if lead else ordered + constants

    def _apart(self, terms: Sequence[Expr]) -> bool:
        """Whether no two terms share a name, so that degrees say nothing: r + σ²/2."""
        ranks = [rank for term in terms for rank in self.ranks(term)]
        return len({*ranks}) == len(ranks) and all(map(_is_polynomial, terms))

    def either_way(self, sum_: Expr) -> Expr:
        """A sum or minus it, whichever starts with the name that is mentioned first: x − m."""
        ways = (sum_, Add(*(-term for term in sum_.args)))
        leads = [self.terms(way)[0] for way in ways if isinstance(way, Add)]
        if len(leads) < 2 or any(is_negative(lead) or _is_constant(lead) for lead in leads):
            return sum_
        return min(zip(leads, ways, strict=True), key=lambda pair: self.ranks(pair[0]))[1]

    def factors(self, factors: Sequence[Expr]) -> list[Expr]:
        """The factors of a product that are no plain numbers."""
        return sorted(factors, key=self._factor_key)

    def arguments(self, arguments: Sequence[Basic]) -> list[Basic]:
        """The arguments of something symmetric: max, and, or."""
        return sorted(arguments, key=lambda arg: (bool(arg.args), *self._tail(arg)))

    def ranks(self, formula: Basic) -> tuple[Rank, ...]:
        """The ranks of the names in a formula, the first mentioned first."""
        if formula not in self._ranks:
            if hasattr(formula, "size"):
                found: set[Rank] = set()  # an index: the array's name decides alone
            elif isinstance(formula, Symbol):
                position = self.position.get(formula.name, len(self.position))
                natural = re.sub(r"\d+", lambda digits: digits[0].zfill(9), formula.name)
                found = {(position, natural)}
            elif isinstance(formula, ExprWithLimits):
                found = set(self.ranks(formula.function))
            else:
                found = {rank for arg in formula.args for rank in self.ranks(arg)}
            self._ranks[formula] = tuple(sorted(found))
        return self._ranks[formula]

    def _term_key(self, term: Expr) -> tuple[object, ...]:
        repeated = list(self.ranks(term))
        for factor in _flat(term, Mul):
            if isinstance(factor, Pow) and factor.exp.is_Integer and factor.base.is_Symbol:
                times = min(abs(int(factor.exp)) - 1, _MAX_REPEATED)
                repeated += self.ranks(factor.base) * times
        return (-_degree(term), tuple(sorted(repeated)), size(term), self.text(term))

    def _factor_key(self, factor: Expr) -> tuple[object, ...]:
        group = group_of(factor)
        if group == DIFF and isinstance(factor, Diff):
            # Along the chain: ∂A3/∂A2 before ∂A2/∂A1.
            ranks = tuple((-position, name) for position, name in self.ranks(factor.args[0]))
            return (group, tuple(sorted(ranks)), size(factor), self.text(factor))
        return (group, *self._tail(factor))

    def _tail(self, formula: Basic) -> tuple[object, ...]:
        return (self.ranks(formula), size(formula), self.text(formula))


def is_negative(term: Expr) -> bool:
    """Whether a term is written with a minus sign in front."""
    if term.is_Number:
        return bool(term.is_negative)
    if not isinstance(term, Mul):
        return False
    factors = _flat(term, Mul)
    return sum(is_negative(factor) or flips(factor) for factor in factors) % 2 == 1


def flips(factor: Expr) -> bool:
    """Whether a factor is an odd power of a sum of negative terms, better written as −(…)."""
    if isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp.is_odd:
        factor = factor.base
    return isinstance(factor, Add) and all(map(is_negative, factor.args))


def flipped(factor: Expr) -> Expr:
    """The factor times −1, for one that flips."""
    if isinstance(factor, Pow):
        return Pow(flipped(factor.base), factor.exp)
    return Add(*(-term for term in factor.args))


def size(formula: Basic) -> int:
    """The number of parts of a formula."""
    return 1 + sum(map(size, formula.args))


def _flat(formula: Expr, kind: type[Expr]) -> list[Expr]:
    if not isinstance(formula, kind):
        return [formula]
    return [part for arg in formula.args for part in _flat(arg, kind)]


def _positive_first(terms: list[Expr]) -> list[Expr]:
    """The terms with the first positive one in front: A2 − Y."""
    if terms and is_negative(terms[0]):
        for position, term in enumerate(terms):
            if not is_negative(term):
                return [term, *terms[:position], *terms[position + 1 :]]
    return terms


def _is_constant(term: Expr) -> bool:
    return not term.free_symbols


def _is_polynomial(term: Expr) -> bool:
    if isinstance(term, Symbol | Indexed | KroneckerDelta) or _is_constant(term):
        return True
    if isinstance(term, Summed):
        return _is_polynomial(term.function)
    if isinstance(term, Add | Mul):
        return all(map(_is_polynomial, term.args))
    if isinstance(term, Pow):
        return bool(term.exp.is_Integer and term.exp.is_positive) and _is_polynomial(term.base)
    return False


def _degree(term: Expr) -> float:
    """The degree of a term in the names that stand in it outside functions."""
    if isinstance(term, Symbol | Indexed):
        return 1
    if isinstance(term, Summed):
        return _degree(term.function)
    if isinstance(term, Mul):
        return sum(map(_degree, term.args))
    if isinstance(term, Add):
        return max(map(_degree, term.args))
    if isinstance(term, Pow) and term.exp.is_Rational:
        return _degree(term.base) * float(term.exp)
    return 0


def group_of(factor: Expr) -> int:
    """What kind of factor it is: numbers, names, brackets, functions, the rest."""
    if isinstance(factor, Diff):
        return DIFF
    if isinstance(factor, Symbol):
        return SYMBOL
    if isinstance(factor, Indexed):
        return ENTRY
    if getattr(factor, "is_array_part", False):
        return ENTRY if factor.indices else FUNCTION  # (A⁻¹)_ij, det A
    if isinstance(factor, KroneckerDelta):
        return DELTA
    if isinstance(factor, Add):
        return FUNCTION_SUM if factor.has(Function) else SUM  # σ(x)(1 − σ(x))
    if isinstance(factor, Pow) and factor.exp.is_Number:
        return group_of(factor.base)
    if isinstance(factor, ExprWithLimits):
        return BIG
    if isinstance(factor, Piecewise):
        return OTHER
    if not factor.free_symbols:
        return NUMBER
    return FUNCTION if isinstance(factor, Function | Pow) else OTHER
