"""Closed forms of index formulas: the scalar engine at work between deltas and sums.

An index formula is a scalar formula of its entries. For the scalar engine each entry is a symbol
and each sum a kernel; the body of a sum is simplified first, on its own. The stage's definition is
used at every entry at which the formula holds it: exp(S_ib) = P_ib Σ_k exp(S_ik).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product as cartesian
from typing import Any

from sympy import (
    Add,
    Basic,
    Dummy,
    Expr,
    Function,
    Indexed,
    KroneckerDelta,
    Mul,
    Piecewise,
    Poly,
    Pow,
    S,
    Symbol,
)
from sympy import Sum as SympySum
from sympy.core.function import AppliedUndef
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

from symderive.certify import defined
from symderive.closed_form import Form, closed_forms
from symderive.conditions import is_positive, positive_in
from symderive.cost import cost
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import (
    Index,
    Part,
    bound,
    free_indices,
    opened,
    part,
    sigma,
    substitute,
)
from symderive.formulas.arrays.levelled import gathered, levelled, oriented, squares_named
from symderive.formulas.functions import FUNCTIONS, function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.laws import one_branch
from symderive.tasks import BY_DEFINITION

MAX_COST = 45.0
"""A formula that costs more is not rewritten by the scalar engine."""

ABSOLUTE: Any = FUNCTIONS["abs"].function
"""What powers and signs of one argument are shorter without, in products too."""

SIGN, CLIP = FUNCTIONS["sign"].apply, FUNCTIONS["clip"].apply

INEQUALITIES = (GreaterThan, LessThan, StrictGreaterThan, StrictLessThan)

MAX_INSTANCES = 9
"""Entries at which a definition is tried."""

CONTRACTED = "contract the deltas"


class Mask:
    """Entries, deltas and sums as symbols and kernels, and back.

    Args:
        telling: Whether the names tell what they hide, so that orders by name are natural.
        means: Sums that are hidden with the size that they are divided by: Σ x_i is n times a mean.
    """

    def __init__(self, telling: bool = True, means: Collection[Basic] = ()) -> None:
        self.telling, self.means = telling, means
        self._marks: dict[Basic, Basic] = {}
        self._sizes: dict[Basic, Expr] = {}

    def on(self, formula: Basic) -> Any:
        """The formula with its array parts hidden."""
        if isinstance(formula, Indexed | KroneckerDelta | Index | Diff):
            return self._mark(formula, Symbol)
        if formula in self.means:
            mark = self._mark(formula, _kernel)
            self._sizes[mark] = _count(formula)
            return self._sizes[mark] * mark
        if isinstance(formula, SympySum | Part):
            return self._mark(formula, _kernel)
        if not formula.args:
            return formula
        if isinstance(formula, Piecewise) and any(free_indices(c) for _, c in formula.args):
            return self._mark(formula, _kernel)
        return formula.func(*(self.on(arg) for arg in formula.args))

    def _mark(self, formula: Basic, make: Any) -> Basic:
        if formula not in self._marks:
            text = str(formula) if self.telling else ""
            self._marks[formula] = make(f"{text}~{len(self._marks)}")
        return self._marks[formula]

    def firm(self, definition: Expr | None) -> frozenset[Expr]:
        """The marks in a definition that are not negative wherever it has a value.

        Σ|x|ˢ is so by what it adds up; of P^(1/n), n a size, P is, or n is 1 and P itself is meant.
        """
        powers = definition.atoms(Pow) if definition is not None else set()
        sizes = {s for p in self._marks for i in p.atoms(Index) for s in i.size.free_symbols}
        firm = {p.base for p in powers if 1 / p.exp in sizes}
        sums = [(p, mark) for p, mark in self._marks.items() if isinstance(p, SympySum)]
        firm |= {mark for p, mark in sums if is_positive(p.function, p.atoms(ABSOLUTE))}
        return frozenset(firm)

    def off(self, formula: Basic) -> Any:
        """The hidden parts put back."""
        hidden = {mark: part for part, mark in self._marks.items()}
        means = {mark: hidden[mark] / size for mark, size in self._sizes.items()}
        return formula.xreplace({**hidden, **means})


def _count(formula: Basic) -> Expr:
    """How many terms a sum has."""
    return Mul(*(index.size for index in bound(formula)))


def _means_under_roots(formula: Expr) -> set[Basic]:
    """The sums that roots hold over their size, and those over as many terms beside them."""
    roots = [p.base for p in formula.atoms(Pow) if not p.exp.is_Integer]
    divided = (part for root in roots for part in root.atoms(Mul) if part.has(SympySum))
    sizes = {
        _count(f)
        for part in divided
        for f in part.args
        if isinstance(f, SympySum) and part.has(1 / _count(f))
    }
    sums = {part for part in formula.atoms(SympySum) if _count(part) in sizes - {S.One}}
    return {
        part for part in sums if not any(part in other.function.atoms(SympySum) for other in sums)
    }


def _kernel(name: str) -> Expr:
    return Function(name)()


def array_forms(
    derivative: Expr,
    algebra: Algebra,
    output: Expr | None = None,
    definition: Expr | None = None,
    others: Sequence[Index] = (),
) -> list[Form]:
    """The forms of an index formula, simplest first, each reached by rewritings.

    Args:
        derivative: What the rules gave.
        algebra: The index algebra under what is known.
        output: The stage's own entry.
        definition: Its formula.
        others: Indices at which entries of the stage may occur besides its own.
    """
    plain = evaluated(derivative)
    contracted = algebra.contracted(plain)
    steps: list[tuple[Expr, str]] = []
    if contracted != plain:
        steps.append((contracted, CONTRACTED))
    if contracted.has(Diff):
        return [Form(contracted, tuple(steps))]
    best = contracted
    for before, reason in _rewritten(contracted, algebra, output, definition, others):
        if before != best:
            best = before
            steps.append((best, reason))
    return [Form(best, tuple(steps))]


def _rewritten(
    formula: Expr,
    algebra: Algebra,
    output: Expr | None,
    definition: Expr | None,
    others: Sequence[Index],
) -> Iterator[tuple[Expr, str]]:
    current = one_branch_everywhere(formula)
    if current != formula:
        yield current, "the other branches are zero"
    turned = oriented(current)
    if turned != current:
        current = turned
        yield current, "differences one way round"
    kept = clipped(current, lambda: _positive(algebra, definition))
    if kept != current:
        current = kept
        yield current, "kept between bounds"
    if output is not None and definition is not None:
        for entry, stated in instances(output, definition, others):
            named = _entries_named(current, entry, stated)
            if named != current:
                current = named
                yield current, BY_DEFINITION
            found, reason = _shorter(current, entry, stated)
            if found != current:
                current = canonical(found)
                yield current, reason
    normalised = _means_under_roots(current)  # Σ g (x − x̄) keeps its digits, Σ g x − x̄ Σ g does not
    for apart, reason in _apart(current, algebra) if not normalised else ():
        shorter = _shorter(apart, None, None)[0]
        if array_cost(shorter) < array_cost(current):
            current = canonical(shorter)
            yield current, reason
            break
    for find in (_bodies, _scaled_inside):
        inner = find(current, algebra)
        if inner != current and array_cost(inner) <= array_cost(current):
            current = inner
            yield current, "simplify under the sum"
    found, reason = _shorter(current, None, None)
    if found != current:
        yield canonical(found), reason


def one_branch_everywhere(formula: Expr) -> Expr:
    """max(0, u) without the step at u, in every product: it is zero where the step is not one."""
    products = [factors for factors in formula.atoms(Mul) if factors.has(Piecewise)]
    short = {factors: one_branch(factors) for factors in products}
    changed = {factors: made for factors, made in short.items() if made != factors}
    found: Expr = formula.xreplace(changed) if changed else formula
    return found


def clipped(formula: Expr, positive: Callable[[], set[Basic]]) -> Expr:
    """U where |u| ≤ δ, else δ sign(u), as u kept between −δ and δ, of a δ that is positive."""
    found: dict[Basic, Basic] = {}
    for cases in formula.atoms(Piecewise):
        (inside, condition), *rest = cases.args
        if len(rest) != 1 or not isinstance(condition, INEQUALITIES):
            continue
        size, most = condition.lts, condition.gts
        alike = size == ABSOLUTE(inside) and rest[0][0] == most * SIGN(inside)
        if alike and (most.is_positive or most in positive()):
            found[cases] = CLIP(inside, -most, most)
    return formula.xreplace(found) if found else formula


def by_cases(formula: Expr) -> Expr:
    """The same the other way round: clip(u, −δ, δ) says where |u| ≤ δ."""
    found: dict[Basic, Basic] = {}
    for call in formula.atoms(Function):
        row = function_of(call)
        if row is FUNCTIONS["clip"] and call.args[1] == -call.args[2]:
            inside, _, most = call.args
            outside = most * SIGN(inside)
            found[call] = Piecewise((inside, ABSOLUTE(inside) <= most), (outside, True))
    return formula.xreplace(found) if found else formula


def _positive(algebra: Algebra, definition: Expr | None) -> set[Basic]:
    """The names that are known not to be negative, or must not be for the stage to have a value."""
    names: set[Basic] = {Symbol(name) for name in algebra.known.having("positive")}
    return names | positive_in(definition) if definition is not None else names


def _apart(formula: Expr, algebra: Algebra) -> Iterator[tuple[Expr, str]]:
    """The formula with its sums taken apart, and put together by what they share."""
    together = gathered(formula)
    if together != formula:
        yield together, "sums that share a factor"
    apart = algebra.contracted(algebra.split(formula))
    if apart != formula:
        yield apart, "sum term by term"
        together = gathered(apart)
        if together != apart:
            yield together, "sums that share a factor"
    named = squares_named(formula)
    if named != formula:
        yield algebra.contracted(named), "sums of squares are squares of lengths"
    level = levelled(formula)
    if level != formula:
        yield algebra.contracted(level), "like sums together"


def instances(
    output: Expr, definition: Expr, others: Sequence[Index]
) -> Iterator[tuple[Expr, Expr]]:
    """The definition at the stage's own entry, then at entries with other indices."""
    own = tuple(output.indices) if isinstance(output, Indexed) else ()
    choices = [(i, *(o for o in others if o.size == i.size)) for i in own]
    for number, at in enumerate(cartesian(*choices)):
        if number == MAX_INSTANCES:
            return
        values = dict(zip(own, at, strict=True))
        yield substitute(output, values), substitute(definition, values)


