"""ROWS: how each operation on arrays is shown in matrix notation, a row each.

An operation without a row is shown as a function with its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Dummy, Expr, S

from symderive.formulas.arrays.ops import expanded
from symderive.formulas.arrays.syntax import Apply, Number, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.arrays.text import stated_operands
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.matrix_entries import by_entry, einsum, index, place
from symderive.formulas.matrix_notation import MatrixPrinter, Show, piece, shape_node
from symderive.formulas.matrix_pieces import BOLD_ONE, Term, flipped, matrices, raised
from symderive.formulas.matrix_rows_linear import LINEAR, applied
from symderive.formulas.nodes import (
    APPLY,
    ONES,
    ZEROS,
    Fence,
    Fn,
    Id,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Table,
    Text,
    choice,
    commas,
    fence,
    parted,
)
from symderive.formulas.notation import RELATIONS, negation
from symderive.formulas.pieces import Built, Level, classic_call

BOLD_ROW = flipped(BOLD_ONE)


def _symmetric(show: Any) -> Show:
    """A row that makes a symmetric matrix."""
    return lambda printer, tree, _: Term((show(printer, tree),))


# Functions ------------------------------------------------------------------------------------


def call(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    """A function entry by entry, by its own notation; any other operation by its name."""
    scalar = (tree.op in FUNCTIONS and not tree.options) or "function" in dict(tree.options)
    shown = (_entrywise if scalar else _named)(printer, tree)
    return printer.atom(shown, transposed) if tree.ndim else Term((shown,))


def _entrywise(printer: MatrixPrinter, tree: Apply) -> Built:
    """The scalar notation of the function, with arrays in the place of its arguments."""
    if tree.op in ("exp",) and tree.ndim:
        return applied("exp", printer.node(tree.args[0]))
    scalars = printer.indices.sibling(True)
    marks: list[Expr] = []
    for arg in stated_operands(tree):
        marks.append(arg.value if isinstance(arg, Number) else Dummy())
        if not isinstance(arg, Number):
            scalars.given(marks[-1], printer.built(arg))
    function = dict(tree.options).get("function") or FUNCTIONS[tree.op]
    return scalars.built(function.apply(*marks))


LINES = {(0,): "columns", (1,): "rows"}
"""What a matrix is reduced along, in words."""


def _named(printer: MatrixPrinter, tree: Apply) -> Built:
    head: Node = Fn(NAMES.get(tree.op, tree.op))
    options = dict(tree.options)
    axes = options.pop("axis", None)
    axes = axes if isinstance(axes, tuple) or axes is None else (axes,)
    rank = max((arg.ndim for arg in tree.args), default=0)
    usual = (tuple(range(rank)),) if tree.op in REDUCTIONS else ((rank - 1,), None)
    if axes is not None and axes not in usual:
        words = LINES.get(axes, "") if rank == 2 else ""
        head = Script(head, Text(words or f"axis {', '.join(map(str, axes))}"))
    args = [printer.node(arg) for arg in tree.args]
    for name, value in options.items():
        if name == "keepdims" or value is None or value == USUAL.get((tree.op, name), 0):
            continue
        args.append(_option(printer, value))
    return Built(Row((head, APPLY, fence(commas(*args)))))


def _option(printer: MatrixPrinter, value: Any) -> Node:
    if isinstance(value, tuple) and all(isinstance(part, Expr | int) for part in value):
        return shape_node(tuple(map(S, value)), printer.names)
    if isinstance(value, Expr | int):
        return printer.size(S(value))
    return Text(str(value))


USUAL = {("convolve", "mode"): "full", ("correlate", "mode"): "valid"}
"""Options that go without saying, besides 0."""

REDUCTIONS = frozenset({"max", "min", "prod", "var", "std", "logsumexp", "norm"})

NAMES: Mapping[str, str] = {
    "trace": "tr",
    "diagonal": "diag",
    "diagonal_sums": "diagsum",
    "cholesky": "chol",
    "logdet": "log det",
    "layer_norm": "LayerNorm",
    "log_softmax": "log softmax",
    "one_hot": "onehot",
    "rms_norm": "RMSNorm",
    "batch_norm": "BatchNorm",
    "eigenvectors": "V",
    "is_max": "ismax",
    "is_min": "ismin",
    "cosine_similarity": "cos",
}
"""The name of an operation in mathematics, where it is another."""


def _power(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    base, exponent = tree.args
    if not tree.ndim and (norm := _norm_of(printer, base)) and exponent == Number((), S.Half):
        return Term((norm,))
    if not tree.ndim or not base.ndim:
        scalars = printer.indices.sibling(True)
        mark = Dummy()
        scalars.given(mark, printer.built(base))
        above = exponent.value if isinstance(exponent, Number) else Dummy()
        if not isinstance(exponent, Number):
            scalars.given(above, printer.built(exponent))
        return printer.atom(scalars.power(mark, above), transposed)
    if not isinstance(exponent, Number):
        return printer.atom(_hadamard_power(printer, base, printer.node(exponent)), transposed)
    value = exponent.value
    if value.is_negative:
        positive = Apply(tree.shape, "power", (base, Number((), -value)))
        below = base if value == -1 else positive
        return printer.divide(Apply(tree.shape, "divide", (Number((), S.One), below)), transposed)
    if value is S.Half:
        return printer.atom(Built(Sqrt(printer.node(base))), transposed)
    return printer.atom(_hadamard_power(printer, base, printer.size(value)), transposed)


def _hadamard_power(printer: MatrixPrinter, base: Tree, exponent: Node) -> Built:
    """X^{⊙2}: X² would be a product of matrices."""
    built = printer.built(base)
    call = classic_call(built.node)
    if call and isinstance(exponent, Num):  # sech² x, as for numbers
        return Built(Row((Script(call[0], None, exponent), APPLY, call[1])), built.level)
    return raised(built, Row((Op("⊙", "ord"), exponent)))


# Sums -----------------------------------------------------------------------------------------


def _sum(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    axes, keepdims = tree.option("axis"), tree.option("keepdims")
    if not axes:
        return printer.term(arg, transposed)
    if arg.ndim > 2:
        return piece(_named)(printer, tree, transposed)
    if len(axes) == arg.ndim:
        return _total(printer, arg)
    if axes == (1,):  # the sums of the rows: a column
        if transposed:
            return Term((BOLD_ROW,)).then(printer.term(arg, True))
        return printer.term(arg).then(Term((BOLD_ONE,)))
    if keepdims != transposed:  # the sums of the columns, as a row
        return Term((BOLD_ROW,)).then(printer.term(arg))
    return printer.term(arg, True).then(Term((BOLD_ONE,)))


def _total(printer: MatrixPrinter, arg: Tree) -> Term:
    """The sum of all entries: a squared norm, a product of two vectors, a trace, 1ᵀx, 1ᵀX1."""
    if square := _square(arg):
        return Term((raised(_norm(printer, square), Num("2")),))
    if is_op(arg, "multiply", "divide", "negative"):
        inner, arrays = _scalars_off(printer, arg)
        if len(arrays) == 1 and arrays[0] is not arg:
            return inner.then(_total(printer, arrays[0]))
        if len(arrays) == 2 and arrays[0].shape == arrays[1].shape == arg.shape:
            left, right = printer.term(arrays[0], True), printer.term(arrays[1])
            product = left.then(right)
            if arg.ndim == 1:
                return inner.then(product)
            trace = applied("tr", matrices(product.chain).node)
            return inner.then(replace(product, chain=(trace,)))
    if arg.ndim == 1:
        return Term((BOLD_ROW,)).then(printer.term(arg))
    return Term((BOLD_ROW,)).then(printer.term(arg), Term((BOLD_ONE,)))


def _scalars_off(printer: MatrixPrinter, tree: Apply) -> tuple[Term, list[Tree]]:
    """The scalar factors of a product, and its arrays."""
    if tree.op == "negative":
        return Term(negative=True), [tree.args[0]]
    if tree.op == "divide":
        left, right = tree.args
        if right.ndim or left.shape != tree.shape:
            return Term(), [tree]
        negative, below = printer.signed(right)
        return Term(under=(below,), negative=negative), [left]
    arrays = [arg for arg in tree.args if arg.ndim]
    scalars = [printer.closed(printer.term(arg)) for arg in tree.args if not arg.ndim]
    if not scalars and len(arrays) != 2:
        return Term(), [tree]
    if len(arrays) > 2:
        arrays = [Apply(tree.shape, "multiply", tuple(arrays))]
    return Term().then(*scalars), arrays


def _square(tree: Tree) -> Tree | None:
    """The array of which a tree is the square entry by entry."""
    if not isinstance(tree, Apply) or tree.ndim > 2:
        return None
    if tree.op == "power" and tree.args[1] == Number((), S(2)):
        return tree.args[0]
    if tree.op == "multiply" and len(tree.args) == 2 and tree.args[0] == tree.args[1]:
        return tree.args[0]
    return None


def _norm(printer: MatrixPrinter, arg: Tree) -> Built:
    sub: Node = Id("F") if arg.ndim == 2 else Num("2")
    return Built(Script(Fence("‖", printer.node(arg), "‖"), sub))


def _norm_of(printer: MatrixPrinter, tree: Tree) -> Built | None:
    """The norm whose square a tree is: sum(x**2), x @ x."""
    if not isinstance(tree, Apply):
        return None
    if tree.op == "sum" and len(tree.option("axis")) == tree.args[0].ndim:
        square = _square(tree.args[0])
        return None if square is None else _norm(printer, square)
    if tree.op == "matmul" and tree.args[0] == tree.args[1] and tree.args[0].ndim == 1:
        return _norm(printer, tree.args[0])
    return None


def _sqrt(printer: MatrixPrinter, tree: Apply) -> Built:
    return _norm_of(printer, tree.args[0]) or Built(Sqrt(printer.node(tree.args[0])))


def _norm_row(printer: MatrixPrinter, tree: Apply) -> Built:
    (arg,) = tree.args
    options = dict(tree.options)
    axes = options.get("axis")
    order = S(options.get("ord", 2))
    sub: Node = Id("F") if order == 2 and arg.ndim == 2 else printer.size(order)
    if axes is not None and len(axes) != arg.ndim:
        words = LINES.get(axes, "") if arg.ndim == 2 else ""
        sub = commas(printer.size(order), Text(words or f"axis {', '.join(map(str, axes))}"))
    return Built(Script(Fence("‖", printer.node(arg), "‖"), sub))


def _mean(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    return printer.term(expanded(tree), transposed)


# Broadcasting and constants -------------------------------------------------------------------


def _broadcast(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    if arg == Number((), S.Zero):
        return Term((Built(ZEROS),))
    if tree.ndim == 2 and arg.ndim == 0:  # c 1 1ᵀ
        ones = [BOLD_ONE, BOLD_ROW]
        if 1 in tree.shape:
            ones = [BOLD_ROW] if (tree.shape[0] == 1) != transposed else [BOLD_ONE]
        return replace(printer.spread(arg, tree.shape[:1]), chain=tuple(ones))
    if tree.ndim > 2 or not tree.ndim:
        return piece(_named)(printer, tree, transposed)
    if not transposed or tree.ndim == 1:
        term = printer.spread(arg, tree.shape)
        return replace(term, chain=(flipped(matrices(term.chain)),)) if transposed else term
    if arg.ndim == 1 or arg.shape[0] == 1:  # (1bᵀ)ᵀ
        return printer.as_column(arg).then(Term((BOLD_ROW,)))
    return Term((BOLD_ONE,)).then(printer.term(arg, True))


def _eye(printer: MatrixPrinter, tree: Apply) -> Built:
    return Built(Script(Id("I"), printer.size(tree.shape[0])))


def _transpose(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    axes = tree.option("axes")
    rank = arg.ndim
    if rank < 2:
        return printer.term(arg, transposed)
    if axes == (*range(rank - 2), rank - 1, rank - 2):
        return printer.term(arg, not transposed)
    return piece(_named)(printer, tree, transposed)


# Layers ---------------------------------------------------------------------------------------


def _normalised(printer: MatrixPrinter, tree: Apply) -> Built:
    """LayerNorm(X): the small number under its root is no part of the notation."""
    return applied(NAMES[tree.op], printer.node(tree.args[0]))


def _convolution(printer: MatrixPrinter, tree: Apply) -> Built:
    if tree.option("mode") != "full":
        return _named(printer, tree)
    left, right = (printer.within(arg, Level.ENTRYWISE) for arg in tree.args)
    return Built(Row((left, Op("∗"), right)), Level.ENTRYWISE)


def _blocks(printer: MatrixPrinter, tree: Apply) -> Built:
    axes = dict(tree.options).get("axis", (0,))
    axis = axes[0] if isinstance(axes, tuple) else axes
    if tree.ndim > 2:
        return _named(printer, tree)
    rows_of = tree.op == "stack" and axis == 0
    cells = [printer.built(arg, rows_of).node for arg in tree.args]
    below = axis == 0
    return Built(Table(tuple((cell,) for cell in cells) if below else (tuple(cells),)))


# Conditions -----------------------------------------------------------------------------------


def _where(printer: MatrixPrinter, tree: Apply) -> Built:
    test, yes, no = tree.args
    if (yes, no) == (Number((), S.One), Number((), S.Zero)):
        return Built(Row((ONES, fence(printer.node(test), "[", "]"))))
    rows = ((printer.node(yes), printer.node(test)), (printer.node(no), None))
    return Built(choice(*rows), Level.RELATION)


_SIGNS = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}


def _relation(name: str) -> Any:
    sign = Op(RELATIONS[_SIGNS[name]], "rel")

    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        left, right = (printer.within(arg, Level.RELATION) for arg in tree.args)
        return Built(Row((left, sign, right)), Level.RELATION)

    return shown


def _junction(text: str) -> Any:
    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        args = [printer.within(arg, Level.LOGIC) for arg in tree.args]
        return Built(parted(Op(text), args), Level.LOGIC)

    return shown


def _negative(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    inner = printer.term(tree.args[0], transposed)
    return replace(inner, negative=not inner.negative)


ROWS: Mapping[str, Show] = {
    "add": MatrixPrinter.sum,
    "negative": _negative,
    "multiply": MatrixPrinter.multiply,
    "divide": MatrixPrinter.divide,
    "matmul": MatrixPrinter.matmul,
    "dot": MatrixPrinter.matmul,
    "power": _power,
    "sqrt": piece(_sqrt),
    "transpose": _transpose,
    **LINEAR,
    "sum": _sum,
    "mean": _mean,
    "norm": piece(_norm_row),
    "layer_norm": piece(_normalised),
    "rms_norm": piece(_normalised),
    "batch_norm": piece(_normalised),
    "convolve": piece(_convolution),
    "diag": _symmetric(lambda p, tree: applied("diag", p.node(tree.args[0]))),
    "eye": _symmetric(_eye),
    "broadcast_to": _broadcast,
    "concatenate": piece(_blocks),
    "stack": piece(_blocks),
    "index": index,
    "place": place,
    "where": piece(_where),
    **{name: piece(_relation(name)) for name in _SIGNS},
    "logical_and": piece(_junction("∧")),
    "logical_or": piece(_junction("∨")),
    "logical_not": piece(negation),
    "einsum": piece(einsum),
    "index_notation": piece(by_entry),
}

_ENTRYWISE_WORDS = "add negative multiply divide power where logical_and logical_or logical_not"
ENTRYWISE = frozenset([*_ENTRYWISE_WORDS.split(), *_SIGNS])
"""Operations that are those of scalars where their operands are scalars."""
