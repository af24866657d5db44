"""Records and footers as they are in a file.

A record is a head of 36 bytes (little endian: magic u32, CRC-32 of the rest of the head u32, number u64,
time of reception in nanoseconds since 1970 u64, length of the meta u32, length of the body u32, CRC-32 of
meta and body u32), its meta and its body. A footer of 56 bytes ends a file that is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from alloypy.queueing.disk import Buffer

MAGIC = 0x31514C41  # ALQ1
MAGIC_BYTES = MAGIC.to_bytes(4, "little")
HEAD_BYTES = 36
FOOTER_BYTES = 56
MOST_META_BYTES = 1 << 20
MOST_BODY_BYTES = 1 << 30

_START = Struct("<II")
_REST = Struct("<QQIII")
_FOOTER_MAGIC = 0x46514C41  # ALQF
_FOOTER = Struct("<QQQQQQ")


class Place(NamedTuple):
    """Where a record is. Ordered as the records are; `seq` alone names it, for ever.

    segment: the number of its file; 0 for a dead letter that is delivered again.
    """

    segment: int
    seq: int


NOWHERE = Place(0, 0)
"""Of a record that is not stored yet."""


class Record:
    """A record. It never changes once it is stored.

    received_at: nanoseconds since 1970, by the clock of the log that stored it.
    body: in pieces, which are not copied. size: the bytes that it takes in a file.
    crashes: how often the process ended while this record was being delivered.
    note: as given to `Log.put`, while the record is in memory.
    """

    __slots__ = ("body", "crashes", "meta", "note", "place", "received_at", "size")

    def __init__(
        self,
        place: Place,
        received_at: int,
        meta: bytes,
        body: Sequence[Buffer],
        *,
        size: int = 0,
        crashes: int = 0,
        note: object = None,
    ) -> None:
        self.place = place
        self.received_at = received_at
        self.meta = meta
        self.body = body
        self.size = size or HEAD_BYTES + len(meta) + sum(map(len, body))
        self.crashes = crashes
        self.note = note

    def after(self, crashes: int) -> Record:
        """The same record after so many crashes."""
        return Record(
            self.place,
            self.received_at,
            self.meta,
            self.body,
            size=self.size,
            crashes=crashes,
            note=self.note,
        )

    def alone(self) -> Record:
        """The same record without what it came with: a piece of a file, or a note."""
        body = (b"".join(self.body),)
        return Record(self.place, self.received_at, self.meta, body, size=self.size, crashes=self.crashes)


class Head(NamedTuple):
    """What the head of a record says."""

    seq: int
    received_at: int
    meta: int
    body: int
    crc: int

    @property
    def size(self) -> int:
        """The bytes of the whole record."""
        return HEAD_BYTES + self.meta + self.body


class Footer(NamedTuple):
    """What the end of a complete file says: its numbers, records, bytes of records, and times."""

    first: int
    last: int
    records: int
    size: int
    first_at: int
    last_at: int


def framed(seq: int, received_at: int, meta: bytes, body: Sequence[Buffer]) -> bytes:
    """The head of a record, and its meta."""
    crc = crc32(meta)
    size = 0
    for part in body:
        crc = crc32(part, crc)
        size += len(part)
    rest = _REST.pack(seq, received_at, len(meta), size, crc)
    return _START.pack(MAGIC, crc32(rest)) + rest + meta


def head_of(data: Buffer) -> Head | None:
    """The head at the beginning of `data`; None if there is no good one."""
    if len(data) < HEAD_BYTES:
        return None
    magic, crc = _START.unpack_from(data)
    if magic != MAGIC or crc32(memoryview(data)[8:HEAD_BYTES]) != crc:
        return None
    return Head(*_REST.unpack_from(data, 8))


def footer(content: Footer) -> bytes:
    """A footer as it is in a file."""
    rest = _FOOTER.pack(*content)
    return rest + _START.pack(crc32(rest), _FOOTER_MAGIC)


def footer_of(data: Buffer) -> Footer | None:
    """The footer in `data`; None if it is none."""
    if len(data) != FOOTER_BYTES:
        return None
    crc, magic = _START.unpack_from(data, FOOTER_BYTES - 8)
    if magic != _FOOTER_MAGIC or crc32(memoryview(data)[: FOOTER_BYTES - 8]) != crc:
        return None
    return Footer(*_FOOTER.unpack_from(data))
