"""Index notation as nodes: an array given by the formula of its entry.

What has indices (entries, sums, deltas, parts) becomes an array with one axis for each of its free
indices; the rest of the formula is entry by entry over all axes at once, and a sum over an index
is a contraction, so that products become products of matrices wherever they can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Basic, Expr, Indexed, IndexedBase, KroneckerDelta, Symbol
from sympy import Sum as SympySum

from symderive.errors import ModelError
from symderive.formulas.arrays.algebra import extent, positive
from symderive.formulas.arrays.index import Index, Part, Sum, bound, free_indices
from symderive.numeric.from_sympy import node_of
from symderive.numeric.graph import Node
from symderive.numeric.tree_ops import READ, Make, std

if TYPE_CHECKING:
    from symderive.numeric.array_graph import ArrayGraph
    from symderive.numeric.from_trees import Reader

Labelled = tuple[Node, tuple[Index, ...]]


class IndexReader:
    """Makes nodes of index formulas.

    Args:
        reader: Knows the graph and the names.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.graph = reader, reader.graph
        self._marks = count()
        self._done: dict[Basic, Labelled] = {}

    def array(self, formula: Expr, indices: Sequence[Index]) -> Node:
        """The array whose entry at the indices is the formula."""
        node, labels = self._formula(formula)
        return self._aligned(node, labels, indices)

    def _aligned(self, node: Node, labels: Sequence[Index], wanted: Sequence[Index]) -> Node:
        """The axes in order; missing ones are broadcast."""
        if wanted or labels:
            node = self.graph.laid(node, labels, wanted)
        return self.graph.fit(node, tuple(index.size for index in wanted))

    # Formulas -------------------------------------------------------------------------------

    def _formula(self, formula: Basic) -> Labelled:
        known = self._done.get(formula)
        if known is None:
            reader = _reader_of(type(formula))
            known = reader(self, formula) if reader else self._entries(formula)
            self._done[formula] = known
        return known

    def _entries(self, formula: Basic) -> Labelled:
        """Entry by entry over all that has indices in it."""
        atoms: dict[Basic, Labelled] = {}
        stack = [formula]
        while stack:
            part = stack.pop()
            plain = not isinstance(part, sympy.Function) or isinstance(part, sympy.Piecewise)
            if _reader_of(type(part)) or not (plain or part is formula):
                atoms.setdefault(part, self._formula(part))
            else:
                stack.extend(part.args[::-1])
        labels = tuple(dict.fromkeys(i for _, own in atoms.values() for i in own))
        names: dict[str, Node] = dict(self.reader.names)
        marks: dict[Basic, Basic] = {}
        for atom, (node, own) in atoms.items():
            mark = Symbol(f"_at{next(self._marks)}", real=True)
            marks[atom] = mark
            names[mark.name] = self.graph.beside(node, own, labels)
        made = node_of(formula.xreplace(marks), self.graph, names)
        shape = tuple(index.size for index in labels)
        return self.graph.fit(made, shape) if self.graph.ndim(made) < len(shape) else made, labels

    def _sum(self, formula: SympySum) -> Labelled:
        spread = _distributed(formula)
        if spread is not None:
            return self._formula(spread)
        moved = self._moved(formula)
        if moved is not None:
            return self._formula(moved)
        node, labels = self._formula(formula.function)
        mine = bound(formula)
        numbers = {index: place for place, index in enumerate(dict.fromkeys((*labels, *mine)))}
        kept = tuple(index for index in labels if index not in mine)
        missing = [index for index in mine if index not in labels]
        made = self.graph.contract(
            [(node, tuple(numbers[i] for i in labels))], tuple(numbers[i] for i in kept)
        )
        if missing:
            sizes = [(self.reader.number(index.size), 1) for index in missing]
            made = self.graph.mul(1, [(made, 1), *sizes])
        return made, kept

    def _moved(self, formula: SympySum) -> Expr | None:
        """Σ_i c_i δ(i, s) as the entry s of c with zeros around it, where s may lie outside."""
        factors = sympy.Mul.make_args(formula.function)
        for delta in factors:
            if not isinstance(delta, KroneckerDelta):
                continue
            for index, place in _solved(delta, bound(formula)):
                low, high = extent(place)
                before, after = -low, sympy.expand(high - index.size + 1)
                others = [factor for factor in factors if factor is not delta]
                inside = [f for f in others if index in f.free_symbols]
                rest = [f for f in others if index not in f.free_symbols]
                if inside and positive(before) and positive(after):
                    entry = self._amid_zeros(sympy.Mul(*inside), index, place, before, after)
                    limits = [limit for limit in formula.limits if limit[0] != index]
                    body = sympy.Mul(*rest, entry)
                    return formula.func(body, *limits) if limits else body
        return None

    def _amid_zeros(
        self, formula: Expr, index: Index, place: Expr, before: Expr, after: Expr
    ) -> Expr:
        """A formula at a place of an index, zero where that is outside."""
        node, labels = self._formula(formula)
        sizes = [label.size for label in labels]
        key = [("slice", sympy.S.Zero, size, sympy.S.One) for size in sizes]
        axis = labels.index(index)
        key[axis] = ("slice", before, index.size, sympy.S.One)
        sizes[axis] = sympy.expand(before + index.size + after)
        name = f"_around{next(self._marks)}"
        data = (tuple(key), tuple(sizes))
        self.reader.names[name] = self.graph.array("place", (node,), data)
        at = [sympy.expand(place + before) if i == index else i for i in labels]
        return Indexed(IndexedBase(name), *at)

    def _index(self, index: Index) -> Labelled:
        return self.graph.array("arange", (), index.size), (index,)

    def _delta(self, formula: KroneckerDelta) -> Labelled:
        left, right = formula.args
        if isinstance(left, Index) and isinstance(right, Index) and left.size == right.size:
            return self.graph.array("eye", (), left.size), (left, right)
        return self._entries(
            sympy.Piecewise((1, sympy.Eq(left, right, evaluate=False)), (0, True), evaluate=False)
        )

    def _indexed(self, formula: Indexed) -> Labelled:
        node = self.reader.names.get(str(formula.base.label))
        if node is None:
            raise ModelError(f"the name {str(formula.base.label)!r} is used before it is defined")
        return self._taken(node, formula.indices)

    def _part(self, formula: Part) -> Labelled:
        make = OF_PARTS.get(formula.op) or READ.get(formula.op)
        if make is None:
            raise ModelError(f"the operation {formula.op} has no numeric form")
        outer = tuple(
            dict.fromkeys(
                s
                for array in formula.arrays
                for s in sorted(array.free_symbols, key=str)
                if isinstance(s, Index)
            )
        )
        operands = [self.array(a.formula, (*outer, *a.indices)) for a in formula.arrays]
        axes = tuple(range(len(outer), self.graph.ndim(operands[0])))
        made = make(self.graph, operands, {"axis": axes, "keepdims": False})
        return self._taken(made, (*outer, *formula.indices))

    # Entries --------------------------------------------------------------------------------

    def _taken(self, node: Node, at: Sequence[Expr]) -> Labelled:
        """The entries of an array at index formulas."""
        shape = self.graph.shape(node)
        if len(shape) != len(at):
            raise ModelError(f"an array with {len(shape)} axes is given {len(at)} indices")
        key: list[tuple[Any, ...]] = []
        labels: list[Index] = []
        for place, size in zip(at, shape, strict=True):
            found = _affine(place, size)
            if found is None and (window := _window(place, size)):
                return self._windows(node, at, *window)
            if found is None:
                return self._gathered(node, at)
            part, label = found
            key.append(part)
            labels += [label] if label is not None else []
        whole = all(
            part[0] == "slice" and part[1] == 0 and part[2] == size and part[3] == 1
            for part, size in zip(key, shape, strict=True)
        )
        made = node if whole else self.graph.array("index", (node,), tuple(key))
        unique = tuple(dict.fromkeys(labels))
        if len(unique) < len(labels):
            numbers = {index: n for n, index in enumerate(unique)}
            inside = tuple(numbers[i] for i in labels)
            made = self.graph.contract([(made, inside)], tuple(range(len(unique))))
        return made, unique

    def _windows(
        self, node: Node, at: Sequence[Expr], place: Expr, moves: Index, inside: Index
    ) -> Labelled:
        """x[i + k] as a view with an axis for i and a last one for k."""
        axis = list(at).index(place)
        made = self.graph.array("windows", (node,), (axis, moves.size, inside.size))
        return self._taken(made, [*at[:axis], moves, *at[axis + 1 :], inside])

    def _gathered(self, node: Node, at: Sequence[Expr]) -> Labelled:
        """Entry by entry at places that are computed; a place outside counts as the nearest."""
        found = [self._formula(place) for place in at]
        labels = tuple(dict.fromkeys(i for _, own in found for i in own))
        places = []
        for (place, own), size in zip(found, self.graph.shape(node), strict=True):
            last = self.reader.number(size - 1)
            inside = self.graph.call("max", self.graph.zero, self.graph.call("min", place, last))
            places.append(self.graph.beside(inside, own, labels))
        made = self.graph.array("gather", (node, *places))
        shape = tuple(index.size for index in labels)
        return self.graph.fit(made, shape), labels


