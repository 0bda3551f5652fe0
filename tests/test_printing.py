"""Formulas as people read them: order, brackets, every notation, and nothing leaks."""

from __future__ import annotations

import ast
import math
import operator
import re
import xml.dom.minidom
from collections.abc import Callable
from itertools import pairwise

import pytest
import typst as typst_compiler
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Add,
    And,
    Derivative,
    Eq,
    Expr,
    Float,
    Function,
    I,
    IndexedBase,
    Integer,
    Integral,
    Interval,
    KroneckerDelta,
    LambertW,
    Max,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    Pow,
    Product,
    Rational,
    Sum,
    Symbol,
    Tuple,
    besselj,
    binomial,
    ceiling,
    cos,
    erf,
    exp,
    factorial,
    floor,
    gamma,
    log,
    oo,
    pi,
    polygamma,
    sin,
    sqrt,
    symbols,
    tanh,
    zeta,
)

import symderive as sd
from symderive.errors import SymderiveError, UnknownChoiceError
from symderive.formulas.inert import Diff
from symderive.formulas.latex import latex
from symderive.formulas.mathml import mathml
from symderive.formulas.plain import plain
from symderive.formulas.printing import tree
from symderive.formulas.spoken import spoken
from symderive.formulas.tree import (
    COLORS,
    DOT,
    Fence,
    Fn,
    Frac,
    Id,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Style,
    Table,
    equation,
    name_node,
    partial,
    split,
    width,
)
from symderive.formulas.typed import typed
from symderive.formulas.typst import typst
from symderive.formulas.written import evaluated

NAMES = ("x1", "w1", "x2", "w2", "b", "A1", "A2", "A3", "Y", "x", "y", "n")
x1, w1, x2, w2, b, A1, A2, A3, Y, x, y, n = symbols(NAMES)
i, j = symbols("i j")
f = Function("f")
u, v = IndexedBase("u"), IndexedBase("v")

EVALUATED = [
    (A2 - Y, "A2 − Y"),
    (x1 * (A2 - Y), "x1·(A2 − Y)"),
    (A2 * (1 - A2), "A2·(1 − A2)"),
    (2 * x * exp(x), "2·x·exp(x)"),
    (x1 * w1 + x2 * w2 + b, "x1·w1 + x2·w2 + b"),
    (-Y * log(A2) - (1 - Y) * log(1 - A2), "−Y·log(A2) − (1 − Y)·log(1 − A2)"),
    ((1 - Y) / (1 - A2) - Y / A2, "(1 − Y)/(1 − A2) − Y/A2"),
    (1 / (1 + exp(-A1)), "1/(1 + exp(−A1))"),
    (1 - A2, "1 − A2"),
    (x**2 + 1, "x^2 + 1"),
    (x - 1, "x − 1"),
    (-x - 1, "−x − 1"),
    (-(x**2) + x + 1, "x − x^2 + 1"),
    (1 + log(x), "1 + log(x)"),
    (exp(-x) - 1, "exp(−x) − 1"),
    (x**2 + x * y + y**2, "x^2 + x·y + y^2"),
    (-(x + y) / (2 * y), "−(x + y)/(2·y)"),
    ((Y - A2) ** 2 / 2, "(Y − A2)^2/2"),
    (3 * x * y / 2, "3·x·y/2"),
    (x / sqrt(y), "x/sqrt(y)"),
    (x * sqrt(2 / pi), "sqrt(2/π)·x"),
    (x / sqrt(2 * pi), "x/sqrt(2·π)"),
    (-x * exp(-y) / (2 * sqrt(2 * pi)), "−x·exp(−y)/(2·sqrt(2·π))"),
    (x * sqrt(2) / 2, "x/sqrt(2)"),
    (x * sqrt(6) / 3, "sqrt(6)·x/3"),
    (x ** Rational(2, 3), "x^(2/3)"),
    (log(x) * log(y), "log(x)·log(y)"),
    (sin(x) ** 2, "sin(x)^2"),
    (tanh(x) * (1 - tanh(x)), "tanh(x)·(1 − tanh(x))"),
    (Diff(A2, A1) * Diff(A3, A2), "∂A3/∂A2·∂A2/∂A1"),
    (Diff(x**2 + y, x), "∂/∂x(x^2 + y)"),
    (Max(x, 0), "max(0, x)"),
    (Add(*(Symbol(f"y{k}") for k in range(11))), " + ".join(f"y{k}" for k in range(11))),
    (Float("1.2e-5") * x, "1.2·10^(−5)·x"),
    (Float(0.1), "0.1"),
    (-x / 7, "−x/7"),
]


