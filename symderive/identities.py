"""Rewritings to closed form, a row each: a short name and what it stands for.

A row is used like a stage's own definition: where ``long`` can be solved for a kernel of a
derivative, the kernel is eliminated in favour of ``short``. ``u`` matches the argument (or a
multiple of it) of the functions in ``trigger``. The tests check every row at sampled points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    LambertW,
    Pow,
    Rational,
    S,
    Symbol,
    besseli,
    besselj,
    besselk,
    bessely,
    cos,
    cosh,
    cot,
    coth,
    exp,
    hermite,
    sin,
    sinh,
    tan,
    tanh,
)

from symderive.cost import cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated

MAX_ARGUMENT_COST = 16.0
"""An argument that costs more is not looked at."""

MAX_ARGUMENTS = 6
"""Arguments of one kind of kernel up to which identities are tried at them."""

U = Symbol("u")
HALF = Rational(1, 2)


@dataclass(frozen=True, slots=True)
class Identity:
    """A rewriting: ``long`` = ``short`` for every real u where both exist.

    Attributes:
        name: What a document says, such as ``definition of the sigmoid``.
        short: Formula text in u: the name to be reached.
        long: Formula text in u: what it stands for.
        trigger: The classes of kernels that must all be there with one argument; of exponentials
            exp for those below the bar, Add for eᵘ beside e⁻ᵘ in one sum.
        times: What the argument is multiplied by to give u.
        differences: Whether differences of two arguments are tried as well.
        whole: Whether ``long`` is looked for as one factor, for it cannot be solved for a kernel.
    """

    name: str
    short: str
    long: str
    trigger: tuple[type[Basic], ...]
    times: tuple[Expr, ...] = (S.One,)
    differences: bool = False
    whole: bool = False

    def at(self, argument: Expr) -> tuple[Expr, Expr]:
        """``short`` and ``long`` with the argument put in for u."""
        short, long = _sides(self)
        return short.xreplace({U: argument}), long.xreplace({U: argument})


@lru_cache(maxsize=64)
def _sides(row: Identity) -> tuple[Expr, Expr]:
    return parse(row.short, FUNCTIONS).formula, parse(row.long, FUNCTIONS).formula


BOTH = (S.One, S.NegativeOne)
HALVES = (*BOTH, HALF, -HALF)


def _named(*names: str) -> tuple[Any, ...]:
    """SymPy's functions of rows of the table."""
    return tuple(FUNCTIONS[name].function for name in names)


