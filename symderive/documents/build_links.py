"""The section on links: a box a link, or a box a kind where many are the same up to names."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from symderive.documents.build_functions import functions_section
from symderive.documents.kinds import (
    Group,
    also,
    general_names,
    grouped,
    pattern_of,
    with_other_constants,
)
from symderive.documents.outline import (
    Block,
    Equation,
    Heading,
    Inline,
    Paragraph,
    RuleBox,
    RuleUse,
)
from symderive.documents.wording import Context, aligned, ends, listed, mark_of, relabelled
from symderive.formulas.nodes import THIN
from symderive.formulas.printing import tree
from symderive.formulas.tree import (
    DOT,
    EQUALS,
    Frac,
    Id,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    equation,
    fence,
    row,
)
from symderive.rules import LINEAR, told_for
from symderive.telling import longer_than_a_line

if TYPE_CHECKING:
    from sympy import Expr

    from symderive.links import Link
    from symderive.steps import Rule, Step

MAX_LINKS = 14
"""Links up to which those of a kind share a derivation only where they are ``MANY_ALIKE``."""
MANY_ALIKE = 3
MAX_KINDS = 40
"""Kinds that are derived in full."""
MAX_SAME = 6
"""Links of one linear stage in a box; of more, the first and the last."""
MAX_REPEATED_LINES = 3
"""A derivation with more lines is told once, and referred to where it comes again."""
SILENT = frozenset({"identity rule", "constant rule"})
LETTERS = "uvwst"
_D = Id("d", "rm")
ENTRYWISE = frozenset({"independent entries", "derivative under the sum"})
"""Rules that say all in their statement."""


def links_section(context: Context) -> Iterator[Block]:
    """The derivative of every stage with respect to every name it uses."""
    links = list(context.derivation.links.values())
    if not links:
        return
    if context.detail == "full":
        yield from functions_section(context, links)
    yield Heading(1, ("Links: each stage by what it uses",))
    groups = grouped(links, MANY_ALIKE if len(links) <= MAX_LINKS else 1)
    opening = _opening(links, groups)
    several = len(groups) > 1 and context.detail == "standard"
    stated = "A rule is stated where it is first used. " if several else ""
    yield Paragraph((opening, stated, *_legend(context)))
    yield from _boxes(context, groups[:MAX_KINDS])
    if len(groups) > MAX_KINDS:
        yield Paragraph((f"The other {len(groups) - MAX_KINDS} kinds are left out here.",))


def _opening(links: Sequence[Link], groups: Sequence[Group]) -> str:
    """What a box is of: a link, or links that are derived alike."""
    same = "names and constants" if any(group.others for group in groups) else "names"
    if len(links) > MAX_LINKS:
        kinds = "1 kind" if len(groups) == 1 else f"{len(groups)} kinds"
        return (
            f"The {len(links)} links are of {kinds}. Links of one kind are the same up to {same}, "
            "so each kind is derived once. "
        )
    each = "Each box differentiates one stage by one name in its formula, rule by rule. "
    alike = f"Links that are the same up to {same} share a box. "
    return (each if len(groups) > 1 else "") + (alike if len(groups) < len(links) else "")


def _boxes(context: Context, groups: Sequence[Group]) -> Iterator[RuleBox]:
    """The boxes; what an earlier box derives, the whole or a part of it, refers to that box.

    A rule is stated in the first box that uses it; with every detail, in all of them.
    """
    boxes = list(_by_linear_stage(groups))
    whole, parts = _repeated(context, [boxed[0].first for boxed in boxes])
    cited = sorted({*whole.values(), *(k for known in parts.values() for k in known.values())})
    numbers = {place: n for n, place in enumerate(cited, 1)}
    stated: set[str] = set()
    for place, boxed in enumerate(boxes):
        link = boxed[0].first
        if place in whole:
            title = context.link(link.stage.name, link.source)
            same = boxes[whole[place]][0].first.kind is link.kind
            note = (
                f"as in ({numbers[whole[place]]})" + ("" if same else ", with other constants"),
            )
            result = context.formula(link.formula)
            line = Equation(title, result, note, mark_of(link.certificate))
            yield RuleBox((title,), (), aligned([line]).lines)
            continue
        known = {part: f"as in ({numbers[at]})" for part, at in parts.get(place, {}).items()}
        box = _box(context, boxed, known)
        if context.detail != "full":
            box = replace(box, rules=tuple(rule for rule in box.rules if rule.name not in stated))
            stated |= {rule.name for rule in box.rules}
        number = numbers.get(place)
        yield replace(box, title=(*box.title, f"\u2003({number})")) if number else box


def _repeated(
    context: Context, links: Sequence[Link]
) -> tuple[dict[int, int], dict[int, dict[Expr, int]]]:
    """By place: the earlier link that is derived alike, and those that derive its parts."""
    whole: dict[int, int] = {}
    parts: dict[int, dict[Expr, int]] = {}
    kinds: dict[Hashable, int] = {}
    derived: dict[tuple[Expr, str], int] = {}
    for place, link in enumerate(links):
        first = kinds.setdefault(pattern_of(link.kind), place)
        if first != place and len(link.told(context.detail)) > MAX_REPEATED_LINES:
            whole[place] = first
            continue
        if context.detail != "standard" or link.kind.way == "logarithmic":
            continue
        for step in longer_than_a_line(link.kind.step):
            key = (link.here(step.formula), link.source)
            if key not in derived:
                derived[key] = place
            elif derived[key] != place and step is not link.kind.step:
                parts.setdefault(place, {})[step.formula] = derived[key]
    return whole, parts


def _legend(context: Context) -> tuple[str, ...]:
    """What the marks mean that the document has."""
    links = (line for link in context.derivation.links.values() for line in link.lines)
    partials = (line for part in context.derivation.partials.values() for line in part.lines)
    verdicts = {line.certificate.verdict for line in (*links, *partials) if line.certificate}
    proved = "A tick marks a line that is proved equal to the one it comes from"
    if "sampled" not in verdicts:
        return (f"{proved}.",)
    return (f"{proved}; ≈ marks one found equal at sampled points to 50 digits.",)


def _by_linear_stage(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Groups that share a box: those of one stage that linear rules alone derive."""
    together: list[Group] = []
    for group in groups:
        linear = all(step.rule.name in LINEAR for step in group.first.kind.step.walk())
        same = together and together[0].first.stage.name == group.first.stage.name
        if together and not (same and linear):
            yield together
            together = []
        together.append(group)
        if not linear:
            yield together
            together = []
    if together:
        yield together


