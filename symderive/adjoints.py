"""One adjoint over placeholders: Σ adjoint · link put in, closed, and what to compute it by.

Sums that are the same up to names share one ``AdjointShape``, simplified and certified once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as cartesian

from sympy import (
    Add,
    Expr,
    Function,
    Mul,
    Pow,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    cosh,
    exp,
    gcd,
    log,
    sin,
    sinh,
    tan,
    tanh,
)

from symderive.certify import certify
from symderive.closed_form import Form, simplest
from symderive.cost import MINUS, cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import Diff
from symderive.formulas.written import denominators, evaluated, parts_of, product, sum_of, tidy
from symderive.relations import Definition, with_definitions
from symderive.steps import Certificate


@dataclass(frozen=True, eq=False, slots=True)
class AdjointShape:
    """A formula over placeholders, and how it was established.

    Attributes:
        closed: The closed form; None where adjoints stay by name.
        substituted: The links put in.
        local: The formula to compute it by.
        certificate: How the closed form was established.
        rewritings: The lines between, where definitions of stages lead to it.
        others: The same as ``local`` in other forms: one of them may keep more digits.
    """

    closed: Expr | None
    substituted: Expr
    local: Expr
    certificate: Certificate
    rewritings: tuple[tuple[Expr, str, Certificate], ...] = ()
    others: tuple[Expr, ...] = ()


def adjoint_shape(
    terms: list[tuple[Expr, Expr, Expr, Sequence[Expr]]],
    limit: float,
    definitions: Mapping[Symbol, Definition],
    beside: set[Symbol],
    positive: frozenset[Symbol] = frozenset(),
) -> AdjointShape:
    """Σ adjoint · link: put in, closed, and the formula to compute it by.

    Each term is (the adjoint written out, the adjoint by name, the link, what to compute it by:
    the safe form, then others). What stands ``beside`` the target is not there when it is computed.
    """
    by_name = sum_of(
        *(product(_shorter(adjoint, named, beside), ways[0]) for adjoint, named, _, ways in terms)
    )
    total = sum(cost(adjoint) + cost(link) + 1.0 for adjoint, _, link, _ in terms)
    if total > 2 * limit or any(adjoint.has(Diff) for adjoint, _, _, _ in terms):
        return AdjointShape(None, by_name, by_name, AS_IT_STANDS)
    substituted = sum_of(*(product(adjoint, link) for adjoint, _, link, _ in terms))
    regular = all(link == ways[0] for _, _, link, ways in terms)
    apart = len(terms) == 1 and _strangers(terms[0][0], terms[0][2])
    local, simplified = tidy(by_name), _closed(substituted, positive, apart)
    if len(terms) == 1 and terms[0][0] == 1 and cost(terms[0][2]) <= cost(simplified) + MINUS:
        simplified = terms[0][2]  # (CRω)² and −y(1 − y) stay as their link has them
    if positive and _has_root(substituted):  # what is taken to be positive is not computed by
        regular = False
    form = with_definitions(simplified, definitions) if definitions else Form(simplified, ())
    if cost(form.formula) > limit:
        return AdjointShape(None, by_name, by_name, AS_IT_STANDS)
    if regular and _prefer(form.formula, local, substituted):
        local = form.formula if not form.formula.free_symbols & beside else simplified
        local = local if not local.free_symbols & beside else tidy(by_name)
    adjoint, named, _, ways = terms[0]
    forms = (tidy(product(_shorter(adjoint, named, beside), way)) for way in ways)
    others = tuple(forms) if len(terms) == 1 else ()
    others = others if local in others or adjoint == 1 else ()
    where = {name: definition.formula for name, definition in definitions.items()}
    plan = ((simplified, "simplify"), *form.rewritings) if form.rewritings else ()
    rewritings = tuple(
        (formula, reason, certify(substituted, formula, where=where, positive=positive))
        for formula, reason in plan
    )
    certificate = certify(substituted, form.formula, where=where, positive=positive)
    return AdjointShape(form.formula, substituted, local, certificate, rewritings, others)


def _has_root(formula: Expr) -> bool:
    powers = formula.atoms(Pow)
    return any(p.exp.is_Rational and p.exp.q == 2 for p in powers) or formula.has(*SIGNED)


SIGNED = tuple(FUNCTIONS[name].function for name in ("abs", "sign"))
"""The functions that what is known to be positive comes out of."""


def _closed(substituted: Expr, positive: frozenset[Symbol], apart: bool) -> Expr:
    """The closed form; equal factors that cancel at sight need no search.

    Nor do an adjoint and a link that are ``apart``: each is in closed form already.
    """
    plain = evaluated(substituted)
    turned = plain.could_extract_minus_sign() and any(f.is_Add for f in plain.args)
    if not plain.is_Add and not turned and (apart or not denominators(plain)):
        return plain
    return simplest(tidy(substituted), positive)


def _strangers(left: Expr, right: Expr) -> bool:
    """Whether nothing of one factor acts on the other: no law joins them, no sum of theirs cancels.

    >>> from sympy import symbols, sin, cos
    >>> x, y, z = symbols("x y z")
    >>> _strangers(x*sin(y)/(1 - x*cos(y)), z*cos(x)/(x + z))
    True
    >>> _strangers(x/(1 - x**2), y*(1 - x)), _strangers(sin(x)/y, cos(x)*(1 + z))
    (False, False)
    """
    if left.is_Add or right.is_Add:
        return False
    mine, theirs = _kernels(left), _kernels(right)
    if mine is None or theirs is None:
        return False
    if any(a.free_symbols & b.free_symbols for a in mine for b in theirs):
        return False
    pairs = cartesian(parts_of(left, Add), parts_of(right, Add))
    return all(not a.free_symbols & b.free_symbols or gcd(a, b).is_Number for a, b in pairs)


def _kernels(formula: Expr) -> set[Expr] | None:
    """The functions and roots in a formula; None where one may be joined with a plain name."""
    found = parts_of(formula, Function)
    if any(type(part) not in ELEMENTARY for part in found):
        return None
    roots = [power for power in parts_of(formula, Pow) if not power.exp.is_Integer]
    bases = [part.as_base_exp()[0] for root in roots for part in Mul.make_args(root.base)]
    if not all(base.is_Number or (base.is_Add and base.is_polynomial()) for base in bases):
        return None  # the root of a name is joined with the name
    return {*found, *roots}


ELEMENTARY = frozenset({exp, log, sin, cos, tan, sinh, cosh, tanh, asin, acos, atan})
"""Functions that only the like of them, of the same names, are joined with."""

AS_IT_STANDS = Certificate("proved", "the chain rule as it stands: nothing was rewritten")


def _shorter(adjoint: Expr, named: Expr, beside: set[Symbol]) -> Expr:
    """A symbol or a number stands for itself; anything longer is computed once and named."""
    return adjoint if not adjoint.args and adjoint not in beside else named


def _prefer(closed: Expr, local: Expr, substituted: Expr) -> bool:
    """Whether to compute by the closed form: it is shorter, or a denominator cancelled."""
    gone = denominators(evaluated(substituted)) - denominators(evaluated(closed))
    return bool(gone) or cost(closed) <= cost(local)
