r"""Nodes → LaTeX maths (amsmath and xcolor), in two dialects.

``latex`` is for a TeX engine; ``github`` keeps to what GitHub, KaTeX and Jupyter accept: no
``\operatorname``, colours as ``\color{#hex}`` and no text mode escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from symderive.errors import UnknownChoiceError
from symderive.formulas.names import GREEK
from symderive.formulas.nodes import (
    Acc,
    Big,
    Cases,
    Fence,
    Fn,
    Frac,
    Id,
    Name,
    Node,
    Num,
    Op,
    Row,
    Script,
    Sqrt,
    Stack,
    Style,
    Table,
    Text,
    bare,
    color_of,
    merged,
    tall,
)
from symderive.formulas.signs import BIG, DELIMITERS, LATEX, SIGNS, spelled

DIALECTS = ("latex", "github")

_LETTERS = {letter: f"\\{word}" for word, letter in GREEK.items() if word != "omicron"}
_LETTERS |= {"ο": "o", "∞": r"\infty"}
_SIGNS = spelled(SIGNS, LATEX)
_FUNCTION_WORDS = (
    "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan log ln exp max "
    "min det arg deg dim gcd ker lim sup inf"
)
_FUNCTIONS = frozenset(_FUNCTION_WORDS.split())
_DELIMITERS = spelled(DELIMITERS, LATEX)
_LEFT = {r"\vert": r"\lvert", r"\Vert": r"\lVert"}
_RIGHT = {r"\vert": r"\rvert", r"\Vert": r"\rVert"}
_BIG = spelled(BIG, LATEX)
_ENVIRONMENTS = {"[": "bmatrix", "(": "pmatrix", "|": "vmatrix", "": "matrix"}
_TEXT_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
} | {c: f"\\{c}" for c in "{}$&#%_"}
_MATH_ESCAPES = {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "<": r"\lt ",
    ">": r"\gt ",
    "|": r"\vert ",
    "`": "'",
    " ": r"\ ",
    "*": r"\ast ",
} | {c: f"\\{c}" for c in "{}$&#%_"}

_PLAIN_WORDS = re.compile(r"(?:[A-Za-z0-9,.;:()'/-]| (?! ))+")
"""What GitHub and Jupyter show in text mode as it is."""

_COMMAND = re.compile(r"\\[^a-zA-Z]")
_SPELLED_OUT = {
    r"\,": r"\thinspace ",
    r"\{": r"\lbrace ",
    r"\}": r"\rbrace ",
    "\\\\": r"\cr",
    r"\_": r"\underline{\ }",
}
"""Markdown takes the backslash from a sign, on GitHub inside formulas too: commands in letters."""
_EMPHASIS = re.compile(r"(?<=[^\w\s\\])_(?=\S)")
"""Where Markdown may see emphasis begin, which a space after the underscore prevents."""


def _spelled_out(command: re.Match[str]) -> str:
    return _SPELLED_OUT.get(command[0], command[0])


def latex(node: Node, dialect: str = "latex") -> str:
    r"""The formula as LaTeX maths, without dollar signs.

    >>> latex(Frac(Id("x"), Num("2")))
    '\\frac{x}{2}'
    """
    if dialect not in DIALECTS:
        raise UnknownChoiceError("LaTeX dialect", dialect, DIALECTS)
    made = _Writer(dialect == "github").write(node)
    if dialect == "github":
        return _EMPHASIS.sub("_ ", _COMMAND.sub(_spelled_out, made))
    return made


def escaped(text: str) -> str:
    """Text of a user for LaTeX's text mode."""
    return "".join(_TEXT_ESCAPES.get(c, c) for c in text)


