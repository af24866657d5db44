"""What the directory of a log holds, and what opening it will make of that. Changes nothing on disk."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence, Set
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote

from alloypy.queueing.dead_letters import DeadLetters
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.marks import MOST_BYTES, REASONS, Account, Kind, Mark, dead_name, done_name, read_marks
from alloypy.queueing.obstacles import about
from alloypy.queueing.segments import Recovered, Segment, Segments
from alloypy.queueing.spans import Spans


class Survey(NamedTuple):
    """What there is, with the marks that are missing.

    done, dead: by destination, also of those that are none any more. The files of marks are not open.
    known: the destinations whose file is good enough to go on with. last: the number of the last record that
    has ever been. warnings: what people should know. lost: records that some destination has lost.
    """

    segments: Segments
    done: dict[str, DoneLog]
    dead: dict[str, DeadLetters]
    known: Set[str]
    last: int
    warnings: list[str]
    lost: Spans


def survey(
    disk: Disk,
    directory: str,
    names: list[str],
    recovered: Recovered,
    roll: Sequence[str],
    destinations: Sequence[str] | None,
    now: int,
    dead_letter_size: int,
) -> Survey:
    """Look through a directory that no process has open.

    names: of what is in it. roll: the destinations that it names.
    destinations: who gets the records from now on; None = those that the queue has.
    Raises OSError.
    """
    segments = Segments(recovered.segments)
    accounts, known = accounts_of(disk, directory, names, segments, [*roll, *(destinations or ())])
    for name in roll:
        accounts.setdefault(name, without_marks(name, segments))
    dead = {
        name: _dead_letters(disk, directory, name, dead_letter_size)
        for name in dict.fromkeys([*accounts, *(destinations or ())])
    }
    dead |= dict(_orphans(disk, directory, names, dead, dead_letter_size))
    numbers = [each.last for each in segments] + [account.highest for account in accounts.values()]
    last = max(numbers + [each.highest for each in dead.values()], default=0)
    without = _joined(accounts, known, [*dead], segments, last)
    done = {name: DoneLog(disk, f"{directory}/{done_name(name)}", each) for name, each in accounts.items()}
    found = Survey(segments, done, dead, known, last, [], Spans())
    for name, each in done.items():
        before = each.account.dropped["damaged"]
        kept = _settle_dead(each, dead[name], found)
        is_wanted = each.account.left is None if destinations is None else name in destinations
        _settle(each, found, is_wanted=is_wanted, now=now)
        found.warnings.extend(_told(name, kept, each.account.dropped["damaged"] - before))
        if name in without and (records := each.account.waiting(last)):
            found.warnings.append(_again(name, records))
    return found


def aside(segment: Segment) -> str:
    """What to tell people of a file of records that does not count."""
    records = segment.last - segment.first + 1
    return (
        f"{segment.path} does not count, because other files of the queue hold records of the same numbers "
        f"({records}, from {segment.first} to {segment.last})"
    )


def _dead_letters(disk: Disk, directory: str, name: str, most: int) -> DeadLetters:
    found = DeadLetters(disk, f"{directory}/{dead_name(name)}", most)
    found.start()
    return found


def _orphans(
    disk: Disk, directory: str, names: list[str], known: Container[str], most: int
) -> Iterator[tuple[str, DeadLetters]]:
    """Dead letters of destinations of which nothing else is left."""
    for each in names:
        name = unquote(each.removeprefix("dead-"))
        if each == dead_name(name) and name not in known:
            with suppress(OSError):  # not the work of a queue
                found = _dead_letters(disk, directory, name, most)
                if found.highest:
                    yield name, found


def _joined(
    accounts: dict[str, Account], good: Set[str], names: Iterable[str], segments: Segments, last: int
) -> Set[str]:
    """Add the accounts of those of `names` that have none; returns the destinations whose marks are lost.

    good: those whose marks are there. A destination is new if others have marks, or there are no records.
    """
    lost = accounts.keys() - good
    if not len(segments):
        for name in lost:  # nothing of what it had is left
            accounts[name].apply(Mark(Kind.JOINED, 0, last))
    for name in names:
        if name in accounts:
            continue
        if good or not len(segments):
            accounts[name] = Account(name, segments)
            accounts[name].apply(Mark(Kind.JOINED, 0, last))
        else:
            accounts[name] = without_marks(name, segments)
            lost.add(name)
    return lost


def _again(name: str, records: int) -> str:
    wait = _counted(records, "record waits", "records wait")
    return f"the marks of {name} are lost or damaged: {wait} for it again, also those that it has got"


def _told(name: str, kept: int, lost: int) -> Iterator[str]:
    """What to tell people of a destination. kept: dead letters whose marks are lost. lost: records."""
    if kept:
        letters = _counted(kept, "dead letter is kept", "dead letters are kept")
        yield f"marks of {name} were lost: {letters}, whose copies are intact"
    if lost:
        records = _counted(lost, f"record for {name} is", f"records for {name} are")
        yield f"{records} lost: files were damaged or deleted while the queue was closed"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _settle_dead(done: DoneLog, dead: DeadLetters, found: Survey) -> int:
    """Bring an account and the copies of its dead letters together.

    Returns how many copies are dead letters although their marks are lost: there is nothing else of them.
    """
    copies, account = dead.copies(), done.account
    for spans, kind in ((account.dead, Kind.EVICTED), (account.replayed, Kind.DROPPED)):
        for first, last in spans:
            for seq in range(first, last + 1):
                if seq not in copies:
                    done.add(Mark(kind, seq, seq, reason=REASONS.index("damaged")))
                    found.lost.add(seq, seq)
    rest = [seq for seq in copies if seq not in account.dead and seq not in account.replayed]
    early = [seq for seq in rest if seq <= account.joined]
    if early:
        account.keep(early)
    only = [seq for seq in rest if seq not in account.accounted and found.segments.holding(seq) is None]
    for seq in only:
        if account.left is not None:
            account.left = max(account.left, seq)
        done.add(Mark(Kind.DEAD, seq, seq))
    return len(early) + len(only)


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
        read = marks_in(disk, f"{directory}/{file_name}")
        if read is None or done_name(read[0]) != file_name:  # damaged, or the file of another destination
            name = by_file.get(file_name, unquote(file_name.removeprefix("done-").removesuffix(".log")))
            found[name] = without_marks(name, segments)
            continue
        name, marks = read
        if any(each.kind is Kind.JOINED for each in marks):
            known.add(name)
            found[name] = Account(name, segments)
        else:  # what it had is lost: all of it waits again
            found[name], marks = without_marks(name, segments), []
        for mark in marks:
            _apply(found[name], mark)
    return found, known


def _apply(account: Account, mark: Mark) -> None:
    """Take a mark into account, also if the one before it, that its records are dead letters, is lost."""
    if mark.kind in (Kind.REPLAYED, Kind.EVICTED):
        for span in account.accounted.missing(mark.first, mark.last):
            account.apply(Mark(Kind.DEAD, *span))
    account.apply(mark)


def without_marks(name: str, segments: Segments) -> Account:
    """The account of a destination whose marks are lost: all records wait for it again."""
    account = Account(name, segments)
    account.apply(Mark(Kind.JOINED, 0, next(iter(segments)).first - 1 if len(segments) else 0))
    return account


def marks_in(disk: Disk, path: str) -> tuple[str, list[Mark]] | None:
    """The destination and the marks of a file; None if it is damaged, or too large. Raises OSError."""
    descriptor = disk.open(path)
    try:
        with about(path):
            size = disk.size(descriptor)
            return read_marks(disk.read(descriptor, size, 0)) if size <= MOST_BYTES else None
    finally:
        disk.close(descriptor)


def _settle(done: DoneLog, found: Survey, *, is_wanted: bool, now: int) -> None:
    """Bring an account up to date: with what is gone from the disk, and with whether it is wanted."""
    account, last = done.account, found.last
    if account.left is None and not is_wanted:
        done.add(Mark(Kind.LEFT, 0, last, now))
    end = last if account.left is None else account.left
    at = 1
    for low, high in [*((each.first, each.last) for each in found.segments), (end + 1, end)]:
        for span in account.accounted.missing(at, min(low - 1, end)):
            done.add(Mark(Kind.DROPPED, *span, reason=REASONS.index("damaged")))
            found.lost.add(*span)
        at = max(at, high + 1)
    if account.left is not None and is_wanted:
        done.add(Mark(Kind.RETURNED, account.left + 1, last))
    account.balance(last)
