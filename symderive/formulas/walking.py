"""What the readers of formula text share: names made placeholders, places for messages, limits.

A reader walks Python's own syntax tree node by node; nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from sympy import E, Expr, Rational, oo, pi

from symderive.errors import FormulaError

MAX_CHARACTERS = 20_000
MAX_NODES = 5_000
MAX_DEPTH = 150
MAX_POWER_BITS = 4_096
MAX_FUNCTION_NUMBER = 500

MISSING_OPERATOR = "an operator is missing here; write * to multiply"

BRACKETED = "; & and | bind more tightly than a comparison: write (x > 0) & (x < 1)"

WORDS = frozenset({"and", "or", "not", "if", "else", "True", "False"})
"""The words of the formula language itself; every other name is a symbol or a function."""

TOKEN = (
    r"(?P<attribute>(?<=[\w\])])\s*\.\s*[^\W\d]\w*)"
    r"|(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)(?P<call>\s*\()?"
)
_SCALAR_TOKEN = re.compile(TOKEN)
_DOT = re.compile(r"\s*\.")

LIBRARIES = ("np", "numpy", "math", "jnp", "scipy", "torch")
"""Prefixes that are tolerated: ``np.exp(x)``, ``np.linalg.inv(A)``."""

PI = ("pi", "π")
"""Names of the number, unless the model declares one of them."""

PRINTED = str.maketrans({"·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "÷": "/"})
"""The signs of a printed formula as those of a typed one, a character for a character."""

_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]")

LIBRARY_CONSTANTS: Mapping[str, Any] = {"pi": pi, "e": E, "inf": oo, "newaxis": None}


def is_library(word: re.Match[str]) -> bool:
    """Whether a name in a formula's text is the prefix of a library."""
    return word["name"] in LIBRARIES and bool(_DOT.match(word.string, word.end()))


def library_path(node: ast.expr) -> str | None:
    """``linalg.inv`` of ``np.linalg.inv``; None where the node is something else."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    return ".".join(path) if isinstance(node, ast.Name) and node.id in LIBRARIES else None


def split(
    text: str,
    where: str,
    is_word: Callable[[re.Match[str]], bool],
    token: re.Pattern[str] = _SCALAR_TOKEN,
) -> tuple[str, tuple[str, ...]]:
    """The text on one line with its names replaced by placeholders, and the names.

    Args:
        text: The formula.
        where: File and stage, for messages.
        is_word: Whether a name belongs to the language, and so stays.
        token: What the text is made of, with the groups ``name`` and ``call``.

    Raises:
        FormulaError: The text is too long, or a name is not allowed.

    >>> split("a*x + exp(a)", "", lambda match: False)
    ('_0*_1 + exp(_0)', ('a', 'x'))
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the formula has {len(text)} characters; the limit is {MAX_CHARACTERS}"
        raise FormulaError(message, text=text[:60] + " …", column=0, where=where)
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None or match["call"] or name in WORDS or is_word(match):
            return match[0]
        if raised := _RAISED.search(name):
            column = match.start() + raised.start()
            raise FormulaError("write ** for a power", text=text, column=column, where=where)
        if re.search(r"(\d\.?|\d\.\d*)$", text[max(match.start() - 2, 0) : match.start()]):
            raise FormulaError(MISSING_OPERATOR, text=text, column=match.start(), where=where)
        if name.startswith("_"):
            message = f"names may not start with an underscore: {name!r}; choose another name"
            raise FormulaError(message, text=text, column=match.start(), where=where)
        return names.setdefault(name, f"_{len(names)}")

    typed = text.translate(PRINTED)
    one_line = re.sub(r"\s", " ", token.sub(replace, typed))  # a formula may run over lines
    return one_line.strip(), tuple(names)


