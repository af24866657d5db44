"""What can go wrong with a queue. Each text says what to do."""

from __future__ import annotations


class QueueError(Exception):
    """A queue cannot be opened, or its settings make no sense. Nothing on disk has been changed."""


class Full(Exception):
    """A record was not stored because there is no room for it; later there may be.

    reason: `full` (all destinations are behind, and max_size is reached) or `no_space` (the file system
        has no more than min_free left), `too_large` (it never will be stored).
    """

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class WriteFailed(Exception):
    """A record was not stored because the disk failed, twice: also in a new file."""


class Closed(Exception):
    """The log has been closed."""
