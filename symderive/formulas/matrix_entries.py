"""Entries of arrays in matrix notation: X_{0,:}, unit vectors, [X_ij w_j]_ij, (A⁻¹)_ij."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Indexed, S

from symderive.formulas.arrays.index import ArrayOf, Index, Part, free_indices
from symderive.formulas.arrays.op import apply, entry, indices_of
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Apply, Leaf, Shape, Tree
from symderive.formulas.matrix_notation import MatrixPrinter
from symderive.formulas.matrix_pieces import Term, flipped
from symderive.formulas.nodes import (
    APPLY,
    ZEROS,
    Big,
    Fence,
    Fn,
    Id,
    Node,
    Op,
    Row,
    Script,
    Table,
    beside,
    commas,
    fence,
)
from symderive.formulas.pieces import Built, Level, has_exponent
from symderive.formulas.printing import Printer

COLON, TO, ADDED = Op(":", "ord"), Op(":", "range"), Op("∗", "ord")
Key = tuple[Any, ...]


def _is_all(key: Key, size: Expr) -> bool:
    return key[0] == "slice" and all(
        S(a) == b for a, b in zip(key[1:], all_of(size)[1:], strict=True)
    )


def _completed(keys: Sequence[Key], shape: Shape) -> list[tuple[Key, Expr]]:
    """The key of every axis, and the size of the axis that it is for."""
    sizes = iter(shape)
    pairs = [(key, S.One if key[0] == "new" else next(sizes)) for key in keys]
    return [*pairs, *((all_of(size), size) for size in sizes)]


# Entries and slices ---------------------------------------------------------------------------


def index(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    """An entry or a slice; a vector with an axis put in is the vector, as a column or a row."""
    (arg,) = tree.args
    keys = _completed(tree.option("key"), arg.shape)
    kinds = [key[0] for key, _ in keys]
    if all(key[0] == "new" or _is_all(key, size) for key, size in keys):
        if kinds == ["new", "slice"]:
            return printer.term(arg, not transposed)
        if kinds == ["slice", "new"]:
            return printer.term(arg, transposed)
    return printer.atom(_at(printer, printer.built(arg), keys), transposed)


def _at(printer: MatrixPrinter, base: Built, keys: Sequence[tuple[Key, Expr]]) -> Built:
    """Something with the places that are taken of it as an index."""
    return with_index(base, [_place(printer, key, size) for key, size in keys])


def with_index(base: Built, places: Sequence[Node]) -> Built:
    """Something with an index: in brackets unless it can bear one."""
    bearing = base.level == Level.ATOM and not has_exponent(base.node)
    if isinstance(base.node, Row):  # chol(A) bears one, on its bracket
        bearing = bearing and isinstance(base.node.items[-1], Fence)
    return Built(Script(base.node if bearing else fence(base.node), beside(*places)))


def _place(printer: MatrixPrinter, key: Key, size: Expr) -> Node:
    kind, *rest = key
    if kind == "new":
        return ADDED
    if kind == "int":
        return printer.size(S(rest[0]))
    if _is_all(key, size):
        return COLON
    start, count, step = map(S, rest)
    stop = start + count * step
    first = [] if start == 0 and step == 1 else [printer.size(start)]
    last = [] if stop == size and step == 1 else [printer.size(stop)]
    stride = [] if step == 1 else [TO, printer.size(step)]
    return Row((*first, TO, *last, *stride))


def place(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    """Zeros with an array at some places: products with unit vectors, or blocks."""
    (arg,) = tree.args
    keys = _completed(tree.option("key"), tree.shape)
    if len(keys) <= 2 and all(key[0] == "int" or _is_all(key, size) for key, size in keys):
        return _by_units(printer, arg, keys, transposed)
    if len(keys) == 1 and keys[0][0][0] == "slice" and S(keys[0][0][3]) == 1:
        return printer.atom(_padded(printer, arg, *keys[0]), transposed)
    head = _at(printer, Built(Fn("place")), keys)
    body = Row((head.node, APPLY, fence(printer.node(arg))))
    return printer.atom(Built(body), transposed)


def _by_units(
    printer: MatrixPrinter, arg: Tree, keys: Sequence[tuple[Key, Expr]], transposed: bool
) -> Term:
    """The places e_i: x in row i of a matrix is e_i xᵀ."""
    units = [_unit(printer, key) if key[0] == "int" else None for key, _ in keys]
    if len(units) == 1 or not any(units):
        unit = units[0]
        chain = () if unit is None else (flipped(unit) if transposed else unit,)
        return printer.term(arg, transposed).then(Term(chain))
    row, column = reversed(units) if transposed else units
    if row and column:
        return printer.term(arg).then(Term((row, flipped(column))))
    if row:
        return Term((row,)).then(printer.term(arg, True))
    assert column is not None
    return printer.term(arg).then(Term((flipped(column),)))


def _unit(printer: MatrixPrinter, key: Key) -> Built:
    return Built(Script(Id("e"), printer.size(S(key[1]))))


def _padded(printer: MatrixPrinter, arg: Tree, key: Key, size: Expr) -> Built:
    """A vector with zeros above and below."""
    _, start, count, _ = key
    cells: list[Node] = [printer.node(arg)]
    if S(start) != 0:
        cells.insert(0, ZEROS)
    if S(start) + S(count) != size:
        cells.append(ZEROS)
    return Built(Table(tuple((cell,) for cell in cells)))


# Index notation inside matrix notation --------------------------------------------------------


def by_entry(printer: MatrixPrinter, tree: Apply) -> Built:
    """An array given entry by entry: [X_ij w_j]_ij."""
    formula, indices = tree.option("formula"), tree.option("indices")
    scalars = printer.indices.sibling(None)
    scalars.reserve(formula)
    letters = [scalars.node(index) for index in indices]  # the free ones have the first letters
    body = scalars.built(formula)
    return Built(Script(Fence("[", body.node, "]"), beside(*letters))) if indices else body


def einsum(printer: MatrixPrinter, tree: Apply) -> Built:
    """An Einstein sum, entry by entry."""
    indices = indices_of(tree.shape)
    options = (("formula", entry(tree, indices)), ("indices", indices))
    return by_entry(printer, Apply(tree.shape, "index_notation", tree.args, options))


# Matrix notation inside index notation --------------------------------------------------------


def _sliced(array: ArrayOf) -> Tree | None:
    """A part of a named array: the row X_{i,:}."""
    entry_ = array.formula
    if not isinstance(entry_, Indexed) or not free_indices(array):
        return None
    if [place for place in entry_.indices if place in array.indices] != list(array.indices):
        return None
    bound = set(array.indices)
    keys = tuple(all_of(p.size) if p in bound else ("int", p) for p in entry_.indices)
    shape = tuple(getattr(place, "size", S.One) for place in entry_.indices)
    return apply("index", Leaf(shape, str(entry_.base.label)), key=keys)


def array_tree(array: ArrayOf) -> Tree:
    """A whole array that is given entry by entry, in matrix notation where it has one."""
    from symderive.formulas.arrays.matrix import Matrices

    indices = array.indices
    if sliced := _sliced(array):
        return sliced
    shapes: dict[str, Shape] = {}
    for part in array.formula.atoms(Indexed):
        if all(isinstance(place, Index) for place in part.indices):
            shapes[str(part.base.label)] = tuple(place.size for place in part.indices)
    if all(str(part.base.label) in shapes for part in array.formula.atoms(Indexed)):
        return Matrices(shapes).tree(array.formula, indices)
    options = (("formula", array.formula), ("indices", indices))
    return Apply(tuple(i.size for i in indices), "index_notation", (), options)


def whole_array(printer: Printer, array: ArrayOf) -> Built:
    """An operand, as matrix notation."""
    return MatrixPrinter(printer.hand, indices=printer).built(array_tree(array))


OVER_INDICES: Mapping[str, Node] = {
    "max": Fn("max"),
    "min": Fn("min"),
    "prod": Op("∏"),
    "prod_others": Op("∏"),
}
"""Operations on all entries that are written with an index below their sign: max_j X_ij."""


def _over_indices(printer: Printer, formula: Part) -> Built:
    (array,) = formula.arrays
    below = commas(*map(printer.node, array.indices))
    if formula.indices:  # all entries but one
        below = Row((below, Op("≠", "rel"), commas(*map(printer.node, formula.indices))))
    body = printer.within(array.formula, Level.NEGATIVE)
    sign = OVER_INDICES[formula.op]
    head: Node = Script(sign, below) if isinstance(sign, Fn) else Big("∏", below)
    return Built(Row((head, APPLY, body)), Level.CALL)


def _shape_of(formula: Part) -> Shape:
    return tuple(getattr(at, "size", S.One) for at in formula.indices)


def part(printer: Printer, formula: Part) -> Built:
    """An entry of what an operation makes of whole arrays: (A⁻¹)_ij, det A."""
    if formula.op in OVER_INDICES and len(formula.arrays) == 1:
        return _over_indices(printer, formula)
    operands = [array_tree(array) for array in formula.arrays]
    tree = Apply(_shape_of(formula), formula.op, tuple(operands))
    base = MatrixPrinter(printer.hand, indices=printer).built(tree)
    return (
        with_index(base, [printer.node(at) for at in formula.indices]) if formula.indices else base
    )
