"""Rows of what applies entry by entry: arithmetic, comparisons, conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Basic, Expr, Piecewise, Sum, true
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Not, Or

from symderive.formulas.arrays.op import (
    Args,
    At,
    Op,
    Options,
    ShapeError,
    apply,
    as_tree,
    condition_of,
    elementwise,
    is_condition,
    number,
    spread,
    subtract,
)
from symderive.formulas.arrays.syntax import Tree
from symderive.formulas.parsing import COMPARISONS
from symderive.formulas.written import minus, power, product, quotient, settled, sum_of


def _joined(join: Callable[..., Basic]) -> Callable[[Args, Options, At], Any]:
    return lambda args, _, at: join(*(spread(arg, at) for arg in args))


def _compare(relation: Callable[[Expr, Expr], Relational]) -> Any:
    return lambda args, _, at: relation(*(compared(spread(arg, at)) for arg in args))


def compared(side: Expr) -> Expr:
    """A side of a comparison, as SymPy takes it.

    Choices in a sum it would take out of the sum, their index with them.

    Raises:
        ShapeError: It holds a sum of choices.
    """
    if any(total.has(Piecewise) for total in side.atoms(Sum)):
        raise ShapeError(
            "a sum of choices is compared here, or chooses a place; "
            "make it a stage of its own and compare that"
        )
    return settled(side)


def _where(args: Args, _: Options, at: At) -> Expr:
    condition, yes, no = (spread(arg, at) for arg in args)
    return Piecewise((yes, condition), (no, true))


def _binary(op: str) -> Callable[[Any, Any], Tree]:
    def call(x: Any, y: Any) -> Tree:
        return apply(op, as_tree(x), as_tree(y))

    return call


def _call_subtract(x: Any, y: Any) -> Tree:
    return subtract(as_tree(x), as_tree(y))


def _call_negative(x: Any) -> Tree:
    return apply("negative", as_tree(x))


def _call_where(condition: Any, x: Any, y: Any) -> Tree:
    yes, no = as_tree(x), as_tree(y)
    if is_condition(yes) or is_condition(no):
        raise ShapeError("a number is expected, not a condition")
    return apply("where", condition_of(condition), yes, no)


def _call_logical(op: str) -> Callable[[Any, Any], Tree]:
    def call(x: Any, y: Any) -> Tree:
        return apply(op, condition_of(x), condition_of(y))

    return call


def _arithmetic(name: str, title: str, join: Callable[..., Expr], example: str) -> Op:
    call = _binary(name)
    return Op(name, title, elementwise(name), _joined(join), call=call, example=example)


_SHOWN = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}

ROWS: tuple[Op, ...] = (
    _arithmetic("add", "sum, entry by entry", sum_of, "X + y"),
    _arithmetic("multiply", "product, entry by entry", product, "X*y"),
    _arithmetic("divide", "quotient, entry by entry", quotient, "X/(2 + Y**2)"),
    _arithmetic("power", "power, entry by entry", power, "X**2"),
    Op(
        "negative",
        "negative, entry by entry",
        elementwise("negative"),
        _joined(minus),
        call=_call_negative,
        example="-X",
    ),
    Op(
        "square",
        "square, entry by entry",
        call=lambda x: apply("power", as_tree(x), number(2)),
        example="square(X)",
    ),
    Op(
        "absolute",
        "absolute value, entry by entry",
        call=lambda x: apply("abs", as_tree(x)),
        example="absolute(X)",
    ),
    Op("subtract", "difference, entry by entry", call=_call_subtract, example="subtract(X, Y)"),
    Op(
        "where",
        "choice, entry by entry",
        elementwise("where"),
        _where,
        call=_call_where,
        example="where(X > Y, X, Y**2)",
    ),
    *(
        Op(
            kind.__name__,
            f"comparison {_SHOWN[kind.__name__]}",
            elementwise(_SHOWN[kind.__name__]),
            _compare(relation),
            example=f"where(X {_SHOWN[kind.__name__]} y, 1, 2)",
        )
        for kind, relation in COMPARISONS.items()
    ),
    Op(
        "logical_and",
        "both conditions",
        elementwise("and"),
        _joined(And),
        call=_call_logical("logical_and"),
        example="where(logical_and(X > 0, Y > 0), X, Y)",
    ),
    Op(
        "logical_or",
        "either condition",
        elementwise("or"),
        _joined(Or),
        call=_call_logical("logical_or"),
        example="where(logical_or(X > 0, Y > 0), X, Y)",
    ),
    Op(
        "logical_not",
        "the opposite condition",
        elementwise("not"),
        _joined(Not),
        call=lambda condition: apply("logical_not", condition_of(condition)),
        example="where(logical_not(X > 0), X, Y)",
    ),
)
