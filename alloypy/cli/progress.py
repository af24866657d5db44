"""How far long work is, in one line on the terminal that is overwritten and cleared at the end.

Imported only where standard error is a terminal. A timer draws, so that also a single long step shows.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any

_MANY = 200
"""More steps than this are shown at once; fewer only if they take long."""

_LONG_SECONDS = 1.0
_EVERY_SECONDS = 0.1
_CLEARED = b"\r\x1b[K"


class ShownSteps:
    """Steps that a terminal shows. doing: what is done, such as `checking`. shown: those that show now."""

    def __init__(self, doing: str, shown: list[ShownSteps]) -> None:
        self._doing = doing
        self._others = shown
        self._total = self._count = 0
        self._drawn = self._held = False
        self._before: Any = None
        self._started = time.monotonic()

    def __enter__(self) -> ShownSteps:
        try:
            self._before = signal.signal(signal.SIGALRM, self._draw)
        except (AttributeError, ValueError):  # Windows has no such signal, and other threads do not get it
            return self
        signal.setitimer(signal.ITIMER_REAL, _LONG_SECONDS, _EVERY_SECONDS)
        self._others.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self in self._others:
            self._others.remove(self)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
            self.make_room()

    def expect(self, total: int) -> None:
        """Say how many steps there will be."""
        self._total = total
        if total > _MANY and self in self._others:
            signal.setitimer(signal.ITIMER_REAL, _EVERY_SECONDS, _EVERY_SECONDS)
            self._show()

    def step(self) -> None:
        """Note that a step is done."""
        self._count += 1
        self._held = False

    def make_room(self) -> None:
        """Clear the line for other output; it is drawn again after the next step."""
        self._held = True
        if self._drawn:
            self._drawn = False
            _write(_CLEARED)

    def _draw(self, number: int, frame: FrameType | None) -> None:
        self._show()

    def _show(self) -> None:
        if not self._held:
            self._drawn = True
            _write(_CLEARED + self._text().encode("ascii", "replace"))

    def _text(self) -> str:
        seconds = round(time.monotonic() - self._started)
        if self._total > 1:
            return f"{self._doing} {self._count} of {self._total} ({seconds} s) "
        return f"{self._doing} ({seconds} s) "


def _write(data: bytes) -> None:
    """Write past the buffer of the stream, which the signal may have interrupted."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), data)
