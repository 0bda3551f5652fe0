"""Formulas as people write them, where the obvious code overflows, cancels or is 0/0.

Each row is its formula and where it is evaluated. The truth is the same text in mpmath, and its
difference quotient, at hundreds of digits; at a point where the formula is 0/0, its limit.
"""

import ast
import math

import mpmath
import numpy as np
import pytest

import symderive as sd

DIGITS, FAR = 900, 120
FUNCTIONS = {
    **{
        name: getattr(mpmath, name)
        for name in ["exp", "log", "sin", "cos", "tan", "asin", "atan", "sinh"]
    },
    **{
        name: getattr(mpmath, name)
        for name in ["cosh", "tanh", "coth", "sqrt", "erfc", "loggamma", "besseli"]
    },
    "gamma": mpmath.gamma,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "norm_cdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "norm_pdf": lambda x: mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
    "dawsn": lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x),
    "betaln": lambda a, b: mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b),
}
TINY = (0.0, 1e-170, 1e-9, 1e-3)
FAR_OUT = (40.0, 355.0, 800.0)

ROWS = [
    *(
        (text, [{"x": x} for x in (*TINY, 0.3, 5.0, -40.0, 355.0, 800.0)])
        for text in (
            "sin(x)/x",
            "x/sinh(x)",
            "x/tanh(x)",
            "tanh(x)/x",
            "x/(exp(x) - 1)",
            "(exp(x) - 1)/x",
            "x**2/(cosh(x) - 1)",
            "(1 - cos(x))/x**2",
            "(x - sin(x))/x**3",
            "log(cosh(x))/x**2",
            "x*exp(x)/(exp(x) - 1)",
            "cos(x) - exp(-x)",
        )
    ),
    *(
        (text, [{"x": x} for x in (0.3, 5.0, *FAR_OUT, 1e8, 1e16)])
        for text in (
            "sqrt(1 + x**2) - x",
            "sqrt(x + 1) - sqrt(x)",
            "1/x - 1/(x + 1)",
            "(x + 1)**(1/3) - x**(1/3)",
            "coth(x) - 1/x",
            "x/tanh(x)",
            "x*exp(x)/(exp(x) - 1)",
            "exp(x**2)*erfc(x)",
            "x*tanh(log(1 + exp(x)))",
            "log(2*cosh(x))",
            "log(sinh(x)/x)",
            "exp(-x)*cosh(x)",
        )
    ),
    *(
        (text, [{"x": x} for x in (0.3, 5.0, 40.0, 355.0)])
        for text in (
            "1/tanh(x)",
            "log(tanh(x))",
            "(exp(x) + 1)/(exp(x) - 1)",
            "log(1 + exp(x)) - x*sigmoid(x)",
            "log(1 + exp(x))/x",
            "sigmoid(x + 1) - sigmoid(x)",
            "dawsn(x)",
        )
    ),
    ("(a/x)/sinh(a/x)", [{"x": x, "a": 1.5} for x in (0.1, 0.5, 40.0, 1e9, 1e100)]),
    ("x/(1 + exp(-b*x))", [{"x": x, "b": 0.7} for x in (-40.0, 0.0, 5.0, 1e16, 1e100)]),
    ("y*log(s*norm_cdf(w))", [{"w": w, "y": 0.3, "s": 0.5} for w in (-1000.0, -39.0, 0.4)]),
    ("log(exp(a) - exp(b))", [{"a": a, "b": a - 1} for a in (-800.0, -40.0, 5.0, 800.0)]),
    ("t*log(1 + exp(m/t))", [{"m": m, "t": 0.1} for m in (-0.5, 0.3, 5.0)]),
    ("(x**l - 1)/l", [{"x": 3.0, "l": power} for power in (0.0, 1e-9, 0.5)]),
    ("(1 - exp(-k*t))/k", [{"t": 2.0, "k": k} for k in (0.0, 1e-9, 0.5)]),
    ("loggamma(x + a) - loggamma(x)", [{"x": x, "a": 0.5} for x in (1e-3, 2.0, 1e5)]),
    ("betaln(a, b)", [{"a": 0.5, "b": b} for b in (0.3, 40.0, 1e5)]),
    ("log(m**y*exp(-m)/gamma(y + 1))", [{"y": 200.0, "m": m} for m in (1e-9, 2.0, 800.0)]),
    (
        "(E + K + S - sqrt((E + K + S)**2 - 4*E*S))/2",
        [{"E": 1e-9, "K": 1.0, "S": 1e5}, {"E": 0.1, "K": 10.0, "S": 1e-5}],
    ),
]


class _Exact(ast.NodeTransformer):
    """Numbers of a formula as mpmath's."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Call(ast.Name("mpf", ast.Load()), [node], [])


def exact(text: str, at: dict[str, mpmath.mpf]) -> mpmath.mpf | None:
    """The value; none at a point where the formula is 0/0."""
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text, mode="eval")))
    try:
        code = compile(tree, "formula", "eval")
        return eval(code, {**FUNCTIONS, "mpf": mpmath.mpf}, at)  # text of the table above
    except ZeroDivisionError:
        return None


def truth(text: str, at: dict[str, float]) -> tuple[mpmath.mpf, dict[str, mpmath.mpf]]:
    """The value and the slopes; limits, where there is no value."""
    here = {name: mpmath.mpf(value) for name, value in at.items()}
    slopes = {}
    for name, value in here.items():
        step = mpmath.mpf(10) ** -FAR * (abs(value) or 1)
        sides = [exact(text, {**here, name: value + k * step}) for k in (-1, 1)]
        if None in sides:  # another of the names is at the point
            return exact(text, {n: v or mpmath.mpf(10) ** -FAR for n, v in here.items()}), {}
        slopes[name] = (sides[1] - sides[0]) / (2 * step)
        limit = (sides[0] + sides[1]) / 2
    value = exact(text, here)
    return limit if value is None else value, slopes


@pytest.mark.parametrize(("text", "points"), ROWS, ids=[f"{t} at {p[0]}" for t, p in ROWS])
def test_a_formula_as_people_write_it_keeps_its_digits(text: str, points: list) -> None:
    names = list(points[0])
    derivation = sd.derive(sd.Model({"F": text}, parameters=names))
    number = derivation.function(backend="python")
    columns = {name: np.array([point[name] for point in points]) for name in names}
    values, gradients = derivation.function(backend="numpy")(**columns)
    with mpmath.workdps(200 if "gamma" in text or "betaln" in text or "dawsn" in text else DIGITS):
        for place, at in enumerate(points):
            value, slopes = truth(text, at)
            if any(math.isinf(float(true)) for true in (value, *slopes.values())):
                continue
            found = [number(**at), (values[place], {n: g[place] for n, g in gradients.items()})]
            for got, gradient in found:
                assert float(got) == pytest.approx(float(value), rel=1e-11, abs=1e-110), at
                for name, slope in slopes.items():
                    expected = pytest.approx(float(slope), rel=1e-10, abs=1e-110)
                    assert float(gradient[name]) == expected, (at, name)
