"""Formula text → SymPy, safely: Python's own ``ast`` is read node by node, nothing is evaluated.

A formula is read once per *template*: its names become placeholders in order of first appearance,
so that ``sigmoid(A1)`` and ``sigmoid(A2)`` are the same template, parsed once, differentiated once
and explained once. A template holds the formula *as written* (unevaluated, in the user's order);
``evaluated`` gives SymPy's own form of it.

To let formulas say more, add a row to ``OPERATORS`` or ``COMPARISONS`` here, or a function to
the table in ``functions``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Container, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sympy import (
    Add,
    And,
    Basic,
    Eq,
    Expr,
    Function,
    I,
    Integer,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    Pow,
    S,
    Symbol,
    false,
    nan,
    oo,
    pi,
    true,
    zoo,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from symderive.errors import FormulaError
from symderive.formulas.inert import placeholder
from symderive.formulas.walking import (
    BRACKETED,
    LIBRARY_CONSTANTS,
    MAX_FUNCTION_NUMBER,
    MISSING_OPERATOR,
    PI,
    Walker,
    is_library,
    library_path,
    split,
)
from symderive.formulas.walking import (
    WORDS as WORDS,
)
from symderive.formulas.written import (
    evaluated,
    minus,
    once,
    power,
    product,
    quotient,
    rename,
    sum_of,
    terms,
)

_FOREIGN = (I, zoo, nan, oo, -oo)

LOGICAL = {"logical_and": And, "logical_or": Or, "logical_not": Not}
"""NumPy's functions of conditions."""

STATE_SHAPES = "state their shapes: [shapes], shapes=, or X: m n beside stages on one line"

HINTS: dict[type[ast.operator], str] = {
    ast.BitXor: "; write ** for a power",
    ast.MatMult: f" of numbers; to multiply matrices, {STATE_SHAPES}",
}
"""What to write instead of an operator that formulas do not have."""


class Callee(Protocol):
    """What the parser needs of a named function: its parameters and how to apply it."""

    @property
    def parameters(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def apply(self) -> Callable[..., Expr]: ...  # noqa: D102


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """A formula up to names: ``written`` is in the symbols ``placeholder(0)``, ``(1)`` and on.

    Two formulas are the same up to names exactly when they share one template object.
    """

    key: str
    written: Expr
    size: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """A formula: its template and the names that fill the placeholders, in order."""

    template: Template
    names: tuple[str, ...]

    @property
    def written(self) -> Expr:
        """The formula unevaluated, in the user's order."""
        symbols = {placeholder(k): Symbol(name) for k, name in enumerate(self.names)}
        return rename(self.template.written, symbols)

    @property
    def formula(self) -> Expr:
        """The formula in SymPy's own (evaluated) form."""
        return evaluated(self.written)


def parse(
    text: str,
    functions: Mapping[str, Callee],
    *,
    where: str = "",
    templates: MutableMapping[str, Template] | None = None,
    declared: Container[str] = (),
) -> Parsed:
    """Read a formula.

    Args:
        text: The formula in Python's notation, such as ``"x1*w1 + b"``.
        functions: The named functions that it may call.
        where: File and stage, for messages.
        templates: Templates read so far; shared by the stages of a model.
        declared: Names that the model declares; ``pi`` is the number unless it is one of them.

    Raises:
        FormulaError: The text is not a formula; the message shows the column.

    >>> parse("b + x*w", {}).written.args[1].args
    (x, w)
    """

    def is_word(word: re.Match[str]) -> bool:
        return word["name"] not in declared and (word["name"] in PI or is_library(word))

    key, names = split(text, where, is_word)
    known = templates if templates is not None else {}
    if key not in known:
        known[key] = Template(key, _Builder(text, key, names, functions, where).build(), len(names))
    return Parsed(known[key], names)


OPERATORS: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: sum_of,
    ast.Sub: lambda left, right: sum_of(left, minus(right)),
    ast.Mult: product,
    ast.Div: quotient,
    ast.Pow: power,
}


def _by_signs(formula: Expr) -> tuple[list[Expr], list[Expr]]:
    """The terms without a minus sign, and the others without theirs."""
    signs = [(term, term.could_extract_minus_sign()) for term in terms(formula)]
    return [t for t, below in signs if not below], [minus(t) for t, below in signs if below]


def _sum(parts: list[Expr]) -> Expr:
    return sum_of(*parts) if parts else S.Zero


