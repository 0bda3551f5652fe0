"""Lines of Python made to fit: long statements go on in brackets, broken at their signs."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence
from itertools import pairwise

WIDTH = 88
"""Letters in a line of code on a page."""

_STATEMENTS = (
    (re.compile(r"(def \w+)\((.*)\):"), "):"),
    (re.compile(r"(return) (.*)"), ")"),
    (re.compile(r"(from \S+ import) (.*)"), ")"),
    (re.compile(r"([\w, ]+ =) (.*)"), ")"),
)
"""What stands before the bracket, and what closes it."""

_RANKS = {
    sign: rank
    for rank, signs in enumerate(
        (",", "if else", "or", "and", "< <= > >= == !=", "+ -", "* / @ //")
    )
    for sign in signs.split()
}
"""The signs at which an expression is broken, the loosest first."""


def fitted(source: str, width: int = WIDTH) -> str:
    """The same program with no line longer than ``width``, where it can be broken.

    >>> print(fitted("total = first*second + third*fourth", 24))
    total = (
        first*second
        + third*fourth
    )
    """
    lines = [part for line in source.split("\n") for part in _fitted(line, width)]
    made = "\n".join(lines)
    return made if ast.dump(ast.parse(made)) == ast.dump(ast.parse(source)) else source


def _fitted(line: str, width: int) -> list[str]:
    """A line of a program, or the lines that it takes."""
    return [line] if len(line) <= width else _broken(line, width)


def _broken(line: str, width: int) -> list[str]:
    body = line.lstrip()
    margin = line[: len(line) - len(body)]
    body, mark, comment = body.partition("  # ")
    if mark:
        rest = _fitted(margin + body, width)
        return [f"{margin}# {comment}", *rest]
    for pattern, closing in _STATEMENTS:
        if match := pattern.fullmatch(body):
            head = f"{match[1]}(" if closing == "):" else f"{match[1]} ("
            pieces = _pieces(match[2], width - len(margin) - 4)
            return [margin + head, *(f"{margin}    {piece}" for piece in pieces), margin + closing]
    return [line]


def _pieces(text: str, room: int) -> list[str]:
    """An expression in lines; what goes on inside brackets is indented."""
    if len(text) <= room:
        return [text]
    parts = _parts(text)
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    if len(parts) == 1:
        return lines
    return [
        inner if k == 0 else f"    {inner}"
        for line in lines
        for k, inner in enumerate(_pieces(line, room - 4 if len(line) > room else room))
    ]


def _parts(text: str) -> list[str]:
    """The expression, parted at its loosest signs outside all brackets, else inside them."""
    found: dict[tuple[int, int], list[int]] = {}
    depth, before = 0, ""
    for sign, start, end in _tokens(text):
        depth -= sign in ")]}"
        binary = before == "" or before[-1].isalnum() or before[-1] in "_.)]}'\""
        rank = _RANKS.get(sign)
        if rank is not None and binary and before:
            found.setdefault((depth, rank), []).append(end if sign == "," else start)
        depth += sign in "([{"
        before = sign
    if not found:
        return [text]
    at = [0, *found[min(found)], len(text)]
    return [text[a:b].strip() for a, b in pairwise(at) if text[a:b].strip()]


def _tokens(text: str) -> Sequence[tuple[str, int, int]]:
    try:
        found = [*tokenize.generate_tokens(io.StringIO(f"({text})").readline)]
    except tokenize.TokenError:
        return []
    return [(t.string, t.start[1] - 1, t.end[1] - 1) for t in found if t.string.strip()][1:-1]
