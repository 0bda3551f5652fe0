"""The chain rule over the stages: adjoints by reverse accumulation, closed forms, paths.

The adjoint of a name v is ∂target/∂v = Σ ∂target/∂u · ∂u/∂v over the stages u that use it. It is
written out in stage names while it stays short; else it keeps the adjoints of later stages by name
(``Diff(target, u)``), so that a deep model stays linear in its stages. Sums that are the same up to
names are simplified and certified once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sympy import Add, Basic, Expr, Function, Pow, S, Symbol

from symderive.adjoints import AdjointShape, adjoint_shape
from symderive.conditions import positive_in
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.parsing import Template
from symderive.formulas.written import evaluated, parts_of, rename
from symderive.links import Link, LinkKind, natural
from symderive.model import Model
from symderive.partials import Partial, Partials
from symderive.regular import scales_of
from symderive.relations import Definition
from symderive.stages import Stage

MAX_WRITTEN_OUT = 40.0
"""The cost up to which an adjoint is written out in stage names."""

DEEP, MAX_DEEP = 24, 12.0
"""A model with more stages on its paths than this names its adjoints sooner."""

RECURRENT = 4
"""So does one with more steps of one formula, each of the one before: a recurrence."""

MAX_PATHS_SHOWN = 8

MAX_FORMS, MAX_WAYS = 24, 4
"""Forms of a link that it may be computed by."""

MAX_DEFINITIONS = 12
"""Stages whose definitions a closed form may use."""

KindKey = tuple[int, int, str, frozenset[int], frozenset[int]]
"""A template, a place in it, a method, and the places of positive names."""


class Chain:
    """All partial derivatives of one target, by reverse accumulation.

    Args:
        model: The model.
        target: A stage.
        sources: The inputs or stages to differentiate by.
        kinds: The link kinds derived so far, shared between the chains of a derivation.
        shapes: The sums simplified so far, likewise.
    """

    def __init__(
        self,
        model: Model,
        target: str,
        sources: Sequence[str],
        kinds: dict[KindKey, LinkKind],
        shapes: dict[object, Any] | None = None,
    ) -> None:
        self.model, self.target, self.sources = model, target, tuple(sources)
        self._kinds = kinds
        self._shapes: dict[object, AdjointShape] = {} if shapes is None else shapes
        self._firm: dict[str, frozenset[int]] = {}
        self._scales: dict[tuple[int, int], frozenset[Expr]] = {}
        self._own: dict[int, list[int]] = {}
        self._formulas: dict[str, tuple[Expr, tuple[str, ...]]] = {}
        self._reached = reached = {target, *model.ancestors(target)}
        self._moving = self._between(reached)
        stages = [stage for stage in model.stages.values() if stage.name in self._moving]
        self.deep = len(stages) > DEEP or _repeats(stages) > RECURRENT
        self.limit = MAX_DEEP if self.deep else MAX_WRITTEN_OUT

    def _between(self, reached: set[str]) -> set[str]:
        """The names on a path from a source to the target."""
        moving = {name for name in self.sources if name in reached}
        for stage in self.model.stages.values():
            if stage.name in reached and any(name in moving for name in stage.inputs):
                moving.add(stage.name)
        return moving

    def on_path(self, name: str) -> bool:
        """Whether a name lies on a path from a source to the target."""
        return name in self._moving

    def users(self, name: str) -> tuple[str, ...]:
        """The stages on a path to the target that use a name."""
        return tuple(user for user in self.model.users[name] if user in self._moving)

    @cached_property
    def links(self) -> dict[tuple[str, str], Link]:
        """The links on the paths, by (stage, source), in order of computation."""
        return {
            (stage.name, name): self.link(stage.name, name)
            for stage in self.model.stages.values()
            if stage.name in self._moving
            for name in stage.inputs
            if name in self._moving
        }

    method = "auto"
    """The row of ``METHODS`` that every link uses where it is natural."""
    structured = False
    """Whether the entries of inputs that properties tie move together."""

    def link(self, stage: str, source: str, method: str = "") -> Link:
        """The link ∂stage/∂source, by a method of its own or the one that all links use."""
        row = self.model.stages[stage]
        template, place = row.parsed.template, row.inputs.index(source)
        method = method or natural(self.method, template, place)
        firm = self._firm_places(stage)
        moving = self._moving_places(row, place)
        key = (id(template), place, method, firm, moving)
        if key not in self._kinds:
            self._kinds[key] = LinkKind(template, place, method, firm, moving)
        return Link(row, source, self._kinds[key])

    def _moving_places(self, row: Stage, place: int) -> frozenset[int]:
        """The places of scales that are computed too: the o of o·tanh c, the x of x·tanh(w(x))."""
        source, stages = self.model.stages.get(row.inputs[place]), self.model.stages
        inside = source.inputs if source is not None and len(source.inputs) == 1 else ()
        moving = {k for k, n in enumerate(row.inputs) if n in stages or n in inside} - {place}
        if not moving:
            return frozenset()
        key = (id(row.parsed.template), place)
        if key not in self._scales:
            written = evaluated(row.parsed.template.written)
            self._scales[key] = scales_of(written, placeholder(place))
        scales = self._scales[key]
        return frozenset(k for k in moving if placeholder(k) in scales)

    def _firm_places(self, stage: str) -> frozenset[int]:
        if stage not in self._firm:
            inputs = enumerate(self.model.stages[stage].inputs)
            self._firm[stage] = frozenset(k for k, n in inputs if n in self.model.firm)
        return self._firm[stage]

    def _positive(self, source: str) -> frozenset[str]:
        """The names that are positive wherever the stages between a name and the target are."""
        if self.deep:
            return self.model.firm
        found, queue, seen = set(self.model.firm), [source], {source}
        while queue:
            for user in self.users(queue.pop()):
                if user not in seen:
                    seen.add(user)
                    queue.append(user)
                    stage = self.model.stages[user]
                    names = dict(enumerate(stage.inputs))
                    found.update(names[k] for k in self._positive_places(stage.parsed.template))
        return frozenset(found)

    def _positive_places(self, template: Template) -> list[int]:
        if id(template) not in self._own:
            own = positive_in(evaluated(template.written))
            self._own[id(template)] = [k for k in range(template.size) if placeholder(k) in own]
        return self._own[id(template)]

    @cached_property
    def partials(self) -> Mapping[str, Partial]:
        """The partial derivatives by every name on a path, the last stages first.

        Each is made when it is asked for, after those of the stages between.
        """
        stages = [name for name in reversed([*self.model.stages]) if name in self._moving]
        inputs = [name for name in self.sources if name not in self.model.stages]
        names = (*stages, *(name for name in inputs if name in self._moving))
        return Partials([name for name in names if name != self.target], self)

    # One adjoint --------------------------------------------------------------------------

    def partial_of(self, name: str) -> Partial:
        """The partial derivative by a name on a path; those between are made already."""
        users = self.users(name)
        names: dict[str, Symbol] = {}

        def mark(used: str) -> Symbol:
            return names.setdefault(used, placeholder(len(names)))

        parts, key = [], []
        for user in users:
            link = self.links[user, name]
            adjoint, adjoint_names = self._adjoint(user)
            marks = tuple(mark(n).name for n in adjoint_names)
            key.append((adjoint, marks, self._marked(link, user, mark)))
            parts.append((adjoint, adjoint_names, link, user))
        single = users == (self.target,) and not self._siblings(name)
        stages = [] if self.deep or single else self._definitions(name, names, mark)
        used = tuple(
            (
                names[stage.name].name,
                id(stage.parsed.template),
                *(mark(n).name for n in stage.inputs),
            )
            for stage in stages
        )
        firm = self._positive(name) if not single else ()
        positive = tuple(mark for used, mark in names.items() if used in firm)
        shape_key = (tuple(key), used, positive, self.limit, self.model.shapes.get(self.target))
        if shape_key not in self._shapes:
            terms = [
                self._term(adjoint, adjoint_names, link, names, user)
                for adjoint, adjoint_names, link, user in parts
            ]
            self._shapes[shape_key] = self._made(terms, names, name, stages, positive)
        return self._instance(name, users, names, self._shapes[shape_key])

    def _marked(self, link: Any, user: str, mark: Callable[[str], Symbol]) -> tuple[object, ...]:
        """What makes a link the same as others, with marks for the names in it."""
        return id(link.kind), *(mark(name).name for name in (*link.stage.inputs, user))

    def _term(
        self,
        adjoint: Expr,
        adjoint_names: tuple[str, ...],
        link: Link,
        names: Mapping[str, Symbol],
        user: str,
    ) -> Any:
        """One term: the adjoint written out and by name, the link to read and to compute."""
        marks = {**marks_of(link.stage.inputs, names), OUTPUT: names[user]}
        return (
            rename(adjoint, marks_of(adjoint_names, names)),
            Diff(_TARGET, names[user]),
            rename(link.kind.formula, marks),
            [rename(way, marks) for way in _ways(link.kind)],
        )

    def _made(
        self,
        terms: Sequence[Any],
        names: Mapping[str, Symbol],
        name: str,
        stages: Sequence[Stage],
        positive: Sequence[Symbol],
    ) -> Any:
        """The sum of the terms as a shape, shared by all that are the same up to names."""
        definitions = {
            names[stage.name]: Definition(
                rename(stage.parsed.template.written, marks_of(stage.inputs, names)),
                f"definition of {names[stage.name]}",
            )
            for stage in stages
        }
        beside = {
            mark for n, mark in names.items() if n in self.model.stages and n not in self._reached
        }
        return adjoint_shape(list(terms), self.limit, definitions, beside, frozenset(positive))

    def _definitions(
        self, source: str, names: Mapping[str, Symbol], mark: Callable[[str], Symbol]
    ) -> list[Stage]:
        """The stages that a closed form may speak of: those it names, and what is inside them.

        ∂target/∂v holds for every value of v, and so do the derivatives before it: the definitions
        of v and of the stages that it comes from stay out.
        """
        inside = self.model.ancestors(source) & self._moving | {source}
        found: dict[str, Stage] = {}
        queue = [*names]
        while queue and len(found) < MAX_DEFINITIONS:
            name = queue.pop(0)
            if name in self.model.stages and name not in found:
                stage = self.model.stages[name]
                queue += stage.inputs
                if name not in inside:
                    found[name] = stage
        for stage in found.values():
            for name in (stage.name, *stage.inputs):
                mark(name)
        beside = self._beside({*names} | found.keys(), inside | found.keys())
        for stage in beside[: MAX_DEFINITIONS - len(found)]:
            mark(stage.name)
            found[stage.name] = stage
        return [*found.values()]

    def _siblings(self, name: str) -> bool:
        """Whether a stage beside the target says something of its derivative by a name.

        It shares a part with one of them: q = e^b/(e^a + e^b) with −e^b·p²/e^a.
        """
        target = self.model.stages[self.target]
        inside = self.model.ancestors(name) | {name}
        beside = self._beside({*target.inputs}, inside)
        if not beside:
            return False
        parts = _parts(target.written) | _parts(self.links[self.target, name].formula)
        return any(parts & _parts(stage.written) for stage in beside)

    def _beside(self, names: set[str], known: set[str]) -> list[Stage]:
        """Stages that the target does not use, of names that it does: p₂ in −p₁·p₂."""
        if len(self.model.stages) > MAX_DEFINITIONS:
            return []
        return [
            stage
            for stage in self.model.stages.values()
            if stage.name not in self._reached
            and stage.name not in known
            and names.issuperset(stage.inputs)
        ]

    def _adjoint(self, user: str) -> tuple[Expr, tuple[str, ...]]:
        """The adjoint of a user over its own placeholders, and the names that fill them."""
        if user == self.target:
            return S.One, ()
        return self._formulas.get(user, (_NAMED_ADJOINT, (user,)))

    def _instance(
        self, name: str, users: tuple[str, ...], names: dict[str, Symbol], shape: AdjointShape
    ) -> Partial:
        symbols: dict[Basic, Basic] = {mark: Symbol(used) for used, mark in names.items()}
        symbols[_TARGET] = Symbol(self.target)
        if shape.closed is not None:
            self._formulas[name] = (shape.closed, tuple(names))
        return Partial(self.target, name, users, shape, symbols)

    # Paths --------------------------------------------------------------------------------

    def count_paths(self, source: str) -> int:
        """The number of paths from a name to the target."""
        counts = {self.target: 1}
        for name in reversed([*self.model.stages]):
            if name != self.target and name in self._moving:
                counts[name] = sum(counts.get(user, 0) for user in self.users(name))
        if source in counts:
            return counts[source]
        return sum(counts.get(user, 0) for user in self.users(source))

    def operations(self) -> dict[str, int]:
        """How often a link is multiplied or a product added, forward and backward.

        Backward, each link is used once for all sources; forward, once for each source before it.
        """
        backward = len(self.links) + sum(
            max(len(self.users(name)) - 1, 0) for name in self.partials
        )
        forward = 0
        for source in self.sources:
            reached = {source}
            for stage in self.model.stages.values():
                inputs = [n for n in stage.inputs if n in reached and n in self._moving]
                if inputs and stage.name in self._moving:
                    reached.add(stage.name)
                    forward += 2 * len(inputs) - 1
        return {"forward": forward, "reverse": backward}

    def paths(self, source: str, limit: int = MAX_PATHS_SHOWN) -> list[tuple[str, ...]]:
        """The paths from a name to the target, shortest first, at most ``limit``."""
        found: list[tuple[str, ...]] = []
        queue: list[tuple[str, ...]] = [(source,)]
        while queue and len(found) < limit:
            path = queue.pop(0)
            if path[-1] == self.target:
                found.append(path)
            else:
                queue += [(*path, user) for user in self.users(path[-1])]
        return found


def _repeats(stages: Sequence[Stage]) -> int:
    """How many stages of one formula follow one another: the steps of a recurrence."""
    times = Counter(id(stage.parsed.template) for stage in stages)
    before: dict[str, Counter[int]] = {}
    for stage in stages if max(times.values(), default=0) > RECURRENT else ():
        own = before[stage.name] = Counter()
        for name in stage.inputs:
            own |= before.get(name, own)
        own[id(stage.parsed.template)] += 1
    return max((n for own in before.values() for n in own.values()), default=0)


def _parts(formula: Expr) -> set[Basic]:
    """The functions, sums and roots in a formula."""
    return evaluated(formula).atoms(Add, Function, Pow)


_TARGET = Symbol("_target")
_NAMED_ADJOINT = Diff(_TARGET, placeholder(0))


def marks_of(inputs: Sequence[str], names: Mapping[str, Symbol]) -> dict[Basic, Basic]:
    """What stands for the placeholders of a formula, by its names."""
    return {placeholder(k): names[name] for k, name in enumerate(inputs)}


def _ways(kind: LinkKind) -> list[Expr]:
    """What a link may be computed by: its safe form, and others that do not speak of the stage.

    Those with no new functions come first, then as many others, then what the rules gave.
    """
    raw = kind.step_by("quotient").result
    known = {type(part) for part in parts_of(raw, Function)}
    forms = [form.formula for form in kind.forms[:MAX_FORMS] if not form.scales]
    own = [form for form in forms if not form.has(OUTPUT)]
    old = [f for f in own if {type(part) for part in parts_of(f, Function)} <= known][:MAX_WAYS]
    new = [form for form in own if form not in old][:MAX_WAYS]
    return [kind.to_compute, *old, *new, raw]