def _entries_named(formula: Expr, entry: Expr, stated: Expr) -> Expr:
    """Parts of whole arrays that are entries of the stage, by the stage's name."""
    plain = canonical(evaluated(stated))
    if not isinstance(plain, Part):
        return formula.xreplace({plain: entry}) if plain.args else formula
    found = {}
    for other in formula.atoms(Part):
        at = _same_part(plain, other)
        if at is not None:
            found[other] = substitute(entry, at)
    return formula.xreplace(found)


def _same_part(plain: Part, other: Part) -> dict[Basic, Basic] | None:
    """The indices at which one part is the other; None where it is at none."""
    if plain.args[:2] != other.args[:2] or len(plain.indices) != len(other.indices):
        return None
    at: dict[Basic, Basic] = {}
    for mine, theirs in zip(plain.indices, other.indices, strict=True):
        if not isinstance(mine, Index) and mine != theirs:
            return None  # softmax(x)[0] says nothing of softmax(x)[1]
        if at.setdefault(mine, theirs) != theirs:
            return None
    if any(at.get(index, index) != index for a in plain.arrays for index in free_indices(a)):
        return None  # softmax(A[i, :])[i] says nothing of softmax(A[i, :])[j]
    return at


def _shorter(formula: Expr, entry: Expr | None, stated: Expr | None) -> tuple[Expr, str]:
    """The simplest form by the scalar engine, with its last reason."""
    if not formula.args or isinstance(formula, Indexed | KroneckerDelta):
        return formula, ""
    means = _means_under_roots(formula)
    found = _shorter_under(Mask(), formula, entry, stated)
    if not means:
        return found
    other = _shorter_under(Mask(means=means), formula, entry, stated)
    return min(other, found, key=lambda row: cost(Mask(telling=False, means=means).on(row[0])))


