"""Independent verdicts: every line, and the whole gradient against values no rule produced."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpmath import isfinite, mp, mpf
from sympy import Expr, Symbol

from symderive.certify import TOLERANCE
from symderive.chain import Chain
from symderive.display import table
from symderive.errors import ModelError
from symderive.formulas.inert import Diff
from symderive.model import Model
from symderive.sampling import DIGITS, SEED, held_constant, number_at, points, stopped
from symderive.steps import Certificate, Line

if TYPE_CHECKING:
    from symderive.derivation import Derivation


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        subject: What was checked, such as ``∂A2/∂A1, line 3``.
        certificate: The verdict and how it was reached.
    """

    subject: str
    certificate: Certificate

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.certificate.passed

    def __str__(self) -> str:
        return f"{self.subject}: {self.certificate}"


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a derivation.

    Attributes:
        lines: The verdict of each line of each kind of link and of each partial derivative.
        gradient: The gradient against differences of the model itself, by name.
    """

    lines: tuple[Check, ...]
    gradient: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in (*self.lines, *self.gradient))

    def counts(self) -> dict[str, int]:
        """How many checks ended with each verdict."""
        found: dict[str, int] = {}
        for check in (*self.lines, *self.gradient):
            verdict = check.certificate.verdict
            found[verdict] = found.get(verdict, 0) + 1
        return found

    def _repr_html_(self) -> str:
        """The checks as a notebook shows them."""
        checks = (*self.lines, *self.gradient)
        rows = [(c.subject, c.certificate.verdict, c.certificate.method) for c in checks]
        return table(("", "verdict", "how"), rows, str(self).partition("\n")[0])

    def __str__(self) -> str:
        shown = ", ".join(f"{count} {verdict}" for verdict, count in self.counts().items())
        lines, slopes = _counted(self.lines, "line"), _counted(self.gradient, "derivative")
        rows = [f"{lines} and {slopes} checked{': ' if shown else ''}{shown}"]
        for check in (*self.lines, *self.gradient):
            if not check.passed:
                point = ", ".join(f"{n} = {v}" for n, v in check.certificate.counterexample)
                where = f" at {point}" if point else ""
                verdict, method = check.certificate.verdict, check.certificate.method
                rows.append(f"  {check.subject}: {verdict}: {method}{where}")
        return "\n".join(rows)


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


Computed = Callable[[Mapping[str, float]], Mapping[str, float]]
"""The gradient at a point as the emitted function gives it."""


def check(model: Model, chain: Chain, computed: Computed | None = None) -> Report:
    """Check every line of a derivation, its gradient against the model itself, and the function.

    Args:
        model: The model.
        chain: Its derivatives.
        computed: The emitted function's gradient, which is run at the same point.
    """
    return Report(tuple(lines_checked(chain)), tuple(_gradient(model, chain, computed)))


def checked(derivation: Derivation) -> Report:
    """The report of a derivation of scalars: its lines, its gradient, and its emitted function."""
    function, inputs = derivation.function(), {*derivation.inputs}

    def computed(point: Mapping[str, float]) -> Mapping[str, float]:
        return function(**{name: value for name, value in point.items() if name in inputs})[1]

    return check(derivation.model, derivation.chain(), computed)


def lines_checked(chain: Chain) -> Iterable[Check]:
    """The lines of each kind of link once, and of each kind of partial derivative once."""
    seen: set[int] = set()
    for (stage, source), link in chain.links.items():
        if id(link.kind) in seen:
            continue
        seen.add(id(link.kind))
        yield from checks_of(f"∂{stage}/∂{source}", link.kind.lines)
    for name, partial in chain.partials.items():
        if id(partial.shape) not in seen:
            seen.add(id(partial.shape))
            yield Check(f"∂{partial.target}/∂{name}", partial.certificate)


def checks_of(subject: str, lines: Iterable[Line]) -> Iterable[Check]:
    """The verdict on each line of a derivation, by its number."""
    for number, line in enumerate(lines, 1):
        if line.certificate is not None:
            yield Check(f"{subject}, line {number}", line.certificate)


MAX_LOST = 60_000
"""Digits that values may share and still be subtracted."""

MAX_STAGES_DIFFERENCED = 300
"""Beyond this the gradient is checked by its parts alone: each kind of line once."""


def _gradient(model: Model, chain: Chain, computed: Computed | None) -> Iterable[Check]:
    sources = [name for name in chain.sources if name in chain.partials]
    if not sources or len(model.stages) > MAX_STAGES_DIFFERENCED:
        return
    point = _point(model, chain.target)
    if point is None:
        return
    adjoints = adjoint_values(model, chain, point)
    for name in sources:
        yield Check(
            f"∂{chain.target}/∂{name}", against_difference(model, chain, name, point, adjoints)
        )
    if computed is not None:
        yield from _computed(chain, point, adjoints, computed)


COMPUTED_TOLERANCE = 1e-6
"""How far a computed derivative may be off, against itself or 1: wide, for a wrong program is far
off, and a model may be badly conditioned."""


def _computed(
    chain: Chain, point: Mapping[str, mpf], adjoints: Mapping[str, mpf], computed: Computed
) -> Iterable[Check]:
    """Where the emitted function's gradient is another one at the point of the differences."""
    subject = "as the function computes it"
    shown = told_point(point)
    try:
        found = computed({name: float(value) for name, value in point.items()})
    except (ArithmeticError, ImportError, ModelError):
        return  # beyond what floats hold, or a function that there are no numbers for
    except ValueError as error:
        told = f"the function has no value: {error}"
        yield Check(subject, Certificate("refuted", told, 1, DIGITS, SEED, shown))
        return
    for name, number in found.items():
        exact = adjoints.get(name, mpf(0))
        if not isfinite(exact) or abs(exact) > sys.float_info.max:
            continue
        if not abs(exact - number) <= COMPUTED_TOLERANCE * max(abs(exact), 1):
            told = f"{mp.nstr(exact, 12)}, computed as {number:.12g}"
            verdict = Certificate("refuted", told, 1, DIGITS, SEED, shown)
            yield Check(f"∂{chain.target}/∂{name} {subject}", verdict)


