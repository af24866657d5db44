"""Dead letters of one destination: what it refuses for good is kept for a while, to look at or deliver again.

`dead-NAME/` has files of records like those of the log, up to an eighth of the space each. The meta of a
dead letter is the length of its reason u32, the reason (JSON: why, words, at) and the meta of the record.
What counts is in the marks of the destination: a copy without a mark is none, if its record waits or is
settled; otherwise it is all that is left, and stays a dead letter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from alloypy.queueing.disk import Buffer, Disk
from alloypy.queueing.obstacles import about
from alloypy.queueing.record import HEAD_BYTES, Place, Record, framed
from alloypy.queueing.scan import Window, is_good, records
from alloypy.queueing.segments import segment_numbers, segment_path
from alloypy.queueing.writer import NO_SPACE

_FILES = 8
_LEAST_FILE_BYTES = 64 << 10


class DeadLetter(NamedTuple):
    """A record that its destination has refused for good.

    why: a reason of `marks.REASONS`. words: the server's. at: when that was, nanoseconds since 1970.
    """

    record: Record
    why: str
    words: str
    at: int


class Copy(NamedTuple):
    """Where a copy is, and why and when its record became a dead letter."""

    number: int
    at: int
    size: int
    why: str
    time: int


class DeadLetters:
    """The copies in a directory. All methods do I/O: they are called in a thread, one at a time."""

    def __init__(self, disk: Disk, directory: str, most: int) -> None:
        self._disk = disk
        self._directory = directory
        self.most = most
        self._copies: dict[int, Copy] = {}
        self._sizes: dict[int, int] = {}
        self._ended: set[int] = set()
        self._exists = False

    def start(self) -> None:
        """Find the copies there are. Raises OSError."""
        try:
            names = self._disk.names(self._directory)
        except FileNotFoundError:
            return
        self._exists = True
        for number in segment_numbers(names):
            path = segment_path(self._directory, number)
            descriptor = self._disk.open(path)
            try:
                with about(path):
                    self._find(number, descriptor)
            finally:
                self._disk.close(descriptor)

    def _find(self, number: int, descriptor: int) -> None:
        """Find the copies in an open file."""
        size = self._disk.size(descriptor)
        self._sizes[number] = size
        window = Window(self._disk, descriptor, size, is_patient=True)
        for at, head in records(window, 0):
            why, _, time, _ = _reason(bytes(window.view(at + HEAD_BYTES, head.meta)))
            self._copies[head.seq] = Copy(number, at, head.size, why, time)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(self._sizes.values())

    @property
    def highest(self) -> int:
        """The highest number of a record; 0 if there is none."""
        return max(self._copies, default=0)

    def __contains__(self, seq: int) -> bool:
        return seq in self._copies

    def copies(self) -> dict[int, Copy]:
        """All copies, by number of the record."""
        return dict(self._copies)

    def add(self, record: Record, why: str, words: str, at: int) -> None:
        """Keep a copy; it is on the disk when this returns. Raises OSError: then there is none."""
        reason = json.dumps({"why": why, "words": words, "at": at}).encode()
        meta = len(reason).to_bytes(4, "little") + reason + record.meta
        size = HEAD_BYTES + len(meta) + sum(map(len, record.body))
        seq = record.place.seq
        number, end = self._room(size)
        parts: list[Buffer] = [framed(seq, record.received_at, meta, record.body), *record.body]
        if number in self._sizes:
            self._append(number, parts, end)
        else:
            self._begin(number, parts)
        self._sizes[number] = end + size
        self._copies[seq] = Copy(number, end, size, why, at)

    def _append(self, number: int, parts: list[Buffer], end: int) -> None:
        """Write to a file that exists. What the disk has failed on is not touched again."""
        is_good = False
        try:
            descriptor = self._disk.open(segment_path(self._directory, number))
            try:
                try:
                    self._disk.write(descriptor, parts, end)
                except OSError as error:
                    self._disk.truncate(descriptor, end)
                    is_good = error.errno in NO_SPACE
                    raise
                self._disk.sync(descriptor)
            finally:
                self._disk.close(descriptor)
        except OSError:
            if not is_good:
                self._ended.add(number)
            raise

    def _begin(self, number: int, parts: list[Buffer]) -> None:
        """Write a file that does not exist; there is none again if the disk fails."""
        try:
            descriptor = self._disk.create(segment_path(self._directory, number))
        except FileNotFoundError:  # somebody has deleted the directory: the next time it is made again
            self._exists = False
            raise
        except FileExistsError:  # nor is the file one of ours
            self._take_out(number)
            raise
        try:
            try:
                self._disk.write(descriptor, parts, 0)
                self._disk.sync(descriptor)
            finally:
                self._disk.close(descriptor)
            self._disk.sync_directory(self._directory)
        except OSError:
            self._remove(number)
            raise

    def _room(self, size: int) -> tuple[int, int]:
        """The file for the next copy, and its end. Raises OSError."""
        if not self._exists:
            with suppress(FileExistsError):
                self._disk.make_directory(self._directory)
            self._disk.sync_directory(self._directory.rpartition("/")[0])
            self._exists = True
        last = max(self._sizes, default=0)
        end = self._sizes.get(last, 0)
        if not last or last in self._ended or end + size > max(_LEAST_FILE_BYTES, self.most // _FILES):
            return last + 1, 0
        return last, end

    def remove(self, seqs: Sequence[int]) -> None:
        """Forget copies; files of which none is left are deleted."""
        for seq in seqs:
            self._copies.pop(seq, None)
        used = {copy.number for copy in self._copies.values()}
        for number in [each for each in self._sizes if each not in used]:
            self._remove(number)

    def _remove(self, number: int) -> None:
        """Delete a file. If that fails, its number stays taken until the next start."""
        try:
            self._disk.remove(segment_path(self._directory, number))
        except FileNotFoundError:
            pass
        except OSError:
            self._take_out(number)
            return
        self._sizes.pop(number, None)
        self._ended.discard(number)

    def _take_out(self, number: int) -> None:
        """Write to no file of this number."""
        self._sizes[number] = 0
        self._ended.add(number)

    def get(self, seq: int) -> DeadLetter | None:
        """A dead letter as it was kept; None if there is none or it is damaged. Raises OSError."""
        copy = self._copies.get(seq)
        if copy is None:
            return None
        descriptor = self._disk.open(segment_path(self._directory, copy.number))
        try:
            window = Window(self._disk, descriptor, min(self._disk.size(descriptor), copy.at + copy.size))
            found = next(records(window, copy.at), None)
            if found is None or found.at != copy.at or found.head.seq != seq or not is_good(window, found):
                return None
            head = found.head
            data = window.view(copy.at + HEAD_BYTES, head.meta + head.body)
            return _letter(bytes(data[: head.meta]), data[head.meta :], Place(0, seq), head.received_at)
        finally:
            self._disk.close(descriptor)


def _letter(meta: bytes, body: memoryview, place: Place, received_at: int) -> DeadLetter:
    why, words, at, end = _reason(meta)
    return DeadLetter(Record(place, received_at, meta[end:], (body,)), why, words, at)


def _reason(meta: bytes) -> tuple[str, str, int, int]:
    """Why, words and time of a dead letter, and where the meta of its record begins."""
    end = 4 + int.from_bytes(meta[:4], "little")
    try:
        reason = json.loads(meta[4:end])
        return str(reason["why"]), str(reason["words"]), int(reason["at"]), end
    except (ValueError, KeyError, TypeError):  # damaged: it will be found to be when it is read
        return "damaged", "", 0, end
