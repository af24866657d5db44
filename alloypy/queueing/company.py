"""Lets those who send at about the same time share a sync of the disk, which costs as much as ten records.

Those who were answered after the last sync bring their next records within moments: a batch waits for them.
Others come without having waited for an answer. Whether waiting for those is worth it is tried now and then,
so that a sender alone, whom nobody can join, hardly ever waits.
"""

from __future__ import annotations

import asyncio

_BATCHES = 64
"""How many batches wait for nobody unknown after one that has done so in vain."""


class Company:
    """Makes a batch wait until others have joined it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected = 1
        self._present = 0
        self._batches_left = _BATCHES
        self._lingers = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a batch waits: it is to be told who has `come`."""
        return self._waiter is not None

    def answered(self, count: int) -> None:
        """So many may come soon: as many as have been answered together, and as have come meanwhile."""
        self._expected = count

    async def gather(self, count: int, seconds: float) -> None:
        """Wait until all are there who are expected, or so many seconds have passed. count: who is there."""
        self._lingers = not self._batches_left
        if not self._lingers:
            self._batches_left -= 1
            if count >= self._expected:
                return
        self._present = count
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self.end)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        if self._lingers and self._present == max(count, self._expected):  # and nobody else
            self._batches_left = _BATCHES

    def come(self, count: int) -> None:
        """Now so many are there."""
        self._present = count
        if count >= self._expected and not self._lingers:
            self.end()

    def end(self) -> None:
        """Wait no longer."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
