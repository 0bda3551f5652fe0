"""Programs, backends, compiled functions, the gradient step and training."""

import gc
import math
import time

import mpmath
import numpy as np
import pytest
import sympy as sp

import symderive as sd
from symderive.errors import SymderiveError, UnknownChoiceError, ValueMissingError
from symderive.formulas.evaluate import derivative, evaluate
from symderive.formulas.functions import FUNCTIONS, ROWS, NamedFunction
from symderive.formulas.parsing import parse
from symderive.numeric import (
    BACKENDS,
    Assignment,
    Function,
    Program,
    compile_program,
    lower,
    source,
    train,
    update,
)
from symderive.numeric.ops import OPS, TRUTH, Op
from symderive.numeric.special import EXACT
from symderive.numeric.stable import EXPAND, STABLE, Row

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


@pytest.mark.parametrize("rows", [1, 1500, 10_000, 10_001, 100_001])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_reductions_agree_with_the_rows(rows: int, reduce: str) -> None:
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=rows), "y": random.normal(size=rows)}
    value, gradient = make(defaults=AT)(**data)
    whole, slopes = make(defaults=AT, reduce=reduce)(**data)
    assert whole == pytest.approx(getattr(value, reduce)(), rel=1e-12)
    assert slopes["w"] == pytest.approx(getattr(gradient["w"], reduce)(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("kind", ["f2", "f4", "g", ">f8", ">f4"])
def test_signs_are_taken_by_their_bits_in_every_type(kind: str) -> None:
    z = sp.Symbol("z")
    rows = [("z", w * x), ("L", sp.log(1 + sp.exp(z)) - y * z), ("S", 1 / (1 + sp.exp(-z)) - y)]
    rows += [("M", sp.Max(z, 0) - sp.Min(z, w)), ("N", sp.sign(z) * sp.exp(-sp.Abs(z)))]
    f = Function(rows, ["w", "x", "y"], "L", {name: name for name in "SMN"}, defaults={"w": 0.5})
    data = {"x": np.linspace(-6, 6, 49), "y": np.arange(49) % 2.0}
    given = {name: column.astype(kind) for name, column in data.items()}
    for ours, exact in zip([*f(**given)[1].values()], [*f(**data)[1].values()], strict=True):
        assert ours.dtype == np.dtype(kind).newbyteorder("=")
        np.testing.assert_allclose(
            ours.astype(float), exact, rtol=8 * max(np.finfo(kind).eps, 2e-16)
        )


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


def test_a_branch_without_a_value_leaves_the_others_theirs() -> None:
    f = sd.derive(sd.Model({"y": "1/where(x >= 0, x**2, 0)"})).function()
    value, gradient = f(x=2.0)
    assert (value, gradient["x"]) == (0.25, -0.25)


def test_a_number_beyond_floats_is_infinity_in_the_source() -> None:
    d = sd.derive(sd.Model({"y": "x*exp(8**3*6**3)"}))
    assert d.function()(x=1.0) == (math.inf, {"x": math.inf})


def test_a_name_that_is_bound_to_zero_is_no_factor() -> None:
    terms = "-logaddexp(0, -(x*y)) + logaddexp(0, x) - logaddexp(0, -x)"
    value, gradient = sd.derive(sd.Model({"y1": f"{terms} + x*y"})).function()(x=0.5, y=2.0)
    assert value == pytest.approx(
        math.log1p(math.exp(0.5)) - math.log1p(math.exp(-0.5)) + 1 - math.log1p(math.exp(-1))
    )
    assert gradient["y"] == pytest.approx(0.5 + 0.5 / (1 + math.e))


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


# Every operation ----------------------------------------------------------------------------------

NUMBERS = {
    "acosh": (1.7,),
    "polygamma": (2.0, 1.3),
    "besselj": (2.0, 1.3),
    "bessely": (2.0, 1.3),
    "besseli": (2.0, 1.3),
    "besselk": (2.0, 1.3),
    "besseli_ratio": (1.0, 0.0, 1.3),
    "besselk_ratio": (1.0, 0.0, 1.3),
    "log_besseli": (2.0, 1.3),
    "expint": (2.0, 1.3),
    "hurwitz_zeta": (2.5, 1.3),
    "zeta": (2.5,),
    "assoc_laguerre": (2.0, 0.5, 0.7),
    "assoc_legendre": (2.0, 1.0, 0.7),
    "gegenbauer": (2.0, 0.5, 0.7),
    "jacobi": (2.0, 0.5, 0.4, 0.7),
    "hyp1f1": (0.7, 0.4, 0.3),
    "hyp2f1": (0.7, 0.4, 0.9, 0.3),
    "not": (True,),
    "and": (True, False),
    "or": (True, False),
    "where": (False, 0.7, -1.3),
}
"""Operands inside the domain, where the usual ones are not."""


def operands_of(op: Op) -> tuple[float, ...]:
    count = max(i for i in range(4) if f"{{{i}}}" in op.numpy) + 1
    return NUMBERS.get(op.name, (0.7, -1.3 if count == 2 and op.result == TRUTH else 0.4)[:count])


@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_an_operation_is_the_same_in_every_backend(op: Op) -> None:
    operands = operands_of(op)
    names = tuple(f"x{i}" for i in range(len(operands)))
    steps = [Assignment("y", op.name, names)]
    if op.result == TRUTH:  # a truth value chooses; it is no output
        steps = [Assignment("t", op.name, names), Assignment("y", "where", ("t", 2.0, 3.0))]
    program = Program(names, ("y",), tuple(steps), frozenset({"t"}))
    with mpmath.workdps(40):
        truth = op.fold(*(v if isinstance(v, bool) else mpmath.mpf(v) for v in operands))
    expected = (2.0 if truth else 3.0) if op.result == TRUTH else float(truth)
    for backend in BACKENDS:
        assert compile_program(program, backend)(*operands)[0] == pytest.approx(expected, rel=1e-14)
    rows = 3 if op.name in EXACT else 8193  # more than a block; mpmath takes its time
    columns = [np.full(rows, value) for value in operands]
    if op.name not in ("not", "and", "or", "where"):
        (column,) = compile_program(program, "numpy")(*columns)
        assert column.shape == (rows,)
        assert column[[0, -1]] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "row", [r for r in STABLE if r.phase != EXPAND], ids=lambda row: row.pattern
)
def test_a_stable_row_is_the_same_in_every_backend(row: Row) -> None:
    formula = parse(row.pattern, FUNCTIONS).formula
    program = lower([("F", formula)], list(row.example), ["F"])
    runs = [compile_program(program, backend) for backend in BACKENDS]
    for scale in (1.0, 0.125):
        at = [value * scale for value in row.example.values()]
        results = [float(run(*at)[0]) for run in runs]
        assert results == pytest.approx([results[0]] * len(runs), rel=1e-14, nan_ok=True)


# Every function of the table ----------------------------------------------------------------------

INSIDE = (0.31, 0.58, 0.83)
"""Where in the range of its samples an argument lies."""


def points_of(row: NamedFunction) -> list[dict[str, float]]:
    count = 3 if row.variadic else len(row.parameters)
    ranges = row.samples * count if row.variadic else row.samples
    points = []
    for turn in range(len(INSIDE)):
        point = {}
        for i in range(count):
            low, high = ranges[i]
            value = low + (high - low) * INSIDE[(turn + i) % len(INSIDE)]
            whole = not row.variadic and row.parameters[i] in row.integers
            point[f"v{i}"] = float(max(1, round(value))) if whole else round(value, 6)
        points.append(point)
    return points


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_function_of_the_table_runs_in_every_backend(row: NamedFunction) -> None:
    points = points_of(row)
    names = list(points[0])
    symbols = [sp.Symbol(name) for name in names]
    value = row.apply(*symbols)
    partials = dict(zip(names, row.partial_formulas(*symbols), strict=True))
    slopes = {name: partial for name, partial in partials.items() if partial is not None}
    definitions = [("L", value), *((f"L_D_{name}", slope) for name, slope in slopes.items())]
    gradient = {name: f"L_D_{name}" for name in slopes}
    convention = any(kink.where == "True" for kink in row.kinks)  # stop_gradient: 0 by decree
    checked = 0
    for backend in BACKENDS:
        f = Function(definitions, names, "L", gradient, backend=backend)
        for point in points:
            truth = evaluate(value, point, 30)
            if not mpmath.isfinite(truth):
                continue  # outside the domain
            got, got_slopes = f(**point)
            checked += 1
            assert got == pytest.approx(float(truth), rel=1e-10, abs=1e-13)
            for name in slopes:
                slope = mpmath.mpf(0) if convention else derivative(value, name, point, 30)
                if mpmath.isfinite(slope):  # else at a kink, or at an edge
                    assert got_slopes[name] == pytest.approx(float(slope), rel=1e-9, abs=1e-12)
    assert checked


# Sources ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_source_is_deterministic_and_free_of_foreign_text(backend: str) -> None:
    stages = {"A": "sigmoid(w*x)", "L": "binary_cross_entropy(A, Y)"}

    def made() -> str:
        given = {"title": "import os; boom", "text": '"""\n  boom(\n"""'}
        model = sd.Model(stages, parameters={"w": 0.5}, constants={"x": 1.0, "Y": 1.0}, **given)
        return sd.derive(model).code(backend)

    assert made() == made()
    assert "boom" not in made()


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


def test_lowering_and_compiling_are_linear() -> None:
    times = {}
    for n in (300, 3000):
        definitions, inputs = chain(n)
        gc.collect()
        start = time.perf_counter()
        program = lower(definitions, inputs, [f"A{n}", *(f"G{i}" for i in range(1, n + 1))])
        run = compile_program(program)
        times[n] = time.perf_counter() - start
        assert len(program.assignments) < 16 * n
        assert len(run(*[0.5] * len(inputs))) == n + 1
    assert times[3000] / times[300] < 30  # quadratic would be 100


def test_a_deep_chain_is_computed() -> None:
    stages = {f"A{k}": f"sin(A{k - 1})" if k > 1 else "sin(w)" for k in range(1, 2001)}
    value, gradient = sd.derive(sd.Model(stages, parameters={"w": 0.5})).function()()
    expected, slope = 0.5, 1.0
    for _ in range(2000):
        expected, slope = math.sin(expected), slope * math.cos(expected)
    assert value == pytest.approx(expected, rel=1e-13)
    assert gradient["w"] == pytest.approx(slope, rel=1e-11)


def test_backends_share_one_program() -> None:
    d = sd.derive(sd.Model({"y": "x*exp(x)"}, parameters={"x": 1.0}))

    assert d.function("numpy").program is d.function().program
    assert d.function("numpy")() == d.function()()


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_arguments_that_are_left_out_have_their_defaults(backend: str) -> None:
    value, gradient = sd.derive(sd.Model({"y": "x*heaviside(x)"})).function(backend)(x=2.0)
    assert (value, gradient["x"]) == (2.0, 1.0)
    shifted = sd.Model({"y": "zeta(3, x)"}, parameters={"x": 2.0})
    value, gradient = sd.derive(shifted).function(backend)()
    assert value == pytest.approx(float(mpmath.zeta(3, 2)), rel=1e-14)
    assert gradient["x"] == pytest.approx(float(-3 * mpmath.zeta(4, 2)), rel=1e-14)
