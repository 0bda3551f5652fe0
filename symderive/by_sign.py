"""A formula with branches told by one sign, or by intervals: its form on each, and between.

The slope of max(0, z) is 1, 0 or 1/2; of max(0, z) + log(1 + e^{−|z|}) it is σ(z) on both sides,
and where z is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import And, Basic, Eq, Expr, Interval, Max, Min, Or, Piecewise, S, Symbol, expand

from symderive import laws
from symderive.cost import cost
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.sides import SIGN, STEP, bounds_of, in_pieces, on_side, on_sides
from symderive.tasks import Candidate, Task

MAX_INTERVALS = 6
"""Kinks on a line up to which a formula is told by intervals."""

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
        yield from _by_intervals(plain)
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


def _by_intervals(plain: Expr) -> Iterator[Candidate]:
    """Branches that ask where one name lies, from left to right: min(max(x, 0), 1) has three."""
    names = plain.free_symbols
    if len(names) != 1:
        return
    (name,) = names
    whole = in_pieces(plain)
    parts = _split(whole, name, Interval(S.NegativeInfinity, S.Infinity), MAX_INTERVALS)
    if parts is None or len(parts) < 2:
        return
    forms = [_shortest(form) for form, _ in parts]
    ends = [part.end for _, part in parts[:-1]]
    tests: dict[Expr, list[Basic]] = {form: [] for form in forms}
    below: Basic = S.true  # what bounds the next interval from below
    for form, after, end in zip(forms, forms[1:], ends, strict=False):
        value = evaluated(whole.subs(name, end))
        mine, next_one = (side.subs(name, end) == value for side in (form, after))
        tests[form].append(And(below, name <= end if mine else name < end))
        if not mine and not next_one:
            tests.setdefault(value, []).append(Eq(name, end))
        below = name >= end if next_one and not mine else name > end
    tests[forms[-1]].append(below)
    *rows, (last, _) = sorted(tests.items(), key=lambda row: len(row[1]))
    branches = [(form, Or(*conditions)) for form, conditions in rows]
    yield Candidate(Piecewise(*branches, (last, True)), "interval by interval")


def _split(
    formula: Expr, name: Symbol, part: Interval, room: int
) -> list[tuple[Expr, Interval]] | None:
    """A formula with one form on each open interval; None where it asks for something else."""
    bounds = bounds_of(formula)
    inner = {bound for bound, _ in bounds.values() if not bound.has(SIGN, STEP, Piecewise)}
    if not inner:
        return [(formula, part)]
    kink = min(inner, key=str)
    slope = expand(kink).coeff(name)
    root = -(expand(kink) - slope * name) / slope if slope else S.NaN
    if not room or not root.is_Rational:
        return None
    mine = {bound: row for bound, row in bounds.items() if row[0] == kink}
    found: list[tuple[Expr, Interval]] = []
    for sign, side in (
        (-1, Interval(part.start, Min(part.end, root))),
        (1, Interval(Max(part.start, root), part.end)),
    ):
        if side.measure > 0:
            below = _split(
                on_side(formula, mine, {kink: sign if slope > 0 else -sign}), name, side, room - 1
            )
            if below is None:
                return None
            found += below
    return found


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
