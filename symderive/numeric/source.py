"""A Program as readable source text: one expression an assignment, in the model's own names."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from symderive.numeric.naming import identifiers
from symderive.numeric.ops import ATOM, CHOICE, MATH_NAMES, OPS, SIGN, Op
from symderive.numeric.program import Assignment, Operand, Program

LONGEST = 72  # characters of an expression that is written in place


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one backend writes an operation."""

    name: str
    not_a_number: str

    def template(self, op: Op) -> str:
        """Source of an operation."""
        return op.python if self.name == "python" else op.numpy

    def level(self, op: Op) -> int:
        """Precedence of that source."""
        return op.level if self.name == "python" else op.numpy_level


PYTHON = Dialect("python", "nan")
NUMPY = Dialect("numpy", "np.nan")


def statements(program: Program, dialect: Dialect, names: Mapping[str, str]) -> list[str]:
    """The lines of the body, with headings and remarks.

    >>> p = Program(("x",), ("y",), (Assignment("y", "exp", ("x",)),))
    >>> statements(p, NUMPY, {"x": "x", "y": "y"})
    ['y = np.exp(x)']
    """
    uses = _uses(program, dialect)
    names = dict(names)
    steps = program.assignments
    temporaries = iter([names[step.name] for step in steps if step.name in program.temporaries])
    pending: dict[str, tuple[str, int]] = {}
    lines: list[str] = []
    part = 0  # where the lines of the name that comes next begin
    for step in program.assignments:
        text, level = _expression(step, dialect, names, pending)
        once = step.name in program.temporaries and uses[step.name] == 1
        if once and len(text) <= LONGEST:
            pending[step.name] = text, level
            continue
        if step.name in program.temporaries:  # number those that are left in a row
            names[step.name] = next(temporaries)
        remark = program.remarks.get(step.name)
        if step.name in program.headings:
            lines.insert(part, f"# {program.headings[step.name]}")
        line = f"{names[step.name]} = {text}"
        lines.append(f"{line}  # {remark}" if remark else line)
        if step.name not in program.temporaries:
            part = len(lines)
    return lines


def _uses(program: Program, dialect: Dialect) -> Counter[str]:
    """How often each name is written; a template may write an operand twice."""
    uses: Counter[str] = Counter()
    written: dict[tuple[str, int], list[int]] = {}
    for step in program.assignments:
        kind = step.op, len(step.operands)
        counts = written.get(kind)
        if counts is None:
            template = dialect.template(OPS[step.op])
            counts = [template.count(f"{{{k}}}") for k in range(len(step.operands))]
            written[kind] = counts
        for operand, count in zip(step.operands, counts, strict=True):
            if isinstance(operand, str):
                uses[operand] += count
    uses.update(program.outputs)
    return uses


def _expression(
    step: Assignment,
    dialect: Dialect,
    names: Mapping[str, str],
    pending: dict[str, tuple[str, int]],
) -> tuple[str, int]:
    op = OPS[step.op]
    level = dialect.level(op)
    texts = []
    for position, operand in enumerate(step.operands):
        text, own = _operand(operand, dialect, names, pending)
        loosest = op.operands[position] if level != ATOM and op.operands else CHOICE
        loosest = ATOM if level != ATOM and not op.operands else loosest
        texts.append(f"({text})" if own < loosest else text)
    return dialect.template(op).format(*texts), level


def _operand(
    operand: Operand,
    dialect: Dialect,
    names: Mapping[str, str],
    pending: dict[str, tuple[str, int]],
) -> tuple[str, int]:
    if isinstance(operand, str):
        return pending.pop(operand, None) or (names[operand], ATOM)
    if math.isnan(operand):
        return dialect.not_a_number, ATOM
    if math.isinf(operand):
        return ("1e999" if operand > 0 else "-1e999"), ATOM if operand > 0 else SIGN
    return repr(operand), SIGN if operand < 0 else ATOM


def all_names(program: Program) -> dict[str, str]:
    """Identifiers for everything that a program names."""
    return identifiers([*program.inputs, *(step.name for step in program.assignments)])


def function_text(program: Program, dialect: Dialect, *, guarded: bool = False) -> str:
    """A module with one function that runs the program.

    Args:
        program: What to compute.
        dialect: In plain numbers or in arrays.
        guarded: Whether to leave what ``math`` refuses to ``at_the_edge``.
    """
    names = all_names(program)
    arguments = ", ".join(names[i] for i in program.inputs)
    results = ", ".join(names[o] for o in program.outputs)
    returned = f"return {results}" if len(program.outputs) != 1 else f"return ({results},)"
    body = [*statements(program, dialect, names), returned]
    what = f"Return {results}." if len(results) < 80 else f"Return {len(program.outputs)} values."
    lines = [f"def value_and_gradient({arguments}):", f'    """{what}"""']
    if guarded:
        lines += ["    try:", *(f"        {line}" for line in body)]
        lines += ["    except (ArithmeticError, ValueError):"]
        lines += [f"        return at_the_edge({arguments})"]
    else:
        lines += [f"    {line}" for line in body]
    text = "\n".join(lines) + "\n"
    return f"{_imports(text, dialect)}\n\n{text}"


def _imports(text: str, dialect: Dialect) -> str:
    lines = []
    text = re.sub(r"#.*", "", text)
    if dialect is PYTHON:
        called = set(re.findall(r"(?<![\w.])(\w+)\(", text)) & MATH_NAMES
        used = sorted(called | ({"nan"} if re.search(r"\bnan\b", text) else set()))
        if used:
            lines.append(f"from math import {', '.join(used)}")
    else:
        lines.append("import numpy as np")
    if "special." in text:
        lines += (
            ["", "from symderive.numeric import special"]
            if lines
            else ["from symderive.numeric import special"]
        )
    return "\n".join(lines) + "\n" if lines else ""
