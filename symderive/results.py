"""What a derivation answers with: a derivative and what explains it; the numbers of one point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, ImmutableMatrix, Symbol

from symderive.display import number, shown, table
from symderive.formulas.inert import Diff
from symderive.formulas.written import rename
from symderive.steps import Certificate, Line, Lines, Step

if TYPE_CHECKING:
    from symderive.derivation import Derivation


@dataclass(frozen=True, eq=False, repr=False)
class Derivative:
    """A derivative with everything that explains it.

    Attributes:
        formula: The derivative as a SymPy expression (or matrix) in stage names.
        lines: The derivation line by line.
        links: The links behind it.
        certificate: How it was established.
        forms: Equal forms, simplest first.
        rule: The name of the rule that the derivation starts with; empty for a chain of links.
        link: Of one link, the link.
        before: Of a higher derivative, the derivation in which it is a first one, and the stage
            that it is the derivative of.
        twice: Of second derivatives by the same names in scalar models, the stage.
    """

    formula: Expr | ImmutableMatrix
    lines: tuple[Line, ...]
    links: tuple[Any, ...]
    certificate: Certificate
    forms: tuple[Expr, ...]
    rule: str
    derivation: Derivation = field(repr=False)
    indices: tuple[Any, ...] = ()
    tree: Any = field(default=None, repr=False)
    link: Any = field(default=None, repr=False)
    before: tuple[Derivation, str] | None = field(default=None, repr=False)
    twice: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.lines, Lines):
            object.__setattr__(self, "lines", Lines(self.lines))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The applications of rules behind it, each after those it depends on."""
        return tuple(step for link in self.links for step in link.steps)

    @property
    def forms_where(self) -> Mapping[str, tuple[Expr, ...]]:
        """Shorter forms of a link by the condition they hold under: names are positive, or u ≠ 0.

        >>> from symderive import Model, derive
        >>> derive(Model({"y": "asin(x/a)"})).link("y", "x").forms_where
        {'a > 0': (1/sqrt(a**2 - x**2),)}
        >>> derive(Model({"y": "c + (1 - c)*sigmoid(a*(t - b))"})).link("y", "t").forms_where
        {'c ≠ 1': (a*(1 - y)*(-c + y)/(1 - c),)}
        """
        return {} if self.link is None else self.link.forms_where

    @property
    def matrix(self) -> MatrixNotation | None:
        """Matrix notation; None where there is none: of scalars, of a matrix by a matrix.

        Of models with arrays of three axes or more, NumPy's language: einsum, sums along axes.
        """
        if self.tree is None or not self.derivation.model.shapes:
            return None
        from symderive.formulas.arrays.contraction import in_numpy

        told = in_numpy(self.tree, self.derivation.model.shapes.values())
        return MatrixNotation(self.tree) if told else None

    @property
    def definiteness(self) -> str:
        """What the form of a matrix proves of it; "" where it proves nothing.

        ``positive semidefinite`` of a Hessian says that the function is convex: its form is MᵀDM
        with D ≥ 0, or a sum of such; of scalars, no pivot of it is negative. ``indefinite`` is a
        matrix of numbers with both signs.
        """
        if not self.derivation.model.shapes:
            return self._by_pivots()
        from symderive.array_model import signs_of

        if self.matrix is not None and self.tree.ndim == 2:
            found = signs_of(self.derivation.model).semidefinite(self.tree)
            if found:
                return {1: "positive semidefinite", -1: "negative semidefinite"}[found]
        return self._by_entries()

    def _by_pivots(self) -> str:
        """The same of scalars, where it is the second derivatives of one stage."""
        if not self.twice:
            return ""
        from symderive.curvature import definiteness

        whole = isinstance(self.formula, ImmutableMatrix)
        matrix = self.formula if whole else ImmutableMatrix([[self.formula]])
        return definiteness(matrix, self.derivation.model, self.twice)

    def _by_entries(self) -> str:
        """The same of f(I, J), where the axes are those of one variable twice."""
        half = len(self.indices) // 2
        first, second = self.indices[:half], self.indices[half:]
        twice = [index.size for index in first] == [index.size for index in second]
        if not half or len(self.indices) % 2 or not twice:
            return ""
        known = self.derivation.entries_known()  # type: ignore[attr-defined]
        for formula, sign in ((self.formula, "positive"), (-self.formula, "negative")):
            if known.semidefinite(formula, first, second):
                return f"{sign} semidefinite"
        return ""

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes of the array of this derivative; () of a scalar."""
        return tuple(index.size for index in self.indices)

    def with_arrays(self, indices: tuple[Any, ...], tree: Any) -> Derivative:
        """The same, as an array: its indices and its formula in NumPy's language."""
        return replace(self, indices=indices, tree=tree)

    def moved_to(self, derivation: Derivation, extra: Mapping[str, Any]) -> Derivative:
        """The same, told of another model, in which the stages of ``extra`` do not exist."""
        used = {symbol.name for symbol in self.formula.free_symbols if hasattr(symbol, "name")}
        return self if used & extra.keys() else replace(self, derivation=derivation)

    def latex(self) -> str:
        """The formula in LaTeX.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"y": "x**2"}))
        >>> d.link("y", "x").latex()
        '2x'
        """
        from symderive.formulas.latex import latex
        from symderive.formulas.printing import tree

        return latex(tree(self.formula, names=self.derivation.model.order))

    def __repr__(self) -> str:
        return f"Derivative({self.formula})"

    def _repr_latex_(self) -> str:
        """The formula as a notebook shows it."""
        return shown(self.latex())

    def evaluate(self, **values: float) -> Any:
        """The number (or array of numbers) at a point; the model's values are defaults.

        Raises:
            ValueMissingError: A value is missing.
        """
        formula = self.formula if self.tree is None else self.tree
        return self.derivation.number(formula, **values)


@dataclass(frozen=True, slots=True, repr=False)
class MatrixNotation:
    """A derivative in matrix notation; as text it is NumPy's language, which formulas read back.

    Attributes:
        tree: The formula as a tree.
    """

    tree: Any

    def __repr__(self) -> str:
        return f"MatrixNotation({self})"

    def __str__(self) -> str:
        from symderive.formulas.arrays.text import text

        return text(self.tree)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes along its axes."""
        return tuple(self.tree.shape)

    def latex(self) -> str:
        """The formula in LaTeX."""
        from symderive.formulas.latex import latex
        from symderive.formulas.matrix_notation import matrix_tree

        return latex(matrix_tree(self.tree))

    def _repr_latex_(self) -> str:
        """The formula as a notebook shows it."""
        return shown(self.latex())


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

    def _repr_html_(self) -> str:
        """The numbers as a notebook shows them."""
        rows = [(name, number(value)) for name, value in self.stages.items()]
        rows += [(f"∂{a}/∂{b}", number(value)) for (a, b), value in self.links.items()]
        rows += [(f"gradient by {name}", number(v)) for name, v in self.gradient.items()]
        return table(("", "value"), rows)


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
