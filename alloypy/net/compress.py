"""gzip bodies, unpacked within bounds, with Go's texts for what is wrong with them.

Source: PYROSCOPE spec section 3.5.
"""

from __future__ import annotations

import zlib

from alloypy.net.body import BodyTooLarge
from alloypy.profiles.model import Buffer

_HEADER_SIZE = 10
_GZIP_FORMAT = 31
_MOST_MEMBERS = 1000
_PIECE = 64 << 10
_HEADER_FAULTS = ("header", "compression method")
_CHECKSUM_FAULTS = ("data check", "length check")

# The answers of a service that has nothing to say, as Go's gzip writes them.
_READY_MADE = {
    b"": bytes.fromhex("1f8b08000000000000ff010000ffff0000000000000000"),
    b"{}": bytes.fromhex("1f8b08000000000000ffaaae05040000ffff43bfa6a302000000"),
}


class GzipError(ValueError):
    """The bytes are not a gzip stream; the text is the reason, in Go's words."""


def gunzip(body: Buffer, limit: int) -> bytes:
    """The content of a gzip stream of one or more members, at most `limit` bytes.

    Raises GzipError, BodyTooLarge.
    """
    view = memoryview(body)
    parts = []
    room, position = limit, 0
    step = "get decompressor"
    for _ in range(_MOST_MEMBERS):
        if len(view) - position < _HEADER_SIZE:
            raise GzipError(f"{step}: unexpected EOF")
        unpacker = zlib.decompressobj(_GZIP_FORMAT)
        while not unpacker.eof:
            # In pieces, so that what follows a member is not copied as a whole.
            piece = view[position : position + _PIECE]
            try:
                part = unpacker.decompress(piece, room + 1)
            except zlib.error as fault:
                raise GzipError(_reason(str(fault), step)) from None
            room -= len(part)
            if room < 0:
                raise BodyTooLarge(f"request body is larger than {limit} bytes")
            parts.append(part)
            position += len(piece) - len(unpacker.unused_data)
            if position == len(view) and not unpacker.eof:
                raise GzipError("decompress: unexpected EOF")
        if position == len(view):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        step = "decompress"
    raise GzipError(f"decompress: more than {_MOST_MEMBERS} members")


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
