"""``trace``: a plain Python or NumPy function becomes a model."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from traceback import walk_tb
from typing import Any

from sympy import Symbol, pi

from symderive.errors import ModelError, SymderiveError
from symderive.formulas.arrays.op import is_condition
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Tree, renamed
from symderive.formulas.arrays.text import text as text_of
from symderive.formulas.functions import FUNCTIONS
from symderive.model import Model
from symderive.readers.python import operators as operators  # gives traced values theirs
from symderive.readers.python.arguments import Arguments
from symderive.readers.python.complexes import Complex
from symderive.readers.python.naming import NAMELESS
from symderive.readers.python.patching import replaced_functions
from symderive.readers.python.reasons import IN_A_LIBRARY, reason
from symderive.readers.python.recording import (
    Recording,
    at_line,
    is_fixed,
    is_users,
    library_name,
)
from symderive.readers.python.rolling import roll
from symderive.readers.python.sharing import share_handed
from symderive.readers.python.tracer import Tracer


def trace(
    function: Callable[..., Any],
    /,
    *,
    parameters: Sequence[str] | Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Model:
    """A plain Python or NumPy function as a model.

    The function is called once with values that record what is done with them. Values that it
    binds to local variables become stages of those names. What it asserts of them is taken to
    hold, and so is that an ``if`` which only raises an error does not. A branch on data, which
    nothing is differentiated by, is that of the values given for them; the text says so. What it
    takes to be infinite, as in a mask, is 10³⁰.

    Args:
        function: The function. Its docstring becomes the model's text, its name the title.
        parameters: The arguments to differentiate by; all that are traced, if not given. Of a
            function with an argument of this name, a dictionary of shapes is that argument.
        properties: What is known of arrays, as for ``Model``: ``{"A": "symmetric"}``.
        arguments: For each argument its shape (``"m n"``, ``""`` for a number) or its value: a
            float or an array is traced and kept as a default, a whole number, a flag or a function
            is handed on as it is. Lists, tuples and dictionaries of these are gone through:
            ``params={"W": "h n"}`` is ``W`` in the model, or ``params_W`` where another part has
            that name; the same for the fields of named tuples and dataclasses. An argument that
            has a word by default, as in ``mode="same"``, takes a word.

    Raises:
        ModelError: The function does something that has no formula; the message names the line.

    >>> import numpy as np
    >>> def loss(w, x, y):
    ...     p = 1/(1 + np.exp(-w*x))
    ...     return -y*np.log(p) - (1 - y)*np.log(1 - p)
    >>> model = trace(loss, w="", x="", y="", parameters=["w"])
    >>> {name: stage.text for name, stage in model.stages.items()}
    {'p': '1/(1 + exp(-w*x))', 'loss': '-y*log(p) - (1 - y)*log(1 - p)'}
    """
    if not callable(function):
        raise ModelError(f"trace takes a function, not {type(function).__name__}")
    inner = function.func if isinstance(function, partial) else function
    title = getattr(inner, "__name__", type(function).__name__)
    if isinstance(parameters, Mapping):
        arguments, parameters = {**arguments, "parameters": dict(parameters)}, None
    words = {name for name in _words(function) if isinstance(arguments.get(name), str)}
    given = Arguments(parameters, arguments, words)
    rec = Recording(given.shapes, given.sizes)
    handed = {
        name: value if name in words else given.read(rec, name, value)
        for name, value in arguments.items()
    }
    given.check(title)
    rec.data = given.data(title)
    result = _called(rec, function, title, handed)
    return _model(rec, given, result, function, title, properties)


def _words(function: Any) -> set[str]:
    """The arguments that are words, such as ``mode="same"``: those that have one by default."""
    try:
        about = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return set()
    return {name for name, each in about.items() if isinstance(each.default, str)}


def _called(rec: Recording, function: Any, title: str, handed: Mapping[str, Any]) -> Any:
    """The function's value, its lines watched."""
    args, more = _bound(function, title, handed)
    with replaced_functions(rec, function) as patches:
        rec.on_frame = patches.frame
        before = sys.gettrace()
        sys.settrace(rec.watch)
        try:
            return function(*args, **more)
        except SymderiveError:
            raise
        except Exception as error:
            raise _failed(error) from error
        finally:
            sys.settrace(before)


