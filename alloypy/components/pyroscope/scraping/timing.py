"""When to scrape: one heap of times for all loops, with one timer.

Ten thousand sleeping tasks would take ten times the memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

_MOST_IN_ONE_GO = 50
"""Scrapes that begin without a turn for the event loop in between."""


_TOLERANCE_SECONDS = 0.01
"""How much too early a scrape may begin: each wake-up serves a few, and none comes before its time is up."""


class Entry:
    """Something that is due at a time. Cancelled entries stay in the heap until then."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Never call."""
        self.call = None


class Agenda:
    """Calls functions at times of the event loop's clock, in order. They must not raise."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Entry]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def add(self, when: float, call: Callable[[], None]) -> Entry:
        """Call at a time; returns what to cancel it with."""
        entry = Entry(call)
        heappush(self._heap, (when, next(self._numbers), entry))
        if self._timer is None or when < self._timer_at:
            self._arm(when)
        return entry

    def close(self) -> None:
        """Call nothing any more."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._due)

    def _due(self) -> None:
        self._timer = None
        heap, now, left = self._heap, self._loop.time() + _TOLERANCE_SECONDS, _MOST_IN_ONE_GO
        while heap and heap[0][0] <= now and left:
            call = heappop(heap)[2].call
            if call is not None:
                call()
                left -= 1
        if heap:
            self._arm(heap[0][0])


def first_after(interval: float, spread: int) -> float:
    """Seconds until the first scrape: an offset of up to one interval, and then a whole interval.

    spread: a number that differs between loops, so that they do not all begin at the same time.
    """
    nanoseconds = max(1, round(interval * 1e9))
    offset = time.time_ns() % nanoseconds + spread % nanoseconds
    if offset > nanoseconds:
        offset -= nanoseconds
    return offset / 1e9 + interval


def following(due: float, interval: float, now: float) -> tuple[float, float]:
    """When the scrape after the one of `due` begins, and the regular time that counts as its own.

    As with Go's ticker, times that pass during a slow scrape are made up for by one, immediately.
    """
    if due + interval > now:
        return due + interval, due + interval
    return now, due + (now - due) // interval * interval
