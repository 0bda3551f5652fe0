"""Forms in a shorter name: a kernel of the derivative is eliminated by short = long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Expr, Function, Symbol, exp, log
from sympy.polys.fields import FracElement

from symderive.formulas.factoring import factor_list
from symderive.formulas.kernels import Kernels, rational
from symderive.formulas.written import factors
from symderive.regular import Divisors
from symderive.tasks import (
    BY_DEFINITION,
    EXPANDED_PENALTY,
    MIXED_PENALTY,
    PARTIAL_PENALTY,
    RELATED_PENALTY,
    Candidate,
    Task,
    length,
    sums_as_stated,
)

MAX_LONGER = 2
"""Terms by which an identity may lengthen a formula over one denominator."""


def eliminated(
    task: Task,
    short: Expr,
    long: Expr,
    reason: str,
    *,
    told: bool = True,
    positive: frozenset[Expr] = frozenset(),
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
    cost_of_name, cost_of_exp = 0.0, MIXED_PENALTY if long.is_Mul else PARTIAL_PENALTY
    if long.is_Add or long.is_Mul:  # A + c·log g says g = exp((y − A)/c)
        rest, sole = long.as_independent(log, as_Add=True)
        times, sole = sole.as_independent(log)
        if isinstance(sole, log) and not plain.has(sole) and not rest.has(log):
            short, long = (short - rest) / times, sole
    if isinstance(long, log) and not plain.has(long):
        short, long = exp(short), long.args[0]  # log g = A says g = e^A
        cost_of_name = cost_of_exp
        if isinstance(long.as_coeff_Mul()[1], Function):
            cost_of_name = max(cost_of_exp, MIXED_PENALTY)  # log log x reads no better as e^y
    kernels = Kernels([plain, long, short])
    kernels.seen = sums_as_stated(kernels.seen, task)
    element, target = kernels.normal(plain), kernels.element(short)
    definition = kernels.element(long)
    divided = (*task.divided, long) if told else task.divided
    divisors = Divisors(kernels, divided, task.scales | positive, free=task.free and told)
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
        penalty = cost_of_name
        if symbol:  # beside the short name that stands there already a name goes for less
            stands = task.variable is None and plain.has(*short.free_symbols)
            penalty = RELATED_PENALTY if stands else PARTIAL_PENALTY
        for result in (solution, *others):
            if not told and length(result) > length(element) + MAX_LONGER:
                continue  # an identity that lengthens the formula is not worth its factoring
            scales = divisors.extra(result, short, definition)
            if result == element or scales is None:
                continue
            for form in (kernels.factored(result), kernels.half_factored(result)):
                yield Candidate(form, reason, penalty, scales, penalty)
            expanded = kernels.expanded(result)
            yield Candidate(expanded, reason, penalty + EXPANDED_PENALTY, scales, penalty)
            for part in kernels.split(result) if not symbol else ():
                yield Candidate(part, reason, penalty, scales, penalty)
        if degree == 1 and not symbol:  # as it stands, without multiplying out
            put_in = plain.xreplace({kernel: kernels.factored(value)})
            scales = divisors.extra(solution, short, definition)
            inside = divisors.extra(value, short, definition)  # it may cancel in the solution only
            if scales is not None and inside is not None:
                yield Candidate(put_in, reason, penalty, scales | inside, penalty)
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
    numer = rational(element.numer)
    remainder = numer.rem([rational(relation)])
    if remainder == numer:
        return
    reduced = kernels.from_rational(remainder) / kernels.field.field_new(element.denom)
    scales = divisors.extra(reduced, short, definition)
    if scales is None:
        return
    forms = [kernels.factored(reduced), kernels.half_factored(reduced)]
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol) and _occurs(kernels, kernel, reduced):
            forms.append(kernels.collected(reduced, kernel))
    for form in forms:
        yield Candidate(form, reason, PARTIAL_PENALTY, scales, PARTIAL_PENALTY)


def _out_of_denominator(
    kernels: Kernels, root: Expr, result: FracElement, target: FracElement, definition: FracElement
) -> Iterator[FracElement]:
    """A form with the short name above the bar: where it is c·ⁿ√b, its n-th power is cⁿ·b."""
    for kernel, degree, value in kernels.relations:
        factor = definition / kernel
        mine = kernel == kernels.place[root] and not _occurs(kernels, root, factor)
        if mine and target.numer in [part for part, _ in factor_list(result.denom)[1]]:
            yield result * target**degree / (factor**degree * value)


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


def as_factor(
    task: Task,
    name: Expr,
    long: Expr,
    reason: str = BY_DEFINITION,
    exponents: tuple[int, ...] = (1, 2, 3, -1),
) -> Iterator[Candidate]:
    """The derivative as yⁿ times the rest: y·f′/f, and f′·f/y."""
    kernels = Kernels([task.plain, long, name])
    kernels.seen = sums_as_stated(kernels.seen, task)
    element, target = kernels.normal(task.plain), kernels.element(name)
    definition = kernels.normal(long)
    if not definition or not element or (definition.numer.is_ground and definition.denom.is_ground):
        return
    free = task.free and reason == BY_DEFINITION
    moving = [part for part in factors(long) if task.variable and part.has(task.variable)]
    divisors = Divisors(kernels, task.divided, task.scales, free=free)
    for exponent in exponents:
        rest = kernels.quotient(element, definition**exponent)
        if reason != BY_DEFINITION and length(rest) >= length(element):
            continue
        if reason != BY_DEFINITION and exponent > 0 and not divisors.holds(definition):
            continue  # csch is where tanh is not zero
        form = rest * target**exponent
        scales = divisors.extra(form, name, definition)
        if scales is not None:
            mixed = MIXED_PENALTY if exponent > 1 < len(moving) else 0.0  # y³/x² of √x/(1 + x)
            yield Candidate(kernels.factored(form), reason, mixed, scales, mixed)
            if exponent == 1:
                for part in kernels.split(form):
                    yield Candidate(part, reason, 0.0, scales)
