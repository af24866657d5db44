"""A log on disk: records that are put, and what has become of each for every destination."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from alloypy.os_errors import system_words
from alloypy.queueing.clock import Clock
from alloypy.queueing.cursor import Cursor
from alloypy.queueing.disk import Buffer, Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.errors import Closed, Full, QueueError
from alloypy.queueing.loading import Loaded, load
from alloypy.queueing.marks import REASONS, Account, Kind, Mark
from alloypy.queueing.reader import Piece, Reader
from alloypy.queueing.record import HEAD_BYTES, MOST_BODY_BYTES, MOST_META_BYTES, Place, Record
from alloypy.queueing.segments import Segment
from alloypy.queueing.settings import LogSettings
from alloypy.queueing.writer import SYNC_SECONDS, Writer
from alloypy.threads import Threads

_DISKS = Threads("alloypy-queue", 4, spare=28)
_LOOK_BYTES = 1 << 20
_LOOK_NANOSECONDS = 1_000_000_000
_AGAIN_SECONDS = 1.0


class LogFacts(NamedTuple):
    """Figures of a log.

    free: bytes that the file system has left, as last looked up; None before that. found: records that
    waited at start, summed over destinations. damaged: records found damaged since then. cut_bytes: of what
    a crash had left unfinished. fault: why the disk takes nothing, or "".
    """

    disk_bytes: int
    segments: int
    free: int | None
    found: int
    damaged: int
    cut_bytes: int
    write_errors: int
    syncs: int
    fault: str


class Log:
    """The log of one directory. Made by `open`."""

    def __init__(
        self, loaded: Loaded, settings: LogSettings, disk: Disk, threads: Threads, clock: Clock
    ) -> None:
        self._directory = loaded.directory
        self._lock = loaded.lock
        self._settings = settings
        self._disk = disk
        self._threads = threads
        self._clock = clock
        self._segments = loaded.segments
        self._done = loaded.done
        self._found = loaded.found
        self._cut_bytes = loaded.cut_bytes
        self._cursors = {
            name: Cursor(done.account, self, Reader(disk))
            for name, done in loaded.done.items()
            if done.account.left is None
        }
        self._writer = Writer(
            disk,
            loaded.directory,
            loaded.segments,
            settings,
            clock,
            threads,
            loaded.number,
            loaded.last,
            self._stored,
        )
        self._bytes = loaded.segments.size
        self._cache: dict[int, Record] = {}
        self._cache_bytes = 0
        self._damaged = 0
        self._touched = {each.number for each in loaded.segments}
        self._doomed: list[Segment] = []
        self._flushing: asyncio.Handle | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._free: int | None = None
        self._allowance = 0
        self._looked_at = 0
        self._is_closed = False
        self._soon_flush()

    @classmethod
    async def open(
        cls,
        path: str,
        *,
        settings: LogSettings,
        destinations: Sequence[str] | None,
        disk: Disk | None = None,
        threads: Threads = _DISKS,
        clock: Clock | None = None,
    ) -> Log:
        """Open or make the queue at `path`, which no other process or log may have open.

        destinations: who gets the records; None = those that the queue has. A new one gets what is put from
        now on. What waits for one that is missing is kept for max_age.
        Raises QueueError, whose text says what to do; then nothing on disk has been changed.
        """
        disk, clock = disk or Disk(), clock or Clock()
        if destinations is not None and not destinations:
            raise QueueError("a queue needs at least one destination")
        try:
            work = partial(load, disk, path, destinations, clock.now())
            loaded = await threads.run(work, SYNC_SECONDS, path)
        except TimeoutError as error:
            raise QueueError(f"cannot use {path} for a queue: {system_words(error)}") from error
        return cls(loaded, settings, disk, threads, clock)

    async def put(self, meta: bytes, body: Sequence[Buffer]) -> Place:
        """Store a record; it is stored when this returns. The pieces of its body must never change.

        Raises Full, WriteFailed or Closed. If the caller is cancelled, it may be stored or not.
        """
        size = HEAD_BYTES + len(meta) + sum(map(len, body))
        self._admit(size, len(meta))
        return await self._writer.put(meta, body, size)

    def cursor(self, destination: str) -> Cursor:
        """The way of a destination through the records. Raises KeyError for an unknown one."""
        return self._cursors[destination]

    def facts(self) -> LogFacts:
        """Figures of the log. No I/O."""
        return LogFacts(
            self._bytes,
            len(self._segments),
            self._free,
            self._found,
            self._damaged,
            self._cut_bytes,
            self._writer.write_errors,
            self._writer.syncs,
            self._writer.fault,
        )

    async def close(self) -> None:
        """Store what is being put, write all marks to the disk, and let others have the directory."""
        if self._is_closed:
            return
        self._is_closed = True
        for cursor in self._cursors.values():
            cursor.close()
        await self._writer.close()
        if self._flushing is not None:
            self._flushing.cancel()
        self._flush()
        while self._upkeep is not None:
            await asyncio.shield(self._upkeep)
        with suppress(OSError):
            await self._threads.run(self._close_files, SYNC_SECONDS, self._writer)

    def _close_files(self) -> None:
        for done in self._done.values():
            with suppress(OSError):
                done.sync()
            done.close()
        self._disk.close(self._lock)

    # What cursors ask for.

    @property
    def last(self) -> int:
        """The number of the last stored record."""
        return self._writer.last

    def cached(self, seq: int) -> Record | None:
        """A record that is still in memory."""
        return self._cache.get(seq)

    def segment_holding(self, seq: int) -> Segment | None:
        """The file of a record."""
        return self._segments.holding(seq)

    def first_after(self, seq: int) -> int:
        """The first number from `seq` on that a file holds; one after the last if none does."""
        return min((each.first for each in self._segments if each.first >= seq), default=self.last + 1)

    async def read(self, reader: Reader, segment: Segment, seq: int) -> Piece | None:
        """Records from a file; None if that failed, so that one has to try again."""
        try:
            return await self._threads.run(partial(reader.read, segment, seq), SYNC_SECONDS, reader)
        except FileNotFoundError:
            if self._segments.holding(seq) is segment:  # somebody else has deleted it
                return Piece([], segment.last + 1)
        except OSError:
            await asyncio.sleep(_AGAIN_SECONDS)
        return None

    def mark(self, account: Account, mark: Mark) -> int:
        """Note what has become of records; returns how many it is new for."""
        new = self._done[account.name].add(mark)
        if not new:
            return 0
        segment = self._segments.holding(mark.first)
        if segment is not None:
            self._touched.add(segment.number)
        if mark.kind is Kind.DROPPED and REASONS[mark.reason] == "damaged":
            self._damaged += new
        self._release(mark.first)
        self._soon_flush()
        return new

    # Memory.

    def _stored(self, records: list[Record]) -> None:
        for record in records:
            self._cache[record.place.seq] = record
            size = record.size
            self._cache_bytes += size
            self._bytes += size
        while self._cache_bytes > self._settings.memory:
            self._uncache(next(iter(self._cache)))
        segment = self._segments.holding(records[0].place.seq - 1)
        if segment is not None and segment.number != records[0].place.segment:
            self._touched.add(segment.number)
            self._soon_flush()
        for cursor in self._cursors.values():
            cursor.wake()

    def _release(self, seq: int) -> None:
        if seq in self._cache and all(
            seq in done.account.accounted for done in self._done.values() if done.account.left is None
        ):
            self._uncache(seq)

    def _uncache(self, seq: int) -> None:
        self._cache_bytes -= self._cache.pop(seq).size

    # Room.

    def _admit(self, size: int, meta: int) -> None:
        """Raise Full unless a record of `size` bytes may be written."""
        if self._is_closed:
            raise Closed("the queue is closed")
        most = self._settings.max_size
        if size > most // 2 or meta > MOST_META_BYTES or size > MOST_BODY_BYTES:
            raise Full("too_large", f"a record of {size} bytes does not fit into a queue of {most}")
        over = self._bytes + self._writer.pending_bytes + size - most
        if over > 0 and self._make_room(over) < over:
            raise Full("full", f"the queue holds max_size ({most} bytes), and every destination is behind")
        now = self._clock.now()
        if self._allowance < size or now - self._looked_at > _LOOK_NANOSECONDS:
            self._look(now)
            short = size - self._allowance
            if short > 0 and self._make_room(short) < short:
                least = self._settings.min_free
                raise Full("no_space", f"less than min_free ({least} bytes) is free in {self._directory}")
        self._allowance -= size

    def _look(self, now: int) -> None:
        self._looked_at = now
        try:
            self._free = self._disk.free(self._directory)
        except OSError:
            self._free = None
        self._allowance = _LOOK_BYTES if self._free is None else self._free - self._settings.min_free

    def _make_room(self, wanted: int) -> int:
        """Delete what may be deleted, oldest first, until `wanted` bytes are free; returns how many are."""
        freed = 0
        for may_lose in (self._only_gone, self._not_all, self._any):
            for segment in self._segments:
                if freed >= wanted:
                    return freed
                if segment is not self._writer.open_segment and may_lose(segment):
                    freed += segment.end
                    self._drop_segment(segment)
        return freed

    def _behind(self, segment: Segment) -> list[Account]:
        accounts = [done.account for done in self._done.values()]
        return [each for each in accounts if not each.is_done(segment.first, segment.last)]

    def _only_gone(self, segment: Segment) -> bool:
        """Whether only destinations wait for it that are none any more."""
        return all(each.left is not None for each in self._behind(segment))

    def _not_all(self, segment: Segment) -> bool:
        """Whether a destination is further than this file."""
        behind = [each for each in self._behind(segment) if each.left is None]
        return len(behind) < len(self._cursors)

    def _any(self, segment: Segment) -> bool:
        return self._settings.when_full == "drop_oldest"

    def _drop_segment(self, segment: Segment) -> None:
        for account in self._behind(segment):
            last = segment.last if account.left is None else min(segment.last, account.left)
            reason = REASONS.index("overflow" if account.left is None else "removed")
            for span in account.accounted.missing(segment.first, last):
                self.mark(account, Mark(Kind.DROPPED, *span, reason=reason))
        self._touched.add(segment.number)
        self._flush()

    # Marks, and files that are done.

    def _soon_flush(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Write marks, and have files deleted that nobody waits for."""
        self._flushing = None
        has_written = all(list(map(DoneLog.flush, self._done.values())))
        if not has_written and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(_AGAIN_SECONDS, self._flush)
        touched, self._touched = self._touched, set()
        for segment in self._segments if touched else ():
            if segment.number not in touched or segment is self._writer.open_segment:
                continue
            if not self._behind(segment):
                self._doom(segment)
        grown = any(done.is_grown for done in self._done.values())
        if (self._doomed or grown) and self._upkeep is None:
            self._upkeep = asyncio.get_running_loop().create_task(self._keep_up())

    def _doom(self, segment: Segment) -> None:
        self._segments.remove(segment)
        self._bytes -= segment.end
        self._doomed.append(segment)
        for done in self._done.values():
            done.account.forget(segment.number)

    async def _keep_up(self) -> None:
        """Delete files, after the marks of their records are on the disk; write long files of marks anew."""
        try:
            while self._doomed:
                doomed, self._doomed = self._doomed, []
                await self._threads.run(partial(self._delete, doomed), SYNC_SECONDS, self._writer)
            for done in [each for each in self._done.values() if each.is_grown]:
                data = done.snapshot()
                work = partial(done.written, data)
                done.replace(await self._threads.run(work, SYNC_SECONDS, self._writer))
        except OSError:
            pass  # what has not been done will be done at the next occasion, at the latest at the next start
        finally:
            self._upkeep = None

    def _delete(self, segments: list[Segment]) -> None:
        for done in self._done.values():
            with suppress(OSError):
                done.sync()
        for segment in segments:
            with suppress(OSError):
                self._disk.remove(segment.path)
