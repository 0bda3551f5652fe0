"""The chain rule over stages that are arrays: adjoints by reverse accumulation, in index notation.

∂L/∂v_a = Σ_u Σ_i ∂L/∂u_i · ∂u_i/∂v_a over the stages u that use v and over their entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Basic, Expr, Indexed, KroneckerDelta, Mul, S, Symbol, expand, factor_terms

from symderive.array_certify import certify_array
from symderive.array_forms import array_cost, array_forms
from symderive.array_links import ArrayLink, ArrayLinkKind
from symderive.array_model import (
    Letters,
    renamed,
    source_indices,
    stage_indices,
    target_indices,
)
from symderive.array_relations import Facts, Stated, named_by_stages
from symderive.array_sums import constant_sums
from symderive.chain import Chain, Partial
from symderive.display import partial_latex
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import Index, entry_of, fresh, sigma, substitute
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.written import evaluated, product, rename, sum_of
from symderive.model import Model, Stage
from symderive.results import adjoint_name
from symderive.steps import Certificate, Line, Lines

MAX_WRITTEN_OUT = 32.0
"""The cost up to which an adjoint is written out in stage names."""

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
            return Certificate("proved", "the chain rule as it stands: nothing was rewritten")
        return certify_array(origin, shown, Algebra(self.known), self.shapes, self.stated)

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices of the entry: the target's, then the source's."""
        return (*self.target, *self.source)

    @cached_property
    def tree(self) -> Tree:
        """The written-out adjoint in matrix notation."""
        return self._tree(self.closed if self.closed is not None else self.by_name)

    @cached_property
    def program(self) -> Tree:
        """The adjoint as it is computed: later adjoints by name where that is shorter."""
        by_name = self._tree(self.by_name)
        if self.closed is None:
            return by_name
        cancelled = _divisors(self.substituted) - _divisors(self.closed)
        if cancelled or array_cost(self.closed) <= array_cost(self.by_name):
            return self.tree
        return by_name

    def _tree(self, formula: Expr) -> Tree:
        named = barred(formula)
        shapes = dict(self.shapes)
        for name, shape in self.shapes.items():
            shapes[f"{BAR}{name}"] = (*(i.size for i in self.target), *shape)
        found = Matrices(shapes).tree(named, self.indices)
        return shortest(found, self.known.symmetric(), self.known.having("orthogonal"))


def barred(formula: Expr) -> Expr:
    """The formula with each adjoint as an array of its own: ∂L/∂u_i is _bar_u[i]."""
    found: dict[Basic, Basic] = {}
    for part in formula.atoms(Diff):
        top, below = part.args
        at = (*_indices(top), *_indices(below))
        found[part] = entry_of(f"{BAR}{_label(below)}", at)
    return formula.xreplace(found)


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
        names = {str(mark): str(name) for mark, name in self.symbols.items()}
        bars = {f"{BAR}{mark}": adjoint_name(self.target, name) for mark, name in names.items()}
        return {**names, **bars}

    @cached_property
    def tree(self) -> Tree:
        """The closed form in matrix notation."""
        return renamed(self.shape.tree, self._names)

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

    @property
    def certificate(self) -> Certificate:
        """How the closed form was established."""
        return self.shape.certificate


