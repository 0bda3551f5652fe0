"""The backend for batches: NumPy, in place, block by block, in the type of the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symderive.errors import SymderiveError, UnknownChoiceError
from symderive.numeric.blocked import BLOCK, Kernel, kernel
from symderive.numeric.program import REDUCTIONS, Program
from symderive.numeric.python_backend import load
from symderive.numeric.source import NUMPY, function_text

_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


def emit(program: Program) -> str:
    """The program as a Python module on arrays, an expression a line."""
    return function_text(program, NUMPY)


def _kernel(program: Program, arrays: frozenset[str], reduce: str, kind: Any) -> Kernel:
    whole = f"int{8 * kind.itemsize}" if kind.itemsize <= 8 else ""
    return kernel(program, arrays, reduce != "none", kind.name, whole)


class Work:
    """The arrays that a kernel computes in, cut to the size of a block.

    Args:
        made: The kernel.
        kind: The type of the numbers.
    """

    def __init__(self, made: Kernel, kind: Any) -> None:
        self.made, self.kind = made, kind
        self._capacity = self._size = 0
        self._views: list[Any] = []

    def cut(self, size: int) -> list[Any]:
        """The registers, the same as integers, and the arrays of one number."""
        if size != self._size:
            self._size = size
            if size > self._capacity:
                self._allocate(size)
            self._views = [array[:size] for array in self._whole]
        return self._views

    def _allocate(self, size: int) -> None:
        self._capacity = size
        registers = list(np.empty((self.made.registers, size), self.kind))
        whole = f"int{8 * self.kind.itemsize}"
        bits = [register.view(whole) for register in registers] if self.made.bits else []
        filled = [np.full(size, value, self.kind) for value in self.made.filled]
        self._whole = [*registers, *bits, *filled]


class _Compiled:
    """A kernel for one pattern of arrays and numbers, and one type."""

    def __init__(self, program: Program, pattern: tuple[bool, ...], reduce: str, kind: Any) -> None:
        pairs = zip(program.inputs, pattern, strict=True)
        arrays = frozenset(name for name, is_array in pairs if is_array)
        self.made = _kernel(program, arrays, reduce, kind)
        self.run = load(self.made.text)
        self.varies = [name in self.made.columns for name in dict.fromkeys(program.outputs)]
        self.idle: list[Work] = []


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
        self._compiled: dict[tuple[Any, ...], _Compiled] = {}
        self._single: Any = None

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """The outputs in order."""
        columns: list[Any] = []
        given: list[Any] = []
        pattern: list[bool] = []
        for value in values:
            column = value if type(value) is float else as_array(value)
            columns.append(column)
            is_array = type(column) is not float
            pattern.append(is_array)
            if is_array:
                given.append(column)
        if not given:
            return self._of_numbers(columns)
        shape, kind = given[0].shape, given[0].dtype
        plain = len(shape) == 1 and (kind is _FLOAT64 or kind is _FLOAT32)
        for array in given:
            if array.dtype is not kind or array.shape != shape or not array.flags.c_contiguous:
                plain = False
        if not plain:
            shape, kind = self._shape(given), _floating(np.result_type(*given))
            columns = [c if type(c) is float else _column(c, shape, kind) for c in columns]
        return self._run(columns, tuple(pattern), shape, kind)

    def _of_numbers(self, values: list[float]) -> tuple[Any, ...]:
        if self._single is None:
            self._single = load(emit(self.program))
        with np.errstate(all="ignore"):
            return tuple(map(np.float64, self._single(*map(np.float64, values))))

    def _shape(self, given: list[Any]) -> tuple[int, ...]:
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
        compiled = self._compiled.get((pattern, kind))
        if compiled is None:
            compiled = _Compiled(self.program, pattern, self.reduce, kind)
            self._compiled[pattern, kind] = compiled
        size = math.prod(shape)
        reduce = self.reduce != "none"
        results = [] if reduce else [np.empty(size, kind) for vary in compiled.varies if vary]
        block = size or 1
        if size > BLOCK:
            count = -(-size // BLOCK)
            block = -(-size // count)  # all of one size: a short one costs as many calls
        work = compiled.idle.pop() if compiled.idle else Work(compiled.made, kind)
        with np.errstate(all="ignore"):
            returned = compiled.run(*columns, size, block, work, results)
        compiled.idle.append(work)
        if reduce:
            scale = 1.0 / size if self.reduce == "mean" and size else 1.0
            number = kind.type
            return tuple([number(value * scale) for value in returned])
        filled, fixed = iter(results), iter(returned)
        by_name = {
            name: next(filled).reshape(shape) if vary else np.full(shape, next(fixed), kind)
            for name, vary in zip(dict.fromkeys(self.program.outputs), compiled.varies, strict=True)
        }
        return tuple(by_name[name] for name in self.program.outputs)


def compile_program(program: Program, reduce: str = "none") -> NumpyFunction:
    """A function of the inputs in order, numbers or arrays, that returns the outputs."""
    return NumpyFunction(program, reduce)


def _floating(kind: Any) -> Any:
    """The type to compute in, in the machine's order of bytes."""
    return kind.newbyteorder("=") if np.issubdtype(kind, np.floating) else _FLOAT64


def _column(array: Any, shape: tuple[int, ...], kind: Any) -> Any:
    """One-dimensional and contiguous, in the type of the computation."""
    if array.shape == shape and array.dtype == kind and array.flags.c_contiguous:
        return array if array.ndim == 1 else array.reshape(-1)
    return np.ascontiguousarray(np.broadcast_to(array, shape), kind).reshape(-1)


def as_array(value: Any) -> Any:
    """A float, or an array with at least one axis."""
    if type(value) is np.ndarray and value.ndim:
        return value
    if isinstance(value, float | int):
        return float(value)
    array = np.asarray(value)
    return array if array.ndim else float(array)
