"""Rows of what moves entries: transposes, slices, reshaping, joining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Integer, S, expand

from symderive.formulas.arrays.index import delta, fresh, sigma
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
    axis_of,
    broadcast,
    entry,
    number,
    shape_of,
    shown,
    size_of,
    spread,
    transpose,
    whole_number,
)
from symderive.formulas.arrays.placing import all_of, indexed_shape, place_at
from symderive.formulas.arrays.syntax import Number, Shape, Tree
from symderive.formulas.written import product, sum_of

# Transposes -----------------------------------------------------------------------------------


def _transpose_shape(args: Args, options: Options) -> Shape:
    return tuple(args[0].shape[axis] for axis in options["axes"])


def _transpose_entry(args: Args, options: Options, at: At) -> Expr:
    places = dict(zip(options["axes"], at, strict=True))
    return entry(args[0], [places[axis] for axis in range(args[0].ndim)])


def _call_transpose(x: Any, *axes: Any) -> Tree:
    arg = as_tree(x)
    stated = axes[0] if len(axes) == 1 and not isinstance(axes[0], Tree) else axes
    if not stated:
        return transpose(arg)
    order = axes_of(stated, arg.ndim)
    if len(order) != arg.ndim:
        raise ShapeError(f"transpose names {len(order)} axes of {arg.ndim}")
    return transpose(arg, order)


def _call_swapaxes(x: Any, first: Any, second: Any) -> Tree:
    arg = as_tree(x)
    a, b = axis_of(first, arg.ndim), axis_of(second, arg.ndim)
    order = list(range(arg.ndim))
    order[a], order[b] = b, a
    return transpose(arg, order)


# Indices and slices ---------------------------------------------------------------------------


def _index_shape(args: Args, options: Options) -> Shape:
    return indexed_shape(args[0].shape, options["key"])


def _index_entry(args: Args, options: Options, at: At) -> Expr:
    """key: ("int", k) | ("slice", start, size, step) | ("new",), one after the other."""
    mine = list(at)
    inside: list[Expr] = []
    for kind, *rest in options["key"]:
        if kind == "int":
            inside.append(rest[0])
            continue
        place = mine.pop(0)
        if kind == "slice":
            start, _, step = rest
            inside.append(start + step * place)
    return entry(args[0], [*inside, *mine])


def _along(arg: Tree, axis: int, key: tuple[Any, ...]) -> Tree:
    keys = (*(all_of(size) for size in arg.shape[:axis]), key)
    return apply("index", arg, key=keys)


def _call_squeeze(x: Any, axis: Any = None) -> Tree:
    arg = as_tree(x)
    axes = [k for k, size in enumerate(arg.shape) if size == 1]
    if axis is not None:
        axes = sorted(axes_of(axis, arg.ndim))
    if any(arg.shape[k] != 1 for k in axes):
        raise ShapeError(f"only axes of size 1 are squeezed; the shape is {shown(arg.shape)}")
    key = (("int", S.Zero) if k in axes else all_of(size) for k, size in enumerate(arg.shape))
    return apply("index", arg, key=tuple(key))


def _call_expand_dims(x: Any, axis: Any) -> Tree:
    arg = as_tree(x)
    count = len(axis) if isinstance(axis, tuple) else 1
    axes = axes_of(axis, arg.ndim + count)
    sizes = iter(arg.shape)
    places = range(arg.ndim + count)
    key = (("new",) if k in axes else all_of(next(sizes)) for k in places)
    return apply("index", arg, key=tuple(key))


def _call_flip(x: Any, axis: Any = None) -> Tree:
    arg = as_tree(x)
    axes = axes_of(axis, arg.ndim)
    key = (
        ("slice", size - 1, size, Integer(-1)) if k in axes else all_of(size)
        for k, size in enumerate(arg.shape)
    )
    return apply("index", arg, key=tuple(key))


def _call_roll(x: Any, shift: Any, axis: Any = None) -> Tree:
    arg = as_tree(x)
    if axis is None and arg.ndim != 1:
        raise ShapeError("roll needs its axis, as in roll(X, 1, axis=0)")
    place = 0 if axis is None else axis_of(axis, arg.ndim)
    size, by = arg.shape[place], whole_number(shift, "shift")
    if size.is_number:
        by = by % int(size) if size else 0
    if not by:
        return arg
    cut = expand(size - by) if by > 0 else Integer(-by)
    tail = _along(arg, place, ("slice", cut, expand(size - cut), ONE))
    head = _along(arg, place, ("slice", S.Zero, cut, ONE))
    return apply("concatenate", tail, head, axis=(place,))


def _call_pad(x: Any, pad_width: Any) -> Tree:
    """Zeros around an array: (before, after) along every axis, or a pair for each."""
    arg = as_tree(x)
    if not arg.ndim:
        raise ShapeError("a number has no axis to pad")
    if not isinstance(pad_width, tuple):
        pad_width = (pad_width, pad_width)
    if not any(isinstance(part, tuple) for part in pad_width):
        pad_width = (pad_width,) * arg.ndim
    if len(pad_width) != arg.ndim or any(len(pair) != 2 for pair in pad_width):
        raise ShapeError("pad takes (before, after), or such a pair for each axis")
    key, shape = [], []
    for size, (before, after) in zip(arg.shape, pad_width, strict=True):
        first, last = size_of(before, "the width"), size_of(after, "the width")
        key.append(("slice", first, size, ONE))
        shape.append(expand(first + size + last))
    return place_at(arg, key, tuple(shape))


# Reshaping ------------------------------------------------------------------------------------


def flat(at: Sequence[Expr], shape: Shape) -> Expr:
    """The place of an entry in row-major order.

    >>> from sympy import symbols
    >>> i, j, m, n = symbols("i j m n")
    >>> flat((i, j), (m, n))
    i*n + j
    """
    place: Expr = S.Zero
    for index, size in zip(at, shape, strict=True):
        place = place * size + index
    return expand(place)


def _reshape_entry(args: Args, options: Options, at: At) -> Expr:
    old, new = args[0].shape, options["shape"]
    if [s for s in old if s != 1] == [s for s in new if s != 1]:  # only axes of size 1 differ
        rest = (i for i, size in zip(at, new, strict=True) if size != 1)
        return entry(args[0], [S.Zero if size == 1 else next(rest) for size in old])
    if len(old) == 1:
        return entry(args[0], [flat(at, new)])
    inside = [fresh(size) for size in old]
    place = delta(flat(inside, old), flat(at, new))
    return sigma(product(entry(args[0], inside), place), inside)


def count_of(shape: Shape) -> Expr:
    """The number of entries of an array."""
    return expand(product(*shape)) if shape else ONE


def along_one(x: Any, axis: Any) -> tuple[Tree, int]:
    """An array and its axis; all entries row by row, where none is named."""
    arg = as_tree(x)
    if axis is not None:
        return arg, axis_of(axis, arg.ndim)
    return arg if arg.ndim == 1 else apply("reshape", arg, shape=(count_of(arg.shape),)), 0


ORDERS = ("C", "F")


def _call_reshape(x: Any, *shape: Any, order: Any = "C") -> Tree:
    arg = as_tree(x)
    stated = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    open_ = [k for k, part in enumerate(stated) if isinstance(part, Number) and part.value == -1]
    sizes = list(shape_of(tuple(p for k, p in enumerate(stated) if k not in open_)))
    count = count_of(arg.shape)
    if len(open_) == 1:
        left = (count / count_of(tuple(sizes))).cancel()
        sizes.insert(open_[0], expand(left))
    new = tuple(sizes)
    whole = all(size.is_Integer or not size.is_number for size in new)
    if len(open_) > 1 or not whole or expand(count_of(new) - count) != 0:
        shapes = f"{shown(arg.shape)} into {_wanted(stated)}"
        raise ShapeError(f"reshape cannot make an array of shape {shapes}: {count} entries")
    if new == arg.shape:
        return arg
    turned = new[::-1] if order == "F" else new
    return _in_order(apply("reshape", _in_order(arg, order), shape=turned), order)


def _wanted(stated: Sequence[Any]) -> str:
    return shown(tuple(part.value if isinstance(part, Number) else part for part in stated))


def _call_ravel(x: Any, order: Any = "C") -> Tree:
    arg = as_tree(x)
    if arg.ndim == 1:
        return arg
    return apply("reshape", _in_order(arg, order), shape=(count_of(arg.shape),))


def _in_order(arg: Tree, order: Any) -> Tree:
    """The array whose entries row by row are those of the argument in NumPy's order C or F."""
    if order not in ORDERS:
        raise ShapeError('order must be "C", row by row, or "F", column by column')
    return arg if order == "C" else transpose(arg)


