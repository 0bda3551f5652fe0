"""Traced programs: the model's value is the function's own, its gradient that of differences."""

from __future__ import annotations

import contextlib
import functools
import math
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import symderive as sd
from tests import traced_programs
from tests.traced_programs import PROGRAMS, Program, flat_names, point


def _point(program: Program):
    return {
        name: point(program, stated, np.random.default_rng(11 + k))
        for k, (name, stated) in enumerate(program.shapes.items())
    }


def _differences(program: Program, values, name_parts):
    """Central differences of the function itself, by the entries of each array."""
    result = {}
    for name, array in name_parts.items():
        gradient = np.zeros(np.shape(array))
        for place in np.ndindex(np.shape(array)):
            sides = []
            for sign in (1, -1):
                moved = {n: np.array(v, dtype=float) for n, v in name_parts.items()}
                moved[name][place] += sign * 1e-5
                args = {n: _filled(n, v, moved) for n, v in values.items()}
                sides.append(float(program.function(**args, **program.plain)))
            gradient[place] = (sides[0] - sides[1]) / 2e-5
        result[name] = gradient
    return result


def _filled(name, value, parts):
    if isinstance(value, dict):
        return {k: _filled(k, v, parts) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(f"{name}_{k}", v, parts) for k, v in enumerate(value, 1))
    part = parts[name]
    return part.copy() if part.ndim else float(part)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.function.__name__)
def test_value_and_gradient(program):
    values = _point(program)
    parts = {k: v for name, value in values.items() for k, v in flat_names(name, value).items()}
    model = sd.trace(
        program.function, parameters=list(program.shapes), **program.shapes, **program.plain
    )
    value, gradient = sd.derive(model).function()(**parts)
    own = {
        name: _filled(name, v, {n: np.array(p) for n, p in parts.items()})
        for name, v in values.items()
    }
    expected = program.function(**own, **program.plain)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    assert set(gradient) == set(parts)
    for name, numbers in _differences(program, values, parts).items():
        np.testing.assert_allclose(gradient[name], numbers, rtol=2e-6, atol=2e-7, err_msg=name)


_LayerTuple = namedtuple("_LayerTuple", "weights bias")


@dataclass
class _LayerData:
    weights: object
    bias: object


# Names ------------------------------------------------------------------------------------


def _texts(model):
    return {name: stage.text for name, stage in model.stages.items()}


def test_locals_name_the_stages_and_temporaries_stay_inside():
    model = sd.trace(traced_programs.logistic, w="n", b="", X="m n", y="m", parameters=["w", "b"])
    assert _texts(model) == {
        "z": "X @ w + b",
        "p": "1/(1 + exp(-z))",
        "logistic": "-mean(y*log(p) + (1 - y)*log(1 - p))",
    }
    assert model.parameters == ("w", "b")
    assert str(sd.derive(model).partial("logistic", "w").matrix) == "X.T @ (p - y)/m"


def test_loops_number_names_from_one_and_reassigned_names_from_two():
    def f(x, w):
        h = x * w
        h = np.tanh(h)
        for _ in range(3):
            s = h * w
            h = s + x
        return h

    names = ["h", "h_2", "s_1", "h_3", "s_2", "h_4", "s_3", "h_5"]
    assert list(sd.trace(f, x="", w="").stages) == names

    def g(x):
        for _ in range(3):
            x = np.sin(x)
        return x

    assert list(sd.trace(g, x="").stages) == ["x_1", "x_2", "x_3"]


def test_the_outermost_function_has_the_last_word_on_a_name():
    def helper(a):
        inner = a**2
        inner += 1
        return inner

    def f(x):
        outer = helper(x)
        return outer * x

    assert _texts(sd.trace(f, x="")) == {"inner": "x**2", "outer": "inner + 1", "f": "outer*x"}


