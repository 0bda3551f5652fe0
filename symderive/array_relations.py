"""Closed forms of array models over several stages: entries brought to the names of stages.

A stage's definition holds at every entry, so it is tried at the indices that a formula has, inside
its sums first: Σ_j d_j (x_j − μ) is r Σ_j d_j N_j where N = (x − μ)/r.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as cartesian
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Indexed,
    KroneckerDelta,
    Mul,
    Pow,
    Symbol,
    fraction,
    nan,
    preorder_traversal,
    together,
    zoo,
)
from sympy import Sum as SympySum

from symderive.array_forms import MAX_INSTANCES, Mask, array_cost, array_forms, simplified
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import (
    Index,
    Part,
    free_indices,
    opened,
    places,
    sigma,
    substitute,
)
from symderive.formulas.arrays.properties import PART_SUMS
from symderive.formulas.arrays.subsums import with_subsums
from symderive.relations import Definition, kernels_of, with_definitions


@dataclass(frozen=True)
class Facts:
    """What a formula speaks of.

    Attributes:
        kinds: The kinds of its functions, roots and parts.
        sums: The names in each of its sums.
        names: The names in it; sizes and indices are none.
        balanced: Whether it subtracts, divides or scales, as what sums to a number does.
    """

    kinds: frozenset[Any]
    sums: tuple[frozenset[str], ...]
    names: frozenset[str]
    balanced: bool = False

    @classmethod
    def of(cls, formula: Expr) -> Facts:
        """Those of a formula."""
        kinds: set[Any] = {type(f) for f in formula.atoms(Function)}
        kinds |= {f.op for f in formula.atoms(Part)}
        kinds |= {Pow for f in formula.atoms(Pow) if not f.exp.is_Integer}
        sums = tuple(frozenset(_bases(part)) for part in formula.atoms(SympySum))
        scaled = (
            formula.is_Mul and len(formula.atoms(Indexed)) > 1 and not sums
        )  # C·r of a centred C
        balanced = formula.is_Add or scaled or any(map(_balances, Mul.make_args(formula)))
        return cls(frozenset(kinds), sums, frozenset(_bases(formula)), balanced)

    def named(self, names: Mapping[str, str]) -> Facts:
        """The same of the formula under other names."""
        sums = tuple(frozenset(names.get(n, n) for n in one) for one in self.sums)
        own = frozenset(names.get(n, n) for n in self.names)
        return Facts(self.kinds, sums, own, self.balanced)


def _balances(part: Expr) -> bool:
    """Whether a factor divides, subtracts, or is a part that sums to a number."""
    divides = isinstance(part, Pow) and bool(part.exp.is_negative)
    return divides or part.is_Add or (isinstance(part, Part) and part.op in PART_SUMS)


class Stated(Mapping[Expr, Expr]):
    """The definitions of stages, an entry and what it is; each is made when it is asked for.

    Args:
        facts: What each definition speaks of, by the entry.
        make: The definition of an entry.
    """

    def __init__(self, facts: Mapping[Expr, Facts], make: Callable[[Expr], Expr]) -> None:
        self.facts, self._make = facts, make
        self._made: dict[Expr, Expr] = {}

    def balanced(self, rows: Collection[str] = ()) -> list[Expr]:
        """The entries that may sum to a number along an axis: what sums, and what is made of it.

        Args:
            rows: The arrays whose rows sum to one.
        """
        summing = {
            e
            for e, facts in self.facts.items()
            if facts.sums or facts.kinds & PART_SUMS.keys() or not facts.names.isdisjoint(rows)
        }
        found = [e for e in summing if isinstance(e, Indexed) and self.facts[e].balanced]
        found = [*dict.fromkeys(e for e in self.facts if e in found)]
        for _ in range(2):
            inside = {name for e in summing for name in _bases(e)}
            more = [
                e
                for e, facts in self.facts.items()
                if e not in found and facts.balanced and facts.names & inside
            ]
            found += [e for e in more if isinstance(e, Indexed)]
            summing |= set(more)
        return found

    def __getitem__(self, entry: Expr) -> Expr:
        if entry not in self._made:
            if entry not in self.facts:
                raise KeyError(entry)
            self._made[entry] = self._make(entry)
        return self._made[entry]

    def __iter__(self) -> Iterator[Expr]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)


MAX_ROUNDS = 3

LEAST_COST = 2.0
"""A formula that costs no more is not worth a look at the definitions."""


MOST_COST = 40.0
"""A formula that costs more is too long to be written out, whatever an entry is put in for."""


def named_by_stages(formula: Expr, stated: Stated, algebra: Algebra) -> list[tuple[Expr, str]]:
    """The formula in the names of stages, as far as that makes it shorter; a line each time."""
    lines: list[tuple[Expr, str]] = []
    current = formula
    for _ in range(MAX_ROUNDS):
        if array_cost(current) <= LEAST_COST:
            break
        indices = tuple(sorted(free_indices(current), key=str))
        starts = [current]
        related = _related(current)  # then all definitions together say what one makes of the other
        touched = [*stated] if related else _touched(current, stated)
        if touched:
            speaking = {entry: stated[entry] for entry in touched}
            split = algebra.contracted(algebra.split(current))
            named = [_named(s, speaking, algebra, indices) for s in dict.fromkeys((current, split))]
            exact = dict(_without_number(*row) for row in _instances(speaking, indices).items())
            starts = [*dict.fromkeys((current, current.xreplace(exact), *named))]
        put_in = [] if related else [f for s in starts for f in _put_in(s, stated, algebra)]
        short = with_subsums(current, _summing(current, stated), algebra)
        whole = [simplified(algebra.contracted(form)) for form in short]
        sound = [form for form in whole if divisors(form) <= divisors(current)]
        found = _least([*starts, *put_in, *sound])
        if found == current:
            break
        current = canonical(found)
        lines.append((current, "definitions of the stages"))
    return lines


def _without_number(entry: Expr, definition: Expr) -> tuple[Expr, Expr]:
    """What a stage is a multiple of, and it by the stage's name: Σ p r is −L where L = −Σ p r."""
    number, rest = definition.as_coeff_Mul()
    return rest, entry / number if rest.args else rest


