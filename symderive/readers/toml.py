"""Model files in TOML: ``[stages]``, ``[parameters]``, ``[constants]`` and a few words around them.

Reading is strict: a key that is not in ``KEYS`` or a value of another kind is an error with
its line. A parameter or constant is a number, an array as nested lists, or a table such as
``{ shape = ["m", "n"], value = [[1, 2]], property = "symmetric" }``.

To let model files say more, add a row to ``KEYS``; ``Model`` takes its keys as arguments.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from symderive.errors import FormulaError, ModelError, did_you_mean
from symderive.model import Model

MAX_BYTES = 16 * 2**20


def parse_model(text: str, *, source: str = "") -> Model:
    """Read a model from TOML text.

    >>> parse_model('stages = {y = "x**2"}').target
    'y'
    """
    document = _parse(text, source)
    for key, value in document.items():
        if key not in KEYS:
            raise _Place(source, text).error((key,), _unknown_key(key, KEYS))
        KEYS[key](value, (key,), _Place(source, text))
    _gathered(document, _Place(source, text))
    if "stages" not in document:
        message = 'a model needs [stages], as in\n    [stages]\n    y = "x**2"'
        raise ModelError(message, where=source)
    data = document.pop("data", None)
    model = Model(**document, source=source)
    if data is None:
        return model
    from symderive.readers.data import on_data

    return on_data(model, data, document.get("claims"))


def read_text(path: Path, source: str) -> str:
    """The text of a file, within the limit of size."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ModelError(f"there is no such file{_neighbour(path)}", where=source) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"cannot be read: {reason}", where=source) from None
    if len(content) > MAX_BYTES:
        raise ModelError(f"larger than {MAX_BYTES >> 20} MiB; split the model", where=source)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = f"{source}, line {line}"
        raise ModelError("not UTF-8 text; save the file as UTF-8", where=place) from None


