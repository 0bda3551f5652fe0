"""What NumPy, SciPy and ``math`` functions are in the formula language, a row each.

``SAME`` and ``UFUNCS`` are names for names; what has no name in the formula language is composed of
what has, in ``composed``. A function that is in no table is refused with the line that calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from sympy import S, pi

from symderive.errors import ModelError
from symderive.formulas.arrays.ops import CALLS
from symderive.formulas.arrays.syntax import Number
from symderive.formulas.functions import FUNCTIONS
from symderive.readers.python.arithmetic import decide, negated
from symderive.readers.python.complexes import applied, holds_complex
from symderive.readers.python.masked import Kept
from symderive.readers.python.reasons import reason
from symderive.readers.python.recording import Recording, refused
from symderive.readers.python.tracer import Tracer, binary, call, condition, operand, product, wrap
from symderive.readers.python.views import VIEWS, Rearranged, showing

Make = Callable[..., Any]

COMPARISONS: Mapping[str, str] = {
    **{"less": "Lt", "less_equal": "LtE", "greater": "Gt", "greater_equal": "GtE"},
    **{"equal": "Eq", "not_equal": "NotEq"},
    **{name: name for name in ("Lt", "LtE", "Gt", "GtE", "Eq", "NotEq")},
}

BINARY: Mapping[str, str] = {
    **{"add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide"},
    **{"true_divide": "divide", "power": "power", "float_power": "power", "pow": "power"},
    **COMPARISONS,
}
"""Operations of two values that sizes and numbers are worked out by."""

SAME: Mapping[str, str] = {
    **{name: name for name in ("sum", "mean", "prod", "var", "std", "cumsum", "dot", "vdot")},
    **{name: name for name in ("inner", "outer", "einsum", "tensordot", "kron", "trace", "where")},
    **{name: name for name in ("transpose", "swapaxes", "squeeze", "expand_dims", "flip", "roll")},
    **{name: name for name in ("reshape", "ravel", "broadcast_to", "concatenate", "stack")},
    **{name: name for name in ("vstack", "hstack", "diag", "diagonal", "triu", "tril", "convolve")},
    **{name: name for name in ("correlate", "clip", "round", "sinc", "zeros_like", "ones_like")},
    **{"max": "amax", "amax": "amax", "min": "amin", "amin": "amin", "around": "round"},
    **{"permute_dims": "transpose", "concat": "concatenate", "matmul": "matmul"},
    **{"matrix_transpose": "mT", "row_stack": "vstack", "empty_like": "zeros_like"},
    **{f"linalg.{name}": name for name in ("inv", "det", "solve", "cholesky", "eigvalsh", "pinv")},
    **{f"linalg.{name}": name for name in ("matrix_power", "trace", "outer", "diagonal", "matmul")},
    **{f"linalg.{name}": name for name in ("expm", "logm", "sqrtm", "sinm", "cosm", "tensordot")},
    **{"logsumexp": "logsumexp", "softmax": "softmax", "log_softmax": "log_softmax"},
    **{"zeros": "zeros", "ones": "ones", "full": "full", "eye": "eye", "identity": "eye"},
}
"""Functions of NumPy and SciPy and the calls of the formula language that they are."""

UFUNCS: Mapping[str, str] = {
    **{"absolute": "abs", "fabs": "abs", "arctan2": "atan2", "fmax": "maximum", "fmin": "minimum"},
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh"},
    **{"arccosh": "acosh", "arctanh": "atanh", "remainder": "mod", "rint": "round"},
    **{"bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not"},
    **{"gammaln": "loggamma", "psi": "digamma", "expit": "sigmoid", "log_expit": "logsigmoid"},
    **{"jn": "besselj", "yn": "bessely", "kn": "besselk"},
    **{"log_ndtr": "norm_logcdf", "ndtr": "norm_cdf", "ndtri": "norm_ppf", "jv": "besselj"},
    **{"yv": "bessely", "iv": "besseli", "kv": "besselk", "exp1": "E1", "lgamma": "loggamma"},
    **{"ellipk": "elliptic_k", "ellipe": "elliptic_e", "pseudo_huber": "pseudo_huber_"},
    **{"fix": "trunc", "vecdot": "vecdot", "signbit": "signbit_", "huber": "huber_"},
}
"""Functions that apply entry by entry, where the formula language has another name."""

IGNORED = frozenset(
    {
        "dtype",
        "optimize",
        "casting",
        "order",
        "subok",
        "like",
        "check_finite",
        "hermitian",
        "b",
        "return_sign",
        "overwrite_a",
        "lower",
    }
)
"""Arguments that say nothing about the formula, where they have their default."""


def two(rec: Recording, name: str, left: Any, right: Any) -> Any:
    """An operator of two values."""
    if holds_complex((left, right)):
        return applied(rec, name, (left, right), {})
    if name in BINARY:
        return binary(rec, BINARY[name], left, right)
    return entrywise(rec, name, (left, right))


def one(rec: Recording, name: str, value: Any) -> Any:
    """An operator of one value."""
    return entrywise(rec, name, (value,))


def entrywise(rec: Recording, name: str, args: tuple[Any, ...]) -> Any:
    """A function that applies entry by entry, by NumPy's, SciPy's or ``math``'s name."""
    if holds_complex(args):
        return applied(rec, name, args, {})
    if name in BINARY and len(args) == 2:
        return binary(rec, BINARY[name], *args)
    if name in ENTRYWISE:
        return ENTRYWISE[name](rec, *args)
    known = UFUNCS.get(name, name)
    if known == "matmul":
        return product(rec, *args)
    if known in ("logical_and", "logical_or", "logical_not") or known in FUNCTIONS:
        return call(rec, known, *args)
    raise unsupported(name)


