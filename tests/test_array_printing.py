"""Array formulas as a paper prints them: matrix notation, index notation, in every output."""

from __future__ import annotations

import re
import xml.dom.minidom
from typing import Any

import pytest
import typst as typst_compiler
from array_trees import divide, matmul, negative
from sympy import Expr, Integer, Piecewise, Rational, S, Symbol, exp, oo, pi, sqrt, symbols

from symderive.formulas.arrays.index import Index, delta, entry_of, part, sigma
from symderive.formulas.arrays.op import (
    add,
    apply,
    entry,
    multiply,
    number,
    total,
    transpose,
    whole,
)
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import Diff
from symderive.formulas.latex import latex
from symderive.formulas.mathml import mathml
from symderive.formulas.matrix_notation import matrix_tree, shape_node
from symderive.formulas.plain import plain
from symderive.formulas.printing import tree
from symderive.formulas.spoken import spoken
from symderive.formulas.tree import Node, split, width
from symderive.formulas.typst import typst

m, n, k = symbols("m n k")
X, Z = Leaf((m, n), "X"), Leaf((m, n), "Z")
W, D = Leaf((n, k), "W1"), Leaf((m, k), "D")
A, B = Leaf((n, n), "A"), Leaf((n, n), "B")
w, a, b = Leaf((n,), "w"), Leaf((n,), "a"), Leaf((n,), "b")
P, Y, bias = Leaf((m,), "A2"), Leaf((m,), "Y"), Leaf((k,), "b1")
c, lam = Leaf((), "c"), Leaf((), "lambda_")
one, zero = number(1), number(0)


def power(base: Tree, exponent: Any) -> Tree:
    return apply("power", base, exponent if isinstance(exponent, Tree) else number(exponent))


def column(vector: Tree) -> Tree:
    return apply("index", vector, key=(("slice", 0, vector.shape[0], 1), ("new",)))


def row(vector: Tree) -> Tree:
    return apply("index", vector, key=(("new",),))


def placed(arg: Tree, shape: tuple[Expr, ...], *key: tuple[Any, ...]) -> Tree:
    return Apply(shape, "place", (arg,), (("key", key), ("shape", shape)))


def index(arg: Tree, *key: tuple[Any, ...]) -> Tree:
    return apply("index", arg, key=key)


INVERSE = apply("inv", A)
GRAM = matmul(transpose(X), X)
ALL_M = ("slice", S.Zero, m, S.One)

