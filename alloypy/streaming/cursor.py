"""One destination's way through a topic: what it gets next, and what has become of what it got."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from aiokafka.structs import TopicPartition

from alloypy.queueing.bell import Bell
from alloypy.queueing.cursor import Behind, Counts
from alloypy.queueing.errors import Closed
from alloypy.queueing.marks import REASONS
from alloypy.queueing.record import Place, Record
from alloypy.streaming.parts import Assembly, Content, Foreign, Remnant
from alloypy.streaming.progress import Progress


class Partition:
    """One partition that a destination reads. is_ours: until another consumer of its group gets it.

    end: the offset after the last message, as far as known.
    """

    def __init__(self, name: TopicPartition, progress: Progress) -> None:
        self.name = name
        self.progress = progress
        self.assembly = Assembly()
        self.is_ours = True
        self.end = progress.following
        self.committed: tuple[int, str] = (-1, "")

    @property
    def lag(self) -> int:
        """Messages that are not settled, at most."""
        return max(0, self.end - self.progress.first)


class _Item(NamedTuple):
    """A record, and where it is."""

    record: Record
    partition: Partition
    offsets: Sequence[int]


class StreamCursor:
    """Gives a destination the records of its partitions. One task at a time may wait for the next.

    memory: bytes of records that are kept ready. most_uncommitted: records that may be settled and not
    committed: while the brokers take no commits, nothing more is given out, as it would come twice.
    is_old: whether a time of reception is longer ago than max_age. bury: keeps a dead letter; returns whether
    it could. dropped_parts: parts of records that their sender has not completed.
    """

    def __init__(
        self,
        destination: str,
        memory: int,
        most_uncommitted: int,
        is_old: Callable[[int], bool],
        bury: Callable[[Record, str, str], Awaitable[bool]],
    ) -> None:
        self._destination = destination
        self._memory = memory
        self.most_uncommitted = most_uncommitted
        self.uncommitted = 0
        self._is_old = is_old
        self._bury = bury
        self.partitions: dict[TopicPartition, Partition] = {}
        self.dropped_parts = 0
        self.settled = asyncio.Event()
        self.has_room = asyncio.Event()
        self.has_room.set()
        self._ready: deque[_Item] = deque()
        self._ready_bytes = 0
        self._back: list[_Item] = []
        self._out: dict[int, _Item] = {}
        self._numbers = count(1)
        self._bell = Bell()
        self._is_closed = False
        self._is_paused = False
        self._delivered = 0
        self._dead = 0
        self._dropped: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def destination(self) -> str:
        """The name of the destination."""
        return self._destination

    async def next(self) -> Record:
        """The next record, once there is one. Raises Closed."""
        while True:
            if records := self.ready(1, 1):
                return records[0]
            await self._bell.wait()

    def ready(self, most: int, size: int) -> list[Record]:
        """What `next` would give out without having to wait, in order. Raises Closed.

        most: of these records. size: bytes; when they are reached, there is no further record.
        """
        if self._is_closed:
            raise Closed("the queue is closed")
        found: list[Record] = []
        while len(found) < most and size > 0 and self._may_give() and (self._back or self._ready):
            item = self._back.pop(0) if self._back else self._taken()
            if item.partition.is_ours:
                self._out[item.record.place.seq] = item
                self._idle.clear()
                found.append(item.record)
                size -= item.record.size
        return found

    def _may_give(self) -> bool:
        return not self._is_paused and self.uncommitted < self.most_uncommitted

    def _taken(self) -> _Item:
        item = self._ready.popleft()
        self._ready_bytes -= item.record.size
        if self._ready_bytes < self._memory:
            self.has_room.set()
        return item

    def tried(self, *places: Place, is_alone: bool = False) -> None:
        """Nothing: which profile ends the process is not noted in Kafka."""

    def done(self, *places: Place) -> None:
        """Records have been delivered."""
        for place in places:
            if self._settle(place):
                self._delivered += 1

    def flush(self) -> None:
        """Nothing: what has been settled is committed by and by."""

    def failed(self, place: Place) -> bool:
        """The try has failed. True if the record is older than max_age: it has been dropped."""
        item = self._out.get(place.seq)
        if item is None or not self._is_old(item.record.received_at):
            return False
        self.drop(place, "age")
        return True

    def drop(self, place: Place, reason: str) -> None:
        """Give a record up. reason: one of `marks.REASONS`."""
        if self._settle(place):
            self._dropped[reason] += 1

    async def dead(self, place: Place, why: str, words: str) -> bool:
        """Keep a record as a dead letter; False if it was dropped, or waits because the brokers fail."""
        item = self._out.get(place.seq)
        if item is None:
            return False
        try:
            is_kept = await self._bury(item.record, why, words)
        except ConnectionError:
            self.back(place)
            return False
        if not self._settle(place):
            return False
        if is_kept:
            self._dead += 1
        else:
            self._dropped[why] += 1
        return is_kept

    def back(self, place: Place) -> None:
        """Return a record that was not delivered: `next` gives it out again, before later ones."""
        item = self._over(place)
        if item is not None and item.partition.is_ours:
            self._back.append(item)
            self._back.sort(key=_number)
            self._bell.ring()

    def _settle(self, place: Place) -> bool:
        item = self._over(place)
        if item is None:
            return False
        if item.partition.is_ours:
            item.partition.progress.settle(item.offsets)
            self.uncommitted += 1
            self.settled.set()
        return True

    def _over(self, place: Place) -> _Item | None:
        item = self._out.pop(place.seq, None)
        if not self._out:
            self._idle.set()
        return item

    @property
    def behind(self) -> Behind:
        """What waits in the partitions of this machine: messages, and what of it is here."""
        waiting = [*self._out.values(), *self._back, *self._ready]
        records = sum(each.lag for each in self.partitions.values())
        oldest = min((each.record.received_at for each in waiting), default=None)
        return Behind(records, sum(each.record.size for each in waiting), oldest if records else None)

    @property
    def counts(self) -> Counts:
        """What this process has done for the destination."""
        dropped: Mapping[str, int] = {reason: self._dropped[reason] for reason in REASONS}
        waiting = self.behind.records
        ended = self._delivered + sum(dropped.values()) + self._dead
        return Counts(ended + waiting, self._delivered, dropped, self._dead, waiting)

    # What the reader does.

    def committed(self, number: int) -> None:
        """So many records of those that are settled are committed."""
        self.uncommitted = max(0, self.uncommitted - number)
        self._bell.ring()

    def feed(self, partition: Partition, offset: int, value: bytes | None, headers: Any, now: float) -> None:
        """Take a message. now: seconds of a clock that is never set."""
        progress = partition.progress
        if offset < progress.following:
            return
        if offset > progress.following:  # deleted before it was read
            self._dropped["overflow"] += offset - progress.following
            progress.skip(offset)
            self.settled.set()
        progress.following = offset + 1
        if progress.is_settled(offset):
            return
        try:
            content = partition.assembly.add(offset, value or b"", headers, now)
        except Remnant:
            self.dropped_parts += 1
            self._skip(partition, [offset])
        except Foreign:
            self._dropped["damaged"] += 1
            self._skip(partition, [offset])
        else:
            if content is not None:
                self._add(partition, content)

    def _add(self, partition: Partition, content: Content) -> None:
        place = Place(1, next(self._numbers))
        item = _Item(
            Record(place, content.received_at, content.meta, (content.body,)), partition, content.offsets
        )
        self._ready.append(item)
        self._ready_bytes += item.record.size
        if self._ready_bytes >= self._memory:
            self.has_room.clear()
        self._bell.ring()

    def _skip(self, partition: Partition, offsets: Sequence[int]) -> None:
        partition.progress.settle(offsets)
        self.settled.set()

    def expire(self, now: float) -> None:
        """Drop the parts of records that nobody is going to complete."""
        for partition in self.partitions.values():
            for offsets in partition.assembly.expired(now):
                self.dropped_parts += len(offsets)
                self._skip(partition, offsets)

    async def pause(self, seconds: float) -> None:
        """Give nothing out until `assign`, and wait for what is out to be settled, at most so long."""
        self._is_paused = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def assign(self, partitions: Mapping[TopicPartition, Partition]) -> None:
        """Read these partitions from now on, and forget what is here of others."""
        for name, partition in self.partitions.items():
            if partitions.get(name) is not partition:
                partition.is_ours = False
        self.partitions = dict(partitions)
        self._is_paused = False
        self.uncommitted = 0
        self._back = [each for each in self._back if each.partition.is_ours]
        self._ready = deque(each for each in self._ready if each.partition.is_ours)
        self._ready_bytes = sum(each.record.size for each in self._ready)
        if self._ready_bytes < self._memory:
            self.has_room.set()
        self._bell.ring()

    def close(self) -> None:
        """Nothing more is given out."""
        self._is_closed = True
        self._bell.ring()


def _number(item: _Item) -> int:
    return item.record.place.seq
