"""Verdicts on array models: lines, matrix notation read back, the gradient against differences."""

import random
import re
import time
from dataclasses import replace
from itertools import product

import pytest
from array_models import MODELS, model
from mpmath import mp, mpf
from sympy import Abs, Integer, KroneckerDelta, Piecewise, Rational, Symbol, Tuple

import symderive as sd
from symderive.array_certify import certify_array
from symderive.array_checking import AtPoint, points_of
from symderive.array_model import stage_indices
from symderive.array_points import Entries, draw, flat_numbers, numbers_of, own_point, sizes_tried
from symderive.formulas.arrays.algebra import Algebra
from symderive.formulas.arrays.concrete import concrete
from symderive.formulas.arrays.explicit import NotExplicitError
from symderive.formulas.arrays.index import ArrayOf, Index, entry_of, part, sigma
from symderive.formulas.arrays.ops import OPS, transpose
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.evaluate import evaluate
from symderive.numeric.array_forms import FORMS

SLOW = 30.0
"""Seconds that a check may take on a loaded machine."""


@pytest.mark.parametrize("name", MODELS)
def test_every_check_passes(name):
    derivation = sd.derive(model(name))
    start = time.perf_counter()
    report = derivation.check()

    assert report.passed, report
    assert len(report.gradient) == len(derivation.sources)
    assert time.perf_counter() - start < SLOW


def test_a_check_is_at_the_models_own_values_where_they_are_few():
    report = sd.derive(
        sd.Model(
            {"L": "sum((X @ w - y)**2)"},
            parameters={"w": [1.0, 2.0]},
            constants={"X": [[1.0, 0.0], [0.5, 2.0], [1.0, 1.0]], "y": [1.0, 2.0, 3.0]},
            shapes={"X": "m n", "w": "n", "y": "m"},
        )
    ).check()

    assert "m = 3, n = 2" in report.gradient[0].certificate.method


def test_values_that_are_many_give_way_to_a_small_point():
    big = [[float(i + j) for j in range(30)] for i in range(30)]
    built = sd.Model({"L": "sum(A**2)"}, parameters={"A": big}, shapes={"A": "m n"})

    assert own_point(built, "L") is None
    assert "m = 2, n = 3" in sd.derive(built).check().gradient[0].certificate.method


def test_a_kink_is_judged_by_the_slopes_on_its_sides():
    report = sd.derive(model("kinked")).check()

    assert report.passed
    assert "by convention between" in report.gradient[0].certificate.method


def at_point(derivation):
    return AtPoint(derivation.chain(), *next(iter(points_of(derivation.model, derivation.target))))


@pytest.mark.parametrize(
    ("name", "source", "at", "entry"),
    [
        ("linear", "w", ((), (1,)), "∂L/∂w[1]"),
        ("network", "W2", ((), (0, 1)), "∂L/∂W2[0,1]"),
        ("vector", "x", ((1,), (2,)), "∂y/∂x[2]"),
        ("ridge", "w", ((), (0,)), "∂L/∂w[0]"),
    ],
)
def test_a_wrong_entry_is_named_with_both_values(monkeypatch, name, source, at, entry):
    derivation = sd.derive(model(name))
    checked = at_point(derivation)
    right = checked.derivatives(source)
    wrong = {**right, at: right[at] + 1}
    monkeypatch.setattr(AtPoint, "derivatives", lambda self, _: wrong)
    failed = [check for check in checked.checks(source) if not check.passed]

    assert [check.subject for check in failed] == [entry]
    assert failed[0].certificate.verdict == "refuted"
    told = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", failed[0].certificate.method)
    assert [*map(float, told)] == pytest.approx([float(wrong[at]), float(right[at])], rel=1e-9)
    assert dict(failed[0].certificate.counterexample)["n"] == "3"


def test_matrix_notation_that_says_something_else_is_refuted():
    derivation = sd.derive(model("quadratic"), sources=["x"])
    shape = derivation.partials["x"].shape
    shape.__dict__["tree"] = transpose(shape.tree)  # x has one axis: nothing changes
    assert derivation.check().passed

    other = sd.derive(
        sd.Model({"L": "sum(A @ B)"}, parameters=["A"], shapes={"A": "n n", "B": "n n"})
    )
    shape = other.partials["A"].shape
    shape.__dict__["tree"] = transpose(shape.tree)
    report = other.check()
    failed = [check.subject for check in report.lines if not check.passed]
    assert failed == ["∂L/∂A in matrix notation"]
    assert "refuted" in str(report)


def test_slices_find_sizes_that_hold_them():
    report = sd.derive(
        sd.Model({"L": "sum(x[4:]**2)"}, parameters=["x"], shapes={"x": "n"})
    ).check()

    assert report.passed
    assert report.gradient