class Walker:
    """Walks the syntax tree of one formula; every message carries the column in the user's text.

    A subclass has a method ``_read_…`` for each kind of node that its language has.
    """

    unknown_node = "formulas are made of + - * / **, numbers, names and functions"

    def __init__(self, text: str, key: str, names: Sequence[str], where: str) -> None:
        self.text, self.key, self.names, self.where = text, key, names, where
        self.nodes, self.depth = 0, 0

    def _parsed(self) -> ast.expr:
        try:
            return ast.parse(self.key, mode="eval").body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError, ValueError):
            raise self._error("the formula is too deeply nested", 0) from None

    def _read(self, node: ast.expr) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._at(f"the formula has more than {MAX_NODES} parts; use more stages", node)
        reader = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self._at(self.unknown_node, node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._at(f"nested deeper than {MAX_DEPTH}; use more stages", node)
        result = reader(node)
        self.depth -= 1
        return result

    def _decimal(self, node: ast.Constant) -> Rational:
        """A decimal exactly as it is written."""
        if node.value == inf:
            raise self._at("numbers go up to 1.8e308", node)
        source = ast.get_source_segment(self.key, node) or repr(node.value)
        return Rational(source.replace("_", ""))

    def _check_power(self, base: Expr, exponent: Expr, node: ast.BinOp) -> None:
        """A power of numbers is written out: not one of millions of digits."""
        if base.is_Rational and exponent.is_Rational:
            bits = max(abs(base.p), base.q).bit_length() * abs(exponent)
            if bits > MAX_POWER_BITS:
                raise self._at("this power of numbers is too large to write out", node)

    # Places -------------------------------------------------------------------------------

    def _column(self, offset: int) -> int:
        """The column in the user's text of a character offset in the template text."""
        mine = theirs = 0
        leading = len(self.text) - len(self.text.lstrip())
        for token in re.finditer(r"(?<!\w)_\d+|.", self.key, re.DOTALL):
            if theirs >= offset:
                break
            theirs += len(token[0])
            placeholder_number = token[0][1:]
            is_name = token[0].startswith("_") and placeholder_number.isdigit()
            mine += len(self.names[int(placeholder_number)]) if is_name else len(token[0])
        return mine + leading

    def _error(self, message: str, offset: int) -> FormulaError:
        return FormulaError(message, text=self.text, column=self._column(offset), where=self.where)

    def _offset(self, line: int, byte: int) -> int:
        """The offset in the template text of a place as the syntax tree has it."""
        lines = self.key.splitlines(keepends=True)
        before = lines[line - 1].encode()[:byte].decode()
        return sum(map(len, lines[: line - 1])) + len(before)

    def _at(self, message: str, node: ast.expr) -> FormulaError:
        return self._error(message, self._offset(node.lineno, node.col_offset))

    def _syntax_error(self, error: SyntaxError) -> FormulaError:
        lines = self.key.splitlines(keepends=True) or [""]
        row = min((error.lineno or 1), len(lines)) - 1
        offset = sum(map(len, lines[:row])) + ((error.offset or len(lines[row]) + 1) - 1)
        if not self.key:
            return self._error("the formula is empty", 0)
        if raised := _RAISED.search(self.key):
            return self._error("write ** for a power", raised.start())
        if missing := re.search(r"(\d|\))\s*(_\d+|\()", self.key[: offset + 2]):
            return self._error(MISSING_OPERATOR, missing.start(2))
        reason = re.sub(r"\. Perhaps you.*|\. Maybe you.*", "", error.msg)
        told = (what for start, what in SYNTAX.items() if reason.startswith(start))
        return self._error(next(told, reason), offset)


SYNTAX: Mapping[str, str] = {
    "invalid syntax": "this is not a formula",
    "unterminated string literal": "' has no meaning in a formula; a transpose is X.T",
    "unexpected character after line continuation": "\\ has no meaning here; write solve(A, b)",
    "invalid character '√'": "write sqrt(x) for a root",
    "invalid character '≤'": "write <=",
    "invalid character '≥'": "write >=",
    "invalid character '≠'": "write !=",
    "invalid character '∞'": "write inf",
    "invalid character '⊙'": "write * to multiply entry by entry",
    "invalid character '∑'": "write sum(…)",
    "invalid character 'ᵀ'": "a transpose is X.T",
}
"""What Python says of a formula, and what is meant."""
