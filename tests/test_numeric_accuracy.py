"""Every digit where the naive formula loses them: a grid, and the rows one by one."""

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from symderive.numeric import Function, compile_program, lower
from symderive.numeric.stable import EXPAND, STABLE, Row

w1, w2, b, x1, x2, Y, A1, A2, A3, D1 = sp.symbols("w1 w2 b x1 x2 Y A1 A2 A3 L_D_A1")
SUM = x1 * w1 + x2 * w2 + b
INPUTS = ["w1", "w2", "b", "x1", "x2", "Y"]


def named(name: str, *args: sp.Expr) -> sp.Expr:
    from symderive.formulas.functions import FUNCTIONS

    return FUNCTIONS[name].apply(*args)


def spelled_loss(p: sp.Expr) -> sp.Expr:
    return -(Y * sp.log(p) + (1 - Y) * sp.log(1 - p))


def staged(sigmoid: sp.Expr, loss: sp.Expr, slope: sp.Expr = A2 - Y) -> list[tuple[str, sp.Expr]]:
    return [("A1", SUM), ("A2", sigmoid), ("L", loss), ("L_D_A1", slope), *BACK]


def one_stage(p: sp.Expr) -> list[tuple[str, sp.Expr]]:
    return [
        ("L", spelled_loss(p)),
        ("L_D_w1", x1 * (p - Y)),
        ("L_D_w2", x2 * (p - Y)),
        ("L_D_b", p - Y),
    ]


BACK = [("L_D_w1", x1 * D1), ("L_D_w2", x2 * D1), ("L_D_b", D1)]
SIGMOID = 1 / (1 + sp.exp(-A1))
WHOLE = 1 / (1 + sp.exp(-SUM))
D2, Q = sp.symbols("L_D_A2 Q")
MODELS: dict[str, Callable[[], list[tuple[str, sp.Expr]]]] = {
    "named functions": lambda: staged(named("sigmoid", A1), named("binary_cross_entropy", A2, Y)),
    "named, on logits": lambda: staged(named("sigmoid", A1), named("bce_with_logits", A1, Y)),
    "spelled out as stages": lambda: staged(SIGMOID, spelled_loss(A2)),
    "exp over 1 + exp": lambda: staged(sp.exp(A1) / (1 + sp.exp(A1)), spelled_loss(A2)),
    "exponential as a stage": lambda: [
        ("A1", SUM),
        ("E", sp.exp(-A1)),
        ("A2", 1 / (1 + sp.Symbol("E"))),
        *staged(SIGMOID, spelled_loss(A2))[2:],
    ],
    "half a tanh": lambda: staged((1 + sp.tanh(A1 / 2)) / 2, spelled_loss(A2)),
    "tanh of exponentials": lambda: staged(
        (1 + (sp.exp(A1 / 2) - sp.exp(-A1 / 2)) / (sp.exp(A1 / 2) + sp.exp(-A1 / 2))) / 2,
        spelled_loss(A2),
    ),
    "softmax of two, both shares": lambda: [
        *staged(sp.exp(A1 / 2) / (sp.exp(A1 / 2) + sp.exp(-A1 / 2)), spelled_loss(A2))[:2],
        ("Q", sp.exp(-A1 / 2) / (sp.exp(A1 / 2) + sp.exp(-A1 / 2))),
        ("L", -Y * sp.log(A2) - (1 - Y) * sp.log(Q)),
        ("L_D_A1", A2 * Y + Q * Y - Q - 2 * Y + 1),
        *BACK,
    ],
    "softplus spelled": lambda: staged(SIGMOID, sp.log(1 + sp.exp(A1)) - Y * A1),
    "two softplus": lambda: staged(
        SIGMOID, Y * sp.log(1 + sp.exp(-A1)) + (1 - Y) * sp.log(1 + sp.exp(A1))
    ),
    "softplus named": lambda: staged(SIGMOID, named("softplus", A1) - Y * A1),
    "loss written unevaluated": lambda: staged(
        SIGMOID,
        sp.Mul(
            -1, sp.Add(Y * sp.log(A2), (1 - Y) * sp.log(1 - A2), evaluate=False), evaluate=False
        ),
    ),
    "chained adjoints": lambda: [
        *staged(SIGMOID, spelled_loss(A2))[:3],
        ("L_D_A2", (A2 - Y) / (A2 * (1 - A2))),
        ("L_D_A1", D2 * A2 * (1 - A2)),
        *BACK,
    ],
    "chained adjoints, raw": lambda: [
        *staged(SIGMOID, spelled_loss(A2))[:3],
        ("L_D_A2", -Y / A2 + (1 - Y) / (1 - A2)),
        ("L_D_A1", D2 * A2 * (1 - A2)),
        *BACK,
    ],
    "one stage": lambda: one_stage(WHOLE),
    "one stage, SymPy's own derivative": lambda: [
        ("L", spelled_loss(WHOLE)),
        *((f"L_D_{v}", sp.diff(spelled_loss(WHOLE), v)) for v in (w1, w2, b)),
    ],
}


