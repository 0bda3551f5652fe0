"""What one call of a user's function records: stages, constants, and the names that both get.

A value that is bound to a local variable becomes a stage of that name; the lines of the function
are watched for it (``sys.settrace``), so that loops, helper functions and lists need no analysis of
source text. Labels are provisional until the call is over: only then is it known which names are
bound once and which in a loop.
"""

from __future__ import annotations

import dis
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import sympy

import symderive
from symderive.errors import ModelError
from symderive.formulas.arrays.index import as_size
from symderive.formulas.arrays.op import is_condition
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree
from symderive.readers.python.constants import at_hand
from symderive.readers.python.naming import NAMELESS, Label, final_names, free_name, part_name
from symderive.readers.python.picking import runs_joined
from symderive.readers.python.reasons import IN_A_LIBRARY, reason

LONGEST = 40
"""The parts of a formula that may stay inside another; a larger one becomes a stage."""

LONGEST_ARGUMENT = 8
"""The same for what is handed to a helper function, which may use it many times."""

MOST_STAGES = 50_000

PART = 1_000
"""The depth of a label that is no variable's: each variable has the last word on it."""

_MOST_ATTRIBUTES = 64
"""The attributes of an object that are looked through."""

_STDLIB = sysconfig.get_path("stdlib") + os.sep
_FOREIGN = tuple(
    str(Path(str(module.__file__)).parent) + os.sep for module in (symderive, np, sympy, mpmath)
)


def is_users(file: str) -> bool:
    """Whether code is the user's, and neither this package's nor a library's."""
    if file.startswith((*_FOREIGN, "<frozen")) or f"{os.sep}scipy{os.sep}" in file:
        return False
    return not file.startswith(_STDLIB) or f"{os.sep}site-packages{os.sep}" in file


