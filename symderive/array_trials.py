"""A derivative of an array model at random points of several shapes, entry by entry.

Claims and what slips would make of a derivative are compared with it here, in numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from itertools import product as cartesian

from mpmath import isfinite, mp, mpf
from sympy import Expr

from symderive.array_chain import ArrayChain
from symderive.array_checking import AtPoint
from symderive.array_links import ArrayLink
from symderive.array_points import At, Entries, Numbers, drawn_points
from symderive.errors import ValueMissingError
from symderive.formulas.arrays.concrete import entry_name
from symderive.formulas.arrays.explicit import NotExplicitError
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.syntax import Shape
from symderive.formulas.evaluate import evaluate
from symderive.formulas.written import evaluated
from symderive.sampling import SEED, equal

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

    def compared(self, claim: Formula, own: Formula) -> Iterator[tuple[Row, mpf, mpf]]:
        """The entries of the derivative: the place, what is claimed, and the truth.

        Without those that neither the claim nor the derivative's own formula has: det(X.T @ X) is
        0 for a wide X, and so is its derivative, but where there is no inverse is no formula.
        """
        for row, mine, theirs in zip(self.rows, self.numbers(claim), self.truth, strict=True):
            if isfinite(mine) or isfinite(self.number(own, (*row[0], *row[1]))):
                yield row, mine, theirs

    def agrees(self, formula: Formula) -> bool:
        """Whether an array is the derivative at this point."""
        return all(map(equal, self.numbers(formula), self.truth))

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


def trials(
    chain: ArrayChain,
    source: str,
    names: Sequence[str] = (),
    *,
    seed: int = SEED + 1,
    sizes: Sequence[dict[str, int]] | None = None,
) -> list[Trial]:
    """Points of several shapes at which the target, the source and some names are finite."""
    stages = [n for n in (chain.target, source, *names) if n in chain.model.stages]
    found: list[Trial] = []
    for entries, point in drawn_points(
        chain.model, tuple(dict.fromkeys(stages)), seed=seed, each=EACH, sizes=sizes
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


def without_ones(shape: Shape) -> tuple[Expr, ...]:
    """A shape without its axes of one entry."""
    return tuple(size for size in shape if size != 1)


def nested(trial: Trial, name: str) -> str:
    """The value of an input as nested lists."""

    def told(at: tuple[int, ...], rest: tuple[int, ...]) -> str:
        if not rest:
            return mp.nstr(trial.values.get(entry_name(name, at), mpf(0)), 4)
        return "[" + ", ".join(told((*at, k), rest[1:]) for k in range(rest[0])) + "]"

    return told((), trial.entries.shape(name))


def size_product(trial: Trial, names: Sequence[str]) -> mpf:
    """The product of some sizes."""
    result = mpf(1)
    for name in names:
        result *= trial.entries.sizes[name]
    return result


def difference(left: Sequence[mpf], right: Sequence[mpf]) -> list[mpf]:
    """Entry by entry."""
    return [a - b for a, b in zip(left, right, strict=True)]


def with_ones(trial: Trial, key: Key) -> list[mpf] | None:
    """The derivative with a link left out: every entry passes to its own place."""
    stage, source = key
    matrix = trial.matrices[key]
    here, below = trial.entries.shape(stage), trial.entries.shape(source)
    if here == below:
        ones: Matrix = identity(len(matrix))
    elif not here:
        ones = [[mpf(1)] * len(matrix[0])]
    else:
        return None
    if ones in (matrix, [[-value for value in row] for row in matrix]):
        return None  # nothing is missing; or a sign, which is another slip
    return trial.total({key: ones})


def with_link(trial: Trial, key: Key, formula: Formula) -> list[mpf] | None:
    """The derivative with another formula for one link."""
    return trial.total({key: trial.matrix(key, formula)})


def ratio_of(tries: Sequence[Trial], mine: Sequence[Sequence[mpf]]) -> list[mpf]:
    """The ratio of claim and truth at each point, where it is one number there."""
    found = []
    for trial, numbers in zip(tries, mine, strict=True):
        ratios = [a / b for a, b in zip(numbers, trial.truth, strict=True) if b != 0]
        if not ratios or not all(equal(ratio, ratios[0]) for ratio in ratios):
            return []
        if any(a != 0 for a, b in zip(numbers, trial.truth, strict=True) if b == 0):
            return []
        found.append(ratios[0])
    return found


def size_ratio(tries: Sequence[Trial], ratio: Sequence[mpf]) -> str:
    """A factor of sizes, such as a missing 1/m."""
    if len(ratio) < 2 or all(equal(value, ratio[0]) for value in ratio):
        return ""
    names = list(tries[0].entries.sizes)
    choices: list[tuple[str, ...]] = [(name,) for name in names]
    choices += [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    for number, power, chosen in cartesian((1, 2, -1, -2, mpf(1) / 2), (1, -1), choices):
        wanted = [number * size_product(trial, chosen) ** power for trial in tries]
        if not all(map(equal, ratio, wanted)):
            continue
        size = "*".join(chosen)
        told = f"1/({size})" if len(chosen) > 1 else f"1/{size}"
        what = f"{told} is missing" if power == 1 else f"{told} too many"
        more = "" if number == 1 else f", and the factor {mp.nstr(mpf(number), 3)} is wrong"
        return f"wrong factor: {what}{more}"
    return ""
