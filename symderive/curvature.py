"""Whether a function of several names is convex: the signs of its second derivatives, by form.

Between which numbers a formula lies is found from its parts, as 0 ≤ σ ≤ 1 and u² ≥ 0; a matrix is
semidefinite where its pivots are not negative. What is said is proved; of a matrix of which
nothing is said nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from sympy import Add, Expr, Function, ImmutableMatrix, Mul, Piecewise, Pow, Symbol, factor_terms

from symderive.closed_form import simplest
from symderive.conditions import conditions_of, is_positive
from symderive.cost import cost
from symderive.formulas.arrays.definite import ANY, POSITIVE, RANGES, Range, product_of
from symderive.formulas.functions import function_of
from symderive.formulas.written import evaluated, parts_of

if TYPE_CHECKING:
    from symderive.model import Model

MAX_NAMES, MAX_COST = 6, 60.0
"""A matrix with more rows, or with an entry that costs more, is not looked at."""

SHARES = frozenset({"sigmoid", "norm_cdf"})
ABOVE = SHARES | {"softplus", "norm_pdf"}
"""Functions between 0 and 1, and those that are more than 0, and never equal."""

Rows = list[list[Expr]]


def definiteness(matrix: ImmutableMatrix, model: Model, target: str) -> str:
    """What the form of the second derivatives of a stage proves of them; "" where nothing.

    Args:
        matrix: The second derivatives, in the names of the model.
        model: The model.
        target: The stage.

    >>> from symderive import Model, derive
    >>> derive(Model({"f": "(x - y)**2 + x**4"})).hessian("f").definiteness
    'positive semidefinite'
    >>> derive(Model({"f": "x**2 - 3*y**2"})).hessian("f").definiteness
    'indefinite'
    """
    inside = model.ancestors(target)
    stages = {s.name: evaluated(s.written) for s in model.stages.values() if s.name in inside}
    known = _Known(stages, frozenset(map(Symbol, model.positive)))
    rows = [[evaluated(entry) for entry in matrix.row(k)] for k in range(matrix.rows)]
    if len(rows) > MAX_NAMES or not known.regular:
        return ""
    for written in (rows, [[known.opened(entry) for entry in row] for row in rows]):
        for sign, word in ((1, "positive"), (-1, "negative")):
            if known.semidefinite([[sign * entry for entry in row] for row in written]):
                return f"{word} semidefinite"
    return "indefinite" if all(entry.is_Rational for row in rows for entry in row) else ""


class _Known:
    """What the stages say of the values of their names.

    Args:
        stages: Their formulas.
        positive: Names that are stated to be positive.
    """

    def __init__(self, stages: Mapping[str, Expr], positive: frozenset[Symbol]) -> None:
        self.stages = {Symbol(name): formula for name, formula in stages.items()}
        needed = [c for formula in stages.values() for c, _ in conditions_of(formula)]
        above = {c.args[0] for c in needed if c.rel_op in (">", ">=") and c.args[0].is_Symbol}
        self.positive = (positive | above) - self.stages.keys()
        self.ranges: dict[Expr, Range] = dict.fromkeys(self.positive, POSITIVE)
        self.regular = not any(map(_has_kink, stages.values())) and all(
            self._everywhere(condition) for condition in needed
        )

    def _everywhere(self, condition: Expr) -> bool:
        """Whether it parts the domain in no two pieces: of one name, or true of any."""
        left = condition.args[0]
        if left in self.positive:
            return True
        forms = (left, self.opened(left), simplest(self.opened(left), self.positive))
        return any(map(self._is_above, forms))

    def _is_above(self, formula: Expr) -> bool:
        """Whether a formula is more than 0 everywhere, and not only at least 0."""
        if isinstance(formula, Add):
            rest, last = formula.as_coeff_Add()
            if rest == 1 and _name_of(-last) in SHARES:
                return True
        return _name_of(formula) in ABOVE or is_positive(formula, self.positive)

    def opened(self, formula: Expr) -> Expr:
        """A formula with the stages written out; what is too long stays as it is."""
        for _ in self.stages:
            found = evaluated(formula.xreplace(self.stages))
            if found == formula or cost(found) > MAX_COST:
                break
            formula = found
        return formula

    # Between which numbers a formula lies ---------------------------------------------------

    def range_of(self, formula: Expr) -> Range:
        """The least and the greatest value that it may have."""
        if formula not in self.ranges:
            self.ranges[formula] = ANY  # a stage in terms of itself says nothing
            self.ranges[formula] = self._range_of(formula)
        return self.ranges[formula]

    def _range_of(self, formula: Expr) -> Range:
        if formula.is_number:
            value = float(formula) if formula.is_real else None
            return ANY if value is None else (value, value)
        if formula in self.stages:
            return self.range_of(self.stages[formula])
        if isinstance(formula, Add):
            inner = [self.range_of(term) for term in formula.args]
            return sum(low for low, _ in inner), sum(high for _, high in inner)
        if isinstance(formula, Mul):
            return product_of([self.range_of(factor) for factor in formula.args])
        if isinstance(formula, Pow):
            return self._of_power(formula)
        row = function_of(formula)
        return RANGES.get(row.name, ANY) if row is not None else ANY

    def _of_power(self, power: Pow) -> Range:
        low, high = self.range_of(power.base)
        even = power.exp.is_Integer and power.exp % 2 == 0
        if even and power.exp > 0:
            return 0.0, _raised(max(abs(low), abs(high)), int(power.exp))
        if low > 0 and power.exp.is_Rational and power.exp < 0:
            most = _raised(low, float(power.exp))
            return _raised(high, float(power.exp)) if high < inf else 0.0, most
        if even or low >= 0 or (power.exp.is_Rational and power.exp.q % 2 == 0):
            return POSITIVE  # an even root has a value only where it is not negative
        return ANY

    def never_negative(self, formula: Expr) -> bool:
        """Whether a formula is at least 0, in one of its forms."""
        forms = (formula, factor_terms(formula), simplest(formula, self.positive))
        return any(self.range_of(form)[0] >= 0 for form in forms)

    # Matrices ---------------------------------------------------------------------------------

    def semidefinite(self, rows: Rows) -> bool:
        """Whether no pivot is negative: what is left after each is looked at in turn.

        A pivot that is zero somewhere, not everywhere, does no harm: entries are continuous.
        """
        if any(cost(entry) > MAX_COST for row in rows for entry in row):
            return False
        if not all(self.never_negative(row[k]) for k, row in enumerate(rows)):
            return False
        places = [k for k, row in enumerate(rows) if row[k] != 0]
        if not places:
            return all(entry == 0 for row in rows for entry in row)
        place = min(places, key=lambda k: cost(rows[k][k]))
        return self.semidefinite([[*row] for row in self._left(rows, place)])

    def _left(self, rows: Rows, place: int) -> Iterator[Sequence[Expr]]:
        pivot = rows[place]
        for k, row in enumerate(rows):
            if k != place:
                yield [
                    simplest(entry - row[place] * pivot[j] / pivot[place], self.positive)
                    for j, entry in enumerate(row)
                    if j != place
                ]


def _raised(number: float, exponent: float) -> float:
    """A positive power, infinite where floats cannot hold it."""
    try:
        return float(number**exponent)
    except OverflowError:
        return inf


def _name_of(formula: Expr) -> str:
    row = function_of(formula)
    return row.name if row is not None else ""


def _has_kink(formula: Expr) -> bool:
    """Whether the slope may jump: then second derivatives do not say that a function is convex."""
    rows = map(function_of, parts_of(formula, Function))
    return formula.has(Piecewise) or any(row is not None and row.kinks for row in rows)
