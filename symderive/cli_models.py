"""How the command line finds the model that it is given, and tells of work that takes long."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False  # as typing's, whose import would cost more than this module
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from symderive import Derivation, Model


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
        found = symderive.derive(model, options.target, options.wrt, method=method, structured=tied)
        if names := getattr(options, "hessian", None):
            found.hessian_names = found.sources if names == ["all"] else tuple(names)
            for name in found.hessian_names:
                found.partial(found.target, name)  # an unknown name is an error here
        return found


def _model(name: str) -> Model:
    """The model in a file, on standard input, or written out as stages."""
    import symderive

    if name == "-":
        from symderive.readers.toml import MAX_BYTES, parse_model

        return parse_model(sys.stdin.read(MAX_BYTES), source="standard input")
    if stated(name):
        from symderive.readers.stages import parse_stages

        return parse_stages(name)
    if not _like_a_file(name):
        from symderive.errors import shortened

        raise usage_error(
            f"{shortened(name)!r} is neither a file nor stages; write these as name = formula: "
            "'y = sin(x)/x'"
        )
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
