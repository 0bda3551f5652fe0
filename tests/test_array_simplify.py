"""The shortest form of a tree: what it says, and that it has the same value."""

import random

import numpy as np
import pytest
from sympy import Symbol

from symderive.formulas.arrays.chains import product_of
from symderive.formulas.arrays.ops import add, apply, multiply, total, transpose
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.syntax import Leaf, Tree
from symderive.formulas.arrays.text import text
from symderive.formulas.functions import FUNCTIONS
from symderive.numeric.array_program import ArrayFunction

N = Symbol("n")
SHAPES = {"S": (N, N), "A": (N, N), "B": (N, N), "u": (N,), "v": (N,)}
SYMMETRIC = frozenset("S")

FORMS = [
    ("cholesky(S) @ cholesky(S).T", "S"),
    ("A @ inv(cholesky(S)).T @ inv(cholesky(S))", "A @ inv(S)"),
    ("inv(cholesky(S)) @ inv(cholesky(S)).T", "inv(cholesky(S)) @ inv(cholesky(S)).T"),
    ("cholesky(S).T @ cholesky(S)", "cholesky(S).T @ cholesky(S)"),
    ("cholesky(A) @ cholesky(A).T", "cholesky(A) @ cholesky(A).T"),
    ("half_tril(A) + half_tril(A.T).T", "A"),
    ("half_tril(S) + half_tril(S).T", "S"),
    ("B - half_tril(S)/2 - half_tril(S).T/2", "B - S/2"),
    ("half_tril(A) + half_tril(A).T", "half_tril(A) + half_tril(A).T"),
    ("half_tril(ones((n, n)))*A", "half_tril(A)"),
    ("triu(ones((n, n)), 1)*A", "triu(A, 1)"),
    ("u[:, None]*tril(ones((n, n)))*v", "tril(outer(u, v))"),
    ("u @ half_tril(S) @ u", "S @ u @ u/2"),
    ("A @ ones((n, n)) @ B", "A @ ones((n, n)) @ B"),
    ("A @ ones(n)", "sum(A, axis=1)"),
    ("sum(u[:, None]*A, axis=0)", "A.T @ u"),
    ("sum(A*u, axis=1)", "A @ u"),
    ("expm(A).T + expm(A.T)", "2*expm(A.T)"),
    ("expm_frechet(S, A) + expm_frechet(S, A).T", "expm_frechet(S, A + A.T)"),
    ("expm_frechet(A, B) + expm_frechet(B, A)", "expm_frechet(A, B) + expm_frechet(B, A)"),
    ("expm_frechet(A, 2*eye(n)) + sqrtm_frechet(S, S)", "2*expm(A) + inv(sqrtm(S)) @ S/2"),
    ("logm_frechet(S, S)", "eye(n)"),
    ("heaviside(A)*B + heaviside(-A)*S", "heaviside(A)*(B - S) + S"),
    ("sum(A*inv(A.T*v**2 @ A).T, axis=0)", "sum(A*inv(A.T*v**2 @ A), axis=0)"),
    ("(u @ (S @ v) + v @ (S @ u))*u", "2*(u @ (S @ v))*u"),
    ("(eye(n) - 1/n) @ v", "v - mean(v)"),
    ("((A @ u)*(u @ v))[:, None]*B + (A @ u)[:, None]*(u @ v)*v", "u @ v*(A @ u)[:, None]*(B + v)"),
    ("u @ (eye(n) + v[:, None]) @ A", "A.T @ ((eye(n) + v) @ u)"),
    ("(eye(n) + v) @ u", "(eye(n) + v) @ u"),
    ("u @ (2*eye(n) + A) @ (2*eye(n) + B)", "(2*eye(n) + B.T) @ (2*u + A.T @ u)"),
    ("unvec(cos(vec(A))*vec(B), (n, n))", "cos(A)*B"),
    ("(A.T*(B @ A.T - sum(A*B, axis=1))) @ A", "(A*(A @ B.T - sum(A*B, axis=1)[:, None])).T @ A"),
]


def read(formula: str) -> Tree:
    return read_array(formula, FUNCTIONS, SHAPES)


def values(seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.uniform(-1, 1, (3,) * len(shape)) for name, shape in SHAPES.items()}
    return {**found, "S": found["S"] @ found["S"].T + np.eye(3)}


def value(tree: Tree) -> np.ndarray:
    inputs = {name: SHAPES[name] for name in SHAPES}
    return ArrayFunction([("r", tree)], inputs, "r", {}).value_only(**values())


@pytest.mark.parametrize(("formula", "short"), FORMS)
def test_a_tree_in_its_shortest_form(formula: str, short: str) -> None:
    tree = read(formula)
    found = shortest(tree, SYMMETRIC)
    assert text(found) == short
    if "cholesky(A)" not in formula:
        np.testing.assert_allclose(value(found), value(tree), rtol=1e-11, atol=1e-12)


def drawn(source: random.Random, depth: int) -> Tree:
    """A random matrix."""
    if not depth:
        name = source.choice("SAB")
        return Leaf(SHAPES[name], name)
    inner = [drawn(source, source.randrange(depth)) for _ in range(2)]
    vector = Leaf((N,), source.choice("uv"))
    column = apply("index", vector, key=(("slice", 0 * N, N, N / N), ("new",)))
    ones = read("ones((n, n))")
    S = Leaf(SHAPES["S"], "S")  # noqa: N806
    choices = [
        lambda: apply("matmul", *inner),
        lambda: apply("matmul", *inner),
        lambda: add(*inner),
        lambda: multiply(*inner),
        lambda: transpose(inner[0]),
        lambda: multiply(column, inner[0]),
        lambda: multiply(inner[0], vector),
        lambda: add(inner[0], vector),
        lambda: apply("half_tril", inner[0]),
        lambda: multiply(apply("tril", ones, k=0), inner[0]),
        lambda: apply("cholesky", S),
        lambda: transpose(apply("inv", apply("cholesky", S))),
        lambda: apply("inv", apply("cholesky", S)),
        lambda: ones,
        lambda: apply("outer", total(inner[0], [1]), vector),
        lambda: apply("negative", inner[0]),
    ]
    return source.choice(choices)()


@pytest.mark.parametrize("seed", range(60))
def test_the_shortest_form_has_the_same_value(seed: int) -> None:
    source = random.Random(seed)
    tree = drawn(source, 4)
    found = shortest(tree, SYMMETRIC)
    np.testing.assert_allclose(
        value(found), value(tree), rtol=1e-9, atol=1e-10, err_msg=text(found)
    )


def test_a_column_times_a_row_times_a_column_is_a_multiple_of_the_first():
    a, c = Leaf((N,), "u"), Leaf((N,), "v")
    made = product_of([("c", a), ("r", a), ("m", Leaf((N, N), "A")), ("c", c)])

    assert text(made) == "v @ (A.T @ u)*u"
