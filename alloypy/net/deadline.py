"""A deadline that is moved far more often than it passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `passed` when the time that was set last is up."""

    __slots__ = ("_loop", "_passed", "_timer", "_timer_at", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._when: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def set(self, seconds: float) -> None:
        """Pass `seconds` from now; 0 or less: never."""
        if seconds <= 0:
            self._when = None
            return
        when = self._when = self._loop.time() + seconds
        if self._timer is None or when < self._timer_at:
            self.set_at(when)

    def set_at(self, when: float) -> None:
        """Pass at `when`, by the loop's clock."""
        self._when = when
        # An earlier timer checks the time again when it fires, so a new one is rarely needed.
        if self._timer is None or when < self._timer_at:
            self.close()
            self._arm(when)

    def stop(self) -> float:
        """Stop the clock; returns the seconds left, 0 if no deadline was set."""
        when, self._when = self._when, None
        return 0.0 if when is None else max(when - self._loop.time(), 0.001)

    def end(self) -> None:
        """Never pass again, and drop the reference to `passed`."""
        self.close()
        self._when = None
        self._passed = _nobody

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, when: float) -> None:
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._fired)

    def _fired(self) -> None:
        self._timer = None
        if self._when is None:
            return
        if self._loop.time() < self._when:
            self._arm(self._when)
        else:
            self._when = None
            self._passed()


def _nobody() -> None:
    """In place of `passed` once the deadline has ended."""
