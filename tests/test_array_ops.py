"""Every operation on arrays against NumPy: shapes, entries, messages."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Symbol

from symderive.errors import FormulaError
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.ops import ROWS, entry, shown
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.evaluate import evaluate
from symderive.formulas.functions import FUNCTIONS

M, N = Symbol("m"), Symbol("n")
SHAPES = {
    **{"X": (M, N), "Y": (M, N), "A": (N, N), "B": (N, N), "x": (N,), "y": (N,)},
    **{"p": (Integer(3),), "c": (), "d": ()},
}
SIZES = [(2, 3), (3, 2), (1, 1), (1, 2), (3, 1), (2, 0), (0, 2)]
EXAMPLES = [(row, row.example) for row in ROWS]

# NumPy's answer --------------------------------------------------------------------------------


def of_matrix(function):
    def apply(matrix):
        values, vectors = np.linalg.eig(matrix.astype(complex))
        return (vectors @ np.diag(function(values)) @ np.linalg.inv(vectors)).real

    return apply


def normalised(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def layer_norm(x, gain=1.0, bias=0.0, eps=1e-5):
    return normalised(x, (-1,), eps) * gain + bias


def batch_norm(x, gain=1.0, bias=0.0, eps=1e-5):
    return normalised(x, tuple(range(x.ndim - 1)), eps) * gain + bias


def rms_norm(x, gain=1.0, eps=1e-5):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps) * gain


def trace(matrix):
    return np.trace(matrix)


NUMPY = {
    **{name: getattr(np, name) for name in dir(np) if not name.startswith("_")},
    **{name: getattr(np.linalg, name) for name in ("det", "inv", "solve", "cholesky", "eigvalsh")},
    **{"pinv": np.linalg.pinv, "norm": np.linalg.norm, "matrix_power": np.linalg.matrix_power},
    "np": np,
    "max": np.max,
    "min": np.min,
    "trace": trace,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "vec": lambda x: x.flatten(order="F"),
    "expm": of_matrix(np.exp),
    "logm": of_matrix(np.log),
    "sqrtm": of_matrix(np.sqrt),
    "sinm": of_matrix(np.sin),
    "cosm": of_matrix(np.cos),
    "logsumexp": logsumexp,
    "softmax": lambda x, axis=-1: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    "log_softmax": lambda x, axis=-1: x - logsumexp(x, axis, True),
    "layer_norm": layer_norm,
    "batch_norm": batch_norm,
    "rms_norm": rms_norm,
    "one_hot": lambda labels, size: np.eye(size)[np.array(labels)],
    "cosine_similarity": lambda x, y: x @ y / np.sqrt(x @ x) / np.sqrt(y @ y),
}


def numpy_answer(text, arrays, sizes):
    """What NumPy makes of the same text: our own examples are Python, so Python reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.asarray(eval(text, {**NUMPY, **sizes}, dict(arrays)))  # our own text


def shape_at(shape, sizes):
    return tuple(int(concrete(size, sizes)) for size in shape)


def value_of(tree, names, arrays, sizes):
    """A tree's value by its index notation, entry by entry."""
    values = {}
    for k, name in enumerate(names):
        for at in np.ndindex(np.shape(arrays[name])):
            values[entry_name(f"_{k}", at)] = float(np.asarray(arrays[name])[at])
    shape = shape_at(tree.shape, sizes)
    indices = [Index(f"i{k}", size) for k, size in enumerate(tree.shape)]
    formula = entry(tree, indices)
    result = np.empty(shape)
    for at in product(*map(range, shape)):
        plain = concrete(formula, sizes, dict(zip(indices, at, strict=True)))
        result[at] = float(evaluate(plain, values, 20))
    return result


def arrays_at(sizes, seed=0):
    source = np.random.default_rng(seed)
    made = {name: source.uniform(-2, 2, shape_at(shape, sizes)) for name, shape in SHAPES.items()}
    made["A"] = made["A"] + 3 * np.eye(sizes["n"])
    return made


def agrees(text, sizes, shapes=SHAPES):
    arrays = arrays_at(sizes)
    expected = numpy_answer(text, arrays, sizes)
    tree, names, _ = parse_array(text, FUNCTIONS, shapes)
    assert shape_at(tree.shape, sizes) == expected.shape
    np.testing.assert_allclose(value_of(tree, names, arrays, sizes), expected, 1e-9, 1e-12)


# Rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "text"), EXAMPLES, ids=[row.name for row in ROWS])
def test_a_row_is_what_numpy_computes(row, text):
    seen = 0
    for m, n in SIZES:
        if (row.limit and n > row.limit) or (":" in text and not m):
            continue  # too large to write out; a slice of symbolic size that starts at 1 needs a 1
        sizes = {"m": m, "n": n}
        fixed = {name: tuple(map(Integer, shape_at(s, sizes))) for name, s in SHAPES.items()}
        try:
            numpy_answer(text, arrays_at(sizes), sizes)
        except (ValueError, IndexError, RuntimeWarning):
            continue
        agrees(text, sizes)
        if not {"m", "n"} & set(text.replace("(", " ").replace(")", " ").replace(",", " ").split()):
            agrees(text, sizes, fixed)
        seen += 1
    assert seen >= 4