@pytest.mark.parametrize(("formula", "text"), EVALUATED, ids=[text for _, text in EVALUATED])
def test_derived_formulas_stand_in_the_order_of_a_reader(formula: Expr, text: str) -> None:
    assert plain(tree(formula, NAMES)) == text


@pytest.mark.parametrize(("formula", "text"), EVALUATED, ids=[text for _, text in EVALUATED])
def test_the_order_does_not_depend_on_how_sympy_stores_the_arguments(
    formula: Expr, text: str
) -> None:
    turned = _turned(formula)
    assert plain(tree(turned, NAMES)) == plain(tree(formula, NAMES))


def _turned(formula: Expr) -> Expr:
    if not formula.args or isinstance(formula, Diff):
        return formula
    args = [_turned(arg) for arg in formula.args]
    if isinstance(formula, Add | Mul):
        return formula.func(*reversed(args), evaluate=False)
    return formula.func(*args)


def mul(*args: Expr | int) -> Expr:
    return Mul(*map(_integer, args), evaluate=False)


def add(*args: Expr | int) -> Expr:
    return Add(*map(_integer, args), evaluate=False)


def power(base: Expr | int, exponent: Expr | int) -> Expr:
    return Pow(_integer(base), _integer(exponent), evaluate=False)


def _integer(value: Expr | int) -> Expr:
    return Integer(value) if isinstance(value, int) else value


WRITTEN = [
    (add(b, mul(x2, w2), mul(x1, w1)), "b + x2·w2 + x1·w1"),
    (add(mul(-1, Y), A2), "−Y + A2"),
    (add(x, mul(-1, add(y, mul(-1, n)))), "x − (y − n)"),
    (add(x, add(y, n)), "x + (y + n)"),
    (add(add(x, y), n), "x + y + n"),
    (mul(x, mul(-1, y)), "x·(−y)"),
    (mul(x, -1, y), "x·(−y)"),
    (mul(x, -3), "x·(−3)"),
    (mul(-1, -1), "−(−1)"),
    (mul(2, 3, x), "2·3·x"),
    (mul(x, power(y, -1)), "x/y"),
    (mul(x, power(y, -1), n), "x/y·n"),
    (mul(x, power(mul(y, n), -1)), "x/(y·n)"),
    (mul(-1, add(x, y), power(n, -1)), "−(x + y)/n"),
    (mul(x, power(mul(y, power(n, -1)), -1)), "x/(y/n)"),
    (power(power(x, y), n), "(x^y)^n"),
    (power(x, power(y, n)), "x^(y^n)"),
    (power(mul(-1, x), 2), "(−x)^2"),
    (mul(-1, power(x, 2)), "−x^2"),
    (power(-2, 2), "(−2)^2"),
    (power(mul(x, power(y, -1)), 2), "(x/y)^2"),
    (mul(1, x), "1·x"),
]


