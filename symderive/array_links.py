"""Links of array models: an entry of a stage by an entry of a name that it uses.

The rules, the lines and the sharing of kinds are those of ``links``; here the variable is an entry,
closed forms are contracted, and lines are certified by index algebra or at small shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Expr, Indexed
from sympy import Sum as SympySum

from symderive.array_certify import certify_array
from symderive.array_forms import MAX_COST, array_cost, array_forms
from symderive.array_model import ArrayTemplate, Letters, source_indices
from symderive.array_relations import Facts, Stated, named_by_stages
from symderive.array_steps import Picks, with_picks
from symderive.closed_form import Form
from symderive.errors import ModelError
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.contraction import has_notation
from symderive.formulas.arrays.folding import with_own_name
from symderive.formulas.arrays.index import Index, Part, entry_of, free_indices
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.syntax import Leaf, Tree, put_in, renamed
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.written import evaluated, product, rename
from symderive.links import Link, LinkKind, Plan
from symderive.steps import Certificate, Line

LEAST = 4.0
"""The cost from which a link is looked at for its stage's name at two entries."""


@dataclass(frozen=True, eq=False)
class ArrayLinkKind(LinkKind):
    """The derivation shared by all links of array stages that are the same up to names."""

    template: ArrayTemplate

    @property
    def source(self) -> tuple[Index, ...]:
        """The indices of the entry that is differentiated by."""
        return source_indices(self.template.shapes[self.place])

    @property
    def variable(self) -> Any:
        """The entry that the formula is differentiated by."""
        return entry_of(placeholder(self.place), self.source)

    @property
    def output(self) -> Expr:
        """The stage's own entry."""
        return entry_of(OUTPUT, self.template.indices)

    def _is_long_product(self) -> bool:
        """No: of entries, the product rule leaves what the deltas pick."""
        return False

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The closed form."""
        result = self.step.result
        if self.way == "logarithmic":
            result = product(self.template.written, result)
        own = {*self.template.indices, *self.source}
        if free_indices(result) - own:
            raise ModelError(  # SymPy takes choices out of a sum, their index with them
                "a sum of choices is one side of a condition, as in maximum(x, sum(where(…))); "
                "make the sum a stage of its own"
            )
        algebra = self.template.algebra()
        definition = algebra.contracted(evaluated(self.template.written))  # as the result will be
        forms = array_forms(result, algebra, self.output, definition, self.source)
        return (self._named_entries(forms[0], definition, algebra), *forms[1:])

    def _named_entries(self, form: Form, definition: Expr, algebra: Algebra) -> Form:
        """The form with the stage's own name at two of its entries: zᵢzⱼ, z = (x − μ)/s."""
        shared = isinstance(self.output, Indexed) and definition.has(SympySum, Part)
        if not shared or not LEAST < array_cost(form.formula) < MAX_COST:
            return form
        stated = Stated({self.output: Facts.of(definition)}, lambda _: definition)
        lines = named_by_stages(form.formula, stated, algebra)
        named = lines[-1][0] if lines else form.formula
        entries = {e for e in named.atoms(Indexed) if e.base == self.output.base}
        if len(entries) < 2:  # one of two says less than none
            return form
        return Form(named, (*form.rewritings, *lines))

    @cached_property
    def tree(self) -> Tree | None:
        """The closed form in matrix notation, where it has at most two axes and one exists."""
        at = (*self.template.indices, *self.source)
        if len(at) > 2:
            return None
        shapes = {**self.template.shape_of(), OUTPUT.name: self.template.shape}
        known = self.template.known
        builder = Matrices(shapes)
        stated = known.for_trees(shapes)
        found = shortest(builder.tree(self.formula, at), *stated)
        definition = evaluated(self.template.written)
        if self.output.is_Symbol and self.formula.has(self.output) and definition.has(Part):
            made = shortest(builder.tree(definition, ()), *stated)
            found = with_own_name(found, Leaf((), OUTPUT.name), made, stated)
        return found if has_notation(found) else None

    def _certified(self, plan: Plan) -> tuple[Line, ...]:
        truth = Diff(self.template.written, self.variable)
        algebra = self.template.algebra()
        shapes = {**self.template.shape_of(), OUTPUT.name: self.template.shape}
        where = {self.output: evaluated(self.template.written)}
        lines: list[Line] = []
        before: tuple[Expr, Certificate] | None = None
        for formula, reasons, steps in self._named(plan):
            if lines and formula == lines[-1].formula:
                continue
            found = certify_array(truth, formula, algebra, shapes, where, before)
            if found.passed:
                before = (formula, found)
            lines.append(Line(formula, reasons, found, steps))
        return tuple(lines)

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of the closed form."""
        return self.lines[-1].certificate or Certificate("unknown", "no line was certified")


@dataclass(frozen=True, eq=False)
class ArrayLink(Link):
    """∂stage[i, …]/∂source[j, …].

    Attributes:
        taken: Names that indices may not have.
        picks: The entries that placeholders of the kind stand for.
    """

    kind: ArrayLinkKind
    taken: frozenset[str] = frozenset()
    picks: Picks = field(default_factory=dict)

    @cached_property
    def letters(self) -> Letters:
        """The letters of the indices."""
        return Letters(self.taken, (*self.kind.template.indices, *self.kind.source))

    def here(self, formula: Expr) -> Expr:
        """A formula of the kind in this link's names."""
        return self.letters.on(rename(self.placed(formula), self.symbols))

    def placed(self, formula: Expr) -> Expr:
        """A formula of the kind with the entries that its placeholders stand for."""
        return with_picks(formula, self.picks)

    def settled(self, formula: Expr) -> Expr:
        """The same: index formulas are in SymPy's own order throughout."""
        return self.here(formula)

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices of the formula: the stage's, then the source's."""
        return self.letters.of((*self.kind.template.indices, *self.kind.source))

    @cached_property
    def tree(self) -> Tree | None:
        """The link in matrix notation, where it has at most two axes and one exists."""
        names = {str(mark): str(name) for mark, name in self.symbols.items()}
        return renamed(put_in(self.kind.tree, self.picks), names) if self.kind.tree else None
