"""Complex numbers of a traced program: a pair of real formulas, the real and the imaginary part.

Formulas are real, so that a program may use complex numbers on its way to a real value, such as
``np.abs(z)**2``. What is linear in its arguments is applied to the parts; the rest is a row of
``RULES``. Fourier transforms are products with cosines and sines.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product as cartesian
from typing import Any

import numpy as np

from symderive.readers.python.arithmetic import filled, filled_with
from symderive.readers.python.joining import keep, traced
from symderive.readers.python.recording import (
    LONGEST_ARGUMENT,
    Recording,
    is_fixed,
    refused,
    weight,
)
from symderive.readers.python.tracer import Tracer, call

Make = Callable[..., Any]


class Complex:
    """A complex number or array.

    Attributes:
        re: The real part.
        im: The imaginary part, of the same shape.
    """

    __slots__ = ("_rec", "im", "re")
    __array_priority__ = 1001.0
    is_traced = True

    def __init__(self, rec: Recording, re: Tracer, im: Tracer) -> None:
        self._rec, self.re, self.im = rec, re, im

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What isinstance sees."""
        return np.ndarray if self.re.ndim else np.complex128

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes of its axes."""
        return self.re.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.re.ndim

    @property
    def size(self) -> Any:
        """The number of entries."""
        return self.re.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Complex."""
        return np.dtype(complex)

    @property
    def real(self) -> Tracer:
        """The real part."""
        return self.re

    @property
    def imag(self) -> Tracer:
        """The imaginary part."""
        return self.im

    @property
    def T(self) -> Complex:  # noqa: N802
        """Axes reversed."""
        return Complex(self._rec, self.re.T, self.im.T)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in {*LINEAR, *RULES, "flatten", "conj"}:
            raise refused(f"the attribute .{name} of a complex number has no formula here")
        known = {"flatten": "ravel", "conj": "conjugate"}.get(name, name)
        return lambda *args, **more: applied(self._rec, known, (self, *args), more)

    def __getitem__(self, key: Any) -> Complex:
        return Complex(self._rec, self.re[key], self.im[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.re[key], self.im[key] = split(self._rec, value)

    def __len__(self) -> int:
        return len(self.re)

    def __iter__(self) -> Iterator[Complex]:
        return (Complex(self._rec, *parts) for parts in zip(self.re, self.im, strict=True))

    def __bool__(self) -> bool:
        parts: list[Any] = [self.re, self.im]
        return any(bool(part != 0) for part in parts)

    def __hash__(self) -> int:
        return id(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        out = more.pop("out", None)
        found = applied(self._rec, {"add.reduce": "sum"}.get(name, name), inputs, more)
        if out is not None and type(out[0]) is Complex:
            out[0].re, out[0].im = split(self._rec, found)
        return found

    def __array_function__(self, function: Any, _: Any, args: Any, more: Any) -> Any:
        return self.re.__array_function__(function, _, args, more)


def holds_complex(values: Any, level: int = 0) -> bool:
    """Whether arguments hold a complex number."""
    return any(
        type(value) is Complex
        or isinstance(value, complex | np.complexfloating)
        or (type(value) is np.ndarray and _is_complex(value))
        or (level < 3 and isinstance(value, list | tuple) and holds_complex(value, level + 1))
        for value in values
    )


def _is_complex(array: Any) -> bool:
    return array.dtype.kind == "c" or (array.dtype == object and holds_complex(array.flat))


def split(rec: Recording, value: Any) -> tuple[Tracer, Tracer]:
    """The real and the imaginary part of any value."""
    if type(value) is Complex:
        return value.re, value.im
    if type(value) is not Tracer and isinstance(value, list | tuple):
        parts = [split(rec, part) for part in value]
        return traced(rec, [re for re, _ in parts]), traced(rec, [im for _, im in parts])
    if type(value) is np.ndarray and value.dtype == object:
        return split(rec, value.tolist())
    if type(value) is not Tracer and np.iscomplexobj(value):
        plain = np.asarray(value)
        return traced(rec, plain.real.copy()[()]), traced(rec, plain.imag.copy()[()])
    re = traced(rec, value)
    return re, Tracer(rec, filled(0, re._tree.shape))


def split_twice(rec: Recording, *values: Any) -> list[tuple[Tracer, Tracer]]:
    """The parts of what uses each part twice, as a product does: long ones are stages."""
    pairs = [split(rec, value) for value in values]
    if all(filled_with(im._tree, 0) for _, im in pairs[1:] or pairs):
        return pairs
    for part in (part for pair in pairs for part in pair):
        if weight(part._tree) > LONGEST_ARGUMENT and not is_fixed(part._tree):
            keep(rec, part)
    return pairs


def paired(rec: Recording, re: Any, im: Any = 0) -> Complex:
    """A complex number of its parts, which are spread to one shape."""
    parts = [traced(rec, re), traced(rec, im)]
    shape = (parts[0] + parts[1]).shape if parts[0].shape != parts[1].shape else parts[0].shape
    parts = [p if p.shape == shape else call(rec, "broadcast_to", p, shape) for p in parts]
    return Complex(rec, *parts)


def applied(rec: Recording, name: str, args: Sequence[Any], more: Mapping[str, Any]) -> Any:
    """A function of arguments that hold complex numbers, by NumPy's name."""
    from symderive.readers.python.functions import numpy_function

    plain = {key: value for key, value in more.items() if key not in ("dtype", "out")}
    if name in RULES:
        return RULES[name](rec, *args, **plain)
    if name in LINEAR:
        values, rest = args[: LINEAR[name]], args[LINEAR[name] :]
        parts = [split(rec, _listed(value)) for value in values]
        found = [numpy_function(rec, name, (*p, *rest), plain) for p in zip(*parts, strict=True)]
        if isinstance(found[0], list | tuple):
            return [Complex(rec, *each) for each in zip(*found, strict=True)]
        return Complex(rec, *found)
    if name in PRODUCTS:
        return _product(rec, PRODUCTS[name], args, plain)
    raise refused(
        f"{name} of a complex number has no formula here; write it with the real and the imaginary "
        "part, z.real and z.imag"
    )


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _entrywise(name: str) -> Make:
    def made(rec: Recording, *args: Any) -> Any:
        from symderive.readers.python.functions import entrywise

        return entrywise(rec, name, args)

    return made


_sin, _cos, _sinh, _cosh = map(_entrywise, ("sin", "cos", "sinh", "cosh"))
_exp, _log, _atan2 = map(_entrywise, ("exp", "log", "arctan2"))


# Products ---------------------------------------------------------------------------------


def _product(rec: Recording, name: str, args: Sequence[Any], more: Mapping[str, Any]) -> Complex:
    """A function that is linear in each of its arguments."""
    from symderive.readers.python.functions import numpy_function

    front = args[:1] if name == "einsum" else ()
    parts = split_twice(rec, *args[len(front) :])
    sums: list[Any] = [0, 0]
    for choice in cartesian((0, 1), repeat=len(parts)):
        chosen = [part[k] for part, k in zip(parts, choice, strict=True)]
        turns = sum(choice)  # the power of i that it has
        term = numpy_function(rec, name, (*front, *chosen), dict(more))
        sums[turns % 2] = sums[turns % 2] + (term if turns % 4 < 2 else -term)
    return paired(rec, *sums)


def _times(rec: Recording, x: Any, y: Any) -> Complex:
    return _product(rec, "multiply", (x, y), {})


def _divided(rec: Recording, x: Any, y: Any) -> Complex:
    (a, b), (c, d) = split_twice(rec, x, y)
    if filled_with(d._tree, 0):
        return paired(rec, a / c, b / c)
    length = c**2 + d**2
    return paired(rec, (a * c + b * d) / length, (b * c - a * d) / length)


_MOST = 16
"""The highest power that is written as a product."""


def _power(rec: Recording, x: Any, y: Any) -> Any:
    whole = int(y) if isinstance(y, int | np.integer) else _MOST + 1
    if abs(whole) <= _MOST:
        result = paired(rec, 1)
        for _ in range(abs(whole)):
            result = _times(rec, result, x)
        return result if whole >= 0 else _divided(rec, 1, result)
    return _exponential(rec, _times(rec, y, _logarithm(rec, x)))


# Functions --------------------------------------------------------------------------------


def _absolute(rec: Recording, z: Any) -> Any:
    re, im = split(rec, z)
    if filled_with(im._tree, 0):
        return call(rec, "abs", re)
    if filled_with(re._tree, 0):
        return call(rec, "abs", im)
    return call(rec, "sqrt", re**2 + im**2)


def _angle(rec: Recording, z: Any, deg: bool = False) -> Any:
    re, im = split(rec, z)
    found = _atan2(rec, im, re)
    return _entrywise("degrees")(rec, found) if deg else found


def _exponential(rec: Recording, z: Any) -> Complex:
    re, im = split(rec, z)
    size = 1 if filled_with(re._tree, 0) else _exp(rec, re)
    return paired(rec, size * _cos(rec, im), size * _sin(rec, im))


def _logarithm(rec: Recording, z: Any) -> Complex:
    ((re, im),) = split_twice(rec, z)
    if filled_with(im._tree, 0) and type(z) is not Complex:
        return paired(rec, _log(rec, re), 0)
    return paired(rec, _log(rec, re**2 + im**2) / 2, _atan2(rec, im, re))


def _root(rec: Recording, z: Any) -> Complex:
    split_twice(rec, z)
    size, half = call(rec, "sqrt", _absolute(rec, z)), _angle(rec, z) / 2
    return paired(rec, size * _cos(rec, half), size * _sin(rec, half))


def _wave(re_of: Make, im_of: Make) -> Make:
    def made(rec: Recording, z: Any) -> Complex:
        x, y = split(rec, z)
        return paired(rec, re_of(rec, x, y), im_of(rec, x, y))

    return made


def _norm(rec: Recording, z: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord not in (None, 2, "fro"):
        raise refused("the norm of a complex array has a formula with ord=None")
    re, im = split(rec, z)
    total = call(rec, "sum", re**2 + im**2, axis=axis, keepdims=keepdims)
    return call(rec, "sqrt", total)


def _solved(rec: Recording, a: Any, b: Any) -> Complex:
    """The solution of linear equations, by the real ones of twice the size."""
    (p, q), (u, v) = split(rec, a), split(rec, b)
    rows = [call(rec, "concatenate", pair, axis=1) for pair in ([p, -q], [q, p])]
    both = call(rec, "concatenate", rows, axis=0)
    right = call(rec, "concatenate", [u, v], axis=0)
    for part in (both, right):
        if not is_fixed(part._tree):
            keep(rec, part)
    found = call(rec, "solve", both, right)
    keep(rec, found)
    size = operator.index(p.shape[0])
    return Complex(rec, found[:size], found[size:])


def _inverse(rec: Recording, a: Any) -> Complex:
    return _solved(rec, a, np.eye(operator.index(split(rec, a)[0].shape[0])))


def _mean_square(rec: Recording, x: Any, y: Any) -> Complex:
    return _product(rec, "vdot", (_conjugate(rec, x), y), {})


def _conjugate(rec: Recording, z: Any) -> Complex:
    re, im = split(rec, z)
    return Complex(rec, re, -im)


def _all_multiplied(rec: Recording, z: Any) -> Any:
    result: Any = 1
    for part in z:
        result = _times(rec, result, part)
    return result


LINEAR: Mapping[str, int] = {
    **dict.fromkeys(("sum", "mean", "cumsum", "trace", "diagonal", "diag", "diff", "repeat"), 1),
    **dict.fromkeys(("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "squeeze"), 1),
    **dict.fromkeys(("expand_dims", "roll", "flip", "fliplr", "flipud", "pad", "tile", "take"), 1),
    **dict.fromkeys(("stack", "concatenate", "vstack", "hstack", "column_stack", "split"), 1),
    **dict.fromkeys(("triu", "tril", "broadcast_to", "array_split", "negative", "positive"), 1),
    **dict.fromkeys(("copy", "atleast_1d", "atleast_2d", "trapezoid", "fft.fftshift"), 1),
    **{"add": 2, "subtract": 2, "append": 2, "fft.ifftshift": 1, "trapz": 1, "average": 1},
}
"""Functions that apply to both parts, and how many of their arguments have parts."""

PRODUCTS: Mapping[str, str] = {
    **{name: name for name in ("multiply", "matmul", "dot", "inner", "outer", "kron", "einsum")},
    **{"tensordot": "tensordot", "convolve": "convolve"},
}
"""Functions that are linear in each of their arguments."""

RULES: dict[str, Make] = {
    "divide": _divided,
    "true_divide": _divided,
    "power": _power,
    "square": lambda rec, z: _times(rec, z, z),
    "reciprocal": lambda rec, z: _divided(rec, 1, z),
    "abs": _absolute,
    "absolute": _absolute,
    "angle": _angle,
    "phase": _angle,
    "real": lambda rec, z: split(rec, z)[0],
    "imag": lambda rec, z: split(rec, z)[1],
    "conjugate": _conjugate,
    "exp": _exponential,
    "log": _logarithm,
    "sqrt": _root,
    "sin": _wave(
        lambda r, x, y: _sin(r, x) * _cosh(r, y), lambda r, x, y: _cos(r, x) * _sinh(r, y)
    ),
    "cos": _wave(
        lambda r, x, y: _cos(r, x) * _cosh(r, y), lambda r, x, y: -_sin(r, x) * _sinh(r, y)
    ),
    "sinh": _wave(
        lambda r, x, y: _sinh(r, x) * _cos(r, y), lambda r, x, y: _cosh(r, x) * _sin(r, y)
    ),
    "cosh": _wave(
        lambda r, x, y: _cosh(r, x) * _cos(r, y), lambda r, x, y: _sinh(r, x) * _sin(r, y)
    ),
    "tan": lambda rec, z: _divided(rec, RULES["sin"](rec, z), RULES["cos"](rec, z)),
    "tanh": lambda rec, z: _divided(rec, RULES["sinh"](rec, z), RULES["cosh"](rec, z)),
    "vdot": _mean_square,
    "linalg.vecdot": _mean_square,
    "prod": _all_multiplied,
    "linalg.norm": _norm,
    "linalg.solve": _solved,
    "linalg.inv": _inverse,
    "array": lambda rec, z, *_, **__: Complex(rec, *(p.copy() for p in split(rec, z))),
    "asarray": lambda rec, z, *_, **__: Complex(rec, *split(rec, z)),
    "where": lambda rec, c, x, y: Complex(
        rec, *(call(rec, "where", c, *p) for p in zip(split(rec, x), split(rec, y), strict=True))
    ),
    "zeros": lambda rec, shape: Complex(rec, *(call(rec, "zeros", shape) for _ in "ri")),
}
"""Functions of complex numbers by NumPy's name."""


for _operator in ("add", "subtract", "multiply", "divide", "power", "matmul"):

    def _forward(self: Complex, other: Any, name: str = _operator) -> Any:
        return applied(self._rec, name, (self, other), {})

    def _backward(self: Complex, other: Any, name: str = _operator) -> Any:
        return applied(self._rec, name, (other, self), {})

    _short = {"subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow"}
    setattr(Complex, f"__{_short.get(_operator, _operator)}__".replace("power", "pow"), _forward)
    setattr(Complex, f"__r{_short.get(_operator, _operator)}__".replace("power", "pow"), _backward)
for _operator, _method in (("negative", "neg"), ("positive", "pos"), ("abs", "abs")):

    def _single(self: Complex, name: str = _operator) -> Any:
        return applied(self._rec, name, (self,), {})

    setattr(Complex, f"__{_method}__", _single)
