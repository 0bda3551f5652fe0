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
from symderive.formulas.arrays.ops import OPS, ROWS, entry, expanded, shown
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.arrays.syntax import Apply, Leaf
from symderive.formulas.evaluate import evaluate
from symderive.formulas.functions import FUNCTIONS, user_functions

M, N = Symbol("m"), Symbol("n")
SHAPES = {
    **{"X": (M, N), "Y": (M, N), "A": (N, N), "B": (N, N), "x": (N,), "y": (N,)},
    **{"p": (Integer(3),), "c": (), "d": ()},
}
SIZES = [(2, 3), (3, 2), (1, 1), (1, 2), (3, 1), (2, 0), (0, 2)]
STATED = [row for row in ROWS if row.example]  # the others stand only in results
EXAMPLES = [(row, row.example) for row in STATED]

# NumPy's answer --------------------------------------------------------------------------------


def of_matrix(function):
    def apply(matrix):
        values, vectors = np.linalg.eig(matrix.astype(complex))
        return (vectors @ np.diag(function(values)) @ np.linalg.inv(vectors)).real

    return apply


def slope_of_matrix(function, slope):
    """The derivative in a direction, by divided differences of the eigenvalues."""

    def apply(matrix, direction):
        values, vectors = np.linalg.eig(matrix.astype(complex))
        same = np.eye(len(values), dtype=bool)
        apart = values[:, None] - values + same
        gaps = np.where(same, slope(values), (function(values)[:, None] - function(values)) / apart)
        back = np.linalg.inv(vectors)
        return (vectors @ (gaps * (back @ direction @ vectors)) @ back).real

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


def shared_evenly(extreme):
    def chosen(x, axis=None):
        same = x == extreme(x, axis=axis, keepdims=True)
        return same / np.sum(same, axis=axis, keepdims=True)

    return chosen


def rearrange(c, blocks):
    if not all(blocks):
        raise ValueError("no blocks")
    rows = [b for column in np.split(c, blocks[1], axis=1) for b in np.split(column, blocks[0])]
    return np.stack([block.flatten(order="F") for block in rows])


