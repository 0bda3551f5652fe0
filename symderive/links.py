"""Links: the partial derivative of one stage with respect to one name it uses.

A link is derived once per *kind* (a template and a place in it): links that are the same up to
names share the steps, the closed form and the proof, and only put their own names in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Basic, Expr, Pow, Symbol

from symderive.certify import UNKNOWN, certify
from symderive.closed_form import Form, closed_forms, ranked, simplest
from symderive.conditional import Asked, Conditional, where_not_zero, where_positive
from symderive.conditions import positive_in
from symderive.cost import cost
from symderive.differentiate import differentiate, logarithm_of
from symderive.display import latex_of, partial_latex, shown
from symderive.errors import UnknownChoiceError
from symderive.formulas.functions import function_of
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.parsing import Template
from symderive.formulas.typed import condition, typed
from symderive.formulas.written import (
    evaluated,
    factors,
    orderly,
    product,
    recast,
    rename,
    sum_of,
    terms,
    tidy,
)
from symderive.origins import spelled_out
from symderive.regular import divides_by_no_more, further_divisors, scales_of
from symderive.rules import depends
from symderive.stages import Stage
from symderive.steps import Certificate, Line, Lines, Step
from symderive.tasks import BY_DEFINITION, Candidate
from symderive.telling import levels

Plan = list[tuple[Expr, tuple[str, ...], tuple[Step, ...]]]
"""Lines before they are certified: formula, reasons, steps applied."""

WEAKEST = ("refuted", "unknown", "sampled", "proved")
"""Verdicts from weakest to strongest: a derivation is as good as its weakest line."""


@dataclass(frozen=True, eq=False)
class LinkKind:
    """The derivation shared by all links that are the same up to names.

    Attributes:
        template: The stage's formula over placeholders.
        place: Which placeholder it is differentiated by.
        method: A row of ``METHODS``.
        firm: The places of names that the model says are positive.
        moving: The places of names that are computed too: no scales that are not zero.
    """

    template: Template
    place: int
    method: str = "auto"
    firm: frozenset[int] = frozenset()
    moving: frozenset[int] = frozenset()

    @property
    def variable(self) -> Symbol:
        """The placeholder that the formula is differentiated by."""
        return placeholder(self.place)

    @property
    def output(self) -> Expr:
        """What stands for the stage itself."""
        return OUTPUT

    @cached_property
    def positive(self) -> frozenset[Symbol]:
        """The placeholders that are positive: it is known, or the formula has no value else."""
        own = positive_in(evaluated(self.template.written))
        return own | {placeholder(place) for place in self.firm}

    @cached_property
    def way(self) -> str:
        """The method that is used: the one asked for, or of the natural ones the cheapest."""
        if self.method != "auto":
            return self.method
        given = self.step_by("quotient")
        if self._is_long_product():
            by_logarithm = product(OUTPUT, evaluated(self.step_by("logarithmic").result))
            if cost(by_logarithm) < cost(evaluated(given.result)):
                return "logarithmic"
        if _is_negative_power(given):
            by_power = self.step_by("negative power")
            if _told_cost(by_power) + WORTH_ANOTHER_WAY <= _told_cost(given):
                return "negative power"
        return "quotient"

    @cached_property
    def step(self) -> Step:
        """The tree of rule applications; of the logarithm, by the logarithmic method."""
        return self.step_by(self.way)

    def step_by(self, method: str) -> Step:
        """The tree of rule applications by a row of ``METHODS``."""
        written = self.template.written
        if method == "logarithmic":
            written = logarithm_of(written)
        if method == "negative power":
            written = tidy(written)  # 1/(u²) is u⁻²
        return differentiate(written, self.variable, avoid=METHODS[method])

    def _is_long_product(self) -> bool:
        """Whether it has many factors, and the sum of u′/u divides by nothing new."""
        written = self.template.written
        moving = [part for part in factors(written) if depends(part, self.variable)]
        if len(moving) < LONG_PRODUCT:
            return False
        given = evaluated(self.step_by("quotient").result)
        by_logarithm = evaluated(self.step_by("logarithmic").result)
        return divides_by_no_more(by_logarithm, (given, evaluated(written)))

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The closed forms, simplest first."""
        written, result = self.template.written, self.step.result
        also: tuple[Candidate, ...] = ()
        if self.way == "logarithmic":
            also = (Candidate(product(OUTPUT, result), BY_DEFINITION),)
            result = tidy(product(written, result))
        found = self._closed_forms(result, written, also=also)
        if found[0].measure > ENOUGH_COST and self.way != "logarithmic":
            found = ranked([*found, *self._by_parts()])
        return tuple(found)

    def _by_parts(self, *, free: bool = False) -> Iterator[Form]:
        """Of a product of powers: y times the sum of u′/u, each in its simplest form."""
        written = self.template.written
        moving = [part for part in factors(written) if depends(part, self.variable)]
        if len(moving) < 2 and not (moving and moving[0].is_Pow):
            return
        given, whole = evaluated(self.step_by("quotient").result), evaluated(written)
        stated = tuple(1 / placeholder(place) for place in self.firm)
        result = evaluated(self.step_by("logarithmic").result)
        parts = [simplest(term, self.positive) for term in terms(result)]
        allowed = scales_of(whole, self.variable) - {*map(placeholder, self.moving)}
        for total in (sum_of(*parts), result):
            further = further_divisors(evaluated(total), (given, whole, *stated))
            if further is not None and (
                free or all(f in allowed or -f in allowed for f in further)
            ):
                form = product(OUTPUT, total)
                yield Form(form, ((form, "logarithmic differentiation"),), scales=further)

    def _closed_forms(
        self, result: Expr, written: Expr, also: Sequence[Candidate] = ()
    ) -> list[Form]:
        return closed_forms(
            result,
            OUTPUT,
            written,
            self.variable,
            also=also,
            positive=self.positive,
            firm=frozenset(map(placeholder, self.firm)),
            moving=frozenset(map(placeholder, self.moving)),
        )

    @cached_property
    def forms_where(self) -> tuple[Conditional, ...]:
        """Shorter forms that hold under conditions: names are positive, or u ≠ 0."""
        names = frozenset(map(placeholder, range(self.template.size)))
        firm = frozenset(map(placeholder, self.firm))
        result = self.step_by("quotient").result
        asked = Asked(
            self.template.written, result, self.variable, OUTPUT, names, self.positive, firm
        )
        best, parts = self.forms[0], self._by_parts(free=True)
        return (*where_positive(asked, best), *where_not_zero(asked, best, parts))

    @cached_property
    def to_compute(self) -> Expr:
        """The simplest form that takes nothing for granted: right wherever the derivative is."""
        if self.firm:
            return replace(self, firm=frozenset()).to_compute
        sound = (form.formula for form in self.forms if not form.scales)
        return next(sound, self.step_by("quotient").result)

    @property
    def formula(self) -> Expr:
        """The closed form, in no order of its own."""
        return orderly(self.forms[0].formula)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The derivation line by line, each with its certificate."""
        opening = _by_logarithm(self) if self.way == "logarithmic" else levels(self.step)
        return self._certified(_closed(opening, self.forms[0]))

    @cached_property
    def full_lines(self) -> tuple[Line, ...]:
        """The same, every rule on a line of its own, from a named function's definition."""
        written = self.template.written
        row = function_of(evaluated(written))
        spelled = spelled_out(row, *written.args) if row is not None else None
        if row is None or spelled is None:
            return self._certified(_closed(levels(self.step, fold=False), self.forms[0]))
        step = differentiate(spelled, self.variable)
        opening: Plan = [(Diff(written, self.variable), (), ())]
        by_definition = (f"definition of {row.title}",)
        opening.append((Diff(spelled, self.variable), by_definition, ()))
        form = self._closed_forms(step.result, spelled)[0]
        return self._certified(_closed([*opening, *levels(step, fold=False)[1:]], form))

    def lines_knowing(self, known: Mapping[Expr, str]) -> tuple[Line, ...]:
        """The lines, where the derivatives of some parts are known, each for a reason."""
        if self.way == "logarithmic":
            return self.lines
        return self._certified(_closed(levels(self.step, known=known), self.forms[0]))

    def told(self, detail: str) -> tuple[Line, ...]:
        """The lines at a level of detail: ``brief``, ``standard`` or ``full``."""
        if detail == "brief" and len(self.lines) > 2:
            first, second, *_, last = (*self.lines[:2], self.lines[-1])
            reasons = tuple(dict.fromkeys((*second.reasons[:1], *last.reasons)))
            return (first, replace(last, reasons=reasons))
        return self.full_lines if detail == "full" else self.lines

    def _certified(self, plan: Plan) -> tuple[Line, ...]:
        """The lines of a plan, each compared with the independent truth."""
        truth = Diff(self.template.written, self.variable)
        where = {OUTPUT: self.template.written}
        lines: list[Line] = []
        proof: dict[Expr, Certificate] = {}
        for formula, reasons, steps in self._named(plan):
            if lines and formula == lines[-1].formula:
                continue
            plain = evaluated(formula)
            if lines and reasons == ("simplify",) and typed(formula) == typed(lines[-1].formula):
                continue  # 1/√u and u^(−1/2)
            if plain not in proof:
                found = certify(truth, formula, where=where, positive=self.positive)
                before = lines[-1] if lines else None
                if found == UNKNOWN and before is not None and before.certificate is not None:
                    joined = certify(before.formula, formula, where=where, positive=self.positive)
                    found = weakest((joined, before.certificate))  # truth, the line before, this
                proof[plain] = found
            lines.append(Line(formula, reasons, proof[plain], steps))
        return tuple(lines)

    def _named(self, plan: Plan) -> Plan:
        """The plan with the stage's name for its long formula, from the first line it is in again.

        Nobody writes σ(x₁w₁ + x₂w₂ + b)(1 − σ(x₁w₁ + x₂w₂ + b)) down the page: it is A(1 − A).
        """
        written = self.template.written
        plain = evaluated(written)
        if cost(plain) < LONG_FORMULA:
            return plan
        name = {written: self.output, plain: self.output}
        if not rename(plan[-1][0], name).has(self.output):
            return plan  # what goes again at once need not come
        lines: Plan = plan[:1]
        named = False
        for formula, reasons, steps in plan[1:]:
            open_ones = {inert: inert for inert in formula.atoms(Diff)}  # these stay to be derived
            short = rename(formula, {**name, **open_ones})
            if named:  # the name stands there already: what is left of that line is algebra
                before = lines[-1][0]
                if evaluated(short) == evaluated(before) and cost(short) == cost(before):
                    lines[-1] = (short, *lines[-1][1:])
                    continue
                reasons = tuple("simplify" if why == BY_DEFINITION else why for why in reasons)
            elif short != formula:
                named, reasons = True, tuple(dict.fromkeys((*reasons, BY_DEFINITION)))
            lines.append((short, reasons, steps))
        return lines

    @cached_property
    def certificate(self) -> Certificate:
        """The weakest certificate of the lines."""
        return weakest(line.certificate for line in self.lines if line.certificate)


