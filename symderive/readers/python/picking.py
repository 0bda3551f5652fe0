"""Entries of entries: the shortest way to say which part of an array a program has picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import S, expand

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Apply, Leaf, Shape, Tree, of_args

Keys = Sequence[tuple[Any, ...]]

_FEWEST = 5
"""The entries of a list in which runs of one array are looked for."""


def straight(tree: Tree, keys: Keys) -> tuple[Tree, Keys]:
    """The array behind transposes and earlier picks, and the key that picks the same from it.

    ``X.T[0]`` is ``X[:, 0]``; ``X[0][1]`` is ``X[0, 1]``.
    """
    while isinstance(tree, Apply):
        if tree.op == "transpose" and tree.ndim == 2 and not _adds(keys) and _is_turn(tree):
            turned = [*keys, *map(all_of, tree.shape[len(keys) :])][::-1]
            if sum(key[0] == "slice" for key in turned) > 1:  # a part of a matrix stays turned
                return tree, keys
            tree, keys = tree.args[0], turned
        elif tree.op == "index":
            joined = _joined(tree.args[0].shape, tree.option("key"), keys)
            if joined is None:
                return tree, keys
            tree, keys = tree.args[0], joined
        elif tree.op == "broadcast_to" and len(keys) == tree.ndim and _single(tree, keys):
            shape = tree.args[0].shape
            own = keys[len(keys) - len(shape) :]
            keys = [("int", S.Zero) if n == 1 else key for n, key in zip(shape, own, strict=True)]
            tree = tree.args[0]
        else:
            break
    return tree, keys


def inside(tree: Tree, keys: Keys) -> Tree | None:
    """A part of a short formula as the formula of the parts: ``(x**2)[1:]`` is ``x[1:]**2``."""
    if not isinstance(tree, Apply) or tree.op not in _ENTRY_BY_ENTRY or _adds(keys):
        return None
    arrays = [arg for arg in tree.args if arg.ndim]
    short = len(arrays) == 1 or all(map(_is_part, arrays))
    if not short or any(arg.shape != tree.shape for arg in arrays):
        return None
    parts = []
    for arg in tree.args:
        if not arg.ndim:
            parts.append(arg)
            continue
        found = inside(arg, keys)
        array, key = straight(arg, keys)
        parts.append(found or (apply("index", array, key=tuple(key)) if key else array))
    return apply(tree.op, *parts)


_ENTRY_BY_ENTRY = frozenset({"add", "multiply", "divide", "power", "negative"})


def _is_part(tree: Tree) -> bool:
    while isinstance(tree, Apply) and tree.op in ("index", "negative"):
        tree = tree.args[0]
    return isinstance(tree, Leaf)


def _single(tree: Apply, keys: Keys) -> bool:
    """Whether a key picks one place along each axis that was spread."""
    own = (S.One,) * (tree.ndim - tree.args[0].ndim) + tree.args[0].shape
    spread = [key for size, key in zip(own, keys, strict=True) if size == 1]
    return not _adds(keys) and all(key[0] == "int" for key in spread)


def _is_turn(tree: Apply) -> bool:
    options = dict(tree.options)
    return options.get("axes") in (None, (1, 0))


def _adds(keys: Keys) -> bool:
    return any(key[0] == "new" for key in keys)


def _joined(shape: Shape, first: Keys, then: Keys) -> Keys | None:
    """The key that picks at once what two pick one after the other; None where none does."""
    first = [*first, *map(all_of, shape[sum(key[0] != "new" for key in first) :])]
    later, result, sizes = list(then), [], iter(shape)
    for key in first:
        if key[0] == "new":
            if not later or later.pop(0)[0] != "int":
                return None
            continue
        size = next(sizes)
        if key[0] == "int":
            single = size == 1 and later and later[0][0] == "new"
            result.append(all_of(S.One) if single else key)
            later = later[1:] if single else later
        elif later and later[0][0] == "new":
            return None
        else:
            result.append(_after(key, later.pop(0)) if later else key)
    return None if later else result


def _after(run: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[Any, ...]:
    _, start, _, step = run
    if key[0] == "int":
        return ("int", expand(start + step * key[1]))
    return ("slice", expand(start + step * key[1]), key[2], step * key[3])


# Lists of entries -------------------------------------------------------------------------


def runs_joined(tree: Tree, whole: bool = False) -> Tree:
    """A list of entries as the runs of arrays that it is made of, where that is shorter.

    ``stack([0, x[1], x[2], x[3], 0])`` is ``concatenate([zeros(1), x[1:4], zeros(1)])``.

    Args:
        tree: Any formula.
        whole: Whether one run must take all of it.
    """
    if not isinstance(tree, Apply) or not _is_list(tree):
        return tree
    runs: list[list[Tree]] = []
    for row in tree.args:
        if runs and _goes_on(runs[-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    few = not whole and len(tree.args) >= _FEWEST and 2 * len(runs) <= len(tree.args) + 1
    if len(tree.args) == 1 or (len(runs) > 1 and not few):
        return tree
    parts = _parts(runs)
    return parts[0] if len(parts) == 1 else apply("concatenate", *parts, axis=(0,))


def all_runs_joined(tree: Tree) -> Tree:
    """A formula with every list in it as its runs."""
    if not isinstance(tree, Apply):
        return tree
    return runs_joined(of_args(tree, tuple(map(all_runs_joined, tree.args))))


def with_diagonal(tree: Tree, stages: Mapping[str, Tree]) -> Tree:
    """Rows that are those of a matrix but for its diagonal as a sum: ``K + s*eye(n)``.

    Args:
        tree: Any formula; ``stack([[d[0], K[0, 1]], [K[1, 0], d[1]]])``.
        stages: The stages, in which the new diagonal may be that of K and something more.
    """
    if not isinstance(tree, Apply):
        return tree
    tree = of_args(tree, tuple(with_diagonal(arg, stages) for arg in tree.args))
    n = len(tree.args)
    rows = [row.args for row in tree.args if isinstance(row, Apply) and _is_list(row)]
    if not _is_list(tree) or n < 2 or [len(row) for row in rows] != [n] * n:
        return tree
    second = rows[0][1]
    base = second.args[0] if isinstance(second, Apply) and _is_entry(second) else None
    if base is None or base.shape != (n, n):
        return tree

    def entry(array: Tree, *at: int) -> Tree:
        return apply("index", array, key=tuple(("int", S(k)) for k in at))

    if any(rows[i][j] != entry(base, i, j) for i in range(n) for j in range(n) if i != j):
        return tree
    found = [rows[k][k] for k in range(n)]
    ends = {row.args[1] for row in found if isinstance(row, Apply) and row.op == "add"}
    if len(ends) == 1 and found == [
        apply("add", entry(base, k, k), end) for k in range(n) for end in ends
    ]:
        (more,) = ends
        return apply("add", base, apply("multiply", more, apply("eye", size=S(n))))
    first = found[0]
    new = first.args[0] if isinstance(first, Apply) and _is_entry(first) else None
    if new is None or new.shape != (n,) or found != [entry(new, k) for k in range(n)]:
        new = apply("stack", *found, axis=(0,))
    old, made = apply("diagonal", base), stages.get(new.name) if isinstance(new, Leaf) else None
    if isinstance(made, Apply) and made.op == "add" and made.args[0] == old:
        more = made.args[1]
    else:
        more = apply("add", new, apply("negative", old))
    unit = apply("eye", size=S(n))
    return apply("add", base, apply("diag", more) if more.ndim else apply("multiply", more, unit))


def _is_list(tree: Tree) -> bool:
    return isinstance(tree, Apply) and tree.op == "stack" and tree.option("axis") == (0,)


def _parts(runs: Sequence[Sequence[Tree]]) -> list[Tree]:
    parts: list[Tree] = []
    single: list[Tree] = []
    for run in [*runs, ()]:
        if len(run) == 1:
            single.append(run[0])
            continue
        if single:
            parts.append(apply("stack", *single, axis=(0,)))
            single = []
        if run:
            parts.append(_run(run))
    return parts


def _goes_on(run: Sequence[Tree], row: Tree) -> bool:
    """Whether an entry comes right after a run of one array, along the same axis."""
    place = _moving(run[-1], row)
    return place is not None and (len(run) == 1 or place == _moving(run[-2], run[-1]))


def _is_entry(tree: Tree) -> bool:
    return isinstance(tree, Apply) and tree.op == "index" and isinstance(tree.args[0], Leaf)


def _moving(one: Tree, other: Tree) -> int | None:
    """The place of the key that is one more in the other; None where they do not follow."""
    if not (_is_entry(one) and _is_entry(other)) or one.args[0] != other.args[0]:  # type: ignore[attr-defined]
        return None
    first, second = one.option("key"), other.option("key")  # type: ignore[attr-defined]
    places = [k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    if len(first) != len(second) or len(places) != 1:
        return None
    (k,) = places
    whole = all(key[0] == "int" for key in first[:k]) and first[k][0] == second[k][0] == "int"
    return k if whole and second[k][1] - first[k][1] == 1 else None


def _run(run: Sequence[Tree]) -> Tree:
    """Entries that follow each other, as a slice."""
    first, k = run[0], _moving(run[0], run[1])
    assert isinstance(first, Apply)
    assert k is not None
    array, keys = first.args[0], list(first.option("key"))
    keys[k] = ("slice", keys[k][1], S(len(run)), S.One)
    if all(key == all_of(size) for key, size in zip(keys, array.shape, strict=False)):
        return array
    return apply("index", array, key=tuple(keys))