def test_docstring_title_constants_and_values():
    data = np.arange(12.0).reshape(4, 3) ** 2

    def fit(w, scale=0.5):
        """How well w fits."""
        return np.sum((data @ w) ** 2) * scale

    model = sd.trace(fit, w=np.ones(3))
    assert model.title == "fit"
    assert model.text == "How well w fits."
    assert model.constants == ("data",)
    value, gradient = sd.derive(model).function()()
    assert value == pytest.approx(fit(np.ones(3)))
    np.testing.assert_allclose(gradient["w"], data.T @ data @ np.ones(3), rtol=1e-12)


def test_several_results_the_first_is_the_target():
    def f(x):
        a = x**2
        b = np.sin(a)
        return b, a + b

    model = sd.trace(f, x="")
    assert model.target == "b"
    assert _texts(model) == {"a": "x**2", "b": "sin(a)", "A1": "a + b"}


def test_structures_of_parameters_have_names_of_their_own():
    model = sd.trace(
        traced_programs.by_dictionary,
        params={"W1": "h n", "b1": "h", "w2": "h"},
        x="n",
        y="",
        parameters=["params"],
    )
    assert model.parameters == ("W1", "b1", "w2")


def test_numbers_are_what_they_stand_for():
    def f(x):
        return 0.1 * x + np.pi * x / 3 + x * (1 / 3) + np.sqrt(2 * np.pi)

    text = _texts(sd.trace(f, x=""))["f"]
    assert text == "0.1*x + pi*x/3 + x*(1/3) + sqrt(2)*sqrt(pi)"


def test_sizes_take_part_in_arithmetic_and_decide():
    def f(x):
        n = len(x)
        assert n > 1
        assert x.shape == (n,)
        if x.ndim == 1:
            return np.sum(x) / (n - 1) + math_sqrt(n)
        return None

    math_sqrt = traced_programs.sqrt
    assert _texts(sd.trace(f, x="n")) == {"f": "sum(x)/(n - 1) + sqrt(n)"}


def test_views_and_aliases_change_together_as_in_numpy():
    def f(x):
        out = np.zeros(4)
        part = out[1:3]
        same = out
        out[0] = x[0]
        part += x[1]
        same *= 2
        return np.sum(out**3) + part[0]

    model = sd.trace(f, x="2")
    point = np.array([0.7, -1.2])
    value, _ = sd.derive(model).function()(x=point)
    assert value == pytest.approx(f(point))


def _turned(B):
    rows = B.T
    rows[1] = rows[0] * 2
    for column in B.T:
        column -= column.mean()


def _row_by_row(B):
    flat = B.ravel()
    flat[1] += flat[0]
    B.reshape(2, 2, 3)[1, 0] += 1
    B.flat[::5] = 3 * B[0, 1]


def _copies(B):
    for copy in (B.flatten(), B.T.ravel(), B[:, :2].reshape(-1), np.array(B)):
        copy[0] = 70


def _of_views(B):
    row = B[1]
    end = row[1:]
    B[1, 2] = 5 * B[0, 0]
    end[0] = end[1]
    np.swapaxes(B, 0, 1)[2] = 7 * B[0, :3]
    np.flip(B, 1)[0] = B[1]


def _seen_later(B):
    diagonal, wide = np.diagonal(B), np.broadcast_to(B[0], (3, 4))
    B[0, 0] = 10 * B[1, 1]
    B[2] = wide[1] * diagonal[0]


def _columns(B):
    B[:2, [0, 2]] = B[1:, 1:3]
    B[:, [3, 1]] *= B[0, :2]
    B[[0, 2]] = B[1]
    B[..., np.array([True, False, True, False])] += B[:, :2]
    np.add.at(B, (slice(None), [0, 0, 1]), B[:, 1:])


