"""A line in the log for each minute in which profiles came or went.

Nothing is counted for it: the components' own counts are read once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping

from alloypy.runtime.contract.component import NO_ACTIVITY, Activity

EVERY_SECONDS = 60.0
"""Seconds between two looks."""

logger = logging.getLogger("alloypy")


class ActivityLog:
    """Tells what has happened since it told last. counts: of each component, from its start on."""

    def __init__(self, counts: Callable[[], Mapping[Hashable, Activity]]) -> None:
        self._counts = counts
        self._before: Mapping[Hashable, Activity] = {}

    async def keep_telling(self) -> None:
        """Tell once a minute, if there is anything to tell."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.tell()

    def tell(self) -> None:
        """One line, or none when nothing has happened."""
        before, self._before = self._before, self._counts()
        changes = [
            tuple(new - old for new, old in zip(now, before.get(each, NO_ACTIVITY), strict=True))
            for each, now in self._before.items()
        ]
        sums = Activity(*map(sum, zip(*changes, strict=True)))
        if any(sums):
            fields = {
                "requests": sums.received,
                "failed": sums.failed,
                "profiles_sent": sums.sent,
                "profiles_dropped": sums.dropped,
            }
            logger.info("profiles of the last minute", extra={"fields": fields})
