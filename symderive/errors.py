"""Every error that symderive raises on purpose: what failed, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_SHOWN = 90
"""Characters of a line that a message shows."""


def shortened(text: str) -> str:
    """Text as a message quotes it: of a long one the beginning.

    >>> shortened("x" * 100)[-3:]
    'x …'
    """
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 2]} …"


class SymderiveError(Exception):
    """Base of every error raised on purpose, so that a front end needs one ``except``."""


class ModelError(SymderiveError):
    """A model that cannot be read: the message names the file, the stage and the place."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)


class FormulaError(ModelError):
    """A formula that cannot be read; shows the text with a caret under the column.

    Args:
        message: What is wrong and what to do.
        text: The formula as the user wrote it.
        column: Zero-based offset of the offending character in ``text``.
        where: File and stage, such as ``model.toml, stage A2``.

    >>> print(FormulaError("unknown name 'q'", text="x + q", column=4, where="stage y"))
    stage y, column 5: unknown name 'q'
        x + q
            ^
    """

    def __init__(self, message: str, *, text: str, column: int, where: str = "") -> None:
        self.text, self.column = text, column
        start = text.rfind("\n", 0, column) + 1
        line = text[start:].partition("\n")[0]
        column_here = column - start
        if len(line) > MAX_SHOWN:  # what is around the place, not the whole line
            first = max(min(column_here - MAX_SHOWN // 2, len(line) - MAX_SHOWN), 0)
            last = first + MAX_SHOWN
            mark = "… " if first else ""
            column_here += len(mark) - first
            line = mark + line[first:last] + (" …" if last < len(line) else "")
        place = f"{where}, column {column + 1}" if where else f"column {column + 1}"
        super().__init__(f"{message}\n    {line}\n    {' ' * column_here}^", where=place)


def unknown_in(text: str, kind: str, name: str, hint: str, where: str) -> FormulaError:
    """The error that a name or a function in a formula is not known, at its place.

    >>> print(unknown_in("xq + q", "name", "q", f"the model has {few(['x'])}", "claim dy/dx"))
    claim dy/dx, column 6: unknown name 'q'; the model has x
        xq + q
             ^
    """
    place = re.search(rf"\b{re.escape(name)}\b", text)
    column = place.start() if place else 0
    return FormulaError(f"unknown {kind} {name!r}; {hint}", text=text, column=column, where=where)


def few(names: Iterable[str]) -> str:
    """The first of some names, as a message lists them."""
    first = list(names)
    return ", ".join(first[:12]) + (", …" if len(first) > 12 else "")


class NoRuleError(SymderiveError, NotImplementedError):
    """No row of the rule table differentiates a formula."""

    def __init__(self, formula: object, variable: object) -> None:
        whole = str(getattr(formula, "op", ""))  # of an operation on whole arrays
        told = f"an entry of {whole}" if whole else f"{formula} with respect to {variable}"
        advice = "state its derivative in the model's [functions], or add a row to the rule table"
        if whole:
            advice = (
                "take differences of the gradient for what is asked, or state the model without it"
            )
        if whole.endswith("_frechet"):
            name = whole.removesuffix("_frechet")
            told += f": in general, the second derivatives of {name} have no closed form in {name}"
            advice += ", or with powers and inverses, which have all derivatives"
        super().__init__(f"no rule differentiates {told}; {advice}")


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint for an unknown name: the known one that is nearest, else what to do instead.

    >>> did_you_mean("softmx", ["softmax", "softplus"])
    "did you mean 'softmax'?"
    """
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise


class UnknownChoiceError(SymderiveError, LookupError):
    """A name is not in one of the tables (formats, backends, stages, …)."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        shown = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        hint = " ".join(filter(None, (did_you_mean(name, names), f"choose one of: {shown}")))
        place = f"{where}: " if where else ""
        super().__init__(f"{place}unknown {kind} {name!r}; {hint}")


def not_an_array(name: str) -> str:
    """What is said of a value that is no array of real numbers."""
    return f"{name} is not an array of real numbers; give it one, all rows of one length"


class ValueMissingError(SymderiveError):
    """A number that the computation needs was not given, or is not finite."""


class CheckError(SymderiveError):
    """A line of a derivation was refuted: nothing is written from it."""


class ToolError(SymderiveError):
    """An outside program (a TeX engine, a browser) is missing or failed."""
