"""Whether there is room for a record, and who has to give way if there is none."""

from __future__ import annotations

from alloypy.queueing.books import Books
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import Full
from alloypy.queueing.record import MOST_BODY_BYTES, MOST_META_BYTES, Record
from alloypy.queueing.segments import Segment, Segments
from alloypy.queueing.settings import LogSettings
from alloypy.queueing.writer import Writer

_BLIND_BYTES = 1 << 20
_LOOK_NANOSECONDS = 1_000_000_000


class Room:
    """The space of a log. free: what the file system has left, as last looked up; None if that is unknown."""

    def __init__(
        self,
        disk: Disk,
        directory: str,
        settings: LogSettings,
        segments: Segments,
        books: Books,
        writer: Writer,
    ) -> None:
        self._disk = disk
        self._directory = directory
        self.settings = settings
        self._segments = segments
        self._books = books
        self._writer = writer
        self.free: int | None = None
        self._allowance = 0
        self._looked_at = 0

    def admit(self, record: Record) -> None:
        """Make room for a record. Raises Full."""
        size, meta, now = record.size, len(record.meta), record.received_at
        most = self.settings.max_size
        if size > most // 2 or meta > MOST_META_BYTES or size > MOST_BODY_BYTES:
            raise Full("too_large", f"a record of {size} bytes does not fit into a queue of {most}")
        over = self._books.size + self._writer.pending_bytes + size - most
        if over > 0 and self._make(over) < over:
            raise Full("full", f"the queue holds max_size ({most} bytes), and every destination is behind")
        if self._allowance < size or now - self._looked_at > _LOOK_NANOSECONDS:
            self._look(now)
            short = size - self._allowance
            if short > 0:
                self._allowance += self._make(short)
            if self._allowance < size:
                least = self.settings.min_free
                raise Full("no_space", f"less than min_free ({least} bytes) is free in {self._directory}")
        self._allowance -= size

    def _look(self, now: int) -> None:
        self._looked_at = now
        try:
            self.free = self._disk.free(self._directory)
        except OSError:
            self.free = None
        self._allowance = _BLIND_BYTES if self.free is None else self.free - self.settings.min_free

    def _make(self, wanted: int) -> int:
        """Delete what may be deleted, oldest first, until `wanted` bytes are free; returns how many are."""
        freed = 0
        for may_lose in (self._only_gone, self._not_all, self._any):
            for segment in self._segments:
                if freed >= wanted:
                    return freed
                if segment is not self._writer.open_segment and may_lose(segment):
                    freed += segment.end
                    self._drop(segment)
        return freed

    def _only_gone(self, segment: Segment) -> bool:
        """Whether only destinations wait for it that are none any more."""
        return all(each.left is not None for each in self._books.behind(segment))

    def _not_all(self, segment: Segment) -> bool:
        """Whether a destination has got further than this file."""
        behind = [each for each in self._books.behind(segment) if each.left is None]
        return len(behind) < sum(each.left is None for each in self._books.accounts)

    def _any(self, _: Segment) -> bool:
        return self.settings.when_full == "drop_oldest"

    def _drop(self, segment: Segment) -> None:
        for account in self._books.behind(segment):
            self._books.drop(account, segment, "overflow" if account.left is None else "removed")
        self._books.touch(segment)
        self._books.flush()