def _settling(compare: Callable[[Expr, Expr], Relational]) -> Callable[[Expr, Expr], Relational]:
    """A comparison of sums without minus signs: n² < 2ap + m + p of n² − 2ap < m + p.

    Of sums that have some, SymPy may turn the sides about for ever, as a branch's condition.
    """

    def compared(left: Expr, right: Expr) -> Relational:
        if left.is_Add and right.is_Add:
            plus, less = zip(*map(_by_signs, (left, right)), strict=True)
            if any(less):
                left, right = _sum([*plus[0], *less[1]]), _sum([*plus[1], *less[0]])
        return compare(left, right)

    return compared


COMPARISONS: dict[type[ast.cmpop], Callable[[Expr, Expr], Relational]] = {
    ast.Lt: _settling(operator.lt),
    ast.LtE: _settling(operator.le),
    ast.Gt: _settling(operator.gt),
    ast.GtE: _settling(operator.ge),
    ast.Eq: _settling(Eq),
    ast.NotEq: _settling(Ne),
}


class _Builder(Walker):
    """Reads the syntax tree of one formula."""

    def __init__(
        self,
        text: str,
        key: str,
        names: Sequence[str],
        functions: Mapping[str, Callee],
        where: str,
    ) -> None:
        super().__init__(text, key, names, where)
        self.functions = functions

    def build(self) -> Expr:
        formula = self._read(self._parsed())
        if not isinstance(formula, Expr):
            raise self._error("this is a condition; a formula has a number as its value", 0)
        return formula

    # Nodes --------------------------------------------------------------------------------

    def _number(self, node: ast.expr) -> Expr:
        value = self._read(node)
        if not isinstance(value, Expr):
            raise self._at("a number is expected here, not a condition", node)
        return value

    def _factor(self, node: ast.expr) -> Expr:
        """A number; a condition as a factor counts as 1 and 0, as in Python."""
        value = self._read(node)
        return value if isinstance(value, Expr) else Piecewise((S.One, value), (S.Zero, true))

    def _read_constant(self, node: ast.Constant) -> Basic:
        if isinstance(node.value, bool):
            return true if node.value else false
        if isinstance(node.value, int):
            return Integer(node.value)
        if isinstance(node.value, float):
            return self._decimal(node)
        raise self._at("only numbers may stand here", node)

    def _read_name(self, node: ast.Name) -> Expr:
        return pi if node.id in PI else placeholder(int(node.id[1:]))

    def _read_attribute(self, node: ast.Attribute) -> Expr:
        value = LIBRARY_CONSTANTS.get(library_path(node) or "")
        if not isinstance(value, Expr) or value is oo:
            raise self._at("a number has no attributes; state shapes if this is an array", node)
        return value

    def _read_unaryop(self, node: ast.UnaryOp) -> Basic:
        if isinstance(node.op, ast.Not | ast.Invert):
            return Not(self._condition(node.operand))
        value = self._factor(node.operand)
        if isinstance(node.op, ast.USub):
            return minus(value)
        return value

    def _read_binop(self, node: ast.BinOp) -> Basic:
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            join = And if isinstance(node.op, ast.BitAnd) else Or
            return join(*(self._condition(side, BRACKETED) for side in (node.left, node.right)))
        combine = OPERATORS.get(type(node.op))
        if combine is None:
            hint = HINTS.get(type(node.op), "")
            raise self._at(f"this operator has no meaning in a formula{hint}", node.right)
        times = isinstance(node.op, ast.Mult)
        left = (
            self._factor(node.left)
            if times or isinstance(node.op, ast.Div)
            else self._number(node.left)
        )
        right = self._factor(node.right) if times else self._number(node.right)
        if isinstance(node.op, ast.Pow):
            self._check_power(left, right, node)
        if isinstance(node.op, ast.Div) and right.is_zero:
            raise self._at("division by zero", node.right)
        return combine(left, right)

    def _read_compare(self, node: ast.Compare) -> Boolean:
        values = [self._number(part) for part in (node.left, *node.comparators)]
        relations = []
        for sign, left, right in zip(node.ops, values, values[1:], strict=False):
            if type(sign) not in COMPARISONS:
                raise self._at("compare with < <= > >= == !=", node)
            relations.append(COMPARISONS[type(sign)](left, right))
        return And(*relations)

    def _read_boolop(self, node: ast.BoolOp) -> Boolean:
        join = And if isinstance(node.op, ast.And) else Or
        return join(*(self._condition(value) for value in node.values))

    def _condition(self, node: ast.expr, hint: str = "") -> Boolean:
        value = self._read(node)
        if isinstance(value, Expr):  # a symbol is an Expr and, to SymPy, a Boolean too
            raise self._at(f"a condition such as x >= 0 is expected here{hint}", node)
        return value

    def _read_ifexp(self, node: ast.IfExp) -> Expr:
        condition = self._condition(node.test)
        return Piecewise((self._number(node.body), condition), (self._number(node.orelse), true))

    def _read_call(self, node: ast.Call) -> Basic:
        path = node.func.id if isinstance(node.func, ast.Name) else library_path(node.func)
        if path is None and not isinstance(node.func, ast.Attribute):
            raise self._at(MISSING_OPERATOR, node.args[0] if node.args else node)
        if path is None or node.keywords:
            raise self._at("call functions by name, with their arguments in order", node)
        name = path.rpartition(".")[2]
        if name in ("where", "Piecewise") and len(node.args) == 3:
            test, yes, no = node.args
            condition = self._condition(test)
            return Piecewise((self._number(yes), condition), (self._number(no), true))
        row = self.functions.get(name)
        if row is None and name in LOGICAL:
            return LOGICAL[name](*map(self._condition, node.args))
        if row is None and (near := self._near(name)):
            raise self._at(f"unknown function {name!r}; did you mean {near}?", node)
        args = [self._number(arg) for arg in node.args]
        if row is not None and len(args) == 2 and name in WITH_BASE:
            return quotient(row.apply(args[0]), row.apply(args[1]))
        if row is None:  # a function that is named and not defined differentiates formally
            return Function(name)(*args)
        if name in WRITTEN_OUT and any(_too_large(arg) for arg in args):
            raise self._at(f"the number in {name}(…) is too large to write out", node)
        try:
            return row.apply(*args)
        except TypeError:
            expected = f"{name}({', '.join(row.parameters)})"
            raise self._at(f"{name} is called as {expected}; got {len(args)}", node) from None

    def _near(self, name: str) -> str:
        """A known function that is likely meant; empty where the name is one of the user's own."""
        from difflib import get_close_matches

        if name.startswith("_"):
            return "another name: it may not start with an underscore"
        return next(iter(get_close_matches(name, self.functions, n=1, cutoff=0.75)), "")


