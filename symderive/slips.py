"""The classic slips, a row each: what a derivative would be if a rule were applied wrongly.

A slip is a mutation of one step: the row's ``mutate`` gives what the step would have concluded.
The claim is compared with the derivation that has this one step wrong. To know a new slip, add a
row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sympy import Add, Expr, Indexed, Mul, NumberSymbol, Pow, S, Symbol, exp, log

from symderive.differentiate import concluded, differentiate
from symderive.errors import SymderiveError
from symderive.formulas.written import evaluated, product, quotient, sum_of, tidy
from symderive.function_slips import (
    as_if_linear,
    branch_kept,
    equation_of_another,
    inverse,
    is_inner,
    kept_function,
    logarithm_of,
    of_another,
    text_of,
)
from symderive.rules import CONSTANT_NAMES
from symderive.steps import Step

MAX_CONSTANTS = 4
"""Names in a constant that may have been taken for the variable."""

Mutation = Callable[[Step, tuple[Expr, ...]], Iterator[tuple[str, Expr]]]


@dataclass(frozen=True, slots=True)
class Slip:
    """A kind of mistake.

    Attributes:
        name: What a teacher calls it.
        mutate: From a step and the derivatives of its premises: what it would wrongly conclude,
            each with a remark on the place.
        example: A formula in x, and the wrong derivative that the slip makes of it.
    """

    name: str
    mutate: Mutation
    example: tuple[str, str]


def _conclude(step: Step, derivatives: tuple[Expr, ...]) -> Expr:
    return concluded(step, derivatives)


def _bound(step: Step) -> dict[str, Expr]:
    return dict(step.bindings)


def _forgotten_inner(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if is_inner(step) and not isinstance(step.formula, Mul):
        ones = tuple(S.One if d != 0 else d for d in derivatives)
        missing = next((d for d in derivatives if d not in (0, 1)), None)
        if missing is not None and evaluated(missing) != -1:  # that slip is a sign
            yield f"the factor {text_of(missing)} is missing", _conclude(step, ones)


def _divided_by_inner(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    inner = next((d for d in derivatives if d != 0), S.One)
    if is_inner(step) and not isinstance(step.formula, Mul) and evaluated(abs(inner)) != 1:
        ones = tuple(S.One if d != 0 else d for d in derivatives)
        told = f"u′ = {text_of(inner)} is a factor, not a divisor"
        yield told, quotient(_conclude(step, ones), inner)


def _sign(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name not in ("constant rule", "identity rule"):
        sum_ = step.rule.name == "sum rule"
        place = f"derivative of {text_of(step.formula)}" if sum_ else step.rule.name
        yield f"in the {place}", -evaluated(_conclude(step, derivatives))


def _sign_of_term(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "sum rule":
        for k, part in enumerate(derivatives):
            if part != 0 and len(derivatives) > 1:
                turned = (*derivatives[:k], -evaluated(part), *derivatives[k + 1 :])
                yield f"in the term {text_of(step.bindings[k][1])}", _conclude(step, turned)


def _product_of_derivatives(
    step: Step, derivatives: tuple[Expr, ...]
) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "product rule":
        yield "(uv)′ is u′v + uv′, not u′v′", product(*derivatives)


def _half_product(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "product rule":
        parts = [part for _, part in step.bindings]
        for k, d in enumerate(derivatives):
            yield "only one factor was differentiated", product(*parts[:k], d, *parts[k + 1 :])
            if len(parts) > 2:
                left = sum_of(
                    *(
                        product(*parts[:j], derivatives[j], *parts[j + 1 :])
                        for j in range(len(parts))
                        if j != k
                    )
                )
                yield f"the term with the derivative of {text_of(parts[k])} is missing", left
            if len(parts) == 2 and parts[1 - k] != 1:
                whole = product(derivatives[1 - k], parts[k])
                yield "in one term the other factor is missing", sum_of(whole, d)


def _quotient(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name != "quotient rule":
        return
    u, v = (part for _, part in step.bindings)
    du, dv = derivatives
    square = Pow(v, 2, evaluate=False)
    right = sum_of(product(du, v), product(S.NegativeOne, u, dv))
    yield "the numerator is u′v − uv′, not uv′ − u′v", -evaluated(quotient(right, square))
    yield "the denominator is v², not v", quotient(right, v)
    yield "(u/v)′ is not u′/v′", quotient(du, dv) if evaluated(dv) != 0 else S.Zero
    plus = sum_of(product(du, v), product(u, dv))
    yield "the numerator has a minus: u′v − uv′", quotient(plus, square)
    if evaluated(du) != 0 and evaluated(dv) != 0:
        yield "the numerator is u′v − uv′, not u′v", quotient(du, v)
        yield "the numerator is u′v − uv′, not uv′", quotient(product(u, dv), square)
        yield "the numerator is u′v − uv′, not −uv′", -evaluated(quotient(product(u, dv), square))
        yield "the numerator is u′v − uv′, not u′", quotient(du, square)
        yield "the numerator is u′v − uv′, not u′v′", quotient(product(du, dv), square)


def _reciprocal(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "reciprocal rule":
        v, dv = step.bindings[0][1], derivatives[0]
        yield "(1/v)′ is −v′/v², not −v′/v", -evaluated(quotient(dv, v))
        if evaluated(dv) != 0:
            yield "(1/v)′ is −v′/v², not 1/v′", quotient(S.One, dv)
        yield "(1/v)′ is −v′/v², not log v", product(log(v), dv)
        yield "(1/v)′ is −v′/v², not −1/v²", -evaluated(Pow(v, -2))
        yield "(1/v)′ is −v′/v², not −1/v", -evaluated(Pow(v, -1))


def _power(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name in ("power rule", "square root rule"):
        u, n, du = _bound(step)["u"], _bound(step)["n"], derivatives[0]
        yield "the exponent was not lowered", product(n, Pow(u, n), du)
        if n not in (1, -1):  # of u⁻¹ that slip is a sign
            yield "the factor n is missing", product(Pow(u, n - 1), du)
            lowered = Pow(u, n - 1)
            for factor in (n + 1, n - 1):
                yield (
                    f"the factor is {text_of(n)}, not {text_of(factor)}",
                    product(factor, lowered, du),
                )
        if u == step.variable and n != -1:
            yield "this is the integral, not the derivative", quotient(Pow(u, n + 1), n + 1)
        if u != step.variable:
            yield "the exponent was not lowered, and u′ is missing", product(n, Pow(u, n))
            yield "only the inside was differentiated", product(Pow(u, n), du)
            if n != -1:  # that slip is one of the reciprocal rule
                yield "(uⁿ)′ is not (u′)ⁿ", Pow(du, n)
        inside = step.premises[0]
        if u.is_Add and inside.rule.name == "sum rule":  # as if √(u + v) were √u + √v
            pairs = zip(inside.bindings, inside.premises, strict=True)
            moved = [(t, p.result) for (_, t), p in pairs if p.result != 0]
            for power in (Pow, _power_of_a_power):
                each = (product(n, power(t, n - 1), slope) for t, slope in moved)
                yield "(u + v)ⁿ is not uⁿ + vⁿ", sum_of(*each)
        yield "the exponent was raised", product(n, Pow(u, n + 1), du)
        yield "the factor u^(n − 1) is missing", product(n, du)
        yield "u^n is no exponential", product(step.formula, log(u), du)
        if u != step.variable:
            yield "the outer derivative was taken at u′", product(n, Pow(du, n - 1))
        if n.is_Rational and not n.is_Integer:
            yield f"the exponent is {n} − 1 = {n - 1}", product(n, Pow(u, 1 - n), du)
        if step.rule.name == "square root rule":
            yield "(√u)′ is u′/(2√u): the 2 is missing", quotient(du, Pow(u, S.Half))
            yield "(√u)′ is u′/(2√u): the root stands below", product(2, Pow(u, S.Half), du)


def _power_of_a_power(formula: Expr, exponent: Expr) -> Expr:
    """A power as if (±uᵏ)ⁿ were ±uᵏⁿ: √(x²) is taken for x."""
    base, inner = _without_minus(formula).as_base_exp()
    return Pow(base, inner * exponent)


def _without_minus(term: Expr) -> Expr:
    """A term without the minus before it."""
    plain = evaluated(term)
    return -plain if plain.could_extract_minus_sign() else plain


def _exponential_as_power(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if isinstance(step.formula, exp):
        u = step.formula.args[0]
        yield "e^u is not a power of u", product(u, exp(u - 1), *derivatives)
        yield "e^u is not a power of u", product(u, exp(u - 1))
    if step.rule.name == "exponential rule":
        c, u = _bound(step)["c"], _bound(step)["u"]
        yield "the factor log c is missing", product(step.formula, *derivatives)
        yield "c^u is not a power of u", product(u, Pow(c, u - 1), *derivatives)
        yield "the factor is log c, not log u", product(step.formula, log(u), *derivatives)
        yield (
            "the factor log c stands above, not below",
            product(step.formula, Pow(log(c), -1), *derivatives),
        )


def _general_power(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "logarithmic differentiation":
        u, v = (part for _, part in step.bindings)
        du, dv = derivatives
        yield "u^v is not a power of u", product(v, Pow(u, v - 1), du)
        yield "the term v·u′/u is missing", product(step.formula, log(u), dv)
        yield "the term v′·log u is missing", product(step.formula, v, quotient(du, u))
        yield "the factor u^v is missing", sum_of(product(dv, log(u)), product(v, quotient(du, u)))


def _logarithm(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if isinstance(step.formula, log):
        du = evaluated(product(*derivatives))
        if du != 1:
            yield "(log u)′ is u′/u, not 1/u′", quotient(S.One, du)
        yield "(log u)′ is u′/u, not u′", du
        yield "(log u)′ is u′/u, not u′/log u", quotient(du, step.formula)
        yield "(log u)′ is u′/u, not log u′", log(product(*derivatives))
        yield "(log u)′ is u′/u, not log u · u′", product(step.formula, *derivatives)


def _constant_kept(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "sum rule":
        for k, (d, (_, term)) in enumerate(zip(derivatives, step.bindings, strict=True)):
            if d == 0:
                kept = (*derivatives[:k], term, *derivatives[k + 1 :])
                yield f"the constant {text_of(term)} was kept", _conclude(step, kept)


def _term_dropped(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "sum rule":
        for k, (d, (_, term)) in enumerate(zip(derivatives, step.bindings, strict=True)):
            if d != 0 and len(derivatives) > 1:
                dropped = (*derivatives[:k], S.Zero, *derivatives[k + 1 :])
                yield f"the term {text_of(term)} was left out", _conclude(step, dropped)


def _constant_dropped(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "constant multiple rule":
        factor = evaluated(_bound(step)["c"])
        if factor == -1:
            return
        for part in factor.args if isinstance(factor, Mul) else ():
            told = f"the constant factor {text_of(part)} is missing"
            yield told, product(factor / part, derivatives[0])
        yield f"the constant factor {text_of(factor)} is missing", derivatives[0]
        yield f"the constant factor {text_of(factor)} was differentiated to 0", S.Zero


def _constant_as_variable(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if step.rule.name == "sum rule":
        for k, (d, (_, term)) in enumerate(zip(derivatives, step.bindings, strict=True)):
            for name, slope in _by_its_names(term) if d == 0 else ():
                wrong = _conclude(step, (*derivatives[:k], slope, *derivatives[k + 1 :]))
                yield f"{name} is a constant here: the derivative of {text_of(term)} is 0", wrong
    if step.rule.name == "constant multiple rule":
        c, u = _bound(step)["c"], _bound(step)["u"]
        for name, slope in _by_its_names(c):
            remark = f"{name} is a constant here: {text_of(c)} stays as it is"
            yield remark, sum_of(product(slope, u), product(c, derivatives[0]))
            yield remark, product(slope, derivatives[0])
            yield remark, product(slope, u)


def _by_its_names(formula: Expr) -> Iterator[tuple[Symbol, Expr]]:
    """The derivatives of what is constant by the names in it."""
    if formula.has(Indexed):
        return
    names = sorted((s for s in formula.free_symbols if isinstance(s, Symbol)), key=str)
    for name in [*names, *sorted(formula.atoms(NumberSymbol), key=str)][:MAX_CONSTANTS]:
        letter = Symbol(str(name))  # π² x is no square of a variable either
        try:
            slope = differentiate(formula.xreplace({name: letter}), letter).result
        except SymderiveError:
            continue
        yield name, slope.xreplace({letter: name})


def _not_differentiated(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    if isinstance(step.formula, Add | Mul | Pow):
        yield f"{text_of(step.formula)} was left as it is", step.formula


SLIPS: tuple[Slip, ...] = (
    Slip("sign", _sign, ("cos(x)", "sin(x)")),
    Slip("sign", _sign_of_term, ("x**2 - cos(x)", "2*x - sin(x)")),
    Slip("forgotten inner derivative", _forgotten_inner, ("sin(x**2)", "cos(x**2)")),
    Slip("chain rule", _divided_by_inner, ("sin(3*x)", "cos(3*x)/3")),
    Slip("product rule missed", _product_of_derivatives, ("x**2*sin(x)", "2*x*cos(x)")),
    Slip("product rule missed", _half_product, ("x**2*sin(x)", "2*x*sin(x)")),
    Slip("swapped quotient", _quotient, ("sin(x)/x", "(sin(x) - x*cos(x))/x**2")),
    Slip("reciprocal rule", _reciprocal, ("1/(1 + x**2)", "-2*x/(1 + x**2)")),
    Slip("power rule", _power, ("x**3", "3*x**3")),
    Slip("exponential taken for a power", _exponential_as_power, ("2**x", "x*2**(x - 1)")),
    Slip("general power", _general_power, ("x**x", "x**x*log(x)")),
    Slip("logarithm rule", _logarithm, ("log(x**2)", "1/(2*x)")),
    Slip("outer function", kept_function, ("sin(3*x)", "cos(3)*0 + 3*sin(3*x)")),
    Slip("outer function", branch_kept, ("relu(x)", "x")),
    Slip("outer function", equation_of_another, ("erf(x)", "erf(x)*(1 - erf(x))")),
    Slip("sum taken apart", as_if_linear, ("log(x**2 + 1)", "2/x")),
    Slip("forgotten inner derivative", logarithm_of, ("loggamma(x)", "1/gamma(x)")),
    Slip("inverse function", inverse, ("asin(x)", "1/(1 - x**2)")),
    Slip("outer function", of_another, ("atan(x)", "1/sqrt(1 + x**2)")),
    Slip("constant not dropped", _constant_kept, ("x**2 + 5", "2*x + 5")),
    Slip("term left out", _term_dropped, ("x**2 + sin(x)", "2*x")),
    Slip("wrong factor", _constant_dropped, ("5*x**2", "2*x")),
    Slip("constant differentiated", _constant_as_variable, ("a**2 + x**2", "2*a + 2*x")),
    Slip("not differentiated", _not_differentiated, ("x**2 + x", "x**2 + x")),
)


def mutants(step: Step) -> Iterator[tuple[str, Expr]]:
    """The wrong derivatives that one slip in one step makes, with its name and place."""
    yield from _own(step)
    moving = [name for name, _ in step.bindings if name not in CONSTANT_NAMES]
    for place in range(len(moving)):
        for name, wrong in mutants(step.premises[place]):
            derivatives = tuple(
                wrong if k == place else premise.result for k, premise in enumerate(step.premises)
            )
            yield name, _conclude(step, derivatives)
    yield from _in_every_term(step, moving)


def _in_every_term(step: Step, moving: list[str]) -> Iterator[tuple[str, Expr]]:
    """The same slip in all terms of a sum: it is one slip, of somebody who does not know better."""
    if step.rule.name != "sum rule" or len(moving) < 2:
        return
    rows: list[dict[str, Expr]] = []
    for premise in step.premises[: len(moving)]:
        first: dict[str, Expr] = {}
        for name, wrong in mutants(premise) if premise.result != 0 else ():
            first.setdefault(name, wrong)
        rows.append(first)
    moved = [k for k, premise in enumerate(step.premises[: len(moving)]) if premise.result != 0]
    for name in rows[moved[0]] if len(moved) > 1 else ():
        if all(name in rows[k] for k in moved):
            derivatives = tuple(
                rows[k][name] if k in moved else premise.result
                for k, premise in enumerate(step.premises)
            )
            yield name, _conclude(step, derivatives)


def _own(step: Step) -> Iterator[tuple[str, Expr]]:
    derivatives = tuple(premise.result for premise in step.premises)
    for slip in SLIPS:
        for remark, wrong in slip.mutate(step, derivatives):
            yield f"{slip.name}: {remark}", tidy(wrong)
