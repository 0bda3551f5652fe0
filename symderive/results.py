"""What a derivation answers with: a derivative and what explains it; the numbers of one point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, ImmutableMatrix, Symbol

from symderive.formulas.inert import Diff
from symderive.formulas.written import rename
from symderive.steps import Certificate, Line, Step

if TYPE_CHECKING:
    from symderive.derivation import Derivation


@dataclass(frozen=True, eq=False, repr=False)
class Derivative:
    """A derivative with everything that explains it.

    Attributes:
        formula: The derivative as a SymPy expression (or matrix) in stage names.
        lines: The derivation line by line.
        steps: The applications of rules behind it, each after those it depends on.
        certificate: How it was established.
        forms: Equal forms, simplest first.
        rule: The name of the rule that the derivation starts with; empty for a chain of links.
    """

    formula: Expr | ImmutableMatrix
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]
    certificate: Certificate
    forms: tuple[Expr, ...]
    rule: str
    derivation: Derivation = field(repr=False)

    @property
    def matrix(self) -> None:
        """Matrix notation; None: a model of scalars has none."""
        return

    def latex(self) -> str:
        """The formula in LaTeX.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"y": "x**2"}))
        >>> d.link("y", "x").latex()
        '2x'
        """
        from symderive.formulas.latex import latex
        from symderive.formulas.printing import tree

        return latex(tree(self.formula, names=self.derivation.model.names))

    def __repr__(self) -> str:
        return f"Derivative({self.formula})"

    def _repr_latex_(self) -> str:
        """The formula as a notebook shows it."""
        return f"$\\displaystyle {self.latex()}$"

    def evaluate(self, **values: float) -> Any:
        """The number (or array of numbers) at a point; the model's values are defaults.

        Raises:
            ValueMissingError: A value is missing.
        """
        return self.derivation.number(self.formula, **values)


@dataclass(frozen=True, slots=True)
class Point:
    """The numbers of one point: floats, or arrays over a batch.

    Attributes:
        stages: The value of each stage.
        links: ∂stage/∂source by (stage, source).
        partials: ∂target/∂name for every name on a path.
        gradient: ∂target/∂source by source.
    """

    stages: Mapping[str, Any]
    links: Mapping[tuple[str, str], Any]
    partials: Mapping[str, Any]
    gradient: Mapping[str, Any]


def adjoint_name(target: str, source: str) -> str:
    """The name of ∂target/∂source in programs.

    >>> adjoint_name("A3", "w1")
    'A3_D_w1'
    """
    return f"{target}_D_{source}"


def named(formula: Basic) -> Expr:
    """A formula with each adjoint as the symbol that programs use for it."""
    adjoints = {
        part: Symbol(adjoint_name(str(part.args[0]), str(part.args[1])))
        for part in formula.atoms(Diff)
    }
    return rename(formula, adjoints) if adjoints else formula
