"""Reading indices and slices: ``X[i]``, ``X[:, 0]``, ``x[1:]``, ``x[::-1]``, ``x[:, None]``.

Where an axis has a symbol as its size, the symbol stands for a size that is large enough: ``x[1:]``
has n − 1 entries.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

from sympy import Expr, Integer, S, ceiling, expand

from symderive.errors import FormulaError
from symderive.formulas.arrays.op import ShapeError, apply, shown
from symderive.formulas.arrays.placing import all_of
from symderive.formulas.arrays.syntax import Number, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.walking import Walker


class Subscripts(Walker):
    """What a reader needs to read indices; and misfits of shapes with their places."""

    def _made(self, node: ast.expr, make: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """What ``make`` makes; a misfit of shapes gets its place."""
        try:
            return make(*args, **more)
        except ShapeError as error:
            raise self._misfit(str(error), node) from None

    def _misfit(self, message: str, node: ast.expr) -> FormulaError:
        if not isinstance(node, ast.BinOp):
            return self._at(message, node)
        end = self._offset(node.left.end_lineno or 1, node.left.end_col_offset or 0)
        gap = re.compile(r"[\s)]*").match(self.key, end)
        return self._error(message, gap.end() if gap else end)

    def _indexed(self, array: Tree, parts: Sequence[ast.expr], node: ast.expr) -> Tree:
        stated = [p for p in parts if not _is_ellipsis(p)]
        keys = [None if isinstance(p, ast.Slice) else self._read(p) for p in stated]
        pairs = zip(stated, keys, strict=True)
        isnew = [key is None and not isinstance(part, ast.Slice) for part, key in pairs]
        used = isnew.count(False)
        if used > array.ndim or len(stated) < len(parts) - 1:
            message = f"{used} indices for an array of shape {shown(array.shape)}"
            raise self._at(message, node)
        key: list[tuple[Any, ...]] = []
        axis = 0
        todo = iter(zip(stated, keys, isnew, strict=True))
        for part in parts:
            if _is_ellipsis(part):
                for _ in range(array.ndim - used):
                    key.append(all_of(array.shape[axis]))
                    axis += 1
                continue
            _, value, new = next(todo)
            if new:
                key.append(("new",))
                continue
            size = array.shape[axis]
            axis += 1
            if isinstance(part, ast.Slice):
                key.append(self._sliced(part, size))
            else:
                key.append(("int", self._place(value, size, part)))
        if is_op(array, "stack") and array.option("axis") == (0,) and len(key) == 1:
            kind, *rest = key[0]
            if kind == "int" and rest[0].is_Integer:
                return array.args[int(rest[0])]  # slogdet(A)[1]
        return apply("index", array, key=tuple(key))

    def _place(self, value: Any, size: Expr, node: ast.expr) -> Expr:
        """The place that an index names, counted from the front."""
        if not isinstance(value, Number) or (value.value.is_number and not value.value.is_Integer):
            message = "an index is a whole number, a slice, None or ...; write one_hot(k, n) @ X to"
            raise self._at(f"{message} choose by a number that the model computes", node)
        place = value.value
        if place.as_coeff_Mul()[0] < 0:
            place = size + place
        if size.is_number and place.is_number and not 0 <= place < size:
            raise self._at(f"the index {value.value} is outside of an axis of size {size}", node)
        return place

    def _sliced(self, node: ast.Slice, size: Expr) -> tuple[Any, ...]:
        bounds = [self._bound(part) for part in (node.lower, node.upper, node.step)]
        lower, upper, step = bounds
        step = S.One if step is None else step
        if not step.is_Integer or step == 0:
            raise self._at("the step of a slice is a whole number other than 0", node.step or node)
        return run_of(lower, upper, step, size)

    def _bound(self, node: ast.expr | None) -> Expr | None:
        value = None if node is None else self._read(node)
        if value is None:
            return None
        if isinstance(value, Number) and (value.value.is_Integer or value.value.free_symbols):
            return value.value
        assert node is not None
        raise self._at("the bounds of a slice are whole numbers or sizes", node)


def run_of(lower: Expr | None, upper: Expr | None, step: Expr, size: Expr) -> tuple[Any, ...]:
    """The part of the key of an index that a slice makes along an axis.

    >>> from sympy import Symbol
    >>> run_of(S.One, None, S.One, Symbol("n"))
    ('slice', 1, n - 1, 1)
    """
    if all(bound is None or bound.is_Integer for bound in (lower, upper, size)):
        bounds = (None if b is None else int(b) for b in (lower, upper, step))
        run = range(int(size))[slice(*bounds)]
        return ("slice", Integer(run.start), Integer(len(run)), step)
    forward = step > 0
    start = _from(lower, size, S.Zero if forward else size - 1)
    stop = _from(upper, size, size if forward else S.NegativeOne)
    entries = expand((stop - start) / step)
    count = entries if abs(step) == 1 else expand(ceiling(entries))  # sizes are whole numbers
    if count.is_number and count < 0:
        count = S.Zero
    return ("slice", expand(start), count, step)


def _from(bound: Expr | None, size: Expr, default: Expr) -> Expr:
    if bound is None:
        return default
    return size + bound if bound.as_coeff_Mul()[0] < 0 else bound


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
