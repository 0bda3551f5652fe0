"""``[data]`` of a model file: a file of columns beside it.

The path is relative to the model file and stays in its folder: a model file from elsewhere cannot
make the program read what it should not. Files elsewhere are named by the user: ``--data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symderive.batching import with_data
from symderive.errors import ModelError
from symderive.model import Model


def on_data(model: Model, stated: Mapping[str, Any], claims: Mapping[str, str] | None) -> Model:
    """A model on the data that its file names.

    Args:
        model: The model as the rest of the file states it.
        stated: ``file``, and maybe ``columns``, ``reduce`` and ``size``.
        claims: The claims of the file.

    Raises:
        ModelError: The file is not in the model's folder, cannot be read, or does not fit.
    """
    from symderive.numeric.data import read_data

    path = beside(Path(model.source).parent, stated["file"], model.source)
    data = read_data(path, stated.get("columns"))
    return with_data(
        model, data, reduce=stated.get("reduce"), size=stated.get("size"), claims=claims
    )


def beside(folder: Path, name: str, source: str) -> Path:
    """The path of a file in a folder or below it.

    Raises:
        ModelError: It is elsewhere.

    >>> beside(Path("models"), "rows/one.csv", "").as_posix()
    'models/rows/one.csv'
    """
    path = folder / name
    inside = not Path(name).is_absolute() and path.resolve().is_relative_to(folder.resolve())
    if not inside:
        raise ModelError(
            f"the file {name!r} is not in the folder of the model file; put it there, or pass it "
            "on the command line: --data FILE",
            where=f"{source}, data.file" if source else "data.file",
        )
    return path
