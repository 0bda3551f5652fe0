"""Fractions that can be read: what is tall does not stand above a bar, where it would be small.

(1 + (x + x³)/√π)/2 is set as ½(1 + (x + x³)/√π), whose inner fraction has its full size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from symderive.formulas.nodes import parted, walk
from symderive.formulas.tree import TIMES, Fence, Frac, Node, Num, Op, Row, Style, fence, row, width

WIDE = 2.5
"""Width in em of a part of a fraction that is hard to read in small type."""


def without_tall_fractions(node: Node) -> Node:
    """The formula, in which no wide fraction stands above a number.

    >>> from symderive.formulas.plain import plain
    >>> from symderive.formulas.printing import tree
    >>> from sympy.abc import a, b, x
    >>> plain(without_tall_fractions(tree(x*(1 + (a*x**2 + b)/(a + b))/2)))
    'x/2·(1 + (a·x^2 + b)/(a + b))'
    >>> plain(without_tall_fractions(tree(x*(a + b)/2)))
    'x·(a + b)/2'
    >>> plain(without_tall_fractions(tree((a - x)*(1 + (a*x**2 + b)/(a + b))/2)))
    '(a − x)/2·(1 + (a·x^2 + b)/(a + b))'
    """
    if isinstance(node, Row):
        return row(*map(without_tall_fractions, node.items))
    if isinstance(node, Fence | Style):
        return replace(node, body=without_tall_fractions(node.body))
    if isinstance(node, Frac) and isinstance(node.denominator, Num) and _crowded(node.numerator):
        return _apart(node.numerator, node.denominator)
    return node


def _apart(above: Node, below: Num) -> Node:
    """A quotient as a fraction of what is low, times what is tall."""
    items = above.items if isinstance(above, Row) else (above,)
    if any(isinstance(item, Op) and item.kind in ("bin", "pre", "rel") for item in items):
        return row(Frac(Num("1"), below), TIMES, fence(above))
    parts = list(_factors(items))
    low = [part for part in parts if not _crowded(part)]
    tall = [part for part in parts if _crowded(part)]
    numerator = parted(TIMES, low) if low else Num("1")
    if isinstance(numerator, Fence) and numerator.left == "(":
        numerator = numerator.body  # the bar holds it together
    return parted(TIMES, [Frac(numerator, below), *tall])


def _factors(items: Sequence[Node]) -> Iterator[Node]:
    """The factors of a product, each with its own brackets."""
    for between, group in groupby(
        items, lambda item: isinstance(item, Op) and item.kind == "times"
    ):
        if not between:
            yield row(*group)


def _crowded(node: Node) -> bool:
    """Whether it holds a fraction that is hard to read in small type."""
    fractions = (part for part in walk(node) if isinstance(part, Frac))
    return any(max(width(f.numerator), width(f.denominator)) > WIDE for f in fractions)
