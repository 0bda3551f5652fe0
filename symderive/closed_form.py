"""From what the rules give to the simplest form in stage names, every rewriting a line.

A derivative is a rational function of its kernels. The mechanisms of ``candidates`` propose forms:
put over one denominator and factor; eliminate a kernel in favour of the stage's own name (or the
short name of an identity) where its definition can be solved for it; and more. The stated ``cost``
chooses; the best form is taken as a new start while that helps. A form that would divide by
something the model does not divide by is never a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice

from sympy import Add, Expr, Mul, Piecewise, PolynomialError, Pow, S, Symbol

from symderive.candidates import MECHANISMS, PIECEWISE
from symderive.cost import cost, scattered
from symderive.formulas.inert import Diff
from symderive.formulas.kernels import TooLargeError
from symderive.formulas.written import (
    evaluated,
    factors,
    parts_of,
    power,
    product,
    quotient,
    rename,
    sum_of,
    tidy,
)
from symderive.own_name import uneven
from symderive.tasks import BY_DEFINITION, PARTIAL_PENALTY, Candidate, Task

MAX_COST = 300.0
"""A formula that costs more is left as the rules gave it."""

MAX_AGAIN = 60.0
"""A form that costs more is not taken as a new start."""

MAX_PROPOSALS = 500
"""Forms that are looked at in one round."""

MAX_READ, LEAST_READ = 40_000.0, 10.0
"""The cost of all forms that are looked at for one derivative, each counted as the least at least:
a bound in what is read and not in seconds, so that a derivative has one form on every machine."""

MAX_ROUNDS = 4
"""How often the best forms are taken as a new start."""

BEAM = 3
"""How many of the best forms are taken as a new start."""

MAX_DETOUR = 4.0
"""What a start may cost more than the best form."""

ENOUGH = 1.0
"""A form that costs no more is not worth a search for a better one."""

UNSORTED_PENALTY = 0.5
"""What a form pays for like terms that stand apart: 1 − p − p."""

SCALE_PENALTY = 0.5
"""What a form must save before a name is taken as not zero."""

Rewriting = tuple[Expr, str]
"""A formula and the reason it equals the one before."""


@dataclass(frozen=True, slots=True)
class Form:
    """One closed form.

    Attributes:
        formula: The formula.
        rewritings: The lines that lead to it.
        penalty: Added to its cost in the ranking.
        scales: The names that it takes as not zero.
        lasting: What of the penalty stays with the forms made of it, while ``held`` is in them.
        held: The name that the penalty is for.
    """

    formula: Expr
    rewritings: tuple[Rewriting, ...]
    penalty: float = 0.0
    scales: frozenset[Expr] = frozenset()
    lasting: float = 0.0
    held: Expr | None = None

    @property
    def measure(self) -> float:
        """What forms are chosen by: the cost, and what is held against the form."""
        held = self.penalty + SCALE_PENALTY * len(self.scales)
        return cost(self.formula) + scattered(self.formula) + held


def ranked(forms: Iterable[Form]) -> list[Form]:
    """The forms, simplest first, each once; of equals the one with fewer lines and shorter text.

    The texts are compared as far as a form may be taken further; beyond, equals stay as found.
    """
    first: dict[Expr, Form] = {}
    for form in forms:
        known = first.get(form.formula)
        if known is None or (form.penalty, len(form.rewritings)) < (
            known.penalty,
            len(known.rewritings),
        ):
            first[form.formula] = form
    measured = sorted(
        ((form.measure, len(form.rewritings), form) for form in first.values()), key=_key
    )
    result: list[Form] = []
    for (measure, _), equals in groupby(measured, key=_key):
        tied = [form for _, _, form in equals]
        close = len(tied) > 1 and measure <= measured[0][0] + MAX_DETOUR
        result += sorted(tied, key=_text) if close else tied
    return result


def _key(row: tuple[float, int, Form]) -> tuple[float, int]:
    return row[:2]


def _text(form: Form) -> tuple[int, str]:
    return _text_of(form.formula)


@lru_cache(maxsize=20_000)  # the forms of one round are ranked again in the next
def _text_of(formula: Expr) -> tuple[int, str]:
    text = str(evaluated(formula))
    return len(text), text


def closed_forms(
    derivative: Expr,
    name: Symbol | None = None,
    definition: Expr | None = None,
    variable: Symbol | None = None,
    *,
    also: Sequence[Candidate] = (),
    positive: frozenset[Symbol] = frozenset(),
    firm: frozenset[Symbol] = frozenset(),
    free: bool = False,
    moving: frozenset[Symbol] = frozenset(),
) -> list[Form]:
    """The forms of a derivative, simplest first; the first is the closed form.

    Args:
        derivative: What the rules gave, as written.
        name: The symbol of the stage itself.
        definition: The stage's formula, as written.
        variable: What the derivative is taken by.
        also: Further forms to rank with those found here.
        positive: Names that are known to be positive.
        firm: Those of them that a form may divide by.
        free: Whether a form may divide by anything: its ``scales`` say by what.
        moving: Names that are no scales: they are computed too.

    >>> A1, A2 = Symbol("A1"), Symbol("A2")
    >>> from sympy import exp
    >>> f = 1 / (1 + exp(-A1))
    >>> closed_forms(exp(-A1) / (1 + exp(-A1)) ** 2, A2, f)[0].formula
    A2*(1 - A2)
    """
    plain = evaluated(derivative)
    loose = any(map(_is_loose, parts_of(derivative, Add)))
    forms = [Form(derivative, (), UNSORTED_PENALTY if loose else 0.0)]
    if name is not None and definition is not None and definition.args:
        short = rename(derivative, {definition: name})  # as the rules wrote it, nested
        if short != derivative:
            held = PARTIAL_PENALTY if short.is_Add else 0.0  # y + x(x·cos x + 2·sin x)eˣ
            penalty = forms[0].penalty + held
            forms.append(Form(short, ((short, BY_DEFINITION),), penalty, lasting=held, held=name))
    if 0 < cost(plain) <= MAX_COST and not plain.has(Diff):
        if isinstance(plain, Piecewise):
            forms += _branches(derivative, plain, positive)
        else:
            own = evaluated(definition) if definition is not None else None
            task = Task(plain, name, own, variable, plain, positive, firm, free, moving)
            if cost(plain) < cost(derivative):
                forms.append(Form(plain, ((plain, "simplify"),)))
            budget = _Budget()
            forms += forms_of([*also, *islice(_proposed(task, budget), MAX_PROPOSALS)])
            forms += _again(ranked(forms), task, budget)
    unique: dict[Expr, Form] = {}
    for form in ranked(forms):
        unique.setdefault(evaluated(form.formula), form)
    best, *others = unique.values()
    if name is not None and definition is not None and not best.formula.has(name):
        best = _without_detour(best, derivative, {name: definition})
    return [_bridged(best, derivative, name, definition), *others]


def _is_loose(written: Add) -> bool:
    """Whether like terms stand apart in a sum: a + a."""
    return len(Add.make_args(evaluated(written))) < len(written.args)


def simplest(formula: Expr, positive: frozenset[Symbol] = frozenset()) -> Expr:
    """The simplest form of a formula by its own algebra alone, where some names are positive.

    >>> A2, Y = Symbol("A2"), Symbol("Y")
    >>> simplest((A2 - Y) / (A2 * (1 - A2)) * A2 * (1 - A2))
    A2 - Y
    """
    return closed_forms(formula, positive=positive)[0].formula


@dataclass(slots=True)
class _Budget:
    """What may still be looked at for one derivative; the best form found so far is its form."""

    left: float = MAX_READ

    def spend(self, formula: Expr) -> bool:
        """Take the cost of a form off; whether there is still something left."""
        self.left -= max(cost(formula), LEAST_READ)
        return self.left > 0


def _proposed(task: Task, budget: _Budget) -> Iterator[Candidate]:
    """The forms of all mechanisms; where one is short already, the later ones are not asked."""
    least, too_large = cost(task.plain), False
    for find in MECHANISMS:
        if least <= ENOUGH and find is not MECHANISMS[0]:
            return
        if too_large and find not in PIECEWISE:
            continue
        try:
            for found in find(task):
                more = uneven(found.formula, task)
                candidate = replace(found, penalty=found.penalty + more) if more else found
                least = min(least, cost(candidate.formula) + candidate.penalty)
                yield candidate
                if not budget.spend(candidate.formula):
                    return
        except TooLargeError:
            too_large = too_large or find is MECHANISMS[0]
        except (ZeroDivisionError, KeyError, RecursionError, PolynomialError):
            continue  # this mechanism has no (further) form


def forms_of(candidates: Iterable[Candidate], before: Form | None = None) -> list[Form]:
    """The candidates as forms, after the lines of the form that they start from."""
    lines = before.rewritings if before else ()
    scales = before.scales if before else frozenset()
    return [
        _form(c, before, (*lines, (c.formula, c.reason)), c.scales | scales) for c in candidates
    ]


def _form(
    found: Candidate, before: Form | None, lines: tuple[Rewriting, ...], scales: frozenset[Expr]
) -> Form:
    """A candidate as a form; what was held against the form before stays while it has reason to."""
    lasting, held = found.lasting, found.held
    penalty = found.penalty
    if before is not None and before.held is not None and found.formula.has(before.held):
        left = max(before.lasting - lasting, 0.0)
        penalty, lasting, held = penalty + left, max(before.lasting, lasting), before.held
    return Form(found.formula, lines, penalty, scales, lasting, held)


def _without_detour(best: Form, derivative: Expr, where: Mapping[Symbol, Expr]) -> Form:
    """The lines of a form without the stage's name, where the form itself does not speak of it."""
    lines: list[Rewriting] = []
    for formula, reason in best.rewritings:
        spelled = rename(formula, where)
        if evaluated(spelled) != evaluated(lines[-1][0] if lines else derivative):
            lines.append((formula if spelled == formula else spelled, reason))
    named = any(reason == BY_DEFINITION for _, reason in lines)
    return best if named or not lines else replace(best, rewritings=tuple(lines))


