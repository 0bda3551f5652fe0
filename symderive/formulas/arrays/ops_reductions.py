"""Rows of reductions along axes, and of running sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

from sympy import Expr, Integer, Piecewise, S, Tuple, oo, true

from symderive.formulas.arrays import explicit
from symderive.formulas.arrays.index import ArrayOf, Index, fresh, part, sigma
from symderive.formulas.arrays.op import (
    ONE,
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    axes_of,
    entry,
    kept,
    number,
    same_shape,
    shown,
    subtract,
    total,
    whole_number,
)
from symderive.formulas.arrays.ops_axes import along_one
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.formulas.written import product


def reduced_shape(args: Args, options: Options) -> Shape:
    """The shape without the reduced axes, or with size 1 there."""
    return tuple(
        ONE if axis in options["axis"] else size
        for axis, size in enumerate(args[0].shape)
        if axis not in options["axis"] or options["keepdims"]
    )


def _reduced_at(arg: Tree, options: Options, at: At) -> tuple[list[Expr], list[Index]]:
    """The operand's indices with fresh ones along the reduced axes, and those."""
    outer = list(at)
    if options["keepdims"]:
        outer = [i for axis, i in enumerate(at) if axis not in options["axis"]]
    summed = [fresh(arg.shape[axis]) for axis in options["axis"]]
    bound = dict(zip(options["axis"], summed, strict=True))
    rest = iter(outer)
    return [bound[axis] if axis in bound else next(rest) for axis in range(arg.ndim)], summed


def _sum_entry(args: Args, options: Options, at: At) -> Expr:
    if isinstance(args[0], Apply) and args[0].op == "eigvalsh" and options["axis"]:
        return entry(apply("trace", args[0].args[0]), [])
    inside, summed = _reduced_at(args[0], options, at)
    return sigma(entry(args[0], inside), summed)


def _part_entry(op: str) -> Callable[[Args, Options, At], Expr]:
    def made(args: Args, options: Options, at: At) -> Expr:
        inside, bound = _reduced_at(args[0], options, at)
        return part(op, [ArrayOf(entry(args[0], inside), Tuple(*bound))])

    return made


def _extreme_entry(op: str) -> Callable[[Args, Options, At], Expr]:
    """Eigenvalues ascend and singular values descend: the greatest is the last, or the first."""
    general = _part_entry(op)

    def made(args: Args, options: Options, at: At) -> Expr:
        arg = args[0]
        if arg.ndim == 1 and isinstance(arg, Apply) and arg.op in SORTED:
            first = (op == "min") == (SORTED[arg.op] == "ascending")
            if first or arg.op == "eigvalsh":
                return entry(arg, [S.Zero if first else arg.shape[0] - 1])
        return general(args, options, at)

    return made


SORTED: Mapping[str, str] = {"eigvalsh": "ascending", "svdvals": "descending"}


def _size(arg: Tree, options: Options) -> Expr:
    return S.One if not options["axis"] else product(*(arg.shape[a] for a in options["axis"]))


def _mean(args: Args, options: Options) -> Tree:
    return apply("divide", apply("sum", args[0], **options), Number((), _size(args[0], options)))


def _var(args: Args, options: Options) -> Tree:
    axis, keepdims, ddof = options["axis"], options["keepdims"], options["ddof"]
    mean = apply("mean", args[0], axis=axis, keepdims=True)
    squares = apply("power", subtract(args[0], mean), number(2))
    count = _size(args[0], options) - ddof
    return apply("divide", total(squares, axis, keepdims), Number((), count))


def _std(args: Args, options: Options) -> Tree:
    return apply("sqrt", apply("var", args[0], **options))


def _std_entry(args: Args, options: Options, at: At) -> Expr:
    """A part with a rule of its own, as the norm is; of a sample, what it stands for."""
    if options["ddof"] == 0 and options["axis"]:
        return _part_entry("std")(args, options, at)
    return entry(_std(args, options), at)


def _norm_entry(args: Args, options: Options, at: At) -> Expr:
    """The 2-norm is a part, with a rule of its own; the others are what they stand for."""
    if options["ord"] == 2:
        return _part_entry("norm")(args, options, at)
    return entry(_norm(args, options), at)


def _norm(args: Args, options: Options) -> Tree:
    """The p-norm of all entries along the axes; p = 2 of a matrix is the Frobenius norm."""
    arg, p = args[0], options["ord"]
    axes = {"axis": options["axis"], "keepdims": options["keepdims"]}
    if p == oo:
        return apply("max", apply("abs", arg), **axes)
    if p == 1:
        return apply("sum", apply("abs", arg), **axes)
    powers = apply("power", apply("abs", arg), number(p))
    return apply("power", apply("sum", powers, **axes), number(1 / p))


def _cumsum_entry(args: Args, options: Options, at: At) -> Expr:
    (axis,) = options["axis"]
    k = fresh(args[0].shape[axis])
    inside = [k if place == axis else i for place, i in enumerate(at)]
    return sigma(product(entry(args[0], inside), Piecewise((1, k <= at[axis]), (0, true))), [k])


# Calls ----------------------------------------------------------------------------------------


def _reduce(op: str, x: Any, axis: Any, keepdims: Any, **more: Any) -> Tree:
    arg = as_tree(x)
    axes = axes_of(axis, arg.ndim)
    return apply(op, arg, axis=axes, keepdims=kept(keepdims), **more)


def _call(op: str) -> Callable[..., Tree]:
    def call(x: Any, axis: Any = None, keepdims: Any = False) -> Tree:
        return _reduce(op, x, axis, keepdims)

    return call


