"""A named function as a row of a table, and the SymPy class made from a row.

A row holds text and reads it on first use, so that importing the table costs little. SymPy's own
class serves where SymPy has a smooth one (``exp``, ``gamma``); every other row has a class of its
own, made on first use, which keeps its name in formulas: ``sigmoid(z)`` stays ``sigmoid(z)`` until
a definition is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

from mpmath import isfinite
from sympy import Basic, EulerGamma, Expr, Float, Function, Piecewise, S, Symbol, false, pi, true
from sympy.core.evalf import evalf_table
from sympy.core.function import ArgumentIndexError
from sympy.logic.boolalg import Boolean

from symderive.formulas.inert import placeholder
from symderive.formulas.parsing import Parsed, parse
from symderive.formulas.walking import PI
from symderive.formulas.written import evaluated, rename, settled, tidy

EVERYWHERE = "True"
"""The domain of a function that is defined for all real arguments."""

CONSTANTS: Mapping[str, Expr] = {**dict.fromkeys(PI, pi), "euler_gamma": EulerGamma}
"""What a row's text may name besides its parameters."""

MORE = "..."
"""The last parameter of a function of any number of arguments, such as ``max(a, ...)``."""

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kink:
    """A place where the derivative is a convention.

    Attributes:
        where: Condition in the parameters, such as ``z == 0``.
        convention: A sentence: the value there and which frameworks share it.
    """

    where: str
    convention: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The formulas of one row, for a given number of arguments."""

    definition: str
    partials: tuple[str, ...]
    stable: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NamedFunction:
    """A named function: everything that the rest of the program knows of it.

    Attributes:
        name: As written in formulas: ``sigmoid``.
        parameters: ``("p", "y")``; a last ``"..."`` means any number of further arguments.
        title: As documents call it: ``logistic sigmoid``.
        build: Makes the SymPy object from arguments; ``None`` for a class of the row's own.
        known: SymPy's own class, where the row stands for one.
        definition: Formula text in the parameters; ``None`` for a primitive.
        partials: The derivative by each parameter, as formula text; ``""`` where there is none to
            state (the order of a Bessel function).
        stable: The numerically stable form, in primitives of ``numeric``; ``""`` where the
            definition (or the primitive) is stable as it stands.
        equivalent: For a primitive: the same in other functions, for witnesses and printers.
        domain: Condition in the parameters under which the value is a real number.
        samples: For each parameter the range that samples are drawn from, near edges included.
        integers: Parameters that take whole numbers only.
        defaults: Values of the last parameters when they are left out.
        kinks: Where the derivative is a convention.
        aliases: Other names that formulas may use.
        symbol: The name in documents where it is not ``name``: ``σ``, ``Γ``.
        source: Where a formula that is not obvious comes from.
        numeric: The name of the mpmath function that computes it; ``""`` where the definition does.
        exact: For a primitive: its value at rational arguments.
        elementary: What it is in other functions, such as a polynomial of fixed order; None of
            arguments where it is nothing simpler.
        texts: For a function of any number of arguments: its formulas for given argument names.
        scope: The functions that the texts may use, where these are not the table's.
        spec: For a user's function: what ``user_function`` made it from.
    """

    name: str
    parameters: tuple[str, ...]
    title: str
    build: Callable[..., Expr] | None = None
    known: type[Function] | None = None
    definition: str | None = None
    partials: tuple[str, ...] = ()
    stable: str = ""
    equivalent: str = ""
    domain: str = EVERYWHERE
    samples: tuple[Range, ...] = ()
    integers: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    kinks: tuple[Kink, ...] = ()
    aliases: tuple[str, ...] = ()
    symbol: str = ""
    source: str = ""
    numeric: str = ""
    exact: Callable[..., Expr] | None = None
    elementary: Callable[..., Expr | None] | None = None
    texts: Callable[[tuple[str, ...]], Texts] | None = None
    scope: Mapping[str, NamedFunction] | None = None
    spec: tuple[Any, ...] = ()

    @property
    def function(self) -> type[Function] | None:
        """Its SymPy class; ``None`` where it builds something else: ``sqrt``, a power."""
        return self.known if self.build is not None else own_class(self)

    def apply(self, *args: Expr) -> Expr:
        """The SymPy object for the arguments.

        Raises:
            TypeError: Too few or too many; SymPy's own classes may take more than the row says.
        """
        least, most = self.arity()
        if len(args) < least or (most is not None and len(args) > most):
            raise TypeError(f"{self.name} takes {least} to {most or 'any number of'} arguments")
        return (self.build or own_class(self))(*map(settled, args))

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of arguments."""
        return self.parameters[-1:] == (MORE,)

    @property
    def is_defined(self) -> bool:
        """Whether ``definition_formula`` has an answer."""
        return bool(self.definition or self.equivalent or self.texts)

    @property
    def kink_note(self) -> str:
        """The conventions at all kinks, as one sentence each."""
        places = ((f"At {k.where}: " if k.where != EVERYWHERE else "", k) for k in self.kinks)
        return " ".join(f"{place}{kink.convention}" for place, kink in places)

    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments; ``None`` for no limit."""
        if self.variadic:
            return len(self.parameters) - 1, None
        return len(self.parameters) - len(self.defaults), len(self.parameters)

    def default_values(self, count: int) -> tuple[Expr, ...]:
        """The values of the parameters that ``count`` arguments leave out."""
        left_out = max(len(self.parameters) - count, 0) if self.defaults else 0
        return tuple(
            parse(text, {}).formula for text in self.defaults[len(self.defaults) - left_out :]
        )

    def definition_formula(self, *args: Expr) -> Expr:
        """The definition with the arguments put in, as written.

        A primitive answers with its equivalent, where it has one.

        Raises:
            LookupError: A primitive has no definition.
        """
        text = self._texts(len(args)).definition or self.equivalent
        if not text:
            raise LookupError(f"{self.name} is a primitive: it has no definition")
        return self._formula(text, args)

    def partial_formulas(self, *args: Expr) -> tuple[Expr | None, ...]:
        """The derivative by each argument, as written; ``None`` where none can be stated."""
        texts = self._texts(len(args)).partials[: len(args)]
        return tuple(self._formula(text, args) if text else None for text in texts)

    def domain_condition(self, *args: Expr) -> Boolean:
        """The condition under which the value is a real number, with the arguments put in."""
        if self.domain == EVERYWHERE:
            return true
        chosen, fill, _ = self._filled(f"where({self.domain}, 1, 0)", args)
        stated = rename(chosen.args[0].args[1], fill)
        if not stated.has(Piecewise):  # SymPy settles x/4 >= 0 as x >= 0, but multiplies cases out
            tested = Piecewise((S.One, stated), (S.Zero, True))
            return tested.args[0].args[1] if isinstance(tested, Piecewise) else true
        return true if stated in (true, false) else stated

    def kink_formulas(self, *args: Expr) -> tuple[Expr, ...]:
        """For each kink what is zero there, with the arguments put in."""
        if self.variadic:  # of the greatest of many: wherever two of them are equal
            return tuple(a - b for a, b in combinations(args, 2)) if self.kinks else ()
        sides = [kink.where.partition(" and ")[0].split("==") for kink in self.kinks]
        return tuple(
            self._formula(f"{pair[0]} - ({pair[1]})", args) for pair in sides if len(pair) == 2
        )

    def compares(self, count: int) -> bool:
        """Whether the definition or a partial compares one of ``count`` arguments."""
        texts = self._texts(count)
        return any(sign in text for text in (texts.definition, *texts.partials) for sign in "<>=")

    def stable_formula(self, *args: Expr) -> Expr | None:
        """The numerically stable form with the arguments put in; ``None`` where there is none."""
        text = self._texts(len(args)).stable
        return self._formula(text, args) if text else None

    def _texts(self, count: int) -> Texts:
        if self.texts is not None:
            return _texts_of(self, count)
        return Texts(self.definition or "", self.partials, self.stable)

    def _names(self, count: int) -> tuple[str, ...]:
        return _letters(count) if self.variadic else self.parameters

    def _formula(self, text: str, args: tuple[Expr, ...]) -> Expr:
        written, fill, defaults = self._filled(text, args)
        formula = rename(written, fill)
        return tidy(formula) if defaults else formula  # a default of 1 drops out

    def _filled(self, text: str, args: tuple[Expr, ...]) -> tuple[Expr, dict[Basic, Expr], bool]:
        """A text as written, what its names stand for, and whether arguments are left out."""
        parsed = _read(self, text)
        names = self._names(len(args))
        values: dict[str, Expr] = {**CONSTANTS, **dict(zip(names, args, strict=False))}
        for name in names[len(args) :]:  # left out: its default
            default = self.defaults[names.index(name) - len(names)]
            values[name] = parse(default, {}).formula
        fill = {placeholder(k): values[name] for k, name in enumerate(parsed.names)}
        return parsed.template.written, fill, len(args) < len(names)


@cache
def _read(row: NamedFunction, text: str) -> Parsed:
    from symderive.formulas.functions import FUNCTIONS  # the table holds the rows

    return parse(text, row.scope or FUNCTIONS, where=f"function {row.name}")


@cache
def _letters(count: int) -> tuple[str, ...]:
    return tuple(f"a{k}" for k in range(1, count + 1))


@lru_cache(maxsize=1024)
def _texts_of(row: NamedFunction, count: int) -> Texts:
    assert row.texts is not None
    return row.texts(_letters(count))


class Named(Function):
    """Base of the classes made from rows: the row says what SymPy asks."""

    row: NamedFunction

    @classmethod
    def eval(cls, *args: Expr) -> Expr | None:
        """What is simpler: ``abs(-3)`` is 3, and a polynomial of fixed order is written out."""
        row = cls.row
        if row.elementary is not None and (found := row.elementary(*args)) is not None:
            return found
        if not all(arg.is_Rational for arg in args):
            return None
        if row.exact is not None:
            return row.exact(*args)
        if not row.is_defined:
            return None
        value = evaluated(row.definition_formula(*args))
        return value if value.is_Rational else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """The derivative by one argument, from the row."""
        partials = self.row.partial_formulas(*self.args)
        if not 1 <= argindex <= len(partials) or partials[argindex - 1] is None:
            raise ArgumentIndexError(self, argindex)
        return evaluated(partials[argindex - 1])

    def _eval_evalf(self, prec: int) -> Expr | None:
        number = _number(self, prec, {})
        return None if number is None else Float._new(number._mpf_, prec)

    def _eval_is_extended_real(self) -> bool | None:
        return True if all(arg.is_extended_real for arg in self.args) else None

    def _eval_rewrite_as_definition(self, *args: Expr, **_: object) -> Expr:
        return evaluated(self.row.definition_formula(*args))

    def _printed(self, printer: Any, *_: object) -> str:
        """What code printers write: the definition, since no library knows the name."""
        return str(printer._print(self.rewrite("definition")))

    _ccode = _pythoncode = _numpycode = _printed

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.row.name, self.row.spec, self.args)


def _number(formula: Named, prec: int, given: Mapping[Any, Any]) -> Any:
    """The value of an applied function to ``prec`` bits; ``None`` where symbols are left.

    The arguments go in as values: in the formula SymPy would round them before they cancel.
    """
    from symderive.formulas.evaluate import evaluate  # evaluate reads the rows' classes

    values = {getattr(symbol, "name", ""): value for symbol, value in given.items()}
    if any(symbol.name not in values for symbol in formula.free_symbols):
        return None
    names = [f"_arg{k}" for k in range(len(formula.args))]
    bare = formula.func(*map(Symbol, names))
    values.update(zip(names, formula.args, strict=True))
    return evaluate(bare, values, int(prec * 0.30103) + 2)


def _evalf(formula: Named, prec: int, options: Mapping[str, Any]) -> tuple[Any, ...]:
    """What SymPy's ``evalf`` asks of a class: real and imaginary part, and their accuracy."""
    number = _number(formula, prec, options.get("subs") or {})
    if number is None or not isfinite(number):
        raise NotImplementedError  # SymPy then asks _eval_evalf
    return (number._mpf_, None, prec, None) if number else (None, None, None, None)