def _broadcast_entry(args: Args, options: Options, at: At) -> Expr:
    return spread(args[0], at)


def _call_broadcast_to(x: Any, shape: Any) -> Tree:
    arg, new = as_tree(x), shape_of(shape)
    if broadcast([arg.shape, new], "the array and the shape of broadcast_to") != new:
        raise ShapeError(f"broadcast_to cannot make {shown(arg.shape)} into {shown(new)}")
    return arg if new == arg.shape else apply("broadcast_to", arg, shape=new)


# Joining --------------------------------------------------------------------------------------


def _concatenate_shape(args: Args, options: Options) -> Shape:
    (axis,) = options["axis"]
    first = args[0].shape
    for arg in args:
        rest = (*arg.shape[:axis], *arg.shape[axis + 1 :])
        if arg.ndim != len(first) or rest != (*first[:axis], *first[axis + 1 :]):
            shapes = " and ".join(dict.fromkeys(shown(a.shape) for a in args))
            message = f"the operands of concatenate do not fit together along axis {axis}"
            raise ShapeError(f"{message}: their shapes are {shapes}")
    joined = expand(Add(*(arg.shape[axis] for arg in args)))  # worked out: 2 + 2 is 4
    return (*first[:axis], joined, *first[axis + 1 :])


def _concatenate_entry(args: Args, options: Options, at: At) -> Expr:
    (axis,) = options["axis"]
    parts = []
    start: Expr = S.Zero
    for arg in args:
        size = arg.shape[axis]
        place = S.Zero if size == 1 else fresh(size)
        inside = [*at[:axis], place, *at[axis + 1 :]]
        part = product(entry(arg, inside), delta(at[axis], start + place))
        parts.append(part if size == 1 else sigma(part, [place]))
        start = expand(start + size)
    return sum_of(*parts)