def _shorter_under(
    mask: Mask, formula: Expr, entry: Expr | None, stated: Expr | None
) -> tuple[Expr, str]:
    """The simplest form by the scalar engine, as a mask hides entries and sums from it."""
    hidden = mask.on(formula)
    rooted = entry is not None and any(not p.exp.is_Integer for p in hidden.atoms(Pow))
    if not (rooted or hidden.has(Add, ABSOLUTE)) or cost(hidden) > MAX_COST:
        return formula, ""  # a product is as it should be; a long sum costs more than it gives
    if entry is None and _settled(hidden):
        return formula, ""
    name = mask.on(entry) if entry is not None else None
    definition = mask.on(evaluated(stated)) if stated is not None else None
    if definition is not None and not _can_name(hidden, definition):
        return formula, ""  # nothing in it is the stage's own
    short, reason = _closed(hidden, name, definition, mask.firm(definition))
    found = mask.off(short)
    longer = cost(short) > cost(hidden) if mask.means else array_cost(found) > array_cost(formula)
    if not reason or longer:
        return formula, ""
    return found, "collect like terms" if "~" in reason else reason  # a mark is no name


def _closed(
    formula: Expr, name: Expr | None, definition: Expr | None, firm: frozenset[Expr]
) -> tuple[Expr, str]:
    """The closed form of a masked formula and its last reason, sought once for all like it.

    Entries are alike in it whose names have the same order and lengths, by which ties are decided.
    """
    asked = [part for part in (formula, name, definition) if part is not None]
    marks = {part for whole in asked for part in whole.atoms(Symbol, AppliedUndef)}
    named = {mark: mark.name if mark.is_Symbol else mark.func.__name__ for mark in marks}
    alike: dict[Basic, Basic] = {}
    for number, mark in enumerate(sorted(marks, key=lambda mark: named[mark])):
        old = named[mark]
        if old.partition("~")[1] and len(old) > SHORTEST_MARK and not mark.args:
            new = f"{old[0]}{number:03}{'~':_>{len(old) - 4}}"
            alike[mark] = (Symbol if mark.is_Symbol else _kernel)(new)
    put = (
        part.xreplace(alike) if part is not None else None for part in (formula, name, definition)
    )
    found, reason = _closed_once(*put, frozenset(mark.xreplace(alike) for mark in firm))
    return found.xreplace({new: old for old, new in alike.items()}), reason