def natural(method: str, template: Template, place: int) -> str:
    """The method where it is natural for a formula, else ``auto``.

    Logarithms are: of powers and products with more than one moving part.
    """
    if method != "logarithmic":
        return method
    written, variable = template.written, placeholder(place)
    moving = [part for part in factors(written) if depends(part, variable)]
    power = isinstance(written, Pow) and not written.exp.is_number
    return method if len(moving) > 1 or power else "auto"


METHODS: Mapping[str, frozenset[str]] = {
    "auto": frozenset(),
    "quotient": frozenset(),
    "negative power": frozenset({"quotient rule", "reciprocal rule"}),
    "logarithmic": frozenset(),
}
"""Ways to differentiate where several are natural: for each, the rules that it passes over."""

WORTH_ANOTHER_WAY = 2.0
"""What a negative power must save before the rule for quotients is not used on a quotient."""

LONG_FORMULA = 7
"""The cost from which a stage's formula that comes again in its derivative is named at once."""

ENOUGH_COST = 5.0
"""A form that costs no more is not worth a look at the logarithm."""

LONG_PRODUCT = 3
"""Factors from which the logarithm of a product is worth a try."""


def known_method(method: str) -> str:
    """The method, also spelled with a hyphen.

    Raises:
        UnknownChoiceError: It is no row of ``METHODS``.
    """
    method = method.replace("-", " ")
    if method not in METHODS:
        raise UnknownChoiceError("method", method, METHODS)
    return method


