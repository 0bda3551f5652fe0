"""Pieces of matrix notation: scalars in front, matrices side by side, exponents, brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Rational

from symderive.formulas.hand import Hand
from symderive.formulas.nodes import (
    MATMUL,
    MATMUL_SPACED,
    ONES,
    TRANSPOSE,
    Acc,
    Frac,
    Id,
    Name,
    Node,
    Num,
    Row,
    Script,
    Style,
    fence,
)
from symderive.formulas.pieces import (
    Built,
    Level,
    closed,
    divided_by,
    has_exponent,
    is_word,
    joined,
    needs_dot,
)
from symderive.formulas.printing import ONE

BOLD_ONE = Built(ONES)


@dataclass(frozen=True, slots=True)
class Term:
    """(−) over · chain / under: scalars, matrices side by side, scalars."""

    chain: tuple[Built, ...] = ()
    over: tuple[Built, ...] = ()
    under: tuple[Built, ...] = ()
    negative: bool = False

    def then(self, *others: Term) -> Term:
        """The product with other terms, whose matrices follow."""
        parts = (self, *others)
        return Term(
            tuple(piece for part in parts for piece in part.chain),
            tuple(piece for part in parts for piece in part.over),
            tuple(piece for part in parts for piece in part.under),
            sum(part.negative for part in parts) % 2 == 1,
        )


def assembled(term: Term) -> Built:
    """A term without its sign."""
    over, under = term.over, term.under
    if under:
        over, under = _unfolded(over, under)
    if not term.chain:
        body = joined(list(over)) if over else Built(ONE)
    else:
        body = _scaled(over, matrices(term.chain))
    if not under:
        return body
    return divided_by(body.node, under)


def with_decimals(term: Term, hand: Hand) -> Term:
    """A term with a decimal for a fraction of numbers, where its author writes decimals."""
    numbers = [_numbers(pieces) for pieces in (term.over, term.under)]
    if len(numbers[1]) != 1 or len(numbers[0]) > 1:
        return term
    text = hand.decimal(Rational(*(part[0] if part else 1 for part in numbers)), stated=False)
    if text is None:
        return term
    over, under = (
        tuple(piece for piece in pieces if not _numbers((piece,)))
        for pieces in (term.over, term.under)
    )
    return replace(term, over=(Built(Num(text)), *over), under=under)


def _numbers(pieces: Sequence[Built]) -> list[int]:
    """The whole numbers among some pieces."""
    nodes = (piece.node for piece in pieces)
    return [int(node.text) for node in nodes if isinstance(node, Num) and node.text.isdecimal()]


def _unfolded(
    over: tuple[Built, ...], under: tuple[Built, ...]
) -> tuple[tuple[Built, ...], tuple[Built, ...]]:
    """Scalar factors that are fractions, as part of the one fraction: ½·E/m is E/(2m)."""
    above: list[Built] = []
    below: list[Built] = []
    for piece in over:
        node = piece.node
        if not isinstance(node, Frac):
            above.append(piece)
            continue
        if node.numerator != ONE:
            above.append(Built(node.numerator, Level.PRODUCT))
        below.append(Built(node.denominator, Level.PRODUCT))
    return tuple(above), (*below, *under)


def _scaled(over: Sequence[Built], body: Built) -> Built:
    if not over:
        return body
    if len(over) == 1 and over[0].node == ONE:
        return body
    if body.level == Level.ENTRYWISE and isinstance(body.node, Row):
        first, *rest = body.node.items
        front = joined([*over, Built(first, Level.PRODUCT)])
        items = front.node.items if isinstance(front.node, Row) else (front.node,)
        return Built(Row((*items, *rest)), Level.ENTRYWISE)
    if body.level == Level.PRODUCT and isinstance(body.node, Row):
        front = joined([*over, Built(body.node.items[0])])
        items = front.node.items if isinstance(front.node, Row) else (front.node,)
        return Built(Row((*items, *body.node.items[1:])), Level.PRODUCT)
    return joined([*over, body])


def matrices(chain: Sequence[Built]) -> Built:
    """Matrices side by side."""
    if len(chain) == 1:
        return chain[0]
    items: list[Node] = []
    for position, (node, level) in enumerate(chain):
        if level < Level.PRODUCT:
            node = fence(node)
        elif level == Level.CALL and position < len(chain) - 1:
            node = closed(node)
        if items:
            apart = is_word(items[-1]) or is_word(node) or needs_dot(items[-1], node)
            items.append(MATMUL_SPACED if apart else MATMUL)
        items.append(node)
    return Built(Row(tuple(items)), Level.PRODUCT)


def raised(piece: Built, above: Node) -> Built:
    """A piece with an exponent, in brackets unless it can bear one."""
    if isinstance(piece.node, Style) and piece.node.kind == "under":
        inner = raised(Built(piece.node.body, piece.level), above)
        return Built(replace(piece.node, body=inner.node))
    bare_enough = piece.level == Level.ATOM and not has_exponent(piece.node)
    return Built(Script(piece.node if bare_enough else fence(piece.node), None, above), Level.POWER)


def flipped(piece: Built) -> Built:
    """A piece transposed."""
    return raised(piece, TRANSPOSE)


def bolded(node: Node) -> Node:
    """A name with its letter bold."""
    match node:
        case Name(text, body):
            return Name(text, bolded(body))
        case Script(base, sub, sup):
            return Script(bolded(base), sub, sup)
        case Acc(kind, body):
            return Acc(kind, bolded(body))
        case Id(text, "it"):
            return Id(text, "bf")
    return node
