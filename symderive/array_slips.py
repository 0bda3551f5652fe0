"""The slips of matrix calculus, a row each: what puts a wrong answer right, or a right one wrong.

A repair changes one place of the claimed formula: a transpose, a kind of product, an axis. Where
the repaired claim is the derivative, the repair names the slip. What no repair finds is looked for
in the graph: a path forgotten, a link left out, a step of one link gone wrong. To know a new slip
of notation, add a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

from sympy import Add, Expr, Mul, Pow, S
from sympy import Sum as SympySum

from symderive.array_links import ArrayLink
from symderive.differentiate import differentiate
from symderive.errors import NoRuleError, SymderiveError
from symderive.formulas.arrays.chains import chain_of
from symderive.formulas.arrays.ops import apply, total, transpose
from symderive.formulas.arrays.syntax import Apply, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.arrays.text import text
from symderive.formulas.functions import function_of
from symderive.formulas.written import evaluated
from symderive.steps import Step

Repair = Callable[[Tree], Iterator[Tree]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A kind of mistake in an array formula.

    Attributes:
        name: What a teacher calls it; {before} and {after} are the place as claimed and as meant.
        repair: From a part of the claim: what is meant instead.
        example: A claim with the mistake, and what is meant.
    """

    name: str
    repair: Repair
    example: tuple[str, str]


def _untransposed(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "transpose") and tree.ndim == 2:
        yield tree.args[0]


def _transposed(tree: Tree) -> Iterator[Tree]:
    if tree.ndim == 2 and not is_op(tree, "transpose", "eye", "diag"):
        yield transpose(tree)


def _as_matrix_product(tree: Tree) -> Iterator[Tree]:
    if not is_op(tree, "multiply"):
        return
    args = tree.args
    arrays = [arg for arg in args if arg.ndim]
    rest = [arg for arg in args if not arg.ndim]
    for turned in (False, True) if len(arrays) == 2 else ():
        left, right = reversed(arrays) if turned else arrays
        product = apply("matmul", left, right)
        yield apply("multiply", *rest, product) if rest else product


def _as_entry_product(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "matmul"):
        yield apply("multiply", *tree.args)


def _swapped(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "matmul") and all(arg.ndim == 2 for arg in tree.args):
        yield apply("matmul", *reversed(tree.args))
        factors = [part for _, part in chain_of(tree, transpose)]
        for k in range(len(factors) - 1) if len(factors) > 2 else ():
            left, right = factors[k : k + 2]
            swapped = [*factors[:k], right, left, *factors[k + 2 :]]
            yield reduce(lambda a, b: apply("matmul", a, b), swapped)


def _outer_turned(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "outer"):
        yield apply("outer", *reversed(tree.args))


def _other_axis(tree: Tree) -> Iterator[Tree]:
    if not is_op(tree, "sum", "mean", "max", "min", "prod"):
        return
    arg, options = tree.args[0], dict(tree.options)
    for axis in [*((k,) for k in range(arg.ndim)), tuple(range(arg.ndim))]:
        if axis != options["axis"]:
            yield apply(tree.op, arg, **{**options, "axis": axis})


def _as_diagonal(tree: Tree) -> Iterator[Tree]:
    if tree.ndim == 1:
        yield apply("diag", tree)


def _rows_scaled(tree: Tree) -> Iterator[Tree]:
    """A vector that scales rows, where it was made to scale columns or to be summed over."""
    if not (is_op(tree, "multiply", "matmul") and len(tree.args) == 2):
        return
    vectors = [arg for arg in tree.args if arg.ndim == 1]
    matrices = [arg for arg in tree.args if arg.ndim == 2]
    if len(vectors) == len(matrices) == 1:
        vector, matrix = vectors[0], matrices[0]
        key = (("slice", S.Zero, vector.shape[0], S.One), ("new",))
        yield apply("multiply", apply("index", vector, key=key), matrix)
        yield apply("multiply", matrix, vector)


def _outer_product(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "multiply", "matmul") and [arg.ndim for arg in tree.args] == [1, 1]:
        yield apply("outer", *tree.args)
        yield apply("outer", *reversed(tree.args))


def _inner_product(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "outer"):
        yield apply("matmul", *tree.args)


def _inverse(tree: Tree) -> Iterator[Tree]:
    if tree.ndim == 2 and tree.shape[0] == tree.shape[1] and not is_op(tree, "inv", "eye"):
        yield apply("inv", tree)


