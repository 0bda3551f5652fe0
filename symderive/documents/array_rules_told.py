"""The rules for arrays as a box states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from symderive.documents.wording import relabelled
from symderive.errors import SymderiveError
from symderive.formulas.arrays.index import Index, Part, entry_of
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Shape
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import Diff
from symderive.formulas.matrix_notation import matrix_tree
from symderive.formulas.nodes import APPLY_SPACED, PARTIAL, beside
from symderive.formulas.printing import tree
from symderive.formulas.tree import (
    APPLY,
    TIMES,
    Big,
    Fence,
    Fn,
    Frac,
    Id,
    Node,
    Row,
    Script,
    equation,
    fence,
    name_node,
)
from symderive.steps import Rule

_SIZE = Symbol("n")
_I, _J, _A, _B = (Index(letter, _SIZE) for letter in "ijab")
_BY_X = Frac(PARTIAL, Row((PARTIAL, Id("x"))))
_D = Id("d", "rm")


def statement(rule: Rule) -> Node | None:
    """The general equation of a rule for arrays; None of any other rule."""
    if rule.name in BY_NAME:
        return BY_NAME[rule.name]
    if not rule.matrix:
        return None
    for rank in (1, 2):
        sides = [_side(text, rank) for text in rule.matrix]
        if None not in sides:
            left, right = sides
            assert left is not None
            assert right is not None
            loose = not (isinstance(left, Row) and isinstance(left.items[-1], Fence))
            return equation(Row((_D, Fence("(", left, ")") if loose else left)), right)
    return None


def binding(formula: Any, names: Sequence[str]) -> tuple[Node, ...]:
    """What the u or U of a rule stands for: the array that the operation is applied to."""
    if not isinstance(formula, Part) or len(formula.arrays) != 1:
        return ()
    (array,) = formula.arrays
    letter = name_node("u" if len(array.indices) == 1 else "U")
    return (equation(letter, tree(array, names)),)


STAND_INS: Mapping[str, str] = {
    "is_max(U)": "ismax",
    "is_min(U)": "ismin",
    "prod_others(U)": "others",
}
"""What no formula may say, and what stands for it while the rule's text is read."""


def _side(text: str, rank: int) -> Node | None:
    names = ("U", "dU", "V", "L", "Z", "gaps", "ismax", "ismin", "others")
    shapes: Mapping[str, Shape] = dict.fromkeys(names, (_SIZE,) * rank)
    for words, name in STAND_INS.items():
        text = text.replace(words, name)
    try:
        found = read_array(text, FUNCTIONS, shapes)
    except SymderiveError:
        return None
    argument = name_node("u" if rank == 1 else "U")
    shown = {"U": argument, "dU": Row((_D, argument))}
    for name in ("ismax", "ismin", "others"):
        shown[name] = Row((Fn(name), APPLY, fence(argument)))
    return relabelled(matrix_tree(found), shown)


def _under_the_sum() -> Node:
    sign, u = Big("∑", Id("i")), tree(entry_of("u", [_I]))
    inner = Row((_BY_X, APPLY_SPACED, u))
    left = Row((_BY_X, APPLY_SPACED, Row((sign, APPLY, u))))
    return equation(left, Row((sign, APPLY, inner)))


def _delta(one: str, other: str) -> Node:
    return Script(Id("δ"), beside(Id(one), Id(other)))


BY_NAME: Mapping[str, Node] = {
    "independent entries": equation(
        tree(Diff(entry_of("X", [_I, _J]), entry_of("X", [_A, _B]))),
        Row((_delta("i", "a"), TIMES, _delta("j", "b"))),
    ),
    "derivative under the sum": _under_the_sum(),
}
"""The rules that are stated for entries."""
