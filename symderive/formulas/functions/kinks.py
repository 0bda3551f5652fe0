"""Functions with kinks and jumps: where the derivative is a convention, the row says which.

What the conventions say of frameworks was measured, with TensorFlow 2.21 (Keras included), PyTorch
2.13 and JAX 0.10; ``tests/test_frameworks.py`` measures it again.
"""

from __future__ import annotations

import sympy as sp

from symderive.formulas.functions.row import Kink, NamedFunction, Texts, own

ANY = (-20.0, 20.0)
ZERO = "the value jumps; the derivative is taken as 0, "
JUMP = f"{ZERO}as PyTorch and JAX do; TensorFlow has none."
"""Of floor and its like; without a gradient, TensorFlow too moves nothing."""
TIE = (
    "arguments that tie share the derivative equally, as PyTorch and JAX do; "
    "TensorFlow's maximum and minimum take the first."
)


def _ordered(name: str, better: str, worse: str, args: tuple[str, ...]) -> Texts:
    """The formulas of max or min; arguments that tie share the derivative equally."""
    partials = []
    for place, arg in enumerate(args):
        others = [*args[:place], *args[place + 1 :]]
        if not others:
            return Texts(arg, ("1",))
        rest = others[0] if len(others) == 1 else f"{name}({', '.join(others)})"
        count = " + ".join(f"where({other} == {arg}, 1, 0)" for other in others)
        share = "1/2" if len(others) == 1 else f"1/(1 + {count})"
        partials.append(f"where({arg} {better} {rest}, 1, where({arg} {worse} {rest}, 0, {share}))")
    best = args[-1]
    for arg in reversed(args[:-1]):
        best = f"where({arg} {better} {best}, {arg}, {best})"
    return Texts(best, tuple(partials))


def _max(args: tuple[str, ...]) -> Texts:
    return _ordered("max", ">", "<", args)


def _min(args: tuple[str, ...]) -> Texts:
    return _ordered("min", "<", ">", args)


def _logsumexp(args: tuple[str, ...]) -> Texts:
    whole = f"logsumexp({', '.join(args)})"
    top = f"max({', '.join(args)})" if len(args) > 1 else args[0]
    return Texts(
        f"log({' + '.join(f'exp({arg})' for arg in args)})",
        tuple(f"exp({arg} - {whole})" for arg in args),
        f"{top} + log({' + '.join(f'exp({arg} - {top})' for arg in args)})",
    )


# fmt: off
ROWS: tuple[NamedFunction, ...] = (
    own("abs", "x", "absolute value", equivalent="where(x >= 0, x, -x)", partials="sign(x)",
        exact=sp.Abs, samples=ANY, aliases=("fabs", "Abs"),
        kinks=Kink("x == 0", "the derivative is taken as 0, as TensorFlow and PyTorch do; "
                               "JAX takes 1.")),
    own("sign", "x", "sign", equivalent="where(x > 0, 1, where(x < 0, -1, 0))", partials="0",
        exact=sp.sign, samples=ANY, aliases=("sgn",),
        kinks=Kink("x == 0", f"{ZERO}as TensorFlow, PyTorch and JAX do.")),
    own("max", "a, ...", "maximum", texts=_max, exact=sp.Max, samples=(ANY, ANY),
        aliases=("maximum", "Max"), kinks=Kink("a == b", TIE)),
    own("min", "a, ...", "minimum", texts=_min, exact=sp.Min, samples=(ANY, ANY),
        aliases=("minimum", "Min"), kinks=Kink("a == b", TIE)),
    own("logsumexp", "a, ...", "logarithm of a sum of exponentials", texts=_logsumexp,
        samples=(ANY, ANY)),
    own("logaddexp", "a, b", "logarithm of exp(a) + exp(b)",
        definition="log(exp(a) + exp(b))", partials=("sigmoid(a - b)", "sigmoid(b - a)"),
        stable="max(a, b) + log1p(exp(-abs(a - b)))", samples=(ANY, ANY)),
    own("clip", "x, lo, hi", "value kept between bounds", definition="min(max(x, lo), hi)",
        partials=("where(x < lo, 0, where(x > hi, 0, 1))", "where(x < lo, 1, 0)",
                  "where(x > hi, 1, 0)"),
        domain="lo < hi", samples=(ANY, (-9.0, -1.0), (1.0, 9.0)), aliases=("clamp",),
        kinks=(Kink("x == lo", "the derivative by x is taken as 1, as TensorFlow and PyTorch do; "
                               "JAX takes 1/2."),
               Kink("x == hi", "the derivative by x is taken as 1, as TensorFlow and PyTorch do; "
                               "JAX takes 1/2."))),
    own("heaviside", "x, h=1/2", "unit step",
        equivalent="where(x > 0, 1, where(x < 0, 0, h))",
        partials=("0", "where(x == 0, 1, 0)"), samples=(ANY, (0.0, 1.0)),
        aliases=("step", "Heaviside"), symbol="H",
        kinks=Kink("x == 0", f"{ZERO}as JAX does; TensorFlow and PyTorch have none.")),
    own("log_indicator", "x", "logarithm of 1 where x ≥ 0, of 0 elsewhere",
        definition="log(where(x >= 0, 1, 0))", partials="0", domain="x >= 0",
        samples=(1e-9, 20.0)),
    own("floor", "x", "greatest whole number not above x", exact=sp.floor, partials="0",
        samples=ANY, kinks=Kink("x == floor(x)", JUMP)),
    own("ceil", "x", "least whole number not below x", exact=sp.ceiling, partials="0",
        samples=ANY, aliases=("ceiling",), kinks=Kink("x == floor(x)", JUMP)),
    own("trunc", "x", "whole part", definition="sign(x)*floor(abs(x))", partials="0",
        samples=ANY, kinks=Kink("x == floor(x)", JUMP)),
    own("round", "x", "nearest whole number, halves to even",
        definition="floor(x + 1/2) - where(x - 2*floor(x/2) == 1/2, 1, 0)", partials="0",
        samples=ANY, aliases=("rint",), kinks=Kink("x - floor(x) == 1/2", JUMP)),
    own("frac", "x", "fractional part, x − ⌊x⌋", definition="x - floor(x)", partials="1",
        samples=ANY,
        kinks=Kink("x == floor(x)", "the value jumps; the derivative is taken as 1, "
                                    "as PyTorch and JAX do.")),
    own("mod", "x, y", "remainder, with the sign of the divisor",
        definition="x - y*floor(x/y)", partials=("1", "-floor(x/y)"), domain="y != 0",
        samples=(ANY, (0.5, 9.0)), aliases=("remainder",),
        kinks=Kink("x/y == floor(x/y)", "the value jumps; the derivative by x is taken as 1, "
                                        "as TensorFlow, PyTorch and JAX do.")),
    own("copysign", "x, y", "magnitude of x with the sign of y",
        equivalent="where(y >= 0, abs(x), -abs(x))",
        partials=("where(y >= 0, sign(x), -sign(x))", "0"), samples=(ANY, ANY),
        kinks=(Kink("x == 0", "the derivative by x is taken as 0, as PyTorch does; JAX takes 1."),
               Kink("y == 0", f"{ZERO}as PyTorch and JAX do."))),
    own("stop_gradient", "x", "value without a gradient", definition="x", partials="0",
        samples=ANY, aliases=("detach",),
        kinks=Kink("True", "The argument counts as a constant: the derivative is 0, as "
                           "TensorFlow's and JAX's stop_gradient and PyTorch's detach have it.")),
)
# fmt: on
