"""Rows of products: matrices, Einstein sums, Kronecker, convolution."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

from sympy import Expr, S, expand

from symderive.formulas.arrays.index import delta, fresh, sigma
from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    axis_of,
    broadcast,
    entry,
    multiply,
    number,
    shown,
    total,
    whole_number,
)
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.formulas.written import product

MAX_POWER = 64


def _misfit(what: str, left: Shape, right: Shape, more: str = "") -> ShapeError:
    message = f"{what} do not fit together: their shapes are {shown(left)} and {shown(right)}"
    return ShapeError(message + more)


# Matrix product -------------------------------------------------------------------------------


def _matmul_shape(args: Args, _: Options) -> Shape:
    left, right = (arg.shape for arg in args)
    if not left or not right:
        raise ShapeError("@ multiplies arrays; write * to multiply by a number, or state its shape")
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        more = f"; {left[-1]} columns meet {inner} rows"
        raise _misfit("the operands of @", left, right, more)
    batch = broadcast([left[:-2], right[:-2]], "the operands of @")
    return (*batch, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _matmul_entry(args: Args, _: Options, at: At) -> Expr:
    left, right = args
    k = fresh(left.shape[-1])
    row = at[-2 if right.ndim > 1 else -1 :][:1] if left.ndim > 1 else ()
    column = at[-1:] if right.ndim > 1 else ()
    batch = at[: len(at) - len(row) - len(column)]

    def lead(arg: Tree) -> list[Expr]:
        count = max(arg.ndim - 2, 0)
        mine = batch[len(batch) - count :] if count else ()
        return [S.Zero if size == 1 else i for size, i in zip(arg.shape, mine, strict=False)]

    rows = (k, *column) if right.ndim > 1 else (k,)
    return sigma(
        product(entry(left, (*lead(left), *row, k)), entry(right, (*lead(right), *rows))), [k]
    )


def _call_matmul(x: Any, y: Any) -> Tree:
    return apply("matmul", as_tree(x), as_tree(y))


def _call_dot(x: Any, y: Any) -> Tree:
    left, right = as_tree(x), as_tree(y)
    if not left.ndim or not right.ndim:
        return multiply(left, right)
    if right.ndim > 2:
        raise ShapeError("dot takes a vector or a matrix on the right; write @ or einsum")
    return apply("matmul", left, right)


def _call_vdot(x: Any, y: Any) -> Tree:
    left, right = as_tree(x), as_tree(y)
    if left.shape != right.shape:
        raise _misfit("the operands of vdot", left.shape, right.shape)
    return total(multiply(left, right))


def _call_inner(x: Any, y: Any) -> Tree:
    left, right = as_tree(x), as_tree(y)
    if not left.ndim or not right.ndim:
        return multiply(left, right)
    if left.shape[-1] != right.shape[-1]:
        raise _misfit("the operands of inner", left.shape, right.shape)
    if left.ndim == right.ndim == 1:
        return apply("matmul", left, right)
    return _call_tensordot(left, right, (number(-1), number(-1)))


def _outer_shape(args: Args, _: Options) -> Shape:
    for arg in args:
        if arg.ndim != 1:
            raise ShapeError(f"outer takes two vectors; one has the shape {shown(arg.shape)}")
    return (args[0].shape[0], args[1].shape[0])


def _outer_entry(args: Args, _: Options, at: At) -> Expr:
    return product(*(entry(arg, [i]) for arg, i in zip(args, at, strict=True)))


def _call_outer(x: Any, y: Any) -> Tree:
    return apply("outer", as_tree(x), as_tree(y))


def _power(args: Args, options: Options) -> Tree:
    k = options["k"]
    if k < 0:
        return apply("matrix_power", apply("inv", args[0]), k=-k)
    if k == 0:
        return apply("eye", size=args[0].shape[0])
    result = args[0]
    for _ in range(k - 1):
        result = apply("matmul", result, args[0])
    return result


def _square_shape(args: Args, _: Options) -> Shape:
    shape = args[0].shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"a square matrix is expected; this one has the shape {shown(shape)}")
    return shape


def _call_power(x: Any, k: Any) -> Tree:
    times = whole_number(k, "the power")
    if abs(times) > MAX_POWER:
        raise ShapeError(f"the power is {times}; the limit is {MAX_POWER}")
    return apply("matrix_power", as_tree(x), k=times)


# Einstein sums --------------------------------------------------------------------------------


def _einsum_shape(args: Args, options: Options) -> Shape:
    inputs, output = options["spec"].split("->")
    sizes: dict[str, Expr] = {}
    for letters, arg in zip(inputs.split(","), args, strict=True):
        for letter, size in zip(letters, arg.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                shapes = " and ".join(shown(a.shape) for a in args)
                message = f"einsum: the index {letter} has size {sizes[letter]} and size {size}"
                raise ShapeError(f"{message}; the shapes are {shapes}")
    return tuple(sizes[letter] for letter in output)


def _einsum_entry(args: Args, options: Options, at: At) -> Expr:
    inputs, output = options["spec"].split("->")
    values: dict[str, Expr] = dict(zip(output, at, strict=True))
    summed = []
    for letters, arg in zip(inputs.split(","), args, strict=True):
        for letter, size in zip(letters, arg.shape, strict=True):
            if letter not in values:
                index = values[letter] = fresh(size)
                summed.append(index)
    parts = (
        entry(arg, [values[letter] for letter in letters])
        for letters, arg in zip(inputs.split(","), args, strict=True)
    )
    return sigma(product(*parts), summed)


def _call_einsum(spec: Any, *operands: Any) -> Tree:
    if not isinstance(spec, str):
        raise ShapeError('einsum is called as einsum("ij,jk->ik", X, Y)')
    args = tuple(as_tree(operand) for operand in operands)
    text = "".join(spec.split())
    inputs, arrow, output = text.partition("->")
    parts = inputs.split(",")
    if not arrow:
        once = [letter for letter in sorted(set(inputs) - {","}) if inputs.count(letter) == 1]
        output = "".join(once)
    if strange := set(text) - set(ascii_letters) - set(",->"):
        raise ShapeError(f"einsum: indices are letters, not {sorted(strange)[0]!r}")
    if len(parts) != len(args):
        raise ShapeError(f"einsum: {text!r} has {len(parts)} operands; given: {len(args)}")
    for letters, arg in zip(parts, args, strict=True):
        if len(letters) != arg.ndim:
            message = f"einsum: {letters!r} does not index an operand of shape {shown(arg.shape)}"
            raise ShapeError(message)
    if len(set(output)) < len(output) or set(output) - set(inputs):
        raise ShapeError(f"einsum: the result {output!r} must use indices of the operands, once")
    return apply("einsum", *args, spec=f"{','.join(parts)}->{output}")


def _call_tensordot(x: Any, y: Any, axes: Any = 2) -> Tree:
    left, right = as_tree(x), as_tree(y)
    if isinstance(axes, tuple) and len(axes) == 2:
        pairs = [part if isinstance(part, tuple) else (part,) for part in axes]
        mine = [axis_of(part, left.ndim) for part in pairs[0]]
        theirs = [axis_of(part, right.ndim) for part in pairs[1]]
    else:
        count = axes if isinstance(axes, int) else whole_number(axes, "axes")
        mine = list(range(left.ndim - count, left.ndim))
        theirs = list(range(count))
    fits = len(mine) == len(theirs) and min([*mine, 0]) >= 0 and max([*theirs, -1]) < right.ndim
    if not fits or any(left.shape[a] != right.shape[b] for a, b in zip(mine, theirs, strict=True)):
        raise _misfit("the operands of tensordot", left.shape, right.shape)
    letters = ascii_letters[: left.ndim + right.ndim]
    first, second = letters[: left.ndim], list(letters[left.ndim :])
    for a, b in zip(mine, theirs, strict=True):
        second[b] = first[a]
    output = "".join(c for k, c in enumerate(first) if k not in mine)
    output += "".join(c for k, c in enumerate(second) if k not in theirs)
    return apply("einsum", left, right, spec=f"{first},{''.join(second)}->{output}")


# Kronecker and convolution --------------------------------------------------------------------


def _kron_shape(args: Args, _: Options) -> Shape:
    left, right = (arg.shape for arg in args)
    if len(left) != len(right) or not 1 <= len(left) <= 2:
        raise _misfit("the operands of kron", left, right, "; both are vectors or both matrices")
    return tuple(expand(a * b) for a, b in zip(left, right, strict=True))


def _kron_entry(args: Args, _: Options, at: At) -> Expr:
    left, right = args
    mine = [fresh(size) for size in left.shape]
    theirs = [fresh(size) for size in right.shape]
    places = zip(at, mine, theirs, right.shape, strict=True)
    deltas = (delta(place, i * size + j) for place, i, j, size in places)
    return sigma(product(entry(left, mine), entry(right, theirs), *deltas), [*mine, *theirs])


def _call_kron(x: Any, y: Any) -> Tree:
    return apply("kron", as_tree(x), as_tree(y))


def _slid_shape(args: Args, options: Options) -> Shape:
    left, right = (arg.shape for arg in args)
    if len(left) != 1 or len(right) != 1:
        raise _misfit("the operands", left, right, "; two vectors are expected")
    if options["mode"] == "full":
        return (expand(left[0] + right[0] - 1),)
    size = expand(left[0] - right[0] + 1)
    if size.is_number and size < 1:
        more = "; the second is longer than the first"
        raise _misfit("the operands", left, right, more)
    return (size,)


def _convolve_entry(args: Args, options: Options, at: At) -> Expr:
    signal, kernel = args
    k, last = fresh(kernel.shape[0]), kernel.shape[0] - 1
    if options["mode"] == "valid":
        return sigma(product(entry(signal, [at[0] + last - k]), entry(kernel, [k])), [k])
    p = fresh(signal.shape[0])
    parts = (entry(signal, [p]), entry(kernel, [k]), delta(at[0], p + k))
    return sigma(product(*parts), [p, k])


def _correlate_entry(args: Args, options: Options, at: At) -> Expr:
    signal, kernel = args
    k, last = fresh(kernel.shape[0]), kernel.shape[0] - 1
    if options["mode"] == "valid":
        return sigma(product(entry(signal, [at[0] + k]), entry(kernel, [k])), [k])
    p = fresh(signal.shape[0])
    parts = (entry(signal, [p]), entry(kernel, [k]), delta(at[0], p - k + last))
    return sigma(product(*parts), [p, k])


def _mode(mode: Any) -> str:
    if mode not in ("full", "valid"):
        raise ShapeError('mode must be "full" or "valid"')
    return str(mode)


def _call_convolve(x: Any, kernel: Any, mode: Any = "full") -> Tree:
    return apply("convolve", as_tree(x), as_tree(kernel), mode=_mode(mode))


def _call_correlate(x: Any, kernel: Any, mode: Any = "valid") -> Tree:
    return apply("correlate", as_tree(x), as_tree(kernel), mode=_mode(mode))


# Sums of products -----------------------------------------------------------------------------


def _trace(args: Args, _: Options) -> Tree:
    return total(apply("diagonal", args[0]))


def _trace_shape(args: Args, options: Options) -> Shape:
    return _square_shape(args, options)[:0]


def _call_trace(x: Any) -> Tree:
    return apply("trace", as_tree(x))


def _cosine_shape(args: Args, _: Options) -> Shape:
    left, right = (arg.shape for arg in args)
    if len(left) != 1 or left != right:
        raise _misfit(
            "the operands of cosine_similarity",
            left,
            right,
            "; two vectors of one size are expected",
        )
    return ()


def _cosine(args: Args, _: Options) -> Tree:
    sizes = (apply("norm", arg, ord=number(2).value, axis=(0,), keepdims=False) for arg in args)
    return apply("divide", apply("matmul", *args), multiply(*sizes))


def _call_cosine(x: Any, y: Any) -> Tree:
    return apply("cosine_similarity", as_tree(x), as_tree(y))


# fmt: off
ROWS: tuple[Op, ...] = (
    Op("matmul", "matrix product", _matmul_shape, _matmul_entry, call=_call_matmul,
       example="X @ A"),
    Op("dot", "product of vectors or matrices", call=_call_dot, example="dot(x, y)"),
    Op("vdot", "sum of the products of all entries", call=_call_vdot, example="vdot(X, Y)"),
    Op("inner", "sums of products along the last axes", call=_call_inner, example="inner(X, Y)"),
    Op("outer", "outer product of two vectors", _outer_shape, _outer_entry, call=_call_outer,
       example="outer(x, p)"),
    Op("einsum", "Einstein sum", _einsum_shape, _einsum_entry, call=_call_einsum,
       example='einsum("ij,jk,ik->i", X, A, Y)'),
    Op("tensordot", "sums of products along pairs of axes", call=_call_tensordot,
       example="tensordot(X, Y, axes=([0], [0]))"),
    Op("kron", "Kronecker product", _kron_shape, _kron_entry, call=_call_kron,
       example="kron(X, A)"),
    Op("convolve", "convolution in one dimension", _slid_shape, _convolve_entry,
       call=_call_convolve, example="convolve(concatenate([x, p]), p, mode='valid')"),
    Op("correlate", "correlation in one dimension", _slid_shape, _correlate_entry,
       call=_call_correlate, example="correlate(concatenate([x, p]), p)"),
    Op("trace", "trace", _trace_shape, expand=_trace, call=_call_trace, example="trace(A @ B)",
       aliases=("tr",)),
    Op("matrix_power", "power of a matrix", _square_shape, expand=_power, call=_call_power,
       example="matrix_power(A, 3)"),
    Op("cosine_similarity", "cosine of the angle between vectors", _cosine_shape, expand=_cosine,
       call=_call_cosine, example="cosine_similarity(x, y)"),
)
# fmt: on
