"""Work that is done once for all that is alike, and that it is done right."""

import random

from sympy import Add, Indexed, Integer, KroneckerDelta, Mul, cos, exp, log, sin, tanh

from symderive import Model, derive
from symderive.array_forms import _closed_once
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.index import Index, delta, entry_of, fresh, sigma, substitute
from symderive.formulas.arrays.properties import Knowledge

N = Integer(4)
A, B, C = (Index(name, N) for name in "ijk")


def _drawn(noise: random.Random, depth: int, free: list[Index]):
    """A formula of entries, deltas, functions and sums over some free indices."""
    if depth == 0:
        at = noise.choice(free), noise.choice([*free, Integer(2)])
        return noise.choice([delta(*at), entry_of("x", at), entry_of("y", at[:1])])
    parts = [_drawn(noise, depth - 1, free) for _ in range(2)]
    kind = noise.randrange(5)
    if kind == 0:
        inner = fresh(N)
        return sigma(_drawn(noise, depth - 1, [*free, inner]), [inner])
    if kind == 1:
        return noise.choice([exp, _log, sin, cos, tanh])(parts[0] - parts[1])
    if kind == 2:
        return (parts[0] - parts[1]) ** 2
    return (Add if kind == 3 else Mul)(*parts)


def _log(formula):
    return log(3 + formula**2)


def _anew(formula, values):
    """The same by SymPy's own constructors; bound indices are fresh here, so nothing is caught."""
    if not formula.args:
        return values.get(formula, formula)
    args = [_anew(arg, values) for arg in formula.args]
    return formula if args == [*formula.args] else formula.func(*args)


def test_other_names_give_what_sympy_makes_of_them():
    noise = random.Random(3)
    for _ in range(40):
        formula = _drawn(noise, 3, [A, B, C])
        names = [fresh(N) for _ in range(3)]
        noise.shuffle(names)
        for values in (
            dict(zip((A, B, C), names, strict=True)),
            {A: B, B: A},
            {A: C},
            {B: Integer(1), C: Integer(3)},
        ):
            assert substitute(formula, values) == _anew(formula, values)


def test_deltas_are_those_of_sympy():
    for left in (A, B, Integer(0), Integer(2), Integer(-1), A + 1, 2 * B):
        for right in (B, Integer(0), Integer(2), A):
            assert delta(left, right) == KroneckerDelta(left, right)
    assert substitute(delta(A, B), {A: B}) == 1


def test_an_entry_under_other_names_knows_what_it_knew():
    entry = substitute(entry_of("x", [A]), {A: B})
    assert entry == Indexed("x", B)
    assert entry.is_commutative
    assert hash(entry) == hash(Indexed("x", B))


def test_one_algebra_remembers_for_all_that_know_the_same():
    stated = Knowledge({"A": ["symmetric"]})
    assert algebra_under(stated) is algebra_under(Knowledge({"A": ["symmetric"]}))
    assert algebra_under(stated) is not algebra_under(Knowledge({"A": ["diagonal"]}))
    assert algebra_under(Knowledge()).contracted(delta(A, B)) == delta(A, B)


def test_closed_forms_of_links_that_differ_in_entries_are_sought_once():
    stages = {
        f"s{k}": f"log(1 + exp(x[{k}] - x[{k + 1}]))" + (f" + s{k - 1}" if k else "")
        for k in range(8)
    }
    _closed_once.cache_clear()
    derivation = derive(Model(stages, parameters=["x"], shapes={"x": "9"}))
    found = [derivation.link(f"s{k}", "x").formula for k in range(8)]
    assert _closed_once.cache_info().misses <= 6
    x = [entry_of("x", [Integer(k)]) for k in range(9)]
    for k, formula in enumerate(found):
        (j,) = (s for s in formula.free_symbols if isinstance(s, Index))
        slope = exp(x[k] - x[k + 1]) / (1 + exp(x[k] - x[k + 1]))
        for place, wanted in ((k, slope), (k + 1, -slope), (k + 2, Integer(0))):
            here = formula.subs(j, place)
            numbers = {x[n]: 0.3 * n**1.5 for n in range(9)}
            assert abs(float(here.subs(numbers).evalf()) - float(wanted.subs(numbers))) < 1e-12
