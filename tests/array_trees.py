"""Array formulas written in Python, as several test modules need them."""

from symderive.formulas.arrays.ops import apply
from symderive.formulas.arrays.syntax import Tree


def negative(arg: Tree) -> Tree:
    return apply("negative", arg)


def matmul(*args: Tree) -> Tree:
    result = args[0]
    for arg in args[1:]:
        result = apply("matmul", result, arg)
    return result


def divide(left: Tree, right: Tree) -> Tree:
    return apply("divide", left, right)
