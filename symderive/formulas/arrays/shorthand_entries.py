"""Shorter names for what is done entry by entry, a row each: means, tanh, steps, lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

from sympy import Expr, Mul, Rational, S

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.formulas.arrays.terms import (
    ONE,
    Term,
    divisor,
    entries_of,
    is_negative,
    is_op,
    negative,
    one_sum,
    scaled,
    term_of,
    times,
    tree_cost,
    zero_like,
)

# Means ------------------------------------------------------------------------------------------


def mean(tree: Tree) -> Tree | None:
    """A sum along axes over their size is a mean, also where it is spread or multiplied."""
    if not is_op(tree, "divide", "negative"):
        return None
    term = term_of(tree)
    for place, part in enumerate(term.above):
        found = _mean_of(part, term)
        if found is not None:
            made, rest = found
            above = [*term.above[:place], *term.above[place + 1 :]]
            return scaled(term.core, rest.number, [made, *above], rest.below)
    parts = entries_of(term.core)
    for place, part in enumerate(parts):
        found = _mean_of(part, term)
        if found is not None:
            made, rest = found
            core = times([*parts[:place], made, *parts[place + 1 :]])
            return scaled(core, rest.number, term.above, rest.below)
    if is_op(term.core, "matmul", "outer"):
        for place, part in enumerate(term.core.args):
            found = _mean_of(part, term)
            if found is not None:
                made, rest = found
                args = (*term.core.args[:place], made, *term.core.args[place + 1 :])
                return scaled(apply(term.core.op, *args), rest.number, term.above, rest.below)
    return None


LEAST_COUNT = 3
"""A size from which a sum over it is a mean: half of a sum of two is as often half of a square."""


def _mean_of(part: Tree, term: Term) -> tuple[Tree, Term] | None:
    """A sum as the mean, and the term without its sizes; it may be spread along another axis."""
    if is_op(part, "index", "broadcast_to") and is_op(part.args[0], "sum"):
        inner = _mean_of(part.args[0], term)
        return inner and (apply(part.op, inner[0], **dict(part.options)), inner[1])
    if not is_op(part, "sum"):
        return None
    joined = None if part.option("keepdims") else one_sum(part.args[0], part.option("axis"))
    part = joined if is_op(joined, "sum") else part
    options = dict(part.options)
    sizes = [part.args[0].shape[k] for k in options["axis"]]
    count: Expr = Mul(*(size for size in sizes if size.is_Integer))
    named: Counter[Tree] = Counter(Number((), size) for size in sizes if not size.is_Integer)
    below = Counter(term.below)
    if not named <= below or not all(size.is_Symbol or size.is_Integer for size in sizes):
        return None
    if count != 1 and (count < LEAST_COUNT or not term.number.is_Rational or term.number.q % count):
        return None
    rest = replace(term, number=term.number * count, below=tuple((below - named).elements()))
    return apply("mean", part.args[0], **options), rest


def variance(tree: Tree) -> Tree | None:
    """mean((x - mean(x))**2) is var(x)."""
    if not is_op(tree, "mean") or not is_op(tree.args[0], "power"):
        return None
    inside, exponent = tree.args[0].args
    array = _centred(inside, tree.option("axis")) if exponent == Number((), S(2)) else None
    return array and apply("var", array, **dict(tree.options), ddof=0)


def spread(tree: Tree) -> Tree | None:
    """The squared length of x - mean(x) is n*var(x), of its even powers too."""
    sign, count = 1, 0
    if is_op(tree, "matmul") and not tree.ndim and tree.args[0].ndim == 1:
        one, other = tree.args
        sign, count = (1 if one == other else -1), int(one in (other, _turned_round(other)))
    elif is_op(tree, "power") and is_op(tree.args[0], "norm") and not tree.ndim:
        (one,), exponent = tree.args[0].args, tree.args[1]
        if isinstance(exponent, Number) and tree.args[0].option("ord") == 2:
            half = exponent.value / 2
            count = int(half) if half.is_Integer and half > 0 else 0
    if not count:
        return None
    axes = tuple(range(one.ndim))
    array = _centred(one, axes)
    if array is None:
        return None
    var = apply("var", array, axis=axes, keepdims=False, ddof=0)
    sizes = [Number((), size) for size in array.shape]
    return scaled(ONE, S(sign), [*sizes, var] * count)


def _turned_round(tree: Tree) -> Tree | None:
    """The difference b - a of a - b."""
    return apply("add", *map(negative, tree.args[::-1])) if is_op(tree, "add") else None


def centred(tree: Tree) -> Tree | None:
    """n*x - sum(x) is n*(x - mean(x))."""
    if not is_op(tree, "add") or len(tree.args) != 2 or not tree.ndim:
        return None
    for array, total in (tree.args, tree.args[::-1]):
        term, summed = term_of(array), term_of(total)
        (whole,) = summed.above if len(summed.above) == 1 else (summed.core,)
        if not is_op(whole, "sum") or whole.args[0] != term.core or whole.ndim:
            continue
        sizes = [Number((), size) for size in term.core.shape]
        if Counter(term.above) != Counter(sizes) or term.number != -summed.number:
            continue
        middle = apply("mean", term.core, **dict(whole.options))
        inside = ordered_sum([term.core, negative(middle)])
        return scaled(inside, term.number, sizes, term.below) if not term.below else None
    return None


def balanced(tree: Tree) -> Tree | None:
    """sum(x - mean(x)) is 0."""
    if not is_op(tree, "sum", "mean"):
        return None
    return zero_like(tree) if _centred(tree.args[0], tree.option("axis")) is not None else None


def _centred(tree: Tree, axes: tuple[int, ...]) -> Tree | None:
    """The x of x - mean(x), or of mean(x) - x, the mean along some axes."""
    if not is_op(tree, "add") or len(tree.args) != 2:
        return None
    one, other = tree.args
    for array, minus in ((one, other), (other, one), (negative(other), negative(one))):
        middle = negative(minus)
        inner: Tree = middle.args[0] if is_op(middle, "index") else middle
        if not is_op(inner, "mean") or inner.args[0] != array or inner.option("axis") != axes:
            continue
        if len(axes) == array.ndim or middle.shape == _kept(array, axes):
            return array
    return None


def _kept(array: Tree, axes: Sequence[int]) -> Shape:
    """The shape of an array reduced along axes that are kept with size 1, leading ones left out."""
    shape = [S.One if k in axes else size for k, size in enumerate(array.shape)]
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)


def distributed(tree: Tree) -> Tree | None:
    """(n*a − sum(a))/n is a − mean(a), (2*a − b)/2 is a − b/2: what some term cancels is inside."""
    if not is_op(tree, "divide", "negative"):
        return None
    term = term_of(tree)
    sizes = tuple(t for t in term.below if isinstance(t, Number))
    share = Rational(1, term.number.q) if term.number.is_Rational else S.One
    parts = entries_of(term.core)
    if not (sizes or share != 1) or not any(is_op(part, "add") for part in parts):
        return None
    best: Tree = tree
    sums = [place for place, part in enumerate(parts) if is_op(part, "add")]
    for place, chosen in product(sums, dict.fromkeys((sizes, *((size,) for size in sizes)))):
        part = parts[place]
        rest = tuple((Counter(term.below) - Counter(chosen)).elements())
        divided = [scaled(arg, share, (), chosen) for arg in part.args]
        inner = ordered_sum([mean(arg) or arg for arg in divided])
        core = times([*parts[:place], inner, *parts[place + 1 :]])
        best = min(best, scaled(core, term.number / share, term.above, rest), key=tree_cost)
    return best if best is not tree else None


def ordered_sum(parts: Sequence[Tree]) -> Tree:
    """The sum with what has no minus in front first."""
    return apply("add", *sorted(parts, key=is_negative))


# Named functions --------------------------------------------------------------------------------

QUOTIENTS: Mapping[tuple[str, str], str] = {("sinh", "cosh"): "tanh", ("sin", "cos"): "tan"}
"""Functions whose quotient, at the same argument, has a name."""


def quotient(tree: Tree) -> Tree | None:
    """sinh(u)/cosh(u) is tanh(u)."""
    if not is_op(tree, "divide"):
        return None
    parts = entries_of(tree) if tree.ndim else [tree.args[0], apply("divide", ONE, tree.args[1])]
    for place, below in enumerate(parts):
        under = divisor(below) if tree.ndim else tree.args[1]
        for other, above in enumerate(parts):
            if other == place or not isinstance(above, Apply) or not isinstance(under, Apply):
                continue
            name = QUOTIENTS.get((above.op, under.op))
            if name is None or above.args != under.args:
                continue
            named = apply(name, *above.args)
            return times([named, *(p for k, p in enumerate(parts) if k not in (place, other))])
    return None


def softmaxes(tree: Tree) -> Tree | None:
    """exp(u)/sum(exp(u)) is softmax(u), along axes too, and as a factor of a product."""
    if not is_op(tree, "divide", "multiply", "negative"):
        return None
    term = term_of(tree)
    parts = entries_of(term.core)
    for place, part in enumerate(parts):
        whole = _sum_of_exponentials(divisor(part))
        if whole is not None and whole.args[0] in parts:
            named = [_softmax_of(whole) if p == whole.args[0] else p for p in parts]
            core = times([*named[:place], *named[place + 1 :]])
            return scaled(core, term.number, term.above, term.below)
    for place, below in enumerate(term.below):
        whole = _sum_of_exponentials(below)
        op = term.core.op if is_op(term.core, "matmul", "outer") else ""
        factors = term.core.args if is_op(term.core, "matmul", "outer") else parts
        if whole is not None and whole.args[0] in factors:
            named = [_softmax_of(whole) if p == whole.args[0] else p for p in factors]
            core = apply(op, *named) if op else times(named)
            rest = (*term.below[:place], *term.below[place + 1 :])
            return scaled(core, term.number, term.above, rest)
    return None


def _softmax_of(total: Apply) -> Tree:
    (inside,) = total.args[0].args  # type: ignore[attr-defined]
    return apply("softmax", inside, axis=total.option("axis"))


def _sum_of_exponentials(tree: Tree | None) -> Apply | None:
    """sum(exp(u)) as it stands over what it is a sum of, or with its axis put in again."""
    inner: Tree | None = tree.args[0] if is_op(tree, "index") else tree
    if not is_op(inner, "sum") or not is_op(inner.args[0], "exp"):
        return None
    axes, shape = inner.option("axis"), inner.args[0].shape
    if is_op(tree, "index"):
        key = [("new",) if axis in axes else all_of(size) for axis, size in enumerate(shape)]
        given = tree.option("key")
        kept = sum(one != ("new",) for one in given)
        return inner if [*given, *map(all_of, inner.shape[kept:])] == key else None
    alone = len(axes) == len(shape) or axes == (0,)  # along the first axis, rows are divided by it
    return inner if alone or inner.option("keepdims") else None


def whole_product(tree: Tree) -> Tree | None:
    """u*prod_others(u) is prod(u), at every entry of a vector."""
    if not is_op(tree, "multiply") or tree.ndim != 1:
        return None
    for others in tree.args:
        if is_op(others, "prod_others") and others.ndim == 1 and others.args[0] in tree.args:
            one = apply("prod", others.args[0], axis=(0,), keepdims=False)
            rest = [part for part in tree.args if part not in (others, others.args[0])]
            whole = any(part.shape == tree.shape for part in rest)
            return times([one, *rest]) if whole else None
    return None


def complement(tree: Tree) -> Tree | None:
    """1 − sigmoid(−u) is sigmoid(u)."""
    if not is_op(tree, "add") or len(tree.args) != 2:
        return None
    for one, other in (tree.args, tree.args[::-1]):
        minus = term_of(other)
        inner = minus.core if minus.core != ONE else next(iter(minus.above), ONE)
        if one not in (ONE, negative(ONE)) or not is_op(inner, "sigmoid"):
            continue
        if other not in (inner, negative(inner)) or is_op(one, "negative") == (other != inner):
            continue
        if one == ONE and other == inner:
            continue
        argument = term_of(inner.args[0])
        if argument.number.is_negative:
            made = apply("sigmoid", negative(inner.args[0]))
            return made if one == ONE else negative(made)
    return None


STEPS = {"Gt": "Lt", "Lt": "Gt"}


def step(tree: Tree) -> Tree | None:
    """1 where u > v, 0 where u < v, else 1/2, is the unit step of u − v."""
    if not is_op(tree, "where") or not is_op(tree.args[2], "where"):
        return None
    first, one, (second, zero, half) = tree.args[0], tree.args[1], tree.args[2].args
    if (one, zero, half) != (ONE, Number((), S.Zero), Number((), S.Half)):
        return None
    if not is_op(first, *STEPS) or not is_op(second, STEPS[first.op]) or first.args != second.args:
        return None
    left, right = first.args if first.op == "Gt" else first.args[::-1]
    zero = Number((), S.Zero)
    parts = [part for part in (left, negative(right)) if part not in (zero, negative(zero))]
    whole = shared(parts) if len(parts) > 1 else parts[0]
    return apply("heaviside", whole, Number((), S.Half))


ZERO = Number((), S.Zero)


def within(tree: Tree) -> Tree | None:
    """0 where u > c and where u < -c, else 1, is 1 where abs(u) <= c."""
    if is_op(tree, "where") and tree.args[1] == ZERO and is_op(tree.args[2], "where"):
        other = tree.args[2]
        pair = (tree.args[0], other.args[0])
        return _within(tree, pair, []) if other.args[1:] == (ZERO, ONE) else None
    if not is_op(tree, "multiply"):
        return None
    masks = [arg for arg in tree.args if is_op(arg, "where") and arg.args[1:] == (ZERO, ONE)]
    for one, two in combinations(masks, 2):
        rest = [arg for arg in tree.args if arg is not one and arg is not two]
        found = _within(tree, (one.args[0], two.args[0]), rest)
        if found is not None:
            return found
    return None


def _within(tree: Tree, conditions: Sequence[Tree], rest: Sequence[Tree]) -> Tree | None:
    """Both conditions as one of an absolute value: u − c > 0 and −u − c > 0 have the sum −2c."""
    sides: list[Tree] = []
    for condition in conditions:
        if not is_op(condition, "Gt", "Lt"):
            return None
        less, more = condition.args if condition.op == "Lt" else condition.args[::-1]
        sides.append(shared([more, negative(less)]))
    most = scaled(shared(sides), Rational(-1, 2))
    inside = scaled(shared([sides[0], negative(sides[1])]), S.Half)
    turned = negative(inside)
    size = apply("abs", min(inside, turned, key=tree_cost))
    made = times([apply("where", apply("LtE", size, most), ONE, ZERO), *rest])
    return made if tree_cost(made) < tree_cost(tree) else None


def steps_joined(tree: Tree) -> Tree | None:
    """a*heaviside(u) + b*heaviside(-u) is (a - b)*heaviside(u) + b: the two steps sum to 1.

    Where a is 1 where c is true, else 0, and b is 1, that is 1 where c, else heaviside(-u).
    """
    if not is_op(tree, "add"):
        return None
    found = [(arg, *_step_in(arg)) for arg in tree.args]
    for (one, up, weight), (other, down, rest) in combinations(found, 2):
        if up is None or down is None or shared([up.args[0], down.args[0]]) != zero_like(up):
            continue
        more = [arg for arg in tree.args if arg is not one and arg is not other]
        for mask, whole, after in ((weight, rest, down), (rest, weight, up)):
            if whole == ONE and is_op(mask, "where") and mask.args[1:] == (ONE, ZERO):
                chosen = apply("where", mask.args[0], ONE, after)
                return shared([chosen, *more]) if more else chosen
        made = shared([times([up, shared([weight, negative(rest)])]), rest, *more])
        return made if tree_cost(made) < tree_cost(tree) else None
    return None


def _step_in(tree: Tree) -> tuple[Apply | None, Tree]:
    """The unit step that a term has as a factor, and the other factors."""
    term = term_of(tree)
    parts = [*term.above, *(entries_of(term.core) if term.core != ONE else ())]
    for place, part in enumerate(parts):
        if is_op(part, "heaviside") and part.args[1] == Number((), S.Half):
            others = times([*parts[:place], *parts[place + 1 :]])
            return part, scaled(others, term.number, (), term.below)
    return None, tree


def shared(parts: Sequence[Tree]) -> Tree:
    """The sum, what its terms share taken out."""
    from symderive.formulas.arrays.sums import plus  # it speaks of means

    return min(ordered_sum(parts), plus(parts), key=tree_cost)


def norm_of_order(tree: Tree) -> Tree | None:
    """sum(x**4)**(3/4) is norm(x, ord=4)**3."""
    if not is_op(tree, "power") or tree.ndim or not is_op(tree.args[0], "sum"):
        return None
    inside, outer = tree.args[0].args[0], tree.args[1]
    if not is_op(inside, "power") or inside.ndim != 1 or not isinstance(outer, Number):
        return None
    base, order = inside.args
    if not isinstance(order, Number) or not order.value.is_Integer or order.value <= 2:
        return None
    signed = order.value % 2
    if signed and not is_op(base, "abs"):
        return None
    vector = base.args[0] if is_op(base, "abs") else base
    exponent = outer.value * order.value
    if vector.ndim != 1 or not exponent.is_Integer or not isinstance(outer.value, Rational):
        return None
    length = apply("norm", vector, ord=order.value, axis=(0,), keepdims=False)
    return length if exponent == 1 else apply("power", length, Number((), exponent))


def squared_length(tree: Tree) -> Tree | None:
    """The product u @ u is norm(u)**2, where u is no name."""
    if not is_op(tree, "matmul") or tree.ndim or tree.args[0] != tree.args[1]:
        return None
    length = apply("norm", tree.args[0], ord=S(2), axis=(0,), keepdims=False)
    found = apply("power", length, Number((), S(2)))
    return found if tree_cost(found) < tree_cost(tree) else None
