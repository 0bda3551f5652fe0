"""Programs that are traced: functions as people write them, with a point for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, log, sqrt
from typing import Any

import numpy as np

try:
    from scipy import stats
except ImportError:  # SciPy comes with the frameworks
    stats = None

R = np.random.default_rng(7)
CENTRES = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]])
KERNEL = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class Program:
    """A function, the shapes of its arguments and a point; ``plain`` is handed on as it is."""

    function: Callable[..., Any]
    shapes: dict[str, Any]
    sizes: dict[str, int] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    positive: bool = False
    jax: bool = True


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def softmax_rows(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


# Regressions ------------------------------------------------------------------------------


def least_squares(w, X, y):
    r = X @ w - y
    return r @ r


def mean_squared(w, b, X, y):
    m = X.shape[0]
    e = X.dot(w) + b - y
    return (e**2).sum() / (2 * m)


def ridge(w, X, y, lam):
    return np.sum((X @ w - y) ** 2) / len(y) + lam * np.sum(w * w)


def lasso(w, X, y, lam):
    return 0.5 * np.mean(np.square(X @ w - y)) + lam * np.abs(w).sum()


def logistic(w, b, X, y):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_margin(w, X, y):
    return np.logaddexp(0, -y * (X @ w)).mean()


def poisson_regression(w, X, y):
    eta = np.matmul(X, w)
    return np.sum(np.exp(eta) - y * eta)


def softmax_regression(W, b, X, Y):
    scores = X @ W + b
    p = softmax_rows(scores)
    return -np.sum(Y * np.log(p)) / X.shape[0]


def huber_regression(w, X, y):
    r = X @ w - y
    a = np.abs(r)
    return np.where(a <= 1.0, 0.5 * r**2, a - 0.5).sum()


def hinge(w, X, y):
    return np.maximum(0, 1 - y * (X @ w)).mean() + 0.01 * w @ w


def elastic_weighted(w, X, y, weights):
    r = X @ w - y
    return np.average(r**2, weights=weights) + 0.1 * np.linalg.norm(w) + 0.2 * np.linalg.norm(w, 1)


def polynomial_fit(c, x, y):
    fit = 0
    for k in range(4):
        fit = fit + c[k] * x**k
    return np.mean((fit - y) ** 2)


def kernel_regression(alpha, X, y):
    d = X[:, None, :] - X[None, :, :]
    K = np.exp(-np.sum(d**2, axis=-1) / 2)
    return np.sum((K @ alpha - y) ** 2) + 0.1 * alpha @ K @ alpha


# Networks ---------------------------------------------------------------------------------


def two_layers(W1, b1, W2, b2, X, Y):
    H = np.tanh(X @ W1 + b1)
    out = H @ W2 + b2
    return np.mean((out - Y) ** 2)


def deep(layers, x):
    h = x
    for W, b in layers:
        h = np.maximum(W @ h + b, 0.1 * (W @ h + b))
    return np.sum(h**2)


def by_dictionary(params, x, y):
    h = sigmoid(params["W1"] @ x + params["b1"])
    out = params["w2"] @ h
    return (out - y) ** 2


def residual(W, V, x):
    h = x + W @ np.tanh(V @ x)
    return np.linalg.norm(h) ** 2


def rnn(W, U, b, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + U @ x + b)
    return np.sum(h**2) / len(xs)


def lstm(Wf, Wi, Wo, Wc, xs):
    h, c = np.zeros(2), np.zeros(2)
    for t in range(xs.shape[0]):
        v = np.concatenate([h, xs[t], np.ones(1)])
        f, i, o = sigmoid(Wf @ v), sigmoid(Wi @ v), sigmoid(Wo @ v)
        c = f * c + i * np.tanh(Wc @ v)
        h = o * np.tanh(c)
    return h.sum()


def gru(Wz, Wr, Wh, xs):
    h = np.zeros(2)
    for x in xs:
        v = np.hstack((h, x))
        z, r = sigmoid(Wz @ v), sigmoid(Wr @ v)
        new = np.tanh(Wh @ np.hstack((r * h, x)))
        h = (1 - z) * h + z * new
    return np.dot(h, h)


def attention(Q, K, V):
    d = Q.shape[-1]
    scores = Q @ K.T / np.sqrt(d)
    return np.sum(softmax_rows(scores) @ V)


def layer_norm(x, g, b):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return np.sum((g * (x - mu) / np.sqrt(var + 1e-5) + b) ** 3)


def batch_norm(X, gamma, beta):
    Z = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
    return np.sum(np.tanh(gamma * Z + beta))


def convolution(x, k):
    y = np.convolve(x, k, mode="valid")
    return np.sum(np.tanh(y) ** 2)


def convolution_loop(x, k):
    n = x.shape[0] - k.shape[0] + 1
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sum(x[i : i + 3] * k)
    return np.sum(out**2)


def autoencoder(W, X):
    Z = X @ W
    back = Z @ W.T
    return np.linalg.norm(X - back) ** 2 / 2


def embedding(E, W):
    rows = E[[0, 2, 1]]
    return np.sum(np.tanh(rows @ W))


def labels_loss(W, X, labels):
    z = X @ W
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(logp[np.arange(len(labels)), labels])


def bilinear(x, A, y):
    return x.T @ A @ y


def contrastive(A, B):
    a = A / np.linalg.norm(A, axis=1, keepdims=True)
    b = B / np.linalg.norm(B, axis=1, keepdims=True)
    s = a @ b.T / 0.5
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - np.diag(s))


# Statistics -------------------------------------------------------------------------------


def gaussian(mu, sigma, x):
    return np.sum(0.5 * np.log(2 * np.pi) + np.log(sigma) + 0.5 * ((x - mu) / sigma) ** 2)


def multivariate(mu, L, X):
    S = L @ L.T + np.eye(2)
    d = X - mu
    q = np.sum(d @ np.linalg.inv(S) * d, axis=1)
    _, logdet = np.linalg.slogdet(S)
    return 0.5 * np.mean(q) + 0.5 * logdet


def mixture(alphas, means, log_sigma, X):
    terms = []
    for k in range(2):
        d = (X - means[k]) / np.exp(log_sigma[k])
        terms.append(alphas[k] - np.sum(log_sigma[k]) - 0.5 * np.sum(d**2, axis=1))
    T = np.stack(terms)
    top = T.max(axis=0)
    lse = top + np.log(np.sum(np.exp(T - top), axis=0))
    return np.sum(lse) - len(X) * np.log(np.sum(np.exp(alphas)))


def soft_means(C, X):
    d = ((X[:, None, :] - C[None, :, :]) ** 2).sum(axis=2)
    a = softmax_rows(-d)
    return np.sum(a * d)


def nearest_of_constants(X, scale):
    d = X[:, None, :] - scale * CENTRES[None, :, :]
    return np.mean(np.log(np.sum(np.exp(-np.sum(d * d, -1)), 1)))


def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def entropy(z):
    p = np.exp(z) / np.sum(np.exp(z))
    return -np.sum(p * np.log(p))


def divergence(a, b):
    p, q = np.exp(a) / np.exp(a).sum(), np.exp(b) / np.exp(b).sum()
    return (p * (np.log(p) - np.log(q))).sum()


def variational(mu, logvar, x, W):
    z = mu + np.exp(0.5 * logvar) * 0.3
    rec = np.sum((x - W @ z) ** 2)
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return rec + kl


def gaussian_process(theta, X, y):
    d = X[:, None] - X[None, :]
    K = np.exp(theta[0]) * np.exp(-0.5 * d**2 / np.exp(theta[1])) + 0.5 * np.eye(len(X))
    a = np.linalg.solve(K, y)
    return 0.5 * y @ a + 0.5 * np.linalg.slogdet(K)[1]


def correlation(x, y):
    a, b = x - x.mean(), y - y.mean()
    return (a @ b) / np.sqrt((a @ a) * (b @ b))


def cauchy(x, loc, scale):
    return np.sum(np.log1p(((x - loc) / scale) ** 2) + np.log(np.pi * scale))


def hidden_markov(T, E):
    A = np.exp(T) / np.exp(T).sum(1, keepdims=True)
    B = np.exp(E)
    alpha = B[:, 0] / 2
    for o in (1, 0, 1):
        alpha = (alpha @ A) * B[:, o]
    return np.log(alpha.sum())


def kalman(q, r, z):
    x, P = 0.0, 1.0
    ll = 0.0
    for k in range(len(z)):
        P = P + q
        S = P + r
        e = z[k] - x
        ll += -0.5 * (np.log(2 * np.pi * S) + e**2 / S)
        K = P / S
        x = x + K * e
        P = (1 - K) * P
    return ll


def kalman_matrix(F, P, H, x, z):
    x1 = F @ x
    P1 = F @ P @ F.T + 0.1 * np.eye(2)
    S = H @ P1 @ H.T + np.eye(1)
    K = P1 @ H.T @ np.linalg.inv(S)
    x2 = x1 + K @ (z - H @ x1)
    return np.sum(x2**2) + np.trace((np.eye(2) - K @ H) @ P1)


# Steps in time ----------------------------------------------------------------------------


def euler(k, y0):
    y, dt = y0, 0.1
    for _ in range(5):
        y = y + dt * (-k * y * (1 - y))
    return y**2


def lorenz_rates(s, sigma, rho, beta):
    x, y, z = s
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def runge_kutta(s0, sigma, rho, beta):
    s, h = s0, 0.05
    for _ in range(2):
        k1 = lorenz_rates(s, sigma, rho, beta)
        k2 = lorenz_rates(s + h / 2 * k1, sigma, rho, beta)
        k3 = lorenz_rates(s + h / 2 * k2, sigma, rho, beta)
        k4 = lorenz_rates(s + h * k3, sigma, rho, beta)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(s**2)


def pendulum(theta, omega, g, length):
    dt = 0.1
    for _ in range(4):
        omega -= dt * g / length * math.sin(theta)
        theta += dt * omega
    return theta


def heat(u, kappa):
    for _ in range(3):
        u = u + kappa * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum(u**2)


def heat_in_place(u0, kappa):
    u = u0.copy()
    for _ in range(2):
        u[1:-1] += kappa * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u @ u


def projectile(v, angle):
    x = y = 0.0
    vx, vy = v * math.cos(angle), v * math.sin(angle)
    for _ in range(5):
        speed = math.hypot(vx, vy)
        vx, vy = vx - 0.01 * speed * vx, vy - 0.1 - 0.01 * speed * vy
        x, y = x + 0.1 * vx, y + 0.1 * vy
    return x * x + y


def two_bodies(p, v, m):
    for _ in range(2):
        d = p[1] - p[0]
        r3 = np.sum(d**2) ** 1.5
        a = np.stack([m[1] * d / r3, -m[0] * d / r3])
        v = v + 0.1 * a
        p = p + 0.1 * v
    return np.sum(p**2)


def pairwise_energy(P):
    e = 0.0
    for i in range(3):
        for j in range(i + 1, 3):
            r2 = np.sum((P[i] - P[j]) ** 2)
            e += 1 / r2**2 - 1 / r2
    return e


def predator(a, b, c, d):
    x, y = 1.0, 0.5
    for _ in range(4):
        x, y = x + 0.1 * (a * x - b * x * y), y + 0.1 * (c * x * y - d * y)
    return x + 2 * y


def particle(q, p, w):
    path = []
    for _ in range(3):
        p = p - 0.1 * w * q**3
        q = q + 0.1 * p
        path.append(q)
    return sum(x * x for x in path) + max(p, 0.0)


def cumulative(x):
    out = np.zeros(4)
    out[0] = x[0]
    for i in range(1, 4):
        out[i] = np.sin(out[i - 1]) + x[i] * out[i - 1]
    out[2:] *= 2
    return out.sum()


def discounted(r, g):
    total = 0.0
    for k in reversed(range(len(r))):
        total = r[k] + g * total
    return total**2


# Test functions of optimisation -----------------------------------------------------------


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_loop(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total


def rastrigin(x):
    n = len(x)
    return 10 * n + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))


def ackley(x):
    n = x.size
    a = -20 * np.exp(-0.2 * np.sqrt(np.sum(x**2) / n))
    return a - np.exp(np.sum(np.cos(2 * np.pi * x)) / n) + 20 + np.e


def beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def griewank(x):
    i = np.arange(1, len(x) + 1)
    return np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(i))) + 1


def branin(x, y):
    b, c = 5.1 / (4 * math.pi**2), 5 / math.pi
    return (y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def easom(x, y):
    return -math.cos(x) * math.cos(y) * math.exp(-((x - math.pi) ** 2) - (y - math.pi) ** 2)


def levy(x):
    w = 1 + (x - 1) / 4
    mid = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    return np.sin(np.pi * w[0]) ** 2 + mid + (w[-1] - 1) ** 2


def powell(x):
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def styblinski(x):
    return 0.5 * np.sum(np.polyval([1, 0, -16, 5, 0], x))


# Numbers ----------------------------------------------------------------------------------


def scalar_functions(x, y):
    r = sqrt(x * x + y * y)
    return exp(-r) * math.sin(x) + log(1 + r) * math.atan2(y, x)


def black_scholes(S, K, r, s, T):
    d1 = (math.log(S / K) + (r + s**2 / 2) * T) / (s * math.sqrt(T))
    d2 = d1 - s * math.sqrt(T)

    def cdf(z):
        return 0.5 * (1 + math.erf(z / math.sqrt(2)))

    return S * cdf(d1) - K * math.exp(-r * T) * cdf(d2)


def newton_root(a):
    x = 1.0
    for _ in range(4):
        x = 0.5 * (x + a / x)
    return x


def continued_fraction(x):
    value = x
    for k in range(5, 0, -1):
        value = k + x / value
    return value


def keyword(x, *, power=3, scale=2.0):
    return scale * x**power + float(power)


def chosen_by_flag(x, kind):
    if kind == "sin":
        return np.sin(x) ** 2
    return np.cos(x)


def distance(lat1, lon1, lat2, lon2):
    a, b, c, d = map(np.radians, (lat1, lon1, lat2, lon2))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(h))


def special(x):
    return math.lgamma(x) + math.gamma(x) + math.erf(x)


# Linear algebra ---------------------------------------------------------------------------


def log_determinant(A):
    return np.log(np.linalg.det(A @ A.T + np.eye(A.shape[0])))


def quadratic_solution(A, b):
    M = A @ A.T + np.identity(len(b))
    return b @ np.linalg.solve(M, b)


def cholesky_sum(A):
    L = np.linalg.cholesky(A @ A.T + 2 * np.eye(3))
    return np.sum(np.log(np.diag(L)))


def rayleigh(A, x):
    return (x @ A @ x) / (x @ x)


def einstein(A, B, x):
    return np.einsum("ij,jk,k->i", A, B, x).sum()


def outer_products(x, y):
    M = np.outer(x, y)
    return np.trace(M @ M.T) + np.sum(np.triu(M @ M.T))


def rotation(angle, v):
    R2 = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (R2 @ v)[0] ** 3


def joined(A, B):
    return np.sum(np.vstack([A, 2 * B]) ** 2) + np.sum(np.concatenate((A, B), axis=1) ** 3)


def reshaped(x):
    M = x.reshape(2, 3)
    return np.sum(M @ M.T) + M.flatten()[4] ** 3


def swapped(T):
    return np.sum(np.tanh(T.transpose(1, 0, 2)[1]) ** 2) + np.sum(np.moveaxis(T, 0, -1)[0] ** 3)


def crossed(a, b):
    return np.linalg.norm(np.cross(a, b))


def differences(x):
    return np.sum(np.abs(np.diff(x)) ** 1.5) + np.sum(np.cumsum(x) ** 2)


def masked(x):
    y = x.copy()
    y[y < 0] = 0.5
    return np.sum(y**2 * (x > -1))


def tiled(x):
    return np.sum(np.tile(x, 2) * np.arange(6)) + np.sum(np.repeat(x, 2) ** 2)


def clipped(x):
    return np.sum(np.clip(x, -0.5, 0.5) ** 2) + np.min(x) + np.ptp(x)


def columns(X, v):
    out = np.zeros((len(X), 2))
    out[:, 0] = X @ v
    out[:, 1] = 1
    return (out**3).sum()


def symmetric_entries(x):
    res = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            res[i, j] = x[i] * x[j] + (i == j)
    return np.linalg.slogdet(res)[1]


def smoothed(x):
    pad = np.pad(x, 1)
    return np.sum((KERNEL[0] * pad[:-2] + KERNEL[1] * pad[1:-1] + KERNEL[2] * pad[2:]) ** 2)


def forward_kinematics(angles, lengths):
    T = np.eye(3)
    for k in range(3):
        c, s = np.cos(angles[k]), np.sin(angles[k])
        J = np.array([[c, -s, lengths[k]], [s, c, 0.0], [0.0, 0.0, 1.0]])
        T = T @ J
    p = T @ np.array([0.0, 0.0, 1.0])
    return p[0] ** 2 + p[1]


def rodrigues(r, X):
    theta = np.sqrt(np.sum(r**2))
    w = r / theta
    c, s = np.cos(theta), np.sin(theta)
    return c * X + s * np.cross(w, X) + w * (w @ X) * (1 - c)


def reprojection(r, C, f, X, seen):
    P = rodrigues(r, X - C)
    p = P[:2] / P[2]
    r2 = np.sum(p**2)
    distorted = p * (1 + 0.1 * r2 + 0.01 * r2**2)
    e = f * distorted - seen
    return np.sum(e**2)


# Written as libraries and tutorials do -----------------------------------------------------


def factor_analysis(L, psi, S):
    C = L @ L.T + np.diag(psi)
    return 0.5 * (np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S)))


TARGETS = np.array([True, True, False, True])


def boolean_targets(W, b, X):
    preds = (np.tanh(np.dot(X, W) + b) + 1) / 2
    return -np.sum(np.log(preds * TARGETS + (1 - preds) * (1 - TARGETS)))


def long_product(a):
    return math.prod(1 + x**2 for x in a)


def hinge_of_classes(W, X, y):
    scores = X.dot(W)
    margins = np.maximum(0, scores - scores[range(len(y)), list(y)][:, None] + 1.0)
    margins[np.arange(len(y)), y] = 0
    return margins.sum() / len(y)


def softmax_by_rows(W, X, y):
    loss = 0.0
    for i in range(len(X)):
        s = X[i] @ W
        s -= np.max(s)
        loss += -np.log((np.exp(s) / np.sum(np.exp(s)))[y[i]])
    return loss / len(X)


def homogeneous(theta, points):
    c, s = np.cos(theta[0]), np.sin(theta[0])
    T = np.eye(3)
    T[:2, :2] = np.array([[c, -s], [s, c]])
    T[:2, 2] = theta[1:]
    moved = T @ np.vstack([points.T, np.ones(len(points))])
    return np.linalg.norm([moved[0] @ moved[1], moved[0, 0]])


def probit(beta, X, y):
    return -np.sum(stats.norm.logcdf((2 * y - 1) * (X @ beta)))


def distributions(x, a, b):
    q = stats.norm(a, scale=b)
    total = q.logpdf(x) + stats.gamma.logpdf(x, a, scale=b) + stats.t.logpdf(x, a, b)
    return np.sum(total + stats.weibull_min.logsf(x, b) + stats.logistic.cdf(x, a))


def rearranged(x):
    A = np.block([[np.outer(x, x), x[:, None]], [x, np.ones(1)]])
    np.fill_diagonal(A, 0)
    np.add.at(A, ([0, 0], [1, 1]), x[0])
    w = np.diff(A[0], prepend=0.0) + np.pad(x, (0, 1), mode="edge")
    return w @ w + A.ravel(order="F")[1] ** 3 + isinstance(x[0], float) * np.corrcoef(x, x**2)[0, 1]


# fmt: off
# Complex numbers --------------------------------------------------------------------------


def power_spectrum(x):
    X = np.fft.rfft(x)
    power = np.abs(X) ** 2
    return np.sum(np.arange(3) * power) / np.sum(power)


def resonance(w0, zeta):
    s = 1j * np.array([0.5, 1.0, 3.0])
    H = w0**2 / (s**2 + 2 * zeta * w0 * s + w0**2)
    return np.sum(20 * np.log10(np.abs(H))) + np.sum(np.angle(H))


def qubit(angles):
    psi = np.array([1, 0], dtype=complex)
    for angle, pauli in zip(angles, PAULI, strict=True):
        psi = (np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * pauli) @ psi
    return np.real(psi.conj() @ np.diag([1, -1]) @ psi)


PAULI = (np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]))


def window_spectrum(amplitude, frequency):
    signal = amplitude * np.sin(2 * np.pi * frequency * np.arange(8) / 8)
    return np.sum(np.log(np.abs(np.fft.rfft(signal * np.hanning(8))) + 0.1) ** 2)


def bilinear_sample(image, x, y):
    left, top = np.floor(x).astype(int), int(y)
    dx, dy = x - left, y - top
    above = image[top, left] * (1 - dx) + image[top, left + 1] * dx
    below = image[top + 1, left] * (1 - dx) + image[top + 1, left + 1] * dx
    return above * (1 - dy) + below * dy


def causal_attention(x, W):
    q = x @ W
    scores = np.where(np.tril(np.ones((3, 3))) == 0, -np.inf, q @ q.T)
    return np.sum((softmax_rows(scores) @ x) ** 2)


def time_warping(x, y):
    cost = np.full((4, 4), np.inf)
    cost[0, 0] = 0
    for i in range(1, 4):
        for j in range(1, 4):
            before = min(cost[i - 1, j], cost[i, j - 1], cost[i - 1, j - 1])
            cost[i, j] = (x[i - 1] - y[j - 1]) ** 2 + before
    return cost[3, 3]


def best_path(start, steps):
    with np.errstate(divide="ignore"):
        moves = np.log(np.array([[0.5, 0.5], [0.0, 1.0]]))
    best = start + np.array([0.0, -np.inf])
    for step in steps:
        best = np.max(best[:, None] + moves, axis=0) + step
    total = -np.inf
    for score in best:
        total = np.logaddexp(total, score)
    return total


def drawn_and_told(mean, log_scale):
    rng = np.random.default_rng(0)
    z = rng.normal(mean, np.exp(log_scale), size=4) + rng.uniform(mean, 5.0)
    told = "%.3f and %s" % (z.sum(), f"{z.mean():.2f}")  # noqa: UP031
    ordered = z.copy()
    ordered.sort()
    return np.sum(z**2) + ordered[0] * len(told[:1])


PROGRAMS = [
    Program(power_spectrum, {"x": "5"}),
    Program(drawn_and_told, {"mean": "", "log_scale": ""}, jax=False),
    Program(causal_attention, {"x": "3 2", "W": "2 2"}),
    Program(time_warping, {"x": "3", "y": "3"}, jax=False),  # sets entries in place
    Program(best_path, {"start": "2", "steps": "3 2"}, jax=False),
    Program(window_spectrum, {"amplitude": "", "frequency": ""}),
    Program(bilinear_sample, {"image": "4 4", "x": "", "y": ""}, positive=True, jax=False),
    Program(resonance, {"w0": "", "zeta": ""}, positive=True),
    Program(qubit, {"angles": "2"}, jax=False),
    Program(least_squares, {"w": "n", "X": "m n", "y": "m"}),
    Program(mean_squared, {"w": "n", "b": "", "X": "m n", "y": "m"}),
    Program(ridge, {"w": "n", "X": "m n", "y": "m", "lam": ""}),
    Program(lasso, {"w": "n", "X": "m n", "y": "m", "lam": ""}),
    Program(logistic, {"w": "n", "b": "", "X": "m n", "y": "m"}),
    Program(logistic_margin, {"w": "n", "X": "m n", "y": "m"}),
    Program(poisson_regression, {"w": "n", "X": "m n", "y": "m"}),
    Program(softmax_regression, {"W": "n k", "b": "k", "X": "m n", "Y": "m k"}),
    Program(huber_regression, {"w": "n", "X": "m n", "y": "m"}),
    Program(hinge, {"w": "n", "X": "m n", "y": "m"}),
    Program(elastic_weighted, {"w": "n", "X": "m n", "y": "m", "weights": "m"}, positive=True),
    Program(polynomial_fit, {"c": "4", "x": "m", "y": "m"}),
    Program(kernel_regression, {"alpha": "m", "X": "m n", "y": "m"}),
    Program(two_layers, {"W1": "n h", "b1": "h", "W2": "h k", "b2": "k", "X": "m n", "Y": "m k"}),
    Program(deep, {"layers": [("h n", "h"), ("k h", "k")], "x": "n"}),
    Program(by_dictionary, {"params": {"W1": "h n", "b1": "h", "w2": "h"}, "x": "n", "y": ""}),
    Program(residual, {"W": "n h", "V": "h n", "x": "n"}),
    Program(rnn, {"W": "3 3", "U": "3 n", "b": "3", "xs": "4 n"}),
    Program(lstm, {"Wf": "2 5", "Wi": "2 5", "Wo": "2 5", "Wc": "2 5", "xs": "2 2"}),
    Program(gru, {"Wz": "2 4", "Wr": "2 4", "Wh": "2 4", "xs": "2 2"}),
    Program(attention, {"Q": "m d", "K": "n d", "V": "n k"}),
    Program(layer_norm, {"x": "m n", "g": "n", "b": "n"}),
    Program(batch_norm, {"X": "m n", "gamma": "n", "beta": "n"}),
    Program(convolution, {"x": "5", "k": "3"}),
    Program(convolution_loop, {"x": "5", "k": "3"}, jax=False),
    Program(autoencoder, {"W": "n k", "X": "m n"}),
    Program(embedding, {"E": "3 n", "W": "n k"}, jax=False),
    Program(labels_loss, {"W": "n k", "X": "3 n"}, plain={"labels": np.array([1, 0, 1])}),
    Program(bilinear, {"x": "m", "A": "m n", "y": "n"}),
    Program(contrastive, {"A": "m n", "B": "m n"}),
    Program(gaussian, {"mu": "", "sigma": "", "x": "n"}, positive=True),
    Program(multivariate, {"mu": "2", "L": "2 2", "X": "m 2"}),
    Program(mixture, {"alphas": "2", "means": "2 d", "log_sigma": "2 d", "X": "m d"}),
    Program(soft_means, {"C": "k n", "X": "m n"}),
    Program(nearest_of_constants, {"X": "m 2", "scale": ""}),
    Program(log_sum_exp, {"x": "n"}),
    Program(entropy, {"z": "n"}),
    Program(divergence, {"a": "n", "b": "n"}),
    Program(variational, {"mu": "k", "logvar": "k", "x": "n", "W": "n k"}),
    Program(gaussian_process, {"theta": "2", "X": "m", "y": "m"}),
    Program(correlation, {"x": "n", "y": "n"}),
    Program(cauchy, {"x": "n", "loc": "", "scale": ""}, positive=True),
    Program(hidden_markov, {"T": "2 2", "E": "2 2"}),
    Program(kalman, {"q": "", "r": "", "z": "3"}, positive=True),
    Program(kalman_matrix, {"F": "2 2", "P": "2 2", "H": "1 2", "x": "2", "z": "1"}, positive=True),
    Program(euler, {"k": "", "y0": ""}),
    Program(runge_kutta, {"s0": "3", "sigma": "", "rho": "", "beta": ""}),
    Program(pendulum, {"theta": "", "omega": "", "g": "", "length": ""}, positive=True, jax=False),
    Program(heat, {"u": "n", "kappa": ""}),
    Program(heat_in_place, {"u0": "6", "kappa": ""}, jax=False),
    Program(projectile, {"v": "", "angle": ""}, positive=True, jax=False),
    Program(two_bodies, {"p": "2 2", "v": "2 2", "m": "2"}, positive=True),
    Program(pairwise_energy, {"P": "3 2"}),
    Program(predator, {"a": "", "b": "", "c": "", "d": ""}),
    Program(particle, {"q": "", "p": "", "w": ""}, positive=True),
    Program(cumulative, {"x": "4"}, jax=False),
    Program(discounted, {"r": "4", "g": ""}),
    Program(rosenbrock, {"x": "n"}),
    Program(rosenbrock_loop, {"x": "4"}),
    Program(rastrigin, {"x": "n"}),
    Program(ackley, {"x": "n"}),
    Program(beale, {"x": "", "y": ""}),
    Program(himmelblau, {"x": "", "y": ""}),
    Program(griewank, {"x": "3"}),
    Program(branin, {"x": "", "y": ""}, jax=False),
    Program(easom, {"x": "", "y": ""}, jax=False),
    Program(levy, {"x": "n"}),
    Program(powell, {"x": "4"}),
    Program(styblinski, {"x": "n"}, jax=False),  # JAX wants the coefficients as an array
    Program(scalar_functions, {"x": "", "y": ""}, positive=True, jax=False),
    Program(black_scholes, {"S": "", "K": "", "r": "", "s": "", "T": ""}, positive=True, jax=False),
    Program(newton_root, {"a": ""}, positive=True),
    Program(continued_fraction, {"x": ""}, positive=True),
    Program(keyword, {"x": ""}, plain={"power": 2}, jax=False),
    Program(chosen_by_flag, {"x": ""}, plain={"kind": math}, jax=False),
    Program(distance, {"lat1": "", "lon1": "", "lat2": "", "lon2": ""}, positive=True),
    Program(special, {"x": ""}, positive=True, jax=False),
    Program(log_determinant, {"A": "3 3"}),
    Program(quadratic_solution, {"A": "n n", "b": "n"}),
    Program(cholesky_sum, {"A": "3 3"}),
    Program(rayleigh, {"A": "n n", "x": "n"}),
    Program(einstein, {"A": "m n", "B": "n k", "x": "k"}),
    Program(outer_products, {"x": "m", "y": "n"}),
    Program(rotation, {"angle": "", "v": "2"}),
    Program(joined, {"A": "m n", "B": "m n"}),
    Program(reshaped, {"x": "6"}),
    Program(swapped, {"T": "2 2 3"}),
    Program(crossed, {"a": "3", "b": "3"}),
    Program(differences, {"x": "4"}),
    Program(masked, {"x": "n"}, jax=False),
    Program(tiled, {"x": "3"}),
    Program(clipped, {"x": "4"}),
    Program(columns, {"X": "m n", "v": "n"}, jax=False),
    Program(symmetric_entries, {"x": "2"}, jax=False),
    Program(smoothed, {"x": "n"}),
    Program(forward_kinematics, {"angles": "3", "lengths": "3"}),
    Program(reprojection, {"r": "3", "C": "3", "f": "", "X": "3", "seen": "2"}, positive=True),
    Program(factor_analysis, {"L": "3 1", "psi": "3", "S": "3 3"}, positive=True, jax=False),
    Program(boolean_targets, {"W": "2", "b": "", "X": "4 2"}, jax=False),
    Program(long_product, {"a": "3"}, jax=False),
    Program(hinge_of_classes, {"W": "2 3", "X": "3 2"}, plain={"y": [0, 2, 1]}, jax=False),
    Program(softmax_by_rows, {"W": "2 3", "X": "2 2"}, plain={"y": [2, 0]}, jax=False),
    Program(homogeneous, {"theta": "3", "points": "2 2"}, jax=False),
    Program(rearranged, {"x": "3"}, jax=False),
]
if stats is not None:
    PROGRAMS += [
        Program(probit, {"beta": "n", "X": "m n", "y": "m"}, jax=False),
        Program(distributions, {"x": "n", "a": "", "b": ""}, positive=True, jax=False),
    ]
# fmt: on
SIZES = {"m": 3, "n": 2, "k": 2, "h": 2, "d": 2}


def point(program: Program, stated: Any, rng: np.random.Generator) -> Any:
    """Numbers for an argument, in the structure of what is stated of it."""
    if isinstance(stated, dict):
        return {name: point(program, part, rng) for name, part in stated.items()}
    if isinstance(stated, list | tuple):
        return type(stated)(point(program, part, rng) for part in stated)
    shape = [int(s) if s.isdigit() else SIZES[s] for s in stated.split()]
    made = rng.uniform(0.3, 1.7, shape) if program.positive else rng.normal(size=shape)
    return made if shape else float(made)


def flat_names(name: str, value: Any) -> dict[str, Any]:
    """The names that the parts of an argument have in the model: of a dictionary, its keys."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = ((f"{name}_{k}", part) for k, part in enumerate(value, 1))
    else:
        return {name: value}
    return {key: leaf for k, part in parts for key, leaf in flat_names(k, part).items()}
