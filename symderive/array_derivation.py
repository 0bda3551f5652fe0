"""The derivation of a model with arrays: the same object, with indices and matrix notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Expr, Mul, S

from symderive.array_chain import ArrayChain
from symderive.array_links import ArrayLink
from symderive.array_model import (
    Letters,
    signs_of,
    source_indices,
    stage_indices,
    stage_tree,
    target_indices,
)
from symderive.array_partials import ArrayPartial
from symderive.derivation import RESULT, Derivation, Sources
from symderive.errors import ModelError, UnknownChoiceError
from symderive.formulas.arrays.algebra import algebra_under
from symderive.formulas.arrays.chains import transposed
from symderive.formulas.arrays.index import delta, entry_of
from symderive.formulas.arrays.matrix import Matrices
from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.ops_making import filled
from symderive.formulas.arrays.properties import Knowledge
from symderive.formulas.arrays.syntax import Number, Shape, Tree, leaves
from symderive.formulas.written import evaluated
from symderive.results import Derivative, Point, adjoint_name
from symderive.steps import Certificate, Line
from symderive.subjects import read_subject, sides_of, unstacked, upright, without_primes

if TYPE_CHECKING:
    from symderive.array_verdict import ArrayVerdict
    from symderive.assumptions import Assumption
    from symderive.checking import Report
    from symderive.numeric.array_program import ArrayFunction

LAYOUTS = ("mixed", "numerator", "denominator", "vec")
"""``mixed``: a gradient has the shape of its variable, a Jacobian that of its target, then that of
its variable. ``numerator`` turns gradients, ``denominator`` turns Jacobians. ``vec`` stacks the
columns of matrices: ∂vec(Y)/∂vec(X), a row for each entry of Y and a column for each of X. The
attribute ``layout`` of a derivation says which one its documents tell."""


class ArrayDerivation(Derivation):
    """The derivation of a model with arrays. Made by ``derive``.

    A gradient has the shape of its variable. The derivative of an array has the axes of the array
    first, then those of the variable: ∂y/∂x of y (m,) and x (n,) is m × n. The argument ``layout``
    of ``partial`` gives the other conventions. Entries are differentiated as independent variables,
    whatever is known of them: the gradient by a symmetric matrix is not doubled off its diagonal.
    """

    _chain_class = ArrayChain

    def shape_of(self, name: str) -> Shape:
        """The shape of a name; () of a scalar."""
        return self.model.shapes.get(name, ())

    # Links and partial derivatives --------------------------------------------------------

    def link(self, stage: str, source: str, *, method: str = "auto") -> Derivative:
        """The partial derivative along one edge of the graph, entry by entry."""
        found = super().link(stage, source, method=method)
        link = self.chain().link(stage, source, method)
        assert isinstance(link, ArrayLink)
        return found.with_arrays(link.indices, link.tree)

    def partial(
        self,
        target: str,
        source: str,
        *,
        layout: str = "mixed",
        structured: bool | None = None,
    ) -> Derivative:
        """The derivative of a stage by a name along every path, entry by entry.

        Args:
            target: A stage.
            source: A name.
            layout: A row of ``LAYOUTS``.
            structured: Whether the entries of a symmetric, diagonal or triangular matrix move
                together; as the derivation does, if not given.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"f": "trace(A @ X)"}, parameters=["X"],
        ...                  shapes={"A": "n n", "X": "n n"}, properties={"X": "symmetric"}))
        >>> print(d.partial("f", "X").matrix, "|", d.partial("f", "X", structured=True).matrix)
        A.T | A.T + A - diag(diagonal(A))
        """
        if structured is not None and structured != self.structured:
            return self.tied(structured).partial(target, source, layout=layout)
        found = super().partial(target, source)
        chain = self.chain(target)
        if source not in chain.partials:
            chain = self.chain(target, tuple(dict.fromkeys((*self.sources, source))))
        partial = chain.partials.get(source)
        if partial is None:
            return self._laid_out(self._without_path(target, source), layout, source)
        assert isinstance(partial, ArrayPartial)
        return self._laid_out(found.with_arrays(partial.indices, partial.tree), layout, source)

    def _laid_out(self, found: Derivative, layout: str, source: str) -> Derivative:
        """A derivative by ``source`` (last) in a layout: that of what has the axes before."""
        if layout not in LAYOUTS:
            raise UnknownChoiceError("layout", layout, LAYOUTS)
        indices = found.indices
        count = len(indices) - len(self.shape_of(source))
        if layout == "vec" and indices:
            return found.with_arrays(indices, self._stacked(found, count))
        if len(indices) == 2 and layout == ("denominator" if count else "numerator"):
            return found.with_arrays(indices[::-1], transposed(found.tree))
        return found

    def entries_known(self) -> Any:
        """What is known of the model's arrays, for forms that are looked at entry by entry."""
        from symderive.array_convexity import Entries

        known = Knowledge(self.model.known)
        shapes = self.model.shapes
        stated = {
            entry_of(s.name, stage_indices(shapes.get(s.name, ()))): evaluated(s.formula)
            for s in self.model.stages.values()
        }
        return Entries(signs_of(self.model), shapes, stated, algebra_under(known))

    def _stacked(self, found: Derivative, count: int) -> Tree:
        """The Jacobian of the stacked columns; by its entries where it has no notation."""
        from symderive.array_vectorised import vectorised

        indices, tree = found.indices, found.tree
        top, below = indices[:count], indices[count:]
        known = Knowledge(self.model.known).symmetric()
        model = self.model if found.before is None else found.before[0].model
        whole = vectorised(evaluated(found.formula), top, below, Matrices(model.shapes), known)
        if whole is not None:
            return whole
        axes = (*reversed(range(count)), *reversed(range(count, len(indices))))
        turned = apply("transpose", tree, axes=axes)
        sizes = (Mul(*(index.size for index in own)) for own in (top, below))
        return apply("reshape", turned, shape=tuple(sizes))

    def tied(self, structured: bool) -> ArrayDerivation:
        """The same derivation, the entries of structured matrices moving together or alone."""
        if structured == self.structured:
            return self
        other = type(self)(self.model, self.target, self.sources)
        other.method, other.structured = self.method, structured
        return other

    def _without_path(self, target: str, source: str) -> Derivative:
        """Zero, or the identity of a name by itself."""
        if target != source:
            from symderive.array_tape import zero

            return zero(self, target, (source,))
        top = target_indices(self.shape_of(target))
        below = source_indices(self.shape_of(source))
        taken = frozenset(self.model.names)
        letters = Letters(taken, (*top, *below))
        at = letters.of((*top, *below))
        half = len(at) // 2
        pairs = zip(at[:half], at[half:], strict=True)
        formula = Mul(*(delta(i, j) for i, j in pairs))
        line = Line(formula, ("no path",), Certificate("proved", "a name by itself"))
        tree = apply("eye", size=at[0].size) if half == 1 else None
        whole = Derivative(formula, (line,), (), line.certificate, (formula,), "", self)  # type: ignore[arg-type]
        return whole.with_arrays(at, tree)

    # Higher orders ------------------------------------------------------------------------

    def jacobian(self, target: Any, source: Any, *, layout: str = "mixed") -> Any:
        """∂target/∂source: entries of the target first, then those of the source.

        Lists of names give lists of Jacobians; ``layout`` is a row of ``LAYOUTS``.
        """
        if isinstance(target, str) and isinstance(source, str):
            return self.partial(target, source, layout=layout)
        if isinstance(target, str):
            return [self.jacobian(target, name, layout=layout) for name in source]
        return [self.jacobian(name, source, layout=layout) for name in target]

    def hessian(self, target: str, source: Any = None, *, layout: str = "mixed") -> Any:
        """The second derivatives: entries of the first variable, then those of the second.

        A list of names gives a list of lists; with no source, all parameters. The layout ``vec``
        stacks the columns of matrices, so that the Hessian by a matrix is a matrix.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"f": "trace(X.T @ A @ X)"}, parameters=["X"],
        ...                  shapes={"X": "n k", "A": "n n"}))
        >>> print(d.hessian("f", "X", layout="vec").matrix)
        kron(eye(k), A + A.T)
        """
        if isinstance(source, str):
            return self.second(target, source, source, layout=layout)
        names = list(source if source is not None else self.sources)
        return [[self.second(target, a, b, layout=layout) for b in names] for a in names]

    def second(self, target: str, one: str, other: str, *, layout: str = "mixed") -> Derivative:
        """∂²target/∂one ∂other."""
        return self.derivative(target, (one, other), layout=layout)

    def derivative(
        self, target: str, source: str | Sequence[str], order: int = 1, *, layout: str = "mixed"
    ) -> Derivative:
        """The derivative by one name, ``order`` times, or by several: axes of entries for each.

        The layout ``vec`` is the Jacobian of the stacked columns of the derivative before, by those
        of the last name: n² × n of a third derivative by a vector of n.
        """
        from symderive.array_tape import derivative

        found = derivative(self, target, source, order)
        if order == 1 and isinstance(source, str):
            return self.partial(target, source, layout=layout)
        return self._laid_out(found, layout, source if isinstance(source, str) else source[-1])

    def gradient(
        self,
        target: str | Sequence[str] | None = None,
        sources: Sources | None = None,
        *,
        output_gradients: object = None,
        unconnected_gradients: str = "none",
        structured: bool | None = None,
    ) -> Any:
        """The gradient as formulas of an entry, in the structure of its sources.

        Args:
            target: A stage, or several (their gradients are added). Of an array, the sum of its
                entries is differentiated.
            sources: A name, or a list, tuple or dict of names, nested as you like.
            output_gradients: Weights of the targets: a number or a formula of the target's shape,
                held constant; or a list of them.
            unconnected_gradients: ``"none"`` gives None where no path leads, ``"zero"`` gives 0.
            structured: As ``partial`` has it.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"y": "W @ x"}, parameters=["x"], shapes={"W": "m n", "x": "n"}))
        >>> d.gradient()
        {'x': Sum(W[j, i], (j, 0, m - 1))}
        """
        from symderive.array_tape import gradient

        own = self if structured is None else self.tied(structured)
        return gradient(own, target, sources, output_gradients, unconnected_gradients)

    def hessian_vector_product(
        self, vector: Mapping[str, Any], target: str | None = None
    ) -> dict[str, Derivative]:
        """H·v with steps, without the Hessian: the gradient of ∇·v.

        Args:
            vector: By the name of each source a formula of its shape, a number, an array, or a new
                name, which gets the shape of the source.
            target: A stage that is a number; the derivation's own, if not given.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"L": "sum((X @ w)**2)/2"}, parameters=["w"],
        ...                  shapes={"X": "m n", "w": "n"}))
        >>> print(d.hessian_vector_product({"w": "v"})["w"].matrix)
        X.T @ (X @ v)
        """
        from symderive.array_tape import hessian_vector_product

        return hessian_vector_product(self, vector, target or self.target)

    def newton(self, **values: Any) -> dict[str, Any]:
        """One step of Newton's method, w ← w − H⁻¹·∇: the new parameters, in their shapes.

        Raises:
            SymderiveError: The Hessian is singular at this point, or the target is an array.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"L": "sum((w - c)**2)"}, parameters={"w": [3.0, 4.0]},
        ...                  constants={"c": [1.0, 2.0]}))
        >>> d.newton()["w"].tolist()
        [1.0, 2.0]
        """
        from symderive.array_tape import newton

        return newton(self, values)

    # Verdicts -----------------------------------------------------------------------------

    @cached_property
    def _report(self) -> Report:
        from symderive.array_checking import check_arrays, computed_checks

        chain = self.chain()
        assert isinstance(chain, ArrayChain)
        report = check_arrays(self.model, chain)
        free = (name for name in self.model.names if name not in self.model.stages)
        if self.model.shapes.get(self.target) or any(
            name not in self.model.values for name in free
        ):
            return report
        computed = computed_checks(self.model, chain, self.evaluate().gradient)
        return replace(report, gradient=(*report.gradient, *computed))

    @cached_property
    def assumptions(self) -> tuple[Assumption, ...]:
        """The ledger: stated properties, inverses, signs of entries; guaranteed ones last."""
        from symderive.array_assumptions import array_assumptions

        chain = self.chain()
        assert isinstance(chain, ArrayChain)
        return array_assumptions(self.model, chain)

    def check_claim(self, derivative: str, answer: str | None = None) -> ArrayVerdict:
        """Judge a reader's answer in array language, or of an entry in index notation.

        >>> from symderive import Model, derive
        >>> d = derive(Model({"L": "sum((X @ w - y)**2)"}, parameters=["w"],
        ...                  shapes={"X": "m n", "w": "n", "y": "m"}))
        >>> d.check_claim("dL/dw", "2*X.T @ (X @ w - y)").verdict
        'proved'
        >>> d.check_claim("dL/dw[i]", "2*sum(X[k, i]*(X @ w - y)[k], k)").verdict
        'proved'
        >>> Y = derive(Model({"Y": "A @ X"}, parameters=["X"], shapes={"A": "k m", "X": "m n"}))
        >>> Y.check_claim("dvec(Y)/dvec(X)", "kron(eye(n), A)").verdict
        'proved'
        """
        from symderive.array_claims import judge

        subject, claimed = sides_of(derivative, answer)
        return judge(self, *self._in_axes(without_primes(subject, self.sources), claimed))

    def _in_axes(self, subject: str, claimed: str) -> tuple[str, ...]:
        """A claim about ∂vec(Y)/∂vec(X), ∂f/∂Xᵀ or ∂yᵀ/∂x as one about axes as they are.

        Of stacked columns, what is claimed of them comes third.
        """
        plain = unstacked(subject)
        bare = upright(plain)
        if bare == subject:
            return subject, claimed
        model = self.model
        about = read_subject(bare, {*model.names, *model.parameters, *model.constants}, "dA3/dw")
        top, below = (
            [size for name in names for size in self.shape_of(name)]
            for names in ((about.target, *about.sources[:-1]), about.sources[-1:])
        )
        if plain != subject and max(len(top), len(below)) > 1:
            sizes = ", ".join(map(str, (*top[::-1], *below[::-1])))
            order = [*range(len(top))][::-1] + [*range(len(top), len(top) + len(below))][::-1]
            return bare, f"transpose(reshape({claimed}, ({sizes})), {tuple(order)})", claimed
        turned = plain.partition("/")[0] != bare.partition("/")[0] if top else plain != bare
        return bare, f"({claimed}).T" if turned and len(top) + len(below) == 2 else claimed

    # Numbers ------------------------------------------------------------------------------

    def tree_definitions(self) -> list[tuple[str, Tree]]:
        """The program in trees: every stage, then every adjoint, in order of computation."""
        chain: Any = self.chain()
        reached = self.model.ancestors(chain.target)
        for partial in chain.partials.values():  # a form may speak of stages beside the target
            for name in {*leaves(partial.program)} & self.model.stages.keys() - reached:
                reached = reached | {name} | self.model.ancestors(name)
        rows = [
            (stage.name, stage_tree(stage))
            for stage in self.model.stages.values()
            if stage.name in reached
        ]
        for name, partial in chain.partials.items():
            rows.append((adjoint_name(chain.target, name), partial.program))
        for name in chain.sources:
            if name not in chain.partials:
                shape = (*self.shape_of(chain.target), *self.shape_of(name))
                rows.append((adjoint_name(chain.target, name), filled(Number((), S.Zero), shape)))
        return rows

    def _compiled(
        self,
        rows: Sequence[tuple[str, Tree]],
        inputs: Sequence[str],
        value: str,
        gradient: Mapping[str, str],
    ) -> ArrayFunction:
        from symderive.numeric.array_program import ArrayFunction

        stated = self.model.properties.items()
        return ArrayFunction(
            rows,
            {name: self.shape_of(name) for name in inputs},
            value,
            gradient,
            defaults=self.model.values,
            positive=[name for name, known in stated if "positive definite" in known],
        )

    @cached_property
    def _function(self) -> ArrayFunction:
        gradient = {name: adjoint_name(self.target, name) for name in self.sources}
        return self._compiled(self.tree_definitions(), self.inputs, self.target, gradient)

    def function(self, backend: str = "auto", *, reduce: str | None = None) -> Any:
        """The compiled value-and-gradient function, on NumPy arrays.

        Args:
            backend: ``"numpy"`` or ``"auto"``.
            reduce: Has no meaning here: the model says how its loss is reduced.
        """
        if backend not in ("auto", "numpy"):
            raise UnknownChoiceError("backend of a model with arrays", backend, ("auto", "numpy"))
        return self._function

    def number(self, formula: Any, **values: Any) -> Any:
        """A tree in the names of the model as numbers."""
        if isinstance(formula, Expr):
            raise ModelError("a formula of indices has no number; evaluate its matrix notation")
        rows = self.tree_definitions()
        known = {name for name, _ in rows}
        rows += [
            (stage.name, stage_tree(stage))
            for stage in self.model.stages.values()
            if stage.name not in known
        ]
        rows.append((RESULT, formula))
        used = {name for _, tree in rows for name in leaves(tree)}
        inputs = [n for n in (*self.model.parameters, *self.model.constants) if n in used]
        return self._compiled(rows, inputs, RESULT, {}).value_only(**values)

    def evaluate(self, **values: Any) -> Point:
        """The numbers of one point, from the emitted program; the model's values are defaults."""
        rows = self.tree_definitions()
        known = dict(rows)
        links = {}
        for key, link in self.links.items():
            assert isinstance(link, ArrayLink)
            name = adjoint_name(*key)
            if name not in known and link.tree is not None:
                rows.append((name, link.tree))
            if link.tree is not None:
                links[key] = name
        found = self._compiled(rows, self.inputs, self.target, {}).stages(**values)
        return self._point(found, known, links)

    def code(self, backend: str = "numpy") -> str:
        """The gradient function as source text."""
        return str(self.function("numpy" if backend in ("python", "math") else backend).source)
