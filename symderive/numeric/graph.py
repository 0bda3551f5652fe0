"""Formulas as a graph in which equal parts are one node, in a canonical form that rows can match.

Sums are linear combinations ``c + k1*n1 + k2*n2 …`` and products are powers ``n1**e1 * n2**e2 …``,
so that a pattern meets one shape however a formula was written. A node that a stage names keeps its
identity: sums and products do not dissolve it, so the emitted code still reads like the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import mpmath

from symderive.numeric.ops import OPS

Number = Any  # int where it is one, Fraction, or mpmath.mpf where the number is irrational
RATIONAL = (int, Fraction)
DIGITS = 40
TINY = 1e-37  # what is left of a product of irrational numbers that is rational
COMMON = 5040  # the denominator of a fraction that such a product is known as
ODD = frozenset(["sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf"])


class Node:
    """One value; ``op`` is const, input, add, mul, group, or the name of a function."""

    __slots__ = ("args", "data", "id", "named", "op", "shows")

    def __init__(self, op: str, args: tuple[Node, ...], data: Any, number: int) -> None:
        self.op, self.args, self.data, self.id, self.named = op, args, data, number, False
        self.shows: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"{self.op}{self.data or ''}{list(self.args) or ''}"


Terms = list[tuple[Node, Number]]
Rule = Callable[["Graph", Node], "Node | None"]


class Graph:
    """Makes nodes; equal nodes are the same object.

    Args:
        rules: What to try on a new node, by its ``op``; the first that applies replaces the node.
        calls: Functions that are built from other nodes, by name.
    """

    def __init__(
        self,
        rules: Mapping[str, Iterable[Rule]] | None = None,
        calls: Mapping[str, Callable[..., Node]] | None = None,
    ) -> None:
        self.rules = {op: tuple(rows) for op, rows in (rules or {}).items()}
        self.calls = calls or {}
        self._nodes: dict[Any, Node] = {}
        self._rewritten: dict[Node, Node] = {}
        self.notes: dict[Node, Any] = {}  # what rules have found out
        self.exact = False  # whether what is made has no value where its formula has none
        self.zero, self.one = self.const(0), self.const(1)

    @property
    def count(self) -> int:
        """How many nodes it has; the next one's id."""
        return len(self._nodes)

    # Making ---------------------------------------------------------------------------------

    def _node(self, op: str, args: tuple[Node, ...], data: Any, key: Any) -> Node:
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(op, args, data, len(self._nodes))
        return node

    def _rewrite(self, node: Node) -> Node:
        rules = self.rules.get(node.op)
        if not rules:
            return node
        known = self._rewritten.get(node)
        if known is None:
            known = node
            for rule in rules:
                better = rule(self, node)
                if better is not None and better is not node:
                    known = better
                    break
            self._rewritten[node] = known
        return known

    @contextmanager
    def without_rules(self) -> Iterator[None]:
        """Nodes made meanwhile are what they are."""
        rules, self.rules = self.rules, {}
        try:
            yield
        finally:
            self.rules = rules

    def const(self, value: Number) -> Node:
        """A number."""
        value = reduced(value)
        return self._node("const", (), value, ("const", value))

    def input(self, name: str) -> Node:
        """A name that the program is given."""
        return self._node("input", (), name, ("input", name))

    def add(self, constant: Number, terms: Iterable[tuple[Node, Number]]) -> Node:
        """``constant + Σ k·node``."""
        total: dict[Node, Number] = {}
        for node, factor in terms:
            if node.op == "const":
                constant = plus(constant, times(factor, node.data))
            elif node.op == "add" and not node.named:
                inner, factors = node.data  # whose own terms are no such sums
                if inner != 0:
                    constant = plus(constant, times(factor, inner))
                for term, k in zip(node.args, factors, strict=True):
                    k = times(factor, k)
                    total[term] = plus(total[term], k) if term in total else k
            else:
                total[node] = plus(total[node], factor) if node in total else factor
        left = [(node, factor) for node, factor in total.items() if factor != 0]
        if not left:
            return self.const(constant)
        for node, factor in left:
            if node.named and node.op == "add" and self._meets(node, factor, constant, total):
                others = [pair for pair in left if pair[0] is not node]
                shift, terms = linear(node)
                opened = [(term, times(factor, k)) for term, k in terms]
                return self.add(plus(constant, times(factor, shift)), [*others, *opened])
        if constant == 0 and len(left) == 1 and left[0][1] == 1:
            return left[0][0]
        args, factors = tuple(n for n, _ in left), tuple(k for _, k in left)
        key = ("add", constant, frozenset((n.id, k) for n, k in left))
        return self._rewrite(self._node("add", args, (constant, factors), key))

    @staticmethod
    def _meets(node: Node, factor: Number, constant: Number, total: dict[Node, Number]) -> bool:
        """Whether a term of a named sum cancels beside it: 1 − y of y = 1 − exp(−x)."""
        shift, terms = linear(node)
        if len(terms) > 4:
            return False
        if shift != 0 and plus(constant, times(factor, shift)) == 0:
            return True
        return any(term in total and plus(total[term], times(factor, k)) == 0 for term, k in terms)

    def mul(self, factor: Number, factors: Iterable[tuple[Node, Number]]) -> Node:
        """``factor · Π node**exponent`` for numbers as exponents."""
        powers: dict[Node, Number] = {}
        exponent_of_e: Terms = []
        stack = list(factors)[::-1]
        beside = [n.args[0] for n, _ in stack if n.op == "exp"]
        while stack:
            node, exponent = stack.pop()
            whole = exponent.denominator == 1 if isinstance(exponent, RATIONAL) else False
            if node.op == "const":
                if node.data == 0 and exponent < 0:  # 1/0: leave it to the run, which gives inf
                    powers[node] = plus(powers.get(node, 0), exponent)
                else:
                    factor = times(factor, power(node.data, exponent))
            elif node.op == "exp":
                exponent_of_e.append((node.args[0], exponent))
            elif node.op == "mul" and whole and (not node.named or _joins(node, beside)):
                pairs = zip(node.args, node.data, strict=True)
                stack.extend([(arg, times(e, exponent)) for arg, e in pairs][::-1])
            elif whole and not node.named and (scaled := single(node)):
                factor = times(factor, power(scaled[1], exponent))
                stack.append((scaled[0], exponent))
            elif node in powers:
                powers[node] = plus(powers[node], exponent)
            else:
                powers[node] = exponent
        if factor == 0:
            return self.zero
        if exponent_of_e:
            e = self.call("exp", self.add(0, exponent_of_e))
            if e.op == "const":
                factor = times(factor, e.data)
            elif e.op == "exp":
                powers[e] = 1
            else:
                return self.mul(factor, [*powers.items(), (e, 1)])
        powers = {node: e for node, e in powers.items() if e != 0}
        opened = self._open(powers)
        if opened is not None:
            return self.scale(opened, factor)
        if not powers:
            return self.const(factor)
        if len(powers) == 1 and next(iter(powers.values())) == 1:
            product = next(iter(powers))
        else:
            args, exponents = tuple(powers), tuple(powers.values())
            key = ("mul", frozenset((n.id, e) for n, e in powers.items()))
            product = self._rewrite(self._node("mul", args, exponents, key))
        return product if factor == 1 else self.add(0, [(product, factor)])

    def _open(self, powers: dict[Node, Number]) -> Node | None:
        """Look into a named factor that cancels: (A2 − Y)/(A2·(1 − A2)) · A2·(1 − A2)."""
        for node, exponent in powers.items():
            if exponent != 1 or not node.named or node.op not in ("mul", "add"):
                continue
            constant, terms = linear(node)
            others = [(n, e) for n, e in powers.items() if n is not node]
            if constant == 0 and len(terms) <= 4 and all(_cancels(t, powers) for t, _ in terms):
                opened = [
                    (self.mul(1, [*zip(t.args, t.data, strict=True), *others]), k) for t, k in terms
                ]
                return self.add(0, opened)
        return None

    def scale(self, node: Node, factor: Number) -> Node:
        """``factor · node``."""
        return self.add(0, [(node, factor)])

    def again(self, node: Node, args: Sequence[Node]) -> Node:
        """The like of a node of another graph, on operands of this one."""
        if node.op == "const":
            return self.const(node.data)
        if node.op == "input":
            return self.input(node.data)
        if node.op == "add":
            constant, factors = node.data
            return self.add(constant, zip(args, factors, strict=True))
        if node.op == "mul":
            return self.mul(1, zip(args, node.data, strict=True))
        return self.call(node.op, *args)

    def call(self, op: str, *args: Node) -> Node:
        """A function of nodes."""
        if op == "sqrt":
            return self.mul(1, [(args[0], Fraction(1, 2))])
        if op in self.calls:
            return self.calls[op](self, *args)
        if op in OPS and args and all(arg.op == "const" for arg in args):
            folded = self._fold(op, args)
            if folded is not None:
                return folded
        if op in ("max", "min") and args[0].op == "const":  # numbers last, as rows have them
            args = args[::-1]
        if op in ("abs", "cos", "cosh"):
            args = (self._even(args[0]),)
        elif op in ODD and args[0].op == "add" and not args[0].named:
            constant, factors = args[0].data
            if constant <= 0 and all(k < 0 for k in factors):
                return self.scale(self.call(op, self.scale(args[0], -1)), -1)
        node = self._node(op, args, None, (op, *(arg.id for arg in args)))
        return self._rewrite(node)

    def _fold(self, op: str, args: tuple[Node, ...]) -> Node | None:
        with mpmath.workdps(DIGITS):
            try:
                value = OPS[op].fold(*(exact(arg.data) for arg in args))
            except (ArithmeticError, ValueError, TypeError):
                return None
            if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
                return None
            if isinstance(value, bool | int):
                return self.const(Fraction(int(value)))
            return self.const(_tidy(value))

    def _even(self, node: Node) -> Node:
        """The argument of an even function, with the sign under which it is known already."""
        if node.op != "add":
            return node
        constant, factors = node.data
        if len(factors) == 1 and constant == 0:
            return self.scale(node.args[0], abs(factors[0]))
        pairs = zip(node.args, factors, strict=True)
        opposite = self._nodes.get(("add", -constant, frozenset((n.id, -k) for n, k in pairs)))
        minus = sum(k < 0 for k in factors) * 2 - len(factors)
        if opposite is not None and (opposite.named or node.named or minus == 0):
            return opposite if opposite.named or opposite.id < node.id else node
        return self.scale(node, -1) if minus > 0 and not node.named else node


