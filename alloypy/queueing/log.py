"""A log on disk: records that are put, and what has become of each for every destination."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Self

from alloypy.histogram import Histogram
from alloypy.os_errors import system_words
from alloypy.queueing.books import Books, dropped
from alloypy.queueing.cache import Cache
from alloypy.queueing.clock import Clock, is_older
from alloypy.queueing.cursor import Cursor
from alloypy.queueing.dead_letters import DeadLetter
from alloypy.queueing.directory import check
from alloypy.queueing.disk import Buffer, Disk
from alloypy.queueing.errors import Closed, Full, QueueError, WriteFailed
from alloypy.queueing.graveyard import Graveyard
from alloypy.queueing.loading import Loaded, load
from alloypy.queueing.marks import Account
from alloypy.queueing.members import Members
from alloypy.queueing.reader import Piece, Reader
from alloypy.queueing.record import NOWHERE, Place, Record
from alloypy.queueing.room import Room
from alloypy.queueing.segments import Segment
from alloypy.queueing.settings import LogSettings
from alloypy.queueing.writer import SYNC_SECONDS, Writer
from alloypy.threads import Threads

_DISKS = Threads("alloypy-queue", 4, spare=28)
_AGAIN_SECONDS = 1.0
_READS = 3
"""How often reading is tried before what the disk cannot read counts as damaged."""

_UPKEEP_SECONDS = 60.0
_WATCH_SECONDS = 2.0


class LogFacts(NamedTuple):
    """Figures of a log.

    free: bytes that the file system has left, looked up every 2 s; None if that is unknown. found: records
    that waited at start, summed over destinations. damaged: records found damaged or missing at start or
    since then, each once. cut_bytes: of what a crash had left unfinished. syncs: seconds that each has taken;
    not to be changed.
    fault: why the disk takes nothing, or "". removed: what waits for destinations that are none any more, in
    records. dead_bytes: of dead letters by destination. max_size, min_free: the settings.
    """

    disk_bytes: int
    segments: int
    free: int | None
    found: int
    damaged: int
    cut_bytes: int
    write_errors: int
    syncs: Histogram
    fault: str
    removed: Mapping[str, int]
    dead_bytes: Mapping[str, int]
    max_size: int
    min_free: int


class Log:
    """The log of one directory. Made by `open`."""

    def __init__(
        self, loaded: Loaded, settings: LogSettings, disk: Disk, threads: Threads, clock: Clock
    ) -> None:
        self._loaded = loaded
        self._settings = settings
        self._disk = disk
        self._threads = threads
        self._clock = clock
        self._segments = segments = loaded.segments
        self._cache = Cache(settings.memory)
        self._writer = Writer(
            disk,
            loaded.directory,
            segments,
            settings,
            clock,
            threads,
            loaded.number,
            loaded.last,
            self._stored,
        )
        self._books = Books(disk, threads, segments, loaded.done, self._cache, self._is_open, loaded.lost)
        self._room = Room(disk, loaded.directory, settings, segments, self._books, self._writer)
        self._graves = Graveyard(threads, settings, clock, self._books, loaded.dead)
        self._members = Members(
            disk,
            threads,
            clock,
            loaded.directory,
            loaded.roll,
            segments,
            self._books,
            self._graves,
            lambda: self.last,
        )
        # For each record, and so without a method of its own: the time of the log in nanoseconds since 1970,
        # that of `received_at`; and what has become of a record, for its cursor.
        self.now, self.mark, self.flush = clock.now, self._books.mark, self._books.flush
        self._cursors: dict[str, Cursor] = {}
        for name, done in loaded.done.items():
            if done.account.left is None:
                self._cursors[name] = self._new_cursor(done.account)
        self._books.dropped = self._forget_dropped
        self._unread: dict[Reader, int] = {}
        self._is_closed = False
        self._lost = ""
        self._books.soon_flush()
        loop = asyncio.get_running_loop()
        self._upkeep = [loop.create_task(self._keep_up()), loop.create_task(self._watch())]

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
    ) -> Self:
        """Open or make the queue at `path`, which no other process or log may have open.

        destinations: who gets the records; None = those that the queue has. A new one gets what is put from
        now on. What waits for one that is missing is kept for max_age.
        Raises QueueError, whose text says what to do; then nothing on disk has been changed.
        """
        disk, clock = disk or Disk(), clock or Clock()
        if destinations is not None and not destinations:
            raise QueueError("a queue needs at least one destination")
        try:
            work = partial(load, disk, path, destinations, clock.now(), settings.dead_letter_size)
            loaded = await threads.run(work, SYNC_SECONDS, path)
        except TimeoutError as error:
            raise _silent(path, error) from error
        return cls(loaded, settings, disk, threads, clock)

    @staticmethod
    async def check(path: str) -> str:
        """The path without links. Raises QueueError if no queue can be at `path`.

        Changes nothing, and takes no lock.
        """
        try:
            return await _DISKS.run(partial(check, Disk(), path), SYNC_SECONDS, path)
        except TimeoutError as error:
            raise _silent(path, error) from error

    def use(self, settings: LogSettings) -> None:
        """Use other settings from now on."""
        self._settings = settings
        self._cache.most = settings.memory
        self._writer.settings = settings
        self._room.settings = settings
        self._graves.use(settings)

    def put(self, meta: bytes, body: Sequence[Buffer], note: object = None) -> Awaitable[Place]:
        """Store a record; it is stored when what this returns is done. Its pieces must never change.

        note: comes with the record as long as it is in memory; for what would have to be read from it again.

        Awaiting raises Full, WriteFailed or Closed. If that is cancelled, it may be stored or not.
        """
        if self._is_closed:
            return self._refuse(Closed("the queue is closed"))
        if self._lost:
            return self._refuse(WriteFailed(self._lost))
        record = Record(NOWHERE, self._clock.now(), meta, body, note=note)
        try:
            self._room.admit(record)
        except Full as reason:
            return self._refuse(reason)
        return self._writer.put(record)

    async def _refuse(self, reason: Full | WriteFailed | Closed) -> Place:
        if isinstance(reason, Full):
            await self._end_done_file()
        raise reason

    def cursor(self, destination: str) -> Cursor:
        """The way of a destination through the records. Raises KeyError for an unknown one."""
        return self._cursors[destination]

    @property
    def destinations(self) -> list[str]:
        """Who gets what is put."""
        return list(self._cursors)

    async def add_destination(self, name: str) -> Cursor:
        """Let a destination have what is put from now on; one that was removed goes on where it was.

        Raises QueueError.
        """
        if name in self._cursors:
            return self._cursors[name]
        account = await self._members.join(name)
        return self._cursors.setdefault(name, self._new_cursor(account))

    def remove_destination(self, name: str) -> int:
        """Let a destination have nothing more; what waits for it is kept for max_age. Returns how much.

        Raises KeyError for an unknown one.
        """
        self._cursors.pop(name).close()
        return self._members.leave(name)

    async def dead_letters(self, destination: str) -> list[int]:
        """The numbers of the dead letters of a destination; none once all that was known of it is gone."""
        known = self._books.done.get(destination)
        return await self._graves.numbers(known.account) if known else []

    async def dead_letter(self, destination: str, seq: int) -> DeadLetter | None:
        """A dead letter; None if there is none with this number, or it is damaged. Raises OSError."""
        return await self._graves.get(self._books.done[destination].account, seq)

    def replay(self, destination: str, seqs: Iterable[int]) -> int:
        """Let dead letters wait again, before all else; returns how many did not wait already."""
        replayed = self._graves.replay(self._books.done[destination].account, seqs)
        self._cursors[destination].replayed(replayed)
        return len(replayed)

    async def evict(self, destination: str, seqs: Iterable[int]) -> int:
        """Drop dead letters; returns how many."""
        known = self._books.done.get(destination)
        return await self._graves.evict(known.account, seqs) if known else 0

    def watch_evictions(self, evicted: Callable[[str, str, int], object]) -> None:
        """Call `evicted` whenever dead letters are dropped because they have reached a limit.

        It gets their destination, the limit (`size` or `age`), and how many they are.
        """
        self._graves.evicted = evicted

    @property
    def warnings(self) -> Sequence[str]:
        """What opening the log has found that people should know, and what is in its way now."""
        return [*self._loaded.warnings, *self.hindrances]

    @property
    def hindrances(self) -> Sequence[str]:
        """What the log cannot do now, and why, while it stores and gives out records."""
        return [each for each in (self._loaded.tries.fault, self._loaded.roll.fault) if each]

    def facts(self) -> LogFacts:
        """Figures of the log. No I/O."""
        accounts = self._books.accounts
        return LogFacts(
            self._books.size,
            len(self._segments),
            self._room.free,
            self._loaded.found,
            self._books.lost.count,
            self._loaded.cut_bytes,
            self._writer.write_errors + self._graves.write_errors,
            self._writer.syncs,
            self.fault,
            {each.name: each.waiting(self.last) for each in accounts if each.left is not None},
            {name: dead.size for name, dead in self._graves.dead.items()},
            self._settings.max_size,
            self._settings.min_free,
        )

    @property
    def fault(self) -> str:
        """Why the disk takes nothing, or ""."""
        return self._lost or self._writer.fault

    @property
    def disk_bytes(self) -> int:
        """Bytes of the files of records."""
        return self._books.size

    async def close(self) -> None:
        """Store what is being put, write all marks to the disk, and let others have the directory."""
        if self._is_closed:
            return
        self._is_closed = True
        for cursor in self._cursors.values():
            cursor.close()
        for task in self._upkeep:
            task.cancel()
        await asyncio.wait(self._upkeep)
        self._graves.tell_rest()
        await self._writer.close()
        await self._books.close()
        with suppress(OSError):
            await self._threads.run(self._loaded.tries.close, SYNC_SECONDS, self._books)
        self._disk.close(self._loaded.lock)

    # What cursors ask for.

    @property
    def last(self) -> int:
        """The number of the last stored record."""
        return self._writer.last

    def cached(self, seq: int) -> Record | None:
        """A record that is still in memory."""
        return self._cache.get(seq) or self._writer.unsynced(seq)

    def segment_holding(self, seq: int) -> Segment | None:
        """The file of a record."""
        return self._segments.holding(seq)

    def first_after(self, seq: int) -> int:
        """The first number from `seq` on that a file holds; one after the last if none does."""
        return min((each.first for each in self._segments if each.first >= seq), default=self.last + 1)

    async def read(self, reader: Reader, segment: Segment, seq: int) -> Piece | None:
        """Records from a file; None if that failed, so that one has to try again."""
        last = min(segment.last, self._writer.synced)
        try:
            is_patient = self._unread.get(reader, 0) >= _READS
            work = partial(reader.read, segment, seq, last, is_patient=is_patient)
            piece = await self._threads.run(work, SYNC_SECONDS, reader)
        except FileNotFoundError:
            if self._segments.holding(seq) is segment:  # somebody else has deleted it
                return Piece([], segment.last + 1)
        except OSError:
            self._unread[reader] = self._unread.get(reader, 0) + 1
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            self._unread.pop(reader, None)
            return piece
        return None

    async def letter(self, account: Account, seq: int) -> Record | None:
        """A dead letter that is delivered again; None if that failed, or it was found damaged and dropped."""
        try:
            letter = await self._graves.get(account, seq)
        except OSError:
            await asyncio.sleep(_AGAIN_SECONDS)
            return None
        if letter is None:
            self._books.mark(account, dropped(seq, seq, "damaged"))
            return None
        return letter.record

    async def bury(self, account: Account, record: Record, why: str, words: str) -> bool:
        """Make a record a dead letter; returns whether it is kept, or had to be dropped. Raises OSError."""
        return await self._graves.bury(account, record, why, words)

    def settled_letter(self, account: Account, seq: int) -> None:
        """A dead letter that was delivered again is settled."""
        self._graves.forget(account, [seq])

    def is_old(self, received_at: int) -> bool:
        """Whether a record is older than max_age."""
        return is_older(received_at, self._clock.now(), self._settings.max_age)

    def expire(self, account: Account) -> None:
        """Drop files that are older than max_age, for one destination."""
        for segment in self._segments:
            if not self._is_open(segment) and self.is_old(segment.last_at):
                self._books.drop(account, segment, "age")

    # What happens by itself.

    def _new_cursor(self, account: Account) -> Cursor:
        return Cursor(account, self, Reader(self._disk), self._loaded.tries)

    def _forget_dropped(self, name: str) -> None:
        """A destination has lost records: it tries them no more."""
        if name in self._cursors:
            self._cursors[name].forget_dropped()

    def _is_open(self, segment: Segment) -> bool:
        return segment is self._writer.open_segment

    def _stored(self, records: list[Record]) -> None:
        self._books.size += sum([record.size for record in records])
        self._cache.add(records)
        before = self._segments.holding(records[0].place.seq - 1)
        if before is not None and before.number != records[0].place.segment:
            self._books.touch(before)
        for cursor in self._cursors.values():
            cursor.wake()

    async def _keep_up(self) -> None:
        """From time to time: drop what is too old to be kept, and end a file that is done."""
        while True:
            await self._graves.evict_old()
            self._graves.tell_rest()
            self._loaded.tries.mend()
            await self._members.mend()
            await self._members.forget(self.is_old)
            if self._writer.is_idle:
                await self._end_done_file()
            await asyncio.sleep(_UPKEEP_SECONDS)

    async def _watch(self) -> None:
        """Know what the file system has left, and take nothing while the lock is not in its place.

        Without the lock, another process may have the queue open, too.
        """
        path = f"{self._loaded.directory}/lock"
        while True:
            try:
                is_there, self._room.free = await self._threads.run(self._look, SYNC_SECONDS, path)
            except OSError:
                self._room.free = None
            else:
                words = f"{path} was deleted, so that another process may use the queue: restart this one"
                self._lost = "" if is_there else words
            await asyncio.sleep(_WATCH_SECONDS)

    def _look(self) -> tuple[bool, int]:
        """Whether the lock is in its place, and how many bytes are free. Raises OSError."""
        directory = self._loaded.directory
        return self._disk.is_at(self._loaded.lock, f"{directory}/lock"), self._disk.free(directory)

    async def _end_done_file(self) -> None:
        """End the file that records are being written to, and delete it, if nobody waits for any of it."""
        segment = self._writer.open_segment
        if segment is not None and not self._books.behind(segment):
            await self._writer.end_file()
            self._books.touch(segment)


def _silent(path: str, error: TimeoutError) -> QueueError:
    return QueueError(f"the file system of {path} does not answer: {system_words(error)}")
