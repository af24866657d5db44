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
