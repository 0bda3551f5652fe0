"""The backend for batches: NumPy, in place, block by block, in the type of the data."""

from __future__ import annotations

import math
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from symderive.errors import SymderiveError, UnknownChoiceError
from symderive.numeric.blocked import BLOCK, Kernel, kernel
from symderive.numeric.program import Program
from symderive.numeric.python_backend import load
from symderive.numeric.source import NUMPY, function_text

CHUNK = (
    16 * BLOCK
)  # rows that a thread takes at a time; fixed, so that sums do not depend on threads
REDUCTIONS = ("none", "mean", "sum")


def emit(program: Program) -> str:
    """The program as a Python module on arrays, an expression a line."""
    return function_text(program, NUMPY)


def emit_blocked(program: Program, arrays: frozenset[str], reduce: str = "none") -> str:
    """The source that runs when these inputs are arrays."""
    return kernel(program, arrays, reduce != "none").text


if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class NumpyFunction:
    """A program on arrays that broadcast; each pattern of arrays and numbers is compiled once.

    Args:
        program: What to compute.
        reduce: ``none`` returns arrays of the broadcast shape, ``mean`` and ``sum`` reduce each
            output over all of its rows.
    """

    def __init__(self, program: Program, reduce: str = "none") -> None:
        if reduce not in REDUCTIONS:
            raise UnknownChoiceError("reduction", reduce, REDUCTIONS)
        self.program, self.reduce = program, reduce
        self._kernels: dict[tuple[bool, ...], tuple[Any, Kernel, list[Any]]] = {}
        self._single: Any = None
        self._varying: dict[tuple[bool, ...], tuple[bool, ...]] = {}

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """The outputs in order."""
        arrays = [as_array(value) for value in values]
        pattern = tuple(isinstance(array, np.ndarray) for array in arrays)
        given = [array for array in arrays if isinstance(array, np.ndarray)]
        if not given:
            if self._single is None:
                self._single = load(emit(self.program))
            with np.errstate(all="ignore"):
                return tuple(map(np.float64, self._single(*map(np.float64, arrays))))
        kind = given[0].dtype
        if any(array.dtype != kind for array in given):
            kind = np.result_type(*given)
        kind = kind if np.issubdtype(kind, np.floating) else np.dtype(np.float64)
        shape = self._shape(given)
        columns = [
            _column(array, shape, kind) if is_array else array
            for array, is_array in zip(arrays, pattern, strict=True)
        ]
        return self._run(columns, pattern, shape, kind)

    def _shape(self, given: list[Any]) -> tuple[int, ...]:
        shape = given[0].shape
        if all(array.shape == shape for array in given):
            return shape
        try:
            return np.broadcast_shapes(*(array.shape for array in given))
        except ValueError:
            shapes = ", ".join(
                f"{name}: {np.shape(array)}"
                for name, array in zip(self.program.inputs, given, strict=False)
            )
            message = f"the arrays do not broadcast ({shapes}); give them shapes that do"
            raise SymderiveError(message) from None

    def _run(
        self, columns: list[Any], pattern: tuple[bool, ...], shape: tuple[int, ...], kind: Any
    ) -> tuple[Any, ...]:
        run, made, pool = self._compiled(pattern)
        size = math.prod(shape)
        varies = self._varying[pattern]
        reduce = self.reduce != "none"
        results = [] if reduce else [np.empty(size, kind) for vary in varies if vary]

        def chunk(first: int) -> tuple[Any, ...]:
            try:
                work = pool.pop()
            except IndexError:
                work = None
            if work is None or work.dtype != kind:
                work = np.empty((made.registers, BLOCK), kind)
            with np.errstate(all="ignore"):
                returned = run(*columns, first, min(first + CHUNK, size), work, results)
            pool.append(work)
            return returned

        if size <= CHUNK:
            returned = chunk(0)
        else:
            parts = list(_threads().map(chunk, range(0, size, CHUNK)))
            returned = tuple(map(sum, zip(*parts, strict=True))) if reduce else parts[0]
        if reduce:
            scale = 1.0 / size if self.reduce == "mean" and size else 1.0
            return tuple(kind.type(value * scale) for value in returned)
        filled, fixed = iter(results), iter(returned)
        by_name = {
            name: next(filled).reshape(shape) if vary else np.full(shape, next(fixed), kind)
            for name, vary in zip(dict.fromkeys(self.program.outputs), varies, strict=True)
        }
        return tuple(by_name[name] for name in self.program.outputs)

    def _compiled(self, pattern: tuple[bool, ...]) -> tuple[Any, Kernel, list[Any]]:
        if pattern not in self._kernels:
            pairs = zip(self.program.inputs, pattern, strict=True)
            arrays = frozenset(name for name, is_array in pairs if is_array)
            made = kernel(self.program, arrays, self.reduce != "none")
            self._varying[pattern] = tuple(
                name in made.columns for name in dict.fromkeys(self.program.outputs)
            )
            self._kernels[pattern] = load(made.text), made, []
        return self._kernels[pattern]


def compile_program(program: Program, reduce: str = "none") -> NumpyFunction:
    """A function of the inputs in order, numbers or arrays, that returns the outputs."""
    return NumpyFunction(program, reduce)


@cache
def _threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    affinity = getattr(os, "sched_getaffinity", None)
    return ThreadPoolExecutor(min(8, len(affinity(0)) if affinity else os.cpu_count() or 1))


def _column(array: Any, shape: tuple[int, ...], kind: Any) -> Any:
    """One-dimensional and contiguous, in the type of the computation."""
    if array.shape == shape and array.dtype == kind and array.flags.c_contiguous:
        return array if array.ndim == 1 else array.reshape(-1)
    return np.ascontiguousarray(np.broadcast_to(array, shape), kind).reshape(-1)


def as_array(value: Any) -> Any:
    """A float, or an array with at least one axis."""
    if isinstance(value, float | int):
        return float(value)
    array = np.asarray(value)
    return array if array.ndim else float(array)
