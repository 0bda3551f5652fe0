"""Programs of arrays: every operation against NumPy, stable forms, order of products, errors."""

import contextlib
import re

import numpy as np
import pytest
from sympy import Expr, Integer, S, Symbol
from test_array_ops import EXAMPLES, NUMPY, arrays_at, numpy_answer
from test_array_ops import SHAPES as TEXT_SHAPES
from test_array_ops import SIZES as TEXT_SIZES

from symderive import Model, derive
from symderive.errors import SymderiveError, UnknownChoiceError, ValueMissingError
from symderive.formulas.arrays import ops
from symderive.formulas.arrays.ops import add, apply, multiply, number, total, transpose
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.numeric import array_blocked, train, update
from symderive.numeric.array_blocked import emit_fast
from symderive.numeric.array_program import ArrayFunction
from symderive.numeric.python_backend import load


def root_mean_square(x: np.ndarray, axis: object = -1, eps: float = 1e-5) -> np.ndarray:
    return np.sqrt(np.mean(x**2, axis=axis) + eps)


NUMPY.setdefault("rms", root_mean_square)
NUMPY.setdefault("deviation", lambda x, axis=-1: np.sqrt(np.var(x, axis=axis) + 1e-5))

m, n, p = Symbol("m"), Symbol("n"), Symbol("p")
SHAPES = {
    "X": (m, n),
    "Z": (m, n),
    "W": (n, p),
    "A": (n, n),
    "B": (n, n),
    "u": (m,),
    "v": (n,),
    "w": (n,),
    "s": (),
    "c": (),
}
X, Z, W, A, B, u, v, w, s, c = (Leaf(shape, name) for name, shape in SHAPES.items())
T = (m, n, p)
T3 = Leaf(T, "T3")
SIZES = [
    {"m": 3, "n": 4, "p": 2},
    {"m": 1, "n": 1, "p": 1},
    {"m": 5, "n": 1, "p": 3},
    {"m": 1, "n": 3, "p": 1},
    {"m": 0, "n": 2, "p": 3},
    {"m": 2, "n": 0, "p": 1},
]


# A slow and plain interpreter, to compare with --------------------------------------------------


def run(tree: Tree, values: dict[str, np.ndarray], sizes: dict[str, int]) -> np.ndarray:
    def size(expression: Expr) -> int:
        return int(expression.xreplace({Symbol(k): Integer(v) for k, v in sizes.items()}))

    if isinstance(tree, Leaf):
        return np.asarray(values[tree.name] if tree.name in values else sizes[tree.name] * 1.0)
    if isinstance(tree, Number):
        found = tree.value.xreplace({Symbol(k): Integer(v) for k, v in sizes.items()})
        return np.asarray(float(found))
    assert isinstance(tree, Apply)
    args = [run(arg, values, sizes) for arg in tree.args]
    options = dict(tree.options)
    if tree.op in PLAIN:
        return np.asarray(PLAIN[tree.op](*args))
    if tree.op == "mean":
        count = np.prod([args[0].shape[axis] for axis in options["axis"]], dtype=float)
        return np.add.reduce(args[0], axis=options["axis"], keepdims=options["keepdims"]) / count
    if tree.op in ("sum", "max", "min", "prod"):
        reduction = getattr(np, tree.op)
        return np.asarray(reduction(args[0], axis=options["axis"], keepdims=options["keepdims"]))
    if tree.op == "einsum":
        return np.einsum(options["spec"], *args)
    if tree.op == "transpose":
        return args[0].transpose(options["axes"])
    if tree.op == "eye":
        return np.eye(size(options["size"]))
    if tree.op == "broadcast_to":
        return np.broadcast_to(args[0], tuple(map(size, options["shape"])))
    if tree.op in ("index", "place"):
        key = []
        for kind, *rest in options["key"]:
            if kind == "new":
                key.append(None)
            elif kind == "int":
                key.append(size(rest[0]))
            else:
                start, length, step = map(size, rest)
                key.append(start + step * np.arange(length))
        if tree.op == "index":
            result = args[0]
            axis = 0
            for part in key:
                if part is None:
                    result = np.expand_dims(result, axis)
                    axis += 1
                else:
                    result = np.take(result, part, axis=axis)
                    axis += np.ndim(part)
            return result
        result = np.zeros(tuple(map(size, options["shape"])))
        axes = [range(k) for k in result.shape]
        for axis, part in enumerate(key):
            axes[axis] = np.atleast_1d(part)
        result[np.ix_(*axes)] += args[0].reshape([len(a) for a in axes])
        return result
    raise AssertionError(tree.op)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.where(z >= 0, 1 / (1 + np.exp(-abs(z))), 1 - 1 / (1 + np.exp(-abs(z))))