def _box(
    context: Context, groups: Sequence[Group], known: Mapping[Expr, str] | None = None
) -> RuleBox:
    shown = ends(groups, MAX_SAME, 3, 1)
    titles: list[Node] = []
    lines: list[Equation] = []
    text: list[str | Node] = []
    for group in shown:
        link = group.first
        general = general_names(group.links)
        title = relabelled(context.link(link.stage.name, link.source), general)
        titles.append(title)
        lines += [
            replace(
                line, right=relabelled(line.right, general), note=_renamed_text(line.note, general)
            )
            for line in _lines(context, link, title, known if link is groups[0].first else None)
        ]
        text += also(group.links, general)
        lines += with_other_constants(context, group)
    if len(shown) < len(groups):
        text.append(f"The other {len(groups) - len(shown)} links of this stage are alike.")
    rules: dict[str, RuleUse] = {}
    for group in shown:
        for rule in _rules(context, _used(group.first, known), lines):
            general = general_names(group.links)
            bindings = tuple(relabelled(binding, general) for binding in rule.bindings)
            rules.setdefault(rule.name, replace(rule, bindings=bindings))
    heading = listed(titles) if len(shown) == len(groups) else listed(titles, " … ")
    return RuleBox(heading, tuple(rules.values()), aligned(lines).lines, tuple(text))


def _used(link: Link, known: Mapping[Expr, str] | None) -> Sequence[Step]:
    """The steps that the lines take: without those of parts that another box derives."""
    if not known:
        return link.steps
    steps = (step for line in link.kind.lines_knowing(known) for step in line.steps)
    return [link.step_here(step) for step in steps]


