"""A reader's own answer: proved, true only somewhere, or refuted with the likely slip named."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from itertools import combinations, pairwise
from math import prod
from typing import TYPE_CHECKING

from mpmath import mpf
from sympy import Basic, Expr, S, Symbol
from sympy.core.function import AppliedUndef

from symderive.certify import certify
from symderive.comparing import Compared, shown
from symderive.differentiate import differentiate
from symderive.errors import NoRuleError, did_you_mean, few, unknown_in
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.parsing import parse
from symderive.formulas.typed import typed
from symderive.formulas.written import evaluated
from symderive.higher_claims import carried_on, other_derivatives, told_of
from symderive.links import Link
from symderive.regions import DIGITS
from symderive.result_slips import index_slips, result_slips
from symderive.sampling import SEED, equal
from symderive.sides import BESIDE
from symderive.slips import mutants
from symderive.steps import Certificate, Step
from symderive.subjects import Subject, read_subject, without_primes

if TYPE_CHECKING:
    from symderive.derivation import Derivation

MAX_FORMS = 6
"""Forms of a derivative in which a slip is looked for."""

MAX_PATHS = 64
"""Paths that are told apart."""

MAX_NAMES = 16
"""Names up to which one is looked for in the place of another."""

LATE = (
    "sign",
    "wrong name",
    "differentiated by the wrong name",
    "wrong factor: the constant factor",
    "chain rule",
)
"""The slips that are named where no other explains a claim, and where it is not minus the truth."""

_PLACE = re.compile(r"in ∂[^,:]*, ")
"""Which derivative a slip of a step before was made in."""

WITH_SIGN = ("forgotten inner derivative", "forgotten fork", "product rule", "swapped quotient")
"""The slips that are looked for together with a sign, where no single one explains a claim."""

ANOTHER = "differentiated by the wrong name: this is"
"""The right derivative of another name."""

LAST = "constant differentiated"
"""The slip that is named where none of these does either."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim.

    Attributes:
        verdict: ``proved``, ``sampled`` (equal at every point tried), ``true where`` (equal on
            part of the domain) or ``refuted``.
        claim: The claim in words, such as ``∂A3/∂A1 = A2 - Y``.
        correct: The closed form.
        condition: Where a claim holds that does not hold everywhere; empty where none is found.
        counterexample: A point where the claim fails: values by name.
        slip: The likely slip, or an empty string.
        certificate: How the verdict was reached.
        there: The claim's value at the counterexample, and the right one.
        right: The closed form as a reader would type it.
    """

    verdict: str
    claim: str
    correct: Expr
    condition: str = ""
    counterexample: Mapping[str, str] = field(default_factory=dict)
    slip: str = ""
    certificate: Certificate | None = None
    there: tuple[str, str] = ("", "")
    right: str = ""

    @property
    def holds(self) -> bool:
        """Whether the claim is right everywhere."""
        return self.verdict in ("proved", "sampled")

    @property
    def message(self) -> str:
        """The verdict in one sentence or two."""
        return str(self)

    def _repr_html_(self) -> str:
        """The verdict as a notebook shows it."""
        word, comma, rest = str(self).partition(";")
        told = f"<strong>{escape(word)}</strong>{comma}{escape(rest)}"
        return f"<p>{escape(self.claim)}: {told}</p>"

    def __str__(self) -> str:
        if self.verdict == "sampled":
            return f"right: {self.certificate.method}" if self.certificate else "right"
        if self.verdict == "proved":
            return "proved"
        point = ", ".join(f"{name} = {value}" for name, value in self.counterexample.items())
        tail = f"; it fails at {point}" if point else ""
        if point and all(self.there):
            tail += f", where it gives {self.there[0]} and the derivative is {self.there[1]}"
        right = f". The right form is {self.right or self.correct}"
        if self.verdict == "true where":
            return f"true where {self.condition}{tail}{right}"
        slip = f". Likely slip: {self.slip}" if self.slip else ""
        where = f". It holds where {self.condition}" if self.condition else ""
        return f"{self.verdict}{tail}{right}{slip}{where}"


_ADJOINT = re.compile(r"(?<![\w.])[d∂](?P<target>\w+)/[d∂](?P<source>\w+)(?![\w\[(])")

_NAMED = re.compile(r"(?<![\w.])(?P<target>\w+?)_D_(?P<source>\w+)(?![\w(])")
"""A derivative by the name that results give it: ``L_D_z``."""

MAX_ROUNDS = 32
"""Derivatives inside derivatives that are put in."""


def adjoints_put_in(answer: str, names: Container[str], told: Callable[[str, str], str]) -> str:
    """An answer with each derivative in it, such as ``dL/dz``, written out.

    Args:
        answer: The text of a claim.
        names: The names of the model: ``dL/dz`` is a quotient where it has a ``dL``.
        told: The text of a derivative, "" where it has none.

    >>> adjoints_put_in("x*dL/dz", {"L", "z", "x"}, lambda target, source: "p - y")
    'x*(p - y)'
    """

    def written(match: re.Match[str]) -> str:
        target, source = match["target"], match["source"]
        quotient = {f"d{target}", f"d{source}", match[0]}
        if target not in names or source not in names or any(n in names for n in quotient):
            return match[0]
        text = told(target, source)
        return f"({text})" if text else match[0]

    for _ in range(MAX_ROUNDS):  # one written out may name another
        before, answer = answer, _NAMED.sub(written, _ADJOINT.sub(written, answer))
        if answer == before:
            break
    return answer


def _told(derivation: Derivation, target: str, source: str) -> str:
    text = str(derivation.partial(target, source).formula)
    return "" if "Piecewise" in text or "Diff(" in text else text


def judge(derivation: Derivation, subject: str, answer: str) -> Verdict:
    """Judge a claim about a derivative.

    Args:
        derivation: The derivation.
        subject: Which derivative, such as ``dA3/dA1``.
        answer: The claimed formula, in stage names or inputs, in any equivalent form.

    Raises:
        ModelError: The subject is not a derivative of this model, or the answer is not a formula.
    """
    model = derivation.model
    subject = without_primes(subject, derivation.sources)
    about = read_subject(subject, {*model.names, *model.parameters})
    source = about.sources[-1]
    found = derivation.derivative(about.target, about.sources)
    current, target = found.before or (derivation, about.target)
    truth = found.formula
    names = {*model.names, *model.parameters, *model.constants}
    written = adjoints_put_in(
        answer,
        names,
        lambda *pair: "" if pair == (target, source) else _told(derivation, *pair),
    )
    claim = _read(derivation, subject, written)
    inside = model.ancestors(source) - {source}
    opened = any(symbol.name in inside for symbol in claim.free_symbols)
    where = _definitions(current, target, source, opened=opened)
    positive = frozenset(map(Symbol, model.positive))
    certificate = certify(claim, truth, where=where, positive=positive)
    words = f"{about} = {answer.strip()}"
    right = typed(truth, model.order)
    if certificate.verdict == "proved":
        return Verdict("proved", words, truth, certificate=certificate, right=right)
    compared = Compared(current, claim, truth, where, target, about.sources)
    if not compared.differs:
        if compared.right_beside_kinks:
            certificate = Certificate("proved", BESIDE)
        elif condition := compared.off_at_kinks():
            beside = replace(certificate, verdict="sampled")
            return Verdict(
                "true where",
                words,
                truth,
                condition,
                compared.kink,
                "",
                beside,
                compared.there,
                right,
            )
        kind = certificate.verdict if certificate.passed else "unknown"
        return Verdict(kind, words, truth, certificate=certificate, right=right)
    refuted = Verdict("refuted", words, truth, certificate=certificate, right=right)
    return _wrong(refuted, compared, derivation, about)


def _wrong(verdict: Verdict, compared: Compared, derivation: Derivation, about: Subject) -> Verdict:
    """The verdict on a claim that fails somewhere: where it holds, and the likely slip."""
    counterexample = compared.counterexample()
    verdict = replace(verdict, counterexample=counterexample, there=compared.there)
    condition = compared.condition()
    if condition and not compared.trivial:
        found = Certificate("sampled", compared.confirmed, len(compared.rows), DIGITS, SEED + 1)
        return replace(verdict, verdict="true where", condition=condition, certificate=found)
    slip = _slip(derivation, about, compared)
    special = compared.special(about.sources)
    if slip.startswith("wrong name") and special[-1:].isalpha():
        slip = ""  # a in the place of b is right where a = b
    if not slip and not special and (missing := compared.missing()):
        slip = f"wrong factor: {missing}"
    kind = "true where" if special and not slip else "refuted"
    condition = special or (condition if not slip else "")
    return replace(verdict, verdict=kind, condition=condition, slip=slip)


def _read(derivation: Derivation, subject: str, answer: str) -> Expr:
    model, where = derivation.model, f"claim {subject.strip()}"
    known = dict.fromkeys((*model.names, *model.parameters, *model.constants))
    answer = as_typed(answer)
    parsed = parse(answer, model.functions, where=where, declared=known)
    for name in parsed.names:
        if name not in known:
            raise unknown_in(answer, "name", name, f"the model has {few(known)}", where)
    for call in sorted(parsed.written.atoms(AppliedUndef), key=str):
        name = type(call).__name__
        if function_of(call) is None and name not in model.undefined:
            hint = did_you_mean(name, model.functions, "neither the model nor the table has it")
            raise unknown_in(answer, "function", name, hint, where)
    return parsed.written


def as_typed(answer: str) -> str:
    """An answer with powers as they are typed, which printed formulas write with ``^``.

    >>> as_typed("2*x - x^2")
    '2*x - x**2'
    """
    return answer.replace("^", "**")


def _definitions(
    derivation: Derivation, target: str, source: str, *, opened: bool
) -> dict[Symbol, Expr]:
    """What every name stands for: stages by their formulas, adjoints kept by name by theirs.

    The source stays a name of its own unless the claim speaks of what is inside it (``opened``).
    """
    model = derivation.model
    stages = {
        Symbol(s.name): s.written for s in model.stages.values() if opened or s.name != source
    }
    partials = derivation.chain(target, (source,)).partials
    named = {Diff(Symbol(target), Symbol(p.source)): p.formula for p in partials.values()}
    return {**stages, **named}


def _slip(derivation: Derivation, about: Subject, compared: Compared) -> str:
    """The slip that explains the claim, a mere sign last; empty where none does."""
    late: list[tuple[str, Expr]] = []
    last: list[tuple[str, Expr]] = []
    first: list[tuple[str, Expr]] = []
    for name, wrong in _all_candidates(derivation, about, compared):
        kind = _PLACE.sub("", name, count=1)
        if kind.startswith((*LATE, LAST)):
            (last if kind.startswith(LAST) else late).append((name, wrong))
        elif compared.matches(wrong):
            return name
        elif kind.startswith(WITH_SIGN):
            first.append((name, wrong))
    factor = compared.factor()
    if factor is not None and equal(factor, mpf(-1)):
        return "sign: the claim is minus the derivative"
    for name, wrong in [*late, *last]:
        if not name.startswith(ANOTHER) and compared.matches(wrong):
            return name
    for name, wrong in first:
        if compared.matches(-wrong):
            return f"two slips: the sign, and a {name}"
    for name, wrong in late:
        if name.startswith(ANOTHER) and compared.matches(wrong):
            return name
    if factor is not None and factor != 0:
        return f"wrong factor: the claim is {shown(factor, 6)} times the derivative"
    return ""


def _all_candidates(
    derivation: Derivation, about: Subject, compared: Compared
) -> Iterator[tuple[str, Expr]]:
    """Wrong derivatives; of a higher order, those of the last step and of the one before it."""
    candidates = partial(_candidates, stated=compared.stated)
    if len(about.sources) == 1:
        yield from candidates(derivation, about.target, about.sources[0])
        return
    yield from other_derivatives(derivation, about)
    before = derivation.derivative(about.target, about.sources).before
    current, name = before or (derivation, about.target)
    first = Subject(about.target, about.sources[:-1])
    formula = typed(derivation.derivative(about.target, first.sources).formula)
    for slip, wrong in candidates(current, name, about.sources[-1]):
        told = told_of(slip, about)
        yield f"{told}, where {first} = {formula}" if f"→ {first}" in told else told, wrong
    yield from carried_on(derivation, about, candidates, compared.opened)


def _candidates(
    derivation: Derivation, target: str, source: str, stated: Container[Basic] = ()
) -> Iterator[tuple[str, Expr]]:
    """Wrong derivatives of the target: a path forgotten, a link left out, a step gone wrong.

    Args:
        derivation: The derivation.
        target: The stage.
        source: What it is differentiated by.
        stated: The names in the claim: another one is not mistaken for the right one.
    """
    chain = derivation.chain(target, (source,))
    paths = chain.paths(source, MAX_PATHS) if chain.on_path(source) else []
    formulas = {key: link.formula for key, link in chain.links.items()}

    def along(path: tuple[str, ...], changed: Mapping[tuple[str, str], Expr]) -> Expr:
        result: Expr = S.One
        for before, after in pairwise(path):
            key = (after, before)
            result = result * evaluated(changed.get(key, formulas[key]))
        return result

    def total(changed: Mapping[tuple[str, str], Expr]) -> Expr:
        return sum((along(path, changed) for path in paths), S.Zero)

    if len(paths) > 1:
        for left_out in paths:
            rest = sum((along(path, {}) for path in paths if path != left_out), S.Zero)
            yield f"forgotten fork: the path {' → '.join(left_out)} is missing", rest
        ends = {key: formulas[key] for path in paths for key in [(path[1], path[0])]}
        for (u, _), (v, _) in combinations(ends, 2):
            if target not in (u, v):  # u′·v′ for a derivative of what u and v are in
                told = f"∂{u}/∂{source} and ∂{v}/∂{source} were multiplied; paths are added"
                yield f"forgotten fork: {told}", ends[u, source] * ends[v, source]
        for path in paths if len(paths) > 2 else ():
            yield f"forgotten fork: only the path {' → '.join(path)} was followed", along(path, {})
    for (stage, name), formula in formulas.items():
        if formula not in (1, -1) and len(formulas) > 1:
            missing = f"the factor ∂{stage}/∂{name} = {formula} is missing"
            yield f"forgotten inner derivative: {missing}", total({(stage, name): S.One})
    for key, link in chain.links.items():
        for step in _ways(link):
            for name, wrong in mutants(step):
                yield name, total({key: wrong})
    for (stage, name), formula in formulas.items():
        if formula != 0 and len(formulas) > 1:
            key, twice = (stage, name), f"the factor ∂{stage}/∂{name} was used twice"
            yield f"∂{stage}/∂{name} was turned upside down", total({key: S.One / formula})
            if formula not in (1, -1):
                yield f"wrong factor: {twice}", total({key: formula**2})
            yield f"sign: in ∂{stage}/∂{name}", total({key: -formula})
    for key, link in chain.links.items():
        for beside_it in (name for name in link.stage.inputs if name != link.source):
            with suppress(NoRuleError):  # nothing is known of Γ(a, x) by a, and nobody took it
                beside = evaluated(chain.link(link.stage.name, beside_it).formula)
                what = f"∂{link.stage.name}/∂{link.source}: this is ∂{link.stage.name}/∂{beside_it}"
                yield f"differentiated by the wrong name: in {what}", total({key: beside})
    others = [*derivation.sources, *derivation.model.ancestors(target)]
    for other in [*dict.fromkeys(others)][:MAX_NAMES] if len(derivation.model.stages) > 1 else ():
        if other != source:
            with suppress(NoRuleError):
                yield f"{ANOTHER} ∂{target}/∂{other}", _along_links(derivation, target, other)
    truth = evaluated(derivation.partial(target, source).formula)
    known = {n: Symbol(n) for link in chain.links.values() for n in (*link.stage.inputs, target)}
    known |= {stage: Symbol(stage) for stage, _ in chain.links}
    names = [n for n in known.values() if n in stated] if len(known) <= MAX_NAMES else []
    yield from index_slips(truth, Symbol(target))
    yield from result_slips(truth, names)
    for key, formula in formulas.items() if len(formulas) > 1 else ():
        for name, wrong in result_slips(evaluated(formula), names):
            yield f"{name} in ∂{key[0]}/∂{key[1]}", total({key: wrong})
    if len(chain.links) == 1:  # a slip may be seen in one form and not in another
        for form in next(iter(chain.links.values())).forms[1:MAX_FORMS]:
            yield from result_slips(evaluated(form), ())


def _along_links(derivation: Derivation, target: str, source: str) -> Expr:
    """A derivative by which claims are measured, as its links make it: in no shorter form."""
    chain = derivation.chain(target, (source,))
    paths = chain.paths(source, MAX_PATHS + 1) if chain.on_path(source) else []
    if len(paths) > MAX_PATHS:
        return evaluated(derivation.partial(target, source).formula)
    links = {key: evaluated(link.formula) for key, link in chain.links.items()}
    products = (prod((links[b, a] for a, b in pairwise(path)), start=S.One) for path in paths)
    return sum(products, S.Zero)


def _ways(link: Link) -> Iterator[Step]:
    """The steps of a link: as it is told, by the other natural method, and by definition."""
    yield link.step
    if link.kind.way != "quotient":
        yield link.step_here(link.kind.step_by("quotient"))
    yield from _by_definition(link)


def _by_definition(link: Link) -> Iterator[Step]:
    """The steps by the definition of the stage's named function, where slips can hide."""
    row = function_of(evaluated(link.stage.written))
    if row is not None and row.definition is not None:
        written = link.stage.written
        yield differentiate(row.definition_formula(*written.args), Symbol(link.source))