MATRIX: list[tuple[Tree, str]] = [
    # Products
    (divide(apply("multiply", number(sqrt(2)), a, b), number(2 * sqrt(pi))), "(a ⊙ b)/sqrt(2·π)"),
    (divide(apply("multiply", number(2), number(sqrt(2)), a), number(3 * sqrt(pi))),
     "2·sqrt(2/π)·a/3"),
    (divide(matmul(transpose(X), add(P, negative(Y))), number(m)), "Xᵀ @ (A2 − Y)/m"),
    (negative(matmul(transpose(INVERSE), apply("outer", a, b), transpose(INVERSE))),
     "−A⁻ᵀ @ a @ bᵀ @ A⁻ᵀ"),
    (matmul(a, b), "aᵀ @ b"),
    (matmul(a, A), "Aᵀ @ a"),
    (matmul(a, transpose(A)), "A @ a"),
    (matmul(a, A, b), "aᵀ @ A @ b"),
    (matmul(X, matmul(A, w)), "X @ A @ w"),
    (transpose(matmul(X, W)), "W1ᵀ @ Xᵀ"),
    (matmul(transpose(matmul(X, W)), P), "W1ᵀ @ Xᵀ @ A2"),
    (matmul(add(A, B), w), "(A + B) @ w"),
    (matmul(multiply(A, B), w), "(A ⊙ B) @ w"),
    (multiply(matmul(A, w), b), "A @ w ⊙ b"),
    (multiply(matmul(a, b), w), "(aᵀ @ b)·w"),
    (multiply(matmul(a, b), matmul(b, w)), "(aᵀ @ b)·(bᵀ @ w)"),
    (multiply(divide(lam, number(2)), matmul(w, w)), "lambda_/2·wᵀ @ w"),
    (divide(multiply(number(Rational(1, 2)), w), number(m)), "w/(2·m)"),
    (multiply(add(c, one), w), "(c + 1)·w"),
    (apply("outer", P, w), "A2 @ wᵀ"),
    (transpose(apply("outer", P, w)), "w @ A2ᵀ"),
    (multiply(negative(a), b), "−a ⊙ b"),
    (add(a, negative(add(a, b))), "a − (a + b)"),
    (add(add(a, b), negative(w)), "a + b − w"),
    # Broadcasting
    (add(matmul(X, w), c), "X @ w + c·𝟏"),
    (add(matmul(X, W), bias), "X @ W1 + 𝟏 @ b1ᵀ"),
    (add(X, column(P)), "X + A2 @ 𝟏ᵀ"),
    (add(a, negative(matmul(a, b))), "a − (aᵀ @ b)·𝟏"),
    (add(X, row(w)), "X + 𝟏 @ wᵀ"),
    (multiply(P, add(one, negative(P))), "A2 ⊙ (𝟏 − A2)"),
    (multiply(matmul(D, transpose(W)), add(one, negative(X))), "D @ W1ᵀ ⊙ (𝟏 − X)"),
    (multiply(X, w), "X @ diag(w)"),
    (multiply(X, column(P)), "diag(A2) @ X"),
    (multiply(X, Z, w), "(X ⊙ Z) @ diag(w)"),
    (multiply(column(P), row(w)), "A2 @ wᵀ"),
    (transpose(multiply(X, w)), "diag(w) @ Xᵀ"),
    (divide(X, total(X, [1], True)), "diag(X @ 𝟏)⁻¹ @ X"),
    (divide(X, total(X, [0])), "X @ diag(Xᵀ @ 𝟏)⁻¹"),
    (divide(P, Y), "A2 ⊘ Y"),
    (divide(c, P), "c·𝟏 ⊘ A2"),
    (divide(multiply(divide(one, P), divide(one, add(one, negative(P))), Y), number(m)),
     "(Y ⊘ (A2 ⊙ (𝟏 − A2)))/m"),
    (apply("broadcast_to", w, shape=(m, n)), "𝟏 @ wᵀ"),
    (transpose(apply("broadcast_to", w, shape=(m, n))), "w @ 𝟏ᵀ"),
    (apply("broadcast_to", c, shape=(m, n)), "c·𝟏 @ 𝟏ᵀ"),
    (apply("broadcast_to", zero, shape=(m, n)), "𝟎"),
    # Sums and norms
    (total(X), "𝟏ᵀ @ X @ 𝟏"),
    (total(X, [0]), "Xᵀ @ 𝟏"),
    (total(X, [0], True), "𝟏ᵀ @ X"),
    (total(X, [1]), "X @ 𝟏"),
    (total(add(a, b)), "𝟏ᵀ @ (a + b)"),
    (total(multiply(Y, apply("log", P))), "Yᵀ @ log(A2)"),
    (divide(negative(total(multiply(X, apply("log", Z)))), number(m)), "−tr(Xᵀ @ log(Z))/m"),
    (total(power(add(matmul(X, w), negative(Y)), 2)), "‖X @ w − Y‖_2^2"),
    (divide(total(power(X, 2)), number(2)), "‖X‖_F^2/2"),
    (apply("sqrt", total(power(w, 2))), "‖w‖_2"),
    (apply("norm", X, axis=(0, 1), ord=S(2), keepdims=False), "‖X‖_F"),
    (apply("norm", w, axis=(0,), ord=oo, keepdims=False), "‖w‖_∞"),
    (apply("mean", apply("binary_cross_entropy", P, Y), axis=(0,), keepdims=False),
     "𝟏ᵀ @ BCE(A2, Y)/m"),
    # Functions
    (apply("sigmoid", matmul(X, w)), "σ(X @ w)"),
    (apply("log", P), "log(A2)"),
    (apply("exp", negative(X)), "exp(−X)"),
    (apply("exp", negative(matmul(a, b))), "exp(−aᵀ @ b)"),
    (apply("maximum", zero, X), "max(0, X)"),
    (power(X, 2), "X^(⊙2)"),
    (power(P, Rational(1, 2)), "sqrt(A2)"),
    (power(P, -2), "𝟏 ⊘ A2^(⊙2)"),
    (power(apply("tanh", X), 2), "tanh(X)^2"),
    (power(apply("sigmoid", X), 2), "σ(X)^(⊙2)"),
    (power(matmul(a, b), 2), "(aᵀ @ b)^2"),
    (multiply(X, apply("where", apply("Gt", Z, zero), one, zero)), "X ⊙ 𝟏[Z > 0]"),
    (apply("where", apply("GtE", w, zero), w, multiply(c, w)), "(w if w ≥ 0 else c·w)"),
    (apply("heaviside", w, number(Rational(1, 2))), "H(w)"),
    (apply("softmax", X, axis=(1,)), "softmax(X)"),
    (apply("softmax", X, axis=(0,)), "softmax_columns(X)"),
    (apply("logsumexp", X, axis=(1,), keepdims=False), "logsumexp_rows(X)"),
    # Whole matrices
    (apply("inv", GRAM), "(Xᵀ @ X)⁻¹"),
    (matmul(apply("inv", add(GRAM, multiply(lam, apply("eye", size=n)))), transpose(X), Y),
     "(Xᵀ @ X + lambda_·I_n)⁻¹ @ Xᵀ @ Y"),
    (apply("solve", A, b), "A⁻¹ @ b"),
    (multiply(apply("det", A), transpose(INVERSE)), "det(A)·A⁻ᵀ"),
    (apply("logdet", add(A, B)), "log(det(A + B))"),
    (apply("trace", matmul(A, B)), "tr(A @ B)"),
    (apply("expm", A), "exp(A)"),
    (apply("matrix_power", A, k=3), "A^3"),
    (apply("pinv", X), "X^+"),
    (matmul(X, apply("diag", multiply(w, a))), "X @ diag(w ⊙ a)"),
    (apply("kron", A, add(B, A)), "A ⊗ (B + A)"),
    (apply("concatenate", a, b, axis=(0,)), "[a; b]"),
    (apply("stack", a, b, axis=(0,)), "[aᵀ; bᵀ]"),
    # Entries
    (index(X, ALL_M, ("int", 0)), "X[:, 0]"),
    (index(X, ("int", m - 1)), "X[m − 1, :]"),
    (index(w, ("slice", 1, n - 1, 1)), "w[1:]"),
    (index(add(a, b), ("int", 2)), "(a + b)_2"),
    (placed(c, (n,), ("int", 0)), "c·e_0"),
    (placed(P, (m, n), ALL_M, ("int", 1)), "A2 @ e_1ᵀ"),
    (placed(w, (m, n), ("int", 1)), "e_1 @ wᵀ"),
    (placed(c, (m, n), ("int", 1), ("int", 0)), "c·e_1 @ e_0ᵀ"),
    (placed(Leaf((n - 1,), "g"), (n,), ("slice", 1, n - 1, 1)), "[𝟎; g]"),
    (apply("einsum", X, W, spec="ij,jk->ik"), "[∑(X[i, k]·W1[k, j], k)][i, j]"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "text"), MATRIX, ids=[text for _, text in MATRIX])
