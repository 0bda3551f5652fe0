"""Run the code cells of a notebook, so that its outputs are what the code gives.

The cells are written by ``build_cells``; text of a user's is in them only as string literals.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from symderive.documents.outline import Block, Run
from symderive.errors import SymderiveError


def run(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks, each ``Run`` with its outputs: one after the other in one namespace.

    Raises:
        SymderiveError: A cell cannot run, and says why.
    """
    space: dict[str, Any] = {"__name__": "__main__"}
    return tuple(_ran(block, space) if isinstance(block, Run) else block for block in blocks)


def _ran(cell: Run, space: dict[str, Any]) -> Run:
    """A cell with what it prints, and with what its last line shows, as Jupyter has it."""
    printed: list[str] = []

    def collect(*values: object, sep: str = " ", end: str = "\n") -> None:
        printed.append(sep.join(map(str, values)) + end)

    space["print"] = collect  # not standard output, which belongs to the whole process
    body = ast.parse(cell.source)
    last = body.body.pop() if isinstance(body.body[-1], ast.Expr) else None
    shown = None
    try:
        exec(compile(body, "<cell>", "exec"), space)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), space)
    except SymderiveError as error:
        raise SymderiveError(
            f"a notebook is not possible, only the other formats: its code cannot run: {error}"
        ) from error
    return replace(cell, printed="".join(printed), shown=_bundle(shown))


def _bundle(value: object) -> tuple[tuple[str, str], ...]:
    """The representations of a value by their MIME types; none of None."""
    if value is None:
        return ()
    latex = getattr(value, "_repr_latex_", None)
    rich = (("text/latex", str(latex())),) if latex else ()
    return (*rich, ("text/plain", repr(value)))