def _neighbour(path: Path) -> str:
    """A file beside the missing one that may be meant."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".toml"]
    except OSError:
        return ""
    near = get_close_matches(path.name, names, n=1) or get_close_matches(path.stem, names, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        lines = text.split("\n")
        where = re.match(r"line (\d+), column (\d+)", place)
        line, column = map(int, where.groups()) if where else (len(lines), 0)
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        raise FormulaError(
            f"this is not TOML: {reason[:1].lower()}{reason[1:]}",
            text=shown,
            column=column - 1 if where else len(shown),
            where=f"{source}, line {line}" if source else f"line {line}",
        ) from None
    except (RecursionError, ValueError):  # nested too deeply; a number of thousands of digits
        raise ModelError("too deeply nested, or a number too long", where=source) from None


# What a model file may say ----------------------------------------------------------------------


class _Place:
    """Where a key stands, for messages."""

    def __init__(self, source: str, text: str) -> None:
        self.source, self.text = source, text

    def error(self, keys: tuple[str, ...], message: str) -> ModelError:
        line = self.line(keys)
        parts = [self.source, f"line {line}" if line else "", ".".join(keys)]
        return ModelError(message, where=", ".join(filter(None, parts)))

    def line(self, keys: tuple[str, ...]) -> int:
        """The line of a key, or of the table that it is; 0 where this simple search misses it."""
        *tables, key = keys
        table: list[str] = []
        for number, line in enumerate(self.text.split("\n"), 1):
            if header := re.match(r"\s*\[+(.*?)\]+\s*(?:#.*)?$", line):
                table = [_unquoted(part) for part in header[1].split(".")]
                if table == list(keys):
                    return number
            elif table == tables and _unquoted(line.partition("=")[0]) == key:
                return number
        return self.line(tuple(tables)) if tables else 0


def _unquoted(key: str) -> str:
    return key.strip().strip("\"'")


def _unknown_key(key: str, known: Collection[str]) -> str:
    hint = did_you_mean(key, known, f"known are: {', '.join(known)}")
    return f"unknown key {key!r}; {hint}"


def _kind(value: object) -> str:
    """What a value is, in a user's words; what is not listed are TOML's dates and times."""
    return _KINDS.get(type(value).__name__, "a date")


_KINDS = {
    "str": "text",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "list": "a list",
    "dict": "a table",
}


def _text(value: object, keys: tuple[str, ...], place: _Place) -> None:
    if not isinstance(value, str):
        raise place.error(keys, f"must be text in quotes, not {_kind(value)}")


def _number(value: object, keys: tuple[str, ...], place: _Place) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(keys, f"must be a number, not {_kind(value)}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise place.error(keys, "must be finite, and within the range of floating point")


def _table(item: _Check) -> _Check:
    def check(value: object, keys: tuple[str, ...], place: _Place) -> None:
        if not isinstance(value, Mapping):
            raise place.error(keys, f"must be a table, [{keys[-1]}], not {_kind(value)}")
        for key, entry in value.items():
            item(entry, (*keys, key), place)

    return check


def _value(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """A number, an array as nested lists, or a table that states a shape as well."""
    if isinstance(value, list):
        _array(value, keys, place)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key not in ARRAY_KEYS:
                raise place.error(keys, _unknown_key(key, ARRAY_KEYS))
            ARRAY_KEYS[key](part, keys, place)
    else:
        _number(value, keys, place)


def _array(value: object, keys: tuple[str, ...], place: _Place) -> tuple[int, ...]:
    """The shape of an array; every list within it has the same length."""
    if not isinstance(value, list):
        _number(value, keys, place)
        return ()
    shapes = {_array(part, keys, place) for part in value}
    if len(shapes) > 1:
        raise place.error(keys, "the lists of an array must have the same length at each level")
    return (len(value), *(shapes.pop() if shapes else ()))


def _array_value(value: object, keys: tuple[str, ...], place: _Place) -> None:
    _array(value, keys, place)


def _shape(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """Sizes, as in ``"m n"`` or ``["m", 3]``; ``Model`` looks into them."""
    for size in [value] if isinstance(value, str) else value if isinstance(value, list) else [None]:
        if isinstance(size, bool) or not isinstance(size, str | int):
            raise place.error(keys, 'a shape is text or a list, as in "m n" or ["m", 3]')


def _words(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """A word, or a list of words."""
    for word in value if isinstance(value, list) else [value]:
        _text(word, keys, place)


def _values(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """A table of values and shapes, or a list of names where there are no values."""
    if not isinstance(value, list):
        _table(_value)(value, keys, place)
        return
    for name in value:
        if not isinstance(name, str):
            raise place.error(keys, f"a list here holds names, in quotes, not {_kind(name)}")


def _gathered(document: dict[str, Any], place: _Place) -> None:
    """What the tables of single arrays state moves to where ``Model`` takes it."""
    for role in ("parameters", "constants"):
        stated = document.get(role)
        if not isinstance(stated, Mapping):
            continue
        values = {}
        for name, value in stated.items():
            table = value if isinstance(value, Mapping) else {"value": value}
            for key, target in (("shape", "shapes"), ("property", "properties")):
                if key in table:
                    gathered = document.setdefault(target, {})
                    if name in gathered:
                        raise place.error((role, name), f"the {key} of {name} is stated twice")
                    gathered[name] = table[key]
            values[name] = table.get("value")
        document[role] = values if any(v is not None for v in values.values()) else list(values)


def _flag(value: object, keys: tuple[str, ...], place: _Place) -> None:
    if not isinstance(value, bool):
        raise place.error(keys, f"must be true or false, not {_kind(value)}")


def _flag_or_words(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """True for all, or some names."""
    if not isinstance(value, bool):
        _words(value, keys, place)


def _function(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """A definition; or a table of definition and derivatives, which ``Model`` looks into."""
    if not isinstance(value, Mapping):
        _text(value, keys, place)


_Check = Callable[[object, tuple[str, ...], _Place], None]


def _data(value: object, keys: tuple[str, ...], place: _Place) -> None:
    """A file of columns, or which of its columns are which names."""
    if not isinstance(value, Mapping):
        raise place.error(keys, f"must be a table, [data], not {_kind(value)}")
    for key, entry in value.items():
        if key not in DATA_KEYS:
            raise place.error((*keys, key), _unknown_key(key, DATA_KEYS))
        DATA_KEYS[key](entry, (*keys, key), place)
    if "file" not in value:
        raise place.error(keys, 'names no file; write file = "rows.csv"')


KEYS: dict[str, _Check] = {
    "title": _text,
    "text": _text,
    "target": _text,
    "learning_rate": _number,
    "structured": _flag,
    "hessian": _flag_or_words,
    "stages": _table(_text),
    "parameters": _values,
    "constants": _values,
    "functions": _table(_function),
    "claims": _table(_text),
    "shapes": _table(_shape),
    "properties": _table(_words),
    "data": _data,
}
"""What a model file may hold: each key with the check of its value."""

ARRAY_KEYS: dict[str, _Check] = {"shape": _shape, "value": _array_value, "property": _words}
"""What the table of one parameter or constant may hold."""

DATA_KEYS: dict[str, _Check] = {
    "file": _text,
    "columns": _table(_words),
    "reduce": _text,
    "size": _text,
}
"""What ``[data]`` may hold; see ``readers.data``."""
