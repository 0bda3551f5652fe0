# ruff: noqa: E501 (a formula stands on one line)
"""Facts of matrix calculus as the books print them: formula, variable, derivative.

Sources: K. B. Petersen and M. S. Pedersen, The Matrix Cookbook (2012), chapter 2; J. R. Magnus and
H. Neudecker, Matrix Differential Calculus (2019); the backward passes that textbooks on machine
learning give. Vectors are x, a, b, c, d, s, matrices A, B, C, D, W, X, all of size n unless a row
says.
"""

from dataclasses import dataclass, field

DEFAULT = {**dict.fromkeys("ABCDWX", "n n"), **dict.fromkeys("xabcds", "n")}
SLIDING = {"x": "6", "w": "3", "y": "8", "z": "4"}
LAYER = {"X": "m n", "W": "n h", "b": "h", "Y": "m h"}


@dataclass(frozen=True, eq=False)
class Fact:
    """∂formula/∂variable = book, for arrays of these shapes and properties."""

    formula: str
    variable: str
    book: str
    shapes: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def all_shapes(self) -> dict[str, str]:
        """The shapes of all names that a row may use."""
        return {**DEFAULT, **self.shapes}


def row(formula, variable, book, shapes=None, properties=None):
    return Fact(formula, variable, book, shapes or {}, properties or {})


