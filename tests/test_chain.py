"""Graphs: forks, shared names, inner targets, why a gradient is zero; the tape's contract."""

import pytest
import sympy as sp

import symderive as sd
from symderive.cost import cost
from symderive.errors import ModelError, UnknownChoiceError
from symderive.formulas.written import evaluated

FORK = {"u": "x**2", "v": "sin(x)", "y": "u*v + u", "z": "w + y"}
NEURON = {"A1": "x1*w1 + x2*w2 + b", "A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}


def derived(stages, **options):
    return sd.derive(sd.Model(stages, **options))


def inputs_only(derivation, formula):
    for stage in reversed(derivation.model.stages.values()):
        formula = formula.subs(sp.Symbol(stage.name), stage.formula)
    return formula


def test_a_fork_is_a_sum_over_its_paths():
    d = derived(FORK)
    x = sp.Symbol("x")
    found = inputs_only(d, d.partial("z", "x").formula)

    assert sp.simplify(found - sp.diff(x**2 * sp.sin(x) + x**2, x)) == 0
    assert d.paths("z", "x") == [("x", "u", "y", "z"), ("x", "v", "y", "z")]
    assert "2 paths" in d.explain("z", "x")


def test_an_adjoint_is_computed_once_and_named():
    d = derived(NEURON, parameters=["w1", "w2", "b"])

    assert dict(d.definitions())["A3_D_A1"] == sp.Symbol("A2") - sp.Symbol("Y")
    assert d.partial("A3", "w1").formula == sp.Symbol("x1") * (sp.Symbol("A2") - sp.Symbol("Y"))


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [
        ("y", "w", "w is not an ancestor of y. w acts on z"),
        ("u", "y", "y comes after u"),
        ("u", "v", "v is not an ancestor of u. v acts on y"),
        ("z", "x", "carried by 2 paths: x → u → y → z; x → v → y → z"),
        ("z", "z", "a name with respect to itself"),
    ],
)
def test_explain(target, source, words):
    assert words in derived(FORK).explain(target, source)


def test_a_gradient_that_cancels_is_explained():
    d = derived({"u": "2*x", "v": "-2*x", "y": "u + v"})

    assert d.partial("y", "x").formula == 0
    assert "= 0 although 2 paths lead there" in d.explain("y", "x")


def test_gradient_keeps_the_structure_of_its_sources():
    d = derived(NEURON)
    found = d.gradient("A1", {"weights": ["w1", ("w2",)], "bias": "b", "label": "Y"})

    assert found["weights"] == [sp.Symbol("x1"), (sp.Symbol("x2"),)]
    assert found["bias"] == 1
    assert found["label"] is None
    assert d.gradient("A1", ["Y"], unconnected_gradients="zero") == [0]


def test_no_gradient_flows_past_stop_gradient_or_through_a_condition():
    """As tf.GradientTape has it: None where the only paths are blocked."""
    d = derived({"u": "stop_gradient(x)**2", "z": "u + y**2"})
    assert d.gradient() == {"x": None, "y": 2 * sp.Symbol("y")}
    assert d.gradient(unconnected_gradients="zero")["x"] == 0
    assert derived({"z": "where(x > 0, v, w**2)"}).gradient("z", "x") is None
    assert derived({"z": "x*stop_gradient(x)"}).gradient("z", "x") is not None


def test_several_targets_and_output_gradients():
    d = derived({"y": "x**2", "z": "x**3"}, target="z")
    x = sp.Symbol("x")

    assert d.gradient(["y", "z"], "x") == 2 * x + 3 * x**2
    assert d.gradient(["y", "z"], "x", output_gradients=[10, "x"]) == 20 * x + 3 * x**3


def test_tape_example():
    d = derived({"y": "x**2"}, parameters={"x": 2.0})

    assert d.evaluate().gradient == {"x": 4.0}
    assert d.derivative("y", "x", order=2).formula == 2


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_derivatives_are_sympys(order):
    d = derived({"y": "sin(x**2)*exp(-x)"})
    x = sp.Symbol("x")
    found = inputs_only(d, d.derivative("y", "x", order).formula)

    assert sp.simplify(found - sp.diff(sp.sin(x**2) * sp.exp(-x), x, order)) == 0


