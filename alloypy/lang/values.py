"""Alloy values as Python objects.

| Alloy    | Python |
|----------|--------|
| null     | None |
| bool     | bool |
| number   | int (64-bit, wrapped), UInt (64-bit unsigned), float |
| string   | str; bytes that are not UTF-8 travel as surrogate escapes |
| array    | list, or bytes (what base64 decoding gives: an array of numbers that still decodes to string) |
| object   | dict with str keys |
| function | Function |
| capsule  | Capsule and its subclasses (Secret, OptionalSecret, receivers, rules) |

Values are treated as frozen: whoever needs another value makes one.
Source: spec section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias


class UInt(int):
    """An unsigned 64-bit number."""

    __slots__ = ()


class Capsule:
    """A value that expressions can only pass on.

    kind: the name that type errors and the API print, such as `pyroscope.Appendable`.
    """

    __slots__ = ()
    kind: ClassVar[str] = "any"

    def describe(self) -> str:
        """What the API shows instead of the content."""
        return f'capsule("{type(self).kind}")'


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
    """A callable of the standard library. `call` gets evaluated arguments and returns a value."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[[Sequence[Value]], Value]) -> None:
        self.name = name
        self.call = call


Value: TypeAlias = Any
"""Any of the Python types in the table above.

An exact recursive union would cost more casts than it finds faults.
"""

Variables: TypeAlias = Mapping[str, Value]


class Duration(int):
    """A span of time in nanoseconds, as Go counts them."""

    __slots__ = ()

    @property
    def seconds(self) -> float:
        """The span in seconds."""
        return int(self) / 1e9
