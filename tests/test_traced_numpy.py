"""Functions of NumPy, SciPy and ``math`` in traced programs: the value is the program's own."""

from __future__ import annotations

import cmath
import importlib
import math
import statistics

import numpy as np
import pytest
from sympy import preorder_traversal
from sympy.core.relational import Relational

import symderive as sd

special = pytest.importorskip("scipy.special")

SCIPY = {
    name.rpartition(".")[2]: importlib.import_module(name)
    for name in (
        *("scipy.signal", "scipy.fft", "scipy.spatial.distance"),
        *("scipy.interpolate", "scipy.stats"),
    )
}
ARRAYS = {
    name: np.random.default_rng(k).normal(size=shape)
    for k, (name, shape) in enumerate({"X": (3, 4), "v": (4,), "u": (3,), "A": (3, 3)}.items())
}

EXPRESSIONS = """
np.cumsum(X)
np.cumprod(X, axis=1)
np.diff(X, n=2, axis=1)
np.roll(X, 1)
np.roll(X, (1, 2), (0, 1))
np.flip(X)
X[::-1, ::-2]
np.rot90(A, 2)
np.pad(v, 2, mode="reflect")
np.pad(v, (1, 3), "wrap")
np.pad(X, 1, mode="symmetric")
np.pad(u, 4, mode="reflect")
np.pad(u, (1, 2), constant_values=(2, 3))
np.interp(v, [-3, 0, 3.0], u)
np.interp([0.5, 1.5], [0, 1, 2], u)
np.interp([-1, 0.5, 2.5], [0, 1, 2], u, left=7, right=u[0])
np.interp(v[0], [0, 1, 2], u, right=u[1])
np.gradient(v)
np.gradient(X, 2.0, axis=0)
np.gradient(v, 0.5, edge_order=2)
np.gradient(X)[1]
np.gradient(v, [0, 0.1, 0.4, 1.0])
np.trapezoid(X, axis=0)
np.trapezoid(v, [0, 1, 3, 4.0])
np.linalg.lstsq(X.T, v, rcond=None)[0]
np.linalg.svd(X, compute_uv=False)
np.linalg.norm(A, 2)
np.linalg.norm(A, "nuc")
np.correlate(v, u, "same")
np.convolve(u, v, "same")
X.trace()
np.take_along_axis(X, np.array([[0], [1], [3]]), axis=1)
np.choose([0, 1, 0, 1], [v, v**2])
np.delete(v, 1)
np.insert(v, 2, v[0])
np.compress([True, False, True, True], v)
np.sum(X, where=X > 0)
np.mean(X, where=np.array([True, False, True, True]))
np.max(v, initial=0.3)
np.meshgrid(u, v, u)[2]
np.full_like(u, 2.5)*u
np.apply_over_axes(np.sum, X, [0, 1])
divmod(v[0], 2)[1]
np.apply_along_axis(lambda r: r - np.mean(r), 0, X)
np.vectorize(lambda a, b: a*math.exp(b))(u, 0.5)
np.triu(np.ones((3, 3)), 1).astype(bool)*A
np.linspace(u[0], v[0], 4)
X.T[1][2]
X[1:][0, 2:]
(X**2)[1:, 0]
np.zeros(3) @ A + u
np.eye(3) @ u + 0*u
u**0 + u
math.remainder(v[0], 0.7)
special.kl_div(abs(u), 2)
special.rel_entr(abs(u), 2)
special.exprel(u)
special.i0e(u)
special.comb(5, abs(u))
special.kn(1, abs(u))
np.vander(v, N=3, increasing=True)
X[X > 0].sum() + np.mean(np.log(v[v > 0.1])*2)
X[X[:, 0] > 0].sum(axis=0)
np.prod(1 + v[v < 0]/2) - v[v > 0] @ (v[v > 0]**2)
np.abs(np.fft.fft(v))**2
np.fft.fft(X, axis=0).real
np.fft.rfft(v).imag
np.fft.irfft(np.fft.rfft(u), n=3)
np.fft.irfft(np.fft.rfft(v, norm="ortho") * 2, norm="ortho")
np.fft.ifft2(np.fft.fft2(X) * (1 + 2j)).imag
np.real(np.fft.ifft(np.fft.fft(v, 6) * np.fft.fft(u, 6)))
np.fft.ifftshift(np.fft.fftshift(X), axes=0)
np.angle(1 + 1j*v)
abs(np.exp(1j*u).sum())
np.sqrt(u - 2j).real
np.log(2j + u).imag + ((1 + 1j*u)**-2).imag
(np.sin(u + 1j) + np.cos(u + 1j) + np.cosh(u + 1j) + np.tanh(u + 1j)).imag
np.linalg.solve(A + 1j*np.eye(3), u).real
np.linalg.inv(A + 1j*np.eye(3)).imag
np.linalg.norm((np.eye(3, dtype=complex)*1j) @ (u + 1j))
np.array([1j*u[0], u[1]]).imag
np.vdot(1j*u, u + 1j).imag + (u + 1j).conj().mean().imag
np.einsum("i,j->ij", 1j*u, 1j*v).real
np.where(u > 0, 1j*u, u).imag
cmath.phase(cmath.rect(2, u[0])) + complex(u[0], u[1]).imag
np.log(np.sum(np.exp(-np.array([1e6, u[0]**2, 0.0])/0.1)))
v[int(np.floor(u[0]*u[0]) % 3)]*X[np.floor(u).astype(int) % 3, 2]
stats.norm.logpdf(np.array([28.0, 8.0, -3.0]), loc=u, scale=np.array([15.0, 10.0, 16.0]))
np.partition(v, 1)[:2]
np.bincount([0, 2, 0, 1], weights=v, minlength=4)
np.polyfit(np.arange(4), v, 1, w=[1, 2, 1, 1])
np.linalg.cond(A)
np.logspace(0, u[0], 3) + np.geomspace(1, u[0]**2, 3)
np.modf(v)[0] + np.ldexp(v, 2) + np.fix(v) + np.count_nonzero(v > 0)*X.item(5)
stats.entropy(np.abs(v), [0.1, 0.2, 0.3, 0.4], base=2) + stats.pearsonr(v, [1, 3, 2, 5])[0]
stats.zscore(X, axis=1)*stats.skew(X) + stats.kurtosis(v) + stats.gmean(v**2) + stats.hmean(v**2)
statistics.stdev(u) + statistics.fmean(u)*statistics.pvariance(list(v))
sum(x*k[0] for k, x in np.ndenumerate(X)) + (X > 9).any()
scipy_linalg.lu_solve(scipy_linalg.lu_factor(A), u)
np.sort(X, axis=0)
sorted(u)[1] + sorted([v[0], u[0]], reverse=True)[0] + v[np.argmax(v)] + X[np.argsort(u)][0, 1]
np.median(np.abs(v - np.median(v))) + np.percentile(u, 30) - np.quantile(v, [0.5, 1])[1]
np.searchsorted(np.array([-1.0, 0.0, 1.0]), v)*v
np.where(np.isnan(v) | ~np.isfinite(v), 0, v[~np.isnan(v)])
math.fsum(a*b for a, b in zip(v, v)) + math.prod(map(abs, u))
np.lib.stride_tricks.sliding_window_view(X, (2, 3))
signal.convolve2d(X, A[:2, :2], mode="same")
signal.correlate2d(X, A[:2, :2], mode="same")
signal.lfilter([1.0, 0.3], np.array([2.0, u[0], u[1]]), v)
signal.lfilter([1.0, 0.5], [1, -0.3], X, axis=0)
fft.dct(v, norm="ortho")
distance.squareform(distance.pdist(X, "sqeuclidean"))
interpolate.CubicSpline([0, 1, 2.5, 3], v)([0.3, 2.0])
"""


