"""Rows of layers of networks: softmax and normalisations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Rational, Tuple

from symderive.formulas.arrays import explicit
from symderive.formulas.arrays.index import ArrayOf, Index, fresh, part
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    add,
    apply,
    as_tree,
    axes_of,
    axis_of,
    entry,
    multiply,
    number,
    same_shape,
    subtract,
)
from symderive.formulas.arrays.syntax import Shape, Tree


def _along(op: str) -> Callable[[Args, Options, At], Expr]:
    """An entry of what is made along axes: there the array is one operand, elsewhere it is fixed.

    Further operands are numbers.
    """

    def made(args: Args, options: Options, at: At) -> Expr:
        arg, axis = args[0], options["axis"]
        own = {place: fresh(arg.shape[place]) for place in axis}
        inside = [own.get(place, index) for place, index in enumerate(at)]
        operand = ArrayOf(entry(arg, inside), Tuple(*own.values()))
        numbers = [ArrayOf(entry(number, ()), Tuple()) for number in args[1:]]
        return part(op, [operand, *numbers], [at[place] for place in axis])

    return made


def _scale(op: str) -> Callable[[Args, Options, At], Expr]:
    """The number that a normalisation divides by, for each place along the other axes."""

    def made(args: Args, options: Options, at: At) -> Expr:
        rest = iter(at)
        sizes = enumerate(args[0].shape)
        whole = [Index("_", size) if a in options["axis"] else next(rest) for a, size in sizes]
        found: Any = _along(op)(args, options, tuple(whole))
        return part(op, found.arrays)

    return made


def _scale_shape(args: Args, options: Options) -> Shape:
    return tuple(size for axis, size in enumerate(args[0].shape) if axis not in options["axis"])


def _log_softmax(args: Args, options: Options) -> Tree:
    rest = apply("logsumexp", args[0], axis=options["axis"], keepdims=True)
    return subtract(args[0], rest)


def _normalised(args: Args, options: Options) -> Tree:
    """(x − mean)/√(variance + ε) along the axes."""
    x, eps = args
    axis = options["axis"]
    mean = apply("mean", x, axis=axis, keepdims=True)
    var = apply("var", x, axis=axis, keepdims=True, ddof=0)
    return apply("divide", subtract(x, mean), apply("sqrt", add(var, eps)))


def _rms_norm(args: Args, options: Options) -> Tree:
    """x/√(mean of squares + ε) along the axes."""
    x, eps = args
    squares = apply("mean", apply("power", x, number(2)), axis=options["axis"], keepdims=True)
    return apply("divide", x, apply("sqrt", add(squares, eps)))


def _deviation(args: Args, options: Options) -> Tree:
    var = apply("var", args[0], axis=options["axis"], keepdims=False, ddof=0)
    return apply("sqrt", add(var, args[1]))


def _rms(args: Args, options: Options) -> Tree:
    square = apply("power", args[0], number(2))
    squares = apply("mean", square, axis=options["axis"], keepdims=False)
    return apply("sqrt", add(squares, args[1]))


# Calls ----------------------------------------------------------------------------------------


def _call_along(op: str) -> Callable[..., Tree]:
    """The call of an operation along all axes, or the ones that are named."""

    def call(x: Any, axis: Any = None) -> Tree:
        arg = as_tree(x)
        return apply(op, arg, axis=axes_of(axis, arg.ndim))

    return call


def _call_softmax(op: str) -> Callable[..., Tree]:
    def call(x: Any, axis: Any = -1) -> Tree:
        arg = as_tree(x)
        if isinstance(axis, tuple):
            return apply(op, arg, axis=axes_of(axis, arg.ndim))
        place = axis_of(axis, arg.ndim)
        return apply(op, arg, axis=(place,))

    return call


def _layer(op: str, axes: Callable[[int], range], x: Any, gain: Any, bias: Any, eps: Any) -> Tree:
    arg = as_tree(x)
    if not arg.ndim or not axes(arg.ndim):
        raise ShapeError(f"{op} has no axis to work along: the operand has {arg.ndim} axes")
    result: Tree = apply(op, arg, _small(eps), axis=tuple(axes(arg.ndim)))
    if gain is not None:
        result = multiply(result, as_tree(gain))
    return result if bias is None else add(result, as_tree(bias))


def _last(ndim: int) -> range:
    return range(ndim - 1, ndim)


def _leading(ndim: int) -> range:
    return range(ndim - 1)


_EPS = Rational(1, 100_000)


def _small(eps: Any) -> Tree:
    small = number(eps) if isinstance(eps, Rational) else as_tree(eps, "eps")
    if small.ndim:
        raise ShapeError("eps must be a number")
    return small


def _call_scale(op: str) -> Callable[..., Tree]:
    def call(x: Any, eps: Any = _EPS, axis: Any = -1) -> Tree:
        arg = as_tree(x)
        place = axis_of(axis, arg.ndim)
        return apply(op, arg, _small(eps), axis=(place,))

    return call


def _call_layer_norm(x: Any, gain: Any = None, bias: Any = None, eps: Any = _EPS) -> Tree:
    return _layer("layer_norm", _last, x, gain, bias, eps)


def _call_rms_norm(x: Any, gain: Any = None, eps: Any = _EPS) -> Tree:
    return _layer("rms_norm", _last, x, gain, None, eps)


def _call_batch_norm(x: Any, gain: Any = None, bias: Any = None, eps: Any = _EPS) -> Tree:
    return _layer("batch_norm", _leading, x, gain, bias, eps)


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("softmax", "exponentials over their sum along an axis", same_shape, _along("softmax"),
       call=_call_softmax("softmax"), explicit=explicit.softmax, example="softmax(X, axis=1)"),
    Op("is_max", "1 at the greatest entry along axes, shared evenly by ties", same_shape,
       _along("is_max"), call=_call_along("is_max"), explicit=explicit.is_max,
       example="is_max(X, axis=1)"),
    Op("is_min", "1 at the least entry along axes, shared evenly by ties", same_shape,
       _along("is_min"), call=_call_along("is_min"), explicit=explicit.is_min,
       example="is_min(X, axis=0)"),
    Op("prod_others", "the product of all other entries along axes", same_shape,
       _along("prod_others"), call=_call_along("prod_others"), explicit=explicit.prod_others,
       example="prod_others(X, axis=1)"),
    Op("log_softmax", "logarithm of softmax", same_shape, expand=_log_softmax,
       call=_call_softmax("log_softmax"), example="log_softmax(X, axis=0)"),
    Op("layer_norm", "centred and scaled along the last axis", same_shape, _along("layer_norm"),
       _normalised, explicit=explicit.layer_norm, call=_call_layer_norm,
       example="layer_norm(X, x, y)"),
    Op("deviation", "root of the variance and a small number", _scale_shape,
       _scale("deviation"), _deviation, explicit=explicit.deviation, call=_call_scale("deviation"),
       example="deviation(X)"),
    Op("rms", "root of the mean square and a small number", _scale_shape, _scale("rms"), _rms,
       explicit=explicit.rms, call=_call_scale("rms"), example="rms(X, axis=0)"),
    Op("rms_norm", "scaled by the root of the mean square along the last axis", same_shape,
       _along("rms_norm"), _rms_norm, explicit=explicit.rms_norm, call=_call_rms_norm,
       example="rms_norm(X, x)"),
    Op("batch_norm", "centred and scaled along all axes but the last", same_shape,
       _along("layer_norm"), _normalised, call=_call_batch_norm, example="batch_norm(X, x, y)"),
)
# fmt: on
