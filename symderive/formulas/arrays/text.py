"""Trees → the text that the reader reads: NumPy's language with no more brackets than it needs.

Two things are written as people write them, and mean the same: a minus in front of a product
stands before its first factor (``-A @ B``), and a term with a minus is subtracted (``a - b``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from sympy import Add, Expr, Mul, Pow, Rational, S

from symderive.formulas.arrays.placing import in_words, widths
from symderive.formulas.arrays.syntax import Apply, Leaf, Number, Shape, Tree
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.decimals import LARGEST_WRITTEN_OUT, digits_of, power_of_ten
from symderive.formulas.functions import FUNCTIONS


class Level(IntEnum):
    """How tightly written text binds in Python; a looser one needs brackets in a tighter one."""

    OR = 0
    AND = 1
    NOT = 2
    RELATION = 3
    SUM = 4
    NEGATIVE_PRODUCT = 5
    PRODUCT = 6
    NEGATIVE = 7
    POWER = 8
    ATOM = 9


Written = tuple[str, Level]

RELATIONS: Mapping[str, str] = {
    "Lt": "<",
    "LtE": "<=",
    "Gt": ">",
    "GtE": ">=",
    "Eq": "==",
    "NotEq": "!=",
}
"""The operations that compare, and their signs."""

JUNCTIONS: Mapping[str, tuple[str, Level]] = {
    "logical_and": ("and", Level.AND),
    "logical_or": ("or", Level.OR),
}

POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "transpose": ("axes",),
    "reshape": ("shape",),
    "unvec": ("shape",),
    "rearrange": ("blocks",),
    "eye": ("size",),
    "arange": ("size",),
    "one_hot": ("size",),
    "triu": ("k",),
    "tril": ("k",),
    "matrix_power": ("k",),
    "convolution_matrix": ("n",),
    "sliding_window_view": ("k",),
    "commutation": ("m", "n"),
}
"""The options that stand after the operands, without their names."""

LISTED = frozenset({"concatenate", "stack"})
"""Operations whose operands stand in a list."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "norm": {"ord": 2},
    "var": {"ddof": 0},
    "std": {"ddof": 0},
    "triu": {"k": 0},
    "tril": {"k": 0},
    "convolve": {"mode": "full"},
    "convolution_matrix": {"mode": "full"},
    "correlate": {"mode": "valid"},
}
"""The values that options have where they are left out, besides False."""

LAYERS = frozenset({"layer_norm", "rms_norm", "batch_norm"})
"""Operations whose axes are given by their name, and whose second operand is ``eps``."""

_EPS = Rational(1, 100_000)

SCALES = frozenset({"deviation", "rms"})
"""Operations whose second operand is the small number that layers have."""

LAST_AXIS = frozenset({"softmax", "log_softmax", *SCALES})
"""Operations that work along the last axis where none is named."""

_REDUCTION_WORDS = "sum mean prod max min var std logsumexp norm"
REDUCTIONS = frozenset(_REDUCTION_WORDS.split())
"""Operations that take all axes where none is named."""

CHOICES = frozenset({"is_max", "is_min", "prod_others"})
"""Operations of the shape of their operand that take all axes where none is named."""

_LONGEST_DECIMAL = 12


def text(tree: Tree) -> str:
    """The tree in the formula language.

    >>> from sympy import symbols
    >>> from symderive.formulas.arrays.ops import apply, transpose
    >>> m, n = symbols("m n")
    >>> X, A, Y = Leaf((m, n), "X"), Leaf((m,), "A2"), Leaf((m,), "Y")
    >>> error = apply("add", A, apply("negative", Y))
    >>> text(apply("divide", apply("matmul", transpose(X), error), Number((), m)))
    'X.T @ (A2 - Y)/m'
    """
    return _written(tree)[0]


def _written(tree: Tree) -> Written:
    if isinstance(tree, Leaf):
        return tree.name, Level.ATOM
    if isinstance(tree, Number):
        return number(tree.value)
    assert isinstance(tree, Apply)
    if tree.op in RELATIONS:
        return _joined(tree.args, f" {RELATIONS[tree.op]} ", Level.RELATION, Level.SUM)
    if tree.op in JUNCTIONS:
        sign, level = JUNCTIONS[tree.op]
        return _joined(tree.args, f" {sign} ", level, Level(level + 1))
    return WRITERS.get(tree.op, _call)(tree)


