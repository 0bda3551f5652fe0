"""Array formulas as people write them: a small tree in NumPy's language, with shapes.

The reader makes it from text, ``matrix`` makes it from index notation, printers show it as matrix
notation, and a backend runs it. Every operation is one node, ``Apply``; what an operation means
is a row of ``OPS`` in ``ops``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import Any

from sympy import Basic, Expr, Symbol

Shape = tuple[Expr, ...]
"""Sizes along the axes: SymPy integers and symbols, such as (m, 3). () is a scalar."""


def sizes_in(shapes: Iterable[Shape]) -> set[Symbol]:
    """The symbols in some shapes."""
    return {symbol for shape in shapes for size in shape for symbol in size.free_symbols}


@dataclass(frozen=True, eq=False)
class Tree:
    """An array formula.

    Attributes:
        shape: Its shape.
    """

    shape: Shape
    _hash: int = field(default=0, init=False, repr=False)

    def key(self) -> tuple[Any, ...]:
        """What makes two trees of one class equal."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((type(self).__name__, self.key())))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Tree) or type(self) is not type(other):
            return False
        return self._hash == other._hash and self.key() == other.key()

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def walk(self) -> Iterator[Tree]:
        """This tree and everything in it, outermost first."""
        yield self


@dataclass(frozen=True, eq=False)
class Leaf(Tree):
    """A name of the model (a scalar, where its shape is ()), or the size of an axis."""

    name: str = ""

    def key(self) -> tuple[Any, ...]:
        """The name and the shape."""
        return (self.name, self.shape)


@dataclass(frozen=True, eq=False)
class Number(Tree):
    """A number: a SymPy number, π or a formula in the sizes of axes. Its shape is ()."""

    value: Expr = field(default=None)

    def key(self) -> tuple[Any, ...]:
        """The value."""
        return (self.value,)


@dataclass(frozen=True, eq=False)
class Apply(Tree):
    """An operation on arrays.

    Attributes:
        op: Name of a row of ``OPS``, or of a named scalar function, applied entry by entry.
        args: Its operands.
        options: Name and value of what is not an operand: axis, keepdims, ….
    """

    op: str = ""
    args: tuple[Tree, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def key(self) -> tuple[Any, ...]:
        """Everything."""
        return (self.op, self.args, self.options, self.shape)

    def option(self, name: str) -> Any:
        """The value of an option."""
        return dict(self.options)[name]

    def walk(self) -> Iterator[Tree]:
        """This tree and everything in it, outermost first."""
        yield self
        for arg in self.args:
            yield from arg.walk()


def of_args(tree: Apply, args: tuple[Tree, ...]) -> Apply:
    """The operation of other operands of the same shapes; itself where none is another."""
    same = all(map(is_, args, tree.args))
    return tree if same else Apply(tree.shape, tree.op, args, tree.options)


def leaves(tree: Tree) -> tuple[str, ...]:
    """The names of a tree, in order of appearance."""
    return tuple(dict.fromkeys(part.name for part in tree.walk() if isinstance(part, Leaf)))


def renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """The tree with its leaves renamed."""
    if isinstance(tree, Leaf):
        return Leaf(tree.shape, names[tree.name]) if tree.name in names else tree
    if not isinstance(tree, Apply):
        return tree
    args = tuple(renamed(arg, names) for arg in tree.args)
    if tree.op != "index_notation":
        return of_args(tree, args)
    symbols: dict[Basic, Basic] = {Symbol(old): Symbol(new) for old, new in names.items()}
    options = tuple(
        (key, value.xreplace(symbols) if isinstance(value, Expr) else value)
        for key, value in tree.options
    )
    return Apply(tree.shape, tree.op, args, options)


def put_in(
    tree: Tree, found: Mapping[str, Tree], made: Callable[[Apply, tuple[Tree, ...]], Tree] = of_args
) -> Tree:
    """The tree with the arrays of some names put in.

    Args:
        tree: The tree.
        found: What stands for each name.
        made: Makes an operation of new operands.
    """
    if isinstance(tree, Leaf):
        return found.get(tree.name, tree)
    if not isinstance(tree, Apply):
        return tree
    args = tuple(put_in(arg, found, made) for arg in tree.args)
    return tree if all(map(is_, args, tree.args)) else made(tree, args)
