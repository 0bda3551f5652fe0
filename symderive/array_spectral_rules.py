"""The rules of eigenvalues, singular values and functions of a matrix, a row each.

Sources: M. B. Giles, An extended collection of matrix derivative results, 2008; J. Townsend,
Differentiating the singular value decomposition, 2016; N. J. Higham, Functions of Matrices, 2008,
chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sympy import Add, Eq, Expr, Min, Mul, Piecewise, Rational, S, true

from symderive.array_part_rules import Change, PartRule, apart
from symderive.formulas.arrays.index import ArrayOf, Index, Part, delta, part, sigma_as_is
from symderive.formulas.written import evaluated, minus, product, quotient, sum_of


def _eigenvalue(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂λ_i = Σ v_pi ∂U_pq v_qi of a symmetric matrix with distinct eigenvalues."""
    left, right = (part("eigenvectors", p.arrays, (k, p.indices[0])) for k in at)
    return sigma_as_is(product(left, change, right), at)


def _eigenvector(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂v_ri = Σ v_rk v_pk ∂U_pq v_qi / (λ_i − λ_k) over the other eigenvectors k.

    They are those of the symmetric part, so the change of U is made symmetric if it is not.
    """
    row, own = p.indices
    (other,) = apart([Index("k", p.arrays[0].indices[0].size)], p, change, *at)
    mine, theirs = (part("eigvalsh", p.arrays, (k,)) for k in (own, other))
    gap = quotient(S.One, sum_of(mine, minus(theirs)))
    weight = Piecewise((S.Zero, Eq(other, own)), (gap, true))
    places = ((row, other), (at[0], other), (at[1], own))
    vectors = (part("eigenvectors", p.arrays, place) for place in places)
    turned = change.xreplace(dict(zip(at, reversed(at), strict=True)))
    if turned != change:
        change = quotient(sum_of(change, turned), S(2))
    return sigma_as_is(product(weight, *vectors, change), [other, *at])


# Singular values ------------------------------------------------------------------------------


def _count(p: Part) -> Expr:
    """How many singular values there are."""
    return Min(*(index.size for index in p.arrays[0].indices))


def _left(p: Part, row: Expr, number: Expr) -> Expr:
    return part("left_vectors", p.arrays, (row, number))


def _right(p: Part, row: Expr, number: Expr) -> Expr:
    return part("right_vectors", p.arrays, (row, number))


def _value(p: Part, number: Expr) -> Expr:
    return part("svdvals", p.arrays, (number,))


def _singular_value(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂σ_k = Σ u_pk ∂U_pq v_qk of simple singular values."""
    number = p.indices[0] if p.indices else S.Zero
    return sigma_as_is(product(_left(p, at[0], number), change, _right(p, at[1], number)), at)


def _nuclear(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂Σσ = Σ (UVᵀ)_pq ∂U_pq."""
    return sigma_as_is(product(part("polar", p.arrays, at), change), at)


def _rest(p: Part, row: Expr, other: Expr, vectors: str) -> Iterator[Expr]:
    """The terms of (I − UUᵀ)_{row, other}, which are zero where U is square."""
    own, far = p.arrays[0].indices if vectors == "left_vectors" else p.arrays[0].indices[::-1]
    if (own.size - far.size).is_nonpositive:
        return
    (k,) = apart([Index("k", _count(p))], p, row, other)
    onto = (part(vectors, p.arrays, (place, k)) for place in (row, other))
    yield delta(row, other)
    yield minus(sigma_as_is(product(*onto), [k]))


def _singular_vector(mine: str, theirs: str) -> Change:
    """∂u_ri = Σ_{k≠i} u_rk (σ_i u_pk v_qi + σ_k u_pi v_qk)/(σ_i² − σ_k²) ∂U_pq, inside their span.

    What is outside of the span of the vectors comes besides.
    """

    def change(p: Part, at: Sequence[Index], moved: Expr) -> Expr:
        row, own = p.indices
        (other,) = apart([Index("k", _count(p))], p, moved, *at)
        one, two = at if mine == "left_vectors" else at[::-1]
        here, there = _value(p, own), _value(p, other)
        gap = quotient(S.One, sum_of(product(here, here), minus(product(there, there))))
        weight = Piecewise((S.Zero, Eq(other, own)), (gap, true))

        def near(place: Expr, number: Expr) -> Expr:
            return part(mine, p.arrays, (place, number))

        def far(place: Expr, number: Expr) -> Expr:
            return part(theirs, p.arrays, (place, number))

        both = sum_of(
            product(here, near(one, other), far(two, own)),
            product(there, near(one, own), far(two, other)),
        )
        inside = sigma_as_is(product(weight, near(row, other), both, moved), [other, *at])
        outside = [*_rest(p, row, one, mine)]
        if not outside:
            return inside
        beyond = quotient(sigma_as_is(product(sum_of(*outside), moved, far(two, own)), at), here)
        return sum_of(inside, beyond)

    return change


def _polar(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂P = Σ u_k v_lᵀ (u_kᵀ∂U v_l − v_kᵀ∂Uᵀu_l)/(σ_k + σ_l) + what is outside of U and V."""
    row, column = p.indices
    k, l = apart([Index("k", _count(p)), Index("l", _count(p))], p, change, *at)  # noqa: E741
    down, across = at
    turned = sum_of(
        product(_left(p, down, k), _right(p, across, l)),
        minus(product(_left(p, down, l), _right(p, across, k))),
    )
    total = sum_of(_value(p, k), _value(p, l))
    sides = product(_left(p, row, k), _right(p, column, l))
    terms = [sigma_as_is(quotient(product(sides, turned, change), total), [k, l, *at])]
    outside = [*_rest(p, row, down, "left_vectors")]
    if outside:
        inner = quotient(product(_right(p, across, k), _right(p, column, k)), _value(p, k))
        terms.append(sigma_as_is(product(sum_of(*outside), change, inner), [k, *at]))
    outside = [*_rest(p, across, column, "right_vectors")]
    if outside:
        inner = quotient(product(_left(p, row, k), _left(p, down, k)), _value(p, k))
        terms.append(sigma_as_is(product(inner, change, sum_of(*outside)), [k, *at]))
    return sum_of(*terms)


# Functions of a matrix ------------------------------------------------------------------------


def _frechet(p: Part, at: Sequence[Index], change: Expr) -> Expr:
    """∂f(U)_ij = Σ L_ij,pq ∂U_pq, L the Fréchet derivative."""
    slope = part(f"{p.op}_frechet", p.arrays, (*p.indices, *at))
    return sigma_as_is(product(slope, change), at)


def kept_matrices(p: Part) -> set[Expr]:
    """The matrices of which U is made by numbers, I aside: A of s·A + c·I."""
    (array,) = p.arrays
    at = set(array.indices)
    terms = Add.make_args(evaluated(array.formula))
    made = {Mul(*(f for f in Mul.make_args(term) if f.free_symbols & at)) for term in terms}
    return made - {delta(*array.indices)}


def _of(op: str, number: Expr = S.One) -> Callable[[Part, Sequence[Expr]], Expr]:
    return lambda p, at: product(number, part(op, p.arrays, at))


def _half_inverse(p: Part, at: Sequence[Expr]) -> Expr:
    """Half the inverse of the square root itself."""
    indices = p.arrays[0].args[1]
    root = ArrayOf(part("sqrtm", p.arrays, tuple(indices)), indices)
    return product(Rational(1, 2), part("inv", [root], at))


SLOPES: Mapping[str, Callable[[Part, Sequence[Expr]], Expr]] = {
    "expm": _of("expm"),
    "sinm": _of("cosm"),
    "cosm": _of("sinm", S.NegativeOne),
    "logm": _of("inv"),
    "sqrtm": _half_inverse,
}
"""Entries of f′(U), of each function of a matrix."""


def matrix_slope(p: Part, at: Sequence[Expr]) -> Expr:
    """An entry of f′(U), of a function f of a matrix U.

    It is the derivative of f in a trace, and where U commutes with its change.
    """
    return SLOPES[p.op](p, at)


def _matrix_function(op: str, title: str, convention: str = "") -> PartRule:
    return PartRule(op, title, f"{op}(U)", f"{op}_frechet(U, dU)", _frechet, convention)


SPECTRAL_ROWS: tuple[PartRule, ...] = (
    PartRule(
        "eigvalsh",
        "eigenvalue rule",
        "eigvalsh(U)",
        "diagonal(V.T @ dU @ V)",
        _eigenvalue,
        "distinct eigenvalues of a symmetric matrix; V holds its eigenvectors",
    ),
    PartRule(
        "eigenvectors",
        "eigenvector rule",
        "V",
        "V @ (gaps*(V.T @ dU @ V))",
        _eigenvector,
        "distinct eigenvalues of a symmetric matrix; gaps are 1/(λ_i − λ_k), 0 on the diagonal",
    ),
    PartRule(
        "svdvals",
        "singular value rule",
        "svdvals(U)",
        "diagonal(A.T @ dU @ B)",
        _singular_value,
        "distinct singular values; A and B hold the left and the right singular vectors",
    ),
    PartRule(
        "spectral_norm",
        "derivative of the spectral norm",
        "spectral_norm(U)",
        "a @ dU @ b",
        _singular_value,
        "the greatest singular value is simple; a and b are its singular vectors",
    ),
    PartRule(
        "nuclear_norm",
        "derivative of the nuclear norm",
        "nuclear_norm(U)",
        "trace(polar(U).T @ dU)",
        _nuclear,
        "no singular value is zero; polar(U) is A @ B.T of the singular vectors, "
        "U @ inv(sqrtm(U.T @ U)) of full column rank",
    ),
    PartRule(
        "polar",
        "derivative of the polar factor",
        "polar(U)",
        "A @ (sums*(A.T @ dU @ B - B.T @ dU.T @ A)) @ B.T",
        _polar,
        "no singular value is zero; A and B hold the singular vectors, sums are 1/(σ_i + σ_k); "
        "of a matrix that is not square, what is outside of their span besides",
    ),
    PartRule(
        "left_vectors",
        "left singular vector rule",
        "A",
        "A @ (gaps*(A.T @ dU @ B @ S + S @ B.T @ dU.T @ A))",
        _singular_vector("left_vectors", "right_vectors"),
        "distinct singular values, none zero; gaps are 1/(σ_k² − σ_i²), 0 on the diagonal; of a "
        "matrix with more rows than columns, what is outside of the span of A besides",
    ),
    PartRule(
        "right_vectors",
        "right singular vector rule",
        "B",
        "B @ (gaps*(S @ A.T @ dU @ B + B.T @ dU.T @ A @ S))",
        _singular_vector("right_vectors", "left_vectors"),
        "distinct singular values, none zero; gaps are 1/(σ_k² − σ_i²), 0 on the diagonal; of a "
        "matrix with more columns than rows, what is outside of the span of B besides",
    ),
    _matrix_function("expm", "Fréchet derivative of the exponential"),
    _matrix_function("logm", "Fréchet derivative of the logarithm", "no eigenvalue is 0 or less"),
    _matrix_function("sqrtm", "Fréchet derivative of the root", "no eigenvalue is 0 or less"),
    _matrix_function("sinm", "Fréchet derivative of the sine"),
    _matrix_function("cosm", "Fréchet derivative of the cosine"),
)
"""The rules, by what they differentiate."""