def _norm(graph: ArrayGraph, args: Sequence[Node], options: Mapping[str, Any]) -> Node:
    return graph.array("norm", args, options["axis"])


OF_PARTS: Mapping[str, Make] = {"norm": _norm, "std": std}
"""How parts are made whose operation has more options than a part."""


def _affine(place: Expr, size: Expr) -> tuple[tuple[Any, ...], Index | None] | None:
    """A place as part of a key, where it is a number or start + step·index inside the array."""
    if isinstance(place, Index) and place.size == size:
        return ("slice", sympy.S.Zero, size, sympy.S.One), place
    free = {s for s in place.free_symbols if isinstance(s, Index)}
    if not free:
        return ("int", place), None
    if len(free) > 1:
        return None
    (index,) = free
    step = sympy.expand(place).coeff(index, 1)
    start = sympy.expand(place - step * index)
    if not (isinstance(step, sympy.Integer) and step > 0) or start.has(index):
        return None
    positive = {
        s: Symbol(s.name, integer=True, positive=True)
        for s in (start + size + index.size).free_symbols
    }
    last = sympy.expand(size - 1 - start - step * (index.size - 1)).xreplace(positive)
    if not start.xreplace(positive).is_nonnegative or not last.is_nonnegative:
        return None
    return ("slice", start, index.size, step), index