PLAIN = {
    "add": lambda *a: sum(a),
    "negative": np.negative,
    "multiply": lambda *a: np.prod(np.broadcast_arrays(*a), axis=0),
    "divide": np.divide,
    "power": np.power,
    "where": np.where,
    "Lt": np.less,
    "LtE": np.less_equal,
    "Gt": np.greater,
    "GtE": np.greater_equal,
    "Eq": np.equal,
    "NotEq": np.not_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "matmul": np.matmul,
    "diag": np.diag,
    "diagonal": np.diagonal,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sin": np.sin,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sigmoid": sigmoid,
    "softplus": lambda z: np.logaddexp(0, z),
}


def values_at(sizes: dict[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {**SHAPES, "T3": T}
    made = {
        name: random.normal(size=[int(sizes[str(x)]) for x in shape])
        for name, shape in shapes.items()
    }
    for name in ("A", "B"):
        made[name] = made[name] @ made[name].T + 2 * np.eye(sizes["n"])
    return made


def inputs_of(*trees: Tree) -> dict[str, tuple[Expr, ...]]:
    found = {t.name: t.shape for tree in trees for t in tree.walk() if isinstance(t, Leaf)}
    return found | {"X": (m, n), "W": (n, p)}


def function_of(tree: Tree, **options: object) -> ArrayFunction:
    return ArrayFunction([("y", tree)], inputs_of(tree), "y", {}, **options)


def check(tree: Tree, sizes: dict[str, int], tolerance: float = 1e-11) -> None:
    values = values_at(sizes)
    f = function_of(tree)
    with np.errstate(all="ignore"):
        expected = run(tree, values, sizes)
    found = f.value_only(**{name: values[name] for name in f.inputs})
    assert np.shape(found) == expected.shape, f.source
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=f.source)


def axis(*axes: int, keepdims: bool = False) -> dict[str, object]:
    return {"axis": axes, "keepdims": keepdims}


def sliced(start: object, size: object, step: object = 1) -> tuple[object, ...]:
    return ("slice", S(start), S(size), S(step))


def placed(tree: Tree, key: tuple[object, ...], shape: tuple[Expr, ...]) -> Tree:
    return Apply(shape, "place", (tree,), (("key", key), ("shape", shape)))


def column(tree: Tree) -> Tree:
    return apply("index", tree, key=(sliced(0, tree.shape[0]), ("new",)))


def minus(tree: Tree) -> Tree:
    return apply("negative", tree)


one = number(1)
pp = apply("exp", X)


def across(tree: Tree) -> Tree:
    """Values [i, j, l] at [i, j, i, l] of an array that is 0 elsewhere."""
    whole, new = sliced(0, n), ("new",)
    same = apply("index", apply("eye", size=n), key=(whole, new, whole, new))
    return multiply(same, apply("index", tree, key=(whole, whole, new, whole)))


less_than_whole = multiply(
    apply("index", Z, key=(sliced(0, m), sliced(0, n), ("new",))),
    add(
        apply("index", apply("eye", size=n), key=(("new",), sliced(0, n), sliced(0, n))),
        minus(apply("index", Z, key=(sliced(0, m), ("new",), sliced(0, n)))),
    ),
)
CASES = {
    "add": add(X, v, s),
    "negative": minus(X),
    "multiply": multiply(X, v, column(u), s),
    "divide": apply("divide", X, add(number(2), apply("power", v, number(2)))),
    "power": apply("power", X, number(3)),
    "power of a number": apply("power", number(2), X),
    "power of an array": apply("power", apply("exp", X), v),
    "where": apply("where", apply("Gt", X, Z), X, minus(v)),
    "logic": apply(
        "where",
        apply(
            "logical_or",
            apply("logical_and", apply("Lt", X, Z), apply("GtE", X, number(0))),
            apply("logical_not", apply("NotEq", X, v)),
        ),
        X,
        Z,
    ),
    "matmul": apply("matmul", X, W),
    "matmul, vectors": apply("matmul", v, w),
    "matmul, vector first": apply("matmul", u, X),
    "matmul, vector last": apply("matmul", X, v),
    "matmul, transposed": apply("matmul", transpose(W), transpose(X)),
    "matmul, batch": apply("matmul", T3, transpose(T3, (0, 2, 1))),
    "matmul, batch and matrix": apply("matmul", T3, transpose(W)),
    "einsum": apply("einsum", X, W, spec="ij,jk->ki"),
    "einsum, rows": apply("einsum", X, Z, spec="ij,ij->i"),
    "einsum, three": apply("einsum", T3, X, W, spec="ijk,ij,jk->j"),
    "einsum, outer": apply("einsum", u, v, spec="i,j->ji"),
    "einsum, batch": apply("einsum", T3, T3, spec="ijk,ijl->ikl"),
    "square of a product": apply("einsum", X, Z, X, Z, spec="si,sk,sj,sl->ikjl"),
    "square of a product, turned": apply("einsum", X, Z, Z, X, spec="sj,si,sk,sl->ikjl"),
    "square with weights": apply("einsum", apply("exp", u), X, Z, X, Z, spec="s,si,sj,sk,sl->ijkl"),
    "no square": apply("einsum", X, X, Z, Z, spec="si,sk,sj,sk->ikj"),
    "spread": across(apply("einsum", X, Z, Z, spec="si,sj,sl->ijl")),
    "spread and whole": add(
        apply("einsum", X, Z, X, Z, spec="si,sj,sk,sl->ijkl"),
        minus(across(apply("einsum", X, Z, Z, spec="si,sj,sl->ijl"))),
    ),
    "sum with a diagonal": apply("einsum", X, X, less_than_whole, spec="si,sj,skl->ikjl"),
    "sum with a diagonal, squared": apply(
        "einsum", X, apply("power", less_than_whole, number(2)), spec="si,skl->ikl"
    ),
    "sum with a diagonal, alone": apply("einsum", less_than_whole, spec="skl->kl"),
    "spread, turned": transpose(
        across(apply("einsum", X, Z, Z, spec="si,sj,sl->ijl")), (3, 0, 2, 1)
    ),
    "transpose": transpose(T3, (2, 0, 1)),
    "sum": total(X),
    "sum, axis": total(X, (0,)),
    "sum, keepdims": add(X, total(X, (1,), True)),
    "sum of a number": total(apply("broadcast_to", one, shape=(m, n))),
    "sum of a product": total(multiply(X, Z)),
    "sum of a product by rows": total(multiply(X, Z, v), (1,)),
    "sum of a square": total(apply("power", X, number(2))),
    "sum of broadcast": total(multiply(column(u), v)),
    "mean": apply("mean", X, **axis(0)),
    "mean of all": apply("mean", multiply(X, X), **axis(0, 1)),
    "index, leading": apply("index", transpose(X), key=(sliced(0, n),)),
    "index, columns": apply("index", X, key=(sliced(0, m), sliced(0, n))),
    "index, backwards": apply("index", v, key=(sliced(n - 1, n, -1),)),
    "index, new": multiply(column(u), v),
    "place": placed(u, (sliced(1, m, 2),), (2 * m + 1,)),
    "place, row": placed(v, (("int", S(1)), sliced(0, n)), (Integer(3), n)),
    "broadcast_to": apply("broadcast_to", v, shape=(m, n)),
    "eye": add(A, multiply(s, apply("eye", size=n))),
    "eye @": apply("matmul", A, apply("eye", size=n)),
    "trace of eye": total(apply("diagonal", apply("eye", size=n))),
    "diag": apply("diag", v),
    "diag @": apply("matmul", apply("diag", u), X),
    "@ diag": apply("matmul", X, apply("diag", v)),
    "diag + ": add(apply("diag", v), A),
    "diagonal": apply("diagonal", A),
    "diagonal of diag": apply("diagonal", apply("diag", v)),
    "diagonal of a product": apply("diagonal", apply("matmul", A, B)),
    "trace of a product": total(apply("diagonal", apply("matmul", A, transpose(B)))),
    "inv": apply("inv", A),
    "inv @ vector": apply("matmul", apply("inv", A), v),
    "inv @ matrix": apply("matmul", apply("inv", A), W),
    "matrix @ inv": apply("matmul", X, apply("inv", A)),
    "quadratic form of inv": apply("matmul", v, apply("matmul", apply("inv", A), v)),
    "inv.T @ vector": apply("matmul", transpose(apply("inv", A)), v),
    "inv twice": add(
        apply("inv", A), apply("matmul", apply("matmul", apply("inv", A), B), apply("inv", A))
    ),
    "det": apply("det", A),
    "logdet": apply("logdet", A),
    "log of det": apply("log", apply("det", A)),
    "functions": apply("tanh", add(apply("sigmoid", X), apply("softplus", v))),
    "chain": apply("matmul", apply("matmul", transpose(X), X), v),
    "X.T diag X": apply("matmul", apply("matmul", transpose(X), apply("diag", u)), X),
    "X.T diag² X": apply(
        "matmul", apply("matmul", transpose(X), apply("diag", apply("exp", u))), X
    ),
    "outer chain": apply("matmul", column(u), transpose(column(v))),
    "softmax by hand": apply("divide", pp, total(pp, (1,), True)),
    "softmax over rows": apply("divide", pp, total(pp, (0,))),
    "softmax of all": apply("divide", pp, total(pp)),
    "logsumexp by hand": apply("log", total(pp, (1,))),
    "log softmax by hand": add(X, minus(column(apply("log", total(pp, (1,)))))),
    "cross entropy": total(
        multiply(Z, apply("log", apply("divide", pp, total(pp, (1,), True)))), (1,)
    ),
    "everything cancels": add(X, minus(X)),
    "sum of what cancels": total(apply("power", add(X, v), number(0))),
    "two scalars": multiply(s, c, add(u, apply("matmul", X, v))),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_operations_are_numpys(name: str, sizes: dict[str, int]) -> None:
    if 0 in sizes.values() and ("softmax" in name or "cross" in name):
        pytest.skip("NumPy's own mean of nothing is nan")
    check(CASES[name], sizes)


def by_text(text: str, sizes: dict[str, int], indexed: bool) -> None:
    tree, names, _ = parse_array(text, FUNCTIONS, TEXT_SHAPES)
    arrays = arrays_at(sizes)
    expected = numpy_answer(text, arrays, sizes)
    given = {f"_{place}": arrays[name] for place, name in enumerate(names)}
    shapes = {f"_{place}": TEXT_SHAPES.get(name, ()) for place, name in enumerate(names)}
    if indexed:
        indices = ops.indices_of(tree.shape)
        options = (("formula", ops.entry(tree, indices)), ("indices", indices))
        leaves = tuple(Leaf(shape, name) for name, shape in shapes.items())
        tree = Apply(tree.shape, "index_notation", leaves, options)
    shapes |= {"sizes": (Symbol("m"), Symbol("n"))}
    given |= {"sizes": np.zeros((sizes["m"], sizes["n"]))}
    f = ArrayFunction([("result", tree)], shapes, "result", {})
    found = f.value_only(**given)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=f.source)


@pytest.mark.parametrize("indexed", [False, True], ids=["tree", "indices"])
@pytest.mark.parametrize(("row", "text"), EXAMPLES, ids=[row.name for row, _ in EXAMPLES])
def test_every_row_is_numpys(row: ops.Op, text: str, indexed: bool) -> None:
    checked = []
    for rows, columns in TEXT_SIZES:
        sizes = {"m": rows, "n": columns}
        with contextlib.suppress(ValueError, RuntimeWarning, ZeroDivisionError, IndexError):
            numpy_answer(text, arrays_at(sizes), sizes)
            checked.append(sizes)
    for sizes in checked:
        if indexed and row.name in ("roll", "diagonal_sums") and not sizes["n"]:
            continue  # the index formula of such a row names entries, and there are none
        by_text(text, sizes, indexed)
    assert checked


# Index notation ---------------------------------------------------------------------------------

INDEXED = [name for name in CASES if "place" not in name]


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize("sizes", SIZES[:3], ids=str)
def test_index_notation_runs(name: str, sizes: dict[str, int]) -> None:
    tree = CASES[name]
    indices = ops.indices_of(tree.shape)
    formula = ops.entry(tree, indices)
    used = tuple({t for t in tree.walk() if isinstance(t, Leaf)})
    options = (("formula", formula), ("indices", indices))
    indexed = Apply(tree.shape, "index_notation", used, options)
    values = values_at(sizes)
    with np.errstate(all="ignore"):
        expected = run(tree, values, sizes)
    f = function_of(indexed)
    found = f.value_only(**{name: values[name] for name in f.inputs})
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=f.source)


