"""Opens a log: what the directory holds, and what each destination still waits for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote

from alloypy.os_errors import system_words
from alloypy.queueing.directory import enter
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.errors import QueueError
from alloypy.queueing.marks import REASONS, Account, Kind, Mark, done_name, read_marks
from alloypy.queueing.segments import Segments, recover, segment_numbers


class Loaded(NamedTuple):
    """What opening a directory has found.

    number, last: of the last file and the last record that have ever been. accounts: by destination, also
    those that are no longer asked for. cut_bytes: of what a crash had left unfinished.
    """

    directory: str
    lock: int
    segments: Segments
    done: dict[str, DoneLog]
    number: int
    last: int
    cut_bytes: int
    found: int


def load(disk: Disk, path: str, destinations: Sequence[str] | None, now: int) -> Loaded:
    """Open the queue at `path`. destinations: None = all that have ever been.

    Raises QueueError.
    """
    directory, lock, names = enter(disk, path)
    try:
        return _load(disk, directory, lock, names, destinations, now)
    except (OSError, ValueError) as error:
        disk.close(lock)
        raise QueueError(f"cannot open the queue {directory}: {system_words(error)}") from error
    except BaseException:
        disk.close(lock)
        raise


def _load(
    disk: Disk, directory: str, lock: int, names: list[str], destinations: Sequence[str] | None, now: int
) -> Loaded:
    recovered = recover(disk, directory, names)
    segments = Segments(recovered.segments)
    accounts, known = _accounts(disk, directory, names, segments)
    wanted = list(accounts) if destinations is None else list(dict.fromkeys(destinations))
    last = max([each.last for each in segments] + [each.highest for each in accounts.values()], default=0)
    first = next(iter(segments)).first if len(segments) else last + 1
    is_lost = not known and len(segments) > 0
    for name in wanted:
        if name not in accounts:
            accounts[name] = Account(name, segments)
            accounts[name].apply(Mark(Kind.JOINED, 0, first - 1 if is_lost else last))
    for name, account in accounts.items():
        _settle(account, segments, last, is_wanted=name in wanted, now=now)
    done = {name: DoneLog(disk, f"{directory}/{done_name(name)}", each) for name, each in accounts.items()}
    for each in done.values():
        _start(each, is_known=each.account.name in known)
    for path in recovered.empty:
        with suppress(OSError):
            disk.remove(path)
    disk.sync_directory(directory)
    number = max(segment_numbers(names), default=0)
    found = sum(each.account.waiting(last) for each in done.values())
    return Loaded(directory, lock, segments, done, number, last, recovered.cut_bytes, found)


def _start(done: DoneLog, *, is_known: bool) -> None:
    try:
        done.start()
    except OSError:
        if not is_known:
            raise
        done.resume()  # a full disk: the old file will do


def _accounts(
    disk: Disk, directory: str, names: list[str], segments: Segments
) -> tuple[dict[str, Account], set[str]]:
    """The accounts by destination, and those whose file is good enough to go on with."""
    found: dict[str, Account] = {}
    known = set()
    for file_name in names:
        if not (file_name.startswith("done-") and file_name.endswith(".log")):
            continue
        read = read_marks(_content(disk, f"{directory}/{file_name}"))
        name = unquote(file_name.removeprefix("done-").removesuffix(".log")) if read is None else read[0]
        account = found[name] = Account(name, segments)
        marks = [] if read is None else read[1]
        if not any(each.kind is Kind.JOINED for each in marks):  # what it had is lost: all of it waits again
            first = next(iter(segments)).first if len(segments) else 1
            marks = [Mark(Kind.JOINED, 0, first - 1)]
        else:
            known.add(name)
        for mark in marks:
            account.apply(mark)
    return found, known


def _content(disk: Disk, path: str) -> bytes:
    descriptor = disk.open(path)
    try:
        return disk.read(descriptor, disk.size(descriptor), 0)
    finally:
        disk.close(descriptor)


def _settle(account: Account, segments: Segments, last: int, *, is_wanted: bool, now: int) -> None:
    """Bring an account up to date: with what is gone from the disk, and with whether it is wanted."""
    if account.left is None and not is_wanted:
        account.apply(Mark(Kind.LEFT, 0, last, now))
    end = last if account.left is None else account.left
    at = 1
    for low, high in [*((each.first, each.last) for each in segments), (end + 1, end)]:
        for span in account.accounted.missing(at, min(low - 1, end)):
            account.apply(Mark(Kind.DROPPED, *span, reason=REASONS.index("damaged")))
        at = high + 1
    if account.left is not None and is_wanted:
        account.apply(Mark(Kind.RETURNED, account.left + 1, last))
    account.balance(last)
