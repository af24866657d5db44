"""Threads for what must not hold up the event loop, and files read in them.

Work that takes long is bounded in threads and in time. What does not end (a file on a server that no
longer answers) is given up, and the process never waits for it when it ends. The threads are our own
because those of `concurrent.futures` are joined at the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FILE_SECONDS = 10.0
"""How long a file may take to be read."""

_READ_SIZE = 1 << 20


class Threads:
    """At most `most` daemon threads that take work in turn; each starts when it is first needed.

    name: of the threads, for debuggers.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._lock = threading.Condition()
        self._work: deque[Callable[[], None]] = deque()
        self._started = 0
        self._idle = 0

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """The result of `work`, called in a thread. Raises what it raises.

        Raises TimeoutError when it has not ended after `seconds`. Work that was given up before it began
        never begins; what has begun ends in its own time, and its result is dropped.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def deliver(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def call() -> None:
            if future.done():
                return
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(deliver, result, error)

        self._put(call)
        async with asyncio.timeout(seconds):
            return await future

    def _put(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._work.append(call)
            if self._idle >= len(self._work) or self._started == self._most:
                self._lock.notify()
                return
            self._started += 1
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._started -= 1
                if not self._started:
                    self._work.remove(call)
                    raise

    def _serve(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
                while not self._work:
                    self._lock.wait()
                self._idle -= 1
                call = self._work.popleft()
            call()
            del call


WORK = Threads("alloypy-work", 4)
"""For computation: unpacking, parsing of what is large."""

FILES = Threads("alloypy-files", 4)
"""For files: what hangs here holds up no computation."""


class NotRegular(OSError):
    """The path is no regular file: a FIFO, a device or a socket, which might never come to an end."""


def read_regular(path: str) -> bytes:
    """The content of a regular file. Raises OSError, and ValueError for a path that no system takes.

    A FIFO or a device is refused with NotRegular rather than waited for; a directory raises
    IsADirectoryError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise NotRegular(errno.EINVAL, "not a regular file", path)
        parts = []
        while part := os.read(descriptor, _READ_SIZE):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


async def read_file(path: str, seconds: float = FILE_SECONDS) -> bytes:
    """The content of a regular file, read outside of the event loop.

    Raises OSError and ValueError as `read_regular` does, and TimeoutError when it takes longer than
    `seconds`.
    """
    return await FILES.run(lambda: read_regular(path), seconds)
