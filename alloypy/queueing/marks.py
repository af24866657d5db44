"""What has become of each record, for one destination: marks on disk, and the account that they add up to.

`done-NAME.log` begins with a head (magic 8 bytes, length of the name u16, the name in UTF-8, CRC-32 u32).
Marks of 32 bytes follow (little endian: kind u8, reason u8, zero u16, first number u64, last number u64,
bytes u64, CRC-32 u32). A mark that is lost leads to a second delivery, never to a loss.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from struct import Struct
from typing import ClassVar, NamedTuple
from urllib.parse import quote
from zlib import crc32

from alloypy.queueing.segments import Segment, Segments
from alloypy.queueing.spans import Spans

REASONS = ("age", "overflow", "too_old", "refused", "crash", "damaged", "removed")
"""Why a record is dropped. Their places are on disk."""

MARK_BYTES = 32
MOST_BYTES = 64 << 20
"""A file of marks that is larger counts as damaged: one is written anew when it has more than 1 MiB."""

_MARK = Struct("<BBHQQQ")
_CRC = Struct("<I")
_MAGIC = b"ALQDONE1"
_MOST_NAME_CHARACTERS = 150


class Kind(IntEnum):
    """What a mark says about its records."""

    JOINED = 1  # the destination gets the records after `last`
    DELIVERED = 2
    DROPPED = 3
    DEAD = 4
    REPLAYED = 5  # dead letters that wait again
    EVICTED = 6  # dead letters that are dropped
    SETTLED = 7  # accounted for; the totals have them
    DELIVERED_TOTAL = 8  # `last` is the count
    DROPPED_TOTAL = 9
    LEFT = 10  # the destination does not get the records after `last`; `size` is the time
    RETURNED = 11  # nor those from `first` to `last`, but the following


JOINABLE = frozenset({Kind.DELIVERED, Kind.DROPPED, Kind.DEAD})
"""What is said of many records as of one."""


class Mark(NamedTuple):
    """One entry of the file."""

    kind: Kind
    first: int
    last: int
    size: int = 0
    reason: int = 0

    def packed(self) -> bytes:
        """As in the file."""
        data = _MARK.pack(self.kind, self.reason, 0, self.first, self.last, self.size)
        return data + _CRC.pack(crc32(data))


def done_name(destination: str) -> str:
    """The name of the file of a destination."""
    return f"done-{_quoted(destination)}.log"


def dead_name(destination: str) -> str:
    """The name of the directory of its dead letters."""
    return f"dead-{_quoted(destination)}"


def _quoted(destination: str) -> str:
    name = quote(destination, safe="")
    if len(name) > _MOST_NAME_CHARACTERS:
        name = f"{name[:_MOST_NAME_CHARACTERS]}-{crc32(destination.encode()):08x}"
    return name


def head(destination: str) -> bytes:
    """The beginning of the file of a destination."""
    name = destination.encode()
    data = _MAGIC + len(name).to_bytes(2, "little") + name
    return data + _CRC.pack(crc32(data))


def read_marks(data: bytes) -> tuple[str, list[Mark]] | None:
    """The destination and the marks of a file; None if its head is damaged. Damaged marks are left out."""
    size = len(_MAGIC) + 2 + int.from_bytes(data[8:10], "little")
    if data[:8] != _MAGIC or data[size : size + 4] != _CRC.pack(crc32(data[:size])):
        return None
    name = data[10:size].decode("utf-8", "replace")
    return name, list(_marks(data, size + 4))


def _marks(data: bytes, at: int) -> Iterator[Mark]:
    kinds = set(Kind)
    for place in range(at, len(data) - MARK_BYTES + 1, MARK_BYTES):
        kind, reason, _, first, last, size = _MARK.unpack_from(data, place)
        crc = _CRC.unpack_from(data, place + MARK_BYTES - 4)[0]
        good = crc == crc32(memoryview(data)[place : place + MARK_BYTES - 4])
        if good and kind in kinds and reason < len(REASONS):
            yield Mark(Kind(kind), first, last, size, reason)


class Account:
    """What has become of the records for one destination.

    name: of the destination. joined: it gets the records after this number. left: and up to this one, if it
    is no longer a destination, since left_at. accounted: the records that do not wait; dead and replayed:
    the dead letters, and those that wait again.
    """

    def __init__(self, name: str, segments: Segments) -> None:
        self.name = name
        self.joined = 0
        self.absent = 0
        self.left: int | None = None
        self.left_at = 0
        self.accounted = Spans()
        self.dead = Spans()
        self.replayed = Spans()
        self.delivered = 0
        self.dropped = dict.fromkeys(REASONS, 0)
        self._segments = segments
        self._sizes: dict[int, int] = {}

    def apply(self, mark: Mark) -> int:
        """Take a mark into account; returns how many records have changed."""
        return self._APPLIED[mark.kind](self, mark)

    def stored(self, last: int) -> int:
        """How many records were stored for it, if `last` is the last of the log."""
        return (last if self.left is None else self.left) - self.joined - self.absent

    def waiting(self, last: int) -> int:
        """How many records wait."""
        end = last if self.left is None else min(last, self.left)
        return end + 1 - self.accounted.count + self.replayed.count

    def in_files(self) -> Iterator[tuple[int, int]]:
        """The first and last numbers of what waits in files: all but the dead letters that wait again."""
        for segment in self._segments:
            yield from self.waiting_in(segment)

    def waiting_in(self, segment: Segment) -> list[tuple[int, int]]:
        """The first and last numbers of what waits in a file."""
        last = segment.last if self.left is None else min(segment.last, self.left)
        return self.accounted.missing(segment.first, last)

    def waiting_bytes(self) -> int:
        """How many bytes of files wait."""
        return sum(
            max(0, each.end - self._sizes.get(each.number, 0))
            for each in self._segments
            if not self.is_done(each.first, each.last)
        )

    def is_done(self, first: int, last: int) -> bool:
        """Whether none of these records waits, or they are not for this destination."""
        if self.left is not None:
            last = min(last, self.left)
        return first > last or self.accounted.covers(first, last)

    def is_waiting(self, seq: int) -> bool:
        """Whether a record waits."""
        return seq in self.replayed or seq not in self.accounted

    def last_in_file(self, seq: int) -> int:
        """The number of the last record in the file of this one; 0 if it is in none."""
        segment = self._segments.holding(seq)
        return 0 if segment is None else segment.last

    def forget(self, segment: int) -> None:
        """A file has been deleted."""
        self._sizes.pop(segment, None)

    @property
    def highest(self) -> int:
        """The highest number that it knows of."""
        return max(self.accounted.highest, 0 if self.left is None else self.left)

    def keep(self, seqs: Sequence[int]) -> None:
        """Count dead letters from before it joined, as far as is known: it had them, so it joined earlier."""
        joined = min(seqs) - 1
        self.absent += self.joined - joined - len(seqs)
        self.joined = joined
        for seq in seqs:
            self.dead.add(seq, seq)

    def balance(self, last: int) -> None:
        """Count as never stored what damaged marks have made disappear from the counts, or the reverse."""
        known = self.delivered + sum(self.dropped.values()) + self.dead.count + self.waiting(last)
        self.absent += self.stored(last) - known

    def summary(self) -> list[Mark]:
        """The marks that add up to this account."""
        marks = [Mark(Kind.JOINED, 0, self.joined, self.absent)]
        marks.append(Mark(Kind.DELIVERED_TOTAL, 0, self.delivered))
        marks += (
            Mark(Kind.DROPPED_TOTAL, 0, count, reason=at)
            for at, count in enumerate(self.dropped.values())
            if count
        )
        marks += self._settled()
        if self.left is not None:
            marks.append(Mark(Kind.LEFT, 0, self.left, self.left_at))
        return marks

    def _settled(self) -> Iterator[Mark]:
        """What is accounted for, cut where files begin, so that each mark has the bytes of one file.

        No other mark says of a dead letter that it is settled: if its own is lost, that can be told.
        """
        sizes = dict(self._sizes)
        edges = {each.first for each in self._segments}
        for first, last in [*self.dead, *self.replayed]:
            edges |= {first, last + 1}
        inner = sorted(edges)
        for first, last in self.accounted:
            cuts = [first, *inner[bisect_right(inner, first) : bisect_right(inner, last)], last + 1]
            for begin, following in pairwise(cuts):
                segment = self._segments.holding(begin)
                size = 0 if segment is None else sizes.pop(segment.number, 0)
                is_replayed = begin in self.replayed
                kind = Kind.DEAD if is_replayed or begin in self.dead else Kind.SETTLED
                yield Mark(kind, begin, following - 1, size)
                if is_replayed:
                    yield Mark(Kind.REPLAYED, begin, following - 1)

    def _account(self, mark: Mark) -> int:
        new = self.accounted.add(mark.first, mark.last)
        if new and mark.size and (segment := self._segments.holding(mark.first)) is not None:
            self._sizes[segment.number] = self._sizes.get(segment.number, 0) + mark.size
        return new

    def _settle(self, mark: Mark) -> int:
        """Account for what waits; a replayed dead letter is accounted for already, but waits."""
        new = self._account(mark)
        if self.replayed.count:
            numbers = range(mark.first, mark.last + 1)
            new += sum(self.replayed.discard(each) for each in numbers)
        return new

    def _apply_joined(self, mark: Mark) -> int:
        self.joined, self.absent = mark.last, mark.size
        return self.accounted.add(0, mark.last)

    def _apply_delivered(self, mark: Mark) -> int:
        new = self._settle(mark)
        self.delivered += new
        return new

    def _apply_dropped(self, mark: Mark) -> int:
        new = self._settle(mark)
        self.dropped[REASONS[mark.reason]] += new
        return new

    def _apply_dead(self, mark: Mark) -> int:
        new = self._settle(mark)
        if new:
            self.dead.add(mark.first, mark.last)
        return new

    def _apply_replayed(self, mark: Mark) -> int:
        found = [each for each in range(mark.first, mark.last + 1) if self.dead.discard(each)]
        for each in found:
            self.replayed.add(each, each)
        return len(found)

    def _apply_evicted(self, mark: Mark) -> int:
        count = sum(self.dead.discard(each) for each in range(mark.first, mark.last + 1))
        self.dropped[REASONS[mark.reason]] += count
        return count

    def _apply_delivered_total(self, mark: Mark) -> int:
        self.delivered = mark.last
        return 0

    def _apply_dropped_total(self, mark: Mark) -> int:
        self.dropped[REASONS[mark.reason]] = mark.last
        return 0

    def _apply_left(self, mark: Mark) -> int:
        self.left, self.left_at = mark.last, mark.size
        return 1

    def _apply_returned(self, mark: Mark) -> int:
        self.left = None
        if mark.first <= mark.last:
            self.absent += self.accounted.add(mark.first, mark.last)
        return 1

    _APPLIED: ClassVar[Mapping[Kind, Callable[[Account, Mark], int]]] = {
        Kind.JOINED: _apply_joined,
        Kind.DELIVERED: _apply_delivered,
        Kind.DROPPED: _apply_dropped,
        Kind.DEAD: _apply_dead,
        Kind.REPLAYED: _apply_replayed,
        Kind.EVICTED: _apply_evicted,
        Kind.SETTLED: _account,
        Kind.DELIVERED_TOTAL: _apply_delivered_total,
        Kind.DROPPED_TOTAL: _apply_dropped_total,
        Kind.LEFT: _apply_left,
        Kind.RETURNED: _apply_returned,
    }
