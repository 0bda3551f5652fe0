"""What scalar terms share: a vector of their dot products, a denominator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sympy import S

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.arrays.terms import ONE, Term, is_op, scaled, term_of

Plus = Callable[[Sequence[Tree]], Tree]


def _dots_shared(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """A @ z − b @ z = (a − b) @ z."""
    choices = [
        [(k, end, other) for k, part in enumerate(t.above) for end, other in _ends_of_dot(part)]
        for t in terms
    ]
    for _, end, _ in choices[0]:
        found = [next((c for c in own if c[1] == end), None) for own in choices]
        if any(c is None for c in found):
            continue
        inside = []
        for term, (k, _, other) in zip(terms, filter(None, found), strict=True):
            above = (*term.above[:k], *term.above[k + 1 :])
            inside.append(scaled(other, term.number, above, term.below))
        return apply("matmul", plus(inside), end)
    return None


def _ends_of_dot(tree: Tree) -> Sequence[tuple[Tree, Tree]]:
    """The two ends of a product of vectors, either first."""
    if not is_op(tree, "matmul") or any(arg.ndim != 1 for arg in tree.args):
        return ()
    left, right = tree.args
    return ((left, right), (right, left))


def _over_one_bar(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """1 − a/(1 + a) = 1/(1 + a)."""
    for below in dict.fromkeys(part for t in terms for part in t.below if is_op(part, "add")):
        if all(below in t.below for t in terms):
            continue
        inside = []
        for t in terms:
            rest = Counter(t.below)
            above = t.above if below in rest else (*t.above, below)
            under = (rest - Counter([below])).elements()
            inside.append(scaled(ONE, t.number, above, tuple(under)))
        inside = [piece for part in inside for piece in _apart(part)]
        return scaled(ONE, S.One, (plus(inside),), (below,))
    return None


def _apart(tree: Tree) -> list[Tree]:
    """A number times a sum as the terms of it."""
    term = term_of(tree)
    place = next((k for k, part in enumerate(term.above) if is_op(part, "add")), None)
    if place is None or term.below:
        return [tree]
    rest = (*term.above[:place], *term.above[place + 1 :])
    return [scaled(arg, term.number, rest) for arg in term.above[place].args]  # type: ignore[attr-defined]


SCALAR_FINDERS = (_dots_shared, _over_one_bar)
"""What scalar terms may share, a way each."""