Held = Mapping[str, tuple[Expr, dict[str, mpf]]]
"""Stages with what ``stop_gradient`` holds constant in them, as symbols with values."""


def forward(
    model: Model, point: Mapping[str, mpf], digits: int = DIGITS, held: Held | None = None
) -> dict[str, mpf]:
    """The value of every stage at a point, by mpmath."""
    values = dict(point)
    for stage in model.stages.values():
        formula, fixed = (held or {}).get(stage.name, (stage.formula, {}))
        values[stage.name] = number_at(formula, {**values, **fixed}, digits)
    return values


def _held(model: Model, point: Mapping[str, mpf], digits: int) -> Held:
    """What ``stop_gradient`` holds, at a point: it does not move with the differences."""
    stages = [stage for stage in model.stages.values() if stopped(stage.formula)]
    values = forward(model, point, digits) if stages else {}
    return {stage.name: held_constant(stage.formula, values) for stage in stages}


def adjoint_values(model: Model, chain: Chain, point: Mapping[str, mpf]) -> dict[str, mpf]:
    """The value of every partial derivative of the target at a point, by mpmath."""
    values = forward(model, point)
    adjoints: dict[str, mpf] = {}
    for name, partial in chain.partials.items():
        marks = {named: Symbol(f"_bar_{named.args[1]}") for named in partial.local.atoms(Diff)}
        known = {f"_bar_{user}": value for user, value in adjoints.items()}
        adjoints[name] = number_at(partial.local.xreplace(marks), {**values, **known})
    return adjoints


def _point(model: Model, target: str) -> dict[str, mpf] | None:
    """The model's own values where they are complete, else a seeded point of the domain."""
    free = [name for name in model.names if name not in model.stages]
    fixed = {name: mpf(model.values[name]) for name in free if name in model.values}

    def valid(point: dict[str, mpf]) -> bool:
        return bool(isfinite(forward(model, {**point, **fixed})[target]))

    missing = [name for name in free if name not in fixed]
    with mp.workdps(DIGITS):
        for drawn in points(missing, valid, count=1, positive=model.positive):
            return {**drawn, **fixed}
    return None