def unsupported(name: str) -> ModelError:
    """The error of a function without a formula: why, and what to write."""
    if why := reason(name):
        return refused(f"{name} has no formula here: {why}")
    near = get_close_matches(name.rpartition(".")[2], {*SAME, *FUNCTIONS, *CALLS}, n=1, cutoff=0.75)
    hint = f"; did you mean {near[0]}?" if near else "; write it with functions that are known"
    return refused(f"the function {name} has no formula here{hint}")


def ufunc_called(
    rec: Recording, ufunc: Any, method: str, inputs: tuple[Any, ...], more: dict[str, Any]
) -> Any:
    """A universal function of NumPy or SciPy: called, or one of its methods."""
    name = ufunc.__name__
    out = more.pop("out", None)
    where = more.pop("where", True)
    if where is not True:
        raise refused(f"{name} with where= has no formula; write np.where")
    if method == "__call__":
        result = entrywise(rec, name, inputs)
    elif method == "at" and name in ("add", "subtract"):
        array, key, *more_values = inputs
        return _added_at(rec, name, array, key, more_values[0])
    elif method == "accumulate" and name in ("maximum", "minimum", "multiply"):
        result = _accumulated(rec, name, *inputs, **more)
    elif (method, name) in UFUNC_METHODS:
        options = {key: value for key, value in more.items() if key in ("axis", "keepdims")}
        if method == "reduce":
            options.setdefault("axis", 0)
        result = UFUNC_METHODS[method, name](rec, *inputs, **options)
    elif method == "outer":
        left, right = inputs
        shape = np.ndim(right)
        result = entrywise(
            rec, name, (wrap(rec, operand(rec, left))[(..., *[None] * shape)], right)
        )
    else:
        raise refused(f"{name}.{method} has no formula")
    if out is None or out[0] is None:
        return result
    (place,) = out
    if type(place) is not Tracer:
        raise refused(
            "a plain array is changed in place by a traced value; write x = x + …, "
            "or make the array with np.zeros(…) inside the function"
        )
    place._become(operand(rec, result))
    return place


def _added_at(rec: Recording, name: str, array: Any, key: Any, value: Any) -> None:
    """``np.add.at``: one place after the other, so that a place may come twice."""
    from symderive.readers.python.choosing import spread

    if type(array) is not Tracer:
        raise refused(f"{name}.at has a formula for arrays that np.zeros(…) makes")
    for place, row in [*spread(rec, array, key, value)]:
        array[place] = binary(rec, name, array[place], row)


def _accumulated(rec: Recording, name: str, x: Any, axis: int = 0) -> Any:
    """One value after the other along the first axis."""
    if axis != 0:
        raise refused(f"{name}.accumulate has a formula along the first axis")
    parts: list[Any] = []
    for part in x:
        parts.append(entrywise(rec, name, (parts[-1], part)) if parts else part)
    return call(rec, "stack", parts, axis=0)


