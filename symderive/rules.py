"""The differentiation rules, a row each. Order is meaning: the first row that matches is applied.

A rule is stated as an equation in u, v, w (functions of x), c and n (constants), and *the statement
is the computation*: the derivative is the right side with the bindings put in. Every named function
adds its own row through the table in ``formulas.functions``. To add a rule, add a row with an
example; the tests prove it three ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sympy import Add, Basic, Expr, Function, Indexed, Mul, Piecewise, Pow, S, Sum, Symbol, exp, log
from sympy.core.function import AppliedUndef

from symderive.errors import NoRuleError
from symderive.formulas.functions import NamedFunction, function_of
from symderive.formulas.parsing import Callee, parse
from symderive.formulas.written import factors, product, rename, sum_of, tidy
from symderive.steps import Rule, Step

Bindings = tuple[tuple[str, Expr], ...]
Matcher = Callable[[Expr, Symbol], Bindings | None]
Conclusion = Callable[[Expr, Bindings, tuple[Expr, ...]], Expr]

CONSTANT_NAMES = frozenset({"c", "n"})
"""Names in a statement that stand for constants: they have no derivative."""

LINEAR = frozenset({"constant rule", "identity rule", "sum rule", "constant multiple rule"})
"""Rules that a reader applies at sight: they share a line with what follows."""


@dataclass(frozen=True, slots=True)
class Row:
    """A rule, how it matches, and its example.

    Attributes:
        rule: The name and the statement.
        match: Gives the bindings of the statement's names, or None where the rule does not apply.
        example: A formula in x that this row, and no earlier one, handles.
        conclude: The derivative, where the statement alone does not say it (any number of terms).
    """

    rule: Rule
    match: Matcher
    example: str
    conclude: Conclusion | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    """What the statements of the rules may call."""

    apply: Callable[..., Expr]
    parameters: tuple[str, ...] = ("u",)


_CALLS: dict[str, Callee] = {"log": _Statement(log), "exp": _Statement(exp)}
_PRIMES = {Symbol(f"d{name}"): Symbol(f"{name}'") for name in "uvwx"}


def statement(name: str, left: str, right: str, convention: str = "") -> Rule:
    """A rule from text; ``du`` stands for u′."""
    stated = (rename(parse(side, _CALLS).written, _PRIMES) for side in (left, right))
    return Rule(name, next(stated), next(stated), convention)


def depends(formula: Basic, variable: Symbol) -> bool:
    """Whether the variable, a name or an entry of an array, occurs in a formula."""
    if isinstance(variable, Indexed):
        return variable.base.label in formula.free_symbols
    return variable in formula.free_symbols


def _is_denominator(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp.is_Number and bool(factor.exp < 0)


def _inverse(factor: Expr) -> Expr:
    return factor.base if factor.exp == -1 else Pow(factor.base, -factor.exp, evaluate=False)


def _constant(formula: Expr, variable: Symbol) -> Bindings | None:
    return None if depends(formula, variable) else (("c", formula),)


def _identity(formula: Expr, variable: Symbol) -> Bindings | None:
    return () if formula == variable else None


def _sum(formula: Expr, variable: Symbol) -> Bindings | None:
    return tuple(("u", term) for term in formula.args) if isinstance(formula, Add) else None


def _constant_multiple(formula: Expr, variable: Symbol) -> Bindings | None:
    parts = factors(formula)
    fixed = [part for part in parts if not depends(part, variable)]
    moving = [part for part in parts if depends(part, variable)]
    return (("c", product(*fixed)), ("u", product(*moving))) if fixed and moving else None


def _quotient(formula: Expr, variable: Symbol) -> Bindings | None:
    below = [_inverse(part) for part in factors(formula) if _is_denominator(part)]
    above = [part for part in factors(formula) if not _is_denominator(part)]
    return (("u", product(*above)), ("v", product(*below))) if above and below else None


def _reciprocal(formula: Expr, variable: Symbol) -> Bindings | None:
    if not all(_is_denominator(part) for part in factors(formula)):
        return None
    if isinstance(formula, Pow) and formula.exp != -1:
        return None
    return (("v", product(*(_inverse(part) for part in factors(formula)))),)


def _product(formula: Expr, variable: Symbol) -> Bindings | None:
    return tuple(("u", part) for part in formula.args) if isinstance(formula, Mul) else None


def _power(exponents: Callable[[Expr], bool]) -> Matcher:
    def match(formula: Expr, variable: Symbol) -> Bindings | None:
        if not isinstance(formula, Pow) or depends(formula.exp, variable):
            return None
        return (("u", formula.base), ("n", formula.exp)) if exponents(formula.exp) else None

    return match


def _exponential(formula: Expr, variable: Symbol) -> Bindings | None:
    if not isinstance(formula, Pow) or depends(formula.base, variable):
        return None
    return (("c", formula.base), ("u", formula.exp))


def _general_power(formula: Expr, variable: Symbol) -> Bindings | None:
    return (("u", formula.base), ("v", formula.exp)) if isinstance(formula, Pow) else None


def _piecewise(formula: Expr, variable: Symbol) -> Bindings | None:
    if not isinstance(formula, Piecewise):
        return None
    return tuple(("u", branch) for branch, _ in formula.args)


def _add_derivatives(_: Expr, __: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    return sum_of(*derivatives)


def _one_factor_at_a_time(_: Expr, bindings: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    parts = [part for _, part in bindings]
    return sum_of(
        *(
            product(*parts[:k], derivative, *parts[k + 1 :])
            for k, derivative in enumerate(derivatives)
            if derivative != 0
        )
    )


def _branch_by_branch(formula: Expr, _: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    conditions = (condition for _, condition in formula.args)
    return Piecewise(*zip(derivatives, conditions, strict=True))


_AT_KINK = "where branches meet, the derivative is that of the branch that holds there"

ROWS: tuple[Row, ...] = (
    Row(statement("constant rule", "c", "0"), _constant, "7"),
    Row(statement("identity rule", "x", "1"), _identity, "x"),
    Row(statement("sum rule", "u + v", "du + dv"), _sum, "x**2 + sin(x)", _add_derivatives),
    Row(statement("constant multiple rule", "c*u", "c*du"), _constant_multiple, "5*sin(x)"),
    Row(statement("reciprocal rule", "1/v", "-dv/v**2"), _reciprocal, "1/(1 + exp(x))"),
    Row(statement("quotient rule", "u/v", "(du*v - u*dv)/v**2"), _quotient, "sin(x)/(x + 3)"),
    Row(
        statement("product rule", "u*v", "du*v + u*dv"), _product, "x*exp(x)", _one_factor_at_a_time
    ),
    Row(
        statement("square root rule", "u**(1/2)", "du/(2*u**(1/2))"),
        _power(lambda n: n == S.Half),
        "(3*x + 5)**(1/2)",
    ),
    Row(statement("power rule", "u**n", "n*u**(n - 1)*du"), _power(lambda n: True), "(2*x + 5)**3"),
    Row(statement("exponential rule", "c**u", "c**u*log(c)*du", "c > 0"), _exponential, "2**x"),
    Row(
        statement("logarithmic differentiation", "u**v", "u**v*(dv*log(u) + v*du/u)", "u > 0"),
        _general_power,
        "(x + 4)**x",
    ),
    Row(
        Rule("branch rule", Symbol("u"), Symbol("u'"), _AT_KINK),
        _piecewise,
        "where(x >= 0, x**2, -x)",
        _branch_by_branch,
    ),
)


OF_THREE: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        statement("sum rule", "u + v + w", "du + dv + dw"),
        statement("product rule", "u*v*w", "du*v*w + u*dv*w + u*v*dw"),
    )
}
"""What rules for any number of parts say of three."""


def told_for(step: Step) -> Rule:
    """The rule of a step as it is stated for as many parts as the step has."""
    return OF_THREE.get(step.rule.name, step.rule) if len(step.bindings) == 3 else step.rule


@lru_cache(maxsize=4096)
def function_rule(row: NamedFunction, count: int) -> Rule:
    """The rule of a named function of ``count`` arguments: f(u)′ = f′(u)·u′, summed over them."""
    names = ("u", "v", "w", "s", "t")
    letters = [Symbol(names[k] if k < len(names) else f"u{k}") for k in range(count)]
    parts = [
        product(partial, Symbol(f"{letter}'"))
        for partial, letter in zip(row.partial_formulas(*letters), letters, strict=True)
        if partial is not None and partial != 0  # None: no formula by this argument is known
    ]
    right = sum_of(*parts) if parts else S.Zero
    return Rule(f"derivative of {row.title}", row.apply(*letters), tidy(right), row.kink_note)


@lru_cache(maxsize=512)
def undefined_rule(name: str, count: int) -> Rule:
    """The rule of a function that is named but not defined."""
    letters = [Symbol(letter) for letter in ("u", "v", "w", "s", "t")[:count]]
    right = sum_of(
        *(product(formal_partial(name, k, letters), Symbol(f"{u}'")) for k, u in enumerate(letters))
    )
    return Rule("chain rule", Function(name)(*letters), right)


def formal_partial(name: str, place: int, args: list[Expr]) -> Expr:
    """f′(u), or ∂ᵢf(u, v) of several arguments, as a function that is itself undefined."""
    mark = f"{name}'" if len(args) == 1 else f"{name}_{place + 1}"
    return Function(mark)(*args)


def _rows(formula: Expr) -> tuple[Row, ...]:
    """The rows to try: entries, sums and parts of arrays have their own before the others."""
    if not isinstance(formula, Indexed | Sum) and not getattr(formula, "is_array_part", False):
        return ROWS
    from symderive.array_rules import ARRAY_ROWS  # scalar models do without

    return ARRAY_ROWS + ROWS


def find_rule(
    formula: Expr, variable: Symbol, avoid: frozenset[str] = frozenset()
) -> tuple[Rule, Bindings, Conclusion | None]:
    """The rule that differentiates a formula, and its bindings; rules to ``avoid`` are passed over.

    Raises:
        NoRuleError: No row matches.
    """
    for row in _rows(formula):
        bindings = None if row.rule.name in avoid else row.match(formula, variable)
        if bindings is not None:
            return row.rule, bindings, row.conclude
    args = tuple(("u", arg) for arg in formula.args)
    if isinstance(formula, AppliedUndef) and len(args) <= 5 and function_of(formula) is None:
        return undefined_rule(type(formula).__name__, len(args)), args, _undefined_chain
    named = function_of(formula)
    if named is None:
        raise NoRuleError(formula, variable)
    return function_rule(named, len(args)), args, _named_chain


def conclusion_of(rule: Rule, formula: Expr) -> Conclusion | None:
    """How a rule concludes, where its statement alone does not say it."""
    for row in _rows(formula):
        if row.rule is rule:
            return row.conclude
    return _undefined_chain if function_of(formula) is None else _named_chain


def _chain(partials: tuple[Expr, ...], derivatives: tuple[Expr, ...]) -> Expr:
    moving = [
        product(partial, derivative)
        for partial, derivative in zip(partials, derivatives, strict=True)
        if derivative != 0 and partial != 0
    ]
    return sum_of(*moving) if moving else S.Zero


def _named_chain(formula: Expr, bindings: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    named = function_of(formula)
    assert named is not None  # find_rule chose this conclusion by it
    partials = named.partial_formulas(*formula.args)
    for place, (partial, derivative) in enumerate(zip(partials, derivatives, strict=True), 1):
        if partial is None and derivative != 0:
            raise NoRuleError(formula, f"its argument {place}")
    return _chain(tuple(p if p is not None else S.Zero for p in partials), derivatives)


def _undefined_chain(formula: Expr, bindings: Bindings, derivatives: tuple[Expr, ...]) -> Expr:
    name, args = type(formula).__name__, list(formula.args)
    return _chain(tuple(formal_partial(name, k, args) for k in range(len(args))), derivatives)


def conclude(rule: Rule, bindings: Bindings, derivatives: dict[str, Expr]) -> Expr:
    """The right side of a statement with the bindings and the derivatives put in."""
    symbols: dict[Basic, Basic] = {Symbol(name): formula for name, formula in bindings}
    symbols |= {Symbol(f"{name}'"): formula for name, formula in derivatives.items()}
    return tidy(rename(rule.right, symbols))
