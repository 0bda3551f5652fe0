"""Matrix algebra on trees: transposes, products, sums and scalars in their shortest form.

A term is a number and scalars times a *chain*, a product of matrices with a column and a row between
where it is an outer product: outer(A @ u, v) is A·u·vᵀ. Sums share what their chains begin and end
with: AX + BX = (A + B)X.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sympy import Expr, S, Symbol

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.functions import FUNCTIONS

ONE = Number((), S.One)
TRANSPOSE, OPERATION, CALL, IDENTITY = 0.4, 1.0, 1.2, 1.8


def is_op(tree: Tree, *names: str) -> bool:
    """Whether a tree is one of some operations."""
    return isinstance(tree, Apply) and tree.op in names


def tree_cost(tree: Tree) -> float:
    """What a tree costs a reader: an operation is one, a transpose less than half."""
    if not isinstance(tree, Apply):
        return 0.0
    inner = sum(map(tree_cost, tree.args))
    if tree.op in ("add", "multiply"):
        return inner + OPERATION * (len(tree.args) - 1)
    if tree.op in ("transpose", "index", "broadcast_to", "negative"):
        return inner + TRANSPOSE
    if tree.op == "eye":
        return IDENTITY
    return inner + (OPERATION if tree.op in ("matmul", "divide", "power", "outer") else CALL)


# Scalars in front ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """number · above / below · core."""

    number: Expr
    above: tuple[Tree, ...]
    below: tuple[Tree, ...]
    core: Tree


def term_of(tree: Tree) -> Term:
    """A tree with the scalars that multiply it taken off."""
    if isinstance(tree, Number):
        return _number_term(tree.value)
    if is_op(tree, "power") and tree.ndim == 0 and isinstance(tree.args[1], Number):  # type: ignore[attr-defined]
        base, exponent = tree.args[0], tree.args[1].value  # type: ignore[attr-defined]
        if exponent.is_Integer and 1 < exponent <= MAX_POWER:
            inner = term_of(base)
            times_, k = inner.number**exponent, int(exponent)
            return Term(times_, inner.above * k, inner.below * k, ONE)
    if is_op(tree, "negative"):
        inner = term_of(tree.args[0])  # type: ignore[attr-defined]
        return Term(-inner.number, inner.above, inner.below, inner.core)
    if is_op(tree, "divide"):
        left, right = tree.args  # type: ignore[attr-defined]
        if right.ndim == 0:
            inner, under = term_of(left), term_of(right)
            if under.core != ONE:
                return Term(inner.number, inner.above, (*inner.below, right), inner.core)
            return Term(
                inner.number / under.number,
                (*inner.above, *under.below),
                (*inner.below, *under.above),
                inner.core,
            )
    if is_op(tree, "multiply"):
        terms = [term_of(arg) for arg in tree.args]  # type: ignore[attr-defined]
        number = S.One
        above: list[Tree] = []
        below: list[Tree] = []
        cores: list[Tree] = []
        for term in terms:
            number *= term.number
            above += term.above
            below += term.below
            if term.core != ONE:
                (above if term.core.ndim == 0 and tree.ndim else cores).append(term.core)
        if tree.ndim == 0:
            return Term(number, (*above, *cores), tuple(below), ONE)
        return Term(number, tuple(above), tuple(below), _multiply(cores))
    if tree.ndim or is_op(tree, "add"):
        return Term(S.One, (), (), tree)
    return Term(S.One, (tree,), (), ONE)


MAX_POWER = 8
"""A power up to which scalars are counted one by one."""


def _number_term(value: Expr) -> Term:
    """A number in sizes, such as 2/(m·n), as a rational and the sizes above and below."""
    number, rest = value.as_coeff_Mul(rational=True)
    if rest == 1:
        return Term(number, (), (), ONE)
    above: list[Tree] = []
    below: list[Tree] = []
    for base, exponent in rest.as_powers_dict().items():
        if exponent.is_Integer and abs(exponent) <= MAX_POWER:
            (above if exponent > 0 else below).extend([Number((), base)] * int(abs(exponent)))
        else:
            above.append(Number((), base**exponent))
    return Term(number, tuple(above), tuple(below), ONE)


def _multiply(trees: Sequence[Tree]) -> Tree:
    if not trees:
        return ONE
    return trees[0] if len(trees) == 1 else apply("multiply", *trees)


def scaled(
    core: Tree, number: Expr, above: Sequence[Tree] = (), below: Sequence[Tree] = ()
) -> Tree:
    """Number · above · core / below, with the scalars of the core gathered and cancelled."""
    inner, size = term_of(core), _number_term(number)
    number, above, below = size.number, (*above, *size.above), (*below, *size.below)
    up = Counter([*above, *inner.above])
    down: Counter[Tree] = Counter()
    for tree in (*below, *inner.below):
        if isinstance(tree, Number) and tree.value.is_Rational:
            number = number / tree.value
        else:
            down[tree] += 1
    up, down = up - down, down - up
    number = number * inner.number
    if number == 0:
        return _zero(core)
    over, under = abs(number).as_numer_denom()
    factors: list[Tree] = [] if over == 1 else [Number((), over)]
    factors += [_power(tree, count) for tree, count in up.items()]
    if inner.core != ONE or not factors:
        factors += inner.core.args if is_op(inner.core, "multiply") else (inner.core,)  # type: ignore[attr-defined]
    result = _multiply(factors)
    bottom: list[Tree] = [] if under == 1 else [Number((), under)]
    bottom += [_power(tree, count) for tree, count in down.items()]
    if bottom:
        result = apply("divide", result, _multiply(bottom))
    return apply("negative", result) if number.is_negative else result


def _power(tree: Tree, count: int) -> Tree:
    if count == 1:
        return tree
    if is_op(tree, "power") and isinstance(tree.args[1], Number):  # type: ignore[attr-defined]
        base, exponent = tree.args  # type: ignore[attr-defined]
        return apply("power", base, Number((), exponent.value * count))
    return apply("power", tree, Number((), S(count)))


def _zero(like: Tree) -> Tree:
    zero = Number((), S.Zero)
    return apply("broadcast_to", zero, shape=like.shape) if like.ndim else zero


def negative(tree: Tree) -> Tree:
    """−tree."""
    return scaled(tree, S.NegativeOne)


def times(trees: Sequence[Tree]) -> Tree:
    """The product entry by entry; equal factors as a power."""
    number: Expr = S.One
    above: list[Tree] = []
    below: list[Tree] = []
    cores: Counter[Tree] = Counter()
    for tree in trees:
        term = term_of(tree)
        number *= term.number
        above += term.above
        below += term.below
        if term.core != ONE:
            cores.update(entries_of(term.core))
    parts = [_power(tree, count) for tree, count in cores.items()]
    under = [part for part in map(divisor, parts) if part is not None]
    parts = [part for part in parts if divisor(part) is None]
    parts.sort(key=lambda part: is_op(part, "add"))  # P*(a + b), as people write it
    if under:
        top = parts or [ONE]
        return scaled(apply("divide", _multiply(top), _multiply(under)), number, above, below)
    return scaled(_multiply(parts), number, above, below)


def divisor(tree: Tree) -> Tree | None:
    """What an array of reciprocals divides by: d of 1/d, spread or not; None of any other."""
    if is_op(tree, "divide") and tree.ndim and tree.args[0] == ONE:  # type: ignore[attr-defined]
        found: Tree = tree.args[1]  # type: ignore[attr-defined]
        return found
    if is_op(tree, "index", "broadcast_to"):
        inner = divisor(tree.args[0])  # type: ignore[attr-defined]
        if inner is not None:
            return apply(tree.op, inner, **dict(tree.options))  # type: ignore[attr-defined]
    return None


def entries_of(tree: Tree) -> list[Tree]:
    """The factors of a product entry by entry, what it divides by as reciprocals."""
    if is_op(tree, "multiply"):
        return [part for arg in tree.args for part in entries_of(arg)]  # type: ignore[attr-defined]
    if is_op(tree, "divide") and tree.args[1].ndim and tree.args[0] != ONE:  # type: ignore[attr-defined]
        top, below = tree.args  # type: ignore[attr-defined]
        return [*entries_of(top), *(apply("divide", ONE, part) for part in entries_of(below))]
    return [tree]


# Transposes -------------------------------------------------------------------------------------


def transposed(tree: Tree, axes: tuple[int, ...] = (1, 0)) -> Tree:
    """The tree with its axes in another order; of a matrix, the transpose taken inside."""
    if axes == tuple(range(tree.ndim)):
        return tree
    if tree.ndim != 2 or not isinstance(tree, Apply):
        return apply("transpose", tree, axes=axes)
    term = term_of(tree)
    if term.number != 1 or term.above or term.below:
        return scaled(transposed(term.core), term.number, term.above, term.below)
    op, args = tree.op, tree.args
    if op == "transpose":
        return args[0]
    if op in ("eye", "diag"):
        return tree
    if op == "outer":
        return apply("outer", args[1], args[0])
    if op == "matmul" and all(arg.ndim == 2 for arg in args):
        inside = apply("matmul", transposed(args[1]), transposed(args[0]))
        outside = apply("transpose", tree, axes=axes)
        return inside if tree_cost(inside) <= tree_cost(outside) + TRANSPOSE else outside
    if op in ("add", "multiply") and all(
        arg.ndim in (0, 2) and arg.shape in ((), tree.shape) for arg in args
    ):
        inside = apply(op, *(transposed(arg) if arg.ndim else arg for arg in args))
        outside = apply("transpose", tree, axes=axes)
        return inside if tree_cost(inside) < tree_cost(outside) else outside
    return apply("transpose", tree, axes=axes)


# Chains -----------------------------------------------------------------------------------------


Link = tuple[str, Tree]
Turn = Callable[[Tree], Tree]


def chain_of(tree: Tree, turn: Turn = transposed) -> tuple[Link, ...]:
    """A product as its factors: ``m`` a matrix, ``c`` a column, ``r`` a row.

    Args:
        tree: The product.
        turn: How a matrix is transposed, where some are known to be symmetric.
    """
    if is_op(tree, "transpose") and is_op(tree.args[0], "matmul", "outer"):  # type: ignore[attr-defined]
        return flipped(chain_of(tree.args[0], turn), turn)  # type: ignore[attr-defined]
    if is_op(tree, "matrix_power") and 0 < tree.option("k") <= MAX_POWER:  # type: ignore[attr-defined]
        return chain_of(tree.args[0], turn) * tree.option("k")  # type: ignore[attr-defined]
    if tree.ndim == 1:
        if is_op(tree, "matmul"):
            left, right = tree.args  # type: ignore[attr-defined]
            if left.ndim == 2:
                return chain_of(left, turn) + chain_of(right, turn)
            return chain_of(turn(right), turn) + chain_of(left, turn)
        return (("c", tree),)
    if tree.ndim == 2:
        if is_op(tree, "matmul"):
            left, right = tree.args  # type: ignore[attr-defined]
            return chain_of(left, turn) + chain_of(right, turn)
        if is_op(tree, "outer"):
            left, right = tree.args  # type: ignore[attr-defined]
            return chain_of(left, turn) + flipped(chain_of(right, turn), turn)
        return (("m", tree),)
    return (("x", tree),)


def flipped(chain: Sequence[Link], turn: Turn = transposed) -> tuple[Link, ...]:
    """The transpose of a chain."""
    kinds = {"c": "r", "r": "c"}
    return tuple(
        (kinds.get(kind, kind), turn(tree) if kind == "m" else tree)
        for kind, tree in reversed(chain)
    )


def product_of(chain: Sequence[Link], turn: Turn = transposed) -> Tree:
    """The tree of a chain."""
    for place, (kind, _) in enumerate(chain):
        if kind == "c" and place + 1 < len(chain):
            left = product_of(chain[: place + 1], turn)
            right = product_of(flipped(chain[place + 1 :], turn), turn)
            return apply("outer", left, right)
    trees = _powers([tree for _, tree in _cancelled(chain)])
    if not trees:
        return apply("eye", size=chain[0][1].shape[0])
    if len(trees) > 1 and trees[-1].ndim == 2:
        back = [turn(tree) for tree in reversed(trees)]
        if sum(map(tree_cost, back)) + TRANSPOSE < sum(map(tree_cost, trees)):
            return apply("transpose", _left(back), axes=(1, 0))
    return _left(trees) if trees[-1].ndim == 2 else _right(trees)


def _powers(trees: Sequence[Tree]) -> list[Tree]:
    """Three or more equal factors in a row as a power of a matrix."""
    result: list[Tree] = []
    for tree, run in groupby(trees):
        count = len(list(run))
        if count > 2:
            result.append(apply("matrix_power", tree, k=count))
        else:
            result += [tree] * count
    return result


def _left(trees: Sequence[Tree]) -> Tree:
    result = trees[0]
    for tree in trees[1:]:
        result = apply("matmul", result, tree)
    return result


def _right(trees: Sequence[Tree]) -> Tree:
    result = trees[-1]
    for tree in reversed(trees[:-1]):
        result = apply("matmul", tree, result)
    return result


def _cancelled(chain: Sequence[tuple[str, Tree]]) -> list[tuple[str, Tree]]:
    """The chain without identities and without a matrix next to its inverse."""
    kept: list[tuple[str, Tree]] = []
    for kind, tree in chain:
        if is_op(tree, "eye") and len(chain) > 1:
            continue
        if kept and kept[-1][0] == "m" == kind and inverses(kept[-1][1], tree):
            kept.pop()
            continue
        kept.append((kind, tree))
    return kept


def inverses(left: Tree, right: Tree) -> bool:
    """Whether two matrices are stated as inverses of each other."""
    for one, other in ((left, right), (right, left)):
        if is_op(one, "inv") and one.args[0] == other:  # type: ignore[attr-defined]
            return True
        if is_op(one, "transpose") and is_op(one.args[0], "inv"):  # type: ignore[attr-defined]
            if transposed(one.args[0].args[0]) == other:  # type: ignore[attr-defined]
                return True
    return False


# Sums -------------------------------------------------------------------------------------------


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
        return _zero(max(trees, key=lambda tree: tree.ndim))
    if len(terms) == 1:
        (only,) = terms
        return scaled(only.core, only.number, only.above, only.below)
    return _shared(terms)


def _terms_of(tree: Tree) -> list[Term]:
    """The terms of a sum, those of ±(a + b) each."""
    term = term_of(tree)
    if not is_op(term.core, "add") or abs(term.number) != 1 or term.above or term.below:
        return [term]
    parts = [part for arg in term.core.args for part in _terms_of(arg)]  # type: ignore[attr-defined]
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
    cores = [term.core for term in terms]
    if not all(is_op(core, "sum") and core.args[0].ndim for core in cores):  # type: ignore[attr-defined]
        return None
    same = {(core.options, core.args[0].shape) for core in cores}  # type: ignore[attr-defined]
    if len(same) > 1:
        return None
    inside = plus([scaled(t.core.args[0], t.number, t.above, t.below) for t in terms])  # type: ignore[attr-defined]
    return apply("sum", inside, **dict(cores[0].options))  # type: ignore[attr-defined]


def _chains_shared(terms: list[Term]) -> Tree:
    plain = _plain_sum(terms)
    if plain.ndim not in (1, 2):
        return plain
    shape = plain.shape
    if any(t.core.shape != shape for t in terms):
        return plain
    best = plain
    for find in (_ends_shared, _entries_shared, _reductions_shared, _pairs_shared):
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
            if tree_cost(joined) < tree_cost(_plain_sum(pair)):
                rest = [t for k, t in enumerate(terms) if k not in (i, j)]
                parts = [joined, *(scaled(t.core, t.number, t.above, t.below) for t in rest)]
                total = apply("add", *parts)
                if best is None or tree_cost(total) < tree_cost(best):
                    best = total
    return best


def _ends_shared(terms: list[Term]) -> Tree | None:
    """P·A·Q + P·B·Q = P·(A + B)·Q."""
    chains = [chain_of(t.core) for t in terms]
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
    if any(_half(middle) for middle in middles):
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


def _half(chain: Sequence[tuple[str, Tree]]) -> bool:
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
        left = [_power(t, n) for t, n in (counted - shared).items()]
        core = _multiply(left) if left else ONE
        rest.append(scaled(core, term.number, term.above, term.below))
    outside = [_power(t, n) for t, n in shared.items()]
    return times([*outside, plus(rest)])


def shortest(tree: Tree, symmetric: frozenset[str] = frozenset()) -> Tree:
    """The tree in its shortest form, ``symmetric`` naming the leaves that are.

    >>> from sympy import Symbol
    >>> A = Leaf((Symbol("n"), Symbol("n")), "A")
    >>> shortest(apply("add", A, transposed(A)), frozenset("A")).op
    'multiply'
    """
    found: list[Tree] = []
    for opening in (False, True):  # products of inverses, and inverses of products
        current = tree
        for _ in range(MAX_ROUNDS):
            following = Rebuilder(symmetric, opening=opening).rebuilt(current)
            found.append(following)
            if following == current:
                break
            current = following
        if not any(is_op(part, "inv") for part in tree.walk()):
            break
    return min(found, key=tree_cost)


MAX_ROUNDS = 4


BY_ENTRIES = frozenset({"add", "multiply", "divide", "power"})
"""Operations that work entry by entry, as named functions do."""


class Rebuilder:
    """Simplifies a tree from the leaves up, knowing which leaves are symmetric."""

    def __init__(self, symmetric: frozenset[str] = frozenset(), *, opening: bool = False) -> None:
        self.symmetric, self.opening = symmetric, opening
        self._done: dict[Tree, Tree] = {}

    def rebuilt(self, tree: Tree) -> Tree:
        """The tree in its shortest form."""
        if not isinstance(tree, Apply):
            return tree
        if tree not in self._done:
            self._done[tree] = self._node(tree)
        return self._done[tree]

    def is_symmetric(self, tree: Tree) -> bool:
        """Whether a matrix is its own transpose, by what is known of the leaves."""
        if isinstance(tree, Leaf):
            return tree.name in self.symmetric
        if is_op(tree, "inv", "negative"):
            return self.is_symmetric(tree.args[0])  # type: ignore[attr-defined]
        if is_op(tree, "eye", "diag"):
            return True
        if isinstance(tree, Apply) and (tree.op in BY_ENTRIES or tree.op in FUNCTIONS):
            return all(arg.ndim == 0 or self.is_symmetric(arg) for arg in tree.args)  # type: ignore[attr-defined]
        if is_op(tree, "matmul", "outer"):
            chain = chain_of(tree)
            return chain == tuple((k, self.upright(t)) for k, t in flipped(chain))
        return is_op(tree, "transpose") and self.is_symmetric(tree.args[0])  # type: ignore[attr-defined]

    def _node(self, tree: Apply) -> Tree:
        args = [self.rebuilt(arg) for arg in tree.args]
        if tree.op in ("index_notation", "einsum", "place"):
            return Apply(tree.shape, tree.op, tuple(args), tree.options)
        if tree.op == "matmul" and (tree.ndim == 0 or any(arg.ndim > 2 for arg in args)):
            return apply("matmul", *args)
        rewrite = REBUILD.get(tree.op)
        made = rewrite(self, args, tree) if rewrite else apply(tree.op, *args, **dict(tree.options))
        return shorthand(made)

    def turn(self, arg: Tree) -> Tree:
        """The transpose, taken inside where that is no longer."""
        if self.is_symmetric(arg):
            return arg
        outside = transposed(arg)
        if not is_op(arg, "matmul"):
            return self.upright(outside)
        inside = product_of(flipped(chain_of(arg, self.turn), self.turn), self.turn)
        return inside if tree_cost(inside) <= tree_cost(outside) else outside

    def upright(self, tree: Tree) -> Tree:
        """A symmetric matrix without its transpose."""
        turned = is_op(tree, "transpose") and self.is_symmetric(tree.args[0])  # type: ignore[attr-defined]
        return tree.args[0] if turned else tree  # type: ignore[attr-defined]

    def product(self, tree: Tree) -> Tree:
        """A product with its scalars in front, inverses cancelled."""
        chain: list[Link] = []
        number: Expr = S.One
        above: list[Tree] = []
        below: list[Tree] = []
        for kind, part in chain_of(tree, self.turn):
            term = term_of(part)
            number *= term.number
            above += term.above
            below += term.below
            core = self.upright(term.core)
            chain.append((kind, core) if core != ONE else (kind, part))
        opened = self._inverse_opened(tuple(chain)) if self.opening else tuple(chain)
        return scaled(product_of(opened, self.turn), number, above, below)

    def _inverse_opened(self, chain: tuple[tuple[str, Tree], ...]) -> tuple[tuple[str, Tree], ...]:
        """inv(A @ X @ B) as inv(B) @ inv(X) @ inv(A) where something then cancels."""
        for place, (kind, part) in enumerate(chain):
            turned = is_op(part, "transpose") and is_op(part.args[0], "inv")  # type: ignore[attr-defined]
            inner = part.args[0] if turned else part  # type: ignore[attr-defined]
            if (
                kind != "m"
                or not is_op(inner, "inv")
                or not is_op(inner.args[0], "matmul", "matrix_power")
            ):
                continue
            factors = chain_of(inner.args[0])
            if not all(t.ndim == 2 and t.shape[0] == t.shape[1] for _, t in factors):
                continue
            opened = tuple(("m", self.inverse(t)) for _, t in reversed(factors))
            opened = flipped(opened, self.turn) if turned else opened
            whole = (*chain[:place], *opened, *chain[place + 1 :])
            if len(_cancelled(whole)) < len(whole):
                short = tuple(_cancelled(whole))
                return self._inverse_opened(short) if short else whole
        return chain

    def inverse(self, arg: Tree) -> Tree:
        if is_op(arg, "inv"):
            return arg.args[0]  # type: ignore[attr-defined]
        if is_op(arg, "eye"):
            return arg
        if is_op(arg, "transpose"):
            return transposed(apply("inv", arg.args[0]))  # type: ignore[attr-defined]
        return apply("inv", arg)


def _moved(_: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """What only moves entries has the scalars in front."""
    term = term_of(args[0])
    if term.core == ONE or term.core.ndim != args[0].ndim:
        return apply(tree.op, *args, **dict(tree.options))
    moved = apply(tree.op, term.core, **dict(tree.options))
    return scaled(moved, term.number, term.above, term.below)


def _rebuilt_sum(_: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """A sum along axes: scalars in front, sums of sums as one."""
    options = dict(tree.options)
    term = term_of(args[0])
    inner = term.core
    if term.number != 1 or term.above or term.below:
        return scaled(apply("sum", inner, **options), term.number, term.above, term.below)
    whole = len(options["axis"]) == inner.ndim and not options["keepdims"]
    if whole and is_op(inner, "sum") and not dict(inner.options)["keepdims"]:  # type: ignore[attr-defined]
        first = inner.args[0]  # type: ignore[attr-defined]
        return apply("sum", first, axis=tuple(range(first.ndim)), keepdims=False)
    return apply("sum", inner, **options)


Rewrite = Callable[[Rebuilder, list[Tree], Apply], Tree]

REBUILD: Mapping[str, Rewrite] = {
    "add": lambda _, args, __: plus(args),
    "negative": lambda _, args, __: negative(args[0]),
    "multiply": lambda _, args, __: times(args),
    "divide": lambda _, args, tree: (
        scaled(args[0], S.One, (), [args[1]]) if args[1].ndim == 0 else apply("divide", *args)
    ),
    "transpose": lambda self, args, tree: (
        self.turn(args[0]) if tree.ndim == 2 else apply("transpose", args[0], **dict(tree.options))
    ),
    "inv": lambda self, args, _: self.inverse(args[0]),
    "matmul": lambda self, args, _: self.product(apply("matmul", *args)),
    "outer": lambda self, args, _: self.product(apply("outer", *args)),
    "sum": _rebuilt_sum,
    **dict.fromkeys(("index", "broadcast_to", "diag", "diagonal"), _moved),
}
"""How the simplifier makes an operation again from simplified operands."""


def shorthand(tree: Tree) -> Tree:
    """The tree under a shorter name, where a row of ``SHORT`` has one."""
    for find in SHORT:
        short = find(tree)
        if short is not None:
            return short
    return tree


def _dot(tree: Tree) -> Tree | None:
    """sum(a*b) of two vectors is a @ b, sum(a**2) is a @ a."""
    if not is_op(tree, "sum") or tree.ndim or tree.args[0].ndim != 1:  # type: ignore[attr-defined]
        return None
    inside = tree.args[0]  # type: ignore[attr-defined]
    vectors = list(inside.args) if is_op(inside, "multiply") else [inside]
    if len(vectors) == 1 and is_op(inside, "power") and inside.args[1] == Number((), S(2)):
        vectors = [inside.args[0]] * 2
    if len(vectors) != 2 or any(v.shape != inside.shape for v in vectors):
        return None
    products = [v for v in vectors if is_op(v, "matmul")]
    if len(products) == 1 and products[0] is vectors[0]:
        vectors.reverse()
    return apply("matmul", *vectors)


def _trace(tree: Tree) -> Tree | None:
    """sum(diagonal(A)) is trace(A)."""
    if is_op(tree, "sum") and is_op(tree.args[0], "diagonal"):  # type: ignore[attr-defined]
        return apply("trace", tree.args[0].args[0])  # type: ignore[attr-defined]
    return None


def _mean(tree: Tree) -> Tree | None:
    """A sum along axes over their size is a mean."""
    if not is_op(tree, "divide", "negative"):
        return None
    term = term_of(tree)
    for part in (term.core, *term.above):
        if not is_op(part, "sum"):
            continue
        options = dict(part.options)  # type: ignore[attr-defined]
        sizes = Counter(Number((), part.args[0].shape[axis]) for axis in options["axis"])  # type: ignore[attr-defined]
        below = Counter(term.below)
        if sizes <= below and all(isinstance(n.value, Symbol) for n in sizes):
            mean = apply("mean", part.args[0], **options)  # type: ignore[attr-defined]
            rest = tuple((below - sizes).elements())
            if part is term.core:
                return scaled(mean, term.number, term.above, rest)
            above = list(term.above)
            above.remove(part)
            return scaled(term.core, term.number, [mean, *above], rest)
    return None


def _root(tree: Tree) -> Tree | None:
    """A power of 1/2 is a square root."""
    if is_op(tree, "power") and tree.args[1] == Number((), S.Half):  # type: ignore[attr-defined]
        return apply("sqrt", tree.args[0])  # type: ignore[attr-defined]
    return None


def _distributed(tree: Tree) -> Tree | None:
    """(n*a − sum(a))/n is a − mean(a): a size that some term cancels divides each term."""
    if not is_op(tree, "divide", "negative"):
        return None
    term = term_of(tree)
    if not is_op(term.core, "add"):
        return None
    sizes = tuple(t for t in term.below if isinstance(t, Number))
    parts = [shorthand(scaled(arg, S.One, (), sizes)) for arg in term.core.args]  # type: ignore[attr-defined]
    rest = Counter(term.below) - Counter(sizes)
    whole = scaled(_ordered_sum(parts), term.number, term.above, tuple(rest.elements()))
    return whole if sizes and tree_cost(whole) < tree_cost(tree) else None


def _ordered_sum(parts: Sequence[Tree]) -> Tree:
    return apply("add", *sorted(parts, key=lambda part: is_op(part, "negative")))


SHORT: tuple[Callable[[Tree], Tree | None], ...] = (_dot, _trace, _mean, _root, _distributed)
"""Shorter names for what a tree says, a row each."""
