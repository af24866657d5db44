"""Fresh records in memory, so that a destination that keeps up reads nothing from the disk."""

from __future__ import annotations

from alloypy.queueing.record import Record


class Cache:
    """The newest records, within `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._records: dict[int, tuple[Record, int]] = {}
        self._bytes = 0

    def add(self, record: Record, size: int) -> None:
        """Keep a record; the oldest make room."""
        self._records[record.place.seq] = record, size
        self._bytes += size
        while self._bytes > self.most:
            self.discard(next(iter(self._records)))

    def get(self, seq: int) -> Record | None:
        """A record, if it is still here."""
        found = self._records.get(seq)
        return None if found is None else found[0]

    def discard(self, seq: int) -> None:
        """Forget a record."""
        found = self._records.pop(seq, None)
        if found is not None:
            self._bytes -= found[1]
