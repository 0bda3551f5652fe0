"""Slips that a result shows, whatever led to it: a sign turned, a power or a factor lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from sympy import Add, Expr, Mul, Pow, Symbol
from sympy.core.relational import Relational

from symderive.formulas.typed import typed


def result_slips(formula: Expr, names: Sequence[Symbol]) -> Iterator[tuple[str, Expr]]:
    """What a right result would be with one thing in it lost, turned or mistaken.

    Args:
        formula: The derivative.
        names: The names of the model, one of which may stand in the place of another.
    """
    for turned, term in _turned_signs(formula):
        yield f"sign: in the term {typed(term)}", turned
    for changed, remark in _lost_powers(formula):
        yield f"power rule: {remark}", changed
    for changed, remark in (*_lost_factors(formula), *_lost_numbers(formula)):
        yield f"wrong factor: {remark}", changed
    for one, other in combinations((n for n in names if formula.has(n)), 2):
        swapped = formula.xreplace({one: other, other: one})
        yield f"wrong name: {one} and {other} stand in each other's places", swapped
    for name in sorted(formula.free_symbols, key=str):
        for other in names:
            if other != name:
                remark = f"wrong name: {other} stands where {name} belongs"
                yield remark, formula.xreplace({name: other})
                held = [arg for arg in formula.args if arg.has(name)]
                for arg in held if len(held) > 1 else ():  # in one place of several
                    rest = [other_arg for other_arg in formula.args if other_arg is not arg]
                    yield remark, formula.func(*rest, arg.xreplace({name: other}))


def index_slips(formula: Expr, target: Symbol) -> Iterator[tuple[str, Expr]]:
    """∂pᵢ/∂zⱼ = pᵢ(δᵢⱼ − pⱼ), the derivative of a softmax, with δ = 1 where it is 0: p₁(1 − p₂).

    Args:
        formula: The derivative.
        target: The name of the stage.
    """
    other = -formula / target
    if not other.is_Symbol and other != 1 - target:
        return
    told = "index slip: in pᵢ·(δᵢⱼ − pⱼ) δ is 0, not 1, where the indices differ"
    yield told, target * (1 - other)
    yield f"index slip: this is the derivative of {target} by its own input", target * (1 - target)


def _lost_factors(formula: Expr) -> Iterator[tuple[Expr, str]]:
    """The formula with one of its factors lost, twice there, or on the other side of the bar."""
    number = formula.as_independent(Symbol, as_Add=False)[0]
    if not number.is_Rational:
        yield formula / number, f"the factor {typed(number)} is missing"
    for factor in formula.args if formula.is_Mul else ():
        if factor.is_Number:
            continue
        base, exponent = factor.as_base_exp()
        below = exponent.is_number and exponent.is_negative
        shown = base**-exponent if below else factor
        missing = (
            f"the divisor {typed(shown)} is missing"
            if below
            else f"the factor {typed(shown)} is missing"
        )
        yield formula / factor, missing
        side = "above, not below" if below else "below, not above"
        yield formula / factor**2, f"{typed(shown)} stands {side} the bar"
        yield formula * factor, f"{typed(shown)} was used twice"


def _lost_numbers(formula: Expr) -> Iterator[tuple[Expr, str]]:
    """The formula with the number before one term of a sum lost: r⁶ − s⁶ of r⁶ − 2s⁶."""
    for part in sorted(formula.atoms(Add), key=str):
        for term in part.args:
            number, rest = term.as_coeff_Mul()
            if abs(number) != 1 and rest != 1:
                changed = formula.xreplace({part: part - term + rest * (-1 if number < 0 else 1)})
                yield changed, f"the factor {typed(abs(number))} is missing in {typed(term)}"


def _lost_powers(formula: Expr) -> Iterator[tuple[Expr, str]]:
    """The formula with one power lost, or taken of only a part of its base."""
    for part in sorted(formula.atoms(Pow), key=str):
        if part.exp.is_Integer and abs(part.exp) > 1:
            base = part.base if part.exp > 1 else 1 / part.base
            yield formula.xreplace({part: base}), f"{typed(part)} became {typed(base)}"
    for part in sorted(formula.atoms(Mul), key=str):
        number, rest = part.as_coeff_Mul()
        if rest.is_Pow and rest.exp.is_Integer and rest.exp > 1 and number not in (1, -1):
            root = abs(number) ** (1 / rest.exp)
            if root.is_Rational:
                whole = f"the power belongs to all of {typed(root * rest.base)}"
                yield formula.xreplace({part: number / root ** (rest.exp - 1) * rest}), whole
    for part in sorted(formula.atoms(Add), key=str):
        for power in sorted(part.atoms(Pow), key=str):
            if power.exp == 2 and {power, -power} & {*part.args}:
                roots = (_root_of(term) for term in part.args)
                whole = Add(*(root for root in roots if root is not None)) ** 2
                yield formula.xreplace({part: whole}), f"{typed(part)} is not {typed(whole)}"


def _root_of(term: Expr) -> Expr | None:
    """The square root of 1 and of ±u², with the sign of the term."""
    sign = -1 if term.could_extract_minus_sign() else 1
    base, exponent = (sign * term).as_base_exp()
    if sign * term == 1 or (exponent == 2 and not base.is_Number):
        return sign * base
    return None


def _turned_signs(formula: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The formula with the sign of one term turned, anywhere but in conditions, and that term."""
    if isinstance(formula, Relational):
        return
    for k, arg in enumerate(formula.args):
        others = list(formula.args)
        if formula.is_Add:
            others[k] = -arg
            yield formula.func(*others), arg
        for turned, term in _turned_signs(arg):
            others[k] = turned
            yield formula.func(*others), term
