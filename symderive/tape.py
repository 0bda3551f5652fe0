"""The contract of tf.GradientTape, on derivations.

Gradients in the structure of their sources, Jacobians, Hessians and higher derivatives, each with
its steps. A second derivative is a first derivative of a model that has the gradient among its
stages: the same rules, the same chain rule, the same proofs.
Source of the contract: https://www.tensorflow.org/api_docs/python/tf/GradientTape
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sympy import Basic, Expr, ImmutableMatrix, S, Symbol
from sympy.core.relational import Relational

from symderive.certify import certify
from symderive.chain import MAX_DEFINITIONS
from symderive.closed_form import Form, closed_forms
from symderive.errors import ModelError, UnknownChoiceError
from symderive.formulas.functions import function_of
from symderive.formulas.inert import Diff
from symderive.formulas.parsing import parse
from symderive.formulas.written import evaluated, orderly, rename
from symderive.links import weakest
from symderive.model import Model
from symderive.relations import Definition, with_definitions
from symderive.results import Derivative, adjoint_name, named
from symderive.stages import Stage
from symderive.steps import Line

if TYPE_CHECKING:
    from symderive.derivation import Derivation

WORTH_A_LINE = 1.0
"""How much shorter a higher derivative gets before it is rewritten: products stay as they came."""

UNCONNECTED: Mapping[str, Expr | None] = {"none": None, "zero": S.Zero}


def gradient(
    derivation: Derivation,
    target: str | Sequence[str] | None,
    sources: Any,
    output_gradients: object,
    unconnected: str,
) -> Any:
    """The gradient in the structure of its sources; see ``Derivation.gradient``."""
    none = unconnected_gradient(unconnected)
    targets, sources, weights = asked_for(derivation, target, sources, output_gradients)
    seeds = [_formula(derivation, weight) for weight in weights]
    reached = {name: _reached(derivation.model, name) for name in targets}

    def total(source: str) -> Expr | None:
        parts = []
        for name, seed in zip(targets, seeds, strict=True):
            if source in reached[name]:
                parts.append(evaluated(seed) * derivation.partial(name, source).formula)
        if not parts:
            derivation.partial(targets[0], source)  # an unknown name is an error, not a zero
            return none
        return sum(parts, S.Zero)

    return mapped(sources, total)


def unconnected_gradient(kind: str) -> Expr | None:
    """The gradient by a name without a path to the target."""
    if kind not in UNCONNECTED:
        raise UnknownChoiceError("unconnected_gradients", kind, UNCONNECTED)
    return UNCONNECTED[kind]


def asked_for(
    derivation: Derivation,
    target: str | Sequence[str] | None,
    sources: Any,
    output_gradients: object,
) -> tuple[list[str], Any, list[object]]:
    """The targets, the sources and a weight for each target, with the defaults put in."""
    targets = [target] if isinstance(target, str) else list(target or [derivation.target])
    sources = {name: name for name in derivation.sources} if sources is None else sources
    weights: list[object] = [output_gradients] * len(targets)
    if isinstance(output_gradients, Sequence) and not isinstance(output_gradients, str):
        weights = list(output_gradients)
    if len(weights) != len(targets):
        raise ModelError(
            f"{len(targets)} targets need as many output_gradients; got {len(weights)}"
        )
    return targets, sources, weights


def _reached(model: Model, target: str) -> set[str]:
    """The names a gradient flows to: past no stop_gradient, and not through a condition."""
    seen, queue = {target}, [target]
    while queue:
        name = queue.pop()
        if name in model.stages:
            found = set(_flowing(model.stages[name].written)) - seen
            seen |= found
            queue += found
    return seen


def _flowing(formula: Basic) -> Iterator[str]:
    if isinstance(formula, Symbol):
        yield formula.name
    row = function_of(formula)
    if isinstance(formula, Relational) or (row is not None and row.name == "stop_gradient"):
        return
    for arg in formula.args:
        yield from _flowing(arg)


def _formula(derivation: Derivation, weight: object) -> Expr:
    if weight is None:
        return S.One
    if isinstance(weight, Expr):
        return weight
    return parse(str(weight), derivation.model.functions, where="output_gradients").written


def mapped(sources: Any, function: Any) -> Any:
    """What a function makes of each name, in the structure of the sources."""
    if isinstance(sources, str):
        return function(sources)
    if isinstance(sources, Mapping):
        return {key: mapped(value, function) for key, value in sources.items()}
    if isinstance(sources, Sequence):
        return type(sources)(mapped(value, function) for value in sources)  # type: ignore[call-arg]
    raise ModelError(f"sources are names, lists or dicts of names; got {type(sources).__name__}")


# Matrices and higher orders -----------------------------------------------------------------------


def jacobian(
    derivation: Derivation, target: str | Sequence[str], source: str | Sequence[str]
) -> Derivative:
    """The derivatives of stages by names; rows are targets, columns sources."""
    if isinstance(target, str) and isinstance(source, str):
        return derivation.partial(target, source)
    rows = [target] if isinstance(target, str) else list(target)
    columns = [source] if isinstance(source, str) else list(source)
    return _matrix(derivation, [[derivation.partial(t, s) for s in columns] for t in rows])


def _matrix(derivation: Derivation, parts: list[list[Derivative]]) -> Derivative:
    flat = [part for row in parts for part in row]
    formula = ImmutableMatrix([[part.formula for part in row] for row in parts])
    return Derivative(
        formula,
        tuple(line for part in flat for line in part.lines),
        tuple(link for part in flat for link in part.links),
        weakest(part.certificate for part in flat),
        (formula,),
        "",
        derivation,
    )


def hessian(derivation: Derivation, target: str, source: str | Sequence[str] | None) -> Derivative:
    """The second derivatives of a stage."""
    if isinstance(source, str):
        return derivation.derivative(target, (source, source))
    names = list(source if source is not None else derivation.sources)
    parts = [[derivation.derivative(target, (a, b)) for b in names] for a in names]
    return replace(_matrix(derivation, parts), twice=target)


def hessian_vector_product(
    derivation: Derivation, vector: Mapping[str, Any], target: str
) -> dict[str, Derivative]:
    """The gradient of ∇·v, by name."""
    from symderive.derivation import derive

    if not isinstance(vector, Mapping) or not vector:
        raise ModelError(
            "the vector of a Hessian-vector product is numbers or formulas by name, "
            f"such as {{'w': 1.0}}; got {vector!r}"
        )
    model = derivation.model
    parts: list[str] = []
    stages: dict[str, Any] = dict(model.stages)
    for name, weight in vector.items():
        extended, _ = with_gradient(derivation, target, name)
        stages.update({n: s for n, s in extended.stages.items() if n not in stages})
        parts.append(f"({weight})*{adjoint_name(target, name)}")
    product = f"{target}_dot_v"
    stages[product] = " + ".join(parts)
    whole = derive(model.extended(stages, product))
    return {
        name: renamed(derivation, whole.partial(product, name), target, vector) for name in vector
    }


def derivative(
    derivation: Derivation, target: str, source: str | Sequence[str], order: int
) -> Derivative:
    """The derivative by one name, ``order`` times, or by several, one after the other."""
    sources = one_by_one(source, order)
    current, name = one_before(derivation, target, sources)
    twice = target if len(sources) == 2 and len({*sources}) == 1 else ""
    found = replace(current.partial(name, sources[-1]), before=(current, name))
    return replace(renamed(derivation, found, target, sources), twice=twice)


def one_by_one(source: str | Sequence[str], order: int) -> tuple[str, ...]:
    """The names that a derivative is by, one after the other."""
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise ModelError(f"the order of a derivative is a whole number from 1; got {order}")
    return (source,) * order if isinstance(source, str) else tuple(source)


def one_before(
    derivation: Derivation, target: str, sources: Sequence[str]
) -> tuple[Derivation, str]:
    """A derivation whose first derivative by the last source is the one by all of them.

    Returns:
        The derivation, and the stage in it that is all derivatives but the last.
    """
    from symderive.derivation import derive

    current, name = derivation, target
    for source, following in pairwise(sources):
        model, name = with_gradient(current, name, source)
        current = derive(model, name, (following,))
    return current, name


def with_gradient(derivation: Derivation, target: str, source: str) -> tuple[Model, str]:
    """The model with ∂target/∂source among its stages, and the name of that stage."""
    model = derivation.model
    formula = derivation.partial(target, source).formula
    chain = derivation.chain(target, (source,))
    stages: dict[str, Stage | str | Expr] = dict(model.stages)
    pending = [str(part.args[1]) for part in formula.atoms(Diff)]
    while pending:  # adjoints that a deep model keeps by name become stages too
        user = pending.pop()
        name = adjoint_name(target, user)
        if name not in stages:
            local = chain.partials[user].formula
            stages[name] = named(local)
            pending += [str(part.args[1]) for part in local.atoms(Diff)]
    name = adjoint_name(target, source)
    stages[name] = named(formula)
    return model.extended(stages, name), name


def renamed(
    derivation: Derivation, found: Derivative, target: str, sources: Iterable[str]
) -> Derivative:
    """The same derivative, told to the reader as one of the original model, in its simplest form.

    Where a deep model keeps adjoints by name, the gradient's stages stay in it.
    """
    if found.formula.has(Diff):
        return found
    stages = derivation.model.stages
    extra = {
        Symbol(name): stage.written
        for name, stage in found.derivation.model.stages.items()
        if name not in stages
    }
    formula = found.formula
    while formula.free_symbols & extra.keys():
        formula = rename(formula, extra)
    formula = evaluated(formula)
    lines = [Line(line.formula, line.reasons, line.certificate) for line in found.lines]
    if formula != evaluated(lines[-1].formula):
        proof = certify(lines[-1].formula, formula, where=extra)
        lines.append(Line(formula, ("lower derivatives put in",), proof))
    closed = _closed(derivation.model, formula, target, sources)
    where = {Symbol(name): stage.written for name, stage in stages.items()}
    for rewritten, reason in closed.rewritings:
        lines.append(Line(rewritten, (reason,), certify(formula, rewritten, where=where)))
    result = orderly(closed.formula)
    return Derivative(
        result,
        tuple(lines),
        found.links,
        weakest(line.certificate for line in lines if line.certificate),
        (result,),
        found.rule,
        derivation,
        before=found.before,
    )


def _closed(model: Model, formula: Expr, target: str, sources: Iterable[str]) -> Form:
    """The simplest form in the names of the stages, but for those that come before a source."""
    if target not in model.stages:
        return Form(formula, ())
    firm = frozenset(map(Symbol, model.firm))
    own = model.stages[target].written
    form = Form(formula, ())
    for name, definition in ((None, None), (Symbol(target), own)):  # its own algebra comes first
        plain = evaluated(form.formula)
        found = closed_forms(plain, name, definition, positive=firm, firm=firm)[0]
        if found.measure <= form.measure - WORTH_A_LINE:
            form = replace(found, rewritings=(*form.rewritings, *found.rewritings))
    inside = {name for source in sources for name in model.ancestors(source)}
    inner = model.ancestors(target) - inside
    between = [name for name in model.stages if name in inner]
    if len(between) >= MAX_DEFINITIONS:
        return form
    definitions = {
        Symbol(name): Definition(model.stages[name].written, f"definition of {name}")
        for name in between
    }
    further = with_definitions(form.formula, definitions)
    return replace(further, rewritings=(*form.rewritings, *further.rewritings))
