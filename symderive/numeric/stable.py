"""STABLE: the forms that keep every digit, a row each.

A row of the phase ``recognise`` replaces a spelled-out or fragile form by a function that the table
knows, wherever the graph shows it: through stages, inside larger sums and products. A row of the
phase ``fuse`` does so once nothing more can cancel. A row of the phase ``expand`` says how such a
function is computed, in primitives alone. So ``log(1 - A2)`` with the stage
``A2 = 1/(1 + exp(-A1))`` becomes ``-softplus(A1)``, and softplus is
``max(A1, 0) + log1p(exp(-abs(A1)))``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from symderive.numeric.graph import Graph, Node, Number, Rule, linear
from symderive.numeric.patterns import Build, builder, pattern, rewrite

RECOGNISE, FUSE, EXPAND = "recognise", "fuse", "expand"


@dataclass(frozen=True, slots=True)
class Row:
    """One stable form.

    Attributes:
        name: What it is.
        pattern: The fragile form; names stand for anything.
        replacement: The same value, computed without loss.
        note: What goes wrong with the pattern.
        example: Values of the names where the pattern loses digits or overflows.
        phase: ``recognise``, ``fuse`` or ``expand``.
    """

    name: str
    pattern: str
    replacement: str
    note: str
    example: Mapping[str, float] = field(default_factory=dict)
    phase: str = RECOGNISE


_SPELLED = "spelled out: the functions of the table are computed without loss"
_OVERFLOW = "the exponential overflows where the value is finite"
_CANCEL = "nearly equal numbers are subtracted"

STABLE: tuple[Row, ...] = (
    # Functions spelled out ---------------------------------------------------------------
    Row("sigmoid", "1/(1 + exp(-u))", "sigmoid(u)", _SPELLED, {"u": -800.0}),
    Row("sigmoid from exp", "exp(u)*sigmoid(-u)", "sigmoid(u)", _OVERFLOW, {"u": 800.0}),
    Row(
        "sigmoid from exp, squared",
        "exp(2*u)*sigmoid(-u)**2",
        "sigmoid(u)**2",
        _OVERFLOW,
        {"u": 500.0},
    ),
    Row("odds", "sigmoid(u)/sigmoid(-u)", "exp(u)", "0/0 far from zero", {"u": -800.0}),
    Row("sinh", "exp(u) - exp(-u)", "2*sinh(u)", _CANCEL, {"u": 1e-9}),
    Row("cosh", "exp(u) + exp(-u)", "2*cosh(u)", _SPELLED, {"u": 1.0}),
    Row("tanh", "sinh(u)/cosh(u)", "tanh(u)", _OVERFLOW, {"u": 800.0}),
    Row("exp/cosh", "exp(u)/cosh(u)", "2*sigmoid(2*u)", _OVERFLOW, {"u": 800.0}),
    Row("exp/cosh, opposite", "exp(-u)/cosh(u)", "2*sigmoid(-2*u)", _OVERFLOW, {"u": 300.0}),
    Row("tanh from expm1", "expm1(u)*sigmoid(-u)", "tanh(u/2)", _OVERFLOW, {"u": 800.0}),
    Row("tanh from sigmoid", "2*sigmoid(u) - 1", "tanh(u/2)", _CANCEL, {"u": 1e-9}),
    Row("softplus", "log(1 + exp(u))", "softplus(u)", _OVERFLOW, {"u": 800.0}),
    Row("log1p", "log(1 + x)", "log1p(x)", "1 + x loses the digits of x", {"x": 1e-12}),
    Row("softplus from log1p", "log1p(exp(u))", "softplus(u)", _OVERFLOW, {"u": 800.0}),
    Row("expm1", "exp(x) - 1", "expm1(x)", _CANCEL, {"x": 1e-12}),
    Row("hypot", "sqrt(x**2 + y**2)", "hypot(x, y)", "squares overflow", {"x": 1e200, "y": 1e200}),
    Row("logaddexp", "log(exp(a) + exp(b))", "logaddexp(a, b)", _OVERFLOW, {"a": 800.0, "b": 1.0}),
    Row(
        "softmax of two",
        "exp(a)/(exp(a) + exp(b))",
        "sigmoid(a - b)",
        _OVERFLOW,
        {"a": 800.0, "b": 1.0},
    ),
    Row("atanh", "log((1 + x)/(1 - x))", "2*atanh(x)", _CANCEL, {"x": 1e-12}),
    Row("log cosh", "log(cosh(x))", "logcosh(x)", _OVERFLOW, {"x": 800.0}),
    # Values known through a stage ---------------------------------------------------------
    Row(
        "sigmoid of both signs",
        "sigmoid(u) + sigmoid(-u)",
        "1",
        "what is left cancels: P*y + Q*y - y of the two shares of a softmax",
        {"u": 40.0},
    ),
    Row("1 - sigmoid", "1 - sigmoid(u)", "sigmoid(-u)", _CANCEL, {"u": 40.0}),
    Row("1 + tanh", "1 + tanh(u)", "2*sigmoid(2*u)", _CANCEL, {"u": -20.0}),
    Row("1 - tanh", "1 - tanh(u)", "2*sigmoid(-2*u)", _CANCEL, {"u": 20.0}),
    Row("1 - tanh²", "1 - tanh(u)**2", "4*sigmoid(2*u)*sigmoid(-2*u)", _CANCEL, {"u": 20.0}),
    Row("1 - cos", "1 - cos(x)", "2*sin(x/2)**2", _CANCEL, {"x": 1e-6}),
    Row("cosh - 1", "cosh(x) - 1", "2*sinh(x/2)**2", _CANCEL, {"x": 1e-6}),
    Row("1 - sin²", "1 - sin(x)**2", "cos(x)**2", _CANCEL, {"x": 1.5707}),
    Row("1 - cos²", "1 - cos(x)**2", "sin(x)**2", _CANCEL, {"x": 1e-6}),
    Row("cosh² - 1", "cosh(x)**2 - 1", "sinh(x)**2", _CANCEL, {"x": 1e-6}),
    Row("1 - erf", "1 - erf(x)", "erfc(x)", _CANCEL, {"x": 5.0}),
    Row("1 + erf", "1 + erf(x)", "erfc(-x)", _CANCEL, {"x": -5.0}),
    Row("2 - erfc", "2 - erfc(x)", "erfc(-x)", _CANCEL, {"x": -5.0}),
    Row("1 - erfc/2", "1 - erfc(x)/2", "erfc(-x)/2", _CANCEL, {"x": -5.0}),
    Row("1 - erfc", "1 - erfc(x)", "erf(x)", _CANCEL, {"x": 1e-12}),
    Row("sqrt(1 + x) - 1", "sqrt(1 + x) - 1", "x/(sqrt(1 + x) + 1)", _CANCEL, {"x": 1e-12}),
    Row("log of exp", "log(exp(u))", "u", "the exponential under- or overflows", {"u": -800.0}),
    Row(
        "log of exp in a product",
        "log(r*exp(u))",
        "u + log(r)",
        "as log of exp",
        {"u": -800.0, "r": 2.0},
    ),
    Row("log of sigmoid", "log(sigmoid(u))", "-softplus(-u)", "log of 0", {"u": -800.0}),
    Row(
        "log of sigmoid in a product",
        "log(r*sigmoid(u))",
        "log(r) - softplus(-u)",
        "log of 0",
        {"u": -800.0, "r": 2.0},
    ),
    Row("softplus - z", "softplus(z) - z", "softplus(-z)", _CANCEL, {"z": 40.0}),
    Row("logaddexp - a", "logaddexp(a, b) - a", "softplus(b - a)", _CANCEL, {"a": 50.0, "b": 1.0}),
    Row("logaddexp - b", "logaddexp(a, b) - b", "softplus(a - b)", _CANCEL, {"a": 1.0, "b": 50.0}),
    # Cross-entropy of a sigmoid, and its slope ----------------------------------------------
    Row(
        "softplus difference",
        "y*softplus(-z) - y*softplus(z)",
        "-y*z",
        _CANCEL,
        {"y": 0.3, "z": 1e-12},
    ),
    Row(
        "cross-entropy of a sigmoid",
        "y*softplus(-z) + (1 - y)*softplus(z)",
        "softplus_minus(z, y)",
        "one exponential and one logarithm do",
        {"y": 0.3, "z": 2.0},
    ),
    Row(
        "softplus - y z",
        "softplus(z) - y*z",
        "softplus_minus(z, y)",
        _CANCEL,
        {"z": 40.0, "y": 1.0},
    ),
    Row("sigmoid - y", "sigmoid(z) - y", "sigmoid_minus(z, y)", _CANCEL, {"z": 40.0, "y": 1.0}),
    Row(
        "slope of a cross-entropy",
        "(1 - y)*sigmoid(z) - y*sigmoid(-z)",
        "sigmoid_minus(z, y)",
        "one exponential does",
        {"z": 2.0, "y": 0.3},
    ),
    Row("x log x", "x*log(x)", "xlogy(x, x)", "0 · -inf at 0, where the limit is 0", {"x": 0.0}),
    Row(
        "cross-entropy",
        "y*log(p) + (1 - y)*log1p(-p)",
        "xlogy(y, p) + xlog1py(1 - y, -p)",
        "0 · -inf where a certain prediction is right",
        {"y": 0.0, "p": 0.0},
    ),
    # Last, when nothing more can cancel ---------------------------------------------------------
    Row(
        "slope of sigmoid",
        "sigmoid(z)*sigmoid(-z)",
        "sigmoid_slope(z)",
        "one exponential",
        {"z": 40.0},
        FUSE,
    ),
    # How the functions are computed -----------------------------------------------------------
    Row(
        "compute sigmoid",
        "sigmoid(z)",
        "group(step(z) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "exp(-abs(z)) never overflows, and both tails keep their digits",
        {"z": -800.0},
        EXPAND,
    ),
    Row(
        "compute sigmoid - y",
        "sigmoid_minus(z, y)",
        "group(group(step(z) - y) - signed(exp(-abs(z))/(1 + exp(-abs(z))), z))",
        "step - y is exact where sigmoid and y are both nearly 1",
        {"z": 40.0, "y": 1.0},
        EXPAND,
    ),
    Row(
        "compute sigmoid slope",
        "sigmoid_slope(z)",
        "exp(-abs(z))/(1 + exp(-abs(z)))**2",
        "one exponential",
        {"z": 40.0},
        EXPAND,
    ),
    Row(
        "compute softplus",
        "softplus(z)",
        "group(max(z, 0) + log1p(exp(-abs(z))))",
        _OVERFLOW,
        {"z": 800.0},
        EXPAND,
    ),
    Row(
        "compute softplus - y z",
        "softplus_minus(z, y)",
        "group(z*group(step(z) - y) + log1p(exp(-abs(z))))",
        "both terms are positive for y in [0, 1]",
        {"z": 40.0, "y": 1.0},
        EXPAND,
    ),
    Row(
        "compute logaddexp",
        "logaddexp(a, b)",
        "group(max(a, b) + log1p(exp(-abs(a - b))))",
        _OVERFLOW,
        {"a": 800.0, "b": 1.0},
        EXPAND,
    ),
    Row(
        "compute log cosh",
        "logcosh(x)",
        "where(abs(x) < 1, log1p(2*sinh(min(abs(x), 1)/2)**2),"
        " abs(x) + log1p(exp(-2*abs(x))) - log(2))",
        _OVERFLOW,
        {"x": 800.0},
        EXPAND,
    ),
    Row(
        "compute xlogy",
        "xlogy(x, y)",
        "where(x == 0, 0, x*log(y))",
        "0 · -inf",
        {"x": 0.0, "y": 0.0},
        EXPAND,
    ),
    Row(
        "compute xlog1py",
        "xlog1py(x, y)",
        "where(x == 0, 0, x*log1p(y))",
        "0 · -inf",
        {"x": 0.0, "y": -1.0},
        EXPAND,
    ),
)

KNOWN = frozenset(
    [
        "sigmoid",
        "softplus",
        "logaddexp",
        "logcosh",
        "xlogy",
        "xlog1py",
        "tanh",
        "sinh",
        "cosh",
        "expm1",
        "log1p",
        "hypot",
        "erf",
        "erfc",
    ]
)
"""Functions that rows speak of: they stay themselves until the graph is expanded."""


ARITY = {
    "sigmoid": 1,
    "softplus": 1,
    "logaddexp": 2,
    "logcosh": 1,
    "xlogy": 2,
    "xlog1py": 2,
    "hypot": 2,
    "lambertw": 1,
    "elliptic_e": 1,
    "zeta": 1,
}
"""The number of arguments for which the functions are themselves; others have defaults."""


# Rows for any number of terms: no pattern text can say them ---------------------------------


def _log_sum_exp(graph: Graph, node: Node) -> Node | None:
    """log(c1·exp(a1) + c2·exp(a2) + …) → m + log(Σ c·exp(a − m)), m = max a."""
    constant, terms = linear(node.args[0])
    plain = {1} == {k for _, k in terms} and constant in (0, 1)
    if node.args[0].op != "add" or (plain and len(terms) + (constant != 0) < 3):
        return None  # softplus and logaddexp keep more digits
    shifted = _shifted(graph, node.args[0])
    if shifted is None:
        return None
    top, total = shifted
    return graph.add(0, [(top, 1), (graph.call("log", total), 1)])


def _softmax(graph: Graph, node: Node) -> Node | None:
    """exp(a)/(exp(a) + exp(b) + …) → exp(a − m)/Σ exp(· − m)."""
    exps = [n for n in node.args if n.op == "exp"]
    for base, exponent in zip(node.args, node.data, strict=True):
        if base.op != "add" or exponent != -1 or len(exps) != 1:
            continue
        shifted = _shifted(graph, base)
        if shifted is not None:
            top, total = shifted
            pairs = zip(node.args, node.data, strict=True)
            rest = [(n, e) for n, e in pairs if n is not base and n is not exps[0]]
            difference = graph.add(0, [(exps[0].args[0], 1), (top, -1)])
            share = graph.call("exp", difference)
            return graph.mul(1, [(share, 1), (total, -1), *rest])
    return None


def _shifted(graph: Graph, node: Node) -> tuple[Node, Node] | None:
    """(m, Σ c·exp(a − m)) of a sum of at least two exponentials with positive factors."""
    constant, terms = linear(node)
    if any(n.op != "exp" or not k > 0 for n, k in terms) or constant < 0:
        return None
    parts: list[tuple[Node, Number]] = [(n.args[0], k) for n, k in terms]
    if constant:
        parts.append((graph.zero, constant))
    if len(parts) < 2 or any(part.op == "add" and _has_max(part) for part, _ in parts):
        return None
    top = parts[0][0]
    for part, _ in parts[1:]:
        top = graph.call("max", top, part)
    shifted = [(graph.call("exp", graph.add(0, [(part, 1), (top, -1)])), k) for part, k in parts]
    return top, graph.add(0, shifted)


def _has_max(node: Node) -> bool:
    """Shifted already."""
    return any(arg.op == "max" for arg in node.args)


# Rules of the graph ---------------------------------------------------------------------------


def _rule(row: Row) -> Rule:
    shape, replacement = pattern(row.pattern), builder(row.replacement)
    needs = _needs(shape)

    def rule(graph: Graph, node: Node) -> Node | None:
        if not needs <= _has(node):
            return None
        return rewrite(graph, shape, replacement, node)

    return rule


def _has(node: Node) -> frozenset[str]:
    """What functions a node shows at first sight."""
    if node.shows is None:
        node.shows = frozenset(_shown(node))
    return node.shows


def _shown(node: Node) -> set[str]:
    found = {"root"} if node.op == "mul" and any(e.denominator != 1 for e in node.data) else set()
    for arg in node.args:
        found.add(arg.op)
        if arg.op in ("add", "mul"):
            found.update(inner.op for inner in arg.args)
        if arg.op == "mul" and any(e.denominator != 1 for e in arg.data):
            found.add("root")
    return found


def _needs(shape: Node) -> frozenset[str]:
    """What functions a node must show for the pattern to be worth a try."""
    return frozenset(_has(shape) - {"input", "mul", "const", "add"})


def _call(shape: Node, build: Build) -> Callable[..., Node]:
    names = [arg.data for arg in shape.args]
    return lambda graph, *args: build(graph, dict(zip(names, args, strict=True)))


def rules_of(phase: str) -> tuple[dict[str, list[Rule]], dict[str, Callable[..., Node]]]:
    """The rules of a phase by the kind of node that they look at, and its functions by name."""
    rules: dict[str, list[Rule]] = {}
    calls: dict[str, Callable[..., Node]] = {}
    for row in STABLE:
        shape = pattern(row.pattern)
        if row.phase != phase:
            continue
        if phase == EXPAND:
            calls[shape.op] = _call(shape, builder(row.replacement))
        else:
            rules.setdefault(shape.op, []).append(_rule(row))
    if phase == RECOGNISE:
        rules["log"].insert(0, _log_sum_exp)
        rules["mul"].append(_softmax)
    return rules, calls
