"""Special functions."""

from __future__ import annotations

from symderive.formulas.functions.row import NamedFunction

ROWS: tuple[NamedFunction, ...] = ()
