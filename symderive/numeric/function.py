"""Function: a value and its gradient, compiled; called by name or, faster, by position."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sympy import Expr

from symderive.errors import UnknownChoiceError, ValueMissingError
from symderive.numeric.backends import BACKENDS, compile_program, source
from symderive.numeric.kinds import Filled
from symderive.numeric.lowering import lower
from symderive.numeric.program import REDUCTIONS, Program

AUTO = "auto"


class Compiled(ABC):
    """What a value and its gradient are of numbers and of arrays alike: how they are called."""

    definitions: tuple[tuple[str, Any], ...]
    inputs: tuple[str, ...]
    value: str
    gradient: dict[str, str]
    defaults: dict[str, Any]

    def outputs(self, what: str) -> list[str]:
        """The names to compute for the gradient and the value, the value alone, or all stages."""
        if what == "stages":
            return [name for name, _ in self.definitions]
        return [self.value, *(self.gradient.values() if what == "gradient" else ())]

    @property
    def headings(self) -> dict[str, str]:
        """A comment before the stages, and before what belongs to the derivatives."""
        names = self.outputs("stages")
        after = names[names.index(self.value) + 1 :] if self.value in names else []
        return {after[0]: "Derivatives, backwards", names[0]: "Stages"} if after else {}

    def __call__(self, **values: Any) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient by parameter.

        Raises:
            ValueMissingError: A value is missing or is not finite.
            UnknownChoiceError: There is no input of this name.
            SymderiveError: Shapes do not fit.
        """
        value, *slopes = self._call("gradient", values)
        return value, dict(zip(self.gradient, slopes, strict=True))

    def value_only(self, **values: Any) -> Any:
        """The value without the gradient."""
        return self._call("value", values)[0]

    def stages(self, **values: Any) -> dict[str, Any]:
        """Every definition by name: stages, links and adjoints."""
        return dict(zip(self.outputs("stages"), self._call("stages", values), strict=True))

    @abstractmethod
    def _call(self, what: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """What ``outputs`` names, in order."""

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the inputs in order: those given, else the model's.

        Raises:
            ValueMissingError: A value is missing.
            UnknownChoiceError: There is no input of this name.
        """
        found = {
            name: self.defaults.get(name) if (value := values.get(name)) is None else value
            for name in self.inputs
        }
        for name in values:
            if name not in found:
                raise UnknownChoiceError("value", name, self.inputs)
        if missing := [name for name, value in found.items() if value is None]:
            message = f"no value for {', '.join(missing[:10])}; pass {missing[0]}=… or set it in"
            raise ValueMissingError(f"{message} the model")
        return found


class Function(Compiled):
    """A compiled value and gradient.

    ``value, gradient = f(w1=0.7)``: the gradient is a dict by parameter; names left out take the
    model's values. Arrays broadcast over a batch.

    Args:
        definitions: Names and formulas in order: the stages, then what belongs to the derivatives.
        inputs: Names that are not defined, in the order of ``positional``.
        value: The name of the value.
        gradient: For each parameter the name of its derivative.
        defaults: Values of inputs.
        backend: ``python`` for numbers, ``numpy`` for arrays, ``auto`` by the values of each call.
        reduce: ``none``, or ``mean`` or ``sum`` over the rows of a batch.
        stable: Whether to use the stable forms.
        like: The same function for another backend or reduction, whose programs are these.
    """

    def __init__(
        self,
        definitions: Sequence[tuple[str, Expr | Filled]],
        inputs: Sequence[str],
        value: str,
        gradient: Mapping[str, str],
        *,
        defaults: Mapping[str, Any] | None = None,
        backend: str = AUTO,
        reduce: str | None = None,
        stable: bool = True,
        like: Function | None = None,
    ) -> None:
        if backend != AUTO and backend not in BACKENDS:
            raise UnknownChoiceError("backend", backend, [AUTO, *BACKENDS])
        if reduce not in (None, *REDUCTIONS):
            raise UnknownChoiceError("reduction", str(reduce), REDUCTIONS)
        self.definitions, self.inputs = tuple(definitions), tuple(inputs)
        self.value, self.gradient = value, dict(gradient)
        self.defaults, self.backend = dict(defaults or {}), backend
        self.reduce, self.stable = reduce or "none", stable
        self._like = like
        self._programs: dict[str, Program] = {}
        self._cache: dict[tuple[str, str], Callable[..., tuple[Any, ...]]] = {}

    def __repr__(self) -> str:
        given = ", ".join(self.inputs)
        return f"Function({self.value} and {len(self.gradient)} derivatives of {given})"

    # Programs ---------------------------------------------------------------------------------

    def _lowered(self, what: str) -> Program:
        if self._like is not None:
            return self._like._lowered(what)
        if what not in self._programs:
            self._programs[what] = lower(
                self.definitions,
                self.inputs,
                self.outputs(what),
                value=self.value,
                headings=self.headings,
                stable=self.stable,
            )
        return self._programs[what]

    @property
    def program(self) -> Program:
        """The value and the gradient."""
        return self._lowered("gradient")

    @cached_property
    def source(self) -> str:
        """The source text that the function was compiled from."""
        return source(self.program, "python" if self.backend == AUTO else self.backend)

    # Calls --------------------------------------------------------------------------------------

    @cached_property
    def positional(self) -> Callable[..., tuple[Any, ...]]:
        """The fast path: inputs in order, (value, *derivatives) back; nothing is checked."""
        if self.backend == "numpy" or self.reduce != "none":
            return self._numpy(self.program)
        return compile_program(self.program, "python")

    def _call(self, what: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        given = self.arguments(values)
        numbers = all(isinstance(value, float) for value in given)
        on_arrays = self.backend == "numpy" or (self.backend == AUTO and not numbers)
        if on_arrays:
            reduce = "none" if what == "stages" else self.reduce
            return self._compiled(what, f"numpy {reduce}")(*given)
        if not numbers:
            place = next(i for i, v in enumerate(given) if not isinstance(v, float))
            message = f"{self.inputs[place]} is an array; choose backend='numpy' or 'auto'"
            raise ValueMissingError(message)
        return self._compiled(what, "python")(*given)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The inputs in order: floats, and arrays where arrays were given; all finite."""
        return [_checked(name, value) for name, value in self.given(values).items()]

    def fastest(self, numbers: bool) -> Callable[..., tuple[Any, ...]]:
        """The positional form for numbers alone, or for arrays among them."""
        on_arrays = self.backend == "numpy" or not numbers
        return self._compiled("gradient", f"numpy {self.reduce}" if on_arrays else "python")

    # Compiled forms -------------------------------------------------------------------------------

    def _compiled(self, what: str, how: str) -> Callable[..., tuple[Any, ...]]:
        run = self._cache.get((what, how))
        if run is None:
            lowered = self._lowered(what)
            kind, _, reduce = how.partition(" ")
            numpy = kind == "numpy"
            run = self._numpy(lowered, reduce) if numpy else compile_program(lowered, kind)
            self._cache[what, how] = run
        return run

    def _numpy(self, program: Program, reduce: str = "") -> Callable[..., tuple[Any, ...]]:
        from symderive.numeric import numpy_backend

        return numpy_backend.compile_program(program, reduce or self.reduce)


def _checked(name: str, value: Any) -> Any:
    """A float or an array, of finite real numbers."""
    if isinstance(value, float | int):
        number = float(value)
        if not math.isfinite(number):
            raise ValueMissingError(f"{name} is {number}; give it a finite number")
        return number
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueMissingError(f"{name} is {value!r}; give it a finite number") from None
    if not array.ndim:
        return _checked(name, float(array))
    return finite(name, array)


def finite(name: str, array: Any) -> Any:
    """An array that holds finite numbers alone.

    Raises:
        ValueMissingError: It holds another.
    """
    import numpy as np

    # The sum is finite where every number is, or nearly so: look closer only where it is not.
    if math.isfinite(float(np.add.reduce(array, axis=None))) or np.isfinite(array).all():
        return array
    if not array.ndim:
        raise ValueMissingError(f"{name} is {array}; give it a finite number")
    place = np.argwhere(~np.isfinite(array))[0].tolist()
    raise ValueMissingError(f"{name}{place} is not a finite number; replace or drop it")
