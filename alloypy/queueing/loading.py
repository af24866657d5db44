"""Opens a log: what the directory holds, and what each destination still waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from itertools import count
from typing import NamedTuple
from urllib.parse import unquote

from alloypy.os_errors import system_words
from alloypy.queueing.dead_letters import DeadLetters
from alloypy.queueing.directory import enter
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.errors import QueueError
from alloypy.queueing.marks import MOST_BYTES, REASONS, Account, Kind, Mark, dead_name, done_name, read_marks
from alloypy.queueing.roll import read_roll, write_roll
from alloypy.queueing.segments import Segment, Segments, recover, segment_numbers
from alloypy.queueing.spans import Spans
from alloypy.queueing.tries import Tries, name_number


class Loaded(NamedTuple):
    """What opening a directory has found.

    number, last: of the last file and the last record that have ever been. done, dead: by destination, also
    those that are no longer asked for. cut_bytes: of what a crash had left unfinished. warnings: what people
    should know. lost: the records of which some destination lost its own.
    """

    directory: str
    lock: int
    segments: Segments
    done: dict[str, DoneLog]
    dead: dict[str, DeadLetters]
    tries: Tries
    number: int
    last: int
    cut_bytes: int
    found: int
    warnings: Sequence[str]
    lost: Spans


def load(
    disk: Disk, path: str, destinations: Sequence[str] | None, now: int, dead_letter_size: int
) -> Loaded:
    """Open the queue at `path`. destinations: None = all that have ever been.

    Raises QueueError.
    """
    directory, lock, names = enter(disk, path)
    try:
        return _load(disk, directory, lock, names, destinations, now, dead_letter_size)
    except (OSError, ValueError) as error:
        disk.close(lock)
        raise QueueError(f"cannot open the queue {directory}: {system_words(error)}") from error
    except BaseException:
        disk.close(lock)
        raise


def _load(
    disk: Disk,
    directory: str,
    lock: int,
    names: list[str],
    destinations: Sequence[str] | None,
    now: int,
    dead_letter_size: int,
) -> Loaded:
    recovered = recover(disk, directory, names)
    warnings: list[str] = []
    segments = Segments(recovered.segments)
    roll = read_roll(disk, directory)
    accounts, good = accounts_of(disk, directory, names, segments, [*roll, *(destinations or ())])
    for name in roll:
        accounts.setdefault(name, _without_marks(name, segments))
    wanted = list(accounts) if destinations is None else list(dict.fromkeys(destinations))
    dead = {}
    for name in dict.fromkeys([*accounts, *wanted]):
        dead[name] = DeadLetters(disk, f"{directory}/{dead_name(name)}", dead_letter_size)
        dead[name].start()
    numbers = [each.last for each in segments] + [each.highest for each in accounts.values()]
    last = max(numbers + [each.highest for each in dead.values()], default=0)
    without_marks = _joined(accounts, good, wanted, segments, last)
    done = {name: DoneLog(disk, f"{directory}/{done_name(name)}", each) for name, each in accounts.items()}
    lost = Spans()
    for name, each in done.items():
        before = each.account.dropped["damaged"]
        kept = _settle_dead(each, dead[name], segments, lost)
        _settle(each, segments, last, lost, is_wanted=name in wanted, now=now)
        warnings += _found(name, kept, each.account.dropped["damaged"] - before)
        _start(each, is_known=name in good)
        if name in without_marks and (records := each.account.waiting(last)):
            warnings.append(_again(name, records))
    tries = Tries(disk, directory)
    by_number = {name_number(name): account for name, account in accounts.items()}
    tries.start(lambda seq, number: number in by_number and by_number[number].is_waiting(seq))
    for path in recovered.empty:
        with suppress(OSError):
            disk.remove(path)
    warnings += [_set_aside(disk, each, names) for each in recovered.aside]
    disk.sync_directory(directory)
    if set(roll) != set(accounts):
        with suppress(OSError):  # a full disk is no reason not to start
            write_roll(disk, directory, accounts)
    number = max(segment_numbers(names), default=0)
    found = sum(each.account.waiting(last) for each in done.values())
    return Loaded(
        directory, lock, segments, done, dead, tries, number, last, recovered.cut_bytes, found, warnings, lost
    )


def _joined(
    accounts: dict[str, Account], good: Set[str], wanted: Sequence[str], segments: Segments, last: int
) -> Set[str]:
    """Add the accounts of destinations that have none; returns those whose marks are lost.

    good: those whose marks are there. A destination is new if others have marks, or there are no records.
    """
    lost = accounts.keys() - good
    if not len(segments):
        for name in lost:  # nothing of what it had is left
            accounts[name].apply(Mark(Kind.JOINED, 0, last))
    for name in wanted:
        if name in accounts:
            continue
        if good or not len(segments):
            accounts[name] = Account(name, segments)
            accounts[name].apply(Mark(Kind.JOINED, 0, last))
        else:
            accounts[name] = _without_marks(name, segments)
            lost.add(name)
    return lost


def _set_aside(disk: Disk, segment: Segment, names: Sequence[str]) -> str:
    """Give a file of records that does not count a name that is not read; returns what to tell people."""
    new = next(
        path
        for number in count()
        if (path := f"{segment.path}.aside{number or ''}").rpartition("/")[2] not in names
    )
    with suppress(OSError):
        disk.rename(segment.path, new)
    records = segment.last - segment.first + 1
    return (
        f"{segment.path} does not count, because other files of the queue hold records of the same numbers "
        f"({records}, from {segment.first} to {segment.last}): it is now {new}, to be deleted by you"
    )


def _again(name: str, records: int) -> str:
    return (
        f"the marks of {name} are lost or damaged: {records} records wait for it again, also those that it "
        "has got"
    )


def _found(name: str, kept: int, lost: int) -> Iterator[str]:
    """What to tell people of a destination. kept: dead letters whose marks are lost. lost: records."""
    if kept:
        yield f"marks of {name} were lost: {kept} dead letters whose copies are intact are kept"
    if lost:
        yield f"{lost} records for {name} are lost: files were damaged or deleted while the queue was closed"


def _settle_dead(done: DoneLog, dead: DeadLetters, segments: Segments, lost: Spans) -> int:
    """Bring an account and the copies of its dead letters together.

    Returns how many copies are dead letters although their marks are lost: there is nothing else of them.
    """
    copies, account = dead.copies(), done.account
    for spans, kind in ((account.dead, Kind.EVICTED), (account.replayed, Kind.DROPPED)):
        for first, last in spans:
            for seq in range(first, last + 1):
                if seq not in copies:
                    done.add(Mark(kind, seq, seq, reason=REASONS.index("damaged")))
                    lost.add(seq, seq)
    rest = [seq for seq in copies if seq not in account.dead and seq not in account.replayed]
    early = [seq for seq in rest if seq <= account.joined]
    if early:
        account.keep(early)
    only = [seq for seq in rest if seq not in account.accounted and segments.holding(seq) is None]
    for seq in only:
        if account.left is not None:
            account.left = max(account.left, seq)
        done.add(Mark(Kind.DEAD, seq, seq))
    dead.remove([seq for seq in rest if seq not in account.dead])
    return len(early) + len(only)


def _start(done: DoneLog, *, is_known: bool) -> None:
    """Write the file of marks anew; a full disk is no reason not to start, if the old file will do."""
    try:
        done.start()
    except OSError:
        if not is_known or done.has_returned:
            raise
        done.resume()


def accounts_of(
    disk: Disk, directory: str, names: list[str], segments: Segments, destinations: Sequence[str] = ()
) -> tuple[dict[str, Account], set[str]]:
    """The accounts by destination, and those whose file is good enough to go on with.

    destinations: names that there may be, for files that do not tell theirs.
    """
    found: dict[str, Account] = {}
    known = set()
    by_file = {done_name(name): name for name in destinations}
    for file_name in names:
        if not (file_name.startswith("done-") and file_name.endswith(".log")):
            continue
        read = read_marks(_content(disk, f"{directory}/{file_name}"))
        if read is None or done_name(read[0]) != file_name:  # damaged, or the file of another destination
            name = by_file.get(file_name, unquote(file_name.removeprefix("done-").removesuffix(".log")))
            found[name] = _without_marks(name, segments)
            continue
        name, marks = read
        if any(each.kind is Kind.JOINED for each in marks):
            known.add(name)
            found[name] = Account(name, segments)
        else:  # what it had is lost: all of it waits again
            found[name], marks = _without_marks(name, segments), []
        for mark in marks:
            _apply(found[name], mark)
    return found, known


def _apply(account: Account, mark: Mark) -> None:
    """Take a mark into account, also if the one before it, that its records are dead letters, is lost."""
    if mark.kind in (Kind.REPLAYED, Kind.EVICTED):
        for span in account.accounted.missing(mark.first, mark.last):
            account.apply(Mark(Kind.DEAD, *span))
    account.apply(mark)


def _without_marks(name: str, segments: Segments) -> Account:
    """The account of a destination whose marks are lost: all records wait for it again."""
    account = Account(name, segments)
    account.apply(Mark(Kind.JOINED, 0, next(iter(segments)).first - 1 if len(segments) else 0))
    return account


def _content(disk: Disk, path: str) -> bytes:
    """A file of marks; nothing of one that is too large to be one."""
    descriptor = disk.open(path)
    try:
        size = disk.size(descriptor)
        return disk.read(descriptor, size, 0) if size <= MOST_BYTES else b""
    finally:
        disk.close(descriptor)


def _settle(done: DoneLog, segments: Segments, last: int, lost: Spans, *, is_wanted: bool, now: int) -> None:
    """Bring an account up to date: with what is gone from the disk, and with whether it is wanted."""
    account = done.account
    if account.left is None and not is_wanted:
        done.add(Mark(Kind.LEFT, 0, last, now))
    end = last if account.left is None else account.left
    at = 1
    for low, high in [*((each.first, each.last) for each in segments), (end + 1, end)]:
        for span in account.accounted.missing(at, min(low - 1, end)):
            done.add(Mark(Kind.DROPPED, *span, reason=REASONS.index("damaged")))
            lost.add(*span)
        at = max(at, high + 1)
    if account.left is not None and is_wanted:
        done.add(Mark(Kind.RETURNED, account.left + 1, last))
    account.balance(last)
