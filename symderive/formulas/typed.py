"""SymPy → the text that a user would type for it, in a reader's order: ``1/x**2 - y/x``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Add, Basic, Expr, Function, Mul, Piecewise, Pow, Rational, S
from sympy.core.relational import Relational
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from symderive.formulas.decimals import decimal_text
from symderive.formulas.hand import Hand
from symderive.formulas.ordering import Order, is_negative

PRODUCT = PRECEDENCE["Mul"]
"""How tightly a product binds: what binds less stands in parentheses in it, negative or not."""


def typed(formula: Basic, names: Sequence[str] = ()) -> str:
    """The formula as text that a model file or a claim takes.

    Args:
        formula: A formula or a condition.
        names: The names of the model, in the order in which it mentions them.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> typed(x**-2 - y / x), typed(y - x * (x + 1))
    ('1/x**2 - y/x', 'y - x*(x + 1)')
    """
    return str(_Typed(names).doprint(formula))


def condition(difference: Expr, sign: str, names: Sequence[str] = ()) -> str:
    """``difference`` > 0 as a reader writes it: what is subtracted goes to the other side.

    >>> from sympy import symbols
    >>> x, d = symbols("x d")
    >>> condition(x**2 - d, ">"), condition(1 - 2 * x, ">")
    ('x**2 > d', 'x < 1/2')
    """
    scale, rest = difference.as_content_primitive()
    moving = [part for part in Add.make_args(rest) if not part.is_number]
    fixed = Add(*(part for part in Add.make_args(rest) if part.is_number))
    if scale < 0 or (moving and all(map(is_negative, moving))):
        moving, fixed, sign = [-part for part in moving], -fixed, _TURNED[sign]
    left = Add(*(part for part in moving if not is_negative(part)))
    right = Add(*(-part for part in moving if is_negative(part))) - fixed
    factor = left.as_coeff_Mul()[0] if right.is_number else S.One
    left, right = left / factor, right / factor
    late = left.is_Symbol and right.is_Symbol and _place(left, names) > _place(right, names)
    if late or (right.has(Function) and not left.has(Function)):
        left, right, sign = right, left, _TURNED[sign]
    return f"{typed(left, names)} {sign} {typed(right, names)}"


def _place(symbol: Expr, names: Sequence[str]) -> int:
    return list(names).index(str(symbol)) if str(symbol) in names else len(names)


_TURNED = {">": "<", "<": ">", "=": "=", "≠": "≠"}


class _Typed(StrPrinter):
    """SymPy's own text printer, with our order and Python's conditional."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._own = Order(names, str)
        self._hand = names if isinstance(names, Hand) else Hand()

    def _decimal(self, value: Expr, *, alone: bool = True) -> str | None:
        return self._hand.decimal(value, stated=False) or decimal_text(value, alone=alone)

    def _print_Add(self, expr: Add, order: object = None) -> str:  # noqa: N802
        text = ""
        for term in self._own.terms(expr):
            part = self._print(term)
            if not text:
                text = part
            elif part.startswith("-"):
                text += f" - {part[1:]}"
            else:
                text += f" + {part}"
        return text

    def _print_Mul(self, expr: Mul) -> str:  # noqa: N802
        number, rest = expr.as_coeff_Mul(rational=True)
        parts = [*_factors(rest)]
        above = [f for f in parts if not _divides(f)]
        below = [1 / f for f in parts if _divides(f)]
        over = [self.parenthesize(f, PRODUCT) for f in self._own.factors(above)]
        under = [self.parenthesize(f, PRODUCT + 1) for f in self._own.factors(below)]
        decimal = self._decimal(number, alone=False)
        if decimal or abs(number.p) != 1 or not over:
            over.insert(0, decimal or str(abs(number.p)))
        if number.q != 1 and not decimal:
            under.insert(0, str(number.q))
        text = ("-" if number < 0 else "") + "*".join(over)
        if under:
            text += f"/{under[0]}" if len(under) == 1 else f"/({'*'.join(under)})"
        return text

    def _print_Rational(self, expr: Rational) -> str:  # noqa: N802
        text = self._decimal(expr)
        sign = "-" if expr < 0 else ""
        return f"{sign}{text}" if text else str(super()._print_Rational(expr))

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:  # noqa: N802
        if expr.exp == S.Half:
            return f"sqrt({self._print(expr.base)})"
        if expr.exp.is_Rational and expr.exp.is_negative:
            return f"1/{self.parenthesize(1 / expr, PRODUCT + 1)}"
        return str(super()._print_Pow(expr, rational=rational))

    def _print_Piecewise(self, expr: Piecewise) -> str:  # noqa: N802
        *rows, (last, _) = expr.args
        text = str(self._print(last))
        for value, test in reversed(rows):
            text = f"{self._print(value)} if {self._print(test)} else {text}"
        return f"({text})"

    def _print_Relational(self, expr: Relational) -> str:  # noqa: N802
        return f"{self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)}"

    def _print_And(self, expr: Basic) -> str:  # noqa: N802
        return " and ".join(self._print(arg) for arg in expr.args)

    def _print_Or(self, expr: Basic) -> str:  # noqa: N802
        return " or ".join(self._print(arg) for arg in expr.args)


def _factors(formula: Expr) -> Iterator[Expr]:
    """The factors of a product, those of products inside it too: a/(b*(c*d)) is a/(b*c*d)."""
    for part in Mul.make_args(formula):
        base = part.base if isinstance(part, Pow) and part.exp == -1 else part
        inner = [*_factors(base)] if isinstance(base, Mul) else []
        if not inner or any(factor.is_Number for factor in inner):
            yield part
        else:
            yield from inner if base is part else (1 / factor for factor in inner)


def _divides(factor: Expr) -> bool:
    return isinstance(factor, Pow) and bool(factor.exp.is_Rational and factor.exp.is_negative)
