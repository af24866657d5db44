"""Threads for work that must not hold up the event loop, and reading files in them.

Long work gets a bounded number of threads and a deadline. Work that does not end (a file on a server that
no longer answers) is given up, and the process does not wait for it on exit. The threads are our own
because Python joins those of `concurrent.futures` on exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from alloypy.files import NoAnswer, NotRegular, no_answer, read_regular
from alloypy.os_errors import errno_words

__all__ = ["FILES", "FILE_SECONDS", "WORK", "NotRegular", "Threads", "read_file", "read_regular"]

T = TypeVar("T")

FILE_SECONDS = 10.0
"""Seconds that reading a file may take."""

_STUCK_SECONDS = 0.5
_LOOK_SECONDS = 0.25


class _Job(NamedTuple):
    """Work to be called; what that returns tells the loop. Jobs with the same key run one at a time."""

    call: Callable[[], Callable[[], object] | None]
    key: Hashable | None


class Threads:
    """At most `most` daemon threads that share a queue of work; each starts when it is first needed.

    name: of the threads, for debuggers.
    spare: how many more may start, one for each thread that has been busy with the same work for half a
        second, which then most likely hangs.
    """

    def __init__(self, name: str, most: int, spare: int = 0) -> None:
        self._name = name
        self._most = most
        self._spare = spare
        self._lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._keys: set[Hashable] = set()
        self._began: dict[threading.Thread, float] = {}
        self._started = 0
        self._idle: list[threading.Lock] = []  # each is released to wake its thread
        self._looks: set[asyncio.AbstractEventLoop] = set()

    async def run(self, work: Callable[[], T], seconds: float, key: Hashable | None = None) -> T:
        """The result of `work`, called in a thread. Raises what it raises.

        Raises TimeoutError when it has not finished after `seconds`, or when no thread can be started. Work
        that is given up before it begins never begins; work that has begun runs to its end, and its result
        is dropped.
        key: work with the same key runs one at a time, so that a file that hangs takes up only one thread.
        """
        return await self.begin(work, seconds, key)

    def begin(self, work: Callable[[], T], seconds: float, key: Hashable | None = None) -> asyncio.Future[T]:
        """Like `run`, but returns a future: for work that may outlive its caller's interest."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        limit = loop.call_later(seconds, _expire, future, seconds)
        waiter: asyncio.Future[T] | None = future

        def call() -> Callable[[], object] | None:
            nonlocal waiter
            if waiter is None or waiter.done():
                return None
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            try:
                return partial(loop.call_soon_threadsafe, _deliver, waiter, result, error)
            finally:
                waiter = error = None  # an error's traceback refers to this frame

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
        elif self._spare and job in self._waiting and loop not in self._looks:
            self._looks = {loop}  # others may be closed
            loop.call_later(_LOOK_SECONDS, self._relieve, loop)
        return future

    def _relieve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start a thread beyond the usual number for jobs that still wait, once others are stuck."""
        with self._lock:
            if self._waiting:
                self._provide()
                loop.call_later(_LOOK_SECONDS, self._relieve, loop)
            else:
                self._looks.discard(loop)

    def _provide(self) -> bool:
        """Have a thread take the next job, if one is idle or may start; False if no thread exists."""
        ready = sum([job.key not in self._keys for job in self._waiting])
        if len(self._idle) >= ready or self._started >= self._allowed():
            self._wake()
            return True
        self._started += 1
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:  # the system allows no more: the existing threads will get to it
            self._started -= 1
        return self._started > 0

    def _allowed(self) -> int:
        late = time.monotonic() - _STUCK_SECONDS
        stuck = sum(began < late for began in self._began.values()) if self._spare else 0
        return self._most + min(stuck, self._spare)

    def _wake(self) -> None:
        """Have an idle thread look for a job."""
        if self._idle:
            self._idle.pop().release()

    def _serve(self) -> None:
        me = threading.current_thread()
        bell = threading.Lock()
        bell.acquire()
        job, tell = None, None
        while True:
            with self._lock:
                if job is not None:
                    del self._began[me]
                    self._keys.discard(job.key)
                is_needed = self._started <= self._allowed()
                job = self._next() if is_needed else None
                if job is not None:
                    self._began[me] = time.monotonic()
                elif is_needed:
                    self._idle.append(bell)
                else:
                    self._started -= 1
                    self._wake()
            if tell is not None:  # not before: the loop would wait for this thread to let go of the lock
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
                    tell()
                tell = None
            if not is_needed:
                return
            if job is None:
                bell.acquire()
            else:
                tell = job.call()

    def _next(self) -> _Job | None:
        """The next job that can begin."""
        for job in self._waiting:
            if job.key not in self._keys:
                self._waiting.remove(job)
                if job.key is not None:
                    self._keys.add(job.key)
                return job
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
"""For computation: unpacking and parsing large input."""

FILES = Threads("alloypy-files", 4, spare=28)
"""For files: one that hangs does not hold up computation."""


def heard(future: asyncio.Future[Any]) -> None:
    """See its error, which nobody may be waiting for any more."""
    if not future.cancelled():
        future.exception()


async def read_file(path: str, seconds: float = FILE_SECONDS) -> bytes:
    """The content of a regular file, read outside of the event loop.

    Raises OSError and ValueError as `read_regular` does, and TimeoutError when it takes longer than
    `seconds`.
    """
    return await FILES.run(lambda: read_regular(path), seconds, path)