@pytest.mark.parametrize(("formula", "text"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_written_formulas_keep_their_order_and_their_meaning(formula: Expr, text: str) -> None:
    assert plain(tree(formula, NAMES, written=True)) == text


# Meaning: what is printed is read back by Python's grammar and has the same value ------------

LEAVES = st.one_of(
    st.sampled_from([x, y, A1, Symbol("w_1")]),
    st.integers(-3, 3).filter(bool).map(Integer),
    st.sampled_from([Rational(1, 2), Rational(-3, 7), Float(0.5), Float("1.5e-7")]),
)
POINT = {"x": 0.73, "y": -1.31, "A1": 1.9, "w_1": 0.37}
FUNCTIONS: dict[str, Callable[..., complex]] = {
    "exp": lambda z: complex(math.e) ** z,
    "sin": lambda z: _complex("sin")(z),
    "log": lambda z: _complex("log")(z),
    "sqrt": lambda z: _complex("sqrt")(z),
    "tanh": lambda z: _complex("tanh")(z),
}


def _complex(name: str) -> Callable[[complex], complex]:
    import cmath

    function: Callable[[complex], complex] = getattr(cmath, name)
    return function


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    exponents = st.sampled_from([2, 3, -1, -2, Rational(1, 2), Rational(-1, 2), Rational(2, 3)])
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda args: add(*args)),
        several.map(lambda args: mul(*args)),
        several.map(lambda args: mul(args[0], power(args[1], -1), *args[2:])),
        st.tuples(inner, inner).map(lambda pair: add(pair[0], mul(-1, pair[1]))),
        inner.map(lambda arg: mul(-1, arg)),
        st.tuples(inner, exponents).map(lambda pair: power(*pair)),
        st.tuples(inner, inner).map(lambda pair: power(*pair)),
        st.tuples(st.sampled_from([exp, sin, log, tanh]), inner).map(
            lambda pair: pair[0](pair[1], evaluate=False)
        ),
    )


FORMULAS = st.recursive(LEAVES, _grown, max_leaves=8)

BINARY: dict[type[ast.operator], Callable[[complex, complex], complex]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def read_back(text: str) -> complex:
    """The value of printed text at ``POINT``, by Python's own grammar."""
    for sign, python in {"⁻¹": "**(-1)", "−": "-", "·": "*", "^": "**"}.items():
        text = text.replace(sign, python)
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> complex:
    match node:
        case ast.Constant(value=int() | float() as value):
            return complex(value)
        case ast.Name(id=name):
            return complex(POINT[name])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=sign, right=right):
            return BINARY[type(sign)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=[arg]):
            return FUNCTIONS[name](_value(arg))
    raise AssertionError(f"printed text holds {ast.dump(node)}")


def value_of(formula: Expr) -> complex:
    """The value at ``POINT`` of a formula that SymPy must not touch."""
    if isinstance(formula, Symbol):
        return complex(POINT[formula.name])
    if formula.is_number and not formula.args:
        return complex(formula)
    args = [value_of(arg) for arg in formula.args]
    if isinstance(formula, Add):
        return sum(args)
    if isinstance(formula, Mul):
        return math.prod(args, start=complex(1))
    if isinstance(formula, Pow):
        return args[0] ** args[1]
    return FUNCTIONS[type(formula).__name__](*args)


def close(left: complex, right: complex) -> bool:
    return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))


@pytest.mark.parametrize("written", [True, False])
@settings(max_examples=300, deadline=None)
@given(formula=FORMULAS)
def test_printed_text_means_the_formula(written: bool, formula: Expr) -> None:
    assume(not evaluated(formula).has(I))  # formulas are real
    node = tree(formula, ("x", "A1"), written=written)
    assert agrees(plain(node), formula)
    assert agrees(seen(node), formula)