HIGHER = [
    ({"y": "x**n"}, 3, "n*(n - 1)*(n - 2)*x**(n - 3)"),
    ({"y": "log(x)"}, 3, "2/x**3"),
    ({"y": "sqrt(1 - x**2)"}, 2, "-1/y**3"),
    ({"y": "A*cos(w*x + p)"}, 2, "-w**2*y"),
    ({"y": "1/(1 + exp(-x))"}, 2, "y*(1 - y)*(1 - 2*y)"),
    ({"u": "x**2 + 1", "y": "log(u)"}, 2, "2*(u - 2*x**2)/u**2"),
]


@pytest.mark.parametrize(("stages", "order", "form"), HIGHER)
def test_a_higher_derivative_is_its_last_line_in_short_form(stages, order, form):
    d = derived(stages)
    found = d.derivative("y", "x", order)
    printed = sp.parse_expr(form, {name: sp.Symbol(name) for name in d.model.names})

    assert sp.simplify(found.formula - printed) == 0
    assert found.formula == evaluated(found.lines[-1].formula)
    assert cost(found.formula) <= cost(printed)
    assert {line.certificate.verdict for line in found.lines} <= {"proved", "sampled"}


def test_hessian_of_the_neuron():
    d = derived(NEURON, parameters=["w1", "w2"])
    a2, x1, x2 = sp.symbols("A2 x1 x2")
    expected = a2 * (1 - a2) * sp.Matrix([[x1**2, x1 * x2], [x1 * x2, x2**2]])

    assert sp.simplify(d.hessian("A3").formula - expected) == sp.zeros(2, 2)


def test_hessian_of_a_deep_model_keeps_later_adjoints():
    stages = {f"a{k}": f"tanh(w*a{k - 1} + v)" for k in range(1, 9)}
    d = derived(stages, parameters={"w": 0.7, "v": 0.1}, constants={"a0": 0.5})
    h = 1e-4
    up, down = (d.evaluate(w=0.7 + s).gradient["w"] for s in (h, -h))

    assert d.hessian("a8", "w").evaluate() == pytest.approx((up - down) / (2 * h), rel=1e-6)


def test_jacobian():
    d = derived({"y": "x**2*z", "w": "x + z"}, target="y")
    x, z = sp.symbols("x z")

    assert d.jacobian(["y", "w"], ["x", "z"]).formula == sp.Matrix([[2 * x * z, x**2], [1, 1]])


