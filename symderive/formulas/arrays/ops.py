"""OPS: what formulas may do with arrays, a row each: shape, entry in index notation, definition.

A *primitive* says what one entry of its result is; any other row is defined by primitives
(``expand``), so that it needs no rule of its own. Named scalar functions apply entry by entry and
need no row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Piecewise, S, Tuple, true
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, Not, Or

from symderive.errors import ModelError
from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    as_size,
    delta,
    entry_of,
    fresh,
    part,
    sigma,
)
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import COMPARISONS
from symderive.formulas.written import minus, power, product, quotient, sum_of

ONE = Integer(1)
Options = Mapping[str, Any]
Args = tuple[Tree, ...]


class ShapeError(ModelError):
    """Shapes that do not fit the operation; the reader adds the place."""


@dataclass(frozen=True, slots=True)
class Op:
    """An operation on arrays.

    Attributes:
        name: As trees and formulas call it.
        shape: Shape of the result; raises ``ShapeError``.
        entry: One entry of the result, of a primitive.
        expand: What it is in other operations, of any other.
    """

    name: str
    shape: Callable[[Args, Options], Shape]
    entry: Callable[[Args, Options, tuple[Expr, ...]], Any] | None = None
    expand: Callable[[Args, Options], Tree] | None = None


def shown(shape: Shape) -> str:
    """A shape as messages print it.

    >>> shown((Integer(2), Integer(3)))
    '(2, 3)'
    """
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def broadcast(shapes: Sequence[Shape], what: str = "these operands") -> Shape:
    """NumPy's broadcasting.

    Raises:
        ShapeError: Two sizes differ and none is 1.
    """
    rank = max(map(len, shapes), default=0)
    result = []
    for axis in range(rank):
        sizes = {s[axis - rank] for s in shapes if len(s) >= rank - axis} - {ONE}
        if len(sizes) > 1:
            both = " and ".join(shown(s) for s in dict.fromkeys(shapes) if s)
            raise ShapeError(f"{what} do not fit together: their shapes are {both}")
        result.append(sizes.pop() if sizes else ONE)
    return tuple(result)


# Making trees ---------------------------------------------------------------------------------


def number(value: object) -> Number:
    """A number as a tree."""
    return Number((), as_size(value))


def apply(op: str, *args: Tree, **options: Any) -> Apply:
    """An operation on operands, its shape inferred.

    Raises:
        ShapeError: The shapes do not fit.

    >>> X, w = Leaf((Integer(4), Integer(2)), "X"), Leaf((Integer(2),), "w")
    >>> apply("matmul", X, w).shape
    (4,)
    """
    row = OPS.get(op)
    shape = (
        row.shape(args, options) if row else broadcast([a.shape for a in args], SIGNS.get(op, op))
    )
    return Apply(shape, op, args, tuple(sorted(options.items())))


def add(*args: Tree) -> Tree:
    """The sum."""
    return args[0] if len(args) == 1 else apply("add", *args)


def multiply(*args: Tree) -> Tree:
    """The product entry by entry."""
    return args[0] if len(args) == 1 else apply("multiply", *args)


def total(arg: Tree, axis: Sequence[int] | None = None, keepdims: bool = False) -> Tree:
    """The sum over axes; over all, if none is named."""
    axes = tuple(range(arg.ndim)) if axis is None else tuple(axis)
    return apply("sum", arg, axis=axes, keepdims=keepdims)


def transpose(arg: Tree, axes: Sequence[int] | None = None) -> Tree:
    """The axes reversed, or in another order."""
    order = tuple(reversed(range(arg.ndim))) if axes is None else tuple(axes)
    return apply("transpose", arg, axes=order)


# Entries --------------------------------------------------------------------------------------


def entry(tree: Tree, indices: Sequence[Expr]) -> Any:
    """The entry of an array at some indices, as a formula in index notation, as written.

    >>> n = Integer(3)
    >>> entry(apply("negative", Leaf((n,), "x")), [Index("i", n)])
    -x[i]
    """
    at = tuple(indices)
    if isinstance(tree, Leaf):
        return entry_of(tree.name, at)
    if isinstance(tree, Number):
        return tree.value
    assert isinstance(tree, Apply)
    row = OPS.get(tree.op)
    options = dict(tree.options)
    if row is None:
        function = FUNCTIONS[tree.op]
        return function.apply(*(spread(arg, at) for arg in tree.args))
    if row.entry is not None:
        return row.entry(tree.args, options, at)
    return entry(expanded(tree), at)


def expanded(tree: Apply) -> Tree:
    """What a defined operation stands for."""
    row = OPS[tree.op]
    assert row.expand is not None
    return row.expand(tree.args, dict(tree.options))


def spread(arg: Tree, at: tuple[Expr, ...]) -> Any:
    """The entry of a broadcast operand: missing axes in front, axes of size 1 at 0."""
    mine = at[len(at) - arg.ndim :]
    return entry(arg, [S.Zero if size == 1 else i for size, i in zip(arg.shape, mine, strict=True)])


def indices_of(shape: Shape) -> tuple[Index, ...]:
    """A fresh index for each axis."""
    return tuple(fresh(size) for size in shape)


def whole(tree: Tree, at: Sequence[Expr] = ()) -> ArrayOf:
    """The array as an operand of ``part``, ``at`` fixing its leading axes."""
    free = indices_of(tree.shape[len(at) :])
    return ArrayOf(entry(tree, (*at, *free)), Tuple(*free))


def _elementwise(name: str) -> Callable[[Args, Options], Shape]:
    return lambda args, _: broadcast([arg.shape for arg in args], SIGNS.get(name, name))


SIGNS = {
    "add": "the operands of +",
    "multiply": "the operands of *",
    "divide": "the operands of /",
    "power": "the operands of **",
    "where": "the operands of where",
}


def _compare(relation: Callable[[Expr, Expr], Relational]) -> Any:
    return lambda args, _, at: relation(*(spread(arg, at) for arg in args))


def _logical(join: Callable[..., Boolean]) -> Any:
    return lambda args, _, at: join(*(spread(arg, at) for arg in args))


def _where(args: Args, _: Options, at: tuple[Expr, ...]) -> Expr:
    condition, yes, no = (spread(arg, at) for arg in args)
    return Piecewise((yes, condition), (no, true))


# Products -------------------------------------------------------------------------------------


def _matmul_shape(args: Args, _: Options) -> Shape:
    left, right = (arg.shape for arg in args)
    if not left or not right:
        raise ShapeError("@ multiplies arrays; write * to multiply by a number")
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        message = f"the operands of @ do not fit together: their shapes are {shown(left)} and "
        raise ShapeError(f"{message}{shown(right)}; {left[-1]} columns meet {inner} rows")
    batch = broadcast([left[:-2], right[:-2]], "the operands of @")
    return (*batch, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))


def _matmul_entry(args: Args, _: Options, at: tuple[Expr, ...]) -> Expr:
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


def _outer_shape(args: Args, _: Options) -> Shape:
    if any(arg.ndim != 1 for arg in args):
        both = " and ".join(shown(arg.shape) for arg in args)
        raise ShapeError(f"outer takes two vectors; their shapes are {both}")
    return args[0].shape + args[1].shape


def _einsum_shape(args: Args, options: Options) -> Shape:
    inputs, output = options["spec"].split("->")
    sizes: dict[str, Expr] = {}
    for letters, arg in zip(inputs.split(","), args, strict=True):
        for letter, size in zip(letters, arg.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                message = f"einsum: the index {letter} has size {sizes[letter]} and size {size}"
                raise ShapeError(message)
    return tuple(sizes[letter] for letter in output)


def _einsum_entry(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
    inputs, output = options["spec"].split("->")
    values: dict[str, Expr] = dict(zip(output, at, strict=True))
    summed = []
    for letters, arg in zip(inputs.split(","), args, strict=True):
        for letter, size in zip(letters, arg.shape, strict=True):
            if letter not in values:
                values[letter] = fresh(size)
                summed.append(values[letter])
    parts = (
        entry(arg, [values[letter] for letter in letters])
        for letters, arg in zip(inputs.split(","), args, strict=True)
    )
    return sigma(product(*parts), summed)  # type: ignore[arg-type]


# Axes -----------------------------------------------------------------------------------------


def _transpose_shape(args: Args, options: Options) -> Shape:
    return tuple(args[0].shape[axis] for axis in options["axes"])


def _transpose_entry(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
    places = dict(zip(options["axes"], at, strict=True))
    return entry(args[0], [places[axis] for axis in range(args[0].ndim)])


def _reduced_shape(args: Args, options: Options) -> Shape:
    kept = [
        ONE if axis in options["axis"] else size
        for axis, size in enumerate(args[0].shape)
        if axis not in options["axis"] or options["keepdims"]
    ]
    return tuple(kept)


def _reduced_at(
    arg: Tree, options: Options, at: tuple[Expr, ...]
) -> tuple[list[Expr], list[Index]]:
    """The operand's indices with fresh ones along the reduced axes, and those."""
    kept = list(at)
    if options["keepdims"]:
        kept = [i for axis, i in enumerate(at) if axis not in options["axis"]]
    summed = [fresh(arg.shape[axis]) for axis in options["axis"]]
    bound = dict(zip(options["axis"], summed, strict=True))
    rest = iter(kept)
    return [bound[axis] if axis in bound else next(rest) for axis in range(arg.ndim)], summed


