"""Index notation at concrete sizes: plain scalar formulas, which the checks can sample.

Sums are written out, deltas decided, entries are symbols named ``X[0,1]``, and parts of whole
arrays are written out by the row of their operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from math import prod

from sympy import (
    Add,
    Basic,
    Expr,
    Indexed,
    Integer,
    KroneckerDelta,
    Mul,
    Piecewise,
    S,
    Symbol,
    Tuple,
    false,
    true,
)
from sympy.core.relational import Relational

from symderive.errors import ValueMissingError
from symderive.formulas.arrays.explicit import Block, NotExplicitError
from symderive.formulas.arrays.index import ArrayOf, Index, Part, Sum, bound
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.inert import Diff
from symderive.formulas.written import once, parts_of

MAX_TERMS = 200_000
"""Terms that one formula may be written out to; sizes in checks are far below."""

MAX_KEPT = 50_000
"""Parts that are remembered at given sizes."""

MOST_MULTIPLIED = 16
"""Terms up to which a product of sums is multiplied out, so that its indices come apart."""

Env = Mapping[Index, int]


def entry_name(name: str, at: tuple[int, ...]) -> str:
    """The name of the symbol that stands for one entry.

    >>> entry_name("X", (0, 1)), entry_name("b", ())
    ('X[0,1]', 'b')
    """
    return f"{name}[{','.join(map(str, at))}]" if at else name


def concrete(
    formula: Basic,
    sizes: Mapping[str, int],
    indices: Mapping[Index, int] | None = None,
    *,
    for_values: bool = False,
) -> Expr:
    """An index formula at concrete sizes and indices, as a plain scalar formula.

    Args:
        formula: In index notation; it may hold ``Diff``.
        sizes: The number that each symbol of a size stands for.
        indices: The number of each free index.
        for_values: Whether only values are asked of the result: its sums go as far inside as they
            can, and sums and products are left as they come, for SymPy sorts and gathers slowly.

    Raises:
        NotExplicitError: A part of an array that is too large to write out.

    >>> from symderive.formulas.arrays.index import entry_of, sigma
    >>> i = Index("i", Symbol("n"))
    >>> concrete(sigma(entry_of("x", [i]) / Symbol("n"), [i]), {"n": 2})
    x[0]/2 + x[1]/2
    """
    given = {} if indices is None else indices
    return _concrete(formula, frozenset(sizes.items()), frozenset(given.items()), for_values)


@lru_cache(maxsize=8192)  # the lines of a derivation share their sides
def _concrete(
    formula: Basic,
    sizes: frozenset[tuple[str, int]],
    indices: frozenset[tuple[Index, int]],
    for_values: bool,
) -> Expr:
    writer = _writer(sizes, for_values)
    if len(writer.known) > MAX_KEPT:
        writer.known.clear()
        writer.blocks.clear()
        writer.depends.clear()
    writer.terms = 0
    return writer.at(formula, dict(indices))


@lru_cache(maxsize=8)  # the entries of an array share their sums
def _writer(sizes: frozenset[tuple[str, int]], for_values: bool) -> _Writer:
    return _Writer(dict(sizes), for_values)


class _Writer:
    """Writes formulas out at given sizes; each part once for the indices that it depends on."""

    def __init__(self, sizes: Mapping[str, int], for_values: bool) -> None:
        self.sizes, self.for_values = sizes, for_values
        self.known: dict[tuple[Basic | int | None, ...], Expr] = {}
        self.blocks: dict[tuple[Basic | int | None, ...], Block] = {}
        self.depends: dict[Basic, tuple[Index, ...]] = {}
        self.terms = 0

    def at(self, formula: Basic, env: Env) -> Expr:
        if not formula.args:
            return self._leaf(formula, env)
        key = (formula, *self._places(formula, env))
        if key not in self.known:
            self.known[key] = self._compound(formula, env)
        return self.known[key]

    def _places(self, formula: Basic, env: Env) -> list[int | None]:
        """The numbers of the indices that a formula depends on."""
        if formula not in self.depends:
            free = (s for s in formula.free_symbols if isinstance(s, Index))
            self.depends[formula] = tuple(sorted(free, key=lambda index: index.sort_key()))
        return [env.get(index) for index in self.depends[formula]]

    def _leaf(self, formula: Basic, env: Env) -> Expr:
        if isinstance(formula, Index):
            return Integer(env[formula]) if formula in env else formula
        if isinstance(formula, Symbol) and formula.name in self.sizes:
            return Integer(self.sizes[formula.name])
        return formula

    def _compound(self, formula: Basic, env: Env) -> Expr:
        writer = _WRITERS.get(type(formula))
        if writer is not None:
            return writer(self, formula, env)
        values = [once(self.at(arg, env)) for arg in formula.args]
        if S.NaN in values and isinstance(formula, Relational):
            raise NotExplicitError(f"{formula} compares what has no value at these sizes")
        return formula.func(*values)

    # What is not copied as it is ----------------------------------------------------------

    def _number(self, formula: Basic, env: Env) -> int:
        value = self.at(formula, env)
        if not value.is_Integer:
            raise ValueMissingError(f"{formula} is not a whole number where an index or size is")
        return int(value)

    def _sum(self, formula: Sum, env: Env) -> Expr:
        if self.for_values:
            inwards = _inwards(formula)
            if inwards != formula:
                return self.at(inwards, env)
        runs = self._runs(bound(formula), env)
        return self._added([self.at(formula.function, inner) for inner in runs])

    def _add(self, formula: Add, env: Env) -> Expr:
        return self._added([self.at(term, env) for term in formula.args])

    def _added(self, terms: list[Expr]) -> Expr:
        if not self.for_values or all(term.is_Number for term in terms):
            return Add(*terms)  # numbers may be places
        kept = [term for term in terms if term is not S.Zero]
        return Add._from_args(kept, True)

    def _runs(self, indices: tuple[Index, ...], env: Env) -> list[Env]:
        ranges = [range(self._number(index.size, env)) for index in indices]
        self.terms += prod(map(len, ranges))
        if self.terms > MAX_TERMS:
            raise NotExplicitError(f"more than {MAX_TERMS} terms to write out")
        places = product(*ranges)
        runs: list[Env] = [{**env, **dict(zip(indices, at, strict=True))} for at in places]
        return runs

    def _mul(self, formula: Mul, env: Env) -> Expr:
        """What chooses comes first: an entry outside of the array is multiplied by 0."""
        done: dict[Expr, Expr] = {}
        for factor in formula.args:
            if isinstance(factor, KroneckerDelta | Piecewise):
                done[factor] = self.at(factor, env)
                if done[factor] == 0:
                    return S.Zero
        values = [done[f] if f in done else self.at(f, env) for f in formula.args]
        if not self.for_values or all(value.is_Number for value in values):
            return Mul(*values)
        if any(value is S.Zero for value in values):
            return S.Zero
        return Mul._from_args([value for value in values if value is not S.One], True)

    def _delta(self, formula: KroneckerDelta, env: Env) -> Expr:
        left, right = (self.at(arg, env) for arg in formula.args[:2])
        if left.is_Integer and right.is_Integer:
            return S.One if left == right else S.Zero
        return KroneckerDelta(left, right)

    def _indexed(self, formula: Indexed, env: Env) -> Expr:
        at = tuple(self._number(index, env) for index in formula.indices)
        return Symbol(entry_name(str(formula.base.label), at))

    def _piecewise(self, formula: Piecewise, env: Env) -> Expr:
        """Only the branches that can be taken are written out."""
        kept = []
        for value, condition in formula.args:
            decided = self.at(condition, env)
            if decided != false:
                kept.append((self.at(value, env), decided))
            if decided == true:
                break
        return kept[0][0] if kept and kept[0][1] == true else Piecewise(*kept)

    def _part(self, formula: Part, env: Env) -> Expr:
        row = OPS[formula.op]
        assert row.explicit is not None, formula.op
        at = tuple(self._number(index, env) for index in formula.indices)
        blocks = [self._block(array, env) for array in formula.arrays]
        return row.explicit(blocks, at)

    def _block(self, array: ArrayOf, env: Env) -> Block:
        """A whole array: all entries of what is made of it share it."""
        key = (array, *self._places(array, env))
        if key not in self.blocks:
            runs = self._runs(array.indices, env)
            shape = tuple(self._number(index.size, env) for index in array.indices)
            self.blocks[key] = Block(shape, tuple(self.at(array.formula, run) for run in runs))
        return self.blocks[key]

    def _diff(self, formula: Diff, env: Env) -> Expr:
        return Diff(self.at(formula.args[0], env), self.at(formula.args[1], env))


@lru_cache(maxsize=8192)
def _inwards(formula: Sum) -> Expr:
    """A sum of products with each index summed over what has it, as matrices are multiplied.

    >>> from symderive.formulas.arrays.index import entry_of, sigma
    >>> i, j, k = (Index(letter, Symbol("n")) for letter in "ijk")
    >>> body = entry_of("A", [i, j]) * entry_of("x", [j]) * entry_of("B", [j, k])
    >>> _inwards(sigma(body, [j, k]))
    Sum(A[i, j]*x[j]*Sum(B[j, k], (k, 0, n - 1)), (j, 0, n - 1))
    """
    body, limits = formula.function, list(formula.limits)
    if len(limits) < 2 or not isinstance(body, Add | Mul) or not _plain_places(body):
        return formula
    multiplied = _multiplied_out(body)
    if len(multiplied) > 1:
        return Add._from_args([_inwards(Sum(term, *limits)) for term in multiplied], True)
    factors = list(Mul.make_args(multiplied[0]))

    def reach(limit: Tuple) -> int:
        beside = (factor.free_symbols for factor in factors if limit[0] in factor.free_symbols)
        return len({s for symbols in beside for s in symbols if isinstance(s, Index)})

    while True:
        limit = min(limits, key=reach)
        mine = [factor for factor in factors if limit[0] in factor.free_symbols]
        others = [factor for factor in factors if factor not in mine]
        limits.remove(limit)
        factors = [*others, Sum(Mul._from_args(mine, True), limit)]
        if not limits:
            return Mul._from_args(factors, True)


def _plain_places(formula: Expr) -> bool:
    """Whether every entry is at indices as they are: then none is beyond the end of an array."""
    entries = parts_of(formula, Indexed, Part)
    return all(isinstance(i, Index) or i.is_Integer for e in entries for i in e.indices)


def _multiplied_out(formula: Expr) -> list[Expr]:
    """The terms of a sum or product of sums; itself where they are many."""
    if isinstance(formula, Add):
        return list(formula.args)
    sums = [Add.make_args(factor) for factor in formula.args]
    if prod(map(len, sums)) > MOST_MULTIPLIED:
        return [formula]
    flat = ([f for part in parts for f in Mul.make_args(part)] for parts in product(*sums))
    return [Mul._from_args(factors, True) for factors in flat]


_WRITERS = {
    Sum: _Writer._sum,
    Add: _Writer._add,
    Mul: _Writer._mul,
    KroneckerDelta: _Writer._delta,
    Indexed: _Writer._indexed,
    Piecewise: _Writer._piecewise,
    Part: _Writer._part,
    Diff: _Writer._diff,
}
