"""The thread that does what would hold up the answers to other requests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ParamSpec, TypeVar

from alloypy.lsp.workspace.interrupting import Interrupted, interruptible

P = ParamSpec("P")
T = TypeVar("T")


class Urgency(IntEnum):
    """What is done first."""

    REQUEST = 0
    DIAGNOSTICS = 1
    PREPARATION = 2


class _Job:
    """One piece of work, and the future that waits for it."""

    def __init__(self, call: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.call = call
        self.future = future
        self.wanted = True

    def is_wanted(self) -> bool:
        return self.wanted


class Worker:
    """One thread, which starts with the first piece of work."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: tuple[deque[_Job], ...] = tuple(deque() for _ in Urgency)
        self._current: _Job | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    async def run(self, urgency: Urgency, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function that is called in the thread; raises what it raises.

        When the caller is cancelled, work that has not begun never does, and work that has begun gets
        Interrupted from its next `pause`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = _Job(lambda: function(*args, **kwargs), future)
        with self._changed:
            if self._stopped:
                raise asyncio.CancelledError
            self._waiting[urgency].append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="alloypy-lsp", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            return await future
        finally:
            job.wanted = False

    def stop(self, seconds: float) -> None:
        """Give up all work and end the thread; waits for it for at most `seconds`."""
        with self._changed:
            self._stopped = True
            for waiting in self._waiting:
                waiting.clear()
            if self._current is not None:
                self._current.wanted = False
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            if not job.wanted:
                continue
            interruptible(job.is_wanted)
            result, error = None, None
            try:
                result = job.call()
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
                job.future.get_loop().call_soon_threadsafe(_deliver, job.future, result, error)
            del job, result, error  # an error's traceback refers to this frame

    def _next(self) -> _Job | None:
        with self._changed:
            self._current = None
            while not self._stopped:
                for waiting in self._waiting:
                    if waiting:
                        self._current = waiting.popleft()
                        return self._current
                self._changed.wait()
        return None


def _deliver(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, Interrupted):
        future.cancel()
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