def _sum_entry(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
    inside, summed = _reduced_at(args[0], options, at)
    return sigma(entry(args[0], inside), summed)


def _reduced_size(arg: Tree, options: Options) -> Expr:
    return S.One if not options["axis"] else product(*(arg.shape[a] for a in options["axis"]))


def _mean(args: Args, options: Options) -> Tree:
    size = _reduced_size(args[0], options)
    return apply("divide", apply("sum", args[0], **options), Number((), size))


def _index_shape(args: Args, options: Options) -> Shape:
    shape: list[Expr] = []
    axis = 0
    for kind, *rest in options["key"]:
        if kind == "new":
            shape.append(ONE)
            continue
        if kind == "slice":
            shape.append(rest[1])
        axis += 1
    return (*shape, *args[0].shape[axis:])


def _index_entry(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
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


def _broadcast_entry(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
    return spread(args[0], at)


# Square matrices ------------------------------------------------------------------------------


def square(args: Args, what: str) -> Expr:
    """The size of a square matrix.

    Raises:
        ShapeError: It is none.
    """
    shape = args[0].shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{what} takes a square matrix; this one has the shape {shown(shape)}")
    return shape[-1]


def _square_to(kind: str, what: str) -> Callable[[Args, Options], Shape]:
    def shape(args: Args, _: Options) -> Shape:
        size = square(args, what)
        batch = args[0].shape[:-2]
        return {"scalar": batch, "vector": (*batch, size), "matrix": args[0].shape}[kind]

    return shape


def _part_entry(op: str, own: int) -> Callable[[Args, Options, tuple[Expr, ...]], Expr]:
    """An entry of op(matrix): the last ``own`` indices are its own, the others a batch's."""

    def made(args: Args, options: Options, at: tuple[Expr, ...]) -> Expr:
        batch, mine = at[: len(at) - own], at[len(at) - own :]
        return part(op, [whole(args[0], batch)], mine)

    return made


def _diag_shape(args: Args, _: Options) -> Shape:
    return (*args[0].shape, args[0].shape[-1])


def _diagonal_shape(args: Args, _: Options) -> Shape:
    shape = args[0].shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"the diagonal is that of a square matrix; got the shape {shown(shape)}")
    return shape[:1]


ROWS: tuple[Op, ...] = (
    Op("add", _elementwise("add"), lambda a, o, at: sum_of(*(spread(x, at) for x in a))),
    Op("negative", _elementwise("negative"), lambda a, o, at: minus(spread(a[0], at))),
    Op("multiply", _elementwise("multiply"), lambda a, o, at: product(*(spread(x, at) for x in a))),
    Op("divide", _elementwise("divide"), lambda a, o, at: quotient(*(spread(x, at) for x in a))),
    Op("power", _elementwise("power"), lambda a, o, at: power(*(spread(x, at) for x in a))),
    Op("where", _elementwise("where"), _where),
    *(
        Op(kind.__name__, _elementwise("comparison"), _compare(sign))
        for kind, sign in COMPARISONS.items()
    ),
    Op("logical_and", _elementwise("and"), _logical(And)),
    Op("logical_or", _elementwise("or"), _logical(Or)),
    Op("logical_not", _elementwise("not"), _logical(Not)),
    Op("matmul", _matmul_shape, _matmul_entry),
    Op("einsum", _einsum_shape, _einsum_entry),
    Op("transpose", _transpose_shape, _transpose_entry),
    Op("sum", _reduced_shape, _sum_entry),
    Op("mean", _reduced_shape, expand=_mean),
    Op("outer", _outer_shape, lambda a, o, at: product(entry(a[0], at[:1]), entry(a[1], at[1:]))),
    Op("index", _index_shape, _index_entry),
    Op("broadcast_to", lambda a, o: o["shape"], _broadcast_entry),
    Op("eye", lambda a, o: (o["size"], o["size"]), lambda a, o, at: delta(*at)),
    Op("diag", _diag_shape, lambda a, o, at: product(entry(a[0], at[:-1]), delta(*at[-2:]))),
    Op("diagonal", _diagonal_shape, lambda a, o, at: entry(a[0], (*at, *at))),
    Op("inv", _square_to("matrix", "inv"), _part_entry("inv", 2)),
    Op("det", _square_to("scalar", "det"), _part_entry("det", 0)),
    Op("logdet", _square_to("scalar", "logdet"), _part_entry("logdet", 0)),
)

OPS: Mapping[str, Op] = {row.name: row for row in ROWS}
"""Every operation by name."""