def _bridged(best: Form, derivative: Expr, name: Symbol | None, definition: Expr | None) -> Form:
    """The best form with the lines between what the rules gave and the stage's name."""
    if name is None or definition is None or len(best.rewritings) != 1:
        return best
    formula, reason = best.rewritings[0]
    if reason != BY_DEFINITION or best.penalty >= 1:
        return best
    return replace(
        best, rewritings=(*_bridge(derivative, formula, name, definition), *best.rewritings)
    )


def _again(forms: list[Form], task: Task, budget: _Budget) -> list[Form]:
    """The best forms as new starts, while that makes a shorter one: the new forms.

    A detour may cost more before it costs less, so that not only the best is taken further.
    """
    seen = {task.plain}
    fresh: list[Form] = []
    for _ in range(MAX_ROUNDS):
        if budget.left <= 0:
            break
        limit = forms[0].measure + MAX_DETOUR
        starts: dict[Expr, Form] = {}
        for form in forms:
            plain = evaluated(form.formula)
            if form.measure > limit or len(starts) == BEAM:
                break
            if plain not in seen and 1 < cost(plain) <= MAX_AGAIN:
                starts.setdefault(plain, form)
        found: list[Form] = []
        for plain, form in starts.items():
            onward = replace(task, plain=plain)
            found += forms_of(islice(_proposed(onward, budget), MAX_PROPOSALS), form)
        seen |= starts.keys()
        fresh += found
        better = ranked([*forms, *found])
        if not found or better[0].measure >= forms[0].measure:
            break
        forms = better
    return fresh


