"""Trees → presentation nodes, in the matrix notation of a machine-learning paper.

What the notation means, so that nothing has to be guessed:

* A vector is a column. ``x @ y`` of two vectors is xᵀy, ``x @ A`` is Aᵀx.
* Matrices stand side by side for their product; ⊙ and ⊘ go entry by entry and bind more loosely
  than that product, more tightly than a sum. A function of an array is taken entry by entry.
* A bold 1 has entries of one only, and the shape that fits: 1ᵀx is a sum, X1 are the sums of the
  rows, XW + 1bᵀ adds b to every row, c1 + x adds the number c to every entry.
* Scaling rows or columns is a product with diag(…).
* Entries and slices count from 0, as they do in the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Mul, Pow, S, fraction

from symderive.formulas.arrays.ops import entry
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.matrix_pieces import (
    BOLD_ONE,
    Term,
    assembled,
    bolded,
    flipped,
    matrices,
    raised,
    with_decimals,
)
from symderive.formulas.names import name_node
from symderive.formulas.nodes import (
    DIVIDED,
    HADAMARD,
    MINUS,
    NEGATIVE,
    PLUS,
    THIN,
    Node,
    Num,
    Op,
    Row,
    Style,
    fence,
    parted,
    row,
)
from symderive.formulas.pieces import Built, Level, flat, is_below, negated, with_one_root
from symderive.formulas.printing import ONE, Printer

Show = Callable[["MatrixPrinter", Apply, bool], Term]
"""A row of ``ROWS``: an operation, and whether its transpose is shown."""


def matrix_tree(
    tree: Tree, names: Sequence[str] = (), *, bold: bool = False, shapes: bool = False
) -> Node:
    """An array formula in matrix notation.

    Args:
        tree: The formula.
        names: The names of the model in order of first appearance.
        bold: Whether names of arrays are bold.
        shapes: Whether every array has its shape under it.

    >>> from sympy import symbols
    >>> from symderive.formulas.arrays.ops import apply, transpose
    >>> from symderive.formulas.arrays.syntax import Number
    >>> from symderive.formulas.plain import plain
    >>> m, n = symbols("m n")
    >>> X, A, Y = Leaf((m, n), "X"), Leaf((m,), "A2"), Leaf((m,), "Y")
    >>> error = apply("add", A, apply("negative", Y))
    >>> gradient = apply("divide", apply("matmul", transpose(X), error), Number((), m))
    >>> plain(matrix_tree(gradient))
    'Xᵀ @ (A2 − Y)/m'
    """
    return MatrixPrinter(names, bold, shapes).built(tree).node


def shape_node(shape: Shape, names: Sequence[str] = ()) -> Node:
    """A shape as it stands under a symbol: m × n.

    >>> from sympy import symbols
    >>> from symderive.formulas.plain import plain
    >>> plain(shape_node(symbols("m n")))
    'm × n'
    """
    printer = Printer(names, False, {})
    sizes = [printer.within(size, Level.SUM) for size in shape]
    return parted(Op("×", "by"), sizes) if sizes else ONE


class MatrixPrinter:
    """One printing of trees."""

    def __init__(
        self,
        names: Sequence[str],
        bold: bool = False,
        shapes: bool = False,
        indices: Printer | None = None,
    ) -> None:
        self.names, self.bold, self.shapes = names, bold, shapes
        self.indices = indices or Printer(names, None, {})

    # Trees --------------------------------------------------------------------------------

    def built(self, tree: Tree, transposed: bool = False) -> Built:
        """The tree (or its transpose) and how tightly it binds."""
        negative, piece = self.signed(tree, transposed)
        return negated(piece) if negative else piece

    def node(self, tree: Tree) -> Node:
        """The tree where nothing stands next to it."""
        return self.built(tree).node

    def within(self, tree: Tree, level: Level) -> Node:
        """The tree in brackets unless it binds tighter than ``level``."""
        node, own = self.built(tree)
        return node if own > level else fence(node)

    def signed(self, tree: Tree, transposed: bool = False) -> tuple[bool, Built]:
        """Whether a minus stands in front, and what it stands in front of."""
        term = self.term(tree, transposed)
        return term.negative, self.assembled(term)

    def assembled(self, term: Term) -> Built:
        """A term without its sign, its number as the author of the model would write it."""
        return assembled(with_decimals(term, self.indices.hand))

    def term(self, tree: Tree, transposed: bool = False) -> Term:
        """The tree as scalars and a chain of matrices."""
        if is_scalar_formula(tree):
            return self.scalar(entry(tree, ()))
        if isinstance(tree, Leaf):
            return Term((self.leaf(tree, transposed),))
        assert isinstance(tree, Apply)
        from symderive.formulas.matrix_rows import ROWS, call

        return ROWS.get(tree.op, call)(self, tree, transposed and tree.ndim > 0)

    def scalar(self, formula: Expr) -> Term:
        """A formula without arrays, as it is written."""
        negative, piece = self.indices.sibling(True).signed(formula)
        return Term(over=(piece,), negative=negative)

    def size(self, formula: Expr) -> Node:
        """A formula in sizes."""
        return self.indices.sibling(False).node(formula)

    def leaf(self, tree: Leaf, transposed: bool) -> Built:
        """A name: bold, with its shape under it, transposed."""
        node: Node = name_node(tree.name)
        if self.bold and tree.ndim:
            node = bolded(node)
        built = flipped(Built(node)) if transposed else Built(node)
        if not self.shapes or not tree.ndim:
            return built
        shape = tree.shape
        if transposed:  # below a transpose is its own shape, so that neighbours can be compared
            shape = shape[::-1] if len(shape) > 1 else (S.One, *shape)
        note = Row((THIN, shape_node(shape, self.names), THIN))  # neighbours must not meet
        return Built(Style("under", built.node, note=note))

    def atom(self, built: Built, transposed: bool) -> Term:
        """A piece as a matrix of its own."""
        return Term((flipped(built) if transposed else built,))

    # Sums ---------------------------------------------------------------------------------

    def sum(self, tree: Apply, transposed: bool) -> Term:
        """Terms with their signs, each in the shape of the sum."""
        items: list[Node] = []
        for arg in tree.args:
            term = self.spread(arg, tree.shape)
            piece = self.assembled(term)
            if not items and not term.negative and piece.level == Level.SUM:
                items += piece.node.items if isinstance(piece.node, Row) else (piece.node,)
                continue
            if items:
                items.append(MINUS if term.negative else PLUS)
            elif term.negative:
                items.append(NEGATIVE)
            items.append(fence(piece.node) if piece.level <= Level.NEGATIVE else piece.node)
        whole = Built(row(*items), Level.SUM)
        return self.atom(whole, transposed) if tree.ndim else Term(over=(whole,))

    def spread(self, arg: Tree, shape: Shape) -> Term:
        """An operand broadcast to a shape: 1bᵀ for a row, b1ᵀ for a column, c1 for a number."""
        term = self.term(arg)
        if arg.shape == shape or len(shape) > 2:
            return term
        ones = Term((BOLD_ONE,))
        if arg.ndim == 0:
            if term.over == (Built(ONE),) and not term.chain:
                return replace(term, over=()).then(ones)
            return self.closed(term).then(ones)  # (xᵀy)1
        if len(shape) == 1:
            return term
        if arg.ndim == 1:
            return ones.then(self.term(arg, True))
        if arg.shape[0] == 1:
            return ones.then(term)
        return term.then(Term((flipped(BOLD_ONE),)))

    # Products -----------------------------------------------------------------------------

    def matmul(self, tree: Apply, transposed: bool) -> Term:
        """Matrices side by side."""
        left, right = tree.args
        if left.ndim == 1 and right.ndim == 1:
            return self.term(left, True).then(self.term(right))
        if left.ndim == 1 and not transposed:  # x @ A is a column: Aᵀx
            return self.term(right, True).then(self.term(left))
        if left.ndim == 1:
            return self.term(left, True).then(self.term(right))
        if transposed:
            return self.term(right, True).then(self.term(left, True))
        return self.term(left).then(self.term(right))

    def multiply(self, tree: Apply, transposed: bool) -> Term:
        """Scalars in front, arrays entry by entry, rows and columns as diag(…)."""
        scalars = [self.term(arg) for arg in tree.args if arg.ndim == 0]
        arrays = [arg for arg in tree.args if arg.ndim]
        inner = self.entrywise(arrays, tree.shape, transposed) if arrays else Term()
        chained = [term for term in scalars if term.chain]
        if inner.chain or len(chained) > 1:
            scalars = [self.closed(term) for term in scalars]
        elif chained:  # λ·xᵀx: the one product of arrays stays open, behind the other factors
            (only,) = chained
            scalars = [term for term in scalars if term is not only]
            inner = only
        return Term().then(*scalars, inner)

    def closed(self, term: Term) -> Term:
        """A scalar that comes from arrays, as one factor: (xᵀy)."""
        if not term.chain:
            return term
        piece = assembled(replace(term, over=(), under=()))
        if piece.level <= Level.PRODUCT:
            piece = Built(fence(piece.node))
        return Term((), (*term.over, piece), term.under, term.negative)

    def entrywise(self, arrays: Sequence[Tree], shape: Shape, transposed: bool) -> Term:
        """The product entry by entry of arrays that are broadcast to a shape."""
        full = [arg for arg in arrays if arg.shape == shape]
        others = [arg for arg in arrays if arg.shape != shape]
        if len(shape) != 2:
            full, others = list(arrays), []
        rows = [arg for arg in others if arg.ndim == 1 or arg.shape[0] == 1]
        columns = [arg for arg in others if arg not in rows]
        if not others:
            return self.quotient(full, transposed)
        if not full:  # a column times a row: every product of their entries
            left = self.hadamard([self.term(arg) for arg in columns], False)
            right = self.hadamard([self.as_column(arg) for arg in rows], True)
            return reversed_if(transposed, self, left, right)
        middle = self.quotient(full, transposed)
        left, right = self.diagonal(columns), self.diagonal(rows)
        return right.then(middle, left) if transposed else left.then(middle, right)

    def quotient(self, arrays: Sequence[Tree], transposed: bool) -> Term:
        """A product entry by entry; what its factors divide by stands behind one ⊘."""
        over = [arg for arg in arrays if _divisor(arg) is None]
        under = [divisor for arg in arrays if (divisor := _divisor(arg)) is not None]
        if not under:
            return self.hadamard([self.term(arg) for arg in over], transposed)
        above = self.hadamard([self.term(arg) for arg in over] or [Term((BOLD_ONE,))], False)
        return self.divided(
            above, self.hadamard([self.term(arg) for arg in under], False), transposed
        )

    def divided(self, above: Term, below: Term, transposed: bool) -> Term:
        """One array over another, entry by entry."""
        top, bottom = matrices(above.chain), assembled(replace(below, negative=False))
        parts = [fence(top.node) if top.level < Level.ENTRYWISE else top.node, DIVIDED]
        parts.append(fence(bottom.node) if bottom.level <= Level.ENTRYWISE else bottom.node)
        whole = Built(Row(tuple(parts)), Level.ENTRYWISE)
        return replace(
            above,
            chain=(flipped(whole) if transposed else whole,),
            negative=above.negative != below.negative,
        )

    def hadamard(self, terms: Sequence[Term], transposed: bool) -> Term:
        """Terms joined by ⊙, their scalars in front."""
        if len(terms) == 1 and not transposed:
            return terms[0]
        items: list[Node] = []
        for term in terms:
            piece = matrices(term.chain)
            nested = isinstance(piece.node, Row) and HADAMARD in piece.node.items
            if piece.level == Level.ENTRYWISE and nested and isinstance(piece.node, Row):
                items += [HADAMARD, *piece.node.items]
                continue
            loose = piece.level <= Level.ENTRYWISE
            items += [HADAMARD, fence(piece.node) if loose else piece.node]
        single = len(terms) == 1
        whole = matrices(terms[0].chain) if single else Built(row(*items[1:]), Level.ENTRYWISE)
        together = Term().then(*terms)
        return replace(together, chain=(flipped(whole) if transposed else whole,))

    def as_column(self, arg: Tree) -> Term:
        """A row, given as a vector or as a matrix of one row, as a column."""
        return self.term(arg, arg.ndim == 2)

    def diagonal(self, vectors: Sequence[Tree], inverse: bool = False) -> Term:
        """diag(…) of the product of some rows or columns."""
        if not vectors:
            return Term()
        is_row = [arg.ndim == 2 and arg.shape[0] == 1 for arg in vectors]
        terms = [self.term(arg, flip) for arg, flip in zip(vectors, is_row, strict=True)]
        inner = self.hadamard(terms, False)
        from symderive.formulas.matrix_rows_linear import applied

        piece = applied("diag", assembled(replace(inner, negative=False)).node)
        if inverse:
            piece = raised(piece, Row((NEGATIVE, Num("1"))))
        return Term((piece,), negative=inner.negative)

    def divide(self, tree: Apply, transposed: bool) -> Term:
        """A fraction under a scalar, ⊘ under an array, diag(…)⁻¹ under a row or a column."""
        left, right = _under_one_root(*tree.args)
        if right.ndim == 0:
            above = self.term(left, transposed)
            negative, under = self.signed(right)
            flips = above.negative != negative
            return replace(above, under=(*above.under, under), negative=flips)
        full = left.shape == tree.shape and len(tree.shape) == 2
        if full and right.shape != tree.shape:
            over = self.term(left, transposed)
            is_row = right.ndim == 1 or right.shape[0] == 1
            scale = self.diagonal([right], True)
            return over.then(scale) if is_row != transposed else scale.then(over)
        above = self.spread(left, tree.shape)
        below = self.term(right)
        return self.divided(above, below, transposed)


def _under_one_root(left: Tree, right: Tree) -> tuple[Tree, Tree]:
    """√2 A over 2√π as A over √(2π): the roots of numbers as one, as in index notation."""
    if not (is_op(left, "multiply") and _is_number(right)):
        return left, right
    front = [entry(arg, ()) for arg in left.args if _is_number(arg)]
    rest = [arg for arg in left.args if not _is_number(arg)]
    found = flat(Mul(*front) / entry(right, ()))
    joined = with_one_root(found)
    if joined == found:
        return left, right
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in joined:
        if is_below(factor):
            below.append(Pow(factor.base, -factor.exp, evaluate=False))
        else:
            both = fraction(factor) if factor.is_Rational else (factor, S.One)
            for side, part in zip((above, below), both, strict=True):
                side += [part] if part != 1 else []
    if not below:
        return left, right
    numbers = [Number((), Mul(*above, evaluate=False))] if above else []
    parts = (*numbers, *rest)
    core = replace(left, args=parts) if len(parts) > 1 else parts[0]
    return core, Number((), Mul(*below, evaluate=False) if len(below) > 1 else below[0])


def _is_number(tree: Tree) -> bool:
    return is_scalar_formula(tree) and bool(entry(tree, ()).is_number)


def _divisor(tree: Tree) -> Tree | None:
    """The array that 1 is divided by; None where a factor is something else."""
    if not isinstance(tree, Apply) or tree.op != "divide" or not tree.args[1].ndim:
        return None
    return tree.args[1] if tree.args[0] == Number((), S.One) else None


def reversed_if(transposed: bool, printer: MatrixPrinter, left: Term, right: Term) -> Term:
    """A column times a row; transposed, the other way round."""
    if not transposed:
        return left.then(right)
    turned = [replace(term, chain=(flipped(matrices(term.chain)),)) for term in (right, left)]
    return turned[0].then(turned[1])


def is_scalar_formula(tree: Tree) -> bool:
    """Whether a tree holds no array."""
    if isinstance(tree, Apply) and not tree.args:
        return False
    return all(part.ndim == 0 and _is_entrywise(part) for part in tree.walk())


def _is_entrywise(tree: Tree) -> bool:
    if not isinstance(tree, Apply):
        return True
    from symderive.formulas.functions import FUNCTIONS
    from symderive.formulas.matrix_rows import ENTRYWISE

    return tree.op in ENTRYWISE or tree.op in FUNCTIONS


def piece(show: Any) -> Show:
    """A row that makes one piece, whose transpose is the piece with a ⊤."""

    def shown(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
        made: Built = show(printer, tree)
        return printer.atom(made, transposed) if tree.ndim else Term((made,))

    return shown
