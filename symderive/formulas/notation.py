"""How each kind of SymPy object is shown, a row each: functions, big signs, conditions, constants.

Named functions of the table are shown by their row's ``symbol``; anything that has no row here or
there is refused by name, so that no formula is ever printed half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import Any

from sympy import And, Basic, Function, Max, Min, Piecewise, Product, S, Symbol
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from symderive.errors import SymderiveError
from symderive.formulas.names import name_node
from symderive.formulas.nodes import (
    APPLY,
    APPLY_SPACED,
    EQUALS,
    EULER,
    ONES,
    PARTIAL,
    THIN,
    Acc,
    Big,
    Fence,
    Fn,
    Frac,
    Id,
    Node,
    Num,
    Op,
    Row,
    Script,
    Table,
    Text,
    beside,
    choice,
    commas,
    fence,
    parted,
)
from symderive.formulas.pieces import Built, Level
from symderive.formulas.plain import plain
from symderive.formulas.printing import Printer
from symderive.formulas.written import factors, product

CONSTANTS: Mapping[str, Node] = {
    "Pi": Id("π", "it"),
    "Exp1": EULER,
    "EulerGamma": Id("γ"),
    "GoldenRatio": Id("ϕ"),
    "Catalan": Id("G", "rm"),
    "ImaginaryUnit": Id("i", "rm"),
    "BooleanTrue": Id("true", "rm"),
    "BooleanFalse": Id("false", "rm"),
    "NaN": Id("undefined", "rm"),
    "ComplexInfinity": Acc("tilde", Id("∞")),
    "EmptySet": Op("∅", "ord"),
}

HEADS: Mapping[str, Node] = {
    "asin": Fn("arcsin"),
    "acos": Fn("arccos"),
    "atan": Fn("arctan"),
    "asinh": Fn("arsinh"),
    "acosh": Fn("arcosh"),
    "atanh": Fn("artanh"),
    "gamma": Id("Γ", "rm"),
    "beta": Id("B", "rm"),
    "zeta": Id("ζ"),
    "digamma": Id("ψ"),
    "loggamma": Row((Fn("log"), Id("Γ", "rm"))),
    "LambertW": Id("W"),
    "DiracDelta": Id("δ"),
    "Heaviside": Id("H", "rm"),
    "heaviside": Id("H", "rm"),
    "sign": Fn("sgn"),
    "Max": Fn("max"),
    "Min": Fn("min"),
    "log2": Script(Fn("log"), Num("2")),
    "log10": Script(Fn("log"), Num("10")),
}
"""The sign of a function where it is not its name."""

FENCES: Mapping[str, tuple[str, str]] = {
    "Abs": ("|", "|"),
    "abs": ("|", "|"),
    "floor": ("⌊", "⌋"),
    "ceiling": ("⌈", "⌉"),
    "ceil": ("⌈", "⌉"),
}

INDEXED_HEADS: Mapping[str, str] = {
    "besselj": "J",
    "bessely": "Y",
    "besseli": "I",
    "besselk": "K",
    "legendre": "P",
    "chebyshevt": "T",
    "chebyshevu": "U",
    "hermite": "H",
    "hermite_prob": "He",
    "struve": "𝐇",
    "laguerre": "L",
    "spherical_jn": "j",
    "spherical_yn": "y",
    "expint": "E",
}
"""Functions whose first argument is an index: J_n(x)."""

SYMMETRIC = frozenset({"Max", "Min", "max", "min"})

EVEN = frozenset({"cos", "sec", "cosh", "sech", "Abs", "abs"})
"""Functions with f(−u) = f(u), of which SymPy keeps one: a reader's order says whether u or −u."""

_UNBRACKETED_WORDS = (
    "log ln sin cos tan cot sec csc sinh cosh tanh coth sech csch asin acos atan asinh "
    "acosh atanh log2 log10"
)
UNBRACKETED = frozenset(_UNBRACKETED_WORDS.split())
"""Functions that need no brackets around a single name: log x."""


