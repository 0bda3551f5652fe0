"""From one sample to a batch: a formula of one row becomes the formula of all rows at once.

Names that move along the rows get a leading axis. What depends on them gets it too, and its row
i is computed from row i alone. In index notation that is one more index on every moving entry
(``rowwise``), which is what a lifted tree is proved by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_letters
from typing import Any

from sympy import Basic, Expr, Indexed, S, Symbol

from symderive.formulas.arrays.index import Index, entry_of
from symderive.formulas.arrays.op import (
    ONE,
    ShapeError,
    apply,
    expanded,
    multiply,
    total,
    transpose,
)
from symderive.formulas.arrays.ops import OPS
from symderive.formulas.arrays.ops_elementwise import ROWS as ELEMENTWISE
from symderive.formulas.arrays.syntax import Apply, Leaf, Shape, Tree


def rowwise(formula: Basic, moving: Mapping[str, Shape], row: Index) -> Any:
    """The index formula at a row: the entries of what moves get the row as their first index.

    >>> m, n = Symbol("m"), Symbol("n")
    >>> i, j = Index("i", m), Index("j", n)
    >>> rowwise(entry_of("x", [j]) * entry_of("w", [j]) + Symbol("y"), {"x": (n,), "y": ()}, i)
    w[j]*x[i, j] + y[i]
    """
    found: dict[Basic, Basic] = {}
    for part in formula.atoms(Indexed):
        name = str(part.base.label)
        if name in moving:
            found[part] = entry_of(name, (row, *part.indices))
    for symbol in formula.atoms(Symbol):
        if type(symbol) is Symbol and moving.get(symbol.name) == ():
            found[symbol] = entry_of(symbol.name, (row,))
    return _replaced(formula, found)


def _replaced(formula: Basic, found: Mapping[Basic, Basic]) -> Any:
    """As ``xreplace``, which would also go into what it has just put in: x → x[i]."""
    if formula in found:
        return found[formula]
    if not formula.args or isinstance(formula, Indexed):
        return formula
    return formula.func(*(_replaced(arg, found) for arg in formula.args))


class Lift:
    """Lifts trees along rows.

    Args:
        moving: Shape of one row, by the name of what moves.
        size: The number of rows.

    >>> m, n = Symbol("m"), Symbol("n")
    >>> lift = Lift({"x": (n,)}, m)
    >>> lift(apply("matmul", Leaf((n,), "w"), Leaf((n,), "x"))).shape
    (m,)
    """

    def __init__(self, moving: Mapping[str, Shape], size: Expr) -> None:
        self.moving, self.size = dict(moving), size

    def __call__(self, tree: Tree) -> Tree:
        """The formula of all rows; one that no name of it moves stays as it is.

        Raises:
            ShapeError: An operation cannot be applied row by row.
        """
        if not self.moves(tree):
            return tree
        if isinstance(tree, Leaf):
            return Leaf((self.size, *tree.shape), tree.name)
        assert isinstance(tree, Apply)
        rule = RULES.get(tree.op) or (None if tree.op in OPS else _entry_by_entry)
        if rule is not None:
            return rule(self, tree)
        row = OPS[tree.op]
        if row.expand is None:
            raise ShapeError(
                f"{tree.op} cannot be applied to every row at once; write it with @, sums and "
                "functions of entries, or take what it works on out of the data"
            )
        return self(expanded(tree))

    def moves(self, tree: Tree) -> bool:
        """Whether a formula differs from row to row."""
        return any(isinstance(part, Leaf) and part.name in self.moving for part in tree.walk())

    def spread(self, arg: Tree, rank: int) -> Tree:
        """An operand lifted, its own axes at the end of ``rank`` axes."""
        lifted = self(arg)
        if lifted is arg or arg.ndim >= rank:
            return lifted
        return apply("index", lifted, key=(_all(self.size), *(("new",),) * (rank - arg.ndim)))

    def everywhere(self, arg: Tree) -> Tree:
        """An operand with the axis of rows, repeated along it where it does not move."""
        if self.moves(arg):
            return self(arg)
        return apply("broadcast_to", arg, shape=(self.size, *arg.shape))


Rule = Callable[[Lift, Any], Tree]


def _all(size: Expr) -> tuple[Any, ...]:
    return ("slice", S.Zero, size, ONE)


def _entry_by_entry(lift: Lift, tree: Apply) -> Tree:
    args = tuple(lift.spread(arg, tree.ndim) for arg in tree.args)
    if "function" in dict(tree.options):
        return Apply((lift.size, *tree.shape), tree.op, args, tree.options)
    return apply(tree.op, *args)


def _product(lift: Lift, tree: Apply) -> Tree:
    """X @ w of every row is X @ w; W @ x is X @ W.T."""
    left, right = tree.args
    moves, ranks = (lift.moves(left), lift.moves(right)), (left.ndim, right.ndim)
    if all(moves) and ranks == (1, 1):
        return total(multiply(lift(left), lift(right)), [1])
    if moves == (False, True) and right.ndim == 1:
        return apply("matmul", lift(right), left if left.ndim == 1 else transpose(left))
    if all(moves) and 1 in ranks:
        return _einsum(lift, "ab,b->a" if left.ndim == 2 else "b,bc->c", tree.args)
    return apply("matmul", lift(left), lift(right))


def _einsum(lift: Lift, spec: str, args: Sequence[Tree]) -> Tree:
    """The row is one more letter."""
    row = next(letter for letter in ascii_letters if letter not in spec)
    inputs, _, output = spec.partition("->")
    parts = [
        row + letters if lift.moves(arg) else letters
        for letters, arg in zip(inputs.split(","), args, strict=True)
    ]
    return apply("einsum", *map(lift, args), spec=f"{','.join(parts)}->{row}{output}")


def _outer(lift: Lift, tree: Apply) -> Tree:
    return _einsum(lift, "a,b->ab", tree.args)


def _along(lift: Lift, tree: Apply) -> Tree:
    """What works along axes works along the same ones, which stand one place later."""
    options = dict(tree.options)
    options["axis"] = tuple(axis + 1 for axis in options["axis"])
    return apply(tree.op, *map(lift, tree.args), **options)


def _joined(lift: Lift, tree: Apply) -> Tree:
    axis = tuple(place + 1 for place in tree.option("axis"))
    return apply(tree.op, *map(lift.everywhere, tree.args), axis=axis)


def _transpose(lift: Lift, tree: Apply) -> Tree:
    return transpose(lift(tree.args[0]), (0, *(axis + 1 for axis in tree.option("axes"))))


def _index(lift: Lift, tree: Apply) -> Tree:
    return apply("index", lift(tree.args[0]), key=(_all(lift.size), *tree.option("key")))


def _reshape(lift: Lift, tree: Apply) -> Tree:
    return apply("reshape", lift(tree.args[0]), shape=(lift.size, *tree.option("shape")))


def _broadcast(lift: Lift, tree: Apply) -> Tree:
    return apply(
        "broadcast_to", lift.spread(tree.args[0], tree.ndim), shape=(lift.size, *tree.shape)
    )


def _diagonal(lift: Lift, tree: Apply) -> Tree:
    return _einsum(lift, "aa->a", tree.args)


def _diag(lift: Lift, tree: Apply) -> Tree:
    vector = tree.args[0]
    return multiply(lift.spread(vector, 2), apply("eye", size=vector.shape[0]))


def _last_axes(lift: Lift, tree: Apply) -> Tree:
    """As in NumPy, these work on the last two axes."""
    return apply(tree.op, *map(lift, tree.args), **dict(tree.options))


RULES: Mapping[str, Rule] = {
    **{row.name: _entry_by_entry for row in ELEMENTWISE},
    **dict.fromkeys(
        ("sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "norm"), _along
    ),
    **dict.fromkeys(("cumsum", "softmax", "log_softmax"), _along),
    **dict.fromkeys(("concatenate", "stack"), _joined),
    "matmul": _product,
    "outer": _outer,
    "einsum": lambda lift, tree: _einsum(lift, tree.option("spec"), tree.args),
    "transpose": _transpose,
    "index": _index,
    "reshape": _reshape,
    "broadcast_to": _broadcast,
    **dict.fromkeys(("inv", "det", "logdet", "cholesky", "eigvalsh"), _last_axes),
    "one_hot": _last_axes,
    "diagonal": _diagonal,
    "diag": _diag,
}
"""How an operation is applied to every row at once; any other is lifted as what it stands for."""
