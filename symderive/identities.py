"""Rewritings to closed form, a row each: a short name and what it stands for.

A row is used like a stage's own definition: where ``long`` can be solved for a kernel of a
derivative, the kernel is eliminated in favour of ``short``. ``u`` matches the argument (or a
multiple of it) of the functions in ``trigger``. The tests check every row at sampled points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sympy import (
    Basic,
    Expr,
    LambertW,
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

from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated

U = Symbol("u")
HALF = Rational(1, 2)


@dataclass(frozen=True, slots=True)
class Identity:
    """A rewriting: ``long`` = ``short`` for every real u where both exist.

    Attributes:
        name: What a document says, such as ``definition of the sigmoid``.
        short: Formula text in u: the name to be reached.
        long: Formula text in u: what it stands for.
        trigger: The classes of kernels that must all be there with one argument.
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

IDENTITIES: tuple[Identity, ...] = (
    Identity("definition of the sigmoid", "sigmoid(u)", "exp(u)/(1 + exp(u))", (exp,), BOTH, True),
    Identity("definition of tanh", "tanh(u)", "1 - 2/(exp(2*u) + 1)", (exp,), (HALF, -HALF, S.One)),
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
    Identity("u·sign u = |u|", "abs(u)", "u*sign(u)", (FUNCTIONS["sign"].function,)),  # type: ignore[arg-type]
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
    Identity("definition of sech", "sech(u)", "2*exp(u)/(exp(2*u) + 1)", (exp,), BOTH, whole=True),
    Identity("definition of csch", "csch(u)", "2*exp(u)/(exp(2*u) - 1)", (exp,), BOTH, whole=True),
    Identity("sin 2u by the tangent", "sin(2*u)", "2*tan(u)/(1 + tan(u)**2)", (tan,), whole=True),
    Identity("sech by tanh", "sech(2*u)", "(1 - tanh(u)**2)/(1 + tanh(u)**2)", (tanh,), whole=True),
    Identity("csch by tanh", "csch(2*u)", "(1 - tanh(u)**2)/(2*tanh(u))", (tanh,), whole=True),
    Identity("W(u) = u·exp(−W(u))", "lambertw(u)", "u*exp(-lambertw(u))", (LambertW,)),
    Identity("cosh 2u = cosh² + sinh²", "cosh(2*u)", "cosh(u)**2 + sinh(u)**2", (sinh, cosh)),
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


def _neighbours(
    letter: str, function: type[Basic], name: str, up: str, down: str
) -> list[Recurrence]:
    """The member above by the two below it, and the member below by the two above."""
    shorts = (f"{name}(n + 1, u)", f"{name}(n - 1, u)")
    return [
        Recurrence(f"recurrence of {letter}", short, long.replace("f(", f"{name}("), function)
        for short, long in zip(shorts, (up, down), strict=True)
    ]


# fmt: off
RECURRENCES: tuple[Recurrence, ...] = (
    *_neighbours("J", besselj, "besselj", "2*n/u*f(n, u) - f(n - 1, u)", "2*n/u*f(n, u) - f(n + 1, u)"),
    *_neighbours("Y", bessely, "bessely", "2*n/u*f(n, u) - f(n - 1, u)", "2*n/u*f(n, u) - f(n + 1, u)"),
    *_neighbours("I", besseli, "besseli", "f(n - 1, u) - 2*n/u*f(n, u)", "f(n + 1, u) + 2*n/u*f(n, u)"),
    *_neighbours("K", besselk, "besselk", "f(n - 1, u) + 2*n/u*f(n, u)", "f(n + 1, u) - 2*n/u*f(n, u)"),
    *_neighbours("H", hermite, "hermite", "2*u*f(n, u) - 2*n*f(n - 1, u)", "u/n*f(n, u) - f(n + 1, u)/(2*n)"),
)
# fmt: on
"""What three neighbours of a function of an order have in common (DLMF 10.6, 10.29, 18.9)."""
