"""Stages that are alike but for the entries that they take, the steps of a loop: derived once.

``tanh(X[3] @ W + V @ h)`` and ``tanh(X[4] @ W + V @ h)`` are one formula of a row, W, V and h. By
all but X, their derivatives are those of that formula, with their rows put in again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Basic, Expr, Indexed, Symbol

from symderive.array_model import ArrayTemplate
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.op import entry
from symderive.formulas.arrays.syntax import Apply, Leaf, Tree, of_args
from symderive.formulas.inert import placeholder
from symderive.formulas.written import rename

FEWEST = 3
"""As many formulas that are alike are derived as one."""

Picks = Mapping[str, Tree]
"""The entries of arrays that placeholders stand for, by their names."""


class Steps:
    """The formulas of a model, and which of them are alike but for their entries.

    Args:
        templates: The formulas.
    """

    def __init__(self, templates: Iterable[ArrayTemplate]) -> None:
        rows = {id(template): template for template in templates}
        self._picks = {key: _picks(template) for key, template in rows.items()}
        common = {
            key: _without(row.tree, _named(row, self._picks[key])) for key, row in rows.items()
        }
        alike = Counter(common.values())
        for key, tree in common.items():
            if alike[tree] < FEWEST:
                self._picks[key] = []

    def common(self, template: ArrayTemplate, place: int) -> tuple[Tree, Picks]:
        """The formula with placeholders for the entries of arrays other than that at a place."""
        own = placeholder(place).name
        picks = [pick for pick in self._picks[id(template)] if pick.args[0].name != own]  # type: ignore[attr-defined]
        named = _named(template, picks)
        return _without(template.tree, named), {name: pick for pick, name in named.items()}


def template_of(template: ArrayTemplate, tree: Tree, picks: Picks) -> ArrayTemplate:
    """A formula in which placeholders stand for entries, as a template."""
    if not picks:
        return template
    shapes = (*template.shapes, *(pick.shape for pick in picks.values()))
    written = canonical(entry(tree, template.indices))
    return replace(template, written=written, size=len(shapes), tree=tree, shapes=shapes)


def with_picks(formula: Expr, picks: Picks) -> Expr:
    """A formula of indices with the entries that placeholders stand for."""
    found: dict[Basic, Basic] = {}
    for part in formula.atoms(Indexed, Symbol) if picks else ():
        label = part.base.label if isinstance(part, Indexed) else part
        pick = picks.get(str(label))
        at = part.indices if isinstance(part, Indexed) else ()
        if pick is not None and pick.ndim == len(at):
            found[part] = entry(pick, at)
    result: Any = rename(formula, found) if found else formula
    return result


def _picks(template: ArrayTemplate) -> Sequence[Apply]:
    """The entries that a formula takes at places that are numbers."""
    found: list[Apply] = []
    for part in template.tree.walk():
        if isinstance(part, Apply) and part.op == "index_notation":
            return []  # its names stand in a formula of indices
        if _is_pick(part, template) and part not in found:
            found.append(part)  # type: ignore[arg-type]
    return found


def _is_pick(tree: Tree, template: ArrayTemplate) -> bool:
    """Whether a formula is entries of an array of which nothing is known."""
    if not (isinstance(tree, Apply) and tree.op == "index" and isinstance(tree.args[0], Leaf)):
        return False
    numbers = (key[0] == "int" and key[1].is_Integer for key in tree.option("key"))
    return any(numbers) and not template.known.stated.get(tree.args[0].name)


def _named(template: ArrayTemplate, picks: Sequence[Apply]) -> dict[Apply, str]:
    return {pick: placeholder(template.size + k).name for k, pick in enumerate(picks)}


def _without(tree: Tree, names: Mapping[Apply, str]) -> Tree:
    """The formula with names in place of some parts."""
    if not isinstance(tree, Apply) or not names:
        return tree
    if tree in names:
        return Leaf(tree.shape, names[tree])
    return of_args(tree, tuple(_without(arg, names) for arg in tree.args))
