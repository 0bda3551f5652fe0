"""From what the rules give to the simplest form in stage names, every rewriting a line.

A derivative is a rational function of its kernels. Candidate forms come from four mechanisms:
put over one denominator and factor; eliminate a kernel in favour of the stage's own name (or the
short name of an identity) where its definition can be solved for it; reduce by that definition
where it cannot; collect in a kernel. The stated ``cost`` chooses. A form that would divide by
something the derivative does not divide by is never a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Mul, Piecewise, Pow, S, Symbol, exp, log, together
from sympy.polys.fields import FracElement

from symderive.cost import cost
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import (
    evaluated,
    factors,
    power,
    product,
    quotient,
    rename,
    sum_of,
    terms,
    tidy,
)
from symderive.identities import IDENTITIES

MAX_COST = 300.0
"""A formula that costs more is left as the rules gave it."""

PARTIAL_PENALTY = 1.0
"""What a form must save before a kernel is eliminated only in part."""

EXPANDED_PENALTY = 0.25
"""Among forms of equal cost the one in factors is chosen."""

BY_DEFINITION = "definition of the stage"
"""The reason of a line that brings in the stage's own name."""

Rewriting = tuple[Expr, str]
"""A formula and the reason it equals the one before."""


@dataclass(frozen=True, slots=True)
class Form:
    """One closed form: the formula, and the rewritings that lead to it."""

    formula: Expr
    rewritings: tuple[Rewriting, ...]
    penalty: float = 0.0

    @property
    def rank(self) -> tuple[float, bool, int, int, str]:
        """The measure by which forms are ordered; the least is chosen."""
        text = str(self.formula)
        measure = cost(self.formula) + self.penalty
        return (measure, bool(self.rewritings), len(self.rewritings), len(text), text)


def closed_forms(
    derivative: Expr, name: Symbol | None = None, definition: Expr | None = None
) -> list[Form]:
    """The forms of a derivative, simplest first; the first is the closed form.

    Args:
        derivative: What the rules gave, as written.
        name: The symbol of the stage itself.
        definition: The stage's formula, as written.

    >>> A1, A2 = Symbol("A1"), Symbol("A2")
    >>> f = 1 / (1 + exp(-A1))
    >>> closed_forms(exp(-A1) / (1 + exp(-A1)) ** 2, A2, f)[0].formula
    A2*(1 - A2)
    """
    plain = evaluated(derivative)
    forms = [Form(derivative, ())]
    if 0 < cost(plain) <= MAX_COST and not plain.has(Diff):
        if isinstance(plain, Piecewise):
            forms += _branches(plain)
        else:
            for find in (_combined, _named, _identified):
                try:
                    forms += find(derivative, plain, name, definition)
                except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
                    continue  # this mechanism has no form within the budget
    unique: dict[Expr, Form] = {}
    for form in sorted(forms, key=lambda form: form.rank):
        unique.setdefault(evaluated(form.formula), form)
    return list(unique.values())


def simplest(formula: Expr) -> Expr:
    """The simplest form of a formula by its own algebra alone.

    >>> A2, Y = Symbol("A2"), Symbol("Y")
    >>> simplest((A2 - Y) / (A2 * (1 - A2)) * A2 * (1 - A2))
    A2 - Y
    """
    return closed_forms(formula)[0].formula


def _branches(plain: Piecewise) -> Iterator[Form]:
    """Each branch in its simplest form."""
    branches = [(simplest(branch), condition) for branch, condition in plain.args]
    formula = Piecewise(*branches)
    if formula != plain and isinstance(formula, Expr):
        yield Form(formula, ((formula, "simplify each branch"),))


def _combined(
    derivative: Expr, plain: Expr, name: Symbol | None, definition: Expr | None
) -> Iterator[Form]:
    """Over one denominator, cancelled, in factors, expanded, or collected in a kernel."""
    kernels = Kernels([plain])
    element = kernels.normal(plain)
    if not _as_regular(kernels, plain, element, plain, element):
        return  # xⁿ⁻¹ written as xⁿ/x
    fraction = any(_has_denominator(term) for term in terms(plain)) and plain.is_Add
    reason = "common denominator" if fraction else "simplify"
    factored = kernels.factored(element)
    if not fraction and plain.is_Add and not factored.is_Add:
        reason = "factor out"
    yield Form(factored, ((factored, reason),))
    expanded = kernels.expanded(element)
    yield Form(expanded, ((expanded, "expand"),), EXPANDED_PENALTY)
    half = kernels.half_factored(element)
    yield Form(half, ((half, reason),))
    joined = together(plain)
    yield Form(joined, ((joined, "common denominator"),))
    for kernel in kernels.kernels:
        if not isinstance(kernel, Symbol):
            collected = kernels.collected(element, kernel)
            yield Form(collected, ((collected, f"collect {_short(kernel)}"),))


def _short(kernel: Expr) -> str:
    return type(kernel).__name__ if kernel.is_Function else "like terms"


def _has_denominator(term: Expr) -> bool:
    return any(isinstance(f, Pow) and f.exp.is_negative for f in factors(term))


