"""Index notation on SymPy: entries ``X[i, j]``, sums over indices, deltas, parts of arrays.

An ``Index`` knows the size of its axis. Bound indices are renamed before anything is captured,
and ``substitute`` respects what binds them, which SymPy's ``xreplace`` does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cmp_to_key, lru_cache
from itertools import count
from operator import is_
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Mul,
    Pow,
    S,
    Symbol,
    Tuple,
    exp,
    log,
)
from sympy import Sum as SympySum
from sympy.core.relational import Relational
from sympy.core.sorting import default_sort_key
from sympy.core.symbol import Str

from symderive.formulas.written import once

_COUNTER = count()


class Index(Symbol):
    """An index that runs over 0, …, size − 1.

    >>> i = Index("i", Symbol("n"))
    >>> i, i.size
    (i, n)
    """

    __slots__ = ("size",)
    size: Expr

    def __new__(cls, name: str, size: Expr) -> Index:
        """The index of this name and size."""
        made: Index = Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
        made.size = size
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.size)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.size), {}


class Sum(SympySum):
    """SymPy's sum, its body left as it is.

    SymPy's own takes the cases of a nested sum out of it, conditions on its index included; and to
    look for them costs more than everything else about a sum.
    """

    __slots__ = ()

    def __new__(cls, body: Expr, *limits: Tuple) -> Sum:
        """The sum of a body over (index, first, last), …."""
        if body == 0:
            return S.Zero
        made: Sum = Expr.__new__(cls, body, *(Tuple(*limit) for limit in limits))
        made.is_commutative = True
        return made

    @property
    def free_symbols(self) -> set[Basic]:
        """The symbols that it does not bind; SymPy's own builds the body anew to find them."""
        return set(_free_in_sum(self))


@lru_cache(maxsize=20_000)
def _free_in_sum(formula: Sum) -> frozenset[Basic]:
    found = set(formula.function.free_symbols)
    for index, first, last in formula.limits:
        found.discard(index)
        found |= first.free_symbols | last.free_symbols
    return frozenset(found)


class ArrayOf(Basic):
    """A whole array as an operand: its entry as a formula of bound indices."""

    @property
    def formula(self) -> Expr:
        """The entry."""
        return self.args[0]

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices that it binds, one an axis."""
        return tuple(self.args[1])

    @property
    def free_symbols(self) -> set[Basic]:
        """The symbols of the entry that it does not bind."""
        return self.formula.free_symbols - set(self.indices)

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The entry at given indices."""
        return substitute(self.formula, dict(zip(self.indices, indices, strict=True)))


class Part(Expr):
    """An entry of what an operation makes of whole arrays: ``inv(A)[i, j]``, ``det(A)``."""

    is_commutative = True
    is_array_part = True

    @property
    def op(self) -> str:
        """The operation's name."""
        return str(self.args[0])

    @property
    def arrays(self) -> tuple[ArrayOf, ...]:
        """The operands."""
        return tuple(self.args[1])

    @property
    def indices(self) -> tuple[Expr, ...]:
        """Which entry; () of a scalar."""
        return tuple(self.args[2])

    def _sympystr(self, printer: Any) -> str:
        inside = ", ".join(printer.doprint(array.formula) for array in self.arrays)
        shown = ", ".join(map(printer.doprint, self.indices))
        return f"{self.op}({inside})" + (f"[{shown}]" if shown else "")


def part(op: str, arrays: Sequence[ArrayOf], indices: Sequence[Expr] = ()) -> Part:
    """An entry of op(arrays)."""
    return Part(Str(op), Tuple(*arrays), Tuple(*indices))


def entry_of(name: str | Symbol, indices: Sequence[Expr]) -> Expr:
    """``name[indices]``; the symbol itself where there are none."""
    symbol = Symbol(name) if isinstance(name, str) else name
    return Indexed(IndexedBase(symbol), *indices) if indices else symbol


