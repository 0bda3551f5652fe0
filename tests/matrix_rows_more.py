# ruff: noqa: E501 (a formula stands on one line)
"""More facts of matrix calculus: stacked columns, blocks, spectra, structured matrices.

Sources: those of ``matrix_rows``; C. F. Van Loan and N. Pitsianis, Approximation with Kronecker
products (1993), of the rearrangement of blocks.
"""

from matrix_rows import row

MORE = (
    # columns one below the other, blocks, repeated entries
    row(
        "vec(X) @ A @ vec(X)",
        "X",
        "unvec((A + A.T) @ vec(X), (m, n))",
        {"X": "m n", "A": "m*n m*n"},
    ),
    row(
        "norm(A @ vec(X) - b)**2",
        "X",
        "2*unvec(A.T @ (A @ vec(X) - b), (2, 3))",
        {"X": "2 3", "A": "k 6", "b": "k"},
    ),
    row(
        "trace(kron(A, X) @ B)",
        "X",
        "unvec(rearrange(B.T, (2, 2)).T @ vec(A), (3, 3))",
        {"A": "2 2", "X": "3 3", "B": "6 6"},
    ),
    row(
        "sum(C*kron(A, X))",
        "A",
        "unvec(rearrange(C, (2, 2)) @ vec(X), (2, 2))",
        {"A": "2 2", "X": "3 3", "C": "6 6"},
    ),
    row(
        "norm(kron(A, X) - C)**2",
        "X",
        "2*(sum(A**2)*X - unvec(rearrange(C, (2, 2)).T @ vec(A), (3, 3)))",
        {"A": "2 2", "X": "3 3", "C": "6 6"},
    ),
    row("repeat(x, 2) @ y", "x", "reshape(y, (3, 2)) @ ones(2)", {"x": "3", "y": "6"}),
    row("norm(tile(x, (4, 1)) - X)**2", "x", "2*sum(x - X, axis=0)", {"x": "3", "X": "4 3"}),
    row("slogdet(X)[1]", "X", "inv(X).T"),
    row("norm(x, ord=s)", "x", "sign(x)*(abs(x)/sum(abs(x)**s)**(1/s))**(s - 1)", {"s": ""}),
    # functions of eigenvalues, of singular values, of multiples of a matrix
    row(
        "max(eigvalsh(X))",
        "X",
        "outer(eigenvectors(X)[:, -1], eigenvectors(X)[:, -1])",
        properties={"X": "symmetric"},
    ),
    row(
        "-sum(eigvalsh(X)*log(eigvalsh(X)))",
        "X",
        "-logm(X) - eye(n)",
        properties={"X": "positive definite"},
    ),
    row("sum(eigvalsh(A + s*B))", "s", "trace(B)", {"s": ""}, {"A": "symmetric", "B": "symmetric"}),
    row("sum(svdvals(X)**4)", "X", "4*X @ X.T @ X", {"X": "m n"}),
    row("prod(svdvals(X))", "X", "prod(svdvals(X))*inv(X).T"),
    row("a @ expm(s*A) @ b", "s", "a @ A @ expm(s*A) @ b", {"s": ""}),
    row(
        "trace(B @ logm(s*A + c*eye(n)))",
        "s",
        "trace(inv(s*A + c*eye(n)) @ B @ A)",
        {"s": "", "c": ""},
    ),
    # sums across brackets, means, deviations
    row("norm(X @ A - B)**2", "X", "2*(X - B @ A.T)", properties={"A": "orthogonal"}),
    row(
        "x @ C @ x + (A @ x + b) @ W @ (A @ x + b)",
        "x",
        "2*(C @ x + A.T @ W @ (A @ x + b))",
        {},
        {"C": "symmetric", "W": "symmetric"},
    ),
    row(
        "logdet((X + B)/2) - logdet(X)/2",
        "X",
        "inv(X + B) - inv(X)/2",
        {},
        {"X": "symmetric", "B": "symmetric"},
    ),
    row("std(x)", "x", "(x - mean(x))/(n*std(x))"),
    row("sum(std(X, axis=0))", "X", "(X - mean(X, axis=0))/(m*std(X, axis=0))", {"X": "m n"}),
    # skew-symmetric matrices
    row("x @ A @ x", "x", "zeros(n)", properties={"A": "skew-symmetric"}),
    row("norm(A @ x)**2", "x", "-2*A @ A @ x", properties={"A": "skew-symmetric"}),
    row("x @ (A + B) @ x", "x", "2*B @ x", properties={"A": "skew-symmetric", "B": "symmetric"}),
    row("trace(A @ X)", "X", "-A", properties={"A": "skew-symmetric"}),
    # diagonal matrices
    row(
        "(s - X @ b) @ W @ (s - X @ b)",
        "b",
        "-2*X.T @ W @ (s - X @ b)",
        {"s": "m", "X": "m n", "W": "m m"},
        {"W": "diagonal"},
    ),
    row("trace(X @ A @ X.T)", "X", "2*X @ A", {"X": "m n"}, {"A": "diagonal"}),
    # sums that share a factor, symmetric matrices made of others, steps that sum to one
    row(
        "sum(W*(x[:, None] - x[None, :])**2)/2",
        "x",
        "2*(sum(W, axis=1)*x - W @ x)",
        properties={"W": "symmetric"},
    ),
    row(
        "a @ inv(eye(n) + outer(x, x)) @ a",
        "x",
        "-2*(a @ inv(eye(n) + outer(x, x)) @ x)*inv(eye(n) + outer(x, x)) @ a",
    ),
    row(
        "trace(inv(A.T @ diag(x) @ A))",
        "x",
        "-sum((A @ inv(x*A.T @ A))**2, axis=1)",
        {"x": "m", "A": "m n"},
    ),
    row(
        "sum(maximum(s*(y - X @ w), (s - 1)*(y - X @ w)))",
        "w",
        "X.T @ (heaviside(X @ w - y) - s)",
        {"X": "m n", "w": "n", "y": "m", "s": ""},
    ),
    # axes that are joined in a matrix
    row(
        "sum(repeat(X, 2, axis=0)*Y)",
        "X",
        "sum(reshape(Y, (3, 2, n)), axis=1)",
        {"X": "3 n", "Y": "6 n"},
    ),
    row(
        "logdet(kron(X, A) + eye(6))",
        "X",
        "unvec(rearrange(inv(kron(X, A) + eye(6)).T, (2, 2)) @ vec(A), (2, 2))",
        {"X": "2 2", "A": "3 3"},
    ),
    row(
        "cumprod(x) @ a",
        "x",
        "tril(prod_others(where(tril(ones((n, n))) > 0, x, 1), axis=1)).T @ a",
    ),
    row(
        "sum(B*inv(kron(X, A) + eye(6)))",
        "X",
        "-unvec(rearrange(inv(kron(X, A) + eye(6)).T @ B @ inv(kron(X, A) + eye(6)).T, (2, 2)) @ vec(A), (2, 2))",
        {"X": "2 2", "A": "3 3", "B": "6 6"},
    ),
    row(
        "sum(B*(sliding_window_view(x, 3) @ A))",
        "x",
        "pad(B @ A[0], (0, 2)) + pad(B @ A[1], (1, 1)) + pad(B @ A[2], (2, 0))",
        {"x": "6", "A": "3 k", "B": "4 k"},
    ),
    row(
        "sum(A*where(triu(ones((n, n)), 1) > 0, exp(X), X))",
        "X",
        "A*where(triu(ones((n, n)), 1) > 0, exp(X), 1)",
    ),
    # updates of the identity, projections
    row("logdet(eye(n) + outer(x, a))", "x", "a/(1 + x @ a)"),
    row("x @ inv(eye(n) + outer(x, x)) @ x", "x", "2*x/(1 + x @ x)**2"),
    row(
        "y @ X @ pinv(X) @ y",
        "X",
        "2*outer(y - X @ pinv(X) @ y, pinv(X) @ y)",
        {"X": "m n", "y": "m"},
    ),
    row("det(eye(n) + outer(x, a))", "x", "a"),
    row("det(c*X)", "c", "det(c*X)*n/c", {"c": ""}),
    # Kronecker products by the name that they have
    row(
        "x @ kron(A, B) @ x",
        "x",
        "(kron(A, B) + kron(A, B).T) @ x",
        {"A": "2 2", "B": "3 3", "x": "6"},
    ),
    row(
        "y @ kron(A, B) @ x", "x", "kron(A, B).T @ y", {"A": "2 2", "B": "3 4", "x": "8", "y": "6"}
    ),
    # kept between bounds: Huber's loss, proximal policy optimisation
    row("sum(huber(x - a))", "x", "clip(x - a, -1, 1)"),
    row(
        "sum(huber(X @ w - y, s))",
        "w",
        "X.T @ clip(X @ w - y, -s, s)",
        {"X": "m n", "w": "n", "y": "m", "s": ""},
    ),
    row("sum(clip(x - a, -s, s))", "x", "where(abs(x - a) <= s, 1, 0)", {"s": ""}),
    row(
        "mean(minimum(exp(x - a)*b, clip(exp(x - a), 1 - s, 1 + s)*b))",
        "x",
        "b*exp(x - a)*where(abs(exp(x - a) - 1) <= s, 1, heaviside(b*(clip(exp(x - a), 1 - s, 1 + s) - exp(x - a))))/n",
        {"s": ""},
    ),
    # differences stand one way round
    row("sum(abs(x[:, None] - x))", "x", "2*sum(sign(x - x[:, None]), axis=0)"),
    row(
        "sum(W*exp(-s*sum((X[:, None, :] - X)**2, axis=2)))",
        "X",
        "4*s*sum((W*exp(-s*sum((X[:, None, :] - X)**2, axis=2)))[:, :, None]*(X - X[:, None, :]), axis=1)",
        {"X": "n k", "s": ""},
        {"W": "symmetric"},
    ),
    row(
        "sum(W*exp(-s*(x[:, None] - x)**2))",
        "x",
        "4*s*sum(W*exp(-s*(x - x[:, None])**2)*(x - x[:, None]), axis=1)",
        {"s": ""},
        {"W": "symmetric"},
    ),
    # normalisations in one formula
    row(
        "sum(A*((X - mean(X, axis=0))/sqrt(var(X, axis=0) + s)))",
        "X",
        "((s + var(X, axis=0))*(A - mean(A, axis=0)) + mean(A*(X - mean(X, axis=0)), axis=0)*(mean(X, axis=0) - X))/(s + var(X, axis=0))**(3/2)",
        {"X": "m n", "A": "m n", "s": ""},
    ),
    row(
        "a @ (x/sqrt(mean(x**2) + s))",
        "x",
        "a/sqrt(s + mean(x**2)) - mean(a*x)*x/(s + mean(x**2))**(3/2)",
        {"s": ""},
    ),
    row(
        "(x - a)/norm(x - a)",
        "x",
        "(eye(n) - outer((x - a)/norm(x - a), (x - a)/norm(x - a)))/norm(x - a)",
    ),
    row(
        "sum((X/norm(X, axis=1, keepdims=True) - Y)**2)",
        "X",
        "2*(X*sum(X*Y, axis=1)[:, None] - (norm(X, axis=1)**2)[:, None]*Y)/(norm(X, axis=1)**3)[:, None]",
        {"X": "m n", "Y": "m n"},
    ),
    row("norm(x/norm(x) - a)**2", "x", "2*((x @ a)*x/(x @ x) - a)/norm(x)"),
    row("prod(x**a)", "a", "prod(x**a)*log(x)"),
    # correlation
    row(
        "sum((x - mean(x))*(a - mean(a)))/sqrt(sum((x - mean(x))**2)*sum((a - mean(a))**2))",
        "x",
        "(a - mean(a) - (x - mean(x)) @ (a - mean(a))*(x - mean(x))/norm(x - mean(x))**2)/(norm(x - mean(x))*norm(a - mean(a)))",
    ),
    # what divides a sum is put under it
    row(
        "sum(log(1 + (X @ w - y)**2/s**2))",
        "w",
        "2*X.T @ ((X @ w - y)/(s**2 + (X @ w - y)**2))",
        {"X": "m n", "w": "n", "y": "m", "s": ""},
    ),
    # normalisations
    row(
        "(x - mean(x))/sqrt(var(x) + s)",
        "x",
        "(eye(n) - 1/n - outer(x - mean(x), x - mean(x))/(n*(var(x) + s)))/sqrt(var(x) + s)",
        {"s": ""},
    ),
    row(
        "logdet(eye(n) + X.T @ X/s)",
        "X",
        "2*X @ inv(X.T @ X + s*eye(n))",
        {"X": "m n", "s": ""},
    ),
    # moments: sums of columns as a product with ones, squared lengths of deviations
    row("var(X @ w)", "w", "2*X.T @ (X @ w - mean(X @ w))/m", {"X": "m n", "w": "n"}),
    row("log(var(x))", "x", "2*(x - mean(x))/(n*var(x))"),
    row(
        "mean((x - mean(x))**4)/var(x)**2",
        "x",
        "4*((x - mean(x))**3 - mean((x - mean(x))**3) - mean((x - mean(x))**4)/var(x)*(x - mean(x)))/(m*var(x)**2)",
        {"x": "m"},  # of three numbers it is the same for all
    ),
    row(
        "mean((x - mean(x))**3)/std(x)**3",
        "x",
        "3*((x - mean(x))**2 - var(x) - mean((x - mean(x))**3)/std(x)**2*(x - mean(x)))/(n*std(x)**3)",
    ),
)
