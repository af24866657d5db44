"""Alloy values as Python objects.

| Alloy    | Python |
|----------|--------|
| null     | None |
| bool     | bool |
| number   | int (64-bit, wrapped), UInt (64-bit unsigned), float |
| string   | str; bytes that are not UTF-8 travel as surrogate escapes; Duration, by its text form |
| array    | list, or bytes (from base64 decoding: an array of numbers that still decodes to string) |
| object   | dict with str keys |
| function | Function |
| capsule  | Capsule and its subclasses (Secret, OptionalSecret, receivers, rules) |

Values are treated as frozen: code that needs another value makes a new one.
Source: docs/spec/SYNTAX.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from alloypy.lang.go.duration import Duration


class UInt(int):
    """An unsigned 64-bit number."""

    __slots__ = ()


class Capsule:
    """A value that expressions can only pass on.

    kind: the name that type errors and the API print, such as `pyroscope.Appendable`.
    concrete: the name that the API prints in a place for values of any type, if Alloy's differs there.
    receives: whether data flows to the component that exports it, as to a receiver; otherwise data flows to
        the components that refer to it.
    literal_form: how the static check treats array and object literals in its place: `interface` (accepts
        them), `struct` (rejects them), `object` (converts an object), or the wanted type of the elements of
        an array.
    """

    __slots__ = ()
    kind: ClassVar[str] = "any"
    concrete: ClassVar[str] = ""
    receives: ClassVar[bool] = False
    literal_form: ClassVar[Any] = "interface"

    def describe(self) -> str:
        """What the API shows instead of the content."""
        return f'capsule("{type(self).concrete or type(self).kind}")'

    def type_text(self) -> str:
        """The name of this capsule in type errors; never its content."""
        return f'capsule("{type(self).kind}")'

    def fields(self) -> Mapping[str, Value] | None:
        """The object that this capsule converts to, such as a target's labels; None if there is none."""
        return None

    @classmethod
    def from_value(cls, value: Value) -> Capsule | None:
        """A capsule of this class made from `value`; None if this class does not accept such values.

        Raises ValueError, whose text becomes the diagnostic, if it accepts such values but not this one.
        """
        return None


class Secret(Capsule):
    """A string that must never be shown. Compares by content."""

    __slots__ = ("_text",)
    kind = "alloytypes.Secret"

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The content. Call it only where the secret is sent or compared."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "(secret)"

    def describe(self) -> str:
        return "(secret)"


class OptionalSecret(Capsule):
    """A string that may be a secret, as `local.file` exports it."""

    __slots__ = ("_text", "is_secret")
    kind = "alloytypes.OptionalSecret"

    def __init__(self, text: str, is_secret: bool) -> None:
        self._text = text
        self.is_secret = is_secret

    def reveal(self) -> str:
        """The content, secret or not."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OptionalSecret) and (other._text, other.is_secret) == (
            self._text,
            self.is_secret,
        )

    def __hash__(self) -> int:
        return hash((OptionalSecret, self._text, self.is_secret))

    def __repr__(self) -> str:
        return "(secret)" if self.is_secret else repr(self._text)

    def describe(self) -> str:
        return "(secret)" if self.is_secret else self._text


class Function:
    """A function of the standard library; subclasses define how it is called.

    name: its full name, such as `string.format`.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


Value: TypeAlias = Any
"""Any of the Python types in the table above.

An exact recursive union would need more casts than it would find faults.
"""

Variables: TypeAlias = Mapping[str, Value]


class StringMap(dict[str, str]):
    """An object whose type allows only strings; each access to a value makes a new one."""

    __slots__ = ()


class Kind:
    """Names of the value types, as type errors print them."""

    NULL = "null"
    NUMBER = "number"
    STRING = "string"
    BOOL = "bool"
    ARRAY = "array"
    OBJECT = "object"
    FUNCTION = "function"
    CAPSULE = "capsule"


_KINDS: dict[type, str] = {
    type(None): Kind.NULL,
    bool: Kind.BOOL,
    int: Kind.NUMBER,
    UInt: Kind.NUMBER,
    float: Kind.NUMBER,
    str: Kind.STRING,
    Duration: Kind.STRING,
    list: Kind.ARRAY,
    tuple: Kind.ARRAY,
    bytes: Kind.ARRAY,
    dict: Kind.OBJECT,
}


def kind_of(value: Value) -> str:
    """The type of `value` as Alloy names it (one of `Kind`)."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, Function):
        return Kind.FUNCTION
    if isinstance(value, Capsule):
        return Kind.CAPSULE
    for base, name in _KINDS.items():
        if isinstance(value, base):
            return name
    return Kind.OBJECT if isinstance(value, Mapping) else Kind.CAPSULE


def text_of(value: Value) -> str:
    """The text of a value whose kind is string."""
    return str(value)