SHORTEST_MARK = 4
"""The letters of a mark's name that its number takes."""


@lru_cache(maxsize=2048)
def _closed_once(
    formula: Expr, name: Any, definition: Expr | None, firm: frozenset[Any]
) -> tuple[Expr, str]:
    form = closed_forms(formula, name, definition, positive=firm)[0]
    return form.formula, form.rewritings[-1][1] if form.rewritings else ""


def _settled(formula: Expr) -> bool:
    """Whether a formula is a product of polynomials that is shortest as it is.

    Each sum is as short as it gets, and of two sums one has a name that the other lacks: multiplied
    out, the terms with that name would not cancel.
    """
    factors = [f.as_base_exp() for f in Mul.make_args(formula)]
    sums = [base for base, _ in factors if isinstance(base, Add)]
    plain = all(e.is_Integer and e > 0 and not b.is_Number for b, e in factors)
    if len(factors) < 2 or not plain:
        return False
    if any(not base.is_Symbol and base not in sums for base, _ in factors):
        return False
    names = [base.free_symbols for base in sums]
    if any(not base.is_polynomial(*own) for base, own in zip(sums, names, strict=True)):
        return False
    if len({frozenset(own) for own in names}) < len(names):
        return False
    return all(map(_shortest_as_it_is, sums))


