"""How much of a Push request is read, and what it takes then.

A few hundred bytes can unpack to a request of millions of series; what is read of it is allowed step by step.
"""

from __future__ import annotations

from typing import NoReturn

MAX_FIELDS = 200_000
"""So many fields of a request are read, over all messages; of JSON so many tokens."""

MAX_TEXT_BYTES = 16 << 20
"""So many bytes of labels and other texts are read of a request."""

MAX_LABELS = 10_000
"""So many labels may a series have."""

_FIELD_BYTES = 256
_TEXT_BYTES = 5  # for each: a character takes up to four bytes, and its encoded form one again


class Overrun(ValueError):
    """There is more to read than was allowed."""


class Allowance:
    """What may be read of one request; reading beyond it raises Overrun.

    fields, text: what is left, in fields and in bytes of text. shared: label sets are remembered for further
    requests, which one thread may do only.
    """

    __slots__ = ("_fields", "_text", "fields", "shared", "text")

    def __init__(self, fields: int = MAX_FIELDS, text: int = MAX_TEXT_BYTES, *, shared: bool = False) -> None:
        self.fields = self._fields = fields
        self.text = self._text = text
        self.shared = shared

    def take(self, fields: int = 1) -> None:
        """Read so many fields."""
        self.fields -= fields
        if self.fields < 0:
            self.too_many_fields()

    def take_text(self, size: int) -> None:
        """Read a text of `size` bytes."""
        self.text -= size
        if self.text < 0:
            raise Overrun(f"more than {self._text} bytes of text")

    def too_many_fields(self) -> NoReturn:
        """There are more fields than allowed."""
        raise Overrun(f"more than {self._fields} fields")

    def most(self, size: int) -> int:
        """How many bytes may be taken, besides raw profiles, by what is read of a request of `size` bytes."""
        return min(self._fields, size // 2 + 1) * _FIELD_BYTES + min(self._text, size) * _TEXT_BYTES

    def taken(self) -> int:
        """How many bytes are taken so, about."""
        return (self._fields - self.fields) * _FIELD_BYTES + (self._text - self.text) * _TEXT_BYTES
