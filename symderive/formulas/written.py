"""Formulas as a person writes them: sums and products that stay in the order they were put.

SymPy's own operators sort and combine; a line of a derivation must not. These functions build
unevaluated sums, products and powers, and ``tidy`` does only what a reader does without a word:
drop a zero term or a factor one, multiply the numbers, cancel a double minus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import prod
from operator import is_
from typing import Any

from sympy import Add, Basic, Expr, Function, Mul, NumberSymbol, Pow, S, Symbol, preorder_traversal


def rename(formula: Basic, symbols: Mapping[Basic, Basic]) -> Basic:
    """Replace sub-formulas and keep sums, products and powers exactly as written."""
    if formula in symbols:
        return symbols[formula]
    if not formula.args:
        return formula
    args = [rename(arg, symbols) for arg in formula.args]
    return rebuild(formula, _signs_in_front(formula, args))


def _signs_in_front(formula: Basic, args: list[Basic]) -> list[Basic]:
    """The factors of a product, with signs that new names brought out: sin(a − b) = −sin(b − a)."""
    if not isinstance(formula, Mul):
        return args
    turned = [
        isinstance(old, Function) and isinstance(new, Mul) and new.args[0] == -1
        for old, new in zip(formula.args, args, strict=True)
    ]
    if not any(turned):
        return args
    flat = [part for arg, sign in zip(args, turned, strict=True) for part in _parts(arg, sign)]
    number = prod([part for part in flat if part.is_Number], start=S.One)
    rest = [part for part in flat if not part.is_Number]
    return rest if number == 1 and len(rest) > 1 else [number, *rest]


def _parts(factor: Expr, turned: bool) -> tuple[Expr, ...]:
    return factor.args if turned else (factor,)


def recast(formula: Basic, symbols: Mapping[Basic, Basic]) -> Basic:
    """Rename; what stood in SymPy's own order is put in its order under the new names.

    A closed form has no order of its own, so a reader's order is found when it is printed; what
    was put in an order on purpose keeps it, as in ``rename``.
    """
    if formula in symbols:
        return symbols[formula]
    if not formula.args:
        return formula
    args = [recast(arg, symbols) for arg in formula.args]
    args = _signs_in_front(formula, args)
    if isinstance(formula, Add | Mul | Pow):
        own = formula.func(*formula.args)
        new = formula.func(*args)
        orderly = own.func is formula.func and own.args == formula.args
        if orderly and new.func is formula.func and len(new.args) == len(args):
            return new
    return rebuild(formula, args)


def orderly(formula: Basic) -> Basic:
    """The same sums and products with no order of their own: a reader's order is found in print.

    Nothing is multiplied out or gathered: where SymPy would, a formula stays as it is written.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> orderly(Mul(2, y, x, Add(x, 1, evaluate=False), evaluate=False))
    2*x*y*(x + 1)
    """
    if not formula.args:
        return formula
    args = [orderly(arg) for arg in formula.args]
    if isinstance(formula, Add | Mul):
        own = formula.func(*args)
        if own.func is formula.func and Counter(own.args) == Counter(args):
            return own
    return rebuild(formula, args)


def rebuild(formula: Basic, args: list[Basic]) -> Basic:
    """The same operation on other arguments, as written; itself where none is another."""
    if len(args) == len(formula.args) and all(map(is_, args, formula.args)):
        return formula
    if isinstance(formula, Add | Mul | Pow):
        return formula.func(*args, evaluate=False)
    return formula.func(*(once(arg) for arg in args))


def once(formula: Basic) -> Basic:
    """A formula whose products with π hold each factor once, as its square and the like.

    SymPy's trigonometric functions take the coefficient of π to be a set of factors.

    >>> x = Symbol("x")
    >>> once(Mul(S.Pi, x, x, evaluate=False))
    pi*x**2
    """
    terms = formula.args if isinstance(formula, Add) else (formula,)
    products = [term.args for term in terms if isinstance(term, Mul) and S.Pi in term.args]
    return evaluated(formula) if any(len(set(p)) < len(p) for p in products) else formula


def settled(formula: Expr) -> Expr:
    """A formula as SymPy's functions and comparisons take it.

    Of 0·x as written, its assumptions contradict each other.
    """
    zeros = any(part.is_Mul and S.Zero in part.args for part in preorder_traversal(formula))
    return evaluated(formula) if zeros else once(formula)


def evaluated(formula: Basic) -> Expr:
    """SymPy's own form of a formula that was built unevaluated."""
    return _evaluated(formula) if formula.args else formula


@lru_cache(maxsize=50_000)  # the forms of one derivative have most of their parts in common
def _evaluated(formula: Basic) -> Expr:
    return formula.func(*(evaluated(arg) for arg in formula.args))


