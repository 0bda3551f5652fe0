"""Why a derivative is what it is: the paths that carry it, or why no path does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from sympy import Symbol

from symderive.errors import UnknownChoiceError
from symderive.formulas.written import evaluated
from symderive.sampling import stopped

if TYPE_CHECKING:
    from symderive.chain import Chain
    from symderive.derivation import Derivation

MAX_USERS = 4
"""Stages that are named as those on which a source acts."""


def explain(derivation: Derivation, target: str | Sequence[str], source: str) -> str:
    """A sentence or two on each target: the paths and their names, or the reason for a zero.

    Raises:
        UnknownChoiceError: There is no such target.
    """
    if not isinstance(target, str):
        return "\n".join(explain(derivation, name, source) for name in target)
    model = derivation.model
    subject = f"∂{target}/∂{source}"
    known = dict.fromkeys((*model.names, *model.parameters))
    if target not in known:
        raise UnknownChoiceError("name", target, known)
    if target == source:
        return f"{subject} = 1: a name with respect to itself."
    if target not in model.stages:
        return f"{subject} = 0: {target} is given, not computed: it depends on nothing."
    if source not in model.ancestors(target):
        return f"{subject} = 0: {_why_not(derivation, target, source)}"
    return f"{subject} {_along_paths(derivation, target, source)}"


def _along_paths(derivation: Derivation, target: str, source: str) -> str:
    """How many paths carry a derivative, which they are, and which of them carry nothing."""
    chain = derivation.chain(target, (source,))
    count, paths = chain.count_paths(source), chain.paths(source)
    shown = "; ".join(_arrows(path) for path in paths)
    more = f"; … ({count - len(paths)} more)" if count > len(paths) else ""
    lead = "1 path leads" if count == 1 else f"{count} paths lead"
    if derivation.partial(target, source).formula == 0:
        blocked = [*dict.fromkeys(reason for path in paths for reason in _blocks(chain, path)[:1])]
        zero = " + ".join(" · ".join(f"∂{b}/∂{a}" for a, b in pairwise(path)) for path in paths)
        why = "".join(f" {reason}." for reason in blocked)
        return f"= 0 although {lead} there ({shown}{more}): {zero} = 0.{why}"
    idle = {tuple(path): found for path in paths if (found := _blocks(chain, path))}
    shown = "; ".join(_arrows(path) for path in paths if tuple(path) not in idle)
    carrying = f"{count - len(idle)} of {count}" if idle else f"{count}"
    noun = "path" if count == 1 else "paths"
    empty = "".join(f" {_arrows(path)} carries nothing: {why[0]}." for path, why in idle.items())
    return f"is carried by {carrying} {noun}: {shown}{more}.{empty}"


def _arrows(path: Sequence[str]) -> str:
    return " → ".join(path)


def _blocks(chain: Chain, path: Sequence[str]) -> list[str]:
    """Why a path carries nothing: each of its links that is zero, with the reason."""
    return [
        _why_zero(chain, after, before)
        for before, after in pairwise(path)
        if chain.links[after, before].formula == 0
    ]


def _why_zero(chain: Chain, stage: str, source: str) -> str:
    written = evaluated(chain.model.stages[stage].written)
    held = [part for part in stopped(written) if Symbol(source) in part.free_symbols]
    if held:
        return f"stop_gradient holds {source} constant in {stage}"
    if Symbol(source) not in written.free_symbols:
        return f"{source} cancels in {stage}"
    return f"{stage} does not change with {source}, or only in jumps"


def _why_not(derivation: Derivation, target: str, source: str) -> str:
    """Where the source goes instead, or that it comes after the target."""
    model = derivation.model
    if source in model.stages and target in model.ancestors(source):
        path = _arrows(next(iter(derivation.chain(source, (target,)).paths(target))))
        return f"{source} comes after {target}: it depends on it, not the other way round ({path})."
    users = model.users.get(source, ())
    if not users:
        return f"no stage uses {source}."
    reached = [*_downstream(derivation, source)]
    nearest = ", ".join(reached[:MAX_USERS]) + (", …" if len(reached) > MAX_USERS else "")
    text = f"{source} is not an ancestor of {target}. {source} acts on {nearest}"
    last = max((name for name in reached if not model.users.get(name)), default="", key=len)
    if last and last not in users:
        text += (
            f"; the nearest path is {_arrows(derivation.chain(last, (source,)).paths(source)[0])}"
        )
    return f"{text}."


def _downstream(derivation: Derivation, source: str) -> Iterator[str]:
    """The stages that a name acts on, the nearest first."""
    queue = [source]
    seen = {source}
    for name in queue:
        for user in derivation.model.users.get(name, ()):
            if user not in seen:
                seen.add(user)
                queue.append(user)
                yield user
