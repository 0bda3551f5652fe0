"""Random array models against JAX: value, gradient, printed matrix form, and at times the Hessian.

A search that is left running, not a timing: it prints every model in which the emitted function, or
the text of a gradient in matrix notation, does not give JAX's numbers, or where a line is unproved.
Run: ``python benchmarks/search_arrays.py [MODELS [SEED [DEPTH]]]``; exit status 1 if any is found.
"""

from __future__ import annotations

import random
import re
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symderive as sd

jax.config.update("jax_enable_x64", True)

SHAPES = {"s": "", "m": "m", "n": "n", "mn": "m n", "nm": "n m", "nn": "n n", "mm": "m m"}
LEAVES = {
    "s": ("c", "p"),
    "m": ("y", "u"),
    "n": ("x", "v"),
    "mn": ("A", "D"),
    "nm": ("C",),
    "nn": ("B", "S"),
    "mm": ("M",),
}
INPUTS = {name: SHAPES[kind] for kind, names in LEAVES.items() for name in names}
PROPERTIES = {"S": ("symmetric", "positive definite"), "p": "positive"}

EVERYWHERE = [  # k: the kind that is made
    ("({} + {})", "kk"), ("({} - {})", "kk"), ("({}*{})", "kk"), ("({}*{})", "sk"),
    ("({}/{})", "kP"), ("({} + {})", "ks"), ("(1 - {})", "k"), ("(2*{})", "k"), ("(-({}))", "k"),
    ("(({})**2)", "k"), ("(({})**3)", "k"), ("tanh({})", "k"), ("sin({})", "k"), ("exp({})", "k"),
    ("sigmoid({})", "k"), ("sqrt({})", "P"), ("log({})", "P"), ("relu({})", "k"),
    ("abs({})", "k"), ("({}/{})", "kQ"), ("where({} > 0, {}, {})", "kkk"),
    ("maximum({}, {})", "kk"), ("softplus({})", "k"), ("clip({}, -1, 1)", "k"), ("(({})**p)", "P"),
    ("log1p(exp({}))", "k"), ("erf({})", "k"), ("(cos({0})*{0})", "k"), ("exp(-({})**2/2)", "k"),
    ("atan({})", "k"), ("1/(1 + exp(-({})))", "k"),
]  # fmt: skip
"""Formulas of every kind. P is a positive formula of the kind, Q a positive number."""

