"""The shortest form of a tree: every operation made again from simplified operands.

Scalars go in front (``terms``), products are chains (``chains``), sums share what they can
(``sums``), and ``shorthand`` has shorter names for what comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from types import MappingProxyType

from sympy import Expr, Rational, S

from symderive.formulas.arrays.chains import (
    FRECHET,
    Link,
    as_row,
    cancelled,
    chain_of,
    diagonals_opened,
    flipped,
    inverses,
    is_batched,
    is_difference,
    is_ones,
    product_of,
    scaling,
    scalings_shown,
    transposed,
    turned_outside,
)
from symderive.formulas.arrays.ops import apply, total
from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.placing import place_at
from symderive.formulas.arrays.projections import has_residuals, is_projection, projected
from symderive.formulas.arrays.properties import Axes
from symderive.formulas.arrays.rank_one import updates_solved
from symderive.formulas.arrays.rebuilding import directed, kronecker, moved, powered, summed
from symderive.formulas.arrays.shorthand import shorthand
from symderive.formulas.arrays.spectra import of_singular_values, of_spectrum
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.arrays.terms import (
    ONE,
    TRANSPOSE,
    exchanged,
    is_op,
    is_zero,
    negative,
    reading,
    scaled,
    term_of,
    times,
    tree_cost,
    zero_like,
)
from symderive.formulas.functions import FUNCTIONS


def shortest(
    tree: Tree,
    symmetric: frozenset[str] = frozenset(),
    orthogonal: frozenset[str] = frozenset(),
    sums: Mapping[tuple[str, Axes], Expr] = MappingProxyType({}),
    skew: frozenset[str] = frozenset(),
    diagonal: frozenset[str] = frozenset(),
) -> Tree:
    """The tree in its shortest form.

    Args:
        tree: The tree.
        symmetric: The names of leaves that are symmetric.
        orthogonal: The names of leaves whose transpose is their inverse.
        sums: What leaves sum to along an axis, by name and axis.
        skew: The names of leaves whose transpose is their negative.
        diagonal: The names of leaves that are diagonal.

    >>> from sympy import Symbol
    >>> A = Leaf((Symbol("n"), Symbol("n")), "A")
    >>> shortest(apply("add", A, transposed(A)), frozenset("A")).op
    'multiply'
    """
    found: list[Tree] = []
    for opening in (False, True):  # products of inverses, and inverses of products
        current = tree
        for _ in range(MAX_ROUNDS):
            following = Rebuilder(
                symmetric, orthogonal, sums, skew, diagonal, opening=opening
            ).rebuilt(current)
            found.append(following)
            if following == current:
                break
            current = following
        if not any(is_op(part, "inv") for part in tree.walk()):
            break
    return min(found, key=reading)


MAX_ROUNDS = 4
BY_ENTRIES = frozenset({"add", "multiply", "divide", "power"})
"""Operations that work entry by entry, as named functions do."""


class Rebuilder:
    """Simplifies a tree from the leaves up, knowing which leaves are symmetric."""

    def __init__(
        self,
        symmetric: frozenset[str] = frozenset(),
        orthogonal: frozenset[str] = frozenset(),
        sums: Mapping[tuple[str, Axes], Expr] = MappingProxyType({}),
        skew: frozenset[str] = frozenset(),
        diagonal: frozenset[str] = frozenset(),
        *,
        opening: bool = False,
    ) -> None:
        self.symmetric, self.orthogonal, self.opening = symmetric, orthogonal, opening
        self.sums, self.skew, self.diagonal = sums, skew, diagonal
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
        if is_op(tree, "inv", "negative", *MATRIX_FUNCTIONS):
            return self.is_symmetric(tree.args[0])
        if is_op(tree, "eye", "diag"):
            return True
        if is_op(tree, "abs", "power") and is_difference(tree.args[0]):
            return tree.op == "abs" or tree.args[1] == Number((), S(2))
        if isinstance(tree, Apply) and (tree.op in BY_ENTRIES or tree.op in FUNCTIONS):
            if all(arg.ndim == 0 or self.is_symmetric(arg) for arg in tree.args):
                return True
            if tree.op != "add" or any(arg.ndim not in (0, 2) for arg in tree.args):
                return False
            turned = (self.upright(transposed(arg)) if arg.ndim else arg for arg in tree.args)
            return Counter(turned) == Counter(tree.args)
        if is_op(tree, "matmul", "outer"):
            links = scalings_shown(chain_of(tree))
            chain = tuple((kind, self.upright(part)) for kind, part in links)
            if is_projection([part for _, part in chain]):
                return True
            return len(chain) > 1 and chain == tuple(
                (kind, self.upright(part)) for kind, part in flipped(chain)
            )
        return is_op(tree, "transpose") and self.is_symmetric(tree.args[0])

    def _node(self, tree: Apply) -> Tree:
        args = [self.rebuilt(arg) for arg in tree.args]
        if tree.op == "place":
            term = term_of(args[0])
            core = place_at(term.core, tree.option("key"), tree.shape)
            return scaled(core, term.number, term.above, term.below)
        if tree.op in ("index_notation", "einsum"):
            return Apply(tree.shape, tree.op, tuple(args), tree.options)
        if is_batched(tree):
            return apply("matmul", *args)
        if tree.op == "matmul" and tree.ndim == 0:
            one, two = map(term_of, args)
            dot = shorthand(self.number(one.core, two.core))
            above, below = (*one.above, *two.above), (*one.below, *two.below)
            return scaled(dot, one.number * two.number, above, below)
        rewrite = REBUILD.get(tree.op)
        made = rewrite(self, args, tree) if rewrite else apply(tree.op, *args, **dict(tree.options))
        return self.rows(shorthand(made))

    def rows(self, tree: Tree) -> Tree:
        """What is spread over rows as a row: A − softmax(z) @ A, outer(a, a @ X)."""
        if tree.ndim != 2 or not is_op(tree, "add", "multiply", "outer"):
            return tree
        args = [
            as_row(arg, self.turn) if arg.ndim == 1 and (tree.op != "outer" or place) else arg
            for place, arg in enumerate(tree.args)
        ]
        return tree if args == list(tree.args) else apply(tree.op, *args)

    def turn(self, arg: Tree) -> Tree:
        """The transpose, taken inside where that is no longer."""
        if self.is_symmetric(arg):
            return arg
        if isinstance(arg, Leaf) and arg.name in self.skew:
            return apply("negative", arg)
        outside = transposed(arg)
        term = term_of(arg)
        if is_op(term.core, "add") and all(part.ndim == 2 for part in term.core.args):
            total = apply("add", *map(self.turn, term.core.args))
            made = scaled(total, term.number, term.above, term.below)
            return min(made, self.upright(outside), key=reading)
        if is_op(arg, *MATRIX_FUNCTIONS, *FRECHET):
            return min(apply(arg.op, *map(self.turn, arg.args)), outside, key=reading)
        if not is_op(arg, "matmul") or is_batched(arg):
            return self.upright(outside)
        inside = product_of(flipped(chain_of(arg, self.turn), self.turn), self.turn)
        return inside if tree_cost(inside) <= tree_cost(outside) else outside

    def upright(self, tree: Tree) -> Tree:
        """A symmetric matrix without its transpose."""
        if is_op(tree, "transpose") and self.is_symmetric(tree.args[0]):
            return tree.args[0]
        return tree

    def sum(self, args: list[Tree]) -> Tree:
        """The sum; Φ(X) + Φ(Xᵀ)ᵀ = X, of lower triangles with their diagonals halved."""
        terms = [term_of(arg) for arg in args]
        halved = [(k, t.core) for k, t in enumerate(terms) if is_op(t.core, "half_tril")]
        turned = [(k, t.core) for k, t in enumerate(terms) if is_op(t.core, "transpose")]
        for (one, left), (other, right) in product(halved, turned):
            if replace(terms[one], core=right) != terms[other]:
                continue
            inner, back = left.args[0], right.args[0]
            if is_op(back, "half_tril") and self.turn(inner) == back.args[0]:
                term = terms[one]
                joined = scaled(inner, term.number, term.above, term.below)
                rest = [arg for k, arg in enumerate(args) if k not in (one, other)]
                return self.sum([joined, *rest]) if rest else joined
        return plus(self._turned_alike(args))

    def _turned_alike(self, args: list[Tree]) -> list[Tree]:
        """The terms with bᵀSa as aᵀSb, of a symmetric S, where both are in them."""
        found: dict[frozenset[tuple[Link, ...]], Tree] = {}
        for part in dict.fromkeys(part for arg in args for part in arg.walk()):
            if is_op(part, "matmul") and not part.ndim:
                left, right = (chain_of(side, self.turn) for side in part.args)
                whole = (*flipped(left, self.turn), *right)
                both = (
                    tuple((k, self.upright(t)) for k, t in c)
                    for c in (whole, flipped(whole, self.turn))
                )
                first = found.setdefault(frozenset(both), part)
                if first != part:
                    args = [exchanged(arg, part, first) for arg in args]
        return args

    def number(self, left: Tree, right: Tree) -> Tree:
        """A product of two vectors; from left to right, bᵀ A⁻¹ B c, where that is shorter."""
        chain = (*flipped(chain_of(left, self.turn), self.turn), *chain_of(right, self.turn))
        short, below = updates_solved(chain)
        if below:
            whole = apply("matmul", short[0][1], product_of(short[1:], self.turn))
            return scaled(self.rebuilt(whole), S.One, (), below)
        found = [apply("matmul", left, right)]
        for parts in (chain, flipped(chain, self.turn)):
            (_, result), *inner, (_, last) = [(kind, self.upright(part)) for kind, part in parts]
            if result.ndim == last.ndim == 1 and all(part.ndim == 2 for _, part in inner):
                half = inner[0][1] if len(inner) == 1 and result == last else None
                if is_op(half, "half_tril") and self.is_symmetric(half.args[0]):
                    whole = apply("matmul", apply("matmul", result, half.args[0]), last)
                    return scaled(self.rebuilt(whole), Rational(1, 2))  # xᵀΦ(S)x = xᵀSx/2
                for _, part in inner:
                    result = apply("matmul", result, part)
                found.append(apply("matmul", result, last))
        return min(found, key=tree_cost)

    def product(self, tree: Tree) -> Tree:
        """A product with its scalars in front, inverses cancelled."""
        if any(is_zero(part) for _, part in chain_of(tree)):
            return zero_like(tree)
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
            if kind != "r" and is_op(core, "matmul") and core != part and not is_batched(core):
                chain += chain_of(core, self.turn)
            else:
                chain.append((kind, core) if core != ONE else (kind, part))
        chain = self._factors_joined(diagonals_opened(chain))
        whole = self._inverse_opened(tuple(chain)) if self.opening else tuple(chain)
        opened, dividing = updates_solved(self.cancelled(whole))
        below += dividing
        made = product_of(opened, self.turn)
        ways = (self._multiplied_out, self._multiplied_out_turned, self._complement)
        made = min([made, *filter(None, (way(opened) for way in ways))], key=reading)
        if any(is_ones(part) for _, part in chain):
            made = min(made, self._by_sums(opened), key=reading)
        return scaled(made, number, above, below)

    def is_orthogonal(self, tree: Tree) -> bool:
        """Whether the transpose of a matrix is its inverse."""
        named = isinstance(tree, Leaf) and tree.name in self.orthogonal
        return named or is_op(tree, "eigenvectors")

    def _cancel(self, left: Tree, right: Tree) -> bool:
        """Whether two matrices side by side are the identity."""
        if inverses(left, right):
            return True
        pairs = ((left, right), (right, left))
        return any(
            is_op(turned, "transpose") and turned.args[0] == other and self.is_orthogonal(other)
            for turned, other in pairs
        )

    def cancelled(self, chain: Sequence[Link]) -> Sequence[Link]:
        """The chain without QᵀQ of an orthogonal Q, XᵀX beside its inverse, X X⁺ before X."""
        kept: list[Link] = []
        for kind, part in chain:
            if kept and kept[-1][0] == kind == "m" and self._cancel(kept[-1][1], part):
                kept.pop()
            else:
                kept.append((kind, part))
        kept = projected(kept, self.turn)
        return kept or (("m", apply("eye", size=chain[0][1].shape[0])),)

    def _multiplied_out_turned(self, chain: Sequence[Link]) -> Tree | None:
        """The same of rows: (y − Xw)ᵀX is the transpose of Xᵀ(y − Xw)."""
        if all(kind != "r" for kind, _ in chain):
            return None
        found = self._multiplied_out(flipped(chain, self.turn))
        return found and self.turn(found)

    def _multiplied_out(self, chain: Sequence[Link]) -> Tree | None:
        """A⁻¹(Ax − b) as x − A⁻¹b: a sum multiplied out where something then cancels."""
        for place, (kind, part) in enumerate(chain):
            if kind == "r" or not is_op(part, "add"):
                continue
            terms = [term_of(arg) for arg in part.args]
            if any(term.core.shape != part.shape for term in terms):
                continue
            chains = [chain_of(term.core, self.turn) for term in terms]
            for side in (-1, 1):
                other = place + side
                if not 0 <= other < len(chain) or chain[other][0] != "m":
                    continue
                beside = chain[other]
                whole = [(beside, *links) if side < 0 else (*links, beside) for links in chains]
                shorter = [self.cancelled(links) for links in whole]
                products = [product_of(links, self.turn) for links in shorter]
                if [*map(len, shorter)] == [*map(len, whole)]:
                    if not has_residuals(chain, chains):
                        continue
                    products = [*map(self.rebuilt, products)]  # Xᵀr is 0, r = y − X(XᵀX)⁻¹Xᵀy
                    if not any(map(is_zero, products)):
                        continue
                first, last = min(place, other), max(place, other)
                inside = self.sum(
                    [
                        scaled(made, term.number, term.above, term.below)
                        for term, made in zip(terms, products, strict=True)
                    ]
                )
                rest = (*chain[:first], (kind, inside), *chain[last + 1 :])
                return self.product(product_of(rest, self.turn)) if len(rest) > 1 else inside
        return None

    def _complement(self, chain: Sequence[Link]) -> Tree | None:
        """(I − P)A as A − PA, (I − P)(y − Py) as y − Py: no identity is left."""
        for place, (kind, part) in enumerate(chain):
            if kind != "m" or not is_op(part, "add"):
                continue
            if not any(is_op(term_of(arg).core, "eye") for arg in part.args):
                continue
            for other in (place + 1, place - 1):
                away = "r" if other > place else "c"
                if not 0 <= other < len(chain) or chain[other][0] == away:
                    continue
                end, beside = chain[other]
                if tree_cost(beside) > TRANSPOSE and not is_op(beside, "add"):
                    continue
                first, last = min(place, other), max(place, other)
                whole = [arg for arg in part.args if arg.shape == part.shape]
                spread = [arg for arg in part.args if arg not in whole]
                if any(arg.ndim or beside.ndim != 1 for arg in spread):
                    continue  # what is broadcast is no factor of a product
                turned = [(beside, arg) if other < place else (arg, beside) for arg in whole]
                terms = [self.product(apply("matmul", *pair)) for pair in turned]
                terms += [scaled(total(beside), S.One, (arg,), ()) for arg in spread]  # c·11ᵀv
                if is_op(inside := self.sum(terms), "matmul"):  # put back as it was
                    continue
                rest = (*chain[:first], (end, inside), *chain[last + 1 :])
                return self.product(product_of(rest, self.turn)) if len(rest) > 1 else inside
        return None

    def _factors_joined(self, chain: list[Link]) -> list[Link]:
        """L Lᵀ as S and L⁻ᵀ L⁻¹ as S⁻¹, L the Cholesky factor of a symmetric S."""
        joined: list[Link] = []
        for kind, part in chain:
            found = None
            if joined and kind == joined[-1][0] == "m":
                before = joined[-1][1]
                found = (
                    self._of_factors(before, part)
                    or of_spectrum(before, part, self)
                    or of_singular_values(before, part, self)
                )
            if found is None:
                joined.append((kind, part))
            else:
                joined[-1] = ("m", found)
        return joined

    def _of_factors(self, left: Tree, right: Tree) -> Tree | None:
        inverse = is_op(right, "inv")
        upper, lower = (left, right) if inverse else (right, left)
        if not is_op(upper, "transpose") or upper.args[0] != lower:
            return None
        inner = lower.args[0] if inverse and is_op(lower, "inv") else lower
        if not is_op(inner, "cholesky") or not self.is_symmetric(inner.args[0]):
            return None
        return self.inverse(inner.args[0]) if inverse else inner.args[0]

    def _by_sums(self, chain: Sequence[Link]) -> Tree:
        """A product with a matrix of ones as an outer product of sums: A 11ᵀ B."""
        place = next((k for k, (_, part) in enumerate(chain) if is_ones(part)), None)
        if place is None or chain[place][0] != "m":
            return product_of(chain, self.turn)
        before, after = chain[:place], flipped(chain[place + 1 :], self.turn)
        ends = []
        for side, size in zip((before, after), chain[place][1].shape, strict=True):
            if side and all(kind == "m" for kind, _ in side):
                ends.append(shorthand(total(product_of(side, self.turn), [1])))
            elif not side:
                ends.append(apply("broadcast_to", ONE, shape=(size,)))
            else:
                return product_of(chain, self.turn)
        return apply("outer", *ends)

    def _inverse_opened(self, chain: tuple[tuple[str, Tree], ...]) -> tuple[tuple[str, Tree], ...]:
        """inv(A @ X @ B) as inv(B) @ inv(X) @ inv(A) where something then cancels."""
        for place, (kind, part) in enumerate(chain):
            inner = part.args[0] if is_op(part, "transpose") else part
            turned = inner is not part
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
            if len(cancelled(whole)) < len(whole):
                short = tuple(cancelled(whole))
                return self._inverse_opened(short) if short else whole
        return chain

    def inverse(self, arg: Tree) -> Tree:
        """The inverse; of an inverse, what it inverts."""
        if is_op(arg, "inv"):
            return arg.args[0]
        if is_op(arg, "eye"):
            return arg
        if is_op(arg, "diag"):
            return apply("diag", apply("divide", ONE, arg.args[0]))
        term = term_of(arg)
        if term.core != ONE and term.core != arg and term.core.shape == arg.shape:  # (cA)⁻¹ = A⁻¹/c
            above, below = list(term.below), list(term.above)
            return scaled(self.inverse(term.core), 1 / term.number, above, below)
        if is_op(arg, "transpose"):
            return transposed(apply("inv", arg.args[0]))
        return apply("inv", arg)


Rewrite = Callable[[Rebuilder, list[Tree], Apply], Tree]

REBUILD: Mapping[str, Rewrite] = {
    "add": lambda self, args, __: turned_outside(self.sum(args)),
    "negative": lambda _, args, __: negative(args[0]),
    "multiply": lambda self, args, _: turned_outside(scaling(times(args), self.diagonal)),
    "divide": lambda _, args, tree: (
        scaled(args[0], S.One, (), [args[1]]) if args[1].ndim == 0 else apply("divide", *args)
    ),
    "transpose": lambda self, args, tree: (
        self.turn(args[0]) if tree.ndim == 2 else apply("transpose", args[0], **dict(tree.options))
    ),
    "inv": lambda self, args, _: self.inverse(args[0]),
    "matmul": lambda self, args, _: self.product(apply("matmul", *args)),
    "outer": lambda self, args, _: self.product(apply("outer", *args)),
    "sum": summed,
    "power": powered,
    "kron": kronecker,
    **dict.fromkeys(FRECHET, directed),
    **dict.fromkeys(
        (
            *("index", "broadcast_to", "diag", "diagonal"),
            *("tril", "triu", "half_tril", "diagonal_sums"),
            *("vec", "unvec", "reshape", "rearrange"),
        ),
        moved,
    ),
}
"""How the simplifier makes an operation again from simplified operands."""
