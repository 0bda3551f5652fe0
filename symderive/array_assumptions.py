"""The ledger of array models: stated properties, matrices that have inverses, signs of entries.

Conditions on an entry hold for all of its indices. Sizes are at least 1, so that nothing is assumed
of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import (
    Abs,
    Add,
    Basic,
    Eq,
    Expr,
    Gt,
    Indexed,
    Min,
    Mul,
    Ne,
    Piecewise,
    Pow,
    S,
    exp,
    preorder_traversal,
)
from sympy import Sum as SympySum
from sympy.core.relational import Relational

from symderive.array_certify import has_more, named_put_in
from symderive.array_chain import ArrayChain
from symderive.array_forms import Mask
from symderive.array_model import Letters, stage_indices
from symderive.assumptions import Assumption, not_implied, stated_positive
from symderive.certify import defined
from symderive.conditions import conditions_of
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import Index, Part, delta, entry_of, part, sigma
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.syntax import sizes_in
from symderive.formulas.kernels import Kernels, TooLargeError
from symderive.formulas.written import evaluated
from symderive.model import Model

POSITIVE_PARTS = ("softmax",)
NOT_NEGATIVE_PARTS = ("norm",)
WITH_INVERSE = frozenset({"positive definite", "orthogonal"})
"""Properties of a matrix that has an inverse."""

MAX_PUT_IN = 8
"""How often definitions are put in: of the steps of a recurrence, those before are known."""

MOST_PARTS = 1000
"""A condition that gets longer, with definitions put in, is not looked at: a loop doubles it."""


def array_assumptions(model: Model, chain: ArrayChain) -> tuple[Assumption, ...]:
    """What the stages on the paths take for granted, each once; the guaranteed ones last."""
    ledger = _Ledger(model, chain)
    for (stage, _), link in chain.links.items():
        for formula in (link.stage.formula, evaluated(link.here(link.kind.step.result))):
            ledger.add(formula, stage)
    return ledger.rows()


def _of_spectrum(found: Part) -> Iterator[tuple[Relational, str]]:
    """What the rules of singular values take for granted."""
    sizes = [index.size for index in found.arrays[0].indices]
    if found.op in ("nuclear_norm", "polar"):
        least = part("svdvals", found.arrays, (Index("_a0", Min(*sizes)),))
        yield Ne(least, 0), f"the {found.op.replace('_', ' ').replace('polar', 'polar factor')}"
    if found.op == "spectral_norm" and S.One not in sizes:
        first, second = (part("svdvals", found.arrays, (S(k),)) for k in (0, 1))
        yield Ne(first, second), "the spectral norm"
    singular = found.op in ("svdvals", "left_vectors", "right_vectors")
    if singular and isinstance(found.indices[-1], Index):
        one, other = (
            part("svdvals", found.arrays, (Index(f"_a{k}", Min(*sizes)),)) for k in (0, 1)
        )
        yield Ne(one, other), "distinct singular values"


class _Ledger:
    """Collects conditions, in letters of their own."""

    def __init__(self, model: Model, chain: ArrayChain) -> None:
        self.model, self.chain, self.taken = model, chain, chain.taken
        self.reached = model.ancestors(chain.target)
        self.known = Knowledge(model.properties)
        self.sizes = sizes_in(model.shapes.values())
        self.found: dict[Relational, str] = {}
        self.seen: set[Basic] = set()
        self.proved: set[Expr] = set()

    def add(self, formula: Expr, stage: str) -> None:
        if formula in self.seen:
            return
        self.seen.add(formula)
        for condition, reason in (*conditions_of(formula), *self._of_parts(formula)):
            if condition.free_symbols <= self.sizes:
                continue
            plain = condition.func(*map(canonical, condition.args), evaluate=False)
            free = [s for s in preorder_traversal(plain) if s in condition.free_symbols]
            indices = [s for s in dict.fromkeys(free) if isinstance(s, Index)]
            told = Letters(self.taken, indices).on(plain)
            if isinstance(told, Relational):  # what SymPy decides by itself needs no telling
                self.found.setdefault(told, f"{reason} in {stage}")

    def _of_parts(self, formula: Basic) -> Iterator[tuple[Relational, str]]:
        for found in sorted(formula.atoms(Part), key=str):
            inside = found.arrays[0].formula
            names = list(dict.fromkeys(str(i.base.label) for i in inside.atoms(Indexed)))
            bare = isinstance(inside, Indexed) and len(names) == 1
            if found.op in ("inv", "solve", "det", "logdet"):
                if bare and WITH_INVERSE & set(self.known.stated.get(names[0], ())):
                    continue
                if isinstance(inside, Part) and inside.op == "cholesky":
                    continue  # its diagonal is positive
                determinant = part("det", found.arrays[:1])
                if found.op in ("inv", "solve"):
                    yield Ne(determinant, 0), "the inverse"
                elif found.op == "logdet":
                    yield Gt(determinant, 0), "the log-determinant"
            if found.op == "norm":
                yield Ne(found, 0), "the norm"
            yield from _of_spectrum(found)

    def rows(self) -> tuple[Assumption, ...]:
        rows = stated_positive(self.model, self.chain)
        rows += [
            Assumption(condition, f"stated: {name} is {prop}", False)
            for name, stated in self.model.properties.items()
            if name in self.reached
            for prop in stated
            for condition in self._stated(name, prop)
        ]
        for condition, reason in not_implied(self.found):
            left = condition.args[0]
            if not self._positive(left):
                holds = self._holds(left)
                self.proved |= {left} if holds else set()
                rows.append(Assumption(condition, reason, holds))
        return tuple(sorted(rows, key=lambda row: row.holds))

    # Stated properties ------------------------------------------------------------------------

    def _stated(self, name: str, prop: str) -> Iterator[Relational]:
        shape = self.model.shapes[name]
        marks = [Index(f"_a{k}", size) for k, size in enumerate((*shape, shape[-1]))]
        *before, j, k = Letters(self.taken, marks).of(marks)
        entry = entry_of(name, (*before, j))
        if prop == "positive":
            yield Gt(entry, 0)
        if prop in ("stochastic", "one-hot"):
            yield Eq(sigma(entry, [j]), 1, evaluate=False)
        if prop == "one-hot":
            yield Eq(entry**2, entry, evaluate=False)
        if len(shape) < 2:
            return
        *lead, i = before
        turned = entry_of(name, (*lead, j, i))
        if prop in ("symmetric", "positive definite"):
            yield Eq(entry, turned, evaluate=False)
        if prop == "toeplitz":
            yield Eq(entry, entry_of(name, (*lead, i + 1, j + 1)), evaluate=False)
        if prop == "skew-symmetric":
            yield Eq(entry, -turned, evaluate=False)
        if prop == "positive definite":
            vector = next(v for v in ("x", "v", "u", "z", "x_") if v not in self.taken)
            squared = entry_of(vector, (i,)) * entry * entry_of(vector, (j,))
            yield Gt(sigma(squared, [i, j]), 0)
        if prop == "diagonal":
            yield Eq(entry, delta(i, j) * entry, evaluate=False)
        if prop in ("lower triangular", "upper triangular"):
            side = i >= j if prop.startswith("lower") else i <= j
            kept = Piecewise((1, side), (0, True))
            yield Eq(entry, kept * entry, evaluate=False)
        if prop == "orthogonal":
            product = entry_of(name, (*lead, k, i)) * entry_of(name, (*lead, k, j))
            yield Eq(sigma(product, [k]), delta(i, j), evaluate=False)

    # Signs ------------------------------------------------------------------------------------

    def _holds(self, left: Expr) -> bool:
        """Whether the definitions of the stages make an entry positive."""
        where = {
            entry_of(s.name, stage_indices(self.model.shapes.get(s.name, ()))): s.formula
            for s in self.model.stages.values()
        }
        try:
            for _ in range(min(len(where) + 1, MAX_PUT_IN)):
                if self._positive(left):
                    return True
                plain = defined(evaluated(left))
                mask = Mask()
                kernels = Kernels([mask.on(plain)])
                element = kernels.normal(mask.on(plain))
                if all(
                    self._positive(mask.off(kernels.formula(p)))
                    for p in (element.numer, element.denom)
                ):
                    return True
                left, before = evaluated(named_put_in(left, where)), left
                if left == before or has_more([left], MOST_PARTS):
                    return False
        except (TooLargeError, ZeroDivisionError, KeyError, RecursionError):
            return False
        return False

    def _positive(self, formula: Expr) -> bool:
        if formula.is_number:
            return bool(formula.is_positive)
        if formula in self.sizes or formula in self.proved or isinstance(formula, exp):
            return True
        if isinstance(formula, Part):
            return formula.op in POSITIVE_PARTS
        if isinstance(formula, SympySum):
            return self._positive(formula.function)
        if isinstance(formula, Add):
            return all(map(self._not_negative, formula.args)) and any(
                map(self._positive, formula.args)
            )
        if isinstance(formula, Mul):
            return all(map(self._positive, formula.args))
        if isinstance(formula, Pow):
            return self._positive(formula.base) and formula.exp.is_real is not False
        return False

    def _not_negative(self, formula: Expr) -> bool:
        if isinstance(formula, Mul):
            return all(map(self._not_negative, formula.args))
        if isinstance(formula, SympySum):
            return self._not_negative(formula.function)
        if isinstance(formula, Abs) or (isinstance(formula, Pow) and formula.exp.is_even):
            return True
        if isinstance(formula, Part) and formula.op in NOT_NEGATIVE_PARTS:
            return True
        return self._positive(formula) or formula == 0
