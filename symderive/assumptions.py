"""The ledger: what a derivation takes for granted, and what it can prove of it.

Conditions come from the formulas themselves: a denominator is not zero, a logarithm's or a root's
argument is positive, a named function's arguments lie in its domain. A condition that the stages'
own definitions guarantee (a sigmoid lies between 0 and 1) is marked as holding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Add, And, Basic, Expr, Mul, Ne, Piecewise, Pow, Symbol, exp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from symderive.certify import defined, put_in
from symderive.chain import Chain
from symderive.formulas.functions import function_of
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.model import Model

MAX_STAGES = 200
"""Beyond this, stages that are the same up to names are read once."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """One condition.

    Attributes:
        condition: A relation between names of the model, such as A2 > 0.
        reason: What needs it, such as ``the logarithm in A3``.
        holds: Whether the stages' definitions guarantee it.
    """

    condition: Relational
    reason: str
    holds: bool


def assumptions(model: Model, chain: Chain) -> tuple[Assumption, ...]:
    """The conditions of the stages on the paths, each once; the guaranteed ones last."""
    found: dict[Relational, str] = {}
    seen: set[int] = set()
    for (stage, _), link in chain.links.items():
        if id(link.kind) in seen:
            continue
        seen.add(id(link.kind))
        for part in (link.stage.formula, evaluated(link.step.result)):
            for condition, reason in conditions_of(part):
                found.setdefault(condition, f"{reason} in {stage}")
        for scale in sorted(link.kind.forms[0].scales, key=str):
            named = link.here(scale)
            found.setdefault(Ne(named, 0), f"the closed form of ∂{stage}/∂{link.source}")
    positive = {c.args[0] for c in found if isinstance(c, Relational) and c.rel_op == ">"}
    rows = []
    for condition, reason in found.items():
        left = condition.args[0]
        implied = condition.rel_op != ">" and {left, -left} & positive
        if implied or is_positive(left):  # positive by its form alone: nothing is assumed
            continue
        rows.append(Assumption(condition, reason, _holds(condition, model)))
    return tuple(sorted(rows, key=lambda row: row.holds))


def conditions_of(formula: Basic) -> Iterator[tuple[Relational, str]]:
    """What the parts of a formula need, and which part needs it."""
    if isinstance(formula, Piecewise):  # a branch's own conditions hold where the branch does
        return
    for arg in formula.args:
        yield from conditions_of(arg)
    if isinstance(formula, Pow):
        yield from _of_power(formula)
    row = function_of(formula)
    if row is not None:
        for part in sorted(And.make_args(row.domain_condition(*formula.args)), key=str):
            if isinstance(part, Relational) and not isinstance(part, BooleanAtom):
                yield _normal(part), f"the {row.title}"


def _of_power(formula: Pow) -> Iterator[tuple[Relational, str]]:
    base, exponent = formula.args
    if base.is_number:
        return
    if not exponent.is_Integer:
        strict = not (exponent.is_Rational and exponent > 0)
        condition = base > 0 if strict else base >= 0
        yield _normal(condition), "the root" if exponent.is_Rational else "the power"
    elif exponent.is_negative:
        for factor in Mul.make_args(base):
            if not factor.is_number:
                yield Ne(factor, 0), "the denominator"


def _normal(condition: Relational) -> Relational:
    """The relation with 0 on its right, as ``left > 0`` or ``left >= 0``."""
    if condition.rel_op in ("<", "<="):
        condition = condition.reversed
    left, right = condition.lhs, condition.rhs
    if right == 0:
        return condition
    return condition.func(left - right, 0, evaluate=False)


def _holds(condition: Relational, model: Model) -> bool:
    """Whether the definitions of the stages make the left side positive."""
    where = {Symbol(s.name): s.written for s in model.stages.values()}
    left = condition.args[0]
    if len(model.stages) > MAX_STAGES:
        where = {symbol: where[symbol] for symbol in left.free_symbols & where.keys()}
    if is_positive(left):
        return True
    try:
        plain = defined(put_in(evaluated(left), where))
        kernels = Kernels([plain])
        element = kernels.normal(plain)
        return all(is_positive(kernels.formula(p)) for p in (element.numer, element.denom))
    except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
        return False


def is_positive(formula: Expr) -> bool:
    """Whether a formula is positive for every real value of its names, by its form alone.

    >>> x = Symbol("x")
    >>> is_positive(1 + exp(-x) + x**2), is_positive(1 + x)
    (True, False)
    """
    if formula.is_number:
        return bool(formula.is_positive)
    if isinstance(formula, exp):
        return True
    if isinstance(formula, Add):
        return all(map(_is_not_negative, formula.args)) and any(map(is_positive, formula.args))
    if isinstance(formula, Mul):
        return all(map(is_positive, formula.args))
    if isinstance(formula, Pow):
        return is_positive(formula.base) and formula.exp.is_real is not False
    return False


def _is_not_negative(formula: Expr) -> bool:
    if isinstance(formula, Mul):
        return all(map(_is_not_negative, formula.args))
    if isinstance(formula, Pow) and formula.exp.is_even:
        return True
    return is_positive(formula) or formula == 0
