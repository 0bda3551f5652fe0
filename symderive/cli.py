"""The ``symderive`` command: a thin front end over the public names.

Nothing but ``argparse`` is imported before a command runs, so that help is instant. To add a
command, write its function and add a row to ``COMMANDS``.

Exit status: 0 done, 1 a check failed or a claim was refuted, 2 bad input.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys

from symderive.cli_options import (
    DATA,
    TARGET,
    TOLD,
    add_options,
    label,
    progress,
    read,
    terminal,
    usage_error,
)

TYPE_CHECKING = False  # as typing's, whose import would cost more than this module
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from symderive import Derivation
    from symderive.checking import Report

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

DESCRIPTION = "Derive, check and apply the gradient of a model, step by step."

EPILOG = """\
examples:
  symderive derive model.toml                 write output/model/: Markdown, LaTeX, PDF, HTML
  symderive derive model.toml --to pdf,html   only these formats
  symderive derive model.toml --to ipynb      a notebook: the derivation, and cells to run
  symderive show model.toml                   read the derivation here, in the terminal
  symderive show "y = sin(x)/x"               the same without a file
  symderive derive "y = x**2; L = exp(-y)/a; x = 2" --wrt x
                                              stages and numbers, documents in output/L/
  symderive show "f = x @ A @ x; x: n; A: n n, symmetric"
                                              with arrays: their shapes, and what is known of them
  symderive check model.toml --claim "dA3/dA1 = A2 - Y"
                                              is this right? if not, where is the slip
  symderive code model.toml > gradient.py     the gradient as a Python function
  symderive update model.toml                 one step of gradient descent, in numbers
  symderive train model.toml --data rows.csv  many steps, on all rows of a file
  symderive trace model.toml > trace.json     the whole derivation as data, and a model file itself

a model file, model.toml:
  [stages]
  A1 = "x1*w1 + x2*w2 + b"
  A2 = "sigmoid(A1)"
  A3 = "binary_cross_entropy(A2, Y)"

  [parameters]                  # what to differentiate by, and to update
  w1 = 0.7
  w2 = -0.3
  b = 1

  [constants]                   # data and targets
  x1 = 1.3
  x2 = 2.1
  Y = 1