RELATIONS: Mapping[str, str] = {"==": "=", "!=": "≠", ">=": "≥", "<=": "≤", ">": ">", "<": "<"}

JUNCTIONS: Mapping[str, str] = {"And": "∧", "Or": "∨"}

Show = Callable[[Printer, Any], Built]


def special(printer: Printer, formula: Basic) -> Built:
    """An object that is no sum, product or power, by the row of its class.

    Raises:
        SymderiveError: The class has no row in this module or in the table of functions.
    """
    for cls in type(formula).__mro__:
        if show := SHOWN.get(cls.__name__):
            return show(printer, formula)
        if node := CONSTANTS.get(cls.__name__):
            return Built(node)
    if isinstance(formula, Function | Max | Min):
        return _function(printer, formula)
    raise SymderiveError(
        f"formulas have no notation for {type(formula).__name__}, met in {formula}; "
        "add a row to SHOWN in symderive/formulas/notation.py"
    )


def _function(printer: Printer, formula: Any) -> Built:
    name = type(formula).__name__
    args = list(formula.args)
    if name in SYMMETRIC and not printer.written:
        args = printer.order.arguments(args)
    if name in EVEN and args[0].is_Add and not printer.as_stored(args[0]):
        args = [printer.order.either_way(args[0])]
    if name in FENCES and len(args) == 1:
        left, right = FENCES[name]
        return Built(Fence(left, printer.node(args[0]), right))
    if name in INDEXED_HEADS and len(args) == 2:
        head: Node = Script(Id(INDEXED_HEADS[name]), printer.node(args[0]))
        return printer.call(head, args[1])
    return printer.call(_head(formula, name), *args, bracket=name not in UNBRACKETED)


def _head(formula: Function, name: str) -> Node:
    """The sign of a function: of this module, of its row, or its name."""
    if name in HEADS:
        return HEADS[name]
    if isinstance(formula, AppliedUndef):
        shown = name_node(name)
        return Fn(name) if isinstance(shown.body, Id) and shown.body.style == "rm" else shown
    from symderive.formulas.functions import function_of

    found = function_of(formula)
    shown_name = (found.symbol or found.name) if found else name
    if len(shown_name) == 1:
        return Id(shown_name, "rm" if shown_name.isupper() and not shown_name.isascii() else "it")
    return Fn(shown_name)


# Functions with a notation of their own ---------------------------------------------------


def _exp(printer: Printer, formula: Any) -> Built:
    return printer.exponential(formula.args[0])


def _log(printer: Printer, formula: Any) -> Built:
    if len(formula.args) == 2:  # log(x, b), unevaluated
        return printer.call(Script(Fn("log"), printer.node(formula.args[1])), formula.args[0])
    return printer.call(Fn("log"), formula.args[0], bracket=False)


def _factorial(printer: Printer, formula: Any) -> Built:
    (arg,) = formula.args
    simple = isinstance(arg, Symbol) or (arg.is_Integer and not arg.is_negative)
    body = printer.node(arg)
    return Built(Row((body if simple else fence(body), Op("!", "post"))), Level.POWER)


def _binomial(printer: Printer, formula: Any) -> Built:
    above, below = map(printer.node, formula.args)
    return Built(Table(((above,), (below,)), "(", ")"))


def _polygamma(printer: Printer, formula: Any) -> Built:
    order, arg = formula.args
    if order.is_zero:
        return printer.call(Id("ψ"), arg)
    return printer.call(Script(Id("ψ"), None, fence(printer.node(order))), arg)


def _polylog(printer: Printer, formula: Any) -> Built:
    order, arg = formula.args
    return printer.call(Script(Fn("Li"), printer.node(order)), arg)


