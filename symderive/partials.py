"""The derivative of the target by one name, along every path: its closed form, and its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import Basic, Expr, Symbol

from symderive.adjoints import AdjointShape
from symderive.display import latex_of, partial_latex, shown
from symderive.formulas.inert import Diff
from symderive.formulas.written import product, recast, rename, sum_of
from symderive.steps import Certificate, Line, Lines

if TYPE_CHECKING:
    from symderive.chain import Chain


@dataclass(frozen=True, eq=False)
class Partial:
    """∂target/∂source along every path.

    Attributes:
        target: The stage that is differentiated.
        source: The stage or input that it is differentiated by.
        users: The stages through which the source acts.
    """

    target: str
    source: str
    users: tuple[str, ...]
    shape: AdjointShape = field(repr=False)
    symbols: Mapping[Basic, Basic] = field(repr=False)

    @cached_property
    def formula(self) -> Expr:
        """The closed form in stage names (of a deep model: with later adjoints by name)."""
        closed = self.shape.closed
        return recast(closed if closed is not None else self.shape.local, self.symbols)

    @cached_property
    def local(self) -> Expr:
        """The formula to compute it by: later adjoints by name where that is shorter."""
        return recast(self.shape.local, self.symbols)

    def _repr_latex_(self) -> str:
        """The closed form as a notebook shows it."""
        return shown(f"{partial_latex(self.target, self.source)} = {latex_of(self.formula)}")

    @cached_property
    def lines(self) -> Lines:
        """The chain rule, the links put in, the closed form."""
        target, source = Symbol(self.target), Symbol(self.source)
        chain = [
            product(
                *(() if user == self.target else (Diff(target, Symbol(user)),)),
                Diff(Symbol(user), source),
            )
            for user in self.users
        ]
        if self.users == (self.target,):
            return Lines([Line(self.formula, ("the link itself",), self.shape.certificate)])
        certificate = self.shape.certificate
        plan = [
            Line(sum_of(*chain), ("chain rule",), certificate),
            Line(rename(self.shape.substituted, self.symbols), ("the links put in",), certificate),
            *self.rewritings,
        ]
        if not self.rewritings:
            plan.append(Line(self.formula, ("simplify",), certificate))
        lines: list[Line] = []
        for line in plan:
            if not lines or line.formula != lines[-1].formula:
                lines.append(line)
        told = Lines(lines)
        told.left = partial_latex(self.target, self.source)
        return told

    @cached_property
    def rewritings(self) -> tuple[Line, ...]:
        """From the links put in to the closed form, where definitions of stages lead to it."""
        names = {str(mark): str(symbol) for mark, symbol in self.symbols.items()}
        result = []
        for formula, reason, certificate in self.shape.rewritings:
            words = " ".join(names.get(word, word) for word in reason.split(" "))
            result.append(Line(recast(formula, self.symbols), (words,), certificate))
        return tuple(result)

    @property
    def certificate(self) -> Certificate:
        """How the closed form was established."""
        return self.shape.certificate


class Partials(Mapping[str, Partial]):
    """The partial derivatives of one target by name, each made when it is first asked for."""

    def __init__(self, names: Sequence[str], chain: Chain) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._found: dict[str, Partial] = {}
        self._chain = chain

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> Partial:
        if name not in self._found:
            for missing in self._between(name):
                self._found[missing] = self._chain.partial_of(missing)
        return self._found[name]

    def _between(self, name: str) -> list[str]:
        """The names on a path from a name to the target that are still missing, the last first."""
        missing = {name: self._places[name]}
        queue = [name]
        while queue:
            for user in self._chain.users(queue.pop()):
                if user in self._places and user not in self._found and user not in missing:
                    missing[user] = self._places[user]
                    queue.append(user)
        return sorted(missing, key=missing.__getitem__)
