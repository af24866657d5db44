"""How fast a destination is sent to: a window of deliveries, and a circuit that opens while it fails.

While the circuit is open, one delivery at a time is a probe, with growing pauses between them. Once one has
passed, the window grows from 1 (or from half of what it was, if the destination was only busy) as long as all
goes well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Pauses(NamedTuple):
    """Seconds to wait for a destination that fails. random: returns numbers in [0, 1)."""

    minimum: float
    maximum: float
    random: Callable[[], float]

    def after(self, failures: int, wanted: float = 0.0) -> float:
        """The pause after this many failures in a row. wanted: what the destination asked for."""
        low = min(self.minimum * 2.0 ** min(failures - 1, 30), self.maximum)
        high = min(2 * low, self.maximum)
        return max(low + self.random() * (high - low), min(wanted, self.maximum))


class Pace:
    """The window and the circuit of one destination.

    window: deliveries that may be in progress. is_open: the circuit is open: the destination fails.
    clock: returns seconds of a clock that is never set.
    """

    def __init__(self, most: int, pauses: Pauses, clock: Callable[[], float]) -> None:
        self._most = most
        self._pauses = pauses
        self._clock = clock
        self._window = float(most)
        self._grows_slowly = False
        self._failures = 0
        self._until = 0.0
        self._epoch = 0

    @property
    def window(self) -> int:
        """Deliveries that may be in progress."""
        return 1 if self._failures else int(self._window)

    @property
    def is_open(self) -> bool:
        """Whether the destination fails, as far as known."""
        return self._failures > 0

    @property
    def is_wide(self) -> bool:
        """Whether as many deliveries may be in progress as ever."""
        return not self._failures and self._window >= self._most

    @property
    def epoch(self) -> int:
        """A number for all deliveries that begin before the next failure: they fail for the same reason."""
        return self._epoch

    def wait(self) -> float:
        """Seconds until the next delivery may begin."""
        return max(0.0, self._until - self._clock()) if self._until else 0.0

    def use(self, most: int, pauses: Pauses) -> None:
        """Take new settings."""
        self._window = float(most) if self._window >= self._most else min(self._window, most)
        self._most, self._pauses = most, pauses

    def passed(self) -> None:
        """A delivery was taken."""
        if self._failures:
            self._failures = 0
            self._until = 0.0
            self._epoch += 1
        elif self._window < self._most:
            self._window += 1 / self._window if self._grows_slowly else 1
            self._window = min(self._window, self._most)

    def failed(self, epoch: int, *, busy: bool, wanted: float = 0.0) -> None:
        """A delivery that began in `epoch` failed. wanted: seconds that the destination asked for."""
        if epoch != self._epoch:
            return
        self._epoch += 1
        self._failures += 1
        self._grows_slowly = busy
        self._window = max(1.0, self._window / 2) if busy else 1.0
        self._until = self._clock() + self._pauses.after(self._failures, wanted)
