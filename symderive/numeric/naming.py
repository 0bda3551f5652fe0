"""Names of a model as identifiers of Python: never a keyword, never taken twice."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

from symderive.numeric.ops import MATH_NAMES

RESERVED = (
    {
        "np",
        "math",
        "patterned",
        "special",
        "spectral",
        "whole",
        "nan",
        "inf",
        "at_the_edge",
        "value_and_gradient",
    }
    | {"start", "stop", "rows", "work", "size", "block", "results", "KIND", "WHOLE"}
    | MATH_NAMES
    | set(dir(builtins))
)
_GENERATED = re.compile(r"_[cfir]\d+$|_k_|(sum|out|part)_")


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """An identifier for each name, the name itself where it is one.

    >>> identifiers(["w1", "lambda", "w'", "exp"])
    {'w1': 'w1', 'lambda': 'lambda_', "w'": 'w_', 'exp': 'exp_'}
    """
    taken: set[str] = set()
    result = {}
    for name in names:
        text = name
        if not (name.isascii() and name.isidentifier()):
            text = unicodedata.normalize("NFKC", re.sub(r"\W", "_", name))
        if not text.isidentifier():
            text = f"v{text}" if f"v{text}".isidentifier() else "v"
        bad = keyword.iskeyword(text) or text in RESERVED or text.startswith("__")
        if bad or _GENERATED.match(text):
            text = f"{text.lstrip('_')}_" if text.startswith("__") else f"{text}_"
        base, number = text, 2
        while text in taken or _GENERATED.match(text):
            text = f"v_{base}" if _GENERATED.match(text) else f"{base}{number}"
            base, number = (text, number) if text not in taken else (base, number + 1)
        taken.add(text)
        result[name] = text
    return result
