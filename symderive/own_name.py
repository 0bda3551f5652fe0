"""Forms of a derivative in the stage's own name.

Where the definition of a stage can be solved for a kernel of its derivative, the kernel goes:
1/(1 + e⁻ᶻ)′ = p(1 − p). A definition is also a power, a logarithm, an inverse function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product

from sympy import (
    Add,
    Basic,
    Dummy,
    Expr,
    Function,
    Mul,
    Pow,
    S,
    Symbol,
    acos,
    apart,
    asin,
    cancel,
    cos,
    exp,
    log,
    sin,
)

from symderive import laws
from symderive.conditions import is_positive
from symderive.eliminating import as_factor, eliminated
from symderive.formulas.written import factors, terms
from symderive.identities import instances
from symderive.regular import further_divisors
from symderive.tasks import BY_DEFINITION, MIXED_PENALTY, Candidate, Task


def named(task: Task) -> Iterator[Candidate]:
    """In the stage's own name."""
    if task.name is None:
        return
    yield from _wherever_it_stands(task, task.name)
    yield from _logarithm_taken_apart(task)
    yield from _root_by_the_inverse(task)
    yield from _logarithm_of_the_name(task)
    for long in task.definitions:
        yield from _weighed(task, eliminated(task, task.name, long, BY_DEFINITION))
        if isinstance(long, Mul | Pow):
            yield from as_factor(task, task.name, long)
    yield from _rewritten_definition(task)


