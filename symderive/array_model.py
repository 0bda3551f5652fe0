"""Models with arrays: shapes and properties of names, and stages read with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

from sympy import Basic, Expr, Integer, Mul, Pow, S, Symbol, expand, preorder_traversal

from symderive.array_splitting import split
from symderive.display import as_lists
from symderive.errors import ModelError, UnknownChoiceError, did_you_mean, not_an_array
from symderive.formulas.arrays.algebra import Algebra, algebra_under
from symderive.formulas.arrays.canonical import canonical
from symderive.formulas.arrays.definite import Signs
from symderive.formulas.arrays.holding import broken
from symderive.formulas.arrays.index import Index, index_names
from symderive.formulas.arrays.ops import CALLS, entry, shown
from symderive.formulas.arrays.properties import OF_ENTRIES, OF_SQUARES, PROPERTIES, Knowledge
from symderive.formulas.arrays.reading import names_in, parse_array
from symderive.formulas.arrays.simplify import Rebuilder
from symderive.formulas.arrays.syntax import Leaf, Shape, Tree, leaves, renamed, sizes_in
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.arrays.text import text as array_text
from symderive.formulas.inert import placeholder
from symderive.formulas.parsing import STATE_SHAPES, Parsed, Template
from symderive.formulas.written import evaluated
from symderive.model import Model
from symderive.stages import Stage

SizeText = str | int | Sequence[str | int]


@dataclass(frozen=True, eq=False)
class ArrayTemplate(Template):
    """A template whose formula is one entry of an array.

    Attributes:
        tree: The formula in NumPy's language, its leaves named like the placeholders.
        indices: The indices of the entry that ``written`` gives.
        shapes: The shape of each placeholder.
        known: What is known of the placeholders.
    """

    tree: Tree = field(default=None)  # type: ignore[assignment]
    indices: tuple[Index, ...] = ()
    shapes: tuple[Shape, ...] = ()
    known: Knowledge = field(default_factory=Knowledge)

    @property
    def shape(self) -> Shape:
        """The shape of the array."""
        return self.tree.shape

    def shape_of(self) -> dict[str, Shape]:
        """The shapes by the placeholders' names."""
        return {placeholder(k).name: shape for k, shape in enumerate(self.shapes)}

    def algebra(self) -> Algebra:
        """The index algebra under what is known: one, which remembers what it has contracted."""
        return self._algebra

    @cached_property
    def _algebra(self) -> Algebra:
        return algebra_under(self.known)


def stage_indices(shape: Shape) -> tuple[Index, ...]:
    """The indices of a stage's own entry."""
    return tuple(Index(f"_i{k}", size) for k, size in enumerate(shape))


def source_indices(shape: Shape) -> tuple[Index, ...]:
    """The indices of the entry that is differentiated by."""
    return tuple(Index(f"_j{k}", size) for k, size in enumerate(shape))


def target_indices(shape: Shape) -> tuple[Index, ...]:
    """The indices of the entry of a target."""
    return tuple(Index(f"_t{k}", size) for k, size in enumerate(shape))


def read_shape(stated: SizeText, name: str, where: str = "") -> Shape:
    """A shape as people state it: ``"m n"``, ``"m, 3"``, ``["m", 3]`` or ``""`` for a scalar.

    Raises:
        ModelError: A size is neither a name nor a whole number.

    >>> read_shape("m 3", "X")
    (m, 3)
    """
    parts: Iterable[Any] = (
        stated.replace(",", " ").split()
        if isinstance(stated, str)
        else ([stated] if isinstance(stated, int) else stated)
    )
    sizes: list[Expr] = []
    for part in parts:
        text = str(part).strip()
        size = _size(text)
        if size is None:
            raise ModelError(
                f"{part!r} is no size of {name}; write a whole number, a name such as n, or such as"
                " m*n and n+1, without spaces",
                where=where,
            )
        sizes.append(size)
    return tuple(sizes)


_SIZE = re.compile(r"([+-]?)([^\W\d_]\w*|\d+)((?:\*(?:[^\W\d_]\w*|\d+))*)")


