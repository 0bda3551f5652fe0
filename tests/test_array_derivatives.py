"""First and second derivatives of every array operation, against differences at high precision.

The truth is the formula written out at concrete sizes: plain scalars, that no array rule has seen.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from sympy import Integer, Mul, Symbol

from symderive import Model, derive
from symderive.array_certify import certify_array
from symderive.differentiate import differentiate
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.index import Index, delta, entry_of, sigma
from symderive.formulas.arrays.ops import ROWS, entry
from symderive.formulas.arrays.reading import parse_array
from symderive.formulas.evaluate import derivative, evaluate
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import placeholder

M, N = Symbol("m"), Symbol("n")
SHAPES = {
    **{"X": (M, N), "Y": (M, N), "A": (N, N), "B": (N, N), "x": (N,), "y": (N,)},
    **{"p": (Integer(3),), "c": (), "d": ()},
}
DIFFERENTIATED = ("X", "A", "x", "p", "c")
NO_SECOND = {"expm", "logm", "sqrtm", "sinm", "cosm"}
"""The Fréchet derivative of a function of a matrix has no rule of its own."""


def case(text):
    """The sum of the entries, each with a weight, and the name that it is differentiated by."""
    tree, names, _ = parse_array(text, FUNCTIONS, SHAPES)
    named = next((name for name in DIFFERENTIATED if name in names), None)
    at = [Index(f"_t{k}", size) for k, size in enumerate(tree.shape)]
    weight = sum((k + 2) * index for k, index in enumerate(at)) + 1
    return sigma(weight * entry(tree, at), at), names, named


CASES = [row for row in ROWS if row.example and case(row.example)[2]]


def place(shape, sizes, k):
    """Some entry's place, another for another k."""
    return tuple((2 * k + axis) % int(concrete(size, sizes)) for axis, size in enumerate(shape))


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
@pytest.mark.parametrize("sizes", [{"m": 2, "n": 3}, {"m": 1, "n": 2}], ids=str)
def test_derivatives_are_those_of_the_formula_written_out(row, sizes):
    if row.name == "std" and sizes["m"] == 1:
        pytest.skip("the deviation of one value has a kink")
    formula, names, named = case(row.example)
    formula = renamed(formula)
    mark, shape = placeholder(names.index(named)).name, SHAPES[named]
    first_at = [Index(f"_a{k}", size) for k, size in enumerate(shape)]
    second_at = [Index(f"_b{k}", size) for k, size in enumerate(shape)]
    first = renamed(differentiate(formula, entry_of(mark, first_at)).result)
    where = dict(zip(first_at, place(shape, sizes, 1), strict=True))
    plain = concrete(formula, sizes)
    slope = concrete(first, sizes, where)
    noise = random.Random(row.name)
    symbols = {s.name for s in plain.free_symbols | slope.free_symbols}
    values = {name: noise.uniform(0.2, 1.7) for name in sorted(symbols)}
    mine = entry_name(mark, place(shape, sizes, 1))
    compare(evaluate(slope, values, 25), derivative(plain, mine, {mine: 0.7, **values}, 25))
    if row.name in NO_SECOND:
        return
    second = differentiate(first, entry_of(mark, second_at)).result
    for k in (1, 2):
        where |= dict(zip(second_at, place(shape, sizes, k), strict=True))
        theirs = entry_name(mark, place(shape, sizes, k))
        bent = evaluate(concrete(second, sizes, where), values, 25)
        compare(bent, derivative(slope, theirs, {theirs: 0.7, **values}, 25))


def compare(found, truth):
    assert abs(found - truth) <= 1e-15 * max(1, abs(truth))


def renamed(formula):
    """As a stage holds it: contracted, and no index bound twice."""
    return canonical(Algebra().contracted(formula))


def test_a_number_beside_an_einsum_stays_outside() -> None:
    model = Model(
        {"L": "mean(log_softmax(X @ W + b, axis=1)**2)"},
        parameters=["W"],
        shapes={"X": "m n", "W": "n k", "b": "k"},
    )
    form = derive(model).hessian("L", "W").tree

    assert form is not None
    assert form.shape == tuple(map(Symbol, "nknk"))