# Stable forms -------------------------------------------------------------------------------------


def logistic(**options: object) -> ArrayFunction:
    """Logistic regression: mean cross-entropy and its gradient."""
    a1, a2, y, slope = (Leaf((m,), name) for name in ("A1", "A2", "Y", "L_D_A1"))
    definitions = [
        ("A1", add(apply("matmul", X, v), s)),
        ("A2", apply("sigmoid", a1)),
        ("L", apply("mean", apply("binary_cross_entropy", a2, y), **axis(0))),
        ("L_D_A1", apply("divide", add(a2, minus(y)), number(m))),
        ("L_D_v", apply("matmul", transpose(X), slope)),
        ("L_D_s", total(slope)),
    ]
    inputs = {"X": (m, n), "v": (n,), "s": (), "Y": (m,)}
    return ArrayFunction(definitions, inputs, "L", {"v": "L_D_v", "s": "L_D_s"}, **options)


def test_cross_entropy_of_a_sigmoid_keeps_every_digit() -> None:
    at = {"X": np.array([[800.0], [-800.0], [40.0]]), "v": [1.0], "s": 0.0, "Y": [1.0, 0.0, 1.0]}
    value, gradient = logistic()(**at)
    tail = np.exp(-40.0)
    assert value == pytest.approx(tail / 3, rel=1e-15)
    assert gradient["v"] == pytest.approx(-40 * tail / 3, rel=1e-14)
    assert gradient["s"] == pytest.approx(-tail / 3, rel=1e-14)
    naive, _ = logistic(stable=False)(**at)
    assert naive != pytest.approx(tail / 3, rel=1e-3)


