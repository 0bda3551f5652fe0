"""Where the forms of a derivative come from: a mechanism each, every form with its reason.

Each mechanism takes a ``Task`` and yields forms that equal the derivative and divide by nothing
that the model does not divide by. The search in ``closed_form`` ranks them by the stated cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any

from sympy import (
    Basic,
    Expr,
    Function,
    Mul,
    Pow,
    Rational,
    S,
    Symbol,
    apart,
    cancel,
    exp,
    log,
    sqrt,
    together,
)
from sympy.polys.fields import FracElement

from symderive import laws
from symderive.cost import cost
from symderive.formulas.functions import function_of
from symderive.formulas.kernels import Kernels, factor_list
from symderive.formulas.written import evaluated, factors, terms
from symderive.identities import IDENTITIES, RECURRENCES, Identity
from symderive.regular import Divisors, divides_by_no_more, scales_of, size_of

MAX_LONGER = 2
"""Terms by which an identity may lengthen a formula over one denominator."""

PARTIAL_PENALTY = 1.0
"""What a form must save before a kernel is eliminated only in part."""

EXPANDED_PENALTY = 0.25
"""Among forms of equal cost the one in factors is chosen."""

BY_DEFINITION = "definition of the stage"
"""The reason of a line that brings in the stage's own name."""

MAX_DETOUR = 6.0
"""What a root may cost more than before, by itself: the rest may cancel with it."""

MAX_ARGUMENT_COST = 30.0
"""An argument that costs more is not looked at."""

MAX_ARGUMENTS = 6
"""Arguments of one kind of kernel up to which identities are tried at them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One form of a derivative.

    Attributes:
        formula: The form.
        reason: Why it equals the derivative.
        penalty: Added to its cost in the ranking.
        scales: The names that it takes as not zero.
    """

    formula: Expr
    reason: str
    penalty: float = 0.0
    scales: frozenset[Symbol] = frozenset()


@dataclass(frozen=True)
class Task:
    """A derivative to be brought to closed form.

    Attributes:
        plain: The derivative in SymPy's own form.
        name: The symbol of the stage itself.
        definition: The stage's formula, in SymPy's own form.
        variable: What the derivative is taken by.
        first: The derivative as the rules gave it: forms may divide by what it divides by.
    """

    plain: Expr
    name: Symbol | None = None
    definition: Expr | None = None
    variable: Symbol | None = None
    first: Expr | None = None
    scales: frozenset[Symbol] = field(init=False)

    def __post_init__(self) -> None:
        scales = scales_of(self.definition, self.variable) if self.definition else frozenset()
        object.__setattr__(self, "scales", scales)

    @property
    def divided(self) -> tuple[Expr, ...]:
        """The formulas whose divisions are allowed."""
        known = (self.plain, self.first, self.definition)
        return tuple(formula for formula in known if formula is not None)

    @property
    def definitions(self) -> tuple[Expr, ...]:
        """The definition, and that of the named function which it is."""
        if self.definition is None:
            return ()
        row = function_of(self.definition)
        if row is None or row.definition is None:
            return (self.definition,)
        return (self.definition, evaluated(row.definition_formula(*self.definition.args)))


def combined(task: Task) -> Iterator[Candidate]:
    """Over one denominator, cancelled, in factors, expanded, split, or collected in a kernel."""
    plain = task.plain
    kernels = Kernels([plain])
    kernels.seen |= _sums(task)
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
        yield Candidate(part, "term by term")
    for changed in kernels.without_roots(element):
        if divisors.extra(kernels.reduce(changed)) is not None:
            yield Candidate(kernels.factored(changed), "simplify")
            yield Candidate(kernels.half_factored(changed), "simplify")
            for part in kernels.split(changed):
                yield Candidate(part, "term by term")
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol) or kernel == task.variable:
            collected = kernels.collected(element, kernel)
            yield Candidate(collected, f"collect {_short(kernel)}")
    if isinstance(plain, Mul):
        yield Candidate(_factor_by_factor(plain), reason)


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


def _sums(task: Task) -> set[Expr]:
    """The sums as the model has them: factors are turned to match."""
    known = (task.definition, task.first)
    return {part for formula in known if formula is not None for part in formula.atoms(*_SUMS)}


_SUMS = (type(Symbol("a") + Symbol("b")),)


