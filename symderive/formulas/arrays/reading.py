"""Array formula text → tree, safely, in NumPy's language; shapes are checked on the way.

Python's own ``ast`` is read node by node, as for scalar formulas. What may be called is a row of
``OPS`` or a named scalar function, which applies entry by entry.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Collection, Container, Mapping, MutableMapping, Sequence
from difflib import get_close_matches
from typing import Any

from sympy import Expr, S, Symbol, expand, nan, oo, pi, zoo

from symderive.errors import few, unknown_in
from symderive.formulas.arrays.op import ShapeError, as_tree, broadcast, is_condition
from symderive.formulas.arrays.ops import CALLS, apply, apply_function, number, shown, transpose
from symderive.formulas.arrays.subscripts import Subscripts
from symderive.formulas.arrays.syntax import Leaf, Number, Shape, Tree, renamed, sizes_in
from symderive.formulas.functions import FUNCTIONS, NamedFunction
from symderive.formulas.inert import placeholder
from symderive.formulas.parsing import COMPARISONS, WRITTEN_OUT
from symderive.formulas.walking import (
    BRACKETED,
    LIBRARY_CONSTANTS,
    MAX_FUNCTION_NUMBER,
    MISSING_OPERATOR,
    PI,
    TOKEN,
    is_library,
    library_path,
    split,
)

_TOKEN = re.compile(r"""(?P<text>"[^"\n]*"|'[^'\n]*')|""" + TOKEN)
_KEYWORD = re.compile(r"\s*=(?!=)")

CONSTANTS: Mapping[str, Expr] = {**dict.fromkeys(PI, pi), "inf": oo}
"""Names that are numbers, unless the model declares them."""

QUALIFIED: Mapping[str, str] = {"max": "amax", "min": "amin"}
"""``np.max(X, 0)`` and ``X.max(0)`` name an axis, where ``max(x, 0)`` compares with 0."""

METHODS = frozenset(
    {
        *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "dot", "trace", "clip"),
        *("diagonal", "transpose", "swapaxes", "reshape", "ravel", "flatten", "squeeze", "round"),
    }
)
"""What may be called as a method of an array, as in NumPy."""

Parts = tuple[Tree, tuple[str, ...], str]


def parse_array(
    text: str,
    functions: Mapping[str, NamedFunction],
    shapes: Mapping[str, Shape],
    *,
    where: str = "",
    declared: Container[str] = (),
    templates: MutableMapping[str, Tree] | None = None,
) -> Parts:
    """Read an array formula.

    Args:
        text: The formula in NumPy's language, such as ``"X @ w + b"``.
        functions: The named scalar functions that it may call.
        shapes: The shape of each name; a name that is absent is a scalar.
        where: File and stage, for messages.
        declared: Names that the model declares, so that they are no sizes and no constants.
        templates: Trees read so far by their key; shared by the stages of a model.

    Returns:
        The tree, in which the names are ``_0``, ``_1``, … in order of appearance; the names; and
        the key of the template, the same for formulas that are equal up to names.

    Raises:
        FormulaError: The text is not a formula, or shapes do not fit; the message shows the place.

    >>> m, n = Symbol("m"), Symbol("n")
    >>> tree, names, key = parse_array("X @ w/m", FUNCTIONS, {"X": (m, n), "w": (n,)})
    >>> tree.shape, names, key
    ((m,), ('X', 'w'), '_0 @ _1/m | (m, n) (n,)')
    """
    sizes = {size.name for size in sizes_in(shapes.values())}
    sizes = {name for name in sizes if name not in shapes and name not in declared}

    def is_word(word: re.Match[str]) -> bool:
        name = word["name"]
        if name == "None" or _KEYWORD.match(text, word.end()):
            return True
        if name in declared or name in shapes:
            return False
        return name in sizes or name in CONSTANTS or is_library(word)

    key, names = split(text, where, is_word, _TOKEN)
    mine = [shapes.get(name, ()) for name in names]
    full = f"{key} | {' '.join(map(shown, mine))}" if any(mine) else key
    known = {} if templates is None else templates
    if full not in known:
        known[full] = _Reader(text, key, names, where, functions, mine, sizes).tree()
    return known[full], names, full


