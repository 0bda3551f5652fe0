"""From formulas to numbers: a Program, the BACKENDS that run it, the gradient step and training."""

from symderive.numeric.backends import BACKENDS, Backend, compile_program, source
from symderive.numeric.function import Function
from symderive.numeric.lowering import lower
from symderive.numeric.program import Assignment, Program
from symderive.numeric.training import Training, Update, train, update

__all__ = [
    "BACKENDS",
    "Assignment",
    "Backend",
    "Function",
    "Program",
    "Training",
    "Update",
    "compile_program",
    "lower",
    "source",
    "train",
    "update",
]
