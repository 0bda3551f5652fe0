"""Signs taken by their bits: what NumPy computes number by number, in whole registers.

``copysign`` has no vector instruction in NumPy and costs as much as ``exp``. The sign of a float is
one bit, so with the registers read as integers (-0.0 is the sign bit alone):

* ``sign = z & -0.0``, once for all that reads it;
* half with the sign of z: ``sign | 0.5``;  q ≥ 0 with the sign of z: ``q | sign``;
* ``-abs(z) = z | -0.0``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from symderive.numeric.program import Assignment, Operand

AND, OR = "bits and", "bits or"
UFUNCS = {AND: "np.bitwise_and", OR: "np.bitwise_or"}
SIGN_BIT = -0.0


def with_bits(steps: Sequence[Assignment], varies: Set[str], outputs: Set[str]) -> list[Assignment]:
    """The assignments, with the signs of arrays taken by their bits.

    Args:
        steps: Assignments in order.
        varies: The names that are arrays.
        outputs: The names whose values are returned.

    >>> for step in with_bits([Assignment("h", "copysign", (0.5, "z"))], {"z", "h"}, {"h"}):
    ...     print(step.name, step.op, step.operands)
    z sign bits and ('z', -0.0)
    h bits or ('z sign', 0.5)
    """
    uses = Counter(operand for step in steps for operand in step.operands)
    absolutes = {step.name: step for step in steps if step.op == "abs" and step.name in varies}
    result: list[Assignment] = []
    signs: dict[str, str] = {}

    def sign_of(operand: Operand) -> str:
        name = str(operand)
        if name not in signs:
            signs[name] = f"{name} sign"
            result.append(Assignment(signs[name], AND, (name, SIGN_BIT)))
        return signs[name]

    for step in steps:
        last = str(step.operands[-1]) if step.operands else ""
        if step.op == "step" and last in varies:
            half = f"{step.name} half"
            result.append(Assignment(half, OR, (sign_of(last), 0.5)))
            result.append(Assignment(step.name, "add", (half, 0.5)))
        elif step.op in ("signed", "copysign") and last in varies:
            size = step.operands[0]
            if step.op == "copysign" and isinstance(size, float):
                size = abs(size)
            elif step.op == "copysign":
                result.append(Assignment(f"{step.name} size", "abs", (size,)))
                size = f"{step.name} size"
            result.append(Assignment(step.name, OR, (sign_of(last), size)))
        elif step.op == "neg" and last in absolutes:
            uses[last] -= 1
            result.append(Assignment(step.name, OR, (absolutes[last].operands[0], SIGN_BIT)))
        else:
            result.append(step)
    unused = {name for name in absolutes if not uses[name] and name not in outputs}
    return [step for step in result if step.name not in unused]
