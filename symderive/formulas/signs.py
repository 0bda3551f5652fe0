"""SIGNS: how the signs and brackets of formulas are spelled in each language, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Spelled = Mapping[str, Sequence[str | None]]
LATEX, TYPST, WORDS = range(3)

SIGNS: Spelled = {
    "+": (None, "+", "plus"),
    "−": ("-", "-", "minus"),
    "⋅": (r"\cdot", "dot.op", "times"),
    "\u2062": ("", "", "times"),
    "×": (r"\times", "times", "times"),
    "=": (None, "=", "equals"),
    "≠": (r"\neq", "eq.not", "is not equal to"),
    "<": ("<", "<", "is less than"),
    ">": (">", ">", "is greater than"),
    "≤": (r"\leq", "<=", "is at most"),
    "≥": (r"\geq", ">=", "is at least"),
    "≈": (r"\approx", "approx", "is approximately"),
    "→": (r"\to", "->", "to"),
    "←": (r"\leftarrow", "<-", "becomes"),
    "∧": (r"\land", "and", "and"),
    "∨": (r"\lor", "or", "or"),
    "¬": (r"\lnot", "not", "not"),
    "∘": (r"\circ", "compose", "composed with"),
    "⊙": (r"\odot", "dot.o", "element by element times"),
    "⊘": (r"\oslash", "slash.o", "element by element over"),
    "⊗": (r"\otimes", "times.o", "Kronecker product"),
    "∗": (r"\ast", "ast.op", "star"),
    "∈": (r"\in", "in", "in"),
    "∂": (r"\partial", "partial", "partial"),
    "∇": (r"\nabla", "nabla", "gradient of"),
    "′": (r"\prime", "prime", "prime"),
    "⊤": (r"\top", "top", "transposed"),
    "!": (None, "!", "factorial"),
    "/": (None, r"\/", "over"),
    "mod": (r"\bmod", "mod", "modulo"),
    "…": (r"\dots", "dots.h", "and so on"),
    "⋯": (r"\cdots", "dots.h.c", "and so on"),
    "⋮": (r"\vdots", "dots.v", "and so on"),
    "⋱": (r"\ddots", "dots.down", "and so on"),
    ",": (None, r"\,", "comma"),
    "\u2061": ("", "", "of"),
    "\u2063": ("", "", ""),
    ":": (None, 'class("normal", ":")', "all"),
    "\u2009": (r"\,", "thin", ""),
    "⇒": (r"\Rightarrow", "=>", None),
    ";": (None, r"\;", None),
}
"""Each sign in LaTeX, in Typst and in words; None where it has no other spelling there."""

BIG: Spelled = {
    "∑": (r"\sum", "sum", "the sum"),
    "∏": (r"\prod", "product", "the product"),
    "∫": (r"\int", "integral", "the integral"),
    "lim": (r"\lim", "lim", "the limit"),
}
"""The same of signs with bounds."""

DELIMITERS: Spelled = {
    "(": (None, r"\("),
    ")": (None, r"\)"),
    "[": (None, r"\["),
    "]": (None, r"\]"),
    "{": (r"\{", r"\{"),
    "}": (r"\}", r"\}"),
    "|": (r"\vert", "bar.v"),
    "‖": (r"\Vert", "bar.v.double"),
    "⌊": (r"\lfloor", "floor.l"),
    "⌋": (r"\rfloor", "floor.r"),
    "⌈": (r"\lceil", "ceil.l"),
    "⌉": (r"\rceil", "ceil.r"),
    "⟨": (r"\langle", "chevron.l"),
    "⟩": (r"\rangle", "chevron.r"),
    "": (None, ""),
}
"""Each bracket in LaTeX and in Typst."""


def spelled(table: Spelled, language: int) -> dict[str, str]:
    r"""The spellings of one language.

    >>> spelled(SIGNS, LATEX)["≤"]
    '\\leq'
    """
    pairs = ((sign, row[language]) for sign, row in table.items())
    return {sign: text for sign, text in pairs if text is not None}
