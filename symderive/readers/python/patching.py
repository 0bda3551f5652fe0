"""What stands in for functions that cannot take a traced value, for the length of one call.

``math.exp``, ``len``, ``np.zeros`` and some of SciPy's functions ask for plain numbers and arrays,
and ask no protocol. While the user's function runs, they are replaced where it finds them: in their
modules, and in the global names of the functions that run. A replacement hands on what holds no
traced value. Everything is put back at the end, after an error too.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from symderive.readers.python.choosing import whole_part
from symderive.readers.python.complexes import applied, holds_complex, paired
from symderive.readers.python.composed import COMPOSED
from symderive.readers.python.functions import SAME, entrywise, numpy_function
from symderive.readers.python.joining import holds
from symderive.readers.python.numerical import entry_by_entry
from symderive.readers.python.order import ordered
from symderive.readers.python.randomness import Unseeded, drawing, is_generator
from symderive.readers.python.recording import Recording, is_users, refused
from symderive.readers.python.scipy_functions import SCIPY, distributions
from symderive.readers.python.tracer import Tracer, binary, call, operand, wrap

Made = Callable[..., Any]
_LOCK = RLock()
_MISSING = object()


def _either(rec: Recording, plain: Made, traced: Made) -> Made:
    """The plain function, or what stands for it where a traced value is among its arguments."""

    def function(*args: Any, **more: Any) -> Any:
        args = tuple(list(arg) if hasattr(type(arg), "__next__") else arg for arg in args)
        if holds(args) or holds(more.values()):
            return traced(*args, **more)
        return plain(*args, **more)

    function.__name__ = getattr(plain, "__name__", "function")
    function.__doc__ = getattr(plain, "__doc__", None)
    return function


# Python's own -----------------------------------------------------------------------------


def _len(rec: Recording, x: Any) -> Any:
    return x.shape[0] if type(x) is Tracer and x.ndim else len(x)


def _extreme(name: str, plain: Made) -> Callable[..., Any]:
    def made(rec: Recording, *args: Any, **more: Any) -> Any:
        values = list(args[0]) if len(args) == 1 else list(args)
        if more or not holds(values):
            return plain(*args, **more)
        result = values[0]
        for value in values[1:]:
            result = call(rec, name, result, value)
        return result

    return made


def _float(rec: Recording, x: Any) -> Any:
    return x.item() if x.ndim else x


def _number_type(rec: Recording, plain: type, made: Callable[..., Any]) -> type:
    """What stands for ``float`` and ``int``: a type still, for isinstance and for dtype=float."""

    class Meta(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, plain)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, plain)

        def __eq__(cls, other: object) -> bool:
            return other is plain or other is cls

        def __hash__(cls) -> int:
            return hash(plain)

        def __getattr__(cls, name: str) -> Any:
            return getattr(plain, name)

        def __call__(cls, *args: Any, **more: Any) -> Any:
            return made(rec, *args) if holds(args) else plain(*args, **more)

    return Meta(plain.__name__, (plain,), {})


def _sum(rec: Recording, values: Any, start: Any = 0) -> Any:
    if type(values) is Tracer:
        return start + call(rec, "sum", values, axis=0)
    return builtins.sum(values, start)


BUILTINS: Mapping[str, Callable[..., Any]] = {
    "len": _len,
    "max": _extreme("maximum", builtins.max),
    "min": _extreme("minimum", builtins.min),
    "float": _float,
    "int": lambda rec, x: whole_part(rec, _float(rec, x)),
    "complex": paired,
    "sum": _sum,
    "divmod": lambda rec, x, y: entrywise(rec, "divmod", (x, y)),
    "sorted": ordered,
}
"""Functions that must give, or take, a plain number."""


def _no_reading(name: str) -> Made:
    def made(*_: Any, **__: Any) -> Any:
        raise refused(
            f"{name}(…) reads or writes while the function is traced; pass values instead"
        )

    return made


# NumPy's and SciPy's ----------------------------------------------------------------------


def _made_array(rec: Recording, value: Any, *_: Any, **__: Any) -> Any:
    if type(value) is Tracer:
        return value.copy()
    if holds_complex((value,)):
        return applied(rec, "array", (value,), {})
    return wrap(rec, operand(rec, value))


def _same(rec: Recording, value: Any, *_: Any, **__: Any) -> Any:
    if holds_complex((value,)):
        return applied(rec, "asarray", (value,), {})
    return value if type(value) is Tracer else wrap(rec, operand(rec, value))


def _filled(name: str, value: Any) -> Callable[..., Any]:
    """Arrays of one value, which the program may set entries of."""

    def made(rec: Recording, plain: Made, *args: Any, **more: Any) -> Any:
        place = 2 if name.startswith("full") else 1
        kind = more.get("dtype", args[place] if len(args) > place else None)
        real = kind is None or np.dtype(kind).kind == "f"
        zero = value == 0 and kind is not None and np.dtype(kind).kind == "c"
        if zero and is_users(sys._getframe(2).f_code.co_filename):
            return applied(rec, "zeros", args[:1], {})
        if not (holds(args) or holds(more.values())):
            whole = name == "full" and kind is None  # NumPy cuts off what is set in whole numbers
            whole = whole and np.asarray(plain(*args, **more)).dtype.kind in "iub"
            if whole or not (real and is_users(sys._getframe(2).f_code.co_filename)):
                return plain(*args, **more)
            if (
                name.endswith("like")
                and np.asarray(args[0]).dtype.kind not in "fO"
                and kind is None
            ):
                return plain(*args, **more)
        first = args[0] if args else more.get("shape")
        shape = first.shape if isinstance(first, np.ndarray) and name.endswith("like") else first
        if name.endswith("like") and isinstance(shape, int | float | list):
            shape = np.shape(shape)
        fill = value
        if name.startswith("full"):
            fill = args[1] if len(args) > 1 else more["fill_value"]
        return call(rec, "full", shape, wrap(rec, operand(rec, fill)))

    return made


FILLED: Mapping[str, Any] = {
    **{"zeros": 0, "ones": 1, "empty": 0, "full": None},
    **{"zeros_like": 0, "ones_like": 1, "empty_like": 0, "full_like": None},
}


def _eye(rec: Recording, n: Any, m: Any = None, k: int = 0, *_: Any, **__: Any) -> Any:
    if m is not None and m is not n and type(m) is not int:
        raise refused("np.eye of a size that is a symbol is square")
    if k:
        return COMPOSED["diag"](rec, call(rec, "ones", n - abs(k)), k)
    return call(rec, "eye", n)


def _eye_of_number(rec: Recording, plain: Made, n: Any, *args: Any, **more: Any) -> Any:
    """The identity, which the program may set entries of."""
    if holds((n, *args)) or holds(more.values()):
        return _eye(rec, n, *args, **more)
    made = plain(n, *args, **more)
    square = made.shape[0] == made.shape[1] == made.sum() == made.trace()
    if made.dtype != float or not square or not is_users(sys._getframe(2).f_code.co_filename):
        return made
    return call(rec, "eye", int(n))


def _general(name: str) -> Callable[..., Any]:
    return lambda rec, *args, **more: numpy_function(rec, name, args, more)


ARRAYS: Mapping[str, Callable[..., Any]] = {
    "array": _made_array,
    "asarray": _same,
    "asanyarray": _same,
    "ascontiguousarray": _same,
    "fromiter": _made_array,
    "asfarray": _same,
    "tri": lambda rec, n, m=None, k=0: call(
        rec, "tril", call(rec, "ones", (n, n if m is None else m)), k=k
    ),
    **{name: _general(name) for name in ("sum", "mean", "prod", "max", "min", "var", "std")},
    **{name: _general(name) for name in ("cumsum", "dot", "amax", "amin", "average", "outer")},
    "arange": _general("arange"),
    "linspace": _general("linspace"),
    "broadcast_to": lambda rec, x, shape: numpy_function(
        rec, "broadcast_to", (_same(rec, x), shape), {}
    ),
    "ndenumerate": lambda rec, x: ((place, x[place]) for place in np.ndindex(x.shape)),
    "nditer": lambda rec, x, *_, **__: iter(x.flat),
}


class _Joining:
    """``np.r_`` and ``np.c_`` where a traced value is among what is joined."""

    def __init__(self, rec: Recording, plain: Any, columns: bool) -> None:
        self.rec, self.plain, self.columns = rec, plain, columns

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not holds(parts):
            return self.plain[key]
        if self.columns:
            return COMPOSED["column_stack"](self.rec, parts)
        rows = [COMPOSED["atleast_1d"](self.rec, part) for part in parts]
        return call(self.rec, "concatenate", rows)


class _Ufunc:
    """A universal function that takes lists of traced values too."""

    def __init__(self, rec: Recording, plain: np.ufunc) -> None:
        self._rec, self._plain = rec, plain
        self.__name__ = plain.__name__

    def __call__(self, *args: Any, **more: Any) -> Any:
        return self._plain(*map(self._array, args), **more)

    def _array(self, value: Any) -> Any:
        return (
            _same(self._rec, value) if isinstance(value, list | tuple) and holds(value) else value
        )

    def reduce(self, array: Any, *args: Any, **more: Any) -> Any:
        """Along an axis."""
        return self._plain.reduce(self._array(array), *args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


# Replacing and putting back ---------------------------------------------------------------


class Patches:
    """Replacements made, so that they can be put back.

    Args:
        rec: The recording of the call.
    """

    def __init__(self, rec: Recording) -> None:
        self.rec = rec
        self.by_id: dict[int, Any] = {}
        self._undo: list[tuple[Any, str, Any]] = []
        self._cells: list[tuple[Any, Any]] = []
        self._seen: set[int] = set()
        self._builtins: dict[str, Any] = {}

    def _set(self, owner: Any, name: str, new: Any) -> None:
        space = owner if isinstance(owner, dict) else vars(owner)
        old = space.get(name, _MISSING)
        self._undo.append((owner, name, old))
        if isinstance(owner, dict):
            owner[name] = new
        else:
            setattr(owner, name, new)

    def _replace(self, owner: Any, name: str, traced: Made) -> None:
        plain = getattr(owner, name, None)
        if plain is None:
            return
        new = _either(self.rec, plain, traced)
        self.by_id[id(plain)] = new
        self._set(owner, name, new)

    def modules(self) -> None:
        """Replace in the modules themselves."""
        rec = self.rec
        for name in dir(math):
            if not name.startswith("_") and callable(getattr(math, name)):
                self._replace(math, name, _by_name(rec, name))
        for name, made in ARRAYS.items():
            self._replace(np, name, _first(rec, made))
        for name in ("eye", "identity"):
            plain = getattr(np, name)
            new = _always(rec, plain, _eye_of_number)
            self.by_id[id(plain)] = new
            self._set(np, name, new)
        self._of_lists()
        for name, value in FILLED.items():
            plain = getattr(np, name)
            new = _always(rec, plain, _filled(name, value))
            self.by_id[id(plain)] = new
            self._set(np, name, new)
        for name, columns in (("r_", False), ("c_", True)):
            joining = _Joining(rec, getattr(np, name), columns)
            self.by_id[id(getattr(np, name))] = joining
            self._set(np, name, joining)
        for module, rows in SCIPY.items():
            owner = sys.modules.get(module)
            for name, made in rows.items() if owner is not None else ():
                self._replace(owner, name, _first(rec, made))
        distributions(self._replace, self._set, rec)
        self._vectorize()
        self._random()
        for name, made in BUILTINS.items():
            plain = getattr(builtins, name)
            typed = isinstance(plain, type)
            self._builtins[name] = (
                _number_type(rec, plain, made) if typed else _either(rec, plain, _first(rec, made))
            )
        self._builtins["max"] = _first(rec, BUILTINS["max"])
        self._builtins["min"] = _first(rec, BUILTINS["min"])
        for name in ("open", "input"):
            self._builtins[name] = _no_reading(name)

    def _of_lists(self) -> None:
        """NumPy's functions, which ask no protocol of what stands inside a list."""
        own = {*ARRAYS, *FILLED, "eye", "identity"}
        for owner, prefix in ((np, ""), (np.linalg, "linalg.")):
            for name, plain in list(vars(owner).items()):  # dir() names modules not yet imported
                if isinstance(plain, np.ufunc):
                    new: Any = _Ufunc(self.rec, plain)
                elif f"{prefix}{name}" in {*COMPOSED, *SAME} - own:
                    if id(plain) in self.by_id or isinstance(plain, type):
                        continue
                    new = _either(self.rec, plain, _first(self.rec, _general(f"{prefix}{name}")))
                else:
                    continue
                self.by_id[id(plain)] = new
                self._set(owner, name, new)

    def _vectorize(self) -> None:
        """Functions that ``np.vectorize`` has made, before the call or in it."""
        plain, rec = np.vectorize.__call__, self.rec

        def called(own: Any, *args: Any, **more: Any) -> Any:
            if holds(args):
                return entry_by_entry(rec, own.pyfunc, args, more)
            return plain(own, *args, **more)

        self._set(np.vectorize, "__call__", called)

    def _random(self) -> None:
        for module, name, new in drawing():
            self.by_id[id(getattr(module, name))] = new
            self._set(module, name, new)

    def frame(self, frame: FrameType) -> None:
        """Replace among the global names of a function that is about to run."""
        space = frame.f_globals
        if id(space) in self._seen:
            return
        self._seen.add(id(space))
        for name, value in list(space.items()):
            if name == "__builtins__":
                continue
            if (new := self._instead(value)) is not None:
                self._set(space, name, new)
            elif getattr(value, "__module__", None) in (None, space.get("__name__")):
                self._inside(value)
        for name, new in self._builtins.items():
            if space.get(name, _MISSING) in (_MISSING, getattr(builtins, name)):
                self._set(space, name, new)

    def _instead(self, value: Any) -> Any:
        if is_generator(value):
            return Unseeded()
        try:
            return self.by_id.get(id(value))
        except TypeError:
            return None

    def _inside(self, value: Any) -> None:
        """Replace in a table of functions, among the defaults of one, in what a class holds."""
        if isinstance(value, FunctionType):
            old = value.__defaults__ or ()
            new = tuple(each if (n := self._instead(each)) is None else n for each in old)
            if any(one is not other for one, other in zip(old, new, strict=True)):
                self._undo.append((value, "__defaults__", old))
                value.__defaults__ = new
            value = value.__kwdefaults__
        if type(value) is dict or isinstance(value, type):
            for key, part in list((value if type(value) is dict else vars(value)).items()):
                static = isinstance(part, staticmethod)
                if (found := self._instead(part.__func__ if static else part)) is not None:
                    self._set(value, key, staticmethod(found) if static else found)
                elif isinstance(part, FunctionType):
                    self._inside(part)

    def closure(self, function: Any, level: int = 0) -> None:
        """Replace among the variables that a function, and those it holds, are closed over."""
        function = getattr(function, "__func__", function)
        if not isinstance(function, FunctionType) or level > 4:
            return
        self._inside(function)
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if (new := self._instead(value)) is not None:
                self._cells.append((cell, value))
                cell.cell_contents = new
            elif isinstance(value, FunctionType) and value is not function:
                self.closure(value, level + 1)
            else:
                self._inside(value)

    def put_back(self) -> None:
        """Undo every replacement."""
        for cell, value in reversed(self._cells):
            cell.cell_contents = value
        for owner, name, old in reversed(self._undo):
            if isinstance(owner, dict):
                if old is _MISSING:
                    owner.pop(name, None)
                else:
                    owner[name] = old
            elif old is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


def _first(rec: Recording, made: Callable[..., Any]) -> Made:
    return lambda *args, **more: made(rec, *args, **more)


def _always(rec: Recording, plain: Made, made: Callable[..., Any]) -> Made:
    def function(*args: Any, **more: Any) -> Any:
        return made(rec, plain, *args, **more)

    return function


def _by_name(rec: Recording, name: str) -> Made:
    if name == "prod":
        return lambda values, start=1: _product(rec, values, start)
    if name == "fsum":
        return lambda values: builtins.sum(values)
    if name == "remainder":  # NumPy's of this name has the sign of the divisor
        return lambda x, y: x - y * call(rec, "round", binary(rec, "divide", x, y))
    return lambda *args: entrywise(rec, name, args)


def _product(rec: Recording, values: Any, start: Any) -> Any:
    result = start
    for value in values:
        result = binary(rec, "multiply", result, value)
    return result


@contextmanager
def replaced_functions(rec: Recording, function: Any) -> Iterator[Patches]:
    """Replacements for the length of one call."""
    with _LOCK:
        patches = Patches(rec)
        try:
            patches.modules()
            patches.closure(function)
            yield patches
        finally:
            patches.put_back()