def parts_of(formula: Basic, *kinds: Any) -> set[Any]:
    """The parts of some kinds, each looked at once, however often the formula repeats it.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> sorted(map(str, parts_of((x + y) ** 2 + 1/(x + y), Symbol, Pow)))
    ['(x + y)**2', '1/(x + y)', 'x', 'y']
    """
    return {part for part in each_part(formula) if isinstance(part, kinds)}


def each_part(formula: Basic) -> Iterator[Basic]:
    """The parts of a formula in its own order, each once, however often the formula repeats it."""
    seen: set[Basic] = set()
    pending = [formula]
    while pending:
        part = pending.pop()
        if part not in seen:
            seen.add(part)
            pending.extend(part.args)
            yield part


def put_for(formula: Basic, found: Mapping[Basic, Basic]) -> Any:
    """The formula with parts replaced, each part looked at once, however often it is repeated.

    What SymPy's ``xreplace`` does; that takes each repetition anew, and the inverse of six rows
    written out has millions.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> put_for((x + y) ** 2 + 1/(x + y), {x: y})
    4*y**2 + 1/(2*y)
    """
    if not found:
        return formula
    done: dict[Basic, Basic] = {}

    def put(part: Basic) -> Basic:
        if part in found:
            return found[part]
        if not part.args:
            return part
        if part not in done:
            args = [put(arg) for arg in part.args]
            same = all(map(is_, args, part.args))
            done[part] = part if same else part.func(*args)
        return done[part]

    return put(formula)


def terms(formula: Expr) -> tuple[Expr, ...]:
    """The terms of a sum; of anything else, itself."""
    return formula.args if isinstance(formula, Add) else (formula,)


def factors(formula: Expr) -> tuple[Expr, ...]:
    """The factors of a product; of anything else, itself."""
    return formula.args if isinstance(formula, Mul) else (formula,)


def minus(formula: Expr) -> Expr:
    """−formula, as written."""
    if formula.is_Number:
        return -formula
    parts = factors(formula)
    if parts[0].is_Number:
        return product(-parts[0], *parts[1:])
    return Mul(S.NegativeOne, *parts, evaluate=False)


def sum_of(*parts: Expr) -> Expr:
    """The sum of the parts in their order; nested sums become one."""
    flat = [term for part in parts for term in terms(part)]
    return flat[0] if len(flat) == 1 else Add(*flat, evaluate=False)


def product(*parts: Expr) -> Expr:
    """The product of the parts in their order; ones are dropped, nested products become one."""
    flat = [factor for part in parts for factor in factors(part) if factor != 1]
    if not flat:
        return S.One
    return flat[0] if len(flat) == 1 else Mul(*flat, evaluate=False)


def quotient(left: Expr, right: Expr) -> Expr:
    """Left / right, as written."""
    if left.is_Rational and right.is_Rational and right != 0:
        return left / right
    return left if right == 1 else product(left, Pow(right, S.NegativeOne, evaluate=False))


def power(base: Expr, exponent: Expr) -> Expr:
    """Base ** exponent, as written."""
    if exponent == 1:
        return base
    if base.is_Rational and exponent.is_Integer and not (base == 0 and exponent < 0):
        return base**exponent
    return Pow(base, exponent, evaluate=False)


def tidy(formula: Basic) -> Basic:
    """Do what a reader does without a word; keep the order of everything else.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> tidy(Add(Mul(3, y, 2, x, 1, evaluate=False), Mul(0, y, evaluate=False), evaluate=False))
    6*x*y
    """
    if not formula.args:
        return formula
    args = [tidy(arg) for arg in formula.args]
    return TIDY.get(type(formula), rebuild)(formula, args)


def _tidy_sum(_: Basic, args: list[Expr]) -> Expr:
    flat = [term for arg in args for term in terms(arg)]
    numbers = [term for term in flat if term.is_Number]
    total = sum(numbers, S.Zero)
    kept: list[Expr] = []
    for term in _without_opposites(flat):
        if not term.is_Number:
            kept.append(term)
        elif numbers and total != 0:  # the numbers are added where the first one stood
            kept.append(total)
            total = S.Zero
    return sum_of(*kept) if kept else total


def _without_opposites(flat: list[Expr]) -> list[Expr]:
    """The terms without those that cancel at sight: 2 − x + x."""
    signs = Counter(term for term in flat if not term.is_Number)
    opposite = {term for term in signs if _is_negative(term) and minus(term) in signs}
    if not opposite:
        return flat
    gone = Counter({t: min(signs[t], signs[minus(t)]) for t in opposite})
    gone.update({minus(term): count for term, count in [*gone.items()]})
    kept = []
    for term in flat:
        if gone[term] > 0:
            gone[term] -= 1
        else:
            kept.append(term)
    return kept


