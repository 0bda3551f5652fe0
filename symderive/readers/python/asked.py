"""Where a program asks a traced value for a plain number: answered if it is known, else refused."""

from __future__ import annotations

import dis
import math
from typing import Any

from symderive.formulas.arrays.syntax import Number, Tree
from symderive.readers.python.arithmetic import decide
from symderive.readers.python.naming import statement_kind
from symderive.readers.python.recording import refused, users_frame

CHOOSE = "write np.where(condition, a, b), which keeps both branches"

DECIDE = "give the values of the data that decide, and state parameters=[…] without them"

_ADVICE = {
    "while": "the number of its rounds depends on a traced value; write for _ in range(n) with a "
    "number n",
    "not assert": "leave the assertion out of the function that is traced",
    "not guard": "leave the test out, or write it without not",
}

_HOLDS = {"assert": True, "guard": False}
"""What a test that the program goes on after must have been: it raises an error otherwise."""


def _kind() -> str:
    frame = users_frame()
    return statement_kind(frame.f_code.co_filename, frame.f_lineno) if frame else ""


def _is_put_into_a_text() -> bool:
    """Whether the program writes ``"%.3f" % x``: a number takes another way there."""
    frame = users_frame()
    steps = dis.get_instructions(frame.f_code) if frame else ()
    step = next((s for s in steps if frame and s.offset == frame.f_lasti), None)
    return step is not None and step.opname == "BINARY_OP" and step.argrepr == "%"


class AskedForPlain:
    """What Python and NumPy call for a plain number, a choice or an array."""

    __slots__ = ()

    _rec: Any

    def _current(self) -> Tree:
        raise NotImplementedError

    def _by_data(self) -> Any:
        from symderive.readers.python.deciding import value_by_data

        return value_by_data(self._rec, self._current())

    def __bool__(self) -> bool:
        tree = self._current()
        decided = decide(tree)
        if decided is not None:
            return decided
        kind = _kind()
        found = self._by_data()
        if found is not None:
            return bool(found)
        if kind in _HOLDS:
            return _HOLDS[kind]
        advice = _ADVICE.get(kind, f"one call sees one branch only; {CHOOSE}, or {DECIDE}")
        raise refused(f"the program branches on a traced value: {advice}")

    def __float__(self) -> float:
        tree = self._current()
        if isinstance(tree, Number) and tree.value.is_number:
            return float(tree.value)
        if _is_put_into_a_text():
            return math.nan
        found = self._by_data()
        if found is not None:
            return float(found)
        raise refused(
            "a traced value is needed as a plain number here; for an array whose entries are set, "
            "use np.zeros(…) inside the function"
        )

    def __int__(self) -> int:
        return self.__index__()

    def __index__(self) -> int:
        tree = self._current()
        if isinstance(tree, Number) and tree.value.is_Integer:
            return int(tree.value)
        if isinstance(tree, Number):
            raise refused(
                f"the size {tree.value} is a symbol, and a whole number is needed here; "
                "state it as a number in the shapes of the arguments"
            )
        found = self._by_data()
        if found is not None and found % 1 == 0:
            return int(found)
        raise refused(
            "a traced value chooses an entry or a count, or is set in an array of whole numbers, "
            "here; a formula needs a whole number, and an array floats, as in np.full(n, 0.0)"
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise refused(
            "a traced value is turned into a plain array here; use NumPy functions on it, "
            "np.zeros(…) for an array whose entries are set, and no conversion such as np.float32"
        )

    def __complex__(self) -> complex:
        raise refused("complex numbers have no formula here")
