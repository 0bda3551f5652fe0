"""Which powers become the kernels of a normal form: e^{2x} is (e^x)², xⁿ is x·xⁿ⁻¹.

The powers of one base are read together. An exponent is taken apart into its terms only where two
powers share some of them (e^u beside e^{u − v}); else it stays whole, as it was written. A whole
number in an exponent with letters (xⁿ⁻¹ beside xⁿ) goes into the kernel, so that no form divides by
a base only because its exponent was lowered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import NamedTuple

from sympy import Add, Expr, Pow, Rational, S, Symbol, exp, expand_mul, preorder_traversal

MAX_SUMS = 8
"""An exponent with more sums in it than this is not multiplied out."""


class Part(NamedTuple):
    """One factor of a power: base^(number · rest), and the whole number left over."""

    number: Rational
    rest: Expr
    whole: int = 0


def power_of(base: Expr, exponent: Expr) -> Expr:
    """A power, of Euler's number as an exponential."""
    return exp(exponent) if base == S.Exp1 else Pow(base, exponent)


def opened(exponent: Expr) -> tuple[tuple[Rational, Expr], ...]:
    """The terms of an exponent as (rational number, rest): 2x − 1/2 → (2, x), (−1/2, 1)."""
    # Products of sums are multiplied out, so that e^{x(a + b)} is e^{ax}·e^{bx}; powers of sums are
    # not: a long one would fill the memory.
    sums = sum(part.is_Add for part in preorder_traversal(exponent))
    wide = expand_mul(exponent) if sums <= MAX_SUMS else exponent
    return tuple(term.as_coeff_Mul(rational=True) for term in Add.make_args(wide))


class Exponents:
    """The exponents of one base, and how each is written in the kernels.

    Attributes:
        base: The base of the powers.
        units: For each rest, the exponent of its kernel: base^(unit · rest + offset).
    """

    def __init__(self, base: Expr, exponents: Iterable[Expr]) -> None:
        self.base = base
        self.parts: dict[Expr, tuple[Part, ...]] = {}
        self.units: dict[Expr, Rational] = {}
        self.offsets: dict[Expr, int] = {}
        terms = {exponent: opened(exponent) for exponent in dict.fromkeys(exponents)}
        for group in _groups(base, terms):
            self._take(group, {exponent: terms[exponent] for exponent in group})
        for parts in self.parts.values():
            for part in parts:
                self.units[part.rest] = _common(self.units.get(part.rest), part.number)
        self._set_offsets()

    def _take(
        self, group: Sequence[Expr], terms: dict[Expr, tuple[tuple[Rational, Expr], ...]]
    ) -> None:
        """Exponents that share terms: one rest where all are multiples of it, else term by term."""
        letters = {e: _letters(self.base, terms[e]) for e in group}
        first = next((e for e in group if len(letters[e]) > 1), None)
        ratios = {e: _ratio(letters[e], letters[first]) for e in group} if first else {}
        for exponent in group:
            rest_of_all = [(n, r) for n, r in terms[exponent] if (n, r) not in letters[exponent]]
            whole, numbers = self._numbers(rest_of_all)
            ratio = ratios.get(exponent)
            if first is not None and ratio is not None and None not in ratios.values():
                core = first if self.base == S.Exp1 else Add(*(n * r for n, r in letters[first]))
                letter_parts = [Part(ratio, core, whole)]
            else:
                letter_parts = [Part(n, r) for n, r in letters[exponent]]
                if letter_parts:
                    letter_parts[0] = letter_parts[0]._replace(whole=whole)
                elif whole:
                    numbers.insert(0, Part(S.Zero, S.One, whole))
            self.parts[exponent] = (*letter_parts, *numbers)

    def _numbers(self, terms: list[tuple[Rational, Expr]]) -> tuple[int, list[Part]]:
        """The number in an exponent: its whole part, and a root."""
        total = sum((n for n, _ in terms), S.Zero)
        if self.base == S.Exp1:
            return 0, [Part(total, S.One)] if total else []
        if total.is_Integer:
            return int(total), []
        return 0, [Part(total, S.One)]

    def _set_offsets(self) -> None:
        if self.base == S.Exp1 or not isinstance(self.base, Symbol | Add):
            return
        for parts in self.parts.values():
            lead = parts[0] if parts else None
            if lead is None or lead.rest == 1 or not lead.number:
                continue
            times = lead.number / self.units[lead.rest]
            if times > 0:
                own = lead.whole * times.q // times.p
                self.offsets[lead.rest] = min(self.offsets.get(lead.rest, own), own)

    def kernels(self) -> list[Expr]:
        """The kernels: powers of the base."""
        return [self.kernel(rest) for rest, unit in self.units.items() if unit]

    def kernel(self, rest: Expr) -> Expr:
        """The kernel of a rest."""
        return power_of(self.base, self.units[rest] * rest + self.offsets.get(rest, 0))

    def needs_base(self) -> bool:
        """Whether the base itself is needed beside the kernels."""
        if self.base == S.Exp1:
            return False
        roots = any(part.rest == 1 for parts in self.parts.values() for part in parts)
        return roots or any(self.left_over(exponent) for exponent in self.parts)

    def left_over(self, exponent: Expr) -> int:
        """The power of the base itself in a power."""
        total = 0
        for part in self.parts[exponent]:
            total += part.whole
            if part.number and self.units[part.rest]:
                times = int(part.number / self.units[part.rest])
                total -= times * self.offsets.get(part.rest, 0)
        return total


def _letters(
    base: Expr, terms: tuple[tuple[Rational, Expr], ...]
) -> tuple[tuple[Rational, Expr], ...]:
    return tuple((n, r) for n, r in terms if r != 1)


def _groups(base: Expr, terms: dict[Expr, tuple[tuple[Rational, Expr], ...]]) -> list[list[Expr]]:
    """The exponents in groups that share no term with letters."""
    groups: list[tuple[set[Expr], list[Expr]]] = []
    for exponent, parts in terms.items():
        rests = {r for _, r in _letters(base, parts)}
        members = [exponent]
        apart = []
        for known, others in groups:
            if known & rests:
                rests |= known
                members = others + members
            else:
                apart.append((known, others))
        groups = [*apart, (rests, members)]
    return [members for _, members in groups]


def _ratio(
    letters: tuple[tuple[Rational, Expr], ...], core: tuple[tuple[Rational, Expr], ...]
) -> Rational | None:
    """The number that makes one exponent out of another; None where there is none."""
    mine, theirs = ({rest: number for number, rest in side} for side in (letters, core))
    if mine.keys() != theirs.keys():
        return None
    ratios = {mine[rest] / theirs[rest] for rest in mine}
    return ratios.pop() if len(ratios) == 1 else None


def _common(known: Rational | None, number: Rational) -> Rational:
    """The greatest unit of which both are integer multiples; negative if all of them are."""
    if known is None or not known:
        return number
    if not number:
        return known
    unit = Rational(gcd(known.p * number.q, number.p * known.q), known.q * number.q)
    return -unit if known < 0 and number < 0 else unit
