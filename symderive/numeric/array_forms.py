"""How NumPy writes each array operation, a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, expand

from symderive.formulas.arrays.ops_spectral import MATRIX_FUNCTIONS
from symderive.formulas.arrays.syntax import Shape
from symderive.numeric.ops import ATOM, CHOICE, PRODUCT, SIGN

SizeText = Callable[[Expr], str]
_LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


@dataclass(frozen=True, slots=True)
class Call:
    """One operation to be written.

    Attributes:
        data: What it has besides its operands.
        shapes: Shapes of the operands.
        shape: Shape of the result.
        size: A size as text.
        count: A size as a number, for the fastest form; None for the most readable one.
    """

    data: Any
    shapes: Sequence[Shape]
    shape: Shape
    size: SizeText
    count: Callable[[Expr], float] | None = None

    def sizes(self, shape: Shape) -> str:
        """A shape as text."""
        inside = ", ".join(self.size(size) for size in shape)
        return f"({inside},)" if len(shape) == 1 else f"({inside})"

    def axis(self, axes: Sequence[int]) -> str:
        """``axis=…`` of a reduction; None over all axes, which is faster."""
        if len(axes) == len(self.shapes[0]):
            return "axis=None"
        return f"axis={axes[0] if len(axes) == 1 else tuple(axes)}"


@dataclass(frozen=True, slots=True)
class Form:
    """How an operation is written.

    Attributes:
        text: Source of a call, from the texts of its operands.
        level: Its precedence.
        operands: Loosest precedence of each operand without parentheses; empty for arguments.
        free: Whether it costs nothing, being a view.
        after: A statement that completes it; ``name`` is its result.
    """

    text: Callable[..., str]
    level: int = ATOM
    operands: tuple[int, ...] = ()
    free: bool = False
    after: Callable[..., str] | None = None


def _view(call: Call, x: str) -> str:
    axes = call.data
    kept = [axis for axis in axes if axis is not None]
    rank = len(call.shapes[0])
    text = x
    if not rank:
        return f"np.reshape({x}, {call.sizes(call.shape)})"
    if kept != sorted(kept):
        text = f"{x}.T" if kept == list(range(rank))[::-1] else f"{x}.transpose({tuple(kept)})"
    if len(kept) == len(axes):
        return text
    while axes and axes[-1] is not None:
        axes = axes[:-1]
    return f"{text}[{', '.join('None' if axis is None else ':' for axis in axes)}]"


def key_text(key: Sequence[tuple[Any, ...]], size: SizeText) -> str:
    """The inside of ``[…]``; of ``[…][…]`` where a run backwards ends before the first entry."""
    parts: list[str] = []
    turned: list[str] = []
    for kind, *rest in key:
        if kind == "int":
            parts.append(size(rest[0]))
            continue
        if kind == "new":
            text, turn = "None", ":"
        else:
            start, length, step = rest
            text, turn = _run_text(start, length, step, size)
        parts.append(text)
        turned.append(turn)
    inside = ", ".join(parts)
    return f"{inside}][{', '.join(turned)}" if "::-1" in turned else inside


def _run_text(start: Expr, length: Expr, step: Expr, size: SizeText) -> tuple[str, str]:
    """A slice, and how its result is to be turned around."""
    if step == 1:
        return f"{'' if start == 0 else size(start)}:{size(start + length)}", ":"
    if step.is_positive:
        return f"{size(start)}:{size(start + step * length)}:{size(step)}", ":"
    last = expand(start + step * (length - 1))
    if last == 0:
        return f"{size(start)}::{size(step)}", ":"
    by = "" if step == -1 else f":{size(-step)}"
    return f"{size(last)}:{size(start + 1)}{by}", "::-1"


def _fit(call: Call, x: str) -> str:
    return f"np.broadcast_to({x}, {call.sizes(call.shape)})"


def _index(call: Call, x: str) -> str:
    return f"{x}[{key_text(call.data, call.size)}]"


def _place(call: Call, _: str) -> str:
    return f"np.zeros({call.sizes(call.data[1])})"


def _place_after(call: Call, name: str, x: str) -> str:
    return f"{name}[{key_text(call.data[0], call.size)}] += {x}"


def _gather(call: Call, x: str, *at: str) -> str:
    return f"{x}[{', '.join(f'np.intp({place})' for place in at)}]"


def _windows(call: Call, x: str) -> str:
    axis, _, size = call.data
    return f"np.lib.stride_tricks.sliding_window_view({x}, {call.size(size)}, {axis})"


def _letters(labels: Sequence[int]) -> str:
    return "".join(_LETTERS[label] for label in labels)


def _einsum(call: Call, *operands: str) -> str:
    inside, out = call.data
    spec = ",".join(map(_letters, inside))
    return f'np.einsum("{spec}->{_letters(out)}", {", ".join(operands)})'


def _diagonal(call: Call, x: str) -> str:
    labels, out = call.data
    if labels == (0, 0) or (len(labels) == 2 and labels[0] == labels[1]):
        return f"{x}.diagonal()"
    numbers = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    spec = _letters([numbers[label] for label in labels])
    return f'np.einsum("{spec}->{_letters([numbers[label] for label in out])}", {x})'


def _on_diagonal(call: Call, name: str, x: str, sign: str) -> str:
    """Entries put where axes have the same place; ``data`` has the labels of both."""
    labels, out = call.data
    return f'np.einsum("{_letters(out)}->{_letters(labels)}", {name})[...] {sign} {x}'


def _sum(call: Call, x: str) -> str:
    """Along some axes einsum is up to five times as fast as a reduction."""
    if call.count is None:
        return f"np.sum({x})" if not call.shape else f"np.sum({x}, {call.axis(call.data)})"
    rank = len(call.shapes[0])
    if len(call.data) == rank:
        return f"np.add.reduce({x}, axis=None)"
    kept = _letters([axis for axis in range(rank) if axis not in call.data])
    return f'np.einsum("{_letters(range(rank))}->{kept}", {x})'


def _cumsum_back(call: Call, x: str) -> str:
    """Running sums from the end."""
    (axis,) = call.data
    turned = f"{':, ' * axis}::-1"
    return f"np.cumsum({x}[{turned}], axis={axis})[{turned}]"


def _extreme(ufunc: str, readable: str, worst: str) -> Form:
    """The greatest or least along axes; a few columns are compared one with the other."""

    def text(call: Call, x: str) -> str:
        if call.count is None:
            return f"np.{readable}({x}, {call.axis(call.data)})"
        counts = [call.count(size) for size in call.shapes[0]]
        if 0 in counts:
            return f"np.{ufunc}.reduce({x}, {call.axis(call.data)}, initial={worst})"
        if call.data == (1,) and len(counts) == 2 and counts[1] <= 32:
            return f"np.{ufunc}.reduce(np.ascontiguousarray(np.transpose({x})), axis=0)"
        return f"np.{ufunc}.reduce({x}, {call.axis(call.data)})"

    return Form(text)


def _function(name: str) -> Form:
    return Form(lambda call, *args: f"{name}({', '.join(args)})")


FORMS: Mapping[str, Form] = {
    "view": Form(_view, ATOM, (ATOM,), free=True),
    "fit": Form(_fit, free=True),
    "reshape": Form(lambda call, x: f"np.reshape({x}, {call.sizes(call.shape)})"),
    "index": Form(_index, ATOM, (ATOM,)),
    "place": Form(_place, after=_place_after),
    "eye": Form(lambda call: f"np.eye({call.size(call.data)})"),
    "arange": Form(lambda call: f"np.arange({call.size(call.data)})"),
    "gather": Form(_gather, ATOM, (ATOM, CHOICE)),
    "windows": Form(_windows),
    "diagonal": Form(_diagonal, ATOM, (ATOM,), free=True),
    "embed": _function("np.diag"),
    "spread": Form(
        lambda call, _: f"np.zeros({call.sizes(call.shape)})",
        after=lambda call, name, x: _on_diagonal(call, name, x, "="),
    ),
    "add_spread": Form(
        lambda call, x, _: f"np.array({x})",
        after=lambda call, name, _, x: _on_diagonal(call, name, x, "+="),
    ),
    "compact": Form(
        lambda call, x: x if call.count is None else f"np.ascontiguousarray({x})", ATOM, (ATOM,)
    ),
    "sum": Form(_sum),
    "prod_over": Form(lambda call, x: f"np.prod({x}, {call.axis(call.data)})"),
    "max_over": _extreme("maximum", "max", "-np.inf"),
    "min_over": _extreme("minimum", "min", "np.inf"),
    "cumsum": Form(lambda call, x: f"np.cumsum({x}, axis={call.data[0]})"),
    "cumsum_back": Form(_cumsum_back, ATOM, (ATOM,)),
    "inv": _function("np.linalg.inv"),
    "det": _function("np.linalg.det"),
    "logdet": Form(lambda call, x: f"np.linalg.slogdet({x})[1]"),
    "logdet_positive": Form(
        lambda call, x: f"2.0 * np.log(np.linalg.cholesky({x}).diagonal()).sum()", PRODUCT, (ATOM,)
    ),
    # Of the symmetric part, as the model says; NumPy's own would look at the lower triangle only.
    "cholesky": Form(lambda call, x: f"np.linalg.cholesky(whole.symmetric_part({x}))"),
    "eigvalsh": Form(lambda call, x: f"np.linalg.eigvalsh(whole.symmetric_part({x}))"),
    "eigenvectors": Form(lambda call, x: f"np.linalg.eigh(whole.symmetric_part({x}))[1]"),
    "pinv": _function("np.linalg.pinv"),
    "adjugate": _function("spectral.adjugate"),
    "matrix_power": Form(lambda call, x: f"np.linalg.matrix_power({x}, {call.data})"),
    **{name: _function(f"whole.{name}") for name in MATRIX_FUNCTIONS},
    **{f"{f}_frechet": _function(f"spectral.{f}_frechet") for f in MATRIX_FUNCTIONS},
    "svdvals": Form(lambda call, x: f"np.linalg.svd({x}, compute_uv=False)"),
    "left_vectors": Form(lambda call, x: f"np.linalg.svd({x}, full_matrices=False)[0]"),
    "right_vectors": Form(lambda call, x: f"np.linalg.svd({x}, full_matrices=False)[2].T"),
    "nuclear_norm": Form(lambda call, x: f'np.linalg.norm({x}, "nuc")'),
    "spectral_norm": Form(lambda call, x: f"np.linalg.norm({x}, 2)"),
    "polar": _function("spectral.polar"),
    "norm": Form(lambda call, x: f"whole.norm({x}, {call.axis(call.data)})"),
    "prod_others": Form(lambda call, x: f"whole.prod_others({x}, {tuple(call.data)})"),
    "triu": Form(lambda call, x: f"np.triu({x}, {call.data})"),
    "tril": Form(lambda call, x: f"np.tril({x}, {call.data})"),
    "convolution_matrix": Form(
        lambda call, x: (
            f'patterned.convolution_matrix({x}, {call.size(call.data[1][1])}, "{call.data[0][1]}")'
        )
    ),
    "commutation": Form(
        lambda call: (
            f"patterned.commutation({call.size(call.data[0][1])}, {call.size(call.data[1][1])})"
        )
    ),
    "half_tril": _function("spectral.half_tril"),
    "diagonal_sums": _function("patterned.diagonal_sums"),
    "convolve": Form(lambda call, x, y: f'np.convolve({x}, {y}, "{call.data[0]}")'),
    "correlate": Form(lambda call, x, y: f'np.correlate({x}, {y}, "{call.data[0]}")'),
    "solve": _function("np.linalg.solve"),
    "matmul": Form(lambda call, x, y: f"{x} @ {y}", PRODUCT, (PRODUCT, SIGN)),
    "times": Form(lambda call, x, y: f"{x} * {y}", PRODUCT, (PRODUCT, SIGN)),
    "vdot": _function("np.vdot"),
    "tensordot": Form(lambda call, x, y: f"np.tensordot({x}, {y}, axes={call.data})"),
    "einsum": Form(_einsum),
    "concatenate": Form(lambda call, *args: f"np.concatenate(({', '.join(args)},), {call.data})"),
}
"""Every operation that a program of arrays may hold besides those on entries."""
