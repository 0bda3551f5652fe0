"""The code cells of a notebook: the derivation again, in Python, to be run and changed.

Whatever comes from the model is in a cell as a Python literal, so that no text of it is ever code.
The cells are run when the notebook is made (``session``); their outputs are in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from sympy import Expr

from symderive.display import as_lists
from symderive.documents.outline import Block, Heading, Paragraph, Run
from symderive.documents.wording import Context
from symderive.errors import SymderiveError
from symderive.formulas.parsing import parse
from symderive.formulas.tree import name_node

MANY = 16
"""Results that a cell prints; of more, the first."""
ARRAYS_OPENING = """\
import numpy as np

import symderive as sd


def show(value):
    text = np.array2string(np.asarray(value), precision=6)
    return f"\\n{text}" if "\\n" in text else text


"""
"""The first lines of a notebook with arrays."""
MAX_CLAIMS = 4
"""Claims of the model that are judged, each in its cell."""
MAX_ANSWER = 100
"""Letters of an answer that a cell puts forward."""


def model_cell(context: Context) -> Iterator[Block]:
    """The model and its derivation."""
    derivation = context.derivation
    model = derivation.model
    values = model.values
    arguments: dict[str, object] = {}
    for role, names in (("parameters", model.parameters), ("constants", model.constants)):
        stated = {name: values.get(name) for name in names}
        arguments[role] = stated if any(name in values for name in names) else list(names)
    extras = {
        "shapes": {n: " ".join(map(str, shape)) for n, shape in model.stated_shapes.items()},
        "properties": model.stated_properties,
        "functions": model.stated_functions,
        "structured": model.structured,
        "hessian": model.hessian,
    }
    arguments |= {name: value for name, value in extras.items() if value}
    arguments["target"] = model.target
    arguments["learning_rate"] = model.learning_rate
    stages = {stage.name: stage.text for stage in model.stages.values()}
    lines = [f"{name}={_literal(value)}," for name, value in arguments.items()]
    body = "\n".join([_literal(stages) + ",", *lines]).replace("\n", "\n    ")
    options = ""
    if derivation.target != model.target:
        options += f", target={_literal(derivation.target)}"
    if derivation.sources != model.parameters:
        options += f", sources={_literal(derivation.sources)}"
    if derivation.structured != model.structured:
        options += f", structured={derivation.structured}"
    if derivation.method != "auto":
        options += f", method={_literal(derivation.method)}"
    yield Paragraph(
        (
            "The same model in Python. Run the cells from here on, in order; change a stage, a "
            "value or an answer, and run them again. They need the package symderive.",
        )
    )
    opening = ARRAYS_OPENING if context.arrays else "import symderive as sd\n\n"
    yield Run(
        f"{opening}model = sd.Model(\n    {body}\n)\n"
        f"d = sd.derive(model{options})\n"
        "print(f\"{d.target} by {', '.join(d.sources)}\")"
    )


def _literal(value: object, *, nested: bool = False) -> str:
    """A value as Python source: a table with an entry a line, strings as JSON writes them.

    >>> print(_literal({"A1": "x*w"}), _literal(["w"]))
    {
        "A1": "x*w",
    } ["w"]
    """
    if isinstance(value, Mapping):
        rows = [f"{_literal(k)}: {_literal(v, nested=True)}" for k, v in value.items()]
        if nested or not rows:
            return f"{{{', '.join(rows)}}}"
        return "{\n" + "".join(f"    {row},\n" for row in rows) + "}"
    value = as_lists(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if value is None or isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)


def links_cell(context: Context) -> Iterator[Block]:
    """Every link as a formula, and one as it is derived."""
    links = context.derivation.links
    if not links:
        return
    if context.arrays:
        body = (
            "    link = d.link(stage, source)\n"
            '    print(f"∂{stage}/∂{source} = {link.matrix or link.formula}")'
        )
        yield Run(_each(links, "stage, source in d.links") + body)
    else:
        body = '    print(f"∂{stage}/∂{source} = {link.formula}")'
        yield Run(_each(links, "(stage, source), link in d.links.items()") + body)
    stage, source = max(links, key=lambda key: len(links[key].lines))
    yield Paragraph(("One of them, as a formula:",))
    yield Run(f"d.link({_literal(stage)}, {_literal(source)})")


def _each(found: Sequence[Any] | Mapping[Any, Any], loop: str) -> str:
    """The head of a loop; over the first, where there are many."""
    names, _, values = loop.partition(" in ")
    return f"for {names} in {f'list({values})[:{MANY}]' if len(found) > MANY else values}:\n"


def chain_cell(context: Context) -> Iterator[Block]:
    """One derivative along every path, line by line."""
    derivation = context.derivation
    partials = derivation.partials
    if not partials:
        return
    source = max(partials, key=lambda name: len(partials[name].lines))
    derivative = f"d.partial({_literal(derivation.target)}, {_literal(source)})"
    yield Paragraph(("One derivative line by line, each with its reason and its verdict:",))
    yield Run(
        f"for line in {derivative}.lines:\n"
        '    print(line.formula, "·", ", ".join(line.reasons), "·", line.certificate.verdict)'
    )
    yield Run(derivative)
    if context.derivation.partial(derivation.target, source).matrix is not None:
        yield Run(f"{derivative}.matrix")


def gradient_cell(context: Context) -> Iterator[Block]:
    """The gradient as formulas."""
    sources = context.derivation.sources
    if not sources:
        return
    if context.arrays:
        body = (
            "    part = d.partial(d.target, name)\n"
            '    print(f"∂{d.target}/∂{name} = {part.matrix or part.formula}")'
        )
        yield Run(_each(sources, "name in d.sources") + body)
    else:
        body = '    print(f"∂{d.target}/∂{name} = {formula}")'
        yield Run(_each(sources, "name, formula in d.gradient().items()") + body)


def claims_cells(context: Context) -> Iterator[Block]:
    """A right answer, a wrong one, and room for the reader's own."""
    derivation = context.derivation
    claims = list(derivation.model.claims.items())[:MAX_CLAIMS]
    claims += [claim for claim in _claims(context) if claim not in claims]
    if context.arrays:
        claims = [claim for claim in claims if _is_judged(context, claim)]
    if not claims:
        return
    yield Heading(1, ("Is my answer right?",))
    yield Paragraph(
        (
            "A claimed derivative is proved, or refuted with a point where it fails, the right "
            "form and, where it is a known one, the slip. Put your own answer in.",
        )
    )
    for claim in claims:
        yield Run(f"print(d.check_claim({', '.join(map(_literal, claim))}))")


