"""The accounts of all destinations, and the files of records that nobody waits for any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from functools import partial

from alloypy.queueing.cache import Cache
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.marks import REASONS, Account, Kind, Mark
from alloypy.queueing.segments import Segment, Segments
from alloypy.queueing.spans import Spans
from alloypy.queueing.writer import NO_SPACE, SYNC_SECONDS
from alloypy.threads import Threads

_AGAIN_SECONDS = 1.0


def dropped(first: int, last: int, reason: str, size: int = 0) -> Mark:
    """The mark that records are given up."""
    return Mark(Kind.DROPPED, first, last, size, REASONS.index(reason))


class Books:
    """Notes what becomes of records, and deletes the files that are done.

    done: the files of marks by destination. is_open: whether records are being written to a file. size: the
    bytes of all files of records, which the writer's owner adds to. lost: the records that
    were found damaged or missing. dropped: called with a destination for which some of a file has been
    dropped.
    """

    def __init__(
        self,
        disk: Disk,
        threads: Threads,
        segments: Segments,
        done: dict[str, DoneLog],
        cache: Cache,
        is_open: Callable[[Segment], bool],
        lost: Spans,
    ) -> None:
        self._disk = disk
        self._threads = threads
        self._segments = segments
        self.done = done
        self._cache = cache
        self._is_open = is_open
        self.size = segments.size
        self.lost = lost
        self.dropped: Callable[[str], object] = lambda _: None
        self._touched = {each.number for each in segments}
        self._cleaning: list[tuple[Callable[[], None], Hashable]] = []
        self._unsure: dict[str, int | None] = {}  # marks that may be gone: number of the error
        self._renewing = asyncio.Lock()
        self._flushing: asyncio.Handle | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def accounts(self) -> Iterable[Account]:
        """The accounts of all destinations, also of those that are none any more."""
        return [each.account for each in self.done.values()]

    def behind(self, segment: Segment) -> list[Account]:
        """Who still waits for some of a file."""
        return [each for each in self.accounts if not each.is_done(segment.first, segment.last)]

    def mark(self, account: Account, mark: Mark) -> int:
        """Note what has become of records; returns how many it is new for."""
        new = self.done[account.name].add(mark)
        if not new:
            return 0
        segment = self._segments.holding(mark.first)
        if segment is not None:
            self._touched.add(segment.number)
        if mark.kind in (Kind.DROPPED, Kind.EVICTED) and REASONS[mark.reason] == "damaged":
            self.lost.add(mark.first, mark.last)
        done: Iterable[int] = self._cache.within(mark.first, mark.last)
        for each in self.done.values():
            if each.account is not account and each.account.left is None:
                done = [seq for seq in done if seq in each.account.accounted]
        for seq in done:
            self._cache.discard(seq)
        if self._flushing is None:
            self.soon_flush()
        return new

    def drop(self, account: Account, segment: Segment, reason: str) -> None:
        """Give up what a destination waits for in a file."""
        for span in account.waiting_in(segment):
            self.mark(account, dropped(*span, reason))
        self.dropped(account.name)

    def touch(self, segment: Segment) -> None:
        """See before long whether a file is done."""
        self._touched.add(segment.number)
        self.soon_flush()

    def soon_flush(self) -> None:
        """Flush once the current work of the loop is done."""
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write marks, and have files deleted that nobody waits for."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if not all(list(map(DoneLog.flush, self.done.values()))) and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(_AGAIN_SECONDS, self.flush)
        touched, self._touched = self._touched, set()
        for segment in map(self._segments.numbered, touched):
            if segment is not None and not self._is_open(segment) and not self.behind(segment):
                self._doom(segment)
        if any(done.is_grown for done in self.done.values()):
            self._begin_upkeep()

    def _doom(self, segment: Segment) -> None:
        self._segments.remove(segment)
        self.size -= segment.end
        for account in self.accounts:
            account.forget(segment.number)
        self.clean(partial(self._disk.remove, segment.path), self)

    def clean(self, work: Callable[[], None], key: Hashable) -> None:
        """Call `work` in a thread once all marks so far are on the disk. key: as for `Threads.run`."""
        self._cleaning.append((work, key))
        self._begin_upkeep()

    @property
    def is_behind(self) -> bool:
        """Whether something is to be cleaned that cannot be yet."""
        return bool(self._cleaning)

    async def cleaned(self) -> None:
        """Wait until nothing is left to clean."""
        while self._upkeep is not None:
            await asyncio.shield(self._upkeep)

    def _begin_upkeep(self) -> None:
        if self._upkeep is None:
            self._upkeep = asyncio.get_running_loop().create_task(self._keep_up())

    def _try_again(self) -> None:
        if not self._is_closed:
            self._begin_upkeep()

    async def _keep_up(self) -> None:
        """Delete what is done with, after the marks that say so are on the disk; renew long files."""
        try:
            while self._cleaning:
                cleaning, self._cleaning = self._cleaning, []
                if not await self._secure():  # without them, what is deleted would count as damaged
                    self._cleaning = cleaning + self._cleaning
                    asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._try_again)
                    break
                for work, key in cleaning:
                    with suppress(OSError):  # the next start will find it
                        await self._threads.run(work, SYNC_SECONDS, key)
                self.flush()  # there may be room for marks now
            for name, done in list(self.done.items()):
                if done.is_grown or name in self._unsure:
                    await self._renew(done)
        finally:
            self._upkeep = None

    async def _secure(self) -> bool:
        """Wait until the marks are on the disk. False if it has failed on some, and not taken them again.

        A disk that is only full does not count: it needs what is deleted. They are written again after that.
        """
        self.flush()
        for name, done in list(self.done.items()):
            if name not in self._unsure:
                try:
                    await self._threads.run(done.sync, SYNC_SECONDS, self)
                except OSError as error:  # they may be gone, whatever another sync says
                    self._unsure[name] = error.errno
            if name in self._unsure:
                await self._renew(done)
        for name in self._unsure.keys() - self.done.keys():
            del self._unsure[name]
        return NO_SPACE.issuperset(self._unsure.values())

    async def _renew(self, done: DoneLog) -> None:
        name = done.account.name
        try:
            await self.renew(done)
        except OSError as error:  # the old file goes on
            if self._unsure.get(name) in NO_SPACE:
                self._unsure[name] = error.errno
        else:
            self._unsure.pop(name, None)

    async def renew(self, done: DoneLog) -> None:
        """Write a file of marks anew, with what the account adds up to. Raises OSError."""
        async with self._renewing:
            written = partial(done.written, done.snapshot())
            done.replace(await self._threads.run(written, SYNC_SECONDS, self))

    async def close_account(self, name: str) -> None:
        """Delete the file of a destination that nothing waits for."""
        done = self.done.pop(name)
        done.close()
        with suppress(OSError):
            await self._threads.run(done.delete, SYNC_SECONDS, self)

    async def close(self) -> None:
        """Write all marks to the disk."""
        self._is_closed = True
        await self.cleaned()
        await self._secure()
        for done in self.done.values():
            done.close()