def evaluated(tree: Tree, **values: object) -> np.ndarray:
    return function_of_only(tree).value_only(**values)


def function_of_only(tree: Tree, **options: object) -> ArrayFunction:
    found = {t.name: t.shape for t in tree.walk() if isinstance(t, Leaf)}
    return ArrayFunction([("y", tree)], found, "y", {}, **options)


FAR = np.array([[800.0, 0.0], [-800.0, -801.0], [0.0, 1.0]])
STABLE = {
    "logsumexp by hand": np.logaddexp(FAR[:, 0], FAR[:, 1]),
    "softmax by hand": sigmoid(np.stack([FAR[:, 0] - FAR[:, 1], FAR[:, 1] - FAR[:, 0]], axis=1)),
    "log softmax by hand": -np.logaddexp(0, FAR[:, ::-1] - FAR),
}


@pytest.mark.parametrize("name", STABLE)
def test_far_from_zero(name: str) -> None:
    found = evaluated(CASES[name], X=FAR)
    np.testing.assert_allclose(found, STABLE[name], rtol=1e-15)
    with np.errstate(all="ignore"):
        naive = function_of_only(CASES[name], stable=False).value_only(X=FAR)
    assert not np.allclose(naive, STABLE[name])


def test_log_of_a_softmax_stage_is_finite() -> None:
    """The stage is named: the logarithm looks through the name."""
    share = Leaf((m, n), "P")
    definitions = [
        ("P", CASES["softmax by hand"]),
        ("L", minus(total(multiply(Z, apply("log", share))))),
    ]
    f = ArrayFunction(definitions, {"X": (m, n), "Z": (m, n)}, "L", {})
    assert f.value_only(X=[[800.0, -800.0]], Z=[[0.0, 1.0]]) == 1600.0
    assert list(f.stages(X=[[800.0, -800.0]], Z=[[0.0, 1.0]])["P"][0]) == [1.0, 0.0]


