"""Functions of whole arrays that NumPy lacks, or that overflow there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any


def norm(x: Array, axis: Sequence[int] | int | None = None) -> Array:
    """The square root of the sum of squares; scaled only where the squares over- or underflow.

    >>> round(float(norm(np.array([3e200, 4e200]))) / 1e200, 12)
    5.0
    """
    with np.errstate(over="ignore", under="ignore"):
        squares = np.add.reduce(x * x, axis=axis)
    result = np.sqrt(squares)
    limits = np.finfo(result.dtype)
    if not np.size(x) or np.all((squares > limits.tiny / limits.eps) & (squares < np.inf)):
        return result
    top = np.maximum.reduce(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    exponent = np.frexp(top)[1]  # scaling by powers of two rounds nothing
    with np.errstate(under="ignore"):
        scaled = np.add.reduce(np.ldexp(x, -exponent) ** 2, axis=axis, keepdims=True)
    return np.reshape(np.ldexp(np.sqrt(scaled), exponent), np.shape(result))[()]


def symmetric_part(x: Array) -> Array:
    """(X + Xᵀ)/2: exactly X where X is symmetric.

    >>> symmetric_part(np.array([[1.0, 4.0], [2.0, 1.0]])).tolist()
    [[1.0, 3.0], [3.0, 1.0]]
    """
    return (x + np.swapaxes(x, -1, -2)) / 2.0


def prod_others(x: Array, axes: Sequence[int]) -> Array:
    """For each entry the product of all others along the axes; without division, so zeros may be.

    >>> prod_others(np.array([2.0, 0.0, 5.0]), (0,)).tolist()
    [0.0, 10.0, 0.0]
    """
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = np.moveaxis(x, axes, last)
    kept = moved.shape[: x.ndim - len(axes)]
    flat = moved.reshape((*kept, math.prod(moved.shape[len(kept) :])))
    one = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([one, flat[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, flat[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    result = (before * after)[..., : flat.shape[-1]].reshape(moved.shape)
    return np.moveaxis(result, last, axes)


_PADE = [1.0]
for _k in range(13):
    _PADE.append(_PADE[-1] * (13 - _k) / ((26 - _k) * (_k + 1)))


def expm(a: Array) -> Array:
    """The exponential of a matrix: scaled, a Padé approximant of degree 13, squared (Higham, 2005).

    >>> expm(np.zeros((2, 2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    size = float(np.max(np.add.reduce(np.abs(a), axis=-2), initial=0.0))
    times = max(0, int(np.ceil(np.log2(size / 5.37)))) if size > 5.37 else 0
    x = a / 2.0**times
    even, odd, power = eye * 0.0, eye * 0.0, eye
    square = x @ x
    for k in range(0, 14, 2):
        even = even + _PADE[k] * power
        odd = odd + _PADE[k + 1] * power
        power = power @ square
    odd = x @ odd
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(times):
        result = result @ result
    return result


def sqrtm(a: Array) -> Array:
    """The principal square root of a matrix, by the product form of Denman and Beavers."""
    eye = np.eye(a.shape[-1])
    root, rest = a, a
    for _ in range(60):
        size = abs(float(np.linalg.det(rest))) ** (-1 / (2 * max(a.shape[-1], 1)))
        size = size if np.isfinite(size) and size > 0 else 1.0
        if float(np.max(np.abs(rest - eye), initial=0.0)) < 1e-2:
            size = 1.0
        inverse = np.linalg.inv(rest)
        root = 0.5 * size * root @ (eye + inverse / size**2)
        rest = 0.5 * (eye + 0.5 * (size**2 * rest + inverse / size**2))
        if float(np.max(np.abs(rest - eye), initial=0.0)) < 1e-15 * max(a.shape[-1], 1):
            break
    return root


def logm(a: Array) -> Array:
    """The principal logarithm of a matrix: square roots until it is near 1, then a series."""
    eye = np.eye(a.shape[-1])
    times = 0
    while float(np.max(np.add.reduce(np.abs(a - eye), axis=-2), initial=0.0)) > 0.25 and times < 60:
        a, times = sqrtm(a), times + 1
    ratio = np.linalg.solve(a + eye, a - eye)
    square, power, total = ratio @ ratio, ratio, ratio
    for k in range(3, 26, 2):
        power = power @ square
        total = total + power / k
    return 2.0 ** (times + 1) * total


def sinm(a: Array) -> Array:
    """The sine of a matrix."""
    return np.imag(expm(1j * a))


def cosm(a: Array) -> Array:
    """The cosine of a matrix."""
    return np.real(expm(1j * a))


_WORTH = 512  # logarithms that cost more than three operations on half as many numbers


def sum_log1p(values: Array, scratch: Array, plus_one: Array = None) -> float:
    """Σ log1p(v) over an array of numbers in [0, 1], as the logarithm of products.

    (1 + a)(1 + b) − 1 = a + b(1 + a) adds positive numbers only, so that nothing cancels.

    Args:
        values: The numbers.
        scratch: An array of the same size and type to work in.
        plus_one: 1 + v, where it is known.

    >>> round(sum_log1p(np.full(1024, 1e-20), np.empty(1024)) / 1024e-20, 14)
    1.0
    """
    left, total, middle = values, 0.0, len(values) // 2
    for _ in range(2):  # what a third time saves in logarithms it costs in calls
        half = len(left) // 2
        if half < _WORTH:
            break
        if len(left) % 2:
            total += float(np.log1p(left[-1]))
        first, second, spare = left[:half], left[half : 2 * half], scratch[middle : middle + half]
        known = np.add(first, 1.0, out=spare) if plus_one is None else plus_one[:half]
        np.multiply(known, second, out=spare)
        left, plus_one = np.add(first, spare, out=scratch[:half]), None
    return total + float(np.add.reduce(np.log1p(left, out=scratch[: len(left)])))