def named(task: Task) -> Iterator[Candidate]:
    """In the stage's own name."""
    if task.name is None:
        return
    yield from _wherever_it_stands(task, task.name)
    yield from _logarithm_taken_apart(task)
    for long in task.definitions:
        yield from eliminated(task, task.name, long, BY_DEFINITION)
        if isinstance(long, Mul | Pow):
            yield from _as_factor(task, task.name, long)
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
    for row, short, long in _instances(task.definition):
        if not any(task.plain.has(part) for part in short.atoms(*_functions(short))):
            continue
        own = Task(task.definition, first=task.definition)
        for candidate in eliminated(own, short, long, row.name):
            if candidate.penalty == 0:
                yield from eliminated(task, task.name, candidate.formula, BY_DEFINITION)
                break


def _functions(short: Expr) -> tuple[type[Basic], ...]:
    return tuple({type(part) for part in short.atoms() | {short, *short.args} if part.is_Function})


def _as_factor(
    task: Task,
    name: Expr,
    long: Expr,
    reason: str = BY_DEFINITION,
    exponents: tuple[int, ...] = (1, 2, 3, -1),
) -> Iterator[Candidate]:
    """The derivative as yⁿ times the rest: y·f′/f, and f′·f/y."""
    kernels = Kernels([task.plain, long, name])
    kernels.seen |= _sums(task)
    element, target = kernels.normal(task.plain), kernels.element(name)
    definition = kernels.normal(long)
    if not definition or not element or (definition.numer.is_ground and definition.denom.is_ground):
        return
    divisors = Divisors(kernels, task.divided, task.scales)
    for exponent in exponents:
        rest = kernels.reduce(element / definition**exponent)
        if reason != BY_DEFINITION and _length(rest) >= _length(element):
            continue
        form = rest * target**exponent
        scales = divisors.extra(form, name, definition)
        if scales is not None:
            yield Candidate(kernels.factored(form), reason, 0.0, scales)
            if exponent == 1:
                for part in kernels.split(form):
                    yield Candidate(part, reason, 0.0, scales)


def identified(task: Task) -> Iterator[Candidate]:
    """In the short names of the identities: a function each, so they cost two at least."""
    for row, short, long in _instances(task.plain):
        if row.whole:
            yield from _as_factor(task, short, long, row.name, (1, -1, 2, -2))
        else:
            yield from eliminated(task, short, long, row.name, told=False)
    for name, short, long in dict.fromkeys(_neighbours(task.plain)):
        if short != long:  # what they divide by is positive: the functions ask for it
            positive = frozenset(s for s in long.free_symbols if isinstance(s, Symbol))
            yield from eliminated(task, short, long, name, told=False, positive=positive)


def _neighbours(formula: Expr) -> Iterator[tuple[str, Expr, Expr]]:
    """The recurrences that two members of a formula stand in, with the one below or above."""
    for row in RECURRENCES:
        found = sorted(formula.atoms(row.function), key=str)
        for one, other in permutations(found[:MAX_ARGUMENTS], 2):
            (order, argument), (upper, same) = one.args, other.args
            if argument != same:
                continue
            middles = {1: (order, upper), 2: (order + 1,)}.get(upper - order, ())
            yield from ((row.name, *row.at(middle, argument)) for middle in middles)


def _instances(formula: Expr) -> Iterator[tuple[Identity, Expr, Expr]]:
    """The identities that speak of the kernels of a formula, at their arguments."""
    arguments: dict[type[Basic], list[Expr]] = {}
    for kind in {kind for row in IDENTITIES for kind in row.trigger}:
        found = sorted(formula.atoms(kind), key=str)
        short = [part.args[0] for part in found if cost(part.args[0]) <= MAX_ARGUMENT_COST]
        arguments[kind] = list(dict.fromkeys(short))[:MAX_ARGUMENTS]
    for row in IDENTITIES:
        tried = [
            a for a in arguments[row.trigger[0]] if all(a in arguments[k] for k in row.trigger)
        ]
        if row.differences:
            tried += [a - b for a, b in combinations(tried, 2)][:MAX_ARGUMENTS]
        for argument in dict.fromkeys(times * a for a in tried for times in row.times):
            yield (row, *row.at(argument))


