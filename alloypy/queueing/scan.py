"""Reads files of records, also damaged ones: what is good is found again after what is not."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from alloypy.queueing.disk import Disk
from alloypy.queueing.record import HEAD_BYTES, MAGIC_BYTES, Head, head_of

PIECE_BYTES = 256 << 10
_PAGE_BYTES = 4096


class Found(NamedTuple):
    """A record with a good head, and its offset. Whether the rest is good is not known yet."""

    at: int
    head: Head


class Window:
    """A file up to `end`, read in pieces; `end` must not lie after the end of the file.

    is_patient: what the disk cannot read counts as zeros, and thus as damaged.
    """

    def __init__(self, disk: Disk, descriptor: int, end: int, *, is_patient: bool = False) -> None:
        self._disk = disk
        self._is_patient = is_patient
        self._descriptor = descriptor
        self.end = end
        self._at = 0
        self._data = b""

    def view(self, at: int, size: int) -> memoryview:
        """The bytes at `at`, fewer at the end. Raises OSError."""
        size = min(size, self.end - at)
        start = at - self._at
        if start < 0 or start + size > len(self._data):
            wanted = min(max(size, PIECE_BYTES), self.end - at)
            self._data, self._at, start = self._read(wanted, at), at, 0
        return memoryview(self._data)[start : start + size]

    def _read(self, size: int, at: int) -> bytes:
        try:
            return self._disk.read(self._descriptor, size, at)
        except OSError as error:
            if not self._is_patient or error.errno != errno.EIO:
                raise
        pages = []
        while size > 0:
            part = min(size, _PAGE_BYTES - at % _PAGE_BYTES)
            try:
                pages.append(self._disk.read(self._descriptor, part, at).ljust(part, b"\0"))
            except OSError:
                pages.append(bytes(part))
            at += part
            size -= part
        return b"".join(pages)

    def crc(self, at: int, size: int) -> int:
        """The CRC-32 of a part, whatever its size, without holding it whole."""
        crc = 0
        while size > 0:
            part = self.view(at, min(size, PIECE_BYTES))
            if not part:
                return -1
            crc = crc32(part, crc)
            at += len(part)
            size -= len(part)
        return crc


def records(window: Window, at: int) -> Iterator[Found]:
    """The records from `at` on that have a good head and lie within the file."""
    while at + HEAD_BYTES <= window.end:
        head = head_of(window.view(at, HEAD_BYTES))
        if head is None or at + head.size > window.end:
            at = _next_head(window, at + 1)
            continue
        yield Found(at, head)
        at += head.size


def is_good(window: Window, found: Found) -> bool:
    """Whether meta and body are as they were written."""
    head = found.head
    return window.crc(found.at + HEAD_BYTES, head.meta + head.body) == head.crc


def _next_head(window: Window, at: int) -> int:
    """The offset of the next good head of a record that fits; the end if there is none."""
    while at + HEAD_BYTES <= window.end:
        piece = bytes(window.view(at, PIECE_BYTES))
        start = piece.find(MAGIC_BYTES)
        while start >= 0:
            head = head_of(window.view(at + start, HEAD_BYTES))
            if head is not None and at + start + head.size <= window.end:
                return at + start
            start = piece.find(MAGIC_BYTES, start + 1)
        at += max(1, len(piece) - len(MAGIC_BYTES) + 1)
    return window.end
