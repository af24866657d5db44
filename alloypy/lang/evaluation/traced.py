"""Values with an identity, so that an error can point at the expression they came from.

Alloy finds the expression of a faulty value by the identity of that value. Each large value has its
own; equal small numbers, booleans and empty strings share one wherever they occur, so that an error
about `1` points at the last `1` evaluated. Errors here do the same.
Source: docs/spec/SYNTAX.md, section 5, `Error text`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

from alloypy.lang.values import Capsule, Function, StringMap, UInt, Value

LITERAL = "int64"
"""Whole numbers of literals and operators."""
GIVEN = "int"
"""Whole numbers of variables and decoded YAML, which are never the same as those of literals."""
OWN = ""
"""Results of functions, which are never the same as any other value."""

Children: TypeAlias = "dict[Any, Traced]"
"""Parts by index or key."""


class Traced:
    """A value, its identity, and those of its parts that have been accessed.

    value: the value itself, as a whole.
    origin: LITERAL, GIVEN or OWN; decides which small values are the same.
    """

    __slots__ = ("_children", "key", "origin", "value")

    def __init__(self, value: Value, origin: str, children: Children | None = None) -> None:
        self.value = value
        self.origin = origin
        self._children: Children = {} if children is None else children
        self.key: Hashable = self if (shared := _shared_key(value, origin)) is None else shared

    @property
    def is_null(self) -> bool:
        """Whether the value is null, which has no identity."""
        return self.value is None

    def child(self, step: int | str) -> Traced:
        """The part at an index or key, which must exist."""
        if isinstance(self.value, StringMap):
            return Traced(self.value[str(step)], OWN)
        known = self._children.get(step)
        if known is None:
            known = self._children[step] = Traced(self._part(step), self.origin)
        return known

    def _part(self, step: int | str) -> Value:
        value = self.value
        if isinstance(value, bytes) and isinstance(step, int):
            return UInt(value[step])
        if isinstance(value, Capsule):
            return (value.fields() or {})[str(step)]
        return value[step]

    def elements(self) -> list[Traced]:
        """The parts of an array."""
        return [self.child(index) for index in range(len(self.value))]

    def fields(self) -> dict[str, Traced] | None:
        """The parts of an object, or of a capsule that converts to one; None for anything else."""
        value = self.value.fields() if isinstance(self.value, Capsule) else self.value
        if not isinstance(value, Mapping):
            return None
        return {key: self.child(key) for key in value}


def array(elements: Sequence[Traced], origin: str = LITERAL) -> Traced:
    """An array of traced elements."""
    return Traced([element.value for element in elements], origin, dict(enumerate(elements)))


def object_of(fields: Mapping[str, Traced], origin: str = LITERAL) -> Traced:
    """An object of traced fields."""
    return Traced({key: field.value for key, field in fields.items()}, origin, dict(fields))


def _shared_key(value: Value, origin: str) -> Hashable | None:
    kind = type(value)
    if kind is bool:
        return (bool, value)
    if isinstance(value, Function):
        return value
    if origin == OWN:
        return None
    if kind is int:
        return (origin, value) if 0 <= value < 256 else None
    if kind is UInt:
        return (UInt, int(value)) if value < 256 else None
    if kind is float:
        return (float, 0) if value == 0 and math.copysign(1, value) > 0 else None
    return (str, "") if kind is str and not value else None