def _tidy_product(_: Basic, args: list[Expr]) -> Expr:
    flat: list[Expr] = []
    number = S.One
    for factor in _numbers_apart([factor for arg in args for factor in factors(arg)]):
        if factor.is_Number:
            number *= factor
        elif factor.is_Add and all(_is_negative(term) for term in factor.args):
            number = -number
            flat.append(sum_of(*(minus(term) for term in factor.args)))
        else:
            flat.append(factor)
    if number == 0:
        return S.Zero
    flat = _merge_powers(flat)
    if number == -1 and len(flat) == 1 and any(map(_is_negative, terms(flat[0]))):
        return _plus_first(sum_of(*(minus(term) for term in terms(flat[0]))))
    flat.sort(key=_place)
    return product(number, *flat) if number != 1 else product(*flat)


def _numbers_apart(flat: list[Expr]) -> list[Expr]:
    """The factors, with the numbers of several divisors as factors: 1/(c²·2u) is 1/(2c²u).

    >>> from sympy.abc import c, u, v
    >>> below = Pow(Mul(2, u, evaluate=False), -1, evaluate=False)
    >>> tidy(Mul(2, v, Pow(c, -2, evaluate=False), below, evaluate=False))
    v/(c**2*u)
    """
    if sum(map(_divides, flat)) < 2:
        return flat
    result: list[Expr] = []
    for factor in flat:
        below = factor.base if isinstance(factor, Pow) and factor.exp == -1 else None
        if isinstance(below, Mul) and below.args[0].is_Integer and below.args[0] > 0:
            number, *rest = below.args
            result += [1 / number, *(_tidy_power(part, [part, S.NegativeOne]) for part in rest)]
        else:
            result.append(factor)
    return result


def _plus_first(formula: Expr) -> Expr:
    """−y + x → x − y, where every term is a plain name or number."""
    if any(factor.args for term in terms(formula) for factor in factors(term)):
        return formula
    return sum_of(*sorted(terms(formula), key=_is_negative))


def _place(factor: Expr) -> int:
    """Names first, then brackets, functions and u′; then what divides, likewise."""
    base = factor.base if isinstance(factor, Pow) and factor.exp.is_Integer else factor
    name = isinstance(base, NumberSymbol) or (isinstance(base, Symbol) and base.name[-1] != "'")
    return (2 if _divides(factor) else 0) + (0 if name else 1)


def _divides(factor: Expr) -> bool:
    return isinstance(factor, Pow) and bool(factor.exp.is_number and factor.exp.is_negative)


def _is_negative(term: Expr) -> bool:
    first = factors(term)[0]
    return bool(first.is_Number and first < 0)


def _merge_powers(flat: list[Expr]) -> list[Expr]:
    """x·x → x², x²·(1/x) → x: equal bases are written once, where the first one stood."""
    exponents: dict[Expr, Expr] = {}
    for factor in flat:
        base, exponent = factor.as_base_exp() if not factor.is_Function else (factor, S.One)
        if not exponent.is_Number:
            base, exponent = factor, S.One
        exponents[base] = exponents.get(base, S.Zero) + exponent
    return [power(base, exponent) for base, exponent in exponents.items() if exponent != 0]


def _tidy_power(formula: Basic, args: list[Expr]) -> Expr:
    base, exponent = args
    if exponent == 0:
        return S.One
    if base == 1:
        return S.One
    if isinstance(base, Pow) and base.exp.is_Integer and exponent.is_Integer:
        return power(base.base, base.exp * exponent)
    if exponent == -1 and isinstance(base, Mul) and any(map(_divides, base.args)):
        return _tidy_product(base, [_tidy_power(base, [part, exponent]) for part in base.args])
    if exponent == -1 and isinstance(base, Mul) and base.args[0] == -1:
        return minus(power(product(*base.args[1:]), exponent))
    return power(base, exponent)


TIDY: Mapping[type[Basic], Callable[[Basic, list[Expr]], Expr]] = {
    Add: _tidy_sum,
    Mul: _tidy_product,
    Pow: _tidy_power,
}


def denominators(formula: Expr) -> set[Expr]:
    """What a formula divides by, anywhere in it."""
    found: set[Expr] = set()
    stack = [formula]
    while stack:
        part = stack.pop()
        for factor in factors(part):
            if factor.is_Pow and factor.exp.is_Number and factor.exp.is_negative:
                found.update(f.base if f.is_Pow else f for f in factors(factor.base))
        stack.extend(part.args)
    return found
