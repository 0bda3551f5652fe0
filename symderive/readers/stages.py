"""Stages written on one line, as people do at a prompt: ``y = sin(x)/x; x = 2``."""

from __future__ import annotations

import re

from symderive.errors import ModelError, shortened
from symderive.model import Model

_STAGE = re.compile(r"\s*(\w+)\s*=(?!=)\s*(.*\S)\s*", re.DOTALL)


def parse_stages(text: str) -> Model:
    """The model of ``name = formula`` parts, separated by semicolons or line ends.

    A part whose formula is a plain number gives a parameter its value; without any, every input
    is a parameter.

    >>> parse_stages("y = a*x**2; x = 3").parameters
    ('x',)
    >>> parse_stages("y = a*x**2").parameters
    ('a', 'x')

    Raises:
        ModelError: A part is no ``name = formula``, or a name is given twice.
    """
    stages: dict[str, str] = {}
    parameters: dict[str, float] = {}
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        found = _STAGE.fullmatch(part)
        if found is None:
            raise ModelError(
                f"{shortened(part.strip())!r} is no stage: write name = formula, as in 'y = x**2'"
            )
        name, formula = found.groups()
        if name in stages or name in parameters:
            raise ModelError(f"{name!r} is defined twice in {shortened(text.strip())!r}")
        try:
            parameters[name] = float(formula)
        except ValueError:
            stages[name] = formula
    if not stages:
        shown = shortened(text.strip())
        raise ModelError(f"{shown!r} has no stage: write name = formula, as in 'y = x**2'")
    return Model(stages, parameters=parameters or None)
