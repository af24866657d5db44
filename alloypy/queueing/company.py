"""Lets those who send at the same time share a sync of the disk.

Those who were answered after a sync bring their next records within moments. A batch that waits for them
needs one sync where two batches in turn would need two, each of which costs as much as ten records.
"""

from __future__ import annotations

import asyncio


class Company:
    """Who may bring a record soon: as many as were answered last, and as had come meanwhile.

    One sender alone never waits, nor does a record that comes late after the last answers.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected = 0
        self._until = 0.0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a batch waits: `end` it once all are there."""
        return self._waiter is not None

    def is_there(self, count: int) -> bool:
        """Whether all are there if so many are."""
        return count >= self._expected

    def answered(self, count: int, seconds: float) -> None:
        """Expect so many within so many seconds."""
        self._expected = count
        self._until = self._loop.time() + seconds

    async def gather(self) -> None:
        """Wait until `end`, or until nobody is expected any more."""
        seconds = self._until - self._loop.time()
        if seconds <= 0:
            return
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self.end)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def end(self) -> None:
        """Wait no longer."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