def _no_inverse(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "inv"):
        yield tree.args[0]


def _sign_of_term(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "add"):
        args = tree.args
        for k, arg in enumerate(args):
            turned = arg.args[0] if is_op(arg, "negative") else apply("negative", arg)
            yield apply("add", *args[:k], turned, *args[k + 1 :])


def _term_too_many(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "add"):
        args = tree.args
        for k in range(len(args)):
            rest = (*args[:k], *args[k + 1 :])
            yield apply("add", *rest) if len(rest) > 1 else rest[0]


def _summed(tree: Tree) -> Iterator[Tree]:
    for axis in range(tree.ndim):
        yield total(tree, [axis])
    if tree.ndim > 1:
        yield total(tree)


def _not_summed(tree: Tree) -> Iterator[Tree]:
    if is_op(tree, "sum", "mean", "trace"):
        yield tree.args[0]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "sum over the wrong axis: {after} is meant, not {before}",
        _other_axis,
        ("sum(A, axis=0)", "sum(A, axis=1)"),
    ),
    Mistake("a transpose too many: {after} is meant, not {before}", _untransposed, ("B.T", "B")),
    Mistake("a transpose is missing: {after} is meant, not {before}", _transposed, ("B", "B.T")),
    Mistake(
        "entry-by-entry product for a matrix product: {after} is meant, not {before}",
        _as_matrix_product,
        ("A*B", "A @ B"),
    ),
    Mistake(
        "matrix product for an entry-by-entry product: {after} is meant, not {before}",
        _as_entry_product,
        ("A @ B", "A*B"),
    ),
    Mistake(
        "the order of a matrix product: {after} is meant, not {before}",
        _swapped,
        ("A @ B", "B @ A"),
    ),
    Mistake(
        "transposed: {after} is meant, not {before}", _outer_turned, ("outer(x, y)", "outer(y, x)")
    ),
    Mistake(
        "rows and columns mixed up: {after} is meant, not {before}",
        _rows_scaled,
        ("x*A", "x[:, None]*A"),
    ),
    Mistake("diag is missing: {after} is meant, not {before}", _as_diagonal, ("x*y", "diag(x*y)")),
    Mistake(
        "an outer product is meant: {after}, not {before}", _outer_product, ("x @ y", "outer(x, y)")
    ),
    Mistake(
        "an inner product is meant: {after}, not {before}", _inner_product, ("outer(x, y)", "x @ y")
    ),
    Mistake("an inverse is missing: {after} is meant, not {before}", _inverse, ("A", "inv(A)")),
    Mistake("an inverse too many: {after} is meant, not {before}", _no_inverse, ("inv(A)", "A")),
    Mistake("a sum is missing: {after} is meant, not {before}", _summed, ("A", "sum(A, axis=0)")),
    Mistake("a sum too many: {after} is meant, not {before}", _not_summed, ("sum(A)", "A")),
    Mistake("sign: {after} is meant, not {before}", _sign_of_term, ("A - B", "A + B")),
    Mistake("a term too many: {after} is meant, not {before}", _term_too_many, ("A + B", "B")),
)
"""The mistakes of notation, the likeliest first."""

MAX_REPAIRS = 400
"""Repairs of one claim that are tried."""


def repairs(claim: Tree, shape: tuple[object, ...]) -> Iterator[tuple[str, Tree]]:
    """The claim with one mistake put right, and the mistake, as far as the result has a shape."""
    count = 0
    for mistake in MISTAKES:
        for before, after, whole in _everywhere(claim, mistake.repair):
            count += 1
            if count > MAX_REPAIRS:
                return
            if whole.shape == shape:
                yield mistake.name.format(before=text(before), after=text(after)), whole


def _everywhere(tree: Tree, repair: Repair) -> Iterator[tuple[Tree, Tree, Tree]]:
    """A part, the part repaired, and the whole with it."""
    for after in _tried(tree, repair):
        yield tree, after, after
    if not isinstance(tree, Apply):
        return
    args, options = tree.args, dict(tree.options)
    for k, arg in enumerate(args):
        for before, after, inner in _everywhere(arg, repair):
            if inner.ndim != arg.ndim and "axis" in options:
                continue
            try:
                whole = apply(tree.op, *args[:k], inner, *args[k + 1 :], **options)
            except (SymderiveError, ValueError, IndexError, AssertionError):
                continue
            yield before, after, whole


