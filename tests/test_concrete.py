"""Index notation at concrete sizes: sums, deltas, conditions, parts, derivatives not yet taken."""

from __future__ import annotations

import pytest
from sympy import Integer, Piecewise, Symbol, log, symbols, true

from symderive.certify import certify
from symderive.formulas.arrays.concrete import concrete, entry_name
from symderive.formulas.arrays.explicit import NotExplicitError
from symderive.formulas.arrays.index import Index, delta, entry_of, sigma
from symderive.formulas.arrays.ops import apply, entry
from symderive.formulas.arrays.syntax import Leaf
from symderive.formulas.inert import Diff

M, N = symbols("m n")
ROW, COLUMN = Index("i", M), Index("j", N)
A = Leaf((N, N), "A")


def at(name, *places):
    return Symbol(entry_name(name, places))


def test_sums_are_written_out_and_sizes_put_in():
    formula = sigma(entry_of("X", [ROW, COLUMN]) * entry_of("w", [COLUMN]), [COLUMN]) / N
    assert concrete(formula, {"n": 2}, {ROW: 1}) == (
        (at("X", 1, 0) * at("w", 0) + at("X", 1, 1) * at("w", 1)) / 2
    )


def test_a_sum_over_nothing_is_zero():
    assert concrete(sigma(entry_of("x", [ROW]), [ROW]) + 1, {"m": 0}) == 1


def test_deltas_are_decided_before_entries_outside_of_the_array_are_asked_for():
    far = Piecewise((1, ROW >= 1), (0, true)) * entry_of("x", [ROW - 1])
    assert concrete(far, {"m": 2}, {ROW: 0}) == 0
    assert concrete(sigma(delta(ROW, 1) * entry_of("x", [ROW]), [ROW]), {"m": 3}) == at("x", 1)
    lazy = Piecewise((entry_of("x", [ROW - 1]), ROW >= 1), (log(Symbol("b")), true))
    assert concrete(lazy, {"m": 2}, {ROW: 0}) == log(Symbol("b"))


def test_a_bound_index_hides_a_free_one_of_the_same_name():
    inner = sigma(entry_of("x", [ROW]), [ROW])
    formula = entry_of("y", [ROW]) * inner
    assert concrete(formula, {"m": 2}, {ROW: 1}) == at("y", 1) * (at("x", 0) + at("x", 1))


def test_a_condition_on_values_stays_a_condition():
    x = entry_of("x", [ROW])
    formula = Piecewise((x, x > 0), (0, true))
    assert concrete(formula, {"m": 1}, {ROW: 0}) == Piecewise(
        (at("x", 0), at("x", 0) > 0), (0, true)
    )


def test_a_derivative_by_an_entry_is_one_by_its_symbol():
    formula = Diff(sigma(entry_of("x", [ROW]) ** 2, [ROW]), entry_of("x", [Integer(1)]))
    plain = concrete(formula, {"m": 2})
    assert plain == Diff(at("x", 0) ** 2 + at("x", 1) ** 2, at("x", 1))
    assert certify(plain, 2 * at("x", 1)).verdict == "proved"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_inverse_written_out_is_the_inverse(size):
    product = entry(apply("matmul", apply("inv", A), A), [Index("r", N), Index("s", N)])
    for row in range(size):
        for column in range(size):
            places = {Index("r", N): row, Index("s", N): column}
            entry_at = concrete(product, {"n": size}, places)
            assert certify(entry_at, Integer(row == column)).verdict == "proved"


def test_what_is_too_large_to_write_out_is_an_error():
    with pytest.raises(NotExplicitError, match="more than"):
        concrete(sigma(entry_of("x", [ROW]), [ROW]), {"m": 10**9})
    with pytest.raises(NotExplicitError, match="empty"):
        concrete(entry(apply("max", A, axis=(0, 1), keepdims=False), []), {"n": 0})


def test_the_determinant_of_an_empty_matrix_is_one():
    assert concrete(entry(apply("det", A), []), {"n": 0}) == 1


def test_cases_stay_inside_the_sum_that_binds_their_index():
    """SymPy's own sum moves them out of an inner sum, conditions on its index included."""
    inner = sigma(Piecewise((entry_of("x", [ROW]), entry_of("x", [ROW]) > 0), (0, true)), [ROW])
    outer = sigma(entry_of("y", [COLUMN]) * inner, [COLUMN])
    assert not {s for s in outer.free_symbols if isinstance(s, Index)}
    plain = concrete(outer, {"m": 1, "n": 1})
    x, y = at("x", 0), at("y", 0)
    assert plain == y * Piecewise((x, x > 0), (0, true))