def function(model: str, **options: object) -> Function:
    gradient = {name: f"L_D_{name}" for name in ("w1", "w2", "b")}
    return Function(MODELS[model](), INPUTS, "L", gradient, **options)


def exact(z: float, y: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    with mpmath.workdps(400):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        return -(
            mpmath.mpf(y) * mpmath.log(p) + (1 - mpmath.mpf(y)) * mpmath.log(1 - p)
        ), p - mpmath.mpf(y)


def ulps(value: float, truth: mpmath.mpf, kind: type = np.float64) -> float:
    if not np.isfinite(value):
        return math.inf
    unit = float(np.spacing(kind(abs(float(truth)))))
    return float(abs(mpmath.mpf(float(value)) - truth) / unit)


GRID = [(z, y) for z in (-800.0, -40.0, -5.0, 0.0, 5.0, 40.0, 800.0) for y in (0.0, 1.0, 0.3)]


@pytest.mark.parametrize("model", MODELS)
def test_the_logistic_neuron_keeps_every_digit(model: str) -> None:
    f = function(model)
    for z, y in GRID:
        value, gradient = f(w1=z / 2, w2=z / 4, b=0.0, x1=1.0, x2=2.0, Y=y)  # A1 is z exactly
        loss, slope = exact(z, y)
        assert ulps(value, loss) <= 4, (z, y, value)
        for name, x in (("w1", 1), ("w2", 2), ("b", 1)):
            assert ulps(gradient[name], x * slope) <= 4, (z, y, name, gradient)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("model", MODELS)
def test_the_batch_keeps_every_digit_in_its_own_type(model: str, kind: type) -> None:
    z, y = (np.array(column, kind) for column in zip(*GRID, strict=True))
    value, gradient = function(model)(w1=1.0, w2=0.0, b=0.0, x1=z, x2=np.ones_like(z), Y=y)
    assert value.dtype == kind
    for i in range(len(z)):
        loss, slope = exact(float(z[i]), float(y[i]))
        assert ulps(value[i], loss, kind) <= 4
        assert ulps(gradient["b"][i], slope, kind) <= 4
        assert gradient["w1"].dtype == kind


def test_without_the_stable_forms_the_digits_are_lost() -> None:
    naive, good = (function("spelled out as stages", stable=s) for s in (False, True))
    at = {"w1": 40.0, "w2": 0.0, "b": 0.0, "x1": 1.0, "x2": 0.0, "Y": 1.0}
    assert naive(**at)[1]["b"] == 0.0
    assert good(**at)[1]["b"] == pytest.approx(-4.248354255291589e-18, rel=1e-15)


def test_negative_zero_is_zero() -> None:
    f = function("spelled out as stages")
    at = {"w1": -1.0, "w2": -1.0, "b": -0.0, "x2": 0.0, "Y": 1.0}
    assert f(x1=0.0, **at)[1]["b"] == -0.5
    assert f(x1=np.zeros(2), **at)[1]["b"].tolist() == [-0.5, -0.5]


# The rows ---------------------------------------------------------------------------------------


def _where(condition: object, yes: mpmath.mpf, no: mpmath.mpf) -> mpmath.mpf:
    return yes if condition else no


def _xlogy(x: mpmath.mpf, y: mpmath.mpf) -> mpmath.mpf:
    return x * mpmath.log(y) if x else mpmath.mpf(0)


def _sigmoid(z: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-z))


def _softplus(z: mpmath.mpf) -> mpmath.mpf:
    return mpmath.log(1 + mpmath.exp(z))


def _erfcx(u: mpmath.mpf) -> mpmath.mpf:
    return mpmath.exp(u * u) * mpmath.erfc(u)


def _erfcinv(q: mpmath.mpf) -> mpmath.mpf:
    return mpmath.findroot(lambda x: mpmath.log(mpmath.erfc(x) / q), 1 if q > 0.1 else 3)


