"""Which matrices are positive semidefinite by how they are made: MᵀDM with D ≥ 0, sums of such.

What is said is proved by the form alone; a matrix of which nothing is said may be definite too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from sympy import Dummy, S

from symderive.formulas.arrays.chains import chain_of
from symderive.formulas.arrays.simplify import Rebuilder
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.arrays.terms import ONE, is_op, term_of

Range = tuple[float, float]
"""The least and the greatest value that entries may have."""

ANY: Range = (-inf, inf)
POSITIVE: Range = (0.0, inf)

RANGES: Mapping[str, Range] = {
    **dict.fromkeys(("sigmoid", "softmax", "is_max", "is_min", "one_hot"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "sin", "cos", "erf", "sign"), (-1.0, 1.0)),
    **dict.fromkeys(("exp", "sqrt", "abs", "norm", "relu", "softplus", "cosh"), POSITIVE),
    **dict.fromkeys(("rms", "deviation", "var", "std"), POSITIVE),
}
"""The values of operations, whatever their operand."""

KEEPING = frozenset({"index", "transpose", "broadcast_to", "mean", "max", "min", "reshape"})
"""What has no other values than those between the entries of its operand."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of names: their properties, and the stages that define them.

    Args:
        symmetric: The names of symmetric matrices.
        definite: The names of positive definite ones.
        stages: The definitions of stages.
        above: The names whose entries are all positive.
    """

    symmetric: frozenset[str] = frozenset()
    definite: frozenset[str] = frozenset()
    stages: Mapping[str, Tree] | None = None
    above: frozenset[str] = frozenset()

    def range_of(self, tree: Tree) -> Range:
        """Between which numbers all entries lie.

        >>> from symderive.formulas.arrays.op import add, apply, number
        >>> p = apply("sigmoid", Leaf((), "z"))
        >>> Signs().range_of(add(number(1), apply("negative", p)))
        (0.0, 1.0)
        """
        if isinstance(tree, Number):
            if tree.value.is_number:
                return (float(tree.value),) * 2
            sizes = {s: Dummy(positive=True) for s in tree.value.free_symbols}
            return POSITIVE if tree.value.xreplace(sizes).is_nonnegative else ANY
        if isinstance(tree, Leaf):
            if tree.name in self.above:
                return POSITIVE
            stated = (self.stages or {}).get(tree.name)
            return ANY if stated is None else self.range_of(stated)
        assert isinstance(tree, Apply)
        if tree.op in RANGES:
            return RANGES[tree.op]
        if tree.op in KEEPING:
            return self.range_of(tree.args[0])
        inner = [self.range_of(arg) for arg in tree.args]
        if tree.op == "add":
            return sum(low for low, _ in inner), sum(high for _, high in inner)
        if tree.op == "negative":
            return -inner[0][1], -inner[0][0]
        if tree.op == "multiply":
            return product_of(inner)
        if tree.op == "divide":
            low, high = inner[1]
            below = (_inverse(high), _inverse(low)) if low >= 0 else ANY
            return product_of([inner[0], below])
        if tree.op == "where":
            return min(low for low, _ in inner[1:]), max(high for _, high in inner[1:])
        if tree.op == "power":
            return _power(inner[0], tree.args[1])
        if tree.op in ("matmul", "sum", "trace") and all(low >= 0 for low, _ in inner):
            return POSITIVE
        if tree.op == "matmul" and not tree.ndim and tree.args[0] == tree.args[1]:
            return POSITIVE
        return ANY

    def positive(self, tree: Tree) -> bool:
        """Whether all entries are at least 0."""
        return self.range_of(tree)[0] >= 0

    def semidefinite(self, tree: Tree) -> int:
        """1 where a matrix is positive semidefinite by its form, −1 negative; 0: not known."""
        term = term_of(tree)
        scalars = Counter((*term.above, *term.below))
        if not all(count % 2 == 0 or self.positive(scalar) for scalar, count in scalars.items()):
            return 0
        sign = -1 if term.number.is_negative else 1
        if is_op(term.core, "add"):
            parts = {self.semidefinite(part) for part in term.core.args}
            if len(parts) == 1:
                return sign * parts.pop()
            return sign if self._spread(term.core) else 0
        return sign if self._positive(term.core) else 0

    def _positive(self, core: Tree) -> bool:
        """Whether one product is positive semidefinite."""
        if isinstance(core, Leaf):
            return core.name in self.definite
        if not isinstance(core, Apply) or core.ndim != 2:
            return False
        if core.op == "eye":
            return True
        if core.op == "diag":
            return self.positive(core.args[0])
        if core.op in ("inv", "transpose"):
            return self.semidefinite(core.args[0]) > 0
        if core.op == "outer":
            return core.args[0] == core.args[1]
        if core.op == "multiply" and all(arg.ndim == 2 for arg in core.args):
            return all(self.semidefinite(arg) > 0 for arg in core.args)  # Schur
        if core.op == "matmul":
            chain = [part for _, part in chain_of(core, self._turn)]
            return all(part.ndim == 2 for part in chain) and self._chain(chain)
        return False

    def _turn(self, tree: Tree) -> Tree:
        return Rebuilder(self.symmetric).turn(tree)

    def _chain(self, chain: list[Tree]) -> bool:
        """Whether a product is MᵀDM with D positive semidefinite."""
        while len(chain) > 1:
            first, last = self._turn(chain[0]), chain[-1]
            if last != first and len(chain) == 2:
                scaled = _scaled_rows(last, first)
                return scaled is not None and self.positive(scaled)
            if last != first:
                return False
            chain = chain[1:-1]
        return not chain or self.semidefinite(chain[0]) > 0

    def _spread(self, tree: Apply) -> bool:
        """diag(p) − ppᵀ of p ≥ 0 with the sum 1, and I − 11ᵀ/n."""
        if len(tree.args) != 2:
            return False
        for left, right in (tree.args, tree.args[::-1]):
            taken = term_of(right)
            if taken.number != -1:
                continue
            if is_op(left, "diag") and not (taken.above or taken.below):
                p = left.args[0]
                same = is_op(taken.core, "outer") and set(taken.core.args) == {p}
                return same and self._is_softmax(p)
            size = Number((), left.shape[0])
            if (
                is_op(left, "eye")
                and taken.core == ONE
                and (taken.above, taken.below) == ((), (size,))
            ):
                return True
        return False

    def _is_softmax(self, tree: Tree) -> bool:
        if isinstance(tree, Leaf) and self.stages and tree.name in self.stages:
            return self._is_softmax(self.stages[tree.name])
        return is_op(tree, "softmax")


def _scaled_rows(tree: Tree, core: Tree) -> Tree | None:
    """The vector of diag(v)·core, where a tree is that."""
    if is_op(tree, "multiply"):
        rest = [arg for arg in tree.args if arg != core]
        if len(rest) == 1 and _is_column(rest[0]):
            return rest[0]
    if is_op(tree, "divide") and tree.args[0] == core and _is_column(tree.args[1]):
        return tree.args[1]
    return None


def _is_column(tree: Tree) -> bool:
    """Whether a tree is v[:, None]: its entries do not depend on the column."""
    return tree.ndim == 2 and tree.shape[1] == 1


def product_of(ranges: list[Range]) -> Range:
    """Between which numbers a product lies."""
    result: Range = (1.0, 1.0)
    for other in ranges:
        ends = [_times(a, b) for a in result for b in other]
        result = min(ends), max(ends)
    return result


def _times(left: float, right: float) -> float:
    return 0.0 if 0 in (left, right) else left * right  # entries are finite


def _inverse(number: float) -> float:
    return inf if number == 0 else 1 / number


def _power(base: Range, exponent: Tree) -> Range:
    power = exponent.value if isinstance(exponent, Number) else S.Half
    if power.is_Integer and power > 0 and power % 2 == 0:
        ends = [abs(end) ** int(power) for end in base]
        return (0.0 if base[0] <= 0 <= base[1] else min(ends)), max(ends)
    return POSITIVE if base[0] >= 0 or (power.is_Integer and power % 2 == 0) else ANY
