"""Sums of arrays: like terms together, and what all terms share taken out: AX + BX = (A + B)X."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sympy import S

from symderive.formulas.arrays.chains import FRECHET, Link, chain_of, product_of
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.placing import all_of, completed, place_at
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.arrays.terms import (
    ONE,
    Term,
    entries_of,
    is_op,
    multiplied,
    repeated,
    scaled,
    term_of,
    times,
    tree_cost,
    zero_like,
)


def plus(trees: Sequence[Tree]) -> Tree:
    """The sum: like terms together, what all terms share taken out."""
    gathered: dict[tuple[Any, ...], Term] = {}
    for tree in trees:
        for term in _terms_of(tree):
            key = (
                frozenset(Counter(term.above).items()),
                frozenset(Counter(term.below).items()),
                term.core,
            )
            number = gathered[key].number + term.number if key in gathered else term.number
            gathered[key] = Term(number, term.above, term.below, term.core)
    terms = [term for term in gathered.values() if term.number != 0]
    if not terms:
        return zero_like(max(trees, key=lambda tree: tree.ndim))
    if len(terms) == 1:
        (only,) = terms
        return scaled(only.core, only.number, only.above, only.below)
    stacked = joined(terms)
    return stacked if stacked is not None else _shared(terms)


def _terms_of(tree: Tree) -> list[Term]:
    """The terms of a sum, those of ±(a + b) each."""
    term = term_of(tree)
    if not is_op(term.core, "add") or abs(term.number) != 1 or term.above or term.below:
        return [term]
    parts = [part for arg in term.core.args for part in _terms_of(arg)]
    return [Term(term.number * t.number, t.above, t.below, t.core) for t in parts]


def _shared(terms: list[Term]) -> Tree:
    """Scalars that all terms share in front, then what their chains share."""
    above = _common([Counter(t.above) for t in terms])
    below = _common([Counter(t.below) for t in terms])
    sizes = {abs(t.number) for t in terms}
    number = sizes.pop() if len(sizes) == 1 else S.One
    if all(t.number.is_negative for t in terms):
        number = -number
    bare = [
        Term(
            t.number / number,
            tuple((Counter(t.above) - above).elements()),
            tuple((Counter(t.below) - below).elements()),
            t.core,
        )
        for t in terms
    ]
    if number == 1 and not above and not below:
        return _chains_shared(bare)
    return scaled(_chains_shared(bare), number, tuple(above.elements()), tuple(below.elements()))


def _common(counters: Sequence[Counter[Tree]]) -> Counter[Tree]:
    shared = counters[0].copy()
    for counter in counters[1:]:
        shared &= counter
    return shared


def _plain_sum(terms: Sequence[Term]) -> Tree:
    parts = [scaled(t.core, t.number, t.above, t.below) for t in terms]
    first = sorted(range(len(parts)), key=lambda k: bool(is_op(parts[k], "negative")))
    return apply("add", *(parts[k] for k in first))


def _reductions_shared(terms: list[Term]) -> Tree | None:
    """sum(A) + sum(B) = sum(A + B) along the same axes."""
    cores = [term.core for term in terms if is_op(term.core, "sum") and term.core.args[0].ndim]
    if len(cores) < len(terms):
        return None
    same = {(core.options, core.args[0].shape) for core in cores}
    if len(same) > 1:
        return None
    pairs = zip(cores, terms, strict=True)
    inside = plus([scaled(core.args[0], t.number, t.above, t.below) for core, t in pairs])
    return apply("sum", inside, **dict(cores[0].options))


def _slides_shared(terms: list[Term]) -> Tree | None:
    """A ⋆ b + a ⋆ c = a ⋆ (b + c), of correlations, convolutions and Kronecker products.

    A Fréchet derivative is linear in its direction alone.
    """
    cores = [term.core for term in terms if is_op(term.core, *BILINEAR, *FRECHET)]
    if len(cores) < len(terms) or len({(core.op, core.options) for core in cores}) > 1:
        return None
    places = (0,) if cores[0].op in FRECHET else (0, 1)
    for place in places:
        if len({core.args[place] for core in cores}) == 1:
            pairs = zip(cores, terms, strict=True)
            parts = [scaled(c.args[1 - place], t.number, t.above, t.below) for c, t in pairs]
            if len({part.shape for part in parts}) > 1:
                continue
            ends = [plus(parts), cores[0].args[place]]
            args = ends if place else ends[::-1]
            return apply(cores[0].op, *args, **dict(cores[0].options))
    return None


BILINEAR = ("correlate", "convolve", "kron")
"""Operations that are linear in each of their two operands, and no matrix product."""


def _chains_shared(terms: list[Term]) -> Tree:
    plain = _plain_sum(terms)
    if plain.ndim not in (1, 2):
        return plain
    shape = plain.shape
    if any(t.core.shape != shape for t in terms):
        return plain
    best = plain
    for find in FINDERS:
        candidate = find(terms)
        if candidate is not None and tree_cost(candidate) < tree_cost(best):
            best = candidate
    return best


def _pairs_shared(terms: list[Term]) -> Tree | None:
    """Of three terms or more, the two that share most are joined first."""
    if len(terms) < 3:
        return None
    best: Tree | None = None
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            pair = [terms[i], terms[j]]
            joined = _shared(pair)
            sign_only = is_op(joined, "negative") and is_op(joined.args[0], "add")
            if tree_cost(joined) < tree_cost(_plain_sum(pair)) and not sign_only:
                rest = [t for k, t in enumerate(terms) if k not in (i, j)]
                parts = [joined, *(scaled(t.core, t.number, t.above, t.below) for t in rest)]
                total = apply("add", *parts)
                if best is None or tree_cost(total) < tree_cost(best):
                    best = total
    return best


def _scalars_gathered(terms: list[Term]) -> Tree | None:
    """a·A − b·A = (a − b)·A."""
    if len({term.core for term in terms}) > 1:
        return None
    scalar = plus([scaled(ONE, t.number, t.above, t.below) for t in terms])
    return scaled(terms[0].core, S.One, (scalar,))


def _ends_shared(terms: list[Term]) -> Tree | None:
    """P·A·Q + P·B·Q = P·(A + B)·Q."""
    chains = [_scaled_chain(t.core) for t in terms]
    shortest = min(map(len, chains))
    front = 0
    while front < shortest and len({chain[front] for chain in chains}) == 1:
        front += 1
    back = 0
    while back < shortest - front and len({chain[len(chain) - 1 - back] for chain in chains}) == 1:
        back += 1
    if not front and not back:
        return None
    if chains[0][0][0] == "c" and terms[0].core.ndim == 1:
        return None
    first, last = chains[0][:front], chains[0][len(chains[0]) - back :]
    middles = [chain[front : len(chain) - back] for chain in chains]
    if not any(middles) or any(_half(middle) for middle in middles):
        return None
    size = first[-1][1].shape[-1] if first else last[0][1].shape[0]
    if first and first[-1][0] == "c":
        return None
    if last and last[0][0] == "r":
        return None
    cores = [product_of(m) if m else apply("eye", size=size) for m in middles]
    if len({core.shape for core in cores}) > 1:
        return None
    inside = plus(
        [scaled(c, t.number, t.above, t.below) for c, t in zip(cores, terms, strict=True)]
    )
    kind = "c" if inside.ndim == 1 else "m"
    return product_of((*first, (kind, inside), *last))


def _scaled_chain(core: Tree) -> tuple[Link, ...]:
    """A product as its factors; rows and columns that are scaled are those of its ends."""
    if not is_op(core, "multiply") or core.ndim != 2:
        return chain_of(core)
    whole = [arg for arg in core.args if arg.shape == core.shape and is_op(arg, "matmul")]
    scales = [arg for arg in core.args if all(arg is not product for product in whole)]
    columns = [arg for arg in scales if arg.ndim == 2 and arg.shape[1] == 1]
    rows = [arg for arg in scales if arg.ndim == 1]
    if len(whole) != 1 or len(columns) + len(rows) < len(scales):
        return chain_of(core)
    chain = [*chain_of(whole[0])]
    if len(chain) < 2 or any(kind != "m" for kind, _ in chain):
        return chain_of(core)
    if columns:
        chain[0] = ("m", times([chain[0][1], *columns]))
    if rows:
        chain[-1] = ("m", times([chain[-1][1], *rows]))
    return tuple(chain)


def _half(chain: Sequence[Link]) -> bool:
    """Whether a piece of a chain begins or ends inside an outer product."""
    kinds = [kind for kind, _ in chain]
    return kinds.count("c") != kinds.count("r") and not (kinds.count("c") == 1 and kinds[-1] == "c")


def _entries_shared(terms: list[Term]) -> Tree | None:
    """A ⊙ B + A ⊙ C = A ⊙ (B + C)."""
    factors = []
    for term in terms:
        counted: Counter[Tree] = Counter()
        for part in entries_of(term.core):
            base, count = part, 1
            if (
                is_op(part, "power")
                and isinstance(part.args[1], Number)
                and part.args[1].value.is_Integer
            ):
                count = int(part.args[1].value)
                base = part.args[0] if count > 0 else part
                count = max(count, 1)
            counted[base] += count
        factors.append(counted)
    shared = _common(factors)
    if not shared:
        return None
    rest = []
    for term, counted in zip(terms, factors, strict=True):
        left = [repeated(t, n) for t, n in (counted - shared).items()]
        core = multiplied(left) if left else ONE
        rest.append(scaled(core, term.number, term.above, term.below))
    outside = [repeated(t, n) for t, n in shared.items()]
    return times([*outside, plus(rest)])


FINDERS = (
    _scalars_gathered,
    _ends_shared,
    _entries_shared,
    _reductions_shared,
    _slides_shared,
    _pairs_shared,
)
"""What terms may share, a way each."""


# Sums of what is put in -----------------------------------------------------------------------


MOST_PARTS = 8
"""Parts that are joined at most: more are read as they stand."""


def joined(terms: Sequence[Term]) -> Tree | None:
    """A sum of arrays at every place of an axis, as the arrays stacked along it."""
    cores = [term.core for term in terms]
    if len(cores) < 2 or not all(isinstance(core, Apply) and core.op == "place" for core in cores):
        return None
    shape = cores[0].shape
    if any(core.shape != shape for core in cores):
        return None
    keys = [completed(core.option("key"), shape) for core in cores if isinstance(core, Apply)]
    for axis, size in enumerate(shape):
        at = [key[axis][0] for key in keys]
        if not size.is_Integer or size > MOST_PARTS or any(kind[0] != "int" for kind in at):
            continue
        parts: dict[int, list[Tree]] = {int(kind[1]): [] for kind in at}
        if set(parts) != set(range(int(size))):
            continue
        for kind, key, term in zip(at, keys, terms, strict=True):
            inner = [one for place, one in enumerate(key) if place != axis]
            arg = term.core.args[0]  # type: ignore[attr-defined]
            if any(one != all_of(length) for one, length in inner):
                rest = tuple(length for _, length in inner)
                arg = place_at(arg, [one for one, _ in inner], rest)
            parts[int(kind[1])].append(scaled(arg, term.number, term.above, term.below))
        rows = [plus(parts[k]) for k in range(int(size))]
        return apply("stack", *rows, axis=(axis,))
    return None
