"""Function: a value and its gradient, compiled; called by name or, faster, by position."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sympy import Expr

from symderive.errors import UnknownChoiceError, ValueMissingError
from symderive.numeric.backends import BACKENDS, compile_program, source
from symderive.numeric.kinds import Filled
from symderive.numeric.lowering import lower
from symderive.numeric.program import Program

AUTO = "auto"
STAGES, DERIVATIVES = "Stages", "Derivatives, backwards"


class Function:
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
        if reduce not in (None, "none", "mean", "sum"):
            raise UnknownChoiceError("reduction", str(reduce), ["none", "mean", "sum"])
        self.definitions, self.inputs = tuple(definitions), tuple(inputs)
        self.value, self.gradient = value, dict(gradient)
        self.defaults, self.backend = dict(defaults or {}), backend
        self.reduce, self.stable = reduce or "none", stable
        self._known, self._like = frozenset(self.inputs), like

    def __repr__(self) -> str:
        given = ", ".join(self.inputs)
        return f"Function({self.value} and {len(self.gradient)} derivatives of {given})"

    # Programs ---------------------------------------------------------------------------------

    def _lower(self, outputs: Sequence[str]) -> Program:
        names = [name for name, _ in self.definitions]
        after = names[names.index(self.value) + 1 :] if self.value in names else []
        headings = {after[0]: DERIVATIVES, names[0]: STAGES} if after else {}
        return lower(
            self.definitions,
            self.inputs,
            outputs,
            value=self.value,
            headings=headings,
            stable=self.stable,
        )

    @cached_property
    def program(self) -> Program:
        """The value and the gradient."""
        if self._like is not None:
            return self._like.program
        return self._lower([self.value, *self.gradient.values()])

    @cached_property
    def _value_program(self) -> Program:
        if self._like is not None:
            return self._like._value_program
        return self._lower([self.value])

    @cached_property
    def _stages_program(self) -> Program:
        return self._lower([name for name, _ in self.definitions])

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

    def __call__(self, **values: Any) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient by parameter.

        Raises:
            ValueMissingError: A value is missing or is not finite.
            UnknownChoiceError: There is no input of this name.
        """
        value, *slopes = self._call("program", values)
        return value, dict(zip(self.gradient, slopes, strict=True))

    def value_only(self, **values: Any) -> Any:
        """The value without the gradient."""
        return self._call("_value_program", values)[0]

    def stages(self, **values: Any) -> dict[str, Any]:
        """Every definition by name: stages, links and adjoints."""
        names = [name for name, _ in self.definitions]
        return dict(zip(names, self._call("_stages_program", values), strict=True))

    def _call(self, program: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        given = self.arguments(values)
        numbers = all(isinstance(value, float) for value in given)
        on_arrays = self.backend == "numpy" or (self.backend == AUTO and not numbers)
        if on_arrays:
            reduce = "none" if program == "_stages_program" else self.reduce
            return self._compiled(program, f"numpy {reduce}")(*given)
        if not numbers:
            place = next(i for i, v in enumerate(given) if not isinstance(v, float))
            message = f"{self.inputs[place]} is an array; choose backend='numpy' or 'auto'"
            raise ValueMissingError(message)
        return self._compiled(program, "python")(*given)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The inputs in order: floats, and arrays where arrays were given; all finite."""
        for name in values:
            if name not in self._known:
                raise UnknownChoiceError("value", name, self.inputs)
        given = []
        for name in self.inputs:
            value = values.get(name)
            if value is None:
                value = self.defaults.get(name)
            if value is None:
                missing = [n for n in self.inputs if values.get(n, self.defaults.get(n)) is None]
                shown = ", ".join(missing[:10])
                raise ValueMissingError(
                    f"no value for {shown}; pass {name}=… or set it in the model"
                )
            given.append(_checked(name, value))
        return given

    def fastest(self, numbers: bool) -> Callable[..., tuple[Any, ...]]:
        """The positional form for numbers alone, or for arrays among them."""
        on_arrays = self.backend == "numpy" or not numbers
        return self._compiled("program", f"numpy {self.reduce}" if on_arrays else "python")

    # Compiled forms -------------------------------------------------------------------------------

    def _compiled(self, program: str, how: str) -> Callable[..., tuple[Any, ...]]:
        cache: dict[tuple[str, str], Callable[..., tuple[Any, ...]]]
        cache = self.__dict__.setdefault("_cache", {})
        if (program, how) not in cache:
            lowered = getattr(self, program)
            kind, _, reduce = how.partition(" ")
            if kind == "numpy":
                cache[program, how] = self._numpy(lowered, reduce)
            else:
                cache[program, how] = compile_program(lowered, kind)
        return cache[program, how]

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
    # The sum is finite where every number is, or nearly so: look closer only where it is not.
    if not math.isfinite(float(np.add.reduce(array, axis=None))) and not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueMissingError(f"{name}{place} is not a finite number; replace or drop it")
    return array
