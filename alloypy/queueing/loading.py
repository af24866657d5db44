"""Opens a log: what the directory holds, and what each destination still waits for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import NamedTuple

from alloypy.queueing.dead_letters import DeadLetters
from alloypy.queueing.directory import enter
from alloypy.queueing.disk import Disk
from alloypy.queueing.done_log import DoneLog
from alloypy.queueing.errors import QueueError
from alloypy.queueing.marks import done_name
from alloypy.queueing.obstacles import about, why
from alloypy.queueing.roll import Roll
from alloypy.queueing.segments import Recovered, Segment, Segments, recover, segment_numbers
from alloypy.queueing.spans import Spans
from alloypy.queueing.survey import Survey, aside, survey
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
    roll: Roll
    number: int
    last: int
    cut_bytes: int
    found: int
    warnings: Sequence[str]
    lost: Spans


def load(
    disk: Disk, path: str, destinations: Sequence[str] | None, now: int, dead_letter_size: int
) -> Loaded:
    """Open the queue at `path`. destinations: None = those that the queue has.

    Raises QueueError.
    """
    directory, lock, names = enter(disk, path)
    try:
        return _load(disk, directory, lock, names, destinations, now, dead_letter_size)
    except (OSError, ValueError) as error:
        disk.close(lock)
        raise QueueError(f"cannot open the queue {directory}: {why(error)}") from error
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
    recovered, roll = recover(disk, directory, names), Roll(disk, directory)
    known = roll.read()
    found = survey(disk, directory, names, recovered, known, destinations, now, dead_letter_size)
    for name, each in found.done.items():
        _start(each, f"{directory}/{done_name(name)}", is_known=name in found.known)
        copies, account = found.dead[name], each.account
        kept = account.dead, account.replayed
        copies.remove([seq for seq in copies.copies() if not any(seq in spans for spans in kept)])
    tries = _tries(disk, directory, found)
    _clear(disk, directory, names, recovered, found)
    if set(known) != set(found.done):
        with suppress(OSError):  # a full disk is no reason not to start
            roll.write(found.done)
    number = max(segment_numbers(names), default=0)
    waiting = sum(each.account.waiting(found.last) for each in found.done.values())
    return Loaded(
        directory,
        lock,
        found.segments,
        found.done,
        found.dead,
        tries,
        roll,
        number,
        found.last,
        recovered.cut_bytes,
        waiting,
        found.warnings,
        found.lost,
    )


def _start(done: DoneLog, path: str, *, is_known: bool) -> None:
    """Write the file of marks anew; a full disk is no reason not to start, if the old file will do."""
    with about(path):
        try:
            done.start()
        except OSError:
            if not is_known or done.has_returned:
                raise
            done.resume()


def _clear(disk: Disk, directory: str, names: Sequence[str], recovered: Recovered, found: Survey) -> None:
    """Delete and rename what does not count. Raises OSError if it is unknown what the disk will have."""
    for path in recovered.empty:
        with suppress(OSError):
            disk.remove(path)
    for each in recovered.aside:
        found.warnings.append(_set_aside(disk, each, names))
    with about(directory):
        disk.sync_directory(directory)


def _set_aside(disk: Disk, segment: Segment, names: Sequence[str]) -> str:
    """Give a file of records that does not count a name that is not read; returns what to tell people."""
    new = next(
        path
        for number in count()
        if (path := f"{segment.path}.aside{number or ''}").rpartition("/")[2] not in names
    )
    try:
        disk.rename(segment.path, new)
    except OSError as error:
        return f"{aside(segment)}: it cannot be renamed ({why(error)}), and stays as it is; move it away"
    return f"{aside(segment)}: it is now {new}, to be deleted by you"


def _tries(disk: Disk, directory: str, found: Survey) -> Tries:
    """The notes of what was being tried when the process ended."""
    tries = Tries(disk, directory)
    by_number = {name_number(name): each.account for name, each in found.done.items()}
    told = tries.start(lambda seq, number: number in by_number and by_number[number].is_waiting(seq))
    if told:
        found.warnings.append(told)
    return tries