def seen(node: Node) -> str:
    """What a reader sees in two dimensions, as Python: no bracket is added that is not drawn.

    Only a bar, a raised exponent and a root hold together what is in them.
    """
    match node:
        case Name(text, _) | Num(text):
            return text
        case Id("e", "rm"):
            return "exp(1)"
        case Frac(above, below):
            return f"(({seen(above)})/({seen(below)}))"
        case Sqrt(body, None):
            return f"sqrt({seen(body)})"
        case Sqrt(body, degree):
            return f"(({seen(body)})**(1/({seen(degree)})))"
        case Fence("(", body, ")"):
            return f"({seen(body)})"
        case Script(base, None, sup) if sup is not None:
            return f"{seen(base)}**({seen(sup)})"
        case Op(text, _):
            return {"−": "-", "⋅": "*", "\u2062": "*"}.get(text, text)
        case Row((Fn(name), Op(_, "apply"), body)):
            return f"{name}({seen(body)})"
        case Row((Script(Fn(name), None, sup), Op(_, "apply"), body)) if sup is not None:
            return f"{name}({seen(body)})**({seen(sup)})"
        case Row(items):
            for item, after in pairwise(items):
                if isinstance(item, Row) and not isinstance(item.items[-1], Fence):
                    drawn_in = Op("\u2062", "times"), DOT
                    assert not (isinstance(item.items[0], Fn) and after in drawn_in), "log x·y"
            return "".join(map(seen, items))
    raise AssertionError(f"unexpected {node}")


def agrees(text: str, formula: Expr) -> bool:
    """Whether printed text has the value of the formula, or that cannot be told at this point."""
    try:
        expected = value_of(formula)
        size = max(abs(value_of(part)) for part in _parts(formula))
    except (ZeroDivisionError, OverflowError, ValueError):
        return True
    if not 1e-6 < abs(expected) < 1e6 or size > 1e6:
        return True  # rounding would be compared, not brackets
    return close(read_back(text), expected) or _on_a_branch_cut(formula)


def _parts(formula: Expr) -> list[Expr]:
    return [formula, *(part for arg in formula.args for part in _parts(arg))]


def _on_a_branch_cut(formula: Expr) -> bool:
    """Whether a root or logarithm of a negative number is taken: the sign of −0j decides there."""
    for part in _parts(formula):
        if isinstance(part, log) or (isinstance(part, Pow) and not part.exp.is_Integer):
            inner = value_of(part.args[0])
            if inner.real < 0 and abs(inner.imag) < 1e-9:
                return True
    return False


@settings(max_examples=150, deadline=None)
@given(formula=FORMULAS)
def test_every_emitter_closes_what_it_opens(formula: Expr) -> None:
    node = tree(formula)
    for dialect in ("latex", "github"):
        assert_balanced(latex(node, dialect))
    xml.dom.minidom.parseString(mathml(node))
    assert spoken(node)
    compiled(typst(node))


@settings(max_examples=100, deadline=None)
@given(formula=FORMULAS, limit=st.integers(4, 20))
def test_a_broken_formula_is_the_formula(formula: Expr, limit: int) -> None:
    node = tree(formula, written=True)
    try:
        expected = read_back(plain(node))
    except (ZeroDivisionError, OverflowError, ValueError):
        return
    pieces = split(node, limit)
    together = " ".join(plain(piece) for piece in pieces)
    if abs(expected) < 1e6 and "if" not in together:
        try:
            assert close(read_back(together), expected)
        except OverflowError:
            return


# Every notation, in every output -------------------------------------------------------------

