"""Independent verdicts on array models: every line, matrix notation, and the gradient in numbers.

The gradient is compared with central differences of the model itself, written out entry by entry
at small sizes and evaluated by mpmath: along a random direction first, in which every entry counts;
where that fails, entry by entry.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mpmath import isfinite, mp, mpf
from sympy import Expr

from symderive.array_certify import certify_array
from symderive.array_chain import ArrayChain
from symderive.array_links import ArrayLinkKind
from symderive.array_partials import BAR, ArrayPartial, ArrayShape, barred
from symderive.array_points import At, Entries, Held, Numbers, drawn_points, flat_numbers, own_point
from symderive.array_structured import StructuredPartial
from symderive.certify import TOLERANCE
from symderive.checking import (
    MAX_STAGES_DIFFERENCED,
    Check,
    Report,
    by_difference,
    checks_of,
    told_point,
)
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.concrete import entry_name
from symderive.formulas.arrays.ops import entry
from symderive.formulas.arrays.structures import Structure
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.evaluate import evaluate
from symderive.formulas.inert import OUTPUT, Diff
from symderive.formulas.written import evaluated
from symderive.model import Model
from symderive.sampling import DIGITS, SEED
from symderive.steps import Certificate

PRECISIONS = ((DIGITS // 2, 3 * DIGITS), (DIGITS, 6 * DIGITS))
"""Decimal places of the step of a difference, and the digits that values have."""

COMPUTED_TOLERANCE, SHORT_TOLERANCE = 1e-6, 1e-2
"""How far the entries of a computed gradient may be off, in float64 and float32, against its
largest: wide, for a wrong program is far off, and a model may be badly conditioned."""

MAX_SHOWN = 24
"""Entries of a point that a report names."""


def check_arrays(model: Model, chain: ArrayChain) -> Report:
    """Check every line of a derivation, and its gradient against the model itself."""
    return Report(tuple(_lines(chain)), tuple(gradient_checks(model, chain)))


# Lines --------------------------------------------------------------------------------------------


def _lines(chain: ArrayChain) -> Iterable[Check]:
    """The lines of each kind of link and of each kind of partial derivative, once."""
    seen: set[int] = set()
    for (stage, source), link in chain.links.items():
        kind = link.kind
        if id(kind) in seen:
            continue
        seen.add(id(kind))
        yield from checks_of(f"∂{stage}/∂{source}", kind.lines)
        assert isinstance(kind, ArrayLinkKind)
        if kind.tree is not None:
            yield Check(f"∂{stage}/∂{source} in matrix notation", _notation_of_link(kind))
    for name, partial in chain.partials.items():
        if id(partial.shape) in seen:
            continue
        seen.add(id(partial.shape))
        assert isinstance(partial, ArrayPartial)
        subject = f"∂{partial.target}/∂{name}"
        yield Check(subject, partial.certificate)
        shape = partial.shape
        told = shape.closed if shape.closed is not None else shape.by_name
        yield Check(f"{subject} in matrix notation", _read_back(shape, told, shape.tree))
        if partial.through is not None:
            what = f"{subject} in matrix notation, through its stages"
            yield Check(what, partial.through_certificate)
        if shape.program != shape.tree:
            computed = _read_back(shape, shape.by_name, shape.program)
            yield Check(f"{subject} as it is computed", computed)


def _notation_of_link(kind: ArrayLinkKind) -> Certificate:
    """Whether the matrix line of a link says what its index line says."""
    template = kind.template
    shapes = {**template.shape_of(), OUTPUT.name: template.shape}
    assert kind.tree is not None
    read = evaluated(entry(kind.tree, (*template.indices, *kind.source)))
    found = certify_array(kind.formula, read, template.algebra(), shapes)
    if found.passed or not kind.output.is_Symbol:
        return found
    definition = {kind.output: evaluated(template.written)}  # its name may stand for what it is
    return certify_array(kind.formula, read, template.algebra(), shapes, definition)


def _read_back(shape: ArrayShape, formula: Expr, tree: Tree) -> Certificate:
    """Whether an adjoint in matrix notation says what its index formula says."""
    shapes = dict(shape.shapes)
    for name, own in shape.shapes.items():
        shapes[f"{BAR}{name}"] = (*(index.size for index in shape.target), *own)
    read = evaluated(entry(tree, shape.indices))
    algebra = algebra_under(shape.known)
    found = certify_array(barred(formula), read, algebra, shapes)
    if found.passed or not any(entry_.is_Symbol for entry_ in shape.stated):
        return found
    return certify_array(barred(formula), read, algebra, shapes, shape.stated)


# The gradient -------------------------------------------------------------------------------------


MAX_SIZES_TRIED = 6
"""Sizes at which a derivative is looked for that exists: X @ X.T with more rows has no inverse."""


def gradient_checks(model: Model, chain: ArrayChain) -> Iterable[Check]:
    """The derivative by each source against differences of the model."""
    sources = [name for name in chain.sources if name in chain.partials]
    if not sources or len(model.stages) > MAX_STAGES_DIFFERENCED:
        return
    first: list[Check] = []
    for found in islice(points_of(model, chain.target), MAX_SIZES_TRIED):
        at_point = AtPoint(chain, *found)
        checks = [check for name in sources for check in at_point.checks(name)]
        checks += at_point.by_name()
        if all(check.certificate.verdict != "unknown" for check in checks):
            yield from checks
            return
        first = first or checks
    yield from first


def computed_checks(
    model: Model, chain: ArrayChain, gradient: Mapping[str, object]
) -> Iterable[Check]:
    """Where the gradient that a function has computed at the model's own values is another one.

    Args:
        model: The model, with values.
        chain: The derivatives, which are evaluated at many digits.
        gradient: What the function gives, by name.
    """
    found = own_point(model, chain.target)
    if found is None:
        return
    at_point = AtPoint(chain, *found)
    for name, computed in gradient.items():
        exact = at_point.derivatives(name)
        numbers = dict(zip(exact, flat_numbers(computed)[0], strict=True))
        short = str(getattr(computed, "dtype", "")) == "float32"
        largest = max((abs(value) for value in exact.values() if isfinite(value)), default=mpf(0))
        allowed = (SHORT_TOLERANCE if short else COMPUTED_TOLERANCE) * max(largest, 1)
        for place, value in exact.items():
            if isfinite(value) and abs(numbers[place] - value) > allowed:
                told = f"{mp.nstr(value, 12)}, computed as {numbers[place]:.12g} at {place[1]}"
                verdict = Certificate("refuted", told, 1, DIGITS, SEED, at_point.shown())
                yield Check(f"∂{chain.target}/∂{name} as the function computes it", verdict)
                break


def points_of(model: Model, target: str) -> Iterable[tuple[Entries, Numbers]]:
    """The model's own sizes and values where they are complete and few, else seeded points."""
    own = own_point(model, target)
    return [own] if own is not None else drawn_points(model, (target,), each=1)