def within(tree: Tree, level: Level) -> str:
    """An operand: in brackets if it binds less tightly than ``level``."""
    inner, own = _written(tree)
    return inner if own >= level else f"({inner})"


def _joined(args: Sequence[Tree], sign: str, level: Level, needed: Level) -> Written:
    return sign.join(within(arg, needed) for arg in args), level


# Numbers and sizes ----------------------------------------------------------------------------


def number(value: Expr) -> Written:
    """A number, or a formula in the sizes of axes.

    >>> from sympy import Symbol
    >>> [number(value)[0] for value in (Rational(1, 2), Rational(3, 20), -S.One, 1 / Symbol("m"))]
    ['1/2', '0.15', '-1', '1/m']
    """
    if isinstance(value, Rational):
        return _rational(value)
    if value is S.Exp1:
        return "exp(1)", Level.ATOM
    shown = str(value).replace("E**", "exp(1)**")
    if isinstance(value, Add):
        return shown, Level.SUM
    if isinstance(value, Mul):
        return shown, Level.NEGATIVE_PRODUCT if shown.startswith("-") else Level.PRODUCT
    if isinstance(value, Pow):
        below = value.exp.is_number and value.exp.is_negative
        power = value.exp is not S.Half
        return shown, Level.PRODUCT if below else Level.POWER if power else Level.ATOM
    return shown, Level.NEGATIVE if shown.startswith("-") else Level.ATOM


def _rational(value: Rational) -> Written:
    sign, size = ("-", -value) if value < 0 else ("", value)
    digits = _decimal(size)
    if digits:
        return sign + digits, Level.NEGATIVE if sign else Level.ATOM
    return sign + f"{size.p}/{size.q}", Level.NEGATIVE_PRODUCT if sign else Level.PRODUCT


def _decimal(value: Rational) -> str | None:
    """The digits of a whole number, or of a number that ends: 0.05, yet 1/2 and 3/8."""
    if value.q == 1:
        zeros = power_of_ten(value.p)
        return f"1e{zeros}" if zeros >= LARGEST_WRITTEN_OUT else str(value.p)
    if value.q % 5:
        return None
    digits = digits_of(value, value.q.bit_length())
    if digits is None or len(digits.partition(".")[2]) <= _LONGEST_DECIMAL:
        return digits
    digits = min(digits, _with_exponent(value) or digits, key=len)
    return digits if len(digits) < len(f"{value.p}/{value.q}") else None


def _with_exponent(value: Rational) -> str:
    """The digits of a very small number, where a float has them: 6.62607015e-34."""
    short = repr(float(value))
    return short if "e" in short and Rational(short) == value else ""


def size_text(size: Expr) -> str:
    """A size, or a tuple's worth of text for an index."""
    return number(size)[0]


def shape_text(shape: Shape) -> str:
    """A shape as an argument: a tuple, or the size alone.

    >>> from sympy import symbols
    >>> shape_text(symbols("m n")), shape_text(symbols("m,"))
    ('(m, n)', 'm')
    """
    sizes = [number(size)[0] for size in shape]
    return sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"


# Operators ------------------------------------------------------------------------------------


def _sum(tree: Apply) -> Written:
    result = ""
    for arg in tree.args:
        minus, size = signed(arg)
        nested_first = not result and not minus and is_op(size, "add")
        leads = not result and not minus  # -a*b may lead a sum without brackets
        tight = Level.NEGATIVE_PRODUCT if leads else Level.PRODUCT
        term = _written(size)[0] if nested_first else within(size, tight)
        result += (" - " if minus else " + ") + term if result else ("-" if minus else "") + term
    return result, Level.SUM


def signed(term: Tree) -> tuple[bool, Tree]:
    """Whether a minus stands in front of a term, and the term without it."""
    if isinstance(term, Number) and _leads_with_minus(term.value):
        return True, Number((), -term.value)
    if is_op(term, "negative"):
        return True, term.args[0]
    if is_op(term, "multiply", "divide"):
        minus, first = signed(term.args[0])
        if minus and isinstance(first, Number):
            args = (first, *term.args[1:])
            if term.op == "multiply" and first.value == 1:
                args = args[1:]
            if len(args) == 1 and args[0].shape == term.shape:
                return True, args[0]
            if len(args) > 1:
                return True, Apply(term.shape, term.op, args, term.options)
    return False, term