def _branches(derivative: Expr, plain: Piecewise, positive: frozenset[Symbol]) -> Iterator[Form]:
    """Each branch in its simplest form; e/b of 2e/(2b), which SymPy's own form is already."""
    branches = [(simplest(branch, positive), condition) for branch, condition in plain.args]
    formula = Piecewise(*branches)
    shorter = formula != plain or cost(formula) < cost(derivative)
    if shorter and isinstance(formula, Expr):
        yield Form(formula, ((formula, "simplify each branch"),))


def _bridge(derivative: Expr, formula: Expr, name: Symbol, definition: Expr) -> Iterator[Rewriting]:
    """The lines between what the rules gave and a form in the stage's name.

    First "add and subtract": the numerator by the denominator's own factor; then the closed form
    with the stage's definition in place of its name.
    """
    spelled = tidy_fractions(rename(formula, {name: definition}))
    if evaluated(spelled) == evaluated(derivative):
        return
    yield from _add_and_subtract(derivative)
    yield spelled, "rewrite"


def _add_and_subtract(derivative: Expr) -> Iterator[Rewriting]:
    """N/q² with N = s·q + r, s and r numbers: e/(1+e)² = ((1+e) − 1)/(1+e)²."""
    above = [f for f in factors(derivative) if not (isinstance(f, Pow) and f.exp.is_negative)]
    below = [f for f in factors(derivative) if isinstance(f, Pow) and f.exp.is_negative]
    if len(below) != 1 or len(above) != 1 or below[0].exp == -1:
        return
    divisor, numerator = below[0].base, above[0]
    rest = evaluated(divisor) - evaluated(numerator)
    if rest.is_Number and rest != 0 and not numerator.is_Number:
        shown = Add(divisor, -rest, evaluate=False)
        yield quotient(shown, power(divisor, -below[0].exp)), f"add and subtract {abs(rest)}"


def tidy_fractions(formula: Expr) -> Expr:
    """Tidy, but keep a product of two fractions as two fractions."""
    if isinstance(formula, Add):
        return sum_of(*(tidy_fractions(term) for term in formula.args))
    if isinstance(formula, Mul):
        parts = [tidy_fractions(factor) for factor in formula.args]
        bases = [factor.as_base_exp()[0] for part in parts for factor in factors(part)]
        return product(*parts) if len({*bases}) == len(bases) else tidy(product(*parts))
    return tidy(formula) if formula is not S.One else formula
