"""Fresh records in memory, so that a destination that keeps up reads nothing from the disk."""

from __future__ import annotations

from alloypy.queueing.record import Record


class Cache:
    """The newest records, within `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._records: dict[int, Record] = {}
        self._bytes = 0

    def add(self, record: Record, size: int) -> None:
        """Keep a record; the oldest make room."""
        self._records[record.place.seq] = record
        self._bytes += size
        while self._bytes > self.most:
            self.discard(next(iter(self._records)))

    def get(self, seq: int) -> Record | None:
        """A record, if it is still here."""
        return self._records.get(seq)

    def discard(self, seq: int) -> None:
        """Forget a record."""
        record = self._records.pop(seq, None)
        if record is not None:
            self._bytes -= record.size