def _call_var(x: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Tree:
    return _reduce("var", x, axis, keepdims, ddof=whole_number(ddof, "ddof"))


def _call_std(x: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Tree:
    return _reduce("std", x, axis, keepdims, ddof=whole_number(ddof, "ddof"))


def _call_extreme(op: str) -> Callable[..., Tree]:
    """The reduction of one array; the greatest or least of several, entry by entry."""

    def call(x: Any, *more: Any, axis: Any = None, keepdims: Any = False) -> Tree:
        if not more:
            return _reduce(op, x, axis, keepdims)
        if axis is not None or keepdims is not False:
            raise ShapeError(f"{op} of several arrays has no axis: it is taken entry by entry")
        return apply(f"{op}imum", *(as_tree(part) for part in (x, *more)))

    return call


def _call_logsumexp(x: Any, *more: Any, axis: Any = None, keepdims: Any = False) -> Tree:
    if more:
        return reduce(partial(apply, "logaddexp"), map(as_tree, (x, *more)))
    return _reduce("logsumexp", x, axis, keepdims)


def _call_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Tree:
    arg = as_tree(x)
    axes, keep = axes_of(axis, arg.ndim), kept(keepdims)
    if len(axes) == 2 and (found := SPECTRAL.get(ord if isinstance(ord, str) else _size_of(ord))):
        made = apply(found, arg)
        return apply("broadcast_to", made, shape=(ONE, ONE)) if keep else made
    if isinstance(ord, Tree) and not isinstance(ord, Number) and not ord.ndim and len(axes) == 1:
        powers = total(apply("power", apply("abs", arg), ord), axes, keepdims=keep)
        return apply("power", powers, apply("divide", number(1), ord))
    power = _order(ord, arg)
    if len(axes) == 2 and ord not in (None, "fro"):
        if power not in (ONE, oo):
            raise ShapeError("norms of a matrix are 'fro', 'nuc', 1, 2 and inf")
        summed, other = axes if power == ONE else axes[::-1]
        sums = total(apply("abs", arg), [summed], keepdims=True)
        largest = apply("max", sums, axis=(other,), keepdims=True)
        return largest if keep else apply("max", sums, axis=axes, keepdims=False)
    return apply("norm", arg, ord=power, axis=axes, keepdims=keep)


SPECTRAL: Mapping[Any, str] = {"nuc": "nuclear_norm", Integer(2): "spectral_norm"}
"""Norms of a matrix that are made of its singular values."""


def _size_of(value: Any) -> Any:
    return value.value if isinstance(value, Number) else value


def _order(value: Any, arg: Tree) -> Expr:
    if value is None or value == "fro":
        return Integer(2)
    if value == "inf":
        return oo
    if isinstance(value, Number) and (value.value == oo or value.value.is_positive):
        return value.value
    raise ShapeError(f"the norm of an array of shape {shown(arg.shape)} has ord 1, 2, inf or p > 0")


def _call_cumsum(x: Any, axis: Any = None) -> Tree:
    arg, place = along_one(x, axis)
    return apply("cumsum", arg, axis=(place,))


def _call_cumprod(x: Any, axis: Any = None) -> Tree:
    """The products of the entries up to each one: rows of ones behind them, multiplied."""
    arg, place = along_one(x, axis)
    size, behind = arg.shape[place], (("new",),) * (arg.ndim - 1 - place)
    before = apply("tril", filled(number(1), (size, size)), k=0)
    before = apply("index", before, key=(all_of(size), all_of(size), *behind))
    whole = [all_of(n) for n in arg.shape]
    spread = apply("index", arg, key=(*whole[:place], ("new",), *whole[place:]))
    factors = apply("where", apply("Gt", before, number(0)), spread, number(1))
    return apply("prod", factors, axis=(place + 1,), keepdims=False)


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("sum", "sum along axes", reduced_shape, _sum_entry, call=_call("sum"),
       example="sum(X, axis=0)"),
    Op("mean", "mean along axes", reduced_shape, expand=_mean, call=_call("mean"),
       example="mean(X, axis=1)", aliases=("average",)),
    Op("prod", "product along axes", reduced_shape, _part_entry("prod"), call=_call("prod"),
       example="prod(X, axis=0)", explicit=explicit.multiplied),
    Op("max", "greatest entry along axes, or greatest of several", reduced_shape,
       _extreme_entry("max"), call=_call_extreme("max"), example="max(X, axis=1, keepdims=True)",
       explicit=explicit.greatest),
    Op("min", "least entry along axes, or least of several", reduced_shape, _extreme_entry("min"),
       call=_call_extreme("min"), example="min(X, axis=0)", explicit=explicit.least),
    Op("amax", "greatest entry along axes", call=_call("max"), example="amax(X, 0)"),
    Op("amin", "least entry along axes", call=_call("min"), example="amin(X, 0)"),
    Op("var", "variance along axes", reduced_shape, expand=_var, call=_call_var,
       example="var(X, axis=0)"),
    Op("std", "standard deviation along axes", reduced_shape, _std_entry, _std, _call_std,
       explicit=explicit.std, example="std(X, axis=0)"),
    Op("logsumexp", "logarithm of the sum of exponentials along axes", reduced_shape,
       _part_entry("logsumexp"), call=_call_logsumexp, explicit=explicit.logsumexp,
       example="logsumexp(X, axis=1)"),
    Op("norm", "norm: 2 (Frobenius of a matrix), 1, inf or p", reduced_shape, _norm_entry,
       call=_call_norm, explicit=explicit.norm, example="norm(X, axis=1)"),
    Op("cumsum", "running sum along an axis", same_shape, _cumsum_entry, call=_call_cumsum,
       example="cumsum(X, axis=1)"),
    Op("cumprod", "running product along an axis", call=_call_cumprod,
       example="cumprod(X, axis=1)"),
)
# fmt: on
