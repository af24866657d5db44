"""How much of a Push request is read, and how much memory that takes.

A few hundred bytes can unpack to a request of millions of series, so reading is allowed step by step.
"""

from __future__ import annotations

from typing import Final, NoReturn

MAX_FIELDS: Final = 200_000
"""The most fields that are read of a request, over all messages; for JSON, the most tokens."""

MAX_TEXT_BYTES: Final = 16 << 20
"""The most bytes of labels and other texts that are read of a request."""

MAX_LABELS: Final = 10_000
"""The most labels that a series may have."""

_FIELD_BYTES: Final = 256
_TEXT_BYTES: Final = 5  # for each byte: a character takes up to four bytes, and its encoded form another


class Overrun(ValueError):
    """There is more to read than is allowed."""


class Allowance:
    """What may be read of one request; reading beyond it raises Overrun.

    fields, text: what is left, in fields and in bytes of text. shared: label sets are remembered for later
    requests; only one thread may do that.
    """

    __slots__ = ("_fields", "_text", "fields", "shared", "text")

    def __init__(self, fields: int = MAX_FIELDS, text: int = MAX_TEXT_BYTES, *, shared: bool = False) -> None:
        self.fields = self._fields = fields
        self.text = self._text = text
        self.shared = shared

    def take(self, fields: int = 1) -> None:
        """Count `fields` fields as read."""
        self.fields -= fields
        if self.fields < 0:
            self.too_many_fields()

    def take_text(self, size: int) -> None:
        """Count a text of `size` bytes as read."""
        self.text -= size
        if self.text < 0:
            raise Overrun(f"more than {self._text} bytes of text")

    def too_many_fields(self) -> NoReturn:
        """Raise Overrun: there are more fields than allowed."""
        raise Overrun(f"more than {self._fields} fields")

    def most(self, size: int) -> int:
        """The most memory, in bytes without raw profiles, that reading a request of `size` bytes takes."""
        return min(self._fields, size // 2 + 1) * _FIELD_BYTES + min(self._text, size) * _TEXT_BYTES

    def taken(self) -> int:
        """Roughly how many bytes of memory reading has taken so far."""
        return (self._fields - self.fields) * _FIELD_BYTES + (self._text - self.text) * _TEXT_BYTES
