"""A reader's own answer: proved, true only somewhere, or refuted with the likely slip named."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mpmath import isfinite, mp, mpf
from sympy import Expr, S, Symbol

from symderive.certify import SEED, certify, number_at, points
from symderive.differentiate import differentiate
from symderive.errors import FormulaError, ModelError
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated, rename
from symderive.links import Link
from symderive.slips import mutants
from symderive.steps import Certificate, Step

if TYPE_CHECKING:
    from symderive.derivation import Derivation

_SUBJECT = re.compile(r"\s*[d∂]\s*(?P<target>\w+)\s*/\s*[d∂]\s*(?P<source>\w+)\s*")
TRIAL_DIGITS = 25
TRIALS = 4
DOMAIN_TRIALS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim.

    Attributes:
        verdict: ``proved``, ``sampled`` (equal at every point tried), ``true where`` (equal on
            part of the domain) or ``refuted``.
        claim: The claim in words, such as ``∂A3/∂A1 = A2 - Y``.
        correct: The closed form.
        condition: Where a ``true where`` claim holds.
        counterexample: A point where the claim fails: values by name.
        slip: The likely slip, or an empty string.
        certificate: How the verdict was reached.
    """

    verdict: str
    claim: str
    correct: Expr
    condition: str = ""
    counterexample: Mapping[str, str] | None = None
    slip: str = ""
    certificate: Certificate | None = None

    @property
    def holds(self) -> bool:
        """Whether the claim is right everywhere."""
        return self.verdict in ("proved", "sampled")

    @property
    def message(self) -> str:
        """The verdict in one sentence or two."""
        return str(self)

    def __str__(self) -> str:
        if self.verdict == "sampled":
            return f"right: {self.certificate.method}" if self.certificate else "right"
        if self.verdict == "proved":
            return "proved"
        point = ", ".join(
            f"{name} = {value}" for name, value in (self.counterexample or {}).items()
        )
        tail = f"; it fails at {point}" if point else ""
        right = f". The right form is {self.correct}"
        if self.verdict == "true where":
            return f"true where {self.condition}{tail}{right}"
        slip = f". Likely slip: {self.slip}" if self.slip else ""
        return f"refuted{tail}{right}{slip}"


_ADJOINT = re.compile(r"(?<![\w.])[d∂](?P<target>\w+)/[d∂](?P<source>\w+)(?![\w\[(])")


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
        quotient = {f"d{target}", f"d{source}"}
        if target not in names or source not in names or any(n in names for n in quotient):
            return match[0]
        text = told(target, source)
        return f"({text})" if text else match[0]

    return _ADJOINT.sub(written, answer)


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
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        raise ModelError(f"a claim names a derivative, such as dA3/dA1; got {subject!r}")
    target, source = match["target"], match["source"]
    truth = derivation.partial(target, source).formula
    model = derivation.model
    names = {*model.names, *model.parameters, *model.constants}
    written = adjoints_put_in(answer, names, lambda *pair: _told(derivation, *pair))
    claim = _read(derivation, subject, written)
    inside = derivation.model.ancestors(source) - {source}
    opened = any(symbol.name in inside for symbol in claim.free_symbols)
    where = _definitions(derivation, target, source, opened=opened)
    certificate = certify(claim, truth, where=where)
    words = f"∂{target}/∂{source} = {answer.strip()}"
    if certificate.verdict in ("proved", "sampled"):
        return Verdict(certificate.verdict, words, truth, certificate=certificate)
    compared = _Compared(derivation, claim, truth, where)
    condition = compared.condition()
    if condition:
        return Verdict(
            "true where", words, truth, condition, compared.counterexample(), "", certificate
        )
    if certificate.verdict == "unknown" and not compared.differs:
        return Verdict("unknown", words, truth, certificate=certificate)
    slip = _slip(derivation, target, source, compared)
    return Verdict("refuted", words, truth, "", compared.counterexample(), slip, certificate)


def _read(derivation: Derivation, subject: str, answer: str) -> Expr:
    model = derivation.model
    known = (*model.names, *model.parameters, *model.constants)
    parsed = parse(answer, model.functions, where=f"claim {subject}", declared=known)
    for name in parsed.names:
        if name not in known:
            raise FormulaError(
                f"unknown name {name!r}; the model has {', '.join(known[:12])}",
                text=answer,
                column=answer.index(name),
                where=f"claim {subject}",
            )
    return parsed.written


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


