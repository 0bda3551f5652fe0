"""Every row of the table of functions, against formulas and witnesses that are not its own."""

import copy
import pickle
import re

import mpmath as mp
import pytest
import sympy as sp
from mpmath import mpf

from symderive.errors import FormulaError, ModelError
from symderive.formulas.evaluate import derivative, evaluate
from symderive.formulas.functions import FUNCTIONS, ROWS, function_of, user_functions
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated

FRACTIONS = (0.1371, 0.3173, 0.4419, 0.6183, 0.8077, 0.9713)
SLOW = {"bessely", "besselk"}  # a limit at whole orders
BY_NAME = {row.name: row for row in ROWS}
HELD = "stop_gradient"  # its derivative is a convention everywhere


def row_id(row):
    return row.name


def formula(text):
    return parse(text, FUNCTIONS).formula


def names_of(row):
    return ("a1", "a2", "a3") if row.variadic else row.parameters


def letters(row):
    return [sp.Symbol(name) for name in names_of(row)]


def points(row):
    """Eight points of the domain: the corners of the sample ranges, and six inside."""
    names = names_of(row)
    ranges = [row.samples[min(k, len(row.samples) - 1)] for k in range(len(names))]
    shares = [(0.0,) * len(names), (1.0,) * len(names)]
    shares += [
        tuple(FRACTIONS[(k * (2 * j + 1) + j) % 6] for j in range(len(names))) for k in range(6)
    ]
    for share in shares[: 3 if row.name in SLOW else None]:
        values = [low + (high - low) * s for (low, high), s in zip(ranges, share, strict=True)]
        yield {
            name: round(value) if name in row.integers else value
            for name, value in zip(names, values, strict=True)
        }


def defined(row):
    """The row's definition; for a primitive the function itself, whose value an oracle checks."""
    args = letters(row)
    return evaluated(row.definition_formula(*args)) if row.is_defined else row.apply(*args)


def close(mine, theirs, digits, floor=0.0):
    return abs(mine - theirs) <= mpf(10) ** -digits * max(abs(theirs), floor)


# The rows themselves ----------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_row_is_complete(row):
    assert row.title
    assert formula(f"where({row.domain}, 1, 0)") is not None
    assert len(row.samples) >= 1
    assert row.variadic or len(row.samples) == len(row.parameters)
    assert len(row.partial_formulas(*letters(row))) == len(letters(row))


def test_names_and_aliases_are_unique():
    names = [name for row in ROWS for name in (row.name, *row.aliases)]

    assert len(names) == len(set(names)) == len(FUNCTIONS)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_samples_lie_in_the_domain(row):
    condition = formula(f"where({row.domain}, 1, 0)")
    for point in points(row):
        assert evaluate(condition, point) == 1
        assert mp.isfinite(evaluate(row.apply(*letters(row)), point))


MACROS = {"sqrt", "rsqrt", "pow", "digamma", "trigamma"}  # these build another object


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_row_is_found_again_from_what_it_builds(row):
    built = row.apply(*letters(row))

    assert (function_of(built) is row) == (row.name not in MACROS)


# Values -----------------------------------------------------------------------------------

