"""A formula with branches told by one sign: its form on either side of it, and between.

The slope of max(0, z) is 1, 0 or 1/2; of max(0, z) + log(1 + e^{−|z|}) it is σ(z) on both sides,
and where z is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Expr, Piecewise, S, Symbol

from symderive import laws
from symderive.cost import cost
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.sides import on_sides
from symderive.tasks import Candidate, Task

MAX_COST = 60.0
"""A formula that costs more is not looked at."""


def by_sign(task: Task) -> Iterator[Candidate]:
    """Branches that all ask for one sign, gathered: one form a side, or one form for all.

    >>> from sympy.abc import x
    >>> from symderive.formulas.functions import FUNCTIONS
    >>> step = Piecewise((1, x > 0), (Piecewise((0, x < 0), (S.Half, True)), True))
    >>> [str(c.formula) for c in by_sign(Task(2 * step - FUNCTIONS['sign'].apply(x)))]
    ['1']
    """
    plain = task.plain
    nested = (p for p in plain.atoms(Piecewise) if any(f.has(Piecewise) for f, _ in p.args))
    if cost(plain) > MAX_COST or next(nested, None) is None:
        return
    sides = on_sides(plain)
    if sides is None:
        return
    quantity, forms = sides
    above, below, between = map(_shortest, forms)
    if above == below:
        if not isinstance(quantity, Symbol):
            return
        if _at_zero(between, quantity) == _at_zero(above, quantity):
            yield Candidate(above, "the same on both sides")
            return
    rows = [(above, _is_positive(quantity)), (below, _is_positive(-quantity)), (between, True)]
    if between == below:
        rows = [rows[0], (below, True)]
    yield Candidate(Piecewise(*rows), "side by side")


def _is_positive(quantity: Expr) -> Basic:
    """Quantity > 0, with what is subtracted on the other side."""
    terms = quantity.as_ordered_terms()
    minus = [-term for term in terms if term.could_extract_minus_sign()]
    left, right = quantity + sum(minus), sum(minus, S.Zero)
    return right < left if left.is_Number else left > right


def _at_zero(formula: Expr, name: Symbol) -> Expr:
    return evaluated(formula).subs(name, 0)


def _shortest(formula: Expr) -> Expr:
    plain = laws.everywhere(evaluated(formula), laws.reflected)
    try:
        kernels = Kernels([plain])
        element = kernels.normal(plain)
        return min((plain, kernels.factored(element), kernels.expanded(element)), key=cost)
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return plain
