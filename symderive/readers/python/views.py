"""Arrays that show the entries of another: what is set in one of them is set in both.

``A[1:]``, ``A.T`` and, where its memory allows it, ``A.reshape(-1)``. Whether NumPy copies is asked
of NumPy itself, of an empty array of the same shape.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations, permutations, product
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from symderive.formulas.arrays.syntax import Apply, Leaf, Shape, Tree
from symderive.readers.python.entries import keys_of, picked
from symderive.readers.python.recording import Recording, refused

if TYPE_CHECKING:
    from symderive.readers.python.tracer import Tracer

VIEWS = frozenset(
    {
        *("transpose", "swapaxes", "moveaxis", "rollaxis", "mT", "matrix_transpose"),
        *("linalg.matrix_transpose", "permute_dims", "reshape", "ravel", "squeeze", "expand_dims"),
        *("flip", "fliplr", "flipud", "rot90", "diagonal", "linalg.diagonal", "broadcast_to"),
        *("atleast_1d", "atleast_2d", "atleast_3d", "diag"),
    }
)
"""Functions of NumPy that may show their array anew."""

_SIZES = (5, 7, 11, 13, 17, 19)
"""What stands for sizes that are symbols: all different."""

_COPIED = frozenset({"matmul", "stack", "concatenate", "einsum", "outer", "index"})
"""Operations that make an array with its rows one after the other."""


class Way(Protocol):
    """How one array shows another."""

    def see(self, rec: Recording, tree: Tree) -> Tree:
        """What is shown of a formula."""

    def put(self, base: Tracer, value: Tracer) -> None:
        """Set what is shown in the array that has it."""

    def on(self, array: Any) -> Any:
        """What is shown of an array of NumPy."""


@dataclass(frozen=True)
class Entries:
    """Entries, rows or a slice."""

    key: Any

    def see(self, _: Recording, tree: Tree) -> Tree:
        """What is shown of a formula."""
        return picked(tree, keys_of(tree.shape, self.key))

    def put(self, base: Tracer, value: Tracer) -> None:
        """Set what is shown in the array that has it."""
        base[self.key] = value

    def on(self, array: Any) -> Any:
        """What is shown of an array of NumPy."""
        return array[self.key]


@dataclass(frozen=True)
class Rearranged:
    """All entries or a diagonal by a function of NumPy."""

    name: str
    args: tuple[Any, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def see(self, rec: Recording, tree: Tree) -> Tree:
        """What is shown of a formula."""
        from symderive.readers.python.functions import numpy_function
        from symderive.readers.python.tracer import operand, wrap

        return operand(
            rec, numpy_function(rec, self.name, (wrap(rec, tree), *self.args), self.more)
        )

    def put(self, base: Tracer, value: Tracer) -> None:
        """Set what is shown in the array that has it."""
        shape = _numbers(base._tree.shape)
        count = np.arange(prod(shape)).reshape(shape)
        shown = self.on(count)
        if shown.size < count.size or self.name == "broadcast_to":
            raise refused(f"what {self.name} gives cannot be set; set entries of the array itself")
        if np.array_equal(shown.ravel(), count.ravel()):
            base[...] = value.reshape(base.shape)
            return
        for back in _moves(len(shape)):
            if shown.ndim == len(shape) and np.array_equal(back(shown), count):
                base[...] = back(value)
                return
        raise refused(f"entries of what {self.name} gives are set; set those of the array itself")

    def on(self, array: Any) -> Any:
        """What is shown of an array of NumPy."""
        if self.name in ("mT", "linalg.matrix_transpose", "matrix_transpose"):
            return np.swapaxes(array, -1, -2)
        name = self.name.rpartition(".")[2]
        function = getattr(array, name, None) or getattr(np, name)
        own = () if hasattr(array, name) else (array,)
        return function(*own, *self.args, **self.more)


class Flat:
    """The entries of an array row by row, ``A.flat``."""

    def __init__(self, array: Tracer) -> None:
        self.array = array

    def __iter__(self) -> Iterator[Tracer]:
        sizes = [range(operator.index(size)) for size in self.array.shape]
        return (self.array[place] if place else self.array for place in product(*sizes))

    def __len__(self) -> int:
        return operator.index(self.array.size)

    def __getitem__(self, key: Any) -> Tracer:
        return self.array.copy().ravel()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        row = self.array.copy().ravel().copy()
        row[key] = value
        self.array[...] = row.reshape(self.array.shape)


def _moves(ndim: int) -> Any:
    """What puts axes into another order, and what reverses some."""

    def turned(order: tuple[int, ...]) -> Callable[[Any], Any]:
        return lambda array: np.transpose(array, order)

    def flipped(axes: tuple[int, ...]) -> Callable[[Any], Any]:
        return lambda array: np.flip(array, axes)

    subsets = (combinations(range(ndim), k) for k in range(1, ndim + 1))
    return [
        *map(turned, permutations(range(ndim))),
        *map(flipped, chain.from_iterable(subsets)),
    ]


def showing(view: Tracer, base: Tracer, way: Way) -> Tracer:
    """A value as a view of another array."""
    view._base, view._way, view._seen = base, way, base._version
    return view


def looked_up(view: Tracer) -> None:
    """Look again at an array that has changed since."""
    base = view._base
    assert base is not None
    now = base._current()
    if base._version == view._seen:
        return
    if _is_shown(view):
        view._tree, view._seen = view._way.see(view._rec, now), base._version
        view._version += 1
    else:
        view._base = None


def passed_on(view: Tracer) -> None:
    """Set in an array what has been set in a view of it."""
    base = view._base
    assert base is not None
    if _is_shown(view):
        view._way.put(base, view.copy())
        view._seen = base._version
    else:
        view._base = None


def _is_shown(view: Tracer) -> bool:
    """Whether an array shows entries of its base; no, where NumPy copies.

    Raises:
        ModelError: That depends on how the entries of the base stand in memory.
    """
    if isinstance(view._way, Entries):
        return True
    root = view
    while root._base is not None:
        root = root._base
    try:
        base = _empty(view._base)
        same = bool(np.may_share_memory(view._way.on(base), base))
    except (TypeError, ValueError):
        same = False
    known = not isinstance(view._way, Rearranged) or view._way.name not in ("reshape", "ravel")
    if not known and _may_be_turned(root._rec, root._made, set()):
        raise refused(
            f"whether {view._way.name} shows the array or a copy of it depends on the order of its "
            "entries in memory, and entries are set; write .copy() after it, or set those of the "
            "array itself"
        )
    return same


def _empty(tracer: Tracer | None) -> Any:
    """An array of the same shape and order in memory."""
    assert tracer is not None
    if tracer._base is None:
        return np.empty(_numbers(tracer._tree.shape))
    return tracer._way.on(_empty(tracer._base))


def _numbers(shape: Shape) -> tuple[int, ...]:
    symbols = dict(zip(dict.fromkeys(s for s in shape if not s.is_Integer), _SIZES, strict=False))
    return tuple(int(symbols.get(size, size)) for size in shape)


def _may_be_turned(rec: Recording, tree: Tree, seen: set[str]) -> bool:
    """Whether the columns of a result may stand one after the other: that of 2*A.T does."""
    if isinstance(tree, Leaf) and tree.name in rec.stages and tree.name not in seen:
        seen.add(tree.name)
        return _may_be_turned(rec, rec.stages[tree.name], seen)
    if not isinstance(tree, Apply) or tree.op in _COPIED:
        return False
    return tree.op == "transpose" or any(_may_be_turned(rec, arg, seen) for arg in tree.args)