_sig = lambda z: (1 + mp.tanh(z / 2)) / 2  # noqa: E731
_phi = lambda z: mp.ncdf(z)  # noqa: E731
ORACLES = {
    "sqrt": mp.sqrt, "exp": mp.exp, "log": mp.log, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "hypot": mp.hypot, "expm1": mp.expm1, "log1p": mp.log1p, "pow": mp.power,
    "exp2": lambda x: mp.exp(x * mp.ln2), "exp10": lambda x: mp.exp(x * mp.ln10),
    "log2": lambda x: mp.log(x, 2), "log10": mp.log10, "logb": mp.log,
    "log1mexp": lambda x: mp.log(-mp.expm1(-x)), "sinc": mp.sincpi,
    "logdiffexp": lambda a, b: b + mp.log(mp.expm1(a - b)),
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "cot": mp.cot, "sec": mp.sec, "csc": mp.csc,
    "asin": mp.asin, "acos": mp.acos, "atan": mp.atan, "acot": lambda x: mp.atan(1 / x),
    "asec": lambda x: mp.acos(1 / x), "acsc": lambda x: mp.asin(1 / x), "atan2": mp.atan2,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "coth": mp.coth, "sech": mp.sech,
    "csch": mp.csch, "asinh": mp.asinh, "acosh": mp.acosh, "atanh": mp.atanh,
    "acoth": lambda x: mp.atanh(1 / x), "asech": lambda x: mp.acosh(1 / x),
    "acsch": lambda x: mp.asinh(1 / x),
    "erf": mp.erf, "erfc": mp.erfc, "norm_cdf": _phi, "norm_pdf": mp.npdf,
    "norm_logcdf": lambda x: mp.log(_phi(x)), "gamma": mp.gamma, "loggamma": mp.loggamma,
    "digamma": mp.digamma, "trigamma": lambda x: mp.zeta(2, x), "factorial": mp.factorial,
    "polygamma": lambda n, x: mp.diff(mp.loggamma, x, int(n) + 1) if n > 1 else mp.psi(n, x),
    "beta": lambda a, b: mp.quad(lambda t: t ** (a - 1) * (1 - t) ** (b - 1), [0, 0.5, 1])
    if min(a, b) > 1 else mp.beta(a, b),
    "betaln": lambda a, b: mp.log(mp.beta(a, b)),
    "gammainc": lambda a, x: mp.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda a, x: mp.gammainc(a, x, regularized=True),
    "uppergamma": lambda a, x: mp.gamma(a) - mp.gammainc(a, 0, x),
    "lowergamma": lambda a, x: mp.gamma(a) - mp.gammainc(a, x),
    "besselj": mp.besselj, "besseli": mp.besseli, "lambertw": mp.lambertw, "Si": mp.si,
    "airyai": mp.airyai, "airybi": mp.airybi,
    "elliptic_k": lambda m: mp.pi / 2 / mp.agm(1, mp.sqrt(1 - m)),
    "elliptic_e": mp.ellipe, "Ei": mp.ei, "expint": mp.expint, "Ci": mp.ci, "Shi": mp.shi,
    "Chi": mp.chi, "li": mp.li, "fresnels": mp.fresnels, "fresnelc": mp.fresnelc,
    "erfi": lambda x: -1j * mp.erf(1j * x), "erfcinv": lambda x: mp.erfinv(1 - x),
    "dawsn": lambda x: mp.quad(lambda t: mp.exp(t * t - x * x), mp.linspace(0, x, 5)),
    "betainc": lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
    "spherical_jn": lambda n, x: mp.sqrt(mp.pi / x / 2) * mp.besselj(n + mpf(1) / 2, x),
    "spherical_yn": lambda n, x: mp.sqrt(mp.pi / x / 2) * mp.bessely(n + mpf(1) / 2, x),
    "elliptic_pi": lambda n, m: mp.quad(
        lambda t: 1 / (1 - n * mp.sin(t) ** 2) / mp.sqrt(1 - m * mp.sin(t) ** 2), [0, mp.pi / 2]),
    "E1": mp.e1, "struve": mp.struveh, "versin": lambda x: 1 - mp.cos(x),
    "haversin": lambda x: (1 - mp.cos(x)) / 2, "deg2rad": mp.radians, "rad2deg": mp.degrees,
    "hermite_prob": lambda n, x: (-1) ** int(n) * mp.exp(x * x / 2)
    * mp.diff(lambda t: mp.exp(-t * t / 2), x, int(n)),
    "assoc_legendre": lambda n, m, x: (-1) ** int(m) * (1 - x * x) ** (m / 2)
    * mp.diff(lambda t: mp.legendre(n, t), x, int(m)),
    "elliptic_f": mp.ellipf, "ellipeinc": mp.ellipe, "legendre": mp.legendre,
    "chebyshevt": lambda n, x: mp.cos(n * mp.acos(x)),
    "chebyshevu": lambda n, x: mp.sin((n + 1) * mp.acos(x)) / mp.sqrt(1 - x * x),
    "hermite": mp.hermite, "assoc_laguerre": mp.laguerre,
    "laguerre": lambda n, x: mp.laguerre(n, 0, x), "gegenbauer": mp.gegenbauer,
    "jacobi": mp.jacobi, "hyp0f1": mp.hyp0f1, "hyp1f1": mp.hyp1f1, "hyp2f1": mp.hyp2f1,
    "zeta": mp.zeta, "polylog": mp.polylog,
    "abs": abs, "sign": mp.sign, "max": max, "min": min, "floor": mp.floor, "ceil": mp.ceil,
    "round": mp.nint, "trunc": lambda x: mpf(int(x)), "frac": mp.frac, "mod": lambda x, y: x % y,
    "logaddexp": lambda a, b: a + mp.log1p(mp.exp(b - a)),
    "logsumexp": lambda *a: mp.log(mp.fsum(mp.exp(x) for x in a)),
    "clip": lambda x, lo, hi: sorted((x, lo, hi))[1],
    "log_indicator": lambda x: mpf(0) if x >= 0 else mpf("-inf"),
    "heaviside": lambda x, h: mpf(x > 0) if x else h, "stop_gradient": lambda x: x,
    "sigmoid": _sig, "logsigmoid": lambda z: -mp.log1p(mp.exp(-z)),
    "softplus": lambda z, b: mp.log1p(mp.exp(b * z)) / b,
    "logit": lambda p: 2 * mp.atanh(2 * p - 1), "silu": lambda z: z * _sig(z),
    "swish": lambda z, b: z * _sig(b * z), "gelu": lambda z: z * _phi(z),
    "gelu_tanh": lambda z: z * _sig(2 * mp.sqrt(2 / mp.pi) * (z + mpf("0.044715") * z**3)),
    "mish": lambda z: z * ((1 + mp.exp(z)) ** 2 - 1) / ((1 + mp.exp(z)) ** 2 + 1),
    "softsign": lambda z: z / (1 + abs(z)), "tanhshrink": lambda z: z - mp.tanh(z),
    "snake": lambda z, a: z + (1 - mp.cos(2 * a * z)) / (2 * a),
    "glu": lambda a, b: a * _sig(b), "swiglu": lambda a, b: a * b * _sig(b),
    "geglu": lambda a, b: a * b * _phi(b), "reglu": lambda a, b: a * max(b, 0),
    "relu": lambda z: max(z, mpf(0)), "relu6": lambda z: sorted((mpf(0), z, mpf(6)))[1],
    "leaky_relu": lambda z, a: z if z > 0 else a * z, "prelu": lambda z, a: z if z > 0 else a * z,
    "elu": lambda z, a: z if z > 0 else a * mp.expm1(z),
    "selu": lambda z: mpf("1.0507009873554805")
    * (z if z > 0 else mpf("1.6732632423543772") * mp.expm1(z)),
    "celu": lambda z, a: max(z, 0) + min(0, a * mp.expm1(z / a)),
    "softshrink": lambda z, t: mp.sign(z) * max(abs(z) - t, 0),
    "hardshrink": lambda z, t: z if abs(z) > t else mpf(0),
    "hardtanh": lambda z, lo, hi: sorted((lo, z, hi))[1],
    "hardsigmoid": lambda z: sorted((mpf(0), z / 6 + mpf(1) / 2, mpf(1)))[1],
    "hardswish": lambda z: z * sorted((mpf(0), z / 6 + mpf(1) / 2, mpf(1)))[1],
    "threshold": lambda z, t, v: z if z > t else v,
    "huber": lambda e, d: e * e / 2 if abs(e) <= d else d * abs(e) - d * d / 2,
    "smooth_l1": lambda e, b: e * e / b / 2 if abs(e) < b else abs(e) - b / 2,
    "log_cosh": lambda e: abs(e) + mp.log1p(mp.exp(-2 * abs(e))) - mp.ln2,
    "absolute_error": lambda p, y: abs(p - y),
    "squared_error": lambda p, y: p * p - 2 * p * y + y * y,
    "quantile": lambda p, y, t: (y - p) * (t - (y < p)),
    "binary_cross_entropy": lambda p, y: -mp.log(p) * y - mp.log1p(-p) * (1 - y),
    "binary_cross_entropy_with_logits": lambda z, y: mp.log1p(mp.exp(z)) - z * y,
    "cross_entropy": lambda p, y: y * mp.log(1 / p),
    "kl_div": lambda p, q: p * (mp.log(p) - mp.log(q)),
    "hinge": lambda s, y: max(mpf(0), 1 - s * y),
    "squared_hinge": lambda s, y: max(mpf(0), 1 - s * y) ** 2,
    "logistic_loss": lambda s, y: mp.log1p(mp.exp(-s * y)),
    "poisson_nll": lambda m, y: m - y * mp.log(m),
    "gaussian_nll": lambda m, y, v: -mp.log(mp.npdf(y, m, mp.sqrt(v)) * mp.sqrt(2 * mp.pi)),
    "laplace_nll": lambda m, y, b: -mp.log(mp.exp(-abs(y - m) / b) / (2 * b)),
    "cauchy_nll": lambda m, y, s: -mp.log(s / (mp.pi * (s * s + (y - m) ** 2))),
    "student_t_nll": lambda m, y, n, s: -mp.log(
        (1 + ((y - m) / s) ** 2 / n) ** (-(n + 1) / 2)
        / (mp.sqrt(n) * mp.beta(n / 2, mpf(1) / 2) * s)
    ),
    "focal": lambda p, y, g: -y * (1 - p) ** g * mp.log(p) - (1 - y) * p**g * mp.log1p(-p),
    "rsqrt": lambda x: mp.exp(-mp.log(x) / 2), "xlogy": lambda x, y: mp.log(y) * x,
    "xlog1py": lambda x, y: mp.log1p(y) * x,
    "copysign": lambda x, y: abs(x) * (1 if y >= 0 else -1),
    "erfinv": lambda x: mp.findroot(lambda t: mp.erf(t) - x, mp.erfinv(x)),
    "erfcx": lambda x: mp.erfc(x) * mp.exp(x * x),
    "norm_ppf": lambda p: mp.findroot(lambda t: mp.ncdf(t) - p, mp.sqrt(2) * mp.erfinv(2 * p - 1)),
    "bessely": mp.bessely, "besselk": mp.besselk,
    "airyaiprime": lambda x: mp.diff(mp.airyai, x), "airybiprime": lambda x: mp.diff(mp.airybi, x),
    "quick_gelu": lambda z: z * _sig(mpf("1.702") * z), "gaussian": lambda z: mp.exp(-z * z),
    "lisht": lambda z: z * mp.tanh(z), "isru": lambda z, a: z / mp.sqrt(1 + a * z * z),
    "squareplus": lambda z, b: (z + mp.hypot(z, mp.sqrt(b))) / 2,
    "half_squared_error": lambda p, y: (p - y) ** 2 / 2,
    "percentage_error": lambda p, y: abs(p / y - 1),
    "squared_log_error": lambda p, y: mp.log((1 + p) / (1 + y)) ** 2,
    "pseudo_huber": lambda e, d: d * mp.hypot(d, e) - d * d,
    "charbonnier": lambda e, s: mp.hypot(e, s),
    "cauchy_loss": lambda e, c: c * c / 2 * mp.log1p(e * e / c / c),
    "welsch": lambda e, c: -c * c * mp.expm1(-e * e / c / c / 2),
    "geman_mcclure": lambda e, c: 2 * (e / c) ** 2 / ((e / c) ** 2 + 4) * c * c,
    "tukey_biweight": lambda e, c: c * c / 6 * (1 - max(mpf(0), 1 - (e / c) ** 2) ** 3),
    "epsilon_insensitive": lambda p, y, s: max(mpf(0), abs(p - y) - s),
    "entropy": lambda p: p * mp.log(1 / p),
    "binary_entropy": lambda p: p * mp.log(1 / p) - (1 - p) * mp.log1p(-p),
    "exponential_loss": lambda s, y: mp.exp(-s * y),
    "margin_ranking": lambda a, b, y, m: max(mpf(0), m - y * (a - b)),
    "triplet": lambda near, far, m: max(mpf(0), near - far + m),
    "contrastive": lambda d, y, m: y * d * d + (1 - y) * max(mpf(0), m - d) ** 2,
    "poisson_nll_with_logits": lambda z, y: mp.exp(z) - y * z,
    "gamma_nll": lambda m, y: -mp.log(mp.exp(-y / m) / m),
    "tweedie": lambda m, y, p: m ** (2 - p) / (2 - p) - y * m ** (1 - p) / (1 - p),
    "itakura_saito": lambda p, y: y / p - mp.log(y) + mp.log(p) - 1,
    "negative_binomial_nll": lambda m, y, r: -mp.log(
        mp.gamma(y + r) / mp.gamma(r) * (r / (r + m)) ** r * (m / (r + m)) ** y
    ),
}  # fmt: skip