def read_array(
    text: str,
    functions: Mapping[str, NamedFunction],
    shapes: Mapping[str, Shape],
    *,
    where: str = "",
    declared: Collection[str] = (),
    strict: bool = False,
) -> Tree:
    """An array formula in its own names; ``strict`` refuses names that are not declared.

    Raises:
        FormulaError: As ``parse_array``.
    """
    tree, names, _ = parse_array(text, functions, shapes, where=where, declared=declared)
    for name in names if strict else ():
        if name not in declared:
            raise unknown_in(text, "name", name, f"the model has {few(declared)}", where)
    return renamed(tree, {placeholder(k).name: name for k, name in enumerate(names)})


def names_in(text: str, where: str = "", declared: Container[str] = ()) -> tuple[str, ...]:
    """The names of a formula in order of appearance, those of sizes included.

    Raises:
        FormulaError: A name is not allowed.

    >>> names_in("sum(X @ w, axis=0)/m")
    ('X', 'w', 'm')
    """

    def is_word(word: re.Match[str]) -> bool:
        name = word["name"]
        if name == "None" or _KEYWORD.match(text, word.end()):
            return True
        return name not in declared and (name in CONSTANTS or is_library(word))

    return split(text, where, is_word, _TOKEN)[1]


class _Reader(Subscripts):
    """Reads the syntax tree of one formula.

    A value is a tree, or what only an argument or an index can be: a tuple, None, text, a flag.
    """

    unknown_node = "formulas are made of + - * / ** @, numbers, names, indices and functions"

    def __init__(
        self,
        text: str,
        key: str,
        names: Sequence[str],
        where: str,
        functions: Mapping[str, NamedFunction],
        shapes: Sequence[Shape],
        sizes: Container[str],
    ) -> None:
        super().__init__(text, key, names, where)
        self.functions, self.shapes, self.sizes = functions, shapes, sizes

    def tree(self) -> Tree:
        result = self._operand(self._parsed(), "a formula")
        if is_condition(result):
            raise self._error("this is a condition; a formula has a number as its value", 0)
        for part in result.walk():
            if isinstance(part, Number) and part.value in (oo, -oo, nan, zoo):
                raise self._error("a formula cannot hold an infinite number", 0)
        return result

    # Operands -----------------------------------------------------------------------------

    def _operand(self, node: ast.expr, what: str = "an operand") -> Tree:
        return self._made(node, as_tree, self._read(node), what)

    def _factor(self, node: ast.expr) -> Tree:
        value = self._operand(node)
        return apply("where", value, number(1), number(0)) if is_condition(value) else value

    def _number(self, node: ast.expr) -> Tree:
        value = self._operand(node)
        if is_condition(value):
            raise self._at("a number is expected here, not a condition", node)
        return value

    def _condition(self, node: ast.expr, hint: str = "") -> Tree:
        value = self._operand(node)
        if not is_condition(value):
            raise self._at(f"a condition such as x >= 0 is expected here{hint}", node)
        return value

    # Nodes --------------------------------------------------------------------------------

    def _read_constant(self, node: ast.Constant) -> Any:
        value = node.value
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return number(value)
        if isinstance(value, float):
            return number(self._decimal(node))
        raise self._at("only numbers may stand here", node)

    def _read_name(self, node: ast.Name) -> Tree:
        if node.id in self.sizes:
            return number(Symbol(node.id))
        if node.id.startswith("_"):
            return Leaf(self.shapes[int(node.id[1:])], node.id)
        return number(CONSTANTS[node.id])

    def _read_tuple(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        return tuple(self._read(part) for part in node.elts)

    _read_list = _read_tuple

    def _read_unaryop(self, node: ast.UnaryOp) -> Tree:
        if isinstance(node.op, ast.Not | ast.Invert):
            return apply("logical_not", self._condition(node.operand))
        value = self._factor(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        return self._negated(value)

    def _read_binop(self, node: ast.BinOp) -> Tree:
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            kind = "and" if isinstance(node.op, ast.BitAnd) else "or"
            return self._joined(
                node, kind, [self._condition(side, BRACKETED) for side in (node.left, node.right)]
            )
        name = OPERATORS.get(type(node.op))
        if name is None:
            hint = "; write ** for a power" if isinstance(node.op, ast.BitXor) else ""
            raise self._at(f"this operator has no meaning in a formula{hint}", node.right)
        if name in ("multiply", "matmul"):  # a condition as a factor counts as 1 and 0, as in NumPy
            left, right = self._factor(node.left), self._factor(node.right)
        else:
            left, right = self._number(node.left), self._number(node.right)
        if name == "divide" and isinstance(right, Number) and right.value.is_zero:
            raise self._at("division by zero", node.right)
        if isinstance(left, Number) and isinstance(right, Number):
            folded = self._folded(name, left.value, right.value, node)
            if folded is not None:
                return number(folded)
        if name == "subtract":
            self._made(node, broadcast, (left.shape, right.shape), "the operands of -")
            name, right = "add", self._negated(right)
        return self._made(node, apply, name, left, right)

    def _negated(self, value: Tree) -> Tree:
        return number(-value.value) if isinstance(value, Number) else apply("negative", value)

    def _folded(self, name: str, left: Expr, right: Expr, node: ast.BinOp) -> Expr | None:
        """What two numbers make: sizes are worked out, numbers as in scalar formulas."""
        rational = left.is_Rational and right.is_Rational
        if name == "power":
            self._check_power(left, right, node)
        sizes = bool(left.free_symbols | right.free_symbols)
        if not (sizes or (rational and (name == "divide" or right.is_Integer))):
            return None
        return expand(FOLDS[name](left, right)) if name in FOLDS else None

    def _read_compare(self, node: ast.Compare) -> Tree:
        values = [self._number(part) for part in (node.left, *node.comparators)]
        relations = []
        for sign, left, right in zip(node.ops, values, values[1:], strict=False):
            if type(sign) not in COMPARISONS:
                raise self._at("compare with < <= > >= == !=", node)
            relations.append(self._made(node, apply, type(sign).__name__, left, right))
        return relations[0] if len(relations) == 1 else self._joined(node, "and", relations)

    def _read_boolop(self, node: ast.BoolOp) -> Tree:
        kind = "and" if isinstance(node.op, ast.And) else "or"
        return self._joined(node, kind, [self._condition(value) for value in node.values])

    def _joined(self, node: ast.expr, kind: str, parts: Sequence[Tree]) -> Tree:
        return self._made(node, apply, f"logical_{kind}", *parts)

    def _read_ifexp(self, node: ast.IfExp) -> Tree:
        condition = self._condition(node.test)
        yes, no = self._number(node.body), self._number(node.orelse)
        return self._made(node, apply, "where", condition, yes, no)

    # Attributes and indices ---------------------------------------------------------------

    def _read_attribute(self, node: ast.Attribute) -> Any:
        path = library_path(node)
        if path is not None:
            if path in LIBRARY_CONSTANTS:
                value = LIBRARY_CONSTANTS[path]
                return value if value is None else number(value)
            raise self._at(f"{path} is not a number; a function is called, as {path}(…)", node)
        array = self._number(node.value)
        read = ATTRIBUTES.get(node.attr)
        if read is None:
            near = get_close_matches(node.attr, [*ATTRIBUTES, *METHODS], n=1)
            hint = f"did you mean .{near[0]}?" if near else f"known are .{', .'.join(ATTRIBUTES)}"
            hint = ELSEWHERE.get(f".{node.attr}", hint)
            raise self._at(f"arrays have no .{node.attr}; {hint}", node)
        return self._made(node, read, array)

    def _read_subscript(self, node: ast.Subscript) -> Any:
        value = self._read(node.value)
        if isinstance(value, tuple) and not isinstance(node.slice, ast.Slice | ast.Tuple):
            place = self._read(node.slice)
            if isinstance(place, Number) and place.value.is_Integer:
                k = int(place.value)
                if -len(value) <= k < len(value):
                    return value[k]
        array = self._made(node, as_tree, value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return self._indexed(array, parts, node)

    # Calls --------------------------------------------------------------------------------

    def _read_call(self, node: ast.Call) -> Any:
        args: list[Any] = [self._read(arg) for arg in node.args]
        more = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._at("arguments cannot be unpacked here", keyword.value)
            more[keyword.arg] = self._read(keyword.value)
        if isinstance(node.func, ast.Name):
            return self._called(node.func.id, args, more, node)
        if not isinstance(node.func, ast.Attribute):
            raise self._at(MISSING_OPERATOR, node.args[0] if node.args else node)
        path = library_path(node.func)
        if path is None:
            if node.func.attr not in METHODS:
                self._reject_method(node.func)
            args.insert(0, self._number(node.func.value))
            path = node.func.attr
        name = path.rpartition(".")[2]
        return self._called(QUALIFIED.get(name, name), args, more, node)

    def _reject_method(self, node: ast.Attribute) -> None:
        if node.attr in ATTRIBUTES:
            raise self._at(f"write .{node.attr}, without brackets", node)
        near = get_close_matches(node.attr, METHODS, n=1)
        hint = f"did you mean .{near[0]}(…)?" if near else f"write {node.attr}(…), a function"
        raise self._at(f"arrays have no method .{node.attr}(…); {hint}", node)

    def _called(self, name: str, args: list[Any], more: dict[str, Any], node: ast.Call) -> Any:
        function = self.functions.get(name)
        own = function is not None and FUNCTIONS.get(name) is not function
        if name in CALLS and not own:
            row = CALLS[name]
            assert row.call is not None
            try:
                inspect.signature(row.call).bind(*args, **more)
            except TypeError:
                raise self._at(f"{name} is called as {row.signature}", node) from None
            return self._made(node, row.call, *args, **more)
        if function is None:
            raise self._at(self._unknown(name), node)
        if more:
            raise self._at(f"{name} takes its arguments in order, without their names", node)
        operands = [self._made(node, as_tree, arg) for arg in args]
        least, most = function.arity()
        if len(operands) < least or (most is not None and len(operands) > most):
            expected = f"{name}({', '.join(function.parameters)})"
            raise self._at(f"{name} is called as {expected}; got {len(operands)}", node)
        for operand in operands:
            large = isinstance(operand, Number) and operand.value.is_Integer and name in WRITTEN_OUT
            if large and abs(operand.value) > MAX_FUNCTION_NUMBER:
                raise self._at(f"the number in {name}(…) is too large to write out", node)
        operands += [Number((), value) for value in function.default_values(len(args))]
        return self._made(node, apply_function, function, *operands)

    def _unknown(self, name: str) -> str:
        if name.startswith("_"):
            return f"unknown function {name!r}: a name may not start with an underscore"
        if name in ELSEWHERE:
            return f"unknown function {name!r}; {ELSEWHERE[name]}"
        near = get_close_matches(name, [*self.functions, *CALLS], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "define it in the model's functions"
        return f"unknown function {name!r}; {hint}"


OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
}

FOLDS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "add": lambda left, right: left + right,
    "subtract": lambda left, right: left - right,
    "multiply": lambda left, right: left * right,
    "divide": lambda left, right: left / right,
    "power": lambda left, right: left**right,
}


def _turned(array: Tree) -> Tree:
    return transpose(array) if array.ndim > 1 else array


def _matrix_turned(array: Tree) -> Tree:
    if array.ndim < 2:
        raise ShapeError(f".mT is that of a matrix; the shape is {shown(array.shape)}")
    *batch, row, column = range(array.ndim)
    return transpose(array, (*batch, column, row))


def _size(array: Tree) -> Tree:
    size: Expr = S.One
    for part in array.shape:
        size = size * part
    return number(expand(size))


ATTRIBUTES: Mapping[str, Callable[[Tree], Any]] = {
    "T": _turned,
    "mT": _matrix_turned,
    "shape": lambda array: tuple(map(number, array.shape)),
    "size": _size,
    "ndim": lambda array: number(array.ndim),
}
"""What arrays have, as in NumPy."""

ELSEWHERE: Mapping[str, str] = {
    "hadamard": "write A*B, which multiplies entry by entry",
    "frobenius": "write norm(A)",
    "adjugate": "write det(A)*inv(A)",
    "eigvals": "eigvalsh(A) has those of a symmetric matrix",
    "rank": "a rank has no derivative",
    "matrix_rank": "a rank has no derivative",
    "argmax": "a place has no derivative; is_max(x) is 1 there",
    "argmin": "a place has no derivative; is_min(x) is 1 there",
    ".I": "write inv(A)",
    ".H": "write .T, arrays are real",
}
"""What other languages have, and what to write instead."""