def _failed(error: Exception) -> ModelError:
    """What the user's function raised, with its line; or what was refused first."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelError):
            return cause
        cause = cause.__cause__ or cause.__context__
    message = f"the function raised {type(error).__name__}: {error}"
    user, line, library = None, 0, ""
    for frame, number in walk_tb(error.__traceback__):
        if is_users(frame.f_code.co_filename):
            user, line, library = frame, number, ""
        else:
            library = library or library_name(frame)
    if library:
        message = (
            f"{library} has no formula here: {reason(library) or IN_A_LIBRARY} "
            f"(it raised {type(error).__name__}: {error})"
        )
    return at_line(message, user, line) if user is not None else ModelError(message)


def _bound(function: Any, title: str, handed: Mapping[str, Any]) -> tuple[Any, Any]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return (), dict(handed)
    positional = [
        name
        for name, about in signature.parameters.items()
        if about.kind is about.POSITIONAL_ONLY and name in handed
    ]
    several = next(
        (n for n, a in signature.parameters.items() if a.kind is a.VAR_POSITIONAL and n in handed),
        None,
    )
    args: list[Any] = [handed[name] for name in positional]
    more = {name: value for name, value in handed.items() if name not in positional}
    if several is not None:
        before = [
            n
            for n, a in signature.parameters.items()
            if a.kind is a.POSITIONAL_OR_KEYWORD and n in more
        ]
        args += [more.pop(name) for name in before]
        args += list(more.pop(several))
    try:
        signature.bind(*args, **more)
    except TypeError as error:
        raise ModelError(f"{title}{signature}: {error}; state each argument by name") from None
    return args, more


# The model --------------------------------------------------------------------------------


def _returned(result: Any) -> Iterator[Any]:
    if isinstance(result, dict):
        for part in result.values():
            yield from _returned(part)
    elif not hasattr(type(result), "is_traced") and isinstance(result, list | tuple):
        for part in result:
            yield from _returned(part)
    elif result is not None:
        yield result


def _model(
    rec: Recording,
    given: Arguments,
    result: Any,
    function: Any,
    title: str,
    properties: Mapping[str, str | Sequence[str]] | None,
) -> Model:
    returned = list(_returned(result))
    if returned and type(returned[0]) is Complex:
        raise _at_end(
            function,
            f"what {title} returns is a complex number, which has no gradient; return "
            "z.real, z.imag or np.abs(z)**2",
        )
    parts = [part for part in returned if type(part) is Tracer]
    if not parts:
        raise _nothing(function, result, title)
    labels = [_label(rec, part, title) for part in parts]
    share_handed(rec)
    roll(rec, labels)
    needed = _needed(rec, labels)
    final = rec.names(needed, labels[0], title)
    stages = {label: rec.stages[label] for label in needed}
    trees = {final[label]: renamed(tree, final) for label, tree in stages.items()}
    if "pi" in given.shapes:  # an argument of this name: the number is np.pi beside it
        trees = {name: _with_pi_named(tree) for name, tree in trees.items()}
    used = {p.name for tree in trees.values() for p in tree.walk() if isinstance(p, Leaf)}
    constants: dict[str, Any] = {n: v for n, v in rec.constants.items() if n in used}
    wanted = given.parameters(title)
    for name in given.shapes:
        if name not in wanted and name in used:
            constants[name] = given.values.get(name)
    about = inspect.getdoc(function) if inspect.isroutine(function) else ""
    plain = not any(given.shapes.values()) and not rec.constants
    plain = plain and all(map(_is_scalar, trees.values()))
    shapes = {
        name: " ".join(map(str, shape))
        for name, shape in given.shapes.items()
        if name in used or name in wanted
    }
    return Model(
        {name: text_of(tree) for name, tree in trees.items()},
        parameters={name: given.values.get(name) for name in wanted},
        constants=constants,
        target=final[labels[0]],
        title=title if title.isidentifier() else "",
        text="\n\n".join(filter(None, (about, _picks_told(rec, used), _decided_told(rec, given)))),
        shapes=None if plain else shapes,
        properties=properties,
    )


def _with_pi_named(tree: Tree) -> Tree:
    if isinstance(tree, Number):
        return Number(tree.shape, tree.value.xreplace({pi: Symbol("np.pi")}))
    if not isinstance(tree, Apply):
        return tree
    return replace(tree, args=tuple(map(_with_pi_named, tree.args)))


def _picks_told(rec: Recording, used: Container[str]) -> str:
    """What the matrices are that the program does not name."""
    told = [f"{name} picks the places {at}" for name, at in rec.picks.items() if name in used]
    if not told:
        return ""
    kind = "a matrix" if len(told) == 1 else "matrices"
    return f"{'; '.join(told)}: {kind} with one 1 in each row, and 0 elsewhere."


def _decided_told(rec: Recording, given: Arguments) -> str:
    """Whose values have chosen what the program does."""
    groups = {name: group for group, names in given.groups.items() for name in names}
    told = dict.fromkeys(groups.get(name, name) for name in given.shapes if name in rec.decided)
    if not told:
        return ""
    return f"Branches and places are those of the values given for {', '.join(told)}."


def _nothing(function: Any, result: Any, title: str) -> ModelError:
    """The error of a function whose value no stage has."""
    message = f"what {title} returns does not depend on its arguments"
    if result is None:
        message = f"{title} returns nothing; end it with return and the value to differentiate"
    elif inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
        message = f"{title} is a generator or a coroutine; write a function that returns its value"
    return _at_end(function, message)


def _at_end(function: Any, message: str) -> ModelError:
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = f"{code.co_filename}, line {code.co_firstlineno}, in {code.co_name}" if code else ""
    return ModelError(message, where=place)


def _label(rec: Recording, value: Tracer, title: str) -> str:
    """The stage that a returned value is; a stage is made of what is none yet."""
    tree = value._current()
    if isinstance(tree, Leaf) and tree.name in rec.stages:
        return tree.name
    if is_fixed(tree) or is_condition(tree):
        raise ModelError(f"what {title} returns does not depend on its arguments")
    named = value.name_of_all()
    leaf = rec.stage(tree, named.base if named else NAMELESS, -1, 0)
    value._tree = leaf
    assert isinstance(leaf, Leaf)
    return leaf.name


def _needed(rec: Recording, labels: Sequence[str]) -> list[str]:
    """The stages that the returned ones depend on, in order of computation."""
    needed, queue = set(labels), list(labels)
    while queue:
        for part in rec.stages[queue.pop()].walk():
            if isinstance(part, Leaf) and part.name in rec.stages and part.name not in needed:
                needed.add(part.name)
                queue.append(part.name)
    return [label for label in rec.stages if label in needed]


_SCALAR_OPERATIONS = frozenset(
    {"add", "multiply", "divide", "power", "negative", "where", "logical_and", "logical_or"}
) | {"logical_not", "Lt", "LtE", "Gt", "GtE", "Eq", "NotEq"}


def _is_scalar(tree: Tree) -> bool:
    """Whether a formula is one that models without arrays can read."""
    return all(
        not part.shape
        and (not isinstance(part, Apply) or part.op in _SCALAR_OPERATIONS or part.op in FUNCTIONS)
        and (not isinstance(part, Number) or not part.value.free_symbols)
        for part in tree.walk()
    )
