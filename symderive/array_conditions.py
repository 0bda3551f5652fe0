"""Where a claim about arrays holds: signs of entries, kinks of the stages, and sizes.

The entries of a derivative are rows, each with the signs of what lies near it: the entry of every
name at its place, what is zero at a kink of a stage there, and whether all entries of a name are
positive. The simplest condition that tells the right rows from the wrong ones is confirmed at
points of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from mpmath import mpf
from sympy import Expr, Indexed, Mul, Symbol, preorder_traversal
from sympy import Sum as SympySum

from symderive.array_chain import ArrayChain
from symderive.array_forms import by_cases
from symderive.array_model import stage_tree
from symderive.array_points import numbers_of
from symderive.array_trials import Formula, Trial, trials
from symderive.formulas.arrays.concrete import entry_name
from symderive.formulas.arrays.contraction import has_notation
from symderive.formulas.arrays.index import Index, Part
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.properties import Knowledge, Known
from symderive.formulas.arrays.syntax import Leaf, Tree, leaves, put_in, sizes_in
from symderive.formulas.arrays.vanishing import equal_trees
from symderive.formulas.typed import condition
from symderive.regions import Condition, Row, boundaries, separating, sign_of
from symderive.results import adjoint_name
from symderive.sampling import SEED, equal

SEEDS = range(SEED + 7, SEED + 13)
"""Of the points that confirm a condition."""

MAX_BOUNDS = 24
"""Signs that one row is told by."""

FEWEST_SIZED = 2
"""Points of a size at which a claim must hold before that size is its condition."""

At = tuple[int, ...]
Place = tuple[At, At]


@dataclass(frozen=True, eq=False)
class Bound:
    """Something near an entry of a derivative whose sign may tell where a claim holds.

    Attributes:
        shown: As a condition names it, by names alone.
        values: What it is near an entry, at a trial; None where it is nothing there.
        every: Whether it is of all entries of a name.
    """

    shown: Expr
    values: Callable[[Trial, Place], mpf | None]
    every: bool = False


Compare = Callable[[Trial], Iterable[tuple[Place, mpf, mpf]]]
"""The entries of a derivative at a trial: the place, the claim's number and the right one."""


def condition_of(chain: ArrayChain, truth: Expr, found: Sequence[Trial], compare: Compare) -> str:
    """Where a claim holds that fails somewhere; empty where nothing simple tells.

    Args:
        chain: The derivatives of the target.
        truth: The entry of the derivative.
        found: The points at which it failed somewhere.
        compare: The claim beside the derivative.
    """
    bounds = list(_bounds(chain, truth))[:MAX_BOUNDS]
    shown = [bound.shown for bound in bounds]
    rows = list(_rows(found, compare, bounds))
    for seed in SEEDS:  # what tells the first points by accident does not tell the next
        told = separating(rows, shown)
        if told is None:
            return ""
        again = list(_rows(trials(chain, found[0].source, seed=seed), compare, bounds))
        if all(told.holds(row.signs) == row.equal for row in again):
            return _text(told, bounds, chain.model.order)
        rows += again
    return ""


def _text(told: Condition, bounds: Sequence[Bound], names: Sequence[str]) -> str:
    texts = []
    for places, sign in told.parts:
        used = [bounds[place] for place in places]
        every = [bound.every for bound in used]
        if any(every) and (len(used) > 1 or sign < 0):
            return ""
        text = condition(Mul(*(bound.shown for bound in used)), ">" if sign > 0 else "<", names)
        texts.append(f"all({text})" if any(every) else text)
    return (" and " if told.every else " or ").join(texts)


def _rows(found: Iterable[Trial], compare: Compare, bounds: Sequence[Bound]) -> Iterator[Row]:
    for trial in found:
        for place, mine, theirs in compare(trial):
            signs = tuple(sign_of(bound.values(trial, place)) for bound in bounds)
            claim, truth = (mpf(1), mpf(1)) if equal(mine, theirs) else (mpf(1), mpf(2))
            yield Row({}, claim, truth, signs)


def _bounds(chain: ArrayChain, truth: Expr) -> Iterator[Bound]:
    """Names by their entry near a row, kinks of stages, then stages by all their entries."""
    model = chain.model
    reached = model.ancestors(chain.target)
    names = [name for name in model.names if name in reached]
    stages = [name for name in names if name in model.stages]
    for name in names:
        yield Bound(Symbol(name), _entry_of(name))
    seen: set[Expr] = {Symbol(name) for name in names}
    for kink in boundaries([*(model.stages[n].formula for n in stages), by_cases(truth)], ()):
        shown = _by_names(kink)
        if shown is not None and not {shown, -shown} & seen:
            seen.add(shown)
            yield Bound(shown, _kink_at(kink))
    for name in (*stages, *(name for name in names if name not in stages)):
        if model.shapes.get(name):
            yield Bound(Symbol(name), _least_of(name), every=True)


def _by_names(kink: Expr) -> Expr | None:
    """A formula of entries with their arrays' names instead; None where it sums over entries."""
    if any(isinstance(part, SympySum | Part) for part in preorder_traversal(kink)):
        return None
    entries = {entry: Symbol(str(entry.base.label)) for entry in kink.atoms(Indexed)}
    shown = kink.xreplace(entries)
    return None if shown.atoms(Index) else shown


