"""Programs of arrays: every operation against NumPy, stable forms, order of products, errors."""

import itertools

import numpy as np
import pytest
from sympy import Expr, Integer, S, Symbol

from symderive.errors import SymderiveError, UnknownChoiceError, ValueMissingError
from symderive.formulas.arrays import ops
from symderive.formulas.arrays.ops import add, apply, multiply, number, total, transpose
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.numeric.array_program import ArrayFunction

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
    return found | {name: shape for name, shape in {"X": (m, n), "W": (n, p)}.items()}


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


def test_every_row_is_tested() -> None:
    used = {t.op for tree in CASES.values() for t in tree.walk() if isinstance(t, Apply)}
    assert set(ops.OPS) - used <= {"Eq", "LtE"}



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
