"""Short values that a program hands to a helper: stages, where it uses them several times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from symderive.formulas.arrays.syntax import Apply, Leaf, Tree, of_args
from symderive.readers.python.recording import Recording, is_fixed, weight

SHORTEST = 3
"""The parts of a formula that is worth a name."""


def share_handed(rec: Recording) -> None:
    """Make stages of what helpers were handed and used more than once.

    A formula is one object however often it is used, so that uses can be counted.
    """
    uses = Counter(id(part) for parent in _parents(rec.stages.values()) for part in parent.args)
    shared = {
        key
        for key, (tree, _) in rec.handed.items()
        if uses[key] > 1 and weight(tree) >= SHORTEST and not is_fixed(tree)
    }
    if shared:
        _Sharing(rec, shared).run()


def _parents(trees: Iterable[Tree]) -> Iterator[Apply]:
    """Every operation in some formulas, each object once."""
    seen: set[int] = set()
    queue = list(trees)
    while queue:
        tree = queue.pop()
        if isinstance(tree, Apply) and id(tree) not in seen:
            seen.add(id(tree))
            yield tree
            queue += tree.args


class _Sharing:
    """Formulas with leaves in place of what they share."""

    def __init__(self, rec: Recording, shared: set[int]) -> None:
        self.rec, self.shared = rec, shared
        self.leaves: dict[int, Tree] = {}

    def run(self) -> None:
        """Put the new stages before the first that uses them."""
        before, self.rec.stages = self.rec.stages, {}
        self.count = len(before)
        for label, tree in before.items():
            self.rec.stages[label] = self._replaced(tree, top=True)

    def _replaced(self, tree: Tree, top: bool = False) -> Tree:
        if not isinstance(tree, Apply):
            return tree
        key = id(tree)
        if key in self.leaves and not top:
            return self.leaves[key]
        result: Tree = of_args(tree, tuple(self._replaced(arg) for arg in tree.args))
        if key in self.shared and not top:
            result = self.leaves[key] = self._stage(key, result)
        return result

    def _stage(self, key: int, tree: Tree) -> Tree:
        label = f"#{self.count}"
        self.count += 1
        self.rec.stages[label] = tree
        self.rec.labels[label] = self.rec.handed[key][1]
        return Leaf(tree.shape, label)