def _size(text: str) -> Expr | None:
    """A size: a whole number, a name, or sums and products of them; None where it is none."""
    found = list(_SIZE.finditer(text))
    if "".join(term[0] for term in found) != text or not found or found[0][1]:
        return None
    if any(not term[1] for term in found[1:]):
        return None
    total: Expr = S.Zero
    for term in found:
        factors = (term[2] + term[3]).split("*")
        value = Mul(*(Integer(int(f)) if f.isdigit() else Symbol(f) for f in factors))
        total += -value if term[1] == "-" else value
    return expand(total)


def read_properties(
    stated: Mapping[str, str | Sequence[str]],
    shapes: Mapping[str, Shape],
    values: Mapping[str, Any],
    where: str = "",
) -> dict[str, tuple[str, ...]]:
    """The properties by name, each a row of ``PROPERTIES``; "one-hot rows" is one-hot.

    Raises:
        UnknownChoiceError: A property is not in the table.
        ModelError: A name is no array of the model, or the value of an array has not the property.
    """
    result: dict[str, tuple[str, ...]] = {}
    for name, value in stated.items():
        names = [value] if isinstance(value, str) else list(value)
        names = [str(each).removesuffix(" rows") for each in names]
        for each in names:
            if each not in PROPERTIES:
                raise UnknownChoiceError(f"property of {name}", each, PROPERTIES, where=where)
        if not shapes.get(name):
            raise ModelError(f"{name} has no shape, so it has no properties", where=where)
        of_matrices = [each for each in names if each not in OF_ENTRIES]
        if len(shapes[name]) < 2 and of_matrices:
            raise ModelError(f"{name} has one axis; a matrix is {of_matrices[0]}", where=where)
        square = [each for each in of_matrices if each in OF_SQUARES]
        if square and shapes[name][-1] != shapes[name][-2]:
            message = f"{name} is stated to be {square[0]}, but it has the shape "
            raise ModelError(f"{message}{shown(shapes[name])}, and is not square", where=where)
        result[name] = tuple(names)
        numbers: Any = values.get(name)
        plain = as_lists(numbers)
        for told in filter(None, (broken(each, name, plain) for each in names if plain)):
            stated_to_be = " and ".join(names)
            message = f"{name} is stated to be {stated_to_be}, but {told}"
            raise ModelError(f"{message}; correct the value, or do not state it", where=where)
    return result


def value_shape(value: object, name: str = "the value") -> tuple[int, ...]:
    """The shape of an array given as nested lists, or as anything with a ``shape``.

    >>> value_shape([[1.0, 2.0, 3.0]])
    (1, 3)

    Raises:
        ModelError: A part of the lists is no number, or rows differ in their length.
    """
    shape = getattr(value, "shape", None)
    if shape is not None:
        return tuple(int(size) for size in shape)
    if isinstance(value, list | tuple):
        rows = {value_shape(row, name) for row in value}
        if len(rows) > 1:
            raise ModelError(not_an_array(name))
        return (len(value), *(rows.pop() if rows else ()))
    if not hasattr(value, "__float__"):
        raise ModelError(not_an_array(name))
    return ()


def known_shapes(
    stated: Mapping[str, SizeText], values: Mapping[str, object], where: str = ""
) -> dict[str, Shape]:
    """The shapes of a model's inputs: those stated, and those of the arrays given as values.

    Raises:
        ModelError: A value is no array, or does not have the shape that is stated for it.
    """
    shapes = {name: read_shape(shape, name, where) for name, shape in stated.items()}
    alone = {size for shape in shapes.values() for size in shape if size.is_Symbol}
    for name, shape in shapes.items():
        unknown = {s for size in shape for s in size.free_symbols} - alone
        if unknown:
            raise ModelError(
                f"the size {min(unknown, key=str)} of {name} stands in a product or sum only; one"
                " array must have it as an axis of its own, so that its value tells it",
                where=where,
            )
    sizes: dict[Expr, tuple[int, str]] = {}
    for name, value in values.items():
        found = value_shape(value, name)
        if name not in shapes:
            shapes[name] = tuple(Integer(size) for size in found)
            continue
        if len(found) != len(shapes[name]):
            raise ModelError(
                f"{name} is stated with the shape {shown(shapes[name])}; "
                f"its value has the shape {found}",
                where=where,
            )
        for size, number in zip(shapes[name], found, strict=True):
            expected = int(size) if size.is_Integer else sizes.get(size, (number, name))[0]
            if expected != number:
                other = sizes.get(size, (0, "its shape"))[1]
                raise ModelError(
                    f"the size {size} of {name} is {number}, but {expected} by {other}; "
                    "sizes of one name must agree",
                    where=where,
                )
            sizes.setdefault(size, (number, name))
    return shapes