def eliminated(
    task: Task,
    short: Expr,
    long: Expr,
    reason: str,
    *,
    told: bool = True,
    positive: frozenset[Symbol] = frozenset(),
) -> Iterator[Candidate]:
    """The derivative with a kernel of ``long`` eliminated by short = long.

    Args:
        task: The derivative.
        short: The name to bring in.
        long: What it stands for.
        reason: What a line says.
        told: Whether ``long`` is a formula of the model, whose divisions are allowed.
        positive: Names that are not zero where ``short`` has a value.
    """
    plain = task.plain
    cost_of_name = 0.0
    if isinstance(long, log) and not plain.has(long):
        short, long = exp(short), long.args[0]  # log g = A says g = e^A
        cost_of_name = PARTIAL_PENALTY
    kernels = Kernels([plain, long, short])
    kernels.seen |= _sums(task)
    element, target = kernels.normal(plain), kernels.element(short)
    definition = kernels.element(long)
    divisors = Divisors(
        kernels, (*task.divided, long) if told else task.divided, task.scales | positive
    )
    if not told and not divisors.holds(definition):
        return
    for kernel in kernels.kernels:
        if kernel == short or not _occurs(kernels, kernel, element):
            continue
        symbol = isinstance(kernel, Symbol)
        if symbol and (not told or kernel == task.variable):
            continue
        solved = _solved(kernels, kernel, definition, target)
        if solved is None:
            continue
        degree, value = solved
        solution = kernels.reduce(kernels.substituted(element, kernel, degree, value))
        others = [*_out_of_denominator(kernels, kernel, solution, target, definition)]
        if not told and any(m[kernels.kernels.index(kernel)] for m in element.denom):
            above = kernels.substituted(kernels.field(element.numer), kernel, degree, value)
            others.append(kernels.reduce(above) / kernels.field(element.denom))
        penalty = PARTIAL_PENALTY if symbol else cost_of_name
        for result in (solution, *others):
            if not told and _length(result) > _length(element) + MAX_LONGER:
                continue  # an identity that lengthens the formula is not worth its factoring
            scales = divisors.extra(result, short, definition)
            if result == element or scales is None:
                continue
            yield Candidate(kernels.factored(result), reason, penalty, scales)
            yield Candidate(kernels.half_factored(result), reason, penalty, scales)
            yield Candidate(kernels.expanded(result), reason, penalty + EXPANDED_PENALTY, scales)
            if not symbol:
                for part in kernels.split(result):
                    yield Candidate(part, reason, penalty, scales)
        if degree == 1 and not symbol:  # as it stands, without multiplying out
            put_in = plain.xreplace({kernel: kernels.factored(value)})
            scales = divisors.extra(solution, short, definition)
            inside = divisors.extra(value, short, definition)  # it may cancel in the solution only
            if scales is not None and inside is not None:
                yield Candidate(put_in, reason, penalty, scales | inside)
    yield from _reduced(kernels, divisors, element, short, definition, reason)


def _reduced(
    kernels: Kernels,
    divisors: Divisors,
    element: FracElement,
    short: Expr,
    definition: FracElement,
    reason: str,
) -> Iterator[Candidate]:
    """The numerator's remainder by short − long: only products that make up ``long`` go."""
    target = kernels.element(short)
    if short not in kernels.place or target.denom != 1:
        return
    relation = definition.numer - target.numer * definition.denom
    remainder = element.numer.rem([relation])
    if remainder == element.numer:
        return
    reduced = kernels.field.field_new(remainder) / kernels.field.field_new(element.denom)
    scales = divisors.extra(reduced, short, definition)
    if scales is None:
        return
    yield Candidate(kernels.factored(reduced), reason, PARTIAL_PENALTY, scales)
    yield Candidate(kernels.half_factored(reduced), reason, PARTIAL_PENALTY, scales)
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol) and _occurs(kernels, kernel, reduced):
            collected = kernels.collected(reduced, kernel)
            yield Candidate(collected, reason, PARTIAL_PENALTY, scales)


def _out_of_denominator(
    kernels: Kernels,
    root: Expr,
    result: FracElement,
    target: FracElement,
    definition: FracElement,
) -> Iterator[FracElement]:
    """A form with the short name above the bar: where it is c·ⁿ√b, its n-th power is cⁿ·b."""
    for kernel, degree, value in kernels.relations:
        factor = definition / kernel
        mine = kernel == kernels.place[root] and not _occurs(kernels, root, factor)
        if mine and target.numer in [part for part, _ in factor_list(result.denom)[1]]:
            yield result * target**degree / (factor**degree * value)


def _length(element: FracElement) -> int:
    """The terms above and below the bar."""
    return len(element.numer) + len(element.denom)


def _occurs(kernels: Kernels, kernel: Expr, element: FracElement) -> bool:
    index = kernels.kernels.index(kernel)
    return any(m[index] for poly in (element.numer, element.denom) for m in poly)


