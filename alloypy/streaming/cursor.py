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
from alloypy.queueing.tries import NO_ENDS, Ends
from alloypy.streaming.partition import Partition
from alloypy.streaming.parts import Content, Foreign, LetGo, Remnant, Rereading


class _Item(NamedTuple):
    """A record, and where it is."""

    record: Record
    partition: Partition
    offsets: Sequence[int]

    @property
    def offset(self) -> int:
        """Of its last message, by which it is known when a process has ended."""
        return self.offsets[-1]


class StreamCursor:
    """Gives a destination the records of its partitions. One task at a time may wait for the next.

    memory: bytes of records that are kept ready, and of parts that are held while others are missing.
    most_uncommitted: records that may be settled and not committed: while the brokers take no commits,
    nothing more is given out, as it would come twice.
    is_old: whether a time of reception is longer ago than max_age. bury: keeps a dead letter; returns whether
    it could. parts: messages with parts of records, by what has become of them. dead_letters: those that are
    kept, None while that is not known.
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
        self.parts = Counter(unfinished=0, orphaned=0, read_again=0)
        self.dead_letters: int | None = None
        self.settled = asyncio.Event()
        self.has_room = asyncio.Event()
        self.has_room.set()
        self._ready: deque[_Item] = deque()
        self._ready_bytes = 0
        self._back: list[_Item] = []
        self._out: dict[int, _Item] = {}
        self._aside: set[int] = set()
        self._forgotten: Callable[[Sequence[int]], object] = lambda _: None
        self._numbers = count(1)
        self._bell = Bell()
        self._is_closed = False
        self._is_paused = False
        self._is_noted = False
        self._noted = asyncio.Event()
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
        return self._is_noted and not self._is_paused and self.uncommitted < self.most_uncommitted

    def _taken(self) -> _Item:
        item = self._ready.popleft()
        self._ready_bytes -= item.record.size
        if self._ready_bytes < self._memory:
            self.has_room.set()
        return item

    def ends(self, place: Place) -> Ends:
        """How often a process has ended while it may have been delivering the record."""
        item = self._out.get(place.seq)
        return NO_ENDS if item is None else item.partition.crashes.ends(item.offset)

    def held(self, place: Place) -> Record | None:
        """A record that has been given out and is not settled; None if it is."""
        item = self._out.get(place.seq)
        return None if item is None else item.record

    def watch(self, forgotten: Callable[[Sequence[int]], object]) -> None:
        """Call `forgotten` with the numbers of records that were set aside, and go to another consumer."""
        self._forgotten = forgotten

    def tried(self, *places: Place, is_alone: bool = False) -> None:
        """Tries begin. Only one that is made alone is noted; `noted` waits until brokers have the note."""
        for place in places if is_alone else ():
            item = self._out.get(place.seq)
            if item is not None:
                item.partition.crashes.tried_alone(item.offset)
                item.partition.notes += 1
                self.settled.set()

    async def noted(self, place: Place) -> bool:
        """Wait until that is committed; False if another machine has the record by then."""
        while (item := self._out.get(place.seq)) is not None and item.partition.is_ours:
            if item.partition.is_noted:
                return True
            self._noted.clear()
            await self._noted.wait()
        self._over(place)
        return False

    def survived(self, place: Place) -> None:
        """A try goes on, and has not ended the process: the record is innocent."""
        item = self._out.get(place.seq)
        if item is not None and item.record.crashes and item.partition.crashes.survived(item.offset):
            self.settled.set()

    def done(self, *places: Place) -> None:
        """Records have been delivered."""
        for place in places:
            if self._settle(place):
                self._delivered += 1

    def flush(self) -> None:
        """Nothing: what has been settled is committed by and by."""

    def failed(self, place: Place) -> bool:
        """The try has failed. True if the record is older than max_age: it has been dropped."""
        self.survived(place)
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
        """Keep a record as a dead letter; False if it was dropped, as none can be kept.

        Raises ConnectionError if the brokers fail: then it is still given out, and waits.
        """
        item = self._out.get(place.seq)
        if item is None:
            return False
        is_kept = await self._bury(item.record, why, words)
        if not self._settle(place):
            return False
        if is_kept:
            self._dead += 1
        else:
            self._dropped[why] += 1
        return is_kept

    def set_aside(self, place: Place) -> None:
        """A record may be given out for long: nobody waits for it while partitions are shared anew."""
        if place.seq in self._out:
            self._aside.add(place.seq)
            self._look_idle()

    def back(self, place: Place) -> None:
        """Return a record that was not delivered: `next` gives it out again, before later ones."""
        item = self._over(place)
        if item is not None and item.partition.is_ours:
            if item.record.crashes and item.partition.crashes.stopped(item.offset):
                self.settled.set()
            self._back.append(item)
            self._back.sort(key=_number)
            self._bell.ring()

    def _settle(self, place: Place) -> bool:
        item = self._over(place)
        if item is None:
            return False
        if item.partition.is_ours:
            item.partition.progress.settle(item.offsets)
            if item.record.crashes:
                item.partition.crashes.over(item.offset)
            self.uncommitted += 1
            self.settled.set()
        return True

    def _over(self, place: Place) -> _Item | None:
        item = self._out.pop(place.seq, None)
        self._aside.discard(place.seq)
        self._look_idle()
        return item

    def _look_idle(self) -> None:
        if len(self._out) == len(self._aside):
            self._idle.set()

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
        """So many records of those that are settled are committed, and perhaps notes."""
        self.uncommitted = max(0, self.uncommitted - number)
        self._is_noted = self._is_noted or all(each.is_noted for each in self.partitions.values())
        self._noted.set()
        self._bell.ring()

    def feed(self, partition: Partition, offset: int, value: bytes | None, headers: Any, now: float) -> None:
        """Take a message. now: seconds of a clock that is never set."""
        progress = partition.progress
        if partition.rereading is not None:
            self._feed_again(partition, partition.rereading, offset, value or b"")
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
            found = partition.assembly.add(offset, value or b"", headers, now)
        except Remnant:
            self.parts["orphaned"] += 1
            self._skip(partition, [offset])
        except Foreign:
            self._dropped["damaged"] += 1
            self._skip(partition, [offset])
        else:
            if isinstance(found, LetGo):
                partition.again.append(found.offsets)
            elif found is not None:
                self._add(partition, found)
            else:
                self._let_go()

    def _feed_again(self, partition: Partition, record: Rereading, offset: int, value: bytes) -> None:
        """Take a message of a partition in which a record is read again."""
        try:
            content = record.add(offset, value)
        except (Foreign, Remnant) as error:
            self._dropped["damaged" if isinstance(error, Foreign) else "overflow"] += 1
            self._skip(partition, record.offsets)
        else:
            if content is None:
                return
            self._add(partition, content)
        self.parts["read_again"] += len(record.offsets)
        partition.rereading, partition.goes_on = None, True

    def turns(self) -> list[tuple[TopicPartition, int]]:
        """Where to read on: at a record that is to be read again, or where reading was left for one."""
        found = []
        is_free = all(each.rereading is None for each in self.partitions.values())
        for name, each in self.partitions.items():
            if is_free and each.again:
                is_free = False
                each.rereading, each.goes_on = Rereading(each.again.popleft()), False
                found.append((name, each.rereading.offsets[0]))
            elif each.goes_on:
                each.goes_on = False
                found.append((name, each.progress.following))
        return found

    def _let_go(self) -> None:
        """Hold no more parts than there is room for: those of the record that was begun last are let go.

        One record may take more.
        """
        assemblies = [each.assembly for each in self.partitions.values() if each.assembly.held]
        while sum(each.held for each in assemblies) > self._memory:
            held = [(each.begun, at, each) for at, one in enumerate(assemblies) for each in one.holding]
            if len(held) < 2:
                return
            _, at, last = max(held)
            assemblies[at].let_go(last)

    def _add(self, partition: Partition, content: Content) -> None:
        place, offset = Place(1, next(self._numbers)), content.offsets[-1]
        crashes = partition.crashes_at(offset)
        record = Record(place, content.received_at, content.meta, (content.body,), crashes=crashes)
        item = _Item(record, partition, content.offsets)
        self._ready.append(item)
        self._ready_bytes += record.size
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
                self.parts["unfinished"] += len(offsets)
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
        for partition in self.partitions.values():
            partition.stop_rereading()
        self._is_paused = False
        self._is_noted = False
        self._noted.set()
        self.uncommitted = 0
        if lost := [seq for seq in self._aside if not self._out[seq].partition.is_ours]:
            for seq in lost:
                del self._out[seq]
            self._aside.difference_update(lost)
            self._forgotten(lost)
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