FACTS = (
    # first order
    row("x @ a", "x", "a"),
    row("a @ x", "x", "a"),
    row("a @ X @ b", "X", "outer(a, b)"),
    row("a @ X.T @ b", "X", "outer(b, a)"),
    row("a @ X @ a", "X", "outer(a, a)"),
    row("a @ X.T @ a", "X", "outer(a, a)"),
    # second
    row("sum(X)**2", "X", "2*sum(X)*ones((n, n))"),
    row("b @ X.T @ X @ c", "X", "X @ (outer(b, c) + outer(c, b))"),
    row("(B @ x + b) @ C @ (D @ x + d)", "x", "B.T @ C @ (D @ x + d) + D.T @ C.T @ (B @ x + b)"),
    row("x @ B @ x", "x", "(B + B.T) @ x"),
    row("b @ X.T @ D @ X @ c", "X", "D.T @ X @ outer(b, c) + D @ X @ outer(c, b)"),
    row("(X @ b + c) @ D @ (X @ b + c)", "X", "outer((D + D.T) @ (X @ b + c), b)"),
    row("a @ X @ X @ b", "X", "outer(a, X @ b) + outer(X.T @ a, b)"),
    row(
        "a @ X @ X @ X @ b",
        "X",
        "outer(a, X @ X @ b) + outer(X.T @ a, X @ b) + outer(X.T @ X.T @ a, b)",
    ),
    row(
        "a @ matrix_power(X, 3) @ b",
        "X",
        "outer(a, X @ X @ b) + outer(X.T @ a, X @ b) + outer(X.T @ X.T @ a, b)",
    ),
    row(
        "(x - A @ s) @ W @ (x - A @ s)",
        "s",
        "-2*A.T @ W @ (x - A @ s)",
        properties={"W": "symmetric"},
    ),
    row("(x - s) @ W @ (x - s)", "x", "2*W @ (x - s)", properties={"W": "symmetric"}),
    row("(x - s) @ W @ (x - s)", "s", "-2*W @ (x - s)", properties={"W": "symmetric"}),
    row("(x - A @ s) @ W @ (x - A @ s)", "x", "2*W @ (x - A @ s)", properties={"W": "symmetric"}),
    row(
        "(x - A @ s) @ W @ (x - A @ s)",
        "A",
        "-2*outer(W @ (x - A @ s), s)",
        properties={"W": "symmetric"},
    ),
    row("x @ A @ x + b @ x", "x", "(A + A.T) @ x + b"),
    # rectangular least squares
    row("sum((X @ w - y)**2)", "w", "2*X.T @ (X @ w - y)", {"X": "m n", "w": "n", "y": "m"}),
    row("norm(X @ w - y)**2", "w", "2*X.T @ (X @ w - y)", {"X": "m n", "w": "n", "y": "m"}),
    # traces
    row("trace(X)", "X", "eye(n)"),
    row("trace(X @ A)", "X", "A.T"),
    row("trace(A @ X @ B)", "X", "A.T @ B.T"),
    row("trace(A @ X.T @ B)", "X", "B @ A"),
    row("trace(X.T @ A)", "X", "A"),
    row("trace(A @ X.T)", "X", "A"),
    row("trace(kron(A, X))", "X", "trace(A)*eye(n)"),
    row("trace(X @ X)", "X", "2*X.T"),
    row("trace(X @ X @ B)", "X", "(X @ B + B @ X).T"),
    row("trace(X.T @ B @ X)", "X", "B @ X + B.T @ X"),
    row("trace(B @ X @ X.T)", "X", "B @ X + B.T @ X"),
    row("trace(X @ X.T @ B)", "X", "B @ X + B.T @ X"),
    row("trace(X @ B @ X.T)", "X", "X @ B.T + X @ B"),
    row("trace(B @ X.T @ X)", "X", "X @ B.T + X @ B"),
    row("trace(X.T @ X @ B)", "X", "X @ B.T + X @ B"),
    row("trace(A @ X @ B @ X)", "X", "A.T @ X.T @ B.T + B.T @ X.T @ A.T"),
    row("trace(X.T @ X)", "X", "2*X"),
    row("trace(X @ X.T)", "X", "2*X"),
    row("trace(B.T @ X.T @ C @ X @ B)", "X", "C.T @ X @ B @ B.T + C @ X @ B @ B.T"),
    row("trace(X.T @ B @ X @ C)", "X", "B @ X @ C + B.T @ X @ C.T"),
    row("trace(A @ X @ B @ X.T @ C)", "X", "A.T @ C.T @ X @ B.T + C @ A @ X @ B"),
    row("trace((A @ X @ B + C) @ (A @ X @ B + C).T)", "X", "2*A.T @ (A @ X @ B + C) @ B.T"),
    row("trace(kron(X, X))", "X", "2*trace(X)*eye(n)"),
    row("trace(matrix_power(X, 4))", "X", "4*matrix_power(X, 3).T"),
    row("trace(A @ matrix_power(X, 3))", "X", "(A @ X @ X + X @ A @ X + X @ X @ A).T"),
    row(
        "trace(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)",
        "X",
        "C @ X @ X.T @ C @ X @ B @ B.T + C.T @ X @ B @ B.T @ X.T @ C.T @ X + C @ X @ B @ B.T @ X.T @ C @ X + C.T @ X @ X.T @ C.T @ X @ B @ B.T",
    ),
    row("trace(A @ inv(X) @ B)", "X", "-(inv(X) @ B @ A @ inv(X)).T"),
    row(
        "trace(inv(X.T @ C @ X) @ A)",
        "X",
        "-C @ X @ inv(X.T @ C @ X) @ (A + A.T) @ inv(X.T @ C @ X)",
        {"X": "n k", "A": "k k"},
        {"C": "symmetric"},
    ),
    row(
        "trace(inv(X.T @ C @ X) @ (X.T @ B @ X))",
        "X",
        "-2*C @ X @ inv(X.T @ C @ X) @ X.T @ B @ X @ inv(X.T @ C @ X) + 2*B @ X @ inv(X.T @ C @ X)",
        {"X": "n k"},
        {"C": "symmetric", "B": "symmetric"},
    ),
    row(
        "trace(inv(A + X.T @ C @ X) @ (X.T @ B @ X))",
        "X",
        "-2*C @ X @ inv(A + X.T @ C @ X) @ X.T @ B @ X @ inv(A + X.T @ C @ X) + 2*B @ X @ inv(A + X.T @ C @ X)",
        {"X": "n k", "A": "k k"},
        {"C": "symmetric", "B": "symmetric", "A": "symmetric"},
    ),
    row("trace(sinm(X))", "X", "cosm(X).T"),
    row("trace(expm(X))", "X", "expm(X).T"),
    # functions of a matrix, singular values
    row("a @ expm(X) @ b", "X", "expm_frechet(X.T, outer(a, b))"),
    row("trace(expm(X) @ B)", "X", "expm_frechet(X.T, B.T)"),
    row("trace(X @ logm(X))", "X", "(logm(X) + eye(n)).T"),
    row("sum(sqrtm(X @ X.T + eye(n))*A)", "X", "sqrtm_frechet(eye(n) + X @ X.T, A + A.T) @ X"),
    row("norm(cosm(X) - A)**2/2", "X", "cosm_frechet(X.T, cosm(X) - A)"),
    row("nuclear_norm(X)", "X", "polar(X)", {"X": "m n"}),
    row("norm(A @ X - B, 'nuc')", "X", "A.T @ polar(A @ X - B)"),
    row("norm(X, 2)", "X", "outer(left_vectors(X)[:, 0], right_vectors(X)[:, 0])", {"X": "m n"}),
    row("svdvals(X) @ c", "X", "left_vectors(X)*c @ right_vectors(X).T"),
    row(
        "eigvalsh(X) @ c",
        "X",
        "c*eigenvectors(X) @ eigenvectors(X).T",
        properties={"X": "symmetric"},
    ),
    # Cholesky factors
    row(
        "sum(cholesky(X)*A)",
        "X",
        "inv(cholesky(X)).T @ (half_tril(cholesky(X).T @ A) + half_tril(cholesky(X).T @ A).T) @ inv(cholesky(X))/2",
        properties={"X": "positive definite"},
    ),
    row("sum(log(diagonal(cholesky(X))))", "X", "inv(X)/2", properties={"X": "positive definite"}),
    # det
    row("det(X)", "X", "det(X)*inv(X).T"),
    row("det(A @ X @ B)", "X", "det(A @ X @ B)*inv(X).T"),
    row("det(X.T @ A @ X)", "X", "2*det(X.T @ A @ X)*inv(X).T"),
    row(
        "det(X.T @ A @ X)",
        "X",
        "2*det(X.T @ A @ X)*A @ X @ inv(X.T @ A @ X)",
        {"X": "n k"},
        {"A": "symmetric"},
    ),
    row(
        "det(X.T @ A @ X)",
        "X",
        "det(X.T @ A @ X)*(A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X))",
        {"X": "n k"},
    ),
    row("log(det(X.T @ X))", "X", "2*X @ inv(X.T @ X)", {"X": "n k"}),
    row("logdet(X.T @ X)", "X", "2*X @ inv(X.T @ X)", {"X": "n k"}),
    row("logdet(X)", "X", "inv(X).T"),
    row("det(matrix_power(X, 3))", "X", "3*det(matrix_power(X, 3))*inv(X).T"),
    row("det(inv(X))", "X", "-det(inv(X))*inv(X).T"),
    row("log(det(X))", "X", "inv(X).T"),
    # inverse
    row("a @ inv(X) @ b", "X", "-inv(X).T @ outer(a, b) @ inv(X).T"),
    row("trace(inv(X + A))", "X", "-(inv(X + A) @ inv(X + A)).T"),
    row("trace(inv(X))", "X", "-(inv(X) @ inv(X)).T"),
    row("b @ solve(X, a)", "X", "-outer(inv(X).T @ b, inv(X) @ a)"),
    # norms
    row("norm(x - a)", "x", "(x - a)/norm(x - a)"),
    row("norm(x)**2", "x", "2*x"),
    row("x @ x", "x", "2*x"),
    row("norm(X)**2", "X", "2*X"),
    row("norm(X)", "X", "X/norm(X)"),
    row("sum(X**2)", "X", "2*X"),
    row("norm(x - a)**3", "x", "3*norm(x - a)*(x - a)"),
    row("sum(abs(x))", "x", "sign(x)"),
    row("norm(A @ X - B)**2", "X", "2*A.T @ (A @ X - B)"),
    row("1/norm(x)", "x", "-x/norm(x)**3"),
    # elementwise
    row("sum(exp(A @ x))", "x", "A.T @ exp(A @ x)"),
    row("sum(log(x))", "x", "1/x"),
    row("sum(sigmoid(A @ x))", "x", "A.T @ (sigmoid(A @ x)*(1 - sigmoid(A @ x)))"),
    row("logsumexp(A @ x)", "x", "A.T @ softmax(A @ x)"),
    row("logsumexp(x)", "x", "softmax(x)"),
    row("log(sum(exp(x)))", "x", "softmax(x)"),
    row("log(sum(exp(A @ x)))", "x", "A.T @ softmax(A @ x)", {"A": "m n"}),
    row(
        "sum(log(sum(exp(X[:, None, :] + W), axis=2)))",
        "X",
        "sum(softmax(X[:, None, :] + W), axis=1)",
        {"X": "m n", "W": "k n"},
    ),
    row("sum(x*log(x))", "x", "log(x) + 1"),
    row("a @ softmax(x)", "x", "softmax(x)*(a - a @ softmax(x))"),
    row("sum(A*X)", "X", "A"),
    row("sum(A*X*X)", "X", "2*A*X"),
    row("a @ (X*B) @ b", "X", "outer(a, b)*B"),
    row("trace(A @ (X*B))", "X", "A.T*B"),
    row("sum(tanh(X @ b))", "X", "outer(1 - tanh(X @ b)**2, b)"),
    row("trace(diag(x) @ A)", "x", "diagonal(A)"),
    row("a @ diag(x) @ b", "x", "a*b"),
    row("x @ diag(a) @ x", "x", "2*a*x"),
    row("prod(x)", "x", "prod(x)/x"),
    row("sum(x)**2/n", "x", "2*sum(x)/n*ones(n)"),
    row("var(x)", "x", "2*(x - mean(x))/n"),
    row("mean((x - mean(x))**2)", "x", "2*(x - mean(x))/n"),
    row("x @ A @ x/(x @ x)", "x", "((A + A.T) @ x - 2*(x @ A @ x)/(x @ x)*x)/(x @ x)"),
    row("(a @ x)/norm(x)", "x", "a/norm(x) - (a @ x)*x/norm(x)**3"),
    row("log(a @ x)", "x", "a/(a @ x)"),
    row("exp(a @ x)", "x", "exp(a @ x)*a"),
    row("exp(-x @ A @ x/2)", "x", "-exp(-x @ A @ x/2)*A @ x", properties={"A": "symmetric"}),
    row("(a @ x)**2", "x", "2*(a @ x)*a"),
    row("sqrt(x @ A @ x)", "x", "A @ x/sqrt(x @ A @ x)", properties={"A": "symmetric"}),
    row("sum(maximum(0, A @ x))", "x", "A.T @ where(A @ x > 0, 1, where(A @ x < 0, 0, 1/2))"),
    # gaussian
    row(
        "-(logdet(W) + (x - a) @ inv(W) @ (x - a))/2",
        "a",
        "inv(W) @ (x - a)",
        properties={"W": "positive definite"},
    ),
    row(
        "-(logdet(W) + (x - a) @ inv(W) @ (x - a))/2",
        "W",
        "(inv(W) @ outer(x - a, x - a) @ inv(W) - inv(W))/2",
        properties={"W": "positive definite"},
    ),
    row(
        "logdet(W) + trace(inv(W) @ A)",
        "W",
        "inv(W) - inv(W) @ A @ inv(W)",
        properties={"W": "positive definite", "A": "symmetric"},
    ),
    row(
        "logdet(W) - trace(W @ A)",
        "W",
        "inv(W) - A",
        properties={"W": "positive definite", "A": "symmetric"},
    ),
    # nets
    row("sum((X @ W + b - Y)**2)", "W", "2*X.T @ (X @ W + b - Y)", LAYER),
    row("sum((X @ W + b - Y)**2)", "b", "2*sum(X @ W + b - Y, axis=0)", LAYER),
    row("sum(relu(X @ W + b))", "W", "X.T @ where(X @ W + b > 0, 1, 0)", LAYER),
    row("sum((A @ B - X)**2)", "A", "2*(A @ B - X) @ B.T", {"A": "m k", "B": "k n", "X": "m n"}),
    row("sum((A @ B - X)**2)", "B", "2*A.T @ (A @ B - X)", {"A": "m k", "B": "k n", "X": "m n"}),
    row(
        "sum(M*(U @ V.T - X)**2)",
        "U",
        "2*(M*(U @ V.T - X)) @ V",
        {"U": "m k", "V": "n k", "X": "m n", "M": "m n"},
    ),
    row("trace(W.T @ A @ W)", "W", "2*A @ W", {"W": "n k"}, {"A": "symmetric"}),
    row(
        "norm(X - X @ W @ W.T)**2",
        "W",
        "2*(-X.T @ (X - X @ W @ W.T) @ W - (X - X @ W @ W.T).T @ X @ W)",
        {"X": "m n", "W": "n k"},
    ),
    # slices: what is taken out is put back
    row("X[0, 1]", "X", "outer(eye(n)[0], eye(n)[1])"),
    row("X[0] @ a", "X", "outer(eye(n)[0], a)"),
    row("x[-1]", "x", "eye(n)[-1]"),
    row(
        "sum((x[1:] - x[:-1])**2)",
        "x",
        "2*(pad(x[1:] - x[:-1], (1, 0)) + pad(x[:-1] - x[1:], (0, 1)))",
    ),
    row("sum(X[:2, 1:]*Y)", "X", "pad(Y, ((0, 1), (1, 0)))", {"X": "3 4", "Y": "2 3"}),
    row("sum(x[::2]*y)", "x", "eye(6)[::2].T @ y", {"x": "6", "y": "3"}),
    row("sum(pad(x, (1, 2))*y)", "x", "y[1:4]", {"x": "3", "y": "6"}),
    row("x[0]*x[1]**2", "x", "stack([x[1]**2, 2*x[0]*x[1]])", {"x": "2"}),
    row("mean(reshape(x, (3, 2)), axis=1) @ y", "x", "kron(y, ones(2))/2", {"x": "6", "y": "3"}),
    row("logsumexp(x) - x[1]", "x", "softmax(x) - eye(n)[1]"),
    row("-log(softmax(x)[1])", "x", "softmax(x) - eye(n)[1]"),
    row("softmax(x)[0]", "x", "softmax(x)[0]*(eye(n)[0] - softmax(x))"),
    # convolution
    row("convolve(x, w) @ y", "w", "correlate(y, x)", SLIDING),
    row("convolve(x, w) @ y", "x", "correlate(y, w)", SLIDING),
    row("correlate(x, w) @ z", "w", "correlate(x, z)", SLIDING),
    row("correlate(x, w) @ z", "x", "convolve(z, w)", SLIDING),
    row('convolve(x, w, mode="valid") @ z', "w", "correlate(x, z)[::-1]", SLIDING),
    row('convolve(x, w, mode="valid") @ z', "x", 'correlate(z, w, mode="full")', SLIDING),
    row("sum((correlate(x, w) - z)**2)", "w", "2*correlate(x, correlate(x, w) - z)", SLIDING),
    row("sum((convolve(x, w) - y)**2)", "w", "2*correlate(convolve(x, w) - y, x)", SLIDING),
    row(
        "sum(relu(correlate(x, w)))", "w", "correlate(x, where(correlate(x, w) > 0, 1, 0))", SLIDING
    ),
    # absolute values, lengths, diagonal matrices
    row("log(abs(det(X)))", "X", "inv(X).T"),
    row("sum(abs(x)**3)", "x", "3*x*abs(x)"),
    row("sqrt(sum(x**2))", "x", "x/norm(x)"),
    row("sqrt(trace(X.T @ X))", "X", "X/norm(X)"),
    row("norm(x)**4", "x", "4*(x @ x)*x"),
    row("logdet(diag(x))", "x", "1/x"),
    row("logdet(c*X)", "X", "inv(X).T", {"c": ""}),
    row("trace(inv(c*X))", "X", "-(inv(X) @ inv(X)).T/c", {"c": ""}),
    row("trace(A @ X)**3", "X", "3*trace(A @ X)**2*A.T"),
    row("trace(inv(X.T @ X))", "X", "-2*X @ inv(X.T @ X) @ inv(X.T @ X)", {"X": "m n"}),
    row("pinv(X) @ y", "y", "pinv(X)", {"X": "m n", "y": "m"}),
    # matrices by a number
    row("logdet(A + s*B)", "s", "trace(B @ inv(A + s*B))", {"s": ""}),
    row("trace(inv(A + s*B))", "s", "-trace(inv(A + s*B) @ B @ inv(A + s*B))", {"s": ""}),
    row("b @ inv(A + s*B) @ a", "s", "-b @ inv(A + s*B) @ B @ inv(A + s*B) @ a", {"s": ""}),
    row("inv(A + s*B)", "s", "-inv(A + s*B) @ B @ inv(A + s*B)", {"s": ""}),
    row("(A + s*B) @ (A + s*B)", "s", "B @ (A + s*B) + (A + s*B) @ B", {"s": ""}),
    # more layers
    row("exp(x)/sum(exp(x))", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    row("log_softmax(x)", "x", "eye(n) - softmax(x)"),
    row("mean(layer_norm(x))", "x", "zeros(n)"),
    row(
        "a @ layer_norm(x)", "x", "(a - mean(a) - layer_norm(x)*mean(a*layer_norm(x)))/deviation(x)"
    ),
    row("a @ rms_norm(x)", "x", "(a - rms_norm(x)*mean(a*rms_norm(x)))/rms(x)"),
    # vector by vector
    row("A @ x", "x", "A"),
    row("x/norm(x)", "x", "eye(n)/norm(x) - outer(x, x)/norm(x)**3"),
    row("(x - a)/norm(x - a)", "x", "eye(n)/norm(x - a) - outer(x - a, x - a)/norm(x - a)**3"),
    row("softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    row("sigmoid(x)", "x", "diag(sigmoid(x)*(1 - sigmoid(x)))"),
    row("tanh(A @ x)", "x", "(1 - tanh(A @ x)**2)[:, None]*A"),
    row("x*(a @ x)", "x", "(a @ x)*eye(n) + outer(x, a)"),
    row("a*x", "x", "diag(a)"),
    row("x*x", "x", "2*diag(x)"),
    row("A @ sigmoid(B @ x)", "x", "A @ ((sigmoid(B @ x)*(1 - sigmoid(B @ x)))[:, None]*B)"),
    row("inv(A) @ x", "x", "inv(A)"),
    row("cumsum(x)", "x", "tril(ones((n, n)))"),
    row("x @ A", "x", "A.T"),
    # determinants and inverses of products through another size
    row(
        "logdet(A @ diag(x) @ A.T)", "x", "diagonal(A.T @ inv(A @ diag(x) @ A.T) @ A)", {"A": "k n"}
    ),
    row("logdet(A + X @ X.T)", "X", "2*inv(A + X @ X.T) @ X", {"X": "n m"}, {"A": "symmetric"}),
    row(
        "trace(inv(X.T @ C @ X) @ A)",
        "X",
        "-C @ X @ inv(X.T @ C @ X) @ (A + A.T) @ inv(X.T @ C @ X)",
        {"X": "m n", "C": "m m"},  # the first sizes that are tried have no inverse
        {"C": "symmetric"},
    ),
    row("inv(X)[0, 1]", "X", "-outer(inv(X)[0], inv(X)[:, 1])", {"X": "3 3"}),
    row("x @ inv(diag(a)) @ x", "x", "2*x/a"),
    row("a @ inv(diag(x)) @ a", "x", "-(a**2)/x**2"),
    row("logdet(A @ X @ A.T)", "X", "inv(X).T", properties={"A": "orthogonal"}),
    row("norm(A @ x - b)**2", "x", "2*(x - A.T @ b)", properties={"A": "orthogonal"}),
    # functions of eigenvalues are functions of the matrix
    row("sum(eigvalsh(X))", "X", "eye(n)", properties={"X": "symmetric"}),
    row("prod(eigvalsh(X))", "X", "det(X)*inv(X)", properties={"X": "symmetric"}),
    row("sum(log(eigvalsh(X)))", "X", "inv(X)", properties={"X": "positive definite"}),
    row("sum(exp(eigvalsh(X)))", "X", "expm(X)", properties={"X": "symmetric"}),
    # sums with ones, rows as rows
    row("sum(X @ X.T)", "X", "2*ones((n, n)) @ X", {"X": "n m"}),
    row("sum(X.T @ X)", "X", "2*X @ ones((n, n))", {"X": "m n"}),
    row("a @ outer(x, x) @ b", "x", "(outer(a, b) + outer(b, a)) @ x"),
    row("a @ X @ C @ X.T @ a", "X", "2*outer(a, a) @ X @ C", properties={"C": "symmetric"}),
    row("log_softmax(A @ x)", "x", "A - softmax(A @ x) @ A", {"A": "m n"}),
    row(
        "sum(X*log(X/(A @ B)) - X + A @ B)",
        "A",
        "(1 - X/(A @ B)) @ B.T",
        {"X": "m n", "A": "m k", "B": "k n"},
    ),
    row(
        "trace((A + s*B) @ (A + s*B) @ (A + s*B))",
        "s",
        "3*trace(B @ (A + s*B) @ (A + s*B))",
        {"s": ""},
    ),
    row("trace(expm(s*A))", "s", "trace(A @ expm(s*A))", {"s": ""}),
    row(
        "y @ inv(A + s*eye(n)) @ y + logdet(A + s*eye(n))",
        "s",
        "trace(inv(A + s*eye(n))) - norm(inv(A + s*eye(n)) @ y)**2",
        {"s": "", "y": "n"},
        {"A": "symmetric"},
    ),
    # linear systems keep their name
    row("x @ solve(A, x)", "A", "-outer(solve(A.T, x), solve(A, x))"),
    row("x @ solve(A, x)", "x", "2*solve(A, x)", properties={"A": "symmetric"}),
    row(
        "-sum(log(diagonal(L))) - norm(solve(L, x - a))**2/2",
        "a",
        "solve(L.T, solve(L, x - a))",
        {"L": "n n"},
        {"L": "lower triangular"},
    ),
    # singular values, Kronecker products, exponentials
    row("sum(svdvals(X)**2)", "X", "2*X", {"X": "m n"}),
    row("sum(log(svdvals(X)))", "X", "inv(X).T"),
    row("sum(svdvals(X))", "X", "polar(X)", {"X": "m n"}),
    row("logsumexp(eigvalsh(X))", "X", "expm(X)/trace(expm(X))", properties={"X": "symmetric"}),
    row("logdet(kron(A, X))", "X", "n*inv(X).T"),
    row("norm(inv(kron(A, X)))**2", "X", "-2*sum(inv(A)**2)*inv(X).T @ inv(X) @ inv(X).T"),
    row("logdet(expm(X))", "X", "eye(n)"),
    # along axes, the stage by its name, odd functions
    row("trace(A @ diag(x) @ B)", "x", "diagonal(B @ A)"),
    row("sum(sqrt(sum(X**2, axis=0)))", "X", "X/norm(X, axis=0)", {"X": "m n"}),
    row(
        "sqrt(1 + (x - a) @ W @ (x - a))",
        "x",
        "W @ (x - a)/sqrt(1 + (x - a) @ W @ (x - a))",
        properties={"W": "symmetric"},
    ),
    row("sum(maximum(0, 1 - A @ x)**2)", "x", "-2*A.T @ maximum(0, 1 - A @ x)"),
    row("sum(log(cosh(A @ x - b)))", "x", "A.T @ tanh(A @ x - b)"),
    # named functions
    row("norm(x, ord=4)", "x", "x**3/norm(x, ord=4)**3"),
    row("sum(log(cosh(X)))", "X", "tanh(X)", {"X": "m n"}),
    row("sum(maximum(X, 0))", "X", "where(X > 0, 1, 0)", {"X": "m n"}),
    row("sum(A*heaviside(X)*X)", "X", "A*heaviside(X)", {"X": "m n", "A": "m n"}),
    row(
        "-log(sigmoid(a @ x)) - sum(log(sigmoid(-B @ x)))",
        "x",
        "(sigmoid(a @ x) - 1)*a + B.T @ sigmoid(B @ x)",
        {"B": "m n"},
    ),
    row("prod(x)**(1/n)", "x", "prod(x)**(1/n)/(n*x)"),
    # Kronecker products
    row("kron(A + s*B, C)", "s", "kron(B, C)", {"A": "m n", "B": "m n", "C": "k h", "s": ""}),
    row("kron(A, B) @ y", "y", "kron(A, B)", {"A": "2 3", "B": "2 2", "y": "6"}),
    row(
        "vec(A) @ kron(B, C) @ vec(X)",
        "X",
        "C.T @ A @ B",
        {"A": "3 2", "B": "2 2", "C": "3 3", "X": "3 2"},
    ),
    # parts: entries, slices, blocks
    row("x[0]**2 + x[1]**2", "x", "2*x", {"x": "2"}),
    row("x[1:] - x[:-1]", "x", "eye(4)[1:] - eye(4)[:-1]", {"x": "4"}),
    row("x[::-1]", "x", "eye(4)[::-1]", {"x": "4"}),
    row("concatenate([2*x, x])", "x", "concatenate([2*eye(n), eye(n)])"),
    row(
        "stack([stack([cos(s), -sin(s)]), stack([sin(s), cos(s)])])",
        "s",
        "stack([stack([-sin(s), -cos(s)]), stack([cos(s), -sin(s)])])",
        {"s": ""},
    ),
    row(
        "sum((hstack([X, Y]) @ w - b)**2)",
        "w",
        "2*hstack([X, Y]).T @ (hstack([X, Y]) @ w - b)",
        {"X": "m 2", "Y": "m 3", "w": "5", "b": "m"},
    ),
    row(
        "softmax(x)[0] + x[1:] @ a",
        "x",
        "softmax(x)[0]*(eye(3)[0] - softmax(x)) + pad(a, (1, 0))",
        {"x": "3", "a": "2"},
    ),
)


HESSIANS = (
    ("x @ A @ x", "x", "A.T + A", ""),
    ("norm(X @ w - y)**2", "w", "2*(X.T @ X)", "positive semidefinite"),
    ("-norm(X @ w)**2", "w", "-2*(X.T @ X)", "negative semidefinite"),
    ("logsumexp(x)", "x", "diag(f_D_x) - outer(f_D_x, f_D_x)", "positive semidefinite"),
    ("log(sum(exp(x)))", "x", "diag(f_D_x) - outer(f_D_x, f_D_x)", "positive semidefinite"),
    (
        "log(sum(exp(A @ x)))",
        "x",
        "A.T @ (softmax(A @ x)[:, None]*(A - f_D_x))",
        "positive semidefinite",
    ),
    ("sum(exp(X @ w) - y*(X @ w))", "w", "X.T @ (exp(X @ w)[:, None]*X)", "positive semidefinite"),
    ("-sum(log(y - X @ w))", "w", "X.T @ (X/((y - X @ w)**2)[:, None])", "positive semidefinite"),
    (
        "sum(log(cosh(X @ w))) + r**2*(w @ w)",
        "w",
        "2*r**2*eye(n) + X.T @ (X/(cosh(X @ w)**2)[:, None])",
        "positive semidefinite",
    ),
    ("sum(y*(X @ w)**2)", "w", "2*(X.T @ (y[:, None]*X))", ""),  # y may be negative
    ("sum(x**3)", "x", "6*diag(x)", ""),
    ("var(x)", "x", "2*(eye(n) - 1/n)/n", "positive semidefinite"),
)
"""A formula, a variable, a form of the Hessian, and what its form says of convexity."""