NORMS = [[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0], [3.0, -4.0]]


def test_a_norm_neither_overflows_nor_underflows() -> None:
    x = np.array(NORMS)
    expected = np.array([5e200, 5e-200, 0.0, 5.0])
    norm = apply("norm", X, ord=S(2), axis=(1,), keepdims=False)
    np.testing.assert_allclose(evaluated(norm, X=x), expected, rtol=1e-15)
    whole = apply("norm", X, ord=S(2), axis=(0, 1), keepdims=True)
    for row, size in zip(x, expected, strict=True):
        np.testing.assert_allclose(evaluated(whole, X=row[None]), [[size]], rtol=1e-15)


def test_the_determinant_may_overflow() -> None:
    big = 1e200 * np.eye(3)
    assert evaluated(CASES["log of det"], A=big) == pytest.approx(3 * np.log(1e200))


def test_a_positive_definite_matrix_takes_cholesky() -> None:
    f = function_of_only(CASES["logdet"], positive=["A"])
    matrix = values_at(SIZES[0])["A"]
    assert "cholesky" in f.source
    assert f.value_only(A=matrix) == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-14)
    with pytest.raises(SymderiveError, match="no factors"):
        f.value_only(A=-matrix)


# The order of products ----------------------------------------------------------------------------

SOURCES = {
    "chain": "X.T @ (X @ v)",
    "diag @": "u[:, None] * X",
    "@ diag": "v * X",
    "trace of a product": "np.vdot(A, B)",
    "inv @ vector": "np.linalg.solve(A, v)",
    "sum of a product": "np.vdot(X, Z)",
    "sum of broadcast": "np.sum(u) * np.sum(v)",
    "X.T diag X": "(u[:, None] * X).T @ X",
    "X.T diag² X": "t1.T @ t1",
    "inv twice": "t1 + t1 @ B @ t1",
    "logsumexp by hand": "np.max(X, axis=1)",
    "square of a product": "np.tensordot(t1, t1",
    "square with weights": "np.tensordot(t1, t1",
    "spread": "np.zeros((n, n, n, n))",
    "spread and whole": "...] += ",
}


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_larger_than_needed_is_made(name: str) -> None:
    source = function_of_only(CASES[name]).source
    assert SOURCES[name] in source, source
    assert "eye" not in source


def test_a_common_factor_is_multiplied_once() -> None:
    share, slope = Leaf((m, m), "P"), Leaf((m, m), "D")
    inner = multiply(share, slope)
    rows = total(inner, (1,), keepdims=True)
    tree = add(
        apply("matmul", inner, X), minus(multiply(rows, apply("matmul", share, X))), multiply(s, Z)
    )
    f = function_of_only(tree)
    assert f.source.count("@") == 1
    random = np.random.default_rng(3)
    values = {name: random.normal(size=(4, 4)) for name in "PD"}
    values |= {"X": random.normal(size=(4, 3)), "Z": random.normal(size=(4, 3)), "s": 0.7}
    weights = values["P"] * values["D"]
    expected = weights @ values["X"] + 0.7 * values["Z"]
    expected -= weights.sum(1, keepdims=True) * (values["P"] @ values["X"])
    np.testing.assert_allclose(f.value_only(**values), expected, rtol=1e-12, atol=1e-12)


