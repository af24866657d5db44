"""Writes records in batches: the event loop writes, and a thread syncs once for all who wait.

Large batches are written by the thread too. A file that the disk has failed on is never touched again: its
batch is written to a new one, and the failed sync is not repeated, because a second one may succeed without
the data.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import TypeVar

from alloypy.histogram import Histogram
from alloypy.os_errors import system_words
from alloypy.queueing.clock import Clock
from alloypy.queueing.company import Company
from alloypy.queueing.disk import Buffer, Disk
from alloypy.queueing.errors import Full, WriteFailed
from alloypy.queueing.record import Place, Record, framed
from alloypy.queueing.segments import Segment, Segments, segment_path
from alloypy.queueing.settings import LogSettings
from alloypy.threads import Threads, heard

T = TypeVar("T")

SYNC_SECONDS = 60.0
"""How long a disk may take to write and sync a batch; then it counts as failed."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_INLINE_RECORD_BYTES = 64 << 10
_INLINE_BATCH_BYTES = 1 << 20
_BATCH_BYTES = 8 << 20
_UNSYNCED_BYTES = 8 << 20
_OLDEST_OPEN_NANOSECONDS = 600_000_000_000
_AGAIN_SECONDS = 1.0
_SECONDS_OF_SYNC = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class _Batch:
    """Records that are written together, numbered from `seq` on. stored: the futures of those who wait."""

    def __init__(self, seq: int, records: list[Record], stored: list[asyncio.Future[Place]]) -> None:
        self.seq = seq
        self.records = records
        self.stored = stored
        sizes = [record.size for record in records]
        self.size = sum(sizes)
        self.is_large = self.size > _INLINE_BATCH_BYTES or max(sizes) > _INLINE_RECORD_BYTES
        self._parts: list[Buffer] = []

    @property
    def parts(self) -> list[Buffer]:
        """What to write."""
        if not self._parts:
            for seq, record in enumerate(self.records, self.seq):
                self._parts += (framed(seq, record.received_at, record.meta, record.body), *record.body)
        return self._parts


class _File:
    """A file being written; `end` is the offset after its last good record. segment: once it has one."""

    def __init__(self, number: int, path: str, descriptor: int, opened_at: int) -> None:
        self.number = number
        self.path = path
        self.descriptor = descriptor
        self.opened_at = opened_at
        self.end = 0
        self.is_broken = False
        self.segment: Segment | None = None