def test_a_function_that_cannot_be_written_out_leaves_its_lines_unknown(monkeypatch):
    def too_much(arrays, at):
        raise NotExplicitError("this one is not written out")

    rows = {**OPS, "expm": replace(OPS["expm"], explicit=too_much)}
    monkeypatch.setattr("symderive.formulas.arrays.concrete.OPS", rows)
    derivation = sd.derive(sd.Model({"y": "trace(expm(A))"}, parameters=["A"], shapes={"A": "3 3"}))
    report = derivation.check()
    assert not report.passed
    assert "no shapes were found" in str(report)


@pytest.mark.parametrize(
    "formula",
    [
        "sum(eigvalsh(A)**2)",
        "sum(eigenvectors(A)[0]**2*v)",
        "sum(inv(A))",
        "det(A) + v @ solve(A, v)",
    ],
)
def test_many_rows_are_checked_by_values(formula):
    known = {"A": "4 4"} if "eig" in formula else {"A": "5 5"}
    rows = known["A"].split()[0]
    model = sd.Model({"y": formula}, parameters=["A"], shapes={**known, "v": rows})
    assert sd.derive(model).check().passed


def test_a_factor_of_many_rows_is_tried_where_it_exists():
    """Of drawn matrices of five rows hardly one is positive definite: its lines were unknown."""
    shapes = {"K": "5 5"}
    known = {"K": "positive definite"}
    model = sd.Model({"C": "cholesky(K)"}, parameters=["K"], shapes=shapes, properties=known)
    lines = sd.derive(model).link("C", "K").lines
    assert [line.certificate.verdict for line in lines[1:]] == ["sampled"] * (len(lines) - 1)


def test_a_model_without_a_point_has_its_lines_checked():
    built = sd.Model({"L": "sum(x**2)"}, parameters=["x"], shapes={"x": "100000"})

    report = sd.derive(built).check()
    assert report.passed
    assert report.gradient == ()


# Values with properties ---------------------------------------------------------------------------


def is_symmetric(a, size):
    return all(a[i, j] == a[j, i] for i, j in product(range(size), repeat=2))


def is_positive_definite(a, size):
    leading = (
        mp.det(mp.matrix([[a[i, j] for j in range(k)] for i in range(k)]))
        for k in range(1, size + 1)
    )
    return is_symmetric(a, size) and all(value > 0 for value in leading)


def is_diagonal(a, size):
    return all(a[i, j] == 0 for i, j in product(range(size), repeat=2) if i != j)


def is_orthogonal(a, size):
    dots = {
        (i, j): sum(a[k, i] * a[k, j] for k in range(size))
        for i, j in product(range(size), repeat=2)
    }
    return all(abs(value - (i == j)) < mpf(10) ** -12 for (i, j), value in dots.items())


def is_stochastic(a, size):
    return all(abs(sum(a[i, j] for j in range(size)) - 1) < mpf(10) ** -12 for i in range(size))


def is_one_hot(a, size):
    return all(sorted(a[i, j] for j in range(size)) == [0] * (size - 1) + [1] for i in range(size))


@pytest.mark.parametrize(
    ("stated", "holds"),
    [
        ("symmetric", is_symmetric),
        ("positive definite", is_positive_definite),
        ("diagonal", is_diagonal),
        ("orthogonal", is_orthogonal),
        ("stochastic", is_stochastic),
        ("one-hot", is_one_hot),
    ],
)
def test_drawn_values_have_the_stated_property(stated, holds):
    built = sd.Model({"L": "sum(A)"}, shapes={"A": "n n"}, properties={"A": stated})
    for attempt in range(8):
        point = draw(Entries(built, {"n": 3}, ("L",)), ("L",), random.Random(7), attempt)
        found = {(i, j): point[f"A[{i},{j}]"] for i, j in product(range(3), repeat=2)}
        assert holds(found, 3)


def test_sizes_are_small_and_at_first_different():
    built = sd.Model({"L": "sum(A)"}, shapes={"A": "m n"})
    first = next(sizes_tried(built))

    assert sorted(first.values()) == [2, 3]
    assert numbers_of(built.shapes["A"], first) == (2, 3)
    assert flat_numbers([[1, 2, 3], [4, 5, 6]]) == ([1, 2, 3, 4, 5, 6], (2, 3))


SKEW = {"A": [[4.0, 1.0, 0.2], [0.5, 3.0, -0.4], [0.1, 0.7, 2.0]]}
"""Not symmetric: factors and eigenvalues are those of its symmetric part."""


@pytest.mark.parametrize(
    "formula", ["sum(cholesky(A)**2*c)", "sum(v*eigvalsh(A))", "sum(eigenvectors(A)[0]**2*v)"]
)
def test_the_function_computes_what_is_derived_of_a_matrix_that_is_not_symmetric(formula):
    constants = {"c": [[1.0, 2, 3], [4, 5, 6], [7, 8, 9]], "v": [1.0, 2.0, -1.0]}
    used = {name: value for name, value in constants.items() if name in formula}
    assert sd.derive(sd.Model({"y": formula}, parameters=SKEW, constants=used)).check().passed