@pytest.mark.parametrize(
    "change", [_turned, _row_by_row, _copies, _of_views, _seen_later, _columns]
)
def test_what_is_set_in_a_view_or_at_places_is_set_in_the_array(change):
    def f(x):
        B = x * 1.0  # noqa: N806
        change(B)
        return np.sum(B**2 * x)

    x = np.sin(np.arange(12.0)).reshape(3, 4)
    value, _ = sd.derive(sd.trace(f, x="3 4")).function()(x=x)
    assert value == pytest.approx(f(x))


def test_an_array_that_may_be_a_view_or_a_copy_is_not_set():
    def f(x):
        flat = (2 * x.T).reshape(-1)
        flat[0] = 1
        return np.sum(flat**2)

    with pytest.raises(sd.SymderiveError, match="reshape shows the array or a copy"):
        sd.trace(f, x="3 4")


class _State:
    def __init__(self, position, speed):
        self.position, self.speed = position, speed

    def after(self, dt, k):
        return _State(self.position + dt * self.speed, self.speed - dt * k * self.position)


def test_attributes_name_stages():
    def f(x, v, k):
        state = _State(x, v)
        for _ in range(2):
            state = state.after(0.5, k)
        return state.position

    names = ["position_1", "speed", "position_2"]
    assert list(sd.trace(f, x="", v="", k="").stages) == names


def _rates(y, a):
    return np.stack([a * y[1] - y[0], y[0] ** 2 - a * y[1]])


def test_helpers_and_what_they_are_handed_name_stages():
    def f(y, a):
        return np.sum(_rates(y, a)) + np.sum(_rates(y + a * y**2, a))

    stages = _texts(sd.trace(f, y="2", a=""))
    assert list(stages) == ["rates_1", "y_2", "rates_2", "f"]
    assert stages["y_2"] == "y + a*y**2"
    assert stages["rates_2"] == "stack([a*y_2[1] - y_2[0], y_2[0]**2 - a*y_2[1]])"


def test_statements_on_one_line_are_statements():
    def f(x):
        a = np.sin(x); b = a * x; c = b + a  # fmt: skip  # noqa: E702
        return c**2

    assert list(sd.trace(f, x="").stages) == ["a", "b", "c", "f"]


def _noisy(x):
    rng = np.random.default_rng(3)
    np.random.seed(1)
    eps = rng.standard_normal(4) * np.random.rand(4) + np.random.RandomState(2).rand(4)
    return np.sum((x + 0.1 * eps) ** 2)


def test_random_numbers_of_a_stated_seed_are_data():
    x, state = np.array([0.3, -1.0, 2.0, 0.1]), np.random.get_state()
    value, _ = sd.derive(sd.trace(_noisy, x="4")).function()(x=x)
    assert value == pytest.approx(_noisy(x), rel=1e-12)
    np.random.set_state(state)


def _leaky(x):
    y = x.copy()
    y[y < 0] = 0.1 * y[y < 0]
    return np.sum(y**2)


def test_what_a_condition_keeps_is_put_back_by_a_choice():
    model = sd.trace(_leaky, x="n")
    assert "where(x < 0, " in _texts(model)["y"]
    x = np.array([-1.0, 2.0, -3.0])
    value, gradient = sd.derive(model).function()(x=x)
    assert value == pytest.approx(_leaky(x))
    assert gradient["x"] == pytest.approx([-0.02, 4.0, -0.06])


def test_parts_are_named_after_the_statement_or_the_call():
    def f(x):
        total = sum(np.sin(k * x) * np.cos(k * x + 1) for k in range(1, 12))
        return total + np.cumprod(x * np.ones(3))[2]

    names = list(sd.trace(f, x="").stages)
    assert names[-2:] == ["cumprod_3", "f"]
    assert names[0].startswith("total_part")
    assert {name.rpartition("_")[0] for name in names[1:-1]} >= {"cumprod"}


def test_a_variable_may_be_called_as_stages_without_a_name_are():
    def f(x):
        A = np.sin(x)  # noqa: N806
        return A**2, A * x

    assert list(sd.trace(f, x="").stages) == ["A", "f", "A1"]


