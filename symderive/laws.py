"""Laws of exponents, roots, logarithms, angles and signs: a formula → an equal one, a row each.

A law looks at one sum, product or power and knows nothing of the model: it holds wherever both
sides are real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from sympy import (
    Add,
    Expr,
    Function,
    Mul,
    Piecewise,
    Pow,
    S,
    StrictGreaterThan,
    StrictLessThan,
    cos,
    exp,
    expand_mul,
    factor_terms,
    fraction,
    log,
    sin,
)

from symderive.cost import cost
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.written import factors

LOGARITHMS: tuple[Any, ...] = (log, *(FUNCTIONS[name].function for name in ("log2", "log10")))
REFLECTED = ("sigmoid", "norm_cdf")
"""Functions of which f(−u) = 1 − f(u)."""

EVEN: tuple[Any, ...] = tuple(FUNCTIONS[name].function for name in ("norm_pdf", "abs"))
"""Functions of which f(−u) = f(u)."""

SIGN, ABS = FUNCTIONS["sign"].apply, FUNCTIONS["abs"].apply


def everywhere(formula: Expr, law: Callable[[Expr], Expr]) -> Expr:
    """The formula with a law applied to each of its parts, from the inside out."""
    if not formula.args:
        return formula
    args = [everywhere(arg, law) if isinstance(arg, Expr) else arg for arg in formula.args]
    return law(formula.func(*args))


def one_exponential(formula: Expr) -> Expr:
    """eᵃ·eᵇ = eᵃ⁺ᵇ."""
    if not isinstance(formula, Mul):
        return formula
    powers = [f for f in formula.args if isinstance(f, exp)]
    rest = [f for f in formula.args if not isinstance(f, exp)]
    return Mul(*rest, exp(sum((f.args[0] for f in powers), S.Zero))) if len(powers) > 1 else formula


def one_root(formula: Expr) -> Expr:
    """√a·√b = √(ab), wherever √a and √b exist."""
    if not isinstance(formula, Mul):
        return formula
    roots: dict[Expr, list[Expr]] = {}
    rest = []
    for factor in formula.args:
        if isinstance(factor, Pow) and factor.exp.is_Rational and not factor.exp.is_Integer:
            roots.setdefault(factor.exp, []).append(factor.base)
        else:
            rest.append(factor)
    if all(len(bases) < 2 for bases in roots.values()):
        return formula
    joined = (Pow(Mul(*bases), exponent, evaluate=False) for exponent, bases in roots.items())
    return Mul(*rest, *joined)


def one_power(formula: Expr) -> Expr:
    """aⁿ/bⁿ = (a/b)ⁿ, of powers with letters in their exponents: their bases are positive.

    >>> from sympy import symbols
    >>> a, b, n = symbols("a b n")
    >>> one_power(a ** (n - 1) * b ** (1 - n))
    (a/b)**(n - 1)
    """
    if not isinstance(formula, Mul):
        return formula
    powers = [f for f in formula.args if isinstance(f, Pow) and not f.exp.is_number]
    rest = [f for f in formula.args if f not in powers]
    joined: dict[Expr, Expr] = {}
    for power in powers:
        exponent = _spread(power.exp)
        if -exponent in joined:
            joined[-exponent] = joined[-exponent] / power.base
        else:
            joined[exponent] = joined.get(exponent, S.One) * power.base
    if len(joined) == len(powers):
        return formula
    return Mul(*rest, *(_turned(base, exponent) for exponent, base in joined.items()))


def one_base(formula: Expr) -> Expr:
    """a/(a/n)^(3/2) = n/√(a/n): a whole power of what a root is taken of is under the root too.

    >>> from sympy import Rational, symbols
    >>> a, b, n = symbols("a b n")
    >>> one_base((a + b) * ((a + b) / n) ** Rational(-3, 2))
    n/sqrt((a + b)/n)
    """
    if not isinstance(formula, Mul):
        return formula
    for power in formula.args:
        if not isinstance(power, Pow) or power.exp.is_Integer or not power.base.is_Mul:
            continue
        for part in power.base.args:
            number = next(
                (f.as_base_exp()[1] for f in formula.args if f.as_base_exp()[0] == part), S.Zero
            )
            if part.is_Add and number.is_Integer and number != 0:
                rest = formula / part**number / power * (part / power.base) ** number
                return rest * Pow(power.base, power.exp + number)
    return formula


def _turned(base: Expr, exponent: Expr) -> Expr:
    """A power, upside down where its exponent starts with a minus: (y/a)^(1/s)."""
    if exponent.could_extract_minus_sign():
        return Pow(1 / base, -exponent)
    return Pow(base, exponent)


def one_logarithm(formula: Expr) -> Expr:
    """c·log a − c·log b = c·log(a/b).

    >>> from sympy import symbols
    >>> a, b, c = symbols("a b c")
    >>> one_logarithm(log(a) / 2 + c - log(b) / 2)
    c + log(a/b)/2
    """
    if not formula.is_Add:
        return formula
    for kind in LOGARITHMS:
        terms = [t.as_coeff_Mul() for t in formula.args if type(t.as_coeff_Mul()[1]) is kind]
        for size in sorted({abs(k) for k, _ in terms}):
            plus, minus = ([f for k, f in terms if k == sign * size] for sign in (1, -1))
            for a, b in zip(plus, minus, strict=False):
                formula += size * (kind(a.args[0] / b.args[0]) - a + b)
        if not formula.is_Add:
            break
    return formula


def double_angle(formula: Expr) -> Expr:
    """(sin u·cos u)ᵏ = (sin 2u/2)ᵏ.

    >>> from sympy import Symbol
    >>> double_angle(1 / (sin(Symbol("x") / 2) * cos(Symbol("x") / 2)))
    2/sin(x)
    """
    if not isinstance(formula, Mul):
        return formula
    sines = {f.as_base_exp()[0].args[0]: f for f in formula.args if _is_power_of(f, sin)}
    for factor in formula.args:
        if _is_power_of(factor, cos):
            argument, exponent = factor.as_base_exp()[0].args[0], factor.as_base_exp()[1]
            partner = sines.get(argument)
            if partner is not None and partner.as_base_exp()[1] == exponent:
                joined = (sin(2 * argument) / 2) ** exponent
                return formula.func(
                    *(f for f in formula.args if f not in (factor, partner)), joined
                )
    return formula


def _is_power_of(factor: Expr, function: type[Expr]) -> bool:
    base, exponent = factor.as_base_exp()
    return isinstance(base, function) and bool(exponent.is_Integer)


def sum_of_angles(formula: Expr) -> Expr:
    """Cos a·cos b ∓ sin a·sin b = cos(a ± b); sin a·cos b ± cos a·sin b = sin(a ± b).

    >>> from sympy import symbols
    >>> a, b, r = symbols("a b r")
    >>> sum_of_angles(r * cos(a) * cos(b) - r * sin(a) * sin(b))
    r*cos(a + b)
    """
    if not formula.is_Add:
        return formula
    angular = [term for term in formula.args if any(map(_is_angular, Mul.make_args(term)))]
    for one, other in combinations(angular, 2):
        for left, right in ((one, other), (other, one)):
            joined = _joined(left, right)
            if joined is not None:
                return formula - left - right + joined
    return formula


def _is_angular(factor: Expr) -> bool:
    return isinstance(factor.as_base_exp()[0], sin | cos)


def _joined(left: Expr, right: Expr) -> Expr | None:
    quotient = left / right
    sign = -1 if quotient.could_extract_minus_sign() else 1
    parts = Mul.make_args(sign * quotient)
    above = [f for f in parts if isinstance(f, sin | cos)]
    below = [1 / f for f in parts if isinstance(1 / f, sin | cos)]
    if len(parts) != 4 or len(above) != 2 or len(below) != 2:
        return None
    a, b = above[0].args[0], above[1].args[0]
    if {part.args[0] for part in below} != {a, b}:
        return None
    kinds = [type(part) for part in above]
    if kinds == [cos, cos] and all(isinstance(part, sin) for part in below):
        return left / Mul(*above) * cos(factor_terms(a - sign * b))
    if set(kinds) == {sin, cos}:
        a, b = (part.args[0] for part in sorted(above, key=lambda part: isinstance(part, cos)))
        if {(type(part), part.args[0]) for part in below} != {(cos, a), (sin, b)}:
            return None
        return left / Mul(*above) * sin(factor_terms(a + sign * b))
    return None


def one_sign(formula: Expr) -> Expr:
    """u/|u| = sign u, sign u/|u| = 1/u, |u|/u² = 1/|u|: what stands divides by |u| already.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> one_sign(y * SIGN(x) / ABS(x)), one_sign(3 * x * y / ABS(x)), one_sign(y * ABS(x) / x**2)
    (y/x, 3*y*sign(x), y/abs(x))
    """
    if not isinstance(formula, Mul):
        return formula
    for size in formula.args:
        if type(size) is FUNCTIONS["abs"].function:
            for other in formula.args:
                base, exponent = other.as_base_exp()
                if base in (size.args[0], -size.args[0]) and exponent.is_Integer and exponent < -1:
                    return one_sign(formula / size**2 * base**2)
    for factor in formula.args:
        inside = factor.as_base_exp()[0]
        if not (isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp < 0):
            continue
        if type(inside) is not FUNCTIONS["abs"].function:
            continue
        u = inside.args[0]
        if SIGN(u) in formula.args:
            return one_sign(formula / SIGN(u) * inside / u)
        for other in formula.args:
            base, exponent = other.as_base_exp()
            if exponent.is_Integer and exponent > 0 and base in (u, -u):
                turn = S.One if base == u else S.NegativeOne
                return one_sign(formula / base * inside * SIGN(u) * turn)
    return formula


def sizes_of_parts(formula: Expr) -> Expr:
    """|u/v| = |u|/|v|, and |u|² = u² as a factor.

    >>> from sympy.abc import x
    >>> sizes_of_parts(ABS(1 / x)), sizes_of_parts(ABS(x) ** 3)
    (1/abs(x), x**2*abs(x))
    """
    if type(formula) is FUNCTIONS["abs"].function:
        above, below = fraction(formula.args[0])
        if below.is_number:
            return formula
        return (abs(above) if above.is_number else ABS(above)) / ABS(below)
    if isinstance(formula, Pow) and type(formula.base) is FUNCTIONS["abs"].function:
        exponent = formula.exp
        if exponent.is_Integer and abs(exponent) > 1:
            odd = exponent % 2
            return formula.base**odd * formula.base.args[0] ** (exponent - odd)
    return formula


def one_bar(formula: Expr) -> Expr:
    """An argument over one bar: σ(a/T − b/T) = σ((a − b)/T).

    >>> from sympy import symbols
    >>> a, b, T = symbols("a b T")
    >>> one_bar(sin(a / T - b / T))
    sin((a - b)/T)
    """
    return _with_shorter_arguments(formula, over_a_bar=True)


def one_factor(formula: Expr) -> Expr:
    """An argument in factors: sin(2a − 2b) = sin(2(a − b)).

    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> one_factor(sin(2 * a - 2 * b))
    sin(2*(a - b))
    """
    return _with_shorter_arguments(formula, over_a_bar=False)


def _with_shorter_arguments(formula: Expr, *, over_a_bar: bool) -> Expr:
    if not isinstance(formula, Function):
        return formula
    args = []
    for arg in formula.args:
        mine = arg.is_Add and any(fraction(term)[1] != 1 for term in arg.args) == over_a_bar
        shared = factor_terms(arg) if mine else arg
        args.append(shared if cost(shared) < cost(arg) else arg)
    return formula.func(*args)


def reflected(formula: Expr) -> Expr:
    """σ(u) + σ(−u) = 1, and 1 − σ(a − b) = σ(b − a), which is no longer; likewise of Φ.

    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> reflected(FUNCTIONS["sigmoid"].apply(a - b) - 1)
    -sigmoid(-a + b)
    """
    if not formula.is_Add:
        return formula
    for part in sorted(formula.atoms(*(FUNCTIONS[name].function for name in REFLECTED)), key=str):
        turned = part.func(_opposite(part.args[0]))
        if part in formula.args and turned in formula.args:
            return reflected(formula - part - turned + 1)
        if cost(turned) > cost(part):
            continue
        for sign in (S.One, S.NegativeOne):
            if sign in formula.args and -sign * part in formula.args:
                return reflected(formula - sign + sign * part + sign * turned)
    return formula


def _opposite(formula: Expr) -> Expr:
    """−formula, with the minus in the first difference that is a factor of it."""
    parts = factors(formula)
    place = next((k for k, part in enumerate(parts) if part.is_Add), None)
    if place is None:
        return -formula
    return Mul(*parts[:place], -parts[place], *parts[place + 1 :])


def even(formula: Expr) -> Expr:
    """φ(−u) = φ(u), where that is shorter.

    >>> from sympy.abc import u
    >>> even(FUNCTIONS["norm_pdf"].apply(-u))
    norm_pdf(u)
    """
    if not isinstance(formula, EVEN):
        return formula
    turned = formula.func(-formula.args[0])
    return turned if cost(turned) < cost(formula) else formula


def one_branch(formula: Expr) -> Expr:
    """max(0, u) is zero wherever where(u > 0, 1, …) is not one.

    >>> from sympy import Symbol
    >>> x = Symbol("x")
    >>> one_branch(Piecewise((1, x > 0), (0, True)) * FUNCTIONS["relu"].apply(x))
    relu(x)
    """
    if not isinstance(formula, Mul):
        return formula
    steps = [f for f in formula.args if isinstance(f, Piecewise) and f.args[0].expr == 1]
    for step in steps:
        condition = step.args[0].cond
        if not isinstance(condition, StrictGreaterThan | StrictLessThan):
            continue
        beyond = condition.gts - condition.lts
        powers = (f.as_base_exp() for f in formula.args)
        if any(_rectified(base) == beyond and exponent.is_positive for base, exponent in powers):
            return one_branch(Mul(*(f for f in formula.args if f is not step)))
    return formula


def _rectified(formula: Expr) -> Expr | None:
    """The u of max(0, u) or relu(u)."""
    if type(formula) is FUNCTIONS["relu"].function:
        return formula.args[0]
    if type(formula) is FUNCTIONS["max"].function and len(formula.args) == 2:
        zero, other = sorted(formula.args, key=lambda arg: arg != 0)
        return other if zero == 0 else None
    return None


def gathered(formula: Expr) -> Expr:
    """Powers of one base in one: (x + 1)ⁿ⁻¹/(x + 1)²ⁿ; SymPy leaves those of sums apart.

    >>> from sympy import symbols
    >>> x, n = symbols("x n")
    >>> gathered((x + 1) ** (n - 1) * (x + 1) ** (-2 * n))
    (x + 1)**(-n - 1)
    """
    if not formula.is_Mul:
        return formula
    powers = _powers(formula)
    return Mul(*(Pow(b, _spread(e)) for b, e in powers.items()))


def _spread(exponent: Expr) -> Expr:
    """An exponent as a sum of products: n(k − 1) is nk − n; what functions are of stays."""
    if not exponent.args:
        return exponent
    return Add(*(expand_mul(term, deep=False) for term in Add.make_args(exponent)))


# Powers that all terms share ----------------------------------------------------------------


def common_powers(formula: Expr) -> tuple[Expr, Expr] | None:
    """The powers of sums and functions, and with letters above, that all terms share; and the rest.

    >>> from sympy import symbols
    >>> x, y, m = symbols("x y m")
    >>> common_powers(m * (x + y) ** (m - 1) * x + (x + y) ** m)
    ((x + y)**(m - 1), m*x + x + y)
    """
    if not formula.is_Add:
        return None
    rows = [_powers(term) for term in formula.args]
    outside: dict[Expr, Expr] = {}
    for base in rows[0]:
        if not all(base in row for row in rows):
            continue
        first = rows[0][base]
        apart = [_spread(row[base] - first) for row in rows]
        whole = isinstance(base, Add | Function)
        if all(a.is_Integer for a in apart) and (whole or not first.is_number):
            outside[base] = first + min(apart)
    if not outside:
        return None
    shared = Mul(*(Pow(base, exponent) for base, exponent in outside.items()))
    rest = []
    for term, row in zip(formula.args, rows, strict=True):
        others = [f for f in Mul.make_args(term) if _base_exp(f)[0] not in outside]
        left = [Pow(b, _spread(row[b] - e)) for b, e in outside.items()]
        rest.append(Mul(*others, *left))
    return shared, Add(*rest)


def _base_exp(factor: Expr) -> tuple[Expr, Expr]:
    """Its base and exponent; an exponential is whole."""
    return (factor, S.One) if isinstance(factor, exp) else factor.as_base_exp()


def _powers(term: Expr) -> dict[Expr, Expr]:
    found: dict[Expr, Expr] = {}
    for factor in Mul.make_args(term):
        base, exponent = _base_exp(factor)
        if isinstance(base, Pow) and exponent.is_Integer and not base.exp.is_number:
            base, exponent = base.base, base.exp * exponent
        found[base] = found.get(base, S.Zero) + exponent
    return found


# The table --------------------------------------------------------------------------------

LAWS: tuple[tuple[Callable[[Expr], Expr], str], ...] = (
    (one_exponential, "law of exponents"),
    (gathered, "law of exponents"),
    (one_power, "law of exponents"),
    (one_base, "law of exponents"),
    (one_root, "law of roots"),
    (one_logarithm, "law of logarithms"),
    (double_angle, "sin 2u = 2 sin u cos u"),
    (sum_of_angles, "sum of angles"),
    (one_sign, "u = |u|·sign u"),
    (one_bar, "common denominator"),
    (one_factor, "factor out"),
    (reflected, "f(−u) = 1 − f(u)"),
    (even, "f(−u) = f(u)"),
    (one_branch, "the other branches are zero"),
)


def merged(formula: Expr) -> Iterator[tuple[Expr, str]]:
    """What each law makes of a formula, where it makes anything of it."""
    for law, reason in LAWS:
        changed = everywhere(formula, law)
        if changed != formula:
            yield changed, reason
