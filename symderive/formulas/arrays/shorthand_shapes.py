"""Shorter names for what only moves entries, a row each: axes put in again, reshapes, repeats."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, S

from symderive.formulas.arrays.chains import column, is_column, transposed
from symderive.formulas.arrays.ops import apply, total
from symderive.formulas.arrays.ops_elementwise import ROWS
from symderive.formulas.arrays.placing import Key, all_of, completed
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree
from symderive.formulas.arrays.terms import ONE, is_op, scaled, term_of, times, tree_cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.written import product


def column_again(tree: Tree) -> Tree | None:
    """r[:, 0][:, None] of a column r is r: an axis of size 1 is taken out and put in again."""
    if not is_op(tree, "index") or not is_op(tree.args[0], "index"):
        return None
    taken: Apply = tree.args[0]
    first: Tree = taken.args[0]
    out, back = taken.option("key"), tree.option("key")
    if first.shape != tree.shape or ("new",) in out or any(key[0] == "int" for key in back):
        return None
    back = (*back, *map(all_of, tree.shape[len(back) :]))
    for (there, size), here in zip(completed(out, first.shape), back, strict=True):
        again = there == ("int", S.Zero) and here == ("new",) and size == 1
        if not again and not there == here == all_of(size):
            return None
    return first


def column_inside(tree: Tree) -> Tree | None:
    """sqrt(r[:, 0] + e)[:, None] of a column r is sqrt(r + e)."""
    if not is_column(tree) or not any(is_op(part, "index") for part in tree.args[0].walk()):  # type: ignore[attr-defined]
        return None
    made = _by_entries(tree.args[0], lambda arg: column_again(column(arg)) or column(arg))  # type: ignore[attr-defined]
    return made if made is not None and tree_cost(made) < tree_cost(tree) else None


def reshaped_together(tree: Tree) -> Tree | None:
    """reshape(a, (2, 3))*reshape(B, (m, 2, 3)) is reshape(a*B, (m, 2, 3))."""
    if not is_op(tree, "multiply"):
        return None
    parts = [arg for arg in tree.args if is_op(arg, "reshape")]
    longest = max(parts, key=lambda part: part.args[0].ndim, default=None)
    if longest is None or longest.shape != tree.shape:
        return None
    here = [part for part in parts if _split_alike(part, longest)]
    if len(here) < 2:
        return None
    inner = times([part.args[0] for part in here])
    made = apply("reshape", inner, shape=tree.shape)
    return times([made, *(arg for arg in tree.args if all(arg is not part for part in here))])


def _split_alike(part: Apply, whole: Apply) -> bool:
    """Whether two reshapes split axes alike, from the last on; an axis that one lacks is whole."""
    ends = (whole.args[0].ndim - part.args[0].ndim, whole.ndim - part.ndim)
    same = ends[0] == ends[1] and whole.args[0].shape[: ends[0]] == whole.shape[: ends[1]]
    return (
        same
        and part.shape == whole.shape[ends[1] :]
        and part.args[0].shape == whole.args[0].shape[ends[0] :]
    )


def reshaped_inside(tree: Tree) -> Tree | None:
    """reshape(cos(reshape(A, (6,))), (2, 3)) is cos(A), where that is shorter."""
    if not is_op(tree, *RESHAPES) or not any(is_op(p, *RESHAPES) for p in tree.args[0].walk()):
        return None
    whole = tree

    def again(part: Tree) -> Tree:
        short = apply(whole.op, part, **dict(whole.options))
        return stacked(short) or short

    made = _by_entries(tree.args[0], again)
    return made if made is not None and tree_cost(made) < tree_cost(tree) else None


RESHAPES = ("reshape", "vec", "unvec")
"""Operations that keep all entries, in another shape."""


def _by_entries(tree: Tree, move: Callable[[Tree], Tree]) -> Tree | None:
    """What is made entry by entry, its operands moved to another shape."""
    if not isinstance(tree, Apply) or not (tree.op in ENTRY_BY_ENTRY or tree.op in FUNCTIONS):
        return move(tree)
    args: list[Tree] = []
    for arg in tree.args:
        made = _by_entries(arg, move) if arg.ndim else arg
        if made is None or (arg.ndim and arg.shape != tree.shape):
            return None
        args.append(made)
    if "function" in dict(tree.options):
        shape = next(arg.shape for arg in args if arg.ndim)
        return Apply(shape, tree.op, tuple(args), tree.options)
    return apply(tree.op, *args)


ENTRY_BY_ENTRY = frozenset(row.name for row in ROWS)


def repeated(tree: Tree) -> Tree | None:
    """reshape(broadcast_to(D[:, :, None], (m, 3, 2)), (m, 6)) is kron(D, ones((1, 2)))."""
    if not is_op(tree, "reshape") or not is_op(tree.args[0], "broadcast_to") or tree.ndim > 2:
        return None
    core, keys = _spread(tree.args[0])
    if core.ndim != tree.ndim:
        return None
    pairs = list(zip(keys, tree.args[0].shape, strict=True))
    ones: list[Expr] = []
    first: set[bool] = set()
    for size, own in zip(tree.shape, core.shape, strict=True):
        group: list[tuple[Key, Expr]] = []
        while pairs and product(*(s for _, s in group)) != size:
            group.append(pairs.pop(0))
        kept = [s for key, s in group if key != ("new",)]
        added = [s for key, s in group if key == ("new",)]
        if kept != [own] or len(added) > 1:
            return None
        ones += added or [S.One]
        first |= {group[0][0] == ("new",)} if added else set()
    if pairs or len(first) != 1:
        return None
    parts = (core, apply("broadcast_to", ONE, shape=tuple(ones)))
    return apply("kron", *(parts[::-1] if True in first else parts))


def _spread(tree: Apply) -> tuple[Tree, list[Key]]:
    """What is repeated along axes, and which: the key that puts them in."""
    core: Tree = tree.args[0]
    keys: list[Key] = [("new",)] * (tree.ndim - core.ndim)
    if is_op(core, "index") and all(key[0] != "int" for key in core.option("key")):
        inner: Tree = core.args[0]
        own = core.option("key")
        if all(
            key == ("new",) or key == all_of(s) for key, s in zip(own, core.shape, strict=False)
        ):
            return inner, [*keys, *own, *map(all_of, core.shape[len(own) :])]
    return core, [*keys, *map(all_of, core.shape)]


def columns_added(tree: Tree) -> Tree | None:
    """u[:, None] + 2*v[:, None] is (u + 2*v)[:, None]."""
    if not is_op(tree, "add") or tree.ndim != 2:
        return None
    terms = [term_of(arg) for arg in tree.args]
    if not all(is_column(term.core) for term in terms):
        return None
    vectors = [
        scaled(term.core.args[0], term.number, term.above, term.below)  # type: ignore[attr-defined]
        for term in terms
    ]
    return column(apply("add", *vectors))


def outer_product(tree: Tree) -> Tree | None:
    """u[:, None]*v is outer(u, v)."""
    if not is_op(tree, "multiply") or tree.ndim != 2:
        return None
    rows = [arg for arg in tree.args if arg.ndim == 1]
    columns = [arg.args[0] for arg in tree.args if is_op(arg, "index") and is_column(arg)]
    scalars = [arg for arg in tree.args if not arg.ndim]
    if len(rows) != 1 or len(columns) != 1 or len(scalars) + 2 != len(tree.args):
        return None
    if rows[0].shape != tree.shape[1:]:
        return None
    return times([*scalars, apply("outer", *columns, *rows)])


def vectorised(tree: Tree) -> Tree | None:
    """stack([2*x[0], 2*x[1]]) is 2*x."""
    if not is_op(tree, "stack") or tree.ndim != 1:
        return None
    found = {_whole(arg, place, tree.shape[0]) for place, arg in enumerate(tree.args)}
    whole = found.pop()
    return whole if not found and whole is not None and whole.shape == tree.shape else None


def _whole(tree: Tree, place: int, size: object) -> Tree | None:
    """The tree with entry ``place`` of each vector as the vector; None where there is no such."""
    if is_op(tree, "index") and isinstance(tree.args[0], Leaf):
        if tree.args[0].shape != (size,) or tree.option("key") != (("int", S(place)),):
            return None
        vector: Tree = tree.args[0]
        return vector
    if not isinstance(tree, Apply) or tree.ndim:
        return tree
    if not all(arg.ndim == 0 for arg in tree.args):
        return tree
    args = [_whole(arg, place, size) for arg in tree.args]
    if any(arg is None for arg in args):
        return None
    return apply(tree.op, *(arg for arg in args if arg is not None), **dict(tree.options))


def stacked(tree: Tree) -> Tree | None:
    """vec(A.T) is the rows one after the other, and they of A.T are vec(A); unvec undoes vec.

    vec(uvᵀ) is v ⊗ u.
    """
    if is_op(tree, "unvec") and is_op(tree.args[0], "vec"):
        inner: Tree = tree.args[0].args[0]
        return inner if inner.shape == tree.shape else None
    if is_op(tree, "reshape"):
        again: Tree = tree.args[0]
        if is_op(again, "reshape"):
            first: Tree = again.args[0]
            return first if first.shape == tree.shape else apply("reshape", first, shape=tree.shape)
        if is_op(again, "vec") and tree.ndim > 1:
            return apply("reshape", transposed(again.args[0]), shape=tree.shape)
        if is_op(again, "broadcast_to") and not again.args[0].ndim:
            return apply("broadcast_to", again.args[0], shape=tree.shape)
    if is_op(tree, "sum") and is_op(tree.args[0], "unvec") and tree.ndim == 1:
        inner = transposed(tree.args[0])
        return total(inner, [1 - tree.option("axis")[0]])
    if not is_op(tree, "vec", "reshape") or tree.ndim != 1:
        return None
    inside: Tree = tree.args[0]
    if tree.op == "vec" and is_op(inside, "unvec") and inside.args[0].ndim == 1:
        vector: Tree = inside.args[0]
        return vector
    if tree.op == "vec" and is_op(inside, "outer"):
        return apply("kron", *inside.args[::-1])
    if not is_op(inside, "transpose") or inside.ndim != 2:
        return None
    if tree.op == "vec":
        return apply("reshape", inside.args[0], shape=tree.shape)
    return apply("vec", inside.args[0])
