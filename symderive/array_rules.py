"""The differentiation rules of arrays, a row each, in index notation.

Sums are linear, the entries of an array are independent of each other, and what an operation makes
of a whole array has a row that says how it changes with the array. With these, the rules for
scalars differentiate array formulas as they are.

Sources: K. B. Petersen and M. S. Pedersen, The Matrix Cookbook, 2012; M. B. Giles, An extended
collection of matrix derivative results for forward and reverse mode AD, 2008.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import And, Eq, Expr, Indexed, Mul, Piecewise, Rational, S, Symbol, true
from sympy import Sum as SympySum

from symderive.array_part_rules import Change, PartRule, apart
from symderive.array_spectral_rules import SLOPES, SPECTRAL_ROWS, kept_matrices, matrix_slope
from symderive.formulas.arrays.index import (
    ArrayOf,
    Index,
    Part,
    bound,
    delta,
    part,
    sigma_as_is,
    substitute,
)
from symderive.formulas.arrays.ops_making import half_below
from symderive.formulas.written import minus, product, quotient, sum_of
from symderive.rules import Bindings, Row, depends
from symderive.steps import Rule


def _inverse(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂(U⁻¹)_ij = −Σ (U⁻¹)_ip ∂U_pq (U⁻¹)_qj."""
    row, column = p.indices
    left, right = part("inv", p.arrays, (row, at[0])), part("inv", p.arrays, (at[1], column))
    return minus(sigma_as_is(product(left, change, right), at))


