"""Reading files without waiting for ever.

A FIFO or a device may never yield anything, or never end. So what a configuration names is read only if it is
a regular file; what the user names on the command line may also be a pipe.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from typing import NamedTuple

from alloypy.os_errors import OwnWords

LARGEST_STREAM_BYTES = 64 << 20
"""The most bytes that are read from a pipe or a device."""

_READ_BYTES = 1 << 20
_SETTLED_NANOSECONDS = 2_000_000_000
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FileFingerprint(NamedTuple):
    """What changes about a file whenever its content does."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether another change would show; one just after the last may get the same timestamps."""
        return abs(time.time_ns() - self.ctime_ns) >= _SETTLED_NANOSECONDS


class NotRegular(OwnWords):
    """The path is not a regular file but a FIFO, a device or a socket, which may never end."""


class NoAnswer(OwnWords, TimeoutError):
    """A file or a pipe did not answer in time."""


def no_answer(seconds: float) -> NoAnswer:
    """The error for a file that did not answer within `seconds`."""
    return NoAnswer(errno.ETIMEDOUT, f"no answer within {seconds:g} seconds")


def fingerprint(path: str | os.PathLike[str]) -> FileFingerprint:
    """The fingerprint of the file at `path`, following links. Raises OSError and ValueError."""
    found = os.stat(path)  # noqa: PTH116 -- Path("") would be the working directory
    return FileFingerprint(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_regular(path: str) -> bytes:
    """The content of a regular file. Raises OSError, and ValueError for a path that no system accepts.

    For a FIFO or a device, NotRegular is raised instead of waiting; for a directory, IsADirectoryError.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        if not _is_regular(descriptor, path):
            raise NotRegular(errno.EINVAL, "not a regular file", path)
        return _rest(descriptor)
    finally:
        os.close(descriptor)


def read_once(path: str, seconds: float | None = None) -> bytes:
    """The content of a regular file, or of a pipe or a device up to its end.

    seconds: how long to wait for a pipe or a device; None = for ever.
    Raises OSError and ValueError as `read_regular` does, NoAnswer when the end has not come in time, and
    NotRegular when it has not come within LARGEST_STREAM_BYTES.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        if _is_regular(descriptor, path):
            return _rest(descriptor)
        return _stream(descriptor, path, seconds)
    finally:
        os.close(descriptor)


def _is_regular(descriptor: int, path: str) -> bool:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return stat.S_ISREG(mode)


def _rest(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, _READ_BYTES):
        parts.append(part)
    return b"".join(parts)


def _stream(descriptor: int, path: str, seconds: float | None) -> bytes:
    began = time.monotonic()
    parts: list[bytes] = []
    size = 0
    while True:
        left = None if seconds is None else max(0.0, began + seconds - time.monotonic())
        if seconds is not None and (not left or not _readable(descriptor, left)):
            raise no_answer(seconds)
        if seconds is None:
            _readable(descriptor, None)
        try:
            part = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            continue
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > LARGEST_STREAM_BYTES:
            raise NotRegular(
                errno.EFBIG, f"more than {LARGEST_STREAM_BYTES} bytes from a pipe or device", path
            )


def _readable(descriptor: int, seconds: float | None) -> bool:
    """Wait for something to read, or for the end; returns whether either has come."""
    if not hasattr(select, "poll"):  # Windows: reading waits for a pipe
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def is_directory(path: str) -> bool:
    """Whether `path` is a directory; False also where permissions hide it."""
    return bool(path) and os.path.isdir(path)  # noqa: PTH112 -- Path's raises without permission