LONG = equation(
    name_node("L"), tree(-Add(*(Symbol(f"y{k}") * log(1 - Symbol(f"p{k}")) for k in range(9))))
)
SHOWN: list[Node] = [
    *(
        tree(formula, NAMES)
        for formula in [
            *(formula for formula, _ in EVALUATED),
            Piecewise((x, x > 0), (x**2, Ne(x, 1)), (0, True)) * 2 + 1,
            Or(And(x > 0, y >= 0), Not(Eq(x, y))),
            Abs(x - y) ** 2 / floor(x) + ceiling(y),
            gamma(x + 1) / factorial(n + 1),
            binomial(n, y) * erf(x),
            besselj(n, x) + polygamma(1, x) + zeta(x) + LambertW(x),
            Sum(u[i, j] * v[j], (j, 1, n)) + Sum(v[i] + 1, (i, 1, n)) * x,
            Product(x**i, (i, 1, n)),
            Integral(f(x) + 1, (x, -oo, oo)),
            Derivative(f(x, y), x, (y, 2)) * Derivative(x * y + f(x), x),
            KroneckerDelta(i, j),
            Tuple(x, pi),
            log(x, 2, evaluate=False),
            f(x, y) + Function("loss")(x),
            cos(x) ** 3 * sin(x) + exp(x) ** y,
        ]
    ),
    Style("cancel", Id("x")),
    Style("box", equation(partial(name_node("A3"), name_node("A1")), tree(A2 - Y, NAMES))),
    Style("under", tree(A2 - Y), note=partial(name_node("A3"), name_node("A1"))),
    Table(((Id("a"), Id("b", "bf")), (Id("c", "cal"), Id("R", "bb")))),
    Fence("⌊", Frac(Num("1"), Id("x")), "⌋"),
    Row((Num("2"), DOT, Num("3"))),
    *(Style("color", Id("x"), role) for role in COLORS),
    *split(LONG, 12),
]

HOSTILE = [
    r"\input{/etc/passwd}",
    r"x}\immediate\write18{id}{",
    '$#read("/etc/passwd")$',
    '")#panic("x")',
    "</mi><script>alert(1)</script>",
    'a" onload="x',
    "x|y",
    r"x_{\href{javascript:alert(1)}{y}}",
    "%",
    "\\",
    "^^M",
    r"w_1 \\ \end{aligned}",
    "#{1+1}",
    "{{7*7}}",
    "<<7*7>>",
    r"\catcode`\%=12",
    "A2//comment",
    "日本",
    "x\ny",
    "ℝ",
    "🙂",
    "’",
    "\u202e",
    "1. item",
    "- a",
    'a"b\\',
    "a`$`b",
    "",
    "*/",
    "&amp;",
    "\x00\x1b[31m",
]

HARMLESS = (
    "text textbackslash textasciicircum textasciitilde textless textgreater textbar mathrm "
    "textasciigrave textquotedbl backslash wedge sim lt gt vert ast lbrace rbrace underline"
)
"""The control words that may stand for the characters of a name."""


def compiled(*formulas: str) -> None:
    """Compile all formulas as one page, with no file within reach."""
    source = "\n\n".join(f"$ {formula} $" for formula in formulas)
    typst_compiler.compile(source.encode(), format="svg", ignore_system_fonts=True)


def assert_balanced(text: str) -> None:
    """Braces, \\left…\\right and environments of LaTeX pair up."""
    bare = re.sub(r"\\[{}\\]", "", text)
    depth = 0
    for sign in re.findall(r"[{}]", bare):
        depth += 1 if sign == "{" else -1
        assert depth >= 0, text
    assert depth == 0, text
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
    assert re.findall(r"\\begin{(\w+)}", text) == re.findall(r"\\end{(\w+)}", text) or (
        sorted(re.findall(r"\\begin{(\w+)}", text)) == sorted(re.findall(r"\\end{(\w+)}", text))
    )


def test_typst_compiles_every_notation_and_every_hostile_name() -> None:
    compiled(*(typst(node) for node in SHOWN))
    compiled(*(typst(tree(Symbol(name) ** 2 + 1)) for name in HOSTILE))


@pytest.mark.parametrize("node", SHOWN, ids=plain)
def test_every_notation_is_well_formed(node: Node) -> None:
    xml.dom.minidom.parseString(mathml(node))
    assert_balanced(latex(node))
    assert_balanced(latex(node, "github"))
    assert r"\operatorname" not in latex(node, "github")
    assert "\n" not in plain(node)
    assert re.fullmatch(r"[\x20-\x7e]+", spoken(node))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_text_and_nothing_else(name: str) -> None:
    node = tree(Symbol(name) ** 2 + 1)
    math_text = mathml(node)
    document = xml.dom.minidom.parseString(math_text)
    tags = {element.tagName for element in document.getElementsByTagName("*")}
    assert tags <= {"math", "mrow", "msup", "mtext", "mi", "mn", "mo"}
    allowed = set(HARMLESS.split())
    for dialect in ("latex", "github"):
        text = latex(node, dialect)
        assert_balanced(text)
        assert set(re.findall(r"\\([A-Za-z]+)", text)) <= allowed
        unescaped = re.sub(r"\\.", "", text)
        assert not set("$#%&~`") & set(unescaped)
        assert "^^" not in text
    for text in (plain(node), spoken(node), math_text, latex(node)):
        assert not re.search(r"[\x00-\x1f\u202e]", text)


