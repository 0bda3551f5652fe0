"""Ways to state a model: a row of READERS for each kind of file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from symderive.model import Model
from symderive.readers import toml, trace

READERS: Mapping[str, Callable[[str, str], Model]] = {
    ".toml": lambda text, source: toml.parse_model(text, source=source),
    ".json": lambda text, source: trace.parse_model(text, source=source),
}
"""How the text of a file becomes a model, by the file's suffix; any other is read as TOML."""


def read(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file: TOML, or the JSON trace of a derivation.

    Args:
        path: The file. Nothing else is read but the ``[data]`` that a model file names: a file in
            its own folder or one below.

    Raises:
        ModelError: The file cannot be read, or says something that is no model; the message names
            the file and, where there is one, the line.
    """
    source = os.fspath(path)
    reader = READERS.get(Path(source).suffix.lower(), READERS[".toml"])
    return reader(toml.read_text(Path(source), source), source)