def test_links_that_are_the_same_up_to_names_share_one_derivation():
    stages = {f"a{k}": f"sigmoid(w*a{k - 1})" for k in range(1, 200)}
    d = derived(stages, parameters=["w"], constants=["a0"])

    assert len({id(link.kind) for link in d.links.values()}) == 2
    assert len(d.check().lines) < 40


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda d: d.link("A22", "A1"),
            UnknownChoiceError,
            "unknown stage 'A22'; did you mean 'A2'",
        ),
        (lambda d: d.link("A2", "b"), UnknownChoiceError, "unknown input of stage A2 'b'"),
        (lambda d: d.partial("A3", "q"), UnknownChoiceError, "unknown name 'q'"),
        (lambda d: d.gradient("A3", 3), ModelError, "sources are names"),
        (lambda d: d.gradient(unconnected_gradients="no"), UnknownChoiceError, "none, zero"),
        (lambda d: d.derivative("A3", "b", 0), ModelError, "a whole number from 1"),
        (lambda d: d.gradient(["A3"], "b", output_gradients=[1, 2]), ModelError, "1 targets need"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call(derived(NEURON))


def test_a_planted_fault_is_caught(monkeypatch):
    """A rule with a wrong sign makes lines that are refuted, with a counterexample."""
    from symderive import rules
    from symderive.steps import Rule

    row = next(row for row in rules.ROWS if row.rule.name == "quotient rule")
    wrong = Rule("quotient rule", row.rule.left, -row.rule.right)
    planted = [rules.Row(wrong, r.match, r.example) if r is row else r for r in rules.ROWS]
    monkeypatch.setattr(rules, "ROWS", tuple(planted))
    report = derived({"y": "sin(x)/(x + 1)"}).check()

    assert not report.passed
    assert "refuted" in str(report)
    assert "x = " in str(report)


def test_a_planted_wrong_partial_of_a_function_is_caught(monkeypatch):
    from dataclasses import replace

    from symderive import rules
    from symderive.formulas import functions

    wrong = replace(functions.FUNCTIONS["sigmoid"], partials=("sigmoid(z)*(1 + sigmoid(z))",))
    true_row = functions.function_of
    planted = lambda f: wrong if true_row(f) is functions.FUNCTIONS["sigmoid"] else true_row(f)  # noqa: E731
    monkeypatch.setattr(rules, "function_of", planted)

    assert not derived({"y": "sigmoid(3*x)"}).check().passed


def test_what_a_notebook_shows():
    d = derived({"y": "x**2*z"})

    assert d.link("y", "x")._repr_latex_() == r"$\displaystyle 2xz$"
    assert "bmatrix" in d.hessian("y", ["x", "z"]).latex()
    assert d._repr_markdown_().startswith("# ")


def test_newton_and_hessian_vector_products():
    d = derived({"y": "(x - 3)**2 + (z - x)**2"}, parameters={"x": 7.0, "z": 1.0})
    found = d.hessian_vector_product({"x": 1, "z": "2"})

    assert d.newton() == pytest.approx({"x": 3.0, "z": 3.0})
    assert {name: part.formula for name, part in found.items()} == {"x": 0, "z": 2}
    with pytest.raises(ModelError, match="by name, such as"):
        d.hessian_vector_product("x")


def test_a_vector_may_call_the_functions_of_the_model():
    model = sd.Model(
        {"L": "(w*x)**2"}, parameters={"w": 0.3}, constants={"x": -1}, functions={"relu(x)": "x**2"}
    )
    found = sd.derive(model).hessian_vector_product({"w": "relu(x)"})["w"]
    assert str(found.formula) == "2*x**4"


def test_operation_counts_tell_why_reverse_is_cheaper():
    counts = derived(NEURON, parameters=["w1", "w2", "b"]).operations()

    assert counts == {"forward": 9, "reverse": 5}


BLOCKED = {"a": "w*x", "b": "sigmoid(a)", "c": "stop_gradient(b)*v", "d": "b*c", "e": "a**2"}


@pytest.mark.parametrize(
    ("target", "source", "end"),
    [
        ("d", "w", "w → a → b → c → d carries nothing: stop_gradient holds b constant in c."),
        ("c", "b", "stop_gradient holds b constant in c."),
        ("e", "v", "v acts on c, d; the nearest path is v → c → d."),
        ("b", "d", "it depends on it, not the other way round (b → d)."),
        ("w", "x", "w is given, not computed: it depends on nothing."),
        (["e", "a"], "w", "∂a/∂w is carried by 1 path: w → a."),
    ],
)
def test_why_a_derivative_is_zero_or_less(target, source, end):
    model = sd.Model(BLOCKED, parameters=["w", "v"], target="d")

    assert sd.derive(model).explain(target, source).endswith(end)
    with pytest.raises(LookupError, match="unknown name 'zz'"):
        sd.derive(model).explain("zz", source)


def test_the_steps_of_a_recurrence_keep_their_adjoints_by_name():
    steps = {f"x{k}": f"r*x{k - 1}*(1 - x{k - 1})" for k in range(1, 11)}
    derivation = derived(steps, parameters=["r", "x0"])
    chain = derivation.chain()

    assert len({id(chain.partials[f"x{k}"].shape) for k in range(10)}) < 6
    _, gradient = derivation.function()(r=1.5, x0=0.3)
    rise = [derivation.function()(r=1.5, x0=0.3 + h)[0] for h in (1e-6, -1e-6)]
    assert gradient["x0"] == pytest.approx((rise[0] - rise[1]) / 2e-6, rel=1e-6)
