"""Built pieces of a formula and how they join: signs, fractions, products, brackets.

Brackets are decided on what has been built: every piece carries how tightly it binds (``Level``).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from sympy import Expr, Mul, Pow, Rational, S

from symderive.formulas.decimals import LARGEST_WRITTEN_OUT, decimal_text, power_of_ten
from symderive.formulas.nodes import (
    APPLY,
    DOT,
    NEGATIVE,
    PARTIAL,
    TIMES,
    Big,
    Fence,
    Fn,
    Frac,
    Id,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Text,
    bare,
    fence,
)
from symderive.formulas.ordering import BIG, DIFF, OTHER, group_of

ONE = Num("1")


class Level(IntEnum):
    """How tightly a built formula binds; a looser one needs brackets inside a tighter one."""

    LOGIC = 0
    RELATION = 1
    SUM = 2
    NEGATIVE = 3
    ENTRYWISE = 4  # A ⊙ B, A ⊗ B
    PRODUCT = 5
    CALL = 6  # log x: anything that follows would be drawn in
    FRACTION = 7
    POWER = 8
    ATOM = 9


class Built(NamedTuple):
    """A node and how tightly it binds."""

    node: Node
    level: Level = Level.ATOM


def number(value: Expr, *, alone: bool = True) -> tuple[bool, Built]:
    """The sign and the size of a number, which may be a factor or stand alone."""
    if isinstance(value, Rational):
        above: Node = Num(str(abs(value.p)))
        if value.q == 1 and (zeros := power_of_ten(abs(value.p))) >= LARGEST_WRITTEN_OUT:
            return value.p < 0, Built(Script(Num("10"), None, Num(str(zeros))), Level.POWER)
        if value.q == 1:
            return value.p < 0, Built(above)
        if abs(value.p) == 1 and (zeros := power_of_ten(value.q)) >= _LEAST_POWER_OF_TEN:
            above = Script(Num("10"), None, Row((NEGATIVE, Num(str(zeros)))))
            return value.p < 0, Built(above, Level.POWER)
        if text := decimal_text(value, alone=alone):
            return value.p < 0, Built(Num(text))
        return value.p < 0, Built(Frac(above, Num(str(value.q))), Level.FRACTION)
    if value is S.Infinity or value is S.NegativeInfinity:
        return value is S.NegativeInfinity, Built(Id("∞"))
    if value.is_Float:
        return float_number(value)
    return False, Built(Id("undefined", "rm"))  # nan, zoo


_LEAST_POWER_OF_TEN = 4
"""1/1000 is a fraction; a smaller one is 10⁻⁴."""


def float_number(value: Any) -> tuple[bool, Built]:
    """A decimal number with up to 15 significant digits; 1.2·10⁻⁵ where it is long."""
    from mpmath.libmp import to_str

    text = to_str(value._mpf_, 15, strip_zeros=True, min_fixed=-4, max_fixed=15)
    negative = text.startswith("-")
    digits, _, exponent = text.lstrip("-").partition("e")
    digits = digits.removesuffix(".0")
    if not exponent:
        return negative, Built(Num(digits))
    size = Num(exponent.lstrip("+-"))
    above = Row((NEGATIVE, size)) if exponent.startswith("-") else size
    power_of_ten = Script(Num("10"), None, above)
    if digits == "1":
        return negative, Built(power_of_ten, Level.POWER)
    return negative, Built(Row((Num(digits), DOT, power_of_ten)), Level.PRODUCT)


def negated(piece: Built) -> Built:
    """A minus in front."""
    body = fence(piece.node) if piece.level <= Level.NEGATIVE else piece.node
    return Built(Row((NEGATIVE, body)), Level.NEGATIVE)


def fraction(over: list[Built], under: list[Built]) -> Built:
    """Two products as a fraction."""
    return divided_by(joined(over).node if over else ONE, under)


def divided_by(above: Node, under: Sequence[Built]) -> Built:
    """A fraction; below its bar plain numbers come first: x/m/2 is x/(2m)."""
    numbers_first = sorted(under, key=lambda piece: not isinstance(piece.node, Num))
    return Built(Frac(above, joined(numbers_first).node), Level.FRACTION)


def joined(factors: list[Built]) -> Built:
    """A product: brackets where a factor is loose, a dot where two would run together."""
    if len(factors) == 1:
        return factors[0]
    items: list[Node] = []
    for position, (node, level) in enumerate(factors):
        if level < Level.PRODUCT:
            shown: Node = fence(node)
        elif level == Level.CALL and position < len(factors) - 1:
            shown = closed(node)
        else:
            shown = node
        if items:
            loose = level == Level.NEGATIVE
            items.append(DOT if loose or needs_dot(items[-1], shown) else TIMES)
        items.append(shown)
    return Built(Row(tuple(items)), Level.PRODUCT)


def closed(node: Node) -> Node:
    """A call that nothing after it can be drawn into: log x becomes log(x)."""
    if isinstance(node, Row) and len(node.items) == 3 and not isinstance(node.items[0], Big):
        head, apply, body = node.items
        if isinstance(apply, Op) and apply.kind == "apply":
            return Row((head, APPLY, body if isinstance(body, Fence) else fence(body)))
    return fence(node)


def one_fraction(factors: Sequence[Expr]) -> bool:
    """Whether a product starts with its only number, p/q, and what divides comes last: x/(2y)."""
    first, *rest = factors
    if not isinstance(first, Rational) or first.q == 1 or any(f.is_Number for f in rest):
        return False
    if decimal_text(first, alone=False):
        return False
    below = [is_below(factor) for factor in rest]
    parts = [part for f in rest for part in flat(f.base if is_below(f) else f)]
    plain = all(group_of(part) not in (OTHER, BIG, DIFF) for part in parts)
    return bool(rest) and plain and below == sorted(below)


def items_of(piece: Built) -> tuple[Node, ...]:
    """The nodes side by side of a built piece."""
    return piece.node.items if isinstance(piece.node, Row) else (piece.node,)


def flat(formula: Expr) -> list[Expr]:
    """The factors of a product, those of products inside it too."""
    if not isinstance(formula, Mul):
        return [formula]
    return [factor for arg in formula.args for factor in flat(arg)]


def with_one_root(found: list[Expr]) -> list[Expr]:
    """The factors with the roots of numbers in them as one: √(2/π), 1/√(2π), 1/√2.

    SymPy keeps a root of π apart from one of a whole number, and that one above the bar.

    >>> from sympy import sqrt, pi, Symbol
    >>> with_one_root(flat(sqrt(2) * Symbol("x") / (2 * sqrt(pi))))
    [x, 1/sqrt(2*pi)]
    """
    halves = [f for f in found if isinstance(f, Pow) and abs(f.exp) == S.Half]
    whole = next((f.base for f in halves if f.base.is_Integer and f.exp == S.Half), S.One)
    circle = next((f for f in halves if f.base is S.Pi), S.One)
    number = Mul(*(f for f in found if f.is_Rational))
    lowered = whole > 1 and number.q % whole == 0
    if whole == 1 or not (lowered or circle != 1):
        return found
    rest = [f for f in found if not f.is_Rational and f not in (Pow(whole, S.Half), circle)]
    above = [S.Pi] if circle != 1 and circle.exp > 0 else []
    below = [S.Pi] if circle != 1 and circle.exp < 0 else []
    (below if lowered else above).append(whole)
    number = number * whole if lowered else number
    roots = []
    if above:
        inside = Mul(*sorted(above, key=str), *(1 / part for part in below))
        roots = [Pow(inside, S.Half, evaluate=False)]
    elif below:
        roots = [Pow(Mul(*below), -S.Half, evaluate=False)]
    return [*([] if number == 1 else [number]), *rest, *roots]


def flat_written(formula: Mul) -> list[Expr]:
    """The factors in order; a product inside stays in its brackets if a minus starts it."""
    flat: list[Expr] = []
    for position, arg in enumerate(formula.args):
        inner = flat_written(arg) if isinstance(arg, Mul) else [arg]
        starts_negative = inner[0].is_Number and inner[0].is_negative
        flat += inner if position == 0 or not starts_negative else [arg]
    return flat


def is_below(factor: Expr) -> bool:
    """Whether a factor goes under the line."""
    return (
        isinstance(factor, Pow)
        and factor.base is not S.Exp1
        and isinstance(factor.exp, Rational)
        and bool(factor.exp.is_negative)
    )


def needs_dot(left: Node, right: Node) -> bool:
    """Whether two factors would run together without a dot between them."""
    left, right = bare(left), bare(right)
    if isinstance(left, Frac) and isinstance(right, Frac):
        return True
    return (
        _starts_with_number(right)
        or _is_link(left)
        or _is_link(right)
        or is_word(left)
        or is_word(right)
    )


def _starts_with_number(node: Node) -> bool:
    node = bare(node)
    match node:
        case Num():
            return True
        case Frac(first, _) | Script(first):
            return _starts_with_number(first)
        case Row(items):
            return _starts_with_number(items[0])
    return False


def _is_link(node: Node) -> bool:
    """Whether it is ∂f/∂x, or ∂/∂x of something."""
    if isinstance(node, Row):
        return _is_link(bare(node.items[0]))
    if not isinstance(node, Frac):
        return False
    above = node.numerator
    return above == PARTIAL or (isinstance(above, Row) and above.items[0] == PARTIAL)


def is_word(node: Node) -> bool:
    """Whether it is a name of several letters, which would run into its neighbours."""
    node = bare(node)
    if isinstance(node, Script):
        return is_word(node.base)
    return isinstance(node, Text) or (isinstance(node, Id) and len(node.text) > 1)


def is_plain(node: Node) -> bool:
    """Whether a function needs no brackets around it: a single name or number."""
    node = bare(node)
    if isinstance(node, Script):
        return node.sup is None and is_plain(node.base)
    return isinstance(node, Id | Num)


def has_exponent(node: Node) -> bool:
    """Whether a node cannot bear an exponent without brackets."""
    node = bare(node)
    return isinstance(node, Sqrt) or (isinstance(node, Script) and node.sup is not None)


def is_sci(node: Node) -> bool:
    """Whether a number is written with a power of ten."""
    return isinstance(node, Row) and isinstance(node.items[0], Num)


_CLASSIC_WORDS = "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan"
CLASSIC = frozenset(_CLASSIC_WORDS.split())
"""Functions whose powers are written on the name: sin² x."""


def classic_call(node: Node) -> tuple[Node, Node] | None:
    """The name and the argument of a call whose powers are written on the name."""
    match node:
        case Row((Fn(text) as head, Op(_, "apply"), body)) if text in CLASSIC:
            return head, body
    return None
