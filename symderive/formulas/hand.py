"""An author's hand: the order of names, decimals and comparisons that a model was written in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr, Rational
from sympy.core.relational import Relational

from symderive.errors import SymderiveError
from symderive.formulas.decimals import digits_of

MAX_DIGITS = 8
"""Letters up to which a number is shown as a decimal because others are."""

_DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?![\w.])|(?<![\w.])\d+\.\d+(?![\w.])")
_DIVISOR = re.compile(r"/\s*(\d+)(?![\w.])")


class Hand(tuple[str, ...]):
    """The names of a model in a reader's order, and how its author writes.

    Attributes:
        decimals: The numbers that were written with a point.
        divisors: The whole numbers that something was divided by.
        compared: Both sides of each comparison.
    """

    decimals: frozenset[Expr]
    divisors: frozenset[int]
    compared: frozenset[tuple[Expr, Expr]]

    def __new__(
        cls, names: Iterable[str] = (), texts: Iterable[str] = (), functions: Any = None
    ) -> Hand:
        """The hand of the formulas ``texts``, which may call ``functions``."""
        self = super().__new__(cls, names)
        whole = "\n".join(texts)
        values = (Rational(text) for text in _DECIMAL.findall(whole))
        self.decimals = frozenset(value for value in values if value.q > 1)
        self.divisors = frozenset(map(int, _DIVISOR.findall(whole)))
        self.compared = (
            _compared(whole, functions or {}) if re.search("[<>]", whole) else frozenset()
        )
        return self

    def also(self, names: Iterable[str]) -> Hand:
        """The same with more names at the end."""
        made = Hand((*self, *names))
        made.decimals, made.divisors, made.compared = self.decimals, self.divisors, self.compared
        return made

    def decimal(self, value: Expr, *, stated: bool) -> str | None:
        """The digits of a number as this author would write it; None where that is a fraction.

        Tenths are decimals throughout once there are any; halves and quarters, which derivatives
        bring about by themselves, only where a formula is ``stated``.

        >>> hand = Hand((), ["0.2*x + 0.5*y + z/4"])
        >>> [hand.decimal(Rational(*pair), stated=False) for pair in ((1, 5), (4, 25), (1, 2))]
        ['0.2', '0.16', None]
        >>> hand.decimal(Rational(1, 2), stated=True)
        '0.5'
        """
        if not self.decimals or not isinstance(value, Rational) or value.q == 1:
            return None
        written = abs(value) in self.decimals
        tenths = value.q % 5 == 0 and any(each.q % 5 == 0 for each in self.decimals)
        if not (tenths and (written or value.q not in self.divisors)) and not (written and stated):
            return None
        text = digits_of(abs(value), MAX_DIGITS)
        return text if text and len(text) <= MAX_DIGITS else None

    def sides(self, test: Relational) -> tuple[Any, Any, Any]:
        """A comparison the way round that this author has it: left side, relation, right side."""
        left, right = test.args
        if (right, left) in self.compared and (left, right) not in self.compared:
            return right, test.reversed.rel_op, left
        return left, test.rel_op, right


def _compared(text: str, functions: Mapping[str, Any]) -> frozenset[tuple[Expr, Expr]]:
    from symderive.formulas.parsing import parse

    found = set()
    for line in text.split("\n"):
        try:
            nodes = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Compare)]
            for node in nodes:
                sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
                left, right = (parse(side, functions).formula for side in (sides[0], sides[-1]))
                found.add((left, right))
        except (SyntaxError, SymderiveError, ValueError, RecursionError, MemoryError):
            continue
    return frozenset(found)
