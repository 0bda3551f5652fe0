"""LINEAR: how operations of linear algebra are shown in matrix notation, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import S

from symderive.formulas.arrays.syntax import Apply
from symderive.formulas.arrays.terms import is_op
from symderive.formulas.matrix_notation import MatrixPrinter, Show, piece
from symderive.formulas.matrix_pieces import Term, raised
from symderive.formulas.nodes import (
    APPLY,
    EULER,
    KRON,
    NEGATIVE,
    TRANSPOSE,
    Fence,
    Fn,
    Id,
    Node,
    Num,
    Op,
    Row,
    Script,
    commas,
    fence,
)
from symderive.formulas.pieces import Built, Level

INVERSE = Row((NEGATIVE, Num("1")))
INVERSE_TRANSPOSE = Row((NEGATIVE, TRANSPOSE))


def applied(name: str, *args: Node) -> Built:
    """A function by its name: tr(X)."""
    return Built(Row((Fn(name), APPLY, fence(commas(*args)))))


def _inverse(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    (arg,) = tree.args
    if is_op(arg, "transpose") and arg.ndim == 2:
        arg, transposed = arg.args[0], not transposed
    return Term((raised(printer.built(arg), INVERSE_TRANSPOSE if transposed else INVERSE),))


def _solve(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    matrix, right = tree.args
    inverse = Apply(matrix.shape, "inv", (matrix,))
    return printer.matmul(Apply(tree.shape, "matmul", (inverse, right)), transposed)


def _outer(printer: MatrixPrinter, tree: Apply, transposed: bool) -> Term:
    left, right = reversed(tree.args) if transposed else tree.args
    return printer.term(left).then(printer.term(right, True))


def _determinant(head: Sequence[Node]) -> Any:
    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        inner, level = printer.built(tree.args[0])
        body = inner if level >= Level.POWER else fence(inner)
        for word in reversed(head):
            body = Row((word, APPLY, body))
        return Built(body, Level.CALL)

    return shown


def _kron(printer: MatrixPrinter, tree: Apply) -> Built:
    left, right = (printer.within(arg, Level.ENTRYWISE) for arg in tree.args)
    return Built(Row((left, KRON, right)), Level.ENTRYWISE)


def _matrix_power(printer: MatrixPrinter, tree: Apply) -> Built:
    return raised(printer.built(tree.args[0]), printer.size(S(tree.option("k"))))


def _raised_to(above: Node) -> Any:
    """A function of a matrix that is a power of it."""
    return lambda printer, tree: raised(printer.built(tree.args[0]), above)


def _matrix_exponential(printer: MatrixPrinter, tree: Apply) -> Built:
    """e^A: exp(A) is the exponential of every entry."""
    return Built(Script(EULER, None, printer.node(tree.args[0])), Level.POWER)


def _of_matrix(head: Node) -> Any:
    """A letter, and the matrix that it belongs to: σ(X), U(X)."""

    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        return Built(Row((head, APPLY, fence(printer.node(tree.args[0])))))

    return shown


def _norm_by(sub: Node) -> Any:
    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        return Built(Script(Fence("‖", printer.node(tree.args[0]), "‖"), sub))

    return shown


def _patterned(name: str) -> Any:
    """A matrix that a vector makes: Toeplitz(w)."""
    return lambda printer, tree: applied(name, printer.node(tree.args[0]))


def _half_triangle(printer: MatrixPrinter, tree: Apply) -> Built:
    """Φ(A), as the rule for Cholesky factors has it."""
    return Built(Row((Id("Φ", "rm"), APPLY, fence(printer.node(tree.args[0])))))


def _commutation(printer: MatrixPrinter, tree: Apply) -> Built:
    sizes = (printer.size(S(tree.option(name))) for name in ("m", "n"))
    return Built(Script(Id("K"), commas(*sizes)))


def _frechet(name: str) -> Any:
    """L_exp(A, E), the derivative of a function of a matrix at A in the direction E."""

    def shown(printer: MatrixPrinter, tree: Apply) -> Built:
        args = commas(*map(printer.node, tree.args))
        return Built(Row((Script(Id("L"), Fn(name)), APPLY, fence(args))))

    return shown


LINEAR: Mapping[str, Show] = {
    "inv": _inverse,
    "solve": _solve,
    "outer": _outer,
    "det": piece(_determinant([Fn("det")])),
    "logdet": piece(_determinant([Fn("log"), Fn("det")])),
    "kron": piece(_kron),
    "matrix_power": piece(_matrix_power),
    "pinv": piece(_raised_to(Op("+", "ord"))),
    "expm": piece(_matrix_exponential),
    "sqrtm": piece(_raised_to(Row((Num("1"), Op("/", "ord"), Num("2"))))),
    "expm_frechet": piece(_frechet("exp")),
    "logm_frechet": piece(_frechet("log")),
    "sqrtm_frechet": piece(_frechet("sqrt")),
    "sinm_frechet": piece(_frechet("sin")),
    "cosm_frechet": piece(_frechet("cos")),
    "convolution_matrix": piece(_patterned("Toeplitz")),
    "sliding_window_view": piece(_patterned("Hankel")),
    "half_tril": piece(_half_triangle),
    "commutation": piece(_commutation),
    "eigvalsh": piece(_of_matrix(Id("λ"))),
    "svdvals": piece(_of_matrix(Id("σ"))),
    "left_vectors": piece(_of_matrix(Id("U"))),
    "right_vectors": piece(_of_matrix(Id("V"))),
    "nuclear_norm": piece(_norm_by(Op("∗", "ord"))),
    "spectral_norm": piece(_norm_by(Num("2"))),
}
"""How operations of linear algebra are shown."""
