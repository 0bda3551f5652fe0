"""Shorter forms that hold under a condition, which is offered with them.

Where names were positive, a root or a sign would go: 1/√(a² − x²) is 1/(a√(1 − x²/a²)) for a > 0.
Where something is not zero, a form may divide by it: y·cot x is a derivative only where sin x ≠ 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Expr, Symbol

from symderive.certify import certify
from symderive.closed_form import Form, closed_forms, ranked
from symderive.conditions import is_positive
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated, rename
from symderive.regular import divides_by_no_more, further_divisors

MAX_CONDITIONS = 2
"""What may have to be not zero for a form that is offered with its condition."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """Forms and the condition they hold under.

    Attributes:
        parts: What is positive, or not zero.
        sign: ``>`` or ``≠``.
        forms: The forms, simplest first.
    """

    parts: tuple[Expr, ...]
    sign: str
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The derivative whose forms are looked for.

    Attributes:
        written: The stage's formula.
        result: Its derivative as the rules gave it.
        variable: What it is taken by.
        name: The symbol of the stage itself.
        names: The names in the formula.
        positive: Those that are known to be positive.
        firm: Those of them that a form may divide by.
    """

    written: Expr
    result: Expr
    variable: Symbol
    name: Symbol
    names: frozenset[Symbol]
    positive: frozenset[Symbol]
    firm: frozenset[Symbol]

    def forms(self, positive: frozenset[Symbol], firm: frozenset[Symbol], free: bool) -> list[Form]:
        """The closed forms, simplest first."""
        return closed_forms(
            self.result,
            self.name,
            self.written,
            self.variable,
            positive=positive,
            firm=firm,
            free=free,
        )

    def divided(self, firm: Iterable[Symbol]) -> tuple[Expr, ...]:
        """The formulas whose divisions are allowed."""
        return (evaluated(self.written), evaluated(self.result), *(1 / name for name in firm))

    def is_proved(self, form: Expr, positive: frozenset[Symbol] = frozenset()) -> bool:
        """Whether a form is the derivative, for positive names."""
        truth, where = Diff(self.written, self.variable), {self.name: self.written}
        return certify(truth, form, where=where, positive=positive).passed

    def holds(self, form: Expr, positive: frozenset[Symbol]) -> bool:
        """Whether a form is the derivative, and has a value where it has, for positive names."""
        plain = evaluated(rename(form, {self.name: self.written}))
        regular = divides_by_no_more(plain, self.divided(positive))
        return regular and self.is_proved(form, positive)

    def divides_further(self, form: Expr) -> frozenset[Expr] | None:
        """What a form divides by and the derivative does not; None where it cannot be told."""
        further = further_divisors(evaluated(form), self.divided(self.firm))
        if further is None:
            return None
        opened = {part: evaluated(rename(part, {self.name: self.written})) for part in further}
        return frozenset(part for part, inside in opened.items() if not self._never_zero(inside))

    def _never_zero(self, formula: Expr) -> bool:
        """Whether it is positive, or the derivative divides by it, too."""
        known = divides_by_no_more(1 / formula, self.divided(self.firm))
        return known or is_positive(formula, self.positive)


def where_positive(asked: Asked, best: Form) -> Iterator[Conditional]:
    """Names which, if they were positive, would allow shorter forms; and these forms."""
    names = asked.names - asked.positive
    known = asked.positive | names
    found = asked.forms(known, known, free=False)
    shorter = [form for form in found if form.measure < best.measure]
    if not shorter:
        return
    for name in sorted(names, key=str):  # what is not needed is not asked for
        if asked.holds(shorter[0].formula, known - {name}):
            known -= {name}
    forms = tuple(form for form in shorter if asked.holds(form.formula, known))
    needed = tuple(sorted(known - asked.positive, key=str))
    if needed and forms:
        yield Conditional(needed, ">", forms)


def where_not_zero(asked: Asked, best: Form, parts: Iterable[Form]) -> Iterator[Conditional]:
    """What must not be zero for shorter forms that divide by it, and these forms.

    That the variable is not zero is no such condition: forms in y/x are for x > 0.

    Args:
        asked: The derivative.
        best: Its form under no condition.
        parts: Further forms, which may divide by anything.
    """
    found = ranked([*asked.forms(asked.positive, asked.firm, free=True), *parts])
    rows: dict[frozenset[Expr], list[Form]] = {}
    for form in found:
        if form.measure >= best.measure:
            break
        extra = asked.divides_further(form.formula)
        if not extra or len(extra) > MAX_CONDITIONS or asked.variable in extra:
            continue
        if asked.is_proved(form.formula):
            rows.setdefault(extra, []).append(form)
    for extra, forms in [*rows.items()][:1]:
        yield Conditional(tuple(sorted(extra, key=str)), "≠", tuple(forms))
