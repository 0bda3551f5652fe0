"""The code cells of a notebook of a model with arrays, where they differ from those of scalars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from symderive.array_model import value_shape
from symderive.documents.array_wording import flat, listed_numbers
from symderive.documents.build_cells import (
    chain_cell,
    claims_cells,
    code_cell,
    each,
    gradient_cell,
    links_cell,
    literal,
    model_cell,
    numbers_cell,
    update_cell,
)
from symderive.documents.outline import Block, Heading, Paragraph, Run
from symderive.documents.wording import Context
from symderive.formulas.tree import name_node

MAX_NUMBERS = 400
"""Numbers of a model that stand in a notebook; of one with more, the reader puts in the data."""

SHOWN = "with np.printoptions(precision=5, suppress=True, threshold=40):\n"


def written_out(context: Context) -> bool:
    """Whether the values of the model are few enough to stand in a cell."""
    values = context.derivation.model.values
    return sum(1 for value in values.values() for _ in flat(value)) <= MAX_NUMBERS


def array_model_cell(context: Context) -> Iterator[Block]:
    """The model with its shapes, and its derivation."""
    derivation = context.derivation
    model = derivation.model
    few = written_out(context)
    arguments: dict[str, object] = {}
    for role, names in (("parameters", model.parameters), ("constants", model.constants)):
        stated = {n: listed_numbers(model.values[n]) for n in names if n in model.values}
        whole = few and names and len(stated) == len(names)
        arguments[role] = stated if whole else list(names)
    inputs = {name: model.shapes[name] for name in model.shapes if name not in model.stages}
    arguments["shapes"] = {name: " ".join(map(str, shape)) for name, shape in inputs.items()}
    if model.properties:
        arguments["properties"] = {name: list(known) for name, known in model.properties.items()}
    arguments["target"] = model.target
    arguments["learning_rate"] = model.learning_rate
    if model.stated_functions:
        arguments["functions"] = dict(model.stated_functions)
    stages = {stage.name: stage.text for stage in model.stages.values()}
    lines = [f"{name}={literal(value)}," for name, value in arguments.items()]
    body = "\n".join([literal(stages) + ",", *lines]).replace("\n", "\n    ")
    options = ""
    if derivation.target != model.target:
        options += f", target={literal(derivation.target)}"
    if derivation.sources != model.parameters:
        options += f", sources={literal(derivation.sources)}"
    yield Paragraph(
        (
            "The same model in Python. Run the cells from here on, in order; change a stage, a "
            "shape or a value, and run them again. They need the package symderive.",
        )
    )
    yield Run(
        f"import numpy as np\nimport symderive as sd\n\nmodel = sd.Model(\n    {body}\n)\n"
        f"d = sd.derive(model{options})\n"
        "print(f\"{d.target} by {', '.join(d.sources)}\")"
    )


def array_links_cell(context: Context) -> Iterator[Block]:
    """Every link: in matrix notation where it has one, else entry by entry."""
    links = context.derivation.links
    if not links:
        return
    yield Run(
        each(links, "(stage, source), link in d.links.items()")
        + "    found = d.link(stage, source)\n"
        '    print(f"∂{stage}/∂{source} = {found.matrix or found.formula}")'
    )
    stage, source = max(links, key=lambda key: len(links[key].lines))
    yield Paragraph(("One of them, as a formula of indices:",))
    yield Run(f"d.link({literal(stage)}, {literal(source)})")


def array_gradient_cell(context: Context) -> Iterator[Block]:
    """The gradient in matrix notation: text that formulas and NumPy read."""
    sources = [name for name in context.derivation.sources if name in context.derivation.partials]
    if not sources:
        return
    yield Run(
        each(sources, "name in d.sources") + "    found = d.partial(d.target, name)\n"
        '    print(f"∂{d.target}/∂{name} = {found.matrix or found.formula}")'
    )
    yield Run(f"d.partial(d.target, {literal(sources[0])}).matrix")


def array_numbers_cell(context: Context) -> Iterator[Block]:
    """The function at the model's own values, and where a parameter is another."""
    derivation = context.derivation
    if context.numbers is None or not derivation.sources or not written_out(context):
        return
    yield Paragraph(("The emitted function gives the value and the gradient at any point:",))
    show = (
        SHOWN
        + '    print(f"{d.target} = {value}")\n    '
        + each(derivation.sources, "name, slope in gradient.items()")
        + '        print(f"∂{d.target}/∂{name} = {slope}")'
    )
    yield Run(f"f = d.function()\nvalue, gradient = f()\n{show}")
    name = derivation.sources[0]
    if name in derivation.model.parameters:
        yield Paragraph(("The same with another value of ", name_node(name), ":"))
        shape = value_shape(derivation.model.values[name])
        other = f"1.1*np.asarray(model.values[{literal(name)}])" if shape else "0.5"
        yield Run(f"value, gradient = f(**{{{literal(name)}: {other}}})\n{show}")


def array_update_cell(context: Context) -> Iterator[Block]:
    """One step of gradient descent, then many."""
    numbers = context.numbers
    if numbers is None or not numbers.new or not written_out(context):
        return
    yield Run(
        f"step = d.update(learning_rate={context.derivation.model.learning_rate!r})\n"
        + SHOWN
        + "    "
        + each(numbers.new, "name, new in step.new.items()")
        + '        print(f"{name}: {np.asarray(step.old[name])} → {new}")\n'
        'print(f"{d.target}: {step.old_loss:.6g} → {step.new_loss:.6g}")'
    )
    if len(numbers.losses) > 2:
        yield Run(
            f"training = d.train(steps={len(numbers.losses) - 1})\n"
            'print(*(f"{loss:.4g}" for loss in training.losses))'
        )


def array_code_cell(context: Context) -> Iterator[Block]:
    """The gradient as a NumPy function."""
    if context.derivation.model.undefined:
        return
    yield Heading(1, ("The gradient as code",))
    yield Paragraph(("The same derivation as a function in NumPy, in a numerically stable form.",))
    yield Run('print(d.code("numpy"))')


def nothing(_: Context) -> Iterator[Block]:
    """No cell."""
    return iter(())


Section = Callable[[Context], Iterator[Block]]

ARRAY_CELLS: Mapping[Section, Section] = {
    model_cell: array_model_cell,
    links_cell: array_links_cell,
    chain_cell: chain_cell,
    gradient_cell: array_gradient_cell,
    claims_cells: nothing,  # answers are scalar formulas so far
    numbers_cell: array_numbers_cell,
    update_cell: array_update_cell,
    code_cell: array_code_cell,
}
"""The cells of a model with arrays in the place of those of scalars."""