def _total(value):
    """A number that every entry takes part in."""
    weights = np.cos(np.arange(float(np.size(value)))).reshape(np.shape(value))
    return np.sum(value * weights) if np.ndim(value) else value + 0.0


@pytest.mark.parametrize("text", EXPRESSIONS.strip().splitlines())
def test_value(text):
    space = {"np": np, "math": math, "cmath": cmath, "special": special, "total": _total, **SCIPY}
    space |= {"statistics": statistics, "scipy_linalg": importlib.import_module("scipy.linalg")}
    exec(f"def f(X, v, u, A): return total({text})", space)
    model = sd.trace(space["f"], X="3 4", v="4", u="3", A="3 3")
    value = sd.derive(model).evaluate(**ARRAYS).stages[model.target]
    own = space["f"](**{name: array.copy() for name, array in ARRAYS.items()})
    assert value == pytest.approx(own, rel=1e-9)


def test_pieces_of_an_interpolation_have_slopes():
    def f(x, y):
        return np.sum(np.interp(x, np.linspace(0, 1, 4), y) ** 2)

    x, y = np.array([0.1, 0.5, 0.9]), np.array([1.0, -0.5, 2.0, 0.3])
    value, gradient = sd.derive(sd.trace(f, x="m", y="4")).function()(x=x, y=y)
    assert value == pytest.approx(f(x, y))
    step = np.array([1e-6, 0, 0])
    assert gradient["x"][0] == pytest.approx((f(x + step, y) - f(x - step, y)) / 2e-6)


