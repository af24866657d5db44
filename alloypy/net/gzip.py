"""gzip bodies, unpacked within bounds, with Go's error texts.

Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

import zlib

from alloypy.net.http_status import body_too_large
from alloypy.profiles.model import Buffer

_HEADER_BYTES = 10
_GZIP_FORMAT = 31
_MOST_MEMBERS = 1000
_PIECE_BYTES = 64 << 10
_PART_BYTES = 1 << 20
_STEPS = ("get decompressor", "decompress")
_HEADER_FAULTS = ("header", "compression method")
_CHECKSUM_FAULTS = ("data check", "length check")

# Empty answers, as Go's gzip compresses them.
_READY_MADE = {
    b"": bytes.fromhex("1f8b08000000000000ff010000ffff0000000000000000"),
    b"{}": bytes.fromhex("1f8b08000000000000ffaaae05040000ffff43bfa6a302000000"),
}


class GzipError(ValueError):
    """The bytes are not a gzip stream; the text is the reason, in Go's words."""


class TooLarge(ValueError):
    """The stream's content is larger than allowed."""


class Unpacking:
    """A gzip stream of one or more members, unpacked in short steps, each of a bounded size.

    limit: the most bytes of content allowed. size: bytes of content so far.
    """

    def __init__(self, body: Buffer, limit: int) -> None:
        self.size = 0
        self._view = memoryview(body)
        self._limit = limit
        self._position = 0
        self._members = 0
        self._unpacker: zlib._Decompress | None = None
        self._content: bytes | bytearray = b""

    @property
    def content(self) -> Buffer:
        """What has been unpacked so far."""
        return self._content

    def advance(self, most: int) -> bool:
        """Unpack at most `most` more bytes; returns whether that was all. Raises GzipError, TooLarge."""
        room = most
        while True:
            unpacker = self._unpacker or self._next_member()
            while not unpacker.eof:
                if not room:
                    return False
                room -= self._unpack(unpacker, min(room, _PART_BYTES, self._limit + 1 - self.size))
            if self._position == len(self._view):
                return True
            self._unpacker = None

    def _next_member(self) -> zlib._Decompress:
        if len(self._view) - self._position < _HEADER_BYTES:
            raise GzipError(f"{_STEPS[self._members > 0]}: unexpected EOF")
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise GzipError(f"decompress: more than {_MOST_MEMBERS} members")
        self._unpacker = zlib.decompressobj(_GZIP_FORMAT)
        return self._unpacker

    def _unpack(self, unpacker: zlib._Decompress, most: int) -> int:
        """Unpack the next piece of the stream; returns the bytes of its content, at most `most`."""
        # In pieces, so that what follows a member is not copied as a whole.
        piece = self._view[self._position : self._position + _PIECE_BYTES]
        try:
            part = unpacker.decompress(piece, most)
        except zlib.error as fault:
            raise GzipError(_reason(str(fault), _STEPS[self._members > 1])) from None
        # zlib does not empty the tail at the end of a member.
        self._position += len(piece) - len(unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail)
        self.size += len(part)
        if self.size > self._limit:
            raise TooLarge(body_too_large(self._limit))
        if len(part) < most and self._position == len(self._view) and not unpacker.eof:
            raise GzipError("decompress: unexpected EOF")
        if not self._content:
            self._content = part
        elif part:
            if not isinstance(self._content, bytearray):
                self._content = bytearray(self._content)
            self._content += part
        return len(part)


def gunzip(body: Buffer, limit: int) -> bytes:
    """The content of a gzip stream of one or more members, at most `limit` bytes.

    Raises GzipError, TooLarge.
    """
    unpacking = Unpacking(body, limit)
    unpacking.advance(limit + 1)
    return bytes(unpacking.content)


def compress(body: bytes) -> bytes:
    """A gzip stream of a small body."""
    ready = _READY_MADE.get(body)
    return zlib.compress(body, wbits=_GZIP_FORMAT) if ready is None else ready


def _reason(fault: str, step: str) -> str:
    if any(part in fault for part in _HEADER_FAULTS):
        return f"{step}: gzip: invalid header"
    if any(part in fault for part in _CHECKSUM_FAULTS):
        return "decompress: gzip: invalid checksum"
    return "decompress: flate: corrupt input"
