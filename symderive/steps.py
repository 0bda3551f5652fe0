"""The derivation as frozen data: what the engine produces and every output reads.

A ``Rule`` is a row of a table; a ``Step`` is one application of it; a ``Line`` is what a document
prints: a formula equal to the line above, the reasons, and the certificate that says how the
equality was established.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sympy import Expr, Symbol

from symderive.display import aligned, latex_of, shown, words
from symderive.formulas.inert import Diff


@dataclass(frozen=True, slots=True)
class Rule:
    """A differentiation rule or a rewriting, stated as an equation in u, v, c, n.

    Attributes:
        name: What a document calls it, such as ``product rule``.
        left: The pattern, in the symbols u, v, w (functions), c, n (constants).
        right: Its derivative (or its rewriting); ``u'`` is a symbol that stands for ∂u/∂x.
        convention: What holds at a kink, or where the rule is valid; empty where nothing is.
        matrix: Both sides in array language, of a rule for whole arrays; empty for any other.
    """

    name: str
    left: Expr
    right: Expr
    convention: str = ""
    matrix: tuple[str, ...] = ()

    def _repr_latex_(self) -> str:
        """The statement as a notebook shows it."""
        left = f"\\frac{{\\mathrm{{d}}}}{{\\mathrm{{d}}x}}\\left({latex_of(self.left)}\\right)"
        return shown(f"{left} = {latex_of(self.right)}")


@dataclass(frozen=True, slots=True)
class Certificate:
    """How an equality was established.

    Attributes:
        verdict: ``proved`` (exact normal form), ``sampled`` (equal at every sampled point),
            ``refuted`` (a point where the two sides differ) or ``unknown``.
        method: One sentence for the document.
        points: The number of points sampled; 0 for a proof.
        digits: The precision of the samples, in decimal digits; 0 for a proof.
        seed: The seed of the samples.
        counterexample: Name and value of each symbol at a point that refutes the line.
    """

    verdict: str
    method: str
    points: int = 0
    digits: int = 0
    seed: int = 0
    counterexample: tuple[tuple[str, str], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the line holds, by proof or at every point sampled."""
        return self.verdict in ("proved", "sampled")

    def __str__(self) -> str:
        return f"{self.verdict}: {self.method}"


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One application of a rule: ∂(formula)/∂(variable) = result, because of the premises."""

    rule: Rule
    formula: Expr
    variable: Symbol
    result: Expr
    bindings: tuple[tuple[str, Expr], ...] = ()
    premises: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Yield this step after every step it depends on."""
        for step in self.premises:
            yield from step.walk()
        yield self

    def __repr__(self) -> str:
        return f"Step(∂({self.formula})/∂{self.variable} = {self.result}, {self.rule.name})"

    def _repr_latex_(self) -> str:
        """What the step says as a notebook shows it."""
        taken = Diff(self.formula, self.variable)
        row = (latex_of(taken), latex_of(self.result), words(self.rule.name))
        return aligned([row])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a derivation: equal to the line above it, for these reasons.

    ``formula`` is built unevaluated, in the order in which a reader meets its parts; it may hold
    ``Diff`` (a derivative not yet taken).
    """

    formula: Expr
    reasons: tuple[str, ...] = ()
    certificate: Certificate | None = None
    steps: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def _row(self) -> tuple[str, str, str]:
        mark = self.certificate.verdict if self.certificate and self.reasons else ""
        return "", latex_of(self.formula), words(", ".join(self.reasons), mark)

    def _repr_latex_(self) -> str:
        """The line as a notebook shows it."""
        return aligned([self._row])


class Lines(tuple[Line, ...]):
    """The lines of a derivation, which a notebook shows one under the other.

    Attributes:
        left: What they are equal to, in LaTeX, where their first line does not say it.
    """

    left: str = ""

    def _repr_latex_(self) -> str:
        first, *rest = self
        stated = bool(rest) and isinstance(first.formula, Diff) and not self.left
        left = latex_of(first.formula) if stated else self.left
        rows = [line._row for line in (rest if stated else self)]
        return aligned([(left, *row[1:]) if k == 0 else row for k, row in enumerate(rows)])
