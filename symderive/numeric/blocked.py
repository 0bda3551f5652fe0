"""The NumPy form for large batches: block by block in work arrays that stay in the cache.

Every ufunc writes into a register (``out=``) or straight into the result; a register is free again
after its last use. With a reduction nothing of the size of the batch is ever made.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from symderive.numeric.ops import FLOAT, OPS
from symderive.numeric.program import Assignment, Operand, Program
from symderive.numeric.source import all_names

SUMS = {
    "sum of": "float(np.add.reduce({0}))",
    "sum of product": "float(np.dot({0}, {1}))",
    "sum of log1p": "special.sum_log1p({0}, {scratch})",
}
"""What adds up an output over a block without making it first."""

BLOCK = (
    8192  # rows; registers of this size fit in a second-level cache, and BLAS stays in its thread
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Generated source, how many registers it works in, and the outputs that are arrays."""

    text: str
    registers: int
    columns: frozenset[str]


@dataclass(slots=True)
class _Emitter:
    arrays: set[str]
    names: dict[str, str]
    written: set[str]
    last_use: dict[str, int]
    register_of: dict[str, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    registers: int = 0
    before: list[str] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)

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
        operands = [self.text(operand) for operand in step.operands]
        name = self.names[step.name]
        if step.op in SUMS:
            scratch = self.take()
            total = SUMS[step.op].format(*operands, scratch=f"r{scratch}")
            self.loop.append(f"sum_{name} += {total}")
            self.free.append(scratch)
            self.release({o for o in step.operands if o in self.arrays}, position)
            return
        op = OPS[step.op]
        inside = {o for o in step.operands if isinstance(o, str) and o in self.arrays}
        if not inside:
            scalars = [f"np.float64({operand})" for operand in operands]  # 1/0 is inf, not an error
            self.before.append(f"{name} = float({op.numpy.format(*scalars)})")
            return
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
    varies = _varying(program, arrays)
    steps = _with_sums(program, varies) if reduce else list(program.assignments)
    outputs = dict.fromkeys(program.outputs)
    written = set() if reduce else set(outputs)
    emitter = _Emitter(set(arrays), names, written, _last_uses(steps, arrays))
    for position, step in enumerate(steps):
        emitter.emit(position, step)
    columns = [o for o in outputs if o in varies]
    lines = [f"def value_and_gradient({', '.join(names[i] for i in program.inputs)},"]
    lines[0] += " first, last, work, results):"
    lines += [f"    {line}" for line in emitter.before]
    if reduce:
        lines += [f"    sum_{names[o]} = 0.0" for o in columns]
    elif columns:
        lines.append(f"    {', '.join(f'out_{names[o]}' for o in columns)}, = results")
    cut = [i for i in program.inputs if i in arrays and i in emitter.last_use]
    lines += [f"    part_{names[i]} = {names[i]}" for i in cut]
    lines.append(f"    for start in range(first, last, {BLOCK}):")
    lines.append(f"        stop = min(start + {BLOCK}, last)")
    lines.append("        rows = slice(start, stop)")
    if emitter.registers:
        registers = ", ".join(f"r{i}" for i in range(emitter.registers))
        lines.append(f"        {registers}, = work[:, : stop - start]")
    lines += [f"        {names[i]} = part_{names[i]}[rows]" for i in cut]
    lines += [f"        {line}" for line in emitter.loop]
    if reduce:
        results = [
            f"sum_{names[o]}" if o in columns else f"{names[o]} * (last - first)" for o in outputs
        ]
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


def _last_uses(steps: list[Assignment], arrays: frozenset[str]) -> dict[str, int]:
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


def _with_sums(program: Program, varies: set[str]) -> list[Assignment]:
    """The assignments with the sum of each output taken as early as it can be.

    The sum of a product is a dot product. The sum of log1p(exp(-abs(z))) is the logarithm of a
    product: one logarithm for many rows; what is added to it in a softplus is positive too, so the
    two sums may be taken apart.
    """
    steps = {step.name: step for step in program.assignments}
    uses = Counter(operand for step in program.assignments for operand in step.operands)
    dropped: set[str] = set()
    sums: dict[str, list[Assignment]] = {}

    def total(output: str, name: str) -> None:
        step = steps.get(name)
        private = name not in uses if name == output else uses[name] == 1
        if step is None or not private:
            sums[output].append(Assignment(output, "sum of", (name,)))
        elif step.op == "mul" and all(operand in varies for operand in step.operands):
            dropped.add(name)
            sums[output].append(Assignment(output, "sum of product", step.operands))
        elif step.op == "log1p" and _at_most_one(step.operands[0], steps):
            dropped.add(name)
            sums[output].append(Assignment(output, "sum of log1p", step.operands))
        elif step.op == "add" and any(_is_log1p(o, steps) for o in step.operands):
            dropped.add(name)
            for operand in step.operands:
                total(output, str(operand))
        else:
            sums[output].append(Assignment(output, "sum of", (name,)))

    for output in dict.fromkeys(program.outputs):
        if output in varies:
            sums[output] = []
            total(output, output)
    result: list[Assignment] = []
    for step in program.assignments:
        if step.name not in dropped:
            result.append(step)
        result += sums.pop(step.name, [])
    return result + [step for left in sums.values() for step in left]


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