def _delta(printer: Printer, formula: Any) -> Built:
    indices = sorted(formula.args, key=lambda arg: bool(arg.args))  # δ_i,j+1, not δ_j+1,i
    return Built(Script(Id("δ"), beside(*map(printer.node, indices))))


def _indexed(printer: Printer, formula: Any) -> Built:
    base = name_node(str(formula.base.label))
    return Built(Script(base, beside(*map(printer.node, formula.indices))))


def _label(printer: Printer, formula: Any) -> Built:
    return Built(name_node(str(getattr(formula, "label", None) or formula.name)))


def _string(printer: Printer, formula: Any) -> Built:
    return Built(Text(str(formula)))


# Big signs and derivatives ----------------------------------------------------------------


def _big(printer: Printer, formula: Any) -> Built:
    body = printer.within(formula.function, Level.NEGATIVE)
    sign = "∏" if isinstance(formula, Product) else "∑"
    if all(hasattr(limits[0], "size") for limits in formula.limits):
        # Indices that run along whole axes: one sign for all, and no bounds, as papers print it
        indices = sorted((printer.node(limits[0]) for limits in formula.limits), key=plain)
        below, body = _restricted(printer, formula, commas(*indices), body)
        return Built(Row((Big(sign, below), APPLY, body)), Level.CALL)
    for limits in formula.limits:
        variable = printer.node(limits[0])
        lower: Node = variable
        upper = None
        if len(limits) == 3:
            lower = Row((variable, EQUALS, printer.node(limits[1])))
            upper = printer.node(limits[2])
        body = Row((Big(sign, lower, upper), APPLY, body))
    return Built(body, Level.CALL)


def _restricted(printer: Printer, formula: Any, indices: Node, body: Node) -> tuple[Node, Node]:
    """A sum of terms that are zero unless a condition holds: over the indices where it does."""
    parts = factors(formula.function)
    masks = [
        f for f in parts if isinstance(f, Piecewise) and len(f.args) == 2 and f.args[1][0] == 0
    ]
    if len(masks) != 1 or len(formula.limits) != 1:
        return indices, body
    value, test = masks[0].args[0]
    if not isinstance(test, Relational) or formula.limits[0][0] not in test.args:
        return indices, body
    kept = product(*(value if part is masks[0] else part for part in parts))
    return printer.node(test), printer.within(kept, Level.NEGATIVE)


def _integral(printer: Printer, formula: Any) -> Built:
    body = printer.within(formula.function, Level.NEGATIVE)
    for limits in formula.limits:
        lower = printer.node(limits[1]) if len(limits) == 3 else None
        upper = printer.node(limits[-1]) if len(limits) > 1 else None
        inner = Row((body, THIN, Id("d", "rm"), printer.node(limits[0])))
        body = Row((Big("∫", lower, upper, False), APPLY, inner))
    return Built(body, Level.CALL)


def _derivative(printer: Printer, formula: Any) -> Built:
    below: list[Node] = []
    for variable, count in formula.variable_count:
        node = printer.node(variable)
        if count != 1:
            node = Script(node, None, printer.node(count))
        below += [*([THIN] if below else []), PARTIAL, node]
    total = sum(count for _, count in formula.variable_count)
    sign: Node = PARTIAL if total == 1 else Script(PARTIAL, None, printer.node(total))
    of = formula.expr
    if isinstance(of, Symbol | AppliedUndef):
        return Built(Frac(Row((sign, printer.node(of))), Row(tuple(below))), Level.FRACTION)
    body = printer.within(of, Level.NEGATIVE)
    apply = APPLY if isinstance(body, Fence) else APPLY_SPACED
    return Built(Row((Frac(sign, Row(tuple(below))), apply, body)), Level.CALL)


# Conditions and containers ----------------------------------------------------------------


