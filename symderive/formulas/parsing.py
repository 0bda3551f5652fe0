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
    Rational,
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
from symderive.formulas.written import evaluated, minus, power, product, quotient, rename, sum_of

MAX_CHARACTERS = 20_000
MAX_NODES = 5_000
MAX_DEPTH = 150
MAX_POWER_BITS = 4_096
MAX_FUNCTION_NUMBER = 10_000

MISSING_OPERATOR = "an operator is missing here; write * to multiply"

WORDS = frozenset({"and", "or", "not", "if", "else", "True", "False"})
"""The words of the formula language itself; every other name is a symbol or a function."""

_TOKEN = re.compile(
    r"(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)(?P<call>\s*\()?"
)


_FOREIGN = (I, zoo, nan, oo, -oo)


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
    if len(text) > MAX_CHARACTERS:
        message = f"the formula has {len(text)} characters; the limit is {MAX_CHARACTERS}"
        raise FormulaError(message, text=text[:60] + " …", column=0, where=where)
    key, names = _split(text, where, declared)
    known = templates if templates is not None else {}
    if key not in known:
        known[key] = Template(key, _Builder(text, key, names, functions, where).build(), len(names))
    return Parsed(known[key], names)


def _split(text: str, where: str, declared: Container[str]) -> tuple[str, tuple[str, ...]]:
    """The text with its names replaced by placeholders, and the names."""
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None or match["call"] or name in WORDS:
            return match[0]
        if name == "pi" and name not in declared:
            return match[0]
        if re.search(r"(\d\.?|\d\.\d*)$", text[max(match.start() - 2, 0) : match.start()]):
            raise FormulaError(MISSING_OPERATOR, text=text, column=match.start(), where=where)
        if name.startswith("_"):
            message = f"names may not start with an underscore: {name!r}; choose another name"
            raise FormulaError(message, text=text, column=match.start(), where=where)
        return names.setdefault(name, f"_{len(names)}")

    one_line = re.sub(r"\s", " ", _TOKEN.sub(replace, text))  # a formula may run over lines
    return one_line.strip(), tuple(names)


OPERATORS: dict[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: sum_of,
    ast.Sub: lambda left, right: sum_of(left, minus(right)),
    ast.Mult: product,
    ast.Div: quotient,
    ast.Pow: power,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Expr, Expr], Relational]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: Eq,
    ast.NotEq: Ne,
}