def test_trees_are_shown_in_matrix_notation(formula: Tree, text: str) -> None:
    assert plain(matrix_tree(formula)) == text


def test_names_of_arrays_can_be_bold_and_have_their_shapes_below() -> None:
    node = matrix_tree(add(matmul(X, W), c), bold=True)
    assert latex(node) == r"\mathbf{X}\mathbf{W}_1 + c\mathbf{1}"
    node = matrix_tree(matmul(X, w), shapes=True)
    assert latex(node) == r"\underbrace{X}_{\,m\times n\,}\underbrace{w}_{\,n\,}"
    assert plain(shape_node((m, n + 1))) == "m × (n + 1)"


# Index notation -------------------------------------------------------------------------------

i, j, p, q = Index("i", m), Index("j", n), Index("k", n), Index("l", n)
NAMES = ("X", "w", "b", "A1", "A2", "Y", "L")
L = Symbol("L")


def at(name: str, *indices: Expr) -> Expr:
    return entry_of(name, indices)


INDICES: list[tuple[Expr, str]] = [
    (at("X", i, j), "X[i, j]"),
    (at("A1", i), "A1[i]"),
    (at("W1", p, j) ** 2, "W1[k, j]^2"),
    (at("X", i, Integer(0)), "X[i, 0]"),
    (at("w", j + 1), "w[j + 1]"),
    (delta(i, j), "δ[i, j]"),
    (delta(j + 1, p), "δ[k, j + 1]"),
    (sigma(at("X", i, j) * at("w", j), [j]) + Symbol("b"), "∑(X[i, j]·w[j], j) + b"),
    (sigma(sigma(at("X", i, j) * at("Z", i, j), [i]), [j]), "∑(X[i, j]·Z[i, j], i, j)"),
    (sigma(at("w", j) + at("b", j), [j]), "∑(w[j] + b[j], j)"),
    (Diff(L, at("w", j)), "∂L/∂w[j]"),
    (sigma(Diff(at("A1", i), at("w", j)) * Diff(L, at("A1", i)), [i]),
     "∑(∂L/∂A1[i]·∂A1[i]/∂w[j], i)"),
    (Diff(sigma(at("X", i, p) * at("w", p), [p]), at("w", j)), "∂/∂w[j](∑(X[i, k]·w[k], k))"),
    (entry(INVERSE, (j, p)), "A⁻¹[j, k]"),
    (entry(apply("inv", GRAM), (j, p)), "(Xᵀ @ X)⁻¹[j, k]"),
    (entry(apply("logdet", add(A, transpose(A))), ()), "log(det(A + Aᵀ))"),
    (entry(apply("solve", A, b), (j,)), "∑(b[i]·A⁻¹[j, i], i)"),
    (entry(apply("cholesky", A), (j, p)), "chol(A)[j, k]"),
    (exp(at("X", i, j)) / sigma(exp(at("X", i, p)), [p]), "exp(X[i, j])/∑(exp(X[i, k]), k)"),
    (entry(apply("softmax", X, axis=(1,)), (i, j)), "softmax(X[i, :])_j"),
    (sigma(at("X", i, j) * (at("A2", i) - at("Y", i)), [i]) / m,
     "1/m·∑(X[i, j]·(A2[i] − Y[i]), i)"),
    (entry(apply("cumsum", w, axis=(0,)), (j,)), "∑(w[i], i ≤ j)"),
    (entry(apply("max", X, axis=(1,), keepdims=False), (i,)), "max_j(X[i, j])"),
    (part("prod_others", [whole(w)], (j,)), "∏(w[i], i ≠ j)"),
    (Piecewise((1, at("w", j) > 0), (0, True)) * at("b", j), "b[j]·𝟏[w[j] > 0]"),
    (Rational(1, 100000) + L, "L + 10^(−5)"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "text"), INDICES, ids=[text for _, text in INDICES])
