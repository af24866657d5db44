"""Messages on a stream of bytes: a header with the length, an empty line, and the content.

Source: Language Server Protocol 3.17, "Base Protocol".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

LARGEST_MESSAGE_BYTES = 64 << 20
"""Room for the largest text that is opened, but not for all that a broken client may send."""
_LONGEST_LINE_BYTES = 4096
_SKIPPED_BYTES = 1 << 16
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\Z", re.IGNORECASE)
"""At the end of a line: the rest of a message that was longer than it said may come before it."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:[^\x00-\x08\x0a-\x1f]*")


class Stream(Protocol):
    """Where bytes come from. Both functions return fewer bytes only at the end."""

    def readline(self, size: int, /) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...


class FramingError(Exception):
    """What came is not a message; the stream can be read further."""


def read_message(stream: Stream, begun: Callable[[], None] = lambda: None) -> bytes | None:
    """The content of the next message; None at the end of the stream.

    begun: called once the first line of a message, or the end, has come.
    Raises FramingError for a header that cannot be understood, and for a message that is too long.
    """
    length = _length(stream, begun)
    if length is None:
        return None
    if length > LARGEST_MESSAGE_BYTES:
        _skip(stream, length)
        raise FramingError(f"the message is longer than {LARGEST_MESSAGE_BYTES} bytes")
    content = stream.read(length)
    return content if len(content) == length else None


def _length(stream: Stream, begun: Callable[[], None]) -> int | None:
    """Reads a header, and returns the length that it names; None at the end of the stream."""
    length: int | None = None
    fault = ""
    line = stream.readline(_LONGEST_LINE_BYTES)
    begun()
    while line:
        content = line.rstrip(b"\r\n")
        found = _LENGTH.search(content)
        if found is not None:
            length = int(found[1])
        elif not content and line.endswith(b"\n"):
            if length is not None:
                return length
            if fault:
                raise FramingError(fault)
        elif not _FIELD.fullmatch(content):
            fault = "the header of a message has lines `Name: value`, one of which is Content-Length"
        elif length is None and not fault:
            fault = "the header of the message has no Content-Length"
        line = stream.readline(_LONGEST_LINE_BYTES)
    return None


def _skip(stream: Stream, length: int) -> None:
    while length > 0 and (skipped := stream.read(min(length, _SKIPPED_BYTES))):
        length -= len(skipped)
