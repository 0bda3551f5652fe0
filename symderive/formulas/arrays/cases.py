"""Choices by entries: what every branch has stands before the cases, as far as that is safe."""

from __future__ import annotations

from typing import Any

from sympy import Add, Basic, Expr, Function, Indexed, KroneckerDelta, Mul, Piecewise, Pow, S, exp

from symderive.formulas.functions import EVERYWHERE, function_of


def hoisted(formula: Basic) -> Any:
    """What every branch has, before the cases; branches with other deltas as a sum of cases."""
    if isinstance(formula, Piecewise) and formula.has(Indexed):
        formula = _shared_out(formula)
    if not isinstance(formula, Piecewise) or not formula.has(KroneckerDelta):
        return formula
    branches = [(value, condition) for value, condition in formula.args if value != 0]
    sets = [_deltas_of(value) for value, _ in branches]
    common = sets[0]
    if common and all(deltas == common for deltas in sets):
        rest = [(_without(value, common), condition) for value, condition in formula.args]
        return Mul(*sorted(common, key=str), Piecewise(*rest))
    if any(isinstance(value, Add) for value, _ in branches):
        return formula
    parts = []
    for k, (value, _) in enumerate(formula.args):
        deltas = _deltas_of(value)
        alone = _without(value, deltas)
        cases = [(alone if j == k else S.Zero, c) for j, (_, c) in enumerate(formula.args)]
        if value != 0:
            parts.append(Mul(*sorted(deltas, key=str), Piecewise(*cases)))
    return Add(*parts)


def _deltas_of(formula: Expr) -> set[Expr]:
    """The deltas that a formula is a multiple of."""
    if isinstance(formula, Add):
        return set.intersection(*map(_deltas_of, formula.args))
    if isinstance(formula, Mul):
        return set().union(*map(_deltas_of, formula.args))
    base = formula.base if isinstance(formula, Pow) else formula
    return {base} if isinstance(base, KroneckerDelta) else set()


def _without(formula: Expr, factors: set[Expr]) -> Expr:
    """A formula divided by deltas that it is a multiple of."""
    if isinstance(formula, Add | Mul):
        return formula.func(*(_without(part, factors) for part in formula.args))
    base = formula.base if isinstance(formula, Pow) else formula
    return S.One if base in factors else formula


def _shared_out(formula: Piecewise) -> Any:
    """The factors that all branches share, before the cases: a zero branch has them all.

    What may have no value, or no finite one, stays inside: 1/(λ_i − λ_k), log x and e^x times 0
    are no numbers where the zero branch is chosen.
    """
    branches = [value for value, _ in formula.args if value != 0]
    shared = set(Mul.make_args(branches[0])) if branches else set()
    for value in branches[1:]:
        shared &= set(Mul.make_args(value))
    zero = len(branches) < len(formula.args)
    shared = {f for f in shared if f.has(Indexed) and not (zero and _may_have_no_value(f))}
    if not shared:
        return formula
    rest = [
        (Mul(*(f for f in Mul.make_args(value) if f not in shared)), condition)
        for value, condition in formula.args
    ]
    return Mul(*sorted(shared, key=str), hoisted(Piecewise(*rest)))


def _may_have_no_value(formula: Expr) -> bool:
    """Whether a formula may be infinite or no real number at some values of its entries."""
    if not all(p.exp.is_integer and p.exp.is_nonnegative for p in formula.atoms(Pow)):
        return True
    rows = [function_of(part) for part in formula.atoms(Function)]
    return formula.has(exp) or any(row and row.domain != EVERYWHERE for row in rows)
