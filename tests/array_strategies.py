"""Random array models: each formula as text, and as what JAX or NumPy computes for it.

A row makes a formula of one kind from formulas of other kinds. Kinds are shapes: a number, vectors
and matrices of the sizes m and n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

SHAPES = {"s": "", "m": "m", "n": "n", "mn": "m n", "nm": "n m", "nn": "n n"}

LEAVES = {
    "s": ("c", "d"),
    "m": ("y", "u"),
    "n": ("x", "v"),
    "mn": ("A",),
    "nm": ("C",),
    "nn": ("B",),
}
"""The inputs of each kind."""

INPUTS = {name: SHAPES[kind] for kind, names in LEAVES.items() for name in names}


@dataclass(frozen=True)
class Made:
    """A formula: its text, and the function of (array module, values) that computes it."""

    text: str
    run: Callable[[Any, Any], Any]


def leaf(name: str) -> Made:
    return Made(name, lambda _, env: env[name])


Row = tuple[str, tuple[str, ...], Callable[..., Any]]

EVERYWHERE: tuple[Row, ...] = (
    ("({} + {})", ("k", "k"), lambda np, a, b: a + b),
    ("({} - {})", ("k", "k"), lambda np, a, b: a - b),
    ("{}*{}", ("k", "k"), lambda np, a, b: a * b),
    ("{}*{}", ("s", "k"), lambda np, a, b: a * b),
    ("tanh({})", ("k",), lambda np, a: np.tanh(a)),
    ("sin({})", ("k",), lambda np, a: np.sin(a)),
    ("exp(-({})**2)", ("k",), lambda np, a: np.exp(-(a**2))),
    ("log(1 + ({})**2)", ("k",), lambda np, a: np.log(1 + a**2)),
    ("{}/(2 + ({})**2)", ("k", "k"), lambda np, a, b: a / (2 + b**2)),
)
"""Rows for every kind."""

ROWS: dict[str, tuple[Row, ...]] = {
    "s": (
        ("sum({})", ("n",), lambda np, a: np.sum(a)),
        ("mean({})", ("mn",), lambda np, a: np.mean(a)),
        ("({} @ {})", ("m", "m"), lambda np, a, b: a @ b),
        ("trace({})", ("nn",), lambda np, a: np.trace(a)),
        ("sum(({})**2)", ("nm",), lambda np, a: np.sum(a**2)),
        ("logsumexp({})", ("n",), lambda np, a: np.log(np.sum(np.exp(a)))),
        ("({})[0]", ("m",), lambda np, a: a[0]),
        ("sqrt(1 + norm({})**2)", ("m",), lambda np, a: np.sqrt(1 + np.sum(a**2))),
        ("var({})", ("n",), lambda np, a: np.mean((a - np.mean(a)) ** 2)),
    ),
    "m": (
        ("({} @ {})", ("mn", "n"), lambda np, a, b: a @ b),
        ("({} @ {})", ("n", "nm"), lambda np, a, b: a @ b),
        ("sum({}, axis=1)", ("mn",), lambda np, a: np.sum(a, axis=1)),
        ("mean({}, axis=0)", ("nm",), lambda np, a: np.mean(a, axis=0)),
    ),
    "n": (
        ("({} @ {})", ("nn", "n"), lambda np, a, b: a @ b),
        ("({}).T @ {}", ("mn", "m"), lambda np, a, b: a.T @ b),
        ("softmax({})", ("n",), lambda np, a: np.exp(a) / np.sum(np.exp(a))),
        ("diagonal({})", ("nn",), lambda np, a: np.diagonal(a)),
        ("cumsum({})", ("n",), lambda np, a: np.cumsum(a)),
        ("solve(4*eye(n) + {}, {})", ("nn", "n"), lambda np, a, b: _solved(np, a, b)),
        ("({} - mean({}))", ("n", "n"), lambda np, a, b: a - np.mean(b)),
        ("sum({}, axis=0)", ("mn",), lambda np, a: np.sum(a, axis=0)),
    ),
    "mn": (
        ("({} @ {})", ("mn", "nn"), lambda np, a, b: a @ b),
        ("outer({}, {})", ("m", "n"), lambda np, a, b: np.outer(a, b)),
        ("({}).T", ("nm",), lambda np, a: a.T),
        ("({})[:, None]*{}", ("m", "mn"), lambda np, a, b: a[:, None] * b),
        ("({} + {})", ("mn", "n"), lambda np, a, b: a + b),
        ("({0} - mean({0}, axis=0))", ("mn",), lambda np, a: a - np.mean(a, axis=0)),
        ("softmax({}, axis=1)", ("mn",), lambda np, a: _softmax(np, a)),
    ),
    "nm": (
        ("({}).T", ("mn",), lambda np, a: a.T),
        ("({} @ {})", ("nn", "nm"), lambda np, a, b: a @ b),
        ("outer({}, {})", ("n", "m"), lambda np, a, b: np.outer(a, b)),
    ),
    "nn": (
        ("({} @ {})", ("nm", "mn"), lambda np, a, b: a @ b),
        ("diag({})", ("n",), lambda np, a: np.diag(a)),
        ("({} + ({}).T)", ("nn", "nn"), lambda np, a, b: a + b.T),
        ("inv(4*eye(n) + {})", ("nn",), lambda np, a: np.linalg.inv(4 * np.eye(len(a)) + a)),
        ("outer({}, {})", ("n", "n"), lambda np, a, b: np.outer(a, b)),
    ),
}
"""Rows by the kind that they make."""


def _softmax(np: Any, a: Any) -> Any:
    e = np.exp(a)
    return e / np.sum(e, axis=1, keepdims=True)


def _solved(np: Any, a: Any, b: Any) -> Any:
    return np.linalg.solve(4 * np.eye(len(a)) + a, b)


@st.composite
def formulas(draw: st.DrawFn, kind: str, depth: int, extra: dict[str, list[str]]) -> Made:
    """A formula of a kind over the inputs and earlier stages."""
    names = [*LEAVES[kind], *extra.get(kind, ())]
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return leaf(draw(st.sampled_from(names)))
    template, kinds, function = draw(st.sampled_from((*ROWS[kind], *EVERYWHERE)))
    args = [draw(formulas(kind if k == "k" else k, depth - 1, extra)) for k in kinds]
    return Made(
        template.format(*(arg.text for arg in args)),
        lambda np, env: function(np, *(arg.run(np, env) for arg in args)),
    )


@st.composite
def models(draw: st.DrawFn, depth: int = 2) -> dict[str, Made]:
    """The stages of a model; the last, L, is a number."""
    extra: dict[str, list[str]] = {}
    stages: dict[str, Made] = {}
    for number in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(("m", "n", "mn", "nn")))
        name = f"S{number}"
        stages[name] = draw(formulas(kind, depth, extra))
        extra.setdefault(kind, []).append(name)
    kind = draw(st.sampled_from(("n", "mn", "nn", "m", "s")))
    inner = draw(formulas(kind, depth, extra))
    first = draw(st.sampled_from(extra[kind])) if extra.get(kind) else None
    text = inner.text if kind == "s" else f"sum({inner.text})"
    if first is not None:
        text = f"sum(({inner.text})*{first})"

    def run(np: Any, env: Any) -> Any:
        value = inner.run(np, env)
        return np.sum(value * env[first]) if first is not None else np.sum(value)

    stages["L"] = Made(text, run)
    return stages
