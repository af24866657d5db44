"""Restarts: a component whose run has failed is rebuilt, after a pause that grows while it keeps failing.

Its dependants are evaluated again with its new exports. Its addresses stay open meanwhile: clients
wait in the queue instead of being refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from alloypy.runtime.running.instances import ComponentInstance

if TYPE_CHECKING:
    from alloypy.runtime.running.modules import Module

LONGEST_PAUSE_SECONDS = 60.0
"""Seconds; a component that has run longer than this starts again with the shortest pause."""


class Restarts:
    """Which components have failed, and when each is due.

    pause: seconds before the first restart. random: returns numbers from 0 to 1.
    """

    def __init__(self, pause: float, random: Callable[[], float]) -> None:
        self._first_pause = pause
        self._random = random
        self._due: dict[ComponentInstance, float] = {}
        self._last: dict[tuple[Module, str], tuple[float, float]] = {}  # due time and pause
        self._added = asyncio.Event()

    def add(self, instance: ComponentInstance) -> None:
        """Have a failed instance replaced."""
        now = asyncio.get_running_loop().time()
        key = (instance.module, instance.id)
        due, pause = self._last.get(key, (now - LONGEST_PAUSE_SECONDS, 0.0))
        calm = now - due >= LONGEST_PAUSE_SECONDS
        pause = self._first_pause if calm else min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._due[instance] = now + pause * (0.75 + self._random() / 2)
        self._last[key] = (self._due[instance], pause)
        self._added.set()

    async def next(self) -> ComponentInstance:
        """Wait for the first instance to be due, and return it."""
        loop = asyncio.get_running_loop()
        while True:
            self._added.clear()
            first = min(self._due, key=lambda instance: self._due[instance], default=None)
            left = None if first is None else self._due[first] - loop.time()
            if first is not None and left is not None and left <= 0:
                del self._due[first]
                return first
            try:
                async with asyncio.timeout(left):
                    await self._added.wait()
            except TimeoutError:
                continue
