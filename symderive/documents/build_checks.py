"""The section on the checks: verdicts by line, the gradient against differences, assumptions."""

from __future__ import annotations

from collections.abc import Iterator

from symderive.documents.outline import Block, Heading, Inline, Paragraph, TableBlock
from symderive.documents.wording import Context, powers_of_ten
from symderive.formulas.tree import name_node

MAX_ROWS = 30


def checks_section(context: Context) -> Iterator[Block]:
    """What was checked, how, and what is assumed."""
    derivation = context.derivation
    report = derivation.check()
    counts: dict[str, int] = {}
    digits = points = 0
    for check in report.lines:
        certificate = check.certificate
        counts[certificate.verdict] = counts.get(certificate.verdict, 0) + 1
        digits, points = max(digits, certificate.digits), max(points, certificate.points)
    yield Heading(1, ("Checks made",))
    text = f"{len(report.lines)} lines were checked. {_tally(counts)}"
    if points:
        text += (
            f" A sampled line was compared at {points} seeded random points of its domain "
            f"to {digits} digits."
        )
    yield Paragraph((text,))
    rows: list[tuple[Inline, ...]] = [
        (
            (name_node(check.subject.partition("/∂")[2]),),
            powers_of_ten(check.certificate.method),
            (_WORDS.get(check.certificate.verdict, check.certificate.verdict),),
        )
        for check in report.gradient[:MAX_ROWS]
    ]
    if rows:
        more = len(report.gradient) - len(rows)
        also = f" {more} more were checked in the same way." if more > 0 else ""
        yield TableBlock(
            (("derivative by",), ("compared with",), ("verdict",)),
            tuple(rows),
            "cll",
            (
                "The gradient against the model itself: differences of ",
                name_node(derivation.target),
                f", which no rule of this document produced.{also}",
            ),
        )
    yield from _ledger(context)
    for warning in derivation.warnings:
        yield Paragraph(("Note: ", *context.prose(warning), "."))
    if derivation.model.claims:
        from symderive.documents.build_claims import claims_told

        yield from claims_told(context)


_WORDS = {"sampled": "agrees", "proved": "proved", "refuted": "differs", "unknown": "not decided"}


def _tally(counts: dict[str, int]) -> str:
    told = {
        "proved": "proved by exact algebra",
        "sampled": "found equal at sampled points",
        "unknown": "not decided",
        "refuted": "refuted",
    }
    parts = [f"{counts[verdict]} {words}" for verdict, words in told.items() if verdict in counts]
    return (
        f"Of these, {', '.join(parts)}."
        if len(parts) > 1
        else f"All were {told[next(iter(counts))]}."
        if counts
        else ""
    )


def _ledger(context: Context) -> Iterator[Block]:
    """What the derivation takes for granted: conditions, and the conventions at kinks."""
    derivation = context.derivation
    assumed = [row for row in derivation.assumptions if not row.holds]
    proved = [row for row in derivation.assumptions if row.holds]
    yield Paragraph(("All quantities are real numbers.",))
    for rows, opening in (
        (assumed, "It is assumed that "),
        (proved, "The definitions of the stages guarantee that "),
    ):
        shown = rows[:MAX_CONDITIONS]
        parts = [
            (context.formula(row.condition), " (", *context.prose(row.reason), ")") for row in shown
        ]
        text = [piece for k, part in enumerate(parts) for piece in ((", ", *part) if k else part)]
        more = f" and {len(rows) - len(shown)} more conditions" if len(rows) > len(shown) else ""
        if rows:
            yield Paragraph((opening, *text, f"{more}."))
    for note in _conventions(context):
        yield Paragraph((note,))


MAX_CONDITIONS = 12
SELF_EVIDENT = frozenset({"independent entries", "derivative under the sum"})
"""Rules whose condition is no convention."""


def _conventions(context: Context) -> list[str]:
    """The conventions of the rules that were applied, each once."""
    found: dict[str, None] = {}
    for kind in {id(link.kind): link.kind for link in context.derivation.links.values()}.values():
        for step in kind.step.walk():
            if step.rule.convention and step.rule.name not in SELF_EVIDENT:
                convention = step.rule.convention.replace(" == ", " = ")
                at, _, taken = convention.partition(": the derivative ")
                told = f"Convention of the {step.rule.name}: {convention}"
                found[f"{at}, the {step.rule.name} {taken}" if taken else told] = None
    return [note if note.endswith(".") else f"{note}." for note in found]
