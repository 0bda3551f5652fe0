"""What stands in front of an array: numbers and scalars, gathered and cancelled; costs of trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from sympy import Expr, Mul, S

from symderive.formulas.arrays.op import broadcast
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.syntax import Apply, Number, Tree, of_args
from symderive.formulas.decimals import decimal_text

ONE = Number((), S.One)
TRANSPOSE, OPERATION, CALL, IDENTITY = 0.4, 1.0, 1.2, 1.8


SPREADING = frozenset({"add", "multiply", "divide", "power", "where"})
"""Operations that spread a vector over the rows of a matrix, without a sign for it."""


def is_op(tree: Tree | None, *names: str) -> TypeGuard[Apply]:
    """Whether a tree is one of some operations."""
    return isinstance(tree, Apply) and tree.op in names


def exchanged(tree: Tree, old: Tree, new: Tree) -> Tree:
    """The tree with another part in the place of one of its parts."""
    if tree == old or not isinstance(tree, Apply):
        return new if tree == old else tree
    return of_args(tree, tuple(exchanged(arg, old, new) for arg in tree.args))


def is_negative(tree: Tree) -> bool:
    """Whether a term is written with a minus in front."""
    if isinstance(tree, Number):
        return bool(tree.value.could_extract_minus_sign())
    return is_op(tree, "negative")


def tree_cost(tree: Tree) -> float:
    """What a tree costs a reader: an operation is one, a transpose less than half.

    A vector spread over the rows of a matrix is read as 1vᵀ: it costs what v[:, None] does.
    """
    if not isinstance(tree, Apply):
        return 0.0
    inner = sum(map(tree_cost, tree.args))
    if tree.op in SPREADING and tree.ndim == 2:
        spread = sum(arg.ndim == 1 for arg in tree.args)
        inner += TRANSPOSE * (min(spread, 1) if tree.op == "multiply" else spread)
    if tree.op in ("add", "multiply"):
        return inner + OPERATION * (len(tree.args) - 1)
    if tree.op in ("transpose", "index", "broadcast_to", "negative"):
        return inner + TRANSPOSE
    if tree.op == "eye":
        return IDENTITY
    if tree.op == "einsum":  # an operand more is a product more to be read off its letters
        return inner + CALL * max(len(tree.args), 1)
    if tree.op in ("vec", "unvec"):  # of rows, no more than the transpose that it saves
        return inner + CALL + TRANSPOSE
    return inner + (OPERATION if tree.op in ("matmul", "divide", "power", "outer") else CALL)


def turns(tree: Tree) -> int:
    """The transposes in a tree as it is printed: between trees of one cost, fewer are better.

    The sums of rows are M1; spread over the rows of another matrix they are 11ᵀMᵀ.
    """
    if not isinstance(tree, Apply):
        return 0
    own = int(tree.op == "transpose")
    if tree.op in SPREADING and tree.ndim == 2:
        rows = [arg for arg in tree.args if arg.ndim == 1]
        own += sum(1 + _is_sum_of_rows(row) for row in rows)
    if tree.op == "index" and ("new",) in tree.option("key") and tree.ndim == 2:
        own += 1
    return own + sum(map(turns, tree.args))


def _is_sum_of_rows(tree: Tree) -> bool:
    core = term_of(tree).core
    return is_op(core, "sum", "mean") and core.args[0].ndim == 2 and core.option("axis") == (1,)


def reading(tree: Tree) -> tuple[float, int, int, int]:
    """What trees are compared by: their cost, then their transposes, inverses and slices."""
    inverses, slices = (sum(is_op(part, op) for part in tree.walk()) for op in ("inv", "index"))
    return round(tree_cost(tree), 6), turns(tree), inverses, slices


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
        return size_term(tree.value)
    if is_op(tree, "power") and tree.ndim == 0 and isinstance(tree.args[1], Number):
        base, exponent = tree.args[0], tree.args[1].value
        if exponent.is_Integer and 1 < exponent <= MAX_POWER:
            inner = term_of(base)
            times_, k = inner.number**exponent, int(exponent)
            own = inner.above if inner.core == ONE else (*inner.above, inner.core)
            return Term(times_, own * k, inner.below * k, ONE)
    if is_op(tree, "negative"):
        inner = term_of(tree.args[0])
        return Term(-inner.number, inner.above, inner.below, inner.core)
    if is_op(tree, "divide"):
        left, right = tree.args
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
        inner = term_of(left)
        if inner.core != left:  # what is in front of r/(c + r)
            core = apply("divide", inner.core, right)
            return Term(inner.number, inner.above, inner.below, core)
    if is_op(tree, "multiply"):
        terms = [term_of(arg) for arg in tree.args]
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
        return Term(number, tuple(above), tuple(below), multiplied(cores))
    if tree.ndim or is_op(tree, "add"):
        return Term(S.One, (), (), tree)
    return Term(S.One, (tree,), (), ONE)


MAX_POWER = 8
"""A power up to which scalars are counted one by one."""


def size_term(value: Expr) -> Term:
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


def multiplied(trees: Sequence[Tree]) -> Tree:
    """The product of trees; one of a single tree is the tree."""
    if not trees:
        return ONE
    return trees[0] if len(trees) == 1 else apply("multiply", *trees)


def _minuses(trees: Sequence[Tree]) -> int:
    return sum(is_op(tree, "negative") for tree in trees)


ODD = frozenset({"sign", "tanh", "sinh", "asinh", "atanh", "sin", "tan", "asin", "atan", "erf"})
"""Functions that a minus passes through."""


def _sum_turned(tree: Apply) -> Tree | None:
    """−(b − a) as a − b, where that has no more minuses."""
    turned = [negative(part) for part in tree.args]
    most = max(_minuses(tree.args), 1)
    if _minuses(turned) > most or _minuses(turned) == len(turned):
        return None
    turned.sort(key=lambda part: is_op(part, "negative"))
    return apply("add", *turned)


def _turned(tree: Tree) -> Tree | None:
    """A product with a minus taken into a sum in it, where that has no more of them for it."""
    if is_op(tree, "sum", "mean"):
        inner = _turned(tree.args[0])
        return apply(tree.op, inner, **dict(tree.options)) if inner is not None else None
    if not is_op(tree, "multiply", "matmul"):
        return None
    for place, arg in enumerate(tree.args):
        other: Tree | None = None
        if is_op(arg, "add"):
            other = _sum_turned(arg)
        elif is_op(arg, *ODD) and is_op(arg.args[0], "add"):
            inside = _sum_turned(arg.args[0])
            other = apply(arg.op, inside) if inside is not None else None
        elif is_op(arg, "multiply", "matmul"):
            other = _turned(arg)
        if other is not None:
            return apply(tree.op, *tree.args[:place], other, *tree.args[place + 1 :])
    return None


def _unpowered(trees: Sequence[Tree]) -> list[Tree]:
    """Scalars with their whole powers as factors, so that what is above and below cancels."""
    found: list[Tree] = []
    for tree in trees:
        if is_op(tree, "power") and not tree.ndim and tree.args[0].ndim == 0:
            exponent = tree.args[1]
            if isinstance(exponent, Number) and exponent.value in range(2, MAX_POWER + 1):
                found += [tree.args[0]] * int(exponent.value)
                continue
        found.append(tree)
    return found


def scaled(
    core: Tree, number: Expr, above: Sequence[Tree] = (), below: Sequence[Tree] = ()
) -> Tree:
    """Number · above · core / below, with the scalars of the core gathered and cancelled."""
    inner, size = term_of(core), size_term(number)
    number = size.number
    above, below = _unpowered((*above, *size.above)), _unpowered((*below, *size.below))
    up = Counter([*above, *inner.above])
    down: Counter[Tree] = Counter()
    for tree in (*below, *inner.below):
        if isinstance(tree, Number) and tree.value.is_Rational:
            number = number / tree.value
        else:
            down[tree] += 1
    up, down = up - down, down - up
    number = number * inner.number
    if number == 0 or is_zero(core):
        return zero_like(core)
    if number.is_negative and is_op(inner.core, "add"):
        turned = [negative(arg) for arg in inner.core.args]
        if 1 + _minuses(inner.core.args) > _minuses(turned):  # −(b − a) is a − b
            turned.sort(key=lambda arg: is_op(arg, "negative"))
            inner, number = Term(inner.number, (), (), apply("add", *turned)), -number
    turned_core = _turned(inner.core) if number.is_negative else None
    if turned_core is not None:  # −A(b − a) is A(a − b)
        inner, number = Term(inner.number, (), (), turned_core), -number
    if inner.core == ONE and all(isinstance(tree, Number) for tree in (*up, *down)):
        return Number((), number * _counted(up) / _counted(down))
    over, under = abs(number).as_numer_denom()
    if decimal_text(number, alone=False):
        over, under = abs(number), S.One
    factors: list[Tree] = [] if over == 1 else [Number((), over)]
    factors += [repeated(tree, count) for tree, count in up.items()]
    if factors and is_op(inner.core, "divide") and inner.core.args[1].ndim:  # 2r/(c + r)
        top, bottom = inner.core.args
        factors = [apply("divide", multiplied([*factors, *([top] if top != ONE else [])]), bottom)]
    elif inner.core != ONE or not factors:
        factors += inner.core.args if is_op(inner.core, "multiply") else (inner.core,)
    result = multiplied(factors)
    under_all: list[Tree] = [] if under == 1 else [Number((), under)]
    under_all += [repeated(tree, count) for tree, count in down.items()]
    if under_all:
        result = apply("divide", result, multiplied(under_all))
    return apply("negative", result) if number.is_negative else result


def _counted(sizes: Counter[Tree]) -> Expr:
    return Mul(*(tree.value**count for tree, count in sizes.items() if isinstance(tree, Number)))


def repeated(tree: Tree, count: int) -> Tree:
    """A factor that occurs several times, as a power."""
    if count == 1:
        return tree
    if is_op(tree, "power") and isinstance(tree.args[1], Number):
        return apply("power", tree.args[0], Number((), tree.args[1].value * count))
    if is_op(tree, "divide") and tree.args[0] == ONE:
        return apply("divide", ONE, repeated(tree.args[1], count))
    return apply("power", tree, Number((), S(count)))


def is_zero(tree: Tree) -> bool:
    """Whether every entry is zero."""
    inner: Tree = tree.args[0] if is_op(tree, "broadcast_to") else tree
    return inner == Number((), S.Zero)


def zero_like(like: Tree) -> Tree:
    """Zero in the shape of a tree."""
    return filled(Number((), S.Zero), like.shape)


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
    if any(map(is_zero, cores)):
        return filled(Number((), S.Zero), broadcast([tree.shape for tree in cores]))
    full = max((tree.ndim for tree in cores), default=0)
    largest = [tree for tree in cores if tree.ndim == full and not is_ones(tree)]
    if largest and any(map(is_ones, cores)):  # 1·A is A, where A has the whole shape
        shape = max((tree.shape for tree in largest), key=lambda s: sum(x != 1 for x in s))
        if broadcast([tree.shape for tree in cores]) == shape:
            cores = Counter({tree: n for tree, n in cores.items() if not is_ones(tree)})
    parts = [repeated(tree, count) for tree, count in cores.items()]
    under = [part for part in map(divisor, parts) if part is not None]
    parts = [part for part in parts if divisor(part) is None]
    parts.sort(key=lambda part: is_op(part, "add"))  # P*(a + b), as people write it
    parts, under = _rows_divided(parts, under)
    if under:
        top = parts or [ONE]
        return scaled(apply("divide", multiplied(top), multiplied(under)), number, above, below)
    return scaled(multiplied(parts), number, above, below)


def is_ones(tree: Tree) -> bool:
    """Whether every entry is one, spread or not."""
    if is_op(tree, "index") and tree.ndim:
        return is_ones(tree.args[0])
    return is_op(tree, "broadcast_to") and tree.args[0] == ONE


def _rows_divided(parts: list[Tree], under: list[Tree]) -> tuple[list[Tree], list[Tree]]:
    """Vectors along the rows of a matrix as one vector: g/r*A, not g*A/r."""
    rows = [part for part in parts if part.ndim == 1]
    below = [part for part in under if part.ndim == 1]
    if not rows or not below or all(part.ndim < 2 for part in (*parts, *under)):
        return parts, under
    vector = apply("divide", multiplied(rows), multiplied(below))
    rest = [part for part in parts if part.ndim != 1]
    return [vector, *rest], [part for part in under if part.ndim != 1]


def divisor(tree: Tree) -> Tree | None:
    """What an array of reciprocals divides by: d of 1/d, spread or not; None of any other."""
    if is_op(tree, "divide") and tree.ndim and tree.args[0] == ONE:
        found: Tree = tree.args[1]
        return found
    if is_op(tree, "index", "broadcast_to"):
        inner = divisor(tree.args[0])
        if inner is not None:
            return apply(tree.op, inner, **dict(tree.options))
    return None


def entries_of(tree: Tree) -> list[Tree]:
    """The factors of a product entry by entry, what it divides by as reciprocals."""
    if is_op(tree, "multiply"):
        return [part for arg in tree.args for part in entries_of(arg)]
    if is_op(tree, "divide") and tree.args[1].ndim and tree.args[0] != ONE:
        top, below = tree.args
        return [*entries_of(top), *(apply("divide", ONE, part) for part in entries_of(below))]
    return [tree]


def one_sum(inner: Tree, axes: Sequence[int]) -> Tree | None:
    """The sum along axes of a sum, as one sum; None of anything else."""
    if not is_op(inner, "sum") or inner.option("keepdims"):
        return None
    first: Tree = inner.args[0]
    left = [axis for axis in range(first.ndim) if axis not in inner.option("axis")]
    whole = {*inner.option("axis"), *(left[axis] for axis in axes)}
    return apply("sum", first, axis=tuple(sorted(whole)), keepdims=False)
