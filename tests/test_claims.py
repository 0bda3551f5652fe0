"""A reader's answers: right ones in any form, wrong ones refuted and the slip named."""

import pytest

import symderive as sd
from symderive.errors import FormulaError, ModelError

NEURON = {"A1": "x1*w1 + x2*w2 + b", "A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}
FORK = {"u": "x**2", "v": "sin(x)", "y": "u*v + u"}


def judged(stages, subject, answer):
    stages = {"y": stages} if isinstance(stages, str) else stages
    return sd.derive(sd.Model(stages)).check_claim(subject, answer)


@pytest.mark.parametrize(
    ("stages", "subject", "answer"),
    [
        (NEURON, "dA3/dA1", "A2 - Y"),
        (NEURON, "dA3/dA1", "-(Y - A2)"),
        (NEURON, "dA3/dA1", "1/(1 + exp(-A1)) - Y"),
        (NEURON, "dA3/dA1", "1/(1 + exp(-(x1*w1 + x2*w2 + b))) - Y"),
        (NEURON, "dA3/dw1", "A2*x1 - x1*Y"),
        (NEURON, "dA2/dA1", "exp(-A1)/(1 + exp(-A1))**2"),
        (NEURON, "∂A3/∂A2", "-Y/A2 + (1 - Y)/(1 - A2)"),
        ("tan(x)", "dy/dx", "1/cos(x)**2"),
        ("sin(x)**2", "dy/dx", "sin(2*x)"),
        ("log(5*x)", "dy/dx", "1/x"),
        (FORK, "dy/dx", "2*x*(sin(x) + 1) + x**2*cos(x)"),
    ],
)
def test_right_in_any_form(stages, subject, answer):
    assert judged(stages, subject, answer).holds


# The mistake of each row is one that teachers name; the last column is the word for it.
SLIPS = [
    ("loggamma(x)", "dy/dx", "1/gamma(x)", "forgotten inner derivative"),
    (NEURON, "dA3/dA1", "Y - A2", "sign"),
    (NEURON, "dA3/dw1", "A2 - Y", "forgotten inner derivative"),
    (NEURON, "dA3/dA2", "-Y/A2 - (1 - Y)/(1 - A2)", "sign"),
    (NEURON, "dA3/dA2", "Y/A2 + (1 - Y)/(1 - A2)", "sign"),
    (NEURON, "dA2/dA1", "A2*(1 + A2)", "sign"),
    (NEURON, "dA2/dA1", "A2", "outer function"),
    (NEURON, "dA2/dA1", "exp(-A1)/(1 + exp(-A1))", "reciprocal rule"),
    (NEURON, "dA2/dA1", "-A2*(1 - A2)", "sign"),
    (NEURON, "dA3/dw1", "2*x1*(A2 - Y)", "wrong factor"),
    (FORK, "dy/dx", "2*x*(v + 1)", "forgotten fork"),
    (FORK, "dy/dx", "u*cos(x)", "forgotten fork"),
    (FORK, "dy/dx", "(v + 1) + u*cos(x)", "forgotten inner derivative"),
    ({"a": "3*x", "y": "a**2 + x"}, "dy/dx", "6*a", "forgotten fork"),
    ({"a": "3*x", "y": "a**2 + x"}, "dy/dx", "2*a + 1", "forgotten inner derivative"),
    ("sin(x**2)", "dy/dx", "cos(x**2)", "forgotten inner derivative"),
    ("exp(3*x)", "dy/dx", "exp(3*x)", "forgotten inner derivative"),
    ("(3*x + 1)**5", "dy/dx", "5*(3*x + 1)**4", "forgotten inner derivative"),
    ("log(x**2 + 1)", "dy/dx", "1/(x**2 + 1)", "forgotten inner derivative"),
    ("sqrt(1 + x**2)", "dy/dx", "1/(2*sqrt(1 + x**2))", "forgotten inner derivative"),
    ("tanh(2*x)", "dy/dx", "1 - tanh(2*x)**2", "forgotten inner derivative"),
    ("x**2*sin(x)", "dy/dx", "2*x*cos(x)", "product rule missed"),
    ("x*exp(x)", "dy/dx", "exp(x)", "product rule missed"),
    ("x**3*log(x)", "dy/dx", "3*x**2*log(x)", "product rule missed"),
    ("x*sigmoid(x)", "dy/dx", "sigmoid(x)*(1 - sigmoid(x))", "product rule missed"),
    ("sin(x)/x", "dy/dx", "(sin(x) - x*cos(x))/x**2", "swapped quotient"),
    ("x/(1 + x**2)", "dy/dx", "(2*x**2 - 1 - x**2)/(1 + x**2)**2", "swapped quotient"),
    ("exp(x)/x", "dy/dx", "(x*exp(x) - exp(x))/x", "swapped quotient"),
    ("sin(x)/x", "dy/dx", "cos(x)", "swapped quotient"),
    ("sin(x)/x", "dy/dx", "(x*cos(x) + sin(x))/x**2", "swapped quotient"),
    ("1/(1 + x**2)", "dy/dx", "-2*x/(1 + x**2)", "reciprocal rule"),
    ("1/(1 + x**2)", "dy/dx", "1/(2*x)", "reciprocal rule"),
    ("x**3", "dy/dx", "3*x**3", "power rule"),
    ("x**3", "dy/dx", "x**2", "power rule"),
    ("x**5", "dy/dx", "5*x**6", "power rule"),
    ("sqrt(x)", "dy/dx", "1/sqrt(x)", "power rule"),
    ("2**x", "dy/dx", "x*2**(x - 1)", "exponential taken for a power"),
    ("exp(x)", "dy/dx", "x*exp(x - 1)", "exponential taken for a power"),
    ("3**x", "dy/dx", "3**x", "exponential taken for a power"),
    ("log(x**2)", "dy/dx", "1/(2*x)", "logarithm rule"),
    ("x**2 + 5", "dy/dx", "2*x + 5", "constant not dropped"),
    ("x**2 + sin(x)", "dy/dx", "2*x", "term left out"),
    ("x**2 - cos(x)", "dy/dx", "2*x - sin(x)", "sign"),
    ("cos(x)", "dy/dx", "sin(x)", "sign"),
    ("5*sin(x)", "dy/dx", "cos(x)", "wrong factor"),
    ("x**2 + x", "dy/dx", "x**2 + x", "not differentiated"),
    ("sin(x)", "dy/dx", "sin(x)", "outer function"),
    ({"h": "tanh(u*x)", "y": "v*h"}, "dy/du", "v*x", "outer function"),
    ({"h": "tanh(u*x)", "y": "v*h"}, "dy/du", "v*x*(1 - h)", "power rule"),
    (NEURON, "dA3/dA1", "A2*(1 - A2)*(A2 - Y)", "wrong factor"),
    ({"n": "R/V", "q": "n*V**2", "y": "n + q"}, "dy/dV", "-n/V", "forgotten fork"),
    ("log(a*x)", "dy/dx", "a/x", "outer function"),
    ("arctan(2*x)", "dy/dx", "2/(1 + 2*x**2)", "power rule"),
    ("exp(-x**2)", "dy/dx", "-x**2*exp(-x**2 - 1)", "exponential taken for a power"),
    ("a**x", "dy/dx", "a**x*log(x)", "exponential taken for a power"),
    ("x/(x + k)", "dy/dx", "x/(x + k)**2", "swapped quotient"),
    ("1/x**2", "dy/dx", "1/(2*x)", "reciprocal rule"),
    # What a result shows, whatever led to it
    ({"z": "w*x + b", "p": "sigmoid(z)"}, "dp/dw", "w*p*(1 - p)", "differentiated by the wrong"),
    ({"z": "w*x + b", "h": "tanh(z)"}, "dh/dw", "x*(1 - h)**2", "power rule: 1 - h**2 is not"),
    ({"z": "w*x", "h": "tanh(z)"}, "dh/dw", "x*(1 - z**2)", "wrong name: z stands where h"),
    ("4*e*((s/r)**12 - (s/r)**6)", "dy/dr", "4*e*(12*(s/r)**11 - 6*(s/r)**5)", "forgotten inner"),
    ("S*exp(-q*T)*sqrt(T)", "dy/dS", "exp(-q*T)", "wrong factor: the factor sqrt(T) is missing"),
    ("2*sqrt(a*x)*c", "dy/dx", "sqrt(a)*sqrt(x)*c", "wrong factor"),
    ("atan(x)", "dy/dx", "1/sqrt(1 + x**2)", "outer function: this is the derivative of asinh"),
    ("acosh(x)", "dy/dx", "1/sqrt(1 - x**2)", "outer function: this is the derivative of asin"),
    ("tan(x)", "dy/dx", "sec(x)", "power rule: sec(x)**2 became sec(x)"),
    ("x**(2/3)", "dy/dx", "2/3*x**(1/3)", "power rule: the exponent is"),
    ("sin(cos(x))", "dy/dx", "-cos(sin(x))*sin(x)", "outer function: the outer derivative"),
    ("atan(x)", "dy/dx", "-1/tan(x)**2", "inverse function: atan is the inverse function of tan"),
    ("asin(x)", "dy/dx", "-cos(x)/sin(x)**2", "inverse function: asin is the inverse"),
    ("asin(x)", "dy/dx", "1/cos(x)", "inverse function: (f⁻¹)′(u) is 1/f′(f⁻¹(u))"),
    ("log(x)", "dy/dx", "1/log(x)", "logarithm rule"),
    ("b*log(x)", "dy/dx", "b", "logarithm rule: (log u)′ is u′/u, not u′"),
    ("sin(x)**2", "dy/dx", "cos(x)**2", "power rule: (uⁿ)′ is not (u′)ⁿ"),
    ("(x + 1)**3", "dy/dx", "3*x**2", "power rule: (u + v)ⁿ is not uⁿ + vⁿ"),
    ("a*sqrt(b*x)", "dy/dx", "a*sqrt(b*x)/2", "power rule: the exponent was not lowered, and"),
    ("exp(-E/(R*x))", "dy/dx", "E*y/R", "sign"),
    ("x*sin(x)*exp(x)", "dy/dx", "(sin(x) + x*cos(x))*exp(x)", "product rule missed: the term"),
    ("a**2 + x**2", "dy/dx", "2*a + 2*x", "constant differentiated: a is a constant here"),
    ("exp(a)*x", "dy/dx", "exp(a)*x + exp(a)", "constant differentiated"),
    ("E0 - R*x/(n*F)*log(Q)", "dy/dx", "-R/(n*F*Q)", "constant differentiated: Q is a constant"),
    ({"z": "w*x + b", "p": "sigmoid(z)"}, "dp/dz", "p*(1 - z)", "wrong name: z stands where p"),
    (FORK, "dy/dx", "2*x*cos(x)", "forgotten fork: ∂u/∂x and ∂v/∂x were multiplied"),
    (
        {"s": "exp(u) + exp(v)", "q": "exp(v)/s", "p": "exp(u)/s + 0*q"},
        "dp/dv",
        "p*(1 - q)",
        "index",
    ),
    ("sqrt(x**2 + 9)", "dy/dx", "1", "power rule: (u + v)ⁿ is not uⁿ + vⁿ"),
    ("pi**2*x", "dy/dx", "2*pi*x", "constant differentiated: pi is a constant here"),
    ("norm_cdf(x)", "dy/dx", "y*(1 - y)", "outer function: f′ = f*(1 - f) is what sigmoid obeys"),
    ("relu(x)", "dy/dx", "x", "outer function: the branch x was left as it is"),
    ("asin(x)", "dy/dx", "1/(1 - x**2)", "inverse function: the root of 1 - x**2 is missing"),
    ("log(x + 3)", "dy/dx", "1/x + 1/3", "sum taken apart: log(u + v) is not"),
    ("sin(3*x)", "dy/dx", "cos(3*x)/3", "chain rule: u′ = 3 is a factor, not a divisor"),
    ("4/3*pi*x**3", "dy/dx", "3*pi*x**2", "wrong factor: the constant factor 4/3 is missing"),
    ("x**2", "dy/dx", "x**3/3", "power rule: this is the integral"),
    ("erf(x)", "dy/dx", "exp(-x**2)", "wrong factor: the factor 2/sqrt(pi) is missing"),
    ("a*(x**6 - x**12/2)", "dy/dx", "a*(x**5 - x**11)", "wrong factor"),
    ("1/x**6 - 1/x**12", "dy/dx", "6*(1 - x**6)/x**13", "wrong factor: the factor 2 is missing"),
    ("asin(n*sin(a)/k)", "dy/da", "n*cos(y)/(k*cos(a))", "wrong name: a and y stand in each"),
    (
        "-p*log(p) - (1 - p)*log(1 - p)",
        "dy/dp",
        "-log(p) - log(1 - p)",
        "sign: in the derivative of 1 - p",
    ),
    ("x**7", "dy/dx", "6*x**6", "power rule: the factor is 7, not 6"),
    ("sqrt(x**2 + 9)", "dy/dx", "7", ""),  # no name stands for another that is not in the claim
]


def test_there_are_enough_kinds_and_claims():
    assert len({row[3] for row in SLIPS}) >= 12
    assert len(SLIPS) >= 40


@pytest.mark.parametrize(("stages", "subject", "answer", "slip"), SLIPS)
def test_wrong_is_refuted_with_a_counterexample(stages, subject, answer, slip):
    verdict = judged(stages, subject, answer)

    assert verdict.verdict == "refuted"
    assert verdict.counterexample


def test_nine_slips_of_ten_are_named():
    named = [judged(s, d, a).slip.startswith(slip) for s, d, a, slip in SLIPS]

    missed = [row[2:] for row, ok in zip(SLIPS, named, strict=True) if not ok]
    assert sum(named) >= 0.9 * len(SLIPS), missed


@pytest.mark.parametrize(
    ("formula", "answer", "condition"),
    [
        ("sqrt(x**2)", "1", "x > 0"),
        ("abs(x)", "-1", "x < 0"),
        ("abs(x - 2)", "1", "x > 2"),
        ("abs(x**2 - 1)", "-2*x", "x**2 < 1"),
        ("relu(x*w + b)", "w", "x*w + b > 0"),
        ("x if x > 3 else x**2", "2*x", "x < 3"),
        ("max(x, c)", "1", "x > c"),
        ("clip(x, -1, 1)", "1", "x > -1 and x < 1"),
        ("huber(x, d)", "x", "abs(x) < d"),
        ("arcsin(sin(x))", "1", "cos(x) > 0"),
        ("sqrt(x**2*c**2)", "c", "x*c > 0"),
        ("sqrt((x - c)**2)", "-1", "x < c"),
        ("log(abs(x))", "1/abs(x)", "x > 0"),
        ("V*x/(K + x)", "V/(1 + x)**2", "K = 1"),
        ("x**K", "2*x", "K = 2"),
        ("a*x + b*x", "2*a", "a = b"),
    ],
)
def test_true_only_somewhere(formula, answer, condition):
    verdict = judged(formula, "dy/dx", answer)

    assert (verdict.verdict, verdict.condition) == ("true where", condition)
    assert verdict.counterexample


def test_a_slip_that_does_no_harm_for_one_value_says_which():
    verdict = judged("exp(k*x)", "dy/dx", "exp(k*x)")

    assert verdict.slip == "forgotten inner derivative: the factor k is missing"
    assert str(verdict).endswith("It holds where k = 1")


@pytest.mark.parametrize(
    ("formula", "answer"),
    [
        ("x**x", "exp(x*log(x))*(1 + log(x))"),
        ("2**x", "2**(x - 1)*log(4)"),
        ("x**n", "n*exp((n - 1)*log(x))"),
        ("V*x**n/(K**n + x**n)", "n*V/x*(x/K)**n/(1 + (x/K)**n)**2"),
        ("1 - exp(-(x/l)**k)", "-k*(1 - y)*log(1 - y)/x"),
        ("a*exp(-b*exp(-c*x))", "b*c*y*exp(-c*x)"),
        ("x*norm_cdf(x)", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)"),
        ("sqrt((1 + x)/(1 - x))", "1/((1 - x)*sqrt(1 - x**2))"),
        ("hardsigmoid(x)", "(abs(x) < 3)/6"),
        ("cbrt(1 + cbrt(x))", "1/(9*cbrt(x**2)*cbrt((1 + cbrt(x))**2))"),
        ("x**(2/3)", "2/(3*cbrt(x))"),
        ("lambertw(x)", "y/(x*(1 + y))"),
        ("beta(x, b)", "gamma(x)*gamma(b)/gamma(x + b)*(digamma(x) - digamma(x + b))"),
        ("exp(loggamma(x))", "gamma(x)*digamma(x)"),
        ("gamma(x + 1)", "x*gamma(x)*(digamma(x) + 1/x)"),
        ("digamma(x + 2)", "trigamma(x) - 1/x**2 - 1/(x + 1)**2"),
    ],
)
def test_powers_and_logarithms_in_other_words_are_proved(formula, answer):
    assert judged(formula, "dy/dx", answer).verdict == "proved"


@pytest.mark.parametrize(
    ("formula", "answer"),
    [
        ("x**n", "n*exp((n + 1)*log(x))"),
        ("2**x", "2**(x - 1)*log(8)"),
        ("digamma(x + 2)", "trigamma(x) - 1/x**2 - 1/(x + 2)**2"),
        ("sqrt((1 + x)/(1 - x))", "1/((1 + x)*sqrt(1 - x**2))"),
        ("V*x**n/(K**n + x**n)", "n*V/x*(x/K)**n/(1 + (K/x)**n)**2"),
        ("1 - exp(-(x/l)**k)", "k*(1 - y)*log(1 - y)/x"),
        ("cbrt(1 - x)", "1/(3*cbrt((x - 1)**2))"),
        ("lambertw(x)", "y/(x*(1 - y))"),
        ("beta(x, b)", "gamma(x)*gamma(b)/gamma(x + b)*(digamma(b) - digamma(x + b))"),
        ("uppergamma(a, x)", "x**(a - 1)*exp(-x)"),  # nothing is known of it by a
    ],
)
def test_powers_and_logarithms_that_differ_are_not_proved(formula, answer):
    assert not judged(formula, "dy/dx", answer).holds


SCALED = {"s": "income/2500", "z": "w*s + b", "L": "(y - z)**2"}
BESIDE = {"h": "w1*x", "o": "w2*h", "L": "(o - t)**2/2"}


@pytest.mark.parametrize(
    ("stages", "subject", "answer", "slip"),
    [
        (SCALED, "dL/dw", "2*(y - z)", "two slips: the sign, and a forgotten inner derivative"),
        (BESIDE, "dL/dw1", "(t - o)*x", "two slips: the sign, and a forgotten inner derivative"),
        (BESIDE, "dL/dw1", "(o - t)*h", "differentiated by the wrong name: this is ∂L/∂w2"),
        ({"p": "sigmoid(z)", "L": "softplus(z) - t*z"}, "dL/dz", "p*(p - t)", "wrong factor"),
        (
            {"z": "w*income + b", "p": "sigmoid(z/2500)", "L": "binary_cross_entropy(p, t)"},
            "dL/dw",
            "p - t",
            "wrong factor: the factor income/2500 is missing",
        ),
        (
            {"z": "w*income + b", "p": "sigmoid(z/2500)", "L": "binary_cross_entropy(p, t)"},
            "dL/dw",
            "t - p",
            "wrong factor: the factor income/2500 is missing, and the sign is wrong",
        ),
        ({"y": "sqrt(x)"}, "dy/dx", "2*sqrt(x)", "power rule: (√u)′ is u′/(2√u)"),
    ],
)
def test_a_slip_is_told_before_a_place_where_it_does_no_harm(stages, subject, answer, slip):
    target = subject[1:].partition("/")[0]
    verdict = sd.derive(sd.Model(stages, target=target)).check_claim(subject, answer)

    assert verdict.slip.startswith(slip)
    assert "2500" not in verdict.condition, "no reader looks at income = -2500"


def test_a_claim_that_fails_in_one_branch_only_is_not_right():
    """Eight random points may all lie in the other branch: points are drawn in each."""
    for edge in (3, 17, 100):
        verdict = judged(f"x if x > {edge} else x**2", "dy/dx", "2*x")
        assert (verdict.verdict, verdict.condition) == ("true where", f"x < {edge}")


def test_a_counterexample_is_simple_and_says_what_both_give():
    assert str(judged("x**2", "dy/dx", "x")).startswith(
        "refuted; it fails at x = 1, where it gives 1 and the derivative is 2. "
    )


@pytest.mark.parametrize(
    ("subject", "answer", "error", "message"),
    [
        ("A3/A1", "A2", ModelError, "a claim names a derivative"),
        ("dA3/dA1", "A2 - Q", FormulaError, "unknown name 'Q'"),
        ("dA3/dA1", "A2 -", FormulaError, "claim dA3/dA1, column 5"),
        (
            "dA3/dA1",
            "sgmoid(A1)",
            FormulaError,
            "unknown function 'sgmoid'; did you mean",
        ),
        ("d5A3/dA15", "A2", ModelError, "derivatives up to order 4"),
        ("d2A3/dA1", "A2", ModelError, "names no derivative of order 2 of this model"),
        ("dA9/dA1", "A2", LookupError, "unknown stage 'A9'"),
        ("dA3/dq", "A2", LookupError, "unknown name 'q'"),
        ("A3'", "A2 - Y", ModelError, "does not say by what it is the derivative: write dA3/dx1"),
    ],
)
def test_messages(subject, answer, error, message):
    with pytest.raises(error, match=message):
        judged(NEURON, subject, answer)


def test_an_answer_may_be_copied_from_a_document():
    assert judged("x**2 - 1/x", "dy/dx", "2·x + x^−2").holds


RELU = {"a": "w1*x + b1", "h": "relu(a)", "o": "w2*h + b2", "L": "(o - t)**2"}


@pytest.mark.parametrize(
    ("subject", "answer", "verdict", "condition"),
    [
        ("dL/dw1", "2*(o - t)*w2*heaviside(a)*x", "proved", ""),
        ("dL/dw1", "2*(o - t)*w2*x", "true where", "a > 0"),
        ("dL/dw2", "2*(o - t)*a", "true where", "a > 0"),
        ("dL/dw1", "2*(o - t)*w2*heaviside(a)", "refuted", "x = 1"),
    ],
)
def test_a_dead_unit_is_a_region_of_its_own(subject, answer, verdict, condition):
    """There the unit is zero everywhere, and so may be both sides."""
    found = judged(RELU, subject, answer)

    assert (found.verdict, found.condition) == (verdict, condition)


NET = {"z": "w1*x + w2*u", "p": "sigmoid(z)", "L": "-t*log(p) - (1 - t)*log(1 - p)"}

# A second derivative, an answer, and its verdict or the word for the slip
SECOND = [
    ("sin(x**2)", "d2y/dx2", "2*cos(x**2) - 4*x**2*sin(x**2)", "proved"),
    ("sin(x**2)", "d²y/dx²", "2*x*cos(x**2)", "one derivative too few: this is ∂y/∂x"),
    ("sin(x**2)", "d^2y/dx^2", "-4*x**2*sin(x**2)", "product rule missed"),
    ("sin(x**2)", "d2y/dx**2", "2*cos(x**2) + 4*x**2*sin(x**2)", "sign"),
    ("x**4", "d2y/dx2", "16*x**6", "(∂y/∂x)² is not ∂²y/∂x²"),
    ("x**4", "d3y/dx3", "24*x", "proved"),
    ("x**4", "d2y/dx2", "24*x", "one derivative too many: this is ∂³y/∂x³"),
    ("x**3*z**2", "d2y/dxdz", "6*x**2*z", "proved"),
    ("x**3*z**2", "∂²y/∂x∂z", "6*x*z**2", "both derivatives by one name: this is ∂²y/∂x²"),
    ("abs(x)**3", "d2y/dx2", "6*x", "true where x > 0"),
    (NET, "d2L/dw1dw2", "x*u*p*(1 - p)", "proved"),
    (NET, "d2L/dw12", "x**2*p*(1 - p)", "proved"),
    (NET, "d2L/dw1 dw2", "x*p*(1 - p)", "the factor ∂z/∂w2 = u is missing"),
    (NET, "d2L/dw1dw2", "x*u*(p - t)**2", "the product of the two first derivatives is not"),
    ("sin(2*x)", "d2y/dx2", "-sin(2*x)", "forgotten inner derivative, in both derivatives"),
    ("sin(2*x)", "d2y/dx2", "-2*sin(2*x)", "forgotten inner derivative: the factor 2 is missing"),
    ("sin(2*x)", "d2y/dx2", "4*sin(2*x)", "sign: the claim is minus the derivative"),
    ("log(x**2 + 1)", "d2y/dx2", "-1/(x**2 + 1)**2*2*x", "in ∂y/∂x, forgotten inner derivative"),
    (FORK, "d2y/dx2", "2*v + 4*x*cos(x) - u*v + 2", "proved"),
    (FORK, "d2y/dx2", "2*v + 4*x*cos(x) + 2", "term left out"),
    ("log(1 + x)", "d4y/dx4", "6/(1 + x)**4", "sign"),
]


@pytest.mark.parametrize(("stages", "subject", "answer", "verdict"), SECOND)
def test_a_second_derivative_is_judged_and_its_slip_named(stages, subject, answer, verdict):
    assert verdict in str(judged(stages, subject, answer))


def test_a_claim_is_right_where_the_stage_has_values():
    found = judged("k*log(x) - k*log(s) - (x/s)**k", "dy/ds", "-k/s + k*x**k/s**(k + 1)")

    assert found.holds  # s < 0 has no logarithm, though 1/s has a value there


def test_a_condition_is_no_accident_of_the_points_tried():
    claim = "1/sqrt((x - a)*(b - x))"
    found = judged("2*atan(sqrt((x - a)/(b - x)))", "dy/dx", claim)

    assert (found.verdict, found.condition) == ("true where", "x < b")
    assert not judged("x**3*z**2", "d2y/dxdz", "2*x**3*z").condition  # x moves: x = 3 is no case


@pytest.mark.parametrize(
    "claim",
    [
        ("dy/dx", "cos(x)"),
        ("dy/dx = cos(x)",),
        ("dy/dx == cos(x) if x == 2 else cos(x)",),
        ("y' = cos(x)",),
        ("y′(x)", "cos(x)"),
        ("y'' = -sin(x)",),
        ("y″(x) = -sin(x)",),
    ],
)
def test_a_claim_in_two_texts_or_in_one(claim):
    assert sd.derive({"y": "sin(x)"}).check_claim(*claim).verdict == "proved"


def test_a_counterexample_has_values_that_can_be_read():
    stages = {"z": "400*u*w + b", "p": "sigmoid(z)", "L": "binary_cross_entropy(p, Y)"}
    verdict = judged(stages, "dL/db", "p*(1 - p)")

    assert not any("e" in value for value in verdict.there)


def test_the_right_form_has_the_decimals_of_its_author():
    assert judged("0.2*(x - 10)*w*z", "dy/dw", "z").right == "0.2*z*(x - 10)"
    assert judged("(x - 10)*w*z/5", "dy/dw", "z").right == "z*(x - 10)/5"


BESIDE_KINKS = [  # formula, answers that take a side or the mean at its kink, answers that do not
    (
        "maximum(x, 0)",
        ("where(x > 0, 1, 0)", "heaviside(x)", "where(x >= 0, 1, 0)", "(1 + sign(x))/2"),
        ("where(x > 0, 1, where(x < 0, 0, 7))", "where(x > 1, 1, 0)", "where(x > 0, 1, -1)"),
    ),
    ("abs(x - a)", ("where(x > a, 1, -1)", "-sign(a - x)"), ("sign(x)",)),
    (
        "maximum(x, 0)**2",
        ("where(x > 0, 2*x, 0)", "2*x*(x > 0)", "x + abs(x)"),
        ("where(x > 0, 2*x, where(x < 0, 0, 7))", "2*x"),
    ),
    ("maximum(1 - t*x, 0)", ("where(t*x < 1, -t, 0)", "-t*heaviside(1 - t*x)"), ("-t",)),
    ("clip(x, 0, 1)", ("where((x > 0) & (x < 1), 1, 0)", "(x > 0)*(x < 1)"), ("(x > 0)*1",)),
    ("x**2", (), ("where(x > 0, 2*x, where(x < 0, 2*x, 1))",)),
    (
        "where(abs(x) > 2, x**2, 4)",
        ("where(x**2 > 4, 2*x, 0)", "where(x > 2, 2*x, where(x < -2, 2*x, 0))"),
        ("where(x**2 > 9, 2*x, 0)", "where(x > 2, 2*x, 0)"),
    ),
    (
        "huber(x, 1)",
        (
            "clip(x, -1, 1)",
            "where(x > 1, 1, where(x < -1, -1, x))",
            "where(abs(x) < 1, x, sign(x))",
        ),
        ("where(x > 1, 1, where(x < 0, -1, x))", "where(abs(x) < 1, x, where(x > 1, 1, -1))"),
    ),
]


@pytest.mark.parametrize(("formula", "right", "wrong"), BESIDE_KINKS)
def test_at_a_kink_the_value_of_a_side_is_right_and_no_other(formula, right, wrong):
    derivation = sd.derive(sd.Model({"y": formula}, parameters=["x"]))
    for answer in right:
        assert derivation.check_claim("dy/dx", answer).verdict == "proved", answer
    for answer in wrong:
        assert not derivation.check_claim("dy/dx", answer).holds, answer


def test_a_branch_that_the_derivative_does_not_ask_for_is_no_convention():
    derivation = sd.derive(sd.Model({"L": "where(t == 1, -log(p), -log(1 - p))"}, parameters=["p"]))

    for right in ("where(t == 1, -1/p, 1/(1 - p))", "where(t != 1, 1/(1 - p), -1/p)"):
        assert derivation.check_claim("dL/dp", right).verdict == "proved"
    for wrong in ("where(t == 1, 1/p, 1/(1 - p))", "1/(1 - p)"):
        found = derivation.check_claim("dL/dp", wrong)
        assert (found.verdict, found.condition) == ("true where", "t ≠ 1")


def test_a_value_at_a_kink_alone_is_told():
    found = judged("max(x, 0)", "dy/dx", "where(x > 0, 1, where(x < 0, 0, 7))")

    assert (found.verdict, found.condition) == ("true where", "x ≠ 0")
    assert (found.counterexample, found.there) == ({"x": "0"}, ("7", "0.5"))
