"""Names as people write them in plain text, and how mathematics shows them.

``x1`` and ``w_ij`` have an index, ``y_hat`` an accent, ``beta`` is Greek, ``u'`` has a prime, a
word such as ``loss`` is upright. A name may also be any text at all: then it is shown as text,
escaped by each emitter, and never as markup.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from symderive.formulas.nodes import ACCENTS, PRIME, Acc, Id, Name, Node, Num, Row, Script, Text
from symderive.formulas.nodes import commas as with_commas

_GREEK_WORDS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa "
    "lambda mu nu xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell "
    "nabla"
)
GREEK: dict[str, str] = dict(
    zip(_GREEK_WORDS.split(), "αβγδϵεζηθϑικλμνξοπϖρϱσςτυϕφχψωΓΔΘΛΞΠΣΥΦΨΩℓ∇", strict=True)
)
"""Letters written as words (TeX's words) and the letters."""

_SHORT = {"lam": "λ", "lamda": "λ", "eps": "ϵ"}
"""How code shortens two of the words, one of which is a keyword of Python."""

_LATIN_WORDS = "Alpha Beta Epsilon Zeta Eta Iota Kappa Mu Nu Omicron Rho Tau Chi"
_LATIN_CAPITALS = dict(zip(_LATIN_WORDS.split(), "ABEZHIKMNOPTX", strict=True))
_NAME = re.compile(r"(?P<base>[^\W\d_]+?)(?P<digits>\d*)(?P<rest>(?:_[^\W_]+)*)_?(?P<primes>['′]*)")
_JOINED_ACCENT = re.compile(r"(?P<base>[A-Za-z]|[a-z]{2,7})(?P<accent>hat|bar|tilde)")
_WORDS = frozenset({"chat", "that", "what", "phat", "rebar", "crowbar", "towbar"})


@lru_cache(maxsize=4096)
def name_node(name: str) -> Name:
    """The name as a node; ``.text`` keeps what the user wrote.

    >>> name_node("w_1").body
    Script(base=Id(text='w', style='it'), sub=Num(text='1'), sup=None)
    """
    match = _NAME.fullmatch(name)
    if not match:
        return Name(name, Text(visible(name)))
    body = _read(match["base"], match["digits"], match["rest"].split("_")[1:])
    if body is None:
        body = Id(name.rstrip("_'′"), "rm")
    if primes := len(match["primes"]):
        prime = PRIME if primes == 1 else Row((PRIME,) * primes)
        if isinstance(body, Script):
            body = Script(body.base, body.sub, prime)
        else:
            body = Script(body, None, prime)
    return Name(name, body)


def visible(text: str) -> str:
    """The text on one line, with control and direction characters made visible."""
    kept = (c if unicodedata.category(c)[0] != "C" else f"[{ord(c):x}]" for c in text)
    return "".join(" " if c.isspace() else c for c in kept) or "[empty]"


def _read(base: str, digits: str, parts: list[str]) -> Node | None:
    """The node of a regular name; None where only the whole word will do."""
    letter: Node | None = _letter(base)
    accents = [part for part in parts if part in ACCENTS]
    indices = [digits, *(part for part in parts if part not in ACCENTS)]
    indices = [index for index in indices if index]
    if letter is None:
        if accents or any(
            _letter(part) is None and len(part) > 2 for part in parts if not _is_number(part)
        ):
            return None
        joined = _JOINED_ACCENT.fullmatch(base) if base not in _WORDS else None
        inner = _letter(joined["base"]) if joined else None
        letter = Acc(joined["accent"], inner) if joined and inner else Id(base, "rm")
    for accent in accents:
        letter = Acc(accent, letter)
    if not indices:
        return letter
    return Script(letter, with_commas(*map(_index, indices)))


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit()


def _letter(word: str) -> Id | None:
    """A single letter, Greek ones by name too."""
    if word in GREEK:
        return Id(GREEK[word])
    if word in _SHORT:
        return Id(_SHORT[word])
    if word in _LATIN_CAPITALS:
        return Id(_LATIN_CAPITALS[word], "rm")
    return Id(word) if len(word) == 1 else None


def _index(part: str) -> Node:
    """An index: a number, a letter, letters that are indices of their own (ij), or a word."""
    if _is_number(part):
        return Num(part)
    if letter := _letter(part):
        return letter
    if len(part) == 2 and part.isascii() and part.isalpha() and part.islower():
        return Row(tuple(Id(letter) for letter in part))
    if (match := re.fullmatch(r"([^\W\d_]+)(\d+)", part)) and (letter := _letter(match[1])):
        return Row((letter, Num(match[2])))
    return Id(part, "rm")
