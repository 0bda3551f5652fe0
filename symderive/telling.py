"""From the tree of steps to the lines that a reader sees: which rules share a line.

A line applies one level of rules. What a reader does at sight shares the line of the rule before
it: linear formulas, the inner derivative of a polynomial, a product of short factors inside
something longer. A derivative that a line has found is not derived again where it comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Expr, Indexed

from symderive.differentiate import concluded
from symderive.formulas.inert import Diff
from symderive.rules import LINEAR, depends
from symderive.steps import Step

Lines = list[tuple[Expr, tuple[str, ...], tuple[Step, ...]]]
"""The lines of a derivation: formula, names of the rules applied, and their steps."""

SILENT = frozenset({"constant rule", "identity rule"})
"""Rules that need no mention."""

STRUCTURAL = frozenset({"product rule", "quotient rule", "reciprocal rule"})
"""Rules whose first line shows the derivatives of their parts before they are taken."""

CHAINED = frozenset({"power rule", "square root rule", "exponential rule"})
"""Rules that take an inner function: where it is not the variable itself, the chain rule acts."""

MAX_LEVELS = 200

AS_ABOVE = "as above"
"""The reason of a derivative that an earlier line has found already."""

Path = tuple[int, ...]


def levels(step: Step, *, fold: bool = True, known: Mapping[Expr, str] | None = None) -> Lines:
    """The lines of a derivation, one level of rules a line.

    Args:
        step: The tree of rule applications.
        fold: Whether what a reader does at sight shares a line with the rule before it.
        known: Formulas whose derivative was found elsewhere, and the reason to give.

    >>> from symderive.differentiate import differentiate
    >>> from sympy import Symbol
    >>> x = Symbol("x")
    >>> for formula, reasons, _ in levels(differentiate(x**2 + 3*x, x)): print(formula, reasons)
    Diff(x**2 + 3*x, x) ()
    2*x + 3 ('sum rule', 'power rule', 'constant multiple rule')
    """
    lines: Lines = [(Diff(step.formula, step.variable), (), ())]
    shape = _Shape(step, fold=fold)
    told = {formula: (reason,) for formula, reason in (known or {}).items()}
    applied: dict[int, Step] = {}
    done: set[Path] = set()
    for level in range(1, MAX_LEVELS):
        line = _Line(shape, told, done)
        formula = line.unfold(step, level)
        if line.found.keys() - told.keys():  # what this line finds, it puts in everywhere
            line.told = {**dict.fromkeys(line.found, ()), **told}
            formula = line.unfold(step, level)
        new = tuple(s for key, s in line.applied.items() if key not in applied)
        if formula != lines[-1][0]:
            lines.append((formula, (*reasons(new), *line.used), new))
        applied |= line.applied
        told = {**dict.fromkeys(line.found, (AS_ABOVE,)), **told}
        done |= line.found_at
        if not formula.has(Diff):
            break
    return lines


def longer_than_a_line(step: Step) -> Iterator[Step]:
    """The steps of a derivation that take more than one line by themselves, each once."""
    shape = _Shape(step, fold=True)
    seen: set[int] = set()
    for inner in shape.order:
        if id(inner) not in seen and not shape.short(inner):
            seen.add(id(inner))
            yield inner


class _Shape:
    """What a reader does at sight, found once for every step of a tree.

    Args:
        step: The tree.
        fold: Whether anything but a name or a constant is done at sight.
    """

    def __init__(self, step: Step, *, fold: bool) -> None:
        self.fold = fold
        self.of_entries = isinstance(step.variable, Indexed)
        self.order: list[Step] = []
        self._linear: set[int] = set()
        self._polynomial: set[int] = set()
        self._short: set[int] = set()
        seen: set[int] = set()
        stack: list[tuple[Step, bool]] = [(step, False)]
        while stack:
            inner, ready = stack.pop()
            if ready:
                self._sort(inner)
            elif id(inner) not in seen:
                seen.add(id(inner))
                stack.append((inner, True))
                stack += [(premise, False) for premise in inner.premises]

    def _sort(self, step: Step) -> None:
        self.order.append(step)
        inner = {id(premise) for premise in step.premises}
        linear = step.rule.name in LINEAR
        if linear and inner <= self._linear:
            self._linear.add(id(step))
        if inner <= (self._polynomial if linear else self._linear) and (
            linear or step.rule.name == "power rule"
        ):
            self._polynomial.add(id(step))
        if inner <= (self._short if linear else self._linear):
            self._short.add(id(step))

    def at_sight(self, step: Step) -> bool:
        """Whether its derivative needs no line: a name, a constant, or with them a linear form."""
        return step.rule.name in SILENT or (self.fold and id(step) in self._linear)

    def short(self, step: Step) -> bool:
        """Whether it takes one line by itself."""
        return id(step) in self._short

    def free(self, step: Step, *, first: bool) -> bool:
        """Whether its rule shares the line of what is inside it: linear rules do.

        Not the sum rule that a derivation starts with, where two terms need lines of their own.
        """
        if not self.fold or step.rule.name not in LINEAR:
            return False
        long = [premise for premise in step.premises if not self.short(premise)]
        return self.of_entries or not (first and len(long) > 1)

    def taken_along(self, step: Step, premise: Step, *, first: bool) -> bool:
        """Whether the derivative of a part shares the line of the rule for the whole."""
        if not self.fold or self.of_entries or step.rule.name in LINEAR:
            return False
        if step.rule.name not in STRUCTURAL and id(premise) in self._polynomial:
            return True
        return not first and all(map(self.short, step.premises))


class _Line:
    """One line: the rules of the first levels applied; what lies deeper stays a ``Diff``.

    Args:
        shape: What is done at sight.
        told: Derivatives that are known, by formula, with the reason to give, if any.
        done: Where a derivative stands that an earlier line has found.
    """

    def __init__(
        self, shape: _Shape, told: Mapping[Expr, tuple[str, ...]], done: set[Path]
    ) -> None:
        self.shape, self.told, self.done = shape, told, done
        self.applied: dict[int, Step] = {}
        self.used: dict[str, None] = {}
        self.found: dict[Expr, None] = {}
        self.found_at: set[Path] = set()

    def unfold(self, step: Step, level: int, path: Path = (), *, first: bool = True) -> Expr:
        """The derivative with ``level`` levels of rules applied.

        Args:
            step: The step, or one that it depends on.
            level: How many levels of rules to apply.
            path: The place of the step in the tree.
            first: Whether it is the first step, or only linear rules lie over it.
        """
        if self.shape.at_sight(step):
            return self._whole(step)
        long = path and not self.shape.short(step)
        if long and step.formula in self.told:
            if path not in self.done:
                self.used |= dict.fromkeys(self.told[step.formula])
                self.found_at.add(path)
            return step.result
        free = self.shape.free(step, first=first)
        if level == 0 and not (free and self.shape.of_entries):
            return Diff(step.formula, step.variable)
        self.applied[id(step)] = step
        results = []
        for place, premise in enumerate(step.premises):
            if self.shape.taken_along(step, premise, first=first):
                results.append(self._whole(premise))
            else:
                at, inner = (*path, place), level if free else level - 1
                results.append(self.unfold(premise, inner, at, first=first and free))
        formula = concluded(step, tuple(results))
        if long and not formula.has(Diff):
            self.found[step.formula] = None
            self.found_at.add(path)
        return formula

    def _whole(self, step: Step) -> Expr:
        """The derivative that is taken at sight, with all its rules."""
        stack = [step]
        while stack:
            inner = stack.pop()
            self.applied.setdefault(id(inner), inner)
            stack += reversed(inner.premises)
        return step.result


def reasons(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The names of the rules, and the chain rule where an inner function moves."""
    names: dict[str, None] = {}
    for step in steps:
        if step.rule.name in SILENT:
            continue
        names[step.rule.name] = None
        moving = [p for p in step.premises if depends(p.formula, step.variable)]
        chained = step.rule.name.startswith("derivative of") or step.rule.name in CHAINED
        if chained and any(p.formula != step.variable for p in moving):
            names["chain rule"] = None
    return tuple(names)
