"""Finds a record that ends the process, among others that were only in flight when it ended.

A process ends for many reasons. A record that was being delivered at two ends is suspected: after that it is
delivered while no other delivery of its queue is in progress, and each end meanwhile counts against it. One
that is still being delivered a moment later, with the loop alive, waits for its answer, and is innocent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

SUSPECTED = 2
"""A record is delivered alone after this many ends of the process while it was being delivered."""

GUILTY = 3
"""A record is set aside after this many ends of the process while it alone was being delivered."""

HARMLESS_SECONDS = 0.25
"""A delivery that has taken so long does not end the process any more."""


class Quarantine:
    """Lets one courier of a queue at a time be the only one that delivers.

    deliveries: returns the ends of all deliveries of the queue that are in progress.
    """

    def __init__(self, deliveries: Callable[[], list[asyncio.Future[None]]]) -> None:
        self._deliveries = deliveries
        self._lock = asyncio.Lock()

    @property
    def is_closed(self) -> bool:
        """Whether no other delivery may begin."""
        return self._lock.locked()

    async def opened(self) -> None:
        """Wait until deliveries may begin."""
        while self.is_closed:
            async with self._lock:
                pass

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While the block lasts, no other delivery begins. What is in progress ends before, or is old."""
        async with self._lock:
            if ends := self._deliveries():
                await asyncio.wait(ends, timeout=HARMLESS_SECONDS)
            yield
