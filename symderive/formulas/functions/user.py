"""Functions of the user's own, as rows: a definition, its derivatives, or only a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sympy import Function

from symderive.errors import ModelError
from symderive.formulas.functions.row import NamedFunction, Named, own

_SIGNATURE = re.compile(r"\s*([^\W\d]\w*)\s*\(\s*([^()]*?)\s*\)\s*")


@lru_cache(maxsize=256)
def user_function(
    name: str,
    parameters: tuple[str, ...],
    definition: str | None,
    partials: tuple[str, ...],
    defaults: tuple[str, ...] = (),
) -> NamedFunction:
    return own(name, ", ".join(parameters), name, definition=definition, partials=partials)


def user_functions(
    functions: Mapping[str, object], *, where: str = ""
) -> dict[str, NamedFunction]:
    raise NotImplementedError