IDENTITIES: tuple[Identity, ...] = (
    Identity("definition of the sigmoid", "sigmoid(u)", "exp(u)/(1 + exp(u))", (exp,), BOTH, True),
    Identity("definition of tanh", "tanh(u)", "1 - 2/(exp(2*u) + 1)", (exp,), (HALF, -HALF, S.One)),
    Identity("definition of coth", "coth(u)", "1 + 2/(exp(2*u) - 1)", (exp,), (HALF, -HALF, S.One)),
    Identity("definition of cosh", "cosh(u)", "(exp(u) + exp(-u))/2", (Add,), whole=True),
    Identity("definition of sinh", "sinh(u)", "(exp(u) - exp(-u))/2", (Add,), whole=True),
    Identity("cos² = 1 − sin²", "cos(u)**2", "1 - sin(u)**2", (sin,)),
    Identity("sin² = 1 − cos²", "sin(u)**2", "1 - cos(u)**2", (cos,)),
    Identity("tan = sin/cos", "tan(u)", "sin(u)/cos(u)", (sin, cos)),
    Identity("cot = cos/sin", "cot(u)", "cos(u)/sin(u)", (sin, cos)),
    Identity("sec = 1/cos", "sec(u)", "1/cos(u)", (cos,)),
    Identity("csc = 1/sin", "csc(u)", "1/sin(u)", (sin,)),
    Identity("sec² = 1 + tan²", "sec(u)**2", "1 + tan(u)**2", (tan,)),
    Identity("csc² = 1 + cot²", "csc(u)**2", "1 + cot(u)**2", (cot,)),
    Identity("sin 2u = 2 sin u cos u", "sin(2*u)", "2*sin(u)*cos(u)", (sin, cos)),
    Identity("cos 2u = 1 − 2 sin²", "cos(2*u)", "1 - 2*sin(u)**2", (sin,)),
    Identity("cos 2u = 2 cos² − 1", "cos(2*u)", "2*cos(u)**2 - 1", (cos,)),
    Identity("cos 2u = cos² − sin²", "cos(2*u)", "cos(u)**2 - sin(u)**2", (sin, cos)),
    Identity("sin² = (1 − cos 2u)/2", "sin(u)**2", "(1 - cos(2*u))/2", (cos,), (HALF,)),
    Identity("cos² = (1 + cos 2u)/2", "cos(u)**2", "(1 + cos(2*u))/2", (cos,), (HALF,)),
    Identity("u·sign u = |u|", "abs(u)", "u*sign(u)", _named("sign")),
    Identity("|u|² = u²", "u**2", "abs(u)**2", _named("abs")),
    Identity(
        "|u|·sign u = u",
        "u",
        "abs(u)*sign(u)",
        _named("abs", "sign"),
    ),
    Identity("cosh² = 1 + sinh²", "cosh(u)**2", "1 + sinh(u)**2", (sinh,)),
    Identity("sinh² = cosh² − 1", "sinh(u)**2", "cosh(u)**2 - 1", (cosh,)),
    Identity("tanh = sinh/cosh", "tanh(u)", "sinh(u)/cosh(u)", (sinh, cosh)),
    Identity("coth = cosh/sinh", "coth(u)", "cosh(u)/sinh(u)", (sinh, cosh)),
    Identity("sech = 1/cosh", "sech(u)", "1/cosh(u)", (cosh,)),
    Identity("csch = 1/sinh", "csch(u)", "1/sinh(u)", (sinh,)),
    Identity("sech² = 1 − tanh²", "sech(u)**2", "1 - tanh(u)**2", (tanh,)),
    Identity("csch² = coth² − 1", "csch(u)**2", "coth(u)**2 - 1", (coth,)),
    Identity("sinh 2u = 2 sinh u cosh u", "sinh(2*u)", "2*sinh(u)*cosh(u)", (sinh, cosh)),
    Identity("cosh 2u = 2 cosh² − 1", "cosh(2*u)", "2*cosh(u)**2 - 1", (cosh,)),
    Identity(
        "definition of sech", "sech(u)", "2*exp(u)/(exp(2*u) + 1)", (exp,), HALVES, whole=True
    ),
    Identity(
        "definition of csch", "csch(u)", "2*exp(u)/(exp(2*u) - 1)", (exp,), HALVES, whole=True
    ),
    Identity("sin 2u by the tangent", "sin(2*u)", "2*tan(u)/(1 + tan(u)**2)", (tan,), whole=True),
    Identity("cos 2u by the tangent", "cos(2*u)", "(1 - tan(u)**2)/(1 + tan(u)**2)", (tan,)),
    Identity("sech by tanh", "sech(2*u)", "(1 - tanh(u)**2)/(1 + tanh(u)**2)", (tanh,), whole=True),
    Identity("csch by tanh", "csch(2*u)", "(1 - tanh(u)**2)/(2*tanh(u))", (tanh,), whole=True),
    Identity("W(u) = u·exp(−W(u))", "lambertw(u)", "u*exp(-lambertw(u))", (LambertW,)),
    Identity("cosh 2u = cosh² + sinh²", "cosh(2*u)", "cosh(u)**2 + sinh(u)**2", (sinh, cosh)),
    Identity("cosh + sinh = eᵘ", "exp(u)", "cosh(u) + sinh(u)", (sinh, cosh)),
    Identity("cosh − sinh = e⁻ᵘ", "exp(-u)", "cosh(u) - sinh(u)", (sinh, cosh)),
)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """An identity in an order n as well: neighbours of a function of an order.

    Attributes:
        name: What a document says.
        short: Formula text in n and u: the member to be reached.
        long: What it stands for.
        function: The class of the function.
    """

    name: str
    short: str
    long: str
    function: type[Basic]

    def at(self, order: Expr, argument: Expr) -> tuple[Expr, Expr]:
        """``short`` and ``long`` with the order and the argument put in."""
        short, long = (parse(side, FUNCTIONS).formula for side in (self.short, self.long))
        values = {N: order, U: argument}
        return evaluated(short.xreplace(values)), evaluated(long.xreplace(values))


N = Symbol("n")