def test_terms_with_a_common_factor_count_no_axis_twice() -> None:
    """An axis that was summed alone is no axis that is missing."""
    loss = (
        "sum(D*E*reshape(X, (m, 2, 3))) + sum(sum(D, axis=2)*sum(E*reshape(X, (m, 2, 3)), axis=2))"
    )
    shapes = {"X": "m 6", "D": "m 2 3", "E": "m 2 3"}
    f = derive(Model({"L": loss}, parameters=["X"], shapes=shapes)).function()
    random = np.random.default_rng(3)
    values = {"X": random.normal(size=(4, 6))}
    values |= {name: random.normal(size=(4, 2, 3)) for name in "DE"}
    expected = (values["D"] + values["D"].sum(2, keepdims=True)) * values["E"]
    np.testing.assert_allclose(f(**values)[1]["X"], expected.reshape(4, 6), rtol=1e-12)


def test_a_shared_sum_is_computed_once() -> None:
    """A view of it is used twice: neither use may take its product apart."""
    rows = total(multiply(X, Z), (1,), keepdims=True)
    tree = add(total(multiply(rows, X), (0,)), apply("exp", total(multiply(rows, Z), (0,))))
    source = function_of_only(tree).source
    assert source.count("einsum") + source.count("np.sum") == 1, source


def test_equal_parts_are_computed_once() -> None:
    product = apply("matmul", X, W)
    tree = add(apply("exp", product), apply("sin", product))
    assert function_of_only(tree).source.count("X @ W") == 1


# Calls ------------------------------------------------------------------------------------------


def test_blocks_of_rows_change_nothing() -> None:
    random = np.random.default_rng(1)
    rows = 200_011
    f = logistic()
    at = {
        "X": random.normal(size=(rows, 7)),
        "v": random.normal(size=7),
        "s": 0.5,
        "Y": (random.random(rows) < 0.5) * 1.0,
    }
    program = f.program(None, {"m": rows, "n": 7})
    assert "for start in range" in (emit_fast(program, {"m": rows, "n": 7}) or "")
    value, gradient = f(**at)
    z = at["X"] @ at["v"] + 0.5
    expected = (np.logaddexp(0, z) - at["Y"] * z).mean()
    assert value == pytest.approx(expected, rel=1e-13)
    slope = (sigmoid(z) - at["Y"]) / rows
    np.testing.assert_allclose(gradient["v"], at["X"].T @ slope, rtol=1e-11, atol=1e-14)
    stages = f.stages(**at)
    np.testing.assert_allclose(stages["A1"], z, rtol=1e-13)
    np.testing.assert_allclose(stages["A2"], sigmoid(z), rtol=1e-12)
    assert stages["L_D_A1"].shape == (rows,)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", [{"m": 97, "n": 3, "p": 2}, {"m": 3, "n": 97, "p": 2}], ids=str)
