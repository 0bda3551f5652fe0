"""From one sample to a batch: a model of one row, and columns of data, as one loss over all rows.

The same formulas hold in every row i; only the loss brings the rows together, as their mean or
their sum. So the lift adds one index to whatever depends on the data, and nothing else. Every
lifted stage is proved to be the stage of one row in every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sympy import Expr, Symbol

from symderive.array_certify import certify_array
from symderive.array_model import known_shapes, stage_indices, stage_tree, value_shape
from symderive.errors import FormulaError, ModelError, UnknownChoiceError
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.index import Index
from symderive.formulas.arrays.lifting import Lift, rowwise
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.op import ShapeError, entry, shown
from symderive.formulas.arrays.properties import NOTHING_KNOWN
from symderive.formulas.arrays.reading import read_array
from symderive.formulas.arrays.syntax import Shape, Tree, sizes_in
from symderive.formulas.arrays.text import text
from symderive.formulas.written import evaluated
from symderive.model import Model
from symderive.stages import Stage
from symderive.steps import Certificate

REDUCTIONS = ("mean", "sum")
"""How the losses of the rows become one."""

SIZES = ("m", "N", "rows", "n_rows")
TARGETS = ("L", "loss", "J", "batch_loss")
"""Names tried for the number of rows and for the loss of the batch."""


@dataclass(frozen=True, eq=False)
class Batch:
    """How a model was lifted.

    Attributes:
        columns: The names that are columns of data, or have a row of data each.
        size: The number of rows, as a name or a whole number.
        reduce: ``mean`` or ``sum``.
        row_target: The stage that holds the loss of each row.
        target: The stage that holds the loss of the batch.
        certificates: Of each stage that has rows: its row i is the stage of one sample.
    """

    columns: tuple[str, ...]
    size: str
    reduce: str
    row_target: str
    target: str
    certificates: Mapping[str, Certificate]

    def __str__(self) -> str:
        return "".join(map(str, self.told))

    @property
    def told(self) -> tuple[str | Symbol, ...]:
        """What the batch is, in words and names."""
        stages = list(self.certificates)
        each = "Each of the stages " if len(stages) > 1 else "The stage "
        what = "mean" if self.reduce == "mean" else "sum"
        return (
            *("The data ", *_listed(self.columns), " have ", Symbol(self.size)),
            *(" rows, and the same formulas hold in every row ", Symbol("i"), ". "),
            *(each, *_listed(stages), " holds one value for each row, which depends on that row "),
            *("alone; ", Symbol(self.target), f" is the {what} of ", Symbol(self.row_target)),
            f" over the rows, so each derivative is the {what} of the derivatives of the rows.",
        )


def _listed(names: Sequence[str]) -> list[str | Symbol]:
    *first, last = names
    parts = [part for name in first for part in (Symbol(name), ", ")]
    return [*parts[:-1], " and ", Symbol(last)] if first else [Symbol(last)]


def batch(
    model: Model,
    data: Sequence[str] | Mapping[str, Any],
    *,
    size: str | None = None,
    reduce: str = "mean",
    target: str | None = None,
    claims: Mapping[str, str] | None = None,
) -> Model:
    """The model of a whole batch: data names become columns, the target the mean over rows.

    Args:
        model: A model of one sample.
        data: The names that differ from row to row; or columns by name, which become the values.
            Columns that the model does not use are left out.
        size: A name for the number of rows; the first free one of ``SIZES``, if not given.
        reduce: ``"mean"`` or ``"sum"`` of the target over the rows.
        target: A name for the loss of the batch; the first free one of ``TARGETS``.
        claims: Answers about the batch to judge; those about one sample are left out.

    Raises:
        ModelError: A name is none of the model's data, columns differ in length, …

    >>> neuron = Model({"A": "sigmoid(x*w + b)", "E": "(A - y)**2/2"}, parameters=["w", "b"])
    >>> lifted = batch(neuron, ["x", "y"])
    >>> {name: stage.text for name, stage in lifted.stages.items()}
    {'A': 'sigmoid(x*w + b)', 'E': '(A - y)**2/2', 'L': 'mean(E)'}
    >>> lifted.shapes["A"]
    (m,)
    """
    if reduce not in REDUCTIONS:
        raise UnknownChoiceError("reduction of a batch", reduce, REDUCTIONS)
    values = dict(data) if isinstance(data, Mapping) else {}
    columns = _columns(model, data)
    size = size or _free(SIZES, model, "size")
    name = target or _free(TARGETS, model, "target")
    moving = _moving(model, columns)
    if model.unsettled is not None:
        raise model.unsettled
    if model.target not in moving:
        raise ModelError(
            f"the target {model.target} depends on no column of the data ({_listed(columns)}); "
            "name the columns that it uses",
            where=model.source,
        )
    if moving[model.target]:
        raise ModelError(
            f"the target {model.target} of one sample is an array; a batch needs one loss a row",
            where=model.source,
        )
    rows = _Rows(model, moving, Symbol(size))
    stages = {
        n: rows.text(stage) if n in moving else stage.text for n, stage in model.stages.items()
    }
    kept = {n: value for n, value in model.values.items() if n not in columns}
    given = {n: values[n] for n in columns if n in values}
    shapes = {n: shape for n, shape in rows.shapes.items() if n not in model.stages}
    known_shapes(_stated(shapes), given, model.source)
    made = Model(
        {**stages, name: f"{reduce}({model.target})"},
        parameters=model.parameters,
        target=name,
        learning_rate=model.learning_rate,
        title=model.title,
        text=model.text,
        functions=model.stated_functions,
        claims=claims,
        shapes=_stated(shapes),
        properties={n: p for n, p in model.stated_properties.items() if n not in moving},
        structured=model.structured,
        hessian=model.hessian,
        source=model.source,
    )
    made.values = MappingProxyType({**kept, **given})
    made.batch = Batch(
        columns,
        size,
        reduce,
        model.target,
        name,
        {n: rows.proof(made.stages[n]) for n in rows.stages},
    )
    made.text = f"{model.text.rstrip()}\n\n{made.batch}".strip()
    return made


def with_data(
    model: Model,
    data: Mapping[str, Any],
    *,
    reduce: str | None = None,
    size: str | None = None,
    claims: Mapping[str, str] | None = None,
) -> Model:
    """The model on columns of data, lifted to all rows where its names stand for one.

    Arrays that the model states get their values as they are.

    Args:
        model: A model of one sample, or one whose arrays have rows already.
        data: Columns by name; those that the model does not use are left out.
        reduce: As for ``batch``; only for a model of one sample.
        size: As for ``batch``.
        claims: As for ``batch``; the model's own, where nothing is lifted.

    Raises:
        ModelError: No column fits, or one has the wrong number of axes.
    """
    columns = _columns(model, data)
    lifted: list[str] = []
    for name in columns:
        axes, shape = len(value_shape(data[name], name)), model.shapes.get(name, ())
        if axes == len(shape) + 1:
            lifted.append(name)
        elif axes != len(shape):
            has = f"the shape {shown(shape)}" if shape else "no axes"
            raise ModelError(
                f"the data {name} have {axes} axes, but in the model it has {has}; the data of a "
                "model of one sample have one more, the rows",
                where=model.source,
            )
    rest = {name: data[name] for name in columns if name not in lifted}
    if rest:
        model = _filled(model, rest)
    if lifted:
        rows = {name: data[name] for name in lifted}
        return batch(model, rows, reduce=reduce or "mean", size=size, claims=claims)
    if reduce is not None:
        raise ModelError(
            f"the model says itself how the rows become one loss ({model.target}); "
            f"leave {reduce!r} out",
            where=model.source,
        )
    return model


def _filled(model: Model, values: Mapping[str, Any]) -> Model:
    """The model with other values of some arrays."""
    known = {**model.values, **values}
    arrays = {name: value for name, value in known.items() if model.shapes.get(name)}
    known_shapes(_stated(model.stated_shapes), arrays, model.source)
    made = copy(model)
    made.values = MappingProxyType(known)
    return made


def _stated(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    return {n: [int(s) if s.is_Integer else str(s) for s in shape] for n, shape in shapes.items()}


def _columns(model: Model, data: Iterable[str]) -> tuple[str, ...]:
    """The names of the data that the model uses.

    Raises:
        ModelError: A name is a parameter or a stage, or the model has none of them.
    """
    names = list(data)
    for name in names:
        role = "a parameter" if name in model.parameters else "a stage"
        if name in model.parameters or name in model.stages:
            raise ModelError(
                f"the data have a column {name}, but in the model {name} is {role}; rename the "
                "column, or choose the columns",
                where=model.source,
            )
        if name not in model.constants and not isinstance(data, Mapping):
            raise UnknownChoiceError("column", name, model.constants)
    found = tuple(name for name in names if name in model.constants)
    if not found:
        wanted = ", ".join(model.constants)
        wanted = f"the constants are {wanted}" if wanted else "the model has no constant"
        has = ", ".join(map(str, names[:10])) or "none"
        raise ModelError(
            f"no column of the data is a constant of the model; the columns are {has}; {wanted}",
            where=model.source,
        )
    return found


def _free(names: Sequence[str], model: Model, what: str) -> str:
    sizes = map(str, sizes_in(model.shapes.values()))
    taken = {*model.names, *model.parameters, *model.constants, *sizes}
    for name in names:
        if name not in taken:
            return name
    raise ModelError(
        f"the model uses {', '.join(names)} already; choose {what}=", where=model.source
    )


def _moving(model: Model, columns: Sequence[str]) -> dict[str, Shape]:
    """Shape of one row of the data and of every stage that depends on them."""
    found = {name: model.shapes.get(name, ()) for name in columns}
    for stage in model.stages.values():
        if any(name in found for name in stage.inputs):
            found[stage.name] = model.shapes.get(stage.name, ())
    return found


class _Rows:
    """The stages of one sample as stages of all rows.

    Args:
        model: The model of one sample.
        moving: Shape of one row of what has rows.
        size: The number of rows.
    """

    def __init__(self, model: Model, moving: Mapping[str, Shape], size: Expr) -> None:
        self.model, self.moving, self.size = model, dict(moving), size
        self.shapes: dict[str, Shape] = dict(model.shapes)
        self.shapes.update({name: (size, *shape) for name, shape in moving.items()})
        self.stages = tuple(name for name in model.stages if name in moving)
        self.row = Index("i", size)

    def text(self, stage: Stage) -> str:
        """The formula of all rows; as it stands, where NumPy's language reads it so."""
        if not self.model.shapes:
            tree = self._read(stage.text)
            if tree is not None and self._proved(stage, tree).verdict == "proved":
                return stage.text
            whole = rowwise(stage.written, self.moving, self.row)
            return text(Matrices(self.shapes).tree(evaluated(whole), (self.row,)))
        try:
            return text(Lift(self.moving, self.size)(stage_tree(stage)))
        except ShapeError as error:
            raise ModelError(f"{error}", where=f"stage {stage.name}") from None

    def _read(self, formula: str) -> Tree | None:
        """The text read as an array formula in the model's names; None where it is none."""
        try:
            names = frozenset(self.model.names)
            return read_array(formula, self.model.functions, self.shapes, declared=names)
        except FormulaError:
            return None

    def proof(self, stage: Stage) -> Certificate:
        """Whether row i of a lifted stage is the stage of one sample."""
        tree = self._read(stage.text)
        found = self._proved(self.model.stages[stage.name], tree) if tree is not None else None
        if found is None or found.verdict not in ("proved", "sampled"):
            raise ModelError(
                f"the stage {stage.name} could not be lifted to all rows; write it in NumPy's "
                "language, with the number of rows as its first axis",
                where=self.model.source,
            )
        return found

    def _proved(self, stage: Stage, tree: Tree) -> Certificate:
        shape = self.moving[stage.name]
        if tree.shape != (self.size, *shape):
            return Certificate("refuted", "the shape is another")
        at = stage_indices(shape)
        sample = entry(stage_tree(stage), at) if self.model.shapes else stage.written
        wanted = canonical(evaluated(rowwise(sample, self.moving, self.row)))
        found = canonical(evaluated(entry(tree, (self.row, *at))))
        if wanted == found:
            return Certificate("proved", "row i is the formula of one sample, as it stands")
        return certify_array(wanted, found, algebra_under(NOTHING_KNOWN), self.shapes)
