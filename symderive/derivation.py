"""The one object that everything comes from: links, chain rule, numbers, documents, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Expr, ImmutableMatrix, S

from symderive.chain import MAX_PATHS_SHOWN, Chain, KindKey
from symderive.errors import UnknownChoiceError
from symderive.links import Link, LinkKind, known_method
from symderive.model import Model
from symderive.partials import Partial
from symderive.results import Derivative, Point, adjoint_name, named
from symderive.stage_text import parse_stages
from symderive.steps import Certificate, Line, Step
from symderive.subjects import sides_of

if TYPE_CHECKING:
    from symderive.assumptions import Assumption
    from symderive.checking import Report
    from symderive.claims import Verdict
    from symderive.numeric import Function
    from symderive.numeric.training import Training, Update

Sources = str | Sequence[Any] | Mapping[str, Any]


RESULT = "_result"
"""The name of a formula that is evaluated for itself."""


class Derivation:
    """The derivation of a model's gradient. Made by ``derive``.

    Attributes:
        model: The model.
        target: The stage that is differentiated.
        sources: The names that it is differentiated by.
        warnings: What a reader should know, such as a parameter without effect.
        method: How links are differentiated where several ways are natural.
        structured: Whether the entries of a symmetric, diagonal or triangular matrix move together.
        hessian_names: The names whose second derivatives a document tells; they may be set.
    """

    _chain_class = Chain
    method, structured, layout = "auto", False, "mixed"

    def __init__(self, model: Model, target: str, sources: tuple[str, ...]) -> None:
        self.model, self.target, self.sources = model, target, sources
        self.warnings, self.hessian_names = model.warnings, model.hessian
        self._kinds: dict[KindKey, LinkKind] = {}
        self._shapes: dict[object, Any] = {}
        self.second_known: dict[tuple[str, str], Derivative] = {}
        self._functions: dict[tuple[str, str | None], Function] = {}
        self._chains: dict[tuple[str, tuple[str, ...]], Chain] = {}

    # Links and partial derivatives --------------------------------------------------------

    def chain(self, target: str | None = None, sources: Sequence[str] | None = None) -> Chain:
        """All partial derivatives of one target; reused once computed."""
        target = target or self.target
        key = (target, tuple(sources if sources is not None else self.sources))
        if target not in self.model.stages:
            raise UnknownChoiceError("stage", target, self.model.stages)
        if key not in self._chains:
            self._chains[key] = self._chain_class(self.model, *key, self._kinds, self._shapes)
            self._chains[key].method = self.method
            self._chains[key].structured = self.structured
        return self._chains[key]

    @property
    def links(self) -> Mapping[tuple[str, str], Link]:
        """The links on the paths from the sources to the target, by (stage, source)."""
        return self.chain().links

    @property
    def partials(self) -> Mapping[str, Partial]:
        """The partial derivatives of the target by every name on a path, last stages first."""
        return self.chain().partials

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of the derivation."""
        return tuple(step for link in self.links.values() for step in link.steps)

    def link(self, stage: str, source: str, *, method: str = "") -> Derivative:
        """The partial derivative along one edge of the graph.

        Args:
            stage: The stage that is differentiated.
            source: A name in its formula.
            method: ``auto`` chooses by cost; ``quotient``, ``negative power`` or ``logarithmic``
                asks for that way. If not given, the derivation's own.

        Raises:
            UnknownChoiceError: There is no such stage, or its formula does not use the source.

        >>> d = derive(Model({"A2": "1/(1 + exp(-A1))"}))
        >>> d.link("A2", "A1").formula
        A2*(1 - A2)
        """
        if stage not in self.model.stages:
            raise UnknownChoiceError("stage", stage, self.model.stages)
        inputs = self.model.stages[stage].inputs
        if source not in inputs:
            raise UnknownChoiceError(f"input of stage {stage}", source, inputs)
        link = self.chain().link(stage, source, known_method(method) if method else "")
        told = (link.lines, (link,), link.certificate, link.forms, link.rule)
        return Derivative(link.formula, *told, self, link=link)

    def partial(self, target: str, source: str) -> Derivative:
        """The derivative of one stage by a name, along every path; 0 where ``explain`` says why.

        >>> d = derive(Model({"A2": "sigmoid(A1)", "A3": "binary_cross_entropy(A2, Y)"}))
        >>> d.partial("A3", "A1").formula
        A2 - Y
        """
        self._check_name(source)
        chain = self.chain(target)
        if source not in chain.partials and source != target:
            chain = self.chain(target, (*self.sources, source))
        if source == target or source not in chain.partials:
            value = S.One if source == target else S.Zero
            line = Line(value, ("no path",), Certificate("proved", "no path leads there"))
            return Derivative(value, (line,), (), line.certificate, (value,), "", self)  # type: ignore[arg-type]
        found = chain.partials[source]
        links = tuple(chain.links[user, source] for user in found.users)
        link = chain.links[target, source] if [*found.users] == [target] else None
        told = (found.lines, links, found.certificate, (found.formula,), "")
        return Derivative(found.formula, *told, self, link=link)

    def _check_name(self, name: str) -> None:
        known = dict.fromkeys((*self.model.names, *self.model.parameters))
        if name not in known:
            raise UnknownChoiceError("name", name, known)

    def paths(self, target: str, source: str) -> list[tuple[str, ...]]:
        """The paths from a name to a stage, shortest first; at most eight."""
        chain = self.chain(target, (source,))
        return chain.paths(source, MAX_PATHS_SHOWN) if chain.on_path(source) else []

    def explain(self, target: str | Sequence[str], source: str) -> str:
        """Why a derivative is what it is: the paths, or why there is none; of several, a line each.

        >>> print(derive(Model({"y": "2*x", "z": "y + w"})).explain("y", "w"))
        ∂y/∂w = 0: w is not an ancestor of y. w acts on z.
        """
        from symderive.explaining import explain

        self._check_name(source)
        return explain(self, target, source)

    # The tape's contract ------------------------------------------------------------------

    def gradient(
        self,
        target: str | Sequence[str] | None = None,
        sources: Sources | None = None,
        *,
        output_gradients: object = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient as formulas, in the structure of its sources.

        Args:
            target: A stage, or several (their gradients are added).
            sources: A name, or a list, tuple or dict of names, nested as you like.
            output_gradients: Weights of the targets: a formula or number, or a list of them.
            unconnected_gradients: ``"none"`` gives None where no path leads, ``"zero"`` gives 0.

        >>> derive(Model({"y": "x**2"})).gradient()
        {'x': 2*x}
        """
        from symderive.tape import gradient

        return gradient(self, target, sources, output_gradients, unconnected_gradients)

    def jacobian(self, target: str | Sequence[str], source: str | Sequence[str]) -> Derivative:
        """The derivatives of stages by names; a matrix where either is a list."""
        from symderive.tape import jacobian

        return jacobian(self, target, source)

    def hessian(self, target: str, source: str | Sequence[str] | None = None) -> Derivative:
        """The second derivatives of a stage, with steps; a matrix where ``source`` is a list.

        >>> derive(Model({"y": "x**3"})).hessian("y", "x").formula
        6*x
        """
        from symderive.tape import hessian

        return hessian(self, target, source)

    def derivative(self, target: str, source: str | Sequence[str], order: int = 1) -> Derivative:
        """The ``order``-th derivative of a stage by one name, or the one by several names."""
        from symderive.tape import derivative

        return derivative(self, target, source, order)

    # Numbers ------------------------------------------------------------------------------

    def definitions(self, chain: Chain | None = None) -> list[tuple[str, Expr]]:
        """The program in formulas: every stage, then every adjoint, in order of computation."""
        chain = chain or self.chain()
        reached = self.model.ancestors(chain.target)
        rows = [(s.name, s.formula) for s in self.model.stages.values() if s.name in reached]
        for name, partial in chain.partials.items():
            rows.append((adjoint_name(chain.target, name), named(partial.local)))
        rows += [
            (adjoint_name(chain.target, name), S.Zero)
            for name in chain.sources
            if name not in chain.partials
        ]
        return rows

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names that the gradient needs values of: parameters, then constants."""
        reached = self.model.ancestors(self.target)
        names = (*self.model.parameters, *self.model.constants)
        return tuple(n for n in names if n in reached or n in self.sources)

    def function(self, backend: str = "auto", *, reduce: str | None = None) -> Function:
        """The compiled value-and-gradient function.

        Args:
            backend: ``"python"`` (scalars), ``"numpy"`` (arrays) or ``"auto"`` (by the arguments).
            reduce: ``"mean"`` or ``"sum"`` over the rows of array arguments; None keeps the rows.

        >>> f = derive(Model({"y": "x**2"}, parameters={"x": 2.0})).function()
        >>> f(x=3.0)
        (9.0, {'x': 6.0})
        """
        from symderive.numeric import Function
        from symderive.numeric.kinds import Kinds

        if (backend, reduce) not in self._functions:
            like = next(iter(self._functions.values()), None)
            self._functions[backend, reduce] = Function(
                like.definitions if like else Kinds().definitions(self.chain()),
                self.inputs,
                self.target,
                {name: adjoint_name(self.target, name) for name in self.sources},
                defaults=self.model.values,
                backend=backend,
                reduce=reduce,
                like=like,
            )
        return self._functions[backend, reduce]

    def number(self, formula: Expr | ImmutableMatrix, **values: float) -> Any:
        """A formula in the names of the model as a number, or a matrix as an array of them."""
        from symderive.numeric import Function

        if isinstance(formula, ImmutableMatrix):
            from symderive.numeric.arrays import as_array

            return as_array(
                [[self.number(part, **values) for part in row] for row in formula.tolist()]
            )
        rows = self.definitions()
        known = {name for name, _ in rows}
        rows += [(s.name, s.formula) for s in self.model.stages.values() if s.name not in known]
        rows.append((RESULT, named(formula)))
        used = {symbol.name for _, right in rows for symbol in right.free_symbols}
        inputs = [n for n in (*self.model.parameters, *self.model.constants) if n in used]
        function = Function(rows, inputs, RESULT, {}, defaults=self.model.values)
        return function.value_only(**values)

    def evaluate(self, **values: Any) -> Point:
        """The numbers of one point, from the emitted program; the model's values are defaults.

        Raises:
            ValueMissingError: A value is missing or not finite.

        >>> d = derive(Model({"y": "x**2"}, parameters={"x": 2.0}))
        >>> d.evaluate().gradient
        {'x': 4.0}
        """
        from symderive.numeric import Function

        rows = self.definitions()
        known = dict(rows)
        links = {key: adjoint_name(*key) for key in self.links}
        rows += [
            (name, self.links[key].formula) for key, name in links.items() if name not in known
        ]
        function = Function(rows, self.inputs, self.target, {}, defaults=self.model.values)
        found = function.stages(**values)
        return self._point(found, known, links)

    def _point(
        self, found: Mapping[str, Any], known: Iterable[str], links: Mapping[tuple[str, str], str]
    ) -> Point:
        return Point(
            {name: found[name] for name in known if name in self.model.stages},
            {key: found[name] for key, name in links.items()},
            {name: found[adjoint_name(self.target, name)] for name in self.partials},
            {name: found[adjoint_name(self.target, name)] for name in self.sources},
        )

    def update(self, learning_rate: float | None = None, **values: Any) -> Update:
        """One step of gradient descent: ``.old``, ``.new``, ``.old_loss``, ``.new_loss``.

        >>> step = derive(Model({"y": "x**2"}, parameters={"x": 2.0})).update(learning_rate=0.25)
        >>> step.old, step.new, step.old_loss, step.new_loss
        ({'x': 2.0}, {'x': 1.0}, 4.0, 1.0)
        """
        from symderive.numeric.training import update

        rate = self.model.learning_rate if learning_rate is None else learning_rate
        return update(self.function(), values, learning_rate=rate)

    def train(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        learning_rate: float | None = None,
        steps: int = 100,
        reduce: str | None = None,
    ) -> Training:
        """Steps of gradient descent: ``.start``, ``.end``, ``.losses``.

        Args:
            data: Values by name; arrays are a batch, whose mean loss is lowered.
            learning_rate: The model's, if not given.
            steps: How many.
            reduce: ``"mean"`` (of a batch) or ``"sum"``.
        """
        from symderive.numeric.training import train

        values = dict(data or {})
        batch = any(isinstance(v, list | tuple) or getattr(v, "ndim", 0) for v in values.values())
        function = self.function(reduce=reduce or ("mean" if batch else None))
        rate = self.model.learning_rate if learning_rate is None else learning_rate
        return train(function, values, learning_rate=rate, steps=steps)

    def code(self, backend: str = "numpy") -> str:
        """The gradient function as source text."""
        return self.function("python" if backend == "math" else backend).source

    @cached_property
    def assumptions(self) -> tuple[Assumption, ...]:
        """The ledger: what the derivation takes for granted, the guaranteed conditions last."""
        from symderive.assumptions import assumptions

        return assumptions(self.model, self.chain())

    def newton(self, **values: Any) -> dict[str, float]:
        """One step of Newton's method, w ← w − H⁻¹·∇: the new parameters by name.

        Raises:
            SymderiveError: The Hessian is singular at this point.

        >>> derive(Model({"y": "(x - 3)**2"}, parameters={"x": 7.0})).newton()
        {'x': 3.0}
        """
        from symderive.numeric.arrays import newton_step

        slopes = self.evaluate(**values).gradient
        curvature = self.hessian(self.target).evaluate(**values)
        old = {name: values.get(name, self.model.values.get(name, 0.0)) for name in self.sources}
        return newton_step(old, slopes, curvature)

    def hessian_vector_product(
        self, vector: Mapping[str, Any], target: str | None = None
    ) -> dict[str, Derivative]:
        """H·v with steps, without the Hessian: the gradient of ∇·v.

        Args:
            vector: A number or formula by the name of each source.
            target: A stage; the derivation's own, if not given.
        """
        from symderive.tape import hessian_vector_product

        return hessian_vector_product(self, vector, target or self.target)

    def operations(self) -> dict[str, int]:
        """Operations on links, by ``forward`` and by ``reverse`` accumulation."""
        return self.chain().operations()

    # Verdicts and documents ---------------------------------------------------------------

    @cached_property
    def _report(self) -> Report:
        from symderive.checking import checked

        return checked(self)

    def check(self) -> Report:
        """Every line's verdict; the gradient against differences, and as it is computed."""
        from symderive.second import with_second

        return with_second(self._report, self)

    def check_claim(self, derivative: str, answer: str | None = None) -> Verdict:
        """Judge a reader's answer: ``("dA3/dA1", "A2 - Y")``, or ``"dA3/dA1 = A2 - Y"``.

        >>> d = derive(Model({"y": "sin(x**2)"}))
        >>> print(d.check_claim("dy/dx", "cos(x**2)").slip)
        forgotten inner derivative: the factor 2*x is missing
        """
        from symderive.claims import judge

        return judge(self, *sides_of(derivative, answer))

    def write(
        self,
        directory: str | Path,
        formats: str | Sequence[str] = ("md", "tex", "pdf", "html"),
        **options: Any,
    ) -> list[Path]:
        """Write documents into a directory; see ``documents.write``.

        Raises:
            UnknownChoiceError: A format is not in the table.
            CheckError: A line of the derivation is refuted: nothing is written.
        """
        from symderive.documents import write

        return write(self, Path(directory), formats, **options)

    def trace(self) -> dict[str, Any]:
        """The whole derivation as plain data, ready for JSON; see the module ``trace``."""
        from symderive.json_trace import trace

        return trace(self)

    def __repr__(self) -> str:
        few = ", ".join(self.sources[:6]) + (", …" if len(self.sources) > 6 else "")
        return f"Derivation(∂{self.target} by {few})"

    def _repr_markdown_(self) -> str:
        """The derivation as a notebook shows it."""
        from symderive.documents import render

        return str(render(self, "md"))

    def text(self, detail: str = "standard", columns: int = 92) -> str:
        """The derivation as readable Unicode text, for a terminal of so many columns."""
        from symderive.documents import text

        return text(self, detail, columns)


def derive(
    model: Model | Mapping[str, str | Expr] | str,
    target: str | None = None,
    sources: Sequence[str] | None = None,
    *,
    method: str = "auto",
    structured: bool | None = None,
) -> Derivation:
    """Derive the gradient of a model, or of its stages as ``Model`` takes them.

    Args:
        model: The model; or its stages on one line, with values and shapes, as ``parse_stages``
            reads them: ``"f = x @ A @ x; x: n; A: n n, symmetric"``.
        target: The stage to differentiate; if not given, the model's target.
        sources: The names to differentiate by; if not given, its parameters.
        method: ``auto`` (the cheapest), ``quotient``, ``negative power`` or ``logarithmic``.
        structured: Whether entries of symmetric, diagonal, triangular parameters move together.

    Raises:
        ModelError: Two stages are used by none, and neither is named the target.
        UnknownChoiceError: A name is not in the model, or the method is none.
        NoRuleError: No rule differentiates something in a formula.

    >>> derive("y = x**2").gradient()
    {'x': 2*x}
    >>> d = derive(Model({"A1": "x*w", "A2": "sigmoid(A1)"}, parameters=["w"]))
    >>> d.partial("A2", "w").formula
    A2*x*(1 - A2)
    """
    if not isinstance(model, Model):
        model = parse_stages(model) if isinstance(model, str) else Model(model)
    if target is None and model.unsettled:
        raise model.unsettled
    if target is not None and target not in model.stages:
        raise UnknownChoiceError("stage", target, model.stages)
    names = model.parameters if sources is None else tuple(sources)
    for name in names:
        if name not in (*model.names, *model.parameters):
            raise UnknownChoiceError("name", name, model.names)
    kind = Derivation
    if model.shapes:
        from symderive.array_derivation import ArrayDerivation  # scalar models do without

        kind = ArrayDerivation
    derivation = kind(model, target or model.target, names)
    derivation.method = known_method(method)
    derivation.structured = model.structured if structured is None else structured
    return derivation
