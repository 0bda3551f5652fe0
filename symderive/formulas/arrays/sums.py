"""Sums of arrays: like terms together, and what all terms share taken out: AX + BX = (A + B)X."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sympy import S

from symderive.formulas.arrays.blocks import (
    added,
    columns_shared,
    joined,
    side_by_side,
    spread_inside,
)
from symderive.formulas.arrays.chains import (
    FRECHET,
    Link,
    by_ones,
    chain_of,
    column,
    diagonals_opened,
    is_column,
    open_chain,
    product_of,
    scalings_shown,
)
from symderive.formulas.arrays.ops import apply, broadcast
from symderive.formulas.arrays.scalar_sums import SCALAR_FINDERS
from symderive.formulas.arrays.shorthand_entries import mean
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.arrays.terms import (
    ONE,
    TRANSPOSE,
    Term,
    entries_of,
    is_negative,
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
    whole = _gathered_sum(trees)
    apart = [part for tree in trees for part in _multiplied_out(tree)] if len(trees) > 1 else []
    if not len(trees) < len(apart) <= MAX_APART:
        return whole
    other = _gathered_sum(apart)
    return other if tree_cost(other) < tree_cost(whole) - TRANSPOSE / 2 else whole


MAX_APART = 6
"""Terms up to which products of sums in a sum are multiplied out to share with other terms."""


def _multiplied_out(tree: Tree) -> list[Tree]:
    """A product that begins or ends with a sum as the terms of it: (Q + P) x."""
    term = term_of(tree)
    if not is_op(term.core, "matmul"):
        return [tree]
    chain = chain_of(term.core)
    for place in (0, len(chain) - 1):
        kind, part = chain[place]
        if is_op(part, "add") and all(arg.shape == part.shape for arg in part.args):
            made = [
                product_of((*chain[:place], (kind, arg), *chain[place + 1 :])) for arg in part.args
            ]
            return [scaled(one, term.number, term.above, term.below) for one in made]
    return [tree]


def _gathered_sum(trees: Sequence[Tree]) -> Tree:
    """The sum of some terms, like ones together."""
    spread = [is_op(tree, "broadcast_to") and not tree.args[0].ndim for tree in trees]
    if any(spread) and all(one or not tree.ndim for one, tree in zip(spread, trees, strict=True)):
        bare = [tree.args[0] if is_op(tree, "broadcast_to") else tree for tree in trees]
        shape = broadcast([tree.shape for tree in trees], "the terms of a sum")
        return apply("broadcast_to", _gathered_sum(bare), shape=shape)
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
    stacked = joined(terms, plus)
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
    parts = [scaled(t.core, t.number, t.above, t.below) for t in _spread_by_others(terms)]
    parts = [mean(part) or part for part in parts]
    plain = _ordered(parts)
    if all(t.number.is_negative for t in terms):
        return plain
    turned = _ordered([_turned(t) or part for t, part in zip(terms, parts, strict=True)])
    return turned if tree_cost(turned) < tree_cost(plain) else plain


def _spread_by_others(terms: Sequence[Term]) -> Sequence[Term]:
    """Arrays of one number as the number, where another term has the whole shape."""
    shape = broadcast([t.core.shape for t in terms], "the terms of a sum")
    full = [t for t in terms if t.core.shape == shape and not is_op(t.core, "broadcast_to")]
    if not full or not shape:
        return terms
    return [
        replace(t, core=t.core.args[0])
        if is_op(t.core, "broadcast_to") and not t.core.args[0].ndim
        else t
        for t in terms
    ]


def _ordered(parts: Sequence[Tree]) -> Tree:
    first = sorted(range(len(parts)), key=lambda k: is_negative(parts[k]))
    return apply("add", *(parts[k] for k in first))


def _turned(term: Term) -> Tree | None:
    """−P·(a − b) as P·(b − a): the minus of a term taken by a difference in it."""
    if not term.number.is_negative:
        return None
    for place, factor in enumerate(term.above):
        other = _difference_turned(factor)
        if other is not None:
            above = (*term.above[:place], other, *term.above[place + 1 :])
            return scaled(term.core, -term.number, above, term.below)
    other = _difference_turned(term.core)
    return None if other is None else scaled(other, -term.number, term.above, term.below)


def _difference_turned(tree: Tree) -> Tree | None:
    """What is linear in a difference a − b, with b − a in its place."""
    if is_op(tree, "add"):
        if len(tree.args) != 2 or sum(map(is_negative, tree.args)) != 1:
            return None
        return _ordered([scaled(arg, S.NegativeOne) for arg in tree.args])
    if not is_op(tree, "matmul", "multiply", "outer", "transpose", "index", "divide"):
        return None
    for place, arg in enumerate(tree.args[:1] if tree.op == "divide" else tree.args):
        other = _difference_turned(arg)
        if other is not None:
            args = (*tree.args[:place], other, *tree.args[place + 1 :])
            return Apply(tree.shape, tree.op, args, tree.options)
    return None


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
    if not plain.ndim:  # a sum over something has a core, which is a factor like the others
        all_above = [
            t if t.core == ONE else Term(t.number, (*t.above, t.core), t.below, ONE) for t in terms
        ]
        found = (find(all_above, plus) for find in SCALAR_FINDERS)
        return min([plain, *filter(None, found)], key=tree_cost)
    if plain.ndim > 2:
        return plain
    shape = plain.shape
    if any(t.core.shape != shape for t in terms):
        whole = [replace(t, core=by_ones(t.core, shape)) for t in terms]
        mixed = any(t.core.shape != shape for t in whole)
        ways = (
            (spread_inside(terms, plus), _spread_shared(terms)) if mixed else [_ends_shared(whole)]
        )
        return min([plain, *filter(None, ways)], key=tree_cost)
    best = plain
    for find in FINDERS:
        candidate = find(terms)
        if candidate is not None and tree_cost(candidate) < tree_cost(best):
            best = candidate
    return best


def _numbers_inside(terms: list[Term]) -> Tree | None:
    """(a @ x)·b + (b @ x)·a = (outer(b, a) + outer(a, b)) @ x."""
    if terms[0].core.ndim != 1:
        return None
    choices = [
        {
            end: (part, other)
            for part in t.above
            if is_op(part, "matmul")
            for end, other in (part.args, part.args[::-1])
            if end.ndim == other.ndim == 1
        }
        for t in terms
    ]
    for end in choices[0]:
        if any(end not in choice for choice in choices):
            continue
        inside = []
        for term, choice in zip(terms, choices, strict=True):
            part, other = choice[end]
            above = list(term.above)
            above.remove(part)
            inside.append(scaled(apply("outer", term.core, other), term.number, above, term.below))
        return apply("matmul", plus(inside), end)
    return None


MAX_PAIRED = 8
"""Terms up to which two of a sum are looked for that share most: not in one over many steps."""


def _pairs_shared(terms: list[Term]) -> Tree | None:
    """Of three terms or more, the two that share most are joined first."""
    if not 3 <= len(terms) <= MAX_PAIRED:
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
    """a·A − b·A = (a − b)·A; A may be a difference, turned in some terms."""
    core = terms[0].core
    turned = _difference_turned(core)
    if any(term.core not in (core, turned) for term in terms):
        return None
    numbers = (t.number if t.core == core else -t.number for t in terms)
    scalar = plus([scaled(ONE, n, t.above, t.below) for n, t in zip(numbers, terms, strict=True)])
    return scaled(core, S.One, (scalar,))


def _scaled_ends_shared(terms: list[Term]) -> Tree | None:
    """XᵀA + (v*Xᵀ)B = Xᵀ(A + v[:, None]*B): what scales a factor belongs to the next one."""
    chains = [open_chain(t.core) for t in terms]
    shown = [scalings_shown(chain) for chain in chains]
    return _ends_shared(terms, shown) if shown != chains else None


def _ends_shared(terms: list[Term], known: Sequence[tuple[Link, ...]] = ()) -> Tree | None:
    """P·A·Q + P·B·Q = P·(A + B)·Q."""
    chains = known or [open_chain(t.core) for t in terms]
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
    eye = apply("eye", size=size)
    cores = [product_of(diagonals_opened(m)) if m else eye for m in middles]
    if len({core.shape for core in cores}) > 1:
        return None
    inside = plus(
        [scaled(c, t.number, t.above, t.below) for c, t in zip(cores, terms, strict=True)]
    )
    if inside.shape != cores[0].shape:  # a row is left: the matrices beside it have cancelled
        inside = apply("broadcast_to", inside, shape=cores[0].shape)
    kind = "c" if inside.ndim == 1 else "m"
    return product_of((*first, (kind, inside), *last))


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


def _spread_shared(terms: list[Term]) -> Tree | None:
    """u[:, None]*A + outer(u, v) = u[:, None]*(A + v): what is spread along an axis is shared."""
    if terms[0].core.ndim != 2:
        return None
    factors = [Counter(_spread_entries(term.core)) for term in terms]
    shared = _common(factors)
    if not shared:
        return None
    rest = [
        scaled(_gathered((counted - shared).elements()), t.number, t.above, t.below)
        for t, counted in zip(terms, factors, strict=True)
    ]
    if all(part.ndim < 2 for part in rest):
        return None
    return times([*shared.elements(), plus(rest)])


def _spread_entries(tree: Tree) -> list[Tree]:
    """The factors of a matrix made entry by entry: columns v[:, None], rows v, matrices."""
    found: list[Tree] = []
    for part in entries_of(tree):
        if is_op(part, "outer"):
            left, right = part.args
            found += [*map(column, entries_of(left)), *entries_of(right)]
        elif is_column(part):
            found += map(column, entries_of(part.args[0]))  # type: ignore[attr-defined]
        else:
            found.append(part)
    return found


def _gathered(parts: Iterable[Tree]) -> Tree:
    """A product entry by entry with all that is spread along an axis as one vector."""
    parts = list(parts)
    columns = [part.args[0] for part in parts if is_column(part)]  # type: ignore[attr-defined]
    rest = [part for part in parts if not is_column(part)]
    if columns:
        rest.append(column(times(columns)))
    return times(rest)


FINDERS = (
    _scalars_gathered,
    _ends_shared,
    _scaled_ends_shared,
    lambda terms: columns_shared(terms, plus),
    _entries_shared,
    _spread_shared,
    _reductions_shared,
    _slides_shared,
    _numbers_inside,
    lambda terms: added(terms, plus),
    lambda terms: side_by_side(terms, plus),
    _pairs_shared,
)
"""What terms may share, a way each."""
