"""Rewritings to closed form, a row each: a short name and what it stands for.

A row is used like a stage's own definition: where ``long`` can be solved for a kernel of a
derivative, the kernel is eliminated in favour of ``short``. ``u`` matches the argument of any
exponential, sine or cosine in the derivative. The tests check every row at sampled points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sympy import Basic, Expr, Symbol, cos, cosh, exp, sin, sinh

from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse

U = Symbol("u")


@dataclass(frozen=True, slots=True)
class Identity:
    """A rewriting: ``long`` = ``short`` for every real u.

    Attributes:
        name: What a document says, such as ``definition of the sigmoid``.
        short: Formula text in u: the name to be reached.
        long: Formula text in u: what it stands for.
        trigger: The class of kernel whose argument is tried for u.
    """

    name: str
    short: str
    long: str
    trigger: type[Basic]

    def at(self, argument: Expr) -> tuple[Expr, Expr]:
        """``short`` and ``long`` with the argument put in for u."""
        short, long = _sides(self)
        return short.xreplace({U: argument}), long.xreplace({U: argument})


@lru_cache(maxsize=64)
def _sides(row: Identity) -> tuple[Expr, Expr]:
    return parse(row.short, FUNCTIONS).formula, parse(row.long, FUNCTIONS).formula


IDENTITIES: tuple[Identity, ...] = (
    Identity("definition of the sigmoid", "sigmoid(u)", "exp(u)/(1 + exp(u))", exp),
    Identity("cos² = 1 − sin²", "cos(u)**2", "1 - sin(u)**2", sin),
    Identity("sin² = 1 − cos²", "sin(u)**2", "1 - cos(u)**2", cos),
    Identity("u·sign u = |u|", "abs(u)", "u*sign(u)", FUNCTIONS["sign"].function),  # type: ignore[arg-type]
    Identity("cosh² = 1 + sinh²", "cosh(u)**2", "1 + sinh(u)**2", sinh),
    Identity("sinh² = cosh² − 1", "sinh(u)**2", "cosh(u)**2 - 1", cosh),
)
