"""Closed forms over several stages: what the definitions of the stages between say of them.

A stage's name is written out where that cancels (q = l/g in l/(g²·q)), or brought in for what it
stands for (p = e^u/s). Two kernels that the definitions make multiples of each other are brought
to one: S·φ(d₁) = K·e^{−rT}·φ(d₂). The stated cost decides; every rewriting is a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, permutations
from math import prod
from typing import Any

from sympy import Add, Basic, Expr, Function, Mul, Piecewise, Pow, Symbol, exp, fraction
from sympy.core.function import AppliedUndef

from symderive.candidates import combined
from symderive.closed_form import MAX_ROUNDS, Form, forms_of, ranked
from symderive.cost import cost
from symderive.eliminating import eliminated
from symderive.formulas.functions import function_of
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.laws import everywhere, one_bar, one_exponential
from symderive.tasks import PARTIAL_PENALTY, Candidate, Task

MAX_KERNELS = 5
"""Kernels of one kind up to which their quotients are looked at."""

MAX_EXPONENT_COST = 80.0
"""An exponent that costs more, written out, is not looked at."""

MAX_RELATED = 60.0
"""A formula that costs more is left as it is."""

MAX_TERMS = 64
"""A product of sums with more terms than this, multiplied out, is not multiplied out."""

MAX_PROPOSALS = 300
"""Forms that are looked at for one formula, whatever its definitions offer."""

BEAM = 3
"""How many of the best forms are taken further: a detour may cost more before it costs less."""

LEAST_COST = 1.0
"""A formula that costs no more is not worth a look at the definitions."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a stage stands for.

    Attributes:
        formula: Its formula.
        reason: What a line says that used it.
    """

    formula: Expr
    reason: str


def with_definitions(formula: Expr, definitions: Mapping[Symbol, Definition]) -> Form:
    """The simplest form that the definitions of stages lead to.

    >>> T, l, g, q = (Symbol(n) for n in "Tlgq")
    >>> with_definitions(T * l / (2 * g**2 * q), {q: Definition(l / g, "definition of q")}).formula
    T/(2*g)
    """
    known = {name: replace(d, formula=evaluated(d.formula)) for name, d in definitions.items()}
    first = evaluated(formula)
    forms = [Form(formula, ())]
    seen: set[Expr] = set()
    left = MAX_PROPOSALS
    for _ in range(MAX_ROUNDS):
        found: list[Form] = []
        for form in forms[:BEAM]:
            plain = evaluated(form.formula)
            if left > 0 and plain not in seen and LEAST_COST < cost(plain) <= MAX_RELATED:
                seen.add(plain)
                fresh = forms_of(islice(_proposed(plain, known, first), left), form)
                left -= len(fresh)
                found += fresh
        if not found:
            break
        forms = ranked([*forms, *found])
    return forms[0]


def _proposed(
    plain: Expr, definitions: Mapping[Symbol, Definition], first: Expr
) -> Iterator[Candidate]:
    found = kernels_of(plain)
    long_product = plain.is_Mul and _multiplied_out(plain) > MAX_TERMS
    for name, definition in definitions.items():
        if definition.formula.args and plain.has(definition.formula):
            put_in = plain.xreplace({definition.formula: name})
            yield Candidate(put_in, definition.reason)
        if definition.formula.is_Mul and plain.is_Mul:
            rest = plain / definition.formula
            if not _names(rest) & _names(definition.formula):
                yield Candidate(rest * name, definition.reason)
        for long in () if long_product else _stated(definition.formula):
            mine = kernels_of(long)
            task = Task(plain, name, long, None, first)
            shared = plain.free_symbols & long.free_symbols
            if mine & found or (not mine and len(shared) > 1):
                solved = _within_budget(eliminated(task, name, long, definition.reason))
                yield from _weighed(solved, plain, definitions.keys())
            front, root = long.as_independent(Symbol, as_Add=False)
            yield from _powers_named(plain, name, front, root, definition.reason)
            degree, base = _root(root)
            if degree and plain.has(name) and shared:  # of c/√b it is known that y² = c²/b
                inside = front ** abs(degree) * (base if degree > 0 else 1 / base)
                yield from _within_budget(
                    eliminated(task, name ** abs(degree), inside, definition.reason)
                )
            if plain.has(name) and mine <= found:
                written_out = Task(plain.xreplace({name: long}), None, long, None, first)
                for candidate in _within_budget(combined(written_out)):
                    yield replace(candidate, reason=definition.reason)
    yield from _quotients(plain, definitions, first)
    yield from _multiples(plain, definitions, first)


def _root(formula: Expr) -> tuple[int, Expr]:
    """The degree of a root, and what it is of; 0 where it is none."""
    row = function_of(formula)
    if row is not None and row.name == "cbrt":
        return 3, formula.args[0]
    is_root = isinstance(formula, Pow) and (1 / formula.exp).is_Integer
    return (int(1 / formula.exp), formula.base) if is_root else (0, formula)


def _multiplied_out(product: Expr) -> int:
    """How many terms a product of sums has, multiplied out."""
    powers = (factor.as_base_exp() for factor in Mul.make_args(product))
    sizes = ((len(Add.make_args(base)), exponent) for base, exponent in powers)
    return prod(n ** min(int(abs(e)), MAX_TERMS) for n, e in sizes if e.is_Integer)


def _weighed(
    candidates: Iterator[Candidate], plain: Expr, names: Collection[Symbol]
) -> Iterator[Candidate]:
    """Forms with the difference of two stages in it save more: d₁ − d₂ says less than σ√T."""
    before = plain.atoms(Add)
    for c in candidates:
        sums = c.formula.atoms(Add) - before
        mixed = any(all(term.as_coeff_Mul()[1] in names for term in part.args) for part in sums)
        yield replace(c, penalty=c.penalty + PARTIAL_PENALTY) if mixed else c


def _quotients(
    plain: Expr, definitions: Mapping[Symbol, Definition], first: Expr
) -> Iterator[Candidate]:
    """By two stages over the same sum: q/p = e^b/e^a, and q = 1 − p of two classes of a softmax."""
    over: dict[Expr, list[tuple[Symbol, Expr]]] = {}
    for name, definition in definitions.items():
        above, below = fraction(definition.formula)
        if below.is_Add:
            over.setdefault(below, []).append((name, above))
    for below, rows in over.items():
        for (one, above), (other, beneath) in permutations(rows[:MAX_KERNELS], 2):
            if above + beneath == below and plain.has(1 - other, other - 1):
                where = {1 - other: one, other - 1: -one}
                yield Candidate(plain.xreplace(where), definitions[one].reason)
            long = everywhere(one_exponential(above / beneath), one_bar)
            if plain.has(other) and kernels_of(long) & kernels_of(plain):
                reason = definitions[one].reason
                task = Task(plain, one, long, None, first)
                yield from _within_budget(eliminated(task, one / other, long, reason))


def _powers_named(
    plain: Expr, name: Symbol, front: Expr, root: Expr, reason: str
) -> Iterator[Candidate]:
    """Powers of what a stage is a root of: of r = √(x² + y²) it is known that x² + y² is r²."""
    if not (isinstance(root, Pow) and root.base.is_Add and not root.exp.is_Integer):
        return
    powers = [p for p in plain.atoms(Pow) if p.base == root.base]
    where = {p: (name / front) ** (p.exp / root.exp) for p in powers}
    if where and all(p.exp.is_number and (p.exp / root.exp).is_Integer for p in powers):
        yield Candidate(plain.xreplace(where), reason)


def _names(formula: Expr) -> set[Basic]:
    """What a formula is made of; a function without arguments is as good as a name."""
    return formula.free_symbols | {f for f in formula.atoms(AppliedUndef) if not f.args}


def _stated(formula: Expr) -> Sequence[Expr]:
    """A definition, and that of the named function which it is."""
    row = function_of(formula)
    if row is None or row.definition is None:
        return (formula,)
    return (formula, evaluated(row.definition_formula(*formula.args)))


def _within_budget(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    try:
        yield from candidates
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return


def kernels_of(formula: Expr) -> set[Expr]:
    """The functions and roots outermost in a formula."""
    if isinstance(formula, Function):
        return {formula}
    if isinstance(formula, Pow) and not formula.exp.is_Integer:
        below = formula.exp.could_extract_minus_sign()
        return {Pow(formula.base, -formula.exp) if below else formula}
    return {kernel for arg in formula.args for kernel in kernels_of(arg)}


# Kernels that are multiples of each other ---------------------------------------------------------


def _multiples(
    plain: Expr, definitions: Mapping[Symbol, Definition], first: Expr
) -> Iterator[Candidate]:
    """One kernel written as a multiple of another, where the definitions make it one."""
    kinds: dict[Any, list[Expr]] = {}
    for kernel in sorted(kernels_of(plain), key=str):
        kinds.setdefault(type(kernel), []).append(kernel)
    for kind, kernels in kinds.items():
        if function_of(kernels[0]) is not None and kind.nargs == {1}:  # φ(d₁) beside φ(d₂)
            beside = (kind(name) for name in definitions)
            kernels += [kernel for kernel in beside if kernel not in kernels]
        for one, other in combinations(kernels[:MAX_KERNELS], 2):
            for left, right in ((one, other), (other, one)):
                if not plain.has(left):
                    continue
                quotient = _quotient(left, right, definitions)
                if quotient is None:
                    continue
                changed = evaluated(plain.xreplace({left: quotient * right}))
                reason = "definitions of the stages"
                task = Task(changed, first=first)
                yield from (replace(c, reason=reason) for c in _within_budget(combined(task)))
                for name, definition in definitions.items():
                    if kernels_of(definition.formula) & kernels_of(changed):
                        own = Task(changed, name, definition.formula, None, first)
                        yield from _within_budget(eliminated(own, name, definition.formula, reason))


def _quotient(left: Expr, right: Expr, definitions: Mapping[Symbol, Definition]) -> Expr | None:
    """Left/right as a formula without them, where both are exponentials when written out."""
    mine, theirs = (_as_exponential(_to_the_bottom(side, definitions)) for side in (left, right))
    if mine is None or theirs is None:
        return None
    (front, above), (behind, below) = mine, theirs
    exponent = above - below
    if front.free_symbols | behind.free_symbols or cost(exponent) > MAX_EXPONENT_COST:
        return None
    try:
        kernels = Kernels([exponent])
        result = exp(kernels.expanded(kernels.normal(exponent)).expand()) * front / behind
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return None
    return None if cost(result) > cost(left) + cost(right) + 4 else result


def _as_exponential(formula: Expr) -> tuple[Expr, Expr] | None:
    """C and e of c·exp(e); None where a formula is no such product."""
    powers = [f for f in formula.as_ordered_factors() if isinstance(f, exp)]
    if len(powers) != 1:
        return None
    return formula / powers[0], powers[0].args[0]


def _to_the_bottom(formula: Expr, definitions: Mapping[Symbol, Definition]) -> Expr:
    """The formula with a named function and the stages' names written out."""
    formula = _stated(formula)[-1]
    for _ in definitions:
        inner = formula.free_symbols & definitions.keys()
        if any(definitions[name].formula.has(Piecewise) for name in inner):
            break  # cases in the conditions of cases: SymPy multiplies them out, or fails
        if not inner or cost(formula) > MAX_EXPONENT_COST:
            break
        formula = formula.xreplace({name: definitions[name].formula for name in inner})
    return evaluated(formula)
