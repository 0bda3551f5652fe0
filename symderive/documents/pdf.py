"""PDF and SVG: through the typst wheel, or a PDF through a TeX engine of the user's.

Typst compiles in memory, in an empty root and without system fonts, so it reads no file and the
same source gives the same bytes everywhere; only letters that its own fonts lack come from those
of the machine. A TeX engine runs in a directory of its own, without shell escape and with a time
limit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from symderive.errors import ToolError, UnknownChoiceError
from symderive.formulas.typst import literal

TEX_ENGINES: dict[str, tuple[tuple[str, ...], int]] = {
    "pdflatex": (("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"), 2),
    "lualatex": (("lualatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"), 2),
    "latexmk": (
        (
            "latexmk",
            "-norc",  # a configuration file may run anything
            "-pdf",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-pdflatex=pdflatex -no-shell-escape %O %S",
        ),
        1,
    ),
}
"""Command and number of runs of each TeX engine."""

PDF_ENGINES = ("typst", *TEX_ENGINES)
TEX_TIMEOUT = 120.0
"""Seconds for one run of a TeX engine."""

_SVG_PAGE = "#set page(width: auto, height: auto, margin: 2pt, fill: none)\n"


def typst_pdf(source: str) -> bytes:
    """The PDF of a Typst document; the same bytes for the same source.

    It is a PDF/UA-1, which assistive technology can read: every formula and figure says in words
    what it is. Where Typst finds that this cannot be, as with a letter that no font has, it is an
    ordinary PDF.
    """
    try:
        return _compile(source, "pdf", pdf_standards=["ua-1"])
    except ToolError:
        return _compile(source, "pdf")


def svg(code: str) -> str:
    """Typst code that makes one box, as an SVG whose glyphs are outlines."""
    text = _compile(f'{_SVG_PAGE}#set text(font: "New Computer Modern")\n#{code}', "svg").decode()
    # Typst's glyph names are the same in every file: two figures in a page need their own.
    prefix = f"g{len(code):x}{sum(code.encode()) % 4096:x}-"
    return re.sub(r'(id="|href="#)(g[0-9A-F]{8,})', rf"\1{prefix}\2", text)


def png(code: str) -> bytes:
    """Typst code that makes one box, as a picture in white, fine enough for a screen."""
    page = _SVG_PAGE.replace("none", "white")
    return _compile(f'{page}#set text(font: "New Computer Modern")\n#{code}', "png", ppi=PNG_PPI)


PNG_PPI = 130.0
"""Pixels to the inch of a figure: one that is as wide as the page is as wide as a notebook."""


def letters_without_glyph(text: str, *, system: bool = True) -> str:
    """The letters of a text that no font has: of Typst's own, and of this machine's where asked."""
    return "".join(sorted(_without_glyph(frozenset(c for c in text if ord(c) > 126), system)))


@lru_cache(maxsize=256)
def _without_glyph(letters: frozenset[str], system: bool) -> frozenset[str]:
    """Typst says so where a PDF/UA is asked for; it reports a few at a time."""
    import typst

    missing: frozenset[str] = frozenset()
    while letters - missing:
        lines = " \\\n".join(f"#{literal(letter)}" for letter in sorted(letters - missing))
        source = f'#set document(title: "-")\n#set text(font: "New Computer Modern")\n{lines}'
        try:
            _typst(source, "pdf", system, pdf_standards=["ua-1"])
        except typst.TypstError as error:
            found = letters.intersection(*[_UNSHOWN.findall(error.diagnostic)]) - missing
            if found:
                missing |= found
                continue
        break
    return missing


_UNSHOWN = re.compile(r'the text `"(.)"` could not be displayed')


def _compile(source: str, kind: str, **options: object) -> bytes:
    """Letters that Typst's own fonts lack come from this machine's, where these have them."""
    import typst

    system = bool(letters_without_glyph(source, system=False))
    try:
        return _typst(source, kind, system, **options)
    except typst.TypstError as error:
        raise ToolError(
            f"typst could not set the document: {error}; please report this, with the model"
        ) from error


def _typst(source: str, kind: str, system: bool, **options: object) -> bytes:
    import typst

    with tempfile.TemporaryDirectory(prefix="symderive-") as empty:
        result = typst.compile(  # type: ignore[call-overload]  # stubs forget dict
            {"main.typ": source.encode()},
            root=empty,
            format=kind,
            ignore_system_fonts=not system,
            timestamp=0,
            **options,
        )
    return bytes(result)


def tex_pdf(source: str, engine: str) -> bytes:
    """The PDF of a LaTeX document by an engine of ``TEX_ENGINES``.

    Raises:
        ToolError: The engine is not installed, fails, or takes too long.
    """
    if engine not in TEX_ENGINES:
        raise UnknownChoiceError("PDF engine", engine, PDF_ENGINES)
    command, runs = TEX_ENGINES[engine]
    program = shutil.which(command[0])
    if program is None:
        raise ToolError(
            f"{engine} is not installed; install TeX Live with the packages amsmath, mathtools, "
            'TikZ and Latin Modern, or use the PDF engine "typst", which needs nothing'
        )
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": "0",
        "FORCE_SOURCE_DATE": "1",
        "openin_any": "p",  # TeX reads no hidden file and nothing above its directory
        "openout_any": "p",
    }
    with tempfile.TemporaryDirectory(prefix="symderive-") as folder:
        Path(folder, "document.tex").write_text(source, encoding="utf-8")
        for _ in range(runs):
            _run([program, *command[1:], "document.tex"], engine, folder, environment)
        return Path(folder, "document.pdf").read_bytes()


def _run(command: list[str], engine: str, folder: str, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TEX_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(
            f"{engine} was stopped after {TEX_TIMEOUT:.0f} s; "
            'use the PDF engine "typst", or write the tex format and run the engine yourself'
        ) from error
    if done.returncode or not Path(folder, "document.pdf").exists():
        output = done.stdout.decode(errors="replace").splitlines()
        first = next((k for k, line in enumerate(output) if line.startswith("!")), None)
        shown = output[-4:] if first is None else output[first : first + 4]
        raise ToolError(
            f"{engine} failed: {' '.join(' '.join(shown).split())}; a package may be missing: "
            'see its message, or use the PDF engine "typst"'
        )
