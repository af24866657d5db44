"""The file of marks of one destination: appended to at each answer, written anew when it has grown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from alloypy.queueing.disk import Disk, new_name, written_anew
from alloypy.queueing.marks import JOINABLE, MARK_BYTES, Account, Kind, Mark, head

_MOST_BYTES = 1 << 20


class Written(NamedTuple):
    """A new file of marks that has not taken the place of the old one yet."""

    descriptor: int
    size: int


class DoneLog:
    """Appends marks to the file of an account. A full or failing disk delays them; they stay in memory."""

    def __init__(self, disk: Disk, path: str, account: Account) -> None:
        self._disk = disk
        self._path = path
        self.account = account
        self._descriptor: int | None = None
        self._end = 0
        self._pending: list[Mark] = []
        self._recent: list[Mark] | None = None

    def start(self) -> None:
        """Write the file anew, with what the account adds up to, and wait until it is on the disk.

        For the time before the log is in use. Raises OSError; then the old file is as it was.
        """
        self.replace(self.written(self.snapshot()))

    def resume(self) -> None:
        """Go on with the file as it is. Raises OSError."""
        self._descriptor = self._disk.open(self._path)
        size = self._disk.size(self._descriptor)
        head_bytes = len(head(self.account.name))
        self._end = head_bytes + max(0, size - head_bytes) // MARK_BYTES * MARK_BYTES

    def snapshot(self) -> bytes:
        """The file anew. Marks that are added from now on are kept for `replace`."""
        self._recent = []
        return head(self.account.name) + b"".join(mark.packed() for mark in self.account.summary())

    def written(self, data: bytes) -> Written:
        """Write a snapshot to the disk; may be called in a thread. Raises OSError."""
        return Written(written_anew(self._disk, self._path, data, synced=True), len(data))

    def replace(self, written: Written) -> None:
        """Let a written snapshot take the place of the file. Raises OSError; then the old one stays."""
        recent = b"".join(mark.packed() for mark in self._recent or ())
        try:
            if recent:
                self._disk.write(written.descriptor, [recent], written.size)
            self._disk.rename(new_name(self._path), self._path)
        except BaseException:
            self._disk.close(written.descriptor)
            raise
        finally:
            self._recent = None
        self.close()
        self._descriptor, self._end = written.descriptor, written.size + len(recent)
        self._pending = []

    def add(self, mark: Mark) -> int:
        """Take a mark into account, and keep it for `flush`. Returns how many records it is new for."""
        new = self.account.apply(mark)
        if new:
            self._pending.append(mark)
            if self._recent is not None:
                self._recent.append(mark)
        return new

    @property
    def has_returned(self) -> bool:
        """Whether a mark waits to be written without which records would be taken for another's."""
        return any(mark.kind is Kind.RETURNED for mark in self._pending)

    def flush(self) -> bool:
        """Write the marks; returns whether that succeeded. They stay if it did not."""
        if not self._pending:
            return True
        if self._descriptor is None:
            return False
        data = b"".join(mark.packed() for mark in self._joined())
        try:
            self._disk.write(self._descriptor, [data], self._end)
        except OSError:
            return False  # the next attempt writes to the same place
        self._end += len(data)
        self._pending = []
        return True

    def _joined(self) -> Iterator[Mark]:
        """The marks that wait to be written; those that say the same of neighbours in a file are one."""
        waiting = deque(self._pending)
        while waiting:
            kind, first, last, size, reason = waiting.popleft()
            limit = self.account.last_in_file(first) if kind in JOINABLE else 0
            while waiting and waiting[0].first == last + 1 <= limit:
                following = waiting[0]
                if following.kind is not kind or following.reason != reason:
                    break
                last = following.last
                size += following.size
                waiting.popleft()
            yield Mark(kind, first, last, size, reason)

    @property
    def is_grown(self) -> bool:
        """Whether it is time to write the file anew."""
        return self._end > _MOST_BYTES

    def sync(self) -> None:
        """Wait until the marks that have been written are on the disk. Raises OSError."""
        if self._descriptor is not None:
            self._disk.sync(self._descriptor)

    def delete(self) -> None:
        """Delete the file. Raises OSError."""
        self._disk.remove(self._path)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None
