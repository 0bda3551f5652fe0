"""A derivative of an array model at random points of several shapes, entry by entry.

Claims and what slips would make of a derivative are compared with it here, in numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from mpmath import isfinite, mp, mpf
from sympy import Expr

from symderive.array_chain import ArrayChain
from symderive.array_checking import AtPoint
from symderive.array_links import ArrayLink
from symderive.array_points import At, Entries, Numbers, drawn_points
from symderive.certify import SEED
from symderive.errors import ValueMissingError
from symderive.formulas.arrays.explicit import NotExplicitError
from symderive.formulas.arrays.index import Index
from symderive.formulas.evaluate import evaluate
from symderive.formulas.written import evaluated

TRIALS, EACH = 9, 3
"""Points tried, and how many of them at one choice of sizes."""

DIGITS = 30

Row = tuple[At, At]
"""An entry of a derivative: the place in the target, and that in the source."""

Matrix = list[list[mpf]]
"""A derivative at a point: a row for each entry of the stage, a column for each of the source."""

Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Formula:
    """An array given by its entry.

    Attributes:
        entry: In index notation, in the names of the model.
        indices: The indices of the entry, one an axis.
    """

    entry: Expr
    indices: tuple[Index, ...]


@dataclass(frozen=True, eq=False)
class Trial:
    """A derivative at one point.

    Attributes:
        chain: The derivatives of the target.
        source: The name that it is differentiated by.
        entries: The model at concrete sizes.
        point: The numbers of its inputs.
    """

    chain: ArrayChain
    source: str
    entries: Entries
    point: Numbers

    @cached_property
    def values(self) -> Numbers:
        """The number of every entry of inputs and stages."""
        return self.entries.values(self.point, DIGITS)

    @cached_property
    def rows(self) -> list[Row]:
        """The entries of the derivative."""
        below = self.entries.at(self.source)
        return [(top, at) for top in self.entries.at(self.chain.target) for at in below]

    @cached_property
    def truth(self) -> list[mpf]:
        """The derivative, entry by entry."""
        if self.source == self.chain.target:
            return [mpf(top == at) for top, at in self.rows]
        if self.source not in self.chain.partials:
            return [mpf(0)] * len(self.rows)
        found = AtPoint(self.chain, self.entries, self.point).derivatives(self.source)
        return [found[row] for row in self.rows]

    def numbers(self, formula: Formula) -> Iterator[mpf]:
        """An array of the derivative's shape, entry by entry; nan where it is undefined."""
        for top, below in self.rows:
            yield self.number(formula, (*top, *below))

    def number(self, formula: Formula, at: At) -> mpf:
        """One entry of an array; nan where it is undefined."""
        try:
            here = self.entries.entry(formula.entry, formula.indices, at)
            return evaluate(here, self.values, DIGITS)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return mpf("nan")
        except (NotExplicitError, ValueMissingError):
            return mpf("nan")

    def agrees(self, formula: Formula) -> bool:
        """Whether an array is the derivative at this point."""
        return all(map(same, self.numbers(formula), self.truth))

    # Along the graph --------------------------------------------------------------------------

    @cached_property
    def matrices(self) -> dict[Key, Matrix]:
        """The links at this point."""
        return {
            key: self.matrix(key, Formula(evaluated(link.formula), link.indices))
            for key, link in self.chain.links.items()
            if isinstance(link, ArrayLink)
        }

    def matrix(self, key: Key, formula: Formula) -> Matrix:
        """An array of the shape of a link."""
        stage, source = key
        return [
            [self.number(formula, (*top, *below)) for below in self.entries.at(source)]
            for top in self.entries.at(stage)
        ]

    def total(self, changed: Mapping[Key, Matrix]) -> list[mpf]:
        """The derivative with some links changed, by reverse accumulation."""
        target = self.chain.target
        links = {**self.matrices, **changed}
        count = len(self.entries.at(target))
        adjoints = {target: identity(count)}
        order = [name for name in reversed([*self.chain.model.stages]) if self.chain.on_path(name)]
        for name in (*order, self.source):
            if name in adjoints:
                continue
            parts = [
                times(adjoints[user], links[user, name])
                for user in self.chain.users(name)
                if user in adjoints
            ]
            if parts:
                adjoints[name] = plus(parts)
        return [value for row in adjoints[self.source] for value in row]

    def along(self, path: Sequence[str]) -> list[mpf]:
        """The part of the derivative that one path from the source carries."""
        product = identity(len(self.entries.at(self.chain.target)))
        for before, after in reversed([*pairwise(path)]):
            product = times(product, self.matrices[after, before])
        return [value for row in product for value in row]


def trials(chain: ArrayChain, source: str, names: Sequence[str] = ()) -> list[Trial]:
    """Points of several shapes at which the target, the source and some names are finite."""
    stages = [n for n in (chain.target, source, *names) if n in chain.model.stages]
    found: list[Trial] = []
    for entries, point in drawn_points(
        chain.model, tuple(dict.fromkeys(stages)), seed=SEED + 1, each=EACH
    ):
        trial = Trial(chain, source, entries, point)
        try:
            if not all(map(isfinite, trial.truth)):
                continue
        except (ValueError, ZeroDivisionError, OverflowError, NotExplicitError):
            continue
        found.append(trial)
        if len(found) == TRIALS:
            break
    return found


# Numbers in rows ----------------------------------------------------------------------------------


def identity(size: int) -> Matrix:
    """The identity matrix."""
    return [[mpf(row == column) for column in range(size)] for row in range(size)]


def times(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices."""
    columns = list(zip(*right, strict=True))
    return [[mp.fdot(row, column) for column in columns] for row in left]


def plus(parts: Sequence[Matrix]) -> Matrix:
    """The sum of some matrices."""
    return [
        [sum(cell, mpf(0)) for cell in zip(*rows, strict=True)] for rows in zip(*parts, strict=True)
    ]


def same(left: mpf, right: mpf) -> bool:
    """Whether two numbers are equal but for rounding."""
    if not (isfinite(left) and isfinite(right)):
        return False
    return bool(abs(left - right) <= mpf(10) ** -12 * max(abs(left), abs(right), mpf(10) ** -6))