def test_index_notation_is_that_of_a_paper(formula: Expr, text: str) -> None:
    assert plain(tree(formula, NAMES)) == text


def test_indices_stand_below_their_name_without_commas() -> None:
    assert latex(tree(at("X", i, j) ** 2)) == "X_{i j}^2"
    assert latex(tree(at("A1", i, j))) == "A_{1, i j}"
    assert latex(tree(at("X", i, Integer(0)))) == "X_{i, 0}"
    assert typst(tree(at("A1", i))) == "attach(A, b: 1 \\, i)"


# Every output ---------------------------------------------------------------------------------

SHAPES = {
    "X": (m, n), "Y": (m, n), "A": (n, n), "B": (n, n), "x": (n,), "y": (n,), "p": (Integer(3),),
}  # fmt: skip
EXAMPLES = [row.example for row in OPS.values() if row.example]


def read(text: str) -> Tree:
    return read_array(text, FUNCTIONS, SHAPES)


NODES: list[Node] = [
    *(matrix_tree(formula) for formula, _ in MATRIX),
    *(matrix_tree(formula, bold=True, shapes=True) for formula, _ in MATRIX[:5]),
    *(tree(formula, NAMES) for formula, _ in INDICES),
    *(matrix_tree(read(example)) for example in EXAMPLES),
]


@pytest.mark.parametrize("node", NODES, ids=plain)
def test_every_notation_is_well_formed(node: Node) -> None:
    xml.dom.minidom.parseString(mathml(node))
    for dialect in ("latex", "github"):
        text = latex(node, dialect)
        assert text.count("{") == text.count("}")
        assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
        assert text.isascii()
    assert "\n" not in plain(node)
    assert re.fullmatch(r"[\x20-\x7e]+", spoken(node))


def test_typst_compiles_every_notation() -> None:
    source = "\n\n".join(f"$ {typst(node)} $" for node in NODES)
    typst_compiler.compile(source.encode(), format="svg", ignore_system_fonts=True)


def test_a_wide_matrix_product_is_broken_between_its_factors() -> None:
    node = matrix_tree(add(*(matmul(X, *[A] * 4, multiply(w, a, b)) for _ in range(4))))
    pieces = split(node, 14)
    assert len(pieces) > 3
    assert all(width(piece) <= 14 for piece in pieces)


SPOKEN = [
    (divide(matmul(transpose(X), add(P, negative(Y))), number(m)),
     "the fraction X transposed times open bracket A 2 minus Y close bracket over m end fraction"),
    (multiply(P, add(one, negative(P))),
     "A 2 element by element times open bracket all-ones minus A 2 close bracket"),
    (power(apply("norm", w, axis=(0,), ord=S(2), keepdims=False), 2), "the 2-norm of w squared"),
    (transpose(INVERSE), "A inverse transposed"),
    (apply("det", A), "the determinant of A"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "words"), SPOKEN, ids=[words for _, words in SPOKEN])
def test_matrix_notation_is_read_aloud(formula: Tree, words: str) -> None:
    assert spoken(matrix_tree(formula)) == words
