"""One destination's way through a log: what it gets next, and what has become of what it got."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from alloypy.queueing.bell import Bell
from alloypy.queueing.errors import Closed
from alloypy.queueing.marks import REASONS, Account, Kind, Mark
from alloypy.queueing.reader import Piece, Reader
from alloypy.queueing.record import Place, Record
from alloypy.queueing.segments import Segment
from alloypy.queueing.tries import Ends, Tries, name_number


class Behind(NamedTuple):
    """What waits for a destination. oldest: when the first of it was received, nanoseconds."""

    records: int
    bytes: int
    oldest: int | None


class Counts(NamedTuple):
    """What has become of all records for a destination, over restarts.

    stored = delivered + dropped + dead + waiting. dropped: by reason.
    """

    stored: int
    delivered: int
    dropped: Mapping[str, int]
    dead: int
    waiting: int


class Source(Protocol):
    """What a cursor needs of its log."""

    @property
    def last(self) -> int:
        """The number of the last stored record."""

    def cached(self, seq: int) -> Record | None:
        """A record that is still in memory."""

    def segment_holding(self, seq: int) -> Segment | None:
        """The file of a record."""

    def first_after(self, seq: int) -> int:
        """The first number from `seq` on that a file holds; one after the last if none does."""

    async def read(self, reader: Reader, segment: Segment, seq: int) -> Piece | None:
        """Records from a file; None if that failed, and one has to try again."""

    async def letter(self, account: Account, seq: int) -> Record | None:
        """A dead letter that is delivered again; None if that failed, or it was found damaged and dropped."""

    def mark(self, account: Account, mark: Mark) -> int:
        """Note what has become of records; returns how many it is new for."""

    def flush(self) -> None:
        """Write the marks."""

    async def bury(self, account: Account, record: Record, why: str, words: str) -> bool:
        """Make a record a dead letter; returns whether it is kept, or had to be dropped. Raises OSError."""

    def settled_letter(self, account: Account, seq: int) -> None:
        """A dead letter that was delivered again is settled."""

    def is_old(self, received_at: int) -> bool:
        """Whether a record is older than max_age."""

    def expire(self, account: Account) -> None:
        """Drop files that are older than max_age."""


class Cursor:
    """Gives a destination its records in order. One task at a time may wait for the next."""

    def __init__(self, account: Account, source: Source, reader: Reader, tries: Tries) -> None:
        self._account = account
        self._source = source
        self._reader = reader
        self._tries = tries
        self._name_number = name_number(account.name)
        self._next = account.accounted.missing_from(0)
        self._ready: deque[Record] = deque()
        self._back: list[tuple[int, int]] = tries.suspects(self._name_number)
        self._replays = [seq for first, last in account.replayed for seq in range(first, last + 1)]
        self._out: dict[int, Record] = {}
        self._paused: set[int] = set()
        self._forgotten: Callable[[Sequence[int]], object] = lambda _: None
        self._bell = Bell()
        self._is_closed = False

    @property
    def destination(self) -> str:
        """The name of the destination."""
        return self._account.name

    @property
    def being_tried(self) -> Sequence[int]:
        """The numbers of the records that have been given out and do not pause between two tries; sorted."""
        return sorted(self._out.keys() - self._paused)

    def held(self, place: Place) -> Record | None:
        """A record that has been given out and is not settled; None if it is."""
        return self._out.get(place.seq)

    def watch(self, forgotten: Callable[[Sequence[int]], object]) -> None:
        """Call `forgotten` with the numbers of records that paused between tries and wait no more."""
        self._forgotten = forgotten

    async def next(self) -> Record:
        """The next record, once there is one. It is given out again only after `back` or a restart.

        Raises Closed.
        """
        while True:
            if found := self.ready(1, 1):
                return found[0]
            record = await (self._replay() if self._replays else self._read())
            if record is not None and record.place.seq not in self._out:
                return self._given(record)

    def ready(self, most: int, size: int) -> list[Record]:
        """What `next` would give out without having to wait, in order. Raises Closed.

        most: of these records. size: bytes; when they are reached, there is no further record.
        """
        if self._is_closed:
            raise Closed("the queue is closed")
        found = self._fresh(most, size)
        while not found or (len(found) < most and sum(record.size for record in found) < size):
            record = self._take()
            if record is None:
                break
            if record.place.seq not in self._out:
                found.append(self._given(record))
        return found

    def _fresh(self, most: int, size: int) -> list[Record]:
        """The usual case of `ready`: records that are in memory, with nothing before or between them."""
        found: list[Record] = []
        before = self._replays or self._back or self._ready or self._tries.has_ends
        if before or self._account.accounted.highest >= self._next:
            return found
        while len(found) < most and size > 0 and (record := self._source.cached(self._next)) is not None:
            found.append(record)
            self._out[self._next] = record
            self._next += 1
            size -= record.size
        return found

    def _given(self, record: Record) -> Record:
        if self._tries.has_ends:
            crashes = self._tries.ends(record.place.seq, self._name_number).all
            if crashes:
                record = record.after(crashes)
        self._out[record.place.seq] = record
        return record

    def ends(self, place: Place) -> Ends:
        """How often the process has ended while the record was being delivered, and it has not survived."""
        return self._tries.ends(place.seq, self._name_number)

    def tried(self, *places: Place, is_alone: bool = False) -> None:
        """Tries to deliver records begin. is_alone: no other record is being delivered."""
        if self._paused:
            self._paused.difference_update([place.seq for place in places])
        self._tries.tried([place.seq for place in places], self._name_number, is_alone=is_alone)

    async def noted(self, place: Place) -> bool:
        """Wait until the next start would find what `tried` has noted: it does at once. True."""
        return True

    def survived(self, place: Place) -> None:
        """A try goes on, and has not ended the process: it is innocent."""
        self._tries.survived(place.seq, self._name_number)

    def done(self, *places: Place) -> None:
        """Records have been delivered."""
        if self._paused:
            self._paused.difference_update([place.seq for place in places])
        first, last, limit, size = 0, 0, 0, 0
        for place in sorted(places) if len(places) > 1 else places:
            if not place.segment:
                self._settle(place, Kind.DELIVERED)
                continue
            seq = place.seq
            record = self._out.pop(seq, None)
            if seq != last + 1 or seq > limit:
                if first:
                    self._source.mark(self._account, Mark(Kind.DELIVERED, first, last, size))
                first, size, limit = seq, 0, self._account.last_in_file(seq)
            last = seq
            size += 0 if record is None else record.size
        if first:
            self._source.mark(self._account, Mark(Kind.DELIVERED, first, last, size))
        self._tries.over([place.seq for place in places], self._name_number)

    def flush(self) -> None:
        """Write what has become of records, rather than in the next turn of the loop."""
        self._source.flush()

    def failed(self, place: Place) -> bool:
        """The try has failed: the record pauses. True if it is older than max_age: it has been dropped.

        Then all files that are older have been dropped with it, for this destination.
        """
        self._tries.survived(place.seq, self._name_number)
        record = self._out.get(place.seq)
        if record is None:
            return False
        self._paused.add(place.seq)
        if not self._account.is_waiting(place.seq):  # it has been dropped meanwhile
            self._forget([place.seq])
        elif self._source.is_old(record.received_at):
            self.drop(place, "age")
            self._source.expire(self._account)
            return True
        return False

    def set_aside(self, place: Place) -> None:
        """A record pauses that may wait for long: it keeps nothing else in memory."""
        record = self._out.get(place.seq)
        if record is not None:
            self._out[place.seq] = record.alone()
            self._paused.add(place.seq)

    def forget_dropped(self) -> None:
        """Forget records that pause between tries and have been dropped meanwhile."""
        if self._paused:
            self._forget([seq for seq in self._paused if not self._account.is_waiting(seq)])

    def _forget(self, seqs: Sequence[int]) -> None:
        if not seqs:
            return
        for seq in seqs:
            self._out.pop(seq, None)
        self._paused.difference_update(seqs)
        self._tries.over(seqs, self._name_number)
        self._forgotten(seqs)

    def drop(self, place: Place, reason: str) -> None:
        """Give a record up. reason: one of `marks.REASONS`."""
        self._settle(place, Kind.DROPPED, REASONS.index(reason))

    async def dead(self, place: Place, why: str, words: str) -> bool:
        """Keep a record that was given out as a dead letter; False if it was dropped, as none can be kept.

        why: the reason that it counts under when it is dropped. words: for people.
        Raises OSError if the disk does not take it: then it is still given out, and waits.
        """
        record = self._out.get(place.seq)
        if record is None:
            return False
        is_kept = await self._source.bury(self._account, record, why, words)
        self._over(place)
        return is_kept

    def back(self, place: Place) -> None:
        """Return a record that was not delivered: `next` gives it out again, before later ones."""
        if self._out.pop(place.seq, None) is not None:
            self._paused.discard(place.seq)
            if place.segment:
                heapq.heappush(self._back, (0, place.seq))
            else:
                heapq.heappush(self._replays, place.seq)
            self.wake()

    def replayed(self, seqs: list[int]) -> None:
        """Dead letters wait again."""
        for seq in seqs:
            heapq.heappush(self._replays, seq)
        self.wake()

    @property
    def behind(self) -> Behind:
        """What waits, including what has been given out. No I/O."""
        account = self._account
        records = account.waiting(self._source.last)
        if not records:
            return Behind(0, 0, None)
        return Behind(records, account.waiting_bytes(), self._oldest())

    @property
    def counts(self) -> Counts:
        """The counts of this destination. No I/O."""
        account, last = self._account, self._source.last
        return Counts(
            account.stored(last),
            account.delivered,
            dict(account.dropped),
            account.dead.count,
            account.waiting(last),
        )

    @property
    def dead_letters(self) -> int:
        """How many are kept. No I/O."""
        return self._account.dead.count

    def wake(self) -> None:
        """There may be something new."""
        self._bell.ring()

    def close(self) -> None:
        """The log is being closed: nothing more is given out."""
        self._is_closed = True
        self.wake()

    def _settle(self, place: Place, kind: Kind, reason: int = 0) -> None:
        seq = place.seq
        record = self._out.pop(seq, None)
        self._paused.discard(seq)
        self._source.mark(self._account, Mark(kind, seq, seq, 0 if record is None else record.size, reason))
        self._tries.over([seq], self._name_number)
        if not place.segment:
            self._source.settled_letter(self._account, seq)

    def _over(self, place: Place) -> None:
        self._out.pop(place.seq, None)
        self._paused.discard(place.seq)
        self._tries.over([place.seq], self._name_number)

    def _oldest(self) -> int | None:
        first = self._account.accounted.missing_from(0)
        for record in (self._out.get(first), self._source.cached(first)):
            if record is not None:
                return record.received_at
        segment = self._source.segment_holding(first)
        return None if segment is None else segment.first_at

    def _take(self) -> Record | None:
        """The next record that is in memory, if it is."""
        if self._replays:
            return None
        accounted = self._account.accounted
        while self._back and self._back[0][1] in accounted:
            heapq.heappop(self._back)
        if self._back:
            record = self._source.cached(self._back[0][1])
            if record is not None:
                heapq.heappop(self._back)
            return record
        self._next = accounted.missing_from(self._next)
        while self._ready and self._ready[0].place.seq < self._next:
            self._ready.popleft()
        if self._ready and self._ready[0].place.seq == self._next:
            self._next += 1
            return self._ready.popleft()
        record = self._source.cached(self._next)
        if record is not None:
            self._next += 1
        return record

    async def _replay(self) -> Record | None:
        """Read the next dead letter that waits again."""
        seq = self._replays[0]
        if seq not in self._account.replayed or seq in self._out:
            heapq.heappop(self._replays)
            return None
        record = await self._source.letter(self._account, seq)
        if record is not None and self._replays and self._replays[0] == seq and seq in self._account.replayed:
            heapq.heappop(self._replays)
            return record
        return None

    async def _read(self) -> Record | None:
        """Read what is due from its file, or wait until something is stored."""
        seq = self._back[0][1] if self._back else self._next
        if seq > self._source.last:
            await self._bell.wait()
            return None
        segment = self._source.segment_holding(seq)
        if segment is None:
            self._damaged(seq, self._source.first_after(seq) - 1)
            return None
        piece = await self._source.read(self._reader, segment, seq)
        if piece is None:
            return None
        self._note_damage(seq, piece)
        if not self._back or self._back[0][1] != seq:
            self._ready = deque(piece.records)
            return None
        if piece.records and piece.records[0].place.seq == seq and seq not in self._account.accounted:
            heapq.heappop(self._back)
            return piece.records[0]
        return None

    def _note_damage(self, seq: int, piece: Piece) -> None:
        for record in piece.records:
            self._damaged(seq, record.place.seq - 1)
            seq = record.place.seq + 1
        self._damaged(seq, piece.following - 1)

    def _damaged(self, first: int, last: int) -> None:
        """What is missing in the files is given up, and counted."""
        for span in self._account.accounted.missing(first, last) if first <= last else ():
            self._source.mark(self._account, Mark(Kind.DROPPED, *span, reason=REASONS.index("damaged")))