def _summing(formula: Expr, stated: Stated) -> dict[Expr, Expr]:
    """The stages that are sums of names which stand in one sum of the formula."""
    mine = Facts.of(formula).sums
    return {
        entry: stated[entry]
        for entry, its in stated.facts.items()
        if isinstance(entry, Indexed) and its.sums and any(its.sums[0] <= names for names in mine)
    }


def _related(formula: Expr) -> bool:
    """Whether a function occurs at two arguments."""
    kinds = [type(kernel) for kernel in formula.atoms(Function)]
    return len(set(kinds)) < len(kinds)


def _touched(formula: Expr, stated: Stated) -> list[Expr]:
    """The entries whose definitions may say something of its functions, sums or divisors."""
    mine = Facts.of(formula)
    divisors = _bases(fraction(formula)[1])
    return [
        entry
        for entry, its in stated.facts.items()
        if mine.kinds & its.kinds or set(mine.sums) & set(its.sums) or _bases(entry) <= divisors
    ]


def _named(
    formula: Expr, stated: Mapping[Expr, Expr], algebra: Algebra, indices: tuple[Index, ...]
) -> Expr:
    """Sums inside first, then the formula itself."""
    sums = [part for part in formula.atoms(SympySum) if not _inside(part, formula)]
    changed: dict[Basic, Basic] = {}
    for part in sums:
        body, own = opened(part)
        shorter = _named(body, stated, algebra, (*indices, *own))
        if shorter != body:
            changed[part] = algebra.contracted(sigma(shorter, own))
    if changed:
        replaced = algebra.contracted(formula.xreplace(changed))
        formula = _least([formula, replaced, simplified(replaced)])
    return _least([formula, *_candidates(formula, _instances(stated, indices), algebra)])


def _inside(part: Expr, formula: Expr) -> bool:
    return any(part in other.function.atoms(SympySum) for other in formula.atoms(SympySum))


def _least(formulas: Sequence[Expr]) -> Expr:
    """The cheapest; of equal ones, one with fewer sums of terms, the earlier."""
    first, *others = formulas
    sound = [first, *(formula for formula in others if not _divides_by_delta(formula))]
    return min(sound, key=lambda formula: (array_cost(formula), _additions(formula)))


def _divides_by_delta(formula: Expr) -> bool:
    """Whether a formula divides by a delta, which is 0 at most places."""
    below = (f.base for f in formula.atoms(Pow) if f.exp.is_negative)
    return formula.has(zoo, nan) or any(base.has(KroneckerDelta) for base in below)


def _additions(formula: Expr) -> int:
    return sum(isinstance(part, Add) for part in preorder_traversal(formula))


def _instances(stated: Mapping[Expr, Expr], indices: Sequence[Index]) -> dict[Expr, Expr]:
    """The definitions at the indices at hand."""
    found: dict[Expr, Expr] = {}
    for entry, definition in stated.items():
        own = tuple(entry.indices) if isinstance(entry, Indexed) else ()
        choices = [
            [i for i in indices if i.size == index.size] if isinstance(index, Index) else [index]
            for index in own
        ]
        for number, at in enumerate(cartesian(*choices)):
            if number == MAX_INSTANCES:
                break
            values = places(own, at)
            found[substitute(entry, values)] = canonical(substitute(definition, values))
    return found


