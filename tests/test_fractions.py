"""Quotients of polynomials: the same as SymPy's own, at less work."""

import random

import pytest
from sympy import QQ, Symbol, tanh
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex
from sympy.polys.polyerrors import HeuristicGCDFailed

from symderive.formulas.arrays.index import Index, entry_of, sigma, substitute
from symderive.formulas.fractions import TooLargeError, fractions, parted
from symderive.formulas.kernels import Kernels


def _polynomial(dice, gens):
    terms = range(dice.randint(1, 3))
    return sum(
        (dice.choice((-2, -1, 1, 3)) * dice.choice(gens) ** dice.randint(0, 2) for _ in terms), 0
    )


def test_a_failed_search_for_a_common_divisor_gives_the_form_up(monkeypatch):
    def unlucky(*_):
        raise HeuristicGCDFailed("no luck")

    monkeypatch.setattr("sympy.polys.rings.heugcd", unlucky)
    x, y, _ = fractions(3).ring.gens
    with pytest.raises(TooLargeError):
        parted((x + 17 * y) * (x - y), (x + 17 * y) * (x + y))


@pytest.mark.parametrize("seed", range(40))
def test_arithmetic_is_that_of_sympys_fields(seed):
    ours, theirs = [], []
    for gens, found in (
        (fractions(3).gens, ours),
        (FracField(["k0", "k1", "k2"], QQ, lex).gens, theirs),
    ):
        dice = random.Random(seed)
        one = gens[0] ** 0
        a, b, c = (
            (_polynomial(dice, gens) + 0 * one) / (_polynomial(dice, gens) ** 2 + one)
            for _ in range(3)
        )
        shared = gens[0] + gens[1]
        found += [a * b, a + b, a - b * c, (a * shared) / (b * shared + shared), a + b + c - a]

    assert [str(mine) for mine in ours] == [str(other) for other in theirs]


def test_a_pair_is_parted_from_all_that_it_shares():
    x, y, z = fractions(3).ring.gens
    first, second, shared = parted(6 * x * z * (x + y) ** 2, 4 * x**2 * (x + y) * (z - 1))

    assert (first, second, shared) == (3 * z * (x + y), 2 * x * (z - 1), 2 * x * (x + y))


def test_what_is_found_again_counts_as_work_again():
    x, y = Symbol("x"), Symbol("y")
    formula = (x + y) ** 3 / (1 + x) + y
    first = Kernels([formula])
    before = first._work
    first.normal(formula)
    again = Kernels([formula])
    again.normal(formula)

    assert first._work > before
    assert again._work == first._work


def test_renaming_an_index_does_not_look_at_functions_anew(monkeypatch):
    n = Symbol("n")
    i, j = Index("i", n), Index("j", n)
    body = tanh(entry_of("x", [i]) + entry_of("y", [i])) ** 2
    wanted = tanh(entry_of("x", [j]) + entry_of("y", [j])) ** 2

    def unexpected(*_):
        raise AssertionError("tanh was evaluated")

    monkeypatch.setattr(tanh, "eval", unexpected)
    assert substitute(body, {i: j}) == wanted


def test_indices_that_become_one_are_looked_at():
    n = Symbol("n")
    i, j = Index("i", n), Index("j", n)
    x = [entry_of("x", [index]) for index in (i, j)]

    assert substitute(tanh(x[0] - x[1]), {i: j}) == 0
    assert substitute(tanh(x[0] - x[1]), {i: j, j: i}) == tanh(x[1] - x[0])


def test_the_symbols_of_a_sum_are_those_that_it_does_not_bind():
    n, m = Symbol("n"), Symbol("m")
    i, j = Index("i", n), Index("j", m)
    total = sigma(entry_of("x", [i]) * entry_of("y", [i, j]), [i])

    assert {str(s) for s in total.free_symbols if s.is_Symbol and not s.is_Indexed} >= {"n", "j"}
    assert i not in total.free_symbols