def users_frame() -> FrameType | None:
    """The innermost frame of the user's code that is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def library_call() -> str:
    """The function of SciPy or NumPy that the user's code called, as far as it is Python's own."""
    name = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        name = library_name(frame) or name
        frame = frame.f_back
    return name


def library_name(frame: FrameType) -> str:
    """What a frame of SciPy or NumPy is called by users; "" of another."""
    module, name = str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
    own = frame.f_locals.get("self")
    if name == "__init__" and own is not None:
        name = type(own).__name__
    elif module.startswith("scipy.stats") and isinstance(getattr(own, "name", None), str):
        name = f"{own.name}.{name}"  # type: ignore[union-attr]
    if module.startswith("scipy.") and name.endswith("wrapper"):  # of a decorator: what it wraps
        held = (frame.f_locals.get(free) for free in frame.f_code.co_freevars)
        name = next((f.__name__ for f in held if isinstance(f, FunctionType)), name)
    if not module.startswith(("scipy.", "numpy.")) or name.endswith("wrapper"):
        return ""
    if name.startswith("__") and module.startswith("scipy."):  # an operator
        return module.partition("._")[0]
    return f"{module.partition('._')[0]}.{name}" if name[0].isalpha() else ""


def refused(message: str) -> ModelError:
    """An error that names the line of the user's code that is running.

    Inside a function of a library, it is that function that has no formula, whatever it asked for.
    """
    if called := library_call():
        message = f"{called} has no formula here: {reason(called) or IN_A_LIBRARY}"
    frame = users_frame()
    if frame is None:
        return ModelError(message)
    return at_line(message, frame, frame.f_lineno)


def at_line(message: str, frame: FrameType, line: int) -> ModelError:
    """An error with its file, line and source line."""
    code = frame.f_code
    where = f"{code.co_filename}, line {line}, in {code.co_name}"
    source = linecache.getline(code.co_filename, line).strip()
    return ModelError(f"{message}\n    {source}" if source else message, where=where)


class Recording:
    """The stages of one call, in order of computation.

    Args:
        inputs: The names that the arguments have in the model.
        taken: Other names that no stage may have, such as those of sizes.
    """

    def __init__(self, inputs: Mapping[str, Any], taken: set[str]) -> None:
        self.inputs, self.taken = inputs, taken
        self.stages: dict[str, Tree] = {}
        self.labels: dict[str, Label] = {}
        self.constants: dict[str, np.ndarray[Any, Any]] = {}
        self.picks: dict[str, str] = {}  # matrices with a 1 in each row: the places
        self.data: dict[str, Any] = {}  # values of arguments that nothing is differentiated by
        self.decided: set[str] = set()  # data whose values have chosen a branch or an entry
        self._constant_names: dict[int, str] = {}
        self._kept: list[Any] = []  # what ids above belong to
        self._passed: dict[int, int] = {}  # how deep the call that a short value was handed to
        self._scanned: dict[tuple[int, str], tuple[Any, int]] = {}
        self._lines: dict[FrameType, int] = {}
        self._depth: dict[FrameType, int] = {}
        self.handed: dict[int, tuple[Tree, Label]] = {}  # short values that helpers were given
        self.called = ""  # the function of NumPy or SciPy that is being composed
        self.on_frame: Any = None  # called with each new frame of the user's code

    # Stages -------------------------------------------------------------------------------

    def stage(self, tree: Tree, base: str, line: int, depth: int) -> Tree:
        """Record a stage; the leaf that stands for it from now on."""
        if len(self.stages) >= MOST_STAGES:
            raise refused(f"more than {MOST_STAGES} stages: write the loop as array operations")
        label = f"#{len(self.stages)}"
        self.stages[label] = runs_joined(tree)
        self.labels[label] = Label(base, line, depth)
        return Leaf(tree.shape, label)

    def part(self, tree: Tree, name: Label | None) -> Tree:
        """Record a stage that no line of the program binds: named as its value, or by its line."""
        if name is None:
            frame = users_frame()
            found = part_name(frame.f_code.co_filename, frame.f_lineno) if frame else ""
            name = Label(self.called or found or NAMELESS, -1, PART)
        return self.stage(tree, name.base, name.line, name.depth)

    def constant(self, array: np.ndarray[Any, Any], wanted: str = "C") -> Leaf:
        """An array with values as a constant of the model, named as the user's code names it."""
        if id(array) not in self._constant_names:
            if np.any(np.isnan(array)):
                raise refused("an array of constants holds nan, which a formula cannot")
            kept = at_hand(array)
            name = next((n for n, old in self.constants.items() if np.array_equal(old, kept)), "")
            used = {*self.inputs, *self.taken, *self.constants}
            name = name or free_name(_name_of(array) or self.called or wanted, used)
            self.constants[name] = kept
            self._constant_names[id(array)] = name
            self._kept.append(array)
        return Leaf(tuple(map(as_size, array.shape)), self._constant_names[id(array)])

    def known(self, tree: Tree) -> Any:
        """The values of what is data by name; None of anything else."""
        name = tree.name if isinstance(tree, Leaf) else ""
        return self.constants.get(name, self.data.get(name))

    def names(self, kept: list[str], target: str, wanted: str) -> dict[str, str]:
        """The final name of each label; ``wanted`` for the target, where it has none of its own."""
        taken = {*self.inputs, *self.taken, *self.constants}
        return final_names(self.labels, kept, target, wanted, taken)

    # Watching -----------------------------------------------------------------------------

    def watch(self, frame: FrameType, event: str, _: Any) -> Any:
        """The function for ``sys.settrace``: follows the user's code, line by line."""
        if event != "call" or not is_users(frame.f_code.co_filename):
            return None
        if frame.f_back in self._depth:  # what the line that calls has bound already
            self._look(frame.f_back, self._lines[frame.f_back])
        if self.on_frame is not None:
            self.on_frame(frame)
        self._depth[frame] = len(self._depth)
        self._lines[frame] = -1
        frame.f_trace_opcodes = bool(bound_and_used(frame.f_code))
        return self._watch_line

    def _watch_line(self, frame: FrameType, event: str, value: Any) -> Any:
        if event == "opcode":
            if frame.f_lasti in bound_and_used(frame.f_code) and frame in self._depth:
                self._look(frame, frame.f_lineno)
            return self._watch_line
        if event not in ("line", "return"):
            return self._watch_line
        before = self._lines.get(frame, -1)
        if frame in self._depth:
            self._look(frame, before)
        self._lines[frame] = frame.f_lineno
        if event == "return":
            self._returned(frame, value)
            self._depth.pop(frame, None)
            self._lines.pop(frame, None)
        return self._watch_line

    def _returned(self, frame: FrameType, value: Any) -> None:
        """The value of a helper function is named after it, where no variable holds it."""
        from symderive.readers.python.tracer import Tracer

        depth, name = self._depth.get(frame, 0), frame.f_code.co_name
        if (
            type(value) is not Tracer
            or value._name
            or not depth
            or not name.strip("_").isidentifier()
        ):
            return
        if not name.startswith("__") and weight(value._tree) > LONGEST_ARGUMENT:
            self._bind(value, name, frame.f_lineno, depth)

    def _look(self, frame: FrameType, line: int) -> None:
        depth = self._depth[frame]
        for name, value in frame.f_locals.items():
            if not name.isidentifier():
                continue
            for found, base in self._traced(name, value):
                self._bind(found, base, line, depth)

    def _traced(self, name: str, value: Any, level: int = 0) -> Iterator[tuple[Any, str]]:
        """The traced values that a variable holds, lists and dictionaries looked through."""
        from symderive.readers.python.tracer import Tracer

        if type(value) is Tracer:
            yield value, name
        elif hasattr(type(value), "mask"):  # entries that a condition keeps
            yield value.values, name
        elif hasattr(type(value), "is_traced"):  # a complex number
            yield value.re, f"{name}_re"
            yield value.im, f"{name}_im"
        elif isinstance(value, list | tuple) and level < 3:
            own = (id(value), name)
            _, start = self._scanned.get(own, (value, 0)) if not level else (value, 0)
            start = start if start < len(value) else max(len(value) - 1, 0)
            for part in value[start:]:
                yield from self._traced(name, part, level + 1)
            if isinstance(value, list) and not level:  # kept: another list may get its place
                self._scanned[own] = value, max(len(value) - 1, 0)
        elif isinstance(value, dict) and level < 3:
            for key, part in value.items():
                inner = f"{name}_{key}" if str(key).isalnum() else name
                yield from self._traced(inner, part, level + 1)
        elif level < 2 and has_users_attributes(value.__class__):
            for key, part in list(getattr(value, "__dict__", {}).items())[:_MOST_ATTRIBUTES]:
                yield from self._traced(key, part, level + 1)

    def _bind(self, found: Any, base: str, line: int, depth: int) -> None:
        tree = found._tree
        if found._name is None or found._name.depth >= depth:
            found._name = Label(base, line, depth)
        if isinstance(tree, Leaf):
            about = self.labels.get(tree.name)
            if about is not None and about.depth > depth:
                about.base, about.line, about.depth = base, line, depth
            return
        if line < 0 and depth and weight(tree) <= LONGEST_ARGUMENT:
            self.handed[id(tree)] = (tree, Label(base, line, depth))
            self._passed[id(found)] = min(depth, self._passed.get(id(found), depth))
            self._kept.append(found)
        passed = self._passed.get(id(found), PART) <= depth
        if found._changing or passed or is_fixed(tree) or is_condition(tree):
            return
        found._tree = self.stage(tree, base, line, depth)