exit status: 0 done; 1 a check failed or a claim was refuted; 2 bad input
'symderive COMMAND --help' tells more about a command."""


# Commands ---------------------------------------------------------------------------------------


def _derive(options: argparse.Namespace) -> int:
    from pathlib import Path
    from warnings import catch_warnings

    if not options.to:
        raise usage_error("--to names no format; write --to md,tex,pdf,html or some of these")
    _check_choices(options)
    made = {name: read(name, options) for name in options.models}
    derivations = {
        Path(options.output) / label(name, derivation): derivation
        for name, derivation in made.items()
    }
    if len(derivations) < len(options.models):
        raise usage_error("two of the models have one name, and would share one output folder")
    failed = [name for name, derivation in made.items() if not _passes(derivation, name)]
    if failed:  # before the first file is written
        return FAILED
    status = OK
    for folder, derivation in derivations.items():
        with progress(f"writing {folder}"), catch_warnings(record=True) as warnings:
            paths = derivation.write(
                folder, formats=options.to, pdf_engine=options.pdf_engine, detail=options.detail
            )
        for warning in warnings:
            print(f"symderive: {folder}: warning: {warning.message}", file=sys.stderr)
        if not options.quiet:
            print(*paths, sep="\n")
    for name, derivation in made.items():
        for left, right in derivation.model.claims.items():
            verdict = derivation.check_claim(left, right)
            if verdict.verdict == "refuted":
                print(f"symderive: {name}: claim {left} = {right}: {verdict}", file=sys.stderr)
                status = FAILED
    return status


def _check_choices(options: argparse.Namespace) -> None:
    """A format or an engine that does not exist is told before any work."""
    from symderive.documents import FORMATS
    from symderive.documents.pdf import PDF_ENGINES
    from symderive.errors import UnknownChoiceError

    for name in options.to:
        if name not in FORMATS:
            raise UnknownChoiceError("format", name, FORMATS)
    if options.pdf_engine not in PDF_ENGINES:
        raise UnknownChoiceError("PDF engine", options.pdf_engine, PDF_ENGINES)


def _passes(derivation: Derivation, name: str) -> bool:
    """Whether every check holds; tells which do not."""
    with progress(f"checking {name}"):
        report = derivation.check()
    if not report.passed:
        print(f"symderive: {name}: a check failed; nothing is written", file=sys.stderr)
        print(report, file=sys.stderr)
    return report.passed


def _check(options: argparse.Namespace) -> int:
    from symderive.subjects import sides_of

    claims = [sides_of(text) for text in options.claim]
    derivation = read(options.model, options)
    with progress(f"checking {options.model}"):
        report = derivation.check()
        claims = [*derivation.model.claims.items(), *claims]
        verdicts = [(*claim, derivation.check_claim(*claim)) for claim in claims]
    if not options.quiet:
        _print_checks(report)
    if not (options.quiet and report.passed):
        print(report)
    refuted = False
    for left, right, verdict in verdicts:
        wrong = verdict.verdict == "refuted"
        refuted = refuted or wrong
        if wrong or not options.quiet:
            print(f"{left} = {right}: {verdict}")
    return OK if report.passed and not refuted else FAILED


def _print_checks(report: Report) -> None:
    """The lines of each derivative together, then the gradient against the model itself."""
    worst = ("proved", "sampled", "unknown", "refuted")
    verdicts: dict[str, list[str]] = {}
    for check in report.lines:
        subject = check.subject.partition(", line ")[0]
        verdicts.setdefault(subject, []).append(check.certificate.verdict)
    width = max(map(len, [*verdicts, *(check.subject for check in report.gradient)]), default=0)
    counted = {1: "1 line"} | {
        n: f"{n} lines" for n in {len(found) for found in verdicts.values()} - {1}
    }
    column = max(map(len, counted.values()))
    for subject, found in verdicts.items():
        print(f"{subject:{width}}  {counted[len(found)]:{column}}  {max(found, key=worst.index)}")
    for check in report.gradient:
        verdict = {"sampled": "agrees"}.get(check.certificate.verdict, check.certificate.verdict)
        print(f"{check.subject:{width}}  {verdict}: {check.certificate.method}")


def _show(options: argparse.Namespace) -> int:
    derivation = read(options.model, options)
    print(derivation.text(detail=options.detail, columns=_columns()))
    return OK


def _columns() -> int:
    """How wide to write, within what is read with ease: as the terminal; in a pipe, 92."""
    return min(max(terminal(93) - 1, 40), 100)


def _code(options: argparse.Namespace) -> int:
    derivation = read(options.model, options)
    print(derivation.code(options.backend), end="")
    return OK


def _trace(options: argparse.Namespace) -> int:
    from symderive.json_trace import dumps

    print(dumps(read(options.model, options)), end="")
    return OK


def _update(options: argparse.Namespace) -> int:
    derivation = read(options.model, options)
    rate = options.learning_rate
    update = derivation.update() if rate is None else derivation.update(learning_rate=rate)
    width = max(map(len, [*update.old, derivation.target]))
    for name, old in update.old.items():
        print(f"{name:{width}}  {_number(old)} → {_number(update.new[name])}")
    print(f"{derivation.target:{width}}  {_number(update.old_loss)} → {_number(update.new_loss)}")
    return OK


def _number(value: Any) -> str:
    """A number with 15 digits; an array as its rows."""
    if getattr(value, "ndim", 0) or isinstance(value, list | tuple):
        return f"[{', '.join(map(_number, value))}]"
    return f"{value:.15g}"


def _train(options: argparse.Namespace) -> int:
    derivation = read(options.model, options)
    with progress(f"training {options.model}"):
        training = derivation.train(learning_rate=options.learning_rate, steps=options.steps)
    width = max(map(len, [*training.start, derivation.target]))
    for name, old in training.start.items():
        print(f"{name:{width}}  {_number(old)} → {_number(training.end[name])}")
    first, *_, last = (*training.losses, training.losses[-1])
    print(f"{derivation.target:{width}}  {first:.15g} → {last:.15g}")
    return OK


# Options ----------------------------------------------------------------------------------------


# What each command does, its summary, its options, what else its help says, and what --quiet does.
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str, tuple[str, ...], str, str]] = {
    "derive": (
        _derive,
        "write the derivation as documents",
        ("models", "--to", "-o --output", "--pdf-engine", *TOLD),
        "Every line is checked first; if one fails, nothing is written.\n\n"
        "examples:\n"
        "  symderive derive examples/logistic_neuron.toml\n"
        "  symderive derive examples/*.toml --to pdf -o build\n"
        "  symderive derive model.toml --to tex,pdf --pdf-engine lualatex --detail full",
        "print no list of the files written",
    ),
    "check": (
        _check,
        "check every line, and judge claims",
        ("model", "--claim", *DATA, *TARGET),
        "The claims in the model file ([claims]) are judged too. A refuted claim comes with a\n"
        "counterexample, the right form and, where it is a known one, the slip.\n\n"
        "example:\n"
        '  symderive check examples/logistic_neuron.toml --claim "dA3/dA1 = A2 - Y"',
        "print only what is refuted",
    ),
    "show": (
        _show,
        "show the derivation in the terminal",
        ("model", *TOLD),
        "example:\n  symderive show examples/logistic_neuron.toml | less",
        "",
    ),
    "code": (
        _code,
        "print the gradient as a Python function",
        ("model", "--backend", *DATA, *TARGET),
        "examples:\n"
        "  symderive code examples/logistic_neuron.toml > gradient.py\n"
        "  symderive code examples/logistic_neuron.toml --backend numpy",
        "",
    ),
    "trace": (
        _trace,
        "print the whole derivation as JSON",
        ("model", *TARGET),
        "The trace is stable and diffable. It is a model file too: its derivation is made again,\n"
        "compared with what the trace says, and written in any format.\n\n"
        "examples:\n"
        "  symderive trace examples/logistic_neuron.toml > neuron.json\n"
        "  symderive derive neuron.json --to html",
        "",
    ),
    "update": (
        _update,
        "one step of gradient descent, in numbers",
        ("model", *DATA, "--learning-rate", *TARGET),
        "examples:\n"
        "  symderive update examples/logistic_neuron.toml --learning-rate 0.5\n"
        "  symderive update examples/logistic_neuron.toml --data rows.csv",
        "",
    ),
    "train": (
        _train,
        "many steps of gradient descent, in numbers",
        ("model", *DATA, "--learning-rate", *TARGET, "--steps"),
        "example:\n  symderive train examples/logistic_neuron.toml --data rows.csv --steps 1000",
        "",
    ),
}


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, found without the import of ``shutil`` that argparse makes."""

    def __init__(self, prog: str, **options: object) -> None:
        super().__init__(prog, width=min(terminal(100), 100) - 2)