NAME_PARTS = [
    ("x1", "x_1"),
    ("w_1", "w_1"),
    ("w_ij", "w_{ij}"),
    ("x_new", r"x_{\mathrm{new}}"),
    ("y_hat", r"\hat{y}"),
    ("lam", r"\lambda"),
    ("eps_1", r"\epsilon_1"),
    ("yhat", r"\hat{y}"),
    ("what", r"\mathrm{what}"),
    ("x_hat_1", r"\hat{x}_1"),
    ("beta", r"\beta"),
    ("gamma_2", r"\gamma_2"),
    ("lambda_", r"\lambda"),
    ("A1", "A_1"),
    ("loss", r"\mathrm{loss}"),
    ("learning_rate", r"\mathrm{learning\_rate}"),
    ("hidden_1", r"\mathrm{hidden}_1"),
    ("x_1_2", "x_{1, 2}"),
    ("w_h1", "w_{h1}"),
    ("u'", "u'"),
    ("x10", "x_{10}"),
    *((letter, letter) for letter in "EISNeOQ"),
]


@pytest.mark.parametrize(("name", "text"), NAME_PARTS, ids=[name for name, _ in NAME_PARTS])
def test_names_are_shown_as_mathematics_and_kept_as_written(name: str, text: str) -> None:
    assert latex(name_node(name)) == text
    assert plain(name_node(name)) == name


def test_an_indexed_name_and_its_power_share_one_base() -> None:
    assert latex(tree(x1**2)) == "x_1^2"
    assert typst(tree(x1**2)) == "attach(x, b: 1, t: 2)"
    assert latex(tree(Symbol("u'") ** 2)) == "(u')^2"


SPOKEN = [
    (equation(partial(name_node("A3"), name_node("A1")), tree(A2 - Y, NAMES)),
     "partial A 3 over partial A 1 equals A 2 minus Y"),
    (tree(x**2), "x squared"),
    (tree(sqrt(x + 1)), "the square root of x plus 1 end root"),
    (tree(log(1 - A2)), "log of open bracket 1 minus A 2 close bracket"),
    (tree(1 / (1 + exp(-x))),
     "the fraction 1 over 1 plus e to the power of minus x end fraction"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "words"), SPOKEN, ids=[words for _, words in SPOKEN])
def test_a_formula_is_read_aloud(node: Node, words: str) -> None:
    assert spoken(node) == words


def test_an_object_without_notation_is_refused_by_name() -> None:
    with pytest.raises(SymderiveError, match="Interval"):
        tree(Interval(0, 1))


def test_unknown_dialects_and_colours_are_refused() -> None:
    with pytest.raises(UnknownChoiceError, match="github, latex"):
        latex(Num("1"), "word")
    for emit in (latex, typst, mathml):
        with pytest.raises(UnknownChoiceError, match="colour"):
            emit(Style("color", Num("1"), "#fff;} evil"))


def test_colours_reach_every_output() -> None:
    node = tree(mul(x1, A2 - Y), NAMES, colors={A2 - Y: "first"})
    color = COLORS["first"]
    assert f"[HTML]{{{color[1:].upper()}}}" in latex(node)
    assert f"{{\\color{{{color}}}{{" in latex(node, "github")
    assert color in typst(node)
    assert color in mathml(node)
    assert plain(node) == "x1·(A2 − Y)"