def _leads_with_minus(value: Expr) -> bool:
    return bool(value.could_extract_minus_sign()) and not isinstance(value, Add)


def _negative(tree: Apply) -> Written:
    inner, own = _written(tree.args[0])
    if own == Level.PRODUCT:
        return f"-{inner}", Level.NEGATIVE_PRODUCT
    return f"-{inner}" if own >= Level.POWER else f"-({inner})", Level.NEGATIVE


def _product(sign: str) -> Callable[[Apply], Written]:
    def written(tree: Apply) -> Written:
        first, level = _written(tree.args[0])
        if level < Level.NEGATIVE_PRODUCT:
            first, level = f"({first})", Level.ATOM
        factors = [first, *(within(arg, Level.POWER) for arg in tree.args[1:])]
        minus = level in (Level.NEGATIVE_PRODUCT, Level.NEGATIVE)
        return sign.join(factors), Level.NEGATIVE_PRODUCT if minus else Level.PRODUCT

    return written


def _power(tree: Apply) -> Written:
    base, exponent = tree.args
    above, level = _written(exponent)
    if level < Level.NEGATIVE:
        above = f"({above})"
    return f"{within(base, Level.ATOM)}**{above}", Level.POWER


def _not(tree: Apply) -> Written:
    return f"not {within(tree.args[0], Level.NOT)}", Level.NOT


# Axes and entries -----------------------------------------------------------------------------


def _transpose(tree: Apply) -> Written:
    if tree.option("axes") == tuple(reversed(range(tree.ndim))):
        return f"{within(tree.args[0], Level.ATOM)}.T", Level.ATOM
    return _call(tree)


def _index(tree: Apply) -> Written:
    inside = key_text(tree.option("key"), tree.args[0].shape)
    return f"{within(tree.args[0], Level.ATOM)}[{inside}]", Level.ATOM


def key_text(key: Sequence[tuple[Any, ...]], shape: Shape) -> str:
    """What stands between the brackets of an index.

    >>> from sympy import symbols
    >>> m, n = symbols("m n")
    >>> key_text((("slice", 1, m - 1, 1), ("int", n - 1)), (m, n))
    '1:, -1'
    """
    parts = []
    axis = 0
    for kind, *rest in key:
        if kind == "new":
            parts.append("None")
            continue
        size = shape[axis]
        axis += 1
        parts.append(
            _place(rest[0], size) if kind == "int" else _slice((rest[0], rest[1], rest[2]), size)
        )
    return ", ".join(parts)


def _place(place: Any, size: Expr) -> str:
    """An index, counted from the end where that is how one writes it: n − 1 is −1."""
    from_end = S(place) - size
    symbolic = not S(place).is_number
    return str(from_end) if symbolic and from_end.is_Integer else size_text(S(place))


def _slice(key: tuple[Any, Any, Any], size: Expr) -> str:
    start, count, step = map(S, key)
    stop = start + step * count
    forward = bool(step > 0)
    first = start == (0 if forward else size - 1)
    last = stop == size if forward else stop == -1
    if forward and step != 1:  # 0, 2, 4 of 5 or of 6: any stop behind the last one will do
        last = bool((stop - size).is_nonnegative)
    inside = ("" if first else _place(start, size)) + ":" + ("" if last else _place(stop, size))
    return inside if step == 1 else f"{inside}:{step}"


# Calls ----------------------------------------------------------------------------------------


def _call(tree: Apply) -> Written:
    args = [_written(arg)[0] for arg in stated_operands(tree)]
    if tree.op == "polygamma" and args[0] in ORDERS:
        return f"{ORDERS[args[0]]}({args[1]})", Level.ATOM
    if tree.op in LISTED:
        args = [_listed(tree)]
    options = dict(tree.options)
    options.pop("function", None)
    for name in POSITIONAL.get(tree.op, ()):
        if not _is_default(tree, name, options[name]):
            args.append(_value(options[name]))
        del options[name]
    for name, value in options.items():
        if not _is_default(tree, name, value):
            args.append(f"{name}={_value(value)}")
    return f"{tree.op}({', '.join(args)})", Level.ATOM