def test_a_function_that_computes_another_gradient_is_caught(monkeypatch):
    lower = replace(FORMS["cholesky"], text=lambda call, x: f"np.linalg.cholesky({x})")
    monkeypatch.setitem(FORMS, "cholesky", lower)
    report = sd.derive(sd.Model({"y": "sum(cholesky(A))"}, parameters=SKEW)).check()
    assert not report.passed
    assert "∂y/∂A as the function computes it: refuted" in str(report)


def test_later_derivatives_are_worked_out_once():
    """Each stage is used by the next two, so that paths are as many as Fibonacci's numbers."""
    stages = {f"h{k}": f"tanh(w*h{k - 1} + h{k - 2})" for k in range(2, 26)}
    model = sd.Model(
        {"h0": "w*x", "h1": "tanh(h0)", **stages, "L": "sum(h25**2)"},
        parameters=["w"],
        shapes={"w": "2", "x": "2"},
    )
    assert sd.derive(model).check().passed


def test_the_gradient_is_checked_at_sizes_where_it_exists():
    """det XᵀX of fewer rows than columns is 0, where its root has no derivative."""
    model = sd.Model({"L": "sqrt(det(X.T @ X))"}, parameters=["X"], shapes={"X": "m n"})

    assert sd.derive(model).check().passed


@pytest.mark.parametrize("name", ["softmax", "gaussian", "windows", "cholesky"])
def test_what_is_written_for_values_has_the_values_of_what_is_written_out(name):
    made = model(name)
    entries, point = next(iter(points_of(made, made.target)))
    for stage in entries.names:
        formula, shape = made.stages[stage].formula, made.shapes.get(stage, ())
        for at in entries.at(stage)[:3]:
            places = dict(zip(stage_indices(shape), at, strict=True))
            written = concrete(formula, entries.sizes, places)
            quick = concrete(formula, entries.sizes, places, for_values=True)
            known = entries.values(point, 50)
            assert abs(evaluate(written, known) - evaluate(quick, known)) < 1e-45


def test_sums_that_go_inside_have_their_values():
    n = Symbol("n")
    i, j, k, m = (Index(letter, n) for letter in "ijkm")
    a, b, x, y = (
        entry_of("A", [i, j]),
        entry_of("B", [j, k]),
        entry_of("x", [k]),
        entry_of("x", [m]),
    )
    chosen = Piecewise((1, j < k), (Rational(1, 2), True)) * KroneckerDelta(j, m)
    for body in ((a * x + b) * (y - x) * chosen, a * b * x * y, entry_of("x", [m + k - k]) * a * y):
        formula = sigma(body, [j, k, m])
        written, quick = (
            concrete(formula, {"n": 3}, {i: 1}, for_values=quick) for quick in (False, True)
        )
        values = {s.name: mpf(p) / 7 for p, s in enumerate(sorted(quick.free_symbols, key=str))}
        assert abs(evaluate(written, values) - evaluate(quick, values)) < 1e-45


def test_the_factor_of_a_large_matrix_behind_a_stages_name_is_tried_where_it_exists():
    six = Integer(6)
    i, j, k, m = (Index(letter, six) for letter in "ijkm")
    whole = ArrayOf(entry_of("K", [k, m]), Tuple(k, m))
    where = {entry_of("C", [i, j]): part("cholesky", [whole], (i, j))}
    shapes = {"K": (six, six), "C": (six, six)}
    corner = entry_of("C", [i, i])

    verdict = certify_array(Abs(corner), corner, Algebra(Knowledge({})), shapes, where).verdict

    assert verdict == "sampled"  # it is positive


@pytest.mark.parametrize(
    ("stages", "shape"),
    [
        ({"c": "cos(2*pi*outer(arange(5), arange(8))/8) @ x", "L": "sum(c**3)"}, "8"),
        ({"p": "softmax(where(arange(3) > 1, -9e15, x))", "L": "sum(p**2)"}, "3"),
    ],
)
def test_waves_and_masks_are_checked_to_the_last_digit(stages, shape):
    values = [0.3, -0.7, 1.2, 0.5, -0.1, 0.9, -0.4, 0.2][: int(shape)]
    report = sd.derive(sd.Model(stages, parameters={"x": values}, shapes={"x": shape})).check()

    assert set(report.counts()) <= {"proved", "sampled"}, report


def test_what_is_held_fixed_does_not_keep_a_line_from_being_proved():
    model = sd.Model(
        {"a": "inv(K) @ y", "L": "y @ a/2 + logdet(K)/2 + n/2"}, shapes={"K": "n n", "y": "n"}
    )

    lines = [c for c in sd.derive(model).check().lines if c.subject.startswith("∂L/∂a, line")]

    assert lines
    assert {check.certificate.verdict for check in lines} == {"proved"}


def test_cases_that_decide_cases_through_stages_are_not_multiplied_out():
    stages = {
        "a": "where(std(y) > 0, exp(x[0]), log(exp(sum(abs(x)))))",
        "L": "sin(where(((a*y) @ y) > 0, prod(atan(x)), a))",
    }

    report = sd.derive(sd.Model(stages, shapes={"x": "n", "y": "m"})).check()

    assert set(report.counts()) <= {"proved", "sampled"}, report
