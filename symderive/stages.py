"""Stages: named formulas, the order in which they are computed, and what they call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr
from sympy.core.function import AppliedUndef

from symderive.errors import ModelError
from symderive.formulas.functions import fixed_in, function_of
from symderive.formulas.parsing import Parsed, Template


@dataclass(frozen=True, eq=False)
class Stage:
    """One named stage, such as A2 = sigmoid(A1).

    Attributes:
        name: The stage's name.
        text: Its formula as the user wrote it.
        parsed: The formula's template and the names that fill it.
    """

    name: str
    text: str
    parsed: Parsed = field(repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names that the formula uses, in order of appearance."""
        return self.parsed.names

    @cached_property
    def formula(self) -> Expr:
        """The formula in SymPy's own (evaluated) form."""
        return self.parsed.formula

    @cached_property
    def written(self) -> Expr:
        """The formula unevaluated, in the user's order."""
        return self.parsed.written


def in_order(stages: Mapping[str, Stage], place: Callable[[str], str]) -> dict[str, Stage]:
    """The stages in the order of computation, stable for stages stated in order.

    Args:
        stages: The stages by name.
        place: Where a stage is stated, for messages.

    Raises:
        ModelError: Stages that use each other in a circle.
    """
    done: dict[str, Stage] = {}
    for first in stages:
        trail = [(first, iter(stages[first].inputs))]
        entered = {first}
        while trail:
            name, inputs = trail[-1]
            needed = next((n for n in inputs if n in stages and n not in done), None)
            if name in done or needed is None:
                done.setdefault(name, stages[name])
                entered.discard(name)
                trail.pop()
            elif needed in entered:
                names = [step for step, _ in trail]
                loop = [*names[names.index(needed) :], needed]
                shown = " → ".join(loop if len(loop) < 12 else [*loop[:5], "…", *loop[-5:]])
                raise ModelError(
                    f"the stages use each other in a circle: {shown}; break it",
                    where=place(needed),
                )
            else:
                entered.add(needed)
                trail.append((needed, iter(stages[needed].inputs)))
    return done


def fixed_among(stages: Iterable[Stage]) -> Iterator[str]:
    """Names by which no derivative can be stated, such as the order n of a Bessel function."""
    places: dict[Template, set[str]] = {}
    for stage in stages:
        template = stage.parsed.template
        if template not in places:
            places[template] = {mark.name for mark in fixed_in(template.written)}
        yield from (n for k, n in enumerate(stage.inputs) if f"_{k}" in places[template])


def undefined_in(stages: Iterable[Stage]) -> tuple[str, ...]:
    """The functions that stages call and nothing defines."""
    templates = {id(s.parsed.template): s.parsed.template for s in stages}
    found = {
        type(part).__name__
        for template in templates.values()
        for part in template.written.atoms(AppliedUndef)
        if function_of(part) is None
    }
    return tuple(sorted(found))