def places(own: Sequence[Expr], at: Sequence[Expr]) -> dict[Basic, Basic]:
    """Where the indices of an entry go: of x[i, 0] at [k, 0], i to k."""
    pairs = zip(own, at, strict=True)
    return {index: place for index, place in pairs if isinstance(index, Index)}


def fresh(size: Expr) -> Index:
    """An index that nothing else uses."""
    return Index(f"_f{next(_COUNTER)}", size)


def sigma(body: Expr, indices: Sequence[Index]) -> Expr:
    """Σ body over the indices; sums directly inside become one sum.

    >>> n = Symbol("n")
    >>> sigma(entry_of("x", [Index("i", n)]), [Index("i", n)])
    Sum(x[i], (i, 0, n - 1))
    """
    if not indices:
        return body
    limits = [Tuple(index, S.Zero, index.size - 1) for index in indices]
    if isinstance(body, SympySum):
        inner, renamed = opened(body)
        limits = [Tuple(i, S.Zero, i.size - 1) for i in renamed] + limits
        body = inner
    return Sum(body, *limits)


def sigma_as_is(body: Expr, indices: Sequence[Index]) -> Expr:
    """The sum, nothing inside it opened."""
    return Sum(body, *(Tuple(index, S.Zero, index.size - 1) for index in indices))


def bound(formula: SympySum) -> tuple[Index, ...]:
    """The indices that a sum binds."""
    return tuple(limit[0] for limit in formula.limits)


def opened(formula: SympySum) -> tuple[Expr, tuple[Index, ...]]:
    """The body of a sum and its indices, renamed so that they may stand anywhere."""
    old = bound(formula)
    new = tuple(fresh(index.size) for index in old)
    return substitute(formula.function, dict(zip(old, new, strict=True))), new


def delta(left: Expr, right: Expr) -> Expr:
    """1 where the two indices are equal, else 0."""
    some = isinstance(left, Index) or isinstance(right, Index)
    if some and left != right and _is_place(left) and _is_place(right):
        return _in_order(left, right)
    return KroneckerDelta(left, right)


def _is_place(place: Expr) -> bool:
    return isinstance(place, Index) or (isinstance(place, Integer) and int(place) >= 0)


def _in_order(left: Expr, right: Expr) -> KroneckerDelta:
    """The delta of places that may be equal or not: SymPy asks for long whether they are."""
    if default_sort_key(right) < default_sort_key(left):
        left, right = right, left
    return Expr.__new__(KroneckerDelta, left, right)


def substitute(formula: Basic, values: Mapping[Basic, Basic]) -> Any:
    """Replace free indices and symbols; what a sum or an operand binds stays its own."""
    return _Substitution(values).on(formula) if values else formula