MEANING = {
    **{
        n: getattr(mpmath, n)
        for n in [
            "exp",
            "log",
            "sinh",
            "cosh",
            "tanh",
            "sin",
            "cos",
            "sqrt",
            "erf",
            "erfc",
            "hypot",
            "atanh",
            "asinh",
            "asin",
            "acos",
            "gamma",
            "loggamma",
            "digamma",
            "besseli",
            "besselk",
            "erfi",
        ]
    },
    "erfinv": lambda x: mpmath.erfinv(x) if abs(x) < 1 else mpmath.mpc(0, 1),
    "pi": mpmath.pi,
    "erfcx_slope": lambda u: 2 * u * _erfcx(u) - 2 / mpmath.sqrt(mpmath.pi),
    "erfcx_log_slope": lambda u: 2 * u - 2 / (mpmath.sqrt(mpmath.pi) * _erfcx(u)),
    "erfi_scaled": lambda u: mpmath.exp(-u * u) * mpmath.erfi(u),
    "erfi_scaled_slope": lambda u: (
        2 / mpmath.sqrt(mpmath.pi) - 2 * u * mpmath.exp(-u * u) * mpmath.erfi(u)
    ),
    "erfcinv": lambda q: _erfcinv(q),
    "betaln": lambda a, b: mpmath.log(mpmath.gamma(a) * mpmath.gamma(b) / mpmath.gamma(a + b)),
    "digamma_minus_log": lambda x: mpmath.digamma(x) - mpmath.log(x),
    "besseli_scaled": lambda n, x: mpmath.exp(-x) * mpmath.besseli(n, x),
    "besselk_scaled": lambda n, x: mpmath.exp(x) * mpmath.besselk(n, x),
    "besselk_ratio": lambda n, m, x: mpmath.besselk(n, x) / mpmath.besselk(m, x),
    "log_besselk": lambda n, x: mpmath.log(mpmath.besselk(n, x)),
    "logsoftplus": lambda u: mpmath.log(_softplus(u)) if u > -37 else u - mpmath.exp(u) / 2,
    "sigmoid_entropy": lambda u: _softplus(u) - u * _sigmoid(u),
    "pow": mpmath.power,
    "log1mexp": lambda z: mpmath.log(1 - mpmath.exp(-z)),
    "logexpm1": lambda z: mpmath.log(mpmath.exp(z) - 1),
    "erfcx": _erfcx,
    "logerfc": lambda u: mpmath.log(mpmath.erfc(u)),
    "loghalferfc": lambda u: mpmath.log(mpmath.erfc(u) / 2),
    "loggamma_where_positive": lambda x: mpmath.log(mpmath.gamma(x)),
    "gamma_ratio": lambda a, b: mpmath.gamma(a) / mpmath.gamma(b),
    "besseli_ratio": lambda n, m, x: mpmath.besseli(n, x) / mpmath.besseli(m, x),
    "log_besseli": lambda n, x: mpmath.log(mpmath.besseli(n, x)),
    "powm1": lambda t, p: mpmath.exp(t) - 1 if abs(t) < 1 else p - 1,
    "exp_difference": lambda a, b: mpmath.exp(a) - mpmath.exp(b),
    "opposed": lambda r, b, d: d / (r + b) if b > 0 else r - b,
    "removable": lambda t, near, inside, outside: inside if abs(t) < near else outside,
    "abs": abs,
    "max": max,
    "min": min,
    "where": _where,
    "group": lambda x: x,
    "log1p": lambda x: mpmath.log(1 + x),
    "expm1": lambda x: mpmath.exp(x) - 1,
    "step": lambda z: mpmath.mpf(z >= 0),
    "signed": lambda q, z: q if z >= 0 else -q,
    "sigmoid": _sigmoid,
    "sigmoid_slope": lambda z: _sigmoid(z) * _sigmoid(-z),
    "sigmoid_minus": lambda z, y: _sigmoid(z) - y,
    "softplus": _softplus,
    "softplus_minus": lambda z, y: _softplus(z) - y * z,
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "logcosh": lambda x: mpmath.log(mpmath.cosh(x)),
    "xlogy": _xlogy,
    "xlog1py": lambda x, y: _xlogy(x, 1 + y),
}
"""What the functions of the rows mean, by mpmath alone."""

POINTS = [Fraction(7, 10), Fraction(-13, 10), Fraction(3, 8)]


def meaning(text: str, values: dict[str, object]) -> mpmath.mpf:
    return eval(text, dict(MEANING), values)  # text of the table, in a test


