"""The threads that do what would hold up the answers to other requests: one for requests, one for checks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ParamSpec, TypeVar

from alloypy.lsp.wire.urgent import Urgent
from alloypy.lsp.workspace.interrupting import Interrupted, interruptible

P = ParamSpec("P")
T = TypeVar("T")

_MOST_WAIT_SECONDS = 0.3
"""How long a check waits for messages in total: a client that never stops sending cannot prevent it."""


class Urgency(IntEnum):
    """What is done first. A person waits for REQUEST, so it has a thread of its own."""

    REQUEST = 0
    DIAGNOSTICS = 1
    PREPARATION = 2


class _Job:
    """One piece of work, and the future that waits for it. patience: how long it may still stand still."""

    def __init__(self, call: Callable[[], Any], future: asyncio.Future[Any], urgent: Urgent | None) -> None:
        self.call = call
        self.future = future
        self.wanted = True
        self._urgent = urgent
        self._patience = _MOST_WAIT_SECONDS

    def step(self) -> None:
        """What happens at each `pause`. Raises Interrupted."""
        if self._urgent is not None and self._patience > 0:
            begun = time.monotonic()
            if self._urgent.wait(self._patience):
                self._patience -= time.monotonic() - begun
        if not self.wanted:
            raise Interrupted


class Worker:
    """Two threads, each of which starts with its first piece of work.

    urgent: the messages during which checks stand still. tidy: called in the thread of checks after each one
    that was not cancelled.
    """

    def __init__(self, urgent: Urgent, tidy: Callable[[], None]) -> None:
        self._urgent = urgent
        self._requests = _Lane("alloypy-lsp", 1, lambda: None)
        self._checks = _Lane("alloypy-lsp-check", 2, tidy)

    async def run(self, urgency: Urgency, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function that is called in a thread; raises what it raises.

        When the caller is cancelled, work that has not begun never does, and work that has begun gets
        Interrupted from its next `pause`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        asked = urgency is Urgency.REQUEST
        job = _Job(lambda: function(*args, **kwargs), future, None if asked else self._urgent)
        if asked:
            self._requests.add(job, 0)
        else:
            self._checks.add(job, urgency - Urgency.DIAGNOSTICS)
        try:
            return await future
        finally:
            job.wanted = False

    def stop(self, seconds: float) -> None:
        """Give up all work and end the threads; waits for them for at most `seconds` in total."""
        until = time.monotonic() + seconds
        lanes = (self._requests, self._checks)
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            lane.join(max(0.0, until - time.monotonic()))


class _Lane:
    """One thread, and the work that waits for it. kinds: how many kinds of work; the first goes first."""

    def __init__(self, name: str, kinds: int, tidy: Callable[[], None]) -> None:
        self._name = name
        self._tidy = tidy
        self._changed = threading.Condition()
        self._waiting: tuple[deque[_Job], ...] = tuple(deque() for _ in range(kinds))
        self._current: _Job | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def add(self, job: _Job, kind: int) -> None:
        """Take a piece of work. Raises CancelledError after `stop`."""
        with self._changed:
            if self._stopped:
                raise asyncio.CancelledError
            self._waiting[kind].append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Give up all work and end the thread."""
        with self._changed:
            self._stopped = True
            for waiting in self._waiting:
                waiting.clear()
            if self._current is not None:
                self._current.wanted = False
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, for at most `seconds`."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            if not job.wanted:
                continue
            interruptible(job.step)
            result, error = None, None
            try:
                result = job.call()
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
                job.future.get_loop().call_soon_threadsafe(_deliver, job.future, result, error)
            done = job.wanted
            del job, result, error  # an error's traceback refers to this frame
            if done:
                self._tidy()

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
