"""The time of a log: the wall clock's at start, and then a clock that never jumps."""

from __future__ import annotations

import time


class Clock:
    """Nanoseconds since 1970, as the wall clock saw them when this was made.

    A jump of the wall clock while the process runs changes no age.
    """

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        """The time in nanoseconds."""
        return self._offset + time.monotonic_ns()


def is_older(received_at: int, now: int, most: float) -> bool:
    """Whether a record is older than so many seconds; 0 = never. One from the future is not."""
    return bool(most) and now - received_at > most * 1e9