def _solved(
    kernels: Kernels, kernel: Expr, definition: FracElement, target: FracElement
) -> tuple[int, FracElement] | None:
    """kernelⁿ from target = definition, where the definition is linear-fractional in it."""
    index = kernels.kernels.index(kernel)
    exponents = {m[index] for poly in (definition.numer, definition.denom) for m in poly} - {0}
    if len(exponents) != 1:
        return None
    degree = exponents.pop()
    new, ring = kernels.field.field_new, kernels.field.ring

    def part(poly: Any, exponent: int) -> FracElement:
        return new(
            ring.from_dict(
                {
                    (*m[:index], 0, *m[index + 1 :]): c
                    for m, c in poly.terms()
                    if m[index] == exponent
                }
            )
        )

    n0, n1 = part(definition.numer, 0), part(definition.numer, degree)
    d0, d1 = part(definition.denom, 0), part(definition.denom, degree)
    below = n1 - target * d1
    return (degree, (target * d0 - n0) / below) if below else None


def merged(task: Task) -> Iterator[Candidate]:
    """What the laws of exponents, roots, logarithms, angles and signs make of it."""
    for changed, reason in laws.merged(task.plain):
        yield Candidate(changed, reason)


def rooted(task: Task) -> Iterator[Candidate]:
    """Roots in their simplest form: what is a square comes out, √(1 − tanh² u) = sech u."""
    found: dict[Expr, Expr] = {}
    for power in sorted(task.plain.atoms(Pow), key=str):
        if power.exp.is_Rational and power.exp.q == 2 and cost(power.base) <= MAX_ARGUMENT_COST:
            root = _simple_root(power.base)
            if root is not None:
                found[power] = root**power.exp.p
    if not found:
        return
    plain = evaluated(task.plain.xreplace(found))
    yield Candidate(plain, "square root")
    kernels = Kernels([plain])
    kernels.seen |= _sums(task)
    element = kernels.normal(plain)
    for form in (kernels.factored(element), kernels.half_factored(element)):
        signed = laws.everywhere(form, laws.one_sign)
        for shown in (form, signed):
            if divides_by_no_more(shown, (*task.divided, plain)):
                yield Candidate(shown, "square root")


def _simple_root(radicand: Expr) -> Expr | None:
    """The square root of a formula with what is a square taken out; None where nothing is."""
    best: Expr | None = None
    for short, squared in [(S.One, S.One), *_squares(radicand)]:
        kernels = Kernels([radicand, squared])
        rest = kernels.element(radicand) / kernels.element(squared)
        if short != 1 and _length(rest) >= _length(kernels.element(radicand)):
            continue
        root = _root_of(kernels, rest, short)
        if root is not None and (best is None or cost(root) < cost(best)):
            best = root
    return best if best is not None and cost(best) <= cost(sqrt(radicand)) + MAX_DETOUR else None


def _squares(radicand: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The identities for squares: (sech u, 1 − tanh² u)."""
    for _, short, long in _instances(radicand):
        if isinstance(short, Pow) and short.exp == 2:
            yield short.base, long


def _root_of(kernels: Kernels, element: FracElement, short: Expr) -> Expr | None:
    """short·√element with the squares taken out of the root."""
    outside, inside, ring = size_of(short), S.One, kernels.field.ring
    left = {}
    for poly, turn in ((element.numer, 1), (element.denom, -1)):
        number, parts = factor_list(poly)
        whole = Rational(int(number.numerator), int(number.denominator))
        inside *= abs(whole) ** turn
        powers: dict[int, Any] = {}
        left[turn] = ring.one if whole > 0 else -ring.one
        for part, exponent in parts:
            if exponent > 1:
                powers[exponent // 2] = powers.get(exponent // 2, ring.one) * part
            if exponent % 2:
                left[turn] *= part
        for exponent, product in powers.items():
            outside *= size_of(_shortest(kernels, product)) ** (turn * exponent)
    if not left[-1].is_ground and _positive_with(left[-1], left[1]):  # √(n/d) = √(n·d)/d
        outside /= _shortest(kernels, left[-1])
        return outside * sqrt(inside * _shortest(kernels, left[1] * left[-1]))
    return outside * sqrt(inside * _shortest(kernels, left[1]) / _shortest(kernels, left[-1]))


def _shortest(kernels: Kernels, poly: Any) -> Expr:
    """A polynomial in factors or multiplied out."""
    return min((kernels.formula(poly), kernels.factored(kernels.field(poly))), key=cost)


def _positive_with(below: Any, above: Any) -> bool:
    """Whether n/d ≥ 0 says that d > 0: n + c·d is a positive number for a c > 0."""
    lead = next((m for m, _ in below.terms() if any(m)), None)
    if lead is None or lead not in above:
        return False
    times = -above[lead] / below[lead]
    total = above + below * times
    return bool(times > 0 and total.is_ground and total and total.LC > 0)


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
        kernels.seen |= _sums(task)
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
