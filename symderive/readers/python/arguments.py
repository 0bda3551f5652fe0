"""What is stated of a traced function's arguments, and the names that their parts get."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from sympy import Integer

from symderive.array_model import read_shape
from symderive.errors import ModelError
from symderive.formulas.arrays.syntax import Leaf, Shape
from symderive.formulas.walking import WORDS
from symderive.readers.python.naming import RESERVED
from symderive.readers.python.recording import Recording
from symderive.readers.python.tracer import Tracer

Path = tuple[Any, ...]
"""An argument's name and the keys that lead to a part of it."""


def parts_of(value: Any) -> dict[Any, Any] | None:
    """The parts of a dictionary, list, tuple or dataclass by key; None of anything else.

    A dataclass that holds nothing to trace, such as one of settings, is handed on as it is.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        keys = getattr(value, "_fields", range(1, len(value) + 1))  # of a named tuple
        return dict(zip(keys, value, strict=True))
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        if any(isinstance(part, str | dict | list | tuple) for part in parts.values()):
            return parts
    return None


def _like(value: Any, parts: Mapping[Any, Any]) -> Any:
    """Parts put together as they were."""
    if isinstance(value, dict):
        return dict(parts)
    if type(value) in (list, tuple):
        return type(value)(parts.values())
    made: Any = type(value)
    return made(**parts) if is_dataclass(value) else made(*parts.values())


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    parts = parts_of(value)
    if parts is None:
        yield path, value
        return
    for key, part in parts.items():
        yield from _leaves((*path, key), part)


def short_names(arguments: Mapping[str, Any]) -> dict[Path, str]:
    """The shortest name of each part: its key alone, where no other part has it.

    >>> names = short_names({"x": "n", "params": {"W": "h n", "out": {"w": "h"}, "x": ""}})
    >>> list(names.values())
    ['x', 'W', 'w', 'params_x']
    """
    leaves = [leaf for name, value in arguments.items() for leaf in _leaves((name,), value)]
    endings = {path: list(_endings(path)) for path, _ in leaves}
    uses = Counter(name for names in endings.values() for name in names)
    sizes = {word for _, v in leaves if isinstance(v, str) for word in re.findall(r"[^\W\d]\w*", v)}
    taken = {*arguments, *sizes, *RESERVED}
    return {
        path: path[0]
        if len(path) == 1
        else next((n for n in names if uses[n] == 1 and n not in taken), names[-1])
        for path, names in endings.items()
    }


def _endings(path: Path) -> Iterator[str]:
    """The names that the last keys of a path make, the shortest first; all of it last."""
    for k in range(len(path) - 1, -1, -1):
        name = "_".join(map(str, path[k:]))
        if k == 0 or (isinstance(path[k], str) and name.isidentifier()):
            yield name


class Arguments:
    """What is stated of the arguments: shapes, values and roles by their names in the model."""

    def __init__(
        self, parameters: Sequence[str] | None, arguments: Mapping[str, Any], words: set[str]
    ) -> None:
        stated = [parameters] if isinstance(parameters, str) else parameters
        self.stated = None if stated is None else list(stated)
        self.shapes: dict[str, Shape] = {}
        self.values: dict[str, Any] = {}
        self.sizes: set[str] = set()
        self.groups: dict[str, list[str]] = {}
        self.handed = dict(arguments)
        self._names = short_names({k: v for k, v in arguments.items() if k not in words})

    def read(self, rec: Recording, name: str, value: Any) -> Any:
        """What the function is called with for an argument."""
        before = len(self.shapes)
        result = self._read(rec, (name,), value)
        self.groups[name] = list(self.shapes)[before:]
        return result

    def _read(self, rec: Recording, path: Path, value: Any) -> Any:
        if (parts := parts_of(value)) is not None:
            read = {key: self._read(rec, (*path, key), part) for key, part in parts.items()}
            return _like(value, read)
        full = "_".join(map(str, path))
        name = self._names.get(path, full)
        if isinstance(value, str):
            result: Any = self._traced(rec, name, read_shape(value, name))
        elif isinstance(value, float | np.floating):
            self.values[name] = float(value)
            result = self._traced(rec, name, ())
        elif hasattr(value, "__array__") and not callable(value):
            result = self._array(rec, name, value)
        elif isinstance(value, int) and self.stated is not None and name in self.stated:
            self.values[name] = float(value)
            result = self._traced(rec, name, ())
        else:
            return value
        self.groups.setdefault(full, [name])
        return result

    def _array(self, rec: Recording, name: str, value: Any) -> Any:
        array = np.asarray(value)
        whole = array.dtype.kind in "iub" and self.stated is not None
        if (whole and name not in self.stated) or array.dtype.kind == "b":  # type: ignore[operator]
            return value
        if array.dtype.kind not in "fiu":
            raise ModelError(f"the value of {name} is an array of {array.dtype}, not of numbers")
        self.values[name] = np.array(array, dtype=float) if array.ndim else float(array)
        return self._traced(rec, name, tuple(map(Integer, array.shape)))

    def _traced(self, rec: Recording, name: str, shape: Shape) -> Tracer:
        if not name.isidentifier():
            raise ModelError(f"{name!r} cannot be a name in a model; rename the key")
        name = name.strip("_") + "_" if name in WORDS or name.startswith("_") else name
        self.shapes[name] = shape
        self.sizes |= {symbol.name for size in shape for symbol in size.free_symbols}
        return Tracer(rec, Leaf(shape, name))

    def check(self, title: str) -> None:
        """Names must not clash, and something must be traced."""
        if clash := sorted(self.sizes & set(self.shapes)):
            raise ModelError(
                f"{clash[0]} is an argument and the size of an axis; name the size otherwise"
            )
        if not self.shapes:
            sizes = (v for k, v in self.handed.items() if k and v and isinstance(v, tuple | list))
            shape = next((v for v in sizes if all(isinstance(n, int) for n in v)), ("n",))
            stated = " ".join(map(str, shape))
            raise ModelError(
                f"no argument of {title} is traced; state shapes as text, as in "
                f'sd.trace({title}, w="{stated}", b="")'
            )

    def data(self, where: str) -> dict[str, Any]:
        """The values of what nothing is differentiated by."""
        wanted = set(self.parameters(where))
        return {name: value for name, value in self.values.items() if name not in wanted}

    def parameters(self, where: str) -> list[str]:
        """The names to differentiate by."""
        if self.stated is None:
            return list(self.shapes)
        result: list[str] = []
        for name in self.stated:
            found = [name] if name in self.shapes else self.groups.get(name, [])
            if not found:
                known = ", ".join(dict.fromkeys((*self.groups, *self.shapes)))
                raise ModelError(f"{name} is no traced argument of {where}; those are: {known}")
            result += found
        return result