ROWS: dict[str, list[tuple[str, str]]] = {
    "s": [
        ("sum({})", "n"), ("sum({})", "mn"), ("mean({})", "mn"), ("mean({})", "m"),
        ("({} @ {})", "m m"), ("({} @ {})", "n n"), ("trace({})", "nn"),
        ("trace({} @ {})", "nm mn"), ("norm({})", "n"), ("sum(({})**2)", "nm"),
        ("logsumexp({})", "n"), ("({})[0]", "m"), ("var({})", "n"), ("dot({}, {})", "n n"),
        ("max({})", "m"), ("std({})", "m"), ("({} @ {} @ {})", "m mn n"),
        ("logdet({} + 9*eye(n))", "nn"), ("logdet(S)", ""), ("({0} @ inv(S) @ {0})", "n"),
        ("det({})", "nn"), ("norm({})", "mn"), ("sum({}*{})", "mn mn"),
        ("mean(({} - {})**2)", "m m"), ("sum(log({}))", "mnP"), ("sum(softmax({})*{})", "n n"),
        ("({})[0, 0]", "mn"), ("prod({})", "n"), ("sum(abs({}))", "n"),
        ("trace(({}).T @ {})", "mn mn"), ("logsumexp({} @ {})", "mn n"),
        ("sum(cross_entropy(softmax({}), {}))", "n n"),
    ],
    "m": [
        ("({} @ {})", "mn n"), ("({} @ {})", "n nm"), ("sum({}, axis=1)", "mn"),
        ("(({}).T @ {})", "nm n"), ("mean({}, axis=0)", "nm"), ("({})[:, 0]", "mn"),
        ("diag({})", "mm"), ("({} @ {})", "mm m"), ("norm({}, axis=1)", "mn"),
        ("logsumexp({}, axis=1)", "mn"), ("({})[::-1]", "m"), ("max({}, axis=1)", "mn"),
        ("softmax({})", "m"), ("({0} - mean({0}))", "m"), ("(({0} - mean({0}))/std({0}))", "m"),
        ("cumsum({})", "m"), ("var({}, axis=1)", "mn"), ("einsum('ij,ij->i', {}, {})", "mn mn"),
        ("einsum('ij,j->i', {}, {})", "mn n"), ("layer_norm({})", "m"), ("({0}/norm({0}))", "m"),
    ],
    "n": [
        ("({} @ {})", "nn n"), ("(({}).T @ {})", "mn m"), ("softmax({})", "n"),
        ("diag({})", "nn"), ("cumsum({})", "n"), ("solve(S, {})", "n"),
        ("({} - mean({}))", "n n"), ("log_softmax({})", "n"), ("sum({}, axis=0)", "mn"),
        ("({} @ {})", "m mn"), ("solve(9*eye(n) + {}, {})", "nn n"), ("(S @ {})", "n"),
        ("({0}/sum({0}))", "nP"), ("({0}/norm({0}))", "n"), ("mean({}, axis=0)", "mn"),
        ("layer_norm({})", "n"), ("einsum('i,ij->j', {}, {})", "m mn"), ("std({}, axis=0)", "mn"),
        ("({0}/sqrt(mean({0}**2) + 1))", "n"),
    ],
    "mn": [
        ("({} @ {})", "mn nn"), ("outer({}, {})", "m n"), ("({}).T", "nm"),
        ("(({})[:, None]*{})", "m mn"), ("({} + {})", "mn n"),
        ("({0} - mean({0}, axis=0))", "mn"), ("softmax({}, axis=1)", "mn"),
        ("({} @ {})", "mm mn"), ("({} - {}[None, :])", "mn n"),
        ("({0}/sum({0}, axis=1, keepdims=True))", "mnP"), ("({}*{})", "mn n"),
        ("({}[:, None] - {}[None, :])", "m n"), ("({} @ S)", "mn"),
        ("log_softmax({}, axis=1)", "mn"), ("(({0} - mean({0}, axis=0))/std({0}, axis=0))", "mn"),
        ("({0}/norm({0}, axis=1, keepdims=True))", "mn"), ("layer_norm({})", "mn"),
        ("solve(S, {}).T", "nm"), ("softmax({} @ {} @ {}, axis=1)", "mn nn nn"),
        ("einsum('ij,kj->ik', {}, {})", "mn nn"), ("cumsum({}, axis=1)", "mn"),
    ],
    "nm": [
        ("({}).T", "mn"), ("({} @ {})", "nn nm"), ("outer({}, {})", "n m"),
        ("({} @ {})", "nm mm"), ("(inv(S) @ {})", "nm"), ("softmax({}, axis=0)", "nm"),
        ("({} + {})", "nm m"),
    ],
    "nn": [
        ("({} @ {})", "nm mn"), ("diag({})", "n"), ("({} + ({}).T)", "nn nn"),
        ("outer({}, {})", "n n"), ("inv(9*eye(n) + {})", "nn"), ("({}).T", "nn"),
        ("(({0}).T @ {0})", "mn"), ("({} + eye(n))", "nn"), ("({}*{})", "nn nn"),
        ("({} @ {})", "nn nn"), ("inv(S)", ""), ("({}[:, None] - {}[None, :])", "n n"),
        ("({} @ S @ ({}).T)", "nn nn"), ("kron({}, eye(1))", "nn"),
    ],
    "mm": [
        ("({} @ ({}).T)", "mn mn"), ("({} @ {})", "mn nm"), ("outer({}, {})", "m m"),
        ("diag({})", "m"), ("softmax({0} @ ({0}).T, axis=1)", "mn"),
        ("({0}[:, None] - {0}[None, :])**2", "m"), ("einsum('ij,kj->ik', {}, {})", "mn mn"),
        ("exp(-({0}[:, None] - {0}[None, :])**2)", "m"),
    ],
}  # fmt: skip


FUNCTIONS = (
    "abs arctan broadcast_to clip cos cosh cumsum diagonal dot einsum exp eye full kron log log1p "
    "max maximum mean min minimum ones outer prod sin sinh sqrt std sum tanh trace transpose tril "
    "triu var where zeros"
)