def _candidates(formula: Expr, known: Mapping[Expr, Expr], algebra: Algebra) -> Iterator[Expr]:
    if not known or array_cost(formula) <= LEAST_COST:
        return
    mask = Mask()
    hidden = mask.on(formula)
    definitions = {mask.on(entry): mask.on(definition) for entry, definition in known.items()}
    speaking = _speaking(hidden, definitions)
    if speaking:
        form = with_definitions(hidden, speaking)
        if form.rewritings:
            yield mask.off(form.formula)


def _speaking(formula: Expr, definitions: Mapping[Expr, Expr]) -> dict[Symbol, Definition]:
    """The definitions with something to say of a formula: of its functions, or of a divisor."""
    mine = kernels_of(formula)
    kinds = [type(kernel) for kernel in mine]
    related = len(set(kinds)) < len(kinds)
    divisors = fraction(together(formula))[1].free_symbols
    return {
        name: Definition(definition, "definition")
        for name, definition in definitions.items()
        if isinstance(name, Symbol)
        and (related or name in divisors or kernels_of(definition) & mine)
    }


def _put_in(formula: Expr, stated: Stated, algebra: Algebra) -> Iterator[Expr]:
    """An entry that a definition gives in terms of its stage, put in everywhere: x = μ + r·N."""
    if not LEAST_COST < array_cost(formula) <= MOST_COST:
        return
    here = _bases(formula)
    for entry, facts in stated.facts.items():
        if not facts.names <= here:
            continue
        definition = stated[entry]
        mask = Mask()  # sums stay as the formula has them
        numerator, denominator = map(mask.off, together(mask.on(definition)).as_numer_denom())
        own = tuple(entry.indices) if isinstance(entry, Indexed) else ()
        for part in _parts(numerator):
            at = tuple(part.indices) if isinstance(part, Indexed) else ()
            solved = _solved(numerator, denominator, entry, part) if at == own else None
            if solved is None:
                continue
            name = part.base if isinstance(part, Indexed) else part
            whole = [p for p in solved.atoms(Part, SympySum) if p.has(name)]
            found: dict[Basic, Basic] = {}
            kept: dict[Basic, Basic] = {}  # of ‖x‖ in x = u ‖x‖, x is no entry
            for other in formula.atoms(type(part)):
                if _bases(other) == _bases(part):
                    place = places(at, _at(other))
                    found[other] = substitute(solved, place)
                    kept |= {
                        same: same for same in (canonical(substitute(p, place)) for p in whole)
                    }
            if found:
                made = array_forms(_replaced(formula, {**found, **kept}), algebra)[0].formula
                if divisors(made) <= divisors(formula):
                    yield made


def divisors(formula: Expr) -> set[Basic]:
    """The names in what a formula divides by."""
    below = (p.base for p in formula.atoms(Pow) if p.exp.is_number and p.exp.is_negative)
    return {s for base in below for s in base.free_symbols if type(s) is Symbol}


def _at(entry: Basic) -> tuple[Expr, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) else ()


def _replaced(formula: Basic, found: Mapping[Basic, Basic]) -> Any:
    """With what stands for entries put in; what is put in is not looked at again."""
    if formula in found:
        return found[formula]
    if not formula.args or isinstance(formula, Indexed | Part):
        return formula  # what an operation makes of x is not longer by its own name
    return formula.func(*(_replaced(arg, found) for arg in formula.args))


def _parts(formula: Expr) -> list[Expr]:
    """The entries and scalars of a formula that are under no sum or function."""
    found = formula.atoms(Indexed) | {
        s for s in formula.free_symbols if type(s) is Symbol and not formula.atoms(Indexed)
    }
    return sorted((p for p in found if formula.is_polynomial(p)), key=str)


def _bases(formula: Basic) -> set[str]:
    """The names in a formula; sizes and indices are none."""
    entries = formula.atoms(Indexed)
    inside = {s for e in entries for s in e.free_symbols}
    bare = {s.name for s in formula.free_symbols if type(s) is Symbol and s not in inside}
    sizes = {
        x.name for s in formula.free_symbols if isinstance(s, Index) for x in s.size.free_symbols
    }
    return {str(e.base.label) for e in entries} | (bare - sizes)


def _solved(numerator: Expr, denominator: Expr, name: Expr, part: Expr) -> Expr | None:
    """The part in terms of the stage's name, where the definition is linear in it."""
    if denominator.has(part):
        return None
    numerator = numerator.expand()
    slope = numerator.coeff(part, 1)
    rest = (numerator - slope * part).expand()
    if slope == 0 or rest.has(part) or slope.has(part):
        return None
    return (name * denominator - rest) / slope
