"""Formulas whose values are too large for any number: such functions become unknowns.

Two formulas in γ(u) are equal wherever they are equal for every value of γ(u): the factorial of
10¹⁸⁰ need not be computed to compare what stands around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy import Basic, Expr, Function, Symbol

from symderive.formulas.inert import Diff
from symderive.steps import Certificate

EQUAL = ("proved", "sampled")
_FUNCTIONS = "functions that are too large to be written"


def by_unknowns(
    sides: Sequence[Expr],
    out_of_reach: Callable[[Expr], bool],
    certify: Callable[[Expr, Expr], Certificate],
) -> Certificate | None:
    """That two formulas are equal whatever the functions in them give that are out of reach.

    None where that is not so: then the functions' values would decide.
    """
    freed = with_unknowns(sides, out_of_reach, lambda a, b: certify(a, b).verdict in EQUAL)
    if len(freed) != 2 or freed == [*sides]:
        return None
    found = certify(*freed)
    if found.verdict not in EQUAL:
        return None
    return replace(found, method=f"{found.method}, whatever the values of {_FUNCTIONS}")


def with_unknowns(
    sides: Sequence[Expr], out_of_reach: Callable[[Expr], bool], equal: Callable[[Expr, Expr], bool]
) -> list[Expr]:
    """The formulas with a symbol for each function out of reach, the same for equal ones.

    Args:
        sides: Formulas.
        out_of_reach: Whether a function has no value that can be computed.
        equal: Whether two formulas are equal; asked of the arguments of one function.

    >>> from sympy import exp, symbols
    >>> x, y = symbols("x y")
    >>> with_unknowns([exp(x) + y, exp(1 + x) + exp(x)], lambda f: True, lambda a, b: a == b)
    [_u0 + y, _u0 + _u1]
    """
    known: list[tuple[Expr, Symbol]] = []

    def unknown(part: Expr) -> Symbol:
        for other, symbol in known:
            alike = part.func is other.func and len(part.args) == len(other.args)
            if alike and all(map(equal, part.args, other.args)):
                return symbol
        known.append((part, Symbol(f"_u{len(known)}")))
        return known[-1][1]

    def replaced(part: Basic, by: Basic | None = None) -> Basic:
        if not part.args:
            return part
        if isinstance(part, Diff):  # what depends on its variable is no constant in it
            return Diff(replaced(part.args[0], part.args[1]), part.args[1])
        whole = part.func(*(replaced(arg, by) for arg in part.args))
        constant = by is None or by not in whole.free_symbols
        return (
            unknown(whole)
            if isinstance(whole, Function) and constant and out_of_reach(whole)
            else whole
        )

    return [replaced(side) for side in sides]
