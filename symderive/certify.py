"""How a line is established: by exact normal form, or by samples at 50 digits over its domain.

The witness is independent of the rules: a derivative that a line has not yet taken, and the truth
a line is compared with, come from SymPy's ``diff`` of the definitions or from high-precision
differences, never from a row of ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from mpmath import isfinite, mp, mpf
from sympy import (
    Add,
    Basic,
    Derivative,
    Expr,
    Function,
    Piecewise,
    Pow,
    S,
    Subs,
    Symbol,
    preorder_traversal,
)
from sympy.core.function import AppliedUndef

from symderive.canonical_powers import canonical_powers
from symderive.canonical_roots import canonical_roots
from symderive.formulas.evaluate.tracked import is_slow
from symderive.formulas.evaluate.whole import WholeEntry
from symderive.formulas.functions import EVERYWHERE, function_of
from symderive.formulas.inert import Diff
from symderive.formulas.written import each_part, evaluated, parts_of, rename
from symderive.formulas.zero_test import is_zero
from symderive.roots import unsigned
from symderive.sampling import (
    DIGITS,
    SEED,
    effort_at,
    equalities,
    number_at,
    out_of_reach,
    points,
    stopped,
)
from symderive.sides import STEPS, in_pieces, on_sides
from symderive.steps import Certificate
from symderive.unknowns import by_unknowns

TOLERANCE = mpf(10) ** -25
"""Relative agreement asked of a sample: half the digits, which differences can reach."""


FUNCTION_WORK, SLOW_WORK, DIFFERENCE_WORK = 8, 250, 8
"""Operations that a function, a slow one, and a difference (times what is in it) count as."""

WHOLE_WORK = 5
"""Operations that one of a decomposition at many digits counts as; of n rows it takes n³."""

MAX_EXACT = 600
"""The parts of a formula with all definitions put in that is compared exactly."""

MAX_DIVISORS = 4
"""The sums that a formula divides by and is compared exactly."""

MAX_WRITTEN = 3000
"""The parts of a formula with all definitions put in; a longer one is compared in numbers."""

PROVED = Certificate("proved", "equal by exact normal form over the kernels")
UNKNOWN = Certificate("unknown", "no point of the domain was found")


def defined(formula: Basic) -> Basic:
    """The formula with every named function that has a definition written out."""
    if not formula.args:
        return formula
    args = [defined(arg) for arg in formula.args]
    row = function_of(formula)
    if row is not None and row.definition is not None:
        return defined_once(row.name, len(args), row.definition_formula)(*args)
    if isinstance(formula, Diff):
        return Diff(*args)
    return formula.func(*args)


def defined_once(name: str, count: int, definition: Callable[..., Expr]) -> Callable[..., Expr]:
    """A definition, written out down to primitives once for all calls."""
    letters, template = _definition(name, count, definition)
    return lambda *args: template.xreplace(dict(zip(letters, args, strict=True)))


@lru_cache(maxsize=1024)
def _definition(
    name: str, count: int, definition: Callable[..., Expr]
) -> tuple[list[Symbol], Basic]:
    letters = [Symbol(f"_a{k}") for k in range(count)]
    return letters, defined(evaluated(definition(*letters)))


def witness(formula: Expr, variable: Symbol, *, pieces: bool = False) -> Expr | None:
    """SymPy's derivative of a formula's definition; None where only numbers can tell.

    Non-smooth primitives have no formula to differentiate: there the witness is numeric, unless
    they are written in pieces.
    """
    held: dict[Basic, Symbol] = {}

    def hold(parts: Sequence[Basic]) -> dict[Basic, Symbol]:
        return {part: held.setdefault(part, Symbol(f"_held{len(held)}")) for part in parts}

    whole = evaluated(formula)
    plain = defined(whole.xreplace(hold([*stopped(whole), *constants(whole, variable)])))
    if pieces:
        plain = in_pieces(plain)
        plain = plain.xreplace(hold(constants(plain, variable)))
    for part in plain.atoms(Function):
        if function_of(part) is not None and not type(part).__module__.startswith("sympy"):
            return None
        if isinstance(part, AppliedUndef):
            return None
    result = plain.diff(variable)
    for _ in range(2 if pieces else 1):  # what is held in the pieces holds what was held before
        result = result.xreplace({mark: part for part, mark in held.items()})
    many = len(result.atoms(Piecewise)) > MAX_BRANCHES
    return None if many or result.has(Derivative, Subs) else result


def constants(formula: Basic, variable: Symbol) -> list[Basic]:
    """The functions in a formula that do not change with a variable, the outermost of each.

    >>> from sympy import exp, sin, symbols
    >>> from symderive.formulas.functions import FUNCTIONS
    >>> x, y = symbols("x y")
    >>> constants(x * exp(y + sin(y)) + sin(x) * exp(FUNCTIONS["sign"].apply(x)), x)
    [exp(sign(x)), exp(y + sin(y))]
    """
    if isinstance(formula, Function) and not _moves(formula, variable):
        return [formula]
    return sorted({part for arg in formula.args for part in constants(arg, variable)}, key=str)


def _moves(formula: Basic, variable: Symbol) -> bool:
    if variable not in formula.free_symbols:
        return False
    row = function_of(formula)
    jumps = row is not None and row.name in STEPS
    return not jumps and (formula == variable or any(_moves(a, variable) for a in formula.args))


MAX_BRANCHES = 4
"""The conditionals in a derivative up to which SymPy's is compared branch by branch."""