def _tried(tree: Tree, repair: Repair) -> Iterator[Tree]:
    found = repair(tree)
    while True:
        try:
            yield next(found)
        except StopIteration:
            return
        except (SymderiveError, ValueError, IndexError):
            return


# A formula whose shapes do not fit ----------------------------------------------------------------


def repaired_texts(claim: str, matrices: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The text with one transpose or one kind of product changed, and the mistake."""

    def put(part: re.Match[str], other: str, group: int = 0) -> str:
        return claim[: part.start(group)] + other + claim[part.end(group) :]

    for word in re.finditer(r"(?<![\w.])[^\W\d]\w*(\.T\b)?", claim):
        name = word[0].removesuffix(".T")
        if name in matrices:
            other = name if word[1] else f"{name}.T"
            yield f"{_TRANSPOSE[bool(word[1])]}: {other} is meant, not {word[0]}", put(word, other)
    for bracket in re.finditer(r"\)(\.T\b)?", claim):
        start = _opening(claim, bracket.start())
        inside = claim[start : bracket.start() + 1]
        other = inside if bracket[1] else f"{inside}.T"
        changed = claim[:start] + other + claim[bracket.end() :]
        what = f"{other} is meant, not {claim[start : bracket.end()]}"
        yield f"{_TRANSPOSE[bool(bracket[1])]}: {what}", changed
    for sign in re.finditer(r"(?<!\*)\*(?!\*)|@", claim):
        changed = put(sign, "*" if sign[0] == "@" else "@")
        yield f"{_PRODUCT[sign[0]]}: {changed.strip()} is meant", changed
    for match in re.finditer(r"axis=(\d)", claim):
        changed = put(match, str(1 - int(match[1])) if int(match[1]) < 2 else "0", 1)
        yield f"sum over the wrong axis: {changed.strip()} is meant", changed
    for product in re.finditer(r"([\w.]+)\s*@\s*([\w.]+|\([^()]*\))", claim):
        swapped = f"{product[2]} @ {product[1]}"
        mistake = f"the order of a matrix product: {swapped} is meant, not {product[0]}"
        yield mistake, put(product, swapped)


_TRANSPOSE = {True: "a transpose too many", False: "a transpose is missing"}
_PRODUCT = {
    "@": "matrix product for an entry-by-entry product",
    "*": "entry-by-entry product for a matrix product",
}


def _opening(text_: str, closing: int) -> int:
    """Where the bracket opens that closes at a place, with the name of a function before it."""
    depth = 0
    for place in range(closing, -1, -1):
        depth += (text_[place] == ")") - (text_[place] == "(")
        if not depth:
            while place and (text_[place - 1].isalnum() or text_[place - 1] in "_."):
                place -= 1
            return place
    return closing


def by_definition(link: ArrayLink) -> Iterator[Step]:
    """The steps by the definition of the stage's named function, where slips can hide."""
    written = link.kind.template.written
    row = function_of(evaluated(written))
    if row is not None and row.definition is not None:
        try:
            step = differentiate(row.definition_formula(*written.args), link.kind.variable)
            yield link.step_here(step)
        except NoRuleError:
            return


def changed(formula: Expr) -> Iterator[tuple[str, Expr]]:
    """The right form with the sign of one term turned, a term or a factor left out."""
    if isinstance(formula, SympySum):
        for name, body in changed(formula.function):
            yield name, formula.func(body, *formula.limits)
        return
    for k, arg in enumerate(formula.args):
        others = list(formula.args)
        if isinstance(formula, Add):
            yield f"sign: in the term {arg}", formula.func(*others[:k], -arg, *others[k + 1 :])
            yield f"term left out: {arg} is missing", Add(*others[:k], *others[k + 1 :])
        if isinstance(formula, Mul):
            yield f"wrong factor: {arg} is missing", Mul(*others[:k], *others[k + 1 :])
            if arg.is_Rational and arg not in (1, -1):
                yield (
                    f"wrong factor: {arg} was turned upside down",
                    Mul(1 / arg, *others[:k], *others[k + 1 :]),
                )
        if isinstance(formula, Pow) and k == 0 and formula.exp.is_Integer:
            yield f"power: {formula} was left as {arg}", arg
            yield f"power: the exponent of {formula}", Pow(arg, formula.exp + S.One)
        if isinstance(formula, Add | Mul | Pow):
            for name, inner in changed(arg):
                yield name, formula.func(*others[:k], inner, *others[k + 1 :])