def test_many_indices_that_do_the_same_get_their_names_by_their_neighbours() -> None:
    n = Symbol("n")
    chain = [Index(f"_f{k}", n) for k in range(900, 912)]
    entries = [entry_of("P", pair) for pair in itertools.pairwise(chain)]
    product = Mul(entry_of("x", chain[:1]), *entries, entry_of("y", chain[-1:]))
    random.Random(3).shuffle(chain)

    assert canonical(sigma(product, chain)) == canonical(sigma(product, sorted(chain, key=str)))


def test_a_loop_of_matrix_products_names_its_adjoints() -> None:
    stages = {"r0": "P @ v"} | {f"r{k}": f"P @ r{k - 1} + v" for k in range(1, 16)}
    d = derive(
        Model({**stages, "y": "log(r15[2])"}, parameters=["P"], shapes={"P": "5 5", "v": "5"})
    )
    values = {"P": np.full((5, 5), 0.2), "v": np.ones(5)}

    assert d.function()(**values)[0] == pytest.approx(np.log(16))
    assert d.assumptions


def test_a_stages_name_brings_no_divisor_with_it() -> None:
    model = Model({"f": "exp(-x @ A @ x/2)"}, parameters=["x"], shapes={"x": "n", "A": "n n"})
    hessian = derive(model).hessian("f", "x")  # f underflows: outer(f_D_x, f_D_x)/f is 0/0
    values = {"x": np.array([40.0, 1.0]), "A": np.eye(2)}
    assert np.all(hessian.evaluate(**values) == 0)


def test_a_form_through_the_stages_is_checked_and_holds_for_inputs_alone() -> None:
    stages = {"w": "inv(X.T @ X) @ X.T @ y", "r": "y - X @ w", "L": "r @ r"}
    d = derive(Model(stages, parameters=["X", "y"], shapes={"X": "m n", "y": "m"}))
    assert str(d.partial("L", "y").matrix) == "2*r"
    assert str(d.partial("L", "w").matrix) == "-2*(X.T @ r)"  # w may be any vector here
    assert str(d.hessian("L", "w").matrix) == "2*(X.T @ X)"
    report = d.check()
    assert report.passed
    assert "∂L/∂X in matrix notation, through its stages" in {c.subject for c in report.lines}


def test_a_stage_that_is_a_number_is_not_looked_for_among_the_factors_of_a_matrix() -> None:
    stages = {"q": "(x - mu) @ inv(S) @ (x - mu)", "L": "-q/2 - logdet(S)/2"}
    shapes = {"x": "d", "mu": "d", "S": "d d"}
    model = Model(
        stages, shapes=shapes, parameters=["mu", "S"], properties={"S": "positive definite"}
    )
    derivation = derive(model)
    assert derivation.check_claim("dL/dmu", "inv(S) @ (x - mu)").verdict == "proved"
    claim = "(inv(S) @ outer(x - mu, x - mu) @ inv(S) - inv(S))/2"
    assert derivation.check_claim("dL/dS", claim).verdict == "proved"


@pytest.mark.parametrize(
    "formula",
    [
        "logsumexp(A @ A @ sum(Y, axis=0))",
        "logsumexp(A @ (A @ (A @ sum(Y, axis=0))))",
        "logsumexp(solve(A, sum(Y, axis=0)))",
        "norm(softmax(A @ A @ sum(Y, axis=0)))",
    ],
)
def test_sums_inside_an_operand_do_not_take_the_name_of_its_index(formula: str) -> None:
    d = derive(Model({"L": formula}, parameters=["A", "Y"], shapes={"A": "n n", "Y": "m n"}))
    assert "diagonal" not in str(d.partial("L", "Y").matrix)
    assert d.check().passed  # against differences of the model at small sizes


