"""The two inert objects of a derivation: a derivative not yet taken, and a placeholder.

``Diff(f, x)`` stands for ∂f/∂x and is never evaluated by SymPy: a line of a derivation may hold
it, a rule replaces it, and the checks resolve it with an independent witness. Where ``f`` is the
symbol of a stage, it names a link or an adjoint (∂A3/∂A1).
"""

from __future__ import annotations

from functools import cache

from sympy import Expr, Function, Symbol


class Diff(Function):
    """The derivative of the first argument with respect to the second, not yet taken.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> Diff(y * x**2, x) + 1
    Diff(x**2*y, x) + 1
    """

    nargs = 2
    is_commutative = True

    def _eval_derivative(self, symbol: Symbol) -> Expr:
        return Diff(self, symbol)


@cache
def placeholder(number: int) -> Symbol:
    """The symbol that stands for the ``number``-th name of a template; 0 is its first.

    >>> placeholder(2)
    _2
    """
    return Symbol(f"_{number}")


OUTPUT = Symbol("_out")
"""The symbol that stands for the value of a template's own stage."""
