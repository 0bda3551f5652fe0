"""SymPy formulas → presentation nodes: order, signs, brackets, fractions.

Brackets are decided on what has been built, not on what SymPy holds: every built piece carries
how tightly it binds (``Level``), and whoever puts it next to something else compares. To let the
printer show one more kind of object, add a row to a table of ``notation``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Add, Basic, Expr, Indexed, Mul, Pow, Rational, S, Symbol

from symderive.formulas.breaking import SCRIPT, width
from symderive.formulas.hand import Hand
from symderive.formulas.inert import Diff
from symderive.formulas.names import name_node
from symderive.formulas.nodes import (
    APPLY,
    APPLY_SPACED,
    EULER,
    MINUS,
    NEGATIVE,
    PARTIAL,
    PLUS,
    Fence,
    Fn,
    Frac,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Style,
    commas,
    fence,
    partial,
    row,
)
from symderive.formulas.ordering import BIG, DIFF, OTHER, Order, flipped, flips, group_of
from symderive.formulas.pieces import (
    Built,
    Level,
    classic_call,
    flat,
    flat_written,
    fraction,
    has_exponent,
    is_below,
    is_plain,
    is_sci,
    items_of,
    joined,
    negated,
    number,
    one_fraction,
    with_one_root,
)
from symderive.formulas.plain import plain

ONE = Num("1")
WIDE_EXPONENT = 7.0
"""Width in em, in small type, from which an exponent of e is an argument instead."""


def tree(
    formula: Basic,
    names: Sequence[str] = (),
    *,
    written: bool | None = False,
    colors: Mapping[Basic, str] | None = None,
) -> Node:
    """The formula as presentation nodes.

    Args:
        formula: Any SymPy object that formulas can hold.
        names: The names of the model in order of first appearance: they order sums and products.
        written: Keep the stored order; for formulas built with ``evaluate=False``. None keeps it
            only in the sums and products that are not in SymPy's own order.
        colors: The parts to colour, and the role of each (a row of ``COLORS``).

    Raises:
        SymderiveError: The formula holds an object that has no notation here.

    >>> from sympy.abc import A, Y
    >>> plain(tree(A - Y, names=("A", "Y")))
    'A − Y'
    """
    printer = Printer(names, written, colors or {})
    printer.reserve(formula)
    return printer.built(formula).node


class Printer:
    """One printing: its order, its colours, and what it has built so far."""

    def __init__(
        self, names: Sequence[str], written: bool | None, colors: Mapping[Basic, str]
    ) -> None:
        self.written, self.colors = written, colors
        self.hand = names if isinstance(names, Hand) else Hand(names)
        self.order = Order(names, lambda formula: plain(self.built(formula).node))
        self._built: dict[Basic, Built] = {}
        self._letters: dict[str, Node] = {}
        self._taken: set[str] = set(names)

    def as_stored(self, formula: Expr) -> bool:
        """Whether the parts of a sum or product keep their stored order."""
        if self.written is None:
            return bool(formula.func(*formula.args).args != formula.args)
        return self.written

    # Indices without a name ---------------------------------------------------------------

    def reserve(self, formula: Basic) -> None:
        """Keep the letters that a formula uses from being given to indices without a name."""
        self._taken |= {symbol.name for symbol in formula.atoms(Symbol)}

    def sibling(self, written: bool | None) -> Printer:
        """A printing of another part of the same formula: its indices have the same letters."""
        other = Printer(self.hand, written, {})
        other._letters, other._taken = self._letters, self._taken
        return other

    def letter(self, symbol: Symbol) -> Node | None:
        """The letter of an index that has no name of its own; None for any other symbol."""
        if not (symbol.name.startswith("_") and hasattr(symbol, "size")):
            return None
        if symbol.name not in self._letters:
            from symderive.formulas.arrays.index import index_names

            taken = self._taken | {plain(letter) for letter in self._letters.values()}
            self._letters[symbol.name] = name_node(index_names(1, taken)[0])
        return self._letters[symbol.name]

    # Pieces -------------------------------------------------------------------------------

    def built(self, formula: Basic) -> Built:
        """The formula, built; coloured where it is to be."""
        known = self._built.get(formula)
        if known is None:
            known = self._build(formula)
            if formula in self.colors:
                known = Built(Style("color", known.node, self.colors[formula]), known.level)
            self._built[formula] = known
        return known

    def given(self, mark: Basic, built: Built) -> None:
        """Show a symbol as something that is built already."""
        self._built[mark] = built

    def node(self, formula: Basic) -> Node:
        """The formula where nothing stands next to it: in brackets, in a fraction."""
        return self.built(formula).node

    def within(self, formula: Basic, level: Level) -> Node:
        """The formula next to something: in brackets unless it binds tighter than ``level``."""
        node, own = self.built(formula)
        return node if own > level else fence(node)

    def _build(self, formula: Basic) -> Built:
        if isinstance(formula, Symbol):
            return Built(self.letter(formula) or name_node(formula.name))
        if isinstance(formula, Add):
            return self.sum(formula)
        if isinstance(formula, Mul) or formula.is_Number:
            negative, positive = self.signed(formula)
            return negated(positive) if negative else positive
        if isinstance(formula, Pow):
            return self.power(formula.base, formula.exp)
        if isinstance(formula, Diff):
            return self.diff(formula)
        from symderive.formulas.notation import special

        return special(self, formula)

    # Sums ---------------------------------------------------------------------------------

    def sum(self, formula: Add) -> Built:
        """Terms with their signs between them."""
        terms = formula.args if self.as_stored(formula) else self.order.terms(formula)
        items: list[Node] = []
        for term in terms:
            negative, piece = self.signed(term)
            if not items and isinstance(term, Add):
                items += items_of(piece)  # a sum in front needs no brackets: (a + b) + c
                continue
            if items:
                items.append(MINUS if negative else PLUS)
            elif negative:
                items.append(NEGATIVE)
            items.append(fence(piece.node) if piece.level <= Level.NEGATIVE else piece.node)
        return Built(row(*items), Level.SUM)

    def signed(self, formula: Expr) -> tuple[bool, Built]:
        """Whether a minus stands in front, and what it stands in front of."""
        if formula not in self.colors:
            if isinstance(formula, Mul):
                stored = self.as_stored(formula)
                return self.written_product(formula) if stored else self.product(formula)
            if formula.is_Number:
                return self.number(formula)
        return False, self.built(formula)

    def number(self, value: Expr, *, alone: bool = True) -> tuple[bool, Built]:
        """The sign and the size of a number, as the author of the model would write it."""
        text = self.hand.decimal(value, stated=bool(self.written))
        return (bool(value < 0), Built(Num(text))) if text else number(value, alone=alone)

    # Products -----------------------------------------------------------------------------

    def product(self, formula: Mul) -> tuple[bool, Built]:
        """A product in a reader's order, as one fraction with big signs and links after it."""
        negative = False
        over: list[Built] = []
        under: list[Built] = []
        factors: list[Expr] = []
        for factor in with_one_root(flat(formula)) if not self.colors else flat(formula):
            if not factor.is_Number or factor in self.colors:
                turn = flips(factor) and factor not in self.colors
                negative ^= turn
                factors.append(flipped(factor) if turn else factor)
                continue
            minus, size = self.number(factor, alone=False)
            negative ^= minus
            if isinstance(size.node, Frac):
                under.append(Built(size.node.denominator))
                size = Built(size.node.numerator)
            if size.node != ONE:
                over.append(size)
        after: list[Built] = []
        for factor in self.order.factors([factor for factor in factors if not is_below(factor)]):
            outside = group_of(factor) in (OTHER, BIG, DIFF)
            (after if outside else over).append(self.built(factor))
        below_one = [_upside_down(f) for f in factors if is_below(f)]
        under += [self.built(factor) for factor in self.order.factors(below_one)]
        front = [fraction(over, under)] if under else over
        pieces = front + after
        return negative, joined(pieces) if pieces else Built(ONE)

    def written_product(self, formula: Mul) -> tuple[bool, Built]:
        """A product in its stored order; factors 1/b divide what stands before them."""
        factors = flat_written(formula)
        negative = False
        if factors[0].is_Number and factors[0].is_negative and factors[0] not in self.colors:
            negative = True
            factors = [-factors[0], *factors[1:]] if factors[0] != -1 else factors[1:]
        pieces: list[Built] = []
        over: list[Built] = []
        under: list[Built] = []
        minus = False
        point = self.hand.decimal(factors[0], stated=bool(self.written))
        if (
            not point
            and one_fraction(factors)
            and not any(factor in self.colors for factor in factors[:1])
        ):
            under.append(Built(Num(str(factors[0].q))))
            over += [] if factors[0].p == 1 else [Built(Num(str(factors[0].p)))]
            for factor in factors[1:]:
                below = is_below(factor)
                (under if below else over).append(
                    self.built(Pow(factor.base, -factor.exp)) if below else self.built(factor)
                )
            return negative, fraction(over, under)
        for position, factor in enumerate(factors):
            if is_below(factor) and not minus:
                base, exponent = factor.base, -factor.exp
                under.append(self.built(base) if exponent == 1 else self.power(base, exponent))
                continue
            if under:
                pieces.append(fraction(over, under))
                over, under = [], []
            if factor is S.NegativeOne and position + 1 < len(factors):
                minus = not minus  # a·(−1)·b is written a·(−b)
                continue
            piece = self.built(factor)
            over.append(negated(piece) if minus else piece)
            minus = False
        pieces += [fraction(over, under)] if under else over
        return negative, joined(pieces)

    # Powers -------------------------------------------------------------------------------

    def power(self, base: Expr, exponent: Expr) -> Built:
        """Roots, fractions, e^x, sin² x, and plain powers."""
        if base is S.Exp1:
            return self.exponential(exponent)
        if isinstance(exponent, Rational) and exponent.is_negative:
            positive = self.built(base) if exponent == -1 else self.power(base, -exponent)
            return Built(Frac(ONE, positive.node), Level.FRACTION)
        if isinstance(exponent, Rational) and exponent.p == 1 and 1 < exponent.q < 10:
            degree = None if exponent.q == 2 else Num(str(exponent.q))
            return Built(Sqrt(self.node(base), degree))
        above = self.exponent(exponent)
        node, level = self.built(base)
        if exponent.is_Integer and exponent > 1 and (call := classic_call(node)):
            return Built(Row((Script(call[0], None, above), APPLY, call[1])), level)
        plain_base = level == Level.ATOM and not has_exponent(node) and not is_sci(node)
        return Built(Script(node if plain_base else fence(node), None, above), Level.POWER)

    def exponential(self, exponent: Expr) -> Built:
        """e^x; where that would be hard to read in small type, exp(x)."""
        above = self.exponent(exponent)
        if width(above, SCRIPT) > WIDE_EXPONENT:
            return Built(Row((Fn("exp"), APPLY, fence(self.node(exponent)))))
        return Built(Script(EULER, None, above), Level.POWER)

    def exponent(self, formula: Expr) -> Node:
        """An exponent: fractions of numbers are written in a line."""
        if isinstance(formula, Rational) and formula.q != 1:
            digits = Row((Num(str(abs(formula.p))), Op("/", "ord"), Num(str(formula.q))))
            return Row((NEGATIVE, digits)) if formula.p < 0 else digits
        return self.node(formula)

    # Derivatives and functions ------------------------------------------------------------

    def diff(self, formula: Diff) -> Built:
        """∂f/∂x of a name, or ∂/∂x applied to a formula."""
        of, by = formula.args
        if isinstance(of, Symbol | Indexed):
            return Built(partial(self.node(of), self.node(by)), Level.FRACTION)
        operator = Frac(PARTIAL, Row((PARTIAL, self.node(by))))
        body = self.within(of, Level.NEGATIVE)
        apply = APPLY if isinstance(body, Fence) else APPLY_SPACED
        return Built(Row((operator, apply, body)), Level.CALL)

    def call(self, head: Node, *args: Basic, bracket: bool = True) -> Built:
        """A function and its arguments; without brackets around a single name, if so asked."""
        inner = commas(*map(self.node, args))
        if not bracket and len(args) == 1 and is_plain(inner):
            return Built(Row((head, APPLY, inner)), Level.CALL)
        return Built(Row((head, APPLY, fence(inner))))


def _upside_down(factor: Pow) -> Expr:
    """1/factor, the root of a number as one root: √(2π)."""
    root = factor.exp == -S.Half and factor.base.is_number
    return Pow(factor.base, S.Half, evaluate=False) if root else Pow(factor.base, -factor.exp)
