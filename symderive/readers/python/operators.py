"""Python's operators on traced values, from tables, and the method that sorts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderive.readers.python.functions import one, two
from symderive.readers.python.order import sort
from symderive.readers.python.recording import has_users_attributes
from symderive.readers.python.tracer import Tracer


def _answers(other: Any) -> bool:
    """Whether an operand is an object of the program that works the operation out itself."""
    kind: Any = type(other)
    return not hasattr(kind, "__array__") and has_users_attributes(kind)


def _forward(name: str) -> Callable[[Tracer, Any], Any]:
    def method(self: Tracer, other: Any) -> Any:
        if _answers(other):
            return NotImplemented
        return two(self._rec, name, self, other)

    return method


def _backward(name: str) -> Callable[[Tracer, Any], Any]:
    def method(self: Tracer, other: Any) -> Any:
        return two(self._rec, name, other, self)

    return method


def _placed(name: str) -> Callable[[Tracer, Any], Any]:
    def method(self: Tracer, other: Any) -> Any:
        return self._in_place(name, other)

    return method


def _single(name: str) -> Callable[..., Any]:
    def method(self: Tracer, *_: Any) -> Any:
        return one(self._rec, name, self)

    return method


def _sort(self: Tracer, axis: int = -1, **_: Any) -> None:
    """The method that sorts an array in place."""
    self._become(sort(self._rec, self.copy(), axis)._tree)


OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "matmul": "matmul",
    "mod": "mod",
    "floordiv": "floor_divide",
    "and": "logical_and",
    "or": "logical_or",
    "xor": "logical_xor",
}
COMPARED = {"lt": "Lt", "le": "LtE", "gt": "Gt", "ge": "GtE", "eq": "Eq", "ne": "NotEq"}
SINGLE = {"neg": "negative", "abs": "abs", "invert": "logical_not", "pos": "positive"} | {
    "round": "round",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
}
IN_PLACE = ("add", "sub", "mul", "truediv", "pow")

for _key, _name in OPERATORS.items():
    setattr(Tracer, f"__{_key}__", _forward(_name))
    setattr(Tracer, f"__r{_key}__", _backward(_name))
    if _key in IN_PLACE:
        setattr(Tracer, f"__i{_key}__", _placed(_name))
for _key, _name in COMPARED.items():
    setattr(Tracer, f"__{_key}__", _forward(_name))
for _key, _name in SINGLE.items():
    setattr(Tracer, f"__{_key}__", _single(_name))
setattr(Tracer, "sort", _sort)  # noqa: B010
