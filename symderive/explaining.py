"""Why a derivative is what it is: the paths that carry it, or why no path does."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symderive.derivation import Derivation


def explain(derivation: Derivation, target: str, source: str) -> str:
    """One paragraph: the number of paths and their names, or the reason for a zero."""
    model = derivation.model
    subject = f"∂{target}/∂{source}"
    if target == source:
        return f"{subject} = 1: a name with respect to itself."
    if source not in model.ancestors(target):
        return f"{subject} = 0: {_why_not(derivation, target, source)}"
    chain = derivation.chain(target, (source,))
    count = chain.count_paths(source)
    formula = derivation.partial(target, source).formula
    paths = chain.paths(source)
    shown = "; ".join(" → ".join(path) for path in paths)
    more = f"; … ({count - len(paths)} more)" if count > len(paths) else ""
    noun = "path" if count == 1 else "paths"
    if formula == 0:
        zero = " + ".join(" · ".join(f"∂{b}/∂{a}" for a, b in pairwise(path)) for path in paths)
        return f"{subject} = 0 although {count} {noun} lead there ({shown}{more}): {zero} = 0."
    return f"{subject} is carried by {count} {noun}: {shown}{more}."


def _why_not(derivation: Derivation, target: str, source: str) -> str:
    """Where the source goes instead, or that it comes after the target."""
    model = derivation.model
    if source in model.stages and target in model.ancestors(source):
        return f"{source} comes after {target}: it depends on it, not the other way round."
    users = model.users.get(source, ())
    if not users:
        return f"no stage uses {source}."
    reached: dict[str, None] = dict.fromkeys(users)
    for name in reached.copy():
        reached.update(dict.fromkeys(model.users.get(name, ())))
    nearest = ", ".join(list(reached)[:4])
    return f"{source} is not an ancestor of {target}. {source} acts on {nearest}."
