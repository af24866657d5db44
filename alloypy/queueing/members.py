"""Who gets what is put: destinations that come, leave and return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from alloypy.queueing.books import Books
from alloypy.queueing.clock import Clock
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.errors import QueueError
from alloypy.queueing.graveyard import Graveyard
from alloypy.queueing.marks import Account, Kind, Mark, done_name
from alloypy.queueing.obstacles import why
from alloypy.queueing.roll import Roll
from alloypy.queueing.segments import Segments
from alloypy.queueing.writer import SYNC_SECONDS
from alloypy.threads import Threads


class Members:
    """The destinations of a log, each noted on the disk before any record counts as stored for it.

    roll: of their names. last: returns the number of the last stored record.
    """

    def __init__(
        self,
        disk: Disk,
        threads: Threads,
        clock: Clock,
        directory: str,
        roll: Roll,
        segments: Segments,
        books: Books,
        graves: Graveyard,
        last: Callable[[], int],
    ) -> None:
        self._disk = disk
        self._threads = threads
        self._clock = clock
        self._directory = directory
        self._roll = roll
        self._segments = segments
        self._books = books
        self._graves = graves
        self._last = last
        self._changing = asyncio.Lock()

    async def join(self, name: str) -> Account:
        """Let a destination have what is put from now on; one that has left goes on where it was.

        Raises QueueError.
        """
        async with self._changing:
            done = self._books.done.get(name)
            if done is None:
                done = await self._new(name)
            elif done.account.left is not None:
                await self._return(done, done.account.left)
            return done.account

    def leave(self, name: str) -> int:
        """Let a destination have nothing more. Returns how much waits for it."""
        account = self._books.done[name].account
        self._left(account)
        return account.waiting(self._last())

    async def mend(self) -> None:
        """Note the names if nothing is in the way any more."""
        if self._roll.fault:
            async with self._changing:
                with suppress(OSError):
                    await self._write_roll([*self._books.done])

    async def forget(self, is_old: Callable[[int], bool]) -> None:
        """Forget destinations that are none any more, once nothing waits for them.

        is_old: whether a time is so long ago that what waits for one that left then is given up.
        """
        for name in list(self._books.done):
            async with self._changing:
                if name in self._books.done:
                    await self._forget(self._books.done[name].account, is_old)

    async def _forget(self, account: Account, is_old: Callable[[int], bool]) -> None:
        if account.left is None:
            return
        if is_old(account.left_at):
            for segment in self._segments:
                self._books.drop(account, segment, "removed")
        if account.waiting(self._last()) or account.dead.count:
            return
        try:  # before its file is gone: it would count as lost
            await self._write_roll(self._books.done.keys() - {account.name})
        except OSError:
            return
        await self._books.close_account(account.name)
        self._graves.close_account(account.name)

    async def _return(self, done: DoneLog, left: int) -> None:
        """Let a destination have what is put from now on, once no lost mark can keep it from it."""
        account = done.account
        self._books.mark(account, Mark(Kind.RETURNED, left + 1, self._last()))
        try:
            await self._books.renew(done)  # without the mark that it has left
            await self._secure_names()
        except OSError as error:
            self._left(account)
            raise self._not_added(account.name, error) from error

    async def _new(self, name: str) -> DoneLog:
        account = Account(name, self._segments)
        account.apply(Mark(Kind.JOINED, 0, self._last()))
        done = DoneLog(self._disk, f"{self._directory}/{done_name(name)}", account)
        try:
            await self._threads.run(done.start, SYNC_SECONDS, self._books)
            await self._secure_names()
            await self._write_roll({*self._books.done, name})
        except OSError as error:
            raise self._not_added(name, error) from error
        self._graves.open_account(name, self._disk, self._directory)
        self._books.done[name] = done
        if self._last() > account.joined:  # what was stored meanwhile may be gone already
            self._books.mark(account, Mark(Kind.RETURNED, account.joined + 1, self._last()))
        return done

    def _left(self, account: Account) -> None:
        self._books.mark(account, Mark(Kind.LEFT, 0, self._last(), self._clock.now()))

    async def _secure_names(self) -> None:
        work = partial(self._disk.sync_directory, self._directory)
        await self._threads.run(work, SYNC_SECONDS, self._books)

    async def _write_roll(self, names: Iterable[str]) -> None:
        await self._threads.run(partial(self._roll.write, names), SYNC_SECONDS, self._books)

    def _not_added(self, name: str, error: OSError) -> QueueError:
        return QueueError(f"cannot add {name} to the queue {self._directory}: {why(error)}")