def test_named_tuples_and_dataclasses_have_names_of_their_own():
    def f(layer, x):
        return np.sum(layer.weights @ x + layer.bias)

    for kind in (_LayerTuple, _LayerData):
        model = sd.trace(f, layer=kind("m n", "m"), x="n")
        assert _texts(model) == {"f": "sum(weights @ x + bias)"}


def test_an_argument_that_is_a_word_by_default_takes_a_word():
    def f(x, kind="sin"):
        return np.sin(x) if kind == "sin" else np.cos(x)

    assert _texts(sd.trace(f, x="", kind="cos")) == {"f": "cos(x)"}
    assert _texts(sd.trace(functools.partial(f, kind="cos"), x="")) == {"f": "cos(x)"}


def test_zeros_and_ones_that_loops_start_from_are_left_out():
    def f(W, x):
        h, total = np.zeros(2), np.eye(2)
        for _ in range(2):
            h = np.tanh(W @ h + x)
            total = W @ total
        return np.sum(h) + total[0, 0]

    stages = _texts(sd.trace(f, W="2 2", x="2"))
    assert stages["h_1"] == "tanh(x)"
    assert stages["total"] == "W @ W"


def test_numbers_that_were_worked_out_are_read_as_meant():
    def f(x):
        dt, turn = 0.1, np.pi / 2
        return dt**2 * x + np.cos(turn) * x + x / np.sqrt(5) + 0.15 / 3 * x**2

    assert _texts(sd.trace(f, x=""))["f"] == "0.01*x + x/sqrt(5) + 0.05*x**2"


def test_entries_of_entries_are_said_once():
    def f(X):
        rows = X.copy()
        rows[1:3] = rows[1:3] * 2
        return X.T[0][1] + X[1:][0, 2] + np.sum(rows[1:3]) + (X**2)[1, 2]

    text = _texts(sd.trace(f, X="4 3"))["f"]
    assert text == "X[1, 0] + X[1, 2] + sum(rows) + X[1, 2]**2"


# Loops that are one array -----------------------------------------------------------------


