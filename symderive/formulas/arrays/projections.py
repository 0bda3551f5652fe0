"""Products with pseudoinverses and with inverses of products: what a projection leaves as it is.

X X⁺ X = X, and X X⁺ and X⁺X are their own transposes; XᵀX beside (XᵀX)⁻¹ is the identity.
"""

from __future__ import annotations

from collections.abc import Sequence

from symderive.formulas.arrays.chains import Link, Turn, chain_of, flipped
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.arrays.terms import is_op

LEFT = frozenset({"XPX", "PXP", "xpx", "pxp", "Xxp", "pPX", "xXP", "Ppx"})
RIGHT = frozenset({"XPX", "PXP", "xpx", "pxp", "pxX", "PXx", "XPp", "xpP"})
"""Products of three, X the matrix, P its pseudoinverse, x and p their transposes, that are their
first (their last) factor: a projection XP = px or PX = xp beside what it leaves as it is."""


def projected(chain: Sequence[Link], turn: Turn) -> list[Link]:
    """The chain without projections that change nothing, and inverses beside what they invert."""
    links = list(chain)
    while (shorter := _once(links, turn)) is not None:
        links = shorter
    return links


def is_projection(trees: Sequence[Tree]) -> bool:
    """Whether two matrices are one and its pseudoinverse."""
    if len(trees) != 2:
        return False
    return any(
        is_op(one, "pinv") and one.args[0] == other for one, other in (trees, [*trees][::-1])
    )


def has_residuals(chain: Sequence[Link], terms: Sequence[Sequence[Link]]) -> bool:
    """Whether a matrix is inverted beside a sum whose terms hold sums of vectors."""
    inverted = any(is_op(part, "inv") for _, part in chain)
    return inverted and any(k != "m" and is_op(p, "add") for links in terms for k, p in links)


def _once(links: list[Link], turn: Turn) -> list[Link] | None:
    for place, (kind, part) in enumerate(links):
        if kind != "m":
            continue
        inside = _inverted(part, turn)
        if inside is not None and len(inside) > 1:
            size = len(inside)
            for start in (place - size, place + 1):
                if start >= 0 and tuple(links[start : start + size]) == inside:
                    first = min(start, place)
                    return [*links[:first], *links[first + size + 1 :]]
    for place in range(len(links) - 2):
        found = _absorbed(links[place : place + 3], turn)
        if found is not None:
            return [*links[:place], found, *links[place + 3 :]]
    return None


def _inverted(tree: Tree, turn: Turn) -> tuple[Link, ...] | None:
    """The factors of what a matrix is the inverse of."""
    if is_op(tree, "transpose") and is_op(tree.args[0], "inv"):
        return flipped(chain_of(tree.args[0].args[0], turn), turn)
    return chain_of(tree.args[0], turn) if is_op(tree, "inv") else None


def _absorbed(three: Sequence[Link], turn: Turn) -> Link | None:
    """Of three matrices, two of which are a projection that leaves the third as it is: that."""
    if any(kind != "m" for kind, _ in three):
        return None
    trees = [tree for _, tree in three]
    for tree in trees:
        inner: Tree = tree.args[0] if is_op(tree, "transpose") else tree
        if not is_op(inner, "pinv"):
            continue
        matrix = inner.args[0]
        names = {inner: "P", turn(inner): "p", matrix: "X", turn(matrix): "x"}
        word = "".join(names.get(part, "?") for part in trees)
        if word in LEFT:
            return three[0]
        if word in RIGHT:
            return three[2]
    return None
