"""Long jobs in the event loop, in steps between which others get their turn."""

from __future__ import annotations

import asyncio
import time

_STEP = 0.01


class Pace:
    """Asked after each small part of a job, lets the loop turn when the last turn is 10 ms ago."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def rest(self) -> None:
        """Let others go on, if it is time to."""
        if time.monotonic() - self._since >= _STEP:
            await asyncio.sleep(0)
            self._since = time.monotonic()
