"""Array formulas as text: brackets, signs, slices and options as NumPy's language has them."""

from __future__ import annotations

import pytest
from array_trees import divide, matmul, negative
from sympy import Integer, Rational, oo, symbols

from symderive.formulas.arrays.op import add, apply, multiply, number, total, transpose
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree
from symderive.formulas.arrays.text import text
from symderive.formulas.functions import FUNCTIONS

m, n = symbols("m n")
X, A, w, a, b = (
    Leaf((m, n), "X"),
    Leaf((n, n), "A"),
    Leaf((n,), "w"),
    Leaf((n,), "a"),
    Leaf((n,), "b"),
)
Z = Leaf((Integer(5), Integer(3)), "Z")


def index(tree: Tree, *key: tuple[object, ...]) -> Tree:
    return apply("index", tree, key=key)


PLACED = "outer(eye(m)[0], a)"
"""What only results hold, in words that are read as other operations."""

INVERSE = apply("inv", A)
CASES = [
    (divide(matmul(transpose(X), X), number(m)), "X.T @ X/m"),
    (negative(matmul(transpose(INVERSE), A, transpose(INVERSE))), "-inv(A).T @ A @ inv(A).T"),
    (matmul(A, matmul(A, a)), "A @ (A @ a)"),
    (matmul(A, add(a, b)), "A @ (a + b)"),
    (matmul(transpose(add(A, A)), a), "(A + A).T @ a"),
    (transpose(matmul(X, A)), "(X @ A).T"),
    (matmul(A, multiply(a, b)), "A @ (a*b)"),
    (multiply(matmul(A, a), b), "A @ a*b"),
    (add(a, negative(b)), "a - b"),
    (add(a, negative(add(a, b))), "a - (a + b)"),
    (add(add(a, b), negative(multiply(number(2), b))), "a + b - 2*b"),
    (add(negative(a), b), "-a + b"),
    (add(a, add(a, b)), "a + (a + b)"),
    (negative(add(a, b)), "-(a + b)"),
    (negative(negative(a)), "-(-a)"),
    (multiply(a, negative(b)), "a*(-b)"),
    (divide(a, multiply(a, b)), "a/(a*b)"),
    (multiply(divide(a, b), b), "a/b*b"),
    (multiply(a, divide(a, b)), "a*(a/b)"),
    (multiply(number(Rational(1, 2)), a), "1/2*a"),
    (multiply(number(Rational(3, 20)), a), "0.15*a"),
    (apply("power", a, number(2)), "a**2"),
    (apply("power", negative(a), number(2)), "(-a)**2"),
    (negative(apply("power", a, number(2))), "-a**2"),
    (apply("power", a, number(-1)), "a**-1"),
    (apply("power", a, number(Rational(1, 2))), "a**(1/2)"),
    (apply("power", apply("power", a, number(2)), b), "(a**2)**b"),
    (apply("power", apply("sigmoid", a), number(m - 1)), "sigmoid(a)**(m - 1)"),
    (divide(total(a), number(m * n)), "sum(a)/(m*n)"),
    (total(X), "sum(X)"),
    (total(X, [0]), "sum(X, axis=0)"),
    (total(X, [1], True), "sum(X, axis=1, keepdims=True)"),
    (apply("eye", size=n), "eye(n)"),
    (apply("broadcast_to", number(0), shape=(m, n)), "zeros((m, n))"),
    (apply("broadcast_to", number(1), shape=(n,)), "ones(n)"),
    (apply("broadcast_to", number(7), shape=(n,)), "full(n, 7)"),
    (apply("norm", a, axis=(0,), keepdims=False, ord=Integer(2)), "norm(a)"),
    (apply("norm", a, axis=(0,), keepdims=False, ord=oo), 'norm(a, ord="inf")'),
    (apply("softmax", X, axis=(1,)), "softmax(X)"),
    (apply("softmax", X, axis=(0,)), "softmax(X, axis=0)"),
    (apply("concatenate", a, b, axis=(0,)), "concatenate([a, b])"),
    (apply("stack", a, b, axis=(1,)), "stack([a, b], axis=1)"),
    (apply("triu", A, k=1), "triu(A, 1)"),
    (apply("diag", apply("diagonal", A)), "diag(diagonal(A))"),
    (apply("broadcast_to", a, shape=(m, n)), "broadcast_to(a, (m, n))"),
    (transpose(Leaf((m, n, n), "T"), (0, 2, 1)), "transpose(T, (0, 2, 1))"),
    (apply("einsum", X, w, spec="ij,j->i"), 'einsum("ij,j->i", X, w)'),
    (apply("where", apply("Gt", a, add(b, a)), a, number(0)), "where(a > b + a, a, 0)"),
    (
        apply("logical_not", apply("logical_and", apply("Lt", a, b), apply("LtE", b, a))),
        "not (a < b and b <= a)",
    ),
    (
        apply("logical_or", apply("Lt", a, b), apply("logical_and", apply("Eq", b, a),
                                                      apply("GtE", a, b))),
        "a < b or b == a and a >= b",
    ),
    (index(X, ("slice", 0, m, 1), ("int", 0)), "X[:, 0]"),
    (index(X, ("int", m - 1)), "X[-1]"),
    (index(Z, ("int", 4)), "Z[4]"),
    (index(w, ("slice", 1, n - 1, 1)), "w[1:]"),
    (index(w, ("slice", 0, n - 2, 1)), "w[:-2]"),
    (index(w, ("slice", n - 1, n, -1)), "w[::-1]"),
    (index(Z, ("slice", 0, Integer(3), 2)), "Z[::2]"),
    (index(Z, ("slice", 1, Integer(2), 1), ("new",)), "Z[1:3, None]"),
    (index(add(a, b), ("new",), ("slice", 0, n, 1)), "(a + b)[None, :]"),
    (
        Apply((m, n), "place", (a,), (("key", (("int", 0),)), ("shape", (m, n)))),
        PLACED,
    ),
    (
        Apply(
            (n + 3,),
            "place",
            (w,),
            (("key", (("slice", Integer(1), n, Integer(1)),)), ("shape", (n + 3,))),
        ),
        "pad(w, (1, 2))",
    ),
    (apply("stack", apply("stack", a, b, axis=(0,)), apply("stack", b, a, axis=(0,)), axis=(0,)),
     "stack([[a, b], [b, a]])"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "written"), CASES, ids=[written for _, written in CASES])