def _weighed(task: Task, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """Forms in the stage's name; that of a sum is worth it where the variable is gone."""
    mixed = MIXED_PENALTY if _is_sum(task) else 0.0
    for c in candidates:
        more = mixed if c.formula.has(task.variable) else 0.0
        yield replace(c, penalty=c.penalty + more, lasting=c.lasting + more, held=task.name)


def uneven(formula: Expr, task: Task) -> float:
    """What a form pays for y and y² beside the variable: y(5/x − 1 − y/x⁵) of x⁵/(eˣ − 1).

    Also for y(y − 1), which every reader knows as −y(1 − y); and for y beside what it is a power
    of: 2a(D(1 − e) − y) says less than 2aD(1 − e)e of D(1 − e)².
    """
    if task.name is None or not formula.has(task.name):
        return 0.0
    turned = TURNED_PENALTY if _is_turned(formula, task.name) else 0.0
    turned += 2 * MIXED_PENALTY if _beside_its_base(formula, task) else 0.0
    if not formula.has(task.variable):
        return turned
    beside = [
        part for part in formula.atoms(Add) if part.has(task.name) and part.has(task.variable)
    ]
    mixed = any(len(_degrees(part, task.name)) > 1 for part in beside)  # n·y(1 − y)/x is none
    return turned + (MIXED_PENALTY if mixed and max(_degrees(formula, task.name)) > 1 else 0.0)


def _beside_its_base(formula: Expr, task: Task) -> bool:
    """Whether y = c·Bⁿ stands in a sum with a function that B is made of."""
    if task.definition is None or task.variable is None:
        return False
    power = task.definition.as_independent(task.variable, as_Add=False)[1]
    if not (isinstance(power, Pow) and power.exp.is_Integer and power.exp > 1):
        return False
    inside = power.base.atoms(Function)
    sums = (part for part in formula.atoms(Add) if part.has(task.name))
    return any(part.atoms(Function) & inside for part in sums)


def _is_turned(formula: Expr, name: Symbol) -> bool:
    """Whether a product has y and y − c in it, or y² − y.

    >>> from sympy.abc import a, y
    >>> _is_turned(a*y*(y - 1), y), _is_turned(y*(1 - y), y), _is_turned(a*(y - 1), y)
    (True, False, False)
    """
    all_factors = Mul.make_args(formula)
    for part in all_factors:
        if not isinstance(part, Add) or len(part.args) != 2:
            continue
        if sum(term.could_extract_minus_sign() for term in part.args) != 1:
            continue
        mine = {term.as_independent(name)[1] for term in part.args if term.has(name)}
        first = next(term for term in part.args if not term.could_extract_minus_sign())
        if mine == {name, name**2} or (mine == {name} and name in all_factors and first.has(name)):
            return True
    return False


def _degrees(formula: Expr, name: Symbol | None) -> set[Expr]:
    """The powers that a name has in the terms of a formula.

    >>> from sympy.abc import x, y
    >>> sorted(_degrees(y * (1 - y / x) + x, y))
    [0, 1, 2]
    """
    if formula == name:
        return {S.One}
    if not formula.has(name):
        return {S.Zero}
    parts = [_degrees(arg, name) for arg in formula.args]
    if formula.is_Add:
        return set().union(*parts)
    if formula.is_Mul:
        total = {S.Zero}
        for part in parts:
            total = {a + b for a, b in product(total, part)}
        return total
    if formula.is_Pow and formula.exp.is_Integer and len(parts[0]) == 1:
        return {degree * formula.exp for degree in parts[0]}
    return {S.Zero}


def _is_sum(task: Task) -> bool:
    """Whether the stage is a sum of terms that move, but for what does not move with them."""
    if task.definition is None or task.variable is None:
        return False
    moving = task.definition.as_independent(task.variable, as_Add=True)[1]
    moving = moving.as_independent(task.variable, as_Add=False)[1]
    return sum(term.has(task.variable) for term in terms(moving)) > 1


ROOTS_BY_INVERSES: Mapping[type[Basic], tuple[Callable[[Expr], Expr], Callable[[Expr], Expr]]] = {
    asin: (lambda u: 1 - u**2, cos),
    acos: (lambda u: 1 - u**2, sin),
}
"""Of y = asin u it is known that √(1 − u²) = cos y: what is under the root, and the root."""

TURNED_PENALTY = 0.75
"""What y(y − 1) must save: a minus is half."""

INVERSE_PENALTY = 2.5
"""What cos y must save: (asin x)′ is 1/√(1 − x²), but m/(d·cos θ) of sin θ = m·l/d."""


def _root_by_the_inverse(task: Task) -> Iterator[Candidate]:
    """The root in the derivative of an inverse function, by the stage's own name: cos(asin u).

    >>> from sympy import sqrt
    >>> from sympy.abc import d, l, m, t
    >>> task = Task(m / (d * sqrt(1 - (l*m/d)**2)), t, asin(l*m/d), l)
    >>> [c.formula for c in _root_by_the_inverse(task)]
    [m/(d*cos(t))]
    """
    row = ROOTS_BY_INVERSES.get(type(task.definition))
    if row is None or task.definition is None or task.name is None:
        return
    inside, root = row[0](task.definition.args[0]), row[1](task.name)
    powers = {p: root ** (2 * p.exp) for p in task.plain.atoms(Pow) if p.base == inside}
    if powers:
        held = {"penalty": INVERSE_PENALTY, "lasting": INVERSE_PENALTY, "held": task.name}
        yield Candidate(task.plain.xreplace(powers), BY_DEFINITION, **held)


def _logarithm_of_the_name(task: Task) -> Iterator[Candidate]:
    """Of N = K·exp(A): A is log(N/K), where that takes the variable out: N′ = r·N·log(K/N).

    >>> from sympy.abc import K, N, a, r, t
    >>> stage = K * exp(-a * exp(-r*t))
    >>> task = Task(a * r * N * exp(-r*t), N, stage, t)
    >>> [c.formula for c in _logarithm_of_the_name(task)][0]
    N*r*log(K/N)
    """
    if task.definition is None or task.variable is None or task.name is None:
        return
    front, power = task.definition.as_independent(task.variable, as_Add=False)
    base, exponent = power.as_base_exp()
    if not isinstance(power, exp | Pow) or base.has(task.variable) or exponent.is_number:
        return
    further = further_divisors(1 / front, task.divided)
    if further is None or front.is_number or not (task.free or further <= task.scales):
        return
    taken = further | front.free_symbols  # said always: it is not computed by, N may underflow
    for short in (-log(front / task.name), log(task.name / front)):
        for c in eliminated(task, short / log(base), exponent, BY_DEFINITION):
            if c.formula.has(task.name) and not c.formula.has(task.variable):
                yield replace(c, scales=c.scales | taken)


def _wherever_it_stands(task: Task, name: Symbol) -> Iterator[Candidate]:
    """The name put for its definition inside other functions, and for powers of what it is of."""
    if task.definition is None:
        return
    if isinstance(task.definition, Function | Pow):
        found = {part: name**times for part, times in _powers_of(task.definition, task.plain)}
        if found:
            yield Candidate(task.plain.xreplace(found), BY_DEFINITION)
    front, power = task.definition.as_independent(*_with_letters(task.definition), as_Add=False)
    if not isinstance(power, Pow) or power.exp.is_number:
        return
    firm = is_positive(power.base, task.positive)
    if not firm and not any(_with_letters(part) for part in power.base.atoms(Pow)):
        return  # (−2)² is 4, and 4^(1/2) is not −2: the letters may stand for whole numbers
    taken = further_divisors(1 / front, task.divided)
    if taken is None or not (task.free or taken <= task.scales):
        return  # y/relu(u) has no value where u < 0, and the derivative has
    if not firm:  # of powers with letters the books take it for granted; numbers are not so
        taken |= {power.base}
    mine = {p for p in task.plain.atoms(Pow) if p.base == power.base and not p.exp.is_number}
    root = name / front  # B^(1/r) = y/c says B^f = (y/c)^(f·r)
    put_in = {p: Pow(root, cancel(p.exp / power.exp)) for p in mine}
    if put_in:
        changed = task.plain.xreplace(put_in)
        yield Candidate(changed, BY_DEFINITION, scales=taken)
        merged = laws.everywhere(changed, laws.one_power)
        if merged != changed:
            yield Candidate(merged, BY_DEFINITION, scales=taken)


def _powers_of(definition: Expr, formula: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The whole powers of a definition in a formula: (√x + 1)⁻² of (√x + 1)⁻¹."""
    if formula.has(definition):
        yield definition, S.One
    base, exponent = definition.as_base_exp()
    for power in formula.atoms(Pow) if exponent.is_number and base.is_Add else ():
        times = power.exp / exponent
        if power.base == base and times.is_Integer and times > 1:
            yield power, times


def _logarithm_taken_apart(task: Task) -> Iterator[Candidate]:
    """Of A + c·log(uᵃ·vᵇ): the terms a·u′/u + b·v′/v, as partial fractions give them."""
    if task.definition is None or task.variable is None:
        return
    moving = task.definition.as_independent(task.variable, as_Add=True)[1]
    times, sole = moving.as_independent(task.variable, as_Add=False)
    plain = task.plain / times
    if not isinstance(sole, log) or not plain.is_rational_function(task.variable):
        return
    if sum(f.has(task.variable) for f in factors(sole.args[0])) > 1:
        named, constants = _constants_named(plain, task.variable)
        plain = apart(plain.xreplace(named), task.variable)
        yield Candidate(times * plain.xreplace(constants), "partial fractions")


def _constants_named(
    formula: Expr, variable: Symbol
) -> tuple[dict[Expr, Expr], dict[Symbol, Expr]]:
    """The sums of a formula with what stands still in them under a name: b² + (x − m)² by b.

    Returns:
        What is put in for each sum, and what each name stands for.
    """
    named: dict[Expr, Expr] = {}
    constants: dict[Symbol, Expr] = {}
    for part in sorted(formula.atoms(Add), key=str):
        still, moving = part.as_independent(variable, as_Add=True)
        if still.args and not still.is_number:
            name = Dummy()
            named[part], constants[name] = name + moving, still
    return named, constants


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