Direction = Mapping[str, mpf]
"""How far each entry of a source moves."""


@dataclass(frozen=True, eq=False)
class AtPoint:
    """A derivation at one point, and differences of its model there.

    Attributes:
        chain: The derivatives.
        entries: The model at concrete sizes.
        point: The number of each entry of the inputs.
    """

    chain: ArrayChain
    entries: Entries
    point: Numbers
    _found: dict[str, dict[tuple[At, At], mpf]] = field(default_factory=dict, repr=False)

    def checks(self, name: str) -> Iterable[Check]:
        """One check of a whole derivative; of its wrong entries, where it fails."""
        subject = f"∂{self.chain.target}/∂{name}"
        mine = self.derivatives(name)
        whole = self.along(name, mine, self._direction(name))
        if self._structure(name) is not None:  # its entries do not move alone
            yield Check(subject, whole)
            return
        kink = whole.method.startswith("a kink")
        if (whole.passed and not kink) or not self.entries.shape(name):
            yield Check(subject, whole)
            return
        singles = {
            at: self.along(name, mine, {entry_name(name, at): mpf(1)})
            for at in self.entries.at(name)
        }
        wrong = {at: found for at, found in singles.items() if not found.passed}
        if not wrong:
            yield Check(subject, next(iter(singles.values())) if kink else whole)
        for at, found in wrong.items():
            yield Check(f"∂{self.chain.target}/∂{entry_name(name, at)}", found)

    def _direction(self, name: str) -> dict[str, mpf]:
        """A random direction, (skew-)symmetric where the matrix is: its factors know no other."""
        noise = random.Random(SEED)
        drawn = {at: mpf(noise.uniform(-1, 1)) for at in self.entries.at(name)}
        known = self.chain.model.properties.get(name, ())
        if {"symmetric", "positive definite"} & set(known):
            drawn = {at: drawn[at] + drawn[*at[:-2], at[-1], at[-2]] for at in drawn}
        if "skew-symmetric" in known:
            drawn = {at: drawn[at] - drawn[*at[:-2], at[-1], at[-2]] for at in drawn}
        structure = self._structure(name)
        if structure is not None and structure.prop.endswith("toeplitz"):
            drawn = {at: drawn[at[0] - min(at), at[1] - min(at)] for at in drawn}
        elif structure is not None and not structure.prop.endswith("symmetric"):
            drawn = {at: value * structure.free(*at) for at, value in drawn.items()}
        return {entry_name(name, at): value for at, value in drawn.items()}

    def _structure(self, name: str) -> Structure | None:
        partial = self.chain.partials[name]
        return partial.structure if isinstance(partial, StructuredPartial) else None

    # Our own derivative in numbers ----------------------------------------------------------

    def derivatives(self, name: str) -> dict[tuple[At, At], mpf]:
        """The entries of ∂target/∂source at the point, by the places in target and source."""
        return self._of_partial(name, self.entries.values(self.point, DIGITS))

    def _of_partial(self, name: str, values: Numbers) -> dict[tuple[At, At], mpf]:
        """Worked out once: many earlier derivatives use the same later one."""
        if name not in self._found:
            self._found[name] = self._worked_out(name, values)
        return self._found[name]

    def _worked_out(self, name: str, values: Numbers) -> dict[tuple[At, At], mpf]:
        partial = self.chain.partials[name]
        assert isinstance(partial, ArrayPartial)
        formula = partial.formula
        if formula.has(Diff):  # a deep model keeps later adjoints by name
            formula, values = partial.local, self._with_adjoints(partial, dict(values))
        formula = evaluated(barred(formula))
        found = {}
        for top in self.entries.at(self.chain.target):
            for below in self.entries.at(name):
                here = self.entries.entry(formula, partial.indices, (*top, *below))
                found[top, below] = evaluate(here, values, DIGITS)
        return found

    def by_name(self) -> Iterable[Check]:
        """Adjoints that are computed from later ones, against what is written out for them."""
        values = self.entries.values(self.point, DIGITS)
        for name, partial in self.chain.partials.items():
            assert isinstance(partial, ArrayPartial)
            if partial.shape.program == partial.shape.tree or partial.formula.has(Diff):
                continue
            known = self._with_adjoints(partial, dict(values))
            apart = self._apart(partial, name, known)
            if apart is not None:
                shown = self.shown()
                verdict = Certificate("refuted", apart, 1, DIGITS, SEED, shown)
                yield Check(f"∂{partial.target}/∂{name} by the adjoints after it", verdict)

    def _apart(self, partial: ArrayPartial, name: str, values: Numbers) -> str | None:
        """Where the two forms of an adjoint differ, at the first entry that does."""
        short, written = (evaluated(barred(f)) for f in (partial.local, partial.formula))
        for top in self.entries.at(self.chain.target):
            for below in self.entries.at(name):
                left, right = (
                    evaluate(self.entries.entry(f, partial.indices, (*top, *below)), values, DIGITS)
                    for f in (short, written)
                )
                if isfinite(left - right) and abs(left - right) > TOLERANCE * max(1, abs(right)):
                    return f"{mp.nstr(left, 12)} against {mp.nstr(right, 12)} at {below}"
        return None

    def _with_adjoints(self, partial: ArrayPartial, values: Numbers) -> Numbers:
        for user in partial.users:
            if user == self.chain.target:
                continue
            for (top, below), value in self._of_partial(user, values).items():
                values[entry_name(f"{BAR}{user}", (*top, *below))] = value
        return values

    # Differences ------------------------------------------------------------------------------

    def along(
        self, name: str, mine: Mapping[tuple[At, At], mpf], direction: Direction
    ) -> Certificate:
        """Every entry of the target along a direction; a smaller step has the last word."""
        for places, digits in PRECISIONS:
            certificate = self._with_step(name, mine, direction, places, digits)
            if certificate.passed:
                break
        return certificate

    def _with_step(
        self,
        name: str,
        mine: Mapping[tuple[At, At], mpf],
        direction: Direction,
        places: int,
        digits: int,
    ) -> Certificate:
        with mp.workdps(digits):
            largest = max((abs(self.point.get(e, 0)) for e in direction), default=mpf(1))
            step = mpf(10) ** -places * max(largest, 1)
            held = self.entries.held(self.point, digits)
            above, here, below = (
                self._moved(direction, sign * step, digits, held) for sign in (1, 0, -1)
            )
            worst: Certificate | None = None
            for top in self.entries.at(self.chain.target):
                stage = entry_name(self.chain.target, top)
                moving = self._moving(name, direction)
                expected = sum((mine[top, at] * far for at, far in moving), mpf(0))
                found = self._compared(
                    expected, (below[stage], here[stage], above[stage]), step, digits
                )
                if not found.passed:
                    return found
                worst = worst or found
            return worst or Certificate("unknown", "the target has no entries")

    def _moving(self, name: str, direction: Direction) -> list[tuple[At, mpf]]:
        places = {entry_name(name, at): at for at in self.entries.at(name)}
        structure = self._structure(name)
        moving = [(places[label], far) for label, far in direction.items()]
        return [(at, far) for at, far in moving if structure is None or structure.free(*at)]

    def _moved(self, direction: Direction, step: mpf, digits: int, held: Held) -> Numbers:
        moves = {entry_: far * step for entry_, far in direction.items()}
        point = {entry_: value + moves.get(entry_, 0) for entry_, value in self.point.items()}
        inner = {entry_: far for entry_, far in moves.items() if entry_ not in point}
        return self.entries.values(point, digits, held, inner)

    def _compared(self, mine: mpf, values: Sequence[mpf], step: mpf, digits: int) -> Certificate:
        sizes = ", ".join(f"{name} = {size}" for name, size in self.entries.sizes.items())
        where = f" for {sizes}" if sizes else ""
        return by_difference(mine, values, step, digits, self.shown(), where)

    def shown(self) -> tuple[tuple[str, str], ...]:
        """The sizes and values of the point, as text."""
        sizes = [(name, str(size)) for name, size in self.entries.sizes.items()]
        return tuple([*sizes, *told_point(self.point)][:MAX_SHOWN])