class _Substitution:
    """Free indices and symbols replaced in formulas.

    Attributes:
        symbols: Whether only symbols are replaced: what does not hold them stays.
        renames: The new names, where indices that differ go on to differ; nothing otherwise.
    """

    __slots__ = ("_done", "renames", "symbols", "values")

    def __init__(self, values: Mapping[Basic, Basic]) -> None:
        self.values = values
        self.symbols = all(isinstance(old, Symbol) for old in values)
        names = frozenset(values.values())
        pure = all(isinstance(name, Index) for name in (*values, *names))
        self.renames = names if pure and len(names) == len(values) else None
        self._done: dict[Basic, Any] = {}

    def on(self, formula: Basic) -> Any:
        """The formula with all of it replaced."""
        if formula in self.values:
            return self.values[formula]
        if not formula.args or (self.symbols and _free(formula).isdisjoint(self.values)):
            return formula
        found = self._done.get(formula)
        if found is None:
            found = self._done[formula] = self._replaced(formula)
        return found

    def _replaced(self, formula: Basic) -> Any:
        if isinstance(formula, SympySum | ArrayOf):
            return self._inside(formula)
        args = [self.on(arg) for arg in formula.args]
        if all(map(is_, args, formula.args)):
            return formula
        if isinstance(formula, KroneckerDelta):
            if self.renames is not None and _free(formula).isdisjoint(self.renames):
                return _in_order(*args)
            return delta(*args)
        if self._only_renames(formula, args):
            if isinstance(formula, Add | Mul):  # the same parts, in the order of the new names
                number = args[:1] if args[0].is_Number else []
                args = number + sorted(args[len(number) :], key=_IN_ORDER)
            made = formula.func(*args, evaluate=False)
            if isinstance(made, Add | Mul | Pow):
                _settle(made)
            return made
        if isinstance(formula, Add | Mul | Pow):
            return formula.func(*args, evaluate=_is_settled(formula))
        return formula.func(*map(once, args))

    def _inside(self, formula: SympySum | ArrayOf) -> Any:
        """A formula that binds indices, with what is free in it replaced."""
        mine = bound(formula) if isinstance(formula, SympySum) else formula.indices
        inner = {old: new for old, new in self.values.items() if old not in mine}
        if not any(old in formula.free_symbols for old in inner):
            return formula
        body = formula.args[0]
        if any(new.free_symbols & set(mine) for new in inner.values()):
            renames = {index: fresh(index.size) for index in mine}
            body = substitute(body, renames)
            mine = tuple(renames.values())
        body = self.on(body) if len(inner) == len(self.values) else substitute(body, inner)
        if isinstance(formula, ArrayOf):
            return ArrayOf(body, Tuple(*mine))
        return Sum(body, *(Tuple(i, S.Zero, i.size - 1) for i in mine))

    def _only_renames(self, formula: Basic, args: Sequence[Any]) -> bool:
        """Whether SymPy need not look anew at a formula or a comparison under new names.

        That is so where different indices stay different, and signs are told as before:
        tanh(a − b) is −tanh(b − a) where the names are in another order.
        """
        if self.renames is None or not _free(formula).isdisjoint(self.renames):
            return False
        if isinstance(formula, Add | Mul | Pow):
            pairs = zip(formula.args, args, strict=True)
            alike = formula.is_Pow or all(type(old) is type(new) for old, new in pairs)
            return alike and _is_settled(formula)
        if isinstance(formula, Relational):
            return True
        own = isinstance(formula, Function) and type(formula).__module__.startswith("sympy.")
        if not own or len(args) != 1:
            return False
        (old,), (new,) = formula.args, args
        plain = isinstance(formula, exp | log)
        return plain or old.could_extract_minus_sign() == new.could_extract_minus_sign()


_IN_ORDER = cmp_to_key(Basic.compare)
"""SymPy's own order of the parts of a sum or product."""


@lru_cache(maxsize=50_000)  # the parts of a formula are asked again and again
def _free(formula: Basic) -> frozenset[Basic]:
    return frozenset(formula.free_symbols)


_SETTLED: set[Basic] = set()
"""Sums and products that are known to be as SymPy itself would write them."""


def _settle(formula: Basic) -> None:
    if len(_SETTLED) >= _MOST_SETTLED:
        _SETTLED.clear()
    _SETTLED.add(formula)


_MOST_SETTLED = 50_000


def _is_settled(formula: Expr) -> bool:
    """Whether a sum or product is as SymPy itself would write it."""
    return formula in _SETTLED or _written_anew(formula)


@lru_cache(maxsize=50_000)
def _written_anew(formula: Expr) -> bool:
    return bool(formula.func(*formula.args) == formula)


def free_indices(formula: Basic) -> set[Index]:
    """The indices of a formula that nothing in it binds."""
    return {symbol for symbol in formula.free_symbols if isinstance(symbol, Index)}


def index_names(count_: int, taken: Iterable[str] = ()) -> list[str]:
    """Letters for indices that the model does not use as names."""
    used, letters = set(taken), "ijklpqrstuv"
    free = [letter for letter in letters if letter not in used]
    free += [
        f"{letter}{k}" for k in range(1, 9) for letter in letters if f"{letter}{k}" not in used
    ]
    return free[:count_]


def as_size(value: object) -> Expr:
    """A size as SymPy has it."""
    return value if isinstance(value, Expr) else Integer(value)
