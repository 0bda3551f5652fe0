"""Links of array models: an entry of a stage by an entry of a name that it uses.

The rules, the lines and the sharing of kinds are those of ``links``; here the variable is an entry,
closed forms are contracted, and lines are certified by index algebra or at small shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, Symbol

from symderive.array_certify import certify_array
from symderive.array_forms import array_forms
from symderive.array_model import ArrayTemplate, source_indices
from symderive.closed_form import Form
from symderive.formulas.arrays.index import Index, entry_of
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.written import evaluated
from symderive.links import Link, LinkKind, Plan
from symderive.steps import Certificate, Line

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The closed form."""
        return tuple(
            array_forms(
                self.step.result,
                self.template.algebra(),
                self.output,
                evaluated(self.template.written),
                self.source,
            )
        )

    def _certified(self, plan: Plan) -> tuple[Line, ...]:
        truth = Diff(self.template.written, self.variable)
        algebra = self.template.algebra()
        shapes = {**self.template.shape_of(), OUTPUT.name: self.template.shape}
        where = {self.output: evaluated(self.template.written)}
        lines: list[Line] = []
        for formula, reasons, steps in plan:
            if lines and formula == lines[-1].formula:
                continue
            found = certify_array(truth, formula, algebra, shapes, where)
            lines.append(Line(formula, reasons, found, steps))
        return tuple(lines)

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of the closed form."""
        return self.lines[-1].certificate or Certificate("unknown", "no line was certified")


@dataclass(frozen=True, eq=False)
class ArrayLink(Link):
    """∂stage[i, …]/∂source[a, …]."""

    kind: ArrayLinkKind

    @cached_property
    def symbols(self) -> Mapping[Basic, Basic]:
        """What stands for the placeholders of the kind in this link."""
        names: dict[Basic, Basic] = {
            placeholder(k): Symbol(name) for k, name in enumerate(self.stage.inputs)
        }
        return {**names, OUTPUT: Symbol(self.stage.name)}

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices of the formula: the stage's, then the source's."""
        return (*self.kind.template.indices, *self.kind.source)