def against_difference(
    model: Model, chain: Chain, name: str, point: Mapping[str, mpf], adjoints: Mapping[str, mpf]
) -> Certificate:
    """Compare a derivative with central differences of the model; a smaller step has the last word.

    Values far larger than the derivative cancel in the difference: hence the many digits.
    """
    for places, digits in ((DIGITS // 2, 4 * DIGITS), (DIGITS, 8 * DIGITS)):
        certificate = _with_step(model, chain, name, point, adjoints[name], places, digits)
        if certificate.passed:
            return certificate
    size = abs(forward(model, point)[chain.target])
    if adjoints[name] == 0 or not isfinite(size) or size == 0:
        return certificate
    lost = int(mp.log10(size / abs(adjoints[name])))  # digits that every value has in common
    if lost > MAX_LOST:
        method = f"the values share {lost} digits: no difference of them can be taken"
        return Certificate("unknown", method, 1, digits, SEED)
    if lost > DIGITS:
        digits = lost + 8 * DIGITS
        certificate = _with_step(model, chain, name, point, adjoints[name], DIGITS, digits)
    return certificate


def _with_step(
    model: Model,
    chain: Chain,
    name: str,
    point: Mapping[str, mpf],
    mine: mpf,
    places: int,
    digits: int,
) -> Certificate:
    with mp.workdps(digits):
        step = mpf(10) ** -places * max(abs(point[name]), 1)
        held = _held(model, point, digits)
        above, here, below = (
            forward(model, {**point, name: point[name] + sign * step}, digits, held)[chain.target]
            for sign in (1, 0, -1)
        )
        return by_difference(mine, (below, here, above), step, digits, told_point(point))


def told_point(point: Mapping[str, mpf]) -> tuple[tuple[str, str], ...]:
    """The values of a point, as text."""
    return tuple((name, mp.nstr(value, 8)) for name, value in point.items())


def by_difference(
    mine: mpf,
    values: Sequence[mpf],
    step: mpf,
    digits: int,
    shown: tuple[tuple[str, str], ...],
    where: str = "",
) -> Certificate:
    """A derivative beside the central difference of three values, of a step apart.

    Args:
        mine: The derivative.
        values: Below, here, and above.
        step: How far they are apart.
        digits: The digits that they are computed to.
        shown: The point, as text.
        where: What else was chosen, such as sizes.
    """
    below, here, above = values
    difference = (above - below) / (2 * step)
    scale = max(abs(mine), abs(difference), mpf(10) ** -10)
    if not isfinite(mine) or not isfinite(difference):
        return Certificate("unknown", "not finite at this point", 1, DIGITS, SEED, shown)
    slopes = sorted(((here - below) / step, (above - here) / step))
    if slopes[1] - slopes[0] > mpf(10) ** -(DIGITS // 4) * scale:
        return _at_kink(mine, slopes, shown)
    error = abs(mine - difference) / scale
    if error > TOLERANCE:
        method = f"{mp.nstr(mine, 12)} against {mp.nstr(difference, 12)} by differences"
        return Certificate("refuted", method, 1, digits, SEED, shown)
    method = f"central difference at {digits} digits{where}; relative error {mp.nstr(error, 2)}"
    return Certificate("sampled", method, 1, digits, SEED)


def _at_kink(mine: mpf, slopes: list[mpf], point: tuple[tuple[str, str], ...]) -> Certificate:
    """At a kink the derivative is a convention: it must lie between the one-sided slopes."""
    between = f"the one-sided slopes {mp.nstr(slopes[0], 6)} and {mp.nstr(slopes[1], 6)}"
    slack = TOLERANCE * max(abs(slopes[0]), abs(slopes[1]), 1)
    if slopes[0] - slack <= mine <= slopes[1] + slack:
        return Certificate("sampled", f"a kink: by convention between {between}", 1, DIGITS, SEED)
    method = f"{mp.nstr(mine, 12)} is not between {between}"
    return Certificate("refuted", method, 1, DIGITS, SEED, point)