WITH_BASE = frozenset({"log"})
"""Functions that Python calls with a base too: ``math.log(x, 2)`` is log x/log 2."""

_WRITTEN_OUT = (
    "gamma factorial beta betaln lbeta loggamma lgamma gammaln digamma psi trigamma polygamma "
    "zeta polylog lowergamma uppergamma gammainc gammaincc betainc student_t_nll "
    "negative_binomial_nll pow power exp2 exp10 expint expn legendre chebyshevt chebyshevu "
    "hermite gegenbauer jacobi"
)
WRITTEN_OUT = frozenset(_WRITTEN_OUT.split())
"""Functions that SymPy writes out at whole numbers: as factorials, powers, sums, polynomials."""


def _too_large(arg: Expr) -> bool:
    """Whether SymPy might try to write out a number: the factorial of 10^100."""
    if arg.is_Integer:
        return bool(abs(arg) > MAX_FUNCTION_NUMBER)
    if arg.free_symbols or not arg.is_number:
        return False
    size = abs(arg.evalf(5))
    return bool(size.is_Float and size > MAX_FUNCTION_NUMBER)


def from_sympy(formula: Expr, functions: Mapping[str, Callee], *, where: str = "") -> Parsed:
    """A SymPy expression as a formula of a model.

    SymPy's own non-smooth functions (``Abs``, ``Max``, …) become the table's.

    Raises:
        FormulaError: It holds something that formulas cannot say.

    >>> x, y = Symbol("x", real=True), Symbol("y")
    >>> sorted(from_sympy(x**2 + y, {}).names)
    ['x', 'y']
    """
    names: dict[str, Basic] = {}
    replaced = _plain(formula, functions, names, where)
    symbols = {Symbol(name): mark for name, mark in names.items()}
    written = rename(replaced, symbols)
    return Parsed(Template(f"sympy: {written}", written, len(names)), tuple(names))


def _plain(
    formula: Basic, functions: Mapping[str, Callee], names: dict[str, Basic], where: str
) -> Basic:
    """The expression with plain symbols and the table's own functions."""
    if isinstance(formula, Symbol):
        names.setdefault(formula.name, placeholder(len(names)))
        return Symbol(formula.name)
    args = [_plain(arg, functions, names, where) for arg in formula.args]
    name = {"Abs": "abs", "Max": "max", "Min": "min", "Heaviside": "heaviside", "ceiling": "ceil"}
    own = name.get(type(formula).__name__, "sign" if formula.func.__name__ == "sign" else "")
    if own and own in functions:
        return functions[own].apply(*args[: 1 if own == "heaviside" else None])
    if formula.has(*_FOREIGN):
        message = f"a formula cannot hold {formula}"
        raise FormulaError(message, text=str(formula), column=0, where=where)
    if isinstance(formula, Add | Mul | Pow):
        return formula.func(*args, evaluate=False)
    return formula.func(*map(once, args)) if args else formula
