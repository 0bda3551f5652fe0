"""How single operations are made again from simplified operands, what they share in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symderive.formulas.arrays.chains import transposed
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.spectra import along
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.arrays.terms import ONE, is_op, one_sum, scaled, term_of

if TYPE_CHECKING:
    from symderive.formulas.arrays.simplify import Rebuilder


def moved(_: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """What only moves entries has the scalars in front."""
    term = term_of(args[0])
    if term.core == ONE or term.core.ndim != args[0].ndim:
        return apply(tree.op, *args, **dict(tree.options))
    if tree.op == "index" and is_op(term.core, "broadcast_to") and not term.core.args[0].ndim:
        moved = apply("broadcast_to", term.core.args[0], shape=tree.shape)
    else:
        moved = apply(tree.op, term.core, **dict(tree.options))
    return scaled(moved, term.number, term.above, term.below)


def directed(self: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """The derivative of a function of a matrix, in short where the direction commutes with it."""
    found = along(tree.op, *args)
    return apply(tree.op, *args) if found is None else self.rebuilt(found)


def kronecker(_: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """A Kronecker product has the scalars of both operands in front."""
    if all(is_op(arg, "eye") for arg in args):
        return apply("eye", size=tree.shape[0])
    terms = [term_of(arg) for arg in args]
    if any(term.core.ndim != tree.ndim for term in terms):
        return apply("kron", *args)
    made = apply("kron", *(term.core for term in terms))
    if all(is_op(term.core, "transpose") for term in terms):  # Aᵀ ⊗ Bᵀ is (A ⊗ B)ᵀ
        made = apply("transpose", transposed(made), axes=(1, 0))
    left, right = terms
    number = left.number * right.number
    return scaled(made, number, (*left.above, *right.above), (*left.below, *right.below))


def summed(self: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """A sum along axes: scalars in front, sums of sums as one."""
    options = dict(tree.options)
    term = term_of(args[0])
    inner = term.core
    if term.number != 1 or term.above or term.below:
        return scaled(apply("sum", inner, **options), term.number, term.above, term.below)
    if isinstance(inner, Leaf) and len(options["axis"]) == 1:
        value = self.sums.get((inner.name, options["axis"][0]))
        if value is not None:
            number = Number((), value)
            return apply("broadcast_to", number, shape=tree.shape) if tree.ndim else number
    joined = None if options["keepdims"] else one_sum(inner, options["axis"])
    return joined or apply("sum", inner, **options)
