"""Threads for what must not hold up the event loop, and files read in them.

Work that takes long is bounded in threads and in time. What does not end (a file on a server that no
longer answers) is given up, and the process never waits for it when it ends. The threads are our own
because those of `concurrent.futures` are joined at the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

from alloypy.files import NoAnswer, NotRegular, no_answer, read_regular
from alloypy.os_errors import errno_words

__all__ = ["FILES", "FILE_SECONDS", "WORK", "NotRegular", "Threads", "read_file", "read_regular"]

T = TypeVar("T")

FILE_SECONDS = 10.0
"""How long a file may take to be read."""

_STUCK_SECONDS = 0.5
_LOOK_SECONDS = 0.25


class _Job(NamedTuple):
    """Work to be called. Of those with one key, one runs at a time."""

    call: Callable[[], None]
    key: Hashable | None


class Threads:
    """At most `most` daemon threads that take work in turn; each starts when it is first needed.

    name: of the threads, for debuggers.
    spare: how many more may start while others have been at one piece of work for half a second, which
        then most likely hangs.
    """

    def __init__(self, name: str, most: int, spare: int = 0) -> None:
        self._name = name
        self._most = most
        self._spare = spare
        self._lock = threading.Condition()
        self._waiting: list[_Job] = []
        self._keys: set[Hashable] = set()
        self._began: dict[threading.Thread, float] = {}
        self._started = 0
        self._idle = 0

    async def run(self, work: Callable[[], T], seconds: float, key: Hashable | None = None) -> T:
        """The result of `work`, called in a thread. Raises what it raises.

        Raises TimeoutError when it has not ended after `seconds`, or when there is no thread at all. Work
        that was given up before it began never begins; what has begun ends in its own time, and its
        result is dropped.
        key: of works with the same key one runs at a time, so that what hangs takes one thread only.
        """
        return await self.begin(work, seconds, key)

    def begin(self, work: Callable[[], T], seconds: float, key: Hashable | None = None) -> asyncio.Future[T]:
        """The same as `run`, as a future: for work that nobody may be there to wait for."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        limit = loop.call_later(seconds, _expire, future, seconds)
        told: asyncio.Future[T] | None = future

        def call() -> None:
            nonlocal told
            if told is None or told.done():
                return
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(_deliver, told, result, error)
            told = error = None  # the traceback of an error knows this frame

        job = _Job(call, key)

        def done(_: asyncio.Future[T]) -> None:
            limit.cancel()
            with self._lock:
                if job in self._waiting:
                    self._waiting.remove(job)

        future.add_done_callback(done)
        with self._lock:
            self._waiting.append(job)
            served = self._provide()
        if not served:
            future.set_exception(NoAnswer(errno.EAGAIN, errno_words(errno.EAGAIN)))
        elif self._spare:
            loop.call_later(_LOOK_SECONDS, self._relieve, loop, future, job)
        return future

    def _relieve(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], job: _Job) -> None:
        """Give work that still waits a thread beyond the usual number, once others are stuck."""
        with self._lock:
            if future.done() or job not in self._waiting:
                return
            self._provide()
        loop.call_later(_LOOK_SECONDS, self._relieve, loop, future, job)

    def _provide(self) -> bool:
        """Have a thread take what can begin, if one may; False when there is none at all to do it."""
        ready = sum(job.key not in self._keys for job in self._waiting)
        if self._idle >= ready or self._started >= self._allowed():
            self._lock.notify()
            return True
        self._started += 1
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has none left: those there are will come to it
            self._started -= 1
        return self._started > 0

    def _allowed(self) -> int:
        late = time.monotonic() - _STUCK_SECONDS
        stuck = sum(began < late for began in self._began.values()) if self._spare else 0
        return self._most + min(stuck, self._spare)

    def _serve(self) -> None:
        me = threading.current_thread()
        while True:
            with self._lock:
                job = self._next()
                if job is None:
                    self._started -= 1
                    self._lock.notify()
                    return
                self._began[me] = time.monotonic()
            job.call()
            with self._lock:
                del self._began[me]
                self._keys.discard(job.key)
            del job

    def _next(self) -> _Job | None:
        """The next work that can begin, waited for; None when this thread is one too many."""
        while self._started <= self._allowed():
            for job in self._waiting:
                if job.key not in self._keys:
                    self._waiting.remove(job)
                    if job.key is not None:
                        self._keys.add(job.key)
                    return job
            self._idle += 1
            self._lock.wait()
            self._idle -= 1
        return None


def _expire(future: asyncio.Future[T], seconds: float) -> None:
    if not future.done():
        future.set_exception(no_answer(seconds))


def _deliver(future: asyncio.Future[T], result: T | None, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]


WORK = Threads("alloypy-work", 4)
"""For computation: unpacking, parsing of what is large."""

FILES = Threads("alloypy-files", 4, spare=28)
"""For files: what hangs here holds up no computation."""


async def read_file(path: str, seconds: float = FILE_SECONDS) -> bytes:
    """The content of a regular file, read outside of the event loop.

    Raises OSError and ValueError as `read_regular` does, and TimeoutError when it takes longer than
    `seconds`.
    """
    return await FILES.run(lambda: read_regular(path), seconds, path)