def test_sizes_may_be_symbols():
    def f(x, y):
        w = np.linalg.lstsq(x, y, rcond=None)[0]
        return np.sum(np.pad(w, 1, mode="edge") ** 2)

    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.arange(5.0)
    value, _ = sd.derive(sd.trace(f, x="m n", y="m")).function()(x=x, y=y)
    assert value == pytest.approx(f(x, y))


def test_a_comparison_holds_no_zero_as_written():
    """SymPy's assumptions on 0·x contradict each other, for some seeds of Python's hashes."""
    model = sd.trace(lambda v: np.sum(np.choose([0, 1, 0, 1], [v, v**2])), v="4")
    (stage,) = model.stages.values()
    sides = [side for test in stage.formula.atoms(Relational) for side in test.args]
    assert sides
    parts = [part for side in sides for part in preorder_traversal(side)]
    assert not any(part.is_Mul and 0 in part.args for part in parts)


def test_distances_of_rows_to_themselves_have_a_gradient():
    cdist = SCIPY["distance"].cdist

    def f(X):
        return np.sum(np.exp(-cdist(X / 2, X / 2)))

    rows = ARRAYS["X"]
    value, gradient = sd.derive(sd.trace(f, X="3 4")).function()(X=rows)
    step = np.zeros_like(rows)
    step[1, 2] = 1e-6
    assert value == pytest.approx(f(rows))
    assert gradient["X"][1, 2] == pytest.approx((f(rows + step) - f(rows - step)) / 2e-6)


def test_a_sum_of_choices_that_is_compared_is_a_stage():
    def f(v):
        return np.sum(np.maximum(v, np.sum(np.where(v > 0, v, 0)) / 4))

    v = np.array([0.5, -1.0, 2.0, 0.1])
    _, gradient = sd.derive(sd.trace(f, v="4")).function()(v=v)
    steps = np.eye(4) * 1e-6
    assert gradient["v"] == pytest.approx([(f(v + s) - f(v - s)) / 2e-6 for s in steps])


def test_the_nearest_of_distances_with_roots_is_checked_in_bounded_time():
    """SymPy multiplied out the conditions of choices in choices."""

    def nearest(shift, points, targets):
        moved = points + shift
        apart = np.sqrt(((moved[:, None] - targets[None]) ** 2).sum(-1))
        return np.mean((moved - targets[apart.argmin(axis=1)]) ** 2)

    points = np.array([[0.1, 0.2], [1.1, 0.7]])
    targets = np.array([[0.0, 0.0], [1.0, 1.0], [4.0, 1.0], [5.0, 3.0], [1.0, 4.0], [4.0, 5.0]])
    d = sd.derive(sd.trace(nearest, shift=np.array([0.1, 0.3]), points=points, targets=targets))
    value, gradient = d.function()()

    assert value == pytest.approx(nearest(np.array([0.1, 0.3]), points, targets))
    apart = (points + np.array([0.1, 0.3]) - targets[:2]).mean(0)
    np.testing.assert_allclose(gradient["shift"], apart)
    assert d.check().passed
