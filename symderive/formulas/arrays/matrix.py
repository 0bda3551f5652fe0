"""From index notation to matrix notation: Σ_i X_ij (A_i − Y_i) → Xᵀ(A − Y).

Every part of a formula becomes a tree whose axes are labelled by its free indices. A bound index is
eliminated where at most two matrices meet in it: as a product, as a sum along an axis, as an
entry-by-entry product. What has no matrix notation becomes an ``einsum`` where it is a plain
contraction, else ``index_notation``. The result is proved by reading it back: its entry is the
formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Indexed,
    KroneckerDelta,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
)
from sympy import Sum as SympySum
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanTrue, Not, Or

from symderive.formulas.arrays.algebra import named_within
from symderive.formulas.arrays.contraction import (
    Labelled,
    NoMatrixError,
    aligned,
    contract,
    has_notation,
    spread_to,
    union,
)
from symderive.formulas.arrays.frechet import directed, is_kernel
from symderive.formulas.arrays.index import Index, Part, free_indices, fresh, opened, sigma_as_is
from symderive.formulas.arrays.joined import (
    by_blocks,
    has_joined,
    joined_both,
    reshaped_again,
    stacked,
    unstacked,
)
from symderive.formulas.arrays.matrix_forms import (
    PART_OPTIONS,
    compared,
    count_of_terms,
    cut,
    diagonal_of,
    ends_of,
    one_by_one,
    part_of_identity,
    pushed_in,
    reads,
    row_major,
    triangle,
)
from symderive.formulas.arrays.ops import apply, apply_function
from symderive.formulas.arrays.placing import place_at
from symderive.formulas.arrays.sliding import slid, windows
from symderive.formulas.arrays.sums import plus
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree, sizes_in
from symderive.formulas.arrays.terms import scaled, tree_cost
from symderive.formulas.functions import function_of

MAX_TERMS = 4
"""A product of sums that has matrix notation is multiplied out where that makes no more terms."""


class Matrices:
    """Builds trees for formulas over arrays of known shapes.

    Args:
        shapes: Shape by the name of each array; other names are scalars.
    """

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        self.order: dict[Index, int] = {}
        self._known: dict[Basic, Labelled] = {}
        self._named: dict[str, Tree] = {}
        self._stacks = False

    def tree(self, formula: Expr, indices: Sequence[Index]) -> Tree:
        """The array whose entry at some indices is the formula."""
        wanted = tuple(indices)
        outer, self.order = self.order, {index: place for place, index in enumerate(wanted)}
        self._stacks = has_joined(formula)
        try:
            inside = self.built(formula)
            best = spread_to(inside, wanted)
            pushed = pushed_in(formula)
            if pushed != formula and has_notation(best):
                with suppress(NoMatrixError):
                    other = spread_to(self.built(pushed), wanted)
                    if tree_cost(other) <= tree_cost(best):
                        best = other
            return best
        except NoMatrixError:
            return self._by_index(formula, wanted)
        finally:
            self.order = outer

    def _by_index(self, formula: Expr, wanted: tuple[Index, ...]) -> Tree:
        names = sorted({s.name for s in formula.free_symbols if type(s) is Symbol})
        leaves = [Leaf(self.shapes.get(name, ()), name) for name in names]
        shape = tuple(index.size for index in wanted)
        options = (("formula", formula), ("indices", wanted), ("shape", shape))
        return Apply(shape, "index_notation", tuple(leaves), options)

    # Parts of a formula -------------------------------------------------------------------

    def built(self, formula: Basic) -> Labelled:
        """A formula as a labelled tree.

        Raises:
            NoMatrixError: It has none.
        """
        if formula not in self._known:
            found = unstacked(self.built, self._shape_of, formula) if self._stacks else None
            self._known[formula] = found or self._build(formula)
        return self._known[formula]

    def _name(self, tree: Tree) -> str:
        """A name under which a formula speaks of a tree."""
        name = f"_tree{len(self._named)}"
        self._named[name] = tree
        return name

    def _shape_of(self, name: str) -> Shape:
        return self._named[name].shape if name in self._named else self.shapes[name]

    def _build(self, formula: Any) -> Labelled:
        bare = not free_indices(formula) and not isinstance(formula, SympySum)
        if bare and (formula.is_number or self._only_sizes(formula)):
            return Labelled(Number((), formula), ())
        if isinstance(formula, Index):
            raise NoMatrixError
        if isinstance(formula, Symbol):
            return Labelled(Leaf((), formula.name), ())
        if isinstance(formula, Indexed):
            return self._entry(formula)
        if isinstance(formula, KroneckerDelta):
            return self._delta(formula)
        if isinstance(formula, Add):
            return self._sum(formula)
        if isinstance(formula, Mul):
            return self._product([*Mul.make_args(formula)], ())
        if isinstance(formula, SympySum):
            return self._under_sum(*opened(formula))
        if isinstance(formula, Pow):
            return self._elementwise("power", [formula.base, formula.exp])
        if isinstance(formula, Part):
            return self._part(formula)
        if isinstance(formula, Piecewise):
            return self._cases(formula)
        if isinstance(formula, Relational | And | Or | Not):
            return self._condition(formula)
        if isinstance(formula, Function):
            row = function_of(formula)
            if row is not None:
                axes, trees = self._operands(list(formula.args))
                return Labelled(apply_function(row, *trees), axes)
        raise NoMatrixError(str(formula))

    def _only_sizes(self, formula: Basic) -> bool:
        """Whether a formula is one of sizes alone."""
        symbols = formula.free_symbols
        sizes = sizes_in(self.shapes.values())
        return bool(symbols) and all(s in sizes and s.name not in self.shapes for s in symbols)

    def _entry(self, formula: Indexed) -> Labelled:
        name = str(formula.base.label)
        shape = self._shape_of(name)
        tree = self._named.get(name) or Leaf(shape, name)
        if len(shape) == 1 and len(free_indices(formula.indices[0])) > 1:
            found = windows(tree, formula.indices[0], self.order)
            if found is not None:
                return found
        return diagonal_of(cut(tree, formula.indices))

    def _delta(self, formula: KroneckerDelta) -> Labelled:
        left, right = formula.args
        if not (isinstance(left, Index) and isinstance(right, Index)) or left.size != right.size:
            if self._places(formula, [formula], ()):
                return self._placed([formula], [], ())
            return part_of_identity(formula, self.order)
        return Labelled(apply("eye", size=left.size), (left, right))

    def _part(self, formula: Part) -> Labelled:
        """An entry of a part, or some of them: the first column of left_vectors(X), inv(X)[:2]."""
        if is_kernel(formula) and (made := directed(self.built, self._product, formula, ())):
            return made
        waiting = [at if isinstance(at, Index) else fresh(S.One) for at in formula.indices]
        places = dict(zip(waiting, formula.indices, strict=True))
        tree, axes = self._whole_part(formula, waiting)
        return diagonal_of(cut(tree, [places.get(axis, axis) for axis in axes]))

    def _whole_part(self, formula: Part, at: Sequence[Index]) -> tuple[Tree, tuple[Index, ...]]:
        """All entries of a part, its axes named."""
        array, *numbers = formula.arrays
        own = array.indices
        more = [self.built(number.formula).tree for number in numbers]
        inner = self.built(array.formula)
        axes = (*inner.axes, *(index for index in own if index not in inner.axes))
        options = PART_OPTIONS.get(formula.op)
        if options is None:  # of the last two axes, a batch before them
            axes = (*(index for index in axes if index not in own), *own)
        tree = spread_to(inner, axes)
        if options is None:
            return apply(formula.op, tree, *more), (*axes[: -len(own)], *at)
        places = tuple(axes.index(index) for index in own)
        name = formula.op
        if name == "layer_norm" and places != (len(axes) - 1,):
            name = "batch_norm"  # the same along other axes
        named = dict(zip(own, at, strict=False))
        result = tuple(named.get(i, i) for i in axes if i not in own or at)
        return apply(name, tree, *more, **options(places)), result

    def _operands(self, operands: Sequence[Expr]) -> tuple[tuple[Index, ...], list[Tree]]:
        parts = [self.built(operand) for operand in operands]
        axes = union(parts, self.order)
        return axes, [aligned(part, axes) for part in parts]

    def _elementwise(self, op: str, operands: Sequence[Expr]) -> Labelled:
        axes, trees = self._operands(operands)
        if op == "power" and trees[1] == Number((), S.NegativeOne):
            return Labelled(apply("divide", Number((), S.One), trees[0]), axes)
        return Labelled(apply(op, *trees), axes)

    def _cases(self, formula: Piecewise) -> Labelled:
        *first, last = formula.args
        if not isinstance(last[1], BooleanTrue):
            raise NoMatrixError
        found = triangle(formula)
        if found is not None:
            return found
        result = self.built(last[0])
        for value, condition in reversed(first):
            parts = [self.built(condition), self.built(value), result]
            axes = union(parts, self.order)
            result = Labelled(apply("where", *(aligned(part, axes) for part in parts)), axes)
        return result

    def _condition(self, formula: Any) -> Labelled:
        names = {And: "logical_and", Or: "logical_or", Not: "logical_not"}
        relations = {"<": "Lt", "<=": "LtE", ">": "Gt", ">=": "GtE", "==": "Eq", "!=": "NotEq"}
        if isinstance(formula, Relational):
            return compared(formula) or self._elementwise(relations[formula.rel_op], formula.args)
        return self._elementwise(names[type(formula)], list(formula.args))

    # Sums and products --------------------------------------------------------------------

    def _sum(self, formula: Add) -> Labelled:
        return self._added([self.built(term) for term in formula.args])

    def _added(self, parts: Sequence[Labelled]) -> Labelled:
        axes = union(parts, self.order)
        return Labelled(plus([aligned(part, axes) for part in parts]), axes)

    def _under_sum(self, body: Expr, indices: tuple[Index, ...]) -> Labelled:
        """A sum, of one product or of several contracted each: whichever is shorter."""
        found: list[Labelled] = []
        for make in (
            self._directed,
            self._as_one,
            self._term_by_term,
            self._flattened,
            self._slid,
            *((self._stacked, self._by_blocks) if self._stacks else ()),
        ):
            done = any(has_notation(part.tree) for part in found)
            if make == self._term_by_term and done and count_of_terms(body) > MAX_TERMS:
                continue
            try:
                made = make(body, indices)
            except NoMatrixError:
                continue
            if made is not None:
                found.append(made)
        if not found:
            terms = one_by_one(body, indices)
            if terms is None:
                raise NoMatrixError
            return self._added([self.built(term) for term in terms])
        return min(found, key=lambda part: (not has_notation(part.tree), reads(part.tree)))

    def _as_one(self, body: Expr, indices: tuple[Index, ...]) -> Labelled:
        return self._product([*Mul.make_args(body)], indices)

    def _directed(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        return directed(self.built, self._product, body, indices)

    def _slid(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        return slid(self.built, body, indices)

    def _stacked(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        return stacked(self.built, self._name, self._shape_of, body, indices)

    def _by_blocks(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        return by_blocks(self.built, self._name, self._shape_of, body, indices, self.order)

    def _flattened(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        """With the sums inside that the indices reach as part of the same sum."""
        for factor in Mul.make_args(body):
            if isinstance(factor, SympySum) and free_indices(factor) & set(indices):
                inner, mine = opened(factor)
                return self._under_sum(body / factor * inner, (*indices, *mine))
        return None

    def _term_by_term(self, body: Expr, indices: tuple[Index, ...]) -> Labelled | None:
        sums = [f for f in Mul.make_args(body) if isinstance(f, Add) and free_indices(f)]
        if not sums:
            return None
        longest = max(sums, key=lambda f: len(free_indices(f)))
        terms = [body / longest * term for term in longest.args]
        return self._added([self._term(term, indices) for term in terms])

    def _term(self, term: Expr, indices: tuple[Index, ...]) -> Labelled:
        """One term of a sum, a delta that the sum does not reach in front of it."""
        outside = [
            f
            for f in Mul.make_args(term)
            if isinstance(f, KroneckerDelta) and not free_indices(f) & set(indices)
        ]
        if not outside:
            return self._under_sum(term, indices)
        inside = Mul(*(f for f in Mul.make_args(term) if f not in outside))
        return self._product([*outside, sigma_as_is(inside, indices)], ())

    def _product(self, factors: Sequence[Expr], summed: Sequence[Index]) -> Labelled:
        sums = [f for f in factors if isinstance(f, Add) and free_indices(f)]
        if len(sums) == 1 and len(factors) > 1 and not summed:
            rest = [f for f in factors if f is not sums[0]]
            if not any(free_indices(f) for f in rest):  # scalars go into the sum: powers meet there
                return self._added([self.built(Mul(*rest, term)) for term in sums[0].args])
            if sums[0].has(KroneckerDelta):
                return self._spread_out(factors, sums[0])
        joining = [f for f in factors if self._joined(f, factors, summed)]
        if joining:
            return self._reshaped_product(
                joining[0], [f for f in factors if f is not joining[0]], summed
            )
        for delta in factors:
            both = joined_both(delta, summed)
            if both is not None:
                rest = [f for f in factors if f is not delta]
                return reshaped_again(self._product, both, rest, summed)
        placing = [f for f in factors if self._places(f, factors, summed)]
        if placing:
            return self._placed(placing, [f for f in factors if f not in placing], summed)
        return self._multiplied(factors, summed)

    def _multiplied(self, factors: Sequence[Expr], summed: Sequence[Index]) -> Labelled:
        """The product of parts, contracted."""
        above: list[Labelled] = []
        scalars: list[Tree] = []
        below: list[Tree] = []
        number: Expr = S.One
        for factor in factors:
            part = self._factor(factor)
            if part is None:
                continue
            labelled, divides = part
            if not labelled.axes and isinstance(labelled.tree, Number) and not divides:
                number *= labelled.tree.value
            elif not labelled.axes:
                (below if divides else scalars).append(labelled.tree)
            elif divides:
                one = Number((), S.One)
                above.append(Labelled(apply("divide", one, labelled.tree), labelled.axes))
            else:
                above.append(labelled)
        result = contract(above, list(summed), self.order)
        numerator, denominator = number.as_numer_denom()
        if denominator != 1:
            below.insert(0, Number((), denominator))
        return Labelled(scaled(result.tree, numerator, scalars, below), result.axes)

    def _spread_out(self, factors: Sequence[Expr], terms: Expr) -> Labelled:
        """p_i (δ_ij − p_j) as one product, or as diag(p) − ppᵀ: whichever is shorter."""
        rest = Mul(*(f for f in factors if f is not terms))
        whole = self._multiplied(factors, ())
        apart = self._added([self.built(rest * term) for term in terms.args])
        wanted = tuple(sorted(whole.axes, key=lambda index: self.order.get(index, 0)))
        costs = [tree_cost(spread_to(part, wanted)) for part in (whole, apart)]
        return apart if costs[1] <= costs[0] else whole

    def _places(self, factor: Expr, factors: Sequence[Expr], summed: Sequence[Index]) -> bool:
        """Whether a delta puts entries somewhere in an array of zeros: δ(i, 0), δ(i, j + 1)."""
        if not isinstance(factor, KroneckerDelta):
            return False
        target, source = ends_of(factor, summed)
        if target is None or any(target in f.free_symbols for f in factors if f is not factor):
            return False
        inside = free_indices(source)
        if not named_within(source, target.size):
            return False
        if not inside:
            return True
        if len(inside) > 1:
            return False
        (index,) = inside
        same = source == index and index.size == target.size
        return index in summed and not same and source.coeff(index).is_positive is True

    def _joined(
        self, factor: Expr, factors: Sequence[Expr], summed: Sequence[Index]
    ) -> tuple[Index, tuple[Index, ...]] | None:
        """Of a delta δ(j, 3·k + l): j, and the axes that it runs through, some of them summed."""
        if not isinstance(factor, KroneckerDelta):
            return None
        for target, source in (factor.args, factor.args[::-1]):
            inside = free_indices(source)
            if type(target) is not Index or len(inside) < 2 or not inside & set(summed):
                continue
            if target in summed or any(f.has(target) for f in factors if f is not factor):
                continue
            axes = row_major(source, target.size)
            if axes is not None:
                return target, axes
        return None

    def _reshaped_product(
        self, factor: Expr, rest: Sequence[Expr], summed: Sequence[Index]
    ) -> Labelled:
        """The rest with the axes that a delta joins as one: reshape(B, (6,))."""
        found = self._joined(factor, [factor, *rest], summed)
        assert found is not None
        target, run = found
        axes = tuple(index if index in summed else fresh(index.size) for index in run)
        ties = [KroneckerDelta(*pair) for pair in zip(axes, run, strict=True) if len({*pair}) > 1]
        inner = self._product([*rest, *ties], [index for index in summed if index not in axes])
        others = [index for index in inner.axes if index not in axes]
        kept = sorted([*others, target], key=lambda i: self.order.get(i, len(self.order)))
        at = inner.axes.index(axes[0]) if axes[0] in inner.axes else 0
        if not self.order.keys() >= {*kept} and inner.axes[at : at + len(axes)] == axes:
            kept = [target if i == axes[0] else i for i in inner.axes if i not in axes[1:]]
        place = kept.index(target)
        tree = spread_to(inner, (*kept[:place], *axes, *kept[place + 1 :]))
        made = apply("reshape", tree, shape=tuple(index.size for index in kept))
        return Labelled(made, tuple(kept))

    def _placed(
        self, placing: Sequence[Expr], rest: Sequence[Expr], summed: Sequence[Index]
    ) -> Labelled:
        ends = [ends_of(f, summed) for f in placing]
        inside = [next(iter(free_indices(source))) for _, source in ends if free_indices(source)]
        if len(set(inside)) < len(inside):
            raise NoMatrixError  # one index put along two axes
        moved = {
            next(iter(free_indices(source))): (target, source)
            for target, source in ends
            if free_indices(source)
        }
        fixed = [(target, source) for target, source in ends if not free_indices(source)]
        inner = self._product(rest, [index for index in summed if index not in moved])
        axes = (*inner.axes, *(index for index in moved if index not in inner.axes))
        keys: list[tuple[Index, tuple[Any, ...], Index | None]] = []
        for index in axes:
            target, source = moved.get(index, (index, index))
            step = source.coeff(index)
            keys.append((target, ("slice", source - step * index, index.size, step), index))
        keys += [(target, ("int", place), None) for target, place in fixed]
        keys.sort(key=lambda row: self.order.get(row[0], len(keys)))
        tree = spread_to(inner, tuple(index for _, _, index in keys if index is not None))
        key = [one for _, one, _ in keys]
        result = [target for target, _, _ in keys]
        shape = tuple(index.size for index in result)
        return Labelled(place_at(tree, key, shape), tuple(result))

    def _factor(self, factor: Expr) -> tuple[Labelled, bool] | None:
        if isinstance(factor, Pow) and factor.exp.is_number and factor.exp.is_negative:
            return self.built(Pow(factor.base, -factor.exp)), True
        return self.built(factor), False
