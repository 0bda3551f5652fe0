# ruff: noqa: E501 (a formula stands on one line)
"""Backward passes as lecture notes and textbooks print them: stages, shapes, then each derivative.

Sources: the notes of CS231n and of "Computing neural network gradients" (Stanford), the papers on
normalisation and attention, C. E. Rasmussen and C. K. I. Williams, Gaussian Processes (2006).
"""

ONE_HOT = {"Y": "one-hot", "y": "one-hot"}

DENSE = {"Z": "X @ W + b", "H": "relu(Z)", "S": "H @ V + c", "L": "sum((S - Y)**2)/2"}
SOFTMAX = {"Z": "X @ W + b", "P": "softmax(Z, axis=1)", "L": "-sum(Y*log(P))/m"}
WORD = {"z": "W @ x + b", "h": "relu(z)", "u": "U @ h + c", "p": "softmax(u)", "L": "-(y @ log(p))"}
BATCH_NORM = {
    "mu": "mean(X, axis=0)",
    "v": "mean((X - mu)**2, axis=0)",
    "r": "sqrt(v + e)",
    "N": "(X - mu)/r",
    "L": "sum(D*(g*N + b))",
}
ROW_NORM = {
    "mu": "mean(X, axis=1)[:, None]",
    "r": "sqrt(mean((X - mu)**2, axis=1)[:, None] + e)",
    "Z": "(X - mu)/r",
    "L": "sum(D*Z)",
}
RMS_NORM = {"r": "sqrt(mean(X**2, axis=1, keepdims=True) + e)", "Z": "X/r", "L": "sum(D*g*Z)"}
ATTENTION = {"S": "Q @ K.T/sqrt(k)", "P": "softmax(S, axis=1)", "O": "P @ V", "L": "sum(D*O)"}
GRU = {
    "z": "sigmoid(A @ x + B @ h)",
    "r": "sigmoid(C @ x + W @ h)",
    "g": "tanh(U @ x + V @ (r*h))",
    "u": "(1 - z)*h + z*g",
    "L": "d @ u",
}
LSTM = {
    "i": "sigmoid(A @ x + bi)",
    "f": "sigmoid(B @ x + bf)",
    "o": "sigmoid(C @ x + bo)",
    "g": "tanh(W @ x + bg)",
    "c": "f*c0 + i*g",
    "q": "tanh(c)",
    "L": "d @ (o*q)",
}
PROCESS = {"K": "t*A + s*eye(n)", "L": "-y @ inv(K) @ y/2 - logdet(K)/2"}

CENTRED = {"mu": "mean(x)", "s": "sqrt(mean((x - mu)**2) + e)", "z": "(x - mu)/s", "L": "z @ a"}
SHIFTED = {
    "Z": "X @ W + b",
    "E": "exp(Z - max(Z, axis=1, keepdims=True))",
    "P": "E/sum(E, axis=1, keepdims=True)",
    "L": "-sum(Y*log(P))/m",
}
CONVOLVED = {
    "u": "correlate(x, w)",
    "h": "tanh(u)",
    "v": "correlate(h, k)",
    "L": "sum((v - y)**2)/2",
}

GATED = {"h": "(X @ W)*sigmoid(X @ V)", "L": "sum(D*h)"}
NEIGHBOURS = {
    "Z": "X @ A.T",
    "d": "sum((Z[:, None, :] - Z[None, :, :])**2, axis=2)",
    "P": "softmax(-d, axis=1)",
    "L": "sum(P*W)",
}

GATES = {**dict.fromkeys("ABCUW", "k n"), "x": "n", "h": "k", "V": "k k", "d": "k"}
CELL = {**GATES, **dict.fromkeys(("bi", "bf", "bo", "bg", "c0"), "k")}

