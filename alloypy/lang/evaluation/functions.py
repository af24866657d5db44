"""The two kinds of function in the standard library.

Source: docs/spec/SYNTAX.md, section 5, `Standard library`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from alloypy.lang import texts
from alloypy.lang.conversion import ConversionError, convert
from alloypy.lang.evaluation.effort import make, spend
from alloypy.lang.evaluation.faults import BadValueError, Link, conversion_links, fault
from alloypy.lang.evaluation.traced import OWN, Traced
from alloypy.lang.types import AnyType, ListType, SecretType, Type
from alloypy.lang.values import Function, Secret, Value


class FunctionError(Exception):
    """A function rejects its arguments; the fault is reported at the function's expression."""


class Example(NamedTuple):
    """An expression and its value, both as `alloypy eval` reads and prints them.

    variable: an environment variable to set meanwhile, as `NAME=value`; empty if none is needed.
    """

    expression: str
    value: str
    variable: str = ""


class Manual(NamedTuple):
    """The reference text of a function.

    takes: its arguments as `name: type` in the notation of the catalog, `names: type...` for any number.
    gives: the type of its value.
    words: what it does, first sentence first.
    """

    takes: tuple[str, ...]
    gives: str
    words: str
    examples: tuple[Example, ...]


class LibraryFunction(Function):
    """A function that expressions can call; `manual` describes it."""

    __slots__ = ("manual",)

    def __init__(self, name: str, manual: Manual) -> None:
        super().__init__(name)
        self.manual = manual

    @property
    @abstractmethod
    def go_type(self) -> str:
        """The function's Go type, as `string.format` prints it."""

    @abstractmethod
    def apply(self, callee: Traced, args: Sequence[Traced]) -> Traced:
        """The value of `callee(args)`. callee: this function. Raises BadValueError, EvaluationError."""


class TypedFunction(LibraryFunction):
    """A function whose arguments are decoded to declared types.

    parameters: the wanted types. rest: the type of all further arguments; None if there must be none.
    body: receives the decoded arguments; raises FunctionError.
    returns: the Go type of the result.
    weight: the work that a text argument causes, in steps per 64 characters.
    origin: the origin of its result's small values (see `alloypy.lang.evaluation.traced`).
    """

    __slots__ = ("body", "origin", "parameters", "rest", "returns", "weight")

    def __init__(
        self,
        name: str,
        parameters: tuple[Type, ...],
        body: Callable[..., Value],
        manual: Manual,
        rest: Type | None = None,
        returns: str = "string",
        origin: str = OWN,
        weight: int = 1,
    ) -> None:
        super().__init__(name, manual)
        self.parameters = parameters
        self.body = body
        self.rest = rest
        self.returns = returns
        self.origin = origin
        self.weight = weight

    @property
    def go_type(self) -> str:
        parameters = [_go_name(parameter) for parameter in self.parameters]
        if self.rest is not None:
            parameters.append(f"...{_go_name(self.rest)}")
        return f"func({', '.join(parameters)}) {self.returns}"

    def apply(self, callee: Traced, args: Sequence[Traced]) -> Traced:
        wrong = self.wrong_count(len(args))
        if wrong is not None:
            raise fault(callee, wrong)
        wanted = [*self.parameters, *self._rest_of(len(args))]
        decoded: list[Any] = []
        for arg, parameter in zip(args, wanted, strict=True):
            try:
                decoded.append(convert(arg.value, parameter))
            except ConversionError as error:
                raise argument_fault(arg, conversion_links(arg, error)) from None
        size = sum(len(each) for each in decoded if isinstance(each, str | bytes))
        spend(1 + size * self.weight // 64)
        make(size // 4)
        try:
            return Traced(self.body(*decoded), self.origin)
        except FunctionError as error:
            raise fault(callee, str(error)) from None

    def _rest_of(self, count: int) -> list[Type]:
        return [] if self.rest is None else [self.rest] * (count - len(self.parameters))

    def wrong_count(self, count: int) -> str | None:
        """What is wrong with `count` arguments; None if that is the right number."""
        expected, more = len(self.parameters), self.rest is not None
        wrong = count < expected if more else count != expected
        return texts.wrong_count(expected, count, more=more) if wrong else None


class TracedFunction(LibraryFunction):
    """A function whose result contains its arguments, or parts of them, unchanged.

    body: receives the arguments undecoded; raises BadValueError or EvaluationError.
    """

    __slots__ = ("body",)

    def __init__(self, name: str, body: Callable[[Sequence[Traced]], Traced], manual: Manual) -> None:
        super().__init__(name, manual)
        self.body = body

    @property
    def go_type(self) -> str:
        return "value.RawFunction"

    def apply(self, callee: Traced, args: Sequence[Traced]) -> Traced:
        return self.body(args)


def _go_name(parameter: Type) -> str:
    match parameter:
        case ListType():
            return f"[]{_go_name(parameter.element)}"
        case SecretType():
            return Secret.kind
        case AnyType():
            return "interface {}"
    return "string"


def argument_fault(argument: Traced, links: Sequence[Link]) -> BadValueError:
    """A fault inside an argument; `links` lead from the argument to the value at fault."""
    return BadValueError([Link(argument), *links])
