"""The chain rule over stages that are arrays: adjoints by reverse accumulation, in index notation.

∂L/∂v_a = Σ_u Σ_i ∂L/∂u_i · ∂u_i/∂v_a over the stages u that use v and over their entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sympy import Add, Basic, Expr, KroneckerDelta, Mul, S, Symbol, expand, factor_terms
from sympy import Sum as SympySum

from symderive.array_forms import array_cost, array_forms
from symderive.array_links import ArrayLink, ArrayLinkKind
from symderive.array_model import (
    source_indices,
    stage_indices,
    stage_tree,
    target_indices,
)
from symderive.array_partials import TARGET, ArrayPartial, ArrayShape
from symderive.array_relations import Facts, Stated, named_by_stages
from symderive.array_steps import Steps, template_of
from symderive.array_structured import structured_partial
from symderive.array_sums import constant_sums
from symderive.chain import Chain, marks_of
from symderive.formulas.arrays.algebra import Algebra, algebra_under
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import Part, bound, entry_of, fresh, sigma, substitute
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.solving import matrices_solved
from symderive.formulas.arrays.structures import Structure, structure_of
from symderive.formulas.arrays.syntax import Tree, sizes_in
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.written import evaluated, product, rename, sum_of
from symderive.model import Model
from symderive.stages import Stage

MAX_WRITTEN_OUT = 32.0
"""The cost up to which an adjoint is written out in stage names."""

MOST_SUMMED = 6
"""The indices of one sum up to which it is: P.T @ P.T @ … of a loop goes on for ever."""


INVERTED, MOST_PUT_IN = frozenset({"inv", "pinv"}), 8
"""Operations that cancel with what stages hide, and the stages up to which they are put in."""


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
        template: Any = row.parsed.template
        place, method = row.inputs.index(source), method or "auto"
        tree, picks = self._steps.common(template, place)
        alike = (tree, template.shapes, *sorted(template.known.stated.items()))
        key: Any = (alike if picks else id(template), place, method)
        if key not in self._kinds:
            kind = ArrayLinkKind(template_of(template, tree, picks), place, method)
            self._kinds[key] = kind
        return ArrayLink(row, source, self._kinds[key], self.taken, picks)  # type: ignore[arg-type]

    @cached_property
    def _steps(self) -> Steps:
        return Steps(stage.parsed.template for stage in self.model.stages.values())  # type: ignore[misc]

    def _siblings(self, name: str) -> bool:
        """Whether a stage beside the name is made of rows that sum to one: smoothed labels.

        A determinant that is a short number says something of its own derivative.
        """
        template: Any = self.model.stages[self.target].parsed.template
        if not template.shape and any(p.op == "det" for p in template.written.atoms(Part)):
            return True
        for other in self.model.stages[self.target].inputs:
            stage = self.model.stages.get(other)
            if stage is not None and other != name:
                known = Knowledge({n: self.model.known.get(n, ()) for n in stage.inputs})
                if known.having("stochastic"):
                    return True
        return False

    @cached_property
    def _solved(self) -> frozenset[Tree]:
        """The matrices of the linear systems that the model solves."""
        symmetric = Knowledge(self.model.known).symmetric()
        return matrices_solved(map(stage_tree, self.model.stages.values()), symmetric)

    @cached_property
    def _has_kroneckers(self) -> bool:
        """Whether some stage speaks of a Kronecker product."""
        trees = map(stage_tree, self.model.stages.values())
        return any(is_op(part, "kron") for tree in trees for part in tree.walk())

    @cached_property
    def _inverting(self) -> Mapping[str, Tree]:
        """What the stages are made of, where some matrix is inverted: residuals are orthogonal."""
        reached = self._reached - {self.target}
        rows = [stage for stage in self.model.stages.values() if stage.name in reached]
        written = {stage.name: stage.formula for stage in rows[: MOST_PUT_IN + 1]}
        hiding = any(p.op in INVERTED for f in written.values() for p in f.atoms(Part))
        hiding = hiding or any(is_op(stage_tree(stage), "mean") for stage in rows)
        if not hiding or len(written) > MOST_PUT_IN:
            return {}
        return {
            stage.name: Matrices(self.model.shapes).tree(
                written[stage.name],
                stage.parsed.template.indices,  # type: ignore[attr-defined]
            )
            for stage in rows
        }

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that indices may not have: the model's own and those of its sizes."""
        sizes = map(str, sizes_in(self.model.shapes.values()))
        names = (*self.model.names, *self.model.parameters, *sizes)
        return frozenset((*names, *(name.rstrip("_") for name in names)))  # i_ is shown as i

    def _adjoint(self, user: str) -> tuple[Expr, tuple[str, ...]]:
        if user == self.target:
            return S.One, ()
        if user in self._formulas:
            return self._formulas[user]
        at = source_indices(self.model.shapes.get(user, ()))
        return Diff(entry_of(TARGET, self.target_at), entry_of(placeholder(0), at)), (user,)

    def _marked(self, link: Any, user: str, mark: Callable[[str], Symbol]) -> tuple[object, ...]:
        if not self.deep:
            return super()._marked(link, user, mark)
        formula = link.placed(link.kind.formula)  # the steps of a loop often share it
        used = {symbol.name for symbol in formula.free_symbols}
        inputs = enumerate(link.stage.inputs)
        marks = ((k, mark(n).name) for k, n in inputs if placeholder(k).name in used)
        return formula, *marks, mark(user).name

    def _term(
        self,
        adjoint: Expr,
        adjoint_names: tuple[str, ...],
        link: Any,
        names: Mapping[str, Symbol],
        user: str,
    ) -> Any:
        """(Σ adjoint·link, the same with the adjoint by name), over this shape's placeholders."""
        adjoint = rename(adjoint, marks_of(adjoint_names, names))
        inputs = enumerate(link.stage.inputs)
        marks = {placeholder(k): names[n] for k, n in inputs if n in names}
        local = rename(link.placed(link.kind.formula), {**marks, OUTPUT: names[user]})
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
        self,
        terms: Sequence[Any],
        names: Mapping[str, Symbol],
        name: str,
        stages: Sequence[Any],
        positive: Sequence[Symbol],
    ) -> Any:
        """The shape of an adjoint from its terms."""
        shapes = {mark.name: self.model.shapes.get(n, ()) for n, mark in names.items()}
        stated = {
            mark.name: self.model.known[n] for n, mark in names.items() if n in self.model.known
        }
        known = Knowledge(stated)
        algebra = algebra_under(known)
        source = source_indices(self.model.shapes.get(name, ()))
        substituted = canonical(evaluated(sum_of(*(whole for whole, _ in terms))))
        by_name = algebra.contracted(evaluated(sum_of(*(named for _, named in terms))))
        stated_by = self._stated(stages, names, algebra)
        closed: Expr | None = None
        rewritings: tuple[tuple[Expr, str], ...] = ()
        if not substituted.has(Diff) and array_cost(substituted) <= 3 * self.limit:
            sums = constant_sums(stated_by, stated_by.balanced(known.having("stochastic")), known)
            if sums:
                known = known.with_sums(sums)
                algebra = algebra_under(known)
            form = array_forms(substituted, algebra)[0]
            lines = named_by_stages(form.formula, stated_by, algebra) if stated_by else []
            best = lines[-1][0] if lines else form.formula
            if array_cost(best) <= self.limit and _summed(best) <= MOST_SUMMED:
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
            alone = {index: S.Zero for index in template.indices if index.size == 1}
            entry = entry_of(names[stage.name], [alone.get(i, i) for i in template.indices])
            marks = marks_of(stage.inputs, names)
            own = {str(mark): str(name) for mark, name in marks.items()}
            facts[entry] = self._facts[id(template)].named(own)
            rows[entry] = substitute(template.written, alone) if alone else template.written, marks
        return Stated(facts, lambda entry: algebra.contracted(evaluated(rename(*rows[entry]))))

    def _instance(self, name: str, users: tuple[str, ...], names: Any, shape: Any) -> Any:
        symbols: dict[Basic, Basic] = {mark: Symbol(used) for used, mark in names.items()}
        symbols[TARGET] = Symbol(self.target)
        if shape.closed is not None:
            self._formulas[name] = self._with_used(shape.closed, names)
        partial = ArrayPartial(
            self.target,
            name,
            users,
            shape,
            symbols,
            self.model.shapes,
            self.taken,
            lambda user: self.partials.get(user),
            self._solved,
            self._has_kroneckers,
            self._inverting,
        )
        structure = self._structure(name)
        return structured_partial(partial, structure) if structure else partial

    def _with_used(self, closed: Expr, names: Mapping[str, Symbol]) -> tuple[Expr, tuple[str, ...]]:
        """A closed form and the names in it; of a loop, no step needs what those before do."""
        if not self.deep:
            return closed, tuple(names)
        free = closed.free_symbols
        used = [name for name, mark in names.items() if mark in free]
        marks: dict[Basic, Basic] = {names[name]: placeholder(k) for k, name in enumerate(used)}
        return rename(closed, marks), tuple(used)

    def _structure(self, name: str) -> Structure | None:
        """How the entries of a matrix are tied, where that is asked for."""
        stated = () if name in self.model.stages else self.model.properties.get(name, ())
        if not self.structured or len(self.model.shapes.get(name, ())) != 2:
            return None
        return structure_of(stated)

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


def _summed(formula: Expr) -> int:
    """The number of indices that a sum of a formula runs over, at most."""
    return max((len(bound(part)) for part in formula.atoms(SympySum)), default=0)


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