ORDERS = {"0": "digamma", "1": "trigamma"}
"""The names of polygamma functions, by their order."""


def stated_operands(tree: Apply) -> tuple[Tree, ...]:
    """The operands without those at the end that are what they are when left out."""
    if tree.op in SCALES and tree.args[1:] == (Number((), _EPS),):
        return tree.args[:1]
    row = FUNCTIONS.get(tree.op)
    if row is None or not row.defaults:
        return tree.args
    least, _ = row.arity()
    for count in range(least, len(tree.args)):
        if tree.args[count:] == tuple(Number((), value) for value in row.default_values(count)):
            return tree.args[:count]
    return tree.args


def _listed(tree: Apply) -> str:
    """The operands as a list; rows that are stacked themselves as lists in it."""
    rows = (
        _listed(arg) if is_op(arg, "stack") and arg.option("axis") == (0,) else _written(arg)[0]
        for arg in tree.args
    )
    return f"[{', '.join(rows)}]"


def _is_default(tree: Apply, name: str, value: Any) -> bool:
    if value is False or value is None:
        return True
    defaults = DEFAULTS.get(tree.op, {})
    if name in defaults:
        return bool(value == defaults[name])
    if name != "axis":
        return False
    axes = value if isinstance(value, tuple) else (value,)
    if tree.op in LISTED:
        return axes == (0,)
    rank = tree.args[0].ndim
    if tree.op in LAST_AXIS:
        return axes == (rank - 1,)
    whole = tree.op in REDUCTIONS or tree.op in CHOICES or rank == 1
    return axes == tuple(range(rank)) and whole


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return shape_text(tuple(map(S, value)))
    if value is S.Infinity:
        return '"inf"'
    if isinstance(value, Expr):
        return size_text(value)
    return f'"{value}"' if isinstance(value, str) else str(value)


def _layer(tree: Apply) -> Written:
    arg, eps = tree.args
    small = "" if eps == Number((), _EPS) else f", eps={text(eps)}"
    return f"{tree.op}({text(arg)}{small})", Level.ATOM


def _broadcast(tree: Apply) -> Written:
    """Arrays of one number have names of their own."""
    (arg,) = tree.args
    shape = shape_text(tree.shape)
    if arg.ndim:
        return f"broadcast_to({text(arg)}, {shape})", Level.ATOM
    name = {S.Zero: "zeros", S.One: "ones"}.get(getattr(arg, "value", None), "")
    return f"{name}({shape})" if name else f"full({shape}, {text(arg)})", Level.ATOM


def _einsum(tree: Apply) -> Written:
    args = [_written(arg)[0] for arg in tree.args]
    return f'einsum("{tree.option("spec")}", {", ".join(args)})', Level.ATOM


def _place_at(tree: Apply) -> Written:
    """Zeros with a part added; of many axes in JAX's words: NumPy has none."""
    around = widths(tree)
    if around is not None:
        sizes = [f"({size_text(before)}, {size_text(after)})" for before, after in around]
        shown = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
        return f"pad({text(tree.args[0])}, {shown})", Level.ATOM
    words = in_words(tree)
    if words is not None:
        return _written(words)
    shape = tree.option("shape")
    inside = key_text(tree.option("key"), shape)
    return f"zeros({shape_text(shape)}).at[{inside}].add({text(tree.args[0])})", Level.ATOM


def _index_notation(tree: Apply) -> Written:
    """An array given entry by entry, as a comprehension."""
    inner = str(tree.option("formula"))
    for index in reversed(tree.option("indices")):
        inner = f"[{inner} for {index} in range({size_text(index.size)})]"
    return inner if inner.startswith("[") else f"({inner})", Level.ATOM


WRITERS: Mapping[str, Callable[[Apply], Written]] = {
    "add": _sum,
    "negative": _negative,
    "multiply": _product("*"),
    "divide": _product("/"),
    "matmul": _product(" @ "),
    "power": _power,
    "logical_not": _not,
    "transpose": _transpose,
    "index": _index,
    "einsum": _einsum,
    "broadcast_to": _broadcast,
    **dict.fromkeys(LAYERS, _layer),
    "place": _place_at,
    "index_notation": _index_notation,
}
"""Every operation that is not written as a call with its name."""
