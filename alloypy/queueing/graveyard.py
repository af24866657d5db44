"""The dead letters of all destinations: kept within space and age, looked at, and delivered again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from alloypy.queueing.books import Books, dropped
from alloypy.queueing.clock import Clock
from alloypy.queueing.dead_letters import Copy, DeadLetter, DeadLetters
from alloypy.queueing.disk import Disk
from alloypy.queueing.marks import REASONS, Account, Kind, Mark, dead_name
from alloypy.queueing.record import Record
from alloypy.queueing.settings import LogSettings
from alloypy.queueing.writer import SYNC_SECONDS
from alloypy.threads import Threads

T = TypeVar("T")

_TOLD_NANOSECONDS = 60_000_000_000


class Graveyard:
    """Dead letters, of which the accounts say which there are.

    dead: their copies, by destination. evicted: called with a destination, the limit that its dead letters
    have reached (`size` or `age`), and how many have been dropped for that; at most once a minute for each,
    and for all of them. write_errors: of the disk.
    """

    def __init__(
        self,
        threads: Threads,
        settings: LogSettings,
        clock: Clock,
        books: Books,
        dead: dict[str, DeadLetters],
    ) -> None:
        self._threads = threads
        self._settings = settings
        self._clock = clock
        self._books = books
        self.dead = dead
        self.evicted: Callable[[str, str, int], object] = lambda *_: None
        self._untold: Counter[tuple[str, str]] = Counter()
        self._told_at: dict[tuple[str, str], int] = {}
        self.write_errors = 0

    def use(self, settings: LogSettings) -> None:
        """Use other settings from now on."""
        self._settings = settings
        for each in self.dead.values():
            each.most = settings.dead_letter_size

    def open_account(self, name: str, disk: Disk, directory: str) -> None:
        """Take dead letters of a new destination. directory: of the log."""
        path = f"{directory}/{dead_name(name)}"
        self.dead[name] = DeadLetters(disk, path, self._settings.dead_letter_size)

    def close_account(self, name: str) -> None:
        """Take none any more."""
        del self.dead[name]

    async def bury(self, account: Account, record: Record, why: str, words: str) -> bool:
        """Keep a record as a dead letter; False if it is too large for one: it is dropped for that reason.

        Raises OSError if the disk does not take it: then it waits as before, and no other makes room for it.
        """
        dead, seq = self.dead[account.name], record.place.seq
        is_kept = record.place.segment == 0 and seq in dead  # it was one before
        if not is_kept and record.size < self._settings.dead_letter_size:
            try:
                await self._in_thread(account, partial(dead.add, record, why, words, self._clock.now()))
            except OSError:
                self.write_errors += 1
                raise
            is_kept = True
        mark = Mark(Kind.DEAD, seq, seq, record.size) if is_kept else dropped(seq, seq, why, record.size)
        if not self._books.mark(account, mark) and seq not in account.dead:  # it was dropped meanwhile
            self.forget(account, [seq])
        with suppress(OSError):  # the next one tries it again
            await self._make_room(account)
        return seq in account.dead

    async def _make_room(self, account: Account) -> None:
        """Drop the oldest dead letters of a destination that has more than it may. Raises OSError."""
        dead, count = self.dead[account.name], 0
        while dead.size > self._settings.dead_letter_size:
            await self._books.cleaned()
            if self._books.is_behind:  # what has been dropped already will make room
                break
            found = await self._evict_oldest(account)
            if not found:
                break
            count += found
        self._note(account, "size", count)

    async def get(self, account: Account, seq: int) -> DeadLetter | None:
        """A dead letter; None if there is none, or it is damaged. Raises OSError."""
        return await self._in_thread(account, partial(self.dead[account.name].get, seq))

    async def numbers(self, account: Account) -> list[int]:
        """The numbers of the dead letters of a destination."""
        return sorted(seq for seq in await self._copies(account) if seq in account.dead)

    def replay(self, account: Account, seqs: Iterable[int]) -> list[int]:
        """Let dead letters wait again; returns which."""
        return [seq for seq in seqs if self._books.mark(account, Mark(Kind.REPLAYED, seq, seq))]

    async def evict(self, account: Account, seqs: Iterable[int]) -> int:
        """Drop dead letters; returns how many. They count as dropped for the reason that made them one."""
        copies = await self._copies(account)
        evicted = []
        for seq in seqs:
            why = copies[seq].why if seq in copies else "damaged"
            mark = Mark(Kind.EVICTED, seq, seq, reason=REASONS.index(why) if why in REASONS else 0)
            if self._books.mark(account, mark):
                evicted.append(seq)
        self.forget(account, evicted)
        await self._books.cleaned()
        return len(evicted)

    def forget(self, account: Account, seqs: list[int]) -> None:
        """Delete the copies of dead letters that are none any more, once that is certain."""
        dead = self.dead[account.name]
        self._books.clean(partial(dead.remove, seqs), dead)

    async def evict_old(self) -> None:
        """Drop the dead letters that are older than they may be; those that cannot be, the next time."""
        if not self._settings.dead_letter_age:
            return
        before = self._clock.now() - int(self._settings.dead_letter_age * 1e9)
        for account in self._books.accounts:
            if not account.dead.count:
                continue
            with suppress(OSError):
                copies = await self._copies(account)
                count = await self.evict(account, [seq for seq, copy in copies.items() if copy.time < before])
                self._note(account, "age", count)

    def _note(self, account: Account, limit: str, count: int) -> None:
        """Dead letters have been dropped for a limit: tell of it, unless that was done a moment ago."""
        key, now = (account.name, limit), self._clock.now()
        self._untold[key] += count
        if self._untold[key] and now - self._told_at.get(key, 0) >= _TOLD_NANOSECONDS:
            self._told_at[key] = now
            self.evicted(*key, self._untold.pop(key))

    def tell_rest(self) -> None:
        """Tell of the evictions that have not been told."""
        for key, count in self._untold.items():
            if count:
                self._told_at[key] = self._clock.now()
                self.evicted(*key, count)
        self._untold.clear()

    async def _evict_oldest(self, account: Account) -> int:
        """Drop the dead letters of the oldest file that has any; returns how many."""
        copies = {seq: copy for seq, copy in (await self._copies(account)).items() if seq in account.dead}
        first = min((copy.number for copy in copies.values()), default=0)
        return await self.evict(account, [seq for seq, copy in copies.items() if copy.number == first])

    async def _copies(self, account: Account) -> dict[int, Copy]:
        return await self._in_thread(account, self.dead[account.name].copies)

    async def _in_thread(self, account: Account, work: Callable[[], T]) -> T:
        return await self._threads.run(work, SYNC_SECONDS, self.dead[account.name])