def _lines(
    context: Context, link: Link, title: Node, known: Mapping[Expr, str] | None = None
) -> list[Equation]:
    lines = [
        Equation(
            None,
            context.formula(line.formula),
            context.prose(", ".join(line.reasons)),
            # The first line only says what is to be differentiated.
            mark_of(line.certificate) if line.reasons else "",
        )
        for line in link.told(context.detail, known)
    ]
    if lines:
        lines[0] = replace(lines[0], left=title)
    if lines and not context.arrays:  # what is differentiated stands as it was written
        opening = link.told(context.detail, known)[0]
        lines[0] = replace(lines[0], right=context.stated(opening.formula))
    if context.arrays:
        from symderive.documents.build_arrays import whole_line

        lines += whole_line(context, link)
    return lines


# The rules of a box -----------------------------------------------------------------------------


def _rules(
    context: Context, steps: Sequence[Step], lines: Sequence[Equation]
) -> tuple[RuleUse, ...]:
    """The rules that the lines name, stated in general, with what stands for their letters."""
    if context.detail == "brief":
        return ()
    found: dict[str, RuleUse] = {}
    ordered = sorted(dict.fromkeys(steps), key=lambda step: -_size(step))
    for step in ordered:
        rule = step.rule
        if rule.name in found or (rule.name in SILENT and context.detail != "full"):
            continue
        found[rule.name] = RuleUse(
            rule.name,
            _stated(context, told_for(step)),
            () if rule.name in ENTRYWISE else _bound(context, step),
            "" if rule.name in ENTRYWISE else rule.convention.replace(" == ", " = "),
        )
    named = {str(part) for line in lines for part in line.note}
    if any("chain rule" in note for note in named) and "chain rule" not in found:
        found["chain rule"] = RuleUse("chain rule", _chain_rule())
    return tuple(found.values())


def _size(step: Step) -> int:
    return sum(1 for _ in step.walk())


def _bound(context: Context, step: Step) -> tuple[Node, ...]:
    """What stands for the letters of a rule: of one for whole arrays, the array."""
    if context.arrays and step.rule.matrix:
        from symderive.documents.array_rules_told import binding

        return binding(step.formula, context.derivation.model.order)
    return tuple(_bindings(context, step))


def _stated(context: Context, rule: Rule) -> Node | None:
    if context.arrays:
        from symderive.documents.array_rules_told import statement

        return statement(rule) or _statement(rule)
    return _statement(rule)


def _statement(rule: Rule) -> Node:
    left = tree(rule.left, written=True)
    body = left if isinstance(left, Name | Id) else _bracketed(left)
    return equation(Row((_by("x"), THIN, body)), tree(rule.right, written=True))


def _bracketed(node: Node) -> Node:
    if isinstance(node, Row) and any(isinstance(p, Op) and p.kind == "bin" for p in node.items):
        return fence(node)
    return node


def _by(x: str, *above: Node) -> Node:
    """d/dx, or du/dx."""
    return Frac(row(_D, *above), Row((_D, Id(x))))


def _chain_rule() -> Node:
    y, u = Id("y"), Id("u")
    return Row((_by("x", y), EQUALS, _by("u", y), DOT, _by("x", u)))


def _bindings(context: Context, step: Step) -> Iterator[Node]:
    """U = …, v = …: letters that a rule binds more than once become u, v, w, …."""
    stated = {
        symbol.name for side in (step.rule.left, step.rule.right) for symbol in side.free_symbols
    }
    bound = [(name, f) for name, f in step.bindings if name in stated or not stated]
    names = [name for name, _ in bound]
    several = len(names) > 1 and len(set(names)) == 1
    if several and len(names) > len(LETTERS):
        step_bindings = [(Script(Id("u"), Num(str(k + 1))), f) for k, (_, f) in enumerate(bound)]
        step_bindings = step_bindings[:4]
    elif several:
        step_bindings = [(Id(LETTERS[k]), f) for k, (_, f) in enumerate(bound)]  # type: ignore[misc]
    else:
        step_bindings = [(Id(name), f) for name, f in bound]  # type: ignore[misc]
    for letter, formula in step_bindings:
        yield equation(letter, context.formula(formula))


def _renamed_text(text: Inline, names: Mapping[str, Node]) -> Inline:
    return tuple(relabelled(part, names) if isinstance(part, Node) else part for part in text)
