"""A derivative to be brought to closed form, and one form of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Add, Expr, Symbol
from sympy.polys.fields import FracElement

from symderive.formulas.functions import function_of
from symderive.formulas.written import evaluated
from symderive.regular import scales_of

PARTIAL_PENALTY = 1.5
"""What a form must save before a kernel is eliminated only in part."""

MIXED_PENALTY = 3.0
"""What it must save where the stage is a sum: −12V/r − 6B/r⁷ says less than −12A/r¹³ + 6B/r⁷."""

RELATED_PENALTY = 0.5
"""What it must save where the name that is brought in stands there already."""

EXPANDED_PENALTY = 0.25
"""Among forms of equal cost the one in factors is chosen."""

BY_DEFINITION = "definition of the stage"
"""The reason of a line that brings in the stage's own name."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One form of a derivative.

    Attributes:
        formula: The form.
        reason: Why it equals the derivative.
        penalty: Added to its cost in the ranking.
        scales: The names that it takes as not zero.
        lasting: What of the penalty stays with the forms made of it, while ``held`` is in them.
        held: The name that the penalty is for.
    """

    formula: Expr
    reason: str
    penalty: float = 0.0
    scales: frozenset[Expr] = frozenset()
    lasting: float = 0.0
    held: Expr | None = None


@dataclass(frozen=True)
class Task:
    """A derivative to be brought to closed form.

    Attributes:
        plain: The derivative in SymPy's own form.
        name: The symbol of the stage itself.
        definition: The stage's formula, in SymPy's own form.
        variable: What the derivative is taken by.
        first: The derivative as the rules gave it: forms may divide by what it divides by.
        positive: The names that are known to be positive.
        firm: Those of them that a form may divide by.
        free: Whether a form may divide by anything, and say so.
        moving: Names that are no scales.
    """

    plain: Expr
    name: Symbol | None = None
    definition: Expr | None = None
    variable: Symbol | None = None
    first: Expr | None = None
    positive: frozenset[Symbol] = frozenset()
    firm: frozenset[Symbol] = frozenset()
    free: bool = False
    moving: frozenset[Symbol] = frozenset()
    scales: frozenset[Expr] = field(init=False)

    def __post_init__(self) -> None:
        scales = scales_of(self.definition, self.variable) if self.definition else frozenset()
        object.__setattr__(self, "scales", scales - self.moving)

    @property
    def divided(self) -> tuple[Expr, ...]:
        """The formulas whose divisions are allowed, and what is never zero, as a divisor."""
        known = (self.plain, self.first, self.definition)
        stated = tuple(1 / name for name in self.firm)
        return (*(formula for formula in known if formula is not None), *stated)

    @property
    def definitions(self) -> tuple[Expr, ...]:
        """The definition, and that of the named function which it is."""
        if self.definition is None:
            return ()
        row = function_of(self.definition)
        if row is None or row.definition is None:
            return (self.definition,)
        return (self.definition, evaluated(row.definition_formula(*self.definition.args)))


def sums(task: Task) -> set[Expr]:
    """The sums as the model has them: factors are turned to match."""
    known = (task.definition, task.first)
    return {part for formula in known if formula is not None for part in formula.atoms(Add)}


def sums_as_stated(seen: set[Expr], task: Task) -> set[Expr]:
    """The sums that factors are turned to match, each way round only where the model has both."""
    own = task.definition.atoms(Add) if task.definition is not None else set()
    return {part for part in seen | sums(task) if part in own or -part not in own}


def length(element: FracElement) -> int:
    """The terms above and below the bar."""
    return len(element.numer) + len(element.denom)