def test_every_row_has_an_oracle():
    assert set(ORACLES) == set(BY_NAME)


@pytest.mark.parametrize("name", ORACLES)
def test_value_agrees_with_the_oracle(name):
    row = BY_NAME[name]
    applied = row.apply(*letters(row))
    for point in points(row):
        with mp.workdps(60):
            theirs = ORACLES[name](*(mpf(value) for value in point.values()))
        assert close(evaluate(applied, point, 40), theirs, 30, floor=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_sympy_evaluates_it_to_thirty_digits(row):
    *_, point = points(row)
    values = {sp.Symbol(name): sp.Float(value, 50) for name, value in point.items()}
    mine = row.apply(*letters(row)).evalf(30, subs=values)
    theirs = evaluate(row.apply(*letters(row)), point)

    assert mine.is_Number
    assert close(mp.mp.make_mpf(sp.Float(mine, 30)._mpf_), theirs, 25)


def test_sympys_evalf_keeps_the_digits_of_a_tiny_complement():
    x = sp.Symbol("x")
    mine = formula("binary_cross_entropy(sigmoid(x), 1)").evalf(40, subs={x: 200})
    with mp.workdps(60):
        theirs = mp.log1p(mp.exp(-200))

    assert close(mp.mp.make_mpf(mine._mpf_), theirs, 39)
    assert formula("relu(log(x))").evalf(20, subs={x: -1}) is sp.nan
    assert str(formula("sigmoid(x)").evalf()) == "sigmoid(x)"


@pytest.mark.parametrize("row", [row for row in ROWS if row.stable], ids=row_id)
def test_stable_form_is_the_definition(row):
    stable, plain = evaluated(row.stable_formula(*letters(row))), defined(row)
    for point in points(row):
        assert close(evaluate(stable, point), evaluate(plain, point), 40)


# Partials ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if row.name != HELD], ids=row_id)
def test_partials_agree_with_differences(row):
    compared = 0
    for name, partial in zip(names_of(row), row.partial_formulas(*letters(row)), strict=True):
        for point in points(row) if partial is not None else ():
            truth = derivative(defined(row), name, point, 40)
            if mp.isnan(truth):
                assert row.kinks, (name, point)
                continue
            mine = evaluate(evaluated(partial), point)
            assert close(mine, truth, 25, floor=1e-12), (name, point)
            compared += 1
    assert compared >= (2 if row.name in SLOW else 6)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_sympy_differentiates_it(row):
    *_, name = names_of(row)
    result = sp.diff(row.apply(*letters(row)), sp.Symbol(name))

    assert not result.has(sp.Subs)


# formula, variable, place, slope on the left, slope on the right, the convention; None: a jump
KINKS = [
    ("abs(x)", "x", 0, -1, 1, 0),
    ("max(x, 2)", "x", 2, 0, 1, "0.5"),
    ("max(x, 2, 2)", "x", 2, 0, 1, mpf(1) / 3),
    ("min(x, 2)", "x", 2, 1, 0, "0.5"),
    ("clip(x, -1, 1)", "x", -1, 0, 1, 1),
    ("clip(x, -1, 1)", "x", 1, 1, 0, 1),
    ("relu(x)", "x", 0, 0, 1, 0),
    ("relu6(x)", "x", 0, 0, 1, 0),
    ("relu6(x)", "x", 6, 1, 0, 0),
    ("reglu(3, x)", "x", 0, 0, 3, 0),
    ("leaky_relu(x)", "x", 0, "0.01", 1, "0.01"),
    ("prelu(x, 0.25)", "x", 0, "0.25", 1, "0.25"),
    ("elu(x, 2)", "x", 0, 2, 1, 2),
    ("selu(x)", "x", 0, "1.75809934084737656992098505360", "1.0507009873554805",
     "1.75809934084737656992098505360"),
    ("softshrink(x)", "x", "0.5", 0, 1, 0),
    ("hardtanh(x)", "x", -1, 0, 1, 0),
    ("hardtanh(x)", "x", 1, 1, 0, 0),
    ("hardsigmoid(x)", "x", 3, mpf(1) / 6, 0, 0),
    ("hardswish(x)", "x", -3, 0, "-0.5", 0),
    ("hardswish(x)", "x", 3, "1.5", 1, 1),
    ("absolute_error(x, 2)", "x", 2, -1, 1, 0),
    ("percentage_error(x, 2)", "x", 2, "-0.5", "0.5", 0),
    ("quantile(x, 2, 0.25)", "x", 2, "-0.25", "0.75", "0.25"),
    ("epsilon_insensitive(x, 0, 0.5)", "x", "0.5", 0, 1, 0),
    ("hinge(x, 1)", "x", 1, -1, 0, 0),
    ("margin_ranking(x, 0, 1)", "x", 0, -1, 0, 0),
    ("triplet(x, 3)", "x", 2, 0, 1, 0),
    ("laplace_nll(x, 2, 1)", "x", 2, -1, 1, 0),
    ("copysign(x, 1)", "x", 0, -1, 1, 0),
    ("copysign(2, x)", "x", 0, 0, 0, 0),
    ("sign(x)", "x", 0, 0, 0, 0),
    ("heaviside(x)", "x", 0, 0, 0, 0),
    ("floor(x)", "x", 2, 0, 0, 0),
    ("ceil(x)", "x", 2, 0, 0, 0),
    ("trunc(x)", "x", 2, 0, 0, 0),
    ("round(x)", "x", "2.5", 0, 0, 0),
    ("frac(x)", "x", 2, 1, 1, 1),
    ("mod(x, 2)", "x", 4, 1, 1, 1),
    ("threshold(x, 1, 5)", "x", 1, 0, 1, 0),
    ("hardshrink(x)", "x", "0.5", 0, 1, 0),
    ("atan2(x, -1)", "x", 0, -1, -1, -1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "at", "left", "right", "convention"), KINKS)
def test_both_sides_of_a_kink_and_the_convention_at_it(text, name, at, left, right, convention):
    applied, step = formula(text), mpf("1e-3")
    slope = sp.diff(applied, sp.Symbol(name))
    sides = [evaluate(slope, {name: mpf(at) + move}) for move in (-step, step)]
    witnesses = [derivative(applied, name, {name: mpf(at) + move}) for move in (-step, step)]

    assert all(close(mine, theirs, 25) for mine, theirs in zip(sides, witnesses, strict=True))
    assert [float(side) for side in sides] == pytest.approx([float(left), float(right)], abs=2e-2)
    assert close(evaluate(slope, {name: mpf(at)}), mpf(convention), 15)


@pytest.mark.parametrize(("text", "name", "at", "left", "right", "convention"), KINKS)
def test_at_a_kink_the_sides_differ_or_the_value_jumps(text, name, at, left, right, convention):
    applied, step = formula(text), mpf("1e-9")
    below, above = (evaluate(applied, {name: mpf(at) + move}) for move in (-step, step))
    jumps = abs(above - below) > 0.1

    assert jumps or float(left) != float(right)
    assert jumps == any("jumps" in kink.convention for kink in kinks_at(text, name, at))
    assert mp.isnan(derivative(applied, name, {name: mpf(at)}))


@pytest.mark.parametrize(("text", "name", "at", "left", "right", "convention"), KINKS)
def test_the_sentence_says_the_convention(text, name, at, left, right, convention):
    (kink,) = kinks_at(text, name, at)
    said = re.search(
        r"taken as (0|1/2 − tau|1|alpha|that of the (?:left|outer) side)\b", kink.convention
    )
    sides = {"0": 0, "1": 1, "1/2 − tau": 0.25, "alpha": left, "that of the left side": left}
    sides["that of the outer side"] = left if float(at) < 0 else right
    if said is not None:
        assert float(convention) == float(sides[said[1]])
    else:
        assert "share the derivative equally" in kink.convention or "either side" in kink.convention


def kinks_at(text, name, at):
    """The kinks of the row, applied as in the text, whose condition holds at the place."""
    applied = formula(text)
    row = function_of(applied)
    given = dict(zip(("a", "b") if row.variadic else row.parameters, applied.args, strict=False))
    for parameter, value in zip(row.parameters[::-1], row.defaults[::-1], strict=False):
        given.setdefault(parameter, formula(value))
    values = {key: evaluate(value, {name: mpf(at)}) for key, value in given.items()}
    return [
        kink for kink in row.kinks if evaluate(formula(f"where({kink.where}, 1, 0)"), values) == 1
    ]


def test_every_row_with_a_kink_is_tried_at_it():
    tried = {text.partition("(")[0] for text, *_ in KINKS}

    assert {row.name for row in ROWS if row.kinks} - {HELD} == tried
    assert formula("stop_gradient(x)**2").diff(sp.Symbol("x")) == 0


# As SymPy objects -------------------------------------------------------------------------

EXACT = [
    ("abs(-3)", "3"), ("relu(2)", "2"), ("relu(-2)", "0"), ("max(1, 5, 3)", "5"),
    ("min(1, -5/2)", "-5/2"), ("sign(-7)", "-1"), ("floor(-7/2)", "-4"), ("ceil(-7/2)", "-3"),
    ("sigmoid(0)", "1/2"), ("round(5/2)", "2"), ("round(-3/2)", "-2"), ("mod(-7, 3)", "2"),
    ("clip(9, 0, 4)", "4"), ("heaviside(0)", "1/2"), ("sinc(0)", "1"), ("hinge(3, 1)", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_exact_numbers_give_exact_values(text, value):
    assert formula(text) == sp.Rational(value)


@pytest.mark.parametrize("text", ["abs(x)", "max(x, y)", "sigmoid(x*y)", "softplus(x)", "sinc(x)"])
def test_symbols_stay_under_the_name(text):
    assert str(formula(text)) == text


@pytest.mark.parametrize("text", ["1 + sigmoid(x)", "abs(x)*max(x, y)", "huber(x, 2)", "exp(x)"])
def test_copies_and_pickles_are_equal(text):
    original = formula(text)

    assert pickle.loads(pickle.dumps(original)) == original
    assert copy.deepcopy(original) == original


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_every_applied_function_survives_a_pickle(row):
    applied = row.apply(*letters(row))
    again = pickle.loads(pickle.dumps(applied))

    assert again == applied
    assert function_of(again) is function_of(applied)


def test_default_parameters_may_be_left_out():
    x = sp.Symbol("x")

    assert formula("leaky_relu(x)").rewrite("definition") == formula("where(x > 0, x, x/100)")
    assert FUNCTIONS["softplus"].partial_formulas(x) == (formula("sigmoid(x)"),)


def test_code_printers_write_the_definition():
    f = sp.lambdify(sp.Symbol("x"), formula("sigmoid(x)"), "math")

    assert f(0.5) == pytest.approx(0.6224593312018546, rel=1e-15)


def test_wrong_number_of_arguments_names_the_signature():
    with pytest.raises(FormulaError, match=r"huber is called as huber\(e, delta\); got 3"):
        formula("huber(x, 1, 2)")


# The user's own ---------------------------------------------------------------------------


def test_a_definition_alone_is_an_abbreviation():
    rows = user_functions({"bump(x)": "exp(-x**2)", "twice(t)": "bump(t) + bump(2*t)"})
    text = parse("twice(w)", {**FUNCTIONS, **rows}).formula

    assert text == formula("exp(-w**2) + exp(-4*w**2)")


def test_stated_derivatives_keep_the_name():
    stated = {"definition": "exp(-x**2)", "derivatives": "-2*x*bump(x)"}
    row = user_functions({"bump(x)": stated})["bump"]
    w = sp.Symbol("w")

    assert str(row.apply(w)) == "bump(w)"
    assert str(sp.diff(row.apply(w), w)) == "-2*w*bump(w)"
    assert close(evaluate(row.apply(w), {"w": 1}), mp.exp(-1), 14)
    assert pickle.loads(pickle.dumps(row.apply(w))) == row.apply(w)


def test_a_name_alone_is_an_undefined_function():
    row = user_functions({"f(x, y)": ""})["f"]

    assert row.apply(*sp.symbols("a b")) == sp.Function("f")(*sp.symbols("a b"))


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"bump": "x"}, "is not a signature"),
        ({"f(x, x)": "x"}, "named twice"),
        ({"f(x)": "x*q"}, "'q' is not a parameter of f"),
        ({"f(x)": {"definition": "x", "slope": "1"}}, "unknown key 'slope'"),
        ({"f(x, y)": {"definition": "x*y", "derivatives": ["y"]}}, "2 derivatives are expected"),
        ({"f(x)": 3}, "a formula is expected"),
    ],
)
def test_mistakes_are_named(functions, message):
    with pytest.raises(ModelError, match=message):
        user_functions(functions, where="model.toml")
