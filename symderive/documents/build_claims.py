"""The answers that a model states, typeset, and what became of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Symbol

from symderive.claims import adjoints_put_in, as_typed
from symderive.documents.build_second import higher
from symderive.documents.outline import Block, Equation, Inline, Paragraph
from symderive.documents.wording import (
    Context,
    aligned,
    listed,
    power_of_ten,
    powers_of_ten,
    relabelled,
    with_brackets,
)
from symderive.errors import SymderiveError
from symderive.formulas.nodes import NEGATIVE
from symderive.formulas.parsing import parse
from symderive.formulas.printing import tree
from symderive.formulas.tree import Node, Op, Row, Text, equation, name_node, partial
from symderive.subjects import Subject, read_subject, without_primes

if TYPE_CHECKING:
    from symderive.claims import Verdict

MAX_CLAIMS = 12

_INTRO = {
    False: "The model states an answer, which was judged.",
    True: "The model states these answers; each was judged.",
}
_WORDS = {"proved": "claimed; proved", "unknown": "claimed; not decided"}
_MARKS = {"true where": "refuted"}


def claims_told(context: Context) -> Iterator[Block]:
    """Each claim with its verdict; of one that is not right, where it fails and the right form."""
    claims = list(context.derivation.model.claims.items())[:MAX_CLAIMS]
    waiting: list[Equation] = []
    if claims:
        yield Paragraph((_INTRO[len(claims) > 1],))
    for subject, answer in claims:
        verdict = context.derivation.check_claim(subject, answer)
        lines = _lines(context, subject, answer, verdict)
        if lines is None:
            told = f"Claimed: {subject} = {answer}. Verdict: {verdict}"
            yield from [aligned(waiting)] if waiting else []
            yield Paragraph(powers_of_ten(told if told.endswith(".") else f"{told}."))
            waiting = []
            continue
        waiting += lines
        if details := _details(context, verdict):
            yield aligned(waiting)
            yield Paragraph(details)
            waiting = []
    if waiting:
        yield aligned(waiting)


def _lines(context: Context, subject: str, answer: str, verdict: Verdict) -> list[Equation] | None:
    """The claim, and the right form below one that is wrong; None where it cannot be typeset."""
    try:
        about = _subject(context, subject)
        left, stated = _left(context, about), _formula(context, about, answer)
        right = None if verdict.holds else _right(context, about, verdict)
    except (SymderiveError, ValueError, LookupError):
        return None
    mark = _MARKS.get(verdict.verdict, verdict.verdict)
    lines = [Equation(left, stated, _note(context, verdict), mark)]
    if right is not None:
        lines.append(Equation(left, right, ("the right form",)))
    return lines


# Formulas ---------------------------------------------------------------------------------------


def _subject(context: Context, text: str) -> Subject:
    model = context.derivation.model
    written = without_primes(text, context.derivation.sources)
    return read_subject(written, {*model.names, *model.parameters})


def _left(context: Context, about: Subject) -> Node:
    """∂target/∂source, ∂²target/∂first∂second, or an entry of one."""
    names = (about.target, *about.sources)
    above, *below = map(_entry, names, _places(about))
    return partial(above, below[0]) if len(below) == 1 else higher(above, *below)


def _entry(name: str, letters: list[str]) -> Node:
    if not letters:
        return name_node(name)
    from symderive.formulas.arrays.index import entry_of

    return tree(entry_of(name, [*map(_place, letters)]))


def _places(about: Subject) -> list[list[str]]:
    stated = about.at or (None,) * (len(about.sources) + 1)
    return [[part.strip() for part in (text or "").split(",") if part.strip()] for text in stated]


def _place(text: str) -> Expr:
    return Integer(text) if text.isdecimal() else Symbol(text)


def _right(context: Context, about: Subject, verdict: Verdict) -> Node:
    if context.arrays:
        return _formula(context, about, verdict.right)
    return context.formula(verdict.correct)


def _formula(context: Context, about: Subject, text: str) -> Node:
    """A claimed formula as it was typed; derivatives in it are shown as such."""
    model = context.derivation.model
    found: dict[str, tuple[str, str]] = {}

    def named(target: str, source: str) -> str:
        name = f"adjoint{len(found)}"
        found[name] = (target, source)
        return name

    known = {*model.names, *model.parameters, *model.constants}
    text = adjoints_put_in(text.strip(), known, named)
    shown = {name: partial(*map(name_node, pair)) for name, pair in found.items()}
    if not context.arrays:
        node = context.stated(parse(as_typed(text), model.functions, declared=known).written)
    elif any(_places(about)) or re.search(r"\b(Sum|KroneckerDelta)\(", text):
        node = _of_entry(context, about, text)
    else:
        node = _of_array(context, text, found)
    made: Node = with_brackets(relabelled(node, shown))
    return made


def _of_array(context: Any, text: str, found: Mapping[str, tuple[str, str]]) -> Node:
    """A formula in array language, in matrix notation; ``found`` are names of derivatives."""
    from symderive.formulas.arrays.reading import read_array

    model = context.derivation.model
    shapes = dict(model.shapes)
    for name, pair in found.items():
        shapes[name] = tuple(size for part in pair for size in context.dimensions(part))
    declared = frozenset((*model.order, *found))
    shown: Node = context.written(read_array(text, model.functions, shapes, declared=declared))
    return shown


def _of_entry(context: Any, about: Subject, text: str) -> Node:
    """A formula of one entry, in index notation."""
    from symderive.formulas.arrays.index import Index
    from symderive.formulas.arrays.index_reading import parse_index

    model = context.derivation.model
    free = {
        letter: Index(letter, size)
        for name, letters in zip((about.target, *about.sources), _places(about), strict=True)
        for letter, size in zip(letters, context.dimensions(name), strict=True)
    }
    known = (*model.names, *model.parameters, *model.constants)
    read = parse_index(text, model.functions, model.shapes, free, known=known)
    return context.formula(read)


_SIGN = re.compile(r" (<=|>=|!=|==|[<>=≠]) ")
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def _condition(context: Context, text: str) -> Inline:
    """Where a claim holds: relations as formulas, joined by words; prose where there are none."""
    parts: list[str | Node] = []
    for piece in re.split(r"( and | or )", text):
        sides = _SIGN.split(piece)
        try:
            nodes = [
                Op(_SIGNS.get(side, side), "rel") if k % 2 else _side(context, side)
                for k, side in enumerate(sides)
            ]
        except (SymderiveError, ValueError, LookupError):
            return context.prose(text)
        parts.append(Row(tuple(nodes)) if len(sides) > 1 else piece)
    return tuple(parts)


def _side(context: Context, text: str) -> Node:
    return context.stated(parse(text, context.derivation.model.functions).written)


# Words ------------------------------------------------------------------------------------------


def _note(context: Context, verdict: Verdict) -> Inline:
    if verdict.verdict == "sampled" and verdict.certificate:
        return (f"claimed; {verdict.certificate.method}",)
    if verdict.verdict == "true where":
        return ("claimed; true where ", *_condition(context, verdict.condition))
    return (_WORDS.get(verdict.verdict, f"claimed; {verdict.verdict}"),)


def _details(context: Context, verdict: Verdict) -> Inline:
    """Where the claim fails, the likely slip, and where a wrong one holds; empty of a right one."""
    told: list[str | Node] = []
    if verdict.counterexample:
        point = [
            equation(name_node(name), _value(value))
            for name, value in verdict.counterexample.items()
        ]
        told += ["It fails at ", *listed(point), *_there(context, verdict), ". "]
    if verdict.slip:
        told += ["Likely slip: ", *context.prose(verdict.slip), ". "]
    if verdict.condition and verdict.verdict != "true where":
        told += ["It holds where ", *_condition(context, verdict.condition), ". "]
    return tuple(told)


def _there(context: Context, verdict: Verdict) -> Inline:
    """What the claim and the derivative are at the counterexample."""
    entry = getattr(verdict, "entry", "")
    wrong, right = (verdict.claimed, verdict.expected) if entry else verdict.there  # type: ignore[attr-defined]
    if not (wrong and right):
        return ()
    wrong, right = _value(wrong), _value(right)
    if entry:
        shown = _left(context, _subject(context, entry))
        return (", where ", shown, " is ", right, ", not ", wrong)
    return (", where it gives ", wrong, " and the derivative is ", right)


def _value(text: str) -> Node:
    """A number, or an array of numbers, that is given as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return Text(text)
    if isinstance(value, list):
        from symderive.documents.array_wording import numbers_node

        return numbers_node(value)
    size = power_of_ten(text.lstrip("-"))
    return Row((NEGATIVE, size)) if text.startswith("-") else size
