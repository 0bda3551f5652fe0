"""OPS: what formulas may do with arrays, a row each: shape, entry in index notation, definition.

A *primitive* says what one entry of its result is; any other row is defined by primitives
(``expand``), so that it needs no rule of its own. Named scalar functions apply entry by entry and
need no row here. To add an operation, add a row to the module of its family.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from symderive.formulas.arrays import (
    ops_axes,
    ops_elementwise,
    ops_layers,
    ops_linear,
    ops_making,
    ops_patterned,
    ops_products,
    ops_reductions,
    ops_spectral,
    ops_stacked,
)
from symderive.formulas.arrays.op import (
    ONE,
    SIGNS,
    Args,
    Op,
    Options,
    ShapeError,
    add,
    apply,
    apply_function,
    broadcast,
    entry,
    expanded,
    indices_of,
    multiply,
    number,
    shown,
    spread,
    subtract,
    total,
    transpose,
    whole,
)

__all__ = [
    "CALLS",
    "ONE",
    "OPS",
    "ROWS",
    "SIGNS",
    "Args",
    "Op",
    "Options",
    "ShapeError",
    "add",
    "apply",
    "apply_function",
    "broadcast",
    "entry",
    "expanded",
    "indices_of",
    "multiply",
    "number",
    "shown",
    "spread",
    "subtract",
    "total",
    "transpose",
    "whole",
]

ROWS: tuple[Op, ...] = (
    *ops_elementwise.ROWS,
    *ops_products.ROWS,
    *ops_reductions.ROWS,
    *ops_axes.ROWS,
    *ops_stacked.ROWS,
    *ops_making.ROWS,
    *ops_patterned.ROWS,
    *ops_linear.ROWS,
    *ops_spectral.ROWS,
    *ops_layers.ROWS,
)
"""Every operation once, by family."""

OPS: Mapping[str, Op] = MappingProxyType({row.name: row for row in ROWS})
"""Every operation by name."""

CALLS: Mapping[str, Op] = MappingProxyType(
    {name: row for row in ROWS if row.call for name in (row.name, *row.aliases)}
)
"""What formulas may call, by name and by alias."""