def _running_sum(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100 * (x[i + 1] - x[i] ** 2) ** 2
    return total


def _list(x, w):
    losses = [np.tanh(row @ w) for row in x]
    return np.mean(losses)


def _counted(x):
    return -sum(np.sin((i + 1) * t) for i, t in enumerate(x))


def _chosen_by_labels(x):
    loss = 0
    for row, label in zip(x, [1, 0, 1], strict=True):
        loss -= np.log(row[label])
    return loss


def _rows(A, b):
    return np.sum(np.array([np.log(b @ A[:, j]) for j in range(3)]))


def _loop_in_a_loop(W, x):
    total = 0
    for sample in x:
        h = [np.tanh(row @ sample) for row in W]
        total += h[0] - h[1] * h[2]
    return total


def _needs_the_one_before(x):
    h = 0.5
    for t in x:
        h = np.tanh(h + t)
    return h


def _pairs_of_squares(u, v):
    error = 0
    for a, b in zip(u, v, strict=True):
        error += (a - 1) ** 2 + (b - 2) ** 2
    return error / 2


def _nearest(x, c):
    total = 0
    for row in x:
        distances = [np.sum((row - centre) ** 2) for centre in c]
        total += distances[0] * distances[1] * distances[2]
    return total


def _windows(y, phi):
    errors = [y[t] - y[t - 2 : t] @ phi for t in range(2, len(y))]
    return np.sum(np.square(errors))


def _rows_of_labels(x, c):
    labels = np.argmin(x, axis=1)
    return sum(np.sum((x[i] - c[labels[i]]) ** 2) for i in range(len(x)))


def _inner(u):
    new = np.zeros_like(u)
    for _ in range(2):
        new[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
        u = new.copy()
    return np.sum(u**2)


def _same_twice(x):
    def basis(k):
        left = x**k
        return left + 1

    return basis(2) * basis(2)


ROLLED = [
    (_running_sum, {"x": "4"}, ["sum(100*(x[1:] - x[:3]**2)**2)"]),
    (_list, {"x": "3 2", "w": "2"}, ["tanh(x @ w)", "mean(losses)"]),
    (_counted, {"x": "4"}, ["-sum(sin(stack([1, 2, 3, 4])*x))"]),
    (_chosen_by_labels, {"x": "3 2"}, ["sum(-log(sum(x*one_hot(stack([1, 0, 1]), 2), axis=1)))"]),
    (_rows, {"A": "2 3", "b": "2"}, ["sum(log(A.T @ b))"]),
    (
        _loop_in_a_loop,
        {"W": "3 2", "x": "2 2"},
        [
            "tanh(W @ x[0])",
            "h_1[0] - h_1[1]*h_1[2]",
            "tanh(W @ x[1])",
            "total_1 + (h_2[0] - h_2[1]*h_2[2])",
        ],
    ),
    (
        _needs_the_one_before,
        {"x": "3"},
        ["tanh(1/2 + x[0])", "tanh(h_1 + x[1])", "tanh(h_2 + x[2])"],
    ),
    (_pairs_of_squares, {"u": "3", "v": "3"}, ["sum((u - 1)**2 + (v - 2)**2)", "error/2"]),
    (
        _nearest,
        {"x": "6 2", "c": "3 2"},
        ["sum((x[:, None] - c)**2, axis=2)", "sum(prod(distances, axis=1))"],
    ),
    (
        _windows,
        {"y": "6", "phi": "2"},
        ["y[2:] - sliding_window_view(y, 2)[:4] @ phi", "sum(errors**2)"],
    ),
    (
        _rows_of_labels,
        {"x": "5 3", "c": "3 3"},
        [
            "min(where(x == min(x, axis=1, keepdims=True), arange(3), 3), axis=1)",
            "sum((x - one_hot(labels, 3) @ c)**2)",
        ],
    ),
    (
        _inner,
        {"u": "9"},
        [
            "u[2:] - 2*u[1:8] + u[:7]",
            "concatenate([new_1[1:], [0]]) - 2*new_1 + concatenate([[0], new_1[:6]])",
            "concatenate([[0], new_2, [0]])",
            "sum(u_2**2)",
        ],
    ),
    (_same_twice, {"x": ""}, ["x**2", "(left + 1)*(left + 1)"]),
]


@pytest.mark.parametrize(
    ("function", "shapes", "texts"), ROLLED, ids=[row[0].__name__ for row in ROLLED]
)
def test_steps_that_do_not_need_each_other_are_one_array(function, shapes, texts):
    assert list(_texts(sd.trace(function, **shapes)).values()) == texts


# What is refused --------------------------------------------------------------------------

GENERATOR = np.random.default_rng(0)


def _branch(x):
    if x > 0:
        return x
    return -x


def _loop(x):
    total = 0
    for part in x:
        total = total + part
    return total


def _plain_entry(x):
    buffer = np.array([1.0, 2.0])
    buffer[0] = x[0]
    return buffer.sum()


def _plain_sum(x):
    buffer = np.array([1.0, 2.0])
    buffer += x
    return buffer.sum()


def _file(x):
    return x * len(open("data").read())  # noqa: PTH123


def _cut_off(x):
    buffer = np.full(3, 0)
    buffer[0] = x
    return buffer.sum()


def _round_and_round(x):
    while abs(x - 1) > 0.1:
        x = (x + 1 / x) / 2
    return x


def _asserted(x):
    assert not x <= 0
    return np.log(x)


def _guarded(x, y):
    assert np.all(y > 0), "y must be positive"
    if x <= 0 or any(part > 9 for part in y):
        raise ValueError("x must be positive")
    return np.log(x) + np.sum(y) + np.where(np.any(y > 1), x, 0) * np.where(np.isclose(x, 2), 0, 1)


def test_what_is_asserted_or_raised_otherwise_is_taken_to_hold():
    model = sd.trace(_guarded, x="", y="2")
    for x, y in ((0.5, [0.3, 2.0]), (2.0, [0.3, 0.4]), (0.5, [0.5, 0.5])):
        value, _ = sd.derive(model).function()(x=x, y=np.array(y))
        assert value == pytest.approx(_guarded(x, np.array(y)))


def _censored(beta, x, y, kept):
    order = sorted(range(len(y)), key=lambda i: -y[i])
    total = 0.0
    for i in order:
        if y[i] > 0.5 and kept[int(i)]:
            total += (y[i] - beta * x[i]) ** 2
        else:
            total += np.log1p(np.exp(beta * x[i] * x[int(y[1])]))
    return total


def test_what_data_decide_is_decided_and_told():
    given = {
        "x": np.array([0.3, -1.2, 0.8]),
        "y": np.array([0.2, 2.0, 0.7]),
        "kept": [1.0, 1.0, 0.0],
    }
    model = sd.trace(_censored, beta="", parameters=["beta"], **given)
    assert "those of the values given for y, kept." in model.text
    value, gradient = sd.derive(model).function()(beta=0.6)
    assert value == pytest.approx(_censored(0.6, **given), rel=1e-12)
    rise = _censored(0.6 + 1e-6, **given) - _censored(0.6 - 1e-6, **given)
    assert gradient["beta"] == pytest.approx(rise / 2e-6, rel=1e-7)
    with pytest.raises(sd.SymderiveError, match="branches on a traced value"):
        sd.trace(_censored, **given, beta="")


def test_places_that_are_computed_may_count_from_the_end():
    def f(x):
        k = np.argmax(x)
        return x[-k] + 2 * x[k - 1] + 3 * x[k - 3] ** 2

    compute = sd.derive(sd.trace(f, x="4")).function()
    for x in np.array([[3.0, 1.0, 2.0, 0.5], [0.3, 1.0, 2.0, 0.5], [0.3, 1.0, 2.0, 2.5]]):
        value, gradient = compute(x=x)
        assert value == pytest.approx(f(x))
        rises = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
        assert gradient["x"] == pytest.approx(rises, abs=1e-8)


def test_infinite_ends_stand_in_lists():
    def f(x):
        ends = np.concatenate([[-np.inf], np.cumsum(x), [np.inf]])
        return np.sum(np.diff(1 / (1 + np.exp(-ends))) ** 2)

    x = np.array([0.3, 0.9])
    value, _ = sd.derive(sd.trace(f, x="2")).function()(x=x)
    assert value == pytest.approx(f(x))


REFUSED = [
    (_branch, "", "branches on a traced value.*write np.where"),
    (_loop, "n", "axis whose size n is a symbol"),
    (_plain_entry, "2", "np.zeros"),
    (_plain_sum, "2", "changed in place by a traced value"),
    (_cut_off, "", r"set in an array of whole numbers.*np\.full"),
    (_file, "", "reads or writes"),
    (lambda x: len(x[x > 0]) * x[0], "3", r"len of entries that are kept by a condition"),
    (lambda x: np.sum(x[x > 0] * x), "3", r"multiply with an array of all entries"),
    (lambda x: x * np.random.normal(), "", "draws random numbers"),
    (lambda x: x * GENERATOR.normal(), "", "draws random numbers"),
    (lambda x: x * np.random.RandomState().rand(), "", r"state a seed in the function"),
    (lambda x: np.random.default_rng(3).gamma(x), "", r"mu \+ sigma\*rng.standard_normal"),
    (lambda x: x[np.argpartition(x, 1)], "n", "argpartition has no formula"),
    (lambda x: np.fft.fft(x), "4", r"a complex number, which has no gradient; return z\.real"),
    (lambda x: np.fft.hfft(x), "4", "fft has no formula"),
    (lambda x: np.max(x[x > 0]), "n", "kept by a condition"),
    (lambda x: np.max(x * 1j), "3", r"max of a complex number has no formula .* z\.real"),
    (lambda x: x @ np.ones(3), "2", "do not fit together"),
    (lambda x: x / 0, "", "division by zero"),
    (lambda x: x[5], "3", "out of bounds"),
    (lambda x: np.where(x > 0, x, np.nan), "n", "nan cannot stand"),
    (lambda x: np.unique(x).sum(), "n", "number of its entries depends on values"),
    (lambda x: x[np.argwhere(x)], "n", "gives places"),
    (lambda x: sorted(x, key=abs)[0], "3", "np.argsort"),
    (lambda x: np.histogram(x)[0].sum(), "n", "counts"),
    (lambda x: np.linalg.eig(x)[0].sum(), "3 3", "np.linalg.eigvalsh"),
    (lambda x: np.linalg.svd(x)[0].sum(), "3 3", "compute_uv=False"),
    (lambda x: np.linalg.qr(x)[1].sum(), "3 3", "signs of its factors"),
    (_round_and_round, "", "number of its rounds depends"),
    (_asserted, "", "leave the assertion out"),
    (lambda x: x.unsqueeze(0), "3", "a NumPy array, which has no attribute"),
    (lambda x: x + missing, "", "NameError"),  # noqa: F821
    (lambda x: x.sum() if x == "all" else x, "3", "functools.partial"),
    (lambda x: np.vectorize(lambda t: t**2)(x), "n", "stated as numbers"),
    (lambda x: x.astype("datetime64[s]"), "3", "leave .astype out"),
]
LIBRARIES = [
    ("scipy.optimize", "brentq", lambda f, a: f(lambda x: x**2 - a, 0, 2), "Newton"),
    ("scipy.optimize", "minimize", lambda f, a: f(lambda x: (x[0] - a) ** 2, [0.0]).fun, "Newton"),
    ("scipy.integrate", "quad", lambda f, a: f(lambda x: np.exp(-a * x), 0, 1)[0], "trapezoid"),
    (
        "scipy.integrate",
        "solve_ivp",
        lambda f, a: f(lambda t, y: -y, (0, 1), [a]).y[0, -1],
        "Euler",
    ),
    ("scipy.interpolate", "lagrange", lambda f, a: f([0, 1], a * np.ones(2))(0.5), "np.interp"),
    ("scipy.signal", "medfilt", lambda f, a: f(a * np.ones(3)), "np.convolve"),
    ("scipy.stats", "linregress", lambda f, a: f(a * np.ones(3), [1, 2, 4]).slope, "np.cov"),
]


@pytest.mark.parametrize(
    ("module", "name", "program", "advice"), LIBRARIES, ids=lambda p: str(p)[:20]
)
def test_a_function_of_a_library_is_named_whatever_it_asked_for(module, name, program, advice):
    function = getattr(pytest.importorskip(module), name)
    with pytest.raises(
        sd.SymderiveError, match=rf"{module}\.{name} has no formula.*{advice}"
    ) as error:
        sd.trace(lambda a: program(function, a), a="")
    assert "test_python_reader.py, line " in str(error.value)


def test_what_returns_no_value_is_refused_with_its_place():
    def nothing(x):
        x.sum()

    def generator(x):
        yield x

    for function, message in ((nothing, "returns nothing"), (generator, "is a generator")):
        with pytest.raises(sd.SymderiveError, match=message) as error:
            sd.trace(function, x="3")
        assert "test_python_reader.py, line " in str(error.value)


@pytest.mark.parametrize(
    ("function", "shape", "message"), REFUSED, ids=lambda p: getattr(p, "__name__", p)
)
def test_refused_with_the_line(function, shape, message):
    with pytest.raises(sd.SymderiveError, match=message) as error:
        sd.trace(function, x=shape)
    assert "test_python_reader.py, line " in str(error.value)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"z": ""}, "missing a required argument"),
        ({"x": 3}, "no argument of .* is traced"),
        ({"x": (3, 2)}, 'state shapes as text.*w="3 2"'),
        ({"x": "", "parameters": ["q"]}, "q is no traced argument"),
        ({"x": "x"}, "an argument and the size of an axis"),
    ],
)
def test_arguments_that_do_not_fit(stated, message):
    with pytest.raises(sd.SymderiveError, match=message):
        sd.trace(lambda x: x * 2, **stated)


