"""Where log lines go: a descriptor that may have no reader, so that writing to it must never block.

A line is written immediately if the descriptor accepts it. If not (a full pipe), a thread writes the
waiting lines, in order; beyond a limit, lines are dropped and counted.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable

MOST_WAITING_BYTES = 1 << 20
"""The most bytes of lines that may wait for a reader."""

_PIECE_BYTES = 4096
"""Bytes that a pipe accepts without blocking when poll says it is ready."""


class Sink:
    """Writes to a descriptor.

    note: makes the line that says how many lines were dropped.
    dropped: how many lines were dropped in all.
    """

    def __init__(self, descriptor: int, note: Callable[[int], bytes], most: int = MOST_WAITING_BYTES) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._note = note
        self._most = most
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lock = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._reported = 0
        self._writing = False  # in the thread

    def write(self, line: bytes) -> None:
        """Write a line, now or later; never waits, never raises."""
        with self._lock:
            rest = line if self._writing else self._write_now(line)
            if not rest:
                return
            if self._size + len(rest) > self._most and len(rest) == len(line):
                self.dropped += 1
                return
            self._waiting.append(rest)
            self._size += len(rest)
            if not self._writing:
                self._start()

    def close(self, seconds: float) -> None:
        """Wait until everything is written, for at most `seconds`."""
        with self._lock:
            self._lock.wait_for(lambda: not self._writing, seconds)

    def _write_now(self, line: bytes) -> bytes:
        """Write as much as the descriptor accepts; returns the rest."""
        try:
            while line and self._poll.poll(0):
                line = line[os.write(self._descriptor, line[:_PIECE_BYTES]) :]
        except BlockingIOError:
            return line
        except OSError:
            return b""  # the reader of the log is gone, and with it the place to report errors
        return line

    def _start(self) -> None:
        try:
            threading.Thread(target=self._write_waiting, name="alloypy-log", daemon=True).start()
        except RuntimeError:  # no thread could be started
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._size = 0
        else:
            self._writing = True

    def _write_waiting(self) -> None:
        while True:
            with self._lock:
                if not self._waiting and self._reported < self.dropped:
                    note = self._note(self.dropped - self._reported)
                    self._reported = self.dropped
                    self._waiting.append(note)
                    self._size += len(note)
                if not self._waiting:
                    self._writing = False
                    self._lock.notify_all()
                    return
                line = self._waiting.popleft()
            self._write_all(line)
            with self._lock:
                self._size -= len(line)

    def _write_all(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            while line:
                try:
                    line = line[os.write(self._descriptor, line) :]
                except BlockingIOError:
                    self._poll.poll()
