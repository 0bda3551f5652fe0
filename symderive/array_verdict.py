"""What became of a claim about arrays."""

from __future__ import annotations

from dataclasses import dataclass

from symderive.claims import Verdict


@dataclass(frozen=True, slots=True)
class ArrayVerdict(Verdict):
    """What became of a claim about arrays.

    Attributes:
        right: The right form in matrix notation, or in index notation where there is none.
        entry: The entry that the counterexample is about, such as ``∂L/∂w[1]``.
        claimed: The claim's number for that entry.
        expected: The derivative's.
    """

    right: str = ""
    entry: str = ""
    claimed: str = ""
    expected: str = ""

    def __str__(self) -> str:
        if self.verdict in ("proved", "sampled", "unknown"):
            return Verdict.__str__(self) if self.verdict != "unknown" else "unknown"
        point = ", ".join(f"{name} = {value}" for name, value in self.counterexample.items())
        fails = f"; {self.entry} is {self.expected}, not {self.claimed}" if self.entry else ""
        where = f", at {point}" if point and self.entry else ""
        slip = f". Likely slip: {self.slip}" if self.slip else ""
        partly = self.verdict == "true where"
        head = f"true where {self.condition}" if partly else "refuted"
        also = f". It holds where {self.condition}" if self.condition and not partly else ""
        return f"{head}{fails}{where}. The right form is {self.right}{slip}{also}"
