"""What the builders share for models with arrays: entries, shapes, arrays of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from sympy import Basic, Expr, Sum, preorder_traversal

from symderive.array_model import stage_tree, value_shape
from symderive.array_points import flat_numbers
from symderive.display import as_lists
from symderive.documents.outline import Inline
from symderive.documents.wording import Context, alone, ends, number
from symderive.formulas.arrays.contraction import has_notation
from symderive.formulas.arrays.index import Index, entry_of, free_indices, index_names
from symderive.formulas.arrays.order import ordered
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.hand import Hand
from symderive.formulas.matrix_notation import matrix_tree, shape_node
from symderive.formulas.nodes import DIVIDED, HADAMARD, KRON, ONES, TRANSPOSE, ZEROS, walk
from symderive.formulas.printing import tree
from symderive.formulas.tree import Fence, Fn, Id, Node, Op, Row, Script, Table, partial
from symderive.formulas.written import factors, product, rebuild

if TYPE_CHECKING:
    from symderive.stages import Stage

MAX_ROWS, MAX_COLUMNS = 6, 5
"""Entries of an array of numbers that are shown; of more, the first and the last."""
DIGITS = 4
"""Significant digits of a number in an array."""
DOTS, DOWN, ACROSS = Op("⋯", "ord"), Op("⋮", "ord"), Op("⋱", "ord")


@dataclass(frozen=True)
class ArrayContext(Context):
    """The context of a model with arrays."""

    arrays: ClassVar[bool] = True

    @property
    def names(self) -> Hand:
        """The names of the model in order."""
        return self.derivation.model.order

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that indices may not have."""
        chain: Any = self.derivation.chain()
        taken: frozenset[str] = chain.taken
        return taken

    def formula(self, formula: Basic, colors: Mapping[Basic, str] | None = None) -> Node:
        """A formula of indices; those that sums bind get the first letters that are free."""
        return super().formula(relettered(formula, self.taken), colors)

    def matrix(self, formula: Tree) -> Node:
        """A result in matrix notation, in a reader's order."""
        return matrix_tree(ordered(formula, self.names), self.names)

    def written(self, formula: Tree, *, shapes: bool = False) -> Node:
        """A formula in matrix notation as it stands."""
        return matrix_tree(formula, self.names, shapes=shapes)

    def stage_formula(self, stage: Stage) -> Node:
        """The formula of a stage in matrix notation."""
        return self.written(stage_tree(stage))

    def entry(self, name: str, indices: Sequence[Expr]) -> Node:
        """An entry of an array."""
        return tree(entry_of(name, indices))

    def link(self, stage: str, source: str) -> Node:
        """∂stage_i/∂source_j, entries of the arrays."""
        link: Any = self.derivation.chain().link(stage, source)
        rank = len(self.dimensions(stage))
        above, below = link.indices[:rank], link.indices[rank:]
        made = partial(self.entry(stage, above), self.entry(source, below))
        return alone(made, self.held(stage, source))

    def whole_link(self, stage: str, source: str) -> Node:
        """∂stage/∂source, of whole arrays."""
        return super().link(stage, source)

    def shape(self, name: str) -> Node:
        """The shape of a name."""
        return self.size(self.dimensions(name))

    def dimensions(self, name: str) -> Shape:
        """The sizes along the axes of a name; () of a number."""
        return self.derivation.model.shapes.get(name, ())

    def size(self, shape: Shape) -> Node:
        """A shape."""
        return shape_node(shape, self.names)

    def edge_label(self, source: str) -> str:
        """The shape of what goes along an edge of the graph."""
        return "×".join(map(str, self.dimensions(source)))


def relettered(formula: Any, taken: frozenset[str]) -> Any:
    """The formula with the first free letters for the indices that its sums bind."""
    bound = [i for i in _indices(formula) if i not in free_indices(formula)]
    if not bound:
        return formula
    used = taken | {index.name for index in free_indices(formula)}
    letters = index_names(len(bound), used)
    names = {i: Index(letter, i.size) for i, letter in zip(bound, letters, strict=True)}
    return formula.xreplace(names)


