"""Formula text: what is read, how it is kept, and every message with its column."""

import pytest
from sympy import Symbol, exp

from symderive.errors import FormulaError
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated, tidy


def read(text):
    return parse(text, FUNCTIONS, where="stage y")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2*(x + 1)", 8),
        ("x**2 - 2*x/4", 7.5),
        ("-x**2", -9),
        ("a - b - c", -4),
        ("a/b/c", 1 / 6),
        ("a/(b*c)*b", 1 / 3),
        ("2**-1*x", 1.5),
        ("x if x > 2 else -x", 3),
        ("where(x > 5 or not x == 3, 1, 2)", 2),
        ("(x > 2)*x - (x < 2)*5", 3),
        ("where((x > 2) & ~(x > 4) | (a > 5), 7, 8)", 7),
        ("where(np.logical_and(x > 2, a > 1) | logical_not(b > 0), 7, 8)", 8),
        ("-(x > 2)*x", -3),
        ("1e-3*x + .5", 0.503),
        ("1_000*x", 3000),
        ("cos(pi*x*x/9)", -1),
        ("sin(2*2*pi*x/24)", 1),
        ("tan(pi/4 + pi*x*x)", 1),
        ("lambda*E*I*N", 16),
        ("np.exp(math.log(x)) + scipy.special.expit(0*x)", 3.5),
        ("x*np.e - math.e*x + numpy.pi/math.pi", 1),
    ],
)
def test_value(text, value):
    formula = read(text).formula
    point = {"x": 3, "a": 1, "b": 2, "c": 3, "lambda": 2, "E": 2, "I": 2, "N": 2}

    assert float(formula.subs({Symbol(k): v for k, v in point.items()})) == pytest.approx(value)


def test_written_keeps_the_order():
    args = read("x1*w1 + x2*w2 + b").written.args

    assert [str(arg) for arg in args] == ["w1*x1", "w2*x2", "b"]  # SymPy prints products sorted
    assert [str(f) for f in args[0].args] == ["x1", "w1"]


def test_templates_are_shared_up_to_names():
    templates = {}
    first = parse("exp(a)*b + a", FUNCTIONS, templates=templates)
    second = parse("exp(u)*v + u", FUNCTIONS, templates=templates)

    assert first.template is second.template
    assert second.formula == exp(Symbol("u")) * Symbol("v") + Symbol("u")


def test_printed_signs_are_read_as_typed_ones():
    printed, typed = (parse(text, FUNCTIONS) for text in ("2·x − y÷3 × π", "2*x - y/3 * pi"))
    assert printed.written == typed.written
    assert parse("2*π", FUNCTIONS, declared={"π"}).names == ("π",)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("2x + 1", 2, "an operator is missing here"),
        ("x ^ 2", 5, r"write \*\* for a power"),
        ("x +", 4, "this is not a formula"),
        ("alpha*(beta", 7, r"'\(' was never closed"),
        ("a + x²", 6, r"write \*\* for a power"),
        ("2²*x", 2, r"write \*\* for a power"),
        ("(x + 1)(x - 1)", 9, r"write \* to multiply"),
        ("a*√x", 3, r"write sqrt\(x\) for a root"),
        ("1e400*x", 1, "numbers go up to"),
        ("sigmod(x)", 1, "did you mean sigmoid"),
        ("a + b.c", 5, "a number has no attributes"),
        ("x + np.inf", 5, "a number has no attributes"),
        ("np.tanhh(x)", 1, "did you mean tanh"),
        ("a + 'text'", 5, "only numbers may stand here"),
        ("long_name + _hidden", 13, "may not start with an underscore"),
        ("", 1, "the formula is empty"),
        ("9**9**9", 1, "too large to write out"),
        ("gamma(100000)", 1, "too large to write out"),
        ("x*gamma(5185)", 3, "too large to write out"),  # Python prints no number so long
        ("x/0", 3, "division by zero"),
        ("a if b else c", 6, "a condition such as"),
        ("where(a > 0 & a < 1, 1, 0)", 11, "bind more tightly than a comparison"),
        ("x > 2", 1, "this is a condition"),
        ("log(x, y, z)", 1, "log is called as"),
        ("f.g(x)", 1, "call functions by name"),
        ("x[0]", 1, "formulas are made of"),
        ("(lambda: 1)()", 9, "."),
        ("__import__('os').system('true')", 1, "."),
        ("[x for x in y]", 1, "."),
    ],
)
def test_message_and_column(text, column, message):
    with pytest.raises(FormulaError, match=message) as caught:
        read(text)

    lines = str(caught.value).splitlines()
    assert lines[0].startswith("stage y, column ")
    if message != ".":
        assert caught.value.column + 1 == column
        assert lines[2].index("^") == len("    ") + column - 1


@pytest.mark.parametrize("text", ["(" * 300 + "x" + ")" * 300, "-" * 5000 + "x", "x+" * 9000 + "x"])
def test_hostile_sizes_are_refused(text):
    with pytest.raises(FormulaError):
        read(text)


def test_tidy_keeps_the_value():
    formula = read("-(a*(-b) - c*1 + 0*a)*(-2)").written

    assert evaluated(tidy(formula)).expand() == evaluated(formula).expand()
