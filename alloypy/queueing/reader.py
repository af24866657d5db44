"""Reads records back in order, a piece at a time, in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

from alloypy.queueing.disk import Disk
from alloypy.queueing.record import HEAD_BYTES, Place, Record
from alloypy.queueing.scan import PIECE_BYTES, Window, records
from alloypy.queueing.segments import Segment


class Piece(NamedTuple):
    """Some records in order. following: the number to go on with; what is missing below it is damaged."""

    records: list[Record]
    following: int


class Reader:
    """Reads the files of a log for one destination. It remembers where it is in the last one."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._number = 0
        self._seq = 0
        self._at = 0

    def read(self, segment: Segment, seq: int, last: int, *, is_patient: bool = False) -> Piece:
        """The records from `seq` to `last`, about as many as fit in a piece, at least one if there is any.

        is_patient: what the disk cannot read counts as damaged. Raises OSError.
        """
        number, end = segment.number, segment.end
        at = self._at if self._number == number and self._seq <= seq else 0
        descriptor = self._disk.open(segment.path)
        try:
            end = min(end, self._disk.size(descriptor))
            window = Window(self._disk, descriptor, end, is_patient=is_patient)
            return self._read(window, Place(number, seq), at, last)
        finally:
            self._disk.close(descriptor)

    def _read(self, window: Window, place: Place, at: int, last: int) -> Piece:
        found: list[Record] = []
        size = 0
        following = last + 1
        for each in records(window, at):
            head = each.head
            if head.seq < place.seq:
                continue
            if head.seq > last or (size and size + head.size > PIECE_BYTES):
                following = min(head.seq, following)
                self._number, self._seq, self._at = place.segment, head.seq, each.at
                break
            if found and head.seq <= found[-1].place.seq:
                continue
            data = window.view(each.at + HEAD_BYTES, head.meta + head.body)
            if crc32(data) == head.crc:
                size += head.size
                meta, body = bytes(data[: head.meta]), data[head.meta :]
                there = Place(place.segment, head.seq)
                found.append(Record(there, head.received_at, meta, (body,), size=head.size))
        else:
            self._number, self._seq, self._at = place.segment, last + 1, window.end
        return Piece(found, following)


def sizes(disk: Disk, segment: Segment) -> Mapping[int, int]:
    """The bytes of each record in a file, by number. Raises OSError."""
    descriptor = disk.open(segment.path)
    try:
        window = Window(disk, descriptor, min(segment.end, disk.size(descriptor)), is_patient=True)
        return {found.head.seq: found.head.size for found in records(window, 0)}
    finally:
        disk.close(descriptor)
