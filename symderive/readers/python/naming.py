"""How stages and constants get their names: from variables, attributes and calls of the program."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from symderive.formulas.walking import WORDS

NAMELESS = ""
"""The base of a stage for which the program has no name: it becomes A1, A2, …"""

RESERVED = frozenset({*WORDS, "None", "pi", "inf"})
"""Names that no stage and no parameter can have."""


@dataclass(slots=True)
class Label:
    """What a provisional label will be called.

    Attributes:
        base: The variable's name.
        line: The line that bound it, so that a loop is recognised.
        depth: How many calls deep; the outermost function has the last word.
    """

    base: str
    line: int
    depth: int


def final_names(
    labels: Mapping[str, Label], kept: Sequence[str], target: str, wanted: str, taken: set[str]
) -> dict[str, str]:
    """The final name of each label.

    Args:
        labels: What each label will be called, by label.
        kept: The labels of the stages that matter, in order of computation.
        target: The label of the function's value.
        wanted: The name that it takes where it has none of its own.
        taken: The names of inputs, sizes and constants.
    """
    by_base: dict[str, list[str]] = {}
    for label in kept:
        by_base.setdefault(labels[label].base.strip("_"), []).append(label)
    used = {*taken, *RESERVED}
    result: dict[str, str] = {}
    free = wanted.isidentifier() and not wanted.startswith("_")
    nameless = labels[target].base == NAMELESS
    if free and nameless and wanted not in {*used, *by_base}:
        result[target] = wanted
        by_base[NAMELESS].remove(target)
    used |= {base for base in by_base if base not in used} | set(result.values())
    for base, own in by_base.items():
        looped = len(own) > 1 and len({labels[label].line for label in own}) == 1
        numbered = base == NAMELESS or looped or base in taken or base in RESERVED
        result |= _numbered(base, own, used, looped, numbered)
    return result


def _numbered(
    base: str, labels: Sequence[str], used: set[str], looped: bool, numbered: bool
) -> dict[str, str]:
    """A name for each label of one base; the first has the base itself, unless it is numbered."""
    result: dict[str, str] = {}
    count = 1
    stem = "A" if base == NAMELESS else f"{base}_"
    for k, label in enumerate(labels):
        if k == 0 and not numbered:
            result[label] = base
            continue
        count += 0 if k == 0 and (looped or base == NAMELESS) else 1
        while f"{stem}{count}" in used:
            count += 1
        result[label] = f"{stem}{count}"
        used.add(result[label])
    return result


def free_name(base: str, used: Collection[str]) -> str:
    """A name that nothing has yet."""
    base = base.strip("_") or "C"
    candidates = (base, *(f"{base}_{k}" for k in range(2, len(used) + 3)))
    return next(name for name in candidates if name not in used and name not in WORDS)


# The statement that runs ------------------------------------------------------------------


def part_name(file: str, line: int) -> str:
    """What a part of the value of a statement is called; "" for a statement without a name.

    ``z_part`` in ``z = …``; ``f_part`` where f returns; ``z`` in ``z[1:] = …``, a part as it is.
    """
    return _targets(file, "".join(linecache.getlines(file))).get(line, "")


def statement_kind(file: str, line: int) -> str:
    """Whether a line is the test of a ``while`` or an ``assert``; "" for any other."""
    for part in ast.walk(_parsed(file, "".join(linecache.getlines(file)))):
        if isinstance(part, ast.While | ast.Assert):
            test = part.test
            if test.lineno <= line <= (test.end_lineno or test.lineno):
                return type(part).__name__.lower()
    return ""


@lru_cache(maxsize=16)
def _parsed(file: str, source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


@lru_cache(maxsize=16)
def _targets(file: str, source: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in ast.walk(_parsed(file, source)):
        if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign):
            first = part.targets[0] if isinstance(part, ast.Assign) else part.target
            _note(found, part, _part_of(first))
        elif isinstance(part, ast.FunctionDef):
            for inner in ast.walk(part):
                if isinstance(inner, ast.Return):
                    _note(found, inner, f"{part.name}_part")
    return found


def _note(found: dict[int, str], part: ast.stmt, name: str) -> None:
    if name and not name.startswith("__"):
        found.update(dict.fromkeys(range(part.lineno, (part.end_lineno or part.lineno) + 1), name))


def _part_of(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return f"{target.id}_part"
    if isinstance(target, ast.Attribute):
        return f"{target.attr}_part"
    whole = _part_of(target.value) if isinstance(target, ast.Subscript) else ""
    return whole.removesuffix("_part")