class _Writer:
    def __init__(self, github: bool) -> None:
        self.github = github

    def write(self, node: Node) -> str:
        return _WRITERS[type(node)](self, node)

    def num(self, node: Num) -> str:
        return node.text

    def id(self, node: Id) -> str:
        if node.text in _LETTERS:
            letter = _LETTERS[node.text]
            if node.style == "bf":
                return f"\\boldsymbol{{{letter}}}"
            return letter if node.style == "it" or node.text == "∞" else f"\\mathrm{{{letter}}}"
        if not node.text.isascii() and not self.github:
            return f"\\text{{{escaped(node.text)}}}"
        if len(node.text) == 1 and node.style == "it":
            return self.plain(node.text)
        face = {"it": "mathit", "bf": "mathbf", "cal": "mathcal", "bb": "mathbb"}
        return f"\\{face.get(node.style, 'mathrm')}{{{self.plain(node.text)}}}"

    def plain(self, text: str) -> str:
        return "".join(_MATH_ESCAPES.get(c, c) for c in text)

    def op(self, node: Op) -> str:
        return _SIGNS.get(node.text) or ("" if node.text in _SIGNS else self.plain(node.text))

    def fn(self, node: Fn) -> str:
        if node.text in _FUNCTIONS:
            return f"\\{node.text}"
        if node.text in _LETTERS:
            return f"\\mathop{{{_LETTERS[node.text]}}}\\nolimits"
        if self.github:
            return f"\\mathop{{\\mathrm{{{self.plain(node.text)}}}}}\\nolimits"
        return f"\\operatorname{{{self.plain(node.text)}}}"

    def text(self, node: Text) -> str:
        if self.github and not _PLAIN_WORDS.fullmatch(node.text):
            return f"\\mathrm{{{self.plain(node.text)}}}"
        return f"\\text{{{escaped(node.text)}}}"

    def name(self, node: Name) -> str:
        return self.write(node.body)

    def row(self, node: Row) -> str:
        first = node.items[0]
        continued = isinstance(first, Op) and first.kind in ("bin", "rel")
        return _joined([*(["{}"] if continued else []), *map(self.sign, node.items)])

    def sign(self, node: Node) -> str:
        """An item of a row: binary signs and relations stand between spaces."""
        text = self.write(node)
        if isinstance(node, Op) and node.kind in ("bin", "rel"):
            return f" {text} "
        if isinstance(node, Op) and node.kind == "punct":
            return f"{text} "
        return text

    def frac(self, node: Frac) -> str:
        return f"\\frac{{{self.write(node.numerator)}}}{{{self.write(node.denominator)}}}"

    def script(self, node: Script) -> str:
        node = merged(node)
        base = self.write(node.base)
        if not base or (_is_group(bare(node.base)) and not base.endswith(")")):
            base = f"{{{base}}}"
        if node.sub is not None:
            base += f"_{_argument(self.write(node.sub))}"
        if node.sup is None:
            return base
        if isinstance(node.sup, Op) and node.sup.text == "′":
            return f"{base}'"
        return f"{base}^{_argument(self.write(node.sup))}"

    def sqrt(self, node: Sqrt) -> str:
        degree = "" if node.degree is None else f"[{self.write(node.degree)}]"
        return f"\\sqrt{degree}{{{self.write(node.body)}}}"

    def fence(self, node: Fence) -> str:
        left, right = (_DELIMITERS.get(side, side) for side in (node.left, node.right))
        body = self.write(node.body)
        if node.size:
            size = ("big", "Big", "bigg", "Bigg")[node.size - 1]
            left, right = left and f"\\{size}l{left}", right and f"\\{size}r{right}"
            return _joined([left, body, right])
        if tall(node.body):
            return _joined([f"\\left{left or '.'}", body, f"\\right{right or '.'}"])
        left, right = _LEFT.get(left, left), _RIGHT.get(right, right)
        return _joined([left, body, right])

    def acc(self, node: Acc) -> str:
        return f"\\{node.kind}{{{self.write(node.body)}}}"

    def table(self, node: Table) -> str:
        rows = r" \\ ".join(" & ".join(map(self.write, cells)) for cells in node.rows)
        environment = _ENVIRONMENTS[node.left]
        return f"\\begin{{{environment}}} {rows} \\end{{{environment}}}"

    def stack(self, node: Stack) -> str:
        rows = r" \\ &\quad ".join(map(self.write, node.pieces))
        return rf"\begin{{aligned}} &{rows} \end{{aligned}}"

    def cases(self, node: Cases) -> str:
        rows = r" \\ ".join(
            f"{self.write(value)} & "
            + (r"\text{otherwise}" if test is None else rf"\text{{if }} {self.write(test)}")
            for value, test in node.rows
        )
        return f"\\begin{{cases}} {rows} \\end{{cases}}"

    def big(self, node: Big) -> str:
        text = _BIG[node.text]
        if node.lower is not None:
            text += f"_{{{self.write(node.lower)}}}"
        return text if node.upper is None else f"{text}^{{{self.write(node.upper)}}}"

    def style(self, node: Style) -> str:
        body = self.write(node.body)
        if node.kind == "color":
            color = color_of(node)
            if self.github:  # MathJax 2, of exported notebooks, colours the one group after it
                return f"{{\\color{{{color}}}{{{body}}}}}"
            return f"{{\\color[HTML]{{{color[1:].upper()}}} {body}}}"
        if node.kind == "under":
            note = "" if node.note is None else f"_{{{self.write(node.note)}}}"
            return f"\\underbrace{{{body}}}{note}"
        return {"cancel": f"\\cancel{{{body}}}", "box": f"\\boxed{{{body}}}"}[node.kind]


def _is_group(node: Node) -> bool:
    """Whether an exponent would sit on the last part of the node only."""
    return isinstance(node, Row | Script | Frac | Text)


def _argument(text: str) -> str:
    return text if len(text) == 1 and text.isascii() and text.isalnum() else f"{{{text}}}"


def _joined(parts: list[str]) -> str:
    """The parts in a line; a control word is kept apart from a letter that follows it."""
    text = ""
    for part in parts:
        if not part:
            continue
        word = text.rpartition("\\")
        if part[0].isalpha() and word[1] and word[2].isalpha():
            text += " "
        text += part[1:] if part[0] == " " and text.endswith(" ") else part
    return text.strip()


_WRITERS: dict[type[Node], Callable[[_Writer, Any], str]] = {
    Num: _Writer.num,
    Id: _Writer.id,
    Op: _Writer.op,
    Fn: _Writer.fn,
    Text: _Writer.text,
    Name: _Writer.name,
    Row: _Writer.row,
    Frac: _Writer.frac,
    Script: _Writer.script,
    Sqrt: _Writer.sqrt,
    Fence: _Writer.fence,
    Acc: _Writer.acc,
    Table: _Writer.table,
    Cases: _Writer.cases,
    Big: _Writer.big,
    Stack: _Writer.stack,
    Style: _Writer.style,
}
