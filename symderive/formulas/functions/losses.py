"""Loss functions."""

from __future__ import annotations

from symderive.formulas.functions.row import NamedFunction, own

ANY = (-20.0, 20.0)
UNIT = (1e-9, 1 - 1e-9)

ROWS: tuple[NamedFunction, ...] = (
    own("squared_error", "p, y", "squared error", definition="(p - y)**2",
        partials=("2*(p - y)", "-2*(p - y)"), samples=(ANY, ANY)),
    own("binary_cross_entropy", "p, y", "binary cross-entropy",
        definition="-(y*log(p) + (1 - y)*log(1 - p))",
        partials=("(p - y)/(p*(1 - p))", "log(1 - p) - log(p)"),
        domain="0 < p < 1", samples=(UNIT, (0.0, 1.0)), aliases=("bce",)),
)
