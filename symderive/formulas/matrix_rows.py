"""ROWS: how each operation on arrays is shown in matrix notation, a row each.

An operation without a row is shown as a function with its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Dummy, Expr, S

from symderive.formulas.arrays.ops import expanded
from symderive.formulas.arrays.syntax import Apply, Number, Shape, Tree
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.matrix_notation import (
    BOLD_ONE,
    MatrixPrinter,
    Show,
    Term,
    flipped,
    matrices,
    raised,
    shape_node,
)
from symderive.formulas.nodes import (
    APPLY,
    BESIDE,
    COMMA,
    KRON,
    NEGATIVE,
    ONES,
    ZEROS,
    Cases,
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
    commas,
    fence,
    row,
)
from symderive.formulas.notation import RELATIONS
from symderive.formulas.printing import Built, Level, Printer

INVERSE = Row((NEGATIVE, Num("1")))
INVERSE_TRANSPOSE = Row((NEGATIVE, Op("⊤", "ord")))
COLON = Op(":", "ord")
BOLD_ROW = flipped(BOLD_ONE)


def applied(name: str, *args: Node) -> Built:
    """A function by its name: tr(X)."""
    return Built(Row((Fn(name), APPLY, fence(commas(*args)))))


def _op(show: Any) -> Show:
    """A row that makes one piece, whose transpose is the piece with a ⊤."""

    def shown(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
        piece: Built = show(printer, tree)
        return printer.atom(piece, transposed) if tree.ndim else Term((piece,))

    return shown


def _symmetric(show: Any) -> Show:
    """A row that makes a symmetric matrix."""
    return lambda printer, tree, _: Term((show(printer, tree),))


# Functions ------------------------------------------------------------------------------------


def call(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    """A function entry by entry, by its own notation; any other operation by its name."""
    scalar = tree.op in FUNCTIONS and not tree.options
    piece = (_entrywise if scalar else _named)(printer, tree)
    return printer.atom(piece, transposed) if tree.ndim else Term((piece,))


def _entrywise(printer: MatrixPrinter, tree: Apply) -> Built:
    """The scalar notation of the function, with arrays in the place of its arguments."""
    if tree.op in ("exp",) and tree.ndim:
        return applied("exp", printer.node(tree.args[0]))
    scalars = Printer(printer.names, True, {})
    marks: list[Expr] = []
    for arg in tree.args:
        marks.append(arg.value if isinstance(arg, Number) else Dummy())
        if not isinstance(arg, Number):
            scalars.given(marks[-1], printer.built(arg))
    return scalars.built(FUNCTIONS[tree.op].apply(*marks))


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
        if name == "keepdims" or value is None:
            continue
        args.append(_option(printer, value))
    return Built(Row((head, APPLY, fence(commas(*args)))))


def _option(printer: MatrixPrinter, value: Any) -> Node:
    if isinstance(value, tuple) and all(isinstance(part, Expr | int) for part in value):
        return shape_node(tuple(map(S, value)), printer.names)
    if isinstance(value, Expr | int):
        return printer.size(S(value))
    return Text(str(value))


REDUCTIONS = frozenset({"max", "min", "prod", "var", "std", "logsumexp", "norm"})

NAMES: Mapping[str, str] = {
    "trace": "tr",
    "cholesky": "chol",
    "logdet": "log det",
    "layer_norm": "LayerNorm",
    "one_hot": "onehot",
    "expm": "exp",
}
"""The name of an operation in mathematics, where it is another."""


def _power(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    base, exponent = tree.args
    if not tree.ndim and (norm := _norm_of(printer, base)) and exponent == Number((), S.Half):
        return Term((norm,))
    if not tree.ndim or not base.ndim:
        scalars = Printer(printer.names, True, {})
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
    sign = Op("⊙", "ord")
    return raised(printer.built(base), Row((sign, exponent)))


# Sums -----------------------------------------------------------------------------------------


def _sum(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    axes, keepdims = tree.option("axis"), tree.option("keepdims")
    if not axes:
        return printer.term(arg, transposed)
    if arg.ndim > 2:
        return _op(_named)(printer, tree, transposed)
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
    if isinstance(arg, Apply) and arg.op in ("multiply", "divide", "negative"):
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
    if arg.ndim > 2 or (axes is not None and len(axes) != arg.ndim):
        return _named(printer, tree)
    order = options.get("ord")
    if order is None or str(order) in ("2", "fro"):
        return _norm(printer, arg)
    sub = {"inf": Id("∞"), "oo": Id("∞"), "nuc": Op("∗", "ord")}.get(str(order))
    return Built(Script(Fence("‖", printer.node(arg), "‖"), sub or printer.size(S(order))))


def _mean(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    return printer.term(expanded(tree), transposed)


# Broadcasting and constants -------------------------------------------------------------------


def _broadcast(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    if tree.ndim == 2 and arg.ndim == 0:  # c 1 1ᵀ
        return printer.spread(arg, tree.shape[:1]).then(Term((BOLD_ROW,)))
    if tree.ndim > 2 or not tree.ndim:
        return _op(_named)(printer, tree, transposed)
    if not transposed or tree.ndim == 1:
        term = printer.spread(arg, tree.shape)
        return replace(term, chain=(flipped(matrices(term.chain)),)) if transposed else term
    if arg.ndim == 1 or arg.shape[0] == 1:  # (1bᵀ)ᵀ
        return printer.as_column(arg).then(Term((BOLD_ROW,)))
    return Term((BOLD_ONE,)).then(printer.term(arg, True))


def _constant(node: Node) -> Show:
    def shown(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
        if node == ZEROS:
            return Term((Built(ZEROS),))
        column = Term((Built(node),))
        if tree.ndim == 2:
            return column.then(Term((BOLD_ROW,)))
        return Term((BOLD_ROW,)) if transposed else column

    return shown


def _eye(printer: MatrixPrinter, tree: Apply) -> Built:
    return Built(Script(Id("I"), printer.size(tree.shape[0])))


# Whole matrices -------------------------------------------------------------------------------


def _inverse(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    if isinstance(arg, Apply) and arg.op == "transpose" and arg.ndim == 2:
        arg, transposed = arg.args[0], not transposed
    return Term((raised(printer.built(arg), INVERSE_TRANSPOSE if transposed else INVERSE),))


def _solve(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    matrix, right = tree.args
    inverse = Apply(matrix.shape, "inv", (matrix,))
    return printer.matmul(Apply(tree.shape, "matmul", (inverse, right)), transposed)


def _outer(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    left, right = reversed(tree.args) if transposed else tree.args
    return printer.term(left).then(printer.term(right, True))


def _transpose(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    axes = tree.option("axes")
    rank = arg.ndim
    if rank < 2:
        return printer.term(arg, transposed)
    if axes == (*range(rank - 2), rank - 1, rank - 2):
        return printer.term(arg, not transposed)
    return _op(_named)(printer, tree, transposed)


def _determinant(head: Sequence[Node]) -> Any:
    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        inner, level = printer.built(tree.args[0])
        simple = level >= Level.POWER
        items: list[Node] = []
        for word in head:
            items += [word, APPLY]
        return Built(Row((*items, inner if simple else fence(inner))), Level.CALL)

    return shown


def _kron(printer: MatrixPrinter, tree: Apply) -> Built:
    left, right = (printer.within(arg, Level.ENTRYWISE) for arg in tree.args)
    return Built(Row((left, KRON, right)), Level.ENTRYWISE)


def _matrix_power(printer: MatrixPrinter, tree: Apply) -> Built:
    exponent = next(value for _, value in tree.options)
    return raised(printer.built(tree.args[0]), printer.size(S(exponent)))


def _blocks(printer: MatrixPrinter, tree: Apply) -> Built:
    axes = dict(tree.options).get("axis", (0,))
    axis = axes[0] if isinstance(axes, tuple) else axes
    if tree.ndim > 2:
        return _named(printer, tree)
    rows_of = tree.op == "stack" and axis == 0
    cells = [printer.built(arg, rows_of).node for arg in tree.args]
    below = axis == 0
    return Built(Table(tuple((cell,) for cell in cells) if below else (tuple(cells),)))


# Entries --------------------------------------------------------------------------------------


def _index(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    key = tree.option("key")
    if all(part[0] == "new" or _is_all(part, size) for part, size in _with_sizes(key, arg.shape)):
        if arg.ndim == 1 and [part[0] for part in key] == ["new", "slice"]:
            return printer.term(arg, not transposed)
        if arg.ndim == 1 and [part[0] for part in key] == ["slice", "new"]:
            return printer.term(arg, transposed)
    return printer.atom(_at(printer, printer.built(arg), key, arg.shape), transposed)


def _at(printer: MatrixPrinter, base: Built, key: Sequence[Any], shape: Shape) -> Built:
    """Something with the places that are taken of it as an index."""
    parts = [_place(printer, part, size) for part, size in _with_sizes(key, shape)]
    parts += [COLON] * (len(shape) - sum(part[0] != "new" for part in key))
    items: list[Node] = []
    for part in parts:
        letters = bool(items) and isinstance(part, Id) and isinstance(items[-1], Id)
        items += [*([BESIDE if letters else COMMA] if items else []), part]
    plain_base = base.level == Level.ATOM and not isinstance(base.node, Row)
    return Built(Script(base.node if plain_base else fence(base.node), row(*items)))


def _with_sizes(key: Sequence[Any], shape: Shape) -> list[tuple[Any, Expr]]:
    sizes = iter(shape)
    return [(part, S.One if part[0] == "new" else next(sizes)) for part in key]


def _is_all(part: Any, size: Expr) -> bool:
    return bool(part[0] == "slice" and (S(part[1]), S(part[2]), S(part[3])) == (0, size, 1))


def _place(printer: MatrixPrinter, part: Any, size: Expr) -> Node:
    kind, *rest = part
    if kind == "new":
        return Op("∗", "ord")
    if kind == "int":
        return printer.size(S(rest[0]))
    if _is_all(part, size):
        return COLON
    start, count, step = map(S, rest)
    stop = start + count * step
    first = [] if start == 0 and step == 1 else [printer.size(start)]
    last = [] if stop == size and step == 1 else [printer.size(stop)]
    stride = [] if step == 1 else [COLON, printer.size(step)]
    return Row((*first, COLON, *last, *stride))


def _unit(printer: MatrixPrinter, place: Any) -> Built:
    return Built(Script(Id("e"), printer.size(S(place))))


def _place_at(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    """Zeros with an array at some places: products with unit vectors, or blocks."""
    (arg,) = tree.args
    key, shape = tree.option("key"), tree.shape
    kinds = [part[0] for part in key] + ["all"] * (len(shape) - len(key))
    if len(shape) <= 2 and "new" not in kinds:
        kinds = [
            "all" if kind == "slice" and _is_all(part, size) else kind
            for kind, (part, size) in zip(
                kinds, [*_with_sizes(key, shape), *[(("all",), S.One)] * 2], strict=False
            )
        ]
        units = {k: _unit(printer, key[k][1]) for k, kind in enumerate(kinds) if kind == "int"}
        if set(kinds) <= {"int", "all"} and units:
            if transposed and len(shape) == 2:
                kinds, units = kinds[::-1], {1 - k: unit for k, unit in units.items()}
            inner = printer.term(arg)
            if len(shape) == 1:
                unit = flipped(units[0]) if transposed else units[0]
                return inner.then(Term((unit,)))
            if kinds == ["int", "int"]:
                return inner.then(Term((units[0], flipped(units[1]))))
            if kinds == ["int", "all"]:
                return Term((units[0],)).then(printer.term(arg, True))
            return inner.then(Term((flipped(units[1]),)))
        if kinds == ["slice"] and S(key[0][3]) == 1:
            return printer.atom(_padded(printer, arg, key[0], shape[0]), transposed)
    head = _at(printer, Built(Fn("place")), key, shape)
    body = Built(Row((head.node, APPLY, fence(printer.node(arg)))))
    return printer.atom(body, transposed)


def _padded(printer: MatrixPrinter, arg: Tree, part: Any, size: Expr) -> Built:
    """A vector with zeros above and below."""
    _, start, count, _ = part
    cells: list[Node] = [printer.node(arg)]
    if S(start) != 0:
        cells.insert(0, ZEROS)
    if S(start) + S(count) != size:
        cells.append(ZEROS)
    return Built(Table(tuple((cell,) for cell in cells)))


# Conditions -----------------------------------------------------------------------------------


def _where(printer: MatrixPrinter, tree: Apply) -> Built:
    test, yes, no = tree.args
    if (yes, no) == (Number((), S.One), Number((), S.Zero)):
        return Built(Row((ONES, fence(printer.node(test), "[", "]"))))
    rows = ((printer.node(yes), printer.node(test)), (printer.node(no), None))
    return Built(Cases(rows), Level.RELATION)


_SIGNS = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}


def _relation(name: str) -> Any:
    sign = Op(RELATIONS[_SIGNS[name]], "rel")

    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        left, right = (printer.within(arg, Level.RELATION) for arg in tree.args)
        return Built(Row((left, sign, right)), Level.RELATION)

    return shown


def _junction(text: str) -> Any:
    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        items: list[Node] = []
        for arg in tree.args:
            items += [Op(text), printer.within(arg, Level.LOGIC)]
        return Built(row(*items[1:]), Level.LOGIC)

    return shown


def _not(printer: MatrixPrinter, tree: Apply) -> Built:
    return Built(Row((Op("¬", "pre"), fence(printer.node(tree.args[0])))), Level.LOGIC)


# Index notation inside matrix notation --------------------------------------------------------


def _by_entry(printer: MatrixPrinter, tree: Apply) -> Built:
    """An array given entry by entry: [X_ij w_j]_ij."""
    formula, indices = tree.option("formula"), tree.option("indices")
    scalars = Printer(printer.names, None, {})
    if not indices:
        return scalars.built(formula)
    body = fence(scalars.node(formula), "[", "]")
    return Built(Script(body, beside(*map(scalars.node, indices))))


def beside(*indices: Node) -> Node:
    """Indices next to each other: single letters without a comma."""
    items: list[Node] = []
    for index in indices:
        if items:
            close = _is_letter(index) and _is_letter(items[-1])
            items.append(BESIDE if close else COMMA)
        items.append(index)
    return row(*items)


def _is_letter(node: Node) -> bool:
    from symderive.formulas.nodes import bare

    node = bare(node)
    return isinstance(node, Id) and len(node.text) == 1


def _einsum(printer: MatrixPrinter, tree: Apply) -> Built:
    from symderive.formulas.arrays.ops import entry, indices_of

    indices = indices_of(tree.shape)
    options = (("formula", entry(tree, indices)), ("indices", indices))
    return _by_entry(printer, Apply(tree.shape, "index_notation", tree.args, options))


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
    "sqrt": _op(_sqrt),
    "transpose": _transpose,
    "sum": _sum,
    "mean": _mean,
    "norm": _op(_norm_row),
    "outer": _outer,
    "inv": _inverse,
    "solve": _solve,
    "det": _op(_determinant([Fn("det")])),
    "logdet": _op(_determinant([Fn("log"), Fn("det")])),
    "kron": _op(_kron),
    "matrix_power": _op(_matrix_power),
    "diag": _symmetric(lambda p, tree: applied("diag", p.node(tree.args[0]))),
    "eye": _symmetric(_eye),
    "ones": _constant(ONES),
    "zeros": _constant(ZEROS),
    "broadcast_to": _broadcast,
    "concatenate": _op(_blocks),
    "stack": _op(_blocks),
    "index": _index,
    "place": _place_at,
    "where": _op(_where),
    **{name: _op(_relation(name)) for name in _SIGNS},
    "logical_and": _op(_junction("∧")),
    "logical_or": _op(_junction("∨")),
    "logical_not": _op(_not),
    "einsum": _op(_einsum),
    "index_notation": _op(_by_entry),
}

_ENTRYWISE_WORDS = "add negative multiply divide power where logical_and logical_or logical_not"
ENTRYWISE = frozenset([*_ENTRYWISE_WORDS.split(), *_SIGNS])
"""Operations that are those of scalars where their operands are scalars."""
