"""The contract of tf.GradientTape on array models: gradients, second and higher derivatives, H·v.

A second derivative is a first derivative of a model that has the gradient among its stages. Where
the variable has properties (symmetric, …), its entries are still differentiated as independent
ones: the gradient is taken without the properties, which simplify only the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, Rational, S, Symbol

from symderive.array_model import (
    Letters,
    StageReader,
    source_indices,
    stage_of,
    target_indices,
    value_shape,
)
from symderive.array_partials import ArrayPartial
from symderive.errors import ModelError, UnknownChoiceError
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.ops import add, apply, multiply, shown, total
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.simplify import shortest
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree, leaves
from symderive.formulas.functions import FUNCTIONS
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.model import Model
from symderive.results import Derivative, adjoint_name
from symderive.steps import Certificate, Line
from symderive.tape import asked_for, mapped, one_by_one, unconnected_gradient

if TYPE_CHECKING:
    from symderive.array_derivation import ArrayDerivation


def gradient(
    derivation: ArrayDerivation,
    target: str | Sequence[str] | None,
    sources: Any,
    output_gradients: object,
    unconnected: str,
) -> Any:
    """The gradient in the structure of its sources; see ``Derivation.gradient``.

    Of a target that is an array, the gradient of the sum of its entries, each times its weight.
    """
    none = unconnected_gradient(unconnected)
    targets, sources, weights = asked_for(derivation, target, sources, output_gradients)
    for name in targets:
        if name not in derivation.model.stages:
            raise UnknownChoiceError("stage", name, derivation.model.stages)
    plain = len(targets) == 1 and weights == [None] and not derivation.shape_of(targets[0])
    whole = None if plain else _weighted(derivation, targets, weights)

    def one(source: str) -> Expr | None:
        used = [n for n in targets if source == n or source in derivation.model.ancestors(n)]
        if not used:
            derivation.partial(targets[0], source)  # an unknown name is an error, not a zero
            return none
        if whole is None:
            return derivation.partial(targets[0], source).formula
        return _through(derivation, whole, source)

    return mapped(sources, one)


def _weighted(
    derivation: ArrayDerivation, targets: Sequence[str], weights: Sequence[object]
) -> tuple[Model, str]:
    """The model with Σ weight·target as a stage, and the name of that stage."""
    parts = []
    for target, weight in zip(targets, weights, strict=True):
        leaf = Leaf(derivation.shape_of(target), target)
        if weight is not None:
            tree = _weight(derivation, weight, "output_gradients", target, leaf.shape)
            if any(name in derivation.model.stages for name in leaves(tree)):
                tree = held_constant(tree)
            parts.append(total(multiply(tree, leaf)))
        else:
            parts.append(total(leaf) if leaf.ndim else leaf)
    return _with_stage(derivation, "_".join([*targets, "weighted"]), add(*parts))


def _through(derivation: ArrayDerivation, whole: tuple[Model, str], source: str) -> Expr:
    """The derivative of an added stage by a name, in names of the model alone."""
    from symderive.derivation import derive

    model, name = whole
    if source in model.stages and source not in model.ancestors(name):
        return S.Zero
    tied = derivation.structured
    partial = derive(model, name, (source,), structured=tied).partial(name, source)
    found = evaluated(partial.formula)
    symbols: dict[Basic, Basic] = {Symbol(name): model.stages[name].formula}
    return released(found.xreplace(symbols))


def held_constant(tree: Tree) -> Tree:
    """What is not differentiated though it depends on the variables: a weight."""
    return apply("stop_gradient", tree)


def released(formula: Expr) -> Expr:
    """A result with what was held constant by its own name."""
    held = FUNCTIONS["stop_gradient"].function
    found: Expr = formula.replace(held, lambda inner: inner)
    return found


def _released_tree(tree: Tree) -> Tree:
    if not isinstance(tree, Apply):
        return tree
    if tree.op == "stop_gradient":
        return _released_tree(tree.args[0])
    options = tuple((k, released(v) if isinstance(v, Expr) else v) for k, v in tree.options)
    return Apply(tree.shape, tree.op, tuple(map(_released_tree, tree.args)), options)


def _released(found: Derivative) -> Derivative:
    formula = released(found.formula)
    if formula == found.formula:
        return found
    lines = tuple(replace(line, formula=released(line.formula)) for line in found.lines)
    told = replace(found, formula=formula, lines=lines, forms=(formula,))
    return told.with_arrays(found.indices, _released_tree(found.tree))


def _with_stage(
    derivation: ArrayDerivation,
    name: str,
    tree: Tree,
    stages: Mapping[str, Any] | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> tuple[Model, str]:
    """The model with one more stage as its target, and the name of that stage."""
    model = derivation.model
    while name in model.names:
        name += "_"
    known = {**model.shapes, **(shapes or {})}
    reader = StageReader(known, model.properties, model.functions, str, model.templates)
    before = dict(stages if stages is not None else model.stages)
    return model.extended({**before, name: stage_of(reader, name, tree)}, name, shapes), name


def _weight(
    derivation: ArrayDerivation, stated: object, what: str, name: str, shape: Shape
) -> Tree:
    """A weight as a tree: a number, a formula in the names of the model, or a SymPy number."""
    if isinstance(stated, str):
        tree = _parsed(derivation, stated, what)
    elif isinstance(stated, int | float) and not isinstance(stated, bool):
        tree = Number((), Rational(str(stated)))
    elif isinstance(stated, Expr) and not stated.free_symbols:
        tree = Number((), stated)
    else:
        kind = type(stated).__name__
        raise ModelError(f"{what} of {name}: write a number or a formula as text, not {kind}")
    if tree.shape not in ((), shape):
        raise ModelError(
            f"{what} of {name} has the shape {shown(tree.shape)}, but {name} has the shape "
            f"{shown(shape)}"
        )
    return tree


def _parsed(derivation: ArrayDerivation, stated: str, what: str) -> Tree:
    model = derivation.model
    known = dict.fromkeys((*model.names, *model.parameters, *model.constants))
    return read_array(
        stated, model.functions, model.shapes, where=what, declared=known, strict=True
    )


# Higher orders ------------------------------------------------------------------------------------


def derivative(
    derivation: ArrayDerivation, target: str, source: str | Sequence[str], order: int
) -> Derivative:
    """The derivative by one name, ``order`` times, or by several, one after the other."""
    sources = one_by_one(source, order)
    first, *_ = [derivation.partial(target, name) for name in dict.fromkeys(sources)]
    return first if len(sources) == 1 else _derived(derivation, target, sources)


def _derived(derivation: ArrayDerivation, target: str, sources: Sequence[str]) -> Derivative:
    """The derivative by several names, one after the other."""
    from symderive.derivation import derive

    derivation = derivation.tied(structured=False)  # second derivatives are by single entries
    plain = without_properties(derivation.model, sources[1:])
    current: Any = derivation
    if plain is not derivation.model:
        current = derive(plain, target, (sources[0],), structured=False)
    name = target
    for source, following in pairwise(sources):
        if not current.chain(name, (source,)).on_path(source):
            return zero(derivation, target, sources)
        model, name = with_gradient(current, name, source)
        current = derive(model, name, (following,), structured=False)
    if sources[-1] not in current.model.ancestors(name):
        return replace(zero(derivation, target, sources), before=(current, name))
    found: Derivative = current.partial(name, sources[-1])
    extra = {n: s for n, s in current.model.stages.items() if n not in derivation.model.stages}
    if plain is not derivation.model:
        found = _simplified(derivation, found, current.model.shapes)
    return replace(found.moved_to(derivation, extra), before=(current, name))


def without_properties(model: Model, names: Sequence[str]) -> Model:
    """The model with nothing known of some names."""
    if not any(name in model.properties for name in names):
        return model
    arrays = {*names} & model.properties.keys()
    rest = {name: known for name, known in model.stated_properties.items() if name not in arrays}
    plain = Model(
        {stage.name: stage.text for stage in model.stages.values()},
        parameters=model.parameters,
        target=model.target,
        learning_rate=model.learning_rate,
        functions=model.stated_functions,
        shapes={n: [str(size) for size in s] for n, s in model.stated_shapes.items()},
        properties=rest,
        source=model.source,
    )
    plain.values = model.values
    return plain


def _simplified(
    derivation: ArrayDerivation, found: Derivative, shapes: Mapping[str, Shape]
) -> Derivative:
    """A derivative under all that is known of the model's arrays."""
    known = Knowledge(derivation.model.properties)
    formula = algebra_under(known).contracted(evaluated(found.formula))
    if formula == found.formula or formula.has(Diff):  # a deep one keeps adjoints by name
        return found
    tree = shortest(Matrices(shapes).tree(formula, found.indices), *known.for_trees(shapes))
    line = Line(formula, ("what is known of the arrays",), found.certificate)
    told = replace(found, formula=formula, lines=(*found.lines, line), forms=(formula,))
    return told.with_arrays(found.indices, tree)