class Writer:
    """Appends records to files of a log.

    number, seq: of the last file and the last record so far. stored: called with the records of each batch
    and their sizes once they count as stored, in order. syncs: the seconds that each sync has taken.
    """

    def __init__(
        self,
        disk: Disk,
        directory: str,
        segments: Segments,
        settings: LogSettings,
        clock: Clock,
        threads: Threads,
        number: int,
        seq: int,
        stored: Callable[[list[Record]], None],
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._segments = segments
        self.settings = settings
        self._clock = clock
        self._threads = threads
        self._number = number
        self.last = seq
        self._stored = stored
        self._loop = asyncio.get_running_loop()
        self._pending: list[Record] = []
        self._waiting: list[asyncio.Future[Place]] = []
        self.pending_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._company = Company()
        self._file: _File | None = None
        self._unsynced: list[_Batch] = []
        self._unsynced_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_due = False
        self._is_closed = False
        self.write_errors = 0
        self.syncs = Histogram(_SECONDS_OF_SYNC)
        self.fault = ""

    @property
    def open_segment(self) -> Segment | None:
        """The file that records are being written to."""
        return None if self._file is None else self._file.segment

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being written, and the open file is old enough to be ended."""
        file = self._file
        return self._task is None and file is not None and self._is_over(file)

    @property
    def synced(self) -> int:
        """The number of the last record that a disk which fails now cannot lose."""
        return self._unsynced[0].seq - 1 if self._unsynced else self.last

    def unsynced(self, seq: int) -> Record | None:
        """A record that is not synced yet, from memory: its file may turn out to be without it."""
        if not self.synced < seq <= self.last:
            return None
        for batch in self._unsynced:
            at = seq - batch.seq
            if 0 <= at < len(batch.records):
                return batch.records[at]
        return None

    def put(self, record: Record) -> asyncio.Future[Place]:
        """Write a record; the future is done once it is stored, or has Full or WriteFailed.

        Its place is set then. Not after `close`.
        """
        stored: asyncio.Future[Place] = self._loop.create_future()
        self._pending.append(record)
        self._waiting.append(stored)
        self.pending_bytes += record.size
        if self._task is None:
            self._wake()
        elif self._company.is_awaited:
            self._company.come(len(self._pending))
            if self.pending_bytes > _INLINE_BATCH_BYTES:
                self._company.end()
        return stored

    async def _gather(self) -> None:
        """Let others join the records that wait, so that one sync does for all."""
        seconds = 0.0 if self._is_closed or self.settings.sync != "always" else self.settings.gathering
        if seconds and self.pending_bytes <= _INLINE_BATCH_BYTES:
            await self._company.gather(len(self._pending), seconds)

    def _wake(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._run())

    async def end_file(self) -> None:
        """End the current file, to be deleted once it is done; not while it is being written to."""
        if self._task is None and self._file is not None and not self._unsynced:
            await self._end_file()

    async def close(self) -> None:
        """Write what waits, sync, and end the file."""
        self._is_closed = True
        self._company.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._task is not None:
            await asyncio.shield(self._task)
        await self._sync_unsynced()
        with suppress(OSError):
            await self._end_file()

    async def _end_file(self) -> None:
        """End the file. Raises OSError if what is not synced may be lost, and has to be written again."""
        file, self._file = self._file, None
        if file is not None:
            await self._in_thread(partial(self._finish, file, is_synced=not self._unsynced))
            self._forget_synced()

    def _forget_synced(self) -> None:
        self._unsynced, self._unsynced_bytes = [], 0

    async def _run(self) -> None:
        try:
            while self._pending or self._is_due:
                if self._pending:
                    await self._gather()
                    await self._store(self._take())
                    await asyncio.sleep(0)  # those who have been answered bring their next records
                if self._is_due or self._unsynced_bytes > _UNSYNCED_BYTES:
                    self._is_due = False
                    await self._sync_unsynced()
        finally:
            self._task = None
            left, self._pending, self._waiting = self._waiting, [], []
            _refuse(left, WriteFailed("the queue stopped writing"))

    def _take(self) -> _Batch:
        count = len(self._pending)
        if self.pending_bytes > _BATCH_BYTES:
            ends = accumulate(record.size for record in self._pending)
            count = sum(1 for end in ends if end <= _BATCH_BYTES) or 1
        records, self._pending = self._pending[:count], self._pending[count:]
        stored, self._waiting = self._waiting[:count], self._waiting[count:]
        return _Batch(self.last + 1, records, stored)

    async def _store(self, batch: _Batch) -> None:
        try:
            await self._write_twice([batch])
        except OSError as error:
            self._fail(batch, error)
        except BaseException:
            self._fail(batch, OSError(errno.ECANCELED, os.strerror(errno.ECANCELED)))
            raise
        else:
            self._accept(batch)
        finally:
            self.pending_bytes -= batch.size

    async def _write_twice(self, batches: list[_Batch]) -> None:
        """Write, and if the disk fails, once more in a new file, with what the old one may have lost."""
        try:
            await self._write(batches)
        except OSError as error:
            self.write_errors += 1
            is_lost = bool(self._unsynced) if self._file is None else self._file.is_broken
            if error.errno in NO_SPACE and not is_lost:
                raise
            self._abandon()
            await self._write(batches)
        self.fault = ""

    async def _write(self, batches: list[_Batch], *, is_synced: bool = False) -> None:
        """Write whole batches, or nothing that counts. Raises OSError."""
        if self._file is not None and self._is_over(self._file):
            await self._end_file()
        file = self._file
        if file is None:  # what is not synced was in a file that has been given up
            batches = [*self._unsynced, *batches]
        is_synced = is_synced or self.settings.sync == "always" or (file is None and bool(self._unsynced))
        if file is None or any(each.is_large for each in batches):
            self._number += file is None
            work = partial(self._write_all, file, self._number, batches, is_synced=is_synced)
            file = await self._in_thread(work)
        else:
            self._append(file, batches)
            if is_synced:
                await self._in_thread(partial(self._sync, file))
        self._file = file
        for each in batches:
            self._enter(file, each)
        if is_synced:
            self._forget_synced()
        else:
            self._unsynced += batches
            self._unsynced_bytes += sum(each.size for each in batches)
            self._start_timer(self.settings.sync_interval)

    def _is_over(self, file: _File) -> bool:
        if file.end >= self.settings.segment_bytes:
            return True
        return file.segment is not None and self._clock.now() - file.opened_at > _OLDEST_OPEN_NANOSECONDS

    def _write_all(self, file: _File | None, number: int, batches: list[_Batch], *, is_synced: bool) -> _File:
        """In a thread: go on in `file` or in a new one, write and sync."""
        is_new = file is None
        if file is None:
            path = segment_path(self._directory, number)
            file = _File(number, path, self._disk.create(path), self._clock.now())
        try:
            self._append(file, batches)
            if is_synced:
                self._sync(file)
            if is_new:
                self._disk.sync_directory(self._directory)
        except BaseException:
            if is_new:  # nobody knows of it yet
                self._discard(file)
            raise
        return file

    def _discard(self, file: _File) -> None:
        with suppress(OSError):
            self._disk.close(file.descriptor)
        with suppress(OSError):
            self._disk.remove(file.path)

    def _append(self, file: _File, batches: list[_Batch]) -> None:
        end = file.end
        try:
            for each in batches:
                self._disk.write(file.descriptor, each.parts, end)
                end += each.size
        except OSError:
            try:
                self._disk.truncate(file.descriptor, file.end)
            except OSError:
                file.is_broken = True
            raise

    def _sync(self, file: _File) -> None:
        began = time.perf_counter()
        try:
            self._disk.sync(file.descriptor)
        except OSError:
            file.is_broken = True
            raise
        finally:
            self.syncs.observe(time.perf_counter() - began)

    def _finish(self, file: _File, *, is_synced: bool) -> None:
        """In a thread: sync, end the file with a footer, and close it. Raises OSError if the former fails."""
        try:
            if not is_synced:
                self._sync(file)
            if file.segment is not None:
                with suppress(OSError):  # it will be read whole at the next start
                    self._disk.write(file.descriptor, [file.segment.footer], file.end)
                    self._disk.sync(file.descriptor)
        finally:
            self._disk.close(file.descriptor)

    def _abandon(self) -> None:
        """Leave a file that the disk has failed on: what is good in it is still read."""
        file, self._file = self._file, None
        if file is not None:
            work = partial(self._disk.close, file.descriptor)
            self._threads.begin(work, SYNC_SECONDS, self).add_done_callback(heard)

    def _enter(self, file: _File, batch: _Batch) -> None:
        """Take a written batch into the list of files, instead of a file that may have lost it."""
        times = batch.records[0].received_at, batch.records[-1].received_at
        last = batch.seq + len(batch.records) - 1
        old = self._segments.holding(batch.seq)
        if old is not None and old is not file.segment:
            old.last = batch.seq - 1
            if old.last < old.first:
                self._segments.remove(old)
        file.end += batch.size
        if file.segment is None:
            file.segment = Segment(file.number, file.path, batch.seq, last, file.end, *times)
            self._segments.add(file.segment)
        else:
            file.segment.last, file.segment.end, file.segment.last_at = last, file.end, times[1]

    def _accept(self, batch: _Batch) -> None:
        number = 0 if self._file is None else self._file.number
        for seq, record in enumerate(batch.records, batch.seq):
            record.place = Place(number, seq)
        self.last += len(batch.records)
        self._company.answered(len(batch.records) + len(self._pending))
        self._stored(batch.records)
        for stored, record in zip(batch.stored, batch.records, strict=True):
            if not stored.done():
                stored.set_result(record.place)

    def _fail(self, batch: _Batch, error: OSError) -> None:
        self.fault = f"write {self._directory}: {system_words(error)}"
        is_full = error.errno in NO_SPACE
        _refuse(batch.stored, Full("no_space", self.fault) if is_full else WriteFailed(self.fault))

    def _start_timer(self, seconds: float) -> None:
        if self._timer is None and not self._is_closed:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self._is_due = True
        self._wake()

    async def _sync_unsynced(self) -> None:
        """Sync what has been written since the last time; what the disk then fails on is written again."""
        if not self._unsynced:
            return
        try:
            if self._file is not None:
                try:
                    await self._in_thread(partial(self._sync, self._file))
                except OSError:
                    self.write_errors += 1
                    self._abandon()
            if self._file is None:
                await self._write([], is_synced=True)
        except OSError as error:
            self.fault = f"sync {self._directory}: {system_words(error)}"
            self._start_timer(_AGAIN_SECONDS)
        else:
            self._forget_synced()
            self.fault = ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self._threads.run(work, SYNC_SECONDS, self)


def _refuse(waiting: list[asyncio.Future[Place]], error: Exception) -> None:
    for stored in waiting:
        if not stored.done():
            stored.set_exception(error)
