"""Where the derivative of a named function comes from: its definition, or the function it undoes.

The table of functions states the derivative of each. Here it is derived: a function with a
definition from that, a primitive from what it is made of, an inverse from f(f⁻¹(u)) = u. What is
left are exp, sin and cos, and the special functions, whose derivatives belong to their definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Function, S, Symbol

from symderive.certify import certify
from symderive.closed_form import closed_forms
from symderive.differentiate import differentiate
from symderive.formulas.functions import FUNCTIONS, NamedFunction
from symderive.formulas.inert import OUTPUT, Diff
from symderive.formulas.parsing import parse
from symderive.formulas.typed import typed
from symderive.formulas.written import evaluated, quotient, rename, tidy
from symderive.steps import Line, Lines
from symderive.tasks import BY_DEFINITION
from symderive.telling import levels

INNER = Symbol("y")
"""The value of an inverse function."""

Told = list[tuple[Any, ...]]
"""Lines: a formula, then the reasons."""

MADE_OF: Mapping[str, str] = {
    "tan": "sin(x)/cos(x)",
    "cot": "cos(x)/sin(x)",
    "sec": "1/cos(x)",
    "csc": "1/sin(x)",
    "sinh": "(exp(x) - exp(-x))/2",
    "cosh": "(exp(x) + exp(-x))/2",
    "tanh": "sinh(x)/cosh(x)",
    "coth": "cosh(x)/sinh(x)",
    "sech": "1/cosh(x)",
    "csch": "1/sinh(x)",
    "asinh": "log(x + sqrt(x**2 + 1))",
    "acosh": "log(x + sqrt(x**2 - 1))",
    "atanh": "log((1 + x)/(1 - x))/2",
    "acoth": "log((x + 1)/(x - 1))/2",
    "erfc": "1 - erf(x)",
    **{name: FUNCTIONS[name].equivalent for name in ("expm1", "log1p", "hypot", "abs")},
}
"""Primitives, and what they are made of."""

UNDOES: Mapping[str, str] = {
    "log": "exp(x)",
    "sqrt": "x**2",
    "asin": "sin(x)",
    "acos": "cos(x)",
    "atan": "tan(x)",
    "acot": "cot(x)",
    "erfinv": "erf(x)",
    "lambertw": "x*exp(x)",
}
"""Inverse functions, and what they undo."""


def spelled_out(row: NamedFunction, *args: Expr) -> Expr | None:
    """What a function is by definition, as written; None of one that is its own beginning."""
    if row.definition is not None and row.is_defined:
        return row.definition_formula(*args)
    return _at(MADE_OF, row, args)


def _at(texts: Mapping[str, str], row: NamedFunction, args: tuple[Expr, ...]) -> Expr | None:
    """The formula that a table has of a function, unless a model has its own of that name."""
    text = texts.get(row.name)
    if text is None or FUNCTIONS.get(row.name) is not row:
        return None
    letters = (Symbol("x"), Symbol("y"))
    return rename(parse(text, FUNCTIONS).written, dict(zip(letters, args, strict=False)))


def derived(row: NamedFunction, count: int, place: int = 0) -> Lines | None:
    """The derivative of a named function in u (v, …) from its definition, line by line.

    Args:
        row: The function.
        count: The number of its arguments.
        place: The argument that it is differentiated by.

    Returns:
        The lines, each with its certificate; None of a function whose derivative is part of its
        definition.

    >>> for line in derived(FUNCTIONS["sec"], 1): print(line.formula, line.reasons)
    Diff(sec(u), u) ()
    Diff(1/cos(u), u) ('definition of secant',)
    -Diff(cos(u), u)/cos(u)**2 ('reciprocal rule',)
    sin(u)/cos(u)**2 ('derivative of cosine',)
    tan(u)/cos(u) ('tan = sin/cos',)
    tan(u)*sec(u) ('definition of secant',)
    """
    letters = tuple(Symbol(name) for name in "uvwst"[:count])
    variable, formula = letters[place], row.apply(*letters)
    stated = row.partial_formulas(*letters)[place]
    if stated is None:
        return None
    plan = _by_inverse(row, variable) or _by_definition(row, letters, place, stated)
    if plan is None:
        return None
    if evaluated(plan[-1][0]) == evaluated(stated):
        plan[-1] = (stated, *plan[-1][1:])
    else:
        plan.append((stated, "simplify" if _speaks(plan[-1][0], stated) else "in its own name"))
    truth, where = Diff(formula, variable), {INNER: formula}
    lines = [Line(truth, (), certify(truth, truth))]
    for told, *why in plan:
        if told != lines[-1].formula:
            lines.append(Line(told, tuple(why), certify(truth, told, where=where)))
    return Lines(lines)


def _by_inverse(row: NamedFunction, variable: Symbol) -> Told | None:
    """1/f′(y) at y = f⁻¹(u), for f(f⁻¹(u)) = u has the derivative f′(f⁻¹(u))·(f⁻¹)′(u) = 1."""
    undone = _at(UNDOES, row, (INNER,))
    if undone is None:
        return None
    slope = differentiate(undone, INNER).result
    solved = typed(undone)
    reason = f"y = {row.name}(u) solves {solved} = u: 1 over the derivative of {solved}"
    at_value = tidy(quotient(S.One, rename(slope, {INNER: row.apply(variable)})))
    return [(tidy(quotient(S.One, slope)), reason), (at_value, f"{solved} = u")]


def _speaks(formula: Expr, stated: Expr) -> bool:
    """Whether a formula has no other functions than the stated derivative."""
    return {type(part) for part in formula.atoms(Function)} <= {
        type(part) for part in stated.atoms(Function)
    }


def _by_definition(
    row: NamedFunction, letters: tuple[Symbol, ...], place: int, stated: Expr
) -> Told | None:
    spelled = spelled_out(row, *letters)
    if spelled is None:
        return None
    variable, by_definition = letters[place], f"definition of {row.title}"
    step = differentiate(spelled, variable)
    plan: Told = [(Diff(spelled, variable), by_definition)]
    plan += [(formula, *why) for formula, why, _ in levels(step)[1:]]
    if _speaks(step.result, stated):
        return plan
    own = {OUTPUT: row.apply(*letters)}
    for formula, reason in closed_forms(step.result, OUTPUT, spelled, variable)[0].rewritings:
        named = by_definition if reason == BY_DEFINITION else reason
        plan.append((rename(formula, own), named))
    return plan
