"""Claims about second and higher derivatives: judged as first derivatives of the one before.

∂²f/∂x∂y is the derivative by y of a model that has ∂f/∂x among its stages, so that the slips of
the last step are those of any first derivative. Here are those of the step before, and of taking
one derivative for another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from sympy import Expr, Symbol

from symderive.differentiate import differentiate
from symderive.errors import SymderiveError
from symderive.formulas.inert import Diff
from symderive.formulas.written import evaluated
from symderive.results import adjoint_name
from symderive.slips import mutants
from symderive.subjects import Subject

if TYPE_CHECKING:
    from symderive.derivation import Derivation

Candidates = Callable[["Derivation", str, str], Iterator[tuple[str, Expr]]]

FORGOTTEN = "forgotten inner derivative"

MAX_CARRIED = 150
"""Slips of the step before that are carried on into the last one."""


def other_derivatives(derivation: Derivation, subject: Subject) -> Iterator[tuple[str, Expr]]:
    """Derivatives that may have been taken for the one that is asked for."""
    target, sources = subject.target, subject.sources
    order = len(sources)
    firsts = {name: derivation.partial(target, name).formula for name in sources}
    for name, first in firsts.items():
        yield f"one derivative too few: this is {Subject(target, (name,))}", first
    for name, first in firsts.items() if order == 2 else ():
        told = Subject(target, (name,))
        if len(firsts) == 1:
            yield f"({told})² is not {subject}", first**2
    if len(firsts) == 2 and order == 2:
        one, other = firsts
        product = firsts[one] * firsts[other]
        yield f"the product of the two first derivatives is not {subject}", product
        for name in firsts:
            found = derivation.derivative(target, name, order=2).formula
            yield f"both derivatives by one name: this is {Subject(target, (name, name))}", found
    if len(firsts) == 1:
        for wrong in (order + 1, *([order - 1] if order > 2 else [])):
            found = derivation.derivative(target, sources[0], order=wrong).formula
            many = "many" if wrong > order else "few"
            told = Subject(target, sources[:1] * wrong)
            yield f"one derivative too {many}: this is {told}", found


def carried_on(
    derivation: Derivation, subject: Subject, candidates: Candidates, opened: Callable[[Expr], Expr]
) -> Iterator[tuple[str, Expr]]:
    """What a slip in the first derivative makes of the second.

    Args:
        derivation: The derivation.
        subject: The derivative, of order two.
        candidates: The slips of a first derivative.
        opened: Writes out the stages between the target and the sources.
    """
    if len(subject.sources) != 2:
        return
    first, last = subject.sources
    for name, wrong in islice(candidates(derivation, subject.target, first), MAX_CARRIED):
        formula = opened(wrong)
        if formula.has(Diff):
            continue
        try:
            step = differentiate(formula, Symbol(last))
        except SymderiveError:
            continue
        yield f"in {Subject(subject.target, (first,))}, {name}", evaluated(step.result)
        if name.startswith(FORGOTTEN):
            for again, result in mutants(step):
                if again.startswith(FORGOTTEN):
                    yield f"{FORGOTTEN}, in both derivatives", result


def told_of(text: str, subject: Subject) -> str:
    """A slip in the words of the reader's model: the stage of a gradient is a derivative there.

    >>> told_of("sign: in ∂y_D_x/∂u", Subject("y", ("x", "x")))
    'sign: in ∂(∂y/∂x)/∂u'
    """
    name, told = subject.target, {}
    for k, source in enumerate(subject.sources[:-1], 1):
        name = adjoint_name(name, source)
        told[name] = str(Subject(subject.target, subject.sources[:k]))
    for name in sorted(told, key=len, reverse=True):
        text = re.sub(rf"∂{name}/", f"∂({told[name]})/", text)
        text = re.sub(rf"\b{name}\b", told[name], text)
    return text