NUMPY = {
    **{name: getattr(np, name) for name in dir(np) if not name.startswith("_")},
    **{name: getattr(np.linalg, name) for name in ("det", "inv", "solve", "cholesky", "eigvalsh")},
    **{"pinv": np.linalg.pinv, "norm": np.linalg.norm, "matrix_power": np.linalg.matrix_power},
    "np": np,
    "max": np.max,
    "min": np.min,
    "is_max": shared_evenly(np.max),
    "is_min": shared_evenly(np.min),
    "prod_others": lambda x, axis=None: np.prod(x, axis=axis, keepdims=True) / x,
    "trace": trace,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "vec": lambda x: x.flatten(order="F"),
    "unvec": lambda x, shape: x.reshape(shape, order="F"),
    "rearrange": rearrange,
    "diagonal_sums": lambda x: np.array(
        [[np.trace(x, j - i) for j in range(x.shape[1])] for i in range(x.shape[0])]
    ).reshape(x.shape),
    "slogdet": np.linalg.slogdet,
    "expm": of_matrix(np.exp),
    "logm": of_matrix(np.log),
    "sqrtm": of_matrix(np.sqrt),
    "sinm": of_matrix(np.sin),
    "cosm": of_matrix(np.cos),
    "expm_frechet": slope_of_matrix(np.exp, np.exp),
    "logm_frechet": slope_of_matrix(np.log, lambda v: 1 / v),
    "sqrtm_frechet": slope_of_matrix(np.sqrt, lambda v: 0.5 / np.sqrt(v)),
    "sinm_frechet": slope_of_matrix(np.sin, np.cos),
    "cosm_frechet": slope_of_matrix(np.cos, lambda v: -np.sin(v)),
    "eigenvectors": lambda x: np.linalg.eigh(x)[1],
    "left_vectors": lambda x: np.linalg.svd(x, full_matrices=False)[0],
    "right_vectors": lambda x: np.linalg.svd(x, full_matrices=False)[2].T,
    "half_tril": lambda x: np.tril(x) - np.diag(np.diag(x)) / 2,
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
    "convolution_matrix": lambda a, n: np.stack([np.convolve(a, e) for e in np.eye(n)], axis=1),
    "commutation": lambda m, n: np.eye(m * n)[np.arange(m * n).reshape(n, m).T.ravel()],
    "svdvals": lambda x: np.linalg.svd(x, compute_uv=False),
    "nuclear_norm": lambda x: np.linalg.norm(x, "nuc"),
    "spectral_norm": lambda x: np.linalg.norm(x, 2),
    "polar": lambda x: x @ of_matrix(lambda values: values**-0.5)(x.T @ x),
    "logsumexp": logsumexp,
    "softmax": lambda x, axis=-1: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    "log_softmax": lambda x, axis=-1: x - logsumexp(x, axis, True),
    "layer_norm": layer_norm,
    "batch_norm": batch_norm,
    "rms_norm": rms_norm,
    "one_hot": lambda labels, size: np.eye(size)[np.array(labels)],
    "deviation": lambda x, axis=-1, eps=1e-5: np.sqrt(x.var(axis) + eps),
    "rms": lambda x, axis=-1, eps=1e-5: np.sqrt(np.mean(x**2, axis=axis) + eps),
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
    row = OPS.get(getattr(tree, "op", ""))
    if row is not None and row.entry and row.expand:  # then the two must agree
        found = value_of(expanded(tree), names, arrays, sizes)
        np.testing.assert_allclose(found, expected, 1e-9, 1e-12)


# Rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "text"), EXAMPLES, ids=[row.name for row in STATED])
def test_a_row_is_what_numpy_computes(row, text):
    seen = 0
    for m, n in SIZES:
        if ":" in text and not m:
            continue  # a slice of symbolic size that starts at 1 needs a 1
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


def test_rows_have_titles_signatures_and_examples():
    for row in ROWS:
        assert row.title, row.name
        assert row.example or not row.call, row.name
        assert row.call is None or row.signature.startswith(f"{row.name}("), row.name
    assert len({row.name for row in ROWS}) == len(ROWS)
    by_name = {row.name: row.signature for row in ROWS}
    assert by_name["sum"] == "sum(x, axis=None, keepdims=False)"


TEXTS = """
X @ x + c
X.T @ (X @ x - ones(m))/m
np.sum(X**2, axis=0)
np.max(X, 0)
X.max(1)
maximum(x, 0)
max(X, y, 0.5) if False else minimum(X, y)
np.linalg.inv(A) @ x
norm(X, 'fro')
norm(X, 1)
norm(X, np.inf)
norm(X, inf, axis=1)
norm(x, 1)
norm(x, 3)
norm(X, axis=0, keepdims=True)
X.mean(axis=-1, keepdims=True)
X.sum((0, 1))
X[-1]
X[:, 0]
x[:-1]
x[::2]
x[::-1]
x[-2:]
x[None, :]*y[:, None]
x[:, np.newaxis] @ y[None]
X[..., 0]
X[..., None]
x[1:] - x[:-1]
x[n-1]
X.reshape(-1)
X.reshape(m*n)
X.reshape((n, -1))
x.reshape(n, 1)
np.concatenate((X, Y), axis=0)
hstack([x, y])
vstack([x, y])
[1, 2, 3] + p
[[1, 2], [3, 4]] @ x[:2]
[c, d]
X if 1 > 0 else Y
(c if c > d else d)*x
var(X, ddof=1)
X.std(axis=0, ddof=1)
cumsum(x)
cumsum(X)
roll(x, -1)
roll(X, 1, axis=1)
einsum('ij->ji', X)
einsum('ij, ij', X, Y)
einsum('ii->i', A)
einsum('jk', A)
tensordot(X, A, 1)
tensordot(X, Y)
dot(c, x)
dot(X, x)
X.dot(x)
inner(x, y)
kron(x, p)
convolve(x, p)
correlate(x, p, 'full')
convolve(p, [1, 2], 'valid')
diag(A)
tril(A, -1)
matrix_power(A, -2)
matrix_power(A, 0)
A.transpose(1, 0)
np.transpose(A, (1, 0))
expand_dims(x, (0, 2))
softmax(x)
X.clip(-1, 1)
logaddexp(x, y)
X.shape[0]*x/X.size
sqrt(n)*x*pi
2**3*x - 1/3*y
-x**2
np.pi*x + np.e
solve(A, B)
full((m, 2), c)
zeros(3) + p
mean([x, y], axis=0)
kron(x, y) @ (vec(outer(y, x)) + 1)
X[:, ::-1][0, 1:]
x @ A @ x + trace(A)
"""


@pytest.mark.parametrize("text", TEXTS.strip().splitlines())
def test_formulas_mean_what_numpy_says(text):
    for m, n in ((2, 3), (3, 2)):
        agrees(text, {"m": m, "n": n})


SHAPE = st.lists(st.sampled_from([1, 1, 2, 3, 0]), max_size=3).map(tuple)


@given(SHAPE, SHAPE, st.sampled_from("+-*"))
@settings(max_examples=60, deadline=None)
def test_shapes_broadcast_as_in_numpy(left, right, sign):
    shapes = {"a": tuple(map(Integer, left)), "b": tuple(map(Integer, right))}
    try:
        expected = np.broadcast_shapes(left, right)
    except ValueError:
        with pytest.raises(FormulaError, match=r"do not fit together: their shapes are \("):
            parse_array(f"a {sign} b", FUNCTIONS, shapes)
        return
    tree, names, _ = parse_array(f"a {sign} b", FUNCTIONS, shapes)
    source = np.random.default_rng(1)
    arrays = {name: source.uniform(-1, 1, s) for name, s in (("a", left), ("b", right))}
    assert shape_at(tree.shape, {}) == expected
    wanted = numpy_answer(f"a {sign} b", arrays, {})
    np.testing.assert_allclose(value_of(tree, names, arrays, {}), wanted, 1e-12)


BOUND = st.one_of(st.none(), st.integers(-6, 6))
STEP = st.one_of(st.none(), st.integers(-3, 3).filter(bool))


@given(st.integers(0, 5), BOUND, BOUND, STEP)
@settings(max_examples=150, deadline=None)
def test_slices_are_those_of_python(size, start, stop, step):
    shown_bound = ["" if part is None else str(part) for part in (start, stop, step)]
    tree, names, _ = parse_array(f"v[{':'.join(shown_bound)}]", FUNCTIONS, {"v": (Integer(size),)})
    expected = np.arange(size) * 1.0
    found = value_of(tree, names, {"v": expected}, {})
    np.testing.assert_array_equal(found, expected[start:stop:step])


@given(st.integers(4, 9), st.integers(-4, 4) | st.none(), st.integers(-4, 4) | st.none(), STEP)
@settings(max_examples=150, deadline=None)
def test_slices_of_symbolic_axes_are_those_of_python(size, start, stop, step):
    """Where the size is large enough: bounds that cross are refused only by numbers."""
    expected = np.arange(size) * 1.0
    if not expected[start:stop:step].size:
        return
    shown_bound = ["" if part is None else str(part) for part in (start, stop, step)]
    tree, names, _ = parse_array(f"v[{':'.join(shown_bound)}]", FUNCTIONS, {"v": (N,)})
    found = value_of(tree, names, {"v": expected}, {"n": size})
    np.testing.assert_array_equal(found, expected[start:stop:step])


def test_formulas_equal_up_to_names_share_a_tree():
    templates = {}
    shapes = {"W1": (M, N), "W2": (M, N), "a": (N,), "b": (N,)}
    first = parse_array("tanh(W1 @ a)", FUNCTIONS, shapes, templates=templates)
    second = parse_array("tanh(W2 @ b)", FUNCTIONS, shapes, templates=templates)
    assert first[0] is second[0]
    assert (first[1], second[1]) == (("W1", "a"), ("W2", "b"))
    shapes["b"] = (N, N)
    third = parse_array("tanh(W2 @ b)", FUNCTIONS, shapes, templates=templates)
    assert third[2] != first[2]
    assert shown(third[0].shape) == "(m, n)"


def test_words_of_the_language_are_no_names_unless_declared():
    shapes = {"X": (M, N), "T": (N,)}
    _, names, _ = parse_array("sum(X.T, axis=0)[:, None] + np.pi + m*T", FUNCTIONS, shapes)
    assert names == ("X", "T")
    _, names, _ = parse_array("m*pi*axis", FUNCTIONS, {}, declared=("m", "pi"))
    assert names == ("m", "pi", "axis")


def test_functions_of_the_user_apply_entry_by_entry():
    functions = {**FUNCTIONS, **user_functions({"bump(x)": "exp(-x**2)", "max(x)": "x + 1"})}
    tree, names, _ = parse_array("max(bump(x))", functions, SHAPES)
    arrays = {"x": np.array([0.1, 0.2])}
    found = value_of(tree, names, arrays, {"n": 2})
    np.testing.assert_allclose(found, np.exp(-(arrays["x"] ** 2)) + 1, 1e-12)


MISTAKES = [
    ("X - A", 3, "the operands of - do not fit together: their shapes are (m, n) and (n, n)"),
    ("X + A", 3, "the operands of + do not fit together: their shapes are (m, n) and (n, n)"),
    ("X @ p", 3, "(m, n) and (3,); n columns meet 3 rows"),
    ("c @ x", 3, "@ multiplies arrays; write * to multiply by a number, or state its shape"),
    ("X.T()", 1, "write .T, without brackets"),
    ("X' @ x", 2, "' has no meaning in a formula; a transpose is X.T"),
    ("rank(X)", 1, "unknown function 'rank'; a rank has no derivative"),
    ("X @ (x + p)", 8, "the operands of + do not fit together: their shapes are (n,) and (3,)"),
    ("(X) @ (Y)", 5, "the operands of @ do not fit together"),
    ("sum(X, axis=2)", 1, "the operand has no axis 2: it has 2 axes"),
    ("sum(X, axis=c)", 1, "axis must be a whole number"),
    ("sum(X, axes=0)", 1, "sum is called as sum(x, axis=None, keepdims=False)"),
    ("sum(X, axis=(0, 0))", 1, "an axis is named twice"),
    ("X.summ()", 1, "did you mean .sum(…)?"),
    ("c + X.exp()", 5, "write exp(…), a function"),
    ("X.TT", 1, "did you mean .T?"),
    ("X[1:].__class__", 1, "arrays have no .__class__"),
    ("np.linalg.foo", 1, "linalg.foo is not a number"),
    ("smu(X)", 1, "unknown function 'smu'; did you mean sum?"),
    ("inv(X)", 1, "inv takes a square matrix; this one has the shape (m, n)"),
    ("solve(A, p)", 1, "their shapes are (n, n) and (3,)"),
    ("reshape(X, (2, 2))", 1, "shape (m, n) into (2, 2): m*n entries"),
    ("x[0, 0]", 1, "2 indices for an array of shape (n,)"),
    ("p[3]", 3, "the index 3 is outside of an axis of size 3"),
    ("x[c]", 3, "an index is a whole number, a slice, None or ..."),
    ("p[0:c]", 5, "the bounds of a slice are whole numbers or sizes"),
    ("p[::0]", 5, "the step of a slice is a whole number other than 0"),
    ("concatenate([x, A])", 1, "along axis 0: their shapes are (n,) and (n, n)"),
    ("concatenate(x)", 1, "concatenate takes a list of arrays"),
    ("stack([x, p])", 1, "their shapes are (n,) and (3,)"),
    ('einsum("ij,jk", X)', 1, "'ij,jk' has 2 operands; given: 1"),
    ('einsum("ij,ij", X, A)', 1, "the index i has size m and size n"),
    ("X > 0", 1, "this is a condition"),
    ("X + (Y > 0)", 6, "a number is expected here, not a condition"),
    ("sum(X > 0)", 1, "write where(condition, 1, 0)"),
    ("where(X, Y, 1)", 1, "a condition such as x >= 0 is expected here"),
    ("c ^ 2", 5, "write ** for a power"),
    ('"abc"', 1, "must be a number or an array, not text"),
    ("x*np.inf", 1, "cannot hold an infinite number"),
    ('__import__("os")', 1, "may not start with an underscore"),
    ("[i for i in x]", 2, "this is not a formula"),
    ("sum(*X)", 5, "formulas are made of"),
    ("exp(x, y)", 1, "exp is called as exp(x); got 2"),
    ("exp(x=1)", 1, "in order, without their names"),
    ("norm(X, 3)", 1, "norms of a matrix are 'fro', 'nuc', 1, 2 and inf"),
    ("matrix_power(A, 1000)", 1, "the limit is 64"),
    ("2**10000 * x", 1, "too large to write out"),
    ("x/0", 3, "division by zero"),
    ("trace(X)", 1, "a square matrix is expected; this one has the shape (m, n)"),
    ("zeros((m, c))", 1, "a size must be a whole number or a size that a shape names"),
    ("2 x", 3, "write * to multiply"),
    ("max(X, Y, axis=0)", 1, "max of several arrays has no axis"),
    ("not x", 5, "a condition such as x >= 0"),
    ("where(x > 0 & x < 1, 1, 0)", 11, "bind more tightly than a comparison"),
    ("squeeze(X, 0)", 1, "only axes of size 1"),
    ("outer(X, x)", 1, "outer takes two vectors"),
    ("x" + "[:]" * 2000, 1, "nested deeper than 150"),
    ("x + " * 3000 + "x", 1, "deep"),
]


@pytest.mark.parametrize(("text", "column", "message"), MISTAKES)
def test_mistakes_are_named_with_their_place(text, column, message):
    with pytest.raises(FormulaError) as caught:
        parse_array(text, FUNCTIONS, SHAPES, where="model.toml, stage y")
    said = str(caught.value)
    assert message in said
    if "deep" not in message:
        assert f"model.toml, stage y, column {column}: " in said


PLACED = [
    ((3, 4), (("int", Integer(1)), ("slice", Integer(3), Integer(2), Integer(-2)))),
    ((3, 4), (("new",), ("slice", Integer(1), Integer(2), Integer(1)))),
    ((3,), (("slice", Integer(0), Integer(3), Integer(1)), ("new",))),
    ((2, 3), (("int", Integer(0)), ("int", Integer(2)))),
]


@pytest.mark.parametrize(("shape", "key"), PLACED)
def test_place_puts_an_array_where_its_key_stands(shape, key):
    wanted = np.zeros(shape)
    slices = {
        "int": lambda k: int(k),
        "new": lambda: None,
        "slice": lambda start, size, step: int(start) + int(step) * np.arange(int(size)),
    }
    place = tuple(slices[kind](*rest) for kind, *rest in key)
    values = np.random.default_rng(3).uniform(1, 2, np.zeros(shape)[place].shape)
    wanted[place] += values
    leaf = Leaf(tuple(map(Integer, values.shape)), "_0")
    full = tuple(map(Integer, shape))
    tree = Apply(full, "place", (leaf,), (("key", key), ("shape", full)))
    np.testing.assert_array_equal(value_of(tree, ["v"], {"v": values}, {}), wanted)
