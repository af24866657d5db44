"""The files of records: which there are, and which numbers each holds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from alloypy.queueing.disk import Disk
from alloypy.queueing.obstacles import about
from alloypy.queueing.record import FOOTER_BYTES, Footer, footer, footer_of
from alloypy.queueing.scan import Window, is_good, records

_NAME = re.compile(r"(\d{12})\.seg")


@dataclass(slots=True)
class Segment:
    """A file of records with the numbers `first` to `last`.

    end: the offset after its last record. first_at, last_at: times of reception, nanoseconds.
    """

    number: int
    path: str
    first: int
    last: int
    end: int
    first_at: int
    last_at: int

    @property
    def footer(self) -> bytes:
        """What ends the file."""
        content = Footer(
            self.first, self.last, self.last - self.first + 1, self.end, self.first_at, self.last_at
        )
        return footer(content)


def segment_path(directory: str, number: int) -> str:
    """The path of a file of records."""
    return f"{directory}/{number:012d}.seg"


def segment_numbers(names: list[str]) -> list[int]:
    """The numbers of the files of records among the names of a directory."""
    return [int(found[1]) for name in names if (found := _NAME.fullmatch(name))]


class Segments:
    """The files of a log in order, found by number of record."""

    def __init__(self, found: list[Segment]) -> None:
        self._list = found
        self._firsts = [each.first for each in found]
        self._by_number = {each.number: each for each in found}

    def __iter__(self) -> Iterator[Segment]:
        return iter(list(self._list))

    def __len__(self) -> int:
        return len(self._list)

    @property
    def size(self) -> int:
        """The bytes of all."""
        return sum(each.end for each in self._list)

    def add(self, segment: Segment) -> None:
        """Add a file that follows all others."""
        self._list.append(segment)
        self._firsts.append(segment.first)
        self._by_number[segment.number] = segment

    def remove(self, segment: Segment) -> None:
        """Take a file out."""
        at = self._list.index(segment)
        del self._list[at], self._firsts[at], self._by_number[segment.number]

    def numbered(self, number: int) -> Segment | None:
        """The file with a number, if it is still there."""
        return self._by_number.get(number)

    def holding(self, seq: int) -> Segment | None:
        """The file that holds a record; None if no file does."""
        found = self._list[-1] if self._list else None
        if found is not None and seq < found.first:
            at = bisect_right(self._firsts, seq) - 1
            found = self._list[at] if at >= 0 else None
        return found if found is not None and seq <= found.last else None


class Recovered:
    """What reading the directory at start has found.

    empty: the paths of files without a record. aside: files of records that other files hold, too.
    """

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.empty: list[str] = []
        self.aside: list[Segment] = []
        self.cut_bytes = 0


def recover(disk: Disk, directory: str, names: list[str]) -> Recovered:
    """The files of a directory. Only those without a footer are read whole; they get one if that is possible.

    Raises OSError for a file that cannot be read.
    """
    result = Recovered()
    for number in segment_numbers(names):
        path = segment_path(directory, number)
        segment, cut = _recover_one(disk, number, path)
        result.cut_bytes += cut
        if segment is None:
            result.empty.append(path)
        else:
            result.segments.append(segment)
    _without_overlaps(result)
    return result


def _recover_one(disk: Disk, number: int, path: str) -> tuple[Segment | None, int]:
    descriptor = disk.open(path)
    try:
        with about(path):
            return _recover_open(disk, descriptor, number, path)
    finally:
        disk.close(descriptor)


def _recover_open(disk: Disk, descriptor: int, number: int, path: str) -> tuple[Segment | None, int]:
    size = disk.size(descriptor)
    if size >= FOOTER_BYTES:
        ending = Window(disk, descriptor, size, is_patient=True).view(size - FOOTER_BYTES, FOOTER_BYTES)
        content = footer_of(ending)
        if content is not None and content.size == size - FOOTER_BYTES:
            times = content.first_at, content.last_at
            return Segment(number, path, content.first, content.last, content.size, *times), 0
    segment = _scan(Window(disk, descriptor, size, is_patient=True), number, path)
    if segment is None:
        return None, size
    _finish(disk, descriptor, segment)
    return segment, size - segment.end


def _scan(window: Window, number: int, path: str) -> Segment | None:
    """What a file without a footer holds, up to its last good record; what follows was never finished."""
    segment: Segment | None = None
    for found in records(window, 0):
        at, head = found
        if not is_good(window, found) or (segment is not None and head.seq <= segment.last):
            continue
        if segment is None:
            segment = Segment(number, path, head.seq, head.seq, 0, head.received_at, head.received_at)
        segment.last, segment.last_at, segment.end = head.seq, head.received_at, at + head.size
    return segment


def _finish(disk: Disk, descriptor: int, segment: Segment) -> None:
    """Cut what follows the last record, and end the file. A full disk is no reason not to start."""
    try:
        disk.truncate(descriptor, segment.end)
        disk.write(descriptor, [segment.footer], segment.end)
        disk.sync(descriptor)
    except OSError:
        return


def _without_overlaps(result: Recovered) -> None:
    """A record that is in two files counts in the later one: it was written again after a failure.

    What is not the work of a queue, such as the copy of a file under another name, does not count. A file
    that holds records is never deleted here.
    """
    kept: list[Segment] = []
    for segment in reversed(_without_strays(result)):
        if any(each.first <= segment.first <= each.last for each in kept):
            result.aside.append(segment)
            continue
        following = [each.first for each in kept if segment.first < each.first <= segment.last]
        segment.last = min([segment.last, *(first - 1 for first in following)])
        kept.append(segment)
    result.segments = sorted(kept, key=attrgetter("first"))


def _without_strays(result: Recovered) -> list[Segment]:
    """The files but those that cannot have been written again after a failure, and overlap others."""
    good: list[Segment] = []
    for segment in result.segments:
        is_stray = any(_overlap(segment, each) for each in good) and _is_stray(segment, good)
        (result.aside if is_stray else good).append(segment)
    return good


def _overlap(one: Segment, other: Segment) -> bool:
    return one.first <= other.last and other.first <= one.last


def _is_stray(segment: Segment, earlier: list[Segment]) -> bool:
    """Whether a file holds again what is not at the end of the earlier ones, or an older state of one."""
    ends = {each.last + 1 for each in earlier}
    return any(
        each.first > segment.last
        or (each.first > segment.first and each.first in ends)
        or (each.first == segment.first and each.last > segment.last and each.last_at > segment.last_at)
        for each in earlier
    )