@lru_cache(maxsize=4096)
def bound_and_used(code: CodeType) -> frozenset[int]:
    """The places in a code at which a variable is used on the line that binds it.

    Python says when a line begins, not when a statement does: ``a = f(x); b = g(a)``.
    """
    bound: set[str] = set()
    found, line = set(), None
    for step in dis.get_instructions(code):
        if step.starts_line is not None and step.starts_line != line:
            bound, line = set(), step.starts_line
        if step.opname in ("STORE_FAST", "STORE_DEREF"):
            bound.add(str(step.argval))
        elif step.opname.startswith("LOAD_") and step.argval in bound:
            found.add(step.offset)
    return frozenset(found)


@lru_cache(maxsize=4096)
def has_users_attributes(kind: type) -> bool:
    """Whether objects of a class are the user's own: of a class of theirs, or a bare namespace."""
    if kind is SimpleNamespace:
        return True
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None) or ""
    plain = not issubclass(kind, type | ModuleType | FunctionType)
    return plain and kind.__module__ != "builtins" and (not file or is_users(file))


def weight(tree: Tree) -> int:
    """The number of parts of a formula."""
    return sum(1 for _ in tree.walk())


def is_fixed(tree: Tree) -> bool:
    """Whether a formula holds nothing but numbers and sizes."""
    return isinstance(tree, Number) or not any(
        isinstance(part, Leaf) or (isinstance(part, Apply) and part.op == "index_notation")
        for part in tree.walk()
    )


def _name_of(array: object) -> str:
    """The variable by which the user's code knows an array."""
    frame = users_frame()
    while frame is not None:
        for known in (frame.f_locals, frame.f_globals):
            for name, value in list(known.items()):
                if value is array and name.isidentifier() and name != "_":
                    return name
        frame = frame.f_back
        if frame is not None and not is_users(frame.f_code.co_filename):
            return ""
    return ""
