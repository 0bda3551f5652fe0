"""Worked, checked derivations of gradients: from a model to documents and fast functions.

The names below are imported when they are first used, so that ``import symderive`` and
``symderive --help`` cost nothing. To publish a name, add it to ``_HOMES`` and to the imports that
type checkers read.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, whose import would be the larger part of this module's cost
if TYPE_CHECKING:
    from symderive.batching import batch as batch
    from symderive.derivation import Derivation as Derivation
    from symderive.derivation import derive as derive
    from symderive.errors import SymderiveError as SymderiveError
    from symderive.model import Model as Model
    from symderive.numeric.data import read_data as read_data
    from symderive.readers import read as read
    from symderive.readers.python import trace as trace

    __version__: str

_HOMES = {
    "Derivation": "symderive.derivation",
    "Model": "symderive.model",
    "SymderiveError": "symderive.errors",
    "batch": "symderive.batching",
    "derive": "symderive.derivation",
    "read": "symderive.readers",
    "read_data": "symderive.numeric.data",
    "trace": "symderive.readers.python",
}

__all__ = [
    "Derivation",
    "Model",
    "SymderiveError",
    "__version__",
    "batch",
    "derive",
    "read",
    "read_data",
    "trace",
]


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        from importlib.metadata import version

        value = version("symderive")
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'symderive' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
