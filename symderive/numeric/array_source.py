"""Steps of a program of arrays as readable NumPy source, in the model's own names."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr, Integer, Symbol

from symderive.formulas.arrays.syntax import Shape
from symderive.numeric.array_forms import FORMS, Call, Form
from symderive.numeric.array_ordering import Step
from symderive.numeric.naming import identifiers
from symderive.numeric.ops import ATOM, CHOICE, OPS, SIGN
from symderive.numeric.program import Operand
from symderive.numeric.source import LONGEST


@dataclass(frozen=True)
class ArrayProgram:
    """What an array function computes, as steps in order.

    Attributes:
        inputs: Shape of each name that is given, in order.
        outputs: Names whose values are returned.
        steps: The computation.
        temporaries: Names that no model gave.
        headings: A line to print before the assignment of a name.
    """

    inputs: Mapping[str, Shape]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    temporaries: frozenset[str]
    headings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The symbols in the shapes of the inputs, in order of appearance."""
        found = [
            s.name
            for shape in self.inputs.values()
            for size in shape
            for s in sorted(size.free_symbols, key=str)
        ]
        return tuple(dict.fromkeys(found))


class Writer:
    """Writes a program as a function.

    Args:
        program: The steps.
        sizes: About how large the sizes are: the fastest forms for them are written; without
            them the most readable ones, which compute the same.
    """

    name = "value_and_gradient"

    def __init__(self, program: ArrayProgram, sizes: Mapping[str, int] | None = None) -> None:
        self.program, self.sizes = program, sizes
        self.guarded = sizes is not None and 0 in sizes.values()
        own = [*program.inputs, *(step.name for step in program.steps)]
        self.names = identifiers([*own, *(s for s in program.sizes if s not in own)])
        free = [self.names[s.name] for s in program.steps if s.name in program.temporaries]
        self.temporaries = iter(free)  # numbered in a row where they are written
        self.shapes: dict[str, Shape] = {**dict.fromkeys(program.sizes, ()), **program.inputs}
        self.used_sizes: set[str] = set()
        self.pending: dict[str, tuple[str, int, bool]] = {}
        self.uses = Counter(o for step in program.steps for o in self._mentions(step))
        self.uses.update(program.outputs)

    def _mentions(self, step: Step) -> list[str]:
        """The operands, as often as the text has them."""
        if step.data is not None:
            return [o for o in step.operands if isinstance(o, str)]
        template = OPS[step.op].numpy
        return [
            o
            for place, o in enumerate(step.operands)
            if isinstance(o, str)
            for _ in range(template.count(f"{{{place}}}"))
        ]

    def text(self) -> str:
        """The module."""
        body = self.statements()
        results = ", ".join(self.names[o] for o in self.program.outputs)
        body.append(f"return {results}" + ("," if len(self.program.outputs) == 1 else ""))
        arguments = ", ".join(self.names[i] for i in self.program.inputs)
        count = len(self.program.outputs)
        what = f"Return {results}." if len(results) < 80 else f"Return {count} values."
        lines = [f"def {self.name}({arguments}):", f'    """{what}"""']
        lines += [f"    {line}" for line in [*self.size_lines(), *body]]
        text = "\n".join(lines) + "\n"
        imports = "import numpy as np\n"
        code = re.sub(r"#.*", "", text)
        modules = ("patterned", "special", "spectral", "whole")
        used = [name for name in modules if re.search(rf"\b{name}\.", code)]
        if used:
            imports += f"\nfrom symderive.numeric import {', '.join(used)}\n"
        return f"{imports}\n\n{text}"

    def size_lines(self) -> list[str]:
        """``m, n = X.shape`` for the sizes that the body names."""
        lines = []
        missing = set(self.used_sizes) - set(self.program.inputs)
        for name, shape in self.program.inputs.items():
            own = [s.name if isinstance(s, Symbol) else "" for s in shape]
            found = {s for s in own if s in missing}
            if not found:
                continue
            missing -= found
            if len(own) > 1 and found == set(own) and len(found) == len(own):
                lines.append(f"{', '.join(self.names[s] for s in own)} = {self.names[name]}.shape")
            else:
                lines += [
                    f"{self.names[s]} = {self.names[name]}.shape[{own.index(s)}]"
                    for s in dict.fromkeys(own)
                    if s in found
                ]
        return lines

    def size(self, value: Expr) -> str:
        """A size as text."""
        if isinstance(value, Integer):
            return str(value)
        self.used_sizes |= {s.name for s in value.free_symbols}
        text = str(value.xreplace({s: Symbol(self.names[s.name]) for s in value.free_symbols}))
        return text.replace("/", "//").replace("Min(", "min(")

    def after(self, step: Step, form: Form | None, name: str) -> list[str]:
        """The line behind the one that an array is made in, where it has one."""
        if form is None or form.after is None:
            return []
        operands = [self.operand(operand)[0] for operand in step.operands]
        return [form.after(self._call(step), name, *operands)]

    def statements(self) -> list[str]:
        """The lines of the body."""
        lines: list[str] = []
        part = 0
        for step in self.program.steps:
            text, level = self.expression(step)
            self.shapes[step.name] = step.shape
            form = FORMS.get(step.op) if step.data is not None else None
            if step.name in self.program.temporaries:
                free = form is not None and form.free and self._named(step)
                once = self.uses[step.name] == 1 and len(text) <= LONGEST
                if (once or free) and not (form and form.after):
                    self.pending[step.name] = text, level, free
                    continue
                self.names[step.name] = next(self.temporaries)
            if step.name in self.program.headings:
                lines.insert(part, f"# {self.program.headings[step.name]}")
            lines.append(f"{self.names[step.name]} = {text}")
            lines += self.after(step, form, self.names[step.name])
            if step.name not in self.program.temporaries:
                part = len(lines)
        return lines

    def _named(self, step: Step) -> bool:
        """Whether the operands are names, or views of such, which may be written twice."""
        waiting = [self.pending[o] for o in step.operands if o in self.pending]
        return all(free for _, _, free in waiting)

    def _call(self, step: Step) -> Call:
        shapes = [self.shapes[o] if isinstance(o, str) else () for o in step.operands]
        return Call(
            step.data, shapes, step.shape, self.size, None if self.sizes is None else self.count
        )

    def count(self, size: Expr) -> float:
        """A size as a number."""
        return number_at(size, self.sizes or {})

    def expression(self, step: Step) -> tuple[str, int]:
        """The right side of a step, and its precedence."""
        if step.data is None:
            op = OPS[step.op]
            level, loosest = op.numpy_level, op.operands
            plain = step.op == "div" and isinstance(step.operands[0], float)
            if (
                self.guarded
                and plain
                and isinstance(step.operands[1], str)
                and not self.shapes[step.operands[1]]
            ):
                texts = [self.operand(o)[0] for o in step.operands]
                return f"np.divide({', '.join(texts)})", ATOM  # 1/0 is inf, not an error
        else:
            form = FORMS[step.op]
            if form.after is not None:
                operands = [self.operand(o)[0] for o in step.operands]
                return form.text(self._call(step), *operands), ATOM
            level, loosest = form.level, form.operands
        texts = []
        for place, operand in enumerate(step.operands):
            text, own = self.operand(operand)
            if step.data is None:
                wanted = loosest[place] if level != ATOM and loosest else CHOICE
                wanted = ATOM if level != ATOM and not loosest else wanted
                if level == ATOM and "." in OPS[step.op].numpy and step.op == "step":
                    wanted = CHOICE
            else:
                wanted = loosest[min(place, len(loosest) - 1)] if loosest else CHOICE
            texts.append(f"({text})" if own < wanted else text)
        if step.data is None:
            return OPS[step.op].numpy.format(*texts), level
        return FORMS[step.op].text(self._call(step), *texts), level

    def operand(self, operand: Operand) -> tuple[str, int]:
        """The text of an operand, and its precedence."""
        if isinstance(operand, str):
            known = self.pending.get(operand)
            if known is not None:
                return known[0], known[1]
            if operand in self.program.sizes and operand not in self.program.inputs:
                self.used_sizes.add(operand)
            return self.names[operand], ATOM
        if math.isnan(operand):
            return "np.nan", ATOM
        if math.isinf(operand):
            return ("np.inf" if operand > 0 else "-np.inf"), ATOM if operand > 0 else SIGN
        return repr(operand), SIGN if operand < 0 else ATOM


def number_at(size: Expr, sizes: Mapping[str, int]) -> float:
    """A size at those of the symbols in it."""
    return float(size.xreplace({s: sizes.get(s.name, 1) for s in size.free_symbols}))


def emit(program: ArrayProgram, sizes: Mapping[str, int] | None = None) -> str:
    """The program as a Python module, readable or, for about these sizes, fast."""
    return Writer(program, sizes).text()
