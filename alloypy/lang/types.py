"""Wanted types: what each place in the configuration accepts.

`schema` derives one from every declared field; `lang.conversion.convert` turns a
value into it, by the decoding rules of docs/spec/SYNTAX.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from alloypy.lang.values import Capsule


class PlainType:
    """A type without parameters: all of its instances are equal, and only to each other."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class AnyType(PlainType):
    """Takes any value as it is."""

    __slots__ = ()


class BoolType(PlainType):
    """bool."""

    __slots__ = ()


class StringType(PlainType):
    """str."""

    __slots__ = ()


class BytesType(PlainType):
    """bytes, from a string or a byte array."""

    __slots__ = ()


class IntType(NamedTuple):
    """An integer of `bits` bits; conversion wraps as Go's does."""

    bits: int = 64
    signed: bool = True


class FloatType(PlainType):
    """A 64-bit float."""

    __slots__ = ()


class DurationType(PlainType):
    """A Go duration, from a string such as "1m30s"."""


class SecretType(PlainType):
    """A `Secret`."""

    __slots__ = ()


class OptionalSecretType(PlainType):
    """An `OptionalSecret`."""

    __slots__ = ()


class TextType(NamedTuple):
    """A type with its own text form (enumerations, regular expressions, byte sizes).

    parse: str -> value; raises ValueError whose text becomes the diagnostic.
    zero: the value of null and of an absent field.
    format: value -> str for the API.
    null_error: the static check's error for null, "" if null is accepted.
    """

    name: str
    parse: Callable[[str], Any]
    zero: Any = ""
    format: Callable[[Any], str] = str
    null_error: str = ""


class CapsuleType(NamedTuple):
    """A capsule of one class, such as a profiles receiver. `cls.kind` names it in errors."""

    cls: type[Capsule]


class ListType(NamedTuple):
    """A list; `length` for a fixed array."""

    element: Type
    length: int | None = None


class MapType(NamedTuple):
    """An object with free keys and one value type."""

    element: Type


class ObjectField(NamedTuple):
    """One key of an ObjectType."""

    name: str
    type: Type
    required: bool


class ObjectType(NamedTuple):
    """An object with fixed keys; `make` builds the Python value from keyword arguments."""

    fields: tuple[ObjectField, ...]
    make: Callable[..., Any] = dict


class NullableType(NamedTuple):
    """`inner`, or None for null (Go's pointers)."""

    inner: Type


Type: TypeAlias = (
    AnyType
    | BoolType
    | StringType
    | BytesType
    | IntType
    | FloatType
    | DurationType
    | SecretType
    | OptionalSecretType
    | TextType
    | CapsuleType
    | ListType
    | MapType
    | ObjectType
    | NullableType
)