class _Compared:
    """A claim and the truth at many points of their domain."""

    def __init__(
        self, derivation: Derivation, claim: Expr, truth: Expr, where: Mapping[Symbol, Expr]
    ) -> None:
        self.derivation, self.where = derivation, where
        self.claim = self._to_inputs(claim)
        self.truth = self._to_inputs(truth)
        names = {s.name for f in (self.claim, self.truth) for s in f.free_symbols}
        self.rows: list[tuple[dict[str, mpf], mpf, mpf]] = []
        with mp.workdps(TRIAL_DIGITS):
            for _ in points(names, self._tried, count=DOMAIN_TRIALS, seed=SEED + 1):
                pass

    def _to_inputs(self, formula: Expr) -> Expr:
        for _ in range(len(self.where) + 1):
            inner = [s for s in self.where if formula.has(s)]
            if not inner:
                break
            formula = rename(formula, {symbol: self.where[symbol] for symbol in inner})
        return evaluated(formula)

    def _tried(self, point: dict[str, mpf]) -> bool:
        try:
            pair = [number_at(f, point, TRIAL_DIGITS) for f in (self.claim, self.truth)]
        except (ValueError, ZeroDivisionError, OverflowError):
            return False
        if not isfinite(pair[1]):
            return False
        self.rows.append((point, pair[0], pair[1]))
        return True

    @property
    def differs(self) -> bool:
        """Whether some point tells the claim from the truth."""
        return any(not _equal(claim, truth) for _, claim, truth in self.rows)

    def counterexample(self) -> dict[str, str]:
        """The simplest point found where the claim fails."""
        wrong = [p for p, claim, truth in self.rows if not _equal(claim, truth)]
        point = min(wrong, key=lambda p: sum(abs(v) for v in p.values()), default={})
        return {name: mp.nstr(value, 4) for name, value in sorted(point.items())}

    def condition(self) -> str:
        """The sign of one name that tells where the claim holds; empty where none does."""
        held = [p for p, claim, truth in self.rows if _equal(claim, truth)]
        failed = [p for p, claim, truth in self.rows if not _equal(claim, truth)]
        if len(held) < 3 or len(failed) < 3:
            return ""
        for name in held[0]:
            for sign, side in ((">", 1), ("<", -1)):
                inside = all(side * p[name] > 0 for p in held)
                if inside and not any(side * p[name] > 0 for p in failed):
                    return f"{name} {sign} 0"
        return ""

    def matches(self, wrong: Expr) -> bool:
        """Whether a wrong derivative is what was claimed."""
        wrong = self._to_inputs(wrong)
        tried = 0
        for point, claim, _ in self.rows[:TRIALS]:
            try:
                value = number_at(wrong, point, TRIAL_DIGITS)
            except (ValueError, ZeroDivisionError, OverflowError, KeyError):
                return False
            if not isfinite(value) or not _equal(claim, value):
                return False
            tried += 1
        return tried > 0

    def factor(self) -> mpf | None:
        """The ratio of claim and truth, where it is one number everywhere."""
        ratios = [claim / truth for _, claim, truth in self.rows if truth != 0]
        if ratios and all(_equal(ratio, ratios[0]) for ratio in ratios):
            return ratios[0]
        return None


def _equal(left: mpf, right: mpf) -> bool:
    if not (isfinite(left) and isfinite(right)):
        return False
    return bool(abs(left - right) <= mpf(10) ** -12 * max(abs(left), abs(right), mpf(10) ** -6))


def _slip(derivation: Derivation, target: str, source: str, compared: _Compared) -> str:
    """The slip that explains the claim, a mere sign last; empty where none does."""
    signs = []
    for name, wrong in _candidates(derivation, target, source):
        if name.startswith("sign"):
            signs.append((name, wrong))
        elif compared.matches(wrong):
            return name
    factor = compared.factor()
    if factor is not None and _equal(factor, mpf(-1)):
        return "sign: the claim is minus the derivative"
    for name, wrong in signs:
        if compared.matches(wrong):
            return name
    if factor is not None and factor != 0:
        return f"wrong factor: the claim is {mp.nstr(factor, 6)} times the derivative"
    return ""


def _candidates(derivation: Derivation, target: str, source: str) -> Iterator[tuple[str, Expr]]:
    """Wrong derivatives of the target: a path forgotten, a link left out, a step gone wrong."""
    chain = derivation.chain(target, (source,))
    paths = chain.paths(source, 64) if chain.on_path(source) else []
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
    for (stage, name), formula in formulas.items():
        if formula != 1 and len(formulas) > 1:
            missing = f"the factor ∂{stage}/∂{name} = {formula} is missing"
            yield f"forgotten inner derivative: {missing}", total({(stage, name): S.One})
    for key, link in chain.links.items():
        for step in (link.step, *_by_definition(link)):
            for name, wrong in mutants(step):
                yield name, total({key: wrong})
    for (stage, name), formula in formulas.items():
        if formula != 0 and len(formulas) > 1:
            upside_down = {(stage, name): S.One / formula}
            yield f"∂{stage}/∂{name} was turned upside down", total(upside_down)
            yield f"sign: in ∂{stage}/∂{name}", total({(stage, name): -formula})
    for turned, term in _turned_signs(evaluated(derivation.partial(target, source).formula)):
        yield f"sign: in the term {term}", turned


def _by_definition(link: Link) -> Iterator[Step]:
    """The steps by the definition of the stage's named function, where slips can hide."""
    row = function_of(evaluated(link.stage.written))
    if row is not None and row.definition is not None:
        written = link.stage.written
        yield differentiate(row.definition_formula(*written.args), Symbol(link.source))


def _turned_signs(formula: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The formula with the sign of one term turned, anywhere in it, and that term."""
    for k, arg in enumerate(formula.args):
        others = list(formula.args)
        if formula.is_Add:
            others[k] = -arg
            yield formula.func(*others), arg
        for turned, term in _turned_signs(arg):
            others[k] = turned
            yield formula.func(*others), term
