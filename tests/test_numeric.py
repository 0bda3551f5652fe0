"""Programs, backends, compiled functions, the gradient step and training."""

import time

import numpy as np
import pytest
import sympy as sp

from symderive.errors import SymderiveError, UnknownChoiceError, ValueMissingError
from symderive.numeric import BACKENDS, Function, compile_program, lower, source, train, update
from symderive.numeric.ops import OPS

a, w, x, y = sp.symbols("a w x y")
DEFINITIONS = [
    ("A", w * x),
    ("L", (sp.Symbol("A") - y) ** 2),
    ("L_D_A", 2 * (sp.Symbol("A") - y)),
    ("L_D_w", x * sp.Symbol("L_D_A")),
]
AT = {"w": 2.0, "x": 3.0, "y": 1.0}


def make(**options: object) -> Function:
    return Function(DEFINITIONS, ["w", "x", "y"], "L", {"w": "L_D_w"}, **options)


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_value_and_gradient(backend: str) -> None:
    f = make(backend=backend, defaults=AT)
    assert f() == (25.0, {"w": 30.0})
    assert f(w=1.0) == (4.0, {"w": 12.0})
    assert tuple(f.positional(2.0, 3.0, 1.0)) == (25.0, 30.0)
    assert f.value_only() == 25.0
    assert f.stages() == {"A": 6.0, "L": 25.0, "L_D_A": 10.0, "L_D_w": 30.0}


def test_arrays_broadcast() -> None:
    value, gradient = make(defaults=AT)(x=np.array([[1.0], [2.0]]), y=np.array([0.0, 1.0, 2.0]))
    expected = (2 * np.array([[1.0], [2.0]]) - np.array([0.0, 1.0, 2.0])) ** 2
    assert np.array_equal(value, expected)
    assert gradient["w"].shape == (2, 3)


@pytest.mark.parametrize("rows", [1, 1000, 8192, 8193, 300_001])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_reductions_agree_with_the_rows(rows: int, reduce: str) -> None:
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=rows), "y": random.normal(size=rows)}
    value, gradient = make(defaults=AT)(**data)
    whole, slopes = make(defaults=AT, reduce=reduce)(**data)
    assert whole == pytest.approx(getattr(value, reduce)(), rel=1e-12)
    assert slopes["w"] == pytest.approx(getattr(gradient["w"], reduce)(), rel=1e-10, abs=1e-12)


def test_the_mean_of_logarithms_is_exact_for_tiny_terms() -> None:
    f = Function([("L", sp.log(1 + sp.exp(x)))], ["x"], "L", {}, reduce="mean")
    assert f(x=np.full(10_001, -300.0))[0] == pytest.approx(5.148200222412013e-131, rel=1e-13)


def test_source_reads_like_the_model() -> None:
    text = make().source
    assert "    A = w * x\n" in text
    assert "    # Derivatives, backwards\n    L_D_A = t1 * 2.0\n" in text
    assert source(make().program, "numpy").startswith("import numpy as np\n")


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_that_python_cannot_use(backend: str) -> None:
    names = ["lambda", "exp", "w'", "t1", "r0", "np", "special", "sum_L", "out_L", "L"]
    total = sp.Add(*(sp.exp(sp.Symbol(name)) for name in names))
    f = compile_program(lower([("value", total)], names, ["value"]), backend)
    assert f(*[0.0] * len(names))[0] == 10.0


@pytest.mark.parametrize(
    ("formula", "at", "expected"),
    [
        (sp.exp(x), 1000.0, np.inf),
        (1 / x, 0.0, np.inf),
        (sp.log(x), 0.0, -np.inf),
        (sp.sqrt(x), -1.0, np.nan),
        (x ** sp.Rational(1, 3), -8.0, np.nan),
    ],
)
def test_the_edges_give_infinity_or_nan_and_never_raise(
    formula: sp.Expr, at: float, expected: float
) -> None:
    program = lower([("L", formula)], ["x"], ["L"])
    for backend in BACKENDS:
        np.testing.assert_equal(float(compile_program(program, backend)(at)[0]), expected)


def test_errors_name_the_value() -> None:
    with pytest.raises(ValueMissingError, match="no value for x, y"):
        make()(w=1.0)
    with pytest.raises(UnknownChoiceError, match="'z'"):
        make(defaults=AT)(z=1.0)
    with pytest.raises(ValueMissingError, match="w is inf"):
        make(defaults=AT)(w=np.inf)
    with pytest.raises(ValueMissingError, match=r"x\[1\]"):
        make(defaults=AT)(x=np.array([1.0, np.nan]))
    with pytest.raises(UnknownChoiceError, match="backend"):
        make(backend="fortran")
    with pytest.raises(SymderiveError, match="broadcast"):
        make(defaults=AT)(x=np.ones(2), y=np.ones(3))


def test_update_and_train() -> None:
    f = make(defaults=AT)
    step = update(f, {}, learning_rate=0.01)
    assert (step.old, step.new["w"], step.old_loss) == ({"w": 2.0}, 2.0 - 0.3, 25.0)
    assert step.new_loss == pytest.approx((1.7 * 3 - 1) ** 2)
    end = train(f, {}, learning_rate=0.01, steps=200)
    assert end.end["w"] == pytest.approx(1 / 3)
    assert len(end.losses) == 201
    with pytest.raises(SymderiveError, match="lower learning_rate"):
        train(f, {}, learning_rate=10.0, steps=1000)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_operation_prints_in_every_backend(backend: str) -> None:
    for op in OPS.values():
        assert (op.python if backend == "python" else op.numpy).count("{0}") >= 1


def chain(n: int) -> tuple[list[tuple[str, sp.Expr]], list[str]]:
    symbol = sp.Symbol
    forward, backward, inputs = [], [], ["x"]
    for i in range(1, n + 1):
        before = symbol(f"A{i - 1}") if i > 1 else x
        forward += [
            (f"z{i}", symbol(f"w{i}") * before + symbol(f"b{i}")),
            (f"A{i}", 1 / (1 + sp.exp(-symbol(f"z{i}")))),
        ]
        inputs += [f"w{i}", f"b{i}"]
        out = symbol(f"w{i + 1}") * symbol(f"D{i + 1}") if i < n else sp.Integer(1)
        slope = symbol(f"A{i}") * (1 - symbol(f"A{i}"))
        backward.append([(f"D{i}", slope * out), (f"G{i}", symbol(f"D{i}") * before)])
    return forward + [pair for group in reversed(backward) for pair in group], inputs


def test_lowering_is_linear() -> None:
    times = {}
    for n in (200, 2000):
        definitions, inputs = chain(n)
        start = time.perf_counter()
        program = lower(definitions, inputs, [f"A{n}", *(f"G{i}" for i in range(1, n + 1))])
        run = compile_program(program)
        times[n] = time.perf_counter() - start
        assert len(program.assignments) < 16 * n
        assert len(run(*[0.5] * len(inputs))) == n + 1
    assert times[2000] / times[200] < 30