def resolved(formula: Basic, *, pieces: bool = False) -> Expr | None:
    """The formula with each ``Diff`` replaced by its witness; None where there is none."""
    if isinstance(formula, Diff):
        return witness(formula.args[0], formula.args[1], pieces=pieces)
    if not formula.args:
        return formula
    args = [resolved(arg, pieces=pieces) for arg in formula.args]
    if any(arg is None for arg in args):
        return None
    return formula.func(*args)


def certify(
    left: Expr,
    right: Expr,
    *,
    where: Mapping[Symbol, Expr] | None = None,
    bound: Mapping[Basic, Basic] | None = None,
    positive: frozenset[Symbol] = frozenset(),
) -> Certificate:
    """Establish that two formulas are equal wherever both are defined.

    Args:
        left: A formula, which may hold ``Diff``.
        right: Another.
        where: Definitions of symbols, put in when the formulas are not equal as they stand.
        bound: What symbols are at every point, such as A[1,0] of a symmetric matrix: A[0,1]. A
            derivative is taken before, for they are variables of their own.
        positive: Names that are known to be positive.

    Returns:
        A certificate; ``refuted`` carries the point where the two differ.
    """
    sides = [resolved(evaluated(side)) for side in (left, right)]
    plain = [side for side in sides if side is not None]
    if len(plain) == len(sides):
        if is_zero(plain[0] - plain[1]):
            return PROVED
        written = [written_out(side, where or {}, MAX_EXACT) for side in plain]
        written = [None if w is None or many_divisors(w) else w for w in written]
        known = [defined(w).xreplace(bound or {}) for w in written if w is not None]
        if len(known) < len(plain):
            known = plain
        elif known != plain and is_zero(known[0] - known[1]):
            return PROVED
        if _equal_in_normal_form(known[0] - known[1], positive):
            return PROVED
    found = sampled(left, right, where=where or {}, bound=bound, positive=positive)
    if found.passed:
        return found
    whole = [written_out(side, where or {}) for side in plain]
    spelled_out = [side for side in whole if side is not None]
    if len(spelled_out) == len(sides) and [left, right] != spelled_out:  # too steep for differences
        exact = sampled(*spelled_out, where={}, bound=bound, positive=positive)
        if exact.passed or found == UNKNOWN != exact:
            return exact
    if found != UNKNOWN:
        return found
    spelled = [resolved(evaluated(side), pieces=True) for side in (left, right)]
    if spelled != sides and None not in spelled:
        exact = certify(*spelled, where=where, bound=bound, positive=positive)
        if exact != UNKNOWN:
            return exact
    pairs = zip(sides, (left, right), strict=True)
    taken = [written_out(raw if side is None else side, where or {}) for side, raw in pairs]
    written = [side for side in taken if side is not None]
    return by_unknowns(written, out_of_reach, certify) or UNKNOWN


def _equal_in_normal_form(difference: Expr, positive: frozenset[Symbol]) -> bool:
    """Whether a difference is zero by the normal form of its roots or powers, and known signs.

    So √(1 − x²/a²) and √(a² − x²)/a, which are equal for a > 0, are one kernel; so are xⁿ and
    e^(n·log x).
    """
    changed = canonical_roots(difference, positive)
    if positive:
        changed = unsigned(changed, positive)
    if changed != difference and is_zero(changed):
        return True
    changed = canonical_powers(difference, positive)
    if changed != difference and is_zero(changed):
        return True
    if not difference.has(Piecewise):
        return False
    sides = on_sides(difference)
    return sides is not None and all(map(is_zero, sides[1]))


