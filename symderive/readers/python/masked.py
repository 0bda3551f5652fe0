"""Entries that a condition keeps, ``x[x > 0]``: how many they are depends on values.

They are all entries and the condition: what applies entry by entry is applied to all, and a sum, a
mean or a product leaves the others out. Put back where they came from, they are a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, call, operand, wrap


class Kept:
    """The entries of an array at which a condition holds.

    Attributes:
        values: All entries.
        mask: The condition, of the first axes of the array.
    """

    __slots__ = ("_rec", "mask", "values")
    __array_priority__ = 1002.0
    is_traced = True

    def __init__(self, rec: Recording, values: Tracer, mask: Tracer) -> None:
        self._rec, self.values, self.mask = rec, values, mask

    def at(self, mask: Any) -> Tracer:
        """All entries, to be chosen from where the same condition holds again."""
        if type(mask) is not Tracer or mask._current() != self.mask._current():
            raise refused("entries kept by one condition are put where another one holds")
        return self.values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        if method == "reduce" and ufunc.__name__ == "add":
            return self._folded("sum", 0)
        if method != "__call__" or more:
            raise self._unknown(ufunc.__name__)
        return self._each(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, _: Any, args: Any, more: Any) -> Any:
        return self.function(function.__name__, args, more)

    def function(self, name: str, args: Any, more: Mapping[str, Any]) -> Any:
        """A function of NumPy, by name."""
        axis = {"axis": args[1]} if len(args) == 2 else {}
        if name not in REDUCED or len(args) > 2 or type(args[0]) is not Kept:
            raise self._unknown(name)
        return REDUCED[name](self, **axis, **more)

    def _each(self, name: str, inputs: Any) -> Any:
        """A function that applies entry by entry."""
        from symderive.readers.python.functions import entrywise

        parts = []
        for part in inputs:
            if type(part) is Kept:
                parts.append(part.at(self.mask))
            elif getattr(part, "shape", ()) == ():
                parts.append(part)
            else:
                raise self._unknown(f"{name} with an array of all entries")
        if name in ("matmul", "vecdot"):
            product = Kept(self._rec, parts[0] * parts[1], self.mask)
            return product._folded("sum", 0)
        found = wrap(self._rec, operand(self._rec, entrywise(self._rec, name, tuple(parts))))
        return Kept(self._rec, found, self.mask)

    def _spread(self) -> Tracer:
        return self.mask[(..., *[None] * (self.values.ndim - self.mask.ndim))]

    def _folded(self, name: str, neutral: int, axis: Any = None) -> Any:
        if axis not in (None, 0) or (axis == 0 and self.mask.ndim > 1):
            raise self._unknown(f"{name} with axis={axis}")
        chosen = call(self._rec, "where", self._spread(), self.values, neutral)
        return call(
            self._rec, name, chosen, axis=axis if self.mask.ndim < self.values.ndim else None
        )

    def _mean(self, axis: Any = None) -> Any:
        ones = Kept(self._rec, call(self._rec, "ones_like", self.values), self.mask)
        return self._folded("sum", 0, axis) / ones._folded("sum", 0, axis)

    def _unknown(self, name: str) -> Exception:
        return refused(
            f"{name} of entries that are kept by a condition, whose number depends on values, has "
            "no formula; write np.where(condition, x, 0), or multiply by the condition"
        )

    def __getattr__(self, name: str) -> Any:
        if name in REDUCED:
            return lambda **more: REDUCED[name](self, **more)
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._unknown(name)

    def __len__(self) -> int:
        raise self._unknown("len")

    def __iter__(self) -> Any:
        raise self._unknown("a loop")

    def __getitem__(self, key: Any) -> Any:
        raise self._unknown("an entry")


REDUCED: Mapping[str, Callable[..., Any]] = {
    "sum": lambda kept, axis=None: kept._folded("sum", 0, axis),
    "prod": lambda kept, axis=None: kept._folded("prod", 1, axis),
    "mean": lambda kept, axis=None: kept._mean(axis),
}
"""Functions of kept entries that give a number."""


def _operators() -> None:
    names = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide"}
    for short, name in {**names, "pow": "power", "matmul": "matmul"}.items():

        def forward(self: Kept, other: Any, name: str = name) -> Any:
            return self._each(name, (self, other))

        def backward(self: Kept, other: Any, name: str = name) -> Any:
            return self._each(name, (other, self))

        setattr(Kept, f"__{short}__", forward)
        setattr(Kept, f"__r{short}__", backward)
    for short, name in {"neg": "negative", "abs": "abs"}.items():
        setattr(Kept, f"__{short}__", lambda self, name=name: self._each(name, (self,)))


_operators()