@pytest.mark.parametrize("row", STABLE, ids=lambda row: row.pattern)
def test_a_row_is_an_identity(row: Row) -> None:
    names = sorted(row.example)
    checked = 0
    with mpmath.workdps(80):
        for shift in range(4):
            points = POINTS if shift < 3 else [abs(point) for point in POINTS]
            values = {
                n: mpmath.mpf(points[(i + shift) % 3].numerator)
                / points[(i + shift) % 3].denominator
                for i, n in enumerate(names)
            }
            left, right = meaning(row.pattern, values), meaning(row.replacement, values)
            if isinstance(left, mpmath.mpc) or isinstance(right, mpmath.mpc):
                continue  # outside the domain
            checked += 1
            assert abs(left - right) <= mpmath.mpf(10) ** -50 * max(1, abs(left))
    assert checked


@pytest.mark.parametrize(
    "row", [r for r in STABLE if r.phase != EXPAND], ids=lambda row: row.pattern
)
def test_a_row_is_found_and_keeps_the_digits(row: Row) -> None:
    names = sorted(row.example)
    symbols = {name: sp.Symbol(name) for name in names}
    space = {
        **{
            n: getattr(sp, n)
            for n in ["exp", "log", "sinh", "cosh", "tanh", "sin", "cos", "sqrt", "erf", "erfc"]
        },
        **{n: getattr(sp, n) for n in ["acos", "gamma", "besseli", "besselk", "erfi", "erfinv"]},
        **{n: getattr(sp, n) for n in ["loggamma", "digamma", "pi"]},
        "max": sp.Max,
        "erfcx": lambda u: sp.exp(u**2) * sp.erfc(u),
        "erfi_scaled": lambda u: sp.exp(-(u**2)) * sp.erfi(u),
        "pow": sp.Pow,
        "opposed": lambda r, b, d: r - b,
        "logerfc": lambda u: sp.log(sp.erfc(u)),
        "loghalferfc": lambda u: sp.log(sp.erfc(u) / 2),
        "sigmoid_minus": lambda z, y: 1 / (1 + sp.exp(-z)) - y,
        "log1p": lambda x: sp.log(1 + x),
        "expm1": lambda x: sp.exp(x) - 1,
        "sigmoid": lambda z: 1 / (1 + sp.exp(-z)),
        "softplus": lambda z: sp.log(1 + sp.exp(z)),
        "logaddexp": lambda a, b: sp.log(sp.exp(a) + sp.exp(b)),
    }
    formula = eval(row.pattern, space, symbols)
    program = lower([("F", formula)], names, ["F"])
    got = compile_program(program)(*(row.example[n] for n in names))[0]
    with mpmath.workdps(60 if "bessel" in row.pattern or "erfc" in row.replacement else 800):
        values = {n: mpmath.mpf(v) for n, v in row.example.items()}
        if row.replacement in ("xlogy(x, x)", "xlogy(y, p) + xlog1py(1 - y, -p)"):
            assert got == 0.0
            return
        truth = meaning(row.pattern, values)
    assert ulps(got, truth) <= 6, (got, mpmath.nstr(truth, 20))


def test_rows_match_inside_larger_sums_and_products() -> None:
    z, y, w, v = sp.symbols("z y w v")
    s = sp.Symbol("S")
    at = {"z": 40.0, "y": 1.0, "w": 3.0, "v": 0.0}
    cases = {
        w * s - w * y + v: 3 * exact(40.0, 1.0)[1],
        (s - y) * w**2: 9 * exact(40.0, 1.0)[1],
        2 * w - 2 * w * s + v: -6 * exact(40.0, 1.0)[1],
        -w * y * sp.log(s) - w * (1 - y) * sp.log(1 - s) + v: 3 * exact(40.0, 1.0)[0],
    }
    for formula, truth in cases.items():
        program = lower([("S", 1 / (1 + sp.exp(-z))), ("F", formula)], list(at), ["F"])
        assert ulps(compile_program(program)(*at.values())[0], truth) <= 6, formula


def test_softmax_and_log_sum_exp_of_three() -> None:
    a, c, d = sp.symbols("a c d")
    total = sp.exp(a) + sp.exp(c) + sp.exp(d)
    program = lower([("L", sp.log(total)), ("P", sp.exp(a) / total)], ["a", "c", "d"], ["L", "P"])
    log_sum, share = compile_program(program)(1000.0, 999.0, -1000.0)
    assert log_sum == pytest.approx(1000.3132616875182, rel=1e-15)
    assert share == pytest.approx(0.7310585786300049, rel=1e-15)


