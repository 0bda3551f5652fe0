"""A model: its stages, the roles of their names, and who uses whom.

Stages may be stated in any order; they are kept in the order in which they are computed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from keyword import iskeyword
from numbers import Real
from types import MappingProxyType
from typing import Any

from sympy import Expr

from symderive.conditions import is_positive
from symderive.display import number, table
from symderive.errors import ModelError, UnknownChoiceError, did_you_mean, unknown_in
from symderive.formulas.functions import (
    FUNCTIONS,
    NamedFunction,
    user_functions,
)
from symderive.formulas.hand import Hand
from symderive.formulas.inert import placeholder
from symderive.formulas.ordering import MAX_ORDERED, reading_order
from symderive.formulas.parsing import WORDS, Template, from_sympy, parse
from symderive.formulas.written import evaluated
from symderive.stages import Stage, fixed_among, in_order, undefined_in

Values = Mapping[str, Any] | Sequence[str]
Shape = tuple[Expr, ...]


POSITIVE = "positive"
"""What may be stated of a scalar."""

MAX_TOLD = 12
"""Stages that a model shows of itself."""


def _arrays_among(*groups: Values | None) -> dict[str, object]:
    """The values that are arrays: nested lists, or anything with a shape."""
    return {
        name: value
        for group in groups
        if isinstance(group, Mapping)
        for name, value in group.items()
        if isinstance(value, list | tuple) or getattr(value, "ndim", False)
    }


class Model:
    """Stages, and the roles of the names in them. Immutable.

    Args:
        stages: Formula (text or SymPy expression) by name, in any order.
        parameters: The names to differentiate by: values by name (None for none), or a list of
            names. With no parameters at all, every free name is one, except those by
            which no derivative can be stated (the order of a Bessel function).
        constants: Data and targets, likewise. Names left undeclared are constants, unless
            parameters and constants are both stated: then an undeclared name is an error.
        target: The stage to differentiate; the last one that nothing uses, if not given.
        learning_rate: The step of the update ``w ← w − γ ∂L/∂w``; positive.
        title: Title of the document.
        text: Prose for its first lines.
        functions: The user's own: ``{"bump(x)": "exp(-x**2)"}``; see ``user_functions``.
        claims: A reader's answers to judge: ``{"dA3/dA1": "A2 - Y"}``.
        shapes: Of arrays: ``{"X": "m n", "w": "n"}``; a size is a name or a whole number. Names
            without a shape are scalars, unless their value is an array.
        properties: What is known of names: of arrays, ``{"A": "symmetric"}``, rows of
            ``PROPERTIES``; of scalars, ``{"a": "positive"}``.
        structured: Whether the entries of a symmetric, diagonal or triangular parameter move
            together: its gradient is then G + Gᵀ − diag(G), G that of independent entries.
        hessian: The names whose second derivatives a document tells; True for all parameters.
        source: Where the model comes from (a file name), for messages.

    Raises:
        ModelError: Names that clash, cycles, values that are not finite numbers, ….
        FormulaError: A formula that cannot be read; the message shows the column.

    >>> model = Model({"A2": "sigmoid(A1)", "A1": "x*w + b"}, parameters={"w": 0.5, "b": 0.0})
    >>> list(model.stages), model.target, model.parameters, model.constants
    (['A1', 'A2'], 'A2', ('w', 'b'), ('x',))
    """

    def __init__(
        self,
        stages: Mapping[str, str | Expr | Stage],
        *,
        parameters: Values | None = None,
        constants: Values | None = None,
        target: str | None = None,
        learning_rate: float = 0.1,
        title: str = "",
        text: str = "",
        functions: Mapping[str, object] | None = None,
        claims: Mapping[str, str] | None = None,
        shapes: Mapping[str, str | Sequence[str | int]] | None = None,
        properties: Mapping[str, str | Sequence[str]] | None = None,
        structured: bool = False,
        hessian: bool | Sequence[str] = False,
        source: str = "",
    ) -> None:
        self.source, self.title, self.text = source, title, text
        self.structured = structured
        self.claims = MappingProxyType(dict(claims or {}))
        self.stated_functions = MappingProxyType(dict(functions or {}))
        if not isinstance(stages, Mapping):
            advice = "sd.Model({'y': 'x**2'}), or sd.read('model.toml')"
            raise ModelError(f"stages are formulas by name, not {stages!r}; write {advice}")
        if not stages:
            raise ModelError("the model has no stages; state at least one", where=source)
        self.functions: Mapping[str, NamedFunction] = FUNCTIONS
        if functions:
            self.functions = {**FUNCTIONS, **user_functions(functions, where=source)}
        self._declared = {*stages, *(parameters or ()), *(constants or ()), *(shapes or ())}
        for name in (*stages, *(parameters or ()), *(constants or ()), *(shapes or ())):
            self._check_name(name)
        self.templates: dict[str, Template] = {}
        self.shapes: Mapping[str, Shape] = {}
        self.properties: Mapping[str, tuple[str, ...]] = {}
        self.known: Mapping[str, tuple[str, ...]] = {}  # with those of stages, which follow
        arrays = _arrays_among(parameters, constants)
        whole = {*(name for name, shape in (shapes or {}).items() if shape), *arrays}
        self.positive, rest = self._split(properties or {}, whole)
        if shapes or arrays:
            stated = self._read_array_stages(stages, shapes or {}, arrays, rest)
        else:
            stated = {name: self._read_stage(name, text) for name, text in stages.items()}
        self.stages: Mapping[str, Stage] = MappingProxyType(in_order(stated, self._place))
        self.names = tuple(
            dict.fromkeys(n for stage in self.stages.values() for n in (*stage.inputs, stage.name))
        )
        self._assign_roles(parameters, constants)
        self._check_positive()
        self.hessian = self._names_of_hessian(hessian)
        self.learning_rate = self._number(learning_rate, "learning_rate")
        if self.learning_rate <= 0:
            raise ModelError("learning_rate must be positive", where=source)
        self.batch: object = None  # how it was lifted from one sample; see batching.py
        self.unsettled: ModelError | None = None
        self.target = self._find_target(target)

    def __repr__(self) -> str:
        stated = "; ".join(f"{stage.name} = {stage.text}" for stage in self._few)
        more = "; …" if len(self.stages) > len(self._few) else ""
        return f"Model({stated}{more})"

    def _repr_html_(self) -> str:
        """The stages, and what is given, as a notebook shows them."""
        rows = [(stage.name, stage.text) for stage in self._few]
        for kind, names in (("parameter", self.parameters), ("constant", self.constants)):
            rows += [(name, self._given(kind, name)) for name in names]
        return table(("", "formula or value"), rows, self.title)

    @property
    def _few(self) -> list[Stage]:
        return list(self.stages.values())[:MAX_TOLD]

    def _given(self, kind: str, name: str) -> str:
        """What is said of a name that is not computed: its role, shape and value."""
        shape = ", ".join(map(str, self.shapes.get(name, ())))
        value = self.values.get(name)
        told = number(value) if value is not None and not shape else ""
        return ", ".join(part for part in (kind, f"shape ({shape})" if shape else "", told) if part)

    # Reading ------------------------------------------------------------------------------

    def _split(
        self, properties: Mapping[str, str | Sequence[str]], arrays: Collection[str]
    ) -> tuple[frozenset[str], dict[str, str | Sequence[str]]]:
        """The scalars that are stated to be positive, and the properties of arrays."""
        positive, rest = set[str](), dict[str, str | Sequence[str]]()
        for name, stated in properties.items():
            words = [stated] if isinstance(stated, str) else [*stated]
            if name not in arrays and POSITIVE in words:
                positive.add(name)
                words.remove(POSITIVE)
            if words and not arrays:
                message = f"{words[0]!r} is stated of arrays; state the shape of {name}"
                raise ModelError(f"{message}. A scalar may be {POSITIVE!r}", where=self.source)
            rest |= {name: stated} if words else {}
        return frozenset(positive), rest

    def _names_of_hessian(self, stated: bool | Sequence[str]) -> tuple[str, ...]:
        if isinstance(stated, bool):
            return self.parameters if stated else ()
        names = (stated,) if isinstance(stated, str) else tuple(stated)
        for name in names:
            self._check_used(name)
        return names

    def _check_used(self, name: str) -> None:
        if name not in self.names and name not in self.parameters:
            hint = did_you_mean(name, self.names, "write one of the model's")
            raise ModelError(f"no formula has the name {name!r}; {hint}", where=self.source)

    def _check_positive(self) -> None:
        """What is stated to be positive is a name of the model, and its value is.

        Of a stage, its formula says it: to state it would be to change the model.
        """
        for name in sorted(self.positive):
            if name in self.stages:
                message = f"{name} is a stage: its formula says whether it is positive"
                raise ModelError(message, where=self.source)
            self._check_used(name)
            if self.values.get(name, 1.0) <= 0:
                message = f"{name} is stated to be positive; its value is {self.values[name]}"
                raise ModelError(message, where=self.source)

    @property
    def stated_shapes(self) -> dict[str, Shape]:
        """The shapes as ``Model`` takes them: of what is no stage."""
        return {name: shape for name, shape in self.shapes.items() if name not in self.stages}

    @property
    def stated_properties(self) -> dict[str, str | Sequence[str]]:
        """The properties as ``Model`` takes them."""
        return {**self.properties, **dict.fromkeys(sorted(self.positive), POSITIVE)}

    @cached_property
    def firm(self) -> frozenset[str]:
        """The names that are positive: as stated, or by the formula of the stage."""
        known = set(self.positive)
        by_form: dict[tuple[Template, frozenset[int]], bool] = {}
        for name, stage in self.stages.items():
            places = frozenset(k for k, used in enumerate(stage.inputs) if used in known)
            key = (stage.parsed.template, places)
            if key not in by_form:
                by_form[key] = is_positive(evaluated(key[0].written), {*map(placeholder, places)})
            if by_form[key]:
                known.add(name)
        return frozenset(known)

    def _place(self, stage: str) -> str:
        return f"{self.source}, stage {stage}" if self.source else f"stage {stage}"

    def _check_name(self, name: str) -> None:
        allowed = iskeyword(name) and name not in WORDS and name != "None"
        if not isinstance(name, str) or not (name.isidentifier() or allowed):
            raise ModelError(
                f"{name!r} cannot be a name; use letters, digits and underscores",
                where=self.source,
            )
        if name.startswith("_") or name in WORDS or name == "None":
            raise ModelError(f"the name {name!r} is reserved; choose another", where=self.source)

    def _read_stage(self, name: str, text: str | Expr | Stage) -> Stage:
        where = self._place(name)
        if isinstance(text, Stage):
            return text
        if isinstance(text, Expr):
            return Stage(name, str(text), from_sympy(text, self.functions, where=where))
        if not isinstance(text, str):
            kind = type(text).__name__
            raise ModelError(f"a formula is text or a SymPy expression, not {kind}", where=where)
        parsed = parse(
            text,
            self.functions,
            where=where,
            templates=self.templates,
            declared=self._declared,
        )
        return Stage(name, text, parsed)

    def _read_array_stages(
        self,
        stages: Mapping[str, str | Expr | Stage],
        shapes: Mapping[str, str | Sequence[str | int]],
        arrays: Mapping[str, object],
        properties: Mapping[str, str | Sequence[str]],
    ) -> dict[str, Stage]:
        """The stages of a model with arrays, each read when the shapes of its inputs are known."""
        from symderive.array_model import StageReader, known_shapes, read_properties

        known = known_shapes(shapes, arrays, self.source)
        self.properties = read_properties(properties, known, arrays, self.source)
        reader = StageReader(known, self.properties, self.functions, self._place, self.templates)
        waiting = {
            name: text if isinstance(text, Stage) else reader.waiting(name, text, self._declared)
            for name, text in stages.items()
        }
        done: dict[str, Stage] = {}
        for name, stage in in_order(waiting, self._place).items():
            if isinstance(stages[name], Stage):
                known[name] = stage.parsed.template.shape  # type: ignore[attr-defined]
                reader.notice(name, stage.parsed.template.tree, stage.inputs)  # type: ignore[attr-defined]
                done[name] = stage
            else:
                done |= {s.name: s for s in reader.read(name, stage.text, self._declared)}
        self.shapes, self.known = MappingProxyType(known), MappingProxyType(reader.properties)
        return done

    # Roles --------------------------------------------------------------------------------

    def _assign_roles(self, parameters: Values | None, constants: Values | None) -> None:
        free = [name for name in self.names if name not in self.stages]
        declared = (*(parameters or ()), *(constants or ()))
        for name in declared:
            if name in self.stages or declared.count(name) > 1:
                roles = "a stage and an input" if name in self.stages else "stated twice"
                raise ModelError(f"the name {name!r} is {roles}; choose one", where=self.source)
        both = parameters is not None and constants is not None
        for name in free if both else ():
            if name not in declared and name not in self.shapes:
                self._reject_unknown(name, (*declared, *self.stages))
        if parameters is None:
            fixed = {*(constants or ()), *fixed_among(self.stages.values())}
            parameters = [n for n in free if n not in fixed]
        self.parameters = tuple(parameters)
        undeclared = [n for n in free if n not in declared and n not in self.parameters]
        self.constants = (*(constants or ()), *undeclared)
        self.values: Mapping[str, float] = MappingProxyType(
            {
                name: value if name in self.shapes else self._number(value, name)
                for group in (parameters, constants)
                if isinstance(group, Mapping)
                for name, value in group.items()
                if value is not None  # a name without a value, among others that have one
            }
        )

    def _reject_unknown(self, name: str, known: Iterable[str]) -> None:
        hint = did_you_mean(name, known, "declare it a parameter or a constant")
        stage = next(s for s in self.stages.values() if name in s.inputs)
        if name not in stage.text:
            raise ModelError(f"unknown name {name!r}; {hint}", where=self._place(stage.name))
        raise unknown_in(stage.text, "name", name, hint, self._place(stage.name))

    def _number(self, value: object, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            kind = type(value).__name__
            raise ModelError(f"the value of {name} must be a number, not {kind}", where=self.source)
        if not math.isfinite(value):
            raise ModelError(
                f"the value of {name} is {value}; it must be finite", where=self.source
            )
        return float(value)

    def extended(
        self,
        stages: Mapping[str, str | Expr | Stage],
        target: str,
        shapes: Mapping[str, Shape] | None = None,
    ) -> Model:
        """The model with other stages and another target; roles and values stay.

        Args:
            stages: All of them.
            target: The one to differentiate.
            shapes: Of names that are new.
        """
        model = Model(
            stages,
            parameters=self.parameters,
            target=target,
            learning_rate=self.learning_rate,
            functions=self.stated_functions,
            shapes={**self.stated_shapes, **(shapes or {})},
            properties=self.stated_properties,
            source=self.source,
        )
        model.values = self.values
        return model

    @cached_property
    def order(self) -> Hand:
        """The names in the order in which a reader expects them in sums and products."""
        few = () if len(self.names) > MAX_ORDERED else tuple(self.stages.values())
        formulas = [] if self.shapes else [stage.written for stage in few]
        names = reading_order(self.names, formulas)
        return Hand(names, [stage.text for stage in few], self.functions)

    # The graph ----------------------------------------------------------------------------

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """The stages that use each name, in order of computation."""
        users: dict[str, list[str]] = {name: [] for name in (*self.names, *self.parameters)}
        for stage in self.stages.values():
            for name in stage.inputs:
                users[name].append(stage.name)
        return {name: tuple(stages) for name, stages in users.items()}

    def ancestors(self, target: str) -> set[str]:
        """The names that a stage depends on, itself included."""
        seen, queue = {target}, [target]
        while queue:
            stage = self.stages.get(queue.pop())
            fresh = [n for n in (stage.inputs if stage else ()) if n not in seen]
            seen.update(fresh)
            queue.extend(fresh)
        return seen

    def _find_target(self, target: str | None) -> str:
        if target is not None and target not in self.stages:
            raise UnknownChoiceError("target stage", target, self.stages)
        chosen = target or [name for name in self.stages if not self.users[name]][-1]
        reached = self.ancestors(chosen)
        unreached = [name for name in self.stages if name not in reached]
        if unreached and target is None:  # an error for whoever asks for the target
            told = f"the target is {chosen}, and nothing there uses this stage; use it, remove it, "
            told += f'or name the target, as in target = "{chosen}"'
            self.unsettled = ModelError(told, where=self._place(unreached[-1]))
        idle = [name for name in self.parameters if name not in reached]
        self.warnings = (
            *(f"parameter {name} has no effect on {chosen}" for name in idle),
            *map(self._formal, self.undefined),
        )
        return chosen

    def _formal(self, name: str) -> str:
        from symderive.array_model import undefined_told  # most models have none such

        places = (stage.name for stage in self.stages.values() if name in stage.text)
        return undefined_told(name, self._place(next(places, [*self.stages][-1])))

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """The functions that the stages call and nothing defines."""
        return undefined_in(self.stages.values())