def _named(
    derivative: Expr, plain: Expr, name: Symbol | None, definition: Expr | None
) -> Iterator[Form]:
    """In the stage's own name."""
    if name is None or definition is None:
        return
    row = function_of(evaluated(definition))
    definitions = [definition]
    if row is not None and row.definition is not None:
        definitions.append(row.definition_formula(*definition.args))
    for stated in definitions:
        long = evaluated(stated)
        for formula, penalty in _eliminated(plain, name, long):
            bridge = tuple(_bridge(derivative, formula, name, stated)) if penalty < 1 else ()
            yield Form(formula, (*bridge, (formula, BY_DEFINITION)), penalty)


def _identified(
    derivative: Expr, plain: Expr, name: Symbol | None, definition: Expr | None
) -> Iterator[Form]:
    """In the short names of the identities."""
    for row in IDENTITIES:
        for found in sorted(plain.atoms(row.trigger), key=str):
            for argument in (found.args[0], -found.args[0]):
                if argument.could_extract_minus_sign() and row.trigger is not exp:
                    continue
                for formula, penalty in _eliminated(plain, *row.at(argument)):
                    yield Form(formula, ((formula, row.name),), penalty)


def _eliminated(plain: Expr, short: Expr, long: Expr) -> Iterator[tuple[Expr, float]]:
    """The derivative with a kernel of ``long`` eliminated by short = long.

    Yields the form and its penalty: the kernel is gone, or only its products are reduced.
    """
    if isinstance(long, log) and not plain.has(long):
        short, long = exp(short), long.args[0]  # log g = A says g = e^A
    kernels = Kernels([plain, long, short])
    element, target = kernels.normal(plain), kernels.element(short)
    definition = kernels.element(long)
    for kernel in kernels.kernels:
        if isinstance(kernel, Symbol) or kernel == short or not _occurs(kernels, kernel, element):
            continue
        solved = _solved(kernels, kernel, definition, target)
        if solved is not None:
            degree, value = solved
            solution = kernels.reduce(kernels.substituted(element, kernel, degree, value))
            others = _out_of_denominator(kernels, kernel, solution, target, definition)
            for result in (solution, *others):
                if result == element or not _as_regular(kernels, plain, result, short, definition):
                    continue
                yield kernels.factored(result), 0.0
                yield kernels.half_factored(result), 0.0
                yield kernels.expanded(result), EXPANDED_PENALTY
    if short in kernels.place and target.denom == 1:
        relation = definition.numer - target.numer * definition.denom
        remainder = element.numer.rem([relation])
        if remainder != element.numer:
            reduced = kernels.field.field_new(remainder) / kernels.field.field_new(element.denom)
            if not _as_regular(kernels, plain, reduced, short, definition):
                return
            yield kernels.factored(reduced), PARTIAL_PENALTY
            yield kernels.half_factored(reduced), PARTIAL_PENALTY
            for kernel in kernels.kernels:
                if not isinstance(kernel, Symbol) and _occurs(kernels, kernel, reduced):
                    yield kernels.collected(reduced, kernel), PARTIAL_PENALTY


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
        if mine and target.numer in [part for part, _ in result.denom.factor_list()[1]]:
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


def _as_regular(
    kernels: Kernels,
    plain: Expr,
    after: FracElement,
    short: Expr,
    definition: FracElement,
) -> bool:
    """Whether the new form divides by nothing that the old one does not divide by."""
    new = kernels.field.field_new
    old = {factor.monic() for factor in _stated_denominators(kernels, plain)}
    for factor, _ in after.denom.factor_list()[1]:
        if factor.monic() in old:
            continue
        inside = new(factor)
        if short in kernels.place:
            inside = kernels.substituted(inside, short, 1, definition)
        for part, _ in inside.numer.factor_list()[1]:
            if part.monic() not in old and not _never_zero(kernels, part):
                return False
    return True


def _stated_denominators(kernels: Kernels, formula: Expr) -> Iterator[Any]:
    """The irreducible factors of what a formula divides by, as it stands."""
    if isinstance(formula, Pow) and formula.exp.is_number and formula.exp.is_negative:
        element = kernels.element(formula)
        for part, _ in element.denom.factor_list()[1]:
            yield part
        for kernel, _, value in kernels.relations:  # a root vanishes where its radicand does
            if _occurs(kernels, kernels.kernels[kernels.field.gens.index(kernel)], element):
                yield from (part for part, _ in value.numer.factor_list()[1])
    if isinstance(formula, Add | Mul):
        for arg in formula.args:
            yield from _stated_denominators(kernels, arg)
    elif isinstance(formula, Pow):
        yield from _stated_denominators(kernels, formula.base)


def _never_zero(kernels: Kernels, poly: Any) -> bool:
    formula = kernels.formula(poly)
    return isinstance(formula, exp) or (
        isinstance(formula, Add)
        and all(isinstance(t, exp) or (t.is_Number and t > 0) for t in formula.args)
    )


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
        return product(*(tidy_fractions(factor) for factor in formula.args))
    return tidy(formula) if formula is not S.One else formula