@pytest.mark.parametrize(
    ("stage", "formula"),
    [
        ("2*SIGMOID", "1 - A"),
        ("3*exp(x)", "A - 1"),
        ("-exp(x)", "log(1 - A)"),
        ("2*exp(x)", "log(1 + A)"),
        ("3*cos(x)", "1 - A"),
        ("2*softplus(x)", "A - x"),
    ],
)
def test_a_stage_that_is_a_multiple_counts_with_its_number(stage: str, formula: str) -> None:
    import symderive as sd

    definition = stage.replace("SIGMOID", "1/(1 + exp(-x))")
    f = sd.derive(sd.Model({"A": definition, "y": formula})).function()
    naive = Function(f.definitions, f.inputs, f.value, f.gradient, stable=False)
    value, gradient = f(x=0.3)
    expected, slope = naive(x=0.3)
    assert value == pytest.approx(expected, rel=1e-13)
    assert gradient["x"] == pytest.approx(slope["x"], rel=1e-13)


@pytest.mark.parametrize(
    "formula",
    [
        "x/sinh(x)",
        "coth(x) - 1/x",
        "x/(exp(x) - 1)",
        "log(sinh(x)/x)",
        "(exp(a*x) - 1)/a",
        "(exp(x) - 1 - x)/x**2",
        "x**4*exp(x)/(exp(x) - 1)**2",
        "log(erfc(x))",
        "1 - exp(-x)",
        "exp(-a*x) - exp(-x)",
        "x + sqrt(1 + x**2)",
        "log(x + 1) - log(x)",
        "(1 + x)**(1/x)",
        "1/(a + exp(-x))",
        "exp(2*x)/(a + exp(2*x))",
        "digamma(x/2 + 1/2) - digamma(x/2)",
        "2*exp(-a*x) - 3*(1 - exp(-a*x))/a",
        "(1 - exp(-x/a))/(x/a) - exp(-x/a)",
    ],
)
@pytest.mark.parametrize("x", [1e-9, 1e-3, 0.2, 5.0, 40.0, 600.0])
def test_removable_points_and_tails_keep_the_digits(formula: str, x: float) -> None:
    import symderive as sd
    from symderive.formulas.evaluate import evaluate

    model = sd.Model({"y": formula}, parameters=["x"], constants={"a": 0.7})
    value, gradient = sd.derive(model).function()(x=x)
    exact_form = model.stages["y"].formula
    at = {"x": x, "a": 0.7}
    slope = evaluate(sp.diff(exact_form.doit(), sp.Symbol("x")), at, 30)
    assert value == pytest.approx(float(evaluate(exact_form, at, 30)), rel=2e-13, abs=1e-300)
    assert gradient["x"] == pytest.approx(float(slope), rel=1e-11, abs=1e-300)


def test_a_power_near_one_keeps_its_digits_in_the_derivative() -> None:
    import symderive as sd

    pressure = sd.derive(sd.Model({"p": "(1 - l*h)**(c/l)"}, parameters=["h"])).function()
    assert pressure(l=1e-30, h=0.5, c=2.0)[1]["h"] == pytest.approx(-2 * math.exp(-1), rel=1e-14)


@pytest.mark.parametrize("formula", ["exp(x)/TOTAL", "-log(exp(x)/TOTAL)", "log(TOTAL) - x"])
def test_a_softmax_written_out_keeps_its_digits(formula: str) -> None:
    import symderive as sd
    from symderive.formulas.evaluate import evaluate

    names = ["x", "a", "b"]
    text = formula.replace("TOTAL", "(exp(x) + exp(a) + exp(b))")
    model = sd.Model({"y": text}, parameters=names)
    f, exact_form = sd.derive(model).function(), model.stages["y"].formula
    for x in (-600.0, -40.0, 0.5, 40.0, 600.0):
        at = {"x": x, "a": 1.0, "b": 2.0}
        value, gradient = f(**at)
        assert value == pytest.approx(float(evaluate(exact_form, at, 30)), rel=1e-13)
        for name in names:
            slope = evaluate(sp.diff(exact_form, sp.Symbol(name)), at, 30)
            assert gradient[name] == pytest.approx(float(slope), rel=1e-12)


def test_what_is_left_beside_a_share_is_positive() -> None:
    import symderive as sd

    f = sd.derive(sd.Model({"S": "log(1 + exp(x) - exp(1))", "y": "exp(-S + x) + S"})).function()
    naive = Function(f.definitions, f.inputs, f.value, f.gradient, stable=False)
    assert f(x=1.1)[1]["x"] == pytest.approx(naive(x=1.1)[1]["x"], rel=1e-12)
