"""Signals: the first SIGINT or SIGTERM asks the process to stop, a second one ends it; SIGHUP reloads.

Source: spec section 7.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STOP = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """What the signals have asked for so far.

    stop: set by the first SIGINT or SIGTERM. on_reload: called for each SIGHUP.
    """

    def __init__(self, on_reload: Callable[[], None]) -> None:
        self.stop = asyncio.Event()
        self._on_reload = on_reload

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals in the running event loop while the block lasts."""
        if sys.platform == "win32":  # the loop there has no signal support
            with self._plain_handlers():
                yield
            return
        loop = asyncio.get_running_loop()
        for number in _STOP:
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        try:
            yield
        finally:
            for number in (*_STOP, signal.SIGHUP):
                loop.remove_signal_handler(number)

    @contextmanager
    def _plain_handlers(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        before = {
            number: signal.signal(number, lambda got, _: loop.call_soon_threadsafe(self._stop, got))
            for number in _STOP
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int) -> None:
        if self.stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.stop.set()
