"""A multiple of the identity and a product of two vectors: its inverse along them, its determinant.

(sI + c·uvᵀ)⁻¹u = u/(s + c·v·u) and det(I + c·uvᵀ) = 1 + c·v·u (Sherman and Morrison; the matrix
determinant lemma).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sympy import S

from symderive.formulas.arrays.chains import Link, chain_of, product_of
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.arrays.terms import ONE, is_op, scaled, term_of, tree_cost


def update_of(tree: Tree) -> tuple[Tree, Tree, Tree] | None:
    """Of sI + c·uvᵀ, the vectors and s + c·v·u."""
    if not is_op(tree, "add") or len(tree.args) != 2 or tree.ndim != 2:
        return None
    terms = sorted(map(term_of, tree.args), key=lambda term: not is_op(term.core, "eye"))
    one, update = terms
    if not is_op(one.core, "eye") or not is_op(update.core, "outer"):
        return None
    left, right = update.core.args
    dot = apply("matmul", right, left)
    parts = [
        scaled(ONE, one.number, one.above, one.below),
        scaled(ONE, update.number, (*update.above, dot), update.below),
    ]
    return left, right, plus(parts)


def updates_solved(chain: Sequence[Link]) -> tuple[list[Link], list[Tree]]:
    """The chain without inverses of updates beside their own vectors, and what divides it."""
    links, below = list(chain), []
    place = 0
    while place + 1 < len(links):
        (kind, part), (next_kind, following) = links[place : place + 2]
        if (kind, next_kind) == ("m", "c") and (found := _inverted(part)) and found[0] == following:
            below.append(found[2])
            del links[place]
            place = max(place - 1, 0)
        elif (
            (kind, next_kind) == ("r", "m") and (found := _inverted(following)) and found[1] == part
        ):
            below.append(found[2])
            del links[place + 1]
        else:
            place += 1
    return links, below


def scale_inside(tree: Tree) -> Tree | None:
    """(A/s + I)⁻¹/s is (A + sI)⁻¹: what divides a product is taken into an inverse in it."""
    if not is_op(tree, "divide", "negative"):
        return None
    term = term_of(tree)
    if not is_op(term.core, "inv", "matmul"):
        return None
    links = list(chain_of(term.core))
    if sum(is_op(part, "inv") for _, one in links for part in one.walk()) != 1:
        return None  # the same inverse beside it would be another
    for place, (kind, part) in enumerate(links):
        whole: Tree = part.args[0] if is_op(part, "inv") else part
        if whole is part or not is_op(whole, "add"):
            continue
        for arg in whole.args:
            scale = Counter(term.below) & Counter(term_of(arg).below)
            inside = plus([scaled(one, S.One, tuple(scale.elements())) for one in whole.args])
            if scale and tree_cost(inside) <= tree_cost(whole):
                links[place] = (kind, apply("inv", inside))
                below = tuple((Counter(term.below) - scale).elements())
                return scaled(product_of(links), term.number, term.above, below)
    return None


def _inverted(tree: Tree) -> tuple[Tree, Tree, Tree] | None:
    """The update that a factor is the inverse of."""
    if is_op(tree, "transpose"):
        found = _inverted(tree.args[0])
        return found and (found[1], found[0], found[2])
    return update_of(tree.args[0]) if is_op(tree, "inv") else None


def determinant(tree: Tree) -> Tree | None:
    """det(I + c·uvᵀ) is 1 + c·v·u."""
    found = update_of(tree.args[0]) if is_op(tree, "det") else None
    alone = found and any(is_op(arg, "eye") for arg in tree.args[0].args)  # type: ignore[attr-defined]
    return found[2] if found and alone else None
