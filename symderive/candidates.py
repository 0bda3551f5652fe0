"""Where the forms of a derivative come from: a mechanism each, every form with its reason.

Each mechanism takes a ``Task`` and yields forms that equal the derivative and divide by nothing
that the model does not divide by. The search in ``closed_form`` ranks them by the stated cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import (
    Basic,
    Expr,
    Function,
    Mul,
    Pow,
    S,
    Symbol,
    apart,
    cancel,
    log,
    together,
)

from symderive import laws
from symderive.cost import cost
from symderive.eliminating import as_factor, eliminated
from symderive.formulas.kernels import Kernels
from symderive.formulas.written import factors, terms
from symderive.identities import instances, neighbours
from symderive.regular import Divisors
from symderive.roots import rooted
from symderive.tasks import BY_DEFINITION, EXPANDED_PENALTY, Candidate, Task, sums

UNEVEN_PENALTY = 2.0
"""What a product with fractions over different sums in it must save."""

MAX_IDENTIFIED = 60.0
"""A formula that costs more is not compared with the identities: one of them does not help it."""


def combined(task: Task) -> Iterator[Candidate]:
    """Over one denominator, cancelled, in factors, expanded, split, or collected in a kernel."""
    plain = task.plain
    kernels = Kernels([plain])
    kernels.seen |= sums(task)
    element = kernels.normal(plain)
    divisors = Divisors(kernels, task.divided)
    if divisors.extra(element) is None:
        return
    fraction = any(_has_denominator(term) for term in terms(plain)) and plain.is_Add
    reason = "common denominator" if fraction else "simplify"
    factored = kernels.factored(element)
    if not fraction and plain.is_Add and not factored.is_Add:
        reason = "factor out"
    yield Candidate(factored, reason)
    yield Candidate(kernels.expanded(element), "expand", EXPANDED_PENALTY)
    yield Candidate(kernels.half_factored(element), reason)
    yield Candidate(together(plain), "common denominator")
    for part in kernels.split(element):
        yield Candidate(part, "term by term", _uneven(part))
    for changed in kernels.without_roots(element):
        if divisors.extra(kernels.reduce(changed)) is not None:
            yield Candidate(kernels.factored(changed), "simplify")
            yield Candidate(kernels.half_factored(changed), "simplify")
            for part in kernels.split(changed):
                yield Candidate(part, "term by term", _uneven(part))
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol) or kernel == task.variable:
            collected = kernels.collected(element, kernel)
            yield Candidate(collected, f"collect {_short(kernel)}")
    if isinstance(plain, Mul):
        yield Candidate(_factor_by_factor(plain), reason)


def _uneven(formula: Expr) -> float:
    """What a product pays for a sum of fractions over different sums: one bar reads better."""
    if not isinstance(formula, Mul):
        return 0.0
    sums = [factor for factor in factors(formula) if factor.is_Add]
    return UNEVEN_PENALTY if any(len(set(_below(part))) > 1 for part in sums) else 0.0


def _below(formula: Expr) -> Iterator[Expr]:
    """The sums that the terms of a sum are divided by, with their exponents."""
    for term in terms(formula):
        for factor in factors(term):
            if isinstance(factor, Pow) and factor.exp.is_negative and factor.base.is_Add:
                yield factor


def _factor_by_factor(plain: Expr) -> Expr:
    """Each sum in a product in its own simplest form; the others as they stand."""
    parts = []
    for factor in factors(plain):
        base, exponent = factor.as_base_exp() if factor.is_Pow else (factor, S.One)
        if base.is_Add and exponent == 1:
            kernels = Kernels([base])
            element = kernels.normal(base)
            forms = (kernels.factored(element), kernels.expanded(element), *kernels.split(element))
            base = min((base, *forms), key=cost)
        parts.append(base**exponent)
    return Mul(*parts)


def _short(kernel: Expr) -> str:
    return type(kernel).__name__ if kernel.is_Function else "like terms"


def _has_denominator(term: Expr) -> bool:
    return any(isinstance(f, Pow) and f.exp.is_negative for f in factors(term))


def named(task: Task) -> Iterator[Candidate]:
    """In the stage's own name."""
    if task.name is None:
        return
    yield from _wherever_it_stands(task, task.name)
    yield from _logarithm_taken_apart(task)
    for long in task.definitions:
        yield from eliminated(task, task.name, long, BY_DEFINITION)
        if isinstance(long, Mul | Pow):
            yield from as_factor(task, task.name, long)
    yield from _rewritten_definition(task)


