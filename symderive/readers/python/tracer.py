"""A traced value: an array or number that records what is done with it.

It carries the formula made so far, a ``Tree`` in NumPy's language whose shapes are checked as it
grows. NumPy hands its functions over by its own protocols (``__array_ufunc__``,
``__array_function__``), Python its operators; what cannot be a formula is refused with the line.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Integer, Mul, S, expand

from symderive.formulas.arrays.op import ShapeError, apply_function, is_condition, number
from symderive.formulas.arrays.ops import CALLS, apply, transpose
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.readers.python.arithmetic import (
    FOLDS,
    LOSERS,
    METHODS,
    SIGNS,
    absorbed,
    negated,
    neutral,
)
from symderive.readers.python.asked import AskedForPlain
from symderive.readers.python.constants import exact, is_number
from symderive.readers.python.entries import keys_of, picked, replaced
from symderive.readers.python.naming import Label
from symderive.readers.python.picking import runs_joined
from symderive.readers.python.recording import LONGEST, Recording, is_fixed, refused, weight
from symderive.readers.python.views import Entries, Flat, Rearranged, looked_up, passed_on, showing

LITERAL = 8
"""The entries of a constant that a formula writes out; a longer one gets a name and values."""


_PARTED = frozenset({"stack", "concatenate", "index", "broadcast_to", "eye", "transpose"})
"""Operations whose parts are formulas at hand."""


class Tracer(AskedForPlain):
    """A traced value.

    Attributes:
        _tree: Its formula.
        _made: The formula that it had at first.
        _changing: Whether it was changed in place since it last became a stage.
        _name: The variable that holds it.
    """

    __slots__ = (
        *("_base", "_changing", "_made", "_name", "_rec"),
        *("_seen", "_tree", "_version", "_way"),
    )
    __array_priority__ = 1000.0
    is_traced = True

    def __init__(self, rec: Recording, tree: Tree) -> None:
        self._rec, self._tree, self._made = rec, tree, tree
        self._changing, self._version = False, 0
        self._name: Label | None = None
        self._base: Tracer | None = None
        self._way: Any = None
        self._seen = 0

    if TYPE_CHECKING:  # the operators, set below from tables

        def __add__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...

    def __hash__(self) -> int:
        return id(self)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What isinstance sees: an array or a number of NumPy, as the program expects."""
        return np.ndarray if self._tree.shape else np.float64

    # What arrays have ---------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Any, ...]:
        """Sizes: whole numbers where they are known."""
        return tuple(size_value(self._rec, size) for size in self._tree.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._tree.ndim

    @property
    def size(self) -> Any:
        """The number of entries."""
        return size_value(self._rec, expand(Mul(*self._tree.shape)))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Numbers are real numbers; conditions are true or false."""
        return np.dtype(bool if is_condition(self._tree) else float)

    @property
    def T(self) -> Tracer:  # noqa: N802
        """Axes reversed."""
        tree = operand(self._rec, self)
        turned = wrap(self._rec, transpose(tree) if tree.ndim > 1 else tree)
        return showing(turned, self, Rearranged("transpose"))

    @property
    def mT(self) -> Tracer:  # noqa: N802
        """The last two axes exchanged."""
        return showing(call(self._rec, "swapaxes", self, -1, -2), self, Rearranged("mT"))

    @property
    def real(self) -> Tracer:
        """The value: all are real."""
        return self

    @property
    def imag(self) -> float:
        """Zero: all values are real."""
        return 0.0

    @property
    def flat(self) -> Flat:
        """The entries, row by row."""
        return Flat(self)

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            from symderive.readers.python.functions import numpy_function

            def method(*args: Any, **more: Any) -> Any:
                found = numpy_function(self._rec, METHODS[name], (self, *args), more)
                return found.copy() if name == "flatten" else found

            return method
        if not name.startswith("_") and hasattr(np.ndarray, name):
            raise refused(f"the method .{name} of an array has no formula")
        raise AttributeError(
            f"a traced value is an array of NumPy, which has no attribute {name!r}"
        )

    def copy(self, *_: Any, **__: Any) -> Tracer:
        """A value of its own: what changes in place later leaves it alone."""
        result = Tracer(self._rec, self._current())
        result._changing = self._changing
        return result

    __copy__ = copy
    __deepcopy__ = copy

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Tracer:
        """Itself as real numbers; whole parts; as a condition; a condition as 0 and 1."""
        tree, kind = self._current(), np.dtype(dtype).kind
        if kind == "b":
            return wrap(self._rec, condition(self._rec, self))
        if kind in "iu":
            from symderive.readers.python.choosing import whole_part

            return whole_part(self._rec, self)
        if kind == "f" or is_condition(tree) or is_fixed(tree):
            return wrap(self._rec, operand(self._rec, self))
        raise refused(f"a traced value cannot become {np.dtype(dtype)}; leave .astype out")

    def item(self, *place: Any) -> Tracer:
        """The entry."""
        if place:
            flat = len(place) == 1 and self.ndim > 1
            return self[np.unravel_index(place[0], self.shape) if flat else place]
        if all(size == 1 for size in self._tree.shape):
            return self[(0,) * self.ndim] if self.ndim else self
        raise refused("item() is that of an array with one entry")

    def tolist(self) -> Any:
        """Lists of entries."""
        return [part.tolist() for part in self] if self.ndim else self

    def fill(self, value: Any) -> None:
        """Every entry set."""
        self[...] = value

    def dot(self, other: Any) -> Tracer:
        """Product of vectors or matrices."""
        return call(self._rec, "dot", self, other)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a number has no len()")
        return operator.index(self.shape[0])

    def __iter__(self) -> Iterator[Tracer]:
        if not self.ndim:
            raise TypeError("a number cannot be iterated over")
        size = self._tree.shape[0]
        if not size.is_Integer:
            raise refused(
                f"a loop over an axis whose size {size} is a symbol; state the size as a number in "
                "the shapes of the arguments, or write array operations"
            )
        return (self[k] for k in range(int(size)))

    def __repr__(self) -> str:
        from symderive.formulas.arrays.text import text

        return f"<traced {text(self._tree)}>"

    def __format__(self, _: str) -> str:
        return repr(self)

    # Protocols of NumPy -------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        from symderive.readers.python.functions import ufunc_called

        return ufunc_called(self._rec, ufunc, method, inputs, more)

    def __array_function__(self, function: Any, _: Any, args: Any, more: Any) -> Any:
        from symderive.readers.python.functions import numpy_function

        name, module = function.__name__, getattr(function, "__module__", "") or ""
        prefix = next((part for part in ("linalg", "fft") if part in module), "")
        name = f"{prefix}.{name}" if prefix else name
        return numpy_function(self._rec, name, args, more)

    # Entries ------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tracer:
        from symderive.readers.python.choosing import chosen, is_choice

        if is_choice(key):
            return chosen(self._rec, self, key)
        tree = self._settled()
        keys = keys_of(tree.shape, key)
        result = Tracer(self._rec, picked(tree, keys))
        if result._tree.shape:
            showing(result, self, Entries(key))
        if not self._changing and weight(result._tree) > LONGEST:
            result._tree = picked(operand(self._rec, self), keys)
        return result

    def __setitem__(self, key: Any, value: Any) -> None:
        from symderive.readers.python.choosing import is_choice, is_mask, spread

        if hasattr(type(value), "mask"):
            value = value.at(key)
        single = not isinstance(value, np.ndarray | list | tuple) or np.ndim(value) == 0
        if is_mask(key) and (single or type(key) is Tracer):
            self._become(operand(self._rec, call(self._rec, "where", key, value, self)))
            return
        if is_choice(key):
            for place, row in spread(self._rec, self, key, value):
                self[place] = row
            return
        tree = operand(self._rec, value)
        if weight(tree) > 3 and not is_fixed(tree):
            tree = self._rec.part(tree, self.name_of_all())
        old = self._settled()
        try:
            self._become(replaced(old, keys_of(old.shape, key), tree))
        except ShapeError as error:
            raise refused(str(error)) from None

    def name_of_all(self) -> Label | None:
        """The variable that holds the value, or the array that it is a view of."""
        holder: Tracer | None = self
        while holder is not None and holder._name is None:
            holder = holder._base
        return holder._name if holder is not None else None

    def _become(self, tree: Tree) -> None:
        """Change in place; what this is a view of changes too."""
        if tree.shape != self._tree.shape:
            tree = apply("broadcast_to", tree, shape=self._tree.shape)
        self._tree, self._changing, self._version = tree, True, self._version + 1
        if self._base is not None:
            passed_on(self)

    def _current(self) -> Tree:
        """The formula; a view of what has changed since is looked up again."""
        if self._base is not None:
            looked_up(self)
        return self._tree

    def _settled(self) -> Tree:
        """The formula to take parts of; one that was changed as a whole is a stage by now."""
        tree = self._current()
        made = isinstance(tree, Apply) and tree.op not in _PARTED and weight(tree) > 1
        return operand(self._rec, self) if self._changing and made else tree

    def _in_place(self, name: str, other: Any) -> Tracer:
        result = binary(self._rec, name, self, other)
        if not self.ndim:
            return result
        if result._tree.shape != self._tree.shape:
            raise refused("an operation in place changes the shape of the array")
        self._become(result._tree)
        return self


# Formulas of values -----------------------------------------------------------------------


def wrap(rec: Recording, tree: Tree) -> Tracer:
    """A formula as a traced value."""
    return Tracer(rec, tree)


def size_value(rec: Recording, size: Expr) -> Any:
    """A size: an int, or a traced value where it is a symbol."""
    return int(size) if size.is_Integer else Tracer(rec, Number((), size))


def formula(rec: Recording, value: Any) -> Tree:
    """Any value as a formula, conditions among them; a long one becomes a stage."""
    if type(value) is Tracer:
        tree = value._current()
        long = weight(tree) > LONGEST or (value._changing and weight(tree) > 1)
        if long and not is_fixed(tree) and not is_condition(tree):
            tree = value._tree = rec.part(tree, value.name_of_all())
            value._changing = False
        return tree
    if isinstance(value, bool | np.bool_):
        return Number((), S.true if value else S.false)
    if is_number(value):
        found = exact(value)
        if found is None:
            raise refused(f"the number {value} cannot stand in a formula")
        return number(found)
    if isinstance(value, list | tuple) and value:
        if not _holds_traced(value):
            return formula(rec, np.array(value))
        rows = _parts(rec, value)
        return _fitting(lambda: runs_joined(apply("stack", *rows, axis=(0,)), whole=True))
    if isinstance(value, np.ndarray):
        return _array(rec, value)
    if isinstance(value, complex | np.complexfloating):
        raise refused("complex numbers have no formula here")
    if isinstance(value, str):
        raise refused(
            f"the text {value!r} meets a traced value; trace reads a text as a shape: an argument "
            "that is a word has one by default, or is handed on with functools.partial"
        )
    raise refused(f"{type(value).__name__} is no number and no array")


def operand(rec: Recording, value: Any) -> Tree:
    """A value as a number; a condition counts as 1 and 0, as in NumPy."""
    tree = formula(rec, value)
    if is_condition(tree):
        if isinstance(tree, Number):
            return number(1 if tree.value == S.true else 0)
        return apply("where", tree, number(1), number(0))
    return tree


def condition(rec: Recording, value: Any) -> Tree:
    """A value as a condition; a number counts as true where it is not 0."""
    tree = formula(rec, value)
    return tree if is_condition(tree) else apply("NotEq", tree, number(0))


def _parts(rec: Recording, values: Sequence[Any]) -> list[Tree]:
    """The operands of a list; long ones become stages, so that a long list stays readable."""
    result = []
    most = LONGEST if len(values) <= 4 else 8
    for value in values:
        tree = operand(rec, value)
        if type(value) is Tracer and weight(tree) > most and not is_fixed(tree):
            tree = value._tree = rec.part(tree, value.name_of_all())
        result.append(tree)
    return result


def _holds_traced(value: Any) -> bool:
    if type(value) is not Tracer and isinstance(value, np.ndarray):
        return value.dtype == object and any(type(part) is Tracer for part in value.flat)
    return type(value) is Tracer or (
        isinstance(value, list | tuple) and any(map(_holds_traced, value))
    )


def _array(rec: Recording, array: np.ndarray[Any, Any]) -> Tree:
    if array.dtype.kind == "O":
        if any(type(part) is Tracer for part in array.flat):
            return formula(rec, array.tolist())
        return formula(rec, array.astype(float))
    if array.dtype.kind not in "fiub":
        raise refused(f"an array of {array.dtype} has no formula")
    if not array.ndim:
        return formula(rec, array[()])
    base = array.base
    if isinstance(base, np.ndarray) and array.ndim == base.ndim == 2 and array.size > 1:
        turned = base.strides[::-1] == array.strides and base.shape[::-1] == array.shape
        if turned:
            return transpose(_array(rec, base))  # H.T of H
    shape = tuple(map(Integer, array.shape))
    if array.size and np.all(array == array.flat[0]):
        return apply("broadcast_to", operand(rec, array.flat[0]), shape=shape)
    if array.ndim == 1 and array.size <= LITERAL and all(len(str(x)) < 8 for x in array):
        return apply("stack", *(operand(rec, x) for x in array), axis=(0,))
    return rec.constant(array)


def _fitting(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ShapeError as error:
        raise refused(str(error)) from None


def binary(rec: Recording, name: str, left: Any, right: Any) -> Tracer:
    """An operation of two values, entry by entry; numbers and sizes are worked out."""
    if name in SIGNS:
        trees = (operand(rec, left), operand(rec, right))
        return wrap(rec, _fitting(lambda: apply(name, *trees)))
    first, second = operand(rec, left), operand(rec, right)
    if name == "subtract":
        name, second = "add", negated(second)
    if (found := _fitting(lambda: absorbed(name, first, second))) is not None:
        return wrap(rec, found)
    if isinstance(first, Number) and isinstance(second, Number) and name in FOLDS:
        if name == "divide" and second.value.is_zero:
            raise refused("division by zero")
        return wrap(rec, number(expand(FOLDS[name](first.value, second.value))))
    if simple := _fitting(lambda: neutral(name, first, second)):
        return wrap(rec, simple)
    if name == "divide" and isinstance(second, Number) and second.value.is_zero:
        raise refused("division by zero")
    return wrap(rec, _fitting(lambda: apply(name, first, second)))


def product(rec: Recording, left: Any, right: Any) -> Tracer:
    """The product of matrices and vectors."""
    first, second = operand(rec, left), operand(rec, right)
    simple = _fitting(lambda: neutral("matmul", first, second))
    return wrap(rec, simple) if simple is not None else call(rec, "matmul", left, right)


def argument(rec: Recording, value: Any) -> Any:
    """A value as the calls of formulas take it: a tree, or a tuple, None, text, a flag."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple):
        return tuple(formula(rec, p) if p is np.inf else argument(rec, p) for p in value)
    if value is np.inf:
        return "inf"
    return formula(rec, value)


def call(rec: Recording, name: str, *args: Any, **more: Any) -> Tracer:
    """A call of the formula language.

    Raises:
        ModelError: Shapes or arguments do not fit; it names the line.
    """
    logical = name.startswith("logical_") or name == "where"
    row = CALLS.get(name)
    if name == "where":
        trees: list[Any] = [condition(rec, args[0]), *(operand(rec, arg) for arg in args[1:])]
    elif logical:
        trees = [condition(rec, arg) for arg in args]
    elif row is None:
        trees = [operand(rec, arg) for arg in args]
    else:
        trees = [operand(rec, arg) if type(arg) is Tracer else argument(rec, arg) for arg in args]
    try:
        if name in LOSERS and (found := absorbed(name, *trees)) is not None:
            return wrap(rec, found)
        if row is not None and row.call is not None:
            options = {key: argument(rec, value) for key, value in more.items()}
            return wrap(rec, row.call(*trees, **options))
        return wrap(rec, apply_function(FUNCTIONS[name], *trees))
    except ShapeError as error:
        raise refused(str(error)) from None
    except TypeError as error:
        raise refused(f"{name} does not take these arguments: {error}") from None
