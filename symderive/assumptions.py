"""The ledger: what a derivation takes for granted, and what it can prove of it.

Conditions come from the formulas themselves: a denominator is not zero, a logarithm's or a root's
argument is positive, a named function's arguments lie in its domain. A condition that the stages'
own definitions guarantee (a sigmoid lies between 0 and 1) is marked as holding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Gt, Ne, Symbol
from sympy.core.relational import Relational

from symderive.certify import defined, put_in
from symderive.chain import Chain
from symderive.conditions import conditions_of, is_positive
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
    stated = {Symbol(name) for name in model.positive}
    rows = stated_positive(model, chain)
    for condition, reason in not_implied(found):
        if not is_positive(condition.args[0], stated):  # else by its form: nothing is assumed
            rows.append(Assumption(condition, reason, _holds(condition, model)))
    return tuple(sorted(rows, key=lambda row: row.holds))


def not_implied(found: Mapping[Relational, str]) -> Iterator[tuple[Relational, str]]:
    """The conditions without ``a ≠ 0`` and ``a ≥ 0`` where another is a > 0."""
    positive = {c.args[0] for c in found if isinstance(c, Relational) and c.rel_op == ">"}
    for condition, reason in found.items():
        left = condition.args[0]
        if condition.rel_op == ">" or not {left, -left} & positive:
            yield condition, reason


def stated_positive(model: Model, chain: Chain) -> list[Assumption]:
    """What is stated of the scalars that the target depends on."""
    reached = model.ancestors(chain.target)
    return [
        Assumption(Gt(Symbol(name), 0), f"stated: {name} is positive", False)
        for name in model.names
        if name in model.positive and name in reached
    ]


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
