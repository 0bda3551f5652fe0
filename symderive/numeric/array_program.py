"""ArrayFunction: a value and its gradient on arrays, compiled to NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from symderive.errors import SymderiveError, ValueMissingError, not_an_array
from symderive.formulas.arrays.ops import shown
from symderive.formulas.arrays.syntax import Shape, Tree
from symderive.numeric.array_blocked import emit_fast
from symderive.numeric.array_lowering import lower_arrays
from symderive.numeric.array_source import ArrayProgram, emit
from symderive.numeric.function import Compiled, finite
from symderive.numeric.python_backend import load

_KEPT = 32  # compiled forms for different sizes

Positional = Callable[..., tuple[Any, ...]]


class ArrayFunction(Compiled):
    """A compiled value and gradient of a model with arrays.

    ``value, gradient = f(w=array)``: the gradient is a dict by parameter; names left out take the
    model's values. The sizes of axes come from the arrays.

    Args:
        definitions: Names and formulas in order: the stages, then what belongs to the derivatives.
        inputs: Shape of each name that is not defined, in the order of ``positional``.
        value: The name of the value.
        gradient: For each parameter the name of its derivative.
        defaults: Values of inputs.
        stable: Whether to use the stable forms.
        positive: Inputs and definitions that are positive definite matrices.

    >>> from sympy import Symbol
    >>> from symderive.formulas.arrays.ops import apply
    >>> from symderive.formulas.arrays.syntax import Leaf
    >>> x = Leaf((Symbol("n"),), "x")
    >>> f = ArrayFunction([("y", apply("matmul", x, x))], {"x": x.shape}, "y", {})
    >>> f.value_only(x=[3.0, 4.0])
    25.0
    """

    def __init__(
        self,
        definitions: Sequence[tuple[str, Tree]],
        inputs: Mapping[str, Shape],
        value: str,
        gradient: Mapping[str, str],
        *,
        defaults: Mapping[str, Any] | None = None,
        stable: bool = True,
        positive: Iterable[str] = (),
    ) -> None:
        self.definitions, self.shapes = tuple(definitions), dict(inputs)
        self.inputs = tuple(self.shapes)
        self.value, self.gradient = value, dict(gradient)
        self.defaults = dict(defaults or {})
        self.stable, self.positive = stable, tuple(positive)
        self.backend = "numpy"
        self._cache: dict[tuple[Any, ...], Positional] = {}
        self._fast: dict[tuple[int, ...], Positional] = {}
        self._plain_sizes = _places_of_sizes(self.shapes)
        self._places = tuple(self._plain_sizes.values())

    @cached_property
    def reduce(self) -> str:
        """``none`` where the value is an array, so that there is no one loss."""
        shape = self.shapes.get(self.value, ())
        for name, formula in self.definitions:
            if name == self.value:
                shape = formula.shape
        return "none" if shape else "sum"

    # Programs ---------------------------------------------------------------------------------

    def program(
        self, outputs: Sequence[str] | None = None, sizes: Mapping[str, int] | None = None
    ) -> ArrayProgram:
        """The steps that compute the value and the gradient, or other definitions."""
        return lower_arrays(
            self.definitions,
            self.shapes,
            self.outputs("gradient") if outputs is None else outputs,
            value=self.value,
            sizes=sizes,
            headings=self.headings,
            stable=self.stable,
            positive=self.positive,
        )

    @cached_property
    def source(self) -> str:
        """The function as readable source text, in the names of the model.

        What runs computes the same; for the sizes at hand it may go block by block and add up in
        another way.
        """
        return emit(self.program())

    def _compiled(self, what: str, sizes: Mapping[str, int]) -> Positional:
        """The function for arrays of about these sizes."""
        key = (what, *(size.bit_length() for size in sizes.values()))
        if key not in self._cache:
            if len(self._cache) >= _KEPT:
                self._cache.clear()
            program = self.program(self.outputs(what), sizes)
            quiet = np.errstate(all="ignore")  # 1/0 is inf, log(0) is -inf
            text = emit_fast(program, sizes) or emit(program, sizes)
            self._cache[key] = quiet(load(text))
        return self._cache[key]

    # Calls --------------------------------------------------------------------------------------

    def positional(self, *values: Any) -> tuple[Any, ...]:
        """The fast path: inputs in order, (value, *derivatives) back; nothing is checked."""
        sizes = [values[place].shape[axis] for place, axis in self._places]
        run = self._fast.get(tuple(sizes))
        if run is None:
            if len(self._fast) >= _KEPT:
                self._fast.clear()
            named = dict(zip(self._plain_sizes, sizes, strict=True))
            run = self._fast[tuple(sizes)] = self._compiled("gradient", named)
        return run(*values)

    def fastest(self, numbers: bool = False) -> Positional:
        """The positional form."""
        return self.positional

    def _call(self, what: str, values: Mapping[str, Any]) -> list[Any]:
        given = self.arguments(values)
        sizes = self.sizes(given)
        try:
            results = self._compiled(what, sizes)(*given)
        except np.linalg.LinAlgError as error:
            message = f"a matrix has no inverse or no factors at this point ({error})"
            raise SymderiveError(message) from None
        kind = np.result_type(*given) if given else np.dtype(np.float64)
        return [_own(result, given, kind) for result in results]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The inputs in order, as arrays of one type and numbers; all finite.

        Raises:
            ValueMissingError: A value is missing or is not finite.
            UnknownChoiceError: There is no input of this name.
            SymderiveError: Shapes do not fit.
        """
        arrays = [_checked(name, value) for name, value in self.given(values).items()]
        kinds = [a.dtype for a in arrays if a.ndim and a.dtype.kind == "f"]
        kind = np.result_type(*kinds) if kinds else np.dtype(np.float64)
        given = [a if a.dtype == kind else a.astype(kind) for a in arrays]
        self.sizes(given)
        return [a if a.ndim else a[()] for a in given]

    def sizes(self, given: Sequence[Any]) -> dict[str, int]:
        """The size of each symbolic axis.

        Raises:
            SymderiveError: An array has another number of axes than its shape states, or two
                arrays give one symbol different sizes.
        """
        bound: dict[str, tuple[int, str]] = {}
        rest: list[tuple[str, int, Expr, int]] = []
        for name, array in zip(self.inputs, given, strict=True):
            shape, have = self.shapes[name], np.shape(array)
            if len(shape) != len(have):
                message = (
                    f"{name} has the shape {shown(shape)}, but the array given for it has the shape"
                    f" {have}; give it {len(shape)} axes"
                )
                raise SymderiveError(message)
            for axis, (size, number) in enumerate(zip(shape, have, strict=True)):
                if not isinstance(size, Symbol):
                    rest.append((name, axis, size, number))
                    continue
                known = bound.setdefault(size.name, (number, name))
                if known[0] != number:
                    raise SymderiveError(self._mismatch(size, known, (number, name)))
        sizes = {name: number for name, (number, _) in bound.items()}
        for name, axis, size, number in rest:
            wanted = size.xreplace({s: sizes[s.name] for s in size.free_symbols if s.name in sizes})
            if not wanted.free_symbols and wanted != number:
                because = "" if size == wanted else f" ({size})"
                message = (
                    f"axis {axis} of {name} has {number} entries, but its shape"
                    f" {shown(self.shapes[name])} says {wanted}{because}"
                )
                raise SymderiveError(message)
        return {name: sizes[name] for name in self._plain_sizes}

    def _mismatch(self, size: Expr, one: tuple[int, str], other: tuple[int, str]) -> str:
        parts = [
            f"{size} = {number} in {name} {shown(self.shapes[name])}"
            for number, name in (one, other)
        ]
        return f"the arrays do not fit together: {' but '.join(parts)}"


def _places_of_sizes(shapes: Mapping[str, Shape]) -> dict[str, tuple[int, int]]:
    """Where each symbol stands first: (input, axis)."""
    found: dict[str, tuple[int, int]] = {}
    for place, shape in enumerate(shapes.values()):
        for axis, size in enumerate(shape):
            if isinstance(size, Symbol):
                found.setdefault(size.name, (place, axis))
    return found


def _checked(name: str, value: Any) -> Any:
    """An array of finite real numbers; of a number, one without axes."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueMissingError(not_an_array(name)) from None
    return finite(name, array)


def _own(result: Any, given: Sequence[Any], kind: Any) -> Any:
    """A result in the type of what was given, sharing no memory with it; a number without axes."""
    if isinstance(result, np.ndarray) and result.ndim:
        if result.dtype != kind:
            return result.astype(kind)
        if result.base is not None or any(result is array for array in given):
            return result.copy()
        return result
    return float(result) if kind == np.float64 else kind.type(result)
