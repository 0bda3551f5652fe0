"""The slips in the derivative of a named function, for the table in ``slips``.

Each is a mutation of one step: what it would wrongly conclude, with a remark on the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sympy import Expr, Piecewise, Pow, S, Symbol, exp

from symderive.formulas.functions import FUNCTIONS, function_of
from symderive.formulas.typed import typed
from symderive.formulas.written import evaluated, product, sum_of
from symderive.rules import depends
from symderive.steps import Step


def text_of(formula: Expr) -> str:
    """A formula as a reader would type it."""
    return typed(evaluated(formula))


def is_inner(step: Step) -> bool:
    """Whether a function or a power is applied to more than the variable itself."""
    composed = function_of(step.formula) is not None or isinstance(step.formula, Pow)
    return composed and any(
        depends(p.formula, step.variable) and p.formula != step.variable for p in step.premises
    )


def as_if_linear(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """F(u + v) as if it were f(u) + f(v)."""
    row = function_of(step.formula)
    if row is None or len(step.premises) != 1 or step.premises[0].rule.name != "sum rule":
        return
    pairs = list(zip(step.premises[0].bindings, step.premises[0].premises, strict=True))
    told = f"{row.name}(u + v) is not {row.name}(u) + {row.name}(v)"
    slopes = [row.partial_formulas(term)[0] for (_, term), _ in pairs]
    if all(slope is not None for slope in slopes):
        yield told, sum_of(*(product(s, p.result) for s, (_, p) in zip(slopes, pairs, strict=True)))
        yield told, sum_of(*slopes)


EQUATIONS: Mapping[str, Callable[[Expr], Expr]] = {
    "sigmoid": lambda f: f * (1 - f),
    "tanh": lambda f: 1 - f**2,
    "tan": lambda f: 1 + f**2,
}
"""Functions whose derivatives are known by their own values."""


def equation_of_another(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """Φ′ = Φ(1 − Φ), as if Φ were a sigmoid."""
    row = function_of(step.formula)
    if row is None or len(derivatives) != 1:
        return
    for name, slope in EQUATIONS.items() if row.name not in EQUATIONS else ():
        told = f"f′ = {typed(slope(Symbol('f')))} is what {name} obeys, not {row.name}"
        yield told, product(slope(step.formula), *derivatives)


def branch_kept(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """Of a choice: the branch itself in the place of its slope."""
    row = function_of(step.formula)
    chosen = step.formula.args if row is not None and row.name in CHOICES else ()
    if isinstance(step.formula, Piecewise):
        chosen = tuple(branch for branch, _ in step.formula.args)
    for branch in chosen:
        if depends(branch, step.variable):
            yield f"the branch {text_of(branch)} was left as it is", branch


CHOICES = ("max", "min", "relu")
"""Functions that are one of their arguments, or zero."""


def kept_function(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """The outer function kept, lost, or differentiated at another place than u."""
    if function_of(step.formula) is not None and len(derivatives) == 1 and derivatives[0] != 0:
        if not isinstance(step.formula, exp):
            yield "the outer function was not differentiated", product(step.formula, *derivatives)
        yield "the factor f′(u) is missing", product(*derivatives)
        yield "the outer derivative was taken at u′", _at_inner(step, derivatives[0])
        yield (
            "the outer derivative was taken at u′",
            product(_at_inner(step, derivatives[0]), *derivatives),
        )
        if is_inner(step):
            place = f"the outer derivative was taken at {step.variable}, not at u"
            yield place, product(_at_inner(step, step.variable), *derivatives)
            yield (
                "u was put in the place of u′",
                product(_at_inner(step, step.bindings[0][1]), step.bindings[0][1]),
            )


FAMILIES: tuple[tuple[str, ...], ...] = (
    ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch"),
    ("asin", "acos", "atan", "acot", "asinh", "acosh", "atanh", "sin", "cos", "tan"),
    ("log", "log2", "log10", "exp"),
    ("sigmoid", "tanh", "softplus", "relu"),
    ("norm_cdf", "norm_pdf", "erf"),
    ("digamma", "loggamma", "gamma"),
)
"""Functions whose derivatives are mistaken for each other's."""


def of_another(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """The derivative of another function of the family."""
    row = function_of(step.formula)
    if row is None or len(step.formula.args) != 1:
        return
    u = step.bindings[0][1] if step.bindings else step.formula.args[0]
    own = row.partial_formulas(u)[0]
    mine = (family for family in FAMILIES if row.name in family)
    for name in dict.fromkeys(name for family in mine for name in family if name != row.name):
        partial = FUNCTIONS[name].partial_formulas(u)[0]
        if partial is not None and own is not None and evaluated(partial) != -evaluated(own):
            yield f"this is the derivative of {name}", product(partial, *derivatives)


LOGARITHMS: Mapping[str, str] = {"loggamma": "gamma", "logsigmoid": "sigmoid", "log_cosh": "cosh"}
"""Functions that are the logarithm of another."""


def logarithm_of(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """(log Γ)′ as if it were 1/Γ."""
    row = function_of(step.formula)
    if row is not None and row.name in LOGARITHMS:
        name = LOGARITHMS[row.name]
        told = f"(log f)′ is f′/f, and the slope of {name} is missing"
        inner = FUNCTIONS[name].apply(*step.formula.args)
        yield told, product(Pow(inner, -1), *derivatives)


INVERSES: Mapping[str, str] = {
    **{f"a{name}": name for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{f"a{name}": name for name in ("sinh", "cosh", "tanh", "coth", "sech", "csch")},
}
"""Functions that are written f⁻¹, and f."""


def inverse(step: Step, derivatives: tuple[Expr, ...]) -> Iterator[tuple[str, Expr]]:
    """F⁻¹ taken for 1/f, 1/f′ taken at u, a root lost."""
    row = function_of(step.formula)
    if row is None or row.name not in INVERSES:
        return
    outer, u = FUNCTIONS[INVERSES[row.name]], step.formula.args[0]
    own = row.partial_formulas(u)[0]
    assert own is not None
    roots = {p: p**2 for p in own.atoms(Pow) if p.exp.is_Rational and p.exp.q == 2}
    for power, square in roots.items():
        told = f"the root of {text_of(power.base)} is missing"
        yield told, product(own.xreplace({power: square}), *derivatives)
    value, slope = outer.apply(u), outer.partial_formulas(u)[0]
    assert slope is not None  # each of them has a derivative
    taken = f"{row.name} is the inverse function of {outer.name}, not 1/{outer.name}"
    yield taken, -evaluated(product(slope, Pow(value, -2), *derivatives))
    yield taken, -evaluated(product(Pow(value, -2), *derivatives))
    told = "(f⁻¹)′(u) is 1/f′(f⁻¹(u)), not 1/f′(u)"
    yield told, product(Pow(slope, -1), *derivatives)


def _at_inner(step: Step, derivative: Expr) -> Expr:
    row = function_of(step.formula)
    partial = row.partial_formulas(derivative)[0] if row is not None else None
    return partial if partial is not None else S.Zero
