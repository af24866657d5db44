"""A log line for each minute in which profiles arrived or left.

It adds no counting of its own: the components' counts are read once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping

from alloypy.runtime.contract.component import NO_ACTIVITY, Activity

EVERY_SECONDS = 60.0
"""Seconds between two log lines."""

logger = logging.getLogger("alloypy")


class ActivityLog:
    """Logs what has happened since its last line. counts: those of each component, since its start."""

    def __init__(self, counts: Callable[[], Mapping[Hashable, Activity]]) -> None:
        self._counts = counts
        self._before: Mapping[Hashable, Activity] = {}

    async def keep_logging(self) -> None:
        """Log once a minute, if there is anything to log."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.log_once()

    def log_once(self) -> None:
        """Log one line, or none when nothing has happened."""
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