# Reading ------------------------------------------------------------------------------------


def linear(node: Node) -> tuple[Number, Terms]:
    """A node as constant and terms."""
    if node.op == "const":
        return node.data, []
    if node.op == "add":
        return node.data[0], list(zip(node.args, node.data[1], strict=True))
    return 0, [(node, 1)]


def single(node: Node) -> tuple[Node, Number] | None:
    """(n, k) where the node is k·n and nothing else."""
    if node.op == "add" and len(node.args) == 1 and node.data[0] == 0:
        return node.args[0], node.data[1][0]
    return None


def is_open(node: Node) -> bool:
    """Whether a node is a sum that no stage names."""
    return node.op == "add" and not node.named


def factored(node: Node) -> tuple[Number, dict[Node, Number]]:
    """A node as number and powers."""
    factor: Number = 1
    scaled = single(node)
    if scaled:
        node, factor = scaled
    if node.op == "const":
        return times(factor, node.data), {}
    if node.op == "mul":
        return factor, dict(zip(node.args, node.data, strict=True))
    return factor, {node: 1}


def _joins(node: Node, exponents: Iterable[Node]) -> bool:
    """Whether an exponential in a named product shrinks one beside it: p²·exp(b − a), p ∝ eᵃ."""
    for inner in (arg.args[0] for arg in node.args if arg.op == "exp"):
        own = dict(linear(inner)[1])
        if any(own.get(n, 0) * k < 0 for other in exponents for n, k in linear(other)[1]):
            return True
    return False