def _pair(letter: str, function: type[Basic], up: str, down: str) -> list[Recurrence]:
    """The member above by the two below it, and the member below by the two above."""
    name = function.__name__
    return [
        Recurrence(f"recurrence of {letter}", short, long.replace("f(", f"{name}("), function)
        for short, long in ((f"{name}(n + 1, u)", up), (f"{name}(n - 1, u)", down))
    ]


SPHERICAL = _named("spherical_jn", "spherical_yn")

RECURRENCES: tuple[Recurrence, ...] = (
    *_pair("J", besselj, "2*n/u*f(n, u) - f(n - 1, u)", "2*n/u*f(n, u) - f(n + 1, u)"),
    *_pair("Y", bessely, "2*n/u*f(n, u) - f(n - 1, u)", "2*n/u*f(n, u) - f(n + 1, u)"),
    *_pair("I", besseli, "f(n - 1, u) - 2*n/u*f(n, u)", "f(n + 1, u) + 2*n/u*f(n, u)"),
    *_pair("K", besselk, "f(n - 1, u) + 2*n/u*f(n, u)", "f(n + 1, u) - 2*n/u*f(n, u)"),
    *_pair(
        "j", SPHERICAL[0], "(2*n + 1)/u*f(n, u) - f(n - 1, u)", "(2*n + 1)/u*f(n, u) - f(n + 1, u)"
    ),
    *_pair(
        "y", SPHERICAL[1], "(2*n + 1)/u*f(n, u) - f(n - 1, u)", "(2*n + 1)/u*f(n, u) - f(n + 1, u)"
    ),
    *_pair("H", hermite, "2*u*f(n, u) - 2*n*f(n - 1, u)", "u/n*f(n, u) - f(n + 1, u)/(2*n)"),
)
"""What three neighbours of a function of an order have in common: DLMF 10.6, 10.29, 10.51, 18.9."""


# Where they may help ----------------------------------------------------------------------


def neighbours(formula: Expr) -> Iterator[tuple[str, Expr, Expr]]:
    """The recurrences that two members of a formula stand in, with the one below or above."""
    for row in RECURRENCES:
        found = sorted(formula.atoms(row.function), key=str)
        for one, other in permutations(found[:MAX_ARGUMENTS], 2):
            (order, argument), (upper, same) = one.args, other.args
            if argument != same:
                continue
            middles = {1: (order, upper), 2: (order + 1,)}.get(upper - order, ())
            yield from ((row.name, *row.at(middle, argument)) for middle in middles)


def instances(formula: Expr) -> Iterator[tuple[Identity, Expr, Expr]]:
    """The identities that speak of the kernels of a formula, at their arguments."""
    arguments: dict[type[Basic], list[Expr]] = {}
    for kind in {kind for row in IDENTITIES for kind in row.trigger}:
        parts = {exp: _exponentials_below, Add: _exponentials_beside}.get(kind)
        found = sorted(parts(formula) if parts else formula.atoms(kind), key=str)
        short = [part.args[0] for part in found if cost(part.args[0]) <= MAX_ARGUMENT_COST]
        arguments[kind] = list(dict.fromkeys(short))[:MAX_ARGUMENTS]
    for row in IDENTITIES:
        tried = [
            a for a in arguments[row.trigger[0]] if all(a in arguments[k] for k in row.trigger)
        ]
        if row.differences:
            tried += [a - b for a, b in combinations(tried, 2)][:MAX_ARGUMENTS]
        for argument in dict.fromkeys(times * a for a in tried for times in row.times):
            yield (row, *row.at(argument))


def _exponentials_below(formula: Expr) -> set[Basic]:
    """The exponentials in sums that a formula divides by: 1/(1 + eᵘ) may be a sigmoid."""
    return {
        part
        for power in formula.atoms(Pow)
        if power.exp.could_extract_minus_sign() and power.base.is_Add
        for part in power.base.atoms(exp)
    }


def _exponentials_beside(formula: Expr) -> set[Basic]:
    """The exponentials eᵘ in sums that have e⁻ᵘ too: they may be 2·cosh u or 2·sinh u."""
    sums = (total.atoms(exp) for total in formula.atoms(Add))
    pairs = (part for found in sums for part in found if 1 / part in found)
    return {part for part in pairs if not part.args[0].could_extract_minus_sign()}
