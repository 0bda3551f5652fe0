"""Where the forms of a derivative come from: a mechanism each, every form with its reason.

Each mechanism takes a ``Task`` and yields forms that equal the derivative and divide by nothing
that the model does not divide by. The search in ``closed_form`` ranks them by the stated cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from sympy import (
    Basic,
    Expr,
    Function,
    Mul,
    Pow,
    S,
    Symbol,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    sec,
    sech,
    sin,
    sinh,
    tan,
    tanh,
    together,
)
from sympy.polys.fields import FracElement

from symderive import laws
from symderive.by_sign import by_sign
from symderive.cost import cost
from symderive.eliminating import as_factor, eliminated
from symderive.formulas.kernels import Kernels, shared_out
from symderive.formulas.written import factors, terms
from symderive.identities import instances, neighbours
from symderive.own_name import named
from symderive.regular import Divisors
from symderive.roots import rooted, signless
from symderive.tasks import EXPANDED_PENALTY, Candidate, Task, sums, sums_as_stated

MAX_NAMED = 4
"""Forms by a recurrence that are looked at for the stage's own name."""

WORTH_REGROUPING, MAX_SUM_COST, MAX_SUMS = 6.0, 6.0, 3
"""The cost from which a formula is written in sums of the model, and which of them are tried."""

_WHOLE = Symbol("_whole")

MAX_RATIONALIZED = 200
"""Products of terms up to which a root is brought out of a denominator."""

UNEVEN_PENALTY = 2.0
"""What a product with fractions over different sums in it must save."""

MAX_IDENTIFIED = 60.0
"""A formula that costs more is not compared with the identities: one of them does not help it."""


def combined(task: Task) -> Iterator[Candidate]:
    """Over one denominator, cancelled, in factors, expanded, split, or collected in a kernel."""
    plain = task.plain
    kernels = Kernels([plain])
    kernels.seen = sums_as_stated(kernels.seen, task)
    turned = laws.everywhere(plain, partial(_turned_to, kernels.seen))
    if turned != plain:
        yield Candidate(turned, "simplify")
    element = kernels.normal(plain)
    divisors = Divisors(kernels, task.divided)
    if divisors.extra(element) is None:  # its divisors may be hidden by a root: K² + aK is K(K + a)
        yield from _rationalized(kernels, divisors, element)
        return
    fraction = any(_has_denominator(term) for term in terms(plain)) and plain.is_Add
    reason = "common denominator" if fraction else "simplify"
    factored = kernels.factored(element)
    if not fraction and plain.is_Add and not factored.is_Add:
        reason = "factor out"
    yield Candidate(factored, reason)
    yield Candidate(kernels.expanded(element), "expand", EXPANDED_PENALTY)
    yield Candidate(kernels.half_factored(element), reason)
    yield Candidate(together(plain), "common denominator" if fraction else reason)
    for part in kernels.split(element):
        yield Candidate(part, "term by term", _uneven(part))
    yield from _rationalized(kernels, divisors, element)
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol) or kernel == task.variable:
            collected = kernels.collected(element, kernel)
            yield Candidate(collected, f"collect {_short(kernel)}")
    if isinstance(plain, Mul):
        yield Candidate(_factor_by_factor(plain), reason)


def _turned_to(seen: set[Expr], formula: Expr) -> Expr:
    """A product with its sums the way round that they are seen: −(t − 1)/p is (1 − t)/p."""
    strange = [f for f in factors(formula) if f.is_Add and f not in seen and -f in seen]
    if not formula.is_Mul or not strange:
        return formula
    rest = [f for f in formula.args if f not in strange]
    return Mul((-1) ** len(strange), *rest, *(-f for f in strange))


def _rationalized(
    kernels: Kernels, divisors: Divisors, element: FracElement
) -> Iterator[Candidate]:
    """With a name as a power of its root, or no root below the bar, or the root alone there."""
    for changed in (*kernels.without_roots(element), *_without_roots_below(kernels, element)):
        forms = (kernels.reduce(changed), changed)  # √x(1 + √x)² has its factors in √x alone
        if any(divisors.extra(form) is not None for form in forms):
            yield Candidate(kernels.factored(changed), "simplify")
            yield Candidate(kernels.half_factored(changed), "simplify")
            for part in kernels.split(changed):
                yield Candidate(part, "term by term", _uneven(part))


def _without_roots_below(kernels: Kernels, element: FracElement) -> Iterator[FracElement]:
    """N/(c + dK) = N·(c − dK)/(c² − d²K²) for a square root K; and with K alone below a bar."""
    new = kernels.field.field_new
    for kernel, degree, _ in kernels.relations:
        place = kernels.field.gens.index(kernel)
        odd = [term for term in element.denom.terms() if term[0][place] % 2]
        if degree != 2 or not odd or len(element.numer) * len(element.denom) > MAX_RATIONALIZED:
            continue
        below = new(element.denom)
        conjugate = below - 2 * new(element.denom.ring.from_dict(dict(odd)))
        whole = kernels.reduce(below * conjugate)
        changed = kernels.reduce(kernels.reduce(new(element.numer) * conjugate) / whole)
        yield changed
        yield kernels.reduce(changed * kernel) / kernel


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


