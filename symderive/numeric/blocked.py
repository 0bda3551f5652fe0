"""The NumPy form for large batches: block by block in work arrays that stay in the cache.

Every ufunc writes into a register (``out=``) or straight into the result; a register is free again
after its last use. With a reduction nothing of the size of the batch is ever made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from symderive.numeric.ops import FLOAT, OPS
from symderive.numeric.program import Assignment, Operand, Program
from symderive.numeric.source import all_names

BLOCK = 16384  # rows; some registers of this size fit in a second-level cache


@dataclass(frozen=True, slots=True)
class Kernel:
    """Generated source, how many registers it works in, and the outputs that are arrays."""

    text: str
    registers: int
    columns: frozenset[str]


@dataclass(slots=True)
class _Emitter:
    program: Program
    arrays: set[str]
    reduce: bool
    names: dict[str, str]
    outputs: set[str]
    last_use: dict[str, int] = field(default_factory=dict)
    register_of: dict[str, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    registers: int = 0
    before: list[str] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)
    summed: set[str] = field(default_factory=set)

    def text(self, operand: Operand) -> str:
        if isinstance(operand, str):
            return self.names[operand]
        return "np.nan" if math.isnan(operand) else repr(operand)

    def take(self) -> int:
        if not self.free:
            self.free.append(self.registers)
            self.registers += 1
        return self.free.pop()

    def emit(self, position: int, step: Assignment) -> None:
        """One assignment of the loop, or before it where no operand is an array."""
        op = OPS[step.op]
        operands = [self.text(operand) for operand in step.operands]
        name = self.names[step.name]
        inside = {o for o in step.operands if isinstance(o, str) and o in self.arrays}
        if not inside:
            self.before.append(f"{name} = float({op.numpy.format(*operands)})")
            return
        self.arrays.add(step.name)
        if step.name in self.summed:
            self.loop.append(f"sum_{name} += float(np.dot({operands[0]}, {operands[1]}))")
            self.release(inside, position)
            return
        written = step.name in self.outputs and not self.reduce
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
            out = f"r{register}"
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


def kernel(program: Program, arrays: frozenset[str], reduce: bool) -> Kernel:
    """Source of the loop over blocks for the given array inputs.

    Args:
        program: What to compute.
        arrays: The inputs that are arrays, all one-dimensional and of one size.
        reduce: Whether to return the sums of the outputs instead of filling ``results``.
    """
    names = all_names(program)
    emitter = _Emitter(program, set(arrays), reduce, names, set(program.outputs))
    varies = _varying(program, arrays)
    _uses(emitter, program, varies, reduce)
    for position, step in enumerate(program.assignments):
        emitter.emit(position, step)
    outputs = dict.fromkeys(program.outputs)
    columns = [o for o in outputs if o in varies]
    lines = [f"def value_and_gradient({', '.join(names[i] for i in program.inputs)},"]
    lines[0] += " size, work, results):"
    lines += [f"    {line}" for line in emitter.before]
    if reduce:
        lines += [f"    sum_{names[o]} = 0.0" for o in columns]
    elif columns:
        lines.append(f"    {', '.join(f'out_{names[o]}' for o in columns)}, = results")
    cut = [i for i in program.inputs if i in arrays and i in emitter.last_use]
    lines += [f"    part_{names[i]} = {names[i]}" for i in cut]
    lines.append(f"    for start in range(0, size, {BLOCK}):")
    lines.append(f"        stop = min(start + {BLOCK}, size)")
    lines.append("        rows = slice(start, stop)")
    if emitter.registers:
        registers = ", ".join(f"r{i}" for i in range(emitter.registers))
        lines.append(f"        {registers}, = work[:, : stop - start]")
    lines += [f"        {names[i]} = part_{names[i]}[rows]" for i in cut]
    lines += [f"        {line}" for line in emitter.loop]
    if reduce:
        rest = [o for o in columns if o not in emitter.summed]
        lines += [f"        sum_{names[o]} += float(np.add.reduce({names[o]}))" for o in rest]
        results = [f"sum_{names[o]}" if o in columns else f"{names[o]} * size" for o in outputs]
        lines.append(f"    return {', '.join(results)},")
    else:
        lines.append(f"    return {', '.join(names[o] for o in outputs if o not in varies)}")
        if all(o in varies for o in outputs):
            lines[-1] = "    return ()"
        else:
            lines[-1] += ","
    text = "\n".join(lines) + "\n"
    imports = "import numpy as np\n\nfrom symderive.numeric import special\n"
    return Kernel(f"{imports}\n\n{text}", emitter.registers, frozenset(columns))


def _varying(program: Program, arrays: frozenset[str]) -> set[str]:
    varies = set(arrays)
    for step in program.assignments:
        if any(operand in varies for operand in step.operands):
            varies.add(step.name)
    return varies


def _uses(emitter: _Emitter, program: Program, varies: set[str], reduce: bool) -> None:
    """Last uses, through copies; and the outputs that are only summed, as one dot product."""
    source: dict[str, str] = {}
    end = len(program.assignments)
    for position, step in enumerate(program.assignments):
        for operand in step.operands:
            if isinstance(operand, str):
                root = source.get(operand, operand)
                emitter.last_use[root] = emitter.last_use[operand] = position
        if step.op == "copy" and isinstance(step.operands[0], str):
            source[step.name] = source.get(step.operands[0], step.operands[0])
    for name in program.outputs if reduce else ():
        emitter.last_use[name] = emitter.last_use[source.get(name, name)] = end
    used = {operand for step in program.assignments for operand in step.operands}
    outputs = set(program.outputs)
    for step in program.assignments if reduce else ():
        product = step.op == "mul" and all(operand in varies for operand in step.operands)
        if product and step.name in outputs and step.name not in used:
            emitter.summed.add(step.name)
    for name in varies:
        emitter.last_use.setdefault(name, -1)
    for name in set(emitter.last_use) - set(program.inputs) - {s.name for s in program.assignments}:
        del emitter.last_use[name]
