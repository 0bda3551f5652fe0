"""An operation on arrays as a row, and what all rows use: shapes, trees and entries made by rows.

The table itself, ``OPS``, is in ``ops``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Basic, Expr, Integer, S, Tuple, expand, false, true

from symderive.errors import ModelError
from symderive.formulas.arrays.explicit import Explicit
from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    as_size,
    delta,
    entry_of,
    fresh,
    sigma_as_is,
    substitute,
)
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree
from symderive.formulas.functions import FUNCTIONS, NamedFunction
from symderive.formulas.parsing import COMPARISONS
from symderive.formulas.written import product

ONE = Integer(1)
Options = Mapping[str, Any]
Args = tuple[Tree, ...]
At = tuple[Expr, ...]
Shaped = Callable[[Args, Options], Shape]


class ShapeError(ModelError):
    """Shapes or arguments that do not fit the operation; the reader adds the place."""


@dataclass(frozen=True, slots=True)
class Op:
    """An operation on arrays.

    A row with neither ``entry`` nor ``expand`` is only a way to write other operations: no tree
    holds it.

    Attributes:
        name: As trees and formulas call it.
        title: As documents call it.
        shape: Shape of the result; raises ``ShapeError``.
        entry: One entry of the result, of a primitive.
        expand: What it is in other operations, of any other.
        call: Makes the tree of a call in a formula; its parameters are the call's.
        example: A formula, in which X and Y are m × n, A and B are n × n, x and y have n entries,
            p has 3, c and d are scalars.
        aliases: Other names that formulas may use.
        explicit: Of a row whose entry is a ``Part``: the part of a small array, written out.
    """

    name: str
    title: str
    shape: Shaped | None = None
    entry: Callable[[Args, Options, At], Any] | None = None
    expand: Callable[[Args, Options], Tree] | None = None
    call: Callable[..., Tree] | None = None
    example: str = ""
    aliases: tuple[str, ...] = ()
    explicit: Explicit | None = None

    @property
    def signature(self) -> str:
        """How formulas call it, as ``sum(x, axis=None, keepdims=False)``; "" for an operator."""
        if self.call is None:
            return ""
        bare = inspect.Parameter.empty
        plain = (
            str(parameter.replace(annotation=bare))
            for parameter in inspect.signature(self.call).parameters.values()
        )
        return f"{self.name}({', '.join(plain)})"


def shown(shape: Shape) -> str:
    """A shape as messages print it.

    >>> shown((Integer(2), Integer(3)))
    '(2, 3)'
    """
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


SIGNS = {
    "add": "the operands of +",
    "multiply": "the operands of *",
    "divide": "the operands of /",
    "power": "the operands of **",
    "where": "the operands of where",
}


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


def elementwise(name: str) -> Shaped:
    """The shape of what applies entry by entry."""
    what = SIGNS.get(name, f"the operands of {name}")
    return lambda args, _: broadcast([arg.shape for arg in args], what)


def same_shape(args: Args, _: Options) -> Shape:
    """The shape of the operand."""
    return args[0].shape


def of_matrix(name: str, shape: Callable[[Expr, Expr], Shape]) -> Shaped:
    """The shape of what is made of a matrix of any shape."""

    def made(args: Args, _: Options) -> Shape:
        if args[0].ndim != 2:
            raise ShapeError(f"{name} takes a matrix; this has the shape {shown(args[0].shape)}")
        return shape(*args[0].shape)

    return made


# Making trees ---------------------------------------------------------------------------------


def number(value: object) -> Number:
    """A number as a tree."""
    return Number((), as_size(value))


def _table() -> Mapping[str, Op]:
    from symderive.formulas.arrays.ops import OPS  # the table holds the rows

    return OPS


def apply(op: str, *args: Tree, **options: Any) -> Apply:
    """An operation on operands, its shape inferred.

    Raises:
        ShapeError: The shapes do not fit.

    >>> X, w = Leaf((Integer(4), Integer(2)), "X"), Leaf((Integer(2),), "w")
    >>> apply("matmul", X, w).shape
    (4,)
    """
    row = _table().get(op)
    if op not in _LOGIC and any(map(is_condition, args)):
        raise ShapeError("a number is expected, not a condition; write where(condition, 1, 0)")
    shape = (row.shape if row and row.shape else elementwise(op))(args, options)
    return Apply(shape, op, args, tuple(sorted(options.items())))


def is_condition(value: Tree) -> bool:
    """Whether the entries are true or false."""
    if isinstance(value, Number):
        return bool(value.value.is_Boolean)
    while isinstance(value, Apply) and value.op in _MOVES:
        value = value.args[0]
    return isinstance(value, Apply) and value.op in _CONDITIONS


_CONDITIONS = frozenset(
    {"logical_and", "logical_or", "logical_not", *(kind.__name__ for kind in COMPARISONS)}
)
_MOVES = frozenset({"index", "transpose", "broadcast_to"})
"""What only moves entries about, conditions too."""
_LOGIC = frozenset({"logical_and", "logical_or", "logical_not", "where", *_MOVES})


def condition_of(value: object) -> Tree:
    """An argument as a condition.

    Raises:
        ShapeError: It is none.
    """
    tree = as_tree(value)
    if not is_condition(tree):
        raise ShapeError("a condition such as x >= 0 is expected here")
    return tree


def apply_function(row: NamedFunction, *args: Tree) -> Apply:
    """A scalar function entry by entry; a user's own is kept as an option."""
    names = (row.name, *row.aliases)
    name = next((name for name in names if name not in _table()), row.name)
    if FUNCTIONS.get(name) is row:
        return apply(name, *args)
    if any(map(is_condition, args)):
        raise ShapeError("a number is expected, not a condition")
    shape = elementwise(row.name)(args, {})
    return Apply(shape, row.name, args, (("function", row),))


