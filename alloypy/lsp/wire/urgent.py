"""Messages of the client that are being answered: meanwhile checks stand still.

Python runs one thread at a time and hands over at fixed intervals. A check that only took its turns would
still make every answer take twice as long.
"""

from __future__ import annotations

import threading


class Urgent:
    """Counts messages that have arrived and have not been handled yet. Any thread may call the methods."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition(threading.Lock())

    def begin(self) -> None:
        """A message has arrived."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """A message has been handled."""
        with self._changed:
            self._count = max(0, self._count - 1)  # a stream may end before a message has begun
            if not self._count:
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until there are none, for at most `seconds`; returns whether there were any."""
        if not self._count:
            return False
        with self._changed:
            self._changed.wait_for(lambda: not self._count, seconds)
        return True