def _stack_shape(args: Args, options: Options) -> Shape:
    (axis,) = options["axis"]
    shapes = dict.fromkeys(arg.shape for arg in args)
    if len(shapes) > 1:
        message = "the operands of stack do not fit together: their shapes are "
        raise ShapeError(message + " and ".join(map(shown, shapes)))
    shape = args[0].shape
    return (*shape[:axis], Integer(len(args)), *shape[axis:])


def _stack_entry(args: Args, options: Options, at: At) -> Expr:
    (axis,) = options["axis"]
    rest = (*at[:axis], *at[axis + 1 :])
    places = enumerate(args)
    return sum_of(*(product(entry(arg, rest), delta(at[axis], Integer(k))) for k, arg in places))


def _several(arrays: Any, what: str) -> list[Tree]:
    if isinstance(arrays, Tree):
        raise ShapeError(f"{what} takes a list of arrays, as in {what}([x, y])")
    return [as_tree(array) for array in arrays or ((),)]


def _call_concatenate(arrays: Any, axis: Any = None) -> Tree:
    args = _several(arrays, "concatenate")
    if not args[0].ndim:
        raise ShapeError("concatenate joins arrays; write [a, b] for an array of numbers")
    place = 0 if axis is None else axis_of(axis, args[0].ndim)
    return apply("concatenate", *args, axis=(place,))


def _call_stack(arrays: Any, axis: Any = None) -> Tree:
    args = _several(arrays, "stack")
    place = 0 if axis is None else axis_of(axis, args[0].ndim + 1)
    return apply("stack", *args, axis=(place,))


def _call_vstack(arrays: Any) -> Tree:
    args = _several(arrays, "vstack")
    rows = [a if a.ndim > 1 else apply("index", a, key=(("new",),)) for a in args]
    return apply("concatenate", *rows, axis=(0,))


def _call_hstack(arrays: Any) -> Tree:
    args = _several(arrays, "hstack")
    whole = [a if a.ndim else apply("index", a, key=(("new",),)) for a in args]
    return apply("concatenate", *whole, axis=(min(whole[0].ndim - 1, 1),))


def _call_len(x: Any) -> Tree:
    arg = as_tree(x)
    if not arg.ndim:
        raise ShapeError("a number has no length")
    return number(arg.shape[0])


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("transpose", "axes in another order", _transpose_shape, _transpose_entry,
       call=_call_transpose, example="transpose(X)", aliases=("permute_dims",)),
    Op("swapaxes", "two axes exchanged", call=_call_swapaxes, example="swapaxes(X, 0, 1)"),
    Op("index", "entries and slices", _index_shape, _index_entry, example="X[1:, -1]"),
    Op("squeeze", "axes of size 1 left out", call=_call_squeeze,
       example="squeeze(X[:, :1], axis=1)"),
    Op("expand_dims", "an axis of size 1 put in", call=_call_expand_dims,
       example="expand_dims(X, 1)"),
    Op("flip", "entries in reverse order", call=_call_flip, example="flip(X, axis=1)"),
    Op("roll", "entries moved around in a circle", call=_call_roll, example="roll(x, 1)"),
    Op("pad", "zeros put around", call=_call_pad, example="pad(X, ((1, 0), (0, 2)))"),
    Op("reshape", "the entries, row by row, in another shape", lambda a, o: o["shape"],
       _reshape_entry, call=_call_reshape, example="reshape(X, (n, m))"),
    Op("ravel", "all entries, row by row", call=_call_ravel, example="ravel(X)",
       aliases=("flatten",)),
    Op("broadcast_to", "repeated along new axes and axes of size 1", lambda a, o: o["shape"],
       _broadcast_entry, call=_call_broadcast_to, example="broadcast_to(y, (m, n))"),
    Op("concatenate", "joined along an axis", _concatenate_shape, _concatenate_entry,
       call=_call_concatenate, example="concatenate([X, Y], axis=1)", aliases=("concat",)),
    Op("stack", "joined along a new axis", _stack_shape, _stack_entry, call=_call_stack,
       example="stack([x, y], axis=1)"),
    Op("len", "size of the first axis", call=_call_len, example="X*len(X)"),
    Op("vstack", "joined one below the other", call=_call_vstack, example="vstack([X, y])"),
    Op("hstack", "joined side by side", call=_call_hstack, example="hstack([X, Y])"),
)
# fmt: on