def _pseudoinverse(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂P = −P ∂U P + P Pᵀ ∂Uᵀ (I − U P) + (I − P U) ∂Uᵀ Pᵀ P (Golub and Pereyra, 1973).

    Of more rows than columns, the last part is zero, for P U = I; of fewer, the second.
    """
    operand, (row, column) = p.arrays[0], p.indices
    rows, columns = (index.size for index in operand.indices)
    r, s = apart([Index("r", rows), Index("s", columns)], p, change, *at)

    def inner(i: Expr, j: Expr) -> Expr:
        return part("pinv", p.arrays, (i, j))

    terms = [minus(sigma_as_is(product(inner(row, at[0]), change, inner(at[1], column)), at))]
    if not (rows - columns).is_negative:
        gram = sigma_as_is(product(inner(row, r), inner(at[1], r)), [r])
        onto = sigma_as_is(product(operand.at((at[0], s)), inner(s, column)), [s])
        rest = sum_of(delta(at[0], column), minus(onto))
        terms.append(sigma_as_is(product(gram, change, rest), at))
    if not (rows - columns).is_nonnegative:
        onto = sigma_as_is(product(inner(row, r), operand.at((r, at[1]))), [r])
        rest = sum_of(delta(row, at[1]), minus(onto))
        gram = sigma_as_is(product(inner(s, at[0]), inner(s, column)), [s])
        terms.append(sigma_as_is(product(rest, change, gram), at))
    return sum_of(*terms)


def _determinant(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂det U = det U Σ (U⁻¹)_qp ∂U_pq (Jacobi's formula)."""
    return product(p, _log_determinant(p, at, change))


def _log_determinant(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    return sigma_as_is(product(part("inv", p.arrays, (at[1], at[0])), change), at)


def _chosen(op: str) -> Change:
    """∂max U = Σ s_p ∂U_p with s = 1 at the greatest entry, shared evenly where several tie."""

    def change(p: Part, at: Sequence[Index], moved: Expr) -> Expr:
        return sigma_as_is(product(part(op, p.arrays, at), moved), at)

    return change


def _level(_: Part, __: Sequence[Index], ___: Expr) -> Expr:
    """Which entry is the greatest does not change between ties."""
    return S.Zero


def _product_of_others(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂Π_{q≠j} u_q = Σ_{p≠j} (Π_{q≠j,p} u_q) ∂u_p: entry j taken as one, and not moved."""
    operand = p.arrays[0]
    here = [Eq(k, j) for k, j in zip(operand.indices, p.indices, strict=True)]
    without = ArrayOf(Piecewise((S.One, And(*here)), (operand.formula, true)), operand.args[1])
    moved = And(*(Eq(k, j) for k, j in zip(at, p.indices, strict=True)))
    kept = Piecewise((S.Zero, moved), (S.One, true))
    return sigma_as_is(product(kept, part("prod_others", [without], at), change), at)


def _cholesky(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂L = L Φ(L⁻¹ ∂U L⁻ᵀ) of the symmetric part (Giles, 2008).

    Φ halves the diagonal and drops the upper triangle.
    """
    size = p.arrays[0].indices[0].size
    (k,) = apart([Index("k", size)], p, change, *at)
    row, column = p.indices
    lower = ArrayOf(part("cholesky", p.arrays, _bare(p)), p.arrays[0].args[1])
    half = half_below(k, column)
    sides = (  # of the symmetric part, whose entries move together
        product(part("inv", [lower], (k, first)), part("inv", [lower], (column, second)))
        for first, second in (at, at[::-1])
    )
    factor = part("cholesky", p.arrays, (row, k))
    parts = (Rational(1, 2), factor, half, sum_of(*sides), change)
    return sigma_as_is(product(*parts), [k, *at])


def _bare(p: Part) -> tuple[Index, ...]:
    return p.arrays[0].indices


def _log_sum(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂ log Σ exp U = Σ softmax(U)_p ∂U_p."""
    return sigma_as_is(product(part("softmax", p.arrays, at), change), at)


def _softmax(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂s_j = Σ s_j (δ_jp − s_p) ∂U_p."""
    same = product(*(delta(left, right) for left, right in zip(p.indices, at, strict=True)))
    inner = sum_of(same, minus(part("softmax", p.arrays, at)))
    return sigma_as_is(product(p, inner, change), at)


def _norm(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂‖U‖ = Σ U_p ∂U_p / ‖U‖."""
    return quotient(sigma_as_is(product(p.arrays[0].at(at), change), at), p)


def _standard_deviation(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂s = Σ (U_p − mean U) ∂U_p/(N s)."""
    array = p.arrays[0]
    count = product(*(index.size for index in at))
    own = apart(array.indices, p, change, *at)
    mean = quotient(sigma_as_is(array.at(own), own), count)
    total = sigma_as_is(product(sum_of(array.at(at), minus(mean)), change), at)
    return quotient(total, product(count, p))


def _normalised(scale: str, centred: bool) -> Change:
    """∂z_j = Σ (δ_jp − 1/N − z_j z_p/N)/s ∂U_p; not centred, without the 1/N."""

    def change(p: Part, at: Sequence[Index], moved: Expr) -> Expr:
        count = product(*(index.size for index in at))
        same = product(*(delta(left, right) for left, right in zip(p.indices, at, strict=True)))
        mean = [minus(quotient(S.One, count))] if centred else []
        inner = sum_of(same, *mean, minus(quotient(product(p, part(p.op, p.arrays, at)), count)))
        return quotient(sigma_as_is(product(inner, moved), at), part(scale, p.arrays))

    return change


def _scale(normalised: str) -> Change:
    """∂s = Σ z_p/N ∂U_p, z the normalised array."""

    def change(p: Part, at: Sequence[Index], moved: Expr) -> Expr:
        count = product(*(index.size for index in at))
        return quotient(sigma_as_is(product(part(normalised, p.arrays, at), moved), at), count)

    return change


PART_ROWS: tuple[PartRule, ...] = (
    *SPECTRAL_ROWS,
    PartRule("inv", "inverse rule", "inv(U)", "-inv(U) @ dU @ inv(U)", _inverse),
    PartRule(
        "pinv",
        "pseudoinverse rule",
        "pinv(U)",
        "-P @ dU @ P + P @ P.T @ dU.T @ (eye(m) - U @ P) + (eye(n) - P @ U) @ dU.T @ P.T @ P",
        _pseudoinverse,
        "a matrix of full rank; P is its pseudoinverse",
    ),
    PartRule("det", "determinant rule", "det(U)", "det(U)*tr(inv(U) @ dU)", _determinant),
    PartRule("logdet", "log-determinant rule", "logdet(U)", "tr(inv(U) @ dU)", _log_determinant),
    PartRule(
        "max",
        "greatest entry",
        "max(U)",
        "sum(is_max(U)*dU)",
        _chosen("is_max"),
        "entries that share the greatest value share the derivative evenly",
    ),
    PartRule(
        "min",
        "least entry",
        "min(U)",
        "sum(is_min(U)*dU)",
        _chosen("is_min"),
        "entries that share the least value share the derivative evenly",
    ),
    PartRule(
        "prod", "product of entries", "prod(U)", "sum(prod_others(U)*dU)", _chosen("prod_others")
    ),
    PartRule("is_max", "place of the greatest entry", "is_max(U)", "0", _level, "between ties"),
    PartRule("is_min", "place of the least entry", "is_min(U)", "0", _level, "between ties"),
    PartRule(
        "prod_others",
        "product of the other entries",
        "prod_others(U)[j]",
        "sum(prod_others(U without j)*dU)",
        _product_of_others,
    ),
    PartRule(
        "cholesky",
        "Cholesky rule",
        "cholesky(U)",
        "L @ half_tril(inv(L) @ dU @ inv(L).T)",
        _cholesky,
        "positive definite; L is the factor",
    ),
    PartRule("logsumexp", "log-sum-exp", "logsumexp(U)", "sum(softmax(U)*dU)", _log_sum),
    PartRule(
        "softmax", "softmax rule", "softmax(U)", "softmax(U)*(dU - sum(softmax(U)*dU))", _softmax
    ),
    PartRule(
        "layer_norm",
        "normalisation rule",
        "(U - mean(U))/s",
        "(dU - mean(dU) - Z*mean(Z*dU))/s",
        _normalised("deviation", True),
        "Z is the result, s the root of the variance and a small constant",
    ),
    PartRule(
        "rms_norm",
        "root-mean-square rule",
        "U/s",
        "(dU - Z*mean(Z*dU))/s",
        _normalised("rms", False),
        "Z is the result, s the root of the mean square and a small constant",
    ),
    PartRule(
        "deviation",
        "deviation rule",
        "s",
        "mean(Z*dU)",
        _scale("layer_norm"),
        "s is the root of the variance and a small constant, Z is (U - mean(U))/s",
    ),
    PartRule(
        "rms",
        "root-mean-square of the scale",
        "s",
        "mean(Z*dU)",
        _scale("rms_norm"),
        "s is the root of the mean square and a small constant, Z is U/s",
    ),
    PartRule(
        "std",
        "derivative of the standard deviation",
        "s",
        "mean((U - mean(U))*dU)/s",
        _standard_deviation,
        "s = std(U) is not zero",
    ),
    PartRule(
        "norm", "derivative of the norm", "norm(U)", "sum(U*dU)/norm(U)", _norm, "U is not zero"
    ),
)

PART_RULES: Mapping[str, PartRule] = {row.op: row for row in PART_ROWS}
"""The rules for operations on whole arrays, by operation."""


def _component(formula: Expr, variable: Symbol) -> Bindings | None:
    """∂X_ij/∂X_ab = δ_ia δ_jb, bound as a constant."""
    if not (isinstance(formula, Indexed) and isinstance(variable, Indexed)):
        return None
    if formula.base != variable.base:
        return None
    pairs = zip(formula.indices, variable.indices, strict=True)
    return (("c", Mul(*(delta(left, right) for left, right in pairs))),)


def _sum(formula: Expr, variable: Symbol) -> Bindings | None:
    if not isinstance(formula, SympySum) or not depends(formula, variable):
        return None
    return (("u", formula.function),)


def _under_the_sum(formula: Expr, _: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    return sigma_as_is(derivatives[0], bound(formula)) if derivatives[0] != 0 else S.Zero


def _trace(formula: Expr, variable: Symbol) -> Bindings | None:
    """Σ_k f(U)_kk; alone, an entry of f(U) has no formula for its derivative."""
    if not isinstance(formula, SympySum) or not depends(formula, variable):
        return None
    inside, indices = formula.function, bound(formula)
    found = isinstance(inside, Part) and inside.op in SLOPES and len(indices) == 1
    if not found or inside.indices != (indices[0], indices[0]):
        return None
    return (("u", inside.arrays[0].formula),)


def _of_trace(formula: Expr, _: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    """∂ tr f(U) = Σ f′(U)_qp ∂U_pq."""
    if derivatives[0] == 0:
        return S.Zero
    inside = formula.function
    own = inside.arrays[0].indices
    at = apart(own, formula, derivatives[0])
    outer = matrix_slope(inside, (at[1], at[0]))
    moved = substitute(derivatives[0], dict(zip(own, at, strict=True)))
    return sigma_as_is(product(outer, moved), at)


def _multiple(formula: Expr, variable: Symbol) -> Bindings | None:
    """f(s·A + c·I), the matrix A not changing: U commutes with its change."""
    if not isinstance(formula, Part) or formula.op not in SLOPES or not depends(formula, variable):
        return None
    kept = kept_matrices(formula)
    if len(kept) > 1 or any(depends(matrix, variable) for matrix in kept):
        return None
    return (("u", formula.arrays[0].formula),)


def _of_multiple(formula: Expr, _: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    """∂f(U)_ij = Σ_k ∂U_ik f′(U)_kj."""
    if derivatives[0] == 0:
        return S.Zero
    (row, column), own = formula.indices, formula.arrays[0].indices
    (k,) = apart(own[1:], formula, derivatives[0])
    moved = substitute(derivatives[0], {own[0]: row, own[1]: k})
    return sigma_as_is(product(moved, matrix_slope(formula, (k, column))), [k])


def _part_row(row: PartRule) -> Row:
    def match(formula: Expr, variable: Symbol) -> Bindings | None:
        if not isinstance(formula, Part) or formula.op != row.op or not depends(formula, variable):
            return None
        if any(depends(number, variable) for number in formula.arrays[1:]):
            return None  # the small number of a normalisation is a constant
        return (("u", formula.arrays[0].formula),)

    def conclude(formula: Expr, _: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
        if derivatives[0] == 0:
            return S.Zero
        own = formula.arrays[0].indices
        at = apart(own, formula, derivatives[0])
        moved = substitute(derivatives[0], dict(zip(own, at, strict=True)))
        return row.change(formula, at, moved)

    rule = Rule(
        row.name, Symbol(row.left), Symbol(row.right), row.convention, (row.left, row.right)
    )
    return Row(rule, match, row.left, conclude)


ARRAY_ROWS: tuple[Row, ...] = (
    Row(
        Rule(
            "independent entries",
            Symbol("X_ij"),
            Symbol("δ_ia δ_jb"),
            "the entries of an array are independent variables",
        ),
        _component,
        "X[i,j]",
        lambda _, bindings, __: bindings[0][1],
    ),
    Row(
        Rule(
            "trace of a function of a matrix",
            Symbol("tr f(U)"),
            Symbol("tr(f'(U) U')"),
            matrix=("trace(f(U))", "trace(df(U) @ dU)"),
        ),
        _trace,
        "trace(expm(X))",
        _of_trace,
    ),
    Row(
        Rule(
            "function of a multiple of a matrix",
            Symbol("f(U)"),
            Symbol("U' f'(U)"),
            "U is a multiple of one matrix that stays as it is, and of the identity",
            matrix=("f(U)", "dU @ df(U)"),
        ),
        _multiple,
        "expm(2*X)",
        _of_multiple,
    ),
    Row(
        Rule("derivative under the sum", Symbol("Σ u"), Symbol("Σ u'"), "sums are linear"),
        _sum,
        "sum(x)",
        _under_the_sum,
    ),
    *(_part_row(row) for row in PART_ROWS),
)
"""The rows for arrays, tried before those for scalars."""
