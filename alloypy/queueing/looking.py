"""Looks into a queue, also into one that is in use. It takes no lock and changes nothing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.os_errors import system_words
from alloypy.queueing.dead_letters import DeadLetter, DeadLetters
from alloypy.queueing.directory import VERSION
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import QueueError
from alloypy.queueing.loading import accounts_of
from alloypy.queueing.marks import Account, dead_name
from alloypy.queueing.reader import Reader
from alloypy.queueing.record import Record
from alloypy.queueing.segments import Segments, recover

_TRIES = 10
"""How often a queue that is in use is read before its changes count as a failure."""


class _Reading(Disk):
    """The file system, which is only read."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))

    def write(self, descriptor: int, parts: object, at: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def truncate(self, descriptor: int, size: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def remove(self, path: str) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class Waiting(NamedTuple):
    """What waits for a destination. oldest: when the first of it was received, nanoseconds since 1970."""

    records: int
    bytes: int
    oldest: int | None


class Look:
    """What a directory held at a moment.

    holder: the id of the process that has the queue open, "" if none has. accounts: by destination.
    """

    def __init__(self, disk: Disk, directory: str) -> None:
        self.directory = directory
        self.holder = _holder(disk, directory)
        self._disk = disk
        names = disk.names(directory)
        self.segments = Segments(recover(disk, directory, names).segments)
        self.accounts: dict[str, Account] = accounts_of(disk, directory, names, self.segments)[0]
        self._dead = {name: DeadLetters(disk, f"{directory}/{dead_name(name)}", 0) for name in self.accounts}
        for each in self._dead.values():
            each.start()

    def spans(self, name: str) -> Iterator[tuple[int, int]]:
        """The numbers that wait for a destination, without dead letters that wait again."""
        return self.accounts[name].in_files()

    def waiting(self, name: str) -> Waiting:
        """What waits for a destination. Raises OSError."""
        account = self.accounts[name]
        spans = [*self.spans(name)]
        again = [seq for first, last in account.replayed for seq in range(first, last + 1)]
        count = sum(last - first + 1 for first, last in spans) + len(again)
        first = self.record(spans[0][0]) if spans else self._again(name, again)
        return Waiting(count, account.waiting_bytes(), None if first is None else first.received_at)

    def _again(self, name: str, numbers: list[int]) -> Record | None:
        letter = self.letter(name, numbers[0]) if numbers else None
        return letter and letter.record

    def record(self, seq: int) -> Record | None:
        """A record in the files; None if there is none with this number, or it is damaged. Raises OSError."""
        segment = self.segments.holding(seq)
        if segment is None:
            return None
        found = Reader(self._disk).read(segment, seq, seq).records
        return found[0] if found else None

    def letters(self, name: str) -> list[int]:
        """The numbers of the dead letters of a destination."""
        return sorted(seq for seq in self._dead[name].copies() if seq in self.accounts[name].dead)

    def letter_bytes(self, name: str) -> int:
        """The bytes of the files of dead letters."""
        return self._dead[name].size

    def letter(self, name: str, seq: int) -> DeadLetter | None:
        """A dead letter, also one that waits again; None if there is none, or it is damaged.

        Raises OSError.
        """
        account = self.accounts[name]
        return self._dead[name].get(seq) if seq in account.dead or seq in account.replayed else None


def look(path: str) -> Look:
    """What the queue at `path` holds. Raises QueueError."""
    disk = _Reading()
    try:
        names = disk.names(path)
        if VERSION not in names:
            raise QueueError(
                f"{path} has no queue: name the directory that is its path, by default `queue` in the "
                "directory of the component in --storage.path"
            )
        if not stat.S_ISDIR(disk.status(f"{path}/{VERSION}").st_mode):
            raise QueueError(f"{path} has no queue: {path}/{VERSION} is not a directory")
        for _ in range(_TRIES):
            try:
                return Look(disk, f"{path}/{VERSION}")
            except FileNotFoundError:  # deleted by whoever has the queue open
                continue
    except (OSError, ValueError) as error:
        raise QueueError(f"cannot read the queue {path}: {system_words(error)}") from error
    raise QueueError(f"the queue {path} changes faster than it can be read: try again")


def _holder(disk: Disk, directory: str) -> str:
    import fcntl  # Windows has none, and no queue either

    try:
        descriptor = disk.open(f"{directory}/lock")
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return disk.read(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
    else:
        return ""
    finally:
        disk.close(descriptor)
