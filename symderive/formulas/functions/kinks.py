"""Functions with kinks and jumps: where the derivative is a convention, the row says which."""

from __future__ import annotations

from symderive.formulas.functions.row import Kink, NamedFunction, Texts, own

ANY = (-20.0, 20.0)
JUMP = "the value jumps; the derivative is taken as 0, as TensorFlow, PyTorch and JAX do."


def _extreme(sign: str) -> object:
    """The formulas of max (``>``) or min (``<``): ties share the derivative equally."""
    name = "max" if sign == ">" else "min"
    wrong = "<" if sign == ">" else ">"

    def texts(args: tuple[str, ...]) -> Texts:
        partials = []
        for arg in args:
            others = [other for other in args if other != arg]
            rest = others[0] if len(others) == 1 else f"{name}({', '.join(others)})"
            ties = "2"
            if len(others) > 1:
                ties = " + ".join(["1", *(f"where({other} == {arg}, 1, 0)" for other in others)])
            tied = f"where({arg} {wrong} {rest}, 0, 1/({ties}))"
            partials.append(f"where({arg} {sign} {rest}, 1, {tied})" if others else "1")
        value = args[-1]
        for arg in reversed(args[:-1]):
            value = f"where({arg} {sign}= {value}, {arg}, {value})"
        return Texts("", tuple(partials))

    return texts


_TIE = (
    "the arguments that tie share the derivative equally, as PyTorch and JAX do; "
    "TensorFlow's maximum and minimum give it all to the first."
)

ROWS: tuple[NamedFunction, ...] = (
    own(
        "abs", "x", "absolute value",
        equivalent="where(x >= 0, x, -x)", partials="sign(x)", numeric="fabs",
        samples=ANY, aliases=("fabs", "Abs"),
        kinks=Kink("x == 0", "sign(0) = 0 is taken, as TensorFlow and PyTorch do."),
    ),
    own(
        "sign", "x", "sign",
        equivalent="where(x > 0, 1, where(x < 0, -1, 0))", partials="0", numeric="sign",
        samples=ANY, aliases=("sgn",), kinks=Kink("x == 0", JUMP),
    ),
    own(
        "max", "a, ...", "maximum", texts=_extreme(">"), samples=(ANY, ANY),
        aliases=("maximum", "Max"), kinks=Kink("a == b", _TIE),
    ),
    own(
        "min", "a, ...", "minimum", texts=_extreme("<"), samples=(ANY, ANY),
        aliases=("minimum", "Min"), kinks=Kink("a == b", _TIE),
    ),
)  # fmt: skip
