"""The options of each command of the command line."""

from __future__ import annotations

import argparse

MODEL = 'a model file (TOML), - for standard input, or stages such as "y = sin(x)/x; x = 2"'


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def derive_options(parser: argparse.ArgumentParser) -> None:
    """What ``derive`` takes."""
    add = parser.add_argument
    add("models", nargs="+", metavar="MODEL", help=MODEL)
    add(
        "--to",
        metavar="FORMATS",
        type=_names,
        default=["md", "tex", "pdf", "html"],
        help="of md, tex, pdf, html, ipynb, typ, txt, separated by commas "
        "(default: md,tex,pdf,html)",
    )
    add(
        "-o",
        "--output",
        metavar="DIR",
        default="output",
        help="write to DIR/MODEL/ (default: output)",
    )
    add(
        "--pdf-engine",
        metavar="ENGINE",
        default="typst",
        help="typst (default), lualatex, pdflatex or latexmk",
    )
    data_options(parser)
    detail_option(parser)
    method_option(parser)
    structured_option(parser)
    hessian_option(parser)
    target_option(parser)
    quiet_option(parser, "print no list of the files written")


def check_options(parser: argparse.ArgumentParser) -> None:
    """What ``check`` takes."""
    model_argument(parser)
    parser.add_argument(
        "--claim",
        metavar='"dA3/dA1 = A2 - Y"',
        action="append",
        default=[],
        help="an answer of yours to judge; may be given several times",
    )
    data_options(parser)
    target_option(parser)
    quiet_option(parser, "print only what is refuted")


def show_options(parser: argparse.ArgumentParser) -> None:
    """What ``show`` takes."""
    model_argument(parser)
    data_options(parser)
    detail_option(parser)
    method_option(parser)
    structured_option(parser)
    hessian_option(parser)
    target_option(parser)


def code_options(parser: argparse.ArgumentParser) -> None:
    """What ``code`` takes."""
    model_argument(parser)
    parser.add_argument(
        "--backend", metavar="NAME", default="python", help="python (default) or numpy"
    )
    data_options(parser)
    target_option(parser)


def trace_options(parser: argparse.ArgumentParser) -> None:
    """What ``trace`` takes."""
    model_argument(parser)
    target_option(parser)


def update_options(parser: argparse.ArgumentParser) -> None:
    """What ``update`` takes."""
    model_argument(parser)
    data_options(parser)
    parser.add_argument(
        "--learning-rate", metavar="RATE", type=float, help="instead of the model's own"
    )
    target_option(parser)


def train_options(parser: argparse.ArgumentParser) -> None:
    """What ``train`` takes."""
    update_options(parser)
    parser.add_argument(
        "--steps", metavar="N", type=int, default=100, help="how many (default: 100)"
    )


def data_options(parser: argparse.ArgumentParser) -> None:
    """What ``data`` takes."""
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="columns for the model's constants, by name: .csv, .tsv, .npz, .npy or .parquet; "
        "a model of one sample becomes the loss of all rows",
    )
    parser.add_argument(
        "--reduce", choices=("mean", "sum"), help="of the losses of the rows (default: mean)"
    )


def model_argument(parser: argparse.ArgumentParser) -> None:
    """The model argument."""
    parser.add_argument("model", metavar="MODEL", help=MODEL)


def target_option(parser: argparse.ArgumentParser) -> None:
    """What to differentiate, and by what."""
    parser.add_argument("--target", metavar="STAGE", help="the stage to differentiate")
    parser.add_argument(
        "--wrt",
        metavar="NAMES",
        type=_names,
        help="differentiate with respect to these names only, separated by commas "
        "(default: the model's parameters)",
    )


def detail_option(parser: argparse.ArgumentParser) -> None:
    """The detail option."""
    parser.add_argument(
        "--detail",
        choices=("brief", "standard", "full"),
        default="standard",
        help="brief: first and last line; standard (default): as a textbook has it; full: every "
        "rule on a line of its own, named functions from their definitions",
    )


def method_option(parser: argparse.ArgumentParser) -> None:
    """The method option."""
    parser.add_argument(
        "--method",
        choices=("auto", "quotient", "negative-power", "logarithmic"),
        default="auto",
        help="how to differentiate quotients and products: by the quotient and product rules, with "
        "negative powers, by the logarithm, or (auto, the default) by the shortest of them",
    )


def structured_option(parser: argparse.ArgumentParser) -> None:
    """The option for matrices whose entries are tied."""
    parser.add_argument(
        "--structured",
        action="store_true",
        help="let the entries of a symmetric, diagonal or triangular parameter move together: "
        "G + Gᵀ − diag(G), with G the gradient of independent entries",
    )


def hessian_option(parser: argparse.ArgumentParser) -> None:
    """The option for second derivatives."""
    parser.add_argument(
        "--hessian",
        metavar="NAMES",
        type=_names,
        help="tell the second derivatives too, by these names, separated by commas, or by all; "
        "where the parameters have values, also Newton's step",
    )


def quiet_option(parser: argparse.ArgumentParser, text: str) -> None:
    """The quiet option."""
    parser.add_argument("-q", "--quiet", action="store_true", help=text)