@cache
def own_class(row: NamedFunction) -> type[Named]:
    """The SymPy class of a row that has none of SymPy's, named like the row.

    It is made when the row is first used: the table has more rows than any model needs.
    """
    least, most = row.arity()
    namespace: dict[str, Any] = {"__doc__": row.title, "__module__": __name__, "row": row}
    if most is not None:
        namespace["nargs"] = tuple(range(least, most + 1))
    metaclass: Any = type(Named)
    cls: type[Named] = metaclass(row.name, (Named,), namespace)
    evalf_table[cls] = _evalf
    return cls


def own(name: str, parameters: str, title: str, **fields: Any) -> NamedFunction:
    """A row with a class of its own; ``parameters`` as in a signature: ``"z, alpha=0.01"``."""
    names, defaults = _signature(parameters)
    return NamedFunction(name, names, title, defaults=defaults, **_tupled(fields))


def known(
    name: str, parameters: str, title: str, function: type[Function], **fields: Any
) -> NamedFunction:
    """A row for a class of SymPy's own."""
    names, defaults = _signature(parameters)
    fields = {"build": function, **_tupled(fields)}
    return NamedFunction(name, names, title, known=function, defaults=defaults, **fields)


def _signature(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs = [part.strip().partition("=") for part in text.split(",")]
    return tuple(name for name, _, _ in pairs), tuple(value for _, _, value in pairs if value)


def _tupled(fields: dict[str, Any]) -> dict[str, Any]:
    """One partial, range, … may be given bare."""
    for key in ("partials", "aliases", "integers", "kinks"):
        if key in fields and not isinstance(fields[key], tuple):
            fields[key] = (fields[key],)
    if "samples" in fields and not isinstance(fields["samples"][0], tuple):
        fields["samples"] = (fields["samples"],)
    return fields


def _restored(name: str, spec: tuple[Any, ...], args: tuple[Expr, ...]) -> Expr:
    """An applied function out of a pickle."""
    from symderive.formulas.functions import FUNCTIONS, user_function

    row = user_function(*spec) if spec else FUNCTIONS[name]
    return row.apply(*args)
