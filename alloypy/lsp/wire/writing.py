"""Writes messages in a thread, so that a client that does not read holds nothing up.

Such a client may itself be writing until the server reads: if each waited for the other, both would for ever.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

MOST_BYTES = 64 << 20
"""How much may wait to be written. A client that leaves more than that does not read at all."""


class Sink(Protocol):
    """Where bytes go. `write` may take fewer than all, and raises OSError or ValueError when closed."""

    def write(self, data: memoryview, /) -> int | None: ...


class Writer:
    """Writes what it is given, in its order. failed: called in the thread once nothing can be written."""

    def __init__(self, sink: Sink, failed: Callable[[], None]) -> None:
        self._sink = sink
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        threading.Thread(target=self._serve, name="alloypy-lsp-write", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Take something to be written. Raises OSError if that is not possible any more."""
        with self._changed:
            if self._ended or self._size > MOST_BYTES:
                raise OSError(errno.EPIPE, "the client does not read")
            self._waiting.append(data)
            self._size += len(data)
            self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Wait until everything is written, for at most `seconds`, and write nothing after that."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._size, seconds)
            self._ended = True
            self._changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._waiting)
                if self._ended:
                    return
                data = self._waiting.popleft()
            try:
                left = memoryview(data)
                while left:
                    left = left[self._sink.write(left) or 0 :]
            except (OSError, ValueError):
                self._end()
                return
            with self._changed:
                self._size -= len(data)
                self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._failed()