def test_a_constant_result_is_refused():
    with pytest.raises(sd.SymderiveError, match="does not depend on its arguments"):
        sd.trace(lambda x: 3.0, x="")


def test_everything_is_put_back_after_an_error_too():
    before = dict(globals()), math_of(), np.zeros, np.array, np.random.normal
    for function in (_branch, lambda x: x * 2):
        with contextlib.suppress(sd.SymderiveError):
            sd.trace(function, x="")
        assert (dict(globals()), math_of(), np.zeros, np.array, np.random.normal) == before


def math_of():
    return {name: getattr(traced_programs.math, name) for name in dir(traced_programs.math)}


# JAX --------------------------------------------------------------------------------------


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "program", [p for p in PROGRAMS if p.jax], ids=lambda p: p.function.__name__
)
def test_gradient_is_that_of_jax(program, monkeypatch):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    values = _point(program)
    parts = {k: v for name, value in values.items() for k, v in flat_names(name, value).items()}
    model = sd.trace(
        program.function, parameters=list(program.shapes), **program.shapes, **program.plain
    )
    _, gradient = sd.derive(model).function()(**parts)
    monkeypatch.setattr(traced_programs, "np", jax.numpy)
    arrays = jax.tree.map(jax.numpy.asarray, values)
    expected = jax.grad(lambda given: program.function(**given, **program.plain))(arrays)
    for name, stated in expected.items():
        for part, numbers in flat_names(name, stated).items():
            np.testing.assert_allclose(gradient[part], numbers, rtol=1e-8, atol=1e-10)


