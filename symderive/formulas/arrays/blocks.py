"""Arrays made of parts: sums of what is put at places, stacks, matrices side by side.

Each function gets ``plus``, which adds the parts that meet at one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, S

from symderive.formulas.arrays.chains import (
    Link,
    chain_of,
    column,
    is_column,
    product_of,
    transposed,
)
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.placing import Key, all_of, completed, place_at
from symderive.formulas.arrays.syntax import Apply, Tree
from symderive.formulas.arrays.terms import ONE, Term, is_op, scaled, zero_like

Plus = Callable[[Sequence[Tree]], Tree]

MOST_PARTS = 8
"""Parts that are joined at most: more are read as they stand."""


def joined(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """A sum of arrays at every place of an axis: the arrays stacked, or end to end, along it."""
    terms = [replace(term, core=_as_place(term.core)) for term in terms]
    cores = [term.core for term in terms]
    if len(cores) < 2 or not all(is_op(core, "place") for core in cores):
        return None
    shape = cores[0].shape
    if any(core.shape != shape for core in cores):
        return None
    keys = [completed(core.option("key"), shape) for core in cores if isinstance(core, Apply)]
    for axis in range(len(shape)):
        for find in (_stacked, _end_to_end):
            found = find(terms, keys, axis, plus)
            if found is not None:
                return found
    return None


def _as_place(tree: Tree) -> Tree:
    """The product of a unit vector and another vector as that vector put in a row or column."""
    if not is_op(tree, "outer"):
        return tree
    for axis, (unit, vector) in enumerate((tree.args, tree.args[::-1])):
        if is_op(unit, "place") and unit.args[0] == ONE and unit.option("key")[0][0] == "int":
            keys = [unit.option("key")[0], all_of(vector.shape[0])]
            return place_at(vector, keys if axis == 0 else keys[::-1], tree.shape)
    return tree


Keys = Sequence[Sequence[tuple[Key, Expr]]]


def _stacked(terms: Sequence[Term], keys: Keys, axis: int, plus: Plus) -> Tree | None:
    """Of arrays at every single place of an axis."""
    size = keys[0][axis][1]
    at = [key[axis][0] for key in keys]
    if not size.is_Integer or size > MOST_PARTS or any(kind[0] != "int" for kind in at):
        return None
    parts: dict[int, list[Tree]] = {place: [] for place in range(int(size))}
    if 2 * len({kind[1] for kind in at}) <= size or any(int(kind[1]) not in parts for kind in at):
        return None  # mostly zeros
    for kind, key, term in zip(at, keys, terms, strict=True):
        parts[int(kind[1])].append(_without(term, key, axis))
    like = next(row for rows in parts.values() for row in rows)
    rows = [plus(parts[k]) if parts[k] else zero_like(like) for k in range(int(size))]
    return apply("stack", *rows, axis=(axis,))


def _without(term: Term, key: Sequence[tuple[Key, Expr]], axis: int) -> Tree:
    """What is put in, placed along the other axes."""
    inner = [one for place, one in enumerate(key) if place != axis]
    arg: Tree = term.core.args[0]  # type: ignore[attr-defined]
    if any(one != all_of(length) for one, length in inner):
        arg = place_at(arg, [one for one, _ in inner], tuple(length for _, length in inner))
    return scaled(arg, term.number, term.above, term.below)


def _end_to_end(terms: Sequence[Term], keys: Keys, axis: int, plus: Plus) -> Tree | None:
    """Of arrays at slices that cover an axis."""
    for key in keys:
        if any(one != all_of(size) for k, (one, size) in enumerate(key) if k != axis):
            return None
    pieces = _covering([key[axis][0] for key in keys], keys[0][axis][1])
    if pieces is None:
        return None
    args = []
    for piece in pieces:
        here = [terms[k] for k in piece]
        args.append(
            plus([scaled(t.core.args[0], t.number, t.above, t.below) for t in here])  # type: ignore[attr-defined]
        )
    return apply("concatenate", *args, axis=(axis,))


def _covering(keys: Sequence[Key], size: Expr) -> list[list[int]] | None:
    """The places in a list of the slices that cover an axis without a gap, from its start on."""
    if any(key[0] != "slice" or S(key[3]) != 1 for key in keys):
        return None
    waiting = list(range(len(keys)))
    pieces: list[list[int]] = []
    reached: Expr = S.Zero
    while waiting:
        here = [k for k in waiting if (S(keys[k][1]) - reached).expand() == 0]
        if not here or len({keys[k][2] for k in here}) > 1:
            return None
        pieces.append(here)
        reached = (reached + keys[here[0]][2]).expand()
        waiting = [k for k in waiting if k not in here]
    covered = (reached - size).expand() == 0
    return pieces if covered and 1 < len(pieces) <= MOST_PARTS else None


def added(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """stack([a, b]) + stack([c, d]) = stack([a + c, b + d]), and so end to end."""
    cores = [term.core for term in terms]
    if len(cores) < 2 or not all(is_op(core, "stack", "concatenate") for core in cores):
        return None
    if len({(core.op, core.options) for core in cores if isinstance(core, Apply)}) > 1:
        return None
    if (
        len({tuple(arg.shape for arg in core.args) for core in cores if isinstance(core, Apply)})
        > 1
    ):
        return None
    first: Any = cores[0]
    rows = zip(
        *([scaled(a, t.number, t.above, t.below) for a in _args(t.core)] for t in terms),
        strict=True,
    )
    return apply(first.op, *(plus(row) for row in rows), **dict(first.options))


def _args(tree: Tree) -> Iterable[Tree]:
    return tree.args if isinstance(tree, Apply) else ()


def side_by_side(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """A @ v[:k] + B @ v[k:] = hstack([A, B]) @ v."""
    chains = [chain_of(term.core) for term in terms]
    ends = [chain[-1][1] for chain in chains]
    if any(
        len(chain) < 2 or not is_op(end, "index") for chain, end in zip(chains, ends, strict=True)
    ):
        return None
    whole = {end.args[0] for end in ends if isinstance(end, Apply)}
    if len(whole) > 1:
        return None
    (array,) = whole
    keys = [completed(end.option("key"), array.shape) for end in ends if isinstance(end, Apply)]
    if any(one != all_of(size) for key in keys for one, size in key[1:]):
        return None
    pieces = _covering([key[0][0] for key in keys], array.shape[0])
    if pieces is None:
        return None
    matrices = []
    for piece in pieces:
        factors: list[Tree] = []
        for k in piece:
            term, front = terms[k], chains[k][:-1]
            if any(kind != "m" for kind, _ in front):
                return None
            factors.append(scaled(product_of(front), term.number, term.above, term.below))
        matrices.append(plus(factors))
    joined_ = apply("concatenate", *matrices, axis=(1,))
    last: Link = ("c" if array.ndim == 1 else "m", array)
    return product_of((("m", joined_), last))


def spread_inside(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """A @ B + (A @ v)[:, None] is A @ (B + v[:, None])."""
    chains: list[tuple[Link, ...]] = []
    for term in terms:
        if is_column(term.core):
            *front, (_, last) = chain_of(term.core.args[0])  # type: ignore[attr-defined]
            chains.append((*front, ("m", column(last))))
        else:
            chains.append(chain_of(term.core))
    first = chains[0][0]
    if any(len(chain) < 2 or {kind for kind, _ in chain} != {"m"} for chain in chains):
        return None
    if any(chain[0] != first for chain in chains):
        return None
    rest = [
        scaled(product_of(chain[1:]), term.number, term.above, term.below)
        for chain, term in zip(chains, terms, strict=True)
    ]
    return product_of((first, ("m", plus(rest))))


def columns_shared(terms: Sequence[Term], plus: Plus) -> Tree | None:
    """Xᵀu − s·Xᵀ1 = Xᵀ(u − s): the sums of columns are a product with ones."""
    summed = [term for term in terms if is_op(term.core, "sum") and term.core.args[0].ndim == 2]
    if terms[0].core.ndim != 1 or not 0 < len(summed) < len(terms):
        return None
    first = summed[0].core
    (axis,) = first.option("axis")  # type: ignore[attr-defined]
    matrix = first.args[0] if axis else transposed(first.args[0])  # type: ignore[attr-defined]
    inside: list[Tree] = []
    for term in terms:
        if term.core == first:
            above = [_over_rows(part) for part in term.above]
            inner: Tree = apply("broadcast_to", ONE, shape=(matrix.shape[1],))
        elif is_op(term.core, "matmul") and (chain := chain_of(term.core))[0] == ("m", matrix):
            above, inner = [*term.above], product_of(chain[1:])
        else:
            return None
        inside.append(scaled(inner, term.number, above, term.below))
    return apply("matmul", matrix, plus(inside))


def _over_rows(tree: Tree) -> Tree:
    """w·(Xᵀ1) as the sum of Xw."""
    pair: tuple[Tree, ...] = tree.args if is_op(tree, "matmul") else ()
    if is_op(tree, "sum") and not tree.ndim and is_op(tree.args[0], "multiply"):
        pair = tree.args[0].args
    for vector, total in (pair, pair[::-1]) if len(pair) == 2 else ():
        if is_op(total, "sum") and total.args[0].ndim == 2 and vector.shape == total.shape:
            (axis,), matrix = total.option("axis"), total.args[0]
            product = apply("matmul", transposed(matrix) if axis else matrix, vector)
            return apply("sum", product, axis=(0,), keepdims=False)
    return tree