def test_a_number_beside_a_fraction_of_a_sum_keeps_the_sum() -> None:
    stages = {"f": "x[0] + sum(x[1:]/(1 + r)**stack([1, 2, 3]))", "h": "r - f/g"}
    shapes = {"x": "4", "r": "", "g": ""}
    derivation = derive(Model(stages, parameters=["r"], shapes=shapes))
    assert derivation.check().passed
    read = Model({"d": str(derivation.partial("h", "r").matrix)}, shapes=shapes)
    at = {"x": np.array([0.7, -1.2, 2.0, 0.4]), "g": 0.3, "r": 0.4}
    above, below = (derivation.function()(**{**at, "r": at["r"] + h})[0] for h in (1e-6, -1e-6))
    assert derive(read).function()(**at)[0] == pytest.approx((above - below) / 2e-6, rel=1e-7)


def test_conditions_that_always_hold_are_not_assumed() -> None:
    shown = {"f": "sum(arctan2(sqrt(a), sqrt(1 - a)))"}
    model = Model(shown, parameters=["a"], shapes={"a": "3"})
    told = [str(row.condition) for row in derive(model).assumptions]
    assert told == ["a[i] > 0", "1 - a[i] > 0"]


def test_lines_with_squares_of_sech_under_a_sum_are_proved() -> None:
    model = Model(
        {"y": "V @ tanh(W @ x + 1)"},
        parameters=["W", "x"],
        shapes={"V": "2 3", "W": "3 2", "x": "2"},
    )
    for line in derive(model).link("y", "x").lines:
        assert line.certificate.verdict == "proved", line


def test_numbers_among_the_factors_of_a_column_stay_numbers() -> None:
    shapes = {"Y": "m n", "X": "m n", "x": "n", "y": "n"}
    d = derive(Model({"L": "Y @ y @ (X + y) @ x"}, parameters=[*shapes], shapes=shapes))
    assert str(d.partial("L", "x").matrix) == "(y + X).T @ (Y @ y)"
    assert d.check().passed


@pytest.mark.parametrize("formula", ["diagonal(softmax(A, axis=1))", "diagonal(softmax(A.T))"])
def test_an_entry_on_the_diagonal_says_nothing_of_the_others(formula: str) -> None:
    stages = {"s": formula, "L": "sum(c*s)"}
    d = derive(Model(stages, parameters=["A"], shapes={"A": "n n", "c": "n"}))
    for line in d.link("s", "A").lines:
        assert line.certificate.verdict == "proved", line
    assert d.check().passed


def test_a_line_is_tried_where_its_indices_coincide() -> None:
    i, j, k = (Index(name, Symbol("n")) for name in "ijk")
    x, wrong = entry_of("x", [k]), entry_of("y", [k])
    here = delta(i, j) * x * entry_of("z", [i])
    there = delta(i, j) * (x * delta(i, k) + wrong * (1 - delta(i, k))) * entry_of("z", [i])
    shapes = {name: (Symbol("n"),) for name in "xyz"}
    assert certify_array(here, there, Algebra(), shapes).verdict == "refuted"


@pytest.mark.parametrize(
    "formula",
    [
        "relu(tril(A) @ x)",
        "where(cumsum(x) > 1, x, 0)",
        "maximum(cumsum(x), x)",
        "abs(x)*relu(A @ where(x > 0, x, x/9))",
        "where(max(where(x > 1, x**2, 0)) > 0, x, 0)",
        "where(cumprod(relu(x)) > 1, x, 0)",
    ],
)
def test_sums_of_choices_that_are_compared_become_stages(formula: str) -> None:
    shapes = {"A": "n n", "x": "n", "L_part_1": "n"}
    d = derive(Model({"L": f"sum({formula}*L_part_1)"}, parameters=["x"], shapes=shapes))
    assert "L_part_2" in d.model.stages
    assert d.check().passed


def test_a_comparison_without_a_value_at_some_sizes_is_tried_at_others() -> None:
    d = derive(Model({"L": "sum(relu((x - mean(x))/std(x)))"}, parameters=["x"], shapes={"x": "n"}))
    assert d.check().passed


def test_a_gradient_is_told_in_stages_that_the_target_uses() -> None:
    stages = {"V": "inv(S)", "L": "logdet(S)"}
    d = derive(Model(stages, parameters=["S"], shapes={"S": "n n"}, target="L"))
    assert d.check().passed
