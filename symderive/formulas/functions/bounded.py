"""SymPy's questions about hyperbolic functions, bounded: a long argument is answered "not known".

To tell whether tanh u is real or finite, SymPy writes u as re + i·im, powers multiplied out; and
it asks whenever a sine is built or a derivative is taken. Of a fourth power of sums that takes
minutes. ``None`` is SymPy's own word for "not known", and right of anything; short arguments are
answered as before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from sympy import Basic, Function, Pow, cosh, sinh, tanh

MAX_LENGTH = 16
"""Parts of an argument up to which SymPy's own answer is asked for."""

_Question = Callable[[Function], bool | None]

_QUESTIONS: dict[type[Function], tuple[str, ...]] = {
    tanh: ("real", "finite"),
    sinh: ("real",),
    cosh: ("real", "positive", "nonnegative"),
}
"""The questions that SymPy answers by real and imaginary parts."""


def length(formula: Basic) -> int:
    """The parts of a formula, each as often as it stands in its powers multiplied out.

    >>> from sympy.abc import x, y
    >>> length(x + y), length((x + y) ** 10)
    (3, 31)
    """
    times = 1
    if isinstance(formula, Pow) and formula.exp.is_Integer:
        times = abs(int(formula.exp))
    return 1 + times * sum(map(length, formula.args if times == 1 else formula.args[:1]))


def _bounded(question: _Question) -> _Question:
    @wraps(question)
    def asked(function: Function) -> bool | None:
        return question(function) if length(function.args[0]) <= MAX_LENGTH else None

    return asked


def _bound_all() -> None:
    for kind, facts in _QUESTIONS.items():
        handlers = getattr(kind, "_prop_handler", {})  # SymPy gathers a class's answers in it
        for fact in facts:
            if fact in handlers:
                handlers[fact] = _bounded(handlers[fact])


_bound_all()