def _shortest_as_it_is(formula: Expr) -> bool:
    names = sorted(formula.free_symbols, key=str)
    return _known_shortest(formula.xreplace({s: Symbol(f"x{k:03}") for k, s in enumerate(names)}))


@lru_cache(maxsize=1024)
def _known_shortest(formula: Expr) -> bool:
    return closed_forms(formula)[0].formula == formula


def _can_name(formula: Expr, definition: Expr) -> bool:
    """Whether some function in a formula may be told by the stage's name.

    y = aK + b tells K by (y − b)/a. Where nothing is divided by, this a must be in what K is
    multiplied by, or be a number: no longer form is sought only to be discarded.
    """
    shared = _kernels_of(formula) & _kernels_of(definition)
    if any(
        p.exp.is_negative or not p.exp.is_number
        for w in (formula, definition)
        for p in w.atoms(Pow)
    ):
        return bool(shared)
    for kernel in shared:
        mark = Dummy()
        marked = definition.xreplace({kernel: mark})
        if not marked.is_polynomial(mark):
            return True
        powers = Poly(marked, mark)
        factor = powers.coeff_monomial(mark)
        if powers.degree() > 1 or factor.free_symbols <= formula.free_symbols:
            return True
    return False


def _kernels_of(formula: Expr) -> set[Basic]:
    """The functions and roots of a formula, those inside named functions' definitions included."""
    plain = defined(formula)
    roots = {p.base for p in plain.atoms(Pow) if not p.exp.is_Integer}
    return {*formula.atoms(Function), *plain.atoms(Function), *roots}


def simplified(formula: Expr) -> Expr:
    """The simplest form by the formula's own algebra, its sums as they are."""
    return _shorter(formula, None, None)[0]


def _bodies(formula: Basic, algebra: Algebra) -> Any:
    """Every sum with its body in its simplest form."""
    if isinstance(formula, SympySum):
        body, indices = opened(formula)
        simple = _shorter(_bodies(body, algebra), None, None)[0]
        return algebra.contracted(sigma(simple, indices)) if simple != body else formula
    if not formula.args or not formula.has(SympySum) or isinstance(formula, Part):
        return formula
    return formula.func(*(_bodies(arg, algebra) for arg in formula.args))


def _scaled_inside(formula: Expr, algebra: Algebra) -> Expr:
    """Σ r/(1 + r²/s²)/s² as Σ r/(s² + r²): what divides a sum put under it."""
    sums = [f for f in Mul.make_args(formula) if isinstance(f, SympySum)]
    below = [f for f in Mul.make_args(formula) if isinstance(f, Pow) and f.exp.is_negative]
    if len(sums) != 1 or not below:
        return formula
    body, indices = opened(sums[0])
    if not body.has(Add) or not any(isinstance(p, Pow) and p.exp.is_negative for p in body.args):
        return formula
    simple = simplified(Mul(body, *below))
    return Mul(formula / Mul(sums[0], *below), algebra.contracted(sigma(simple, indices)))


def array_cost(formula: Basic) -> float:
    """The cost of an index formula: entries are free, a sum is an operation, a part a function."""
    sums = formula.atoms(SympySum)
    inside: Mapping[Basic, float] = {s: 1.0 + len(bound(s)) + array_cost(s.function) for s in sums}
    total = cost(Mask(telling=False).on(formula))
    outermost = [s for s in sums if not any(s in t.function.atoms(SympySum) for t in sums)]
    return total + sum(inside[s] for s in outermost)


__all__ = ["CONTRACTED", "Mask", "array_cost", "array_forms", "instances", "part"]