def put_in(formula: Expr, where: Mapping[Symbol, Expr]) -> Expr:
    """The formula with symbols replaced by their definitions, to the bottom.

    A ``Diff`` names what it differentiates by, and stays as it is.
    """
    held = parts_of(formula, Diff)
    places = preorder_traversal(formula) if held else ()
    inert = dict.fromkeys(part for part in places if part in held)  # in order: long to print
    kept = {part: Symbol(f"_kept{k}") for k, part in enumerate(inert)}
    formula = formula.xreplace(kept)
    for _ in range(len(where)):
        inner = formula.free_symbols & where.keys()
        if not inner:
            break
        formula = formula.xreplace({symbol: evaluated(where[symbol]) for symbol in inner})
    return formula.xreplace({mark: part for part, mark in kept.items()})


def many_divisors(formula: Expr) -> bool:
    """Whether a common denominator is long: an exact comparison would not end."""
    below = {power.base for power in parts_of(formula, Pow) if power.exp.is_negative}
    return sum(isinstance(base, Add) for base in below) > MAX_DIVISORS


def written_out(
    formula: Expr, where: Mapping[Symbol, Expr], most: int = MAX_WRITTEN
) -> Expr | None:
    """The same as ``put_in``; None where that is longer than is worth writing out."""
    lengths: dict[Basic, int] = {}

    def length(part: Basic) -> int:
        if part not in lengths:
            lengths[part] = most  # a definition that leads to itself
            inside = [*part.args, *((where[part],) if part in where else ())]
            lengths[part] = min(1 + sum(map(length, inside)), most)
        return lengths[part]

    return put_in(formula, where) if length(formula) < most else None


