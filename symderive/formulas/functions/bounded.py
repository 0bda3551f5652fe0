"""What SymPy works out of functions, bounded: its questions about hyperbolic ones, and eᶜ·ˡᵒᵍ ʳ.

A question about a long argument is answered "not known".

To tell whether tanh u is real or finite, SymPy writes u as re + i·im, powers multiplied out; and
it asks whenever a sine is built or a derivative is taken. Of a fourth power of sums that takes
minutes. ``None`` is SymPy's own word for "not known", and right of anything; short arguments are
answered as before.

It also takes exp(n·log r) for the number rⁿ, and of n = 10⁴⁰ there is no end: such stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from sympy import Basic, Expr, Function, Mul, Pow, cosh, exp, log, sinh, tanh

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


MAX_POWER = 4096
"""The n up to which exp(n·log r) is written out as the number rⁿ."""


def is_endless_power(argument: Expr) -> bool:
    """Whether the exponential of n·log r, r a number, would be a number too long to write.

    >>> is_endless_power(10**40 * log(3)), is_endless_power(2 * log(3))
    (True, False)
    """
    if not argument.has(log) or argument.free_symbols:
        return False
    return any(abs(number) > MAX_POWER for number in _numbers(argument))


def _numbers(formula: Expr) -> Iterator[Expr]:
    """The numbers among the factors of a product, which may be written in brackets."""
    if isinstance(formula, Mul):
        for factor in formula.args:
            yield from _numbers(factor)
    elif formula.is_Number:
        yield formula


def _bound_exponential() -> None:
    written_out = exp.eval.__func__

    def bounded(cls: type[Function], arg: Expr) -> Expr | None:
        return None if is_endless_power(arg) else written_out(cls, arg)

    exp.eval = classmethod(bounded)


_bound_all()
_bound_exponential()
