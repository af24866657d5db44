"""Drives a log on a disk in memory, without threads, through lives that end as tests want."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from alloypy.queueing.clock import Clock
from alloypy.queueing.cursor import Counts
from alloypy.queueing.log import Log
from alloypy.queueing.record import Record
from alloypy.queueing.settings import LogSettings
from alloypy.threads import Threads
from tests.support.memory_disk import Crash, MemoryDisk
from tests.support.waiting import PATIENCE_SECONDS

T = TypeVar("T")

SMALL = LogSettings(
    max_size=4 << 20,
    segment_size=64 << 10,
    min_free=0,
    gathering=0.0002,
    memory=8 << 10,
    dead_letter_size=256 << 10,
)


class NoThreads(Threads):
    """Does at once, in the loop, what others do in threads."""

    def __init__(self) -> None:
        super().__init__("none", 0)

    def begin(self, work: Callable[[], T], seconds: float, key: Hashable | None = None) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future


class FakeClock(Clock):
    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class Lives:
    """The lives of a log: each ends by closing, by a kill or by loss of power."""

    def __init__(self, *destinations: str, settings: LogSettings = SMALL) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)
        self.destinations = list(destinations) or ["a"]
        self.settings = settings
        self.disk = MemoryDisk()
        self.clock = FakeClock()
        self.log: Log | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. Raises Crash if the disk has ended the life."""
        result = self.loop.run_until_complete(self._outcome(work))
        if self.disk.is_dead:
            raise Crash
        if isinstance(result, BaseException):
            raise result
        return result

    async def _outcome(self, work: Coroutine[Any, Any, T]) -> T | BaseException:
        try:
            result = await asyncio.wait_for(work, PATIENCE_SECONDS)
            for _ in range(3):  # marks are written in the next turn
                await asyncio.sleep(0)
        except BaseException as error:
            return error
        return result

    def open(self) -> Log:
        opening = Log.open(
            "/q",
            settings=self.settings,
            destinations=self.destinations,
            disk=self.disk,
            threads=NoThreads(),
            clock=self.clock,
        )
        self.log = self.run(opening)
        return self.log

    def close(self) -> None:
        assert self.log is not None
        self.run(self.log.close())

    def end(self, disk: MemoryDisk) -> None:
        """The process is gone; the next finds `disk`."""
        self.disk.is_dead = True
        while tasks := asyncio.all_tasks(self.loop):  # one may begin another while it ends
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.disk, self.log = disk, None

    def free(self) -> None:
        """Close the loop."""
        self.end(self.disk)
        self.loop.run_until_complete(asyncio.sleep(0))
        self.end(self.disk)
        self.loop.close()


def contents(record: Record) -> bytes:
    return b"".join(record.body)


def lawful(counts: Counts) -> bool:
    """Whether stored = delivered + dropped + dead + waiting."""
    return counts.stored == (
        counts.delivered + sum(counts.dropped.values()) + counts.dead + counts.waiting
    ) and not any(number < 0 for number in (counts.stored, counts.delivered, counts.dead, counts.waiting))


async def drained(log: Log, destination: str) -> Counter[bytes]:
    """All that waits for a destination, given out and not settled."""
    found: Counter[bytes] = Counter()
    cursor = log.cursor(destination)
    while cursor.counts.waiting > sum(found.values()):
        found[contents(await cursor.next())] += 1
    return found
