"""Which of several equal formulas to compute by: the one that subtracts least.

Of y = u·e^(−rt) − f·(1 − e^(−rt))/r the derivative is −f − r·y, and where y is close to −f/r no
digit of that is left; of −(f + r·u)·e^(−rt) all are.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from symderive.numeric.graph import Node, linear


def safest(node: Node, others: Iterable[Node], stages: int) -> Node:
    """The first node, or one with far fewer differences that no stage has in it already.

    That one has no more exponentials and powers than the first, for they may overflow; and none of
    its differences is divided: where that is 0/0, rules that come later know some forms alone.

    Args:
        node: What to compute by unless another has fewer.
        others: The same in other forms; made only where the first subtracts from a stage.
        stages: How many nodes the stages are made of, the first ones.
    """
    least, bare, _ = _loss(node, stages)
    own = any(_subtracts(part) and _speaks(part) for part in _made_of(node, stages))
    for other in others if own else ():
        differences, exponentials, divisions = _loss(other, stages)
        fewer = FAR * differences <= least and not (differences and divisions)
        if fewer and exponentials <= bare:
            return other
    return node


FAR = 3
"""How many times fewer differences are worth another form: not every one loses digits."""


STEEP, EVEN = frozenset(["exp", "expm1", "pow"]), frozenset(["cosh", "sinh"])
"""What overflows, or makes much of a rounding in what it is of; on both sides."""


def _made_of(node: Node, stages: int) -> set[Node]:
    """The nodes that a formula adds to those of the stages."""
    found: set[Node] = set()
    queue = [node]
    while queue:
        part = queue.pop()
        if part not in found and not part.named and part.id >= stages:
            found.add(part)
            queue += () if part.op == "exp" else part.args  # what is large there is so in all forms
    return found


def _speaks(total: Node) -> bool:
    """Whether a stage is a term of a sum, or a factor of one: y − y²/K."""
    parts = [n for arg in total.args for n in (arg, *(arg.args if arg.op == "mul" else ()))]
    return any(part.named for part in parts)


def _loss(node: Node, stages: int) -> tuple[int, int, int]:
    """The sums of terms of either sign, the exponentials that may overflow, and the quotients.

    Differences of inputs are exact as given; an exponential less its maximum is at most 1.
    """
    found = _made_of(node, stages)
    held = ("abs", "max")
    bare = (n for n in found if n.op in EVEN or (n.op in STEEP and not _shows(n.args[0], held)))
    quotients = (n for n in found if n.op == "mul" and any(e < 0 for e in n.data))
    return sum(map(_subtracts, found)), sum(1 for _ in bare), sum(1 for _ in quotients)


def _shows(node: Node, ops: tuple[str, ...]) -> bool:
    return node.op in ops or any(_shows(arg, ops) for arg in node.args if not arg.named)


def _subtracts(node: Node) -> bool:
    if node.op.endswith("_minus"):
        return any(arg.op not in ("input", "const") for arg in node.args[1:])
    if node.op != "add" or all(arg.op == "input" for arg in node.args):
        return False
    return _sign(node, DEPTH) is None


POSITIVE = frozenset(["exp", "abs", "cosh", "sigmoid", "norm_cdf", "norm_pdf", "softplus"])
DEPTH = 12
"""How deep a formula is looked into for its sign."""


def _sign(node: Node, depth: int) -> int | None:
    """The sign that a formula shows, inputs taken as positive: what a reader sees no minus in."""
    if node.op == "const":
        return 1 if node.data > 0 else -1
    if node.op == "input" or node.op in POSITIVE:
        return 1
    if not depth:
        return None
    if node.op == "mul":
        signs = [
            1 if e.denominator != 1 or e % 2 == 0 else _sign(n, depth - 1)
            for n, e in zip(node.args, node.data, strict=True)
        ]
        return None if None in signs else prod(sign for sign in signs if sign is not None)
    if node.op == "add":
        constant, terms = linear(node)
        shown: set[int | None] = {1 if constant > 0 else -1} if constant != 0 else set()
        for term, k in terms:
            sign = _sign(term, depth - 1)
            shown.add(None if sign is None else sign if k > 0 else -sign)
        return shown.pop() if len(shown) == 1 else None
    return None