class StageReader:
    """Reads the stages of an array model in the order of computation.

    Args:
        shapes: Shape by name of every array that is not a stage; grows by the stages.
        properties: Properties by name.
        functions: The functions that formulas may call.
        place: Where a stage stands, for messages.
        templates: Templates read so far, shared by the stages.
    """

    def __init__(
        self,
        shapes: dict[str, Shape],
        properties: Mapping[str, tuple[str, ...]],
        functions: Mapping[str, Any],
        place: Callable[[str], str],
        templates: dict[str, Template],
    ) -> None:
        self.shapes, self.functions = shapes, functions
        self.properties = dict(properties)  # of stages, too: what their formulas make of them
        self.place, self.templates = place, templates

    def names(self, name: str, text: str, declared: Iterable[str]) -> tuple[str, ...]:
        """The names that a formula uses; the sizes of axes are none."""
        sizes = {size.name for size in sizes_in(self.shapes.values())}
        known = frozenset(declared)
        found = names_in(text, self.place(name), known)
        return tuple(n for n in found if n in known or n not in sizes)

    def waiting(self, name: str, text: object, declared: Iterable[str]) -> Stage:
        """A stage that is not read yet: its text, and the names that it uses."""
        if not isinstance(text, str):
            kind = type(text).__name__
            message = f"a formula of a model with arrays is text, not {kind}"
            raise ModelError(message, where=self.place(name))
        names = self.names(name, text, declared)
        return Stage(name, text, Parsed(_NOT_READ, names))

    def read(self, name: str, text: str, declared: Iterable[str]) -> list[Stage]:
        """A stage whose inputs have all been read, after parts of it that become stages."""
        known = frozenset(declared)
        tree, names, key = parse_array(
            text, self.functions, self.shapes, where=self.place(name), declared=known
        )
        parts: list[Stage] = []
        marks = {placeholder(k).name: used for k, used in enumerate(names)}

        def part(of: Tree) -> str:
            taken = {*known, *self.shapes}
            new = next(n for k in count(1) if (n := f"{name}_part_{k}") not in taken)
            parts.append(stage_of(self, new, renamed(of, marks)))
            return new

        whole = split(tree, part)
        if parts:
            return [*parts, stage_of(self, name, renamed(whole, marks))]
        return [Stage(name, text, self.parsed(name, tree, names, key))]

    def parsed(self, name: str, tree: Tree, names: tuple[str, ...], key: str) -> Parsed:
        """The formula as a template, shared by all that are the same up to names."""
        shapes = tuple(self.shapes.get(n, ()) for n in names)
        known = {
            placeholder(k).name: self.properties[n]
            for k, n in enumerate(names)
            if n in self.properties
        }
        full = f"{key} | {shapes} | {sorted(known.items())}"
        if full not in self.templates:
            at = stage_indices(tree.shape)
            self.templates[full] = ArrayTemplate(
                full, canonical(entry(tree, at)), len(names), tree, at, shapes, Knowledge(known)
            )
        self.shapes[name] = tree.shape
        self.notice(name, tree, names)
        return Parsed(self.templates[full], names)

    def notice(self, name: str, tree: Tree, names: Sequence[str]) -> None:
        """Note that a stage is symmetric, as H @ P @ H.T is where P is, or triangular."""
        if tree.ndim != 2 or tree.shape[0] != tree.shape[1] or name in self.properties:
            return
        stated = {placeholder(k).name: self.properties.get(n, ()) for k, n in enumerate(names)}
        if is_op(tree, "cholesky"):
            self.properties[name] = ("lower triangular",)
        elif Rebuilder(Knowledge(stated).symmetric()).is_symmetric(tree) or _alike_turned(
            tree, Knowledge(stated)
        ):
            self.properties[name] = ("symmetric",)


