"""Adjoints of array models, entry by entry: what kinds of them share, and one of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Basic, Expr, Indexed, S, Symbol

from symderive.adjoints import AS_IT_STANDS
from symderive.array_certify import certify_array
from symderive.array_forms import array_cost
from symderive.array_model import Letters
from symderive.array_vectorised import vectorised
from symderive.display import partial_latex
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.contraction import has_einsum, has_notation
from symderive.formulas.arrays.folding import through_stages, with_own_name
from symderive.formulas.arrays.index import Index, Part, entry_of, fresh, sigma
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.ops import entry
from symderive.formulas.arrays.properties import Knowledge, Known
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.solving import with_kroneckers, with_solves
from symderive.formulas.arrays.syntax import Leaf, Shape, Tree, leaves, put_in, renamed
from symderive.formulas.arrays.terms import OPERATION, reading, tree_cost
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated, product, rename, sum_of
from symderive.partials import Partial
from symderive.results import adjoint_name
from symderive.steps import Certificate, Line, Lines

TARGET = Symbol("_target")
BAR = "_bar"


@dataclass(frozen=True, eq=False)
class ArrayShape:
    """An adjoint over placeholders: what a kind of partial derivative shares.

    Attributes:
        closed: Its entry written out in stage names; None where that is too long.
        substituted: The chain rule with the links put in.
        by_name: The same with the adjoints of later stages by name.
        target: The indices of the target's entry.
        source: The indices of the entry that is differentiated by.
        shapes: The shape of each placeholder.
        known: What is known of them.
        stated: Definitions of stages that the closed form may rest on, by their entries.
    """

    closed: Expr | None
    substituted: Expr
    by_name: Expr
    rewritings: tuple[tuple[Expr, str], ...]
    target: tuple[Index, ...]
    source: tuple[Index, ...]
    shapes: Mapping[str, Shape]
    known: Knowledge
    stated: Mapping[Expr, Expr] = field(default_factory=dict)

    @cached_property
    def certificate(self) -> Certificate:
        """How the closed form was established."""
        shown = self.closed if self.closed is not None else self.by_name
        origin = self.substituted if self.closed is not None else self.by_name
        if shown == origin:
            return AS_IT_STANDS
        return certify_array(origin, shown, algebra_under(self.known), self.shapes, self.stated)

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices of the entry: the target's, then the source's."""
        return (*self.target, *self.source)

    @cached_property
    def tree(self) -> Tree:
        """The written-out adjoint in matrix notation."""
        return self._tree(self.closed) if self.closed is not None else self.by_adjoints

    @cached_property
    def program(self) -> Tree:
        """The adjoint as it is computed: later adjoints by name where that is shorter."""
        if self.closed is None:
            return self.by_adjoints
        cancelled = _divisors(self.substituted) - _divisors(self.closed)
        if cancelled or array_cost(self.closed) <= array_cost(self.by_name):
            return self.tree
        return self.by_adjoints

    @cached_property
    def by_adjoints(self) -> Tree:
        """The adjoint with those of later stages by name, in matrix notation."""
        return self._tree(self.by_name)

    def _tree(self, formula: Expr) -> Tree:
        named = barred(formula)
        shapes = dict(self.shapes)
        for name, shape in self.shapes.items():
            shapes[f"{BAR}{name}"] = (*(i.size for i in self.target), *shape)
        builder = Matrices(shapes)
        found = shortest(builder.tree(named, self.indices), *self.names_known)
        if len(self.target) == len(self.source) == 1 and not has_notation(found):
            blocks = vectorised(evaluated(named), self.target, self.source, builder)
            if blocks is not None and has_notation(blocks):
                found = shortest(blocks, *self.names_known)
        for name in formula.free_symbols & self.stated.keys():
            if self.stated[name].has(Part):
                made = shortest(builder.tree(self.stated[name], ()), *self.names_known)
                found = with_own_name(found, Leaf((), str(name)), made, self.names_known)
        return found

    @property
    def names_known(self) -> Known:
        """What the simplifier asks for."""
        return self.known.for_trees(self.shapes)