class ArrayChain(Chain):
    """All partial derivatives of one target of an array model."""

    def __init__(
        self,
        model: Model,
        target: str,
        sources: Sequence[str],
        kinds: dict[Any, Any],
        shapes: dict[object, Any] | None = None,
    ) -> None:
        super().__init__(model, target, sources, kinds, shapes)
        self.limit = min(self.limit, MAX_WRITTEN_OUT)
        self.target_at = target_indices(model.shapes.get(target, ()))
        self._facts: dict[int, Facts] = {}

    def link(self, stage: str, source: str, method: str = "") -> ArrayLink:
        """The link ∂stage/∂source."""
        row = self.model.stages[stage]
        template, place = row.parsed.template, row.inputs.index(source)
        key = (id(template), place, method or "auto")
        if key not in self._kinds:
            self._kinds[key] = ArrayLinkKind(template, place, key[2])  # type: ignore[arg-type]
        return ArrayLink(row, source, self._kinds[key], self.taken)  # type: ignore[arg-type]

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that indices may not have: the model's own and those of its sizes."""
        sizes = {s for shape in self.model.shapes.values() for d in shape for s in d.free_symbols}
        names = (*self.model.names, *self.model.parameters, *map(str, sizes))
        return frozenset((*names, *(name.rstrip("_") for name in names)))  # i_ is shown as i

    def _adjoint(self, user: str) -> tuple[Expr, tuple[str, ...]]:
        if user == self.target:
            return S.One, ()
        if user in self._formulas:
            return self._formulas[user]
        at = source_indices(self.model.shapes.get(user, ()))
        return Diff(entry_of(TARGET, self.target_at), entry_of(placeholder(0), at)), (user,)

    def _term(
        self,
        adjoint: Expr,
        adjoint_names: tuple[str, ...],
        link: Any,
        names: Mapping[str, Symbol],
        user: str,
    ) -> Any:
        """(Σ adjoint·link, the same with the adjoint by name), over this shape's placeholders."""
        marks = {placeholder(k): names[name] for k, name in enumerate(adjoint_names)}
        adjoint = rename(adjoint, marks)
        link_marks = {placeholder(k): names[n] for k, n in enumerate(link.stage.inputs)}
        local = rename(link.kind.formula, {**link_marks, OUTPUT: names[user]})
        shape = self.model.shapes.get(user, ())
        if user == self.target:
            moved = dict(zip(stage_indices(shape), self.target_at, strict=True))
            here = substitute(local, moved)
            return here, here
        at = tuple(fresh(size) for size in shape)
        local = substitute(local, dict(zip(stage_indices(shape), at, strict=True)))
        mine = substitute(adjoint, dict(zip(source_indices(shape), at, strict=True)))
        by_name = Diff(entry_of(TARGET, self.target_at), entry_of(names[user], at))
        short = mine if not mine.args else by_name
        return sigma(product(mine, local), at), sigma(product(short, local), at)

    def _made(
        self, terms: Sequence[Any], names: Mapping[str, Symbol], name: str, stages: Sequence[Any]
    ) -> Any:
        """The shape of an adjoint from its terms."""
        shapes = {mark.name: self.model.shapes.get(n, ()) for n, mark in names.items()}
        stated = {
            mark.name: self.model.known[n] for n, mark in names.items() if n in self.model.known
        }
        known = Knowledge(stated)
        algebra = Algebra(known)
        source = source_indices(self.model.shapes.get(name, ()))
        substituted = canonical(evaluated(sum_of(*(whole for whole, _ in terms))))
        by_name = algebra.contracted(evaluated(sum_of(*(named for _, named in terms))))
        stated_by = self._stated(stages, names, algebra)
        closed: Expr | None = None
        rewritings: tuple[tuple[Expr, str], ...] = ()
        if not substituted.has(Diff) and array_cost(substituted) <= 3 * self.limit:
            sums = constant_sums(stated_by, stated_by.balanced(), known)
            if sums:
                known = known.with_sums(sums)
                algebra = Algebra(known)
            form = array_forms(substituted, algebra)[0]
            lines = named_by_stages(form.formula, stated_by, algebra) if stated_by else []
            best = lines[-1][0] if lines else form.formula
            if array_cost(best) <= self.limit:
                closed, rewritings = best, (*form.rewritings, *lines)
        return ArrayShape(
            closed,
            substituted,
            by_name,
            rewritings,
            self.target_at,
            source,
            shapes,
            known,
            stated_by,
        )

    def _stated(
        self, stages: Sequence[Stage], names: Mapping[str, Symbol], algebra: Algebra
    ) -> Stated:
        """The definitions of stages over a shape's placeholders."""
        facts: dict[Expr, Facts] = {}
        rows: dict[Expr, tuple[Expr, dict[Basic, Basic]]] = {}
        for stage in stages:
            template: Any = stage.parsed.template
            if id(template) not in self._facts:
                self._facts[id(template)] = Facts.of(template.written)
            entry = entry_of(names[stage.name], template.indices)
            marks: dict[Basic, Basic] = {
                placeholder(k): names[n] for k, n in enumerate(stage.inputs)
            }
            own = {str(mark): str(name) for mark, name in marks.items()}
            facts[entry] = self._facts[id(template)].named(own)
            rows[entry] = template.written, marks
        return Stated(facts, lambda entry: algebra.contracted(evaluated(rename(*rows[entry]))))

    def _instance(self, name: str, users: tuple[str, ...], names: Any, shape: Any) -> Any:
        symbols: dict[Basic, Basic] = {mark: Symbol(used) for used, mark in names.items()}
        symbols[TARGET] = Symbol(self.target)
        if shape.closed is not None:
            self._formulas[name] = (shape.closed, tuple(names))
        return ArrayPartial(self.target, name, users, shape, symbols, self.model.shapes, self.taken)

    def operations(self) -> dict[str, Any]:
        """Multiplications on links in the sizes of the arrays, forward and backward.

        Backward, each link meets the adjoint of the target once; forward, each entry of each
        source is carried through the links after it.
        """
        used = {key: _uses(link) for key, link in self.links.items()}  # type: ignore[arg-type]
        backward = Add(*used.values()) * self._count(self.target)
        forward: Expr = S.Zero
        for source in self.sources:
            reached = {source}
            for (stage, name), size in used.items():
                if name in reached:
                    reached.add(stage)
                    forward += self._count(source) * size
        return {"forward": factor_terms(expand(forward)), "reverse": factor_terms(expand(backward))}

    def _count(self, name: str) -> Expr:
        """The number of entries of an array."""
        return Mul(*self.model.shapes.get(name, ()))


def _uses(link: ArrayLink) -> Expr:
    """The entries of a link that are not zero: indices that deltas tie count once."""
    total: Expr = S.Zero
    for term in Add.make_args(link.kind.formula):
        groups = [{index} for index in (*link.kind.template.indices, *link.kind.source)]
        for found in Mul.make_args(term):
            if isinstance(found, KroneckerDelta):
                touched = [g for g in groups if g & found.free_symbols]
                merged = set().union(*touched)
                groups = [g for g in groups if g not in touched]
                groups += [merged] if merged and len(touched) > 1 else touched[:1]
        total += Mul(*(min(group, key=str).size for group in groups))
    return total