class _Builder:
    """Walks the syntax tree of one formula; every message carries the column in the user's text."""

    def __init__(
        self,
        text: str,
        key: str,
        names: Sequence[str],
        functions: Mapping[str, Callee],
        where: str,
    ) -> None:
        self.text, self.key, self.names = text, key, names
        self.functions, self.where, self.nodes, self.depth = functions, where, 0, 0

    def build(self) -> Expr:
        try:
            tree = ast.parse(self.key, mode="eval")
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError, ValueError):
            raise self._error("the formula is too deeply nested", 0) from None
        formula = self._read(tree.body)
        if not isinstance(formula, Expr):
            raise self._error("this is a condition; a formula has a number as its value", 0)
        return formula

    # Places -------------------------------------------------------------------------------

    def _column(self, offset: int) -> int:
        """The column in the user's text of a character offset in the template text."""
        mine = theirs = 0
        leading = len(self.text) - len(self.text.lstrip())
        for token in re.finditer(r"_\d+|.", self.key, re.DOTALL):
            if theirs >= offset:
                break
            theirs += len(token[0])
            placeholder_number = token[0][1:]
            is_name = token[0].startswith("_") and placeholder_number.isdigit()
            mine += len(self.names[int(placeholder_number)]) if is_name else len(token[0])
        return mine + leading

    def _error(self, message: str, offset: int) -> FormulaError:
        return FormulaError(message, text=self.text, column=self._column(offset), where=self.where)

    def _at(self, message: str, node: ast.expr) -> FormulaError:
        lines = self.key.splitlines(keepends=True)
        line = lines[node.lineno - 1].encode()[: node.col_offset].decode()
        return self._error(message, sum(map(len, lines[: node.lineno - 1])) + len(line))

    def _syntax_error(self, error: SyntaxError) -> FormulaError:
        lines = self.key.splitlines(keepends=True) or [""]
        row = min((error.lineno or 1), len(lines)) - 1
        offset = sum(map(len, lines[:row])) + ((error.offset or len(lines[row]) + 1) - 1)
        if not self.key:
            return self._error("the formula is empty", 0)
        if missing := re.search(r"(\d|\))\s*(_\d+|\()", self.key[: offset + 2]):
            return self._error(MISSING_OPERATOR, missing.start(2))
        reason = {"invalid syntax": "this is not a formula"}.get(error.msg, error.msg)
        return self._error(re.sub(r"\. Perhaps you.*|\. Maybe you.*", "", reason), offset)

    # Nodes --------------------------------------------------------------------------------

    def _read(self, node: ast.expr) -> Basic:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._at(f"the formula has more than {MAX_NODES} parts; use more stages", node)
        reader = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self._at("formulas are made of + - * / **, numbers, names and functions", node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._at(f"nested deeper than {MAX_DEPTH}; use more stages", node)
        result: Basic = reader(node)
        self.depth -= 1
        return result

    def _number(self, node: ast.expr) -> Expr:
        value = self._read(node)
        if not isinstance(value, Expr):
            raise self._at("a number is expected here, not a condition", node)
        return value

    def _read_constant(self, node: ast.Constant) -> Basic:
        if isinstance(node.value, bool):
            return true if node.value else false
        if isinstance(node.value, int):
            return Integer(node.value)
        if isinstance(node.value, float):
            source = ast.get_source_segment(self.key, node) or repr(node.value)
            return Rational(source.replace("_", ""))
        raise self._at("only numbers may stand here", node)

    def _read_name(self, node: ast.Name) -> Expr:
        return pi if node.id == "pi" else placeholder(int(node.id[1:]))

    def _read_unaryop(self, node: ast.UnaryOp) -> Basic:
        if isinstance(node.op, ast.Not):
            return Not(self._condition(node.operand))
        value = self._number(node.operand)
        if isinstance(node.op, ast.USub):
            return minus(value)
        if isinstance(node.op, ast.UAdd):
            return value
        raise self._at("the operator ~ has no meaning in a formula", node)

    def _read_binop(self, node: ast.BinOp) -> Expr:
        combine = OPERATORS.get(type(node.op))
        if combine is None:
            hint = "; write ** for a power" if isinstance(node.op, ast.BitXor) else ""
            raise self._at(f"this operator has no meaning in a formula{hint}", node.right)
        left, right = self._number(node.left), self._number(node.right)
        if isinstance(node.op, ast.Pow) and left.is_Rational and right.is_Rational:
            bits = max(abs(left.p), left.q).bit_length() * abs(right)
            if bits > MAX_POWER_BITS:
                raise self._at("this power of numbers is too large to write out", node)
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

    def _condition(self, node: ast.expr) -> Boolean:
        value = self._read(node)
        if isinstance(value, Expr):  # a symbol is an Expr and, to SymPy, a Boolean too
            raise self._at("a condition such as x >= 0 is expected here", node)
        return value

    def _read_ifexp(self, node: ast.IfExp) -> Expr:
        condition = self._condition(node.test)
        return Piecewise((self._number(node.body), condition), (self._number(node.orelse), true))

    def _read_call(self, node: ast.Call) -> Expr:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self._at("call functions by name, with their arguments in order", node)
        name = node.func.id
        if name in ("where", "Piecewise") and len(node.args) == 3:
            test, yes, no = node.args
            condition = self._condition(test)
            return Piecewise((self._number(yes), condition), (self._number(no), true))
        row = self.functions.get(name)
        if row is None and (near := self._near(name)):
            raise self._at(f"unknown function {name!r}; did you mean {near}?", node)
        args = [self._number(arg) for arg in node.args]
        if row is None:  # a function that is named and not defined differentiates formally
            return Function(name)(*args)
        if any(arg.is_Integer and abs(arg) > MAX_FUNCTION_NUMBER for arg in args):
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
    return formula.func(*args) if args else formula