def test_trees_are_written_with_the_brackets_that_python_needs(tree: Tree, written: str) -> None:
    assert text(tree) == written


SHAPES = {leaf.name: leaf.shape for leaf in (X, A, w, a, b, Z)} | {
    "T": (m, n, n),
    "Y": (m, n),
    "B": (n, n),
    "x": (n,),
    "y": (n,),
    "p": (Integer(3),),
}


def read(written: str) -> Tree:
    return read_array(written, FUNCTIONS, SHAPES)


def normal(tree: Tree) -> Tree:
    """Sums and products flat, and the minus of a first factor in front of its product."""
    if not isinstance(tree, Apply):
        return tree
    args = tuple(map(normal, tree.args))
    first = args[0] if args else None
    product = tree.op in ("matmul", "multiply", "divide")
    if product and isinstance(first, Apply) and first.op == "negative":
        whole = Apply(tree.shape, tree.op, (first.args[0], *args[1:]), tree.options)
        return negative(normal(whole))
    if tree.op in ("add", "multiply") and isinstance(first, Apply) and first.op == tree.op:
        args = (*first.args, *args[1:])
    return Apply(tree.shape, tree.op, args, tree.options)


@pytest.mark.parametrize(
    ("tree", "written"),
    [(tree, written) for tree, written in CASES if written != PLACED],
    ids=[written for _, written in CASES if written != PLACED],
)
def test_what_is_written_is_read_back(tree: Tree, written: str) -> None:
    if isinstance(tree, Apply) and tree.op.startswith("logical"):  # no formula by itself
        tree, written = apply("where", tree, a, b), f"where({written}, a, b)"
    assert normal(read(written)) == normal(tree)


EXAMPLES = [row.example for row in OPS.values() if row.example]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_operation_is_written_as_the_reader_reads_it(example: str) -> None:
    tree = read(example)
    assert read(text(tree)) == tree


def test_scalars_of_one_matrix_are_gathered() -> None:
    s, t = Leaf((), "s"), Leaf((), "t")
    identity = apply("eye", size=n)
    assert text(plus([multiply(s, identity), negative(multiply(t, identity))])) == "(s - t)*eye(n)"
    assert text(plus([multiply(s, A), multiply(t, A)])) == "(s + t)*A"
