"""Index notation as people write it → a formula: ``sum((A[k] - Y[k])*X[k, i], k)/m``.

A sum names its indices, as ``sum(x[k]*y[k], k)``, as a comprehension over ``range(n)``, or as
SymPy prints it, ``Sum(x[k], (k, 0, n - 1))``. What an index runs over is the size of the axis where
it stands. Parts in array language may stand inside: ``inv(A)[i, j]``, ``sum(x)``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Expr, Piecewise, Rational, Symbol, pi

from symderive.errors import FormulaError
from symderive.formulas.arrays.index import Index, delta, entry_of, sigma
from symderive.formulas.arrays.ops import entry
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Leaf, Shape, Tree, leaves, sizes_in
from symderive.formulas.functions import NamedFunction
from symderive.formulas.parsing import COMPARISONS
from symderive.formulas.walking import PI, PRINTED

SUMS = ("sum", "Sum")
DELTAS = ("delta", "KroneckerDelta", "δ")
MAX_DEPTH = 60
MAX_EXPONENT = 64

FOLDS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.Pow: lambda left, right: left**right,
}


def parse_index(
    text: str,
    functions: Mapping[str, NamedFunction],
    shapes: Mapping[str, Shape],
    free: Mapping[str, Index],
    *,
    known: Sequence[str] = (),
    where: str = "",
) -> Expr:
    """Read a formula in index notation.

    Args:
        text: The formula.
        functions: The named scalar functions that it may call.
        shapes: The shape of each array; names of ``known`` without one are scalars.
        free: The free indices by their letters.
        known: The names that the formula may use.
        where: What the formula is, for messages.

    Raises:
        FormulaError: The text is not such a formula; the message shows the place.

    >>> m, n = Symbol("m"), Symbol("n")
    >>> parse_index("sum(X[k, i]*r[k], k)/m", {}, {"X": (m, n), "r": (m,)}, {"i": Index("i", n)})
    Sum(X[k, i]*r[k], (k, 0, m - 1))/m
    """
    return _Reader(text, functions, shapes, known, where).formula(free)


class _Reader:
    """Reads one formula; indices by their letters are handed down."""

    def __init__(
        self,
        text: str,
        functions: Mapping[str, NamedFunction],
        shapes: Mapping[str, Shape],
        known: Sequence[str],
        where: str,
    ) -> None:
        self.text, self.where = text, where
        self.functions, self.shapes = functions, shapes
        self.known = {*known, *shapes}
        self.sizes = {size.name for size in sizes_in(shapes.values())}
        self.depth = 0

    def formula(self, free: Mapping[str, Index]) -> Expr:
        try:
            tree = ast.parse(self.text.translate(PRINTED).strip(), mode="eval").body
        except SyntaxError as error:
            raise self._error("this is not a formula", (error.offset or 1) - 1) from None
        except (RecursionError, MemoryError, ValueError):
            raise self._error("the formula is too deeply nested", 0) from None
        return self._read(tree, free)

    def _error(self, message: str, column: int) -> FormulaError:
        return FormulaError(message, text=self.text.strip(), column=column, where=self.where)

    def _at(self, message: str, node: ast.expr) -> FormulaError:
        lines = self.text.strip().splitlines()
        before = sum(len(line) + 1 for line in lines[: node.lineno - 1])
        inside = lines[node.lineno - 1].encode()[: node.col_offset].decode()
        return self._error(message, before + len(inside))

    def _read(self, node: ast.expr, letters: Mapping[str, Index]) -> Any:
        read = _NODES.get(type(node))
        self.depth += 1
        if read is None or self.depth > MAX_DEPTH:
            what = "nested too deeply" if read else "index notation has no such thing"
            raise self._at(what, node)
        result = read(self, node, letters)
        self.depth -= 1
        return result

    # Nodes ------------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant, _: Mapping[str, Index]) -> Expr:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self._at("only numbers may stand here", node)
        return Rational(str(node.value))

    def _name(self, node: ast.Name, letters: Mapping[str, Index]) -> Expr:
        name = node.id
        if name in letters:
            return letters[name]
        if self.shapes.get(name):
            places = ", ".join("ijklpq"[: len(self.shapes[name])])
            raise self._at(f"{name} is an array; name an entry, as {name}[{places}]", node)
        if name in self.known or name in self.sizes:
            return Symbol(name)
        if name in PI:
            return pi
        raise self._at(f"unknown name {name!r}; indices are named by the claim or by a sum", node)

    def _unary(self, node: ast.UnaryOp, letters: Mapping[str, Index]) -> Expr:
        value = self._read(node.operand, letters)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        raise self._at("this operator has no meaning here", node)

    def _binary(self, node: ast.BinOp, letters: Mapping[str, Index]) -> Expr:
        fold = FOLDS.get(type(node.op))
        if fold is None:
            raise self._at("index notation knows + - * / **", node.right)
        left, right = self._read(node.left, letters), self._read(node.right, letters)
        if isinstance(node.op, ast.Div) and right == 0:
            raise self._at("division by zero", node.right)
        if isinstance(node.op, ast.Pow) and right.is_number and abs(right) > MAX_EXPONENT:
            raise self._at(f"the exponent is larger than {MAX_EXPONENT}", node.right)
        return fold(left, right)

    def _cases(self, node: ast.IfExp, letters: Mapping[str, Index]) -> Expr:
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            raise self._at("a condition such as i == j is expected here", test)
        sign = COMPARISONS.get(type(test.ops[0]))
        if sign is None:
            raise self._at("compare with < <= > >= == !=", test)
        sides = [self._read(side, letters) for side in (test.left, test.comparators[0])]
        yes, no = self._read(node.body, letters), self._read(node.orelse, letters)
        return Piecewise((yes, sign(*sides)), (no, True))

    def _entry(self, node: ast.Subscript, letters: Mapping[str, Index]) -> Expr:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        tree = self._array(node.value)
        if len(parts) != tree.ndim:
            raise self._at(f"{tree.ndim} indices name an entry here, not {len(parts)}", node)
        at = [self._read(part, letters) for part in parts]
        for place, size, part in zip(at, tree.shape, parts, strict=True):
            if isinstance(place, Index) and place.size != size:
                message = f"{place} runs over {place.size}, but this axis has the size {size}"
                raise self._at(message, part)
        return entry_of(tree.name, at) if isinstance(tree, Leaf) else entry(tree, at)

    def _array(self, node: ast.expr) -> Tree:
        """A part in array language."""
        if isinstance(node, ast.Name) and self.shapes.get(node.id):
            return Leaf(self.shapes[node.id], node.id)
        source = ast.get_source_segment(self.text.strip(), node) or ""
        tree = read_array(
            source, self.functions, self.shapes, where=self.where, declared=self.known
        )
        for name in leaves(tree):
            if name not in self.known:
                raise self._at(f"unknown name {name!r} in array language", node)
        return tree

    # Calls ------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, letters: Mapping[str, Index]) -> Expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in SUMS and self._is_index_sum(node):
            return self._sum(node, letters)
        if name in DELTAS and len(node.args) == 2:
            return delta(*(self._read(arg, letters) for arg in node.args))
        row = self.functions.get(name)
        inside = [part.id for part in _bare(node) if isinstance(part, ast.Name)]
        plain = not any(self.shapes.get(used) for used in inside if used != name)
        if row is not None and plain:
            args = [self._read(arg, letters) for arg in node.args]
            least, most = row.arity()
            if len(args) < least or (most is not None and len(args) > most):
                raise self._at(f"{name} is called as {name}({', '.join(row.parameters)})", node)
            return row.apply(*args)
        tree = self._array(node)
        if tree.ndim:
            raise self._at("this is an array; name an entry of it, as [i]", node)
        return entry(tree, ())

    def _is_index_sum(self, node: ast.Call) -> bool:
        generator = len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp)
        named = len(node.args) > 1 and all(map(_letter, node.args[1:]))
        return not node.keywords and (generator or named)

    def _sum(self, node: ast.Call, letters: Mapping[str, Index]) -> Expr:
        first = node.args[0]
        if isinstance(first, ast.GeneratorExp):
            body: ast.expr = first.elt
            names = [_target(clause) for clause in first.generators]
            if None in names or any(clause.ifs for clause in first.generators):
                raise self._at("write sum(… for k in range(n))", first)
        else:
            body, names = first, [_letter(arg) for arg in node.args[1:]]
        inner = dict(letters)
        mine = []
        for name in names:
            assert name is not None
            if name in letters:
                raise self._at(f"the index {name} is in use outside of this sum", node)
            inner[name] = Index(name, self._size(name, body, node))
            mine.append(inner[name])
        return sigma(self._read(body, inner), mine)

    def _size(self, name: str, body: ast.expr, node: ast.Call) -> Expr:
        """What an index runs over: the size of the first axis where it stands."""
        for part in ast.walk(body):
            if not isinstance(part, ast.Subscript):
                continue
            places = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
            for axis, place in enumerate(places):
                if isinstance(place, ast.Name) and place.id == name:
                    tree = self._array(part.value)
                    if axis < tree.ndim:
                        return tree.shape[axis]
        raise self._at(f"nothing says what {name} runs over: no entry has it as an index", node)


def _bare(node: ast.expr) -> list[ast.expr]:
    """The parts that no subscript holds."""
    if isinstance(node, ast.Subscript):
        return []
    return [node, *(p for child in ast.iter_child_nodes(node) for p in _bare(child))]  # type: ignore[arg-type]


def _letter(node: ast.expr) -> str | None:
    """The index that an argument of a sum names: ``k`` or ``(k, 0, n - 1)``."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 3:
        node = node.elts[0]
    return node.id if isinstance(node, ast.Name) else None


def _target(clause: ast.comprehension) -> str | None:
    return clause.target.id if isinstance(clause.target, ast.Name) else None


_NODES: Mapping[type[ast.expr], Any] = {
    ast.Constant: _Reader._constant,
    ast.Name: _Reader._name,
    ast.UnaryOp: _Reader._unary,
    ast.BinOp: _Reader._binary,
    ast.IfExp: _Reader._cases,
    ast.Subscript: _Reader._entry,
    ast.Call: _Reader._call,
}
