"""A formula with branches told by one sign: its form on either side of it, and between.

The slope of max(0, z) is 1, 0 or 1/2; of max(0, z) + log(1 + e^{−|z|}) it is σ(z) on both sides,
and where z is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Basic, Expr, Piecewise, S, Symbol, expand, sign
from sympy.core.relational import Relational

from symderive import laws
from symderive.cost import cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.tasks import Candidate, Task

ABS: Any = FUNCTIONS["abs"].function
SIGN: Any = FUNCTIONS["sign"].function

MAX_COST = 60.0
"""A formula that costs more is not looked at."""

SIDES = (1, -1, 0)
"""Where the quantity is positive, negative and zero."""


def by_sign(task: Task) -> Iterator[Candidate]:
    """Branches that all ask for one sign, gathered: one form a side, or one form for all.

    >>> from sympy.abc import x
    >>> step = Piecewise((1, x > 0), (Piecewise((0, x < 0), (S.Half, True)), True))
    >>> [str(c.formula) for c in by_sign(Task(2 * step - SIGN(x)))]
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


def on_sides(formula: Expr) -> tuple[Expr, tuple[Expr, Expr, Expr]] | None:
    """The one quantity whose sign a formula asks for, and the formula for each; None for more.

    >>> from sympy.abc import x
    >>> on_sides(Piecewise((x, x > 1), (1, True)) + ABS(2 - 2 * x))
    (x - 1, (3*x - 2, 3 - 2*x, 1))
    """
    asked = [relation.lhs - relation.rhs for relation in formula.atoms(Relational)]
    asked += [part.args[0] for part in formula.atoms(ABS, SIGN)]
    quantities = {expand(part).as_content_primitive()[1] for part in asked}
    lead = min(quantities, key=str, default=S.Zero)
    if not lead.free_symbols or not all(_ratio(part, lead) for part in asked):
        return None
    if lead.could_extract_minus_sign():
        lead = -lead
    try:
        return lead, tuple(_on_side(formula, lead, side) for side in SIDES)
    except ValueError:
        return None


def _ratio(part: Expr, quantity: Expr) -> Expr | None:
    """The number that a part is times the quantity; None where it is none."""
    ratio = expand(part) / quantity
    ratio = ratio if ratio.is_Number else ratio.cancel()
    return ratio if ratio.is_Rational and ratio != 0 else None


def _on_side(formula: Basic, quantity: Expr, side: int) -> Any:
    if isinstance(formula, Piecewise):
        for branch, condition in formula.args:
            if condition == True or _holds(condition, quantity, side):  # noqa: E712
                return _on_side(branch, quantity, side)
        raise ValueError
    if not formula.args:
        return formula
    if isinstance(formula, ABS | SIGN):
        ratio = _ratio(formula.args[0], quantity)
        whole = sign(ratio) * side
        return whole if isinstance(formula, SIGN) else whole * formula.args[0]
    return formula.func(*(_on_side(arg, quantity, side) for arg in formula.args))


def _holds(condition: Basic, quantity: Expr, side: int) -> bool:
    """Whether a relation holds on a side.

    Raises:
        ValueError: It is no such relation.
    """
    ratio = _ratio(condition.lhs - condition.rhs, quantity) if condition.is_Relational else None
    if ratio is None:
        raise ValueError
    return bool(condition.func(sign(ratio) * side, 0))


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
