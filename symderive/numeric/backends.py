"""BACKENDS: what can print and run a Program, a row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symderive.errors import UnknownChoiceError
from symderive.numeric import python_backend
from symderive.numeric.program import Program


def _numpy_emit(program: Program) -> str:
    from symderive.numeric import numpy_backend  # NumPy takes 0.1 s to import

    return numpy_backend.emit(program)


def _numpy_compile(program: Program) -> Callable[..., tuple[Any, ...]]:
    from symderive.numeric import numpy_backend

    return numpy_backend.compile_program(program)


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to print and run a program.

    Attributes:
        name: As users choose it.
        title: What it is for.
        emit: Program to source text.
        compile: Program to a function of the inputs that returns the outputs.
    """

    name: str
    title: str
    emit: Callable[[Program], str]
    compile: Callable[[Program], Callable[..., tuple[Any, ...]]]


_ROWS = (
    Backend("python", "plain numbers", python_backend.emit, python_backend.compile_program),
    Backend("numpy", "arrays", _numpy_emit, _numpy_compile),
)

BACKENDS: dict[str, Backend] = {row.name: row for row in _ROWS}
"""Every backend by name."""


def backend(name: str) -> Backend:
    """The row of a backend.

    Raises:
        UnknownChoiceError: There is none of this name.
    """
    if name not in BACKENDS:
        raise UnknownChoiceError("backend", name, BACKENDS)
    return BACKENDS[name]


def source(program: Program, name: str = "python") -> str:
    """The program as source text of a backend."""
    return backend(name).emit(program)


def compile_program(program: Program, name: str = "python") -> Callable[..., tuple[Any, ...]]:
    """The program as a function of its inputs, in order, that returns its outputs as a tuple."""
    return backend(name).compile(program)