LAYERS = (
    (CENTRED, {"x": "n", "a": "n", "e": ""}, {}, {"x": "(a - mean(a) - L*z/n)/s"}),
    (SHIFTED, {"X": "m n", "W": "n k", "b": "k", "Y": "m k"}, ONE_HOT, {"W": "X.T @ (P - Y)/m"}),
    (
        CONVOLVED,
        {"x": "8", "w": "3", "k": "2", "y": "5"},
        {},
        {"w": "correlate(x, convolve(k, v - y)*(1 - h**2))"},
    ),
    (
        GATED,
        {"X": "m n", "W": "n k", "V": "n k", "D": "m k"},
        {},
        {"W": "X.T @ (D*sigmoid(X @ V))", "V": "X.T @ (D*h*(1 - sigmoid(X @ V)))"},
    ),
    (
        {"H": "relu(X @ W)", "Z": "layer_norm(H @ V)", "L": "sum(D*Z)"},
        {"X": "m n", "W": "n k", "V": "k h", "D": "m h"},
        {},
        {
            "V": "H.T @ ((D - mean(D, axis=1)[:, None] - Z*mean(D*Z, axis=1)[:, None])/deviation(H @ V)[:, None])"
        },
    ),
    (
        NEIGHBOURS,
        {"X": "m n", "A": "k n", "W": "m m"},
        {},
        {
            "Z": "2*((P*(W - sum(P*W, axis=1)[:, None]) + (P*(W - sum(P*W, axis=1)[:, None])).T) @ Z - Z*sum(P*(W - sum(P*W, axis=1)[:, None]), axis=0)[:, None])"
        },
    ),
    ({"p": "softmax(x)", "L": "-log(p[1])"}, {"x": "n"}, {}, {"x": "p - eye(n)[1]"}),
    (
        DENSE,
        {"X": "m n", "W": "n h", "b": "h", "V": "h k", "c": "k", "Y": "m k"},
        {},
        {
            "V": "H.T @ (S - Y)",
            "Z": "where(Z > 0, 1, 0)*((S - Y) @ V.T)",
            "W": "X.T @ (where(Z > 0, 1, 0)*((S - Y) @ V.T))",
            "X": "(where(Z > 0, 1, 0)*((S - Y) @ V.T)) @ W.T",
        },
    ),
    (
        SOFTMAX,
        {"X": "m n", "W": "n k", "b": "k", "Y": "m k"},
        ONE_HOT,
        {"W": "X.T @ (P - Y)/m", "b": "mean(P - Y, axis=0)", "X": "(P - Y) @ W.T/m"},
    ),
    (
        WORD,
        {"x": "n", "W": "h n", "b": "h", "U": "k h", "c": "k", "y": "k"},
        ONE_HOT,
        {
            "U": "outer(p - y, h)",
            "h": "U.T @ (p - y)",
            "W": "outer(where(z > 0, 1, 0)*(U.T @ (p - y)), x)",
            "x": "W.T @ (where(z > 0, 1, 0)*(U.T @ (p - y)))",
        },
    ),
    (
        {"p": "mean(X, axis=0)", "L": "d @ p"},
        {"X": "m n", "d": "n"},
        {},
        {"X": "outer(ones(m), d)/m"},
    ),
    ({"p": "softmax(x)", "L": "sum(p*log(p))"}, {"x": "n"}, {}, {"x": "p*(log(p) - L)"}),
    (
        {"p": "softmax(W @ x)", "L": "-(y @ log(p))"},
        {"x": "n", "W": "k n", "y": "k"},
        ONE_HOT,
        {"x": "W.T @ (p - y)"},
    ),
    ({"u": "x/norm(x)", "L": "d @ u"}, {"x": "n", "d": "n"}, {}, {"x": "(d - L*u)/norm(x)"}),
    (
        BATCH_NORM,
        {"X": "m n", "g": "n", "b": "n", "D": "m n", "e": ""},
        {},
        {"X": "g/r*(D - mean(D, axis=0) - N*mean(D*N, axis=0))", "g": "sum(D*N, axis=0)"},
    ),
    (
        ROW_NORM,
        {"X": "m n", "D": "m n", "e": ""},
        {},
        {"X": "(D - mean(D, axis=1)[:, None] - Z*mean(D*Z, axis=1)[:, None])/r"},
    ),
    (
        RMS_NORM,
        {"X": "m n", "D": "m n", "g": "n", "e": ""},
        {},
        {"X": "(D*g - Z*mean(D*g*Z, axis=1)[:, None])/r", "g": "sum(D*Z, axis=0)"},
    ),
    (
        ATTENTION,
        {"Q": "m k", "K": "n k", "V": "n h", "D": "m h"},
        {},
        {
            "V": "P.T @ D",
            "Q": "(P*(D @ V.T - sum(D*O, axis=1)[:, None])) @ K/sqrt(k)",
            "K": "(P*(D @ V.T - sum(D*O, axis=1)[:, None])).T @ Q/sqrt(k)",
        },
    ),
    (
        GRU,
        {**GATES, "B": "k k", "W": "k k"},
        {},
        {
            "A": "outer(d*(g - h)*z*(1 - z), x)",
            "V": "outer(d*z*(1 - g**2), r*h)",
            "C": "outer(h*(V.T @ (d*z*(1 - g**2)))*r*(1 - r), x)",
        },
    ),
    (
        LSTM,
        CELL,
        {},
        {
            "c": "d*o*(1 - q**2)",
            "A": "outer(d*o*(1 - q**2)*g*i*(1 - i), x)",
            "bf": "d*o*(1 - q**2)*c0*f*(1 - f)",
        },
    ),
    (
        PROCESS,
        {"A": "n n", "y": "n", "t": "", "s": ""},
        {"A": "symmetric"},
        {
            "K": "(outer(inv(K) @ y, inv(K) @ y) - inv(K))/2",
            "t": "trace((outer(inv(K) @ y, inv(K) @ y) - inv(K)) @ A)/2",
        },
    ),
    (
        {"y": "hstack([X, Z]) @ w - t", "L": "sum(y**2)"},
        {"X": "m 2", "Z": "m 3", "w": "5", "t": "m"},
        {},
        {"w": "2*hstack([X, Z]).T @ y"},
    ),
    (
        {
            "N": "(X - mean(X, axis=1, keepdims=True))/sqrt(var(X, axis=1, keepdims=True) + e)",
            "L": "sum(D*N)",
        },
        {"X": "m n", "D": "m n", "e": ""},
        {},
        {
            "X": "(D - mean(D, axis=1)[:, None] - N*mean(D*N, axis=1)[:, None])/sqrt(e + var(X, axis=1))[:, None]"
        },
    ),
    (
        {
            "C": "X - mean(X, axis=1, keepdims=True)",
            "r": "1/sqrt(mean(C**2, axis=1, keepdims=True) + e)",
            "N": "C*r",
            "L": "sum(D*(g*N + b))",
        },
        {"X": "m n", "D": "m n", "g": "n", "b": "n", "e": ""},
        {},
        {"X": "r*(g*D - (D @ g)[:, None]/n - N*(D*N @ g)[:, None]/n)"},
    ),
    (
        {"w": "inv(X.T @ X) @ X.T @ y", "r": "y - X @ w", "L": "r @ r"},
        {"X": "m n", "y": "m"},
        {},
        {"X": "-2*outer(r, w)", "y": "2*r"},
    ),
    (
        {"P": "X @ inv(X.T @ X) @ X.T", "L": "norm(y - P @ y)**2"},
        {"X": "m n", "y": "m"},
        {},
        {"X": "-2*outer(y - P @ y, y @ X @ inv(X.T @ X))"},
    ),
    (
        {"P": "X @ inv(X.T @ X) @ X.T", "r": "y - P @ y", "L": "r @ r"},
        {"X": "m n", "y": "m"},
        {},
        {"X": "-2*outer(r, y @ X @ inv(X.T @ X))"},
    ),
    (
        {"a": "solve(K + s*eye(n), y)", "L": "norm(A @ a - b)**2/2"},
        {"K": "n n", "y": "n", "s": "", "A": "m n", "b": "m"},
        {"K": "symmetric"},
        {"s": "-solve(K + s*eye(n), (A @ a - b) @ A) @ a"},
    ),
)
"""Stages, shapes, properties, and the derivative of L by each name."""

BACKWARD = [
    (stages, shapes, properties, source, form)
    for stages, shapes, properties, forms in LAYERS
    for source, form in forms.items()
]
"""The same, a row for each derivative."""