def _is_negative_power(step: Step) -> bool:
    """Whether it is natural to write every quotient as a product with a negative power.

    So it is of a constant over anything, and of anything over a power of the variable.
    """
    rules = [inner for inner in step.walk() if inner.rule.name in METHODS["negative power"]]
    below = [dict(inner.bindings)["v"] for inner in rules if inner.rule.name == "quotient rule"]
    return bool(rules) and all(part.as_base_exp()[0] == step.variable for part in below)


def _told_cost(step: Step) -> float:
    """The stated cost of a way: that of all its lines, derivatives not yet taken as names."""
    return sum(cost(evaluated(_with_names(formula))) for formula, _, _ in levels(step)[1:])


def _with_names(formula: Expr) -> Expr:
    """The formula with a name for each derivative that is not yet taken."""
    pending = sorted(formula.atoms(Diff), key=str)
    return rename(formula, {part: Symbol(f"_part{k}") for k, part in enumerate(pending)})


def _by_logarithm(kind: LinkKind) -> Plan:
    """y′ = y·(log y)′: the opening lines, then those of the logarithm times y."""
    written = kind.template.written
    lines: Plan = [(Diff(written, kind.variable), (), ())]
    for k, (formula, reasons, steps) in enumerate(levels(kind.step)):
        why = ("logarithmic differentiation", *reasons) if k == 0 else reasons
        lines.append((product(written, formula), why, steps))
    return lines