def zero(derivation: ArrayDerivation, target: str, sources: Sequence[str]) -> Derivative:
    """The derivative of what does not depend on a name."""
    top = target_indices(derivation.shape_of(target))
    below = [index for name in sources for index in source_indices(derivation.shape_of(name))]
    shape = tuple(index.size for index in (*top, *below))
    marks = tuple(Index(f"_z{k}", size) for k, size in enumerate(shape))
    at = Letters(frozenset(derivation.model.names), marks).of(marks)
    line = Line(S.Zero, ("no path",), Certificate("proved", "no path leads there"))
    whole = Derivative(S.Zero, (line,), (), line.certificate, (S.Zero,), "", derivation)  # type: ignore[arg-type]
    return whole.with_arrays(at, filled(Number((), S.Zero), shape))


def with_gradient(derivation: ArrayDerivation, target: str, source: str) -> tuple[Model, str]:
    """The model with ∂target/∂source among its stages, and the name of that stage.

    Raises:
        ModelError: The derivative is zero: no path leads there.
    """
    model = derivation.model
    chain = derivation.chain(target, (source,))
    if source not in chain.partials:
        raise ModelError(f"∂{target}/∂{source} is zero: {derivation.explain(target, source)}")
    shapes = dict(model.shapes)
    reader = StageReader(shapes, model.properties, model.functions, str, model.templates)
    stages: dict[str, Any] = dict(model.stages)

    def add_stage(user: str) -> str:
        name = adjoint_name(target, user)
        if name not in stages:
            partial = chain.partials[user]
            assert isinstance(partial, ArrayPartial)
            for other in leaves(partial.tree):
                if other not in shapes and other.startswith(f"{target}_D_"):
                    add_stage(other.removeprefix(f"{target}_D_"))
            stages[name] = stage_of(reader, name, partial.tree)
        return name

    name = add_stage(source)
    return model.extended(stages, name), name