def _entry_of(name: str) -> Callable[[Trial, Place], mpf | None]:
    def near(trial: Trial, place: Place) -> mpf | None:
        """The entry at the place of a row: of the source, of the target, or a scalar."""
        shape = trial.entries.shape(name)
        for at in ((), *place):
            key = entry_name(name, at)
            if len(at) == len(shape) and key in trial.values:
                return trial.values[key]
        return None

    return near


def _kink_at(kink: Expr) -> Callable[[Trial, Place], mpf | None]:
    indices = tuple(sorted(kink.atoms(Index), key=str))
    formula, shape = Formula(kink, indices), tuple(index.size for index in indices)

    def near(trial: Trial, place: Place) -> mpf | None:
        sizes = numbers_of(shape, trial.entries.sizes)
        for at in ((), *place):
            if len(at) == len(sizes) and all(k < size for k, size in zip(at, sizes, strict=True)):
                return trial.number(formula, at)
        return None

    return near


def _least_of(name: str) -> Callable[[Trial, Place], mpf | None]:
    def least(trial: Trial, place: Place) -> mpf | None:
        del place  # of all entries, wherever the row is
        return min((trial.values[entry] for entry in trial.entries.entries(name)), default=None)

    return least


# Sizes --------------------------------------------------------------------------------------------


def special_size(chain: ArrayChain, source: str, compare: Compare) -> str:
    """A size, or two equal ones, for which a claim holds: ``m = 1``; empty where there is none.

    A claim is about all sizes, so this makes it no right one: it is a hint.
    """
    sizes = sorted(size.name for size in sizes_in(chain.model.shapes.values()))
    usual = {name: 2 + k % 3 for k, name in enumerate(sizes)}
    cases = [(f"{name} = 1", {**usual, name: 1}) for name in sizes]
    cases += [(f"{a} = {b}", {**usual, a: 3, b: 3}) for a, b in combinations(sizes, 2)]
    for told, chosen in cases:
        found = trials(chain, source, sizes=[chosen])
        rows = [row for trial in found for row in compare(trial)]
        right = len(found) >= FEWEST_SIZED and all(equal(mine, t) for _, mine, t in rows)
        if right and any(truth != 0 for _, _, truth in rows):
            return told
    return ""


# By the form in matrix notation -------------------------------------------------------------------

MAX_PARTS = 150
"""A formula of more parts is not written out in the inputs."""


@dataclass(frozen=True, eq=False)
class ByForm:
    """A derivative in matrix notation, for claims that are compared with it by matrix algebra.

    Attributes:
        model: The model.
        truth: The derivative.
        bars: The derivatives by later stages, by the names that they have in it.
    """

    model: Any
    truth: Tree
    bars: Mapping[str, Callable[[], Any]]

    @cached_property
    def known(self) -> Known:
        """What is known of the arrays, as the simplifier asks for it."""
        return Knowledge(self.model.known).for_trees(self.model.shapes)

    @cached_property
    def written(self) -> Tree:
        """The derivative with the adjoints of later stages written out."""
        truth = self.truth
        for _ in self.bars:
            found = {bar: self.bars[bar]().tree for bar in self.bars.keys() & {*leaves(truth)}}
            if not found or len([*truth.walk()]) > MAX_PARTS:
                break
            truth = put_in(truth, found)
        return truth

    def equals(self, claim: Tree) -> bool:
        """Whether a claim is the derivative: as it stands, or with the stages written out."""
        truth = self.written
        if equal_trees(claim, truth, *self.known):
            return True
        stages = {name: stage_tree(stage) for name, stage in self.model.stages.items()}
        sides = [claim, truth]
        for _ in stages:
            following = [put_in(side, stages) for side in sides]
            if following == sides or any(len([*side.walk()]) > MAX_PARTS for side in following):
                break
            sides = following
        return sides != [claim, truth] and equal_trees(sides[0], sides[1], *self.known)

    def taken_for_granted(self, claim: Tree) -> str:
        """What would make a claim right: transposes left out, a matrix that is symmetric."""
        symmetric, *others = self.known
        shapes, truth = self.model.shapes, self.written
        used = {*leaves(claim), *leaves(truth)} - symmetric
        square = [
            name
            for name, shape in shapes.items()
            if name in used and len(shape) == 2 and shape[0] == shape[1]
        ]
        for names in combinations(square, 2):
            turned = {n: apply("transpose", Leaf(shapes[n], n), axes=(1, 0)) for n in names}
            if equal_trees(claim, put_in(truth, turned), symmetric, *others):
                return f"transposes of {' and '.join(names)} are missing, or too many"
        for chosen in (*((name,) for name in square), tuple(square) if len(square) > 1 else ()):
            if chosen and equal_trees(claim, truth, symmetric | {*chosen}, *others):
                verb = "are" if len(chosen) > 1 else "is"
                return f"symmetric part: right only where {', '.join(chosen)} {verb} symmetric"
        return ""


def form_of(derivation: Any, target: str, tree: Tree | None) -> ByForm | None:
    """A derivative of a target, to be compared with claims; None where it has no notation."""
    if tree is None or not has_notation(tree):
        return None
    bars = {
        adjoint_name(target, name): lambda n=name: derivation.partial(target, n)
        for name in derivation.model.stages
    }
    return ByForm(derivation.model, tree, bars)
