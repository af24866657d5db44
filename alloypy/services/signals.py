"""Signals: the first SIGINT or SIGTERM asks the process to stop, a second one kills it; SIGHUP reloads.

The entry point blocks them until they are handled here. Source: docs/spec/RUNTIME.md, section 7.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_STOP = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """The process has been asked to stop."""


class Signals:
    """The signals received so far.

    stop: set by the first SIGINT or SIGTERM. reload: set by each SIGHUP.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. Raises Stopped, having cancelled it, when a signal asks to stop."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            raise Stopped
        return task.result()

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
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOP, signal.SIGHUP})
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
