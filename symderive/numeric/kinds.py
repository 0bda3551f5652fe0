"""Formulas by kind: what is the same up to names is made once, and filled with names.

A model of 10,000 stages has a few kinds of stages. A program is lowered from the kinds, so that no
SymPy formula is made for each stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, S, Symbol

from symderive.formulas.inert import Diff, placeholder
from symderive.formulas.written import evaluated, rename
from symderive.results import adjoint_name

if TYPE_CHECKING:
    from symderive.chain import Chain
    from symderive.formulas.parsing import Parsed, Template
    from symderive.partials import Partial


@dataclass(frozen=True, slots=True)
class Filled:
    """A formula as its kind and the names that fill it.

    Attributes:
        kind: The formula in marks; one object for all formulas of the kind.
        names: What each mark stands for, names by names.
        others: The kind in other forms, to compute by where they keep more digits.
    """

    kind: Expr
    names: Mapping[str, str]
    others: tuple[Expr, ...] = ()

    @property
    def formula(self) -> Expr:
        """The formula in its own names.

        >>> Filled(Symbol("_0") ** 2, {"_0": "A1"}).formula
        A1**2
        """
        return rename(self.kind, {Symbol(m): Symbol(name) for m, name in self.names.items()})


ZERO = Filled(S.Zero, {})


class Kinds:
    """The kinds of the formulas of one program."""

    def __init__(self) -> None:
        self._stages: dict[tuple[Template, tuple[int, ...]], Expr] = {}
        self._adjoints: dict[object, tuple[list[Expr], dict[str, str]]] = {}

    def definitions(self, chain: Chain) -> list[tuple[str, Filled]]:
        """The program of a gradient: every stage, then every adjoint, in order of computation."""
        reached = chain.model.ancestors(chain.target)
        stages = chain.model.stages.values()
        rows = [(stage.name, self.stage(stage.parsed)) for stage in stages if stage.name in reached]
        for name, partial in chain.partials.items():
            rows.append((adjoint_name(chain.target, name), self.adjoint(partial)))
        unmoved = [name for name in chain.sources if name not in chain.partials]
        return rows + [(adjoint_name(chain.target, name), ZERO) for name in unmoved]

    def stage(self, parsed: Parsed) -> Filled:
        """A stage's formula in SymPy's own form.

        SymPy puts terms in the order of their names: formulas of one template whose names are in
        one order have one form.
        """
        order = tuple(sorted(range(len(parsed.names)), key=parsed.names.__getitem__))
        marks = {place: f"_{k:04d}" for k, place in enumerate(order)}
        key = parsed.template, order
        if key not in self._stages:
            symbols = {placeholder(place): Symbol(mark) for place, mark in marks.items()}
            self._stages[key] = evaluated(rename(parsed.template.written, symbols))
        names = {mark: parsed.names[place] for place, mark in marks.items()}
        return Filled(self._stages[key], names)

    def adjoint(self, partial: Partial) -> Filled:
        """The formula to compute ∂target/∂source by, with later adjoints by name."""
        if partial.shape not in self._adjoints:
            later = {part: f"_d{part.args[1].name}" for part in partial.shape.local.atoms(Diff)}
            symbols = {part: Symbol(mark) for part, mark in later.items()}
            forms = dict.fromkeys((partial.shape.local, *partial.shape.others))
            self._adjoints[partial.shape] = (
                [rename(form, symbols) for form in forms],
                {mark: part.args[1].name for part, mark in later.items()},
            )
        (kind, *others), adjoints = self._adjoints[partial.shape]
        names = {mark.name: name.name for mark, name in partial.symbols.items()}
        names |= {mark: adjoint_name(partial.target, names[of]) for mark, of in adjoints.items()}
        return Filled(kind, names, tuple(others))
