"""The options of each command of the command line, and the model that they name."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False  # as typing's, whose import would cost more than this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from symderive import Derivation, Model

MODEL = (
    'a model file (TOML), - for standard input, or stages such as "y = sin(x)/x; x = 2", with '
    'arrays "f = x @ A @ x; x: n; A: n n"'
)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


OPTIONS: dict[str, dict[str, Any]] = {
    "model": {"metavar": "MODEL", "help": MODEL},
    "models": {"metavar": "MODEL", "help": MODEL, "nargs": "+"},
    "--to": {
        "metavar": "FORMATS",
        "type": _names,
        "default": ["md", "tex", "pdf", "html"],
        "help": "of md, tex, pdf, html, ipynb, typ, txt, separated by commas "
        "(default: md,tex,pdf,html)",
    },
    "-o --output": {
        "metavar": "DIR",
        "default": "output",
        "help": "write to DIR/MODEL/ (default: output)",
    },
    "--pdf-engine": {
        "metavar": "ENGINE",
        "default": "typst",
        "help": "typst (default), lualatex, pdflatex or latexmk",
    },
    "--claim": {
        "metavar": '"dA3/dA1 = A2 - Y"',
        "action": "append",
        "default": [],
        "help": "an answer of yours to judge; may be given several times",
    },
    "--backend": {"metavar": "NAME", "default": "python", "help": "python (default) or numpy"},
    "--learning-rate": {"metavar": "RATE", "type": float, "help": "instead of the model's own"},
    "--steps": {"metavar": "N", "type": int, "default": 100, "help": "how many (default: 100)"},
    "--data": {
        "metavar": "FILE",
        "help": "columns for the model's constants, by name: .csv, .tsv, .npz, .npy or .parquet; "
        "a model of one sample becomes the loss of all rows",
    },
    "--reduce": {"choices": ("mean", "sum"), "help": "of the losses of the rows (default: mean)"},
    "--target": {"metavar": "STAGE", "help": "the stage to differentiate"},
    "--wrt": {
        "metavar": "NAMES",
        "type": _names,
        "help": "differentiate with respect to these names only, separated by commas "
        "(default: the model's parameters)",
    },
    "--detail": {
        "choices": ("brief", "standard", "full"),
        "default": "standard",
        "help": "brief: first and last line; standard (default): as a textbook has it; full: every "
        "rule on a line of its own, named functions from their definitions",
    },
    "--method": {
        "choices": ("auto", "quotient", "negative-power", "logarithmic"),
        "default": "auto",
        "help": "how to differentiate quotients and products: by the quotient and product rules, "
        "with negative powers, by the logarithm, or (auto, the default) by the shortest of them",
    },
    "--structured": {
        "action": "store_true",
        "help": "let the entries of a symmetric, diagonal or triangular parameter move together: "
        "G + Gᵀ − diag(G), with G the gradient of independent entries",
    },
    "--layout": {
        "choices": ("mixed", "numerator", "denominator", "vec"),
        "default": "mixed",
        "help": "derivatives by arrays: gradients in the shape of the variable, Jacobians by rows "
        "of the target (mixed, the default), gradients turned (numerator), Jacobians turned "
        "(denominator), or of matrices as vectors, their columns one below the other (vec)",
    },
    "--hessian": {
        "metavar": "NAMES",
        "type": _names,
        "help": "tell the second derivatives too, by these names, separated by commas, or by all; "
        "where the parameters have values, also Newton's step",
    },
}
"""What each argument and option is, as ``argparse`` takes it."""

DATA, TARGET = ("--data", "--reduce"), ("--target", "--wrt")
TOLD = (*DATA, "--detail", "--method", "--structured", "--layout", "--hessian", *TARGET)


def add_options(parser: argparse.ArgumentParser, names: Iterable[str], quiet: str) -> None:
    """Let a command take options, and ``--quiet`` where that says something of it."""
    for name in names:
        parser.add_argument(*name.split(), **OPTIONS[name])
    if quiet:
        parser.add_argument("-q", "--quiet", action="store_true", help=quiet)


# The model --------------------------------------------------------------------------------------


def read(name: str, options: argparse.Namespace) -> Derivation:
    """The derivation of the model in a file; warnings go to standard error."""
    import symderive

    if options.wrt == []:
        raise usage_error("--wrt names nothing; write the names to differentiate by: --wrt x,y")
    with progress(f"reading {name}"):
        model = _on_data(_model(name), options)
    if not getattr(options, "quiet", False):
        for warning in model.warnings:
            print(f"symderive: {name}: warning: {warning}", file=sys.stderr)
    with progress(f"deriving {name}"):
        method = getattr(options, "method", "auto")
        tied = True if getattr(options, "structured", False) else None
        target = options.target or _claimed(model, options)
        found = symderive.derive(model, target, options.wrt, method=method, structured=tied)
        found.layout = getattr(options, "layout", "mixed")
        if names := getattr(options, "hessian", None):
            found.hessian_names = found.sources if names == ["all"] else tuple(names)
            for name in found.hessian_names:
                found.partial(found.target, name)  # an unknown name is an error here
        return found


def _claimed(model: Model, options: argparse.Namespace) -> str | None:
    """The stage that the first claim is about, where the model does not say which is its target."""
    from symderive.subjects import read_subject, sides_of, without_layout, without_primes

    claims = [*model.claims, *(sides_of(text)[0] for text in getattr(options, "claim", ()))]
    if model.unsettled is None or not claims:
        return None
    subject = without_layout(without_primes(claims[0], model.parameters))
    return read_subject(subject, {*model.names, *model.parameters}).target


def _model(name: str) -> Model:
    """The model in a file, on standard input, or written out as stages."""
    import symderive

    if name == "-":
        from symderive.readers.toml import MAX_BYTES, parse_model

        return parse_model(sys.stdin.read(MAX_BYTES), source="standard input")
    if stated(name):
        from symderive.stage_text import parse_stages

        return parse_stages(name)
    if not _like_a_file(name):
        from symderive.errors import shortened

        raise usage_error(
            f"{shortened(name)!r} is neither a file nor stages; write these as name = formula: "
            "'y = sin(x)/x'"
        )
    if name.lower().endswith((".csv", ".tsv", ".npz", ".npy", ".parquet")):
        raise usage_error(f"{name} holds data; name a model, and these by --data {name}")
    return symderive.read(name)


def _like_a_file(name: str) -> bool:
    from pathlib import Path

    return bool(name) and (Path(name).suffix != "" or os.sep in name or _exists(name))


def stated(name: str) -> bool:
    """Whether it is stages, written out, and no file."""
    return "=" in name and not _exists(name)


def _exists(name: str) -> bool:
    from pathlib import Path

    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte in it
        return False


def label(name: str, derivation: Derivation) -> str:
    """What the folder of a model is called: as its file, else as its target."""
    from pathlib import Path

    return derivation.target if name == "-" or stated(name) else Path(name).stem


def _on_data(model: Model, options: argparse.Namespace) -> Model:
    """The model on the columns of ``--data``."""
    if getattr(options, "data", None) is None:
        if getattr(options, "reduce", None) is not None:
            raise usage_error("--reduce says how the rows of --data become one loss; name a file")
        return model
    from symderive.batching import with_data
    from symderive.numeric.data import read_data

    data = read_data(options.data)
    fixed = [name for name in model.constants if name in model.values and name not in data]
    found = with_data(model, data, reduce=options.reduce)
    if fixed and not getattr(options, "quiet", False):
        print(
            f"symderive: {options.data}: warning: no column for {', '.join(fixed)}; every row has "
            "the value that the model states",
            file=sys.stderr,
        )
    return found


def usage_error(message: str) -> Exception:
    """What is wrong with a command line that ``argparse`` cannot know."""
    from symderive.errors import SymderiveError

    return SymderiveError(message)


def terminal(otherwise: int) -> int:
    """The columns of the terminal, or what COLUMNS says; of a pipe or a file, ``otherwise``."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated):
        return int(stated)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or otherwise
    except (OSError, ValueError, AttributeError):  # a pipe, a file, or no stream at all
        return otherwise


def progress(task: str) -> AbstractContextManager[None]:
    """Tell on a terminal what takes longer than a second, and for how long it has."""
    from contextlib import contextmanager, nullcontext

    if not sys.stderr.isatty():
        return nullcontext()

    @contextmanager
    def telling() -> Iterator[None]:
        from threading import Event, Thread

        done = Event()

        def tell() -> None:
            seconds = 0
            while not done.wait(1):
                seconds += 1
                print(f"\r{task} … {seconds} s", end="", file=sys.stderr, flush=True)
            if seconds:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

        thread = Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    return telling()
