"""Which derivative a claim is about: ``dA3/dA1``, ``d2f/dx2``, ``∂²L/∂w1∂w2``, ``dL/dw[i]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from symderive.errors import ModelError

MAX_ORDER = 4
"""Derivatives of a higher order are not judged."""

_POWERS = str.maketrans("²³⁴", "234")
_ABOVE = re.compile(r"[d∂](?:(?:\^|\*\*)?(?P<order>\d))?(?P<rest>.*)", re.DOTALL)
_BELOW = re.compile(r"(?:(?:\^|\*\*)?(?P<order>\d))?\s*[·*]?\s*")
_PRIMES = {"'": 1, "′": 1, "’": 1, "″": 2, "‴": 3}
_PRIMED = re.compile(rf"(?P<name>\w+)(?P<primes>[{''.join(_PRIMES)}]+)(?:\((?P<by>\w+)\))?")
_ENTRY = re.compile(r"\s*\[([^\]]*)\]\s*")


@dataclass(frozen=True, slots=True)
class Subject:
    """The derivative that a claim is about.

    Attributes:
        target: The stage.
        sources: The names that it is differentiated by, one after the other.
        at: The letters of entries as they were written, of the target and of each source.
    """

    target: str
    sources: tuple[str, ...]
    at: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        """The derivative as a document names it.

        >>> str(Subject("f", ("x", "x", "y")))
        '∂³f/∂x²∂y'
        """
        entries = [f"[{letters}]" if letters else "" for letters in self.at or self._bare]
        above, *below = [
            name + at for name, at in zip((self.target, *self.sources), entries, strict=True)
        ]
        counted: dict[str, int] = {}
        for name in below:
            counted[name] = counted.get(name, 0) + 1
        told = "".join(f"∂{name}{_raised(count)}" for name, count in counted.items())
        return f"∂{_raised(len(below))}{above}/{told}"

    @property
    def _bare(self) -> tuple[None, ...]:
        return (None,) * (len(self.sources) + 1)


def _raised(order: int) -> str:
    return "" if order == 1 else "⁰¹²³⁴⁵"[order]


def sides_of(claim: str, answer: str | None = None) -> tuple[str, str]:
    """The derivative that a claim is about, and the answer: of two texts, or of one with ``=``.

    Raises:
        ModelError: One text is no equation.

    >>> sides_of("dA3/dA1 = A2 - Y")
    ('dA3/dA1', 'A2 - Y')
    """
    if answer is not None:
        return claim, answer
    left, right = (part.strip() for part in [*re.split("==?", claim, maxsplit=1), ""][:2])
    if not (left and right):
        raise ModelError(
            f"{claim!r} is no claim: write a derivative, =, and your answer, as in "
            "'dA3/dA1 = A2 - Y'"
        )
    return left, right


def without_primes(text: str, sources: Sequence[str]) -> str:
    """A derivative that is written with primes, as a quotient: y', f''(x), f′(x).

    Args:
        text: The subject of a claim.
        sources: The names that the model is differentiated by.

    Raises:
        ModelError: It does not say by what, and there are several names.

    >>> without_primes("f''(x)", ["x", "a"]), without_primes("y′", ["t"])
    ('d2f/dx2', 'dy/dt')
    """
    match = _PRIMED.fullmatch(text.strip())
    if match is None:
        return text
    order = sum(_PRIMES[prime] for prime in match["primes"])
    name, by = match["name"], match["by"]
    if by is None:
        if len(sources) != 1:
            raise ModelError(
                f"{text.strip()} does not say by what it is the derivative: write d{name}/d"
                f"{sources[0] if sources else 'x'}"
            )
        by = sources[0]
    return f"d{order}{name}/d{by}{order}" if order > 1 else f"d{name}/d{by}"


def without_layout(text: str) -> str:
    """The derivative that is named, however it is laid out.

    >>> without_layout("dvec(Y)/dvec(X)"), without_layout("df/dX.T")
    ('dY/dX', 'df/dX')
    """
    return upright(unstacked(text))


def unstacked(text: str) -> str:
    """The same with Y for vec(Y)."""
    return re.sub(r"(\bd|\b)vec\((\w+)\)", r"\1\2", text)


def upright(text: str) -> str:
    """The same with x for xᵀ."""
    return re.sub(r"\.T\b|ᵀ", "", text)


def read_subject(text: str, known: Collection[str], example: str = "dA3/dA1") -> Subject:
    """Read which derivative a claim names.

    Args:
        text: Such as ``dA3/dA1``, ``d2f/dx2`` or ``∂²f/∂x∂y``.
        known: The names of the model.
        example: For the message.

    Raises:
        ModelError: The text is no derivative, or of too high an order.

    >>> read_subject("d²f/dxdy", ["f", "x", "y"]).sources
    ('x', 'y')
    >>> read_subject("d2f/dx2", ["f", "x", "x2"]).sources
    ('x', 'x')
    """
    above, slash, below = text.translate(_POWERS).strip().partition("/")
    match = _ABOVE.fullmatch(above.strip())
    shown = text.strip()
    if not slash or match is None:
        raise ModelError(f"a claim names a derivative, such as {example}; got {shown!r}")
    name, at = _name_and_entry(match["rest"])
    order = int(match["order"] or 1)
    if not name.isidentifier():
        raise ModelError(f"a claim names a derivative, such as {example}; got {shown!r}")
    if not 1 <= order <= MAX_ORDER:
        raise ModelError(f"claims are about derivatives up to order {MAX_ORDER}; got {shown!r}")
    for sources in _split(below.strip(), sorted(known, key=len, reverse=True)):
        if len(sources) == order:
            return Subject(name, tuple(n for n, _ in sources), (at, *(a for _, a in sources)))
    if order == 1:  # a name that the model does not have is an error of its own
        first = re.fullmatch(r"[d∂]\s*(\w+)\s*(?:\[([^\]]*)\])?", below.strip())
        if first is not None:
            return Subject(name, (first[1],), (at, first[2]))
        raise ModelError(f"a claim names a derivative, such as {example}; got {shown!r}")
    raise ModelError(
        f"{shown!r} names no derivative of order {order} of this model; "
        f"write d{order}{name}/dx{order}, or each name by itself, d2{name}/dxdy"
    )


def _name_and_entry(text: str) -> tuple[str, str | None]:
    name, bracket, rest = text.strip().partition("[")
    return name.strip(), rest.rstrip().removesuffix("]") if bracket else None


def _split(text: str, known: Collection[str]) -> Iterator[list[tuple[str, str | None]]]:
    """The ways to read what stands below the bar: names, each with its entry, as often as said."""
    if not text:
        yield []
        return
    if text[0] not in "d∂":
        return
    start = text[1:].lstrip()
    for name in known:
        if not start.startswith(name):
            continue
        rest, at = start[len(name) :], None
        entry = _ENTRY.match(rest)
        if entry is not None:
            rest, at = rest[entry.end() :], entry[1]
        match = _BELOW.match(rest)
        assert match is not None  # it matches the empty text
        count = int(match["order"] or 1)
        for others in _split(rest[match.end() :], known) if 1 <= count <= MAX_ORDER else ():
            yield [(name, at)] * count + others