def barred(formula: Expr) -> Expr:
    """The formula with each adjoint as an array of its own: ∂L/∂u_i is _bar_u[i]."""
    found: dict[Basic, Basic] = {}
    for part in formula.atoms(Diff):
        top, below = part.args
        at = (*_indices(top), *_indices(below))
        found[part] = entry_of(f"{BAR}{_label(below)}", at)
    return formula.xreplace(found)


def _reads(tree: Tree) -> tuple[bool, bool, tuple[float, int, int, int]]:
    return not has_notation(tree), has_einsum(tree), reading(tree)


def _indices(formula: Basic) -> tuple[Expr, ...]:
    return tuple(formula.indices) if isinstance(formula, Indexed) else ()


def _label(formula: Basic) -> str:
    return str(formula.base.label) if isinstance(formula, Indexed) else str(formula)


def _divisors(formula: Expr) -> set[Expr]:
    powers = {p for p in formula.atoms(type(S(1) / Symbol("x"))) if p.exp.is_number}
    return {p.base for p in powers if p.exp.is_negative and not p.base.is_number}


@dataclass(frozen=True, eq=False)
class ArrayPartial(Partial):
    """∂target[t, …]/∂source[a, …] along every path, as a formula of indices."""

    shape: ArrayShape  # type: ignore[assignment]
    shapes: Mapping[str, Shape] = field(default_factory=dict, repr=False)
    taken: frozenset[str] = frozenset()
    others: Callable[[str], Partial | None] = field(default=lambda _: None, repr=False)
    solved: frozenset[Tree] = field(default=frozenset(), repr=False)
    kroneckers: bool = False
    stages: Mapping[str, Tree] = field(default_factory=dict, repr=False)

    @cached_property
    def letters(self) -> Letters:
        """The letters of the indices."""
        return Letters(self.taken, self.shape.indices)

    def here(self, formula: Expr) -> Expr:
        """A formula of the kind in this derivative's names."""
        return self.letters.on(rename(formula, self.symbols))

    @cached_property
    def formula(self) -> Expr:
        """The closed form of an entry in stage names."""
        closed = self.shape.closed
        return self.here(closed if closed is not None else self.shape.by_name)

    @cached_property
    def local(self) -> Expr:
        """The same with the adjoints of later stages by name."""
        return self.here(self.shape.by_name)

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices of the entry: the target's, then the source's."""
        return self.letters.of(self.shape.indices)

    @cached_property
    def _names(self) -> dict[str, str]:
        names = {mark.name: name.name for mark, name in self.symbols.items()}
        bars = {f"{BAR}{mark}": adjoint_name(self.target, name) for mark, name in names.items()}
        return {**names, **bars}

    @cached_property
    def tree(self) -> Tree:
        """The closed form in matrix notation, linear systems by name where the model has them."""
        return with_solves(self.inverted, self.solved, self._known[0])

    @cached_property
    def inverted(self) -> Tree:
        """The closed form in matrix notation, with inverses."""
        return self._plain if self.through is None else self.through

    @cached_property
    def _plain(self) -> Tree:
        plain = renamed(self.shape.tree, self._names)
        if self.kroneckers:
            plain = min(plain, shortest(with_kroneckers(plain), *self._known), key=_reads)
        if self._whole is None or self.shape.closed is None:
            return plain
        return min(plain, shortest(self._whole, *self._known), key=_reads)

    @cached_property
    def through(self) -> Tree | None:
        """The closed form as it is with the stages put in, where that saves an operation."""
        if not self.stages or type(self.shape) is not ArrayShape or self.source in self.stages:
            return None  # a stage that is differentiated by may be any array
        whole = self._plain if self._whole is None else self._whole
        found = through_stages(whole, self.stages, self._known)
        if found is None or tree_cost(found) > tree_cost(self._plain) - OPERATION:
            return None
        return min(self._plain, found, key=_reads)

    @cached_property
    def through_certificate(self) -> Certificate:
        """Whether that is the derivative, the stages being what they are."""
        marks = {str(name): str(mark) for mark, name in self.symbols.items()}
        tree = renamed(self.inverted, marks)
        if not set(leaves(tree)) <= self.shape.shapes.keys() or self.shape.substituted.has(Diff):
            return Certificate("unknown", "stages stand in it that it is not made of")
        read = evaluated(entry(tree, self.shape.indices))
        algebra = algebra_under(self.shape.known)
        shapes, stated = self.shape.shapes, self.shape.stated
        return certify_array(self.shape.substituted, read, algebra, shapes, stated)

    @cached_property
    def _whole(self) -> Tree | None:
        """The chain rule with the adjoints of later stages put in, as they are shortest.

        A product that index notation takes apart stays whole: Xᵀ (P ⊙ (D Vᵀ − …)) K.
        """
        found: dict[str, Tree] = {}
        if type(self.shape) is not ArrayShape:
            return None
        for later in reversed(self._later()):
            _ = later.inverted  # the last first: a loop of many steps is no deep recursion
        for user in self.users:
            if user != self.target:
                other = self.others(user)
                if not isinstance(other, ArrayPartial) or not self._may_hold(other):
                    return None
                found[adjoint_name(self.target, user)] = other.inverted
        return put_in(renamed(self.shape.by_adjoints, self._names), found) if found else None

    def _later(self) -> list[ArrayPartial]:
        """The adjoints after this one whose shortest forms are not known, the last at the end."""
        found: dict[str, ArrayPartial] = {}
        queue: list[ArrayPartial] = [self]
        for partial in queue:
            for user in partial.users:
                other = None if user in found or user == self.target else self.others(user)
                if isinstance(other, ArrayPartial) and "inverted" not in vars(other):
                    found[user] = other
                    queue.append(other)
        return [*found.values()]

    def _may_hold(self, other: ArrayPartial) -> bool:
        """Whether another adjoint may be put in: it is written out, or may come to nothing."""
        return other.shape.closed is not None or bool(self.stages)

    @property
    def _known(self) -> Known:
        symmetric, orthogonal, sums, skew, diagonal = self.shape.names_known
        mine = self._names
        return (
            frozenset(mine.get(name, name) for name in symmetric),
            frozenset(mine.get(name, name) for name in orthogonal),
            {(mine.get(name, name), axis): value for (name, axis), value in sums.items()},
            frozenset(mine.get(name, name) for name in skew),
            frozenset(mine.get(name, name) for name in diagonal),
        )

    @cached_property
    def program(self) -> Tree:
        """What computes it."""
        return renamed(self.shape.program, self._names)

    @cached_property
    def lines(self) -> Lines:
        """The chain rule, the links put in, the deltas contracted, the closed form."""
        top = entry_of(self.target, self.shape.target)
        below = entry_of(self.source, self.shape.source)
        parts = []
        for user in self.users:
            at = tuple(fresh(size) for size in self.shapes[user])
            own = self.shape.target if user == self.target else at
            middle = entry_of(user, own)
            links = (
                (Diff(middle, below),)
                if user == self.target
                else (
                    Diff(top, middle),
                    Diff(middle, below),
                )
            )
            parts.append(product(*links) if user == self.target else sigma(product(*links), at))
        plan: list[tuple[Expr, str]] = [(canonical(sum_of(*parts)), "chain rule")]
        if self.users == (self.target,):
            plan = []
        shown = self.shape.substituted if self.shape.closed is not None else self.shape.by_name
        plan.append((rename(shown, self.symbols), "the links put in"))
        if self.shape.closed is not None:
            plan += [
                (rename(formula, self.symbols), reason) for formula, reason in self.shape.rewritings
            ]
        lines: list[Line] = []
        for formula, reason in plan:
            told = self.letters.on(formula)
            if not lines or told != lines[-1].formula:
                lines.append(Line(told, (reason,), self.shape.certificate))
        shown_lines = Lines(lines)
        shown_lines.left = partial_latex(self.target, self.source)
        return shown_lines