UFUNC_METHODS: Mapping[tuple[str, str], Make] = {
    ("reduce", "add"): lambda rec, x, **o: call(rec, "sum", x, **o),
    ("reduce", "multiply"): lambda rec, x, **o: call(rec, "prod", x, **o),
    ("reduce", "maximum"): lambda rec, x, **o: call(rec, "max", x, **o),
    ("reduce", "minimum"): lambda rec, x, **o: call(rec, "min", x, **o),
    ("reduce", "logaddexp"): lambda rec, x, **o: call(rec, "logsumexp", x, **o),
    ("accumulate", "add"): lambda rec, x, axis=0: call(rec, "cumsum", x, axis=axis),
}


def numpy_function(
    rec: Recording, name: str, args: tuple[Any, ...], more: Mapping[str, Any]
) -> Any:
    """A function of NumPy or SciPy with all its arguments."""
    found = _numpy_function(rec, name, args, more)
    if name in VIEWS and type(args[0] if args else None) is type(found) is Tracer:
        first: Tracer = args[0]
        if found is not first and found._base is None:
            showing(found, first, Rearranged(name, args[1:], more))
    return found


def _numpy_function(
    rec: Recording, name: str, args: tuple[Any, ...], more: Mapping[str, Any]
) -> Any:
    from symderive.readers.python.composed import COMPOSED
    from symderive.readers.python.fourier import FOURIER

    kept = next((arg for arg in args if type(arg) is Kept), None)
    if kept is not None:
        return kept.function(name, args, more)
    if name in FOURIER:
        return FOURIER[name](rec, *args, **more)
    if holds_complex(args) or holds_complex(more.values()):
        return applied(rec, name, args, more)
    plain = {
        key: value
        for key, value in more.items()
        if value is not np._NoValue and not (key in IGNORED and not _tells(key, value))
    }
    out = plain.pop("out", None)
    if out is not None:
        raise refused(f"{name} with out= has no formula; assign its result")
    plain.pop("initial", None) if plain.get("initial") == 0 and name == "sum" else None
    for key, default in (("where", True),):
        if plain.get(key) is default:
            del plain[key]
    rest = tuple(arg for arg in args)
    if name in COMPOSED:
        before, rec.called = rec.called, rec.called or name.rpartition(".")[2]
        try:
            return COMPOSED[name](rec, *rest, **plain)
        except TypeError as error:
            raise refused(f"{name} does not take these arguments here: {error}") from None
        finally:
            rec.called = before
    if name in SAME:
        if SAME[name] == "mT":
            return call(rec, "swapaxes", *rest, -1, -2)
        return _reduced(rec, SAME[name], rest, plain)
    if not plain:
        return entrywise(rec, name, rest)
    raise unsupported(name)


_REDUCTIONS = ("sum", "mean", "prod", "var", "std", "amax", "amin", "logsumexp")


def _reduced(rec: Recording, name: str, args: tuple[Any, ...], more: dict[str, Any]) -> Any:
    """A call; a reduction of a list or of a plain number takes an array of it."""
    if name in _REDUCTIONS and args:
        first = wrap(rec, operand(rec, args[0]))
        if not first.ndim and name != "std" and name != "var":
            return first
        rest = args[1:2]
        if rest:
            more = {"axis": rest[0], **more}
        return call(rec, name, first, **more)
    if name in ("concatenate", "stack", "vstack", "hstack"):
        parts = args[0]
        if type(parts) is Tracer:
            parts = list(parts)
        args = (list(parts), *args[1:])
    if name in ("where", "clip"):
        return _chosen(rec, name, args, more)
    if name in ("reshape",) and "shape" in more:
        args = (*args, more.pop("shape"))
    if name == "transpose" and len(args) == 2 and args[1] is None:
        args = args[:1]
    return call(rec, name, *args, **more)


def _chosen(rec: Recording, name: str, args: tuple[Any, ...], more: dict[str, Any]) -> Any:
    if name == "where":
        if len(args) != 3:
            raise refused("np.where(condition) gives places; write np.where(condition, a, b)")
        whole, known = call(rec, "where", *args), _known(args[0])
        if known is None:
            return whole
        found = wrap(rec, operand(rec, args[1 if known else 2]))
        return found if found._tree.shape == whole._tree.shape else whole
    names = dict(zip(("x", "low", "high"), args, strict=False))
    low = more.get("a_min", more.get("min", names.get("low")))
    high = more.get("a_max", more.get("max", names.get("high")))
    if low is None:
        return args[0] if high is None else call(rec, "minimum", args[0], high)
    if high is None:
        return call(rec, "maximum", args[0], low)
    return call(rec, "clip", args[0], low, high)


