"""Whether a matrix formula is zero: products multiplied out, like terms gathered.

It proves what index notation cannot say shortly: that inv(X.T @ A @ X) is inv(X) @ inv(A) @
inv(X.T), that U f(σ) Vᵀ is a function of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as cartesian
from typing import Any

from sympy import Expr, S

from symderive.formulas.arrays.chains import Link, chain_of, product_of
from symderive.formulas.arrays.simplify import Rebuilder, shortest
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Number, Tree
from symderive.formulas.arrays.terms import Term, is_op, negative, scaled, term_of

MAX_TERMS = 200
"""A formula of more terms is given up."""


def equal_trees(left: Tree, right: Tree, *known: Any) -> bool:
    """Whether two matrix formulas are proved equal; False means that it is not known.

    Args:
        left: One side.
        right: The other.
        known: What ``shortest`` is given beside a tree: the symmetric names, others.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.op import apply
    >>> from symderive.formulas.arrays.syntax import Leaf
    >>> A, B = (Leaf((Symbol("n"), Symbol("n")), name) for name in "AB")
    >>> whole = apply("matmul", A, apply("add", A, B))
    >>> apart = apply("add", apply("matmul", A, A), apply("matmul", A, B))
    >>> equal_trees(whole, apart)
    True
    """
    if left.shape != right.shape:
        return False
    sides = [shortest(side, *known) for side in (left, right)]
    if sides[0] == sides[1]:
        return True
    difference = shortest(plus([sides[0], negative(sides[1])]), *known)
    if _is_zero(difference):
        return True
    rules = Rebuilder(*known, opening=True)
    numbers: dict[tuple[Any, ...], Expr] = {}
    for count, term in enumerate(_terms(difference, rules)):
        if count > MAX_TERMS:
            return False
        scalars = (tuple(sorted(part, key=repr)) for part in (term.above, term.below))
        key = (_oriented(term.core, rules), *scalars)
        numbers[key] = numbers.get(key, S.Zero) + term.number
    return all(number == 0 for number in numbers.values())


def _oriented(core: Tree, rules: Rebuilder) -> tuple[Any, ...]:
    """The factors of a product, of inv(M.T) and inv(M).T always the same one."""
    factors: list[tuple[Any, ...]] = []
    for kind, part in chain_of(core, rules.turn):
        inner: Tree = part.args[0] if is_op(part, "transpose") else part
        turned = inner is not part
        if is_op(inner, "inv"):
            ways = [(inner.args[0], turned), (rules.turn(inner.args[0]), not turned)]
            factors.append((kind, "inv", *min(ways, key=repr)))
        else:
            factors.append((kind, part))
    return tuple(factors)


def _is_zero(tree: Tree) -> bool:
    if is_op(tree, "broadcast_to"):
        return _is_zero(tree.args[0])
    return isinstance(tree, Number) and bool(tree.value == 0)


def _terms(tree: Tree, rules: Rebuilder) -> Iterator[Term]:
    """The terms of a tree, its products multiplied out."""
    term = term_of(tree)
    for core in _cores(term.core, rules):
        inner = term_of(core)
        joined = scaled(
            inner.core,
            term.number * inner.number,
            (*term.above, *inner.above),
            (*term.below, *inner.below),
        )
        yield term_of(joined)


def _cores(tree: Tree, rules: Rebuilder) -> Iterator[Tree]:
    if is_op(tree, "add"):
        for arg in tree.args:
            for term in _terms(arg, rules):
                yield scaled(term.core, term.number, term.above, term.below)
        return
    turned = tree.args[0] if is_op(tree, "transpose") and tree.ndim == 2 else None
    if is_op(turned, "add") and all(arg.shape == turned.shape for arg in turned.args):
        for arg in turned.args:
            yield from _again(rules.turn(arg), rules)
        return
    if tree.ndim in (1, 2) and is_op(tree, "matmul", "outer", "transpose"):
        links = chain_of(tree, rules.turn)
        choices: list[list[Link]] = []
        for kind, part in links:
            terms = [*_terms(part, rules)] if is_op(part, "add") else [term_of(part)]
            whole = [scaled(t.core, t.number, t.above, t.below) for t in terms]
            if any(one.shape != part.shape for one in whole):  # a row or a number, spread over it
                whole = [part]
            choices.append([(kind, one) for one in whole])
        if len(links) > 1:
            for chain in cartesian(*choices):
                made = rules.rebuilt(product_of(chain, rules.turn))
                yield from _again(made, rules) if is_op(made, "add") else (made,)
            return
    yield tree


def _again(tree: Tree, rules: Rebuilder) -> Iterator[Tree]:
    for term in _terms(tree, rules):
        yield scaled(term.core, term.number, term.above, term.below)