def _alike_turned(tree: Tree, known: Knowledge) -> bool:
    """Whether a matrix of pairs, as (x_i − x_j)², is the same with its indices exchanged."""
    pairs = (part for part in tree.walk() if is_op(part, "index"))
    if not any(("new",) in part.option("key") for part in pairs):
        return False
    algebra, at = algebra_under(known), stage_indices(tree.shape)
    ends = (evaluated(entry(tree, way)) for way in (at, at[::-1]))
    one, other = (algebra.contracted(_squares_upright(end)) for end in ends)
    return bool(one == other)


def _squares_upright(formula: Expr) -> Expr:
    """(b − a)² as (a − b)², of both whichever SymPy takes to have no minus in front."""
    turned: dict[Basic, Basic] = {
        power: Pow(-power.base, power.exp)
        for power in formula.atoms(Pow)
        if power.exp.is_even and power.base.could_extract_minus_sign()
    }
    return formula.xreplace(turned)


_NOT_READ = Template("", S.Zero, 0)


def stage_tree(stage: Stage) -> Tree:
    """A stage's formula in NumPy's language, in its own names."""
    names = {placeholder(k).name: name for k, name in enumerate(stage.inputs)}
    return renamed(stage.parsed.template.tree, names)  # type: ignore[attr-defined]


def stage_of(reader: StageReader, name: str, tree: Tree) -> Stage:
    """A stage with a given formula."""
    names = leaves(tree)
    marks = {used: placeholder(k).name for k, used in enumerate(names)}
    for part in tree.walk():
        if isinstance(part, Leaf):
            reader.shapes.setdefault(part.name, part.shape)
    told = array_text(tree)
    parsed = reader.parsed(name, renamed(tree, marks), names, array_text(renamed(tree, marks)))
    return Stage(name, told, parsed)


class Letters:
    """Letters for indices, that no name of the model uses: i, j, … in order of appearance.

    Args:
        taken: The names of the model and of its sizes.
        first: The indices that get the first letters.
    """

    def __init__(self, taken: Iterable[str], first: Sequence[Index]) -> None:
        self._free = iter(index_names(200, taken))
        self._known: dict[Basic, Basic] = {}
        self._named(first)

    def _named(self, indices: Iterable[Index]) -> None:
        for index in indices:
            if index not in self._known:
                self._known[index] = Index(next(self._free), index.size)

    def on(self, formula: Expr) -> Expr:
        """The formula with letters for its indices."""
        found = [part for part in preorder_traversal(formula) if isinstance(part, Index)]
        self._named(found)
        result: Expr = formula.xreplace(self._known) if found else formula
        return result

    def of(self, indices: Sequence[Index]) -> tuple[Index, ...]:
        """The letters of some indices."""
        self._named(indices)
        return tuple(self._known[index] for index in indices)


def signs_of(model: Model) -> Signs:
    """What an array model says of the signs of its names: by properties and by definitions."""
    known = Knowledge(model.known)
    stages = {name: stage_tree(stage) for name, stage in model.stages.items()}
    definite = (name for name in known.stated if known.has(name, "positive definite"))
    above = model.positive.union(n for n in known.stated if known.has(n, "positive"))
    return Signs(known.symmetric(), frozenset(definite), stages, above)


def undefined_told(name: str, place: str) -> str:
    """The warning of a function that nothing in a model of numbers defines.

    Raises:
        ModelError: It is a function of arrays, and no shapes are stated.
    """
    if name in CALLS:
        raise ModelError(f"{name} is a function of arrays; {STATE_SHAPES}", where=place)
    told = f"the function {name} is not defined: it differentiates formally, without numbers"
    return "; ".join(filter(None, (told, did_you_mean(name, CALLS))))
