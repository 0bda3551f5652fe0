"""Documents: a derivation told in sections (``build``) and written in FORMATS through templates."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import warn

from symderive.errors import CheckError, UnknownChoiceError

TYPST = "typst"

if TYPE_CHECKING:
    from symderive.derivation import Derivation
    from symderive.documents.formats import FORMATS as FORMATS
    from symderive.documents.outline import Outline

__all__ = ["FORMATS", "render", "text", "write"]


class UnshownWarning(UserWarning):
    """A document has letters that it cannot show."""


def __getattr__(name: str) -> object:
    if name == "FORMATS":
        from symderive.documents.formats import FORMATS

        return FORMATS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def render(
    derivation: Derivation, format: str, *, detail: str = "standard", pdf_engine: str = TYPST
) -> str | bytes:
    """The document of a derivation in one format: text, or bytes for ``pdf``.

    Raises:
        UnknownChoiceError: The format, the detail or the PDF engine is not in its table.
        CheckError: A line of the derivation is refuted.
        ToolError: The PDF engine is missing or failed.
    """
    (content,) = _contents(derivation, (format,), detail, pdf_engine, lambda _: None)
    return content


def text(derivation: Derivation, detail: str = "standard", columns: int = 92) -> str:
    """The document of a derivation as plain text, no wider than so many columns where it can be.

    Raises:
        UnknownChoiceError: The detail is not in its table.
        CheckError: A line of the derivation is refuted.
    """
    from symderive.documents.build import outline
    from symderive.documents.formats import FORMATS
    from symderive.documents.templates import fill

    _passed(derivation)
    return fill(outline(derivation, detail), FORMATS["txt"], columns)


def write(
    derivation: Derivation,
    directory: str | Path,
    formats: str | Sequence[str] = ("md", "tex", "pdf", "html"),
    *,
    stem: str | None = None,
    detail: str = "standard",
    pdf_engine: str = TYPST,
    progress: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write a document in several formats, all of them or none.

    Args:
        derivation: What to tell.
        directory: Where; it is made if it does not exist.
        formats: Names of ``FORMATS``, in a list or separated by commas.
        stem: The files' name without suffix; the model file's, or ``derivation``.
        detail: ``brief``, ``standard`` or ``full``.
        pdf_engine: ``typst``, or a TeX engine: ``pdflatex``, ``lualatex``, ``latexmk``.
        progress: Called with the name of each format before it is made.

    Returns:
        The files, in the order of ``formats``.
    """
    from symderive.documents.formats import FORMATS

    names = formats.split(",") if isinstance(formats, str) else formats
    formats = tuple(dict.fromkeys(name.strip() for name in names))
    contents = _contents(derivation, formats, detail, pdf_engine, progress or (lambda _: None))
    folder = Path(directory)
    name = stem or _stem(derivation.model.source)
    paths = [folder / f"{name}{FORMATS[format].suffix}" for format in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder, paths, contents)
    except OSError as error:  # such as a folder that is read-only; said of what the user named
        place = error.filename2 or folder
        why = f"the documents cannot be written here: {error.strerror}"
        raise OSError(error.errno, why, str(place)) from error
    return paths


def _put(folder: Path, paths: Sequence[Path], contents: Sequence[str | bytes]) -> None:
    """The files in their folder; everything is complete before the first moves into place."""
    with tempfile.TemporaryDirectory(prefix=".symderive-", dir=folder) as half:
        for path, content in zip(paths, contents, strict=True):
            data = content if isinstance(content, bytes) else content.encode()
            Path(half, path.name).write_bytes(data)
        for path in paths:
            Path(half, path.name).replace(path)


def unshown(derivation: Derivation) -> str:
    """What to tell of letters in the model that a PDF cannot show; empty where it shows them all.

    Typst's fonts have Latin, Greek, Cyrillic, Hebrew and mathematical letters; other letters come
    from the fonts of the machine.
    """
    from symderive.documents.pdf import letters_without_glyph

    model = derivation.model
    names = dict.fromkeys((*model.names, *model.parameters))
    places = {"the title": model.title, "the text": model.text}
    places |= {f"the name {name}": name for name in names}
    missing = letters_without_glyph("".join(places.values()))
    told = []
    for letter in missing[:MAX_UNSHOWN]:
        where = [place for place, text in places.items() if letter in text]
        told.append(f"{letter} (U+{ord(letter):04X}) in {where[0]}")
    if len(missing) > MAX_UNSHOWN:
        told.append(f"{len(missing) - MAX_UNSHOWN} more")
    if not told:
        return ""
    return (
        f"the PDF shows boxes, since no font has the letters: {', '.join(told)}; install a font "
        "that has them, or read the HTML, where the browser finds one"
    )


MAX_UNSHOWN = 4
"""Letters without a glyph that are named."""


def _passed(derivation: Derivation) -> None:
    report = derivation.check()
    if not report.passed:
        raise CheckError(f"a check failed, so nothing is written:\n{report}")


def _stem(source: str) -> str:
    """The name of the model's file, as a file name that is safe everywhere."""
    return re.sub(r"[^\w.-]+", "-", Path(source).stem).strip(".-") or "derivation"


def _contents(
    derivation: Derivation,
    formats: Sequence[str],
    detail: str,
    pdf_engine: str,
    progress: Callable[[str], None],
) -> list[str | bytes]:
    from concurrent.futures import Future, ThreadPoolExecutor

    from symderive.documents.build import outline
    from symderive.documents.formats import FORMATS
    from symderive.documents.pdf import PDF_ENGINES, tex_pdf
    from symderive.documents.templates import fill

    for format in formats:
        if format not in FORMATS:
            raise UnknownChoiceError("format", format, FORMATS)
    if pdf_engine not in PDF_ENGINES:
        raise UnknownChoiceError("PDF engine", pdf_engine, PDF_ENGINES)
    _passed(derivation)
    if "pdf" in formats and pdf_engine == TYPST and (warning := unshown(derivation)):
        warn(warning, UnshownWarning, stacklevel=4)

    @cache
    def document(live: bool) -> Outline:
        return outline(derivation, detail, live=live)

    @cache  # tex and a PDF made by TeX, typ and a PDF made by Typst: one source each
    def source(folder: str) -> str:
        row = FORMATS[folder]
        return fill(document(row.live), row)

    made: dict[str, str | Future[str | bytes]] = {}
    # Typst and TeX hold no lock of Python's: they work while the other templates are filled.
    with ThreadPoolExecutor(1) as beside:
        for format in sorted(formats, key=lambda name: FORMATS[name].finish is None):
            progress(format)
            row = FORMATS[format]
            if format == "pdf" and pdf_engine != TYPST:
                made[format] = beside.submit(tex_pdf, source("tex"), pdf_engine)
            elif row.finish is not None:
                made[format] = beside.submit(row.finish, source(row.folder))
            else:
                made[format] = source(row.folder)
    contents = (made[format] for format in formats)
    return [text if isinstance(text, str) else text.result() for text in contents]
