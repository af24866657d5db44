"""Paths and the equations in their filters, as values.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias


class Root(NamedTuple):
    """`$`: the whole document."""

    sign: str = "$"


class Here(NamedTuple):
    """`@`: the current value."""

    sign: str = "@"


class Child(NamedTuple):
    """`.name` or `['name']`."""

    name: str


class Nth(NamedTuple):
    """`[3]`; negative numbers count from the end."""

    number: int


class Wildcard(NamedTuple):
    """`.*` or `[*]`."""

    sign: str = "*"


class Descent(NamedTuple):
    """`..`: the value and everything inside it."""

    sign: str = ".."


class Union(NamedTuple):
    """`['a', 1]`: names and indices."""

    members: tuple[str | int, ...]


class Slice(NamedTuple):
    """`[start:end:step]`."""

    start: int
    end: int
    step: int


class Filter(NamedTuple):
    """`[?...]`: the elements for which the equation holds."""

    equation: Equation


Fragment: TypeAlias = Root | Here | Child | Nth | Wildcard | Descent | Union | Slice | Filter
Path: TypeAlias = tuple[Fragment, ...]


class Nothing:
    """The value of a path in an equation that finds nothing."""

    def __repr__(self) -> str:
        return "Nothing"


NOTHING = Nothing()


class Operation(NamedTuple):
    """An operator or function of equations. Lower precedence binds tighter."""

    name: str
    precedence: int
    operands: int = 2


GROUP = Operation("(", 0, 1)
NOT = Operation("!", 0, 1)
OPERATIONS: dict[str, Operation] = {
    "!": NOT,
    "*": Operation("*", 1),
    "/": Operation("/", 1),
    "+": Operation("+", 2),
    "-": Operation("-", 2),
    **{
        name: Operation(name, 3)
        for name in ("==", "!=", "<", ">", "<=", ">=", "in", "empty", "has", "exists", "~=")
    },
    "=~": Operation("~=", 3),
    "&&": Operation("&&", 4),
    "||": Operation("||", 4),
    "length": Operation("length", 0, 1),
    "count": Operation("count", 0, 1),
    "match": Operation("match", 0),
    "search": Operation("search", 0),
}


class Equation:
    """An operation and its sides; or, if `operation` is None, a constant or a path."""

    __slots__ = ("constant", "left", "operation", "right")

    def __init__(
        self,
        operation: Operation | None = None,
        left: Equation | None = None,
        right: Equation | None = None,
        constant: Any = None,
    ) -> None:
        self.operation = operation
        self.left = left
        self.right = right
        self.constant = constant
