"""The numbers of a document: all of them come from running the emitted function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symderive.errors import SymderiveError

if TYPE_CHECKING:
    from symderive.derivation import Derivation

STEPS_PLOTTED = 30


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers at the model's own values.

    Attributes:
        values: Inputs and stages by name.
        links: ∂stage/∂source by (stage, source).
        adjoints: ∂target/∂name by name; 1 for the target.
        new: The parameters after one step of gradient descent; empty where it fails.
        old_loss: The target before the step.
        new_loss: The target after it.
        losses: The target over further steps; empty where they diverge.
    """

    values: Mapping[str, float]
    links: Mapping[tuple[str, str], float]
    adjoints: Mapping[str, float]
    new: Mapping[str, float]
    old_loss: float
    new_loss: float
    losses: tuple[float, ...]


def gather(derivation: Derivation) -> Numbers | None:
    """Run the derivation's function at the model's values; None where a value is missing."""
    model = derivation.model
    if (
        model.undefined
        or model.shapes.get(derivation.target)  # an array, which nothing descends
        or not derivation.inputs
        or any(name not in model.values for name in derivation.inputs)
    ):
        return None
    point = derivation.evaluate()
    values = {**model.values, **point.stages}
    adjoints = {derivation.target: 1.0, **point.partials}
    loss = float(values[derivation.target])
    new: Mapping[str, float] = {}
    new_loss = math.nan
    losses: tuple[float, ...] = ()
    if _descends(derivation):
        try:
            step = derivation.update()
            new, new_loss = step.new, float(step.new_loss)
            losses = derivation.train(steps=STEPS_PLOTTED).losses
        except SymderiveError:  # the steps are too long for this loss: no curve is drawn
            losses = ()
    if not all(map(math.isfinite, losses)):
        losses = ()
    return Numbers(values, point.links, adjoints, new, loss, new_loss, losses)


def _descends(derivation: Derivation) -> bool:
    """Whether a step of gradient descent makes sense: the sources are the parameters."""
    parameters = derivation.model.parameters
    return bool(parameters) and set(derivation.sources) == set(parameters)
