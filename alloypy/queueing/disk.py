"""File access of a log: every system call goes through here, so that tests can make any of them fail."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

_MOST_PARTS = 1000
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Disk:
    """The real file system. Each method is one system call, or a loop of one; all raise OSError."""

    def open(self, path: str) -> int:
        """Open an existing file."""
        return os.open(path, _OPEN)

    def create(self, path: str) -> int:
        """Create a file that must not exist, for its owner only."""
        return os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o600)

    def open_lock(self, path: str) -> int:
        """Open a file that may exist."""
        return os.open(path, _OPEN | os.O_CREAT, 0o600)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def write(self, descriptor: int, parts: Sequence[Buffer], at: int) -> None:
        """Write all parts one after the other from offset `at`."""
        for first in range(0, len(parts), _MOST_PARTS):
            some = parts[first : first + _MOST_PARTS]
            size = sum(map(len, some))
            wrote = os.pwritev(descriptor, some, at)
            if wrote < size:
                self._rest(descriptor, memoryview(b"".join(some)), at, wrote)
            at += size

    def _rest(self, descriptor: int, data: memoryview, at: int, wrote: int) -> None:
        while wrote < len(data):
            wrote += os.pwritev(descriptor, [data[wrote:]], at + wrote)

    def read(self, descriptor: int, size: int, at: int) -> bytes:
        """At most `size` bytes from offset `at`: fewer only at the end of the file."""
        data = os.pread(descriptor, size, at)
        while len(data) < size and (more := os.pread(descriptor, size - len(data), at + len(data))):
            data += more
        return data

    def size(self, descriptor: int) -> int:
        """The size of a file."""
        return os.fstat(descriptor).st_size

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Wait until the content of a file is on the disk."""
        os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)

    def sync_directory(self, path: str) -> None:
        """Wait until the names in a directory are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in the place of the one that has it."""
        os.replace(old, new)  # noqa: PTH105 -- a Path would be made for each call

    def remove(self, path: str) -> None:
        """Delete a file."""
        os.unlink(path)  # noqa: PTH108

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(os.listdir(path))  # noqa: PTH208

    def make_directory(self, path: str) -> None:
        """Make a directory for its owner only."""
        os.mkdir(path, 0o700)  # noqa: PTH102

    def status(self, path: str) -> os.stat_result:
        """The status of what is at a path, following links."""
        return os.stat(path)  # noqa: PTH116

    def real(self, path: str) -> str:
        """The path without links."""
        return os.path.realpath(path)

    def may_write(self, path: str) -> bool:
        """Whether this process may create files in a directory."""
        return os.access(path, os.W_OK | os.X_OK)

    def free(self, path: str) -> int:
        """The bytes that are free for this user on the file system of `path`."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def is_at(self, descriptor: int, path: str) -> bool:
        """Whether an open file is the one at a path."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(path))  # noqa: PTH116
        except FileNotFoundError:
            return False

    def lock(self, descriptor: int) -> None:
        """Take the lock of a file, at once or never: BlockingIOError if another has it."""
        import fcntl  # Windows has none, and no queue either

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def new_name(path: str) -> str:
    """The path of a file that is to take the place of the one at `path`."""
    return f"{path}.tmp"


def written_anew(disk: Disk, path: str, data: bytes, *, synced: bool) -> int:
    """Write a file that is to take the place of the one at `path`; returns its descriptor.

    It has `new_name` until it is renamed. synced: wait until its content is on the disk. Raises OSError.
    """
    new = new_name(path)
    with suppress(FileNotFoundError):
        disk.remove(new)
    descriptor = disk.create(new)
    try:
        disk.write(descriptor, [data], 0)
        if synced:
            disk.sync(descriptor)
    except BaseException:
        disk.close(descriptor)
        raise
    return descriptor