def test_the_parts_of_long_complex_numbers_are_stages():
    def wave(a, b):
        g = np.exp(1j * a + b) / (1j * a - b)
        return np.real(np.log((1 - g * np.exp(-1j * a * b)) / (1 - g)) * np.exp(1j * b))

    stages = sd.trace(wave, a="", b="").stages
    assert {"g_re", "g_im"} < set(stages)
    assert all(len(stage.text) < 120 for stage in stages.values()), stages


def test_builtins_that_a_module_names_itself_are_replaced_and_put_back():
    space = {"np": np, "len": len}
    exec("def f(x):\n    return np.abs(x).sum()/len(x)", space)
    assert sd.trace(space["f"], x="n").stages["f"].text == "sum(abs(x))/n"
    assert space["len"] is len


def test_an_argument_called_pi_is_not_the_number():
    model = sd.trace(lambda pi, x: np.sqrt(2 * np.pi) * pi * x, pi="", x="")
    value, gradient = sd.derive(model).function()(pi=2.0, x=1.0)
    assert value == pytest.approx(2 * np.sqrt(2 * np.pi))
    assert gradient["pi"] == pytest.approx(np.sqrt(2 * np.pi))


_TABLE = {"exp": math.exp}


class _Held:
    root = staticmethod(math.sqrt)


def _by_table(x, f=math.sin, *, g=math.log):
    return _TABLE["exp"](x) * f(x) + g(x) * _Held.root(x)


def test_functions_in_tables_defaults_and_classes_are_replaced_and_put_back():
    model = sd.trace(_by_table, x="")
    assert list(_texts(model).values()) == ["exp(x)*sin(x) + log(x)*sqrt(x)"]
    held = (_TABLE["exp"], *_by_table.__defaults__, *_by_table.__kwdefaults__.values(), _Held.root)
    assert held == (math.exp, math.sin, math.log, math.sqrt)