def _closed(opening: Plan, form: Form) -> Plan:
    """The opening lines, then the rewritings to the closed form, which ends in a reader's order."""
    rewritten: Plan = [(formula, (reason,), ()) for formula, reason in form.rewritings]
    if rewritten:
        rewritten[-1] = (orderly(rewritten[-1][0]), *rewritten[-1][1:])
    if not rewritten and len(opening) > 1:
        last, why, steps = opening[-1]
        return [*opening[:-1], (orderly(last), why, steps)]
    return [*opening, *rewritten]


def weakest(certificates: object) -> Certificate:
    """The weakest of some certificates."""
    return min(certificates, key=lambda c: WEAKEST.index(c.verdict))  # type: ignore[call-overload]


@dataclass(frozen=True, eq=False)
class Link:
    """∂stage/∂source, where the stage's formula names the source.

    Attributes:
        stage: The stage that is differentiated.
        source: The name in its formula that it is differentiated by.
        kind: The derivation, shared by links that are the same up to names.
    """

    stage: Stage
    source: str
    kind: LinkKind = field(repr=False)

    @cached_property
    def symbols(self) -> Mapping[Basic, Basic]:
        """What stands for the placeholders of the kind in this link."""
        names = {placeholder(k): Symbol(name) for k, name in enumerate(self.stage.inputs)}
        return {**names, OUTPUT: Symbol(self.stage.name)}

    def settled(self, formula: Expr) -> Expr:
        """The same of a formula in SymPy's own order, which the new names settle anew."""
        return recast(formula, self.symbols)

    def here(self, formula: Expr) -> Expr:
        """A formula of the kind in this link's names."""
        return rename(formula, self.symbols)

    @cached_property
    def formula(self) -> Expr:
        """The closed form, in stage names."""
        return self.settled(self.kind.formula)

    @cached_property
    def forms(self) -> tuple[Expr, ...]:
        """Equal forms, simplest first, each reached by checked rewritings."""
        return tuple(self.settled(form.formula) for form in self.kind.forms)

    @property
    def forms_where(self) -> Mapping[str, tuple[Expr, ...]]:
        """Shorter forms by the condition they hold under: names are positive, or u ≠ 0."""
        names, found = self.stage.inputs, {}
        for row in self.kind.forms_where:
            told = sorted(condition(self.here(part), row.sign, names) for part in row.parts)
            found[" and ".join(told)] = tuple(self.settled(form.formula) for form in row.forms)
        return found

    @property
    def lines(self) -> Lines:
        """The derivation line by line."""
        return self.told("standard")

    def _repr_latex_(self) -> str:
        """The closed form as a notebook shows it."""
        names = self.stage.inputs
        left = partial_latex(self.stage.name, self.source)
        return shown(f"{left} = {latex_of(self.formula, names)}")

    def told(self, detail: str, known: Mapping[Expr, str] | None = None) -> Lines:
        """The lines at a level of detail: ``brief``, ``standard`` or ``full``.

        Args:
            detail: The level.
            known: Parts whose derivative is told elsewhere, in the names of the kind, and the
                reason to give: ``as in (2)``. Only at the standard level.
        """
        told = self.kind.lines_knowing(known) if known else self.kind.told(detail)
        return Lines(
            Line(self._shown(line, last), self._reasons(line), line.certificate, line.steps)
            for line, last in zip(told, [False] * (len(told) - 1) + [True], strict=True)
        )

    def _shown(self, line: Line, last: bool) -> Expr:
        """A line in this link's names: as the rules wrote it, or a form in a reader's order."""
        rewritten = bool(line.reasons) and (last or not line.steps)
        return self.settled(line.formula) if rewritten else self.here(line.formula)

    @cached_property
    def step(self) -> Step:
        """The tree of rule applications, in this link's names."""
        return self.step_here(self.kind.step)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, each after the steps it depends on."""
        return tuple(dict.fromkeys(self.step.walk()))

    @property
    def rule(self) -> str:
        """The name of the rule that the derivation starts with."""
        return self.kind.step.rule.name

    @property
    def certificate(self) -> Certificate:
        """The weakest certificate of the lines."""
        return self.kind.certificate

    def _reasons(self, line: Line) -> tuple[str, ...]:
        own = f"definition of {self.stage.name}"
        return tuple(own if reason == BY_DEFINITION else reason for reason in line.reasons)

    def step_here(self, step: Step) -> Step:
        """A step of the kind in this link's names."""
        return Step(
            step.rule,
            self.here(step.formula),
            self.here(step.variable),
            self.here(step.result),
            tuple((name, self.here(formula)) for name, formula in step.bindings),
            tuple(self.step_here(premise) for premise in step.premises),
        )