@pytest.mark.parametrize("limit", [12, 20, 40])
@pytest.mark.parametrize(
    "node",
    [
        LONG,
        tree(((x + y + A1 + 1) ** 4).expand() * exp(x) / (1 + x**2)),
        tree(sqrt(((x + y + A1 + 1) ** 3).expand())),
        tree(exp(-Add(*(Symbol(f"y{k}") * log(1 - Symbol(f"p{k}")) for k in range(9))))),
    ],
    ids=["equation", "fraction", "root", "exponent"],
)
def test_a_wide_formula_is_broken_to_fit(node: Node, limit: int) -> None:
    pieces = split(node, limit)
    assert len(pieces) > 1
    assert all(width(piece) <= limit for piece in pieces)
    compiled(*(typst(piece) for piece in pieces))
    for text in map(latex, split(node, limit)):
        assert_balanced(text)


def test_a_narrow_formula_stays_whole() -> None:
    node = tree(A2 - Y)
    assert split(node, 40) == [node]


@pytest.mark.parametrize(
    ("number", "factor", "alone"),
    [
        ("0.044715", "0.044715*x", "x + 0.044715"),
        ("-1.702", "-1.702*x", "x - 1.702"),
        ("0.001", "x/1000", "x + 0.001"),
        ("0.35", "7*x/20", "x + 7/20"),
        ("35/128", "35*x/128", "x + 35/128"),
        ("1/7000000000000", "x/7000000000000", "x + 1/7000000000000"),
    ],
)
def test_decimals_are_shown_as_people_write_them(number: str, factor: str, alone: str) -> None:
    x = Symbol("x")
    for formula, text in ((Rational(number) * x, factor), (x + Rational(number), alone)):
        assert typed(formula) == text
        assert plain(tree(formula)).replace("·", "*").replace("−", "-") == text


def test_what_is_divided_by_stands_in_parentheses_behind_a_minus() -> None:
    """It was once -(x - c)**2/2*s**2: another formula, and no claim could be copied from it."""
    x, s = Symbol("x"), Symbol("s")
    below = Pow(Mul(2, s**2, evaluate=False), -1, evaluate=False)
    assert typed(Mul(-1, x**2, below, evaluate=False)) == "-x**2/(2*s**2)"
    assert typed(Mul(-1, x - s, below, evaluate=False)) == "-(x - s)/(2*s**2)"


def test_terms_that_share_no_name_stand_as_the_model_has_them() -> None:
    r, s, x = symbols("r s x")
    assert typed(r + s**2 / 2, ("r", "s")) == "r + s**2/2"
    assert typed(x**2 + x - r, ("x", "r")) == "x**2 + x - r"


@pytest.mark.parametrize(
    ("formula", "source", "text"),
    [
        ("k*cos(x - m)", "k", "cos(x − m)"),
        ("k*cos(m - x)", "k", "cos(m − x)"),
        ("Q/(2*pi*k)*log(s/r)", "r", "−Q/(2·π·k·r)"),
        ("quick_gelu(x)", "x", "(1 − 1.702·y)·σ(1.702·x) + 1.702·y"),
        (
            "(2*x + 1)**5*(x**3 - x + 1)**4",
            "x",
            "2·(2·x + 1)^4·(x^3 − x + 1)^3·(17·x^3 + 6·x^2 − 9·x + 3)",
        ),
    ],
)
def test_a_derivative_in_the_order_of_the_reader(formula, source, text):
    found = sd.derive(sd.Model({"y": formula}, parameters=[source])).link("y", source)

    assert plain(tree(found.formula, found.derivation.model.order)) == text


def test_cases_in_the_last_case_follow_one_another() -> None:
    shown = sd.derive(sd.Model({"y": "max(x, a)"})).link("y", "x").latex()
    assert shown.count(r"\begin{cases}") == 1
    assert shown.count(r"\\") == 2
