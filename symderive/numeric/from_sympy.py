"""SymPy formulas as nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial, reduce
from typing import Any

import mpmath
import sympy
from sympy import Basic, Expr, I, Symbol
from sympy.core.relational import Relational

from symderive.errors import ModelError
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.numeric.graph import DIGITS, RATIONAL, Graph, Node, Number, linear, reduced
from symderive.numeric.ops import OPS
from symderive.numeric.stable import ARITY, KNOWN

ONE = 1

_RENAMED = {
    "Abs": "abs",
    "Max": "max",
    "Min": "min",
    "ceiling": "ceil",
    "LambertW": "lambertw",
    "lgamma": "loggamma",
    "Mod": "mod",
}
_RELATIONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}

_DEFINITION_FIRST = frozenset(
    {"logsigmoid", "binary_cross_entropy_with_logits", "silu", "swish", "quick_gelu"}
)
"""Functions whose definitions the table of stable forms computes better than one formula could."""

_templates: dict[tuple[int, int, bool], tuple[Any, Expr, tuple[str, ...]]] = {}


def node_of(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    """A formula as a node.

    Args:
        formula: Symbols are looked up by name; ``Diff(L, v)`` is the name ``L_D_v``.
        graph: Where the node is made.
        names: The nodes of the names that are known.

    Raises:
        ModelError: The formula holds a name, a number or a function without a numeric meaning.
    """
    if isinstance(formula, Symbol):
        node = names.get(formula.name)
        if node is None:
            raise ModelError(f"the name {formula.name!r} is used before it is defined")
        return node
    reader = _READERS.get(type(formula))
    if reader is not None:
        return reader(formula, graph, names)
    for kind, read in _KINDS:
        if isinstance(formula, kind):
            return read(formula, graph, names)
    if formula == I:
        raise ModelError("a root or a logarithm of a negative number is not real")
    raise ModelError(f"{formula} has no numeric meaning; numbers are real and finite")


def _args(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> list[Node]:
    return [node_of(arg, graph, names) for arg in formula.args]


def _rational(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    return graph.const(Fraction(int(formula.p), int(formula.q)))


def _float(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    if not formula.is_finite:
        raise ModelError(f"{formula} is not a finite number")
    exact = sympy.Rational(formula) if formula._prec <= 53 else None
    if exact is not None:
        return graph.const(Fraction(int(exact.p), int(exact.q)))
    return graph.const(mpmath.mpf(formula._mpf_))


def _constant(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    """Pi, e and the like."""
    with mpmath.workdps(DIGITS):
        return graph.const(mpmath.mpf(str(formula.evalf(DIGITS + 5))))


def _add(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    terms = [(node, ONE) for node in _args(formula, graph, names)]
    return graph.add(0, terms)


def _mul(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    """A product; a/b as one step, so that a row sees both at once."""
    factors: list[tuple[Node, Number]] = []
    for arg in formula.args:
        if isinstance(arg, sympy.Pow) and arg.exp.is_Rational:
            exponent = reduced(Fraction(int(arg.exp.p), int(arg.exp.q)))
            factors.append((node_of(arg.base, graph, names), exponent))
        else:
            factors.append((node_of(arg, graph, names), ONE))
    return graph.mul(ONE, factors)


def _pow(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    base, exponent = _args(formula, graph, names)
    constant, rest = linear(exponent)
    if not rest and isinstance(constant, RATIONAL):
        return graph.mul(ONE, [(base, constant)])
    if formula.base is sympy.E:
        return graph.call("exp", exponent)
    return graph.call("pow", base, exponent)


def _piecewise(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    result: Node | None = None
    for value, condition in reversed(formula.args):
        undefined = value is sympy.zoo or value is sympy.nan  # as 1/where(x > 0, x, 0) is for x < 0
        chosen = graph.const(mpmath.nan) if undefined else node_of(value, graph, names)
        if condition is sympy.true:
            result = chosen
        else:
            other = result if result is not None else graph.const(mpmath.nan)
            result = graph.call("where", node_of(condition, graph, names), chosen, other)
    assert result is not None
    return result


def _relation(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    return graph.call(_RELATIONS[formula.rel_op], *_args(formula, graph, names))


def _join(op: str) -> Callable[[Basic, Graph, Mapping[str, Node]], Node]:
    def read(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
        return reduce(partial(graph.call, op), _args(formula, graph, names))

    return read


def _not(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    return graph.call("not", *_args(formula, graph, names))


def _if_then_else(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    return node_of(formula.to_nnf(simplify=False), graph, names)


def _truth(formula: Basic, graph: Graph, names: Mapping[str, Node]) -> Node:
    return graph.const(int(formula is sympy.true))


def _adjoint(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    target, source = formula.args
    return node_of(Symbol(f"{target}_D_{source}"), graph, names)


def _function(formula: Any, graph: Graph, names: Mapping[str, Node]) -> Node:
    """A named function: itself where a row or a backend knows it, else by its definition."""
    row = function_of(formula)
    name = row.name if row is not None else type(formula).__name__
    name = _RENAMED.get(name, name)
    args = _args(formula, graph, names)
    if name in ("max", "min") and len(args) != 2:
        return reduce(partial(graph.call, name), args)
    if name in _DIRECT:
        left_out = row.default_values(len(args)) if row is not None else ()
        return _DIRECT[name](graph, *args, *(node_of(value, graph, names) for value in left_out))
    if len(args) == ARITY.get(name, len(args)) and (name in KNOWN or name in OPS):
        return graph.call(name, *args)
    if row is not None and (row.is_defined or row.stable):
        known = any(_is_known(arg) for arg in args) or name in _DEFINITION_FIRST
        template, marks = _template(row, len(args), known)
        return node_of(template, graph, dict(zip(marks, args, strict=True)))
    if name in _SPELLED:
        return node_of(_SPELLED[name](*formula.args), graph, names)
    raise ModelError(f"the function {name} has no numeric form; give its definition in [functions]")


def _is_known(node: Node) -> bool:
    """Whether rows have something to say of a value: then the definition lets them see it."""
    return node.op in KNOWN or node.op == "exp" or any(arg.op in KNOWN for arg in node.args)


def _template(row: Any, count: int, known: bool) -> tuple[Expr, tuple[str, ...]]:
    """The definition or the stable form of a named function, on marks for its arguments."""
    key = id(row), count, known
    if key not in _templates:
        marks = tuple(Symbol(f"_{i}") for i in range(count))
        stable = None if known and row.is_defined else row.stable_formula(*marks)
        formula = row.definition_formula(*marks) if stable is None else stable
        _templates[key] = row, formula, tuple(mark.name for mark in marks)
    return _templates[key][1:]


_SPELLED: dict[str, Callable[..., Expr]] = {
    name: lambda x, kind=kind: sympy.Pow(kind(x), -1)
    for name, kind in {
        "cot": sympy.tan,
        "sec": sympy.cos,
        "csc": sympy.sin,
        "coth": sympy.tanh,
        "sech": sympy.cosh,
        "csch": sympy.sinh,
    }.items()
}


def _heaviside(graph: Graph, x: Node, at_zero: Node) -> Node:
    positive, negative = graph.call("gt", x, graph.zero), graph.call("lt", x, graph.zero)
    return graph.call(
        "where", positive, graph.one, graph.call("where", negative, graph.zero, at_zero)
    )


def _log_sum_exp(graph: Graph, *args: Node) -> Node:
    return graph.call("log", graph.add(0, [(graph.call("exp", a), ONE) for a in args]))


def _zeta(graph: Graph, x: Node, first: Node) -> Node:
    return graph.call("zeta", x) if first is graph.one else graph.call("hurwitz_zeta", x, first)


def _polygamma(graph: Graph, order: Node, x: Node) -> Node:
    return graph.call("digamma", x) if order is graph.zero else graph.call("polygamma", order, x)


_DIRECT: dict[str, Callable[..., Node]] = {
    "polygamma": _polygamma,
    "heaviside": _heaviside,
    "logsumexp": _log_sum_exp,
    "zeta": _zeta,
}
"""Functions that no other function defines."""

_READERS: dict[type, Callable[[Any, Graph, Mapping[str, Node]], Node]] = {
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.Pow: _pow,
    sympy.Piecewise: _piecewise,
    sympy.And: _join("and"),
    sympy.Or: _join("or"),
    sympy.Not: _not,
    sympy.ITE: _if_then_else,
    Diff: _adjoint,
}
_KINDS: tuple[tuple[type, Callable[[Any, Graph, Mapping[str, Node]], Node]], ...] = (
    (sympy.Rational, _rational),
    (sympy.Float, _float),
    (sympy.NumberSymbol, _constant),
    (Relational, _relation),
    (sympy.logic.boolalg.BooleanAtom, _truth),
    (sympy.Function, _function),
    (sympy.Mod, _function),
    (sympy.Max, _function),
    (sympy.Min, _function),
)