def _piecewise(printer: Printer, formula: Any) -> Built:
    if len(formula.args) == 2 and [value for value, _ in formula.args] == [1, 0]:
        test = formula.args[0][1]
        if any(hasattr(symbol, "size") for symbol in test.free_symbols):
            return Built(Row((ONES, Fence("[", printer.node(test), "]"))))  # 1 where it holds
    rows = (
        (printer.node(value), None if test is S.true else printer.node(test))
        for value, test in _branches(formula)
    )
    return Built(choice(*rows), Level.RELATION)


def _branches(formula: Any) -> Iterator[tuple[Any, Any]]:
    """The branches in order; where the last is cases again, those after it."""
    for value, test in formula.args:
        if test is S.true and isinstance(value, Piecewise):
            yield from _branches(value)
        else:
            yield value, test


def _ite(printer: Printer, formula: Any) -> Built:
    test, yes, no = map(printer.node, formula.args)
    return Built(choice((yes, test), (no, None)), Level.RELATION)


def _relation(printer: Printer, formula: Any) -> Built:
    one, sign, other = printer.hand.sides(formula)
    left, right = (printer.within(side, Level.RELATION) for side in (one, other))
    return Built(Row((left, Op(RELATIONS[sign], "rel"), right)), Level.RELATION)


def _junction(printer: Printer, formula: Any) -> Built:
    if isinstance(formula, And) and len(formula.args) == 2:
        for low, high in permutations(formula.args):
            ordered = hasattr(low, "lts") and hasattr(high, "lts")
            if ordered and low.gts == high.lts:  # 0 < x and x < 1 is 0 < x < 1
                sides = (low.lts, low.gts, high.gts)
                a, b, c = (printer.within(side, Level.RELATION) for side in sides)
                less = (Op(RELATIONS[test.rel_op.replace(">", "<")], "rel") for test in (low, high))
                return Built(Row((a, next(less), b, next(less), c)), Level.RELATION)
    args = [printer.within(arg, Level.LOGIC) for arg in printer.order.arguments(formula.args)]
    return Built(parted(Op(JUNCTIONS[type(formula).__name__]), args), Level.LOGIC)


def negation(printer: Any, formula: Any) -> Built:
    """¬ before what does not hold, of a formula or a tree."""
    return Built(Row((Op("¬", "pre"), fence(printer.node(formula.args[0])))), Level.LOGIC)


def _tuple(printer: Printer, formula: Any) -> Built:
    return Built(fence(commas(*map(printer.node, formula.args))))


def _unevaluated(printer: Printer, formula: Any) -> Built:
    return printer.built(formula.args[0])


def _matrix(printer: Printer, formula: Any) -> Built:
    rows = formula.tolist()
    return Built(Table(tuple(tuple(printer.node(entry) for entry in row) for row in rows)))


def _part(printer: Printer, formula: Any) -> Built:
    from symderive.formulas.matrix_entries import part  # formulas without arrays do without

    return part(printer, formula)


def _array(printer: Printer, formula: Any) -> Built:
    from symderive.formulas.matrix_entries import whole_array

    return whole_array(printer, formula)


SHOWN: Mapping[str, Show] = {
    "exp": _exp,
    "log": _log,
    "factorial": _factorial,
    "binomial": _binomial,
    "polygamma": _polygamma,
    "polylog": _polylog,
    "KroneckerDelta": _delta,
    "Indexed": _indexed,
    "Part": _part,
    "ArrayOf": _array,
    "IndexedBase": _label,
    "Idx": _label,
    "MatrixSymbol": _label,
    "Str": _string,
    "Sum": _big,
    "Product": _big,
    "Integral": _integral,
    "Derivative": _derivative,
    "Piecewise": _piecewise,
    "ITE": _ite,
    "Relational": _relation,
    "And": _junction,
    "Or": _junction,
    "Not": negation,
    "Tuple": _tuple,
    "ImmutableDenseMatrix": _matrix,
    "UnevaluatedExpr": _unevaluated,
}
"""Every class with a notation of its own; a subclass is shown as its nearest base is."""
