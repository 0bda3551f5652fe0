"""Random numbers while a function is traced: those of a seed that the function states are data.

Others would differ from call to call, and are refused.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symderive.readers.python.joining import holds
from symderive.readers.python.recording import is_users, refused

Made = Callable[..., Any]

_BY_SEED = frozenset({"default_rng", "seed"})
"""Functions of a seed; after ``seed``, the functions of the module draw the same numbers again."""


class Unseeded:
    """A generator from outside the function, which a traced function cannot use."""

    def __getattr__(self, name: str) -> Any:
        return _refusing(name)


class _Seeded:
    """A generator of a stated seed: its numbers are data, and do not depend on traced values."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        return _of_data(found, name) if callable(found) else found


MOVED: Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    **dict.fromkeys(
        ("normal", "gauss", "normalvariate", "laplace", "logistic", "gumbel"),
        (("loc", "scale"), lambda z, loc=0.0, scale=1.0: loc + scale * z),
    ),
    "uniform": (("low", "high"), lambda z, low=0.0, high=1.0: low + (high - low) * z),
    "exponential": (("scale",), lambda z, scale=1.0: scale * z),
}
"""The parameters of what is a standard number moved and scaled, and how it is."""


def _moved(plain: Made, name: str, args: Any, more: Mapping[str, Any]) -> Any:
    """A standard number of the same draw, moved and scaled by traced values."""
    names, place = MOVED[name]
    given = {**dict(zip((*names, "size"), args, strict=False)), **more}
    size = given.pop("size", None)
    if size is None:
        size = np.broadcast_shapes(*(np.shape(part) for part in given.values())) or None
    standard = (1.0,) if len(names) == 1 else (0.0, 1.0)
    return place(plain(*standard, **({} if size is None else {"size": size})), **given)


def _of_data(plain: Made, name: str) -> Made:
    def made(*args: Any, **more: Any) -> Any:
        if holds(args) or holds(more.values()):
            kind = name.rpartition(".")[2]
            if kind in MOVED and not holds((more.get("size", ()), args[len(MOVED[kind][0]) :])):
                return _moved(plain, kind, args, more)
            raise refused(
                f"{name}(…) draws random numbers that depend on a traced value; draw standard ones "
                "and transform them, as in mu + sigma*rng.standard_normal(n)"
            )
        return plain(*args, **more)

    return made


def _refusing(name: str) -> Made:
    def made(*_: Any, **__: Any) -> Any:
        raise refused(
            f"{name}(…) draws random numbers while the function is traced; "
            "draw them outside and pass them as an argument, or state a seed in the function: "
            "rng = np.random.default_rng(0)"
        )

    return made


def is_generator(value: object) -> bool:
    """Whether a value draws random numbers."""
    return isinstance(value, np.random.Generator | np.random.RandomState | random.Random)


def drawing() -> list[tuple[Any, str, Any]]:
    """What stands in for the functions of ``random`` and ``np.random``, by module and name."""
    found: list[tuple[Any, str, Any]] = [
        (np.random, kind.__name__, _generators(kind))
        for kind in (np.random.RandomState, np.random.Generator)
    ]
    for module in (random, np.random):
        seeded: set[str] = set()
        for name in dir(module):
            plain = getattr(module, name)
            if not name.startswith("_") and callable(plain) and not isinstance(plain, type):
                found.append((module, name, _drawing(plain, name, module.__name__, seeded)))
    return found


def _generators(plain: type) -> type:
    """What stands for a class of generators; a class still, for isinstance."""

    class Meta(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, plain)

        def __call__(cls, *args: Any, **more: Any) -> Any:
            if not any(value is not None for value in (*args, *more.values())):
                return _refusing(plain.__name__)()
            return _Seeded(plain(*args, **more))

    return Meta(plain.__name__, (), {})


def _drawing(plain: Made, name: str, module: str, seeded: set[str]) -> Made:
    of_data, refusing = _of_data(plain, f"{module}.{name}"), _refusing(f"{module}.{name}")

    def made(*args: Any, **more: Any) -> Any:
        if not is_users(sys._getframe(1).f_code.co_filename):
            return plain(*args, **more)
        stated = name in _BY_SEED and any(v is not None for v in (*args, *more.values()))
        if stated and name == "seed":
            seeded.add(name)
        if stated or seeded:
            result = of_data(*args, **more)
            return _Seeded(result) if is_generator(result) else result
        return refusing()

    return made
