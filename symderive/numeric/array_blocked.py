"""The form for many rows: a loop over blocks of rows that stay in the cache.

Where the axis of the rows is only carried along and summed over, a block of rows goes through all
steps while it is in the cache; sums over the rows are added up block by block. The data are read
from memory once, and no array of their size is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Symbol

from symderive.formulas.arrays.syntax import Shape
from symderive.numeric.array_forms import FORMS
from symderive.numeric.array_ordering import Step
from symderive.numeric.array_source import ArrayProgram, Writer, number_at
from symderive.numeric.source import LONGEST

CACHE = 240_000  # numbers in a block, all its arrays together: about two megabytes
FEWEST = 8  # blocks; fewer do not pay for the loop
SMALLEST, LARGEST = 128, 8192  # rows of a block

BEFORE, ROWS, SUM, AFTER = "before", "rows", "sum", "after"
Axes = tuple[int, ...]


def kinds_of(program: ArrayProgram, rows: Symbol) -> dict[str, str] | None:
    """What each step is to the loop over blocks; None where there can be no such loop."""
    places: dict[str, Axes] = {}
    shapes: dict[str, Shape] = dict(program.inputs)
    kinds: dict[str, str] = {}
    for name, shape in program.inputs.items():
        found = _axis(shape, rows)
        if found is None:
            return None
        places[name] = found
        kinds[name] = ROWS if found else BEFORE
    for step in program.steps:
        found = _axis(step.shape, rows)
        if found is None or _mentions(step.data, rows):
            return None
        names = [o for o in step.operands if isinstance(o, str)]
        used = {kinds.get(name, BEFORE) for name in names}
        own = [places.get(o, ()) if isinstance(o, str) else () for o in step.operands]
        if ROWS in used:
            if used & {SUM, AFTER}:
                return None
            ranks = [
                len(shapes[o]) if isinstance(o, str) and o in shapes else 0 for o in step.operands
            ]
            kind = _carried(step, own, ranks, found)
            if kind is None:
                return None
        elif found:
            return None
        else:
            kind = AFTER if used & {SUM, AFTER} else BEFORE
        kinds[step.name], places[step.name], shapes[step.name] = kind, found, step.shape
    return kinds


def _axis(shape: Shape, rows: Symbol) -> Axes | None:
    """Where the axis of the rows is; None where it is more than one, or part of a size."""
    axes = tuple(axis for axis, size in enumerate(shape) if size == rows)
    mixed = any(size != rows and rows in size.free_symbols for size in shape)
    return None if mixed or len(axes) > 1 else axes


def _mentions(data: Any, rows: Symbol) -> bool:
    """Whether a step has the number of rows in a place that a block would change."""
    if isinstance(data, tuple):
        return any(_mentions(part, rows) for part in data)
    return isinstance(data, Expr) and rows in data.free_symbols and data != rows


def _carried(step: Step, at: Sequence[Axes], ranks: Sequence[int], found: Axes) -> str | None:
    """ROWS or SUM, where a block of rows may be computed by itself."""
    kind = ROWS if found else SUM
    if step.data is None:
        return ROWS if found else None
    if step.op in ("view", "fit", "times", "compact"):
        return kind if found else None
    if step.op == "sum":
        return kind
    if step.op in ("max_over", "min_over", "prod_over", "norm", "cumsum", "cumsum_back"):
        own = at[0][0]
        return ROWS if found and own not in step.data else None
    if step.op == "vdot":
        return SUM if all(at) else None
    if step.op == "matmul":
        return _through_matmul(at, ranks, kind)
    if step.op == "tensordot":
        inside = [axes and axes[0] in summed for axes, summed in zip(at, step.data, strict=True)]
        if found:
            return ROWS if not any(inside) else None
        return SUM if all(inside) else None
    if step.op == "einsum":
        labels, out = step.data
        named = {own[axes[0]] for own, axes in zip(labels, at, strict=True) if axes}
        if len(named) != 1:
            return None
        (label,) = named
        whole = all((label in own) == bool(axes) for own, axes in zip(labels, at, strict=True))
        return kind if whole and (label in out) == bool(found) else None
    if step.op == "solve":
        return ROWS if found and not at[0] and ranks[1] == 2 and at[1] == (1,) else None
    return None


def _through_matmul(at: Sequence[Axes], ranks: Sequence[int], kind: str) -> str | None:
    left, right = at
    inner_left = bool(left) and left[0] == ranks[0] - 1
    inner_right = bool(right) and right[0] == max(ranks[1] - 2, 0)
    if inner_left and ranks[0] and (inner_right or not right):
        return SUM if inner_right and kind == SUM else None
    if inner_left != inner_right:
        return None
    if kind == SUM:
        return SUM if inner_left else None
    return ROWS


def block_of(
    program: ArrayProgram, kinds: Mapping[str, str], rows: Symbol, sizes: Mapping[str, int]
) -> int:
    """How many rows go into the cache together."""
    width = 0.0
    shapes: dict[str, Shape] = {**program.inputs, **{s.name: s.shape for s in program.steps}}
    views = {s.name for s in program.steps if s.op in ("view", "fit")}
    for name, shape in shapes.items():
        if kinds.get(name) == ROWS and name not in views:
            own = 1.0
            for axis in shape:
                own *= 1.0 if axis == rows else number_at(axis, sizes)
            width += own
    block = SMALLEST
    while 2 * block * width <= CACHE and 2 * block <= LARGEST:
        block *= 2
    return block


class BlockedWriter(Writer):
    """Writes a program as a loop over blocks of rows.

    Args:
        program: The steps.
        kinds: What each is to the loop.
        rows: The axis.
        block: How many rows at a time.
        sizes: How large the sizes are.
    """

    def __init__(
        self,
        program: ArrayProgram,
        kinds: Mapping[str, str],
        rows: Symbol,
        block: int,
        sizes: Mapping[str, int],
    ) -> None:
        super().__init__(program, sizes)
        self.kinds, self.rows, self.block = kinds, rows, block
        self.sections: dict[str, list[str]] = {BEFORE: [], ROWS: [], AFTER: []}
        self.current = BEFORE

    def size(self, value: Expr) -> str:
        """A size as text: that of the block, in the loop."""
        if value == self.rows and self.current in (ROWS, SUM):
            return "stop - start"
        return super().size(value)

    def statements(self) -> list[str]:
        """The lines of the body."""
        outputs = set(self.program.outputs)
        kind_of_data = next(n for n, s in self.program.inputs.items() if s)
        consumers: dict[str, set[str]] = {}
        for step in self.program.steps:
            for operand in step.operands:
                if isinstance(operand, str):
                    consumers.setdefault(operand, set()).add(self.kinds[step.name])
        for step in self.program.steps:
            kind = self.current = self.kinds[step.name]
            section = self.sections[ROWS if kind == SUM else kind]
            text, level = self.expression(step)
            self.shapes[step.name] = step.shape
            form = FORMS.get(step.op) if step.data is not None else None
            temporary = step.name in self.program.temporaries
            if temporary and kind != SUM and not (form and form.after):
                free = form is not None and form.free and self._named(step)
                same = consumers.get(step.name, set()) <= ({ROWS, SUM} if kind == ROWS else {kind})
                if free or (self.uses[step.name] == 1 and same and len(text) <= LONGEST):
                    self.pending[step.name] = text, level, free
                    continue
            if temporary:
                self.names[step.name] = next(self.temporaries)
            name = self.names[step.name]
            if kind == SUM:
                self.sections[BEFORE].append(f"{name} = 0.0")
                section.append(f"{name} += {text}")
                continue
            section.append(f"{name} = {text}")
            section += self.after(step, form, name)
            if kind == ROWS and step.name in outputs:
                self.current = BEFORE
                shape = self._call(step).sizes(step.shape)
                whole = f"np.empty({shape}, {self.names[kind_of_data]}.dtype)"
                self.sections[BEFORE].append(f"out_{name} = {whole}")
                section.append(f"out_{name}{self._part(step.shape)} = {name}")
        return self._assembled()

    def _part(self, shape: Shape) -> str:
        axis = shape.index(self.rows)
        return f"[{':, ' * axis}rows]"

    def _assembled(self) -> list[str]:
        self.current = BEFORE
        parts = {name: shape for name, shape in self.program.inputs.items() if self.rows in shape}
        lines = list(self.sections[BEFORE])
        lines += [f"part_{self.names[name]} = {self.names[name]}" for name in parts]
        lines.append(f"for start in range(0, {self.size(self.rows)}, {self.block}):")
        lines.append(f"    stop = min(start + {self.block}, {self.size(self.rows)})")
        lines.append("    rows = slice(start, stop)")
        for name, shape in parts.items():
            own = self.names[name]
            lines.append(f"    {own} = part_{own}{self._part(shape)}")
        lines += [f"    {line}" for line in self.sections[ROWS]]
        lines += self.sections[AFTER]
        for output in self.program.outputs:
            if self.kinds[output] == ROWS and output not in self.program.inputs:
                self.names[output] = f"out_{self.names[output]}"
            elif output in parts:
                lines.append(f"{self.names[output]} = part_{self.names[output]}")
        return lines


def emit_fast(program: ArrayProgram, sizes: Mapping[str, int]) -> str | None:
    """Source for arrays of these sizes as a loop over blocks, where one pays."""
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if sizes[name] < FEWEST * SMALLEST:
            return None
        rows = Symbol(name)
        kinds = kinds_of(program, rows)
        if kinds is None or SUM not in kinds.values():
            continue
        block = block_of(program, kinds, rows, sizes)
        if sizes[name] >= FEWEST * block:
            return BlockedWriter(program, kinds, rows, block, sizes).text()
        return None
    return None
