"""How single operations are made again from simplified operands, what they share in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symderive.formulas.arrays.chains import is_column, transposed
from symderive.formulas.arrays.ops import apply, total
from symderive.formulas.arrays.spectra import along
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.formulas.arrays.terms import (
    MAX_POWER,
    ONE,
    is_op,
    is_zero,
    one_sum,
    scaled,
    term_of,
    times,
    tree_cost,
)

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


def powered(_: Rebuilder, args: list[Tree], tree: Apply) -> Tree:
    """A whole power of an array has the powers of its scalars in front: (n·x)² is n²·x²."""
    base, exponent = args
    term = term_of(base)
    whole = isinstance(exponent, Number) and exponent.value in range(2, MAX_POWER + 1)
    if not base.ndim or not whole or term.core == base:
        return apply("power", *args)
    k = int(exponent.value)  # type: ignore[attr-defined]
    made = apply("power", term.core, exponent)
    return scaled(made, term.number**k, term.above * k, term.below * k)


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
    if self.sums and inner.ndim == 2 and len(options["axis"]) == 1 and not options["keepdims"]:
        short = _weighted(self, inner, options["axis"][0])
        if short is not None:
            return short
    joined = None if options["keepdims"] else one_sum(inner, options["axis"])
    return joined or apply("sum", inner, **options)


def _weighted(self: Rebuilder, tree: Tree, axis: int) -> Tree | None:
    """Σ_j p_ij (s_i − w_ij) is s_i − Σ_j p_ij w_ij of weights that sum to one, and may be zero."""
    if is_op(tree, "transpose"):
        return _weighted(self, tree.args[0], 1 - axis)
    if is_op(tree, "add"):
        found = [_weighted(self, arg, axis) for arg in tree.args]
        if not any(part is not None and is_zero(part) for part in found):
            return None
        pairs = zip(found, tree.args, strict=True)
        rest = [arg for part, arg in pairs if part is None or not is_zero(part)]
        if not rest:
            return next(part for part in found if part is not None)
        return self.rebuilt(total(rest[0] if len(rest) == 1 else apply("add", *rest), [axis]))
    term = term_of(tree)
    parts = term.core.args if is_op(term.core, "multiply") else ()
    weights = [p for p in parts if isinstance(p, Leaf) and (p.name, axis) in self.sums]
    sums = [part for part in parts if is_op(part, "add")]
    if len(parts) != 2 or len(weights) != 1 or len(sums) != 1:
        return None
    alone: list[Tree] = []
    for arg in sums[0].args:
        spread = term_of(arg)
        along = is_column(spread.core) if axis else spread.core.ndim == 1
        value = Number((), self.sums[weights[0].name, axis])
        inner: Tree = spread.core.args[0] if is_op(spread.core, "index") else spread.core
        if along:
            alone.append(scaled(inner, spread.number, (*spread.above, value), spread.below))
        else:
            alone.append(self.rebuilt(total(times([weights[0], arg]), [axis])))
    made = scaled(self.sum(alone), term.number, term.above, term.below)
    return made if tree_cost(made) < tree_cost(tree) else None
