"""Stages written on one line, as people do at a prompt: ``y = sin(x)/x; x = 2``."""

from __future__ import annotations

import json
import re

from symderive.errors import ModelError, shortened
from symderive.model import Model

_STAGE = re.compile(r"\s*(\w+)\s*=(?!=)\s*(.*\S)\s*", re.DOTALL)
_SHAPE = re.compile(r"\s*(\w+)\s*:\s*([\w ]*)(?:,([\w ,-]*))?\s*")


def parse_stages(text: str) -> Model:
    """The model of ``name = formula`` parts, separated by semicolons or line ends.

    A part whose formula is a plain number, or arrays of numbers in square brackets, gives a
    parameter its value; without any, every input is a parameter. A part ``name: shape`` says that
    a name is an array, and after a comma what is known of it.

    >>> parse_stages("y = a*x**2; x = 3").parameters
    ('x',)
    >>> parse_stages("y = a*x**2").parameters
    ('a', 'x')
    >>> parse_stages("f = x @ A @ x; x: n; A: n n, symmetric").parameters
    ('x', 'A')

    Raises:
        ModelError: A part is none of these, or a name is given twice.
    """
    stages: dict[str, str] = {}
    parameters: dict[str, object] = {}
    shapes: dict[str, str] = {}
    properties: dict[str, list[str]] = {}
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        if (stated := _SHAPE.fullmatch(part)) is not None:
            name, shape, known = stated.groups()
            if name in shapes:
                raise ModelError(f"{name!r} has two shapes in {shortened(text.strip())!r}")
            shapes[name] = shape
            properties[name] = [word.strip() for word in (known or "").split(",") if word.strip()]
            continue
        found = _STAGE.fullmatch(part)
        if found is None:
            raise ModelError(
                f"{shortened(part.strip())!r} is no stage: write name = formula, as in 'y = x**2'; "
                "a file is read by sd.read"
            )
        name, formula = found.groups()
        if name in stages or name in parameters:
            raise ModelError(f"{name!r} is defined twice in {shortened(text.strip())!r}")
        if (value := _value(formula)) is None:
            stages[name] = formula
        else:
            parameters[name] = value
    if not stages:
        shown = shortened(text.strip())
        raise ModelError(f"{shown!r} has no stage: write name = formula, as in 'y = x**2'")
    stated_of = {name: words for name, words in properties.items() if words}
    return Model(stages, parameters=parameters or None, shapes=shapes, properties=stated_of)


def _value(formula: str) -> object:
    """The number, or the arrays of numbers, that a formula is; None where it is none of these."""
    try:
        return json.loads(formula) if formula.startswith("[") else float(formula)
    except (ValueError, RecursionError):  # a formula, [x, y] too
        return None
