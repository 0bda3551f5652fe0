"""The backend for single points: plain numbers and ``math``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderive.numeric.program import Program, uncollected
from symderive.numeric.source import NUMPY, PYTHON, function_text

Positional = Callable[..., tuple[Any, ...]]


def emit(program: Program) -> str:
    """The program as a Python module.

    >>> from symderive.numeric.program import Assignment
    >>> print(emit(Program(("x",), ("y",), (Assignment("y", "exp", ("x",)),))))
    from math import exp
    <BLANKLINE>
    <BLANKLINE>
    def value_and_gradient(x):
        \"\"\"Return y.\"\"\"
        y = exp(x)
        return (y,)
    <BLANKLINE>
    """
    return function_text(program, PYTHON)


def load(text: str, **names: Any) -> Any:
    """The function in source text that a Program was printed as; never text of a user."""
    space: dict[str, Any] = dict(names)
    exec(compile(text, "<symderive>", "exec"), space)
    return space["value_and_gradient"]


def compile_program(program: Program) -> Positional:
    """A function of the inputs, in order, that returns the outputs as a tuple.

    Where ``math`` raises (exp(1000), 1/0), NumPy's scalars run the same program: inf or nan.
    """
    edge: list[Positional] = []

    def at_the_edge(*values: float) -> tuple[Any, ...]:
        import numpy as np

        if not edge:
            edge.append(load(function_text(program, NUMPY)))
        with np.errstate(all="ignore"):
            return tuple(float(v) for v in edge[0](*(np.float64(value) for value in values)))

    with uncollected():
        return load(function_text(program, PYTHON, guarded=True), at_the_edge=at_the_edge)
