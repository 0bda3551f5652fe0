"""Loops whose steps do not need each other, as one stage of an array.

After the call: what a program does entry by entry, ``total += f(x[i])`` or a list of ``f(x[i])``,
is said of whole arrays. A step that needs the one before stays a stage of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Integer

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree, of_args
from symderive.readers.python.alike import (
    LITERAL,
    Chosen,
    few_chosen,
    filled_in,
    none_chosen,
    together,
)
from symderive.readers.python.picking import all_runs_joined, runs_joined, with_diagonal
from symderive.readers.python.recording import LONGEST_ARGUMENT, PART, Recording, weight

FEWEST = 3
"""As many formulas that are alike become one; of long ones, two do."""

_MANY = 5
"""As many steps become one whose entries stand at places with no even steps."""

_LONG = 8
_ROUNDS = 4
_MOST = 4096
_MOST_CHOSEN = 100_000
_TOLD = 12

_FOLDS = {"add": "sum", "multiply": "prod"}


def roll(rec: Recording, kept: Sequence[str]) -> None:
    """Shorten the stages that some depend on.

    Args:
        rec: The recording of a call that is over.
        kept: The labels of the values that are returned, which stay stages.
    """
    rolling = _Rolling(rec, set(kept))
    rolling.run()
    rec.stages = rolling.stages


class _Rolling:
    def __init__(self, rec: Recording, kept: set[str]) -> None:
        self.rec, self.labels, self.kept = rec, rec.labels, kept
        self.stages = _reached(rec.stages, kept)

    def run(self) -> None:
        """Until nothing gets shorter: what is one stage now may make others alike."""
        for _ in range(_ROUNDS):
            before = list(self.stages)
            self._inline()
            self._uses = Counter(name for tree in self.stages.values() for name in _names(tree))
            for label in reversed(list(self.stages)):  # a sum before the parts of it
                self._long_sum(label)
            self.stages = {label: self._folded(tree) for label, tree in self.stages.items()}
            for group in list(self._loops()):
                self._one_loop(group)
            for group in list(self._loops()):
                for chain in self._chains(group):
                    self._accumulated(chain)
            if list(self.stages) == before:
                break
        self.stages = {n: with_diagonal(t, self.stages) for n, t in self.stages.items()}
        self.stages = {n: self._with_rows(all_runs_joined(t)) for n, t in self.stages.items()}
        self.stages = _reached(self.stages, self.kept)

    def _loops(self) -> Iterator[list[str]]:
        """The labels that one line binds under one name, more than once, to values of one shape."""
        groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        for label, tree in self.stages.items():
            about = self.labels[label]
            groups[about.base, about.line, about.depth, tree.shape].append(label)
        yield from (group for group in groups.values() if len(group) > 1)

    def _inline(self) -> None:
        """Entries of arrays, in loops, and other names where names stand; a formula once."""
        picks = {label for group in self._loops() for label in group} - self.kept
        found: dict[str, Tree] = {}
        same: dict[tuple[str, Tree], str] = {}
        stages: dict[str, Tree] = {}
        for label, tree in self.stages.items():
            new = filled_in(tree, found)
            key = (self.labels[label].base, new)
            alias = isinstance(new, Leaf) and label not in self.kept
            if alias or (label in picks and _is_pick(new)):
                found[label] = new
            elif key in same and label not in self.kept:
                found[label] = Leaf(new.shape, same[key])
            else:
                stages[label] = new
                same[key] = label
        self.stages = self._named(stages)

    def _named(self, stages: dict[str, Tree]) -> dict[str, Tree]:
        """A long formula by its name, where it stands in another: before it had one, too."""
        whole = {t: n for n, t in stages.items() if _is_long(t) and self.labels[n].depth < PART}

        def named(tree: Tree) -> Tree:
            if not isinstance(tree, Apply):
                return tree
            args = tuple(
                Leaf(arg.shape, whole[arg]) if arg in whole else named(arg) for arg in tree.args
            )
            return of_args(tree, args)

        made = {label: named(tree) for label, tree in stages.items()}
        changed = any(made[label] is not tree for label, tree in stages.items())
        return _reached(made, self.kept) if changed else stages

    def _one_loop(self, group: Sequence[str]) -> None:
        """The steps of a loop as arrays, though some add one thing more, as on a diagonal."""
        trees = {label: self.stages[label] for label in group}
        sums = {n: t for n, t in trees.items() if isinstance(t, Apply) and t.op == "add"}
        found, more = self._blocks(group, trees), {}
        ends = Counter(tree.args[1] for tree in sums.values())
        for end, times in ends.most_common(2) if not found and len(group) >= _MANY else ():
            more = {n: end for n, t in sums.items() if t.args[1] == end}
            bare = {**trees, **{n: sums[n].args[0] for n in more}}
            found = self._blocks(group, bare) if times < len(group) else []
            if found:
                break
        for block, array in found:
            self._one_array(block, array, more)

    def _blocks(
        self, group: Sequence[str], trees: Mapping[str, Tree]
    ) -> list[tuple[Sequence[str], Tree]]:
        """The steps of a loop as an array; of a loop in a loop, an array for each outer step."""
        count = len(group)
        if count < FEWEST or count > _MOST or self.kept & set(group):
            return []
        rows: list[tuple[Sequence[str], Tree]] = []
        for size in (count, *_inner(count)):
            blocks = [group[k : k + size] for k in range(0, count, size)]
            rows = list(self._arrays(blocks, trees, none_chosen))
            if rows:
                break
        if rows and together([array for _, array in rows], chosen=none_chosen) is not None:
            return rows
        whole = list(self._arrays([group], trees, self._picked)) if count >= _MANY else []
        return whole or rows

    def _arrays(
        self, blocks: Sequence[Sequence[str]], trees: Mapping[str, Tree], chosen: Chosen
    ) -> Iterator[tuple[Sequence[str], Tree]]:
        """An array for each block; none, if one has none."""
        found = []
        for block in blocks:
            array = together([trees[label] for label in block], chosen=chosen)
            if array is None:
                return
            found.append((block, array))
        yield from found

    def _one_array(self, group: Sequence[str], found: Tree, more: Mapping[str, Tree]) -> None:
        """The steps of a loop as the entries of one stage, and what is added to some."""
        whole = Leaf(found.shape, group[0])
        entries: dict[str, Tree] = {
            label: apply("index", whole, key=(("int", Integer(k)),))
            for k, label in enumerate(group)
        }
        for label in more.keys() & entries:
            entries[label] = apply("add", entries[label], more[label])
        stages = {}
        for label, tree in self.stages.items():
            if label == group[0]:
                stages[label] = found
            elif label not in entries:
                stages[label] = runs_joined(filled_in(tree, entries))
        self.stages = _reached(stages, self.kept)

    def _chains(self, group: Sequence[str]) -> Iterator[list[str]]:
        """Steps that each add to the one before, or multiply it."""
        uses = Counter(name for tree in self.stages.values() for name in _names(tree))
        chain = [group[0]]
        for label in group[1:]:
            tree, before = self.stages[label], chain[-1]
            goes_on = (
                isinstance(tree, Apply)
                and tree.op in _FOLDS
                and _terms(tree, tree.op)[0] == Leaf(tree.shape, before)
                and (len(chain) == 1 or tree.op == self.stages[before].op)  # type: ignore[attr-defined]
                and uses[before] == 1
                and before not in self.kept
            )
            if not goes_on:
                yield chain
                chain = []
            chain.append(label)
        yield chain

    def _chosen(self, at: Sequence[Expr], size: Expr) -> Tree | None:
        """Places of an axis: a few are written out, many are the rows of a constant matrix."""
        return few_chosen(at, size) if len(at) <= LITERAL else self._picked(at, size)

    def _picked(self, at: Any, size: Expr) -> Tree | None:
        """Places of an axis as the rows of a constant matrix, with a one each."""
        places = np.array(at, dtype=int)
        if not size.is_Integer or places.size * int(size) > _MOST_CHOSEN:
            return None
        leaf = self.rec.constant(np.eye(int(size))[places], "P")
        shown = ", ".join(map(str, places.flat[:_TOLD])) + (", …" if places.size > _TOLD else "")
        self.rec.picks[leaf.name] = shown
        return leaf

    def _folded(self, tree: Tree) -> Tree:
        return folded(tree, self._chosen)

    def _with_rows(self, tree: Tree) -> Tree:
        """Rows at a few places as the product with a constant matrix: it has a transpose."""
        if not isinstance(tree, Apply):
            return tree
        args = tuple(map(self._with_rows, tree.args))
        if tree.op == "matmul" and isinstance(args[0], Apply) and args[0].op == "one_hot":
            at = _numbers(args[0].args[0])
            found = None if at is None else self._picked(at, args[0].shape[-1])
            args = (found or args[0], args[1])
        return of_args(tree, args)

    def _long_sum(self, label: str) -> None:
        """A sum that was recorded in parts, for its length, as one of all its terms."""
        tree = self.stages.get(label)
        if not isinstance(tree, Apply) or tree.op not in _FOLDS:
            return
        parts: list[str] = []
        terms = _terms(tree, tree.op)
        while isinstance(terms[0], Leaf) and self._is_part(terms[0].name, tree.op):
            parts.append(terms[0].name)
            terms = [*_terms(self.stages[parts[-1]], tree.op), *terms[1:]]
        rolled = _fold(tree.op, [*map(self._folded, terms)], False, self._chosen) if parts else None
        if rolled is not None:
            self.stages[label] = rolled
            for part in parts:
                del self.stages[part]

    def _is_part(self, name: str, op: str) -> bool:
        """Whether a stage is the first terms of a longer sum, and nothing else."""
        tree, uses = self.stages.get(name), self._uses[name]
        own = name in self.stages and self.labels[name].depth == PART and name not in self.kept
        return own and uses == 1 and isinstance(tree, Apply) and tree.op == op

    def _accumulated(self, chain: Sequence[str]) -> None:
        """A running sum or product as one of all its terms; of a loop in a loop, one for each."""
        count = len(chain)
        for size in (count, *_inner(count)) if count > 1 else ():
            blocks = [chain[k : k + size] for k in range(0, count, size)]
            found = [self._total(block) for block in blocks]
            for block, rolled in zip(blocks, found, strict=True) if all(found) else ():
                for label in block[:-1]:
                    del self.stages[label]
                self.stages[block[-1]] = rolled  # type: ignore[assignment]
            if all(found):
                return

    def _total(self, chain: Sequence[str]) -> Tree | None:
        """The last of some steps as the sum, or the product, of what all of them add."""
        first, *steps = (self.stages[label] for label in chain)
        op = steps[-1].op  # type: ignore[attr-defined]
        apart = [_terms(step, op)[1:] for step in steps]
        later = [_joined(op, terms) for terms in apart]
        before, *added = _terms(first, op)
        starts = [[before, _joined(op, added), *later]] if added else []
        starts += [[first, *later], [before, *added, *(term for terms in apart for term in terms)]]
        several = len(chain) <= LITERAL and any(len(terms) > 1 for terms in apart)
        chosen = none_chosen if several else self._chosen
        for start in starts:  # a sum of two may be the first term
            rolled = _fold(op, [*map(self._folded, start)], True, chosen)
            if rolled is not None:
                return rolled
        return None


def _numbers(tree: Tree) -> Any:
    """The numbers in ``stack([1, 0, 2])``, or in a stack of such; None where it holds others."""
    if isinstance(tree, Number) and tree.value.is_Integer:
        return int(tree.value)
    if not (isinstance(tree, Apply) and tree.op == "stack"):
        return None
    parts = [_numbers(arg) for arg in tree.args]
    return None if any(part is None for part in parts) else np.stack(parts, *tree.option("axis"))


def _is_long(tree: Tree) -> bool:
    return isinstance(tree, Apply) and weight(tree) > LONGEST_ARGUMENT


def _is_pick(tree: Tree) -> bool:
    """Whether a formula is an entry or a row of an array."""
    if not (isinstance(tree, Apply) and tree.op == "index" and isinstance(tree.args[0], Leaf)):
        return False
    return all(key[0] == "int" for key in tree.option("key"))


def _reached(stages: dict[str, Tree], kept: set[str]) -> dict[str, Tree]:
    """The stages that some depend on, in their order, but each after what it needs."""
    needed, queue = set(kept), list(kept)
    while queue:
        new = {name for name in _names(stages[queue.pop()]) if name in stages} - needed
        needed |= new
        queue += new
    result: dict[str, Tree] = {}
    for label in stages:
        waiting = [label] if label in needed else []
        while waiting:
            missing = [n for n in _names(stages[waiting[-1]]) if n in stages and n not in result]
            if missing:
                waiting += reversed(missing)
            else:
                at = waiting.pop()
                result[at] = stages[at]
    return result


def _names(tree: Tree) -> list[str]:
    return [part.name for part in tree.walk() if isinstance(part, Leaf)]


# Inside a formula -------------------------------------------------------------------------


def folded(tree: Tree, chosen: Chosen) -> Tree:
    """A formula with its lists and sums of what is alike as arrays and their sums."""
    if not isinstance(tree, Apply):
        return tree
    if tree.op in _FOLDS:
        terms = [folded(term, chosen) for term in _terms(tree, tree.op)]
        if (found := _fold(tree.op, terms, False, chosen)) is not None:
            return found
        rebuilt = _joined(tree.op, terms)
        return rebuilt if rebuilt.shape == tree.shape else tree
    tree = of_args(tree, tuple(folded(arg, chosen) for arg in tree.args))
    if tree.op == "stack" and tree.option("axis") == (0,):
        few = len(tree.args) < FEWEST and weight(tree.args[0]) < _LONG
        known = all(isinstance(arg, Number) for arg in tree.args)
        if few or known or len(tree.args) < 2:
            return tree
        found = together(tree.args, numbers=False, chosen=chosen)
        return tree if found is None else found
    return tree


def _terms(tree: Tree, op: str) -> list[Tree]:
    """The terms of a sum, or the factors of a product, as the program adds one to the others."""
    found: list[Tree] = []
    while isinstance(tree, Apply) and tree.op == op:
        tree, last = tree.args
        found.append(last)
    return [tree, *reversed(found)]


def _joined(op: str, terms: Sequence[Tree]) -> Tree:
    """The sum of some terms, or the product of factors, one after the other."""
    joined = terms[0]
    for term in terms[1:]:
        joined = apply(op, joined, term)
    return joined


def _fold(op: str, terms: Sequence[Tree], numbers: bool, chosen: Chosen) -> Tree | None:
    """Terms that are alike as one sum; the first and the last may be of another kind."""
    count = len(terms)
    for start, stop in ((0, count), (1, count), (0, count - 1), (1, count - 1)):
        some = terms[start:stop]
        if len(some) < FEWEST or (found := _array(some, numbers, chosen)) is None:
            continue
        total = _reduced(op, *found)
        for term in terms[:start]:
            total = apply(op, term, total)
        for term in terms[stop:]:
            total = apply(op, total, term)
        return total
    return None


def _array(terms: Sequence[Tree], numbers: bool, chosen: Chosen) -> tuple[Tree, int] | None:
    """Terms as an array, and the number of its axes that they are along: of two loops, two."""
    array = together(terms, numbers, none_chosen)
    if array is not None:
        return array, 1
    for size in _inner(len(terms)):
        rows = [
            together(terms[k : k + size], numbers, none_chosen) for k in range(0, len(terms), size)
        ]
        some = [row for row in rows if row is not None]
        whole = together(some, numbers, none_chosen) if len(some) == len(rows) else None
        if whole is not None:
            return whole, 2
    array = together(terms, numbers, chosen)
    return None if array is None else (array, 1)


def _inner(count: int) -> list[int]:
    """The steps that the inner of two loops may have, where both have so many."""
    return [size for size in range(count // 2, FEWEST - 1, -1) if count % size == 0]


def _reduced(op: str, array: Tree, loops: int = 1) -> Tree:
    """A sum or product along the first axes; of entries times entries, a product of vectors."""
    if op == "add" and isinstance(array, Apply) and array.op == "multiply":
        first, second = array.args
        if array.ndim == first.ndim == second.ndim == 1 and _is_plain(first) and _is_plain(second):
            return apply("matmul", first, second)
    axes = tuple(range(loops))
    name = _FOLDS[op]
    if isinstance(array, Apply) and array.op == name and array.ndim == loops:
        axes, array = tuple(range(array.args[0].ndim)), array.args[0]
    return apply(name, array, axis=axes, keepdims=False)


def _is_plain(tree: Tree) -> bool:
    """Whether a formula is an array of the program, or a part of one."""
    return isinstance(tree, Leaf) or (
        isinstance(tree, Apply) and tree.op == "index" and isinstance(tree.args[0], Leaf)
    )