def _in_order(sides: Sequence[Expr], where: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The definitions that formulas need, each after those that it needs itself."""
    found: dict[Symbol, Expr] = {}

    def visit(formula: Expr) -> None:
        for symbol in sorted(parts_of(formula, Symbol) & where.keys(), key=str):
            if symbol not in found:
                visit(where[symbol])
                found[symbol] = evaluated(where[symbol])

    for side in sides:
        visit(side)
    return found


def _differ(left: mpf, right: mpf) -> bool:
    scale = max(abs(left), abs(right), mpf(10) ** -10)
    return bool(abs(left - right) > TOLERANCE * scale)


def work_of(formula: Basic) -> int:
    """The operations that one value of a formula takes, roughly.

    >>> work_of(Symbol("x") ** 2 + 1), work_of(Diff(Symbol("x") ** 2, Symbol("x")))
    (5, 33)
    """
    seen: set[Basic] = set()
    matrices: set[tuple[str, tuple[Basic, ...]]] = set()
    total, pending = 0, [formula]
    while pending:
        part = pending.pop()
        if part in seen:
            continue
        seen.add(part)
        total += 1
        if isinstance(part, Diff):
            total += DIFFERENCE_WORK * work_of(part.args[0]) + DIFFERENCE_WORK
            continue
        if isinstance(part, WholeEntry) and (part.operation, part.args) not in matrices:
            matrices.add((part.operation, part.args))  # its entries are found together
            total += int(WHOLE_WORK * len(part.args) ** 1.5)
        row = function_of(part)
        if row is not None:
            total += SLOW_WORK if row.numeric and is_slow(row.numeric) else FUNCTION_WORK
            if row.is_defined and not row.numeric:
                pending.append(defined(part.func(*map(_letter, range(len(part.args))))))
        pending.extend(part.args)
    return total


def _letter(place: int) -> Symbol:
    return Symbol(f"_w{place}")


def orders_in(*formulas: Expr) -> frozenset[str]:
    """The names in arguments that take whole numbers only, such as the n of a Legendre polynomial.

    >>> from symderive.formulas.functions import FUNCTIONS
    >>> sorted(orders_in(FUNCTIONS["legendre"].apply(Symbol("n") - 1, Symbol("x"))))
    ['n']
    """
    found: set[str] = set()
    for part in (part for formula in formulas for part in parts_of(formula, Function)):
        row = function_of(part)
        if row is not None and row.integers:
            named = zip(row.parameters, part.args, strict=False)
            found |= {s.name for name, a in named if name in row.integers for s in a.free_symbols}
    return frozenset(found)


def domain_of(formula: Expr) -> list[Expr]:
    """What is 1 exactly where the arguments of the named functions lie in their domains."""
    return sorted((rename(test, values) for test, values in _domains(formula)), key=str)


def _domains(formula: Expr) -> list[tuple[Expr, dict[Symbol, Expr]]]:
    """The same, for each function a test of names and the arguments that these stand for.

    With the arguments put in, SymPy would multiply out the cases that they hold.
    """
    found: dict[tuple[Expr, tuple[Expr, ...]], None] = {}
    for part in each_part(formula):
        row = function_of(part)
        if row is not None and row.domain != EVERYWHERE and not parts_of(part, Diff):
            names = tuple(map(_letter, range(len(part.args))))
            test = Piecewise((S.One, row.domain_condition(*names)), (S.Zero, True))
            found[test, part.args] = None
    return [(test, {_letter(place): arg for place, arg in enumerate(args)}) for test, args in found]


def _within(test: Expr, arguments: Mapping[Symbol, Expr], point: Mapping[str, mpf]) -> bool:
    """Whether the arguments of a function lie in its domain at a point."""
    return number_at(test, {s.name: number_at(f, point) for s, f in arguments.items()}) == 1


def _asked_for(formulas: Sequence[Expr]) -> dict[str, Expr]:
    """The numbers that branches ask names for: 1 of t == 1, which no draw meets.

    What is differentiated by is left out: at a kink its derivative is a convention.

    >>> from sympy import Eq
    >>> t, x = Symbol("t"), Symbol("x")
    >>> chosen = Piecewise((x, Eq(t, 1)), (2*x, Eq(x, 0)), (t, True))
    >>> _asked_for([chosen]), _asked_for([chosen, Diff(chosen, x)])
    ({'t': 1, 'x': 0}, {'t': 1})
    """
    moving = {part.args[1] for formula in formulas for part in parts_of(formula, Diff)}
    pairs = {pair for formula in formulas for pair in equalities(formula)}
    found = ((str(n), k) for n, k in pairs if isinstance(n, Symbol) and k.is_number)
    return {name: number for name, number in sorted(found) if Symbol(name) not in moving}


def sampled(
    left: Expr,
    right: Expr,
    *,
    where: Mapping[Symbol, Expr],
    bound: Mapping[Basic, Basic] | None = None,
    positive: frozenset[Symbol] = frozenset(),
) -> Certificate:
    """Compare two formulas at seeded points of their common domain."""
    short = [written_out(side, where) for side in (left, right)]
    defined_by: dict[Symbol, Expr] = {}
    if short[0] is not None and short[1] is not None:
        left, right = short[0], short[1]
    else:  # too long: the definitions in numbers, one after the other
        defined_by = _in_order((left, right), where)
    bound = bound or {}
    names = {s.name for side in (left, right, *defined_by.values()) for s in parts_of(side, Symbol)}
    names -= {symbol.name for symbol in defined_by}
    fixed = {str(symbol): formula for symbol, formula in bound.items() if str(symbol) in names}
    names -= fixed.keys()
    names |= {s.name for formula in fixed.values() for s in parts_of(formula, Symbol)}
    values: list[tuple[mpf, mpf]] = []

    parts = (left, right, *defined_by.values())
    domain = [pair for side in parts for pair in _domains(side)]

    def valid(point: dict[str, mpf]) -> int:
        pair: list[mpf] = []
        effort = 1
        try:
            here = {name: number_at(formula, point, 8 * DIGITS) for name, formula in fixed.items()}
            point.update(here)
            for symbol, formula in defined_by.items():
                point[symbol.name] = number_at(formula, point, 8 * DIGITS)
            if not all(_within(test, arguments, point) for test, arguments in domain):
                return 0
            for side in (left, right):
                pair.append(number_at(side, point))
                effort = max(effort, effort_at(side, point))
                if not isfinite(pair[-1]):
                    return -effort
        except (ValueError, ZeroDivisionError, OverflowError):
            return -effort
        values.append((pair[0], pair[1]))
        return effort

    seen = 0
    needed = (argument for _, arguments in domain for argument in arguments.values())
    work = sum(map(work_of, (left, right, *needed)))
    whole, firm = orders_in(left, right), frozenset(symbol.name for symbol in positive)
    asked = _asked_for([left, right, *defined_by.values()])
    for point in points(names, valid, work=work, whole=whole, positive=firm, special=asked):
        seen += 1
        mine, theirs = values[-1]
        if _differ(mine, theirs):  # an ill-conditioned formula loses digits: more of them decide
            mine, theirs = (number_at(side, point, 5 * DIGITS) for side in (left, right))
        if _differ(mine, theirs):
            shown = tuple((name, mp.nstr(value, 6)) for name, value in sorted(point.items()))
            return Certificate(
                "refuted",
                f"{mp.nstr(mine, 12)} against {mp.nstr(theirs, 12)}",
                seen,
                DIGITS,
                SEED,
                shown,
            )
    if not seen:
        return UNKNOWN
    method = f"equal at {seen} points of the domain, to 25 of {DIGITS} digits"
    return Certificate("sampled", method, seen, DIGITS, SEED)
