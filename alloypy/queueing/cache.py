"""Fresh records in memory, so that a destination that keeps up reads nothing from the disk."""

from __future__ import annotations

from alloypy.queueing.record import Record


class Cache:
    """The newest records, within `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._records: dict[int, Record] = {}
        self._bytes = 0
        self._oldest, self._newest = 0, -1
        self.get = self._records.get  # a method would cost another call

    def add(self, records: list[Record]) -> None:
        """Keep records with the numbers that follow; the oldest make room."""
        if not self._records:
            self._oldest = records[0].place.seq
        for record in records:
            self._records[record.place.seq] = record
            self._bytes += record.size
        self._newest = records[-1].place.seq
        while self._bytes > self.most:
            self.discard(self._oldest)
            self._oldest += 1

    def within(self, first: int, last: int) -> range:
        """The numbers from `first` to `last` that may be here."""
        return range(max(first, self._oldest), min(last, self._newest) + 1)

    def discard(self, seq: int) -> None:
        """Forget a record."""
        found = self._records.pop(seq, None)
        if found is not None:
            self._bytes -= found.size
