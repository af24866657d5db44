"""The pauses between tries: Alloy's exponential backoff with jitter.

Source: docs/spec/PYROSCOPE.md, section 5.4.
"""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """The schedule of one delivery.

    minimum, maximum: seconds. tries: the most tries in all, 0 = no limit.
    random: returns numbers in [0, 1).
    steps: how many pauses have been asked for; Alloy's error texts call them retries.
    """

    __slots__ = ("_high", "_low", "_maximum", "_random", "_tries", "steps")

    def __init__(self, minimum: float, maximum: float, tries: int, random: Callable[[], float]) -> None:
        self.steps = 0
        self._maximum = maximum
        self._tries = tries
        self._random = random
        self._low = minimum
        self._high = min(2 * minimum, maximum)

    def next_pause(self, wanted: float = 0.0) -> float | None:
        """Seconds until the next try; None when no tries are left.

        wanted: seconds that the server asked for (Retry-After); respected up to the maximum.
        """
        self.steps += 1
        pause = self._low
        if self._low < self._high:
            pause += self._random() * (self._high - self._low)
            if self._high < self._maximum:
                self._low = min(2 * self._low, self._maximum)
                self._high = min(2 * self._high, self._maximum)
        if self._tries and self.steps >= self._tries:
            return None
        return max(pause, min(wanted, self._maximum))


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for: a number, or a date relative to `now`; 0 if neither."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:10])
    from email.utils import parsedate_to_datetime  # rarely needed, and slow to import

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
