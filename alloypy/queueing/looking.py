"""Looks into a queue, also into one that is in use. It takes no lock and changes nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.queueing.dead_letters import DeadLetter, DeadLetters
from alloypy.queueing.directory import DEFAULT_PLACE, VERSION, check_version, has_records
from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import QueueError
from alloypy.queueing.marks import REASONS, Account, Kind, dead_name, done_name
from alloypy.queueing.obstacles import why
from alloypy.queueing.reader import Reader
from alloypy.queueing.record import Record
from alloypy.queueing.roll import Roll
from alloypy.queueing.segments import Recovered, Segments, recover
from alloypy.queueing.survey import accounts_of, aside, marks_in, survey, without_marks

_OPEN = os.O_RDONLY
for _flag in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
    _OPEN |= getattr(os, _flag, 0)

_TRIES = 10
"""How often a queue that is in use is read before its changes count as a failure."""


_NOT_FOR_IT = "not for it, as it was no destination then"
_FATES = {
    Kind.DELIVERED: "delivered",
    Kind.DROPPED: "dropped",
    Kind.EVICTED: "dropped",
    Kind.RETURNED: _NOT_FOR_IT,
}
"""What marks say has become of their records; others say what they add up to."""


class _Reading(Disk):
    """The file system, which is only read."""

    def open(self, path: str) -> int:
        return os.open(path, _OPEN)

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

    path: of the queue. holder: the id of the process that has it open, "" if none has.
    accounts: by destination. warnings: what people should know; of a queue that is not in use, what its next
    start will find.
    """

    def __init__(self, disk: Disk, path: str) -> None:
        self.path = path
        self.directory = directory = f"{path}/{VERSION}"
        self.holder = holder_of(disk, directory)
        self._disk = disk
        self._roll = Roll(disk, directory)
        roll = self._roll.read()
        names = disk.names(directory)
        recovered = recover(disk, directory, names)
        self.segments = Segments(recovered.segments)
        self.accounts: dict[str, Account] = {}
        self.warnings: Sequence[str] = []
        if self.holder:
            self._read(names, roll)
        else:
            self._foresee(names, roll, recovered)
        if self._roll.fault:
            self.warnings = [*self.warnings, self._roll.fault]

    def _read(self, names: list[str], roll: list[str]) -> None:
        """Read what a process has written, and may be changing now."""
        disk, directory = self._disk, self.directory
        self.accounts = accounts_of(disk, directory, names, self.segments)[0]
        for name in {*roll} & {*self._roll.read()} - self.accounts.keys():
            self.accounts[name] = without_marks(name, self.segments)
        self._dead = {name: DeadLetters(disk, f"{directory}/{dead_name(name)}", 0) for name in self.accounts}
        for each in self._dead.values():
            each.start()

    def _foresee(self, names: list[str], roll: list[str], recovered: Recovered) -> None:
        """Find what opening the queue would find."""
        found = survey(self._disk, self.directory, names, recovered, roll, None, 0, 0)
        self.segments, self._dead = found.segments, found.dead
        self.accounts = {name: each.account for name, each in found.done.items()}
        again = (f"{aside(each)}: it is renamed when the queue is opened" for each in recovered.aside)
        self.warnings = [*found.warnings, *again]

    @property
    def last(self) -> int:
        """The highest number of a record that the directory knows of; 0 if there was none."""
        numbers = [each.last for each in self.segments] + [each.highest for each in self.accounts.values()]
        return max(numbers + [each.highest for each in self._dead.values()], default=0)

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
        """The bytes of the dead letters of a destination."""
        dead = self.accounts[name].dead
        return sum(copy.size for seq, copy in self._dead[name].copies().items() if seq in dead)

    def letter(self, name: str, seq: int) -> DeadLetter | None:
        """A dead letter, also one that waits again; None if there is none, or it is damaged.

        Raises OSError.
        """
        account = self.accounts[name]
        return self._dead[name].get(seq) if seq in account.dead or seq in account.replayed else None

    def fate(self, name: str, seq: int) -> tuple[str, str]:
        """What has become of a record that does not wait, and why, as far as the directory tells.

        Raises OSError.
        """
        account = self.accounts[name]
        if seq in account.dead or seq in account.replayed:
            return "dead letter", "damaged"
        if seq <= account.joined:
            return _NOT_FOR_IT, ""
        read = marks_in(self._disk, f"{self.directory}/{done_name(name)}")
        for mark in reversed(read[1] if read is not None else []):
            if mark.kind in _FATES and mark.first <= seq <= mark.last:
                fate = _FATES[mark.kind]
                return fate, REASONS[mark.reason] if fate == "dropped" else ""
        dropped = [reason for reason, count in account.dropped.items() if count]
        if account.absent:
            return f"delivered, dropped, or {_NOT_FOR_IT}", ""
        if dropped and account.delivered:
            return "delivered or dropped", ""
        if dropped:
            return "dropped", dropped[0] if len(dropped) == 1 else ""
        return "delivered", ""


def look(path: str) -> Look:
    """What the queue at `path` holds; also that of a directory in which its files are. Raises QueueError."""
    disk = _Reading()
    try:
        path = _place(disk, path)
        for _ in range(_TRIES):
            try:
                found = Look(disk, path)
            except FileNotFoundError:  # deleted by whoever has the queue open
                continue
            if found.holder or not holder_of(disk, found.directory):
                return found
    except (OSError, ValueError) as error:
        raise QueueError(f"cannot read the queue {path}: {why(error, path)}") from error
    raise QueueError(f"the queue {path} changes faster than it can be read: try again")


def _place(disk: Disk, path: str) -> str:
    """The path of the queue that is meant. Raises QueueError and OSError."""
    try:
        names = disk.names(path)
    except FileNotFoundError:
        parent = str(Path(path).parent)
        found = _queues_below(disk, parent) if parent != path else []
        if not found:
            raise
        raise QueueError(f"{path} does not exist; there is a queue in {found[0]}") from None
    real = Path(path).resolve()
    if VERSION not in names and real.name == VERSION and has_records(disk, path):
        return str(Path(path).parent if Path(path).name == VERSION else real.parent)
    check_version(disk, path, names)
    if VERSION not in names:
        below = [f"there is one in {each}" for each in _queues_below(disk, path)]
        hint = (*below, f"name the directory that is its path, {DEFAULT_PLACE}")[0]
        raise QueueError(f"{path} has no queue: {hint}")
    return path


def _queues_below(disk: Disk, path: str) -> list[str]:
    """The queues that are where they are by default, if `path` is of a component or of --storage.path."""
    try:
        names = disk.names(path)
    except OSError:
        return []
    near = [f"{path}/{name}" for name in ("queue", *(f"{each}/queue" for each in names))]
    return [each for each in near if has_records(disk, f"{each}/{VERSION}")]


def holder_of(disk: Disk, directory: str) -> str:
    """The id of the process that has a directory open; "" if none has. Raises OSError."""
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
