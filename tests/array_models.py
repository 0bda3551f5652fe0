"""Array models that several test modules use, by name."""

import symderive as sd

GATES = "fiog"

MODELS = {
    "logistic": lambda: sd.Model(
        {"A1": "X @ w + b", "A2": "sigmoid(A1)", "A3": "mean(binary_cross_entropy(A2, Y))"},
        parameters=["w", "b"],
        shapes={"X": "m n", "w": "n", "Y": "m"},
    ),
    "linear": lambda: sd.Model(
        {"r": "X @ w - y", "L": "r @ r/(2*m)"},
        parameters=["w"],
        shapes={"X": "m n", "w": "n", "y": "m"},
    ),
    "ridge": lambda: sd.Model(
        {"r": "X @ w - y", "L": "mean(r**2) + lam*w @ w"},
        parameters=["w"],
        shapes={"X": "m n", "w": "n", "y": "m"},
    ),
    "softmax": lambda: sd.Model(
        {"Z": "X @ W + b", "P": "softmax(Z, axis=1)", "L": "-sum(Y*log(P))/m"},
        parameters=["W", "b"],
        shapes={"X": "m n", "W": "n c", "b": "c", "Y": "m c"},
        properties={"Y": "one-hot"},
    ),
    "network": lambda: sd.Model(
        {"H": "tanh(X @ W1 + b1)", "Z": "H @ W2 + b2", "L": "mean((Z - Y)**2)"},
        parameters=["W1", "b1", "W2", "b2"],
        shapes={"X": "m n", "W1": "n h", "b1": "h", "W2": "h k", "b2": "k", "Y": "m k"},
    ),
    "attention": lambda: sd.Model(
        {
            "Q": "X @ Wq",
            "K": "X @ Wk",
            "V": "X @ Wv",
            "S": "Q @ K.T/sqrt(k)",
            "A": "softmax(S, axis=1)",
            "O": "A @ V",
            "L": "sum((O - Y)**2)/2",
        },
        parameters=["Wq", "Wk", "Wv"],
        shapes={"X": "T d", "Wq": "d k", "Wk": "d k", "Wv": "d v", "Y": "T v"},
    ),
    "lstm": lambda: sd.Model(
        {
            **{
                g: f"{'tanh' if g == 'g' else 'sigmoid'}(W{g} @ x + U{g} @ h + b{g})" for g in GATES
            },
            "c1": "f*c + i*g",
            "h1": "o*tanh(c1)",
            "L": "sum((h1 - y)**2)/2",
        },
        parameters=[f"{kind}{g}" for g in GATES for kind in "WUb"],
        shapes={
            **{f"W{g}": "k n" for g in GATES},
            **{f"U{g}": "k k" for g in GATES},
            **{f"b{g}": "k" for g in GATES},
            **{"x": "n", "h": "k", "c": "k", "y": "k"},
        },
    ),
    "gaussian": lambda: sd.Model(
        {"r": "x - mu", "L": "logdet(S)/2 + r @ inv(S) @ r/2"},
        parameters=["mu", "S"],
        shapes={"x": "n", "mu": "n", "S": "n n"},
        properties={"S": "positive definite"},
    ),
    "quadratic": lambda: sd.Model(
        {"L": "x @ A @ x"},
        parameters=["x", "A"],
        shapes={"x": "n", "A": "n n"},
        properties={"A": "symmetric"},
    ),
    "rotation": lambda: sd.Model(
        {"L": "sum((Q @ x - y)**2)"},
        parameters=["Q", "x"],
        shapes={"x": "n", "y": "n", "Q": "n n"},
        properties={"Q": "orthogonal"},
    ),
    "cholesky": lambda: sd.Model(
        {"C": "cholesky(S)", "L": "sum(C**2) + sum(C)"},
        parameters=["S"],
        shapes={"S": "n n"},
        properties={"S": "positive definite"},
    ),
    "factors": lambda: sd.Model(
        {"E": "R - U @ V.T", "L": "sum(E**2) + lam*(sum(U**2) + sum(V**2))"},
        parameters=["U", "V"],
        shapes={"R": "m n", "U": "m k", "V": "n k"},
    ),
    "fork": lambda: sd.Model(
        {"h": "tanh(W @ x)", "u": "h*a", "v": "h**2", "L": "sum(u) + sum(v)"},
        parameters=["W", "x"],
        shapes={"W": "n n", "x": "n", "a": "n"},
    ),
    "vector": lambda: sd.Model(
        {"z": "W @ x", "y": "sigmoid(z)"}, parameters=["W", "x"], shapes={"W": "m n", "x": "n"}
    ),
    "windows": lambda: sd.Model(
        {"L": "sum((x[1:]*a + x[:-1]*b)**2)"}, parameters=["x", "a", "b"], shapes={"x": "n"}
    ),
    "deep": lambda: sd.Model(
        {**{f"h{k}": f"tanh(W{k} @ h{k - 1})" for k in range(1, 10)}, "L": "sum(h9)"},
        parameters=[f"W{k}" for k in range(1, 10)],
        shapes={"h0": "n", **{f"W{k}": "n n" for k in range(1, 10)}},
    ),
    "kinked": lambda: sd.Model(
        {"H": "relu(X @ w)", "L": "sum(H)"},
        parameters={"w": [0.0, 0.0]},
        constants={"X": [[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]},
    ),
}


def model(name):
    return MODELS[name]()