def _cancels(term: Node, powers: dict[Node, Number]) -> bool:
    if term.op != "mul":
        return False
    return any(e < 0 < powers.get(n, 0) for n, e in zip(term.args, term.data, strict=True))


# Numbers ------------------------------------------------------------------------------------


def exact(value: Number) -> Any:
    """A number for mpmath."""
    if isinstance(value, RATIONAL):
        return mpmath.mpf(value.numerator) / value.denominator
    return value


def _tidy(value: Any) -> Number:
    """An mpmath number as a fraction where it is one of few digits: (1/√2)² is 1/2."""
    if value == mpmath.floor(value) and abs(value) < 1e15:
        return Fraction(int(value))
    parts = value * COMMON
    whole = mpmath.nint(parts)
    if whole and abs(parts - whole) < abs(whole) * TINY and abs(whole) < 1e15:
        return Fraction(int(whole), COMMON)
    return value


def reduced(value: Number) -> Number:
    """A number as an int where it is whole: ints are ten times faster than fractions."""
    return value.numerator if type(value) is Fraction and value.denominator == 1 else value


def plus(left: Number, right: Number) -> Number:
    """Left + right, exactly or to 40 digits."""
    if type(left) is int and type(right) is int:
        return left + right
    if isinstance(left, RATIONAL) and isinstance(right, RATIONAL):
        return reduced(left + right)
    with mpmath.workdps(DIGITS):
        return _tidy(exact(left) + exact(right))


def times(left: Number, right: Number) -> Number:
    """Left · right, exactly or to 40 digits."""
    if type(left) is int and type(right) is int:
        return left * right
    if isinstance(left, RATIONAL) and isinstance(right, RATIONAL):
        return reduced(left * right)
    with mpmath.workdps(DIGITS):
        return _tidy(exact(left) * exact(right))


def over(left: Number, right: Number) -> Number:
    """Left / right, exactly or to 40 digits."""
    if right == 1:
        return left
    if type(left) is int and type(right) is int and left % right == 0:
        return left // right
    if isinstance(left, RATIONAL) and isinstance(right, RATIONAL):
        return reduced(Fraction(left) / right)
    with mpmath.workdps(DIGITS):
        return _tidy(exact(left) / exact(right))


def power(base: Number, exponent: Number) -> Number:
    """Base ** exponent; nan where that is not a real number."""
    if exponent == 1 or base == 1:
        return base
    if type(base) is int and type(exponent) is int and exponent > 0:
        return base**exponent
    if isinstance(base, RATIONAL) and isinstance(exponent, RATIONAL) and exponent.denominator == 1:
        return reduced(Fraction(base) ** exponent.numerator)
    with mpmath.workdps(DIGITS):
        value = mpmath.power(exact(base), exact(exponent))
        return mpmath.nan if isinstance(value, mpmath.mpc) else _tidy(value)