def _distributed(formula: SympySum) -> Expr | None:
    """Σ (a + b)·c as Σ a·c + Σ b·c, where a + b would be an array of more than two axes."""
    factors = sympy.Mul.make_args(formula.function)
    for factor in factors:
        if isinstance(factor, sympy.Add) and len(free_indices(factor)) > 2:
            rest = [other for other in factors if other is not factor]
            terms = (formula.func(sympy.Mul(term, *rest), *formula.limits) for term in factor.args)
            return sympy.Add(*terms)
    return None


def _solved(delta: Expr, bound_here: Sequence[Index]) -> Iterator[tuple[Index, Expr]]:
    """The bound indices that a delta of several gives in terms of the others."""
    left, right = delta.args
    difference = sympy.expand(left - right)
    factors = {index: difference.coeff(index, 1) for index in free_indices(difference)}
    if len(factors) > 2 and all(factor in (1, -1) for factor in factors.values()):
        for index in bound_here:
            if index in factors:
                yield index, sympy.expand(index - difference / factors[index])


def _window(place: Expr, size: Expr) -> tuple[Expr, Index, Index] | None:
    """(i + k, i, k) where the windows of k entries, one for each i, are all of an axis."""
    if not isinstance(place, sympy.Add) or len(place.args) != 2:
        return None
    left, right = place.args
    if not (isinstance(left, Index) and isinstance(right, Index)):
        return None
    if sympy.expand(left.size + right.size - 1 - size) != 0:
        return None
    moves, inside = (
        (left, right) if right.size.is_number or not left.size.is_number else (right, left)
    )
    return place, moves, inside


_READERS: Mapping[type, Any] = {
    SympySum: IndexReader._sum,
    Sum: IndexReader._sum,
    Index: IndexReader._index,
    KroneckerDelta: IndexReader._delta,
    Indexed: IndexReader._indexed,
    Part: IndexReader._part,
}


def _reader_of(kind: type) -> Any:
    """How objects of a class are read; subclasses like their base."""
    return next((_READERS[base] for base in kind.__mro__ if base in _READERS), None)