class _Version(argparse.Action):
    """Print the version, looked up only now: that costs more than all of the help."""

    def __call__(self, *_: object) -> None:
        import symderive

        print(f"symderive {symderive.__version__}")
        raise SystemExit(OK)


class _Parser(argparse.ArgumentParser):
    """Names, where a word is none of the choices, the one that it is most like."""

    def error(self, message: str) -> NoReturn:
        word, _, choices = message.partition("invalid choice: ")[2].partition(" (choose from ")
        if choices:
            from difflib import get_close_matches

            near = get_close_matches(
                word.strip("'"), choices[:-1].replace("'", "").split(", "), n=1
            )
            message += f"; did you mean {near[0]!r}?" if near else ""
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """The command-line parser."""
    main_parser = _Parser(
        prog="symderive", description=DESCRIPTION, epilog=EPILOG, formatter_class=_Help
    )
    main_parser.add_argument(
        "--version", action=_Version, nargs=0, help="show the version and exit"
    )
    commands = main_parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (run, summary, names, more, quiet) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=more,
            formatter_class=_Help,
        )
        add_options(command, names, quiet)
        command.set_defaults(run=run)
    return main_parser


# Running ----------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    gc.set_threshold(1_000_000, 50, 50)  # a command is short: collecting costs more than it frees
    if argv is None:  # the process ends with this: nothing need be taken apart, object by object
        atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a sign must not end the run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser().parse_args(arguments or ["--help"])
        status: int = options.run(options)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or OK)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _drop_output()
        return OK
    except KeyboardInterrupt:
        print("symderive: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        return _explain(error)
    return status


def _explain(error: Exception) -> int:
    """Tell of an error that is no defect of the program; raise one that is."""
    from symderive.errors import CheckError, SymderiveError

    if isinstance(error, SymderiveError):
        message = str(error)
    elif isinstance(error, OSError):
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    else:
        raise error
    print(f"symderive: {message}", file=sys.stderr)
    return FAILED if isinstance(error, CheckError) else BAD_INPUT


def _drop_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush finds a reader."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
