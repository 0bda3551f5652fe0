"""Gradient descent with a compiled function: one step, and many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symderive.display import number, table
from symderive.errors import SymderiveError

if TYPE_CHECKING:
    from symderive.numeric.array_program import ArrayFunction
    from symderive.numeric.function import Function


@dataclass(frozen=True, slots=True)
class Update:
    """One step of gradient descent.

    Attributes:
        old: The parameters before.
        new: The parameters after: old − learning_rate · gradient.
        gradient: The slopes at ``old``.
        learning_rate: The length of the step, per unit of slope.
        old_loss: The value at ``old``.
        new_loss: The value at ``new``.
    """

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    gradient: Mapping[str, Any]
    learning_rate: float
    old_loss: Any
    new_loss: Any

    def _repr_html_(self) -> str:
        """The step as a notebook shows it."""
        rows = [
            (name, number(old), number(self.gradient[name]), number(self.new[name]))
            for name, old in self.old.items()
        ]
        rows.append(("loss", number(self.old_loss), "", number(self.new_loss)))
        return table(("", "before", "derivative", "after"), rows)


@dataclass(frozen=True, slots=True, repr=False)
class Training:
    """Many steps of gradient descent.

    Attributes:
        start: The parameters at first.
        end: The parameters at last.
        losses: The value before each step, and after the last.
        learning_rate: The length of each step, per unit of slope.
    """

    start: Mapping[str, Any]
    end: Mapping[str, Any]
    losses: tuple[float, ...]
    learning_rate: float

    def __repr__(self) -> str:
        steps = len(self.losses) - 1
        return f"Training({steps} steps, loss {self.losses[0]:.6g} → {self.losses[-1]:.6g})"

    def _repr_html_(self) -> str:
        """The first and the last numbers as a notebook shows them."""
        rows = [(name, number(old), number(self.end[name])) for name, old in self.start.items()]
        rows.append(("loss", number(self.losses[0]), number(self.losses[-1])))
        return table(("", "before", "after"), rows, f"{len(self.losses) - 1} steps")


def update(
    function: Function | ArrayFunction, values: Mapping[str, Any], *, learning_rate: float
) -> Update:
    """One step from the given values; those left out are the function's own.

    Raises:
        ValueMissingError: A value is missing or is not finite.
    """
    _check_rate(learning_rate)
    old_loss, gradient = function(**values)
    _check_start(old_loss, gradient)
    given = dict(zip(function.inputs, function.arguments(values), strict=True))
    old = {name: _plain(given[name]) for name in gradient}
    new = {name: _plain(old[name] - learning_rate * slope) for name, slope in gradient.items()}
    return Update(
        old, new, gradient, learning_rate, old_loss, function.value_only(**{**values, **new})
    )


def train(
    function: Function | ArrayFunction,
    values: Mapping[str, Any],
    *,
    learning_rate: float,
    steps: int,
) -> Training:
    """Gradient descent; with a batch in ``values`` the function must reduce (``reduce="mean"``).

    Raises:
        SymderiveError: The loss stopped being finite, with the step where it did; or the loss has a
            value for each row.
    """
    _check_rate(learning_rate)
    if steps < 0:
        raise SymderiveError(f"steps is {steps}; it counts from 0")
    given = function.arguments(values)
    places = {name: function.inputs.index(name) for name in function.gradient}
    numbers = all(isinstance(value, float) for value in given)
    if not numbers and function.reduce == "none":
        raise SymderiveError("training on a batch needs one loss: compile with reduce='mean'")
    run = function.fastest(numbers)
    start = {name: _plain(given[place]) for name, place in places.items()}
    losses: list[float] = []
    for step in range(steps):
        loss, *slopes = run(*given)
        losses.append(float(loss))
        if not step:
            _check_start(loss, dict(zip(places, slopes, strict=True)))
        elif not math.isfinite(loss):
            raise _diverged(step, loss, learning_rate)
        for place, slope in zip(places.values(), slopes, strict=True):
            given[place] = given[place] - learning_rate * slope
    losses.append(float(run(*given)[0]))
    end = {name: _plain(given[place]) for name, place in places.items()}
    if not all(map(_finite, end.values())):
        raise _diverged(steps, losses[-1], learning_rate)
    return Training(start, end, tuple(losses), learning_rate)


def _plain(value: Any) -> Any:
    """A float, or an array as it is."""
    return value if getattr(value, "ndim", 0) else float(value)


def _finite(value: Any) -> bool:
    return math.isfinite(value.sum() if getattr(value, "ndim", 0) else value)


def _check_start(loss: Any, gradient: Mapping[str, Any]) -> None:
    """No step leads on from where the loss or a slope is undefined."""
    what = "the loss is" if not _finite(loss) else ""
    for name, slope in gradient.items():
        what = what or ("" if _finite(slope) else f"the derivative by {name} is")
    if what:
        raise SymderiveError(
            f"{what} undefined or infinite at these values, so no step can be made from them; "
            "give others"
        )


def _diverged(step: int, loss: float, rate: float) -> SymderiveError:
    message = (
        f"at step {step} the loss is {loss}: the steps are too long; lower learning_rate ({rate})"
    )
    return SymderiveError(message)


def _check_rate(rate: float) -> None:
    if not (math.isfinite(rate) and rate > 0):
        raise SymderiveError(f"learning_rate is {rate}; give it a positive number")
