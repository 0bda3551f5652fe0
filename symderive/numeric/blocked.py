"""The NumPy form for large batches: block by block in work arrays that stay in the cache.

Every ufunc writes into a register (``out=``) or straight into the result; a register is free again
after its last use. With a reduction nothing of the size of the batch is ever made. Numbers are
arrays without axes, which NumPy takes in half the time that a float costs it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from symderive.numeric.bitwise import UFUNCS, with_bits
from symderive.numeric.naming import identifiers
from symderive.numeric.ops import FLOAT, OPS
from symderive.numeric.program import Assignment, Operand, Program

SUMS = {
    "sum of": "float(np.add.reduce({0}))",
    "sum of product": "float({0}.dot({1}))",
    "sum of log1p": "whole.sum_log1p({0}, {scratch})",
    "sum of log1p, of known 1 + it": "whole.sum_log1p({0}, {scratch}, {1})",
}
"""What adds up an output over a block without making it first."""

BLOCK = 10_000
"""Rows; registers of this size fit in a second-level cache, and BLAS stays in its thread."""

_FILLED = ("max", "min")  # with a number as slow as without vectors; with an array of it fast


@dataclass(frozen=True, slots=True)
class Kernel:
    """Generated source, what it works in, and the outputs that are arrays.

    Attributes:
        text: A module with the loop over blocks.
        registers: How many registers it computes in.
        bits: Whether it reads them as integers too.
        filled: Numbers that it needs as arrays.
        columns: The outputs that are arrays.
    """

    text: str
    registers: int
    bits: bool
    filled: tuple[float, ...]
    columns: frozenset[str]


@dataclass(slots=True)
class _Emitter:
    arrays: set[str]
    names: dict[str, str]
    written: set[str]
    last_use: dict[str, int]
    whole: str
    register_of: dict[str, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    registers: int = 0
    unbound: dict[str, int] = field(default_factory=dict)
    constants: dict[tuple[str, bool], str] = field(default_factory=dict)
    filled: dict[float, str] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    bits: bool = False
    before: list[str] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)

    # Operands -----------------------------------------------------------------------------------

    def plain(self, operand: Operand) -> str:
        """Outside of the loop."""
        if isinstance(operand, str):
            return self.names[operand]
        return "np.nan" if math.isnan(operand) else repr(operand)

    def text(self, operand: Operand) -> str:
        """In the loop: an array, or a number as an array without axes."""
        if not isinstance(operand, str):
            return self.constant(operand, False)
        name = self.names[operand]
        if operand not in self.arrays:
            self.scalars.add(name)
            return f"_k_{name}"
        if operand in self.unbound:
            self.loop.append(f"{name} = _r{self.unbound.pop(operand)}")
        return name

    def bits_of(self, operand: Operand) -> str:
        """The same, read as integers."""
        if not isinstance(operand, str):
            return self.constant(operand, True)
        if operand in self.register_of:
            return f"_i{self.register_of[operand]}"
        return f"{self.text(operand)}.view(WHOLE)"

    def constant(self, value: float, bits: bool) -> str:
        key = self.plain(value), bits
        return self.constants.setdefault(key, f"_c{len(self.constants)}")

    def fill(self, value: float) -> str:
        return self.filled.setdefault(value, f"_f{len(self.filled)}")

    # Assignments --------------------------------------------------------------------------------

    def take(self) -> int:
        if not self.free:
            self.free.append(self.registers)
            self.registers += 1
        return self.free.pop()

    def emit(self, position: int, step: Assignment) -> None:
        """One assignment of the loop, or before it where no operand is an array."""
        name = self.names[step.name]
        inside = {o for o in step.operands if isinstance(o, str) and o in self.arrays}
        if step.op in SUMS:
            scratch = self.take()
            operands = [self.text(operand) for operand in step.operands]
            total = SUMS[step.op].format(*operands, scratch=f"_r{scratch}")
            self.loop.append(f"sum_{name} += {total}")
            self.free.append(scratch)
            self.release(inside, position)
            return
        if step.op in UFUNCS:
            operands = [self.bits_of(operand) for operand in step.operands]
            self.arrays.add(step.name)
            self.bits = True
            self.release(inside, position)
            register = self.register_of[step.name] = self.take()
            self.unbound[step.name] = register
            self.loop.append(f"{UFUNCS[step.op]}({', '.join(operands)}, out=_i{register})")
            if step.name in self.written:
                self.loop.append(f"out_{name}[rows] = {self.text(step.name)}")
            return
        op = OPS[step.op]
        if not inside:
            scalars = [f"np.float64({self.plain(o)})" for o in step.operands]  # 1/0 is inf
            self.before.append(f"{name} = float({op.numpy.format(*scalars)})")
            return
        fill = step.op in _FILLED
        operands = [
            self.fill(o) if fill and isinstance(o, float) else self.text(o) for o in step.operands
        ]
        self.arrays.add(step.name)
        written = step.name in self.written
        plain = not op.ufunc and not op.in_place
        if op.result != FLOAT or (plain and not written):
            self.loop.append(f"{name} = {op.numpy.format(*operands)}")
            self.release(inside, position)
            return
        self.release(inside, position)
        if written:
            out = f"out_{name}[rows]"
        elif step.op == "copy":
            self.loop.append(f"{name} = {operands[0]}")
            return
        else:
            register = self.register_of[step.name] = self.take()
            out = f"_r{register}"
        self.write(op.name, operands, out, name)

    def write(self, op_name: str, operands: list[str], out: str, name: str) -> None:
        op = OPS[op_name]
        if op.ufunc:
            self.loop.append(f"{name} = {op.ufunc}({', '.join(operands)}, out={out})")
            return
        self.loop.append(f"{name} = {out}")
        if op.in_place:
            self.loop += [line.format(*operands, out=name) for line in op.in_place]
        else:
            self.loop.append(f"{name}[:] = {op.numpy.format(*operands)}")

    def release(self, used: set[str], position: int) -> None:
        for name in sorted(used):
            if self.last_use[name] == position and name in self.register_of:
                self.free.append(self.register_of.pop(name))

    # Text ---------------------------------------------------------------------------------------

    def head(self, kind: str) -> list[str]:
        """The numbers of the module."""
        lines = ["import numpy as np", "", "from symderive.numeric import special, whole", ""]
        lines.append(f"KIND = np.dtype({kind!r})")
        if self.whole:
            lines.append(f"WHOLE = np.dtype({self.whole!r})")
        for (value, bits), name in self.constants.items():
            lines.append(f"{name} = np.array({value}, KIND){'.view(WHOLE)' if bits else ''}")
        return [*lines, "", ""]

    def views(self) -> str:
        """The names of what the work arrays are cut into."""
        registers = range(self.registers)
        names = [f"_r{k}" for k in registers] + [f"_i{k}" for k in registers if self.bits]
        return "".join(f"{name}, " for name in [*names, *self.filled.values()])


def kernel(
    program: Program, arrays: frozenset[str], reduce: bool, kind: str = "float64", whole: str = ""
) -> Kernel:
    """Source of the loop over blocks for the given array inputs.

    Args:
        program: What to compute.
        arrays: The inputs that are arrays, all one-dimensional and of one size.
        reduce: Whether to return the sums of the outputs instead of filling ``results``.
        kind: The type of the numbers.
        whole: An integer type of the same size, "" where there is none.
    """
    varies = _varying(program, arrays)
    outputs = dict.fromkeys(program.outputs)
    steps = list(program.assignments)
    if reduce:
        steps = _with_sums(steps, list(outputs), varies)
    if whole:
        steps = with_bits(steps, varies, set(outputs))
    names = identifiers([*program.inputs, *dict.fromkeys(step.name for step in steps)])
    written = set() if reduce else set(outputs)
    emitter = _Emitter(set(arrays), names, written, _last_uses(steps, arrays), whole)
    for position, step in enumerate(steps):
        emitter.emit(position, step)
    columns = [o for o in outputs if o in varies]
    lines = [f"def value_and_gradient({', '.join(names[i] for i in program.inputs)},"]
    lines[0] += " size, block, work, results):"
    lines += [f"    {line}" for line in emitter.before]
    lines += [f"    _k_{name} = np.array({name}, KIND)" for name in sorted(emitter.scalars)]
    if reduce:
        lines += [f"    sum_{names[o]} = 0.0" for o in columns]
    elif columns:
        lines.append(f"    {', '.join(f'out_{names[o]}' for o in columns)}, = results")
    cut = [i for i in program.inputs if i in arrays and i in emitter.last_use]
    lines += [f"    part_{names[i]} = {names[i]}" for i in cut]
    lines.append("    for start in range(0, size, block):")
    lines.append("        rows = slice(start, start + block)")
    if views := emitter.views():
        lines.append(f"        {views}= work.cut(min(block, size - start))")
    lines += [f"        {names[i]} = part_{names[i]}[rows]" for i in cut]
    lines += [f"        {line}" for line in emitter.loop]
    if reduce:
        results = [f"sum_{names[o]}" if o in columns else f"{names[o]} * size" for o in outputs]
        lines.append(f"    return {', '.join(results)},")
    else:
        lines.append(f"    return {', '.join(names[o] for o in outputs if o not in varies)}")
        if all(o in varies for o in outputs):
            lines[-1] = "    return ()"
        else:
            lines[-1] += ","
    text = "\n".join([*emitter.head(kind), *lines]) + "\n"
    filled = tuple(emitter.filled)
    return Kernel(text, emitter.registers, emitter.bits, filled, frozenset(columns))


def _varying(program: Program, arrays: frozenset[str]) -> set[str]:
    varies = set(arrays)
    for step in program.assignments:
        if any(operand in varies for operand in step.operands):
            varies.add(step.name)
    return varies


def _last_uses(steps: Sequence[Assignment], arrays: frozenset[str]) -> dict[str, int]:
    """Where each name is last read, also under the names that copies give it."""
    source: dict[str, str] = {}
    last: dict[str, int] = {}
    for position, step in enumerate(steps):
        last.setdefault(step.name, -1)
        for operand in step.operands:
            if isinstance(operand, str):
                last[source.get(operand, operand)] = last[operand] = position
        if step.op == "copy" and isinstance(step.operands[0], str):
            source[step.name] = source.get(step.operands[0], step.operands[0])
    return last


def _with_sums(
    given: Sequence[Assignment], outputs: Sequence[str], varies: set[str]
) -> list[Assignment]:
    """The assignments with the sum of each output taken as early as it can be.

    The sum of a product is a dot product. The sum of log1p(exp(-abs(z))) is the logarithm of a
    product: one logarithm for many rows; what is added to it in a softplus is positive too, so the
    two sums may be taken apart.
    """
    steps = {step.name: step for step in given}
    place = {step.name: position for position, step in enumerate(given)}
    uses = Counter(operand for step in given for operand in step.operands)
    plus_one = {step.operands[1]: step.name for step in given if _adds_one(step)}
    dropped: set[str] = set()
    sums: dict[str, list[Assignment]] = {}  # by the name that they wait for

    def put(after: str, output: str, op: str, *operands: Operand) -> None:
        sums.setdefault(after, []).append(Assignment(output, op, operands))

    def total(output: str, name: str) -> None:
        step = steps.get(name)
        private = name not in uses if name == output else uses[name] == 1
        if step is None or not private:
            put(output, output, "sum of", name)
        elif step.op == "mul" and all(operand in varies for operand in step.operands):
            dropped.add(name)
            put(output, output, "sum of product", *step.operands)
        elif _is_log1p(name, steps):
            dropped.add(name)
            known = plus_one.get(step.operands[0])
            if known is None:
                put(output, output, "sum of log1p", *step.operands)
            else:
                after = max(output, known, key=place.__getitem__)
                put(after, output, "sum of log1p, of known 1 + it", *step.operands, known)
        elif step.op == "add" and any(_is_log1p(o, steps) for o in step.operands):
            dropped.add(name)
            for operand in step.operands:
                total(output, str(operand))
        else:
            put(output, output, "sum of", name)

    for output in dict.fromkeys(outputs):
        if output in varies:
            total(output, output)
    result: list[Assignment] = []
    for step in given:
        if step.name not in dropped:
            result.append(step)
        result += sums.pop(step.name, [])
    return result + [step for left in sums.values() for step in left]


def _adds_one(step: Assignment) -> bool:
    return step.op == "add" and step.operands[0] == 1.0


def _is_log1p(operand: Operand, steps: dict[str, Assignment]) -> bool:
    step = steps.get(str(operand))
    return step is not None and step.op == "log1p" and _at_most_one(step.operands[0], steps)


def _at_most_one(operand: Operand, steps: dict[str, Assignment]) -> bool:
    """Whether it is exp(-abs(…)), which lies between 0 and 1."""
    for op in ("exp", "neg", "abs"):
        step = steps.get(str(operand))
        if step is None or step.op != op:
            return False
        operand = step.operands[0]
    return True
