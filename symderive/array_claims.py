"""A reader's own answer about an array model: proved, or refuted with the likely slip named.

An answer is in array language (``X.T @ (A2 - Y)/m``), or of an entry in index notation:
``dL/dw[i] = sum((A2[k] - Y[k])*X[k, i], k)/m``. It is compared with the derivative at random points
of several shapes, then proved by index algebra.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product as cartesian
from typing import TYPE_CHECKING, Any

from mpmath import mp, mpf
from sympy import Basic, Mul

from symderive.array_chain import ArrayChain
from symderive.array_conditions import ByForm, Compare, condition_of, form_of, special_size
from symderive.array_links import ArrayLink
from symderive.array_model import stage_indices
from symderive.array_points import At, numbers_of
from symderive.array_proofs import proof
from symderive.array_slips import by_definition, changed, repaired_texts, repairs
from symderive.array_trials import (
    EACH,
    Formula,
    Trial,
    difference,
    nested,
    ratio_of,
    size_ratio,
    trials,
    with_link,
    with_ones,
    without_ones,
)
from symderive.array_verdict import ArrayVerdict
from symderive.claims import adjoints_put_in
from symderive.errors import FormulaError, ModelError
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.concrete import entry_name
from symderive.formulas.arrays.contraction import in_numpy
from symderive.formulas.arrays.index import Index, entry_of, substitute
from symderive.formulas.arrays.index_reading import parse_index
from symderive.formulas.arrays.ops import apply, entry, shown
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Number, Shape, Tree
from symderive.formulas.arrays.text import text as text_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.higher_claims import told_of
from symderive.sampling import equal
from symderive.slips import mutants
from symderive.steps import Certificate
from symderive.subjects import Subject, read_subject

if TYPE_CHECKING:
    from symderive.array_derivation import ArrayDerivation
    from symderive.results import Derivative

SLIP_TRIALS = 3
"""Points, each of other shapes, at which slips are tried."""

MISFIT = "do not fit together"
"""What the message of an operation on shapes that do not fit holds."""

MAX_SHOWN = 24
"""Numbers of a counterexample that are shown."""


def judge(
    derivation: ArrayDerivation, subject: str, answer: str, stacked: str = ""
) -> ArrayVerdict:
    """Judge a claim about a derivative.

    Args:
        derivation: The derivation.
        subject: Which derivative, such as ``dA3/dw``, or of which entry: ``dA3/dw[i]``.
        answer: The claimed formula, in array language or, of an entry, in index notation.
        stacked: The same as it is claimed of stacked columns; empty where it is of axes.

    Raises:
        ModelError: The subject is not a derivative of this model.
        FormulaError: The answer is not a formula; the message shows the place.
    """
    model = derivation.model
    names = {*model.names, *model.parameters, *model.constants}
    about = read_subject(subject, names, "dA3/dw")
    truth = derivation.derivative(about.target, about.sources)
    current, target = truth.before or (derivation, about.target)
    source = about.sources[-1]
    written = adjoints_put_in(
        answer.strip(),
        names,
        lambda *pair: "" if pair == (target, source) else _adjoint_text(derivation, *pair),
    )
    told = (
        about,
        subject,
        written,
        tuple(dict.fromkeys((*model.names, *model.parameters))),
        stacked,
    )
    return _Judge(derivation, current, target, source, truth, *told).verdict()  # type: ignore[arg-type]


def _adjoint_text(derivation: ArrayDerivation, target: str, source: str) -> str:
    """A derivative in array language; "" where it has no such form."""
    tree = derivation.partial(target, source).tree
    return text_of(tree) if tree and in_numpy(tree, derivation.model.shapes.values()) else ""


@dataclass(frozen=True, eq=False)
class _Judge:
    whole: ArrayDerivation  # of the reader's model
    derivation: ArrayDerivation  # where the claim is about a first derivative
    target: str
    source: str
    truth: Derivative
    about: Subject
    subject: str
    answer: str
    known: tuple[str, ...]
    stacked: str
    _kept: dict[str, Any] = field(default_factory=dict)

    # What is compared -------------------------------------------------------------------------

    @property
    def where(self) -> str:
        return f"claim {self.subject}"

    @property
    def shapes(self) -> dict[str, Shape]:
        return dict(self.derivation.model.shapes)

    @property
    def shape(self) -> Shape:
        return (*self.derivation.shape_of(self.target), *self.derivation.shape_of(self.source))

    def chain(self) -> ArrayChain:
        found = self.derivation.chain(self.target, (self.source,))
        assert isinstance(found, ArrayChain)
        return found

    def tries(self) -> list[Trial]:
        if "trials" not in self._kept:
            used = [
                name
                for name in self.derivation.model.stages
                if re.search(rf"\b{name}\b", self.answer)
            ]
            self._kept["trials"] = trials(self.chain(), self.source, used)
        found: list[Trial] = self._kept["trials"]
        return found

    def as_formula(self, tree: Tree) -> Formula:
        return Formula(evaluated(entry(tree, self.truth.indices)), self.truth.indices)

    def read_tree(self, answer: str) -> Tree:
        """The answer in array language."""
        functions = self.derivation.model.functions
        return read_array(
            answer, functions, self.shapes, where=self.where, declared=self.known, strict=True
        )

    def by_index(self) -> Formula | None:
        """The answer in index notation, where it is written so."""
        stated = any(text is not None for text in self.about.at)
        if not stated and not re.search(r"\b(Sum|KroneckerDelta)\(", self.answer):
            return None
        indices = self.truth.indices
        if stated:
            indices = tuple(
                index
                for name, text in zip(
                    (self.about.target, *self.about.sources), self.about.at, strict=True
                )
                for index in self._stated(name, text)
            )
        formula = parse_index(
            self.answer,
            self.derivation.model.functions,
            self.shapes,
            {index.name: index for index in indices},
            known=self.known,
            where=self.where,
        )
        return Formula(evaluated(formula), indices)

    def _stated(self, name: str, text: str | None) -> list[Index]:
        shape = self.derivation.shape_of(name)
        names = [part.strip() for part in (text or "").split(",") if part.strip()]
        if len(names) != len(shape):
            raise ModelError(
                f"{name} has the shape {shown(shape)}; name an entry of it by {len(shape)} "
                f"indices, not {len(names)}",
                where=self.where,
            )
        for letter in names:
            if not letter.isidentifier() or letter in self.known:
                raise ModelError(f"{letter!r} is no index; name a letter", where=self.where)
        return [Index(letter, size) for letter, size in zip(names, shape, strict=True)]

    # The verdict ------------------------------------------------------------------------------

    def verdict(self) -> ArrayVerdict:
        formula = self.by_index()
        if formula is not None:
            return self._of(formula, None)
        try:
            tree = self.read_tree(self.answer)
        except FormulaError as error:
            return self._misfit(error)
        if isinstance(tree, Number) and tree.value == 0:
            tree = filled(tree, self.shape)
        if tree.shape != self.shape:
            return self._verdict("refuted", slip=self._slip_of_shape(tree))
        return self._of(self.as_formula(tree), tree)

    def _verdict(self, verdict: str, **more: Any) -> ArrayVerdict:
        words = f"{self.about} = {self.answer}"
        matrix = self.truth.matrix
        right = str(matrix) if matrix is not None else str(self.truth.formula)
        return ArrayVerdict(verdict, words, self.truth.formula, right=right, **more)

    def _of(self, claim: Formula, tree: Tree | None) -> ArrayVerdict:
        """The verdict on a claim of the right shape."""
        compared = self._compared(claim)
        rows = [(trial, *row) for trial in self.tries() for row in compared(trial)]
        failed = [row for row in rows if not equal(row[2], row[3])]
        if not any(mp.isfinite(row[2]) for row in failed):  # none, or values out of reach
            found = self._established(claim, tree, len(rows) - len(failed))
            if not failed or found.verdict == "proved":
                return found
        truth = evaluated(self.truth.formula)
        condition = condition_of(self.chain(), truth, self.tries(), compared)
        if condition:
            return self._verdict("true where", condition=condition, **self._example(failed))
        slip = told_of(self._slip(claim, tree), self.about)
        sized = special_size(self.chain(), self.source, compared)
        return self._verdict("refuted", slip=slip, condition=sized, **self._example(failed))

    def _compared(self, claim: Formula) -> Compare:
        """The entries of the derivative at a trial: the place, the claim, the truth."""
        own = Formula(evaluated(self.truth.formula), self.truth.indices)
        return lambda trial: trial.compared(claim, own)

    def _established(self, claim: Formula, tree: Tree | None, count: int) -> ArrayVerdict:
        form, said = self.by_form, tree
        if self.stacked:
            stacked = self.whole.derivative(self.about.target, self.about.sources, layout="vec")
            form = form_of(self.derivation, self.target, stacked.tree)
            said = self.read_tree(self.stacked) if form else None
        same = bool(count and form and said is not None and form.equals(said))
        method = "equal by matrix algebra" if same else self._proof(claim)
        if method:
            return self._verdict("proved", certificate=Certificate("proved", method))
        if not count:
            return self._verdict("unknown")
        shapes = len(self.tries())
        where = f"{count} entries at {shapes} points of several shapes"
        method = f"equal in {where}, to 12 of 30 digits"
        return self._verdict("sampled", certificate=Certificate("sampled", method, shapes, 30))

    def _proof(self, claim: Formula) -> str:
        """How the claim is proved; empty where it is not."""
        model = self.derivation.model
        same: dict[Basic, Basic] = dict(zip(claim.indices, self.truth.indices, strict=True))
        stages = {
            name: (
                entry_of(name, stage_indices(self.derivation.shape_of(name))),
                evaluated(stage.formula),
            )
            for name, stage in model.stages.items()
        }
        return proof(
            substitute(claim.entry, same),
            evaluated(self.truth.formula),
            algebra_under(Knowledge(model.properties)),
            [dict(v for n, v in stages.items() if n != kept) for kept in (self.source, "")],
        )

    @cached_property
    def by_form(self) -> ByForm | None:
        """The derivative in matrix notation, to be compared with a claim's."""
        return form_of(self.derivation, self.target, self.truth.tree)

    def _example(self, failed: Sequence[tuple[Trial, Any, mpf, mpf]]) -> dict[str, Any]:
        """The counterexample with the fewest numbers."""
        trial, (top, below), mine, theirs = min(failed, key=lambda row: len(row[0].point))
        point = {name: str(size) for name, size in trial.entries.sizes.items()}
        model = trial.chain.model
        for name in model.names:
            if name in model.stages or len(point) >= MAX_SHOWN:
                continue
            point[name] = nested(trial, name)
        label = self._label(top, below)
        return {
            "counterexample": point,
            "entry": label,
            "claimed": mp.nstr(mine, 8),
            "expected": mp.nstr(theirs, 8),
        }

    def _label(self, top: At, below: At) -> str:
        """An entry of the derivative; ``top`` is its place in all derivatives but the last."""
        rank = len(self.whole.shape_of(self.about.target))
        shown, rest = [entry_name(self.about.target, top[:rank])], top[rank:]
        for name in self.about.sources[:-1]:
            rank = len(self.whole.shape_of(name))
            shown.append(entry_name(name, rest[:rank]))
            rest = rest[rank:]
        shown.append(entry_name(self.source, below))
        order = len(self.about.sources)
        power = "" if order == 1 else "⁰¹²³⁴"[order]
        return f"∂{power}{shown[0]}/" + "".join(f"∂{name}" for name in shown[1:])

    # Slips ------------------------------------------------------------------------------------

    def _misfit(self, error: FormulaError) -> ArrayVerdict:
        """A claim whose shapes do not fit is refuted, if some repair makes it the derivative."""
        matrices = frozenset(n for n, shape in self.shapes.items() if len(shape) == 2)
        for name, text in repaired_texts(self.answer, matrices):
            try:
                tree = self.read_tree(text)
            except FormulaError:
                continue
            if tree.shape == self.shape and self._is_truth(self.as_formula(tree)):
                reason = str(error).splitlines()[0].partition(": ")[2]
                return self._verdict("refuted", slip=f"{name} ({reason})")
        message = str(error).splitlines()[0]
        if MISFIT in message:
            return self._verdict("refuted", slip=f"shapes: {message.partition(': ')[2]}")
        raise error

    def _is_truth(self, formula: Formula) -> bool:
        tries = self.tries()[::EACH]
        return bool(tries) and all(trial.agrees(formula) for trial in tries)

    def _is_transposed(self, tree: Tree) -> bool:
        if tree.ndim != 2 or tree.shape[::-1] != self.shape:
            return False
        return self._is_truth(self.as_formula(apply("transpose", tree, axes=(1, 0))))

    def _slip_of_shape(self, tree: Tree) -> str:
        """What is wrong with a claim of another shape."""
        names = [*self.about.sources]
        kind = "gradient" if len(names) == 1 else "second derivative"
        if self.whole.shape_of(self.about.target):
            kind, names = "derivative", [self.about.target, *names]
        of = ", then that of ".join(names)
        rule = (
            f"the {kind} has the shape of {of}, {shown(self.shape)}; "
            f"the claim has the shape {shown(tree.shape)}"
        )
        if self._is_transposed(tree):
            return f"transposed: {rule}"
        for name in dict.fromkeys(self.about.sources) if len(self.about.sources) > 1 else ():
            first = self.whole.partial(self.about.target, name)
            if self._equals(tree, first):
                return f"one derivative too few: this is ∂{self.about.target}/∂{name} ({rule})"
        for user in self._names_between():
            other = self.derivation.partial(self.target, user)
            shape = (*self.derivation.shape_of(self.target), *self.derivation.shape_of(user))
            if shape == tree.shape and self._equals(tree, other):
                factor = f"the factor ∂{user}/∂{self.source} is missing"
                mine = f"this is ∂{self.target}/∂{user}"
                return f"forgotten inner derivative: {mine}; {factor} ({rule})"
        for name, repaired in repairs(tree, self.shape):
            if self._is_truth(self.as_formula(repaired)):
                return f"{name} ({rule})"
        if without_ones(tree.shape) == without_ones(self.shape):
            return f"shape: {rule}; reshape it"
        last = len(self.derivation.shape_of(self.source))
        if tree.shape == tuple(Mul(*part) for part in (self.shape[:-last], self.shape[-last:])):
            rule += f"; of stacked columns, claim dvec({self.target})/dvec({self.source})"
        return f"shape: {rule}"

    def _names_between(self) -> list[str]:
        chain = self.chain()
        return [name for name in chain.partials if name != self.source]

    def _equals(self, tree: Tree, other: Derivative) -> bool:
        claim = Formula(evaluated(entry(tree, other.indices)), other.indices)
        told = Formula(evaluated(other.formula), other.indices)
        if told.entry.has(Diff):
            return False
        for trial in self.tries()[::EACH]:
            places = cartesian(*map(range, numbers_of(tree.shape, trial.entries.sizes)))
            if not all(equal(trial.number(claim, at), trial.number(told, at)) for at in places):
                return False
        return True

    def _slip(self, claim: Formula, tree: Tree | None) -> str:
        """The slip that explains a claim of the right shape; empty where none does."""
        tries = self.tries()[::EACH][:SLIP_TRIALS]
        mine = [list(trial.numbers(claim)) for trial in tries]

        def made(make: Callable[[Trial], list[mpf] | None]) -> bool:
            for trial, numbers in zip(tries, mine, strict=True):
                wrong = make(trial)
                if wrong is None or not all(map(equal, numbers, wrong)):
                    return False
            return bool(tries)

        for name, make in self._forgotten():
            if made(make):
                return name
        if tree is not None:
            if self._is_transposed(tree):
                return "transposed: the claim is the transpose of the derivative"
            signs = []
            for name, repaired in repairs(tree, self.shape):
                if self._is_truth(self.as_formula(repaired)):
                    if not name.startswith("sign"):
                        return name
                    signs.append(name)
            if signs:
                return signs[0]
            taken = self.by_form.taken_for_granted(tree) if self.by_form else ""
            if taken:
                return taken
        ratio = ratio_of(tries, mine)
        sized = size_ratio(tries, ratio)
        if sized:
            return sized
        if ratio and all(equal(value, mpf(-1)) for value in ratio):
            return "sign: the claim is minus the derivative"
        signs = []
        for name, make in self._mutated():
            if name.startswith("sign") and name in signs:
                continue
            if made(make):
                if not name.startswith("sign"):
                    return name
                signs.append(name)
        if signs:
            return signs[0]
        for name, wrong in changed(evaluated(self.truth.formula)):
            formula = Formula(wrong, self.truth.indices)
            if made(lambda trial, f=formula: list(trial.numbers(f))):  # type: ignore[misc]
                return name
        if ratio and ratio[0] not in (0, 1) and all(equal(value, ratio[0]) for value in ratio):
            return f"wrong factor: the claim is {mp.nstr(ratio[0], 6)} times the derivative"
        return ""

    def _forgotten(self) -> Iterator[tuple[str, Callable[[Trial], list[mpf] | None]]]:
        """Paths and links that may have been forgotten."""
        chain = self.chain()
        if not chain.on_path(self.source) or self.source == self.target:
            return
        paths = chain.paths(self.source, 64)
        if 1 < len(paths) < 64:
            for path in paths:
                name = f"forgotten fork: the path {' → '.join(path)} is missing"
                yield name, lambda trial, p=path: difference(trial.truth, trial.along(p))  # type: ignore[misc]
            for path in paths if len(paths) > 2 else ():
                name = f"forgotten forks: only the path {' → '.join(path)} was followed"
                yield name, lambda trial, p=path: trial.along(p)  # type: ignore[misc]
        if len(chain.links) > 1:
            for key, link in chain.links.items():
                assert isinstance(link, ArrayLink)
                missing = f"the factor ∂{key[0]}/∂{key[1]} = {_told(link)} is missing"
                name = f"forgotten inner derivative: {missing}"
                yield name, lambda trial, k=key: with_ones(trial, k)  # type: ignore[misc]

    def _mutated(self) -> Iterator[tuple[str, Callable[[Trial], list[mpf] | None]]]:
        """Steps of one link that may have gone wrong."""
        for key, link in self.chain().links.items():
            assert isinstance(link, ArrayLink)
            for step in (link.step, *by_definition(link)):
                for name, wrong in mutants(step):
                    formula = Formula(evaluated(wrong), link.indices)
                    yield name, lambda trial, k=key, f=formula: with_link(trial, k, f)  # type: ignore[misc]


def _told(link: ArrayLink) -> str:
    return text_of(link.tree) if link.tree is not None else str(link.formula)