def flattened(formula: Any) -> Any:
    """Sums that are factors under a sum, as part of that sum: Σ_j (Σ_i x_i A_ij) y_j is one sum."""
    if not formula.args:
        return formula
    args = [flattened(arg) for arg in formula.args]
    if not isinstance(formula, Sum):
        return rebuild(formula, args)
    body, *limits = args
    kept: list[Any] = []
    for factor in factors(body):
        if not isinstance(factor, Sum):
            kept.append(factor)
            continue
        kept += factors(factor.function)
        limits = [*factor.limits, *limits]
    return Sum(product(*kept), *limits)


def _indices(formula: Basic) -> list[Index]:
    """The indices of a formula in order of appearance."""
    found = (part for part in preorder_traversal(formula) if isinstance(part, Index))
    return list(dict.fromkeys(found))


# Notation ---------------------------------------------------------------------------------------

SAID: Sequence[tuple[Node, tuple[str | Node, ...]]] = (
    (TRANSPOSE, (Script(Id("X"), None, TRANSPOSE), " is the transpose")),
    (HADAMARD, (HADAMARD, " multiplies entry by entry")),
    (DIVIDED, (DIVIDED, " divides entry by entry")),
    (KRON, (KRON, " is the Kronecker product")),
    (ONES, (ONES, " has ones only, in the shape that fits")),
    (ZEROS, (ZEROS, " has zeros only")),
    (Id("I"), (Id("I"), " is the identity matrix")),
    (
        Fn("diag"),
        (Fn("diag"), " makes a diagonal matrix of a vector, and a vector of the diagonal"),
    ),
    (Fn("tr"), (Fn("tr"), " is the trace")),
    (Fn("vec"), (Fn("vec"), " puts the columns of a matrix one below the other")),
    (Fn("unvec"), (Fn("unvec"), " makes the matrix again, of the shape that it names")),
    (
        Fn("rearrange"),
        (Fn("rearrange"), " has a row for each block of a matrix, its columns in turn"),
    ),
    (Fn("diagsum"), (Fn("diagsum"), " puts the sum of a diagonal everywhere on it")),
)
"""A sign, and what it means."""


def notation(nodes: Sequence[Node]) -> Inline:
    """What the signs in some formulas mean."""
    signs = {part for node in nodes for part in walk(node)}
    told = [words for sign, words in SAID if sign in signs]
    if any(
        isinstance(p, Row) and p.items[0] == ONES and p.items[-1] in _brackets(p) for p in signs
    ):
        told.append((ONES, "[…] is 1 where the condition holds and 0 elsewhere"))
    text: list[str | Node] = ["A vector is a column; functions of arrays apply entry by entry"]
    for words in told:
        text += ["; ", *words]
    return (*text, ".")


def _brackets(node: Row) -> list[Node]:
    """The second of two items, if it is a condition in brackets."""
    last = node.items[-1]
    return [last] if len(node.items) == 2 and isinstance(last, Fence) and last.left == "[" else []


# Arrays of numbers ------------------------------------------------------------------------------


def numbers_node(value: Any) -> Node:
    """A number, or an array of numbers: a vector as a row transposed, a large one in part."""
    value, shape = as_lists(value), value_shape(value)
    if not shape:
        return number(float(value))
    if len(shape) == 1:
        return Script(Table((_cells(value, 2 * MAX_COLUMNS),)), None, TRANSPOSE)
    if len(shape) == 2:
        rows = [_cells(line, MAX_COLUMNS) for line in ends(value, MAX_ROWS, MAX_ROWS - 2, 1)]
        if shape[0] > MAX_ROWS:
            dots = [DOWN] * len(rows[0])
            if shape[1] > MAX_COLUMNS:
                dots[-2] = ACROSS
            rows.insert(-1, tuple(dots))
        return Table(tuple(rows))
    return DOTS


def _cells(line: Sequence[float], most: int) -> tuple[Node, ...]:
    shown = ends(line, most, most - 2, 1, [math.nan])
    dots = len(line) > most
    cells = [number(float(value), DIGITS) for value in shown]
    return (*cells[:-2], DOTS, cells[-1]) if dots else tuple(cells)


def norm_of(value: Any) -> float:
    """The root of the sum of squares."""
    return math.sqrt(math.fsum(entry**2 for entry in flat_numbers(value)[0]))


def norm_node(node: Node) -> Node:
    """‖x‖."""
    return Fence("‖", node, "‖")


def is_whole(formula: Tree | None) -> bool:
    """Whether a tree is matrix notation throughout."""
    return formula is not None and has_notation(formula)
