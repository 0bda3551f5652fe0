"""Links: the partial derivative of one stage with respect to one name it uses.

A link is derived once per *kind* (a template and a place in it): links that are the same up to
names share the steps, the closed form and the proof, and only put their own names in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Basic, Expr, Pow, S, Symbol, exp, log

from symderive.candidates import BY_DEFINITION, Candidate
from symderive.certify import certify
from symderive.closed_form import Form, closed_forms
from symderive.cost import cost
from symderive.differentiate import differentiate, levels
from symderive.formulas.functions import function_of
from symderive.formulas.inert import OUTPUT, Diff, placeholder
from symderive.formulas.parsing import Template
from symderive.formulas.written import evaluated, factors, product, recast, rename, sum_of, tidy
from symderive.model import Stage
from symderive.regular import divides_by_no_more
from symderive.rules import depends
from symderive.steps import Certificate, Line, Step

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
    """

    template: Template
    place: int
    method: str = "auto"

    @property
    def variable(self) -> Symbol:
        """The placeholder that the formula is differentiated by."""
        return placeholder(self.place)

    @property
    def output(self) -> Expr:
        """What stands for the stage itself."""
        return OUTPUT

    @cached_property
    def way(self) -> str:
        """The method that is used: the one asked for, or of the natural ones the cheapest."""
        if self.method != "auto":
            return self.method
        steps = {"quotient": self._step_by("quotient")}
        if RECIPROCAL & {step.rule.name for step in steps["quotient"].walk()}:
            steps["negative power"] = self._step_by("negative power")
        if self._is_long_product():
            by_logarithm = product(OUTPUT, evaluated(self._step_by("logarithmic").result))
            if cost(by_logarithm) < cost(evaluated(steps["quotient"].result)):
                return "logarithmic"
        return min(steps, key=lambda way: _told_cost(steps[way]))

    @cached_property
    def step(self) -> Step:
        """The tree of rule applications; of the logarithm, by the logarithmic method."""
        return self._step_by(self.way)

    def _step_by(self, method: str) -> Step:
        written = self.template.written
        if method == "logarithmic":
            written = logarithm_of(written)
        return differentiate(written, self.variable, avoid=METHODS[method])

    def _is_long_product(self) -> bool:
        """Whether it has many factors, and the sum of u′/u divides by nothing new."""
        written = self.template.written
        moving = [part for part in factors(written) if depends(part, self.variable)]
        if len(moving) < LONG_PRODUCT:
            return False
        given = evaluated(self._step_by("quotient").result)
        by_logarithm = evaluated(self._step_by("logarithmic").result)
        return divides_by_no_more(by_logarithm, (given, evaluated(written)))

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The closed forms, simplest first."""
        written, result = self.template.written, self.step.result
        also: tuple[Candidate, ...] = ()
        if self.way == "logarithmic":
            also = (Candidate(product(OUTPUT, result), BY_DEFINITION),)
            result = tidy(product(written, result))
        return tuple(closed_forms(result, OUTPUT, written, self.variable, also=also))

    @cached_property
    def to_compute(self) -> Expr:
        """The simplest form that takes nothing as not zero: right wherever the derivative is."""
        sound = (form.formula for form in self.forms if not form.scales)
        return next(sound, self._step_by("quotient").result)

    @property
    def formula(self) -> Expr:
        """The closed form."""
        return self.forms[0].formula

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The derivation line by line, each with its certificate."""
        opening = _by_logarithm(self) if self.way == "logarithmic" else levels(self.step)
        return self._certified([*opening, *_rewritten(self.forms[0])])

    @cached_property
    def full_lines(self) -> tuple[Line, ...]:
        """The same, every rule on a line of its own, from a named function's definition."""
        written = self.template.written
        row = function_of(evaluated(written))
        if row is None or row.definition is None:
            return self._certified([*levels(self.step, fold=False), *_rewritten(self.forms[0])])
        spelled = row.definition_formula(*written.args)
        step = differentiate(spelled, self.variable)
        opening: Plan = [(Diff(written, self.variable), (), ())]
        by_definition = (f"definition of {row.title}",)
        opening.append((Diff(spelled, self.variable), by_definition, ()))
        form = closed_forms(step.result, OUTPUT, spelled, self.variable)[0]
        return self._certified([*opening, *levels(step, fold=False)[1:], *_rewritten(form)])

    def told(self, detail: str) -> tuple[Line, ...]:
        """The lines at a level of detail: ``brief``, ``standard`` or ``full``."""
        if detail == "brief" and len(self.lines) > 2:
            return (self.lines[0], self.lines[-1])
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
            if plain not in proof:
                proof[plain] = certify(truth, formula, where=where)
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
        lines: Plan = plan[:1]
        named = False
        for formula, reasons, steps in plan[1:]:
            short = rename(formula, name)
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


METHODS: Mapping[str, frozenset[str]] = {
    "auto": frozenset(),
    "quotient": frozenset(),
    "negative power": frozenset({"quotient rule", "reciprocal rule"}),
    "logarithmic": frozenset(),
}
"""Ways to differentiate where several are natural: for each, the rules that it passes over."""

RECIPROCAL = METHODS["negative power"]

LONG_FORMULA = 7
"""The cost from which a stage's formula that comes again in its derivative is named at once."""

LONG_PRODUCT = 3
"""Factors from which the logarithm of a product is worth a try."""


def _told_cost(step: Step) -> float:
    """The stated cost of a way: the cost of all its lines, as a reader reads them."""
    return sum(cost(evaluated(formula)) for formula, _, _ in levels(step)[1:])


def logarithm_of(formula: Expr) -> Expr:
    """The logarithm of a product of powers, as a sum: log(u²v/w) = 2 log u + log v − log w."""
    parts = []
    for factor in factors(formula):
        base, exponent = (factor.base, factor.exp) if isinstance(factor, Pow) else (factor, S.One)
        if isinstance(factor, exp):
            parts.append(factor.args[0])
        else:
            parts.append(product(exponent, log(base)))
    return sum_of(*parts)


def _by_logarithm(kind: LinkKind) -> Plan:
    """y′ = y·(log y)′: the opening lines, then those of the logarithm times y."""
    written = kind.template.written
    lines: Plan = [(Diff(written, kind.variable), (), ())]
    for k, (formula, reasons, steps) in enumerate(levels(kind.step)):
        why = ("logarithmic differentiation", *reasons) if k == 0 else reasons
        lines.append((product(written, formula), why, steps))
    return lines


def _rewritten(form: Form) -> Plan:
    return [(formula, (reason,), ()) for formula, reason in form.rewritings]


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
    def lines(self) -> tuple[Line, ...]:
        """The derivation line by line."""
        return self.told("standard")

    def told(self, detail: str) -> tuple[Line, ...]:
        """The lines at a level of detail: ``brief``, ``standard`` or ``full``."""
        return tuple(
            Line(self._shown(line), self._reasons(line), line.certificate, line.steps)
            for line in self.kind.told(detail)
        )

    def _shown(self, line: Line) -> Expr:
        """A line in this link's names: as the rules wrote it, or a form in a reader's order."""
        rewritten = bool(line.reasons) and not line.steps
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