def _norm(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.sqrt(jnp.sum(a**2, axis=axis, keepdims=keepdims))


def _layer_norm(a: Any) -> Any:
    return (a - jnp.mean(a, -1, keepdims=True)) / jnp.sqrt(jnp.var(a, -1, keepdims=True) + 1e-5)


def _is_max(a: Any, axis: Any = None) -> Any:
    highest = a == jnp.max(a, axis=axis, keepdims=True)
    return highest / jnp.sum(highest, axis=axis, keepdims=True)


def _prod_others(a: Any, axis: Any = None) -> Any:
    """Each entry's product of the others; a is a vector, or axis one of two."""
    if axis == 0:
        return _prod_others(a.T, 1).T
    if axis == 1:
        return jax.vmap(_prod_others)(a)
    flat = jnp.ravel(a)
    others = jnp.where(jnp.eye(flat.size, dtype=bool), 1.0, flat)
    return jnp.reshape(jnp.prod(others, axis=1), a.shape)


NAMESPACE: dict[str, Any] = {
    **{name: getattr(jnp, name) for name in FUNCTIONS.split()},
    "atan": jnp.arctan,
    "cross_entropy": lambda p, y: -y * jnp.log(p),
    "det": jnp.linalg.det,
    "deviation": lambda a: jnp.sqrt(jnp.var(a, -1) + 1e-5),
    "diag": lambda a: jnp.diag(a) if a.ndim == 1 else jnp.diagonal(a),
    "erf": jax.scipy.special.erf,
    "heaviside": lambda x, h=0.5: jnp.heaviside(x, h),
    "inv": jnp.linalg.inv,
    "is_max": _is_max,
    "layer_norm": _layer_norm,
    "log_softmax": jax.nn.log_softmax,
    "logdet": lambda a: jnp.linalg.slogdet(a)[1],
    "logsumexp": jax.scipy.special.logsumexp,
    "matrix_power": jnp.linalg.matrix_power,
    "norm": _norm,
    "pi": jnp.pi,
    "prod_others": _prod_others,
    "relu": jax.nn.relu,
    "sech": lambda a: 1 / jnp.cosh(a),
    "sigmoid": jax.nn.sigmoid,
    "sign": jnp.sign,
    "softmax": jax.nn.softmax,
    "softplus": jax.nn.softplus,
    "solve": jnp.linalg.solve,
}
"""What the names of formulas are for JAX."""


def formula(dice: random.Random, kind: str, depth: int, stages: dict[str, list[str]]) -> str:
    """A formula of a kind, over the inputs and the stages before it."""
    names = [*LEAVES[kind], *4 * stages.get(kind, [])]
    if depth <= 0 or dice.random() < 0.15:
        return dice.choice(names)
    rows = ROWS[kind] if dice.random() < 0.6 else EVERYWHERE
    template, places = dice.choice(rows)
    made = []
    for place in places.split() if rows is ROWS[kind] else places:
        wanted, positive = place.rstrip("P"), place.endswith("P")
        if rows is EVERYWHERE:
            wanted, positive = ("s" if place in "sQ" else kind), place in "PQ"
        text = formula(dice, wanted, depth - 1, stages)
        made.append(
            dice.choice(("(1 + ({})**2)", "exp({})", "(2 + sin({}))")).format(text)
            if positive
            else text
        )
    return template.format(*made)


def model(dice: random.Random, depth: int) -> dict[str, str]:
    """The stages of a model; the last, L, is a number."""
    stages: dict[str, str] = {}
    known: dict[str, list[str]] = {}
    for number in range(dice.choice((0, 1, 1, 2, 3))):
        kind = dice.choice(("m", "n", "mn", "nn", "mm", "mn", "s"))
        stages[f"T{number}"] = formula(dice, kind, dice.randint(1, depth), known)
        known.setdefault(kind, []).append(f"T{number}")
    stages["L"] = formula(dice, "s", depth + 1, known)
    return stages


def used(stages: dict[str, str]) -> list[str]:
    """The inputs that the stages read."""
    words = set(re.findall(r"[A-Za-z]\w*", " ".join(stages.values())))
    return [name for name in INPUTS if name in words]


def values(
    dice: random.Random, names: list[str], sizes: dict[str, int], scale: float = 1
) -> dict[str, Any]:
    """Normal entries; S is positive definite, p positive."""
    noise = np.random.default_rng(dice.randrange(10**6))
    at = {n: scale * noise.normal(size=[sizes[s] for s in INPUTS[n].split()]) for n in names}
    if "S" in at:
        at["S"] = at["S"] @ at["S"].T + np.eye(sizes["n"])
    if "p" in at:
        at["p"] = abs(at["p"]) + 0.5
    return {name: float(a) if a.ndim == 0 else a for name, a in at.items()}


def with_jax(stages: dict[str, str], at: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """The stages' values."""
    known = {**NAMESPACE, **sizes, **at}
    for name, text in stages.items():
        known[name] = eval(text, {"__builtins__": {}}, known)
    return known


def alike(mine: Any, theirs: Any) -> bool:
    """Whether an array is the other, as far as the greatest entry lets it."""
    theirs = np.asarray(theirs)
    room = 1e-7 * (1 + np.max(abs(theirs), initial=0))
    return np.shape(mine) == theirs.shape and np.allclose(mine, theirs, rtol=1e-6, atol=room)


def faults(stages: dict[str, str], dice: random.Random) -> list[str]:
    """What is wrong with the derivation of a model."""
    names = used(stages)
    shapes = {name: INPUTS[name] for name in names}
    known = {name: PROPERTIES[name] for name in names if name in PROPERTIES}
    derivation = sd.derive(
        sd.Model(stages, parameters=names, shapes=shapes, properties=known, target="L")
    )
    function = derivation.function()
    found = []
    verdicts = {
        line.certificate.verdict
        for link in derivation.links.values()
        for line in link.lines
        if line.certificate
    }
    if verdicts - {"proved", "sampled"}:
        found.append(f"lines {sorted(verdicts)}")
    if dice.random() < 0.15 and not derivation.check().passed:
        found.append("check")
    wanted = dice.choice(names) if dice.random() < 0.15 else None
    found += far(function, stages, dice, names)
    for m, n in ((3, 2), dice.choice(((1, 2), (2, 1), (2, 3), (1, 1), (4, 3)))):
        sizes = {"m": m, "n": n}
        at = values(dice, names, sizes)

        def loss(given: dict[str, Any], sizes: dict[str, int] = sizes) -> Any:
            return with_jax(stages, given, sizes)["L"]

        arrays = {name: jnp.asarray(value) for name, value in at.items()}
        theirs, slopes = jax.value_and_grad(loss)(arrays)
        if not np.isfinite(theirs) or abs(theirs) > 1e8:
            continue
        value, gradient = function(**at)
        if not alike(value, theirs):
            found.append(f"value {value} for {theirs} at {sizes}")
        for name in names:
            true = np.asarray(slopes[name])
            if np.isfinite(true).all() and not alike(gradient[name], true):
                found.append(f"gradient by {name} at {sizes}: {gradient[name]} for {true}")
        found += told_wrongly(derivation, arrays, sizes, slopes)
        if wanted:
            found += second(derivation, wanted, loss, arrays, at)
    return found


def told_wrongly(derivation: Any, arrays: Any, sizes: dict[str, int], slopes: Any) -> list[str]:
    """Which gradients in matrix notation, run as NumPy's text, are not JAX's."""
    texts = {name: stage.text for name, stage in derivation.model.stages.items()}
    known = with_jax(texts, arrays, sizes)
    found = []
    for name in (*reversed(texts), *slopes):
        matrix = derivation.partial("L", name).matrix
        text = "L" if matrix is None else str(matrix)
        if any(word not in known for word in re.findall(r"L_D_\w+", text)) or matrix is None:
            continue  # it, or a stage's, is told in index notation alone
        try:
            told = eval(text, {"__builtins__": {}}, known)
        except Exception as error:
            found.append(f"not NumPy: {error} in {text}")
            continue
        known[f"L_D_{name}"] = told
        true = np.asarray(slopes.get(name, told))
        if np.isfinite(true).all() and not alike(np.broadcast_to(told, true.shape), true):
            found.append(f"form by {name} at {sizes}: {text} is {told} for {true}")
    return found


def far(function: Any, stages: dict[str, str], dice: random.Random, names: list[str]) -> list[str]:
    """Where JAX has numbers far from 0 and the emitted function has none."""
    sizes = {"m": 3, "n": 2}
    at = values(dice, names, sizes, dice.choice((30.0, 300.0)))
    arrays = {name: jnp.asarray(value) for name, value in at.items()}
    theirs = jax.value_and_grad(lambda given: with_jax(stages, given, sizes)["L"])(arrays)
    try:
        _, gradient = mine = function(**at)
    except sd.SymderiveError as error:  # a matrix without an inverse
        return [] if "Singular" in str(error) else [f"far: {error}"]
    found = [] if np.isfinite(mine[0]) or not np.isfinite(theirs[0]) else [f"far: {mine[0]}"]
    for name in names:
        here = np.isfinite(np.asarray(theirs[1][name]))
        if not np.isfinite(np.asarray(gradient[name]))[here].all():
            found.append(f"far: by {name} {gradient[name]} for {theirs[1][name]} at {at}")
    return found


def second(derivation: Any, name: str, loss: Any, arrays: Any, at: dict[str, Any]) -> list[str]:
    """What is wrong with the Hessian by a name."""
    part = jax.hessian(lambda a: loss({**arrays, name: a}))(arrays[name])
    if not np.isfinite(part).all():
        return []
    hessian = derivation.hessian("L", name)
    mine = hessian.evaluate(**at)
    if alike(np.broadcast_to(mine, part.shape), part):
        return []
    return [f"Hessian by {name}: {mine} for {np.asarray(part)}"]


def main() -> int:
    """Search and print; 1 if anything is found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    depth = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    bad = 0
    for number in range(seed, seed + count):
        dice = random.Random(number)
        stages = model(dice, depth)
        start = time.process_time()
        try:
            found = faults(stages, dice)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"[:300]]
        if (taken := time.process_time() - start) > 60:
            found.append(f"took {taken:.0f} s")
        if found:
            bad += 1
            print(number, stages, *found[:4], sep="\n    ", flush=True)
        if (number - seed) % 100 == 99:
            print(f"{number - seed + 1} done, {bad} with a fault", flush=True)
    print(f"{count} models, {bad} with a fault")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