def _known(test: Any) -> bool | None:
    """Whether a condition is known to hold everywhere, or nowhere."""
    if type(test) is Tracer:
        return decide(test._current())
    if isinstance(test, bool | np.bool_ | np.ndarray) and np.size(test):
        return bool(np.ravel(test)[0]) if np.all(test == np.ravel(test)[0]) else None
    return None


def _tells(key: str, value: Any) -> bool:
    """Whether an ignored argument says something after all."""
    if key == "order":
        return value not in (None, "C", "K", "A")
    if key in ("return_sign", "lower"):
        return bool(value)
    if value is None or isinstance(value, bool | str):
        return False
    try:
        return np.dtype(value).kind not in "f"
    except TypeError:
        return True


# Entry by entry, composed -----------------------------------------------------------------


def _floor_divide(rec: Recording, x: Any, y: Any) -> Any:
    left, right = operand(rec, x), operand(rec, y)
    if isinstance(left, Number) and isinstance(right, Number) and left.value.free_symbols:
        whole = (left.value / right.value).expand()
        raise refused(f"whether {whole} is a whole number is not known; state sizes as numbers")
    return call(rec, "floor", binary(rec, "divide", x, y))


def _negative(rec: Recording, x: Any) -> Any:
    return wrap(rec, negated(operand(rec, x)))


def _square(rec: Recording, x: Any) -> Any:
    return binary(rec, "power", x, 2)


def _fmod(rec: Recording, x: Any, y: Any) -> Any:
    whole = call(rec, "trunc", binary(rec, "divide", x, y))
    return binary(rec, "subtract", x, binary(rec, "multiply", y, whole))


def _scaled(by: Any) -> Make:
    return lambda rec, x: wrap(
        rec, operand(rec, binary(rec, "multiply", x, wrap(rec, Number((), by))))
    )


def _xor(rec: Recording, x: Any, y: Any) -> Any:
    left, right = wrap(rec, condition(rec, x)), wrap(rec, condition(rec, y))
    either = call(rec, "logical_or", left, right)
    both = call(rec, "logical_and", left, right)
    return call(rec, "logical_and", either, call(rec, "logical_not", both))


def _abs(rec: Recording, x: Any) -> Any:
    tree = operand(rec, x)
    return (
        wrap(rec, tree)
        if isinstance(tree, Number) and tree.value.free_symbols
        else call(rec, "abs", x)
    )


def _logarithm(rec: Recording, x: Any, base: Any = None) -> Any:
    return call(rec, "log", x) if base is None else call(rec, "logb", x, base)


def _and(op: str) -> Make:
    return lambda rec, x, y: call(rec, op, x, y)


def _hypot(rec: Recording, *args: Any) -> Any:
    squares = [_square(rec, arg) for arg in args]
    if len(args) == 2:
        return call(rec, "hypot", *args)
    total = squares[0]
    for square in squares[1:]:
        total = binary(rec, "add", total, square)
    return call(rec, "sqrt", total)


def _round(rec: Recording, x: Any, *digits: Any) -> Any:
    if digits and digits[0]:
        raise refused("rounding to digits has no formula; its derivative is 0")
    return call(rec, "round", x)


def _always(known: bool) -> Make:
    """A test that all real numbers pass, or none: values are neither nan nor infinite."""

    def made(rec: Recording, x: Any) -> Any:
        shape = wrap(rec, operand(rec, x)).shape
        if all(type(size) is int for size in shape):
            return np.full(shape, known)[()]
        return wrap(rec, Number((), S.true if known else S.false))

    return made