def _wherever_it_stands(task: Task, name: Symbol) -> Iterator[Candidate]:
    """The name put for its definition inside other functions, and for powers of what it is of."""
    if task.definition is None:
        return
    if isinstance(task.definition, Function | Pow) and task.plain.has(task.definition):
        yield Candidate(task.plain.xreplace({task.definition: name}), BY_DEFINITION)
    front, power = task.definition.as_independent(*_with_letters(task.definition), as_Add=False)
    if not isinstance(power, Pow) or power.exp.is_number:
        return
    mine = {p for p in task.plain.atoms(Pow) if p.base == power.base and not p.exp.is_number}
    root = name / front  # B^(1/r) = y/c says B^f = (y/c)^(f·r)
    put_in = {p: Pow(root, cancel(p.exp / power.exp)) for p in mine}
    if put_in:
        changed = task.plain.xreplace(put_in)
        yield Candidate(changed, BY_DEFINITION)
        merged = laws.everywhere(changed, laws.one_power)
        if merged != changed:
            yield Candidate(merged, BY_DEFINITION)


def _logarithm_taken_apart(task: Task) -> Iterator[Candidate]:
    """Of log(uᵃ·vᵇ): the terms a·u′/u + b·v′/v, as partial fractions give them."""
    if not isinstance(task.definition, log) or task.variable is None:
        return
    parts = [f for f in factors(task.definition.args[0]) if f.has(task.variable)]
    if len(parts) > 1 and all(f.as_base_exp()[0].is_polynomial(task.variable) for f in parts):
        yield Candidate(apart(task.plain, task.variable), "partial fractions")


def _with_letters(definition: Expr) -> list[Expr]:
    """The factors of a product that are powers with letters in their exponents, of sums."""
    return [f for f in factors(definition) if isinstance(f, Pow) and not f.exp.is_number]


def _rewritten_definition(task: Task) -> Iterator[Candidate]:
    """In the stage's own name, where the derivative speaks another language than the definition."""
    if task.definition is None or task.name is None:
        return
    for row, short, long in instances(task.definition):
        if not any(task.plain.has(part) for part in short.atoms(*_functions(short))):
            continue
        own = Task(task.definition, first=task.definition)
        for candidate in eliminated(own, short, long, row.name):
            if candidate.penalty == 0:
                yield from eliminated(task, task.name, candidate.formula, BY_DEFINITION)
                break


def _functions(short: Expr) -> tuple[type[Basic], ...]:
    return tuple({type(part) for part in short.atoms() | {short, *short.args} if part.is_Function})


def identified(task: Task) -> Iterator[Candidate]:
    """In the short names of the identities: a function each, so they cost two at least."""
    if cost(task.plain) > MAX_IDENTIFIED:
        return
    for row, short, long in instances(task.plain):
        if row.whole:
            yield from as_factor(task, short, long, row.name, (1, -1, 2, -2))
        else:
            yield from eliminated(task, short, long, row.name, told=False)
    for name, short, long in dict.fromkeys(neighbours(task.plain)):
        if short != long:  # what they divide by is positive: the functions ask for it
            positive = frozenset(s for s in long.free_symbols if isinstance(s, Symbol))
            yield from eliminated(task, short, long, name, told=False, positive=positive)


def merged(task: Task) -> Iterator[Candidate]:
    """What the laws of exponents, roots, logarithms, angles and signs make of it."""
    for changed, reason in laws.merged(task.plain):
        yield Candidate(changed, reason)


def pulled(task: Task) -> Iterator[Candidate]:
    """What all terms of a sum share pulled out of it, the rest in its own simplest forms."""
    for factor in factors(task.plain):
        found = laws.common_powers(factor)
        if found is None:
            continue
        shared, rest = found
        others = laws.gathered(task.plain / factor * shared)
        yield Candidate(others * rest, "factor out")
        kernels = Kernels([rest])
        kernels.seen |= sums(task)
        element = kernels.normal(rest)
        if Divisors(kernels, task.divided).extra(element) is None:
            continue
        simple = [kernels.factored(element), kernels.half_factored(element)]
        if task.variable in kernels.place:
            simple.append(kernels.collected(element, task.variable))
        for form in (*simple, kernels.expanded(element), *kernels.split(element)):
            yield Candidate(others * form, "factor out")
            for changed, _ in laws.merged(form):
                yield Candidate(others * changed, "factor out")


MECHANISMS: tuple[Callable[[Task], Iterator[Candidate]], ...] = (
    combined,
    pulled,
    rooted,
    named,
    identified,
    merged,
)
"""The mechanisms; a form that two of them find is told with the reason of the first."""

PIECEWISE = (pulled, merged)
"""Those that need no normal form of the whole: what is left where that is too large."""