def identified(task: Task) -> Iterator[Candidate]:
    """In the short names of the identities: a function each, so they cost two at least."""
    if cost(task.plain) > MAX_IDENTIFIED:
        return
    for row, short, long in instances(task.plain):
        if task.name is not None and short.has(task.name):
            continue  # m/(d·cos θ) of a θ = asin(m·l/d) is short already
        if row.whole:
            yield from as_factor(task, short, long, row.name, (1, -1, 2, -2))
        else:
            yield from eliminated(task, short, long, row.name, told=False)
    for name, short, long in dict.fromkeys(neighbours(task.plain)):
        if short != long:  # what they divide by is positive: the functions ask for it
            positive = frozenset(s for s in long.free_symbols if isinstance(s, Symbol))
            found = list(eliminated(task, short, long, name, told=False, positive=positive))
            yield from found
            for candidate in found[:MAX_NAMED] if task.name is not None else ():
                onward = replace(task, plain=candidate.formula)
                for definition in task.definitions:  # I₁/I₀ is y again, two lines in one
                    renamed = eliminated(onward, task.name, definition, name)
                    yield from (replace(c, scales=c.scales | candidate.scales) for c in renamed)


def regrouped(task: Task) -> Iterator[Candidate]:
    """In the sums that the model is written in: (x − m)² instead of x² − 2mx + m²."""
    if cost(task.plain) <= WORTH_REGROUPING:
        return
    known = (part for part in sums(task) if len(part.args) == 2 and cost(part) <= MAX_SUM_COST)
    moved = [part for part in known if part.free_symbols & task.plain.free_symbols]
    for part in sorted(moved, key=str)[:MAX_SUMS]:
        for candidate in eliminated(task, _WHOLE, part, "in the sums of the formula"):
            formula = candidate.formula.xreplace({_WHOLE: part})
            yield replace(candidate, formula=formula, penalty=EXPANDED_PENALTY)


def merged(task: Task) -> Iterator[Candidate]:
    """What the laws of exponents, roots, logarithms, angles and signs make of it."""
    for changed, reason in laws.merged(task.plain):
        yield Candidate(changed, reason)
        if reason == "law of roots":  # √a·√(ab²) is √(a²b²), and that is |ab|
            yield from (replace(c, reason=reason) for c in rooted(replace(task, plain=changed)))


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
        kernels.seen = sums_as_stated(kernels.seen, task)
        element = kernels.normal(rest)
        if Divisors(kernels, task.divided).extra(element) is None:
            continue
        simple = [kernels.factored(element), kernels.half_factored(element)]
        for kernel in kernels.kernels:
            if kernel == task.variable or isinstance(kernel, Function):
                whole = kernels.collected(element, kernel)
                simple += [whole, shared_out(whole) or whole]
        for form in (*simple, kernels.expanded(element), *kernels.split(element)):
            yield Candidate(others * form, "factor out")
            for changed, _ in laws.merged(form):
                yield Candidate(others * changed, "factor out")


IN_SINES: Mapping[type[Basic], Callable[[Expr], Expr]] = {
    tan: lambda u: sin(u) / cos(u),
    cot: lambda u: cos(u) / sin(u),
    sec: lambda u: 1 / cos(u),
    csc: lambda u: 1 / sin(u),
    tanh: lambda u: sinh(u) / cosh(u),
    coth: lambda u: cosh(u) / sinh(u),
    sech: lambda u: 1 / cosh(u),
    csch: lambda u: 1 / sinh(u),
}
"""What is a quotient of sines and cosines."""


def unfolded(task: Task) -> Iterator[Candidate]:
    """In sines and cosines, where a sum below the bar speaks of their quotients.

    >>> from sympy.abc import x
    >>> [str(c.formula) for c in unfolded(Task(sec(x) / (1 + sec(x))))][0]
    '1/(cos(x) + 1)'
    """
    below = [p.base for p in task.plain.atoms(Pow) if p.exp.is_negative and p.base.is_Add]
    if not any(base.has(*IN_SINES) for base in below):
        return
    parts = task.plain.atoms(*IN_SINES)
    plain = task.plain.xreplace({part: IN_SINES[type(part)](*part.args) for part in parts})
    for candidate in combined(replace(task, plain=plain)):
        yield replace(candidate, reason="in sines and cosines")


MECHANISMS: tuple[Callable[[Task], Iterator[Candidate]], ...] = (
    combined,
    pulled,
    signless,
    rooted,
    named,
    identified,
    unfolded,
    merged,
    regrouped,
    by_sign,
)
"""The mechanisms; a form that two of them find is told with the reason of the first."""

PIECEWISE = (pulled, merged)
"""Those that need no normal form of the whole: what is left where that is too large."""