def _is_judged(context: Context, claim: tuple[str, str]) -> bool:
    try:
        return bool(context.derivation.check_claim(*claim).verdict)
    except SymderiveError:
        return False


def _claims(context: Context) -> Iterator[tuple[str, str]]:
    """A derivative by a source, and the same without the last link of its path."""
    derivation, target = context.derivation, context.derivation.target
    for source in derivation.sources:
        part = derivation.partials.get(source)
        if part is None or len(part.users) != 1 or part.users[0] == target:
            continue
        inner = derivation.links[part.users[0], source].formula
        answers = (part.formula, derivation.partials[part.users[0]].formula)
        texts = [text for formula in answers if (text := _answer(context, formula))]
        if len(texts) == 2 and inner != 1:
            yield from ((f"d{target}/d{source}", text) for text in texts)
            return
    for source in derivation.sources:
        if text := _answer(context, derivation.partials[source].formula):
            yield f"d{target}/d{source}", text
            return


def _answer(context: Context, formula: Expr) -> str:
    """A formula as a reader may type it; empty where it is long, or more than that."""
    text = str(formula)
    if len(text) >= MAX_ANSWER:
        return ""
    try:
        names = parse(text, context.derivation.model.functions).names
    except SymderiveError:
        return ""
    return text if context.known.issuperset(names) else ""


def numbers_cell(context: Context) -> Iterator[Block]:
    """The function at the model's own values, and where a parameter is doubled."""
    numbers, derivation = context.numbers, context.derivation
    if numbers is None or not derivation.sources:
        return
    yield Paragraph(("The emitted function gives the value and the gradient at any point:",))
    show = (
        f'print(f"{{d.target}} = {_number(context, "value")}")\n'
        + _each(derivation.sources, "name, slope in gradient.items()")
        + f'    print(f"∂{{d.target}}/∂{{name}} = {_number(context, "slope")}")'
    )
    yield Run(f"f = d.function()\nvalue, gradient = f()\n{show}")
    scalars = [
        name
        for name in derivation.sources
        if name in derivation.model.parameters
        and not iskeyword(name)
        and name not in derivation.model.shapes
    ]
    for name in scalars[:1]:
        near = round(1.1 * derivation.model.values[name] or 0.1, 6)
        yield Paragraph(("The same with another value of ", name_node(name), ":"))
        yield Run(f"value, gradient = f({name}={near!r})\n{show}")


def _number(context: Context, name: str) -> str:
    """A number, or an array of them, in a formatted string."""
    return f"{{show({name})}}" if context.arrays else f"{{{name}:.6g}}"


def update_cell(context: Context) -> Iterator[Block]:
    """One step of gradient descent, then many."""
    numbers = context.numbers
    if numbers is None or not numbers.new:
        return
    yield Run(
        f"step = d.update(learning_rate={context.derivation.model.learning_rate!r})\n"
        + _each(numbers.new, "name, new in step.new.items()")
        + f'    print(f"{{name}}: {_number(context, "step.old[name]")}'
        f' → {_number(context, "new")}")\n'
        'print(f"{d.target}: {step.old_loss:.6g} → {step.new_loss:.6g}")'
    )
    if len(numbers.losses) > 2:
        yield Run(
            f"training = d.train(steps={len(numbers.losses) - 1})\n"
            'print(*(f"{loss:.4g}" for loss in training.losses))'
        )


def checks_cell(context: Context) -> Iterator[Block]:
    """The report of the checks."""
    yield Run("print(d.check())")


def code_cell(context: Context) -> Iterator[Block]:
    """The gradient as a function; of a function without a definition there is none."""
    if context.derivation.model.undefined:
        return
    yield from code_opening(context)
    yield Run(f'print(d.code("{"numpy" if context.arrays else "python"}"))')


def code_opening(context: Context) -> Iterator[Block]:
    """What the gradient as code is, under its heading."""
    language = "NumPy" if context.arrays else "plain Python"
    yield Heading(1, ("The gradient as code",))
    yield Paragraph(
        (f"The same derivation as a function in {language}, in a numerically stable form.",)
    )
