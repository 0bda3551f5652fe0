"""Sums in which an index slides along another: correlations, convolutions and blocks.

Σ_j u_{i+j} v_j is ``correlate(u, v)``, Σ_jk δ(i, j+k) u_j v_k is ``convolve(u, v)``, and
Σ_jk δ(i, r·j+k) u_j v_k is ``kron(u, v)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

from sympy import Expr, Integer, KroneckerDelta, Mul, S

from symderive.formulas.arrays.contraction import (
    Labelled,
    NoMatrixError,
    Order,
    multiplied_entries,
    spread_to,
)
from symderive.formulas.arrays.index import Index, free_indices, fresh, sigma_as_is, substitute
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.placing import place_at
from symderive.formulas.arrays.syntax import Tree

Build = Callable[[Expr], Labelled]
"""An index formula as a tree whose axes are labelled."""


def slid(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """A sum over indices of which one slides; None where none does."""
    for find in (_along, _toeplitz, _tied, _shared, _nested, _kronecker):
        found = find(build, body, indices)
        if found is not None:
            return found
    return None


# Σ_j u_{i±j} v_j ------------------------------------------------------------------------------


def _along(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """One index summed; what it shares with a free index depends on their sum or difference."""
    factors = Mul.make_args(body)
    if len(indices) != 1 or any(isinstance(f, KroneckerDelta) for f in factors):
        return None
    (j,) = indices
    moving = [f for f in factors if j in f.free_symbols and free_indices(f) - {j}]
    free = {index for f in moving for index in free_indices(f)} - {j}
    if not moving or len(free) != 1:
        return None
    (i,) = free
    own = [f for f in factors if j in f.free_symbols and f not in moving]
    outside = [f for f in factors if j not in f.free_symbols]
    t = fresh((i.size + j.size - 1).expand())
    whole = Mul(*moving)
    for value, join in (
        (t - i, _correlated),
        (t + i - i.size + 1, _correlated_backwards),
        (i - t + j.size - 1, _convolved),
    ):
        signal = substitute(whole, {j: value})
        if not signal.free_symbols & {i, j}:
            left, right = build(signal), _vector(build, own, j)
            if left.axes != (t,):
                return None
            made = Labelled(join(left.tree, right, i), (i,))
            return multiplied_entries([*(build(f) for f in outside), made])
    return None


def _toeplitz(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """Σ_l δ(i, j + l) v_l, a row and a column being free: the matrix of a convolution."""
    factors = Mul.make_args(body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    if len(indices) != 1 or len(deltas) != 1:
        return None
    (k,) = indices
    difference = (deltas[0].args[0] - deltas[0].args[1]).expand()
    free = sorted(free_indices(difference) - {k}, key=str)
    inside = [f for f in factors if k in f.free_symbols and f is not deltas[0]]
    outside = [f for f in factors if k not in f.free_symbols]
    if len(free) != 2 or any(free_indices(f) - {k} for f in inside):
        return None
    sign = difference.coeff(k)
    signs = {index: difference.coeff(index) / -sign for index in free} if sign else {}
    start = (difference - sum(difference.coeff(x) * x for x in (k, *free))) / -(sign or 1)
    if sorted(signs.values(), key=str) != [-1, 1] or free_indices(start):
        return None  # k = row − column + start
    (row,) = (index for index, own in signs.items() if own == 1)
    (column,) = (index for index, own in signs.items() if own == -1)
    vector = _vector(build, inside, k)
    made = _rows_of_toeplitz(vector, row.size, column.size, start.expand())
    return multiplied_entries([*(build(f) for f in outside), Labelled(made, (row, column))])


def _rows_of_toeplitz(vector: Tree, rows: Expr, columns: Expr, start: Expr) -> Tree:
    """Some rows of the matrix of a convolution, from row ``start`` on."""
    size = vector.shape[0]
    if start == (size - 1).expand() and (columns - size + 1 - rows).expand() == 0:
        return apply("convolution_matrix", vector, n=columns, mode="valid")
    whole = apply("convolution_matrix", vector, n=columns, mode="full")
    if start == 0 and (whole.shape[0] - rows).expand() == 0:
        return whole
    key = (("slice", start, rows, S.One), ("slice", S.Zero, columns, S.One))
    if start.is_Integer and start >= 0:
        return apply("index", whole, key=key)
    raise NoMatrixError


def _correlated(signal: Tree, kernel: Tree, _: Index) -> Tree:
    return apply("correlate", signal, kernel, mode="valid")


def _correlated_backwards(signal: Tree, kernel: Tree, i: Index) -> Tree:
    key = (("slice", i.size - 1, i.size, Integer(-1)),)
    return apply("index", _correlated(signal, kernel, i), key=key)


def _convolved(signal: Tree, kernel: Tree, _: Index) -> Tree:
    return apply("convolve", signal, kernel, mode="valid")


def _vector(build: Build, factors: Sequence[Expr], index: Index) -> Tree:
    """The product of some factors as a vector along an index."""
    return spread_to(build(Mul(*factors)), (index,))


# Σ_jk δ(i, j±k) u_j v_k -----------------------------------------------------------------------


def _tied(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """Two indices summed, and a delta that ties them to a free one."""
    if len(indices) != 2:
        return None
    factors = Mul.make_args(body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    if len(deltas) != 1:
        return None
    (i, place) = _solved(deltas[0], indices) or (None, S.Zero)
    if i is None:
        return None
    rest = [f for f in factors if f is not deltas[0]]
    outside = [f for f in rest if not free_indices(f) & set(indices)]
    inside = [f for f in rest if f not in outside]
    for first, second in (indices, indices[::-1]):
        made = _block(build, inside, first, second, place, i)
        if made is None and all(place.coeff(k) in (1, -1) for k in indices):
            made = _sliding(build, inside, first, second, place, i)
        if made is not None:
            return multiplied_entries([*(build(f) for f in outside), Labelled(made, (i,))])
    return None


def _solved(found: KroneckerDelta, summed: Sequence[Index]) -> tuple[Index, Expr] | None:
    """The free index of a delta and what it is equal to, of the two summed ones."""
    difference = (found.args[0] - found.args[1]).expand()
    free = free_indices(difference) - set(summed)
    if len(free) != 1 or not free_indices(difference).issuperset(summed):
        return None
    (i,) = free
    coefficient = difference.coeff(i)
    if coefficient not in (1, -1):
        return None
    return i, (i - difference / coefficient).expand()


def _apart(factors: Sequence[Expr], j: Index, k: Index) -> tuple[list[Expr], list[Expr]] | None:
    """The factors of one index and of the other, where none has both."""
    if any({j, k} <= f.free_symbols for f in factors):
        return None
    return [f for f in factors if j in f.free_symbols], [f for f in factors if k in f.free_symbols]


def _block(
    build: Build, factors: Sequence[Expr], j: Index, k: Index, place: Expr, i: Index
) -> Tree | None:
    """δ(i, r·j + k): row after row of a matrix."""
    if place != (k.size * j + k).expand() or (j.size * k.size - i.size).expand() != 0:
        return None
    apart = _apart(factors, j, k)
    if apart is not None:
        return apply("kron", _vector(build, apart[0], j), _vector(build, apart[1], k))
    matrix = spread_to(build(Mul(*factors)), (j, k))
    return apply("reshape", matrix, shape=(i.size,))


def _sliding(
    build: Build, factors: Sequence[Expr], j: Index, k: Index, place: Expr, i: Index
) -> Tree | None:
    """δ(i, j + k + c) and δ(i, k − j + c): a full convolution or correlation, c places on."""
    apart = _apart(factors, j, k)
    if apart is None or place.coeff(k) != 1:
        return None
    backwards = place.coeff(j) == -1
    shift = (place - k - place.coeff(j) * j).expand()
    first, second = _vector(build, apart[0], j), _vector(build, apart[1], k)
    if backwards:
        shift = (shift - j.size + 1).expand()
        made: Tree = apply("correlate", second, first, mode="full")
    else:
        made = apply("convolve", first, second, mode="full")
    return _shifted(made, shift, i.size)


def _shifted(vector: Tree, shift: Expr, size: Expr) -> Tree | None:
    """Entries c … of a vector put at 0 …: padded where there are more places, cut where fewer."""
    length = vector.shape[0]
    if shift == 0 and length == size:
        return vector
    after = (size - shift - length).expand()
    if not (shift.is_number and after.is_number):
        return None
    if shift >= 0 and after >= 0:
        return place_at(vector, [("slice", shift, length, S.One)], (size,))
    if shift <= 0 and after <= 0:
        return apply("index", vector, key=(("slice", -shift, size, S.One),))
    return None


# Σ_jk f(j + k) u_j v_k ------------------------------------------------------------------------


def _shared(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """What depends on the sum j + k is summed over t = j + k, and there the rest is convolved."""
    factors = Mul.make_args(body)
    if len(indices) != 2 or any(isinstance(f, KroneckerDelta) for f in factors):
        return None
    j, k = indices
    both = [f for f in factors if {j, k} <= f.free_symbols]
    t = fresh((j.size + k.size - 1).expand())
    if not both:
        return None
    joint = substitute(Mul(*both), {k: t - j})
    if joint.free_symbols & {j, k}:
        return None
    rest = Mul(*(f for f in factors if f not in both))
    inner = sigma_as_is(rest * KroneckerDelta(t, j + k), [j, k])
    return build(sigma_as_is(joint * inner, [t]))


# Σ_jkl δ(i + l, j + k) u_j v_k w_l ------------------------------------------------------------


def _nested(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """A convolution of two at a place that slides along a third."""
    factors = Mul.make_args(body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    if len(indices) != 3 or len(deltas) != 1:
        return None
    rest = [f for f in factors if f is not deltas[0]]
    for own in indices:
        pair = tuple(index for index in indices if index != own)
        inside = [f for f in rest if f.free_symbols & set(pair)]
        if any(own in f.free_symbols for f in inside):
            continue
        inner = sigma_as_is(Mul(*inside, *deltas), pair)
        try:
            found = _along(build, Mul(inner, *(f for f in rest if f not in inside)), (own,))
        except NoMatrixError:
            continue
        if found is not None:
            return found
    return None


def _kronecker(build: Build, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
    """Σ δ(i, r·p + q) δ(j, s·t + u) A_pt B_qu is kron(A, B)."""
    factors = Mul.make_args(body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    blocks = [_block_of(f, indices) for f in deltas]
    known = [block for block in blocks if block is not None]
    if len(indices) != 4 or len(deltas) != 2 or len(known) != 2:
        return None
    (i, p, q), (j, t, u) = known
    rest = [f for f in factors if f not in deltas]
    left = [f for f in rest if f.free_symbols & {p, t}]
    right = [f for f in rest if f.free_symbols & {q, u}]
    if len({p, q, t, u}) < 4 or set(left) & set(right):
        return None
    ends = [spread_to(build(Mul(*part)), axes) for part, axes in ((left, (p, t)), (right, (q, u)))]
    outside = [f for f in rest if f not in left and f not in right]
    made = Labelled(apply("kron", *ends), (i, j))
    return multiplied_entries([*(build(f) for f in outside), made])


def _block_of(
    formula: KroneckerDelta, indices: tuple[Index, ...]
) -> tuple[Index, Index, Index] | None:
    """The free index of δ(i, r·p + q), its block p and its place q in the block."""
    for target, source in (formula.args[:2], formula.args[1::-1]):
        inside = free_indices(source)
        if not isinstance(target, Index) or target in indices or len(inside) != 2:
            continue
        for p, q in permutations(sorted(inside, key=str)):
            affine = (source - p * q.size - q).expand() == 0
            if affine and inside <= set(indices) and (target.size - p.size * q.size).expand() == 0:
                return target, p, q
    return None


def windows(vector: Tree, place: Expr, order: Order) -> Labelled | None:
    """The entries v_{i+j} as a matrix: the windows of a vector; None at any other place."""
    free = sorted(free_indices(place), key=str)
    start = (place - sum(free)).expand()
    if len(free) != 2 or free_indices(start) or not (start.is_Integer and start >= 0):
        return None
    row, column = sorted(free, key=lambda index: order.get(index, len(order)))
    needed = (row.size + column.size - 1).expand()
    if start != 0 or needed != vector.shape[0]:
        vector = apply("index", vector, key=(("slice", start, needed, S.One),))
    return Labelled(apply("sliding_window_view", vector, k=column.size), (row, column))