def hessian_vector_product(
    derivation: ArrayDerivation, vector: Mapping[str, Any], target: str
) -> dict[str, Derivative]:
    """The gradient of ∇·v, by name."""
    from symderive.derivation import derive

    if derivation.shape_of(target):
        raise ModelError(f"H·v needs a target that is a number; {target} is an array: sum it")
    derivation = derivation.tied(structured=False)
    model = derivation.model
    plain = without_properties(model, tuple(vector))
    inner: Any = derivation
    if plain is not model:
        inner = derive(plain, target, tuple(vector), structured=False)
    stages: dict[str, Any] = dict(inner.model.stages)
    shapes: dict[str, Shape] = {}
    values: dict[str, Any] = {}
    parts: list[Tree] = []
    for name, weight in vector.items():
        derivation.partial(target, name)
        if not inner.chain(target, (name,)).on_path(name):
            continue
        extended, slope = with_gradient(inner, target, name)
        stages.update({n: s for n, s in extended.stages.items() if n not in stages})
        shape = derivation.shape_of(name)
        part = _vector(derivation, name, weight, shapes, values)
        if set(leaves(part)) & {*vector, *model.stages}:
            part = held_constant(part)
        parts.append(total(multiply(part, Leaf(shape, slope))))
    if not parts:
        return {name: zero(derivation, target, (name,)) for name in vector}
    whole, product = _with_stage(inner, f"{target}_dot_v", add(*parts), stages, shapes)
    whole.values = {**whole.values, **values}
    extra: dict[str, Any] = {n: s for n, s in whole.stages.items() if n not in model.stages}
    extra |= dict.fromkeys(shapes)
    result = {}
    for name in vector:
        if name not in whole.ancestors(product):
            result[name] = zero(derivation, target, (name,))
            continue
        found = derive(whole, product, (name,), structured=False).partial(product, name)
        if plain is not model:
            found = _simplified(derivation, found, whole.shapes)
        result[name] = _released(found).moved_to(derivation, extra)
    return result


def _vector(
    derivation: ArrayDerivation,
    name: str,
    stated: Any,
    shapes: dict[str, Shape],
    values: dict[str, Any],
) -> Tree:
    """The part of a vector that belongs to a name: a formula, a new name, a number or an array."""
    model, shape = derivation.model, derivation.shape_of(name)
    if isinstance(stated, str) and stated.isidentifier() and stated not in model.names:
        shapes[stated] = shape
        return Leaf(shape, stated)
    if isinstance(stated, list | tuple) or getattr(stated, "ndim", False):
        found = value_shape(stated, f"the vector for {name}")
        if len(found) != len(shape):
            message = f"the vector for {name} has the shape {found}, but {name} has {shown(shape)}"
            raise ModelError(message)
        mine = f"v_{name}"
        while mine in model.names:
            mine += "_"
        shapes[mine], values[mine] = shape, stated
        return Leaf(shape, mine)
    return _weight(derivation, stated, "the vector", name, shape)


def newton(derivation: ArrayDerivation, values: Mapping[str, Any]) -> dict[str, Any]:
    """One step of Newton's method: the new parameters by name, arrays in their shapes."""
    from symderive.numeric.arrays import newton_blocks

    if derivation.shape_of(derivation.target):
        raise ModelError(
            f"Newton's method needs a number to minimise; {derivation.target} is an array"
        )
    names = derivation.sources
    derivation = derivation.tied(structured=False)
    slopes = derivation.evaluate(**values).gradient
    blocks = [
        [derivation.second(derivation.target, a, b).evaluate(**values) for b in names]
        for a in names
    ]
    old = {name: values.get(name, derivation.model.values.get(name)) for name in names}
    return newton_blocks(old, slopes, blocks)
