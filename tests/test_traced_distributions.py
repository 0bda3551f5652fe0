"""SciPy's distributions in traced programs: inside their support, outside it, and the ledger."""

from __future__ import annotations

import numpy as np
import pytest

import symderive as sd

stats = pytest.importorskip("scipy.stats")
rows = pytest.importorskip("symderive.readers.python.distribution_rows").DISTRIBUTIONS

SHAPES = {"a": 0.7, "b": 1.6, "df": 3.5, "s": 0.8, "c": 1.7, "mu": 1.3, "p": 0.35, "n": 5.0}
SHAPES |= {"kappa": 1.2, "dfn": 3.5, "dfd": 5.5, "d": 0.9, "beta": 1.6, "K": 1.3}
REAL, WHOLE = (-1.3, 0.25, 0.6, 1.4, 2.7), (-1.0, 0.0, 1.0, 4.0, 5.0, 7.0)


def _shapes(name):
    own = {"truncnorm": {"a": -0.5, "b": 1.5}, "triang": {"c": 0.4}, "genextreme": {"c": -0.1}}.get(
        name, SHAPES
    )
    return [own[shape] for shape in rows[name].shapes]


def _agrees(function, points):
    """The model's value is SciPy's, and −∞ outside the support; inside, it has a gradient."""
    compute = sd.derive(sd.trace(function, x="")).function()
    for x in points:
        value, gradient = compute(x=x)
        expected = function(x)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), x
        assert np.isfinite(gradient["x"]) or not np.isfinite(expected), x


@pytest.mark.parametrize("name", rows)
def test_logarithms_of_densities(name):
    row, family, shapes = rows[name], getattr(stats, name), _shapes(name)
    if row.discrete:
        _agrees(lambda x: family.logpmf(x, *shapes), WHOLE)
    else:
        _agrees(lambda x: family.logpdf(x, *shapes, 0.1, 1.2), REAL)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *[(name, "cdf") for name in ("expon", "uniform", "rayleigh", "pareto", "beta", "gamma")],
        *[("triang", method) for method in ("cdf", "pdf")],
        *[(name, "pdf") for name in ("halfnorm", "uniform", "lognorm", "truncnorm")],
        *[(name, "logsf") for name in ("expon", "weibull_min", "lognorm")],
        *[(name, "sf") for name in ("chi2", "pareto", "t")],
    ],
)
def test_other_methods(name, method):
    shapes = _shapes(name)
    _agrees(lambda x: getattr(getattr(stats, name), method)(x, *shapes, 0.1, 1.2), REAL)


@pytest.mark.parametrize("name", ["norm", "logistic", "expon", "uniform", "gumbel_r"])
def test_quantiles(name):
    _agrees(lambda x: getattr(stats, name).ppf(x, 0.1, 1.2), (0.1, 0.5, 0.9))


def test_vectors():
    def f(x):
        shares = np.exp(x) / np.exp(x).sum()
        first = stats.dirichlet.logpdf(shares, np.array([0.5, 1.5, 2.0]))
        return first + stats.multinomial.logpmf(np.array([1, 2, 1]), 4, shares)

    point = np.array([0.3, -0.4, 0.9])
    value, _ = sd.derive(sd.trace(f, x="3")).function()(x=point)
    assert value == pytest.approx(f(point))


def test_a_wishart_density_of_a_matrix():
    def f(A, df):
        return stats.wishart.logpdf(
            A @ A.T + np.eye(2), df=df, scale=np.array([[2, 0.5], [0.5, 1]])
        )

    A, df = np.array([[0.3, -0.4], [1.2, 0.9]]), 4.5  # noqa: N806
    value, gradient = sd.derive(sd.trace(f, A="2 2", df="")).function()(A=A, df=df)
    assert value == pytest.approx(f(A, df), rel=1e-12)
    assert gradient["df"] == pytest.approx((f(A, df + 1e-5) - f(A, df - 1e-5)) / 2e-5, rel=1e-7)
    step = np.array([[0.0, 1e-5], [0.0, 0.0]])
    rise = (f(A + step, df) - f(A - step, df)) / 2e-5
    assert gradient["A"][0, 1] == pytest.approx(rise, rel=1e-7)


def test_the_support_is_in_the_ledger():
    def f(x, scale):
        return np.sum(stats.expon.logpdf(x, scale=scale) + stats.uniform.logpdf(x, 0, 4))

    derivation = sd.derive(sd.trace(f, x="n", scale=""))
    assert derivation.check().passed
    taken = {str(row.condition) for row in derivation.assumptions}
    assert {"x[i] >= 0", "x[i]/scale >= 0", "4 - x[i] >= 0"} <= taken
    value, gradient = derivation.function()(x=np.array([0.5, 3.0]), scale=2.0)
    assert value == pytest.approx(f(np.array([0.5, 3.0]), 2.0))
    assert gradient["scale"] == pytest.approx(-2 / 2 + 3.5 / 4)
    assert derivation.function()(x=np.array([0.5, 5.0]), scale=2.0)[0] == -np.inf


def test_a_bound_that_is_known_makes_no_term():
    model = sd.trace(lambda p: stats.binom.logpmf(2, 5, p), p="")
    assert "log_indicator" not in next(iter(model.stages.values())).text


def test_outside_its_support_a_density_has_a_gradient_by_its_shape():
    def f(a, b, x):
        return np.sum(stats.gamma.pdf(x, a) + stats.beta.pdf(x, a, b))

    x = np.array([-1.0, 0.5, 2.0])
    _, gradient = sd.derive(sd.trace(f, a="", b="", x="3")).function()(a=1.3, b=2.0, x=x)
    slope = (f(1.3 + 1e-6, 2.0, x) - f(1.3 - 1e-6, 2.0, x)) / 2e-6
    assert gradient["a"] == pytest.approx(slope, rel=1e-6)
    assert np.all(np.isfinite(gradient["x"]))


def test_data_inside_the_support_make_no_choice():
    def f(a, x):
        return np.sum(stats.gamma.logpdf(x, a, scale=2.0))

    model = sd.trace(f, a=1.5, x=np.array([0.5, 2.0]), parameters=["a"])
    assert "where" not in model.stages["f"].text
    assert "where" in sd.trace(f, a="", x="n").stages["f"].text


def test_a_method_without_a_formula_is_named():
    with pytest.raises(sd.SymderiveError, match=r"scipy\.stats\.t\.ppf has no formula"):
        sd.trace(lambda x: stats.t.ppf(x, 3), x="")


def test_plain_parameters_may_be_put_in_before_the_call_or_in_it():
    outside = stats.gamma(2.0, scale=3.0)

    def f(a, k):
        vectors = stats.multivariate_normal([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]])
        scale = vectors.pdf([0.1, 0.2]) + vectors.dim
        return stats.norm(0, 10).logpdf(a) + outside.logpdf(k) + scale * vectors.logpdf([a, k])

    value, gradient = sd.derive(sd.trace(f, a="", k="")).function()(a=0.7, k=0.3)
    assert value == pytest.approx(f(0.7, 0.3))
    step = (f(0.7, 0.3 + 1e-6) - f(0.7, 0.3 - 1e-6)) / 2e-6
    assert gradient["k"] == pytest.approx(step)
