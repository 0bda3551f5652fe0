"""Matrix calculus as the books print it: the same values, and a form that is no longer."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from layer_rows import BACKWARD
from matrix_rows import DEFAULT, FACTS, HESSIANS, Fact
from matrix_rows_more import MORE

import symderive as sd
from symderive.formulas.arrays.reading import names_in, read_array
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree, leaves
from symderive.formulas.arrays.terms import tree_cost
from symderive.formulas.functions import FUNCTIONS
from symderive.numeric.array_program import ArrayFunction

SIZES = {"n": 3, "m": 4, "k": 2, "h": 2}

facts = pytest.mark.parametrize(
    "fact", [*FACTS, *MORE], ids=lambda f: f"{f.formula} by {f.variable}"
)


@cache
def derived(fact: Fact):
    sizes = {size for shape in fact.all_shapes.values() for size in shape.split()}
    used = [name for name in names_in(fact.formula) if name not in sizes]
    shapes = {name: fact.all_shapes[name] for name in used if name in fact.all_shapes}
    stated = {name: prop for name, prop in fact.properties.items() if name in used}
    model = sd.Model(
        {"f": fact.formula}, parameters=[fact.variable], shapes=shapes, properties=stated
    )
    return sd.derive(model)


def values_of(fact: Fact) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    model = derived(fact).model
    values = {}
    for name in (*model.parameters, *model.constants):
        shape = [int(size.subs(SIZES)) for size in model.shapes.get(name, ())]
        array = rng.uniform(0.5, 1.5, shape)
        if fact.properties.get(name) == "symmetric":
            array = array + array.T
        elif fact.properties.get(name) == "skew-symmetric":
            array = array - array.T
        elif fact.properties.get(name) == "diagonal":
            array = np.diag(np.diag(array))
        elif fact.properties.get(name) == "orthogonal":
            array = np.linalg.qr(array)[0]
        elif fact.properties.get(name) == "positive definite":
            array = array @ array.T + 3 * np.eye(len(array))
        elif array.ndim == 2 and array.shape[0] == array.shape[1]:
            array = array + 2 * np.eye(len(array))  # away from singular
        values[name] = array
    return values


def tree_of(text: str, shapes: Mapping[str, Shape]) -> Tree:
    return read_array(text, FUNCTIONS, shapes)


def cost_of_text(text: str, shapes: Mapping[str, Shape]) -> float:
    tree = tree_of(text, shapes)
    return tree_cost(tree) + signed(tree)


def of_book(fact: Fact) -> Tree:
    return tree_of(fact.book, derived(fact).model.shapes)


def signed(tree: Tree) -> float:
    """What the signs of negative numbers cost: trees that are made have them in front."""
    return sum(0.4 for t in tree.walk() if isinstance(t, Number) and t.value.is_negative)


@facts
def test_the_form_is_no_longer_than_the_books(fact: Fact) -> None:
    found = derived(fact).partial("f", fact.variable)
    book = of_book(fact)
    assert found.matrix is not None
    assert tree_cost(found.tree) <= tree_cost(book) + signed(book) + 1e-9, str(found.matrix)


@facts
def test_the_value_is_the_books(fact: Fact) -> None:
    d, values, book = derived(fact), values_of(fact), of_book(fact)
    found = np.asarray(d.partial("f", fact.variable).evaluate(**values))
    shapes = {name: d.model.shapes.get(name, ()) for name in values if name in leaves(book)}
    shapes = shapes or {name: d.model.shapes[name] for name in values}
    expected = ArrayFunction([("r", book)], shapes, "r", {}).value_only(
        **{name: values[name] for name in shapes}
    )
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-9)


@facts
def test_the_gradient_is_that_of_differences(fact: Fact) -> None:
    d, values = derived(fact), values_of(fact)
    if d.model.shapes.get("f"):
        pytest.skip("a Jacobian: its value is compared with the book's")
    _, gradient = d.function()(**values)
    slope = gradient[fact.variable]
    direction = np.random.default_rng(3).normal(size=np.shape(slope))
    if fact.properties.get(fact.variable):
        direction = direction + direction.T  # where the property holds
    step = 1e-6
    sides = [
        d.function().value_only(
            **{**values, fact.variable: values[fact.variable] + sign * step * direction}
        )
        for sign in (1, -1)
    ]
    difference = (sides[0] - sides[1]) / (2 * step)
    assert difference == pytest.approx(float(np.sum(slope * direction)), rel=2e-6, abs=1e-7)


@facts
def test_every_line_holds(fact: Fact) -> None:
    d = derived(fact)
    assert d.partial("f", fact.variable).certificate.passed
    for line in d.link("f", fact.variable).lines:
        assert line.certificate is not None
        assert line.certificate.passed, line


@pytest.mark.parametrize(("formula", "variable", "form", "said"), HESSIANS, ids=lambda v: str(v))
def test_hessians_say_whether_they_are_semidefinite(
    formula: str, variable: str, form: str, said: str
) -> None:
    known = {**DEFAULT, "X": "m n", "w": "n", "y": "m"}
    shapes = {name: known[name] for name in names_in(formula) if name in known}
    model = sd.Model({"f": formula}, parameters=[variable], shapes=shapes)
    found = sd.derive(model).hessian("f", variable)
    assert found.certificate.passed
    assert found.definiteness == said
    rng = np.random.default_rng(5)
    values = {
        name: rng.uniform(0.5, 1, [SIZES[size] for size in shapes.get(name, "").split()])
        for name in names_in(formula)
    }
    values |= {
        name: value + 5 for name, value in values.items() if "log" in formula and name == "y"
    }
    hessian = found.evaluate(**values)
    eigenvalues = np.linalg.eigvalsh(hessian)
    if said:
        assert (eigenvalues * (1 if said.startswith("positive") else -1) > -1e-9).all()
    value, gradient = sd.derive(model).function()(**values)
    named = {**values, "f": value, f"f_D_{variable}": gradient[variable]}
    sizes = {**model.shapes, "f": (), f"f_D_{variable}": model.shapes[variable]}
    assert tree_cost(found.tree) <= cost_of_text(form, sizes) + 1e-9, str(found.matrix)
    tree = tree_of(form, sizes)
    used = {name: sizes.get(name, ()) for name in leaves(tree)} | model.shapes
    expected = ArrayFunction([("r", tree)], used, "r", {}).value_only(**{n: named[n] for n in used})
    np.testing.assert_allclose(hessian, np.broadcast_to(expected, hessian.shape), rtol=1e-9)


@pytest.mark.parametrize(
    ("stages", "shapes", "properties", "variable", "form"), BACKWARD, ids=lambda v: str(v)[:40]
)
def test_a_backward_pass_is_the_books_or_shorter(
    stages: dict[str, str],
    shapes: dict[str, str],
    properties: dict[str, str],
    variable: str,
    form: str,
) -> None:
    names = {name for text in stages.values() for name in names_in(text)} - stages.keys()
    stated = {name: what for name, what in properties.items() if name in names}
    free = [name for name in shapes if name in names and (name not in stated)]
    model = sd.Model(stages, parameters=free, shapes=shapes, properties=stated)
    d = sd.derive(model)
    found = d.partial("L", variable)
    assert found.certificate.passed
    assert tree_cost(found.tree) <= cost_of_text(form, model.shapes) + 1e-9, str(found.matrix)
    assert found.tree.shape == model.shapes.get(variable, ())
    for text in {form, str(found.matrix)}:  # what is printed reads back
        assert d.check_claim(f"dL/d{variable}", text).verdict == "proved"


def test_the_rows_cover_the_operations_of_the_book() -> None:
    used = {
        t.op
        for f in (*FACTS, *MORE)
        for t in derived(f).model.stages["f"].parsed.template.tree.walk()
        if isinstance(t, Apply)
    }
    assert {"inv", "det", "logdet", "trace", "norm", "kron", "softmax", "outer", "diag"} - used <= {
        "outer"
    }


@pytest.mark.parametrize(
    ("stages", "shapes"),
    [
        ({"h": "(x @ w)*sigmoid(x @ v)", "L": "g*h"}, {"x": "n", "w": "n", "v": "n"}),
        ({"h": "(x @ w)**2*exp(x @ v)", "L": "g*h**2"}, {"x": "n", "w": "n", "v": "n"}),
        (
            {"h": "(X @ W)*sigmoid(X @ V)", "L": "sum(D*h)"},
            {"X": "m n", "W": "n k", "V": "n k", "D": "m k"},
        ),
    ],
    ids=str,
)
def test_a_form_has_a_value_where_a_factor_of_its_stage_is_zero(
    stages: dict[str, str], shapes: dict[str, str]
) -> None:
    d = sd.derive(sd.Model(stages, parameters=[*shapes], shapes=shapes))
    rng = np.random.default_rng(3)
    sizes = {"n": 3, "m": 4, "k": 2}
    values = {
        name: rng.normal(size=[sizes[s] for s in shape.split()]) for name, shape in shapes.items()
    }
    values = {"g": 1.5, **values} if "g" in d.model.constants else values
    for name in shapes:
        zero = {**values, name: np.zeros_like(values[name])}
        near = {**zero, name: np.full_like(values[name], 1e-9)}  # the derivatives are continuous
        for other in shapes:
            form = d.partial("L", other)
            np.testing.assert_allclose(form.evaluate(**zero), form.evaluate(**near), atol=1e-7)
