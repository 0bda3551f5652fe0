"""A claim and the truth side by side: where they agree, where not, and by what."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from mpmath import isfinite, mp, mpf, mpmathify
from sympy import Expr, Piecewise, StrictGreaterThan, StrictLessThan, Symbol

from symderive.by_cases import equal_by_cases
from symderive.certify import domain_of
from symderive.closed_form import simplest
from symderive.cost import cost
from symderive.formulas.factoring import factor_list
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.typed import condition, typed
from symderive.formulas.written import evaluated, rename
from symderive.formulas.zero_test import is_zero
from symderive.regions import (
    DIGITS,
    FEWEST,
    Row,
    at_kinks,
    boundaries,
    covering,
    separating,
    value,
)
from symderive.sampling import SEED, equal

if TYPE_CHECKING:
    from symderive.derivation import Derivation

TRIALS = 6
"""Points at which a slip must give what was claimed."""

SIMPLE, SIMPLE_TRIALS = (1, 2, 3, -1, 4, -2, 5, "1/2", "1/4"), 24
"""Numbers that a reader can put in without a computer."""

SPECIAL = (1, 0, 2, -1, "1/2", 3)
SPECIAL_ROWS, MAX_SPECIAL = 8, 6
"""Values of a constant for which a claim may hold, and how often and for how many this is tried."""

NEAR, CLOSE = mpf(10) ** -15, mpf(10) ** -9
"""How far beside a kink the values of its sides are found, and how close to them a value is one."""

MAX_RATIO = 4.0
"""The cost up to which truth/claim is told as the factor that a claim lacks."""

MAX_FACTORED = 60.0
"""The cost up to which claim − truth is factored."""


def shown(number: mpf, digits: int) -> str:
    """A number as a reader writes it: a whole one without a point.

    >>> shown(mpf(2), 4), shown(mpf("0.5"), 4)
    ('2', '0.5')
    """
    return mp.nstr(number, digits).removesuffix(".0")


def _length(row: Row) -> tuple[int, int]:
    """How long a point and the two values there are to read; values with powers of ten last."""
    powers = sum("e" in shown(value, 6) for value in (row.claim, row.truth))
    return powers, sum(len(shown(value, 4)) for value in row.point.values())


def _natural(part: Expr) -> bool:
    """Whether a factor is zero where a reader would look: a = 0, a = ±1, a = ±b.

    >>> from sympy.abc import a, b
    >>> _natural(a - b), _natural(a + 1), _natural(a + 2500), _natural(a + b - 1)
    (True, True, False, False)
    """
    terms = part.as_coefficients_dict()
    return len(terms) <= 2 and all(
        (name.is_Symbol or name == 1) and abs(number) == 1 for name, number in terms.items()
    )


class Compared:
    """A claim and the truth at points of every region that their kinks part the domain into."""

    def __init__(
        self,
        derivation: Derivation,
        claim: Expr,
        truth: Expr,
        where: Mapping[Symbol, Expr],
        target: str,
        sources: Sequence[str],
    ) -> None:
        self.derivation, self.where = derivation, where
        self.stated = claim.free_symbols
        self._said = (evaluated(claim), evaluated(truth))
        self.claim, self.truth = self.opened(claim), self.opened(truth)
        moving = (self.opened(Symbol(source)).free_symbols for source in sources)
        self._moving = frozenset[Symbol]().union(*moving)
        inside = {name for f in (claim, truth) for name in self._reached(f)}
        shown = [name for name in where if isinstance(name, Symbol) and name.name in inside]
        inner = [evaluated(where[symbol]) for symbol in shown]
        names = {s.name for f in (self.claim, self.truth) for s in f.free_symbols}
        self.names = derivation.model.order
        self.bounds = boundaries([claim, truth, *inner, self.claim, self.truth], names)
        self.bounds[len(names) : len(names)] = shown
        self._flat = range(len(names), len(names) + len(shown))
        self._at_inputs = [self.opened(bound) for bound in self.bounds]
        own = self._domain_of([self.claim, self.truth, *inner])
        stages = self._domain_of(self._stages_of(target))
        self._domain = list(dict.fromkeys((*own, *stages)))
        held = {s.name for condition in self._domain for s in condition.free_symbols}
        self._free = names | held | {s.name for f in self._at_inputs for s in f.free_symbols}
        self.rows = self._points(SEED + 1)
        if not self.rows:  # no point found where the stages have values
            self._domain = own
            self.rows = self._points(SEED + 1)

    def _domain_of(self, formulas: Iterable[Expr]) -> list[Expr]:
        """The conditions under which formulas have values, over the inputs."""
        return [self.opened(condition) for f in formulas for condition in domain_of(f)]

    def _stages_of(self, target: str) -> list[Expr]:
        """The stages that the target is made of: log s has no value where s < 0, and 1/s has."""
        reached = map(Symbol, self.derivation.model.ancestors(target))
        return [evaluated(self.where[stage]) for stage in reached if stage in self.where]

    def _reached(self, formula: Expr) -> set[str]:
        """The names of a formula, and those in the stages that it names."""
        found: set[str] = set()
        queue = [symbol.name for symbol in formula.free_symbols]
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                definition = self.where.get(Symbol(name))
                queue += [s.name for s in definition.free_symbols] if definition else []
        return found

    def _points(self, seed: int) -> list[Row]:
        firm = self.derivation.model.positive
        return covering(self._free, self._at_inputs, self._pair, seed, self._flat, firm)

    def opened(self, formula: Expr) -> Expr:
        """A formula with the stages between written out."""
        for _ in range(len(self.where) + 1):
            inner = [s for s in self.where if formula.has(s)]
            if not inner:
                break
            formula = rename(formula, {symbol: self.where[symbol] for symbol in inner})
        return evaluated(formula)

    def _pair(self, point: dict[str, mpf]) -> tuple[mpf, mpf] | None:
        """The claim and the truth at a point of the domain; None outside it."""
        if any(point[name] <= 0 for name in self.derivation.model.positive if name in point):
            return None
        if any(value(condition, point) != 1 for condition in self._domain):
            return None
        claim, truth = value(self.claim, point), value(self.truth, point)
        if claim is None or truth is None or not isfinite(truth):
            return None
        return claim, truth

    @property
    def differs(self) -> bool:
        """Whether some point tells the claim from the truth."""
        return any(not row.equal for row in self.rows)

    @property
    def right_beside_kinks(self) -> bool:
        """Whether the claim is proved right where the truth has no kink."""
        tests = (part.args[0].args[1] for part in self._domain if isinstance(part, Piecewise))
        known = [
            test.gts - test.lts
            for test in tests
            if isinstance(test, StrictLessThan | StrictGreaterThan)
        ]
        known += map(Symbol, self.derivation.model.positive)
        return equal_by_cases(self.claim, self.truth, known, self._moving)

    def off_at_kinks(self) -> str:
        """Where a claim that is right beside the kinks has, at them, a value of no side.

        A point and the two values there become the counterexample; empty where none is found.
        """
        found: dict[Expr, str] = {}
        kinks = boundaries([self.claim, self.truth], ())
        with mp.workdps(DIGITS):
            for kink, point, name in at_kinks(self._free, kinks, self.derivation.model.positive):
                told = any(value(other, point) == 0 for other in found)
                pair = None if told else self._pair(point)
                if pair is None or not isfinite(pair[0]) or equal(*pair):
                    continue
                beside = ({**point, name: point[name] + step} for step in (NEAR, -NEAR))
                sides = [side[1] for side in map(self._pair, beside) if side is not None]
                ways = [*sides, sum(sides) / 2] if kink.free_symbols & self._moving else []
                if len(sides) < 2 or any(abs(pair[0] - way) < CLOSE for way in ways):
                    continue
                if not found:
                    self.kink = {n: shown(v, 4) for n, v in sorted(point.items())}
                    self.there = (shown(pair[0], 6), shown(pair[1], 6))
                found[kink] = condition(kink, "≠", self.names)
        return " and ".join(found.values())

    def counterexample(self) -> Mapping[str, str]:
        """The simplest point found where the claim fails, with the two values there."""
        wrong = [*self._simple(), *(row for row in self.rows if not row.equal)]
        if not wrong:
            return {}
        row = min(wrong, key=_length)
        self.there = (shown(row.claim, 6), shown(row.truth, 6))
        return {name: shown(v, 4) for name, v in sorted(row.point.items())}

    kink: Mapping[str, str] = MappingProxyType({})
    there: tuple[str, str] = ("", "")
    """The claim and the truth at the counterexample."""

    def _simple(self) -> Iterator[Row]:
        """Points in small numbers where the claim fails."""
        used = {s.name for f in (self.claim, self.truth) for s in f.free_symbols}
        source = random.Random(SEED)
        with mp.workdps(DIGITS):
            for _ in range(SIMPLE_TRIALS):
                point = {name: mpmathify(source.choice(SIMPLE)) for name in sorted(used)}
                pair = self._pair(point)
                if pair is None or not isfinite(pair[0]) or equal(*pair):
                    continue
                zeros = [k for k, f in enumerate(self._at_inputs) if value(f, point) == 0]
                if all(k in self._flat for k in zeros):
                    yield Row(point, *pair, ())

    def condition(self) -> str:
        """Where the claim holds, confirmed by points of its own; empty where none is found."""
        found = separating(self.rows, self.bounds)
        if found is None:
            return ""
        fresh = self._points(SEED + 2)
        inside = sum(row.equal for row in fresh)
        if not all(found.holds(row.signs) == row.equal for row in fresh):
            return ""
        self.confirmed = f"equal at {inside} points inside, not at {len(fresh) - inside} outside"
        return found.text(self.bounds, self.names)

    confirmed = ""
    """How many further points confirm the condition."""

    @property
    def trivial(self) -> bool:
        """Whether the two agree only where both are zero."""
        return all(row.truth == 0 for row in self.rows if row.equal) and self.claim != 0

    def special(self, sources: Sequence[str]) -> str:
        """The value of one constant for which the claim holds; empty where there is none."""
        rows = [row for row in self.rows if row.truth != 0][:SPECIAL_ROWS]
        moved = {*sources} | {
            s.name
            for s in self.where
            if isinstance(s, Symbol) and self.opened(s).has(*map(Symbol, sources))
        }
        shared = sorted({s.name for s in self.truth.free_symbols} - moved)
        with mp.workdps(DIGITS):
            for name in shared[:MAX_SPECIAL]:
                for number in SPECIAL:
                    pairs = [self._pair({**row.point, name: mpmathify(number)}) for row in rows]
                    known = [pair for pair in pairs if pair is not None and pair[1] != 0]
                    fits = len(known) >= FEWEST and all(equal(*pair) for pair in known)
                    if fits and self._holds_at(name, mpmathify(number)):
                        return f"{name} = {number}"
        return self._between(shared, rows)

    def _holds_at(self, name: str, number: mpf) -> bool:
        """Whether the claim holds at every point tried with this value of a constant."""
        pairs = (self._pair({**row.point, name: number}) for row in self.rows)
        return all(equal(*pair) for pair in pairs if pair is not None)

    def _between(self, names: list[str], rows: Sequence[Row]) -> str:
        """One constant as a sum or a multiple of others, from the factors of claim − truth."""
        difference = self.claim - self.truth
        if len(names) < 1 or cost(difference) > MAX_FACTORED:
            return ""
        try:
            kernels = Kernels([difference])
            parts = [
                kernels.formula(p) for p, _ in factor_list(kernels.normal(difference).numer)[1]
            ]
        except (TooLargeError, ZeroDivisionError):
            return ""
        for part in parts:
            used = {s.name for s in part.free_symbols}
            if used and used <= set(names) and _natural(part) and self._vanishes(part, rows):
                return condition(part, "=", self.names)
        return ""

    def _vanishes(self, part: Expr, rows: Sequence[Row]) -> bool:
        """Whether a factor can be zero where the derivative is not."""
        for symbol in sorted(part.free_symbols, key=str):
            if part.is_polynomial(symbol) and part.as_poly(symbol).degree() == 1:
                solved = -part.as_poly(symbol).nth(0) / part.as_poly(symbol).nth(1)
                for row in rows:
                    number = value(solved, row.point)
                    pair = self._pair({**row.point, symbol.name: number}) if number else None
                    if pair is not None and pair[1] != 0 and equal(*pair):
                        return True
        return False

    def missing(self) -> str:
        """The factor that the claim lacks, or has too much; empty where it is long to read."""
        claim, truth = self._said
        if claim == 0 or cost(claim) + cost(truth) > MAX_FACTORED:
            return ""
        sides = [(evaluated(truth / claim), "missing"), (evaluated(claim / truth), "too much")]
        ratios = [(simplest(ratio), told) for ratio, told in sides]
        ratio, told = min(ratios, key=lambda row: cost(row[0]))
        right = self.matches(truth / ratios[0][0]) if cost(ratio) <= MAX_RATIO else False
        if ratio.is_number or not right:
            return ""
        minus = ratio.could_extract_minus_sign()
        factor = typed(-ratio if minus else ratio, self.names)
        return f"the factor {factor} is {told}" + (", and the sign is wrong" if minus else "")

    def matches(self, wrong: Expr) -> bool:
        """Whether a wrong derivative is what was claimed."""
        wrong = self.opened(wrong)
        if not any(isfinite(row.claim) for row in self.rows):  # a claim with no value there
            return is_zero(self.claim - wrong) is True
        tried = 0
        for row in self._spread:
            mine = value(wrong, row.point)
            if mine is None or not equal(row.claim, mine):
                return False
            tried += 1
        return tried > 0

    @cached_property
    def _spread(self) -> list[Row]:
        """A few points of as many regions."""
        first: dict[tuple[int, ...], Row] = {}
        for row in self.rows:
            if isfinite(row.claim):
                first.setdefault(row.signs, row)
        return [*first.values()][:TRIALS] + self.rows[: max(TRIALS - len(first), 0)]

    def factor(self) -> mpf | None:
        """The ratio of claim and truth, where it is one number everywhere; None where it is 1."""
        rows = [row for row in self.rows if row.truth != 0]
        ratios = [row.claim / row.truth for row in rows]
        same = ratios and all(equal(ratio, ratios[0]) for ratio in ratios)
        return ratios[0] if same and not equal(ratios[0], mpf(1)) else None
