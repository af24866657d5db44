"""One type of profile of one target, scraped again and again."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from alloypy.components.pyroscope.scraping.targets import Wanted
from alloypy.profiles.remembered import size_of

if TYPE_CHECKING:
    from alloypy.components.pyroscope.scraping.fetching import Fetcher
    from alloypy.components.pyroscope.scraping.timing import Entry
    from alloypy.net.client.messages import Request


_RESULTS = 4
"""How often a label set may be remembered on its way, with what was worked out from it."""
_ENTRIES_BYTES = 1500


class LoopHealth(Enum):
    """How the last scrape went."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


class Loop:
    """What is known of one type of profile of one target.

    due: the regular time of the current or next scrape, by the event loop's clock. entry: that scrape, unless
    it is running. request: made for the first scrape with `fetcher`. began: the start of the last scrape that
    has ended, in seconds since 1970; seconds: how long it took. error: why it failed, or "". room: bytes that
    what is worked out from the labels may take.
    """

    __slots__ = (
        "began",
        "due",
        "entry",
        "error",
        "fetcher",
        "health",
        "request",
        "room",
        "running",
        "seconds",
        "wanted",
    )

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.room = _RESULTS * size_of(wanted.sent) + _ENTRIES_BYTES
        self.due = 0.0
        self.entry: Entry | None = None
        self.running = False
        self.fetcher: Fetcher | None = None
        self.request: Request | None = None
        self.health = LoopHealth.UNKNOWN
        self.error = ""
        self.began = 0.0
        self.seconds = 0.0

    @property
    def spread(self) -> int:
        """A number that differs between loops, and is the same in every process."""
        return int.from_bytes(self.wanted.identity[:8], "big")

    def stop(self) -> None:
        """Begin no scrape any more."""
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None
