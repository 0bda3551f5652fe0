"""The derivation as JSON: stable, diffable, and enough to rebuild every document.

The trace holds the model itself and all that was concluded from it. Reading a trace derives the
model again and compares line by line, so that a trace can be trusted no further than its proof.

Layout (``format`` 1):

- ``format``, ``symderive``: the version of this layout, and of the program that wrote it.
- ``model``: ``title``, ``text``, ``stages`` (name → formula text), ``parameters`` and ``constants``
  (names), ``values``, ``target``, ``learning_rate``, ``functions``, ``claims``.
- ``target``, ``sources``; ``method`` and ``structured``, where the derivation has its own.
- ``links``: ``stage``, ``source``, ``formula``, ``lines`` (``formula``, ``reasons``, ``verdict``,
  ``method``) and ``steps`` (``rule``, ``formula``, ``result``, ``premises`` by number).
- ``partials``: ``target``, ``source``, ``users``, ``formula``, ``lines``.
- ``assumptions``: ``condition``, ``reason``, ``holds``.
- ``checks``: ``subject``, ``verdict``, ``method``.

A model with arrays says more: ``model`` has ``shapes`` (name → sizes, as text) of what is no stage,
and ``properties``; ``values`` are nested lists; each of ``links`` and ``partials`` has ``indices``
(of its entry: the stage's, then the source's) and ``matrix``, the same in NumPy's language, or
null.

Formulas are SymPy's text; ``Diff(f, x)`` is a derivative not yet taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symderive.display import as_lists
from symderive.errors import ModelError
from symderive.model import Model
from symderive.steps import Line, Step

if TYPE_CHECKING:
    from symderive.derivation import Derivation

FORMAT = 1


def trace(derivation: Derivation) -> dict[str, Any]:
    """The derivation as plain data, in the layout of this module's first lines."""
    from importlib.metadata import version

    report = derivation.check()
    return {
        "format": FORMAT,
        "symderive": version("symderive"),
        "model": _model(derivation.model),
        "target": derivation.target,
        "sources": list(derivation.sources),
        **_ways(derivation),
        "links": [
            {
                "stage": stage,
                "source": source,
                "formula": str(link.formula),
                "lines": [_line(line) for line in link.lines],
                "steps": _steps(link.steps),
                **_as_array(derivation.model, link),
            }
            for (stage, source), link in derivation.links.items()
        ],
        "partials": [
            {
                "target": part.target,
                "source": part.source,
                "users": list(part.users),
                "formula": str(part.formula),
                "lines": [_line(line) for line in part.lines],
                **_as_array(derivation.model, part),
            }
            for part in derivation.partials.values()
        ],
        "assumptions": [
            {"condition": str(row.condition), "reason": row.reason, "holds": row.holds}
            for row in derivation.assumptions
        ],
        "checks": [
            {
                "subject": check.subject,
                "verdict": check.certificate.verdict,
                "method": check.certificate.method,
            }
            for check in (*report.lines, *report.gradient)
        ],
    }


def _ways(derivation: Derivation) -> dict[str, Any]:
    """How it was derived, where that is not as the model has it."""
    ways = {"method": derivation.method, "structured": derivation.structured}
    usual = {"method": "auto", "structured": derivation.model.structured}
    return {name: way for name, way in ways.items() if way != usual[name]}


def _model(model: Model) -> dict[str, Any]:
    return {
        "title": model.title,
        "text": model.text,
        "stages": {stage.name: stage.text for stage in model.stages.values()},
        "parameters": list(model.parameters),
        "constants": list(model.constants),
        "values": {
            name: as_lists(model.values[name])
            for name in (*model.parameters, *model.constants)
            if name in model.values
        },
        "target": model.target,
        "learning_rate": model.learning_rate,
        "functions": {key: _plain(value) for key, value in model.stated_functions.items()},
        "claims": dict(model.claims),
        **({"hessian": list(model.hessian)} if model.hessian else {}),
        **_arrays(model),
    }


def _arrays(model: Model) -> dict[str, Any]:
    """Shapes and properties, of a model that has arrays."""
    if not model.shapes:
        stated = model.stated_properties
        return {"properties": stated} if stated else {}
    return {
        "shapes": {n: [str(size) for size in s] for n, s in model.stated_shapes.items()},
        "properties": {
            name: [stated] if isinstance(stated, str) else list(stated)
            for name, stated in model.stated_properties.items()
        },
        **({"structured": True} if model.structured else {}),
    }


def _as_array(model: Model, part: Any) -> dict[str, Any]:
    """The indices and the matrix notation of a derivative, in a model that has arrays."""
    if not model.shapes:
        return {}
    from symderive.results import MatrixNotation

    matrix = None if part.tree is None else str(MatrixNotation(part.tree))
    return {"indices": [str(index) for index in part.indices], "matrix": matrix}


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


def _line(line: Line) -> dict[str, Any]:
    found = line.certificate
    return {
        "formula": str(line.formula),
        "reasons": list(line.reasons),
        "verdict": found.verdict if found else "",
        "method": found.method if found else "",
    }


def _steps(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    """The steps in order, premises by their numbers."""
    place = {step: k for k, step in enumerate(steps)}
    return [
        {
            "rule": step.rule.name,
            "formula": str(step.formula),
            "result": str(step.result),
            "premises": [place[premise] for premise in step.premises],
        }
        for step in steps
    ]


def dumps(derivation: Derivation) -> str:
    """The trace as JSON text, the same bytes for the same derivation."""
    return json.dumps(trace(derivation), indent=1, ensure_ascii=False) + "\n"


def loads(text: str, *, source: str = "") -> Derivation:
    """The derivation of a trace: derived again, and compared with what the trace says.

    Raises:
        ModelError: The text is no trace, or the derivation differs from what it says.
    """
    from symderive.derivation import derive

    try:
        stated = json.loads(text)
        model = model_of(stated, source=source)
        ways = {name: stated[name] for name in ("method", "structured") if name in stated}
        derivation = derive(model, stated["target"], stated["sources"], **ways)
        told = {key: stated[key] for key in ("links", "partials")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"this is not a trace of symderive: {error}", where=source) from None
    found = trace(derivation)
    for key, rows in told.items():
        for number, (mine, theirs) in enumerate(zip(found[key], rows, strict=False)):
            if mine != theirs:
                raise ModelError(
                    f"the trace differs from its own model in {key}[{number}]: "
                    f"it says {theirs.get('formula')!r}, the derivation gives {mine['formula']!r}",
                    where=source,
                )
        if len(rows) != len(found[key]):
            raise ModelError(
                f"the trace has {len(rows)} {key}, not {len(found[key])}", where=source
            )
    return derivation


def model_of(stated: Mapping[str, Any], *, source: str = "") -> Model:
    """The model that a trace holds."""
    if stated.get("format") != FORMAT:
        raise ValueError(f"its format is {stated.get('format')!r}, not {FORMAT}")
    model, values = stated["model"], stated["model"]["values"]

    def group(names: list[str]) -> Any:
        known = any(name in values for name in names)
        return {name: values.get(name) for name in names} if known else names

    return Model(
        model["stages"],
        parameters=group(model["parameters"]),
        constants=group(model["constants"]),
        target=model["target"],
        learning_rate=model["learning_rate"],
        title=model["title"],
        text=model["text"],
        functions=model["functions"],
        claims=model["claims"],
        shapes=model.get("shapes"),
        properties=model.get("properties"),
        structured=model.get("structured", False),
        hessian=model.get("hessian", False),
        source=source,
    )