def add(*args: Tree) -> Tree:
    """The sum."""
    return args[0] if len(args) == 1 else apply("add", *args)


def subtract(left: Tree, right: Tree) -> Tree:
    """The difference."""
    return apply("add", left, apply("negative", right))


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
    row = _table().get(tree.op)
    options = dict(tree.options)
    if tree.op in _ONLY_RESULTS:
        return _ONLY_RESULTS[tree.op](tree.args, options, at)
    if row is None or "function" in options:
        function = options.get("function") or FUNCTIONS[tree.op]
        return function.apply(*(spread(arg, at) for arg in tree.args))
    if row.entry is not None:
        return row.entry(tree.args, options, at)
    return entry(expanded(tree), at)


def _by_formula(_: Args, options: Options, at: At) -> Any:
    """The entry of an array that a formula of indices states."""
    return substitute(options["formula"], dict(zip(options["indices"], at, strict=True)))


def _placed(args: Args, options: Options, at: At) -> Any:
    """The entry of zeros with an array added where its key stands."""
    chosen = indices_of(args[0].shape)
    waiting, places = list(chosen), list(at)
    where: list[Expr] = []
    for kind, *rest in options["key"]:
        if kind == "int":
            where.append(delta(rest[0], places.pop(0)))
            continue
        index = waiting.pop(0)  # a new axis has size 1: nothing depends on its index
        if kind == "slice":
            where.append(delta(rest[0] + rest[2] * index, places.pop(0)))
    where += [delta(index, place) for index, place in zip(waiting, places, strict=True)]
    body = product(entry(args[0], chosen), *where)
    return sigma_as_is(body, chosen) if chosen else body


_ONLY_RESULTS: Mapping[str, Callable[[Args, Options, At], Any]] = {
    "index_notation": _by_formula,
    "place": _placed,
}
"""Operations that no formula of a user holds."""


def expanded(tree: Apply) -> Tree:
    """What a defined operation stands for."""
    row = _table()[tree.op]
    assert row.expand is not None
    return row.expand(tree.args, dict(tree.options))


def spread(arg: Tree, at: At) -> Any:
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


# Arguments of calls ---------------------------------------------------------------------------


def as_tree(value: object, what: str = "an operand") -> Tree:
    """An argument as an operand; a list of numbers or arrays is stacked.

    Raises:
        ShapeError: It is none.
    """
    if isinstance(value, Tree):
        return value
    if isinstance(value, bool):
        return Number((), true if value else false)
    if isinstance(value, tuple) and value:
        return apply("stack", *(as_tree(part) for part in value), axis=(0,))
    raise ShapeError(f"{what} must be a number or an array, not {_named(value)}")


def _named(value: object) -> str:
    return "empty" if value == () else "text" if isinstance(value, str) else str(value)


def whole_number(value: object, what: str) -> int:
    """An argument as a whole number.

    Raises:
        ShapeError: It is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):  # a default
        return value
    if isinstance(value, Number) and value.value.is_Integer:
        return int(value.value)
    raise ShapeError(f"{what} must be a whole number, written as one")


def size_of(value: object, what: str = "a size") -> Expr:
    """An argument as a size: a whole number, or a formula in the sizes of the model.

    Raises:
        ShapeError: It is none.
    """
    if isinstance(value, Number) and _is_size(value.value):
        return expand(value.value)
    raise ShapeError(f"{what} must be a whole number or a size that a shape names")


def _is_size(value: Basic) -> bool:
    if value.is_number:
        return bool(value.is_Integer and value >= 0)
    return isinstance(value, Expr)


def shape_of(value: object) -> Shape:
    """An argument as a shape: a size, or a tuple of sizes."""
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(size_of(part) for part in parts)


def axis_of(value: object, ndim: int) -> int:
    """An argument as an axis, counted from the front.

    Raises:
        ShapeError: There is no such axis.
    """
    axis = whole_number(value, "axis")
    if not -ndim <= axis < ndim:
        axes = f"it has {ndim} axes" if ndim != 1 else "it has one axis"
        raise ShapeError(f"the operand has no axis {axis}: {axes}")
    return axis % ndim


def axes_of(value: object, ndim: int) -> tuple[int, ...]:
    """An argument as axes; all of them, where there is none.

    Raises:
        ShapeError: There is no such axis, or one is named twice.
    """
    if value is None:
        return tuple(range(ndim))
    parts = value if isinstance(value, tuple) else (value,)
    axes = tuple(axis_of(part, ndim) for part in parts)
    if len(set(axes)) < len(axes):
        raise ShapeError("an axis is named twice")
    return axes


def kept(keepdims: object) -> bool:
    """The argument ``keepdims``.

    Raises:
        ShapeError: It is neither.
    """
    if isinstance(keepdims, bool):
        return keepdims
    raise ShapeError("keepdims must be True or False")