def test_blocks_are_the_whole(
    name: str, sizes: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small blocks, so that every operation that can goes through a loop of many."""
    for setting, value in {"SMALLEST": 4, "LARGEST": 8, "CACHE": 1000}.items():
        monkeypatch.setattr(array_blocked, setting, value)
    f, values = function_of(CASES[name]), values_at(sizes)
    blocked = emit_fast(f.program(None, sizes), sizes)
    given = [values[i] if values[i].ndim else values[i][()] for i in f.inputs]
    if blocked is None:
        assert name not in IN_BLOCKS
        return
    with np.errstate(all="ignore"):
        (found,) = load(blocked)(*given)
        expected = run(CASES[name], values, sizes)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=blocked)


IN_BLOCKS = ("sum", "mean of all", "sum of a product")


def test_a_hundred_layers_take_linear_time() -> None:
    def steps(layers: int) -> int:
        """Lowered and written; what is counted does not depend on the machine."""
        definitions: list[tuple[str, Tree]] = []
        last: Tree = X
        for k in range(layers):
            definitions.append((f"H{k}", apply("tanh", apply("matmul", last, A))))
            last = Leaf((m, n), f"H{k}")
        definitions.append(("L", total(multiply(last, last))))
        f = ArrayFunction(definitions, {"X": (m, n), "A": (n, n)}, "L", {})
        assert f.source.count("tanh") == layers
        return len(f.program().steps)

    assert steps(100) - steps(99) == steps(3) - steps(2)


def test_training_with_array_parameters() -> None:
    random = np.random.default_rng(2)
    data = {"X": random.normal(size=(40, 3)), "Y": (random.random(40) < 0.5) * 1.0}
    start = {"v": np.zeros(3), "s": 0.0}
    f = logistic(defaults=start)
    step = update(f, data, learning_rate=0.5)
    _, gradient = f(**data)
    np.testing.assert_allclose(step.new["v"], -0.5 * gradient["v"])
    assert step.new_loss < step.old_loss
    done = train(f, data, learning_rate=0.5, steps=30)
    assert len(done.losses) == 31
    assert done.losses[-1] < done.losses[0] == step.old_loss
    assert done.end["v"].shape == (3,)
    assert isinstance(done.end["s"], float)
    assert not start["v"].any()  # the caller's array is its own


def test_float32_stays_float32() -> None:
    at = {"X": np.ones((2, 3), np.float32), "v": np.ones(3, np.float32), "s": 1, "Y": [0, 1]}
    value, gradient = logistic()(**at)
    assert value.dtype == gradient["v"].dtype == np.float32
    f = derive(Model({"L": "logdet(A + eye(n)) + x[1:] @ x[:-1]"}, shapes={"A": "n n", "x": "m"}))
    value, gradient = f.function()(A=np.eye(3, dtype=np.float32), x=np.ones(4, np.float32))
    assert value.dtype == gradient["A"].dtype == gradient["x"].dtype == np.float32


def test_results_are_the_callers_own() -> None:
    at = np.ones((2, 3))
    f = function_of_only(transpose(X))
    f.value_only(X=at)[0, 0] = 5.0
    assert at[0, 0] == 1.0


AT = {"X": np.ones((4, 3)), "v": np.ones(3), "s": 0.0, "Y": np.ones(4)}
ERRORS = {
    "sizes": ({"v": np.ones(2)}, SymderiveError, r"n = 3 in X \(m, n\) but n = 2 in v \(n,\)"),
    "axes": ({"v": 1.0}, SymderiveError, r"v has the shape \(n,\), but .* \(\); give it 1 axes"),
    "nan": ({"v": [1.0, np.nan, 1.0]}, ValueMissingError, r"v\[1\] is not a finite number"),
    "infinite number": ({"s": np.inf}, ValueMissingError, "s is inf; give it a finite number"),
    "text": ({"v": ["a", "b", "c"]}, ValueMissingError, "v is not an array of real numbers"),
    "ragged": ({"X": [[1.0], [1.0, 2.0]]}, ValueMissingError, "X is not an array of real"),
    "missing": ({"X": None}, ValueMissingError, "no value for X; pass X=…"),
    "unknown": ({"q": 1.0}, UnknownChoiceError, "unknown value 'q'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    wrong, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        logistic()(**{**AT, **wrong})


@pytest.mark.parametrize("formula", ["det(X)", "det(A + X)", "a @ X @ a*det(X)", "det(X.T @ X)"])
@pytest.mark.parametrize(
    "x", [[[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[0, 0, 0], [0, 1, 0], [0, 0, 2]]]
)
def test_a_determinant_has_a_gradient_where_there_is_no_inverse(formula, x) -> None:
    shapes = {name: shape for name, shape in {"A": "n n", "a": "n"}.items() if name in formula}
    shapes["X"] = "m n" if ".T" in formula else "n n"
    model = Model({"f": formula}, parameters=["X"], shapes=shapes)
    x = np.array(x, dtype=float)
    at = {"A": np.zeros((3, 3)), "a": x[2] - 2}
    at = {name: at[name] for name in shapes if name != "X"}
    function = derive(model).function()
    _, found = function(X=x, **at)
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[place] = 1e-5
        sides = [function.value_only(X=x + sign * step, **at) for sign in (1, -1)]
        assert found["X"][place] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-6, rel=1e-6)


def test_a_singular_matrix_is_one_error() -> None:
    with pytest.raises(SymderiveError, match="has no inverse"):
        evaluated(CASES["inv"], A=np.zeros((2, 2)))


def test_sizes_that_are_numbers_or_formulas() -> None:
    x, y = Leaf((n,), "x"), Leaf((n + 1,), "y")
    tree = add(total(x), total(y))
    with pytest.raises(
        SymderiveError, match=r"axis 0 of y has 2 entries, but .* says 3 \(n \+ 1\)"
    ):
        evaluated(tree, x=np.ones(2), y=np.ones(2))
    assert evaluated(tree, x=np.ones(2), y=np.ones(3)) == 5.0


SLIDING = {
    "running sum": "sum(sin(cumsum(x))*x)",
    "running sums of rows": "sum(sin(cumsum(X, axis=1)))",
    "running sums of columns": "sum(sin(cumsum(X, axis=0))**2)",
    "convolution": "sum(sin(convolve(x, k)))",
    "convolution inside": "sum(sin(convolve(x, k, mode='valid')))",
    "correlation": "sum(sin(correlate(x, k)))",
}


@pytest.mark.parametrize("name", SLIDING)
@pytest.mark.parametrize("rows", [3, 7])
def test_what_slides_makes_no_mask(name: str, rows: int) -> None:
    model = Model({"L": SLIDING[name]}, shapes={"x": "n", "X": "m n", "k": "3"})
    f = derive(model).function()
    assert not re.search("where|tri[lu]|eye", f.source), f.source
    random = np.random.default_rng(5)
    shapes = {"x": (rows,), "X": (2, rows), "k": (3,)}
    at = {name: random.normal(size=shapes[name]) for name in f.inputs}
    way = {name: random.normal(size=value.shape) for name, value in at.items()}
    ahead, behind = (
        f.value_only(**{name: at[name] + h * way[name] for name in at}) for h in (1e-5, -1e-5)
    )
    slope = sum(np.vdot(g, way[name]) for name, g in f(**at)[1].items())
    assert slope == pytest.approx((ahead - behind) / 2e-5, rel=1e-7, abs=1e-8)


# Runs backwards ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["::-1, ::-1", "::-1, ::-2", "3:0:-1, 1:4", "::-2, 3:0:-2", "::-1, None, ::-2", "1, ::-1"],
)
def test_several_axes_may_run_backwards(key: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 5))
    model = Model({"y": f"sum(X[{key}]**3)"}, parameters=["X"], shapes={"X": "5 5"})
    value, gradient = derive(model).function()(X=x)
    mask = np.zeros((5, 5))
    exec(f"mask[{key}] = 1", {"mask": mask})
    assert value == pytest.approx(np.sum(mask * x**3))
    np.testing.assert_allclose(gradient["X"], 3 * mask * x**2)


def test_a_choice_between_conditions_is_computed() -> None:
    stages = {"y": "sum(where(where(x > 0, 1, 0) <= where(x > 1, 1, 0), x**2, x**3))"}
    model = Model(stages, parameters=["x"], shapes={"x": "n"})
    value, gradient = derive(model).function()(x=np.array([-1.0, 0.5, 2.0]))
    assert value == pytest.approx(1 + 0.125 + 4)
    np.testing.assert_allclose(gradient["x"], [-2, 0.75, 4])


def test_the_square_of_a_norm_of_order_three_is_no_product() -> None:
    x = np.array([0.5, -2.0, 1.0])
    model = Model({"y": "norm(x, ord=3)"}, parameters=["x"], shapes={"x": "n"})
    value, gradient = derive(model).function()(x=x)
    np.testing.assert_allclose(gradient["x"], x * abs(x) / value**2)


def test_a_sum_that_is_spread_keeps_its_shape() -> None:
    model = Model({"y": "sum(A/sum(A, axis=1)[:, None] @ V)"}, parameters=["V"],
                  shapes={"A": "m n", "V": "n k"})  # fmt: skip
    a = np.arange(1.0, 7).reshape(3, 2)
    _, gradient = derive(model).function()(A=a, V=np.ones((2, 2)))
    share = (a / a.sum(1, keepdims=True)).sum(0)
    np.testing.assert_allclose(gradient["V"], np.broadcast_to(share[:, None], (2, 2)))
    assert gradient["V"].shape == (2, 2)


CHOSEN = {
    "logarithm": ({"u": "a*log(x)", "y": "sum(where(x > 0, exp(u), 0))"}, {"a": (), "x": "3"}),
    "turned round": ({"v": "log(x)", "y": "sum(where(x <= 0, 0, exp(a*v)))"}, {"a": (), "x": "3"}),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_what_fails_where_the_choice_is_zero_is_not_computed(name: str) -> None:
    stages, shapes = CHOSEN[name]
    model = Model(stages, parameters=["a", "x"], shapes={"x": shapes["x"]})
    value, gradient = derive(model).function()(a=1.5, x=np.array([-1.0, 0.0, 2.0]))

    assert value == pytest.approx(2**1.5)
    assert gradient["a"] == pytest.approx(2**1.5 * np.log(2))
    np.testing.assert_allclose(gradient["x"], [0, 0, 1.5 * 2**0.5])


WRITTEN_OUT = (
    {"y": "sqrt(sum((x - w)**2))"},
    {"s": "sum((x - w)**2)", "r": "sqrt(s)", "y": "3*r"},
    {"d": "x - w", "r": "sqrt(d @ d)", "y": "r"},
)


@pytest.mark.parametrize("stages", WRITTEN_OUT, ids=lambda stages: "_".join(stages))
def test_a_norm_written_out_has_the_convention_of_norms(stages: dict[str, str]) -> None:
    model = Model(stages, parameters=["x", "w"], shapes={"x": "2", "w": "2"})
    f = derive(model).function()
    same = np.array([1.0, 2.0])
    _, at_zero = f(x=same, w=same)
    _, gradient = f(x=same, w=same - np.array([3.0, 4.0]))

    np.testing.assert_array_equal(at_zero["x"], [0, 0])
    np.testing.assert_array_equal(at_zero["w"], [0, 0])
    scale = 3 if "s" in stages else 1
    np.testing.assert_allclose(gradient["x"], np.array([0.6, 0.8]) * scale)


def test_what_has_no_value_keeps_none() -> None:
    """Only norms have a convention: where a quotient of a stage, or a logarithm, has no limit."""
    for stages in (
        {"y": "log(sum(x**2))"},
        {"y": "sum(x**2)**(1/4)"},
        {"v": "x/sum(x**2)", "y": "sum(v)"},
        {"v": "x/norm(x)", "y": "sum(v)"},
    ):
        _, gradient = derive(Model(stages, shapes={"x": "2"})).function()(x=np.zeros(2))
        assert np.isnan(gradient["x"]).all(), stages
    value, _ = derive(Model({"v": "x/norm(x)", "y": "sum(v)"}, shapes={"x": "2"})).function()(
        x=np.zeros(2)
    )
    assert np.isnan(value)
