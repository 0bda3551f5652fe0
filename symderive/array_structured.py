"""Derivatives by a matrix whose entries are tied, as lines of their own: G + Gᵀ − diag(G)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from symderive.array_partials import ArrayPartial, ArrayShape
from symderive.display import partial_latex
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import entry_of
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.structures import Structure
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.steps import Line, Lines


@dataclass(frozen=True, eq=False)
class StructuredShape(ArrayShape):
    """The adjoint of a matrix with tied entries, over placeholders.

    Attributes:
        base: That of independent entries.
        structure: How the entries are tied.
    """

    base: ArrayShape = field(kw_only=True)
    structure: Structure = field(kw_only=True)

    @cached_property
    def tree(self) -> Tree:
        """The written-out adjoint in matrix notation."""
        return self._turned(self.base.tree, self.closed)

    @cached_property
    def program(self) -> Tree:
        """The adjoint as it is computed."""
        return self._turned(self.base.program, None)

    def _turned(self, tree: Tree, formula: Expr | None) -> Tree:
        if self.target:  # of an array, by its entries
            return self._tree(formula if formula is not None else self.by_name)
        known = self.known
        skew = known.having("skew-symmetric")
        return shortest(self.structure.tree(tree), known.symmetric(), skew=skew)


def structured_shape(base: ArrayShape, structure: Structure) -> StructuredShape:
    """The adjoint of a matrix, its entries tied, from that of independent entries."""
    row, column = base.source[-2:]
    algebra = algebra_under(base.known)

    def tied(formula: Expr) -> Expr:
        found: Expr = canonical(evaluated(structure.entry(formula, row, column)))
        return found

    closed = base.closed
    rewritings = [(tied(formula), reason) for formula, reason in base.rewritings]
    if closed is not None:
        closed = algebra.contracted(tied(closed))
        if not rewritings or closed != rewritings[-1][0]:
            rewritings.append((closed, "contract the deltas"))
    return StructuredShape(
        closed,
        tied(base.substituted),
        algebra.contracted(tied(base.by_name)),
        tuple(rewritings),
        base.target,
        base.source,
        base.shapes,
        base.known,
        base.stated,
        base=base,
        structure=structure,
    )


def structured_partial(partial: ArrayPartial, structure: Structure) -> ArrayPartial:
    """The derivative by a matrix with tied entries."""
    shape = structured_shape(partial.shape, structure)
    return StructuredPartial(
        partial.target,
        partial.source,
        partial.users,
        shape,
        partial.symbols,
        partial.shapes,
        partial.taken,
        solved=partial.solved,
    )


@dataclass(frozen=True, eq=False)
class StructuredPartial(ArrayPartial):
    """∂target/∂source along every path, by a matrix with tied entries."""

    @property
    def structure(self) -> Structure:
        """How the entries are tied."""
        assert isinstance(self.shape, StructuredShape)
        return self.shape.structure

    @cached_property
    def lines(self) -> Lines:
        """The derivatives by the entries that move, then the lines of independent entries."""
        row, column = self.shape.source[-2:]
        top = entry_of(self.target, self.shape.target)
        below = entry_of(self.source, self.shape.source)
        opening = self.structure.entry(Diff(top, below), row, column)
        _ = self.indices  # these have the first letters
        told = [Line(self.letters.on(opening), (self.structure.reason,), self.certificate)]
        plan = [(self.shape.substituted, "the links put in"), *self.shape.rewritings]
        for formula, reason in plan:
            shown = self.here(formula)
            if shown != told[-1].formula:
                told.append(Line(shown, (reason,), self.certificate))
        lines = Lines(told)
        lines.left = partial_latex(self.target, self.source)
        return lines