ENTRYWISE: Mapping[str, Make] = {
    **dict.fromkeys(("isnan", "isinf", "isneginf", "isposinf"), _always(False)),
    **dict.fromkeys(("isfinite", "isreal"), _always(True)),
    "negative": _negative,
    "positive": lambda rec, x: wrap(rec, operand(rec, x)),
    "conjugate": lambda rec, x: wrap(rec, operand(rec, x)),
    "square": _square,
    "reciprocal": lambda rec, x: binary(rec, "divide", 1, x),
    "floor_divide": _floor_divide,
    "fmod": _fmod,
    "abs": _abs,
    "absolute": _abs,
    "fabs": _abs,
    "log": _logarithm,
    "hypot": _hypot,
    "dist": lambda rec, p, q: _hypot(rec, *(a - b for a, b in zip(p, q, strict=True))),
    "round": _round,
    "deg2rad": _scaled(pi / 180),
    "radians": _scaled(pi / 180),
    "rad2deg": _scaled(180 / pi),
    "degrees": _scaled(180 / pi),
    "logical_xor": _xor,
    "bitwise_xor": _xor,
    "logaddexp2": lambda rec, x, y: call(
        rec, "log2", binary(rec, "add", call(rec, "exp2", x), call(rec, "exp2", y))
    ),
    "divmod": lambda rec, x, y: (_floor_divide(rec, x, y), call(rec, "mod", x, y)),
    "modf": lambda rec, x: (_fmod(rec, x, 1), call(rec, "trunc", x)),
    "ldexp": lambda rec, x, n: binary(rec, "multiply", x, binary(rec, "power", 2, n)),
    "exp1": lambda rec, x: call(rec, "expint", 1, x),
    "j0": lambda rec, x: call(rec, "besselj", 0, x),
    "j1": lambda rec, x: call(rec, "besselj", 1, x),
    "y0": lambda rec, x: call(rec, "bessely", 0, x),
    "y1": lambda rec, x: call(rec, "bessely", 1, x),
    "i0": lambda rec, x: call(rec, "besseli", 0, x),
    "i1": lambda rec, x: call(rec, "besseli", 1, x),
    "k0": lambda rec, x: call(rec, "besselk", 0, x),
    "k1": lambda rec, x: call(rec, "besselk", 1, x),
    "huber": lambda rec, delta, r: call(rec, "huber", r, delta),
    "pseudo_huber": lambda rec, delta, r: binary(
        rec,
        "multiply",
        binary(rec, "power", delta, 2),
        binary(
            rec,
            "subtract",
            call(
                rec,
                "sqrt",
                binary(rec, "add", 1, binary(rec, "power", binary(rec, "divide", r, delta), 2)),
            ),
            1,
        ),
    ),
    "vecdot": lambda rec, x, y: call(rec, "sum", binary(rec, "multiply", x, y), axis=-1),
    "fsum": lambda rec, parts: sum(parts),
    "kl_div": lambda rec, x, y: call(rec, "kl_div", x, y) - x + y,
    "rgamma": lambda rec, x: binary(rec, "divide", 1, call(rec, "gamma", x)),
    "boxcox1p": lambda rec, x, by: ((x + 1) ** by - 1) / by,
    "inv_boxcox1p": lambda rec, y, by: (y * by + 1) ** (1 / by) - 1,
    "sindg": lambda rec, x: call(rec, "sin", _scaled(pi / 180)(rec, x)),
    "cosdg": lambda rec, x: call(rec, "cos", _scaled(pi / 180)(rec, x)),
    "exprel": lambda rec, x: call(rec, "expm1", x) / x,
    "cosm1": lambda rec, x: -2 * call(rec, "sin", x / 2) ** 2,
    "boxcox": lambda rec, x, by: (x**by - 1) / by,
    "inv_boxcox": lambda rec, y, by: (y * by + 1) ** (1 / by),
    "binom": lambda rec, n, k: call(
        rec,
        "exp",
        call(rec, "loggamma", n + 1)
        - call(rec, "loggamma", k + 1)
        - call(rec, "loggamma", n - k + 1),
    ),
    "poch": lambda rec, x, m: call(rec, "gamma", x + m) / call(rec, "gamma", x),
    "ive": lambda rec, v, x: call(rec, "besseli", v, x) * call(rec, "exp", -abs(x)),
    "kve": lambda rec, v, x: call(rec, "besselk", v, x) * call(rec, "exp", x),
    "i0e": lambda rec, x: call(rec, "besseli", 0, x) * call(rec, "exp", -abs(x)),
    "i1e": lambda rec, x: call(rec, "besseli", 1, x) * call(rec, "exp", -abs(x)),
    "k0e": lambda rec, x: call(rec, "besselk", 0, x) * call(rec, "exp", x),
    "k1e": lambda rec, x: call(rec, "besselk", 1, x) * call(rec, "exp", x),
}
"""Functions that apply entry by entry and are composed of others."""
